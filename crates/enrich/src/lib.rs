//! From a raw lead or a mail to what it says: normalised values, keys by which to recognise the
//! person and the company, and the decision who it is. Pure.
//!
//! **Invariant:** a value is only written from the newest part of a mail, and only about its
//! sender.
//!
//! **Invariant:** what was inferred by a rule is marked as made by the rule and never displaces
//! what somebody said.

mod address;
mod cells;
pub mod company;
pub mod country;
pub mod dates;
pub mod decide;
pub mod email;
mod facts;
mod freemail;
pub mod keys;
mod language;
pub mod lead;
pub mod name;
mod nicknames;
pub mod objection;
pub mod phone;
pub mod reply;

use mittler_core::{Said, Time};
use serde::{Deserialize, Serialize};

pub use decide::{Candidate, Decision, Facts, decide};
pub use lead::{LeadReading, read_lead};
pub use reply::{ReplyReading, read_reply};

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

/// Kinds of key by which a person or company is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyType {
    /// Strong, person: an address that is no role mailbox; lower-cased, IDN as A-label.
    Email,
    /// Strong, person: badge id within a fair (scope: the fair).
    Badge,
    /// Strong, person: id within a source (scope: the source).
    External,
    /// Strong, organisation.
    VatId,
    /// Strong, organisation: register court and number.
    Register,
    /// Strong, organisation: folded core name plus legal form plus registrable domain or postal
    /// area, so that "Huber GmbH" and "Huber Holding GmbH" stay apart.
    CompanyAt,
    /// Weak, person: E.164 plus folded surname.
    PhoneName,
    /// Weak, person: company domain plus folded surname plus first initial.
    DomainName,
    /// Weak, person: folded full name plus folded company core.
    NameCompany,
    /// Weak, organisation: registrable domain (no free-mail, no ISP).
    Domain,
    /// Weak, organisation: folded core name.
    CompanyName,
}

impl KeyType {
    pub fn is_strong(self) -> bool {
        matches!(
            self,
            KeyType::Email
                | KeyType::Badge
                | KeyType::External
                | KeyType::VatId
                | KeyType::Register
                | KeyType::CompanyAt
        )
    }

    pub fn name(self) -> &'static str {
        match self {
            KeyType::Email => "email",
            KeyType::Badge => "badge",
            KeyType::External => "external",
            KeyType::VatId => "vat_id",
            KeyType::Register => "register",
            KeyType::CompanyAt => "company_at",
            KeyType::PhoneName => "phone_name",
            KeyType::DomainName => "domain_name",
            KeyType::NameCompany => "name_company",
            KeyType::Domain => "domain",
            KeyType::CompanyName => "company_name",
        }
    }
}

/// One key of a lead: where equal keys meet, records may be the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    pub key_type: KeyType,
    /// Empty, or what the value is unique within (a fair, a source).
    pub scope: String,
    pub value: String,
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
