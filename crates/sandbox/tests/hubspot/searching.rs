//! Search.

use mittler_sandbox::hubspot::{Config, Limits};
use serde_json::{Value, json};

use crate::support::{CONTACTS, portal, portal_with, quick};

fn by_city(operator: &str, value: &str) -> Value {
    json!({"filterGroups": [{"filters": [{"propertyName": "city", "operator": operator, "value": value}]}]})
}

#[tokio::test]
async fn search_does_not_see_a_write_until_the_index_has_caught_up() {
    let portal = portal_with(Config { search_lag_ms: 60_000, ..quick() }).await;
    let made = portal.post(CONTACTS, json!({"properties": {"email": "s@example.com", "city": "Ulm"}})).await;
    let search = format!("{CONTACTS}/search");
    assert_eq!(portal.post(&search, by_city("EQ", "ulm")).await.body["total"], 0);
    portal.sandbox.clock().advance_seconds(61);
    assert_eq!(portal.post(&search, by_city("EQ", "ulm")).await.body["total"], 1);
    portal.patch(&format!("{CONTACTS}/{}", made.id()), json!({"properties": {"city": "Bonn"}})).await;
    assert_eq!(portal.post(&search, by_city("EQ", "Ulm")).await.body["total"], 1, "the index still has the old city");
    portal.sandbox.clock().advance_seconds(61);
    assert_eq!(portal.post(&search, by_city("EQ", "Ulm")).await.body["total"], 0);
}

#[tokio::test]
async fn search_pages_to_the_window_and_refuses_to_go_beyond() {
    let limits = Limits { search_window: 20, search_per_second: 0, burst: 0, ..Limits::default() };
    let portal = portal_with(Config { limits, ..quick() }).await;
    for n in 0..25 {
        portal.contact(&format!("w{n}@example.com")).await;
    }
    let search = format!("{CONTACTS}/search");
    let first = portal.post(&search, json!({"limit": 10})).await;
    assert_eq!(first.body["total"], 25);
    assert_eq!(first.body["paging"]["next"]["after"], "10");
    let second = portal.post(&search, json!({"limit": 10, "after": "10", "sorts": ["-createdate"]})).await;
    assert_eq!(second.body["paging"]["next"]["after"], "20");
    let beyond = portal.post(&search, json!({"limit": 10, "after": "20"})).await;
    assert_eq!((beyond.status, beyond.body["category"].as_str()), (400, Some("VALIDATION_ERROR")));
    assert!(first.header("x-hubspot-ratelimit-max").is_none());
}

#[tokio::test]
async fn the_window_of_a_search_is_ten_thousand_where_nothing_else_is_set() {
    assert_eq!(Limits::default().search_window, 10_000);
    let portal = portal().await;
    let search = format!("{CONTACTS}/search");
    assert_eq!(portal.post(&search, json!({"limit": 200, "after": "9800"})).await.status, 200);
    for after in ["9801", "10000"] {
        let beyond = portal.post(&search, json!({"limit": 200, "after": after})).await;
        assert_eq!((beyond.status, beyond.body["category"].as_str()), (400, Some("VALIDATION_ERROR")), "{after}");
    }
}

#[tokio::test]
async fn the_sixth_search_in_a_second_is_one_too_many() {
    let portal = portal_with(Config { search_lag_ms: 0, ..Config::default() }).await;
    portal.sandbox.clock().hold();
    let search = format!("{CONTACTS}/search");
    for _ in 0..5 {
        assert_eq!(portal.post(&search, json!({})).await.status, 200);
    }
    let last = portal.post(&search, json!({})).await;
    assert_eq!(last.status, 429);
    assert_eq!(last.body["policyName"], "SECONDLY");
    assert_eq!(last.message(), "You have reached your secondly limit.");
    assert!(last.header("x-hubspot-ratelimit-max").is_none());
    portal.sandbox.clock().advance_seconds(1);
    assert_eq!(portal.post(&search, json!({})).await.status, 200);
}

#[tokio::test]
async fn operators_compare_as_the_property_is_typed() {
    let portal = portal().await;
    let companies = "/crm/objects/2026-09/companies";
    for (name, size, kind) in [("Alpha Werke", "9", "PARTNER"), ("Beta Stahl", "10", "VENDOR"), ("Gamma", "", "")] {
        portal.post(companies, json!({"properties": {"name": name, "numberofemployees": size, "type": kind}})).await;
    }
    let cases = [
        (json!({"propertyName": "numberofemployees", "operator": "GT", "value": "9"}), 1),
        (json!({"propertyName": "numberofemployees", "operator": "BETWEEN", "value": "9", "highValue": "10"}), 2),
        (json!({"propertyName": "numberofemployees", "operator": "NOT_HAS_PROPERTY"}), 1),
        (json!({"propertyName": "name", "operator": "EQ", "value": "alpha werke"}), 1),
        (json!({"propertyName": "name", "operator": "CONTAINS_TOKEN", "value": "stahl"}), 1),
        (json!({"propertyName": "name", "operator": "CONTAINS_TOKEN", "value": "ga*"}), 1),
        (json!({"propertyName": "name", "operator": "IN", "values": ["gamma"]}), 1),
        (json!({"propertyName": "name", "operator": "IN", "values": ["Gamma"]}), 0),
        (json!({"propertyName": "type", "operator": "EQ", "value": "partner"}), 0),
        (json!({"propertyName": "type", "operator": "IN", "values": ["PARTNER", "VENDOR"]}), 2),
        (json!({"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "1767225600000"}), 3),
    ];
    for (filter, total) in cases {
        let answer =
            portal.post(&format!("{companies}/search"), json!({"filterGroups": [{"filters": [filter]}]})).await;
        assert_eq!(answer.body["total"], total, "{filter} {}", answer.body);
    }
    let free = portal.post(&format!("{companies}/search"), json!({"query": "stah"})).await;
    assert_eq!(free.body["total"], 1);
}

#[tokio::test]
async fn too_many_filters_unknown_properties_and_long_bodies_are_refused() {
    let portal = portal().await;
    let search = format!("{CONTACTS}/search");
    let filter = json!({"propertyName": "city", "operator": "EQ", "value": "Ulm"});
    let group = json!({"filters": vec![filter.clone(); 7]});
    assert_eq!(portal.post(&search, json!({"filterGroups": [group]})).await.status, 400);
    let groups = vec![json!({"filters": [filter]}); 6];
    assert_eq!(portal.post(&search, json!({"filterGroups": groups})).await.status, 400);
    let unknown = json!({"filterGroups": [{"filters": [{"propertyName": "nope", "operator": "EQ", "value": "1"}]}]});
    assert_eq!(portal.post(&search, unknown).await.status, 400);
    assert_eq!(portal.post(&search, json!({"query": "x".repeat(3001)})).await.status, 400);
    assert_eq!(portal.post(&search, json!({"sorts": ["city", "zip"]})).await.status, 400);
    assert_eq!(portal.post(&search, json!({"limit": 201})).await.status, 400);
}

#[tokio::test]
async fn contacts_of_a_company_are_found_by_association() {
    let portal = portal().await;
    let (contact, company) = (portal.contact("a@example.com").await, portal.company("A").await);
    portal.contact("b@example.com").await;
    portal.put(&format!("{CONTACTS}/{contact}/associations/default/companies/{company}"), json!({})).await;
    let body = json!({"filterGroups": [{"filters": [
        {"propertyName": "associations.company", "operator": "EQ", "value": company}]}]});
    let found = portal.post(&format!("{CONTACTS}/search"), body).await;
    assert_eq!((found.body["total"].as_u64(), found.results()[0]["id"].as_str()), (Some(1), Some(contact.as_str())));
}
