//! Links whose remote record was merged, converted or brought back, and what was written to links
//! lately.

use mittler_core::{LinkId, RemoteFields, Time};
use serde::Serialize;
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{Result, Store, Tx, id_rows};

/// A link that means another remote record from now on.
#[derive(Debug, Clone, Serialize)]
pub struct Moved {
    pub id: Uuid,
    pub remote_type: String,
    pub remote_id: String,
    /// What of that is ours already, in our own form.
    pub sent: RemoteFields,
    /// What that record shows.
    pub seen: RemoteFields,
}

/// Values that were written to a remote record, and those that they replaced.
#[derive(Debug, Clone, FromRow)]
pub struct Replacement {
    pub link: Uuid,
    pub connection: Uuid,
    pub remote_type: String,
    pub fields: Json<RemoteFields>,
    pub before: Json<RemoteFields>,
    pub begun_at: i64,
}

impl Tx {
    /// Points links at the records that theirs became, and makes them due. Left alone are those
    /// that are being written, and those whose new record another link has. Gives the rest.
    pub async fn move_links(&mut self, moved: &[Moved]) -> Result<Vec<LinkId>> {
        if moved.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = moved.iter().map(|row| row.id).collect();
        self.lock_links(&ids).await?;
        let done = rows_all!(self, (Uuid,), moved => (id uuid, remote_type text, remote_id text, sent json, seen json),
            "UPDATE link SET remote_type = r.remote_type, remote_id = r.remote_id, sent = r.sent, seen = r.seen, held = '{}',
                    state = 'open', code = NULL, reason = NULL, attempt = 0, next_at = 0, wanted = link.wanted + 1, epoch = link.epoch + 1 FROM",
            "WHERE link.id = r.id AND link.id NOT IN (SELECT leased.link FROM leased)
               AND NOT EXISTS (SELECT 1 FROM intent i WHERE i.link = link.id AND i.settled_at IS NULL)
               AND NOT EXISTS (SELECT 1 FROM link o WHERE o.connection = link.connection AND o.remote_type = r.remote_type
                                                      AND o.remote_id = r.remote_id)
             RETURNING link.id")?;
        Ok(done.into_iter().map(|row| LinkId(row.0)).collect())
    }

    /// Ends a record's second links whose remote record became one with its first, or with another second:
    /// what somebody merged there is one here too. `moved` says what each link should be pointed at; the
    /// history of a link that ends goes on with the one that stays. Gives those that ended.
    pub async fn merge_links(&mut self, moved: &[Moved]) -> Result<Vec<LinkId>> {
        #[derive(Serialize, FromRow)]
        struct Ended {
            id: Uuid,
            heir: Uuid,
        }
        if moved.is_empty() {
            return Ok(Vec::new());
        }
        // A second is never written: nobody has a call to it under way.
        let mut ended = rows_all!(self, Ended, moved => (id uuid, remote_type text, remote_id text),
            "SELECT CASE WHEN o.role = 'duplicate' THEN o.id ELSE m.id END AS id,
                    CASE WHEN o.role = 'duplicate' THEN m.id ELSE o.id END AS heir FROM",
            "JOIN link m ON m.id = r.id
             JOIN link o ON o.connection = m.connection AND o.record = m.record AND o.remote_type = r.remote_type AND o.remote_id = r.remote_id
             WHERE o.id <> m.id AND (o.role = 'duplicate' OR m.role = 'duplicate') ORDER BY 1")?;
        ended.dedup_by_key(|row| row.id);
        if ended.is_empty() {
            return Ok(Vec::new());
        }
        rows!(self, &ended => (id uuid, heir uuid), "UPDATE intent SET link = r.heir FROM", "WHERE intent.link = r.id")?;
        rows!(self, &ended => (id uuid, heir uuid), "DELETE FROM link WHERE id IN (SELECT r.id FROM", ")")?;
        Ok(ended.into_iter().map(|row| LinkId(row.id)).collect())
    }

    /// The links, and those which have what they should be pointed at: what is locked before they are moved.
    pub async fn links_around(&mut self, moved: &[Moved]) -> Result<Vec<Uuid>> {
        if moved.is_empty() {
            return Ok(Vec::new());
        }
        let around = rows_all!(self, (Uuid,), moved => (id uuid, remote_type text, remote_id text),
            "SELECT o.id FROM", "JOIN link m ON m.id = r.id JOIN link o ON o.connection = m.connection AND o.remote_type = r.remote_type AND o.remote_id = r.remote_id")?;
        Ok(around.into_iter().map(|row| row.0).chain(moved.iter().map(|row| row.id)).collect())
    }

    /// The records whose links have what other links should be pointed at: link and record.
    pub async fn holders(&mut self, moved: &[Moved]) -> Result<Vec<(Uuid, Uuid)>> {
        if moved.is_empty() {
            return Ok(Vec::new());
        }
        rows_all!(self, (Uuid, Uuid), moved => (id uuid, remote_type text, remote_id text),
            "SELECT r.id, o.record FROM",
            "JOIN link m ON m.id = r.id JOIN link o ON o.connection = m.connection AND o.remote_type = r.remote_type AND o.remote_id = r.remote_id
             WHERE o.id <> r.id ORDER BY r.id")
    }

    /// The remote ids of links.
    pub async fn remote_ids(&mut self, ids: &[LinkId]) -> Result<Vec<String>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = id_rows(ids.iter().map(|id| id.0));
        let found = rows_all!(self, (String,), &rows => (id uuid),
            "SELECT l.remote_id FROM", "JOIN link l ON l.id = r.id WHERE l.remote_id IS NOT NULL ORDER BY l.id")?;
        Ok(found.into_iter().map(|row| row.0).collect())
    }

    /// Links whose records are in the CRM again: they are written as before.
    pub async fn revive_links(&mut self, ids: &[LinkId]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let raw: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        self.lock_links(&raw).await?;
        let rows = id_rows(raw);
        rows!(self, &rows => (id uuid),
            "UPDATE link SET state = 'open', code = NULL, reason = NULL, attempt = 0, next_at = 0, wanted = link.wanted + 1 FROM",
            "WHERE link.id = r.id AND link.state IN ('gone', 'suspect') AND link.role <> 'excluded'")?;
        Ok(())
    }
}

impl Store {
    /// What was written to links since a time, the oldest first.
    pub async fn written_since(&self, links: &[Uuid], since: Time) -> Result<Vec<Replacement>> {
        if links.is_empty() {
            return Ok(Vec::new());
        }
        let ids = id_rows(links.iter().copied());
        rows_all!(self, Replacement, &ids => (id uuid),
            "SELECT i.link, i.connection, i.remote_type, i.fields, i.before, i.begun_at FROM",
            "CROSS JOIN intent i WHERE i.link = r.id AND i.begun_at >= $2 AND i.outcome IN ('created', 'updated')
             ORDER BY i.begun_at, i.id", since.0)
    }
}
