//! The push: find due links, plan each against what was sent, commit intents, call, write
//! receipts - level-triggered, so that a change during a call stays due.
//!
//! **Invariant:** every write to a CRM passes [`gate`](crate::gate) and has its intent committed
//! before the call.
//!
//! **Invariant:** the outcome of a call that nobody knows is looked up before anything is decided;
//! only writes that the CRM recognises when they are repeated are repeated.

use std::{sync::Arc, time::Duration};

use mittler_connector::Error as CrmError;
use mittler_core::{Time, derive::Overrides, job::Lane};
use mittler_store::{Clock, Result, Store, due::Due};
use tokio::task::JoinSet;
use tracing::{debug, warn};
use uuid::Uuid;

use crate::{
    alone::Alone,
    batch::Batch,
    connections::{Connection, Connections, Mode},
    guard::Guards,
    hand::Hand,
    keys::Keys,
};

/// First wait for a CRM that is not there; each further one is twice as long, up to the longest.
const DEAD: Duration = Duration::from_millis(800);
const LONGEST: Duration = Duration::from_mins(1);
/// Calls in a row that end without an answer and do not yet make a CRM one that is not there.
const BROKEN: u32 = 2;
/// How soon a connection is looked at again of which some types wait.
const LOOK: Duration = Duration::from_secs(30);
/// Links that one batch takes at most, whatever one call could.
const MOST: usize = 1_000;
/// Batches of a list that one look finds.
const AHEAD: usize = 4;
/// Due links among which those are looked for that need not wait for others. Now and then, and when nothing
/// else is in hand, all are looked at.
const DEPTH: i64 = 1_000;
/// How long a batch of a list waits for more of its kind while inputs are still being read.
const FILL: Duration = Duration::from_secs(1);

/// What writes to CRMs, for all connections of this process.
#[derive(Clone)]
pub struct Pusher {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    pub connections: Connections,
    /// Where numbers are dialled of records that name no country, ISO 3166 alpha-2.
    pub country: Arc<str>,
    pub overrides: Arc<Overrides>,
    /// Who gets what is made for an owner that the CRM does not have.
    pub otherwise: Option<Arc<str>>,
    /// This process, among those that share the database.
    pub process: Uuid,
    /// How long a lease of links lasts beyond the longest read and the longest write.
    pub margin: Duration,
    /// How much may change before a person is asked.
    pub guards: Guards,
}

/// How a push ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushEnd {
    /// Nothing more can be written for now; of types to which the CRM is closed, not before then, and why.
    Drained(Option<(Time, String)>),
    /// The connection cannot be written to before then, and why.
    Paused(Time, String),
    /// Another process pushes it.
    Elsewhere,
}

/// What a look for due links found.
enum Next {
    Batch(Due),
    /// `fills`: there are some, for which others are waited for.
    Nothing {
        fills: bool,
    },
}

/// Why a batch ended early.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Stopped {
    #[error(transparent)]
    Store(#[from] mittler_store::Error),
    #[error(transparent)]
    Crm(#[from] CrmError),
}

impl Pusher {
    /// Works until nothing of the connection can be written: up to its concurrency of disjoint
    /// batches at once, and straight on to what they made due.
    pub async fn push(&self, connection: &Arc<Connection>) -> Result<PushEnd> {
        if connection.mode == Mode::Off {
            return Ok(PushEnd::Paused(self.clock.now().plus(Duration::from_mins(1)), "mode_off".into()));
        }
        let (id, process, now) = (connection.id, self.process, self.clock.now());
        let told = match self.notes(connection).await? {
            Ok(told) => told,
            Err((until, code)) => return Ok(PushEnd::Paused(until, code)),
        };
        if told.as_ref().is_some_and(|told| told.state != "ready") {
            connection.forget_noted();
        }
        let elsewhere = told.is_some_and(|told| told.pushed_until > now.0 && told.pushed_by != Some(process));
        // Looked at once more, behind one that is about to give it back.
        if elsewhere && !self.store.write(async move |tx| tx.take_push(id, process, now, now).await).await? {
            return Ok(PushEnd::Elsewhere);
        }
        if let Err(error) = connection.check_account().await {
            let (until, code) = self.pause(connection, &error).await?;
            return Ok(PushEnd::Paused(until, code));
        }
        // Tasks of their own: planning one batch and finding the next go on side by side.
        let mut running = JoinSet::new();
        let mut hand = Hand::default();
        let alone = Arc::new(Alone::new(id, process));
        let (mut failed, mut filling) = (None, false);
        // A database that fails one batch leaves the calls of the others in flight: they end first.
        let mut lost = None;
        loop {
            failed = failed.or_else(|| connection.paused(self.clock.now()));
            while failed.is_none() && lost.is_none() && !alone.is_lost() && running.len() < connection.concurrency {
                match self.next(connection, &mut hand).await {
                    Ok(Next::Batch(due)) => {
                        let (id, links) = (self.id(), due.links.clone());
                        hand.begin(id, due);
                        let (connection, alone) = (Arc::clone(connection), Arc::clone(&alone));
                        let batch = Batch { pusher: self.clone(), connection, alone };
                        running.spawn(async move { (id, batch.run(links).await) });
                    }
                    Ok(Next::Nothing { fills }) => {
                        filling = fills;
                        break;
                    }
                    Err(error) => lost = Some(error),
                }
            }
            if running.is_empty() {
                break;
            }
            let ended = tokio::select! {
                ended = running.join_next() => ended,
                // Somebody has made more due.
                () = connection.asked() => {
                    hand.look_anew();
                    continue;
                }
            };
            let ended = match ended {
                Some(Ok((batch, ended))) => {
                    hand.end(batch);
                    ended
                }
                Some(Err(panic)) if panic.is_panic() => std::panic::resume_unwind(panic.into_panic()),
                Some(Err(_)) | None => Ok(()),
            };
            match ended {
                Ok(()) => {}
                Err(Stopped::Store(error)) => lost = lost.or(Some(error)),
                // What is paused is found so above.
                Err(Stopped::Crm(error)) => lost = lost.or(self.pause(connection, &error).await.err()),
            }
        }
        if let Some(error) = lost {
            return Err(error);
        }
        if alone.is_lost() {
            return Ok(PushEnd::Elsewhere);
        }
        if failed.is_none() {
            self.learn_time_zone(connection).await?;
        }
        let now = self.clock.now();
        // What the CRM is closed to may be due for long; the others must not wait for it.
        let closed = connection.closed_types(now).1.map(|(until, code)| (until.min(now.plus(LOOK)), code));
        let filling = filling.then(|| (now.plus(FILL / 4), "filling".to_owned()));
        Ok(failed.or(filling).map_or(PushEnd::Drained(closed), |(until, code)| PushEnd::Paused(until, code)))
    }

    /// How long a lease of links of this connection lasts.
    pub(crate) fn lease_time(&self, connection: &Connection) -> Duration {
        connection.connector.profile().call_timeout * 2 + self.margin
    }

    /// The links that are next.
    ///
    /// Of a type of which many batches are under way there are more only while nothing else is due:
    /// batches that wait for one budget must not keep those of another waiting. A list in hand fills its
    /// batches, and of those that are full one look finds several.
    async fn next(&self, connection: &Connection, hand: &mut Hand) -> Result<Next> {
        let (id, now) = (connection.id, self.clock.now());
        let closely = connection.looks_closely(now);
        if closely {
            self.store.expire_leases(now).await?;
        }
        let depth = if closely || hand.is_idle() { i64::MAX } else { DEPTH };
        let (closed, _) = connection.closed_types(now);
        let full = hand.full(connection.concurrency.div_ceil(2));
        if let Some(due) = hand.next_ready(&[closed.as_slice(), &full].concat()) {
            return Ok(Next::Batch(due));
        }
        hand.look_anew();
        let filled = connection.filled(now, FILL);
        let mut rounds = vec![full, Vec::new()];
        rounds.dedup();
        let profile = connection.connector.profile();
        // One call's worth.
        let batch = |remote_type: &str| profile.kind(remote_type).map_or(1, |kind| kind.batch).clamp(1, MOST);
        let (in_hand, most) = (hand.links(), |remote_type: &str| AHEAD * batch(remote_type));
        let (mut filling, mut found) = (Vec::new(), None);
        'found: for full in rounds {
            let mut not_now = [closed.clone(), full, filling.clone()].concat();
            while let Some(due) = self.store.due(id, now, &in_hand, &not_now, most, depth).await? {
                // More of a list are on their way while inputs are still to be read.
                let fills = due.lane == i64::from(Lane::Scheduled.number())
                    && due.links.len() < batch(&due.remote_type)
                    && !filled.contains(&due.remote_type)
                    && self.store.any_unread().await?;
                if !fills {
                    found = Some(due);
                    break 'found;
                }
                filling.push(due.remote_type.clone());
                not_now.push(due.remote_type);
            }
        }
        let fills = !filling.is_empty();
        connection.note_filling(filling, found.as_ref().map(|due| due.remote_type.as_str()), now);
        let Some(due) = found else { return Ok(Next::Nothing { fills }) };
        let size = batch(&due.remote_type);
        Ok(Next::Batch(hand.keep(due, size)))
    }

    /// A CRM that does not work waits at its connection, not on a hundred thousand links.
    pub(crate) async fn pause(&self, connection: &Connection, error: &CrmError) -> Result<(Time, String)> {
        let now = self.clock.now();
        let jitter = Duration::from_millis(fastrand::u64(0..500));
        let (state, wait) = match error {
            CrmError::Limited { bucket, retry_after } => {
                let wait = match retry_after {
                    Some(wait) => *wait,
                    None if *bucket == "daily" => self.rest_of_the_day(connection, now).await?,
                    None => Duration::from_secs(10),
                };
                ("waiting", wait)
            }
            CrmError::Unavailable { .. } | CrmError::TooBroad { .. } => {
                let doubled = DEAD * 2_u32.saturating_pow(connection.failed(now).min(16) - 1);
                let said = if let CrmError::Unavailable { retry_after, .. } = error { *retry_after } else { None };
                ("waiting", said.unwrap_or(doubled.min(LONGEST)))
            }
            CrmError::Reauthorise { .. } => {
                connection.forget_account();
                ("reauthorise", Duration::from_mins(1))
            }
            CrmError::Configuration { .. } | CrmError::Protocol { .. } => ("misconfigured", Duration::from_mins(1)),
            // The links themselves say when to look. Once is a line that broke; the next batches may go on.
            CrmError::Unknown { .. } => {
                let others = connection.failed(now).min(16) - 1;
                let wait = if others < BROKEN { Duration::ZERO } else { DEAD * 2_u32.pow(others - BROKEN) };
                ("waiting", wait.min(LONGEST))
            }
            CrmError::BatchRefused { .. } => ("ready", Duration::ZERO),
        };
        let until = now.plus(wait + jitter);
        let code = error.code().to_owned();
        debug!(connection.id = %connection.id, state, code, "the CRM does not answer as hoped");
        if wait > Duration::ZERO {
            connection.pause(until, &code);
            if let CrmError::Limited { bucket, .. } = error {
                // The other processes must not try it, either.
                let (id, bucket) = (connection.id, *bucket);
                self.store.write(async move |tx| tx.block_budget(id, bucket, until).await).await?;
            }
            self.note_state(connection, state, &code, reason(error), until).await?;
        }
        Ok((until, code))
    }

    /// Writes down that a connection does not work, and why; the same is not said over and over.
    pub(crate) async fn note_state(
        &self,
        connection: &Connection,
        state: &'static str,
        code: &str,
        reason: Option<String>,
        until: Time,
    ) -> Result<()> {
        if !connection.is_news(state, code, until) {
            return Ok(());
        }
        if state != "waiting" {
            warn!(connection.id = %connection.id, state, code, "the CRM refuses to work with this connection");
        }
        let (id, code) = (connection.id, code.to_owned());
        let reason = reason.map(|text| nobodys(&text));
        self.store
            .write(async move |tx| tx.set_connection_state(id, state, Some(&code), reason.as_deref(), until).await)
            .await
    }

    /// A write came through: the connection works, but for the types that wait.
    pub(crate) async fn note_ready(&self, connection: &Connection) -> Result<()> {
        connection.worked();
        let now = self.clock.now();
        if connection.closed_types(now).1.is_some()
            || connection.has_closed_lookups(now)
            || !connection.is_news("ready", "", Time(0))
        {
            return Ok(());
        }
        let id = connection.id;
        self.store.write(async move |tx| tx.set_connection_ready(id).await.map(|_| ())).await
    }

    pub(crate) fn id(&self) -> Uuid {
        self.clock.id()
    }
}

/// A CRM's words without addresses: what is noted of a connection is about nobody.
fn nobodys(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace);
    words.map(|word| if word.contains('@') { "… " } else { word }).collect::<String>().trim_end().to_owned()
}

fn reason(error: &CrmError) -> Option<String> {
    match error {
        CrmError::Configuration { message, .. } => Some(message.clone()),
        CrmError::Reauthorise { .. } => Some("the CRM rejected the credentials; connect again".into()),
        _ => None,
    }
}
