//! Telling a CRM: a link is due while `wanted > done`, a job row only wakes the worker. The end of
//! every story is that each link shows its last value and nobody is left waiting.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use mittler_core::{
    ConnectionId, Field, LinkId, RecordId, Time,
    job::{Lane, Task},
};
use mittler_store::{
    Clock, Result, Store, Tx,
    due::DueLink,
    jobs::{NewJob, Taken},
    leases::Receipt,
    links::WantedLink,
    records::RecordRow,
};

use tokio::sync::Notify;

use super::{Raw, jobs::note, links, links::value_of};
use crate::support::Fresh;

stories!(
    every_link_ends_with_its_last_value_whatever_happens_to_its_workers,
    who_asks_while_a_job_is_being_settled_is_served,
);

const LEASE: Duration = Duration::from_millis(100);
/// A lease that a slow machine does not outlast.
const HOLD: Duration = Duration::from_mins(5);
const LINKS: usize = 150;
const HOT: usize = 12;

/// What all workers and changers share.
#[derive(Clone)]
struct Rig {
    store: Store,
    clock: Clock,
    connection: ConnectionId,
    records: Arc<Vec<RecordId>>,
    /// What the CRM shows, by link.
    crm: Arc<Mutex<HashMap<LinkId, String>>>,
    deaths: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
    dice: Arc<Mutex<fastrand::Rng>>,
}

impl Rig {
    async fn new(store: &Store, records: usize) -> Rig {
        let records: Vec<RecordId> = (0..records).map(|_| RecordId(uuid::Uuid::new_v4())).collect();
        let rows: Vec<RecordRow> = records.iter().map(|id| links::record(*id, "0")).collect();
        store.write(async move |tx| tx.insert_records(&mut rows.clone()).await).await.unwrap();
        Rig {
            store: store.clone(),
            clock: Clock::default(),
            connection: super::connection(),
            records: Arc::new(records),
            crm: Arc::default(),
            deaths: Arc::default(),
            done: Arc::default(),
            dice: Arc::new(Mutex::new(crate::support::dice())),
        }
    }

    /// Dice of one's own, in the order in which they are asked for.
    fn dice(&self) -> fastrand::Rng {
        self.dice.lock().unwrap().fork()
    }

    /// Changes records and says that their links are due, in one transaction.
    async fn change(&self, ids: Vec<RecordId>, value: u64) {
        let (connection, clock) = (self.connection, self.clock.clone());
        let job = self.job();
        self.store.write(async move |tx| change(tx, connection, &ids, value, &clock, &job).await).await.unwrap();
    }

    fn job(&self) -> NewJob {
        let (now, connection) = (self.clock.now(), self.connection);
        NewJob::new(self.clock.id(), Task::Push { connection }, Lane::Scheduled, now, now)
    }

    /// A worker's life: takes push jobs, and does with them what the service's handler does.
    async fn work(self) {
        loop {
            let now = self.clock.now();
            let taken = self.store.write(async move |tx| tx.take_jobs(now, LEASE * 2, 1).await).await.unwrap();
            if let Some(job) = taken.into_iter().next() {
                self.push(&job).await;
                continue;
            }
            if self.done.load(Ordering::SeqCst) && self.store.next_due().await.unwrap().is_none() {
                return;
            }
            // Only time brings back what the dead have in hand.
            self.clock.advance(LEASE / 10);
            tokio::task::yield_now().await;
        }
    }

    async fn push(&self, job: &Taken) {
        let connection = self.connection;
        loop {
            let now = self.clock.now();
            let leased = links::lease(&self.store, connection, now, 40).await;
            if leased.is_empty() {
                break;
            }
            let until = now.plus(LEASE);
            let fate = self.dice().u32(0..100);
            if fate < 6 {
                return self.die();
            }
            if fate < 9 {
                self.clock.advance(LEASE);
            }
            if !self.call(&leased, until) {
                continue;
            }
            if fate >= 94 {
                return self.die();
            }
            if fate >= 88 {
                self.clock.advance(LEASE);
            }
            let receipts: Vec<Receipt> = leased.iter().map(links::receipt).collect();
            links::settle(&self.store, &leased, receipts).await;
        }
        let (job, now) = (job.clone(), self.clock.now());
        self.store.write(async move |tx| settle(tx, connection, &job, now, async || {}).await).await.unwrap();
    }

    /// The call, unless the lease has ended: that is checked right before the bytes are sent.
    fn call(&self, leased: &[DueLink], until: Time) -> bool {
        let mut crm = self.crm.lock().unwrap_or_else(PoisonError::into_inner);
        if self.clock.now() >= until {
            return false;
        }
        crm.extend(leased.iter().map(|link| (link.id, value_of(&link.fields))));
        true
    }

    fn die(&self) {
        self.deaths.fetch_add(1, Ordering::Relaxed);
    }

    /// Every link shows its record's value, and nothing is due.
    async fn check(&self, raw: &mut Raw) {
        let records = self.store.records(&self.records).await.unwrap();
        let crm = self.crm.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for record in &records {
            let link = mittler_store::links::link_id(self.connection, record.id);
            assert_eq!(crm.get(&link), Some(&value_of(&record.fields)), "a change was lost on its way");
        }
        assert_eq!(raw.number("SELECT count(*) FROM link WHERE wanted <> done").await, 0);
        assert_eq!(raw.number("SELECT count(*) FROM job").await, 0);
    }
}

/// What the service's handler does once nothing more can be leased. `looked` runs between its look
/// and its deed.
async fn settle(
    tx: &mut Tx,
    connection: ConnectionId,
    job: &Taken,
    now: Time,
    looked: impl AsyncFnOnce() + Send,
) -> Result<bool> {
    let mut noted = tx.note_jobs(&topic(connection), now).await?;
    noted.retain(|other| *other != job.id.0);
    let due = tx.next_link(connection, now).await?;
    looked().await;
    tx.end_noted(&noted, now).await?;
    match due {
        Some(at) => tx.delay_job(job.id, job.attempt, at, "waiting").await,
        None => tx.end_job(job.id, job.attempt).await,
    }
}

fn topic(connection: ConnectionId) -> String {
    format!("push:{}", connection.0)
}

async fn change(
    tx: &mut Tx,
    connection: ConnectionId,
    ids: &[RecordId],
    value: u64,
    clock: &Clock,
    job: &NewJob,
) -> Result<()> {
    let locked = tx.lock_records(ids).await?;
    let rows: Vec<RecordRow> = locked
        .iter()
        .map(|record| RecordRow { version: record.version + 1, ..links::record(record.id, &value.to_string()) })
        .collect();
    tx.update_records(&rows).await?;
    let mut wanted: Vec<WantedLink> = ids.iter().map(|id| links::wanted(connection, *id, clock.now())).collect();
    tx.want_links(&mut wanted).await?;
    tx.put_jobs(std::slice::from_ref(job)).await
}

async fn every_link_ends_with_its_last_value_whatever_happens_to_its_workers(fresh: &Fresh) {
    let rig = Rig::new(&fresh.store, LINKS).await;
    rig.change(rig.records.to_vec(), 1).await;
    let workers: Vec<_> = (0..4).map(|_| tokio::spawn(rig.clone().work())).collect();
    let changers = (0..4_u64).map(|changer| {
        let (rig, mut dice) = (rig.clone(), rig.dice());
        async move {
            for n in 0..120 {
                let mut ids: Vec<RecordId> = (0..dice.usize(1..8))
                    .map(|_| {
                        let among = if dice.bool() { HOT } else { LINKS };
                        rig.records[dice.usize(0..among)]
                    })
                    .collect();
                ids.sort();
                ids.dedup();
                rig.change(ids, 2 + n * 4 + changer).await;
            }
        }
    });
    join_all(changers).await;
    // The quiet phase: single changes, each while workers may be settling the one before.
    let mut dice = rig.dice();
    for n in 0..60 {
        rig.change(vec![rig.records[n % 3]], 10_000 + n as u64).await;
        for _ in 0..dice.u8(0..30) {
            tokio::task::yield_now().await;
        }
    }
    rig.done.store(true, Ordering::SeqCst);
    for worker in workers {
        worker.await.unwrap();
    }
    let mut raw = Raw::of(fresh).await;
    rig.check(&mut raw).await;
    assert!(rig.deaths.load(Ordering::Relaxed) > 0, "nobody died: the story told nothing");
    raw.close().await;
}

/// A worker that finds nothing due ends the jobs that it noted before it looked, and no other: not
/// that of an asker who was not committed then, nor of one who came between the look and the end.
async fn who_asks_while_a_job_is_being_settled_is_served(fresh: &Fresh) {
    let rig = Rig::new(&fresh.store, 3).await;
    rig.change(rig.records.to_vec(), 1).await;
    let (store, connection, now) = (&fresh.store, rig.connection, rig.clock.now());
    let first = store.write(async move |tx| tx.take_jobs(now, HOLD, 1).await).await.unwrap().remove(0);
    let leased = links::lease(store, connection, now, 40).await;
    assert!(leased.len() == 3 && rig.call(&leased, now.plus(HOLD)));
    let receipts: Vec<Receipt> = leased.iter().map(links::receipt).collect();
    links::settle(store, &leased, receipts).await;

    // The asker has written all it writes, and is not committed before the worker has looked.
    let (written, looked) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let ask = || {
        let (rig, written, looked, job) = (rig.clone(), Arc::clone(&written), Arc::clone(&looked), rig.job());
        let waits = !rig.store.is_sqlite();
        tokio::spawn(async move {
            let (connection, clock, ids) = (rig.connection, rig.clock.clone(), vec![rig.records[0]]);
            rig.store
                .write(async move |tx| {
                    change(tx, connection, &ids, 2, &clock, &job).await?;
                    if waits {
                        written.notify_one();
                        looked.notified().await;
                    }
                    Ok(())
                })
                .await
                .unwrap();
        })
    };
    if store.is_sqlite() {
        // One writer: whoever asks comes before the look or after the end.
        store.write(async move |tx| settle(tx, connection, &first, now, async || {}).await).await.unwrap();
        ask().await.unwrap();
    } else {
        let asker = Arc::new(tokio::sync::Mutex::new(Some(ask())));
        written.notified().await;
        let looked = Arc::clone(&looked);
        let end = store.write(async move |tx| {
            let asker = Arc::clone(&asker);
            let looked = Arc::clone(&looked);
            settle(tx, connection, &first, now, async move || {
                looked.notify_one();
                if let Some(asker) = asker.lock().await.take() {
                    asker.await.unwrap();
                }
            })
            .await
        });
        assert!(end.await.unwrap(), "nothing was due when the worker looked");
    }
    // The asker's own job is there, and finds its link due.
    assert_eq!(note(store, &topic(connection), rig.clock.now()).await.len(), 1, "nobody serves who asked");
    rig.done.store(true, Ordering::SeqCst);
    rig.clone().work().await;
    let mut raw = Raw::of(fresh).await;
    rig.check(&mut raw).await;
    raw.close().await;
    let records = store.records(&rig.records).await.unwrap();
    assert!(records.iter().any(|record| record.fields.text(&Field::NOTE) == Some("2")));
}
