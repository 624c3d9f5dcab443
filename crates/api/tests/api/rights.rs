use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use mittler_api::access::{self, Scope};
use serde_json::json;

use crate::{
    seed::HOSTILE,
    support::{Answer, Service},
};

const ADDRESS: &str = "j.heide@heide-maschinenbau.example";

/// A form of a page, sent with the word that only our pages know.
async fn submit(service: &Service, path: &str, cookie: &str, page: &Answer, more: &str) -> Answer {
    let csrf = page.text.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let request = Request::post(path)
        .header(header::COOKIE, cookie)
        .header(header::ACCEPT_LANGUAGE, "de")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    service.send(request.body(Body::from(format!("csrf={csrf}{more}"))).unwrap()).await
}

async fn with_key(service: &Service, scope: Scope, method: &str, path: &str) -> Answer {
    let key = access::create_key(&service.store, &service.clock, "one", &[scope]).await.unwrap().key;
    let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
    service.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_person_is_given_all_that_is_held_by_id_and_by_address() {
    let service = Service::start().await;
    let person = service.seed("von der Heide").await.person;
    let path = format!("/api/v1/records/{person}/export");
    let given = service.get(&path).await;
    assert_eq!(given.status, StatusCode::OK, "{given:?}");
    let json = given.json();
    assert_eq!((&json["person"], json["recipients"].as_array().unwrap().len()), (&json!(person), 2), "{json}");
    assert_eq!(json["recipients"][0]["writes"][0]["outcome"].as_str().map(str::is_empty), Some(false), "{json}");
    let by = service.post("/api/v1/people/export", &json!({ "person": ADDRESS })).await;
    assert_eq!(by.json()["statements"], json["statements"]);
    let page = service.get(&format!("{path}?format=html&lang=de")).await;
    assert!(page.text.contains("Auskunft über gespeicherte Daten") && page.text.contains("Geschäftsführer"));
    assert!(page.header("content-security-policy").contains("style-src 'sha256-"), "{page:?}");
    assert!(service.get(&format!("{path}?format=html&lang=en")).await.text.contains("Information on stored data"));
    assert_eq!(service.get(&format!("{path}?format=pdf")).await.json()["field"], "format");
    assert_eq!(service.get(&format!("{path}?lang=fr")).await.json()["field"], "lang");
    let nobody = service.post("/api/v1/people/export", &json!({ "person": "nobody@example.com" })).await;
    assert_eq!(nobody.code(), "not_found");
    assert_eq!(service.post("/api/v1/people/export", &json!({ "person": "Heide" })).await.json()["field"], "person");
    assert_eq!(with_key(&service, Scope::LeadsWrite, "GET", &path).await.code(), "forbidden");
    assert_eq!(with_key(&service, Scope::RecordsRead, "GET", &path).await.status, 200);
    let trail = service.store.audit_entries(0, 99).await.unwrap();
    assert_eq!(trail.iter().filter(|entry| entry.action == "export").count(), 5, "each time it was given");
}

#[tokio::test]
async fn what_a_lead_wrote_is_text_in_an_export() {
    let service = Service::start().await;
    let person = service.seed(HOSTILE).await.person;
    let page = service.get(&format!("/api/v1/records/{person}/export?format=html")).await;
    assert!(!page.text.contains("<script>alert") && !page.text.contains("<img src=x"));
    assert!(page.text.contains("&lt;script&gt;alert(1)"));
}

#[tokio::test]
async fn a_person_is_forgotten_by_whoever_may_do_everything() {
    let service = Service::start().await;
    let person = service.seed("von der Heide").await.person;
    let path = format!("/api/v1/records/{person}/forget");
    for scope in [Scope::RecordsWrite, Scope::RecordsRead] {
        assert_eq!(with_key(&service, scope, "POST", &path).await.code(), "forbidden");
    }
    let preview = service.post(&format!("{path}?dry_run=true"), &json!({})).await;
    assert_eq!(preview.status, StatusCode::OK, "{preview:?}");
    assert_eq!(service.get(&format!("/api/v1/records/{person}")).await.status, 200, "a dry run removes nothing");
    let done = service.post("/api/v1/people/forget", &json!({ "person": ADDRESS })).await;
    let (done, preview) = (done.json(), preview.json());
    assert_eq!((&done["record"], &done["known_at"]), (&json!(person), &preview["known_at"]), "{done}");
    assert!(done["removed"].as_array().unwrap().iter().any(|one| one["table"] == "statement" && one["rows"] == 3));
    assert_eq!(service.get(&format!("/api/v1/records/{person}")).await.code(), "not_found");
    assert_eq!(service.post(&path, &json!({})).await.code(), "not_found");
    let stranger = service.post("/api/v1/people/forget", &json!({ "person": "+49 711 5550900" })).await.json();
    assert_eq!((&stranger["record"], &stranger["addresses_kept_out"]), (&json!(null), &json!(0)), "{stranger}");
}

#[tokio::test]
async fn a_restriction_takes_a_reason_of_some_length() {
    let service = Service::start().await;
    let person = service.seed_person("Kranich").await;
    let path = format!("/api/v1/records/{person}/restriction");
    let put = async |body: &str| {
        let request = service.request("PUT", &path).header("content-type", "application/json");
        service.send(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    assert_eq!(put(&json!({ "reason": "x".repeat(501) }).to_string()).await.json()["field"], "reason");
    assert_eq!(put(r#"{"why": "x"}"#).await.code(), "unknown_member");
    assert_eq!(put(r#"{"reason": "disputes the address"}"#).await.status, 204);
    let cookie = service.sign_in().await;
    assert!(service.page(&format!("/records/{person}"), &cookie).await.text.contains("disputes the address"));
    assert_eq!(put("null").await.status, 204, "it is restricted already");
}

#[tokio::test]
async fn the_page_restricts_lifts_and_forgets_after_it_has_shown_what_goes() {
    let service = Service::start().await;
    let (cookie, person) = (service.sign_in().await, service.seed("von der Heide").await.person);
    let path = format!("/records/{person}");
    let page = service.page(&path, &cookie).await;
    assert!(page.text.contains("Auskunft (Art. 15)") && page.text.contains("Vergessen (Art. 17)"));
    assert_eq!(
        submit(&service, &format!("{path}/restrict"), &cookie, &page, "&reason=Brief+vom+12.5.").await.status,
        303
    );
    let page = service.page(&path, &cookie).await;
    assert!(page.text.contains("Brief vom 12.5.") && page.text.contains("Einschränkung aufheben"));
    assert_eq!(submit(&service, &format!("{path}/lift"), &cookie, &page, "").await.status, 303);
    assert!(service.page(&path, &cookie).await.text.contains("Verarbeitung einschränken"));
    let asked = service.page(&format!("{path}/forget"), &cookie).await;
    assert!(asked.text.contains("lässt sich nicht zurücknehmen") && asked.text.contains("Aussagen"), "{}", asked.text);
    assert_eq!(service.page(&path, &cookie).await.status, 200, "asking removes nothing");
    let forged = Request::post(format!("{path}/forget")).header(header::COOKIE, &cookie);
    let forged = forged.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    assert_eq!(service.send(forged.body(Body::from("csrf=x")).unwrap()).await.status, StatusCode::FORBIDDEN);
    let done = submit(&service, &format!("{path}/forget"), &cookie, &asked, "").await;
    assert!(done.status == 200 && done.text.contains("Entfernt wurde"), "{done:?}");
    assert_eq!(service.page(&path, &cookie).await.status, 404);
}
