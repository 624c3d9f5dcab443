//! The one function through which every write to a CRM passes.

use std::collections::{BTreeSet, HashSet};

use mittler_core::{
    RemoteFields, RemoteValue,
    plan::{HeldField, value_hash},
};
use uuid::Uuid;

use crate::{bounds::Within, mode::Mode};

/// What is about to be written to one link.
#[derive(Debug)]
pub struct WriteRequest<'a> {
    pub mode: Mode,
    pub creates: bool,
    /// A person wants it removed there.
    pub archives: bool,
    /// The fields that may be empty in the CRM, as last shown; for fill-empty.
    pub shown: &'a RemoteFields,
    /// Suppression entries of the person.
    pub entries: &'a [(Uuid, &'static str)],
    pub suppressed: &'a HashSet<Uuid>,
    /// The person's data are not to be used for now.
    pub restricted: bool,
    /// Whether the connection is for this record, and serves what its person came in for.
    pub within: Within,
    /// The only fields that may go; `None`: all. Our own key goes in any case.
    pub allowed: Option<&'a BTreeSet<&'a str>>,
    pub own_key: Option<&'a str>,
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
pub fn gate(passage: &WriteRequest<'_>, planned: RemoteFields) -> Gate {
    if passage.entries.iter().any(|(hmac, _)| passage.suppressed.contains(hmac)) {
        return Gate::Shut { code: "suppressed" };
    }
    if passage.restricted {
        return Gate::Shut { code: "restricted" };
    }
    if !passage.within.purpose {
        return Gate::Shut { code: "purpose" };
    }
    if !passage.within.pilot {
        return Gate::Shut { code: "pilot" };
    }
    let (planned, mut barred) = bar(passage, planned);
    let mut passed = by_mode(passage, planned);
    if let Gate::Open { held, .. } = &mut passed {
        held.append(&mut barred);
    }
    passed
}

/// Parts the fields that may go from those that the connection may not write.
fn bar(passage: &WriteRequest<'_>, planned: RemoteFields) -> (RemoteFields, Vec<(String, HeldField)>) {
    let Some(allowed) = passage.allowed else { return (planned, Vec::new()) };
    let (go, stay): (Vec<_>, Vec<_>) = planned
        .0
        .into_iter()
        .partition(|(name, _)| allowed.contains(name.as_str()) || passage.own_key == Some(name.as_str()));
    let reason = "the connection may not write this field";
    (RemoteFields(go.into_iter().collect()), hold(stay, "field_not_allowed", reason))
}

fn hold(fields: Vec<(String, RemoteValue)>, code: &str, reason: &str) -> Vec<(String, HeldField)> {
    let held = |(name, value)| {
        let hash = value_hash(&value);
        (name, HeldField { code: code.to_owned(), reason: reason.to_owned(), hash })
    };
    fields.into_iter().map(held).collect()
}

fn by_mode(passage: &WriteRequest<'_>, planned: RemoteFields) -> Gate {
    match (passage.mode, passage.creates) {
        (Mode::Off, _) => Gate::Shut { code: "mode_off" },
        (Mode::DryRun, _) => Gate::Shut { code: "mode_dry_run" },
        (Mode::UpdateOnly, true) => Gate::Shut { code: "mode_update_only" },
        (Mode::CreateOnly, false) => Gate::Shut { code: "mode_create_only" },
        (Mode::FillEmpty, _) if passage.archives => Gate::Shut { code: "mode_fill_empty" },
        (Mode::FillEmpty, false) => {
            let (full, empty): (Vec<_>, Vec<_>) =
                planned.0.into_iter().partition(|(name, _)| passage.shown.get(name).is_some());
            let held = hold(full, "mode", "the connection fills empty fields only");
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
    ) -> WriteRequest<'a> {
        let within = Within::default();
        WriteRequest {
            mode,
            creates,
            archives: false,
            shown,
            entries,
            suppressed,
            restricted: false,
            within,
            allowed: None,
            own_key: None,
        }
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

    #[test]
    fn only_who_may_change_records_may_remove_them() {
        let (shown, suppressed) = (RemoteFields::default(), HashSet::new());
        let open = |mode| {
            let passage = WriteRequest { archives: true, ..passage(mode, false, &shown, &suppressed, &[]) };
            matches!(gate(&passage, RemoteFields::default()), Gate::Open { .. })
        };
        assert!(open(Mode::Full) && open(Mode::UpdateOnly));
        assert!(!open(Mode::FillEmpty) && !open(Mode::CreateOnly) && !open(Mode::DryRun) && !open(Mode::Off));
    }

    #[test]
    fn nothing_goes_of_whom_it_must_not_or_who_is_not_meant() {
        let (shown, suppressed) = (RemoteFields::default(), HashSet::new());
        let open = passage(Mode::Full, true, &shown, &suppressed, &[]);
        let code = |passage: WriteRequest<'_>| match gate(&passage, RemoteFields::default()) {
            Gate::Shut { code } => code,
            Gate::Open { .. } => "open",
        };
        let outside = Within { pilot: false, purpose: false };
        assert_eq!(code(WriteRequest { restricted: true, within: outside, ..open }), "restricted");
        let open = passage(Mode::Full, true, &shown, &suppressed, &[]);
        assert_eq!(code(WriteRequest { within: outside, ..open }), "purpose");
        let open = passage(Mode::Full, true, &shown, &suppressed, &[]);
        assert_eq!(code(WriteRequest { within: Within { pilot: false, purpose: true }, ..open }), "pilot");
        assert_eq!(code(passage(Mode::Full, true, &shown, &suppressed, &[])), "open");
    }

    #[test]
    fn fields_that_are_not_allowed_are_held_and_our_key_goes() {
        let (shown, suppressed, allowed) = (RemoteFields::default(), HashSet::new(), BTreeSet::from(["Email"]));
        let mut planned = RemoteFields::default();
        for name in ["Email", "Phone", "Mittler_Id__c"] {
            planned.set(name, Value::Text("x".into()));
        }
        let open = passage(Mode::Full, false, &shown, &suppressed, &[]);
        let passage = WriteRequest { allowed: Some(&allowed), own_key: Some("Mittler_Id__c"), ..open };
        let Gate::Open { fields, held } = gate(&passage, planned) else { panic!("some of it may go") };
        assert_eq!(fields.0.keys().collect::<Vec<_>>(), ["Email", "Mittler_Id__c"]);
        assert_eq!((held.len(), held[0].0.as_str(), held[0].1.code.as_str()), (1, "Phone", "field_not_allowed"));
    }
}
