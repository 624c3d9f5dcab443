//! A client that leaves drops the future that serves it, at whatever point it stands. Neither a
//! connection nor an acknowledged write may suffer.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

use super::{NOON, Raw};
use crate::support::{self, Fresh};

stories!(a_client_that_leaves_spoils_no_connection);

/// A future that is given up the `n`th time it has to wait.
struct GivenUp<F>(Pin<Box<F>>, u32);

impl<F: Future> Future for GivenUp<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(output) = self.0.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        self.1 = self.1.saturating_sub(1);
        if self.1 == 0 { Poll::Ready(None) } else { Poll::Pending }
    }
}

fn given_up<F: Future>(future: F, at: u32) -> GivenUp<F> {
    GivenUp(Box::pin(future), at)
}

async fn a_client_that_leaves_spoils_no_connection(fresh: &Fresh) {
    let store = &fresh.store;
    let mut kept = Vec::new();
    for round in 0..400_u32 {
        // A request that reads and writes, and is left at one of its first awaits.
        let request = async {
            store.api_keys().await?;
            let id = Uuid::new_v4();
            store
                .write(async move |tx| {
                    tx.put_api_key(id, "left", &id.to_string(), &[], NOON).await?;
                    tx.revoke_api_key(id, NOON).await
                })
                .await?;
            store.api_key("none").await
        };
        _ = given_up(request, 1 + round % 9).await;
        // Somebody else's write, on whatever connection comes next.
        let id = Uuid::new_v4();
        store.write(async move |tx| tx.put_api_key(id, "kept", &id.to_string(), &[], NOON).await).await.unwrap();
        kept.push(id);
    }
    if !store.is_sqlite() {
        let mut raw = Raw::of(fresh).await;
        // One that was left stays for ever; one in which somebody works between two statements is over soon.
        for _ in 0..2_000 {
            if raw.number(&open_transactions("mittler")).await == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(raw.number(&open_transactions("mittler")).await, 0, "a connection was left in a transaction");
        raw.close().await;
    }
    // As after the end of a process: what was not committed is gone now.
    store.close().await;
    let mut raw = Raw::of(fresh).await;
    assert_eq!(
        raw.number("SELECT count(*) FROM api_key WHERE label = 'kept'").await,
        i64::try_from(kept.len()).unwrap()
    );
    raw.close().await;
}

/// Transactions of others that nobody works in at this moment.
fn open_transactions(application: &str) -> String {
    format!(
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()
         AND application_name = '{application}'"
    )
}

/// Why writes run detached: a bare `begin()` that is dropped leaves its connection in a
/// transaction, and what the next user of the connection is told to be written is lost.
/// <https://github.com/transact-rs/sqlx/issues/4385>. Once this fails, sqlx has been mended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bare_begin_that_is_left_loses_the_next_write() {
    let fresh = support::postgres().await;
    let mut lost = 0;
    for round in 0..60_u32 {
        let pool: PgPool = PgPoolOptions::new().max_connections(1).connect(fresh.url()).await.unwrap();
        sqlx::query("SELECT 1").execute(&pool).await.unwrap();
        let begun = given_up(pool.begin(), 1 + round % 3).await;
        drop(begun);
        let id = Uuid::new_v4();
        sqlx::query("INSERT INTO api_key (id, label, hash, scopes, created_at) VALUES ($1, '', $2, '[]', 0)")
            .bind(id)
            .bind(id.to_string())
            .execute(&pool)
            .await
            .unwrap();
        // The process ends without a farewell.
        let connection = pool.acquire().await.unwrap().leak();
        drop(connection);
        let mut other: PgConnection =
            fresh.url().parse::<sqlx::postgres::PgConnectOptions>().unwrap().connect().await.unwrap();
        let ended = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state IS NOT NULL AND application_name = ''";
        eventually_ended(&mut other, ended).await;
        let there: i64 = sqlx::query_scalar("SELECT count(*) FROM api_key WHERE id = $1")
            .bind(id)
            .fetch_one(&mut other)
            .await
            .unwrap();
        lost += 1 - there;
        other.close().await.unwrap();
        if lost > 0 {
            break;
        }
    }
    assert!(lost > 0, "sqlx no longer leaves a transaction open: the store need not detach its writes");
    fresh.remove().await;
}

async fn eventually_ended(other: &mut PgConnection, sql: &'static str) {
    for _ in 0..6_000 {
        let running: i64 = sqlx::query_scalar(sql).fetch_one(&mut *other).await.unwrap();
        if running == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the server did not notice that a client is gone");
}
