//! A list, row by row.

use std::collections::HashSet;

use bytes::Bytes;
use mittler_core::{RunId, job::Lane};
use mittler_intake::csv;
use mittler_store::{
    runs::RunCounts,
    signals::{NewSignal, SignalLine},
};
use serde::Serialize;
use uuid::Uuid;

use super::{Door, DoorError, ImportParams, ROWS, put_signals};

/// What became of a list at the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    pub run: RunId,
    /// Rows or mails that the file has.
    pub rows: u64,
    /// Those that had not been taken before.
    pub new: u64,
    pub known: u64,
    /// The new ones: a run may hold inputs of other calls too.
    #[serde(skip)]
    pub taken: HashSet<Uuid>,
}

/// Inputs that are looked at together.
const PAGE: i64 = 5_000;
/// Inputs that were not taken of which somebody is told.
const SHOWN: usize = 10_000;
/// The tables get statistics after this many rows, and once more at the end.
const FIRST_ANALYSIS: u64 = 1_000;

impl Door {
    /// Takes a list in. `progress` is called with the rows stored so far and their number.
    ///
    /// The run's id depends on file and parameters alone: the same file sent again goes on where a
    /// crash left off, or finds everything known.
    pub async fn import_csv(
        &self,
        bytes: Bytes,
        params: ImportParams,
        progress: impl Fn(u64, u64),
    ) -> Result<Imported, DoorError> {
        let params = params.checked()?;
        let (sheet, bytes) = self.opened(bytes, params.options()).await?;
        let run_params = params.run_params(&sheet.layout);
        let scope = run_params.to_string().into_bytes();
        let run = RunId(self.keyed("import", [scope.as_slice(), &bytes]));
        let (label, now) = (params.label.clone(), self.clock.now());
        self.store
            .write(async move |tx| tx.put_run(run, "import", &label, &run_params, "receiving", now).await)
            .await?;
        let row = |place: usize| {
            let row = &sheet.rows[place];
            let content = bytes.get(row.bytes.clone()).unwrap_or_default().to_vec();
            self.signal(run, "lead_row", i64::try_from(row.line).unwrap_or(i64::MAX), &[&scope], content)
        };
        self.take_rows(run, sheet.rows.len(), row, progress).await
    }

    /// Taking a large file apart is work for a thread of its own.
    async fn opened(&self, bytes: Bytes, options: csv::Options) -> Result<(csv::Sheet, Bytes), DoorError> {
        let opened = tokio::task::spawn_blocking(move || {
            let sheet = csv::open(&bytes, &options)?;
            let bytes = match csv::normalise(&bytes) {
                std::borrow::Cow::Borrowed(_) => bytes.clone(),
                std::borrow::Cow::Owned(own) => Bytes::from(own),
            };
            Ok((sheet, bytes))
        });
        opened.await.unwrap_or_else(|_| Err(mittler_store::Error::Panicked.into()))
    }

    /// Stores the inputs of a run, a transaction for each few hundred, and says so when done.
    /// `signal` makes the one at a place.
    pub(super) async fn take_rows(
        &self,
        run: RunId,
        total: usize,
        signal: impl Fn(usize) -> NewSignal,
        progress: impl Fn(u64, u64),
    ) -> Result<Imported, DoorError> {
        let mut imported = Imported { run, rows: 0, new: 0, known: 0, taken: HashSet::new() };
        let mut analysed = false;
        for start in (0..total).step_by(ROWS) {
            let chunk: Vec<NewSignal> = (start..total.min(start + ROWS)).map(&signal).collect();
            let (clock, rows) = (self.clock.clone(), chunk.len() as u64);
            let stored = self.store.write(async move |tx| put_signals(tx, &clock, &chunk, Lane::Scheduled).await);
            imported.taken.extend(stored.await?);
            imported.new = imported.taken.len() as u64;
            imported.rows += rows;
            (self.wake)();
            if imported.rows >= FIRST_ANALYSIS && !analysed {
                self.store.analyze().await?;
                analysed = true;
            }
            progress(imported.rows, total as u64);
        }
        imported.known = imported.rows - imported.new;
        if analysed {
            self.store.analyze().await?;
        }
        self.received(run, imported.new).await?;
        Ok(imported)
    }

    /// What became of the inputs that one call brought, and the first of those that were not taken.
    /// Others of the run do not count: the single mails of a day share a run, and a list sent again
    /// finds the rows of the first time.
    pub async fn outcome(&self, imported: &Imported) -> Result<(RunCounts, Vec<SignalLine>), DoorError> {
        let (mut counts, mut problems) = (RunCounts::default(), Vec::new());
        let mut after = (i64::MIN, Uuid::nil());
        while counts.total.unsigned_abs() < imported.new {
            let page = self.store.run_lines(imported.run, false, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = (last.line, last.id);
            for line in page.into_iter().filter(|line| imported.taken.contains(&line.id)) {
                counts.total += 1;
                match line.state.as_str() {
                    "new" => counts.waiting += 1,
                    "done" => counts.done += 1,
                    "refused" => counts.refused += 1,
                    _ => counts.parked += 1,
                }
                if matches!(line.state.as_str(), "refused" | "parked") && problems.len() < SHOWN {
                    problems.push(line);
                }
            }
        }
        Ok((counts, problems))
    }

    /// From now on the run ends with its last unread input. One that brought nothing new and had
    /// been received before stays as it is.
    async fn received(&self, run: RunId, new: u64) -> Result<(), DoorError> {
        let unfinished = self.store.run(run).await?.is_some_and(|run| run.state == "receiving");
        if new == 0 && !unfinished {
            return Ok(());
        }
        let now = self.clock.now();
        self.store
            .write(async move |tx| {
                tx.set_run_state(run, "reading", None).await?;
                tx.finish_runs(now).await
            })
            .await?;
        (self.wake)();
        Ok(())
    }
}
