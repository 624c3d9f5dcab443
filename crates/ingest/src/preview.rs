//! What would be made of a list, without writing anything.

use std::ops::ControlFlow;

use mittler_core::{Label, Said};
use mittler_enrich::{LeadReading, Remark};
use mittler_intake::{LeadField, csv};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::{
    Counts, Ingest, IngestError, OpenList,
    list::{Fate, Row},
    problem_list,
};

/// Values of a column that are shown.
const SAMPLES: usize = 3;
/// Rows of each sort that an answer shows. The counts are over all.
pub const SHOWN: usize = 200;
/// Bytes of a file that are written at a time.
const PIECE: usize = 64 * 1024;

/// A list as it would be read.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DryRun {
    /// What the file is written in.
    #[schema(example = "windows-1252")]
    pub encoding: String,
    /// Nothing if there is only one column.
    #[schema(value_type = Option<String>, example = ";")]
    pub delimiter: Option<char>,
    pub header_line: u64,
    pub columns: Vec<ColumnView>,
    /// Over all rows.
    pub counts: Counts,
    /// The first 200 rows that would be refused, in order.
    pub problems: Vec<RowProblem>,
    /// The first 200 rows that are no leads.
    pub skipped: Vec<RowProblem>,
    /// The first 200 rows that say what an earlier one says.
    pub repeated: Vec<RowProblem>,
    /// The first 200 rows that an earlier import had brought.
    pub known: Vec<RowProblem>,
    /// One of these four lists ends before its count. With `Accept: text/csv` the same call gives a
    /// file with all rows that would be refused.
    pub cut: bool,
    /// The first rows, in the form in which they would be kept.
    pub preview: Vec<Previewed>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ColumnView {
    pub header: String,
    /// What it means, such as `email`; if nothing, it is kept as an attribute.
    #[schema(value_type = Option<String>)]
    pub meaning: Option<LeadField>,
    pub samples: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RowProblem {
    pub line: u64,
    pub code: String,
    pub field: Option<String>,
    pub reason: String,
}

/// One row in the form in which it would be kept.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PreviewedRow)]
pub struct Previewed {
    pub line: u64,
    pub person: Vec<ValueView>,
    pub organisation: Vec<ValueView>,
    pub participation: Vec<ValueView>,
    #[schema(value_type = Vec<RemarkBody>)]
    pub remarks: Vec<Remark>,
    pub problem: Option<RowProblem>,
}

/// What a person may want to know of an input, though it was taken.
#[derive(Debug, ToSchema)]
#[schema(as = Remark)]
#[expect(dead_code, reason = "describes what another crate writes")]
pub struct RemarkBody {
    #[schema(example = "email_invalid")]
    code: String,
    field: String,
    /// In plain words, without the value.
    text: String,
}

/// One value as it would be kept, and the rule that read it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PreviewedValue)]
pub struct ValueView {
    pub field: String,
    pub value: String,
    #[schema(value_type = Option<String>)]
    pub label: Option<Label>,
    pub how: String,
}

impl Ingest {
    /// Reads a list and says what would become of it; the first `rows` rows in full.
    ///
    /// # Errors
    /// If the database does not answer, or nobody waits for it any more.
    pub async fn dry_run(&self, list: OpenList, rows: usize, left: &CancellationToken) -> Result<DryRun, IngestError> {
        let left = left.clone();
        self.on_a_thread(move |ingest| list.dry_run(ingest, rows, &left)).await
    }

    /// The rows of a list that would be refused, as the file `problems.csv`: piece by piece, until `piece`
    /// wants no more. Works on the thread of its caller, which must be one for such work.
    ///
    /// # Errors
    /// If the database does not answer, or nobody waits for it any more.
    pub fn dry_run_problems(
        &self,
        list: &OpenList,
        left: &CancellationToken,
        mut piece: impl FnMut(String) -> ControlFlow<()>,
    ) -> Result<(), IngestError> {
        let layout = Some(&list.sheet.layout);
        let mut text = problem_list::heading(layout);
        let read = list.read(self, left, |row| {
            if let (Fate::Refused, Some(Err(problem))) = (row.fate, &row.read) {
                let line = i64::try_from(row.line).unwrap_or(i64::MAX);
                problem_list::row(&mut text, layout, line, row.cells, problem);
            }
            if text.len() < PIECE {
                return Ok(());
            }
            match piece(std::mem::take(&mut text)) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(IngestError::Abandoned),
            }
        });
        self.count_abandoned(&read);
        read?;
        _ = piece(text);
        Ok(())
    }
}

impl OpenList {
    fn dry_run(&self, ingest: &Ingest, rows: usize, left: &CancellationToken) -> Result<DryRun, IngestError> {
        let mut counts = Counts::default();
        let (mut problems, mut skipped, mut repeated, mut known) = (vec![], vec![], vec![], vec![]);
        let (mut preview, mut cut) = (Vec::new(), false);
        self.read(ingest, left, |row| {
            counts.add(row.fate);
            let problem = RowProblem::of(&row);
            let shown = match row.fate {
                Fate::Taken => None,
                Fate::Skipped => Some(&mut skipped),
                Fate::Refused => Some(&mut problems),
                Fate::Repeated => Some(&mut repeated),
                Fate::Known => Some(&mut known),
            };
            if preview.len() < rows {
                preview.push(previewed(row.line, row.read.and_then(Result::ok), problem.clone()));
            }
            match (shown, problem) {
                (Some(shown), Some(problem)) if shown.len() < SHOWN => shown.push(problem),
                (Some(_), _) => cut = true,
                (None, _) => {}
            }
            Ok(())
        })?;
        let sheet = &self.sheet;
        Ok(DryRun {
            columns: columns(&self.bytes, sheet),
            encoding: sheet.encoding.clone(),
            delimiter: (sheet.layout.columns.len() > 1).then_some(sheet.layout.delimiter),
            header_line: sheet.header_line,
            counts,
            problems,
            skipped,
            repeated,
            known,
            cut,
            preview,
        })
    }
}

impl RowProblem {
    fn of(row: &Row<'_>) -> Option<RowProblem> {
        let (code, field, reason) = match (&row.read, row.fate) {
            (Some(Err(problem)), _) => (problem.code.as_str(), problem.field.clone(), problem.reason.as_str()),
            (_, Fate::Repeated) => ("row_repeated", None, "an earlier row of the list says exactly the same"),
            (_, Fate::Known) => ("row_known", None, "an earlier import had brought this row"),
            _ => return None,
        };
        Some(RowProblem { line: row.line, code: code.to_owned(), field, reason: reason.to_owned() })
    }
}

fn previewed(line: u64, reading: Option<LeadReading>, problem: Option<RowProblem>) -> Previewed {
    let Some(reading) = reading else {
        let none = Vec::new;
        return Previewed {
            line,
            person: none(),
            organisation: none(),
            participation: none(),
            remarks: vec![],
            problem,
        };
    };
    Previewed {
        line,
        person: values(&reading.person.said),
        organisation: reading.organisation.map(|draft| values(&draft.said)).unwrap_or_default(),
        participation: reading.participation.map(|said| values(&said)).unwrap_or_default(),
        remarks: reading.remarks,
        problem,
    }
}

fn values(said: &[Said]) -> Vec<ValueView> {
    let view = |said: &Said| {
        let value = said.value.as_ref()?.display();
        Some(ValueView { field: said.field.to_string(), value, label: said.label, how: said.how.clone() })
    };
    said.iter().filter_map(view).collect()
}

fn columns(bytes: &[u8], sheet: &csv::Sheet) -> Vec<ColumnView> {
    let rows = csv::preview(bytes, sheet, 50);
    let view = |(place, column): (usize, &csv::Column)| {
        let mut samples: Vec<String> = Vec::new();
        for cell in rows.iter().filter_map(|row| row.get(place)).filter(|cell| !cell.is_empty()) {
            let cell: String = cell.chars().take(60).collect();
            if samples.len() < SAMPLES && !samples.contains(&cell) {
                samples.push(cell);
            }
        }
        ColumnView { header: column.header.clone(), meaning: column.meaning, samples }
    };
    let theirs = |(_, column): &(usize, &csv::Column)| !csv::OURS.contains(&column.header.as_str());
    sheet.layout.columns.iter().enumerate().filter(theirs).map(view).collect()
}
