//! The one HTTP client: authorisation, pacing, timeouts, no redirects, and the split of failures
//! into "nothing happened" and "unknown".

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::{Method, StatusCode, header::HeaderMap};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::{Error, Result};

/// Hands out access tokens; refreshes them once for all tasks and processes.
#[async_trait]
pub trait Auth: Send + Sync {
    async fn token(&self) -> Result<SecretString>;

    /// The CRM said that this token is no good; returns a fresh one. Asked by many at once it
    /// still refreshes once.
    async fn replace(&self, rejected: &SecretString) -> Result<SecretString>;
}

/// Lets calls through within the account's budgets.
#[async_trait]
pub trait Pace: Send + Sync {
    /// Waits until a call of this bucket may go. Fails instead of waiting longer than a little.
    async fn permit(&self, bucket: &'static str) -> Result<()>;

    /// What the vendor's headers say about the calls left (used, allowed), for self-throttling.
    fn observe(&self, used: u64, allowed: u64);
}

/// The client for one connection.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    auth: Arc<dyn Auth>,
    pace: Arc<dyn Pace>,
    refuses_token: fn(&Answer) -> bool,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

/// Whether repeating the call can do harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Reads only: any failure means that nothing happened.
    Read,
    /// Writes: a lost answer means that nobody knows.
    Write,
}

/// One request of a connector.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub url: String,
    pub bucket: &'static str,
    pub effect: Effect,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
}

impl Call {
    pub fn read(method: Method, url: impl Into<String>) -> Call {
        Call { method, url: url.into(), bucket: "burst", effect: Effect::Read, headers: Vec::new(), body: None }
    }

    pub fn write(method: Method, url: impl Into<String>, body: Value) -> Call {
        Call { effect: Effect::Write, body: Some(body), ..Call::read(method, url) }
    }

    #[must_use]
    pub fn body(mut self, body: Value) -> Call {
        self.body = Some(body);
        self
    }

    #[must_use]
    pub fn bucket(mut self, bucket: &'static str) -> Call {
        self.bucket = bucket;
        self
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Call {
        self.headers.push((name, value.into()));
        self
    }
}

/// An answer of the CRM with its body read.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Retry-After` in seconds, up to an hour: whoever asks for more is asked again by then.
    pub fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(|seconds: u64| Duration::from_secs(seconds.min(HOUR)))
    }
}

/// In seconds.
const HOUR: u64 = 3_600;
const CONNECT: Duration = Duration::from_secs(5);
/// Largest answer that is read: the vendors' pages are well below.
const LARGEST: usize = 64 * 1024 * 1024;

/// The client under all connectors: rustls, no redirects (a token must not follow one), no proxy
/// from the environment, and a limit on every wait.
///
/// # Errors
/// If the TLS provider cannot be set up.
pub fn client(timeout: Duration) -> reqwest::Result<reqwest::Client> {
    _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .read_timeout(timeout)
        .timeout(timeout)
        .pool_idle_timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("mittler/", env!("CARGO_PKG_VERSION")))
        .build()
}

impl Http {
    pub fn new(client: reqwest::Client, auth: Arc<dyn Auth>, pace: Arc<dyn Pace>) -> Http {
        Http { client, auth, pace, refuses_token: |_| false }
    }

    /// By what else than 401 the CRM refuses a token: some of its resources answer 403 in its place.
    #[must_use]
    pub fn refusing_tokens_by(mut self, refuses_token: fn(&Answer) -> bool) -> Http {
        self.refuses_token = refuses_token;
        self
    }

    /// Sends the call with a valid token. An answer of any status is `Ok`, but for a token that
    /// is rejected twice. A rejected token is refreshed once and the call repeated: the CRM did nothing.
    pub async fn send(&self, call: &Call) -> Result<Answer> {
        let token = self.auth.token().await.map_err(not_sent)?;
        let answer = self.once(call, &token).await?;
        if !self.is_refused(&answer) {
            return Ok(answer);
        }
        let fresh = self.auth.replace(&token).await.map_err(not_sent)?;
        let answer = self.once(call, &fresh).await?;
        if self.is_refused(&answer) {
            return Err(Error::Reauthorise { code: "token_rejected_twice".into() });
        }
        Ok(answer)
    }

    fn is_refused(&self, answer: &Answer) -> bool {
        answer.status == StatusCode::UNAUTHORIZED || (self.refuses_token)(answer)
    }

    async fn once(&self, call: &Call, token: &SecretString) -> Result<Answer> {
        self.pace.permit(call.bucket).await?;
        let mut request = self.client.request(call.method.clone(), &call.url).bearer_auth(token.expose_secret());
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let failed = |error: reqwest::Error| classify(&error, call.effect);
        let mut response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(unusable(call.effect, "answer_too_large"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body: body.into() })
    }

    pub fn pace(&self) -> &dyn Pace {
        &*self.pace
    }
}

/// Whatever became of a new token: the call that needed it never left.
fn not_sent(error: Error) -> Error {
    match error {
        Error::Unknown { code } => Error::Unavailable { code, retry_after: None },
        other => other,
    }
}

/// Not connected means that nothing happened; everything after that is unknown for a write.
fn classify(error: &reqwest::Error, effect: Effect) -> Error {
    let code = if error.is_connect() {
        "not_connected"
    } else if error.is_timeout() {
        "timeout"
    } else {
        "connection_lost"
    };
    if error.is_timeout() && !error.is_connect() && effect == Effect::Read {
        return Error::TooBroad { code: code.into() };
    }
    if error.is_connect() || error.is_builder() || effect == Effect::Read {
        return Error::Unavailable { code: code.into(), retry_after: None };
    }
    Error::Unknown { code: code.into() }
}

/// The error for an answer that is of no use: unknown for a write, unavailable for a read.
pub fn unusable(effect: Effect, code: &str) -> Error {
    match effect {
        Effect::Read => Error::Unavailable { code: code.into(), retry_after: None },
        Effect::Write => Error::Unknown { code: code.into() },
    }
}
