//! One link on its way to its CRM: what is planned for it, what a call is to write, and what came of it.

use std::time::Duration;

use mittler_connector::{Error as CrmError, RowResult};
use mittler_core::{
    ConnectionId, RemoteFields, RemoteValue, Time,
    plan::{self, HeldField, Known},
};
use mittler_store::{
    due::DueLink,
    intents::{Intent, IntentOutcome, Operation, Settled},
    leases::Receipt,
    links::{LinkCommand, LinkState},
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{bounds::Within, measure::Measure};

/// What one call is to write.
pub(crate) struct Call {
    pub lease: Uuid,
    /// When the lease ends, by this process's own clock, which nobody sets: a write that could outlast it
    /// is not begun, and none goes on after it.
    pub deadline: Instant,
    pub items: Vec<Item>,
}

/// One link on its way.
#[derive(Debug, Clone)]
pub struct Item {
    pub link: DueLink,
    pub planned: RemoteFields,
    pub creates: bool,
    /// The id of its intent.
    pub intent: Uuid,
    /// When it was committed.
    pub begun_at: Time,
    /// Part of the plan that the gate held.
    pub held: Vec<(String, HeldField)>,
    /// Suppression entries of the person whom it is about.
    pub entries: Vec<(Uuid, &'static str)>,
    /// Whether it lies within the bounds of the connection.
    pub within: Within,
}

impl Item {
    /// Whether it was written more than once without anybody learning how that ended.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.link.open_intent.is_some() && self.link.attempt >= DOUBTFUL
    }

    /// A person wants it removed there.
    pub(crate) fn archives(&self) -> bool {
        !self.creates && self.link.command == Some(LinkCommand::Archive)
    }

    pub(crate) fn operation(&self) -> Operation {
        if self.archives() {
            Operation::Archive
        } else if self.creates {
            Operation::Create
        } else {
            Operation::Update
        }
    }

    /// A guard keeps it from being written: each of its fields waits for the answer, for the very value.
    pub(crate) fn hold(&mut self, measure: Measure) {
        if measure == Measure::ArchivesOut {
            return;
        }
        let waits = |(name, value): (&String, &RemoteValue)| {
            let reason = "very much would be changed at once".to_owned();
            (name.clone(), HeldField { code: measure.name().into(), reason, hash: plan::value_hash(value) })
        };
        self.held.extend(self.planned.0.iter().map(waits));
    }

    /// Its intent, of which nobody knows the end yet.
    pub fn as_intent(&self, connection: ConnectionId, remote_type: &str) -> Intent {
        Intent {
            id: self.intent,
            link: self.link.id.0,
            connection: connection.0,
            operation: self.operation(),
            remote_type: remote_type.to_owned(),
            fields: self.planned.clone(),
            before: before(&self.link, &self.planned),
            begun_at: self.begun_at.0,
            settled_at: None,
            outcome: None,
            code: None,
        }
    }
}

/// What is known of one write.
#[derive(Debug, Clone)]
pub enum Written {
    Row(RowResult),
    /// The call was not begun: the lease was too short for it.
    NotBegun,
    /// The CRM said, or the connection shows, that nothing was written.
    Nothing(CrmError),
    /// Nobody knows.
    Unknown(String),
}

/// The result of planning one link.
pub(crate) enum Planned {
    Write(Item),
    /// Nothing differs, or nothing may go: settled without a call, and with it what was open.
    Settle(Box<Receipt>, Option<Uuid>),
    /// Not yet.
    Wait(DueLink, Time, &'static str),
}

impl Planned {
    pub(crate) fn item(&mut self) -> Option<&mut Item> {
        match self {
            Planned::Write(item) => Some(item),
            Planned::Settle(..) | Planned::Wait(..) => None,
        }
    }
}

/// How long what needs an administrator waits before it is tried again.
pub const CLOSED: Duration = Duration::from_mins(10);

/// Writes with an unknown outcome, one after the other, after which a link is no sign of how the CRM is.
pub(crate) const DOUBTFUL: i64 = 2;

/// The code of a field that the CRM does not describe, or lets nobody write.
pub(crate) const FIELD_NOT_THERE: &str = "field_not_there";

/// The end of an intent that a later decision took the place of.
pub(crate) fn ended(id: Uuid, link: Uuid) -> Settled {
    Settled { id, link, outcome: IntentOutcome::Unknown, code: Some("superseded".into()) }
}

pub fn superseded(link: &DueLink) -> Option<Settled> {
    link.open_intent.as_ref().map(|open| ended(open.id, link.id.0))
}

/// The values that a plan replaces.
pub(crate) fn before(link: &DueLink, planned: &RemoteFields) -> RemoteFields {
    let known = Known { sent: &link.sent, seen: &link.seen };
    let names = planned.0.keys().filter(|name| link.sent.0.contains_key(*name) || link.seen.0.contains_key(*name));
    names.map(|name| (name.clone(), known.shown(name).clone())).collect()
}

/// A receipt for a link that needs no call.
pub fn settled(link: &DueLink, code: Option<&str>, held: Option<Vec<(String, HeldField)>>) -> Receipt {
    let mut all = link.held.clone();
    all.extend(held.unwrap_or_default());
    Receipt {
        id: link.id.0,
        epoch: link.epoch,
        remote_type: link.remote_type.clone(),
        remote_id: link.remote_id.clone(),
        sent: link.sent.clone(),
        held: all,
        done: Some(link.wanted),
        next_at: 0,
        attempt: 0,
        state: LinkState::Open,
        code: code.map(str::to_owned),
        reason: None,
        written_at: 0,
    }
}
