//! Who it is: the decision whether a draft is about a record we know.

use mittler_core::{Fields, Kind, RecordId};

use crate::{Draft, KeyType};

/// What two things are compared by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub emails: Vec<String>,
    pub phones: Vec<String>,
    pub company_core: Option<String>,
    pub legal_form: Option<String>,
    pub domain: Option<String>,
    pub postal_code: Option<String>,
    pub position: Option<String>,
}

impl Facts {
    pub fn of_draft(_draft: &Draft) -> Facts {
        Facts::default()
    }

    pub fn of_fields(_fields: &Fields) -> Facts {
        Facts::default()
    }
}

/// A record that shares a key with the draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub record: RecordId,
    pub met_by: Vec<KeyType>,
    pub facts: Facts,
}

/// What is to be done with a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Match { record: RecordId, why: String },
    /// Create a new record and ask a person.
    Propose { candidates: Vec<RecordId>, why: String },
    New,
}

/// Decides; the order of the candidates does not matter.
pub fn decide(_kind: Kind, _facts: &Facts, _candidates: &[Candidate]) -> Decision {
    Decision::New
}
