//! Who changed what, over both vendors in the true order: the stamps that the vendors show are too coarse to tell, and
//! a test that judges whose value is newer must not guess.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde_json::{Value, json};

use crate::Vendor;
use crate::faults::lock;

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A person in the vendor's own screens.
    User,
    /// A client of the API.
    Api,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Create,
    Update,
    Delete,
    Restore,
    /// The survivor is a new record, as HubSpot makes one.
    Merge,
    /// Gone for good.
    Erase,
}

/// A field before and after a change.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    pub before: Value,
    pub after: Value,
}

/// One write of one record.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    pub at_ms: i64,
    pub vendor: Vendor,
    pub r#type: String,
    pub id: String,
    pub act: Act,
    pub by: By,
    /// What really changed; a write that said what was there already has none.
    pub fields: BTreeMap<String, Change>,
    /// The records that went into this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<String>,
}

/// Kept only where it is asked for ([`crate::Config::journal`]): it grows with every write. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Journal(Option<Arc<Mutex<Vec<Entry>>>>);

impl Journal {
    pub fn new(kept: bool) -> Journal {
        Journal(kept.then(Arc::default))
    }

    pub fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    pub fn note(&self, entry: Entry) {
        if let Some(entries) = &self.0 {
            lock(entries).push(entry);
        }
    }

    /// All that was noted, in order.
    pub fn all(&self) -> Vec<Entry> {
        self.0.as_ref().map_or_else(Vec::new, |entries| lock(entries).clone())
    }

    /// What was noted after the first `known` entries; `next` is what to ask with next time.
    pub fn since(&self, known: usize) -> Value {
        let Some(entries) = &self.0 else { return json!({"entries": [], "next": 0}) };
        let entries = lock(entries);
        json!({"entries": entries.get(known..).unwrap_or_default(), "next": entries.len()})
    }

    pub fn reset(&self) {
        if let Some(entries) = &self.0 {
            lock(entries).clear();
        }
    }
}
