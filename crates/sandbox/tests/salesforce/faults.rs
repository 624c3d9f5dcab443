//! Faults, counters, state and reset, as seen from outside.

use mittler_sandbox::salesforce::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Org, answer, org, org_with};

async fn fault(org: &Org, mut rule: Value) {
    rule["vendor"] = json!("salesforce");
    let set = org.post("/_sandbox/faults", rule).await;
    assert_eq!(set.status, 200, "{}", set.text);
}

const LEAD: &str = "/sobjects/Lead/Mittler_Id__c/p-1";

#[tokio::test]
async fn a_connection_cut_after_the_commit_gives_no_answer_but_keeps_the_record() {
    let org = org().await;
    fault(&org, json!({"kind": "cut_after", "nth": 1, "calls": ["upsert"]})).await;
    let lead = json!({"LastName": "Doe", "Company": "ACME"});
    let cut = org.request(Method::PATCH, LEAD).json(&lead).send().await;
    assert!(cut.expect_err("no answer at all").status().is_none());
    let state = org.get("/_sandbox/state").await;
    assert_eq!(state.body["salesforce"]["Lead"][0]["Mittler_Id__c"], "p-1");
    let again = org.patch(LEAD, lead).await;
    assert_eq!((again.status.as_u16(), &again.body["created"]), (200, &json!(false)));
}

#[tokio::test]
async fn a_connection_cut_before_the_commit_leaves_nothing_behind() {
    let org = org().await;
    fault(&org, json!({"kind": "cut_before", "nth": 1})).await;
    assert!(org.request(Method::PATCH, LEAD).json(&json!({"LastName": "D", "Company": "A"})).send().await.is_err());
    assert_eq!(org.get("/_sandbox/state").await.body["salesforce"]["Lead"], json!([]));
}

#[tokio::test]
async fn each_fault_has_the_shape_the_vendor_gives_it() {
    let org = org().await;
    for (kind, status, part) in [
        ("rate_limited", 403, "TotalRequests Limit exceeded."),
        ("concurrent_limit", 403, "ConcurrentPerOrgLongTxn Limit exceeded"),
        ("server_error", 500, "UNKNOWN_EXCEPTION"),
        ("html_error", 503, "<html>"),
        ("unauthorized", 401, "INVALID_SESSION_ID"),
        ("lock_row", 400, "\"errorCode\":\"UNABLE_TO_LOCK_ROW\""),
    ] {
        fault(&org, json!({"kind": kind, "nth": 1, "calls": ["limits"]})).await;
        let broken = org.get("/limits").await;
        assert_eq!(broken.status, status, "{kind}");
        assert!(broken.text.contains(part), "{kind}: {}", broken.text);
        assert_eq!(org.get("/limits").await.status, 200);
        org.post("/_sandbox/faults", json!({"clear": true})).await;
    }
}

#[tokio::test]
async fn a_row_lock_hits_one_row_of_a_collection() {
    let org = org().await;
    fault(&org, json!({"kind": "lock_row", "nth": 1, "calls": ["collections_upsert"]})).await;
    let lead = |key: &str| json!({"Mittler_Id__c": key, "LastName": "D", "Company": "A"});
    let rows = json!({"records": [lead("a"), lead("b")]});
    let result = org.patch("/composite/sobjects/Lead/Mittler_Id__c", rows).await;
    assert_eq!(result.body[0]["errors"][0]["statusCode"], "UNABLE_TO_LOCK_ROW");
    assert_eq!(result.body[1]["success"], true);
}

#[tokio::test]
async fn a_share_of_faults_is_the_same_for_the_same_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let org = org().await;
        fault(&org, json!({"kind": "server_error", "share": 0.5, "seed": 42})).await;
        let mut run = Vec::new();
        for _ in 0..16 {
            run.push(org.get("/limits").await.status.as_u16());
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&200) && runs[0].contains(&500));
}

#[tokio::test]
async fn calls_are_counted_by_kind_and_can_be_forgotten() {
    let org = org().await;
    org.get("/limits").await;
    org.query("SELECT Id FROM Lead").await;
    org.patch(LEAD, json!({"LastName": "D", "Company": "A"})).await;
    org.get("/sobjects/Lead/describe").await;
    let calls = org.get("/_sandbox/calls").await.body;
    assert_eq!(calls["salesforce"], json!({"limits": 1, "query": 1, "upsert": 1, "describe": 1}));
    org.delete("/_sandbox/calls").await;
    assert_eq!(org.get("/_sandbox/calls").await.body["salesforce"], json!({}));
}

#[tokio::test]
async fn calls_are_counted_by_object_also_where_only_the_rows_name_it() {
    let org = org().await;
    org.patch(LEAD, json!({"LastName": "D", "Company": "A"})).await;
    let rows = json!({"records": [{"attributes": {"type": "Contact"}, "LastName": "C"}]});
    assert_eq!(org.post("/composite/sobjects", rows).await.body[0]["success"], true);
    let rows = json!({"records": [{"Mittler_Id__c": "x", "LastName": "C", "Company": "A"}]});
    org.patch("/composite/sobjects/Lead/Mittler_Id__c", rows).await;
    org.get("/sobjects/Lead/describe").await;
    let types = org.get("/_sandbox/calls").await.body["types"]["salesforce"].clone();
    let expected =
        json!({"upsert Lead": 1, "collections_create Contact": 1, "collections_upsert Lead": 1, "describe Lead": 1});
    assert_eq!(types, expected);
}

#[tokio::test]
async fn a_bad_gateway_may_hide_that_the_work_was_done() {
    let org = org().await;
    fault(&org, json!({"kind": "bad_gateway_after", "nth": 1, "calls": ["upsert"]})).await;
    let broken = org.patch(LEAD, json!({"LastName": "D", "Company": "A"})).await;
    assert_eq!(broken.status, 502);
    assert_eq!(org.query("SELECT count() FROM Lead").await.body["totalSize"], 1);
}

#[tokio::test]
async fn a_reset_forgets_the_records_and_keeps_the_access() {
    let org = org().await;
    org.patch(LEAD, json!({"LastName": "D", "Company": "A"})).await;
    assert_eq!(org.post("/_sandbox/reset", json!({})).await.status, 204);
    assert_eq!(org.query("SELECT count() FROM Lead").await.body["totalSize"], 0);
    let wrong = org.post("/_sandbox/faults", json!({"vendor": "salesforce", "kind": "earthquake"})).await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn the_access_line_has_the_agreed_keys() {
    let org = org().await;
    let access = answer(org.http.get(org.url("/_sandbox/access"))).await.body;
    let keys = |vendor: &str| access[vendor].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(keys("salesforce"), "access_token base_url client_id client_secret organization_id");
    assert_eq!(keys("hubspot"), "access_token app_id base_url client_id client_secret portal_id refresh_token");
}

#[tokio::test]
async fn a_lock_met_by_a_trigger_hides_inside_another_code() {
    let org = org_with(Config { locks_in_triggers: true, ..Config::default() }).await;
    fault(&org, json!({"kind": "lock_row", "nth": 1})).await;
    let locked = org.patch(LEAD, json!({"LastName": "D", "Company": "A"})).await;
    assert_eq!(locked.code(), "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY");
    assert!(locked.text.contains("UNABLE_TO_LOCK_ROW"));
}
