//! Clocks that jump: times that were stored by another clock are brought back into reach of this one.
//!
//! **Invariant:** no stored time holds anything up for longer than its own span says. A time further ahead
//! than that was written before the clock was put back, or by a machine whose clock is wrong.

use std::time::Duration;

use mittler_core::{ConnectionId, Time};
use uuid::Uuid;

use crate::{Result, Store, Tx, access::RESERVED, id_rows};

/// How far the clocks of a database's machines may stand apart before one of them counts as put back.
const APART: Duration = Duration::from_secs(30);
/// The longest that anything waits: the rest of a day of 25 hours, and what it took to say so.
const LONGEST_WAIT: Duration = Duration::from_hours(26);
/// The longest that a worker or a call holds anything without saying so again.
const LONGEST_LEASE: Duration = Duration::from_mins(10);
/// The same after a jump: whoever lives says so again before then.
const LEASE_AFTER_A_JUMP: Duration = Duration::from_mins(1);
/// The setting with the newest time that any process has seen, in microseconds.
const NEWEST: &str = "clock";
/// Links that are brought back in one transaction.
const SLICE: i64 = 2_000;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// All but the links, which are many: for every few seconds.
    Often,
    All,
}

/// Up to when times of each sort may lie, by the clock of who looks.
#[derive(Debug, Clone, Copy)]
struct Reach {
    now: Time,
    waits: Time,
    leases: Time,
    /// Of what has happened already.
    past: Time,
    /// Windows of a budget over which its calls may be spread.
    windows: i64,
}

impl Reach {
    fn always(now: Time) -> Reach {
        let (waits, leases) = (now.plus(LONGEST_WAIT), now.plus(LONGEST_LEASE));
        Reach { now, waits, leases, past: now.plus(APART), windows: 1 }
    }

    /// Nobody knows how much of a wait was left: what waited is tried, and a CRM that is still away says so.
    fn after_a_jump(now: Time) -> Reach {
        Reach { now, waits: now, leases: now.plus(LEASE_AFTER_A_JUMP), past: now, windows: 0 }
    }
}

impl Tx {
    async fn bound_links(&mut self, ids: &[Uuid], reach: Reach) -> Result<()> {
        self.lock_links(ids).await?;
        let ids = id_rows(ids.iter().copied());
        rows!(self, &ids => (id uuid),
            "UPDATE link SET next_at = CASE WHEN next_at > $2 THEN $2 ELSE next_at END,
                    written_at = CASE WHEN written_at > $3 THEN $4 ELSE written_at END,
                    seen_at = CASE WHEN seen_at > $3 THEN $4 ELSE seen_at END,
                    suspect_at = CASE WHEN suspect_at > $3 THEN $4 ELSE suspect_at END FROM", "WHERE link.id = r.id",
            reach.waits.0, reach.past.0, reach.now.0)?;
        Ok(())
    }

    async fn bound_jobs(&mut self, reach: Reach) -> Result<()> {
        // A message that found its job not yet due is gone: after a jump it is sent again at once.
        let sent = reach.waits.min(reach.leases);
        execute!(
            self,
            "UPDATE job SET due_at = CASE WHEN due_at > $1 THEN $1 ELSE due_at END,
                    sent_until = CASE WHEN sent_until > $2 THEN $2 ELSE sent_until END,
                    taken_until = CASE WHEN taken_until > $3 THEN $3 ELSE taken_until END
             WHERE due_at > $1 OR sent_until > $2 OR taken_until > $3",
            reach.waits.0,
            sent.0,
            reach.leases.0,
        )?;
        Ok(())
    }

    /// Who came in ahead of the clock is held as long as if they had come in now.
    async fn bound_unsure(&mut self, reach: Reach) -> Result<()> {
        execute!(
            self,
            "UPDATE record SET unsure_until = $1 + unsure_until - created_at, created_at = $1 WHERE unsure_until > 0 AND created_at > $2",
            reach.now.0,
            reach.past.0,
        )?;
        Ok(())
    }

    /// A call that reserved its key and died holds up whoever repeats it.
    async fn bound_reservations(&mut self, reach: Reach) -> Result<()> {
        execute!(
            self,
            "UPDATE idempotency SET created_at = $1 WHERE created_at > $2 AND status = $3",
            reach.now.0,
            reach.past.0,
            RESERVED,
        )?;
        Ok(())
    }

    async fn bound_connections(&mut self, reach: Reach) -> Result<()> {
        execute!(
            self,
            "UPDATE connection SET paused_until = CASE WHEN paused_until > $1 THEN $1 ELSE paused_until END,
                    pushed_until = CASE WHEN pushed_until > $2 THEN $3 ELSE pushed_until END
             WHERE paused_until > $1 OR pushed_until > $2",
            reach.waits.0,
            reach.past.0,
            reach.now.0,
        )?;
        execute!(self, "UPDATE guard_count SET passes_until = $1 WHERE passes_until > $1", reach.waits.0)?;
        execute!(self, "UPDATE secret SET refresh_until = $1 WHERE refresh_until > $1", reach.leases.0)?;
        execute!(self, "UPDATE budget SET blocked_until = $1 WHERE blocked_until > $1", reach.waits.0)?;
        // Calls are spread over one window: none arrives later than that.
        execute!(
            self,
            "UPDATE budget SET arrival = $1 WHERE arrival > $2 + $3 * window_micros",
            reach.now.0,
            reach.past.0,
            reach.windows,
        )?;
        Ok(())
    }

    async fn bound_calls(&mut self, reach: Reach) -> Result<()> {
        execute!(self, "UPDATE lease SET until = $1 WHERE until > $1", reach.leases.0)?;
        execute!(
            self,
            "UPDATE intent SET begun_at = $1 WHERE settled_at IS NULL AND begun_at > $2",
            reach.now.0,
            reach.past.0,
        )?;
        // Slots that lie ahead were started once; when their time comes, it comes again.
        execute!(self, "DELETE FROM slot WHERE slot_at > $1", reach.past.0)?;
        Ok(())
    }
}

impl Store {
    /// Brings stored times that lie too far ahead back into reach, and notes what time it is. If the
    /// clock was put back, whatever waits is tried at once, and all processes hear of it; gives by how much it was.
    ///
    /// # Errors
    /// If the database does not answer: the next look does it.
    pub async fn bound_times(&self, now: Time, look: Look) -> Result<Option<Duration>> {
        let newest = self.setting(NEWEST).await?.and_then(|micros| micros.parse().ok()).map_or(now, Time);
        let back = Some(newest.since(now)).filter(|back| *back > APART);
        let reach = if back.is_some() { Reach::after_a_jump(now) } else { Reach::always(now) };
        if back.is_some() || look == Look::All {
            let mut after = Uuid::nil();
            while let Some(last) = self.bound_some_links(after, reach).await? {
                after = last;
            }
        }
        let connections: Vec<ConnectionId> = match back {
            Some(_) => self.connections().await?.iter().map(|row| ConnectionId(row.id)).collect(),
            None => Vec::new(),
        };
        // The time last: whoever dies before is repeated.
        self.write(async move |tx| {
            tx.bound_calls(reach).await?;
            for connection in &connections {
                tx.lift_pause(*connection, now).await?;
            }
            tx.bound_connections(reach).await?;
            tx.bound_jobs(reach).await?;
            tx.bound_unsure(reach).await?;
            tx.bound_reservations(reach).await?;
            let newest = if back.is_some() { now } else { newest.max(now) };
            tx.put_setting(NEWEST, &newest.0.to_string()).await
        })
        .await?;
        Ok(back)
    }

    /// Gives the last link of a full slice.
    async fn bound_some_links(&self, after: Uuid, reach: Reach) -> Result<Option<Uuid>> {
        let rows = fetch_all!(
            self,
            (Uuid,),
            "SELECT id FROM link WHERE id > $1 AND (next_at > $2 OR written_at > $3 OR seen_at > $3 OR suspect_at > $3) ORDER BY id LIMIT $4",
            after,
            reach.waits.0,
            reach.past.0,
            SLICE,
        )?;
        let ids: Vec<Uuid> = rows.into_iter().map(|row| row.0).collect();
        if ids.is_empty() {
            return Ok(None);
        }
        let last = ids.last().copied().filter(|_| i64::try_from(ids.len()).is_ok_and(|count| count >= SLICE));
        self.write(async move |tx| tx.bound_links(&ids, reach).await).await?;
        Ok(last)
    }
}
