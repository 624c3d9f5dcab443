//! The rows of a bulk upload: how they are read, and how each is written.

use serde_json::{Map, Value, json};

use super::bulk::{Closing, Done, Job};
use super::collections::{self, Keys, lock_failure};
use super::dml::external_field;
use super::failure::Failure;
use super::org::{Caller, Org};
use super::schema::{Kind, Object};

/// Characters a row may have.
const MAX_ROW: usize = 400_000;

impl Job {
    /// Splits the upload into header and rows. What cannot be read fails the job when it is worked on.
    pub fn read_upload(&mut self) {
        let upload = self.upload.take().unwrap_or_default();
        let mut reader =
            csv::ReaderBuilder::new().delimiter(self.delimiter).flexible(true).from_reader(upload.as_bytes());
        self.header = reader.headers().map(|header| header.iter().map(str::to_owned).collect()).unwrap_or_default();
        for record in reader.records() {
            let Ok(record) = record else {
                self.error = Some("InvalidBatch : Failed to parse CSV.".to_owned());
                break;
            };
            self.waiting.push(record.iter().map(str::to_owned).collect());
        }
        if line_ending(&upload).is_some_and(|found| found != self.line_ending) {
            let setting = &self.line_ending;
            let message = format!(
                "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {setting}"
            );
            self.error = Some(message);
        }
    }
}

/// How the first line ends; `None` if it is the only one and has no end. Header cells hold no line breaks.
fn line_ending(text: &str) -> Option<&'static str> {
    let (line, _) = text.split_once('\n')?;
    Some(if line.ends_with('\r') { "CRLF" } else { "LF" })
}

/// Writes the rows that wait, one after the other.
pub fn process(org: &mut Org, job: &mut Job) {
    let (Some(Closing { caller, fault }), Ok(object)) = (job.closing.take(), org.object(&job.object)) else { return };
    let waiting = std::mem::take(&mut job.waiting);
    let inputs: Vec<Map<String, Value>> = waiting.iter().map(|cells| read_cells(&object, &job.header, cells)).collect();
    let field = external_field(&object, job.external_id.as_deref().unwrap_or_default()).ok();
    let mut keys = field.map(|field| Keys::new(org, &field, inputs.iter()));
    for (place, (cells, input)) in waiting.into_iter().zip(inputs).enumerate() {
        let locked = fault.filter(|_| place == 0).and_then(|fault| lock_failure(fault, org.config.locks_in_triggers));
        let refused = locked.or_else(|| refuse_form(&job.header, &cells));
        let id = collections::own_id(org, &object.name, &input).ok();
        let outcome = match refused {
            Some(refused) => Err(refused),
            None => write_row(org, &caller, &object, &job.operation, keys.as_mut(), &input),
        };
        job.done.push(match outcome {
            Ok((id, created)) => Done { cells, id: Some(id), created, error: None },
            Err(failure) => Done { cells, id, created: false, error: Some(error_text(&failure)) },
        });
    }
}

/// A row that is wider than the header, or too long, fails on its own.
fn refuse_form(header: &[String], cells: &[String]) -> Option<Failure> {
    if cells.len() > header.len() {
        let message = format!("The row has {} fields, the header {}", cells.len(), header.len());
        return Some(Failure::record("INVALID_INPUT", message, &[]));
    }
    let letters: usize = cells.iter().map(|cell| cell.chars().count()).sum();
    (letters > MAX_ROW).then(|| {
        let message = format!("The row has {letters} characters; a record may have {MAX_ROW}");
        Failure::record("LIMIT_EXCEEDED", message, &[])
    })
}

fn error_text(failure: &Failure) -> String {
    format!("{}:{}:{} --", failure.code, failure.message, failure.fields.clone().unwrap_or_default().join(","))
}

fn write_row(
    org: &mut Org,
    caller: &Caller,
    object: &Object,
    operation: &str,
    keys: Option<&mut Keys>,
    input: &Map<String, Value>,
) -> Result<(String, bool), Failure> {
    let name = &object.name;
    match (operation, keys) {
        ("insert", _) => collections::insert_row(org, caller, name, input).map(|id| (id, true)),
        ("upsert", Some(keys)) => {
            collections::upsert_row(org, caller, object, keys, input).map(|done| (done.id, done.created))
        }
        _ => {
            let id = collections::own_id(org, name, input)?;
            let mut fields = input.clone();
            fields.retain(|field, _| !field.eq_ignore_ascii_case("Id"));
            let done = match operation {
                "update" => org.update(caller, name, &id, &fields),
                "hardDelete" => org.purge(name, &id),
                _ => org.delete(caller, name, &id),
            };
            done.map(|()| (id, false)).map_err(collections::as_row_failure)
        }
    }
}

/// An empty cell is no value, `#N/A` is null, and `Account.Ext_Id__c` names a parent.
fn read_cells(object: &Object, header: &[String], cells: &[String]) -> Map<String, Value> {
    let mut input = Map::new();
    for (name, cell) in header.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        if let Some((relationship, key)) = name.split_once('.') {
            input.insert(relationship.to_owned(), json!({key: cell}));
            continue;
        }
        let kind = object.field(name).map_or(Kind::String, |field| field.kind);
        let value = match kind {
            _ if cell == "#N/A" => Value::Null,
            Kind::Boolean => cell.to_lowercase().parse::<bool>().map_or_else(|_| json!(cell), Value::Bool),
            Kind::Int => cell.parse::<i64>().map_or_else(|_| json!(cell), |number| json!(number)),
            Kind::Double | Kind::Currency | Kind::Percent => {
                cell.parse::<f64>().map_or_else(|_| json!(cell), |number| json!(number))
            }
            _ => json!(cell),
        };
        input.insert(name.clone(), value);
    }
    input
}
