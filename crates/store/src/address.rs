//! Where a database lies: a file, or a place on a PostgreSQL server.

use std::{path::Path, str::FromStr, time::Duration};

use sqlx::postgres::PgConnectOptions;

use crate::{Error, Result};

/// How long a database may take to answer at all.
pub(crate) const ANSWER: Duration = Duration::from_secs(5);

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

pub(crate) fn postgres_options(url: &str) -> Result<PgConnectOptions> {
    PgConnectOptions::from_str(url).map_err(|_| {
        Error::Unfit("the PostgreSQL URL cannot be read; it is postgres://user:password@host:port/name".into())
    })
}
