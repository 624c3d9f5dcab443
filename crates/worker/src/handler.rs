//! The jobs, one method each.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use mittler_core::{
    ConnectionId, SignalId, Time,
    derive::Overrides,
    job::{Lane, Task},
};
use mittler_queue::{End, Handler, Wake};
use mittler_store::{
    Clock, Error, Store,
    jobs::{ClaimedJob, NewJob},
    retention::{Retain, Retention},
};
use mittler_sync::{Connections, Keys, Pusher, push::Stopped};
use tracing::{info, warn};

use crate::{
    batch::{self, Did, Env},
    follow::{FollowUp, Routing},
    input::{self, Reading},
    stages::{Enriching, NOT_TAKEN},
    unsure::Unsure,
};

/// First wait before a read that failed is tried again; it doubles up to ten minutes.
const READ_AGAIN: Duration = Duration::from_secs(5);
/// Tries after which a read that the CRM refuses counts as failed.
const HOPELESS: i64 = 8;
/// Rows that one retention step touches in one table at most.
const RETAIN_ROWS: i64 = 2_000;

/// After so many lost workers a batch is read singly: one may be a deployment.
const SUSPECT: i64 = 2;

/// Whether the work itself is to blame, not the state of the database.
fn spoils(error: &Error) -> bool {
    !error.is_passing()
}

/// The worker: what it needs for any job.
#[derive(Clone)]
pub struct Worker {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    pub connections: Connections,
    pub overrides: Arc<Overrides>,
    pub routing: Arc<Routing>,
    pub follow_up: Arc<FollowUp>,
    pub unsure: Unsure,
    /// Domains of the house itself: whose mails and rows are no leads.
    pub own_domains: Arc<[String]>,
    pub pusher: Pusher,
    pub retention: Retention,
    pub wake: Wake,
    /// Held by whoever writes a batch of a list.
    pub lists: Arc<tokio::sync::Mutex<()>>,
}

#[async_trait]
impl Handler for Worker {
    async fn run(&self, job: &ClaimedJob) -> End {
        let ended = match &job.task {
            Task::Enrich { signals } => self.enrich(job, signals).await,
            Task::Pull { connection } => self.pull(job, *connection, &BTreeMap::new()).await,
            Task::PullOn { connection, from } => self.pull(job, *connection, from).await,
            Task::Read { connection, remote_type, ids, not_before, since } => {
                self.read(job, *connection, remote_type, ids, (*not_before, *since)).await
            }
            Task::Erased { connection, remote_type, ids } => {
                mittler_sync::erased_there(&self.store, &self.clock, *connection, remote_type, ids)
                    .await
                    .map(|_| End::Done)
            }
            Task::Merge { decision } => self.merge(job, *decision).await,
            Task::Retain => self.retain(job).await,
            Task::Unknown => Ok(End::Failed { code: "unknown_task".into() }),
        };
        match ended {
            Ok(end) => end,
            // An input may be slow for ever: counted, so that it comes to an end.
            Err(Error::TooSlow) if matches!(job.task, Task::Enrich { .. }) => End::Failed { code: "too_slow".into() },
            Err(error) if error.is_passing() => {
                End::Later { due: self.clock.now().plus(Duration::from_millis(500)), code: "database".into() }
            }
            Err(error) => {
                warn!(job.id = %job.id, job.task = job.task.name(), %error, "a job failed");
                End::Failed { code: "store".into() }
            }
        }
    }
}

impl Worker {
    pub(crate) fn env(&self) -> Env {
        Env {
            clock: self.clock.clone(),
            keys: self.keys.clone(),
            connections: self.connections.all(),
            overrides: Arc::clone(&self.overrides),
            routing: Arc::clone(&self.routing),
            follow_up: Arc::clone(&self.follow_up),
            unsure: self.unsure,
        }
    }

    /// A batch of signals in one transaction. If one of them spoils it, or may have before, each by
    /// itself; what fails alone is parked with its reason.
    async fn enrich(&self, job: &ClaimedJob, signals: &[SignalId]) -> Result<End, Error> {
        let unread = self.store.unread(signals).await?;
        let mut stages = Enriching::all(job, &unread);
        let readings: Arc<Vec<Reading>> =
            Arc::new(unread.iter().map(|unread| input::read(unread, &self.own_domains)).collect());
        let many = readings.iter().any(|reading| !matches!(reading, Reading::Input(input) if input.single));
        // A batch that failed, or took its worker with it, holds an input that does so.
        let suspect = readings.len() > 1 && (job.failures > 0 || job.lost >= SUSPECT);
        let end = if suspect {
            self.singly(&readings, &mut stages).await?;
            End::Done
        } else {
            // Other processes wait in the database; waiting there for a neighbour would hold a connection, and time
            // that a transaction has.
            let _turn = if readings.len() > batch::FEW { Some(self.lists.lock().await) } else { None };
            let (env, all, taken) = (self.env(), Arc::clone(&readings), job.clone());
            let together = self.store.write(async move |tx| batch::enrich(tx, &env, &all, Some(&taken)).await).await;
            match together {
                Ok(did) => {
                    stages.end(&did.ends);
                    self.note(did).await;
                    End::Ended
                }
                Err(error) if spoils(&error) || (matches!(error, Error::TooSlow) && readings.len() > 1) => {
                    warn!(job.id = %job.id, %error, signals = signals.len(), "a batch failed; each of its signals is tried by itself");
                    self.singly(&readings, &mut stages).await?;
                    End::Done
                }
                Err(error) => {
                    stages.end_all("database");
                    return Err(error);
                }
            }
        };
        // After the commit: of two workers that read the last inputs of a run at the same time, the
        // later one sees that none is left. If this fails, the scheduler's next look does it.
        if many {
            self.finish_runs().await;
        }
        Ok(end)
    }

    async fn finish_runs(&self) {
        let ended = async {
            let now = self.clock.now();
            if self.store.any_run_read().await?
                && self.store.write(async move |tx| tx.finish_runs(now).await).await? > 0
            {
                self.store.analyze().await?;
            }
            Ok::<(), Error>(())
        };
        if let Err(error) = ended.await {
            warn!(%error, "the end of a run could not be noted, or the statistics not be renewed after it");
        }
    }

    /// One that takes too long is left to the job's next try, and so to its last.
    async fn singly(&self, readings: &[Reading], stages: &mut Enriching) -> Result<(), Error> {
        let mut slow = None;
        for reading in readings {
            let (env, one) = (self.env(), Arc::new(vec![reading.clone()]));
            match self.store.write(async move |tx| batch::enrich(tx, &env, &one, None).await).await {
                Ok(did) => {
                    stages.end(&did.ends);
                    self.note(did).await;
                }
                Err(error @ Error::TooSlow) => slow = Some(error),
                Err(error) if spoils(&error) => {
                    let signal = reading.signal();
                    warn!(signal.id = %SignalId(signal), %error, "a signal could not be taken and is parked");
                    self.store.write(async move |tx| tx.park_unread(&[signal]).await).await?;
                    stages.end(&[(signal, NOT_TAKEN.to_owned())]);
                }
                Err(error) => return Err(error),
            }
        }
        slow.map_or(Ok(()), Err)
    }

    async fn note(&self, did: Did) {
        if let Err(error) = self.store.grew(did.new_records).await {
            warn!(%error, "the database's statistics could not be renewed");
        }
    }

    /// A job of a connection that this process does not know: its configuration is older, or newer, than that
    /// of the process that made the job.
    fn unknown_connection(&self) -> End {
        End::Later { due: self.clock.now().plus(Duration::from_mins(1)), code: "no_such_connection".into() }
    }

    /// Reads what changed. What is too much for one job goes on in another, from just there.
    async fn pull(&self, job: &ClaimedJob, id: ConnectionId, from: &BTreeMap<String, String>) -> Result<End, Error> {
        let now = self.clock.now();
        let Some(connection) = self.connections.get(id) else {
            // Another process may know it, or this one after a restart; a fresh pull is the next slot's.
            return Ok(if from.is_empty() { End::Done } else { self.unknown_connection() });
        };
        if !connection.mode.takes() {
            // The cursor stays: the first pull in another mode finds what changed meanwhile.
            return Ok(End::Done);
        }
        if let Some((until, code)) = self.pusher.paused(&connection).await? {
            // A fresh pull is the next slot's; what was begun is not begun anew.
            return Ok(if from.is_empty() { End::Done } else { End::Later { due: until, code } });
        }
        let Some(_alone) = connection.try_pull() else {
            return Ok(End::Later { due: now.plus(Duration::from_secs(1)), code: "pulled_by_another".into() });
        };
        match self.pusher.pull(&connection, from).await {
            Ok(pulled) => {
                info!(connection.id = %id, changes = pulled.changes, claimed = pulled.claimed, "pulled");
                if pulled.claimed > 0 {
                    self.wake.ring();
                }
                if pulled.more.is_empty() {
                    return Ok(End::Done);
                }
                let (job, now) = (job.clone(), self.clock.now());
                let task = Task::PullOn { connection: id, from: pulled.more };
                let rest = NewJob::new(self.clock.id(), task, Lane::Scheduled, now, now);
                self.store
                    .write(async move |tx| {
                        if tx.end_job(job.id, job.attempt).await? {
                            tx.put_jobs(std::slice::from_ref(&rest)).await?;
                        }
                        Ok(())
                    })
                    .await?;
                self.wake.ring();
                Ok(End::Ended)
            }
            Err(Stopped::Store(error)) => Err(error),
            // The next slot tries again, from the cursor.
            Err(Stopped::Crm(error)) => {
                warn!(connection.id = %id, code = error.code(), "a pull did not work; the next slot goes on from the cursor");
                Ok(End::Done)
            }
        }
    }

    /// Reads what a hook told of. A CRM that does not answer is asked again after longer and longer
    /// waits; what it will not answer at all ends as a dead job, to be seen and repeated.
    async fn read(
        &self,
        job: &ClaimedJob,
        id: ConnectionId,
        remote_type: &str,
        ids: &[String],
        (not_before, since): (Time, Option<Time>),
    ) -> Result<End, Error> {
        let now = self.clock.now();
        // No longer than it was to wait at first: otherwise the clock was put back meanwhile.
        let most = not_before.since(job.created_at) + Duration::from_secs(30);
        if not_before > now && not_before.since(now) <= most {
            return Ok(End::Later { due: not_before, code: "not_before".into() });
        }
        // Deletions are told by hooks alone: what one process does not know waits for another that does.
        let Some(connection) = self.connections.get(id) else { return Ok(self.unknown_connection()) };
        if connection.mapping.object(remote_type).is_none() {
            return Ok(End::Done);
        }
        if !connection.mode.takes() {
            return Ok(End::Later { due: now.plus(Duration::from_mins(1)), code: "mode_takes_nothing".into() });
        }
        if let Some((until, code)) = self.pusher.paused(&connection).await? {
            return Ok(End::Later { due: until, code });
        }
        // Hooks of earlier changes may still wait to be read for.
        let hinted = match since {
            Some(since) => {
                Some(self.store.oldest_job(&format!("read:{}", id.0)).await?.map_or(since, |oldest| since.min(oldest)))
            }
            None => None,
        };
        match self.pusher.take(&connection, remote_type, ids, hinted).await {
            Ok((_, claimed)) => {
                if claimed > 0 {
                    self.wake.ring();
                }
                Ok(End::Done)
            }
            Err(Stopped::Store(error)) => Err(error),
            Err(Stopped::Crm(error)) => {
                let code = error.code().to_owned();
                if job.attempt >= HOPELESS && !error.is_passing() {
                    return Ok(End::Failed { code });
                }
                let wait = READ_AGAIN * (1 << job.attempt.clamp(0, 7));
                Ok(End::Later { due: now.plus(wait), code })
            }
        }
    }

    /// Ends what has outlived its time, step by step, until a step finds nothing more.
    async fn retain(&self, job: &ClaimedJob) -> Result<End, Error> {
        let (keep, now) = (self.retention, self.clock.now());
        let (mut rows, mut more) = (0, false);
        for step in Retain::ALL {
            let removed = self.store.write(async move |tx| tx.retain(step, keep, now, RETAIN_ROWS).await).await?;
            rows += removed.rows;
            more |= removed.rows >= RETAIN_ROWS.unsigned_abs();
        }
        info!(job.id = %job.id, rows, "retention");
        if more {
            return Ok(End::Later { due: now, code: "more".into() });
        }
        self.store.checkpoint().await?;
        Ok(End::Done)
    }
}
