//! Single records.

use serde_json::{Value, json};

use crate::support::{COMPANIES, CONTACTS, portal, portal_with, quick};
use mittler_sandbox::hubspot;

#[tokio::test]
async fn an_address_is_folded_to_lower_case_and_found_again_in_any_case() {
    let portal = portal().await;
    let made =
        portal.post(CONTACTS, json!({"properties": {"email": "Anna.Beck@Example.COM", "firstname": "Anna"}})).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.body["properties"]["email"], "anna.beck@example.com");
    let read = portal.get(&format!("{CONTACTS}/ANNA.beck%40example.com?idProperty=email")).await;
    assert_eq!(read.id(), made.id());
    let patched = portal
        .patch(&format!("{CONTACTS}/Anna.Beck@example.com?idProperty=email"), json!({"properties": {"city": "Ulm"}}))
        .await;
    assert_eq!(patched.status, 200);
    assert_eq!(patched.body["properties"]["city"], "Ulm");
}

#[tokio::test]
async fn a_taken_address_is_refused_with_the_id_of_its_owner() {
    let portal = portal().await;
    let id = portal.contact("taken@example.com").await;
    let answer = portal.post(CONTACTS, json!({"properties": {"email": "TAKEN@example.com"}})).await;
    assert_eq!(answer.status, 409);
    assert_eq!(answer.body["category"], "CONFLICT");
    assert_eq!(answer.message(), format!("Contact already exists. Existing ID: {id}"));
}

#[tokio::test]
async fn an_additional_address_identifies_its_contact_too() {
    let portal = portal().await;
    let id = portal.contact("first@example.com").await;
    let change = json!({"properties": {"hs_additional_emails": "Second@example.com"}});
    assert_eq!(portal.patch(&format!("{CONTACTS}/{id}"), change).await.status, 200);
    assert_eq!(portal.get(&format!("{CONTACTS}/second@example.com?idProperty=email")).await.id(), id);
    let clash = portal.post(CONTACTS, json!({"properties": {"email": "second@example.com"}})).await;
    assert_eq!(clash.status, 409);
}

#[tokio::test]
async fn the_same_record_answers_under_the_dated_and_the_classic_paths() {
    let portal = portal().await;
    let id = portal.contact("paths@example.com").await;
    let paths = [
        "/crm/objects/2026-03/contacts",
        "/crm/v3/objects/contacts",
        "/crm/objects/2026-09/0-1",
        "/crm/v3/objects/contact",
    ];
    for path in paths {
        let read = portal.get(&format!("{path}/{id}?properties=email,firstname")).await;
        assert_eq!(read.status, 200, "{path}");
        assert_eq!(read.body["properties"]["email"], "paths@example.com");
        assert_eq!(read.body["properties"]["firstname"], Value::Null, "asked for and empty");
        assert_eq!(read.body["properties"]["hs_object_id"], id);
        assert_eq!(read.body["properties"]["lastmodifieddate"], read.body["updatedAt"]);
    }
    assert_eq!(portal.get("/crm/objects/2025-01/contacts").await.status, 404);
}

#[tokio::test]
async fn ids_of_different_types_may_be_equal_and_do_not_fit_32_bits() {
    let portal = portal().await;
    let (contact, company) = (portal.contact("x@example.com").await, portal.company("X").await);
    assert_eq!(contact, company);
    assert!(contact.parse::<u64>().unwrap() > u64::from(u32::MAX));
}

#[tokio::test]
async fn a_change_touches_only_what_was_sent_and_an_empty_text_clears() {
    let portal = portal().await;
    let made =
        portal.post(CONTACTS, json!({"properties": {"email": "c@example.com", "city": "Ulm", "zip": "89073"}})).await;
    portal.sandbox.clock().advance_seconds(5);
    let path = format!("{CONTACTS}/{}", made.id());
    portal.patch(&path, json!({"properties": {"city": ""}})).await;
    let read = portal.get(&format!("{path}?properties=city,zip&propertiesWithHistory=city")).await;
    assert_eq!(read.body["properties"]["city"], Value::Null);
    assert_eq!(read.body["properties"]["zip"], "89073");
    assert!(read.body["updatedAt"].as_str() > made.body["updatedAt"].as_str());
    let history = read.body["propertiesWithHistory"]["city"].as_array().unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!((history[0]["value"].as_str(), history[1]["value"].as_str()), (Some(""), Some("Ulm")));
    assert_eq!(history[0]["sourceType"], "INTEGRATION");
}

#[tokio::test]
async fn an_archived_record_is_gone_from_reads_and_stands_in_the_archive() {
    let portal = portal().await;
    let id = portal.contact("old@example.com").await;
    let path = format!("{CONTACTS}/{id}");
    assert_eq!(portal.delete(&path).await.status, 204);
    assert_eq!(portal.delete(&path).await.status, 204, "twice is no error");
    let read = portal.get(&path).await;
    assert_eq!((read.status, read.body["category"].as_str()), (404, Some("OBJECT_NOT_FOUND")));
    let archived = portal.get(&format!("{CONTACTS}?archived=true")).await;
    assert_eq!(archived.results()[0]["archived"], true);
    assert!(archived.results()[0]["archivedAt"].is_string());
    assert_eq!(portal.get(&format!("{path}?archived=true")).await.status, 200);
    portal.contact("old@example.com").await;
}

#[tokio::test]
async fn a_list_is_paged_by_a_cursor_until_there_is_no_next() {
    let portal = portal().await;
    for n in 0..25 {
        portal.contact(&format!("p{n}@example.com")).await;
    }
    assert_eq!(portal.get(CONTACTS).await.results().len(), 10);
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = portal.get(&format!("{CONTACTS}?limit=7&after={after}&archived=false")).await;
        seen.extend(page.results().iter().map(|record| record["id"].clone()));
        match page.body["paging"]["next"]["after"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 25);
    assert_eq!(portal.get(&format!("{CONTACTS}?limit=101")).await.status, 400);
}

#[tokio::test]
async fn required_properties_are_demanded_by_type() {
    let portal = portal().await;
    let company = portal.post(COMPANIES, json!({"properties": {"city": "Ulm"}})).await;
    assert_eq!(company.status, 400);
    assert_eq!(company.body["errors"][0]["code"], "REQUIRED_FIELD");
    let domain = portal.post(COMPANIES, json!({"properties": {"domain": "example.com"}})).await;
    assert_eq!(domain.status, 201);
    let twin = portal.post(COMPANIES, json!({"properties": {"domain": "example.com"}})).await;
    assert_eq!(twin.status, 201, "the domain is not unique");
    let note = portal.post("/crm/objects/2026-09/notes", json!({"properties": {"hs_note_body": "x"}})).await;
    assert_eq!(note.body["errors"][0]["context"]["propertyName"], json!(["hs_timestamp"]));
}

#[tokio::test]
async fn a_custom_object_works_once_its_schema_exists() {
    let portal = portal().await;
    let schema = json!({"name": "machine", "labels": {"singular": "Machine", "plural": "Machines"},
        "primaryDisplayProperty": "serial", "requiredProperties": ["serial"], "searchableProperties": ["serial"],
        "properties": [{"name": "serial", "label": "Serial", "type": "string", "fieldType": "text", "hasUniqueValue": true}],
        "associatedObjects": ["CONTACT"]});
    let made = portal.post("/crm-object-schemas/2026-09/schemas", schema).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let type_id = made.body["objectTypeId"].as_str().unwrap().to_owned();
    let full = made.body["fullyQualifiedName"].as_str().unwrap().to_owned();
    let record = portal.post(&format!("/crm/objects/2026-09/{full}"), json!({"properties": {"serial": "A1"}})).await;
    assert_eq!(record.status, 201);
    assert_eq!(portal.get(&format!("/crm/v3/objects/{type_id}/A1?idProperty=serial")).await.id(), record.id());
    let contact = portal.contact("m@example.com").await;
    let labels = portal.get(&format!("/crm/associations/2026-09/{type_id}/contacts/labels")).await;
    let unlabeled = labels.results()[0].clone();
    let put = portal
        .put(
            &format!("/crm/objects/2026-09/machine/{}/associations/contacts/{contact}", record.id()),
            json!([{"associationCategory": unlabeled["category"], "associationTypeId": unlabeled["typeId"]}]),
        )
        .await;
    assert_eq!(put.status, 201, "{}", put.body);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_told_where_it_broke() {
    let portal = portal().await;
    let url = format!("{}{CONTACTS}", portal.access.base_url);
    let response =
        portal.http.post(url).bearer_auth(&portal.access.access_token).body("{\"properties\": {").send().await.unwrap();
    assert_eq!(response.status(), 400);
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert!(body["message"].as_str().unwrap().starts_with("Invalid input JSON on line 1, column"));
    assert!(body["category"].is_null());
}

#[tokio::test]
async fn a_person_makes_archives_and_restores_a_record() {
    let portal = portal().await;
    let hubspot = portal.sandbox.hubspot();
    let fields = |value: Value| value.as_object().unwrap().clone();
    let made = hubspot.edit("contacts", "new", fields(json!({"email": "person@example.com"}))).unwrap();
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["properties"]["hs_object_source"], "CRM_UI");
    hubspot.edit("contacts", id, fields(json!({"archived": true}))).unwrap();
    let by_email = format!("{CONTACTS}/person@example.com?idProperty=email");
    assert_eq!(portal.get(&by_email).await.status, 404);
    hubspot.edit("contacts", id, fields(json!({"archived": false}))).unwrap();
    assert_eq!(portal.get(&by_email).await.status, 200);
    assert!(hubspot.edit("contacts", id, fields(json!({"nope": "x"}))).is_err());
}

#[tokio::test]
async fn a_manual_list_takes_members_and_says_which_are_missing() {
    let portal = portal().await;
    let id = portal.contact("list@example.com").await;
    let draft = json!({"name": "Fair", "objectTypeId": "0-1", "processingType": "MANUAL"});
    let made = portal.post("/crm/lists/2026-09", draft.clone()).await;
    let path = format!("/crm/v3/lists/{}", made.body["list"]["listId"].as_str().unwrap());
    assert_eq!(portal.post("/crm/v3/lists", draft).await.status, 400, "the name is taken");
    let added = portal.put(&format!("{path}/memberships/add"), json!([id, "1"])).await;
    assert_eq!((&added.body["recordsIdsAdded"], &added.body["recordIdsMissing"]), (&json!([id]), &json!(["1"])));
    let members = portal.get(&format!("{path}/memberships")).await;
    assert_eq!(members.results()[0]["recordId"], id);
    let found = portal.get("/crm/lists/2026-09/object-type-id/0-1/name/Fair").await;
    assert_eq!(found.body["list"]["size"], 1);
    assert_eq!(portal.delete(&path).await.status, 204);
    assert_eq!(portal.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_flag_in_a_query_is_read_in_any_case() {
    let portal = portal().await;
    let id = portal.contact("old@example.com").await;
    portal.contact("new@example.com").await;
    portal.delete(&format!("{CONTACTS}/{id}")).await;
    for flag in ["true", "True", "TRUE"] {
        let listed = portal.get(&format!("{CONTACTS}?archived={flag}")).await;
        assert_eq!((listed.results().len(), listed.results()[0]["id"].as_str()), (1, Some(id.as_str())), "{flag}");
    }
    assert_ne!(portal.get(&format!("{CONTACTS}?archived=False")).await.results()[0]["id"], id);
}

#[tokio::test]
async fn a_list_shows_its_filters_only_to_those_who_ask() {
    let portal = portal().await;
    let list = json!({"name": "Visitors", "objectTypeId": "0-1", "processingType": "DYNAMIC",
        "filterBranch": {"filterBranchType": "OR", "filterBranches": []}});
    let made = portal.unchecked(reqwest::Method::POST, "/crm/v3/lists", Some(list)).await;
    let id = made.body["list"]["listId"].as_str().unwrap().to_owned();
    for path in [format!("/crm/v3/lists/{id}"), "/crm/v3/lists/object-type-id/0-1/name/visitors".to_owned()] {
        let shown = async |query: &str| {
            let answer = portal.unchecked(reqwest::Method::GET, &format!("{path}{query}"), None).await;
            answer.body["list"]["filterBranch"].is_object()
        };
        assert_eq!((shown("").await, shown("?includeFilters=true").await), (false, true), "{path}");
    }
}

#[tokio::test]
async fn the_link_to_the_next_page_keeps_the_query_and_the_form_of_the_version() {
    let portal = portal().await;
    for name in ["a", "b"] {
        portal.contact(&format!("{name}@example.com")).await;
    }
    for path in ["/crm/v3/objects/contacts", "/crm/objects/2026-09/contacts"] {
        let page = portal.get(&format!("{path}?limit=1&properties=email,city&archived=false")).await;
        let next = &page.body["paging"]["next"];
        let link = url::Url::parse(next["link"].as_str().unwrap()).unwrap();
        assert_eq!(link.path(), path);
        let second = portal.get(&format!("{path}?{}", link.query().unwrap())).await;
        assert_eq!(second.results()[0]["id"], next["after"]);
        assert!(second.results()[0]["properties"].get("city").is_some(), "{link}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_an_unsupported_media_type() {
    let portal = portal().await;
    let url = format!("{}{CONTACTS}", portal.access.base_url);
    let send = async |kind: &str| {
        let request = portal.http.post(&url).bearer_auth(&portal.access.access_token).header("content-type", kind);
        request.body(r#"{"properties": {"firstname": "A"}}"#).send().await.unwrap().status().as_u16()
    };
    assert_eq!((send("text/plain").await, send("application/json; charset=utf-8").await), (415, 201));
}

#[tokio::test]
async fn a_history_tells_who_set_each_value_and_when_to_the_millisecond_newest_first() {
    let limits = hubspot::Limits { history: 2, ..quick().limits };
    let portal = portal_with(hubspot::Config { limits, ..quick() }).await;
    let id = portal.contact("h@example.com").await;
    let path = format!("{CONTACTS}/{id}");
    portal.patch(&path, json!({"properties": {"city": "Ulm"}})).await;
    portal.patch(&path, json!({"properties": {"city": "Ulm"}})).await;
    let edit = json!({"city": "Bonn"}).as_object().cloned().unwrap();
    portal.sandbox.hubspot().edit("contacts", &id, edit).unwrap();
    let asked = json!({"inputs": [{"id": id}], "properties": ["city"], "propertiesWithHistory": ["city", "no_such"]});
    let read = portal.post(&format!("{CONTACTS}/batch/read"), asked.clone()).await;
    let histories = read.results()[0]["propertiesWithHistory"].as_object().unwrap();
    assert_eq!(histories.len(), 1, "names that no contact has are passed over");
    let city = histories["city"].as_array().unwrap();
    let seen: Vec<_> = city.iter().map(|one| (one["value"].as_str(), one["sourceType"].as_str())).collect();
    assert_eq!(seen, [(Some("Bonn"), Some("CRM_UI")), (Some("Ulm"), Some("INTEGRATION"))]);
    assert_eq!(city[0]["sourceId"], format!("userId:{}", city[0]["updatedByUserId"]));
    assert_eq!(city[1]["sourceId"], portal.access.app_id.to_string());
    assert_eq!(city[0]["timestamp"].as_str().unwrap().len(), "2026-01-01T00:00:00.000Z".len());
    assert_eq!(city[0]["timestamp"], read.results()[0]["updatedAt"]);
    for city in ["Köln", "Trier"] {
        portal.patch(&path, json!({"properties": {"city": city}})).await;
    }
    let read = portal.post(&format!("{CONTACTS}/batch/read"), asked).await;
    let city = read.results()[0]["propertiesWithHistory"]["city"].as_array().unwrap();
    let seen: Vec<_> = city.iter().map(|one| one["value"].as_str().unwrap()).collect();
    assert_eq!(seen, ["Trier", "Köln"], "the oldest go first");
}

#[tokio::test]
async fn with_histories_fifty_records_are_read_at_once_and_no_more() {
    let portal = portal().await;
    let ids = |count: u64| (1..=count).map(|id| json!({"id": id.to_string()})).collect::<Vec<_>>();
    let path = format!("{CONTACTS}/batch/read");
    let plain = portal.post(&path, json!({"inputs": ids(51), "properties": ["city"]})).await;
    assert_eq!(plain.status, 207);
    let ask = async |count| {
        let body = json!({"inputs": ids(count), "properties": ["city"], "propertiesWithHistory": ["city"]});
        portal.post(&path, body).await
    };
    assert_eq!(ask(50).await.status, 207);
    let refused = ask(51).await;
    assert_eq!(refused.status, 400);
    assert!(refused.message().contains("property histories is 50"), "{}", refused.message());
    let list = portal.get(&format!("{CONTACTS}?limit=51&propertiesWithHistory=city")).await;
    assert_eq!(list.status, 400);
}
