//! Removing a person, keeping them from coming back, and ending what has outlived its time.

use std::time::Duration;

use mittler_core::{RecordId, Time};
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Result, Store, Tx, id_rows};

/// Rows removed from one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    pub table: String,
    pub rows: u64,
    /// What was done: `deleted`, `emptied`.
    pub how: String,
}

/// How long things stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub content: Duration,
    pub signal: Duration,
    pub intent_values: Duration,
    pub intent: Duration,
    pub dead_job: Duration,
    pub answer: Duration,
}

const DAY: Duration = Duration::from_hours(24);
/// Ten years: that long the law may ask.
const AUDIT: Duration = Duration::from_hours(87648);

impl Default for Retention {
    fn default() -> Self {
        Retention {
            content: 14 * DAY,
            signal: 400 * DAY,
            intent_values: 90 * DAY,
            intent: 400 * DAY,
            dead_job: 30 * DAY,
            answer: 30 * DAY,
        }
    }
}

/// A suppression entry.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Suppressed {
    pub hmac: Uuid,
    pub kind: String,
    pub added_at: i64,
}

impl Tx {
    /// Removes a person and all that is only about them; says per table what it did.
    ///
    /// First everything is locked, records before links: whoever is writing about the person ends
    /// before, and is seen, or comes after and finds nobody to write about. Rows of keys are locked
    /// by being deleted, after the records: nobody who holds a key of this person waits for it.
    pub async fn forget(&mut self, person: RecordId) -> Result<Vec<Removed>> {
        let mut removed = Vec::new();
        let mut note = |table: &str, rows: u64, how: &str| {
            removed.push(Removed { table: table.into(), rows, how: how.into() });
        };
        let mut ids: Vec<RecordId> = Vec::new();
        loop {
            let about = fetch_all!(
                self,
                (Uuid,),
                "SELECT id FROM record WHERE id = $1 OR person = $1 OR merged_into = $1 ORDER BY id",
                person.0
            )?;
            let about: Vec<RecordId> = about.into_iter().map(|row| RecordId(row.0)).collect();
            if about == ids {
                break;
            }
            // While waiting for the locks, whoever held them may have added more.
            self.lock_records(&about).await?;
            ids = about;
        }
        let records = id_rows(ids.iter().map(|id| id.0));
        let links =
            rows_all!(self, (Uuid,), &records => (id uuid), "SELECT l.id FROM link l JOIN", "ON l.record = r.id")?;
        self.lock_links(&links.into_iter().map(|row| row.0).collect::<Vec<_>>()).await?;
        note(
            "record_key",
            rows!(self, &records => (id uuid), "DELETE FROM record_key WHERE record IN (SELECT r.id FROM", ")")?,
            "deleted",
        );
        note(
            "weak_key",
            rows!(self, &records => (id uuid), "DELETE FROM weak_key WHERE record IN (SELECT r.id FROM", ")")?,
            "deleted",
        );
        // Inputs are found by the record they led to, and by the statements that came from them.
        note(
            "signal",
            rows!(self, &records => (id uuid),
            "UPDATE signal SET content = NULL, record = NULL, remarks = '[]', field = NULL, reason = NULL
             WHERE id IN (SELECT s.signal FROM statement s JOIN", "ON s.record = r.id) OR record IN (SELECT about.id FROM record about WHERE about.id = $2 OR about.person = $2 OR about.merged_into = $2)",
            person.0)?,
            "emptied",
        );
        note(
            "statement",
            rows!(self, &records => (id uuid), "DELETE FROM statement WHERE record IN (SELECT r.id FROM", ")")?,
            "deleted",
        );
        note(
            "intent",
            rows!(self, &records => (id uuid),
            "DELETE FROM intent WHERE link IN (SELECT l.id FROM link l JOIN", "ON l.record = r.id)")?,
            "deleted",
        );
        note(
            "link",
            rows!(self, &records => (id uuid), "DELETE FROM link WHERE record IN (SELECT r.id FROM", ")")?,
            "deleted",
        );
        note(
            "review",
            rows!(self, &records => (id uuid), "DELETE FROM review WHERE record IN (SELECT r.id FROM", ")")?,
            "deleted",
        );
        note(
            "audit_content",
            rows!(self, &records => (id uuid), "DELETE FROM audit_content WHERE record IN (SELECT r.id FROM", ")")?,
            "deleted",
        );
        note(
            "record",
            rows!(self, &records => (id uuid), "DELETE FROM record WHERE id IN (SELECT r.id FROM", ")")?,
            "deleted",
        );
        Ok(removed)
    }

    /// Keeps these from coming back.
    pub async fn suppress(&mut self, entries: &[(Uuid, &'static str)], now: Time) -> Result<u64> {
        let rows: Vec<Suppressed> = entries
            .iter()
            .map(|(hmac, kind)| Suppressed { hmac: *hmac, kind: (*kind).to_owned(), added_at: now.0 })
            .collect();
        rows!(self, &rows => (hmac uuid, kind text, added_at bigint),
            "INSERT INTO suppression (hmac, kind, added_at) SELECT hmac, kind, added_at FROM",
            "WHERE true ON CONFLICT (hmac) DO NOTHING")
    }

    /// Which of these are suppressed.
    pub async fn suppressed(&mut self, hmacs: &[Uuid]) -> Result<Vec<Uuid>> {
        let ids = id_rows(hmacs.iter().copied());
        let rows =
            rows_all!(self, (Uuid,), &ids => (id uuid), "SELECT s.hmac FROM suppression s JOIN", "ON s.hmac = r.id")?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// Ends what has outlived its time, a bounded number of rows at once; says what it did.
    pub async fn retain(&mut self, keep: Retention, now: Time, most: i64) -> Result<Vec<Removed>> {
        let mut removed = Vec::new();
        let mut note = |table: &str, rows: u64, how: &str| {
            removed.push(Removed { table: table.into(), rows, how: how.into() });
        };
        // Unread inputs keep their content, whatever their age: nothing is lost.
        note(
            "signal",
            execute!(
                self,
                "UPDATE signal SET content = NULL WHERE id IN (SELECT id FROM signal WHERE content IS NOT NULL AND state <> 'new' AND received_at < $1 ORDER BY id LIMIT $2)",
                now.minus(keep.content).0,
                most
            )?,
            "emptied",
        );
        note(
            "signal",
            execute!(
                self,
                "DELETE FROM signal WHERE id IN (SELECT id FROM signal WHERE state <> 'new' AND received_at < $1 ORDER BY id LIMIT $2)",
                now.minus(keep.signal).0,
                most
            )?,
            "deleted",
        );
        note(
            "run",
            execute!(
                self,
                "DELETE FROM run WHERE created_at < $1 AND NOT EXISTS (SELECT 1 FROM signal WHERE signal.run = run.id)",
                now.minus(keep.signal).0
            )?,
            "deleted",
        );
        note(
            "intent",
            execute!(
                self,
                "UPDATE intent SET fields = '{}', before = '{}' WHERE id IN (SELECT id FROM intent WHERE settled_at IS NOT NULL AND begun_at < $1 AND (fields <> '{}' OR before <> '{}') ORDER BY id LIMIT $2)",
                now.minus(keep.intent_values).0,
                most
            )?,
            "emptied",
        );
        note(
            "intent",
            execute!(
                self,
                "DELETE FROM intent WHERE id IN (SELECT id FROM intent WHERE settled_at IS NOT NULL AND begun_at < $1 ORDER BY id LIMIT $2)",
                now.minus(keep.intent).0,
                most
            )?,
            "deleted",
        );
        note(
            "review",
            execute!(
                self,
                "DELETE FROM review WHERE answered_at IS NOT NULL AND answered_at < $1",
                now.minus(keep.signal).0
            )?,
            "deleted",
        );
        note(
            "job",
            execute!(self, "DELETE FROM job WHERE dead_at IS NOT NULL AND dead_at < $1", now.minus(keep.dead_job).0)?,
            "deleted",
        );
        note("slot", execute!(self, "DELETE FROM slot WHERE started_at < $1", now.minus(keep.dead_job).0)?, "deleted");
        note(
            "idempotency",
            execute!(self, "DELETE FROM idempotency WHERE created_at < $1", now.minus(keep.answer).0)?,
            "deleted",
        );
        note("audit", self.shorten_audit(now.minus(AUDIT), most).await?, "deleted");
        note("session", execute!(self, "DELETE FROM session WHERE ends_at < $1", now.0)?, "deleted");
        note(
            "api_key",
            execute!(
                self,
                "DELETE FROM api_key WHERE revoked_at IS NOT NULL AND revoked_at < $1",
                now.minus(keep.signal).0
            )?,
            "deleted",
        );
        Ok(removed)
    }
}

impl Store {
    pub async fn suppression_count(&self) -> Result<i64> {
        let rows = fetch_all!(self, (i64,), "SELECT count(*) FROM suppression")?;
        Ok(rows.first().map_or(0, |row| row.0))
    }
}
