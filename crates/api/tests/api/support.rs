//! A service on a fresh SQLite file, and calls to it.
#![allow(dead_code, reason = "the stories and the example each use a part")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use mittler_api::{
    App, Settings,
    access::{self, Scope},
    router,
};
use mittler_core::{SignalId, Time};
use mittler_enrich::Context;
use mittler_ingest::Ingest;
use mittler_intake::{csv, json};
use mittler_store::{
    Clock, Gatherer, Store,
    retention::Retention,
    signals::{Read, SignalState},
};
use mittler_sync::{
    Keys, Rights,
    hooks::{HookReceiver, HookReply, RawHook},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;
use uuid::Uuid;

/// Takes every hook whose secret is `right`, and keeps it.
#[derive(Default)]
pub struct Hooks(pub Mutex<Vec<RawHook>>);

#[async_trait]
impl HookReceiver for Hooks {
    async fn receive(&self, connection: &str, secret: &str, hook: RawHook, _now: Time) -> HookReply {
        let reply = |status, body: &str| HookReply { status, content_type: None, body: body.into() };
        if connection == "broken" {
            return reply(503, "");
        }
        if secret != "right" {
            return reply(401, "");
        }
        self.0.lock().unwrap().push(hook);
        HookReply { status: 200, content_type: Some("text/xml"), body: "<ok/>".into() }
    }

    async fn repeat(&self, _now: Time) -> mittler_store::Result<u64> {
        Ok(3)
    }
}

pub struct Service {
    pub store: Store,
    pub clock: Clock,
    pub ingest: Ingest,
    pub hooks: Arc<Hooks>,
    pub app: App,
    router: Router,
    /// A key that may do everything.
    pub key: String,
    _folder: TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        problem["code"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Service {
    pub async fn start() -> Service {
        Service::with(|_| ()).await
    }

    pub async fn with(set: impl FnOnce(&mut Settings)) -> Service {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("mittler.db").display())).await.unwrap();
        let clock = Clock::default();
        let gatherer = Gatherer::start(store.clone(), clock.clone(), || ());
        let ingest = Ingest::new(store.clone(), gatherer, clock.clone(), [7; 32], || ());
        let mut settings = Settings::new("http://127.0.0.1:8080".parse().unwrap());
        set(&mut settings);
        let hooks = Arc::new(Hooks::default());
        let rights = Rights {
            store: store.clone(),
            clock: clock.clone(),
            keys: Keys::derive(&[7; 32]),
            retention: Retention::default(),
            country: "DE".into(),
        };
        let app = App::new(rights, ingest.clone(), settings, hooks.clone());
        let key = access::create_key(&store, &clock, "tests", &[Scope::Admin]).await.unwrap().key;
        Service { router: router(app.clone()), store, clock, ingest, hooks, app, key, _folder: folder }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {}", self.key))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.request("POST", path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn upload(&self, path: &str, file: &[u8], params: &Value) -> Answer {
        self.send(self.upload_request(path, file, params)).await
    }

    pub fn upload_request(&self, path: &str, file: &[u8], params: &Value) -> Request<Body> {
        let (media_type, body) = form(file, params);
        self.request("POST", path).header(header::CONTENT_TYPE, media_type).body(Body::from(body)).unwrap()
    }

    /// Opens the pages; gives the session's cookie.
    pub async fn sign_in(&self) -> String {
        let link = access::one_time_link(&self.store, &self.clock).await.unwrap();
        let answer = self.send(Request::post(link).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 303);
        answer.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    pub async fn page(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, cookie).header(header::ACCEPT_LANGUAGE, "de-DE,de");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Reads what waits, as the worker would, but makes no records.
    pub async fn read_inputs(&self, run: Uuid) {
        let lines = self.store.run_lines(run.into(), false, (i64::MIN, Uuid::nil()), 10_000).await.unwrap();
        let new: Vec<SignalId> =
            lines.iter().filter(|line| line.state.name() == "new").map(|line| line.id.into()).collect();
        let unread = self.store.unread(&new).await.unwrap();
        let now = self.clock.now();
        let read: Vec<Read> = unread.iter().map(|signal| read_one(signal, now)).collect();
        self.store
            .write(async move |tx| {
                tx.settle_signals(&read).await?;
                tx.finish_runs(now).await
            })
            .await
            .unwrap();
    }
}

fn read_one(signal: &mittler_store::signals::Unread, now: Time) -> Read {
    let content = signal.content.as_deref().unwrap_or_default();
    let params = &signal.params.0;
    let text = |name: &str| params[name].as_str().unwrap_or_default().to_owned();
    let raw = match signal.kind.as_str() {
        "lead_row" => {
            let layout: csv::Layout = serde_json::from_value(params["layout"].clone()).unwrap();
            csv::read_row(&layout, content)
        }
        _ => json::open(content).and_then(|leads| json::read(&leads[0])),
    };
    let ctx = Context {
        source: text("source"),
        default_country: text("default_country"),
        time_zone: text("time_zone"),
        fair: params["fair"]["name"].as_str().map(str::to_owned),
        received_at: now,
    };
    let problem = raw.and_then(|raw| mittler_enrich::read_lead(&raw, &ctx)).err();
    Read {
        id: signal.id,
        state: if problem.is_some() { SignalState::Refused } else { SignalState::Done },
        code: problem.as_ref().map(|problem| problem.code.clone()),
        field: problem.as_ref().and_then(|problem| problem.field.clone()),
        reason: problem.map(|problem| problem.reason),
        remarks: json!([]),
        record: None,
    }
}

/// A form as a browser sends it.
pub fn form(file: &[u8], params: &Value) -> (&'static str, Vec<u8>) {
    let mut body = Vec::new();
    body.extend_from_slice(b"--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"messe.csv\"\r\nContent-Type: text/csv\r\n\r\n");
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--frontier\r\nContent-Disposition: form-data; name=\"params\"\r\n\r\n");
    body.extend_from_slice(params.to_string().as_bytes());
    body.extend_from_slice(b"\r\n--frontier--\r\n");
    ("multipart/form-data; boundary=frontier", body)
}

/// A list with a formula, a phone number, an umlaut in Windows-1252 and a row too short.
pub const LIST: &[u8] = b"Vorname;Nachname;E-Mail;Telefon;Firma;Bemerkung\r\n\
    J\xfcrgen;von der Heide;j.heide@example.com;+49 711 123456-7;Heide GmbH;ruft an\r\n\
    Anna;Muster;;0711 99887;M\xfcller & Sohn KG;=HYPERLINK(\"http://evil\")\r\n\
    ;;;+49 711 55555;Ohne Namen AG;=1+1\r\n\
    kaputt;eine;Spalte;zu;viel;in;der Zeile\r\n";
