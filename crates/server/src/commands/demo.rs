//! `mittler demo`: the whole service against a sandbox Salesforce and a sandbox HubSpot, on the
//! example list and mailbox.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use mittler_api::access::one_time_link;
use mittler_connector::SetupWish;
use mittler_core::{RunId, Time};
use mittler_ingest::{FairParams, ImportParams, LeadParams};
use mittler_queue::RabbitConfig;
use mittler_sandbox::{Access, Sandbox};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::Common,
    commands::{
        print_json,
        progress::{Progress, settle},
        sandbox, table,
    },
    config::{Config, Role},
    listener::Listener,
    service::{Service, stop_on_signals},
};
use mittler_store::signals::SignalState;

const LIST: &[u8] = include_bytes!("../../data/messe-leads.csv");
const MAILBOX: &[u8] = include_bytes!("../../data/replies.mbox");
/// The example is small: whoever waits longer has found a defect.
const MOST: Duration = Duration::from_mins(2);

pub struct Options {
    pub serve: bool,
    pub json: bool,
    pub folder: Option<PathBuf>,
    pub list: Option<PathBuf>,
    pub mailbox: Option<PathBuf>,
}

/// What the demo did.
#[derive(Debug, Serialize)]
struct Report {
    database: &'static str,
    carrier: String,
    rows: u64,
    mails: u64,
    taken: i64,
    skipped: i64,
    known: u64,
    refused: Vec<Refused>,
    unaccounted: i64,
    records: BTreeMap<String, i64>,
    crms: Vec<Crm>,
    questions: i64,
    /// People held until somebody says who they are.
    held: i64,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    broker: Option<serde_json::Value>,
    arrived: bool,
}

#[derive(Debug, Serialize)]
struct Refused {
    what: &'static str,
    line: i64,
    code: String,
    reason: String,
}

#[derive(Debug, Serialize)]
struct Crm {
    name: String,
    created: i64,
    updated: i64,
    unchanged: i64,
    refused: i64,
    waiting: i64,
    calls: u64,
}

pub async fn run(common: &Common, options: Options) -> Result<ExitCode> {
    let stop = stop_on_signals()?;
    let folder = Folder::make(options.folder.as_deref())?;
    let sandbox =
        Sandbox::start(([127, 0, 0, 1], 0).into(), sandbox_config()).await.context("the sandbox cannot start")?;
    let mut config = Config::parse(&config(&sandbox.access()), folder.path().to_owned(), common)?;
    let place = Place::make(&mut config).await?;
    let shown = show(config, &options, &sandbox, &stop).await;
    sandbox.stop().await;
    place.leave().await?;
    shown
}

/// Starts the service, tells the story and ends the service, however the story ends.
async fn show(config: Config, options: &Options, sandbox: &Sandbox, stop: &CancellationToken) -> Result<ExitCode> {
    let listen = config.server.listen;
    let service = Service::open(config).await?;
    if !options.json {
        eprintln!("{} with {}, a sandbox Salesforce and a sandbox HubSpot", service.store.name(), carrier(&service));
    }
    let mut roles = vec![Role::Worker, Role::Relay];
    if options.serve {
        roles.extend([Role::Api, Role::Scheduler]);
    }
    let inner = CancellationToken::new();
    let listener = if options.serve { Some(Listener::start(listen, &inner).await?) } else { None };
    let addr = listener.as_ref().map(|listener| listener.addr);
    let running = service.start(&roles, listener, &inner)?;
    let told = tokio::select! {
        told = tell(&service, options, sandbox, addr) => told,
        () = stop.cancelled() => Err(anyhow::anyhow!("stopped")),
    };
    if told.is_ok() && options.serve {
        tokio::select! {
            () = stop.cancelled() => {}
            () = inner.cancelled() => {}
        }
    }
    inner.cancel();
    running.finish().await?;
    service.store.close().await;
    told
}

async fn tell(service: &Service, options: &Options, sandbox: &Sandbox, addr: Option<SocketAddr>) -> Result<ExitCode> {
    for connection in service.connections.all() {
        connection
            .connector
            .setup(SetupWish::Apply)
            .await
            .with_context(|| format!("connection {}", connection.name))?;
    }
    let begun = (Instant::now(), service.clock.now());
    let (rows, mails, known, runs) = import(service, options, options.json).await?;
    let arrived = settle(service, &runs, options.json, MOST).await?;
    let report = report(service, sandbox, (rows, mails, known), &runs, begun, arrived).await?;
    if options.json {
        print_json(&report)?;
    } else {
        print(&report);
    }
    if let Some(addr) = addr {
        let link = one_time_link(&service.store, &service.clock).await?;
        println!(
            "\nlistening on http://{addr}\nopen the pages: http://{addr}{link}\nthe sandbox: http://{}/_sandbox/state\nCtrl-C ends it",
            sandbox.addr()
        );
    } else if !options.json {
        println!("\nto look at it: mittler demo --serve");
    }
    let well = report.unaccounted == 0 && report.arrived;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn import(service: &Service, options: &Options, quiet: bool) -> Result<(u64, u64, u64, Vec<RunId>)> {
    let list = read(options.list.as_deref(), LIST)?;
    let mailbox = read(options.mailbox.as_deref(), MAILBOX)?;
    let mut params = ImportParams::of("bewega-scan");
    params.label = "messe-leads.csv".into();
    params.stand_scan = true;
    params.fair = Some(FairParams {
        name: "BEWEGA 2026".into(),
        organiser: Some("Bewega Messe- und Ausstellungsgesellschaft mbH".into()),
        place: Some("Dortmund".into()),
        starts: Some(jiff::civil::date(2026, 4, 14)),
        ends: Some(jiff::civil::date(2026, 4, 17)),
    });
    let progress = Progress::new("importing the list", 0, quiet);
    let list = service.ingest.import_csv(list.into(), params, |done, total| progress.set(done, total)).await?;
    progress.finish(list.rows);
    // The replies are about people of the list: read them when those are known.
    if !settle(service, &[list.run], quiet, MOST).await? {
        bail!("the list did not arrive in time; see the log (RUST_LOG=info)");
    }
    let mails = service.ingest.mails(mailbox.into(), &LeadParams::of("vertrieb")).await?;
    let said_before = [&list, &mails].map(|it| it.known + it.repeated).iter().sum();
    Ok((list.rows, mails.rows, said_before, vec![list.run, mails.run]))
}

fn read(path: Option<&Path>, example: &'static [u8]) -> Result<Vec<u8>> {
    match path {
        Some(path) => std::fs::read(path).with_context(|| format!("{} cannot be read", path.display())),
        None => Ok(example.to_vec()),
    }
}

async fn report(
    service: &Service,
    sandbox: &Sandbox,
    (rows, mails, known): (u64, u64, u64),
    runs: &[RunId],
    begun: (Instant, Time),
    arrived: bool,
) -> Result<Report> {
    let (mut taken, mut skipped, mut waiting, mut refused) = (0, 0, 0, Vec::new());
    for (run, what) in runs.iter().zip(["list", "mailbox"]) {
        for line in service.store.signal_lines(*run, false, -1, 100_000).await? {
            let (code, reason) = (line.code.unwrap_or_default(), line.reason.unwrap_or_default());
            match line.state {
                SignalState::Done if code.is_empty() => taken += 1,
                SignalState::Done => skipped += 1,
                SignalState::New => waiting += 1,
                _ if code.is_empty() || reason.is_empty() => waiting += 1,
                _ => refused.push(Refused { what, line: line.line, code, reason }),
            }
        }
    }
    let accounted = taken + skipped + i64::try_from(refused.len())? + i64::try_from(known)?;
    let unaccounted = i64::try_from(rows + mails)? - accounted;
    let calls = sandbox.calls().to_json();
    let intents = service.store.intent_counts(begun.1).await?;
    let counts = service.store.link_counts().await?;
    let crms = service
        .connections
        .all()
        .iter()
        .map(|connection| {
            let id = connection.id.0;
            let of =
                |outcome: &str| intents.iter().filter(|it| it.0 == id && it.2 == outcome).map(|it| it.3).sum::<i64>();
            let links = || counts.iter().filter(|it| it.connection == id);
            let refused: i64 = links().map(|it| it.refused).sum();
            let due: i64 = links().map(|it| it.due).sum();
            let calls = calls.get(&connection.name).and_then(|kinds| kinds.as_object());
            Crm {
                name: connection.name.clone(),
                created: of("created"),
                updated: of("updated"),
                unchanged: links().map(|it| it.unwritten).sum(),
                refused,
                waiting: due,
                calls: calls.map_or(0, |kinds| kinds.values().filter_map(serde_json::Value::as_u64).sum()),
            }
        })
        .collect();
    Ok(Report {
        database: service.store.name(),
        carrier: carrier(service).to_owned(),
        rows,
        mails,
        taken,
        skipped,
        known,
        refused,
        unaccounted: unaccounted.max(waiting),
        records: service.store.record_counts().await?.into_iter().collect(),
        crms,
        questions: service.store.review_count().await?,
        held: service.store.held_people(service.clock.now()).await?.count,
        seconds: (begun.0.elapsed().as_secs_f64() * 100.0).round() / 100.0,
        broker: service
            .config
            .server
            .broker
            .as_ref()
            .map(|_| serde_json::to_value(service.stats.snapshot()).unwrap_or_default()),
        arrived,
    })
}

fn print(report: &Report) {
    println!();
    let mut facts = table(&["What", "How many"]);
    let mut fact = |what: &str, count: String| _ = facts.add_row([what.to_owned(), count]);
    fact("rows in the list", report.rows.to_string());
    fact("mails", report.mails.to_string());
    fact("taken", report.taken.to_string());
    fact("nothing to take (blank rows, headings, automatic mail)", report.skipped.to_string());
    fact("said before (the same row or mail twice)", report.known.to_string());
    fact("refused, with a reason", report.refused.len().to_string());
    fact("unaccounted for", report.unaccounted.to_string());
    for (kind, label) in [
        ("person", "people recognised"),
        ("organisation", "companies recognised"),
        ("participation", "visits to the stand"),
        ("activity", "tasks and mails"),
    ] {
        fact(label, report.records.get(kind).copied().unwrap_or(0).to_string());
    }
    fact("questions for review", report.questions.to_string());
    fact("people held until an answer says who they are", report.held.to_string());
    fact("seconds", format!("{:.1}", report.seconds));
    println!("{facts}\n");
    let mut crms = table(&["CRM", "Created", "Updated", "Unchanged", "Refused", "Waiting", "Calls"]);
    for crm in &report.crms {
        crms.add_row([
            crm.name.clone(),
            crm.created.to_string(),
            crm.updated.to_string(),
            crm.unchanged.to_string(),
            crm.refused.to_string(),
            crm.waiting.to_string(),
            crm.calls.to_string(),
        ]);
    }
    println!("{crms}");
    if !report.refused.is_empty() {
        println!();
        let mut list = table(&["Refused", "Line", "Reason", "Code"]);
        for one in &report.refused {
            list.add_row([one.what.to_owned(), one.line.to_string(), one.reason.clone(), one.code.clone()]);
        }
        println!("{list}");
    }
    if let Some(broker) = &report.broker {
        println!("\ncarried by {}: {broker}", report.carrier);
    }
    if !report.arrived {
        println!("\nnot everything arrived in time");
    }
}

fn carrier(service: &Service) -> &'static str {
    if service.config.server.broker.is_some() { "RabbitMQ" } else { "the embedded queue" }
}

fn sandbox_config() -> mittler_sandbox::Config {
    mittler_sandbox::Config { seed: 7, ..mittler_sandbox::Config::default() }
}

/// The configuration of the demo: both CRMs, and a routing that shows what routing does.
fn config(access: &Access) -> String {
    let secrets = [
        format!("client_secret = {:?}", access.salesforce.client_secret),
        format!("access_token = {:?}\nclient_secret = {:?}", access.hubspot.access_token, access.hubspot.client_secret),
    ];
    let rules = r#"
[server]
listen = "127.0.0.1:0"
own_domains = ["drehmark.example"]
[schedule]
pull_minutes = 1
[routing]
otherwise = "Messe_Leads"
[[routing.rule]]
name = "Süd"
country = ["DE"]
postcode = ["7", "9"]
owner = "vertrieb-sued@example.com"
[[routing.rule]]
name = "Nord"
country = ["DE"]
owner = "vertrieb-nord@example.com"
[[routing.rule]]
name = "Ausland"
country = ["AT", "CH", "FR", "IT", "NL", "BE", "PL", "CZ"]
owner = "vertrieb-nord@example.com"
"#;
    rules.to_owned() + &sandbox::connections(access, [&secrets[0], &secrets[1]])
}

/// What the demo makes outside its folder: a schema of its own in PostgreSQL and a queue of its own
/// in RabbitMQ, so that it touches nothing that is there and can run again.
struct Place {
    schema: Option<(String, String)>,
    queue: Option<RabbitConfig>,
}

impl Place {
    async fn make(config: &mut Config) -> Result<Place> {
        let name = format!("mittler_demo_{}", uuid::Uuid::new_v4().simple());
        config.server.queue.clone_from(&name);
        let queue = config.server.broker.clone().map(|url| {
            let mut rabbit = RabbitConfig::new(url.into());
            rabbit.queue.clone_from(&name);
            rabbit
        });
        let database = config.server.database.clone();
        if database.starts_with("sqlite:") {
            return Ok(Place { schema: None, queue });
        }
        config.server.database = mittler_store::make_schema(&database, &name)
            .await
            .context("the demo works in a schema of its own, which cannot be made in this database")?;
        Ok(Place { schema: Some((database, name)), queue })
    }

    async fn leave(self) -> Result<()> {
        if let Some((database, name)) = self.schema {
            let dropped = mittler_store::drop_schema(&database, &name).await;
            dropped.with_context(|| format!("the demo's schema {name} could not be removed"))?;
        }
        if let Some(rabbit) = self.queue
            && let Err(why) = mittler_queue::remove(&rabbit).await
        {
            bail!("the demo's queue {} could not be removed: {why}", rabbit.queue);
        }
        Ok(())
    }
}

/// The demo's folder; a temporary one is only ours and goes with the demo.
enum Folder {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn make(given: Option<&Path>) -> Result<Folder> {
        if let Some(path) = given {
            std::fs::create_dir_all(path)?;
            return Ok(Folder::Kept(path.to_owned()));
        }
        let made = tempfile::Builder::new().prefix("mittler-demo-").tempdir();
        Ok(Folder::Temporary(made.context("no temporary folder can be made; name one by --folder")?))
    }

    fn path(&self) -> &Path {
        match self {
            Folder::Kept(path) => path,
            Folder::Temporary(folder) => folder.path(),
        }
    }
}
