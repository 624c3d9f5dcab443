//! The kill driver: a seeded plan of who is hit when, and the hitting.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fastrand::Rng;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    house::{House, Pair},
    services::Services,
};

/// What is hit, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The one process of SQLite.
    Service,
    /// The same, stopped for longer than the leases.
    ServicePaused,
    Api,
    Worker,
    WorkerPaused,
    Relay,
    Broker,
    Database,
}

impl Target {
    /// With how often each is drawn, of a hundred or so.
    fn of(pair: Pair) -> &'static [(Target, u32)] {
        match pair {
            Pair::Sqlite => &[(Target::Service, 80), (Target::ServicePaused, 20)],
            Pair::Postgres => &[
                (Target::Api, 24),
                (Target::Worker, 30),
                (Target::WorkerPaused, 12),
                (Target::Relay, 14),
                (Target::Broker, 8),
                (Target::Database, 12),
            ],
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Target::Service => "service",
            Target::ServicePaused => "service_paused",
            Target::Api => "api",
            Target::Worker => "worker",
            Target::WorkerPaused => "worker_paused",
            Target::Relay => "relay",
            Target::Broker => "broker",
            Target::Database => "database",
        }
    }

    /// How long it keeps the driver busy; broker and database come back beside it.
    fn takes(self, pause: Duration) -> Duration {
        match self {
            Target::ServicePaused => pause,
            _ => Duration::ZERO,
        }
    }
}

/// When to hit what, counted from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub hits: Vec<(Duration, Target)>,
    /// Longer than any lease, so that somebody else has the job and the links when the sleeper wakes.
    pub pause: Duration,
}

impl Plan {
    /// Every target at least once, if there are as many kills.
    pub fn new(seed: u64, pair: Pair, kills: usize, longest_lease: Duration) -> Plan {
        let pause = longest_lease + Duration::from_millis(1500);
        let mut dice = Rng::with_seed(seed);
        let targets = Target::of(pair);
        let mut drawn: Vec<Target> = targets.iter().map(|(target, _)| *target).take(kills).collect();
        while drawn.len() < kills {
            drawn.push(draw(targets, &mut dice));
        }
        dice.shuffle(&mut drawn);
        let mut at = Duration::from_millis(500);
        let hits = drawn.into_iter().map(|target| {
            at += Duration::from_millis(dice.u64(200..3_000));
            let hit = (at, target);
            at += target.takes(pause);
            hit
        });
        Plan { hits: hits.collect(), pause }
    }

    /// When the last is hit.
    pub fn over(&self) -> Duration {
        self.hits.last().map_or(Duration::from_secs(5), |(at, _)| *at)
    }

    pub fn targets(pair: Pair) -> impl Iterator<Item = Target> {
        Target::of(pair).iter().map(|(target, _)| *target)
    }
}

fn draw(targets: &[(Target, u32)], dice: &mut Rng) -> Target {
    let mut ticket = dice.u32(0..targets.iter().map(|(_, weight)| weight).sum());
    for (target, weight) in targets {
        if ticket < *weight {
            return *target;
        }
        ticket -= weight;
    }
    targets[0].0
}

/// Carries the plan out and gives how often each target was really hit.
pub async fn drive(plan: Plan, house: Arc<House>, services: Option<Arc<Services>>, seed: u64) -> BTreeMap<Target, u64> {
    let counts: Arc<Mutex<BTreeMap<Target, u64>>> = Arc::default();
    // One server is down at a time at most; who is to be killed while it is down waits for it.
    let servers = Arc::new(tokio::sync::Mutex::new(()));
    let (mut dice, begun, mut hits) = (Rng::with_seed(seed ^ 0xd1ce), Instant::now(), JoinSet::new());
    for (at, target) in plan.hits {
        tokio::time::sleep_until(begun + at).await;
        let (house, services, counts, servers) =
            (Arc::clone(&house), services.clone(), Arc::clone(&counts), Arc::clone(&servers));
        let (number, down) = (dice.bool(), Duration::from_millis(dice.u64(0..2_000)));
        let pause = plan.pause;
        hits.spawn(async move {
            let worker = if number { "worker-1" } else { "worker-2" };
            let hit = match target {
                Target::Service => kill(&house, "all").await,
                Target::ServicePaused => freeze(&house, "all", pause).await,
                Target::Api => kill(&house, "api").await,
                Target::Worker => kill(&house, worker).await,
                Target::WorkerPaused => freeze(&house, worker, pause).await,
                Target::Relay => kill(&house, "relay").await,
                Target::Broker => outage(services.as_deref(), "broker", down, &servers).await,
                Target::Database => outage(services.as_deref(), "database", down, &servers).await,
            };
            if hit {
                *counts.lock().unwrap_or_else(PoisonError::into_inner).entry(target).or_default() += 1;
            }
        });
    }
    // Every outage ends before the counting.
    while hits.join_next().await.is_some() {}
    counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A process that is just being started again is hit as soon as it is there.
async fn kill(house: &House, name: &str) -> bool {
    let Some(process) = house.process(name) else { return false };
    for _ in 0..100 {
        if process.kill().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

async fn freeze(house: &House, name: &str, pause: Duration) -> bool {
    let Some(process) = house.process(name) else { return false };
    for _ in 0..100 {
        if process.pause(pause).await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

async fn outage(services: Option<&Services>, what: &str, down: Duration, servers: &tokio::sync::Mutex<()>) -> bool {
    let Some(services) = services else { return false };
    let _alone = servers.lock().await;
    let killed = services.run(&format!("kill-{what}")).await;
    tokio::time::sleep(down).await;
    let started = services.run(&format!("start-{what}")).await;
    for error in [&killed, &started].into_iter().filter_map(|result| result.as_ref().err()) {
        eprintln!("bench: {what}: {error:#}");
    }
    killed.is_ok() && started.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_planned_and_the_seed_decides() {
        let lease = Duration::from_secs(5);
        for pair in [Pair::Sqlite, Pair::Postgres] {
            let plan = Plan::new(1, pair, 25, lease);
            assert_eq!(plan.hits.len(), 25);
            for target in Plan::targets(pair) {
                assert!(plan.hits.iter().any(|(_, hit)| *hit == target), "{}", target.name());
            }
            assert_eq!(plan, Plan::new(1, pair, 25, lease));
            assert_ne!(plan, Plan::new(2, pair, 25, lease));
            assert!(plan.pause > lease);
            assert!(plan.over() < Duration::from_secs(110));
        }
    }
}
