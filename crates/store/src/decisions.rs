//! What a person decided of two records.

use std::collections::BTreeSet;

use mittler_core::{Kind, RecordId, Time};
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Result, Store, Tx, id_rows,
    merges::MergeTrail,
    reviews::{NewReview, with_candidates},
};

pub use crate::reviews::candidates;

/// A person's word on two records.
#[derive(Debug, Clone, Serialize)]
pub struct NewDecision {
    pub id: Uuid,
    /// `same`: `other` becomes `record`. `different`: they are two. `left_out`: `record` is kept out of the
    /// connection `other`.
    pub verdict: String,
    pub review: Uuid,
    pub record: Uuid,
    pub other: Uuid,
    pub decided_by: String,
    pub decided_at: i64,
}

#[derive(Debug, Clone, FromRow)]
pub struct Decision {
    pub id: Uuid,
    pub verdict: String,
    pub review: Uuid,
    pub record: Uuid,
    pub other: Uuid,
    pub decided_by: String,
    pub decided_at: i64,
    /// When it was taken back.
    pub undone_at: Option<i64>,
    /// Not 0: `record` has become another one since.
    pub went_on: i64,
    pub moved: sqlx::types::Json<MergeTrail>,
}

macro_rules! decisions {
    ($which:literal) => {
        concat!(
            "SELECT id, verdict, review, record, other, decided_by, decided_at, undone_at, moved,
                    CAST((SELECT count(*) FROM record WHERE record.id = decision.record AND merged_into IS NOT NULL) AS bigint) AS went_on
             FROM decision ",
            $which
        )
    };
}

// Asked within a write and outside of one alike.
const DECISION: &str = decisions!("WHERE id = $1");
const STANDING: &str = decisions!("WHERE review = $1 AND undone_at IS NULL ORDER BY decided_at, id");
const SURVIVOR: &str = "SELECT merged_into FROM record WHERE id = $1";

fn survivor(rows: Vec<(Option<Uuid>,)>, id: RecordId) -> RecordId {
    rows.into_iter().next().and_then(|row| row.0).map_or(id, RecordId)
}

impl Tx {
    pub async fn decide(&mut self, decisions: &[NewDecision]) -> Result<()> {
        rows!(self, decisions => (id uuid, verdict text, review uuid, record uuid, other uuid, decided_by text, decided_at bigint),
            "INSERT INTO decision (id, verdict, review, record, other, decided_by, decided_at, moved)
             SELECT id, verdict, review, record, other, decided_by, decided_at, '{}' FROM", "WHERE true ON CONFLICT (id) DO NOTHING")?;
        Ok(())
    }

    pub async fn decision(&mut self, id: Uuid) -> Result<Option<Decision>> {
        Ok(fetch_all!(self, Decision, DECISION, id)?.into_iter().next())
    }

    /// Decisions that an answer led to and that stand.
    pub async fn standing_decisions(&mut self, review: Uuid) -> Result<Vec<Decision>> {
        fetch_all!(self, Decision, STANDING, review)
    }

    /// Takes back what an answer decided. Waits for a merge that is under way.
    pub async fn undo_decisions(&mut self, review: Uuid, now: Time) -> Result<()> {
        execute!(self, "UPDATE decision SET undone_at = $2 WHERE review = $1 AND undone_at IS NULL", review, now.0)?;
        Ok(())
    }

    /// A decision that was taken back stands after all.
    pub async fn redo_decision(&mut self, id: Uuid) -> Result<()> {
        execute!(self, "UPDATE decision SET undone_at = NULL WHERE id = $1", id)?;
        Ok(())
    }

    /// For each of these records those that a person called another one.
    pub async fn told_apart(&mut self, records: &[RecordId]) -> Result<BTreeSet<(RecordId, RecordId)>> {
        let ids = id_rows(records.iter().map(|id| id.0));
        let pairs = rows_all!(self, (Uuid, Uuid), &ids => (id uuid),
            "SELECT d.record, d.other FROM", "JOIN decision d ON (d.record = r.id OR d.other = r.id) WHERE d.verdict = 'different' AND d.undone_at IS NULL ORDER BY d.id")?;
        Ok(pairs.into_iter().flat_map(|(a, b)| [(RecordId(a), RecordId(b)), (RecordId(b), RecordId(a))]).collect())
    }

    /// Without the candidates that a person told apart from what the question is about; a question
    /// that loses all of them is none.
    pub(crate) async fn still_open(&mut self, reviews: &[NewReview]) -> Result<Vec<NewReview>> {
        let asked: Vec<RecordId> = reviews
            .iter()
            .filter(|review| !candidates(&review.candidates).is_empty())
            .map(|review| RecordId(review.record))
            .collect();
        if asked.is_empty() {
            return Ok(reviews.to_vec());
        }
        let apart = self.told_apart(&asked).await?;
        Ok(reviews.iter().filter_map(|review| strike(review, &apart)).collect())
    }

    /// What a record has become.
    pub async fn survivor(&mut self, id: RecordId) -> Result<RecordId> {
        Ok(survivor(fetch_all!(self, (Option<Uuid>,), SURVIVOR, id.0)?, id))
    }

    /// Living records that are about a person.
    pub async fn ids_about(&mut self, person: RecordId) -> Result<Vec<RecordId>> {
        let rows = fetch_all!(
            self,
            (Uuid,),
            "SELECT id FROM record WHERE person = $1 AND merged_into IS NULL ORDER BY id",
            person.0
        )?;
        Ok(rows.into_iter().map(|row| RecordId(row.0)).collect())
    }

    /// Living records changed since a time of whom something names a record.
    pub async fn naming_since(&mut self, kind: Kind, record: RecordId, since: Time) -> Result<Vec<RecordId>> {
        let rows = fetch_all!(
            self,
            (Uuid,),
            "SELECT DISTINCT s.record FROM record q JOIN statement s ON s.record = q.id
             WHERE q.kind = $1 AND q.updated_at >= $2 AND q.merged_into IS NULL AND CAST(s.said AS text) LIKE $3 ORDER BY s.record",
            kind.name().to_owned(),
            since.0,
            format!("%{record}%"),
        )?;
        Ok(rows.into_iter().map(|row| RecordId(row.0)).collect())
    }
}

fn strike(review: &NewReview, apart: &BTreeSet<(RecordId, RecordId)>) -> Option<NewReview> {
    with_candidates(review, |one| !apart.contains(&(RecordId(review.record), one)))
}

impl Store {
    pub async fn decision(&self, id: Uuid) -> Result<Option<Decision>> {
        Ok(fetch_all!(self, Decision, DECISION, id)?.into_iter().next())
    }

    /// What an answer decided, as far as that stands.
    pub async fn standing_decisions(&self, review: Uuid) -> Result<Vec<Decision>> {
        fetch_all!(self, Decision, STANDING, review)
    }

    /// What a record has become, if it was merged into another one.
    pub async fn survivor(&self, id: RecordId) -> Result<RecordId> {
        Ok(survivor(fetch_all!(self, (Option<Uuid>,), SURVIVOR, id.0)?, id))
    }

    /// Living records of whom something names a record. Reads everything that was said; for what
    /// people do now and then.
    pub async fn naming(&self, kind: Kind, record: RecordId) -> Result<Vec<RecordId>> {
        let rows = fetch_all!(
            self,
            (Uuid,),
            "SELECT DISTINCT s.record FROM statement s JOIN record q ON q.id = s.record
             WHERE q.kind = $1 AND q.merged_into IS NULL AND CAST(s.said AS text) LIKE $2 ORDER BY s.record",
            kind.name().to_owned(),
            format!("%{record}%"),
        )?;
        Ok(rows.into_iter().map(|row| RecordId(row.0)).collect())
    }
}
