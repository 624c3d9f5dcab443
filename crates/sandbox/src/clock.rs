//! The sandbox's only clock: real time, or one that is held, plus an offset that a test can push forward.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use jiff::{SignedDuration, Timestamp};

/// Cloned freely; all clones share the offset.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
    held: Arc<OnceLock<Timestamp>>,
}

impl Clock {
    pub fn new() -> Clock {
        Clock::default()
    }

    #[expect(clippy::disallowed_methods, reason = "the sandbox reads the time here and nowhere else")]
    pub fn now(&self) -> Timestamp {
        let real = self.held.get().copied().unwrap_or_else(Timestamp::now);
        let offset = SignedDuration::from_millis(self.offset_ms.load(Ordering::SeqCst));
        real.checked_add(offset).unwrap_or(real)
    }

    /// Milliseconds since 1970.
    pub fn millis(&self) -> i64 {
        self.now().as_millisecond()
    }

    /// From now on only [`Clock::advance_seconds`] moves the time, so that no slow machine comes between two calls of a
    /// test about seconds.
    #[expect(clippy::disallowed_methods, reason = "the time at which it is held")]
    pub fn hold(&self) {
        self.held.get_or_init(Timestamp::now);
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.offset_ms.fetch_add(seconds.saturating_mul(1000), Ordering::SeqCst);
    }
}
