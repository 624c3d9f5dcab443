//! `mittler import` and `mittler reply`.

use std::{
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use mittler_api::{
    Door,
    door::{FairParams, ImportParams, Imported, LeadParams},
};
use mittler_core::RunId;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::ImportArgs,
    commands::{
        print_json,
        progress::{Arrival, Progress, arrival},
        table,
    },
    config::Role,
    service::{Desk, Service},
};

/// How long a command waits for its run to arrive everywhere.
const MOST: Duration = Duration::from_hours(1);
/// How often a wait looks whether the service that it waits for is still there.
const TAKE_OVER: Duration = Duration::from_secs(2);
/// Everything is stored, but not everything has arrived.
const NOT_ARRIVED: u8 = 3;

/// How a command is to behave.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    pub json: bool,
    pub no_wait: bool,
}

impl ImportArgs {
    fn params(&self, file: &Path) -> ImportParams {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut params = ImportParams::of(&self.source);
        params.label = self.label.clone().unwrap_or(name);
        params.default_country.clone_from(&self.country);
        params.time_zone.clone_from(&self.time_zone);
        params.stand_scan = !self.organiser_export;
        params.purpose.clone_from(&self.purpose);
        params.fair = self.fair.clone().map(|name| FairParams {
            name,
            organiser: self.organiser.clone(),
            place: self.place.clone(),
            starts: self.starts,
            ends: self.ends,
        });
        params
    }
}

/// Imports a list.
pub async fn list(desk: &Desk, file: &Path, args: &ImportArgs, manner: Manner) -> Result<ExitCode> {
    let bytes = read(file)?;
    take(desk, manner, "importing", async |door, progress| {
        Ok(door.import_csv(bytes.clone().into(), args.params(file), |done, total| progress.set(done, total)).await?)
    })
    .await
}

/// Takes a message, or a file of messages.
pub async fn mails(desk: &Desk, file: &Path, source: &str, manner: Manner) -> Result<ExitCode> {
    let bytes = read(file)?;
    take(desk, manner, "taking mails", async |door, _| {
        Ok(door.mails(bytes.clone().into(), &LeadParams::of(source)).await?)
    })
    .await
}

/// Shows how a list would be read.
pub fn dry_run(desk: &Desk, file: &Path, args: &ImportArgs, json: bool) -> Result<ExitCode> {
    preview(&desk.door(), &read(file)?, &args.params(file), json)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
}

/// Stores the inputs, then sees them through: by a worker of this process, or by the service if one
/// runs on this SQLite file and so holds all roles.
async fn take(
    desk: &Desk,
    manner: Manner,
    what: &str,
    put: impl AsyncFnOnce(&Door, &Progress) -> Result<Imported>,
) -> Result<ExitCode> {
    let progress = Progress::new(what, 0, manner.json);
    let imported = put(&desk.door(), &progress).await?;
    progress.finish(imported.rows);
    let end = if manner.no_wait { None } else { Some(see_through(desk, imported.run, manner.json).await?) };
    report(desk, &imported, end.as_ref(), manner.json).await
}

async fn see_through(desk: &Desk, run: RunId, quiet: bool) -> Result<Arrival> {
    let begun = Instant::now();
    let stop = CancellationToken::new();
    let progress = Progress::new("telling the CRMs", 0, quiet);
    let (mut own, mut looked) = (None, None::<Instant>);
    let arrival = loop {
        // A service may end meanwhile: whoever waits takes over.
        if own.is_none() && looked.is_none_or(|at| at.elapsed() > TAKE_OVER) {
            if let Some(service) = Service::open_if_free(desk.config.clone()).await? {
                let running = service.start(&[Role::Worker, Role::Relay], None, &stop)?;
                own = Some((service, running));
            }
            looked = Some(Instant::now());
        }
        let arrival = arrival(&desk.store, &desk.clock, run).await?;
        let Arrival::Under { unread, due } = &arrival else { break arrival };
        let total = desk.store.run_counts(run).await?.total;
        progress.set((total - unread).unsigned_abs(), total.unsigned_abs() + due.unsigned_abs());
        if begun.elapsed() > MOST {
            break arrival;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    stop.cancel();
    if let Some((service, running)) = own {
        running.finish().await?;
        service.store.close().await;
    }
    Ok(arrival)
}

fn preview(door: &Door, bytes: &[u8], params: &ImportParams, json: bool) -> Result<ExitCode> {
    let dry = door.dry_run_csv(bytes, params, 5)?;
    if json {
        return print_json(&dry);
    }
    let parted = match dry.delimiter {
        Some(delimiter) => format!("columns parted by {delimiter:?}"),
        None => "one column".to_owned(),
    };
    println!("{}, {} encoding, {parted}, header in line {}", counted(dry.rows), dry.encoding, dry.header_line);
    let mut columns = table(&["Column", "Meaning", "Examples"]);
    for column in &dry.columns {
        let meaning =
            column.meaning.and_then(|it| serde_json::to_value(it).ok()).and_then(|it| it.as_str().map(str::to_owned));
        columns.add_row([
            column.header.clone(),
            meaning.unwrap_or_else(|| "kept as attribute".into()),
            column.samples.join(" · "),
        ]);
    }
    println!("{columns}");
    println!("{} would be refused", counted(dry.problems.len() as u64));
    for problem in &dry.problems {
        println!("  line {}: {} ({})", problem.line, problem.reason, problem.code);
    }
    println!("nothing was written");
    Ok(ExitCode::SUCCESS)
}

fn counted(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

async fn report(desk: &Desk, imported: &Imported, end: Option<&Arrival>, json: bool) -> Result<ExitCode> {
    let &Imported { run, rows, known, .. } = imported;
    let (counts, problems) = desk.door().outcome(imported).await?;
    let arrived = matches!(end, Some(Arrival::Everywhere));
    let code = if arrived || end.is_none() { ExitCode::SUCCESS } else { ExitCode::from(NOT_ARRIVED) };
    if json {
        let not_at = if let Some(Arrival::NotAt(shut)) = end { shut.as_slice() } else { &[] };
        print_json(&json!({
            "run": run, "rows": rows, "known": known, "counts": counts, "problems": problems,
            "arrived": arrived, "not_at": not_at,
        }))?;
        return Ok(code);
    }
    println!(
        "{rows} read, {} taken, {known} known from before, {} refused, {} parked",
        counts.done, counts.refused, counts.parked
    );
    for problem in problems {
        let (code, reason) = (problem.code.unwrap_or_default(), problem.reason.unwrap_or_default());
        println!("  line {}: {reason} ({code})", problem.line);
    }
    println!("run {run}");
    match end {
        Some(Arrival::Everywhere) => {}
        Some(Arrival::NotAt(shut)) => {
            println!("everything is stored, but some CRMs cannot be told until somebody acts:");
            for one in shut {
                println!("  {one}");
            }
        }
        Some(Arrival::Under { unread, due }) => println!(
            "everything is stored, but {unread} inputs are unread and {due} records are not at their CRM yet; \
             `mittler connections` shows what waits and why, and `mittler serve` goes on with it"
        ),
        None => println!("{} inputs are stored and not read yet; `mittler serve` goes on with them", counts.waiting),
    }
    Ok(code)
}
