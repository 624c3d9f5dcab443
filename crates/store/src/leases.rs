//! Leases: which links one batch writes, and what it is about to write to each.
//!
//! **Invariant:** a link is in one lease at most; what a CRM is told is committed with the lease before
//! it is told, and what was perhaps told outlives the lease as an open intent.

use std::{collections::HashSet, sync::Arc, time::Duration};

use mittler_core::{ConnectionId, Fields, Kind, LinkId, RecordId, RemoteFields, Time, plan::Held};
use serde::Serialize;
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{
    Db, Document, Error, Result, Store, Tx, id_rows,
    intents::{Intent, OpenIntent},
    packed::Packed,
};

/// Links that can be leased together: of one lane, stage and remote type, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub lane: i64,
    pub remote_type: String,
    pub links: Vec<Uuid>,
}

/// The right to write links, until it ends.
#[derive(Debug, Clone)]
pub struct Lease {
    pub id: Uuid,
    pub connection: ConnectionId,
    pub until: Time,
    pub links: Vec<Uuid>,
}

/// A lease in a transaction that writes what it allows: nobody takes it over before that ends.
#[derive(Debug, Clone)]
pub struct Holding {
    id: Uuid,
    pub until: Time,
    /// Those of a person who was forgotten are not among them any more.
    pub links: HashSet<Uuid>,
}

/// A link that a batch may write, until its lease ends.
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
    /// What is wanted of it, as of these fields: done once they are written.
    pub wanted: i64,
    pub epoch: i64,
    pub attempt: i64,
    pub fields: Arc<Fields>,
    /// An earlier write whose end nobody knows: look first.
    pub open_intent: Option<OpenIntent>,
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
    wanted: i64,
    epoch: i64,
    attempt: i64,
    fields: Json<Packed>,
    /// Whether any write at all is open.
    open: i64,
}

#[derive(FromRow)]
struct IntentRow {
    id: Uuid,
    link: Uuid,
    operation: String,
    fields: Json<RemoteFields>,
    begun_at: i64,
}

#[derive(FromRow)]
struct LeaseRow {
    id: Uuid,
    links: Json<Vec<Uuid>>,
    writes: Json<Vec<Intent>>,
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
    /// What is done of what was wanted. `None`: it is still due.
    pub done: Option<i64>,
    pub next_at: i64,
    pub attempt: i64,
    pub state: String,
    pub code: Option<String>,
    pub reason: Option<String>,
    /// When the write ended; 0 if nothing was written.
    pub written_at: i64,
}

macro_rules! due {
    () => {
        "l.connection = $1 AND l.wanted > l.done AND l.id NOT IN (SELECT link FROM leased WHERE connection = $1)
         AND l.next_at <= $2 AND l.role = 'primary' AND l.state <> 'gone'"
    };
}

// A need that is settled without a remote record - the mode forbids it, say -, or that the mapping
// does not have, will not come soon: its dependants say so, and come again when it does. A value
// instead of EXISTS, which PostgreSQL answers by reading all links.
macro_rules! needs_nothing {
    () => {
        "COALESCE((SELECT n.remote_id IS NOT NULL OR n.state <> 'open' OR n.wanted <= n.done FROM link n WHERE n.id = l.need_b), TRUE)
         AND COALESCE((SELECT n.remote_id IS NOT NULL OR n.state <> 'open' OR n.wanted <= n.done FROM link n WHERE n.id = l.need_a), TRUE)"
    };
}

impl Tx {
    /// Whether any link of a connection can be leased.
    pub async fn any_leasable(&mut self, connection: ConnectionId, now: Time) -> Result<bool> {
        let any = fetch_all!(
            self,
            (i64,),
            concat!(
                "SELECT CAST(count(*) AS bigint) FROM (SELECT 1 FROM link l WHERE ",
                due!(),
                " AND ",
                needs_nothing!(),
                " LIMIT 1) AS due"
            ),
            connection.0,
            now.0,
        )?;
        Ok(any.first().is_some_and(|row| row.0 > 0))
    }

    /// Lets no lease of a connection begin until this transaction ends: which links are leased stays as
    /// it is read. SQLite has one writer and needs nothing.
    pub async fn stop_leases(&mut self, connection: Uuid) -> Result<()> {
        if let Db::Postgres(c) = self.db() {
            let (high, low) = connection.as_u64_pair();
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind((high ^ low).cast_signed()).execute(c).await?;
        }
        Ok(())
    }

    /// Begins a lease, unless another has one of the links. `own`: the other leases of whoever asks,
    /// who left out what is in those.
    pub async fn begin_lease(&mut self, lease: &Lease, own: &[Uuid]) -> Result<bool> {
        // Two that begin at once would not see each other's.
        self.stop_leases(lease.connection.0).await?;
        let others = fetch_all!(self, (Uuid,), "SELECT id FROM lease WHERE connection = $1", lease.connection.0)?;
        if others.iter().any(|(id,)| !own.contains(id)) {
            let ids = id_rows(lease.links.iter().copied());
            let taken = rows_all!(self, (Uuid,), &ids => (id uuid),
                "SELECT r.id FROM", "WHERE r.id IN (SELECT link FROM leased WHERE connection = $2)", lease.connection.0)?;
            if !taken.is_empty() {
                return Ok(false);
            }
        }
        execute!(
            self,
            "INSERT INTO lease (id, connection, until, links, writes) VALUES ($1, $2, $3, $4, '[]')",
            lease.id,
            lease.connection.0,
            lease.until.0,
            Document(&lease.links),
        )?;
        Ok(true)
    }

    /// Holds a lease until this transaction ends; `None` if it has been taken over.
    pub async fn hold(&mut self, lease: Uuid) -> Result<Option<Holding>> {
        let rows = fetch_either!(
            self,
            (Json<Vec<Uuid>>, i64),
            "SELECT links, until FROM lease WHERE id = $1",
            "SELECT links, until FROM lease WHERE id = $1 FOR UPDATE",
            lease,
        )?;
        let row = rows.into_iter().next();
        Ok(row.map(|(Json(links), until)| Holding {
            id: lease,
            until: Time(until),
            links: links.into_iter().collect(),
        }))
    }

    /// Notes what is about to be written under a lease. What was noted before is in the intents by now.
    pub async fn note_writes(&mut self, holding: &Holding, writes: &[Intent]) -> Result<()> {
        execute!(self, "UPDATE lease SET writes = $2 WHERE id = $1", holding.id, Document(writes))?;
        Ok(())
    }

    /// Writes receipts. What changed during the call stays due. Gives the links that were written:
    /// not those of which a receipt of another time came in between, or which are no more.
    pub async fn put_receipts(&mut self, holding: &Holding, receipts: &[Receipt]) -> Result<Vec<LinkId>> {
        let receipts: Vec<&Receipt> = receipts.iter().filter(|it| holding.links.contains(&it.id)).collect();
        if receipts.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = receipts.iter().map(|receipt| receipt.id).collect();
        self.lock_links(&ids).await?;
        let done = rows_all!(self, (Uuid,), &receipts => (id uuid, epoch bigint, remote_type text, remote_id text, sent json, held json, done bigint, next_at bigint, attempt bigint, state text, code text, reason text, written_at bigint),
            "UPDATE link SET remote_type = r.remote_type, remote_id = r.remote_id, sent = r.sent, held = r.held,
                    done = CASE WHEN r.done IS NULL THEN link.done WHEN r.done > link.wanted THEN link.wanted ELSE r.done END,
                    epoch = link.epoch + 1, next_at = r.next_at, attempt = r.attempt, state = r.state, code = r.code, reason = r.reason,
                    written_at = CASE WHEN r.written_at > 0 THEN r.written_at ELSE link.written_at END FROM",
            "WHERE link.id = r.id AND link.epoch = r.epoch RETURNING link.id")?;
        Ok(done.into_iter().map(|row| LinkId(row.0)).collect())
    }

    /// Gives links back unwritten; those that have their receipts are left alone.
    pub async fn release_links(
        &mut self,
        holding: &Holding,
        links: &[(LinkId, i64)],
        next: Time,
        code: Option<&str>,
    ) -> Result<()> {
        #[derive(Serialize)]
        struct Row {
            id: Uuid,
            epoch: i64,
        }
        let rows: Vec<Row> = links
            .iter()
            .filter(|(id, _)| holding.links.contains(&id.0))
            .map(|(id, epoch)| Row { id: id.0, epoch: *epoch })
            .collect();
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        self.lock_links(&ids).await?;
        rows!(self, &rows => (id uuid, epoch bigint),
            "UPDATE link SET next_at = $2, code = $3 FROM", "WHERE link.id = r.id AND link.epoch = r.epoch",
            next.0, code.map(str::to_owned))?;
        Ok(())
    }

    /// Ends a lease of which every link has its receipt, or was given back.
    pub async fn end_lease(&mut self, lease: Uuid) -> Result<()> {
        execute!(self, "DELETE FROM lease WHERE id = $1", lease)?;
        Ok(())
    }

    /// Takes links, and what was to be written to them, out of all leases: their person is forgotten.
    pub(crate) async fn strike_from_leases(&mut self, links: &[Uuid]) -> Result<u64> {
        let leases = fetch_either!(
            self,
            LeaseRow,
            "SELECT id, links, writes FROM lease ORDER BY id",
            "SELECT id, links, writes FROM lease ORDER BY id FOR UPDATE",
        )?;
        let links: HashSet<&Uuid> = links.iter().collect();
        let mut struck = 0;
        for mut lease in leases.into_iter().filter(|lease| lease.links.iter().any(|id| links.contains(id))) {
            lease.links.retain(|id| !links.contains(id));
            lease.writes.retain(|write| !links.contains(&write.link));
            struck += execute!(
                self,
                "UPDATE lease SET links = $2, writes = $3 WHERE id = $1",
                lease.id,
                Document(&lease.links.0),
                Document(&lease.writes.0)
            )?;
        }
        Ok(struck)
    }
}

impl Store {
    /// Which links are to be leased next; `None` if none can be. Without some remote types, to which the
    /// CRM is closed for now. `most`: how many of a remote type go together. `depth`: how many that are
    /// due, and may wait for others, are looked at; behind a backlog there can be more.
    pub async fn due(
        &self,
        connection: ConnectionId,
        now: Time,
        closed: &[String],
        most: impl Fn(&str) -> usize + Send,
        depth: i64,
    ) -> Result<Option<Due>> {
        let head = fetch_all!(
            self,
            (i64, i64, String),
            // No order outside: rows come as the inner query gives them, and no more of them than to the first.
            concat!(
                "SELECT l.lane, l.stage, l.remote_type FROM
                 (SELECT l.lane, l.stage, l.remote_type, l.need_a, l.need_b FROM link l WHERE ",
                due!(),
                " AND $3 NOT LIKE '%|' || l.remote_type || '|%' ORDER BY l.lane, l.stage, l.created_at, l.id LIMIT $4) l WHERE ",
                needs_nothing!(),
                " LIMIT 1"
            ),
            connection.0,
            now.0,
            format!("|{}|", closed.join("|")),
            depth,
        )?;
        let Some((lane, stage, remote_type)) = head.into_iter().next() else { return Ok(None) };
        let due = fetch_all!(
            self,
            (Uuid,),
            concat!(
                "SELECT l.id FROM (SELECT l.id, l.need_a, l.need_b FROM link l WHERE ",
                due!(),
                " AND l.lane = $3 AND l.stage = $4 AND l.remote_type = $5 ORDER BY l.created_at, l.id LIMIT $6) l WHERE ",
                needs_nothing!(),
                " LIMIT $7"
            ),
            connection.0,
            now.0,
            lane,
            stage,
            remote_type.clone(),
            depth,
            i64::try_from(most(&remote_type)).unwrap_or(i64::MAX),
        )?;
        let links: Vec<Uuid> = due.into_iter().map(|row| row.0).collect();
        Ok((!links.is_empty()).then_some(Due { lane, remote_type, links }))
    }

    /// Leases up to `most` links that can be leased together.
    pub async fn lease_links(
        &self,
        id: Uuid,
        connection: ConnectionId,
        now: Time,
        lasts: Duration,
        most: usize,
    ) -> Result<(Lease, Vec<Leased>)> {
        let mut lease = Lease { id, connection, until: now.plus(lasts), links: Vec::new() };
        let Some(due) = self.due(connection, now, &[], |_| most, i64::MAX).await? else {
            return Ok((lease, Vec::new()));
        };
        lease.links = due.links;
        let begun = lease.clone();
        if !self.write(async move |tx| tx.begin_lease(&begun, &[]).await).await? {
            return Ok((lease, Vec::new()));
        }
        let leased = self.leased(&lease, now).await?;
        Ok((lease, leased))
    }

    /// What is known of the links of a lease, and is to be told. Read after the lease is committed, so
    /// that nobody else who writes waits for it: whatever changes until then is due again, and what
    /// another has told meanwhile is not due any more.
    pub async fn leased(&self, lease: &Lease, now: Time) -> Result<Vec<Leased>> {
        if lease.links.is_empty() {
            return Ok(Vec::new());
        }
        let ids = id_rows(lease.links.iter().copied());
        let rows = rows_all!(self, LeasedRow, &ids => (id uuid),
            "SELECT l.id, l.record, l.kind, l.remote_type, l.remote_id, l.sent, l.seen, l.held, l.wanted, l.epoch, l.attempt, record.fields,
                    (SELECT CAST(count(*) AS bigint) FROM (SELECT 1 FROM intent WHERE settled_at IS NULL LIMIT 1) AS one) AS open
             FROM", "CROSS JOIN link l JOIN record ON record.id = l.record
             WHERE l.id = r.id AND l.wanted > l.done AND l.next_at <= $2 AND l.role = 'primary' AND l.state <> 'gone' ORDER BY l.id", now.0)?;
        let open = if rows.iter().any(|row| row.open > 0) {
            rows_all!(self, IntentRow, &ids => (id uuid),
                "SELECT i.id, i.link, i.operation, i.fields, i.begun_at FROM", "CROSS JOIN intent i WHERE i.link = r.id AND i.settled_at IS NULL ORDER BY i.begun_at")?
        } else {
            Vec::new()
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
                    wanted: row.wanted,
                    epoch: row.epoch,
                    attempt: row.attempt,
                    fields: Arc::new(row.fields.0.0),
                    open_intent,
                })
            })
            .collect()
    }

    /// Ends leases that have outlived their time. What was about to be written under them was written
    /// perhaps: those intents stay open, and whoever takes the links next looks first.
    pub async fn expire_leases(&self, now: Time) -> Result<()> {
        let over = fetch_all!(self, (Uuid,), "SELECT id FROM lease WHERE until <= $1 ORDER BY id", now.0)?;
        for (lease,) in over {
            self.write(async move |tx| {
                let writes = fetch_all!(
                    tx,
                    (Json<Vec<Intent>>,),
                    "DELETE FROM lease WHERE id = $1 AND until <= $2 RETURNING writes",
                    lease,
                    now.0
                )?;
                for (Json(writes),) in writes {
                    tx.put_intents(&writes).await?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}
