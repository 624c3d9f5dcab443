//! Bulk API 2.0: CSV in, CSV out, and per-row results to fetch afterwards.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::dml::external_field;
use super::failure::Failure;
use super::ids;
use super::org::{Caller, Org};
use super::{ingest, rest, soql};
use crate::FaultKind;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    Uploaded,
    Complete,
    Failed,
    Aborted,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Open => "Open",
            State::Uploaded => "UploadComplete",
            State::Complete => "JobComplete",
            State::Failed => "Failed",
            State::Aborted => "Aborted",
        }
    }
}

/// One row of an upload with what became of it: its record, and whether that is new, or why it failed.
pub struct Done {
    pub cells: Vec<String>,
    pub id: Option<String>,
    pub created: bool,
    pub error: Option<String>,
}

/// Who closed an upload, and the fault that then hits its first row.
pub struct Closing {
    pub caller: Caller,
    pub fault: Option<FaultKind>,
}

pub struct Job {
    pub ingest: bool,
    pub object: String,
    pub operation: String,
    pub external_id: Option<String>,
    pub delimiter: u8,
    pub delimiter_name: String,
    pub line_ending: String,
    pub version: String,
    pub user: String,
    pub created: String,
    pub state: State,
    pub upload: Option<String>,
    pub header: Vec<String>,
    pub closing: Option<Closing>,
    /// Rows of the upload that have not been worked on.
    pub waiting: Vec<Vec<String>>,
    pub done: Vec<Done>,
    pub result: Vec<Vec<String>>,
    pub error: Option<String>,
    pub complete_ms: i64,
}

#[derive(Default)]
pub struct Jobs {
    jobs: BTreeMap<String, Job>,
    made: u64,
}

const DELIMITERS: [(&str, u8); 6] =
    [("COMMA", b','), ("SEMICOLON", b';'), ("TAB", b'\t'), ("PIPE", b'|'), ("CARET", b'^'), ("BACKQUOTE", b'`')];

pub fn route(org: &mut Org, call: &Call, kind: &str, rest: &[&str]) -> Result<Reply, Failure> {
    let ingest = kind == "ingest";
    let lower: Vec<String> = rest.iter().skip(1).map(|part| part.to_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    match (call.method.as_str(), rest.first(), lower.as_slice()) {
        ("POST", None, []) => open(org, call, ingest),
        ("GET", None, []) => Ok(list(org, ingest)),
        (method, Some(id), tail) => {
            let id = ids::parse(id).filter(|id| org.jobs.jobs.get(id).is_some_and(|job| job.ingest == ingest));
            let id = id.ok_or_else(Failure::no_resource)?;
            one_job(org, call, method, &id, tail)
        }
        _ => Err(rest::method_not_allowed(call)),
    }
}

fn one_job(org: &mut Org, call: &Call, method: &str, id: &str, tail: &[&str]) -> Result<Reply, Failure> {
    match (method, tail) {
        ("GET", []) => Ok(Reply::ok(org.jobs.info(id))),
        ("PUT", ["batches"]) => upload(org, call, id),
        ("PATCH", []) => close(org, call, id),
        ("DELETE", []) => {
            let state = org.jobs.jobs.get(id).map(|job| job.state);
            if let Some(state @ (State::Open | State::Uploaded)) = state {
                let message = format!("A job in state {} cannot be deleted", state.name());
                return Err(Failure::new(400, "INVALIDJOBSTATE", message));
            }
            org.jobs.jobs.remove(id);
            Ok(Reply::empty(204))
        }
        ("GET", ["successfulresults" | "failedresults" | "unprocessedrecords"]) => row_results(org, id, tail[0]),
        ("GET", ["results"]) => query_results(org, call, id),
        _ => Err(rest::method_not_allowed(call)),
    }
}

fn open(org: &mut Org, call: &Call, ingest: bool) -> Result<Reply, Failure> {
    let body = call.json_object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let operation = text("operation").unwrap_or_default();
    let known: &[&str] =
        if ingest { &["insert", "update", "upsert", "delete", "hardDelete"] } else { &["query", "queryAll"] };
    if !known.contains(&operation.as_str()) {
        return Err(Failure::new(400, "INVALIDOPERATION", format!("Unsupported operation: {operation}")));
    }
    let delimiter_name = text("columnDelimiter").unwrap_or_else(|| "COMMA".to_owned());
    let delimiter = DELIMITERS.iter().find(|(name, _)| *name == delimiter_name).map(|(_, byte)| *byte);
    let delimiter = delimiter
        .ok_or_else(|| Failure::new(400, "INVALIDJOB", format!("Unknown column delimiter: {delimiter_name}")))?;
    let line_ending = text("lineEnding").unwrap_or_else(|| "LF".to_owned());
    if !["LF", "CRLF"].contains(&line_ending.as_str()) {
        return Err(Failure::new(400, "INVALIDJOB", format!("Unknown line ending: {line_ending}")));
    }
    let mut job = Job {
        ingest,
        object: String::new(),
        operation,
        external_id: text("externalIdFieldName"),
        delimiter,
        delimiter_name,
        line_ending,
        version: call.version.clone(),
        user: call.user.clone(),
        created: org.now_text(),
        state: State::Open,
        upload: None,
        header: Vec::new(),
        closing: None,
        waiting: Vec::new(),
        done: Vec::new(),
        result: Vec::new(),
        error: None,
        complete_ms: 0,
    };
    if ingest {
        let object = org.object(&text("object").unwrap_or_default())?;
        if job.operation == "upsert" {
            external_field(&object, job.external_id.as_deref().unwrap_or_default())?;
        }
        job.object.clone_from(&object.name);
    } else {
        run_query(org, call, &mut job, &text("query").unwrap_or_default())?;
    }
    org.jobs.made += 1;
    let id = ids::nth("750", org.jobs.made);
    org.jobs.jobs.insert(id.clone(), job);
    Ok(Reply::ok(org.jobs.info(&id)))
}

fn run_query(org: &Org, call: &Call, job: &mut Job, text: &str) -> Result<(), Failure> {
    let query = soql::parse(text)?;
    if !query.children.is_empty() || !query.counts.is_empty() || query.count {
        let message = "Nested queries and aggregate functions have no place in a bulk query";
        return Err(Failure::new(400, "FEATURENOTENABLED", message));
    }
    let found = org.search(&query, job.operation == "queryAll", &call.version)?;
    job.object.clone_from(&query.object);
    job.header.clone_from(&query.fields);
    let read = |record: &Value, path: &str| {
        let value = path.split('.').fold(record, |value, part| &value[part]);
        match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    };
    job.result =
        found.records.iter().map(|record| query.fields.iter().map(|path| read(record, path)).collect()).collect();
    job.state = State::Uploaded;
    job.complete_ms = org.clock.millis() + org.config.bulk_seconds * 1000;
    Ok(())
}

/// Works on the jobs whose time has come. Whoever looks at the org afterwards sees their rows.
pub fn settle(org: &mut Org) {
    let now_ms = org.clock.millis();
    let due = |job: &Job| job.state == State::Uploaded && job.complete_ms <= now_ms;
    let ids: Vec<String> = org.jobs.jobs.iter().filter(|(_, job)| due(job)).map(|(id, _)| id.clone()).collect();
    for id in ids {
        // The job leaves the map while its rows are written, because both need the org.
        let Some(mut job) = org.jobs.jobs.remove(&id) else { continue };
        if job.ingest && job.error.is_none() {
            ingest::process(org, &mut job);
        }
        job.state = if job.error.is_some() { State::Failed } else { State::Complete };
        org.jobs.jobs.insert(id, job);
    }
}

fn list(org: &Org, ingest: bool) -> Reply {
    let jobs = org.jobs.jobs.iter().filter(|(_, job)| job.ingest == ingest);
    let records: Value = jobs.map(|(id, _)| org.jobs.info(id)).collect();
    Reply::ok(json!({"done": true, "records": records, "nextRecordsUrl": null}))
}

impl Jobs {
    fn info(&self, id: &str) -> Value {
        let Some(job) = self.jobs.get(id) else { return Value::Null };
        let mut body = json!({
            "id": id, "operation": job.operation, "object": job.object, "createdById": job.user,
            "createdDate": job.created, "systemModstamp": job.created, "state": job.state.name(),
            "concurrencyMode": "Parallel", "contentType": "CSV", "lineEnding": job.line_ending,
            "columnDelimiter": job.delimiter_name,
            "apiVersion": job.version.trim_start_matches('v').parse::<f64>().unwrap_or_default(),
        });
        let finished = !matches!(job.state, State::Open);
        if job.ingest {
            let kind = format!("services/data/{}/jobs/ingest/{id}/batches", job.version);
            body["contentUrl"] = json!(kind);
            body["jobType"] = json!("V2Ingest");
            if let Some(field) = &job.external_id {
                body["externalIdFieldName"] = json!(field);
            }
        } else {
            body["jobType"] = json!("V2Query");
        }
        if finished {
            let failed = job.done.iter().filter(|done| done.error.is_some()).count();
            let shown = if job.state == State::Uploaded { 0 } else { job.done.len().max(job.result.len()) };
            body["numberRecordsProcessed"] = json!(shown);
            body["numberRecordsFailed"] = json!(if job.state == State::Uploaded { 0 } else { failed });
            body["retries"] = json!(0);
            body["totalProcessingTime"] = json!(1);
        }
        if let Some(error) = job.error.as_ref().filter(|_| job.state == State::Failed) {
            body["errorMessage"] = json!(error);
        }
        body
    }
}

fn upload(org: &mut Org, call: &Call, id: &str) -> Result<Reply, Failure> {
    let job = org.jobs.jobs.get_mut(id).ok_or_else(Failure::no_resource)?;
    if !call.header("content-type").unwrap_or_default().to_ascii_lowercase().starts_with("text/csv") {
        return Err(Failure::new(415, "UNSUPPORTED_MEDIA_TYPE", "the upload must be text/csv"));
    }
    if job.state != State::Open || job.upload.is_some() {
        return Err(Failure::new(400, "INVALIDJOBSTATE", "Data has already been uploaded for this job"));
    }
    let text =
        std::str::from_utf8(&call.body).map_err(|_| Failure::new(400, "CLIENT_ERROR", "the upload is not UTF-8"))?;
    job.upload = Some(text.to_owned());
    Ok(Reply::empty(201))
}

fn close(org: &mut Org, call: &Call, id: &str) -> Result<Reply, Failure> {
    let body = call.json_object()?;
    let wanted = body.get("state").and_then(Value::as_str).unwrap_or_default().to_owned();
    let job = org.jobs.jobs.get_mut(id).ok_or_else(Failure::no_resource)?;
    match (wanted.as_str(), job.state) {
        ("Aborted", State::Open | State::Uploaded) => {
            if job.state == State::Open {
                job.read_upload();
            }
            job.state = State::Aborted;
        }
        ("UploadComplete", State::Open) if job.ingest => {
            job.read_upload();
            job.closing = Some(Closing { caller: call.caller(), fault: call.fault });
            job.state = State::Uploaded;
            job.complete_ms = org.clock.millis() + org.config.bulk_seconds * 1000;
        }
        _ => {
            let message = format!("Transition from {} to {wanted} is not allowed", job.state.name());
            return Err(Failure::new(400, "INVALIDJOBSTATE", message));
        }
    }
    Ok(Reply::ok(org.jobs.info(id)))
}

fn csv_text(rows: impl Iterator<Item = Vec<String>>, header: Vec<String>) -> String {
    let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
    for row in std::iter::once(header).chain(rows) {
        // Writing to memory cannot fail, and all rows are as wide as the header.
        let _ = writer.write_record(&row);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn row_results(org: &Org, id: &str, which: &str) -> Result<Reply, Failure> {
    let job = org.jobs.jobs.get(id).ok_or_else(Failure::no_resource)?;
    let padded = |cells: &Vec<String>| {
        let mut cells = cells.clone();
        cells.resize(job.header.len(), String::new());
        cells
    };
    let with = |first: &[&str]| -> Vec<String> {
        first.iter().map(|name| (*name).to_owned()).chain(job.header.iter().cloned()).collect()
    };
    let complete = matches!(job.state, State::Complete | State::Failed);
    let done = job.done.iter().filter(|_| complete);
    let text = match which {
        "successfulresults" => csv_text(
            done.filter_map(|done| {
                let id = done.id.clone().filter(|_| done.error.is_none())?;
                Some([vec![id, done.created.to_string()], padded(&done.cells)].concat())
            }),
            with(&["sf__Id", "sf__Created"]),
        ),
        "failedresults" => csv_text(
            done.filter_map(|done| {
                let error = done.error.clone()?;
                Some([vec![done.id.clone().unwrap_or_default(), error], padded(&done.cells)].concat())
            }),
            with(&["sf__Id", "sf__Error"]),
        ),
        // What an aborted or failed job left untouched.
        _ => {
            let over = matches!(job.state, State::Complete | State::Failed | State::Aborted);
            csv_text(job.waiting.iter().filter(|_| over).map(padded), job.header.clone())
        }
    };
    Ok(Reply::text(200, "text/csv", text))
}

fn query_results(org: &Org, call: &Call, id: &str) -> Result<Reply, Failure> {
    let job = org.jobs.jobs.get(id).ok_or_else(Failure::no_resource)?;
    if job.version != call.version {
        return Err(Failure::new(409, "API_VERSION_MISMATCH", "the job was created with another API version"));
    }
    if job.state != State::Complete {
        return Err(Failure::new(412, "JOB_NOT_COMPLETE", "the job is not complete"));
    }
    let from = match call.param("locator") {
        None => 0,
        Some(locator) => {
            read_locator(locator).ok_or_else(|| Failure::new(400, "INVALID_QUERY_LOCATOR", "invalid query locator"))?
        }
    };
    let most = call.param("maxRecords").and_then(|text| text.parse::<usize>().ok()).unwrap_or(50_000).max(1);
    let rows: Vec<Vec<String>> = job.result.iter().skip(from).take(most).cloned().collect();
    let end = from + rows.len();
    let number = rows.len().to_string();
    // The last page carries the word, not an absent header.
    let locator = if end < job.result.len() { locator_for(end) } else { "null".to_owned() };
    let text = csv_text(rows.into_iter(), job.header.clone());
    Ok(Reply::text(200, "text/csv", text).with("sforce-locator", locator).with("sforce-numberofrecords", number))
}

/// Opaque to callers, so that nobody can count on it being a row number.
fn locator_for(position: usize) -> String {
    format!("M{:x}", position.wrapping_mul(7) + 1_000_003)
}

fn read_locator(locator: &str) -> Option<usize> {
    let number = usize::from_str_radix(locator.strip_prefix('M')?, 16).ok()?.checked_sub(1_000_003)?;
    (number % 7 == 0).then_some(number / 7)
}

#[cfg(test)]
mod tests {
    use super::{locator_for, read_locator};

    #[test]
    fn a_locator_finds_its_place_and_others_are_refused() {
        assert_eq!(read_locator(&locator_for(500)), Some(500));
        assert_eq!(read_locator("null"), None);
        assert_eq!(read_locator("M1"), None);
    }
}
