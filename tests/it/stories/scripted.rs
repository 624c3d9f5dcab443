//! A CRM that answers what a story wrote: many pages, hooks of others, refusals that last.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use mittler_connector::{
    Change, ChangePage, Connector, Cursor, Error, HookEvent, Key, NotAuthentic, Outcome, Profile, RawHook, Received,
    RemoteRecord, Result, SetupStep, SetupWish, Write,
    cursor::{Blur, TimeId},
};
use mittler_core::{ConnectionId, Field, RemoteSchema, Time, job::Task, mapping::Mapping};
use mittler_queue::{End, Handler};
use mittler_sandbox::{FaultKind, Vendor};
use mittler_store::{Store, connections::FeedCursor};
use mittler_sync::{Connection, Connections, Mode, hooks::HookReceiver};
use serde_json::json;

use super::world::{HOOK_SECRET, HUBSPOT, SALESFORCE, World, anna};

on_every_database!(
    more_changes_than_one_job_reads_are_read_once_and_to_the_end,
    a_feed_whose_cursor_is_too_old_begins_anew_and_reads_all_that_is_known,
    a_read_that_is_refused_for_good_waits_longer_each_time_and_ends_as_a_dead_job,
    events_of_an_account_without_a_connection_wait_until_it_has_one,
    a_repeated_delivery_is_one_job_and_a_deletion_is_read_too,
    hooks_that_are_refused_are_counted_with_their_cause,
    a_hook_is_taken_while_the_crm_does_not_answer,
    what_a_hook_told_waits_for_a_process_that_knows_the_connection,
);

const PORTAL: &str = "62515";

const BLUR: Blur = Blur { lag: Duration::from_secs(1), overlap: Duration::from_mins(5) };

#[derive(Default)]
struct Script {
    /// Each is a page of its own.
    changes: Vec<Change>,
    events: Vec<HookEvent>,
    asked: Mutex<Vec<TimeId>>,
    /// Whose CRM it is, if not the usual one's.
    account: Option<&'static str>,
}

struct Scripted {
    script: Arc<Script>,
    profile: Profile,
}

#[async_trait]
impl Connector for Scripted {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn describe(&self, remote_type: &str) -> Result<RemoteSchema> {
        Ok(RemoteSchema { remote_type: remote_type.to_owned(), fields: Vec::new() })
    }

    async fn changes(&self, feed: &str, since: Option<&Cursor>, now: Time) -> Result<ChangePage> {
        let Some(since) = since.filter(|_| feed == "contacts") else { return Ok(BLUR.begin(now)) };
        let place = TimeId::parse(since)?;
        self.script.asked.lock().unwrap().push(place.clone());
        let mut rest = self.script.changes.iter().filter(|it| (it.at, &it.id) > (place.at, &place.id)).cloned();
        let changes = rest.next().into_iter().collect();
        Ok(BLUR.page(&place, changes, rest.next().is_some(), None, now))
    }

    async fn read(&self, _remote_type: &str, _keys: &[Key], _fields: &[String]) -> Result<Vec<RemoteRecord>> {
        Err(Error::Configuration { code: "MISSING_SCOPES".into(), message: "no".into() })
    }

    async fn history(
        &self,
        _remote_type: &str,
        _ids: &[String],
        _fields: &[String],
    ) -> mittler_connector::Result<mittler_connector::Histories> {
        Ok(mittler_connector::Histories::new())
    }

    async fn push(&self, _remote_type: &str, _batch: &[Write]) -> Result<Vec<Outcome>> {
        Err(Error::Protocol { detail: "scripted".into() })
    }

    fn receive(&self, _hook: &RawHook, _now: Time) -> std::result::Result<Received, NotAuthentic> {
        Ok(Received { events: self.script.events.clone(), answer: None })
    }

    fn record_url(&self, _account: Option<&str>, _remote_type: &str, _id: &str) -> Option<String> {
        None
    }

    async fn setup(&self, _: SetupWish) -> Result<Vec<SetupStep>> {
        Ok(Vec::new())
    }

    async fn account(&self) -> Result<mittler_connector::Account> {
        Ok(mittler_connector::Account { id: self.script.account.unwrap_or(PORTAL).into(), time_zone: None })
    }
}

/// Puts a scripted CRM in the place of HubSpot.
fn replace(world: &World, script: Script) -> Arc<Script> {
    put(world, world.id(HUBSPOT), HUBSPOT, script)
}

fn put(world: &World, id: ConnectionId, name: &str, script: Script) -> Arc<Script> {
    let script = Arc::new(script);
    let settings = mittler_connector_hubspot::Settings::default();
    let scripted = Scripted { script: Arc::clone(&script), profile: mittler_connector_hubspot::profile(&settings) };
    let mapping = Mapping::parse(mittler_connector_hubspot::DEFAULT_MAPPING).unwrap();
    world.connections.put(Connection::new(id, name.into(), Mode::Full, mapping, Arc::new(scripted)));
    script
}

async fn more_changes_than_one_job_reads_are_read_once_and_to_the_end(store: Store) {
    let world = World::new(store).await;
    world.advance(600);
    // An import in HubSpot: many changes within the time that each pull looks back.
    let first = world.clock.now().minus(Duration::from_secs(200));
    let change = |n: i64| Change {
        remote_type: "contacts".into(),
        id: n.to_string(),
        at: Time(first.0 + n * 1_000_000),
        deleted: false,
        absorbed: Vec::new(),
    };
    // The cursor stands right before them.
    let id = world.id(HUBSPOT);
    let before = FeedCursor { cursor: TimeId::begin(first).cursor().0, followed: first };
    world.store.write(async move |tx| tx.put_cursor(id, "contacts", &before, first).await).await.unwrap();
    let script = replace(&world, Script { changes: (1..=120).map(change).collect(), ..Script::default() });
    world.ask(Task::Pull { connection: id }).await;
    world.settle().await;
    let asked = script.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 120, "pages were read again, or left out");
    assert!(asked.windows(2).all(|pair| pair[0].at < pair[1].at), "a pull went back");
    // It follows to the last one, and begins before it next time.
    let stands = world.store.cursor(id, "contacts").await.unwrap().unwrap();
    assert_eq!(stands.followed, change(120).at);
    assert!(TimeId::parse(&Cursor(stands.cursor)).unwrap().at < change(1).at);
    world.end().await;
}

async fn a_feed_whose_cursor_is_too_old_begins_anew_and_reads_all_that_is_known(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    let id = world.id(HUBSPOT);
    world.advance(600);
    let kept = world.store.cursor(id, "contacts").await.unwrap().unwrap();
    let (began, stale) = (kept.followed, FeedCursor { cursor: "lost".into(), ..kept });
    world.store.write(async move |tx| tx.put_cursor(id, "contacts", &stale, began).await).await.unwrap();
    // Somebody edits meanwhile what no feed tells of any more.
    world.edit_hubspot("contacts", &contact, &json!({ "jobtitle": "Geschäftsführerin" }));
    world.pull().await;
    world.settle().await;
    assert_eq!(world.record(person).await.fields.text(&Field::POSITION), Some("Geschäftsführerin"));
    assert!(world.store.cursor(id, "contacts").await.unwrap().unwrap().followed > began);
    world.end().await;
}

async fn a_read_that_is_refused_for_good_waits_longer_each_time_and_ends_as_a_dead_job(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    world.advance(10);
    replace(&world, Script::default());
    let begun = world.clock.now();
    let task = Task::Read {
        connection: world.id(HUBSPOT),
        remote_type: "contacts".into(),
        ids: vec![contact],
        not_before: begun,
        since: None,
    };
    world.ask(task).await;
    let ran = world.settle().await;
    assert!(ran < 20, "it was tried {ran} times");
    assert!(world.clock.now().since(begun) > std::time::Duration::from_mins(10), "it was tried again and again");
    let jobs = world.store.job_lines(None, 10).await.unwrap();
    let dead: Vec<_> = jobs.iter().filter(|job| job.dead_at.is_some()).map(|job| job.code.as_deref()).collect();
    assert_eq!(dead, [Some("MISSING_SCOPES")]);
    world.end().await;
}

fn event(account: &str, id: &str, deleted: bool) -> HookEvent {
    HookEvent {
        account: account.into(),
        key: format!("{account}:{id}:{deleted}"),
        remote_type: "contacts".into(),
        id: id.into(),
        at: Time(0),
        deleted,
        erased: false,
        own_echo: false,
    }
}

async fn hear(world: &World) -> u16 {
    let hook = RawHook {
        method: "POST".into(),
        uri: String::new(),
        path_secret: String::new(),
        headers: Vec::new(),
        body: "[]".into(),
    };
    world.hooks.receive(HUBSPOT, "", hook, world.clock.now()).await.status
}

/// The ids that a job reads at a connection.
async fn to_be_read(world: &World) -> Vec<(ConnectionId, Vec<String>)> {
    let (now, wait) = (world.clock.now(), std::time::Duration::from_secs(60));
    let jobs = world.store.write(async move |tx| tx.take_jobs(now, wait, 10).await).await.unwrap();
    let read = jobs.into_iter().map(|job| match job.task {
        Task::Read { connection, ids, .. } => (connection, ids),
        other => panic!("{other:?}"),
    });
    read.collect()
}

async fn events_of_an_account_without_a_connection_wait_until_it_has_one(store: Store) {
    let world = World::new(store).await;
    let events = vec![event("62516", "7", false), event("62516", "8", true), event("62517", "9", false)];
    replace(&world, Script { events: events.clone(), ..Script::default() });
    assert_eq!((hear(&world).await, hear(&world).await), (200, 200), "it is authentic, and need not come again");
    assert!(world.store.job_lines(None, 10).await.unwrap().is_empty());
    let parked = world.store.parked_counts().await.unwrap();
    let seen: Vec<_> = parked.iter().map(|one| (one.account.as_str(), one.count, one.code.as_str())).collect();
    assert_eq!(seen, [("62516", 2, "no_connection_of_account"), ("62517", 1, "no_connection_of_account")]);
    assert_eq!(world.hooks.repeat(world.clock.now()).await.unwrap(), 0, "there is still none");
    // Somebody connects the account: what came before is read now, and what comes from now on at once.
    let second = ConnectionId(world.clock.id());
    put(&world, second, "second", Script { account: Some("62516"), ..Script::default() });
    assert_eq!(world.hooks.repeat(world.clock.now()).await.unwrap(), 2);
    assert_eq!(to_be_read(&world).await, [(second, vec!["7".to_owned(), "8".to_owned()])]);
    let left = world.store.parked_counts().await.unwrap();
    assert_eq!(left.iter().map(|one| one.account.as_str()).collect::<Vec<_>>(), ["62517"]);
    replace(&world, Script { events: vec![event("62516", "10", false)], ..Script::default() });
    assert_eq!(hear(&world).await, 200);
    assert_eq!(to_be_read(&world).await, [(second, vec!["10".to_owned()])]);
    assert_eq!(world.hooks.repeat(world.clock.now()).await.unwrap(), 0);
    world.end().await;
}

async fn a_repeated_delivery_is_one_job_and_a_deletion_is_read_too(store: Store) {
    let world = World::new(store).await;
    let events = vec![event(PORTAL, "7", false), event(PORTAL, "8", true), event(PORTAL, "8", true)];
    replace(&world, Script { events, ..Script::default() });
    assert_eq!((hear(&world).await, hear(&world).await), (200, 200));
    let now = world.clock.now();
    let wait = std::time::Duration::from_secs(60);
    let jobs = world.store.write(async move |tx| tx.take_jobs(now, wait, 10).await).await.unwrap();
    assert_eq!(jobs.len(), 1);
    let Task::Read { ids, .. } = &jobs[0].task else { panic!("{jobs:?}") };
    assert_eq!(ids, &["7", "8"]);
    world.end().await;
}

async fn hooks_that_are_refused_are_counted_with_their_cause(store: Store) {
    let world = World::new(store).await;
    let counts = async || {
        world.hooks.counts.store(&world.store).await;
        let all = world.store.hook_counts().await.unwrap();
        all.into_iter().find(|count| count.connection == world.id(SALESFORCE).0)
    };
    assert_eq!(counts().await, None);
    let person = world.lead(anna()).await;
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    for _ in 0..3 {
        assert_eq!(world.outbound_message("falsch", "Lead", &lead).await, 401);
    }
    let refused = counts().await.unwrap();
    assert_eq!((refused.taken, refused.refused, refused.cause.as_deref()), (0, 3, Some("signature")));
    assert!(refused.is_refused());
    world.advance(5);
    let begun = world.clock.now().0;
    assert_eq!(world.outbound_message(HOOK_SECRET, "Lead", &lead).await, 200);
    let taken = counts().await.unwrap();
    assert_eq!((taken.taken, taken.refused), (1, 3));
    assert!(taken.last_taken_at >= begun, "{taken:?}");
    assert!(!taken.is_refused(), "one that came since is a good sign");
    world.end().await;
}

async fn a_hook_is_taken_while_the_crm_does_not_answer(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    // A fresh process, and a CRM that has no calls left.
    world.set_mode(SALESFORCE, Mode::Full).await;
    world.fault(Vendor::Salesforce, FaultKind::RateLimited, Some(1.0), None, &[]);
    world.sandbox.calls().reset();
    assert_eq!(world.outbound_message(HOOK_SECRET, "Lead", &lead).await, 200);
    assert_eq!(world.sandbox.calls().all(Vendor::Salesforce), 0);
    world.end().await;
}

async fn what_a_hook_told_waits_for_a_process_that_knows_the_connection(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    world.advance(10);
    world.edit_salesforce("Lead", &lead, &json!({ "City": "Esslingen" }));
    assert_eq!(world.outbound_message(HOOK_SECRET, "Lead", &lead).await, 200);
    let (now, wait) = (world.clock.now(), std::time::Duration::from_secs(60));
    let job = world.store.write(async move |tx| tx.take_jobs(now, wait, 1).await).await.unwrap().remove(0);
    let mut other = world.worker.clone();
    other.connections = Connections::default();
    let end = other.run(&job).await;
    assert!(matches!(&end, End::Later { code, .. } if code == "no_such_connection"), "{end:?}");
    world.store.write(async move |tx| tx.delay_job(job.id, job.attempt, now, "later").await).await.unwrap();
    world.settle().await;
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["city"], json!("Esslingen"));
    world.end().await;
}
