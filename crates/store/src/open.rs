//! Opening a database: the lock of an SQLite file, how each database is set, tables brought up to date.

use std::{path::Path, sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    migrate::MigrateError,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    Error, Result, Store,
    address::{file, postgres_options},
    after_commit::AfterCommit,
    inspect, tables,
    tx::Db,
    writer,
};

/// How long a write waits for another process's on SQLite; longer than one closure may take.
pub(crate) const BUSY: Duration = Duration::from_secs(10);
/// Attempts at opening an SQLite file that another process may be making.
const PREPARATIONS: u32 = 5;
/// Looks at a lock that is held: an `import` that finds the service gone takes it for a moment.
pub(crate) const LOOKS: u32 = 6;

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
        Store::open_sqlite(path, Some(lock)).await.map(Some)
    }

    /// Opens the database beside whoever runs its roles, for short reads and writes. Such a process
    /// must run no role itself.
    ///
    /// # Errors
    /// If the database does not answer or is not durable as it is set.
    pub async fn open_beside(url: &str) -> Result<Store> {
        match file(url)? {
            Some(path) => Store::open_sqlite(path, None).await,
            None => Store::open_postgres(url, 4).await,
        }
    }

    async fn open_sqlite(path: &Path, lock: Option<std::fs::File>) -> Result<Store> {
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
        let after = Arc::<AfterCommit>::default();
        let queues = writer::start(writer, Arc::clone(&after));
        Ok(Store::of(Db::Sqlite((readers, queues)), after, Some(path.to_owned()), lock))
    }

    async fn open_postgres(url: &str, connections: u32) -> Result<Store> {
        let options = postgres_options(url)?
            // A statement whose caller has given up would go on for as long as it takes, with all that it has locked.
            .options([
                ("idle_in_transaction_session_timeout", "30s"),
                ("lock_timeout", "10s"),
                ("statement_timeout", STATEMENT),
            ])
            .options(PLANS)
            .application_name("mittler")
            .statement_cache_capacity(256)
            .disable_statement_logging();
        // The pool would try for five seconds and then not say what was wrong.
        inspect::inspect_postgres(&options).await?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options.clone())
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
        // A migration of large tables takes its time.
        let mut patient = options.connect().await?;
        sqlx::query("SET statement_timeout = 0").execute(&mut patient).await?;
        tables::POSTGRES.run(&mut patient).await.map_err(migration)?;
        patient.close().await?;
        Ok(Store::of(Db::Postgres(pool), Arc::default(), None, None))
    }
}

/// Longest time of a statement: three times what a whole write may take, since reads for people are longer.
const STATEMENT: &str = "15s";

/// Every statement of ours goes by keys. A plan that was made while tables were small, or by statistics of
/// then, would read all of a table that has grown since: such plans are the last resort here.
const PLANS: [(&str, &str); 6] = [
    // A table is read from end to end only where it has no index for the question. Not enable_seqscan: the cost of a
    // step that is disabled and needed all the same hides that of every other step, and a plan is taken by chance.
    ("seq_page_cost", "1000"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("jit", "off"),
    // One plan per statement: it follows from the indices, whatever the values.
    ("plan_cache_mode", "force_generic_plan"),
];

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
    tables::SQLITE.run(&mut writer).await.map_err(migration)?;
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
