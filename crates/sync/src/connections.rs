//! The connections of this process: what each CRM account can do, how it is mapped, and what is
//! known of it for now.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use mittler_connector::{Account, Connector, Key, KeyForm};
use mittler_core::{ConnectionId, LinkId, RemoteSchema, Time, mapping::Mapping};
use mittler_store::connections::ConnectionState;

use crate::{bounds::Bounds, mode::Mode};

/// How long a schema or an owner is believed.
const BELIEVED: Duration = Duration::from_hours(1);

/// How often all that is due is looked at, and leases that are over are looked for.
const CLOSELY: Duration = Duration::from_secs(1);

/// How many people that were created are remembered; of those before them it is looked what hangs on them.
const CREATED: usize = 100_000;

/// How far a CRM's clock and ours stand apart before ours counts as wrong.
const APART: Duration = Duration::from_secs(30);

/// One CRM account.
pub struct Connection {
    pub id: ConnectionId,
    pub name: String,
    pub mode: Mode,
    pub mapping: Mapping,
    pub connector: Arc<dyn Connector>,
    /// Batches that are under way at once.
    pub concurrency: usize,
    /// What it is for.
    pub bounds: Bounds,
    schemas: Mutex<HashMap<String, (Time, Arc<RemoteSchema>)>>,
    owners: Mutex<HashMap<String, (Time, Option<String>)>>,
    /// Owners by remote id.
    owner_names: Mutex<HashMap<String, (Time, Option<String>)>>,
    paused: Mutex<Option<(Time, String)>>,
    /// Remote types that the CRM does not let us write for now, until when, and why.
    closed: Mutex<HashMap<String, (Time, String)>>,
    /// Fields by type that the mapping writes and the CRM did not describe.
    absent: Mutex<HashMap<String, BTreeSet<String>>>,
    /// Whether it is known which types have records that wait for such fields.
    absent_known: AtomicBool,
    /// Forms of look-up that take the CRM too long, until when they are left.
    pub(crate) closed_lookups: Mutex<HashMap<(String, KeyForm), Time>>,
    /// People that this process has created there: what hangs on them it has told as well.
    created: Mutex<HashSet<LinkId>>,
    /// The last retry by a person that this process heard of.
    retried_at: AtomicI64,
    /// Microseconds that the CRM's clock is ahead of ours, if that is a fault of ours.
    ahead: AtomicI64,
    /// The state that was last written down, and until when it lasts.
    noted: Mutex<Option<(ConnectionState, String, Time)>>,
    /// Calls in a row that found the CRM dead.
    failures: AtomicU32,
    /// Whose credentials these must be.
    expected_account: Option<String>,
    account_known: AtomicBool,
    /// Remote types of which less than a batch is due while more is on its way, and since when.
    filling: Mutex<HashMap<String, Time>>,
    /// When all that is due was looked at.
    looked: Mutex<Option<Time>>,
    /// Held by whoever pulls: two at once would read the same.
    pulling: tokio::sync::Mutex<()>,
    account: tokio::sync::OnceCell<Account>,
    /// In which the account's days begin.
    time_zone: Mutex<Option<String>>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Connection {
    pub fn new(
        id: ConnectionId,
        name: String,
        mode: Mode,
        mapping: Mapping,
        connector: Arc<dyn Connector>,
    ) -> Connection {
        let concurrency = connector.profile().concurrency.max(1);
        Connection {
            id,
            name,
            mode,
            mapping,
            connector,
            concurrency,
            bounds: Bounds::default(),
            schemas: Mutex::default(),
            owners: Mutex::default(),
            owner_names: Mutex::default(),
            paused: Mutex::default(),
            closed: Mutex::default(),
            absent: Mutex::default(),
            absent_known: AtomicBool::new(false),
            closed_lookups: Mutex::default(),
            created: Mutex::default(),
            retried_at: AtomicI64::new(0),
            ahead: AtomicI64::new(0),
            noted: Mutex::default(),
            failures: AtomicU32::new(0),
            expected_account: None,
            account_known: AtomicBool::new(false),
            filling: Mutex::default(),
            looked: Mutex::default(),
            pulling: tokio::sync::Mutex::default(),
            account: tokio::sync::OnceCell::new(),
            time_zone: Mutex::default(),
        }
    }

    /// The account that the credentials must belong to: an organisation's or portal's id.
    #[must_use]
    pub fn expecting(mut self, account: Option<String>) -> Connection {
        self.expected_account = account;
        self
    }

    /// What the connection is for; without it, for all.
    #[must_use]
    pub fn bounded(mut self, bounds: Bounds) -> Connection {
        self.bounds = bounds;
        self
    }

    /// Makes sure that the credentials belong to the account that was configured: asked once, and
    /// anew after they were rejected.
    ///
    /// # Errors
    /// If they belong to another one, or the CRM does not answer.
    pub async fn check_account(&self) -> mittler_connector::Result<()> {
        let Some(expected) = &self.expected_account else { return Ok(()) };
        if self.account_known.load(Ordering::Acquire) {
            return Ok(());
        }
        let account = self.connector.account().await?;
        if *expected != account.id {
            let message = format!(
                "the credentials belong to account {}, but the connection is configured for {expected}; \
                 nothing is read or written until one of them is put right",
                account.id
            );
            return Err(mittler_connector::Error::Configuration { code: WRONG_ACCOUNT.into(), message });
        }
        // Whoever asked before has the same.
        _ = self.account.set(account);
        self.account_known.store(true, Ordering::Release);
        Ok(())
    }

    /// The credentials may be another account's from now on.
    pub(crate) fn forget_account(&self) {
        self.account_known.store(false, Ordering::Release);
    }

    /// Nothing of this remote type is written before then, and why.
    pub(crate) fn close_type(&self, remote_type: &str, until: Time, code: &str) {
        locked(&self.closed).insert(remote_type.to_owned(), (until, code.to_owned()));
    }

    /// The remote types that wait, and the first of them to go on.
    pub fn closed_types(&self, now: Time) -> (Vec<String>, Option<(Time, String)>) {
        let mut closed = locked(&self.closed);
        closed.retain(|_, (until, _)| *until > now);
        let first = closed.values().min().cloned();
        (closed.keys().cloned().collect(), first)
    }

    /// This process has created a person there.
    pub(crate) fn note_created(&self, person: LinkId) {
        let mut created = locked(&self.created);
        if created.len() >= CREATED {
            created.clear();
        }
        created.insert(person);
    }

    /// Whether all that Mittler ever told of a person there is known to be in this database. Of somebody whom this
    /// process did not create there, a database that was lost or put back may have told more.
    pub(crate) fn has_created(&self, person: LinkId) -> bool {
        locked(&self.created).contains(&person)
    }

    /// A person asked at that time that the connection be tried at once: whatever this process holds against its
    /// CRM from before, or believes of it, is forgotten.
    pub(crate) fn hear_of_retry(&self, at: i64) {
        if self.retried_at.fetch_max(at, Ordering::AcqRel) >= at {
            return;
        }
        *locked(&self.paused) = None;
        locked(&self.closed).clear();
        locked(&self.closed_lookups).clear();
        locked(&self.schemas).clear();
        locked(&self.owners).clear();
        locked(&self.owner_names).clear();
        self.worked();
        self.forget_noted();
    }

    /// When a person last asked that, as far as this process has heard.
    pub(crate) fn retried(&self) -> i64 {
        self.retried_at.load(Ordering::Acquire)
    }

    /// Notes what time it was in the CRM, at least, at a moment of our clock.
    pub(crate) fn note_its_time(&self, its: Time, ours: Time) {
        let ahead = its.since(ours);
        let ahead = if ahead > APART { i64::try_from(ahead.as_micros()).unwrap_or(0) } else { 0 };
        self.ahead.store(ahead, Ordering::Relaxed);
    }

    /// A moment by the CRM's clock, if ours is far behind it: what changed there is no older for that.
    pub(crate) fn in_its_time(&self, ours: Time) -> Time {
        Time(ours.0.saturating_add(self.ahead.load(Ordering::Relaxed)))
    }

    /// One more call found the CRM dead; gives how many there were in a row. Those that were under way when it
    /// was left alone found nothing new.
    pub(crate) fn failed(&self, now: Time) -> u32 {
        one_more(&self.failures, self.paused(now).is_some())
    }

    pub(crate) fn worked(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }

    /// Whether a state has to be written down: it is another one, or lasts longer than was said. A
    /// pause is told at once, because the other processes pause_on_error it.
    pub(crate) fn is_news(&self, state: ConnectionState, code: &str, until: Time) -> bool {
        let slack = if state == ConnectionState::Waiting { Duration::from_secs(1) } else { Duration::from_mins(1) };
        let mut noted = locked(&self.noted);
        let known = noted.as_ref().is_some_and(|(a, b, said)| {
            *a == state && b == code && (state == ConnectionState::Ready || until <= said.plus(slack))
        });
        if !known {
            *noted = Some((state, code.to_owned(), until));
        }
        !known
    }

    /// What this process wrote down last no longer stands: somebody else's note is in its place.
    pub(crate) fn forget_noted(&self) {
        *locked(&self.noted) = None;
    }

    /// Notes which fields a type lacks.
    pub(crate) fn note_absent(&self, remote_type: &str, fields: &BTreeSet<String>) {
        let mut absent = locked(&self.absent);
        if fields.is_empty() {
            absent.remove(remote_type)
        } else {
            absent.insert(remote_type.to_owned(), fields.clone())
        };
    }

    /// The types that lack fields; of one that was only told of by the database, which is not known.
    pub(crate) fn lacking(&self) -> Vec<(String, BTreeSet<String>)> {
        locked(&self.absent).iter().map(|(remote_type, fields)| (remote_type.clone(), fields.clone())).collect()
    }

    /// Whether it is the first time that this is asked.
    pub(crate) fn asks_for_absent_first(&self) -> bool {
        !self.absent_known.swap(true, Ordering::AcqRel)
    }

    /// The description may be old: the next who needs it asks for it.
    pub(crate) fn forget_schema(&self, remote_type: &str) {
        locked(&self.schemas).remove(remote_type);
    }

    /// The CRM's description of a type, asked for at most once an hour.
    pub async fn schema(&self, remote_type: &str, now: Time) -> mittler_connector::Result<Arc<RemoteSchema>> {
        let known = locked(&self.schemas).get(remote_type).cloned();
        if let Some((_, schema)) = known.filter(|(at, _)| now.since(*at) < BELIEVED) {
            return Ok(schema);
        }
        let schema = Arc::new(self.connector.describe(remote_type).await?);
        locked(&self.schemas).insert(remote_type.to_owned(), (now, Arc::clone(&schema)));
        Ok(schema)
    }

    /// The remote ids of owners, by e-mail address or name of a queue; `None` for those that the
    /// CRM does not have, or that this remote type cannot take.
    pub async fn owners(
        &self,
        remote_type: &str,
        wanted: &[String],
        now: Time,
    ) -> mittler_connector::Result<HashMap<String, String>> {
        let mut found = HashMap::new();
        for lookup in &self.connector.profile().owners {
            if lookup.only_for.is_some_and(|only| only != remote_type) {
                continue;
            }
            let mut ask = Vec::new();
            for name in wanted.iter().filter(|name| (lookup.key == KeyForm::Email) == name.contains('@')) {
                let known = locked(&self.owners).get(name).cloned();
                match known.filter(|(at, _)| now.since(*at) < BELIEVED) {
                    Some((_, Some(id))) => _ = found.insert(name.clone(), id),
                    Some((_, None)) => {}
                    None => ask.push(name.clone()),
                }
            }
            ask.sort();
            ask.dedup();
            if ask.is_empty() {
                continue;
            }
            let keys: Vec<Key> = ask
                .iter()
                .map(|name| {
                    if lookup.key == KeyForm::Email { Key::Email(name.to_lowercase()) } else { Key::Name(name.clone()) }
                })
                .collect();
            let records = self.connector.read(lookup.remote_type, &keys, &[]).await?;
            for (name, key) in ask.iter().zip(&keys) {
                let id =
                    records.iter().find(|record| record.key == *key && !record.gone).map(|record| record.id.clone());
                locked(&self.owners).insert(name.clone(), (now, id.clone()));
                if let Some(id) = id {
                    found.insert(name.clone(), id);
                }
            }
        }
        Ok(found)
    }

    /// The CRM refused an owner whom it had: somebody left. Until they are asked for again nothing is theirs.
    pub(crate) fn note_owner_left(&self, id: &str, now: Time) -> bool {
        let mut owners = locked(&self.owners);
        let people = owners.iter_mut().filter(|(name, _)| name.contains('@'));
        let left: Vec<_> = people.filter(|(_, (_, known))| known.as_deref() == Some(id)).collect();
        let known = !left.is_empty();
        for (_, entry) in left {
            *entry = (now, None);
        }
        known
    }

    /// The e-mail addresses of owners, by their remote ids; without those that the CRM does not
    /// show.
    pub async fn owner_names(&self, ids: &[String], now: Time) -> mittler_connector::Result<HashMap<String, String>> {
        let mut found = HashMap::new();
        let people = self.connector.profile().owners.iter().find(|lookup| lookup.key == KeyForm::Email);
        let Some(lookup) = people.filter(|_| !ids.is_empty()) else { return Ok(found) };
        let mut ask = Vec::new();
        for id in ids {
            let known = locked(&self.owner_names).get(id).cloned();
            match known.filter(|(at, _)| now.since(*at) < BELIEVED) {
                Some((_, Some(name))) => _ = found.insert(id.clone(), name),
                Some((_, None)) => {}
                None => ask.push(id.clone()),
            }
        }
        ask.sort();
        ask.dedup();
        if ask.is_empty() {
            return Ok(found);
        }
        let keys: Vec<Key> = ask.iter().cloned().map(Key::Id).collect();
        let records = self.connector.read(lookup.remote_type, &keys, &[lookup.name_field.to_owned()]).await?;
        for (id, key) in ask.into_iter().zip(&keys) {
            let record = records.iter().find(|record| record.key == *key);
            let name = record.and_then(|record| record.fields.text(lookup.name_field)).map(str::to_lowercase);
            locked(&self.owner_names).insert(id.clone(), (now, name.clone()));
            if let Some(name) = name {
                found.insert(id, name);
            }
        }
        Ok(found)
    }

    /// The account whose webhooks are this connection's: the configured one, so that no CRM need answer for them
    /// to be taken.
    pub async fn account_of_hooks(&self) -> mittler_connector::Result<&str> {
        match &self.expected_account {
            Some(expected) => Ok(expected),
            None => self.account().await,
        }
    }

    /// The account that the credentials belong to; asked for once.
    pub async fn account(&self) -> mittler_connector::Result<&str> {
        self.whole_account().await.map(|account| account.id.as_str())
    }

    async fn whole_account(&self) -> mittler_connector::Result<&Account> {
        self.account.get_or_try_init(|| self.connector.account()).await
    }

    /// The account's time zone, as this process knows it.
    pub(crate) fn time_zone(&self) -> Option<String> {
        locked(&self.time_zone).clone()
    }

    pub(crate) fn set_time_zone(&self, name: String) {
        *locked(&self.time_zone) = Some(name);
    }

    /// The same, as the CRM tells it. Asked for once; an account that was asked for before is not
    /// asked again.
    pub(crate) async fn ask_time_zone(&self) -> Option<String> {
        self.whole_account().await.ok()?.time_zone.clone()
    }

    pub(crate) fn is_account_told(&self) -> bool {
        self.account.initialized()
    }

    /// Nobody calls this CRM before then, and why.
    pub fn paused(&self, now: Time) -> Option<(Time, String)> {
        locked(&self.paused).clone().filter(|(until, _)| *until > now)
    }

    pub fn pause(&self, until: Time, code: &str) {
        *locked(&self.paused) = Some((until, code.to_owned()));
    }

    /// Whether it is time to look at all that is due, and for leases that are over: now and then is often
    /// enough.
    pub(crate) fn looks_closely(&self, now: Time) -> bool {
        let mut looked = locked(&self.looked);
        // One that lies ahead is of before the clock was put back.
        let due = looked.is_none_or(|looked| now < looked || now >= looked.plus(CLOSELY));
        if due {
            *looked = Some(now);
        }
        due
    }

    /// Remote types of which a batch has waited so long to be filled; or since a time that is still to come, before
    /// the clock was put back.
    pub(crate) fn filled(&self, now: Time, fill: Duration) -> Vec<String> {
        let filling = locked(&self.filling);
        let over = |begun: Time| begun > now || now.since(begun) >= fill;
        filling.iter().filter(|(_, begun)| over(**begun)).map(|(remote_type, _)| remote_type.clone()).collect()
    }

    /// Notes of which types a batch waits to be filled, and of which one has just gone.
    pub(crate) fn note_filling(&self, waits: Vec<String>, gone: Option<&str>, now: Time) {
        let mut filling = locked(&self.filling);
        filling.retain(|remote_type, _| Some(remote_type.as_str()) != gone);
        for remote_type in waits {
            filling.entry(remote_type).or_insert(now);
        }
    }

    /// The right to pull, unless somebody in this process has it.
    pub fn try_pull(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        self.pulling.try_lock().ok()
    }
}

/// Calls that failed together are one failure: only the first finds the CRM not left alone yet.
fn one_more(failures: &AtomicU32, is_paused: bool) -> u32 {
    if is_paused { failures.load(Ordering::Relaxed).max(1) } else { failures.fetch_add(1, Ordering::Relaxed) + 1 }
}

/// The code of credentials that belong to somebody else.
pub(crate) const WRONG_ACCOUNT: &str = "wrong_account";

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All connections of this process; they come and go at run time.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<RwLock<Vec<Arc<Connection>>>>);

impl Connections {
    pub fn new(connections: Vec<Connection>) -> Connections {
        Connections(Arc::new(RwLock::new(connections.into_iter().map(Arc::new).collect())))
    }

    pub fn all(&self) -> Vec<Arc<Connection>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn get(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        self.all().into_iter().find(|connection| connection.id == id)
    }

    pub fn named(&self, name: &str) -> Option<Arc<Connection>> {
        self.all().into_iter().find(|connection| connection.name == name)
    }

    /// Adds a connection, or puts it in the place of the one with its id.
    pub fn put(&self, connection: Connection) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| known.id != connection.id);
        all.push(Arc::new(connection));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_fail_together_lengthen_the_pause_once() {
        let failures = AtomicU32::new(0);
        let together: Vec<u32> = [false, true, true, true].map(|paused| one_more(&failures, paused)).into();
        assert_eq!(together, [1; 4]);
        assert_eq!(one_more(&failures, false), 2);
    }
}
