//! Who everybody is: keys that are looked up, decisions, and keys that are claimed.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use mittler_core::{Field, Kind, RecordId, Statement, SubjectId, Time, Version, key::Basis};
use mittler_enrich::Draft;
use mittler_identity::{Candidate, Decision, Facts, Key, KeyType, decide};
use mittler_store::{Error, Result, Tx, derived_id, derived_near, records::KeyRow, reviews::NewReview};
use serde_json::json;
use uuid::Uuid;

use super::{Env, Work, done, kept_out::still_welcome};
use crate::{about::class, input::Input};

/// A weak key that more records share proposes none of them.
const MANY: u32 = 20;

/// Decides who everybody is.
pub(super) async fn recognise(tx: &mut Tx, env: &Env, inputs: &[&Input], work: &mut Work, now: Time) -> Result<()> {
    let drafts = || inputs.iter().flat_map(|input| std::iter::once(&input.person).chain(&input.organisation));
    // Records that only weak evidence could join must not be made twice at the same time.
    let only_weak = drafts().filter(|draft| !draft.keys.iter().any(|key| key.key_type.is_strong()));
    let blocks: Vec<Uuid> = only_weak.flat_map(|draft| draft.keys.iter().map(Key::id)).collect();
    if !blocks.is_empty() {
        tx.lock_blocks(&blocks).await?;
    }
    let (strong, weak): (BTreeSet<Uuid>, BTreeSet<Uuid>) = drafts().flat_map(|draft| &draft.keys).fold(
        (BTreeSet::new(), BTreeSet::new()),
        |(mut strong, mut weak), key| {
            if key.key_type.is_strong() {
                strong.insert(key.id())
            } else {
                weak.insert(key.id())
            };
            (strong, weak)
        },
    );
    let strong: Vec<Uuid> = strong.into_iter().collect();
    work.holders = holders(tx, &strong).await?;
    work.strong = work.holders.iter().map(|(key, record)| (*key, *record)).collect();
    // A strong key may be one that somebody had before.
    let weak: Vec<Uuid> = weak.into_iter().chain(strong).collect();
    for row in tx.by_weak_keys(&weak, i64::from(MANY)).await? {
        work.weak.entry(row.key).or_default().insert(RecordId(row.record), row.basis);
    }
    let met: BTreeSet<RecordId> =
        work.strong.values().copied().chain(work.weak.values().flat_map(BTreeMap::keys).copied()).collect();
    if !met.is_empty() {
        for record in tx.read_records(&met.into_iter().collect::<Vec<_>>()).await? {
            work.facts.insert(record.id, Facts::of_fields(&record.fields));
            if let Some(name) = record.fields.sourced(&Field::NAME).filter(|name| !name.source.kind.is_guess()) {
                work.names.insert(record.id, name.value.display());
            }
        }
    }
    for (at, input) in inputs.iter().enumerate() {
        let organisation =
            input.organisation.as_ref().map(|draft| who(env, work, input, Kind::Organisation, draft, now));
        let person = who(env, work, input, Kind::Person, &input.person, now);
        work.persons.push((at, person, organisation));
        work.reads.push(done(input.signal, None, Some(person), input.remarks.clone()));
        let lane = input.lane();
        for record in [Some(person), organisation].into_iter().flatten() {
            work.lanes.entry(record).and_modify(|known| *known = lane.min(*known)).or_insert(lane);
        }
    }
    still_welcome(tx, inputs, work).await
}

/// Who has these strong keys.
async fn holders(tx: &mut Tx, keys: &[Uuid]) -> Result<BTreeMap<Uuid, RecordId>> {
    Ok(tx.by_strong_keys(keys).await?.into_iter().map(|row| (row.key, RecordId(row.record))).collect())
}

/// Claims the keys of the drafts, once the records they are about are locked: a re-derivation that holds
/// its record and wants one of these keys waits for nobody who waits for that record.
pub(super) async fn claim(tx: &mut Tx, work: &mut Work, now: Time) -> Result<()> {
    // Decided was by who had the keys before the records were locked.
    if !work.holders.is_empty() {
        let known: Vec<Uuid> = work.holders.keys().copied().collect();
        if holders(tx, &known).await? != work.holders {
            return Err(Error::Raced);
        }
    }
    if !work.new_strong.is_empty() {
        let asked = work.new_strong.len();
        if tx.claim_keys(&mut work.new_strong).await?.len() < asked {
            return Err(Error::Raced);
        }
        // Keys that are of values of before for the same record are its own again.
        let again = work.new_strong.iter().filter(|row| work.weak.contains_key(&row.key)).cloned();
        let again: Vec<KeyRow> = again.collect();
        if !again.is_empty() {
            tx.drop_weak_keys(&again).await?;
        }
    }
    if !work.new_weak.is_empty() {
        tx.put_weak_keys(&mut work.new_weak, now).await?;
    }
    Ok(())
}

/// The record a draft is about: a known one, or a new one with perhaps a question.
fn who(env: &Env, work: &mut Work, input: &Input, kind: Kind, draft: &Draft, now: Time) -> RecordId {
    let facts = Facts::of_said(&draft.said);
    let decision = decide(kind, &facts, &candidates(work, draft));
    let record = match decision {
        Decision::Match { record, .. } => {
            // The next one of this batch is compared with what this one added.
            work.facts.entry(record).or_default().absorb(facts);
            record
        }
        Decision::New | Decision::Propose { .. } => {
            let record = RecordId(env.clock.id_of(class(kind)));
            work.fresh.insert(record, (kind, None));
            work.facts.insert(record, facts);
            if let Decision::Propose { candidates, why } = &decision {
                if kind == Kind::Person {
                    work.unsure.insert(record);
                }
                work.reviews.push(NewReview {
                    id: derived_id(&[b"review", input.signal.as_bytes(), kind.name().as_bytes()]),
                    question: format!("same_{kind}"),
                    record: record.0,
                    connection: None,
                    candidates: json!({ "records": candidates }),
                    reason: why.clone(),
                    asked_at: now.0,
                });
            }
            record
        }
    };
    take_keys(work, draft, record);
    if kind == Kind::Organisation {
        let written = draft.said.iter().find(|said| said.field == Field::NAME && said.made_by.is_none());
        if let Some(name) = written.and_then(|said| said.value.as_ref()) {
            work.names.entry(record).or_insert_with(|| name.display());
        }
    }
    let subject = match (&input.mailbox, kind) {
        (Some(mailbox), Kind::Person) => derived_id(&[b"mailbox", mailbox.as_bytes()]),
        _ => derived_near(input.signal, class(kind), &[b"lead", input.signal.as_bytes(), kind.name().as_bytes()]),
    };
    let statement = Statement {
        subject: SubjectId(subject),
        signal: input.signal.into(),
        source: input.source.clone(),
        observed_at: input.observed_at,
        version: Version(input.observed_at, input.received_at),
        said: draft.said.clone(),
    };
    work.said.entry(record).or_default().push(statement);
    record
}

/// The records that the keys of a draft meet.
fn candidates(work: &Work, draft: &Draft) -> Vec<Candidate> {
    let mut met: BTreeMap<RecordId, Vec<KeyType>> = BTreeMap::new();
    for key in &draft.keys {
        let id = key.id();
        if let Some(record) = work.strong.get(&id).filter(|_| key.key_type.is_strong()) {
            met.entry(*record).or_default().push(key.key_type);
        }
        // A switchboard or a large firm proposes nobody in particular.
        let sharing = work.weak.get(&id).filter(|records| records.len() <= MANY as usize);
        for (record, basis) in sharing.into_iter().flatten() {
            match (key.key_type.is_strong(), basis) {
                (false, _) => met.entry(*record).or_default().push(key.key_type),
                (true, Basis::Former) => met.entry(*record).or_default().push(KeyType::Former),
                // Whoever holds the key is met by it; whether the two are one was asked.
                (true, _) => {}
            }
        }
    }
    met.into_iter()
        .map(|(record, met_by)| Candidate {
            record,
            met_by,
            facts: work.facts.get(&record).cloned().unwrap_or_default(),
        })
        .collect()
}

/// The keys of a draft are those of its record, but for strong ones that another record has.
fn take_keys(work: &mut Work, draft: &Draft, record: RecordId) {
    for key in &draft.keys {
        let id = key.id();
        let basis = key.key_type.basis();
        let row = KeyRow { key: id, record: record.0, key_type: key.key_type.name().to_owned(), basis };
        if key.key_type.is_strong() {
            match work.strong.get(&id) {
                None => {
                    work.strong.insert(id, record);
                    work.new_strong.push(row);
                }
                // A key that another record has stays there: the question was asked with the decision.
                // Should it be given up there, it is this one's.
                Some(holder) if *holder != record && work.fresh.contains_key(&record) => {
                    work.weak.entry(id).or_default().insert(record, Basis::Contested);
                    work.new_weak.push(KeyRow { basis: Basis::Contested, ..row });
                }
                Some(_) => {}
            }
        } else if let Entry::Vacant(e) = work.weak.entry(id).or_default().entry(record) {
            e.insert(basis);
            work.new_weak.push(row);
        }
    }
}
