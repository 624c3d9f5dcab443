//! The table as the carrier: rows are taken in batches of as many as there are free slots.
//!
//! **Invariant:** a job is taken only when it can start at once, since its lease begins then.

use std::{sync::Arc, time::Duration};

use mittler_store::jobs::Slots;
use tokio_util::sync::CancellationToken;

use crate::{Settings, Wake, backoff::Backoff, run::Runner, slots::InHand, task_group::TaskGroup, wake::WakeListener};

/// Rows that are due but locked by a neighbour are not waited for in a tight loop.
const SHORTEST: Duration = Duration::from_millis(10);
/// Jobs of connections that are taken at once: a backlog of one must not fill all slots before the next look.
const ROUND: usize = 8;

/// Runs jobs that share the workers until `stop`, and leaves those that are still in hand to the caller.
pub(crate) async fn carry(
    runner: &Arc<Runner>,
    wake: &Wake,
    settings: &Settings,
    stop: &CancellationToken,
) -> TaskGroup {
    let mut wakes = wake.listen();
    let mut tasks = TaskGroup::default();
    let mut backoff = Backoff::database();
    let hand = InHand::default();
    while !stop.is_cancelled() {
        let free = hand.free(settings.workers);
        if free.is_none() {
            _ = stop.run_until_cancelled(tasks.one_done()).await;
            continue;
        }
        wakes.mark_seen();
        let (jobs, until) = match runner.take_shared(free).await {
            Ok(taken) => taken,
            Err(error) => {
                if error.fault().is_none() {
                    tracing::warn!(code = %error, "no jobs could be taken");
                }
                backoff.pause(stop).await;
                continue;
            }
        };
        backoff.reset();
        let some = !jobs.is_empty();
        for job in jobs {
            let (runner, slot) = (Arc::clone(runner), hand.begin_shared(job.is_urgent()));
            tasks.start(async move {
                let _slot = slot;
                runner.run(job, until).await;
            });
        }
        if some {
            continue;
        }
        let pause = if free.is_short() { settings.poll } else { until_due(runner, Slots::Shared, settings.poll).await };
        rest(&mut wakes, &mut tasks, pause, stop).await;
    }
    tasks
}

/// Runs jobs that call CRMs, each in slots of its connection, until `stop`; leaves those that are still in
/// hand to the caller. Whatever else carries jobs: one that waits for a CRM must not stand before others.
pub(crate) async fn carry_for_connections(
    runner: &Arc<Runner>,
    wake: &Wake,
    settings: &Settings,
    stop: &CancellationToken,
) -> TaskGroup {
    let mut wakes = wake.listen();
    let mut tasks = TaskGroup::default();
    let mut backoff = Backoff::database();
    let hand = InHand::default();
    while !stop.is_cancelled() {
        let most = hand.free_of_connections().min(ROUND);
        if most == 0 {
            _ = stop.run_until_cancelled(tasks.one_done()).await;
            continue;
        }
        let full = hand.full();
        let short = !full.is_empty();
        wakes.mark_seen();
        let (jobs, until) = match runner.take_for_connections(most, full).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(code = %error, "no jobs of connections could be taken");
                backoff.pause(stop).await;
                continue;
            }
        };
        backoff.reset();
        let some = !jobs.is_empty();
        for job in jobs {
            let (runner, slot) = (Arc::clone(runner), hand.begin_topic(job.topic.clone()));
            tasks.start(async move {
                let _slot = slot;
                runner.run(job, until).await;
            });
        }
        if some {
            continue;
        }
        let pause = if short { settings.poll } else { until_due(runner, Slots::OfConnections, settings.poll).await };
        rest(&mut wakes, &mut tasks, pause, stop).await;
    }
    tasks
}

async fn rest(wakes: &mut WakeListener, tasks: &mut TaskGroup, pause: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = wakes.woken() => {}
        () = tasks.one_done() => {}
        () = tokio::time::sleep(pause) => {}
    }
}

async fn until_due(runner: &Runner, slots: Slots, poll: Duration) -> Duration {
    match runner.store.next_due_in(slots).await {
        Ok(Some(due)) => due.since(runner.clock.now()).clamp(SHORTEST.min(poll), poll),
        // An error here shows again, and is told, when jobs are taken.
        Ok(None) | Err(_) => poll,
    }
}
