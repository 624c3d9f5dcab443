//! Intents: what was written to links, and what may have been. An intent whose end is known is the
//! audit entry of its write; one without an end says that the CRM has to be looked at first.

use mittler_core::{LinkId, RemoteFields, Time};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{Result, Store, Tx};

stored! {
    /// What a write does to a remote record.
    pub enum Operation {
        Create = "create",
        Update = "update",
        Archive = "archive",
    }
}

stored! {
    /// How a write ended.
    pub enum IntentOutcome {
        Created = "created",
        Updated = "updated",
        /// The CRM had it so.
        Unchanged = "unchanged",
        Archived = "archived",
        Refused = "refused",
        /// A record with one of its unique values was there.
        Exists = "exists",
        /// The CRM's rule against duplicates stopped it: a person is asked.
        Review = "review",
        /// The record was not there any more.
        Gone = "gone",
        /// A lock: it is done again.
        Busy = "busy",
        /// Nothing was written: the call did not reach the CRM, or the CRM did not do it.
        Lost = "lost",
        /// Nobody ever learned it, and a later decision took its place.
        Unknown = "unknown",
        /// It had been written, as a look there showed.
        Found = "found",
    }
}

/// "About to write": committed before the call, with the lease under which it is made, and by itself
/// once the call has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub id: Uuid,
    pub link: Uuid,
    pub connection: Uuid,
    pub operation: Operation,
    pub remote_type: String,
    pub fields: RemoteFields,
    pub before: RemoteFields,
    pub begun_at: i64,
    /// `None`: nobody knows how it ended.
    pub settled_at: Option<i64>,
    pub outcome: Option<IntentOutcome>,
    pub code: Option<String>,
}

impl Intent {
    /// The same, ended.
    #[must_use]
    pub fn ended(self, outcome: IntentOutcome, code: Option<String>, now: Time) -> Intent {
        Intent { settled_at: Some(now.0), outcome: Some(outcome), code, ..self }
    }
}

/// How an open intent ended.
#[derive(Debug, Clone, Serialize)]
pub struct Settled {
    pub id: Uuid,
    pub link: Uuid,
    pub outcome: IntentOutcome,
    pub code: Option<String>,
}

/// A write of an earlier lease whose end nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIntent {
    pub id: Uuid,
    pub operation: Operation,
    pub fields: RemoteFields,
    pub begun_at: Time,
}

/// One write, for the timeline.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct IntentLine {
    pub id: Uuid,
    pub operation: Operation,
    pub remote_type: String,
    pub fields: Json<RemoteFields>,
    pub before: Json<RemoteFields>,
    pub begun_at: i64,
    pub settled_at: Option<i64>,
    pub outcome: Option<IntentOutcome>,
    pub code: Option<String>,
}

impl Tx {
    /// Keeps intents, ended or not. One that is there stays as it is.
    pub async fn put_intents(&mut self, intents: &[Intent]) -> Result<()> {
        if intents.is_empty() {
            return Ok(());
        }
        rows!(self, intents => (id uuid, link uuid, connection uuid, operation text, remote_type text, fields json, before json, begun_at bigint, settled_at bigint, outcome text, code text),
            "INSERT INTO intent (id, link, connection, operation, remote_type, fields, before, begun_at, settled_at, outcome, code)
             SELECT id, link, connection, operation, remote_type, fields, before, begun_at, settled_at, outcome, code FROM",
            "WHERE true ON CONFLICT (id) DO NOTHING")?;
        Ok(())
    }
}

impl Store {
    /// Writes by connection, type and outcome since a time.
    pub async fn intent_counts(&self, since: Time) -> Result<Vec<(Uuid, String, String, i64)>> {
        fetch_all!(
            self,
            (Uuid, String, String, i64),
            "SELECT connection, remote_type, coalesce(outcome, 'open'), count(*) FROM intent WHERE begun_at >= $1
             GROUP BY connection, remote_type, coalesce(outcome, 'open') ORDER BY 1, 2, 3",
            since.0,
        )
    }

    /// What was written to a link, the latest first.
    pub async fn intents(&self, link: LinkId, most: i64) -> Result<Vec<IntentLine>> {
        fetch_all!(
            self,
            IntentLine,
            "SELECT id, operation, remote_type, fields, before, begun_at, settled_at, outcome, code FROM intent
             WHERE link = $1 ORDER BY begun_at DESC, id DESC LIMIT $2",
            link.0,
            most,
        )
    }
}
