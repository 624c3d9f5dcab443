//! The properties of every connector, proved for HubSpot's against the sandbox.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use mittler_connector::{
    Connector, Key, RawHook, RowResult, Write,
    http::{Dialect, Http},
    kit::{Account, Asked, Case, FeedFacts, Hooks, Peer, Subject, Wire, prove},
};
use mittler_connector_hubspot::{DEFAULT_MAPPING, DIALECT, HubSpot, Settings};
use mittler_core::{RemoteFields, Time, Value};
use mittler_sandbox::{Config, Sandbox};
use secrecy::SecretString;
use serde_json::json;
use sha2::Sha256;
use uuid::Uuid;

const HOOK: &str = "https://mittler.example/hooks/hubspot";

#[tokio::test]
async fn hubspot_has_the_properties_of_every_connector() {
    // Searches show nothing that was deleted.
    prove(&["a_deletion_is_told_where_the_feed_tells_them"], open).await;
}

async fn open(account: Account) -> Arc<dyn Peer> {
    let mut config = Config::default();
    config.hubspot.mittler_id = account == Account::Ready;
    config.hubspot.search_lag_ms = 0;
    // The properties let the clock stand, and a limit of each second with it.
    config.hubspot.limits.search_per_second = 0;
    config.hubspot.limits.burst = 0;
    Arc::new(Portal(Sandbox::start(([127, 0, 0, 1], 0).into(), config).await.unwrap()))
}

struct Portal(Sandbox);

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn contact(n: usize) -> RemoteFields {
    let fields =
        [("email", format!("huber{n}@acme.de")), ("lastname", format!("Huber {n}")), ("city", format!("Ort {n}"))];
    fields.into_iter().map(|(name, value)| (name.to_owned(), Some(Value::Text(value)))).collect()
}

fn bad_contact(n: usize) -> RemoteFields {
    let mut fields = contact(n);
    fields.set("email", text("no address"));
    fields
}

/// Creates a record, or finds the one of an earlier call, and gives its id.
async fn make(crm: &dyn Connector, remote_type: &str, own_key: &str, pairs: &[(&str, Value)]) -> String {
    let fields = pairs.iter().map(|(name, value)| ((*name).to_owned(), Some(value.clone()))).collect();
    let create = Write::Create { tag: Uuid::new_v4(), own_key: own_key.to_owned(), fields, allow_duplicate: false };
    match crm.push(remote_type, &[create]).await.unwrap().remove(0).result {
        RowResult::Written { id, .. } => id,
        other => panic!("{remote_type} is not written: {other:?}"),
    }
}

async fn make_contact(crm: &dyn Connector) -> String {
    make(crm, "contacts", "find-contacts", &[("email", text("Kaya@kaya.example"))]).await
}

async fn make_company(crm: &dyn Connector) -> String {
    let pairs = [("name", text("Blech AG")), ("domain", text("blech.example"))];
    make(crm, "companies", "find-companies", &pairs).await
}

async fn make_fair(crm: &dyn Connector) -> String {
    let pairs = [
        ("eventName", text("Blechexpo")),
        ("eventOrganizer", text("-")),
        ("eventType", text("TRADESHOW")),
        ("startDateTime", Value::Date("2026-04-20".parse().unwrap())),
    ];
    make(crm, "marketing_events", "find-marketing_events", &pairs).await
}

/// A webhook of HubSpot's, as it signs them.
fn hook(secret: &str, signed_at: Time, portal: u64) -> RawHook {
    let (timestamp, body) = (
        signed_at.millis().to_string(),
        json!([{
            "portalId": portal, "objectId": 903, "eventId": 41, "subscriptionId": 51, "appId": 71, "attemptNumber": 0,
            "occurredAt": signed_at.millis(), "subscriptionType": "contact.propertyChange", "propertyName": "city",
            "propertyValue": "Ulm", "changeSource": "CRM_UI",
        }])
        .to_string(),
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("POST{HOOK}{body}{timestamp}").as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let headers = [("x-hubspot-signature-v3", signature), ("x-hubspot-request-timestamp", timestamp)];
    RawHook {
        method: "POST".into(),
        uri: HOOK.into(),
        path_secret: String::new(),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        body: body.into(),
    }
}

#[async_trait]
impl Peer for Portal {
    fn base_url(&self) -> String {
        self.0.access().hubspot.base_url
    }

    fn dialect(&self) -> Dialect {
        DIALECT
    }

    fn token(&self) -> SecretString {
        self.0.access().hubspot.access_token.into()
    }

    fn connect(&self, http: Http, base_url: &str) -> Arc<dyn Connector> {
        let access = self.0.access().hubspot;
        let settings = Settings {
            base_url: base_url.to_owned(),
            portal_id: Some(access.portal_id.to_string()),
            client_secret: Some(access.client_secret.into()),
            hook_uri: HOOK.into(),
            ..Settings::default()
        };
        Arc::new(HubSpot::new(http, settings))
    }

    fn writes(&self, asked: &Asked) -> bool {
        let reads = ["/search", "/batch/read"].iter().any(|words| asked.path.contains(words));
        asked.method != "GET" && !reads
    }

    fn answer(&self, case: Case, asked: &Asked) -> Result<Wire, &'static str> {
        let refused = |status, category: &str| {
            Wire::json(status, &json!({"status": "error", "category": category, "message": "no", "errors": []}))
        };
        // The one row of the batch, by the id that its write gave it.
        let row = |status, category: &str| {
            let trace = asked.json().map(|body| body["inputs"][0]["objectWriteTraceId"].clone());
            let error = json!({"status": "error", "category": category, "message": "no",
                               "context": {"objectWriteTraceId": [trace]}});
            Wire::json(status, &json!({"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [error]}))
        };
        Ok(match case {
            Case::Limited => Wire::json(
                429,
                &json!({"status": "error", "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING",
                       "message": "You have reached your ten_secondly_rolling limit."}),
            )
            .header("retry-after", "7"),
            Case::TokenRejected => refused(401, "EXPIRED_AUTHENTICATION"),
            Case::Shut => refused(403, "MISSING_SCOPES"),
            Case::ErrorInside => row(200, "VALIDATION_ERROR"),
            Case::UnknownCode if asked.path.contains("/batch/upsert") => row(207, "NEVER_HEARD_OF"),
            Case::UnknownCode => refused(400, "NEVER_HEARD_OF"),
            Case::Down => Wire::new(503, "<html>Down for maintenance</html>"),
        })
    }

    fn subject(&self) -> Subject {
        Subject { remote_type: "contacts", fields: contact, field: "city", bad: bad_contact, missing_id: "999999999" }
    }

    async fn count(&self, remote_type: &str) -> usize {
        let state = self.0.hubspot().state();
        let records = state[remote_type].as_array();
        records.map_or(0, |records| records.iter().filter(|record| record["archived"] == false).count())
    }

    async fn find_me(&self, crm: &dyn Connector, remote_type: &str) -> Vec<Key> {
        let own = format!("find-{remote_type}");
        let with = |id: String, more: &[Key]| [&[Key::Id(id), Key::Own(own.clone())], more].concat();
        match remote_type {
            "companies" => {
                let more = [Key::Domain("blech.example".into()), Key::Name("Blech AG".into())];
                with(make_company(crm).await, &more)
            }
            "marketing_events" => with(make_fair(crm).await, &[]),
            "contacts" => with(make_contact(crm).await, &[Key::Email("kaya@kaya.example".into())]),
            "attendance" => {
                let (event, contact) = (make_fair(crm).await, make_contact(crm).await);
                let pairs = [
                    ("event", Value::RemoteRef(event.clone())),
                    ("contact", Value::RemoteRef(contact.clone())),
                    ("at", Value::instant("2026-04-20T10:00:00Z".parse().unwrap())),
                    ("state", Value::choice("attended")),
                ];
                make(crm, remote_type, &own, &pairs).await;
                vec![Key::Pair(event, contact)]
            }
            "contacts_to_companies" => {
                let (contact, company) = (make_contact(crm).await, make_company(crm).await);
                let pairs = [("from", Value::RemoteRef(contact.clone())), ("to", Value::RemoteRef(company.clone()))];
                make(crm, remote_type, &own, &pairs).await;
                vec![Key::Pair(contact, company)]
            }
            "tasks" | "emails" | "notes" => {
                let contact = make_contact(crm).await;
                let at = Value::instant("2026-04-20T08:30:00Z".parse().unwrap());
                let mut pairs = vec![("hs_timestamp", at), ("contact", Value::RemoteRef(contact.clone()))];
                pairs.extend(match remote_type {
                    "tasks" => {
                        vec![("hs_task_subject", text("Call")), ("hs_task_status", Value::choice("NOT_STARTED"))]
                    }
                    "emails" => vec![
                        ("hs_email_subject", text("Re: Messe")),
                        ("hs_email_direction", Value::choice("INCOMING_EMAIL")),
                    ],
                    _ => vec![("hs_note_body", text("Zeile"))],
                });
                vec![Key::Id(make(crm, remote_type, &own, &pairs).await), Key::Parent(contact)]
            }
            "owners" => {
                let email = Key::Email("vertrieb-sued@example.com".into());
                let found = crm.read(remote_type, std::slice::from_ref(&email), &[]).await.unwrap();
                vec![Key::Id(found[0].id.clone()), email]
            }
            other => panic!("no record of {other}"),
        }
    }

    fn now(&self) -> Time {
        self.0.clock().now().into()
    }

    fn turn_clock(&self, seconds: i64) -> Result<(), &'static str> {
        self.0.clock().hold();
        self.0.clock().advance_seconds(seconds);
        Ok(())
    }

    async fn settle(&self, _: Duration) {}

    fn feed(&self) -> FeedFacts {
        FeedFacts {
            late: Duration::from_mins(1),
            page: 200,
            expired: Err("a time stamp does not expire"),
            tells_deletions: Err("searches show nothing that was deleted"),
        }
    }

    fn default_mapping(&self) -> &'static str {
        DEFAULT_MAPPING
    }

    fn hooks(&self) -> Result<Hooks, &'static str> {
        let access = self.0.access().hubspot;
        let (secret, now) = (access.client_secret.as_str(), self.now());
        let long_ago = now.minus(Duration::from_mins(10));
        Ok(Hooks {
            now,
            genuine: hook(secret, now, access.portal_id),
            remote_type: "contacts".into(),
            id: "903".into(),
            forged: hook("another", now, access.portal_id),
            stale: Ok(hook(secret, long_ago, access.portal_id)),
            foreign: Ok(hook(secret, now, access.portal_id + 1)),
        })
    }
}
