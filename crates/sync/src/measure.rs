//! What guards count.

use mittler_core::ConnectionId;
use mittler_store::guards::Counted;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Records that a CRM deleted.
    DeletionsIn,
    /// Records that a CRM changed, with what it emptied.
    ChangesIn,
    /// Records of a CRM in which we would replace a value.
    UpdatesOut,
    /// Records of a CRM in which we would empty a field.
    ClearsOut,
    /// Records of a CRM that we would remove.
    ArchivesOut,
}

impl Measure {
    pub const ALL: [Measure; 5] =
        [Measure::DeletionsIn, Measure::ChangesIn, Measure::UpdatesOut, Measure::ClearsOut, Measure::ArchivesOut];

    /// As it is stored, and as the reason of the question.
    pub fn name(self) -> &'static str {
        match self {
            Measure::DeletionsIn => "deletions_in",
            Measure::ChangesIn => "changes_in",
            Measure::UpdatesOut => "updates_out",
            Measure::ClearsOut => "clears_out",
            Measure::ArchivesOut => "archives_out",
        }
    }

    pub fn parse(name: &str) -> Option<Measure> {
        Measure::ALL.into_iter().find(|measure| measure.name() == name)
    }

    pub(crate) fn of(self, connection: ConnectionId, remote_type: &str) -> Counted<'_> {
        Counted { connection, remote_type, measure: self.name() }
    }
}
