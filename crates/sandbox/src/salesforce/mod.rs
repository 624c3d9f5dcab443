//! Salesforce as its REST, Bulk 2.0, SOAP and OAuth endpoints behave.
//!
//! **Invariant:** a request runs alone and to its end under one lock; what it changed is seen by the next one whole.

mod bulk;
mod call;
mod catalog;
mod changes;
mod collections;
mod compare;
mod composite;
mod config;
mod convert;
mod cursors;
mod dml;
mod failure;
mod ids;
mod ingest;
mod oauth;
mod org;
mod outbound;
mod records;
mod rest;
mod rules;
mod schema;
mod search;
mod soap;
mod soql;
mod tables;
mod tokens;
mod tree;
mod values;
mod xml;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Method, Request, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::faults::lock;
use crate::{Clock, Fault, FaultKind, Journal, SalesforceAccess};

use call::{Call, Reply};
use failure::Failure;
use org::Org;

pub use config::{
    Config, CustomField, DuplicateAction, DuplicateRule, RepeatedKey, UnknownMemberStatus, ValidationRule,
};
pub use schema::Kind;

const MAX_URI: usize = 16_384;
/// A bulk upload may have 150 MB after base64, which is 100 MB of CSV.
const MAX_BODY: usize = 112 * 1024 * 1024;

/// The org, shared by clones.
#[derive(Clone)]
pub struct Salesforce {
    org: Arc<Mutex<Org>>,
    delivering: Arc<AtomicBool>,
    config: Config,
    clock: Clock,
    journal: Journal,
    seed: u64,
    base_url: String,
}

impl Salesforce {
    pub fn new(config: Config, clock: Clock, journal: Journal, seed: u64, base_url: String) -> Salesforce {
        let org = Org::new(config.clone(), clock.clone(), journal.clone(), seed, base_url.clone());
        let (org, delivering) = (Arc::new(Mutex::new(org)), Arc::default());
        Salesforce { org, delivering, config, clock, journal, seed, base_url }
    }

    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    pub fn access(&self) -> SalesforceAccess {
        let organization_id = lock(&self.org).id.clone();
        SalesforceAccess {
            base_url: self.base_url.clone(),
            client_id: oauth::CLIENT_ID.to_owned(),
            client_secret: oauth::CLIENT_SECRET.to_owned(),
            access_token: oauth::Sessions::first_token(&organization_id),
            organization_id,
        }
    }

    /// Every living record, by object.
    pub fn state(&self) -> Value {
        let mut org = lock(&self.org);
        bulk::settle(&mut org);
        org.commit();
        org.state()
    }

    /// How often each client name came in `Sforce-Call-Options`.
    pub fn clients(&self) -> std::collections::BTreeMap<String, u64> {
        lock(&self.org).clients.clone()
    }

    /// What the last writer of a record called itself.
    pub fn last_client(&self, object: &str, id: &str) -> Option<String> {
        lock(&self.org).tables.get(object, id)?.client.clone()
    }

    /// Forgets all records, tokens and hooks.
    pub fn reset(&self) {
        let (config, clock, journal) = (self.config.clone(), self.clock.clone(), self.journal.clone());
        let fresh = Org::new(config, clock, journal, self.seed, self.base_url.clone());
        *lock(&self.org) = fresh;
    }

    /// Changes a record as a person in the user interface would.
    pub fn edit(&self, object: &str, id: &str, fields: Map<String, Value>) -> Result<Value, String> {
        let mut org = lock(&self.org);
        bulk::settle(&mut org);
        let name = org.object(object).map_err(|failure| failure.message)?.name.clone();
        let start = org.tables.savepoint();
        let edited = org.human_edit(&name, id, fields);
        if edited.is_err() {
            org.tables.roll_back(start);
        }
        org.commit();
        let id = edited.map_err(|failure| format!("{}: {}", failure.code, failure.message))?;
        let row = org.tables.get(&name, &id);
        Ok(row.map_or(Value::Null, |row| Value::Object(row.fields.clone())))
    }

    /// A sharing rule takes records away from the users of the API, or gives them back: queries do not return
    /// them, a retrieve does not find them, an update meets a bad reference. Nothing of them changes.
    pub fn hide(&self, object: &str, ids: &[String], hidden: bool) -> Result<Value, String> {
        let mut org = lock(&self.org);
        bulk::settle(&mut org);
        let name = org.object(object).map_err(|failure| failure.message)?.name.clone();
        if let Some(unknown) = ids.iter().find(|id| org.tables.get(&name, id).is_none()) {
            return Err(format!("there is no {name} {unknown}"));
        }
        for id in ids {
            if hidden {
                org.hidden.insert(id.clone());
            } else {
                org.hidden.remove(id);
            }
        }
        Ok(json!({"hidden": org.hidden.len()}))
    }

    /// Sets up an outbound message. Must be called within the async runtime, which delivers it.
    pub fn set_hook(&self, hook: &Value) -> Result<Value, String> {
        let request = outbound::HookRequest::deserialize(hook).map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|error| error.to_string())?;
        lock(&self.org).outbox.add(request)?;
        if !self.delivering.swap(true, Ordering::SeqCst) {
            runtime.spawn(outbound::deliver(Arc::downgrade(&self.org)));
        }
        Ok(json!({"organization_id": self.access().organization_id}))
    }

    /// The name under which a call is counted and hit by faults.
    pub fn call_kind(&self, method: &Method, path: &str) -> String {
        if let Some(rest) = path.strip_prefix("/services/oauth2/") {
            return rest.trim_end_matches('/').to_owned();
        }
        if path.starts_with("/services/Soap/") {
            return "soap".to_owned();
        }
        if path.starts_with("/id/") {
            return "identity".to_owned();
        }
        let Some((_, segments, _)) = Call::split_url(path) else { return "versions".to_owned() };
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        rest_kind(method.as_str(), &segments).to_owned()
    }

    /// The object that a call names in its path.
    pub fn call_type(&self, path: &str) -> Option<String> {
        let (_, segments, _) = Call::split_url(path)?;
        let mut segments = segments.into_iter().skip_while(|segment| segment == "composite");
        (segments.next()? == "sobjects").then(|| segments.next()).flatten()
    }

    /// The answer of a fault that hits a whole call; `None` if it hits one row of a collection.
    pub fn fault_answer(&self, fault: Fault, call_kind: &str) -> Option<Response<Body>> {
        let by_row = ["collections_", "bulk_", "composite"].iter().any(|kind| call_kind.starts_with(kind));
        let reply: Reply = match fault.kind {
            FaultKind::RateLimited => {
                Failure::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").into()
            }
            FaultKind::ConcurrentLimit => {
                let message = "ConcurrentPerOrgLongTxn Limit exceeded.";
                Failure::new(403, "REQUEST_LIMIT_EXCEEDED", message).into()
            }
            FaultKind::ServerError => {
                let message = "An unexpected error occurred. Please include this ErrorId if you contact support: \
                               1234567890-12345 (-1234567890)";
                Failure::new(500, "UNKNOWN_EXCEPTION", message).into()
            }
            FaultKind::Unauthorized if call_kind == "token" => {
                Reply::oauth_error("invalid_grant", "expired access/refresh token")
            }
            FaultKind::Unauthorized => no_session().into(),
            FaultKind::LockRow if by_row => return None,
            FaultKind::LockRow => collections::lock_failure(fault.kind, self.config.locks_in_triggers)?.into(),
            FaultKind::HtmlError => {
                let page = "<html><head><title>Service Unavailable</title></head><body><h1>We are down for \
                            maintenance.</h1></body></html>";
                Reply::text(503, "text/html; charset=UTF-8", page.to_owned())
            }
            FaultKind::Slow
            | FaultKind::CutBefore
            | FaultKind::CutAfter
            | FaultKind::BadGatewayAfter
            | FaultKind::Locked423
            | FaultKind::Migrating477 => return None,
        };
        let limits = match fault.kind {
            FaultKind::RateLimited => {
                let most = self.config.daily_api_limit;
                format!("api-usage={most}/{most}")
            }
            _ => lock(&self.org).limit_info(),
        };
        let reply = if fault.kind == FaultKind::HtmlError { reply } else { reply.with("sforce-limit-info", limits) };
        Some(reply.into_response())
    }
}

fn rest_kind(method: &str, segments: &[&str]) -> &'static str {
    match (method, segments) {
        (_, ["limits", ..]) => "limits",
        (_, ["query" | "queryAll"]) => "query",
        (_, ["query" | "queryAll", ..]) => "query_more",
        (_, ["sobjects", _, "describe"]) => "describe",
        (_, ["sobjects", _, "updated"]) => "updated",
        (_, ["sobjects", _, "deleted"]) => "deleted",
        ("POST", ["sobjects", _]) => "create",
        (_, ["sobjects"]) | ("GET", ["sobjects", _]) => "sobjects",
        ("PATCH", ["sobjects", _, _]) => "update",
        ("PATCH", ["sobjects", _, _, _]) => "upsert",
        ("DELETE", ["sobjects", ..]) => "delete",
        (_, ["sobjects", ..]) => "read",
        ("POST", ["composite", "sobjects"]) => "collections_create",
        ("PATCH", ["composite", "sobjects"]) => "collections_update",
        ("DELETE", ["composite", "sobjects"]) => "collections_delete",
        ("PATCH", ["composite", "sobjects", _, _]) => "collections_upsert",
        (_, ["composite", "sobjects", ..]) => "collections_retrieve",
        (_, ["composite", "batch"]) => "composite_batch",
        (_, ["composite", "graph"]) => "composite_graph",
        (_, ["composite", "tree", ..]) => "composite_tree",
        (_, ["composite"]) => "composite",
        (_, ["jobs", "ingest", ..]) => "bulk_ingest",
        (_, ["jobs", "query", ..]) => "bulk_query",
        _ => "other",
    }
}

fn no_session() -> Failure {
    Failure::new(401, "INVALID_SESSION_ID", "Session expired or invalid")
}

fn out_of_calls() -> Failure {
    Failure::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
}

async fn answer(State(salesforce): State<Salesforce>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let uri = parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if uri > MAX_URI {
        return Reply::text(414, "text/html", "<h1>URI Too Long</h1>".to_owned()).into_response();
    }
    if uri + headers > MAX_URI {
        return Reply::text(431, "text/html", "<h1>Request Header Fields Too Large</h1>".to_owned()).into_response();
    }
    let Ok(body) = to_bytes(body, MAX_BODY).await else { return Reply::empty(413).into_response() };
    let mut org = lock(&salesforce.org);
    bulk::settle(&mut org);
    let reply = handle(&mut org, parts, body);
    org.commit();
    reply.into_response()
}

fn handle(org: &mut Org, parts: Parts, body: Bytes) -> Reply {
    let path = parts.uri.path();
    if path.starts_with("/services/oauth2/") {
        let query = parts.uri.query().unwrap_or_default();
        return oauth::answer(org, &parts.method, path, query, &parts.headers, &body);
    }
    if let Some(person) = path.strip_prefix("/id/") {
        return oauth::identity(org, person, parts.uri.query().unwrap_or_default(), &parts.headers);
    }
    if path.starts_with("/services/Soap/") {
        return soap::answer(org, &String::from_utf8_lossy(&body));
    }
    if path.trim_end_matches('/') == "/services/data" {
        return rest::versions();
    }
    let url = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let Some((version, segments, query)) = Call::split_url(url) else { return Failure::no_resource().into() };
    let (now_ms, idle) = (org.clock.millis(), org.config.session_seconds);
    let user = oauth::bearer(&parts.headers).and_then(|token| org.sessions.user_of(token, now_ms, idle));
    let limits = |org: &Org| org.limit_info();
    let Some(user) = user else { return Reply::from(no_session()).with("sforce-limit-info", limits(org)) };
    if !org.spend_call() {
        return Reply::from(out_of_calls()).with("sforce-limit-info", limits(org));
    }
    let fault = parts.extensions.get::<Fault>().map(|fault| fault.kind);
    let mut call = Call { method: parts.method, version, segments, query, headers: parts.headers, body, fault, user };
    let composite = call.segments.first().is_some_and(|first| first == "composite");
    if composite && !org.config.composite_carries_client {
        call.headers.remove("sforce-call-options");
    } else if let Some(client) = call.client() {
        *org.clients.entry(client.to_owned()).or_default() += 1;
    }
    let reply = rest::dispatch(org, &call);
    reply.with("sforce-limit-info", limits(org))
}
