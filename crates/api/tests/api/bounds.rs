//! What an answer, a value and a caller who has left may take.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use mittler_core::RunId;
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use crate::support::{Answer, Service, form};

fn params() -> Value {
    json!({"source": "hm26"})
}

/// A list with rows of every sort, and many that are refused.
fn list(refused: usize) -> String {
    let mut list = "Vorname;Nachname;E-Mail;Telefon\r\nEva;Krüger;eva@a.example;\r\nUwe;Lang;uwe@b.example;\r\n\
        Eva;Krüger;eva@a.example;\r\n;;;\r\nVorname;Nachname;E-Mail;Telefon\r\n"
        .to_owned();
    list.extend((0..refused).map(|row| format!(";;;0711 {row:06}\r\n")));
    list + ";;;0711 000001\r\nIda;Bär;ida@c.example;\r\n"
}

async fn dry_run_csv(service: &Service, list: &str) -> Answer {
    let mut request = service.upload_request("/api/v1/imports?dry_run=true", list.as_bytes(), &params());
    request.headers_mut().insert(header::ACCEPT, "text/csv".parse().unwrap());
    service.send(request).await
}

fn lines(answer: &Value, sort: &str) -> Vec<u64> {
    answer[sort].as_array().unwrap().iter().map(|row| row["line"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_dry_run_shows_the_first_rows_of_each_sort_and_counts_all() {
    let service = Service::start().await;
    let list = list(1_000);
    let run = service.upload("/api/v1/imports?dry_run=true", list.as_bytes(), &params()).await;
    let run = run.json();
    let counts = json!({"rows": 1_007, "known": 0, "repeated": 2, "waiting": 0, "taken": 3, "skipped": 2,
        "refused": 1_000, "parked": 0});
    assert_eq!((&run["counts"], &run["cut"]), (&counts, &json!(true)));
    assert_eq!(lines(&run, "problems"), (7..207).collect::<Vec<_>>());
    assert_eq!((lines(&run, "skipped"), lines(&run, "repeated")), (vec![5, 6], vec![4, 1_007]));
    assert_eq!(run["repeated"][0]["code"], "row_repeated");

    // A file has all of them, and is the one that the import gives.
    let file = dry_run_csv(&service, &list).await;
    assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, "text/csv; charset=utf-8"));
    assert!(file.header("content-disposition").contains("problems.csv"));
    assert_eq!(file.text.lines().count(), 1_001);
    assert!(service.get("/api/v1/imports").await.json()["items"].as_array().unwrap().is_empty(), "nothing is kept");
    let imported = service.upload("/api/v1/imports", list.as_bytes(), &params()).await.json();
    let id = imported["run"].as_str().unwrap();
    assert_eq!((&imported["new"], &imported["known"], &imported["repeated"]), (&json!(1_005), &json!(0), &json!(2)));
    service.read_inputs(id.parse::<RunId>().unwrap().0).await;
    let problems = service.get(&format!("/api/v1/imports/{id}/problems.csv")).await.text;
    let rows = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    let (dry, real) = (rows(&file.text), rows(&problems));
    // The stand-in for the worker refuses what is skipped, too.
    let real: Vec<String> =
        real.into_iter().filter(|row| !row.contains(";blank;") && !row.contains("_repeated;")).collect();
    assert_eq!(dry, real);

    // The same list once more brings nothing, and says so before it is imported.
    let again = service.upload("/api/v1/imports?dry_run=true", list.as_bytes(), &params()).await.json();
    assert_eq!((&again["counts"]["known"], &again["counts"]["repeated"]), (&json!(1_005), &json!(2)));
    assert_eq!((&again["counts"]["taken"], again["known"].as_array().unwrap().len()), (&json!(0), 200));
    assert_eq!(dry_run_csv(&service, &list).await.text.lines().count(), 1, "the heading alone");
}

#[tokio::test]
async fn the_page_shows_the_first_rows_too_and_leads_to_the_file() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    let page = service.page("/import", &cookie).await.text;
    let csrf = page.split("name=\"csrf\" content=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let (media_type, body) = form(list(300).as_bytes(), &params());
    let request = Request::post("/import/preview").header(header::COOKIE, &cookie).header("x-csrf-token", csrf);
    let request = request.header(header::CONTENT_TYPE, media_type).header(header::ACCEPT_LANGUAGE, "de");
    let preview = service.send(request.body(Body::from(body)).unwrap()).await.text;
    assert!(
        preview.contains("Zeilen, die nicht übernommen würden: 300") && preview.contains("100 weitere"),
        "{preview}"
    );
    assert!(preview.contains("data-problems") && preview.matches("weder Name noch E-Mail").count() < 210, "{preview}");
}

#[tokio::test]
async fn a_list_of_which_nothing_is_refused_gives_a_file_without_rows_and_one_that_is_none_a_problem() {
    let service = Service::start().await;
    let file = dry_run_csv(&service, "Vorname;Nachname\r\nEva;Krüger\r\n").await;
    assert_eq!((file.status, file.text.lines().count()), (StatusCode::OK, 1));
    assert_eq!(dry_run_csv(&service, "").await.code(), "unreadable");
}

#[tokio::test]
async fn a_value_that_is_too_long_costs_its_lead_or_row_alone() {
    let service = Service::start().await;
    let long = "x".repeat(32 * 1024 + 1);
    let one = service.post("/api/v1/leads", &json!({"email": "a@a.example", "note": long})).await;
    assert_eq!((one.code().as_str(), one.json()["cause"].as_str()), ("unreadable", Some("value_too_long")));
    assert_eq!(one.json()["field"], "note");
    let leads = json!([{"email": "a@a.example", "note": long}, {"email": "b@b.example", "note": "kurz"}]);
    let accepted = service.post("/api/v1/leads", &leads).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{accepted:?}");
    let ids: Vec<String> = accepted.json()["leads"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lead| lead["id"].as_str().unwrap().to_owned())
        .collect();
    let lead = async |at: usize| service.get(&format!("/api/v1/leads/{}", ids[at])).await.json();
    let run = lead(0).await["run"].as_str().unwrap().parse::<RunId>().unwrap();
    service.read_inputs(run.0).await;
    let (refused, taken) = (lead(0).await, lead(1).await);
    assert_eq!(
        (&refused["state"], &refused["code"], &taken["state"]),
        (&json!("refused"), &json!("value_too_long"), &json!("done"))
    );

    let list = format!("Vorname;Nachname;Bemerkung\r\nEva;Krüger;{long}\r\nUwe;Lang;kurz\r\n");
    let run = service.upload("/api/v1/imports?dry_run=true", list.as_bytes(), &params()).await.json();
    assert_eq!((&run["counts"]["taken"], &run["counts"]["refused"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&run["problems"][0]["code"], &run["problems"][0]["field"]),
        (&json!("value_too_long"), &json!("Bemerkung"))
    );
}

async fn serve(service: &Service) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = mittler_api::router(service.app.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn metric(service: &Service, name: &str) -> u64 {
    let text = service.get("/metrics").await.text;
    let values: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once(' ')).collect();
    values[name].parse().unwrap()
}

/// Sends an upload whole; whoever drops the connection leaves without waiting for the answer.
async fn sent(service: &Service, address: SocketAddr, path: &str, accept: &str, list: &str) -> TcpStream {
    let (media_type, body) = form(list.as_bytes(), &params());
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nAccept: {accept}\r\n\
         Content-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
        service.key,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_for_a_caller_who_has_left_is_ended_and_keeps_nothing() {
    let service = Service::start().await;
    let address = serve(&service).await;
    let large = list(60_000);
    for (path, accept) in [
        ("/api/v1/imports?dry_run=true", "application/json"),
        ("/api/v1/imports?dry_run=true", "text/csv"),
        ("/api/v1/imports", "application/json"),
    ] {
        let before = metric(&service, "mittler_abandoned_calls_total").await;
        // For who leaves at once no work is begun. Each leaves a little later, until one leaves the work behind.
        let mut stays = Duration::ZERO;
        while metric(&service, "mittler_abandoned_calls_total").await == before {
            assert!(stays < Duration::from_secs(2), "the work for {path} ({accept}) went on");
            let stream = sent(&service, address, path, accept, &large).await;
            tokio::time::sleep(stays).await;
            drop(stream);
            tokio::time::sleep(Duration::from_millis(400)).await;
            stays += Duration::from_millis(20);
        }
    }
    assert!(service.get("/api/v1/imports").await.json()["items"].as_array().unwrap().is_empty());
    // Who stays is answered.
    let run = service.upload("/api/v1/imports?dry_run=true", list(1_000).as_bytes(), &params()).await.json();
    assert_eq!(run["counts"]["refused"], 1_000);
}
