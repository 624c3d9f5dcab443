//! Bodies on their way in, and who may call from where.

use std::{io::Write, net::SocketAddr, time::Duration};

use axum::{
    body::Body,
    http::{Request, header},
};
use mittler_api::{Settings, router};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::Service;

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn leads(service: &Service, packing: &str, body: Vec<u8>) -> Request<Body> {
    let request = service.request("POST", "/api/v1/leads").header(header::CONTENT_TYPE, "application/json");
    request.header(header::CONTENT_ENCODING, packing).body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn a_body_may_be_packed_with_gzip_and_is_measured_by_what_it_unpacks_to() {
    let service = Service::with(|settings| settings.body_limit = 100_000).await;
    let lead = json!({"email": "anna@example.com"}).to_string().into_bytes();
    let answer = service.send(leads(&service, "gzip", packed(&lead))).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = answer.json()["leads"][0]["id"].as_str().unwrap().to_owned();
    let plain = service.post("/api/v1/leads", &json!({"email": "anna@example.com"})).await.json();
    assert_eq!(
        (plain["leads"][0]["id"].as_str(), plain["leads"][0]["known"].as_bool()),
        (Some(id.as_str()), Some(true))
    );

    let bomb = packed(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < 100_000);
    assert_eq!(service.send(leads(&service, "gzip", bomb)).await.code(), "too_large");
    assert_eq!(service.send(leads(&service, "gzip", b"no gzip".to_vec())).await.code(), "unreadable");
    let other = service.send(leads(&service, "br", lead)).await;
    assert_eq!(
        (other.status.as_u16(), other.code(), other.header("accept-encoding")),
        (415, "wrong_encoding".into(), "gzip")
    );
}

#[tokio::test]
async fn bodies_in_memory_are_bounded_and_their_place_is_given_back() {
    let service = Service::with(|settings| settings.in_flight_limit = 10_000).await;
    let large = json!({"email": "anna@example.com", "note": "x".repeat(20_000)});
    for _ in 0..2 {
        let answer = service.post("/api/v1/leads", &large).await;
        assert_eq!((answer.code().as_str(), answer.status.as_u16(), answer.header("retry-after")), ("busy", 503, "5"));
    }
    assert_eq!(service.post("/api/v1/leads", &json!({"email": "anna@example.com"})).await.status, 202);
}

#[tokio::test]
async fn at_a_loopback_address_only_its_own_names_are_answered() {
    let set = |settings: &mut Settings| settings.public_url = "https://mittler.example.com".parse().unwrap();
    let service = Service::with(set).await;
    let call = async |host: &str| {
        let request = service.request("GET", "/api/v1/imports").header(header::HOST, host);
        service.send(request.body(Body::empty()).unwrap()).await
    };
    for ours in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "mittler.example.com"] {
        let answer = call(ours).await;
        assert_eq!(answer.status, 200, "{ours}");
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
    }
    for theirs in ["rebound.example.net", "localhost.example.net:8080", "10.0.0.1", "127.0.0.1@evil.example"] {
        assert_eq!(call(theirs).await.code(), "wrong_host", "{theirs}");
    }
}

async fn serve(service: &Service) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = router(service.app.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn answered(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut text)).await.unwrap().unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_refused_before_the_body_was_read_still_gets_the_answer() {
    let service = Service::start().await;
    let mut stream = TcpStream::connect(serve(&service).await).await.unwrap();
    let size = 20_000_000;
    let head = format!(
        "POST /api/v1/leads HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {size}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Like most programs: all of it is sent before the answer is looked for.
    stream.write_all(&vec![b' '; size]).await.unwrap();
    assert!(answered(&mut stream).await.starts_with("HTTP/1.1 401"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let service = Service::with(|settings| settings.body_idle = Duration::from_millis(200)).await;
    let mut stream = TcpStream::connect(serve(&service).await).await.unwrap();
    let head = format!(
        "POST /api/v1/leads HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {}\r\nContent-Length: 100\r\n\r\n{{",
        service.key
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = answered(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("too_slow"), "{answer}");
}

#[tokio::test]
async fn wrong_keys_and_links_are_counted() {
    let service = Service::start().await;
    let wrong = Request::get("/api/v1/imports").header(header::AUTHORIZATION, "Bearer mtl_wrong");
    assert_eq!(service.send(wrong.body(Body::empty()).unwrap()).await.status, 401);
    assert_eq!(service.send(Request::post("/login/wrong").body(Body::empty()).unwrap()).await.status, 401);
    // To come with nothing is no attempt.
    assert_eq!(service.send(Request::get("/api/v1/imports").body(Body::empty()).unwrap()).await.status, 401);
    assert!(service.get("/metrics").await.text.contains("\nmittler_refused_logins_total 2\n"));
}
