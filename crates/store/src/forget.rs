//! Removing a person.

use std::collections::{BTreeSet, HashSet};

use mittler_core::{Field, RecordId, Statement, Time};
use serde::Serialize;
use uuid::Uuid;

use crate::{IdRow, Result, Store, Tx, id_rows, records::KeyRow};

/// Rows removed from one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    pub table: String,
    pub rows: u64,
    /// What was done: `deleted`, `emptied`, `struck out`.
    pub how: String,
}

impl Removed {
    pub(crate) fn new(table: &str, rows: u64, how: &str) -> Removed {
        Removed { table: table.into(), rows, how: how.into() }
    }
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

    /// What CRMs hold of these records: connection, type and id there.
    pub async fn known_there(&mut self, records: &[RecordId]) -> Result<Vec<(Uuid, String, String)>> {
        let ids = id_rows(records.iter().map(|id| id.0));
        rows_all!(self, (Uuid, String, String), &ids => (id uuid),
            "SELECT l.connection, l.remote_type, l.remote_id FROM",
            "CROSS JOIN link l WHERE l.record = r.id AND l.remote_id IS NOT NULL AND l.state <> 'gone' ORDER BY l.connection, l.stage, l.id")
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
        let ids = self.lock_person(person).await?.records;
        let records = id_rows(ids.iter().map(|id| id.0));
        let links =
            rows_all!(self, (Uuid,), &records => (id uuid), "SELECT l.id FROM link l JOIN", "ON l.record = r.id")?;
        let links: Vec<Uuid> = links.into_iter().map(|row| row.0).collect();
        // Leases before links, as everybody does who holds both.
        let mut removed = vec![Removed::new("lease", self.strike_from_leases(&links).await?, "struck out")];
        self.lock_links(&links).await?;
        removed.extend(self.forget_keys(&records).await?);
        removed.push(Removed::new("signal", self.empty_inputs_of(person, &records).await?, "emptied"));
        removed.push(Removed::new("review", self.strike_candidates(&ids).await?, "struck out"));
        let rows = rows!(self, &records => (id uuid), "DELETE FROM statement WHERE record IN (SELECT r.id FROM", ")")?;
        removed.push(Removed::new("statement", rows, "deleted"));
        removed.extend(self.forget_links(&records).await?);
        removed.extend(self.forget_questions(&records).await?);
        removed.extend(self.forget_bounds(&records).await?);
        let rows =
            rows!(self, &records => (id uuid), "DELETE FROM audit_content WHERE record IN (SELECT r.id FROM", ")")?;
        removed.push(Removed::new("audit_content", rows, "deleted"));
        let rows = rows!(self, &records => (id uuid), "DELETE FROM record WHERE id IN (SELECT r.id FROM", ")")?;
        removed.push(Removed::new("record", rows, "deleted"));
        Ok(removed)
    }

    async fn forget_keys(&mut self, records: &[IdRow]) -> Result<[Removed; 2]> {
        let strong =
            rows!(self, records => (id uuid), "DELETE FROM record_key WHERE record IN (SELECT r.id FROM", ")")?;
        let weak = rows!(self, records => (id uuid), "DELETE FROM weak_key WHERE record IN (SELECT r.id FROM", ")")?;
        Ok([Removed::new("record_key", strong, "deleted"), Removed::new("weak_key", weak, "deleted")])
    }

    /// Inputs are found by the record they led to, and by the statements that came from them.
    async fn empty_inputs_of(&mut self, person: RecordId, records: &[IdRow]) -> Result<u64> {
        rows!(self, records => (id uuid),
            "UPDATE signal SET content = NULL, record = NULL, remarks = '[]', field = NULL, reason = NULL
             WHERE id IN (SELECT s.signal FROM statement s JOIN", "ON s.record = r.id) OR record IN (SELECT about.id FROM record about WHERE about.id = $2 OR about.person = $2 OR about.merged_into = $2)",
            person.0)
    }

    /// With what was written to them.
    async fn forget_links(&mut self, records: &[IdRow]) -> Result<[Removed; 2]> {
        let intents = rows!(self, records => (id uuid),
            "DELETE FROM intent WHERE link IN (SELECT l.id FROM link l JOIN", "ON l.record = r.id)")?;
        let links = rows!(self, records => (id uuid), "DELETE FROM link WHERE record IN (SELECT r.id FROM", ")")?;
        Ok([Removed::new("intent", intents, "deleted"), Removed::new("link", links, "deleted")])
    }

    /// With what people decided.
    async fn forget_questions(&mut self, records: &[IdRow]) -> Result<[Removed; 2]> {
        let reviews = rows!(self, records => (id uuid), "DELETE FROM review WHERE record IN (SELECT r.id FROM", ")")?;
        let decisions = rows!(self, records => (id uuid), "DELETE FROM decision WHERE record IN (SELECT r.id FROM", ")")?
            + rows!(self, records => (id uuid), "DELETE FROM decision WHERE other IN (SELECT r.id FROM", ")")?;
        Ok([Removed::new("review", reviews, "deleted"), Removed::new("decision", decisions, "deleted")])
    }

    /// For what they might be used, and that they must not be.
    async fn forget_bounds(&mut self, records: &[IdRow]) -> Result<[Removed; 2]> {
        let restricted =
            rows!(self, records => (id uuid), "DELETE FROM restriction WHERE record IN (SELECT r.id FROM", ")")?;
        let purposes = rows!(self, records => (id uuid), "DELETE FROM purpose WHERE record IN (SELECT r.id FROM", ")")?;
        Ok([Removed::new("restriction", restricted, "deleted"), Removed::new("purpose", purposes, "deleted")])
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
}
