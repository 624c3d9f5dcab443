//! In-memory Salesforce and HubSpot that speak the vendors' wire protocols.
//!
//! Both vendors listen on one loopback port and are told apart by path, so that one base URL is enough for a demo, a
//! mapping trial or a test. They keep records, enforce what the real systems enforce, and break on request.
//!
//! **Invariant:** nothing here reads the wall clock except [`Clock`], and all randomness comes from [`Config::seed`].
//! **Invariant:** nothing here calls an address that is not loopback.

pub mod clock;
pub mod faults;
pub mod hubspot;
pub mod journal;
pub mod salesforce;
mod shell;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use clock::Clock;
pub use faults::{Calls, Fault, FaultKind, Faults, Vendor};
pub use journal::Journal;
pub use shell::outbound::{Target, client as outbound_client};

/// How the sandbox behaves. Every vendor fact that is not certain is a field of the vendor's own configuration.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    pub salesforce: salesforce::Config,
    pub hubspot: hubspot::Config,
    /// Seed of all randomness: fault draws, ids, tokens.
    pub seed: u64,
    /// Added to every vendor call.
    pub latency_ms: u64,
    /// Keep a journal of all writes, for `GET /_sandbox/journal`.
    pub journal: bool,
}

/// What a client needs to talk to the sandbox. All values are fixed and only mean something here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    pub salesforce: SalesforceAccess,
    pub hubspot: HubspotAccess,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesforceAccess {
    pub base_url: String,
    pub client_id: String,
    pub client_secret: String,
    pub access_token: String,
    pub organization_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubspotAccess {
    pub base_url: String,
    pub access_token: String,
    pub client_id: String,
    pub client_secret: String,
    pub refresh_token: String,
    pub portal_id: u64,
    pub app_id: u64,
}

/// A running sandbox of both vendors on one loopback listener.
pub struct Sandbox {
    addr: SocketAddr,
    core: shell::Core,
    stop: DropGuard,
    server: tokio::task::JoinHandle<()>,
}

impl Sandbox {
    /// Binds `listen` (port 0 picks one) and serves until [`Sandbox::stop`] or drop.
    pub async fn start(listen: SocketAddr, config: Config) -> std::io::Result<Sandbox> {
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        let core = shell::Core::new(&config, &format!("http://{addr}"));
        let stop = CancellationToken::new();
        let server = tokio::spawn(shell::serve(listener, core.clone(), stop.clone()));
        Ok(Sandbox { addr, core, stop: stop.drop_guard(), server })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn access(&self) -> Access {
        self.core.access()
    }

    pub fn salesforce(&self) -> &salesforce::Salesforce {
        &self.core.salesforce
    }

    pub fn hubspot(&self) -> &hubspot::Hubspot {
        &self.core.hubspot
    }

    /// Empty unless [`Config::journal`] asks for it.
    pub fn journal(&self) -> &Journal {
        &self.core.journal
    }

    pub fn clock(&self) -> &Clock {
        &self.core.clock
    }

    pub fn faults(&self) -> &Faults {
        &self.core.faults
    }

    pub fn calls(&self) -> &Calls {
        &self.core.calls
    }

    /// Ends the server and its open connections.
    pub async fn stop(self) {
        drop(self.stop);
        // A server that panicked has ended too; that is all a caller of `stop` wants to know.
        let _ = self.server.await;
    }
}
