//! Ending what has outlived its time.

use std::time::Duration;

use mittler_core::Time;

use crate::{Result, Tx, forget::Removed};

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

/// One step of retention. Each is a write of its own, so that the one writer of SQLite is never
/// long away from the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retain {
    Contents,
    Signals,
    Runs,
    IntentValues,
    Intents,
    Reviews,
    FormerKeys,
    Jobs,
    Slots,
    Answers,
    Audit,
    Sessions,
    ApiKeys,
    ParkedHooks,
}

impl Retain {
    pub const ALL: [Retain; 14] = [
        Retain::Contents,
        Retain::Signals,
        Retain::Runs,
        Retain::IntentValues,
        Retain::Intents,
        Retain::Reviews,
        Retain::FormerKeys,
        Retain::Jobs,
        Retain::Slots,
        Retain::Answers,
        Retain::Audit,
        Retain::Sessions,
        Retain::ApiKeys,
        Retain::ParkedHooks,
    ];
}

impl Tx {
    /// Ends what has outlived its time in one table, a bounded number of rows at once.
    ///
    /// Each condition stands in the outer statement too: a row that has changed since it was chosen
    /// - an input that is to be read again, say - is left alone.
    pub async fn retain(&mut self, step: Retain, keep: Retention, now: Time, most: i64) -> Result<Removed> {
        let (table, how, rows) = match step {
            Retain::Contents => ("signal", "emptied", self.empty_contents(now.minus(keep.content), most).await?),
            Retain::Signals => ("signal", "deleted", self.end_signals(now.minus(keep.signal), most).await?),
            Retain::Runs => ("run", "deleted", self.end_runs(now.minus(keep.signal), most).await?),
            Retain::IntentValues => {
                ("intent", "emptied", self.empty_intents(now.minus(keep.intent_values), most).await?)
            }
            Retain::Intents => ("intent", "deleted", self.end_intents(now.minus(keep.intent), most).await?),
            Retain::Reviews => ("review", "deleted", self.end_answered_reviews(now.minus(keep.signal), most).await?),
            Retain::FormerKeys => ("weak_key", "deleted", self.end_former_keys(now.minus(keep.signal), most).await?),
            Retain::Jobs => ("job", "deleted", self.end_dead_jobs(now.minus(keep.dead_job), most).await?),
            Retain::Slots => ("slot", "deleted", self.end_slots(now.minus(keep.dead_job), most).await?),
            Retain::Answers => ("idempotency", "deleted", self.end_answers(now.minus(keep.answer), most).await?),
            Retain::Audit => ("audit", "deleted", self.shorten_audit(now.minus(AUDIT), most).await?),
            Retain::Sessions => ("session", "deleted", self.end_past_sessions(now, most).await?),
            Retain::ApiKeys => ("api_key", "deleted", self.end_revoked_keys(now.minus(keep.signal), most).await?),
            Retain::ParkedHooks => {
                ("parked_hook", "deleted", self.end_parked_hooks(now.minus(keep.dead_job), most).await?)
            }
        };
        Ok(Removed::new(table, rows, how))
    }

    /// Unread inputs keep their content, whatever their age: nothing is lost.
    async fn empty_contents(&mut self, before: Time, most: i64) -> Result<u64> {
        execute!(
            self,
            "UPDATE signal SET content = NULL WHERE content IS NOT NULL AND state <> 'new' AND id IN
             (SELECT id FROM signal WHERE content IS NOT NULL AND state <> 'new' AND received_at < $1 ORDER BY received_at LIMIT $2)",
            before.0,
            most
        )
    }

    async fn end_signals(&mut self, before: Time, most: i64) -> Result<u64> {
        execute!(
            self,
            "DELETE FROM signal WHERE state <> 'new' AND id IN
             (SELECT id FROM signal WHERE state <> 'new' AND received_at < $1 ORDER BY received_at LIMIT $2)",
            before.0,
            most
        )
    }

    /// Runs of which no input is left.
    async fn end_runs(&mut self, before: Time, most: i64) -> Result<u64> {
        execute!(
            self,
            "DELETE FROM run WHERE id IN
             (SELECT id FROM run WHERE created_at < $1 AND NOT EXISTS (SELECT 1 FROM signal WHERE signal.run = run.id) ORDER BY created_at LIMIT $2)
             AND NOT EXISTS (SELECT 1 FROM signal WHERE signal.run = run.id)",
            before.0,
            most
        )
    }

    /// The values of writes whose end is known.
    async fn empty_intents(&mut self, before: Time, most: i64) -> Result<u64> {
        execute!(
            self,
            "UPDATE intent SET fields = '{}', before = '{}', emptied = 1 WHERE settled_at IS NOT NULL AND id IN
             (SELECT id FROM intent WHERE emptied = 0 AND settled_at IS NOT NULL AND begun_at < $1 ORDER BY begun_at LIMIT $2)",
            before.0,
            most
        )
    }

    async fn end_intents(&mut self, before: Time, most: i64) -> Result<u64> {
        execute!(
            self,
            "DELETE FROM intent WHERE settled_at IS NOT NULL AND id IN
             (SELECT id FROM intent WHERE settled_at IS NOT NULL AND begun_at < $1 ORDER BY begun_at LIMIT $2)",
            before.0,
            most
        )
    }

    async fn end_answered_reviews(&mut self, before: Time, most: i64) -> Result<u64> {
        execute!(
            self,
            "DELETE FROM review WHERE answered_at IS NOT NULL AND id IN
             (SELECT id FROM review WHERE answered_at IS NOT NULL AND answered_at < $1 ORDER BY answered_at LIMIT $2)",
            before.0,
            most
        )
    }

    async fn end_former_keys(&mut self, before: Time, most: i64) -> Result<u64> {
        execute!(
            self,
            "DELETE FROM weak_key WHERE (key, record) IN
             (SELECT key, record FROM weak_key WHERE basis = 'former' AND since < $1 ORDER BY since LIMIT $2)
             AND basis = 'former'",
            before.0,
            most
        )
    }

    async fn end_dead_jobs(&mut self, before: Time, most: i64) -> Result<u64> {
        execute!(
            self,
            "DELETE FROM job WHERE dead_at IS NOT NULL AND id IN
             (SELECT id FROM job WHERE dead_at IS NOT NULL AND dead_at < $1 ORDER BY dead_at LIMIT $2)",
            before.0,
            most
        )
    }

    async fn end_slots(&mut self, before: Time, most: i64) -> Result<u64> {
        execute!(
            self,
            "DELETE FROM slot WHERE (schedule, slot_at) IN (SELECT schedule, slot_at FROM slot WHERE started_at < $1 LIMIT $2)",
            before.0,
            most
        )
    }

    /// What was answered to requests that may be sent again.
    async fn end_answers(&mut self, before: Time, most: i64) -> Result<u64> {
        execute!(
            self,
            "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
            before.0,
            most
        )
    }

    async fn end_past_sessions(&mut self, before: Time, most: i64) -> Result<u64> {
        execute!(
            self,
            "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE ends_at < $1 LIMIT $2)",
            before.0,
            most
        )
    }

    async fn end_revoked_keys(&mut self, before: Time, most: i64) -> Result<u64> {
        execute!(
            self,
            "DELETE FROM api_key WHERE id IN (SELECT id FROM api_key WHERE revoked_at IS NOT NULL AND revoked_at < $1 LIMIT $2)",
            before.0,
            most
        )
    }
}
