//! The bell from process to process: on PostgreSQL one that made jobs tells those that carry them.
//!
//! A hint and no more: it goes out after the commit on a connection of its own, so that nobody's
//! commit waits for it, and whoever misses it finds the job at the next look at the table.

use std::time::Duration;

use mittler_store::{Store, hints::Hint};
use tokio_util::sync::CancellationToken;

use crate::{Wake, backoff::Backoff};

/// Between two hints at least: several rings are one.
const SHORTEST: Duration = Duration::from_millis(2);

/// Passes this process's bell on to the others, until `stop`.
pub async fn tell(store: Store, wake: Wake, stop: CancellationToken) {
    let mut wakes = wake.listen_for_own();
    while stop.run_until_cancelled(wakes.woken()).await.is_some() {
        // A database that does not answer is told of where work is done.
        _ = stop.run_until_cancelled(store.hint(&Hint::Jobs)).await;
        _ = stop.run_until_cancelled(tokio::time::sleep(SHORTEST)).await;
    }
}

/// Tells other processes of what this one made due, until `stop`: one of them may push the connection.
pub async fn tell_due(store: Store, stop: CancellationToken) {
    while let Some(hint) = stop.run_until_cancelled(store.untold_due()).await {
        // Who does not hear of it finds it at the next look.
        _ = stop.run_until_cancelled(store.hint(&hint)).await;
        _ = stop.run_until_cancelled(tokio::time::sleep(SHORTEST)).await;
    }
}

/// Passes on what other processes tell, until `stop`. What is heard rings with [`Wake::ring_here`]: two
/// processes that told each other what they heard would never stop.
pub async fn hear(store: Store, heard: impl Fn(Hint), stop: CancellationToken) {
    let mut backoff = Backoff::database();
    while !stop.is_cancelled() {
        match stop.run_until_cancelled(store.hear(&heard)).await {
            None | Some(Ok(())) => return,
            Some(Err(error)) => {
                tracing::debug!(code = %error, "hints of new jobs are not heard for now");
                backoff.pause(&stop).await;
            }
        }
    }
}
