use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use mittler_api::access::{Scope, create_key};
use serde_json::json;

use crate::support::{LIST, Service, form};

async fn with_key(service: &Service, key: &str, method: &str, path: &str) -> (u16, String) {
    let request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {key}"));
    let request =
        request.header(header::CONTENT_TYPE, "application/json").body(Body::from("{\"email\":\"a@example.com\"}"));
    let answer = service.send(request.unwrap()).await;
    (answer.status.as_u16(), if answer.status.is_success() { String::new() } else { answer.code() })
}

#[tokio::test]
async fn without_a_key_or_session_nothing_of_the_api_answers() {
    let service = Service::start().await;
    for (method, path) in [
        ("POST", "/api/v1/leads"),
        ("POST", "/api/v1/imports"),
        ("POST", "/api/v1/replies"),
        ("GET", "/api/v1/records"),
        ("GET", "/api/v1/imports"),
        ("GET", "/api/v1/jobs"),
        ("GET", "/api/v1/keys"),
        ("GET", "/api/v1/sessions"),
        ("DELETE", "/api/v1/sessions/0190f5e2-b8d9-7c6f-8a52-c9f1f0a3d111"),
        ("GET", "/api/v1/connections"),
        ("GET", "/api/v1/reviews"),
        ("GET", "/api/v1/parked-hooks"),
        ("POST", "/api/v1/parked-hooks/retry"),
        ("POST", "/api/v1/reviews/0190f5e2-b8d9-7c6f-8a52-c9f1f0a3d111/answer"),
    ] {
        let answer = service.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "unauthenticated"), "{method} {path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    assert_eq!(with_key(&service, "mtl_wrong", "GET", "/api/v1/records").await.0, 401);
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_no_more() {
    let service = Service::start().await;
    let scoped = async |scope| create_key(&service.store, &service.clock, "x", &[scope]).await.unwrap().key;
    let (writes, reads) = (scoped(Scope::LeadsWrite).await, scoped(Scope::RecordsRead).await);
    let forbidden = (403, "forbidden".to_owned());
    assert_eq!(with_key(&service, &writes, "POST", "/api/v1/leads").await.0, 202);
    assert_eq!(with_key(&service, &writes, "GET", "/api/v1/records").await, forbidden);
    assert_eq!(with_key(&service, &reads, "GET", "/api/v1/records").await.0, 200);
    assert_eq!(with_key(&service, &reads, "POST", "/api/v1/leads").await, forbidden);
    assert_eq!(with_key(&service, &reads, "GET", "/api/v1/keys").await, forbidden);
    let job = "/api/v1/jobs/job_00000000000000000000000000000007/retry";
    assert_eq!(with_key(&service, &reads, "POST", job).await, forbidden);
    let records = scoped(Scope::RecordsWrite).await;
    assert_eq!(with_key(&service, &records, "POST", job).await, (409, "conflict".to_owned()));
}

#[tokio::test]
async fn a_key_is_shown_once_and_opens_nothing_once_revoked() {
    let service = Service::start().await;
    let made = service.post("/api/v1/keys", &json!({"label": "app", "scopes": ["records:read"]})).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let (id, key) = (made.json()["id"].as_str().unwrap().to_owned(), made.json()["key"].as_str().unwrap().to_owned());
    assert!(key.starts_with("mtl_") && key.len() == 4 + 43, "{}", key.len());
    assert_eq!(with_key(&service, &key, "GET", "/api/v1/records").await.0, 200);
    let list = service.get("/api/v1/keys").await;
    assert!(list.text.contains(&id) && !list.text.contains(&key));
    let revoked =
        service.send(service.request("DELETE", &format!("/api/v1/keys/{id}")).body(Body::empty()).unwrap()).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    assert_eq!(with_key(&service, &key, "GET", "/api/v1/records").await.0, 401);
    let bad = service.post("/api/v1/keys", &json!({"label": "app", "scopes": ["everything"]})).await;
    assert_eq!((bad.code().as_str(), bad.json()["field"].as_str()), ("invalid_parameter", Some("scopes")));
}

#[tokio::test]
async fn pages_need_a_session_and_a_link_opens_one_once() {
    let service = Service::start().await;
    let stranger = service.page("/", "").await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    assert!(stranger.text.contains("mittler keys link"));
    let link = mittler_api::access::one_time_link(&service.store, &service.clock).await.unwrap();
    // Mail programs and chats look at an address before a person does.
    for method in ["HEAD", "GET", "GET"] {
        let look = Request::builder().method(method).uri(&link).header(header::ACCEPT_LANGUAGE, "de");
        let seen = service.send(look.body(Body::empty()).unwrap()).await;
        assert_eq!((seen.status, seen.header("set-cookie")), (StatusCode::OK, ""), "{method}");
        assert!(method == "HEAD" || seen.text.contains(&format!("method=\"post\" action=\"{link}\"")), "{}", seen.text);
    }
    let open = async || service.send(Request::post(&link).body(Body::empty()).unwrap()).await;
    let first = open().await;
    assert_eq!((first.status, first.header("location")), (StatusCode::SEE_OTHER, "/"));
    let cookie = first.header("set-cookie").to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains("Secure"),
        "{cookie}"
    );
    assert_eq!(open().await.status, StatusCode::UNAUTHORIZED);
    let session = cookie.split(';').next().unwrap();
    assert_eq!(service.page("/", session).await.status, StatusCode::OK);
    service.clock.advance(std::time::Duration::from_hours(13));
    assert_eq!(service.page("/", session).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn whoever_may_everything_ends_the_session_of_another() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    let listed = service.get("/api/v1/sessions").await.json();
    assert_eq!((&listed["items"][0]["kind"], &listed["items"][1]), (&json!("session"), &json!(null)));
    let path = format!("/api/v1/sessions/{}", listed["items"][0]["id"].as_str().unwrap());
    let end = async || service.send(service.request("DELETE", &path).body(Body::empty()).unwrap()).await.status;
    assert_eq!(service.page("/", &cookie).await.status, StatusCode::OK);
    assert_eq!(end().await, StatusCode::NO_CONTENT);
    assert_eq!(service.page("/", &cookie).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(end().await, StatusCode::NOT_FOUND);
    let reads = create_key(&service.store, &service.clock, "x", &[Scope::RecordsRead]).await.unwrap().key;
    assert_eq!(with_key(&service, &reads, "GET", "/api/v1/sessions").await.0, 403);
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let service = Service::with(|settings| settings.public_url = "https://mittler.example.com".parse().unwrap()).await;
    let cookie = service.sign_in().await;
    assert!(cookie.starts_with("__Host-mittler="), "{cookie}");
    assert_eq!(service.page("/", &cookie).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_reads_the_api_but_writes_only_with_its_token() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    assert_eq!(service.page("/api/v1/imports", &cookie).await.status, StatusCode::OK);
    let page = service.page("/import", &cookie).await.text;
    let token = page.split("name=\"csrf\" content=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let (media_type, body) = form(LIST, &json!({"source": "x"}));
    let send = async |path: &str, token: &str| {
        let request = Request::post(path).header(header::COOKIE, &cookie).header(header::CONTENT_TYPE, media_type);
        service.send(request.header("x-csrf-token", token).body(Body::from(body.clone())).unwrap()).await
    };
    for path in ["/api/v1/imports", "/import/preview"] {
        assert_eq!(send(path, "").await.code(), "csrf", "{path}");
        assert_eq!(send(path, &"0".repeat(64)).await.code(), "csrf", "{path}");
        assert!(send(path, &token).await.status.is_success(), "{path}");
    }
    let leave = async |csrf: &str| {
        let request = Request::post("/logout").header(header::COOKIE, &cookie);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        service.send(request.body(Body::from(format!("csrf={csrf}"))).unwrap()).await.status
    };
    assert_eq!(leave("").await, StatusCode::FORBIDDEN);
    assert_eq!(leave("%FF").await, StatusCode::FORBIDDEN);
    let odd = Request::post("/logout").header(header::COOKIE, &cookie).header(header::CONTENT_TYPE, "text/plain");
    let odd = service.send(odd.body(Body::from("csrf")).unwrap()).await;
    assert!(odd.status.is_client_error() && odd.text.contains("<html"), "{odd:?}");
    assert_eq!(service.page("/", &cookie).await.status, StatusCode::OK);
    assert_eq!(leave(&token).await, StatusCode::SEE_OTHER);
    assert_eq!(service.page("/", &cookie).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn metrics_count_without_names_and_need_a_key_beyond_this_machine() {
    let service = Service::start().await;
    service.post("/api/v1/leads", &json!({"last_name": "Geheim", "email": "geheim@example.com"})).await;
    let open = service.send(Request::get("/metrics").body(Body::empty()).unwrap()).await;
    assert!(open.text.contains("mittler_signals{state=\"new\"} 1"), "{}", open.text);
    assert!(open.text.contains("mittler_jobs{state=\"ready\"} 1"));
    assert!(!open.text.to_lowercase().contains("geheim"));
    let wide = Service::with(|settings| settings.loopback = false).await;
    assert_eq!(wide.send(Request::get("/metrics").body(Body::empty()).unwrap()).await.status, 401);
    assert_eq!(wide.get("/metrics").await.status, 200);
    let scraper = create_key(&wide.store, &wide.clock, "prometheus", &[Scope::MetricsRead]).await.unwrap().key;
    assert_eq!(with_key(&wide, &scraper, "GET", "/metrics").await.0, 200);
    assert_eq!(with_key(&wide, &scraper, "GET", "/api/v1/records").await, (403, "forbidden".to_owned()));
    let reader = create_key(&wide.store, &wide.clock, "app", &[Scope::RecordsRead]).await.unwrap().key;
    assert_eq!(with_key(&wide, &reader, "GET", "/metrics").await, (403, "forbidden".to_owned()));
}
