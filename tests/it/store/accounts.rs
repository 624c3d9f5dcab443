//! Accounts in CRMs: calls are paced, secrets refreshed by one, cursors moved with what was read.

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;
use mittler_core::{ConnectionId, Time};
use mittler_store::{
    Bytes, Store,
    connections::{ConnectionRow, ConnectionState, FeedCursor},
};
use serde_json::json;
use uuid::Uuid;

use super::{NOON, seconds};
use crate::support::{Fresh, dice};

stories!(
    no_window_sees_more_calls_than_the_account_allows,
    a_budget_is_not_left_unused,
    a_blocked_budget_gives_nothing_until_then,
    a_token_is_refreshed_by_one,
    a_secret_is_written_over_the_version_that_was_read,
    a_cursor_stands_where_it_was_put,
    a_connection_keeps_its_id_and_state_when_it_is_set_anew,
    a_setting_keeps_its_first_value,
    one_process_at_a_time_pushes_a_connection,
);

fn account(mode: &str) -> ConnectionRow {
    ConnectionRow {
        id: Uuid::new_v4(),
        name: "main".into(),
        crm: "hubspot".into(),
        settings: sqlx::types::Json(json!({ "portal": 1 })),
        mapping: String::new(),
        mode: mode.into(),
        state: ConnectionState::Ready,
        code: None,
        reason: None,
        paused_until: 0,
        updated_at: NOON.0,
    }
}

async fn budget(store: &Store, calls: u32, window: Duration) -> ConnectionId {
    let connection = super::connection();
    store.write(async move |tx| tx.put_budget(connection, "burst", calls, window).await).await.unwrap();
    connection
}

async fn take(store: &Store, connection: ConnectionId, most: i64, now: Time) -> Result<i64, Time> {
    store.write(async move |tx| tx.take_calls(connection, "burst", most, now).await).await.unwrap()
}

/// Many takers at random times, which also go back and forth as clocks of several processes do.
async fn no_window_sees_more_calls_than_the_account_allows(fresh: &Fresh) {
    let mut dice = dice();
    for (calls, window) in [(1, 1_000), (7, 1_000), (100, 10_000), (190, 10_000), (100_000, 10_000), (250_000, 5_000)] {
        let window = Duration::from_millis(window);
        let connection = budget(&fresh.store, calls, window).await;
        let mut passed: Vec<(i64, i64)> = Vec::new();
        let mut now = NOON;
        for _ in 0..25 {
            let step = window / 20;
            // One at the beginning of each step and one at its very end, so that windows are full.
            let takers = (0..4).map(|taker| {
                let at = match taker {
                    0 => now,
                    1 => now.plus(step.saturating_sub(Duration::from_micros(1))),
                    _ => now.plus(step.mul_f64(dice.f64())),
                };
                let store = &fresh.store;
                let most = if calls > 1000 { 1_000_000 } else { dice.i64(1..20) };
                async move { (at, take(store, connection, most, at).await) }
            });
            for (at, end) in join_all(takers).await {
                match end {
                    Ok(taken) => passed.push((at.0, taken)),
                    Err(then) => assert!(then > at, "told to come back at once"),
                }
            }
            now = now.plus(step);
        }
        passed.sort_unstable();
        let length = i64::try_from(window.as_micros()).unwrap();
        for (from, _) in &passed {
            let within: i64 = passed.iter().filter(|(at, _)| (0..length).contains(&(at - from))).map(|(_, n)| n).sum();
            assert!(within <= i64::from(calls), "{within} calls in one window, {calls} are allowed");
        }
    }
    let free = take(&fresh.store, super::connection(), 9, NOON).await;
    assert_eq!(free, Ok(9), "no budget, no limit");
}

/// Whoever comes back when told so gets a call: over ten windows most of the allowance is used.
async fn a_budget_is_not_left_unused(fresh: &Fresh) {
    let connection = budget(&fresh.store, 20, Duration::from_secs(1)).await;
    let (mut now, mut passed) = (NOON, 0);
    while now < NOON.plus(seconds(10)) {
        match take(&fresh.store, connection, 5, now).await {
            Ok(taken) => passed += taken,
            Err(then) => now = then,
        }
    }
    assert!((160..=200).contains(&passed), "{passed} of 200");
}

async fn a_blocked_budget_gives_nothing_until_then(fresh: &Fresh) {
    let store = &fresh.store;
    let block = async |connection: ConnectionId, until: Time| {
        store.write(async move |tx| tx.block_budget(connection, "burst", until).await).await.unwrap();
    };
    let until = NOON.plus(seconds(60));
    // With limits of its own, or with none but what the CRM says.
    for connection in [budget(store, 100, seconds(10)).await, super::connection()] {
        block(connection, until).await;
        // A late answer of an earlier call does not shorten it.
        block(connection, NOON.plus(seconds(5))).await;
        assert_eq!(take(store, connection, 1, NOON).await, Err(until));
        assert_eq!(take(store, connection, 1, until.minus(seconds(1))).await, Err(until));
        assert_eq!(take(store, connection, 1, until).await, Ok(1));
        // Other limits do not lift it.
        block(connection, until.plus(seconds(60))).await;
        store.write(async move |tx| tx.put_budget(connection, "burst", 50, seconds(10)).await).await.unwrap();
        assert_eq!(take(store, connection, 1, until).await, Err(until.plus(seconds(60))));
    }
}

async fn put_secret(store: &Store, connection: ConnectionId, value: &str, over: Option<i64>) -> bool {
    let sealed = Bytes(value.as_bytes().to_vec());
    store.write(async move |tx| tx.put_secret(connection, "token", sealed.clone(), NOON, over).await).await.unwrap()
}

async fn a_token_is_refreshed_by_one(fresh: &Fresh) {
    let store = &fresh.store;
    let connection = super::connection();
    // The row is there before the first token: who fetches that holds the lease of version 0.
    store.write(async move |tx| tx.begin_secret(connection, "token").await).await.unwrap();
    let begun = store.secret(connection, "token").await.unwrap().unwrap();
    assert_eq!((begun.sealed.len(), begun.version, begun.expires_at), (0, 0, 0));
    assert!(put_secret(store, connection, "first", Some(0)).await);
    store.write(async move |tx| tx.begin_secret(connection, "token").await).await.unwrap();
    let lease = async |version: i64, now: Time| {
        let until = now.plus(seconds(30));
        store.write(async move |tx| tx.lease_refresh(connection, "token", version, now, until).await).await.unwrap()
    };
    let holders = join_all((0..30).map(|_| lease(1, NOON))).await;
    assert_eq!(holders.into_iter().filter(|held| *held).count(), 1, "two refresh at the same time");
    assert!(!lease(1, NOON.plus(seconds(29))).await);
    assert!(lease(1, NOON.plus(seconds(30))).await, "whoever died in it does not keep it");
    store.write(async move |tx| tx.release_refresh(connection, "token", 1).await).await.unwrap();
    assert!(lease(1, NOON.plus(seconds(31))).await, "given back");
    assert!(put_secret(store, connection, "second", Some(1)).await);
    assert!(!lease(1, NOON.plus(seconds(99))).await, "the token that was read is an old one");
    store.write(async move |tx| tx.release_refresh(connection, "token", 1).await).await.unwrap();
    assert!(lease(2, NOON).await);
    assert_eq!(store.secret(connection, "token").await.unwrap().unwrap().refresh_until, NOON.plus(seconds(30)).0);
}

async fn a_secret_is_written_over_the_version_that_was_read(fresh: &Fresh) {
    let store = &fresh.store;
    let connection = super::connection();
    assert!(!put_secret(store, connection, "over nothing", Some(1)).await);
    assert!(put_secret(store, connection, "first", None).await);
    let names: Vec<String> = (0..10).map(|n| format!("refreshed {n}")).collect();
    let ends = join_all(names.iter().map(|name| put_secret(store, connection, name, Some(1)))).await;
    let mut won: HashMap<bool, Vec<&String>> = HashMap::new();
    for (name, end) in names.iter().zip(ends) {
        won.entry(end).or_default().push(name);
    }
    assert_eq!(won[&true].len(), 1);
    let stored = store.secret(connection, "token").await.unwrap().unwrap();
    assert_eq!((stored.sealed, stored.version), (won[&true][0].as_bytes().to_vec(), 2));
    // Somebody connects anew: over whatever is there.
    assert!(put_secret(store, connection, "connected", None).await);
    assert_eq!(store.secret(connection, "token").await.unwrap().unwrap().version, 3);
    assert!(store.secret(connection, "other").await.unwrap().is_none());
}

async fn a_cursor_stands_where_it_was_put(fresh: &Fresh) {
    let store = &fresh.store;
    let connection = super::connection();
    assert_eq!(store.cursor(connection, "contact").await.unwrap(), None);
    assert_eq!(store.last_pull(connection).await.unwrap(), None);
    let at = |followed: Time, cursor: &str| FeedCursor { cursor: cursor.to_owned(), followed };
    for stands in [at(NOON, "9"), at(NOON.plus(seconds(1)), "4")] {
        store.write(async move |tx| tx.put_cursor(connection, "contact", &stands, NOON).await).await.unwrap();
    }
    // A pull that began earlier and ends later takes nothing back.
    let late = at(NOON, "8");
    store.write(async move |tx| tx.put_cursor(connection, "contact", &late, NOON).await).await.unwrap();
    // What fails moves none.
    let further = at(NOON.plus(seconds(9)), "1");
    let failed = store
        .write(async move |tx| {
            tx.put_cursor(connection, "contact", &further, NOON).await?;
            Err::<(), _>(mittler_store::Error::Corrupt("on purpose"))
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(store.cursor(connection, "contact").await.unwrap(), Some(at(NOON.plus(seconds(1)), "4")));
    assert_eq!(store.cursor(connection, "company").await.unwrap(), None);
    // When it was asked, not how far it has come.
    assert_eq!(store.last_pull(connection).await.unwrap(), Some(NOON));
}

async fn a_connection_keeps_its_id_and_state_when_it_is_set_anew(fresh: &Fresh) {
    let store = &fresh.store;
    let first = account("dry_run");
    let put = async |row: ConnectionRow| store.put_connection(&row).await.unwrap();
    let id = put(first.clone()).await;
    assert_eq!(id.0, first.id);
    store
        .write(async move |tx| {
            tx.set_connection_state(id, ConnectionState::Waiting, Some("limited"), Some("a limit"), NOON).await
        })
        .await
        .unwrap();
    assert_eq!(put(account("full")).await, id);
    let there = store.connections().await.unwrap().remove(0);
    assert_eq!((there.mode.as_str(), there.state.name(), there.paused_until), ("full", "waiting", NOON.0));
    assert_eq!((there.code.as_deref(), there.reason.as_deref()), (Some("limited"), Some("a limit")));
    assert_eq!(store.time_zone_of(id).await.unwrap(), None);
    store.write(async move |tx| tx.set_time_zone(id, "Europe/Berlin").await).await.unwrap();
    assert_eq!(store.time_zone_of(id).await.unwrap().as_deref(), Some("Europe/Berlin"));
    let ready = async || store.write(async move |tx| tx.set_connection_ready(id).await).await.unwrap();
    assert_eq!((ready().await, ready().await), (true, false));
    let there = store.connections().await.unwrap().remove(0);
    assert_eq!((there.state.name(), there.code, there.paused_until), ("ready", None, 0));
}

async fn a_setting_keeps_its_first_value(fresh: &Fresh) {
    let store = &fresh.store;
    let values =
        join_all((0..10).map(|n| {
            let value = n.to_string();
            async move {
                store.write(async move |tx| tx.settle_setting("installation", &value.clone()).await).await.unwrap()
            }
        }))
        .await;
    assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
}

/// On SQLite one process has all roles.
async fn one_process_at_a_time_pushes_a_connection(fresh: &Fresh) {
    let store = &fresh.store;
    let row = account("dry_run");
    let connection = store.put_connection(&row).await.unwrap();
    let [one, two] = [Uuid::new_v4(), Uuid::new_v4()];
    let take = async |who, now: Time| {
        store.write(async move |tx| tx.take_push(connection, who, now.plus(seconds(3)), now).await).await.unwrap()
    };
    let alone = !store.is_sqlite();
    assert!(take(one, NOON).await && take(one, NOON.plus(seconds(1))).await, "whoever has it keeps it");
    assert_eq!(take(two, NOON.plus(seconds(3))).await, !alone);
    let notes = store.connection_notes(connection).await.unwrap().unwrap();
    assert_eq!(notes.pushed_by, alone.then_some(one));
    assert!(take(two, NOON.plus(seconds(4))).await, "its process has died, or was too slow");
    assert_eq!(take(one, NOON.plus(seconds(4))).await, !alone);
    store.write(async move |tx| tx.end_push(connection, one).await).await.unwrap();
    assert_eq!(take(one, NOON.plus(seconds(4))).await, !alone, "it was not this one's to give back");
    store.write(async move |tx| tx.end_push(connection, two).await).await.unwrap();
    assert!(take(one, NOON.plus(seconds(4))).await, "it was given back");
}
