//! Who was forgotten and must not come back.

use mittler_core::Time;
use serde::Serialize;
use uuid::Uuid;

use crate::{Result, Store, Tx, id_rows};

/// A suppression entry.
#[derive(Serialize)]
struct Entry {
    hmac: Uuid,
    kind: &'static str,
    added_at: i64,
}

impl Tx {
    /// Keeps these from coming back.
    pub async fn suppress(&mut self, entries: &[(Uuid, &'static str)], now: Time) -> Result<u64> {
        let entry = |(hmac, kind): &(Uuid, &'static str)| Entry { hmac: *hmac, kind, added_at: now.0 };
        let rows: Vec<Entry> = entries.iter().map(entry).collect();
        rows!(self, &rows => (hmac uuid, kind text, added_at bigint),
            "INSERT INTO suppression (hmac, kind, added_at) SELECT hmac, kind, added_at FROM",
            "WHERE true ON CONFLICT (hmac) DO NOTHING")
    }

    /// Whether anybody is kept out at all, and whether anybody's data is restricted.
    pub async fn exceptions(&mut self) -> Result<(bool, bool)> {
        let rows = fetch_all!(
            self,
            (i64, i64),
            "SELECT (SELECT CAST(count(*) AS bigint) FROM (SELECT 1 FROM suppression LIMIT 1) AS kept_out),
                    (SELECT CAST(count(*) AS bigint) FROM (SELECT 1 FROM restriction LIMIT 1) AS restricted)",
        )?;
        Ok(rows.first().map_or((false, false), |(suppressed, restricted)| (*suppressed > 0, *restricted > 0)))
    }

    /// Which of these are suppressed.
    pub async fn suppressed(&mut self, hmacs: &[Uuid]) -> Result<Vec<Uuid>> {
        let ids = id_rows(hmacs.iter().copied());
        let rows =
            rows_all!(self, (Uuid,), &ids => (id uuid), "SELECT s.hmac FROM suppression s JOIN", "ON s.hmac = r.id")?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }
}

impl Store {
    pub async fn suppression_count(&self) -> Result<i64> {
        let rows = fetch_all!(self, (i64,), "SELECT count(*) FROM suppression")?;
        Ok(rows.first().map_or(0, |row| row.0))
    }
}
