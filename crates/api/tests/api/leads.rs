use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::support::Service;

fn lead(number: usize) -> Value {
    json!({"first_name": "Jürgen", "last_name": format!("Heide {number}"), "email": format!("j{number}@example.com")})
}

#[tokio::test]
async fn one_lead_is_kept_with_its_job_before_the_answer() {
    let service = Service::start().await;
    let answer = service.post("/api/v1/leads?source=app&fair=Hannover%20Messe", &lead(1)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let id = answer.json()["leads"][0]["id"].as_str().unwrap().to_owned();
    let kept = service.get(&format!("/api/v1/leads/{id}")).await.json();
    assert_eq!((kept["state"].as_str(), kept["kind"].as_str()), (Some("new"), Some("lead")));
    let content = service.get(&format!("/api/v1/leads/{id}/content")).await;
    assert_eq!(content.json(), lead(1));
    assert_eq!(service.store.job_counts(service.clock.now()).await.unwrap().ready, 1);
    let run = service.get(&format!("/api/v1/imports/{}", kept["run"].as_str().unwrap())).await.json();
    let said = json!({"source": "app", "source_kind": "form", "default_country": "DE", "time_zone": "Europe/Berlin",
        "fair": {"name": "Hannover Messe", "organiser": null, "place": null, "starts": null, "ends": null}, "layout": null});
    assert_eq!(run["params"], said);
    assert_eq!(run["state"], "open");
}

#[tokio::test]
async fn the_same_lead_twice_is_one_and_another_source_makes_it_another() {
    let service = Service::start().await;
    let first = service.post("/api/v1/leads", &lead(1)).await.json();
    let again = service.post("/api/v1/leads", &lead(1)).await.json();
    assert_eq!(first["leads"][0]["id"], again["leads"][0]["id"]);
    assert_eq!((&first["leads"][0]["known"], &again["leads"][0]["known"]), (&json!(false), &json!(true)));
    let other = service.post("/api/v1/leads?source=other", &lead(1)).await.json();
    assert_eq!(other["leads"][0]["known"], false);
}

#[tokio::test]
async fn a_thousand_leads_come_in_one_call_and_one_more_does_not() {
    let service = Service::start().await;
    let mut leads: Vec<Value> = (0..999).map(lead).collect();
    leads.push(lead(0));
    let answer = service.post("/api/v1/leads", &json!({"leads": leads})).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let answer = answer.json();
    let accepted = answer["leads"].as_array().unwrap();
    assert_eq!(accepted.len(), 1_000);
    assert_eq!(accepted[0]["id"], accepted[999]["id"]);
    assert_eq!(accepted.iter().filter(|one| one["known"] == true).count(), 1);
    // 999 inputs, a hundred to a job.
    assert_eq!(service.store.job_counts(service.clock.now()).await.unwrap().ready, 10);
    leads.push(lead(1_001));
    let refused = service.post("/api/v1/leads", &json!(leads)).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, "unreadable".into()));
    assert_eq!(refused.json()["cause"], "too_many");
}

#[tokio::test]
async fn what_cannot_be_taken_is_a_problem_with_a_stable_code() {
    let service = Service::with(|settings| settings.body_limit = 1_000).await;
    let send = async |media_type: &str, path: &str, body: &str| {
        let request = service.request("POST", path).header(header::CONTENT_TYPE, media_type);
        let answer = service.send(request.body(Body::from(body.to_owned())).unwrap()).await;
        (answer.status.as_u16(), answer.code(), answer.json()["cause"].as_str().unwrap_or_default().to_owned())
    };
    let case = |status: u16, code: &str, cause: &str| (status, code.to_owned(), cause.to_owned());
    let leads = "/api/v1/leads";
    assert_eq!(send("text/plain", leads, "{}").await, case(415, "wrong_type", ""));
    assert_eq!(send("application/json", leads, "{\"a\":").await, case(422, "unreadable", "not_json"));
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(send("application/json", leads, &deep).await, case(422, "unreadable", "json_too_deep"));
    assert_eq!(send("application/json", "/api/v1/keys", "{\"colour\": 1}").await, case(422, "unknown_member", ""));
    assert_eq!(send("application/json", leads, "").await, case(422, "unreadable", "empty"));
    assert_eq!(send("application/json", leads, "[]").await, case(422, "unreadable", "empty"));
    assert_eq!(send("application/json", leads, "7").await, case(422, "unreadable", "not_an_object"));
    assert_eq!(send("application/json", leads, &"x".repeat(1_001)).await, case(413, "too_large", ""));
    let zone = "/api/v1/leads?time_zone=Mars/Olympus";
    assert_eq!(send("application/json", zone, "{\"a\":\"b\"}").await, case(422, "invalid_parameter", ""));
    let flag = "/api/v1/leads?stand_scan=maybe";
    assert_eq!(send("application/json", flag, "{\"a\":\"b\"}").await, case(422, "invalid_parameter", ""));
    assert_eq!(send("text/plain", "/api/v1/replies", "x").await, case(415, "wrong_type", ""));
    assert_eq!(send("message/rfc822", "/api/v1/replies", "   ").await, case(422, "unreadable", "empty"));
    assert_eq!(send("message/rfc822", "/api/v1/nothing", "").await, case(404, "not_found", ""));
    assert_eq!(send("application/json", "/api/v1/leads/sig_7", "").await, case(405, "method_not_allowed", ""));
    assert_eq!(send("text/plain", "/api/v1/keys", "").await, case(415, "wrong_type", ""));
    assert_eq!(send("application/json", "/api/v1/keys", "{").await, case(422, "not_json", ""));
    assert_eq!(send("application/json", "/api/v1/jobs/job_7/retry", "").await, case(404, "not_found", ""));
    assert_eq!(service.get("/api/v1/imports?limit=0").await.code(), "invalid_parameter");
    assert_eq!(service.get("/api/v1/imports?after=x").await.code(), "invalid_parameter");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_503_with_retry_after() {
    let service = Service::start().await;
    service.store.close().await;
    let answer = service.get("/api/v1/imports").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable".into()));
    assert_eq!(answer.header("retry-after"), "5");
    let ready = service.send(Request::get("/health/ready").body(Body::empty()).unwrap()).await;
    assert_eq!((ready.status.as_u16(), ready.header("retry-after")), (503, "5"));
    let live = service.send(Request::get("/health/live").body(Body::empty()).unwrap()).await;
    assert_eq!(live.status, StatusCode::OK);
}

#[tokio::test]
async fn a_repeated_call_is_given_the_first_answer_and_another_body_is_refused() {
    let service = Service::start().await;
    let send = async |body: Value| {
        let request = service.request("POST", "/api/v1/leads").header("idempotency-key", "abc");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        service.send(request.body(Body::from(body.to_string())).unwrap()).await
    };
    let first = send(lead(1)).await;
    let again = send(lead(1)).await;
    assert_eq!((again.status, again.json()), (first.status, first.json()));
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    assert_eq!(again.json()["leads"][0]["known"], false);
    let other = send(lead(2)).await;
    assert_eq!((other.status.as_u16(), other.code().as_str()), (422, "idempotency_mismatch"));
}

#[tokio::test]
async fn a_mailbox_is_taken_apart_and_a_mail_is_one_input() {
    let service = Service::start().await;
    let mail = "From: Anna <anna@example.com>\r\nSubject: Danke\r\nMessage-ID: <1@x>\r\n\r\nHallo\r\n";
    let mailbox = format!(
        "From a@b Tue Apr 21 08:42:07 2026\n{}\nFrom a@b Tue Apr 21 08:43:07 2026\n{}",
        mail.replace("\r\n", "\n"),
        mail.replace("\r\n", "\n").replace("<1@x>", "<2@x>")
    );
    let send = async |media_type: &str, body: String| {
        let request = service.request("POST", "/api/v1/replies").header(header::CONTENT_TYPE, media_type);
        service.send(request.body(Body::from(body)).unwrap()).await.json()
    };
    let one = send("message/rfc822", mail.to_owned()).await;
    assert_eq!((&one["rows"], &one["new"]), (&json!(1), &json!(1)));
    assert_eq!(send("message/rfc822", mail.to_owned()).await["known"], 1);
    let two = send("application/mbox", mailbox.clone()).await;
    assert_eq!((&two["rows"], &two["new"]), (&json!(2), &json!(2)));
    let again = send("application/mbox", mailbox).await;
    assert_eq!((&again["run"], &again["known"]), (&two["run"], &json!(2)));
    let run = service.get(&format!("/api/v1/imports/{}", two["run"].as_str().unwrap())).await.json();
    assert_eq!((&run["kind"], &run["counts"]["waiting"]), (&json!("mails"), &json!(2)));
}
