//! A database of an earlier version is taken along by the first start of this one.
//!
//! What an earlier version left is kept as SQL beside this file: a list with four rows, written to both CRMs of a
//! sandbox. It is made anew when a version is released: `mittler sandbox --configure`, an import, then
//! `sqlite3 mittler.sqlite .dump`, and for PostgreSQL `mittler move --to` and `pg_dump --inserts --no-owner`.

use mittler_connector::{Cursor, cursor::TimeId};
use mittler_core::{ConnectionId, Kind};
use mittler_store::tables::declared;

use super::{Raw, seconds};
use crate::support::{Shut, empty_postgres, empty_sqlite};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    let empty = empty_sqlite();
    std::fs::File::create(empty.url.strip_prefix("sqlite:").unwrap()).unwrap();
    an_installation_is_taken_along(empty, include_str!("upgrade/sqlite.sql")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    an_installation_is_taken_along(empty_postgres().await, include_str!("upgrade/postgres.sql")).await;
}

async fn an_installation_is_taken_along(empty: Shut, left: &str) {
    let sqlite = empty.url.starts_with("sqlite:");
    let mut raw = Raw::at(&empty.url).await;
    raw.run(left).await;
    let mut before = Vec::new();
    for name in ["record", "statement", "link", "signal", "intent", "record_key", "weak_key"] {
        before.push((name, raw.number(&format!("SELECT count(*) FROM {name}")).await));
    }
    raw.close().await;

    let fresh = empty.open().await;
    let mut raw = Raw::of(&fresh).await;
    for (name, rows) in before {
        assert!(rows > 0, "{name} was empty");
        assert_eq!(raw.number(&format!("SELECT count(*) FROM {name}")).await, rows, "{name}");
    }
    for table in declared(sqlite) {
        raw.number(&format!("SELECT count(*) FROM {}", table.name)).await;
    }
    raw.close().await;
    let store = &fresh.store;
    let connections = store.connections().await.unwrap();
    assert_eq!(connections.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["hubspot", "salesforce"]);
    for (row, feed) in connections.iter().zip(["contacts", "Lead"]) {
        // It goes on before where the earlier version stopped.
        let stands = store.cursor(ConnectionId(row.id), feed).await.unwrap().unwrap();
        let begins = TimeId::parse(&Cursor(stands.cursor)).unwrap();
        assert_eq!((begins.at, begins.id.as_str()), (stands.followed.minus(seconds(300)), ""));
        let linked = store.remote_ids_after(ConnectionId(row.id), feed, "", 100).await.unwrap();
        assert_eq!(linked.len(), 3, "{feed}");
    }
    let people = store.records_like(Kind::Person, &[], 100).await.unwrap();
    assert_eq!(people.len(), 3);
    fresh.remove().await;
}
