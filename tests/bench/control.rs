//! `bench control`: the same ledger over a service that breaks its promises. What it does not notice here, it would not
//! notice in a real fault either.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{Json, Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use fastrand::Rng;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc, time::Instant};

use crate::{
    house::{self, House, Pair, Settings},
    kills,
    ledger::{Books, Ledger},
    sender::Sender,
    work::Work,
};

/// How long the leads take to come in; the door is killed several times meanwhile.
const OVER: Duration = Duration::from_secs(5);
const LEADS: usize = 200;
const LIMIT: Duration = Duration::from_secs(90);

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder with the program `mittler`; else that of this program.
    #[arg(long, env = "MITTLER_TEST_BIN_DIR")]
    bin: Option<PathBuf>,
}

/// Gives whether everything was noticed.
pub async fn run(args: Args) -> anyhow::Result<bool> {
    let folder = kills::run_folder()?;
    let within = tokio::time::timeout(LIMIT, control(&args, &folder)).await;
    within.context("the control hangs")?
}

async fn control(args: &Args, folder: &tempfile::TempDir) -> anyhow::Result<bool> {
    let mittler = house::mittler(args.bin.as_deref())?;
    let sandbox = kills::sandbox(args.seed, 0.0).await?;
    let house =
        House::start(Pair::Sqlite, &mittler, folder.path(), None, &sandbox.access(), &Settings::default()).await?;

    // A door that answers before anything is durable, in front of the real one.
    let ends = Instant::now() + Duration::from_mins(1);
    let behind = Sender::new(&house.base_url, &house.key, ends)?;
    let door = hasty_door(args.seed, behind).await?;
    let sender = Arc::new(Sender::new(&door, &house.key, ends)?);
    let work = Work::singles(args.seed, LEADS, OVER);
    let done = work.send(&sender).await;
    let (verdict, _) = kills::drain(&house, &sandbox, &done.ledger, Duration::from_secs(20)).await;
    let state = json!({"salesforce": sandbox.salesforce().state(), "hubspot": sandbox.hubspot().state()});
    house.stop().await;

    let lost = verdict.lost.len();
    // Whoever is there is there rightly: the ledger must not cry out over those.
    let quiet = verdict.duplicated.is_empty() && verdict.unexpected.is_empty() && lost < done.ledger.accepted.len();
    let mut noticed = lost > 0 && quiet;
    let mut doubles = serde_json::Map::new();
    for (crm, table) in DOUBLED {
        let seen = duplicated(&state, crm, table, &done.ledger);
        noticed &= seen > 0;
        doubles.insert(format!("{crm} {table}"), seen.into());
    }
    let strangers = unexpected(&state, &done.ledger);
    noticed &= strangers > 0;
    let mut silent = serde_json::Map::new();
    for (crm, table, field) in SILENCED {
        let seen = missed(&state, crm, table, field, &done.ledger);
        noticed &= seen > lost;
        silent.insert(format!("{crm} {field}"), seen.saturating_sub(lost).into());
    }
    let report = json!({"accepted": done.ledger.accepted.len(), "lost": lost, "otherwise_quiet": quiet,
        "duplicated": doubles, "unexpected": strangers, "missed": silent, "noticed": noticed});
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(noticed)
}

/// What of the CRMs is doubled, each by itself.
const DOUBLED: [(&str, &str); 7] = [
    ("salesforce", "Lead"),
    ("salesforce", "Task"),
    ("salesforce", "CampaignMember"),
    ("salesforce", "Campaign"),
    ("hubspot", "contacts"),
    ("hubspot", "tasks"),
    ("hubspot", "marketing_events"),
];

/// How many doubles the ledger sees when one record is there twice.
fn duplicated(state: &Value, crm: &str, table: &str, ledger: &Ledger) -> usize {
    let mut state = state.clone();
    if let Some(rows) = state[crm][table].as_array_mut()
        && let Some(row) = rows.first().cloned()
    {
        rows.push(row);
    }
    ledger.judge(&Books::of(&state)).duplicated.len()
}

/// What is taken away from every record of a type: a second lead's number, and where somebody belongs.
const SILENCED: [(&str, &str, &str); 4] = [
    ("salesforce", "Lead", "/MobilePhone"),
    ("salesforce", "Lead", "/Company"),
    ("hubspot", "contacts", "/properties/mobilephone"),
    ("hubspot", "contacts", "/associations/companies"),
];

/// Of how many people the ledger misses something then.
fn missed(state: &Value, crm: &str, table: &str, field: &str, ledger: &Ledger) -> usize {
    let mut state = state.clone();
    for row in state[crm][table].as_array_mut().into_iter().flatten() {
        if let Some(value) = row.pointer_mut(field) {
            *value = Value::Null;
        }
    }
    ledger.judge(&Books::of(&state)).lost.len()
}

/// How many strangers it sees when one person was never sent.
fn unexpected(state: &Value, ledger: &Ledger) -> usize {
    let mut state = state.clone();
    if let Some(row) = state["hubspot"]["contacts"].as_array_mut().and_then(|rows| rows.first_mut()) {
        row["properties"]["email"] = json!("nobody@nowhere.example");
    }
    ledger.judge(&Books::of(&state)).unexpected.len()
}

/// Says 202 at once, keeps the lead in memory and passes it on later; every second or so it loses its memory, as a
/// process does that is killed.
async fn hasty_door(seed: u64, behind: Sender) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (memory, waiting) = mpsc::channel(10_000);
    let router = Router::new().route("/api/v1/leads", post(accept_at_once)).with_state(memory);
    tokio::spawn(async move { axum::serve(listener, router).await });
    tokio::spawn(pass_on(seed, waiting, behind));
    Ok(format!("http://{address}"))
}

async fn accept_at_once(State(memory): State<mpsc::Sender<Bytes>>, body: Bytes) -> (StatusCode, Json<Value>) {
    match memory.try_send(body) {
        Ok(()) => (StatusCode::ACCEPTED, Json(json!({"leads": [{"id": "sig_hasty", "known": false}]}))),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({}))),
    }
}

async fn pass_on(seed: u64, mut waiting: mpsc::Receiver<Bytes>, behind: Sender) {
    let mut dice = Rng::with_seed(seed);
    let mut killed = Instant::now();
    let mut life = Duration::from_millis(dice.u64(300..1_500));
    while let Some(body) = waiting.recv().await {
        tokio::time::sleep(Duration::from_millis(dice.u64(5..40))).await;
        if killed.elapsed() > life {
            // This one and all that wait behind it were only in memory.
            while waiting.try_recv().is_ok() {}
            (killed, life) = (Instant::now(), Duration::from_millis(dice.u64(300..1_500)));
            continue;
        }
        // A lead that the real service refuses is missing at the end, which is what this door is for.
        _ = behind.lead(&String::from_utf8_lossy(&body)).await;
    }
}
