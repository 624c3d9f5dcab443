//! A list, row by row.

use std::collections::HashSet;

use bytes::Bytes;
use mittler_core::{RunId, job::Lane};
use mittler_store::{
    runs::RunState,
    signals::{NewSignal, SignalLine, SignalState},
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Accepting, Counts, ImportParams, Ingest, IngestError, OpenList, ROW, ROWS, SHOWN, put_signals};

/// What became of a list or mailbox as it came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    pub run: RunId,
    /// Rows or mails that the file has.
    pub rows: u64,
    /// Those that had not been taken before.
    pub new: u64,
    pub known: u64,
    /// Those that say exactly what an earlier one of the same file says.
    pub repeated: u64,
    /// The new ones, in order: a run may hold inputs of other calls too.
    #[serde(skip)]
    pub taken: Vec<Uuid>,
}

/// Inputs that are looked at together.
const PAGE: i64 = 5_000;
/// The tables get statistics after this many rows, and once more at the end.
const FIRST_ANALYSIS: u64 = 1_000;

impl Ingest {
    /// Takes a list in. `progress` is called with the rows stored so far and their number.
    ///
    /// The run's id depends on file and parameters alone: the same file sent again goes on where a
    /// crash left off, or finds everything known.
    pub async fn import_csv(
        &self,
        bytes: Bytes,
        params: ImportParams,
        progress: impl Fn(u64, u64),
    ) -> Result<Imported, IngestError> {
        let list = self.open_list(bytes, params, &CancellationToken::new()).await?;
        self.import_list(list, progress).await
    }

    /// Takes in a list that was taken apart.
    pub async fn import_list(&self, list: OpenList, progress: impl Fn(u64, u64)) -> Result<Imported, IngestError> {
        let scope = list.scope();
        let run = RunId(self.keyed("import", [scope.as_slice(), &list.bytes]));
        let (label, params, now) = (list.label().to_owned(), list.run_params.to_json(), self.clock.now());
        self.store
            .write(async move |tx| tx.put_run(run, "import", &label, &params, RunState::Receiving, now).await)
            .await?;
        let rows = list.sheet.rows(&list.bytes).map(|row| {
            let content = list.bytes.get(row.bytes).unwrap_or_default().to_vec();
            self.signal(run, ROW, i64::try_from(row.line).unwrap_or(i64::MAX), &[&scope], content)
        });
        self.take_rows(run, (list.sheet.row_count, list.repeated()), rows, progress).await
    }

    /// Stores the inputs of a run, a transaction for each few hundred, and says so when done. `total` is
    /// how many there are, and how many of them repeat an earlier one.
    pub(super) async fn take_rows(
        &self,
        run: RunId,
        (total, repeated): (u64, u64),
        mut signals: impl Iterator<Item = NewSignal>,
        progress: impl Fn(u64, u64),
    ) -> Result<Imported, IngestError> {
        let mut imported = Imported { run, rows: 0, new: 0, known: 0, repeated, taken: Vec::new() };
        let mut analysed = false;
        loop {
            let chunk: Vec<NewSignal> = signals.by_ref().take(ROWS).collect();
            if chunk.is_empty() {
                break;
            }
            let (clock, rows) = (self.clock.clone(), chunk.len() as u64);
            let stages = Accepting::all(&chunk);
            let stored = self.store.write(async move |tx| put_signals(tx, &clock, &chunk, Lane::Scheduled).await);
            let new = stored.await?;
            stages.end_new(&new, self.parent());
            imported.taken.extend(new);
            imported.new = imported.taken.len() as u64;
            imported.rows += rows;
            (self.wake)();
            if imported.rows >= FIRST_ANALYSIS && !analysed {
                self.store.analyze().await?;
                analysed = true;
            }
            progress(imported.rows, total);
        }
        imported.taken.sort_unstable();
        imported.known = imported.rows.saturating_sub(imported.new + repeated);
        if analysed {
            self.store.analyze().await?;
        }
        self.received(&imported).await?;
        Ok(imported)
    }

    /// What became of the rows or mails that one call brought, and the first of those that were not taken.
    /// Others of the run do not count: the single mails of a day share a run, and a list sent again
    /// finds the rows of the first time.
    pub async fn outcome(&self, imported: &Imported) -> Result<(Counts, Vec<SignalLine>), IngestError> {
        let of = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let mut counts = Counts {
            rows: of(imported.rows),
            known: of(imported.known),
            repeated: of(imported.repeated),
            ..Counts::default()
        };
        let (mut problems, mut people, mut read) = (Vec::new(), HashSet::new(), 0);
        let mut after = (i64::MIN, Uuid::nil());
        while read < imported.new {
            let page = self.store.run_lines(imported.run, false, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = (last.line, last.id);
            for line in page.into_iter().filter(|line| imported.taken.binary_search(&line.id).is_ok()) {
                read += 1;
                match line.state {
                    SignalState::New => counts.waiting += 1,
                    SignalState::Done if line.code.is_none() => counts.taken += 1,
                    SignalState::Done => counts.skipped += 1,
                    SignalState::Refused => counts.refused += 1,
                    SignalState::Parked => counts.parked += 1,
                }
                people.extend(line.record.filter(|_| line.state == SignalState::Done));
                if matches!(line.state, SignalState::Refused | SignalState::Parked) && problems.len() < SHOWN {
                    problems.push(line);
                }
            }
        }
        counts.people = i64::try_from(people.len()).ok();
        Ok((counts, problems))
    }

    /// From now on the run ends with its last unread input. One that brought nothing new and had
    /// been received before stays as it is.
    async fn received(&self, imported: &Imported) -> Result<(), IngestError> {
        let &Imported { run, rows, new, repeated, .. } = imported;
        let unfinished = self.store.run(run).await?.is_some_and(|run| run.state == RunState::Receiving);
        if new == 0 && !unfinished {
            return Ok(());
        }
        // What a call stored that a crash cut off is of this run, not known from before.
        let inputs = self.store.run_counts(run).await?.inputs().unsigned_abs();
        let (known, repeated) = (rows.saturating_sub(repeated + inputs), repeated);
        let as_stored = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let (known, repeated, now) = (as_stored(known), as_stored(repeated), self.clock.now());
        self.store
            .write(async move |tx| {
                tx.set_run_arrived(run, known, repeated).await?;
                tx.set_run_state(run, RunState::Reading, None).await?;
                tx.finish_runs(now).await
            })
            .await?;
        (self.wake)();
        Ok(())
    }
}
