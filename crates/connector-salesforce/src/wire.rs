//! Salesforce's JSON, and values from and to it.

use jiff::{Timestamp, civil::Date};
use mittler_connector::http::Answer;
use mittler_core::{RemoteSchema, RemoteValue, Time, Value, remote::RemoteField, remote::RemoteType};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

pub type Record = Map<String, Json>;

/// One page of a query.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    pub records: Vec<Record>,
    pub done: bool,
    pub next_records_url: Option<String>,
}

/// What became of one record of a collections call, or of a single one.
#[derive(Debug, Deserialize)]
pub struct Row {
    pub id: Option<String>,
    /// The only word on success: a row that was rolled back may show an id.
    pub success: bool,
    #[serde(default)]
    pub errors: Vec<Fault>,
    /// Only upserts say.
    pub created: Option<bool>,
}

/// One error: `errorCode` from single-record resources, `statusCode` from collections.
#[derive(Debug, Default, Deserialize)]
pub struct Fault {
    #[serde(alias = "errorCode", alias = "statusCode")]
    pub code: String,
    #[serde(default)]
    pub message: String,
    pub fields: Option<Vec<String>>,
    /// The vendor's own spelling, and the one it may be corrected to.
    #[serde(rename = "duplicateResut", alias = "duplicateResult")]
    pub duplicates: Option<Duplicates>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Duplicates {
    #[serde(default)]
    pub allow_save: bool,
    #[serde(default)]
    match_results: Vec<MatchResult>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MatchResult {
    #[serde(default)]
    match_records: Vec<MatchRecord>,
}

#[derive(Debug, Deserialize)]
struct MatchRecord {
    record: Record,
}

impl Duplicates {
    /// The types and ids of the likely duplicates.
    pub fn found(&self) -> Vec<(String, String)> {
        let records = self.match_results.iter().flat_map(|result| &result.match_records);
        let mut found: Vec<(String, String)> = records
            .filter_map(|found| {
                let attributes =
                    found.record.get("attributes").and_then(|it| it.get("type")).and_then(|it| it.as_str());
                Some((attributes.unwrap_or_default().to_owned(), text(&found.record, "Id")?.to_owned()))
            })
            .collect();
        // Two rules may meet one record.
        found.sort();
        found.dedup();
        found
    }
}

#[derive(Debug, Deserialize)]
pub struct Described {
    fields: Vec<DescribedField>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the vendor's description of a field")]
struct DescribedField {
    name: String,
    #[serde(default)]
    label: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    length: usize,
    #[serde(default)]
    nillable: bool,
    #[serde(default)]
    defaulted_on_create: bool,
    #[serde(default)]
    createable: bool,
    #[serde(default)]
    updateable: bool,
    #[serde(default)]
    unique: bool,
    #[serde(default)]
    external_id: bool,
    #[serde(default)]
    id_lookup: bool,
    #[serde(default)]
    restricted_picklist: bool,
    #[serde(default)]
    picklist_values: Vec<PicklistValue>,
}

#[derive(Debug, Deserialize)]
struct PicklistValue {
    value: String,
    #[serde(default)]
    active: bool,
}

impl Described {
    pub fn schema(self, remote_type: &str) -> RemoteSchema {
        let fields = self.fields.into_iter().filter_map(DescribedField::field).collect();
        RemoteSchema { remote_type: remote_type.to_owned(), fields }
    }
}

impl DescribedField {
    fn field(self) -> Option<RemoteField> {
        let data_type = match self.kind.as_str() {
            // Compounds of other fields: objects in JSON, and never written.
            "address" | "location" | "complexvalue" => return None,
            "email" => RemoteType::Email,
            "phone" => RemoteType::Phone,
            "url" => RemoteType::Url,
            "boolean" => RemoteType::Bool,
            "int" | "long" => RemoteType::Int,
            "double" | "currency" | "percent" => RemoteType::Decimal,
            "date" => RemoteType::Date,
            "datetime" => RemoteType::Instant,
            "picklist" => RemoteType::Choice,
            "multipicklist" => RemoteType::Choices,
            "reference" | "id" => RemoteType::Reference,
            _ => RemoteType::Text,
        };
        let choices = self.picklist_values.into_iter().filter(|choice| choice.active).map(|choice| choice.value);
        Some(RemoteField {
            name: self.name,
            label: self.label,
            data_type,
            max_length: (self.length > 0).then_some(self.length),
            required: self.createable && !self.nillable && !self.defaulted_on_create,
            createable: self.createable,
            updateable: self.updateable,
            unique: self.unique && (self.external_id || self.id_lookup),
            choices: choices.collect(),
            restricted: self.restricted_picklist,
        })
    }
}

/// The errors of an answer that is no success: an array, one object, or none that can be read.
pub fn faults(answer: &Answer) -> Vec<Fault> {
    match answer.json() {
        Some(Json::Array(faults)) => {
            faults.into_iter().filter_map(|fault| serde_json::from_value(fault).ok()).collect()
        }
        Some(fault @ Json::Object(_)) => serde_json::from_value(fault).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// `api-usage=18/5000; per-app-api-usage=…` → used and allowed.
pub fn usage(header: &str) -> Option<(u64, u64)> {
    let (_, usage) = header.split_once("api-usage=")?;
    let (used, allowed) = usage.split([';', ',', '(']).next()?.trim().split_once('/')?;
    Some((used.parse().ok()?, allowed.parse().ok()?))
}

pub fn text<'r>(record: &'r Record, field: &str) -> Option<&'r str> {
    record.get(field)?.as_str()
}

pub fn flag(record: &Record, field: &str) -> bool {
    record.get(field).and_then(Json::as_bool).unwrap_or(false)
}

/// `2026-11-22T08:15:11.000+0000`, which RFC 3339 does not know.
pub fn instant(text: &str) -> Option<Time> {
    let at = text.parse::<Timestamp>().or_else(|_| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text));
    at.ok().map(Time::from)
}

/// The form that both JSON and SOQL take; SOQL literals must not hold a `+`.
pub fn instant_text(at: Time) -> String {
    format!("{:.3}", at.timestamp())
}

/// The JSON of a value; `Err` is a value that Salesforce has no form for.
pub fn encode(value: Option<&Value>) -> Result<Json, ()> {
    Ok(match value {
        None => Json::Null,
        Some(Value::Text(text) | Value::Choice(text) | Value::RemoteRef(text)) => json!(text),
        Some(Value::Int(int)) => json!(int),
        Some(Value::Decimal(number) | Value::Money { amount: number, .. }) => {
            serde_json::from_str(&number.to_string()).map_err(|_| ())?
        }
        Some(Value::Bool(bool)) => json!(bool),
        Some(Value::Date(date)) => json!(date.to_string()),
        Some(Value::Instant { at, .. }) => json!(instant_text(*at)),
        Some(Value::Ref(_) | Value::Blob { .. }) => return Err(()),
    })
}

/// The value of a field of this type; a field of unknown type is read by the looks of its JSON.
pub fn decode(json: &Json, data_type: Option<RemoteType>) -> RemoteValue {
    match json {
        Json::Bool(bool) => Some(Value::Bool(*bool)),
        Json::Number(number) => match number.as_i64() {
            Some(int) if data_type != Some(RemoteType::Decimal) => Some(Value::Int(int)),
            _ => decimal(&number.to_string()).map(Value::Decimal),
        },
        Json::String(text) if text.is_empty() => None,
        Json::String(text) => Some(match data_type {
            Some(RemoteType::Instant) => instant(text).map_or_else(|| plain(text), Value::instant),
            Some(RemoteType::Date) => text.parse::<Date>().map_or_else(|_| plain(text), Value::Date),
            Some(RemoteType::Choice) => Value::Choice(text.clone()),
            Some(RemoteType::Reference) => Value::RemoteRef(text.clone()),
            _ => plain(text),
        }),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn plain(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn decimal(text: &str) -> Option<Decimal> {
    text.parse().or_else(|_| Decimal::from_scientific(text)).ok().map(|number| number.normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_went_out() {
        let at = Time(1_763_799_311_000_000);
        let cases = [
            (RemoteType::Text, Value::Text("2026-11-22".into())),
            (RemoteType::Choice, Value::Choice("Trade Show".into())),
            (RemoteType::Reference, Value::RemoteRef("00Q5g00000AbCdEEAV".into())),
            (RemoteType::Bool, Value::Bool(false)),
            (RemoteType::Int, Value::Int(-7)),
            (RemoteType::Decimal, Value::Decimal("12.5".parse().unwrap())),
            (RemoteType::Decimal, Value::Decimal("12".parse().unwrap())),
            (RemoteType::Date, Value::Date("2026-11-22".parse().unwrap())),
            (RemoteType::Instant, Value::instant(at)),
        ];
        for (data_type, value) in cases {
            let json = encode(Some(&value)).unwrap();
            assert_eq!(decode(&json, Some(data_type)), Some(value));
        }
        assert_eq!(encode(None), Ok(Json::Null));
        assert_eq!(decode(&Json::Null, Some(RemoteType::Text)), None);
    }

    #[test]
    fn instants_go_out_with_z_and_come_in_without_a_colon() {
        let at = instant("2026-11-22T08:15:11.000+0000").unwrap();
        assert_eq!(encode(Some(&Value::instant(at))).unwrap(), json!("2026-11-22T08:15:11.000Z"));
        assert_eq!(instant("2026-11-22T09:15:11+01:00"), Some(at));
        assert_eq!(instant("2026-11-22"), None);
    }

    #[test]
    fn a_reference_to_our_own_record_is_never_sent() {
        let ours = Value::Blob { hash: String::new(), name: String::new(), media_type: String::new(), size: 0 };
        assert_eq!(encode(Some(&ours)), Err(()));
    }

    #[test]
    fn the_limit_header_is_read_with_and_without_an_app() {
        assert_eq!(usage("api-usage=18/5000"), Some((18, 5000)));
        assert_eq!(usage("api-usage=25/5000; per-app-api-usage=17/250(appName=x)"), Some((25, 5000)));
        assert_eq!(usage("nonsense"), None);
    }

    #[test]
    fn the_candidates_of_a_duplicate_rule_are_read_in_both_spellings() {
        for name in ["duplicateResut", "duplicateResult"] {
            let body = json!({"errorCode": "DUPLICATES_DETECTED", "message": "Use one of these?", name: {
                "allowSave": true, "matchResults": [{"matchRecords": [{"record": {"Id": "0038M0000016Wv8QAE"}}]}]}});
            let fault: Fault = serde_json::from_value(body).unwrap();
            let duplicates = fault.duplicates.unwrap();
            assert!(duplicates.allow_save);
            let found = duplicates.found();
            assert_eq!(found.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), ["0038M0000016Wv8QAE"]);
        }
    }

    #[test]
    fn a_field_is_required_if_it_can_be_created_and_has_neither_null_nor_default() {
        let field = |extra: Json| {
            let mut field = json!({"name": "F", "type": "string", "createable": true});
            field.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            let described: Described = serde_json::from_value(json!({"fields": [field]})).unwrap();
            described.schema("Lead").fields.remove(0).required
        };
        assert!(field(json!({})));
        assert!(!field(json!({"nillable": true})));
        assert!(!field(json!({"defaultedOnCreate": true})));
        assert!(!field(json!({"createable": false})));
    }
}
