//! What the CRMs showed of links, and which of them they have no more.

use std::collections::BTreeSet;

use mittler_core::{ConnectionId, LinkId, RecordId, RemoteFields, Time, plan::Held};
use serde::Serialize;
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{Document, Result, Store, Tx, id_rows, links::LinkState, packed::Packed};

/// What a link with a remote id knows, for pulls.
#[derive(Debug, Clone, FromRow)]
pub struct Known {
    pub id: Uuid,
    pub record: Uuid,
    pub kind: String,
    pub remote_id: String,
    pub sent: Json<RemoteFields>,
    pub seen: Json<RemoteFields>,
    /// When the read began that showed `seen`.
    pub seen_at: i64,
    pub written_at: i64,
    pub state: LinkState,
    pub code: Option<String>,
    /// Since when the link is suspect, if it is.
    pub suspect_at: i64,
    /// Not 0: it is being written, or nobody knows how its last write ended.
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
    /// When the read began.
    pub seen_at: i64,
}

impl Tx {
    /// Remembers what reads that began at these times showed.
    pub async fn put_seen(&mut self, seen: &[(LinkId, RemoteFields, Time)]) -> Result<()> {
        #[derive(Serialize)]
        struct Row<'a> {
            id: Uuid,
            seen: &'a RemoteFields,
            seen_at: i64,
        }
        let rows: Vec<Row<'_>> =
            seen.iter().map(|(id, seen, begun)| Row { id: id.0, seen, seen_at: begun.0 }).collect();
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        self.lock_links(&ids).await?;
        rows!(self, &rows => (id uuid, seen json, seen_at bigint), "UPDATE link SET seen = r.seen, seen_at = r.seen_at FROM", "WHERE link.id = r.id")?;
        Ok(())
    }

    /// Notes what reads showed, unless the link has been written, or is being written, since. Gives
    /// the links of which the read was evidence.
    pub async fn put_shown(&mut self, shown: &[Shown]) -> Result<Vec<LinkId>> {
        if shown.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = shown.iter().map(|row| row.id).collect();
        self.lock_links(&ids).await?;
        let noted = rows_all!(self, (Uuid,), shown => (id uuid, written_at bigint, sent json, seen json, seen_at bigint),
            "UPDATE link SET sent = r.sent, seen = r.seen, seen_at = r.seen_at, epoch = link.epoch + 1 FROM",
            "WHERE link.id = r.id AND link.written_at = r.written_at AND link.id NOT IN (SELECT leased.link FROM leased)
               AND NOT EXISTS (SELECT 1 FROM intent i WHERE i.link = link.id AND i.settled_at IS NULL) RETURNING link.id")?;
        Ok(noted.into_iter().map(|row| LinkId(row.0)).collect())
    }

    /// Notes that the CRM has these records no more: nothing is written to them until a person
    /// decides. Gives those that were there, and are nobody's that is kept out.
    pub async fn mark_gone(&mut self, ids: &[LinkId]) -> Result<BTreeSet<LinkId>> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let raw: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        self.lock_links(&raw).await?;
        let rows = id_rows(raw);
        let gone = rows_all!(self, (Uuid,), &rows => (id uuid),
            "UPDATE link SET state = 'gone', code = 'deleted_there', done = wanted FROM",
            "WHERE link.id = r.id AND link.state <> 'gone' AND link.role <> 'excluded' RETURNING link.id")?;
        Ok(gone.into_iter().map(|row| LinkId(row.0)).collect())
    }

    /// Notes that reads did not find these links' records, each with when the link was last written as the reader
    /// knew it: nothing is written to them until they are found again or are surely gone. Gives the links of which
    /// the read was evidence, since nobody has written to them meanwhile.
    pub async fn mark_suspect(&mut self, links: &[(LinkId, i64)], code: &str, now: Time) -> Result<Vec<LinkId>> {
        #[derive(Serialize)]
        struct Row {
            id: Uuid,
            written_at: i64,
        }
        if links.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<Row> = links.iter().map(|(id, written_at)| Row { id: id.0, written_at: *written_at }).collect();
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        self.lock_links(&ids).await?;
        let noted = rows_all!(self, (Uuid,), &rows => (id uuid, written_at bigint),
            "UPDATE link SET state = 'suspect', code = $2, reason = NULL, suspect_at = $3, done = wanted FROM",
            "WHERE link.id = r.id AND link.written_at = r.written_at AND link.state <> 'gone' AND link.role <> 'excluded'
               AND link.id NOT IN (SELECT leased.link FROM leased)
               AND NOT EXISTS (SELECT 1 FROM intent i WHERE i.link = link.id AND i.settled_at IS NULL) RETURNING link.id",
            code.to_owned(), now.0)?;
        Ok(noted.into_iter().map(|row| LinkId(row.0)).collect())
    }

    /// Forgets what a link was told and showed in one field, and holds it no more; gives its remote record.
    pub async fn unsee_field(&mut self, link: LinkId, name: &str) -> Result<Option<(String, String)>> {
        self.lock_links(&[link.0]).await?;
        let rows = fetch_all!(
            self,
            (String, Option<String>, Json<RemoteFields>, Json<RemoteFields>, Json<Held>),
            "SELECT remote_type, remote_id, sent, seen, held FROM link WHERE id = $1",
            link.0
        )?;
        let Some((remote_type, Some(remote_id), Json(mut sent), Json(mut seen), Json(mut held))) =
            rows.into_iter().next()
        else {
            return Ok(None);
        };
        sent.0.remove(name);
        seen.0.remove(name);
        held.remove(name);
        execute!(
            self,
            "UPDATE link SET sent = $2, seen = $3, held = $4, epoch = epoch + 1 WHERE id = $1",
            link.0,
            Document(&sent),
            Document(&seen),
            Document(&held),
        )?;
        Ok(Some((remote_type, remote_id)))
    }

    /// The records that are linked to these remote ones.
    pub async fn records_by_remote(
        &mut self,
        connection: ConnectionId,
        remotes: &[(String, String)],
    ) -> Result<Vec<RecordId>> {
        #[derive(Serialize)]
        struct Row<'a> {
            remote_type: &'a str,
            remote_id: &'a str,
        }
        let rows: Vec<Row<'_>> =
            remotes.iter().map(|(remote_type, remote_id)| Row { remote_type, remote_id }).collect();
        let found = rows_all!(self, (Uuid,), &rows => (remote_type text, remote_id text),
            "SELECT l.record FROM",
            "CROSS JOIN link l WHERE l.connection = $2 AND l.remote_type = r.remote_type AND l.remote_id = r.remote_id ORDER BY l.id",
            connection.0)?;
        Ok(found.into_iter().map(|row| RecordId(row.0)).collect())
    }
}

impl Store {
    /// Ids of a type's records that are known, in their order, behind `after`.
    pub async fn remote_ids_after(
        &self,
        connection: ConnectionId,
        remote_type: &str,
        after: &str,
        most: i64,
    ) -> Result<Vec<String>> {
        let rows = fetch_all!(
            self,
            (String,),
            "SELECT remote_id FROM link WHERE connection = $1 AND remote_type = $2 AND remote_id > $3 ORDER BY remote_id LIMIT $4",
            connection.0,
            remote_type.to_owned(),
            after.to_owned(),
            most,
        )?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// The remote records of links that have been suspect for a reason since before a time, those first that
    /// have been longest: remote type and id.
    pub async fn suspects(
        &self,
        connection: ConnectionId,
        code: &str,
        before: Time,
        most: i64,
    ) -> Result<Vec<(String, String)>> {
        fetch_all!(
            self,
            (String, String),
            "SELECT remote_type, remote_id FROM link
             WHERE connection = $1 AND state = 'suspect' AND code = $2 AND suspect_at <= $3 AND remote_id IS NOT NULL
             ORDER BY suspect_at, id LIMIT $4",
            connection.0,
            code.to_owned(),
            before.0,
            most,
        )
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
        // The slice first, as for the counterparts. A record's first link before its second ones.
        rows_all!(self, Known, &rows => (remote_id text),
            "SELECT l.id, l.record, l.kind, l.remote_id, l.sent, l.seen, l.seen_at, l.written_at, l.state, l.code, l.suspect_at, record.fields,
                    CAST((SELECT count(*) FROM intent i WHERE i.link = l.id AND i.settled_at IS NULL)
                         + CASE WHEN l.id IN (SELECT leased.link FROM leased) THEN 1 ELSE 0 END AS bigint) AS busy FROM",
            "CROSS JOIN link l JOIN record ON record.id = l.record
             WHERE l.remote_id = r.remote_id AND l.connection = $2 AND l.remote_type = $3
             ORDER BY l.role DESC",
            connection.0, remote_type.to_owned())
    }

    /// What the CRM last showed of the first records that hang on a link's.
    pub async fn shown_by_dependants(&self, link: LinkId) -> Result<Vec<RemoteFields>> {
        let rows = fetch_all!(
            self,
            (Json<RemoteFields>,),
            "SELECT seen FROM link WHERE (need_a = $1 OR need_b = $1) AND remote_id IS NOT NULL ORDER BY id LIMIT 50",
            link.0,
        )?;
        Ok(rows.into_iter().map(|row| row.0.0).collect())
    }
}
