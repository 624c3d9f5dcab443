//! People of whom nobody has said yet who they are: nothing is made of them in a CRM for a while.

use mittler_core::{LinkId, RecordId, Time};
use uuid::Uuid;

use crate::{Result, Store, Tx};

/// How many are held, and since when the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldPeople {
    pub count: i64,
    pub oldest: Option<Time>,
}

impl Tx {
    /// Whoever a record is has been said: it is written, with all that hangs on it. Not so while another question
    /// is open about who it is. Gives whether it was held.
    pub async fn settle_identity(&mut self, record: RecordId, answered: Uuid) -> Result<bool> {
        let settled = execute!(
            self,
            "UPDATE record SET unsure_until = 0 WHERE id = $1 AND unsure_until > 0
               AND NOT EXISTS (SELECT 1 FROM review WHERE record = $1 AND id <> $2 AND state = 'open'
                                  AND connection IS NULL AND question IN ('same_person', 'same_organisation'))",
            record.0,
            answered,
        )?;
        if settled == 0 {
            return Ok(false);
        }
        let held = fetch_all!(
            self,
            (Uuid,),
            "SELECT id FROM link WHERE record = $1 AND state = 'held' AND code = 'identity_unsure' ORDER BY id",
            record.0
        )?;
        self.want_unlinked(&held.into_iter().map(|row| LinkId(row.0)).collect::<Vec<_>>()).await?;
        Ok(true)
    }
}

impl Store {
    /// Those who are held now.
    pub async fn held_people(&self, now: Time) -> Result<HeldPeople> {
        let rows = fetch_all!(
            self,
            (i64, Option<i64>),
            "SELECT count(*), min(created_at) FROM record WHERE unsure_until > $1 AND unsure_until > 0",
            now.0,
        )?;
        let (count, oldest) = rows.into_iter().next().unwrap_or((0, None));
        Ok(HeldPeople { count, oldest: oldest.map(Time) })
    }
}
