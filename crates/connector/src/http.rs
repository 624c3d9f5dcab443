//! The one HTTP client: authorisation, pacing, timeouts, no redirects, and the split of failures
//! into "nothing happened" and "unknown".

use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::Instant;

use crate::{Cost, Error, Result, Usage};

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
    /// Waits until a call of this cost may go. Fails instead of waiting longer than a little.
    async fn permit(&self, cost: Cost) -> Result<()>;

    /// What an answer said about the calls left, for self-throttling.
    fn observe(&self, usage: Usage);
}

/// What the one client must know of a vendor to send a call and to ask for a token.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// Where a call carries its token.
    pub scheme: AuthScheme,
    /// What a call costs that names no cost of its own.
    pub cost: Cost,
    /// Whether an answer says that the token is no good. The call did nothing then.
    pub token_rejected: fn(&Answer) -> bool,
    /// What an answer says about the calls left.
    pub usage: fn(&Answer) -> Option<Usage>,
    /// What an error of the token endpoint (status, body) means where RFC 6749 (5.2) does not say it.
    pub token_error: fn(u16, &Value) -> Option<Error>,
}

impl Dialect {
    /// OAuth 2 as its RFCs (6749, 6750) say, with no limits.
    pub const STANDARD: Dialect = Dialect {
        scheme: AuthScheme::Header { name: "authorization", prefix: "Bearer " },
        cost: &[],
        token_rejected: |answer| answer.status == StatusCode::UNAUTHORIZED,
        usage: |_| None,
        token_error: |_, _| None,
    };
}

/// Where a call carries its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthScheme {
    /// In a header, behind a prefix: `Authorization: Bearer …`, `x-api-token: …`.
    Header { name: &'static str, prefix: &'static str },
    /// In the JSON body, at this pointer (RFC 6901), which the connector's body must have.
    Body { pointer: &'static str },
}

/// The client for one connection.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    auth: Arc<dyn Auth>,
    pace: Arc<dyn Pace>,
    dialect: Dialect,
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
    /// `None`: the dialect's.
    pub cost: Option<Cost>,
    pub effect: Effect,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
}

impl Call {
    pub fn read(method: Method, url: impl Into<String>) -> Call {
        Call { method, url: url.into(), cost: None, effect: Effect::Read, headers: Vec::new(), body: None }
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
    pub fn cost(mut self, cost: Cost) -> Call {
        self.cost = Some(cost);
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
    pub fn new(client: reqwest::Client, auth: Arc<dyn Auth>, pace: Arc<dyn Pace>, dialect: Dialect) -> Http {
        Http { client, auth, pace, dialect }
    }

    /// Sends the call with a valid token. An answer of any status is `Ok`, but for a token that
    /// is rejected twice. A rejected token is refreshed once and the call repeated: the CRM did nothing.
    pub async fn send(&self, call: &Call) -> Result<Answer> {
        let token = self.auth.token().await.map_err(not_sent)?;
        let answer = self.once(call, &token).await?;
        if !(self.dialect.token_rejected)(&answer) {
            return Ok(answer);
        }
        let fresh = self.auth.replace(&token).await.map_err(not_sent)?;
        let answer = self.once(call, &fresh).await?;
        if (self.dialect.token_rejected)(&answer) {
            return Err(Error::Reauthorise { code: "token_rejected_twice".into() });
        }
        Ok(answer)
    }

    async fn once(&self, call: &Call, token: &SecretString) -> Result<Answer> {
        self.pace.permit(call.cost.unwrap_or(self.dialect.cost)).await?;
        let failed = |error: reqwest::Error| classify(&error, call.effect);
        let request = self.request(call, token)?;
        // Here, since all that was waited for before - a permit, a token, the machine itself - may have taken long.
        if call.effect == Effect::Write && LATEST.try_with(|latest| Instant::now() > *latest).unwrap_or(false) {
            return Err(Error::Unavailable { code: "too_late".into(), retry_after: Some(Duration::ZERO) });
        }
        let mut response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(unusable(call.effect, "answer_too_large"));
            }
            body.extend_from_slice(&chunk);
        }
        let answer = Answer { status, headers, body: body.into() };
        if let Some(usage) = (self.dialect.usage)(&answer) {
            self.pace.observe(usage);
        }
        Ok(answer)
    }

    /// The request of a call with its token where the vendor looks for it.
    fn request(&self, call: &Call, token: &SecretString) -> Result<reqwest::RequestBuilder> {
        let mut request = self.client.request(call.method.clone(), &call.url);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        match self.dialect.scheme {
            AuthScheme::Header { name, prefix } => {
                let mut value = HeaderValue::from_str(&format!("{prefix}{}", token.expose_secret()))
                    .map_err(|_| Error::Reauthorise { code: "token_with_control_characters".into() })?;
                value.set_sensitive(true);
                request = request.header(name, value);
                if let Some(body) = &call.body {
                    request = request.json(body);
                }
            }
            AuthScheme::Body { pointer } => {
                let mut body = call.body.clone().unwrap_or_default();
                let place = body.pointer_mut(pointer);
                let place =
                    place.ok_or_else(|| Error::Protocol { detail: format!("no place {pointer} for the token") })?;
                *place = Value::from(token.expose_secret());
                request = request.json(&body);
            }
        }
        Ok(request)
    }
}

tokio::task_local! {
    /// After this moment no write is begun.
    static LATEST: Instant;
}

/// Runs calls of which none that writes is begun after `latest`: what such a call did could not be known any more by
/// whoever looks for it. One that would be is [`Error::Unavailable`]: nothing was sent.
pub async fn begun_before<F: Future>(latest: Instant, calls: F) -> F::Output {
    LATEST.scope(latest, calls).await
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
