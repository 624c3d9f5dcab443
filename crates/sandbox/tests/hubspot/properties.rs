//! Property definitions and what values must look like.

use serde_json::{Value, json};

use mittler_sandbox::hubspot::Config;

use crate::support::{COMPANIES, CONTACTS, portal, portal_with, quick};

const PATH: &str = "/crm/properties/2026-09/contacts";

#[tokio::test]
async fn a_property_is_made_once() {
    let portal = portal().await;
    let body = json!({"groupName": "contactinformation", "name": "ext_tier", "label": "Tier", "type": "enumeration",
        "fieldType": "select", "options": [{"label": "A", "value": "a", "displayOrder": 0, "hidden": false}]});
    let made = portal.post(PATH, body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["modificationMetadata"]["readOnlyValue"], false);
    assert_eq!(made.body["hubspotDefined"], false);
    let again = portal.post("/crm/v3/properties/contacts", body).await;
    assert_eq!(again.status, 409);
    assert_eq!(again.message(), "A property named 'ext_tier' already exists.");
    let listed = portal.get(PATH).await;
    assert!(listed.results().iter().any(|property| property["name"] == "ext_tier"));
    let changed = portal
        .patch(
            &format!("{PATH}/ext_tier"),
            json!({"options": [{"label": "B", "value": "b", "displayOrder": 0, "hidden": false}]}),
        )
        .await;
    assert_eq!(changed.body["options"].as_array().unwrap().len(), 1, "options that come replace the list");
    assert_eq!(portal.delete(&format!("{PATH}/ext_tier")).await.status, 204);
    assert_eq!(portal.get(&format!("{PATH}/ext_tier")).await.status, 404);
}

#[tokio::test]
async fn at_most_ten_properties_have_unique_values() {
    let portal = portal().await;
    for n in 0..10 {
        portal.unique_property("contacts", "contactinformation", &format!("u{n}")).await;
    }
    let body = json!({"groupName": "contactinformation", "name": "u10", "label": "U", "type": "string",
        "fieldType": "text", "hasUniqueValue": true});
    assert_eq!(portal.post(PATH, body).await.status, 400);
}

#[tokio::test]
async fn a_unique_value_that_is_taken_is_a_validation_error() {
    let portal = portal().await;
    portal.unique_property("companies", "companyinformation", "mittler_id").await;
    let body = json!({"properties": {"name": "A", "mittler_id": "m-1"}});
    assert_eq!(portal.post(COMPANIES, body.clone()).await.status, 201);
    let answer = portal.post(COMPANIES, body).await;
    assert_eq!((answer.status, answer.body["category"].as_str()), (400, Some("VALIDATION_ERROR")));
    assert_eq!(answer.body["errors"][0]["code"], "CONFLICTING_UNIQUE_VALUE");
    assert!(answer.message().contains("already has that value"));
}

#[tokio::test]
async fn bad_values_are_refused_by_name_and_code() {
    let portal = portal().await;
    let cases = [
        (CONTACTS, "testproperty", "x", "PROPERTY_DOESNT_EXIST"),
        (CONTACTS, "createdate", "2026-01-01", "READ_ONLY_VALUE"),
        (CONTACTS, "email", "no address", "INVALID_EMAIL"),
        (CONTACTS, "lifecyclestage", "Lead", "INVALID_OPTION"),
        (CONTACTS, "hubspot_owner_id", "1", "INVALID_OPTION"),
        (COMPANIES, "numberofemployees", "many", "INVALID_NUMBER"),
        ("/crm/objects/2026-09/notes", "hs_timestamp", "yesterday", "INVALID_DATE"),
    ];
    for (path, name, value, code) in cases {
        let answer = portal.post(path, json!({"properties": {name: value}})).await;
        assert_eq!(answer.status, 400, "{name}");
        assert_eq!(answer.body["category"], "VALIDATION_ERROR");
        let error = &answer.body["errors"][0];
        assert_eq!((error["code"].as_str(), &error["context"]["propertyName"]), (Some(code), &json!([name])));
        let list = answer.message().strip_prefix("Property values were not valid: ").unwrap();
        let embedded: Value = serde_json::from_str(list).unwrap();
        assert_eq!(embedded[0]["error"], code);
        assert_eq!(embedded[0]["name"], name);
    }
}

#[tokio::test]
async fn engagements_ignore_unknown_properties_in_a_change_and_contacts_do_not() {
    let portal = portal().await;
    let note = portal
        .post(
            "/crm/objects/2026-09/notes",
            json!({"properties": {"hs_timestamp": "1767225600000", "hs_note_body": "a\r\nb"}}),
        )
        .await;
    assert_eq!(note.body["properties"]["hs_timestamp"], "2026-01-01T00:00:00.000Z");
    assert_eq!(note.body["properties"]["hs_note_body"], "a\nb");
    let change = json!({"properties": {"nonsense": "x", "hs_note_body": "c"}});
    let changed = portal.patch(&format!("/crm/objects/2026-09/notes/{}", note.id()), change.clone()).await;
    assert_eq!((changed.status, changed.body["properties"]["hs_note_body"].as_str()), (200, Some("c")));
    let contact = portal.contact("p@example.com").await;
    assert_eq!(portal.patch(&format!("{CONTACTS}/{contact}"), change).await.status, 400);
}

#[tokio::test]
async fn the_lifecycle_stage_goes_forward_only_until_it_is_cleared() {
    let portal = portal().await;
    let path = format!("{CONTACTS}/{}", portal.contact("l@example.com").await);
    let stage = |value: &str| json!({"properties": {"lifecyclestage": value}});
    let shown = |body: &Value| body["properties"]["lifecyclestage"].as_str().map(str::to_owned);
    portal.patch(&path, stage("customer")).await;
    let back = portal.patch(&path, stage("lead")).await;
    assert_eq!(shown(&back.body).as_deref(), Some("customer"));
    portal.patch(&path, stage("")).await;
    assert_eq!(shown(&portal.patch(&path, stage("lead")).await.body).as_deref(), Some("lead"));
}

#[tokio::test]
async fn a_leading_semicolon_appends_to_a_list() {
    let portal = portal().await;
    let body = json!({"groupName": "contactinformation", "name": "fairs", "label": "Fairs", "type": "enumeration",
        "fieldType": "checkbox", "options": [{"label": "A", "value": "a", "displayOrder": 0, "hidden": false},
            {"label": "B", "value": "b", "displayOrder": 1, "hidden": false}]});
    portal.post(PATH, body).await;
    let path = format!("{CONTACTS}/{}", portal.contact("s@example.com").await);
    portal.patch(&path, json!({"properties": {"fairs": "a"}})).await;
    let both = portal.patch(&path, json!({"properties": {"fairs": ";b"}})).await;
    assert_eq!(both.body["properties"]["fairs"], "a;b");
}

#[tokio::test]
async fn the_owner_property_has_no_options_and_refers_to_owners() {
    let portal = portal().await;
    let owner = portal.get(&format!("{PATH}/hubspot_owner_id")).await;
    assert_eq!(owner.body["options"], json!([]));
    assert_eq!(owner.body["referencedObjectType"], "OWNER");
    assert_eq!(owner.body["externalOptions"], true);
    let batch =
        portal.post(&format!("{PATH}/batch/read"), json!({"archived": false, "inputs": [{"name": "email"}]})).await;
    assert_eq!(batch.results()[0]["name"], "email");
    assert_eq!(portal.get(&format!("{PATH}/groups")).await.results()[0]["name"], "contactinformation");
}

#[tokio::test]
async fn the_mittler_id_exists_only_where_it_is_configured() {
    for (mittler_id, status) in [(false, 404), (true, 200)] {
        let portal = portal_with(Config { mittler_id, ..quick() }).await;
        for object in ["contacts", "companies"] {
            let property = portal.get(&format!("/crm/properties/2026-09/{object}/mittler_id")).await;
            assert_eq!(property.status, status);
            assert_eq!(property.body["hasUniqueValue"] == true, mittler_id);
        }
    }
}

#[tokio::test]
async fn the_headers_of_an_email_tell_who_wrote_to_whom() {
    let portal = portal().await;
    let headers =
        json!({"from": {"email": "a@example.com"}, "to": [{"email": "b@example.com"}, {"email": "c@example.com"}]});
    let body = json!({"properties": {"hs_timestamp": "2026-04-20T08:00:00Z", "hs_email_direction": "EMAIL",
        "hs_email_headers": headers.to_string()}});
    let made = portal.post("/crm/objects/2026-09/emails", body).await;
    assert_eq!(made.body["properties"]["hs_email_from_email"], "a@example.com");
    assert_eq!(made.body["properties"]["hs_email_to_email"], "b@example.com;c@example.com");
    let direct =
        json!({"properties": {"hs_timestamp": "1", "hs_email_direction": "EMAIL", "hs_email_from_email": "x@y.de"}});
    let refused = portal.post("/crm/objects/2026-09/emails", direct).await;
    assert_eq!(refused.body["errors"][0]["code"], "READ_ONLY_VALUE");
}

#[tokio::test]
async fn a_batch_archives_all_of_its_properties_or_none() {
    let portal = portal().await;
    portal.unique_property("contacts", "contactinformation", "mine").await;
    for (bad, status) in [("email", 400), ("missing", 404)] {
        let inputs = json!({"inputs": [{"name": "mine"}, {"name": bad}]});
        assert_eq!(portal.post(&format!("{PATH}/batch/archive"), inputs).await.status, status);
        assert_eq!(portal.get(&format!("{PATH}/mine")).await.status, 200);
    }
    let twice = json!({"inputs": [{"name": "mine"}, {"name": "mine"}]});
    assert_eq!(portal.post(&format!("{PATH}/batch/archive"), twice).await.status, 204);
}

#[tokio::test]
async fn a_property_group_keeps_its_place() {
    let portal = portal().await;
    let group = json!({"name": "fairs", "label": "Fairs", "displayOrder": 4});
    assert_eq!(portal.post(&format!("{PATH}/groups"), group).await.body["displayOrder"], 4);
    portal.patch(&format!("{PATH}/groups/fairs"), json!({"label": "Trade fairs"})).await;
    let read = portal.get(&format!("{PATH}/groups/fairs")).await.body;
    assert_eq!((&read["label"], &read["displayOrder"]), (&json!("Trade fairs"), &json!(4)));
}
