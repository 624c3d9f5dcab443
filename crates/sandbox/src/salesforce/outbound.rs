//! Outbound messages: the org posts changed records as SOAP until they are acknowledged.

use std::fmt::Write;
use std::sync::{Mutex, Weak};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::ids;
use super::org::Org;
use super::xml::{self, escaped};
use crate::Target;
use crate::faults::lock;

const LONGEST_WAIT_MS: i64 = 2 * 3600 * 1000;
const DROPPED_AFTER_MS: i64 = 24 * 3600 * 1000;

/// An outbound message as an admin sets it up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookRequest {
    /// Has been read by whoever passed the request on.
    #[serde(default, rename = "vendor")]
    _vendor: serde::de::IgnoredAny,
    pub target_url: String,
    /// Objects whose changes are sent.
    #[serde(default = "default_objects")]
    pub objects: Vec<String>,
    /// Fields sent beside the id.
    #[serde(default = "default_fields")]
    pub fields: Vec<String>,
    #[serde(default)]
    pub mishaps: Mishaps,
}

/// What goes wrong on the way.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mishaps {
    /// Share of notifications that are lost.
    lost: f64,
    /// Share of notifications that are sent twice, with one id.
    duplicates: f64,
    /// Share of notifications that leave late, by up to `late_ms`.
    late: f64,
    late_ms: i64,
    /// Notifications leave in random order.
    reorder: bool,
}

fn default_objects() -> Vec<String> {
    ["Lead", "Contact", "Account"].map(str::to_owned).to_vec()
}

fn default_fields() -> Vec<String> {
    vec!["Email".to_owned()]
}

struct Hook {
    target: Target,
    objects: Vec<String>,
    fields: Vec<String>,
    mishaps: Mishaps,
}

#[derive(Clone)]
struct Notification {
    id: String,
    hook: usize,
    object: String,
    record: String,
    born_ms: i64,
    due_ms: i64,
    attempts: u32,
}

/// What waits to be sent.
pub struct Outbox {
    hooks: Vec<Hook>,
    waiting: Vec<Notification>,
    made: u64,
    dice: fastrand::Rng,
}

impl Outbox {
    pub fn new(seed: u64) -> Outbox {
        Outbox { hooks: Vec::new(), waiting: Vec::new(), made: 0, dice: fastrand::Rng::with_seed(seed) }
    }

    pub fn add(&mut self, request: HookRequest) -> Result<(), String> {
        let target = Target::parse(&request.target_url)?;
        let HookRequest { objects, fields, mishaps, .. } = request;
        self.hooks.push(Hook { target, objects, fields, mishaps });
        Ok(())
    }

    pub fn wants(&self, object: &str) -> bool {
        self.hooks.iter().any(|hook| hook.objects.iter().any(|own| own == object))
    }

    pub fn note(&mut self, object: &str, record: &str, now_ms: i64) {
        for (hook, Hook { mishaps, .. }) in
            self.hooks.iter().enumerate().filter(|(_, hook)| hook.objects.iter().any(|own| own == object))
        {
            self.made += 1;
            if self.dice.f64() < mishaps.lost {
                continue;
            }
            let late = self.dice.f64() < mishaps.late;
            let one = Notification {
                id: ids::nth("04l", self.made),
                hook,
                object: object.to_owned(),
                record: record.to_owned(),
                born_ms: now_ms,
                due_ms: now_ms + if late { self.dice.i64(0..=mishaps.late_ms.max(0)) } else { 0 },
                attempts: 0,
            };
            let copies = if self.dice.f64() < mishaps.duplicates { 2 } else { 1 };
            for _ in 0..copies {
                let place = if mishaps.reorder { self.dice.usize(0..=self.waiting.len()) } else { self.waiting.len() };
                self.waiting.insert(place, one.clone());
            }
        }
    }

    /// Takes what is due for one hook and one object: a message carries one kind of object.
    fn take_due(&mut self, now_ms: i64, most: usize) -> Vec<Notification> {
        self.waiting.retain(|one| now_ms - one.born_ms < DROPPED_AFTER_MS);
        let Some(first) = self.waiting.iter().find(|one| one.due_ms <= now_ms).cloned() else { return Vec::new() };
        let mut taken = Vec::new();
        self.waiting.retain(|one| {
            let fits = one.due_ms <= now_ms && one.hook == first.hook && one.object == first.object;
            let take = fits && taken.len() < most.max(1);
            if take {
                taken.push(one.clone());
            }
            !take
        });
        taken
    }

    fn put_back(&mut self, sent: Vec<Notification>, now_ms: i64, first_wait_ms: i64) {
        self.waiting.extend(sent.into_iter().map(|mut one| {
            let doubled = first_wait_ms.saturating_mul(1 << one.attempts.min(20));
            one.attempts += 1;
            one.due_ms = now_ms.saturating_add(doubled.min(LONGEST_WAIT_MS));
            one
        }));
    }
}

/// The message, with every record as it is now: what it was when the change happened is lost.
fn message(org: &Org, batch: &[Notification]) -> Option<(Target, String)> {
    let first = batch.first()?;
    let hook = org.outbox.hooks.get(first.hook)?;
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body><notifications \
         xmlns=\"http://soap.sforce.com/2005/09/outbound\"><OrganizationId>{org_id}</OrganizationId>\
         <ActionId>{action}</ActionId><SessionId xsi:nil=\"true\"/>\
         <EnterpriseUrl>{base}/services/Soap/c/62.0/{org_id}</EnterpriseUrl>\
         <PartnerUrl>{base}/services/Soap/u/62.0/{org_id}</PartnerUrl>",
        org_id = org.id,
        action = ids::nth("04k", first.hook as u64 + 1),
        base = org.base_url,
    );
    for one in batch {
        let row = org.tables.get(&one.object, &one.record);
        let fields = hook.fields.iter().map(|name| (name, row.map_or(&Value::Null, |row| row.get(name))));
        let mut parts = String::new();
        for (name, value) in fields.filter(|(name, value)| !value.is_null() && *name != "Id") {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let text = xml_datetime(&text).unwrap_or(text);
            let written = write!(parts, "<sf:{name}>{}</sf:{name}>", escaped(&text));
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
        let written = write!(
            xml,
            "<Notification><Id>{}</Id><sObject xsi:type=\"sf:{}\" \
             xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\"><sf:Id>{}</sf:Id>{parts}</sObject></Notification>",
            one.id, one.object, one.record
        );
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    xml.push_str("</notifications></soapenv:Body></soapenv:Envelope>");
    Some((hook.target.clone(), xml))
}

/// SOAP writes datetimes as XML Schema does, unlike REST.
fn xml_datetime(text: &str) -> Option<String> {
    text.strip_suffix(".000+0000").map(|start| format!("{start}.000Z"))
}

fn acknowledged(status: u16, body: &str) -> bool {
    let ack = xml::parse(body).and_then(|root| root.find("Ack").map(|ack| ack.text.trim() == "true"));
    status == 200 && ack == Some(true)
}

/// Delivers until the org is gone.
pub async fn deliver(org: Weak<Mutex<Org>>) {
    let client = crate::outbound_client();
    loop {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let Some(shared) = org.upgrade() else { return };
        let (batch, letter) = {
            let mut org = lock(&shared);
            let (now_ms, most) = (org.clock.millis(), org.config.outbound_batch);
            let batch = org.outbox.take_due(now_ms, most);
            let letter = message(&org, &batch);
            (batch, letter)
        };
        let Some((target, xml)) = letter else { continue };
        let request = client.post(target.url().clone()).header("content-type", "text/xml; charset=UTF-8");
        let answer = request.header("soapaction", "\"\"").body(xml).send().await;
        let taken = match answer {
            Ok(response) => {
                let status = response.status().as_u16();
                acknowledged(status, &response.text().await.unwrap_or_default())
            }
            Err(_) => false,
        };
        if !taken {
            let mut org = lock(&shared);
            let (now_ms, wait) = (org.clock.millis(), org.config.outbound_retry_ms);
            org.outbox.put_back(batch, now_ms, wait);
        }
    }
}
