//! Telling a CRM: a link is due while `wanted > done`, a signal after the commit only wakes the pusher. The end of
//! every story is that each link shows its last value and nobody is left waiting.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use mittler_core::{ConnectionId, LinkId, RecordId, Time};
use mittler_store::{
    Clock, Error, Result, Store, Tx, due::DueLink, leases::Receipt, links::WantedLink, records::RecordRow,
};

use tokio::sync::Notify;

use super::{Raw, links, links::value_of};
use crate::support::Fresh;

stories!(
    every_link_ends_with_its_last_value_whatever_happens_to_its_workers,
    who_makes_due_what_a_pusher_cannot_see_yet_tells_it_after_the_commit,
    what_is_rolled_back_wakes_nobody,
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
        self.store.write(async move |tx| change(tx, connection, &ids, value, &clock).await).await.unwrap();
    }

    /// A pusher's life: looks at what is due, and does with it what the service does.
    async fn work(self) {
        loop {
            match self.store.next_link(self.connection, self.clock.now()).await.unwrap() {
                Some(_) => self.push().await,
                None if self.done.load(Ordering::SeqCst) => return,
                None => {}
            }
            // Only time brings back what the dead have in hand.
            self.clock.advance(LEASE / 10);
            tokio::task::yield_now().await;
        }
    }

    async fn push(&self) {
        let connection = self.connection;
        loop {
            let now = self.clock.now();
            let leased = links::lease(&self.store, connection, now, 40).await;
            if leased.is_empty() {
                return;
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
    }
}

async fn change(tx: &mut Tx, connection: ConnectionId, ids: &[RecordId], value: u64, clock: &Clock) -> Result<()> {
    let locked = tx.lock_records(ids).await?;
    let rows: Vec<RecordRow> = locked
        .iter()
        .map(|record| RecordRow { version: record.version + 1, ..links::record(record.id, &value.to_string()) })
        .collect();
    tx.update_records(&rows).await?;
    let mut wanted: Vec<WantedLink> = ids.iter().map(|id| links::wanted(connection, *id, clock.now())).collect();
    tx.want_links(&mut wanted).await?;
    tx.wake_pushers([connection]);
    Ok(())
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

async fn who_makes_due_what_a_pusher_cannot_see_yet_tells_it_after_the_commit(fresh: &Fresh) {
    let rig = Rig::new(&fresh.store, 3).await;
    let (store, connection) = (&fresh.store, rig.connection);
    let told = store.due_signal(connection);
    rig.change(rig.records.to_vec(), 1).await;
    assert!(told.notified().now_or_never().is_some(), "nobody was told");
    let leased = links::lease(store, connection, rig.clock.now(), 40).await;
    assert!(leased.len() == 3 && rig.call(&leased, rig.clock.now().plus(HOLD)));
    links::settle(store, &leased, leased.iter().map(links::receipt).collect()).await;

    // All is written, and nothing committed before the pusher has looked.
    let (written, looked) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (says, waits, clock, ids) = (written.clone(), looked.clone(), rig.clock.clone(), vec![rig.records[0]]);
    let change = store.write(async move |tx| {
        change(tx, connection, &ids, 2, &clock).await?;
        says.notify_one();
        waits.notified().await;
        Ok(())
    });
    let look = async {
        written.notified().await;
        assert_eq!(store.next_link(connection, rig.clock.now()).await.unwrap(), None, "it is not committed");
        assert!(told.notified().now_or_never().is_none(), "told of what it cannot see");
        looked.notify_one();
    };
    futures_util::join!(async { change.await.unwrap() }, look);
    assert!(told.notified().now_or_never().is_some(), "nobody serves who made it due");
    assert_eq!(links::lease(store, connection, rig.clock.now(), 40).await.len(), 1);
}

async fn what_is_rolled_back_wakes_nobody(fresh: &Fresh) {
    let rig = Rig::new(&fresh.store, 1).await;
    let (told, connection, clock) = (fresh.store.due_signal(rig.connection), rig.connection, rig.clock.clone());
    let ids = rig.records.to_vec();
    let failed = fresh.store.write(async move |tx| {
        change(tx, connection, &ids, 2, &clock).await?;
        Err::<(), _>(Error::Corrupt("nothing"))
    });
    assert!(failed.await.is_err());
    assert!(told.notified().now_or_never().is_none());
}
