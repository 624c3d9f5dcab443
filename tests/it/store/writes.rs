//! Write closures: all or nothing, each by itself, and durable once answered.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use mittler_store::{Error, Fault, Result, Store, Tx};
use uuid::Uuid;

use super::{NOON, Raw};
use crate::support::{self, Fresh};

stories!(
    writes_that_fail_take_nothing_with_them,
    an_answered_write_stays_whoever_leaves,
    a_write_that_sleeps_is_undone_at_its_limit,
    transactions_in_each_others_way_are_run_again,
    what_was_committed_is_there_after_a_restart,
    commits_are_counted_and_those_that_come_together_share_one,
    a_database_without_room_says_so_to_all_who_write,
);

/// Of SQLite only: there a full disk ends the transaction that many share. PostgreSQL's and the log are in `room.rs`.
async fn a_database_without_room_says_so_to_all_who_write(fresh: &Fresh) {
    let store = &fresh.store;
    if !store.is_sqlite() {
        return;
    }
    store.simulate(Some(Fault::DiskFull)).await.unwrap();
    let large = "x".repeat(5_000_000);
    let full = async || {
        let ends = join_all((0..5).map(|n| {
            let (name, value) = (format!("large {n}"), large.clone());
            store.write(async move |tx| tx.put_setting(&name, &value).await)
        }))
        .await;
        ends.into_iter().map(|end| end.unwrap_err().fault()).collect::<Vec<_>>()
    };
    assert_eq!(full().await, [Some(Fault::DiskFull); 5]);
    assert_eq!(store.setting("large 0").await.unwrap(), None);
    store.simulate(None).await.unwrap();
    store.write(async move |tx| tx.put_setting("small", "fits").await).await.unwrap();
    assert!(store.probe().await.is_ok());
    // Not to be lifted again: every transaction is refused from its beginning.
    store.simulate(Some(Fault::ReadOnly)).await.unwrap();
    assert_eq!(full().await, [Some(Fault::ReadOnly); 5]);
}

async fn commits_are_counted_and_those_that_come_together_share_one(fresh: &Fresh) {
    let before = fresh.store.commits();
    fresh.store.write(async move |tx| pair(tx, 0).await).await.unwrap();
    assert_eq!(fresh.store.commits() - before, 1);
    let before = fresh.store.commits();
    join_all((1..=200).map(|n| fresh.store.write(async move |tx| pair(tx, n).await))).await;
    let counted = fresh.store.commits() - before;
    if fresh.store.is_sqlite() {
        assert!((1..200).contains(&counted), "{counted} commits of 200 writes");
    } else {
        assert_eq!(counted, 200);
        let before = fresh.store.commits();
        fresh.store.write(async move |_| Err::<(), _>(Error::Corrupt("refused on purpose"))).await.unwrap_err();
        assert_eq!(fresh.store.commits(), before, "nothing was committed");
    }
}

/// Two rows that are only right together.
async fn pair(tx: &mut Tx, n: u64) -> Result<()> {
    one(tx, Uuid::new_v4(), &format!("first {n}")).await?;
    one(tx, Uuid::new_v4(), &format!("second {n}")).await
}

async fn one(tx: &mut Tx, id: Uuid, name: &str) -> Result<()> {
    tx.put_api_key(id, name, name, &[], NOON).await
}

/// The pairs that are there; fails if one of them is half there.
async fn pairs(raw: &mut Raw) -> BTreeSet<u64> {
    let labels = raw.texts("SELECT label FROM api_key ORDER BY label").await;
    let numbers = |begin: &str| -> BTreeSet<u64> {
        labels.iter().filter_map(|label| label.strip_prefix(begin)).map(|n| n.trim().parse().unwrap()).collect()
    };
    let (first, second) = (numbers("first"), numbers("second"));
    assert_eq!(first, second, "a write is there by half");
    first
}

async fn writes_that_fail_take_nothing_with_them(fresh: &Fresh) {
    let taken = Uuid::new_v4();
    fresh.store.write(async move |tx| one(tx, taken, "taken").await).await.unwrap();
    // All at once, so that good and bad ones share commits where the database groups them.
    let ends = join_all((0..200_u64).map(|n| {
        let store = fresh.store.clone();
        async move {
            store
                .write(async move |tx| {
                    pair(tx, n).await?;
                    match n % 4 {
                        0 => Ok(()),
                        1 => Err(Error::Corrupt("refused on purpose")),
                        2 => one(tx, taken, &format!("violates {n}")).await,
                        _ => panic!("on purpose"),
                    }
                })
                .await
        }
    }))
    .await;
    for (n, end) in (0_u64..).zip(&ends) {
        let as_expected = match n % 4 {
            0 => end.is_ok(),
            1 => matches!(end, Err(Error::Corrupt(_))),
            2 => matches!(end, Err(Error::Statement(_))),
            _ => matches!(end, Err(Error::Panicked)),
        };
        assert!(as_expected, "write {n} ended with {end:?}");
    }
    let mut raw = Raw::of(fresh).await;
    assert_eq!(pairs(&mut raw).await, (0..200).step_by(4).collect());
    raw.close().await;
}

async fn an_answered_write_stays_whoever_leaves(fresh: &Fresh) {
    let tasks: Vec<_> = (0..600_u64)
        .map(|n| {
            let store = fresh.store.clone();
            tokio::spawn(async move { store.write(async move |tx| pair(tx, n).await).await.map(|()| n) })
        })
        .collect();
    let mut dice = support::dice();
    let leaving: Vec<_> = tasks.iter().map(tokio::task::JoinHandle::abort_handle).filter(|_| dice.bool()).collect();
    let leave = tokio::spawn(async move {
        for caller in leaving {
            caller.abort();
            // Between two of them others get on, so that they leave at every stage of a write.
            for _ in 0..dice.u8(0..4) {
                tokio::task::yield_now().await;
            }
        }
    });
    let mut answered = BTreeSet::new();
    for end in join_all(tasks).await {
        match end {
            Ok(Ok(n)) => _ = answered.insert(n),
            // On a loaded machine not everybody gets a connection in time, and is told so.
            Ok(Err(error)) => assert!(error.is_passing(), "{error}"),
            Err(left) => assert!(left.is_cancelled()),
        }
    }
    assert!(!answered.is_empty(), "nothing was answered");
    leave.await.unwrap();
    // Writes of callers that left may still be under way; the next one goes on behind them.
    fresh.store.write(async move |tx| pair(tx, 1000).await).await.unwrap();
    answered.insert(1000);
    let mut raw = Raw::of(fresh).await;
    let there = pairs(&mut raw).await;
    assert!(answered.is_subset(&there), "answered, but not there: {:?}", answered.difference(&there));
    raw.close().await;
}

async fn a_write_that_sleeps_is_undone_at_its_limit(fresh: &Fresh) {
    let sleeper = {
        let store = fresh.store.clone();
        tokio::spawn(async move {
            store
                .write(async move |tx| {
                    pair(tx, 1).await?;
                    std::future::pending::<()>().await;
                    Ok(())
                })
                .await
        })
    };
    let neighbours = join_all((2..6_u64).map(|n| fresh.store.write(async move |tx| pair(tx, n).await))).await;
    assert!(neighbours.iter().all(Result::is_ok), "{neighbours:?}");
    assert!(matches!(sleeper.await.unwrap(), Err(Error::TooSlow)));
    fresh.store.write(async move |tx| pair(tx, 6).await).await.unwrap();
    let mut raw = Raw::of(fresh).await;
    assert_eq!(pairs(&mut raw).await, (2..7).collect());
    raw.close().await;
}

/// Two transactions that lock the same rows in opposite order: one of them is run again.
async fn transactions_in_each_others_way_are_run_again(fresh: &Fresh) {
    let connections = [super::connection(), super::connection()];
    fresh
        .store
        .write(async move |tx| {
            for connection in connections {
                tx.put_budget(connection, "burst", 1, Duration::from_secs(1)).await?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let runs = Arc::new(AtomicU64::new(0));
    let (met, many) = (Arc::new(tokio::sync::Barrier::new(2)), !fresh.store.is_sqlite());
    let ends = join_all([false, true].map(|backwards| {
        let (store, runs, met) = (fresh.store.clone(), Arc::clone(&runs), Arc::clone(&met));
        async move {
            store
                .write(async move |tx| {
                    let run = runs.fetch_add(1, Ordering::SeqCst);
                    let mut order = connections;
                    if backwards {
                        order.reverse();
                    }
                    tx.block_budget(order[0], "burst", NOON).await?;
                    // The first run of each meets the other between its two locks. SQLite's writer
                    // runs one after the other: there nobody would come.
                    if run < 2 && many {
                        met.wait().await;
                    }
                    tx.block_budget(order[1], "burst", NOON).await
                })
                .await
        }
    }))
    .await;
    assert!(ends.iter().all(Result::is_ok), "{ends:?}");
    let runs = runs.load(Ordering::SeqCst);
    assert!(if fresh.store.is_sqlite() { runs == 2 } else { runs > 2 }, "{runs} runs");
}

async fn what_was_committed_is_there_after_a_restart(fresh: &Fresh) {
    fresh.store.write(async move |tx| pair(tx, 1).await).await.unwrap();
    if !fresh.store.is_sqlite() {
        let again = fresh.again().await;
        assert_eq!(again.api_keys().await.unwrap().len(), 2);
        again.close().await;
    }
    let keys = fresh.store.api_keys().await.unwrap();
    assert_eq!(keys.iter().map(|key| key.label.as_str()).collect::<Vec<_>>().len(), 2);
    assert!(fresh.store.probe().await.is_ok());
    assert_eq!(fresh.store.name(), if fresh.store.is_sqlite() { "SQLite" } else { "PostgreSQL" });
    fresh.store.analyze().await.unwrap();
}

/// On SQLite one process holds all roles: whoever comes second would see half of what happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_opening_of_a_file_is_refused_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mittler.db");
    let url = format!("sqlite:{}", path.display());
    let store = Store::open(&url).await.unwrap();
    let refused = Store::open(&url).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Unfit(why) if why.contains("in use by another mittler process") && why.contains("mittler.db")),
        "{refused}"
    );
    store.write(async move |tx| pair(tx, 1).await).await.unwrap();
    // Another process is refused as well: the lock is the system's, and ends with its holder.
    let lock = path.with_extension("lock");
    let taken = tokio::process::Command::new("flock").arg("--nonblock").arg(&lock).arg("true").status().await;
    assert!(!taken.unwrap().success(), "another process got the lock");
    assert!(Store::open_if_free(&url).await.unwrap().is_none());
    // Who runs no role works beside it, and each sees what the other has written.
    let beside = Store::open_beside(&url).await.unwrap();
    assert_eq!(beside.api_keys().await.unwrap().len(), 2);
    let both = (0..20).map(|n| {
        let store = if n % 2 == 0 { store.clone() } else { beside.clone() };
        async move { store.write(async move |tx| pair(tx, 2 + n).await).await }
    });
    assert!(join_all(both).await.iter().all(Result::is_ok));
    assert_eq!(store.api_keys().await.unwrap().len(), 42);
    beside.close().await;
    store.close().await;
    drop(store);
    let again = Store::open(&url).await.unwrap();
    assert_eq!(again.api_keys().await.unwrap().len(), 42, "what was committed is there");
    again.close().await;
}

/// A database that would lose what it acknowledged is not opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_not_durable_is_refused() {
    let fresh = support::postgres().await;
    let mut raw = Raw::of(&fresh).await;
    let name = fresh.url().rsplit('/').next().unwrap();
    raw.run(&format!("ALTER DATABASE \"{name}\" SET synchronous_commit = off")).await;
    let refused = Store::open(fresh.url()).await.unwrap_err();
    assert!(matches!(&refused, Error::Unfit(why) if why.contains("synchronous_commit is off")), "{refused}");
    raw.close().await;
    fresh.remove().await;

    let sqlite = support::sqlite().await;
    let mut raw = Raw::of(&sqlite).await;
    assert_eq!(raw.texts("PRAGMA journal_mode").await, ["wal"], "the file says so to every opener");
    raw.close().await;
    sqlite.remove().await;
    // A database in memory has no log to write ahead, which the check of the settings finds.
    let refused = Store::open("sqlite::memory:").await.unwrap_err();
    _ = std::fs::remove_file(":memory:.lock");
    assert!(matches!(&refused, Error::Unfit(why) if why.contains("journal_mode=wal")), "{refused}");

    for url in ["mysql://localhost/x", "postgres://[", "sqlite:/proc/none/mittler.db"] {
        assert!(matches!(Store::open(url).await, Err(Error::Unfit(_))), "{url}");
    }
}
