//! Why a key names a record.

use serde::{Deserialize, Serialize};

/// What a record's claim to a key rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The record's values, as they are now.
    Derived,
    /// A source's own id: a badge, an external id.
    Asserted,
    /// A value that was replaced: it only proposes from now on.
    Former,
    /// A value of this record whose key another record holds.
    Contested,
}

impl TryFrom<String> for Basis {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Basis, &'static str> {
        match name.as_str() {
            "derived" => Ok(Basis::Derived),
            "asserted" => Ok(Basis::Asserted),
            "former" => Ok(Basis::Former),
            "contested" => Ok(Basis::Contested),
            _ => Err("no basis of a key"),
        }
    }
}
