//! The door: many inputs, one commit, and an answer for each.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::future::join_all;
use mittler_core::{
    Field, RecordId, RunId, Said, SignalId, Source, SourceKind, Statement, SubjectId, Value, Version,
    job::{Lane, Task},
    trace::{SignalTrace, TraceParent},
};
use mittler_store::{Bytes, Clock, Error, Gatherer, records::StatementRow, runs::RunState, signals::NewSignal};
use serde_json::json;
use uuid::Uuid;

use super::{NOON, Raw, links};
use crate::support::Fresh;

stories!(
    five_hundred_inputs_at_once_are_all_there,
    the_same_input_is_taken_once_and_known_after,
    two_doors_take_the_same_input_once,
    one_bad_input_spoils_no_other,
    a_record_belongs_to_the_trace_of_the_input_that_said_something_of_it_last,
);

fn input(run: Uuid, n: u64) -> NewSignal {
    NewSignal {
        id: Uuid::new_v4(),
        run,
        kind: "lead".into(),
        line: i64::try_from(n).unwrap(),
        dedup: Uuid::new_v4(),
        received_at: NOON.0,
        content: Bytes(format!("input {n} \u{0} ü").into_bytes()),
        trace: None,
    }
}

async fn run(fresh: &Fresh) -> Uuid {
    let id = Uuid::new_v4();
    fresh
        .store
        .write(async move |tx| tx.put_run(RunId(id), "form", "form", &json!({}), RunState::Reading, NOON).await)
        .await
        .unwrap();
    id
}

async fn five_hundred_inputs_at_once_are_all_there(fresh: &Fresh) {
    let run = run(fresh).await;
    let rung = Arc::new(AtomicU64::new(0));
    let bell = Arc::clone(&rung);
    let door = Gatherer::start(fresh.store.clone(), Clock::default(), move || _ = bell.fetch_add(1, Ordering::SeqCst));
    let inputs: Vec<NewSignal> = (0..500).map(|n| input(run, n)).collect();
    let answers = join_all(inputs.iter().map(|input| door.accept(input.clone(), Lane::Interactive))).await;
    for (input, answer) in inputs.iter().zip(&answers) {
        let answer = answer.as_ref().unwrap();
        assert_eq!((answer.id, answer.known), (SignalId(input.id), false));
    }
    assert!(rung.load(Ordering::SeqCst) > 0, "the worker was woken");
    let ids: Vec<SignalId> = inputs.iter().map(|input| SignalId(input.id)).collect();
    let unread: HashMap<Uuid, _> =
        fresh.store.unread(&ids).await.unwrap().into_iter().map(|unread| (unread.id, unread)).collect();
    for input in &inputs {
        let there = &unread[&input.id];
        assert_eq!((there.content.as_ref(), there.line, there.run), (Some(&input.content.0), input.line, run));
    }
    // Each has exactly one job that reads it.
    let jobs = fresh.store.write(async move |tx| tx.take_jobs(Clock::default().now(), super::seconds(9), 1000).await);
    let mut named: Vec<SignalId> = Vec::new();
    for job in jobs.await.unwrap() {
        let Task::Enrich { signals } = job.task else { panic!("a job of another kind") };
        named.extend(signals);
    }
    assert_eq!(named.len(), 500);
    assert_eq!(named.into_iter().collect::<HashSet<_>>(), ids.into_iter().collect());
}

async fn the_same_input_is_taken_once_and_known_after(fresh: &Fresh) {
    let run = run(fresh).await;
    let door = Gatherer::start(fresh.store.clone(), Clock::default(), || ());
    let first = input(run, 1);
    let again = || NewSignal { id: Uuid::new_v4(), ..first.clone() };
    // Together, hence in one commit; and then once more.
    let answers = join_all((0..20).map(|_| door.accept(again(), Lane::Interactive))).await;
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.unwrap()).collect();
    let later = door.accept(again(), Lane::Interactive).await.unwrap();
    assert!(answers.iter().all(|answer| answer.id == later.id), "one id for all");
    assert_eq!(answers.iter().filter(|answer| !answer.known).count(), 1, "one of them was new");
    assert!(later.known);
    let mut raw = Raw::of(fresh).await;
    assert_eq!(raw.number("SELECT count(*) FROM signal").await, 1);
    assert_eq!(raw.number("SELECT count(*) FROM job").await, 1, "what is known makes no work");
    raw.close().await;
}

/// Two processes at their own doors (two doors of one process on SQLite).
async fn two_doors_take_the_same_input_once(fresh: &Fresh) {
    let run = run(fresh).await;
    let other = if fresh.store.is_sqlite() { fresh.store.clone() } else { fresh.again().await };
    let doors = [&fresh.store, &other].map(|store| Gatherer::start(store.clone(), Clock::default(), || ()));
    let inputs: Vec<NewSignal> = (0..100).map(|n| input(run, n)).collect();
    let mut calls = Vec::new();
    for (turn, door) in doors.iter().enumerate() {
        // In opposite orders, so that the two meet each other's rows.
        let mut own: Vec<&NewSignal> = inputs.iter().collect();
        if turn == 1 {
            own.reverse();
        }
        calls.extend(own.into_iter().map(|input| {
            let signal = NewSignal { id: Uuid::new_v4(), ..input.clone() };
            async move { (signal.dedup, door.accept(signal, Lane::Interactive).await.unwrap()) }
        }));
    }
    let mut by_key: HashMap<Uuid, Vec<_>> = HashMap::new();
    for (key, answer) in join_all(calls).await {
        by_key.entry(key).or_default().push(answer);
    }
    for answers in by_key.values() {
        assert_eq!(answers[0].id, answers[1].id);
        assert_ne!(answers[0].known, answers[1].known, "one of the two was new");
    }
    let mut raw = Raw::of(fresh).await;
    assert_eq!(raw.number("SELECT count(*) FROM signal").await, 100);
    raw.close().await;
    if !fresh.store.is_sqlite() {
        other.close().await;
    }
}

async fn one_bad_input_spoils_no_other(fresh: &Fresh) {
    let run = run(fresh).await;
    let door = Gatherer::start(fresh.store.clone(), Clock::default(), || ());
    let first = door.accept(input(run, 0), Lane::Interactive).await.unwrap();
    // Bad: another input under an id that is taken.
    let inputs: Vec<NewSignal> =
        (1..60).map(|n| if n == 30 { NewSignal { id: first.id.0, ..input(run, n) } } else { input(run, n) }).collect();
    let answers = join_all(inputs.iter().map(|input| door.accept(input.clone(), Lane::Interactive))).await;
    for (n, answer) in (1..).zip(&answers) {
        match answer {
            Err(error) => assert!(n == 30 && matches!(error, Error::Statement(_)), "input {n}: {error}"),
            Ok(answer) => assert!(n != 30 && !answer.known),
        }
    }
    let mut raw = Raw::of(fresh).await;
    assert_eq!(raw.number("SELECT count(*) FROM signal").await, 59);
    raw.close().await;
}

/// Parts of a list that are written while somebody posts.
const PARTS: u64 = 60;

/// SQLite has one writer for both. PostgreSQL's connections are their own queues.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_posts_goes_before_a_list_and_the_list_goes_on_while_many_post() {
    let fresh = crate::support::sqlite().await;
    let (run, written) = (run(&fresh).await, Arc::new(AtomicU64::new(0)));
    let (store, count) = (fresh.store.clone(), Arc::clone(&written));
    let list = tokio::spawn(async move {
        let parts = (0..PARTS).map(|_| {
            let count = Arc::clone(&count);
            store.write(async move |_| {
                // A long piece of work.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                count.fetch_add(1, Ordering::SeqCst);
                Ok(())
            })
        });
        join_all(parts).await.into_iter().for_each(|part| part.unwrap());
    });
    while written.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let door = Gatherer::start(fresh.store.clone(), Clock::default(), || ());
    door.accept(input(run, 0), Lane::Interactive).await.unwrap();
    assert!(written.load(Ordering::SeqCst) < PARTS, "who posted was answered after the whole list");
    let mut posts = tokio::task::JoinSet::new();
    for client in 1..=8 {
        let (door, written) = (door.clone(), Arc::clone(&written));
        posts.spawn(async move {
            while written.load(Ordering::SeqCst) < PARTS {
                door.accept(input(run, client), Lane::Interactive).await.unwrap();
            }
        });
    }
    // With nothing but senders served, this would never end.
    tokio::time::timeout(super::seconds(120), list).await.expect("the list starves").unwrap();
    while let Some(client) = posts.join_next().await {
        client.unwrap();
    }
    fresh.remove().await;
}

async fn a_record_belongs_to_the_trace_of_the_input_that_said_something_of_it_last(fresh: &Fresh) {
    let (store, run) = (&fresh.store, run(fresh).await);
    let records = links::records(store, 3).await;
    let parent = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
    let own = NewSignal { id: Uuid::now_v7(), ..input(run, 1) };
    let theirs = NewSignal { id: Uuid::now_v7(), trace: Some(parent.to_string()), ..input(run, 2) };
    let says = |record: RecordId, signal: Uuid| {
        let statement = Statement {
            subject: SubjectId(Uuid::new_v4()),
            signal: SignalId(signal),
            source: Source::new(SourceKind::Form, "story"),
            observed_at: NOON,
            version: Version(NOON, NOON),
            said: vec![Said::new(Field::NOTE, Value::text("note").unwrap(), "story")],
        };
        StatementRow::new(record, &statement)
    };
    // What a CRM showed of it later came with no input.
    let said = [
        says(records[0], theirs.id),
        says(records[0], own.id),
        says(records[0], Uuid::now_v7()),
        says(records[1], own.id),
        says(records[2], Uuid::now_v7()),
    ];
    let signals = [own.clone(), theirs.clone()];
    store
        .write(async move |tx| {
            tx.put_signals(&signals).await?;
            tx.put_statements(&said).await
        })
        .await
        .unwrap();
    let expected = [
        (records[0], SignalTrace { signal: SignalId(theirs.id), parent: Some(parent) }),
        (records[1], SignalTrace { signal: SignalId(own.id), parent: None }),
    ];
    assert_eq!(store.traces_of(records).await.unwrap(), HashMap::from(expected));
    let read = store.unread(&[SignalId(theirs.id)]).await.unwrap();
    assert_eq!(read[0].trace(), expected[0].1);
}
