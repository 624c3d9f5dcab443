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

impl Element {
    /// What it says, whoever said it.
    fn said(&self) -> (&str, Option<Label>, bool, &Value) {
        (&self.key, self.label, self.primary, &self.sourced.value)
    }
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
    /// Whether both say the same, whoever said it: then no CRM has to be told.
    pub fn says_same(&self, other: &Fields) -> bool {
        let same = |a: &Slot, b: &Slot| match (a, b) {
            (Slot::One(a), Slot::One(b)) => a.value == b.value,
            (Slot::Set(a), Slot::Set(b)) => a.iter().map(Element::said).eq(b.iter().map(Element::said)),
            _ => false,
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|((f, a), (g, b))| f == g && same(a, b))
    }

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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{SignalId, Source, SourceKind, SubjectId, Time};

    fn sourced(value: &str, at: i64) -> Sourced {
        Sourced {
            value: Value::Text(value.into()),
            source: Source::new(SourceKind::Badge, "test"),
            observed_at: Time(at),
            signal: SignalId(Uuid::from_u128(at.unsigned_abs().into())),
            subject: SubjectId(Uuid::from_u128(7)),
            confidence: 100,
            how: "test".into(),
        }
    }

    fn fields(city: &str, email: &str, label: Label, at: i64) -> Fields {
        let element = Element { key: email.into(), label: Some(label), primary: true, sourced: sourced(email, at) };
        Fields([(Field::CITY, Slot::One(sourced(city, at))), (Field::EMAILS, Slot::Set(vec![element]))].into())
    }

    #[test]
    fn who_said_it_and_when_is_not_what_is_said() {
        let one = fields("Ulm", "a@b.example", Label::Work, 1);
        let again = fields("Ulm", "a@b.example", Label::Work, 2);
        assert!(one != again && one.says_same(&again));
        assert!(!one.says_same(&fields("Aalen", "a@b.example", Label::Work, 1)));
        assert!(!one.says_same(&fields("Ulm", "c@b.example", Label::Work, 1)));
        assert!(!one.says_same(&fields("Ulm", "a@b.example", Label::Private, 1)));
        let mut more = again.clone();
        more.0.insert(Field::COUNTRY, Slot::One(sourced("DE", 2)));
        assert!(!one.says_same(&more) && !more.says_same(&one));
        let two = again.0.get(&Field::EMAILS).cloned();
        let twice = Slot::Set(
            two.into_iter()
                .flat_map(|slot| match slot {
                    Slot::Set(elements) => [elements.clone(), elements].concat(),
                    Slot::One(_) => Vec::new(),
                })
                .collect(),
        );
        more = again;
        more.0.insert(Field::EMAILS, twice);
        assert!(!one.says_same(&more));
    }
}
