//! Removing a person, keeping them from coming back, and ending what has outlived its time.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use mittler_core::{Field, RecordId, Statement, Time};
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Result, Store, Tx, id_rows, records::KeyRow};

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

/// What a person is made of, locked.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The person, what is about them, what was merged into them, and organisations that are
    /// nobody's but theirs.
    pub records: Vec<RecordId>,
    /// What was said of the person, of what is about them and was merged into them.
    pub statements: Vec<Statement>,
    /// Their strong keys, and the weak ones that name a person nearly as well: number and surname.
    pub keys: Vec<KeyRow>,
}

impl Tx {
    /// Locks all that is about a person, and tells what they are known by.
    ///
    /// Records before links: whoever is writing about the person ends before, and is seen, or comes
    /// after and finds nobody to write about.
    pub async fn lock_person(&mut self, person: RecordId) -> Result<About> {
        let mut locked: Vec<RecordId> = Vec::new();
        let (about, organisations) = loop {
            let about = fetch_all!(
                self,
                (Uuid,),
                "SELECT id FROM record WHERE id = $1 OR person = $1 OR merged_into = $1 ORDER BY id",
                person.0
            )?;
            let about: Vec<RecordId> = about.into_iter().map(|row| RecordId(row.0)).collect();
            let records = self.read_records(&about).await?;
            let organisations: BTreeSet<RecordId> = records
                .iter()
                .flat_map(|record| [Field::TO, Field::ORGANISATION].map(|field| record.fields.reference(&field)))
                .flatten()
                .collect();
            let all: BTreeSet<RecordId> = about.iter().chain(&organisations).copied().collect();
            let all: Vec<RecordId> = all.into_iter().collect();
            if all == locked {
                break (about, organisations);
            }
            // While waiting for the locks, whoever held them may have added more.
            self.lock_records(&all).await?;
            locked = all;
        };
        let statements: Vec<Statement> =
            self.statements_of(&about).await?.into_iter().map(|(_, statement)| statement).collect();
        let own: HashSet<Uuid> = statements.iter().map(|statement| statement.signal.0).collect();
        let mut records = about.clone();
        records.extend(self.only_theirs(organisations, &own).await?);
        records.sort_unstable();
        let ids = id_rows(about.iter().map(|id| id.0));
        let mut keys = rows_all!(self, KeyRow, &ids => (id uuid),
            "SELECT k.key, k.record, k.key_type, k.basis FROM record_key k JOIN", "ON k.record = r.id ORDER BY k.key")?;
        keys.extend(rows_all!(self, KeyRow, &ids => (id uuid),
            "SELECT k.key, k.record, k.key_type, k.basis FROM weak_key k JOIN", "ON k.record = r.id WHERE k.key_type = 'phone_name' ORDER BY k.key")?);
        Ok(About { records, statements, keys })
    }

    /// Of these organisations those of which nobody else has said anything: not another person's
    /// inputs, and no CRM. They are as personal as their one person.
    async fn only_theirs(&mut self, organisations: BTreeSet<RecordId>, own: &HashSet<Uuid>) -> Result<Vec<RecordId>> {
        let ids = id_rows(organisations.iter().map(|id| id.0));
        let said = rows_all!(self, (Uuid, Uuid), &ids => (id uuid),
            "SELECT s.record, s.signal FROM statement s JOIN record o ON o.id = s.record JOIN", "ON o.id = r.id WHERE o.kind = 'organisation'")?;
        let (named, others): (BTreeSet<Uuid>, BTreeSet<Uuid>) =
            said.iter().fold((BTreeSet::new(), BTreeSet::new()), |(mut named, mut others), (record, signal)| {
                named.insert(*record);
                if !own.contains(signal) {
                    others.insert(*record);
                }
                (named, others)
            });
        Ok(named.difference(&others).copied().map(RecordId).collect())
    }

    /// Lets nothing more be told to any CRM of these records; calls that are under way end by
    /// themselves.
    pub async fn want_no_more(&mut self, records: &[RecordId]) -> Result<()> {
        let ids = id_rows(records.iter().map(|id| id.0));
        let links = rows_all!(self, (Uuid,), &ids => (id uuid), "SELECT l.id FROM link l JOIN", "ON l.record = r.id ORDER BY l.id")?;
        let links: Vec<Uuid> = links.into_iter().map(|row| row.0).collect();
        self.lock_links(&links).await?;
        let links = id_rows(links);
        rows!(self, &links => (id uuid), "UPDATE link SET wanted = done FROM", "WHERE link.id = r.id AND link.wanted > link.done")?;
        Ok(())
    }

    /// Removes a person and all that is only about them; says per table what it did.
    ///
    /// First everything is locked ([`Tx::lock_person`]). Rows of keys are locked by being deleted,
    /// after the records: nobody who holds a key of this person waits for it.
    pub async fn forget(&mut self, person: RecordId) -> Result<Vec<Removed>> {
        let mut removed = Vec::new();
        let mut note = |table: &str, rows: u64, how: &str| {
            removed.push(Removed { table: table.into(), rows, how: how.into() });
        };
        let ids = self.lock_person(person).await?.records;
        let records = id_rows(ids.iter().map(|id| id.0));
        let links =
            rows_all!(self, (Uuid,), &records => (id uuid), "SELECT l.id FROM link l JOIN", "ON l.record = r.id")?;
        let links: Vec<Uuid> = links.into_iter().map(|row| row.0).collect();
        // Leases before links, as everybody does who holds both.
        note("lease", self.strike_from_leases(&links).await?, "struck out");
        self.lock_links(&links).await?;
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
        note("review", self.strike_candidates(&ids).await?, "struck out");
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
            "decision",
            rows!(self, &records => (id uuid), "DELETE FROM decision WHERE record IN (SELECT r.id FROM", ")")?
                + rows!(self, &records => (id uuid), "DELETE FROM decision WHERE other IN (SELECT r.id FROM", ")")?,
            "deleted",
        );
        note(
            "restriction",
            rows!(self, &records => (id uuid), "DELETE FROM restriction WHERE record IN (SELECT r.id FROM", ")")?,
            "deleted",
        );
        note(
            "purpose",
            rows!(self, &records => (id uuid), "DELETE FROM purpose WHERE record IN (SELECT r.id FROM", ")")?,
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

    /// Whether anybody is kept out at all, and whether anybody's data is restricted.
    pub async fn exceptions(&mut self) -> Result<(bool, bool)> {
        let rows = fetch_all!(
            self,
            (i64, i64),
            "SELECT (SELECT CAST(count(*) AS bigint) FROM (SELECT 1 FROM suppression LIMIT 1) AS kept_out),
                    (SELECT CAST(count(*) AS bigint) FROM (SELECT 1 FROM restriction LIMIT 1) AS restricted)",
        )?;
        Ok(rows.first().map_or((false, false), |(suppressed, restricted)| (*suppressed > 0, *restricted > 0)))
    }

    /// Which of these are suppressed.
    pub async fn suppressed(&mut self, hmacs: &[Uuid]) -> Result<Vec<Uuid>> {
        let ids = id_rows(hmacs.iter().copied());
        let rows =
            rows_all!(self, (Uuid,), &ids => (id uuid), "SELECT s.hmac FROM suppression s JOIN", "ON s.hmac = r.id")?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// Empties inputs that were not taken; what nobody has read yet stays.
    pub async fn empty_signals(&mut self, ids: &[Uuid]) -> Result<u64> {
        if ids.is_empty() {
            return Ok(0);
        }
        let ids = id_rows(ids.iter().copied());
        rows!(self, &ids => (id uuid),
            "UPDATE signal SET content = NULL, remarks = '[]', field = NULL, reason = NULL FROM",
            "WHERE signal.id = r.id AND signal.state <> 'new' AND signal.content IS NOT NULL")
    }

    /// Ends what has outlived its time in one table, a bounded number of rows at once.
    ///
    /// Each condition stands in the outer statement too: a row that has changed since it was chosen
    /// - an input that is to be read again, say - is left alone.
    pub async fn retain(&mut self, step: Retain, keep: Retention, now: Time, most: i64) -> Result<Removed> {
        let (table, how, rows) = match step {
            // Unread inputs keep their content, whatever their age: nothing is lost.
            Retain::Contents => (
                "signal",
                "emptied",
                execute!(
                    self,
                    "UPDATE signal SET content = NULL WHERE content IS NOT NULL AND state <> 'new' AND id IN
                     (SELECT id FROM signal WHERE content IS NOT NULL AND state <> 'new' AND received_at < $1 ORDER BY received_at LIMIT $2)",
                    now.minus(keep.content).0,
                    most
                )?,
            ),
            Retain::Signals => (
                "signal",
                "deleted",
                execute!(
                    self,
                    "DELETE FROM signal WHERE state <> 'new' AND id IN
                     (SELECT id FROM signal WHERE state <> 'new' AND received_at < $1 ORDER BY received_at LIMIT $2)",
                    now.minus(keep.signal).0,
                    most
                )?,
            ),
            Retain::Runs => (
                "run",
                "deleted",
                execute!(
                    self,
                    "DELETE FROM run WHERE id IN
                     (SELECT id FROM run WHERE created_at < $1 AND NOT EXISTS (SELECT 1 FROM signal WHERE signal.run = run.id) ORDER BY created_at LIMIT $2)
                     AND NOT EXISTS (SELECT 1 FROM signal WHERE signal.run = run.id)",
                    now.minus(keep.signal).0,
                    most
                )?,
            ),
            Retain::IntentValues => (
                "intent",
                "emptied",
                execute!(
                    self,
                    "UPDATE intent SET fields = '{}', before = '{}', emptied = 1 WHERE settled_at IS NOT NULL AND id IN
                     (SELECT id FROM intent WHERE emptied = 0 AND settled_at IS NOT NULL AND begun_at < $1 ORDER BY begun_at LIMIT $2)",
                    now.minus(keep.intent_values).0,
                    most
                )?,
            ),
            Retain::Intents => (
                "intent",
                "deleted",
                execute!(
                    self,
                    "DELETE FROM intent WHERE settled_at IS NOT NULL AND id IN
                     (SELECT id FROM intent WHERE settled_at IS NOT NULL AND begun_at < $1 ORDER BY begun_at LIMIT $2)",
                    now.minus(keep.intent).0,
                    most
                )?,
            ),
            Retain::Reviews => (
                "review",
                "deleted",
                execute!(
                    self,
                    "DELETE FROM review WHERE answered_at IS NOT NULL AND id IN
                     (SELECT id FROM review WHERE answered_at IS NOT NULL AND answered_at < $1 ORDER BY answered_at LIMIT $2)",
                    now.minus(keep.signal).0,
                    most
                )?,
            ),
            Retain::FormerKeys => (
                "weak_key",
                "deleted",
                execute!(
                    self,
                    "DELETE FROM weak_key WHERE (key, record) IN
                     (SELECT key, record FROM weak_key WHERE basis = 'former' AND since < $1 ORDER BY since LIMIT $2)
                     AND basis = 'former'",
                    now.minus(keep.signal).0,
                    most
                )?,
            ),
            Retain::Jobs => (
                "job",
                "deleted",
                execute!(
                    self,
                    "DELETE FROM job WHERE dead_at IS NOT NULL AND id IN
                     (SELECT id FROM job WHERE dead_at IS NOT NULL AND dead_at < $1 ORDER BY dead_at LIMIT $2)",
                    now.minus(keep.dead_job).0,
                    most
                )?,
            ),
            Retain::Slots => (
                "slot",
                "deleted",
                execute!(
                    self,
                    "DELETE FROM slot WHERE (schedule, slot_at) IN (SELECT schedule, slot_at FROM slot WHERE started_at < $1 LIMIT $2)",
                    now.minus(keep.dead_job).0,
                    most
                )?,
            ),
            Retain::Answers => (
                "idempotency",
                "deleted",
                execute!(
                    self,
                    "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
                    now.minus(keep.answer).0,
                    most
                )?,
            ),
            Retain::Audit => ("audit", "deleted", self.shorten_audit(now.minus(AUDIT), most).await?),
            Retain::Sessions => (
                "session",
                "deleted",
                execute!(
                    self,
                    "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE ends_at < $1 LIMIT $2)",
                    now.0,
                    most
                )?,
            ),
            Retain::ApiKeys => (
                "api_key",
                "deleted",
                execute!(
                    self,
                    "DELETE FROM api_key WHERE id IN (SELECT id FROM api_key WHERE revoked_at IS NOT NULL AND revoked_at < $1 LIMIT $2)",
                    now.minus(keep.signal).0,
                    most
                )?,
            ),
            Retain::ParkedHooks => {
                ("parked_hook", "deleted", self.end_parked_hooks(now.minus(keep.dead_job), most).await?)
            }
        };
        Ok(Removed { table: table.into(), rows, how: how.into() })
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

impl Store {
    /// How many calls to CRMs about a person may still be under way: their links are leased, or the
    /// end of a write begun since `young` is not known yet.
    pub async fn calls_under_way(&self, person: RecordId, now: Time, young: Time) -> Result<i64> {
        let rows = fetch_all!(
            self,
            (i64,),
            "SELECT count(*) FROM link l JOIN record ON record.id = l.record
             WHERE (record.id = $1 OR record.person = $1 OR record.merged_into = $1)
             AND (l.id IN (SELECT leased.link FROM leased WHERE leased.until > $2)
                  OR EXISTS (SELECT 1 FROM intent i WHERE i.link = l.id AND i.settled_at IS NULL AND i.begun_at > $3))",
            person.0,
            now.0,
            young.0,
        )?;
        Ok(rows.first().map_or(0, |row| row.0))
    }

    /// Contents of inputs that were not taken, in pages.
    pub async fn contents_not_taken(&self, after: Uuid, most: i64) -> Result<Vec<(Uuid, Vec<u8>)>> {
        fetch_all!(
            self,
            (Uuid, Vec<u8>),
            "SELECT id, content FROM signal WHERE state IN ('refused', 'parked') AND content IS NOT NULL AND id > $1
             ORDER BY id LIMIT $2",
            after,
            most,
        )
    }

    pub async fn suppression_count(&self) -> Result<i64> {
        let rows = fetch_all!(self, (i64,), "SELECT count(*) FROM suppression")?;
        Ok(rows.first().map_or(0, |row| row.0))
    }
}
