//! How values are written as HubSpot's texts, and read from them.

use jiff::{civil::Date, tz::TimeZone};
use mittler_core::{RemoteSchema, Time, Value, remote::RemoteType};

use crate::wire;

/// What a property holds; what is not described is text.
pub fn type_of(schema: &RemoteSchema, name: &str) -> RemoteType {
    schema.field(name).map_or(RemoteType::Text, |field| field.data_type)
}

/// The text for a property of this type; `None` if the value cannot be there at all.
pub fn encode(value: &Value, data_type: RemoteType) -> Option<String> {
    Some(match (value, data_type) {
        // A datetime property takes no bare date.
        (Value::Date(date), RemoteType::Instant) => format!("{date}T00:00:00Z"),
        (Value::Instant { at, .. }, RemoteType::Date) => at.timestamp().to_zoned(TimeZone::UTC).date().to_string(),
        (Value::Instant { at, .. }, _) => iso(*at),
        (Value::Date(date), _) => date.to_string(),
        (Value::Text(text) | Value::Choice(text) | Value::RemoteRef(text), _) => text.replace("\r\n", "\n"),
        (Value::Int(int), _) => int.to_string(),
        (Value::Decimal(decimal), _) => decimal.to_string(),
        (Value::Money { amount, .. }, _) => amount.to_string(),
        (Value::Bool(bool), _) => bool.to_string(),
        (Value::Ref(_) | Value::Blob { .. }, _) => return None,
    })
}

/// The value that a property's text stands for. A text that is not of the type stays text: what is
/// in the CRM is shown, not judged.
pub fn decode(text: &str, data_type: RemoteType) -> Option<Value> {
    let typed = match data_type {
        RemoteType::Bool => text.to_ascii_lowercase().parse().ok().map(Value::Bool),
        RemoteType::Int | RemoteType::Decimal => text.parse().ok().map(Value::Decimal),
        RemoteType::Date => date(text).map(Value::Date),
        RemoteType::Instant => wire::time(text).map(Value::instant),
        RemoteType::Choice => Some(Value::choice(text)),
        RemoteType::Reference => Some(Value::RemoteRef(text.to_owned())),
        RemoteType::Text | RemoteType::Email | RemoteType::Phone | RemoteType::Url | RemoteType::Choices => None,
    };
    typed.or_else(|| Value::text(text))
}

/// The time to the millisecond, which is as fine as HubSpot keeps it.
pub fn iso(at: Time) -> String {
    format!("{:.3}", Time::from_millis(at.millis()).timestamp())
}

/// `2026-04-20`, or the milliseconds of its midnight in UTC.
fn date(text: &str) -> Option<Date> {
    if let Ok(date) = text.parse::<Date>() {
        return Some(date);
    }
    Some(wire::time(text)?.timestamp().to_zoned(TimeZone::UTC).date())
}

/// The id of a record that is a pair of others.
pub fn pair_id(one: &str, other: &str) -> String {
    format!("{one}:{other}")
}

/// The two records behind such an id.
pub fn pair_ends(id: &str) -> Option<(&str, &str)> {
    id.split_once(':')
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn every_value_is_written_as_text_and_read_back() {
        let day = Value::Date("2026-04-20".parse().unwrap());
        let moment = Value::instant("2026-04-20T07:00:00.250Z".parse().unwrap());
        let cases = [
            (Value::Text("Zoë — café".into()), RemoteType::Text, "Zoë — café"),
            (Value::Bool(true), RemoteType::Bool, "true"),
            (Value::Decimal(Decimal::new(125, 1)), RemoteType::Decimal, "12.5"),
            (day, RemoteType::Date, "2026-04-20"),
            (moment, RemoteType::Instant, "2026-04-20T07:00:00.250Z"),
            (Value::choice("NOT_STARTED"), RemoteType::Choice, "NOT_STARTED"),
            (Value::RemoteRef("41629779".into()), RemoteType::Reference, "41629779"),
        ];
        for (value, data_type, text) in cases {
            assert_eq!(encode(&value, data_type).as_deref(), Some(text));
            assert_eq!(decode(text, data_type), Some(value));
        }
    }

    #[test]
    fn a_date_becomes_the_midnight_of_a_datetime_property() {
        let value = Value::Date("2026-04-20".parse().unwrap());
        assert_eq!(encode(&value, RemoteType::Instant).as_deref(), Some("2026-04-20T00:00:00Z"));
    }

    #[test]
    fn times_are_cut_to_milliseconds_and_read_from_them() {
        let at: Time = "2026-04-20T07:00:00.250999Z".parse().unwrap();
        assert_eq!(iso(at), "2026-04-20T07:00:00.250Z");
        assert_eq!(decode("1776668400250", RemoteType::Instant), Some(Value::instant(Time(1_776_668_400_250_000))));
        assert_eq!(decode("1776643200000", RemoteType::Date), Some(Value::Date("2026-04-20".parse().unwrap())));
    }

    #[test]
    fn what_is_not_of_its_type_is_shown_as_text() {
        assert_eq!(decode("next week", RemoteType::Date), Some(Value::Text("next week".into())));
        assert_eq!(decode("", RemoteType::Text), None);
    }

    #[test]
    fn lines_end_the_way_hubspot_wants_them() {
        assert_eq!(encode(&Value::Text("a\r\nb".into()), RemoteType::Text).as_deref(), Some("a\nb"));
    }

    #[test]
    fn a_record_of_ours_is_no_value_of_theirs() {
        let blob = Value::Blob { hash: "0".into(), name: "a".into(), media_type: "b".into(), size: 1 };
        assert_eq!(encode(&blob, RemoteType::Text), None);
    }
}
