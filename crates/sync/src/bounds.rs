//! What a connection is for, beyond its mode: which fields it may write, of whom, and to what end.

use mittler_core::{Field, Fields, Kind, RecordId};
use mittler_store::due::DueLink;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The bounds of one connection; without any, all that is mapped is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// The only fields that are written: `Lead.Email`, or all of a type: `Lead.*`.
    pub fields: Vec<String>,
    pub pilot: Option<Pilot>,
    /// The purposes that the connection serves.
    pub purposes: Vec<String>,
}

/// The only ones who are written while a connection is tried: whoever fits one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pilot {
    /// Names of fairs.
    pub fairs: Vec<String>,
    /// Owners, as records name them.
    pub owners: Vec<String>,
    /// Domains of e-mail addresses and companies.
    pub domains: Vec<String>,
}

/// Whether a record lies within the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    pub pilot: bool,
    pub purpose: bool,
}

impl Default for Within {
    fn default() -> Self {
        Within { pilot: true, purpose: true }
    }
}

impl Bounds {
    /// The fields of a remote type that may be written; `None`: all of them.
    pub fn fields_of(&self, remote_type: &str) -> Option<BTreeSet<&str>> {
        let mine = self.fields.iter().filter_map(|name| name.split_once('.')).filter(|(of, _)| *of == remote_type);
        let names: BTreeSet<&str> = mine.map(|(_, name)| name).collect();
        (!self.fields.is_empty() && !names.contains("*")).then_some(names)
    }

    pub(crate) fn serve(&self, purposes: Option<&BTreeSet<String>>) -> bool {
        let Some(named) = purposes else { return true };
        self.purposes.is_empty() || named.contains("") || self.purposes.iter().any(|served| named.contains(served))
    }
}

pub(crate) fn has(list: &[String], text: Option<&str>) -> bool {
    text.is_some_and(|text| list.iter().any(|one| one.trim().to_lowercase() == text.trim().to_lowercase()))
}

impl Pilot {
    /// Whether a person or company is named by itself.
    pub(crate) fn names(&self, fields: &Fields) -> bool {
        has(&self.owners, fields.text(&Field::OWNER))
            || has(&self.domains, fields.text(&Field::DOMAIN))
            || fields
                .elements(&Field::EMAILS)
                .iter()
                .any(|email| has(&self.domains, email.key.rsplit_once('@').map(|(_, domain)| domain)))
    }
}

/// The person whose data a link carries.
pub(crate) fn subject(link: &DueLink) -> Option<RecordId> {
    if link.kind == Kind::Person { Some(link.record) } else { about(link) }
}

/// Whom a record is about that is nobody itself.
pub fn about(link: &DueLink) -> Option<RecordId> {
    match link.kind {
        Kind::Participation | Kind::Activity => link.fields.reference(&Field::PERSON),
        Kind::Association => link.fields.reference(&Field::FROM),
        Kind::Person | Kind::Organisation | Kind::Fair => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_are_named_are_the_only_ones() {
        let bounds = Bounds { fields: vec!["Lead.Email".into(), "Task.*".into()], ..Bounds::default() };
        assert_eq!(bounds.fields_of("Lead"), Some(["Email"].into()));
        assert_eq!(bounds.fields_of("Task"), None);
        assert_eq!(bounds.fields_of("Contact"), Some(BTreeSet::new()), "a type that is not named has none");
        assert_eq!(Bounds::default().fields_of("Lead"), None);
    }

    #[test]
    fn one_purpose_that_is_served_is_enough_and_so_is_none() {
        let bounds = Bounds { purposes: vec!["sales".into()], ..Bounds::default() };
        let named = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<BTreeSet<String>>();
        assert!(bounds.serve(None) && bounds.serve(Some(&named(&["event", "sales"]))));
        assert!(bounds.serve(Some(&named(&["event", ""]))), "came in for nothing in particular, too");
        assert!(!bounds.serve(Some(&named(&["event"]))));
        assert!(Bounds::default().serve(Some(&named(&["event"]))));
    }
}
