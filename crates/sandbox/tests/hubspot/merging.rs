//! Merging and erasing.

use reqwest::Method;
use serde_json::json;

use crate::support::{CONTACTS, Portal, portal, portal_with, quick};
use mittler_sandbox::hubspot::{Config, Limits};

async fn merged(portal: &Portal) -> (String, String, String) {
    let one = portal.post(CONTACTS, json!({"properties": {"email": "one@example.com", "city": "Ulm"}})).await.id();
    let two = portal
        .post(CONTACTS, json!({"properties": {"email": "two@example.com", "city": "Bonn", "zip": "53111"}}))
        .await
        .id();
    let answer =
        portal.post(&format!("{CONTACTS}/merge"), json!({"primaryObjectId": one, "objectIdToMerge": two})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    (one, two, answer.id())
}

#[tokio::test]
async fn a_merge_makes_a_third_record_and_the_old_ids_lead_to_it() {
    let portal = portal().await;
    let (one, two, three) = merged(&portal).await;
    assert!(three != one && three != two);
    for old in [&one, &two] {
        let read = portal
            .get(&format!("{CONTACTS}/{old}?properties=email,city,zip,hs_merged_object_ids,hs_additional_emails"))
            .await;
        assert_eq!(read.id(), three);
        let properties = &read.body["properties"];
        assert_eq!(properties["email"], "one@example.com");
        assert_eq!(properties["city"], "Ulm", "the primary record wins");
        assert_eq!(properties["zip"], "53111", "what only the other has is kept");
        assert_eq!(properties["hs_merged_object_ids"], format!("{one};{two}"));
        assert_eq!(properties["hs_additional_emails"], "two@example.com");
        let patched = portal.patch(&format!("{CONTACTS}/{old}"), json!({"properties": {"firstname": "A"}})).await;
        assert_eq!((patched.status, patched.id()), (200, three.clone()));
    }
    let batch = json!({"inputs": [{"id": one, "properties": {"firstname": "B"}}]});
    let refused = portal.post(&format!("{CONTACTS}/batch/update"), batch).await;
    assert_eq!(refused.status, 404, "a batch update does not know old ids");
    assert_eq!(portal.get(&format!("{CONTACTS}/two@example.com?idProperty=email")).await.id(), three);
}

#[tokio::test]
async fn the_survivor_takes_over_the_associations() {
    let portal = portal().await;
    let (one, two) = (portal.contact("a@example.com").await, portal.contact("b@example.com").await);
    let company = portal.company("C").await;
    portal.put(&format!("{CONTACTS}/{two}/associations/default/companies/{company}"), json!({})).await;
    let answer =
        portal.post(&format!("{CONTACTS}/merge"), json!({"primaryObjectId": one, "objectIdToMerge": two})).await;
    let read = portal.get(&format!("{CONTACTS}/{}?associations=companies", answer.id())).await;
    assert_eq!(read.body["associations"]["companies"]["results"][0]["id"], company);
}

#[tokio::test]
async fn too_many_merges_are_refused() {
    let portal = portal_with(Config { limits: Limits { merges: 1, burst: 0, ..Limits::default() }, ..quick() }).await;
    let (_, _, three) = merged(&portal).await;
    let four = portal.contact("four@example.com").await;
    let body = json!({"primaryObjectId": three, "objectIdToMerge": four});
    let answer = portal.post(&format!("{CONTACTS}/merge"), body).await;
    assert_eq!(answer.status, 414);
    assert!(answer.message().starts_with("Cannot have more than 1 identities"));
}

#[tokio::test]
async fn an_erased_contact_is_gone_for_good() {
    let portal = portal().await;
    let id = portal.contact("erase@example.com").await;
    let body = json!({"objectId": "erase@example.com", "idProperty": "email"});
    assert_eq!(portal.post(&format!("{CONTACTS}/gdpr-delete"), body).await.status, 204);
    assert_eq!(portal.get(&format!("{CONTACTS}/{id}")).await.status, 404);
    assert_eq!(portal.get(&format!("{CONTACTS}/{id}?archived=true")).await.status, 404);
}

#[tokio::test]
async fn an_unknown_address_is_blocked_by_an_erasure() {
    let portal = portal().await;
    let body = json!({"objectId": "Never@example.com", "idProperty": "email"});
    let erased = portal.call(Method::POST, &format!("{CONTACTS}/gdpr-delete"), Some(body)).await;
    assert_eq!(erased.status, 204);
    let refused = portal.post(CONTACTS, json!({"properties": {"email": "never@example.com"}})).await;
    assert_eq!(refused.status, 400);
    assert!(refused.message().contains("email has been GDPR blacklisted"));
}
