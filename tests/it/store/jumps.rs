//! Clocks jump: what was stored by another clock holds nothing up under this one.

use std::time::Duration;

use mittler_core::{
    ConnectionId, RecordId, Time,
    job::{Lane, Task},
};
use mittler_store::{
    connections::{ConnectionRow, ConnectionState},
    intents::Operation,
    jobs::NewJob,
    jumps::Look,
    leases::Lease,
    links::link_id,
};
use serde_json::json;
use uuid::Uuid;

use super::{NOON, Raw, links};
use crate::support::Fresh;

stories!(
    what_lies_ahead_of_a_clock_that_was_put_back_is_due,
    what_lies_further_ahead_than_it_can_is_bounded,
    times_within_their_spans_stay_as_they_are,
    a_budget_that_a_clock_ahead_used_gives_calls_again,
    who_came_in_ahead_of_the_clock_is_held_as_long_as_if_they_came_in_now,
);

const DAYS: Duration = Duration::from_hours(72);
const SECOND: i64 = 1_000_000;

/// Each stored time that is waited for, with the statement that gives how far it is ahead of noon.
const WAITS: [(&str, &str); 5] = [
    ("a job's due time", "SELECT max(due_at) FROM job"),
    ("a message under way", "SELECT max(sent_until) FROM job"),
    ("a link's next time", "SELECT max(next_at) FROM link"),
    ("a connection's pause", "SELECT max(paused_until) FROM connection"),
    ("a budget's block", "SELECT max(blocked_until) FROM budget"),
];
const LEASES: [(&str, &str); 4] = [
    ("a job's worker", "SELECT max(taken_until) FROM job"),
    ("a call under way", "SELECT max(until) FROM lease"),
    ("a token's refresh", "SELECT max(refresh_until) FROM secret"),
    ("the right to push", "SELECT max(pushed_until) FROM connection"),
];
const PAST: [(&str, &str); 5] = [
    ("a call's reserved key", "SELECT max(created_at) FROM idempotency"),
    ("a link's last write", "SELECT max(written_at) FROM link"),
    ("a link's last read", "SELECT max(seen_at) FROM link"),
    ("an open write's beginning", "SELECT max(begun_at) FROM intent"),
    ("a schedule's slot", "SELECT coalesce(max(slot_at), 0) FROM slot"),
];

/// A row of each table whose times hold something up, all of them at `at`.
async fn plant(fresh: &Fresh, at: Time) -> Raw {
    let store = &fresh.store;
    let row = ConnectionRow {
        id: Uuid::new_v4(),
        name: "main".into(),
        crm: "hubspot".into(),
        settings: sqlx::types::Json(json!({})),
        mapping: String::new(),
        mode: "full".into(),
        state: ConnectionState::Waiting,
        code: Some("daily".into()),
        reason: None,
        paused_until: 0,
        updated_at: NOON.0,
    };
    let id = store.put_connection(&row).await.unwrap();
    let record = RecordId(Uuid::now_v7());
    store
        .write(async move |tx| {
            tx.want_links(&mut vec![links::wanted(id, record, NOON)]).await?;
            let write = links::intent(id, link_id(id, record), Operation::Update, NOON);
            tx.begin_lease(Lease { id: Uuid::now_v7(), connection: id, until: NOON }, std::slice::from_ref(&write))
                .await?;
            tx.put_intents(&[write]).await?;
            tx.put_jobs(&[
                NewJob::new(Uuid::now_v7(), Task::Pull { connection: id }, Lane::Scheduled, NOON, NOON),
                NewJob::new(Uuid::now_v7(), Task::Retain, Lane::Scheduled, NOON, NOON),
            ])
            .await?;
            tx.begin_secret(id, "access").await?;
            tx.put_budget(id, "burst", 100, Duration::from_secs(10)).await?;
            tx.start_slot("retain", NOON, NOON).await?;
            tx.reserve_answer(Uuid::nil(), Uuid::nil(), NOON, NOON).await?;
            tx.set_connection_state(id, ConnectionState::Waiting, Some("daily"), None, NOON).await
        })
        .await
        .unwrap();
    let mut raw = Raw::of(fresh).await;
    for set in [
        "job SET due_at = $, sent_until = $, taken_until = $",
        "link SET next_at = $, written_at = $, seen_at = $",
        "connection SET paused_until = $, pushed_until = $",
        "secret SET refresh_until = $",
        "budget SET blocked_until = $, arrival = $",
        "lease SET until = $",
        "intent SET begun_at = $",
        "slot SET slot_at = $",
        "idempotency SET created_at = $",
    ] {
        assert!(raw.run(&format!("UPDATE {}", set.replace('$', &at.0.to_string()))).await > 0, "{set}");
    }
    raw
}

async fn at_most(raw: &mut Raw, times: &[(&str, &str)], most: Time) {
    for (what, sql) in times {
        let at = raw.number(sql).await;
        assert!(at <= most.0, "{what} lies {} s too far ahead", (at - most.0) / SECOND);
    }
}

async fn what_lies_ahead_of_a_clock_that_was_put_back_is_due(fresh: &Fresh) {
    // Less than anything may wait for: only the jump tells that it is too long.
    for back in [Duration::from_hours(3), DAYS] {
        let then = NOON.plus(back);
        assert_eq!(fresh.store.bound_times(then, Look::Often).await.unwrap(), None);
        let mut raw = plant(fresh, then.plus(Duration::from_secs(5))).await;
        assert_eq!(fresh.store.bound_times(NOON, Look::Often).await.unwrap(), Some(back));
        at_most(&mut raw, &WAITS, NOON).await;
        at_most(&mut raw, &LEASES, NOON.plus(Duration::from_mins(1))).await;
        at_most(&mut raw, &PAST, NOON).await;
        // All processes forget what they hold against the CRM.
        let row = fresh.store.connections().await.unwrap().remove(0);
        assert_eq!(row.state.name(), "ready");
        let notes = fresh.store.connection_notes(ConnectionId(row.id)).await.unwrap().unwrap();
        assert!(notes.retried_at >= NOON.0);
        // Once: what is paused from now on stays so.
        assert_eq!(fresh.store.bound_times(NOON.plus(Duration::from_secs(20)), Look::Often).await.unwrap(), None);
        raw.run("DELETE FROM link").await;
        raw.run("DELETE FROM intent").await;
        raw.run("DELETE FROM lease").await;
        raw.run("DELETE FROM slot").await;
        raw.run("DELETE FROM idempotency").await;
        raw.close().await;
    }
}

/// Nobody saw the clock go forward and back.
async fn what_lies_further_ahead_than_it_can_is_bounded(fresh: &Fresh) {
    let mut raw = plant(fresh, NOON.plus(DAYS)).await;
    assert_eq!(fresh.store.bound_times(NOON, Look::All).await.unwrap(), None);
    at_most(&mut raw, &WAITS, NOON.plus(Duration::from_hours(26))).await;
    at_most(&mut raw, &LEASES, NOON.plus(Duration::from_mins(10))).await;
    at_most(&mut raw, &PAST, NOON).await;
    raw.close().await;
}

async fn times_within_their_spans_stay_as_they_are(fresh: &Fresh) {
    let soon = NOON.plus(Duration::from_secs(9));
    let mut raw = plant(fresh, soon).await;
    // Of two machines one is a little behind.
    assert_eq!(fresh.store.bound_times(NOON.plus(Duration::from_secs(25)), Look::All).await.unwrap(), None);
    assert_eq!(fresh.store.bound_times(NOON, Look::All).await.unwrap(), None);
    for (what, sql) in WAITS.iter().chain(&LEASES).chain(&PAST) {
        assert_eq!(raw.number(sql).await, soon.0, "{what}");
    }
    assert_eq!(raw.number("SELECT arrival FROM budget").await, soon.0);
    raw.close().await;
}

async fn a_budget_that_a_clock_ahead_used_gives_calls_again(fresh: &Fresh) {
    let connection = super::connection();
    let store = &fresh.store;
    store.write(async move |tx| tx.put_budget(connection, "burst", 100, Duration::from_secs(10)).await).await.unwrap();
    let take = async |now: Time| {
        store.write(async move |tx| tx.take_calls(connection, "burst", 100, now).await).await.unwrap()
    };
    assert!(take(NOON.plus(DAYS)).await.is_ok());
    assert!(take(NOON).await.is_err());
    store.bound_times(NOON, Look::Often).await.unwrap();
    assert!(take(NOON).await.is_ok());
}

async fn who_came_in_ahead_of_the_clock_is_held_as_long_as_if_they_came_in_now(fresh: &Fresh) {
    let day = Duration::from_hours(24);
    let mut raw = Raw::of(fresh).await;
    for (ahead, left) in [(Duration::from_hours(12), day), (DAYS, day), (Duration::ZERO, day)] {
        let id = RecordId(Uuid::new_v4());
        let mut held = links::record(id, "perhaps known");
        (held.created_at, held.unsure_until) = (NOON.plus(ahead).0, NOON.plus(ahead).plus(day).0);
        fresh.store.write(async move |tx| tx.insert_records(&mut vec![held.clone()]).await).await.unwrap();
        for _ in 0..2 {
            fresh.store.bound_times(NOON, Look::Often).await.unwrap();
        }
        assert_eq!(raw.number("SELECT unsure_until FROM record").await, NOON.plus(left).0, "{ahead:?}");
        raw.run("DELETE FROM record").await;
    }
    raw.close().await;
}
