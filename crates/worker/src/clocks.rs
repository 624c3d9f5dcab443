//! The clock of a process, watched: when it is put back or forward, stored times are brought into its reach.

use std::time::Duration;

use mittler_core::Time;
use mittler_queue::Wake;
use mittler_store::{Clock, Store, jumps::Look};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Between two looks at stored times.
const SWEEP: Duration = Duration::from_secs(20);
/// Between two looks at the clock.
const LOOK: Duration = Duration::from_secs(1);
/// By how much a clock moves that was set.
const JUMP: Duration = Duration::from_secs(2);

/// What time it was at a moment of the machine's own counting, which nobody can set.
#[derive(Debug, Clone, Copy)]
struct Mark {
    time: Time,
    moment: Instant,
}

impl Mark {
    fn of(clock: &Clock) -> Mark {
        Mark { time: clock.now(), moment: Instant::now() }
    }

    fn is_off(self, now: Mark) -> bool {
        let due = self.time.plus(now.moment - self.moment);
        now.time.since(due).max(due.since(now.time)) >= JUMP
    }
}

/// Watches a process's clock until `stop`.
pub async fn watch(store: Store, clock: Clock, wake: Wake, stop: CancellationToken) {
    let (mut swept, mut look, mut mark) = (None::<Instant>, Look::All, Mark::of(&clock));
    loop {
        let now = Mark::of(&clock);
        if mark.is_off(now) || swept.is_none_or(|swept| swept.elapsed() >= SWEEP) {
            swept = Some(now.moment);
            match store.bound_times(now.time, look).await {
                Ok(back) => {
                    look = Look::Often;
                    if let Some(back) = back {
                        warn!(
                            seconds = back.as_secs(),
                            "the clock was put back, or is behind another machine's; what waited for a time is tried at once"
                        );
                        wake.ring();
                    }
                }
                Err(error) if error.fault().is_some() => {}
                Err(error) => warn!(%error, "stored times could not be compared with the clock"),
            }
        }
        mark = now;
        if stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
            return;
        }
    }
}
