//! Merging and erasing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CONTACTS, Portal, portal, portal_with, quick};
use mittler_sandbox::Sandbox;
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

#[tokio::test]
async fn people_merge_and_erase_in_the_screens_and_a_journal_keeps_the_true_order() {
    let config = mittler_sandbox::Config { hubspot: quick(), seed: 7, journal: true, ..Default::default() };
    let sandbox = Sandbox::start("127.0.0.1:0".parse().unwrap(), config).await.unwrap();
    let portal = Portal { access: sandbox.access().hubspot, http: mittler_sandbox::outbound_client(), sandbox };
    let (one, two) = (portal.contact("one@example.com").await, portal.contact("two@example.com").await);
    let fields = |fields: Value| fields.as_object().cloned().unwrap();
    let hubspot = portal.sandbox.hubspot();
    hubspot.edit("contacts", &one, fields(json!({"city": "Ulm"}))).unwrap();
    portal.patch(&format!("{CONTACTS}/{one}"), json!({"properties": {"city": "Ulm"}})).await;
    let lead = json!({"LastName": "A", "Company": "X"});
    let lead = portal.sandbox.salesforce().edit("Lead", "", fields(lead)).unwrap();
    let merged = hubspot.edit("contacts", &two, fields(json!({"merge_into": one}))).unwrap();
    assert_eq!(merged["properties"]["email"], "one@example.com");
    let survivor = merged["id"].as_str().unwrap();
    assert!(hubspot.edit("contacts", &two, fields(json!({"merge_into": one}))).is_err(), "they are one already");
    let salesforce = portal.sandbox.salesforce();
    let lead = lead["Id"].as_str().unwrap();
    for (name, value) in [("IsDeleted", json!(true)), ("IsDeleted", json!(false)), ("City", json!("Bonn"))] {
        salesforce.edit("Lead", lead, fields(json!({name: value}))).unwrap();
    }
    assert!(salesforce.edit("Lead", lead, fields(json!({"IsDeleted": false}))).is_err(), "it is in no recycle bin");
    hubspot.edit("contacts", survivor, fields(json!({"erased": true}))).unwrap();
    assert_eq!(portal.get(&format!("{CONTACTS}/{survivor}")).await.status, 404);

    let url = |after: usize| format!("{}/_sandbox/journal?after={after}", portal.access.base_url);
    let journal: Value = portal.http.get(url(0)).send().await.unwrap().json().await.unwrap();
    let entries = journal["entries"].as_array().unwrap();
    let short = |entry: &Value| {
        let text = |name: &str| entry[name].as_str().unwrap().to_owned();
        let fields: Vec<String> = entry["fields"].as_object().unwrap().keys().cloned().collect();
        let fields = if entry["act"] == "update" { fields.join(",") } else { String::new() };
        format!("{} {} {} {fields}", text("by"), text("act"), text("id")).trim_end().to_owned()
    };
    let seen: Vec<String> = entries.iter().map(short).collect();
    let wanted = [
        format!("api create {one}"),
        format!("api create {two}"),
        format!("user update {one} city"),
        format!("api update {one}"),
        format!("user create {lead}"),
        format!("user merge {survivor}"),
        format!("user delete {lead}"),
        format!("user restore {lead}"),
        format!("user update {lead} City"),
        format!("user erase {survivor}"),
    ];
    assert_eq!(seen, wanted);
    assert_eq!(entries[2]["fields"]["city"], json!({"before": "", "after": "Ulm"}));
    assert_eq!(entries[5]["merged"], json!([one, two]));
    let rest: Value = portal.http.get(url(9)).send().await.unwrap().json().await.unwrap();
    assert_eq!((rest["entries"].as_array().unwrap().len(), &rest["next"]), (1, &journal["next"]));
}
