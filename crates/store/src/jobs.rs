//! Work to do later: rows that are born in the transaction that makes them necessary.

mod counts;

use std::time::Duration;

use mittler_core::{
    ConnectionId, JobId, Time,
    job::{Lane, Task},
};
use serde::Serialize;
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{Result, Store, Tx};

pub use counts::{JobCounts, JobLine, ReadyJobs};

/// A job to be written.
#[derive(Debug, Clone, Serialize)]
pub struct NewJob {
    pub id: Uuid,
    pub topic: String,
    pub task: Task,
    pub lane: i64,
    pub due_at: i64,
    pub created_at: i64,
}

/// What a topic begins with: the work of its jobs, for whatever connection.
pub const WORK: [&str; 6] = ["enrich", "pull", "read", "erased", "merge", "retain"];

impl NewJob {
    pub fn new(id: Uuid, task: Task, lane: Lane, due: Time, now: Time) -> NewJob {
        let topic = match &task {
            Task::Pull { connection } | Task::PullOn { connection, .. } => format!("pull:{}", connection.0),
            Task::Read { connection, .. } => format!("read:{}", connection.0),
            other => other.name().to_owned(),
        };
        NewJob { id, topic, task, lane: i64::from(lane.number()), due_at: due.0, created_at: now.0 }
    }

    /// The job that reads records of one type by id, from `due` on.
    pub fn read(
        id: Uuid,
        (connection, remote_type): (ConnectionId, &str),
        ids: Vec<String>,
        lane: Lane,
        due: Time,
        now: Time,
    ) -> NewJob {
        let remote_type = remote_type.to_owned();
        NewJob::new(id, Task::Read { connection, remote_type, ids, not_before: due, since: None }, lane, due, now)
    }
}

/// A job that a worker holds. `attempt` is the fence: whoever takes it later makes it stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedJob {
    pub id: JobId,
    pub topic: String,
    pub lane: i64,
    pub task: Task,
    pub attempt: i64,
    /// Ends that were failures: panics, refused statements.
    pub failures: i64,
    /// Takings that ended without an end: killed workers, lost leases.
    pub lost: i64,
    pub created_at: Time,
}

impl ClaimedJob {
    /// Whether somebody waits for it.
    pub fn is_urgent(&self) -> bool {
        self.lane == i64::from(Lane::Interactive.number())
    }
}

#[derive(FromRow)]
struct ClaimedJobRow {
    id: Uuid,
    topic: String,
    lane: i64,
    task: Json<Task>,
    attempt: i64,
    failures: i64,
    lost: i64,
    created_at: i64,
}

impl From<ClaimedJobRow> for ClaimedJob {
    fn from(row: ClaimedJobRow) -> ClaimedJob {
        ClaimedJob {
            id: JobId(row.id),
            topic: row.topic,
            lane: row.lane,
            task: row.task.0,
            attempt: row.attempt,
            failures: row.failures,
            lost: row.lost,
            created_at: Time(row.created_at),
        }
    }
}

/// Whose slots a job runs in. One that calls a CRM may take as long as the CRM does, so it runs in slots of
/// its connection, and keeps nobody else's work waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Slots {
    #[default]
    All,
    /// Of jobs that need no CRM: they share the workers.
    Shared,
    /// Of jobs that call one CRM: their topic names the connection.
    OfConnections,
}

impl Slots {
    /// Whether jobs without, and with a connection are among them, as 0 and 1.
    fn bound(self) -> (i64, i64) {
        match self {
            Slots::All => (0, 1),
            Slots::Shared => (0, 0),
            Slots::OfConnections => (1, 1),
        }
    }
}

/// Which jobs are asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub slots: Slots,
    /// Only those of the first lane, or only those of all others.
    pub urgent: Option<bool>,
    /// Topics of which no more can run now.
    pub full: Vec<String>,
}

impl Wanted {
    /// The first and last lane.
    fn lanes(&self) -> (i64, i64) {
        let first = i64::from(Lane::Interactive.number());
        match self.urgent {
            None => (first, i64::MAX),
            Some(true) => (first, first),
            Some(false) => (first + 1, i64::MAX),
        }
    }

    fn full(&self) -> String {
        format!("|{}|", self.full.join("|"))
    }
}

/// Jobs of which lane, slots and topic are asked for: parameters 4 to 8.
macro_rules! wanted {
    () => {
        " lane BETWEEN $4 AND $5 AND CASE WHEN topic LIKE '%:%' THEN 1 ELSE 0 END BETWEEN $6 AND $7
          AND $8 NOT LIKE '%|' || topic || '|%' "
    };
}

impl Tx {
    pub async fn put_jobs(&mut self, jobs: &[NewJob]) -> Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        rows!(self, jobs => (id uuid, topic text, task json, lane bigint, due_at bigint, created_at bigint),
            "INSERT INTO job (id, topic, task, lane, due_at, sent_until, taken_until, attempt, failures, lost, created_at)
             SELECT id, topic, task, lane, due_at, 0, 0, 0, 0, 0, created_at FROM",
            "WHERE true ON CONFLICT (id) DO NOTHING")?;
        Ok(())
    }

    /// Ends a job, unless it has been taken by another since.
    pub async fn end_job(&mut self, job: JobId, attempt: i64) -> Result<bool> {
        Ok(execute!(self, "DELETE FROM job WHERE id = $1 AND attempt = $2", job.0, attempt)? == 1)
    }

    /// Gives a job back for later. Waiting is no failure.
    pub async fn delay_job(&mut self, job: JobId, attempt: i64, due: Time, code: &str) -> Result<bool> {
        Ok(execute!(
            self,
            "UPDATE job SET due_at = $3, taken_until = 0, sent_until = 0, code = $4 WHERE id = $1 AND attempt = $2",
            job.0,
            attempt,
            due.0,
            code.to_owned(),
        )? == 1)
    }

    /// Notes a failure; after `most` of them the job is dead and waits for a person. The inputs that
    /// a dead job was to read are parked with it: nobody would look at them again.
    pub async fn fail_job(
        &mut self,
        job: JobId,
        attempt: i64,
        due: Time,
        code: &str,
        most: i64,
        now: Time,
    ) -> Result<bool> {
        let failed = fetch_all!(
            self,
            (Json<Task>, Option<i64>),
            "UPDATE job SET due_at = $3, taken_until = 0, sent_until = 0, code = $4, failures = failures + 1,
                    dead_at = CASE WHEN failures + 1 >= $5 THEN $6 END
             WHERE id = $1 AND attempt = $2 RETURNING task, dead_at",
            job.0,
            attempt,
            due.0,
            code.to_owned(),
            most,
            now.0,
        )?;
        if let Some((Json(Task::Enrich { signals }), Some(_dead))) = failed.first() {
            let ids: Vec<Uuid> = signals.iter().map(|signal| signal.0).collect();
            self.park_unread(&ids).await?;
        }
        Ok(failed.len() == 1)
    }

    /// Takes up to `most` due jobs, in order of lane and due time.
    pub async fn take_jobs(&mut self, now: Time, lease: Duration, most: i64) -> Result<Vec<ClaimedJob>> {
        self.take_wanted(now, lease, most, &Wanted::default()).await
    }

    /// The same, of those that are wanted.
    pub async fn take_wanted(
        &mut self,
        now: Time,
        lease: Duration,
        most: i64,
        wanted: &Wanted,
    ) -> Result<Vec<ClaimedJob>> {
        if most <= 0 {
            return Ok(Vec::new());
        }
        macro_rules! take {
            ($lock:literal) => {
                concat!(
                    // Materialized: as a plain subquery PostgreSQL may run it once per row, and take all.
                    "WITH due AS MATERIALIZED (SELECT id FROM job WHERE dead_at IS NULL AND due_at <= $1 AND taken_until <= $1 AND",
                    wanted!(),
                    "ORDER BY lane, due_at, id LIMIT $3 ",
                    $lock,
                    ") UPDATE job SET attempt = attempt + 1, taken_until = $2,
                              lost = lost + CASE WHEN taken_until > 0 THEN 1 ELSE 0 END
                     WHERE id IN (SELECT id FROM due) RETURNING id, topic, lane, task, attempt, failures, lost, created_at"
                )
            };
        }
        let until = now.plus(lease).0;
        let rows = fetch_either!(
            self,
            ClaimedJobRow,
            take!(""),
            take!("FOR UPDATE SKIP LOCKED"),
            now.0,
            until,
            most,
            wanted.lanes().0,
            wanted.lanes().1,
            wanted.slots.bound().0,
            wanted.slots.bound().1,
            wanted.full()
        )?;
        Ok(rows.into_iter().map(ClaimedJob::from).collect())
    }

    /// Takes one job that a message named, unless it is done, dead, not yet due, or somebody has it.
    pub async fn take_job(&mut self, job: JobId, now: Time, lease: Duration) -> Result<Option<ClaimedJob>> {
        let rows = fetch_all!(
            self,
            ClaimedJobRow,
            "UPDATE job SET attempt = attempt + 1, taken_until = $3,
                    lost = lost + CASE WHEN taken_until > 0 THEN 1 ELSE 0 END
             WHERE id = $1 AND dead_at IS NULL AND due_at <= $2 AND taken_until <= $2
             RETURNING id, topic, lane, task, attempt, failures, lost, created_at",
            job.0,
            now.0,
            now.plus(lease).0,
        )?;
        Ok(rows.into_iter().next().map(ClaimedJob::from))
    }

    /// Holds a job on for as long as its worker lives. One that was given back in the meantime
    /// stays given back.
    pub async fn hold_job(&mut self, job: JobId, attempt: i64, until: Time) -> Result<bool> {
        Ok(execute!(
            self,
            "UPDATE job SET taken_until = $3
             WHERE id = $1 AND attempt = $2 AND taken_until > 0 AND dead_at IS NULL",
            job.0,
            attempt,
            until.0,
        )? == 1)
    }

    /// Marks ready jobs as on their way to the broker and names them, with the fence of the
    /// marking. What is not taken within `resend` is sent again.
    pub async fn send_jobs(
        &mut self,
        now: Time,
        resend: Duration,
        most: i64,
        wanted: &Wanted,
    ) -> Result<Vec<(JobId, i64)>> {
        if most <= 0 {
            return Ok(Vec::new());
        }
        macro_rules! send {
            ($lock:literal) => {
                concat!(
                    "WITH due AS MATERIALIZED (SELECT id FROM job WHERE dead_at IS NULL AND due_at <= $1 AND taken_until <= $1
                                                 AND sent_until <= $1 AND",
                    wanted!(),
                    "ORDER BY lane, due_at, id LIMIT $3 ",
                    $lock,
                    ") UPDATE job SET sent_until = $2 WHERE id IN (SELECT id FROM due) RETURNING id, attempt"
                )
            };
        }
        let until = now.plus(resend).0;
        let rows = fetch_either!(
            self,
            (Uuid, i64),
            send!(""),
            send!("FOR UPDATE SKIP LOCKED"),
            now.0,
            until,
            most,
            wanted.lanes().0,
            wanted.lanes().1,
            wanted.slots.bound().0,
            wanted.slots.bound().1,
            wanted.full()
        )?;
        Ok(rows.into_iter().map(|(id, attempt)| (JobId(id), attempt)).collect())
    }

    /// Takes back the mark of jobs whose messages the broker did not confirm, unless they have been
    /// taken since.
    pub async fn unsend_jobs(&mut self, jobs: &[(JobId, i64)]) -> Result<()> {
        #[derive(Serialize)]
        struct Row {
            id: Uuid,
            attempt: i64,
        }
        let jobs: Vec<Row> = jobs.iter().map(|(id, attempt)| Row { id: id.0, attempt: *attempt }).collect();
        rows!(self, &jobs => (id uuid, attempt bigint),
            "UPDATE job SET sent_until = 0 FROM", "WHERE job.id = r.id AND job.attempt = r.attempt")?;
        Ok(())
    }

    /// Brings a dead job back, and with it the inputs that were parked when it died.
    pub async fn revive_job(&mut self, job: JobId, now: Time) -> Result<bool> {
        let revived = fetch_all!(
            self,
            (Json<Task>,),
            "UPDATE job SET dead_at = NULL, failures = 0, lost = 0, due_at = $2, taken_until = 0, sent_until = 0
             WHERE id = $1 AND dead_at IS NOT NULL RETURNING task",
            job.0,
            now.0,
        )?;
        if let Some((Json(Task::Enrich { signals }),)) = revived.first() {
            let ids: Vec<Uuid> = signals.iter().map(|signal| signal.0).collect();
            self.unpark(&ids).await?;
        }
        Ok(revived.len() == 1)
    }

    /// Whether a job of a topic is waiting, under way or held.
    pub async fn is_living(&mut self, topic: &str) -> Result<bool> {
        let rows = fetch_all!(
            self,
            (i64,),
            "SELECT CAST(1 AS bigint) FROM job WHERE topic = $1 AND dead_at IS NULL LIMIT 1",
            topic.to_owned(),
        )?;
        Ok(!rows.is_empty())
    }

    /// Starts the slot of a schedule; `false` if another process has.
    pub async fn start_slot(&mut self, schedule: &str, slot: Time, now: Time) -> Result<bool> {
        Ok(execute!(
            self,
            "INSERT INTO slot (schedule, slot_at, started_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            schedule.to_owned(),
            slot.0,
            now.0,
        )? == 1)
    }
}

impl Store {
    /// When the next job falls due.
    pub async fn next_due(&self) -> Result<Option<Time>> {
        self.next_due_in(Slots::All).await
    }

    /// When the next job of some slots falls due, for their carrier's sleep.
    pub async fn next_due_in(&self, slots: Slots) -> Result<Option<Time>> {
        let (first, last) = slots.bound();
        let rows = fetch_all!(
            self,
            (Option<i64>,),
            "SELECT min(CASE WHEN due_at > taken_until THEN due_at ELSE taken_until END) FROM job
             WHERE dead_at IS NULL AND CASE WHEN topic LIKE '%:%' THEN 1 ELSE 0 END BETWEEN $1 AND $2",
            first,
            last,
        )?;
        Ok(rows.first().and_then(|row| row.0).map(Time))
    }
}
