//! Accounts in CRMs: settings, states and cursors.

mod budgets;
mod secrets;

use mittler_core::{ConnectionId, Time};
use serde::Serialize;
use serde_json::Value as Json;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Result, Store, Tx, id_rows};

pub use secrets::SecretRow;

#[derive(Debug, Clone, Serialize, FromRow)]
pub struct ConnectionRow {
    pub id: Uuid,
    pub name: String,
    pub crm: String,
    pub settings: sqlx::types::Json<Json>,
    pub mapping: String,
    pub mode: String,
    pub state: ConnectionState,
    pub code: Option<String>,
    pub reason: Option<String>,
    pub paused_until: i64,
    pub updated_at: i64,
}

/// Where a feed of changes stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedCursor {
    /// Only the connector understands it.
    pub cursor: String,
    /// Each change up to then was told.
    pub followed: Time,
}

stored! {
    /// How a connection stands with its CRM, as its processes note it.
    pub enum ConnectionState {
        /// Calls come through, or none was tried yet.
        Ready = "ready",
        /// Nobody calls the CRM for a while: it is away, or limits calls.
        Waiting = "waiting",
        /// It refuses the credentials.
        Reauthorise = "reauthorise",
        /// A permission, a field or a setting is missing there.
        Misconfigured = "misconfigured",
    }
}

/// Links that are told of a changed mode or mapping in one transaction.
const SLICE: i64 = 2_000;

/// What a connection was before: id, mode, mapping, settings.
type Known = (Uuid, String, String, sqlx::types::Json<Json>);

enum Renewal {
    /// More links are to be told, after this one.
    More(Uuid),
    Done(ConnectionId),
}

/// What the processes of one database tell each other of a connection.
#[derive(Debug, Clone, FromRow)]
pub struct Notes {
    pub state: ConnectionState,
    pub code: Option<String>,
    /// Nobody calls the CRM before then.
    pub paused_until: i64,
    /// Which process pushes, and until when nobody else does.
    pub pushed_by: Option<Uuid>,
    pub pushed_until: i64,
    /// When a person last asked that it be tried at once.
    pub retried_at: i64,
}

/// What held a connection up until a person asked that it be tried at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifted {
    /// Until when nobody called the CRM, and why.
    pub pause: Option<(Time, String)>,
    /// Budgets that the CRM had said are spent.
    pub budgets: Vec<String>,
    /// Links that waited for a time.
    pub links: u64,
}

impl Tx {
    /// One step of [`Store::put_connection`].
    async fn renew_connection(&mut self, row: &ConnectionRow, after: Uuid) -> Result<Renewal> {
        let known = self.lock_connection(&row.name).await?;
        if let Some((id, mode, mapping, settings)) = known
            && (mode != row.mode || mapping != row.mapping || settings.0.get("bounds") != row.settings.0.get("bounds"))
        {
            let id = ConnectionId(id);
            if let Some(last) = self.want_slice(id, after, mapping != row.mapping, SLICE).await? {
                return Ok(Renewal::More(last));
            }
            self.wake_pushers([id]);
        }
        let rows = fetch_all!(
            self,
            (Uuid,),
            "INSERT INTO connection (id, name, crm, settings, mapping, mode, state, paused_until, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, 'ready', 0, $7)
             ON CONFLICT (name) DO UPDATE SET crm = excluded.crm, settings = excluded.settings, mapping = excluded.mapping,
               mode = excluded.mode, updated_at = excluded.updated_at
             RETURNING id",
            row.id,
            row.name.clone(),
            row.crm.clone(),
            row.settings.clone(),
            row.mapping.clone(),
            row.mode.clone(),
            row.updated_at,
        )?;
        Ok(Renewal::Done(ConnectionId(rows.first().map_or(row.id, |row| row.0))))
    }

    /// Id, mode, mapping and settings of a connection that is about to change.
    async fn lock_connection(&mut self, name: &str) -> Result<Option<Known>> {
        let rows = fetch_either!(
            self,
            Known,
            "SELECT id, mode, mapping, settings FROM connection WHERE name = $1",
            "SELECT id, mode, mapping, settings FROM connection WHERE name = $1 FOR UPDATE",
            name.to_owned(),
        )?;
        Ok(rows.into_iter().next())
    }

    pub async fn set_connection_state(
        &mut self,
        id: ConnectionId,
        state: ConnectionState,
        code: Option<&str>,
        reason: Option<&str>,
        paused_until: Time,
    ) -> Result<()> {
        execute!(
            self,
            "UPDATE connection SET state = $2, code = $3, reason = $4, paused_until = $5 WHERE id = $1",
            id.0,
            state,
            code.map(str::to_owned),
            reason.map(str::to_owned),
            paused_until.0,
        )?;
        Ok(())
    }

    /// Keeps the time zone of the account: when its daily limit is reached, it cannot be asked.
    pub async fn set_time_zone(&mut self, id: ConnectionId, name: &str) -> Result<()> {
        execute!(self, "UPDATE connection SET time_zone = $2 WHERE id = $1", id.0, name.to_owned())?;
        Ok(())
    }

    /// The connection works. Gives whether it was not known to.
    pub async fn set_connection_ready(&mut self, id: ConnectionId) -> Result<bool> {
        Ok(execute!(
            self,
            "UPDATE connection SET state = 'ready', code = NULL, reason = NULL, paused_until = 0 WHERE id = $1 AND state <> 'ready'",
            id.0,
        )? == 1)
    }

    /// Lifts what keeps anybody from calling a connection's CRM: the pause, budgets that the CRM said are spent,
    /// waits of links and of jobs. All processes hear of it by the time that is noted. Gives what there was.
    pub async fn lift_pause(&mut self, connection: ConnectionId, now: Time) -> Result<Lifted> {
        let before = fetch_either!(
            self,
            (i64, Option<String>),
            "SELECT paused_until, code FROM connection WHERE id = $1",
            "SELECT paused_until, code FROM connection WHERE id = $1 FOR UPDATE",
            connection.0,
        )?;
        execute!(
            self,
            "UPDATE connection SET retried_at = CASE WHEN retried_at >= $2 THEN retried_at + 1 ELSE $2 END, paused_until = 0,
                    code = CASE WHEN state = 'waiting' THEN NULL ELSE code END,
                    reason = CASE WHEN state = 'waiting' THEN NULL ELSE reason END,
                    state = CASE WHEN state = 'waiting' THEN 'ready' ELSE state END WHERE id = $1",
            connection.0,
            now.0,
        )?;
        let budgets = fetch_all!(
            self,
            (String,),
            "UPDATE budget SET blocked_until = 0 WHERE connection = $1 AND blocked_until > $2 RETURNING bucket",
            connection.0,
            now.0,
        )?;
        let waiting = fetch_all!(
            self,
            (Uuid,),
            "SELECT id FROM link WHERE connection = $1 AND wanted > done AND next_at > $2 AND state = 'open' ORDER BY id",
            connection.0,
            now.0,
        )?;
        let ids: Vec<Uuid> = waiting.into_iter().map(|row| row.0).collect();
        self.lock_links(&ids).await?;
        let ids = id_rows(ids);
        let links = rows!(self, &ids => (id uuid), "UPDATE link SET next_at = 0 FROM", "WHERE link.id = r.id")?;
        for kind in ["pull", "read"] {
            execute!(
                self,
                "UPDATE job SET due_at = $2 WHERE topic = $1 AND due_at > $2 AND taken_until <= $2 AND dead_at IS NULL",
                format!("{kind}:{}", connection.0),
                now.0,
            )?;
        }
        let pause = before.into_iter().next().filter(|(until, _)| *until > now.0);
        Ok(Lifted {
            pause: pause.map(|(until, code)| (Time(until), code.unwrap_or_default())),
            budgets: budgets.into_iter().map(|row| row.0).collect(),
            links,
        })
    }

    /// Takes the right to push a connection; `false` if another process has it. Waits for one that is about
    /// to give it back. On SQLite one process has all roles, and it is its own affair.
    pub async fn take_push(&mut self, connection: ConnectionId, by: Uuid, until: Time, now: Time) -> Result<bool> {
        let taken = match self.db() {
            crate::Db::Sqlite(_) => 1,
            crate::Db::Postgres(_) => execute!(
                self,
                "UPDATE connection SET pushed_by = $2, pushed_until = $3
                 WHERE id = $1 AND (pushed_by = $2 OR pushed_until <= $4)",
                connection.0,
                by,
                until.0,
                now.0,
            )?,
        };
        Ok(taken == 1)
    }

    /// Gives that right back.
    pub async fn end_push(&mut self, connection: ConnectionId, by: Uuid) -> Result<()> {
        match self.db() {
            crate::Db::Sqlite(_) => 0,
            crate::Db::Postgres(_) => execute!(
                self,
                "UPDATE connection SET pushed_until = 0 WHERE id = $1 AND pushed_by = $2",
                connection.0,
                by,
            )?,
        };
        Ok(())
    }

    /// Moves a feed's cursor forward, in the transaction that stores what was read. Two pulls at once may
    /// end in any order: what the further one read stays read.
    pub async fn put_cursor(&mut self, connection: ConnectionId, feed: &str, to: &FeedCursor, now: Time) -> Result<()> {
        execute!(
            self,
            "INSERT INTO pull_cursor (connection, feed, cursor, followed, pulled_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (connection, feed) DO UPDATE SET pulled_at = excluded.pulled_at,
               cursor = CASE WHEN excluded.followed >= pull_cursor.followed THEN excluded.cursor ELSE pull_cursor.cursor END,
               followed = CASE WHEN excluded.followed >= pull_cursor.followed THEN excluded.followed ELSE pull_cursor.followed END",
            connection.0,
            feed.to_owned(),
            to.cursor.clone(),
            to.followed.0,
            now.0,
        )?;
        Ok(())
    }
}

impl Store {
    /// Creates a connection or brings its settings up to date; keeps id and state.
    ///
    /// Another mode, mapping or bounds make every link of the connection due again, since what was left
    /// out under the old one may go now. That comes first, slice by slice, and the row last: whoever
    /// dies between is repeated by the next start.
    pub async fn put_connection(&self, row: &ConnectionRow) -> Result<ConnectionId> {
        let mut after = Uuid::nil();
        loop {
            let row = row.clone();
            match self.write(async move |tx| tx.renew_connection(&row, after).await).await? {
                Renewal::More(last) => after = last,
                Renewal::Done(id) => return Ok(id),
            }
        }
    }

    pub async fn connections(&self) -> Result<Vec<ConnectionRow>> {
        fetch_all!(
            self,
            ConnectionRow,
            "SELECT id, name, crm, settings, mapping, mode, state, code, reason, paused_until, updated_at FROM connection ORDER BY name",
        )
    }

    /// What other processes noted of a connection.
    pub async fn connection_notes(&self, id: ConnectionId) -> Result<Option<Notes>> {
        let rows = fetch_all!(
            self,
            Notes,
            "SELECT state, code, paused_until, pushed_by, pushed_until, retried_at FROM connection WHERE id = $1",
            id.0,
        )?;
        Ok(rows.into_iter().next())
    }

    /// When a connection's CRM was last asked for what changed there.
    pub async fn last_pull(&self, id: ConnectionId) -> Result<Option<Time>> {
        let rows =
            fetch_all!(self, (Option<i64>,), "SELECT max(pulled_at) FROM pull_cursor WHERE connection = $1", id.0)?;
        Ok(rows.into_iter().next().and_then(|row| row.0).map(Time))
    }

    /// The time zone of the account, if the CRM told it.
    pub async fn time_zone_of(&self, id: ConnectionId) -> Result<Option<String>> {
        let rows = fetch_all!(self, (Option<String>,), "SELECT time_zone FROM connection WHERE id = $1", id.0)?;
        Ok(rows.into_iter().next().and_then(|row| row.0))
    }

    pub async fn cursor(&self, connection: ConnectionId, feed: &str) -> Result<Option<FeedCursor>> {
        let rows = fetch_all!(
            self,
            (String, i64),
            "SELECT cursor, followed FROM pull_cursor WHERE connection = $1 AND feed = $2",
            connection.0,
            feed.to_owned(),
        )?;
        Ok(rows.into_iter().next().map(|(cursor, followed)| FeedCursor { cursor, followed: Time(followed) }))
    }
}
