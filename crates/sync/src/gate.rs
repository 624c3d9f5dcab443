//! The one function through which every write to a CRM passes.

use std::collections::HashSet;

use mittler_core::{
    RemoteFields,
    plan::{HeldField, value_hash},
};
use uuid::Uuid;

use crate::connections::Mode;

/// What is about to be written to one link.
#[derive(Debug)]
pub struct Passage<'a> {
    pub mode: Mode,
    pub creates: bool,
    /// The fields that may be empty in the CRM, as last shown; for fill-empty.
    pub shown: &'a RemoteFields,
    /// Suppression entries of the person.
    pub entries: &'a [(Uuid, &'static str)],
    pub suppressed: &'a HashSet<Uuid>,
}

/// What the gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// These fields may go; the others are held, with the reason.
    Open { fields: RemoteFields, held: Vec<(String, HeldField)> },
    /// Nothing goes, for now or for good.
    Shut { code: &'static str },
}

/// Decides whether, and which of, the planned fields may be written.
pub fn gate(passage: &Passage<'_>, planned: RemoteFields) -> Gate {
    if passage.entries.iter().any(|(hmac, _)| passage.suppressed.contains(hmac)) {
        return Gate::Shut { code: "suppressed" };
    }
    match (passage.mode, passage.creates) {
        (Mode::Off, _) => Gate::Shut { code: "mode_off" },
        (Mode::DryRun, _) => Gate::Shut { code: "mode_dry_run" },
        (Mode::UpdateOnly, true) => Gate::Shut { code: "mode_update_only" },
        (Mode::CreateOnly, false) => Gate::Shut { code: "mode_create_only" },
        (Mode::FillEmpty, false) => {
            let (full, empty): (Vec<_>, Vec<_>) =
                planned.0.into_iter().partition(|(name, _)| passage.shown.get(name).is_some());
            let held = full
                .into_iter()
                .map(|(name, value)| {
                    let reason = "the connection fills empty fields only".to_owned();
                    (name, HeldField { code: "mode".into(), reason, hash: value_hash(&value) })
                })
                .collect();
            Gate::Open { fields: RemoteFields(empty.into_iter().collect()), held }
        }
        _ => Gate::Open { fields: planned, held: Vec::new() },
    }
}

#[cfg(test)]
mod tests {
    use mittler_core::Value;

    use super::*;

    fn passage<'a>(
        mode: Mode,
        creates: bool,
        shown: &'a RemoteFields,
        suppressed: &'a HashSet<Uuid>,
        entries: &'a [(Uuid, &'static str)],
    ) -> Passage<'a> {
        Passage { mode, creates, shown, entries, suppressed }
    }

    #[test]
    fn a_suppressed_person_passes_in_no_mode() {
        let (shown, id) = (RemoteFields::default(), Uuid::from_u128(1));
        let suppressed = HashSet::from([id]);
        for mode in [Mode::Full, Mode::CreateOnly, Mode::UpdateOnly, Mode::FillEmpty] {
            for creates in [true, false] {
                let entries = [(id, "email")];
                let passage = passage(mode, creates, &shown, &suppressed, &entries);
                assert_eq!(gate(&passage, RemoteFields::default()), Gate::Shut { code: "suppressed" });
            }
        }
    }

    #[test]
    fn fill_empty_holds_what_the_crm_has() {
        let mut shown = RemoteFields::default();
        shown.set("Phone", Value::Text("1".into()));
        let mut planned = RemoteFields::default();
        planned.set("Phone", Value::Text("2".into()));
        planned.set("Title", Value::Text("Chef".into()));
        let suppressed = HashSet::new();
        let Gate::Open { fields, held } = gate(&passage(Mode::FillEmpty, false, &shown, &suppressed, &[]), planned)
        else {
            panic!("fill-empty lets empty fields pass")
        };
        assert_eq!((fields.text("Title"), fields.text("Phone")), (Some("Chef"), None));
        assert_eq!(held[0].0, "Phone");
    }

    #[test]
    fn modes_stop_what_they_say() {
        let (shown, suppressed) = (RemoteFields::default(), HashSet::new());
        let shut = |mode, creates| {
            matches!(
                gate(&passage(mode, creates, &shown, &suppressed, &[]), RemoteFields::default()),
                Gate::Shut { .. }
            )
        };
        assert!(
            shut(Mode::Off, true)
                && shut(Mode::DryRun, false)
                && shut(Mode::UpdateOnly, true)
                && shut(Mode::CreateOnly, false)
        );
        assert!(!shut(Mode::CreateOnly, true) && !shut(Mode::UpdateOnly, false) && !shut(Mode::Full, true));
    }
}
