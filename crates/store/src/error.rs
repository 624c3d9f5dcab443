//! What can go wrong with the database, by what the caller does next.

use std::sync::Arc;

use sqlx::sqlite::SqliteError;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database does not answer, or the answer got lost. Worth repeating; a sender gets 503.
    #[error("the database is not available")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// A commit whose end is not known. Only idempotent statements make it harmless.
    #[error("the commit failed or its answer got lost")]
    Commit(#[source] Arc<sqlx::Error>),
    /// The statement itself was refused: a defect of ours.
    #[error("the database refused a statement")]
    Statement(#[source] Arc<sqlx::Error>),
    /// Another transaction was in the way; repeated up to the limit.
    #[error("the transaction conflicted with another")]
    Conflict(#[source] Arc<sqlx::Error>),
    /// Another writer was first with a key or record of ours: the same work again finds it.
    #[error("another writer was first")]
    Raced,
    #[error("a write took longer than its limit")]
    TooSlow,
    #[error("a write panicked")]
    Panicked,
    #[error("the store is closed")]
    Closed,
    /// A stored value cannot be read; names the column, never the value.
    #[error("a stored value cannot be read: {0}")]
    Corrupt(&'static str),
    /// The data directory or database is in use, or not fit for use.
    #[error("{0}")]
    Unfit(String),
}

impl Error {
    /// Whether the same call may succeed later without anybody acting.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Error::Unavailable(_)
                | Error::Commit(_)
                | Error::Conflict(_)
                | Error::Raced
                | Error::TooSlow
                | Error::Closed
        )
    }

    /// What the database said, for a log: its code and the constraint or column, never a value.
    pub fn cause(&self) -> Option<String> {
        let (Error::Unavailable(cause) | Error::Commit(cause) | Error::Statement(cause) | Error::Conflict(cause)) =
            self
        else {
            return None;
        };
        if let sqlx::Error::ColumnDecode { index, .. } = &**cause {
            return Some(format!("column {index} cannot be decoded"));
        }
        let database = cause.as_database_error()?;
        let code = database.code().unwrap_or_default();
        // SQLite names no constraint but the columns of it, in a message that has no values.
        let message = database.message();
        let columns = message.split_once("constraint failed: ").map(|(_, columns)| columns);
        let constraint =
            database.constraint().or(columns.filter(|_| database.try_downcast_ref::<SqliteError>().is_some()));
        Some(constraint.map_or_else(|| code.to_string(), |constraint| format!("{code} {constraint}")))
    }

    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Error::Conflict(_) | Error::Raced)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code =
            error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned);
        match (&error, code.as_deref()) {
            (_, Some("40001" | "40P01")) => Error::Conflict(Arc::new(error)),
            // Server stopping, starting, too many connections, disk full; SQLite busy, full, I/O.
            (_, Some(code))
                if code.starts_with("57P") || code.starts_with("53") || code.starts_with("08") || code == "25P03" =>
            {
                Error::Unavailable(Arc::new(error))
            }
            (_, Some("5" | "6" | "10" | "13" | "261" | "517" | "778" | "3850")) => Error::Unavailable(Arc::new(error)),
            (sqlx::Error::Database(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_), _) => {
                Error::Statement(Arc::new(error))
            }
            _ => Error::Unavailable(Arc::new(error)),
        }
    }
}
