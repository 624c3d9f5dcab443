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
    /// The write-ahead log could not be emptied, because reads were under way all the time.
    #[error("the write-ahead log is still being read, so what was erased is in it yet; try again")]
    Busy,
    /// A rehearsal ended: [`Store::rehearse`](crate::Store::rehearse) keeps nothing, and nobody else meets this.
    #[error("it was a rehearsal, and nothing of it was kept")]
    Rehearsed,
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
                | Error::Busy
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

/// What a code of the database says. PostgreSQL's have five places, SQLite's are numbers, the
/// lowest byte of which is the kind.
fn says(code: &str) -> Option<fn(Arc<sqlx::Error>) -> Error> {
    if code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Some(match &code[..2] {
            _ if matches!(code, "40001" | "40P01") => Error::Conflict,
            // A plan made before the tables changed, a statement the server has forgotten: the same
            // call succeeds next time.
            "22" | "23" | "42" => Error::Statement,
            // All else is the server's state, not the statement's fault: stopping, starting, a
            // limit of connections, memory, disk or time, a lock that was not to be had.
            _ => Error::Unavailable,
        });
    }
    let code: i64 = code.parse().ok()?;
    Some(match code & 0xff {
        // Busy, locked, out of memory, read-only, I/O, damaged, full, cannot open.
        5 | 6 | 7 | 8 | 10 | 11 | 13 | 14 | 26 => Error::Unavailable,
        _ => Error::Statement,
    })
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code =
            error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned);
        let kind = code.as_deref().and_then(says).unwrap_or(match &error {
            sqlx::Error::Database(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::Encode(_)
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::RowNotFound => Error::Statement,
            _ => Error::Unavailable,
        });
        kind(Arc::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(code: &str) -> &'static str {
        match says(code).map(|kind| kind(Arc::new(sqlx::Error::RowNotFound))) {
            Some(Error::Conflict(_)) => "conflict",
            Some(Error::Unavailable(_)) => "passing",
            Some(Error::Statement(_)) => "ours",
            _ => "nothing",
        }
    }

    #[test]
    fn what_passes_by_itself_is_no_defect_of_a_statement() {
        // SQLite: busy, busy snapshot, I/O of a write, of a sync, of a lock, full, cannot open.
        for code in ["5", "517", "778", "1034", "3850", "13", "14", "526", "7", "8", "1032"] {
            assert_eq!(kind(code), "passing", "{code}");
        }
        // PostgreSQL: cancelled, lock not to be had, disk full, I/O, stopping, a stale plan, a
        // forgotten statement, connection lost, read-only after a failover, idle too long.
        for code in ["57014", "55P03", "53100", "58030", "57P01", "0A000", "26000", "08006", "25006", "25P03"] {
            assert_eq!(kind(code), "passing", "{code}");
        }
        assert_eq!((kind("40001"), kind("40P01")), ("conflict", "conflict"));
        for code in ["22P05", "23505", "23502", "42703", "42P01", "1", "19", "2067", "1555", "20", "25"] {
            assert_eq!(kind(code), "ours", "{code}");
        }
    }
}
