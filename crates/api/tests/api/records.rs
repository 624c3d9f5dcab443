use axum::{body::Body, http::StatusCode};
use serde_json::{Value, json};

use crate::support::Service;

#[tokio::test]
async fn a_record_shows_each_value_with_its_source() {
    let service = Service::start().await;
    let seeded = service.seed("von der Heide").await;
    let record = service.get(&format!("/api/v1/records/{}", seeded.person)).await.json();
    assert_eq!((&record["title"], &record["kind"]), (&json!("Jürgen von der Heide"), &json!("person")));
    let position = &record["fields"]["position"][0];
    assert_eq!((&position["value"], &position["source"]["kind"]), (&json!("Geschäftsführer"), &json!("own_mail")));
    assert_eq!((&position["how"], &position["confidence"]), (&json!("csv.column"), &json!(100)));
    assert!(position["signal"].as_str().unwrap().starts_with("sig_"));
    assert_eq!(record["fields"]["phones"].as_array().unwrap().len(), 2);
    assert_eq!(record["fields"]["title"][0]["source"]["kind"], "rule");
}

#[tokio::test]
async fn a_timeline_tells_what_was_said_written_and_met_the_latest_first() {
    let service = Service::start().await;
    let seeded = service.seed("von der Heide").await;
    let events = service.get(&format!("/api/v1/records/{}/timeline", seeded.person)).await.json();
    let what: Vec<_> =
        events["items"].as_array().unwrap().iter().map(|event| event["what"].as_str().unwrap()).collect();
    assert_eq!(what[..3], ["written", "written", "said"]);
    assert!(what.contains(&"met"), "{what:?}");
    let times: Vec<_> = events["items"].as_array().unwrap().iter().map(|event| event["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b));
    // Page by page it is the same.
    let (mut pages, mut path) = (Vec::new(), format!("/api/v1/records/{}/timeline?limit=1", seeded.person));
    loop {
        let page = service.get(&path).await.json();
        pages.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/records/{}/timeline?limit=1&after={next}", seeded.person);
    }
    assert_eq!(json!(pages), events["items"]);
}

#[tokio::test]
async fn links_tell_what_each_crm_knows_and_what_is_held() {
    let service = Service::start().await;
    let seeded = service.seed("von der Heide").await;
    let links = service.get(&format!("/api/v1/records/{}/links", seeded.person)).await.json();
    let of =
        |state: &str| links["items"].as_array().unwrap().iter().find(|link| link["state"] == state).unwrap().clone();
    let (written, refused) = (of("written"), of("refused"));
    assert_eq!((&written["remote_type"], &written["held"]["Industry"]["code"]), (&json!("Lead"), &json!("refused")));
    assert_eq!((&refused["remote_type"], &refused["code"]), (&json!("contacts"), &json!("INVALID_EMAIL")));
    let waiting = service.get(&format!("/api/v1/connections/{}/links", seeded.hubspot)).await.json();
    assert_eq!(waiting["items"].as_array().unwrap().len(), 1);
    let connections = service.get("/api/v1/connections").await.json();
    let counts = &connections["items"][0]["links"][0];
    assert_eq!((&connections["items"][0]["name"], &counts["refused"]), (&json!("marketing"), &json!(1)));
}

#[tokio::test]
async fn a_person_is_found_by_their_address_however_it_is_written() {
    let service = Service::start().await;
    let seeded = service.seed("von der Heide").await;
    let find = async |query: &str| service.get(&format!("/api/v1/records?{query}")).await.json()["items"].clone();
    let found = find("email=J.Heide%40heide-maschinenbau.EXAMPLE").await;
    assert_eq!(found[0]["id"], seeded.person.to_string());
    assert_eq!(find("email=nobody%40example.com").await, json!([]));
    assert_eq!(service.get("/api/v1/records?email=x").await.code(), "invalid_parameter");
    assert_eq!(service.get("/api/v1/records?kind=ship").await.code(), "invalid_parameter");
    let typo = service.get("/api/v1/records?emial=j.heide%40heide-maschinenbau.example").await;
    assert_eq!((typo.code().as_str(), typo.json()["field"].as_str()), ("invalid_parameter", Some("emial")));
}

#[tokio::test]
async fn a_person_is_found_by_parts_of_names_companies_addresses_and_numbers() {
    let service = Service::start().await;
    let person = service.seed("von der Heide").await.person.to_string();
    service.seed_person("Anders").await;
    let find = async |words: &str| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let path = format!("/api/v1/records?{}", query.append_pair("search", words).finish());
        let found = service.get(&path).await.json()["items"].clone();
        found.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for words in
        ["heide", "HEIDE jür", "von der", "JÜRGEN", "maschinenb stuttgart", "j.heide@", "0170 123", "+491701234567"]
    {
        assert_eq!(find(words).await, [person.as_str()], "{words}");
    }
    // Each word must stand in it; sources, field names and signs of patterns are none of its words.
    for words in ["heide ulm", "own_mail", "first_name", "h%e", "h_ide", "0170 999"] {
        assert_eq!(find(words).await, Vec::<String>::new(), "{words}");
    }
    assert_eq!(service.get("/api/v1/records?search=%20").await.code(), "invalid_parameter");
    let cookie = service.sign_in().await;
    let page = service.page("/records?q=heide", &cookie).await.text;
    assert!(page.contains(&person) && page.contains("1 gefunden.") | page.contains("1 found."), "{page}");
    let none = service.page("/records?q=heide&kind=fair", &cookie).await.text;
    assert!(!none.contains(&person), "{none}");
}

#[tokio::test]
async fn records_are_listed_page_by_page_without_gaps() {
    let service = Service::start().await;
    let mut made = Vec::new();
    for name in ["A", "B", "C"] {
        made.push(service.seed_person(name).await.to_string());
    }
    let (mut seen, mut path) = (Vec::new(), "/api/v1/records?limit=1".to_owned());
    loop {
        let page = service.get(&path).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/records?limit=1&after={next}");
    }
    made.sort();
    assert_eq!(seen, made);
}

#[tokio::test]
async fn dead_jobs_and_open_questions_are_listed_and_a_job_comes_back_once() {
    let service = Service::start().await;
    service.seed("von der Heide").await;
    let dead = service.get("/api/v1/jobs?state=dead").await.json();
    let id = dead["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(dead["items"][0]["code"], "panicked");
    let retry = async || {
        let request = service.request("POST", &format!("/api/v1/jobs/{id}/retry")).body(Body::empty());
        service.send(request.unwrap()).await
    };
    assert_eq!(retry().await.status, StatusCode::NO_CONTENT);
    assert_eq!(retry().await.code(), "conflict");
    assert_eq!(service.get("/api/v1/jobs?state=dead").await.json()["items"], json!([]));
    assert_eq!(service.get("/api/v1/jobs?state=alive").await.code(), "invalid_parameter");
    let reviews = service.get("/api/v1/reviews").await.json();
    assert_eq!((&reviews["items"][0]["question"], &reviews["next"]), (&json!("same_person"), &Value::Null));
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_ids_of_another_kind_are_no_ids() {
    let service = Service::start().await;
    let seeded = service.seed("von der Heide").await;
    let nobody = "rec_00000000000000000000000000000007";
    for path in [
        format!("/api/v1/records/{nobody}"),
        format!("/api/v1/records/{nobody}/timeline"),
        format!("/api/v1/records/{nobody}/links"),
        format!("/api/v1/records/{}", seeded.person.to_string().replace("rec_", "lnk_")),
        "/api/v1/leads/sig_00000000000000000000000000000007".to_owned(),
        "/api/v1/leads/sig_00000000000000000000000000000007/content".to_owned(),
        "/api/v1/imports/run_00000000000000000000000000000007/problems".to_owned(),
        "/api/v1/connections/con_00000000000000000000000000000007/links".to_owned(),
    ] {
        assert_eq!(service.get(&path).await.code(), "not_found", "{path}");
    }
}

#[tokio::test]
async fn a_question_is_answered_by_whoever_may_write_records() {
    let service = Service::start().await;
    let (known, asked) = (service.seed_person("Kranich").await, service.seed_person("Kranich-Specht").await);
    let review = service.question(asked, &[known]).await;
    let path = format!("/api/v1/reviews/{review}/answer");
    let said = service.post(&path, &json!({"answer": "perhaps"})).await;
    assert_eq!((said.code().as_str(), &said.json()["field"]), ("invalid_parameter", &json!("answer")));
    assert_eq!(service.post(&path, &json!({"answer": "noted"})).await.code(), "invalid_parameter");
    assert_eq!(service.post(&path, &json!({"answer": "same", "record": asked})).await.code(), "invalid_parameter");
    let nobody = format!("/api/v1/reviews/{}/answer", service.clock.id());
    assert_eq!(service.post(&nobody, &json!({"answer": "different"})).await.code(), "not_found");
    // The only candidate need not be named; what follows is a job for the worker.
    assert_eq!(service.post(&path, &json!({"answer": "same"})).await.status, 204);
    assert_eq!(service.post(&path, &json!({"answer": "different"})).await.code(), "conflict");
    let jobs = service.get("/api/v1/jobs").await.json();
    assert_eq!(jobs["items"][0]["topic"], "merge", "{jobs}");
    let decided = service.store.standing_decisions(review).await.unwrap().remove(0);
    assert_eq!((decided.record, decided.other, decided.verdict.as_str()), (known.0, asked.0, "same"));
}

#[tokio::test]
async fn a_person_is_restricted_and_that_is_lifted() {
    let service = Service::start().await;
    let person = service.seed_person("Kranich").await;
    let path = format!("/api/v1/records/{person}/restriction");
    let call =
        async |method: &str, path: &str| service.send(service.request(method, path).body(Body::empty()).unwrap()).await;
    let restricted =
        async || service.get(&format!("/api/v1/records/{person}")).await.json()["restricted_at"].is_string();
    assert!(!restricted().await);
    assert_eq!(
        (call("PUT", &path).await.status, call("PUT", &path).await.status),
        (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT)
    );
    assert!(restricted().await);
    let cookie = service.sign_in().await;
    assert!(service.page(&format!("/records/{person}"), &cookie).await.text.contains("Verarbeitung eingeschränkt"));
    assert_eq!(call("DELETE", &path).await.status, StatusCode::NO_CONTENT);
    assert!(!restricted().await);
    let nobody = "/api/v1/records/rec_00000000000000000000000000000007/restriction";
    assert_eq!(call("PUT", nobody).await.code(), "not_found");
    let trail = service.store.audit_entries(0, 9).await.unwrap();
    assert_eq!(trail.iter().map(|it| it.action.as_str()).collect::<Vec<_>>(), ["restrict", "lift_restriction"]);
}
