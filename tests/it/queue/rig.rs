//! Workers, a relay where one is needed, and a handler that a story writes.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use mittler_core::JobId;
use mittler_queue::{Carrier, End, Handler, RabbitConfig, Settings, Stats, Wake, relay, work};
use mittler_store::{
    Clock, Store,
    jobs::{ClaimedJob, JobLine},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{eventually, setting};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    Embedded,
    Rabbit,
}

pub struct Rig {
    pub store: Store,
    pub clock: Clock,
    pub wake: Wake,
    pub settings: Settings,
    pub config: RabbitConfig,
    pub stop: CancellationToken,
    pub stats: Stats,
    carried: Carried,
    relaying: bool,
    seen: Arc<Seen>,
    tasks: Vec<JoinHandle<anyhow::Result<()>>>,
}

/// A worker to be killed.
pub struct Worker(usize);

#[derive(Default)]
struct Seen {
    runs: Mutex<HashMap<JobId, usize>>,
    running: AtomicUsize,
}

type Story = Box<dyn Fn(ClaimedJob) -> BoxFuture<'static, End> + Send + Sync>;

struct Script {
    seen: Arc<Seen>,
    story: Story,
}

struct Running(Arc<Seen>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

#[async_trait]
impl Handler for Script {
    async fn run(&self, job: &ClaimedJob) -> End {
        *self.seen.runs.lock().unwrap().entry(job.id).or_default() += 1;
        self.seen.running.fetch_add(1, SeqCst);
        let _running = Running(self.seen.clone());
        (self.story)(job.clone()).await
    }
}

impl Rig {
    pub fn new(store: &Store, carried: Carried) -> Rig {
        let url = match carried {
            Carried::Embedded => String::new(),
            Carried::Rabbit => setting("MITTLER_TEST_RABBITMQ_URL"),
        };
        let queue = format!("story.{}", uuid::Uuid::new_v4().simple());
        Rig {
            store: store.clone(),
            clock: Clock::default(),
            wake: Wake::new(),
            settings: super::settings(),
            config: RabbitConfig { url: url.into(), queue, prefetch: 32 },
            stop: CancellationToken::new(),
            stats: Stats::default(),
            carried,
            relaying: false,
            seen: Arc::default(),
            tasks: Vec::new(),
        }
    }

    pub fn on_rabbit(&self) -> bool {
        self.carried == Carried::Rabbit
    }

    /// One more worker process, and the relay if it is the first of them.
    pub fn work<R: Future<Output = End> + Send + 'static>(
        &mut self,
        story: impl Fn(ClaimedJob) -> R + Send + Sync + 'static,
    ) -> Worker {
        let story: Story = Box::new(move |job| Box::pin(story(job)));
        let handler = Arc::new(Script { seen: self.seen.clone(), story });
        let carrier = match self.carried {
            Carried::Embedded => Carrier::Embedded,
            Carried::Rabbit => Carrier::Rabbit(self.config.clone()),
        };
        if self.carried == Carried::Rabbit {
            self.relay();
        }
        self.tasks.push(tokio::spawn(work(
            self.store.clone(),
            self.clock.clone(),
            carrier,
            self.wake.clone(),
            handler,
            self.settings.clone(),
            self.stop.clone(),
            self.stats.clone(),
        )));
        Worker(self.tasks.len() - 1)
    }

    pub fn relay(&mut self) {
        if !std::mem::replace(&mut self.relaying, true) {
            self.tasks.push(tokio::spawn(relay(
                self.store.clone(),
                self.clock.clone(),
                self.config.clone(),
                self.wake.clone(),
                self.settings.clone(),
                self.stop.clone(),
                self.stats.clone(),
            )));
        }
    }

    /// Ends a worker as a crash would: at whatever await it stands.
    pub async fn kill(&mut self, worker: Worker) {
        self.tasks[worker.0].abort();
        let worker = std::mem::replace(&mut self.tasks[worker.0], tokio::spawn(async { Ok(()) }));
        assert!(worker.await.unwrap_err().is_cancelled());
    }

    pub async fn stop(&mut self) {
        self.stop.cancel();
        for task in self.tasks.drain(..) {
            task.await.unwrap().unwrap();
        }
        if self.carried == Carried::Rabbit {
            mittler_queue::remove(&self.config).await.unwrap();
        }
    }

    /// Jobs that are due now.
    pub async fn put(&self, count: usize) -> Vec<JobId> {
        let ids = super::put_jobs(&self.store, &self.clock, count).await;
        self.wake.ring();
        ids
    }

    pub async fn until(&self, what: &str, mut holds: impl AsyncFnMut(&Rig) -> bool) -> std::time::Duration {
        let begun = tokio::time::Instant::now();
        while !holds(self).await {
            assert!(begun.elapsed().as_secs() < 60, "not within 60 s: {what}; {:?}", self.stats.snapshot());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        begun.elapsed()
    }

    pub async fn all_ended(&self) {
        let clock = self.clock.clone();
        eventually("all jobs have ended", 60, async || {
            let counts = self.store.job_counts(clock.now()).await.unwrap();
            counts.ready + counts.waiting + counts.held + counts.dead == 0
        })
        .await;
    }

    pub async fn line(&self, job: JobId) -> JobLine {
        let lines = self.store.job_lines(None, 10_000).await.unwrap();
        lines.into_iter().find(|line| line.id == job.0).expect("the job is still there")
    }

    pub async fn held(&self) -> i64 {
        self.store.job_counts(self.clock.now()).await.unwrap().held
    }

    pub fn runs(&self, job: JobId) -> usize {
        self.seen.runs.lock().unwrap().get(&job).copied().unwrap_or(0)
    }

    /// Handlers that are running at this moment.
    pub fn running(&self) -> usize {
        self.seen.running.load(SeqCst)
    }
}
