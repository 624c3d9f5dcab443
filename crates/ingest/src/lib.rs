//! The one way in. The REST API, the pages, the command line and the demo bring leads, lists and
//! mails through here and nowhere else.
//!
//! **Invariant:** an answer `Ok` means that every input it speaks of is durable, together with the
//! job that reads it.
//!
//! **Invariant:** the same input twice is one signal: its key is an HMAC over source, kind, way of
//! reading and content, with a key that lies outside the database.

mod idempotency;
mod import;
mod list;
mod mails;
mod params;
mod preview;
mod problem_list;
mod retry;
mod stages;

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use hmac::{Hmac, KeyInit, Mac};
use mittler_core::{
    RunId, SignalId,
    job::{Lane, Task},
    trace::TraceParent,
};
use mittler_intake::{Problem, csv};
use mittler_store::{Bytes as Content, Clock, Gatherer, Store, Tx, jobs::NewJob, runs::RunState, signals::NewSignal};
use serde_json::Value;
use sha2::Sha256;
use uuid::Uuid;

use self::stages::Accepting;
pub use self::{
    idempotency::{Repetition, Reservation},
    import::Imported,
    list::{Counts, OpenList},
    params::{FairParams, ImportParams, InvalidParam, LeadParams},
    preview::{ColumnView, DryRun, Previewed, RemarkBody, RowProblem, SHOWN, ValueView},
    problem_list::ProblemList,
};
pub use mittler_store::Accepted;

/// Leads that one call may bring.
pub const MOST_LEADS: usize = 1_000;
/// Rows that share one transaction.
const ROWS: usize = 500;
/// Inputs that one job reads.
const PER_JOB: usize = 100;
/// The kind of input that a row of a list is.
const ROW: &str = "lead_row";
/// Runs of single inputs that are known to exist.
const RUNS: usize = 1_000;

/// Why an input was not taken, by what the sender does next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IngestError {
    /// The database did not take it: send it again later.
    #[error(transparent)]
    Store(#[from] mittler_store::Error),
    /// The input as a whole cannot be read.
    #[error(transparent)]
    Unreadable(Problem),
    #[error(transparent)]
    Invalid(#[from] InvalidParam),
    /// There is no such run, or nothing of it can be read again.
    #[error("there is no such import")]
    NoRun,
    /// Nobody waits for the answer any more: the work was ended, and nothing was kept of it.
    #[error("nobody waits for the answer any more")]
    Abandoned,
}

impl From<Problem> for IngestError {
    fn from(problem: Problem) -> IngestError {
        if problem.code == csv::ABANDONED { IngestError::Abandoned } else { IngestError::Unreadable(problem) }
    }
}

/// Takes inputs in. Clones share everything.
#[derive(Clone)]
pub struct Ingest {
    store: Store,
    gatherer: Gatherer,
    clock: Clock,
    key: Arc<[u8; 32]>,
    wake: Arc<dyn Fn() + Send + Sync>,
    runs: Arc<Mutex<HashSet<Uuid>>>,
    own_domains: Arc<[String]>,
    abandoned: Arc<AtomicU64>,
    /// The trace that what comes in belongs to.
    parent: Option<Arc<TraceParent>>,
}

impl std::fmt::Debug for Ingest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ingest").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Ingest {
    /// `key` names inputs by keyed hashes and must stay the same for as long as inputs are to be
    /// recognised; `wake` tells the worker of this process that there is work.
    pub fn new(
        store: Store,
        gatherer: Gatherer,
        clock: Clock,
        key: [u8; 32],
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Ingest {
        Ingest {
            store,
            gatherer,
            clock,
            key: Arc::new(key),
            wake: Arc::new(wake),
            runs: Arc::default(),
            own_domains: Arc::default(),
            abandoned: Arc::default(),
            parent: None,
        }
    }

    /// Lets dry runs know the own house, whose people are no leads.
    #[must_use]
    pub fn with_own_domains(mut self, own_domains: impl Into<Arc<[String]>>) -> Ingest {
        self.own_domains = own_domains.into();
        self
    }

    /// The same door for a caller who stands in a trace of its own.
    #[must_use]
    pub fn within(mut self, parent: Option<TraceParent>) -> Ingest {
        self.parent = parent.map(Arc::new);
        self
    }

    fn parent(&self) -> Option<TraceParent> {
        self.parent.as_deref().copied()
    }

    /// How often work on a list was ended because nobody waited for it any more.
    pub fn abandoned(&self) -> u64 {
        self.abandoned.load(Ordering::Relaxed)
    }

    fn count_abandoned<R>(&self, done: &Result<R, IngestError>) {
        if matches!(done, Err(IngestError::Abandoned)) {
            self.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Does what takes long on a thread of its own.
    async fn on_a_thread<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Ingest) -> Result<R, IngestError> + Send + 'static,
    ) -> Result<R, IngestError> {
        let ingest = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&ingest);
            ingest.count_abandoned(&done);
            done
        });
        done.await.unwrap_or_else(|_| Err(mittler_store::Error::Panicked.into()))
    }

    /// Tells the worker of this process that there is work.
    pub fn wake(&self) {
        (self.wake)();
    }

    /// Takes one lead, together with whatever others are waiting for the same commit.
    pub async fn lead(&self, lead: Value, params: &LeadParams) -> Result<Accepted, IngestError> {
        let params = params.checked()?;
        let run = self.run_of_today("leads", &params).await?;
        let signal = self.lead_signal(run, &lead, &params, 1);
        self.accept(signal).await
    }

    /// Takes up to 1,000 leads in one transaction: all of them or none.
    pub async fn leads(&self, leads: Vec<Value>, params: &LeadParams) -> Result<Vec<Accepted>, IngestError> {
        if leads.is_empty() {
            return Err(Problem::new("empty", "there is no lead in it").into());
        }
        if leads.len() > MOST_LEADS {
            return Err(Problem::new("too_many", format!("send at most {MOST_LEADS} leads at once")).into());
        }
        let params = params.checked()?;
        let run = self.run_of_today("leads", &params).await?;
        let signals: Vec<NewSignal> =
            (1..).zip(&leads).map(|(line, lead)| self.lead_signal(run, lead, &params, line)).collect();
        let (clock, keys) = (self.clock.clone(), signals.clone());
        let stages = Accepting::all(&signals);
        let known = self
            .store
            .write(async move |tx| {
                let new = put_signals(tx, &clock, &signals, Lane::Scheduled).await?;
                known_ids(tx, &signals, &new).await
            })
            .await?;
        (self.wake)();
        let accepted = keys.into_iter().map(|signal| {
            let id = known.get(&signal.dedup).copied().unwrap_or(signal.id);
            Accepted { id: SignalId(id), known: id != signal.id }
        });
        let accepted: Vec<Accepted> = accepted.collect();
        stages.end(&accepted, self.parent());
        Ok(accepted)
    }

    fn lead_signal(&self, run: RunId, lead: &Value, params: &LeadParams, line: i64) -> NewSignal {
        let content = lead.to_string().into_bytes();
        self.signal(run, "lead", line, &[&params.scope()], content)
    }

    /// One input with its key. `scope` is what, besides its bytes, makes it another input.
    fn signal(&self, run: RunId, kind: &str, line: i64, scope: &[&[u8]], content: Vec<u8>) -> NewSignal {
        NewSignal {
            id: self.clock.id(),
            run: run.0,
            kind: kind.to_owned(),
            line,
            dedup: self.keyed(kind, scope.iter().copied().chain([content.as_slice()])),
            received_at: self.clock.now().0,
            content: Content(content),
            trace: self.parent().map(|parent| parent.to_string()),
        }
    }

    /// Takes one input, together with whatever others are waiting for the same commit.
    async fn accept(&self, signal: NewSignal) -> Result<Accepted, IngestError> {
        let stages = Accepting::all(std::slice::from_ref(&signal));
        let accepted = self.gatherer.accept(signal, Lane::Interactive).await?;
        stages.end(&[accepted], self.parent());
        Ok(accepted)
    }

    /// A name for the parts that only holders of the key can make.
    fn keyed<'a>(&self, purpose: &'a str, parts: impl IntoIterator<Item = &'a [u8]>) -> Uuid {
        let mut keyed = Keyed::with(&self.key);
        for part in [purpose.as_bytes()].into_iter().chain(parts) {
            keyed.push(part);
        }
        keyed.id()
    }

    /// The names of rows that differ in their bytes alone.
    fn keyed_rows(&self, scope: &[u8]) -> Keyed {
        let mut keyed = Keyed::with(&self.key);
        keyed.push(ROW.as_bytes());
        keyed.push(scope);
        keyed
    }

    /// The run of inputs that come singly: one per day (UTC), source and way of reading, so that a
    /// form which sends a lead a minute does not fill the list of runs.
    async fn run_of_today(&self, kind: &'static str, params: &LeadParams) -> Result<RunId, IngestError> {
        let now = self.clock.now();
        let day = now.timestamp().strftime("%Y-%m-%d").to_string();
        let id = mittler_store::derived_id(&[b"run", kind.as_bytes(), day.as_bytes(), &params.scope()]);
        if self.runs.lock().is_ok_and(|runs| runs.contains(&id)) {
            return Ok(RunId(id));
        }
        let (label, params) = (format!("{} {day}", params.source), params.run_params().to_json());
        self.store
            .write(async move |tx| tx.put_run(RunId(id), kind, &label, &params, RunState::Open, now).await)
            .await?;
        if let Ok(mut runs) = self.runs.lock() {
            if runs.len() >= RUNS {
                runs.clear();
            }
            runs.insert(id);
        }
        Ok(RunId(id))
    }
}

/// A keyed hash over parts, each with its length.
#[derive(Clone)]
struct Keyed(Hmac<Sha256>);

impl Keyed {
    fn with(key: &[u8; 32]) -> Keyed {
        Keyed(Hmac::new_from_slice(key).unwrap_or_else(|_| unreachable!("any length is a key")))
    }

    fn push(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    /// What it is with one more part.
    fn of(&self, last: &[u8]) -> Uuid {
        let mut keyed = self.clone();
        keyed.push(last);
        keyed.id()
    }

    fn id(self) -> Uuid {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0.finalize().into_bytes()[..16]);
        uuid::Builder::from_custom_bytes(id).into_uuid()
    }
}

/// Stores inputs and the jobs that read those that are new; gives the ids of the new ones.
async fn put_signals(
    tx: &mut Tx,
    clock: &Clock,
    signals: &[NewSignal],
    lane: Lane,
) -> mittler_store::Result<HashSet<Uuid>> {
    let mut seen = HashSet::new();
    let once: Vec<NewSignal> = signals.iter().filter(|signal| seen.insert(signal.dedup)).cloned().collect();
    let mut new = HashSet::new();
    for chunk in once.chunks(ROWS) {
        new.extend(tx.put_signals(chunk).await?);
    }
    let in_order: Vec<SignalId> = once.iter().map(|s| s.id).filter(|id| new.contains(id)).map(SignalId).collect();
    tx.put_jobs(&read_jobs(clock, &in_order, lane)).await?;
    Ok(new)
}

/// The jobs that read these inputs.
fn read_jobs(clock: &Clock, signals: &[SignalId], lane: Lane) -> Vec<NewJob> {
    let now = clock.now();
    let job = |ids: &[SignalId]| NewJob::new(clock.id(), Task::Enrich { signals: ids.to_vec() }, lane, now, now);
    signals.chunks(PER_JOB).map(job).collect()
}

/// Under which id each input is known now, by key.
async fn known_ids(
    tx: &mut Tx,
    signals: &[NewSignal],
    new: &HashSet<Uuid>,
) -> mittler_store::Result<std::collections::HashMap<Uuid, Uuid>> {
    let (mut ids, mut rest) = (std::collections::HashMap::new(), Vec::new());
    for signal in signals {
        if new.contains(&signal.id) {
            ids.insert(signal.dedup, signal.id);
        } else if !ids.contains_key(&signal.dedup) {
            rest.push(signal.dedup);
        }
    }
    for chunk in rest.chunks(ROWS) {
        ids.extend(tx.known_signals(chunk).await?);
    }
    Ok(ids)
}
