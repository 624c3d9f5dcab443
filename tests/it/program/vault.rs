//! Tokens of several processes, of another key and of another grant.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Form, Json, Router, routing::post};
use futures_util::future::join_all;
use mittler_connector::{
    http::{Auth, Dialect, client},
    oauth::{Grant, TokenEndpoint},
};
use mittler_core::ConnectionId;
use mittler_store::{Clock, Store};
use mittler_sync::{Keys, vault::Vault};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

on_every_database!(the_first_tokens_are_fetched_once, what_is_configured_anew_counts);

/// A vendor whose refresh tokens are good once: the next is the last one with a prime.
struct Vendor {
    url: String,
    asked: Arc<AtomicUsize>,
    serving: tokio::task::JoinHandle<()>,
}

impl Vendor {
    async fn start() -> Vendor {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let answer = move |Form(form): Form<Value>| {
            count.fetch_add(1, Ordering::SeqCst);
            let spent = form["refresh_token"].as_str().unwrap_or_default().to_owned();
            async move {
                Json(json!({
                    "access_token": format!("access by {spent}"), "refresh_token": format!("{spent}'"),
                    "token_type": "bearer", "expires_in": 1800,
                }))
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let router = Router::new().route("/token", post(answer));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Vendor { url, asked, serving }
    }

    /// A process that is configured with this refresh token and key.
    fn process(&self, store: &Store, connection: ConnectionId, key: u8, refresh_token: &str) -> Arc<Vault> {
        let grant = Grant::RefreshToken {
            client_id: "app".into(),
            client_secret: None,
            refresh_token: refresh_token.to_owned().into(),
        };
        let client = client(Duration::from_secs(60)).unwrap();
        let keys = Keys::derive(&[key; 32]);
        let endpoint = TokenEndpoint { url: self.url.clone(), dialect: Dialect::STANDARD };
        Vault::new(store.clone(), Clock::default(), &keys, client, connection, endpoint, grant)
    }
}

async fn token(vault: &Vault) -> String {
    vault.token().await.unwrap().expose_secret().to_owned()
}

async fn the_first_tokens_are_fetched_once(store: Store) {
    let vendor = Vendor::start().await;
    let connection = ConnectionId(uuid::Uuid::new_v4());
    let processes: Vec<_> = (0..8).map(|_| vendor.process(&store, connection, 1, "given")).collect();
    let tokens = join_all(processes.iter().map(|process| token(process))).await;
    assert!(tokens.iter().all(|token| token == "access by given"), "{tokens:?}");
    assert_eq!(vendor.asked.load(Ordering::SeqCst), 1, "a refresh token that is good once was spent twice");
    vendor.serving.abort();
}

async fn what_is_configured_anew_counts(store: Store) {
    let vendor = Vendor::start().await;
    let connection = ConnectionId(uuid::Uuid::new_v4());
    let process = |key: u8, given: &str| vendor.process(&store, connection, key, given);
    let first = process(1, "given");
    assert_eq!(token(&first).await, "access by given");
    let next = first.replace(&"access by given".to_owned().into()).await.unwrap();
    assert_eq!(next.expose_secret(), "access by given'");
    // After a restart the vendor's latest token is the one that counts, not the one in the file.
    assert_eq!(token(&process(1, "given")).await, "access by given'");
    // Another token, or another key: what is stored is of no use.
    assert_eq!(token(&process(1, "renewed")).await, "access by renewed");
    assert_eq!(token(&process(2, "renewed")).await, "access by renewed");
    assert_eq!(vendor.asked.load(Ordering::SeqCst), 4);
    vendor.serving.abort();
}
