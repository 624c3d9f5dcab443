//! Questions for a person.

use std::collections::BTreeSet;

use mittler_core::{ConnectionId, RecordId, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Result, Store, Tx, id_rows};

stored! {
    /// Whether somebody has answered a question.
    pub enum ReviewState {
        Open = "open",
        Answered = "answered",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    pub candidates: Candidates<Json>,
    pub reason: String,
    pub state: ReviewState,
    pub asked_at: i64,
    pub answered_at: Option<i64>,
}

/// An answered question, with its answer.
#[derive(Debug, Clone, FromRow)]
pub struct AnsweredReview {
    pub id: Uuid,
    pub question: String,
    pub record: Uuid,
    pub answered_at: i64,
    pub answer: sqlx::types::Json<Json>,
}

/// Whom or what a stored question is about.
pub use sqlx::types::Json as Candidates;

#[derive(Serialize)]
struct TextRow<'a> {
    text: &'a str,
}

/// The records that a question calls into question.
pub fn candidates(candidates: &Json) -> Vec<RecordId> {
    let listed = candidates.get("records").and_then(Json::as_array).into_iter().flatten();
    listed.filter_map(|one| one.as_str()?.parse().ok()).collect()
}

/// The question about those candidates alone; one that is left without any is none.
pub(crate) fn with_candidates(review: &NewReview, keeps: impl Fn(RecordId) -> bool) -> Option<NewReview> {
    let before = candidates(&review.candidates);
    if before.is_empty() {
        return Some(review.clone());
    }
    let left: Vec<RecordId> = before.into_iter().filter(|one| keeps(*one)).collect();
    let mut review = review.clone();
    review.candidates["records"] = serde_json::json!(left);
    (!left.is_empty()).then_some(review)
}

// Asked within a write and outside of one alike.
const REVIEW: &str = "SELECT id, question, record, connection, candidates, reason, state, asked_at, answered_at FROM review WHERE id = $1";

impl Tx {
    /// Asks; a question that was asked before is not asked again, nor one about two that a person told
    /// apart, and one about a record that is no more - its person was forgotten meanwhile - is not
    /// asked at all.
    pub async fn ask(&mut self, reviews: &[NewReview]) -> Result<()> {
        if reviews.is_empty() {
            return Ok(());
        }
        let reviews = &self.still_open(reviews).await?;
        // Deleted, restored, and deleted again: that it was restored was no answer to this.
        rows!(self, reviews => (id uuid, asked_at bigint),
            "UPDATE review SET state = 'open', asked_at = r.asked_at, answered_at = NULL, answer = '{}' FROM",
            "WHERE review.id = r.id AND review.state = 'answered' AND CAST(review.answer AS text) LIKE '%restored_there%'")?;
        rows!(self, reviews => (id uuid, question text, record uuid, connection uuid, candidates json, reason text, asked_at bigint),
            "INSERT INTO review (id, question, record, connection, candidates, reason, state, asked_at, answer)
             SELECT id, question, record, connection, candidates, reason, 'open', asked_at, '{}' FROM",
            "WHERE EXISTS (SELECT 1 FROM record WHERE record.id = r.record) ON CONFLICT (id) DO NOTHING")?;
        Ok(())
    }

    /// Strikes records out of the candidates of questions about others; a question without
    /// candidates is none any more.
    pub(crate) async fn strike_candidates(&mut self, records: &[RecordId]) -> Result<u64> {
        #[derive(Serialize)]
        struct Row {
            id: Uuid,
            candidates: Json,
        }
        let gone: BTreeSet<String> = records.iter().map(ToString::to_string).collect();
        let texts: Vec<TextRow<'_>> = gone.iter().map(|text| TextRow { text }).collect();
        let named = rows_all!(self, (Uuid, sqlx::types::Json<Json>), &texts => (text text),
            "SELECT v.id, v.candidates FROM review v WHERE EXISTS (SELECT 1 FROM",
            "WHERE CAST(v.candidates AS text) LIKE '%' || r.text || '%')")?;
        let (mut changed, mut ended): (Vec<Row>, Vec<Uuid>) = (Vec::new(), Vec::new());
        for (id, sqlx::types::Json(mut candidates)) in named {
            let Some(listed) = candidates.get_mut("records").and_then(Json::as_array_mut) else { continue };
            listed.retain(|one| !one.as_str().is_some_and(|one| gone.contains(one)));
            if listed.is_empty() {
                ended.push(id);
            } else {
                changed.push(Row { id, candidates });
            }
        }
        if !changed.is_empty() {
            rows!(self, &changed => (id uuid, candidates json), "UPDATE review SET candidates = r.candidates FROM", "WHERE review.id = r.id")?;
        }
        if !ended.is_empty() {
            let ids = id_rows(ended.iter().copied());
            rows!(self, &ids => (id uuid), "DELETE FROM review WHERE id IN (SELECT r.id FROM", ")")?;
        }
        Ok((changed.len() + ended.len()) as u64)
    }

    /// A question, for whoever is about to answer it.
    pub async fn review(&mut self, id: Uuid) -> Result<Option<ReviewLine>> {
        Ok(fetch_all!(self, ReviewLine, REVIEW, id)?.into_iter().next())
    }

    /// Gives an answered question another id, so that it is asked again if it comes up again.
    pub async fn rename_review(&mut self, id: Uuid, new: Uuid) -> Result<()> {
        execute!(self, "UPDATE review SET id = $2 WHERE id = $1", id, new)?;
        Ok(())
    }

    /// Takes a person's answer, once.
    pub async fn answer(&mut self, id: Uuid, answer: &Json, now: Time) -> Result<bool> {
        Ok(execute!(
            self,
            "UPDATE review SET state = 'answered', answered_at = $2, answer = $3 WHERE id = $1 AND state = 'open'",
            id,
            now.0,
            crate::Document(&answer),
        )? == 1)
    }

    /// Asks an answered question again.
    pub async fn reopen_review(&mut self, id: Uuid) -> Result<()> {
        execute!(
            self,
            "UPDATE review SET state = 'open', answered_at = NULL, answer = '{}' WHERE id = $1 AND state = 'answered'",
            id
        )?;
        Ok(())
    }

    /// The open questions about a record.
    pub async fn open_reviews_of(&mut self, record: RecordId) -> Result<Vec<ReviewLine>> {
        fetch_all!(
            self,
            ReviewLine,
            "SELECT id, question, record, connection, candidates, reason, state, asked_at, answered_at FROM review
             WHERE record = $1 AND state = 'open' ORDER BY id",
            record.0,
        )
    }

    /// Ends the open questions of a kind about one record in one connection, because they have answered
    /// themselves.
    pub async fn answer_all(
        &mut self,
        record: RecordId,
        connection: ConnectionId,
        question: &str,
        answer: &Json,
        now: Time,
    ) -> Result<u64> {
        execute!(
            self,
            "UPDATE review SET state = 'answered', answered_at = $4, answer = $5
             WHERE record = $1 AND connection = $2 AND question = $3 AND state = 'open'",
            record.0,
            connection.0,
            question.to_owned(),
            now.0,
            crate::Document(&answer),
        )
    }
}

impl Store {
    pub async fn review(&self, id: Uuid) -> Result<Option<ReviewLine>> {
        Ok(fetch_all!(self, ReviewLine, REVIEW, id)?.into_iter().next())
    }

    pub async fn reviews_open(&self, after: Option<Uuid>, most: i64) -> Result<Vec<ReviewLine>> {
        fetch_all!(
            self,
            ReviewLine,
            "SELECT id, question, record, connection, candidates, reason, state, asked_at, answered_at FROM review
             WHERE state = 'open' AND id > $1 ORDER BY id LIMIT $2",
            after.unwrap_or_default(),
            most,
        )
    }

    /// Questions that were answered, the last ones first.
    pub async fn reviews_answered(&self, most: i64) -> Result<Vec<AnsweredReview>> {
        fetch_all!(
            self,
            AnsweredReview,
            "SELECT id, question, record, answered_at, answer FROM review
             WHERE answered_at IS NOT NULL ORDER BY answered_at DESC, id LIMIT $1",
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

    /// Open questions by kind, and since when the first of each is open.
    pub async fn reviews_by_question(&self) -> Result<Vec<(String, i64, i64)>> {
        fetch_all!(
            self,
            (String, i64, i64),
            "SELECT question, count(*), min(asked_at) FROM review WHERE state = 'open' GROUP BY question ORDER BY question",
        )
    }

    pub async fn review_count(&self) -> Result<i64> {
        let rows = fetch_all!(self, (i64,), "SELECT count(*) FROM review WHERE state = 'open'")?;
        Ok(rows.first().map_or(0, |row| row.0))
    }
}
