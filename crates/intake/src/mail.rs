//! Mails by RFC 5322 and mailboxes as mbox.

use std::{borrow::Cow, ops::Range};

use mittler_core::Time;
use serde::{Deserialize, Serialize};

use crate::Problem;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    pub name: Option<String>,
    pub address: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mail {
    /// Without angle brackets, as are `in_reply_to` and `references`.
    pub message_id: Option<String>,
    pub in_reply_to: Vec<String>,
    pub references: Vec<String>,
    pub from: Option<Mailbox>,
    pub reply_to: Option<Mailbox>,
    pub to: Vec<Mailbox>,
    pub date: Option<Time>,
    pub subject: String,
    /// `text/plain`, else the HTML rendered, quoted parts marked by `> `.
    pub text: String,
    pub html: Option<String>,
    /// Those that tell automatic mail, list mail and bounces, names in lower case. A bounce's
    /// delivery status adds its fields: `action`, `status`, `final-recipient`, `diagnostic-code`.
    pub headers: Vec<(String, String)>,
    /// A `multipart/report` with a delivery status.
    pub is_bounce: bool,
    /// File names.
    pub attachments: Vec<String>,
}

/// A mail's text by who wrote it when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Parts {
    /// What the sender wrote now, without the signature.
    pub newest: String,
    /// The signature of the newest part.
    pub signature: String,
    /// What is quoted or forwarded, with its attribution lines.
    pub quoted: String,
}

pub fn read(_bytes: &[u8]) -> Result<Mail, Problem> {
    Err(Problem::new("not_a_mail", "this is no mail"))
}

/// Where the mails of an mbox lie, without their `From ` lines. A file that starts without one is
/// one mail.
pub fn split_mbox(_bytes: &[u8]) -> Vec<Range<usize>> {
    Vec::new()
}

/// Takes back what mboxrd did to body lines that start with `From `: one `>` less.
pub fn unstuff(bytes: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(bytes)
}

pub fn parts(_mail: &Mail) -> Parts {
    Parts::default()
}
