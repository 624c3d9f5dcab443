//! Marketing events.

use serde_json::{Value, json};

use crate::support::{CONTACTS, Portal, portal};

const BASE: &str = "/marketing/marketing-events/2026-09";

fn fair(name: &str) -> Value {
    json!({"externalAccountId": "acct-1", "externalEventId": "fair-2026", "eventName": name, "eventOrganizer": "ACME",
        "eventType": "TRADESHOW", "startDateTime": "2026-04-20T07:00:00Z", "endDateTime": "2026-04-24T16:00:00Z"})
}

async fn made(portal: &Portal) -> String {
    let answer = portal.post(&format!("{BASE}/events/upsert"), json!({"inputs": [fair("Fair")]})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.results()[0]["objectId"].as_str().unwrap().to_owned()
}

fn visit(email: &str, at: i64) -> Value {
    json!({"inputs": [{"email": email, "interactionDateTime": at, "properties": {},
        "contactProperties": {"firstname": "Anna"}}]})
}

#[tokio::test]
async fn an_event_is_found_by_both_of_its_ids_and_upserting_changes_it() {
    let portal = portal().await;
    let id = made(&portal).await;
    let again = portal.post(&format!("{BASE}/events/upsert"), json!({"inputs": [fair("Fair 2")]})).await;
    assert_eq!(again.results()[0]["objectId"], id);
    let by_external = portal.get(&format!("{BASE}/events/fair-2026?externalAccountId=acct-1")).await;
    assert_eq!(by_external.body["eventName"], "Fair 2");
    let by_id = portal.get(&format!("/marketing/v3/marketing-events/{id}")).await;
    assert_eq!(by_id.body["eventName"], "Fair 2");
    let record = portal.get(&format!("/crm/objects/2026-09/marketing_events/{id}?properties=hs_event_name")).await;
    assert_eq!(record.body["properties"]["hs_event_name"], "Fair 2");
    assert_eq!(portal.get(&format!("{BASE}/events/other?externalAccountId=acct-1")).await.status, 404);
}

#[tokio::test]
async fn attendance_by_address_makes_the_contact_and_is_told_once_per_moment() {
    let portal = portal().await;
    let id = made(&portal).await;
    let path = format!("{BASE}/{id}/attendance/register/email-create");
    for _ in 0..2 {
        let answer = portal.post(&path, visit("Anna@Example.com", 1_776_672_000_000)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.results()[0]["email"], "anna@example.com");
        assert!(answer.results()[0]["vid"].is_u64());
    }
    let contact = portal.get(&format!("{CONTACTS}/anna@example.com?idProperty=email")).await;
    assert_eq!(contact.body["properties"]["firstname"], "Anna");
    let state = portal.sandbox.hubspot().state();
    assert_eq!(state["marketing_events"][0]["attendance"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn participations_count_and_break_down() {
    let portal = portal().await;
    let id = made(&portal).await;
    let contact = portal.contact("b@example.com").await;
    portal.post(&format!("{BASE}/{id}/attendance/REGISTERED/email-create"), visit("a@example.com", 1000)).await;
    let vid =
        json!({"inputs": [{"vid": contact.parse::<u64>().unwrap(), "interactionDateTime": 1000, "properties": {}}]});
    portal.post(&format!("{BASE}/{id}/attendance/register/create"), vid).await;
    let external = format!("{BASE}/attendance/fair-2026/attend/email-create?externalAccountId=acct-1");
    assert_eq!(portal.post(&external, visit("b@example.com", 2000)).await.status, 200);
    let times = json!({"startDateTime": "2026-04-20T07:00:00Z", "endDateTime": "2026-04-24T16:00:00Z"});
    portal.post(&format!("{BASE}/events/fair-2026/complete?externalAccountId=acct-1"), times).await;
    let counters = portal.get(&format!("{BASE}/participations/{id}")).await;
    assert_eq!(counters.body, json!({"attended": 1, "registered": 2, "cancelled": 0, "noShows": 1}));
    let attended = portal.get(&format!("{BASE}/participations/acct-1/fair-2026/breakdown?state=ATTENDED")).await;
    assert_eq!(attended.body["total"], 1);
    assert_eq!(attended.results()[0]["associations"]["contact"]["contactId"], contact);
    let own = portal.get(&format!("{BASE}/participations/contacts/a@example.com/breakdown")).await;
    assert_eq!(own.results()[0]["properties"]["attendanceState"], "NO_SHOW");
}

#[tokio::test]
async fn a_batch_changes_several_events_or_none() {
    let portal = portal().await;
    let id = made(&portal).await;
    let change = |id: &str, name: &str| json!({"objectId": id, "eventName": name, "customProperties": []});
    let inputs = json!({"inputs": [change(&id, "Renamed"), change("999", "Nobody")]});
    assert_eq!(portal.post(&format!("{BASE}/batch/update"), inputs).await.status, 404);
    let name = |answer: &serde_json::Value| answer["eventName"].clone();
    assert_eq!(name(&portal.get(&format!("{BASE}/{id}")).await.body), "Fair");
    let answer = portal.post(&format!("{BASE}/batch/update"), json!({"inputs": [change(&id, "Renamed")]})).await;
    assert_eq!((answer.status, name(&answer.results()[0])), (200, json!("Renamed")));
}

#[tokio::test]
async fn a_cancelled_event_says_so_and_a_deleted_one_is_gone() {
    let portal = portal().await;
    let id = made(&portal).await;
    let cancelled = portal.post(&format!("{BASE}/events/fair-2026/cancel?externalAccountId=acct-1"), json!({})).await;
    assert_eq!(cancelled.body["eventCancelled"], true);
    assert_eq!(portal.delete(&format!("{BASE}/{id}")).await.status, 204);
    assert_eq!(portal.get(&format!("{BASE}/{id}")).await.status, 404);
    let missing = portal.post(&format!("{BASE}/events"), json!({"eventName": "x"})).await;
    assert_eq!(missing.status, 400);
}

#[tokio::test]
async fn a_bad_input_refuses_a_batch_of_events_or_visits_before_anything_is_written() {
    let portal = portal().await;
    let id = made(&portal).await;
    let mut other = fair("Other");
    other["externalEventId"] = json!("other-2026");
    let nameless = json!({"externalAccountId": "acct-1", "externalEventId": "third-2026"});
    let refused = portal.post(&format!("{BASE}/events/upsert"), json!({"inputs": [other, nameless]})).await;
    assert_eq!(refused.status, 400);
    assert_eq!(portal.get(&format!("{BASE}/events/other-2026?externalAccountId=acct-1")).await.status, 404);
    let inputs = json!({"inputs": [{"email": "v@example.com", "interactionDateTime": 1}, {"interactionDateTime": 2}]});
    let refused = portal.post(&format!("{BASE}/{id}/attendance/attend/email-create"), inputs).await;
    assert_eq!(refused.status, 400);
    assert!(portal.get(CONTACTS).await.results().is_empty());
    let change = json!({"inputs": [{"objectId": id, "eventName": "New"}, {"objectId": id, "startDateTime": "soon"}]});
    assert_eq!(portal.post(&format!("{BASE}/batch/update"), change).await.status, 400);
    assert_eq!(portal.get(&format!("{BASE}/{id}")).await.body["eventName"], "Fair");
}

#[tokio::test]
async fn custom_properties_come_back_with_all_that_the_portal_notes_about_them() {
    let portal = portal().await;
    let mut sent = fair("Fair");
    sent["customProperties"] = json!([{"name": "hall", "value": "7"}]);
    let made = portal.post(&format!("{BASE}/events"), sent).await;
    let shown = &made.body["customProperties"][0];
    assert_eq!((&shown["name"], &shown["value"], &shown["isEncrypted"]), (&json!("hall"), &json!("7"), &json!(false)));
    let classic = portal.get("/marketing/v3/marketing-events/events/fair-2026?externalAccountId=acct-1").await;
    assert_eq!(classic.body["customProperties"][0]["value"], "7");
    let id = made.body["objectId"].as_str().unwrap();
    let read = portal.get(&format!("{BASE}/{id}")).await;
    assert_eq!(read.body["customProperties"], json!([{"name": "hall", "value": "7"}]));
}
