//! Webhook events: what happened, who subscribed to it, and the batches waiting to leave.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::config::{Subscription, Webhooks};
use super::portal::Portal;
use super::table::Actor;

pub enum Happening {
    Creation,
    Deletion,
    Restore,
    PrivacyDeletion,
    Change {
        name: String,
        value: String,
    },
    Merge {
        primary: u64,
        merged: Vec<u64>,
        new: u64,
        moved: u64,
    },
    Association {
        from: usize,
        from_id: u64,
        to: usize,
        to_id: u64,
        type_id: u64,
        category: &'static str,
        removed: bool,
        primary: bool,
    },
}

/// Events that leave together, once their time has come.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub events: Vec<Value>,
    pub attempt: u64,
    pub due: i64,
}

#[derive(Default)]
pub struct Outbox {
    pub target: Option<String>,
    pub concurrency: usize,
    pub subscriptions: BTreeMap<u64, Subscription>,
    next_subscription: u64,
    next_event: u64,
    /// Collected and not yet packed.
    gathered: Vec<Value>,
    gathered_since: i64,
    pub waiting: Vec<Parcel>,
    pub in_flight: usize,
    pub duplicates: f64,
    pub reorder: bool,
    pub lost: f64,
    pub late: f64,
    pub late_ms: i64,
    pub created: i64,
}

impl Outbox {
    pub fn new(config: &Webhooks) -> Outbox {
        let mut outbox = Outbox {
            target: config.target_url.clone(),
            concurrency: config.concurrency,
            next_subscription: 7_662_269,
            next_event: 1_765_889_350,
            duplicates: config.duplicates,
            reorder: config.reorder,
            lost: config.lost,
            late: config.late,
            late_ms: config.late_ms,
            ..Outbox::default()
        };
        for subscription in &config.subscriptions {
            outbox.subscribe(subscription.clone());
        }
        outbox
    }

    pub fn subscribe(&mut self, mut subscription: Subscription) -> Subscription {
        if subscription.id == 0 {
            subscription.id = self.next_subscription;
            self.next_subscription += 1;
        }
        self.subscriptions.insert(subscription.id, subscription.clone());
        subscription
    }

    /// Uninstalling the app takes its webhooks away.
    pub fn forget_app(&mut self) {
        self.target = None;
        self.subscriptions.clear();
        self.gathered.clear();
        self.waiting.clear();
    }

    pub fn idle(&self) -> bool {
        self.gathered.is_empty() && self.waiting.is_empty() && self.in_flight == 0
    }
}

impl Portal {
    /// One event for every subscription that wants it.
    pub fn emit(&mut self, kind: usize, id: u64, happening: &Happening) {
        if self.outbox.target.is_none() {
            return;
        }
        let (verb, property) = match happening {
            Happening::Creation => ("creation", None),
            Happening::Deletion => ("deletion", None),
            Happening::Restore => ("restore", None),
            Happening::PrivacyDeletion => ("privacyDeletion", None),
            Happening::Change { name, .. } => ("propertyChange", Some(name.as_str())),
            Happening::Merge { .. } => ("merge", None),
            Happening::Association { .. } => ("associationChange", None),
        };
        let (type_id, singular) = (self.tables[kind].id.clone(), self.tables[kind].singular.clone());
        let matching: Vec<(u64, String, bool)> = self
            .outbox
            .subscriptions
            .values()
            .filter(|subscription| subscription.active)
            .filter_map(|subscription| {
                let (subject, wanted) = subscription.event_type.split_once('.')?;
                let generic = subject == "object";
                let fits = if generic {
                    verb != "privacyDeletion"
                        && subscription.object_type_id.as_ref().is_none_or(|wanted| *wanted == type_id)
                } else {
                    subject == singular
                };
                let named = subscription
                    .property_name
                    .as_deref()
                    .is_none_or(|wanted| property.is_none_or(|name| name == wanted));
                (wanted == verb && fits && named).then(|| (subscription.id, subscription.event_type.clone(), generic))
            })
            .collect();
        for (subscription, event_type, generic) in matching {
            let event = self.event(id, &type_id, happening, subscription, &event_type, generic);
            if self.chance(self.outbox.lost) {
                continue;
            }
            if self.chance(self.outbox.late) {
                let due = self.now + self.dice.i64(0..=self.outbox.late_ms.max(0));
                self.outbox.waiting.push(Parcel { events: vec![event], attempt: 0, due });
                continue;
            }
            if self.outbox.gathered.is_empty() {
                self.outbox.gathered_since = self.now;
            }
            let copies = if self.dice.f64() < self.outbox.duplicates { 2 } else { 1 };
            for _ in 0..copies {
                self.outbox.gathered.push(event.clone());
            }
        }
    }

    /// What never happens draws no number, so that it does not shift what else a seed gives.
    fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.dice.f64() < share
    }

    fn event(
        &mut self,
        id: u64,
        type_id: &str,
        happening: &Happening,
        subscription: u64,
        event_type: &str,
        generic: bool,
    ) -> Value {
        let (source, source_id) = match self.actor {
            Actor::App(app) => ("INTEGRATION", app.to_string()),
            Actor::User(user) => ("CRM_UI", format!("userId:{user}")),
        };
        let mut event = json!({"eventId": self.outbox.next_event, "subscriptionId": subscription,
            "portalId": self.config.portal_id, "appId": self.config.app_id, "occurredAt": self.now,
            "subscriptionType": event_type, "attemptNumber": 0, "objectId": id,
            "changeSource": source, "sourceId": source_id});
        self.outbox.next_event += 1;
        if generic {
            event["objectTypeId"] = type_id.into();
        }
        match happening {
            Happening::Creation => {
                event["changeFlag"] = "CREATED".into();
                if self.config.creation_without_source_id
                    && let Some(fields) = event.as_object_mut()
                {
                    fields.remove("sourceId");
                }
            }
            // What a restore event carries beyond the id is not known.
            Happening::Restore => {}
            Happening::Deletion | Happening::PrivacyDeletion => event["changeFlag"] = "DELETED".into(),
            Happening::Change { name, value } => {
                event["propertyName"] = name.as_str().into();
                event["propertyValue"] = value.as_str().into();
                event["isSensitive"] = false.into();
            }
            Happening::Merge { primary, merged, new, moved } => {
                event["primaryObjectId"] = (*primary).into();
                event["mergedObjectIds"] = merged.clone().into();
                event["newObjectId"] = (*new).into();
                event["numberOfPropertiesMoved"] = (*moved).into();
            }
            Happening::Association { from, from_id, to, to_id, type_id, category, removed, primary } => {
                let (from, to) = (&self.tables[*from], &self.tables[*to]);
                if let Some(fields) = event.as_object_mut() {
                    fields.remove("objectId");
                }
                let name = format!("{}_TO_{}", from.singular.to_uppercase(), to.singular.to_uppercase());
                event["associationType"] = name.into();
                event["fromObjectId"] = (*from_id).into();
                event["toObjectId"] = (*to_id).into();
                event["associationRemoved"] = (*removed).into();
                event["isPrimaryAssociation"] = (*primary).into();
                if generic {
                    event["fromObjectTypeId"] = from.id.as_str().into();
                    event["toObjectTypeId"] = to.id.as_str().into();
                    event["associationTypeId"] = (*type_id).into();
                    event["associationCategory"] = (*category).into();
                }
            }
        }
        event
    }

    /// Packs what has been gathered long enough, and gives out what is due, as far as concurrency allows.
    pub fn due_parcels(&mut self) -> Vec<Parcel> {
        let size = self.config.webhooks.batch_size.clamp(1, 100);
        let full = self.outbox.gathered.len() >= size;
        let ripe = self.now - self.outbox.gathered_since >= self.config.webhooks.gather_ms;
        if full || (ripe && !self.outbox.gathered.is_empty()) {
            let mut events = std::mem::take(&mut self.outbox.gathered);
            if self.outbox.reorder {
                self.dice.shuffle(&mut events);
            }
            let due = self.now;
            let parcels = events.chunks(size).map(|events| Parcel { events: events.to_vec(), attempt: 0, due });
            self.outbox.waiting.extend(parcels);
            if self.outbox.reorder {
                self.dice.shuffle(&mut self.outbox.waiting);
            }
        }
        let mut free = self.outbox.concurrency.saturating_sub(self.outbox.in_flight);
        let (mut out, mut kept) = (Vec::new(), Vec::new());
        for parcel in std::mem::take(&mut self.outbox.waiting) {
            if parcel.due <= self.now && free > 0 {
                free -= 1;
                out.push(parcel);
            } else {
                kept.push(parcel);
            }
        }
        self.outbox.waiting = kept;
        self.outbox.in_flight += out.len();
        out
    }

    /// A parcel came back undelivered: it waits, until its attempts are used up.
    pub fn returned(&mut self, mut parcel: Parcel) {
        let place = usize::try_from(parcel.attempt).unwrap_or(usize::MAX);
        let Some(&pause) = self.config.webhooks.retry_pauses_ms.get(place) else { return };
        let quarter = (pause / 4).max(1);
        parcel.attempt += 1;
        parcel.due = self.now + pause + self.dice.i64(-quarter..=quarter);
        for event in &mut parcel.events {
            event["attemptNumber"] = parcel.attempt.into();
        }
        self.outbox.waiting.push(parcel);
    }

    /// The signature headers of a delivery; each attempt is signed anew.
    pub fn signatures(&self, url: &str, body: &str) -> Vec<(&'static str, String)> {
        let (secret, stamp) = (&self.config.client_secret, self.now.to_string());
        vec![
            ("x-hubspot-signature", signature_v1(secret, body)),
            ("x-hubspot-signature-version", "v1".to_owned()),
            ("x-hubspot-signature-v3", signature_v3(secret, "POST", url, body, &stamp)),
            ("x-hubspot-request-timestamp", stamp),
        ]
    }
}

fn signature_v1(secret: &str, body: &str) -> String {
    hex::encode(Sha256::new().chain_update(secret).chain_update(body).finalize())
}

fn signature_v3(secret: &str, method: &str, url: &str, body: &str, stamp: &str) -> String {
    // HMAC takes keys of any length, so the error cannot occur; an empty signature would simply not verify.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    for part in [method, &signed_form(url), body, stamp] {
        mac.update(part.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Of all escapes only these are decoded before signing.
fn signed_form(url: &str) -> String {
    const DECODED: [(&str, &str); 12] = [
        ("%3A", ":"),
        ("%2F", "/"),
        ("%3F", "?"),
        ("%40", "@"),
        ("%21", "!"),
        ("%24", "$"),
        ("%27", "'"),
        ("%28", "("),
        ("%29", ")"),
        ("%2A", "*"),
        ("%2C", ","),
        ("%3B", ";"),
    ];
    DECODED
        .iter()
        .fold(url.to_owned(), |url, (escape, plain)| url.replace(escape, plain).replace(&escape.to_lowercase(), plain))
}

#[cfg(test)]
mod tests {
    use super::{signature_v1, signature_v3};

    #[test]
    fn signatures_match_the_published_vectors() {
        let (secret, url) = ("yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "https://www.example.com/webhook_uri");
        let body = "{'example_field':'example_value'}";
        assert_eq!(
            signature_v3(secret, "POST", url, body, "1693657560000"),
            "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
        );
        assert_eq!(signature_v1(secret, body), "69fc6631a867edd4f9e9e627fc5c1148e3fbdd8b21837b6d2b8901c1fa57f750");
        let query = "https://example.com/api/hubspot/webhooks?src=hs%3Aapp%2Fv3&x=%28a%29";
        assert_eq!(
            signature_v3("autopilot-test-client-secret-0001", "POST", query, "[]", "1790000004000"),
            "G8ddQlikFQ0ScZOZn+MHQ0E3WCV7vOJTzKlvrkvbvuk="
        );
    }
}
