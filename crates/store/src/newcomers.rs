//! Companies that appeared in a CRM a moment ago. A CRM whose search lags does not show them yet: they are known
//! because a hook told of them, or because Mittler made them.

use mittler_core::{ConnectionId, Time};
use serde::Serialize;
use uuid::Uuid;

use crate::{Result, Store, Tx};

/// So many are looked at.
const MOST: i64 = 500;

impl Tx {
    /// Notes remote ids, and forgets those noted before `kept_since`. Gives those that were not noted yet.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn note_newcomers(
        &mut self,
        connection: ConnectionId,
        remote_type: &str,
        ids: &[String],
        kept_since: Time,
        now: Time,
    ) -> Result<Vec<String>> {
        #[derive(Serialize)]
        struct Row<'a> {
            connection: Uuid,
            remote_type: &'a str,
            remote_id: &'a str,
            noted_at: i64,
        }
        execute!(self, "DELETE FROM newcomer WHERE connection = $1 AND noted_at < $2", connection.0, kept_since.0)?;
        let mut rows: Vec<Row<'_>> = ids
            .iter()
            .map(|id| Row { connection: connection.0, remote_type, remote_id: id, noted_at: now.0 })
            .collect();
        rows.sort_by_key(|row| row.remote_id);
        let noted = rows_all!(self, (String,), &rows => (connection uuid, remote_type text, remote_id text, noted_at bigint),
            "INSERT INTO newcomer (connection, remote_type, remote_id, noted_at)
             SELECT r.connection, r.remote_type, r.remote_id, r.noted_at FROM",
            "WHERE true ON CONFLICT DO NOTHING RETURNING remote_id")?;
        Ok(noted.into_iter().map(|row| row.0).collect())
    }
}

impl Store {
    /// The remote ids that were noted since a time, the newest first.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn newcomers(&self, connection: ConnectionId, remote_type: &str, since: Time) -> Result<Vec<String>> {
        let rows = fetch_all!(
            self,
            (String,),
            "SELECT remote_id FROM newcomer WHERE connection = $1 AND remote_type = $2 AND noted_at >= $3
             ORDER BY noted_at DESC, remote_id LIMIT $4",
            connection.0,
            remote_type.to_owned(),
            since.0,
            MOST,
        )?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }
}
