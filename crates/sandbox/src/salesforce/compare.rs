//! How values of records and literals of queries compare.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::failure::Failure;
use super::ids;
use super::schema::{Field, Kind};
use super::soql::{Compare, Literal};
use super::values;

/// How values compare in a set: without case, numbers by value.
pub fn key(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_lowercase(),
        Value::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        other => other.to_string(),
    }
}

/// The literal as a value of the field, or the vendor's refusal of a literal of another type.
pub fn fit(field: &Field, literal: &Literal) -> Result<Value, Failure> {
    let wrong = |wanted: &str, hint: &str| {
        let message = format!("value of filter criterion for field '{}' must be of type {wanted}{hint}", field.name);
        Err(Failure::new(400, "INVALID_FIELD", message))
    };
    let unquoted = " and should not be enclosed in quotes";
    match (field.kind, literal) {
        (_, Literal::Null) => Ok(Value::Null),
        (_, Literal::Days(..)) => wrong("a single value", ""),
        (Kind::Boolean, Literal::Bool(value)) => Ok(json!(value)),
        (Kind::Boolean, _) => wrong("boolean", unquoted),
        (Kind::Int | Kind::Double | Kind::Currency | Kind::Percent, Literal::Number(number)) => Ok(json!(number)),
        (Kind::Int | Kind::Double | Kind::Currency | Kind::Percent, _) => wrong("double", unquoted),
        (Kind::Datetime, Literal::Time(text)) => match values::parse_datetime(text) {
            Some(time) => Ok(json!(values::datetime(time))),
            None => wrong("dateTime", ""),
        },
        (Kind::Datetime, _) => wrong("dateTime", unquoted),
        (Kind::Date, Literal::Time(text)) => match values::parse_date(text) {
            Some(day) => Ok(json!(day.to_string())),
            None => wrong("date", ""),
        },
        (Kind::Date, _) => wrong("date", unquoted),
        (Kind::Id | Kind::Reference, Literal::Text(text)) => match ids::parse(text) {
            Some(id) => Ok(json!(id)),
            None if text.is_empty() => Ok(Value::Null),
            None => {
                let message = format!("invalid ID field: {text}");
                Err(Failure::new(400, "INVALID_QUERY_FILTER_OPERATOR", message))
            }
        },
        (_, Literal::Text(text)) if text.is_empty() => Ok(Value::Null),
        (_, Literal::Text(text)) => Ok(json!(text)),
        _ => wrong("string", " and should be enclosed in quotes"),
    }
}

pub fn compare_values(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.to_lowercase().cmp(&right.to_lowercase())),
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        _ => None,
    }
}

pub fn compares(value: &Value, compare: Compare, wanted: &Value) -> bool {
    if compare == Compare::Like {
        let (Some(text), Some(pattern)) = (value.as_str(), wanted.as_str()) else { return false };
        return like(&text.to_lowercase(), &pattern.to_lowercase());
    }
    // An id compares exactly; both sides already have their 18 characters and its case cannot differ.
    let ordering = compare_values(value, wanted);
    match compare {
        Compare::Equal => ordering == Some(Ordering::Equal),
        Compare::NotEqual => ordering != Some(Ordering::Equal),
        _ if value.is_null() || wanted.is_null() => false,
        Compare::Less => ordering.is_some_and(Ordering::is_lt),
        Compare::LessOrEqual => ordering.is_some_and(Ordering::is_le),
        Compare::Greater => ordering.is_some_and(Ordering::is_gt),
        Compare::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
        Compare::Like => false,
    }
}

/// A span is before, after or around a value as a whole.
pub fn in_span(value: &Value, compare: Compare, start: &Value, end: &Value) -> bool {
    let from = compares(value, Compare::GreaterOrEqual, start);
    let until = compares(value, Compare::Less, end);
    match compare {
        Compare::Equal => from && until,
        Compare::NotEqual => !(from && until),
        Compare::Less => compares(value, Compare::Less, start),
        Compare::LessOrEqual => until,
        Compare::Greater => compares(value, Compare::GreaterOrEqual, end),
        Compare::GreaterOrEqual => from,
        Compare::Like => false,
    }
}

/// `%` is any run of letters, `_` any letter, a backslash takes the next one literally.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut parts: Vec<Option<Option<char>>> = Vec::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        parts.push(match letter {
            '%' => None,
            '_' => Some(None),
            '\\' => Some(letters.next()),
            letter => Some(Some(letter)),
        });
    }
    let (mut at, mut part, mut retry) = (0, 0, None);
    while at < text.len() {
        match parts.get(part) {
            Some(None) => {
                retry = Some((at, part));
                part += 1;
            }
            Some(Some(wanted)) if wanted.is_none_or(|wanted| wanted == text[at]) => {
                at += 1;
                part += 1;
            }
            _ => {
                let Some((from, star)) = retry else { return false };
                at = from + 1;
                part = star + 1;
                retry = Some((from + 1, star));
            }
        }
    }
    parts[part..].iter().all(Option::is_none)
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn like_knows_both_wildcards_and_escapes() {
        assert!(like("acme gmbh", "acme%"));
        assert!(like("acme gmbh", "%gm_h"));
        assert!(like("a%b", "a\\%b"));
        assert!(!like("axb", "a\\%b"));
        assert!(!like("acme", "acme_"));
        assert!(like("", "%"));
    }
}
