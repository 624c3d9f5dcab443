//! Imports, backfills, slots and replays.

use mittler_core::{RunId, Time};
use serde::Serialize;
use serde_json::Value as Json;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Result, Store, Tx};

stored! {
    /// How far a run is.
    pub enum RunState {
        /// Further inputs may come: the single ones of a day and source.
        Open = "open",
        /// Its inputs are still coming.
        Receiving = "receiving",
        /// All are stored; some are still to be read.
        Reading = "reading",
        Done = "done",
    }
}

#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Run {
    pub id: Uuid,
    pub kind: String,
    pub label: String,
    pub params: sqlx::types::Json<Json>,
    pub state: RunState,
    pub created_at: i64,
    pub finished_at: Option<i64>,
}

/// The rows or mails of an import by what became of them: each is counted once, so that all but `rows`
/// together are `rows`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromRow)]
pub struct RunCounts {
    pub rows: i64,
    /// An earlier import had brought them.
    pub known: i64,
    /// They say exactly what an earlier row of the same list says.
    pub repeated: i64,
    /// Not read yet.
    pub waiting: i64,
    /// Leads and replies.
    pub taken: i64,
    /// There was nothing to take: blank rows, repeated headings, footers, automatic mail.
    pub skipped: i64,
    pub refused: i64,
    pub parked: i64,
}

impl RunCounts {
    /// Those that were stored as inputs.
    pub fn inputs(&self) -> i64 {
        self.rows - self.known - self.repeated
    }

    /// Those that were not taken and can be corrected.
    pub fn not_taken(&self) -> i64 {
        self.refused + self.parked
    }
}

/// How far the records of a run have got at one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct RunLinks {
    pub connection: Uuid,
    pub total: i64,
    pub due: i64,
}

impl Tx {
    pub async fn put_run(
        &mut self,
        id: RunId,
        kind: &str,
        label: &str,
        params: &Json,
        state: RunState,
        now: Time,
    ) -> Result<()> {
        execute!(
            self,
            "INSERT INTO run (id, kind, label, params, state, created_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO NOTHING",
            id.0,
            kind.to_owned(),
            label.to_owned(),
            crate::Document(&params),
            state,
            now.0,
        )?;
        Ok(())
    }

    pub async fn set_run_state(&mut self, id: RunId, state: RunState, finished: Option<Time>) -> Result<()> {
        execute!(
            self,
            "UPDATE run SET state = $2, finished_at = $3 WHERE id = $1",
            id.0,
            state,
            finished.map(|at| at.0),
        )?;
        Ok(())
    }

    /// Notes what of a list became no input of its run, because it was there before.
    pub async fn set_run_arrived(&mut self, id: RunId, known: i64, repeated: i64) -> Result<()> {
        execute!(self, "UPDATE run SET known = $2, repeated = $3 WHERE id = $1", id.0, known, repeated)?;
        Ok(())
    }

    /// Takes the labels of runs away; what kind of run it was stays.
    pub async fn empty_labels(&mut self, ids: &[Uuid]) -> Result<u64> {
        if ids.is_empty() {
            return Ok(0);
        }
        let ids = crate::id_rows(ids.iter().copied());
        rows!(self, &ids => (id uuid), "UPDATE run SET label = run.kind FROM", "WHERE run.id = r.id AND run.label <> run.kind")
    }

    /// Closes the runs that have no unread input left.
    pub async fn finish_runs(&mut self, now: Time) -> Result<u64> {
        execute!(
            self,
            "UPDATE run SET state = 'done', finished_at = $1 WHERE state = 'reading'
             AND NOT EXISTS (SELECT 1 FROM signal WHERE signal.run = run.id AND signal.state = 'new')",
            now.0,
        )
    }
}

impl Store {
    /// Whether a run has no unread input left and is not closed yet.
    pub async fn any_run_read(&self) -> Result<bool> {
        let rows = fetch_all!(
            self,
            (i64,),
            "SELECT CAST(count(*) AS bigint) FROM (SELECT 1 FROM run WHERE state = 'reading'
             AND NOT EXISTS (SELECT 1 FROM signal WHERE signal.run = run.id AND signal.state = 'new') LIMIT 1) AS one",
        )?;
        Ok(rows.first().is_some_and(|row| row.0 > 0))
    }

    /// The labels of runs, in pages.
    pub async fn run_labels(&self, after: Uuid, most: i64) -> Result<Vec<(Uuid, String)>> {
        fetch_all!(self, (Uuid, String), "SELECT id, label FROM run WHERE id > $1 ORDER BY id LIMIT $2", after, most)
    }

    pub async fn run(&self, id: RunId) -> Result<Option<Run>> {
        let rows = fetch_all!(
            self,
            Run,
            "SELECT id, kind, label, params, state, created_at, finished_at FROM run WHERE id = $1",
            id.0,
        )?;
        Ok(rows.into_iter().next())
    }

    /// Runs from before a time and id, the newest first.
    pub async fn run_list(&self, before: Option<(Time, Uuid)>, most: i64) -> Result<Vec<Run>> {
        let (at, id) = before.unwrap_or((Time::MAX, Uuid::max()));
        fetch_all!(
            self,
            Run,
            "SELECT id, kind, label, params, state, created_at, finished_at FROM run
             WHERE created_at < $1 OR (created_at = $1 AND id < $2) ORDER BY created_at DESC, id DESC LIMIT $3",
            at.0,
            id,
            most,
        )
    }

    /// The links of a run's people and of what is about them, by connection.
    pub async fn run_links(&self, id: RunId) -> Result<Vec<RunLinks>> {
        fetch_all!(
            self,
            RunLinks,
            "SELECT connection, count(*) AS total, CAST(sum(CASE WHEN wanted > done AND state NOT IN ('held', 'gone', 'suspect') THEN 1 ELSE 0 END) AS bigint) AS due
             FROM link WHERE role = 'primary' AND record IN (
               SELECT record FROM signal WHERE run = $1 AND record IS NOT NULL
               UNION SELECT record.id FROM signal JOIN record ON record.person = signal.record WHERE signal.run = $1)
             GROUP BY connection ORDER BY connection",
            id.0,
        )
    }

    pub async fn run_counts(&self, id: RunId) -> Result<RunCounts> {
        let rows = fetch_all!(
            self,
            RunCounts,
            "SELECT run.known + run.repeated + count(signal.id) AS rows, run.known, run.repeated,
                    CAST(coalesce(sum(CASE WHEN signal.state = 'new' THEN 1 ELSE 0 END), 0) AS bigint) AS waiting,
                    CAST(coalesce(sum(CASE WHEN signal.state = 'done' AND signal.code IS NULL THEN 1 ELSE 0 END), 0) AS bigint) AS taken,
                    CAST(coalesce(sum(CASE WHEN signal.state = 'done' AND signal.code IS NOT NULL THEN 1 ELSE 0 END), 0) AS bigint) AS skipped,
                    CAST(coalesce(sum(CASE WHEN signal.state = 'refused' THEN 1 ELSE 0 END), 0) AS bigint) AS refused,
                    CAST(coalesce(sum(CASE WHEN signal.state = 'parked' THEN 1 ELSE 0 END), 0) AS bigint) AS parked
             FROM run LEFT JOIN signal ON signal.run = run.id WHERE run.id = $1 GROUP BY run.id, run.known, run.repeated",
            id.0,
        )?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// How many people the inputs of a run led to.
    pub async fn run_people(&self, id: RunId) -> Result<i64> {
        let rows = fetch_all!(
            self,
            (i64,),
            "SELECT count(DISTINCT record) FROM signal WHERE run = $1 AND state = 'done'",
            id.0,
        )?;
        Ok(rows.first().map_or(0, |row| row.0))
    }
}
