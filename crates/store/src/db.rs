//! Two pools behind one set of statements, and the only way to write.
//!
//! [`Store::write`] takes an async closure and runs it detached from its caller.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, PgPool, SqlitePool, sqlite::SqliteConnectOptions};

use crate::{
    Error, Result,
    after_commit::AfterCommit,
    fault::Faults,
    tx::{Db, Tx, Work, exec, step},
    writer::{self, LIMIT, Queue, Queues},
};

/// Attempts at emptying the write-ahead log.
const CHECKPOINTS: u32 = 20;

/// The database. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    db: Db<(SqlitePool, Queues), PgPool>,
    /// Held as long as the store lives: a second process with roles on the same file is refused.
    _lock: Option<std::fs::File>,
    path: Option<PathBuf>,
    after_commit: Arc<AfterCommit>,
    growth: Growth,
    faults: Faults,
}

/// Records that this process has made, and with how many the statistics are to be renewed next: soon at
/// first, then ever more rarely.
#[derive(Debug)]
struct Growth {
    made: AtomicU64,
    next: AtomicU64,
}

impl Default for Growth {
    fn default() -> Growth {
        Growth { made: AtomicU64::new(0), next: AtomicU64::new(500) }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_sqlite() { "Store(SQLite)" } else { "Store(PostgreSQL)" })
    }
}

impl Store {
    pub(crate) fn of(
        db: Db<(SqlitePool, Queues), PgPool>,
        after_commit: Arc<AfterCommit>,
        path: Option<PathBuf>,
        lock: Option<std::fs::File>,
    ) -> Store {
        let (growth, faults) = (Growth::default(), Faults::default());
        Store(Arc::new(Inner { db, _lock: lock, path, after_commit, growth, faults }))
    }

    pub(crate) fn after_commit(&self) -> &AfterCommit {
        &self.0.after_commit
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self.0.db, Db::Sqlite(_))
    }

    /// `SQLite` or `PostgreSQL`.
    pub fn name(&self) -> &'static str {
        if self.is_sqlite() { "SQLite" } else { "PostgreSQL" }
    }

    /// The file of an SQLite store.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// For reads. Nothing can be written through it on SQLite.
    pub(crate) fn db(&self) -> Db<&SqlitePool, &PgPool> {
        match &self.0.db {
            Db::Sqlite((pool, _)) => Db::Sqlite(pool),
            Db::Postgres(pool) => Db::Postgres(pool),
        }
    }

    /// Runs `work` in a transaction and answers once it is durable. On PostgreSQL it may run
    /// several times. Once started it runs to its end even if the caller leaves.
    ///
    /// # Errors
    /// What `work` returned, or that the commit failed: then nothing of it is to be relied on.
    pub async fn write<R: Send + 'static>(&self, work: impl Work<R>) -> Result<R> {
        self.write_from(|queues| &queues.work, work).await
    }

    /// Runs `work` and takes all of it back: says what it would do, for whoever asks before it is done.
    ///
    /// # Errors
    /// What `work` returned.
    pub async fn rehearse<R: Send + 'static>(&self, work: impl Work<R>) -> Result<R> {
        let found = Arc::new(Mutex::new(None));
        let told = Arc::clone(&found);
        let ended = self
            .write(async move |tx: &mut Tx| {
                let result = step(work, tx).await?;
                if let Ok(mut told) = told.lock() {
                    *told = Some(result);
                }
                Err::<(), _>(Error::Rehearsed)
            })
            .await;
        let found = found.lock().ok().and_then(|mut found| found.take());
        match ended {
            Err(Error::Rehearsed) | Ok(()) => found.ok_or(Error::Panicked),
            Err(error) => Err(error),
        }
    }

    /// The same as [`Store::write`], before all other writes: somebody waits at the door.
    pub(crate) async fn write_first<R: Send + 'static>(&self, work: impl Work<R>) -> Result<R> {
        self.write_from(|queues| &queues.door, work).await
    }

    async fn write_from<R: Send + 'static>(&self, queue: fn(&Queues) -> &Queue, work: impl Work<R>) -> Result<R> {
        let ended = self.run_write(queue, work).await;
        self.0.faults.note(ended.as_ref().err());
        ended
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// For tests of a disk that is full, and of a database that is read-only: SQLite's own bounds.
    ///
    /// # Errors
    /// If the database does not answer.
    #[doc(hidden)]
    pub async fn simulate(&self, fault: Option<crate::Fault>) -> Result<()> {
        self.write(async move |tx| {
            let bound = match fault {
                None => "PRAGMA max_page_count = 4294967294",
                Some(crate::Fault::ReadOnly) => "PRAGMA query_only = ON",
                Some(_) => "PRAGMA max_page_count = 1",
            };
            Ok(exec(tx, bound).await?)
        })
        .await
    }

    async fn run_write<R: Send + 'static>(&self, queue: fn(&Queues) -> &Queue, work: impl Work<R>) -> Result<R> {
        match &self.0.db {
            Db::Postgres(pool) => {
                let transaction = writer::transact(pool.clone(), work, Arc::clone(&self.0.after_commit));
                tokio::spawn(transaction).await.unwrap_or(Err(Error::Panicked))
            }
            Db::Sqlite((_, queues)) => writer::queue(queue(queues), work).await,
        }
    }

    /// Commits of writes since this process opened the database, those that changed nothing
    /// included. On SQLite writes that come together share one.
    pub fn commits(&self) -> u64 {
        self.after_commit().commits()
    }

    /// Tells the planner about freshly filled tables: without statistics the set-based statements
    /// cost up to twice as much.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn analyze(&self) -> Result<()> {
        if let Db::Postgres(pool) = self.db() {
            for table in ["signal", "record", "record_key", "weak_key", "statement", "link", "intent"] {
                sqlx::query(sqlx::AssertSqlSafe(format!("ANALYZE {table}"))).execute(pool).await?;
            }
            return Ok(());
        }
        self.write(async move |tx| {
            if let Db::Sqlite(c) = tx.db() {
                sqlx::query("PRAGMA optimize").execute(c).await?;
            }
            Ok(())
        })
        .await
    }

    /// Notes that records were made, and renews the statistics when they are four times as many as the last
    /// time: PostgreSQL keeps the plans it made while the tables were small, and reads all of them, until
    /// it is told that they have grown.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn grew(&self, records: usize) -> Result<()> {
        let growth = &self.0.growth;
        let made = growth.made.fetch_add(records as u64, Ordering::Relaxed) + records as u64;
        let next = growth.next.load(Ordering::Relaxed);
        let due =
            made >= next && growth.next.compare_exchange(next, made * 4, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if due { self.analyze().await } else { Ok(()) }
    }

    /// Moves what the write-ahead log still holds into the file, so that erased content is gone
    /// from both (SQLite). PostgreSQL's VACUUM does its part by itself.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn checkpoint(&self) -> Result<()> {
        if let Db::Sqlite(_) = &self.0.db {
            let path = self.0.path.clone().unwrap_or_default();
            let mut connection =
                SqliteConnectOptions::new().filename(path).busy_timeout(Duration::from_secs(5)).connect().await?;
            // A reader that is still at an old page keeps the log from being emptied: asked again.
            let mut busy = 1;
            for _ in 0..CHECKPOINTS {
                (busy, _, _) = sqlx::query_as::<_, (i64, i64, i64)>("PRAGMA wal_checkpoint(TRUNCATE)")
                    .fetch_one(&mut connection)
                    .await?;
                if busy == 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            connection.close().await?;
            if busy != 0 {
                return Err(Error::Busy);
            }
        }
        Ok(())
    }

    /// Ends all connections; waits for running reads.
    pub async fn close(&self) {
        self.faults().forget_probe().await;
        match &self.0.db {
            Db::Sqlite((pool, _)) => pool.close().await,
            Db::Postgres(pool) => {
                // A server that fell silent never says good-bye: a process must end all the same.
                if tokio::time::timeout(LIMIT, pool.close()).await.is_err() {
                    tracing::warn!("the database did not answer to the end of its connections");
                }
            }
        }
    }
}
