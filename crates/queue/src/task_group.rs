//! The jobs in hand of one process.

use std::{future::Future, time::Duration};

use tokio::task::JoinSet;

/// How long the jobs in hand may take when the process is to stop.
pub(crate) const FINISH: Duration = Duration::from_secs(20);

#[derive(Default)]
pub(crate) struct TaskGroup(JoinSet<()>);

impl TaskGroup {
    pub fn start(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(work);
    }

    /// Waits until one of them is through; for ever if there is none.
    pub async fn one_done(&mut self) {
        match self.0.join_next().await {
            None => std::future::pending().await,
            Some(Err(error)) if error.is_panic() => {
                // Handlers' panics are caught before; this one is ours. The job's lease runs out.
                tracing::error!("a worker task panicked outside its handler");
            }
            Some(_) => {}
        }
        while self.0.try_join_next().is_some() {}
    }

    /// Waits until no job is in hand.
    pub async fn all_done(&mut self) {
        while self.0.join_next().await.is_some() {}
    }

    /// Lets the jobs in hand come to their ends, and aborts what takes longer: their leases run
    /// out, and others take them.
    pub async fn finish(&mut self) {
        if tokio::time::timeout(FINISH, self.all_done()).await.is_err() {
            tracing::warn!(jobs = self.0.len(), "jobs took too long to end and were aborted");
            self.0.shutdown().await;
        }
    }
}
