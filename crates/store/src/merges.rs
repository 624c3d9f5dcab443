//! The rows that move when two records become one, and what is noted of them, so that the two can be two again.

use std::collections::{BTreeMap, BTreeSet};

use mittler_core::{ConnectionId, LinkId, RecordId, RemoteFields, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Result, Tx, id_rows,
    links::{LinkRole, LinkState},
    records::{KeyRow, StatementRow},
    reviews::{NewReview, ReviewLine, candidates, with_candidates},
};

/// What a merge moved: with this the two can be made two again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MergeTrail {
    /// The record that became the other one; `None`: nothing has moved yet.
    pub from: Option<RecordId>,
    /// Each record that is no more.
    pub records: BTreeMap<RecordId, MovedRecord>,
    /// What named one of them in records that stayed.
    pub renamed: Vec<Renamed>,
    /// What had become one of them before.
    pub earlier: Vec<Replaced>,
    /// The keys of both; the strong ones, then the weak ones.
    pub strong_keys: Vec<KeyRow>,
    pub weak_keys: Vec<KeyRow>,
    /// The links of all of them as they were.
    pub links: Vec<LinkBefore>,
    /// Open questions that were about one of them, as they were.
    pub reviews: Vec<NewReview>,
    /// Other decisions about one of them: id, and whether it was its first record.
    pub decisions: Vec<(Uuid, bool)>,
    /// What merges noted before they could be taken back.
    #[serde(flatten)]
    pub older: BTreeMap<String, Json>,
}

/// A record that became another one.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct MovedRecord {
    pub heir: RecordId,
    pub subjects: BTreeSet<Uuid>,
    /// For how long it was still to be held, since nobody had said who it is, in microseconds.
    pub unsure_for: i64,
    /// What the two were known for: this one, then the heir.
    pub purposes: [BTreeSet<String>; 2],
}

/// References in a statement that were renamed: the place among what is said, and whom it named.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Renamed {
    pub subject: Uuid,
    pub signal: Uuid,
    pub places: Vec<(usize, RecordId)>,
}

/// A link before its record became another one.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct LinkBefore {
    pub id: LinkId,
    pub connection: ConnectionId,
    pub record: RecordId,
    pub role: LinkRole,
    pub state: LinkState,
    pub remote_type: String,
    pub remote_id: Option<String>,
    pub carried: Carried,
    /// The heir's link was kept out of the CRM before, too.
    pub heir_was_out: bool,
    /// What the heir's link meant that the CRM had no more, where it went on with this one's.
    pub heir_lost: Option<(String, String)>,
}

/// What became of a link's remote record when its own record became another one.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Carried {
    /// The link is still there, as one of the heir's.
    Itself,
    /// The heir's link has it.
    Heir,
    /// There was none, or it was gone.
    Nobody,
}

/// A record that is one of its own again.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Revived {
    pub id: Uuid,
    pub unsure_until: i64,
}

/// A link that is its record's own again.
#[derive(Debug, Clone, Serialize)]
pub struct Reowned {
    pub id: Uuid,
    pub record: Uuid,
    pub role: LinkRole,
}

/// A link of a record that is about to move, locked.
#[derive(Debug, Clone, FromRow)]
pub struct MovingLink {
    pub id: Uuid,
    pub connection: Uuid,
    pub record: Uuid,
    pub kind: String,
    pub role: LinkRole,
    pub remote_type: String,
    pub remote_id: Option<String>,
    pub sent: sqlx::types::Json<RemoteFields>,
    pub seen: sqlx::types::Json<RemoteFields>,
    pub state: LinkState,
    pub code: Option<String>,
    pub written_at: i64,
    /// Not 0: it is being written, or nobody knows how its last write ended.
    pub busy: i64,
}

/// A remote record that a link has from now on.
#[derive(Debug, Clone, Serialize)]
pub struct Inherited {
    pub id: Uuid,
    pub remote_type: String,
    pub remote_id: Option<String>,
    pub sent: RemoteFields,
    pub seen: RemoteFields,
    pub written_at: i64,
}

/// One thing and what takes its place.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replaced {
    pub id: Uuid,
    pub heir: Uuid,
}

/// What a link waits for.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Needs {
    pub id: Uuid,
    pub need_a: Option<Uuid>,
    pub need_b: Option<Uuid>,
}

impl Tx {
    /// Notes what a merge moved; gives whether the decision still stands.
    pub async fn note_moved(&mut self, id: Uuid, moved: &MergeTrail) -> Result<bool> {
        let noted = execute!(
            self,
            "UPDATE decision SET moved = $2 WHERE id = $1 AND undone_at IS NULL",
            id,
            crate::Document(&moved)
        )?;
        Ok(noted == 1)
    }

    /// What records have become; those that are still there are themselves.
    pub async fn survivors(&mut self, records: &[RecordId]) -> Result<BTreeMap<RecordId, RecordId>> {
        let ids = id_rows(records.iter().map(|id| id.0));
        let rows = rows_all!(self, (Uuid, Option<Uuid>), &ids => (id uuid),
            "SELECT m.id, m.merged_into FROM", "CROSS JOIN record m WHERE m.id = r.id ORDER BY m.id")?;
        Ok(rows.into_iter().map(|(id, heir)| (RecordId(id), heir.map_or(RecordId(id), RecordId))).collect())
    }

    /// Writes statements again, perhaps for another record.
    pub async fn move_statements(&mut self, statements: &[StatementRow]) -> Result<()> {
        rows!(self, statements => (subject uuid, signal uuid, record uuid, said json),
            "UPDATE statement SET record = r.record, said = r.said FROM",
            "WHERE statement.subject = r.subject AND statement.signal = r.signal")?;
        Ok(())
    }

    /// Keys name the record that theirs became.
    pub async fn move_keys(&mut self, replaced: &[Replaced]) -> Result<()> {
        rows!(self, replaced => (id uuid, heir uuid),
            "UPDATE record_key SET record = r.heir FROM", "WHERE record_key.record = r.id")?;
        rows!(self, replaced => (id uuid, heir uuid),
            "INSERT INTO weak_key (key, record, key_type, basis, since) SELECT k.key, r.heir, k.key_type, k.basis, k.since FROM",
            "JOIN weak_key k ON k.record = r.id WHERE true ON CONFLICT (key, record) DO NOTHING")?;
        rows!(self, replaced => (id uuid, heir uuid), "DELETE FROM weak_key WHERE record IN (SELECT r.id FROM", ")")?;
        Ok(())
    }

    /// Marks records as merged, with all that was merged into them before.
    pub async fn mark_merged(&mut self, replaced: &[Replaced], now: Time) -> Result<()> {
        rows!(self, replaced => (id uuid, heir uuid),
            "UPDATE record SET merged_into = r.heir FROM", "WHERE record.merged_into = r.id")?;
        rows!(self, replaced => (id uuid, heir uuid),
            "UPDATE record SET unsure_until = 0, merged_into = r.heir, updated_at = $2 FROM", "WHERE record.id = r.id", now.0)?;
        Ok(())
    }

    /// What is about one person is about the other one, also what was merged away.
    pub async fn move_about(&mut self, replaced: &[Replaced]) -> Result<()> {
        rows!(self, replaced => (id uuid, heir uuid),
            "UPDATE record SET person = r.heir FROM", "WHERE record.person = r.id")?;
        Ok(())
    }

    /// The links of records, locked: nobody begins to write to them until this transaction ends.
    pub async fn moving_links(&mut self, records: &[RecordId]) -> Result<Vec<MovingLink>> {
        let ids = id_rows(records.iter().map(|id| id.0));
        let links = rows_all!(self, (Uuid,), &ids => (id uuid), "SELECT l.id FROM", "CROSS JOIN link l WHERE l.record = r.id ORDER BY l.id")?;
        let links: Vec<Uuid> = links.into_iter().map(|row| row.0).collect();
        self.lock_links(&links).await?;
        let links = id_rows(links);
        rows_all!(self, MovingLink, &links => (id uuid),
            "SELECT l.id, l.connection, l.record, l.kind, l.role, l.remote_type, l.remote_id, l.sent, l.seen, l.state, l.code, l.written_at,
                    CAST((SELECT count(*) FROM intent i WHERE i.link = l.id AND i.settled_at IS NULL)
                         + CASE WHEN l.id IN (SELECT leased.link FROM leased) THEN 1 ELSE 0 END AS bigint) AS busy FROM",
            "CROSS JOIN link l WHERE l.id = r.id ORDER BY l.id")
    }

    /// Ends links whose record is no more: their history goes on with the links that take their
    /// place, and so do their remote records, where they have one.
    pub async fn inherit_links(&mut self, replaced: &[Replaced], inherited: &[Inherited]) -> Result<()> {
        rows!(self, replaced => (id uuid, heir uuid),
            "UPDATE intent SET link = r.heir FROM", "WHERE intent.link = r.id")?;
        rows!(self, replaced => (id uuid, heir uuid), "DELETE FROM link WHERE id IN (SELECT r.id FROM", ")")?;
        rows!(self, inherited => (id uuid, remote_type text, remote_id text, sent json, seen json, written_at bigint),
            "UPDATE link SET remote_type = r.remote_type, remote_id = r.remote_id, sent = r.sent, seen = r.seen, written_at = r.written_at,
                    held = '{}', state = 'open', code = NULL, reason = NULL, attempt = 0, next_at = 0, wanted = link.wanted + 1, epoch = link.epoch + 1 FROM",
            "WHERE link.id = r.id")?;
        Ok(())
    }

    /// Links whose record has a remote record of its own already: theirs is left as it is.
    pub async fn leave_duplicates(&mut self, replaced: &[Replaced]) -> Result<()> {
        rows!(self, replaced => (id uuid, heir uuid),
            "UPDATE link SET record = r.heir, role = 'duplicate', wanted = done, held = '{}', state = 'open', code = NULL, reason = NULL FROM",
            "WHERE link.id = r.id")?;
        Ok(())
    }

    pub async fn put_needs(&mut self, needs: &[Needs]) -> Result<()> {
        rows!(self, needs => (id uuid, need_a uuid, need_b uuid),
            "UPDATE link SET need_a = r.need_a, need_b = r.need_b FROM", "WHERE link.id = r.id")?;
        Ok(())
    }

    /// Open questions about records that became others, or that name them, are about those. A
    /// question that is left without candidates, or was answered by a person for the one record, is
    /// none any more. Gives how they were.
    pub async fn move_reviews(&mut self, replaced: &[Replaced]) -> Result<Vec<NewReview>> {
        #[derive(Serialize)]
        struct Row {
            id: Uuid,
            record: Uuid,
            candidates: Json,
        }
        #[derive(Serialize)]
        struct Text {
            id: Uuid,
            text: String,
        }
        let texts: Vec<Text> =
            replaced.iter().map(|one| Text { id: one.id, text: RecordId(one.id).to_string() }).collect();
        let open = rows_all!(self, ReviewLine, &texts => (id uuid, text text),
            "SELECT v.id, v.question, v.record, v.connection, v.candidates, v.reason, v.state, v.asked_at, v.answered_at FROM review v
             WHERE v.state = 'open' AND EXISTS (SELECT 1 FROM", "WHERE v.record = r.id OR CAST(v.candidates AS text) LIKE '%' || r.text || '%') ORDER BY v.id")?;
        let heirs: BTreeMap<RecordId, RecordId> =
            replaced.iter().map(|one| (RecordId(one.id), RecordId(one.heir))).collect();
        let now = |id: RecordId| heirs.get(&id).copied().unwrap_or(id);
        let asked: Vec<RecordId> = open.iter().map(|review| now(RecordId(review.record))).collect();
        let apart = self.told_apart(&asked).await?;
        let (mut changed, mut ended, mut before_that) = (Vec::new(), Vec::new(), Vec::new());
        for review in open {
            let asked = RecordId(review.record);
            before_that.push(NewReview {
                id: review.id,
                question: review.question.clone(),
                record: review.record,
                connection: review.connection,
                candidates: review.candidates.0.clone(),
                reason: review.reason.clone(),
                asked_at: review.asked_at,
            });
            let (record, sqlx::types::Json(mut named)) = (now(asked), review.candidates);
            let before = candidates(&named);
            if !before.is_empty() {
                let left: BTreeSet<RecordId> = before
                    .into_iter()
                    .map(now)
                    .filter(|one| *one != record && !apart.contains(&(record, *one)))
                    .collect();
                if left.is_empty() {
                    ended.push(review.id);
                    continue;
                }
                named["records"] = serde_json::json!(left);
            }
            changed.push(Row { id: review.id, record: record.0, candidates: named });
        }
        if !changed.is_empty() {
            rows!(self, &changed => (id uuid, record uuid, candidates json),
                "UPDATE review SET record = r.record, candidates = r.candidates FROM", "WHERE review.id = r.id")?;
        }
        if !ended.is_empty() {
            let ids = id_rows(ended);
            rows!(self, &ids => (id uuid), "DELETE FROM review WHERE id IN (SELECT r.id FROM", ")")?;
        }
        Ok(before_that)
    }

    /// Points decisions about a record that is no more at the one it became; gives which, and whether it was their
    /// first record.
    pub async fn move_decisions(&mut self, replaced: &[Replaced]) -> Result<Vec<(Uuid, bool)>> {
        let first = rows_all!(self, (Uuid,), replaced => (id uuid, heir uuid),
            "UPDATE decision SET record = r.heir FROM", "WHERE decision.record = r.id AND decision.verdict = 'different' RETURNING decision.id")?;
        let second = rows_all!(self, (Uuid,), replaced => (id uuid, heir uuid),
            "UPDATE decision SET other = r.heir FROM", "WHERE decision.other = r.id AND decision.verdict = 'different' RETURNING decision.id")?;
        Ok(first.into_iter().map(|row| (row.0, true)).chain(second.into_iter().map(|row| (row.0, false))).collect())
    }

    /// Decisions are about a record again that they were about before.
    pub async fn return_decisions(&mut self, decisions: &[(Uuid, bool)], to: RecordId) -> Result<()> {
        let of = |first: bool| id_rows(decisions.iter().filter(|it| it.1 == first).map(|it| it.0));
        let (first, second) = (of(true), of(false));
        rows!(self, &first => (id uuid), "UPDATE decision SET record = $2 FROM", "WHERE decision.id = r.id", to.0)?;
        rows!(self, &second => (id uuid), "UPDATE decision SET other = $2 FROM", "WHERE decision.id = r.id", to.0)?;
        Ok(())
    }

    /// Open questions are about whom they were about before; those that were none any more are asked again. Whoever
    /// was forgotten meanwhile is no candidate.
    pub async fn return_reviews(&mut self, reviews: &[NewReview]) -> Result<()> {
        let ids: BTreeSet<RecordId> = reviews.iter().flat_map(|review| candidates(&review.candidates)).collect();
        let there = self.read_records(&ids.into_iter().collect::<Vec<_>>()).await?;
        let there: BTreeSet<RecordId> = there.into_iter().map(|record| record.id).collect();
        let rows: Vec<NewReview> =
            reviews.iter().filter_map(|review| with_candidates(review, |one| there.contains(&one))).collect();
        rows!(self, &rows => (id uuid, question text, record uuid, connection uuid, candidates json, reason text, asked_at bigint),
            "INSERT INTO review (id, question, record, connection, candidates, reason, state, asked_at, answer)
             SELECT id, question, record, connection, candidates, reason, 'open', asked_at, '{}' FROM",
            "WHERE true ON CONFLICT (id) DO UPDATE SET record = excluded.record, candidates = excluded.candidates WHERE review.state = 'open'")?;
        Ok(())
    }

    /// What became one of these records.
    pub async fn merged_into(&mut self, records: &[RecordId]) -> Result<Vec<Replaced>> {
        let ids = id_rows(records.iter().map(|id| id.0));
        let rows = rows_all!(self, (Uuid, Uuid), &ids => (id uuid),
            "SELECT m.id, r.id FROM", "CROSS JOIN record m WHERE m.merged_into = r.id ORDER BY m.id")?;
        Ok(rows.into_iter().map(|(id, heir)| Replaced { id, heir }).collect())
    }

    /// Until when each of these records is held, since nobody has said who it is.
    pub async fn unsure_until(&mut self, records: &[RecordId]) -> Result<Vec<(RecordId, Time)>> {
        let ids = id_rows(records.iter().map(|id| id.0));
        let rows = rows_all!(self, (Uuid, i64), &ids => (id uuid),
            "SELECT m.id, m.unsure_until FROM", "CROSS JOIN record m WHERE m.id = r.id AND m.unsure_until > 0 ORDER BY m.id")?;
        Ok(rows.into_iter().map(|(id, until)| (RecordId(id), Time(until))).collect())
    }

    /// Makes records that had become others ones of their own again.
    pub async fn revive_records(&mut self, revived: &[Revived]) -> Result<()> {
        rows!(self, revived => (id uuid, unsure_until bigint),
            "UPDATE record SET merged_into = NULL, unsure_until = r.unsure_until FROM", "WHERE record.id = r.id")?;
        Ok(())
    }

    /// Records that nothing is said of any more are no more; what had become one of them is what took its place.
    pub async fn drop_records(&mut self, ended: &[Replaced]) -> Result<()> {
        rows!(self, ended => (id uuid, heir uuid),
            "UPDATE record SET merged_into = r.heir FROM", "WHERE record.merged_into = r.id AND record.id <> r.heir")?;
        rows!(self, ended => (id uuid, heir uuid),
            "DELETE FROM record WHERE id IN (SELECT r.id FROM",
            ") AND NOT EXISTS (SELECT 1 FROM statement WHERE statement.record = record.id)")?;
        Ok(())
    }

    /// What had become a record before is what that one is, again.
    pub async fn return_merged(&mut self, earlier: &[Replaced]) -> Result<()> {
        rows!(self, earlier => (id uuid, heir uuid),
            "UPDATE record SET merged_into = r.heir FROM", "WHERE record.id = r.id AND record.merged_into IS NOT NULL")?;
        Ok(())
    }

    /// Records are about these people: `heir` is the person.
    pub async fn put_people(&mut self, about: &[Replaced]) -> Result<()> {
        rows!(self, about => (id uuid, heir uuid), "UPDATE record SET person = r.heir FROM", "WHERE record.id = r.id")?;
        Ok(())
    }

    /// Strong keys name these records, whomever they named before.
    pub async fn put_strong_keys(&mut self, keys: &[KeyRow]) -> Result<()> {
        rows!(self, keys => (key uuid, record uuid),
            "UPDATE record_key SET record = r.record FROM", "WHERE record_key.key = r.key")?;
        Ok(())
    }

    /// Links are those of other records.
    pub async fn reown_links(&mut self, links: &[Reowned]) -> Result<()> {
        rows!(self, links => (id uuid, record uuid, role text),
            "UPDATE link SET record = r.record, role = r.role, epoch = link.epoch + 1 FROM", "WHERE link.id = r.id")?;
        Ok(())
    }

    /// Links have a remote record no more: what their record is in the CRM is looked for again.
    pub async fn unlink(&mut self, links: &[LinkId]) -> Result<()> {
        let ids = id_rows(links.iter().map(|id| id.0));
        rows!(self, &ids => (id uuid),
            "UPDATE link SET remote_id = NULL, sent = '{}', seen = '{}', written_at = 0, held = '{}', state = 'open', code = NULL, reason = NULL,
                    attempt = 0, next_at = 0, wanted = link.wanted + 1, epoch = link.epoch + 1 FROM",
            "WHERE link.id = r.id AND link.role = 'primary'")?;
        Ok(())
    }
}
