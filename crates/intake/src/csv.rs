//! Lists of leads as delimited text.

use std::ops::Range;

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
