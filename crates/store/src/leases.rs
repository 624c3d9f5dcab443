//! Leases: a call to a CRM that is under way, with what it is about to write to each link.
//!
//! **Invariant:** a link is in one lease at most; what a CRM is told is committed with the lease before
//! it is told, and what was perhaps told outlives the lease as an open intent.

use std::collections::HashSet;

use mittler_core::{ConnectionId, LinkId, RemoteFields, Time, plan::Held};
use serde::Serialize;
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{
    Db, Document, Result, Store, Tx, id_rows,
    intents::{Intent, Settled},
    links::LinkState,
};

/// The right to make a call, until it ends.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    pub id: Uuid,
    pub connection: ConnectionId,
    pub until: Time,
}

/// Links, locked, to which a transaction may write receipts: nobody else does before it ends.
#[derive(Debug, Clone)]
pub struct LockedLinks(HashSet<Uuid>);

impl LockedLinks {
    pub fn has(&self, link: LinkId) -> bool {
        self.0.contains(&link.0)
    }
}

#[derive(FromRow)]
pub(crate) struct LeaseRow {
    id: Uuid,
    links: Json<Vec<Uuid>>,
    pub(crate) writes: Json<Vec<Intent>>,
}

/// What a link becomes after a write or a look.
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
    pub state: LinkState,
    pub code: Option<String>,
    pub reason: Option<String>,
    /// When the write ended; 0 if nothing was written.
    pub written_at: i64,
}

impl Receipt {
    /// The link, as it was read.
    pub fn of(&self) -> (LinkId, i64) {
        (LinkId(self.id), self.epoch)
    }
}

impl Tx {
    /// Which of these links, as they were read, are still due, and nobody has written since or is writing.
    /// They stay so until this transaction ends. Of somebody who is being forgotten nothing is due any more.
    pub async fn hold_links(&mut self, links: &[(LinkId, i64)]) -> Result<LockedLinks> {
        #[derive(Serialize)]
        struct Row {
            id: Uuid,
            epoch: i64,
        }
        if links.is_empty() {
            return Ok(LockedLinks(HashSet::new()));
        }
        let rows: Vec<Row> = links.iter().map(|(id, epoch)| Row { id: id.0, epoch: *epoch }).collect();
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        // Two statements: what the first waits for, the second sees.
        self.lock_links(&ids).await?;
        let free = match self.db() {
            Db::Sqlite(_) => rows_all!(self, (Uuid,), &rows => (id uuid, epoch bigint),
                "SELECT l.id FROM", "CROSS JOIN link l WHERE l.id = r.id AND l.epoch = r.epoch AND l.wanted > l.done AND l.role = 'primary' AND l.state NOT IN ('gone', 'suspect')
                   AND l.id NOT IN (SELECT leased.link FROM leased)")?,
            // An array: what it takes to be very many rows PostgreSQL would read again for each link.
            Db::Postgres(_) => rows_all!(self, (Uuid,), &rows => (id uuid, epoch bigint),
                "SELECT l.id FROM", "CROSS JOIN link l WHERE l.id = r.id AND l.epoch = r.epoch AND l.wanted > l.done AND l.role = 'primary' AND l.state NOT IN ('gone', 'suspect')
                   AND l.id <> ALL (ARRAY(SELECT leased.link FROM leased))")?,
        };
        Ok(LockedLinks(free.into_iter().map(|row| row.0).collect()))
    }

    /// Begins a lease: notes what is about to be written to links that this transaction holds.
    pub async fn begin_lease(&mut self, lease: Lease, writes: &[Intent]) -> Result<()> {
        let links: Vec<Uuid> = writes.iter().map(|write| write.link).collect();
        execute!(
            self,
            "INSERT INTO lease (id, connection, until, links, writes) VALUES ($1, $2, $3, $4, $5)",
            lease.id,
            lease.connection.0,
            lease.until.0,
            Document(&links),
            Document(writes),
        )?;
        Ok(())
    }

    /// Holds the links of a lease, without those of a person who was forgotten meanwhile, until this
    /// transaction ends; `None` if it has been taken over.
    pub async fn hold_lease(&mut self, lease: Uuid) -> Result<Option<LockedLinks>> {
        let rows = fetch_either!(
            self,
            (Json<Vec<Uuid>>,),
            "SELECT links FROM lease WHERE id = $1",
            "SELECT links FROM lease WHERE id = $1 FOR UPDATE",
            lease,
        )?;
        let Some((Json(links),)) = rows.into_iter().next() else { return Ok(None) };
        self.lock_links(&links).await?;
        // Who was forgotten while the lease began was not struck out of it.
        Ok(Some(LockedLinks(self.links_there(&links).await?.into_iter().collect())))
    }

    /// Writes receipts. What changed during the call stays due. Gives the links that were written:
    /// not those of which a receipt of another time came in between, or which are no more.
    pub async fn put_receipts(&mut self, holding: &LockedLinks, receipts: &[Receipt]) -> Result<Vec<LinkId>> {
        let receipts: Vec<&Receipt> = receipts.iter().filter(|it| holding.has(LinkId(it.id))).collect();
        if receipts.is_empty() {
            return Ok(Vec::new());
        }
        let done = rows_all!(self, (Uuid,), &receipts => (id uuid, epoch bigint, remote_type text, remote_id text, sent json, held json, done bigint, next_at bigint, attempt bigint, state text, code text, reason text, written_at bigint),
            "UPDATE link SET remote_type = r.remote_type, remote_id = r.remote_id, sent = r.sent, held = r.held,
                    done = CASE WHEN r.done IS NULL THEN link.done WHEN r.done > link.wanted THEN link.wanted ELSE r.done END,
                    command = CASE WHEN (r.done >= link.wanted AND (r.code IS NULL OR r.state <> 'open'))
                                        OR (r.remote_id IS NOT NULL AND link.remote_id IS NULL) OR r.remote_id <> link.remote_id THEN NULL ELSE link.command END,
                    epoch = link.epoch + 1, next_at = r.next_at, attempt = r.attempt, state = r.state, code = r.code, reason = r.reason,
                    written_at = CASE WHEN r.written_at > 0 THEN r.written_at ELSE link.written_at END FROM",
            "WHERE link.id = r.id AND link.epoch = r.epoch RETURNING link.id")?;
        Ok(done.into_iter().map(|row| LinkId(row.0)).collect())
    }

    /// Notes how open intents of links ended.
    pub async fn settle_intents(&mut self, holding: &LockedLinks, settled: &[Settled], now: Time) -> Result<()> {
        let settled: Vec<&Settled> = settled.iter().filter(|it| holding.has(LinkId(it.link))).collect();
        if settled.is_empty() {
            return Ok(());
        }
        rows!(self, &settled => (id uuid, outcome text, code text),
            "UPDATE intent SET settled_at = $2, outcome = r.outcome, code = r.code FROM",
            "WHERE intent.id = r.id AND intent.settled_at IS NULL", now.0)?;
        Ok(())
    }

    /// Gives links back for later, unwritten.
    pub async fn release_links(
        &mut self,
        holding: &LockedLinks,
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
            .filter(|(id, _)| holding.has(*id))
            .map(|(id, epoch)| Row { id: id.0, epoch: *epoch })
            .collect();
        rows!(self, &rows => (id uuid, epoch bigint),
            "UPDATE link SET next_at = $2, code = $3 FROM", "WHERE link.id = r.id AND link.epoch = r.epoch",
            next.0, code.map(str::to_owned))?;
        Ok(())
    }

    /// Ends a lease: its call has ended, and what is known of it is written.
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
                for (Json(mut writes),) in writes {
                    let links: Vec<Uuid> = writes.iter().map(|write| write.link).collect();
                    tx.lock_links(&links).await?;
                    let there = tx.links_there(&links).await?;
                    writes.retain(|write| there.contains(&write.link));
                    tx.put_intents(&writes).await?;
                    // Whoever read the links before does not know of these.
                    let there = id_rows(there);
                    rows!(tx, &there => (id uuid), "UPDATE link SET epoch = link.epoch + 1 FROM", "WHERE link.id = r.id")?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}
