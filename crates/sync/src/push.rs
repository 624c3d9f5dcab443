//! The push: lease due links, plan each against what was sent, commit intents, call, write
//! receipts - level-triggered, so that a change during a call stays due.
//!
//! **Invariant:** every write to a CRM passes [`gate`](crate::gate) and has its intent committed
//! before the call.
//!
//! **Invariant:** the outcome of a call that nobody knows is looked up before anything is decided;
//! only writes that the CRM recognises when they are repeated are repeated.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use mittler_connector::Error as CrmError;
use mittler_core::{Time, derive::Overrides};
use mittler_store::{Clock, Result, Store, links::Leased};
use tracing::{debug, warn};
use uuid::Uuid;

use crate::{
    Judge,
    batch::Batch,
    connections::{Connection, Connections, Mode},
    keys::Keys,
};

/// Links that one lease takes at most, whatever one call could.
const MOST: i64 = 500;

/// What writes to CRMs, for all connections of this process.
#[derive(Clone)]
pub struct Pusher {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    pub connections: Connections,
    pub judge: Arc<dyn Judge>,
    pub overrides: Arc<Overrides>,
    /// How long a lease of links lasts beyond the longest read and the longest write.
    pub margin: Duration,
}

/// How a push ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushEnd {
    /// Nothing more can be leased for now.
    Drained,
    /// The connection cannot be written to before then, and why.
    Paused(Time, String),
}

/// Why a batch ended early.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Stopped {
    #[error(transparent)]
    Store(#[from] mittler_store::Error),
    #[error(transparent)]
    Crm(#[from] CrmError),
}

impl Pusher {
    /// Works until nothing of the connection can be leased: up to its concurrency of disjoint
    /// batches at once, and straight on to what they made due.
    pub async fn push(&self, connection: &Arc<Connection>) -> Result<PushEnd> {
        if connection.mode == Mode::Off {
            return Ok(PushEnd::Paused(self.clock.now().plus(Duration::from_mins(1)), "mode_off".into()));
        }
        let mut running = FuturesUnordered::new();
        let mut failed = None;
        loop {
            let now = self.clock.now();
            if let Some((until, code)) = connection.paused(now) {
                failed = Some((until, code));
            }
            while failed.is_none() && running.len() < connection.concurrency {
                let leased = self.lease(connection).await?;
                if leased.is_empty() {
                    break;
                }
                running.push(self.one(connection, leased));
            }
            match running.next().await {
                Some(Ok(())) => {}
                Some(Err(Stopped::Store(error))) => return Err(error),
                Some(Err(Stopped::Crm(error))) => failed = Some(self.pause(connection, &error).await?),
                None => break,
            }
        }
        Ok(failed.map_or(PushEnd::Drained, |(until, code)| PushEnd::Paused(until, code)))
    }

    fn lease_time(&self, connection: &Connection) -> Duration {
        connection.connector.profile().call_timeout * 2 + self.margin
    }

    async fn lease(&self, connection: &Connection) -> Result<Vec<Leased>> {
        let (id, now, lease) = (connection.id, self.clock.now(), self.lease_time(connection));
        // One call's worth of the type that is next, so that a lease is for one call alone.
        let batches: BTreeMap<String, i64> = connection
            .connector
            .profile()
            .kinds
            .iter()
            .map(|kind| (kind.remote_type.clone(), i64::try_from(kind.batch).unwrap_or(1)))
            .collect();
        self.store
            .write(async move |tx| {
                let Some((stage, remote_type)) = tx.leasable(id, now).await? else { return Ok(Vec::new()) };
                let most = batches.get(&remote_type).copied().unwrap_or(1).clamp(1, MOST);
                tx.lease_of(id, stage, &remote_type, now, lease, most).await
            })
            .await
    }

    async fn one(&self, connection: &Arc<Connection>, leased: Vec<Leased>) -> std::result::Result<(), Stopped> {
        // Reads come first and take their time; the deadline is for the beginning of the write.
        let deadline = self.clock.now().plus(self.lease_time(connection));
        Batch { pusher: self, connection, deadline }.run(leased).await
    }

    /// A CRM that does not work waits at its connection, not on a hundred thousand links.
    pub(crate) async fn pause(&self, connection: &Connection, error: &CrmError) -> Result<(Time, String)> {
        let now = self.clock.now();
        let jitter = Duration::from_millis(fastrand::u64(0..500));
        let (state, wait) = match error {
            CrmError::Limited { retry_after, .. } => ("waiting", retry_after.unwrap_or(Duration::from_secs(10))),
            CrmError::Unavailable { retry_after, .. } => ("waiting", retry_after.unwrap_or(Duration::from_millis(800))),
            CrmError::Reauthorise { .. } => ("reauthorise", Duration::from_mins(1)),
            CrmError::Configuration { .. } | CrmError::Protocol { .. } => ("misconfigured", Duration::from_mins(1)),
            // The links themselves say when to look; the next batches may go on.
            CrmError::Unknown { .. } | CrmError::BatchRefused { .. } => ("ready", Duration::ZERO),
        };
        let until = now.plus(wait + jitter);
        let code = error.code().to_owned();
        if wait > Duration::ZERO {
            connection.pause(until, &code);
        }
        if state == "reauthorise" || state == "misconfigured" {
            warn!(connection.id = %connection.id, state, code, "the CRM refuses to work with this connection");
            let (id, state_code, reason) = (connection.id, code.clone(), reason(error));
            let state = state.to_owned();
            self.store
                .write(async move |tx| {
                    tx.set_connection_state(id, &state, Some(&state_code), reason.as_deref(), until).await
                })
                .await?;
        } else {
            debug!(connection.id = %connection.id, code, "the CRM does not answer as hoped");
        }
        Ok((until, code))
    }

    pub(crate) fn id(&self) -> Uuid {
        self.clock.id()
    }
}

fn reason(error: &CrmError) -> Option<String> {
    match error {
        CrmError::Configuration { message, .. } => Some(message.clone()),
        CrmError::Reauthorise { .. } => Some("the CRM rejected the credentials; connect again".into()),
        _ => None,
    }
}
