//! Everything that the database holds about one person, read within one transaction.
//!
//! **Invariant:** it is found by the same locks as what is removed when the person is forgotten
//! ([`Tx::lock_person`]): nobody is shown less than they can have deleted.

use std::collections::BTreeSet;

use mittler_core::{RecordId, RemoteFields, Statement, plan::Held};
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{
    IdRow, Result, Tx,
    forget::About,
    id_rows,
    intents::{Intent, IntentOutcome, Operation},
    leases::LeaseRow,
    links::{LinkRole, LinkState},
    merges::MergeTrail,
    packed::Packed,
    records::KeyRow,
    reviews::ReviewState,
    signals::SignalState,
};

#[derive(Debug, Clone, FromRow)]
pub struct HeldRecord {
    pub id: Uuid,
    pub kind: String,
    pub fields: Json<Packed>,
    pub merged_into: Option<Uuid>,
    pub created_at: i64,
    pub updated_at: i64,
    pub unsure_until: i64,
}

/// An input with what is kept of its content, and the list or mailbox that it came in.
#[derive(Debug, Clone, FromRow)]
pub struct HeldInput {
    pub id: Uuid,
    pub run: Uuid,
    pub label: String,
    pub kind: String,
    pub line: i64,
    pub received_at: i64,
    pub state: SignalState,
    pub code: Option<String>,
    pub field: Option<String>,
    pub reason: Option<String>,
    pub remarks: Json<Value>,
    pub content: Option<Vec<u8>>,
    pub record: Option<Uuid>,
}

#[derive(Debug, Clone, FromRow)]
pub struct HeldLink {
    pub id: Uuid,
    pub connection: Uuid,
    pub record: Uuid,
    pub role: LinkRole,
    pub remote_type: String,
    pub remote_id: Option<String>,
    pub sent: Json<RemoteFields>,
    pub seen: Json<RemoteFields>,
    pub held: Json<Held>,
    pub state: LinkState,
    pub code: Option<String>,
    pub reason: Option<String>,
    pub written_at: i64,
    pub created_at: i64,
}

#[derive(Debug, Clone, FromRow)]
pub struct HeldWrite {
    pub id: Uuid,
    pub link: Uuid,
    pub operation: Operation,
    pub fields: Json<RemoteFields>,
    pub before: Json<RemoteFields>,
    pub begun_at: i64,
    pub settled_at: Option<i64>,
    pub outcome: Option<IntentOutcome>,
    pub code: Option<String>,
    pub emptied: i64,
}

#[derive(Debug, Clone, FromRow)]
pub struct HeldQuestion {
    pub id: Uuid,
    pub question: String,
    pub record: Uuid,
    pub connection: Option<Uuid>,
    pub candidates: Json<Value>,
    pub reason: String,
    pub state: ReviewState,
    pub asked_at: i64,
    pub answered_at: Option<i64>,
    pub answer: Json<Value>,
}

#[derive(Debug, Clone, FromRow)]
pub struct HeldDecision {
    pub id: Uuid,
    pub verdict: String,
    pub record: Uuid,
    pub other: Uuid,
    pub decided_by: String,
    pub decided_at: i64,
    pub undone_at: Option<i64>,
    pub moved: Json<MergeTrail>,
}

/// An entry of the audit trail with its content, while that is kept.
#[derive(Debug, Clone, FromRow)]
pub struct HeldAct {
    pub seq: i64,
    pub at: i64,
    pub actor: String,
    pub action: String,
    pub content: Json<Value>,
}

#[derive(Debug, Clone, FromRow)]
pub struct HeldRestriction {
    pub restricted_by: String,
    pub restricted_at: i64,
}

/// What every personal table holds about one person.
#[derive(Debug, Clone, Default)]
pub struct Dossier {
    pub records: Vec<HeldRecord>,
    pub statements: Vec<(RecordId, Statement)>,
    pub inputs: Vec<HeldInput>,
    /// Lists and mailboxes that are named after the person.
    pub lists: Vec<(Uuid, String)>,
    pub links: Vec<HeldLink>,
    pub writes: Vec<HeldWrite>,
    /// What is about to be written in calls that are under way.
    pub under_way: Vec<Intent>,
    pub questions: Vec<HeldQuestion>,
    pub decisions: Vec<HeldDecision>,
    pub keys: Vec<KeyRow>,
    pub weak_keys: Vec<KeyRow>,
    pub restrictions: Vec<HeldRestriction>,
    pub purposes: Vec<String>,
    pub acts: Vec<HeldAct>,
}

impl Tx {
    /// Reads what is held about a person. `not_taken`: inputs to which no record leads; `lists`: runs that are named
    /// after the person. Both are found by their texts.
    pub async fn dossier(&mut self, about: &About, not_taken: &[Uuid], lists: &[Uuid]) -> Result<Dossier> {
        let ids = id_rows(about.records.iter().map(|id| id.0));
        let lists = id_rows(lists.iter().copied());
        let (keys, weak_keys) = self.keys_of(&about.records).await?;
        let purposes = self.purposes_of(&about.records).await?.into_values().flatten();
        let purposes: BTreeSet<String> = purposes.collect();
        let links = rows_all!(self, HeldLink, &ids => (id uuid),
            "SELECT l.id, l.connection, l.record, l.role, l.remote_type, l.remote_id, l.sent, l.seen, l.held, l.state, l.code, l.reason, l.written_at, l.created_at FROM",
            "CROSS JOIN link l WHERE l.record = r.id ORDER BY l.connection, l.stage, l.id")?;
        let link_ids: Vec<Uuid> = links.iter().map(|link| link.id).collect();
        Ok(Dossier {
            records: rows_all!(self, HeldRecord, &ids => (id uuid),
                "SELECT o.id, o.kind, o.fields, o.merged_into, o.created_at, o.updated_at, o.unsure_until FROM",
                "CROSS JOIN record o WHERE o.id = r.id ORDER BY o.created_at, o.id")?,
            statements: self.statements_of(&about.records).await?,
            inputs: self.inputs_about(&ids, not_taken).await?,
            lists: rows_all!(self, (Uuid, String), &lists => (id uuid),
                "SELECT run.id, run.label FROM", "CROSS JOIN run WHERE run.id = r.id ORDER BY run.id")?,
            writes: self.writes_to(&link_ids).await?,
            under_way: self.under_way(&link_ids).await?,
            links,
            questions: self.questions_about(about, &ids).await?,
            decisions: rows_all!(self, HeldDecision, &ids => (id uuid),
                "SELECT d.id, d.verdict, d.record, d.other, d.decided_by, d.decided_at, d.undone_at, d.moved FROM decision d WHERE EXISTS (SELECT 1 FROM",
                "WHERE d.record = r.id OR d.other = r.id) ORDER BY d.decided_at, d.id")?,
            keys,
            weak_keys,
            restrictions: rows_all!(self, HeldRestriction, &ids => (id uuid),
                "SELECT s.restricted_by, s.restricted_at FROM", "CROSS JOIN restriction s WHERE s.record = r.id ORDER BY s.restricted_at")?,
            purposes: purposes.into_iter().collect(),
            acts: rows_all!(self, HeldAct, &ids => (id uuid),
                "SELECT a.seq, a.at, a.actor, a.action, c.content FROM audit a JOIN audit_content c ON c.seq = a.seq WHERE c.record IN (SELECT r.id FROM", ") ORDER BY a.seq")?,
        })
    }

    /// Inputs that led to the person, from which something was said of them, or that are about them and were not taken.
    async fn inputs_about(&mut self, records: &[IdRow], not_taken: &[Uuid]) -> Result<Vec<HeldInput>> {
        let said = rows_all!(self, (Uuid,), records => (id uuid),
            "SELECT DISTINCT s.signal FROM", "CROSS JOIN statement s WHERE s.record = r.id ORDER BY s.signal")?;
        let led = rows_all!(self, (Uuid,), records => (id uuid),
            "SELECT s.id FROM", "CROSS JOIN signal s WHERE s.record = r.id ORDER BY s.id")?;
        let ids: BTreeSet<Uuid> =
            said.into_iter().chain(led).map(|row| row.0).chain(not_taken.iter().copied()).collect();
        let ids = id_rows(ids);
        rows_all!(self, HeldInput, &ids => (id uuid),
            "SELECT s.id, s.run, run.label, s.kind, s.line, s.received_at, s.state, s.code, s.field, s.reason, s.remarks, s.content, s.record FROM",
            "CROSS JOIN signal s JOIN run ON run.id = s.run WHERE s.id = r.id ORDER BY s.received_at, s.line, s.id")
    }

    async fn writes_to(&mut self, links: &[Uuid]) -> Result<Vec<HeldWrite>> {
        let ids = id_rows(links.iter().copied());
        rows_all!(self, HeldWrite, &ids => (id uuid),
            "SELECT i.id, i.link, i.operation, i.fields, i.before, i.begun_at, i.settled_at, i.outcome, i.code, i.emptied FROM",
            "CROSS JOIN intent i WHERE i.link = r.id ORDER BY i.begun_at, i.id")
    }

    async fn under_way(&mut self, links: &[Uuid]) -> Result<Vec<Intent>> {
        let leases = fetch_all!(self, LeaseRow, "SELECT id, links, writes FROM lease ORDER BY id")?;
        let writes = leases.into_iter().flat_map(|lease| lease.writes.0);
        Ok(writes.filter(|write| links.contains(&write.link)).collect())
    }

    /// Questions about the person, and those about others that name them as a candidate.
    async fn questions_about(&mut self, about: &About, records: &[IdRow]) -> Result<Vec<HeldQuestion>> {
        #[derive(Serialize)]
        struct Text {
            text: String,
        }
        let texts: Vec<Text> = about.records.iter().map(|id| Text { text: id.to_string() }).collect();
        let mut asked = rows_all!(self, HeldQuestion, records => (id uuid),
            "SELECT v.id, v.question, v.record, v.connection, v.candidates, v.reason, v.state, v.asked_at, v.answered_at, v.answer FROM",
            "CROSS JOIN review v WHERE v.record = r.id ORDER BY v.asked_at, v.id")?;
        let naming = rows_all!(self, HeldQuestion, &texts => (text text),
            "SELECT v.id, v.question, v.record, v.connection, v.candidates, v.reason, v.state, v.asked_at, v.answered_at, v.answer
             FROM review v WHERE EXISTS (SELECT 1 FROM",
            "WHERE CAST(v.candidates AS text) LIKE '%' || r.text || '%') ORDER BY v.asked_at, v.id")?;
        let known: BTreeSet<Uuid> = asked.iter().map(|question| question.id).collect();
        asked.extend(naming.into_iter().filter(|question| !known.contains(&question.id)));
        Ok(asked)
    }
}
