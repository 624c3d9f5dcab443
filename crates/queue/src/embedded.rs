//! The table as the carrier: rows are taken in batches of as many as there are free workers.
//!
//! **Invariant:** a job is taken only when it can start at once, since its lease begins then.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{Settings, Wake, backoff::Backoff, crew::Crew, run::Runner};

/// Rows that are due but locked by a neighbour are not waited for in a tight loop.
const SHORTEST: Duration = Duration::from_millis(10);

/// Runs jobs until `stop`, and leaves those that are still in hand to the caller.
pub(crate) async fn carry(runner: &Arc<Runner>, wake: &Wake, settings: &Settings, stop: &CancellationToken) -> Crew {
    let mut bell = wake.listen();
    let mut crew = Crew::default();
    let mut backoff = Backoff::database();
    let workers = settings.workers.max(1);
    while !stop.is_cancelled() {
        let free = workers.saturating_sub(crew.len());
        if free == 0 {
            _ = stop.run_until_cancelled(crew.one_done()).await;
            continue;
        }
        bell.hush();
        let (jobs, until) = match runner.take_jobs(free).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(code = %error, "no jobs could be taken");
                backoff.pause(stop).await;
                continue;
            }
        };
        backoff.reset();
        let all_busy = jobs.len() == free;
        for job in jobs {
            let runner = Arc::clone(runner);
            crew.start(async move { runner.run(job, until).await });
        }
        if all_busy {
            continue;
        }
        let pause = until_due(runner, settings.poll).await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = bell.rung() => {}
            () = crew.one_done() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    crew
}

async fn until_due(runner: &Runner, poll: Duration) -> Duration {
    match runner.store.next_due().await {
        Ok(Some(due)) => due.since(runner.clock.now()).clamp(SHORTEST.min(poll), poll),
        // An error here shows again, and is told, when jobs are taken.
        Ok(None) | Err(_) => poll,
    }
}
