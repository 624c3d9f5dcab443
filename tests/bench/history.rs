//! `bench history`: people edit the same records in both CRMs at random, while hooks are lost, calls fail and the
//! service is killed; afterwards both CRMs must say what was said last.

mod judge;
mod script;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail};
use fastrand::Rng;
use mittler_sandbox::{FaultKind, Sandbox, Vendor, faults::FaultRule};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::{task::JoinSet, time::Instant};

use self::{
    judge::{Cast, Verdict},
    script::{Field, Side, Step, What},
};
use crate::{
    house::{self, House, Pair, Settings},
    kills,
    sender::Sender,
    services::{Services, Tools},
    tables::Tables,
};

/// How many numbers a script may use for what it invents.
const NUMBERS: usize = 1_000;
/// Seeds that share none of them.
const BLOCKS: u64 = 3_000;
const HOOK_SECRET: &str = "verlauf-0123456789-abcdefghij";
/// Shares of the hooks that are lost, doubled and late, and by how much.
const LOST: f64 = 0.1;
const DOUBLED: f64 = 0.2;
const LATE: f64 = 0.2;
const LATE_MS: i64 = 4_000;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Seed of the first script, of the faults and of the kills.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// So many scripts, with the seeds that follow, at the same time about people of their own.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Steps of each script.
    #[arg(long, default_value_t = 200)]
    edits: usize,
    /// People of each script.
    #[arg(long, default_value_t = 10)]
    people: usize,
    #[arg(long, value_enum, default_value = "sqlite")]
    pair: Pair,
    /// Neither faults nor kills, and no hook is lost or late; they are doubled and out of order all the same.
    #[arg(long)]
    calm: bool,
    /// Keep logs, journal and database in any case.
    #[arg(long)]
    keep: bool,
    /// After this time everything is ended, whatever the state.
    #[arg(long, default_value_t = 30)]
    limit_minutes: u64,
    #[command(flatten)]
    tools: Tools,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    pair: &'static str,
    seed: u64,
    seeds: u64,
    people: usize,
    steps: usize,
    /// Edits of a field in a record.
    edits: usize,
    /// The last edit of a field is not in both CRMs.
    lost: usize,
    /// A field that both have differs, and nobody is asked about it.
    disagreements: usize,
    /// Records that the service made of people who had one.
    duplicates: usize,
    /// Writes that changed nothing or wrote what the other CRM did not say.
    echo_writes: usize,
    writes: usize,
    /// Writes for each save of a person that changed what both CRMs have.
    writes_per_change: f64,
    /// Writes over an edit that was newer.
    overwritten_newer: usize,
    /// The same where the edit came while the write was under way.
    crossed: usize,
    /// Edits whose order neither CRM shows, since several fields were read together.
    blurred: usize,
    /// Fields that were last edited in both CRMs within 2 s: they must agree, on either.
    close_edits: usize,
    /// What waits for an answer, by reason.
    held: BTreeMap<String, usize>,
    /// People whose record is gone, without a question.
    unasked: usize,
    /// Edits that a CRM refused, as it would refuse its user.
    refused_edits: usize,
    kills: usize,
    faults: BTreeMap<String, u64>,
    dead_jobs: i64,
    panics: usize,
    quiet: bool,
    script_seconds: f64,
    quiet_seconds: f64,
}

/// Gives whether everything was in order.
pub async fn run(args: Args) -> anyhow::Result<bool> {
    let limit = Duration::from_secs(args.limit_minutes * 60);
    let folder = kills::run_folder()?;
    let within = tokio::time::timeout(limit, history(&args, folder.path(), Instant::now() + limit)).await;
    let clean = within.unwrap_or_else(|_| bail!("not over within {} minutes", args.limit_minutes));
    if args.keep || !matches!(clean, Ok(true)) {
        eprintln!("bench: logs, journal and database are kept in {}", folder.keep().display());
    }
    clean
}

/// The CRMs, and how their users' edits get there.
struct Stage {
    sandbox: Sandbox,
    hubspot_url: String,
    calm: bool,
    /// The hooks are set anew around an edit that is told by its hook alone.
    hooks: Mutex<()>,
    refused: AtomicUsize,
}

/// Those of one script: which of their records is where now, and what their fields had.
struct Player {
    stage: Arc<Stage>,
    people: Vec<Guest>,
}

struct Guest {
    salesforce: (&'static str, String),
    hubspot: String,
    had: HashMap<Field, Vec<String>>,
}

async fn history(args: &Args, folder: &Path, ends: Instant) -> anyhow::Result<bool> {
    if args.people == 0 || args.people > 90 || args.edits > 400 {
        bail!("1 to 90 people and at most 400 edits for each seed");
    }
    let mittler = house::mittler(args.tools.bin.as_deref())?;
    let services = match args.pair {
        Pair::Sqlite => None,
        Pair::Postgres => Some(Arc::new(Services::obtain(args.tools.services.as_deref(), folder).await?)),
    };
    let mut config = kills::unlimited(args.seed);
    config.journal = true;
    // Whoever was down hears of it soon.
    config.hubspot.webhooks.retry_pauses_ms = [1, 2, 4, 8, 16, 30, 30, 30, 30, 30].map(|it| it * 1_000).to_vec();
    let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into(), config).await?;
    let settings = Settings { pull_minutes: 1, hook_secret: Some(HOOK_SECRET.into()), ..Settings::default() };
    let house = House::start(args.pair, &mittler, folder, services.as_deref(), &sandbox.access(), &settings).await?;
    let house = Arc::new(house);
    let hubspot_url = format!("{}/hooks/hubspot", house.base_url);
    let stage =
        Stage { sandbox, hubspot_url, calm: args.calm, hooks: Mutex::default(), refused: AtomicUsize::default() };
    let stage = Arc::new(stage);

    let seeds = (args.seed..args.seed + args.seeds).map(|seed| Ok((seed, usize::try_from(seed % BLOCKS)? * NUMBERS)));
    let seeds: Vec<(u64, usize)> = seeds.collect::<anyhow::Result<_>>()?;
    let sender = Sender::new(&house.base_url, &house.key, ends)?;
    for (seed, first) in &seeds {
        for person in 0..args.people {
            sender.lead(&script::lead(*seed, person, *first).to_string()).await?;
        }
    }
    let mut players = Vec::new();
    for (seed, first) in &seeds {
        let people = arrive(&stage, args.people, *first, Duration::from_mins(2)).await?;
        let steps = script::script(*seed, args.edits, args.people, first + 100);
        players.push((Player { stage: Arc::clone(&stage), people }, steps));
    }
    quiet(&house, &stage, Duration::from_mins(2)).await;
    stage.set_hooks(&house.base_url)?;
    let ids = players.iter().flat_map(|(player, _)| player.people.iter()).enumerate();
    let ids: HashMap<(Side, String), usize> = ids
        .flat_map(|(person, guest)| {
            let (salesforce, hubspot) = (guest.salesforce.1.clone(), guest.hubspot.clone());
            [((Side::Salesforce, salesforce), person), ((Side::Hubspot, hubspot), person)]
        })
        .collect();
    let begun = stage.sandbox.journal().all().len();

    let (started, over) = (Instant::now(), Arc::new(AtomicBool::new(false)));
    let weather = weather(Arc::clone(&stage), Arc::clone(&house), args.seed, Arc::clone(&over));
    let weather = (!args.calm).then(|| tokio::spawn(weather));
    let mut steps = 0;
    let mut acts = JoinSet::new();
    for (player, script) in players {
        steps += script.len();
        acts.spawn(player.play(script));
    }
    while let Some(ended) = acts.join_next().await {
        ended.context("a script ended before its end")?;
    }
    over.store(true, Ordering::SeqCst);
    let (kills, faults) = match weather {
        Some(weather) => weather.await.context("the weather ended before its end")?,
        None => Default::default(),
    };
    let script_seconds = started.elapsed().as_secs_f64();

    let waited = Instant::now();
    // Whose hook was lost is read by the next pull.
    let is_pulled = args.calm || pulled(&house, stage.sandbox.clock().millis() * 1_000, Duration::from_mins(4)).await;
    let is_quiet = is_pulled && quiet(&house, &stage, Duration::from_mins(4)).await;
    let quiet_seconds = waited.elapsed().as_secs_f64();
    let (held, asked) = waiting(&house.database).await?;
    let entries = stage.sandbox.journal().all();
    let verdict = judge::judge(&entries, &Cast { ids, begun, held, blurs: !args.calm, asked });
    let metrics = house.metrics().await;
    house.stop().await;

    #[expect(clippy::cast_precision_loss, reason = "counts of a test")]
    let per_change = verdict.writes as f64 / verdict.changes.max(1) as f64;
    let report = Report {
        pair: args.pair.name(),
        seed: args.seed,
        seeds: args.seeds,
        people: args.people * seeds.len(),
        steps,
        edits: verdict.edits,
        lost: verdict.lost.len(),
        disagreements: verdict.disagreements.len(),
        duplicates: verdict.duplicates.len(),
        echo_writes: verdict.echo_writes.len(),
        writes: verdict.writes,
        writes_per_change: (per_change * 100.0).round() / 100.0,
        overwritten_newer: verdict.overwritten_newer.len(),
        crossed: verdict.crossed,
        blurred: verdict.blurred,
        close_edits: verdict.close_edits,
        held: verdict.held.clone(),
        unasked: verdict.unasked.len(),
        refused_edits: stage.refused.load(Ordering::SeqCst),
        kills,
        faults,
        dead_jobs: metrics.dead_jobs(),
        panics: house.panics(),
        quiet: is_quiet,
        script_seconds,
        quiet_seconds,
    };
    println!("{}", serde_json::to_string_pretty(&report)?);
    tell(&verdict);
    let clean = verdict.is_clean() && report.panics == 0 && report.dead_jobs == 0;
    if !is_quiet {
        eprintln!("bench: it did not come to rest");
    }
    std::fs::write(folder.join("journal.json"), serde_json::to_vec_pretty(&entries)?)?;
    if let Some(services) = services.as_deref().filter(|_| !clean) {
        services.keep();
    }
    Ok(clean && is_quiet)
}

fn tell(verdict: &Verdict) {
    for (kind, all) in [
        ("lost", &verdict.lost),
        ("disagreement", &verdict.disagreements),
        ("duplicate", &verdict.duplicates),
        ("overwritten newer", &verdict.overwritten_newer),
        ("echo", &verdict.echo_writes),
        ("unasked", &verdict.unasked),
    ] {
        for one in all {
            eprintln!("bench: {kind}: {one}");
        }
    }
}

/// Waits until both CRMs have everybody once, and gives where.
async fn arrive(stage: &Stage, people: usize, first: usize, patience: Duration) -> anyhow::Result<Vec<Guest>> {
    let ends = Instant::now() + patience;
    loop {
        let (salesforce, hubspot) = (stage.sandbox.salesforce().state(), stage.sandbox.hubspot().state());
        let guests: Option<Vec<Guest>> =
            (0..people).map(|it| guest(&salesforce, &hubspot, &script::address(first + it))).collect();
        if let Some(guests) = guests {
            return Ok(guests);
        }
        if Instant::now() > ends {
            bail!("not everybody came into both CRMs");
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

fn guest(salesforce: &Value, hubspot: &Value, address: &str) -> Option<Guest> {
    let find = |rows: &'_ Value, email: &str| -> Option<Value> {
        rows.as_array()?.iter().find(|row| row.pointer(email).and_then(Value::as_str) == Some(address)).cloned()
    };
    let (lead, contact) = (find(&salesforce["Lead"], "/Email")?, find(&hubspot["contacts"], "/properties/email")?);
    let had = Field::ALL.map(|field| {
        let value = lead[field.names().0].as_str().unwrap_or_default();
        (field, vec![value.to_owned()])
    });
    Some(Guest {
        salesforce: ("Lead", lead["Id"].as_str()?.to_owned()),
        hubspot: contact["id"].as_str()?.to_owned(),
        had: had.into(),
    })
}

impl Stage {
    fn set_hooks(&self, base_url: &str) -> anyhow::Result<()> {
        let share = if self.calm { 0.0 } else { 1.0 };
        let message = json!({"vendor": "salesforce", "target_url": format!("{base_url}/hooks/salesforce/{HOOK_SECRET}"),
            "mishaps": {"lost": LOST * share, "duplicates": DOUBLED, "late": LATE * share, "late_ms": LATE_MS,
                "reorder": true}});
        self.sandbox.salesforce().set_hook(&message).map_err(anyhow::Error::msg)?;
        self.set_hubspot_hook(LOST * share)
    }

    fn set_hubspot_hook(&self, lost: f64) -> anyhow::Result<()> {
        let share = if self.calm { 0.0 } else { 1.0 };
        let hook = json!({"vendor": "hubspot", "url": self.hubspot_url, "lost": lost, "duplicates": DOUBLED,
            "late": LATE * share, "late_ms": LATE_MS, "reorder": true});
        self.sandbox.hubspot().set_hook(&hook).map(drop).map_err(anyhow::Error::msg)
    }

    fn edit(&self, side: Side, remote_type: &str, id: &str, fields: Value) -> Option<Value> {
        let fields: Map<String, Value> = serde_json::from_value(fields).ok()?;
        let _one_at_a_time = self.hooks.lock().unwrap_or_else(PoisonError::into_inner);
        // That a record of HubSpot went is told by its hook alone: it may be late, but not lost.
        let alone = side == Side::Hubspot && ["archived", "merge_into"].iter().any(|name| fields.contains_key(*name));
        if alone && !self.calm {
            _ = self.set_hubspot_hook(0.0);
        }
        let edited = match side {
            Side::Salesforce => self.sandbox.salesforce().edit(remote_type, id, fields),
            Side::Hubspot => self.sandbox.hubspot().edit(remote_type, id, fields),
        };
        if alone && !self.calm {
            _ = self.set_hubspot_hook(LOST);
        }
        match edited {
            Ok(row) => Some(row),
            Err(error) => {
                eprintln!("bench: {side:?} refuses an edit: {error}");
                self.refused.fetch_add(1, Ordering::SeqCst);
                None
            }
        }
    }
}

impl Player {
    async fn play(mut self, steps: Vec<Step>) {
        for step in steps {
            tokio::time::sleep(step.wait).await;
            self.step(step);
        }
    }

    fn step(&mut self, step: Step) {
        let Step { person, side, what, .. } = step;
        let stage = Arc::clone(&self.stage);
        let (remote_type, id) = match side {
            Side::Salesforce => self.people[person].salesforce.clone(),
            Side::Hubspot => ("contacts", self.people[person].hubspot.clone()),
        };
        let edit = |fields| stage.edit(side, remote_type, &id, fields);
        match what {
            What::Edit(fields) => self.edit(person, side, fields),
            What::PutBack(field, number) => {
                let had = self.people[person].had.get(&field).map_or(&[][..], Vec::as_slice);
                if let Some(value) = had.iter().rev().nth(number).cloned() {
                    self.edit(person, side, vec![(field, value)]);
                }
            }
            What::Delete | What::Restore => {
                let gone = what == What::Delete;
                let name = if side == Side::Salesforce { "IsDeleted" } else { "archived" };
                edit(json!({ name: gone }));
            }
            What::Merge(other) => {
                let other = self.people[other].hubspot.clone();
                let merged = stage.edit(side, "contacts", &other, json!({ "merge_into": id }));
                if let Some(survivor) = merged.as_ref().and_then(|row| row["id"].as_str()) {
                    survivor.clone_into(&mut self.people[person].hubspot);
                }
            }
            What::Convert => {
                let lead = edit(json!({ "IsConverted": true }));
                if let Some(contact) = lead.as_ref().and_then(|lead| lead["ConvertedContactId"].as_str()) {
                    self.people[person].salesforce = ("Contact", contact.to_owned());
                }
            }
        }
    }

    fn edit(&mut self, person: usize, side: Side, fields: Vec<(Field, String)>) {
        let guest = &mut self.people[person];
        let mut named = Map::new();
        for (field, value) in fields {
            let (lead, contact, hubspot) = field.names();
            let name = match (side, guest.salesforce.0) {
                (Side::Hubspot, _) => Some(hubspot),
                (Side::Salesforce, "Lead") => Some(lead),
                (Side::Salesforce, _) => contact,
            };
            let Some(name) = name else { continue };
            // HubSpot's screens empty a field with a blank text, Salesforce's with nothing.
            let empty = if side == Side::Hubspot { json!("") } else { Value::Null };
            named.insert(name.to_owned(), if value.is_empty() { empty } else { json!(value) });
            guest.had.entry(field).or_default().push(value);
        }
        let (remote_type, id) = match side {
            Side::Salesforce => guest.salesforce.clone(),
            Side::Hubspot => ("contacts", guest.hubspot.clone()),
        };
        if !named.is_empty() {
            self.stage.edit(side, remote_type, &id, Value::Object(named));
        }
    }
}

/// Faults of the vendors and kills of the service, until it is over; gives how many of both.
async fn weather(
    stage: Arc<Stage>,
    house: Arc<House>,
    seed: u64,
    over: Arc<AtomicBool>,
) -> (usize, BTreeMap<String, u64>) {
    let (mut dice, mut killed, mut faults) = (Rng::with_seed(seed ^ 0xbad), 0, BTreeMap::new());
    while !over.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(dice.u64(500..4_000))).await;
        if dice.u32(0..100) < 12 {
            let process = &house.processes[dice.usize(0..house.processes.len())];
            killed += usize::from(process.kill().await);
            continue;
        }
        let (vendor, kind) = FAULTS[dice.usize(0..FAULTS.len())];
        let share = Some(if dice.bool() { 0.3 } else { 1.0 });
        stage.sandbox.faults().add(FaultRule {
            vendor,
            kind,
            share,
            nth: None,
            calls: Vec::new(),
            seed: Some(dice.u64(..)),
            ms: 800,
        });
        tokio::time::sleep(Duration::from_millis(dice.u64(200..2_000))).await;
        for rule in stage.sandbox.faults().list().as_array().into_iter().flatten() {
            let kind = rule["rule"]["kind"].as_str().unwrap_or_default().to_owned();
            *faults.entry(kind).or_default() += rule["fired"].as_u64().unwrap_or(0);
        }
        stage.sandbox.faults().clear();
    }
    (killed, faults)
}

/// A daily limit is none of them: it would be waited out for longer than a script takes.
const FAULTS: [(Vendor, FaultKind); 13] = [
    (Vendor::Hubspot, FaultKind::RateLimited),
    (Vendor::Hubspot, FaultKind::ServerError),
    (Vendor::Hubspot, FaultKind::HtmlError),
    (Vendor::Hubspot, FaultKind::CutBefore),
    (Vendor::Hubspot, FaultKind::CutAfter),
    (Vendor::Hubspot, FaultKind::BadGatewayAfter),
    (Vendor::Hubspot, FaultKind::Slow),
    (Vendor::Salesforce, FaultKind::ConcurrentLimit),
    (Vendor::Salesforce, FaultKind::ServerError),
    (Vendor::Salesforce, FaultKind::HtmlError),
    (Vendor::Salesforce, FaultKind::CutAfter),
    (Vendor::Salesforce, FaultKind::LockRow),
    (Vendor::Salesforce, FaultKind::Slow),
];

/// Waits until both CRMs were pulled after a point in time. `false` if the patience ends before.
async fn pulled(house: &House, since: i64, patience: Duration) -> bool {
    let ends = Instant::now() + patience;
    // A pull begins before it is noted, and takes a while.
    let since = since + 500_000;
    while Instant::now() < ends {
        let behind = match Tables::open(&house.database).await {
            Ok(mut tables) => {
                let last =
                    "SELECT MAX(pulled_at) FROM pull_cursor WHERE feed IN ('Lead', 'contacts') GROUP BY connection";
                let last = tables.numbers(last).await;
                tables.close().await;
                last.map_or(2, |rows| 2 - rows.iter().flatten().filter(|at| **at > since).count().min(2))
            }
            Err(_) => 2,
        };
        if behind == 0 {
            return true;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    eprintln!("bench: no pull of both CRMs came through");
    false
}

/// Waits until nothing is left to do and nobody writes any more. `false` if the patience ends before.
async fn quiet(house: &House, stage: &Stage, patience: Duration) -> bool {
    let (ends, mut still, mut known, mut left) = (Instant::now() + patience, 0, 0, String::new());
    while Instant::now() < ends {
        let (open, due) = (house.metrics().await.open(), due(&house.database).await);
        let written = stage.sandbox.journal().all().len();
        let done = matches!((open, &due), (Some((0, 0, _)), Ok(0)));
        still = if done && written == known { still + 1 } else { 0 };
        known = written;
        if still >= 8 {
            return true;
        }
        left = format!("inputs, jobs and links by the service {open:?}; links {due:?}");
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    eprintln!("bench: left at the end: {left}");
    false
}

/// Links that are still to be written; who is gone there is not.
async fn due(database: &str) -> anyhow::Result<i64> {
    let mut tables = Tables::open(database).await?;
    let count = "SELECT count(*) FROM link WHERE wanted > done AND role = 'primary' AND state <> 'gone'";
    let counted = tables.numbers(count).await;
    tables.close().await;
    counted?.first().and_then(|row| row.first()).copied().context("no count")
}

type Held = HashMap<(Side, String, String), String>;

/// Fields that are held, and remote ids about which somebody is asked.
async fn waiting(database: &str) -> anyhow::Result<(Held, HashSet<String>)> {
    let mut tables = Tables::open(database).await?;
    let links = tables
        .texts("SELECT remote_type, remote_id, CAST(held AS TEXT) FROM link WHERE remote_id IS NOT NULL AND kind = 'person'")
        .await?;
    let asked = "SELECT l.remote_id FROM link l JOIN review r ON r.record = l.record \
                 WHERE r.state = 'open' AND l.kind = 'person' AND l.remote_id IS NOT NULL";
    let asked = tables.texts(asked).await?.into_iter().flatten().collect();
    tables.close().await;
    let mut held = Held::new();
    for row in links {
        let [remote_type, id, fields] = &row[..] else { continue };
        let side = if remote_type == "contacts" { Side::Hubspot } else { Side::Salesforce };
        let fields: BTreeMap<String, Value> = serde_json::from_str(fields)?;
        for (name, why) in fields {
            let code = why["code"].as_str().unwrap_or_default().to_owned();
            held.insert((side, id.clone(), name), code);
        }
    }
    Ok((held, asked))
}
