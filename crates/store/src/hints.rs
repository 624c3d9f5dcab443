//! What the processes of one PostgreSQL database tell each other. Hints and no more: whoever misses one
//! finds out by looking. (On SQLite one process has all roles.)

use std::time::Duration;

use mittler_core::ConnectionId;
use serde::{Deserialize, Serialize};

use crate::{Db, Error, Result, Store};

const CHANNEL: &str = "mittler";
/// How long a database may keep silent about a hint.
const PATIENCE: Duration = Duration::from_secs(5);
/// After so much silence the connection is made anew: a server that fell silent never says so.
const SILENCE: Duration = Duration::from_mins(2);

/// What one process tells the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hint {
    /// There are jobs.
    Jobs,
    /// Links of these connections were made due, for whoever pushes them.
    Due {
        /// Which process says so: it knows already.
        by: u64,
        connections: Vec<ConnectionId>,
    },
}

impl Store {
    /// Tells the other processes.
    pub async fn hint(&self, hint: &Hint) -> Result<()> {
        if let Db::Postgres(pool) = self.db() {
            let text = serde_json::to_string(hint).unwrap_or_default();
            let told = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(text).execute(pool);
            tokio::time::timeout(PATIENCE, told).await.map_err(|_| Error::TooSlow)??;
        }
        Ok(())
    }

    /// Calls `heard` for each hint; for jobs also at first, and after each silence, since some may have
    /// been missed. Ends with the connection; on SQLite at once.
    pub async fn hear(&self, heard: impl Fn(Hint)) -> Result<()> {
        let Db::Postgres(pool) = self.db() else { return Ok(()) };
        loop {
            let mut listener = sqlx::postgres::PgListener::connect_with(pool).await?;
            listener.listen(CHANNEL).await?;
            heard(Hint::Jobs);
            while let Ok(told) = tokio::time::timeout(SILENCE, listener.try_recv()).await {
                let hint = told?.and_then(|told| serde_json::from_str(told.payload()).ok());
                heard(hint.unwrap_or(Hint::Jobs));
            }
        }
    }
}
