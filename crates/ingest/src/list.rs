//! A list, taken apart, and what becomes of each of its rows.
//!
//! **Invariant:** what is held of a list is its bytes, eight bytes for each row while repeated rows are
//! looked for, and a few hundred rows at a time: never something for every row that is refused.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use bytes::Bytes;
use mittler_enrich::{LeadReading, RunParams, not_own_staff, read_lead};
use mittler_intake::{Problem, csv};
use mittler_store::runs::RunCounts;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::{ImportParams, Ingest, IngestError, ROWS};

/// The rows of a list, or the mails of a mailbox, by what becomes of them: each is counted once, so that
/// all but `people` together are `rows`. The same numbers, with the same words, are in a dry run, in the
/// progress of an import, on its page and on Today.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    pub rows: i64,
    /// An earlier import had brought them.
    pub known: i64,
    /// They say exactly what an earlier row of the same list says.
    pub repeated: i64,
    /// Not read yet.
    pub waiting: i64,
    /// Leads and replies.
    pub taken: i64,
    /// There is nothing to take: blank rows, repeated headings, footers, automatic mail.
    pub skipped: i64,
    pub refused: i64,
    pub parked: i64,
    /// The people whom those that were taken led to. A dry run does not look for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<i64>,
}

impl From<RunCounts> for Counts {
    fn from(counts: RunCounts) -> Counts {
        let RunCounts { rows, known, repeated, waiting, taken, skipped, refused, parked } = counts;
        Counts { rows, known, repeated, waiting, taken, skipped, refused, parked, people: None }
    }
}

impl Counts {
    pub(super) fn add(&mut self, fate: Fate) {
        self.rows += 1;
        match fate {
            Fate::Taken => self.taken += 1,
            Fate::Skipped => self.skipped += 1,
            Fate::Refused => self.refused += 1,
            Fate::Repeated => self.repeated += 1,
            Fate::Known => self.known += 1,
        }
    }

    /// Those that were not taken and can be corrected.
    pub fn not_taken(&self) -> i64 {
        self.refused + self.parked
    }
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Taken,
    /// It is no lead, and there is nothing to correct.
    Skipped,
    Refused,
    /// An earlier row of the list says the same.
    Repeated,
    /// An earlier import had brought it.
    Known,
}

/// A row with what becomes of it.
pub(super) struct Row<'l> {
    pub line: u64,
    pub cells: &'l [u8],
    pub fate: Fate,
    /// What it says, of rows that are neither repeated nor known.
    pub read: Option<Result<LeadReading, Problem>>,
}

/// A list that can be read.
pub struct OpenList {
    pub(super) sheet: csv::Sheet,
    /// As [`csv::normalise`] gives them.
    pub(super) bytes: Bytes,
    pub(super) run_params: RunParams,
    params: ImportParams,
    repeats: Repeats,
}

impl std::fmt::Debug for OpenList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenList").field("rows", &self.sheet.row_count).finish_non_exhaustive()
    }
}

impl Ingest {
    /// Takes a list apart, on a thread of its own. Ends early once nobody waits for it.
    ///
    /// # Errors
    /// If the file as a whole cannot be read, or a parameter cannot be.
    pub async fn open_list(
        &self,
        bytes: Bytes,
        params: ImportParams,
        left: &CancellationToken,
    ) -> Result<OpenList, IngestError> {
        let (params, left) = (params.checked()?, left.clone());
        self.on_a_thread(move |_| {
            let wanted = || !left.is_cancelled();
            let (sheet, normal) = csv::open_while(&bytes, &params.options(), &wanted)?;
            let normal = match normal {
                std::borrow::Cow::Borrowed(_) => None,
                std::borrow::Cow::Owned(own) => Some(Bytes::from(own)),
            };
            let bytes = normal.unwrap_or(bytes);
            let row_bytes = |row: csv::RowAt| bytes.get(row.bytes).unwrap_or_default();
            let repeats = Repeats::among(sheet.rows(&bytes).map(row_bytes), sheet.row_count, &left)?;
            let run_params = params.run_params(&sheet.layout);
            Ok(OpenList { sheet, bytes, run_params, params, repeats })
        })
        .await
    }
}

impl OpenList {
    pub(super) fn repeated(&self) -> u64 {
        self.repeats.count
    }

    pub(super) fn label(&self) -> &str {
        &self.params.label
    }

    /// What, besides its bytes, makes a row another input.
    pub(super) fn scope(&self) -> Vec<u8> {
        self.run_params.to_json().to_string().into_bytes()
    }

    /// Reads row after row, as the worker would, until `each` wants no more. Works on the thread of its
    /// caller, which must be one for such work.
    pub(super) fn read(
        &self,
        ingest: &Ingest,
        left: &CancellationToken,
        mut each: impl FnMut(Row<'_>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let (runtime, scope) = (tokio::runtime::Handle::current(), self.scope());
        let (key, context) = (ingest.keyed_rows(&scope), self.params.context(ingest.clock.now()));
        let (mut rows, mut seen) = (self.sheet.rows(&self.bytes), HashSet::new());
        loop {
            let some: Vec<(u64, &[u8])> =
                rows.by_ref().take(ROWS).map(|row| (row.line, self.bytes.get(row.bytes).unwrap_or_default())).collect();
            if some.is_empty() {
                return Ok(());
            }
            if left.is_cancelled() {
                return Err(IngestError::Abandoned);
            }
            let keys: Vec<_> = some.iter().map(|(_, cells)| key.of(cells)).collect();
            let known: HashSet<_> = runtime.block_on(ingest.store.known_keys(&keys))?.into_iter().collect();
            for ((line, cells), key) in some.into_iter().zip(keys) {
                let (fate, read) = if self.repeats.is_repeated(cells, &mut seen) {
                    (Fate::Repeated, None)
                } else if known.contains(&key) {
                    (Fate::Known, None)
                } else {
                    let read = csv::read_row(&self.sheet.layout, cells)
                        .and_then(|raw| read_lead(&raw, &context))
                        .and_then(|reading| not_own_staff(reading, &ingest.own_domains));
                    let fate = match &read {
                        Ok(_) => Fate::Taken,
                        Err(problem) if csv::NO_LEAD.contains(&problem.code.as_str()) => Fate::Skipped,
                        Err(_) => Fate::Refused,
                    };
                    (fate, Some(read))
                };
                each(Row { line, cells, fate, read })?;
            }
        }
    }
}

/// Which rows or mails of a file say exactly what an earlier one says.
pub(super) struct Repeats {
    hashes: RandomState,
    /// The hashes that several of them have, in order.
    several: Vec<u64>,
    /// How many of them repeat an earlier one.
    pub count: u64,
}

impl Repeats {
    pub fn among<B: AsRef<[u8]>>(
        all: impl Iterator<Item = B>,
        count: u64,
        left: &CancellationToken,
    ) -> Result<Repeats, IngestError> {
        let hashes = RandomState::new();
        let mut sorted: Vec<u64> = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        for one in all {
            if sorted.len().is_multiple_of(1_024) && left.is_cancelled() {
                return Err(IngestError::Abandoned);
            }
            sorted.push(hashes.hash_one(one.as_ref()));
        }
        sorted.sort_unstable();
        let equal = || sorted.chunk_by(|one, next| one == next).filter(|equal| equal.len() > 1);
        let count = equal().map(|equal| equal.len() as u64 - 1).sum();
        let several = equal().filter_map(|equal| equal.first().copied()).collect();
        Ok(Repeats { hashes, several, count })
    }

    fn is_repeated(&self, one: &[u8], seen: &mut HashSet<u64>) -> bool {
        let hash = self.hashes.hash_one(one);
        self.several.binary_search(&hash).is_ok() && !seen.insert(hash)
    }
}
