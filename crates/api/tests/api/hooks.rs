use axum::{
    body::Body,
    http::{Request, StatusCode},
};

use crate::support::{Answer, Service};

async fn hook(service: &Service, path: &str, body: &str) -> Answer {
    let request = Request::post(path).header("host", "evil.example").header("X-Signature", "abc");
    service.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_hook_reaches_the_receiver_as_it_came_and_its_answer_goes_back() {
    let service = Service::start().await;
    let answer = hook(&service, "/hooks/sales/right?x=1", "<a>ü</a>").await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "<ok/>"));
    assert_eq!(answer.header("content-type"), "text/xml");
    let seen = service.hooks.0.lock().unwrap();
    assert_eq!(seen[0].uri, "http://127.0.0.1:8080/hooks/sales/right?x=1");
    assert_eq!((seen[0].method.as_str(), seen[0].path_secret.as_str()), ("POST", "right"));
    assert_eq!((seen[0].header("x-signature"), &*seen[0].body), (Some("abc"), "<a>ü</a>".as_bytes()));
}

#[tokio::test]
async fn what_is_not_authentic_gets_an_empty_401_and_a_fault_of_ours_503() {
    let service = Service::start().await;
    for path in ["/hooks/sales/wrong", "/hooks/sales"] {
        let answer = hook(&service, path, "{}").await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::UNAUTHORIZED, ""), "{path}");
    }
    let broken = hook(&service, "/hooks/broken/right", "{}").await;
    assert_eq!((broken.status, broken.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
    let large = hook(&service, "/hooks/sales/right", &"x".repeat(1024 * 1024 + 1)).await;
    assert_eq!((large.status, large.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
    assert!(service.hooks.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn events_of_an_account_without_a_connection_are_shown_and_taken_when_somebody_asks() {
    let service = Service::start().await;
    let now = service.clock.now();
    let parked = mittler_store::parked::ParkedHook {
        erased: 0,
        id: service.clock.id(),
        crm: "hubspot".into(),
        account: "62516".into(),
        remote_type: "contacts".into(),
        remote_id: "7".into(),
        event: "1".into(),
        event_at: now.0,
        parked_at: now.0,
        code: "no_connection_of_account".into(),
    };
    service.store.write(async move |tx| tx.park_hooks(std::slice::from_ref(&parked)).await).await.unwrap();
    let listed = service.get("/api/v1/parked-hooks").await.json();
    let one = &listed["items"][0];
    assert_eq!((&one["account"], &one["count"]), (&serde_json::json!("62516"), &serde_json::json!(1)), "{listed}");
    let cookie = service.sign_in().await;
    let today = service.page("/", &cookie).await.text;
    assert!(today.contains("62516") && today.contains("dieses Konto ist hier nicht verbunden"), "{today}");
    let taken = service.post("/api/v1/parked-hooks/retry", &serde_json::json!({})).await;
    assert_eq!((taken.status.as_u16(), taken.json()), (202, serde_json::json!({"events": 3})));
}
