//! From a raw lead or a mail to what it says: normalised values, and keys by which to recognise the
//! person and the company. Pure.
//!
//! **Invariant:** a value is only written from the newest part of a mail, and only about its
//! sender.
//!
//! **Invariant:** what was inferred by a rule is marked as made by the rule and never displaces
//! what somebody said.

mod address;
mod cells;
pub mod consent;
pub mod lead;
pub mod objection;
mod own;
mod phrases;
pub mod reply;
mod run;
mod said_there;

use mittler_core::{Said, Time};
use mittler_identity::{Key, KeyType, keys};
use mittler_normalise::{company, country, dates, email, language, name, phone};
use serde::{Deserialize, Serialize};

pub use consent::Way;
pub use lead::{LeadReading, read_lead};
pub use own::{is_own, not_own_staff};
pub use reply::{ReplyReading, read_reply};
pub use run::{Fair, RunParams};
pub use said_there::is_told_on;

/// What the reader must know besides the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Name of the source, the scope of its external ids: `messe-app`, `crm-export`.
    pub source: String,
    /// Country for phone numbers and addresses of rows that name none, ISO 3166 alpha-2.
    pub default_country: String,
    /// IANA time zone of times without an offset (the fair's).
    pub time_zone: String,
    /// Names the fair, the scope of badge ids; `None` for leads without a fair.
    pub fair: Option<String>,
    pub received_at: Time,
}

/// Something about a row that a person may want to know, though the row was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// `email_invalid`, `phone_unreadable`, `encoding_repaired`, `opt_out_in_note`, …
    pub code: String,
    pub field: String,
    /// In plain words, without the value.
    pub text: String,
}

/// What a signal says about one thing, before it is known which record that is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Draft {
    pub said: Vec<Said>,
    pub keys: Vec<Key>,
}
