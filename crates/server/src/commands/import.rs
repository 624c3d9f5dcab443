//! `mittler import` and `mittler reply`.

use std::{path::Path, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use mittler_api::door::{FairParams, ImportParams, LeadParams};
use mittler_core::RunId;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::ImportArgs,
    commands::{
        print_json,
        progress::{Progress, settle},
        table,
    },
    config::Role,
    service::Service,
};

/// How long a command waits for its run to arrive everywhere.
const MOST: Duration = Duration::from_hours(1);

impl ImportArgs {
    fn params(&self, file: &Path) -> ImportParams {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut params = ImportParams::of(&self.source);
        params.label = self.label.clone().unwrap_or(name);
        params.default_country.clone_from(&self.country);
        params.time_zone.clone_from(&self.time_zone);
        params.stand_scan = !self.organiser_export;
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

pub async fn list(service: &Service, file: &Path, args: &ImportArgs, dry_run: bool, json: bool) -> Result<ExitCode> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let params = args.params(file);
    if dry_run {
        return preview(service, &bytes, &params, json);
    }
    let stop = CancellationToken::new();
    let running = service.start(&[Role::Worker, Role::Relay], service.config.server.listen, &stop).await?;
    let progress = Progress::new("importing", 0, json);
    let imported = service.door.import_csv(bytes.into(), params, |done, total| progress.set(done, total)).await?;
    progress.finish(imported.rows);
    let arrived = settle(service, &[imported.run], json, MOST).await?;
    stop.cancel();
    running.finish().await?;
    report(service, imported.run, imported.rows, imported.known, arrived, json).await
}

pub async fn mails(service: &Service, file: &Path, source: &str, json: bool) -> Result<ExitCode> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let stop = CancellationToken::new();
    let running = service.start(&[Role::Worker, Role::Relay], service.config.server.listen, &stop).await?;
    let imported = service.door.mails(bytes.into(), &LeadParams::of(source)).await?;
    let arrived = settle(service, &[imported.run], json, MOST).await?;
    stop.cancel();
    running.finish().await?;
    report(service, imported.run, imported.rows, imported.known, arrived, json).await
}

fn preview(service: &Service, bytes: &[u8], params: &ImportParams, json: bool) -> Result<ExitCode> {
    let dry = service.door.dry_run_csv(bytes, params, 5)?;
    if json {
        return print_json(&dry);
    }
    println!(
        "{} rows, {} encoding, columns parted by {:?}, header in line {}",
        dry.rows, dry.encoding, dry.delimiter, dry.header_line
    );
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
    println!("{} rows would be refused", dry.problems.len());
    for problem in &dry.problems {
        println!("  line {}: {} ({})", problem.line, problem.reason, problem.code);
    }
    println!("nothing was written");
    Ok(ExitCode::SUCCESS)
}

async fn report(service: &Service, run: RunId, rows: u64, known: u64, arrived: bool, json: bool) -> Result<ExitCode> {
    let counts = service.store.run_counts(run).await?;
    let problems = service.store.signal_lines(run, true, -1, 10_000).await?;
    if json {
        return print_json(
            &json!({ "run": run, "rows": rows, "known": known, "counts": counts, "problems": problems, "arrived": arrived }),
        );
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
    if !arrived {
        println!("not everything has arrived at the CRMs yet; `mittler connections` shows what waits and why");
    }
    Ok(ExitCode::SUCCESS)
}
