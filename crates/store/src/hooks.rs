//! What became of webhooks, counted: who is told of changes, and by whom refused.

use mittler_core::ConnectionId;
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Result, Store, Tx};

/// The webhooks of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct HookCount {
    pub connection: Uuid,
    pub taken: i64,
    /// 0: none came yet.
    pub last_taken_at: i64,
    pub refused: i64,
    pub last_refused_at: i64,
    /// Why the last one was refused.
    pub cause: Option<String>,
}

impl HookCount {
    pub fn none(connection: ConnectionId) -> HookCount {
        let connection = connection.0;
        HookCount { connection, taken: 0, last_taken_at: 0, refused: 0, last_refused_at: 0, cause: None }
    }

    /// Whether the last one that came was refused.
    pub fn is_refused(&self) -> bool {
        self.last_refused_at > self.last_taken_at
    }
}

impl Tx {
    /// Adds what came since the last time.
    pub async fn add_hook_counts(&mut self, counts: &[HookCount]) -> Result<()> {
        rows!(self, counts => (connection uuid, taken bigint, last_taken_at bigint, refused bigint, last_refused_at bigint, cause text),
            "INSERT INTO hook_count (connection, taken, last_taken_at, refused, last_refused_at, cause)
             SELECT connection, taken, last_taken_at, refused, last_refused_at, cause FROM",
            "WHERE true ON CONFLICT (connection) DO UPDATE SET
               taken = hook_count.taken + excluded.taken, refused = hook_count.refused + excluded.refused,
               last_taken_at = CASE WHEN excluded.last_taken_at > hook_count.last_taken_at
                                    THEN excluded.last_taken_at ELSE hook_count.last_taken_at END,
               last_refused_at = CASE WHEN excluded.last_refused_at > hook_count.last_refused_at
                                      THEN excluded.last_refused_at ELSE hook_count.last_refused_at END,
               cause = COALESCE(excluded.cause, hook_count.cause)")?;
        Ok(())
    }
}

impl Store {
    pub async fn hook_counts(&self) -> Result<Vec<HookCount>> {
        fetch_all!(
            self,
            HookCount,
            "SELECT connection, taken, last_taken_at, refused, last_refused_at, cause FROM hook_count",
        )
    }
}
