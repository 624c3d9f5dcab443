//! Questions for a person.

use mittler_core::{RecordId, Time};
use serde::Serialize;
use serde_json::Value as Json;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Result, Store, Tx};

#[derive(Debug, Clone, Serialize)]
pub struct NewReview {
    pub id: Uuid,
    /// `same_person`, `same_organisation`, `remote_duplicate`, `owner_unknown`, `deleted_there`.
    pub question: String,
    pub record: Uuid,
    pub connection: Option<Uuid>,
    pub candidates: Json,
    /// A stable code with what was met; no values.
    pub reason: String,
    pub asked_at: i64,
}

#[derive(Debug, Clone, Serialize, FromRow)]
pub struct ReviewLine {
    pub id: Uuid,
    pub question: String,
    pub record: Uuid,
    pub connection: Option<Uuid>,
    pub candidates: sqlx::types::Json<Json>,
    pub reason: String,
    pub state: String,
    pub asked_at: i64,
    pub answered_at: Option<i64>,
}

impl Tx {
    /// Asks; a question that was asked before is not asked again.
    pub async fn ask(&mut self, reviews: &[NewReview]) -> Result<()> {
        if reviews.is_empty() {
            return Ok(());
        }
        rows!(self, reviews => (id uuid, question text, record uuid, connection uuid, candidates jsonb, reason text, asked_at bigint),
            "INSERT INTO review (id, question, record, connection, candidates, reason, state, asked_at, answer)
             SELECT id, question, record, connection, candidates, reason, 'open', asked_at, '{}' FROM",
            "WHERE true ON CONFLICT (id) DO NOTHING")?;
        Ok(())
    }

    /// Takes a person's answer, once.
    pub async fn answer(&mut self, id: Uuid, answer: &Json, now: Time) -> Result<bool> {
        Ok(execute!(
            self,
            "UPDATE review SET state = 'answered', answered_at = $2, answer = $3 WHERE id = $1 AND state = 'open'",
            id,
            now.0,
            sqlx::types::Json(answer.clone()),
        )? == 1)
    }
}

impl Store {
    pub async fn reviews_open(&self, after: Option<Uuid>, most: i64) -> Result<Vec<ReviewLine>> {
        fetch_all!(
            self,
            ReviewLine,
            "SELECT id, question, record, connection, candidates, reason, state, asked_at, answered_at FROM review
             WHERE state = 'open' AND id > $1 ORDER BY id LIMIT $2",
            after.unwrap_or(Uuid::nil()),
            most,
        )
    }

    pub async fn reviews_of(&self, record: RecordId) -> Result<Vec<ReviewLine>> {
        fetch_all!(
            self,
            ReviewLine,
            "SELECT id, question, record, connection, candidates, reason, state, asked_at, answered_at FROM review
             WHERE record = $1 ORDER BY asked_at, id",
            record.0,
        )
    }

    pub async fn review_count(&self) -> Result<i64> {
        let rows = fetch_all!(self, (i64,), "SELECT count(*) FROM review WHERE state = 'open'")?;
        Ok(rows.first().map_or(0, |row| row.0))
    }
}
