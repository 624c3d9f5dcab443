//! The connections of this process: what each CRM account can do, how it is mapped, and what is
//! known of it for now.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use mittler_connector::{Connector, Key, KeyForm};
use mittler_core::{ConnectionId, RemoteSchema, Time, mapping::Mapping};
use serde::{Deserialize, Serialize};

/// What may be written to a CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing is planned or written; what is due waits.
    Off,
    /// Everything is planned and shown; nothing is written.
    DryRun,
    /// Only new records.
    CreateOnly,
    /// Only records that the CRM has.
    UpdateOnly,
    /// Only fields that are empty in the CRM.
    FillEmpty,
    #[default]
    Full,
}

impl Mode {
    pub fn parse(name: &str) -> Option<Mode> {
        serde_json::from_value(name.into()).ok()
    }

    pub fn name(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::DryRun => "dry_run",
            Mode::CreateOnly => "create_only",
            Mode::UpdateOnly => "update_only",
            Mode::FillEmpty => "fill_empty",
            Mode::Full => "full",
        }
    }
}

/// How long a schema or an owner is believed.
const BELIEVED: Duration = Duration::from_hours(1);

/// One CRM account.
pub struct Connection {
    pub id: ConnectionId,
    pub name: String,
    pub mode: Mode,
    pub mapping: Mapping,
    pub connector: Arc<dyn Connector>,
    /// Batches that are under way at once.
    pub concurrency: usize,
    schemas: Mutex<HashMap<String, (Time, Arc<RemoteSchema>)>>,
    owners: Mutex<HashMap<String, (Time, Option<String>)>>,
    /// Owners by remote id.
    owner_names: Mutex<HashMap<String, (Time, Option<String>)>>,
    paused: Mutex<Option<(Time, String)>>,
    /// Held by whoever pushes: one drain of a connection in one process is enough.
    pushing: tokio::sync::Mutex<()>,
    /// Held by whoever pulls: two at once would read the same.
    pulling: tokio::sync::Mutex<()>,
    account: tokio::sync::OnceCell<String>,
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
            schemas: Mutex::default(),
            owners: Mutex::default(),
            owner_names: Mutex::default(),
            paused: Mutex::default(),
            pushing: tokio::sync::Mutex::default(),
            pulling: tokio::sync::Mutex::default(),
            account: tokio::sync::OnceCell::new(),
        }
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

    /// The account that the credentials belong to; asked for once.
    pub async fn account(&self) -> mittler_connector::Result<&str> {
        self.account.get_or_try_init(|| self.connector.account()).await.map(String::as_str)
    }

    /// Nobody calls this CRM before then, and why.
    pub fn paused(&self, now: Time) -> Option<(Time, String)> {
        locked(&self.paused).clone().filter(|(until, _)| *until > now)
    }

    pub fn pause(&self, until: Time, code: &str) {
        *locked(&self.paused) = Some((until, code.to_owned()));
    }

    /// The right to push, unless somebody in this process has it.
    pub fn try_push(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        self.pushing.try_lock().ok()
    }

    /// The right to pull, unless somebody in this process has it.
    pub fn try_pull(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        self.pulling.try_lock().ok()
    }

    pub fn resume(&self) {
        *locked(&self.paused) = None;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
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
