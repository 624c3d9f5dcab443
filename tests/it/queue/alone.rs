//! The broker and the database break under work. Each story says how long it took until jobs ran
//! again; `bench outages` measures it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use mittler_core::JobId;
use mittler_queue::End;
use mittler_store::Store;
use tokio::sync::Semaphore;

use super::rig::{Carried, Rig};
use crate::support::{Proxy, Traffic, eventually, postgres, rabbitmqctl, services, setting};

on_postgres!(
    closed_connections_lose_nothing,
    a_killed_broker_loses_nothing,
    the_prefetch_holds_after_reconnects,
    a_blocked_publisher_loses_nothing,
    cut_connections_lose_nothing,
    a_silent_broker_is_left_and_found_again,
);

fn slow_work(rig: &mut Rig) {
    rig.settings.resend = Duration::from_secs(2);
    rig.settings.workers = 8;
    rig.work(|_| async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        End::Done
    });
}

async fn half_way(rig: &Rig, jobs: &[JobId], share: usize) {
    let most = jobs.len() / share;
    rig.until("part of the jobs have ended", async |rig| rig.stats.snapshot().settled >= most as u64).await;
}

/// From now until jobs run again, and until messages bring them again.
async fn runs_again(rig: &Rig, fault: &str) {
    let begun = rig.stats.snapshot();
    let more = rig.put(200).await;
    let took = rig.until("jobs run again", async |rig| rig.stats.snapshot().settled > begun.settled + 8).await;
    let took = took.as_secs_f64();
    eprintln!("{fault}: jobs run again after {took:.1} s");
    if !rig.on_rabbit() {
        return;
    }
    // The workers may have done all from the table by the time the broker is back.
    let acked = rig
        .until("messages bring jobs again", async |rig| {
            if more.iter().all(|job| rig.runs(*job) > 0) {
                rig.put(20).await;
            }
            rig.stats.snapshot().acked > begun.acked + 8
        })
        .await;
    eprintln!("{fault}: messages are consumed again after {:.1} s", took + acked.as_secs_f64());
}

async fn all_ran(mut rig: Rig, jobs: Vec<JobId>) {
    rig.all_ended().await;
    rig.stop().await;
    let missing: HashSet<&JobId> = jobs.iter().filter(|job| rig.runs(**job) == 0).collect();
    assert!(missing.is_empty(), "{} jobs never ran", missing.len());
}

async fn closed_connections_lose_nothing(store: Store) {
    let mut rig = Rig::new(&store, Carried::Rabbit);
    slow_work(&mut rig);
    let jobs = rig.put(500).await;
    for share in [10, 5] {
        half_way(&rig, &jobs, share).await;
        rabbitmqctl(&["close_all_connections", "a story"]).await;
    }
    runs_again(&rig, "connections closed by the broker").await;
    assert!(rig.stats.snapshot().reconnects > 0);
    all_ran(rig, jobs).await;
}

async fn a_killed_broker_loses_nothing(store: Store) {
    let mut rig = Rig::new(&store, Carried::Rabbit);
    slow_work(&mut rig);
    let jobs = rig.put(500).await;
    half_way(&rig, &jobs, 5).await;
    services("kill-broker").await;
    rig.put(100).await;
    rig.until("both roles know", async |rig| !rig.stats.snapshot().connected).await;
    services("start-broker").await;
    runs_again(&rig, "broker killed and started").await;
    all_ran(rig, jobs).await;
}

async fn the_prefetch_holds_after_reconnects(store: Store) {
    let mut rig = Rig::new(&store, Carried::Rabbit);
    rig.config.prefetch = 5;
    rig.settings.workers = 8;
    let finish = Arc::new(Semaphore::new(0));
    let permit = finish.clone();
    rig.work(move |_| {
        let finish = permit.clone();
        async move {
            finish.acquire().await.unwrap().forget();
            End::Done
        }
    });
    let jobs = rig.put(300).await;
    for _ in 0..3 {
        let unacked = async || {
            let queues = rabbitmqctl(&["list_queues", "--quiet", "name", "messages_unacknowledged"]).await;
            let line = queues.lines().find(|line| line.split('\t').next() == Some(rig.config.queue.as_str()));
            line.and_then(|line| line.split('\t').nth(1)).and_then(|n| n.parse::<u32>().ok()).unwrap_or(0)
        };
        eventually("messages in hand", 60, async || unacked().await > 0).await;
        for _ in 0..3 {
            let unacked = unacked().await;
            assert!(unacked <= 5, "{unacked} messages without an ack");
        }
        let reconnects = rig.stats.snapshot().reconnects;
        rabbitmqctl(&["close_all_connections", "a story"]).await;
        rig.until("it is back", async |rig| {
            rig.stats.snapshot().reconnects >= reconnects + 2 && rig.stats.snapshot().connected
        })
        .await;
    }
    finish.add_permits(10_000);
    all_ran(rig, jobs).await;
}

async fn a_blocked_publisher_loses_nothing(store: Store) {
    let mut rig = Rig::new(&store, Carried::Rabbit);
    slow_work(&mut rig);
    rig.settings.resend = Duration::from_secs(30);
    let jobs = rig.put(200).await;
    half_way(&rig, &jobs, 4).await;
    rabbitmqctl(&["set_vm_memory_high_watermark", "0.00000001"]).await;
    let more = rig.put(300).await;
    let unconfirmed = rig.stats.snapshot().unconfirmed;
    let reconnects = rig.stats.snapshot().reconnects;
    rig.until("a publish is given up", async |rig| {
        rig.stats.snapshot().unconfirmed > unconfirmed || rig.stats.snapshot().reconnects > reconnects
    })
    .await;
    rabbitmqctl(&["set_vm_memory_high_watermark", "absolute", "512MB"]).await;
    runs_again(&rig, "publishers blocked by a memory alarm").await;
    all_ran(rig, [jobs, more].concat()).await;
}

async fn cut_connections_lose_nothing(store: Store) {
    let proxy = Proxy::before(&setting("MITTLER_TEST_RABBITMQ_URL")).await;
    let mut rig = Rig::new(&store, Carried::Rabbit);
    rig.config.url = proxy.url.clone().into();
    slow_work(&mut rig);
    let jobs = rig.put(500).await;
    for share in [10, 5, 3] {
        half_way(&rig, &jobs, share).await;
        proxy.cut();
    }
    runs_again(&rig, "connections reset").await;
    all_ran(rig, jobs).await;
}

async fn a_silent_broker_is_left_and_found_again(store: Store) {
    let proxy = Proxy::before(&setting("MITTLER_TEST_RABBITMQ_URL")).await;
    let mut rig = Rig::new(&store, Carried::Rabbit);
    rig.config.url = proxy.url.clone().into();
    slow_work(&mut rig);
    let jobs = rig.put(500).await;
    half_way(&rig, &jobs, 5).await;
    let threads = io_threads();
    proxy.set(Traffic::Silent);
    let begun = tokio::time::Instant::now();
    rig.until("both roles know", async |rig| {
        let stats = rig.stats.snapshot();
        !stats.connected && stats.reconnects >= 4
    })
    .await;
    eprintln!("silent broker: four attempts given up after {:.1} s", begun.elapsed().as_secs_f64());
    // Attempts that were given up must not leave their threads and sockets behind.
    eventually("no threads pile up", 60, async || io_threads() <= threads + 1).await;
    proxy.set(Traffic::Passes);
    runs_again(&rig, "broker silent, then back").await;
    all_ran(rig, jobs).await;
}

/// lapin's reader threads in this process.
fn io_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("lapin-io"))
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_database_loses_nothing() {
    for carried in [Carried::Embedded, Carried::Rabbit] {
        let fresh = postgres().await;
        let mut rig = Rig::new(&fresh.store, carried);
        slow_work(&mut rig);
        let jobs = rig.put(500).await;
        half_way(&rig, &jobs, 5).await;
        services("kill-database").await;
        services("start-database").await;
        runs_again(&rig, "database killed and started").await;
        // What was in hand comes back when its lease is over.
        rig.clock.advance(Duration::from_secs(61));
        all_ran(rig, jobs).await;
        fresh.remove().await;
    }
}
