//! Sealed secrets of connections. Their version is the fence of a refresh.

use mittler_core::{ConnectionId, Time};
use sqlx::FromRow;

use crate::{Bytes, Result, Store, Tx};

/// A sealed secret with its version: the fence of a refresh.
#[derive(Debug, Clone, FromRow)]
pub struct SecretRow {
    pub sealed: Vec<u8>,
    pub version: i64,
    pub expires_at: i64,
    pub refresh_until: i64,
}

impl Tx {
    /// Makes the row of a secret that is still to be fetched, so that one process can hold its lease.
    pub async fn begin_secret(&mut self, connection: ConnectionId, name: &str) -> Result<()> {
        execute!(
            self,
            "INSERT INTO secret (connection, name, sealed, version, expires_at, refresh_until) VALUES ($1, $2, $3, 0, 0, 0)
             ON CONFLICT (connection, name) DO NOTHING",
            connection.0,
            name.to_owned(),
            Vec::<u8>::new(),
        )?;
        Ok(())
    }

    /// Stores a secret as its first version, or over the version that was read.
    pub async fn put_secret(
        &mut self,
        connection: ConnectionId,
        name: &str,
        sealed: Bytes,
        expires: Time,
        over: Option<i64>,
    ) -> Result<bool> {
        if let Some(version) = over {
            return Ok(execute!(
                self,
                "UPDATE secret SET sealed = $3, version = version + 1, expires_at = $4, refresh_until = 0
                 WHERE connection = $1 AND name = $2 AND version = $5",
                connection.0,
                name.to_owned(),
                sealed.0,
                expires.0,
                version,
            )? == 1);
        }
        execute!(
            self,
            "INSERT INTO secret (connection, name, sealed, version, expires_at, refresh_until) VALUES ($1, $2, $3, 1, $4, 0)
             ON CONFLICT (connection, name) DO UPDATE SET sealed = excluded.sealed, version = secret.version + 1,
               expires_at = excluded.expires_at, refresh_until = 0",
            connection.0,
            name.to_owned(),
            sealed.0,
            expires.0,
        )?;
        Ok(true)
    }

    /// Takes the refresh lease of a secret; `false` if another process refreshes it.
    pub async fn lease_refresh(
        &mut self,
        connection: ConnectionId,
        name: &str,
        version: i64,
        now: Time,
        until: Time,
    ) -> Result<bool> {
        Ok(execute!(
            self,
            "UPDATE secret SET refresh_until = $5 WHERE connection = $1 AND name = $2 AND version = $3 AND refresh_until <= $4",
            connection.0,
            name.to_owned(),
            version,
            now.0,
            until.0,
        )? == 1)
    }

    pub async fn release_refresh(&mut self, connection: ConnectionId, name: &str, version: i64) -> Result<()> {
        execute!(
            self,
            "UPDATE secret SET refresh_until = 0 WHERE connection = $1 AND name = $2 AND version = $3",
            connection.0,
            name.to_owned(),
            version,
        )?;
        Ok(())
    }
}

impl Store {
    pub async fn secret(&self, connection: ConnectionId, name: &str) -> Result<Option<SecretRow>> {
        let rows = fetch_all!(
            self,
            SecretRow,
            "SELECT sealed, version, expires_at, refresh_until FROM secret WHERE connection = $1 AND name = $2",
            connection.0,
            name.to_owned(),
        )?;
        Ok(rows.into_iter().next())
    }
}
