//! A record: what Mittler holds to be true about one thing, each value with its source.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Field, Kind, Label, RecordId, Sourced, Value};

/// One element of a set field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// The normalised value: the address lower-cased, the number in E.164.
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub primary: bool,
    #[serde(flatten)]
    pub sourced: Sourced,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Slot {
    /// Elements, the best first.
    Set(Vec<Element>),
    One(Sourced),
}

/// The fields of a record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(pub BTreeMap<Field, Slot>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub id: RecordId,
    pub kind: Kind,
    /// Raised by one with each derivation that changed something.
    pub version: i64,
    pub fields: Fields,
}

impl Fields {
    pub fn sourced(&self, field: &Field) -> Option<&Sourced> {
        match self.0.get(field)? {
            Slot::One(sourced) => Some(sourced),
            Slot::Set(elements) => elements.first().map(|element| &element.sourced),
        }
    }

    /// The value of a field; of a set its first element.
    pub fn value(&self, field: &Field) -> Option<&Value> {
        self.sourced(field).map(|sourced| &sourced.value)
    }

    pub fn text(&self, field: &Field) -> Option<&str> {
        self.value(field).and_then(Value::as_text)
    }

    pub fn elements(&self, field: &Field) -> &[Element] {
        match self.0.get(field) {
            Some(Slot::Set(elements)) => elements,
            _ => &[],
        }
    }

    /// The best element that carries one of the labels.
    pub fn labelled(&self, field: &Field, labels: &[Label]) -> Option<&Element> {
        self.elements(field).iter().find(|element| element.label.is_some_and(|label| labels.contains(&label)))
    }

    pub fn reference(&self, field: &Field) -> Option<RecordId> {
        match self.value(field)? {
            Value::Ref(record) => Some(*record),
            _ => None,
        }
    }

    /// A line that names the record to a person.
    pub fn title(&self) -> String {
        let parts: Vec<&str> =
            [Field::FIRST_NAME, Field::LAST_NAME].iter().filter_map(|field| self.text(field)).collect();
        if !parts.is_empty() {
            return parts.join(" ");
        }
        [Field::NAME, Field::SUBJECT, Field::EMAILS, Field::COMPANY]
            .iter()
            .find_map(|field| self.text(field))
            .unwrap_or("")
            .to_owned()
    }
}
