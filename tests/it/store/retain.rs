//! Everything stays for its declared time, and no longer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mittler_core::{
    ConnectionId, LinkId, RecordId, RemoteFields, RunId, Time, Value,
    job::{Lane, Task},
    key::Basis,
};
use mittler_store::{
    Bytes, Clock, Store,
    audit::NewEntry,
    intents::{Intent, IntentOutcome, Operation},
    jobs::NewJob,
    records::KeyRow,
    retention::{Retain, Retention},
    reviews::NewReview,
    runs::RunState,
    signals::{NewSignal, Read, SignalState},
    tables::declared,
};
use serde_json::json;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{NOON, Raw, links, seconds};
use crate::support::Fresh;

stories!(
    content_is_emptied_after_two_weeks_but_not_what_nobody_has_read,
    everything_ends_at_its_declared_time,
    a_step_touches_no_more_rows_than_it_may,
    an_old_input_that_is_opened_again_keeps_what_it_says,
    an_address_of_before_proposes_for_400_days,
);

async fn an_address_of_before_proposes_for_400_days(fresh: &Fresh) {
    let (former, current) = (Uuid::new_v4(), Uuid::new_v4());
    let row = |key: Uuid, basis: Basis| KeyRow { key, record: former, key_type: "email".into(), basis };
    let rows = [row(former, Basis::Former), row(current, Basis::Derived)];
    fresh.store.write(async move |tx| tx.put_weak_keys(&mut rows.to_vec(), NOON).await).await.unwrap();
    retain(&fresh.store, NOON.plus(DAY * 400).minus(seconds(1)), 100).await;
    assert_eq!(fresh.store.by_key(former).await.unwrap(), Some(RecordId(former)));
    retain(&fresh.store, NOON.plus(DAY * 400).plus(seconds(1)), 100).await;
    assert_eq!(fresh.store.by_key(former).await.unwrap(), None);
    let mut raw = Raw::of(fresh).await;
    assert_eq!(raw.number("SELECT count(*) FROM weak_key").await, 1, "what the record says now stays");
    raw.close().await;
}

/// What became of an input: its state, and whether its content is there; `None` if it is gone.
async fn state_of(raw: &mut Raw, sqlite: bool) -> Option<String> {
    let content = if sqlite { "CAST(content AS TEXT)" } else { "convert_from(content, 'UTF8')" };
    let found = raw.texts(&format!("SELECT state || ' ' || COALESCE({content}, '-') FROM signal")).await;
    found.into_iter().next()
}

fn refused(id: Uuid) -> Read {
    Read { id, state: SignalState::Refused, code: None, field: None, reason: None, remarks: json!([]), record: None }
}

/// Retention chooses an old, refused input at the moment at which somebody has it read again.
async fn an_old_input_that_is_opened_again_keeps_what_it_says(fresh: &Fresh) {
    let store = &fresh.store;
    let (run, old) = (Uuid::now_v7(), NOON.minus(DAY * 500));
    let input = NewSignal {
        id: Uuid::now_v7(),
        run,
        kind: "lead".into(),
        line: 1,
        dedup: Uuid::new_v4(),
        received_at: old.0,
        content: Bytes(b"content".to_vec()),
        trace: None,
    };
    let id = input.id;
    let first = refused(id);
    store
        .write(async move |tx| {
            tx.put_run(RunId(run), "import", "list", &json!({}), RunState::Reading, old).await?;
            tx.put_signals(&[input]).await?;
            tx.settle_signals(&[first]).await
        })
        .await
        .unwrap();
    // The one who opens it has done so and has not committed when retention comes.
    let (opened, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let waits = !store.is_sqlite();
    let opening = {
        let (store, told, waiting) = (store.clone(), Arc::clone(&opened), Arc::clone(&go_on));
        tokio::spawn(async move {
            let open = store.write(async move |tx| {
                let opened = tx.reopen_signals(&[id]).await?;
                told.notify_one();
                // SQLite has one writer: the other is queued behind this one, and waits for its end.
                if waits {
                    waiting.notified().await;
                }
                Ok(opened)
            });
            open.await.unwrap()
        })
    };
    opened.notified().await;
    let retaining = {
        let store = store.clone();
        tokio::spawn(async move { retain(&store, NOON, 100).await })
    };
    let mut raw = Raw::of(fresh).await;
    if waits {
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while !retaining.is_finished() && raw.number(waiting).await == 0 {
            tokio::task::yield_now().await;
        }
    }
    go_on.notify_one();
    assert_eq!(opening.await.unwrap(), 1);
    let removed = retaining.await.unwrap();
    assert!(!removed.keys().any(|what| what.starts_with("signal")), "{removed:?}");
    assert_eq!(state_of(&mut raw, store.is_sqlite()).await.as_deref(), Some("new content"));
    // Read and refused once more, it is as old as ever.
    let again = refused(id);
    store.write(async move |tx| tx.settle_signals(&[again]).await).await.unwrap();
    let keep = Retention { signal: DAY * 10_000, ..Retention::default() };
    store.write(async move |tx| tx.retain(Retain::Contents, keep, NOON, 100).await).await.unwrap();
    assert_eq!(state_of(&mut raw, store.is_sqlite()).await.as_deref(), Some("refused -"));
    // What is empty cannot be read again, and is not opened for it.
    assert_eq!(store.write(async move |tx| tx.reopen_signals(&[id]).await).await.unwrap(), 0);
    retain(store, NOON, 100).await;
    assert_eq!(state_of(&mut raw, store.is_sqlite()).await, None);
    raw.close().await;
}

const DAY: Duration = Duration::from_hours(24);

async fn retain(store: &Store, now: Time, most: i64) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for step in Retain::ALL {
        let removed =
            store.write(async move |tx| tx.retain(step, Retention::default(), now, most).await).await.unwrap();
        if removed.rows > 0 {
            *all.entry(format!("{} {}", removed.table, removed.how)).or_default() += removed.rows;
        }
    }
    all
}

/// Inputs of a run, of which all but the first `unread` have been read.
async fn inputs(store: &Store, run: Uuid, n: usize, unread: usize, at: Time) {
    let signals: Vec<NewSignal> = (0..n)
        .map(|line| NewSignal {
            id: Uuid::now_v7(),
            run,
            kind: "lead".into(),
            line: i64::try_from(line).unwrap(),
            dedup: Uuid::new_v4(),
            received_at: at.0,
            content: Bytes(b"content".to_vec()),
            trace: None,
        })
        .collect();
    let states = [SignalState::Done, SignalState::Refused, SignalState::Parked];
    let read: Vec<Read> = signals[unread..]
        .iter()
        .zip(states.iter().cycle())
        .map(|(signal, state)| Read {
            id: signal.id,
            state: *state,
            code: None,
            field: None,
            reason: None,
            remarks: json!([]),
            record: None,
        })
        .collect();
    store
        .write(async move |tx| {
            tx.put_run(RunId(run), "import", "list", &json!({}), RunState::Reading, at).await?;
            tx.put_signals(&signals).await?;
            tx.settle_signals(&read).await
        })
        .await
        .unwrap();
}

async fn content_is_emptied_after_two_weeks_but_not_what_nobody_has_read(fresh: &Fresh) {
    let store = &fresh.store;
    let clock = Clock::default();
    inputs(store, Uuid::new_v4(), 7, 2, clock.now()).await;
    clock.advance((14 * DAY).saturating_sub(seconds(60)));
    assert_eq!(retain(store, clock.now(), 100).await, BTreeMap::new(), "before its time");
    clock.advance(seconds(61));
    assert_eq!(retain(store, clock.now(), 100).await, [("signal emptied".to_owned(), 5)].into());
    let mut raw = Raw::of(fresh).await;
    assert_eq!(raw.number("SELECT count(*) FROM signal WHERE state = 'new' AND content IS NOT NULL").await, 2);
    assert_eq!(raw.number("SELECT count(*) FROM signal WHERE content IS NOT NULL").await, 2);
    // The row itself stays, so that a repetition is recognised; the unread ones for as long as need be.
    clock.advance((386 * DAY).saturating_sub(seconds(60)));
    assert_eq!(retain(store, clock.now(), 100).await, BTreeMap::new());
    clock.advance(seconds(61));
    assert_eq!(retain(store, clock.now(), 100).await, [("signal deleted".to_owned(), 5)].into());
    assert_eq!(raw.number("SELECT count(*) FROM signal WHERE state = 'new' AND content IS NOT NULL").await, 2);
    assert_eq!(raw.number("SELECT count(*) FROM run").await, 1, "a run stays as long as its inputs");
    raw.close().await;
}

/// Declared in days: `content 14 days, row 400 days` is the last of them.
fn declared_days(table: &str) -> Option<u32> {
    let kept = declared(true).into_iter().find(|declared| declared.name == table).unwrap().kept;
    let words: Vec<&str> = kept.split([' ', ';', ',']).collect();
    let at = words.iter().rposition(|word| matches!(*word, "days" | "years"))?;
    let n: u32 = words[at - 1].parse().unwrap();
    Some(if words[at] == "years" { n * 365 + n / 4 } else { n })
}

/// A row in each table that has a time, made now and ended now; each is there until its time, and
/// gone right after.
async fn everything_ends_at_its_declared_time(fresh: &Fresh) {
    let store = &fresh.store;
    let clock = Clock::default();
    let now = clock.now();
    let mut remote = RemoteFields::default();
    remote.set("email", Value::text("a@example.com").unwrap());
    let (id, connection) = (Uuid::new_v4(), Uuid::new_v4());
    let intent = |operation: Operation, fields: &RemoteFields| Intent {
        fields: fields.clone(),
        before: remote.clone(),
        ..links::intent(ConnectionId(connection), LinkId(id), operation, now)
    };
    // The second has a before-image only, the third nobody knows the end of.
    let intents = vec![
        intent(Operation::Update, &remote).ended(IntentOutcome::Updated, None, now),
        intent(Operation::Archive, &RemoteFields::default()).ended(IntentOutcome::Updated, None, now),
        intent(Operation::Create, &remote),
    ];
    inputs(store, Uuid::new_v4(), 1, 0, now).await;
    store
        .write(async move |tx| {
            tx.put_intents(&intents).await?;
            for (id, answered) in [(Uuid::new_v4(), true), (Uuid::new_v4(), false)] {
                let review = NewReview {
                    id,
                    question: "same_person".into(),
                    record: id,
                    connection: None,
                    candidates: json!({}),
                    reason: "surname".into(),
                    asked_at: now.0,
                };
                tx.insert_records(&mut vec![links::record(RecordId(id), "asked about")]).await?;
                tx.ask(&[review]).await?;
                if answered {
                    tx.answer(id, &json!({}), now).await?;
                }
            }
            for (job, poison) in [(clock_job(now), true), (clock_job(now), false)] {
                tx.put_jobs(std::slice::from_ref(&job)).await?;
                if poison {
                    let job = mittler_core::JobId(job.id);
                    let taken = tx.take_job(job, now, seconds(9)).await?.unwrap();
                    tx.fail_job(job, taken.attempt, now, "poison", 1, now).await?;
                }
            }
            tx.start_slot("retain", now, now).await?;
            tx.park_hooks(&[mittler_store::parked::ParkedHook {
                erased: 0,
                id,
                crm: "hubspot".into(),
                account: "62516".into(),
                remote_type: "contacts".into(),
                remote_id: "7".into(),
                event: "1".into(),
                event_at: now.0,
                parked_at: now.0,
                code: "no_connection_of_account".into(),
            }])
            .await?;
            tx.reserve_answer(id, id, now, now).await?;
            tx.put_answer(id, now, 200, &json!({})).await?;
            tx.put_session("ended", "session", id, now.plus(seconds(60))).await?;
            for (hash, revoked) in [("revoked", true), ("living", false)] {
                let id = Uuid::new_v4();
                tx.put_api_key(id, hash, hash, &[], now).await?;
                if revoked {
                    tx.revoke_api_key(id, now).await?;
                }
            }
            let entry = NewEntry {
                at: now,
                actor: "system".into(),
                action: "merge".into(),
                target: "x".into(),
                record: None,
                content: json!({}),
                salt: "salt".into(),
            };
            tx.enter(&entry).await?;
            Ok(())
        })
        .await
        .unwrap();
    let mut raw = Raw::of(fresh).await;
    // What stays: what is unanswered, alive, unrevoked or of unknown end.
    let stays = [("intent", 1), ("review", 1), ("job", 1), ("api_key", 1)];
    let mut times: Vec<(Duration, String)> =
        declared(true).into_iter().filter_map(|t| Some((declared_days(&t.name)? * DAY, t.name))).collect();
    times.push((seconds(60), "session".into()));
    times.sort();
    let names: Vec<&str> = times.iter().map(|(_, name)| name.as_str()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [
            "api_key",
            "audit",
            "idempotency",
            "intent",
            "job",
            "parked_hook",
            "review",
            "run",
            "session",
            "signal",
            "slot"
        ]
    );
    for same in times.chunk_by(|one, next| one.0 == next.0) {
        let time = same[0].0;
        let left = |table: &String| stays.iter().find(|(name, _)| name == table).map_or(0, |(_, rows)| *rows);
        let count = |table: &String| format!("SELECT count(*) FROM {table}");
        retain(store, now.plus(time).minus(seconds(1)), 100).await;
        for (_, table) in same {
            assert!(
                raw.number(&count(table)).await > left(table),
                "{table} ended before its {} days",
                time.as_secs() / 86400
            );
        }
        retain(store, now.plus(time).plus(seconds(1)), 100).await;
        for (_, table) in same {
            assert_eq!(
                raw.number(&count(table)).await,
                left(table),
                "{table} outlives its {} days",
                time.as_secs() / 86400
            );
        }
        if same.iter().any(|(_, table)| table == "job") {
            // Long before the entries, the values of writes are gone, but for those of unknown end.
            retain(store, now.plus(90 * DAY).minus(seconds(1)), 100).await;
            let emptied =
                "SELECT count(*) FROM intent WHERE CAST(before AS text) = '{}' AND CAST(fields AS text) = '{}'";
            assert_eq!(raw.number(emptied).await, 0);
            retain(store, now.plus(90 * DAY).plus(seconds(1)), 100).await;
            assert_eq!(raw.number(emptied).await, 2, "an image of what was there before stayed");
        }
        assert_eq!(store.verify_audit().await.unwrap(), None, "the trail holds after {time:?}");
    }
    raw.close().await;
    // What is entered after the beginning of the trail has ended goes on from it.
    let at = now.plus(4000 * DAY);
    let entry = NewEntry {
        at,
        actor: "system".into(),
        action: "merge".into(),
        target: "y".into(),
        record: None,
        content: json!({}),
        salt: "salt".into(),
    };
    assert_eq!(store.write(async move |tx| tx.enter(&entry).await).await.unwrap(), 2);
    assert_eq!(store.verify_audit().await.unwrap(), None);
}

fn clock_job(now: Time) -> NewJob {
    NewJob::new(Uuid::new_v4(), Task::Retain, Lane::Scheduled, now, now)
}

async fn a_step_touches_no_more_rows_than_it_may(fresh: &Fresh) {
    let store = &fresh.store;
    let clock = Clock::default();
    inputs(store, Uuid::new_v4(), 25, 0, clock.now()).await;
    clock.advance(15 * DAY);
    let steps = [10, 10, 5];
    for rows in steps {
        assert_eq!(retain(store, clock.now(), 10).await, [("signal emptied".to_owned(), rows)].into());
    }
    assert_eq!(retain(store, clock.now(), 10).await, BTreeMap::new());
}
