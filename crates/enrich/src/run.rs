//! How the inputs of one run are read: said when they come, kept with the run, and read again by the worker.

use jiff::civil::Date;
use mittler_core::SourceKind;
use mittler_identity::keys::fair_scope;
use mittler_intake::csv;
use serde::{Deserialize, Serialize};

/// What a run says about all its inputs.
///
/// Inputs are recognised by it: a run without a purpose is written as it was before there were purposes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunParams {
    pub source: String,
    /// A badge, an organiser's list or a form; none: a form.
    pub source_kind: Option<SourceKind>,
    pub default_country: String,
    pub time_zone: String,
    pub fair: Option<Fair>,
    /// The columns of a list.
    pub layout: Option<csv::Layout>,
    /// For what its people came in; none: for nothing in particular.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

impl RunParams {
    /// As it is kept with the run.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// As it was kept; `None` if it is none of ours.
    pub fn of_json(kept: &serde_json::Value) -> Option<RunParams> {
        serde::Deserialize::deserialize(kept).ok()
    }
}

/// The fair at which people were met.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fair {
    pub name: String,
    pub organiser: Option<String>,
    pub place: Option<String>,
    pub starts: Option<Date>,
    pub ends: Option<Date>,
}

impl Fair {
    /// What tells it from other fairs; also the scope of its badge numbers.
    pub fn scope(&self) -> String {
        fair_scope(&self.name, self.starts.map(Date::year))
    }
}
