//! SOQL over HTTP, paging, and changes by time.

use mittler_sandbox::salesforce::{Config, CustomField, Kind};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Org, answer, org, org_with};

async fn leads(org: &Org, names: &[&str]) {
    for name in names {
        org.made("Lead", json!({"LastName": name, "Company": "ACME", "Email": format!("{name}@x.de")})).await;
    }
}

fn names(body: &Value) -> Vec<&str> {
    body["records"].as_array().unwrap().iter().map(|record| record["LastName"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn conditions_compare_without_case_and_respect_escapes_and_order() {
    let org = org().await;
    leads(&org, &["O'Neil", "Beck", "Arndt"]).await;
    let by_quote = org.query("SELECT LastName FROM Lead WHERE LastName = 'o\\'neil'").await;
    assert_eq!(names(&by_quote.body), ["O'Neil"]);
    let some = "SELECT LastName FROM Lead WHERE (LastName LIKE 'b%' OR Email IN ('ARNDT@x.de', 'z')) AND \
                IsConverted = false AND Title = null ORDER BY LastName DESC";
    assert_eq!(names(&org.query(some).await.body), ["Beck", "Arndt"]);
    let none =
        "SELECT LastName FROM Lead WHERE NOT LastName IN ('beck', 'arndt') AND CreatedDate > 2020-01-01T00:00:00Z";
    assert_eq!(names(&org.query(none).await.body), ["O'Neil"]);
}

#[tokio::test]
async fn a_query_the_org_cannot_answer_says_why() {
    let org = org().await;
    for (soql, code) in [
        ("SELECT Nope FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT Id FROM Lead WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
    ] {
        let refused = org.query(soql).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, code), "{soql}");
    }
}

#[tokio::test]
async fn pages_may_be_shorter_than_asked_and_only_done_ends_them() {
    let org = org_with(Config { max_page_size: 2, min_page_size: 1, ..Config::default() }).await;
    leads(&org, &["A", "B", "C", "D", "E"]).await;
    let ask = org.request(Method::GET, "/query/").query(&[("q", "SELECT LastName FROM Lead ORDER BY LastName")]);
    let mut page = answer(ask.header("Sforce-Query-Options", "batchSize=2000")).await.body;
    let mut seen: Vec<String> = names(&page).into_iter().map(str::to_owned).collect();
    while page["done"] == false {
        page = org.get(page["nextRecordsUrl"].as_str().unwrap()).await.body;
        seen.extend(names(&page).into_iter().map(str::to_owned));
    }
    assert_eq!((seen.join(""), &page["totalSize"]), ("ABCDE".to_owned(), &json!(5)));
    assert_eq!(page.get("nextRecordsUrl"), None);
}

#[tokio::test]
async fn a_locator_dies_after_two_days() {
    let org =
        org_with(Config { max_page_size: 1, min_page_size: 1, session_seconds: 1_000_000, ..Config::default() }).await;
    leads(&org, &["A", "B"]).await;
    let next = org.query("SELECT LastName FROM Lead").await.body["nextRecordsUrl"].as_str().unwrap().to_owned();
    assert_eq!(org.get(&next).await.status, 200);
    org.post("/_sandbox/clock", json!({"advance_seconds": 2 * 24 * 3600})).await;
    let late = org.get(&next).await;
    assert_eq!((late.status.as_u16(), late.code()), (400, "INVALID_QUERY_LOCATOR"));
}

#[tokio::test]
async fn a_url_over_16_kilobytes_is_414() {
    let org = org().await;
    let long = format!("SELECT Id FROM Lead WHERE Email IN ('{}')", "x".repeat(17_000));
    assert_eq!(org.query(&long).await.status, 414);
}

#[tokio::test]
async fn changed_and_deleted_records_are_listed_by_time() {
    let org = org().await;
    let kept = org.made("Lead", json!({"LastName": "A", "Company": "X"})).await;
    let lost = org.made("Lead", json!({"LastName": "B", "Company": "X"})).await;
    org.delete(&format!("/sobjects/Lead/{lost}")).await;
    org.post("/_sandbox/clock", json!({"advance_seconds": 120})).await;
    let now = org.sandbox.clock().now();
    let at = |seconds: i64| now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap().to_string();
    let span = [("start", at(-600)), ("end", at(0))];
    let updated = answer(org.request(Method::GET, "/sobjects/Lead/updated/").query(&span)).await;
    assert_eq!(updated.body["ids"], json!([kept]));
    assert!(updated.body["latestDateCovered"].as_str().unwrap().ends_with("+0000"));
    let deleted = answer(org.request(Method::GET, "/sobjects/Lead/deleted").query(&span)).await;
    assert_eq!(deleted.body["deletedRecords"][0]["id"], lost);
    let old = [("start", at(-40 * 86_400)), ("end", at(0))];
    let refused = answer(org.request(Method::GET, "/sobjects/Lead/updated").query(&old)).await;
    assert_eq!(refused.code(), "INVALID_REPLICATION_DATE");
}

#[tokio::test]
async fn a_semi_join_and_relationship_conditions_find_members() {
    let org = org().await;
    leads(&org, &["A", "B"]).await;
    let fair = org.made("Campaign", json!({"Name": "Messe"})).await;
    let lead = org.query("SELECT Id FROM Lead WHERE LastName = 'B'").await.body["records"][0]["Id"].clone();
    org.made("CampaignMember", json!({"CampaignId": fair, "LeadId": lead})).await;
    let joined =
        "SELECT LastName FROM Lead WHERE Id IN (SELECT LeadId FROM CampaignMember WHERE Campaign.Name = 'messe')";
    assert_eq!(names(&org.query(joined).await.body), ["B"]);
}

#[tokio::test]
async fn a_lookup_by_an_indexed_field_sees_updates_and_leaves_deleted_records_out() {
    let org = org().await;
    let id = org.made("Lead", json!({"LastName": "A", "Company": "X", "Email": "old@x.de"})).await;
    org.patch(&format!("/sobjects/Lead/{id}"), json!({"Email": "new@x.de"})).await;
    let count = async |email: &str| {
        let soql = format!("SELECT count() FROM Lead WHERE Email IN ('{email}', 'x@y.de') AND Company = 'x'");
        org.query(&soql).await.body["totalSize"].clone()
    };
    assert_eq!((count("old@x.de").await, count("NEW@x.de").await), (json!(0), json!(1)));
    org.delete(&format!("/sobjects/Lead/{id}")).await;
    assert_eq!(count("new@x.de").await, 0);
}

#[tokio::test]
async fn a_child_query_nests_the_records_that_point_to_each_row() {
    let org = org().await;
    let account = org.made("Account", json!({"Name": "ACME"})).await;
    org.made("Account", json!({"Name": "Lonely"})).await;
    for name in ["B", "A", "Z"] {
        org.made("Contact", json!({"LastName": name, "AccountId": account})).await;
    }
    let soql = "SELECT Name, (SELECT LastName, Account.Name FROM Contacts WHERE LastName < 'C' ORDER BY LastName) \
                FROM Account ORDER BY Name";
    let found = org.query(soql).await.body;
    let nested = &found["records"][0]["Contacts"];
    assert_eq!((&nested["totalSize"], &nested["done"]), (&json!(2), &json!(true)));
    assert_eq!(names(nested), ["A", "B"]);
    assert_eq!(nested["records"][0]["attributes"]["type"], "Contact");
    assert_eq!(nested["records"][0]["Account"]["Name"], "ACME");
    assert_eq!(found["records"][1]["Contacts"], Value::Null);
    let unknown = org.query("SELECT Id, (SELECT Id FROM Nothings) FROM Account").await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (400, "INVALID_TYPE"));
}

#[tokio::test]
async fn date_literals_are_days_of_the_user_counted_from_today() {
    let org = org().await;
    leads(&org, &["Old"]).await;
    org.post("/_sandbox/clock", json!({"advance_seconds": 24 * 3600})).await;
    let token =
        [("client_id", &org.access.salesforce.client_id), ("client_secret", &org.access.salesforce.client_secret)];
    let form = [("grant_type", "client_credentials"), (token[0].0, token[0].1), (token[1].0, token[1].1)];
    let token = org.token(&form).await.body["access_token"].as_str().unwrap().to_owned();
    let found = async |condition: &str| {
        let soql = format!("SELECT LastName FROM Lead WHERE CreatedDate {condition} ORDER BY LastName");
        let ask = org.http.get(org.url("/query")).query(&[("q", soql)]).bearer_auth(&token);
        let body = answer(ask).await.body;
        body["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|lead| lead["LastName"].as_str().unwrap().to_owned())
            .collect::<String>()
    };
    let lead = json!({"LastName": "New", "Company": "ACME"});
    let made = org.http.post(org.url("/sobjects/Lead")).bearer_auth(&token).json(&lead);
    assert_eq!(answer(made).await.status, 201);
    for (condition, names) in [
        ("= TODAY", "New"),
        ("= yesterday", "Old"),
        ("< TODAY", "Old"),
        ("> YESTERDAY", "New"),
        ("<= TODAY", "NewOld"),
        ("!= TODAY", "Old"),
        ("= LAST_N_DAYS:1", "NewOld"),
        ("< LAST_N_DAYS:3", ""),
    ] {
        assert_eq!(found(condition).await, names, "{condition}");
    }
}

#[tokio::test]
async fn multi_select_values_are_found_by_what_they_include_or_exclude() {
    let choices = CustomField {
        object: "Lead".to_owned(),
        name: "Fairs__c".to_owned(),
        kind: Kind::Multipicklist,
        values: ["a", "b", "c"].map(str::to_owned).into(),
        ..CustomField::default()
    };
    let org = org_with(Config { custom_fields: vec![choices], ..Config::default() }).await;
    for (name, fairs) in [("A", "a"), ("B", "a;b"), ("C", "c")] {
        org.made("Lead", json!({"LastName": name, "Company": "X", "Fairs__c": fairs})).await;
    }
    for (condition, found) in
        [("INCLUDES ('a;b', 'c')", vec!["B", "C"]), ("includes ('a')", vec!["A", "B"]), ("EXCLUDES ('a')", vec!["C"])]
    {
        let soql = format!("SELECT LastName FROM Lead WHERE Fairs__c {condition} ORDER BY LastName");
        assert_eq!(names(&org.query(&soql).await.body), found, "{condition}");
    }
    let wrong = org.query("SELECT Id FROM Lead WHERE LastName INCLUDES ('A')").await;
    assert_eq!(wrong.code(), "INVALID_QUERY_FILTER_OPERATOR");
}

#[tokio::test]
async fn counting_a_field_counts_its_values() {
    let org = org().await;
    leads(&org, &["A", "B"]).await;
    let found = org.query("SELECT COUNT(Id), COUNT(Title) titled FROM Lead").await.body;
    assert_eq!(found["totalSize"], 1);
    let record = &found["records"][0];
    assert_eq!(record["attributes"]["type"], "AggregateResult");
    assert_eq!((&record["expr0"], &record["titled"]), (&json!(2), &json!(0)));
    assert_eq!(org.query("SELECT Name, COUNT(Id) FROM Lead").await.code(), "MALFORMED_QUERY");
}

#[tokio::test]
async fn soql_beyond_the_sandbox_is_malformed_and_says_that_the_sandbox_is_to_blame() {
    let org = org().await;
    for soql in [
        "SELECT Status, COUNT(Id) FROM Lead GROUP BY Status",
        "SELECT MAX(CreatedDate) FROM Lead",
        "SELECT Id, toLabel(Status) FROM Lead",
        "SELECT Id FROM Lead WHERE CreatedDate = THIS_MONTH",
        "SELECT Id FROM Lead WHERE CALENDAR_YEAR(CreatedDate) = 2026",
        "SELECT Id FROM Lead FOR UPDATE",
        "SELECT TYPEOF What WHEN Account THEN Phone END FROM Task",
    ] {
        let refused = org.query(soql).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "MALFORMED_QUERY"), "{soql}");
        let text = refused.body[0]["message"].as_str().unwrap();
        assert!(text.contains("sandbox does not know"), "{soql}: {text}");
    }
}
