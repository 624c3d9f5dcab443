//! The push: find due links, plan each against what was sent, commit intents, call, write
//! receipts - level-triggered, so that a change during a call stays due.
//!
//! **Invariant:** every write to a CRM passes [`gate`](gate::gate) and has its intent committed
//! before the call.
//!
//! **Invariant:** the outcome of a call that nobody knows is looked up before anything is decided;
//! only writes that the CRM recognises when they are repeated are repeated.

pub(crate) mod activities;
pub(crate) mod adopt;
pub(crate) mod batch;
mod call;
pub(crate) mod candidates;
pub mod gate;
mod health;
mod in_flight;
pub(crate) mod item;
mod lease;
pub(crate) mod plan;
pub(crate) mod pusher;
mod pusher_lease;
mod pushers;
mod receipts;
mod resolve;
mod scope;
mod select;
mod settle;
mod stages;

pub use pusher::{Pusher, Stopped};

use std::{sync::Arc, time::Duration};

use mittler_core::Time;
use mittler_store::{Result, connections::ConnectionState};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    connections::Connection,
    mode::Mode,
    push::{
        batch::Batch,
        in_flight::InFlight,
        pusher_lease::PusherLease,
        select::{FILL, Next},
    },
};

/// How soon a connection is looked at again of which some types wait.
const LOOK: Duration = Duration::from_secs(30);

/// How a push ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushEnd {
    /// Nothing more can be written for now; of types to which the CRM is closed, not before then, and why.
    Drained(Option<(Time, String)>),
    /// The connection cannot be written to before then, and why.
    Paused(Time, String),
    /// Another process pushes it.
    Elsewhere,
}

impl Pusher {
    /// Works until nothing of the connection can be written: up to its concurrency of disjoint
    /// batches at once, and straight on to what they made due. After `stop` no batch is begun.
    async fn push(&self, connection: &Arc<Connection>, stop: &CancellationToken) -> Result<PushEnd> {
        if connection.mode == Mode::Off {
            return Ok(PushEnd::Paused(self.clock.now().plus(Duration::from_mins(1)), "mode_off".into()));
        }
        if let Some(end) = self.cannot_begin(connection).await? {
            return Ok(end);
        }
        // Tasks of their own: planning one batch and finding the next go on side by side.
        let mut running = JoinSet::new();
        let mut hand = InFlight::default();
        let alone = Arc::new(PusherLease::new(connection.id, self.process));
        let more_is_due = self.store.due_signal(connection.id);
        let (mut failed, mut filling) = (None, false);
        // A database that fails one batch leaves the calls of the others in flight: they end first.
        let mut lost = None;
        loop {
            failed = failed.or_else(|| connection.paused(self.clock.now()));
            let ends = failed.is_some() || stop.is_cancelled();
            while !ends && lost.is_none() && !alone.is_lost() && running.len() < connection.concurrency {
                match self.next(connection, &mut hand).await {
                    Ok(Next::Batch(due)) => {
                        let (id, links) = (self.id(), due.links.clone());
                        hand.begin(id, due);
                        let (connection, alone) = (Arc::clone(connection), Arc::clone(&alone));
                        let batch = Batch { pusher: self.clone(), connection, alone };
                        running.spawn(async move { (id, batch.run(links).await) });
                    }
                    Ok(Next::Nothing { fills }) => {
                        filling = fills;
                        break;
                    }
                    Err(error) => lost = Some(error),
                }
            }
            if running.is_empty() {
                break;
            }
            let ended = tokio::select! {
                ended = running.join_next() => ended,
                () = more_is_due.notified() => {
                    hand.discard_lookahead();
                    continue;
                }
            };
            let ended = match ended {
                Some(Ok((batch, ended))) => {
                    hand.end(batch);
                    ended
                }
                Some(Err(panic)) if panic.is_panic() => std::panic::resume_unwind(panic.into_panic()),
                Some(Err(_)) | None => Ok(()),
            };
            match ended {
                Ok(()) => {}
                Err(Stopped::Store(error)) => lost = lost.or(Some(error)),
                // What is paused is found so above.
                Err(Stopped::Crm(error)) => lost = lost.or(self.pause(connection, &error).await.err()),
            }
        }
        if let Some(error) = lost {
            return Err(error);
        }
        if alone.is_lost() {
            return Ok(PushEnd::Elsewhere);
        }
        if failed.is_none() {
            self.learn_time_zone(connection).await?;
        }
        let now = self.clock.now();
        // What the CRM is closed to may be due for long; the others must not wait for it.
        let closed = connection.closed_types(now).1.map(|(until, code)| (until.min(now.plus(LOOK)), code));
        let filling = filling.then(|| (now.plus(FILL / 4), "filling".to_owned()));
        Ok(failed.or(filling).map_or(PushEnd::Drained(closed), |(until, code)| PushEnd::Paused(until, code)))
    }

    /// Why a push does not begin: the CRM is not to be called now, or another process pushes.
    async fn cannot_begin(&self, connection: &Connection) -> Result<Option<PushEnd>> {
        let (process, now) = (self.process, self.clock.now());
        let told = match self.notes(connection).await? {
            Ok(told) => told,
            Err((until, code)) => return Ok(Some(PushEnd::Paused(until, code))),
        };
        if told.as_ref().is_some_and(|told| told.state != ConnectionState::Ready) {
            connection.forget_noted();
        }
        if told.is_some_and(|told| told.pushed_until > now.0 && told.pushed_by != Some(process)) {
            return Ok(Some(PushEnd::Elsewhere));
        }
        if let Err(error) = connection.check_account().await {
            let (until, code) = self.pause(connection, &error).await?;
            return Ok(Some(PushEnd::Paused(until, code)));
        }
        Ok(None)
    }
}
