//! `bench speed`: how fast, how late, how many calls and how much memory, with the database's own limits measured in the
//! same run.
//!
//! Times come from two clocks of one machine: the sender's, read when an answer has come, and the service's own stamps in
//! its tables, of which an intent's `settled_at` is the moment when a CRM's answer was in hand.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use mittler_sandbox::Config;
use serde_json::{Map, Value, json};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    broker, calls,
    crms::Crms,
    house::{self, Counters, House, Pair, Settings},
    kills,
    ledger::Ledger,
    limits::{self, Limits},
    people::{self, Population},
    sender::Sender,
    serial,
    services::{Services, Tools},
    tables::Tables,
    wire::Wire,
};

/// Posts that are waiting for their answers at any time.
const CLIENTS: usize = 32;
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(5);
/// Leads a second, and for how long, when latency is measured.
const QUIET_RATE: u32 = 20;
const QUIET_LEADS: usize = 300;
/// What HubSpot grants a private app in ten seconds.
const HUBSPOT_BURST: u64 = 190;
const HUBSPOT_SEARCH: u64 = 5;
/// Rows of the list at the vendors' limits: more would only take longer.
const LIMITED_ROWS: usize = 5_000;
const SLOW_ROWS: usize = 5_000;
const SLOW_MS: u64 = 100;
/// Beside the row writes by table.
const WRITE_TRANSACTIONS: &str = "write transactions";
/// Nothing that is waited for takes longer.
const PATIENCE: Duration = Duration::from_mins(3);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Rows of the list.
    #[arg(long, default_value_t = 10_000)]
    leads: usize,
    #[arg(long, value_enum)]
    pair: Pair,
    /// What to measure: list, quiet, singles, limited, slow; all by default. The database's limits always come along.
    #[arg(long, value_delimiter = ',')]
    parts: Vec<String>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 20)]
    limit_minutes: u64,
    #[command(flatten)]
    tools: Tools,
}

pub async fn run(args: Args) -> anyhow::Result<bool> {
    let folder = kills::run_folder()?;
    let limit = Duration::from_secs(args.limit_minutes * 60);
    let within = tokio::time::timeout(limit, speed(&args, folder.path())).await;
    let ended = within.unwrap_or_else(|_| bail!("not over within {} minutes", args.limit_minutes));
    if ended.is_err() {
        eprintln!("bench: logs and database are kept in {}", folder.keep().display());
    }
    ended.map(|()| true)
}

/// What all parts need.
struct Rig {
    pair: Pair,
    mittler: PathBuf,
    folder: PathBuf,
    services: Option<Services>,
    seed: u64,
    limits: Vec<Limits>,
}

impl Rig {
    async fn house(&self, name: &str, crms: &Crms, settings: &Settings) -> anyhow::Result<House> {
        let folder = self.folder.join(name);
        std::fs::create_dir(&folder)?;
        House::start(self.pair, &self.mittler, &folder, self.services.as_ref(), &crms.access, settings).await
    }

    async fn measure_limits(&mut self) -> anyhow::Result<()> {
        let measured = match &self.services {
            Some(services) => limits::postgres(&services.database().await?).await?,
            None => limits::sqlite(&self.folder).await?,
        };
        self.limits.push(measured);
        Ok(())
    }
}

async fn speed(args: &Args, folder: &Path) -> anyhow::Result<()> {
    let wanted = |part: &str| args.parts.is_empty() || args.parts.iter().any(|wanted| wanted == part);
    let services = match args.pair {
        Pair::Sqlite => None,
        Pair::Postgres => Some(Services::obtain(args.tools.services.as_deref(), folder).await?),
    };
    let mut rig = Rig {
        pair: args.pair,
        mittler: house::mittler(args.tools.bin.as_deref())?,
        folder: folder.to_owned(),
        services,
        seed: args.seed,
        limits: Vec::new(),
    };
    let mut report = Map::new();
    report.insert("pair".into(), args.pair.name().into());
    report.insert("leads".into(), args.leads.into());
    report.insert("optimised".into(), (!cfg!(debug_assertions)).into());
    report.insert("load_before".into(), load().into());
    rig.measure_limits().await?;
    let open = ["list", "quiet", "singles"].into_iter().filter(|part| wanted(part)).collect::<Vec<_>>();
    if !open.is_empty() {
        let crms = Crms::start(&kills::unlimited(args.seed)).await?;
        let house = rig.house("open", &crms, &Settings::default()).await?;
        if wanted("list") {
            report.insert("list".into(), list(&rig, &house, &crms, args.leads).await?);
            rig.measure_limits().await?;
        }
        if wanted("quiet") {
            report.insert("quiet".into(), quiet(&rig, &house).await?);
        }
        if wanted("singles") {
            report.insert("singles".into(), singles(&rig, &house).await?);
        }
        report.insert("peak_memory_kilobytes".into(), memory(&house));
        let cpu = house.processes.iter().map(|process| (process.name().to_owned(), process.cpu_seconds().into()));
        report.insert("processor_seconds".into(), Value::Object(cpu.collect()));
        house.stop().await;
    }
    if wanted("limited") {
        report.insert("list_at_vendor_limits".into(), limited(&rig, args.leads.min(LIMITED_ROWS)).await?);
    }
    if wanted("slow") {
        report.insert("slow_crm".into(), slow(&rig, args.leads.min(SLOW_ROWS)).await?);
    }
    rig.measure_limits().await?;
    let median = Limits::median(&rig.limits);
    ratios(&mut report, median);
    report.insert("database".into(), json!({"measured": rig.limits, "median": median}));
    report.insert("load_after".into(), load().into());
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// The peak of each process, and their sum: no more than that was ever in use at once.
fn memory(house: &House) -> Value {
    let peaks = house.processes.iter().map(|process| (process.name().to_owned(), process.peak_memory()));
    let mut peaks: BTreeMap<String, u64> = peaks.collect();
    peaks.insert("sum".into(), peaks.values().sum());
    json!(peaks)
}

fn ratios(report: &mut Map<String, Value>, median: Limits) {
    let of = |report: &Map<String, Value>, part: &str, name: &str| report.get(part)?[name].as_f64();
    let mut ratios = Map::new();
    if let Some(rate) = of(report, "list", "leads_per_second") {
        ratios.insert("list_of_rows_by_100".into(), (rate / median.rows_by_100).into());
    }
    if let Some(rate) = of(report, "singles", "accepted_per_second") {
        ratios.insert("singles_of_single_rows".into(), (rate / median.single_rows).into());
    }
    report.insert("ratios".into(), ratios.into());
}

/// The machine's load, as the kernel says it.
fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "the sender's clock, compared with the service's stamps")]
fn now_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "microseconds and counts below 2^52")]
fn per_second(count: usize, micros: i64) -> f64 {
    count as f64 * 1e6 / micros.max(1) as f64
}

/// Sends a list and waits until both CRMs have it; gives the time from the first byte to the last answer of a CRM.
async fn send_list(rig: &Rig, house: &House, crms: &Crms, rows: usize) -> anyhow::Result<(i64, i64)> {
    let all = Population::new(rig.seed, rows, 0.0);
    let csv = all.csv(&(0..rows).collect::<Vec<_>>());
    let sender = Sender::new(&house.base_url, &house.key, Instant::now() + PATIENCE)?;
    let begun = now_micros();
    sender.list(&csv, &people::list_params()).await?;
    let accepted = now_micros() - begun;
    settle(house).await?;
    let written = last_answer(house).await? - begun;
    let sent: HashSet<String> = all.people.iter().map(|person| person.email.clone()).collect();
    let ledger = Ledger { accepted: sent.clone(), attempted: sent, ..Ledger::default() };
    let verdict = ledger.judge(&crms.books().await?);
    if !verdict.is_clean() {
        let first = verdict.lost.iter().next();
        bail!(
            "the list is not in both CRMs: {} people incomplete ({first:?}), {} doubles, {} strangers",
            verdict.lost.len(),
            verdict.duplicated.len(),
            verdict.unexpected.len()
        );
    }
    Ok((accepted, written))
}

/// Waits until nothing is to be read and nothing is due.
async fn settle(house: &House) -> anyhow::Result<()> {
    let (ends, mut idle) = (Instant::now() + PATIENCE, 0);
    while idle < 3 {
        let open = house.metrics().await.open();
        idle = if matches!(open, Some((0, _, 0))) { idle + 1 } else { 0 };
        if Instant::now() > ends {
            bail!("not written within {} s: {open:?} inputs, jobs, links left", PATIENCE.as_secs());
        }
        // Counting costs the service something, too.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

async fn last_answer(house: &House) -> anyhow::Result<i64> {
    let mut tables = Tables::open(&house.database).await?;
    let last = tables.numbers("SELECT MAX(settled_at) FROM intent").await?;
    tables.close().await;
    last.first().and_then(|row| row.first()).copied().context("nothing was written")
}

async fn list(rig: &Rig, house: &House, crms: &Crms, rows: usize) -> anyhow::Result<Value> {
    crms.forget_calls().await?;
    let (before, counted, begun) = (writes(house).await?, house.counters().await, now_micros());
    let (accepted, written) = send_list(rig, house, crms, rows).await?;
    let (calls, by_type) = (crms.calls().await?, crms.calls_by_type().await?);
    let (after, now) = (writes(house).await?, house.counters().await);
    let mut report = json!({
        "rows": rows,
        "accepted_per_second": per_second(rows, accepted),
        "leads_per_second": per_second(rows, written),
        "calls_per_1000_leads": per_thousand(&calls, rows),
        "calls_by_type": calls::table(&by_type, &calls::written(&house.database, begun).await?),
        "row_writes_per_lead": difference(&after, &before, rows),
        "commits": commits((&before, counted), (&after, now), rows),
    });
    if let Some(services) = &rig.services {
        let messages = now.confirmed - counted.confirmed;
        report["broker"] = json!({
            "messages": messages,
            "messages_per_1000_leads": rounded(count_of(messages) * 1000.0 / share(rows)),
            "consumed": now.consumed - counted.consumed,
            "limit_per_second": broker::measure(&services.broker().await?).await?,
        });
    }
    Ok(report)
}

/// A count of rows by table, and the processes' own counters of the same moment.
type Moment<'a> = (&'a BTreeMap<String, i64>, Counters);

fn commits(before: Moment<'_>, after: Moment<'_>, leads: usize) -> Value {
    let counted = after.1.commits - before.1.commits;
    let mut commits = json!({
        "counted": counted,
        "counted_per_lead": rounded(count_of(counted) / share(leads)),
        "counted_is": "commits of writes as the service's processes count them, looks that found nothing included",
    });
    if let (Some(from), Some(to)) = (before.0.get(WRITE_TRANSACTIONS), after.0.get(WRITE_TRANSACTIONS)) {
        commits["write_transactions"] = (to - from).into();
        commits["write_transactions_per_lead"] = rounded(count_of(to - from) / share(leads));
        commits["write_transactions_is"] =
            "ids that the whole server gave to transactions that changed or locked something".into();
    }
    commits
}

fn per_thousand(calls: &Value, leads: usize) -> Value {
    let vendors = calls.as_object().into_iter().flatten().map(|(vendor, kinds)| {
        let kinds = kinds.as_object().into_iter().flatten();
        let kinds =
            kinds.map(|(kind, count)| (kind.clone(), rounded(count.as_f64().unwrap_or(0.0) * 1000.0 / share(leads))));
        (vendor.clone(), Value::Object(kinds.collect()))
    });
    Value::Object(vendors.collect())
}

#[expect(clippy::cast_precision_loss, reason = "counts below 2^52")]
fn share(count: usize) -> f64 {
    count.max(1) as f64
}

fn rounded(value: f64) -> Value {
    ((value * 100.0).round() / 100.0).into()
}

/// Row writes by table: on PostgreSQL as its statistics count them, on SQLite the rows that are there.
async fn writes(house: &House) -> anyhow::Result<BTreeMap<String, i64>> {
    let mut tables = Tables::open(&house.database).await?;
    let mut counts = BTreeMap::new();
    if tables.is_sqlite() {
        let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_%' ESCAPE '\\'";
        for name in tables.texts(names).await?.into_iter().flatten() {
            let rows = tables.numbers(&format!("SELECT COUNT(*) FROM {name}")).await?;
            counts.insert(format!("{name} rows"), rows.first().and_then(|row| row.first()).copied().unwrap_or(0));
        }
    } else {
        // The server's processes hand their counts on about a second late.
        tokio::time::sleep(Duration::from_secs(2)).await;
        for (what, column) in [("inserts", "n_tup_ins"), ("updates", "n_tup_upd"), ("deletes", "n_tup_del")] {
            let names = tables.texts("SELECT relname::text FROM pg_stat_user_tables ORDER BY relname").await?;
            let numbers = tables.numbers(&format!("SELECT {column} FROM pg_stat_user_tables ORDER BY relname")).await?;
            for (name, number) in names.into_iter().flatten().zip(numbers.into_iter().flatten()) {
                counts.insert(format!("{name} {what}"), number);
            }
        }
        // Only who changes or locks something gets an id; a commit of a read is none.
        let ids = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
        counts.insert(WRITE_TRANSACTIONS.into(), tables.numbers(ids).await?.into_iter().flatten().next().unwrap_or(0));
    }
    tables.close().await;
    Ok(counts)
}

fn difference(after: &BTreeMap<String, i64>, before: &BTreeMap<String, i64>, leads: usize) -> Value {
    let changed = after.iter().map(|(name, count)| (name, count - before.get(name).copied().unwrap_or(0)));
    let changed = changed.filter(|(_, count)| *count != 0);
    let mut all: Map<String, Value> = changed
        .map(|(name, count)| (name.clone(), rounded(per_second(1, 1_000_000) * count_of(count) / share(leads))))
        .collect();
    all.remove(WRITE_TRANSACTIONS);
    let sum: f64 = all.iter().filter_map(|(_, count)| count.as_f64()).sum();
    all.insert("all".into(), rounded(sum));
    Value::Object(all)
}

#[expect(clippy::cast_precision_loss, reason = "counts below 2^52")]
fn count_of(count: i64) -> f64 {
    count as f64
}

/// Single posts, as fast as 32 clients can.
async fn singles(rig: &Rig, house: &House) -> anyhow::Result<Value> {
    let all = std::sync::Arc::new(Population::new(rig.seed ^ 0x51, 200_000, 0.0));
    let path = Sender::new(&house.base_url, &house.key, Instant::now())?.path();
    let (begun, mut clients) = (Instant::now(), JoinSet::new());
    let (from, until) = (begun + WARM_UP, begun + WARM_UP + MEASURED);
    let start = now_micros();
    for client in 0..CLIENTS {
        let (all, path, base, key) =
            (std::sync::Arc::clone(&all), path.clone(), house.base_url.clone(), house.key.clone());
        clients.spawn(async move {
            let mut wire = Wire::connect(&base).await?;
            let (mut counted, mut sent, mut refused) = (0_usize, 0_usize, 0_usize);
            for lead in all.leads.iter().skip(client).step_by(CLIENTS) {
                if Instant::now() >= until {
                    break;
                }
                let (status, _) = wire.post(&path, &key, &all.body(lead)).await?;
                if status == 202 {
                    sent += 1;
                    counted += usize::from((from..until).contains(&Instant::now()));
                } else {
                    refused += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            anyhow::Ok((counted, sent, refused))
        });
    }
    let (mut counted, mut sent, mut refused) = (0, 0, 0);
    while let Some(client) = clients.join_next().await {
        let (a, b, c) = client??;
        (counted, sent, refused) = (counted + a, sent + b, refused + c);
    }
    settle(house).await?;
    let written = last_answer(house).await? - start;
    Ok(json!({
        "clients": CLIENTS,
        "accepted_per_second": share(counted) / MEASURED.as_secs_f64(),
        "sent": sent,
        "refused": refused,
        "end_to_end_per_second": per_second(sent, written),
    }))
}

/// Twenty leads a second: how long each takes until a CRM has it, hop by hop.
async fn quiet(rig: &Rig, house: &House) -> anyhow::Result<Value> {
    let all = Population::new(rig.seed ^ 0x9a, QUIET_LEADS, 0.0);
    let path = Sender::new(&house.base_url, &house.key, Instant::now())?.path();
    let (before, counted) = (writes(house).await?, house.counters().await);
    let mut wire = Wire::connect(&house.base_url).await?;
    let mut accepted = BTreeMap::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1) / QUIET_RATE);
    for lead in &all.leads {
        tick.tick().await;
        let sent = now_micros();
        let (status, answer) = wire.post(&path, &house.key, &all.body(lead)).await?;
        if status != 202 {
            bail!("a lead was answered with {status}: {answer}");
        }
        let answer: Value = serde_json::from_str(&answer)?;
        let id = answer["leads"][0]["id"].as_str().unwrap_or_default().trim_start_matches("sig_").to_owned();
        accepted.insert(id, (sent, now_micros()));
    }
    settle(house).await?;
    let (after, now) = (writes(house).await?, house.counters().await);
    let mut hops: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for hop in read_hops(house).await? {
        if let Some((sent, answered)) = accepted.get(&hop.signal) {
            hops.entry("post_to_202").or_default().push(answered - sent);
            hops.entry("202_to_record").or_default().push(hop.read - answered);
            hops.entry("record_to_first_intent").or_default().push(hop.first_intent - hop.read);
            hops.entry("person_call_until_answer").or_default().push(hop.person_call);
            hops.entry("202_to_person_in_both").or_default().push(hop.person_written - answered);
            hops.entry("202_to_all_written").or_default().push(hop.all_written - answered);
        }
    }
    let measured = hops.get("202_to_all_written").map_or(0, Vec::len);
    let figures = hops.into_iter().map(|(name, mut micros)| {
        micros.sort_unstable();
        let at = |share: usize| rounded(count_of(micros[(micros.len() * share / 100).min(micros.len() - 1)]) / 1000.0);
        (name.to_owned(), json!({"p50_ms": at(50), "p99_ms": at(99)}))
    });
    let figures: Map<String, Value> = figures.collect();
    Ok(json!({
        "leads_per_second": QUIET_RATE,
        "leads": QUIET_LEADS,
        "measured": measured,
        "times": figures,
        "row_writes_per_lead": difference(&after, &before, QUIET_LEADS),
        "commits": commits((&before, counted), (&after, now), QUIET_LEADS),
    }))
}

struct Hop {
    signal: String,
    read: i64,
    first_intent: i64,
    person_call: i64,
    person_written: i64,
    all_written: i64,
}

/// The stamps of everybody who is written in both CRMs.
async fn read_hops(house: &House) -> anyhow::Result<Vec<Hop>> {
    let mut tables = Tables::open(&house.database).await?;
    let id = if tables.is_sqlite() { "lower(hex(s.id))" } else { "replace(s.id::text, '-', '')" };
    let from = "FROM signal s JOIN record p ON p.id = s.record JOIN record r ON r.id = p.id OR r.person = p.id \
                JOIN link l ON l.record = r.id JOIN intent i ON i.link = l.id \
                WHERE s.kind = 'lead' AND i.settled_at IS NOT NULL GROUP BY s.id, p.created_at ORDER BY s.id";
    let names = tables.texts(&format!("SELECT {id} {from}")).await?;
    let person = "CASE WHEN r.id = p.id THEN";
    let numbers = tables
        .numbers(&format!(
            "SELECT p.created_at, MIN(i.begun_at), MAX({person} i.settled_at - i.begun_at END), \
             MAX({person} i.settled_at END), MAX(i.settled_at) {from}"
        ))
        .await?;
    tables.close().await;
    let hops = names.into_iter().flatten().zip(numbers).filter_map(|(signal, row)| {
        let [read, first_intent, person_call, person_written, all_written] = row[..] else { return None };
        Some(Hop { signal, read, first_intent, person_call, person_written, all_written })
    });
    Ok(hops.collect())
}

/// A list while HubSpot grants what it grants: how much of that is used.
async fn limited(rig: &Rig, rows: usize) -> anyhow::Result<Value> {
    let mut config: Config = kills::unlimited(rig.seed);
    config.hubspot.limits.burst = HUBSPOT_BURST;
    config.hubspot.limits.burst_associations = mittler_sandbox::hubspot::Limits::default().burst_associations;
    config.hubspot.limits.search_per_second = HUBSPOT_SEARCH;
    let crms = Crms::start(&config).await?;
    let hubspot_search = HUBSPOT_SEARCH;
    let settings = Settings { hubspot_burst: HUBSPOT_BURST, hubspot_search, ..Settings::default() };
    let house = rig.house("limited", &crms, &settings).await?;
    crms.forget_calls().await?;
    let (_, written) = send_list(rig, &house, &crms, rows).await?;
    let (calls, refused) = (crms.calls().await?, crms.refused_by_limits().await?);
    house.stop().await;
    let kinds = calls["hubspot"].as_object().into_iter().flatten();
    // Associations and searches are metered apart.
    let metered = kinds.filter(|(kind, _)| !kind.starts_with("associations") && *kind != "search");
    let metered: f64 = metered.filter_map(|(_, count)| count.as_f64()).sum();
    let windows = count_of(written) / 1e7;
    Ok(json!({
        "rows": rows,
        "leads_per_second": per_second(rows, written),
        "seconds": count_of(written) / 1e6,
        "metered_calls": metered,
        "calls_refused_with_429": refused,
        "share_of_budget": metered / windows / share(usize::try_from(HUBSPOT_BURST)?),
        "calls_per_1000_leads": per_thousand(&calls, rows),
    }))
}

/// A list when every call takes 100 ms, beside what serial scripts do with the same CRM.
async fn slow(rig: &Rig, rows: usize) -> anyhow::Result<Value> {
    let config = Config { latency_ms: SLOW_MS, ..kills::unlimited(rig.seed) };
    let crms = Crms::start(&config).await?;
    let house = rig.house("slow", &crms, &Settings { concurrency: 8, ..Settings::default() }).await?;
    crms.forget_calls().await?;
    let (_, written) = send_list(rig, &house, &crms, rows).await?;
    let calls = crms.calls().await?;
    house.stop().await;
    let made: f64 = calls
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(_, kinds)| kinds.as_object().into_iter().flatten())
        .filter_map(|(_, count)| count.as_f64())
        .sum();
    let rate = per_second(rows, written);
    // The same calls, one after the other.
    let same_calls = share(rows) / (made * 0.001 * count_of(SLOW_MS.cast_signed()));
    let script = serial::run(&crms.access).await?;
    Ok(json!({
        "rows": rows,
        "latency_ms": SLOW_MS,
        "leads_per_second": rate,
        "calls": made,
        "serial_same_calls_per_second": same_calls,
        "serial_one_create_per_lead_per_second": script.one_by_one,
        "serial_batches_of_100_contacts_only_per_second": script.by_100,
        "times_serial_same_calls": rate / same_calls,
        "times_serial_one_by_one": rate / script.one_by_one,
    }))
}
