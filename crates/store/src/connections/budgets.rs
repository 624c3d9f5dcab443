//! How many calls a CRM takes from a connection.

use std::time::Duration;

use mittler_core::{ConnectionId, Time};

use crate::{Result, Tx};

impl Tx {
    /// Sets an account's budget as configured.
    pub async fn put_budget(
        &mut self,
        connection: ConnectionId,
        bucket: &str,
        calls: u32,
        window: Duration,
    ) -> Result<()> {
        execute!(
            self,
            "INSERT INTO budget (connection, bucket, calls, window_micros, arrival, blocked_until) VALUES ($1, $2, $3, $4, 0, 0)
             ON CONFLICT (connection, bucket) DO UPDATE SET calls = excluded.calls, window_micros = excluded.window_micros",
            connection.0,
            bucket.to_owned(),
            i64::from(calls),
            i64::try_from(window.as_micros()).unwrap_or(i64::MAX),
        )?;
        Ok(())
    }

    /// Takes a block of calls from a budget. `Ok(n)`: that many may go now (0 to `most`).
    /// `Err(time)`: none before then.
    ///
    /// The bucket leaks evenly (GCRA): of `calls` per window a twentieth may come at once and the
    /// rest is spread, so that no window of that length ever sees more than `calls`.
    pub async fn take_calls(
        &mut self,
        connection: ConnectionId,
        bucket: &str,
        most: i64,
        now: Time,
    ) -> Result<std::result::Result<i64, Time>> {
        let rows = fetch_either!(
            self,
            (i64, i64, i64, i64),
            "SELECT calls, window_micros, arrival, blocked_until FROM budget WHERE connection = $1 AND bucket = $2",
            "SELECT calls, window_micros, arrival, blocked_until FROM budget WHERE connection = $1 AND bucket = $2 FOR UPDATE",
            connection.0,
            bucket.to_owned(),
        )?;
        let Some((calls, window, arrival, blocked)) = rows.into_iter().next() else { return Ok(Ok(most)) };
        if blocked > now.0 {
            return Ok(Err(Time(blocked)));
        }
        if calls <= 0 {
            return Ok(Ok(most));
        }
        let burst = (calls / 20).max(1);
        let spread = (calls - burst).max(1);
        // Rounded up: a microsecond lost on each of very many calls would be calls too many.
        let interval = (window + spread - 1) / spread;
        let start = arrival.max(now.0);
        let room = (now.0 + burst * interval - start) / interval.max(1);
        if room <= 0 {
            // A time further ahead is of before the clock was put back.
            return Ok(Err(Time((start - (burst - 1) * interval).min(now.0 + window))));
        }
        let taken = room.min(most);
        execute!(
            self,
            "UPDATE budget SET arrival = $3 WHERE connection = $1 AND bucket = $2",
            connection.0,
            bucket.to_owned(),
            start + taken * interval,
        )?;
        Ok(Ok(taken))
    }

    /// The CRM said that a budget is spent: nobody calls before then. Of several answers that with
    /// the longest wait holds.
    pub async fn block_budget(&mut self, connection: ConnectionId, bucket: &str, until: Time) -> Result<()> {
        execute!(
            self,
            "INSERT INTO budget (connection, bucket, calls, window_micros, arrival, blocked_until) VALUES ($1, $2, 0, 0, 0, $3)
             ON CONFLICT (connection, bucket) DO UPDATE SET blocked_until =
               CASE WHEN excluded.blocked_until > budget.blocked_until THEN excluded.blocked_until ELSE budget.blocked_until END",
            connection.0,
            bucket.to_owned(),
            until.0,
        )?;
        Ok(())
    }
}
