use reqwest::header::HeaderMap;
use serde_json::json;

use super::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer { status: status.try_into().unwrap(), headers: HeaderMap::default(), body: body.to_owned().into() }
}

fn array(code: &str, message: &str) -> String {
    json!([{"errorCode": code, "message": message}]).to_string()
}

fn row(code: &str, message: &str) -> RowResult {
    let fault = json!({"statusCode": code, "message": message, "fields": ["LastName"]});
    of_row(vec![serde_json::from_value(fault).unwrap()])
}

#[test]
fn every_row_error_has_its_class() {
    let busy =
        ["UNABLE_TO_LOCK_ROW", "UNKNOWN_EXCEPTION", "RECORD_IN_USE_BY_WORKFLOW", "ALL_OR_NONE_OPERATION_ROLLED_BACK"];
    for code in busy {
        assert_eq!(row(code, ""), RowResult::Busy { code: code.into() });
    }
    for code in ["CANNOT_UPDATE_CONVERTED_LEAD", "ENTITY_IS_DELETED", "NOT_FOUND"] {
        assert_eq!(row(code, ""), RowResult::Gone { successor: None, code: code.into() });
    }
    let refused = [
        "REQUIRED_FIELD_MISSING",
        "STRING_TOO_LONG",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "INVALID_EMAIL_ADDRESS",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "DUPLICATE_EXTERNAL_ID",
        "INVALID_FIELD",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "A_CODE_OF_THE_FUTURE",
    ];
    for code in refused {
        let expected = Refusal { code: code.into(), message: "m".into(), fields: vec!["LastName".into()] };
        assert_eq!(row(code, "m"), RowResult::Refused(expected));
    }
}

#[test]
fn what_an_administrator_has_to_change_is_no_fault_of_the_record() {
    for code in ["INSUFFICIENT_ACCESS_OR_READONLY", "STORAGE_LIMIT_EXCEEDED", "INVALID_FIELD"] {
        let fault = Fault { code: code.into(), message: "m".into(), ..Fault::default() };
        assert_eq!(of_row(vec![fault]), RowResult::Misconfigured { code: code.into(), message: "m".into() });
    }
}

#[test]
fn a_lock_inside_a_triggers_error_is_still_a_lock() {
    for code in ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX_ERROR"] {
        let message = "LeadTrigger: execution of AfterInsert caused by: UNABLE_TO_LOCK_ROW, unable to obtain";
        assert_eq!(row(code, message), RowResult::Busy { code: "UNABLE_TO_LOCK_ROW".into() });
    }
    assert!(matches!(row("REQUIRED_FIELD_MISSING", "UNABLE_TO_LOCK_ROW"), RowResult::Refused(_)));
}

#[test]
fn a_unique_value_names_the_record_that_has_it() {
    let message = "duplicate value found: Mittler_Id__c duplicates value on record with id: 00Q5g00000AbCdE";
    let RowResult::Exists { id, .. } = row("DUPLICATE_VALUE", message) else { panic!("not Exists") };
    assert_eq!(id.as_deref(), Some("00Q5g00000AbCdE"));
    let RowResult::Exists { id, .. } = row("DUPLICATE_VALUE", "Already a campaign member.") else {
        panic!("not Exists")
    };
    assert_eq!(id, None);
    assert!(matches!(row("DUPLICATES_DETECTED", "?"), RowResult::Candidates { found, .. } if found.is_empty()));
}

#[test]
fn a_spent_day_and_a_crowd_wait_differently() {
    let day = answer(403, &array("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."));
    assert_eq!(of_call(&day, Effect::Write), Error::Limited { bucket: DAILY, retry_after: Some(DAY_IS_SPENT) });
    let crowd = answer(403, &array("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded"));
    let waits = Error::Unavailable { code: "REQUEST_LIMIT_EXCEEDED".into(), retry_after: Some(CROWDED) };
    assert_eq!(of_call(&crowd, Effect::Write), waits);
    assert_eq!(of_single(&crowd).unwrap_err(), waits);
}

#[test]
fn a_server_error_on_a_write_is_unknown_whatever_its_body() {
    for (status, body) in [(503, "<html>maintenance</html>"), (500, &*array("UNKNOWN_EXCEPTION", "x")), (502, "")] {
        let answer = answer(status, body);
        assert!(matches!(of_call(&answer, Effect::Write), Error::Unknown { .. }), "{status}");
        assert!(matches!(of_single(&answer), Err(Error::Unknown { .. })), "{status}");
        assert!(matches!(of_call(&answer, Effect::Read), Error::Unavailable { .. }), "{status}");
    }
}

#[test]
fn a_batch_that_is_refused_as_a_whole_can_be_bisected() {
    let refused = of_call(&answer(400, &array("JSON_PARSER_ERROR", "no date")), Effect::Write);
    assert!(matches!(refused, Error::BatchRefused { code, .. } if code == "JSON_PARSER_ERROR"));
    let locked = of_call(&answer(400, &array("UNABLE_TO_LOCK_ROW", "")), Effect::Write);
    assert!(matches!(locked, Error::Unavailable { .. }));
}

#[test]
fn what_only_an_administrator_can_mend_is_a_configuration_error() {
    let cases = [
        (400, array("INVALID_FIELD", "No such column 'X'")),
        (403, array("API_DISABLED_FOR_ORG", "")),
        (404, array("NOT_FOUND", "Provided external ID field does not exist or is not accessible: X")),
        (302, String::new()),
        (403, "<html>".into()),
    ];
    for (status, body) in cases {
        let error = of_call(&answer(status, &body), Effect::Write);
        assert!(matches!(error, Error::Configuration { .. }) || status == 404, "{status} {body}: {error:?}");
    }
    let missing = answer(404, &array("NOT_FOUND", "Provided external ID field does not exist"));
    assert!(matches!(of_call(&missing, Effect::Write), Error::Configuration { .. }));
    assert!(matches!(of_single(&missing), Err(Error::Configuration { .. })));
    let gone = answer(404, &array("NOT_FOUND", "The requested resource does not exist"));
    assert!(matches!(of_single(&gone), Ok(RowResult::Gone { .. })));
    assert!(matches!(of_call(&answer(400, &array("MALFORMED_QUERY", "")), Effect::Read), Error::Configuration { .. }));
}

#[test]
fn several_records_under_one_external_id_are_refused_with_a_code() {
    let body = r#"["/services/data/v62.0/sobjects/Lead/00Qa","/services/data/v62.0/sobjects/Lead/00Qb"]"#;
    let RowResult::Refused(refusal) = of_single(&answer(300, body)).unwrap() else { panic!("not refused") };
    assert_eq!(refusal.code, "DUPLICATE_EXTERNAL_ID");
}

#[test]
fn what_is_to_be_mended_is_told_without_the_query_and_its_addresses() {
    let quoted = "\nSELECT Id, Foo FROM Lead WHERE Email IN ('anna@kranichwerk.example')\n           ^\nERROR at Row:1:Column:12\nNo such column 'Foo' on entity 'Lead'.";
    let error = of_call(&answer(400, &array("INVALID_FIELD", quoted)), Effect::Read);
    let Error::Configuration { message, .. } = error else { panic!("{error:?}") };
    assert_eq!(message, "No such column 'Foo' on entity 'Lead'.");
}

#[test]
fn the_words_of_the_token_endpoint_say_who_has_to_act() {
    let said = |error: &str, described: &str| {
        token_error(400, &serde_json::json!({"error": error, "error_description": described}))
    };
    let wait = |code: &str| Some(Error::Unavailable { code: code.into(), retry_after: None });
    assert_eq!(said("invalid_grant", "login rate exceeded"), wait("invalid_grant"));
    assert_eq!(said("unknown_error", "retry your request"), wait("unknown_error"));
    let nobody = said("invalid_grant", "no client credentials user enabled");
    assert!(matches!(nobody, Some(Error::Configuration { .. })), "{nobody:?}");
    let host = said("invalid_grant", "request not supported on this domain");
    assert!(matches!(host, Some(Error::Configuration { .. })), "{host:?}");
    assert_eq!(said("invalid_client_id", ""), Some(Error::Reauthorise { code: "invalid_client_id".into() }));
    assert_eq!(said("invalid_grant", "expired access/refresh token"), None);
}
