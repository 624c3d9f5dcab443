//! Links: what each CRM has been told of each record.

mod commands;
mod held;
mod shown;
mod wanted;

use std::collections::HashSet;

use mittler_core::{ConnectionId, LinkId, RecordId, RemoteFields, plan::Held};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{Db, Document, Result, Store, Tx, id_rows};

pub use commands::LinkCommand;
pub use shown::{Known, Shown};

stored! {
    /// How a link stands.
    pub enum LinkState {
        /// It is told of what its record says.
        Open = "open",
        /// It waits for a person, or for the time until which it is held.
        Held = "held",
        /// The CRM, or a rule of ours, does not take it as it is.
        Refused = "refused",
        /// The CRM does not show its record, and has not said that it is deleted.
        Suspect = "suspect",
        /// Its record is not there any more.
        Gone = "gone",
        /// A person keeps the record out of this CRM.
        Excluded = "excluded",
    }
}

stored! {
    /// What a link is to its record.
    pub enum LinkRole {
        /// The one that is written to.
        Primary = "primary",
        /// A further record of the CRM: never written to.
        Duplicate = "duplicate",
        /// A person keeps the record out of this CRM.
        Excluded = "excluded",
    }
}

/// A link to be made, or to be told that its record changed.
#[derive(Debug, Clone, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct WantedLink {
    pub id: Uuid,
    pub connection: Uuid,
    pub record: Uuid,
    pub kind: String,
    pub stage: i64,
    pub lane: i64,
    pub remote_type: String,
    pub need_a: Option<Uuid>,
    pub need_b: Option<Uuid>,
    pub created_at: i64,
}

/// The id of the link between a connection and a record. Links of one connection and kind that are
/// made together lie together, since together they are leased.
pub fn link_id(connection: ConnectionId, record: RecordId) -> LinkId {
    let account = connection.0.as_bytes().iter().fold(0, |sum: u8, byte| sum.wrapping_mul(31).wrapping_add(*byte));
    let class = (account << 4) | (record.0.as_bytes()[7] & 0xf);
    LinkId(crate::derived_near(record.0, class, &[b"link", connection.0.as_bytes(), record.0.as_bytes()]))
}

/// A link for people and for the API.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow)]
pub struct LinkLine {
    pub id: Uuid,
    pub connection: Uuid,
    pub record: Uuid,
    pub kind: String,
    pub role: LinkRole,
    pub remote_type: String,
    pub remote_id: Option<String>,
    pub sent: Json<RemoteFields>,
    pub held: Json<Held>,
    pub wanted: i64,
    pub done: i64,
    pub next_at: i64,
    pub attempt: i64,
    pub state: LinkState,
    pub code: Option<String>,
    pub reason: Option<String>,
    pub written_at: i64,
}

/// Links of one connection by what they wait for.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct LinkCount {
    pub connection: Uuid,
    pub kind: String,
    pub total: i64,
    pub due: i64,
    pub written: i64,
    /// Done without a write: the CRM has it so already, or nothing of it may be written.
    pub unwritten: i64,
    pub refused: i64,
}

/// What a connection has still to be told of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct Backlog {
    pub connection: Uuid,
    pub stage: i64,
    pub due: i64,
    pub refused: i64,
}

/// Links of one stage that nothing is written to for now.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct HeldLinks {
    pub connection: Uuid,
    pub stage: i64,
    pub count: i64,
    pub oldest: i64,
}

/// Which remote record a record is in a connection.
#[derive(Debug, Clone, FromRow)]
pub struct Counterpart {
    pub record: Uuid,
    pub remote_type: String,
    pub remote_id: Option<String>,
    pub state: LinkState,
}

/// What options depend on of a link.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct LinkFact {
    pub id: Uuid,
    pub connection: Uuid,
    pub role: LinkRole,
    pub state: LinkState,
    pub code: Option<String>,
    pub remote_type: String,
    pub remote_id: Option<String>,
}

// Asked within a write and outside of one alike.
const LINK_FACTS: &str = "SELECT id, connection, role, state, code, remote_type, remote_id FROM link WHERE record = $1 ORDER BY connection, role DESC, id";

impl Tx {
    /// Makes links, and raises what is wanted of those that exist. Sorted, so that two writers lock
    /// them in one order.
    pub async fn want_links(&mut self, links: &mut Vec<WantedLink>) -> Result<()> {
        links.sort();
        links.dedup_by_key(|link| link.id);
        rows!(self, &*links => (id uuid, connection uuid, record uuid, kind text, stage bigint, lane bigint, remote_type text, need_a uuid, need_b uuid, created_at bigint),
            "INSERT INTO link (id, connection, record, kind, stage, lane, role, remote_type, need_a, need_b, sent, seen, written_at,
                               held, wanted, done, epoch, next_at, attempt, state, created_at)
             SELECT id, connection, record, kind, stage, lane, 'primary', remote_type, need_a, need_b, '{}', '{}', 0,
                    '{}', 1, 0, 0, 0, 0, 'open', created_at FROM",
            "WHERE true ON CONFLICT (id) DO UPDATE SET wanted = link.wanted + 1, next_at = 0,
                    done = CASE WHEN link.role = 'excluded' THEN link.wanted + 1 ELSE link.done END, lane = CASE WHEN excluded.lane < link.lane THEN excluded.lane ELSE link.lane END")?;
        Ok(())
    }

    /// Makes links that are not there yet: their record was said again, and says the same.
    pub async fn add_links(&mut self, links: &mut Vec<WantedLink>) -> Result<()> {
        if links.is_empty() {
            return Ok(());
        }
        let ids = id_rows(links.iter().map(|link| link.id));
        let there =
            rows_all!(self, (Uuid,), &ids => (id uuid), "SELECT l.id FROM", "CROSS JOIN link l WHERE l.id = r.id")?;
        let there: HashSet<Uuid> = there.into_iter().map(|row| row.0).collect();
        links.retain(|link| !there.contains(&link.id));
        if links.is_empty() { Ok(()) } else { self.want_links(links).await }
    }

    /// Locks links in order of their ids: an UPDATE over a set takes its locks in plan order, and
    /// two of them would deadlock. SQLite has one writer and needs none.
    pub async fn lock_links(&mut self, ids: &[Uuid]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids = id_rows(ids.iter().copied());
        if let Db::Postgres(c) = self.db() {
            sqlx::query(
                "SELECT 1 FROM link JOIN json_to_recordset($1) AS r(id uuid) USING (id) ORDER BY id FOR UPDATE OF link",
            )
            .bind(Document(&ids))
            .execute(c)
            .await?;
        }
        Ok(())
    }

    /// Which of the links are there: those of a person who was forgotten are not.
    pub async fn links_there(&mut self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        let ids = id_rows(ids.iter().copied());
        let rows = rows_all!(self, (Uuid,), &ids => (id uuid), "SELECT l.id FROM link l JOIN", "ON l.id = r.id ORDER BY l.id")?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// The links of a record.
    pub async fn link_facts(&mut self, record: RecordId) -> Result<Vec<LinkFact>> {
        fetch_all!(self, LinkFact, LINK_FACTS, record.0)
    }
}

impl Store {
    /// The links of a record, without what was written to them.
    pub async fn link_facts(&self, record: RecordId) -> Result<Vec<LinkFact>> {
        fetch_all!(self, LinkFact, LINK_FACTS, record.0)
    }

    /// What records are in a connection.
    pub async fn counterparts(&self, connection: ConnectionId, records: &[RecordId]) -> Result<Vec<Counterpart>> {
        let ids = id_rows(records.iter().map(|id| id.0));
        // The slice first, and CROSS to keep SQLite from turning it round: it would go through all
        // links of the connection and read the whole slice for each of them.
        rows_all!(self, Counterpart, &ids => (id uuid),
            "SELECT l.record, l.remote_type, l.remote_id, l.state FROM",
            "CROSS JOIN link l WHERE l.record = r.id AND l.connection = $2 AND l.role = 'primary'", connection.0)
    }

    /// The links of a record.
    pub async fn link_lines(&self, record: RecordId) -> Result<Vec<LinkLine>> {
        fetch_all!(
            self,
            LinkLine,
            "SELECT id, connection, record, kind, role, remote_type, remote_id, sent, held, wanted, done, next_at, attempt, state, code, reason, written_at
             FROM link WHERE record = $1 ORDER BY connection, role DESC, id",
            record.0,
        )
    }

    /// Links that wait or were refused, with their reasons.
    pub async fn links_waiting(
        &self,
        connection: Option<ConnectionId>,
        after: Option<LinkId>,
        most: i64,
    ) -> Result<Vec<LinkLine>> {
        fetch_all!(
            self,
            LinkLine,
            "SELECT id, connection, record, kind, role, remote_type, remote_id, sent, held, wanted, done, next_at, attempt, state, code, reason, written_at
             FROM link WHERE (wanted > done OR state <> 'open' OR CAST(held AS text) <> '{}' OR code <> 'not_found_there') AND ($1 IS NULL OR connection = $1) AND id > $2 ORDER BY id LIMIT $3",
            connection.map(|id| id.0),
            after.map_or(Uuid::nil(), |id| id.0),
            most,
        )
    }

    pub async fn link_counts(&self) -> Result<Vec<LinkCount>> {
        fetch_all!(
            self,
            LinkCount,
            "SELECT connection, kind, count(*) AS total,
                    CAST(sum(CASE WHEN wanted > done AND state NOT IN ('held', 'gone', 'suspect') THEN 1 ELSE 0 END) AS bigint) AS due,
                    CAST(sum(CASE WHEN written_at > 0 THEN 1 ELSE 0 END) AS bigint) AS written,
                    CAST(sum(CASE WHEN written_at = 0 AND wanted <= done AND state <> 'refused' THEN 1 ELSE 0 END) AS bigint) AS unwritten,
                    CAST(sum(CASE WHEN state = 'refused' THEN 1 ELSE 0 END) AS bigint) AS refused
             FROM link WHERE role = 'primary' GROUP BY connection, kind ORDER BY connection, kind",
        )
    }

    /// Links that nothing is written to for now, by connection and stage, and when the first of each was made. Reads
    /// all links.
    pub async fn held_links(&self) -> Result<Vec<HeldLinks>> {
        fetch_all!(
            self,
            HeldLinks,
            "SELECT connection, stage, count(*) AS count, min(created_at) AS oldest FROM link WHERE state = 'held'
             GROUP BY connection, stage ORDER BY connection, stage",
        )
    }

    /// Links that are due, and that were refused, by connection and stage: read from two indices
    /// alone, as it is asked often.
    pub async fn backlog(&self) -> Result<Vec<Backlog>> {
        fetch_all!(
            self,
            Backlog,
            "SELECT connection, stage, count(*) AS due, CAST(0 AS bigint) AS refused FROM link WHERE wanted > done AND state NOT IN ('held', 'gone', 'suspect') GROUP BY connection, stage
             UNION ALL
             SELECT connection, stage, CAST(0 AS bigint), count(*) FROM link WHERE state = 'refused' GROUP BY connection, stage
             ORDER BY 1, 2, 3, 4",
        )
    }
}
