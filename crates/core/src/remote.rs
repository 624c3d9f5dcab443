//! A CRM's side in our words: its fields and its schema.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Value;

/// A value in a CRM's field; `None` is "empty there" or, in a plan, "clear it".
pub type RemoteValue = Option<Value>;

/// The CRM's own field names and typed values. Connectors get and give these and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RemoteFields(pub BTreeMap<String, RemoteValue>);

impl RemoteFields {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn set(&mut self, name: impl Into<String>, value: Value) {
        self.0.insert(name.into(), Some(value));
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)?.as_ref()
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_text)
    }
}

impl FromIterator<(String, RemoteValue)> for RemoteFields {
    fn from_iter<I: IntoIterator<Item = (String, RemoteValue)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

/// What values a remote field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteType {
    Text,
    Email,
    Phone,
    Url,
    Bool,
    Int,
    Decimal,
    Date,
    Instant,
    Choice,
    /// Several choices.
    Choices,
    /// The id of another record.
    Reference,
}

/// One field as the CRM describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteField {
    pub name: String,
    pub label: String,
    pub data_type: RemoteType,
    /// Longest text, in characters.
    pub max_length: Option<usize>,
    pub required: bool,
    pub createable: bool,
    pub updateable: bool,
    /// Whether the CRM keeps its values unique and finds records by them.
    pub unique: bool,
    /// Allowed codes; `restricted` says whether others are refused.
    pub choices: Vec<String>,
    pub restricted: bool,
}

/// One remote type as the CRM describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteSchema {
    pub remote_type: String,
    pub fields: Vec<RemoteField>,
}

impl RemoteSchema {
    pub fn field(&self, name: &str) -> Option<&RemoteField> {
        self.fields.iter().find(|field| field.name == name)
    }
}
