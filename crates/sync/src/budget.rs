//! Pacing: calls left to an account are rows that all processes share; each takes them in blocks
//! of about half a second.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use mittler_connector::{Bucket, Budget, Cost, Error, Result, Usage, http::Pace};
use mittler_core::{ConnectionId, Time};
use mittler_store::{Clock, Store};
use tokio::{sync::Mutex, time::Instant};

/// Longest wait for a permit; who would wait longer is told when to come back.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long calls in hand may be made.
const IN_HAND: Duration = Duration::from_millis(500);

/// Sets an account's budgets as its CRM's profile has them, each with room for calls in hand: they may be made
/// so much later than they were taken, and the CRM's window must hold them, too.
///
/// # Errors
/// If the database does not answer.
pub async fn put(store: &Store, connection: ConnectionId, budgets: &[Budget]) -> mittler_store::Result<()> {
    for budget in budgets {
        let window = budget.window() + (budget.window() / 20).min(IN_HAND);
        let (bucket, units) = (budget.bucket, budget.units);
        store.write(async move |tx| tx.put_budget(connection, bucket, units, window).await).await?;
    }
    Ok(())
}

/// The budgets of one connection.
#[derive(Debug)]
pub struct Budgets {
    store: Store,
    clock: Clock,
    connection: ConnectionId,
    /// Bucket to units per half second, the block that is taken at once.
    blocks: HashMap<Bucket, i64>,
    /// Units in hand and until when; one lock for each bucket, so that one that is spent keeps
    /// nobody from the others.
    held: HashMap<Bucket, Mutex<(i64, Time)>>,
    calls: AtomicU64,
    /// What the CRM last said of each bucket.
    usage: std::sync::Mutex<BTreeMap<Bucket, Usage>>,
}

impl Budgets {
    pub fn new(store: Store, clock: Clock, connection: ConnectionId, budgets: &[Budget]) -> Arc<Budgets> {
        let blocks: HashMap<Bucket, i64> = budgets
            .iter()
            .filter(|budget| budget.units > 0)
            .map(|budget| {
                let per_half_second = f64::from(budget.units) * 0.5 / budget.window().as_secs_f64().max(0.001);
                #[expect(clippy::cast_possible_truncation, reason = "a block is small")]
                (budget.bucket, (per_half_second as i64).clamp(1, 50))
            })
            .collect();
        let held = blocks.keys().map(|bucket| (*bucket, Mutex::new((0, Time(0))))).collect();
        Arc::new(Budgets {
            store,
            clock,
            connection,
            blocks,
            held,
            calls: AtomicU64::new(0),
            usage: std::sync::Mutex::default(),
        })
    }

    /// Calls that went out since this process began.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// What the CRM last said of its limits.
    pub fn usage(&self) -> Vec<Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner).values().copied().collect()
    }

    async fn take(&self, bucket: Bucket, units: i64) -> Result<()> {
        let (Some(&block), Some(held)) = (self.blocks.get(bucket), self.held.get(bucket)) else { return Ok(()) };
        // Not by the clock: one that is put back meanwhile would make the wait as long.
        let begun = Instant::now();
        loop {
            let now = self.clock.now();
            let mut held = held.lock().await;
            // Permits that lie about for long would add to the next window's: they lapse.
            if held.0 >= units && held.1 > now && held.1.since(now) <= IN_HAND {
                held.0 -= units;
                return Ok(());
            }
            let (connection, block) = (self.connection, block.max(units));
            let taken = self
                .store
                .write(async move |tx| tx.take_calls(connection, bucket, block, now).await)
                .await
                .map_err(|_| Error::Unavailable { code: "database".into(), retry_after: None })?;
            match taken {
                Ok(calls) => {
                    let left = if held.1 > now && held.1.since(now) <= IN_HAND { held.0 } else { 0 };
                    *held = (left + calls, now.plus(IN_HAND));
                }
                Err(then) if begun.elapsed() + then.since(now) > PATIENCE => {
                    return Err(Error::Limited { bucket, retry_after: Some(then.since(now)) });
                }
                Err(then) => {
                    drop(held);
                    tokio::time::sleep(then.since(now).max(Duration::from_millis(2))).await;
                }
            }
        }
    }
}

#[async_trait]
impl Pace for Budgets {
    async fn permit(&self, cost: Cost) -> Result<()> {
        for (bucket, units) in cost {
            self.take(bucket, (*units).into()).await?;
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn observe(&self, usage: Usage) {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner).insert(usage.bucket, usage);
    }
}
