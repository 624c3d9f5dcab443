//! Links: what each CRM has been told of each record, and the lease under which it is told more.

use std::time::Duration;

use mittler_core::{ConnectionId, Fields, Kind, LinkId, RecordId, RemoteFields, Time, plan::Held};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{Db, Error, Result, Store, Tx, id_rows, packed::Packed};

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

/// The right to write a link: until it ends, or the link has another epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Lease {
    pub id: Uuid,
    pub epoch: i64,
}

/// A link that this worker may write, until its lease ends.
#[derive(Debug, Clone)]
pub struct Leased {
    pub id: LinkId,
    pub record: RecordId,
    pub kind: Kind,
    pub remote_type: String,
    pub remote_id: Option<String>,
    /// What our mapping produced and the CRM accepted.
    pub sent: RemoteFields,
    /// What the CRM last showed.
    pub seen: RemoteFields,
    pub held: Held,
    pub epoch: i64,
    pub attempt: i64,
    pub fields: Fields,
    /// An earlier write whose end nobody knows: look first.
    pub open_intent: Option<OpenIntent>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIntent {
    pub id: Uuid,
    pub operation: String,
    pub fields: RemoteFields,
    pub begun_at: Time,
}

#[derive(FromRow)]
struct LeasedRow {
    id: Uuid,
    record: Uuid,
    kind: String,
    remote_type: String,
    remote_id: Option<String>,
    sent: Json<RemoteFields>,
    seen: Json<RemoteFields>,
    held: Json<Held>,
    epoch: i64,
    attempt: i64,
    fields: Json<Packed>,
}

#[derive(FromRow)]
struct IntentRow {
    id: Uuid,
    link: Uuid,
    operation: String,
    fields: Json<RemoteFields>,
    begun_at: i64,
}

/// "About to write": committed before the call.
#[derive(Debug, Clone, Serialize)]
pub struct NewIntent {
    pub id: Uuid,
    pub link: Uuid,
    pub connection: Uuid,
    pub epoch: i64,
    pub operation: String,
    pub remote_type: String,
    pub fields: RemoteFields,
    pub before: RemoteFields,
    pub begun_at: i64,
}

/// How an intent ended.
#[derive(Debug, Clone, Serialize)]
pub struct Settled {
    pub id: Uuid,
    pub outcome: String,
    pub code: Option<String>,
}

/// What a link becomes after a write or a look, if the lease is still ours.
#[derive(Debug, Clone, Serialize)]
pub struct Receipt {
    pub id: Uuid,
    pub epoch: i64,
    pub remote_type: String,
    pub remote_id: Option<String>,
    pub sent: RemoteFields,
    pub held: Held,
    /// 1: what was planned when the lease began is done. 0: still due.
    pub settled: i64,
    pub next_at: i64,
    pub attempt: i64,
    pub state: String,
    pub code: Option<String>,
    pub reason: Option<String>,
    /// When the write ended; 0 if nothing was written.
    pub written_at: i64,
}

/// A link for people and for the API.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow)]
pub struct LinkLine {
    pub id: Uuid,
    pub connection: Uuid,
    pub record: Uuid,
    pub kind: String,
    pub role: String,
    pub remote_type: String,
    pub remote_id: Option<String>,
    pub sent: Json<RemoteFields>,
    pub held: Json<Held>,
    pub wanted: i64,
    pub done: i64,
    pub next_at: i64,
    pub attempt: i64,
    pub state: String,
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

/// Links that one call can tell a CRM of.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Head {
    pub lane: i64,
    pub stage: i64,
    pub remote_type: String,
}

/// What a connection has still to be told of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct Backlog {
    pub connection: Uuid,
    pub stage: i64,
    pub due: i64,
    pub refused: i64,
}

/// What a link with a remote id knows, for pulls.
#[derive(Debug, Clone, FromRow)]
pub struct Known {
    pub id: Uuid,
    pub record: Uuid,
    pub kind: String,
    pub remote_id: String,
    pub sent: Json<RemoteFields>,
    pub seen: Json<RemoteFields>,
    pub written_at: i64,
    pub leased_until: i64,
    pub state: String,
    /// Writes whose end nobody knows.
    pub busy: i64,
    /// The record's fields.
    pub fields: Json<Packed>,
}

/// What a read by id showed of a link that nobody is writing.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    pub id: Uuid,
    /// When the link was last written, as the reader knew it.
    pub written_at: i64,
    pub sent: RemoteFields,
    pub seen: RemoteFields,
}

/// Which remote record a record is in a connection.
#[derive(Debug, Clone, FromRow)]
pub struct Counterpart {
    pub record: Uuid,
    pub remote_type: String,
    pub remote_id: Option<String>,
    pub state: String,
}

// A need that is settled without a remote record - the mode forbids it, say -, or that the mapping
// does not have, will not come soon: its dependants say so, and come again when it does. A value
// instead of EXISTS, which PostgreSQL answers by reading all links.
macro_rules! leasable {
    () => {
        "l.connection = $1 AND l.wanted > l.done AND l.leased_until <= $2 AND l.next_at <= $2 AND l.role = 'primary' AND l.state <> 'gone'
         AND COALESCE((SELECT n.remote_id IS NOT NULL OR n.state <> 'open' OR n.wanted <= n.done FROM link n WHERE n.id = l.need_a), TRUE)
         AND COALESCE((SELECT n.remote_id IS NOT NULL OR n.state <> 'open' OR n.wanted <= n.done FROM link n WHERE n.id = l.need_b), TRUE)"
    };
}

impl Tx {
    /// Makes links, and raises what is wanted of those that exist. Sorted, so that two writers lock
    /// them in one order.
    pub async fn want_links(&mut self, links: &mut Vec<WantedLink>) -> Result<()> {
        links.sort();
        links.dedup_by_key(|link| link.id);
        rows!(self, &*links => (id uuid, connection uuid, record uuid, kind text, stage bigint, lane bigint, remote_type text, need_a uuid, need_b uuid, created_at bigint),
            "INSERT INTO link (id, connection, record, kind, stage, lane, role, remote_type, need_a, need_b, sent, seen, written_at,
                               held, wanted, done, planned, epoch, leased_until, next_at, attempt, state, created_at)
             SELECT id, connection, record, kind, stage, lane, 'primary', remote_type, need_a, need_b, '{}', '{}', 0,
                    '{}', 1, 0, 0, 0, 0, 0, 0, 'open', created_at FROM",
            "WHERE true ON CONFLICT (id) DO UPDATE SET wanted = link.wanted + 1, next_at = 0, lane = CASE WHEN excluded.lane < link.lane THEN excluded.lane ELSE link.lane END")?;
        Ok(())
    }

    /// Locks links in order of their ids: an UPDATE over a set takes its locks in plan order, and
    /// two of them would deadlock. SQLite has one writer and needs none.
    pub async fn lock_links(&mut self, ids: &[Uuid]) -> Result<()> {
        let ids = id_rows(ids.iter().copied());
        if let Db::Postgres(c) = self.db() {
            sqlx::query("SELECT 1 FROM link JOIN jsonb_to_recordset($1) AS r(id uuid) USING (id) ORDER BY id FOR UPDATE OF link")
                .bind(Json(&ids))
                .execute(c)
                .await?;
        }
        Ok(())
    }

    /// Leases up to `most` due links of one connection, all of one stage and remote type, the most
    /// urgent first.
    pub async fn lease_links(
        &mut self,
        connection: ConnectionId,
        now: Time,
        lease: Duration,
        most: i64,
    ) -> Result<Vec<Lease>> {
        match self.leasable(connection, now).await? {
            Some(head) => self.lease_of(connection, &head, now, lease, most).await,
            None => Ok(Vec::new()),
        }
    }

    /// Which links are to be leased next; `None` if none can be.
    pub async fn leasable(&mut self, connection: ConnectionId, now: Time) -> Result<Option<Head>> {
        self.leasable_but(connection, now, &[]).await
    }

    /// The same without some remote types, to which the CRM is closed for now.
    pub async fn leasable_but(
        &mut self,
        connection: ConnectionId,
        now: Time,
        closed: &[String],
    ) -> Result<Option<Head>> {
        let head = fetch_all!(
            self,
            Head,
            concat!(
                "SELECT l.lane, l.stage, l.remote_type FROM link l WHERE ",
                leasable!(),
                " AND $3 NOT LIKE '%|' || l.remote_type || '|%' ORDER BY l.lane, l.stage, l.created_at, l.id LIMIT 1"
            ),
            connection.0,
            now.0,
            format!("|{}|", closed.join("|")),
        )?;
        Ok(head.into_iter().next())
    }

    /// Whether more links of this kind are on their way and fewer than a call takes are there yet: inputs
    /// are still to be read.
    pub async fn fills(&mut self, connection: ConnectionId, head: &Head, now: Time, most: i64) -> Result<bool> {
        let rows = fetch_all!(
            self,
            (i64,),
            concat!(
                "SELECT CASE WHEN (SELECT count(*) FROM (SELECT 1 FROM signal WHERE state = 'new' LIMIT 1) AS unread) = 0 THEN $6
                             ELSE (SELECT count(*) FROM (SELECT 1 FROM link l WHERE ",
                leasable!(),
                " AND l.lane = $3 AND l.stage = $4 AND l.remote_type = $5 LIMIT $6) AS due) END"
            ),
            connection.0,
            now.0,
            head.lane,
            head.stage,
            head.remote_type.clone(),
            most,
        )?;
        Ok(rows.first().is_some_and(|row| row.0 < most))
    }

    /// Leases due links of one lane, stage and remote type.
    pub async fn lease_of(
        &mut self,
        connection: ConnectionId,
        head: &Head,
        now: Time,
        lease: Duration,
        most: i64,
    ) -> Result<Vec<Lease>> {
        macro_rules! lease {
            ($lock:literal) => {
                concat!(
                    // Materialized: as a plain subquery PostgreSQL may run it once per row, and lease all.
                    "WITH due AS MATERIALIZED (
                       SELECT l.id FROM link l WHERE ",
                    leasable!(),
                    // The lane, so that the index leads to them past all that is due but waits.
                    " AND l.lane = $7 AND l.stage = $4 AND l.remote_type = $5 ORDER BY l.created_at, l.id LIMIT $6 ",
                    $lock,
                    ") UPDATE link SET epoch = epoch + 1, leased_until = $3, planned = wanted
                     WHERE id IN (SELECT id FROM due) RETURNING id, epoch"
                )
            };
        }
        let leased = fetch_either!(
            self,
            (Uuid, i64),
            lease!(""),
            lease!("FOR UPDATE OF l SKIP LOCKED"),
            connection.0,
            now.0,
            now.plus(lease).0,
            head.stage,
            head.remote_type.clone(),
            most,
            head.lane,
        )?;
        Ok(leased.into_iter().map(|(id, epoch)| Lease { id, epoch }).collect())
    }

    /// Which of the leases are still ours. Those links stay as they are until this transaction ends:
    /// what is written about them meanwhile is found by whoever forgets the person.
    pub async fn still_leased(&mut self, leases: &[(LinkId, i64)], now: Time) -> Result<Vec<LinkId>> {
        #[derive(Serialize)]
        struct Row {
            id: Uuid,
            epoch: i64,
        }
        let rows: Vec<Row> = leases.iter().map(|(id, epoch)| Row { id: id.0, epoch: *epoch }).collect();
        let ours = match self.db() {
            Db::Sqlite(_) => rows_all!(self, (Uuid,), &rows => (id uuid, epoch bigint),
                "SELECT l.id FROM", "CROSS JOIN link l WHERE l.id = r.id AND l.epoch = r.epoch AND l.leased_until > $2 ORDER BY l.id", now.0)?,
            Db::Postgres(_) => rows_all!(self, (Uuid,), &rows => (id uuid, epoch bigint),
                "SELECT l.id FROM", "CROSS JOIN link l WHERE l.id = r.id AND l.epoch = r.epoch AND l.leased_until > $2 ORDER BY l.id FOR UPDATE OF l", now.0)?,
        };
        Ok(ours.into_iter().map(|row| LinkId(row.0)).collect())
    }

    pub async fn put_intents(&mut self, intents: &[NewIntent]) -> Result<()> {
        rows!(self, intents => (id uuid, link uuid, connection uuid, epoch bigint, operation text, remote_type text, fields jsonb, before jsonb, begun_at bigint),
            "INSERT INTO intent (id, link, connection, epoch, operation, remote_type, fields, before, begun_at)
             SELECT id, link, connection, epoch, operation, remote_type, fields, before, begun_at FROM", "WHERE true")?;
        Ok(())
    }

    pub async fn settle_intents(&mut self, settled: &[Settled], now: Time) -> Result<()> {
        rows!(self, settled => (id uuid, outcome text, code text),
            "UPDATE intent SET settled_at = $2, outcome = r.outcome, code = r.code FROM",
            "WHERE intent.id = r.id AND intent.settled_at IS NULL", now.0)?;
        Ok(())
    }

    /// Writes receipts. A lost lease writes nothing: the next holder finds the open intent. What
    /// changed during the call stays due. Gives the links that were written.
    pub async fn put_receipts(&mut self, receipts: &[Receipt]) -> Result<Vec<LinkId>> {
        let ids: Vec<Uuid> = receipts.iter().map(|receipt| receipt.id).collect();
        self.lock_links(&ids).await?;
        let done = rows_all!(self, (Uuid,), receipts => (id uuid, epoch bigint, remote_type text, remote_id text, sent jsonb, held jsonb, settled bigint, next_at bigint, attempt bigint, state text, code text, reason text, written_at bigint),
            "UPDATE link SET remote_type = r.remote_type, remote_id = r.remote_id, sent = r.sent, held = r.held,
                    done = CASE WHEN r.settled = 1 THEN link.planned ELSE link.done END,
                    leased_until = 0, next_at = r.next_at, attempt = r.attempt, state = r.state, code = r.code, reason = r.reason,
                    written_at = CASE WHEN r.written_at > 0 THEN r.written_at ELSE link.written_at END FROM",
            "WHERE link.id = r.id AND link.epoch = r.epoch RETURNING link.id")?;
        Ok(done.into_iter().map(|row| LinkId(row.0)).collect())
    }

    /// Which of the links are there: those of a person who was forgotten are not.
    pub async fn links_there(&mut self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        let ids = id_rows(ids.iter().copied());
        let rows = rows_all!(self, (Uuid,), &ids => (id uuid), "SELECT l.id FROM link l JOIN", "ON l.id = r.id ORDER BY l.id")?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// Remembers what the CRM showed.
    pub async fn put_seen(&mut self, seen: &[(LinkId, RemoteFields)]) -> Result<()> {
        #[derive(Serialize)]
        struct Row<'a> {
            id: Uuid,
            seen: &'a RemoteFields,
        }
        let rows: Vec<Row<'_>> = seen.iter().map(|(id, seen)| Row { id: id.0, seen }).collect();
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        self.lock_links(&ids).await?;
        rows!(self, &rows => (id uuid, seen jsonb), "UPDATE link SET seen = r.seen FROM", "WHERE link.id = r.id")?;
        Ok(())
    }

    /// Notes what reads showed, unless the link has been written, or is being written, since. Gives
    /// the links of which the read was evidence.
    pub async fn put_shown(&mut self, shown: &[Shown], now: Time) -> Result<Vec<LinkId>> {
        if shown.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = shown.iter().map(|row| row.id).collect();
        self.lock_links(&ids).await?;
        let noted = rows_all!(self, (Uuid,), shown => (id uuid, written_at bigint, sent jsonb, seen jsonb),
            "UPDATE link SET sent = r.sent, seen = r.seen FROM",
            "WHERE link.id = r.id AND link.written_at = r.written_at AND link.leased_until <= $2
               AND NOT EXISTS (SELECT 1 FROM intent i WHERE i.link = link.id AND i.settled_at IS NULL) RETURNING link.id", now.0)?;
        Ok(noted.into_iter().map(|row| LinkId(row.0)).collect())
    }

    /// Notes that the CRM has these records no more: nothing is written to them until a person
    /// decides.
    pub async fn mark_gone(&mut self, ids: &[LinkId]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let raw: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        self.lock_links(&raw).await?;
        let rows = id_rows(raw);
        rows!(self, &rows => (id uuid),
            "UPDATE link SET state = 'gone', code = 'deleted_there', done = wanted FROM", "WHERE link.id = r.id AND link.state <> 'gone'")?;
        Ok(())
    }

    /// Gives leases back unused; links that have their receipts are left alone.
    pub async fn release_links(&mut self, leases: &[(LinkId, i64)], next: Time, code: Option<&str>) -> Result<()> {
        #[derive(Serialize)]
        struct Row {
            id: Uuid,
            epoch: i64,
        }
        let rows: Vec<Row> = leases.iter().map(|(id, epoch)| Row { id: id.0, epoch: *epoch }).collect();
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        self.lock_links(&ids).await?;
        rows!(self, &rows => (id uuid, epoch bigint),
            "UPDATE link SET leased_until = 0, next_at = $2, code = $3 FROM", "WHERE link.id = r.id AND link.epoch = r.epoch AND link.leased_until > 0",
            next.0, code.map(str::to_owned))?;
        Ok(())
    }

    /// When to look again at the due links of a connection; `None` if nothing is due. Who holds a
    /// lease is asked again after a second: most are done long before their lease ends.
    pub async fn next_link(&mut self, connection: ConnectionId, now: Time) -> Result<Option<Time>> {
        let rows = fetch_all!(
            self,
            (Option<i64>,),
            "SELECT min(CASE WHEN leased_until <= $2 THEN next_at WHEN leased_until < $3 THEN leased_until ELSE $3 END) FROM link
             WHERE connection = $1 AND wanted > done AND role = 'primary' AND state <> 'gone'",
            connection.0,
            now.0,
            now.plus(Duration::from_secs(1)).0,
        )?;
        Ok(rows.first().and_then(|row| row.0).map(Time))
    }

    /// Raises what is wanted of links (a mapping, mode or need changed).
    pub async fn want_again(&mut self, ids: &[LinkId]) -> Result<()> {
        let raw: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        self.lock_links(&raw).await?;
        let rows = id_rows(raw);
        rows!(self, &rows => (id uuid),
            "UPDATE link SET wanted = wanted + 1, next_at = 0, state = 'open' FROM", "WHERE link.id = r.id")?;
        Ok(())
    }

    /// Raises what is wanted of up to `most` links of a connection, because its mode or mapping
    /// changed; with another mapping what was held is tried anew. What is gone there stays with the
    /// person who decides. Gives the last link if there may be more after it.
    pub async fn want_slice(
        &mut self,
        connection: ConnectionId,
        after: Uuid,
        release_held: bool,
        most: i64,
    ) -> Result<Option<Uuid>> {
        let ids = fetch_all!(
            self,
            (Uuid,),
            "SELECT id FROM link WHERE connection = $1 AND id > $2 AND role = 'primary' AND state <> 'gone' ORDER BY id LIMIT $3",
            connection.0,
            after,
            most,
        )?;
        let ids: Vec<Uuid> = ids.into_iter().map(|row| row.0).collect();
        self.lock_links(&ids).await?;
        let rows = id_rows(ids.iter().copied());
        rows!(self, &rows => (id uuid),
            "UPDATE link SET wanted = wanted + 1, next_at = 0, attempt = 0, state = 'open',
                    held = CASE WHEN $2 = 1 THEN '{}' ELSE held END FROM", "WHERE link.id = r.id AND link.state <> 'gone'",
            i64::from(release_held))?;
        let full = i64::try_from(ids.len()).unwrap_or(i64::MAX) >= most;
        Ok(ids.last().copied().filter(|_| full))
    }

    /// Does again what a connection refused, held or lost: all such links of it, or one; gives their
    /// number. What is held is let go and refusals are forgotten, so that everything is planned
    /// anew. A record that is gone there is to be made again: its link forgets the remote record, is
    /// looked up as if it were new, and whatever hangs on it is told of the new one.
    pub async fn retry_links(&mut self, connection: ConnectionId, link: Option<LinkId>) -> Result<u64> {
        let ids = fetch_all!(
            self,
            (Uuid, String),
            "SELECT id, state FROM link
             WHERE connection = $1 AND ($2 IS NULL OR id = $2) AND role = 'primary'
               AND (state <> 'open' OR held <> '{}' OR code <> 'not_found_there') ORDER BY id",
            connection.0,
            link.map(|id| id.0),
        )?;
        if ids.is_empty() {
            return Ok(0);
        }
        let gone = id_rows(ids.iter().filter(|(_, state)| state == "gone").map(|(id, _)| *id));
        let hanging = rows_all!(self, (Uuid,), &gone => (id uuid),
            "SELECT d.id FROM", "CROSS JOIN link d WHERE d.need_a = r.id OR d.need_b = r.id ORDER BY d.id")?;
        let ids: Vec<Uuid> = ids.into_iter().map(|(id, _)| id).collect();
        let hanging: Vec<Uuid> = hanging.into_iter().map(|row| row.0).filter(|id| !ids.contains(id)).collect();
        self.lock_links(&[ids.as_slice(), &hanging].concat()).await?;
        let hanging = id_rows(hanging);
        rows!(self, &hanging => (id uuid), "UPDATE link SET wanted = wanted + 1, next_at = 0 FROM", "WHERE link.id = r.id")?;
        // A write that is still under way to a record that is gone must not bring its id back: the
        // epoch shuts it out, and its lease runs to its end before the link is looked at.
        let rows = id_rows(ids);
        rows!(self, &rows => (id uuid),
            "UPDATE link SET wanted = wanted + 1, next_at = 0, attempt = 0, state = 'open', held = '{}', code = NULL, reason = NULL,
                    epoch = CASE WHEN state = 'gone' THEN epoch + 1 ELSE epoch END,
                    remote_id = CASE WHEN state = 'gone' THEN NULL ELSE remote_id END,
                    sent = CASE WHEN state = 'gone' THEN '{}' ELSE sent END,
                    seen = CASE WHEN state = 'gone' THEN '{}' ELSE seen END,
                    written_at = CASE WHEN state = 'gone' THEN 0 ELSE written_at END FROM", "WHERE link.id = r.id")
    }

    /// Dependants that went without these links because they were refused, and may be completed now.
    pub async fn want_dependants(&mut self, links: &[LinkId]) -> Result<()> {
        let ids = id_rows(links.iter().map(|id| id.0));
        let waiting = rows_all!(self, (Uuid,), &ids => (id uuid),
            "SELECT d.id FROM",
            "CROSS JOIN link d WHERE d.code = 'need_refused' AND (d.need_a = r.id OR d.need_b = r.id) ORDER BY d.id")?;
        let waiting: Vec<LinkId> = waiting.into_iter().map(|row| LinkId(row.0)).collect();
        if waiting.is_empty() { Ok(()) } else { self.want_again(&waiting).await }
    }

    /// Whether links of a connection are due though no job will look at them.
    pub async fn is_unattended(&mut self, connection: ConnectionId) -> Result<bool> {
        let rows = fetch_all!(
            self,
            (i64,),
            "SELECT count(*) FROM connection c WHERE c.id = $1
               AND EXISTS (SELECT 1 FROM link l WHERE l.connection = $1 AND l.wanted > l.done AND l.role = 'primary' AND l.state <> 'gone')
               AND NOT EXISTS (SELECT 1 FROM job j WHERE j.topic = $2 AND j.dead_at IS NULL)",
            connection.0,
            format!("push:{}", connection.0),
        )?;
        Ok(rows.first().is_some_and(|row| row.0 > 0))
    }
}

impl Store {
    /// What is known of the links under these leases. Read after the lease is committed, so that nobody
    /// else who writes waits for it: whatever changes until then is due again. A lease that was lost
    /// meanwhile, or whose link was forgotten, is left out.
    pub async fn leased(&self, leases: &[Lease]) -> Result<Vec<Leased>> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let rows = rows_all!(self, LeasedRow, leases => (id uuid, epoch bigint),
            "SELECT l.id, l.record, l.kind, l.remote_type, l.remote_id, l.sent, l.seen, l.held, l.epoch, l.attempt, record.fields
             FROM", "CROSS JOIN link l JOIN record ON record.id = l.record WHERE l.id = r.id AND l.epoch = r.epoch ORDER BY l.id")?;
        // Under its first lease nothing was begun before.
        let again: Vec<Lease> = leases.iter().filter(|lease| lease.epoch > 1).copied().collect();
        let open = if again.is_empty() {
            Vec::new()
        } else {
            rows_all!(self, IntentRow, &again => (id uuid, epoch bigint),
                "SELECT i.id, i.link, i.operation, i.fields, i.begun_at FROM", "CROSS JOIN intent i WHERE i.link = r.id AND i.settled_at IS NULL ORDER BY i.begun_at")?
        };
        rows.into_iter()
            .map(|row| {
                let open_intent = open.iter().rfind(|intent| intent.link == row.id).map(|intent| OpenIntent {
                    id: intent.id,
                    operation: intent.operation.clone(),
                    fields: intent.fields.0.clone(),
                    begun_at: Time(intent.begun_at),
                });
                Ok(Leased {
                    id: LinkId(row.id),
                    record: RecordId(row.record),
                    kind: Kind::parse(&row.kind).ok_or(Error::Corrupt("link.kind"))?,
                    remote_type: row.remote_type,
                    remote_id: row.remote_id,
                    sent: row.sent.0,
                    seen: row.seen.0,
                    held: row.held.0,
                    epoch: row.epoch,
                    attempt: row.attempt,
                    fields: row.fields.0.0,
                    open_intent,
                })
            })
            .collect()
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

    /// The links that hold these remote ids.
    pub async fn links_by_remote(
        &self,
        connection: ConnectionId,
        remote_type: &str,
        ids: &[String],
    ) -> Result<Vec<Known>> {
        #[derive(Serialize)]
        struct Row<'a> {
            remote_id: &'a str,
        }
        let rows: Vec<Row<'_>> = ids.iter().map(|remote_id| Row { remote_id }).collect();
        // The slice first, as for the counterparts.
        rows_all!(self, Known, &rows => (remote_id text),
            "SELECT l.id, l.record, l.kind, l.remote_id, l.sent, l.seen, l.written_at, l.leased_until, l.state, record.fields,
                    (SELECT count(*) FROM intent i WHERE i.link = l.id AND i.settled_at IS NULL) AS busy FROM",
            "CROSS JOIN link l JOIN record ON record.id = l.record
             WHERE l.remote_id = r.remote_id AND l.connection = $2 AND l.remote_type = $3",
            connection.0, remote_type.to_owned())
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
             FROM link WHERE (wanted > done OR state <> 'open' OR held <> '{}' OR code <> 'not_found_there') AND ($1 IS NULL OR connection = $1) AND id > $2 ORDER BY id LIMIT $3",
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
                    CAST(sum(CASE WHEN wanted > done THEN 1 ELSE 0 END) AS bigint) AS due,
                    CAST(sum(CASE WHEN written_at > 0 THEN 1 ELSE 0 END) AS bigint) AS written,
                    CAST(sum(CASE WHEN written_at = 0 AND wanted <= done AND state <> 'refused' THEN 1 ELSE 0 END) AS bigint) AS unwritten,
                    CAST(sum(CASE WHEN state = 'refused' THEN 1 ELSE 0 END) AS bigint) AS refused
             FROM link WHERE role = 'primary' GROUP BY connection, kind ORDER BY connection, kind",
        )
    }

    /// Links that are due, and that were refused, by connection and stage: read from two indices
    /// alone, as it is asked often.
    pub async fn backlog(&self) -> Result<Vec<Backlog>> {
        fetch_all!(
            self,
            Backlog,
            "SELECT connection, stage, count(*) AS due, CAST(0 AS bigint) AS refused FROM link WHERE wanted > done GROUP BY connection, stage
             UNION ALL
             SELECT connection, stage, CAST(0 AS bigint), count(*) FROM link WHERE state = 'refused' GROUP BY connection, stage
             ORDER BY 1, 2, 3, 4",
        )
    }

    /// Writes by connection, type and outcome since a time.
    pub async fn intent_counts(&self, since: Time) -> Result<Vec<(Uuid, String, String, i64)>> {
        fetch_all!(
            self,
            (Uuid, String, String, i64),
            "SELECT connection, remote_type, coalesce(outcome, 'open'), count(*) FROM intent WHERE begun_at >= $1
             GROUP BY connection, remote_type, coalesce(outcome, 'open') ORDER BY 1, 2, 3",
            since.0,
        )
    }

    /// What was written to a link, the latest first.
    pub async fn intents(&self, link: LinkId, most: i64) -> Result<Vec<IntentLine>> {
        fetch_all!(
            self,
            IntentLine,
            "SELECT id, operation, remote_type, fields, before, begun_at, settled_at, outcome, code FROM intent
             WHERE link = $1 ORDER BY begun_at DESC, id DESC LIMIT $2",
            link.0,
            most,
        )
    }
}

/// One write, for the timeline.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct IntentLine {
    pub id: Uuid,
    pub operation: String,
    pub remote_type: String,
    pub fields: Json<RemoteFields>,
    pub before: Json<RemoteFields>,
    pub begun_at: i64,
    pub settled_at: Option<i64>,
    pub outcome: Option<String>,
    pub code: Option<String>,
}
