//! Lists of leads as delimited text.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};

use self::rows::{Dialect, Record};
use crate::{LeadField, MAX_NAME, MAX_VALUE, Problem, RawLead, names, value_too_long};

mod dialect;
pub(crate) mod encoding;
mod header;
mod rows;
#[cfg(test)]
mod tests;

/// How to read the rows of one file. Kept with the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// WHATWG name of the encoding of [`normalise`]d bytes: `UTF-8`, `windows-1252`.
    pub encoding: String,
    pub delimiter: char,
    pub quote: char,
    pub columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub header: String,
    /// `None`: kept as an attribute under its header.
    pub meaning: Option<LeadField>,
}

/// One row's place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowAt {
    /// Line of the file where the row starts, from 1.
    pub line: u64,
    pub bytes: Range<usize>,
}

/// A file taken apart into its rows. Blank rows are left out; everything else is a row, also what
/// will turn out to be unreadable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    pub layout: Layout,
    /// What the file itself is written in, for people: `UTF-16LE`, `IBM850`. Rows are read by the
    /// layout's.
    pub encoding: String,
    /// Line of the header, from 1.
    pub header_line: u64,
    /// How many rows the file has.
    pub row_count: u64,
    body: Body,
}

/// Where the rows of a file begin, and how they are split.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Body {
    dialect: Dialect,
    start: usize,
    line: u64,
    width: usize,
}

impl Sheet {
    /// The rows, one after the other: none is kept, because a file has millions. `bytes` are those
    /// that [`normalise`] gives.
    pub fn rows<'b>(&self, bytes: &'b [u8]) -> impl Iterator<Item = RowAt> + use<'b> {
        let Body { dialect, start, line, width } = self.body;
        let records = dialect.records(bytes, start, line, Some(width));
        let count = usize::try_from(self.row_count).unwrap_or(usize::MAX);
        records.take(count).map(|record| RowAt { line: record.line, bytes: record.bytes })
    }
}

/// What a person knows better than the reader.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Options {
    pub delimiter: Option<char>,
    /// A WHATWG label: `windows-1252`, `utf-8`, `macintosh`.
    pub encoding: Option<String>,
    /// By header; `None` says that the column is an attribute. Wins over what the reader thinks.
    pub columns: BTreeMap<String, Option<LeadField>>,
}

/// Rows longer than this are no leads.
const MAX_ROW: usize = 1024 * 1024;
/// Code of a file that was not taken apart to its end, because nobody waited for it any more.
pub const ABANDONED: &str = "abandoned";
/// Codes of rows that were never leads: cleared rows, the header once more, a line below the list.
/// They are to be counted and skipped, there is nothing to correct.
pub const NO_LEAD: [&str; 3] = ["blank", "header_repeated", "footer"];
/// Headers with more columns are no lists of leads.
const MAX_COLUMNS: usize = 2_000;
/// Rows between two looks at whether anybody still wants the answer.
const LOOK: u64 = 1_024;
/// Columns that a list of refused rows has besides those of the sender. A file with the first four
/// is such a list, corrected: they are dropped, and cells lose the apostrophe that [`guard`] gave
/// them. What stands under the last is explained at [`returned`].
pub const OURS: [&str; 5] = ["mittler_line", CODE, "mittler_field", "mittler_reason", TO_CORRECT];
const CODE: &str = "mittler_code";
/// A row with something under this header is refused: see [`returned`].
pub const TO_CORRECT: &str = "mittler_to_correct";
/// Codes of rows that were refused for how they are written, not for what they say: written anew,
/// with all their cells and quotation marks, they would look right.
const MISWRITTEN: [(&str, &str); 5] = [
    ("quote_unclosed", "a cell begins with a quotation mark that is never closed"),
    ("quote_then_text", "text follows a closed quotation mark; a mark within a cell is written twice"),
    ("columns_missing", "the row has fewer cells than the header"),
    ("columns_excess", "the row has more cells than the header"),
    ("row_too_long", "the row is longer than 1 MB"),
];
/// Rows that tell what an ambiguous column holds.
const SAMPLES: usize = 60;

/// The bytes that [`open`] numbers its rows in: UTF-16 and code page 850 become UTF-8, everything
/// else stays as it came. Cut rows out of these bytes, not out of the upload.
pub fn normalise(bytes: &[u8]) -> Cow<'_, [u8]> {
    match encoding::utf16(bytes) {
        Some(utf16) => Cow::Owned(utf16.decode_with_bom_removal(bytes).0.into_owned().into_bytes()),
        None => encoding::from_ibm850(bytes).map_or(Cow::Borrowed(bytes), |text| Cow::Owned(text.into_bytes())),
    }
}

/// Takes a file apart. Fails only for a file without text or without a header; a bad row is a
/// problem of [`read_row`].
///
/// Row ranges index into `normalise(bytes)`, which is `bytes` itself but for these.
pub fn open(bytes: &[u8], options: &Options) -> Result<Sheet, Problem> {
    open_while(bytes, options, &|| true).map(|(sheet, _)| sheet)
}

/// Like [`open`], with the bytes that its rows lie in. Ends early, as [`ABANDONED`], once `wanted` says
/// that nobody waits for it any more.
pub fn open_while<'b>(
    bytes: &'b [u8],
    options: &Options,
    wanted: &dyn Fn() -> bool,
) -> Result<(Sheet, Cow<'b, [u8]>), Problem> {
    let changed = encoding::changed(bytes);
    let normal = normalise(bytes);
    let bytes = &*normal;
    if bytes.iter().all(|b| *b <= b' ') || bytes == [0xEF, 0xBB, 0xBF] {
        return Err(Problem::new("empty", "the file is empty"));
    }
    if !encoding::is_text(bytes) {
        return Err(Problem::new("not_text", "this is no text file; save the list as CSV first"));
    }
    let encoding = encoding::detect(bytes, options.encoding.as_deref())?;
    let written_in = changed.unwrap_or(encoding.name()).to_owned();
    let (dialect, start, line) = dialect::find(bytes, encoding, options.delimiter)?;
    let cells = |record: &Record| {
        let text = encoding::decode(encoding, &bytes[record.bytes.clone()]).into_owned();
        dialect
            .cells(&text)
            .map_or_else(|_| Vec::new(), |cells| cells.iter().map(|c| Cow::Owned(c.to_string())).collect())
    };
    let first: Vec<Record> = dialect.records(bytes, start, line, None).take(200).collect();
    let first_cells: Vec<Vec<Cow<'_, str>>> = first.iter().map(cells).collect();
    let place = header::find(&first_cells, options);
    let width = place.and_then(|place| first_cells.get(place)).or(first_cells.first()).map_or(0, Vec::len);
    if width > MAX_COLUMNS {
        return Err(Problem::new(
            "too_many_columns",
            format!("the header has {width} columns; a list of leads has at most {MAX_COLUMNS}"),
        ));
    }
    let place = place.ok_or_else(|| {
        Problem::new("no_header", "no row looks like a header; put the names of the columns into the first row")
    })?;
    if first_cells[place].iter().any(|name| name.len() > MAX_NAME) {
        let reason = format!("the name of a column is longer than {MAX_NAME} bytes; shorten it");
        return Err(Problem::new("name_too_long", reason));
    }
    let head = &first[place];
    let body =
        Body { dialect, start: head.bytes.end, line: head.line + rows::breaks(bytes, head.bytes.clone()), width };
    let Survey { row_count, samples, filled } = survey(bytes, &body, cells, wanted)?;
    let names: Vec<Cow<'_, str>> = if is_returned(&first_cells[place].iter().map(|name| &**name)) {
        first_cells[place].iter().map(|name| Cow::Borrowed(unguard(name.trim()))).collect()
    } else {
        first_cells[place].clone()
    };
    let layout = Layout {
        encoding: encoding.name().to_owned(),
        delimiter: char::from(dialect.delimiter),
        quote: char::from(dialect.quote),
        columns: header::columns(&names, options, &samples, &filled),
    };
    if let Some(unknown) = header::without_column(options, &layout.columns) {
        return Err(Problem::new("unknown_column", format!("the list has no column {unknown:?}")).at("columns"));
    }
    Ok((Sheet { layout, encoding: written_in, header_line: head.line, row_count, body }, normal))
}

/// What one look at all rows tells.
struct Survey {
    /// Without the blank rows at the end.
    row_count: u64,
    /// The cells of the first rows.
    samples: Vec<Vec<String>>,
    /// Which columns have a value in any row.
    filled: Vec<bool>,
}

fn survey<'a>(
    bytes: &[u8],
    body: &Body,
    cells: impl Fn(&Record) -> Vec<Cow<'a, str>>,
    wanted: &dyn Fn() -> bool,
) -> Result<Survey, Problem> {
    let mut survey = Survey { row_count: 0, samples: Vec::new(), filled: vec![false; body.width] };
    let mut all_filled = body.width == 0;
    for (record, place) in body.dialect.records(bytes, body.start, body.line, Some(body.width)).zip(1_u64..) {
        if place % LOOK == 0 && !wanted() {
            return Err(Problem::new(ABANDONED, "nobody waits for the answer any more"));
        }
        let sampled = survey.samples.len() < SAMPLES;
        if sampled || !all_filled {
            let cells = cells(&record);
            for (filled, cell) in survey.filled.iter_mut().zip(&cells) {
                *filled |= !cell.trim().is_empty();
            }
            all_filled = survey.filled.iter().all(|has| *has);
            if sampled {
                survey.samples.push(cells.iter().map(|cell| encoding::clean(cell)).collect());
            }
        }
        if !body.dialect.is_blank(&bytes[record.bytes]) {
            survey.row_count = place;
        }
    }
    survey.samples.truncate(usize::try_from(survey.row_count).unwrap_or(usize::MAX));
    Ok(survey)
}

/// One row's bytes, still in the file's encoding. A problem whose code is in [`NO_LEAD`] says that
/// there is nothing to read.
pub fn read_row(layout: &Layout, bytes: &[u8]) -> Result<RawLead, Problem> {
    let all = all_cells(layout, bytes)?;
    if let Some(problem) = uncorrected(layout, &all) {
        return Err(problem);
    }
    let cells = theirs(layout, all);
    if let Some(place) = cells.iter().position(|cell| cell.len() > MAX_VALUE) {
        let problem = value_too_long();
        return Err(match layout.columns.get(place) {
            Some(column) => problem.at(column.header.clone()),
            None => problem,
        });
    }
    check_lead(layout, &cells)?;
    check_width(layout, &cells)?;
    let mut lead = RawLead::default();
    for (place, cell) in cells.into_iter().enumerate() {
        if cell.is_empty() {
            continue;
        }
        let Some(column) = layout.columns.get(place) else {
            continue;
        };
        if let Some(cell) = lead.place(column.meaning, cell) {
            lead.attributes.insert(column.header.clone(), cell);
        }
    }
    Ok(lead)
}

/// The cells of the first `n` rows as a person would see them. A row that cannot be split is one
/// cell, cut to what a person looks at.
pub fn preview(bytes: &[u8], sheet: &Sheet, n: usize) -> Vec<Vec<String>> {
    let bytes = &*normalise(bytes);
    let rows = sheet.rows(bytes).take(n).filter_map(|row| bytes.get(row.bytes));
    rows.map(|row| {
        row_cells(&sheet.layout, row).unwrap_or_else(|_| vec![whole(&sheet.layout, row).chars().take(500).collect()])
    })
    .collect()
}

/// A refused row as it goes back to its sender: a cell for each of the sender's columns, and what is
/// to stand under `mittler_to_correct`.
///
/// That is the row as it was written, where the fault lies in the writing: filled up with empty
/// cells, by us or by an office program, it would pass for a lead. As long as somebody leaves it
/// there, the row is refused again for what it was refused for.
pub fn returned(layout: &Layout, bytes: &[u8], code: Option<&str>) -> (Vec<String>, String) {
    let ours = |place: &usize| layout.columns.get(*place).is_some_and(|column| OURS.contains(&column.header.as_str()));
    let width = (0..layout.columns.len()).filter(|place| !ours(place)).count();
    let Ok(all) = all_cells(layout, bytes) else {
        return (vec![String::new(); width], whole(layout, bytes));
    };
    let to_correct = if uncorrected(layout, &all).is_some() {
        held(layout, &all, TO_CORRECT).to_owned()
    } else if code.is_some_and(|code| MISWRITTEN.iter().any(|(known, _)| *known == code)) {
        whole(layout, bytes)
    } else {
        String::new()
    };
    let cells = all.into_iter().enumerate().filter(|(place, _)| !ours(place));
    let mut cells: Vec<String> = cells.map(|(_, cell)| cell).collect();
    cells.resize(width, String::new());
    (cells, to_correct)
}

/// Why a row that came back is refused once more.
fn uncorrected(layout: &Layout, cells: &[String]) -> Option<Problem> {
    let returned = is_returned(&layout.columns.iter().map(|column| column.header.as_str()));
    if !returned || held(layout, cells, TO_CORRECT).is_empty() {
        return None;
    }
    // Whatever stands in that cell by now, the code stays one of ours.
    let said = held(layout, cells, CODE);
    let known = MISWRITTEN.into_iter().find(|(code, _)| *code == said);
    let (code, reason) = known.unwrap_or(("not_corrected", "the row was refused for how it is written"));
    Some(Problem::new(code, format!("{reason}; put its values right and empty the cell {TO_CORRECT}")))
}

/// The cell under one of our own headers.
fn held<'a>(layout: &Layout, cells: &'a [String], ours: &str) -> &'a str {
    let place = layout.columns.iter().position(|column| column.header == ours);
    place.and_then(|place| cells.get(place)).map_or("", |cell| cell.as_str())
}

/// A row that cannot be split, as text.
fn whole(layout: &Layout, bytes: &[u8]) -> String {
    match known_encoding(layout) {
        Ok(encoding) => encoding::clean(&encoding::decode(encoding, bytes)),
        Err(_) => encoding::clean(&String::from_utf8_lossy(bytes)),
    }
}

/// The cell as an office program may read it: one that it would run as a formula begins with an
/// apostrophe. Reading such a list takes it away again.
pub fn guard(cell: &str) -> Cow<'_, str> {
    // What looks guarded already is guarded once more, so that the way back gives what it was.
    if is_formula(cell.trim_start_matches('\'')) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

fn unguard(cell: &str) -> &str {
    let formula = cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r']);
    cell.strip_prefix('\'').filter(|_| formula).unwrap_or(cell)
}

/// Whether an office program would run the cell. Phone numbers and plain numbers begin with a sign
/// as well, and must stay as they are.
fn is_formula(cell: &str) -> bool {
    let number = |rest: &str| {
        rest.chars().any(|c| c.is_ascii_digit())
            && rest
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, ' ' | '(' | ')' | '/' | '-' | '.' | ',' | '\u{a0}'))
    };
    match cell.chars().next() {
        Some('=' | '@' | '\t' | '\r') => true,
        Some('+' | '-') => !number(&cell[1..]),
        _ => false,
    }
}

/// Whether these are the headers of a list of refused rows that comes back.
fn is_returned<'a>(headers: &(impl Iterator<Item = &'a str> + Clone)) -> bool {
    OURS.iter().filter(|ours| **ours != TO_CORRECT).all(|ours| headers.clone().any(|header| header.trim() == *ours))
}

fn known_encoding(layout: &Layout) -> Result<&'static encoding_rs::Encoding, Problem> {
    encoding_rs::Encoding::for_label(layout.encoding.as_bytes())
        .filter(|encoding| encoding.is_ascii_compatible())
        .ok_or_else(|| Problem::new("unknown_encoding", "there is no encoding of this name").at("encoding"))
}

/// The cells of the sender's columns; ours are empty.
fn row_cells(layout: &Layout, bytes: &[u8]) -> Result<Vec<String>, Problem> {
    Ok(theirs(layout, all_cells(layout, bytes)?))
}

fn theirs(layout: &Layout, mut cells: Vec<String>) -> Vec<String> {
    if is_returned(&layout.columns.iter().map(|column| column.header.as_str())) {
        for (column, cell) in layout.columns.iter().zip(&mut cells) {
            if OURS.contains(&column.header.as_str()) {
                cell.clear();
            }
        }
    }
    cells
}

fn all_cells(layout: &Layout, bytes: &[u8]) -> Result<Vec<String>, Problem> {
    if bytes.len() > MAX_ROW {
        return Err(Problem::new("row_too_long", "the row is longer than 1 MB"));
    }
    let encoding = known_encoding(layout)?;
    let ascii = |c: char| u8::try_from(c).ok().filter(u8::is_ascii);
    let (Some(delimiter), Some(quote)) = (ascii(layout.delimiter), ascii(layout.quote)) else {
        return Err(Problem::new("unknown_delimiter", "delimiter and quote are ASCII characters").at("delimiter"));
    };
    let text = encoding::decode(encoding, bytes);
    let cells = Dialect { delimiter, quote }.cells(&text).map_err(|open| {
        let code = if open.stray_quote { "quote_then_text" } else { "quote_unclosed" };
        let reason = MISWRITTEN.iter().find(|(known, _)| *known == code).map_or("", |(_, reason)| *reason);
        Problem::new(code, reason)
    })?;
    let cells = cells.iter().map(|cell| encoding::clean(cell));
    if is_returned(&layout.columns.iter().map(|column| column.header.as_str())) {
        return Ok(cells.map(|cell| unguard(&cell).to_owned()).collect());
    }
    Ok(cells.collect())
}

/// Rows between and below the leads.
fn check_lead(layout: &Layout, cells: &[String]) -> Result<(), Problem> {
    let mut filled = cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
    let Some((first, text)) = filled.next() else {
        return Err(Problem::new("blank", "all cells of the row are empty"));
    };
    let others: Vec<&String> = filled.map(|(_, cell)| cell).collect();
    if others.is_empty() && first == 0 && layout.columns.len() >= 4 && is_sentence(layout, text) {
        return Err(Problem::new("footer", "the row is one sentence, not a lead"));
    }
    let number = |cell: &&String| cell.chars().any(|c| c.is_ascii_digit()) && !cell.chars().any(char::is_alphabetic);
    if !others.is_empty() && is_sum(text) && others.iter().all(number) {
        return Err(Problem::new("footer", "the row is a sum, not a lead"));
    }
    let width = layout.columns.len();
    let named = |(column, cell): (&Column, &String)| {
        names::fold(&column.header) == names::fold(cell) || OURS.contains(&column.header.as_str())
    };
    if width >= 2 && cells.len() == width && layout.columns.iter().zip(cells).all(named) {
        return Err(Problem::new("header_repeated", "the row repeats the header"));
    }
    Ok(())
}

/// Several words that are no name: "Dr. Hans Müller" alone in a row is a lead, "Summe der Scans 2"
/// and "Export erstellt am 17.04." are not.
fn is_sentence(layout: &Layout, text: &str) -> bool {
    let words = text.split_whitespace().count();
    let names = layout.columns.first().and_then(|column| column.meaning).is_some_and(|meaning| {
        matches!(meaning, LeadField::FullName | LeadField::LastName | LeadField::FirstName | LeadField::Company)
    });
    let tells = text.chars().any(|c| c.is_ascii_digit() || c == ':' || c == '©') || is_sum(text);
    words >= 3 && (!names || tells || words >= 7)
}

fn is_sum(text: &str) -> bool {
    const WORDS: [&str; 11] = [
        "gesamt",
        "summe",
        "total",
        "gesamtsumme",
        "anzahl",
        "insgesamt",
        "zwischensumme",
        "sum",
        "count",
        "gesamtanzahl",
        "endsumme",
    ];
    text.len() <= 200 && WORDS.contains(&names::fold(text.split([' ', ':']).next().unwrap_or("")).as_str())
}

/// Programs leave out empty cells at the end of a row, so a short row is fine as long as its cells
/// still stand under the right headers.
fn check_width(layout: &Layout, cells: &[String]) -> Result<(), Problem> {
    let width = layout.columns.len();
    if cells.iter().skip(width).any(|cell| !cell.is_empty()) {
        return Err(Problem::new(
            "columns_excess",
            format!(
                "the row has {}, the header {width}; is a delimiter inside a cell without quotes?",
                counted(cells.len())
            ),
        ));
    }
    let missing = cells.len() < width;
    // Delimiters within a cell of a short row: a quotation mark stood where it did not belong.
    let swallowed = || cells.iter().any(|cell| cell.contains(layout.delimiter));
    let cut_off = cells.len() * 2 < width && !names_somebody(layout, cells);
    if missing && (cut_off || swallowed() || columns_shifted(layout, cells)) {
        return Err(Problem::new(
            "columns_missing",
            format!("the row has {}, the header {width}", counted(cells.len())),
        ));
    }
    Ok(())
}

fn counted(cells: usize) -> String {
    if cells == 1 { "1 cell".to_owned() } else { format!("{cells} cells") }
}

/// Whether the cells that are there say whom the row is about.
fn names_somebody(layout: &Layout, cells: &[String]) -> bool {
    let has = |wanted: LeadField| {
        layout.columns.iter().zip(cells).any(|(column, cell)| column.meaning == Some(wanted) && !cell.is_empty())
    };
    has(LeadField::Email)
        || (has(LeadField::LastName) && has(LeadField::FirstName))
        || (has(LeadField::FullName) && has(LeadField::Company))
}

/// Whether cells stand under headers that they cannot belong to.
fn columns_shifted(layout: &Layout, cells: &[String]) -> bool {
    let mut pairs = layout.columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty());
    pairs.any(|(column, cell)| {
        let mail = cell.contains('@') && !cell.contains(char::is_whitespace);
        let digits = cell.chars().filter(char::is_ascii_digit).count();
        match column.meaning {
            Some(LeadField::Email) => !cell.contains('@'),
            Some(LeadField::PostalCode) => digits < 2 || cell.chars().count() > 12,
            Some(LeadField::Phone | LeadField::Mobile | LeadField::Fax) => digits < 3,
            Some(LeadField::Country | LeadField::FirstName | LeadField::LastName) => mail || digits >= 3,
            // "70173 Stuttgart" is a place, "70173" is a postcode.
            Some(LeadField::City) => mail || (digits >= 3 && !cell.chars().any(char::is_alphabetic)),
            Some(LeadField::Website) => mail || !cell.contains('.'),
            Some(
                LeadField::Company
                | LeadField::Position
                | LeadField::Street
                | LeadField::Salutation
                | LeadField::Title
                | LeadField::Department
                | LeadField::State
                | LeadField::Newsletter,
            ) => mail,
            _ => false,
        }
    })
}
