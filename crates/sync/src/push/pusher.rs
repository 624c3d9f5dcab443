//! What writes to CRMs, for all connections of a process.

use std::{sync::Arc, time::Duration};

use mittler_connector::Error as CrmError;
use mittler_core::derive::Overrides;
use mittler_store::{Clock, Store};
use uuid::Uuid;

use crate::{
    connections::{Connection, Connections},
    guard::Guards,
    keys::Keys,
};

/// What writes to CRMs, for all connections of this process.
#[derive(Clone)]
pub struct Pusher {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    pub connections: Connections,
    /// Where numbers are dialled of records that name no country, ISO 3166 alpha-2.
    pub country: Arc<str>,
    pub overrides: Arc<Overrides>,
    /// Who gets what is made for an owner that the CRM does not have.
    pub otherwise: Option<Arc<str>>,
    /// This process, among those that share the database.
    pub process: Uuid,
    /// How long a lease of links lasts beyond the longest read and the longest write.
    pub margin: Duration,
    /// How much may change before a person is asked.
    pub guards: Guards,
}

/// Why a batch ended early.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Stopped {
    #[error(transparent)]
    Store(#[from] mittler_store::Error),
    #[error(transparent)]
    Crm(#[from] CrmError),
}

pub type Run<T> = std::result::Result<T, Stopped>;

impl Pusher {
    /// How long a lease of links of this connection lasts.
    pub(crate) fn lease_time(&self, connection: &Connection) -> Duration {
        connection.connector.profile().call_timeout * 2 + self.margin
    }

    pub(crate) fn id(&self) -> Uuid {
        self.clock.id()
    }
}
