//! Jobs come to their ends, whatever carries them and whatever breaks.

mod alone;
mod rabbit;
mod rig;

use std::time::Duration;

use mittler_core::{
    ConnectionId, JobId,
    job::{Lane, Task},
};
use mittler_queue::{End, MOST_FAILURES, MOST_LOST, Settings};
use mittler_store::{Store, jobs::NewJob};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::support::eventually;
use rig::Rig;

/// Runs each story on every carrier, each with the databases it is meant for: a broker beside SQLite's one process would
/// carry nothing to anybody.
macro_rules! on_every_carrier {
    ($($story:ident),* $(,)?) => {$(
        mod $story {
            use super::rig::{Carried, Rig};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded_on_sqlite() {
                let fresh = crate::support::sqlite().await;
                super::$story(Rig::new(&fresh.store, Carried::Embedded)).await;
                fresh.remove().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded_on_postgres() {
                let fresh = crate::support::postgres().await;
                super::$story(Rig::new(&fresh.store, Carried::Embedded)).await;
                fresh.remove().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn rabbit_on_postgres() {
                let fresh = crate::support::postgres().await;
                super::$story(Rig::new(&fresh.store, Carried::Rabbit)).await;
                fresh.remove().await;
            }
        }
    )*};
}

on_every_carrier!(
    a_job_runs_once,
    ten_workers_share_the_jobs,
    a_job_that_fails_is_tried_again_and_is_dead_after_five,
    a_panic_is_a_failure_and_the_worker_goes_on,
    a_job_put_back_for_later_is_not_run_early,
    a_job_that_its_handler_ended_is_not_run_again,
    a_worker_that_dies_loses_nothing,
    a_stale_worker_cannot_end_a_job_that_another_has_taken,
    a_handler_whose_lease_is_lost_is_dropped,
    a_job_that_takes_longer_than_its_lease_stays_with_its_worker,
    a_job_that_kills_its_workers_dies,
    a_pull_is_not_to_blame_for_workers_that_died_with_it_in_hand,
    the_jobs_in_hand_are_settled_before_a_stop,
    a_bell_wakes_the_carrier_at_once,
);

async fn a_job_runs_once(mut rig: Rig) {
    rig.work(|_| async { End::Done });
    let job = rig.put(1).await[0];
    rig.all_ended().await;
    rig.put(1).await;
    rig.all_ended().await;
    rig.stop().await;
    assert_eq!(rig.runs(job), 1);
    assert_eq!(rig.stats.snapshot().settled, 2);
}

async fn ten_workers_share_the_jobs(mut rig: Rig) {
    rig.settings.workers = 2;
    let met = std::sync::Arc::new(tokio::sync::Barrier::new(20));
    for _ in 0..10 {
        let met = met.clone();
        // Passes only if twenty jobs run at once: two with each worker.
        rig.work(move |_| {
            let met = met.clone();
            async move {
                met.wait().await;
                End::Done
            }
        });
    }
    let jobs = rig.put(200).await;
    rig.all_ended().await;
    rig.stop().await;
    assert!(jobs.iter().all(|job| rig.runs(*job) == 1), "each ran once");
}

async fn a_job_that_fails_is_tried_again_and_is_dead_after_five(mut rig: Rig) {
    rig.work(|_| async { End::Failed { code: "nothing_works".into() } });
    let job = rig.put(1).await[0];
    for failures in 1..=MOST_FAILURES {
        rig.until("the next failure", async |rig| rig.line(job).await.failures == failures).await;
        rig.clock.advance(Duration::from_secs(20));
        rig.wake.ring();
    }
    let line = rig.line(job).await;
    assert!(line.dead_at.is_some());
    assert_eq!((line.failures, line.attempt, line.code.as_deref()), (5, 5, Some("nothing_works")));
    rig.stop().await;
    assert_eq!(rig.runs(job), 5);
    assert_eq!(rig.stats.snapshot().failed, 5);
}

async fn a_panic_is_a_failure_and_the_worker_goes_on(mut rig: Rig) {
    rig.settings.workers = 1;
    rig.work(|job| async move {
        assert!(job.failures > 0, "the first taking panics");
        End::Done
    });
    let jobs = rig.put(3).await;
    rig.until("three panics", async |rig| rig.stats.snapshot().failed == 3).await;
    assert_eq!(rig.line(jobs[0]).await.code.as_deref(), Some("panic"));
    rig.clock.advance(Duration::from_secs(2));
    rig.all_ended().await;
    rig.stop().await;
    assert!(jobs.iter().all(|job| rig.runs(*job) == 2));
}

async fn a_job_put_back_for_later_is_not_run_early(mut rig: Rig) {
    let due = rig.clock.now().plus(Duration::from_hours(1));
    rig.work(move |job| async move {
        if job.attempt == 1 { End::Later { due, code: "crm_waits".into() } } else { End::Done }
    });
    let job = rig.put(1).await[0];
    rig.until("the job waits", async |rig| rig.line(job).await.code.as_deref() == Some("crm_waits")).await;
    // A later job overtakes it: the carrier has looked again and left it where it was.
    let other = rig.put(1).await[0];
    rig.until("the other waits", async |rig| rig.runs(other) == 1).await;
    assert_eq!(rig.runs(job), 1);
    assert_eq!(rig.line(job).await.failures, 0, "waiting is no failure");
    rig.clock.advance(Duration::from_secs(3601));
    rig.all_ended().await;
    rig.stop().await;
    assert_eq!(rig.runs(job), 2);
}

async fn a_job_that_its_handler_ended_is_not_run_again(mut rig: Rig) {
    let store = rig.store.clone();
    rig.work(move |job| {
        let store = store.clone();
        async move {
            assert!(store.write(async move |tx| tx.end_job(job.id, job.attempt).await).await.unwrap());
            End::Ended
        }
    });
    let job = rig.put(1).await[0];
    rig.all_ended().await;
    rig.stop().await;
    assert_eq!((rig.runs(job), rig.stats.snapshot().settled), (1, 1));
}

async fn a_worker_that_dies_loses_nothing(mut rig: Rig) {
    let dying = rig.work(|_| std::future::pending());
    let jobs = rig.put(4).await;
    rig.until("all are in hand", async |rig| jobs.iter().all(|job| rig.runs(*job) == 1)).await;
    assert_eq!(rig.held().await, 4);
    rig.kill(dying).await;
    rig.work(|_| async { End::Done });
    let other = rig.put(1).await[0];
    rig.until("the other job is done", async |rig| rig.runs(other) == 1).await;
    assert!(jobs.iter().all(|job| rig.runs(*job) == 1), "nobody takes a job whose lease runs");
    rig.clock.advance(Duration::from_secs(61));
    rig.all_ended().await;
    rig.stop().await;
    assert!(jobs.iter().all(|job| rig.runs(*job) == 2));
}

async fn a_stale_worker_cannot_end_a_job_that_another_has_taken(mut rig: Rig) {
    // One job at a time, so that the second worker has no part in the first taking.
    rig.settings.workers = 1;
    let (finish, ended) = (std::sync::Arc::new(Semaphore::new(0)), CancellationToken::new());
    let (finish_first, ended_first) = (finish.clone(), ended.clone());
    rig.work(move |_| {
        let (finish, ended) = (finish_first.clone(), ended_first.clone());
        async move {
            finish.acquire().await.unwrap().forget();
            ended.cancel();
            End::Done
        }
    });
    let job = rig.put(1).await[0];
    rig.until("the job is in hand", async |rig| rig.held().await == 1).await;
    // The clock runs past the lease, as it does while a process stands still.
    rig.clock.advance(Duration::from_secs(61));
    let second = rig.work(|_| std::future::pending());
    rig.until("the second has it", async |rig| rig.line(job).await.attempt == 2).await;
    finish.add_permits(1);
    ended.cancelled().await;
    rig.until("the first is refused", async |rig| rig.stats.snapshot().lost == 1).await;
    let line = rig.line(job).await;
    assert_eq!((line.attempt, line.dead_at), (2, None), "the row is the second worker's");
    assert_eq!(rig.stats.snapshot().settled, 0);
    rig.kill(second).await;
    rig.clock.advance(Duration::from_secs(61));
    finish.add_permits(1);
    rig.all_ended().await;
    rig.stop().await;
}

async fn a_handler_whose_lease_is_lost_is_dropped(mut rig: Rig) {
    rig.settings.lease = Duration::from_secs(3);
    rig.work(|_| std::future::pending());
    let job = rig.put(1).await[0];
    rig.until("the job is in hand", async |rig| rig.held().await == 1).await;
    rig.store
        .write(async move |tx| {
            let line = tx.take_job(job, mittler_core::Time::MAX.minus(Duration::from_mins(1)), Duration::ZERO).await?;
            assert_eq!(line.map(|job| job.attempt), Some(2));
            Ok(())
        })
        .await
        .unwrap();
    rig.until("the handler is dropped", async |rig| rig.stats.snapshot().lost == 1).await;
    assert_eq!(rig.running(), 0);
    rig.stop().await;
}

async fn a_job_that_takes_longer_than_its_lease_stays_with_its_worker(mut rig: Rig) {
    // Renewed each second: a machine that stands still for a moment must not lose it.
    rig.settings.lease = Duration::from_secs(3);
    let finish = std::sync::Arc::new(Semaphore::new(0));
    let permit = finish.clone();
    rig.work(move |_| {
        let finish = permit.clone();
        async move {
            finish.acquire().await.unwrap().forget();
            End::Done
        }
    });
    let job = rig.put(1).await[0];
    rig.until("the job is in hand", async |rig| rig.held().await == 1).await;
    // Two leases pass on the clock of the world.
    let begun = tokio::time::Instant::now();
    eventually("two leases", 30, async || begun.elapsed() > Duration::from_millis(6_500)).await;
    finish.add_permits(1);
    rig.all_ended().await;
    rig.stop().await;
    assert_eq!(rig.runs(job), 1);
    assert_eq!(rig.stats.snapshot().lost, 0);
}

async fn a_job_that_kills_its_workers_dies(mut rig: Rig) {
    let job = rig.put(1).await[0];
    for _ in 0..=MOST_LOST {
        let now = rig.clock.now();
        let taken = rig.store.write(async move |tx| tx.take_job(job, now, Duration::from_mins(1)).await).await.unwrap();
        assert!(taken.is_some());
        rig.clock.advance(Duration::from_secs(61));
    }
    rig.work(|_| async { End::Done });
    rig.until("the job is dead", async |rig| rig.line(job).await.dead_at.is_some()).await;
    rig.stop().await;
    assert_eq!(rig.runs(job), 0);
    assert_eq!(rig.line(job).await.code.as_deref(), Some("workers_lost"));
}

async fn a_pull_is_not_to_blame_for_workers_that_died_with_it_in_hand(mut rig: Rig) {
    let (id, now) = (rig.clock.id(), rig.clock.now());
    let pull = NewJob::new(id, Task::Pull { connection: ConnectionId(id) }, Lane::Interactive, now, now);
    rig.store.write(async move |tx| tx.put_jobs(std::slice::from_ref(&pull)).await).await.unwrap();
    for _ in 0..=MOST_LOST {
        let now = rig.clock.now();
        let lease = Duration::from_mins(1);
        rig.store.write(async move |tx| tx.take_job(JobId(id), now, lease).await).await.unwrap().unwrap();
        rig.clock.advance(Duration::from_secs(61));
    }
    rig.work(|_| async { End::Done });
    rig.all_ended().await;
    rig.stop().await;
    assert_eq!(rig.runs(JobId(id)), 1);
}

async fn the_jobs_in_hand_are_settled_before_a_stop(mut rig: Rig) {
    let finish = std::sync::Arc::new(Semaphore::new(0));
    let permit = finish.clone();
    rig.work(move |_| {
        let finish = permit.clone();
        async move {
            finish.acquire().await.unwrap().forget();
            End::Done
        }
    });
    let jobs = rig.put(20).await;
    rig.until("four are in hand", async |rig| rig.running() == 4).await;
    rig.stop.cancel();
    finish.add_permits(4);
    rig.stop().await;
    assert_eq!(rig.stats.snapshot().settled, 4);
    assert_eq!(jobs.iter().map(|job| rig.runs(*job)).sum::<usize>(), 4);
    assert_eq!(rig.held().await, 0, "nothing is left in a lease");
}

async fn a_bell_wakes_the_carrier_at_once(mut rig: Rig) {
    rig.settings.poll = Duration::from_hours(1);
    rig.work(|_| async { End::Done });
    rig.put(1).await;
    rig.all_ended().await;
    // Nobody looks for an hour: each would wait that long but for the bell.
    for _ in 0..20 {
        rig.put(1).await;
        rig.all_ended().await;
    }
    rig.stop().await;
}

/// Ids of new jobs that are due now.
async fn put_jobs(store: &Store, clock: &mittler_store::Clock, count: usize) -> Vec<JobId> {
    let now = clock.now();
    let jobs: Vec<NewJob> =
        (0..count).map(|_| NewJob::new(clock.id(), Task::Retain, Lane::Scheduled, now, now)).collect();
    let ids = jobs.iter().map(|job| JobId(job.id)).collect();
    store.write(async move |tx| tx.put_jobs(&jobs).await).await.unwrap();
    ids
}

fn settings() -> Settings {
    Settings {
        workers: 4,
        lease: Duration::from_mins(1),
        poll: Duration::from_millis(200),
        resend: Duration::from_secs(30),
    }
}
