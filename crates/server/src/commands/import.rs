//! `mittler import` and `mittler reply`.

use std::{
    fs::File,
    io::Write,
    ops::ControlFlow,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use mittler_core::RunId;
use mittler_ingest::{Counts, DryRun, FairParams, ImportParams, Imported, Ingest, LeadParams};
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
    service::{CliContext, Service},
};

/// How long a command waits for its run to arrive everywhere.
const MOST: Duration = Duration::from_hours(1);
/// How often a wait looks whether the service that it waits for is still there.
const TAKE_OVER: Duration = Duration::from_secs(2);
/// Everything is stored, but not everything has arrived.
const NOT_ARRIVED: u8 = 3;

/// How a command is to behave.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'a> {
    pub json: bool,
    pub no_wait: bool,
    /// Where to write the rows that were refused.
    pub problems: Option<&'a Path>,
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
pub async fn list(cli: &CliContext, file: &Path, args: &ImportArgs, manner: Manner<'_>) -> Result<ExitCode> {
    let bytes = read(file)?;
    // Before anything is imported: the file may be one that cannot be written.
    let problems = manner.problems.map(|path| beside(file, path)).transpose()?;
    take(cli, manner, problems, "importing", async |ingest, progress| {
        Ok(ingest.import_csv(bytes.clone().into(), args.params(file), |done, total| progress.set(done, total)).await?)
    })
    .await
}

/// Takes a message, or a file of messages.
pub async fn mails(cli: &CliContext, file: &Path, source: &str, manner: Manner<'_>) -> Result<ExitCode> {
    let bytes = read(file)?;
    take(cli, manner, None, "taking mails", async |ingest, _| {
        Ok(ingest.mails(bytes.clone().into(), &LeadParams::of(source)).await?)
    })
    .await
}

/// Shows how a list would be read.
pub async fn dry_run(cli: &CliContext, file: &Path, args: &ImportArgs, manner: Manner<'_>) -> Result<ExitCode> {
    let (ingest, left, bytes) = (cli.ingest(), CancellationToken::new(), Bytes::from(read(file)?));
    if let Some(path) = manner.problems {
        let list = ingest.open_list(bytes.clone(), args.params(file), &left).await?;
        let (ingest, mut to) = (ingest.clone(), beside(file, path)?);
        let written = tokio::task::spawn_blocking(move || -> Result<()> {
            let mut written = Ok(());
            let read = ingest.dry_run_problems(&list, &CancellationToken::new(), |piece| {
                written = to.write_all(piece.as_bytes());
                if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            written?;
            Ok(read?)
        });
        written.await?.with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let list = ingest.open_list(bytes, args.params(file), &left).await?;
    preview(&ingest.dry_run(list, 5, &left).await?, manner)
}

/// A new file for refused rows. They are personal data: nobody else reads it.
fn beside(list: &Path, path: &Path) -> Result<File> {
    if path.exists() && path.canonicalize()? == list.canonicalize()? {
        bail!("{} is the list itself; name another file for the rows that were refused", path.display());
    }
    let opened = File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
    opened.with_context(|| format!("{} cannot be written", path.display()))
}

/// Writes the rows of a run that were refused.
async fn write_problems(ingest: &Ingest, run: RunId, mut to: File) -> Result<()> {
    let mut list = ingest.problem_list(run).await?;
    while let Some(piece) = ingest.more_problems(&mut list).await? {
        to.write_all(piece.as_bytes())?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
}

/// Stores the inputs, then sees them through: by a worker of this process, or by the service if one
/// runs on this SQLite file and so holds all roles.
async fn take(
    cli: &CliContext,
    manner: Manner<'_>,
    problems: Option<File>,
    what: &str,
    put: impl AsyncFnOnce(&Ingest, &Progress) -> Result<Imported>,
) -> Result<ExitCode> {
    let progress = Progress::new(what, 0, manner.json);
    let imported = put(&cli.ingest(), &progress).await?;
    progress.finish(imported.rows);
    let end = if manner.no_wait { None } else { Some(see_through(cli, imported.run, manner.json).await?) };
    if let Some(file) = problems {
        write_problems(&cli.ingest(), imported.run, file).await?;
    }
    report(cli, &imported, end.as_ref(), manner).await
}

async fn see_through(cli: &CliContext, run: RunId, quiet: bool) -> Result<Arrival> {
    let begun = Instant::now();
    let stop = CancellationToken::new();
    let progress = Progress::new("telling the CRMs", 0, quiet);
    let (mut own, mut looked) = (None, None::<Instant>);
    let arrival = loop {
        // A service may end meanwhile: whoever waits takes over.
        if own.is_none() && looked.is_none_or(|at| at.elapsed() > TAKE_OVER) {
            if let Some(service) = Service::open_if_free(cli.config.clone()).await? {
                let running = service.start(&[Role::Worker, Role::Relay], None, &stop)?;
                own = Some((service, running));
            }
            looked = Some(Instant::now());
        }
        let arrival = arrival(&cli.store, &cli.clock, run).await?;
        let Arrival::Under { unread, due } = &arrival else { break arrival };
        let total = cli.store.run_counts(run).await?.inputs();
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

fn preview(dry: &DryRun, manner: Manner<'_>) -> Result<ExitCode> {
    if manner.json {
        return print_json(dry);
    }
    let parted = match dry.delimiter {
        Some(delimiter) => format!("columns parted by {delimiter:?}"),
        None => "one column".to_owned(),
    };
    println!("{} encoding, {parted}, header in line {}", dry.encoding, dry.header_line);
    let mut columns = table(&["Column", "Meaning", "Examples"]);
    for column in &dry.columns {
        let meaning =
            column.meaning.and_then(|it| serde_json::to_value(it).ok()).and_then(|it| it.as_str().map(str::to_owned));
        columns.add_row([
            column.header.clone(),
            meaning.unwrap_or_else(|| {
                if mittler_enrich::is_told_on(&column.header) { "told in the note" } else { "kept, not told" }
                    .to_owned()
            }),
            column.samples.join(" · "),
        ]);
    }
    println!("{columns}");
    println!("{}", counted(&dry.counts));
    for problem in &dry.problems {
        println!("  line {}: {} ({})", problem.line, problem.reason, problem.code);
    }
    print_rest(dry.counts.refused, dry.problems.len(), manner);
    println!("nothing was written");
    Ok(ExitCode::SUCCESS)
}

/// What becomes of rows or mails, in the words of the pages; what is none is left out.
fn counted(counts: &Counts) -> String {
    let others = [
        (counts.waiting, "still to read"),
        (counts.refused + counts.parked, "not taken"),
        (counts.skipped, "nothing to take"),
        (counts.repeated, "repeated in the list"),
        (counts.known, "known already"),
        (counts.people.unwrap_or(0), "people"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!(", {count} {words}"));
    format!("{} inputs, {} taken{}", counts.rows, counts.taken, others.collect::<String>())
}

/// How many more rows were refused than are shown, and how to see them.
fn print_rest(refused: i64, shown: usize, manner: Manner<'_>) {
    let more = refused - i64::try_from(shown).unwrap_or(refused);
    match manner.problems {
        Some(path) => println!("all rows that are not taken are in {}", path.display()),
        None if more > 0 => println!("  and {more} more; --problems FILE writes all of them to a file"),
        None => {}
    }
}

async fn report(cli: &CliContext, imported: &Imported, end: Option<&Arrival>, manner: Manner<'_>) -> Result<ExitCode> {
    let run = imported.run;
    let (counts, problems) = cli.ingest().outcome(imported).await?;
    let arrived = matches!(end, Some(Arrival::Everywhere));
    let code = if arrived || end.is_none() { ExitCode::SUCCESS } else { ExitCode::from(NOT_ARRIVED) };
    if manner.json {
        let not_at = if let Some(Arrival::NotAt(shut)) = end { shut.as_slice() } else { &[] };
        print_json(&json!({
            "run": run, "counts": counts, "problems": problems, "cut": counts.refused + counts.parked > i64::try_from(problems.len())?,
            "arrived": arrived, "not_at": not_at,
        }))?;
        return Ok(code);
    }
    println!("{}", counted(&counts));
    for problem in &problems {
        let (code, reason) = (problem.code.as_deref().unwrap_or_default(), problem.reason.as_deref());
        println!("  line {}: {} ({code})", problem.line, reason.unwrap_or_default());
    }
    print_rest(counts.refused + counts.parked, problems.len(), manner);
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
