//! What became of webhooks, kept together for a moment and then added to what the database has: whoever floods
//! the door makes no writes by that.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use mittler_connector::NotAuthentic;
use mittler_core::{ConnectionId, Time};
use mittler_store::{Store, hooks::HookCount};
use tracing::debug;

/// How long counts are kept together.
const TOGETHER: Duration = Duration::from_secs(1);

/// Counts of this process that are not in the database yet.
#[derive(Debug, Clone, Default)]
pub struct Counts(Arc<Mutex<Pending>>);

#[derive(Debug, Default)]
struct Pending {
    counts: HashMap<ConnectionId, HookCount>,
    /// Whether somebody is about to store them.
    stores: bool,
    /// Refusals since the process began; the first of each is said in the log.
    refusals: BTreeMap<(ConnectionId, NotAuthentic), u64>,
}

impl Counts {
    pub(crate) fn taken(&self, connection: ConnectionId, store: &Store, now: Time) {
        let mut pending = self.pending();
        let count = pending.counts.entry(connection).or_insert_with(|| HookCount::none(connection));
        (count.taken, count.last_taken_at) = (count.taken + 1, now.0);
        self.store_soon(pending, store);
    }

    /// Gives whether this cause is new of this connection.
    pub(crate) fn refused(&self, connection: ConnectionId, cause: NotAuthentic, store: &Store, now: Time) -> bool {
        let mut pending = self.pending();
        let count = pending.counts.entry(connection).or_insert_with(|| HookCount::none(connection));
        (count.refused, count.last_refused_at) = (count.refused + 1, now.0);
        count.cause = Some(cause.code().to_owned());
        let refusals = pending.refusals.entry((connection, cause)).or_default();
        *refusals += 1;
        let news = *refusals == 1;
        self.store_soon(pending, store);
        news
    }

    /// How many webhooks of a connection this process has refused for that cause.
    pub fn refusals(&self, connection: ConnectionId, cause: NotAuthentic) -> u64 {
        self.pending().refusals.get(&(connection, cause)).copied().unwrap_or_default()
    }

    fn store_soon(&self, mut pending: std::sync::MutexGuard<'_, Pending>, store: &Store) {
        if std::mem::replace(&mut pending.stores, true) {
            return;
        }
        let (counts, store) = (self.clone(), store.clone());
        tokio::spawn(async move {
            tokio::time::sleep(TOGETHER).await;
            counts.store(&store).await;
        });
    }

    /// Adds what was counted to what the database has.
    pub async fn store(&self, store: &Store) {
        let counts: Vec<HookCount> = {
            let mut pending = self.pending();
            pending.stores = false;
            pending.counts.drain().map(|(_, count)| count).collect()
        };
        if counts.is_empty() {
            return;
        }
        if let Err(error) = store.write(async move |tx| tx.add_hook_counts(&counts).await).await {
            debug!(%error, "webhooks of a second were not counted");
        }
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
