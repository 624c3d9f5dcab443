//! Values and what makes two of them equal.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::{RecordId, Time};

/// One value of one field. In JSON: `{"text": "…"}`, `{"int": 7}`, `{"choice": "DE"}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    Text(String),
    Int(i64),
    Decimal(Decimal),
    /// An amount and its currency by ISO 4217.
    Money {
        amount: Decimal,
        currency: String,
    },
    Bool(bool),
    Date(Date),
    /// A point in time with the offset from UTC, in minutes, that its source wrote.
    Instant {
        at: Time,
        offset: i16,
    },
    /// A code out of a fixed list: country by ISO 3166, salutation, status.
    Choice(String),
    /// Another record of ours.
    Ref(RecordId),
    /// A record of a CRM, by its remote id. Only in remote fields.
    RemoteRef(String),
    /// Bytes kept elsewhere, by their SHA-256.
    Blob {
        hash: String,
        name: String,
        media_type: String,
        size: u64,
    },
}

impl Value {
    /// Text that is NFC and trimmed; `None` if nothing is left.
    pub fn text(text: &str) -> Option<Value> {
        let clean = clean(text);
        (!clean.is_empty()).then_some(Value::Text(clean))
    }

    pub fn choice(code: impl Into<String>) -> Value {
        Value::Choice(code.into())
    }

    pub fn instant(at: Time) -> Value {
        Value::Instant { at, offset: 0 }
    }

    /// How a person would write it in one line.
    pub fn display(&self) -> String {
        match self {
            Value::Text(text) | Value::Choice(text) | Value::RemoteRef(text) => text.clone(),
            Value::Int(int) => int.to_string(),
            Value::Decimal(decimal) => decimal.to_string(),
            Value::Money { amount, currency } => format!("{amount} {currency}"),
            Value::Bool(bool) => bool.to_string(),
            Value::Date(date) => date.to_string(),
            Value::Instant { at, .. } => at.to_string(),
            Value::Ref(record) => record.to_string(),
            Value::Blob { name, .. } => name.clone(),
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) | Value::Choice(text) | Value::RemoteRef(text) => Some(text),
            _ => None,
        }
    }

    /// Whether both say the same: text by NFC and trimmed ends, instants by the point in time,
    /// numbers by value.
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Instant { at: a, .. }, Value::Instant { at: b, .. }) => a == b,
            (Value::Int(a), Value::Decimal(b)) | (Value::Decimal(b), Value::Int(a)) => Decimal::from(*a) == *b,
            // A picklist's code, an id and a text that reads the same are one value to a CRM.
            (a, b) => match (a.as_text(), b.as_text()) {
                (Some(a), Some(b)) => clean(a) == clean(b),
                _ => a == b,
            },
        }
    }
}

/// NFC, trimmed, without the invisible characters that copying leaves behind.
pub fn clean(text: &str) -> String {
    let visible: String =
        text.nfc().filter(|c| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')).collect();
    visible.trim_matches(|c: char| c.is_whitespace() || c == '\u{a0}' || c == '\0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_same_whatever_its_unicode_form_and_ends() {
        let composed = Value::Text("Müller".into());
        let decomposed = Value::Text(" Mu\u{308}ller\u{a0}".into());
        assert!(composed.same(&decomposed));
        assert_eq!(Value::text(" \u{200b} "), None);
    }
}
