//! Calls that may be sent again: a key of the caller's is reserved before anything is done, and what was answered is
//! given again.

use std::time::Duration;

use mittler_core::Time;
use mittler_store::{Result, access::Reserved};
use serde_json::Value;
use uuid::Uuid;

use crate::Ingest;

/// A reservation older than this is of a process that died: whoever repeats the call takes it over.
const RESERVED: Duration = Duration::from_mins(1);

/// A caller's key, reserved for one call until its answer is kept or it is released.
#[derive(Debug, Clone, Copy)]
pub struct Reservation {
    key: Uuid,
    at: Time,
}

/// What is known of a call that comes with a key.
#[derive(Debug)]
pub enum Repetition {
    /// It is new, and is to be done.
    New(Reservation),
    /// The key was used for another body.
    Other,
    /// The first one is still at work.
    InFlight,
    /// It was answered so.
    Answered { status: i64, answer: Value },
}

impl Ingest {
    /// Reserves the key that `caller` gave to a call of `place` with this content.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn reserve(&self, caller: Uuid, place: &str, given: &str, content: &[&[u8]]) -> Result<Repetition> {
        // Keyed, because who has the database alone must not be able to try out what a body said.
        let key = self.keyed("idempotency", [caller.as_bytes().as_slice(), place.as_bytes(), given.as_bytes()]);
        let fingerprint = self.keyed("fingerprint", content.iter().copied());
        let at = self.clock.now();
        let reserved =
            self.store.write(async move |tx| tx.reserve_answer(key, fingerprint, at, at.minus(RESERVED)).await).await?;
        Ok(match reserved {
            Reserved::Ours => Repetition::New(Reservation { key, at }),
            Reserved::Other => Repetition::Other,
            Reserved::InFlight => Repetition::InFlight,
            Reserved::Answered { status, answer } => Repetition::Answered { status, answer },
        })
    }

    /// Keeps the answer for whoever repeats the call. It holds ids and counts only.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn keep_answer(&self, reservation: Reservation, status: u16, answer: &Value) -> Result<()> {
        let (Reservation { key, at }, status, answer) = (reservation, i64::from(status), answer.clone());
        self.store.write(async move |tx| tx.put_answer(key, at, status, &answer).await).await?;
        Ok(())
    }

    /// Lets the key be used again: the call was not taken. If that fails, the reservation ends by its age.
    pub async fn release(&self, reservation: Reservation) {
        let Reservation { key, at } = reservation;
        if let Err(error) = self.store.write(async move |tx| tx.release_answer(key, at).await).await {
            tracing::warn!(error = %error, "an Idempotency-Key stays reserved for a minute");
        }
    }
}
