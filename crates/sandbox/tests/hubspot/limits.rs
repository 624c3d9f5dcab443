//! Rate limits and faults.

use mittler_sandbox::faults::FaultRule;
use mittler_sandbox::hubspot::{Config, Limits};
use mittler_sandbox::{FaultKind, Vendor};
use reqwest::Method;
use serde_json::json;

use crate::support::{CONTACTS, portal, portal_with, quick};

#[tokio::test]
async fn the_burst_limit_counts_down_in_the_headers_and_ends_after_ten_seconds() {
    let limits = Limits { burst: 3, ..Limits::default() };
    let portal = portal_with(Config { limits, ..quick() }).await;
    for left in ["2", "1", "0"] {
        let answer = portal.get(CONTACTS).await;
        assert_eq!(answer.header("x-hubspot-ratelimit-max"), Some("3"));
        assert_eq!(answer.header("x-hubspot-ratelimit-remaining"), Some(left));
        assert_eq!(answer.header("x-hubspot-ratelimit-interval-milliseconds"), Some("10000"));
        assert!(answer.header("x-hubspot-ratelimit-daily-remaining").is_some());
    }
    let over = portal.get(CONTACTS).await;
    assert_eq!(over.status, 429);
    assert_eq!(over.body["policyName"], "TEN_SECONDLY_ROLLING");
    assert_eq!(over.body["errorType"], "RATE_LIMIT");
    assert_eq!(over.message(), "You have reached your ten_secondly_rolling limit.");
    let company = portal.get("/crm/v4/objects/contacts/1/associations/companies").await;
    assert_eq!(company.status, 404, "associations are counted apart");
    assert_eq!(portal.sandbox.calls().limited(Vendor::Hubspot), 1);
    portal.sandbox.clock().advance_seconds(10);
    assert_eq!(portal.get(CONTACTS).await.status, 200);
}

#[tokio::test]
async fn the_daily_limit_ends_at_midnight_of_the_portal() {
    let limits = Limits { burst: 0, daily: 2, ..Limits::default() };
    let portal = portal_with(Config { limits, ..quick() }).await;
    portal.get(CONTACTS).await;
    let second = portal.get(CONTACTS).await;
    assert_eq!(second.header("x-hubspot-ratelimit-daily-remaining"), Some("0"));
    let over = portal.get(CONTACTS).await;
    assert_eq!((over.status, over.body["policyName"].as_str()), (429, Some("DAILY")));
    portal.sandbox.clock().advance_seconds(25 * 3600);
    assert_eq!(portal.get(CONTACTS).await.status, 200);
}

#[tokio::test]
async fn an_app_is_not_told_its_daily_limit() {
    let portal = portal_with(Config::default()).await;
    let access = &portal.access;
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", access.refresh_token.as_str()),
        ("client_id", access.client_id.as_str()),
        ("client_secret", access.client_secret.as_str()),
    ];
    let answer = portal.form("/oauth/2026-09/token", &fields).await;
    let token = answer.body["access_token"].as_str().unwrap();
    assert!(token.len() >= 250);
    let answer = portal.call_as(token, Method::GET, CONTACTS, None).await;
    assert_eq!(answer.header("x-hubspot-ratelimit-max"), Some("110"));
    assert!(answer.header("x-hubspot-ratelimit-daily").is_none());
}

#[tokio::test]
async fn a_lock_a_migration_and_an_edge_error_come_on_request() {
    let portal = portal().await;
    let rule = |kind| FaultRule {
        vendor: Vendor::Hubspot,
        kind,
        share: None,
        nth: Some(1),
        calls: vec!["list".to_owned()],
        seed: None,
        ms: 0,
    };
    let cases = [
        (FaultKind::Locked423, 423),
        (FaultKind::Migrating477, 477),
        (FaultKind::RateLimited, 429),
        (FaultKind::ServerError, 500),
        (FaultKind::HtmlError, 503),
        (FaultKind::Unauthorized, 401),
    ];
    for (kind, status) in cases {
        portal.sandbox.faults().add(rule(kind));
        let answer = portal.get(CONTACTS).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("retry-after").is_some(), status == 477);
        assert_eq!(portal.get(CONTACTS).await.status, 200);
        portal.sandbox.faults().clear();
    }
}

#[tokio::test]
async fn a_connection_cut_after_the_commit_leaves_the_record_behind() {
    let portal = portal().await;
    portal.sandbox.faults().add(FaultRule {
        vendor: Vendor::Hubspot,
        kind: FaultKind::CutAfter,
        share: None,
        nth: Some(1),
        calls: vec!["create".to_owned()],
        seed: None,
        ms: 0,
    });
    let url = format!("{}{CONTACTS}", portal.access.base_url);
    let body = json!({"properties": {"email": "cut@example.com"}});
    let answer = portal.http.post(url).bearer_auth(&portal.access.access_token).json(&body).send().await;
    assert!(answer.is_err());
    assert_eq!(portal.get(&format!("{CONTACTS}/cut@example.com?idProperty=email")).await.status, 200);
}

#[tokio::test]
async fn a_bad_gateway_may_hide_that_the_work_was_done() {
    let portal = portal().await;
    portal.sandbox.faults().add(FaultRule {
        vendor: Vendor::Hubspot,
        kind: FaultKind::BadGatewayAfter,
        share: None,
        nth: Some(1),
        calls: vec!["create".to_owned()],
        seed: None,
        ms: 0,
    });
    let answer = portal.post(CONTACTS, json!({"properties": {"email": "gate@example.com"}})).await;
    assert_eq!((answer.status, answer.header("content-type")), (502, Some("text/html")));
    assert_eq!(portal.get(&format!("{CONTACTS}/gate@example.com?idProperty=email")).await.status, 200);
    let again = portal.post(CONTACTS, json!({"properties": {"email": "gate@example.com"}})).await;
    assert_eq!(again.status, 409);
}

#[tokio::test]
async fn calls_are_counted_by_type_as_well() {
    let portal = portal().await;
    let (contact, company) = (portal.contact("k@example.com").await, portal.company("K").await);
    portal.put(&format!("{CONTACTS}/{contact}/associations/default/companies/{company}"), json!({})).await;
    portal.post(&format!("{CONTACTS}/batch/upsert"), json!({"inputs": []})).await;
    let types = portal.sandbox.calls().to_json()["types"]["hubspot"].clone();
    let expected = json!({"create contacts": 1, "create companies": 1, "associations_create contacts/companies": 1,
        "batch_upsert contacts": 1});
    assert_eq!(types, expected);
    assert_eq!(portal.sandbox.calls().of_type(Vendor::Hubspot, "create", "contacts"), 1);
}

#[tokio::test]
async fn calls_are_counted_by_what_they_do() {
    let portal = portal().await;
    portal.contact("k@example.com").await;
    portal.get(CONTACTS).await;
    portal.post(&format!("{CONTACTS}/batch/upsert"), json!({"inputs": []})).await;
    portal.get("/crm/properties/2026-09/contacts").await;
    portal.post("/marketing/marketing-events/2026-09/events/upsert", json!({"inputs": []})).await;
    for kind in ["create", "list", "batch_upsert", "describe", "marketing_event_upsert"] {
        assert_eq!(portal.sandbox.calls().of(Vendor::Hubspot, kind), 1, "{kind}");
    }
}
