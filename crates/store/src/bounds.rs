//! What may not be used, or only for something: restrictions, purposes, and what a pilot needs.

use std::collections::{BTreeMap, BTreeSet};

use mittler_core::{ConnectionId, LinkId, RecordId, Time};
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Result, Store, Tx, id_rows, merges::Replaced, records::RecordLine};

/// For what a person came in.
#[derive(Debug, Clone, Serialize, FromRow, PartialEq, Eq, PartialOrd, Ord)]
pub struct PurposeRow {
    pub record: Uuid,
    /// Empty: for nothing in particular.
    pub purpose: String,
}

fn by_person(rows: Vec<PurposeRow>) -> BTreeMap<RecordId, BTreeSet<String>> {
    let mut all: BTreeMap<RecordId, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        all.entry(RecordId(row.record)).or_default().insert(row.purpose);
    }
    all
}

impl Tx {
    /// Stops all use of a person's data. Gives whether it was not stopped before.
    pub async fn restrict(&mut self, person: RecordId, by: &str, now: Time) -> Result<bool> {
        Ok(execute!(
            self,
            "INSERT INTO restriction (record, restricted_by, restricted_at) VALUES ($1, $2, $3) ON CONFLICT (record) DO NOTHING",
            person.0,
            by.to_owned(),
            now.0,
        )? == 1)
    }

    /// Lifts a restriction. Gives whether there was one.
    pub async fn lift_restriction(&mut self, person: RecordId) -> Result<bool> {
        Ok(execute!(self, "DELETE FROM restriction WHERE record = $1", person.0)? == 1)
    }

    /// Which of these people are restricted.
    pub async fn restricted(&mut self, people: &[RecordId]) -> Result<BTreeSet<RecordId>> {
        let ids = id_rows(people.iter().map(|id| id.0));
        let rows = rows_all!(self, (Uuid,), &ids => (id uuid),
            "SELECT DISTINCT s.record FROM", "JOIN restriction s ON s.record = r.id ORDER BY s.record")?;
        Ok(rows.into_iter().map(|row| RecordId(row.0)).collect())
    }

    /// Makes due what was held of these records for one reason; gives the connections of it.
    pub async fn want_held(&mut self, records: &[RecordId], code: &str) -> Result<Vec<ConnectionId>> {
        let ids = id_rows(records.iter().map(|id| id.0));
        let held = rows_all!(self, (Uuid, Uuid), &ids => (id uuid),
            "SELECT DISTINCT l.id, l.connection FROM", "JOIN link l ON l.record = r.id WHERE l.code = $2 AND l.role = 'primary' ORDER BY l.id",
            code.to_owned())?;
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let links: Vec<LinkId> = held.iter().map(|(id, _)| LinkId(*id)).collect();
        self.want_again(&links).await?;
        let connections: BTreeSet<Uuid> = held.into_iter().map(|(_, connection)| connection).collect();
        Ok(connections.into_iter().map(ConnectionId).collect())
    }

    /// Notes for what people came in who are known for nothing else yet.
    pub async fn put_purposes(&mut self, rows: &[PurposeRow]) -> Result<()> {
        rows!(self, rows => (record uuid, purpose text),
            "INSERT INTO purpose (record, purpose) SELECT r.record, r.purpose FROM",
            "WHERE true ON CONFLICT (record, purpose) DO NOTHING")?;
        Ok(())
    }

    /// Notes for what else people came in. Of somebody who was there before any purpose was named
    /// nothing is noted: they may be told everywhere, and that stays so. Gives how many are new.
    pub async fn add_purposes(&mut self, rows: &[PurposeRow]) -> Result<u64> {
        rows!(self, rows => (record uuid, purpose text),
            "INSERT INTO purpose (record, purpose) SELECT r.record, r.purpose FROM",
            "WHERE EXISTS (SELECT 1 FROM purpose p WHERE p.record = r.record) ON CONFLICT (record, purpose) DO NOTHING")
    }

    /// For what people came in, within a transaction.
    pub async fn purposes_of(&mut self, people: &[RecordId]) -> Result<BTreeMap<RecordId, BTreeSet<String>>> {
        let ids = id_rows(people.iter().map(|id| id.0));
        let rows = rows_all!(self, PurposeRow, &ids => (id uuid),
            "SELECT DISTINCT p.record, p.purpose FROM", "JOIN purpose p ON p.record = r.id ORDER BY p.record, p.purpose")?;
        Ok(by_person(rows))
    }

    /// These are the purposes of people from now on, and no others.
    pub async fn replace_purposes(&mut self, people: &[RecordId], rows: &[PurposeRow]) -> Result<()> {
        let ids = id_rows(people.iter().map(|id| id.0));
        rows!(self, &ids => (id uuid), "DELETE FROM purpose WHERE record IN (SELECT r.id FROM", ")")?;
        self.put_purposes(rows).await
    }

    /// Restrictions and purposes of a record that is no more are its heir's.
    pub async fn move_bounds(&mut self, replaced: &[Replaced]) -> Result<()> {
        rows!(self, replaced => (id uuid, heir uuid),
            "INSERT INTO restriction (record, restricted_by, restricted_at) SELECT r.heir, s.restricted_by, s.restricted_at FROM",
            "JOIN restriction s ON s.record = r.id WHERE true ON CONFLICT (record) DO NOTHING")?;
        rows!(self, replaced => (id uuid, heir uuid), "DELETE FROM restriction WHERE record IN (SELECT r.id FROM", ")")?;
        // Who may be told everywhere stays so, whichever of the two it was.
        rows!(self, replaced => (id uuid, heir uuid),
            "DELETE FROM purpose WHERE record IN (SELECT r.id FROM", "WHERE NOT EXISTS (SELECT 1 FROM purpose p WHERE p.record = r.heir))")?;
        rows!(self, replaced => (id uuid, heir uuid),
            "DELETE FROM purpose WHERE record IN (SELECT r.heir FROM", "WHERE NOT EXISTS (SELECT 1 FROM purpose p WHERE p.record = r.id))")?;
        rows!(self, replaced => (id uuid, heir uuid),
            "INSERT INTO purpose (record, purpose) SELECT r.heir, p.purpose FROM",
            "JOIN purpose p ON p.record = r.id WHERE true ON CONFLICT (record, purpose) DO NOTHING")?;
        rows!(self, replaced => (id uuid, heir uuid), "DELETE FROM purpose WHERE record IN (SELECT r.id FROM", ")")?;
        Ok(())
    }

    /// Takes companies and fairs into a pilot, because somebody who is in it needs them; what was
    /// held for it is due.
    pub async fn join_pilot(&mut self, links: &[LinkId]) -> Result<()> {
        let ids = id_rows(links.iter().map(|id| id.0));
        rows!(self, &ids => (id uuid),
            "INSERT INTO pilot_member (link) SELECT DISTINCT r.id FROM", "WHERE true ON CONFLICT (link) DO NOTHING")?;
        let joined = rows_all!(self, (Uuid, Option<String>), &ids => (id uuid),
            "SELECT DISTINCT l.id, l.remote_id FROM", "JOIN link l ON l.id = r.id WHERE l.code = 'pilot' OR l.remote_id IS NOT NULL ORDER BY l.id")?;
        let (there, held): (Vec<_>, Vec<_>) = joined.into_iter().partition(|(_, remote_id)| remote_id.is_some());
        let ids = |links: Vec<(Uuid, Option<String>)>| -> Vec<LinkId> {
            links.into_iter().map(|(id, _)| LinkId(id)).collect()
        };
        if !held.is_empty() {
            self.want_again(&ids(held)).await?;
        }
        // Made since its dependant found it missing.
        if there.is_empty() { Ok(()) } else { self.want_dependants(&ids(there)).await }
    }
}

impl Store {
    /// Since when a person's data is restricted.
    pub async fn restricted_since(&self, person: RecordId) -> Result<Option<Time>> {
        let rows = fetch_all!(self, (i64,), "SELECT restricted_at FROM restriction WHERE record = $1", person.0)?;
        Ok(rows.into_iter().next().map(|row| Time(row.0)))
    }

    /// Why a person's data is restricted, if somebody said it.
    pub async fn restriction_reason(&self, person: RecordId) -> Result<Option<String>> {
        let rows = fetch_all!(
            self,
            (sqlx::types::Json<serde_json::Value>,),
            "SELECT c.content FROM audit_content c JOIN audit a ON a.seq = c.seq
             WHERE c.record = $1 AND a.action = 'restrict' ORDER BY c.seq DESC LIMIT 1",
            person.0,
        )?;
        Ok(rows.first().and_then(|row| row.0["reason"].as_str().map(str::to_owned)))
    }

    /// For what people came in; of somebody who is not in the answer nothing was said.
    pub async fn purposes_of(&self, people: &[RecordId]) -> Result<BTreeMap<RecordId, BTreeSet<String>>> {
        let ids = id_rows(people.iter().map(|id| id.0));
        let rows = rows_all!(self, PurposeRow, &ids => (id uuid),
            "SELECT DISTINCT p.record, p.purpose FROM", "JOIN purpose p ON p.record = r.id ORDER BY p.record, p.purpose")?;
        Ok(by_person(rows))
    }

    /// The visits of people.
    pub async fn visits_of(&self, people: &[RecordId]) -> Result<Vec<RecordLine>> {
        let ids = id_rows(people.iter().map(|id| id.0));
        rows_all!(self, RecordLine, &ids => (id uuid),
            "SELECT v.id, v.kind, v.version, v.fields, v.created_at, v.updated_at FROM",
            "CROSS JOIN record v WHERE v.person = r.id AND v.kind = 'participation' AND v.merged_into IS NULL ORDER BY v.id")
    }

    /// Which of these links a pilot needs.
    pub async fn in_pilot(&self, links: &[LinkId]) -> Result<BTreeSet<LinkId>> {
        let ids = id_rows(links.iter().map(|id| id.0));
        let rows = rows_all!(self, (Uuid,), &ids => (id uuid),
            "SELECT DISTINCT m.link FROM", "JOIN pilot_member m ON m.link = r.id ORDER BY m.link")?;
        Ok(rows.into_iter().map(|row| LinkId(row.0)).collect())
    }
}
