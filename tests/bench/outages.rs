//! `bench outages`: how long work stands still when the broker breaks, and when messages carry it again.
//!
//! The queue's own roles, a relay and workers of four hands, run here against a real broker and a real PostgreSQL while
//! jobs keep coming. Times count from the end of the fault.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use async_trait::async_trait;
use mittler_core::{
    SignalId,
    job::{Lane, Task},
};
use mittler_queue::{Carrier, End, Handler, RabbitConfig, Settings, Stats, Wake};
use mittler_store::{
    Clock, Store,
    jobs::{ClaimedJob, NewJob},
};
use serde_json::{Map, Value, json};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{kills, services::Services};

/// Jobs that are put in at once, and how often.
const WAVE: usize = 10;
const EVERY: Duration = Duration::from_millis(100);
/// How long a broker stays away that was killed.
const AWAY: Duration = Duration::from_secs(5);
/// How often it is looked whether work goes on.
const LOOK: Duration = Duration::from_millis(10);
/// Longer than any recovery should take.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How often each fault is made.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[arg(long, default_value_t = 10)]
    limit_minutes: u64,
    /// PostgreSQL and RabbitMQ that are running already: the script and its folder, with a space between.
    #[arg(long, env = "MITTLER_TEST_SERVICES")]
    services: Option<String>,
}

/// What breaks.
#[derive(Debug, Clone, Copy)]
enum Fault {
    ConnectionsClosed,
    QueueDeleted,
    BrokerKilled,
    PublishersBlocked,
}

impl Fault {
    const ALL: [Fault; 4] =
        [Fault::ConnectionsClosed, Fault::QueueDeleted, Fault::BrokerKilled, Fault::PublishersBlocked];

    fn name(self) -> &'static str {
        match self {
            Fault::ConnectionsClosed => "connections_closed_by_the_broker",
            Fault::QueueDeleted => "queue_deleted",
            Fault::BrokerKilled => "broker_killed_and_started",
            Fault::PublishersBlocked => "publishers_blocked_by_an_alarm",
        }
    }

    /// Returns when the fault is over.
    async fn make(self, services: &Services, vhost: &str, queue: &str) -> anyhow::Result<()> {
        match self {
            Fault::ConnectionsClosed => services.ctl(&["close_all_connections", "--vhost", vhost, "bench"]).await,
            Fault::QueueDeleted => services.ctl(&["delete_queue", "--vhost", vhost, queue]).await,
            Fault::BrokerKilled => {
                services.run("kill-broker").await?;
                tokio::time::sleep(AWAY).await;
                services.run("start-broker").await
            }
            Fault::PublishersBlocked => {
                services.ctl(&["set_vm_memory_high_watermark", "0.00000001"]).await?;
                tokio::time::sleep(AWAY).await;
                services.ctl(&["set_vm_memory_high_watermark", "absolute", "512MB"]).await
            }
        }
    }
}

/// Work that takes a moment.
struct Moment;

#[async_trait]
impl Handler for Moment {
    async fn run(&self, _: &ClaimedJob) -> End {
        tokio::time::sleep(Duration::from_millis(2)).await;
        End::Done
    }
}

pub async fn run(args: Args) -> anyhow::Result<bool> {
    let limit = Duration::from_secs(args.limit_minutes * 60);
    let folder = kills::run_folder()?;
    let within = tokio::time::timeout(limit, outages(&args, folder.path())).await;
    within.unwrap_or_else(|_| bail!("not over within {} minutes", args.limit_minutes))
}

async fn outages(args: &Args, folder: &std::path::Path) -> anyhow::Result<bool> {
    let services = Services::obtain(args.services.as_deref(), folder).await?;
    let store = Store::open(&services.database().await?).await?;
    let (clock, wake, stats, stop) = (Clock::default(), Wake::new(), Stats::default(), CancellationToken::new());
    let url = services.broker().await?;
    let vhost = url.rsplit_once('/').map(|(_, vhost)| vhost.to_owned()).context("a URL without a virtual host")?;
    let config = RabbitConfig::new(url.into());
    let settings = Settings { resend: Duration::from_secs(5), ..Settings::default() };
    let mut roles = JoinSet::new();
    roles.spawn(mittler_queue::relay(
        store.clone(),
        clock.clone(),
        config.clone(),
        wake.clone(),
        settings.clone(),
        stop.clone(),
        stats.clone(),
    ));
    roles.spawn(mittler_queue::work(
        store.clone(),
        clock.clone(),
        Carrier::Rabbit(config.clone()),
        wake.clone(),
        Arc::new(Moment),
        settings,
        stop.clone(),
        stats.clone(),
    ));
    let source = tokio::spawn(feed(store.clone(), clock.clone(), wake.clone(), stop.clone()));
    until("messages carry the first jobs", || stats.snapshot().acked > 50).await?;

    let mut report = Map::new();
    for fault in Fault::ALL {
        let (mut runs, mut carried) = (Vec::new(), Vec::new());
        for _ in 0..args.rounds {
            fault.make(&services, &vhost, &config.queue).await?;
            let (ended, before) = (Instant::now(), stats.snapshot());
            until("jobs run again", || stats.snapshot().settled > before.settled + 5).await?;
            runs.push(ended.elapsed());
            // An ack alone may be the last of what was in hand; a heartbeat of its own would do as well.
            until("messages carry jobs again", || stats.snapshot().acked > before.acked + 20).await?;
            carried.push(ended.elapsed());
            until("both roles are connected", || stats.snapshot().connected).await?;
        }
        report.insert(
            fault.name().into(),
            json!({"jobs_run_again_seconds": seconds(&runs), "messages_carry_again_seconds": seconds(&carried)}),
        );
    }
    stop.cancel();
    let put = source.await.context("the source of jobs failed")??;
    while let Some(role) = roles.join_next().await {
        role.context("a role failed")??;
    }
    // What is left was not in hand when the roles stopped; none may be dead.
    let left = store.job_counts(clock.now()).await?;
    let open = left.ready + left.waiting + left.held;
    let settled = stats.snapshot().settled;
    let lost = i64::try_from(put)? - i64::try_from(settled)? - open;
    let all = json!({"jobs": put, "settled": settled, "left": open, "dead": left.dead, "lost": lost.max(0), "faults": report});
    println!("{}", serde_json::to_string_pretty(&all)?);
    store.close().await;
    Ok(lost <= 0 && left.dead == 0)
}

/// Puts jobs in until `stop`; gives how many.
async fn feed(store: Store, clock: Clock, wake: Wake, stop: CancellationToken) -> anyhow::Result<usize> {
    let mut put = 0;
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        let now = clock.now();
        let task = || Task::Enrich { signals: vec![SignalId(clock.id())] };
        let jobs: Vec<NewJob> =
            (0..WAVE).map(|_| NewJob::new(clock.id(), task(), Lane::Interactive, now, now)).collect();
        store.write(async move |tx| tx.put_jobs(&jobs).await).await?;
        wake.ring();
        put += WAVE;
    }
    Ok(put)
}

async fn until(what: &str, holds: impl Fn() -> bool) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() > PATIENCE {
            bail!("not within {} s: {what}", PATIENCE.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Least, middle and most, in seconds.
fn seconds(times: &[Duration]) -> Value {
    let mut times = times.to_vec();
    times.sort();
    let at = |index: usize| times.get(index).map(|time| (time.as_secs_f64() * 100.0).round() / 100.0);
    json!({"least": at(0), "middle": at(times.len() / 2), "most": at(times.len().saturating_sub(1))})
}
