//! How much changed within the hour, and what is held until somebody says whether it should have.

use mittler_core::{ConnectionId, LinkId, Time};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Result, Tx, derived_id, id_rows};

/// How much of one kind may change within the hour; both have to be exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    pub number: i64,
    /// Of the links of the connection and type. 100: no limit.
    pub percent: i64,
}

/// What is counted: a measure of one type of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted<'a> {
    pub connection: ConnectionId,
    pub remote_type: &'a str,
    pub measure: &'a str,
}

impl Counted<'_> {
    /// The question that is asked when it is too much.
    pub fn question(&self) -> Uuid {
        let place = self.connection.0;
        derived_id(&[b"review", b"guard", place.as_bytes(), self.remote_type.as_bytes(), self.measure.as_bytes()])
    }
}

/// Whether more of it may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    /// It is much, and a person said that it should be.
    LetThrough,
    /// A person is to be asked, or was and has not answered.
    Hold,
}

/// What a guard says, and what it weighed: how many within the hour, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighed {
    pub verdict: Verdict,
    pub n: i64,
}

#[derive(FromRow)]
struct CountRow {
    n: i64,
    before: i64,
    passes_until: i64,
}

const HOUR: i64 = 3_600_000_000;

impl Tx {
    /// Counts `n` more, and says whether they may happen. Who counts the same at the same time waits for the end of
    /// this transaction.
    pub async fn weigh(&mut self, what: Counted<'_>, n: usize, limit: Limit, now: Time) -> Result<Weighed> {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        let asked =
            fetch_all!(self, (i64,), "SELECT count(*) FROM review WHERE id = $1 AND state = 'open'", what.question())?;
        if asked.first().is_some_and(|row| row.0 > 0) {
            return Ok(Weighed { verdict: Verdict::Hold, n });
        }
        let rows = fetch_all!(
            self,
            CountRow,
            "INSERT INTO guard_count (connection, remote_type, measure, hour, n, before, passes_until) VALUES ($1, $2, $3, $4, $5, 0, 0)
             ON CONFLICT (connection, remote_type, measure) DO UPDATE SET
               before = CASE WHEN guard_count.hour = excluded.hour THEN guard_count.before
                             WHEN guard_count.hour = excluded.hour - 1 THEN guard_count.n ELSE 0 END,
               n = CASE WHEN guard_count.hour = excluded.hour THEN guard_count.n + excluded.n ELSE excluded.n END,
               hour = excluded.hour
             RETURNING n, before, passes_until",
            what.connection.0,
            what.remote_type.to_owned(),
            what.measure.to_owned(),
            now.0.div_euclid(HOUR),
            n,
        )?;
        let Some(row) = rows.into_iter().next() else { return Ok(Weighed { verdict: Verdict::Pass, n }) };
        // As much of the hour before as lies within the last sixty minutes.
        let before = row.before * (HOUR - now.0.rem_euclid(HOUR)) / HOUR;
        let n = row.n + before;
        if row.passes_until > now.0 {
            return Ok(Weighed { verdict: Verdict::LetThrough, n });
        }
        if n <= limit.number {
            return Ok(Weighed { verdict: Verdict::Pass, n });
        }
        let of = self.links_of_type(what.connection, what.remote_type).await?;
        let verdict = if n * 100 > of * limit.percent { Verdict::Hold } else { Verdict::Pass };
        Ok(Weighed { verdict, n })
    }

    /// How many links a connection has of one type.
    pub async fn links_of_type(&mut self, connection: ConnectionId, remote_type: &str) -> Result<i64> {
        let of = fetch_all!(
            self,
            (i64,),
            "SELECT count(*) FROM link WHERE connection = $1 AND remote_type = $2 AND role = 'primary'",
            connection.0,
            remote_type.to_owned(),
        )?;
        Ok(of.first().map_or(0, |row| row.0))
    }

    /// A person answered: what was counted is forgotten, and until a time all passes.
    pub async fn pass_guard(&mut self, what: Counted<'_>, until: Time) -> Result<()> {
        execute!(
            self,
            "INSERT INTO guard_count (connection, remote_type, measure, hour, n, before, passes_until) VALUES ($1, $2, $3, 0, 0, 0, $4)
             ON CONFLICT (connection, remote_type, measure) DO UPDATE SET n = 0, before = 0, passes_until = excluded.passes_until",
            what.connection.0,
            what.remote_type.to_owned(),
            what.measure.to_owned(),
            until.0,
        )?;
        Ok(())
    }

    /// The links of a type that are suspect for a reason, with their remote ids.
    pub async fn suspects_of(
        &mut self,
        connection: ConnectionId,
        remote_type: &str,
        code: &str,
    ) -> Result<Vec<(LinkId, String)>> {
        let rows = fetch_all!(
            self,
            (Uuid, String),
            "SELECT id, remote_id FROM link
             WHERE connection = $1 AND remote_type = $2 AND state = 'suspect' AND code = $3 AND remote_id IS NOT NULL ORDER BY id",
            connection.0,
            remote_type.to_owned(),
            code.to_owned(),
        )?;
        Ok(rows.into_iter().map(|(id, remote_id)| (LinkId(id), remote_id)).collect())
    }

    /// How many links of a type are suspect for a reason.
    pub async fn count_suspects(&mut self, connection: ConnectionId, remote_type: &str, code: &str) -> Result<i64> {
        let rows = fetch_all!(
            self,
            (i64,),
            "SELECT count(*) FROM link WHERE connection = $1 AND remote_type = $2 AND state = 'suspect' AND code = $3",
            connection.0,
            remote_type.to_owned(),
            code.to_owned(),
        )?;
        Ok(rows.first().map_or(0, |row| row.0))
    }

    /// Gives suspect links of a type another reason, and the time since when they have been.
    pub async fn rename_suspects(
        &mut self,
        connection: ConnectionId,
        remote_type: &str,
        (from, to): (&str, &str),
        since: Time,
    ) -> Result<u64> {
        execute!(
            self,
            "UPDATE link SET code = $4, suspect_at = $5 WHERE connection = $1 AND remote_type = $2 AND state = 'suspect' AND code = $3",
            connection.0,
            remote_type.to_owned(),
            from.to_owned(),
            to.to_owned(),
            since.0,
        )
    }

    /// Makes suspects of the links whose deletion was asked about since a time, each by itself, and takes those
    /// questions back: one takes their place. Those with the reason `absent` get the code `absence`.
    pub async fn gather_deletions(
        &mut self,
        connection: ConnectionId,
        remote_type: &str,
        since: Time,
        (deleted, absent, absence): (&str, &str, &str),
    ) -> Result<()> {
        let asked = fetch_all!(
            self,
            (Uuid, Uuid, String),
            "SELECT v.id, l.id, v.reason FROM review v JOIN link l ON l.record = v.record AND l.connection = v.connection
             WHERE v.state = 'open' AND v.question = 'deleted_there' AND v.connection = $1 AND v.asked_at >= $3
               AND l.remote_type = $2 AND l.state = 'gone' AND l.role = 'primary' ORDER BY l.id",
            connection.0,
            remote_type.to_owned(),
            since.0,
        )?;
        if asked.is_empty() {
            return Ok(());
        }
        let links: Vec<Uuid> = asked.iter().map(|(_, link, _)| *link).collect();
        self.lock_links(&links).await?;
        for (code, theirs) in [(deleted, false), (absence, true)] {
            let rows = id_rows(asked.iter().filter(|it| (it.2 == absent) == theirs).map(|it| it.1));
            rows!(self, &rows => (id uuid),
                "UPDATE link SET state = 'suspect', code = $2, suspect_at = $3 FROM", "WHERE link.id = r.id AND link.state = 'gone'",
                code.to_owned(), since.0)?;
        }
        let rows = id_rows(asked.iter().map(|it| it.0));
        rows!(self, &rows => (id uuid), "DELETE FROM review WHERE state = 'open' AND id IN (SELECT r.id FROM", ")")?;
        Ok(())
    }

    /// Notes in an open question what is held by now.
    pub async fn note_held(&mut self, question: Uuid, candidates: &serde_json::Value) -> Result<()> {
        execute!(
            self,
            "UPDATE review SET candidates = $2 WHERE id = $1 AND state = 'open'",
            question,
            crate::Document(&candidates),
        )?;
        Ok(())
    }

    /// Suspect links of a type that are gone there, as a person says.
    pub async fn lose_suspects(&mut self, connection: ConnectionId, remote_type: &str, code: &str) -> Result<u64> {
        execute!(
            self,
            "UPDATE link SET state = 'gone', code = 'deleted_there', done = wanted
             WHERE connection = $1 AND remote_type = $2 AND state = 'suspect' AND code = $3",
            connection.0,
            remote_type.to_owned(),
            code.to_owned(),
        )
    }

    /// The links of a type whose records a guard keeps from being written as a whole, by its code.
    pub async fn held_writes(
        &mut self,
        connection: ConnectionId,
        remote_type: &str,
        code: &str,
    ) -> Result<Vec<LinkId>> {
        let rows = fetch_all!(
            self,
            (Uuid,),
            "SELECT id FROM link WHERE connection = $1 AND remote_type = $2 AND state = 'open' AND role = 'primary' AND code = $3 ORDER BY id",
            connection.0,
            remote_type.to_owned(),
            code.to_owned(),
        )?;
        Ok(rows.into_iter().map(|row| LinkId(row.0)).collect())
    }
}
