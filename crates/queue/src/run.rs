//! One job from its taking to its end.
//!
//! **Invariant:** a handler runs only while its lease does. The lease is renewed at a third of its
//! length; when it cannot be, or another has taken the job, the handler is dropped and whatever it
//! would have said is not written.
//!
//! **Invariant:** every way a handler can end - answer, panic, lost lease - leaves a row that
//! somebody will look at again, or none.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{
    FutureExt,
    future::{Fuse, FusedFuture},
};
use mittler_core::JobId;
use mittler_store::{
    Clock, Result, Store, Tx,
    jobs::{ClaimedJob, Slots, Wanted},
};
use tokio::time::{Instant, MissedTickBehavior, sleep, sleep_until};

use crate::{
    End, Handler, Stats,
    backoff::{Backoff, retry_after},
    slots::Free,
    stats::count,
};

/// A job that failed this often is dead and waits for a person.
pub const MOST_FAILURES: i64 = 5;

/// A job whose taking ended this often without an end is dead as well: it kills its workers. More
/// than [`MOST_FAILURES`], since a deployment or a killed machine is no fault of the job in hand.
pub const MOST_LOST: i64 = 20;

fn costs_workers(job: &ClaimedJob) -> bool {
    job.lost >= MOST_LOST && !job.task.is_hint()
}

pub(crate) struct Runner {
    pub store: Store,
    pub clock: Clock,
    pub handler: Arc<dyn Handler>,
    pub lease: Duration,
    pub stats: Stats,
}

fn count_of(jobs: usize) -> i64 {
    i64::try_from(jobs).unwrap_or(i64::MAX)
}

impl Runner {
    /// Takes as many due jobs as shared workers are free for, with the moment their leases end.
    pub async fn take_shared(&self, free: Free) -> Result<(Vec<ClaimedJob>, Instant)> {
        let (until, now, lease) = (Instant::now() + self.lease, self.clock.now(), self.lease);
        let jobs = self
            .store
            .write(async move |tx| {
                let wanted = |urgent| Wanted { slots: Slots::Shared, urgent: Some(urgent), full: Vec::new() };
                let mut jobs = tx.take_wanted(now, lease, count_of(free.urgent), &wanted(true)).await?;
                let others = free.others(jobs.len());
                jobs.extend(tx.take_wanted(now, lease, count_of(others), &wanted(false)).await?);
                Ok(jobs)
            })
            .await?;
        Ok((jobs, until))
    }

    /// Takes up to `most` due jobs that call CRMs, of topics that are not full.
    pub async fn take_for_connections(&self, most: usize, full: Vec<String>) -> Result<(Vec<ClaimedJob>, Instant)> {
        let (until, now, lease) = (Instant::now() + self.lease, self.clock.now(), self.lease);
        let wanted = Wanted { slots: Slots::OfConnections, urgent: None, full };
        let take = async move |tx: &mut Tx| tx.take_wanted(now, lease, count_of(most), &wanted).await;
        Ok((self.store.write(take).await?, until))
    }

    /// Takes the job a message named, if it is there for the taking.
    pub async fn take_job(&self, id: JobId) -> Result<Option<(ClaimedJob, Instant)>> {
        let (until, now, lease) = (Instant::now() + self.lease, self.clock.now(), self.lease);
        let job = self.store.write(async move |tx| tx.take_job(id, now, lease).await).await?;
        Ok(job.map(|job| (job, until)))
    }

    /// Runs a job that was just taken and settles it.
    pub async fn run(&self, job: ClaimedJob, mut until: Instant) {
        let end = if costs_workers(&job) {
            Some(End::Failed { code: "workers_lost".into() })
        } else {
            self.handle(&job, &mut until).await
        };
        let Some(end) = end else {
            count(&self.stats.counters().lost);
            return;
        };
        let failed = matches!(end, End::Failed { .. });
        if self.settle(&job, end, until).await {
            count(&self.stats.counters().settled);
            if failed {
                count(&self.stats.counters().failed);
            }
        }
    }

    /// Runs the handler while the job is ours. `None`: it is not, and the handler is dropped.
    async fn handle(&self, job: &ClaimedJob, until: &mut Instant) -> Option<End> {
        let beat = (self.lease / 3).max(Duration::from_millis(1));
        let mut handler = AssertUnwindSafe(self.handler.run(job)).catch_unwind();
        let mut beats = tokio::time::interval_at(Instant::now() + beat, beat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut holding = Fuse::terminated();
        loop {
            // The lease first: after a long stop of this process it has to be looked at before
            // the handler gets to act again.
            tokio::select! { biased;
                () = sleep_until(*until) => {
                    tracing::warn!(job.id = %job.id.0, job.attempt = job.attempt, "the lease of a job ran out");
                    return None;
                }
                (asked, held) = &mut holding => match held {
                    Ok(true) => *until = asked + self.lease,
                    Ok(false) => {
                        tracing::info!(job.id = %job.id.0, job.attempt = job.attempt, "a job is no longer ours");
                        return None;
                    }
                    Err(error) => {
                        if mittler_store::Error::fault(&error).is_none() {
                            tracing::warn!(job.id = %job.id.0, code = %error, "a lease could not be renewed");
                        }
                    }
                },
                end = &mut handler => {
                    return Some(end.unwrap_or_else(|_panic| {
                        tracing::error!(job.id = %job.id.0, task = job.task.name(), "a job panicked");
                        End::Failed { code: "panic".into() }
                    }));
                }
                _ = beats.tick(), if holding.is_terminated() => {
                    holding = self.hold(job).boxed().fuse();
                }
            }
        }
    }

    async fn hold(&self, job: &ClaimedJob) -> (Instant, Result<bool>) {
        let (asked, id, attempt) = (Instant::now(), job.id, job.attempt);
        let until = self.clock.now().plus(self.lease);
        (asked, self.store.write(async move |tx| tx.hold_job(id, attempt, until).await).await)
    }

    /// Writes the end of a job, unless another has it by now. While the database does not answer
    /// this is repeated until the lease is over; after that the job is run once more by somebody.
    async fn settle(&self, job: &ClaimedJob, end: End, until: Instant) -> bool {
        let mut backoff = Backoff::database();
        loop {
            match self.write_end(job, end.clone()).await {
                Ok(true) => return true,
                Ok(false) => {
                    tracing::info!(job.id = %job.id.0, job.attempt = job.attempt, "a job was taken by another before its end");
                    count(&self.stats.counters().lost);
                    return false;
                }
                Err(error) if error.is_passing() && Instant::now() < until => {
                    if error.fault().is_none() {
                        tracing::warn!(job.id = %job.id.0, code = %error, "the end of a job could not be written yet");
                    }
                    sleep(backoff.next_pause()).await;
                }
                Err(error) => {
                    tracing::error!(job.id = %job.id.0, code = %error, "the end of a job could not be written");
                    count(&self.stats.counters().lost);
                    return false;
                }
            }
        }
    }

    async fn write_end(&self, job: &ClaimedJob, end: End) -> Result<bool> {
        let (id, attempt, now) = (job.id, job.attempt, self.clock.now());
        match end {
            End::Ended => Ok(true),
            End::Done => self.store.write(async move |tx| tx.end_job(id, attempt).await).await,
            End::Later { due, code } => {
                self.store.write(async move |tx| tx.delay_job(id, attempt, due, &code).await).await
            }
            End::Failed { code } => {
                tracing::warn!(job.id = %id.0, task = job.task.name(), failures = job.failures + 1, code, "a job failed");
                let due = now.plus(retry_after(job.failures));
                // What has cost so many workers gets no further one.
                let most = if costs_workers(job) { 1 } else { MOST_FAILURES };
                self.store.write(async move |tx| tx.fail_job(id, attempt, due, &code, most, now).await).await
            }
        }
    }
}
