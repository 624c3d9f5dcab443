//! How long to wait after something went wrong.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Doubling pauses with jitter, for outages.
pub struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    pub fn new(first: Duration, most: Duration) -> Self {
        Backoff { first, most, next: first }
    }

    /// For a database that does not answer.
    pub fn database() -> Self {
        Backoff::new(Duration::from_millis(200), Duration::from_secs(5))
    }

    /// For a broker that does not answer: work is to go on within ten seconds of its return.
    pub fn broker() -> Self {
        Backoff::new(Duration::from_millis(200), Duration::from_secs(3))
    }

    pub fn reset(&mut self) {
        self.next = self.first;
    }

    pub fn next_pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.most);
        jittered(pause)
    }

    pub async fn pause(&mut self, stop: &CancellationToken) {
        let pause = self.next_pause();
        _ = stop.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

/// Pause before a job that failed `before` times until now is tried again: 1 s, 2 s, 4 s …
pub(crate) fn retry_after(before: i64) -> Duration {
    let doublings = u32::try_from(before.clamp(0, 10)).unwrap_or(0);
    jittered(Duration::from_secs(1 << doublings))
}

/// ±20 %, so that what failed together does not come back together.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.8 + 0.4 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_between_tries_double_and_stay_within_a_fifth() {
        for (before, seconds) in [(0, 1.0), (1, 2.0), (2, 4.0), (3, 8.0), (4, 16.0)] {
            for _ in 0..100 {
                let pause = retry_after(before).as_secs_f64();
                assert!((seconds * 0.8..=seconds * 1.2).contains(&pause), "{before} failures: {pause} s");
            }
        }
        assert!(retry_after(i64::MAX) < Duration::from_secs(1300));
        assert!(retry_after(-1) < Duration::from_secs(2));
    }

    #[test]
    fn a_long_outage_is_asked_about_every_few_seconds() {
        let mut backoff = Backoff::database();
        for _ in 0..50 {
            assert!(backoff.next_pause() <= Duration::from_secs(6));
        }
        assert!(backoff.next_pause() >= Duration::from_secs(4));
        backoff.reset();
        assert!(backoff.next_pause() <= Duration::from_millis(240));
    }
}
