//! The vocabulary of the queue: everything a worker can be asked to do, on one screen.
//!
//! **Invariant:** a job names rows by their ids and carries no personal data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ConnectionId, SignalId, Time};

/// What goes first of what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    Interactive,
    Scheduled,
    Backfill,
}

impl Lane {
    pub const ALL: [Lane; 3] = [Lane::Interactive, Lane::Scheduled, Lane::Backfill];

    pub fn number(self) -> i16 {
        self as i16
    }

    pub fn name(self) -> &'static str {
        match self {
            Lane::Interactive => "interactive",
            Lane::Scheduled => "scheduled",
            Lane::Backfill => "backfill",
        }
    }
}

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Task {
    /// Read signals, in this order, and make records of them.
    Enrich { signals: Vec<SignalId> },
    /// Read what changed in a CRM since the cursor.
    Pull { connection: ConnectionId },
    /// Go on with a pull that was too long for one job, from exactly where it stopped in each feed: the cursor that
    /// is kept, with its overlap, would find the same changes again.
    PullOn { connection: ConnectionId, from: BTreeMap<String, String> },
    /// Read named remote records that a hook told of, not before the given time. `since`: when the first of the
    /// changes happened that it told of.
    Read {
        connection: ConnectionId,
        remote_type: String,
        ids: Vec<String>,
        not_before: Time,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Time>,
    },
    /// A CRM erased these remote records because somebody asked to be forgotten there.
    Erased { connection: ConnectionId, remote_type: String, ids: Vec<String> },
    /// Make one record of two, as a person decided; or two of it again, if that was taken back.
    Merge { decision: Uuid },
    /// Remove what has outlived its retention.
    Retain,
    /// A job of another version of the program, which this one does not know.
    #[serde(other)]
    Unknown,
}

impl Task {
    pub fn name(&self) -> &'static str {
        match self {
            Task::Enrich { .. } => "enrich",
            Task::Pull { .. } => "pull",
            Task::PullOn { .. } => "pull_on",
            Task::Read { .. } => "read",
            Task::Erased { .. } => "erased",
            Task::Merge { .. } => "merge",
            Task::Retain => "retain",
            Task::Unknown => "unknown",
        }
    }

    /// Whether the job only says that there may be work: what there is to read is found by the cursor, and who reads it
    /// has a pull in hand whenever the process dies. Such a job is never to blame for lost workers.
    pub fn is_hint(&self) -> bool {
        matches!(self, Task::Pull { .. } | Task::PullOn { .. })
    }
}
