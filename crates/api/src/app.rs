//! What the handlers share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use mittler_core::Time;
use mittler_ingest::Ingest;
use mittler_store::{Clock, Store, access::ApiKey};
use mittler_sync::{Questions, Rights, hooks::HookReceiver};
use url::Url;

use crate::{access::refusals::Refusals, incoming::InFlight, metrics::MetricFamily, ops::Slow};

/// How what this process serves is set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address by which others reach us; vendors sign it.
    pub public_url: Url,
    /// Whether only this machine can reach us: a loopback address, and no proxy before it that lets
    /// others in. Otherwise metrics need a key, too.
    pub loopback: bool,
    /// Bytes that a body may have.
    pub body_limit: usize,
    /// Bytes that an uploaded list or mailbox may have.
    pub import_limit: usize,
    /// Bytes of bodies, unpacked, that may be in memory at a time, of all requests.
    pub in_flight_limit: usize,
    /// How long a body may pause, and how long all of it may take.
    pub body_idle: Duration,
    pub body_whole: Duration,
    /// Whether to answer only calls that name this machine or the host of `public_url`: at a loopback
    /// address a page of another site could otherwise call through a name of its own (DNS rebinding).
    pub own_hosts_only: bool,
    /// IANA name of the zone in which people read times and in which "today" begins.
    pub time_zone: String,
}

impl Settings {
    pub fn new(public_url: Url) -> Settings {
        Settings {
            public_url,
            loopback: true,
            body_limit: 10 * 1024 * 1024,
            import_limit: 100 * 1024 * 1024,
            in_flight_limit: 256 * 1024 * 1024,
            body_idle: Duration::from_secs(30),
            body_whole: Duration::from_mins(10),
            own_hosts_only: true,
            time_zone: "Europe/Berlin".to_owned(),
        }
    }
}

/// Whether the broker can be reached. A broker that is down keeps no input out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broker {
    /// The queue is embedded in the database.
    None,
    Up,
    Down,
}

/// Everything that the handlers need. Clones share it.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub ingest: Ingest,
    pub clock: Clock,
    pub settings: Arc<Settings>,
    pub hooks: Arc<dyn HookReceiver>,
    /// Shows, forgets and restricts people who ask for it.
    pub rights: Rights,
    /// Shows questions and takes answers.
    pub questions: Questions,
    pub broker: Arc<dyn Fn() -> Broker + Send + Sync>,
    /// What the other parts of the process count.
    pub families: Arc<dyn Fn() -> Vec<MetricFamily> + Send + Sync>,
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) api_keys: Arc<Mutex<HashMap<String, (ApiKey, Time)>>>,
    /// What reads whole tables, and when it was counted.
    pub(crate) slow_counts: Arc<tokio::sync::Mutex<Option<(Time, Slow)>>>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl App {
    pub fn new(rights: Rights, ingest: Ingest, settings: Settings, hooks: Arc<dyn HookReceiver>) -> App {
        let (store, clock) = (rights.store.clone(), rights.clock.clone());
        App {
            questions: Questions::new(store.clone(), clock.clone()),
            rights,
            store,
            ingest,
            clock,
            settings: Arc::new(settings),
            hooks,
            broker: Arc::new(|| Broker::None),
            families: Arc::new(Vec::new),
            in_flight: Arc::default(),
            refusals: Arc::default(),
            api_keys: Arc::default(),
            slow_counts: Arc::default(),
        }
    }

    /// Tells health and metrics how the broker is.
    #[must_use]
    pub fn with_broker(mut self, broker: impl Fn() -> Broker + Send + Sync + 'static) -> App {
        self.broker = Arc::new(broker);
        self
    }

    /// Lets questions look into CRMs, and answers forget people.
    #[must_use]
    pub fn with_questions(mut self, questions: Questions) -> App {
        self.questions = questions;
        self
    }

    /// Shows in the metrics what the other parts of the process count.
    #[must_use]
    pub fn with_families(mut self, families: impl Fn() -> Vec<MetricFamily> + Send + Sync + 'static) -> App {
        self.families = Arc::new(families);
        self
    }
}
