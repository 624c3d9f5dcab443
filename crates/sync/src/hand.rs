//! What a batch still has in hand of its lease, so that the transaction of its last receipt ends it.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Mutex, PoisonError},
};

use mittler_store::{intents::Intent, leases::Lease};
use uuid::Uuid;

/// The links of a lease that have neither receipt nor been given back, and what is being written to
/// them.
#[derive(Debug)]
pub struct Hand {
    pub lease: Uuid,
    left: Mutex<Left>,
}

#[derive(Debug, Default)]
struct Left {
    links: BTreeSet<Uuid>,
    writes: BTreeMap<Uuid, Intent>,
}

impl Hand {
    pub fn new(lease: &Lease) -> Hand {
        let links = lease.links.iter().copied().collect();
        Hand { lease: lease.id, left: Mutex::new(Left { links, writes: BTreeMap::new() }) }
    }

    fn left(&self) -> std::sync::MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_empty(&self) -> bool {
        self.left().links.is_empty()
    }

    /// Whether nothing is left once these are done.
    pub fn ends_with(&self, done: &[Uuid]) -> bool {
        let done: HashSet<&Uuid> = done.iter().collect();
        self.left().links.iter().all(|link| done.contains(link))
    }

    /// These are done: it is committed.
    pub fn put_down(&self, done: &[Uuid]) {
        let done: HashSet<&Uuid> = done.iter().collect();
        let mut left = self.left();
        left.links.retain(|link| !done.contains(link));
        left.writes.retain(|_, write| !done.contains(&write.link));
    }

    /// Only these are there to be done.
    pub fn keep(&self, links: impl Iterator<Item = Uuid>) {
        let links: BTreeSet<Uuid> = links.collect();
        self.left().links.retain(|link| links.contains(link));
    }

    /// All that is being written once these are, too.
    pub fn with(&self, writes: &[Intent]) -> Vec<Intent> {
        let mut all = self.left().writes.clone();
        all.extend(writes.iter().map(|write| (write.id, write.clone())));
        all.into_values().collect()
    }

    /// These are being written: it is committed.
    pub fn note(&self, writes: Vec<Intent>) {
        self.left().writes.extend(writes.into_iter().map(|write| (write.id, write)));
    }
}
