//! Single records: create, read, update, upsert, and what is refused.

use mittler_sandbox::salesforce::{Config, CustomField, DuplicateAction, DuplicateRule, ValidationRule};
use reqwest::Method;
use serde_json::json;

use crate::support::{answer, org, org_with};

const KEY: &str = "/sobjects/Lead/Mittler_Id__c";

#[tokio::test]
async fn an_upsert_creates_with_201_and_then_updates_with_200() {
    let org = org().await;
    let first = org.patch(&format!("{KEY}/p-1"), json!({"LastName": "Doe", "Company": "ACME"})).await;
    assert_eq!((first.status.as_u16(), &first.body["created"]), (201, &json!(true)));
    let again = org.patch(&format!("{KEY}/P-1"), json!({"Title": "Chief"})).await;
    assert_eq!((again.status.as_u16(), &again.body["created"]), (200, &json!(false)));
    assert_eq!(first.body["id"], again.body["id"]);
    assert!(again.header("sforce-limit-info").starts_with("api-usage=2/"));
}

#[tokio::test]
async fn an_upsert_of_an_old_api_version_answers_204_when_the_record_exists() {
    let org = org().await;
    let path = "/services/data/v45.0/sobjects/Lead/Mittler_Id__c/p-1";
    assert_eq!(org.patch(path, json!({"LastName": "Doe", "Company": "ACME"})).await.status, 201);
    let again = org.patch(path, json!({"Title": "Chief"})).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (204, ""));
}

#[tokio::test]
async fn an_ambiguous_external_id_answers_300_with_record_urls_and_writes_nothing() {
    let loose = CustomField { unique: false, ..CustomField::external_key("Lead", "Loose__c") };
    let org = org_with(Config { custom_fields: vec![loose], ..Config::default() }).await;
    let lead = json!({"LastName": "Doe", "Company": "ACME", "Loose__c": "p 1/x"});
    let first = org.made("Lead", lead.clone()).await;
    org.made("Lead", lead).await;
    let upsert = org.patch("/sobjects/Lead/Loose__c/p%201%2Fx", json!({"Title": "Chief"})).await;
    assert_eq!(upsert.status, 300);
    assert_eq!(upsert.body[0], format!("/services/data/v62.0/sobjects/Lead/{first}"));
    assert_eq!(org.query("SELECT count() FROM Lead WHERE Title = 'Chief'").await.body["totalSize"], 0);
    let row = json!({"records": [{"attributes": {"type": "Lead"}, "Loose__c": "p 1/x"}]});
    let rows = org.patch("/composite/sobjects/Lead/Loose__c", row).await;
    assert_eq!(rows.body[0]["errors"][0]["statusCode"], "DUPLICATE_EXTERNAL_ID");
}

#[tokio::test]
async fn update_only_does_not_create_and_unknown_key_fields_are_404() {
    let org = org().await;
    let lead = json!({"LastName": "Doe", "Company": "ACME"});
    let missing = org.patch(&format!("{KEY}/p-1?updateOnly=true"), lead.clone()).await;
    assert_eq!((missing.status.as_u16(), missing.code()), (404, "NOT_FOUND"));
    let unknown = org.patch("/sobjects/Lead/Email/a@b.de", lead.clone()).await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.body[0]["message"].as_str().unwrap().starts_with("Provided external ID field does not exist"));
    let mut with_key = lead;
    with_key["Mittler_Id__c"] = json!("p-1");
    assert_eq!(org.patch(&format!("{KEY}/p-1"), with_key).await.code(), "INVALID_FIELD");
}

#[tokio::test]
async fn a_unique_field_refuses_the_second_record_and_names_the_first() {
    let org = org().await;
    let id = org.made("Lead", json!({"LastName": "A", "Company": "X", "Mittler_Id__c": "k"})).await;
    let second = org.post("/sobjects/Lead", json!({"LastName": "B", "Company": "X", "Mittler_Id__c": "K"})).await;
    assert_eq!((second.status.as_u16(), second.code()), (400, "DUPLICATE_VALUE"));
    assert!(second.body[0]["message"].as_str().unwrap().contains(&id[..15]));
}

#[tokio::test]
async fn a_record_reads_back_with_18_character_id_and_an_offset_without_colon() {
    let org = org().await;
    let id = org.made("Lead", json!({"FirstName": " Ada ", "LastName": "Doe", "Company": "ACME", "Title": ""})).await;
    assert_eq!(id.len(), 18);
    let read = org.get(&format!("/sobjects/Lead/{}", &id[..15])).await;
    assert_eq!(read.body["Id"], id);
    assert_eq!((&read.body["Name"], &read.body["Title"]), (&json!("Ada Doe"), &json!(null)));
    assert_eq!(read.body["Status"], "Open - Not Contacted");
    assert!(read.body["CreatedDate"].as_str().unwrap().ends_with(".000+0000"));
    let some = org.get(&format!("/sobjects/Lead/{id}?fields=Id,Company")).await;
    assert_eq!(some.body.as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn bad_values_are_refused_with_the_code_of_their_kind() {
    let org = org().await;
    let bad = [
        (json!({"Company": "X"}), "REQUIRED_FIELD_MISSING"),
        (json!({"LastName": "A".repeat(81), "Company": "X"}), "STRING_TOO_LONG"),
        (json!({"LastName": "A", "Company": "X", "Email": "nonsense"}), "INVALID_EMAIL_ADDRESS"),
        (json!({"LastName": "A", "Company": "X", "Nope": 1}), "INVALID_FIELD"),
        (json!({"LastName": "A", "Company": "X", "IsConverted": true}), "INVALID_FIELD_FOR_INSERT_UPDATE"),
        (json!({"LastName": "A", "Company": "X", "NumberOfEmployees": "many"}), "JSON_PARSER_ERROR"),
        (json!({"LastName": "A", "Company": "X", "OwnerId": "rubbish"}), "MALFORMED_ID"),
        (json!({"LastName": "A", "Company": "X", "OwnerId": "005000000000001AAA"}), "INVALID_CROSS_REFERENCE_KEY"),
    ];
    for (body, code) in bad {
        let refused = org.post("/sobjects/Lead", body).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, code), "{}", refused.text);
    }
    let missing = org.post("/sobjects/Lead", json!({})).await;
    assert_eq!(missing.body[0]["fields"], json!(["LastName", "Company"]));
}

#[tokio::test]
async fn a_restricted_picklist_refuses_other_values_and_an_open_one_takes_them() {
    let org = org().await;
    let refused = org.post("/sobjects/Task", json!({"Subject": "x", "TaskSubtype": "Pigeon"})).await;
    assert_eq!(refused.code(), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
    org.made("Lead", json!({"LastName": "A", "Company": "X", "LeadSource": "Fairground"})).await;
}

#[tokio::test]
async fn a_deleted_record_is_gone_for_reads_and_found_by_query_all() {
    let org = org().await;
    let id = org.made("Lead", json!({"LastName": "A", "Company": "X"})).await;
    assert_eq!(org.delete(&format!("/sobjects/Lead/{id}")).await.status, 204);
    let again = org.delete(&format!("/sobjects/Lead/{id}")).await;
    assert_eq!((again.status.as_u16(), again.code()), (404, "ENTITY_IS_DELETED"));
    let all = org.request(Method::GET, "/queryAll").query(&[("q", "SELECT Id FROM Lead WHERE IsDeleted = true")]);
    assert_eq!(answer(all).await.body["records"][0]["Id"], id);
}

#[tokio::test]
async fn a_parent_is_linked_by_its_external_id_and_a_missing_one_is_refused() {
    let org = org().await;
    let account = org.made("Account", json!({"Name": "ACME", "Mittler_Id__c": "A-17"})).await;
    let contact = org.made("Contact", json!({"LastName": "Doe", "Account": {"Mittler_Id__c": "A-17"}})).await;
    let found = org.query(&format!("SELECT AccountId, Account.Name FROM Contact WHERE Id = '{contact}'")).await;
    assert_eq!(found.body["records"][0]["AccountId"], account);
    assert_eq!(found.body["records"][0]["Account"]["Name"], "ACME");
    let lost = org.post("/sobjects/Contact", json!({"LastName": "Doe", "Account": {"Mittler_Id__c": "A-99"}})).await;
    assert_eq!(lost.code(), "INVALID_FIELD");
    assert!(lost.body[0]["message"].as_str().unwrap().starts_with("Foreign key external ID: a-99 not found"));
}

#[tokio::test]
async fn an_active_assignment_rule_takes_the_owner_unless_the_header_says_no() {
    let rule = Config { lead_assignment_owner: Some("vertrieb-nord@example.com".to_owned()), ..Config::default() };
    let org = org_with(rule).await;
    let users = org.query("SELECT Id FROM User WHERE Username = 'vertrieb-sued@example.com'").await;
    let mine = users.body["records"][0]["Id"].as_str().unwrap().to_owned();
    let lead = json!({"LastName": "A", "Company": "X", "OwnerId": mine});
    let id = org.made("Lead", lead.clone()).await;
    let owner = format!("SELECT Owner.Name FROM Lead WHERE Id = '{id}'");
    assert_eq!(org.query(&owner).await.body["records"][0]["Owner"]["Name"], "Jens Petersen");
    let kept = org.request(Method::POST, "/sobjects/Lead").header("Sforce-Auto-Assign", "FALSE").json(&lead);
    let id = answer(kept).await.body["id"].as_str().unwrap().to_owned();
    assert_eq!(org.get(&format!("/sobjects/Lead/{id}")).await.body["OwnerId"], mine);
}

#[tokio::test]
async fn a_queue_may_own_a_lead_but_not_a_contact_and_an_inactive_user_owns_nothing() {
    let org = org().await;
    let queue = org.query("SELECT Id FROM Group WHERE Type = 'Queue'").await.body["records"][0]["Id"].clone();
    org.made("Lead", json!({"LastName": "A", "Company": "X", "OwnerId": queue})).await;
    let refused = org.post("/sobjects/Contact", json!({"LastName": "A", "OwnerId": queue})).await;
    assert_eq!(refused.code(), "FIELD_INTEGRITY_EXCEPTION");
    let user = org.query("SELECT Id FROM User WHERE Alias = 'jens'").await.body["records"][0]["Id"].clone();
    let leave = json!({"vendor": "salesforce", "type": "User", "id": user, "fields": {"IsActive": false}});
    assert_eq!(org.post("/_sandbox/edit", leave).await.status, 200);
    let refused = org.post("/sobjects/Lead", json!({"LastName": "A", "Company": "X", "OwnerId": user})).await;
    assert_eq!(refused.code(), "INACTIVE_OWNER_OR_USER");
}

#[tokio::test]
async fn a_duplicate_rule_shows_its_candidates_under_the_misspelt_key_and_alert_lets_a_repeat_pass() {
    let rule = DuplicateRule::standard("Contact", DuplicateAction::Alert);
    let org = org_with(Config { duplicate_rules: vec![rule], ..Config::default() }).await;
    let contact = json!({"LastName": "Doe", "Email": "doe@acme.de"});
    let first = org.made("Contact", contact.clone()).await;
    let found = org.post("/sobjects/Contact", contact.clone()).await;
    assert_eq!((found.status.as_u16(), found.code()), (400, "DUPLICATES_DETECTED"));
    let result = &found.body[0]["duplicateResut"];
    assert_eq!(result["allowSave"], true);
    assert_eq!(result["matchResults"][0]["matchRecords"][0]["record"]["Id"], first);
    let mut row = contact.clone();
    row["attributes"] = json!({"type": "Contact"});
    let rows = org.post("/composite/sobjects", json!({"records": [row]})).await;
    assert_eq!(rows.body[0]["errors"][0]["statusCode"], "DUPLICATES_DETECTED");
    assert!(!rows.text.contains(&first));
    let header = ("Sforce-Duplicate-Rule-Header", "allowSave=true");
    let repeat = org.request(Method::POST, "/sobjects/Contact").header(header.0, header.1).json(&contact);
    assert_eq!(answer(repeat).await.status, 201);
}

#[tokio::test]
async fn a_blocking_duplicate_rule_ignores_allow_save() {
    let rule = DuplicateRule::standard("Lead", DuplicateAction::Block);
    let org = org_with(Config { duplicate_rules: vec![rule], ..Config::default() }).await;
    let lead = json!({"FirstName": "Ada", "LastName": "Doe", "Company": "ACME GmbH"});
    org.made("Lead", lead.clone()).await;
    let header = ("Sforce-Duplicate-Rule-Header", "allowSave=true");
    let repeat = org.request(Method::POST, "/sobjects/Lead").header(header.0, header.1).json(&lead);
    let refused = answer(repeat).await;
    assert_eq!(refused.code(), "DUPLICATES_DETECTED");
    assert_eq!(refused.body[0]["duplicateResut"]["allowSave"], false);
}

#[tokio::test]
async fn a_campaign_member_is_one_person_once_with_a_status_of_its_campaign() {
    let org = org().await;
    let fair = org.made("Campaign", json!({"Name": "Messe", "Type": "Trade Show"})).await;
    let lead = org.made("Lead", json!({"LastName": "A", "Company": "X"})).await;
    let contact = org.made("Contact", json!({"LastName": "B"})).await;
    let both = org.post("/sobjects/CampaignMember", json!({"CampaignId": fair, "LeadId": lead, "ContactId": contact}));
    assert_eq!(both.await.code(), "FIELD_INTEGRITY_EXCEPTION");
    let member = json!({"CampaignId": fair, "LeadId": lead, "Status": "Visited booth"});
    let early = org.post("/sobjects/CampaignMember", member.clone()).await;
    assert_eq!(early.code(), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
    let status = json!({"CampaignId": fair, "Label": "Visited booth", "HasResponded": true});
    org.made("CampaignMemberStatus", status).await;
    let id = org.made("CampaignMember", member.clone()).await;
    assert_eq!(org.get(&format!("/sobjects/CampaignMember/{id}")).await.body["HasResponded"], true);
    let twice = org.post("/sobjects/CampaignMember", member).await;
    assert_eq!((twice.code(), &twice.body[0]["message"]), ("DUPLICATE_VALUE", &json!("Already a campaign member.")));
    let moved = org.patch(&format!("/sobjects/CampaignMember/{id}"), json!({"LeadId": lead})).await;
    assert_eq!(moved.code(), "INVALID_FIELD_FOR_INSERT_UPDATE");
    let plain = org.made("CampaignMember", json!({"CampaignId": fair, "ContactId": contact})).await;
    assert_eq!(org.get(&format!("/sobjects/CampaignMember/{plain}")).await.body["Status"], "Sent");
}

#[tokio::test]
async fn the_member_of_a_converted_lead_can_still_be_changed() {
    let org = org().await;
    let fair = org.made("Campaign", json!({"Name": "Messe"})).await;
    let lead = org.made("Lead", json!({"LastName": "A", "Company": "X"})).await;
    let member = org.made("CampaignMember", json!({"CampaignId": fair, "LeadId": lead})).await;
    let convert = json!({"vendor": "salesforce", "type": "Lead", "id": lead, "fields": {"IsConverted": true}});
    assert_eq!(org.post("/_sandbox/edit", convert).await.status, 200);
    let path = format!("/sobjects/CampaignMember/{member}");
    assert_eq!(org.patch(&path, json!({"Status": "Responded"})).await.status, 204);
    let read = org.get(&path).await.body;
    assert_eq!((&read["LeadId"], &read["HasResponded"]), (&json!(lead), &json!(true)));
    assert!(read["ContactId"].as_str().unwrap().starts_with("003"));
}

#[tokio::test]
async fn a_task_about_a_lead_has_no_related_record() {
    let org = org().await;
    let fair = org.made("Campaign", json!({"Name": "Messe"})).await;
    let lead = org.made("Lead", json!({"LastName": "A", "Company": "X"})).await;
    let task = json!({"WhoId": lead, "WhatId": fair, "Subject": "Reply"});
    assert_eq!(org.post("/sobjects/Task", task).await.code(), "FIELD_INTEGRITY_EXCEPTION");
    let id = org.made("Task", json!({"WhoId": lead, "Subject": "Reply", "Status": "Completed"})).await;
    assert_eq!(org.get(&format!("/sobjects/Task/{id}")).await.body["IsClosed"], true);
}

#[tokio::test]
async fn describe_names_the_required_fields_and_answers_304_when_nothing_changed() {
    let org = org().await;
    let describe = org.get("/sobjects/Lead/describe").await;
    let field = |name: &str| {
        describe.body["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).unwrap().clone()
    };
    let required: Vec<String> = describe.body["fields"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|field| {
            field["createable"] == true && field["nillable"] == false && field["defaultedOnCreate"] == false
        })
        .map(|field| field["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(required, ["LastName", "Company"]);
    assert_eq!(
        (&field("Mittler_Id__c")["externalId"], &field("Mittler_Id__c")["unique"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(field("OwnerId")["referenceTo"], json!(["Group", "User"]));
    let since = describe.header("last-modified").to_owned();
    let again = org.request(Method::GET, "/sobjects/Lead/describe").header("If-Modified-Since", since);
    assert_eq!(answer(again).await.status, 304);
    assert_eq!(org.get("/sobjects/Nothing/describe").await.status, 404);
}

#[tokio::test]
async fn a_stale_write_is_refused_when_the_caller_asks_for_it() {
    let org = org().await;
    let id = org.made("Lead", json!({"LastName": "A", "Company": "X"})).await;
    let update = org
        .request(Method::PATCH, &format!("/sobjects/Lead/{id}"))
        .header("If-Unmodified-Since", "Tue, 10 Nov 2020 00:00:00 GMT")
        .json(&json!({"Title": "Chief"}));
    assert_eq!(answer(update).await.status, 412);
}

#[tokio::test]
async fn the_client_name_is_remembered_for_single_records() {
    let org = org().await;
    let create = org.request(Method::POST, "/sobjects/Lead").header("Sforce-Call-Options", "client=mittler");
    let id = answer(create.json(&json!({"LastName": "A", "Company": "X"}))).await.body["id"].clone();
    let last = org.sandbox.salesforce().last_client("Lead", id.as_str().unwrap());
    assert_eq!(last.as_deref(), Some("mittler"));
}

#[tokio::test]
async fn a_validation_rule_refuses_in_the_words_of_the_admin() {
    let rule = ValidationRule {
        object: "Lead".to_owned(),
        field: "Phone".to_owned(),
        contains: None,
        message: "Bitte Telefon angeben".to_owned(),
    };
    let org = org_with(Config { validation_rules: vec![rule], ..Config::default() }).await;
    let refused = org.post("/sobjects/Lead", json!({"LastName": "A", "Company": "X"})).await;
    assert_eq!(refused.code(), "FIELD_CUSTOM_VALIDATION_EXCEPTION");
    assert_eq!(refused.body[0]["message"], "Bitte Telefon angeben");
    org.made("Lead", json!({"LastName": "A", "Company": "X", "Phone": "1"})).await;
}

#[tokio::test]
async fn a_hidden_field_is_absent_from_describe_and_unknown_to_writes() {
    let org = org_with(Config { hidden_fields: vec!["Lead.Phone".to_owned()], ..Config::default() }).await;
    let describe = org.get("/sobjects/Lead/describe").await;
    assert!(!describe.body["fields"].as_array().unwrap().iter().any(|field| field["name"] == "Phone"));
    let refused = org.post("/sobjects/Lead", json!({"LastName": "A", "Company": "X", "Phone": "1"})).await;
    assert_eq!(refused.code(), "INVALID_FIELD");
}

#[tokio::test]
async fn an_email_can_be_changed_while_it_is_a_draft() {
    let org = org().await;
    let case = org.made("Case", json!({"Subject": "Question"})).await;
    let id = org.made("EmailMessage", json!({"Subject": "Draft", "Status": "5", "ParentId": case})).await;
    let path = format!("/sobjects/EmailMessage/{id}");
    assert_eq!(org.patch(&path, json!({"Subject": "Final", "Status": "3"})).await.status, 204);
    let late = org.patch(&path, json!({"Subject": "Other"})).await;
    assert_eq!((late.status.as_u16(), late.code()), (400, "INVALID_FIELD_FOR_INSERT_UPDATE"));
    assert_eq!(org.patch(&path, json!({"IsExternallyVisible": true})).await.status, 204);
    let read = org.get(&path).await.body;
    assert_eq!((&read["Subject"], &read["ParentId"]), (&json!("Final"), &json!(case)));
}

#[tokio::test]
async fn a_campaign_keeps_a_default_status_and_one_that_is_a_response() {
    let org = org().await;
    let fair = org.made("Campaign", json!({"Name": "Messe"})).await;
    let soql = format!("SELECT Id FROM CampaignMemberStatus WHERE CampaignId = '{fair}' ORDER BY SortOrder");
    let rows = org.query(&soql).await.body;
    let [sent, responded] =
        [0, 1].map(|n| format!("/sobjects/CampaignMemberStatus/{}", rows["records"][n]["Id"].as_str().unwrap()));
    for refused in [
        org.patch(&sent, json!({"IsDefault": false})).await,
        org.patch(&responded, json!({"HasResponded": false})).await,
        org.delete(&sent).await,
        org.delete(&responded).await,
    ] {
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "FIELD_INTEGRITY_EXCEPTION"));
    }
    let other = json!({"CampaignId": fair, "Label": "Booth", "IsDefault": true, "HasResponded": true});
    org.made("CampaignMemberStatus", other).await;
    assert_eq!((org.delete(&sent).await.status.as_u16(), org.delete(&responded).await.status.as_u16()), (204, 204));
    assert_eq!(org.delete(&format!("/sobjects/Campaign/{fair}")).await.status, 204);
}

#[tokio::test]
async fn the_duplicate_rule_header_is_unknown_before_api_52() {
    let rule = DuplicateRule::standard("Contact", DuplicateAction::Alert);
    let org = org_with(Config { duplicate_rules: vec![rule], ..Config::default() }).await;
    let contact = json!({"LastName": "Doe", "Email": "doe@acme.de"});
    org.made("Contact", contact.clone()).await;
    for (version, status) in [(51, 400), (52, 201)] {
        let repeat = org
            .request(Method::POST, &format!("/services/data/v{version}.0/sobjects/Contact"))
            .header("Sforce-Duplicate-Rule-Header", "allowSave=true")
            .json(&contact);
        assert_eq!(answer(repeat).await.status, status, "{version}");
    }
}
