//! Associations.

use serde_json::{Value, json};

use crate::support::{CONTACTS, portal};

const PAIR: &str = "/crm/associations/2026-09/contacts/companies";

fn spec(id: u64) -> Value {
    json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id}])
}

/// The type ids a contact has towards a company, as a batch read shows them.
fn type_ids(to: &Value) -> Vec<u64> {
    let mut ids: Vec<u64> =
        to["associationTypes"].as_array().unwrap().iter().map(|kind| kind["typeId"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn a_batch_read_is_partial_even_when_no_input_has_an_association() {
    let portal = portal().await;
    let contact = portal.contact("a@example.com").await;
    for path in [PAIR, "/crm/v4/associations/contacts/companies", "/crm/v4/associations/0-1/0-2"] {
        let answer = portal.post(&format!("{path}/batch/read"), json!({"inputs": [{"id": contact}]})).await;
        assert_eq!(answer.status, 207);
        assert!(answer.results().is_empty());
        let error = &answer.body["errors"][0];
        assert_eq!(error["subCategory"], "crm.associations.NO_ASSOCIATIONS_FOUND");
        assert_eq!(error["message"], format!("No company is associated with contact {contact}."));
        assert_eq!(error["context"]["fromObjectId"], json!([contact]));
    }
}

#[tokio::test]
async fn ids_come_as_text_on_one_side_and_as_a_number_on_the_other() {
    let portal = portal().await;
    let (contact, company) = (portal.contact("a@example.com").await, portal.company("A").await);
    let path = format!("{CONTACTS}/{contact}/associations/default/companies/{company}");
    for _ in 0..2 {
        let put = portal.put(&path, json!({})).await;
        assert_eq!(put.status, 200, "and again is the same");
        assert_eq!(put.results()[0]["associationSpec"]["associationTypeId"], 279);
    }
    let read = portal.post(&format!("{PAIR}/batch/read"), json!({"inputs": [{"id": contact}]})).await;
    assert_eq!(read.status, 200);
    assert_eq!(read.results()[0]["from"]["id"], contact);
    let to = &read.results()[0]["to"][0];
    assert_eq!(to["toObjectId"].as_u64().unwrap().to_string(), company);
    assert_eq!(type_ids(to), [279]);
    let back = portal.get(&format!("/crm/v4/objects/companies/{company}/associations/contacts")).await;
    assert_eq!(type_ids(&back.results()[0]), [280]);
}

#[tokio::test]
async fn the_primary_association_brings_the_unlabeled_one_and_there_is_one_primary() {
    let portal = portal().await;
    let contact = portal.contact("a@example.com").await;
    let (first, second) = (portal.company("A").await, portal.company("B").await);
    for company in [&first, &second] {
        let put = portal.put(&format!("{CONTACTS}/{contact}/associations/companies/{company}"), spec(1)).await;
        assert_eq!(put.status, 201, "{}", put.body);
        assert_eq!(put.body["labels"], json!(["Primary"]));
    }
    let read = portal.get(&format!("/crm/v4/objects/contacts/{contact}/associations/companies")).await;
    assert_eq!(type_ids(&read.results()[0]), [279], "the first is no longer primary");
    assert_eq!(type_ids(&read.results()[1]), [1, 279]);
    let contact = portal.get(&format!("{CONTACTS}/{contact}?properties=associatedcompanyid")).await;
    assert_eq!(contact.body["properties"]["associatedcompanyid"], second);
}

#[tokio::test]
async fn labels_that_are_sent_replace_the_ones_that_are_there() {
    let portal = portal().await;
    let (contact, company) = (portal.contact("a@example.com").await, portal.company("A").await);
    let made = portal.post(&format!("{PAIR}/labels"), json!({"name": "billing", "label": "Billing contact"})).await;
    assert_eq!(made.status, 200);
    let label = made.results()[0]["typeId"].as_u64().unwrap();
    let path = format!("{CONTACTS}/{contact}/associations/companies/{company}");
    portal.put(&path, spec(1)).await;
    let labeled = portal.put(&path, json!([{"associationCategory": "USER_DEFINED", "associationTypeId": label}])).await;
    assert_eq!(labeled.body["labels"], json!(["Billing contact"]), "primary was not sent again");
    let input = json!({"inputs": [{"from": {"id": contact}, "to": {"id": company},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}]});
    portal.post(&format!("{PAIR}/batch/labels/archive"), input).await;
    let read = portal.post(&format!("{PAIR}/batch/read"), json!({"inputs": [{"id": contact}]})).await;
    assert_eq!(read.status, 207, "taking the unlabeled type away takes all");
    let bad = portal.post(&format!("{PAIR}/labels"), json!({"name": "1-bad", "label": "Bad"})).await;
    assert_eq!(bad.status, 400);
}

#[tokio::test]
async fn a_batch_of_associations_is_made_and_removed() {
    let portal = portal().await;
    let (contact, company) = (portal.contact("a@example.com").await, portal.company("A").await);
    let input = json!({"inputs": [{"from": {"id": contact}, "to": {"id": company}, "types": spec(279)}]});
    assert_eq!(portal.post(&format!("{PAIR}/batch/create"), input.clone()).await.status, 200);
    let classic = "/crm/v4/associations/contacts/companies";
    assert_eq!(portal.post(&format!("{classic}/batch/create"), input).await.status, 201);
    let remove = json!({"inputs": [{"from": {"id": contact}, "to": [{"id": company}]}]});
    assert_eq!(portal.post(&format!("{PAIR}/batch/archive"), remove.clone()).await.body["results"], json!([]));
    assert_eq!(portal.post(&format!("{classic}/batch/archive"), remove).await.status, 204);
    let wrong = json!({"inputs": [{"from": {"id": contact}, "to": {"id": company}, "types": spec(280)}]});
    assert_eq!(portal.post(&format!("{PAIR}/batch/create"), wrong).await.status, 400, "280 is the other direction");
}

#[tokio::test]
async fn a_note_is_born_with_its_associations() {
    let portal = portal().await;
    let (contact, company) = (portal.contact("a@example.com").await, portal.company("A").await);
    let body = json!({"properties": {"hs_timestamp": "2026-04-20T08:00:00Z", "hs_note_body": "Hello"},
        "associations": [{"to": {"id": contact}, "types": spec(202)}, {"to": {"id": company}, "types": spec(190)}]});
    let note = portal.post("/crm/objects/2026-09/notes", body).await;
    assert_eq!(note.status, 201, "{}", note.body);
    let read = portal.get(&format!("{CONTACTS}/{contact}?associations=notes,companies")).await;
    assert_eq!(read.body["associations"]["notes"]["results"][0]["id"], note.id());
    assert!(read.body["associations"]["companies"].is_null());
    let lost = json!({"properties": {"hs_timestamp": "1"}, "associations": [{"to": {"id": "1"}, "types": spec(202)}]});
    assert_eq!(portal.post("/crm/objects/2026-09/notes", lost).await.status, 400);
}

#[tokio::test]
async fn a_bad_type_in_a_batch_refuses_it_before_anything_is_linked_or_unlinked() {
    let portal = portal().await;
    let (contact, company) = (portal.contact("a@example.com").await, portal.company("A").await);
    let ends = |types: Value| json!({"from": {"id": contact}, "to": {"id": company}, "types": types});
    let count = async || {
        let read = portal.post(&format!("{PAIR}/batch/read"), json!({"inputs": [{"id": contact}]})).await;
        read.results().len()
    };
    let mut untyped = ends(json!([]));
    for bad in [ends(spec(280)), untyped.clone(), {
        untyped.as_object_mut().unwrap().remove("types");
        untyped
    }] {
        let refused = portal.post(&format!("{PAIR}/batch/create"), json!({"inputs": [ends(spec(279)), bad]})).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
    }
    assert_eq!(count().await, 0);
    portal.post(&format!("{PAIR}/batch/create"), json!({"inputs": [ends(spec(279))]})).await;
    let inputs = json!({"inputs": [ends(spec(279)), ends(spec(280))]});
    assert_eq!(portal.post(&format!("{PAIR}/batch/labels/archive"), inputs).await.status, 400);
    assert_eq!(count().await, 1);
    let lost = json!({"from": {"id": contact}, "to": {"id": "1"}, "types": spec(279)});
    let partly = portal.post(&format!("{PAIR}/batch/create"), json!({"inputs": [ends(spec(1)), lost]})).await;
    assert_eq!((partly.status, partly.results().len()), (207, 1), "a record that is not there fails alone");
}

#[tokio::test]
async fn the_classic_versions_share_out_what_the_dated_ones_have_together() {
    let portal = portal().await;
    let contact = portal.contact("a@example.com").await;
    for path in [
        "/crm/v4/objects/contacts".to_owned(),
        format!("/crm/v4/objects/contacts/{contact}"),
        "/crm/v4/properties/contacts".to_owned(),
        "/crm/v4/owners".to_owned(),
        format!("/crm/v3/objects/contacts/{contact}/associations/companies"),
        "/crm/v3/associations/contacts/companies/labels".to_owned(),
    ] {
        assert!(portal.unchecked(reqwest::Method::GET, &path, None).await.no_route(), "{path}");
    }
    let read = json!({"inputs": [{"id": contact}]});
    let v3 = "/crm/v3/associations/contacts/companies/batch/read";
    assert!(portal.unchecked(reqwest::Method::POST, v3, Some(read)).await.no_route());
    assert_eq!(portal.get("/crm/associations/v4/contacts/companies/labels").await.status, 200);
}
