//! Inputs as they came.

use mittler_core::{RunId, SignalId, Time, trace::SignalTrace};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Bytes, Result, Store, Tx, id_rows, trace};

/// What becomes of an input.
pub const STATES: [&str; 4] = ["new", "done", "refused", "parked"];

/// Why an input is parked that cannot be processed.
pub const NOT_TAKEN: &str = "Mittler could not process this input; it is kept and can be retried";

/// One input to be stored.
#[derive(Debug, Clone, Serialize)]
pub struct NewSignal {
    pub id: Uuid,
    pub run: Uuid,
    /// `lead_row`, `lead`, `mail`.
    pub kind: String,
    pub line: i64,
    /// Keyed hash of source and content: what says the same comes once.
    pub dedup: Uuid,
    pub received_at: i64,
    pub content: Bytes,
    /// Where its caller stood in a trace of its own.
    pub trace: Option<String>,
}

/// An input that waits to be read.
#[derive(Debug, Clone, FromRow)]
pub struct Unread {
    pub id: Uuid,
    pub run: Uuid,
    pub kind: String,
    pub line: i64,
    pub received_at: i64,
    pub content: Option<Vec<u8>>,
    pub params: sqlx::types::Json<Json>,
    pub trace: Option<String>,
}

impl Unread {
    pub fn trace(&self) -> SignalTrace {
        trace::of(self.id, self.trace.as_deref())
    }
}

stored! {
    /// What became of an input.
    pub enum SignalState {
        /// It is still to be read.
        New = "new",
        /// It was read; its code says so if nothing followed from it.
        Done = "done",
        /// What it says cannot be taken: its sender has to put it right.
        Refused = "refused",
        /// It could not be read by a fault of ours, or waits for a person.
        Parked = "parked",
    }
}

/// What became of one input.
#[derive(Debug, Clone, Serialize)]
pub struct Read {
    pub id: Uuid,
    /// `done`, `refused`, `parked`.
    pub state: SignalState,
    pub code: Option<String>,
    pub field: Option<String>,
    pub reason: Option<String>,
    pub remarks: Json,
    pub record: Option<Uuid>,
}

/// One input for people: without its content.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow)]
pub struct SignalLine {
    pub id: Uuid,
    pub run: Uuid,
    pub kind: String,
    pub line: i64,
    pub received_at: i64,
    pub state: SignalState,
    pub code: Option<String>,
    pub field: Option<String>,
    pub reason: Option<String>,
    pub record: Option<Uuid>,
    pub remarks: sqlx::types::Json<Json>,
}

/// One input that was not taken, with its bytes while they are kept.
#[derive(Debug, Clone, FromRow)]
pub struct RefusedContent {
    pub id: Uuid,
    pub line: i64,
    pub code: Option<String>,
    pub field: Option<String>,
    pub reason: Option<String>,
    pub content: Option<Vec<u8>>,
}

impl Tx {
    /// Stores inputs; gives the ids of those that were not known by their key.
    pub async fn put_signals(&mut self, signals: &[NewSignal]) -> Result<Vec<Uuid>> {
        let new = rows_all!(self, (Uuid,), signals => (id uuid, run uuid, kind text, line bigint, dedup uuid, received_at bigint, content bytea, trace text),
            "INSERT INTO signal (id, run, kind, line, dedup, received_at, state, remarks, content, trace)
             SELECT id, run, kind, line, dedup, received_at, 'new', '[]', content, trace FROM",
            "WHERE true ON CONFLICT (dedup) DO NOTHING RETURNING id")?;
        Ok(new.into_iter().map(|row| row.0).collect())
    }

    /// The ids under which inputs of these keys are known.
    pub async fn known_signals(&mut self, keys: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>> {
        let keys = id_rows(keys.iter().copied());
        rows_all!(self, (Uuid, Uuid), &keys => (id uuid),
            "SELECT s.dedup, s.id FROM", "CROSS JOIN signal s WHERE s.dedup = r.id")
    }

    /// Those of the inputs that nobody has read yet, locked until this transaction ends.
    pub async fn lock_unread(&mut self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        let ids = id_rows(ids.iter().copied());
        let rows = match self.db() {
            crate::Db::Sqlite(_) => rows_all!(self, (Uuid,), &ids => (id uuid),
                "SELECT s.id FROM", "CROSS JOIN signal s WHERE s.id = r.id AND s.state = 'new' ORDER BY s.id")?,
            crate::Db::Postgres(_) => rows_all!(self, (Uuid,), &ids => (id uuid),
                "SELECT s.id FROM", "CROSS JOIN signal s WHERE s.id = r.id AND s.state = 'new' ORDER BY s.id FOR UPDATE OF s")?,
        };
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    pub async fn settle_signals(&mut self, read: &[Read]) -> Result<()> {
        rows!(self, read => (id uuid, state text, code text, field text, reason text, remarks json, record uuid),
            "UPDATE signal SET state = r.state, code = r.code, field = r.field, reason = r.reason, remarks = r.remarks, record = r.record,
                    content = CASE WHEN r.code = 'suppressed' THEN NULL ELSE signal.content END FROM",
            "WHERE signal.id = r.id")?;
        Ok(())
    }

    /// Parks those of the inputs that nobody has read: they cannot be processed, and a person is to
    /// know.
    pub async fn park_unread(&mut self, ids: &[Uuid]) -> Result<u64> {
        let ids = self.lock_unread(ids).await?;
        let ids = id_rows(ids);
        rows!(self, &ids => (id uuid),
            "UPDATE signal SET state = 'parked', code = 'not_taken', reason = $2 FROM",
            "WHERE signal.id = r.id AND signal.state = 'new'", NOT_TAKEN)
    }

    /// Makes inputs unread again that were parked because they could not be processed.
    pub async fn unpark(&mut self, ids: &[Uuid]) -> Result<u64> {
        let ids = id_rows(ids.iter().copied());
        rows!(self, &ids => (id uuid),
            "UPDATE signal SET state = 'new', code = NULL, reason = NULL FROM",
            "WHERE signal.id = r.id AND signal.state = 'parked' AND signal.code = 'not_taken' AND signal.content IS NOT NULL")
    }

    /// Unread inputs from before a time that no living job is about to read: their job died, or a
    /// hand took it away.
    pub async fn left_unread(&mut self, before: Time, most: i64) -> Result<Vec<SignalId>> {
        let rows = fetch_either!(
            self,
            (Uuid,),
            "SELECT id FROM signal WHERE state = 'new' AND received_at < $1
             AND id NOT IN (SELECT unhex(substr(named.value, 5)) FROM job, json_each(job.task, '$.signals') AS named
                            WHERE job.topic = 'enrich' AND job.dead_at IS NULL)
             ORDER BY received_at, line, id LIMIT $2",
            "SELECT id FROM signal WHERE state = 'new' AND received_at < $1
             AND id NOT IN (SELECT CAST(substr(named.value, 5) AS uuid) FROM job, json_array_elements_text(job.task->'signals') AS named(value)
                            WHERE job.topic = 'enrich' AND job.dead_at IS NULL)
             ORDER BY received_at, line, id LIMIT $2",
            before.0,
            most,
        )?;
        Ok(rows.into_iter().map(|row| SignalId(row.0)).collect())
    }

    /// Makes inputs unread again (after their mapping was corrected).
    pub async fn reopen_signals(&mut self, ids: &[Uuid]) -> Result<u64> {
        let ids = id_rows(ids.iter().copied());
        rows!(self, &ids => (id uuid),
            "UPDATE signal SET state = 'new', code = NULL, field = NULL, reason = NULL FROM",
            "WHERE signal.id = r.id AND signal.state IN ('refused', 'parked') AND signal.content IS NOT NULL")
    }
}

impl Store {
    /// Whether inputs are still to be read.
    pub async fn any_unread(&self) -> Result<bool> {
        let rows = fetch_all!(
            self,
            (i64,),
            "SELECT CAST(count(*) AS bigint) FROM (SELECT 1 FROM signal WHERE state = 'new' LIMIT 1) AS unread"
        )?;
        Ok(rows.first().is_some_and(|row| row.0 > 0))
    }

    /// Inputs that wait to be read, with the parameters of their runs.
    pub async fn unread(&self, ids: &[SignalId]) -> Result<Vec<Unread>> {
        let ids = id_rows(ids.iter().map(|id| id.0));
        rows_all!(self, Unread, &ids => (id uuid),
            "SELECT s.id, s.run, s.kind, s.line, s.received_at, s.content, s.trace, run.params
             FROM", "CROSS JOIN signal s JOIN run ON run.id = s.run WHERE s.id = r.id AND s.state = 'new' ORDER BY s.line, s.id")
    }

    /// The inputs of a run, in order; `problems` only those that were not taken.
    pub async fn signal_lines(
        &self,
        run: RunId,
        problems: bool,
        after_line: i64,
        most: i64,
    ) -> Result<Vec<SignalLine>> {
        fetch_all!(
            self,
            SignalLine,
            "SELECT id, run, kind, line, received_at, state, code, field, reason, record, remarks FROM signal
             WHERE run = $1 AND line > $2 AND ($3 = 0 OR state IN ('refused', 'parked')) ORDER BY line, id LIMIT $4",
            run.0,
            after_line,
            i64::from(problems),
            most,
        )
    }

    /// One input for people.
    pub async fn signal_line(&self, id: SignalId) -> Result<Option<SignalLine>> {
        Ok(fetch_all!(
            self,
            SignalLine,
            "SELECT id, run, kind, line, received_at, state, code, field, reason, record, remarks FROM signal WHERE id = $1",
            id.0,
        )?
        .into_iter()
        .next())
    }

    /// The inputs of a run that were not taken, with their bytes, to be corrected and sent again: the next
    /// ones after a line and id.
    pub async fn refused_contents(&self, run: RunId, after: (i64, Uuid), most: i64) -> Result<Vec<RefusedContent>> {
        fetch_all!(
            self,
            RefusedContent,
            "SELECT id, line, code, field, reason, content FROM signal
             WHERE run = $1 AND state IN ('refused', 'parked') AND (line > $2 OR (line = $2 AND id > $3))
             ORDER BY line, id LIMIT $4",
            run.0,
            after.0,
            after.1,
            most,
        )
    }

    /// Which of these keys inputs are known by.
    pub async fn known_keys(&self, keys: &[Uuid]) -> Result<Vec<Uuid>> {
        let keys = id_rows(keys.iter().copied());
        let known = rows_all!(self, (Uuid,), &keys => (id uuid),
            "SELECT s.dedup FROM", "CROSS JOIN signal s WHERE s.dedup = r.id")?;
        Ok(known.into_iter().map(|row| row.0).collect())
    }

    /// The bytes of one input, while they are kept.
    pub async fn signal_content(&self, id: SignalId) -> Result<Option<Vec<u8>>> {
        let rows = fetch_all!(self, (Option<Vec<u8>>,), "SELECT content FROM signal WHERE id = $1", id.0)?;
        Ok(rows.into_iter().next().and_then(|row| row.0))
    }

    /// All inputs by state, one of [`STATES`]: read from an index alone.
    pub async fn signal_states(&self) -> Result<Vec<(String, i64)>> {
        fetch_all!(self, (String, i64), "SELECT state, count(*) FROM signal GROUP BY state ORDER BY state")
    }

    /// Inputs by state since a time.
    pub async fn signal_counts(&self, since: Time) -> Result<Vec<(String, i64)>> {
        fetch_all!(
            self,
            (String, i64),
            "SELECT state, count(*) FROM signal WHERE received_at >= $1 GROUP BY state ORDER BY state",
            since.0,
        )
    }
}
