//! One object type with its properties and records.
//!
//! **Invariant:** a value is only ever appended to its history; search reads the history at an earlier time, which
//! is how the index lags.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::property::{Property, PropertyGroup};
use super::seeds::modified_name;
use super::time::iso;

/// Who writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    /// An app, by its id.
    App(u64),
    User(u64),
}

#[derive(Clone, Debug)]
pub struct Version {
    /// Empty means cleared.
    pub value: String,
    pub at: i64,
    pub by: Actor,
}

#[derive(Clone, Debug)]
pub struct Record {
    pub id: u64,
    pub created: i64,
    /// Every change, also one of associations or a merge; ascending.
    pub touched: Vec<i64>,
    pub archived: Option<i64>,
    pub values: BTreeMap<String, Vec<Version>>,
    /// Identities that have gone into this record.
    pub merged: Vec<(u64, i64)>,
}

/// A custom object's part of its schema.
#[derive(Clone, Debug)]
pub struct Custom {
    pub name: String,
    pub full_name: String,
    pub labels: Value,
    pub primary_display: Value,
    pub secondary_display: Value,
    pub description: Value,
    pub associated: Vec<String>,
    pub created: i64,
}

#[derive(Clone, Debug)]
pub struct Table {
    pub id: String,
    pub plural: String,
    pub singular: String,
    pub engagement: bool,
    pub required: Vec<String>,
    /// One of `required` is enough.
    pub any_required: bool,
    pub shown: Vec<String>,
    pub searched: Vec<String>,
    pub created_name: &'static str,
    pub modified_name: &'static str,
    pub custom: Option<Custom>,
    pub properties: BTreeMap<String, Property>,
    pub groups: BTreeMap<String, PropertyGroup>,
    pub records: BTreeMap<u64, Record>,
    /// Merged-away id to the record that lives on.
    pub aliases: HashMap<u64, u64>,
    /// Property to value to record, for e-mail and for properties with unique values.
    pub unique: HashMap<String, HashMap<String, u64>>,
    pub next_id: u64,
}

impl Record {
    pub fn new(id: u64, now: i64) -> Record {
        Record { id, created: now, touched: vec![now], archived: None, values: BTreeMap::new(), merged: Vec::new() }
    }

    pub fn updated(&self, at: i64) -> i64 {
        let known = self.touched.partition_point(|&touched| touched <= at);
        known.checked_sub(1).map_or(self.created, |last| self.touched[last])
    }

    /// The stored value as of `at`; a cleared one is none.
    pub fn stored(&self, name: &str, at: i64) -> Option<&str> {
        let versions = self.values.get(name)?;
        let version = versions.iter().rev().find(|version| version.at <= at)?;
        (!version.value.is_empty()).then_some(version.value.as_str())
    }
}

impl Record {
    /// Everything a record has, for answers to writes and for [`super::Hubspot::state`].
    pub fn filled(&self) -> Vec<String> {
        self.values.keys().filter(|name| self.stored(name, i64::MAX).is_some()).cloned().collect()
    }
}

impl Table {
    pub fn new(id: &str, plural: &str, singular: &str, first_id: u64) -> Table {
        Table {
            id: id.to_owned(),
            plural: plural.to_owned(),
            singular: singular.to_owned(),
            engagement: false,
            required: Vec::new(),
            any_required: false,
            shown: Vec::new(),
            searched: Vec::new(),
            created_name: "createdate",
            modified_name: modified_name(plural),
            custom: None,
            properties: BTreeMap::new(),
            groups: BTreeMap::new(),
            records: BTreeMap::new(),
            aliases: HashMap::new(),
            unique: HashMap::new(),
            next_id: first_id,
        }
    }

    pub fn define(&mut self, property: Property) {
        self.properties.insert(property.name.clone(), property);
    }

    pub fn answers_to(&self, name: &str) -> bool {
        let custom = self.custom.as_ref().is_some_and(|custom| custom.name == name || custom.full_name == name);
        self.id == name || self.plural == name || self.singular.eq_ignore_ascii_case(name) || custom
    }

    pub fn is_contacts(&self) -> bool {
        self.id == "0-1"
    }

    /// Live record; merged-away ids lead to their survivor.
    pub fn resolve(&self, id: u64) -> Option<u64> {
        let id = self.aliases.get(&id).copied().unwrap_or(id);
        self.live(id).map(|record| record.id)
    }

    pub fn live(&self, id: u64) -> Option<&Record> {
        self.records.get(&id).filter(|record| record.archived.is_none())
    }

    /// Can this property name a record?
    pub fn identifies(&self, name: &str) -> bool {
        (self.is_contacts() && name == "email") || self.properties.get(name).is_some_and(|property| property.unique)
    }

    pub fn find_unique(&self, name: &str, value: &str) -> Option<u64> {
        self.unique.get(name)?.get(fold(name, value).as_ref()).copied()
    }

    /// A property's value, also the ones the system keeps, as of `at`.
    pub fn value<'a>(&self, record: &'a Record, name: &str, at: i64) -> Option<Cow<'a, str>> {
        if name == "hs_object_id" {
            return Some(Cow::Owned(record.id.to_string()));
        }
        if name == self.created_name {
            return Some(Cow::Owned(iso(record.created)));
        }
        if name == self.modified_name {
            return Some(Cow::Owned(iso(record.updated(at))));
        }
        record.stored(name, at).map(Cow::Borrowed)
    }

    /// Appends a value and keeps the index of unique values.
    pub fn put(&mut self, id: u64, name: &str, version: Version) {
        let Some(record) = self.records.get_mut(&id) else { return };
        let old = record.stored(name, i64::MAX).map(str::to_owned);
        for key in old.iter().flat_map(|old| unique_keys(name, old)) {
            if let Some(index) = self.unique.get_mut(key.0)
                && index.get(&key.1) == Some(&id)
            {
                index.remove(&key.1);
            }
        }
        if self.properties.get(name).is_some_and(|property| property.unique) || is_address(&self.id, name) {
            for (property, key) in unique_keys(name, &version.value) {
                self.unique.entry(property.to_owned()).or_default().insert(key, id);
            }
        }
        record.values.entry(name.to_owned()).or_default().push(version);
    }

    /// Archiving and erasing free the unique values.
    pub fn release(&mut self, id: u64) {
        let Some(record) = self.records.get(&id) else { return };
        for name in record.values.keys() {
            let value = record.stored(name, i64::MAX).unwrap_or_default();
            for (property, key) in unique_keys(name, value) {
                if let Some(index) = self.unique.get_mut(property)
                    && index.get(&key) == Some(&id)
                {
                    index.remove(&key);
                }
            }
        }
    }

    /// A restored record gets its unique values back as far as they are free.
    pub fn reclaim(&mut self, id: u64) {
        let Some(record) = self.records.get(&id) else { return };
        for name in record.values.keys() {
            if self.properties.get(name).is_some_and(|property| property.unique) || is_address(&self.id, name) {
                let value = record.stored(name, i64::MAX).unwrap_or_default();
                for (property, key) in unique_keys(name, value) {
                    self.unique.entry(property.to_owned()).or_default().entry(key).or_insert(id);
                }
            }
        }
    }

    pub fn current(&self, id: u64, name: &str) -> Option<&str> {
        self.records.get(&id)?.stored(name, i64::MAX)
    }
}

/// E-mail addresses are told apart without regard to case, everything else exactly.
pub fn fold<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if name == "email" { Cow::Owned(value.trim().to_lowercase()) } else { Cow::Borrowed(value) }
}

fn is_address(type_id: &str, name: &str) -> bool {
    type_id == "0-1" && (name == "email" || name == "hs_additional_emails")
}

/// Secondary addresses identify a contact as its first one does.
fn unique_keys<'a>(name: &'a str, value: &str) -> Vec<(&'a str, String)> {
    let property = if name == "hs_additional_emails" { "email" } else { name };
    let values: Vec<&str> = if name == "hs_additional_emails" { value.split(';').collect() } else { vec![value] };
    values
        .into_iter()
        .filter(|value| !value.is_empty())
        .map(|value| (property, fold(property, value).into_owned()))
        .collect()
}

/// What a record looks like on the wire.
pub struct View<'a> {
    /// None shows what the type shows by default.
    pub properties: Option<&'a [String]>,
    pub history: &'a [String],
    /// How many values a history shows; 0 shows all.
    pub most: usize,
    pub at: i64,
}

impl View<'_> {
    pub fn default_now() -> View<'static> {
        View { properties: None, history: &[], most: 0, at: i64::MAX }
    }
}

impl Table {
    pub fn render(&self, record: &Record, view: &View, portal_id: u64) -> Value {
        let mut properties = Map::new();
        for name in view.properties.unwrap_or(&self.shown) {
            if self.properties.get(name).is_some_and(|property| !property.archived) {
                properties.insert(name.clone(), self.value(record, name, view.at).into());
            }
        }
        for name in ["hs_object_id", self.created_name, self.modified_name] {
            properties.insert(name.to_owned(), self.value(record, name, view.at).into());
        }
        let id = record.id;
        let mut shown = json!({
            "id": id.to_string(),
            "properties": properties,
            "createdAt": iso(record.created),
            "updatedAt": iso(record.updated(view.at)),
            "archived": record.archived.is_some(),
            "url": format!("https://app.hubspot.com/contacts/{portal_id}/record/{}/{id}", self.id),
        });
        if let Some(archived) = record.archived {
            shown["archivedAt"] = iso(archived).into();
        }
        if !view.history.is_empty() {
            // Names that the type does not have are passed over.
            let known = view.history.iter().filter(|name| self.properties.contains_key(*name));
            let history = known.map(|name| (name.clone(), history(record, name, view.most)));
            shown["propertiesWithHistory"] = history.collect::<Map<_, _>>().into();
        }
        shown
    }
}

/// Newest first.
fn history(record: &Record, name: &str, most: usize) -> Value {
    let versions = record.values.get(name).map(Vec::as_slice).unwrap_or_default();
    versions
        .iter()
        .rev()
        .take(if most == 0 { usize::MAX } else { most })
        .map(|version| {
            let mut entry = json!({"value": version.value, "timestamp": iso(version.at)});
            match version.by {
                Actor::App(app) => {
                    entry["sourceType"] = "INTEGRATION".into();
                    entry["sourceId"] = app.to_string().into();
                }
                Actor::User(user) => {
                    entry["sourceType"] = "CRM_UI".into();
                    entry["sourceId"] = format!("userId:{user}").into();
                    entry["updatedByUserId"] = user.into();
                }
            }
            entry
        })
        .collect()
}
