//! What would be made of a list, without writing anything.

use mittler_core::{Label, Said};
use mittler_enrich::{LeadReading, Remark, read_lead};
use mittler_intake::{LeadField, csv};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Door, DoorError, ImportParams};

/// Values of a column that are shown.
const SAMPLES: usize = 3;

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
    pub rows: u64,
    /// Rows that would be refused, in order.
    pub problems: Vec<RowProblem>,
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
pub(crate) struct RemarkBody {
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

impl Door {
    /// Reads a list and says what would become of it; the first `rows` rows in full.
    ///
    /// # Errors
    /// If the file as a whole cannot be read, or a parameter cannot be.
    pub fn dry_run_csv(&self, bytes: &[u8], params: &ImportParams, rows: usize) -> Result<DryRun, DoorError> {
        let params = params.checked()?;
        let sheet = csv::open(bytes, &params.options())?;
        let normal = csv::normalise(bytes);
        let context = params.context(self.clock.now());
        let (mut problems, mut preview) = (Vec::new(), Vec::new());
        for row in &sheet.rows {
            let cells = normal.get(row.bytes.clone()).unwrap_or_default();
            let read = csv::read_row(&sheet.layout, cells).and_then(|raw| read_lead(&raw, &context));
            let problem = read.as_ref().err().map(|problem| RowProblem {
                line: row.line,
                code: problem.code.clone(),
                field: problem.field.clone(),
                reason: problem.reason.clone(),
            });
            if preview.len() < rows {
                preview.push(previewed(row.line, read.ok(), problem.clone()));
            }
            problems.extend(problem);
        }
        Ok(DryRun {
            columns: columns(bytes, &sheet),
            encoding: sheet.encoding,
            delimiter: (sheet.layout.columns.len() > 1).then_some(sheet.layout.delimiter),
            header_line: sheet.header_line,
            rows: sheet.rows.len() as u64,
            problems,
            preview,
        })
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
