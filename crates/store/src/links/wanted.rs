//! When links are due, and what makes them due again.

use std::time::Duration;

use mittler_core::{ConnectionId, LinkId, Time};
use uuid::Uuid;

use crate::{Result, Store, Tx, id_rows};

impl Tx {
    /// Raises what is wanted of links (a mapping, mode or need changed).
    pub async fn want_again(&mut self, ids: &[LinkId]) -> Result<()> {
        let raw: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        self.lock_links(&raw).await?;
        let rows = id_rows(raw);
        rows!(self, &rows => (id uuid),
            "UPDATE link SET wanted = wanted + 1, next_at = 0, state = CASE WHEN state = 'suspect' THEN state ELSE 'open' END FROM", "WHERE link.id = r.id")?;
        Ok(())
    }

    /// Looks anew for the records of links that have none.
    pub async fn want_unlinked(&mut self, ids: &[LinkId]) -> Result<()> {
        let raw: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        self.lock_links(&raw).await?;
        let rows = id_rows(raw);
        rows!(self, &rows => (id uuid),
            "UPDATE link SET wanted = wanted + 1, next_at = 0, state = 'open' FROM",
            "WHERE link.id = r.id AND link.remote_id IS NULL AND link.role = 'primary' AND link.state <> 'gone'")?;
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
            "UPDATE link SET wanted = wanted + 1, next_at = 0, attempt = 0, state = CASE WHEN state = 'suspect' THEN state ELSE 'open' END,
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
               AND (state <> 'open' OR CAST(held AS text) <> '{}' OR code <> 'not_found_there') ORDER BY id",
            connection.0,
            link.map(|id| id.0),
        )?;
        self.retry_these(ids).await
    }

    /// Makes again what is gone there, all of these links.
    pub async fn make_again(&mut self, links: &[LinkId]) -> Result<u64> {
        let rows = id_rows(links.iter().map(|id| id.0));
        rows!(self, &rows => (id uuid), "UPDATE link SET state = 'gone' FROM", "WHERE link.id = r.id AND link.role = 'primary'")?;
        self.retry_these(links.iter().map(|id| (id.0, "gone".to_owned())).collect()).await
    }

    /// Links, each with its state.
    async fn retry_these(&mut self, ids: Vec<(Uuid, String)>) -> Result<u64> {
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
                    command = NULL, remote_id = CASE WHEN state = 'gone' THEN NULL ELSE remote_id END,
                    sent = CASE WHEN state = 'gone' THEN '{}' ELSE sent END,
                    seen = CASE WHEN state = 'gone' THEN '{}' ELSE seen END,
                    written_at = CASE WHEN state = 'gone' THEN 0 ELSE written_at END FROM", "WHERE link.id = r.id")
    }

    /// Dependants that went without these links because they were refused, and may be completed now.
    pub async fn want_dependants(&mut self, links: &[LinkId]) -> Result<()> {
        if links.is_empty() {
            return Ok(());
        }
        let ids = id_rows(links.iter().map(|id| id.0));
        let waiting = rows_all!(self, (Uuid,), &ids => (id uuid),
            "SELECT d.id FROM",
            "CROSS JOIN link d WHERE d.code = 'need_refused' AND (d.need_a = r.id OR d.need_b = r.id) ORDER BY d.id")?;
        let waiting: Vec<LinkId> = waiting.into_iter().map(|row| LinkId(row.0)).collect();
        if waiting.is_empty() { Ok(()) } else { self.want_again(&waiting).await }
    }
}

impl Store {
    /// When to look again at the due links of a connection; `None` if nothing is due. Who holds a
    /// lease is asked again after a second: most are done long before their lease ends. What is held for a
    /// person's answer is found by the sweep when its time is over.
    pub async fn next_link(&self, connection: ConnectionId, now: Time) -> Result<Option<Time>> {
        let rows = fetch_all!(
            self,
            (Option<i64>,),
            "SELECT min(CASE WHEN id IN (SELECT leased.link FROM leased WHERE leased.connection = $1) THEN $2 ELSE next_at END) FROM link
             WHERE connection = $1 AND wanted > done AND role = 'primary' AND state NOT IN ('gone', 'suspect') AND (state <> 'held' OR next_at <= $3)",
            connection.0,
            now.plus(Duration::from_secs(1)).0,
            now.0,
        )?;
        Ok(rows.first().and_then(|row| row.0).map(Time))
    }
}
