//! The door: inputs posted singly are gathered into one statement and one commit.
//!
//! 32 clients that each wait for their own commit share one; each is answered after it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use mittler_core::{
    SignalId,
    job::{Lane, Task},
};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::{Clock, Error, Result, Store, jobs::NewJob, signals::NewSignal};

/// How long a sender waits for the database; then it is told to come again.
const PATIENCE: Duration = Duration::from_secs(15);
/// Inputs that share one commit at most.
const MOST: usize = 500;

/// What became of an input at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    pub id: SignalId,
    /// The same input was accepted before, under this id.
    pub known: bool,
}

/// Takes inputs for as long as a clone of it lives.
#[derive(Debug, Clone)]
pub struct Gatherer(mpsc::Sender<Waiting>);

#[derive(Debug)]
struct Waiting {
    signal: NewSignal,
    lane: Lane,
    reply: oneshot::Sender<Result<Accepted>>,
}

impl Gatherer {
    /// `accepted` is called after each commit that brought work: the worker's wake-up.
    pub fn start(store: Store, clock: Clock, accepted: impl Fn() + Send + 'static) -> Gatherer {
        let (sender, queue) = mpsc::channel(4 * MOST);
        tokio::spawn(gather(store, clock, queue, accepted));
        Gatherer(sender)
    }

    /// Answers once the input and the job that reads it are durable.
    ///
    /// # Errors
    /// If the database does not take them, or keeps silent: whoever sends the same again gets to
    /// know whether it was accepted.
    pub async fn accept(&self, signal: NewSignal, lane: Lane) -> Result<Accepted> {
        let (reply, answer) = oneshot::channel();
        let accepted = async {
            self.0.send(Waiting { signal, lane, reply }).await.map_err(|_| Error::Closed)?;
            answer.await.unwrap_or(Err(Error::Closed))
        };
        tokio::time::timeout(PATIENCE, accepted).await.unwrap_or_else(|_| {
            let silent = std::io::Error::new(std::io::ErrorKind::TimedOut, "the database keeps silent");
            Err(Error::Unavailable(Arc::new(sqlx::Error::Io(silent))))
        })
    }
}

async fn gather(store: Store, clock: Clock, mut queue: mpsc::Receiver<Waiting>, accepted: impl Fn()) {
    let mut waiting = Vec::new();
    while queue.recv_many(&mut waiting, MOST).await > 0 {
        match commit(&store, &clock, &waiting).await {
            Ok(known) => {
                for item in waiting.drain(..) {
                    let id = known.get(&item.signal.dedup).copied().unwrap_or(item.signal.id);
                    _ = item.reply.send(Ok(Accepted { id: SignalId(id), known: id != item.signal.id }));
                }
                accepted();
            }
            Err(Error::Statement(_)) if waiting.len() > 1 => {
                // One of them is to blame: each by itself, so that the others pass.
                for item in waiting.drain(..) {
                    let one = commit(&store, &clock, std::slice::from_ref(&item)).await;
                    let answer = one.map(|known| {
                        let id = known.get(&item.signal.dedup).copied().unwrap_or(item.signal.id);
                        Accepted { id: SignalId(id), known: id != item.signal.id }
                    });
                    _ = item.reply.send(answer);
                }
                accepted();
            }
            Err(error) => {
                for item in waiting.drain(..) {
                    _ = item.reply.send(Err(error.clone()));
                }
            }
        }
    }
}

/// Stores the inputs and one job that reads those that are new; gives the ids by key.
async fn commit(store: &Store, clock: &Clock, waiting: &[Waiting]) -> Result<HashMap<Uuid, Uuid>> {
    let mut seen = HashSet::new();
    let signals: Vec<NewSignal> =
        waiting.iter().map(|item| item.signal.clone()).filter(|signal| seen.insert(signal.dedup)).collect();
    let lane = waiting.iter().map(|item| item.lane).min().unwrap_or(Lane::Interactive);
    let (job, now) = (clock.id(), clock.now());
    store
        .write_first(async move |tx| {
            let new: HashSet<Uuid> = tx.put_signals(&signals).await?.into_iter().collect();
            let mut ids: HashMap<Uuid, Uuid> =
                signals.iter().filter(|s| new.contains(&s.id)).map(|s| (s.dedup, s.id)).collect();
            if !new.is_empty() {
                let in_order = signals.iter().map(|s| s.id).filter(|id| new.contains(id)).map(SignalId).collect();
                tx.put_jobs(&[NewJob::new(job, Task::Enrich { signals: in_order }, lane, now, now)]).await?;
            }
            if ids.len() < signals.len() {
                let rest: Vec<Uuid> = signals.iter().map(|s| s.dedup).filter(|key| !ids.contains_key(key)).collect();
                ids.extend(tx.known_signals(&rest).await?);
            }
            Ok(ids)
        })
        .await
}
