//! Webhooks: the one contract between the door for them and whoever understands them.

mod counts;

pub use counts::Counts;
pub use mittler_connector::RawHook;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use mittler_connector::{HookEvent, NotAuthentic};
use mittler_core::{
    Time,
    job::{Lane, Task},
};
use mittler_store::{Clock, Store, derived_id, jobs::NewJob, parked::ParkedHook};
use tracing::{debug, warn};
use uuid::Uuid;

use crate::{
    connections::{Connection, Connections},
    mode::Mode,
};

/// What the sender of a hook is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookReply {
    pub status: u16,
    pub content_type: Option<&'static str>,
    pub body: String,
}

/// Authenticates a hook, makes what it tells durable, and says what to answer.
#[async_trait]
pub trait HookReceiver: Send + Sync {
    /// `connection` is the name in the path, `secret` the part of the path after it.
    async fn receive(&self, connection: &str, secret: &str, hook: RawHook, now: Time) -> HookReply;

    /// Takes the parked events of accounts that have a connection now; gives their number.
    async fn repeat(&self, now: Time) -> mittler_store::Result<u64>;
}

/// The receiver for the connections of this process.
#[derive(Clone)]
pub struct Hooks {
    pub store: Store,
    pub clock: Clock,
    pub connections: Connections,
    /// Called after a commit that brought work.
    pub accepted: Arc<dyn Fn() + Send + Sync>,
    pub counts: Counts,
}

#[async_trait]
impl HookReceiver for Hooks {
    async fn receive(&self, connection: &str, secret: &str, mut hook: RawHook, now: Time) -> HookReply {
        secret.clone_into(&mut hook.path_secret);
        let known = self.connections.named(connection);
        let told = known.as_ref().map(|connection| connection.connector.receive(&hook, now));
        // Whatever the cause - no such connection, a wrong signature, an old one - the answer is
        // the same.
        let (Some(connection), Some(Ok(told))) = (&known, &told) else {
            self.refused(known.as_deref(), told.and_then(Result::err), now);
            return HookReply { status: 401, content_type: None, body: String::new() };
        };
        let told = told.clone();
        // What is off is not asked whose it is, either: its events wait as those of the account that they name.
        let account = match connection.mode {
            Mode::Off => Ok(told.events.first().map_or("", |event| &event.account)),
            _ => connection.account_of_hooks().await,
        };
        let Ok(account) = account.map(str::to_owned) else {
            // Whose events these are cannot be told now: the vendor sends them again.
            return HookReply { status: 503, content_type: None, body: String::new() };
        };
        let (ours, foreign): (Vec<HookEvent>, Vec<HookEvent>) =
            told.events.into_iter().partition(|event| event.account == account);
        match self.take(connection, ours, foreign, now).await {
            Ok(()) => {
                self.counts.taken(connection.id, &self.store, now);
                (self.accepted)();
                let (content_type, body) = told.answer.map_or((None, String::new()), |(kind, body)| (Some(kind), body));
                HookReply { status: 200, content_type, body }
            }
            // A fault of ours: the vendor sends it again.
            Err(_) => HookReply { status: 503, content_type: None, body: String::new() },
        }
    }

    async fn repeat(&self, now: Time) -> mittler_store::Result<u64> {
        let (mut after, mut taken) = (Uuid::nil(), 0);
        loop {
            let page = self.store.parked_hooks(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            let mut by_account: BTreeMap<(String, String), Vec<ParkedHook>> = BTreeMap::new();
            for parked in page {
                by_account.entry((parked.crm.clone(), parked.account.clone())).or_default().push(parked);
            }
            for ((crm, account), parked) in by_account {
                let Some(home) = self.home(&crm, &account).await.filter(|home| home.mode.takes()) else { continue };
                let ids: Vec<Uuid> = parked.iter().map(|parked| parked.id).collect();
                let events: Vec<HookEvent> = parked.into_iter().map(event).collect();
                let jobs = Self::jobs(&home, &events, now);
                taken += self
                    .store
                    .write(async move |tx| {
                        tx.put_jobs(&jobs).await?;
                        tx.unpark_hooks(&ids).await
                    })
                    .await?;
            }
        }
        if taken > 0 {
            (self.accepted)();
        }
        Ok(taken)
    }
}

fn park(crm: &str, event: HookEvent, code: &str, now: Time) -> ParkedHook {
    ParkedHook {
        id: derived_id(&[b"parked", crm.as_bytes(), event.account.as_bytes(), event.key.as_bytes()]),
        crm: crm.to_owned(),
        account: event.account,
        remote_type: event.remote_type,
        remote_id: event.id,
        event: event.key,
        event_at: event.at.0,
        parked_at: now.0,
        code: code.to_owned(),
        erased: i64::from(event.erased),
    }
}

fn event(parked: ParkedHook) -> HookEvent {
    HookEvent {
        account: parked.account,
        key: parked.event,
        remote_type: parked.remote_type,
        id: parked.remote_id,
        at: Time(parked.event_at),
        deleted: false,
        erased: parked.erased != 0,
        own_echo: false,
    }
}

/// Parked events that are looked at in one go.
const PAGE: i64 = 500;
/// Why an event is parked: nobody has connected its account, or the connection takes nothing for now.
const NO_CONNECTION: &str = "no_connection_of_account";
const NOT_TAKEN: &str = "mode_takes_nothing";

impl Hooks {
    /// Says once why a connection's webhooks are refused, and counts them from then on. Of names that are no
    /// connection's nothing is kept: anybody can make them up.
    fn refused(&self, connection: Option<&Connection>, cause: Option<NotAuthentic>, now: Time) {
        let Some((connection, cause)) = connection.zip(cause) else {
            debug!("a webhook for a connection that is not configured was refused");
            return;
        };
        if self.counts.refused(connection.id, cause, &self.store, now) {
            warn!(
                connection = connection.name,
                cause = cause.code(),
                "webhooks of this connection are refused: {cause}; further ones are counted, see `mittler doctor`"
            );
        }
    }

    /// What belongs to another connection of ours is that one's; what belongs to none is parked.
    async fn take(
        &self,
        connection: &Connection,
        ours: Vec<HookEvent>,
        foreign: Vec<HookEvent>,
        now: Time,
    ) -> mittler_store::Result<()> {
        let (mut jobs, mut parked) = (Vec::new(), Vec::new());
        let crm = connection.connector.profile().name;
        if connection.mode.takes() {
            jobs = Self::jobs(connection, &ours, now);
        } else {
            // Deletions are told by hooks alone: they come again with the mode.
            parked
                .extend(ours.into_iter().filter(|event| !event.own_echo).map(|event| park(crm, event, NOT_TAKEN, now)));
        }
        let mut by_account: BTreeMap<String, Vec<HookEvent>> = BTreeMap::new();
        for event in foreign.into_iter().filter(|event| !event.own_echo) {
            by_account.entry(event.account.clone()).or_default().push(event);
        }
        for (account, events) in by_account {
            if let Some(home) = self.home(crm, &account).await.filter(|home| home.mode.takes()) {
                jobs.extend(Self::jobs(&home, &events, now));
                continue;
            }
            warn!(connection.id = %connection.id, events = events.len(), %account, "webhook events of an account without a connection are parked");
            parked.extend(events.into_iter().map(|event| park(crm, event, NO_CONNECTION, now)));
        }
        self.store
            .write(async move |tx| {
                tx.park_hooks(&parked).await?;
                tx.put_jobs(&jobs).await
            })
            .await
    }

    /// The connection of an account. One whose account cannot be told now counts as none: what is
    /// parked can be taken later.
    async fn home(&self, crm: &str, account: &str) -> Option<Arc<Connection>> {
        for connection in self.connections.all() {
            if connection.connector.profile().name == crm
                && connection.account_of_hooks().await.is_ok_and(|known| known == account)
            {
                return Some(connection);
            }
        }
        None
    }

    /// One job per remote type, for the ids that were told of, also of records that went or became
    /// others: the read tells what they are now; but of who was erased there only the event tells. Echoes of our own writes are left out; a read would
    /// find nothing new in them. A repeated delivery adds nothing to the job that still waits.
    fn jobs(connection: &Connection, events: &[HookEvent], now: Time) -> Vec<NewJob> {
        #[derive(Default)]
        struct Hint<'e> {
            ids: BTreeSet<String>,
            keys: BTreeSet<&'e str>,
            at: Time,
            since: Option<Time>,
        }
        let (connection, read_after) = (connection.id, connection.connector.profile().read_after);
        let mut by_type: BTreeMap<(bool, &str), Hint<'_>> = BTreeMap::new();
        for event in events.iter().filter(|event| !event.own_echo || event.erased) {
            let hint = by_type.entry((event.erased, &event.remote_type)).or_default();
            hint.ids.insert(event.id.clone());
            hint.keys.insert(&event.key);
            hint.at = hint.at.max(event.at);
            hint.since = Some(hint.since.map_or(event.at, |since| since.min(event.at)));
        }
        by_type
            .into_iter()
            .map(|((erased, remote_type), Hint { ids, keys, at: not_before, since })| {
                let mut named: Vec<&[u8]> = vec![&b"hook"[..], connection.0.as_bytes(), remote_type.as_bytes()];
                named.extend(keys.into_iter().map(str::as_bytes));
                let id = derived_id(&named);
                let (remote_type, ids) = (remote_type.to_owned(), ids.into_iter().collect());
                let task = if erased {
                    Task::Erased { connection, remote_type, ids }
                } else {
                    Task::Read { connection, remote_type, ids, not_before, since }
                };
                NewJob::new(id, task, Lane::Interactive, now.plus(read_after), now)
            })
            .collect()
    }
}
