//! Time and new ids, as one parameter of everything above the store.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use mittler_core::Time;
use uuid::{NoContext, Timestamp, Uuid};

/// The clock of a process. Tests move it; the service's own stands on the machine's.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    ahead_micros: Arc<AtomicI64>,
}

impl Clock {
    pub fn now(&self) -> Time {
        #[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
        let now = jiff::Timestamp::now();
        Time(now.as_microsecond() + self.ahead_micros.load(Ordering::Relaxed))
    }

    /// Moves this clock, and its clones, forward.
    pub fn advance(&self, by: std::time::Duration) {
        self.ahead_micros.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Puts this clock, and its clones, back.
    pub fn put_back(&self, by: std::time::Duration) {
        self.ahead_micros.fetch_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// A new id that sorts after those of earlier milliseconds.
    pub fn id(&self) -> Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.0.div_euclid(1_000_000)).unwrap_or(0);
        let nanos = u32::try_from(now.0.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
        Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanos))
    }

    /// The same, with those of one class side by side within their millisecond.
    pub fn id_of(&self, class: u8) -> Uuid {
        crate::classed(self.id().into_bytes(), class)
    }
}
