//! One org: its schema, records, users and sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::bulk::Jobs;
use super::catalog;
use super::config::Config;
use super::cursors::Cursors;
use super::ids;
use super::oauth::Sessions;
use super::outbound::Outbox;
use super::schema::Schema;
use super::tables::{Fields, Row, Tables};
use super::values;
use crate::journal::{Act, By, Change, Entry};
use crate::{Clock, Journal, Vendor};

/// Who writes, and what the request headers said about writing.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user: String,
    pub client: Option<String>,
    pub assign: Assign,
    /// `allowSave` of the duplicate rule header.
    pub allow_save: bool,
    pub record_details: bool,
    /// A click in the user interface rather than an API call.
    pub human: bool,
}

/// `Sforce-Auto-Assign`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assign {
    ActiveRule,
    Never,
    Rule(String),
}

/// Users of the seeded org: user name, first name, last name.
const PEOPLE: [(&str, &str, &str); 4] = [
    ("integration@mittler.example.com", "Mittler", "Integration"),
    ("vertrieb-sued@example.com", "Sabine", "Huber"),
    ("vertrieb-nord@example.com", "Jens", "Petersen"),
    ("innendienst@example.com", "Aylin", "Kaya"),
];
/// What every write sets, whatever it is about.
const STAMPS: [&str; 6] =
    ["Id", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"];
pub const QUEUE: &str = "Messe_Leads";

/// The user that API clients act as.
pub fn integration_user() -> String {
    ids::nth("005", 1)
}

/// The person who makes simulated edits.
pub fn human_user() -> String {
    ids::nth("005", 2)
}

pub struct Org {
    pub config: Config,
    pub clock: Clock,
    pub base_url: String,
    pub schema: Arc<Schema>,
    pub tables: Tables,
    pub sessions: Sessions,
    pub cursors: Cursors,
    pub jobs: Jobs,
    pub outbox: Outbox,
    pub id: String,
    /// When the schema last changed, for conditional describes.
    pub schema_since: jiff::Timestamp,
    /// API calls by hour since 1970, for the rolling day.
    usage: BTreeMap<i64, u64>,
    /// How often each client name of `Sforce-Call-Options` was seen.
    pub clients: BTreeMap<String, u64>,
    /// Ids of records that a sharing rule keeps from the users of the API.
    pub hidden: BTreeSet<String>,
    journal: Journal,
}

impl Org {
    pub fn new(config: Config, clock: Clock, journal: Journal, seed: u64, base_url: String) -> Org {
        let schema = Schema::new(catalog::objects(config.lead_owner_may_be_queue), &config);
        let mut org = Org {
            tables: Tables::new(schema.objects()),
            schema: Arc::new(schema),
            id: ids::with_checksum("00DMi0000000001"),
            schema_since: values::plus_seconds(clock.now(), -3600),
            sessions: Sessions::new(seed),
            cursors: Cursors::default(),
            jobs: Jobs::default(),
            outbox: Outbox::new(seed),
            usage: BTreeMap::new(),
            clients: BTreeMap::new(),
            hidden: BTreeSet::new(),
            journal,
            config,
            clock,
            base_url,
        };
        org.seed();
        org
    }

    fn seed(&mut self) {
        for (username, first, last) in PEOPLE {
            self.plant(
                "User",
                json!({"Username": username, "Email": username, "FirstName": first, "LastName": last,
                    "Name": format!("{first} {last}"), "Alias": first.to_lowercase(), "UserType": "Standard",
                    "IsActive": true, "TimeZoneSidKey": "Europe/Berlin"}),
            );
        }
        self.plant("Group", json!({"Name": "Messe-Leads", "DeveloperName": QUEUE, "Type": "Queue"}));
        let organization = json!({"Name": "Mittler Sandbox", "InstanceName": "SBX1", "IsSandbox": true,
            "OrganizationType": "Developer Edition"});
        self.plant("Organization", organization);
        for (place, status) in catalog::LEAD_STATES.iter().enumerate() {
            let converted = place + 1 == catalog::LEAD_STATES.len();
            self.plant(
                "LeadStatus",
                json!({"MasterLabel": status, "ApiName": status, "SortOrder": place + 1, "IsDefault": place == 0,
                    "IsConverted": converted}),
            );
        }
        self.tables.commit();
        let integration = integration_user();
        self.sessions.plant(&integration, self.clock.now(), &self.id);
    }

    /// Stores a row that no caller wrote.
    pub fn plant(&mut self, object: &str, fields: Value) -> String {
        let schema = self.schema.clone();
        let Some(object) = schema.object(object) else { return String::new() };
        let id = if object.name == "Organization" { self.id.clone() } else { self.tables.next_id(object) };
        let mut row = Row { fields: self.blank(&object.name), client: None };
        if let Value::Object(fields) = fields {
            row.fields.extend(fields);
        }
        let user = integration_user();
        self.stamp_new(&mut row.fields, &id, &user);
        self.tables.put(&object.name, &id, Some(row));
        id
    }

    /// Every field of the object at its default.
    pub fn blank(&self, object: &str) -> Fields {
        let fields = self.schema.object(object).map(|object| object.fields.as_slice()).unwrap_or_default();
        fields.iter().map(|field| (field.name.clone(), field.default.clone().unwrap_or(Value::Null))).collect()
    }

    pub fn now_text(&self) -> String {
        values::datetime(self.clock.now())
    }

    pub fn stamp_new(&self, fields: &mut Fields, id: &str, user: &str) {
        let now = self.now_text();
        fields.insert("Id".to_owned(), json!(id));
        fields.insert("IsDeleted".to_owned(), json!(false));
        fields.insert("CreatedDate".to_owned(), json!(now));
        fields.insert("CreatedById".to_owned(), json!(user));
        self.stamp(fields, user);
    }

    pub fn stamp(&self, fields: &mut Fields, user: &str) {
        let now = self.now_text();
        fields.insert("LastModifiedDate".to_owned(), json!(now));
        fields.insert("SystemModstamp".to_owned(), json!(now));
        fields.insert("LastModifiedById".to_owned(), json!(user));
    }

    pub fn user_named(&self, username: &str) -> Option<(&String, &Row)> {
        self.tables.living("User").find(|(_, row)| row.text("Username").eq_ignore_ascii_case(username))
    }

    /// A user or queue by the name an admin would use.
    pub fn owner_named(&self, name: &str) -> Option<String> {
        let queue = || self.tables.living("Group").find(|(_, row)| row.text("DeveloperName") == name);
        self.user_named(name).or_else(queue).map(|(id, _)| id.clone())
    }

    /// Counts one API call; false if the rolling day is used up.
    pub fn spend_call(&mut self) -> bool {
        let hour = self.clock.now().as_second() / 3600;
        self.usage.retain(|at, _| *at > hour - 24);
        if self.calls_used() >= self.config.daily_api_limit {
            return false;
        }
        *self.usage.entry(hour).or_default() += 1;
        true
    }

    pub fn calls_used(&self) -> u64 {
        self.usage.values().sum()
    }

    pub fn limit_info(&self) -> String {
        format!("api-usage={}/{}", self.calls_used(), self.config.daily_api_limit)
    }

    /// Ends the request: what it changed becomes visible to outbound messages.
    pub fn commit(&mut self) {
        for ((object, id), before) in self.tables.commit() {
            self.note(&object, &id, before.as_ref());
            let wanted = self.outbox.wants(&object);
            if wanted && self.tables.get(&object, &id).is_some_and(|row| !row.is_deleted()) {
                let now = self.clock.millis();
                self.outbox.note(&object, &id, now);
            }
        }
    }

    /// Notes a write in the journal, where one is kept.
    fn note(&self, object: &str, id: &str, before: Option<&Row>) {
        if !self.journal.is_kept() {
            return;
        }
        let after = self.tables.get(object, id);
        let act = match (before, after) {
            // Made and removed again within one request.
            (None, None) => return,
            (None, Some(_)) => Act::Create,
            (Some(_), None) => Act::Erase,
            (Some(was), Some(is)) if !was.is_deleted() && is.is_deleted() => Act::Delete,
            (Some(was), Some(is)) if was.is_deleted() && !is.is_deleted() => Act::Restore,
            _ => Act::Update,
        };
        let human = after.is_some_and(|row| row.text("LastModifiedById") == human_user());
        let mut fields = BTreeMap::new();
        for (name, value) in after.into_iter().flat_map(|row| &row.fields) {
            let was = before.map_or(&Value::Null, |row| row.get(name));
            if was != value && !STAMPS.contains(&name.as_str()) {
                fields.insert(name.clone(), Change { before: was.clone(), after: value.clone() });
            }
        }
        self.journal.note(Entry {
            at_ms: self.clock.millis(),
            vendor: Vendor::Salesforce,
            r#type: object.to_owned(),
            id: id.to_owned(),
            act,
            by: if human { By::User } else { By::Api },
            fields,
            merged: Vec::new(),
        });
    }

    pub fn state(&self) -> Value {
        let tables: Map<String, Value> = self
            .schema
            .objects()
            .map(|object| {
                let rows = self.tables.living(&object.name).map(|(_, row)| Value::Object(row.fields.clone()));
                (object.name.clone(), rows.collect())
            })
            .collect();
        Value::Object(tables)
    }
}
