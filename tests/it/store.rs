//! The store keeps what it acknowledged and nothing by halves, on SQLite and on PostgreSQL.

use mittler_core::{ConnectionId, Time};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, SqliteConnection, postgres::PgConnectOptions,
};
use uuid::Uuid;

use crate::support::Fresh;

/// Runs each story, an `async fn(&Fresh)`, against a fresh database of every kind.
macro_rules! stories {
    ($($story:ident),* $(,)?) => {$(
        mod $story {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let fresh = $crate::support::sqlite().await;
                super::$story(&fresh).await;
                fresh.remove().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let fresh = $crate::support::postgres().await;
                super::$story(&fresh).await;
                fresh.remove().await;
            }
        }
    )*};
}

mod access;
mod accounts;
mod cancelled;
mod copy;
mod door;
mod forget;
mod jobs;
mod jumps;
mod links;
mod moved;
mod push;
mod records;
mod retain;
mod slots;
mod tables;
mod unread;
mod upgrade;
mod views;
mod writes;

/// A connection of one's own to the same database, beside the store: what a story plants and
/// counts does not go through what it tests.
pub enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    pub async fn of(fresh: &Fresh) -> Raw {
        Raw::at(fresh.url()).await
    }

    pub async fn at(url: &str) -> Raw {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            return Raw::Sqlite(options.busy_timeout(seconds(5)).connect().await.unwrap());
        }
        let options: PgConnectOptions = url.parse().unwrap();
        Raw::Postgres(options.connect().await.unwrap())
    }

    /// Gives the number of rows touched.
    pub async fn run(&mut self, sql: &str) -> u64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Raw::Sqlite(c) => sqlx::raw_sql(sql).execute(c).await.unwrap().rows_affected(),
            Raw::Postgres(c) => sqlx::raw_sql(sql).execute(c).await.unwrap().rows_affected(),
        }
    }

    /// The one number that a query gives.
    pub async fn number(&mut self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Raw::Sqlite(c) => sqlx::query(sql).fetch_one(c).await.unwrap().get(0),
            Raw::Postgres(c) => sqlx::query(sql).fetch_one(c).await.unwrap().get(0),
        }
    }

    /// The first column of every row.
    pub async fn texts(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Raw::Sqlite(c) => sqlx::query_scalar(sql).fetch_all(c).await.unwrap(),
            Raw::Postgres(c) => sqlx::query_scalar(sql).fetch_all(c).await.unwrap(),
        }
    }

    pub async fn close(self) {
        match self {
            Raw::Sqlite(c) => c.close().await.unwrap(),
            Raw::Postgres(c) => c.close().await.unwrap(),
        }
    }
}

/// A moment that no story depends on: 2026-11-22, noon.
pub const NOON: Time = Time(1_795_348_800_000_000);

pub fn seconds(n: u64) -> std::time::Duration {
    std::time::Duration::from_secs(n)
}

pub fn connection() -> ConnectionId {
    ConnectionId(Uuid::new_v4())
}
