//! A started sandbox, a connector to it, and short words for what the stories do.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use mittler_connector::{
    Connector, Key, Outcome, RemoteRecord, Result, RowResult, Write,
    http::{Auth, Call, Http, Pace, client},
};
use mittler_connector_hubspot::{HubSpot, Settings};
use mittler_core::{RemoteFields, Value};
use mittler_sandbox::{Config, Sandbox, Vendor, faults::FaultRule};
use reqwest::Method;
use secrecy::SecretString;
use uuid::Uuid;

pub struct Portal {
    pub sandbox: Sandbox,
    pub hubspot: HubSpot,
    pub http: Http,
    pub pace: Arc<Unpaced>,
    tags: AtomicU64,
}

struct Token(String);

#[async_trait]
impl Auth for Token {
    async fn token(&self) -> Result<SecretString> {
        Ok(self.0.clone().into())
    }

    async fn replace(&self, _rejected: &SecretString) -> Result<SecretString> {
        self.token().await
    }
}

/// Lets everything through and remembers what the headers said.
#[derive(Default)]
pub struct Unpaced {
    pub observed: Mutex<Vec<(u64, u64)>>,
}

#[async_trait]
impl Pace for Unpaced {
    async fn permit(&self, _cost: mittler_connector::Cost) -> Result<()> {
        Ok(())
    }

    fn observe(&self, usage: mittler_connector::Usage) {
        self.observed.lock().unwrap().push((usage.used, usage.allowed));
    }
}

impl Portal {
    /// A portal that has our property, and whose searches show everything at once.
    pub async fn open() -> Portal {
        Portal::with(|_| {}, |_| {}).await
    }

    pub async fn with(configure: impl FnOnce(&mut Config), set: impl FnOnce(&mut Settings)) -> Portal {
        let mut config = Config::default();
        config.hubspot.mittler_id = true;
        config.hubspot.search_lag_ms = 0;
        configure(&mut config);
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into(), config).await.unwrap();
        let access = sandbox.access().hubspot;
        let pace = Arc::new(Unpaced::default());
        let client = client(Duration::from_secs(10)).unwrap();
        let http =
            Http::new(client, Arc::new(Token(access.access_token)), pace.clone(), mittler_connector_hubspot::DIALECT);
        let mut settings = Settings { base_url: access.base_url, ..Settings::default() };
        set(&mut settings);
        Portal { hubspot: HubSpot::new(http.clone(), settings), sandbox, http, pace, tags: AtomicU64::new(1) }
    }

    pub fn tag(&self) -> Uuid {
        Uuid::from_u128(self.tags.fetch_add(1, Ordering::SeqCst).into())
    }

    pub fn create(&self, own_key: &str, fields: &[(&str, Value)]) -> Write {
        Write::Create { tag: self.tag(), own_key: own_key.into(), fields: some(fields), allow_duplicate: false }
    }

    pub fn update(&self, id: &str, fields: &[(&str, Value)]) -> Write {
        Write::Update { tag: self.tag(), id: id.into(), fields: some(fields) }
    }

    /// Pushes, and expects one outcome for each write in the order of the batch.
    pub async fn push(&self, remote_type: &str, batch: &[Write]) -> Vec<RowResult> {
        let outcomes: Vec<Outcome> = self.hubspot.push(remote_type, batch).await.unwrap();
        let tags = |outcome: &Outcome| outcome.tag;
        assert_eq!(outcomes.iter().map(tags).collect::<Vec<_>>(), batch.iter().map(Write::tag).collect::<Vec<_>>());
        outcomes.into_iter().map(|outcome| outcome.result).collect()
    }

    /// Creates one record and gives its id.
    pub async fn created(&self, remote_type: &str, own_key: &str, fields: &[(&str, Value)]) -> String {
        let results = self.push(remote_type, &[self.create(own_key, fields)]).await;
        id(&results[0])
    }

    pub async fn read(&self, remote_type: &str, keys: &[Key], fields: &[&str]) -> Vec<RemoteRecord> {
        let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
        self.hubspot.read(remote_type, keys, &fields).await.unwrap()
    }

    pub fn break_next(&self, kind: &str, call: &str) {
        let rule = serde_json::json!({"vendor": "hubspot", "kind": kind, "nth": 1, "calls": [call]});
        self.sandbox.faults().add(serde_json::from_value::<FaultRule>(rule).unwrap());
    }

    pub fn calls(&self, kind: &str) -> u64 {
        self.sandbox.calls().of(Vendor::Hubspot, kind)
    }

    /// A call that the connector never makes.
    pub async fn post(&self, path: &str, body: serde_json::Value) -> serde_json::Value {
        let url = format!("{}{path}", self.sandbox.access().hubspot.base_url);
        let answer = self.http.send(&Call::write(Method::POST, url, body)).await.unwrap();
        assert!(answer.status.is_success(), "{:?}", answer.json());
        answer.json().unwrap()
    }
}

pub fn text(text: &str) -> Value {
    Value::Text(text.into())
}

pub fn some(fields: &[(&str, Value)]) -> RemoteFields {
    fields.iter().map(|(name, value)| ((*name).to_owned(), Some(value.clone()))).collect()
}

#[track_caller]
pub fn id(result: &RowResult) -> String {
    match result {
        RowResult::Written { id, .. } => id.clone(),
        other => panic!("not written: {other:?}"),
    }
}
