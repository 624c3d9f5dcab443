//! What a failure means: of a whole call, and of one row of a batch.

use std::time::Duration;

use mittler_connector::{
    Error, Refusal, RowResult, Usage,
    http::{Answer, Call, Dialect, Effect},
};

use serde_json::Value;

use crate::{
    profile::{BURST, CALL, DAILY, SEARCH},
    wire::{self, Failure, InvalidProperty},
};

/// The detail of the protocol error for a 404 that may just mean "no such record".
pub const NOT_FOUND: &str = "not_found";

/// A locked record stays locked for two seconds.
const LOCK: Duration = Duration::from_secs(2);

/// A property that the portal does not have.
const NO_PROPERTY: &str = "PROPERTY_DOESNT_EXIST";

pub const DIALECT: Dialect = Dialect { cost: CALL, usage, token_error, ..Dialect::STANDARD };

/// What the answer says about the calls left. Answers to searches carry no such headers.
fn usage(answer: &Answer) -> Option<Usage> {
    let number = |name| answer.header(name)?.trim().parse::<u64>().ok();
    let (allowed, left) = (number("x-hubspot-ratelimit-max")?, number("x-hubspot-ratelimit-remaining")?);
    Some(Usage { bucket: BURST, used: allowed.saturating_sub(left), allowed })
}

/// The token endpoint has words of its own in `status`, beside the standard's in `error`.
fn token_error(_: u16, told: &Value) -> Option<Error> {
    let word = |name: &str| told.get(name).and_then(Value::as_str);
    let code = word("status").filter(|word| word.starts_with("BAD_") || *word == "MISMATCH_REDIRECT_URI_AUTH_CODE")?;
    let message = word("message").unwrap_or_default().to_owned();
    Some(match code {
        "BAD_REDIRECT_URI" | "MISMATCH_REDIRECT_URI_AUTH_CODE" => Error::Configuration { code: code.into(), message },
        _ => Error::Reauthorise { code: code.into() },
    })
}

/// The error for an answer that is no success.
pub fn failed(call: &Call, answer: &Answer) -> Error {
    let failure: Failure = wire::parse(answer).unwrap_or_default();
    let retry_after = answer.retry_after();
    let code = code(&failure).unwrap_or_else(|| format!("http_{}", answer.status.as_u16()));
    match answer.status.as_u16() {
        401 => Error::Reauthorise { code },
        403 => Error::Configuration { message: forbidden(&failure), code },
        404 if failure.category.is_none() => {
            // No such address: another version of the API, or a base address that is not HubSpot's.
            let message = "HubSpot does not know the address that was called".to_owned();
            if call.effect == Effect::Read {
                return Error::Protocol { detail: NOT_FOUND.into() };
            }
            Error::Configuration { code, message }
        }
        404 if call.effect == Effect::Read => Error::Protocol { detail: NOT_FOUND.into() },
        423 => Error::Unavailable { code: "LOCKED".into(), retry_after: Some(retry_after.unwrap_or(LOCK).max(LOCK)) },
        429 => limited(call, &failure, retry_after),
        477 => Error::Unavailable { code: "MIGRATING".into(), retry_after },
        // Seen as the status of an exhausted search limit: nothing was done.
        500 if failure.category.as_deref() == Some("RATE_LIMITS") => limited(call, &failure, retry_after),
        504 if call.effect == Effect::Read => Error::TooBroad { code },
        status if !(400..500).contains(&status) || status == 408 => match call.effect {
            Effect::Read => Error::Unavailable { code, retry_after },
            Effect::Write => Error::Unknown { code },
        },
        400 if call.effect == Effect::Read && is_setting(&failure) => {
            Error::Configuration { code, message: setting(&failure) }
        }
        // One of the keys perhaps, or too many of them.
        400 | 413 | 414 if call.effect == Effect::Read => {
            Error::BatchRefused { code, fields: fields(&failure), message: setting(&failure) }
        }
        _ if call.effect == Effect::Read => Error::Protocol { detail: code },
        // Every record would be refused for it: our own key is not there as it must be,
        400 if is_key(&failure) => {
            let message = format!("{}; `mittler connect` makes it where it may", setting(&failure));
            Error::Configuration { code, message }
        }
        // or the mapping names what the portal does not have.
        400 if code == NO_PROPERTY => Error::Configuration { code, message: setting(&failure) },
        _ => Error::BatchRefused { code, fields: fields(&failure), message: failure.message },
    }
}

/// The error for a success that could not be read: the write it answers may have happened.
pub fn unreadable(call: &Call) -> Error {
    match call.effect {
        Effect::Read => Error::Protocol { detail: "unreadable_answer".into() },
        Effect::Write => Error::Unknown { code: "unreadable_answer".into() },
    }
}

/// What a row's error means. `creating` tells a missing parent from a missing record.
pub fn row(failure: &Failure, creating: bool) -> RowResult {
    let code = code(failure).unwrap_or_else(|| "unnamed".into());
    let message = failure.message.clone();
    match failure.category.as_deref() {
        Some("RATE_LIMITS" | "INTERNAL_ERROR" | "LOCKED") => RowResult::Busy { code },
        Some("OBJECT_NOT_FOUND") if !creating => RowResult::Gone { successor: None, code },
        Some("CONFLICT" | "OBJECT_ALREADY_EXISTS") => RowResult::Exists { id: existing(failure), code, message },
        _ if code == NO_PROPERTY => RowResult::Misconfigured { code, message: setting(failure) },
        _ if code == "CONFLICTING_UNIQUE_VALUE" => RowResult::Exists { id: existing(failure), code, message },
        _ => RowResult::Refused(Refusal { code, fields: fields(failure), message }),
    }
}

/// The row's result if the answer to a batch of one tells more than "refused".
pub fn lone(answer: &Answer, creating: bool) -> Option<RowResult> {
    if !matches!(answer.status.as_u16(), 400 | 404 | 409) {
        return None;
    }
    let failure: Failure = wire::parse(answer)?;
    let result = row(&failure, creating);
    matches!(result, RowResult::Exists { .. } | RowResult::Gone { .. }).then_some(result)
}

fn limited(call: &Call, failure: &Failure, retry_after: Option<Duration>) -> Error {
    let bucket = match failure.policy_name.as_deref() {
        Some("DAILY") => DAILY,
        Some("SECONDLY") => SEARCH,
        Some("TEN_SECONDLY_ROLLING") => BURST,
        _ => call.cost.unwrap_or(CALL).first().map_or(BURST, |(bucket, _)| bucket),
    };
    // HubSpot does not say how long; these are its windows. The daily one ends at the portal's
    // midnight, which only the caller can tell.
    let window = match bucket {
        DAILY => None,
        SEARCH => Some(Duration::from_secs(1)),
        _ => Some(Duration::from_secs(10)),
    };
    Error::Limited { bucket, retry_after: retry_after.or(window) }
}

/// The most telling code: of the first property, else the category.
fn code(failure: &Failure) -> Option<String> {
    let detail = failure.errors.iter().find_map(|detail| detail.code.clone());
    let listed = || invalid_properties(&failure.message).into_iter().find_map(|property| property.error);
    detail.or_else(listed).or_else(|| failure.category.clone())
}

/// The properties that were refused, from the details and from the list inside the message: either
/// may be all there is.
pub fn fields(failure: &Failure) -> Vec<String> {
    let mut fields: Vec<String> =
        failure.errors.iter().flat_map(|detail| wire::context(&detail.context, "propertyName")).collect();
    fields.extend(wire::context(&failure.context, "propertyName"));
    fields.extend(invalid_properties(&failure.message).into_iter().filter_map(|property| property.name));
    fields.sort();
    fields.dedup();
    fields
}

/// The JSON that HubSpot writes into the text of its message.
fn invalid_properties(message: &str) -> Vec<InvalidProperty> {
    let Some((_, list)) = message.split_once("Property values were not valid: ") else { return Vec::new() };
    // Text may follow the list.
    let mut lists = serde_json::Deserializer::from_str(list).into_iter();
    lists.next().and_then(Result::ok).unwrap_or_default()
}

/// The id that a clash names: "Existing ID: 551", or "… 551 already has that value".
fn existing(failure: &Failure) -> Option<String> {
    let details = failure.errors.iter().map(|detail| &*detail.message);
    std::iter::once(&*failure.message).chain(details).find_map(|message| {
        if let Some((_, rest)) = message.split_once("Existing ID:") {
            let id: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
            return (!id.is_empty()).then_some(id);
        }
        let (before, _) = message.split_once(" already has that value")?;
        let id = before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        (!id.is_empty()).then(|| id.to_owned())
    })
}

/// Any one of the named scopes is enough.
fn forbidden(failure: &Failure) -> String {
    let scopes: Vec<String> = failure
        .errors
        .iter()
        .flat_map(|detail| wire::context(&detail.context, "requiredGranularScopes"))
        .chain(wire::context(&failure.context, "requiredGranularScopes"))
        .collect();
    if scopes.is_empty() { failure.message.clone() } else { format!("missing scope: {}", scopes.join(" or ")) }
}

/// What an administrator has to change. HubSpot's own text goes on with what else is wrong, and quotes the
/// records of the call for it.
fn setting(failure: &Failure) -> String {
    let listed = invalid_properties(&failure.message);
    let missing = listed.iter().filter(|property| property.error.as_deref() == Some(NO_PROPERTY));
    let mut names: Vec<&str> = missing.filter_map(|property| property.name.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        failure.message.split(": [").next().unwrap_or_default().to_owned()
    } else {
        format!("the portal has no property {}", names.join(", "))
    }
}

/// Whether the portal lacks our own key, or has it without its being unique.
fn is_key(failure: &Failure) -> bool {
    let message = failure.message.to_ascii_lowercase();
    ["non-unique", "not unique"].iter().any(|words| message.contains(words))
}

/// Whether a read was refused for something that an administrator has to change.
fn is_setting(failure: &Failure) -> bool {
    let message = failure.message.to_ascii_lowercase();
    ["non-unique", "does not exist", "not unique", "infer object type"].iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use reqwest::{Method, StatusCode, header::HeaderMap};
    use serde_json::{Value, json};

    use super::*;

    fn answer(status: u16, body: &Value) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, headers: HeaderMap::new(), body: body.to_string().into() }
    }

    fn write() -> Call {
        Call::write(Method::POST, "https://api.hubapi.com", json!({}))
    }

    fn read() -> Call {
        Call::read(Method::POST, "https://api.hubapi.com")
    }

    #[test]
    fn the_words_of_the_token_endpoint_say_who_has_to_act() {
        for (told, expected) in [
            (json!({"status": "BAD_REFRESH_TOKEN", "error": "invalid_grant"}), "BAD_REFRESH_TOKEN"),
            (json!({"status": "BAD_CLIENT_SECRET"}), "BAD_CLIENT_SECRET"),
        ] {
            assert_eq!(token_error(400, &told), Some(Error::Reauthorise { code: expected.into() }));
        }
        let redirect = token_error(400, &json!({"status": "BAD_REDIRECT_URI"}));
        assert!(matches!(redirect, Some(Error::Configuration { .. })), "{redirect:?}");
        // Whatever else it says is the standard's, or nothing.
        assert_eq!(token_error(400, &json!({"status": "error", "error": "invalid_grant"})), None);
    }

    #[test]
    fn each_status_has_one_meaning_for_a_write_and_one_for_a_read() {
        let limited =
            |bucket, seconds: Option<u64>| Error::Limited { bucket, retry_after: seconds.map(Duration::from_secs) };
        let busy = |code: &str, seconds: Option<u64>| Error::Unavailable {
            code: code.into(),
            retry_after: seconds.map(Duration::from_secs),
        };
        let unknown = |code: &str| Error::Unknown { code: code.into() };
        let refused = |code: &str| Error::BatchRefused { code: code.into(), message: String::new(), fields: vec![] };
        let protocol = |detail: &str| Error::Protocol { detail: detail.into() };
        let none = json!({});
        let policy = |name: &str| json!({"errorType": "RATE_LIMIT", "policyName": name});
        let setting = |code: &str| Error::Configuration { code: code.into(), message: String::new() };
        let cases = [
            (400, json!({"category": "VALIDATION_ERROR"}), refused("VALIDATION_ERROR"), refused("VALIDATION_ERROR")),
            (403, json!({"category": "BANNED"}), setting("BANNED"), setting("BANNED")),
            (404, json!({"category": "OBJECT_NOT_FOUND"}), refused("OBJECT_NOT_FOUND"), protocol(NOT_FOUND)),
            (409, json!({"category": "CONFLICT"}), refused("CONFLICT"), protocol("CONFLICT")),
            (423, none.clone(), busy("LOCKED", Some(2)), busy("LOCKED", Some(2))),
            (429, policy("TEN_SECONDLY_ROLLING"), limited(BURST, Some(10)), limited(BURST, Some(10))),
            (429, policy("DAILY"), limited(DAILY, None), limited(DAILY, None)),
            (429, policy("SECONDLY"), limited(SEARCH, Some(1)), limited(SEARCH, Some(1))),
            (429, none.clone(), limited(BURST, Some(10)), limited(BURST, Some(10))),
            (477, none.clone(), busy("MIGRATING", None), busy("MIGRATING", None)),
            (500, json!({"category": "RATE_LIMITS"}), limited(BURST, Some(10)), limited(BURST, Some(10))),
            (500, json!({"category": "INTERNAL_ERROR"}), unknown("INTERNAL_ERROR"), busy("INTERNAL_ERROR", None)),
            (502, none.clone(), unknown("http_502"), busy("http_502", None)),
            (524, none.clone(), unknown("http_524"), busy("http_524", None)),
            (302, none.clone(), unknown("http_302"), busy("http_302", None)),
            (415, none, refused("http_415"), protocol("http_415")),
        ];
        for (status, body, of_write, of_read) in cases {
            assert_eq!(failed(&write(), &answer(status, &body)), of_write, "write, {status}");
            assert_eq!(failed(&read(), &answer(status, &body)), of_read, "read, {status}");
        }
    }

    #[test]
    fn a_pause_that_hubspot_names_is_passed_on() {
        let mut given = answer(477, &json!({}));
        given.headers.insert("retry-after", "3600".parse().unwrap());
        let expected = Error::Unavailable { code: "MIGRATING".into(), retry_after: Some(Duration::from_hours(1)) };
        assert_eq!(failed(&write(), &given), expected);
    }

    #[test]
    fn a_missing_scope_is_named() {
        let body = json!({"category": "MISSING_SCOPES", "message": "no",
            "errors": [{"message": "no", "context": {"requiredGranularScopes": ["a.read", "a.write"]}}]});
        let Error::Configuration { code, message } = failed(&write(), &answer(403, &body)) else { panic!() };
        assert_eq!((&*code, &*message), ("MISSING_SCOPES", "missing scope: a.read or a.write"));
    }

    #[test]
    fn refused_properties_are_found_where_only_the_message_names_them() {
        let message = "Property values were not valid: [{\"isValid\":false,\"message\":\"\\\"x\\\" was not one of \
                       the allowed options\",\"error\":\"INVALID_OPTION\",\"name\":\"industry\",\"portalId\":1}]";
        let failure =
            Failure { message: message.into(), category: Some("VALIDATION_ERROR".into()), ..Failure::default() };
        let RowResult::Refused(refusal) = row(&failure, true) else { panic!() };
        assert_eq!((&*refusal.code, refusal.fields), ("INVALID_OPTION", vec!["industry".to_owned()]));
    }

    #[test]
    fn a_property_that_the_portal_lacks_is_no_fault_of_the_record() {
        let message = "Property values were not valid: [{\"isValid\":false,\"message\":\"Property \\\"missing\\\" \
                       does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"missing\",\"portalId\":1}]";
        let failure =
            Failure { message: message.into(), category: Some("VALIDATION_ERROR".into()), ..Failure::default() };
        assert!(matches!(row(&failure, true), RowResult::Misconfigured { code, .. } if code == NO_PROPERTY));
        let whole = failed(&write(), &answer(400, &json!({"category": "VALIDATION_ERROR", "message": message})));
        assert!(matches!(whole, Error::Configuration { code, .. } if code == NO_PROPERTY));
    }

    #[test]
    fn a_clash_names_the_record_that_is_there() {
        let taken = |category: &str, message: &str, code: Option<&str>| Failure {
            message: message.into(),
            category: Some(category.into()),
            errors: code
                .map(|code| wire::Detail { code: Some(code.into()), ..wire::Detail::default() })
                .into_iter()
                .collect(),
            ..Failure::default()
        };
        let clash = "Cannot set PropertyValueCoordinates{portalId=1, value=rec_1} on 51. 101 already has that value.";
        let cases = [
            (taken("CONFLICT", "Contact already exists. Existing ID: 551", None), Some("551")),
            (taken("VALIDATION_ERROR", clash, Some("CONFLICTING_UNIQUE_VALUE")), Some("101")),
            (taken("CONFLICT", "Contact already exists.", None), None),
        ];
        for (failure, expected) in cases {
            let RowResult::Exists { id, .. } = row(&failure, true) else { panic!("{failure:?}") };
            assert_eq!(id.as_deref(), expected);
        }
    }

    #[test]
    fn a_missing_record_is_gone_when_updated_and_a_missing_parent_when_created() {
        let missing = Failure { category: Some("OBJECT_NOT_FOUND".into()), ..Failure::default() };
        assert!(matches!(row(&missing, false), RowResult::Gone { .. }));
        assert!(matches!(row(&missing, true), RowResult::Refused(_)));
    }

    #[test]
    fn an_error_page_is_an_unknown_outcome_of_a_write() {
        let page = Answer { body: "<html>Bad gateway</html>".into(), ..answer(502, &json!({})) };
        assert_eq!(failed(&write(), &page), Error::Unknown { code: "http_502".into() });
    }

    #[test]
    fn what_is_to_be_mended_is_told_without_what_else_the_records_say() {
        let list = r#"[{"isValid":false,"message":"Email address anna@x is invalid","error":"INVALID_EMAIL","name":"email"},{"isValid":false,"message":"Property \"size\" does not exist","error":"PROPERTY_DOESNT_EXIST","name":"size"}]"#;
        let message = format!("Property values were not valid: {list}");
        let body = json!({"status": "error", "category": "VALIDATION_ERROR", "message": message,
            "errors": [{"code": "PROPERTY_DOESNT_EXIST", "message": "size"}]});
        let error = failed(&write(), &answer(400, &body));
        let Error::Configuration { message, .. } = error else { panic!("{error:?}") };
        assert_eq!(message, "the portal has no property size");
    }

    #[test]
    fn a_key_that_is_not_unique_there_is_the_administrators_and_no_fault_of_a_record() {
        let body = json!({"status": "error", "category": "VALIDATION_ERROR",
            "message": "Unable to perform upsert by non-unique 0-1 property mittler_id"});
        let error = failed(&write(), &answer(400, &body));
        assert!(
            matches!(&error, Error::Configuration { message, .. } if message.contains("mittler connect")),
            "{error:?}"
        );
    }
}
