//! The properties of every connector, proved for Salesforce's against the sandbox.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use mittler_connector::{
    Connector, Key, RawHook, RowResult, Write,
    http::{Dialect, Http},
    kit::{Account, Asked, Case, FeedFacts, Hooks, Peer, Subject, Wire, prove},
};
use mittler_connector_salesforce::{DEFAULT_MAPPING, DIALECT, Salesforce, Settings};
use mittler_core::{RemoteFields, Time, Value};
use mittler_sandbox::{Config, Sandbox, salesforce::Config as Org};
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

const SECRET: &str = "unguessable";
const LEAD: &str = "00Q5g00000001bCdEE";

#[tokio::test]
async fn salesforce_has_the_properties_of_every_connector() {
    let not_applicable = [
        // No history of fields is kept at first.
        "the_history_names_the_last_value_and_when_it_was_set",
        // Outbound messages carry no time.
        "a_hook_of_long_ago_is_refused",
    ];
    prove(&not_applicable, open).await;
}

async fn open(account: Account) -> Arc<dyn Peer> {
    let mut org = Org { max_page_size: 10, min_page_size: 5, session_seconds: 1_000_000, ..Org::default() };
    if account == Account::Bare {
        org.custom_fields.clear();
    }
    let config = Config { salesforce: org, ..Config::default() };
    Arc::new(Organisation(Sandbox::start(([127, 0, 0, 1], 0).into(), config).await.unwrap()))
}

struct Organisation(Sandbox);

fn fields(pairs: &[(&str, &str)]) -> RemoteFields {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), Some(Value::Text((*text).to_owned())))).collect()
}

fn lead(n: usize) -> RemoteFields {
    let (name, email, city) = (format!("Huber {n}"), format!("huber{n}@acme.de"), format!("Ort {n}"));
    fields(&[("LastName", &name), ("Company", "ACME"), ("Email", &email), ("City", &city)])
}

fn bad_lead(n: usize) -> RemoteFields {
    let mut fields = lead(n);
    fields.0.remove("LastName");
    fields
}

/// Creates a record, or finds the one of an earlier call, and gives its id.
async fn make(crm: &dyn Connector, remote_type: &str, own_key: &str, pairs: &[(&str, &str)]) -> String {
    let (tag, own_key, fields) = (Uuid::new_v4(), own_key.to_owned(), fields(pairs));
    let create = Write::Create { tag, own_key, fields, allow_duplicate: false };
    match crm.push(remote_type, &[create]).await.unwrap().remove(0).result {
        RowResult::Written { id, .. } => id,
        other => panic!("{remote_type} is not written: {other:?}"),
    }
}

async fn make_lead(crm: &dyn Connector) -> String {
    let pairs = [("LastName", "Kaya"), ("Company", "Kaya KG"), ("Email", "kaya@kaya.example")];
    make(crm, "Lead", "find-lead", &pairs).await
}

#[async_trait]
impl Peer for Organisation {
    fn base_url(&self) -> String {
        self.0.access().salesforce.base_url
    }

    fn dialect(&self) -> Dialect {
        DIALECT
    }

    fn token(&self) -> SecretString {
        self.0.access().salesforce.access_token.into()
    }

    fn connect(&self, http: Http, base_url: &str) -> Arc<dyn Connector> {
        let organization_id = Some(self.0.access().salesforce.organization_id);
        let settings = Settings { organization_id, hook_secret: SECRET.into(), ..Settings::new(base_url) };
        Arc::new(Salesforce::new(http, settings))
    }

    fn writes(&self, asked: &Asked) -> bool {
        asked.method != "GET"
    }

    fn answer(&self, case: Case, asked: &Asked) -> Result<Wire, &'static str> {
        let refused = |status, code: &str, message: &str| {
            Ok(Wire::json(status, &json!([{"errorCode": code, "message": message, "fields": []}])))
        };
        let row = |code: &str| {
            let errors = json!([{"statusCode": code, "message": "no", "fields": []}]);
            Ok(Wire::json(200, &json!([{"success": false, "errors": errors}])))
        };
        match case {
            Case::Limited => refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
            Case::TokenRejected => refused(401, "INVALID_SESSION_ID", "Session expired or invalid"),
            Case::Shut => refused(403, "API_DISABLED_FOR_ORG", "API is not enabled for this Organization"),
            Case::ErrorInside => row("FIELD_CUSTOM_VALIDATION_EXCEPTION"),
            Case::UnknownCode if self.writes(asked) => row("NEVER_HEARD_OF"),
            Case::UnknownCode => refused(400, "NEVER_HEARD_OF", "no"),
            Case::Down => Ok(Wire::new(503, "<html>Down for maintenance</html>")),
        }
    }

    fn subject(&self) -> Subject {
        Subject { remote_type: "Lead", fields: lead, field: "City", bad: bad_lead, missing_id: "00QMi0000099999MAA" }
    }

    async fn count(&self, remote_type: &str) -> usize {
        self.0.salesforce().state()[remote_type].as_array().map_or(0, Vec::len)
    }

    async fn find_me(&self, crm: &dyn Connector, remote_type: &str) -> Vec<Key> {
        let own = format!("find-{}", remote_type.to_lowercase());
        let with = |id: String, more: &[Key]| [&[Key::Id(id), Key::Own(own.clone())], more].concat();
        match remote_type {
            "Account" => {
                let pairs = [("Name", "Blech AG"), ("Website", "https://www.Blech.example/start")];
                let id = make(crm, remote_type, &own, &pairs).await;
                with(id, &[Key::Domain("blech.example".into()), Key::Name("Blech AG".into())])
            }
            "Campaign" => {
                let id = make(crm, remote_type, &own, &[("Name", "Blechexpo")]).await;
                with(id, &[Key::Name("Blechexpo".into())])
            }
            "Lead" => with(make_lead(crm).await, &[Key::Email("kaya@kaya.example".into())]),
            "Contact" => {
                let pairs = [("LastName", "O'Brien"), ("Email", "O'Brien@ACME.example")];
                with(make(crm, remote_type, &own, &pairs).await, &[Key::Email("o'brien@acme.example".into())])
            }
            "CampaignMember" => {
                let (lead, statuses) = (make_lead(crm).await, ("_member_statuses", "Sent;Registered"));
                let campaign = make(crm, "Campaign", "find-fair", &[("Name", "Hannover Messe"), statuses]).await;
                let pairs = [("CampaignId", campaign.as_str()), ("LeadId", &lead), ("Status", "Registered")];
                vec![Key::Id(make(crm, remote_type, &own, &pairs).await), Key::Pair(campaign, lead)]
            }
            "Task" => {
                let lead = make_lead(crm).await;
                let pairs = [("WhoId", lead.as_str()), ("Subject", "Call"), ("Status", "Completed")];
                vec![Key::Id(make(crm, remote_type, &own, &pairs).await), Key::Parent(lead)]
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
        // A long transaction commits after later stamps.
        let late = Duration::from_mins(5);
        FeedFacts { late, page: 10, expired: Err("a time stamp does not expire"), tells_deletions: Ok(()) }
    }

    fn default_mapping(&self) -> &'static str {
        DEFAULT_MAPPING
    }

    fn hooks(&self) -> Result<Hooks, &'static str> {
        let hook = |secret: &str, organisation: &str| RawHook {
            method: "POST".into(),
            uri: "https://mittler.example/hooks/salesforce".into(),
            path_secret: secret.into(),
            headers: Vec::new(),
            body: format!(
                "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
                 xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><e:Body>\
                 <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">\
                 <OrganizationId>{organisation}</OrganizationId><Notification><Id>04l080002n0001BAAU</Id>\
                 <sObject xsi:type=\"sf:Lead\" xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\">\
                 <sf:Id>{LEAD}</sf:Id></sObject></Notification></notifications></e:Body></e:Envelope>"
            )
            .into(),
        };
        let ours = self.0.access().salesforce.organization_id;
        Ok(Hooks {
            now: self.now(),
            genuine: hook(SECRET, &ours),
            remote_type: "Lead".into(),
            id: LEAD.into(),
            forged: hook("guessed", &ours),
            stale: Err("outbound messages carry no time"),
            foreign: Ok(hook(SECRET, "00Dxx0000001gPLEAY")),
        })
    }
}
