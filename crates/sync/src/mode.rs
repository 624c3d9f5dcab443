//! What a connection may do in its CRM.

use serde::{Deserialize, Serialize};

/// What may be written to a CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing is read, planned or written; what is due waits, and so do webhooks.
    Off,
    /// Everything is looked up and planned; nothing is written, and nothing that the CRM says is taken.
    DryRun,
    /// Only new records.
    CreateOnly,
    /// Only records that the CRM has.
    UpdateOnly,
    /// Only fields that are empty in the CRM.
    FillEmpty,
    #[default]
    Full,
}

impl Mode {
    pub const ALL: [Mode; 6] =
        [Mode::Off, Mode::DryRun, Mode::CreateOnly, Mode::UpdateOnly, Mode::FillEmpty, Mode::Full];

    pub fn parse(name: &str) -> Option<Mode> {
        serde_json::from_value(name.into()).ok()
    }

    /// Whether what the CRM says is taken: of a trial nobody else is told, and what is off is not even read.
    pub fn takes(self) -> bool {
        !matches!(self, Mode::Off | Mode::DryRun)
    }

    pub fn name(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::DryRun => "dry_run",
            Mode::CreateOnly => "create_only",
            Mode::UpdateOnly => "update_only",
            Mode::FillEmpty => "fill_empty",
            Mode::Full => "full",
        }
    }
}
