//! Drafts become records, in one transaction: recognise, claim keys, state, derive, make links due.
//!
//! Everything is set-based; decisions within a batch see those made before them in memory.

mod graph;
mod kept_out;
mod recognise;
mod state;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use mittler_core::{
    Kind, RecordId, Said, Source, Statement, SubjectId, Version, derive::Overrides, job::Lane, key::Basis,
};
use mittler_identity::Facts;
use mittler_intake::Problem;
use mittler_store::{
    Clock, Result, Tx, derived_near,
    jobs::ClaimedJob,
    records::KeyRow,
    reviews::NewReview,
    signals::{NOT_TAKEN, Read, SignalState},
};
use mittler_sync::{Connection, Keys};
use serde_json::json;
use uuid::Uuid;

use crate::{
    follow::{FollowUp, Routing},
    input::{Input, Reading},
    purpose::Named,
    unsure::Unsure,
};

/// What a batch needs besides its inputs.
#[derive(Clone)]
pub struct Env {
    pub clock: Clock,
    pub keys: Keys,
    pub connections: Vec<Arc<Connection>>,
    pub overrides: Arc<Overrides>,
    pub routing: Arc<Routing>,
    pub follow_up: Arc<FollowUp>,
    pub unsure: Unsure,
}

/// What a batch did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Did {
    pub new_records: usize,
    /// What became of each input: its code, or else its state.
    pub ends: Vec<(Uuid, String)>,
}

/// One record on its way through the batch.
#[derive(Debug, Default)]
struct Work {
    /// Records made by this batch, with their kinds and whom they are about.
    fresh: BTreeMap<RecordId, (Kind, Option<RecordId>)>,
    /// People made by this batch who may be somebody known.
    unsure: BTreeSet<RecordId>,
    said: BTreeMap<RecordId, Vec<Statement>>,
    strong: HashMap<Uuid, RecordId>,
    weak: HashMap<Uuid, BTreeMap<RecordId, Basis>>,
    /// Who had the strong keys when they were looked up.
    holders: BTreeMap<Uuid, RecordId>,
    facts: HashMap<RecordId, Facts>,
    /// Names that somebody wrote of organisations, for rows that only show a domain.
    names: HashMap<RecordId, String>,
    new_strong: Vec<KeyRow>,
    new_weak: Vec<KeyRow>,
    reviews: Vec<NewReview>,
    reads: Vec<Read>,
    /// Person of each input, for the second half.
    persons: Vec<(usize, RecordId, Option<RecordId>)>,
    lanes: BTreeMap<RecordId, Lane>,
    /// Whether anybody is kept out.
    kept_out: bool,
    /// The entries under which the person of each input would be kept out, by signal.
    entries: HashMap<Uuid, Vec<Uuid>>,
    /// Those of them that somebody is kept out under.
    suppressed: HashSet<Uuid>,
    /// Tasks made by this batch: of which person, from which input.
    tasks: Vec<(RecordId, RecordId, usize)>,
}

/// Batches of more readings than this go one after the other.
pub(crate) const FEW: usize = 20;

/// Reads a batch of signals into records and ends their job, all in the caller's transaction.
pub async fn enrich(tx: &mut Tx, env: &Env, readings: &[Reading], job: Option<&ClaimedJob>) -> Result<Did> {
    if readings.len() > FEW {
        tx.lock_lists().await?;
    }
    let now = env.clock.now();
    let ids: Vec<Uuid> = readings.iter().map(Reading::signal).collect();
    let unread: HashSet<Uuid> = tx.lock_unread(&ids).await?.into_iter().collect();
    let mut work = Work::default();
    let mut inputs: Vec<&Input> = Vec::new();
    for reading in readings.iter().filter(|reading| unread.contains(&reading.signal())) {
        match reading {
            Reading::Input(input) => inputs.push(input),
            Reading::Nothing { signal, code } => work.reads.push(done(*signal, Some(code), None, json!([]))),
            Reading::Problem { signal, problem } => {
                let Problem { code, field, reason } = problem;
                work.reads.push(not_taken(*signal, SignalState::Refused, code, field.clone(), reason));
            }
            Reading::Broken { signal } => {
                work.reads.push(not_taken(*signal, SignalState::Parked, "not_taken", None, NOT_TAKEN));
            }
        }
    }
    let inputs = kept_out::keep_out(tx, env, inputs, &mut work).await?;
    recognise::recognise(tx, env, &inputs, &mut work, now).await?;
    let purposes = Named::of(&inputs, &work.persons, |person| work.fresh.contains_key(&person));
    graph::graph(tx, env, &inputs, &mut work).await?;
    let did = state::state(tx, env, &mut work, &inputs, now).await?;
    purposes.note(tx).await?;
    if let Some(job) = job {
        tx.end_job(job.id, job.attempt).await?;
    }
    Ok(did)
}

/// Read into a record, or nothing follows from it.
fn done(signal: Uuid, code: Option<&str>, record: Option<RecordId>, remarks: serde_json::Value) -> Read {
    Read {
        id: signal,
        state: SignalState::Done,
        code: code.map(str::to_owned),
        field: None,
        reason: None,
        remarks,
        record: record.map(|id| id.0),
    }
}

fn not_taken(signal: Uuid, state: SignalState, code: &str, field: Option<String>, reason: &str) -> Read {
    Read {
        id: signal,
        state,
        code: Some(code.into()),
        field,
        reason: Some(reason.into()),
        remarks: json!([]),
        record: None,
    }
}

/// Something that an input says of a record; `subject` tells it from what else it says of that.
fn add(work: &mut Work, record: RecordId, input: &Input, subject: &str, said: Vec<Said>, source: Source) {
    let parts: [&[u8]; 4] = [b"lead", input.signal.as_bytes(), subject.as_bytes(), record.0.as_bytes()];
    let statement = Statement {
        subject: SubjectId(derived_near(input.signal, 0, &parts)),
        signal: input.signal.into(),
        source,
        observed_at: input.observed_at,
        version: Version(input.observed_at, input.received_at),
        said,
    };
    work.said.entry(record).or_default().push(statement);
    work.lanes.entry(record).or_insert(input.lane());
}
