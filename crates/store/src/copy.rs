//! Copying a whole installation into another, empty database, of the same kind or of the other.
//!
//! Which tables there are, and of which types their columns are, is asked of the two databases: a table that a
//! migration adds is copied without a word here. Tables do not refer to each other by constraints and no value comes
//! from a sequence, so they are copied in any order and just as they are.
//!
//! All is written in one transaction of the target and read under locks that let nobody write to the source: a copy
//! that breaks off leaves the source untouched and the target empty. Before the commit every table of the target is
//! read again and compared.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use serde::Serialize;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, QueryBuilder, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteSynchronous},
};
use uuid::Uuid;

use crate::{
    Db, Error, Result, Store,
    address::{file, postgres_options},
    inspect::{Found, inspect},
    open::{BUSY, LOOKS, lock_file},
    tables::{TABLES_OF_POSTGRES, TABLES_OF_SQLITE},
};

/// Rows of one statement at most, and about how many bytes and values.
const ROWS: usize = 500;
const BYTES: usize = 4 * 1024 * 1024;
/// SQLite takes 32,766 values in a statement, PostgreSQL 65,535.
const VALUES: usize = 30_000;

/// One table, copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copied {
    pub table: String,
    pub rows: u64,
}

/// The database of an installation that nobody else works on.
pub struct Source {
    connection: DbConnection,
    place: String,
    /// Nobody runs roles on this file of SQLite, or begins to.
    _lock: Option<std::fs::File>,
}

impl Source {
    /// Takes the database of an installation for copying. Nothing is written there.
    ///
    /// # Errors
    /// If it does not answer, or if another process has it open: then says what to do.
    pub async fn take(url: &str) -> Result<Source> {
        let (place, mut lock) = (place(url)?, None);
        if let Some(path) = file(url)? {
            lock = lock_file(path).await?;
            if lock.is_none() {
                return Err(in_use(&place));
            }
        }
        let mut connection = DbConnection::connect(url).await?;
        connection.ensure_unused(&place).await?;
        Ok(Source { connection, place, _lock: lock })
    }

    /// Copies everything into the database at `url`, whose tables are made; tells `progress` how many rows are
    /// copied, and how many there are.
    ///
    /// # Errors
    /// If the target is not empty, a value does not arrive as it was, a database does not answer, or somebody
    /// began to work on this one. Then the target is empty; if its commit was not answered it may be complete.
    pub async fn copy_to(mut self, url: &str, progress: impl Fn(u64, u64)) -> Result<Vec<Copied>> {
        let there = place(url)?;
        match inspect(url).await? {
            Found::Nothing | Found::Installation { key: None, used: false } => {}
            Found::Installation { .. } => return Err(not_empty(&there)),
        }
        let made = Store::open(url).await?;
        if !made.is_sqlite() {
            // Else its connections would count as somebody's, where both are schemas of one database.
            made.close().await;
        }
        let mut target = DbConnection::connect(url).await?;
        let tables = common(&mut self.connection, &self.place, &mut target, &there).await?;
        self.connection.begin(&tables, TableLock::Read).await.map_err(|error| locked(error, &self.place))?;
        target.begin(&tables, TableLock::Write).await.map_err(|error| locked(error, &there))?;
        let mut total = 0;
        for table in &tables {
            if target.count(&table.name).await? > 0 {
                return Err(not_empty(&there));
            }
            total += self.connection.count(&table.name).await?;
        }
        let (mut copied, mut done) = (Vec::new(), 0);
        for table in &tables {
            let sum = table.copy(&mut self.connection, &mut target, |rows| progress(done + rows, total)).await;
            let sum = sum.map_err(|error| in_table(error, &table.name))?;
            let arrived = table.sum(&mut target).await.map_err(|error| in_table(error, &table.name))?;
            if sum != arrived {
                return Err(Error::Unfit(format!(
                    "the table {} did not arrive as it is: {} rows were read, {} are there",
                    table.name, sum.rows, arrived.rows
                )));
            }
            done += sum.rows;
            copied.push(Copied { table: table.name.clone(), rows: sum.rows });
        }
        self.connection.ensure_unused(&self.place).await?;
        target.run("COMMIT").await.map_err(|error| match error {
            Error::Unavailable(cause) | Error::Statement(cause) => Error::Commit(cause),
            other => other,
        })?;
        // From here on the copy stands, whatever else happens.
        if let Err(error) = target.analyze(&tables).await {
            tracing::warn!(cause = error.cause(), "the statistics of the new database could not be made");
        }
        _ = self.connection.run("ROLLBACK").await;
        target.close().await;
        self.connection.close().await;
        made.close().await;
        Ok(copied)
    }
}

/// What a locked table may be used for by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TableLock {
    /// They may read it.
    Read,
    /// Nothing: they would see half of it.
    Write,
}

/// How a column lies in its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Text,
    /// PostgreSQL's `json`, which keeps the text; in SQLite it is text.
    Json,
    Bytes,
    /// In SQLite its bytes.
    Uuid,
}

impl Kind {
    fn of(declared: &str, column: &str) -> Result<Kind> {
        Ok(match declared.to_ascii_lowercase().as_str() {
            "integer" | "bigint" => Kind::Integer,
            "text" => Kind::Text,
            "json" => Kind::Json,
            "blob" | "bytea" => Kind::Bytes,
            "uuid" => Kind::Uuid,
            other => return Err(Error::Unfit(format!("columns of type {other}, as {column}, are not copied yet"))),
        })
    }

    /// Whether a value of the one is a value of the other.
    fn fits(self, other: Kind) -> bool {
        let form = |kind| match kind {
            Kind::Integer => 0,
            Kind::Text | Kind::Json => 1,
            Kind::Bytes | Kind::Uuid => 2,
        };
        form(self) == form(other)
    }
}

/// A value on its way; without one it is null.
#[derive(Debug, Clone, Hash)]
enum Cell {
    Integer(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Cell {
    fn len(&self) -> usize {
        match self {
            Cell::Integer(_) => 8,
            Cell::Text(text) => text.as_ref().map_or(0, String::len),
            Cell::Bytes(bytes) => bytes.as_ref().map_or(0, Vec::len),
        }
    }
}

/// How many rows there were, and what they say in whatever order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Checksum {
    rows: u64,
    content: u64,
}

impl Checksum {
    fn add(&mut self, row: &[Cell]) {
        let mut hash = DefaultHasher::new();
        row.hash(&mut hash);
        self.rows += 1;
        self.content = self.content.wrapping_add(hash.finish());
    }
}

/// A table that both databases have.
struct Table {
    name: String,
    /// With their kinds in the source and in the target.
    columns: Vec<(String, Kind, Kind)>,
}

impl Table {
    async fn copy(&self, from: &mut DbConnection, to: &mut DbConnection, progress: impl Fn(u64)) -> Result<Checksum> {
        let most = ROWS.min(VALUES / self.columns.len().max(1));
        let (mut sum, mut batch, mut bytes) = (Checksum::default(), Vec::new(), 0);
        let mut rows = from.rows(self, self.columns.iter().map(|column| column.1).collect());
        while let Some(row) = rows.try_next().await? {
            sum.add(&row);
            bytes += row.iter().map(Cell::len).sum::<usize>();
            batch.push(row);
            if batch.len() >= most || bytes >= BYTES {
                to.insert(self, std::mem::take(&mut batch)).await?;
                bytes = 0;
                progress(sum.rows);
            }
        }
        if !batch.is_empty() {
            to.insert(self, batch).await?;
        }
        progress(sum.rows);
        Ok(sum)
    }

    async fn sum(&self, there: &mut DbConnection) -> Result<Checksum> {
        let mut sum = Checksum::default();
        let mut rows = there.rows(self, self.columns.iter().map(|column| column.2).collect());
        while let Some(row) = rows.try_next().await? {
            sum.add(&row);
        }
        Ok(sum)
    }
}

/// The tables of both, which must be the same with the same columns.
async fn common(source: &mut DbConnection, here: &str, target: &mut DbConnection, there: &str) -> Result<Vec<Table>> {
    let (names, others) = (source.tables().await?, target.tables().await?);
    if names != others {
        return Err(Error::Unfit(format!("{here} and {there} do not have the same tables")));
    }
    let mut tables = Vec::new();
    for name in names {
        let (ours, mut theirs) = (source.columns(&name).await?, target.columns(&name).await?);
        let mut columns = Vec::new();
        for (column, kind) in ours {
            let other = theirs.remove(&column).filter(|other| kind.fits(*other));
            let other = other.ok_or_else(|| differing(&name, &column))?;
            columns.push((column, kind, other));
        }
        if let Some((column, _)) = theirs.pop_first() {
            return Err(differing(&name, &column));
        }
        tables.push(Table { name, columns });
    }
    Ok(tables)
}

fn differing(table: &str, column: &str) -> Error {
    Error::Unfit(format!("the two databases do not agree about the column {table}.{column}"))
}

fn in_use(place: &str) -> Error {
    Error::Unfit(format!(
        "{place} is in use by another mittler process: stop the service and whatever else works on it first"
    ))
}

fn not_empty(place: &str) -> Error {
    Error::Unfit(format!("{place} is not empty: there is an installation in it already; nothing was written"))
}

/// What cannot be locked, somebody is writing to.
fn locked(error: Error, place: &str) -> Error {
    match error.cause().as_deref() {
        Some("55P03" | "5" | "517") => in_use(place),
        _ => error,
    }
}

/// Names the table where the database refused a statement. What it said may hold values, its code does not.
fn in_table(error: Error, table: &str) -> Error {
    match error {
        Error::Statement(_) => Error::Unfit(format!(
            "the table {table} could not be copied: the database refused a row ({})",
            error.cause().unwrap_or_default()
        )),
        other => other,
    }
}

/// A database in words, without a password.
fn place(url: &str) -> Result<String> {
    Ok(match file(url)? {
        Some(path) => format!("the database {}", path.display()),
        None => format!("the PostgreSQL database {}", postgres_options(url)?.get_database().unwrap_or_default()),
    })
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// One connection, for one long transaction.
struct DbConnection(Db<SqliteConnection, PgConnection>);

/// A row of either database by the kinds of its columns.
macro_rules! cells {
    ($row:expr, $kinds:expr) => {{
        let row = $row?;
        let cell = |(at, kind): (usize, &Kind)| -> sqlx::Result<Cell> {
            Ok(match kind {
                Kind::Integer => Cell::Integer(row.try_get(at)?),
                Kind::Text | Kind::Json => Cell::Text(row.try_get(at)?),
                Kind::Bytes => Cell::Bytes(row.try_get(at)?),
                Kind::Uuid => Cell::Bytes(row.try_get::<Option<Uuid>, _>(at)?.map(|id| id.into_bytes().to_vec())),
            })
        };
        $kinds.iter().enumerate().map(cell).collect::<sqlx::Result<Vec<Cell>>>().map_err(Error::from)
    }};
}

/// An INSERT of rows with the values of their columns bound.
macro_rules! insert {
    ($connection:expr, $table:expr, $rows:expr) => {{
        let names: Vec<String> = $table.columns.iter().map(|column| quoted(&column.0)).collect();
        let mut insert = QueryBuilder::new(format!("INSERT INTO {} ({}) ", quoted(&$table.name), names.join(", ")));
        insert.push_values($rows, |mut values, row| {
            for (cell, (_, _, kind)) in row.into_iter().zip(&$table.columns) {
                match (cell, kind) {
                    (Cell::Integer(value), _) => _ = values.push_bind(value),
                    (Cell::Text(value), Kind::Json) => {
                        values.push("CAST(").push_bind_unseparated(value).push_unseparated(" AS json)");
                    }
                    (Cell::Text(value), _) => _ = values.push_bind(value),
                    // What is no id is noticed when the table is read again.
                    (Cell::Bytes(value), Kind::Uuid) => {
                        _ = values.push_bind(value.map(|bytes| Uuid::from_slice(&bytes).unwrap_or_default()));
                    }
                    (Cell::Bytes(value), _) => _ = values.push_bind(value),
                }
            }
        });
        insert.build().execute($connection).await?;
    }};
}

impl DbConnection {
    async fn connect(url: &str) -> Result<DbConnection> {
        if let Some(path) = file(url)? {
            return Ok(DbConnection(Db::Sqlite(sqlite_options(path).connect().await?)));
        }
        let options = postgres_options(url)?
            .options([("lock_timeout", "5s")])
            .application_name("mittler move")
            .disable_statement_logging();
        Ok(DbConnection(Db::Postgres(options.connect().await?)))
    }

    fn db(&mut self) -> Db<&mut SqliteConnection, &mut PgConnection> {
        match &mut self.0 {
            Db::Sqlite(connection) => Db::Sqlite(connection),
            Db::Postgres(connection) => Db::Postgres(connection),
        }
    }

    async fn close(self) {
        _ = match self.0 {
            Db::Sqlite(connection) => connection.close().await,
            Db::Postgres(connection) => connection.close().await,
        };
    }

    async fn run(&mut self, sql: impl Into<String>) -> Result<()> {
        let sql = AssertSqlSafe(sql.into());
        match self.db() {
            Db::Sqlite(c) => _ = sqlx::raw_sql(sql).execute(c).await?,
            Db::Postgres(c) => _ = sqlx::raw_sql(sql).execute(c).await?,
        }
        Ok(())
    }

    /// That no other process of ours is connected. On SQLite the lock file says it, on PostgreSQL the server: whoever
    /// runs roles is always connected. One that has just ended may be on its list for a moment.
    async fn ensure_unused(&mut self, place: &str) -> Result<()> {
        let Db::Postgres(connection) = self.db() else { return Ok(()) };
        for _ in 0..LOOKS {
            let (others,): (i64,) = sqlx::query_as(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = 'mittler' AND pid <> pg_backend_pid()",
            )
            .fetch_one(&mut *connection)
            .await?;
            if others == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(in_use(place))
    }

    /// Begins the transaction, and keeps others from writing.
    async fn begin(&mut self, tables: &[Table], hold: TableLock) -> Result<()> {
        if let Db::Sqlite(_) = self.0 {
            return self.run("BEGIN IMMEDIATE").await;
        }
        let names: Vec<String> = tables.iter().map(|table| quoted(&table.name)).collect();
        let mode = match hold {
            TableLock::Read => "SHARE",
            TableLock::Write => "ACCESS EXCLUSIVE",
        };
        self.run(format!("BEGIN; LOCK TABLE {} IN {mode} MODE", names.join(", "))).await
    }

    async fn tables(&mut self) -> Result<Vec<String>> {
        let rows = fetch_either!(self, (String,), TABLES_OF_SQLITE, TABLES_OF_POSTGRES)?;
        Ok(rows.into_iter().map(|row| row.0).filter(|name| name != "_sqlx_migrations").collect())
    }

    async fn columns(&mut self, table: &str) -> Result<BTreeMap<String, Kind>> {
        let rows = fetch_either!(
            self,
            (String, String),
            "SELECT name, type FROM pragma_table_info($1)",
            "SELECT CAST(column_name AS text), CAST(data_type AS text) FROM information_schema.columns
             WHERE table_schema = current_schema() AND table_name = $1",
            table,
        )?;
        rows.into_iter().map(|(name, declared)| Ok((name.clone(), Kind::of(&declared, &name)?))).collect()
    }

    async fn count(&mut self, table: &str) -> Result<u64> {
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM {}", quoted(table)));
        let (rows,): (i64,) = match self.db() {
            Db::Sqlite(c) => sqlx::query_as(sql).fetch_one(c).await?,
            Db::Postgres(c) => sqlx::query_as(sql).fetch_one(c).await?,
        };
        Ok(rows.unsigned_abs())
    }

    /// All rows of a table, one after the other.
    fn rows<'c>(&'c mut self, table: &Table, kinds: Vec<Kind>) -> BoxStream<'c, Result<Vec<Cell>>> {
        let columns = table.columns.iter().zip(&kinds).map(|((name, _, _), kind)| match kind {
            Kind::Json => format!("CAST({} AS text)", quoted(name)),
            _ => quoted(name),
        });
        let columns: Vec<String> = columns.collect();
        let sql = AssertSqlSafe(format!("SELECT {} FROM {}", columns.join(", "), quoted(&table.name)));
        match self.db() {
            Db::Sqlite(c) => sqlx::query(sql).fetch(c).map(move |row| cells!(row, kinds)).boxed(),
            Db::Postgres(c) => sqlx::query(sql).fetch(c).map(move |row| cells!(row, kinds)).boxed(),
        }
    }

    async fn insert(&mut self, table: &Table, rows: Vec<Vec<Cell>>) -> Result<()> {
        match self.db() {
            Db::Sqlite(c) => insert!(c, table, rows),
            Db::Postgres(c) => insert!(c, table, rows),
        }
        Ok(())
    }

    /// PostgreSQL knows nothing of tables that were filled just now.
    async fn analyze(&mut self, tables: &[Table]) -> Result<()> {
        if let Db::Postgres(_) = self.0 {
            let names: Vec<String> = tables.iter().map(|table| quoted(&table.name)).collect();
            self.run(format!("ANALYZE {}", names.join(", "))).await?;
        }
        Ok(())
    }
}

/// Durable as the store itself.
fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(PathBuf::from(path))
        .create_if_missing(false)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY)
        .disable_statement_logging()
}
