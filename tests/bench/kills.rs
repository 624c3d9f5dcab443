//! `bench kills`: leads come in while everything that serves them is being killed, and afterwards nothing may be lost,
//! doubled or invented.

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context, bail};
use mittler_sandbox::{Config, FaultKind, Sandbox, Vendor, faults::FaultRule};
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use crate::{
    diagnosis,
    driver::{self, Plan},
    house::{self, House, Metrics, Pair, Settings},
    ledger::{Books, Ledger, Verdict},
    sender::Sender,
    services::{Services, Tools},
    tables::Tables,
    work::Work,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How often something is killed.
    #[arg(long, default_value_t = 25)]
    kills: usize,
    /// Leads that are sent meanwhile.
    #[arg(long, default_value_t = 2_000)]
    leads: usize,
    /// Seed of the leads, the kills and the cut connections.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, value_enum)]
    pair: Pair,
    /// Share of the write calls that the CRMs carry out and then do not answer.
    #[arg(long, default_value_t = 0.05)]
    cut: f64,
    /// After this time everything is ended, whatever the state.
    #[arg(long, default_value_t = 10)]
    limit_minutes: u64,
    #[command(flatten)]
    tools: Tools,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    pair: &'static str,
    seed: u64,
    leads: usize,
    /// Single posts, repetitions counted, and lists.
    sends: usize,
    attempted: usize,
    /// People of whom a lead was accepted.
    accepted: usize,
    lost: usize,
    duplicated: usize,
    /// The same by CRM and kind.
    duplicates: BTreeMap<String, usize>,
    unexpected: usize,
    /// Inputs that the service set aside, and links that a CRM refused. Healthy leads give none.
    parked: i64,
    refused: i64,
    kills: BTreeMap<&'static str, u64>,
    /// Calls that the CRMs carried out and did not answer.
    cuts: u64,
    /// Calls that were spoilt, by how.
    faults: BTreeMap<String, u64>,
    /// Intents to write whose holder lost its lease to another, and how all intents ended.
    lost_leases: i64,
    endings: BTreeMap<String, i64>,
    /// Sends that were repeated because no acceptance came.
    retries: u64,
    /// How often each answer came; 0 stands for none.
    answers: BTreeMap<u16, u64>,
    /// Answers that a sender cannot do anything with.
    errors: BTreeMap<String, usize>,
    /// Jobs that were given up, panics in the logs, ends of processes that nobody killed.
    dead_jobs: i64,
    panics: usize,
    own_ends: BTreeMap<String, u64>,
    /// What processes said when they ended by themselves.
    last_words: BTreeMap<String, u64>,
    /// Time from the last kill and the last send until nothing was left to do.
    drained_seconds: f64,
    seconds: f64,
}

/// Gives whether everything was in order.
pub async fn run(args: Args) -> anyhow::Result<bool> {
    let limit = Duration::from_secs(args.limit_minutes * 60);
    let folder = run_folder()?;
    let within = tokio::time::timeout(limit, kills(&args, folder.path(), Instant::now() + limit)).await;
    let clean = within.unwrap_or_else(|_| bail!("not over within {} minutes", args.limit_minutes));
    if !matches!(clean, Ok(true)) {
        eprintln!("bench: logs and database are kept in {}", folder.keep().display());
    }
    clean
}

/// A folder of the run; the user of the database server must get through it.
pub fn run_folder() -> anyhow::Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("mittler-bench-").tempdir()?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
    Ok(folder)
}

async fn kills(args: &Args, folder: &Path, ends: Instant) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let mittler = house::mittler(args.tools.bin.as_deref())?;
    let services = match args.pair {
        Pair::Sqlite => None,
        Pair::Postgres => Some(Arc::new(Services::obtain(args.tools.services.as_deref(), folder).await?)),
    };
    let sandbox = sandbox(args.seed, args.cut).await?;
    // Short calls make short leases of links, and those make short pauses.
    let settings = Settings { call_timeout_seconds: 1, ..Settings::default() };
    let access = sandbox.access();
    let house = House::start(args.pair, &mittler, folder, services.as_deref(), &access, &settings).await?;
    let house = Arc::new(house);

    let plan = Plan::new(args.seed, args.pair, args.kills, settings.longest_lease());
    let work = Work::new(args.seed, args.leads, plan.over());
    let sender = Arc::new(Sender::new(&house.base_url, &house.key, ends)?);
    let driven = driver::drive(plan, Arc::clone(&house), services.clone(), args.seed);
    let (hits, done) = tokio::join!(tokio::spawn(driven), work.send(&sender));
    let hits = hits.context("the kill driver failed")?;

    let waited = Instant::now();
    let (verdict, metrics) = drain(&house, &sandbox, &done.ledger, Duration::from_mins(2)).await;
    let drained_seconds = waited.elapsed().as_secs_f64();
    let obeyed = house.stop().await;
    let endings = endings(&house.database).await;
    if !verdict.is_clean() {
        diagnosis::explain(&verdict, &work, &done, &house).await;
    }
    let report = Report {
        pair: args.pair.name(),
        seed: args.seed,
        leads: args.leads,
        sends: done.sends + 2,
        attempted: done.ledger.attempted.len(),
        accepted: done.ledger.accepted.len(),
        lost: verdict.lost.len(),
        duplicated: verdict.duplicated.len(),
        duplicates: verdict.duplicates(),
        unexpected: verdict.unexpected.len(),
        parked: metrics.parked(),
        refused: metrics.refused_links(),
        kills: Plan::targets(args.pair)
            .map(|target| (target.name(), hits.get(&target).copied().unwrap_or(0)))
            .collect(),
        cuts: fired(&sandbox).get("cut_after").copied().unwrap_or(0),
        faults: fired(&sandbox),
        lost_leases: endings
            .iter()
            .filter(|(how, _)| LOST_LEASE.iter().any(|code| how.contains(code)))
            .map(|(_, count)| count)
            .sum(),
        endings,
        retries: sender.retries.load(Ordering::Relaxed),
        answers: sender.statuses(),
        errors: done.errors,
        dead_jobs: metrics.dead_jobs(),
        panics: house.panics(),
        own_ends: house.own_ends(),
        last_words: house.last_words(),
        drained_seconds,
        seconds: begun.elapsed().as_secs_f64(),
    };
    println!("{}", serde_json::to_string_pretty(&report)?);
    for (how, count) in &report.own_ends {
        eprintln!("bench: ended by itself: {how}, {count} times");
    }
    for (words, count) in &report.last_words {
        eprintln!("bench: said at the end: {words}, {count} times");
    }
    let mut faults = Vec::new();
    let mut fault = |is: bool, words: &str| {
        if is {
            faults.push(words.to_owned());
        }
    };
    fault(!verdict.is_clean(), "the ledger does not balance");
    fault(report.accepted < report.attempted, "not everything was accepted");
    fault(!report.errors.is_empty(), "healthy leads were refused");
    fault(report.parked > 0 || report.refused > 0, "healthy leads were set aside");
    fault(report.dead_jobs > 0, "jobs were given up");
    fault(report.panics > 0, "something panicked");
    fault(report.kills.values().any(|count| *count == 0), "a target was not hit");
    // An outage of the database or the broker is waited out: what ends by itself wants a person to act.
    fault(!report.own_ends.is_empty(), "a process ended by itself; what it said at the end tells why");
    fault(!obeyed, "SIGTERM did not end everything within 25 s");
    for words in &faults {
        eprintln!("bench: {words}");
    }
    if let Some(services) = services.as_deref().filter(|_| !faults.is_empty()) {
        services.keep();
    }
    Ok(faults.is_empty())
}

/// Both CRMs without limits, which carry out a share of the writes and then cut the connection.
pub async fn sandbox(seed: u64, cut: f64) -> anyhow::Result<Sandbox> {
    let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into(), unlimited(seed)).await?;
    if cut > 0.0 {
        for (vendor, calls) in [(Vendor::Salesforce, SALESFORCE_WRITES), (Vendor::Hubspot, HUBSPOT_WRITES)] {
            // Slow ones are answered in time, and are under way when somebody is stopped or killed.
            for (kind, share) in
                [(FaultKind::CutAfter, cut), (FaultKind::BadGatewayAfter, cut / 2.0), (FaultKind::Slow, cut * 2.0)]
            {
                let calls = calls.iter().map(|&call| call.to_owned()).collect();
                let rule = FaultRule { vendor, kind, share: Some(share), nth: None, calls, seed: None, ms: SLOW_MS };
                sandbox.faults().add(rule);
            }
        }
    }
    Ok(sandbox)
}

/// Below the time that a call may take.
const SLOW_MS: u64 = 600;

const SALESFORCE_WRITES: &[&str] =
    &["create", "update", "upsert", "collections_create", "collections_update", "collections_upsert", "composite"];
const HUBSPOT_WRITES: &[&str] = &[
    "create",
    "update",
    "batch_create",
    "batch_update",
    "batch_upsert",
    "associations_batch_default",
    "associations_batch_create",
    "marketing_event_upsert",
    "marketing_event_create",
    "marketing_event_update",
    "attendance",
];

/// No limits, no lag, and a portal that is prepared.
pub fn unlimited(seed: u64) -> Config {
    let mut config = Config { seed, ..Config::default() };
    config.salesforce.daily_api_limit = u64::MAX / 2;
    config.hubspot.search_lag_ms = 0;
    // What `mittler doctor` would have made.
    config.hubspot.mittler_id = true;
    let limits = &mut config.hubspot.limits;
    (limits.burst, limits.burst_oauth, limits.burst_associations) = (0, 0, 0);
    (limits.search_per_second, limits.daily) = (0, 0);
    config
}

/// How often each kind of fault came.
fn fired(sandbox: &Sandbox) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for rule in sandbox.faults().list().as_array().into_iter().flatten() {
        let kind = rule["rule"]["kind"].as_str().unwrap_or_default().to_owned();
        *all.entry(kind).or_default() += rule["fired"].as_u64().unwrap_or(0);
    }
    all
}

/// Codes of intents that somebody else ended, or that were not begun since the lease would not have lasted.
const LOST_LEASE: [&str; 2] = ["superseded", "lease_too_short"];

/// How often intents ended in each way.
async fn endings(database: &str) -> BTreeMap<String, i64> {
    let read = async {
        let mut tables = Tables::open(database).await?;
        let sql = "SELECT COALESCE(outcome, 'open') || ' ' || COALESCE(code, ''), CAST(count(*) AS TEXT) FROM intent \
                   GROUP BY outcome, code";
        let rows = tables.texts(sql).await?;
        tables.close().await;
        anyhow::Ok(rows)
    };
    match read.await {
        Ok(rows) => rows.into_iter().filter_map(|row| Some((row[0].trim().to_owned(), row[1].parse().ok()?))).collect(),
        Err(error) => {
            eprintln!("bench: no look into the intents: {error:#}");
            BTreeMap::new()
        }
    }
}

/// Waits until nothing is left to do, or nothing has moved for so long, and balances the ledger.
pub async fn drain(house: &House, sandbox: &Sandbox, ledger: &Ledger, patience: Duration) -> (Verdict, Metrics) {
    let (mut ends, mut idle, mut said, mut left) = (Instant::now() + patience, 0, Instant::now(), None);
    loop {
        let metrics = house.metrics().await;
        let open = metrics.open();
        if open.is_some() && open != left {
            (ends, left) = (Instant::now() + patience, open);
        }
        idle = if matches!(open, Some((0, _, 0))) { idle + 1 } else { 0 };
        // The ledger reads all that the CRMs hold: too much work to do it while others still have some.
        if idle >= 4 || Instant::now() > ends {
            let state = json!({"salesforce": sandbox.salesforce().state(), "hubspot": sandbox.hubspot().state()});
            let verdict = ledger.judge(&Books::of(&state));
            // What waits for a repetition is not due yet and counts as nothing to do; jobs tell.
            let jobs = open.map_or(0, |(_, jobs, _)| jobs);
            if verdict.lost.is_empty() || idle >= 20 && jobs == 0 || Instant::now() > ends {
                return (verdict, metrics);
            }
        }
        if said.elapsed() > Duration::from_secs(10) {
            said = Instant::now();
            match open {
                Some((inputs, jobs, due)) => {
                    eprintln!("bench: draining: {inputs} inputs, {jobs} jobs, {due} links due");
                }
                None => eprintln!("bench: draining: the service does not answer"),
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
