//! One process at a time pushes a connection: two would find the same links, look for the same records and
//! send half a batch each.
//!
//! A matter of economy alone. What keeps a link from being written twice are the leases: who has lost this
//! right without knowing it, or waits too long for one that died, does no harm.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mittler_core::{ConnectionId, Time};
use mittler_store::{Result, Tx};
use uuid::Uuid;

/// How long the right outlives the last word of who has it.
const LASTS: Duration = Duration::from_secs(3);

/// The right to push a connection, as one push has it: taken with the first write that it notes, and held on with
/// later ones. It ends by itself, so that whoever made something due meanwhile may take it up; a process that stops
/// gives it back with [`Tx::end_push`].
#[derive(Debug)]
pub struct PusherLease {
    connection: ConnectionId,
    process: Uuid,
    right: Mutex<Right>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Right {
    NotTaken,
    Until(Time),
    /// Another process has it.
    Lost,
}

impl PusherLease {
    pub fn new(connection: ConnectionId, process: Uuid) -> PusherLease {
        PusherLease { connection, process, right: Mutex::new(Right::NotTaken) }
    }

    fn right(&self) -> MutexGuard<'_, Right> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes it, or holds it on; `false` if another process has it.
    pub async fn hold(&self, tx: &mut Tx, now: Time) -> Result<bool> {
        let right = *self.right();
        if matches!(right, Right::Until(until) if (LASTS / 2..=LASTS).contains(&until.since(now))) {
            return Ok(true);
        }
        let until = now.plus(LASTS);
        let held = tx.take_push(self.connection, self.process, until, now).await?;
        *self.right() = if held { Right::Until(until) } else { Right::Lost };
        Ok(held)
    }

    /// Whether another process was found to have it: this push ends.
    pub fn is_lost(&self) -> bool {
        *self.right() == Right::Lost
    }
}
