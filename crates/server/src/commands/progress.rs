//! Progress of long work: a bar on a terminal, plain lines otherwise; and waiting until a run has
//! arrived everywhere.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use mittler_core::{RunId, Time};
use mittler_store::{
    Clock, Store,
    connections::{ConnectionRow, ConnectionState},
};

use crate::service::Service;

/// One piece of work with a known length.
pub struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    label: String,
    last: std::sync::Mutex<Instant>,
}

impl Progress {
    /// `quiet` prints nothing at all (for JSON).
    pub fn new(label: &str, total: u64, quiet: bool) -> Progress {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(total);
            if let Ok(style) = ProgressStyle::with_template("{msg:24} {bar:30} {pos:>6}/{len:<6} {elapsed}") {
                bar.set_style(style.progress_chars("━━─"));
            }
            bar.set_message(label.to_owned());
            bar
        });
        Progress { bar, quiet, label: label.to_owned(), last: std::sync::Mutex::new(Instant::now()) }
    }

    pub fn set(&self, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            return;
        }
        let Ok(mut last) = self.last.lock() else { return };
        if !self.quiet && last.elapsed() > Duration::from_secs(2) {
            *last = Instant::now();
            eprintln!("{}: {done} of {total}", self.label);
        }
    }

    pub fn finish(&self, done: u64) {
        match &self.bar {
            Some(bar) => bar.finish(),
            None if !self.quiet => eprintln!("{}: {done} done", self.label),
            None => {}
        }
    }
}

/// How often a wait looks.
const LOOK: Duration = Duration::from_millis(50);

/// What has become of one run.
pub enum Arrival {
    /// Everything that a CRM can be told it was told.
    Everywhere,
    /// These connections cannot be told now, with the reason of each; the others were.
    NotAt(Vec<String>),
    /// Inputs that are not read yet, and records that are due at connections that work.
    Under { unread: i64, due: i64 },
}

/// Looks once.
pub async fn arrival(store: &Store, clock: &Clock, run: RunId) -> Result<Arrival> {
    let unread = store.run_counts(run).await?.waiting;
    let links = store.run_links(run).await?;
    if unread == 0 && links.iter().all(|links| links.due == 0) {
        return Ok(Arrival::Everywhere);
    }
    let now = clock.now();
    let (mut due, mut shut) = (0, Vec::new());
    for connection in store.connections().await? {
        let mine = links.iter().filter(|links| links.connection == connection.id).map(|links| links.due).sum::<i64>();
        match closed(&connection, now) {
            Some(why) if mine > 0 => shut.push(format!("{}: {why}", connection.name)),
            Some(_) => {}
            None => due += mine,
        }
    }
    Ok(if unread == 0 && due == 0 { Arrival::NotAt(shut) } else { Arrival::Under { unread, due } })
}

/// Why nothing is written to a connection until somebody acts.
fn closed(connection: &ConnectionRow, now: Time) -> Option<String> {
    if connection.mode == "off" {
        return Some("its mode is off".into());
    }
    // A connection that somebody must mend is tried again each minute: it counts as shut in between.
    let shut = Time(connection.paused_until).plus(Duration::from_secs(5)) > now;
    let unready = matches!(connection.state, ConnectionState::Reauthorise | ConnectionState::Misconfigured);
    (shut && unready).then(|| {
        let said = connection.reason.clone().or_else(|| connection.code.clone());
        said.unwrap_or_else(|| connection.state.name().to_owned())
    })
}

/// Waits until the inputs of the runs are read and nothing is due anywhere; `false` if that takes
/// longer than `most`. For a database that has no other work.
pub async fn settle(service: &Service, runs: &[RunId], quiet: bool, most: Duration) -> Result<bool> {
    let begun = Instant::now();
    let reading = Progress::new("reading", 0, quiet);
    loop {
        let (mut total, mut waiting) = (0, 0);
        for run in runs {
            let counts = service.store.run_counts(*run).await?;
            total += counts.inputs();
            waiting += counts.waiting;
        }
        reading.set((total - waiting).unsigned_abs(), total.unsigned_abs());
        if waiting == 0 {
            reading.finish(total.unsigned_abs());
            break;
        }
        if begun.elapsed() > most {
            return Ok(false);
        }
        tokio::time::sleep(LOOK).await;
    }
    let writing = Progress::new("telling the CRMs", 0, quiet);
    loop {
        let counts = service.store.link_counts().await?;
        let (total, due) = counts.iter().fold((0, 0), |(total, due), count| (total + count.total, due + count.due));
        writing.set((total - due).unsigned_abs(), total.unsigned_abs());
        let jobs = service.store.job_counts(service.clock.now()).await?;
        if due == 0 && jobs.ready + jobs.held + jobs.waiting == 0 {
            writing.finish(total.unsigned_abs());
            return Ok(true);
        }
        if begun.elapsed() > most {
            return Ok(false);
        }
        tokio::time::sleep(LOOK).await;
    }
}
