//! The CRM itself, in memory. It has
//! - an own key that is not unique, and a search that shows a record only after a while: a repeated create is a second
//!   record;
//! - batches of one, and batches that are refused as a whole for one bad row, which is not named;
//! - one journal of all types behind an opaque cursor that expires;
//! - no tombstones: what is deleted and what is hidden is not shown;
//! - hooks that come before the change is committed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use mittler_connector::{
    Account, Change, ChangePage, Connector, Cursor, Error, Feed, Histories, HookEvent, Key, KeyForm, KindProfile,
    NotAuthentic, Outcome, OwnKey, Profile, RawHook, Received, RemoteRecord, Result, RowResult, SetupStep, SetupWish,
    Write,
};
use mittler_core::{
    Kind, RemoteFields, RemoteSchema, Time, Value, mapping::Mapping, remote::RemoteField, remote::RemoteType,
};
use mittler_store::Clock;
use mittler_sync::{Connection, Mode, hooks::HookReceiver as _};

use crate::stories::world::{SALESFORCE, World};

/// How long searches do not show what was written.
const LAG: Duration = Duration::from_secs(4);
/// How long after its hook a change is committed.
const COMMIT: Duration = Duration::from_secs(2);
const LONGEST_NAME: usize = 20;
const ACCOUNT: &str = "ledger-7";
const SECRET: &str = "unguessable";

const MAPPING: &str = r#"
[[object]]
kind = "organisation"
remote = "firms"
[object.fields.title]
from = "name"

[[object]]
kind = "person"
remote = "people"
[object.fields.mail]
from = "emails"
[object.fields.given]
from = "first_name"
[object.fields.family]
from = "last_name"
[object.fields.role]
from = "position"
[object.fields.firm]
ref = "organisation"

[[object]]
kind = "activity"
remote = "tasks"
when = "activity_type:task"
[object.fields.subject]
from = "subject"
[object.fields.who]
ref = "person"
create_only = true
"#;

const FIELDS: [(&str, &[&str]); 3] = [
    ("firms", &["title", "ref"]),
    ("people", &["mail", "given", "family", "role", "firm", "ref"]),
    ("tasks", &["subject", "who"]),
];

#[derive(Clone)]
struct Row {
    /// The fields, and since when they are what they are: the last one that is committed counts.
    states: Vec<(Time, RemoteFields)>,
    hidden: bool,
}

impl Row {
    fn at(&self, now: Time) -> Option<(Time, &RemoteFields)> {
        self.states.iter().rev().find(|(since, _)| *since <= now).map(|(since, fields)| (*since, fields))
    }
}

#[derive(Default)]
struct State {
    rows: BTreeMap<(String, String), Row>,
    journal: Vec<(Time, String, String)>,
    /// Raised when the journal was cut: cursors of before mean nothing.
    age: u64,
    losing: BTreeMap<String, u32>,
    lost: usize,
    writes: usize,
}

pub struct Crm {
    profile: Profile,
    clock: Clock,
    state: Mutex<State>,
}

/// Connects it in the place of Salesforce.
pub fn connect(world: &World) -> Arc<Crm> {
    let crm = Arc::new(Crm { profile: profile(), clock: world.clock.clone(), state: Mutex::default() });
    let mapping = Mapping::parse(MAPPING).unwrap();
    let connector: Arc<dyn Connector> = Arc::new(Shared(Arc::clone(&crm)));
    let connection = Connection::new(world.id(SALESFORCE), SALESFORCE.into(), Mode::Full, mapping, connector);
    world.connections.put(connection.expecting(Some(ACCOUNT.into())));
    crm
}

fn profile() -> Profile {
    let kind = |kind, remote_type: &str, own_key, keys: &[KeyForm], batch| KindProfile {
        kind,
        remote_type: remote_type.into(),
        own_key,
        keys: keys.to_vec(),
        batch,
        updatable: true,
        paired: false,
    };
    let own = || OwnKey::Searchable("ref".into());
    Profile {
        name: "ledger",
        kinds: vec![
            kind(Kind::Organisation, "firms", own(), &[KeyForm::Id, KeyForm::Own, KeyForm::Name], 1),
            kind(Kind::Person, "people", own(), &[KeyForm::Id, KeyForm::Own, KeyForm::Email], 10),
            kind(Kind::Activity, "tasks", OwnKey::None, &[KeyForm::Id, KeyForm::Parent], 1),
        ],
        feeds: vec![Feed { name: "journal".into(), remote_types: vec!["firms".into(), "people".into()] }],
        stamp_resolution: Duration::from_millis(1),
        history: None,
        visibility_lag: LAG,
        read_after: COMMIT + Duration::from_secs(1),
        call_timeout: Duration::from_secs(5),
        budgets: Vec::new(),
        concurrency: 2,
        owners: Vec::new(),
    }
}

pub fn text(fields: &RemoteFields, name: &str) -> String {
    match fields.get(name) {
        Some(Value::RemoteRef(id)) => id.clone(),
        Some(value) => value.as_text().unwrap_or_default().to_owned(),
        None => String::new(),
    }
}

impl Crm {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// All records of a type with their ids, as they are.
    pub fn rows(&self, remote_type: &str) -> Vec<(String, RemoteFields)> {
        let state = self.state();
        let of_type = state.rows.iter().filter(|((of, _), _)| of == remote_type);
        of_type.map(|((_, id), row)| (id.clone(), row.states.last().unwrap().1.clone())).collect()
    }

    pub fn writes(&self) -> usize {
        self.state().writes
    }

    pub fn lost(&self) -> usize {
        self.state().lost
    }

    /// The next writes of a type are carried out, and nobody hears of it.
    pub fn lose_answers(&self, remote_type: &str, count: u32) {
        self.state().losing.insert(remote_type.into(), count);
    }

    /// A person changes a record there; it is committed a while later.
    pub fn edit(&self, remote_type: &str, id: &str, field: &str, value: &str) {
        let at = self.clock.now().plus(COMMIT);
        let mut state = self.state();
        let row = state.rows.get_mut(&(remote_type.to_owned(), id.to_owned())).unwrap();
        let mut fields = row.states.last().unwrap().1.clone();
        fields.set(field, Value::Text(value.into()));
        row.states.push((at, fields));
        state.journal.push((at, remote_type.into(), id.into()));
    }

    pub fn hide(&self, remote_type: &str, id: &str, hidden: bool) {
        let at = self.clock.now();
        let mut state = self.state();
        state.rows.get_mut(&(remote_type.to_owned(), id.to_owned())).unwrap().hidden = hidden;
        state.journal.push((at, remote_type.into(), id.into()));
    }

    /// What was written into the journal so far is gone.
    pub fn cut_journal(&self) {
        let mut state = self.state();
        state.journal.clear();
        state.age += 1;
    }

    pub async fn hook(&self, world: &World, remote_type: &str, id: &str) -> u16 {
        self.hook_with(world, remote_type, id, SECRET).await
    }

    pub async fn hook_with(&self, world: &World, remote_type: &str, id: &str, secret: &str) -> u16 {
        let hook = mittler_sync::hooks::RawHook {
            method: "POST".into(),
            uri: String::new(),
            path_secret: String::new(),
            headers: Vec::new(),
            body: format!("{remote_type}/{id}").into(),
        };
        world.hooks.receive(SALESFORCE, secret, hook, world.clock.now()).await.status
    }
}

fn write_all(state: &mut State, remote_type: &str, batch: &[Write], now: Time) -> Vec<Outcome> {
    state.writes += 1;
    let mut outcomes = Vec::new();
    for write in batch {
        let (id, created, fields) = match write {
            Write::Create { own_key, fields, .. } => {
                let mut fields = fields.clone();
                if remote_type != "tasks" {
                    fields.set("ref", Value::Text(own_key.clone()));
                }
                (format!("{remote_type}-{}", state.rows.len() + 1), true, fields)
            }
            Write::Update { id, fields, .. } => (id.clone(), false, fields.clone()),
            Write::Archive { id, .. } => (id.clone(), false, RemoteFields::default()),
        };
        let row = state.rows.entry((remote_type.to_owned(), id.clone()));
        let row = row.or_insert(Row { states: Vec::new(), hidden: false });
        let mut all = row.states.last().map(|(_, fields)| fields.clone()).unwrap_or_default();
        all.0.extend(fields.0);
        row.states.push((now, all));
        state.journal.push((now, remote_type.to_owned(), id.clone()));
        outcomes.push(Outcome { tag: write.tag(), result: RowResult::Written { id, created, shown: None } });
    }
    outcomes
}

/// The one that a story holds, as a connector.
struct Shared(Arc<Crm>);

#[async_trait]
impl Connector for Shared {
    fn profile(&self) -> &Profile {
        &self.0.profile
    }

    async fn describe(&self, remote_type: &str) -> Result<RemoteSchema> {
        let (_, names) = FIELDS.iter().find(|(of, _)| *of == remote_type).unwrap();
        let field = |name: &&str| RemoteField {
            name: (*name).into(),
            label: (*name).into(),
            data_type: if matches!(*name, "firm" | "who") { RemoteType::Reference } else { RemoteType::Text },
            max_length: None,
            required: false,
            createable: true,
            updateable: true,
            unique: false,
            choices: Vec::new(),
            restricted: false,
        };
        Ok(RemoteSchema { remote_type: remote_type.into(), fields: names.iter().map(field).collect() })
    }

    async fn changes(&self, _feed: &str, since: Option<&Cursor>, now: Time) -> Result<ChangePage> {
        let state = self.0.state();
        let place = |at: usize| Cursor(format!("{}/{at}", state.age));
        let begun = match since {
            None => state.journal.len(),
            Some(cursor) => match cursor.0.split_once('/') {
                Some((age, at)) if age == state.age.to_string() => at.parse().unwrap(),
                _ => return Err(Error::CursorExpired { code: "JOURNAL_CUT".into() }),
            },
        };
        // What is not committed yet ends the journal for now.
        let shown = state.journal[begun..].iter().take_while(|(at, ..)| *at <= now);
        let mut changes: Vec<Change> = shown
            .map(|(at, remote_type, id)| Change {
                remote_type: remote_type.clone(),
                id: id.clone(),
                at: *at,
                deleted: false,
                absorbed: Vec::new(),
            })
            .collect();
        let more = changes.len() > 2;
        changes.truncate(2);
        let end = place(begun + changes.len());
        let followed = changes.last().map(|last| last.at);
        Ok(ChangePage { changes, next: more.then(|| end.clone()), safe: end, followed, server_time: None })
    }

    async fn read(&self, remote_type: &str, keys: &[Key], fields: &[String]) -> Result<Vec<RemoteRecord>> {
        let (state, now) = (self.0.state(), self.0.clock.now());
        let mut found = Vec::new();
        for key in keys {
            let searched = !matches!(key, Key::Id(_));
            for ((of, id), row) in &state.rows {
                let seen = if searched { now.minus(LAG) } else { now };
                if of != remote_type || row.hidden || row.at(seen).is_none() {
                    continue;
                }
                let Some((at, all)) = row.at(now) else { continue };
                let is_it = match key {
                    Key::Id(wanted) => wanted == id,
                    Key::Own(own) => text(all, "ref") == *own,
                    Key::Email(mail) => text(all, "mail").eq_ignore_ascii_case(mail),
                    Key::Name(name) => text(all, "title") == *name,
                    Key::Parent(parent) => text(all, "who") == *parent,
                    Key::Domain(_) | Key::Pair(..) => panic!("{key:?} is no key of this CRM"),
                };
                if is_it {
                    let shown = fields.iter().map(|name| (name.clone(), all.get(name).cloned()));
                    found.push(RemoteRecord {
                        key: key.clone(),
                        id: id.clone(),
                        fields: shown.collect(),
                        modified_at: Some(at),
                        gone: false,
                        successor: None,
                        absorbed: Vec::new(),
                    });
                }
            }
        }
        Ok(found)
    }

    async fn history(&self, _remote_type: &str, _ids: &[String], _fields: &[String]) -> Result<Histories> {
        Ok(Histories::new())
    }

    async fn push(&self, remote_type: &str, batch: &[Write]) -> Result<Vec<Outcome>> {
        let most = self.0.profile.kind(remote_type).unwrap().batch;
        assert!(batch.len() <= most, "{} of {remote_type} in one call", batch.len());
        let now = self.0.clock.now();
        let mut state = self.0.state();
        let too_long = |write: &Write| write.fields().is_some_and(|it| text(it, "family").len() > LONGEST_NAME);
        if batch.iter().any(too_long) {
            let message = "a row has a name that is too long".to_owned();
            return Err(Error::BatchRefused { code: "TOO_LONG".into(), message, fields: Vec::new() });
        }
        let outcomes = write_all(&mut state, remote_type, batch, now);
        if let Some(left) = state.losing.get_mut(remote_type).filter(|left| **left > 0) {
            *left -= 1;
            state.lost += 1;
            return Err(Error::Unknown { code: "connection_lost".into() });
        }
        Ok(outcomes)
    }

    fn receive(&self, hook: &RawHook, now: Time) -> std::result::Result<Received, NotAuthentic> {
        if hook.path_secret != SECRET {
            return Err(NotAuthentic::Signature);
        }
        let told = std::str::from_utf8(&hook.body).ok().and_then(|body| body.split_once('/'));
        let (remote_type, id) = told.ok_or(NotAuthentic::Form)?;
        let event = HookEvent {
            account: ACCOUNT.into(),
            key: format!("{remote_type}/{id}/{}", now.0),
            remote_type: remote_type.into(),
            id: id.into(),
            at: now,
            deleted: false,
            erased: false,
            own_echo: false,
        };
        Ok(Received { events: vec![event], answer: None })
    }

    fn record_url(&self, _account: Option<&str>, _remote_type: &str, _id: &str) -> Option<String> {
        None
    }

    async fn setup(&self, _wish: SetupWish) -> Result<Vec<SetupStep>> {
        Ok(Vec::new())
    }

    async fn account(&self) -> Result<Account> {
        Ok(Account { id: ACCOUNT.into(), time_zone: None })
    }
}
