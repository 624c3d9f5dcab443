//! The consumers: a message names a row; the row is taken, run and settled, and then the message
//! is acked.
//!
//! **Invariant:** the prefetch is set before a consumer begins, on every new channel; it is each consumer's own.
//!
//! **Invariant:** every message is acked, whatever became of its job. What is still to be done is
//! a row, and the relay sends it again when it is due.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use futures_util::StreamExt;
use lapin::{
    Channel, Consumer,
    message::Delivery,
    options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use mittler_core::JobId;
use tokio::time::{Duration, Instant, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    FIRST, HEARTBEAT, RabbitConfig, Trouble, limited,
    link::Link,
    mute::Mute,
    pulse::{self, Heartbeat},
    topology,
};
use crate::{
    Settings, Wake,
    backoff::Backoff,
    embedded,
    run::Runner,
    slots::{InHand, Slot},
    stats::count,
    task_group::TaskGroup,
};

/// How often a session looks after itself.
const LOOK: Duration = Duration::from_secs(1);
/// How long the broker may be away before jobs are taken without it.
const AWAY: Duration = Duration::from_secs(5);
/// How long a ready job may wait to be sent before it is taken without the broker.
const UNSENT: Duration = Duration::from_secs(10);
/// Looks after which a broker that took no messages is tried again.
const FINE: u32 = 60;

pub(crate) async fn consume(
    runner: &Arc<Runner>,
    config: RabbitConfig,
    wake: &Wake,
    settings: &Settings,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    config.uri()?;
    let beating = stop.child_token();
    let heart = tokio::spawn(pulse::beat(config.clone(), runner.stats.clone(), beating.clone()));
    let understudy = tokio::spawn(stand_in(Arc::clone(runner), wake.clone(), settings.clone(), beating.clone()));
    let mut tasks = TaskGroup::default();
    let ended = supervise(runner, &config, settings, &mut tasks, stop).await;
    beating.cancel();
    tasks.finish().await;
    _ = tokio::join!(heart, understudy); // they end by themselves; a panic has been told already
    ended
}

/// Takes rows from the table for as long as the broker is away, or takes no messages: it only
/// carries, so nothing has to wait for it.
async fn stand_in(runner: Arc<Runner>, wake: Wake, settings: Settings, stop: CancellationToken) {
    let consuming = || runner.stats.counters().consuming.is_up();
    // Short of memory or disk the broker blocks whoever publishes, and its consumers stay up. Only
    // the table shows it: what is ready is not sent.
    let stuck = async || {
        let now = runner.clock.now();
        runner.store.is_stuck(now.minus(UNSENT), now).await.unwrap_or(false)
    };
    let mut seen = Instant::now();
    while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        let blocked = consuming() && stuck().await;
        if consuming() && !blocked {
            seen = Instant::now();
        }
        if seen.elapsed() < AWAY && !blocked {
            continue;
        }
        tracing::warn!(blocked, "the broker is away or takes nothing; jobs are taken from the table until it does");
        let back = stop.child_token();
        let watch = async {
            // While rows are taken here, none waits, whether the broker takes messages again or
            // not: after a minute it is tried.
            let (mut fine, needed) = (0, if blocked { FINE } else { 1 });
            while fine < needed {
                tokio::time::sleep(LOOK).await;
                fine = if consuming() { fine + 1 } else { 0 };
            }
            back.cancel();
            std::future::pending::<()>().await;
        };
        let mut tasks = tokio::select! {
            tasks = embedded::carry(&runner, &wake, &settings, &back) => tasks,
            () = watch => TaskGroup::default(),
        };
        if stop.run_until_cancelled(tasks.all_done()).await.is_none() {
            tasks.finish().await;
        }
        seen = Instant::now();
    }
}

async fn supervise(
    runner: &Arc<Runner>,
    config: &RabbitConfig,
    settings: &Settings,
    tasks: &mut TaskGroup,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let stats = runner.stats.counters();
    let mut backoff = Backoff::broker();
    let mut mute = Mute::default();
    loop {
        stats.consuming.down();
        let begun = Instant::now();
        let ended = session(runner, config, settings, tasks, &mut mute, stop).await;
        stats.consuming.down();
        match ended {
            Ok(()) => return Ok(()),
            Err(Trouble::Fatal(remedy)) => anyhow::bail!(remedy),
            Err(_) if stop.is_cancelled() => return Ok(()),
            Err(passing) => {
                mute.noticed(&passing);
                let code = passing.to_string();
                tracing::warn!(code, "the consumers lost the broker and connect again");
                count(&stats.reconnects);
                if begun.elapsed() > Duration::from_secs(30) {
                    backoff.reset();
                }
                backoff.pause(stop).await;
            }
        }
    }
}

async fn session(
    runner: &Arc<Runner>,
    config: &RabbitConfig,
    settings: &Settings,
    tasks: &mut TaskGroup,
    mute: &mut Mute,
    stop: &CancellationToken,
) -> Result<(), Trouble> {
    let link = Link::open(config, "mittler worker").await?;
    mute.remove_stuck(&link).await?;
    topology::declare(&link, &config.queue).await?;
    let channel = limited(link.connection().create_channel(), "opening a channel").await?;
    let mut consumer = begin(&channel, config, &config.queue, settings.workers, mute).await?;
    let mut urgent = begin(&channel, config, &topology::urgent(&config.queue), settings.workers, mute).await?;
    let hand = InHand::default();
    runner.stats.counters().consuming.up();

    let broken = CancellationToken::new();
    // Whoever holds a message and waits for the database need not when the session is over.
    let over = stop.child_token();
    let _on_leaving = over.clone().drop_guard();
    let mut heartbeat = Heartbeat::new(&runner.stats);
    let mut looks = tokio::time::interval(LOOK);
    let start = |delivery: Delivery, slot: Slot, tasks: &mut TaskGroup| {
        count(&runner.stats.counters().consumed);
        let (runner, over, broken) = (Arc::clone(runner), over.clone(), broken.clone());
        tasks.start(async move {
            let _slot = slot;
            handle(runner, delivery, over, broken).await;
        });
    };
    loop {
        let free = hand.free(settings.workers);
        let free = (free.urgent > 0, free.others(0) > 0);
        tokio::select! {
            () = stop.cancelled() => break,
            () = broken.cancelled() => return Err(Trouble::passing("an ack was not taken")),
            () = tasks.one_done() => {}
            next = urgent.next(), if free.0 => start(delivered(next)?, hand.begin_shared(true), tasks),
            next = consumer.next(), if free.1 => {
                let delivery = delivered(next)?;
                heartbeat.seen(&runner.stats);
                start(delivery, hand.begin_shared(false), tasks);
            }
            _ = looks.tick() => {
                if !link.connection().status().connected() || !channel.status().connected() {
                    return Err(Trouble::passing("the connection or channel is gone"));
                }
                if !free.1 {
                    heartbeat.seen(&runner.stats);
                } else if heartbeat.is_over(&runner.stats, Instant::now()) {
                    return Err(Trouble::passing("no heartbeat came through the queue"));
                }
            }
        }
    }
    // No more messages; those in hand come to their ends and are acked on the open channel.
    for consumer in [&urgent, &consumer] {
        _ = limited(channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()), "cancelling").await;
    }
    tasks.finish().await;
    link.close().await;
    Ok(())
}

/// What a consumer gave: the next message, or the end of the session.
fn delivered(next: Option<lapin::Result<Delivery>>) -> Result<Delivery, Trouble> {
    // The broker cancelled the consumer: its queue was deleted, or its leader moved.
    Ok(next.ok_or(Trouble::passing("the broker ended the consumer"))??)
}

async fn begin(
    channel: &Channel,
    config: &RabbitConfig,
    queue: &str,
    workers: usize,
    mute: &mut Mute,
) -> Result<Consumer, Trouble> {
    // No more than can run: what waits behind a long job in this process could run in another.
    // Zero would mean no limit.
    let prefetch = u16::try_from(workers).unwrap_or(u16::MAX).min(config.prefetch).max(1);
    limited(channel.basic_qos(prefetch, BasicQosOptions::default()), "setting the prefetch").await?;
    let consumer =
        channel.basic_consume(queue.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default());
    let consumer = timeout(FIRST, consumer).await.map_err(|_elapsed| Trouble::Mute(queue.to_owned()))??;
    mute.answered(queue);
    Ok(consumer)
}

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
enum Message {
    Job(JobId),
    Heartbeat,
    Unreadable,
}

impl Message {
    fn read(body: &[u8]) -> Message {
        let Ok(text) = std::str::from_utf8(body) else { return Message::Unreadable };
        if text.starts_with(HEARTBEAT) {
            return Message::Heartbeat;
        }
        text.parse::<Uuid>().map_or(Message::Unreadable, |id| Message::Job(JobId(id)))
    }
}

async fn handle(runner: Arc<Runner>, delivery: Delivery, over: CancellationToken, broken: CancellationToken) {
    let stats = runner.stats.counters();
    match Message::read(&delivery.data) {
        Message::Job(id) => {
            if !run(&runner, id, &over).await {
                return;
            }
        }
        Message::Heartbeat => stats.last_heartbeat.store(runner.clock.now().0, Relaxed),
        Message::Unreadable => {
            count(&stats.unreadable);
            tracing::warn!(bytes = delivery.data.len(), "a message in the queue is none of ours and was dropped");
        }
    }
    match limited(delivery.acker.ack(BasicAckOptions::default()), "an ack").await {
        Ok(true) => count(&stats.acked),
        // The channel died meanwhile. The message comes again and finds its job gone.
        Ok(false) | Err(_) => broken.cancel(),
    }
}

/// `false`: the session ended before the job could be taken, and its message comes again.
async fn run(runner: &Runner, id: JobId, over: &CancellationToken) -> bool {
    let mut backoff = Backoff::database();
    loop {
        match runner.take_job(id).await {
            Ok(Some((job, until))) => {
                runner.run(job, until).await;
                return true;
            }
            // Done, dead, not due, or somebody has it.
            Ok(None) => return true,
            Err(error) => {
                if error.fault().is_none() {
                    tracing::warn!(job.id = %id.0, code = %error, "a job could not be taken");
                }
                backoff.pause(over).await;
                if over.is_cancelled() {
                    return false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_an_id_a_heartbeat_or_none_of_ours() {
        let id = Uuid::new_v4();
        assert_eq!(Message::read(id.to_string().as_bytes()), Message::Job(JobId(id)));
        assert_eq!(Message::read(b"heartbeat:7"), Message::Heartbeat);
        for other in [&b"ada@example.com"[..], b"", b"\xff\xfe", b"{\"id\":1}"] {
            assert_eq!(Message::read(other), Message::Unreadable);
        }
    }
}
