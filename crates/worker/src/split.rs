//! A merge that a person took back: what moved goes back, and what has come since stays where its addresses
//! and numbers are.
//!
//! **Invariant:** nothing is deleted in a CRM. Each of the two has the remote records there that it had before,
//! with its own values; of one that the CRM has lost meanwhile somebody is asked.

mod keys;
mod links;
mod share;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mittler_core::{Kind, Record, RecordId, Statement, Time, derive};
use mittler_store::{
    Result, Tx,
    audit::NewEntry,
    bounds::PurposeRow,
    decisions::Decision,
    merges::{MergeTrail, MovedRecord, MovingLink, Replaced, Revived},
    records::{RecordRow, StatementRow},
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    batch::Env,
    moving::{around, lock_all, person_of},
};

/// Does it, or says that it cannot be done now. `naming`: whatever names the company that it is about.
pub(crate) async fn split(
    tx: &mut Tx,
    env: &Env,
    decided: &Decision,
    naming: &[RecordId],
    begun: Time,
) -> Result<bool> {
    let now = env.clock.now();
    let moved = &decided.moved.0;
    let Some((from, main)) = moved.from.and_then(|from| Some((from, moved.records.get(&from)?))) else {
        // It was taken back before anything moved; perhaps it has been answered anew since.
        if tx.standing_decisions(decided.review).await?.is_empty() {
            tx.reopen_review(decided.review).await?;
        }
        return Ok(true);
    };
    let originals: Vec<RecordId> = moved.records.keys().copied().collect();
    let heirs: Vec<RecordId> = moved.records.values().map(|moved| moved.heir).collect();
    let survivors = tx.survivors(&heirs).await?;
    let home: BTreeMap<RecordId, RecordId> =
        moved.records.iter().filter_map(|(id, moved)| Some((*id, *survivors.get(&moved.heir)?))).collect();
    let Some(&to) = home.get(&from) else { return Ok(true) };
    let before = tx.read_records(&originals).await?;
    if tx.survivor(from).await? != to || !before.iter().any(|record| record.id == from) {
        // Done before, or forgotten.
        return Ok(true);
    }
    if to != main.heir {
        // Another answer has made one of it and a third meanwhile: that one is taken back first.
        tx.redo_decision(decided.id).await?;
        return Ok(true);
    }
    let kind = before.iter().find(|record| record.id == from).map_or(Kind::Person, |record| record.kind);
    let around = around(tx, kind, to, naming, begun).await?;
    let living: BTreeSet<RecordId> = around.iter().copied().chain(home.values().copied()).chain([to]).collect();
    let living: Vec<RecordId> = living.into_iter().collect();
    let locked = lock_all(tx, &living, around.iter().chain([&to]), (kind, to)).await?;
    let links = tx.moving_links(&living).await?;
    if links.iter().any(|link| link.busy > 0) {
        return Ok(false);
    }
    let said = tx.statements_of(&living).await?;
    let mut split = Split { env, kind, now, from, to, moved, home, locked, links, parts: Parts::default() };
    split.share(said, Time(decided.decided_at));
    let parts = &split.parts;
    tx.move_statements(&parts.rows).await?;
    let back = |id: &RecordId| parts.fields.contains_key(id);
    let revived: Vec<Revived> = moved
        .records
        .iter()
        .filter(|(id, _)| back(id))
        .map(|(id, moved)| {
            let unsure_until = if moved.unsure_for > 0 { now.0 + moved.unsure_for } else { 0 };
            Revived { id: id.0, unsure_until }
        })
        .collect();
    tx.revive_records(&revived).await?;
    tx.return_merged(&moved.earlier).await?;
    let records = split.write(tx, before).await?;
    split.bounds(tx, main).await?;
    tx.return_decisions(&moved.decisions, from).await?;
    tx.return_reviews(&moved.reviews).await?;
    split.keys(tx, &records).await?;
    split.tell(tx, &records, decided.review).await?;
    tx.reopen_review(decided.review).await?;
    tx.enter(&NewEntry {
        at: now,
        actor: decided.decided_by.clone(),
        action: "split".into(),
        target: decided.id.to_string(),
        record: Some(to),
        content: json!({ "from": to, "again": from }),
        salt: env.clock.id().simple().to_string(),
    })
    .await?;
    Ok(true)
}

struct Split<'s> {
    env: &'s Env,
    kind: Kind,
    now: Time,
    /// Who is one of their own again.
    from: RecordId,
    /// Whom they had become.
    to: RecordId,
    moved: &'s MergeTrail,
    /// Each record that was no more, and what it is now.
    home: BTreeMap<RecordId, RecordId>,
    locked: HashMap<RecordId, Record>,
    links: Vec<MovingLink>,
    parts: Parts,
}

/// What belongs to whom.
#[derive(Default)]
struct Parts {
    /// Statements that go elsewhere, or name somebody else.
    rows: Vec<StatementRow>,
    /// What is said of each record now; of one that nothing is said of any more, nothing.
    fields: BTreeMap<RecordId, Vec<Statement>>,
    /// Records that are new: of whoever came back.
    kinds: BTreeMap<RecordId, Kind>,
    /// Records that nothing is left of, and which of those that came back they were.
    ended: BTreeMap<RecordId, RecordId>,
}

impl Split<'_> {
    /// Derives what each of them says now, and writes it. Gives all records that are there and that it is about.
    async fn write(&self, tx: &mut Tx, before: Vec<Record>) -> Result<Vec<Record>> {
        let before: HashMap<RecordId, Record> = before.into_iter().map(|record| (record.id, record)).collect();
        let (mut all, mut fresh, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        for (id, said) in &self.parts.fields {
            let fields = derive(said, &self.env.overrides);
            if let Some(record) = self.locked.get(id).or_else(|| before.get(id)) {
                let differs = record.fields != fields || before.contains_key(id);
                let version = record.version + i64::from(differs);
                let record = Record { fields, version, ..record.clone() };
                if differs {
                    changed.push(record.clone());
                }
                all.push(record);
            } else if let Some(kind) = self.parts.kinds.get(id) {
                let record = Record { id: *id, kind: *kind, version: 1, fields };
                fresh.push(record.clone());
                all.push(record);
            }
        }
        let row = |record: &Record| RecordRow::new(record, person_of(record), self.now);
        if !fresh.is_empty() {
            tx.insert_records(&mut fresh.iter().map(row).collect()).await?;
        }
        tx.update_records(&changed.iter().map(row).collect::<Vec<_>>()).await?;
        let about = changed.iter().filter_map(|record| Some(Replaced { id: record.id.0, heir: person_of(record)?.0 }));
        tx.put_people(&about.collect::<Vec<_>>()).await?;
        let ended = self.parts.ended.iter().map(|(id, heir)| Replaced { id: id.0, heir: heir.0 });
        tx.drop_records(&ended.collect::<Vec<_>>()).await?;
        Ok(all)
    }

    /// For what each of the two may be used. Whose data must not be used while they are one, stays so for both: to
    /// lift that is a person's decision.
    async fn bounds(&self, tx: &mut Tx, main: &MovedRecord) -> Result<()> {
        if !tx.restricted(&[self.to]).await?.is_empty() {
            tx.restrict(self.from, "split", self.now).await?;
        }
        let now = tx.purposes_of(&[self.to]).await?.remove(&self.to).unwrap_or_default();
        let [theirs, others] = &main.purposes;
        // What has been added since is of whoever it was said.
        let since = now.into_iter().filter(|purpose| !theirs.contains(purpose));
        let others: BTreeSet<String> =
            if others.is_empty() { BTreeSet::new() } else { others.iter().cloned().chain(since).collect() };
        let row = |record: RecordId, purpose: &String| PurposeRow { record: record.0, purpose: purpose.clone() };
        let rows = theirs.iter().map(|it| row(self.from, it)).chain(others.iter().map(|it| row(self.to, it)));
        tx.replace_purposes(&[self.from, self.to], &rows.collect::<Vec<_>>()).await
    }
}

fn by_subject<'s>(said: impl Iterator<Item = &'s Statement>) -> BTreeMap<Uuid, Vec<Statement>> {
    let mut by_subject: BTreeMap<Uuid, Vec<Statement>> = BTreeMap::new();
    for statement in said {
        by_subject.entry(statement.subject.0).or_default().push(statement.clone());
    }
    by_subject
}
