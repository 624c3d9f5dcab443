//! What Salesforce answers when it refuses: one shape in the code, three on the wire.

use serde_json::{Map, Value, json};

/// A refusal of one record or one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    /// Present on everything that failed while saving a record.
    pub fields: Option<Vec<String>>,
    /// The candidates of a duplicate rule; only single-record endpoints show them.
    pub duplicates: Option<Box<Value>>,
    /// Record URLs when an external id is ambiguous: the 300 answer.
    pub choices: Vec<String>,
}

impl Failure {
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Failure {
        Failure { status, code, message: message.into(), fields: None, duplicates: None, choices: Vec::new() }
    }

    /// A record that cannot be saved.
    pub fn record(code: &'static str, message: impl Into<String>, fields: &[&str]) -> Failure {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        Failure { fields: Some(fields), ..Failure::new(400, code, message) }
    }

    pub fn no_resource() -> Failure {
        Failure::new(404, "NOT_FOUND", "The requested resource does not exist")
    }

    pub fn malformed(message: impl Into<String>) -> Failure {
        Failure::new(400, "JSON_PARSER_ERROR", message)
    }

    /// An element of the error array of single-record endpoints.
    pub fn to_rest(&self) -> Value {
        let mut error = Map::new();
        if let Some(duplicates) = &self.duplicates {
            // The vendor misspells the key; clients depend on it.
            error.insert("duplicateResut".to_owned(), Value::clone(duplicates));
        }
        error.insert("message".to_owned(), json!(self.message));
        error.insert("errorCode".to_owned(), json!(self.code));
        if let Some(fields) = self.fields.as_ref().filter(|_| self.duplicates.is_none()) {
            error.insert("fields".to_owned(), json!(fields));
        }
        Value::Object(error)
    }

    /// An element of `errors` in a collections row, where the code has another name.
    pub fn to_row(&self) -> Value {
        json!({
            "statusCode": if self.choices.is_empty() { self.code } else { "DUPLICATE_EXTERNAL_ID" },
            "message": self.message,
            "fields": self.fields.clone().unwrap_or_default(),
        })
    }

    /// The whole body of a single-record answer.
    pub fn to_body(&self) -> Value {
        if self.choices.is_empty() { json!([self.to_rest()]) } else { json!(self.choices) }
    }
}
