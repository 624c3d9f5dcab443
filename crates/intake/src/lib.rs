//! Bytes to signals and raw leads: CSV and JSON leads, RFC 5322 mails and mbox files. Pure.
//!
//! A signal keeps the bytes of one row or mail verbatim; [`csv::Layout`] (kept with the run) says
//! how to read a row again, so that a corrected column mapping can be replayed.
//!
//! **Invariant:** no column and no row is dropped: what has no meaning becomes an attribute, what
//! cannot be read is a problem of that one row, with its line and a stable code.
//!
//! **Invariant:** no input makes this crate panic.

pub mod csv;
pub mod json;
pub mod mail;
mod names;

use std::collections::{BTreeMap, btree_map::Entry};

pub use names::part_camel_case;
use serde::{Deserialize, Serialize};

/// Bytes that one value of a lead may have, in UTF-8: a cell, or a member's text. A note of that length
/// is a document.
pub const MAX_VALUE: usize = 32 * 1024;
/// Bytes that the name of a column or member may have.
pub const MAX_NAME: usize = 1_000;

/// Only the lead with this value is refused.
pub(crate) fn value_too_long() -> Problem {
    Problem::new(
        "value_too_long",
        format!("a value is longer than {} KB; shorten it or leave it out", MAX_VALUE / 1024),
    )
}

/// What a column or a JSON member of a lead means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadField {
    /// Id of the lead in its source; with the source's name a strong key.
    ExternalId,
    /// Badge number, unique within one fair.
    Badge,
    ScannedAt,
    /// The time of day where `ScannedAt` only holds the date.
    ScannedTime,
    Salutation,
    /// ISO 5218: 1 is male, 2 is female. Lists without a 2 count differently.
    GenderCode,
    Title,
    FirstName,
    LastName,
    /// Both names in one cell.
    FullName,
    Company,
    Position,
    Department,
    Street,
    HouseNumber,
    AddressExtra,
    PostalCode,
    City,
    State,
    Country,
    Phone,
    /// The area code where `Phone` does not hold it.
    AreaCode,
    /// The end of the number beside it, or a direct number of its own.
    Extension,
    Mobile,
    Fax,
    Email,
    Website,
    VatId,
    Language,
    Interest,
    Priority,
    Note,
    /// Who scanned; kept as a random id, never as a name.
    ScannedBy,
    Newsletter,
    /// Sales person wished for, by e-mail address.
    Owner,
}

/// One lead as its source wrote it: nothing normalised yet, but for the encoding.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RawLead {
    pub fields: BTreeMap<LeadField, String>,
    /// Columns without a meaning of ours, by their header, in the order of the list.
    pub attributes: Attributes,
}

/// Values by the headers that they stood under, in the order in which they stood.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(Vec<(String, String)>);

impl Attributes {
    /// A second value under one header stands below the first.
    pub fn insert(&mut self, header: String, value: String) {
        match self.0.iter_mut().find(|(known, _)| *known == header) {
            Some((_, known)) if *known == value => {}
            Some((_, known)) => {
                known.push('\n');
                known.push_str(&value);
            }
            None => self.0.push((header, value)),
        }
    }

    pub fn get(&self, header: &str) -> Option<&String> {
        self.0.iter().find(|(known, _)| known == header).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(header, value)| (header.as_str(), value.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<const N: usize> From<[(String, String); N]> for Attributes {
    fn from(all: [(String, String); N]) -> Attributes {
        Attributes(all.into())
    }
}

impl RawLead {
    /// Puts a value under its meaning; gives it back if it has to be an attribute. A second number
    /// or address stands below the first, because a person may have several.
    pub(crate) fn place(&mut self, meaning: Option<LeadField>, value: String) -> Option<String> {
        let Some(field) = meaning else { return Some(value) };
        let several = matches!(field, LeadField::Phone | LeadField::Mobile | LeadField::Fax | LeadField::Email);
        match self.fields.entry(field) {
            Entry::Vacant(place) => {
                place.insert(value);
                None
            }
            Entry::Occupied(mut known) if several => {
                known.get_mut().push('\n');
                known.get_mut().push_str(&value);
                None
            }
            Entry::Occupied(_) => Some(value),
        }
    }
}

/// Why one row, member or mail cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason} ({code})")]
pub struct Problem {
    /// A stable code: `columns_missing`, `not_utf8`, `no_name_and_no_email`.
    pub code: String,
    /// The field or column, if one is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// In plain words, for the person who corrects it. Holds no values.
    pub reason: String,
}

impl Problem {
    pub fn new(code: &str, reason: impl Into<String>) -> Problem {
        Problem { code: code.into(), field: None, reason: reason.into() }
    }

    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Problem {
        self.field = Some(field.into());
        self
    }
}
