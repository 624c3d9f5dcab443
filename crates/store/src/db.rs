//! Two pools behind one set of statements, and the only way to write.
//!
//! [`Store::write`] takes an async closure and runs it detached from its caller. On PostgreSQL it
//! is one transaction, repeated after a conflict. On SQLite one writer drains its queue: each
//! closure but the first in a savepoint of one transaction, one commit - and one fsync - for all of them.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use sqlx::{
    ConnectOptions, Connection, PgPool, Postgres, SqliteConnection, SqlitePool, Transaction,
    migrate::MigrateError,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{Error, Result, fault::Faults, inspect};

/// Longest time that one write may take.
const LIMIT: Duration = Duration::from_secs(5);
/// Attempts at a transaction that conflicts with others.
const ATTEMPTS: u32 = 8;
/// Attempts at emptying the write-ahead log.
const CHECKPOINTS: u32 = 20;
/// Closures that share one commit on SQLite at most.
const GROUP: usize = 128;
/// How long the first of a group waits for others to join it.
const GROUP_TIME: Duration = Duration::from_millis(10);
/// How long the others wait for one more at the door.
const LINGER: Duration = Duration::from_millis(4);
/// How long a write waits for another process's on SQLite; longer than one closure may take.
pub(crate) const BUSY: Duration = Duration::from_secs(10);
/// Attempts at opening an SQLite file that another process may be making.
const PREPARATIONS: u32 = 5;
/// How long a database may take to answer at all.
pub(crate) const ANSWER: Duration = Duration::from_secs(5);
/// Looks at a lock that is held: an `import` that finds the service gone takes it for a moment.
pub(crate) const LOOKS: u32 = 6;

/// One of two things, by database.
#[derive(Debug)]
pub enum Db<S, P> {
    Sqlite(S),
    Postgres(P),
}

/// A unit of work. Only [`Store::write`] makes one, and commits or rolls it back.
#[derive(Debug)]
pub struct Tx(pub(crate) Db<SqliteConnection, Transaction<'static, Postgres>>);

impl Tx {
    pub(crate) fn db(&mut self) -> Db<&mut SqliteConnection, &mut sqlx::PgConnection> {
        match &mut self.0 {
            Db::Sqlite(connection) => Db::Sqlite(connection),
            Db::Postgres(transaction) => Db::Postgres(&mut **transaction),
        }
    }
}

/// The database. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    db: Db<(SqlitePool, Queues), PgPool>,
    /// Held as long as the store lives: a second process with roles on the same file is refused.
    _lock: Option<std::fs::File>,
    path: Option<PathBuf>,
    commits: Commits,
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

/// Where writes wait for SQLite's only writer.
struct Queues {
    /// Senders who wait for their 2xx.
    door: mpsc::Sender<Box<dyn Job>>,
    work: mpsc::Sender<Box<dyn Job>>,
}

/// Commits of writes so far. On SQLite many writes share one.
type Commits = Arc<AtomicU64>;

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_sqlite() { "Store(SQLite)" } else { "Store(PostgreSQL)" })
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
fn step<'t, R, W: Step<'t, R>>(work: W, tx: &'t mut Tx) -> W::Run {
    work(tx)
}

impl Store {
    /// Opens `sqlite:<path>` or `postgres://…` for a process that runs roles, and brings the tables
    /// up to date.
    ///
    /// # Errors
    /// If the database does not answer, is in use by another process with roles (SQLite), or is not
    /// durable as it is set.
    pub async fn open(url: &str) -> Result<Store> {
        Store::open_if_free(url).await?.ok_or_else(|| {
            Error::Unfit(format!(
                "the database {} is in use by another mittler process: on SQLite one process holds all roles",
                url.trim_start_matches("sqlite:")
            ))
        })
    }

    /// The same, but `None` if another process runs the roles of this SQLite file.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_if_free(url: &str) -> Result<Option<Store>> {
        let Some(path) = file(url)? else { return Store::open_postgres(url, 16).await.map(Some) };
        let Some(lock) = lock_file(path).await? else { return Ok(None) };
        Store::open_sqlite(path, GROUP, Some(lock)).await.map(Some)
    }

    /// Opens the database beside whoever runs its roles, for short reads and writes. Such a process
    /// must run no role itself.
    ///
    /// # Errors
    /// If the database does not answer or is not durable as it is set.
    pub async fn open_beside(url: &str) -> Result<Store> {
        match file(url)? {
            Some(path) => Store::open_sqlite(path, GROUP, None).await,
            None => Store::open_postgres(url, 4).await,
        }
    }

    async fn open_sqlite(path: &Path, group: usize, lock: Option<std::fs::File>) -> Result<Store> {
        make_folder(path)?;
        inspect::inspect_sqlite(path).await?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("secure_delete", "ON")
            .pragma("cache_size", "-16000")
            // 32 MB between two checkpoints: pages that are written again and again go to the file once.
            .pragma("wal_autocheckpoint", "8192")
            .statement_cache_capacity(256)
            // As many rows as a batch has pass from SQLite's thread to ours in one go.
            .row_buffer_size(1024)
            .disable_statement_logging();
        let mut writer = prepared(&options).await?;
        if lock.is_some() {
            reclaim(&mut writer).await?;
        }
        restrict(path);
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            // Whatever a reader keeps is void after the next commit.
            .connect_with(options.read_only(true).create_if_missing(false).pragma("cache_size", "-2000"))
            .await?;
        let ((door, at_door), (work, at_work)) = (mpsc::channel(1024), mpsc::channel(1024));
        let commits = Commits::default();
        let tx = Tx(Db::Sqlite(writer));
        let writer = Writer { tx, door: at_door, work: at_work, limit: group, commits: Arc::clone(&commits) };
        tokio::spawn(writer.run());
        let (db, path) = (Db::Sqlite((readers, Queues { door, work })), Some(path.to_owned()));
        Ok(Store(Arc::new(Inner {
            db,
            _lock: lock,
            path,
            commits,
            growth: Growth::default(),
            faults: Faults::default(),
        })))
    }

    async fn open_postgres(url: &str, connections: u32) -> Result<Store> {
        let options = postgres_options(url)?
            .options([("idle_in_transaction_session_timeout", "30s"), ("lock_timeout", "10s")])
            .options(PLANS)
            .application_name("mittler")
            .statement_cache_capacity(256)
            .disable_statement_logging();
        // The pool would try for five seconds and then not say what was wrong.
        inspect::inspect_postgres(&options).await?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options)
            .await?;
        let (commit, fsync): (String, String) =
            sqlx::query_as("SELECT current_setting('synchronous_commit'), current_setting('fsync')")
                .fetch_one(&pool)
                .await?;
        if commit == "off" || fsync == "off" {
            return Err(Error::Unfit(format!(
                "PostgreSQL would lose accepted leads: synchronous_commit is {commit}, fsync is {fsync}; both must be on"
            )));
        }
        crate::tables::POSTGRES.run(&pool).await.map_err(migration)?;
        let (db, commits) = (Db::Postgres(pool), Commits::default());
        Ok(Store(Arc::new(Inner {
            db,
            _lock: None,
            path: None,
            commits,
            growth: Growth::default(),
            faults: Faults::default(),
        })))
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

    /// The same, before all other writes: somebody waits at the door.
    pub(crate) async fn write_first<R: Send + 'static>(&self, work: impl Work<R>) -> Result<R> {
        self.write_from(|queues| &queues.door, work).await
    }

    async fn write_from<R: Send + 'static>(
        &self,
        queue: fn(&Queues) -> &mpsc::Sender<Box<dyn Job>>,
        work: impl Work<R>,
    ) -> Result<R> {
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

    async fn run_write<R: Send + 'static>(
        &self,
        queue: fn(&Queues) -> &mpsc::Sender<Box<dyn Job>>,
        work: impl Work<R>,
    ) -> Result<R> {
        match &self.0.db {
            Db::Postgres(pool) => {
                let transaction = transact(pool.clone(), work, Arc::clone(&self.0.commits));
                tokio::spawn(transaction).await.unwrap_or(Err(Error::Panicked))
            }
            Db::Sqlite((_, queues)) => {
                let (reply, answer) = oneshot::channel();
                queue(queues)
                    .send(Box::new(Queued { work: Some(work), result: None, reply }))
                    .await
                    .map_err(|_| Error::Closed)?;
                answer.await.unwrap_or(Err(Error::Closed))
            }
        }
    }

    /// Commits of writes since this process opened the database, those that changed nothing
    /// included. On SQLite writes that come together share one.
    pub fn commits(&self) -> u64 {
        self.0.commits.load(Ordering::Relaxed)
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

/// Every statement of ours goes by keys. A plan that was made while tables were small, or by statistics of
/// then, would read all of a table that has grown since: such plans are the last resort here.
const PLANS: [(&str, &str); 5] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("jit", "off"),
];

pub(crate) fn postgres_options(url: &str) -> Result<PgConnectOptions> {
    PgConnectOptions::from_str(url).map_err(|_| {
        Error::Unfit("the PostgreSQL URL cannot be read; it is postgres://user:password@host:port/name".into())
    })
}

/// Makes a schema in a PostgreSQL database, and gives the URL under which it opens as if it were a
/// database of its own. For a demonstration, which must not touch what is there.
///
/// # Errors
/// If the database does not answer or the user may not make schemas.
pub async fn make_schema(url: &str, name: &str) -> Result<String> {
    in_schemas(url, format!("CREATE SCHEMA \"{name}\"")).await?;
    let sign = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{sign}options[search_path]={name}"))
}

/// Removes such a schema with everything in it.
///
/// # Errors
/// If the database does not answer.
pub async fn drop_schema(url: &str, name: &str) -> Result<()> {
    in_schemas(url, format!("DROP SCHEMA IF EXISTS \"{name}\" CASCADE")).await
}

async fn in_schemas(url: &str, sql: String) -> Result<()> {
    let mut connection = postgres_options(url)?.disable_statement_logging().connect().await?;
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// The file of an SQLite URL; `None` for PostgreSQL.
pub(crate) fn file(url: &str) -> Result<Option<&Path>> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(Some(Path::new(path.trim_start_matches("//"))));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(None);
    }
    Err(Error::Unfit("the database URL must begin with sqlite: or postgres://".into()))
}

/// The writing connection, with the tables up to date. Two processes may make a new database at
/// once: whoever comes second finds it made when it looks again.
async fn prepared(options: &SqliteConnectOptions) -> Result<SqliteConnection> {
    let mut attempt = 1;
    loop {
        match prepare(options).await {
            Err(_) if attempt < PREPARATIONS => {
                attempt += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            settled => return settled,
        }
    }
}

async fn prepare(options: &SqliteConnectOptions) -> Result<SqliteConnection> {
    let mut writer = options.connect().await?;
    let (mode, sync): (String, i64) =
        sqlx::query_as("SELECT (SELECT * FROM pragma_journal_mode), (SELECT * FROM pragma_synchronous)")
            .fetch_one(&mut writer)
            .await?;
    if (mode.as_str(), sync) != ("wal", 2) {
        return Err(Error::Unfit(format!(
            "SQLite must run with journal_mode=wal and synchronous=FULL, but has {mode} and {sync}"
        )));
    }
    crate::tables::SQLITE.run(&mut writer).await.map_err(migration)?;
    Ok(writer)
}

/// A database that goes away during a migration is one that does not answer; anything else needs
/// somebody to act.
fn migration(error: MigrateError) -> Error {
    let why = format!("the tables could not be brought up to date: {error}");
    let (MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)) = error else {
        return Error::Unfit(why);
    };
    match Error::from(cause) {
        away @ Error::Unavailable(_) => away,
        _ => Error::Unfit(why),
    }
}

/// Takes the lock file beside the database; the operating system gives it back when the process
/// ends, however it ends. `None` if another process has it for longer than a look takes.
pub(crate) async fn lock_file(path: &Path) -> Result<Option<std::fs::File>> {
    make_folder(path)?;
    let name = path.with_extension("lock");
    let file = std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(|e| Error::Unfit(format!("the lock file {} cannot be opened: {e}", name.display())))?;
    for _ in 0..LOOKS {
        if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(Some(file));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(None)
}

fn make_folder(path: &Path) -> Result<()> {
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(parent)
        .map_err(|e| Error::Unfit(format!("the folder {} cannot be made: {e}", parent.display())))
}

/// Gives back what a killed process held: the lock file proves that nobody works on this database.
/// A job counts as lost, so that one which kills its process comes to an end. Leases with writes of
/// unknown end stay: the CRM may still be at it, and who takes their links later looks first.
async fn reclaim(writer: &mut SqliteConnection) -> Result<()> {
    sqlx::query("UPDATE job SET taken_until = 0, sent_until = 0, lost = lost + 1 WHERE taken_until > 0")
        .execute(&mut *writer)
        .await?;
    sqlx::query("DELETE FROM lease WHERE writes = '[]'").execute(&mut *writer).await?;
    Ok(())
}

/// Only the owner may read the database.
fn restrict(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        _ = std::fs::set_permissions(&name, std::fs::Permissions::from_mode(0o600));
    }
}

/// `begin()` is called nowhere else, and nobody can cancel it here: the task is detached from its
/// caller. A cancelled one would leave the connection in a transaction that swallows the writes of
/// whoever gets it next (transact-rs/sqlx#4385).
async fn transact<R>(pool: PgPool, work: impl Work<R>, commits: Commits) -> Result<R> {
    let mut attempt = 1;
    loop {
        match once(&pool, work.clone()).await {
            Err(e) if e.is_conflict() && attempt < ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(1..10 << attempt))).await;
                attempt += 1;
            }
            settled => {
                if settled.is_ok() {
                    commits.fetch_add(1, Ordering::Relaxed);
                }
                return settled;
            }
        }
    }
}

/// Leaving early, by error, panic or timeout, drops the transaction, and that rolls it back.
async fn once<R>(pool: &PgPool, work: impl Work<R>) -> Result<R> {
    let mut tx = Tx(Db::Postgres(pool.begin().await?));
    let result = tokio::time::timeout(LIMIT, step(work, &mut tx)).await.map_err(|_| Error::TooSlow)??;
    if let Tx(Db::Postgres(tx)) = tx {
        // A server that has fallen silent must not keep its caller: what became of the commit is as
        // unknown as if its answer had got lost.
        let committed = tokio::time::timeout(LIMIT, tx.commit()).await.unwrap_or_else(|_| {
            Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the commit was not answered")))
        });
        committed.map_err(|e| match Error::from(e) {
            conflict @ Error::Conflict(_) => conflict,
            Error::Unavailable(e) | Error::Statement(e) => Error::Commit(e),
            other => other,
        })?;
    }
    Ok(result)
}

type Waiting = mpsc::Receiver<Box<dyn Job>>;

/// One queued write; the types of its closure and result are known only inside.
trait Job: Send {
    /// Says whether what the closure wrote is to be kept. Never panics, never takes longer than
    /// the limit.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool>;
    /// Why the database refused what the closure wrote, if the fault is its own.
    fn refused(&self) -> Option<Arc<sqlx::Error>>;
    fn answer(self: Box<Self>, committed: std::result::Result<(), Arc<sqlx::Error>>);
}

struct Queued<W, R> {
    work: Option<W>,
    result: Option<Result<R>>,
    reply: oneshot::Sender<Result<R>>,
}

impl<R: Send + 'static, W: Work<R>> Job for Queued<W, R> {
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return false };
            let run = AssertUnwindSafe(async { step(work, tx).await }).catch_unwind();
            let result = match tokio::time::timeout(LIMIT, run).await {
                Ok(Ok(result)) => result,
                Ok(Err(_panic)) => Err(Error::Panicked),
                Err(_elapsed) => Err(Error::TooSlow),
            };
            self.result.insert(result).is_ok()
        })
    }

    fn refused(&self) -> Option<Arc<sqlx::Error>> {
        let error = self.result.as_ref()?.as_ref().err().filter(|error| error.fault().is_some())?;
        let (Error::Unavailable(cause) | Error::Statement(cause) | Error::Commit(cause)) = error else { return None };
        Some(Arc::clone(cause))
    }

    fn answer(self: Box<Self>, committed: std::result::Result<(), Arc<sqlx::Error>>) {
        let result = match committed {
            Ok(()) => self.result.unwrap_or(Err(Error::Closed)),
            Err(e) => Err(Error::Commit(e)),
        };
        _ = self.reply.send(result); // the caller may have left; the write stands
    }
}

/// SQLite's only writer: whatever has queued up meanwhile shares one commit, hence one fsync.
///
/// Who stands at the door goes first, and while many do, the others have a quarter of the time: a
/// list in hand must not make senders wait, nor senders stop what they have sent.
struct Writer {
    tx: Tx,
    door: Waiting,
    work: Waiting,
    /// Closures that share one commit at most.
    limit: usize,
    commits: Commits,
}

impl Writer {
    async fn run(mut self) {
        let mut group = Vec::new();
        // How long the others let the door go first.
        let mut owed = Duration::ZERO;
        loop {
            let began = Instant::now();
            let work = tokio::select! { biased;
                some = self.door.recv_many(&mut group, self.limit) => {
                    if some == 0 {
                        break;
                    }
                    false
                }
                Some(job) = self.work.recv(), if owed.is_zero() => {
                    group.push(job);
                    true
                }
                // Nobody more comes: it is the others' turn.
                () = tokio::time::sleep(owed.min(LINGER)), if !owed.is_zero() => {
                    owed = Duration::ZERO;
                    continue;
                }
            };
            self.settle(&mut group, work).await;
            owed = match work {
                // Somebody came meanwhile, and more may be behind them.
                true if !self.door.is_empty() => began.elapsed() * 3,
                true => Duration::ZERO,
                false => owed.saturating_sub(began.elapsed()),
            };
        }
        // The store is closed; what was sent before that is done.
        while let Some(job) = self.work.recv().await {
            group.push(job);
            self.settle(&mut group, true).await;
        }
    }

    /// Commits a group and answers it.
    async fn settle(&mut self, group: &mut Vec<Box<dyn Job>>, work: bool) {
        // A disk that is full ends SQLite's whole transaction, and what comes after says only that there is none.
        let committed = self
            .commit(group, work)
            .await
            .map_err(|error| group.iter().find_map(|job| job.refused()).unwrap_or_else(|| Arc::new(error)));
        if committed.is_ok() {
            self.commits.fetch_add(1, Ordering::Relaxed);
        } else {
            _ = exec(&mut self.tx, "ROLLBACK").await; // an error here means that SQLite has rolled back already
        }
        for job in group.drain(..) {
            job.answer(committed.clone());
        }
    }

    /// Runs a group, and behind `work` what else waits, while nobody stands at the door and the first
    /// of the group need not wait long for their answers.
    async fn commit(&mut self, group: &mut Vec<Box<dyn Job>>, work: bool) -> sqlx::Result<()> {
        let (began, mut at) = (Instant::now(), 0);
        exec(&mut self.tx, "BEGIN IMMEDIATE").await?;
        loop {
            while let Some(job) = group.get_mut(at) {
                // The first has nothing before it that would have to be kept if it fails.
                match at {
                    0 => {}
                    1 => exec(&mut self.tx, "SAVEPOINT one").await?,
                    _ => exec(&mut self.tx, "RELEASE one; SAVEPOINT one").await?,
                }
                if !job.run(&mut self.tx).await {
                    let back = if at == 0 { "ROLLBACK; BEGIN IMMEDIATE" } else { "ROLLBACK TO one" };
                    exec(&mut self.tx, back).await?;
                }
                at += 1;
            }
            if !work || at >= self.limit || !self.door.is_empty() || began.elapsed() > GROUP_TIME {
                break;
            }
            let Ok(job) = self.work.try_recv() else { break };
            group.push(job);
        }
        exec(&mut self.tx, "COMMIT").await
    }
}

async fn exec(tx: &mut Tx, sql: &'static str) -> sqlx::Result<()> {
    if let Db::Sqlite(connection) = tx.db() {
        sqlx::raw_sql(sql).execute(connection).await?;
    }
    Ok(())
}
