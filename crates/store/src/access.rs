//! Who may call: API keys, one-time links, sessions; and what was answered to repeated calls.

use mittler_core::Time;
use serde::Serialize;
use serde_json::Value as Json;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Result, Store, Tx};

#[derive(Debug, Clone, Serialize, FromRow)]
pub struct ApiKey {
    pub id: Uuid,
    pub label: String,
    pub scopes: sqlx::types::Json<Vec<String>>,
    pub created_at: i64,
    pub revoked_at: Option<i64>,
}

/// An answer that was given to a call with an Idempotency-Key.
#[derive(Debug, Clone, FromRow)]
pub struct Answered {
    pub fingerprint: Uuid,
    pub status: i64,
    pub answer: sqlx::types::Json<Json>,
}

impl Tx {
    /// `hash` is the SHA-256 of the key, in hex; the key itself is shown once and not kept.
    pub async fn put_api_key(&mut self, id: Uuid, label: &str, hash: &str, scopes: &[String], now: Time) -> Result<()> {
        execute!(
            self,
            "INSERT INTO api_key (id, label, hash, scopes, created_at) VALUES ($1, $2, $3, $4, $5)",
            id,
            label.to_owned(),
            hash.to_owned(),
            sqlx::types::Json(scopes.to_vec()),
            now.0,
        )?;
        Ok(())
    }

    pub async fn revoke_api_key(&mut self, id: Uuid, now: Time) -> Result<bool> {
        Ok(execute!(self, "UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", id, now.0)? == 1)
    }

    /// Remembers an answer; the first one for a key stays.
    pub async fn put_answer(
        &mut self,
        key: Uuid,
        fingerprint: Uuid,
        status: i64,
        answer: &Json,
        now: Time,
    ) -> Result<bool> {
        Ok(execute!(
            self,
            "INSERT INTO idempotency (key, fingerprint, status, answer, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (key) DO NOTHING",
            key,
            fingerprint,
            status,
            sqlx::types::Json(answer.clone()),
            now.0,
        )? == 1)
    }

    pub async fn put_session(&mut self, hash: &str, kind: &str, operator: Uuid, ends: Time) -> Result<()> {
        execute!(
            self,
            "INSERT INTO session (hash, kind, operator, ends_at) VALUES ($1, $2, $3, $4)",
            hash.to_owned(),
            kind.to_owned(),
            operator,
            ends.0,
        )?;
        Ok(())
    }

    /// Uses up a one-time link; gives its operator the first time, before it ends.
    pub async fn use_link(&mut self, hash: &str, now: Time) -> Result<Option<Uuid>> {
        let rows = fetch_all!(
            self,
            (Uuid,),
            "DELETE FROM session WHERE hash = $1 AND kind = 'link' AND ends_at > $2 RETURNING operator",
            hash.to_owned(),
            now.0,
        )?;
        Ok(rows.into_iter().next().map(|row| row.0))
    }

    pub async fn end_session(&mut self, hash: &str) -> Result<()> {
        execute!(self, "DELETE FROM session WHERE hash = $1", hash.to_owned())?;
        Ok(())
    }
}

impl Store {
    /// The living key with this hash.
    pub async fn api_key(&self, hash: &str) -> Result<Option<ApiKey>> {
        let rows = fetch_all!(
            self,
            ApiKey,
            "SELECT id, label, scopes, created_at, revoked_at FROM api_key WHERE hash = $1 AND revoked_at IS NULL",
            hash.to_owned(),
        )?;
        Ok(rows.into_iter().next())
    }

    pub async fn api_keys(&self) -> Result<Vec<ApiKey>> {
        fetch_all!(
            self,
            ApiKey,
            "SELECT id, label, scopes, created_at, revoked_at FROM api_key ORDER BY created_at, id"
        )
    }

    pub async fn answered(&self, key: Uuid) -> Result<Option<Answered>> {
        let rows =
            fetch_all!(self, Answered, "SELECT fingerprint, status, answer FROM idempotency WHERE key = $1", key)?;
        Ok(rows.into_iter().next())
    }

    /// The operator of a living session.
    pub async fn session(&self, hash: &str, now: Time) -> Result<Option<Uuid>> {
        let rows = fetch_all!(
            self,
            (Uuid,),
            "SELECT operator FROM session WHERE hash = $1 AND kind = 'session' AND ends_at > $2",
            hash.to_owned(),
            now.0,
        )?;
        Ok(rows.into_iter().next().map(|row| row.0))
    }
}
