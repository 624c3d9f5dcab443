//! Keys follow what a record says, whoever said it: enrichment, a CRM, a merge.
//!
//! **Invariant:** the records are locked before their keys are touched, and strong keys are claimed in
//! order and before any is given up: two transactions that want each other's keys never wait for each
//! other in a circle.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mittler_core::{Kind, Record, RecordId, Time, key::Basis};
use mittler_identity::{Held, KeyDiff, KeyType, follow, keys, reason};
use mittler_store::{Result, Tx, derived_id, records::KeyRow, reviews::NewReview};
use serde_json::json;
use uuid::Uuid;

/// Makes the keys of locked records those of what they say now. A strong key that another record holds
/// stays there, and a person is asked whether the two are one.
pub async fn follow_keys<'r>(tx: &mut Tx, records: impl Iterator<Item = &'r Record>, now: Time) -> Result<()> {
    let records: BTreeMap<RecordId, &Record> = records
        .filter(|record| matches!(record.kind, Kind::Person | Kind::Organisation))
        .map(|record| (record.id, record))
        .collect();
    if records.is_empty() {
        return Ok(());
    }
    let (strong, weak) = tx.keys_of(&records.keys().copied().collect::<Vec<_>>()).await?;
    let mut held: HashMap<RecordId, Vec<Held>> = HashMap::new();
    for (row, strong) in strong.iter().map(|row| (row, true)).chain(weak.iter().map(|row| (row, false))) {
        let Some(key_type) = KeyType::parse(&row.key_type) else { continue };
        let one = Held { id: row.key, key_type, strong, basis: row.basis };
        held.entry(RecordId(row.record)).or_default().push(one);
    }
    let mut all = Rows::default();
    for (id, record) in &records {
        let derived = keys::of_fields(record.kind, &record.fields);
        let held = held.get(id).map_or(&[][..], Vec::as_slice);
        all.add(*id, &follow(record.kind, held, &derived));
    }
    all.write(tx, &records, now).await
}

/// The rows that several differences come to.
#[derive(Default)]
struct Rows {
    claim: Vec<KeyRow>,
    weak: Vec<KeyRow>,
    release: Vec<KeyRow>,
    drop: Vec<KeyRow>,
}

impl Rows {
    fn add(&mut self, record: RecordId, diff: &KeyDiff) {
        let row =
            |it: &Held, basis| KeyRow { key: it.id, record: record.0, key_type: it.key_type.name().to_owned(), basis };
        self.claim.extend(diff.claim.iter().map(|it| row(it, it.basis)));
        self.weak.extend(diff.add.iter().map(|it| row(it, it.basis)));
        self.weak.extend(diff.demote.iter().map(|it| row(it, Basis::Former)));
        self.release.extend(diff.demote.iter().filter(|it| it.strong).map(|it| row(it, it.basis)));
        self.drop.extend(diff.drop.iter().map(|it| row(it, it.basis)));
    }

    async fn write(mut self, tx: &mut Tx, records: &BTreeMap<RecordId, &Record>, now: Time) -> Result<()> {
        let mut contested = Vec::new();
        if !self.claim.is_empty() {
            let claimed = tx.claim_keys(&mut self.claim).await?;
            // Of two records of one batch that want a free key the first in order has it.
            let mut taken = BTreeSet::new();
            let (got, lost): (Vec<KeyRow>, Vec<KeyRow>) = std::mem::take(&mut self.claim)
                .into_iter()
                .partition(|row| claimed.contains(&row.key) && taken.insert(row.key));
            // What was a former key of the record is its own again.
            self.drop.extend(got);
            contested = lost;
            self.weak.extend(contested.iter().map(|row| KeyRow { basis: Basis::Contested, ..row.clone() }));
        }
        if !self.drop.is_empty() {
            tx.drop_weak_keys(&self.drop).await?;
        }
        if !self.weak.is_empty() {
            tx.put_weak_keys(&mut self.weak, now).await?;
        }
        if !self.release.is_empty() {
            let heirs = tx.release_keys(&self.release).await?;
            contested.retain(|row| !heirs.iter().any(|heir| heir.key == row.key && heir.record == row.record));
        }
        ask(tx, records, &contested, now).await
    }
}

/// Asks whether the holder of a key and who claims it too are one.
async fn ask(tx: &mut Tx, records: &BTreeMap<RecordId, &Record>, contested: &[KeyRow], now: Time) -> Result<()> {
    if contested.is_empty() {
        return Ok(());
    }
    let wanted: Vec<Uuid> = contested.iter().map(|row| row.key).collect();
    let holders: HashMap<Uuid, KeyRow> =
        tx.by_strong_keys(&wanted).await?.into_iter().map(|row| (row.key, row)).collect();
    let mut reviews = BTreeMap::new();
    for row in contested {
        let Some(holder) = holders.get(&row.key).filter(|holder| holder.record != row.record) else { continue };
        let Some(record) = records.get(&RecordId(row.record)) else { continue };
        let (one, other) = (row.record.min(holder.record), row.record.max(holder.record));
        let id = derived_id(&[b"review", b"contested", one.as_bytes(), other.as_bytes()]);
        reviews.insert(
            id,
            NewReview {
                id,
                question: format!("same_{}", record.kind),
                record: row.record,
                connection: None,
                candidates: json!({ "records": [RecordId(holder.record)] }),
                reason: reason("same", &[KeyType::parse(&row.key_type).unwrap_or(KeyType::External)]),
                asked_at: now.0,
            },
        );
    }
    tx.ask(&reviews.into_values().collect::<Vec<_>>()).await
}
