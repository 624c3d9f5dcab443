//! Batches and their identifier rules.

use serde_json::{Value, json};

use crate::support::{CONTACTS, portal};

fn inputs(count: usize) -> Value {
    (0..count).map(|n| json!({"properties": {"email": format!("n{n}@example.com")}})).collect()
}

#[tokio::test]
async fn a_batch_takes_a_hundred_inputs_and_not_one_more() {
    let portal = portal().await;
    let over = portal.post(&format!("{CONTACTS}/batch/create"), json!({"inputs": inputs(101)})).await;
    assert_eq!((over.status, over.body["category"].as_str()), (400, Some("VALIDATION_ERROR")));
    let full = portal.post(&format!("{CONTACTS}/batch/create"), json!({"inputs": inputs(100)})).await;
    assert_eq!((full.status, full.results().len()), (201, 100));
    assert_eq!(full.body["status"], "COMPLETE");
}

#[tokio::test]
async fn results_do_not_come_in_the_order_of_the_inputs() {
    let portal = portal().await;
    let made = portal.post(&format!("{CONTACTS}/batch/create"), json!({"inputs": inputs(20)})).await;
    let emails: Vec<&str> = made.results().iter().map(|row| row["properties"]["email"].as_str().unwrap()).collect();
    let sent: Vec<String> = (0..20).map(|n| format!("n{n}@example.com")).collect();
    assert_ne!(emails, sent);
}

#[tokio::test]
async fn an_id_that_stands_twice_rejects_the_whole_batch() {
    let portal = portal().await;
    let id = portal.contact("twice@example.com").await;
    let input = json!({"id": id, "properties": {"city": "Ulm"}});
    let answer = portal.post(&format!("{CONTACTS}/batch/update"), json!({"inputs": [input, input]})).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.message(), format!("Duplicate IDs found in batch input: [{id}]. IDs must be unique"));
    assert_eq!(answer.body["context"]["ids"], json!([id]));
    let upsert = |email: &str| json!({"id": email, "idProperty": "email", "properties": {"email": email}});
    let folded = json!({"inputs": [upsert("a@example.com"), upsert("A@example.com")]});
    assert_eq!(portal.post(&format!("{CONTACTS}/batch/upsert"), folded).await.status, 400);
}

#[tokio::test]
async fn without_trace_ids_one_bad_input_fails_all_and_nothing_is_written() {
    let portal = portal().await;
    let body = json!({"inputs": [{"properties": {"email": "good@example.com"}}, {"properties": {"missing": "x"}}]});
    let answer = portal.post(&format!("{CONTACTS}/batch/create"), body).await;
    assert_eq!(answer.status, 400);
    assert!(answer.message().contains("PROPERTY_DOESNT_EXIST"));
    assert!(portal.get(CONTACTS).await.results().is_empty());
}

#[tokio::test]
async fn with_a_trace_id_on_every_input_the_good_ones_are_written() {
    let portal = portal().await;
    let row = |trace: &str, properties: Value| json!({"objectWriteTraceId": trace, "properties": properties});
    let body = json!({"inputs": [row("t1", json!({"email": "good@example.com"})), row("t2", json!({"missing": "x"})),
        row("t3", json!({"email": "good@example.com"}))]});
    let answer = portal.post(&format!("{CONTACTS}/batch/create"), body).await;
    assert_eq!(answer.status, 207);
    assert_eq!(answer.body["status"], "COMPLETE");
    assert_eq!(answer.body["numErrors"], 2);
    assert_eq!(answer.results()[0]["objectWriteTraceId"], "t1");
    let errors = answer.body["errors"].as_array().unwrap();
    assert_eq!(errors[0]["context"]["objectWriteTraceId"], json!(["t2"]));
    assert_eq!(errors[0]["category"], "VALIDATION_ERROR");
    assert_eq!(errors[1]["category"], "CONFLICT");
    assert!(errors[1]["message"].as_str().unwrap().contains("Existing ID: "));
    let repeated =
        json!({"inputs": [row("same", json!({"email": "a@example.com"})), row("same", json!({"missing": "x"}))]});
    assert_eq!(
        portal.post(&format!("{CONTACTS}/batch/create"), repeated).await.status,
        400,
        "trace ids must be unique"
    );
}

#[tokio::test]
async fn an_upsert_tells_which_records_are_new() {
    let portal = portal().await;
    portal.unique_property("contacts", "contactinformation", "mittler_id").await;
    let body = |city: &str| {
        json!({"inputs": [{"id": "m-1", "idProperty": "mittler_id", "properties": {"city": city}},
            {"id": "m-2", "idProperty": "mittler_id", "properties": {"city": city}}]})
    };
    let path = format!("{CONTACTS}/batch/upsert");
    let first = portal.post(&path, body("Ulm")).await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert!(first.results().iter().all(|row| row["new"] == true));
    let second = portal.post(&path, body("Bonn")).await;
    assert!(second.results().iter().all(|row| row["new"] == false && row["properties"]["city"] == "Bonn"));
    let read = portal.get(&format!("{CONTACTS}/m-1?idProperty=mittler_id&properties=mittler_id,city")).await;
    assert_eq!(read.body["properties"]["mittler_id"], "m-1");
    let by_email = json!({"inputs": [{"id": "u@example.com", "idProperty": "email", "properties": {"city": "Ulm"}}]});
    assert_eq!(portal.post(&path, by_email).await.status, 400, "no partial upsert by e-mail");
}

#[tokio::test]
async fn only_unique_properties_identify_and_email_not_in_a_batch_update() {
    let portal = portal().await;
    let id = portal.contact("u@example.com").await;
    let post = |verb: &str, input: Value| {
        let path = format!("{CONTACTS}/batch/{verb}");
        let portal = &portal;
        async move { portal.post(&path, json!({"inputs": [input]})).await }
    };
    let missing = post("upsert", json!({"id": "u@example.com", "properties": {}})).await;
    assert_eq!(missing.status, 400);
    for (verb, name) in
        [("upsert", "hs_object_id"), ("upsert", "city"), ("update", "hs_object_id"), ("update", "email")]
    {
        let answer = post(verb, json!({"id": id, "idProperty": name, "properties": {"zip": "1"}})).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.message(), format!("Unable to perform {verb} by non-unique 0-1 property {name}"));
    }
}

#[tokio::test]
async fn a_batch_read_lists_what_it_could_not_get() {
    let portal = portal().await;
    let id = portal.contact("r@example.com").await;
    let path = format!("{CONTACTS}/batch/read");
    let found = portal.post(&path, json!({"inputs": [{"id": id}], "properties": ["email"]})).await;
    assert_eq!(found.status, 200);
    let answer = portal.post(&path, json!({"inputs": [{"id": id}, {"id": "99999"}], "properties": ["email"]})).await;
    assert_eq!((answer.status, answer.body["numErrors"].as_u64()), (207, Some(1)));
    assert_eq!(answer.body["errors"][0]["category"], "OBJECT_NOT_FOUND");
    assert_eq!(answer.body["errors"][0]["context"]["ids"], json!(["99999"]));
    assert!(answer.body["errors"][0]["message"].as_str().unwrap().starts_with("Could not get some CONTACT objects"));
    let by_email = portal
        .post(&path, json!({"inputs": [{"id": "R@example.com"}], "properties": ["email"], "idProperty": "email"}))
        .await;
    assert_eq!(by_email.results()[0]["id"], id);
}

#[tokio::test]
async fn a_batch_archive_answers_nothing() {
    let portal = portal().await;
    let id = portal.contact("gone@example.com").await;
    let answer = portal.post(&format!("{CONTACTS}/batch/archive"), json!({"inputs": [{"id": id}]})).await;
    assert_eq!((answer.status, answer.body), (204, Value::Null));
    assert_eq!(portal.get(&format!("{CONTACTS}/{id}")).await.status, 404);
}
