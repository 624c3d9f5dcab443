//! Tokens: who gets one, how long it lives, and how it ends.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::call::Reply;
use super::org::{Org, integration_user};
use crate::Target;

pub const CLIENT_ID: &str = "3MVG9.SANDBOX.mittler.sandbox.consumer.key";
pub const CLIENT_SECRET: &str = "SANDBOX0000SALESFORCE0000CONSUMER0000SECRET";
/// The token that works from the start.
const FIRST_TOKEN: &str = "AQsandboxSalesforceAccessToken";
const CODE_SECONDS: i64 = 600;

struct Session {
    user: String,
    grant: u64,
    used_ms: i64,
    issued_ms: i64,
}

struct RefreshToken {
    user: String,
    grant: u64,
    replaced: bool,
}

struct Code {
    redirect_uri: String,
    challenge: Option<String>,
    issued_ms: i64,
}

/// All tokens of the org. A grant is what one consent or one flow gave; revoking it ends all its tokens.
pub struct Sessions {
    dice: fastrand::Rng,
    access: HashMap<String, Session>,
    refresh: HashMap<String, RefreshToken>,
    codes: HashMap<String, Code>,
    grants: u64,
}

impl Sessions {
    pub fn new(seed: u64) -> Sessions {
        Sessions {
            dice: fastrand::Rng::with_seed(seed),
            access: HashMap::new(),
            refresh: HashMap::new(),
            codes: HashMap::new(),
            grants: 0,
        }
    }

    pub fn first_token(org_id: &str) -> String {
        format!("{}!{FIRST_TOKEN}", &org_id[..15])
    }

    pub fn plant(&mut self, user: &str, now: Timestamp, org_id: &str) {
        let now_ms = now.as_millisecond();
        let session = Session { user: user.to_owned(), grant: 0, used_ms: now_ms, issued_ms: now_ms };
        self.access.insert(Sessions::first_token(org_id), session);
    }

    fn secret(&mut self, length: usize) -> String {
        std::iter::repeat_with(|| self.dice.alphanumeric()).take(length).collect()
    }

    fn grant(&mut self) -> u64 {
        self.grants += 1;
        self.grants
    }

    fn revoke_grant(&mut self, grant: u64) {
        self.access.retain(|_, session| session.grant != grant);
        self.refresh.retain(|_, token| token.grant != grant);
    }

    /// The user of a living token; using it keeps it alive.
    pub fn user_of(&mut self, token: &str, now_ms: i64, idle_seconds: i64) -> Option<String> {
        let session = self.access.get_mut(token)?;
        if now_ms - session.used_ms >= idle_seconds.saturating_mul(1000) {
            return None;
        }
        session.used_ms = now_ms;
        Some(session.user.clone())
    }
}

type Form = HashMap<String, String>;

pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get("authorization")?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth")).then(|| token.trim())
}

pub fn answer(org: &mut Org, method: &Method, path: &str, query: &str, headers: &HeaderMap, body: &Bytes) -> Reply {
    let from = |text: &[u8]| url::form_urlencoded::parse(text).into_owned().collect::<Form>();
    let mut form = from(query.as_bytes());
    form.extend(from(body));
    match (method.as_str(), path.trim_end_matches('/')) {
        ("POST", "/services/oauth2/token") => token(org, &with_basic(form, headers)),
        ("GET", "/services/oauth2/authorize") => authorize(org, &form),
        ("POST" | "GET", "/services/oauth2/revoke") => revoke(org, &form),
        ("POST", "/services/oauth2/introspect") => introspect(org, &with_basic(form, headers)),
        ("POST" | "GET", "/services/oauth2/userinfo") => userinfo(org, headers),
        _ => Reply::empty(404),
    }
}

/// Client credentials may come as HTTP Basic instead of in the form.
fn with_basic(mut form: Form, headers: &HeaderMap) -> Form {
    let value = headers.get("authorization").and_then(|value| value.to_str().ok());
    let basic = value.and_then(|value| value.strip_prefix("Basic "));
    let decoded = basic.and_then(|basic| STANDARD.decode(basic).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some((id, secret)) = decoded.as_deref().and_then(|pair| pair.split_once(':')) {
        form.insert("client_id".to_owned(), id.to_owned());
        form.insert("client_secret".to_owned(), secret.to_owned());
    }
    form
}

fn text<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).map(String::as_str).unwrap_or_default()
}

/// Checks id and secret. Public clients send no secret; a wrong one is always refused.
fn check_client(form: &Form, secret_needed: bool) -> Result<(), Reply> {
    if text(form, "client_id") != CLIENT_ID {
        return Err(Reply::oauth_error("invalid_client_id", "client identifier invalid"));
    }
    match form.get("client_secret").map(String::as_str) {
        Some(CLIENT_SECRET) => Ok(()),
        None if !secret_needed => Ok(()),
        _ => Err(Reply::oauth_error("invalid_client", "invalid client credentials")),
    }
}

fn token(org: &mut Org, form: &Form) -> Reply {
    let reply = match text(form, "grant_type") {
        "client_credentials" => client_credentials(org, form),
        "refresh_token" => refresh(org, form),
        "authorization_code" => exchange_code(org, form),
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => jwt_bearer(org, form),
        _ => Err(Reply::oauth_error("unsupported_grant_type", "grant type not supported")),
    };
    reply.unwrap_or_else(|refused| refused)
}

fn invalid_grant(description: &str) -> Reply {
    Reply::oauth_error("invalid_grant", description)
}

fn client_credentials(org: &mut Org, form: &Form) -> Result<Reply, Reply> {
    check_client(form, true)?;
    if !org.config.client_credentials_user {
        return Err(invalid_grant("no client credentials user enabled"));
    }
    let user = integration_user();
    let grant = org.sessions.grant();
    Ok(issue(org, &user, grant, None))
}

fn refresh(org: &mut Org, form: &Form) -> Result<Reply, Reply> {
    check_client(form, false)?;
    let presented = text(form, "refresh_token").to_owned();
    let expired = || invalid_grant("expired access/refresh token");
    let known = org.sessions.refresh.get(&presented).ok_or_else(expired)?;
    let (user, grant) = (known.user.clone(), known.grant);
    if known.replaced {
        // Someone uses a token that was replaced: it leaked or a client lost the new one. Either way all end.
        org.sessions.revoke_grant(grant);
        return Err(expired());
    }
    if !org.config.rotate_refresh_tokens {
        return Ok(issue(org, &user, grant, None));
    }
    if let Some(old) = org.sessions.refresh.get_mut(&presented) {
        old.replaced = true;
    }
    let fresh = new_refresh_token(org, &user, grant);
    Ok(issue(org, &user, grant, Some(fresh)))
}

fn new_refresh_token(org: &mut Org, user: &str, grant: u64) -> String {
    let token = format!("5Aep861{}", org.sessions.secret(60));
    let refresh = RefreshToken { user: user.to_owned(), grant, replaced: false };
    org.sessions.refresh.insert(token.clone(), refresh);
    token
}

/// Only loopback callbacks, because the sandbox answers with a redirect there.
fn authorize(org: &mut Org, form: &Form) -> Reply {
    if text(form, "client_id") != CLIENT_ID {
        return Reply::oauth_error("invalid_client_id", "client identifier invalid");
    }
    let Ok(target) = Target::parse(text(form, "redirect_uri")) else {
        return Reply::oauth_error("redirect_uri_mismatch", "redirect_uri must match configuration");
    };
    let mut callback = target.url().clone();
    if text(form, "response_type") != "code" {
        callback.query_pairs_mut().append_pair("error", "unsupported_response_type");
        return Reply::empty(302).with("location", callback.as_str());
    }
    let code = format!("aPrx{}", org.sessions.secret(40));
    callback.query_pairs_mut().append_pair("code", &code);
    if let Some(state) = form.get("state") {
        callback.query_pairs_mut().append_pair("state", state);
    }
    let pending = Code {
        redirect_uri: text(form, "redirect_uri").to_owned(),
        challenge: form.get("code_challenge").cloned(),
        issued_ms: org.clock.millis(),
    };
    org.sessions.codes.insert(code, pending);
    Reply::empty(302).with("location", callback.as_str())
}

fn exchange_code(org: &mut Org, form: &Form) -> Result<Reply, Reply> {
    check_client(form, false)?;
    let now_ms = org.clock.millis();
    let code = org.sessions.codes.remove(text(form, "code"));
    let code = code.filter(|code| now_ms - code.issued_ms < CODE_SECONDS * 1000);
    let code = code.ok_or_else(|| invalid_grant("expired authorization code"))?;
    if code.redirect_uri != text(form, "redirect_uri") {
        return Err(Reply::oauth_error("redirect_uri_mismatch", "redirect_uri must match configuration"));
    }
    // The method may be left out; it is S256 all the same.
    if let Some(challenge) = code.challenge
        && challenge.trim_end_matches('=') != URL_SAFE_NO_PAD.encode(Sha256::digest(text(form, "code_verifier")))
    {
        return Err(invalid_grant("invalid code verifier"));
    }
    let user = integration_user();
    let grant = org.sessions.grant();
    let fresh = new_refresh_token(org, &user, grant);
    Ok(issue(org, &user, grant, Some(fresh)))
}

fn jwt_bearer(org: &mut Org, form: &Form) -> Result<Reply, Reply> {
    let assertion = text(form, "assertion");
    let invalid = || invalid_grant("invalid assertion");
    let claims = read_claims(assertion).ok_or_else(invalid)?;
    if let Some(pem) = &org.config.jwt_public_key_pem
        && !signed_by(assertion, pem)
    {
        return Err(invalid());
    }
    if claims["iss"] != CLIENT_ID {
        return Err(Reply::oauth_error("invalid_client_id", "client identifier invalid"));
    }
    let hosts = ["https://login.salesforce.com", "https://test.salesforce.com", org.base_url.as_str()];
    let audience = claims["aud"].as_str().unwrap_or_default();
    if !hosts.contains(&audience.trim_end_matches('/')) {
        return Err(invalid_grant("audience is invalid"));
    }
    let now = org.clock.now().as_second();
    let ahead = expiry(&claims["exp"]).map_or(i64::MIN, |exp| exp.saturating_sub(now));
    if ahead <= 0 || org.config.jwt_max_ahead_seconds.is_some_and(|most| ahead > most) {
        return Err(invalid());
    }
    let user = claims["sub"].as_str().and_then(|name| org.user_named(name));
    let (user, row) = user.ok_or_else(|| invalid_grant("user hasn't approved this consumer"))?;
    if !row.is("IsActive") {
        return Err(Reply::oauth_error("inactive_user", "user is inactive"));
    }
    let user = user.clone();
    let grant = org.sessions.grant();
    Ok(issue(org, &user, grant, None))
}

/// Whole seconds of `exp`, which clients send as a number, with a fraction, or as a text.
fn expiry(exp: &Value) -> Option<i64> {
    let text = exp.as_str().map_or_else(|| exp.to_string(), |text| text.trim().to_owned());
    let whole = text.split_once('.').filter(|(_, rest)| rest.bytes().all(|byte| byte.is_ascii_digit()));
    whole.map_or(text.as_str(), |(whole, _)| whole).parse().ok()
}

fn read_claims(assertion: &str) -> Option<Value> {
    let mut parts = assertion.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let complete = parts.next().is_none() && !signature.is_empty() && read(header)?["alg"] == "RS256";
    if complete { read(claims) } else { None }
}

fn signed_by(assertion: &str, pem: &str) -> bool {
    let Ok(key) = jsonwebtoken::DecodingKey::from_rsa_pem(pem.as_bytes()) else { return false };
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    // Time and audience are judged by the sandbox's own clock and address.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Value>(assertion, &key, &validation).is_ok()
}

fn issue(org: &mut Org, user: &str, grant: u64, refresh_token: Option<String>) -> Reply {
    let now_ms = org.clock.millis();
    let token = format!("{}!AQ{}", &org.id[..15], org.sessions.secret(80));
    let session = Session { user: user.to_owned(), grant, used_ms: now_ms, issued_ms: now_ms };
    org.sessions.access.insert(token.clone(), session);
    let mut body = json!({
        "access_token": token, "scope": "api id refresh_token", "instance_url": org.base_url,
        "id": format!("https://login.salesforce.com/id/{}/{user}", org.id), "token_type": "Bearer",
        "issued_at": now_ms.to_string(), "signature": STANDARD.encode(Sha256::digest(token.as_bytes())),
    });
    if let Some(refresh_token) = refresh_token {
        body["refresh_token"] = json!(refresh_token);
    }
    Reply::ok(body)
}

fn revoke(org: &mut Org, form: &Form) -> Reply {
    let token = text(form, "token");
    if org.sessions.access.remove(token).is_some() {
        return Reply::empty(200);
    }
    match org.sessions.refresh.get(token).map(|token| token.grant) {
        Some(grant) => {
            org.sessions.revoke_grant(grant);
            Reply::empty(200)
        }
        None => Reply::oauth_error("invalid_token", "invalid token"),
    }
}

fn introspect(org: &mut Org, form: &Form) -> Reply {
    if let Err(refused) = check_client(form, true) {
        return refused;
    }
    let now_ms = org.clock.millis();
    let idle_ms = org.config.session_seconds.saturating_mul(1000);
    let session = org.sessions.access.get(text(form, "token"));
    let Some(session) = session.filter(|session| now_ms - session.used_ms < idle_ms) else {
        return Reply::ok(json!({"active": false}));
    };
    let username = org.tables.get("User", &session.user).map_or("", |row| row.text("Username"));
    Reply::ok(json!({
        "active": true, "scope": "api id refresh_token", "client_id": CLIENT_ID, "username": username,
        "sub": format!("https://login.salesforce.com/id/{}/{}", org.id, session.user), "token_type": "access_token",
        "iat": session.issued_ms / 1000, "nbf": session.issued_ms / 1000, "exp": (session.used_ms + idle_ms) / 1000,
    }))
}

fn userinfo(org: &mut Org, headers: &HeaderMap) -> Reply {
    let (now_ms, idle) = (org.clock.millis(), org.config.session_seconds);
    let user = bearer(headers).and_then(|token| org.sessions.user_of(token, now_ms, idle));
    let Some(user) = user else { return Reply::text(403, "text/plain", "Bad_OAuth_Token".to_owned()) };
    let row = org.tables.get("User", &user);
    let of = |field| row.map_or("", |row| row.text(field));
    Reply::ok(json!({
        "sub": format!("https://login.salesforce.com/id/{}/{user}", org.id), "user_id": user,
        "organization_id": org.id, "preferred_username": of("Username"), "name": of("Name"), "email": of("Email"),
        "email_verified": true, "zoneinfo": of("TimeZoneSidKey"), "active": true,
        "urls": {"rest": format!("{}/services/data/v{{version}}/", org.base_url)},
    }))
}

/// `/id/{org}/{user}`: who the token belongs to, as the `id` of a token answer promises.
pub fn identity(org: &mut Org, person: &str, query: &str, headers: &HeaderMap) -> Reply {
    let refuse = |status, text: &str| Reply::text(status, "text/html;charset=UTF-8", text.to_owned());
    let sent = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "oauth_token");
    let token = bearer(headers).map(str::to_owned).or_else(|| sent.map(|(_, token)| token.into_owned()));
    let Some(token) = token else { return refuse(403, "Missing_OAuth_Token") };
    let (now_ms, idle) = (org.clock.millis(), org.config.session_seconds);
    let Some(user) = org.sessions.user_of(&token, now_ms, idle) else { return refuse(403, "Bad_OAuth_Token") };
    let named = person.trim_end_matches('/').split_once('/');
    let own = named.is_some_and(|(of_org, of_user)| {
        super::ids::parse(of_org).as_ref() == Some(&org.id) && super::ids::parse(of_user).as_ref() == Some(&user)
    });
    let Some(row) = org.tables.get("User", &user).filter(|_| own) else { return refuse(404, "Bad_Id") };
    let base = &org.base_url;
    Reply::ok(json!({
        "id": format!("{base}/id/{}/{user}", org.id), "asserted_user": true, "user_id": user,
        "organization_id": org.id, "username": row.text("Username"), "nick_name": row.text("Alias"),
        "display_name": row.text("Name"), "email": row.text("Email"), "email_verified": true,
        "first_name": row.text("FirstName"), "last_name": row.text("LastName"),
        "timezone": row.text("TimeZoneSidKey"), "active": row.is("IsActive"), "user_type": "STANDARD",
        "language": "de", "locale": "de_DE", "utcOffset": 3_600_000, "mobile_phone": null,
        "mobile_phone_verified": false, "is_app_installed": true,
        "last_modified_date": row.get("LastModifiedDate"),
        "urls": {
            "rest": format!("{base}/services/data/v{{version}}/"),
            "sobjects": format!("{base}/services/data/v{{version}}/sobjects/"),
            "query": format!("{base}/services/data/v{{version}}/query/"),
            "partner": format!("{base}/services/Soap/u/{{version}}/{}", &org.id[..15]),
        },
    }))
}
