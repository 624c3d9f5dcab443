//! The pages with something on them, for looking at: prints a one-time link and serves.
//!
//! `cargo run -p mittler-api --example pages -- 127.0.0.1:8080`
#![allow(clippy::unwrap_used, reason = "shares its making with the tests")]

#[path = "../tests/api/seed.rs"]
mod seed;
#[path = "../tests/api/support.rs"]
mod support;

use serde_json::json;

#[tokio::main]
async fn main() {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let service = support::Service::start().await;
    let seeded = service.seed("von der Heide").await;
    let params =
        json!({"source": "hm26", "label": "hannover-messe-tag-1.csv", "fair": {"name": "Hannover Messe 2026"}});
    let run = service.upload("/api/v1/imports", support::LIST, &params).await.json()["run"].clone();
    let run: mittler_core::RunId = run.as_str().unwrap_or_default().parse().expect("the id of a run");
    service.read_inputs(run.0).await;
    let link = mittler_api::access::one_time_link(&service.store, &service.clock).await.expect("a link");
    println!("http://{listen}{link}\n/records/{}\n/import/{run}\n/waiting/{}", seeded.person, seeded.hubspot);
    let listener = tokio::net::TcpListener::bind(&listen).await.expect("an address that is free");
    axum::serve(listener, mittler_api::router(service.app.clone())).await.expect("the server");
}
