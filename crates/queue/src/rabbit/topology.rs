//! The queues, declared with every argument on the queue itself, so that they mean the same
//! whatever policies the broker has.

use std::time::Duration;

use lapin::{
    Channel, ErrorKind, ExchangeKind,
    options::{
        ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
    },
    protocol::{AMQPErrorKind, AMQPSoftError},
    types::{AMQPValue, FieldTable},
};

use super::{Trouble, limited, link::Link};

/// Deliveries of one message before it goes to the dead letters.
const DELIVERIES: i64 = 20;
/// Dead letters that are kept. Their jobs are rows, so the oldest may go.
const DEAD: i64 = 10_000;

const REMOVAL: Duration = Duration::from_secs(20);

pub(super) struct Depth {
    pub messages: u32,
    pub consumers: u32,
}

/// The name of the exchange for dead letters and of its queue.
pub(super) fn dead(queue: &str) -> String {
    format!("{queue}.dead")
}

/// The name of the queue for jobs that somebody waits for: behind a list in one queue they would wait for it.
pub(super) fn urgent(queue: &str) -> String {
    format!("{queue}.urgent")
}

/// # Errors
/// [`Trouble::Fatal`] with the remedy if the queue exists with other arguments.
pub(super) async fn declare(link: &Link, queue: &str) -> Result<(), Trouble> {
    let dead = dead(queue);
    let channel = limited(link.connection().create_channel(), "opening a channel").await?;
    let exchange = channel.exchange_declare(
        dead.as_str().into(),
        ExchangeKind::Fanout,
        ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() },
        FieldTable::default(),
    );
    as_declared(limited_declare(exchange, "declaring an exchange").await, "exchange", &dead)?;
    queue_declare(&channel, &dead, dead_arguments()).await?;
    let bind = channel.queue_bind(
        dead.as_str().into(),
        dead.as_str().into(),
        "".into(),
        QueueBindOptions::default(),
        FieldTable::default(),
    );
    limited(bind, "binding a queue").await?;
    queue_declare(&channel, queue, job_arguments(&dead)).await?;
    queue_declare(&channel, &urgent(queue), job_arguments(&dead)).await?;
    limited(channel.close(200, "declared".into()), "closing a channel").await
}

/// Removes a queue that takes nothing and gives nothing. The consumers' sessions end by it and
/// declare it anew; what it held is sent again.
pub(super) async fn remove(link: &Link, queue: &str) -> Result<(), Trouble> {
    let channel = limited(link.connection().create_channel(), "opening a channel").await?;
    let removed = channel.queue_delete(queue.into(), QueueDeleteOptions::default());
    // The broker first waits some seconds for a leader.
    match tokio::time::timeout(REMOVAL, removed).await {
        Ok(removed) => removed.map(|_| ()).map_err(Trouble::from),
        Err(_elapsed) => Err(Trouble::passing("no answer to removing the stuck queue")),
    }
}

/// Removes everything that [`declare`] makes.
pub(super) async fn remove_all(link: &Link, queue: &str) -> Result<(), Trouble> {
    let dead = dead(queue);
    for name in [queue, &urgent(queue), &dead] {
        remove(link, name).await?;
    }
    let channel = limited(link.connection().create_channel(), "opening a channel").await?;
    let removed = channel.exchange_delete(dead.as_str().into(), ExchangeDeleteOptions::default());
    limited(removed, "removing an exchange").await
}

/// The messages and consumers of a queue that exists.
pub(super) async fn depth(channel: &Channel, queue: &str) -> Result<Depth, Trouble> {
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let asked = channel.queue_declare(queue.into(), options, FieldTable::default());
    let queue = limited(asked, "asking for a queue").await?;
    Ok(Depth { messages: queue.message_count(), consumers: queue.consumer_count() })
}

fn job_arguments(dead: &str) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-dead-letter-exchange".into(), text(dead));
    // At-least-once dead-lettering silently falls back to at-most-once without reject-publish.
    arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
    arguments.insert("x-overflow".into(), text("reject-publish"));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(DELIVERIES));
    arguments
}

fn dead_arguments() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(DEAD));
    arguments.insert("x-overflow".into(), text("drop-head"));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

async fn queue_declare(channel: &Channel, queue: &str, arguments: FieldTable) -> Result<(), Trouble> {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let declared = channel.queue_declare(queue.into(), options, arguments);
    as_declared(limited_declare(declared, "declaring a queue").await, "queue", queue)
}

/// A timeout on the outside; the inside keeps lapin's error, whose code matters here.
async fn limited_declare<T>(
    call: impl Future<Output = lapin::Result<T>>,
    what: &str,
) -> Result<lapin::Result<T>, Trouble> {
    tokio::time::timeout(super::PATIENCE, call).await.map_err(|_| Trouble::Passing(format!("no answer to {what}")))
}

fn as_declared<T>(result: Result<lapin::Result<T>, Trouble>, kind: &str, name: &str) -> Result<(), Trouble> {
    let Err(error) = result? else { return Ok(()) };
    match error.kind() {
        ErrorKind::ProtocolError(told) if *told.kind() == AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) => {
            Err(Trouble::Fatal(format!(
                "the RabbitMQ {kind} {name} exists, but with other properties than Mittler needs ({}). Stop all \
                 Mittler processes and delete it: rabbitmqctl {} (with --vhost if it is not in /). No job is lost: \
                 they are in the database and are sent again. Then start anew",
                told.get_message(),
                match kind {
                    "queue" => format!("delete_queue {name}"),
                    _ => format!(
                        "eval 'rabbit_exchange:delete(rabbit_misc:r(<<\"/\">>, exchange, <<\"{name}\">>), false, <<>>).'"
                    ),
                },
            )))
        }
        _ => Err(error.into()),
    }
}
