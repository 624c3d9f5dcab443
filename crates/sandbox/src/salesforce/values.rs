//! Values of fields: what the API accepts and how it writes them.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::failure::Failure;
use super::ids;
use super::schema::{Field, Kind};
use super::tables::Row;

/// The vendor's datetime: an offset without a colon, which strict RFC 3339 parsers reject.
pub fn datetime(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string()
}

/// Reads `Z`, `+00:00` and `+0000`.
pub fn parse_datetime(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let cut = text.len().checked_sub(5)?;
    let (start, offset) = (text.get(..cut)?, text.get(cut..)?);
    let sign_and_digits = offset.starts_with(['+', '-']) && offset[1..].bytes().all(|byte| byte.is_ascii_digit());
    if !sign_and_digits {
        return None;
    }
    format!("{start}{}:{}", &offset[..3], &offset[3..]).parse().ok()
}

pub fn parse_date(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

/// An HTTP date, as `Last-Modified` carries it.
pub fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

pub fn parse_http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "VALUE_NULL",
        Value::Bool(true) => "VALUE_TRUE",
        Value::Bool(false) => "VALUE_FALSE",
        Value::Number(number) if number.is_f64() => "VALUE_NUMBER_FLOAT",
        Value::Number(_) => "VALUE_NUMBER_INT",
        Value::String(_) => "VALUE_STRING",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    }
}

fn unreadable(wanted: &str, value: &Value) -> Failure {
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Failure::malformed(format!(
        "Cannot deserialize instance of {wanted} from {} value {shown} or request may be missing a required field at \
         [line:1, column:2]",
        json_kind(value)
    ))
}

/// Turns an input value into the stored one, or says why it cannot be stored. Null is the caller's business.
pub fn accept(field: &Field, value: &Value, trim: bool) -> Result<Value, Failure> {
    match field.kind {
        Kind::Boolean => value.as_bool().map(Value::Bool).ok_or_else(|| unreadable("boolean", value)),
        Kind::Int => match value.as_i64() {
            Some(number) if i32::try_from(number).is_ok() => Ok(json!(number)),
            Some(_) => Err(Failure::record(
                "NUMBER_OUTSIDE_VALID_RANGE",
                format!("{}: number too large", field.label),
                &[&field.name],
            )),
            None => Err(unreadable("int", value)),
        },
        Kind::Double | Kind::Currency | Kind::Percent => {
            if value.is_number() {
                Ok(value.clone())
            } else {
                Err(unreadable("double", value))
            }
        }
        Kind::Date => {
            // A datetime is accepted for a date; its day counts.
            let text = value.as_str().unwrap_or_default();
            let day = parse_date(text).or_else(|| parse_datetime(text).and_then(|_| parse_date(text.get(..10)?)));
            day.map(|day| json!(day.to_string())).ok_or_else(|| unreadable("date", value))
        }
        Kind::Datetime => value
            .as_str()
            .and_then(parse_datetime)
            .map(|time| json!(datetime(time)))
            .ok_or_else(|| unreadable("dateTime", value)),
        Kind::Address => Err(unreadable("Address", value)),
        _ => {
            let text = value.as_str().ok_or_else(|| unreadable("string", value))?;
            accept_text(field, if trim { text.trim() } else { text })
        }
    }
}

/// A key that came as text, in a path or a cell, as a value of its field.
pub fn key(field: &Field, text: &str) -> Value {
    let number = match field.kind {
        Kind::Int => text.parse::<i64>().ok().map(|number| json!(number)),
        Kind::Double | Kind::Currency | Kind::Percent => text.parse::<f64>().ok().map(|number| json!(number)),
        _ => None,
    };
    number.unwrap_or_else(|| json!(text))
}

fn accept_text(field: &Field, text: &str) -> Result<Value, Failure> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    let refuse = |code, message: String| Err(Failure::record(code, message, &[&field.name]));
    match field.kind {
        Kind::Reference | Kind::Id => {
            let Some(id) = ids::parse(text) else {
                return refuse("MALFORMED_ID", format!("{}: id value of incorrect type: {text}", field.label));
            };
            return Ok(json!(id));
        }
        Kind::Picklist | Kind::Multipicklist if field.restricted => {
            let several = field.kind == Kind::Multipicklist;
            let known = |part: &str| field.values.iter().any(|value| value == part);
            let good = if several { text.split(';').all(known) } else { known(text) };
            if !good {
                let message = format!("{}: bad value for restricted picklist field: {text}", field.label);
                return refuse("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message);
            }
        }
        Kind::Email if !plausible_email(text) => {
            return refuse("INVALID_EMAIL_ADDRESS", format!("{}: invalid email address: {text}", field.label));
        }
        _ => {}
    }
    if field.kind != Kind::Multipicklist && text.chars().count() > field.length {
        let message = format!("{}: data value too large: {text} (max length={})", field.label, field.length);
        return refuse("STRING_TOO_LONG", message);
    }
    Ok(json!(text))
}

/// The vendor's own check is loose: one `@`, a dotted domain, no white space.
fn plausible_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let clean = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@,;<>()\"".contains(c));
    clean(local)
        && clean(domain)
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !domain.contains("..")
}

/// What a read shows for a field of a row. Compound addresses are put together here.
pub fn shown(field: &Field, row: &Row) -> Value {
    if field.kind != Kind::Address {
        return row.get(&field.name).clone();
    }
    let prefix = field.name.strip_suffix("Address").unwrap_or_default();
    let part = |name: &str| row.get(&format!("{prefix}{name}")).clone();
    let address = json!({
        "city": part("City"), "country": part("Country"), "geocodeAccuracy": null, "latitude": null,
        "longitude": null, "postalCode": part("PostalCode"), "state": part("State"), "street": part("Street"),
    });
    let filled = address.as_object().is_some_and(|parts| parts.values().any(|value| !value.is_null()));
    if filled { address } else { Value::Null }
}

/// `time` moved by whole seconds; stays put at the edges of time.
pub fn plus_seconds(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datetime_is_read_with_every_offset_spelling_and_written_without_colon() {
        for text in ["2026-11-22T08:15:11Z", "2026-11-22T09:15:11+01:00", "2026-11-22T08:15:11.000+0000"] {
            let time = parse_datetime(text).expect(text);
            assert_eq!(datetime(time), "2026-11-22T08:15:11.000+0000");
        }
        assert_eq!(parse_datetime("yesterday"), None);
    }

    #[test]
    fn http_dates_survive_the_round_trip() {
        let time = parse_http_date("Tue, 10 Nov 2026 00:00:00 GMT").expect("a date");
        assert_eq!(http_date(time), "Tue, 10 Nov 2026 00:00:00 GMT");
    }
}
