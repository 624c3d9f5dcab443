//! The relay: from the table to the broker.
//!
//! **Invariant:** a row is marked as sent before its message leaves, and the mark is taken back if
//! the broker did not confirm it as put into the queue. If that fails as well, the mark runs out.
//! Success is `Ack(None)` alone: an unroutable message is acked too, with the message in it.
//!
//! **Invariant:** at most about [`WINDOW`] messages wait in each queue; the rest waits as rows, in
//! order of lane. Otherwise each `resend` of a backlog would put all of it into the queue again.
//!
//! Jobs of the first lane have a queue of their own. Jobs that call CRMs are not sent: see the crate.
//!
//! A queue that confirms nothing is removed and declared anew: see [`super::mute`].

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use futures_util::future::join_all;
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use mittler_core::JobId;
use mittler_store::{
    Clock, Result as StoreResult, Store,
    jobs::{Slots, Wanted},
};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{FIRST, PATIENCE, RabbitConfig, Trouble, limited, link::Link, mute::Mute, topology};
use crate::{Settings, Stats, Wake, backoff::Backoff, stats::count, wake::WakeListener};

/// Rows of one transaction and messages of one round of confirms.
const BATCH: usize = 200;
const WINDOW: usize = 1_000;
/// How often the table is looked at while there is work, which another process may make.
const BUSY: Duration = Duration::from_millis(25);
const IDLE: Duration = Duration::from_millis(250);
/// How long the table counts as busy after the last job.
const BUSY_FOR: Duration = Duration::from_secs(5);
/// The relay role for RabbitMQ: publishes the ids of ready rows until `stop`.
///
/// # Errors
/// If the broker cannot be used until a person acts, with the remedy.
pub async fn relay(
    store: Store,
    clock: Clock,
    config: RabbitConfig,
    wake: Wake,
    settings: Settings,
    stop: CancellationToken,
    stats: Stats,
) -> anyhow::Result<()> {
    let mut relay = Relay { store, clock, config, settings, stats, wakes: wake.listen(), mute: Mute::default() };
    let mut backoff = Backoff::broker();
    loop {
        relay.stats.counters().relaying.down();
        let begun = Instant::now();
        let ended = relay.session(&stop).await;
        relay.stats.counters().relaying.down();
        match ended {
            Ok(()) => return Ok(()),
            Err(Trouble::Fatal(remedy)) => anyhow::bail!(remedy),
            Err(_) if stop.is_cancelled() => return Ok(()),
            Err(passing) => {
                let code = passing.to_string();
                tracing::warn!(code, "the relay lost the broker and connects again");
                count(&relay.stats.counters().reconnects);
                if begun.elapsed() > Duration::from_secs(30) {
                    backoff.reset();
                }
                backoff.pause(&stop).await;
            }
        }
    }
}

/// From rows to one queue.
struct Way {
    queue: String,
    urgent: bool,
    /// Messages that it takes before it is looked at again.
    room: usize,
}

struct Relay {
    store: Store,
    clock: Clock,
    config: RabbitConfig,
    settings: Settings,
    stats: Stats,
    wakes: WakeListener,
    mute: Mute,
}

impl Relay {
    async fn session(&mut self, stop: &CancellationToken) -> Result<(), Trouble> {
        let link = Link::open(&self.config, "mittler relay").await?;
        self.mute.remove_stuck(&link).await?;
        topology::declare(&link, &self.config.queue).await?;
        let channel = limited(link.connection().create_channel(), "opening a channel").await?;
        limited(channel.confirm_select(ConfirmSelectOptions::default()), "asking for confirms").await?;
        self.stats.counters().relaying.up();
        let mut database = Backoff::database();
        let mut ways = [
            Way { queue: topology::urgent(&self.config.queue), urgent: true, room: 0 },
            Way { queue: self.config.queue.clone(), urgent: false, room: 0 },
        ];
        let mut last_work = Instant::now();
        let mut patience = FIRST;
        while !stop.is_cancelled() {
            self.wakes.mark_seen();
            let (mut sent, mut more, mut full) = (0, false, false);
            for way in &mut ways {
                if way.room < BATCH {
                    let waiting = topology::depth(&channel, &way.queue).await?.messages;
                    way.room = WINDOW.saturating_sub(usize::try_from(waiting).unwrap_or(WINDOW));
                }
                let most = way.room.min(BATCH);
                full |= most == 0;
                let jobs = match self.mark(most, way.urgent).await {
                    Ok(jobs) => jobs,
                    Err(error) => {
                        if error.fault().is_none() {
                            tracing::warn!(code = %error, "no jobs could be marked for sending");
                        }
                        database.pause(stop).await;
                        continue;
                    }
                };
                database.reset();
                if jobs.is_empty() {
                    continue;
                }
                way.room -= jobs.len();
                sent += jobs.len();
                more |= jobs.len() == most;
                let confirmed = self.stats.counters().confirmed.load(Relaxed);
                let ended = self.send(&channel, &way.queue, &jobs, patience).await;
                if self.stats.counters().confirmed.load(Relaxed) > confirmed {
                    self.mute.answered(&way.queue);
                    patience = PATIENCE;
                } else if let Err(trouble) = &ended
                    && !link.connection().status().blocked()
                {
                    self.mute.noticed(trouble);
                }
                ended?;
            }
            if sent > 0 {
                last_work = Instant::now();
            }
            if !more {
                let busy = full || last_work.elapsed() < BUSY_FOR;
                self.pause(if busy { BUSY } else { IDLE.min(self.settings.poll) }, stop).await;
            }
            if !link.connection().status().connected() {
                return Err(Trouble::passing("the connection is gone"));
            }
        }
        link.close().await;
        Ok(())
    }

    async fn pause(&mut self, pause: Duration, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.wakes.woken() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    async fn mark(&self, most: usize, urgent: bool) -> StoreResult<Vec<(JobId, i64)>> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let (now, resend) = (self.clock.now(), self.settings.resend);
        let most = i64::try_from(most).unwrap_or(1);
        let wanted = Wanted { slots: Slots::Shared, urgent: Some(urgent), full: Vec::new() };
        self.store.write(async move |tx| tx.send_jobs(now, resend, most, &wanted).await).await
    }

    /// Publishes the batch and awaits its confirms together.
    async fn send(
        &self,
        channel: &Channel,
        queue: &str,
        jobs: &[(JobId, i64)],
        patience: Duration,
    ) -> Result<(), Trouble> {
        let (failed, trouble) = publish(channel, queue, jobs, patience, &self.stats).await;
        if !failed.is_empty() {
            let unsent = self.store.write(async move |tx| tx.unsend_jobs(&failed).await).await;
            if let Err(error) = unsent {
                tracing::warn!(code = %error, "unconfirmed jobs keep their marks until these run out");
            }
        }
        trouble.map_or(Ok(()), Err)
    }
}

/// Gives the jobs whose messages are not known to be in the queue, and why.
async fn publish(
    channel: &Channel,
    queue: &str,
    jobs: &[(JobId, i64)],
    patience: Duration,
    stats: &Stats,
) -> (Vec<(JobId, i64)>, Option<Trouble>) {
    let stats = stats.counters();
    let deadline = Instant::now() + patience;
    let mut confirms = Vec::with_capacity(jobs.len());
    let mut trouble = None;
    for (id, _) in jobs {
        let body = id.0.to_string();
        match timeout_at(deadline, put(channel, queue, &body)).await {
            Ok(Ok(confirm)) => {
                count(&stats.published);
                confirms.push(confirm);
            }
            Ok(Err(error)) => {
                trouble = Some(error.into());
                break;
            }
            Err(_elapsed) => {
                trouble = Some(Trouble::passing("publishing is blocked"));
                break;
            }
        }
    }
    // Awaited even after a failure: a confirm that nobody awaits stays in lapin's memory.
    let confirms = join_all(confirms.into_iter().map(|confirm| timeout_at(deadline, confirm))).await;
    let mut failed: Vec<(JobId, i64)> = jobs[confirms.len()..].to_vec();
    for (job, confirm) in jobs.iter().zip(confirms) {
        let reason = match confirm {
            Ok(Ok(Confirmation::Ack(None))) => {
                count(&stats.confirmed);
                continue;
            }
            Ok(Ok(Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)))) => {
                count(&stats.returned);
                "the queue is gone: a message had no way to go"
            }
            Ok(Ok(Confirmation::Nack(None))) => "the broker refused a message",
            Ok(Ok(Confirmation::NotRequested)) => "the channel gives no confirms",
            Ok(Err(_)) => "the connection went before a confirm",
            Err(_elapsed) => {
                stats.unconfirmed.fetch_add(1, Relaxed);
                failed.push(*job);
                trouble.get_or_insert_with(|| Trouble::Mute(queue.to_owned()));
                continue;
            }
        };
        stats.unconfirmed.fetch_add(1, Relaxed);
        failed.push(*job);
        trouble.get_or_insert_with(|| Trouble::passing(reason));
    }
    (failed, trouble)
}

/// Publishes a persistent message that must reach a queue.
pub(super) async fn put(channel: &Channel, queue: &str, body: &str) -> lapin::Result<lapin::PublisherConfirm> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_message_id(body.into())
        .with_content_type("text/plain".into());
    channel.basic_publish("".into(), queue.into(), options, body.as_bytes(), properties).await
}
