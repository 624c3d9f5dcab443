//! Telling the carriers of this process that a transaction made jobs.

use std::sync::Arc;

use tokio::sync::watch;

/// Wakes this process's carrier at once when a transaction made jobs. Clones ring the same bell,
/// and every listener hears it; ringing while nobody listens yet is not lost on the next look.
#[derive(Debug, Clone)]
pub struct Wake(Arc<Rings>);

#[derive(Debug)]
struct Rings {
    all: watch::Sender<u64>,
    /// Those that began in this process: what other processes told is not told to them again.
    own: watch::Sender<u64>,
}

impl Wake {
    pub fn new() -> Self {
        Wake(Arc::new(Rings { all: watch::Sender::new(0), own: watch::Sender::new(0) }))
    }

    pub fn ring(&self) {
        self.ring_here();
        self.0.own.send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    /// Another process made jobs.
    pub fn ring_here(&self) {
        self.0.all.send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    pub(crate) fn listen(&self) -> WakeListener {
        WakeListener(self.0.all.subscribe())
    }

    pub(crate) fn listen_for_own(&self) -> WakeListener {
        WakeListener(self.0.own.subscribe())
    }
}

impl Default for Wake {
    fn default() -> Self {
        Wake::new()
    }
}

pub(crate) struct WakeListener(watch::Receiver<u64>);

impl WakeListener {
    /// To be called before the table is looked at: what rings from now on is not in that look.
    pub fn mark_seen(&mut self) {
        self.0.mark_unchanged();
    }

    pub async fn woken(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await; // nobody is left to ring; polling goes on
        }
    }
}
