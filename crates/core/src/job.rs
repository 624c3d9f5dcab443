//! The vocabulary of the queue: everything a worker can be asked to do, on one screen.
//!
//! **Invariant:** a job names rows by their ids and carries no personal data.

use serde::{Deserialize, Serialize};

use crate::{ConnectionId, SignalId, Time};

/// Which of several waiting pushes goes first.
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
    /// Tell a CRM what is due.
    Push { connection: ConnectionId },
    /// Read what changed in a CRM since the cursor.
    Pull { connection: ConnectionId },
    /// Read named remote records that a hook told of, not before the given time.
    Read { connection: ConnectionId, remote_type: String, ids: Vec<String>, not_before: Time },
    /// Remove what has outlived its retention.
    Retain,
}

impl Task {
    pub fn name(&self) -> &'static str {
        match self {
            Task::Enrich { .. } => "enrich",
            Task::Push { .. } => "push",
            Task::Pull { .. } => "pull",
            Task::Read { .. } => "read",
            Task::Retain => "retain",
        }
    }
}
