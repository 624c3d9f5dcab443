//! Salesforce's error codes, by what the caller does next.

use std::time::Duration;

use mittler_connector::{
    Error, Refusal, RowResult, Usage,
    http::{Answer, Dialect, Effect, unusable},
};

use serde_json::Value;

use crate::{
    profile::{BURST, CALL, DAILY},
    wire::{self, Fault},
};

/// How long to leave an organisation alone whose calls of the rolling day are spent.
const DAY_IS_SPENT: Duration = Duration::from_mins(15);
/// Too many long calls at once pass in seconds.
const CROWDED: Duration = Duration::from_secs(5);

pub const DIALECT: Dialect = Dialect { cost: CALL, token_rejected, usage, token_error, ..Dialect::STANDARD };

fn usage(answer: &Answer) -> Option<Usage> {
    let (used, allowed) = answer.header("sforce-limit-info").and_then(wire::usage)?;
    Some(Usage { bucket: DAILY, used, allowed })
}

/// The standard's words of the token endpoint, used for more than the standard says.
fn token_error(_: u16, told: &Value) -> Option<Error> {
    let word = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default();
    let (code, described) = (word("error").to_owned(), word("error_description"));
    if described.contains("login rate exceeded") || matches!(code.as_str(), "rate_limit_exceeded" | "unknown_error") {
        return Some(Error::Unavailable { code, retry_after: None });
    }
    // One word for two causes that no new credentials cure: the wrong host, and no run-as user.
    let host_or_user = described.contains("not supported on this domain") || described.contains("credentials user");
    match code.as_str() {
        "invalid_grant" if host_or_user => Some(Error::Configuration { code, message: described.to_owned() }),
        "invalid_client_id" | "invalid_app_access" | "inactive_user" => Some(Error::Reauthorise { code }),
        _ => None,
    }
}

/// Why a call with many records, or a read, failed as a whole.
pub fn of_call(answer: &Answer, effect: Effect) -> Error {
    let faults = wire::faults(answer);
    if let Some(error) = of_transport(answer, &faults, effect) {
        return error;
    }
    let fault = faults.into_iter().next().unwrap_or_else(|| nameless(answer));
    if effect == Effect::Read && matches!(fault.code.as_str(), "QUERY_TIMEOUT" | "REQUEST_RUNNING_TOO_LONG") {
        return Error::TooBroad { code: fault.code };
    }
    match class(&fault.code) {
        Class::Busy => Error::Unavailable { code: fault.code, retry_after: Some(CROWDED) },
        // Too many keys for one address, or too long ones.
        _ if effect == Effect::Read && matches!(answer.status.as_u16(), 413 | 414 | 431) => {
            Error::BatchRefused { code: fault.code, message: "the query is too long".into(), fields: Vec::new() }
        }
        Class::Configuration => Error::Configuration { code: fault.code, message: setting(&fault.message) },
        _ if effect == Effect::Read => Error::Configuration { code: fault.code, message: setting(&fault.message) },
        _ => {
            let fields = fault.fields.unwrap_or_default();
            Error::BatchRefused { code: fault.code, message: fault.message, fields }
        }
    }
}

/// Not by 401 alone: the identity service answers 403 and one word.
fn token_rejected(answer: &Answer) -> bool {
    if answer.status.as_u16() != 403 {
        return answer.status.as_u16() == 401;
    }
    let text = std::str::from_utf8(&answer.body).unwrap_or_default().trim();
    let word = matches!(text, "Bad_OAuth_Token" | "Missing_OAuth_Token" | "Wrong_Org");
    word || wire::faults(answer).first().is_some_and(|fault| {
        matches!(fault.code.as_str(), "INVALID_SESSION_ID" | "INVALID_AUTH_HEADER" | "INVALID_OAUTH_TOKEN")
    })
}

/// What the answer to the write of one record says of the record, or why it says nothing.
pub fn of_single(answer: &Answer) -> Result<RowResult, Error> {
    let faults = wire::faults(answer);
    if answer.status.as_u16() == 300 {
        // The body names the records. Which of them is ours is a question for a person.
        return Ok(refused(Fault {
            code: "DUPLICATE_EXTERNAL_ID".into(),
            message: "several records have this external id".into(),
            ..Fault::default()
        }));
    }
    if let Some(error) = of_transport(answer, &faults, Effect::Write) {
        return Err(error);
    }
    Ok(of_row(if faults.is_empty() { vec![nameless(answer)] } else { faults }))
}

/// What the errors of one record say.
pub fn of_row(faults: Vec<Fault>) -> RowResult {
    // Triggers and flows wrap a lock into an error of their own.
    let locked = |fault: &Fault| wraps(&fault.code) && fault.message.contains("UNABLE_TO_LOCK_ROW");
    if faults.iter().any(locked) {
        return RowResult::Busy { code: "UNABLE_TO_LOCK_ROW".into() };
    }
    let fields = faults.iter().filter_map(|fault| fault.fields.clone()).flatten().collect();
    let mut fault = faults.into_iter().next().unwrap_or_else(|| Fault {
        code: "UNKNOWN_ERROR".into(),
        message: "refused without a reason".into(),
        ..Fault::default()
    });
    fault.fields = Some(fields);
    if fault.message.contains("Already a campaign member") {
        return RowResult::Exists { id: None, code: fault.code, message: fault.message };
    }
    match class(&fault.code) {
        Class::Busy => RowResult::Busy { code: fault.code },
        Class::Gone => RowResult::Gone { successor: None, code: fault.code },
        Class::Exists => RowResult::Exists { id: named_id(&fault.message), code: fault.code, message: fault.message },
        Class::Candidates => {
            let found = fault.duplicates.as_ref();
            // An answer without the records does not say either whether the rule gives way.
            let may_save = found.is_none_or(|found| found.allow_save);
            RowResult::Candidates {
                found: found.map(wire::Duplicates::found).unwrap_or_default(),
                may_save,
                code: fault.code,
            }
        }
        // A field that the fault names is held alone; else nothing of this type will pass.
        Class::Configuration if fault.fields.as_ref().is_none_or(Vec::is_empty) => {
            RowResult::Misconfigured { code: fault.code, message: fault.message }
        }
        Class::Configuration | Class::Refused => refused(fault),
    }
}

enum Class {
    Busy,
    Gone,
    Exists,
    Candidates,
    Configuration,
    Refused,
}

fn class(code: &str) -> Class {
    match code {
        "UNABLE_TO_LOCK_ROW"
        | "SERVER_UNAVAILABLE"
        | "UNKNOWN_EXCEPTION"
        | "QUERY_TIMEOUT"
        | "REQUEST_RUNNING_TOO_LONG"
        | "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"
        | "TOO_MANY_APEX_REQUESTS"
        | "RECORD_IN_USE_BY_WORKFLOW"
        | "ALREADY_IN_PROCESS"
        | "REQUEST_LIMIT_EXCEEDED"
        // Not the culprit: it goes once the culprit is out of the way.
        | "BATCH_PROCESSING_HALTED"
        | "PROCESSING_HALTED"
        | "ALL_OR_NONE_OPERATION_ROLLED_BACK"
        // The query starts again.
        | "INVALID_QUERY_LOCATOR" => Class::Busy,
        "CANNOT_UPDATE_CONVERTED_LEAD" | "ENTITY_IS_DELETED" | "NOT_FOUND" => Class::Gone,
        "DUPLICATE_VALUE" => Class::Exists,
        "DUPLICATES_DETECTED" => Class::Candidates,
        "STORAGE_LIMIT_EXCEEDED"
        | "LICENSE_LIMIT_EXCEEDED"
        | "LIMIT_EXCEEDED"
        | "EXCEEDED_ID_LIMIT"
        | "INACTIVE_OWNER_OR_USER"
        | "UNAVAILABLE_RECORDTYPE_EXCEPTION"
        | "INVALID_FIELD"
        | "INVALID_FIELD_FOR_INSERT_UPDATE"
        | "INVALID_TYPE"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        | "FORBIDDEN"
        | "API_DISABLED_FOR_ORG"
        | "API_CURRENTLY_DISABLED"
        | "PACKAGE_LICENSE_REQUIRED"
        | "MALFORMED_QUERY"
        | "INVALID_QUERY_FILTER_OPERATOR"
        | "INVALID_REPLICATION_DATE"
        | "METHOD_NOT_ALLOWED"
        | "UNSUPPORTED_API_VERSION" => Class::Configuration,
        _ => Class::Refused,
    }
}

fn wraps(code: &str) -> bool {
    matches!(code, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" | "CANNOT_EXECUTE_FLOW_TRIGGER" | "APEX_ERROR")
}

/// Failures that say nothing about any record: limits, outages, the wrong door.
fn of_transport(answer: &Answer, faults: &[Fault], effect: Effect) -> Option<Error> {
    let status = answer.status.as_u16();
    let code = faults.first().map_or_else(|| format!("http_{status}"), |fault| fault.code.clone());
    let message = faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
    if code == "REQUEST_LIMIT_EXCEEDED" {
        return Some(if message.contains("Concurrent") {
            Error::Unavailable { code, retry_after: Some(CROWDED) }
        } else {
            Error::Limited { bucket: DAILY, retry_after: Some(DAY_IS_SPENT) }
        });
    }
    match status {
        504 if effect == Effect::Read => Some(Error::TooBroad { code }),
        429 => Some(Error::Limited { bucket: BURST, retry_after: answer.retry_after().or(Some(CROWDED)) }),
        // Nobody can tell whether an edge answered before or after the work was done.
        408 | 420 | 500..=599 => Some(unusable(effect, &code)),
        // A redirect is never followed: the organisation has moved, and the token must not.
        301..=399 | 405 | 409 | 410 | 415 => Some(Error::Configuration { code, message }),
        401 | 403 if faults.is_empty() => Some(Error::Configuration { code, message }),
        _ if matches!(code.as_str(), "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED" | "UNSUPPORTED_API_VERSION") => {
            Some(Error::Configuration { code, message })
        }
        // Of an address, not of a record: the record's own 404 says so in an update.
        404 if faults.is_empty() || message.starts_with("Provided external ID") => {
            Some(Error::Configuration { code, message })
        }
        _ => None,
    }
}

/// What an administrator has to change. Before it Salesforce quotes the query, and in that the addresses that
/// were asked for.
fn setting(message: &str) -> String {
    let said =
        message.split_once("ERROR at Row").map_or(message, |(_, rest)| rest.split_once('\n').map_or("", |it| it.1));
    said.trim().to_owned()
}

fn nameless(answer: &Answer) -> Fault {
    Fault { code: format!("http_{}", answer.status.as_u16()), ..Fault::default() }
}

fn refused(fault: Fault) -> RowResult {
    let fields = fault.fields.unwrap_or_default();
    RowResult::Refused(Refusal { code: fault.code, message: fault.message, fields })
}

/// "… duplicates value on record with id: 00Q5g00000AbCdE" → the id.
fn named_id(message: &str) -> Option<String> {
    let (_, after) = message.rsplit_once("with id:")?;
    let id: String = after.trim_start().chars().take_while(char::is_ascii_alphanumeric).collect();
    matches!(id.len(), 15 | 18).then_some(id)
}

#[cfg(test)]
mod tests;
