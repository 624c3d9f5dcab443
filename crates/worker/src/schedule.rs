//! Work by the clock: each slot of a schedule starts once, whoever looks first.

use std::time::Duration;

use mittler_core::{
    Time,
    job::{Lane, Task},
};
use mittler_queue::Wake;
use mittler_store::{Clock, Result, Store, jobs::NewJob};
use mittler_sync::Connections;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often what happens.
#[derive(Debug, Clone, Copy)]
pub struct Intervals {
    /// Between two pulls of one connection; zero: none.
    pub pull: Duration,
    pub retain: Duration,
}

impl Default for Intervals {
    fn default() -> Self {
        Intervals { pull: Duration::from_mins(5), retain: Duration::from_hours(1) }
    }
}

/// The slot that a moment lies in: slots are counted from 1970, so that all processes and restarts
/// agree, and daylight saving moves none.
pub fn slot(now: Time, every: Duration) -> Time {
    let every = i64::try_from(every.as_micros()).unwrap_or(i64::MAX).max(1);
    Time(now.0.div_euclid(every) * every)
}

/// Starts the current slot of every schedule that no other process has started; gives how many.
///
/// # Errors
/// If the database does not answer: the next look does it.
pub async fn start_slots(
    store: &Store,
    clock: &Clock,
    connections: &Connections,
    intervals: Intervals,
) -> Result<usize> {
    let now = clock.now();
    let mut due = Vec::new();
    if intervals.pull > Duration::ZERO {
        for connection in connections.all() {
            due.push((
                format!("pull:{}", connection.id.0),
                slot(now, intervals.pull),
                Task::Pull { connection: connection.id },
            ));
        }
    }
    if intervals.retain > Duration::ZERO {
        due.push(("retain".into(), slot(now, intervals.retain), Task::Retain));
    }
    let jobs: Vec<NewJob> =
        due.iter().map(|(_, _, task)| NewJob::new(clock.id(), task.clone(), Lane::Scheduled, now, now)).collect();
    store
        .write(async move |tx| {
            let mut started = 0;
            for ((name, slot, _), job) in due.iter().zip(&jobs) {
                if tx.start_slot(name, *slot, now).await? {
                    started += 1;
                    // A pull that is still to come, or under way, stands for this slot too: it
                    // reads all that is new, and a CRM that is away for days has one in the end.
                    if !matches!(job.task, Task::Pull { .. }) || !tx.is_living(&job.topic).await? {
                        tx.put_jobs(std::slice::from_ref(job)).await?;
                    }
                }
            }
            Ok(started)
        })
        .await
}

/// Between two sweeps.
const SWEEP: Duration = Duration::from_secs(30);
/// How long an input may be unread before it is asked who is to read it.
const UNREAD: Duration = Duration::from_mins(10);
/// Inputs that one job reads.
const BATCH: usize = 100;
/// Inputs that are swept up at once.
const MOST: i64 = 2_000;

/// What nobody else would end: runs whose last inputs were read at the same time, and unread inputs
/// whose job is no more. Gives how many new jobs read such inputs.
///
/// # Errors
/// If the database does not answer: the next look does it.
pub async fn sweep_inputs(store: &Store, clock: &Clock) -> Result<usize> {
    let (clock, now) = (clock.clone(), clock.now());
    store
        .write(async move |tx| {
            tx.finish_runs(now).await?;
            let left = tx.left_unread(now.minus(UNREAD), MOST).await?;
            let jobs: Vec<NewJob> = left
                .chunks(BATCH)
                .map(|signals| {
                    let task = Task::Enrich { signals: signals.to_vec() };
                    NewJob::new(clock.id(), task, Lane::Scheduled, now, now)
                })
                .collect();
            tx.put_jobs(&jobs).await?;
            Ok(jobs.len())
        })
        .await
}

/// The scheduler role, until `stop`.
pub async fn run(
    store: Store,
    clock: Clock,
    connections: Connections,
    intervals: Intervals,
    wake: Wake,
    stop: CancellationToken,
) {
    let look = intervals.pull.min(intervals.retain).clamp(Duration::from_millis(100), Duration::from_secs(5));
    // Not by the clock: one that was put back by days would sweep nothing up for so long.
    let mut swept: Option<Instant> = None;
    loop {
        if swept.is_none_or(|swept| swept.elapsed() >= SWEEP) {
            swept = Some(Instant::now());
            match sweep_inputs(&store, &clock).await {
                Ok(0) => {}
                Ok(jobs) => {
                    warn!(jobs, "inputs that no job was about to read have new ones");
                    wake.ring();
                }
                Err(error) if error.fault().is_some() => {}
                Err(error) => warn!(%error, "the scheduler could not look for inputs that nobody reads"),
            }
        }
        match start_slots(&store, &clock, &connections, intervals).await {
            Ok(0) => {}
            Ok(_) => wake.ring(),
            Err(error) if error.fault().is_some() => {}
            Err(error) => warn!(%error, "the scheduler could not look"),
        }
        if stop.run_until_cancelled(tokio::time::sleep(look)).await.is_none() {
            return;
        }
    }
}
