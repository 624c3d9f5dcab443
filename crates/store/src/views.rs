//! What people look at: pages of rows and counts for the API and the pages. Reads only, but for
//! the correction of a run's parameters.

use mittler_core::{ConnectionId, Kind, LinkId, RunId, Time};
use serde::Serialize;
use serde_json::Value as Json;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Result, Store, Tx, intents::IntentLine, jobs::JobLine, links::LinkState, records::RecordLine, signals::SignalLine,
};

/// Links of a connection that are not as they should be, by the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct Waiting {
    pub connection: Uuid,
    pub kind: String,
    pub state: LinkState,
    pub code: Option<String>,
    pub count: i64,
}

impl Tx {
    /// Corrects how the inputs of a run are read from now on.
    pub async fn set_run_params(&mut self, id: RunId, params: &Json) -> Result<()> {
        execute!(self, "UPDATE run SET params = $2 WHERE id = $1", id.0, crate::Document(&params))?;
        Ok(())
    }
}

impl Store {
    /// The inputs of a run from after a line and id, in order; `problems` only those not taken.
    pub async fn run_lines(
        &self,
        run: RunId,
        problems: bool,
        after: (i64, Uuid),
        most: i64,
    ) -> Result<Vec<SignalLine>> {
        fetch_all!(
            self,
            SignalLine,
            "SELECT id, run, kind, line, received_at, state, code, field, reason, record, remarks FROM signal
             WHERE run = $1 AND ($2 = 0 OR state IN ('refused', 'parked')) AND (line > $3 OR (line = $3 AND id > $4))
             ORDER BY line, id LIMIT $5",
            run.0,
            i64::from(problems),
            after.0,
            after.1,
            most,
        )
    }

    /// Dead jobs from after an id.
    pub async fn dead_jobs(&self, after: Uuid, most: i64) -> Result<Vec<JobLine>> {
        fetch_all!(
            self,
            JobLine,
            "SELECT id, topic, due_at, attempt, failures, dead_at, code, created_at FROM job
             WHERE dead_at IS NOT NULL AND id > $1 ORDER BY id LIMIT $2",
            after,
            most,
        )
    }

    /// What waits, is held or was refused, and why. `held`: nothing is due, but something of it does not go.
    pub async fn waiting_counts(&self) -> Result<Vec<Waiting>> {
        fetch_all!(
            self,
            Waiting,
            "SELECT connection, kind, CASE WHEN state = 'open' AND wanted <= done THEN 'held' ELSE state END AS state, code, count(*) AS count
             FROM link
             WHERE role = 'primary' AND (wanted > done OR state <> 'open' OR CAST(held AS text) <> '{}' OR code <> 'not_found_there')
             GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4 LIMIT 200",
        )
    }

    /// Writes of a link that ended, or else began, before a time and id, the latest first.
    pub async fn writes_before(&self, link: LinkId, before: (Time, Uuid), most: i64) -> Result<Vec<IntentLine>> {
        fetch_all!(
            self,
            IntentLine,
            "SELECT id, operation, remote_type, fields, before, begun_at, settled_at, outcome, code FROM intent
             WHERE link = $1 AND (coalesce(settled_at, begun_at) < $2 OR (coalesce(settled_at, begun_at) = $2 AND id < $3))
             ORDER BY coalesce(settled_at, begun_at) DESC, id DESC LIMIT $4",
            link.0,
            before.0.0,
            before.1,
            most,
        )
    }

    /// When each CRM last answered a write that was begun since a time.
    pub async fn last_answers(&self, since: Time) -> Result<Vec<(Uuid, i64)>> {
        fetch_all!(
            self,
            (Uuid, i64),
            "SELECT connection, max(settled_at) FROM intent
             WHERE begun_at >= $1 AND outcome IN ('created', 'updated', 'unchanged', 'refused', 'exists', 'gone', 'review')
             GROUP BY connection ORDER BY connection",
            since.0,
        )
    }

    /// The connection of a link.
    pub async fn link_connection(&self, link: LinkId) -> Result<Option<ConnectionId>> {
        let rows = fetch_all!(self, (Uuid,), "SELECT connection FROM link WHERE id = $1", link.0)?;
        Ok(rows.into_iter().next().map(|row| ConnectionId(row.0)))
    }

    /// Records of a kind, the latest changed first, from before a time and id.
    pub async fn latest_records(&self, kind: Kind, before: (Time, Uuid), most: i64) -> Result<Vec<RecordLine>> {
        fetch_all!(
            self,
            RecordLine,
            "SELECT id, kind, version, fields, created_at, updated_at FROM record
             WHERE kind = $1 AND merged_into IS NULL AND (updated_at < $2 OR (updated_at = $2 AND id < $3))
             ORDER BY updated_at DESC, id DESC LIMIT $4",
            kind.name().to_owned(),
            before.0.0,
            before.1,
            most,
        )
    }

    /// The latest records of a kind in which each of up to three texts stands, as far as the database can tell: it
    /// knows small and capital letters of ASCII alone, and looks at sources as well. `like`: patterns in small letters.
    pub async fn records_like(&self, kind: Kind, like: &[String], most: i64) -> Result<Vec<RecordLine>> {
        let one = |at: usize| like.get(at).cloned().unwrap_or_else(|| "%".into());
        fetch_all!(
            self,
            RecordLine,
            "SELECT id, kind, version, fields, created_at, updated_at FROM record
             WHERE kind = $1 AND merged_into IS NULL AND lower(CAST(fields AS text)) LIKE $2
               AND lower(CAST(fields AS text)) LIKE $3 AND lower(CAST(fields AS text)) LIKE $4
             ORDER BY updated_at DESC, id DESC LIMIT $5",
            kind.name().to_owned(),
            one(0),
            one(1),
            one(2),
            most,
        )
    }

    /// Records of people and companies that were made since a time.
    pub async fn new_records(&self, since: Time) -> Result<Vec<(String, i64)>> {
        fetch_all!(
            self,
            (String, i64),
            "SELECT kind, count(*) FROM record WHERE created_at >= $1 AND merged_into IS NULL GROUP BY kind ORDER BY kind",
            since.0,
        )
    }
}
