//! Up to 200 records in one call, each with its own result.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::call::{Call, Reply};
use super::config::RepeatedKey;
use super::dml::{Upserted, external_field};
use super::failure::Failure;
use super::ids;
use super::org::{Caller, Org};
use super::schema::{Field, Object};
use super::{records, rest, search, tables, values};
use crate::FaultKind;

const MAX_RECORDS: usize = 200;
const MAX_RETRIEVED: usize = 2000;

/// What happened to one row: its id where there is one, and whether it was created, or why it failed.
struct Outcome {
    id: Option<String>,
    created: Option<bool>,
    failure: Option<Failure>,
}

impl Outcome {
    fn failed(failure: Failure) -> Outcome {
        Outcome { id: None, created: None, failure: Some(failure) }
    }

    fn to_json(&self) -> Value {
        let mut result = Map::new();
        if let Some(id) = &self.id {
            result.insert("id".to_owned(), json!(id));
        }
        result.insert("success".to_owned(), json!(self.failure.is_none()));
        result.insert("errors".to_owned(), self.failure.iter().map(Failure::to_row).collect());
        if let Some(created) = self.created {
            result.insert("created".to_owned(), json!(created));
        }
        Value::Object(result)
    }
}

struct Batch {
    all_or_none: bool,
    rows: Vec<Map<String, Value>>,
}

pub fn route(org: &mut Org, call: &Call, rest: &[&str]) -> Result<Reply, Failure> {
    match (call.method.as_str(), rest) {
        ("POST", []) => write(org, call, create_row),
        ("PATCH", []) => write(org, call, update_row),
        ("DELETE", []) => delete(org, call),
        ("PATCH", [object, field]) => upsert(org, call, object, field),
        ("POST" | "GET", [object]) => retrieve(org, call, object),
        _ => Err(rest::method_not_allowed(call)),
    }
}

fn too_many(most: usize) -> Failure {
    let message = format!("record limit reached. cannot submit more than {most} records in this call");
    Failure::new(400, "LIMIT_EXCEEDED", message)
}

fn read_batch(call: &Call) -> Result<Batch, Failure> {
    let mut body = call.json_object()?;
    let Some(Value::Array(records)) = body.remove("records") else {
        return Err(Failure::malformed("The request has no array 'records'"));
    };
    if records.len() > MAX_RECORDS {
        return Err(too_many(MAX_RECORDS));
    }
    let rows = records.into_iter().map(|record| match record {
        Value::Object(row) => Ok(row),
        _ => Err(Failure::malformed("Each record must be a JSON object")),
    });
    let all_or_none = body.get("allOrNone").and_then(Value::as_bool).unwrap_or(false);
    Ok(Batch { all_or_none, rows: rows.collect::<Result<_, _>>()? })
}

fn row_type(row: &Map<String, Value>) -> Option<&str> {
    row.get("attributes")?.get("type")?.as_str()
}

type WriteRow = fn(&mut Org, &Caller, &Map<String, Value>) -> Outcome;

fn write(org: &mut Org, call: &Call, write_row: WriteRow) -> Result<Reply, Failure> {
    let batch = read_batch(call)?;
    let mut chunks = 0;
    let mut last = None;
    for row in &batch.rows {
        let kind = row_type(row)
            .ok_or_else(|| Failure::new(400, "INVALID_TYPE", "Each record needs its type in 'attributes'"))?;
        chunks += usize::from(last != Some(kind));
        last = Some(kind);
    }
    if chunks > org.config.max_type_chunks {
        let message = format!("cannot have more than {} chunks in a single operation", org.config.max_type_chunks);
        return Err(Failure::new(400, "INVALID_INPUT", message));
    }
    let caller = call.caller();
    transact(org, call, &batch, |org, row| write_row(org, &caller, row))
}

/// Runs the rows in order and applies what holds for all of them: the injected lock, malformed values, all-or-none.
fn transact(
    org: &mut Org,
    call: &Call,
    batch: &Batch,
    mut write_row: impl FnMut(&mut Org, &Map<String, Value>) -> Outcome,
) -> Result<Reply, Failure> {
    let start = org.tables.savepoint();
    let mut outcomes = Vec::with_capacity(batch.rows.len());
    for (place, row) in batch.rows.iter().enumerate() {
        let lock =
            call.fault.filter(|_| place == 0).and_then(|fault| lock_failure(fault, org.config.locks_in_triggers));
        let outcome = lock.map_or_else(|| write_row(org, row), Outcome::failed);
        let malformed = outcome.failure.as_ref().filter(|failure| failure.code == "JSON_PARSER_ERROR");
        if let Some(failure) = malformed.filter(|_| org.config.parser_error_fails_collection) {
            org.tables.roll_back(start);
            return Err(failure.clone());
        }
        outcomes.push(outcome);
    }
    if batch.all_or_none && outcomes.iter().any(|outcome| outcome.failure.is_some()) {
        org.tables.roll_back(start);
        undo(&mut outcomes, call.method == "POST");
    }
    Ok(Reply::ok(outcomes.iter().map(Outcome::to_json).collect()))
}

/// The refusal of a row that someone else holds; `None` if the fault is no lock. A customer's trigger that meets the
/// lock wraps it in an error of its own.
pub fn lock_failure(fault: FaultKind, in_trigger: bool) -> Option<Failure> {
    if fault != FaultKind::LockRow {
        return None;
    }
    if in_trigger {
        let message = "LeadTrigger: execution of BeforeInsert caused by: System.DmlException: Update failed. First \
                       exception on row 0; first error: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this \
                       record: []";
        return Some(Failure::record("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message, &[]));
    }
    let message = "unable to obtain exclusive access to this record or 1 records";
    Some(Failure::record("UNABLE_TO_LOCK_ROW", message, &[]))
}

/// The good rows of a failed all-or-none call. An update keeps showing its id, which must not be read as success.
fn undo(outcomes: &mut [Outcome], creates: bool) {
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.failure.is_none()) {
        let message =
            "Record rolled back because not all records were valid and the request was using AllOrNone header";
        outcome.failure = Some(Failure::record("ALL_OR_NONE_OPERATION_ROLLED_BACK", message, &[]));
        if outcome.created.take() == Some(true) || creates {
            outcome.id = None;
        }
    }
}

fn create_row(org: &mut Org, caller: &Caller, row: &Map<String, Value>) -> Outcome {
    match insert_row(org, caller, row_type(row).unwrap_or_default(), row) {
        Ok(id) => Outcome { id: Some(id), created: None, failure: None },
        Err(failure) => Outcome::failed(failure),
    }
}

/// Creates one row of several.
pub fn insert_row(org: &mut Org, caller: &Caller, object: &str, row: &Map<String, Value>) -> Result<String, Failure> {
    if row.keys().any(|name| name.eq_ignore_ascii_case("Id")) {
        let message = "cannot specify Id in an insert call";
        return Err(Failure::record("INVALID_FIELD_FOR_INSERT_UPDATE", message, &["Id"]));
    }
    org.create(caller, object, row)
}

/// Collections report a missing record as a bad reference rather than as a missing resource.
pub fn as_row_failure(failure: Failure) -> Failure {
    if failure.code == "NOT_FOUND" {
        return Failure::record("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[]);
    }
    failure
}

fn update_row(org: &mut Org, caller: &Caller, row: &Map<String, Value>) -> Outcome {
    let object = row_type(row).unwrap_or_default();
    let id = match own_id(org, object, row) {
        Ok(id) => id,
        Err(failure) => return Outcome::failed(failure),
    };
    let mut input = row.clone();
    input.retain(|name, _| !name.eq_ignore_ascii_case("Id"));
    let saved = org.update(caller, object, &id, &input).map_err(as_row_failure);
    Outcome { id: Some(id), created: None, failure: saved.err() }
}

/// The id by which a row names its record.
pub fn own_id(org: &Org, object: &str, row: &Map<String, Value>) -> Result<String, Failure> {
    let named = row.iter().find(|(name, _)| name.eq_ignore_ascii_case("Id"));
    let missing = || Failure::record("MISSING_ARGUMENT", "Id not specified in an update call", &[]);
    let text = named.and_then(|(_, id)| id.as_str()).ok_or_else(missing)?;
    let prefix = org.schema.object(object).map(|object| object.prefix.as_str()).unwrap_or_default();
    ids::parse(text).filter(|id| id.starts_with(prefix)).ok_or_else(|| {
        let message = format!("{object} ID: id value of incorrect type: {text}");
        Failure::record("MALFORMED_ID", message, &["Id"])
    })
}

fn delete(org: &mut Org, call: &Call) -> Result<Reply, Failure> {
    let ids: Vec<&str> = call.param("ids").unwrap_or_default().split(',').filter(|id| !id.is_empty()).collect();
    if ids.len() > MAX_RECORDS {
        return Err(too_many(MAX_RECORDS));
    }
    let all_or_none = call.param("allOrNone").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let rows = ids.iter().map(|id| Map::from_iter([("Id".to_owned(), json!(id))])).collect();
    let caller = call.caller();
    transact(org, call, &Batch { all_or_none, rows }, |org, row| {
        let text = row["Id"].as_str().unwrap_or_default();
        let Some(id) = ids::parse(text) else {
            return Outcome::failed(Failure::record("MALFORMED_ID", format!("malformed id {text}"), &[]));
        };
        let object = org.schema.by_id(&id).map(|object| object.name.clone()).unwrap_or_default();
        let deleted = org.delete(&caller, &object, &id).map_err(as_row_failure);
        Outcome { id: Some(id), created: None, failure: deleted.err() }
    })
}

/// The external ids of one call: a key that stands twice fails its rows.
pub struct Keys {
    field: Field,
    times: HashMap<String, usize>,
    seen: HashMap<String, usize>,
    first_may_pass: bool,
}

impl Keys {
    pub fn new<'a>(org: &Org, field: &Field, rows: impl Iterator<Item = &'a Map<String, Value>>) -> Keys {
        let first_may_pass = org.config.repeated_key == RepeatedKey::AllButFirst;
        let mut keys = Keys { field: field.clone(), times: HashMap::new(), seen: HashMap::new(), first_may_pass };
        for row in rows {
            if let Some(text) = keys.of(row) {
                *keys.times.entry(keys.folded(&text)).or_default() += 1;
            }
        }
        keys
    }

    fn of(&self, row: &Map<String, Value>) -> Option<String> {
        let (_, value) = row.iter().find(|(name, _)| name.eq_ignore_ascii_case(&self.field.name))?;
        let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
        (!text.is_empty() && !value.is_null()).then_some(text)
    }

    fn folded(&self, text: &str) -> String {
        tables::fold(&self.field, &values::key(&self.field, text)).unwrap_or_else(|| text.to_owned())
    }

    /// The key of a row, which counts as seen from then on.
    fn take(&mut self, row: &Map<String, Value>) -> Result<String, Failure> {
        let name = &self.field.name;
        let missing = || Failure::record("MISSING_ARGUMENT", format!("{name} not specified"), &[name]);
        let text = self.of(row).ok_or_else(missing)?;
        let folded = self.folded(&text);
        let count = self.seen.entry(folded.clone()).or_default();
        *count += 1;
        if self.times.get(&folded).is_some_and(|times| *times > 1) && !(self.first_may_pass && *count == 1) {
            let message = format!("Duplicate external id specified: {text}");
            return Err(Failure::record("DUPLICATE_VALUE", message, &[name]));
        }
        Ok(text)
    }
}

/// Upserts one row of several.
pub fn upsert_row(
    org: &mut Org,
    caller: &Caller,
    object: &Object,
    keys: &mut Keys,
    row: &Map<String, Value>,
) -> Result<Upserted, Failure> {
    let text = keys.take(row)?;
    let name = keys.field.name.as_str();
    let mut input = row.clone();
    input.retain(|key, _| !key.eq_ignore_ascii_case(name));
    org.upsert(caller, &object.name, (name, &text), &input, false).map_err(as_row_failure)
}

fn upsert(org: &mut Org, call: &Call, object: &str, field: &str) -> Result<Reply, Failure> {
    let object = org.object(object)?;
    let field = external_field(&object, field)?;
    let batch = read_batch(call)?;
    let mut keys = Keys::new(org, &field, batch.rows.iter());
    let caller = call.caller();
    transact(org, call, &batch, |org, row| {
        if row_type(row).is_some_and(|kind| !kind.eq_ignore_ascii_case(&object.name)) {
            let message = format!("all records of an upsert must be of type {}", object.name);
            return Outcome::failed(Failure::record("INVALID_TYPE", message, &[]));
        }
        match upsert_row(org, &caller, &object, &mut keys, row) {
            Ok(Upserted { id, created }) => Outcome { id: Some(id), created: Some(created), failure: None },
            Err(failure) => Outcome::failed(failure),
        }
    })
}

fn retrieve(org: &Org, call: &Call, object: &str) -> Result<Reply, Failure> {
    let object = org.object(object)?;
    let (ids, fields) = if call.method == "GET" {
        let list = |name| call.param(name).unwrap_or_default().split(',').map(str::to_owned).collect::<Vec<_>>();
        (list("ids"), list("fields"))
    } else {
        let body = call.json_object()?;
        let list = |name: &str| -> Vec<String> {
            let items = body.get(name).and_then(Value::as_array);
            items.into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        (list("ids"), list("fields"))
    };
    if ids.len() > MAX_RETRIEVED {
        return Err(too_many(MAX_RETRIEVED));
    }
    if fields.is_empty() {
        return Err(Failure::new(400, "MISSING_ARGUMENT", "fields not specified"));
    }
    let fields = records::chosen_fields(&object, Some(fields.iter().map(String::as_str)))?;
    let rows = ids.iter().map(|text| {
        let row = ids::parse(text).and_then(|id| org.row(&object.name, &id).ok());
        row.map_or(Value::Null, |row| search::show(&object, row, &fields, &call.version))
    });
    Ok(Reply::ok(rows.collect()))
}
