//! One pusher per connection: pushes what is due, and waits until more is.
//!
//! Nothing is queued for it. What is due stands in the links; a pusher is told after each commit that made some
//! so, here or in another process, and looks by itself every second: whoever had to tell it may have died, and
//! pauses, leases and waits end without a word.

use std::{collections::HashSet, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use mittler_core::{ConnectionId, Time};
use mittler_queue::Backoff;
use mittler_store::Result;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::push::{PushEnd, Pusher};

/// How often a connection is looked at of which nobody says that something is due.
const LOOK: Duration = Duration::from_secs(1);

/// Such looks take one part in so many of a pusher's time: behind a backlog that waits each of them is long.
const SPARSE: u32 = 20;

/// How long calls that are under way may last once the process is to stop. What they wrote is looked for later.
const GRACE: Duration = Duration::from_secs(20);

/// First wait after a fault of the database or of our own; each further one is twice as long, up to [`LONGEST`].
const FAULT: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(4);

/// What a pusher does next if nobody tells of anything due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Push,
    /// Looks whether anything waits.
    Look,
    /// What waits can go no sooner, unless a person asks for it.
    Wait(Instant),
}

/// Counted by this machine, not by the clock, which may jump.
fn wait(until: Instant) -> (Duration, Turn) {
    (until.saturating_duration_since(Instant::now()).min(LOOK), Turn::Wait(until))
}

impl Pusher {
    /// Pushes all connections, also those that come later, until `stop`; then ends the calls that are under way.
    pub async fn run(self, stop: CancellationToken) {
        let (mut pushers, mut known) = (JoinSet::new(), HashSet::new());
        while !stop.is_cancelled() {
            for connection in self.connections.all() {
                if known.insert(connection.id) {
                    pushers.spawn(self.clone().attend(connection.id, stop.clone()));
                }
            }
            _ = stop.run_until_cancelled(sleep(LOOK)).await;
        }
        let ended = async { while pushers.join_next().await.is_some() {} };
        if timeout(GRACE, ended).await.is_err() {
            warn!("calls to a CRM did not end in time; what they wrote is looked for after the next start");
        }
    }

    /// The life of one connection's pusher.
    async fn attend(self, id: ConnectionId, stop: CancellationToken) {
        let more_is_due = self.store.due_signal(id);
        let (mut turn, mut fault) = (Turn::Push, Backoff::new(FAULT, LONGEST));
        while !stop.is_cancelled() {
            let (wait, then) = match AssertUnwindSafe(self.take_turn(id, turn, &stop)).catch_unwind().await {
                Ok(Ok(done)) => {
                    fault.reset();
                    done
                }
                failed => {
                    match failed {
                        Ok(Err(error)) if error.fault().is_some() => {}
                        Ok(Err(error)) => {
                            warn!(connection.id = %id, %error, "a push stopped; it goes on from what is due");
                        }
                        _ => error!(connection.id = %id, "a push panicked; it goes on from what is due"),
                    }
                    (fault.next_pause(), Turn::Push)
                }
            };
            turn = tokio::select! {
                () = stop.cancelled() => then,
                () = more_is_due.notified() => Turn::Push,
                () = sleep(wait) => then,
            };
        }
        let process = self.process;
        if let Err(error) = self.store.write(async move |tx| tx.end_push(id, process).await).await {
            warn!(connection.id = %id, %error, "other processes take the connection over when this one's lease is over");
        }
    }

    /// Does one thing; gives how long to do nothing if nobody tells of anything, and what then.
    async fn take_turn(&self, id: ConnectionId, turn: Turn, stop: &CancellationToken) -> Result<(Duration, Turn)> {
        let began = Instant::now();
        let again = match turn {
            Turn::Push => self.push_due(id, stop).await?,
            Turn::Look => self.waits(id).await?,
            Turn::Wait(until) if began < until && !self.is_retried(id).await? => return Ok(wait(until)),
            Turn::Wait(_) => return Ok((Duration::ZERO, Turn::Push)),
        };
        if let Some(at) = again {
            return Ok(wait(Instant::now() + at.since(self.clock.now())));
        }
        Ok((if turn == Turn::Look { LOOK.max(began.elapsed() * SPARSE) } else { LOOK }, Turn::Look))
    }

    /// Whether a person asked meanwhile, here or in another process, that the CRM be tried at once.
    async fn is_retried(&self, id: ConnectionId) -> Result<bool> {
        let Some(connection) = self.connections.get(id) else { return Ok(false) };
        let before = connection.retried();
        self.paused(&connection).await?;
        Ok(connection.retried() != before)
    }

    /// From when on a connection is to be pushed; `None` if no link of it waits.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn waits(&self, id: ConnectionId) -> Result<Option<Time>> {
        self.store.next_link(id, self.clock.now()).await
    }

    /// Pushes what is due at a connection; gives when there may be more to do although nobody tells of it.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn push_due(&self, id: ConnectionId, stop: &CancellationToken) -> Result<Option<Time>> {
        // Of a connection that was taken out of the configuration nothing is pushed.
        let Some(connection) = self.connections.get(id) else { return Ok(None) };
        let end = self.push(&connection, stop).await?;
        let now = self.clock.now();
        let due = self.store.next_link(id, now).await?;
        Ok(match (end, due) {
            (_, None) => None,
            (PushEnd::Paused(at, _) | PushEnd::Drained(Some((at, _))), Some(_)) => Some(at),
            (PushEnd::Elsewhere, Some(_)) => Some(now.plus(LOOK)),
            // A link that waits for another has no time of its own.
            (PushEnd::Drained(None), Some(due)) => Some(due.max(now.plus(LOOK))),
        })
    }
}
