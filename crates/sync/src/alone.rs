//! One process at a time pushes a connection: two would find the same links, look for the same records and
//! send half a batch each.
//!
//! A matter of economy alone. What keeps a link from being written twice are the leases: who has lost this
//! right without knowing it, or waits too long for one that died, does no harm.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mittler_core::{ConnectionId, Time};
use mittler_store::{Result, Tx};
use uuid::Uuid;

/// How long the right outlives the last word of who has it.
const LASTS: Duration = Duration::from_secs(3);

/// The right to push a connection, as one push has it: taken with the first write that it notes, held on with
/// later ones, and given back with [`Tx::end_push`], in the transaction that finds nothing more due.
#[derive(Debug)]
pub struct Alone {
    connection: ConnectionId,
    process: Uuid,
    until: Mutex<Option<Time>>,
    lost: AtomicBool,
}

impl Alone {
    pub fn new(connection: ConnectionId, process: Uuid) -> Alone {
        Alone { connection, process, until: Mutex::new(None), lost: AtomicBool::new(false) }
    }

    /// Takes it, or holds it on; `false` if another process has it.
    pub async fn hold(&self, tx: &mut Tx, now: Time) -> Result<bool> {
        let known = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some_and(|until| now.plus(LASTS / 2) < until) {
            return Ok(true);
        }
        let until = now.plus(LASTS);
        let held = tx.take_push(self.connection, self.process, until, now).await?;
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = held.then_some(until);
        self.lost.store(!held, Ordering::Relaxed);
        Ok(held)
    }

    /// Whether another process was found to have it: this push ends.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}
