//! The portal: all its data behind one lock, and the few ways in which records change.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::{Map, Value, json};

use super::association::AssociationType;
use super::config::Config;
use super::failure::Failure;
use super::limits::Meters;
use super::lists::List;
use super::marketing::Fair;
use super::oauth::Grants;
use super::owners::{Owner, seed_owners};
use super::property::Property;
use super::seeds;
use super::table::{Actor, Record, Table, Version, View};
use super::time::iso;
use super::webhook::{Happening, Outbox};
use crate::journal::{Act, By, Change, Entry};
use crate::{Journal, Vendor};

pub struct Portal {
    pub config: Config,
    /// The time of the call at hand.
    pub now: i64,
    pub actor: Actor,
    pub dice: fastrand::Rng,
    pub tables: Vec<Table>,
    /// Record and other type, to other record, to association types. Both directions are kept.
    pub links: BTreeMap<(usize, u64, usize), BTreeMap<u64, BTreeSet<u64>>>,
    pub association_types: Vec<AssociationType>,
    pub next_association_type: u64,
    pub next_custom_type: u64,
    pub blocklist: HashSet<String>,
    pub owners: Vec<Owner>,
    pub fairs: Vec<Fair>,
    pub lists: Vec<List>,
    pub grants: Grants,
    pub meters: Meters,
    pub outbox: Outbox,
    journal: Journal,
}

impl Portal {
    pub fn new(config: Config, journal: Journal, seed: u64, now: i64) -> Portal {
        let mut tables = seeds::tables(config.first_id);
        if config.mittler_id {
            for table in tables.iter_mut().take(2) {
                let group = format!("{}information", table.singular);
                let property = Property::new("mittler_id", "Mittler ID", "string", "text", &group);
                table.define(Property { unique: true, hubspot_defined: false, ..property });
            }
        }
        let mut portal = Portal {
            grants: Grants::new(&config),
            outbox: Outbox::new(&config.webhooks),
            actor: Actor::App(config.app_id),
            now,
            dice: fastrand::Rng::with_seed(seed),
            tables,
            links: BTreeMap::new(),
            association_types: Vec::new(),
            next_association_type: 1001,
            next_custom_type: 9_000_001,
            blocklist: HashSet::new(),
            owners: seed_owners(now),
            fairs: Vec::new(),
            lists: Vec::new(),
            meters: Meters::default(),
            journal,
            config,
        };
        portal.seed_association_types();
        portal
    }

    /// The table of an object type under any of its names.
    pub fn kind(&self, name: &str) -> Result<usize, Failure> {
        let found = self.tables.iter().position(|table| table.answers_to(name));
        found.ok_or_else(|| Failure::invalid(format!("Unable to infer object type from: {name}")))
    }

    pub fn uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.dice.u128(..).to_be_bytes()).into_uuid().to_string()
    }

    /// A write that somebody asked for. Noted also if it changes nothing: an echo is seen by it.
    pub fn update(&mut self, kind: usize, id: u64, values: Vec<(String, String)>) {
        if !self.write(kind, id, values) {
            self.note(kind, id, Act::Update, BTreeMap::new(), Vec::new());
        }
    }

    /// Changes values, bumps the record and tells the webhooks. Values that are already there change nothing; `false`
    /// if all were.
    pub fn write(&mut self, kind: usize, id: u64, values: Vec<(String, String)>) -> bool {
        let changed: Vec<(String, String)> = values
            .into_iter()
            .filter(|(name, value)| self.tables[kind].current(id, name).unwrap_or_default() != value)
            .collect();
        if changed.is_empty() {
            return false;
        }
        let before = |name: &str| self.tables[kind].current(id, name).unwrap_or_default();
        let fields = changed.iter().map(|(name, value)| {
            let change = Change { before: before(name).into(), after: value.as_str().into() };
            (name.clone(), change)
        });
        self.note(kind, id, Act::Update, fields.collect(), Vec::new());
        for (name, value) in changed {
            let version = Version { value: value.clone(), at: self.now, by: self.actor };
            self.tables[kind].put(id, &name, version);
            self.emit(kind, id, &Happening::Change { name, value });
        }
        self.touch(kind, id);
        true
    }

    /// Notes a write in the journal, where one is kept.
    pub fn note(&self, kind: usize, id: u64, act: Act, fields: BTreeMap<String, Change>, merged: Vec<String>) {
        let by = match self.actor {
            Actor::App(_) => By::Api,
            Actor::User(_) => By::User,
        };
        let (vendor, r#type, id) = (Vendor::Hubspot, self.tables[kind].plural.clone(), id.to_string());
        self.journal.note(Entry { at_ms: self.now, vendor, r#type, id, act, by, fields, merged });
    }

    pub fn touch(&mut self, kind: usize, id: u64) {
        let now = self.now;
        if let Some(record) = self.tables[kind].records.get_mut(&id)
            && record.touched.last() != Some(&now)
        {
            record.touched.push(now);
        }
    }

    pub fn insert(&mut self, kind: usize, values: Vec<(String, String)>) -> u64 {
        let (now, actor) = (self.now, self.actor);
        let table = &mut self.tables[kind];
        let id = table.next_id;
        table.next_id += 1;
        table.records.insert(id, Record::new(id, now));
        self.emit(kind, id, &Happening::Creation);
        let (source, source_id, label) = match actor {
            Actor::App(app) => ("INTEGRATION", app.to_string(), "Integration"),
            Actor::User(user) => ("CRM_UI", format!("userId:{user}"), "CRM UI"),
        };
        let origin =
            [("hs_object_source", source), ("hs_object_source_id", &source_id), ("hs_object_source_label", label)];
        for (name, value) in origin {
            self.tables[kind].put(id, name, Version { value: value.to_owned(), at: now, by: actor });
        }
        let fields = values.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| {
            let change = Change { before: Value::Null, after: value.as_str().into() };
            (name.clone(), change)
        });
        self.note(kind, id, Act::Create, fields.collect(), Vec::new());
        for (name, value) in values.into_iter().filter(|(_, value)| !value.is_empty()) {
            self.tables[kind].put(id, &name, Version { value: value.clone(), at: now, by: actor });
            if self.config.property_events_on_create {
                self.emit(kind, id, &Happening::Change { name, value });
            }
        }
        id
    }

    /// Archiving twice is no error.
    pub fn archive(&mut self, kind: usize, id: u64) {
        let now = self.now;
        self.tables[kind].release(id);
        let Some(record) = self.tables[kind].records.get_mut(&id) else { return };
        if record.archived.is_some() {
            return;
        }
        record.archived = Some(now);
        self.drop_links(kind, id);
        self.note(kind, id, Act::Delete, BTreeMap::new(), Vec::new());
        self.emit(kind, id, &Happening::Deletion);
    }

    /// Takes a record out of the archive, as a person can for 90 days. Values that have been given away meanwhile stay
    /// with their new owner.
    pub fn restore(&mut self, kind: usize, id: u64) {
        let Some(record) = self.tables[kind].records.get_mut(&id).filter(|record| record.archived.is_some()) else {
            return;
        };
        record.archived = None;
        self.tables[kind].reclaim(id);
        self.touch(kind, id);
        self.note(kind, id, Act::Restore, BTreeMap::new(), Vec::new());
        self.emit(kind, id, &Happening::Restore);
    }

    pub fn show(&self, kind: usize, id: u64, view: &View) -> Value {
        let table = &self.tables[kind];
        table.records.get(&id).map_or(Value::Null, |record| table.render(record, view, self.config.portal_id))
    }

    /// The answer to a write: everything the record holds.
    pub fn show_filled(&self, kind: usize, id: u64) -> Value {
        let Some(record) = self.tables[kind].records.get(&id) else { return Value::Null };
        let names = record.filled();
        self.show(kind, id, &View { properties: Some(&names), ..View::default_now() })
    }

    /// The frame of every batch answer; errors turn it into a partial success.
    pub fn batch_answer(&self, status: u16, results: Vec<Value>, errors: Vec<Value>) -> super::request::Answer {
        let now = iso(self.now);
        let mut body = json!({"status": "COMPLETE", "startedAt": now, "completedAt": now});
        body["results"] = results.into();
        let status = if errors.is_empty() { status } else { self.config.partial_status };
        if !errors.is_empty() {
            body["numErrors"] = errors.len().into();
            body["errors"] = errors.into();
        }
        super::request::Answer { status, body: Some(body), location: None }
    }

    /// Every record, for tests and for people who look inside.
    pub fn state(&self) -> Value {
        let mut state = Map::new();
        for (kind, table) in self.tables.iter().enumerate() {
            let records: Vec<Value> = table.records.keys().map(|&id| self.state_of(kind, id)).collect();
            state.insert(table.plural.clone(), records.into());
        }
        state.insert(
            "blocklist".to_owned(),
            self.blocklist.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect(),
        );
        Value::Object(state)
    }

    fn state_of(&self, kind: usize, id: u64) -> Value {
        let table = &self.tables[kind];
        let Some(record) = table.records.get(&id) else { return Value::Null };
        let properties: Map<String, Value> = record
            .filled()
            .into_iter()
            .map(|name| {
                let value = record.stored(&name, i64::MAX).into();
                (name, value)
            })
            .collect();
        let mut associations = Map::new();
        for (other, others) in self.tables.iter().enumerate() {
            if let Some(linked) = self.links.get(&(kind, id, other)).filter(|linked| !linked.is_empty()) {
                let linked = linked.iter().map(|(to, types)| json!({"id": to.to_string(), "types": types}));
                associations.insert(others.plural.clone(), linked.collect());
            }
        }
        let mut state = json!({"id": id.to_string(), "properties": properties, "associations": associations,
            "archived": record.archived.is_some(), "createdAt": iso(record.created),
            "updatedAt": iso(record.updated(i64::MAX))});
        if let Some(fair) = self.fairs.iter().find(|fair| table.id == "0-54" && fair.id == id) {
            state["event"] = self.fair_json(fair);
            state["attendance"] = fair.attendance_json();
        }
        state
    }
}
