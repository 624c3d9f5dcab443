//! How writes are run: on PostgreSQL each is one transaction, repeated after a conflict; on SQLite one writer
//! drains its queues, each closure but the first in a savepoint of one transaction, with one commit - and one
//! fsync - for all of them.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use sqlx::{PgPool, SqliteConnection};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    Error, Result,
    after_commit::AfterCommit,
    tx::{Db, Tx, Work, exec, step},
};

/// Longest time that one write may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);
/// Attempts at a transaction that conflicts with others.
const ATTEMPTS: u32 = 8;
/// Closures that share one commit on SQLite at most.
const GROUP: usize = 128;
/// How long the first of a group waits for others to join it.
const GROUP_TIME: Duration = Duration::from_millis(10);
/// How long the others wait for one more at the door.
const LINGER: Duration = Duration::from_millis(4);

/// Closures on their way to the writer.
pub(crate) type Queue = mpsc::Sender<Box<dyn Job>>;

/// Where writes wait for SQLite's only writer.
pub(crate) struct Queues {
    /// Senders who wait for their 2xx.
    pub door: Queue,
    pub work: Queue,
}

/// `begin()` is called nowhere else, and nobody can cancel it here: the task is detached from its
/// caller. A cancelled one would leave the connection in a transaction that swallows the writes of
/// whoever gets it next (transact-rs/sqlx#4385).
pub(crate) async fn transact<R>(pool: PgPool, work: impl Work<R>, after: Arc<AfterCommit>) -> Result<R> {
    let mut attempt = 1;
    loop {
        match once(&pool, work.clone(), &after).await {
            Err(e) if e.is_conflict() && attempt < ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(1..10 << attempt))).await;
                attempt += 1;
            }
            settled => return settled,
        }
    }
}

/// Leaving early, by error, panic or timeout, drops the transaction, and that rolls it back.
async fn once<R>(pool: &PgPool, work: impl Work<R>, after: &AfterCommit) -> Result<R> {
    let mut tx = Tx::new(Db::Postgres(pool.begin().await?));
    let result = tokio::time::timeout(LIMIT, step(work, &mut tx)).await.map_err(|_| Error::TooSlow)??;
    if let Tx { db: Db::Postgres(tx), due } = tx {
        // A server that has fallen silent must not keep its caller: what became of the commit is as
        // unknown as if its answer had got lost.
        let committed = tokio::time::timeout(LIMIT, tx.commit()).await.unwrap_or_else(|_| {
            Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the commit was not answered")))
        });
        committed.map_err(|e| match Error::from(e) {
            conflict @ Error::Conflict(_) => conflict,
            Error::Unavailable(e) | Error::Statement(e) => Error::Commit(e),
            other => other,
        })?;
        after.committed(due);
    }
    Ok(result)
}

type Waiting = mpsc::Receiver<Box<dyn Job>>;

/// One queued write; the types of its closure and result are known only inside.
pub(crate) trait Job: Send {
    /// Says whether what the closure wrote is to be kept. Never panics, never takes longer than
    /// the limit.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool>;
    /// Why the database refused what the closure wrote, if the fault is its own.
    fn refused(&self) -> Option<Arc<sqlx::Error>>;
    fn answer(self: Box<Self>, committed: std::result::Result<(), Arc<sqlx::Error>>);
}

/// Hands a closure to the writer, and waits for its end.
pub(crate) async fn queue<R: Send + 'static>(queue: &Queue, work: impl Work<R>) -> Result<R> {
    let (reply, answer) = oneshot::channel();
    queue.send(Box::new(Queued { work: Some(work), result: None, reply })).await.map_err(|_| Error::Closed)?;
    answer.await.unwrap_or(Err(Error::Closed))
}

struct Queued<W, R> {
    work: Option<W>,
    result: Option<Result<R>>,
    reply: oneshot::Sender<Result<R>>,
}

impl<R: Send + 'static, W: Work<R>> Job for Queued<W, R> {
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return false };
            let run = AssertUnwindSafe(async { step(work, tx).await }).catch_unwind();
            let result = match tokio::time::timeout(LIMIT, run).await {
                Ok(Ok(result)) => result,
                Ok(Err(_panic)) => Err(Error::Panicked),
                Err(_elapsed) => Err(Error::TooSlow),
            };
            self.result.insert(result).is_ok()
        })
    }

    fn refused(&self) -> Option<Arc<sqlx::Error>> {
        let error = self.result.as_ref()?.as_ref().err().filter(|error| error.fault().is_some())?;
        let (Error::Unavailable(cause) | Error::Statement(cause) | Error::Commit(cause)) = error else { return None };
        Some(Arc::clone(cause))
    }

    fn answer(self: Box<Self>, committed: std::result::Result<(), Arc<sqlx::Error>>) {
        let result = match committed {
            Ok(()) => self.result.unwrap_or(Err(Error::Closed)),
            Err(e) => Err(Error::Commit(e)),
        };
        _ = self.reply.send(result); // the caller may have left; the write stands
    }
}

/// SQLite's only writer: whatever has queued up meanwhile shares one commit, hence one fsync.
///
/// Who stands at the door goes first, and while many do, the others have a quarter of the time: a
/// list in hand must not make senders wait, nor senders stop what they have sent.
struct Writer {
    tx: Tx,
    door: Waiting,
    work: Waiting,
    after: Arc<AfterCommit>,
}

/// Writes through this connection what comes to the queues.
pub(crate) fn start(connection: SqliteConnection, after: Arc<AfterCommit>) -> Queues {
    let ((door, at_door), (work, at_work)) = (mpsc::channel(1024), mpsc::channel(1024));
    let tx = Tx::new(Db::Sqlite(connection));
    tokio::spawn(Writer { tx, door: at_door, work: at_work, after }.run());
    Queues { door, work }
}

impl Writer {
    async fn run(mut self) {
        let mut group = Vec::new();
        // How long the others let the door go first.
        let mut owed = Duration::ZERO;
        loop {
            let began = Instant::now();
            let work = tokio::select! { biased;
                some = self.door.recv_many(&mut group, GROUP) => {
                    if some == 0 {
                        break;
                    }
                    false
                }
                Some(job) = self.work.recv(), if owed.is_zero() => {
                    group.push(job);
                    true
                }
                // Nobody more comes: it is the others' turn.
                () = tokio::time::sleep(owed.min(LINGER)), if !owed.is_zero() => {
                    owed = Duration::ZERO;
                    continue;
                }
            };
            self.settle(&mut group, work).await;
            owed = match work {
                // Somebody came meanwhile, and more may be behind them.
                true if !self.door.is_empty() => began.elapsed() * 3,
                true => Duration::ZERO,
                false => owed.saturating_sub(began.elapsed()),
            };
        }
        // The store is closed; what was sent before that is done.
        while let Some(job) = self.work.recv().await {
            group.push(job);
            self.settle(&mut group, true).await;
        }
    }

    /// Commits a group and answers it.
    async fn settle(&mut self, group: &mut Vec<Box<dyn Job>>, work: bool) {
        // A disk that is full ends SQLite's whole transaction, and what comes after says only that there is none.
        let committed = self
            .commit(group, work)
            .await
            .map_err(|error| group.iter().find_map(|job| job.refused()).unwrap_or_else(|| Arc::new(error)));
        let due = std::mem::take(&mut self.tx.due);
        if committed.is_ok() {
            self.after.committed(due);
        } else {
            _ = exec(&mut self.tx, "ROLLBACK").await; // an error here means that SQLite has rolled back already
        }
        for job in group.drain(..) {
            job.answer(committed.clone());
        }
    }

    /// Runs a group, and behind `work` what else waits, while nobody stands at the door and the first
    /// of the group need not wait long for their answers.
    async fn commit(&mut self, group: &mut Vec<Box<dyn Job>>, work: bool) -> sqlx::Result<()> {
        let (began, mut at) = (Instant::now(), 0);
        exec(&mut self.tx, "BEGIN IMMEDIATE").await?;
        loop {
            while let Some(job) = group.get_mut(at) {
                // The first has nothing before it that would have to be kept if it fails.
                match at {
                    0 => {}
                    1 => exec(&mut self.tx, "SAVEPOINT one").await?,
                    _ => exec(&mut self.tx, "RELEASE one; SAVEPOINT one").await?,
                }
                let due = std::mem::take(&mut self.tx.due);
                if job.run(&mut self.tx).await {
                    self.tx.due.extend(due);
                } else {
                    self.tx.due = due;
                    let back = if at == 0 { "ROLLBACK; BEGIN IMMEDIATE" } else { "ROLLBACK TO one" };
                    exec(&mut self.tx, back).await?;
                }
                at += 1;
            }
            if !work || at >= GROUP || !self.door.is_empty() || began.elapsed() > GROUP_TIME {
                break;
            }
            let Ok(job) = self.work.try_recv() else { break };
            group.push(job);
        }
        exec(&mut self.tx, "COMMIT").await
    }
}
