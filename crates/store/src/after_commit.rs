//! Telling pushers that links were made due: after the commit that made them so, and without a word to the
//! database.
//!
//! A hint and no more: what is due stands in the links. Who misses a signal finds it at the next look.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use mittler_core::ConnectionId;
use tokio::sync::Notify;

use crate::{Store, hints::Hint};

/// What follows from each commit of this process: it is counted, and pushers hear of what it made due.
#[derive(Debug)]
pub(crate) struct AfterCommit {
    /// Tells this process from others that hear its hints.
    process: u64,
    commits: AtomicU64,
    pushers: Mutex<HashMap<ConnectionId, Arc<Notify>>>,
    /// What other processes have not been told yet.
    untold: Mutex<BTreeSet<ConnectionId>>,
    any_untold: Notify,
}

impl Default for AfterCommit {
    fn default() -> AfterCommit {
        AfterCommit {
            process: fastrand::u64(..),
            commits: AtomicU64::new(0),
            pushers: Mutex::default(),
            untold: Mutex::default(),
            any_untold: Notify::new(),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AfterCommit {
    fn of(&self, connection: ConnectionId) -> Arc<Notify> {
        Arc::clone(locked(&self.pushers).entry(connection).or_default())
    }

    /// On SQLite writes that come together share one commit.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// A commit of this process made links of these connections due.
    pub fn committed(&self, connections: BTreeSet<ConnectionId>) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        if connections.is_empty() {
            return;
        }
        for connection in &connections {
            self.of(*connection).notify_one();
        }
        locked(&self.untold).extend(connections);
        self.any_untold.notify_one();
    }
}

impl Store {
    /// Is notified when links of a connection were made due, here or - where hints are heard - in another process.
    /// For one listener: its pusher.
    pub fn due_signal(&self, connection: ConnectionId) -> Arc<Notify> {
        self.after_commit().of(connection)
    }

    /// Links of these connections were made due `by` a process.
    pub fn heard_of_due(&self, by: u64, connections: &[ConnectionId]) {
        if by == self.after_commit().process {
            return;
        }
        for connection in connections {
            self.after_commit().of(*connection).notify_one();
        }
    }

    /// Waits until this process has made links due of which other processes were not told, and gives what to tell.
    pub async fn untold_due(&self) -> Hint {
        let after = self.after_commit();
        loop {
            let untold = std::mem::take(&mut *locked(&after.untold));
            if !untold.is_empty() {
                return Hint::Due { by: after.process, connections: untold.into_iter().collect() };
            }
            after.any_untold.notified().await;
        }
    }
}
