//! Lists of leads as delimited text.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};

use crate::{LeadField, Problem, RawLead};

/// How to read the rows of one file. Kept with the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// WHATWG name of the encoding: `UTF-8`, `windows-1252`, `UTF-16LE`.
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
    /// Line of the header, from 1.
    pub header_line: u64,
    pub rows: Vec<RowAt>,
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

/// The bytes that [`open`] numbers its rows in: UTF-16 becomes UTF-8, everything else stays as it
/// came. Cut rows out of these bytes, not out of the upload.
pub fn normalise(bytes: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(bytes)
}

/// Takes a file apart. Fails only for a file without text or without a header; a bad row is a
/// problem of [`read_row`].
pub fn open(_bytes: &[u8], _options: &Options) -> Result<Sheet, Problem> {
    Err(Problem::new("empty", "the file holds no rows"))
}

/// One row's bytes, still in the file's encoding.
pub fn read_row(_layout: &Layout, _bytes: &[u8]) -> Result<RawLead, Problem> {
    Err(Problem::new("empty", "the row is empty"))
}

/// The cells of the first `n` rows as a person would see them.
pub fn preview(_bytes: &[u8], _sheet: &Sheet, _n: usize) -> Vec<Vec<String>> {
    Vec::new()
}
