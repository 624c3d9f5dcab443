use axum::{body::Body, http::StatusCode};
use mittler_api::access::{self, Scope};
use serde_json::{Value, json};

use crate::support::{Answer, Service};

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

/// Edits a person; gives the answer.
async fn patch(service: &Service, path: &str, tag: Option<&str>, body: &Value) -> Answer {
    let mut request = service.request("PATCH", path).header("content-type", "application/merge-patch+json");
    if let Some(tag) = tag {
        request = request.header("if-match", tag);
    }
    service.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_record_is_edited_as_it_was_read_and_in_no_other_state() {
    let service = Service::start().await;
    let person = service.seed("von der Heide").await.person;
    let path = format!("/api/v1/records/{person}");
    let tag = service.get(&path).await.header("etag").to_owned();
    assert_eq!(tag, "\"1\"");
    let body = json!({ "position": "Prokurist", "company": null,
        "emails": ["j.heide@heide-maschinenbau.example", { "value": "heide@privat.example", "label": "private" }] });
    assert_eq!(patch(&service, &path, None, &body).await.code(), "precondition_required");
    let edited = patch(&service, &path, Some(&tag), &body).await;
    assert_eq!((edited.status, edited.header("etag")), (StatusCode::OK, "\"2\""), "{edited:?}");
    let fields = &edited.json()["fields"];
    let position = &fields["position"][0];
    assert_eq!((&position["value"], &position["source"]["kind"]), (&json!("Prokurist"), &json!("person")));
    assert!(fields["company"].is_null() && position["source"]["name"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    assert_eq!((&fields["emails"][1]["label"], &fields["emails"][0]["primary"]), (&json!("private"), &json!(true)));
    assert_eq!(service.get(&path).await.json(), edited.json());
    // Sent again it is so already; anything else has to be read first.
    assert_eq!(patch(&service, &path, Some(&tag), &body).await.header("etag"), "\"2\"");
    let late = patch(&service, &path, Some(&tag), &json!({ "city": "Ulm" })).await;
    assert_eq!((late.status.as_u16(), late.code().as_str()), (412, "precondition_failed"));
    let gone = service.request("DELETE", &format!("{path}/fields/position")).header("if-match", "\"2\"");
    let gone = service.send(gone.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (gone.header("etag"), &gone.json()["fields"]["position"][0]["value"]),
        ("\"3\"", &json!("Geschäftsführer"))
    );
}

#[tokio::test]
async fn an_edit_that_cannot_be_names_the_field_and_needs_the_scope() {
    let service = Service::start().await;
    let person = service.seed("von der Heide").await.person;
    let other = service.seed_person("Kranich").await;
    let path = format!("/api/v1/records/{person}");
    for (body, code, field, cause) in [
        (json!({ "emails": ["j.heide"] }), "invalid_parameter", "emails", json!("email_invalid")),
        (json!({ "no_such_field": "x" }), "invalid_parameter", "no_such_field", json!("field_not_editable")),
        (json!({ "city": ["Ulm", "Aalen"] }), "invalid_parameter", "city", json!("only_one_value")),
        (json!({ "city": { "name": "Ulm" } }), "wrong_member", "city", json!(null)),
        (json!({ "phones": [{ "value": "0711 1", "label": "home" }] }), "wrong_member", "phones", json!(null)),
    ] {
        let answer = patch(&service, &path, Some("\"1\""), &body).await;
        assert_eq!(answer.code(), code, "{body}: {answer:?}");
        let problem = answer.json();
        assert_eq!((&problem["field"], &problem["cause"]), (&json!(field), &cause), "{problem}");
    }
    let body = json!({ "emails": ["j.heide@heide-maschinenbau.example"] });
    let taken = patch(&service, &format!("/api/v1/records/{other}"), Some("\"1\""), &body).await;
    assert_eq!((taken.status.as_u16(), taken.code().as_str()), (409, "conflict"));
    assert!(taken.json()["detail"].as_str().unwrap().contains(&person.to_string()), "{}", taken.text);
    assert_eq!(patch(&service, &path, Some("7"), &json!({})).await.code(), "invalid_parameter");
    let nobody = "/api/v1/records/rec_00000000000000000000000000000007";
    assert_eq!(patch(&service, nobody, Some("\"1\""), &json!({ "city": "Ulm" })).await.code(), "not_found");
    for half in [Scope::RecordsRead, Scope::RecordsWrite] {
        let key = access::create_key(&service.store, &service.clock, "half", &[half]).await.unwrap().key;
        let request = axum::http::Request::patch(&path).header("authorization", format!("Bearer {key}"));
        let request = request.header("content-type", "application/json").header("if-match", "\"1\"");
        assert_eq!(service.send(request.body(Body::from("{}")).unwrap()).await.code(), "forbidden", "{half:?}");
    }
    assert_eq!(service.get(&path).await.header("etag"), "\"1\"", "nothing of all that was kept");
}
