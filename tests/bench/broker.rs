//! What the broker itself can do, measured beside the service: a bare quorum queue, messages as small as a job's id.

use std::{collections::VecDeque, time::Duration};

use anyhow::{Context, bail};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
        QueueDeclareOptions, QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable},
};
use serde::Serialize;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

const TIME: Duration = Duration::from_millis(1_500);
/// Confirms that are waited for at a time, as the relay does.
const UNDER_WAY: usize = 200;
/// Messages in hand at a time, as a consumer has them at most; each is acked by itself.
const PREFETCH: u16 = 32;
/// Nothing of it may hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// Messages per second, over one channel.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Rates {
    pub confirmed: f64,
    pub delivered: f64,
}

pub async fn measure(url: &str) -> anyhow::Result<Rates> {
    timeout(PATIENCE, rates(url)).await.context("the broker hangs")?
}

async fn rates(url: &str) -> anyhow::Result<Rates> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let queue = format!("probe.{}", Uuid::new_v4().simple());
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let declare = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.as_str().into(), declare, arguments).await?;
    let (published, confirmed) = publish(&channel, &queue).await?;
    let delivered = consume(&connection, &queue, published).await?;
    channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await?;
    connection.close(200, "measured".into()).await?;
    Ok(Rates { confirmed, delivered })
}

async fn publish(channel: &Channel, queue: &str) -> anyhow::Result<(usize, f64)> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let (begun, mut published, mut under_way) = (Instant::now(), 0, VecDeque::new());
    loop {
        while under_way.len() < UNDER_WAY && begun.elapsed() < TIME {
            let body = Uuid::now_v7().to_string();
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let lasting = BasicProperties::default().with_delivery_mode(2);
            under_way
                .push_back(channel.basic_publish("".into(), queue.into(), options, body.as_bytes(), lasting).await?);
        }
        let Some(confirm) = under_way.pop_front() else { break };
        if !matches!(confirm.await?, Confirmation::Ack(None)) {
            bail!("the broker did not take a message");
        }
        published += 1;
    }
    Ok((published, rate(published, begun)))
}

/// Until the queue is empty or the time over.
async fn consume(connection: &Connection, queue: &str, published: usize) -> anyhow::Result<f64> {
    let channel = connection.create_channel().await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await?;
    let (begun, mut delivered) = (Instant::now(), 0);
    while delivered < published && begun.elapsed() < TIME {
        let delivery = consumer.next().await.context("the broker ended the consumer")??;
        delivery.ack(BasicAckOptions::default()).await?;
        delivered += 1;
    }
    let rate = rate(delivered, begun);
    channel.close(200, "measured".into()).await?;
    Ok(rate)
}

#[expect(clippy::cast_precision_loss, reason = "fewer messages than 2^52")]
fn rate(messages: usize, begun: Instant) -> f64 {
    messages as f64 / begun.elapsed().as_secs_f64()
}
