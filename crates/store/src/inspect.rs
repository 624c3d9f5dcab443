//! What lies at a database's address, looked at before anything is written there: nothing, Mittler's tables, or
//! something that Mittler must not touch - another program's tables, a newer Mittler's, a damaged file.

use std::path::Path;

use sqlx::{
    ConnectOptions, Connection,
    migrate::Migrator,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};

use crate::{
    Error, Result,
    address::{ANSWER, file, postgres_options},
    tables::{POSTGRES, SQLITE, TABLES_OF_POSTGRES, TABLES_OF_SQLITE},
};

/// The setting that says with which key an installation was made; see `mittler_sync::Keys::fingerprint`.
pub const KEY_FINGERPRINT: &str = "key_fingerprint";

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// No database, or one without tables.
    Nothing,
    Installation {
        /// The fingerprint of the key that it was made with; databases of before it was kept have none.
        key: Option<String>,
        /// Whether anything was ever kept in it for which a key matters.
        used: bool,
    },
}

/// Looks at a database and writes nothing.
///
/// # Errors
/// If it does not answer, or is none that this program may work with: then says what to do.
pub async fn inspect(url: &str) -> Result<Found> {
    match file(url)? {
        Some(path) => inspect_sqlite(path).await,
        None => inspect_postgres(&postgres_options(url)?).await,
    }
}

/// Reads every page of an SQLite file and says what is damaged; PostgreSQL looks after its own.
///
/// # Errors
/// If the file cannot be opened.
pub async fn damage(url: &str) -> Result<Option<String>> {
    let Some(path) = file(url)? else { return Ok(None) };
    let mut connection = open_read_only(path).await?;
    let said = sqlx::query_as::<_, (String,)>("PRAGMA quick_check(1)").fetch_all(&mut connection).await;
    let said = said.map_err(|error| unreadable(path, error))?.into_iter().next().map(|row| row.0).unwrap_or_default();
    _ = connection.close().await;
    Ok((said != "ok").then_some(said))
}

async fn open_read_only(path: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .create_if_missing(false)
        .busy_timeout(ANSWER)
        .disable_statement_logging();
    options.connect().await.map_err(|error| unreadable(path, error))
}

/// An SQLite file that cannot be read, in words if somebody has to act.
fn unreadable(path: &Path, error: sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default().into_owned();
    let kind = code.parse::<i64>().map_or(0, |code| code & 0xff);
    let path = path.display();
    match kind {
        11 => Error::Unfit(format!(
            "the database {path} is damaged (SQLite: malformed); restore the latest backup. Keep the damaged file: \
             sqlite3 and its .recover may read what the backup lacks"
        )),
        26 => Error::Unfit(format!(
            "{path} is no SQLite database, or its beginning is damaged; check server.database, or restore the backup"
        )),
        _ => Error::from(error),
    }
}

pub(crate) async fn inspect_sqlite(path: &Path) -> Result<Found> {
    // SQLite takes an empty file for an empty database.
    if std::fs::metadata(path).is_ok_and(|file| file.len() == 0) || !path.exists() {
        return Ok(Found::Nothing);
    }
    let mut connection = open_read_only(path).await?;
    let found = async {
        let tables: Vec<(String,)> = sqlx::query_as(TABLES_OF_SQLITE).fetch_all(&mut connection).await?;
        let tables: Vec<String> = tables.into_iter().map(|row| row.0).collect();
        let steps = if tables.iter().any(|table| table == "_sqlx_migrations") {
            sqlx::query_as(STEPS).fetch_all(&mut connection).await?
        } else {
            Vec::new()
        };
        if !is_installation(&SQLITE, &path.display().to_string(), &tables, &steps)? {
            return Ok(Found::Nothing);
        }
        let key: Option<(String,)> = sqlx::query_as(KEY).bind(KEY_FINGERPRINT).fetch_optional(&mut connection).await?;
        let (used,): (i64,) = sqlx::query_as(USED).fetch_one(&mut connection).await?;
        Ok(Found::Installation { key: key.map(|row| row.0), used: used != 0 })
    }
    .await;
    _ = connection.close().await;
    found.map_err(|stop| match stop {
        Stop::Refused(error) => error,
        Stop::Database(error) => unreadable(path, error),
    })
}

pub(crate) async fn inspect_postgres(options: &PgConnectOptions) -> Result<Found> {
    let options = options.clone().application_name("mittler").disable_statement_logging();
    let connected = tokio::time::timeout(ANSWER, options.connect()).await;
    let mut connection = connected.map_err(|_| Error::TooSlow)??;
    let found = async {
        let tables: Vec<(String,)> = sqlx::query_as(TABLES_OF_POSTGRES).fetch_all(&mut connection).await?;
        let tables: Vec<String> = tables.into_iter().map(|row| row.0).collect();
        let steps = if tables.iter().any(|table| table == "_sqlx_migrations") {
            sqlx::query_as(STEPS).fetch_all(&mut connection).await?
        } else {
            Vec::new()
        };
        let place = format!("the PostgreSQL database {}", options.get_database().unwrap_or_default());
        if !is_installation(&POSTGRES, &place, &tables, &steps)? {
            return Ok(Found::Nothing);
        }
        let key: Option<(String,)> = sqlx::query_as(KEY).bind(KEY_FINGERPRINT).fetch_optional(&mut connection).await?;
        let (used,): (i64,) = sqlx::query_as(USED).fetch_one(&mut connection).await?;
        Ok(Found::Installation { key: key.map(|row| row.0), used: used != 0 })
    };
    let found = tokio::time::timeout(ANSWER, found).await.map_err(|_| Error::TooSlow)?;
    _ = tokio::time::timeout(ANSWER, connection.close()).await;
    found.map_err(|stop| match stop {
        Stop::Refused(error) => error,
        Stop::Database(error) => error.into(),
    })
}

const STEPS: &str = "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version";
const KEY: &str = "SELECT value FROM setting WHERE name = $1";
const USED: &str = "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM signal) OR EXISTS (SELECT 1 FROM record)
                    OR EXISTS (SELECT 1 FROM secret) OR EXISTS (SELECT 1 FROM suppression) THEN 1 ELSE 0 END AS bigint)";

/// Why a look ended early.
enum Stop {
    Refused(Error),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Stop {
        Stop::Database(error)
    }
}

/// Whether these tables are an installation's; `false` if there are none yet.
fn is_installation(
    known: &Migrator,
    place: &str,
    tables: &[String],
    steps: &[(i64, Vec<u8>)],
) -> std::result::Result<bool, Stop> {
    let others = || tables.iter().filter(|table| *table != "_sqlx_migrations");
    let Some((first, checksum)) = steps.first() else {
        if others().next().is_none() {
            return Ok(false);
        }
        let some: Vec<&str> = others().take(3).map(String::as_str).collect();
        return Err(Stop::Refused(Error::Unfit(format!(
            "{place} belongs to another program: it has the tables {} ...; nothing was written. Give Mittler a database \
             of its own, and check server.database",
            some.join(", ")
        ))));
    };
    let begins_alike = known.iter().next().is_some_and(|ours| ours.version == *first && *ours.checksum == **checksum);
    if !begins_alike {
        return Err(Stop::Refused(Error::Unfit(format!(
            "{place} belongs to another program, or to a Mittler of before its first release: its tables were made in \
             another way; nothing was written. Give Mittler a database of its own, and check server.database"
        ))));
    }
    let newest = known.iter().map(|step| step.version).max().unwrap_or(0);
    match steps.iter().map(|step| step.0).max() {
        Some(theirs) if theirs > newest => Err(Stop::Refused(Error::Unfit(format!(
            "{place} was brought up to date by a newer Mittler (its tables are at step {theirs}, this program knows \
             {newest}); nothing was written. Run that version, or restore the backup from before the update"
        )))),
        _ => Ok(true),
    }
}
