//! Human edits, outbound messages, conversion and merge.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use mittler_sandbox::salesforce::Config;
use reqwest::Method;
use serde_json::json;

use crate::support::{Org, answer, org, org_with};

type Letters = Arc<Mutex<Vec<String>>>;

/// A receiver that acknowledges from the given message on.
async fn receiver(first_ack: usize) -> (String, Letters) {
    let letters = Letters::default();
    let kept = letters.clone();
    let take = async move |body: String| {
        let mut kept = kept.lock().unwrap();
        kept.push(body);
        let ack = kept.len() >= first_ack;
        format!("<E xmlns=\"x\"><Body><notificationsResponse><Ack>{ack}</Ack></notificationsResponse></Body></E>")
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let app = Router::new().route("/hook", post(take));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, letters)
}

async fn arrived(letters: &Letters, count: usize) -> Vec<String> {
    for _ in 0..5_000 {
        let now = letters.lock().unwrap().clone();
        if now.len() >= count {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("only {} messages came", letters.lock().unwrap().len());
}

async fn edit(org: &Org, object: &str, id: &str, fields: serde_json::Value) -> serde_json::Value {
    let body = json!({"vendor": "salesforce", "type": object, "id": id, "fields": fields});
    let edited = org.post("/_sandbox/edit", body).await;
    assert_eq!(edited.status, 200, "{}", edited.text);
    edited.body
}

#[tokio::test]
async fn a_human_edit_is_sent_as_soap_again_and_again_until_it_is_acknowledged() {
    let org = org_with(Config { outbound_retry_ms: 1_000, ..Config::default() }).await;
    org.sandbox.clock().hold();
    let id = org.made("Lead", json!({"LastName": "A", "Company": "X", "Email": "a@b.de"})).await;
    let (url, letters) = receiver(2).await;
    let hook = json!({"vendor": "salesforce", "target_url": url, "objects": ["Lead"], "fields": ["Email", "Phone", "Company"]});
    assert_eq!(org.post("/_sandbox/hooks", hook).await.status, 200);
    let edited = edit(&org, "Lead", &id, json!({"Company": "X & Söhne"})).await;
    assert_ne!(edited["LastModifiedById"], edited["CreatedById"]);
    arrived(&letters, 1).await;
    for _ in 0..5_000 {
        if letters.lock().unwrap().len() > 1 {
            break;
        }
        org.sandbox.clock().advance_seconds(1);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let sent = arrived(&letters, 2).await;
    assert!(
        sent[0]
            .contains(&format!("<sf:Id>{id}</sf:Id><sf:Email>a@b.de</sf:Email><sf:Company>X &amp; Söhne</sf:Company>"))
    );
    assert!(sent[0].contains(&format!("<OrganizationId>{}</OrganizationId>", org.access.salesforce.organization_id)));
    let notification = |letter: &str| letter.split("<Notification><Id>").nth(1).unwrap()[..18].to_owned();
    assert_eq!(notification(&sent[0]), notification(&sent[1]));
    // What was acknowledged is not sent again: the next message is about the next change alone.
    org.sandbox.clock().advance_seconds(7_200);
    edit(&org, "Lead", &id, json!({"Company": "Y"})).await;
    let sent = arrived(&letters, 3).await;
    assert_eq!((sent.len(), sent[2].matches("<Notification>").count()), (3, 1));
    assert_ne!(notification(&sent[1]), notification(&sent[2]));
}

#[tokio::test]
async fn a_message_carries_up_to_100_notifications() {
    let org = org().await;
    let (url, letters) = receiver(1).await;
    org.post("/_sandbox/hooks", json!({"vendor": "salesforce", "target_url": url})).await;
    let rows: Vec<_> = (0..150)
        .map(|n| json!({"attributes": {"type": "Lead"}, "LastName": format!("L{n}"), "Company": "X"}))
        .collect();
    org.post("/composite/sobjects", json!({"records": rows})).await;
    let sent = arrived(&letters, 2).await;
    let counts: Vec<usize> = sent.iter().map(|letter| letter.matches("<Notification>").count()).collect();
    assert_eq!(counts, [100, 50]);
}

#[tokio::test]
async fn only_loopback_addresses_are_accepted_as_targets() {
    let org = org().await;
    for url in ["http://example.com/hook", "https://127.0.0.1/", "http://10.0.0.1/", "nonsense"] {
        let refused = org.post("/_sandbox/hooks", json!({"vendor": "salesforce", "target_url": url})).await;
        assert_eq!(refused.status, 400, "{url}");
    }
}

async fn convert(org: &Org, lead: &str, token: &str) -> String {
    let body = format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:u=\"urn:partner.soap.sforce.com\"><e:Header>\
         <u:SessionHeader><u:sessionId>{token}</u:sessionId></u:SessionHeader></e:Header><e:Body><u:convertLead>\
         <u:leadConverts><u:convertedStatus>Qualified</u:convertedStatus><u:doNotCreateOpportunity>true\
         </u:doNotCreateOpportunity><u:leadId>{lead}</u:leadId></u:leadConverts></u:convertLead></e:Body></e:Envelope>"
    );
    let request = org.http.post(org.url("/services/Soap/u/62.0")).header("Content-Type", "text/xml");
    answer(request.header("SOAPAction", "\"\"").body(body)).await.text
}

#[tokio::test]
async fn a_converted_lead_is_read_only_and_names_its_contact() {
    let org = org().await;
    let id =
        org.made("Lead", json!({"FirstName": "Ada", "LastName": "Doe", "Company": "ACME", "Email": "a@b.de"})).await;
    assert!(convert(&org, &id, "wrong").await.contains("<faultcode>sf:INVALID_SESSION_ID</faultcode>"));
    let result = convert(&org, &id, &org.access.salesforce.access_token).await;
    assert!(result.contains("<success>true</success>"), "{result}");
    let lead = org.get(&format!("/sobjects/Lead/{id}")).await.body;
    assert_eq!(lead["IsConverted"], true);
    let contact = lead["ConvertedContactId"].as_str().unwrap();
    assert_eq!(org.get(&format!("/sobjects/Contact/{contact}")).await.body["Name"], "Ada Doe");
    let refused = org.patch(&format!("/sobjects/Lead/{id}"), json!({"Title": "Chief"})).await;
    assert_eq!(refused.code(), "CANNOT_UPDATE_CONVERTED_LEAD");
    let twice = convert(&org, &id, &org.access.salesforce.access_token).await;
    assert!(twice.contains("<success>false</success>"));
}

#[tokio::test]
async fn a_merged_record_is_deleted_and_names_its_master() {
    let org = org().await;
    let winner = org.made("Lead", json!({"LastName": "A", "Company": "X"})).await;
    let loser = org.made("Lead", json!({"LastName": "A", "Company": "X", "Phone": "1"})).await;
    edit(&org, "Lead", &loser, json!({"MasterRecordId": winner})).await;
    let soql = "SELECT Id, MasterRecordId FROM Lead WHERE IsDeleted = true";
    let all = answer(org.request(Method::GET, "/queryAll").query(&[("q", soql)])).await;
    assert_eq!(all.body["records"][0]["MasterRecordId"], winner);
    assert_eq!(org.get(&format!("/sobjects/Lead/{winner}")).await.body["Phone"], "1");
}

#[tokio::test]
async fn a_document_type_in_soap_is_refused() {
    let org = org().await;
    let body = "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/hostname\">]><x>&e;</x>";
    let request = org.http.post(org.url("/services/Soap/u/62.0")).header("Content-Type", "text/xml").body(body);
    assert_eq!(answer(request).await.status, 500);
}

#[tokio::test]
async fn notifications_are_lost_doubled_or_late_on_request() {
    let org = org().await;
    org.sandbox.clock().hold();
    let mut inboxes = Vec::new();
    for mishaps in [json!({"lost": 1.0}), json!({"duplicates": 1.0}), json!({"late": 1.0, "late_ms": 9_000_000})] {
        let (url, letters) = receiver(1).await;
        let hook = json!({"vendor": "salesforce", "target_url": url, "mishaps": mishaps});
        assert_eq!(org.post("/_sandbox/hooks", hook).await.status, 200);
        inboxes.push(letters);
    }
    let unknown = json!({"vendor": "salesforce", "target_url": "http://127.0.0.1:1/", "mishaps": {"lots": 1.0}});
    assert_eq!(org.post("/_sandbox/hooks", unknown).await.status, 400);
    org.made("Lead", json!({"LastName": "A", "Company": "X"})).await;
    let doubled = arrived(&inboxes[1], 1).await.join("");
    let ids: Vec<&str> = doubled.split("<Notification><Id>").skip(1).map(|rest| &rest[..18]).collect();
    assert_eq!((ids.len(), ids[0]), (2, ids[1]), "one id, so that a receiver can tell");
    assert!(inboxes[2].lock().unwrap().is_empty());
    org.sandbox.clock().advance_seconds(9_000);
    assert_eq!(arrived(&inboxes[2], 1).await.join("").matches("<Notification>").count(), 1);
    assert!(inboxes[0].lock().unwrap().is_empty());
}
