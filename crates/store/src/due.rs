//! What is due: links whose CRM has not been told yet what their record says.

use std::{collections::HashMap, sync::Arc};

use mittler_core::{ConnectionId, Fields, Kind, LinkId, RecordId, RemoteFields, Time, plan::Held, trace::SignalTrace};
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{
    Document, Error, Result, Store, id_rows,
    intents::{OpenIntent, Operation},
    links::LinkCommand,
    packed::Packed,
    trace,
};

/// Links that one call can write together: of one lane, stage and remote type, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub lane: i64,
    pub remote_type: String,
    pub links: Vec<Uuid>,
}

/// A link that is due, with what is known of it and is to be told.
#[derive(Debug, Clone)]
pub struct DueLink {
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
    /// Of when it was read: whoever writes meanwhile raises it.
    pub epoch: i64,
    pub attempt: i64,
    /// When its last write ended; 0 before the first.
    pub written_at: i64,
    pub fields: Arc<Fields>,
    /// Nothing is made of its record before then, unless somebody says who it is.
    pub unsure_until: Time,
    /// What a person told to do with it.
    pub command: Option<LinkCommand>,
    /// An earlier write whose end nobody knows: look first.
    pub open_intent: Option<OpenIntent>,
    /// The trace of the input that said something of its record last, if anybody takes spans.
    pub trace: Option<Arc<SignalTrace>>,
}

#[derive(FromRow)]
struct DueRow {
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
    written_at: i64,
    command: Option<Json<LinkCommand>>,
    fields: Json<Packed>,
    unsure_until: i64,
    /// Whether any write at all is open.
    open: i64,
    /// Whether anybody is kept out.
    kept_out: i64,
}

#[derive(FromRow)]
struct IntentRow {
    id: Uuid,
    link: Uuid,
    operation: Operation,
    fields: Json<RemoteFields>,
    begun_at: i64,
}

macro_rules! due {
    () => {
        "l.connection = $1 AND l.wanted > l.done AND l.id NOT IN (SELECT link FROM leased WHERE connection = $1)
         AND l.next_at <= $2 AND l.role = 'primary' AND l.state NOT IN ('gone', 'suspect')"
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

/// Links that are looked past: other batches of the asker have them in hand.
macro_rules! not_in_hand {
    (sqlite) => {
        " AND l.id NOT IN (SELECT unhex(value, '-') FROM json_each($3))"
    };
    (postgres) => {
        " AND l.id NOT IN (SELECT CAST(value AS uuid) FROM json_array_elements_text($3) AS one(value))"
    };
}

// No order outside: rows come as the inner query gives them, and no more of them than are asked for.
macro_rules! first_due {
    ($db:ident) => {
        concat!(
            "SELECT l.lane, l.stage, l.remote_type FROM
             (SELECT l.lane, l.stage, l.remote_type, l.need_a, l.need_b FROM link l WHERE ",
            due!(),
            not_in_hand!($db),
            " AND $4 NOT LIKE '%|' || l.remote_type || '|%' ORDER BY l.lane, l.stage, l.created_at, l.id LIMIT $5) l WHERE ",
            needs_nothing!(),
            " LIMIT 1"
        )
    };
}

macro_rules! due_together {
    ($db:ident) => {
        concat!(
            "SELECT l.id FROM (SELECT l.id, l.need_a, l.need_b FROM link l WHERE ",
            due!(),
            not_in_hand!($db),
            " AND l.lane = $4 AND l.stage = $5 AND l.remote_type = $6 ORDER BY l.created_at, l.id LIMIT $7) l WHERE ",
            needs_nothing!(),
            " LIMIT $8"
        )
    };
}

/// Remote types as a statement looks for one among them.
fn listed(remote_types: &[String]) -> String {
    format!("|{}|", remote_types.join("|"))
}

impl Store {
    /// Which links are to be written next; `None` if none can be. Without those `in_hand`, and without
    /// some remote types, to which the CRM is closed for now. `most`: how many of a remote type at once.
    /// `depth`: how many that are due, and may wait for others, are looked at; behind a backlog there
    /// can be more.
    pub async fn due(
        &self,
        connection: ConnectionId,
        now: Time,
        in_hand: &[Uuid],
        closed: &[String],
        most: impl Fn(&str) -> usize + Send,
        depth: i64,
    ) -> Result<Option<Due>> {
        let head = fetch_either!(
            self,
            (i64, i64, String),
            first_due!(sqlite),
            first_due!(postgres),
            connection.0,
            now.0,
            Document(in_hand),
            listed(closed),
            depth,
        )?;
        let Some((lane, stage, remote_type)) = head.into_iter().next() else { return Ok(None) };
        let due = fetch_either!(
            self,
            (Uuid,),
            due_together!(sqlite),
            due_together!(postgres),
            connection.0,
            now.0,
            Document(in_hand),
            lane,
            stage,
            remote_type.clone(),
            depth,
            i64::try_from(most(&remote_type)).unwrap_or(i64::MAX),
        )?;
        let links: Vec<Uuid> = due.into_iter().map(|row| row.0).collect();
        Ok((!links.is_empty()).then_some(Due { lane, remote_type, links }))
    }

    /// What is known of links, and is to be told, without those that are not due any more; and whether
    /// anybody is kept out. What changes later is due again, and a transaction that writes to them finds
    /// who has written meanwhile.
    pub async fn due_links(&self, ids: &[Uuid], now: Time) -> Result<(Vec<DueLink>, bool)> {
        if ids.is_empty() {
            return Ok((Vec::new(), false));
        }
        let ids = id_rows(ids.iter().copied());
        let rows = rows_all!(self, DueRow, &ids => (id uuid),
            "SELECT l.id, l.record, l.kind, l.remote_type, l.remote_id, l.sent, l.seen, l.held, l.wanted, l.epoch, l.attempt, l.written_at, l.command, record.fields, record.unsure_until,
                    (SELECT CAST(count(*) AS bigint) FROM (SELECT 1 FROM intent WHERE settled_at IS NULL LIMIT 1) AS one) AS open,
                    (SELECT CAST(count(*) AS bigint) FROM (SELECT 1 FROM suppression LIMIT 1) AS one) AS kept_out
             FROM", "CROSS JOIN link l JOIN record ON record.id = l.record
             WHERE l.id = r.id AND l.wanted > l.done AND l.next_at <= $2 AND l.role = 'primary' AND l.state NOT IN ('gone', 'suspect') ORDER BY l.id", now.0)?;
        let open = if rows.iter().any(|row| row.open > 0) {
            rows_all!(self, IntentRow, &ids => (id uuid),
                "SELECT i.id, i.link, i.operation, i.fields, i.begun_at FROM", "CROSS JOIN intent i WHERE i.link = r.id AND i.settled_at IS NULL ORDER BY i.begun_at")?
        } else {
            Vec::new()
        };
        let kept_out = rows.iter().any(|row| row.kept_out > 0);
        let traces = if trace::is_on() {
            self.traces_of(rows.iter().map(|row| RecordId(row.record))).await?
        } else {
            HashMap::new()
        };
        let links = rows
            .into_iter()
            .map(|row| {
                let open_intent = open.iter().rfind(|intent| intent.link == row.id).map(|intent| OpenIntent {
                    id: intent.id,
                    operation: intent.operation,
                    fields: intent.fields.0.clone(),
                    begun_at: Time(intent.begun_at),
                });
                Ok(DueLink {
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
                    written_at: row.written_at,
                    command: row.command.map(|command| command.0),
                    fields: Arc::new(row.fields.0.0),
                    unsure_until: Time(row.unsure_until),
                    open_intent,
                    trace: traces.get(&RecordId(row.record)).copied().map(Arc::new),
                })
            })
            .collect::<Result<_>>()?;
        Ok((links, kept_out))
    }
}
