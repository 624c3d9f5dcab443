//! What a batch still has in hand of its lease, so that the transaction of its last receipt ends it.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Mutex, PoisonError},
};

use mittler_store::{Result, Tx, leases::Lease};
use uuid::Uuid;

/// The links of a lease that have neither receipt nor been given back.
#[derive(Debug)]
pub struct Hand {
    pub lease: Uuid,
    left: Mutex<BTreeSet<Uuid>>,
}

impl Hand {
    pub fn new(lease: &Lease) -> Hand {
        Hand { lease: lease.id, left: Mutex::new(lease.links.iter().copied().collect()) }
    }

    fn left(&self) -> std::sync::MutexGuard<'_, BTreeSet<Uuid>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_empty(&self) -> bool {
        self.left().is_empty()
    }

    /// Ends the lease if nothing is left of it once these are done.
    pub async fn end_with(&self, tx: &mut Tx, done: &[Uuid]) -> Result<()> {
        let done: HashSet<&Uuid> = done.iter().collect();
        let ends = self.left().iter().all(|link| done.contains(link));
        if ends { tx.end_lease(self.lease).await } else { Ok(()) }
    }

    /// These are done: it is committed.
    pub fn put_down(&self, done: &[Uuid]) {
        let done: HashSet<&Uuid> = done.iter().collect();
        self.left().retain(|link| !done.contains(link));
    }

    /// Only these are there to be done.
    pub fn keep(&self, links: impl Iterator<Item = Uuid>) {
        let links: HashSet<Uuid> = links.collect();
        self.left().retain(|link| links.contains(link));
    }
}
