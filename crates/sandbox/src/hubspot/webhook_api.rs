//! Settings and subscriptions of the webhooks, and their delivery.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Inner;
use super::config::Subscription;
use super::failure::Failure;
use super::portal::Portal;
use super::request::{Answer, Outcome, Request};
use super::time::iso;
use super::webhook::Parcel;
use crate::Target;
use crate::faults::lock;

const MOST_SUBSCRIPTIONS: usize = 1000;
const UNWATCHED: [&str; 2] = ["hs_lastmodifieddate", "num_unique_conversion_events"];

/// The texts of e-mails and messages: no generic subscription tells of them.
const UNWATCHED_GENERIC: [(&str, &str); 3] =
    [("0-49", "hs_email_html"), ("0-49", "hs_email_subject"), ("0-18", "hs_communication_body")];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    target_url: String,
    throttling: Throttling,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Throttling {
    max_concurrent_requests: usize,
}

#[derive(Deserialize)]
struct Switch {
    id: Option<u64>,
    active: bool,
}

#[derive(Deserialize)]
struct Switches {
    inputs: Vec<Switch>,
}

impl Portal {
    /// These calls are authorised by the developer key, not by a portal's token.
    pub fn webhook_settings(&mut self, request: &Request) -> Outcome {
        let parts = request.path.parts();
        let Some((app, rest)) = parts.split_first() else { return Err(Failure::no_route()) };
        if *app != self.config.app_id.to_string() || request.query("hapikey") != Some(&self.config.developer_key) {
            return Err(Failure::new(401, "INVALID_AUTHENTICATION", "The developer key does not fit the app"));
        }
        match (request.method.as_str(), rest) {
            ("GET", ["settings"]) => self.settings_json().map(Answer::ok).ok_or_else(Failure::gone),
            ("PUT", ["settings"]) => {
                let settings: Settings = request.json()?;
                let target = Target::parse(&settings.target_url).map_err(Failure::invalid)?;
                self.outbox.target = Some(target.url().to_string());
                self.outbox.concurrency = settings.throttling.max_concurrent_requests;
                self.outbox.created = self.now;
                Ok(Answer::ok(self.settings_json().unwrap_or_default()))
            }
            ("DELETE", ["settings"]) => {
                self.outbox.target = None;
                Ok(Answer::empty())
            }
            ("GET", ["subscriptions"]) => {
                let results: Vec<Value> =
                    self.outbox.subscriptions.values().map(|each| self.subscription(each)).collect();
                Ok(Answer::ok(json!({"results": results})))
            }
            ("POST", ["subscriptions"]) => {
                let subscription: Subscription = request.json()?;
                self.check_subscription(&subscription)?;
                let made = self.outbox.subscribe(Subscription { id: 0, ..subscription });
                Ok(Answer::created(self.subscription(&made)))
            }
            ("POST", ["subscriptions", "batch", "update"]) => {
                let switches: Switches = request.json()?;
                let known = |switch: &Switch| switch.id.is_some_and(|id| self.outbox.subscriptions.contains_key(&id));
                if !switches.inputs.iter().all(known) {
                    return Err(Failure::gone());
                }
                let mut results = Vec::new();
                for switch in switches.inputs {
                    results.push(self.switch(switch.id.unwrap_or_default(), switch.active)?);
                }
                Ok(self.batch_answer(200, results, Vec::new()))
            }
            ("GET", ["subscriptions", id]) => {
                let found = id.parse().ok().and_then(|id| self.outbox.subscriptions.get(&id));
                found.map(|found| Answer::ok(self.subscription(found))).ok_or_else(Failure::gone)
            }
            ("PATCH", ["subscriptions", id]) => {
                let switch: Switch = request.json()?;
                Ok(Answer::ok(self.switch(id.parse().unwrap_or_default(), switch.active)?))
            }
            ("DELETE", ["subscriptions", id]) => {
                let gone = id.parse().ok().and_then(|id: u64| self.outbox.subscriptions.remove(&id));
                gone.map(|_| Answer::empty()).ok_or_else(Failure::gone)
            }
            _ => Err(Failure::no_route()),
        }
    }

    pub fn check_subscription(&self, subscription: &Subscription) -> Result<(), Failure> {
        let event_type = &subscription.event_type;
        let (subject, verb) = event_type.split_once('.').unwrap_or_default();
        if !is_event(subject, verb) {
            return Err(Failure::invalid(format!("Unknown event type {event_type}")));
        }
        let generic = subject == "object";
        if generic && subscription.object_type_id.is_none() {
            return Err(Failure::invalid("Generic subscriptions need an objectTypeId"));
        }
        let type_id = subscription.object_type_id.as_deref().unwrap_or_default();
        let unwatched =
            |name: &&str| UNWATCHED.contains(name) || (generic && UNWATCHED_GENERIC.contains(&(type_id, *name)));
        if let Some(name) = subscription.property_name.as_deref().filter(unwatched) {
            return Err(Failure::invalid(format!("{name} cannot be subscribed to")));
        }
        if self.outbox.subscriptions.len() >= MOST_SUBSCRIPTIONS {
            return Err(Failure::invalid(format!("At most {MOST_SUBSCRIPTIONS} subscriptions are allowed")));
        }
        Ok(())
    }

    fn switch(&mut self, id: u64, active: bool) -> Result<Value, Failure> {
        let found = self.outbox.subscriptions.get_mut(&id).ok_or_else(Failure::gone)?;
        found.active = active;
        let found = found.clone();
        Ok(self.subscription(&found))
    }

    fn subscription(&self, subscription: &Subscription) -> Value {
        let mut body = json!({"id": subscription.id.to_string(), "eventType": subscription.event_type,
            "active": subscription.active, "createdAt": iso(self.outbox.created)});
        if let Some(name) = &subscription.property_name {
            body["propertyName"] = name.as_str().into();
        }
        if let Some(type_id) = &subscription.object_type_id {
            body["objectTypeId"] = type_id.as_str().into();
        }
        body
    }

    fn settings_json(&self) -> Option<Value> {
        let target = self.outbox.target.as_ref()?;
        Some(json!({"targetUrl": target, "createdAt": iso(self.outbox.created),
            "throttling": {"maxConcurrentRequests": self.outbox.concurrency}}))
    }
}

/// What HubSpot can tell of. Conversations and completed events can be subscribed to but do not happen here.
fn is_event(subject: &str, verb: &str) -> bool {
    let common = ["creation", "deletion", "propertyChange", "merge", "restore"].contains(&verb);
    match subject {
        "contact" => common || ["associationChange", "privacyDeletion"].contains(&verb),
        "object" | "company" | "deal" | "ticket" | "line_item" => common || verb == "associationChange",
        "product" => common,
        "conversation" => ["creation", "deletion", "newMessage", "privacyDeletion", "propertyChange"].contains(&verb),
        "event" => verb == "completed",
        _ => false,
    }
}

/// Delivers until the sandbox is gone. The clock is looked at every few milliseconds, because a test may push it.
pub async fn deliver(inner: Weak<Inner>) {
    let http = crate::outbound_client();
    loop {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let Some(inner) = inner.upgrade() else { return };
        let parcels = {
            let mut portal = lock(&inner.portal);
            portal.now = inner.clock.millis();
            if portal.outbox.idle() {
                continue;
            }
            portal.due_parcels()
        };
        for parcel in parcels {
            tokio::spawn(send(http.clone(), Arc::downgrade(&inner), parcel));
        }
    }
}

async fn send(http: reqwest::Client, inner: Weak<Inner>, parcel: Parcel) {
    let Some((request, timeout)) = inner.upgrade().and_then(|inner| prepared(&http, &inner.portal, &inner, &parcel))
    else {
        return;
    };
    let answer = tokio::time::timeout(timeout, request.send()).await;
    // Every 4xx and 5xx is tried again, as is silence; what else comes counts as taken.
    let taken =
        matches!(answer, Ok(Ok(answer)) if !answer.status().is_client_error() && !answer.status().is_server_error());
    if let Some(inner) = inner.upgrade() {
        let mut portal = lock(&inner.portal);
        portal.now = inner.clock.millis();
        portal.outbox.in_flight = portal.outbox.in_flight.saturating_sub(1);
        if !taken {
            portal.returned(parcel);
        }
    }
}

fn prepared(
    http: &reqwest::Client,
    portal: &Mutex<Portal>,
    inner: &Inner,
    parcel: &Parcel,
) -> Option<(reqwest::RequestBuilder, Duration)> {
    let mut portal = lock(portal);
    portal.now = inner.clock.millis();
    let target = portal.outbox.target.as_deref().and_then(|target| Target::parse(target).ok());
    let Some(target) = target else {
        portal.outbox.in_flight = portal.outbox.in_flight.saturating_sub(1);
        return None;
    };
    let (url, body) = (target.url().as_str(), Value::from(parcel.events.clone()).to_string());
    let mut request =
        http.post(url).header("content-type", "application/json").header("user-agent", "HubSpot Webhooks");
    for (name, value) in portal.signatures(url, &body) {
        request = request.header(name, value);
    }
    Some((request.body(body), Duration::from_millis(portal.config.webhooks.timeout_ms)))
}
