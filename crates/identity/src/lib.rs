//! Which subjects are one record: the keys of what is known of somebody, the facts by which two are
//! compared, and the decision who it is. Pure.
//!
//! **Invariant:** two records wrongly joined are worse than two that wait for a person's word: every
//! doubt is a question.

pub mod decide;
mod facts;
pub mod follow;
mod identifiers;
pub mod keys;

use mittler_core::{id::derived_id, key::Basis};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use decide::{Candidate, Decision, Facts, decide, reason};
pub use facts::NAME_OF_DOMAIN;
pub use follow::{Held, KeyDiff, follow};
pub use identifiers::{Identifier, identifiers};

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
    /// Weak, whatever it was when it was strong: a value that was replaced.
    Former,
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

    /// All by which records are known; `Former` is what they become.
    pub const ALL: [KeyType; 11] = [
        KeyType::Email,
        KeyType::Badge,
        KeyType::External,
        KeyType::VatId,
        KeyType::Register,
        KeyType::CompanyAt,
        KeyType::PhoneName,
        KeyType::DomainName,
        KeyType::NameCompany,
        KeyType::Domain,
        KeyType::CompanyName,
    ];

    /// The type of that name.
    pub fn parse(name: &str) -> Option<KeyType> {
        KeyType::ALL.into_iter().find(|it| it.name() == name)
    }

    /// What a claim to a key of this type rests on: what a source counts, or what a record says.
    pub fn basis(self) -> Basis {
        if matches!(self, KeyType::Badge | KeyType::External) { Basis::Asserted } else { Basis::Derived }
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
            KeyType::Former => "former",
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

impl Key {
    /// The name under which a key is stored: a hash of type, scope and value.
    pub fn id(&self) -> Uuid {
        derived_id(&[b"key", self.key_type.name().as_bytes(), self.scope.as_bytes(), self.value.as_bytes()])
    }
}
