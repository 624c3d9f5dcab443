//! The connector against a server that answers what a test wrote: what the sandbox is too faithful,
//! or too quick, to do.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use axum::{Router, body::Bytes, extract::State, http::StatusCode, http::Uri};
use mittler_connector::{
    Connector, Error, Key, Result, RowResult, Write,
    cursor::TimeId,
    http::{Auth, Http, Pace, client},
};
use mittler_connector_hubspot::{HubSpot, Settings};
use mittler_core::{RemoteFields, Time, Value};
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use uuid::Uuid;

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<(u16, Json)>>>,
    asked: Arc<Mutex<Vec<(String, Json)>>>,
}

async fn answer(State(script): State<Script>, uri: Uri, body: Bytes) -> (StatusCode, String) {
    let body = serde_json::from_slice(&body).unwrap_or(Json::Null);
    script.asked.lock().unwrap().push((uri.path().to_owned(), body));
    let (status, body) = script.answers.lock().unwrap().pop_front().unwrap_or((404, json!({})));
    (StatusCode::from_u16(status).unwrap(), body.to_string())
}

struct Open;

#[async_trait]
impl Auth for Open {
    async fn token(&self) -> Result<SecretString> {
        Ok("token".into())
    }

    async fn replace(&self, _rejected: &SecretString) -> Result<SecretString> {
        self.token().await
    }
}

#[async_trait]
impl Pace for Open {
    async fn permit(&self, _cost: mittler_connector::Cost) -> Result<()> {
        Ok(())
    }

    fn observe(&self, _usage: mittler_connector::Usage) {}
}

async fn server(answers: impl IntoIterator<Item = (u16, Json)>) -> (HubSpot, Script) {
    let script = Script { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Script::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(script.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let http = Http::new(
        client(Duration::from_secs(60)).unwrap(),
        Arc::new(Open),
        Arc::new(Open),
        mittler_connector_hubspot::DIALECT,
    );
    (HubSpot::new(http, Settings { base_url, ..Settings::default() }), script)
}

fn create(tag: u128, own_key: &str) -> Write {
    let fields = RemoteFields::from_iter([("city".to_owned(), Some(Value::Text("Ulm".into())))]);
    Write::Create { tag: Uuid::from_u128(tag), own_key: own_key.into(), fields, allow_duplicate: false }
}

fn row(id: u64, stamp: &str) -> Json {
    json!({"id": id.to_string(), "properties": {"lastmodifieddate": stamp}})
}

fn properties() -> (u16, Json) {
    (200, json!({"results": [{"name": "city", "type": "string", "fieldType": "text"}]}))
}

const STAMP: &str = "2026-01-01T00:00:00.000Z";

#[tokio::test]
async fn a_page_that_is_all_one_time_stamp_is_asked_for_by_id() {
    let cut = |ids: &[u64]| {
        let rows: Vec<Json> = ids.iter().map(|id| row(*id, STAMP)).collect();
        (200, json!({"results": rows, "paging": {"next": {"after": "200"}}}))
    };
    let (hubspot, script) = server([cut(&[9, 3, 12]), cut(&[3, 9, 10])]).await;
    let at: Time = STAMP.parse().unwrap();
    let page = hubspot.changes("contacts", Some(&TimeId { at, id: "2".into() }.cursor()), at).await.unwrap();
    assert_eq!(page.changes.iter().map(|change| &*change.id).collect::<Vec<_>>(), ["3", "9", "10"]);
    assert!(page.next.is_some());
    let asked = script.asked.lock().unwrap();
    let by_id = &asked[1].1;
    assert_eq!(by_id["sorts"], json!([{"propertyName": "hs_object_id", "direction": "ASCENDING"}]));
    assert_eq!(by_id["filterGroups"][0]["filters"][0]["operator"], "EQ");
    assert_eq!(by_id["filterGroups"][0]["filters"][1]["value"], "2");
}

#[tokio::test]
async fn the_rows_of_the_last_time_stamp_of_a_cut_page_wait_for_the_next() {
    let later = "2026-01-01T00:00:00.001Z";
    let rows = json!({"results": [row(9, STAMP), row(3, STAMP), row(1, later)], "paging": {"next": {"after": "200"}}});
    let (hubspot, script) = server([(200, rows)]).await;
    let page = hubspot.changes("contacts", Some(&TimeId::begin(Time(0)).cursor()), Time(0)).await.unwrap();
    assert_eq!(page.changes.iter().map(|change| &*change.id).collect::<Vec<_>>(), ["3", "9"]);
    assert!(page.next.is_some());
    assert_eq!(script.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn results_without_trace_ids_are_told_apart_by_our_own_key() {
    let result = |id: &str, own: &str| json!({"id": id, "new": true, "properties": {"mittler_id": own, "city": "Ulm"}});
    let answers = [properties(), (200, json!({"results": [result("20", "rec_b"), result("10", "rec_a")]}))];
    let (hubspot, script) = server(answers).await;
    let outcomes = hubspot.push("contacts", &[create(1, "rec_a"), create(2, "rec_b")]).await.unwrap();
    let ids = outcomes.iter().map(|outcome| match &outcome.result {
        RowResult::Written { id, .. } => &**id,
        other => panic!("{other:?}"),
    });
    assert_eq!(ids.collect::<Vec<_>>(), ["10", "20"]);
    let (path, body) = &script.asked.lock().unwrap()[1];
    assert_eq!(path, "/crm/objects/2026-09/contacts/batch/upsert");
    assert_eq!(
        body["inputs"][0],
        json!({"id": "rec_a", "idProperty": "mittler_id", "properties": {"city": "Ulm", "mittler_id": "rec_a"},
               "objectWriteTraceId": Uuid::from_u128(1).to_string()})
    );
}

#[tokio::test]
async fn a_success_that_says_nothing_of_a_write_is_unknown() {
    let only_one = json!({"results": [{"id": "10", "properties": {"mittler_id": "rec_a"}}]});
    for (status, body) in [(200, only_one), (200, json!({"results": []})), (200, json!("?")), (202, json!({}))] {
        let (hubspot, _) = server([properties(), (status, body.clone())]).await;
        let outcome = hubspot.push("contacts", &[create(1, "rec_a"), create(2, "rec_b")]).await;
        assert!(matches!(outcome, Err(Error::Unknown { .. })), "{body}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_upserted_fair_whose_answer_lacks_the_id_is_looked_up_by_our_key() {
    let answers = [
        (200, json!({"results": [{"id": "1", "eventName": "a"}, {"id": "2", "eventName": "b"}]})),
        (200, json!({"id": "1", "eventName": "a", "objectId": "501"})),
        (200, json!({"id": "2", "eventName": "b"})),
        (
            200,
            json!({"results": [{"objectId": 99, "externalAccountId": "another"},
                                 {"objectId": 502, "externalAccountId": "mittler"}]}),
        ),
    ];
    let (hubspot, script) = server(answers).await;
    let outcomes = hubspot.push("marketing_events", &[create(1, "rec_a"), create(2, "rec_b")]).await.unwrap();
    let written = |id: &str| RowResult::Written { id: id.into(), created: false, shown: None };
    assert_eq!(
        outcomes.into_iter().map(|outcome| outcome.result).collect::<Vec<_>>(),
        [written("501"), written("502")]
    );
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked[3].0, "/marketing/marketing-events/2026-09/rec_b/identifiers");
    assert_eq!(asked[0].1["inputs"][0]["customProperties"], json!([{"name": "city", "value": "Ulm"}]));
}

#[tokio::test]
async fn an_old_id_that_a_batch_does_not_know_is_followed_one_by_one() {
    let answers = [
        properties(),
        (
            207,
            json!({"results": [], "numErrors": 1, "errors": [{"category": "OBJECT_NOT_FOUND", "message": "",
                     "context": {"ids": ["7", "8", "9"]}}]}),
        ),
        (200, json!({"id": "70", "properties": {"city": "Ulm"}})),
        (404, json!({"category": "OBJECT_NOT_FOUND", "message": "resource not found"})),
        (404, json!({"category": "OBJECT_NOT_FOUND", "message": "resource not found"})),
        // What it archived is told from what it does not show.
        (
            207,
            json!({"results": [{"id": "8", "properties": {"city": "Bonn"}, "archived": true}], "numErrors": 1,
                     "errors": [{"category": "OBJECT_NOT_FOUND", "message": "", "context": {"ids": ["9"]}}]}),
        ),
    ];
    let (hubspot, script) = server(answers).await;
    let keys = [Key::Id("7".into()), Key::Id("8".into()), Key::Id("9".into())];
    let found = hubspot.read("contacts", &keys, &["city".to_owned()]).await.unwrap();
    let last = script.asked.lock().unwrap().last().cloned().unwrap();
    assert_eq!(last.1["inputs"], json!([{"id": "8"}, {"id": "9"}]));
    assert_eq!(found.len(), 2, "nothing is said of the third");
    assert!(found[1].id == "8" && found[1].gone && !found[0].gone);
    assert_eq!((&found[0].key, &*found[0].id), (&keys[0], "70"));
    assert_eq!(found[0].successor, Some(("contacts".to_owned(), "70".to_owned())));
}
