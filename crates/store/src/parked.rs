//! Events of accounts that have no connection: ids, kept until there is one.

use mittler_core::Time;
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Result, Store, Tx, id_rows};

#[derive(Debug, Clone, Serialize, FromRow)]
pub struct ParkedHook {
    pub id: Uuid,
    pub crm: String,
    pub account: String,
    pub remote_type: String,
    pub remote_id: String,
    /// The vendor's name for the event.
    pub event: String,
    pub event_at: i64,
    pub parked_at: i64,
    pub code: String,
    /// 1: the record was erased there.
    pub erased: i64,
}

/// Parked events by account.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct ParkedCount {
    pub crm: String,
    pub account: String,
    pub code: String,
    pub count: i64,
    pub first_at: i64,
    pub last_at: i64,
}

impl Tx {
    pub async fn park_hooks(&mut self, parked: &[ParkedHook]) -> Result<()> {
        if parked.is_empty() {
            return Ok(());
        }
        rows!(self, parked => (id uuid, crm text, account text, remote_type text, remote_id text, event text, event_at bigint, parked_at bigint, code text, erased bigint),
            "INSERT INTO parked_hook (id, crm, account, remote_type, remote_id, event, event_at, parked_at, code, erased)
             SELECT id, crm, account, remote_type, remote_id, event, event_at, parked_at, code, erased FROM",
            "WHERE true ON CONFLICT (id) DO NOTHING")?;
        Ok(())
    }

    pub async fn unpark_hooks(&mut self, ids: &[Uuid]) -> Result<u64> {
        let ids = id_rows(ids.iter().copied());
        rows!(self, &ids => (id uuid), "DELETE FROM parked_hook WHERE id IN (SELECT r.id FROM", ")")
    }

    pub(crate) async fn end_parked_hooks(&mut self, before: Time, most: i64) -> Result<u64> {
        execute!(
            self,
            "DELETE FROM parked_hook WHERE id IN (SELECT id FROM parked_hook WHERE parked_at < $1 ORDER BY parked_at LIMIT $2)",
            before.0,
            most,
        )
    }
}

impl Store {
    pub async fn parked_hooks(&self, after: Uuid, most: i64) -> Result<Vec<ParkedHook>> {
        fetch_all!(
            self,
            ParkedHook,
            "SELECT id, crm, account, remote_type, remote_id, event, event_at, parked_at, code, erased FROM parked_hook
             WHERE id > $1 ORDER BY id LIMIT $2",
            after,
            most,
        )
    }

    pub async fn parked_counts(&self) -> Result<Vec<ParkedCount>> {
        fetch_all!(
            self,
            ParkedCount,
            "SELECT crm, account, code, count(*) AS count, min(event_at) AS first_at, max(event_at) AS last_at FROM parked_hook
             GROUP BY crm, account, code ORDER BY crm, account, code LIMIT 200",
        )
    }
}
