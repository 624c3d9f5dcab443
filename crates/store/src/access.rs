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

/// What a call finds that reserves its Idempotency-Key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// Nobody had the key: the call is ours to do.
    Ours,
    /// Another call with the same content is at work, and its answer not known yet.
    InFlight,
    /// The key was used for other content.
    Other,
    Answered {
        status: i64,
        answer: Json,
    },
}

#[derive(FromRow)]
struct AnswerRow {
    fingerprint: Uuid,
    status: i64,
    answer: sqlx::types::Json<Json>,
}

/// Status of a key that is reserved and has no answer yet.
pub(crate) const RESERVED: i64 = 0;

/// A living session of a browser, or a link that nobody has used yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct SessionRow {
    /// The random id of the person who has it: each link makes a new one.
    pub operator: Uuid,
    /// `session`, `link`
    pub kind: String,
    pub ends_at: i64,
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
            crate::Document(scopes),
            now.0,
        )?;
        Ok(())
    }

    pub async fn revoke_api_key(&mut self, id: Uuid, now: Time) -> Result<bool> {
        Ok(execute!(self, "UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", id, now.0)? == 1)
    }

    /// Reserves a key for a call with this content, before anything of it is done. A reservation
    /// that is older than `stale` is taken over by the same content.
    pub async fn reserve_answer(&mut self, key: Uuid, fingerprint: Uuid, now: Time, stale: Time) -> Result<Reserved> {
        let ours = execute!(
            self,
            "INSERT INTO idempotency (key, fingerprint, status, answer, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (key) DO UPDATE SET created_at = excluded.created_at
             WHERE idempotency.status = excluded.status AND idempotency.fingerprint = excluded.fingerprint AND idempotency.created_at < $6",
            key,
            fingerprint,
            RESERVED,
            crate::Document(Json::Null),
            now.0,
            stale.0,
        )?;
        if ours == 1 {
            return Ok(Reserved::Ours);
        }
        let rows =
            fetch_all!(self, AnswerRow, "SELECT fingerprint, status, answer FROM idempotency WHERE key = $1", key)?;
        Ok(match rows.into_iter().next() {
            // Let go just now: whoever asks again finds it free.
            None => Reserved::InFlight,
            Some(row) if row.fingerprint != fingerprint => Reserved::Other,
            Some(row) if row.status == RESERVED => Reserved::InFlight,
            Some(row) => Reserved::Answered { status: row.status, answer: row.answer.0 },
        })
    }

    /// Remembers the answer to a call that reserved its key at a time, if the reservation is still
    /// its own.
    pub async fn put_answer(&mut self, key: Uuid, reserved_at: Time, status: i64, answer: &Json) -> Result<bool> {
        Ok(execute!(
            self,
            "UPDATE idempotency SET status = $3, answer = $4 WHERE key = $1 AND created_at = $2 AND status = $5",
            key,
            reserved_at.0,
            status,
            crate::Document(&answer),
            RESERVED,
        )? == 1)
    }

    /// Gives a reserved key back: the call was refused and may be corrected.
    pub async fn release_answer(&mut self, key: Uuid, reserved_at: Time) -> Result<bool> {
        Ok(execute!(
            self,
            "DELETE FROM idempotency WHERE key = $1 AND created_at = $2 AND status = $3",
            key,
            reserved_at.0,
            RESERVED,
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

    /// Ends the session or link of a person, or those of all; gives how many there were.
    pub async fn end_sessions(&mut self, operator: Option<Uuid>) -> Result<u64> {
        execute!(self, "DELETE FROM session WHERE $1 IS NULL OR operator = $1", operator)
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

    /// The sessions and links that open something, those that end last first.
    pub async fn sessions(&self, now: Time) -> Result<Vec<SessionRow>> {
        fetch_all!(
            self,
            SessionRow,
            "SELECT operator, kind, ends_at FROM session WHERE ends_at > $1 ORDER BY ends_at DESC, operator",
            now.0,
        )
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
