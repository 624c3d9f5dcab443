//! A service without its processes: store, door, worker and both connections to one sandbox.
//!
//! Jobs are run inline and time is moved, never waited for: Mittler's clock and the sandbox's go
//! together.

use mittler_connector::SetupWish;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use mittler_connector_salesforce::Assignment;
use mittler_core::{
    ConnectionId, Field, Kind, Label, LinkId, Record, RecordId, RemoteFields, Time,
    derive::Overrides,
    job::{Lane, Task},
};
use mittler_identity::{Key, KeyType};
use mittler_ingest::{FairParams, ImportParams, Ingest, LeadParams};
use mittler_queue::{End, Handler, Wake};
use mittler_sandbox::{Config, FaultKind, Sandbox, Vendor, faults::FaultRule};
use mittler_store::{
    Clock, Gatherer, Store,
    intents::{Intent, IntentLine, Operation},
    jobs::{ClaimedJob, NewJob},
    leases::Lease,
    links::{LinkLine, link_id},
    retention::Retention,
};
use mittler_sync::{
    Connections, Keys, Mode, NotTaken, Pusher, Questions,
    bounds::Bounds,
    guard::Guards,
    hooks::{Counts, HookReceiver, Hooks, RawHook},
    question::{Choice, Command},
};
use mittler_worker::{
    Unsure, Worker,
    follow::{FollowUp, Routing},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::account::connection;

pub const SALESFORCE: &str = "salesforce";
pub const HUBSPOT: &str = "hubspot";
/// The unguessable end of the address of Salesforce's outbound messages.
pub const HOOK_SECRET: &str = "kranich-77-wiese";

/// What a story sets differently.
pub struct Setup {
    pub sandbox: Config,
    pub mode: Mode,
    pub routing: Routing,
    pub assignment: Assignment,
    pub follow_up: bool,
    pub unsure: Unsure,
    /// Longest time of a call, and so of the wait for one whose outcome nobody knows.
    pub call_timeout: Duration,
    /// Whether calls keep to the vendors' limits, as in life.
    pub paced: bool,
    /// Records of one call at most, below what the vendor allows.
    pub batch: usize,
    /// Where HubSpot sends webhooks: its signature covers it.
    pub hook_uri: String,
    /// The account that the credentials must belong to; without it, the one they do.
    pub account: Option<String>,
    /// What the connections are for.
    pub bounds: Bounds,
    /// How much may change before somebody is asked.
    pub guards: Guards,
    /// What a story changes in the default mapping.
    pub remap: fn(&str) -> String,
    /// What the installation's key file holds.
    pub key: [u8; 32],
    /// The time there is; a story that goes on with the CRMs of another goes on with its clock.
    pub clock: Clock,
}

impl Default for Setup {
    fn default() -> Self {
        let mut sandbox = Config { seed: 11, ..Config::default() };
        // Limits are met by a story of their own; a lag as in life would only slow the others.
        sandbox.hubspot.search_lag_ms = 20;
        let limits = &mut sandbox.hubspot.limits;
        (limits.burst, limits.burst_associations, limits.search_per_second) = (0, 0, 0);
        Setup {
            sandbox,
            mode: Mode::Full,
            routing: Routing { otherwise: None, ..Routing::default() },
            assignment: Assignment::Off,
            follow_up: true,
            unsure: Unsure::default(),
            call_timeout: Duration::from_secs(5),
            paced: false,
            batch: usize::MAX,
            hook_uri: String::new(),
            account: None,
            bounds: Bounds::default(),
            guards: Guards::default(),
            remap: str::to_owned,
            key: [42; 32],
            clock: Clock::default(),
        }
    }
}

/// Everything of one installation.
pub struct World {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    pub sandbox: Sandbox,
    pub connections: Connections,
    pub worker: Worker,
    pub door: Ingest,
    pub hooks: Hooks,
    setup: Setup,
    /// When pushers look at their connections next although nobody tells of anything due, and since when that is known.
    looks: Mutex<BTreeMap<ConnectionId, (Time, Time)>>,
}

impl World {
    pub async fn new(store: Store) -> World {
        World::with(store, Setup::default()).await
    }

    pub async fn with(store: Store, setup: Setup) -> World {
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into(), setup.sandbox.clone()).await.unwrap();
        World::over(store, sandbox, setup).await
    }

    /// An installation whose CRMs are there already, with all that is in them.
    pub async fn over(store: Store, sandbox: Sandbox, setup: Setup) -> World {
        let world = World::unpulled(store, sandbox, setup).await;
        // A cursor begins with the first pull.
        world.pull().await;
        world.sandbox.calls().reset();
        world
    }

    /// The same, before it has asked the CRMs for changes.
    pub async fn unpulled(store: Store, sandbox: Sandbox, setup: Setup) -> World {
        let (clock, keys) = (setup.clock.clone(), Keys::derive(&setup.key));
        let connections = Connections::default();
        for crm in [SALESFORCE, HUBSPOT] {
            connections.put(connection(&store, &clock, &keys, &sandbox, &setup, crm).await);
        }
        let overrides: Arc<Overrides> =
            Arc::new(connections.all().iter().flat_map(|it| it.mapping.overrides()).collect());
        let pusher = Pusher {
            store: store.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
            connections: connections.clone(),
            country: "DE".into(),
            overrides: Arc::clone(&overrides),
            otherwise: setup.routing.otherwise.as_deref().map(Into::into),
            process: clock.id(),
            margin: Duration::from_secs(2),
            guards: setup.guards,
        };
        let worker = Worker {
            store: store.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
            connections: connections.clone(),
            overrides,
            routing: Arc::new(setup.routing.clone()),
            follow_up: Arc::new(FollowUp { enabled: setup.follow_up, ..FollowUp::default() }),
            unsure: setup.unsure,
            own_domains: Arc::new([]),
            pusher,
            retention: Retention::default(),
            wake: Wake::new(),
            lists: Arc::default(),
        };
        let gatherer = Gatherer::start(store.clone(), clock.clone(), || ());
        let door = Ingest::new(store.clone(), gatherer, clock.clone(), *keys.dedup(), || ());
        let hooks = Hooks {
            store: store.clone(),
            clock: clock.clone(),
            connections: connections.clone(),
            accepted: Arc::new(|| ()),
            counts: Counts::default(),
        };
        let world =
            World { store, clock, keys, sandbox, connections, worker, door, hooks, setup, looks: Mutex::default() };
        for connection in world.connections.all() {
            connection.connector.setup(SetupWish::Apply).await.unwrap();
        }
        world
    }

    /// The installation stops; the CRMs go on, and time.
    pub fn stop(self) -> (Sandbox, Clock) {
        (self.sandbox, self.clock)
    }

    /// The same installation with another mode for a connection, as after a change of its
    /// configuration.
    pub async fn set_mode(&self, name: &str, mode: Mode) {
        self.renew(name, Setup { mode, ..self.as_set_up() }).await;
    }

    /// The same installation with other bounds.
    pub async fn set_bounds(&self, name: &str, bounds: Bounds) {
        self.renew(name, Setup { bounds, ..self.as_set_up() }).await;
    }

    /// The same installation with another mapping.
    pub async fn set_mapping(&self, name: &str, remap: fn(&str) -> String) {
        self.renew(name, Setup { remap, ..self.as_set_up() }).await;
    }

    fn as_set_up(&self) -> Setup {
        Setup {
            sandbox: self.setup.sandbox.clone(),
            mode: self.setup.mode,
            call_timeout: self.setup.call_timeout,
            paced: self.setup.paced,
            batch: self.setup.batch,
            ..Setup::default()
        }
    }

    async fn renew(&self, name: &str, setup: Setup) {
        let renewed = connection(&self.store, &self.clock, &self.keys, &self.sandbox, &setup, name).await;
        self.connections.put(renewed);
    }

    pub fn id(&self, connection: &str) -> ConnectionId {
        self.connections.named(connection).unwrap().id
    }

    /// Moves both clocks.
    pub fn advance(&self, seconds: u32) {
        self.clock.advance(Duration::from_secs(u64::from(seconds)));
        self.sandbox.clock().advance_seconds(i64::from(seconds));
    }

    /// Runs what is due now, up to four jobs at once, and the pushers that were told of something or are to look;
    /// gives how many these were.
    pub async fn step(&self) -> usize {
        let now = self.clock.now();
        let jobs = self.store.write(async move |tx| tx.take_jobs(now, Duration::from_secs(60), 4).await).await.unwrap();
        let pushers = self.pushers_awake();
        let count = jobs.len() + pushers.len();
        let jobs = join_all(jobs.into_iter().map(|job| self.run(job)));
        tokio::join!(jobs, join_all(pushers.into_iter().map(|id| self.push_due(id))));
        count
    }

    fn pushers_awake(&self) -> Vec<ConnectionId> {
        let (mut looks, now) = (self.looks.lock().unwrap(), self.clock.now());
        let mut awake: Vec<ConnectionId> = self.connections.all().iter().map(|connection| connection.id).collect();
        awake.retain(|id| {
            let told = self.store.due_signal(*id).notified().now_or_never().is_some();
            // Nobody waits by a clock that was put back.
            let wakes = told || looks.get(id).is_some_and(|(at, since)| *at <= now || now < *since);
            if wakes {
                looks.remove(id);
            }
            wakes
        });
        awake
    }

    fn look_at(&self, id: ConnectionId, at: Time) {
        self.looks.lock().unwrap().insert(id, (at, self.clock.now()));
    }

    async fn push_due(&self, id: ConnectionId) {
        let again = self.worker.pusher.push_due(id, &CancellationToken::new()).await;
        let again = again.unwrap_or_else(|_| Some(self.clock.now().plus(Duration::from_millis(500))));
        if let Some(at) = again {
            self.look_at(id, at);
        }
    }

    /// What each pusher does every second by itself; gives at how many connections something is due.
    pub async fn look(&self) -> usize {
        let (mut due, now) = (0, self.clock.now());
        for connection in self.connections.all() {
            if self.worker.pusher.waits(connection.id).await.unwrap().is_some_and(|at| at <= now) {
                self.look_at(connection.id, now);
                due += 1;
            }
        }
        due
    }

    async fn run(&self, job: ClaimedJob) {
        let (id, attempt, now) = (job.id, job.attempt, self.clock.now());
        let end = self.worker.run(&job).await;
        self.store
            .write(async move |tx| {
                match &end {
                    End::Ended => {}
                    End::Done => _ = tx.end_job(id, attempt).await?,
                    End::Later { due, code } => _ = tx.delay_job(id, attempt, *due, code).await?,
                    End::Failed { code } => {
                        let due = now.plus(Duration::from_secs(1));
                        tx.fail_job(id, attempt, due, code, 5, now).await?;
                    }
                }
                Ok(())
            })
            .await
            .unwrap();
    }

    /// Runs jobs, moving time to the next one, until there is none left. Gives how many ran.
    pub async fn settle(&self) -> usize {
        let mut ran = 0;
        loop {
            let some = self.step().await;
            ran += some;
            if some > 0 {
                assert!(ran <= 3_000, "this does not come to rest: {}", self.waiting().await);
                continue;
            }
            let look = self.looks.lock().unwrap().values().map(|(at, _)| *at).min();
            let Some(due) = self.store.next_due().await.unwrap().into_iter().chain(look).min() else { return ran };
            // Whole seconds, since the sandbox's clock counts those, and the two must not drift apart.
            let wait = due.since(self.clock.now());
            if wait > Duration::ZERO {
                self.advance(u32::try_from(wait.as_secs()).unwrap() + 1);
            }
        }
    }

    /// Runs what is due, without moving time.
    pub async fn run_due(&self) {
        for _ in 0..200 {
            if self.step().await == 0 {
                return;
            }
        }
        panic!("this does not come to rest: {}", self.waiting().await);
    }

    /// Reads inputs that wait, and pushes nothing; gives how many jobs that were.
    pub async fn enrich_only(&self) -> usize {
        let now = self.clock.now();
        let jobs =
            self.store.write(async move |tx| tx.take_jobs(now, Duration::from_secs(60), 100).await).await.unwrap();
        let mut read = 0;
        for job in jobs {
            if matches!(job.task, Task::Enrich { .. }) {
                self.run(job).await;
                read += 1;
            } else {
                self.store.write(async move |tx| tx.delay_job(job.id, job.attempt, now, "later").await).await.unwrap();
            }
        }
        read
    }

    /// What is still to be done, for the message of a story that fails.
    pub async fn waiting(&self) -> String {
        let links = self.store.links_waiting(None, None, 10).await.unwrap();
        let jobs = self.store.job_lines(None, 10).await.unwrap();
        format!("{links:#?} {jobs:#?}")
    }

    /// Nothing is due, refused or dead.
    pub async fn nothing_waits(&self) {
        let waiting = self.store.links_waiting(None, None, 100).await.unwrap();
        let left: Vec<_> =
            waiting.iter().filter(|link| link.wanted > link.done || link.state.name() != "open").collect();
        assert!(left.is_empty(), "{left:#?}");
        let jobs = self.store.job_lines(None, 100).await.unwrap();
        let dead: Vec<_> = jobs.iter().filter(|job| job.dead_at.is_some()).collect();
        assert!(dead.is_empty(), "{dead:#?}");
    }

    pub async fn ask(&self, task: Task) {
        let now = self.clock.now();
        let job = NewJob::new(self.clock.id(), task, Lane::Scheduled, now, now);
        self.store.write(async move |tx| tx.put_jobs(std::slice::from_ref(&job)).await).await.unwrap();
    }

    /// Somebody is about to write to a link, and takes their time. Gives their lease.
    pub async fn about_to_write(&self, connection: ConnectionId, link: LinkId) -> Uuid {
        let now = self.clock.now();
        self.store.write(async move |tx| tx.want_again(&[link]).await).await.unwrap();
        let read = self.store.due_links(&[link.0], now).await.unwrap().0.remove(0);
        let lease = Lease { id: self.clock.id(), connection, until: now.plus(Duration::from_secs(30)) };
        let write = Intent {
            id: self.clock.id(),
            link: link.0,
            connection: connection.0,
            operation: Operation::Update,
            remote_type: read.remote_type,
            fields: RemoteFields::default(),
            before: RemoteFields::default(),
            begun_at: now.0,
            settled_at: None,
            outcome: None,
            code: None,
        };
        self.store.write(async move |tx| tx.begin_lease(lease, std::slice::from_ref(&write)).await).await.unwrap();
        lease.id
    }

    /// A connection's pusher looks at what is due with the next step, whether there is anything or not.
    pub fn ask_push(&self, connection: &str) {
        self.look_at(self.id(connection), self.clock.now());
    }

    /// Pulls both CRMs, and does what follows.
    pub async fn pull(&self) {
        for name in [SALESFORCE, HUBSPOT] {
            self.ask(Task::Pull { connection: self.id(name) }).await;
        }
        self.settle().await;
    }

    /// Takes a lead at the fair's stand in, and tells the CRMs.
    pub async fn lead(&self, lead: Value) -> RecordId {
        let record = self.lead_only(lead).await;
        self.settle().await;
        record
    }

    /// Takes a lead in and runs no more than what is due now.
    pub async fn lead_only(&self, lead: Value) -> RecordId {
        let accepted = self.door.lead(lead, &stand()).await.unwrap();
        self.run_due().await;
        let line = self.store.signal_line(accepted.id).await.unwrap().unwrap();
        RecordId(line.record.unwrap_or_else(|| panic!("the lead was not taken: {line:?}")))
    }

    /// Salesforce tells of a change; gives the status of our answer.
    pub async fn outbound_message(&self, secret: &str, object: &str, id: &str) -> u16 {
        let organisation = self.sandbox.access().salesforce.organization_id;
        let body = format!(
            r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>{organisation}</OrganizationId><Notification><Id>04l{}</Id><sObject xsi:type="sf:{object}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>{id}</sf:Id></sObject></Notification></notifications></soapenv:Body></soapenv:Envelope>"#,
            &id[3..]
        );
        let hook = RawHook {
            method: "POST".into(),
            uri: String::new(),
            path_secret: String::new(),
            headers: Vec::new(),
            body: body.into(),
        };
        self.hooks.receive(SALESFORCE, secret, hook, self.clock.now()).await.status
    }

    pub async fn record(&self, id: RecordId) -> Record {
        self.store.record(id).await.unwrap().unwrap()
    }

    pub async fn person_by_email(&self, email: &str) -> Option<RecordId> {
        let email = mittler_normalise::email::read_all(email).0.into_iter().next()?;
        let key = Key { key_type: KeyType::Email, scope: String::new(), value: email.canonical() };
        self.store.by_key(key.id()).await.unwrap()
    }

    pub async fn link(&self, connection: &str, record: RecordId) -> LinkLine {
        let id = self.id(connection).0;
        let links = self.store.link_lines(record).await.unwrap();
        links.into_iter().find(|link| link.connection == id && link.role.name() == "primary").unwrap()
    }

    /// The link of a record about a person.
    pub async fn link_about(&self, connection: &str, person: RecordId, kind: Kind) -> LinkLine {
        let about = self.store.records_about(person).await.unwrap();
        let record = about.iter().find(|record| record.kind == kind).unwrap();
        self.link(connection, record.id).await
    }

    pub async fn intents(&self, connection: &str, record: RecordId) -> Vec<IntentLine> {
        self.store.intents(link_id(self.id(connection), record), 100).await.unwrap()
    }

    /// Records of Salesforce of one object.
    pub fn in_salesforce(&self, object: &str) -> Vec<Value> {
        self.sandbox.salesforce().state()[object].as_array().cloned().unwrap_or_default()
    }

    /// Living records of HubSpot of one type.
    pub fn in_hubspot(&self, kind: &str) -> Vec<Value> {
        let state = self.sandbox.hubspot().state();
        let all = state[kind].as_array().cloned().unwrap_or_default();
        all.into_iter().filter(|record| record["archived"] != json!(true)).collect()
    }

    pub fn salesforce_with(&self, object: &str, field: &str, value: &str) -> Vec<Value> {
        self.in_salesforce(object).into_iter().filter(|record| record[field] == value).collect()
    }

    pub fn hubspot_with(&self, kind: &str, property: &str, value: &str) -> Vec<Value> {
        self.in_hubspot(kind).into_iter().filter(|record| record["properties"][property] == value).collect()
    }

    /// Attendance of all marketing events.
    pub fn attendance(&self) -> Vec<Value> {
        let events = self.in_hubspot("marketing_events");
        events.iter().flat_map(|event| event["attendance"].as_array().cloned().unwrap_or_default()).collect()
    }

    /// What shows questions and takes answers.
    pub fn questions(&self) -> Questions {
        Questions::of(&self.worker.pusher)
    }

    /// Answers a question with the key of an option.
    pub async fn answer(&self, question: Uuid, key: &str) -> Result<Command, NotTaken> {
        let choice = Choice { name: key.to_owned(), ..Choice::default() };
        self.questions().answer(question, &choice, "story").await.unwrap()
    }

    /// A person's change in the CRM's own screens.
    pub fn edit_salesforce(&self, object: &str, id: &str, fields: &Value) -> Value {
        self.sandbox.salesforce().edit(object, id, fields.as_object().unwrap().clone()).unwrap()
    }

    pub fn edit_hubspot(&self, kind: &str, id: &str, fields: &Value) -> Value {
        self.sandbox.hubspot().edit(kind, id, fields.as_object().unwrap().clone()).unwrap()
    }

    pub fn calls(&self, vendor: Vendor, kinds: &[&str]) -> u64 {
        kinds.iter().map(|kind| self.sandbox.calls().of(vendor, kind)).sum()
    }

    /// Calls that change something, of both vendors.
    pub fn writes(&self) -> u64 {
        self.calls(Vendor::Salesforce, SALESFORCE_WRITES) + self.calls(Vendor::Hubspot, HUBSPOT_WRITES)
    }

    pub fn fault(&self, vendor: Vendor, kind: FaultKind, share: Option<f64>, nth: Option<u64>, calls: &[&str]) {
        let calls = calls.iter().map(|&call| call.to_owned()).collect();
        self.sandbox.faults().add(FaultRule { vendor, kind, share, nth, calls, seed: None, ms: 1_500 });
    }

    pub async fn end(self) {
        self.sandbox.stop().await;
    }
}

pub const SALESFORCE_WRITES: &[&str] = &[
    "create",
    "update",
    "upsert",
    "delete",
    "collections_create",
    "collections_update",
    "collections_upsert",
    "collections_delete",
    "composite",
    "composite_batch",
    "composite_graph",
];

pub const HUBSPOT_WRITES: &[&str] = &[
    "create",
    "update",
    "delete",
    "batch_create",
    "batch_update",
    "batch_upsert",
    "batch_archive",
    "associations_create",
    "associations_batch_default",
    "associations_batch_create",
    "marketing_event_create",
    "marketing_event_update",
    "marketing_event_upsert",
    "attendance",
];

pub fn fair() -> FairParams {
    FairParams {
        name: "BEWEGA 2026".into(),
        organiser: Some("Bewega Messe- und Ausstellungsgesellschaft mbH".into()),
        place: Some("Dortmund".into()),
        starts: Some(jiff::civil::date(2026, 4, 14)),
        ends: Some(jiff::civil::date(2026, 4, 17)),
    }
}

/// Leads of the stand.
pub fn stand() -> LeadParams {
    LeadParams { fair: Some(fair()), stand_scan: true, ..LeadParams::of("bewega-scan") }
}

/// The organiser's list.
pub fn organiser() -> ImportParams {
    ImportParams { fair: Some(fair()), ..ImportParams::of("bewega-organiser") }
}

/// The example list as the stand's.
pub fn scans() -> ImportParams {
    ImportParams {
        fair: Some(fair()),
        stand_scan: true,
        label: "messe-leads.csv".into(),
        ..ImportParams::of("bewega-scan")
    }
}

/// A lead with all that a CRM asks for.
pub fn anna() -> Value {
    json!({
        "badge_id": "BW26-900001", "first_name": "Anna", "last_name": "Kranich", "company": "Kranichwerk GmbH",
        "email": "anna.kranich@kranichwerk.example", "phone": "0711 5550900", "country": "DE",
        "postal_code": "70173", "city": "Stuttgart", "position": "Leiterin Einkauf",
    })
}

/// One of many people, each of a company of their own.
pub fn guest(at: usize) -> Value {
    json!({ "badge_id": format!("F-{at}"), "first_name": "Gast", "last_name": format!("Nummer{at}"),
        "company": format!("Firma{at} GmbH"), "email": format!("gast@firma{at}.example"), "country": "DE" })
}

/// The best number with one of the labels.
pub fn phone(record: &Record, labels: &[Label]) -> Option<String> {
    record.fields.labelled(&Field::PHONES, labels).map(|element| element.key.clone())
}
