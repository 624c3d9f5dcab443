//! HubSpot's JSON. Every field may be missing, and ids come as strings or as numbers.

use std::collections::BTreeMap;

use mittler_connector::http::Answer;
use mittler_core::Time;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value};

pub fn parse<T: DeserializeOwned>(answer: &Answer) -> Option<T> {
    serde_json::from_slice(&answer.body).ok()
}

/// A record of any object type, as read or as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    #[serde(deserialize_with = "id")]
    pub id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub properties: Map<String, Value>,
    /// By property, where it was asked for: what it held, the newest first.
    #[serde(default, deserialize_with = "or_default")]
    pub properties_with_history: BTreeMap<String, Vec<Version>>,
    #[serde(default)]
    pub updated_at: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub archived: bool,
    /// Upserts only.
    #[serde(default)]
    pub new: Option<bool>,
    #[serde(default)]
    pub object_write_trace_id: Option<String>,
}

/// A value that a property held, and since when.
#[derive(Debug, Clone, Deserialize)]
pub struct Version {
    #[serde(default)]
    pub value: Option<String>,
    #[serde(default)]
    pub timestamp: Option<String>,
}

impl Record {
    /// A property's text; empty is none.
    pub fn text(&self, name: &str) -> Option<String> {
        self.properties.get(name).and_then(text).filter(|text| !text.is_empty())
    }

    pub fn modified_at(&self, property: &str) -> Option<Time> {
        let stamp = self.text(property).or_else(|| self.updated_at.clone())?;
        time(&stamp)
    }
}

/// The answer to a batch call. Failed rows stand in `errors`, whatever the status.
#[derive(Debug, Deserialize)]
pub struct Batch<T> {
    #[serde(default = "Vec::new")]
    pub results: Vec<T>,
    #[serde(default, deserialize_with = "or_default")]
    pub errors: Vec<Failure>,
}

/// A page of a search or a list.
#[derive(Debug, Deserialize)]
pub struct Listed<T> {
    #[serde(default = "Vec::new")]
    pub results: Vec<T>,
    #[serde(default)]
    pub paging: Option<Paging>,
}

impl<T> Listed<T> {
    pub fn after(&self) -> Option<&str> {
        self.paging.as_ref()?.after()
    }
}

#[derive(Debug, Deserialize)]
pub struct Paging {
    #[serde(default)]
    pub next: Option<Next>,
}

impl Paging {
    pub fn after(&self) -> Option<&str> {
        self.next.as_ref()?.after.as_deref()
    }
}

#[derive(Debug, Deserialize)]
pub struct Next {
    #[serde(default, deserialize_with = "optional_id")]
    pub after: Option<String>,
}

/// The error envelope, of a whole answer and of one row of a batch.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    #[serde(default, deserialize_with = "or_default")]
    pub message: String,
    #[serde(default)]
    pub category: Option<String>,
    #[serde(default)]
    pub policy_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub errors: Vec<Detail>,
    #[serde(default, deserialize_with = "or_default")]
    pub context: Map<String, Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Detail {
    #[serde(default, deserialize_with = "or_default")]
    pub message: String,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub context: Map<String, Value>,
}

/// What the list inside "Property values were not valid: […]" says of one property.
#[derive(Debug, Deserialize)]
pub struct InvalidProperty {
    #[serde(default)]
    pub error: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
}

/// Values of a context: lists, though some specifications say text.
pub fn context(context: &Map<String, Value>, name: &str) -> Vec<String> {
    match context.get(name) {
        Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// A property as the properties API describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "it is their JSON")]
pub struct Property {
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub label: String,
    #[serde(default, rename = "type")]
    pub value_type: String,
    #[serde(default, deserialize_with = "or_default")]
    pub field_type: String,
    #[serde(default)]
    pub has_unique_value: bool,
    #[serde(default)]
    pub calculated: bool,
    #[serde(default)]
    pub external_options: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub archived: bool,
    #[serde(default)]
    pub referenced_object_type: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub options: Vec<Choice>,
    #[serde(default)]
    pub modification_metadata: Option<Modification>,
}

#[derive(Debug, Deserialize)]
pub struct Choice {
    pub value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Modification {
    #[serde(default)]
    pub read_only_value: bool,
}

/// The ids at the other end of one record's associations.
#[derive(Debug, Deserialize)]
pub struct Associated {
    pub from: Reference,
    #[serde(default)]
    pub to: Vec<End>,
    #[serde(default)]
    pub paging: Option<Paging>,
}

#[derive(Debug, Deserialize)]
pub struct Reference {
    #[serde(deserialize_with = "id")]
    pub id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    #[serde(deserialize_with = "id")]
    pub to_object_id: String,
}

/// One direction of a pair that was associated.
#[derive(Debug, Deserialize)]
pub struct Joined {
    pub from: Reference,
    pub to: Reference,
}

#[derive(Debug, Deserialize)]
pub struct Attended {
    #[serde(deserialize_with = "id")]
    pub vid: String,
}

#[derive(Debug, Deserialize)]
pub struct Participation {
    pub properties: ParticipationState,
    pub associations: ParticipationEnds,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParticipationState {
    #[serde(default)]
    pub attendance_state: String,
    #[serde(deserialize_with = "id")]
    pub occurred_at: String,
}

#[derive(Debug, Deserialize)]
pub struct ParticipationEnds {
    pub contact: ParticipationContact,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParticipationContact {
    #[serde(deserialize_with = "id")]
    pub contact_id: String,
}

/// A marketing event under its external id, for any app and account.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventIdentifiers {
    #[serde(deserialize_with = "id")]
    pub object_id: String,
    #[serde(default, deserialize_with = "optional_id")]
    pub external_account_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    #[serde(deserialize_with = "id")]
    pub id: String,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub first_name: Option<String>,
    #[serde(default)]
    pub last_name: Option<String>,
    #[serde(default, rename = "type")]
    pub what: Option<String>,
    #[serde(default)]
    pub updated_at: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub archived: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    #[serde(deserialize_with = "id")]
    pub portal_id: String,
    pub time_zone: Option<String>,
}

/// One event of a webhook. `propertyValue` is left alone: values come from reading.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    #[serde(deserialize_with = "id")]
    pub portal_id: String,
    pub subscription_type: String,
    pub occurred_at: i64,
    #[serde(default, rename = "eventId", deserialize_with = "optional_id")]
    pub number: Option<String>,
    #[serde(default, deserialize_with = "optional_id")]
    pub app_id: Option<String>,
    #[serde(default, deserialize_with = "optional_id")]
    pub object_id: Option<String>,
    #[serde(default)]
    pub object_type_id: Option<String>,
    #[serde(default)]
    pub property_name: Option<String>,
    #[serde(default)]
    pub change_source: Option<String>,
    #[serde(default, deserialize_with = "optional_id")]
    pub source_id: Option<String>,
    #[serde(default, deserialize_with = "optional_id")]
    pub primary_object_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub merged_object_ids: Vec<Value>,
    #[serde(default, deserialize_with = "optional_id")]
    pub new_object_id: Option<String>,
    #[serde(default)]
    pub association_type: Option<String>,
    #[serde(default)]
    pub from_object_type_id: Option<String>,
    #[serde(default, deserialize_with = "optional_id")]
    pub from_object_id: Option<String>,
    #[serde(default, deserialize_with = "optional_id")]
    pub to_object_id: Option<String>,
}

/// Text of a string, a number or a boolean.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A time as HubSpot writes it: ISO 8601, or milliseconds since 1970.
pub fn time(text: &str) -> Option<Time> {
    match text.parse::<i64>() {
        Ok(millis) => Some(Time::from_millis(millis)),
        Err(_) => text.parse().ok(),
    }
}

/// `null` is as good as nothing at all.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    optional_id(deserializer)?.ok_or_else(|| serde::de::Error::custom("expected an id"))
}

fn optional_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text(&Value::deserialize(deserializer)?).filter(|id| !id.is_empty()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_read_from_strings_and_from_numbers() {
        let wire = json!({"from": {"id": "33451"}, "to": [{"toObjectId": 5_790_939_450_u64}, {"toObjectId": "7"}]});
        let associated: Associated = serde_json::from_value(wire).unwrap();
        assert_eq!(associated.from.id, "33451");
        assert_eq!(associated.to.iter().map(|end| &*end.to_object_id).collect::<Vec<_>>(), ["5790939450", "7"]);
    }

    #[test]
    fn an_empty_property_is_no_value() {
        let wire = json!({"id": 512, "properties": {"email": "a@b.c", "firstname": null, "lastname": ""}});
        let record: Record = serde_json::from_value(wire).unwrap();
        assert_eq!(record.text("email").as_deref(), Some("a@b.c"));
        assert_eq!((record.text("firstname"), record.text("lastname"), record.text("phone")), (None, None, None));
    }

    #[test]
    fn times_are_read_in_both_forms() {
        assert_eq!(time("2026-01-01T00:00:00.000Z"), time("1767225600000"));
        assert_eq!(time("soon"), None);
    }
}
