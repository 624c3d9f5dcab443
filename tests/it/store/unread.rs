//! No input is left behind: not by a job that dies, not by one that is gone, not by two that end at
//! the same time.

use mittler_core::{
    JobId, RunId, SignalId, Time,
    job::{Lane, Task},
};
use mittler_store::{
    Bytes, Clock, Store,
    jobs::NewJob,
    runs::RunState,
    signals::{NewSignal, Read, SignalState},
};
use mittler_worker::schedule::sweep_inputs;
use serde_json::json;
use uuid::Uuid;

use super::{NOON, connection, seconds};
use crate::support::Fresh;

stories!(
    inputs_of_a_job_that_dies_are_parked_and_come_back_with_it,
    an_input_that_no_job_names_gets_a_new_one,
    a_run_whose_last_inputs_are_read_at_the_same_time_ends,
    a_topic_lives_as_long_as_one_of_its_jobs,
    what_a_killed_process_held_is_free_at_the_next_start,
);

async fn inputs(store: &Store, run: Uuid, at: Time) -> Vec<SignalId> {
    let signals: Vec<NewSignal> = (0..3)
        .map(|line| NewSignal {
            id: Uuid::now_v7(),
            run,
            kind: "lead_row".into(),
            line,
            dedup: Uuid::new_v4(),
            received_at: at.0,
            content: Bytes(b"content".to_vec()),
            trace: None,
        })
        .collect();
    let ids = signals.iter().map(|signal| SignalId(signal.id)).collect();
    store
        .write(async move |tx| {
            tx.put_run(RunId(run), "import", "list", &json!({}), RunState::Reading, at).await?;
            tx.put_signals(&signals).await
        })
        .await
        .unwrap();
    ids
}

fn read(id: SignalId) -> Read {
    Read { id: id.0, state: SignalState::Done, code: None, field: None, reason: None, remarks: json!([]), record: None }
}

async fn states(store: &Store, ids: &[SignalId]) -> Vec<String> {
    let mut states = Vec::new();
    for id in ids {
        states.push(store.signal_line(*id).await.unwrap().unwrap().state.name().to_owned());
    }
    states
}

async fn inputs_of_a_job_that_dies_are_parked_and_come_back_with_it(fresh: &Fresh) {
    let store = &fresh.store;
    let ids = inputs(store, Uuid::new_v4(), NOON).await;
    let first = read(ids[0]);
    let job = NewJob::new(Uuid::new_v4(), Task::Enrich { signals: ids.clone() }, Lane::Scheduled, NOON, NOON);
    let id = JobId(job.id);
    store
        .write(async move |tx| {
            tx.put_jobs(std::slice::from_ref(&job)).await?;
            tx.settle_signals(std::slice::from_ref(&first)).await?;
            let taken = tx.take_job(id, NOON, seconds(9)).await?.unwrap();
            tx.fail_job(id, taken.attempt, NOON, "panic", 1, NOON).await
        })
        .await
        .unwrap();
    assert_eq!(states(store, &ids).await, ["done", "parked", "parked"]);
    let line = store.signal_line(ids[1]).await.unwrap().unwrap();
    assert!(line.code.as_deref() == Some("not_taken") && line.reason.is_some(), "{line:?}");
    assert!(store.write(async move |tx| tx.revive_job(id, NOON).await).await.unwrap());
    assert_eq!(states(store, &ids).await, ["done", "new", "new"]);
}

async fn an_input_that_no_job_names_gets_a_new_one(fresh: &Fresh) {
    let store = &fresh.store;
    let clock = Clock::default();
    let ids = inputs(store, Uuid::new_v4(), clock.now()).await;
    assert_eq!(sweep_inputs(store, &clock).await.unwrap(), 0, "it may still be on its way");
    clock.advance(seconds(601));
    let named = NewJob::new(Uuid::new_v4(), Task::Enrich { signals: vec![ids[0]] }, Lane::Scheduled, NOON, NOON);
    store.write(async move |tx| tx.put_jobs(std::slice::from_ref(&named)).await).await.unwrap();
    assert_eq!(sweep_inputs(store, &clock).await.unwrap(), 1);
    let now = clock.now();
    let taken = store.write(async move |tx| tx.take_jobs(now, seconds(9), 9).await).await.unwrap();
    let signals = |task: &Task| match task {
        Task::Enrich { signals } => signals.clone(),
        _ => Vec::new(),
    };
    assert_eq!(taken.len(), 2);
    assert!(taken.iter().any(|job| signals(&job.task) == ids[1..]), "{taken:?}");
    assert_eq!(sweep_inputs(store, &clock).await.unwrap(), 0, "they have jobs now");
}

async fn a_run_whose_last_inputs_are_read_at_the_same_time_ends(fresh: &Fresh) {
    let store = &fresh.store;
    let clock = Clock::default();
    let run = Uuid::new_v4();
    let ids = inputs(store, run, clock.now()).await;
    let now = clock.now();
    // Each asks before the other has committed, and sees an unread input.
    let (one, other) = (read(ids[0]), [read(ids[1]), read(ids[2])]);
    let gate = std::sync::Arc::new(tokio::sync::Barrier::new(if store.is_sqlite() { 1 } else { 2 }));
    let settle = |reads: Vec<Read>| {
        let gate = std::sync::Arc::clone(&gate);
        store.write(async move |tx| {
            tx.settle_signals(&reads).await?;
            gate.wait().await;
            tx.finish_runs(now).await?;
            gate.wait().await;
            Ok(())
        })
    };
    let (a, b) = tokio::join!(settle(vec![one]), settle(other.to_vec()));
    a.unwrap();
    b.unwrap();
    if !store.is_sqlite() {
        assert_eq!(store.run(RunId(run)).await.unwrap().unwrap().state.name(), "reading", "the trap is not there");
    }
    sweep_inputs(store, &clock).await.unwrap();
    assert_eq!(store.run(RunId(run)).await.unwrap().unwrap().state.name(), "done");
}

async fn a_topic_lives_as_long_as_one_of_its_jobs(fresh: &Fresh) {
    let store = &fresh.store;
    let job = NewJob::new(Uuid::new_v4(), Task::Pull { connection: connection() }, Lane::Scheduled, NOON, NOON);
    let (topic, id) = (job.topic.clone(), JobId(job.id));
    let living = async || {
        let topic = topic.clone();
        store.write(async move |tx| tx.is_living(&topic).await).await.unwrap()
    };
    assert!(!living().await);
    store.write(async move |tx| tx.put_jobs(std::slice::from_ref(&job)).await).await.unwrap();
    assert!(living().await);
    let taken = store.write(async move |tx| tx.take_job(id, NOON, seconds(9)).await).await.unwrap().unwrap();
    assert!(living().await, "one that is under way lives");
    let stuck = async |at: Time| store.is_stuck(at.minus(seconds(10)), at).await.unwrap();
    assert!(!stuck(NOON.plus(seconds(8))).await, "somebody has it");
    assert!(!stuck(NOON.plus(seconds(11))).await, "the broker carries no jobs of connections");
    let enrich = NewJob::new(Uuid::new_v4(), Task::Retain, Lane::Scheduled, NOON, NOON);
    let other = JobId(enrich.id);
    store.write(async move |tx| tx.put_jobs(std::slice::from_ref(&enrich)).await).await.unwrap();
    store.write(async move |tx| tx.take_job(other, NOON, seconds(9)).await).await.unwrap();
    assert!(stuck(NOON.plus(seconds(11))).await && !stuck(NOON.plus(seconds(9))).await);
    store.write(async move |tx| tx.fail_job(id, taken.attempt, NOON, "x", 1, NOON).await).await.unwrap();
    assert!(!living().await, "a dead one does not");
}

/// Of SQLite only: there the lock file proves that nobody else is at work.
async fn what_a_killed_process_held_is_free_at_the_next_start(fresh: &Fresh) {
    if !fresh.store.is_sqlite() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("killed.db").display());
    let store = Store::open(&url).await.unwrap();
    let job = NewJob::new(Uuid::new_v4(), Task::Retain, Lane::Scheduled, NOON, NOON);
    let id = JobId(job.id);
    store.write(async move |tx| tx.put_jobs(std::slice::from_ref(&job)).await).await.unwrap();
    store.write(async move |tx| tx.take_job(id, NOON, seconds(3600)).await).await.unwrap().unwrap();
    store.close().await;
    drop(store);
    let store = loop {
        match Store::open(&url).await {
            Ok(store) => break store,
            Err(mittler_store::Error::Unfit(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    let again = store.write(async move |tx| tx.take_job(id, NOON, seconds(9)).await).await.unwrap().unwrap();
    assert_eq!((again.failures, again.lost), (0, 1));
    store.close().await;
}
