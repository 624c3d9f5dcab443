//! Heartbeats through the queue itself: the proof that consumers still consume.
//!
//! They leave on a connection of their own. RabbitMQ blocks connections that publish when it is
//! short of memory, and lapin then writes no acks either; the consumers' connection never
//! publishes.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use lapin::{Channel, Confirmation, options::ConfirmSelectOptions};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{HEARTBEAT, RabbitConfig, Trouble, limited, link::Link, relay::put};
use crate::{Stats, stats::count};

/// Between two heartbeats.
pub(super) const BEAT: Duration = Duration::from_secs(30);
/// After a heartbeat that failed, as the first one does when the queue is not there yet.
const AGAIN: Duration = Duration::from_secs(2);
/// How long a process may consume nothing while heartbeats are published.
const QUIET: Duration = Duration::from_secs(90);
const BEATS: u64 = 3;

/// Publishes a heartbeat now and then. One that fails is no alarm: the consumers' own session
/// notices the fault, or the next heartbeat tells.
pub(super) async fn beat(config: RabbitConfig, stats: Stats, stop: CancellationToken) {
    let mut open: Option<(Link, Channel)> = None;
    let mut beats = tokio::time::interval(BEAT);
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(beats.tick()).await.is_some() {
        match one(&config, open.take()).await {
            Ok(still_open) => {
                count(&stats.counters().heartbeats);
                open = Some(still_open);
            }
            Err(error) => {
                tracing::debug!(code = %error, "a heartbeat could not be published");
                beats.reset_after(AGAIN);
            }
        }
    }
    if let Some((link, _)) = open {
        link.close().await;
    }
}

async fn one(config: &RabbitConfig, open: Option<(Link, Channel)>) -> Result<(Link, Channel), Trouble> {
    let (link, channel) = if let Some(open) = open {
        open
    } else {
        let link = Link::open(config, "mittler heartbeat").await?;
        let channel = limited(link.connection().create_channel(), "opening a channel").await?;
        limited(channel.confirm_select(ConfirmSelectOptions::default()), "asking for confirms").await?;
        (link, channel)
    };
    let body = format!("{HEARTBEAT}{}", Uuid::new_v4());
    let confirm = limited(put(&channel, &config.queue, &body), "publishing").await?;
    match limited(confirm, "a confirm").await? {
        Confirmation::Ack(None) => Ok((link, channel)),
        _ => Err(Trouble::passing("a heartbeat did not reach the queue")),
    }
}

/// Watches that something is consumed. The broker hands messages round among its consumers, so
/// each that is free gets about as many heartbeats as its process publishes.
pub(super) struct Heartbeat {
    since: Instant,
    beats: u64,
}

impl Heartbeat {
    pub fn new(stats: &Stats) -> Heartbeat {
        Heartbeat { since: Instant::now(), beats: stats.counters().heartbeats.load(Relaxed) }
    }

    /// Something came, or could not have come because all hands are full.
    pub fn seen(&mut self, stats: &Stats) {
        *self = Heartbeat::new(stats);
    }

    pub fn is_over(&self, stats: &Stats, now: Instant) -> bool {
        let beats = stats.counters().heartbeats.load(Relaxed) - self.beats;
        beats >= BEATS && now.duration_since(self.since) >= QUIET
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_that_gets_no_heartbeat_counts_as_dead() {
        let stats = Stats::default();
        let mut heartbeat = Heartbeat::new(&stats);
        let later = Instant::now() + QUIET * 2;
        assert!(!heartbeat.is_over(&stats, later), "nothing was published, so nothing could come");
        for _ in 0..BEATS {
            count(&stats.counters().heartbeats);
        }
        assert!(heartbeat.is_over(&stats, later));
        assert!(!heartbeat.is_over(&stats, Instant::now()), "it may still be on its way");
        heartbeat.seen(&stats);
        assert!(!heartbeat.is_over(&stats, later), "it came");
    }
}
