//! What the carriers count, for metrics and the status page.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed},
};

use mittler_core::Time;
use serde::Serialize;

/// Counters of one process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Stats(Arc<Counters>);

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub published: AtomicU64,
    pub confirmed: AtomicU64,
    pub returned: AtomicU64,
    pub unconfirmed: AtomicU64,
    pub consumed: AtomicU64,
    pub unreadable: AtomicU64,
    pub acked: AtomicU64,
    pub settled: AtomicU64,
    pub failed: AtomicU64,
    pub lost: AtomicU64,
    pub reconnects: AtomicU64,
    pub heartbeats: AtomicU64,
    pub last_heartbeat: AtomicI64,
    pub consuming: Side,
    pub relaying: Side,
}

/// One role's connection to the broker.
#[derive(Debug, Default)]
pub(crate) struct Side {
    wanted: AtomicBool,
    up: AtomicBool,
}

impl Side {
    pub fn up(&self) {
        self.wanted.store(true, Relaxed);
        self.up.store(true, Relaxed);
    }

    pub fn down(&self) {
        self.wanted.store(true, Relaxed);
        self.up.store(false, Relaxed);
    }

    pub fn is_up(&self) -> bool {
        self.up.load(Relaxed)
    }

    fn fine(&self) -> bool {
        !self.wanted.load(Relaxed) || self.up.load(Relaxed)
    }
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Messages handed to the broker.
    pub published: u64,
    /// Messages that the broker has put into the queue.
    pub confirmed: u64,
    /// Messages that had no queue to go to.
    pub returned: u64,
    /// Messages refused, or without an answer in time.
    pub unconfirmed: u64,
    pub consumed: u64,
    /// Messages whose body is no id: none of ours.
    pub unreadable: u64,
    pub acked: u64,
    /// Jobs that came to an end of any kind.
    pub settled: u64,
    /// Ends that were failures.
    pub failed: u64,
    /// Jobs that another took before they came to an end here.
    pub lost: u64,
    /// Rebuilt broker connections.
    pub reconnects: u64,
    /// Every role of this process that needs the broker has it.
    pub connected: bool,
    /// When a heartbeat last came through the queue.
    pub last_heartbeat: Option<Time>,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Stats {
    pub(crate) fn counters(&self) -> &Counters {
        &self.0
    }

    pub fn snapshot(&self) -> Snapshot {
        let c = &*self.0;
        let heartbeat = c.last_heartbeat.load(Relaxed);
        Snapshot {
            published: c.published.load(Relaxed),
            confirmed: c.confirmed.load(Relaxed),
            returned: c.returned.load(Relaxed),
            unconfirmed: c.unconfirmed.load(Relaxed),
            consumed: c.consumed.load(Relaxed),
            unreadable: c.unreadable.load(Relaxed),
            acked: c.acked.load(Relaxed),
            settled: c.settled.load(Relaxed),
            failed: c.failed.load(Relaxed),
            lost: c.lost.load(Relaxed),
            reconnects: c.reconnects.load(Relaxed),
            connected: c.consuming.fine() && c.relaying.fine(),
            last_heartbeat: (heartbeat != 0).then_some(Time(heartbeat)),
        }
    }
}
