//! Links: what each CRM has been told of each record.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use mittler_core::{
    ConnectionId, LinkId, RecordId, RemoteFields, Time,
    plan::{Held, HeldField},
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{Db, Document, Result, Store, Tx, id_rows, packed::Packed};

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
    /// When the read began that showed `seen`.
    pub seen_at: i64,
    pub written_at: i64,
    pub state: String,
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

/// What a person told to do with a link at its next write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum LinkCommand {
    /// Make the record, whatever resembles it there.
    CreateAnyway,
    /// It is this remote record.
    Adopt { remote_type: String, remote_id: String },
    /// Remove it there.
    Archive,
}

/// Which remote record a record is in a connection.
#[derive(Debug, Clone, FromRow)]
pub struct Counterpart {
    pub record: Uuid,
    pub remote_type: String,
    pub remote_id: Option<String>,
    pub state: String,
}

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

    /// Holds fields of links for the values that they would be told; gives how many of the links are there.
    pub async fn hold_fields(&mut self, fields: &[(LinkId, String, HeldField)]) -> Result<usize> {
        #[derive(Serialize)]
        struct Row {
            id: Uuid,
            held: Held,
        }
        if fields.is_empty() {
            return Ok(0);
        }
        let ids: BTreeSet<Uuid> = fields.iter().map(|(link, ..)| link.0).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        self.lock_links(&ids).await?;
        let known = id_rows(ids);
        let known = rows_all!(self, (Uuid, Json<Held>), &known => (id uuid), "SELECT l.id, l.held FROM", "JOIN link l ON l.id = r.id ORDER BY l.id")?;
        let rows: Vec<Row> = known
            .into_iter()
            .map(|(id, Json(mut held))| {
                let mine = fields.iter().filter(|(link, ..)| link.0 == id);
                held.extend(mine.map(|(_, name, field)| (name.clone(), field.clone())));
                Row { id, held }
            })
            .collect();
        rows!(self, &rows => (id uuid, held json), "UPDATE link SET held = r.held FROM", "WHERE link.id = r.id")?;
        Ok(rows.len())
    }

    /// When to look again at the due links of a connection; `None` if nothing is due. Who holds a
    /// lease is asked again after a second: most are done long before their lease ends. What is held for a
    /// person's answer is found by the sweep when its time is over.
    pub async fn next_link(&mut self, connection: ConnectionId, now: Time) -> Result<Option<Time>> {
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

    /// Raises what is wanted of links of one type that hold a field for a reason which is past; gives their number.
    pub async fn want_holding(&mut self, connection: ConnectionId, remote_type: &str, code: &str) -> Result<usize> {
        let ids = fetch_all!(
            self,
            (Uuid,),
            "SELECT id FROM link WHERE connection = $1 AND remote_type = $2 AND role = 'primary' AND state <> 'gone'
               AND CAST(held AS text) LIKE '%\"' || $3 || '\"%' ORDER BY id",
            connection.0,
            remote_type.to_owned(),
            code.to_owned(),
        )?;
        let ids: Vec<LinkId> = ids.into_iter().map(|row| LinkId(row.0)).collect();
        if !ids.is_empty() {
            self.want_again(&ids).await?;
        }
        Ok(ids.len())
    }

    /// Lets go of the fields of one type's links that are held for a reason, and raises what is wanted of them.
    pub async fn release_held(&mut self, connection: ConnectionId, remote_type: &str, code: &str) -> Result<()> {
        #[derive(Serialize)]
        struct Row {
            id: Uuid,
            held: Held,
        }
        let held = fetch_all!(
            self,
            (Uuid, Json<Held>),
            "SELECT id, held FROM link WHERE connection = $1 AND remote_type = $2 AND role = 'primary' AND state <> 'gone'
               AND CAST(held AS text) LIKE '%\"' || $3 || '\"%' ORDER BY id",
            connection.0,
            remote_type.to_owned(),
            code.to_owned(),
        )?;
        let mut rows: Vec<Row> = held.into_iter().map(|(id, Json(held))| Row { id, held }).collect();
        for row in &mut rows {
            row.held.retain(|_, field| field.code != code);
        }
        let ids: Vec<LinkId> = rows.iter().map(|row| LinkId(row.id)).collect();
        if !ids.is_empty() {
            self.want_again(&ids).await?;
            rows!(self, &rows => (id uuid, held json), "UPDATE link SET held = r.held FROM", "WHERE link.id = r.id")?;
        }
        Ok(())
    }

    /// Tells a link what to do at its next write, which is due now. One that is left out takes part again.
    /// Gives whether there is such a link.
    pub async fn command_link(&mut self, link: LinkId, command: Option<&LinkCommand>) -> Result<bool> {
        self.lock_links(&[link.0]).await?;
        let told = execute!(
            self,
            "UPDATE link SET command = $2, role = 'primary', state = 'open', held = '{}', code = NULL, reason = NULL, attempt = 0, next_at = 0,
                    wanted = wanted + 1 WHERE id = $1 AND role IN ('primary', 'excluded') AND (code IS NULL OR code <> 'erased_there')",
            link.0,
            command.map(Document),
        )?;
        Ok(told == 1)
    }

    /// Leaves a link out of its CRM: nothing is written to it, and whoever needs it there says so. Gives
    /// whether there is such a link.
    pub async fn exclude_link(&mut self, link: LinkId, code: &str) -> Result<bool> {
        self.lock_links(&[link.0]).await?;
        let excluded = execute!(
            self,
            "UPDATE link SET role = 'excluded', state = 'excluded', code = $2, reason = NULL, command = NULL, held = '{}', attempt = 0, next_at = 0,
                    done = wanted WHERE id = $1 AND role IN ('primary', 'excluded') AND (code IS NULL OR code <> 'erased_there')",
            link.0,
            code.to_owned(),
        )?;
        Ok(excluded == 1)
    }

    /// Writes a link not before a time.
    pub async fn postpone_link(&mut self, link: LinkId, until: Time) -> Result<()> {
        self.lock_links(&[link.0]).await?;
        execute!(self, "UPDATE link SET next_at = $2 WHERE id = $1", link.0, until.0)?;
        Ok(())
    }

    /// Takes back that a link is kept out of its CRM: it stands as it is said to, `gone` for what the CRM has no
    /// more, `refused` while a person is asked, else `open` and due.
    pub async fn include_link(&mut self, link: LinkId, state: &str, code: Option<&str>) -> Result<()> {
        self.lock_links(&[link.0]).await?;
        execute!(
            self,
            "UPDATE link SET role = 'primary', state = $2, code = $3, wanted = CASE WHEN $2 = 'open' THEN wanted + 1 ELSE wanted END
              WHERE id = $1 AND role = 'excluded' AND state = 'excluded'",
            link.0,
            state.to_owned(),
            code.map(str::to_owned),
        )?;
        Ok(())
    }

    /// The CRM erased what this link means: nothing makes it again there, whatever is tried, and nothing of
    /// what it showed stays with the link.
    pub async fn erase_link(&mut self, link: LinkId) -> Result<()> {
        self.lock_links(&[link.0]).await?;
        execute!(
            self,
            "UPDATE link SET role = 'excluded', state = 'gone', code = 'erased_there', reason = NULL, command = NULL, held = '{}', sent = '{}', seen = '{}',
                    done = wanted WHERE id = $1",
            link.0,
        )?;
        Ok(())
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

    /// The fields that a link holds, and why.
    pub async fn held(&mut self, link: LinkId) -> Result<Held> {
        let rows = fetch_all!(self, (Json<Held>,), "SELECT held FROM link WHERE id = $1", link.0)?;
        Ok(rows.into_iter().next().map(|row| row.0.0).unwrap_or_default())
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

    /// Whether links of a connection are due though no job will look at them.
    pub async fn is_unattended(&mut self, connection: ConnectionId, now: Time) -> Result<bool> {
        let rows = fetch_all!(
            self,
            (i64,),
            "SELECT count(*) FROM connection c WHERE c.id = $1
               AND EXISTS (SELECT 1 FROM link l WHERE l.connection = $1 AND l.wanted > l.done AND l.role = 'primary' AND l.state NOT IN ('gone', 'suspect')
                              AND (l.state <> 'held' OR l.next_at <= $3))
               AND NOT EXISTS (SELECT 1 FROM job j WHERE j.topic = $2 AND j.dead_at IS NULL)",
            connection.0,
            format!("push:{}", connection.0),
            now.0,
        )?;
        Ok(rows.first().is_some_and(|row| row.0 > 0))
    }
}

/// What options depend on of a link.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct LinkFact {
    pub id: Uuid,
    pub connection: Uuid,
    pub role: String,
    pub state: String,
    pub code: Option<String>,
    pub remote_type: String,
    pub remote_id: Option<String>,
}

const LINK_FACTS: &str = "SELECT id, connection, role, state, code, remote_type, remote_id FROM link WHERE record = $1 ORDER BY connection, role DESC, id";

impl Tx {
    /// The links of a record.
    pub async fn link_facts(&mut self, record: RecordId) -> Result<Vec<LinkFact>> {
        fetch_all!(self, LinkFact, LINK_FACTS, record.0)
    }
}

impl Store {
    /// The remote types of which links hold a field for a reason.
    pub async fn types_holding(&self, connection: ConnectionId, code: &str) -> Result<Vec<String>> {
        let rows = fetch_all!(
            self,
            (String,),
            "SELECT DISTINCT remote_type FROM link WHERE connection = $1 AND CAST(held AS text) LIKE '%\"' || $2 || '\"%'",
            connection.0,
            code.to_owned(),
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
