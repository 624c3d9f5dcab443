//! HubSpot, as its REST API behaves.
//!
//! One handler serves the date-versioned paths and the classic ones alike: `path` makes them the same, the area's
//! module answers. All data sits in a `portal::Portal` behind one lock; a call is counted, authorised, metered and
//! answered while it is held, so that no call sees half of another.

mod association;
mod association_api;
mod batch;
mod config;
mod failure;
mod limits;
mod lists;
mod marketing;
mod marketing_api;
mod merge;
mod oauth;
mod object;
mod owners;
mod path;
mod portal;
mod property;
mod request;
mod schemas;
mod search;
mod seeds;
mod table;
mod time;
mod values;
mod webhook;
mod webhook_api;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Method, Response, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use config::{Config, Limits, Subscription, Webhooks};

use crate::faults::lock;
use crate::{Clock, Fault, FaultKind, HubspotAccess, Journal, Target};
use failure::Failure;
use limits::Metered;
use object::Claims;
use path::{Area, Path};
use portal::Portal;
use request::{Answer, Outcome, Request};

const LARGEST_BODY: usize = 32 << 20;
/// Seconds a migrating account asks to be left alone.
const MIGRATION_SECONDS: &str = "120";

#[derive(Clone)]
pub struct Hubspot(Arc<Inner>);

pub(crate) struct Inner {
    clock: Clock,
    journal: Journal,
    seed: u64,
    base_url: String,
    config: Config,
    portal: Mutex<Portal>,
    delivering: AtomicBool,
}

impl Hubspot {
    pub fn new(config: Config, clock: Clock, journal: Journal, seed: u64, base_url: String) -> Hubspot {
        let portal = Mutex::new(Portal::new(config.clone(), journal.clone(), seed, clock.millis()));
        Hubspot(Arc::new(Inner { clock, journal, seed, base_url, config, portal, delivering: AtomicBool::new(false) }))
    }

    pub fn router(&self) -> Router {
        Router::new().fallback(serve).with_state(self.clone())
    }

    pub fn call_kind(&self, method: &Method, path: &str) -> String {
        Path::parse(path).map_or("other", |path| path.call_kind(method)).to_owned()
    }

    /// The type of records that a call names in its path; for associations both.
    pub fn call_type(&self, path: &str) -> Option<String> {
        Path::parse(path)?.remote_type()
    }

    /// The answers that stand for a call which was not served.
    pub fn fault_answer(&self, fault: Fault, call_kind: &str) -> Option<Response<Body>> {
        let mut portal = self.lock();
        let plain = |status: u16, body: Value| Some(response(status, &[], Some(&body), None));
        let message = |portal: &mut Portal, text: &str| json!({"status": "error", "message": text, "correlationId": portal.uuid()});
        match fault.kind {
            FaultKind::RateLimited if call_kind == "search" => plain(429, portal.over_limit("SECONDLY", "secondly")),
            FaultKind::RateLimited => plain(429, portal.over_limit("TEN_SECONDLY_ROLLING", "ten_secondly_rolling")),
            FaultKind::ServerError => {
                let mut body = message(&mut portal, "internal error");
                body["category"] = "INTERNAL_ERROR".into();
                plain(500, body)
            }
            FaultKind::HtmlError => {
                let page = "<html><head><title>503 Service Temporarily Unavailable</title></head><body></body></html>";
                let mut answer = Response::new(Body::from(page));
                *answer.status_mut() = axum::http::StatusCode::SERVICE_UNAVAILABLE;
                answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
                Some(answer)
            }
            FaultKind::Unauthorized => {
                let failure = portal.expired_now();
                let body = failure.body(&portal.uuid());
                plain(failure.status, body)
            }
            FaultKind::Locked423 => plain(423, message(&mut portal, "The record is locked; try again in 2 seconds.")),
            FaultKind::Migrating477 => {
                let body = message(&mut portal, "This account is being moved to another data center.");
                Some(response(477, &[("retry-after", MIGRATION_SECONDS.to_owned())], Some(&body), None))
            }
            // The shell sees to the connection and to delays; the rest is Salesforce's.
            _ => None,
        }
    }

    /// Every record by its type's name; marketing events with their attendance.
    pub fn state(&self) -> Value {
        self.lock().state()
    }

    /// Points the webhooks somewhere: `{"url", "subscriptions"?}` and what goes wrong on the way, `{"duplicates"?,
    /// "reorder"?, "lost"?, "late"?, "late_ms"?}` as in [`Webhooks`]. Without subscriptions
    /// and with none made so far, everything about contacts, companies and deals is subscribed to.
    pub fn set_hook(&self, hook: &Value) -> Result<Value, String> {
        let hook = Hook::deserialize(hook).map_err(|error| error.to_string())?;
        let mut portal = self.lock();
        portal.outbox.target = hook.url.map(|url| Target::parse(&url)).transpose()?.map(|url| url.url().to_string());
        portal.outbox.duplicates = hook.duplicates.unwrap_or(portal.outbox.duplicates);
        portal.outbox.reorder = hook.reorder.unwrap_or(portal.outbox.reorder);
        portal.outbox.lost = hook.lost.unwrap_or(portal.outbox.lost);
        portal.outbox.late = hook.late.unwrap_or(portal.outbox.late);
        portal.outbox.late_ms = hook.late_ms.unwrap_or(portal.outbox.late_ms);
        if let Some(subscriptions) = hook.subscriptions {
            portal.outbox.subscriptions.clear();
            for subscription in subscriptions {
                portal.outbox.subscribe(subscription);
            }
        } else if portal.outbox.subscriptions.is_empty() {
            for subject in ["contact", "company", "deal"] {
                for verb in ["creation", "deletion", "propertyChange", "merge", "restore", "associationChange"] {
                    portal.outbox.subscribe(Subscription::to(&format!("{subject}.{verb}")));
                }
            }
            portal.outbox.subscribe(Subscription::to("contact.privacyDeletion"));
        }
        Ok(
            json!({"url": portal.outbox.target, "subscriptions": portal.outbox.subscriptions.values().collect::<Vec<_>>()}),
        )
    }

    /// A person's change in HubSpot's own screens. The id `new` makes a record; the field `archived` archives it or
    /// takes it out of the archive again, `merge_into` merges it into the record named, `erased` deletes the person for
    /// good as privacy law has it.
    pub fn edit(&self, kind: &str, id: &str, mut fields: Map<String, Value>) -> Result<Value, String> {
        let mut portal = self.lock();
        let outcome = portal.as_user(|portal| {
            let kind = portal.kind(kind)?;
            let named = |value: &Value| merge::number(value).and_then(|id| portal.tables[kind].resolve(id));
            if let Some(primary) = fields.remove("merge_into") {
                let (Some(primary), Some(other)) = (named(&primary), named(&id.into())) else {
                    return Err(Failure::gone());
                };
                let survivor = portal.merge_records(kind, primary, other)?;
                return Ok(portal.show_filled(kind, survivor));
            }
            if fields.remove("erased") == Some(Value::Bool(true)) {
                let id = named(&id.into()).ok_or_else(Failure::gone)?;
                portal.erase_person(kind, id);
                return Ok(Value::Null);
            }
            let archived = fields.remove("archived").and_then(|value| value.as_bool());
            if let (Some(false), Ok(id)) = (archived, id.parse()) {
                portal.restore(kind, id);
            }
            let input = Map::from_iter([("properties".to_owned(), Value::Object(fields))]);
            let mut claims = Claims::new();
            let plan = if id == "new" {
                portal.plan_create(kind, &input, &mut claims)?
            } else {
                let id = portal.find(kind, id, None, "update")?;
                portal.plan_update(kind, id, &input, &mut claims)?
            };
            let id = portal.carry_out(plan);
            if archived == Some(true) {
                portal.archive(kind, id);
            }
            Ok(portal.show_filled(kind, id))
        });
        drop(portal);
        self.ensure_delivery();
        outcome.map_err(|failure: Failure| failure.message)
    }

    pub fn reset(&self) {
        let inner = &self.0;
        let portal = Portal::new(inner.config.clone(), inner.journal.clone(), inner.seed, inner.clock.millis());
        *lock(&self.0.portal) = portal;
    }

    pub fn access(&self) -> HubspotAccess {
        let config = &self.0.config;
        HubspotAccess {
            base_url: self.0.base_url.clone(),
            access_token: config.access_token.clone(),
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            refresh_token: config.refresh_token.clone(),
            portal_id: config.portal_id,
            app_id: config.app_id,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Portal> {
        let mut portal = lock(&self.0.portal);
        portal.now = self.0.clock.millis();
        portal
    }

    /// The delivery starts with the first event that could leave, for only then there is a runtime for certain.
    fn ensure_delivery(&self) {
        if self.lock().outbox.idle() {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current()
            && !self.0.delivering.swap(true, Ordering::SeqCst)
        {
            runtime.spawn(webhook_api::deliver(Arc::downgrade(&self.0)));
        }
    }

    fn answer(&self, request: &Request, authorization: Option<&str>) -> Response<Body> {
        let mut portal = self.lock();
        let mut headers = Vec::new();
        let outcome = portal.gate(request, authorization).and_then(|metered| {
            headers = metered.headers;
            match metered.refused {
                Some(body) => Ok(Answer { status: 429, body: Some(body), location: None }),
                None => request.check_content().and_then(|()| portal.dispatch(request)),
            }
        });
        match outcome {
            Ok(answer) => response(answer.status, &headers, answer.body.as_ref(), answer.location.as_deref()),
            Err(failure) => {
                let body = failure.body(&portal.uuid());
                response(failure.status, &headers, Some(&body), None)
            }
        }
    }
}

#[derive(Deserialize)]
struct Hook {
    url: Option<String>,
    subscriptions: Option<Vec<Subscription>>,
    duplicates: Option<f64>,
    reorder: Option<bool>,
    lost: Option<f64>,
    late: Option<f64>,
    late_ms: Option<i64>,
}

impl Portal {
    /// Who is it, may they, and is it too often?
    fn gate(&mut self, request: &Request, authorization: Option<&str>) -> Result<Metered, Failure> {
        if matches!(request.path.area, Area::OAuth | Area::Webhooks) {
            return Ok(Metered { headers: Vec::new(), refused: None });
        }
        let caller = self.authenticate(authorization)?;
        let metered = self.meter(request, caller.static_token);
        if metered.refused.is_none() {
            self.check_scopes(&caller, request)?;
        }
        Ok(metered)
    }

    fn dispatch(&mut self, request: &Request) -> Outcome {
        match request.path.area {
            Area::Objects => self.objects(request),
            Area::Associations => self.associations(request),
            Area::Properties => self.properties(request),
            Area::Owners => self.owners(request),
            Area::Lists => self.lists(request),
            Area::Schemas => self.schemas(request),
            Area::Marketing => self.marketing(request),
            Area::OAuth => self.oauth(request),
            Area::Account => self.account(request),
            Area::Installs => self.uninstall(request),
            Area::Webhooks => self.webhook_settings(request),
        }
    }
}

async fn serve(State(hubspot): State<Hubspot>, request: axum::extract::Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let refuse = |failure: &Failure| response(failure.status, &[], Some(&failure.body("")), None);
    let Some(path) = Path::parse(parts.uri.path()) else { return refuse(&Failure::no_route()) };
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return refuse(&Failure::invalid("The body is too large or broke off"));
    };
    let query = serde_urlencoded::from_str(parts.uri.query().unwrap_or_default()).unwrap_or_default();
    let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.map(str::to_owned);
    let answer = hubspot.answer(&Request { method: parts.method, path, query, content_type, body }, authorization);
    hubspot.ensure_delivery();
    answer
}

fn response(
    status: u16,
    headers: &[(&'static str, String)],
    body: Option<&Value>,
    location: Option<&str>,
) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    if let Some(location) = location {
        response = response.header(header::LOCATION, location);
    }
    let built = match body {
        Some(body) => {
            response.header(header::CONTENT_TYPE, "application/json;charset=utf-8").body(Body::from(body.to_string()))
        }
        None => response.body(Body::empty()),
    };
    built.unwrap_or_default()
}
