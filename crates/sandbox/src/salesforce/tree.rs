//! Records with the records that belong to them, made in one call: all of them or none.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::call::{Call, Reply};
use super::collections::lock_failure;
use super::failure::Failure;
use super::org::{Caller, Org};

const MAX_RECORDS: usize = 200;
const MAX_TYPES: usize = 5;
const MAX_DEPTH: usize = 5;

/// What the call made so far, and what went wrong.
struct Growth {
    caller: Caller,
    kinds: BTreeSet<String>,
    references: BTreeSet<String>,
    made: Vec<Value>,
    failed: Vec<Value>,
    locked: Option<Failure>,
}

pub fn create(org: &mut Org, call: &Call, object: &str) -> Result<Reply, Failure> {
    let object = org.object(object)?.name.clone();
    let body = call.json_object()?;
    let records = records(&body)?;
    let start = org.tables.savepoint();
    let locked = call.fault.and_then(|fault| lock_failure(fault, org.config.locks_in_triggers));
    let mut growth = Growth {
        caller: call.caller(),
        kinds: BTreeSet::new(),
        references: BTreeSet::new(),
        made: Vec::new(),
        failed: Vec::new(),
        locked,
    };
    let grown = records.iter().try_for_each(|record| growth.grow(org, &object, record, None, 1));
    if grown.is_err() || !growth.failed.is_empty() {
        org.tables.roll_back(start);
    }
    grown?;
    Ok(if growth.failed.is_empty() {
        Reply::json(201, json!({"hasErrors": false, "results": growth.made}))
    } else {
        Reply::json(400, json!({"hasErrors": true, "results": growth.failed}))
    })
}

fn records(body: &Map<String, Value>) -> Result<&Vec<Value>, Failure> {
    body.get("records")
        .and_then(Value::as_array)
        .ok_or_else(|| Failure::malformed("The request has no array 'records'"))
}

fn limit(message: String) -> Failure {
    Failure::new(400, "LIMIT_EXCEEDED", message)
}

impl Growth {
    /// Makes a record and then what hangs on it. `parent` is the field that points to the parent, and its id.
    fn grow(
        &mut self,
        org: &mut Org,
        object: &str,
        record: &Value,
        parent: Option<(&str, &str)>,
        depth: usize,
    ) -> Result<(), Failure> {
        let record = record.as_object().ok_or_else(|| Failure::malformed("Each record must be a JSON object"))?;
        let attributes = record.get("attributes").unwrap_or(&Value::Null);
        if attributes["type"].as_str().is_none_or(|kind| !kind.eq_ignore_ascii_case(object)) {
            let message = format!("Each record needs its type in 'attributes', here {object}");
            return Err(Failure::new(400, "INVALID_TYPE", message));
        }
        let reference = attributes["referenceId"].as_str().unwrap_or_default().to_owned();
        if reference.is_empty() || !self.references.insert(reference.clone()) {
            let message = format!("referenceId is missing or repeated: {reference}");
            return Err(Failure::new(400, "INVALID_INPUT", message));
        }
        self.kinds.insert(object.to_owned());
        if depth > MAX_DEPTH || self.kinds.len() > MAX_TYPES || self.references.len() > MAX_RECORDS {
            let message = format!("at most {MAX_RECORDS} records of {MAX_TYPES} types, {MAX_DEPTH} deep");
            return Err(limit(message));
        }
        let (branches, mut input): (Map<_, _>, Map<_, _>) =
            record.clone().into_iter().partition(|(_, value)| value.get("records").is_some());
        if let Some((link, id)) = parent {
            input.insert(link.to_owned(), json!(id));
        }
        let made = match self.locked.take() {
            Some(locked) => Err(locked),
            None => org.create(&self.caller, object, &input),
        };
        let id = match made {
            Ok(id) => id,
            Err(failure) => {
                self.failed.push(json!({"referenceId": reference, "errors": [failure.to_row()]}));
                return Ok(());
            }
        };
        self.made.push(json!({"referenceId": reference, "id": id}));
        for (name, branch) in &branches {
            let (child, link) = org.schema.child_link(object, name).ok_or_else(|| {
                Failure::new(400, "INVALID_FIELD", format!("No such relationship '{name}' on sobject of type {object}"))
            })?;
            let children = branch.as_object().map_or_else(|| Err(Failure::malformed("no records")), records)?;
            for record in children {
                self.grow(org, &child, record, Some((&link, &id)), depth + 1)?;
            }
        }
        Ok(())
    }
}
