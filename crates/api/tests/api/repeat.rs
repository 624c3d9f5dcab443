//! What is done again: refused and lost records by a person, calls by their senders.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use futures_util::FutureExt;
use mittler_core::LinkId;
use mittler_store::{connections::ConnectionState, links::link_id};
use serde_json::{Value, json};

use crate::support::{Answer, Service};

async fn repeat(service: &Service, path: &str) -> Answer {
    service.send(service.request("POST", path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn what_a_crm_refused_is_done_again_when_somebody_asks_for_it() {
    let service = Service::start().await;
    let seeded = service.seed("von der Heide").await;
    let (link, told) = (link_id(seeded.hubspot, seeded.person), service.store.due_signal(seeded.hubspot));
    let again = repeat(&service, &format!("/api/v1/links/{link}/retry")).await;
    assert_eq!((again.status, again.json()), (StatusCode::ACCEPTED, json!({"links": 1})));
    assert!(told.notified().now_or_never().is_some(), "and its pusher is told");
    let links = service.get(&format!("/api/v1/connections/{}/links", seeded.hubspot)).await.json();
    assert_eq!((&links["items"][0]["state"], &links["items"][0]["code"]), (&json!("waiting"), &Value::Null));
    assert_eq!(repeat(&service, "/api/v1/links/lnk_00000000000000000000000000000007/retry").await.code(), "not_found");
    assert_eq!(repeat(&service, "/api/v1/links/x/retry").await.code(), "not_found");
}

#[tokio::test]
async fn a_connection_does_again_what_it_held_or_lost_and_what_is_gone_is_made_anew() {
    let service = Service::start().await;
    let seeded = service.seed("von der Heide").await;
    let link: LinkId = link_id(seeded.salesforce, seeded.person);
    service.store.write(async move |tx| tx.mark_gone(&[link]).await).await.unwrap();
    let path = format!("/api/v1/connections/{}/retry", seeded.salesforce);
    let (id, until) = (seeded.salesforce, service.clock.now().plus(std::time::Duration::from_mins(9)));
    let pause = async move |tx: &mut mittler_store::Tx| {
        tx.set_connection_state(id, ConnectionState::Waiting, Some("daily"), None, until).await
    };
    service.store.write(pause).await.unwrap();
    let again = repeat(&service, &path).await.json();
    assert_eq!((&again["links"], &again["lifted"]["code"]), (&json!(1), &json!("daily")), "{again}");
    let again = repeat(&service, &path).await.json();
    assert_eq!(again, json!({"links": 0, "waited": 0}), "there is nothing left to lift");
    let links = service.get(&format!("/api/v1/records/{}/links", seeded.person)).await.json();
    let lead = links["items"].as_array().unwrap().iter().find(|link| link["remote_type"] == "Lead").unwrap();
    assert_eq!((&lead["state"], &lead["remote_id"], &lead["held"]), (&json!("waiting"), &Value::Null, &json!({})));
    assert_eq!(
        repeat(&service, "/api/v1/connections/con_00000000000000000000000000000007/retry").await.code(),
        "not_found"
    );
    // Refused and gone links alone: what is well stays as it is.
    let none = service
        .store
        .write(async move |tx| tx.retry_links(mittler_core::ConnectionId(uuid::Uuid::nil()), None).await)
        .await;
    assert_eq!(none.unwrap(), 0);
}

#[tokio::test]
async fn the_waiting_page_has_buttons_that_need_the_session_and_its_word() {
    let service = Service::start().await;
    let (cookie, seeded) = (service.sign_in().await, service.seed("von der Heide").await);
    let waiting = format!("/waiting/{}", seeded.hubspot);
    let page = service.page(&waiting, &cookie).await.text;
    let token = page.split("name=\"csrf\" content=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let one = format!("/links/{}/retry", link_id(seeded.hubspot, seeded.person));
    let all = format!("{waiting}/retry");
    for path in [&one, &all] {
        assert!(page.contains(&format!("action=\"{path}\"")), "{path}");
        let press = async |cookie: &str, csrf: &str| {
            let request = Request::post(path.as_str()).header(header::COOKIE, cookie);
            let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            service.send(request.body(Body::from(format!("csrf={csrf}"))).unwrap()).await
        };
        assert_eq!(press("", &token).await.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(press(&cookie, "").await.status, StatusCode::FORBIDDEN, "{path}");
        let done = press(&cookie, &token).await;
        assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, waiting.as_str()), "{path}");
    }
    let link = service.store.link_lines(seeded.person).await.unwrap();
    assert!(link.iter().any(|link| link.state.name() == "open" && link.wanted > link.done), "{link:?}");
}

#[tokio::test]
async fn of_two_calls_at_once_with_one_key_one_is_done() {
    let service = Service::start().await;
    let send = async |body: &Value| {
        let request = service.request("POST", "/api/v1/leads").header("idempotency-key", "abc");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        service.send(request.body(Body::from(body.to_string())).unwrap()).await
    };
    let [first, second] = [1, 2].map(|n| json!({"last_name": "Heide", "email": format!("j{n}@example.com")}));
    let answers = futures_util::future::join_all([&first, &second, &first, &second].map(&send)).await;
    let taken: Vec<&Answer> = answers.iter().filter(|answer| answer.status == StatusCode::ACCEPTED).collect();
    assert!(!taken.is_empty());
    assert!(taken.iter().all(|answer| answer.json() == taken[0].json()), "{answers:?}");
    let counts = service.store.signal_counts(mittler_core::Time(0)).await.unwrap();
    assert_eq!(counts, [("new".to_owned(), 1)], "one body was taken");
    for refused in answers.iter().filter(|answer| answer.status != StatusCode::ACCEPTED) {
        match refused.status.as_u16() {
            409 => {
                assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("idempotency_in_flight", "1"));
            }
            422 => assert_eq!(refused.code(), "idempotency_mismatch"),
            other => panic!("{other}: {refused:?}"),
        }
    }
}

#[tokio::test]
async fn a_call_that_is_still_at_work_asks_to_come_again_and_one_that_was_refused_may_be_corrected() {
    let service = Service::start().await;
    let send = async |body: &str| {
        let request = service.request("POST", "/api/v1/leads").header("idempotency-key", "abc");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        service.send(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    assert_eq!(send("{\"last_name\":").await.code(), "unreadable");
    assert_eq!(send("{\"last_name\":\"Heide\"}").await.status, StatusCode::ACCEPTED, "the key was given back");
    assert_eq!(send("{\"last_name\":\"Heidi\"}").await.code(), "idempotency_mismatch");
}

#[tokio::test]
async fn a_parameter_that_is_mistyped_or_says_too_little_is_named() {
    let service = Service::start().await;
    let blamed = async |path: &str| {
        let answer = service.post(path, &json!({"last_name": "Heide"})).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "invalid_parameter"), "{path}");
        answer.json()["field"].as_str().unwrap().to_owned()
    };
    assert_eq!(blamed("/api/v1/leads?sorce=app").await, "sorce");
    assert_eq!(blamed("/api/v1/leads?stand_scan=maybe").await, "stand_scan");
    assert_eq!(blamed("/api/v1/leads?fair_starts=2026-04-20").await, "fair_starts");
    assert_eq!(blamed("/api/v1/leads?fair_place=Hannover").await, "fair_place");
    let mail = service.request("POST", "/api/v1/replies?sorce=x").header(header::CONTENT_TYPE, "message/rfc822");
    let answer = service.send(mail.body(Body::from("From: a@example.com\r\n\r\nHallo")).unwrap()).await;
    assert_eq!((answer.code().as_str(), answer.json()["field"].as_str()), ("invalid_parameter", Some("sorce")));
}

#[tokio::test]
async fn an_address_that_is_no_text_names_nothing() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    for path in ["/api/v1/records/%FF", "/api/v1/imports/%C3%28", "/hooks/%FF"] {
        let method = if path.starts_with("/hooks") { "POST" } else { "GET" };
        let answer = service.send(service.request(method, path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.code(), "not_found", "{path}");
    }
    for path in ["/records/%FF", "/import/%FF", "/waiting/%FF", "/login/%FF"] {
        let page = service.page(path, &cookie).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (StatusCode::NOT_FOUND, "text/html; charset=utf-8"),
            "{path}"
        );
    }
}

/// Who has the database alone cannot try out what a body said.
#[tokio::test]
async fn what_is_kept_of_a_repeatable_call_cannot_be_made_without_the_key() {
    let service = Service::start().await;
    let made = mittler_api::access::create_key(
        &service.store,
        &service.clock,
        "form",
        &[mittler_api::access::Scope::LeadsWrite],
    )
    .await
    .unwrap();
    let lead = json!({"last_name": "Kranich", "email": "anna@kranichwerk.example"}).to_string();
    let request = Request::post("/api/v1/leads")
        .header(header::AUTHORIZATION, format!("Bearer {}", made.key))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", "anna@kranichwerk.example");
    assert_eq!(service.send(request.body(Body::from(lead)).unwrap()).await.status, StatusCode::ACCEPTED);
    let parts: [&[u8]; 4] = [b"idempotency", made.id.as_bytes(), b"leads", b"anna@kranichwerk.example"];
    let (key, fingerprint, now) = (mittler_store::derived_id(&parts), service.clock.id(), service.clock.now());
    let reserved = service
        .store
        .write(async move |tx| {
            tx.reserve_answer(key, fingerprint, now, now.minus(std::time::Duration::from_secs(60))).await
        })
        .await
        .unwrap();
    assert!(
        matches!(reserved, mittler_store::access::Reserved::Ours),
        "the key was kept by a hash that anybody can make"
    );
}
