//! The service: everything that a process of Mittler holds, and its roles.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use mittler_api::{App, Broker};
use mittler_core::derive::Overrides;
use mittler_ingest::Ingest;
use mittler_queue::{Carrier, RabbitConfig, Settings, Stats, Wake};
use mittler_store::{Clock, Gatherer, Store, hints::Hint};
use mittler_sync::{
    Connections, Keys, Mode, Pusher, Questions, Rights,
    hooks::{Counts, Hooks},
};
use mittler_worker::{Worker, clocks, schedule};
use secrecy::SecretString;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    config::{Config, Role},
    factory::{self, Rows},
    installation::{self, As},
    listener::Listener,
    measures::{self, CALLS},
};

/// The longest pause between two attempts to reach a database that is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a command needs that runs no role: it works beside the service that does.
pub struct CliContext {
    pub config: Config,
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
}

impl CliContext {
    pub async fn open(config: Config) -> Result<CliContext> {
        let (keys, store) = installation::open(&config, As::Beside).await?;
        Ok(CliContext { config, store, clock: Clock::default(), keys })
    }

    /// The way in; who reads what came in is another process.
    pub fn ingest(&self) -> Ingest {
        let gatherer = Gatherer::start(self.store.clone(), self.clock.clone(), || ());
        Ingest::new(self.store.clone(), gatherer, self.clock.clone(), *self.keys.dedup(), || ())
            .with_own_domains(self.config.server.own_domains.clone())
    }

    /// What people may ask for who are in the database.
    pub fn rights(&self) -> Rights {
        Rights {
            store: self.store.clone(),
            clock: self.clock.clone(),
            keys: self.keys.clone(),
            retention: self.config.retention.kept(),
            country: self.config.server.country.as_str().into(),
        }
    }

    /// The configured connections, to ask the CRMs.
    pub async fn connections(&self) -> Result<Connections> {
        let all = factory::connections(&self.config, &self.store, &self.clock, &self.keys, Rows::Kept).await?;
        Ok(Connections::new(all))
    }
}

/// All parts of one process.
pub struct Service {
    pub config: Config,
    pub store: Store,
    pub clock: Clock,
    pub connections: Connections,
    pub worker: Worker,
    pub ingest: Ingest,
    pub wake: Wake,
    pub stats: Stats,
}

impl Service {
    /// Opens the database and makes everything; starts nothing.
    pub async fn open(config: Config) -> Result<Service> {
        let (keys, store) = installation::open(&config, As::Roles).await?;
        Service::on(CliContext { config, store, clock: Clock::default(), keys }).await
    }

    /// The same, but `None` if another process runs the roles of this database and allows no second.
    pub async fn open_if_free(config: Config) -> Result<Option<Service>> {
        let Some((keys, store)) = installation::open_if_free(&config).await? else { return Ok(None) };
        Service::on(CliContext { config, store, clock: Clock::default(), keys }).await.map(Some)
    }

    /// Waits for a database that does not answer; whatever somebody must act on is an error. `None`
    /// if it is to stop before.
    pub async fn open_when_it_answers(
        config: &Config,
        listener: Option<&Listener>,
        stop: &CancellationToken,
    ) -> Result<Option<Service>> {
        let mut wait = Duration::from_millis(250);
        let (mut said, mut tries) = (String::new(), 0_u32);
        loop {
            let Some(opened) = stop.run_until_cancelled(Service::open(config.clone())).await else { return Ok(None) };
            match opened {
                Err(error) if is_passing(&error) => {
                    let why = why(&error);
                    if let Some(listener) = listener {
                        listener.waits_for(&why);
                    }
                    // Once in words, then every few minutes with how often it was tried.
                    if why != said || tries.is_multiple_of(60) {
                        warn!(error = why, tries, "waiting for the database");
                        said = why;
                    }
                    tries += 1;
                }
                settled => return settled.map(Some),
            }
            if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return Ok(None);
            }
            wait = (wait * 2).min(PATIENCE);
        }
    }

    async fn on(cli: CliContext) -> Result<Service> {
        let CliContext { config, store, clock, keys } = cli;
        let connections = factory::connections(&config, &store, &clock, &keys, Rows::Renewed).await?;
        let connections = Connections::new(connections);
        CALLS.remember(&store, &connections, clock.now()).await?;
        let overrides: Overrides =
            connections.all().iter().flat_map(|connection| connection.mapping.overrides()).collect();
        let overrides = Arc::new(overrides);
        let wake = Wake::new();
        let pusher = Pusher {
            store: store.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
            connections: connections.clone(),
            country: config.server.country.as_str().into(),
            overrides: Arc::clone(&overrides),
            otherwise: config.routing.otherwise.as_deref().map(Into::into),
            process: clock.id(),
            margin: Duration::from_secs(2),
            guards: config.guards,
        };
        let worker = Worker {
            store: store.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
            connections: connections.clone(),
            overrides,
            routing: Arc::new(config.routing.clone()),
            follow_up: Arc::new(config.follow_up.clone()),
            unsure: config.identity.unsure,
            own_domains: config.server.own_domains.clone().into(),
            pusher,
            retention: config.retention.kept(),
            wake: wake.clone(),
            lists: Arc::default(),
        };
        let ring = {
            let wake = wake.clone();
            move || wake.ring()
        };
        let gatherer = Gatherer::start(store.clone(), clock.clone(), ring.clone());
        let ingest = Ingest::new(store.clone(), gatherer, clock.clone(), *keys.dedup(), ring)
            .with_own_domains(config.server.own_domains.clone());
        Ok(Service { config, store, clock, connections, worker, ingest, wake, stats: Stats::default() })
    }

    fn rabbit(&self) -> Option<RabbitConfig> {
        let url = self.config.server.broker.as_ref()?;
        let mut rabbit = RabbitConfig::new(SecretString::from(url.clone()));
        rabbit.queue.clone_from(&self.config.server.queue);
        Some(rabbit)
    }

    fn settings(&self) -> Settings {
        Settings {
            workers: self.config.worker.workers.max(1),
            lease: Duration::from_secs(self.config.worker.job_lease_seconds.max(1)),
            resend: Duration::from_secs(self.config.worker.resend_seconds.max(1)),
            ..Settings::default()
        }
    }

    pub fn app(&self, listen: SocketAddr) -> Result<App> {
        let public = self.config.server.public_url.clone().unwrap_or_else(|| format!("http://{listen}"));
        let mut settings = mittler_api::Settings::new(public.parse().context("public_url is no address")?);
        // A proxy on this machine reaches the loopback address for the whole world.
        settings.loopback = listen.ip().is_loopback() && self.config.server.public_url.is_none();
        settings.own_hosts_only = listen.ip().is_loopback();
        settings.time_zone.clone_from(&self.config.server.time_zone);
        let wake = self.wake.clone();
        let counts = Counts::default();
        let families = measures::families(&self.store, &self.stats, &counts, &self.connections);
        let hooks = Hooks {
            store: self.store.clone(),
            clock: self.clock.clone(),
            connections: self.connections.clone(),
            accepted: Arc::new(move || wake.ring()),
            counts,
        };
        let (stats, embedded) = (self.stats.clone(), self.config.server.broker.is_none());
        let broker = move || match (embedded, stats.snapshot().connected) {
            (true, _) => Broker::None,
            (false, true) => Broker::Up,
            (false, false) => Broker::Down,
        };
        let rights = Rights {
            store: self.store.clone(),
            clock: self.clock.clone(),
            keys: self.worker.keys.clone(),
            retention: self.config.retention.kept(),
            country: Arc::clone(&self.worker.pusher.country),
        };
        Ok(App::new(rights, self.ingest.clone(), settings, Arc::new(hooks))
            .with_broker(broker)
            .with_questions(Questions::of(&self.worker.pusher))
            .with_families(families))
    }

    /// Starts roles; they end with `stop`. A role that ends early is an error. Through `front` the
    /// role `api` serves everything, and a process without it health and metrics.
    pub fn start(&self, roles: &[Role], listener: Option<Listener>, stop: &CancellationToken) -> Result<Running> {
        let mut running = JoinSet::new();
        let has = |role| roles.contains(&role);
        if let Some(listener) = listener {
            let app = self.app(listener.addr)?;
            listener.open(if has(Role::Api) { mittler_api::router(app) } else { mittler_api::health(app) });
            running.spawn(listener.finish());
        }
        if has(Role::Worker) {
            for connection in self.connections.all() {
                if matches!(connection.mode, Mode::DryRun | Mode::Off) {
                    warn!("connection {} writes nothing: mode {}", connection.name, connection.mode.name());
                }
            }
        }
        let carrier = self.rabbit().map_or(Carrier::Embedded, Carrier::Rabbit);
        if has(Role::Worker) {
            let work = mittler_queue::work(
                self.store.clone(),
                self.clock.clone(),
                carrier.clone(),
                self.wake.clone(),
                Arc::new(self.worker.clone()),
                self.settings(),
                stop.clone(),
                self.stats.clone(),
            );
            running.spawn(async move { work.await.context("the worker ended") });
            beside(&mut running, self.worker.pusher.clone().run(stop.clone()));
        }
        // Who passes jobs on hears of new ones, and who only makes them tells. Who pushes hears of what others
        // made due, and tells of what it made due itself: another process may push.
        let passes_on = if self.config.server.broker.is_some() { has(Role::Relay) } else { has(Role::Worker) };
        if !self.store.is_sqlite() && !passes_on {
            let (store, wake, halt) = (self.store.clone(), self.wake.clone(), stop.clone());
            beside(&mut running, mittler_queue::hint::tell(store, wake, halt));
        }
        if !self.store.is_sqlite() {
            beside(&mut running, mittler_queue::hint::tell_due(self.store.clone(), stop.clone()));
        }
        if !self.store.is_sqlite() && (passes_on || has(Role::Worker)) {
            let (store, wake, halt) = (self.store.clone(), self.wake.clone(), stop.clone());
            let due = self.store.clone();
            let heard = move |hint| match hint {
                Hint::Jobs => wake.ring_here(),
                Hint::Due { by, connections } => due.heard_of_due(by, &connections),
            };
            beside(&mut running, mittler_queue::hint::hear(store, heard, halt));
        }
        if let (true, Carrier::Rabbit(rabbit)) = (has(Role::Relay), carrier) {
            let relay = mittler_queue::relay(
                self.store.clone(),
                self.clock.clone(),
                rabbit,
                self.wake.clone(),
                self.settings(),
                stop.clone(),
                self.stats.clone(),
            );
            running.spawn(async move { relay.await.context("the relay ended") });
        }
        // Every process has a clock of its own that may jump.
        let watch = clocks::watch(self.store.clone(), self.clock.clone(), self.wake.clone(), stop.clone());
        beside(&mut running, watch);
        if has(Role::Scheduler) {
            let intervals = schedule::Intervals {
                pull: Duration::from_secs(60 * self.config.schedule.pull_minutes),
                ..schedule::Intervals::default()
            };
            let run = schedule::run(
                self.store.clone(),
                self.clock.clone(),
                self.connections.clone(),
                intervals,
                self.wake.clone(),
                stop.clone(),
            );
            beside(&mut running, run);
        }
        info!(roles = ?roles, database = self.store.name(), broker = self.config.server.broker.is_some(), "started");
        Ok(Running { roles: running, stop: stop.clone() })
    }
}

/// Runs what ends with the process alone, and has no faults to tell.
fn beside(running: &mut JoinSet<Result<()>>, work: impl Future<Output = ()> + Send + 'static) {
    running.spawn(async move {
        work.await;
        Ok(())
    });
}

/// Why the database could not be opened; a fault of this machine with what to do about it.
pub fn why(error: &anyhow::Error) -> String {
    let fault = error.chain().find_map(|cause| cause.downcast_ref::<mittler_store::Error>()?.fault());
    fault.map_or_else(|| format!("{error:#}"), |fault| format!("{error:#}; {}", fault.words()))
}

/// Whether the same will succeed later without anybody acting: the database is away. One that
/// refuses the password, or does not exist, is there.
pub fn is_passing(error: &anyhow::Error) -> bool {
    let error = error.chain().find_map(|cause| cause.downcast_ref::<mittler_store::Error>());
    error.is_some_and(|error| {
        let answer = error.cause().unwrap_or_default();
        error.is_passing() && !answer.starts_with("28") && !answer.starts_with("3D")
    })
}

/// Roles at work.
pub struct Running {
    roles: JoinSet<Result<()>>,
    stop: CancellationToken,
}

impl Running {
    /// Waits for `stop`, or for a role that ends early; then for all to end.
    pub async fn finish(mut self) -> Result<()> {
        let early = tokio::select! {
            () = self.stop.cancelled() => None,
            ended = self.roles.join_next() => ended,
        };
        let asked = self.stop.is_cancelled();
        self.stop.cancel();
        let mut result = match early {
            Some(Ok(Ok(()))) if asked => Ok(()),
            Some(Ok(Ok(()))) => Err(anyhow::anyhow!("a role ended without being asked to")),
            Some(Ok(Err(error))) => Err(error),
            Some(Err(error)) => Err(anyhow::anyhow!("a role broke: {error}")),
            None => Ok(()),
        };
        while let Some(ended) = self.roles.join_next().await {
            if let (Ok(()), Ok(Err(error))) = (&result, ended) {
                result = Err(error);
            }
        }
        result
    }
}

/// Cancels on Ctrl-C and on SIGTERM.
pub fn stop_on_signals() -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    let told = stop.clone();
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}
