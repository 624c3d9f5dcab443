//! A unit of work, and the closures that do one.

use std::{collections::BTreeSet, future::Future};

use mittler_core::ConnectionId;
use sqlx::{Postgres, SqliteConnection, Transaction};

use crate::Result;

/// One of two things, by database.
#[derive(Debug)]
pub enum Db<S, P> {
    Sqlite(S),
    Postgres(P),
}

/// A unit of work. Only [`Store::write`](crate::Store::write) makes one, and commits or rolls it back.
#[derive(Debug)]
pub struct Tx {
    pub(crate) db: Db<SqliteConnection, Transaction<'static, Postgres>>,
    /// Connections of which links were made due: their pushers are woken after the commit.
    pub(crate) due: BTreeSet<ConnectionId>,
}

impl Tx {
    pub(crate) fn new(db: Db<SqliteConnection, Transaction<'static, Postgres>>) -> Tx {
        Tx { db, due: BTreeSet::new() }
    }

    /// Links of these connections were made due: once that is committed, whoever pushes them is told.
    pub fn wake_pushers(&mut self, connections: impl IntoIterator<Item = ConnectionId>) {
        self.due.extend(connections);
    }

    pub(crate) fn db(&mut self) -> Db<&mut SqliteConnection, &mut sqlx::PgConnection> {
        match &mut self.db {
            Db::Sqlite(connection) => Db::Sqlite(connection),
            Db::Postgres(transaction) => Db::Postgres(&mut **transaction),
        }
    }
}

/// What `write` accepts: an async closure over owned data, cloned to be run again after a conflict.
pub trait Work<R>: AsyncFnOnce(&mut Tx) -> Result<R> + for<'t> Step<'t, R> + Clone + Send + 'static {}
impl<R, W> Work<R> for W where W: AsyncFnOnce(&mut Tx) -> Result<R> + for<'t> Step<'t, R> + Clone + Send + 'static {}

/// The same as a plain `FnOnce` whose future can be named, hence be `Send`, on stable Rust.
pub trait Step<'t, R>: FnOnce(&'t mut Tx) -> Self::Run {
    type Run: Future<Output = Result<R>> + Send + 't;
}
impl<'t, R, F, Run> Step<'t, R> for F
where
    F: FnOnce(&'t mut Tx) -> Run,
    Run: Future<Output = Result<R>> + Send + 't,
{
    type Run = Run;
}

/// Calls through `Step`, so that the caller's future is `Send` as well.
pub(crate) fn step<'t, R, W: Step<'t, R>>(work: W, tx: &'t mut Tx) -> W::Run {
    work(tx)
}

/// Runs a statement that is none of PostgreSQL's.
pub(crate) async fn exec(tx: &mut Tx, sql: &'static str) -> sqlx::Result<()> {
    if let Db::Sqlite(connection) = tx.db() {
        sqlx::raw_sql(sql).execute(connection).await?;
    }
    Ok(())
}
