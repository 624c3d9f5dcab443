//! Who calls, and what they may: API keys for programs, one-time links and sessions for people.
//!
//! **Invariant:** keys, links and session tokens are 256 random bits, shown once and kept as their
//! SHA-256 only. Looking one up by its hash tells an attacker's clock nothing.

pub(crate) mod refusals;

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header, request::Parts},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mittler_core::Time;
use mittler_store::{Clock, Store, access::ApiKey};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::{App, problem::Problem};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    LeadsWrite,
    RecordsRead,
    RecordsWrite,
    /// The metrics, and nothing else.
    MetricsRead,
    /// Everything, also keys.
    Admin,
}

impl Scope {
    pub const ALL: [Scope; 5] =
        [Scope::LeadsWrite, Scope::RecordsRead, Scope::RecordsWrite, Scope::MetricsRead, Scope::Admin];

    pub fn name(self) -> &'static str {
        match self {
            Scope::LeadsWrite => "leads:write",
            Scope::RecordsRead => "records:read",
            Scope::RecordsWrite => "records:write",
            Scope::MetricsRead => "metrics:read",
            Scope::Admin => "admin",
        }
    }

    pub fn parse(name: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// How long a one-time link opens the pages.
const LINK: Duration = Duration::from_mins(15);
/// How long a session lives.
const SESSION: Duration = Duration::from_hours(12);
/// How long a key that was looked up is trusted: as long may another process's revocation take.
const TRUST: Duration = Duration::from_secs(5);
/// Keys that are remembered.
const REMEMBERED: usize = 1_000;

/// 256 random bits as text.
fn secret() -> Result<String, mittler_store::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|_| mittler_store::Error::Unfit("the operating system gives no random numbers".into()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

/// A key that was just made; its text is shown once.
#[derive(Clone)]
pub struct NewKey {
    pub id: Uuid,
    pub key: String,
}

/// Makes an API key.
///
/// # Errors
/// If the database does not take it.
pub async fn create_key(store: &Store, clock: &Clock, label: &str, scopes: &[Scope]) -> mittler_store::Result<NewKey> {
    let (id, key, now) = (clock.id(), format!("mtl_{}", secret()?), clock.now());
    let (label, hash) = (label.to_owned(), hash(&key));
    let scopes: Vec<String> = scopes.iter().map(|scope| scope.name().to_owned()).collect();
    store.write(async move |tx| tx.put_api_key(id, &label, &hash, &scopes, now).await).await?;
    Ok(NewKey { id, key })
}

/// Makes a link that opens the pages once, within a quarter of an hour; gives its path.
///
/// # Errors
/// If the database does not take it.
pub async fn one_time_link(store: &Store, clock: &Clock) -> mittler_store::Result<String> {
    let (token, operator) = (secret()?, clock.id());
    let (hash, ends) = (hash(&token), clock.now().plus(LINK));
    store.write(async move |tx| tx.put_session(&hash, "link", operator, ends).await).await?;
    Ok(format!("/login/{token}"))
}

/// Uses a one-time link up; gives the token of a new session.
pub(crate) async fn open_session(app: &App, link: &str) -> mittler_store::Result<Option<String>> {
    let (link, token, now) = (hash(link), secret()?, app.clock.now());
    let session = hash(&token);
    let opened = app
        .store
        .write(async move |tx| {
            let Some(operator) = tx.use_link(&link, now).await? else { return Ok(false) };
            tx.put_session(&session, "session", operator, now.plus(SESSION)).await?;
            Ok(true)
        })
        .await?;
    Ok(opened.then_some(token))
}

pub(crate) async fn close_session(app: &App, token: &str) -> mittler_store::Result<()> {
    let hash = hash(token);
    app.store.write(async move |tx| tx.end_session(&hash).await).await
}

/// Name of the session cookie. The prefix makes browsers insist on https and on our host alone.
fn cookie_name(app: &App) -> &'static str {
    if app.settings.public_url.scheme() == "https" { "__Host-mittler" } else { "mittler" }
}

/// The header value that sets the session cookie; an empty token ends it.
pub(crate) fn session_cookie(app: &App, token: &str) -> String {
    let secure = if app.settings.public_url.scheme() == "https" { "; Secure" } else { "" };
    let age = if token.is_empty() { 0 } else { SESSION.as_secs() };
    format!("{}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}", cookie_name(app))
}

pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    pairs.flat_map(|text| text.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// A browser's session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub token: String,
    pub operator: Uuid,
}

impl Session {
    pub(crate) async fn of(app: &App, headers: &HeaderMap) -> Result<Option<Session>, Problem> {
        let Some(token) = cookie(headers, cookie_name(app)).filter(|token| !token.is_empty()) else { return Ok(None) };
        let operator = app.store.session(&hash(token), app.clock.now()).await?;
        Ok(operator.map(|operator| Session { token: token.to_owned(), operator }))
    }

    /// What a form of ours carries and a foreign page cannot know: it follows from the cookie,
    /// which scripts cannot read.
    pub(crate) fn csrf(&self) -> String {
        hash(&format!("csrf {}", self.token))
    }

    pub(crate) fn check_csrf(&self, given: Option<&str>) -> Result<(), Problem> {
        let given = given.unwrap_or("");
        if bool::from(self.csrf().as_bytes().ct_eq(given.as_bytes())) { Ok(()) } else { Err(Problem::new("csrf")) }
    }
}

/// Whoever called, authenticated.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Random id of the key or operator.
    pub id: Uuid,
    scopes: Vec<String>,
}

impl Caller {
    pub(crate) fn needs(&self, scope: Scope) -> Result<(), Problem> {
        let has = |scope: Scope| self.scopes.iter().any(|name| name == scope.name());
        if has(scope) || has(Scope::Admin) {
            return Ok(());
        }
        Err(Problem::new("forbidden").detailed(format!("the key needs the scope {}", scope.name())))
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Caller, Problem> {
        if let Some(given) = parts.headers.get(header::AUTHORIZATION) {
            let key = given.to_str().ok().and_then(|text| text.split_once(' '));
            let Some((_, key)) = key.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
                return Err(Problem::new("unauthenticated"));
            };
            let Some(key) = living_key(app, &hash(key.trim())).await? else {
                return Err(app.refusals.refuse(refusals::What::Key, parts).await);
            };
            return Ok(Caller { id: key.id, scopes: key.scopes.0 });
        }
        let Some(session) = Session::of(app, &parts.headers).await? else {
            return Err(match cookie(&parts.headers, cookie_name(app)) {
                Some(_) => app.refusals.refuse(refusals::What::Session, parts).await,
                None => Problem::new("unauthenticated"),
            });
        };
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            session.check_csrf(parts.headers.get("x-csrf-token").and_then(|value| value.to_str().ok()))?;
        }
        Ok(Caller { id: session.operator, scopes: vec![Scope::Admin.name().to_owned()] })
    }
}

/// Looks a key up, at most every few seconds.
async fn living_key(app: &App, hash: &str) -> Result<Option<ApiKey>, Problem> {
    let now = app.clock.now();
    let remembered = app.api_keys.lock().ok().and_then(|keys| keys.get(hash).cloned());
    if let Some((key, _)) = remembered.filter(|(_, since)| *since <= now && now.since(*since) < TRUST) {
        return Ok(Some(key));
    }
    let found = app.store.api_key(hash).await?;
    if let Ok(mut keys) = app.api_keys.lock() {
        keys.remove(hash);
        if let Some(key) = &found {
            if keys.len() >= REMEMBERED {
                keys.clear();
            }
            keys.insert(hash.to_owned(), (key.clone(), now));
        }
    }
    Ok(found)
}

/// Ends a key; from now on it opens nothing here, and within seconds nowhere.
pub(crate) async fn revoke_key(app: &App, id: Uuid) -> Result<bool, Problem> {
    let now: Time = app.clock.now();
    let revoked = app.store.write(async move |tx| tx.revoke_api_key(id, now).await).await?;
    if let Ok(mut keys) = app.api_keys.lock() {
        keys.retain(|_, (key, _)| key.id != id);
    }
    Ok(revoked)
}
