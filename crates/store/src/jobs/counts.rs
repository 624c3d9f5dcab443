//! How much work there is and what of it stands still, for people and for probes.

use mittler_core::Time;
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Result, Store};

/// A dead or waiting job, for people.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct JobLine {
    pub id: Uuid,
    pub topic: String,
    pub due_at: i64,
    pub attempt: i64,
    pub failures: i64,
    pub dead_at: Option<i64>,
    pub code: Option<String>,
    pub created_at: i64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromRow)]
pub struct JobCounts {
    pub ready: i64,
    pub waiting: i64,
    pub held: i64,
    pub dead: i64,
    /// When the oldest living job was made.
    pub oldest: i64,
}

/// Jobs of one topic that a worker could take now.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ReadyJobs {
    pub topic: String,
    pub count: i64,
    /// Since when the first of them could be taken.
    pub since: i64,
}

impl ReadyJobs {
    /// One of [`super::WORK`].
    pub fn work(&self) -> &str {
        self.topic.split(':').next().unwrap_or_default()
    }
}

impl Store {
    /// What is ready, by topic.
    pub async fn ready_jobs(&self, now: Time) -> Result<Vec<ReadyJobs>> {
        fetch_all!(
            self,
            ReadyJobs,
            "SELECT topic, count(*) AS count, min(due_at) AS since FROM job
             WHERE dead_at IS NULL AND due_at <= $1 AND taken_until <= $1 GROUP BY topic ORDER BY topic",
            now.0,
        )
    }

    /// When the oldest living job of a topic was made.
    pub async fn oldest_job(&self, topic: &str) -> Result<Option<Time>> {
        let rows = fetch_all!(
            self,
            (Option<i64>,),
            "SELECT min(created_at) FROM job WHERE topic = $1 AND dead_at IS NULL",
            topic.to_owned()
        )?;
        Ok(rows.first().and_then(|row| row.0).map(Time))
    }

    /// Whether a job that the broker carries has been ready since a time, and is neither under way to a worker
    /// nor with one.
    pub async fn is_stuck(&self, since: Time, now: Time) -> Result<bool> {
        let rows = fetch_all!(
            self,
            (i64,),
            "SELECT CAST(1 AS bigint) FROM job WHERE dead_at IS NULL AND due_at <= $1 AND taken_until <= $2 AND sent_until <= $2
               AND topic NOT LIKE '%:%' LIMIT 1",
            since.0,
            now.0,
        )?;
        Ok(!rows.is_empty())
    }

    /// Ready, waiting, held and dead jobs.
    pub async fn job_counts(&self, now: Time) -> Result<JobCounts> {
        let rows = fetch_all!(
            self,
            JobCounts,
            "SELECT CAST(coalesce(sum(CASE WHEN dead_at IS NULL AND due_at <= $1 AND taken_until <= $1 THEN 1 ELSE 0 END), 0) AS bigint) AS ready,
                    CAST(coalesce(sum(CASE WHEN dead_at IS NULL AND due_at > $1 AND taken_until <= $1 THEN 1 ELSE 0 END), 0) AS bigint) AS waiting,
                    CAST(coalesce(sum(CASE WHEN dead_at IS NULL AND taken_until > $1 THEN 1 ELSE 0 END), 0) AS bigint) AS held,
                    CAST(coalesce(sum(CASE WHEN dead_at IS NOT NULL THEN 1 ELSE 0 END), 0) AS bigint) AS dead,
                    CAST(coalesce(min(CASE WHEN dead_at IS NULL THEN created_at END), $1) AS bigint) AS oldest
             FROM job",
            now.0,
        )?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// Jobs for people to look at, dead ones first.
    pub async fn job_lines(&self, after: Option<Uuid>, most: i64) -> Result<Vec<JobLine>> {
        fetch_all!(
            self,
            JobLine,
            "SELECT id, topic, due_at, attempt, failures, dead_at, code, created_at FROM job
             WHERE id > $1 ORDER BY id LIMIT $2",
            after.unwrap_or_default(),
            most,
        )
    }
}
