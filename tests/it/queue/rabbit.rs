//! What only RabbitMQ can do wrong.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};
use mittler_core::{
    JobId, SignalId,
    job::{Lane, Task},
};
use mittler_queue::{Carrier, End, check, relay, work};
use mittler_store::{Store, jobs::NewJob};
use tokio::sync::Semaphore;

use super::rig::{Carried, Rig};
use crate::support::{eventually, rabbitmqctl, setting};

on_postgres!(
    messages_hold_ids_only,
    a_message_of_strangers_is_dropped_and_counted,
    a_message_that_comes_twice_is_harmless,
    what_nobody_took_is_sent_again,
    an_unroutable_message_is_never_marked_as_sent,
    a_deleted_queue_comes_back_and_nothing_is_lost,
    a_backlog_waits_as_rows_and_urgent_jobs_overtake_it,
    a_queue_of_another_kind_stops_the_start_with_the_remedy,
    the_doctor_tells_what_it_finds,
    a_heartbeat_comes_through_the_queue,
);

async fn broker() -> (Connection, Channel) {
    let url = setting("MITTLER_TEST_RABBITMQ_URL");
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

async fn waiting(channel: &Channel, queue: &str) -> u32 {
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), options, FieldTable::default()).await.unwrap().message_count()
}

async fn messages_hold_ids_only(store: Store) {
    let mut rig = Rig::new(&store, Carried::Rabbit);
    let now = rig.clock.now();
    let task = Task::Enrich { signals: vec![SignalId(rig.clock.id())] };
    let job = NewJob::new(rig.clock.id(), task, Lane::Scheduled, now, now);
    let id = job.id.to_string();
    store.write(async move |tx| tx.put_jobs(&[job]).await).await.unwrap();
    rig.relay();
    rig.until("the message is in the queue", async |rig| rig.stats.snapshot().confirmed == 1).await;
    let (_connection, channel) = broker().await;
    let message =
        channel.basic_get(rig.config.queue.as_str().into(), BasicGetOptions { no_ack: true }).await.unwrap().unwrap();
    assert_eq!(message.data, id.as_bytes());
    assert_eq!(message.properties.message_id().as_ref().map(|id| id.as_str().to_owned()), Some(id));
    assert_eq!(*message.properties.delivery_mode(), Some(2), "kept on disk");
    // The broker adds its own counts; there is nothing else.
    let headers = message.properties.headers().clone().unwrap_or_default();
    assert!(headers.inner().keys().all(|name| name.as_str().ends_with("-count")), "{headers:?}");
    rig.stop().await;
}

async fn a_message_of_strangers_is_dropped_and_counted(store: Store) {
    let mut rig = Rig::new(&store, Carried::Rabbit);
    rig.work(|_| async { End::Done });
    rig.until("the queue is there", async |rig| rig.stats.snapshot().last_heartbeat.is_some()).await;
    let (_connection, channel) = broker().await;
    for body in [&b"ada@example.com"[..], b"\xff\xfe", b""] {
        let options = BasicPublishOptions::default();
        let queue = rig.config.queue.as_str().into();
        channel.basic_publish("".into(), queue, options, body, BasicProperties::default()).await.unwrap();
    }
    rig.until("they are counted", async |rig| rig.stats.snapshot().unreadable == 3).await;
    rig.put(1).await;
    rig.all_ended().await;
    rig.until("all are acked", async |rig| rig.stats.snapshot().acked == rig.stats.snapshot().consumed).await;
    rig.stop().await;
}

async fn a_message_that_comes_twice_is_harmless(store: Store) {
    let mut rig = Rig::new(&store, Carried::Rabbit);
    let finish = Arc::new(Semaphore::new(0));
    let permit = finish.clone();
    rig.work(move |_| {
        let finish = permit.clone();
        async move {
            finish.acquire().await.unwrap().forget();
            End::Done
        }
    });
    let job = rig.put(1).await[0];
    rig.until("it runs", async |rig| rig.running() == 1).await;
    let (_connection, channel) = broker().await;
    let again = async |id: JobId| {
        let (queue, body) = (rig.config.queue.as_str().into(), id.0.to_string());
        let options = BasicPublishOptions::default();
        channel.basic_publish("".into(), queue, options, body.as_bytes(), BasicProperties::default()).await.unwrap();
    };
    again(job).await;
    again(JobId(uuid::Uuid::new_v4())).await;
    rig.until("both are acked", async |rig| rig.stats.snapshot().acked >= 2).await;
    finish.add_permits(2);
    rig.all_ended().await;
    again(job).await;
    rig.until("the late one is acked", async |rig| rig.stats.snapshot().acked >= 4).await;
    assert_eq!(rig.runs(job), 1);
    rig.stop().await;
}

async fn what_nobody_took_is_sent_again(store: Store) {
    let mut rig = Rig::new(&store, Carried::Rabbit);
    rig.relay();
    let jobs = rig.put(50).await;
    rig.until("all are in the queue", async |rig| rig.stats.snapshot().confirmed == 50).await;
    rabbitmqctl(&["purge_queue", &rig.config.queue]).await;
    rig.clock.advance(Duration::from_secs(31));
    rig.work(|_| async { End::Done });
    rig.all_ended().await;
    assert!(jobs.iter().all(|job| rig.runs(*job) == 1));
    rig.stop().await;
}

async fn an_unroutable_message_is_never_marked_as_sent(store: Store) {
    let mut rig = Rig::new(&store, Carried::Rabbit);
    // A mark that stays would hold its job back for an hour.
    rig.settings.resend = Duration::from_hours(1);
    rig.relay();
    rig.put(1).await;
    rig.until("the relay is there", async |rig| rig.stats.snapshot().confirmed == 1).await;
    let (_connection, channel) = broker().await;
    let queue: lapin::types::ShortString = rig.config.queue.as_str().into();
    channel.queue_delete(queue, lapin::options::QueueDeleteOptions::default()).await.unwrap();
    rig.put(1_000).await;
    rig.until("some come back", async |rig| rig.stats.snapshot().returned > 0).await;
    rig.until("all are in the new queue", async |rig| rig.stats.snapshot().confirmed == 1_001).await;
    eventually("the queue holds them", 60, async || waiting(&channel, &rig.config.queue).await == 1_000).await;
    rig.stop().await;
}

async fn a_deleted_queue_comes_back_and_nothing_is_lost(store: Store) {
    let mut rig = Rig::new(&store, Carried::Rabbit);
    rig.settings.resend = Duration::from_secs(2);
    rig.work(|_| async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        End::Done
    });
    let jobs = rig.put(500).await;
    rig.until("some have run", async |rig| rig.stats.snapshot().settled > 50).await;
    let (_connection, channel) = broker().await;
    let queue: lapin::types::ShortString = rig.config.queue.as_str().into();
    channel.queue_delete(queue, lapin::options::QueueDeleteOptions::default()).await.unwrap();
    let consumed = rig.stats.snapshot().consumed;
    let took = rig.until("it consumes again", async |rig| rig.stats.snapshot().consumed > consumed + 32).await;
    eprintln!("queue deleted: consuming again after {:.1} s", took.as_secs_f64());
    rig.all_ended().await;
    assert!(jobs.iter().all(|job| rig.runs(*job) >= 1));
    rig.stop().await;
}

async fn a_backlog_waits_as_rows_and_urgent_jobs_overtake_it(store: Store) {
    let mut rig = Rig::new(&store, Carried::Rabbit);
    rig.settings.resend = Duration::from_secs(1);
    rig.relay();
    rig.put(3_000).await;
    rig.until("the window is full", async |rig| rig.stats.snapshot().confirmed >= 1_000).await;
    rig.clock.advance(Duration::from_mins(1));
    let (_connection, channel) = broker().await;
    assert!(waiting(&channel, &rig.config.queue).await <= 1_200, "the rest waits as rows");
    let now = rig.clock.now();
    let urgent = NewJob::new(rig.clock.id(), Task::Retain, Lane::Interactive, now, now);
    let id = JobId(urgent.id);
    store.write(async move |tx| tx.put_jobs(&[urgent]).await).await.unwrap();
    let (ran, place) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(usize::MAX)));
    let (count, found) = (Arc::clone(&ran), Arc::clone(&place));
    rig.work(move |job| {
        let at = count.fetch_add(1, Ordering::SeqCst);
        if job.id == id {
            found.store(at, Ordering::SeqCst);
        }
        async { End::Done }
    });
    rig.until("the urgent one has run", async |rig| rig.runs(id) == 1).await;
    let place = place.load(Ordering::SeqCst);
    assert!(place < 100, "{place} jobs of the backlog went before");
    rig.all_ended().await;
    rig.stop().await;
}

async fn a_queue_of_another_kind_stops_the_start_with_the_remedy(store: Store) {
    let mut rig = Rig::new(&store, Carried::Rabbit);
    let (_connection, channel) = broker().await;
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(rig.config.queue.as_str().into(), options, FieldTable::default()).await.unwrap();
    let worked = work(
        store.clone(),
        rig.clock.clone(),
        Carrier::Rabbit(rig.config.clone()),
        rig.wake.clone(),
        Arc::new(Nothing),
        rig.settings.clone(),
        rig.stop.clone(),
        rig.stats.clone(),
    );
    let relayed = relay(
        store,
        rig.clock.clone(),
        rig.config.clone(),
        rig.wake.clone(),
        rig.settings.clone(),
        rig.stop.clone(),
        rig.stats.clone(),
    );
    for text in [
        worked.await.unwrap_err().to_string(),
        relayed.await.unwrap_err().to_string(),
        check(&rig.config).await.unwrap_err(),
    ] {
        assert!(text.contains(&format!("rabbitmqctl delete_queue {}", rig.config.queue)), "{text}");
        assert!(text.contains("x-queue-type") || text.contains("inequivalent"), "{text}");
    }
    rig.stop().await;
}

struct Nothing;

#[async_trait::async_trait]
impl mittler_queue::Handler for Nothing {
    async fn run(&self, _: &mittler_store::jobs::ClaimedJob) -> End {
        End::Done
    }
}

async fn the_doctor_tells_what_it_finds(store: Store) {
    let mut rig = Rig::new(&store, Carried::Rabbit);
    let found = check(&rig.config).await.unwrap();
    assert!(found[0].contains("has 0 messages and 0 consumers"), "{found:?}");
    assert!(found[1].contains("no worker consumes"), "{found:?}");
    let mut wrong = rig.config.clone();
    wrong.url = "amqp://guest:hunter2@127.0.0.1:1/%2f".to_owned().into();
    let told = check(&wrong).await.unwrap_err();
    assert!(told.contains("cannot be used") && !told.contains("hunter2"), "{told}");
    wrong.url = setting("MITTLER_TEST_RABBITMQ_URL").replace("guest:guest", "guest:hunter2").into();
    let told = check(&wrong).await.unwrap_err();
    assert!(told.contains("ACCESS_REFUSED") && !told.contains("hunter2"), "{told}");
    rig.stop().await;
}

async fn a_heartbeat_comes_through_the_queue(store: Store) {
    let mut rig = Rig::new(&store, Carried::Rabbit);
    rig.work(|_| async { End::Done });
    rig.until("a heartbeat", async |rig| rig.stats.snapshot().last_heartbeat.is_some()).await;
    let jobs = rig.stats.snapshot();
    assert_eq!((jobs.settled, jobs.unreadable), (0, 0), "it is no job");
    rig.stop().await;
}
