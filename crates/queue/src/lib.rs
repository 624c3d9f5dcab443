//! Jobs over two carriers: the job table itself, or RabbitMQ.
//!
//! A job is a row before it is anything else (`mittler_store::jobs`). The embedded carrier takes
//! rows; with RabbitMQ a relay publishes the ids of ready rows and consumers take the row that a
//! message names; while the broker is away they take rows as the embedded carrier does. Either way the row is settled here: ended, put back for later, or counted as
//! failed and dead after [`MOST_FAILURES`].
//!
//! Jobs that call a CRM are taken from the table with either carrier, in slots of their connection: a message
//! whose job waits for a slow CRM would stand before those of others.
//!
//! **Invariant:** the broker only carries. A message is an id; one that is lost, repeated or late
//! changes nothing but the time, because the row stays until its work is done.
//!
//! **Invariant:** a job is settled only by the taking that ran it (`attempt` is the fence), and a
//! handler is dropped as soon as its lease is over.
//!
//! **Invariant:** no outage ends a role. What ends it is `stop`, or a set-up that a person has to
//! put right: an unreadable URL, or a queue that exists with other arguments.
//!
//! lapin logs a returned message at WARN with its body. Bodies hold ids only; even so telemetry
//! keeps the target `lapin` at ERROR.

mod backoff;
mod embedded;
pub mod hint;
mod rabbit;
mod run;
mod slots;
mod stats;
mod task_group;
mod wake;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use mittler_core::Time;
use mittler_store::{Clock, Store, jobs::ClaimedJob};
use tokio_util::sync::CancellationToken;

pub use backoff::Backoff;
pub use rabbit::{RabbitConfig, check, relay, remove};
pub use run::{MOST_FAILURES, MOST_LOST};
pub use stats::{Snapshot, Stats};
pub use wake::Wake;

/// What a handler made of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The handler ended the row in its own transaction.
    Ended,
    /// The row is to be deleted.
    Done,
    /// Not now. Waiting is no failure.
    Later { due: Time, code: String },
    /// Counts: tried again after 1 s, 2 s, 4 s … and dead after [`MOST_FAILURES`]. The code is a
    /// word of ours, never content.
    Failed { code: String },
}

/// Does jobs. May run twice for one job, so its effects are idempotent; dropped at an await when
/// its lease is lost.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    async fn run(&self, job: &ClaimedJob) -> End;
}

/// What brings jobs to their workers.
#[derive(Debug, Clone)]
pub enum Carrier {
    Embedded,
    Rabbit(RabbitConfig),
}

#[derive(Debug, Clone)]
pub struct Settings {
    /// Jobs that run at once, beside those that call CRMs.
    pub workers: usize,
    /// How long a taken job is ours without another word; renewed at a third of it.
    pub lease: Duration,
    /// How often the table is looked at when nothing rang.
    pub poll: Duration,
    /// After this time the relay sends again what nobody took.
    pub resend: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            workers: 4,
            lease: Duration::from_mins(1),
            poll: Duration::from_secs(1),
            resend: Duration::from_secs(30),
        }
    }
}

/// Runs jobs until `stop`; the jobs in hand are settled first. Those that take longer than 20 s
/// are aborted, and others take them when their leases have run out.
///
/// # Errors
/// If the carrier cannot work until a person acts, with the remedy.
#[expect(clippy::too_many_arguments, reason = "the parts of a process, each made by the server")]
pub async fn work(
    store: Store,
    clock: Clock,
    carrier: Carrier,
    wake: Wake,
    handler: Arc<dyn Handler>,
    settings: Settings,
    stop: CancellationToken,
    stats: Stats,
) -> anyhow::Result<()> {
    let runner = Arc::new(run::Runner { store, clock, handler, lease: settings.lease, stats });
    let over = stop.child_token();
    let shared = async {
        let ended = match carrier {
            Carrier::Embedded => {
                embedded::carry(&runner, &wake, &settings, &over).await.finish().await;
                Ok(())
            }
            Carrier::Rabbit(config) => rabbit::consume(&runner, config, &wake, &settings, &over).await,
        };
        over.cancel();
        ended
    };
    let of_connections =
        async { embedded::carry_for_connections(&runner, &wake, &settings, &over).await.finish().await };
    tokio::join!(shared, of_connections).0
}
