//! Bulk jobs: when rows are written, which fail, and what a job leaves behind.

use mittler_sandbox::salesforce::{Config, CustomField, Kind};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Org, answer, org, org_with};

/// A job with its upload, not yet closed; its path.
async fn uploaded(org: &Org, job: Value, csv: &str) -> String {
    let job = org.post("/jobs/ingest", job).await;
    assert_eq!(job.status, 200, "{}", job.text);
    let url = format!("/{}", job.body["contentUrl"].as_str().unwrap());
    let upload = org.request(Method::PUT, &url).header("Content-Type", "text/csv").body(csv.to_owned());
    assert_eq!(answer(upload).await.status, 201);
    format!("/jobs/ingest/{}", job.body["id"].as_str().unwrap())
}

/// The same, closed.
async fn closed(org: &Org, job: Value, csv: &str) -> String {
    let path = uploaded(org, job, csv).await;
    assert_eq!(state(&org.patch(&path, json!({"state": "UploadComplete"})).await), "UploadComplete");
    path
}

fn state(job: &Answer) -> &str {
    job.body["state"].as_str().unwrap_or_default()
}

async fn leads(org: &Org) -> u64 {
    org.query("SELECT count() FROM Lead").await.body["totalSize"].as_u64().unwrap()
}

async fn slow() -> Org {
    org_with(Config { bulk_seconds: 60, ..Config::default() }).await
}

async fn pass(org: &Org) {
    org.post("/_sandbox/clock", json!({"advance_seconds": 61})).await;
}

#[tokio::test]
async fn a_bulk_upsert_completes_with_failed_rows_to_fetch() {
    let org = slow().await;
    let job = json!({"object": "Lead", "operation": "upsert", "externalIdFieldName": "Mittler_Id__c"});
    let path = closed(&org, job, "Mittler_Id__c,LastName,Company\na,Doe,\"ACME, Inc\"\nb,,ACME\n").await;
    pass(&org).await;
    let done = org.get(&path).await;
    assert_eq!((state(&done), &done.body["numberRecordsFailed"]), ("JobComplete", &json!(1)));
    let failed = org.get(&format!("{path}/failedResults/")).await;
    assert!(failed.text.contains("REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"));
    assert!(org.get(&format!("{path}/successfulResults")).await.text.contains("\"true\",\"a\",\"Doe\",\"ACME, Inc\""));
}

#[tokio::test]
async fn the_last_page_of_a_bulk_query_has_the_locator_null() {
    let org = org().await;
    for name in ["A", "B", "C"] {
        org.made("Account", json!({"Name": name})).await;
    }
    let job = json!({"operation": "query", "query": "SELECT Name FROM Account ORDER BY Name"});
    let id = org.post("/jobs/query", job).await.body["id"].as_str().unwrap().to_owned();
    assert_eq!(org.get(&format!("/jobs/query/{id}")).await.body["state"], "JobComplete");
    let first = org.get(&format!("/jobs/query/{id}/results?maxRecords=2")).await;
    assert_eq!(first.text, "\"Name\"\n\"A\"\n\"B\"\n");
    let locator = first.header("sforce-locator").to_owned();
    let last = org.get(&format!("/jobs/query/{id}/results?maxRecords=2&locator={locator}")).await;
    assert_eq!((last.header("sforce-locator"), last.header("sforce-numberofrecords")), ("null", "1"));
}

#[tokio::test]
async fn rows_are_written_when_the_job_is_done_and_whoever_asks_then_sees_them() {
    let org = slow().await;
    let path = closed(&org, json!({"object": "Lead", "operation": "insert"}), "LastName,Company\nDoe,ACME\n").await;
    assert_eq!(leads(&org).await, 0);
    assert_eq!(org.get(&format!("{path}/successfulResults")).await.text.lines().count(), 1);
    pass(&org).await;
    assert_eq!(leads(&org).await, 1);
    assert_eq!(state(&org.get(&path).await), "JobComplete");
}

#[tokio::test]
async fn the_rows_of_an_aborted_job_stay_unprocessed() {
    let org = slow().await;
    let path = closed(&org, json!({"object": "Lead", "operation": "insert"}), "LastName,Company\nDoe,ACME\n").await;
    let aborted = org.patch(&path, json!({"state": "Aborted"})).await;
    assert_eq!((state(&aborted), &aborted.body["numberRecordsProcessed"]), ("Aborted", &json!(0)));
    pass(&org).await;
    assert_eq!(leads(&org).await, 0);
    let rest = org.get(&format!("{path}/unprocessedrecords")).await;
    assert_eq!(rest.text, "\"LastName\",\"Company\"\n\"Doe\",\"ACME\"\n");
}

#[tokio::test]
async fn a_job_is_deleted_only_once_it_has_ended() {
    let org = slow().await;
    let path = uploaded(&org, json!({"object": "Lead", "operation": "insert"}), "LastName,Company\nDoe,ACME\n").await;
    for wanted in ["", "UploadComplete"] {
        if !wanted.is_empty() {
            org.patch(&path, json!({"state": wanted})).await;
        }
        let refused = org.delete(&path).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "INVALIDJOBSTATE"));
    }
    pass(&org).await;
    assert_eq!(org.delete(&path).await.status, 204);
    assert_eq!(org.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_job_fails_when_the_file_has_other_line_endings_than_it_said() {
    let org = org().await;
    for (setting, csv, outcome) in [
        ("LF", "LastName,Company\r\nDoe,ACME\r\n", "Failed"),
        ("CRLF", "LastName,Company\nDoe,ACME\n", "Failed"),
        ("CRLF", "LastName,Company\r\nDoe,ACME\r\n", "JobComplete"),
    ] {
        let job = json!({"object": "Lead", "operation": "insert", "lineEnding": setting});
        let path = closed(&org, job, csv).await;
        let done = org.get(&path).await;
        assert_eq!(state(&done), outcome);
        let left = org.get(&format!("{path}/unprocessedrecords")).await.text.contains("ACME");
        assert_eq!((left, done.body.get("errorMessage").is_some()), (outcome == "Failed", outcome == "Failed"));
    }
    assert_eq!(leads(&org).await, 1);
}

#[tokio::test]
async fn a_row_that_is_wider_than_the_header_or_too_long_fails_alone() {
    let org = org().await;
    let long = "x".repeat(400_001);
    let csv = format!("LastName,Company,Description\nWide,ACME,c,more\nLong,ACME,{long}\nGood,ACME,c\n");
    let path = closed(&org, json!({"object": "Lead", "operation": "insert"}), &csv).await;
    let done = org.get(&path).await;
    assert_eq!((&done.body["numberRecordsProcessed"], &done.body["numberRecordsFailed"]), (&json!(3), &json!(2)));
    assert_eq!(leads(&org).await, 1);
}

#[tokio::test]
async fn bulk_rows_fail_with_the_codes_of_collections() {
    let org = org().await;
    let failed = async |job: Value, csv: &str| {
        let path = closed(&org, job, csv).await;
        org.get(&format!("{path}/failedResults")).await.text
    };
    let update = json!({"object": "Lead", "operation": "update"});
    let text = failed(update, "Id,Company\n00Q000000000009EAA,x\nrubbish,x\n,x\n").await;
    for code in ["\"00Q000000000009EAA\",\"INVALID_CROSS_REFERENCE_KEY:", "\"MALFORMED_ID:", "\"MISSING_ARGUMENT:"] {
        assert!(text.contains(code), "{code} in {text}");
    }
    let upsert = json!({"object": "Lead", "operation": "upsert", "externalIdFieldName": "Mittler_Id__c"});
    let text = failed(upsert, "Mittler_Id__c,LastName,Company\na,A,X\nA,B,X\n").await;
    assert_eq!(text.matches("DUPLICATE_VALUE:Duplicate external id specified").count(), 2);
    let insert = json!({"object": "Lead", "operation": "insert"});
    let text = failed(insert, "Id,LastName,Company\n00Q000000000009AAA,A,X\n").await;
    assert!(text.contains("INVALID_FIELD_FOR_INSERT_UPDATE:"));
}

#[tokio::test]
async fn a_hard_delete_leaves_nothing_for_query_all() {
    let org = org().await;
    let fair = org.made("Campaign", json!({"Name": "Messe"})).await;
    let mut ids = Vec::new();
    for name in ["A", "B"] {
        let id = org.made("Lead", json!({"LastName": name, "Company": "X"})).await;
        org.made("CampaignMember", json!({"CampaignId": fair, "LeadId": id})).await;
        ids.push(id);
    }
    for (operation, id) in [("delete", &ids[0]), ("hardDelete", &ids[1])] {
        let path = closed(&org, json!({"object": "Lead", "operation": operation}), &format!("Id\n{id}\n")).await;
        assert_eq!(org.get(&path).await.body["numberRecordsFailed"], 0);
    }
    for object in ["Lead", "CampaignMember"] {
        let soql = format!("SELECT Id FROM {object}");
        let all = answer(org.request(Method::GET, "/queryAll").query(&[("q", soql)])).await;
        assert_eq!(all.body["totalSize"], 1, "{object}");
    }
}

#[tokio::test]
async fn a_number_serves_as_external_id_in_paths_collections_and_bulk() {
    let number = CustomField { kind: Kind::Double, ..CustomField::external_key("Lead", "Number__c") };
    let org = org_with(Config { custom_fields: vec![number], ..Config::default() }).await;
    let lead = json!({"LastName": "Doe", "Company": "ACME"});
    let made = org.patch("/sobjects/Lead/Number__c/9", lead.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.body["id"].clone();
    assert_eq!(org.patch("/sobjects/Lead/Number__c/9.0", lead).await.body["id"], id);
    assert_eq!(org.get("/sobjects/Lead/Number__c/9").await.body["Id"], id);
    let rows = json!({"records": [{"attributes": {"type": "Lead"}, "Number__c": 9, "Title": "Chief"}]});
    assert_eq!(org.patch("/composite/sobjects/Lead/Number__c", rows).await.body[0]["id"], id);
    let twice: Vec<Value> = [json!(7), json!(7.0)]
        .map(|key| json!({"attributes": {"type": "Lead"}, "Number__c": key, "LastName": "D", "Company": "X"}))
        .into();
    let twice = org.patch("/composite/sobjects/Lead/Number__c", json!({"records": twice})).await;
    assert_eq!(twice.body[0]["errors"][0]["statusCode"], "DUPLICATE_VALUE");
    let job = json!({"object": "Lead", "operation": "upsert", "externalIdFieldName": "Number__c"});
    let path = closed(&org, job, "Number__c,LastName,Company\n9,Roe,X\n10,Poe,X\n").await;
    let done = org.get(&format!("{path}/successfulResults")).await.text;
    assert!(done.contains(&format!("\"{}\",\"false\"", id.as_str().unwrap())), "{done}");
    let found = org.query("SELECT LastName FROM Lead WHERE Number__c IN (9, 10) ORDER BY Number__c").await;
    assert_eq!((&found.body["records"][0]["LastName"], &found.body["totalSize"]), (&json!("Roe"), &json!(2)));
}
