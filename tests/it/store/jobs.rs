//! Jobs: one worker at a time, fenced ends, and nothing that gets lost between two of them.

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;
use mittler_core::{
    JobId, Time,
    job::{Lane, Task},
};
use mittler_store::{
    Store,
    jobs::{ClaimedJob, NewJob, ReadyJobs, Slots, WORK, Wanted},
};
use uuid::Uuid;

use super::{NOON, Raw, seconds};
use crate::support::Fresh;

stories!(
    a_job_has_one_worker_at_a_time,
    no_more_jobs_are_taken_than_asked_for,
    only_the_last_taker_ends_delays_or_fails_a_job,
    a_job_that_fails_too_often_is_dead_until_it_is_revived,
    urgent_jobs_and_older_ones_go_first,
    each_kind_of_slot_gets_its_own_jobs,
    a_message_names_a_job_once_until_it_is_sent_again,
    what_waits_is_counted_and_the_next_time_known,
);

const LEASE: Duration = Duration::from_secs(30);

fn job(lane: Lane, due: Time) -> NewJob {
    NewJob::new(Uuid::now_v7(), Task::Retain, lane, due, NOON)
}

async fn put(store: &Store, jobs: &[NewJob]) {
    let jobs = jobs.to_vec();
    store.write(async move |tx| tx.put_jobs(&jobs).await).await.unwrap();
}

async fn take(store: &Store, now: Time, most: i64) -> Vec<ClaimedJob> {
    store.write(async move |tx| tx.take_jobs(now, LEASE, most).await).await.unwrap()
}

async fn a_job_has_one_worker_at_a_time(fresh: &Fresh) {
    let jobs: Vec<NewJob> = (0..400).map(|_| job(Lane::Scheduled, NOON)).collect();
    put(&fresh.store, &jobs).await;
    // Some take what is there, others what a message named: all the same jobs.
    let mut takings: HashMap<JobId, i64> = HashMap::new();
    let takers = (0..8_usize).map(|taker| {
        let (store, jobs) = (fresh.store.clone(), &jobs);
        async move {
            let mut taken = Vec::new();
            if taker % 2 == 0 {
                loop {
                    let some = take(&store, NOON, 7).await;
                    if some.is_empty() {
                        return taken;
                    }
                    taken.extend(some);
                }
            }
            for job in jobs.iter().skip(taker * 40).chain(jobs).take(150) {
                let id = JobId(job.id);
                taken.extend(store.write(async move |tx| tx.take_job(id, NOON, LEASE).await).await.unwrap());
            }
            taken
        }
    });
    for taken in join_all(takers).await.into_iter().flatten() {
        assert_eq!((taken.attempt, taken.failures), (1, 0));
        *takings.entry(taken.id).or_default() += 1;
    }
    assert_eq!(takings.len(), jobs.len(), "every job was taken");
    assert!(takings.values().all(|times| *times == 1), "a job was taken twice");
    assert!(take(&fresh.store, NOON.plus(LEASE).minus(seconds(1)), 1000).await.is_empty(), "before the lease ended");
    let again = take(&fresh.store, NOON.plus(LEASE), 1000).await;
    assert!(again.len() == 400 && again.iter().all(|taken| (taken.attempt, taken.failures, taken.lost) == (2, 0, 1)));
}

/// A planner that holds the table for tiny may run a limited subquery once per row.
async fn no_more_jobs_are_taken_than_asked_for(fresh: &Fresh) {
    let mut raw = Raw::of(fresh).await;
    put(&fresh.store, &[job(Lane::Scheduled, NOON)]).await;
    raw.run("ANALYZE").await;
    if !fresh.store.is_sqlite() {
        // What the planner chooses by itself once statistics are off by enough.
        let name = fresh.url().rsplit('/').next().unwrap();
        for off in ["enable_hashagg", "enable_hashjoin", "enable_mergejoin", "enable_material", "enable_sort"] {
            raw.run(&format!("ALTER DATABASE \"{name}\" SET {off} = off")).await;
        }
    }
    let store = if fresh.store.is_sqlite() { fresh.store.clone() } else { fresh.again().await };
    put(&store, &(0..50).map(|_| job(Lane::Scheduled, NOON)).collect::<Vec<_>>()).await;
    for _ in 0..5 {
        assert_eq!(take(&store, NOON, 3).await.len(), 3);
        let sent = store.write(async move |tx| tx.send_jobs(NOON, LEASE, 2, &Wanted::default()).await).await.unwrap();
        assert_eq!(sent.len(), 2);
    }
    if !store.is_sqlite() {
        store.close().await;
    }
    raw.close().await;
}

async fn only_the_last_taker_ends_delays_or_fails_a_job(fresh: &Fresh) {
    let store = &fresh.store;
    put(store, &[job(Lane::Scheduled, NOON)]).await;
    let stale = take(store, NOON, 1).await.remove(0);
    let later = NOON.plus(LEASE);
    let holder = take(store, later, 1).await.remove(0);
    let (id, old) = (stale.id, stale.attempt);
    let did = store
        .write(async move |tx| {
            Ok([
                tx.end_job(id, old).await?,
                tx.delay_job(id, old, later, "stale").await?,
                tx.fail_job(id, old, later, "stale", 1, later).await?,
                tx.hold_job(id, old, later.plus(LEASE)).await?,
            ])
        })
        .await
        .unwrap();
    assert_eq!(did, [false; 4], "a stale worker did something");
    let attempt = holder.attempt;
    let until = later.plus(LEASE * 3);
    assert!(store.write(async move |tx| tx.hold_job(id, attempt, until).await).await.unwrap());
    assert!(take(store, later.plus(LEASE * 2), 1).await.is_empty(), "it is held on");
    // Given back: not a failure, and holding on does not take it back.
    assert!(
        store.write(async move |tx| tx.delay_job(id, attempt, later.plus(seconds(5)), "waits").await).await.unwrap()
    );
    assert!(!store.write(async move |tx| tx.hold_job(id, attempt, until).await).await.unwrap());
    assert!(take(store, later.plus(seconds(4)), 1).await.is_empty());
    let again = take(store, later.plus(seconds(5)), 1).await.remove(0);
    assert_eq!((again.attempt, again.failures, again.lost), (3, 0, 1), "only the lost lease counts, and as such");
    assert!(store.write(async move |tx| tx.end_job(id, 3).await).await.unwrap());
    assert!(!store.write(async move |tx| tx.end_job(id, 3).await).await.unwrap(), "it ends once");
    assert_eq!(store.job_counts(NOON).await.unwrap().ready, 0);
}

async fn a_job_that_fails_too_often_is_dead_until_it_is_revived(fresh: &Fresh) {
    let store = &fresh.store;
    put(store, &[job(Lane::Scheduled, NOON)]).await;
    for n in 1..=5_i64 {
        let taken = take(store, NOON, 1).await.remove(0);
        assert_eq!(taken.failures, n - 1);
        assert!(store.write(async move |tx| tx.fail_job(taken.id, n, NOON, "poison", 5, NOON).await).await.unwrap());
    }
    assert!(take(store, NOON.plus(seconds(1_000_000)), 9).await.is_empty(), "the dead are not taken");
    let dead = store.dead_jobs(Uuid::nil(), 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].dead_at, dead[0].code.as_deref()), (1, Some(NOON.0), Some("poison")));
    assert_eq!(store.job_lines(None, 10).await.unwrap().len(), 1);
    assert!(store.job_lines(Some(dead[0].id), 10).await.unwrap().is_empty());
    assert!(store.dead_jobs(dead[0].id, 10).await.unwrap().is_empty());
    assert_eq!(store.job_counts(NOON).await.unwrap().dead, 1);
    let id = JobId(dead[0].id);
    let named = store.write(async move |tx| tx.take_job(id, NOON, LEASE).await).await.unwrap();
    assert!(named.is_none(), "a message about a dead job");
    assert!(store.write(async move |tx| tx.revive_job(id, NOON).await).await.unwrap());
    assert!(!store.write(async move |tx| tx.revive_job(id, NOON).await).await.unwrap(), "it lives");
    let taken = take(store, NOON, 1).await.remove(0);
    assert_eq!((taken.attempt, taken.failures), (6, 0));
}

async fn urgent_jobs_and_older_ones_go_first(fresh: &Fresh) {
    let at = |n| NOON.minus(seconds(n));
    let order = [
        job(Lane::Interactive, at(1)),
        job(Lane::Scheduled, at(9)),
        job(Lane::Scheduled, at(3)),
        job(Lane::Backfill, at(20)),
    ];
    put(&fresh.store, &[order[3].clone(), order[1].clone(), order[0].clone(), order[2].clone()]).await;
    put(&fresh.store, &order).await; // the same again changes nothing
    put(&fresh.store, &[job(Lane::Interactive, NOON.plus(seconds(1)))]).await;
    for expected in &order {
        assert_eq!(take(&fresh.store, NOON, 1).await.remove(0).id.0, expected.id);
    }
    assert!(take(&fresh.store, NOON, 1).await.is_empty(), "one was taken before its time");
}

async fn each_kind_of_slot_gets_its_own_jobs(fresh: &Fresh) {
    let store = &fresh.store;
    let (slow, other) = (super::connection(), super::connection());
    let pull = |connection| NewJob::new(Uuid::now_v7(), Task::Pull { connection }, Lane::Interactive, NOON, NOON);
    let read = |connection| {
        let task =
            Task::Read { connection, remote_type: "Lead".into(), ids: vec!["1".into()], not_before: NOON, since: None };
        NewJob::new(Uuid::now_v7(), task, Lane::Interactive, NOON, NOON)
    };
    let jobs = [
        pull(slow),
        pull(other),
        read(slow),
        job(Lane::Scheduled, NOON),
        job(Lane::Interactive, NOON.plus(seconds(9))),
    ];
    put(store, &jobs).await;
    let due = async |slots| store.next_due_in(slots).await.unwrap();
    assert_eq!((due(Slots::Shared).await, due(Slots::OfConnections).await), (Some(NOON), Some(NOON)));
    let take = async |slots, urgent, full: Vec<String>| -> Vec<Uuid> {
        let wanted = Wanted { slots, urgent, full };
        let taken = store.write(async move |tx| tx.take_wanted(NOON, LEASE, 9, &wanted).await).await.unwrap();
        taken.into_iter().map(|taken| taken.id.0).collect()
    };
    assert_eq!(take(Slots::Shared, Some(true), Vec::new()).await, Vec::<Uuid>::new());
    assert_eq!(take(Slots::Shared, Some(false), Vec::new()).await, [jobs[3].id]);
    assert_eq!(due(Slots::OfConnections).await, Some(NOON), "what the slots of connections have is still there");
    let full = vec![jobs[0].topic.clone(), jobs[2].topic.clone()];
    assert_eq!(
        take(Slots::OfConnections, None, full).await,
        [jobs[1].id],
        "a connection that has no room is left alone"
    );
    let mut rest = take(Slots::OfConnections, None, Vec::new()).await;
    rest.sort();
    assert_eq!(rest, [jobs[0].id, jobs[2].id]);
    // The broker carries nothing that calls a CRM.
    let wanted = Wanted { slots: Slots::Shared, urgent: Some(true), full: Vec::new() };
    put(store, &[pull(slow), job(Lane::Interactive, NOON)]).await;
    let sent = store.write(async move |tx| tx.send_jobs(NOON, LEASE, 9, &wanted).await).await.unwrap();
    assert_eq!(sent.len(), 1);
}

async fn a_message_names_a_job_once_until_it_is_sent_again(fresh: &Fresh) {
    let store = &fresh.store;
    put(store, &(0..100).map(|_| job(Lane::Scheduled, NOON)).collect::<Vec<_>>()).await;
    let relay = async |now: Time| {
        store.write(async move |tx| tx.send_jobs(now, LEASE, 60, &Wanted::default()).await).await.unwrap()
    };
    let sent: Vec<_> = join_all([relay(NOON), relay(NOON), relay(NOON)]).await.into_iter().flatten().collect();
    let mut ids: Vec<JobId> = sent.iter().map(|(id, _)| *id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((sent.len(), ids.len()), (100, 100), "two relays sent the same job");
    // The broker did not confirm two of them; one has been taken meanwhile all the same.
    let back = [sent[0], sent[1]];
    let taken = store.write(async move |tx| tx.take_job(back[0].0, NOON, LEASE).await).await.unwrap();
    assert!(taken.is_some());
    store.write(async move |tx| tx.unsend_jobs(&back).await).await.unwrap();
    let again = relay(NOON).await;
    assert_eq!(again.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [back[1].0]);
    // A message that got lost is sent again; the job that a worker has is not.
    let later = relay(NOON.plus(LEASE).minus(seconds(1))).await;
    assert!(later.is_empty());
    let first = store.write(async move |tx| tx.hold_job(back[0].0, 1, NOON.plus(LEASE * 9)).await).await.unwrap();
    assert!(first);
    let resent = [relay(NOON.plus(LEASE)).await, relay(NOON.plus(LEASE)).await].concat();
    assert_eq!(resent.len(), 99);
    assert!(!resent.iter().any(|(id, _)| *id == back[0].0));
}

async fn what_waits_is_counted_and_the_next_time_known(fresh: &Fresh) {
    let store = &fresh.store;
    assert_eq!(store.next_due().await.unwrap(), None);
    let counts = store.job_counts(NOON).await.unwrap();
    assert_eq!((counts.ready, counts.waiting, counts.held, counts.dead, counts.oldest), (0, 0, 0, 0, NOON.0));
    let soon = NOON.plus(seconds(7));
    put(store, &[job(Lane::Scheduled, NOON), job(Lane::Scheduled, NOON), job(Lane::Scheduled, soon)]).await;
    take(store, NOON, 1).await;
    let counts = store.job_counts(NOON.plus(seconds(1))).await.unwrap();
    assert_eq!((counts.ready, counts.waiting, counts.held, counts.oldest), (1, 1, 1, NOON.0));
    let connection = super::connection();
    let pull = NewJob::new(Uuid::now_v7(), Task::Pull { connection }, Lane::Scheduled, soon, soon);
    put(store, std::slice::from_ref(&pull)).await;
    let ready = |ready: Vec<ReadyJobs>| -> Vec<(String, i64, i64)> {
        ready.iter().map(|jobs| (jobs.work().to_owned(), jobs.count, jobs.since)).collect()
    };
    let now = ready(store.ready_jobs(NOON.plus(seconds(1))).await.unwrap());
    assert_eq!(now, [("retain".to_owned(), 1, NOON.0)], "neither what a worker has, nor what waits");
    let then = ready(store.ready_jobs(soon).await.unwrap());
    assert_eq!(then, [("pull".to_owned(), 1, soon.0), ("retain".to_owned(), 2, NOON.0)]);
    assert!(then.iter().all(|(work, ..)| WORK.contains(&work.as_str())));
    let id = JobId(pull.id);
    store.write(async move |tx| tx.take_job(id, soon, LEASE).await).await.unwrap().unwrap();
    store.write(async move |tx| tx.end_job(id, 1).await).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(NOON));
    take(store, NOON, 1).await;
    assert_eq!(store.next_due().await.unwrap(), Some(soon), "those that are held come back when their leases end");
    take(store, soon, 1).await;
    assert_eq!(store.next_due().await.unwrap(), Some(NOON.plus(LEASE)));
}
