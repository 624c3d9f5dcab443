//! What one CRM record still has to be told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{RemoteFields, RemoteValue, Value};

/// A field that is not sent for now, and why. It is planned again once its value, the mapping,
/// the schema or the mode changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldField {
    /// A stable code: `refused`, `mode`, `unmapped`.
    pub code: String,
    /// What the CRM or the gate said, without the value.
    pub reason: String,
    /// Hash of the value that was refused.
    pub hash: String,
}

pub type Held = BTreeMap<String, HeldField>;

/// What is known of one CRM record.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What our mapping produced and the CRM accepted.
    pub sent: &'a RemoteFields,
    /// What the CRM last showed: all that is known of fields that were never sent.
    pub seen: &'a RemoteFields,
}

impl Known<'_> {
    /// What the CRM has in a field, as far as anybody knows.
    pub fn shown(&self, name: &str) -> &RemoteValue {
        self.sent.0.get(name).or_else(|| self.seen.0.get(name)).unwrap_or(&None)
    }
}

/// The fields in which `projected` differs from what the CRM is known to have, without those that
/// are held for the very value.
///
/// What was sent and is projected no more is cleared if it is still ours to clear. What the CRM
/// merely showed never is: it was somebody else's before it was ours.
pub fn plan(
    projected: &RemoteFields,
    known: Known<'_>,
    held: &Held,
    ours_to_clear: impl Fn(&str) -> bool,
) -> RemoteFields {
    let changed = projected
        .0
        .iter()
        .filter(|(name, value)| !same(value, known.shown(name)))
        .map(|(name, value)| (name.clone(), value.clone()));
    let cleared = known
        .sent
        .0
        .iter()
        .filter(|(name, value)| !same(value, &None) && !projected.0.contains_key(*name) && ours_to_clear(name))
        .map(|(name, _)| (name.clone(), None));
    changed
        .chain(cleared)
        .filter(|(name, value)| held.get(name).is_none_or(|held| held.hash != value_hash(value)))
        .collect()
}

/// `sent` after the CRM accepted `planned`.
#[must_use]
pub fn apply(sent: &RemoteFields, planned: &RemoteFields) -> RemoteFields {
    let mut after = sent.clone();
    after.0.extend(planned.0.iter().map(|(name, value)| (name.clone(), value.clone())));
    after
}

fn same(a: &RemoteValue, b: &RemoteValue) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.same(b),
        // A box that nobody ticked says as much as an empty one.
        (None, None | Some(Value::Bool(false))) | (Some(Value::Bool(false)), None) => true,
        _ => false,
    }
}

/// Names a value without telling it.
pub fn value_hash(value: &RemoteValue) -> String {
    let normal = value.as_ref().map(|value| match value {
        Value::Text(text) | Value::Choice(text) | Value::RemoteRef(text) => Value::Text(crate::value::clean(text)),
        Value::Instant { at, .. } => Value::instant(*at),
        other => other.clone(),
    });
    let json = serde_json::to_vec(&normal).unwrap_or_default();
    Sha256::digest(&json)[..16].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_fields() -> impl Strategy<Value = RemoteFields> {
        let value = proptest::option::of(prop_oneof![
            "[a-cäß ]{0,3}".prop_map(Value::Text),
            any::<i64>().prop_map(Value::Int),
            any::<bool>().prop_map(Value::Bool),
            (0..9i64).prop_map(|at| Value::instant(crate::Time(at))),
        ]);
        proptest::collection::btree_map("[a-d]", value, 0..5).prop_map(RemoteFields)
    }

    fn known<'a>(sent: &'a RemoteFields, seen: &'a RemoteFields) -> Known<'a> {
        Known { sent, seen }
    }

    proptest! {
        #[test]
        fn applying_a_plan_and_diffing_again_gives_an_empty_plan(
            projected in any_fields(), sent in any_fields(), seen in any_fields(), ours in "[a-d]{0,4}",
        ) {
            let ours = |name: &str| ours.contains(name);
            let planned = plan(&projected, known(&sent, &seen), &Held::new(), ours);
            let after = apply(&sent, &planned);
            prop_assert!(plan(&projected, known(&after, &seen), &Held::new(), ours).is_empty());
        }

        #[test]
        fn a_held_value_is_not_planned_again_until_it_changes(
            projected in any_fields(), sent in any_fields(), seen in any_fields(),
        ) {
            let planned = plan(&projected, known(&sent, &seen), &Held::new(), |_| true);
            let held: Held = planned.0.iter().map(|(name, value)| (name.clone(), HeldField {
                code: "refused".into(), reason: String::new(), hash: value_hash(value) })).collect();
            prop_assert!(plan(&projected, known(&sent, &seen), &held, |_| true).is_empty());
        }

        #[test]
        fn only_what_was_sent_is_ever_cleared(projected in any_fields(), sent in any_fields(), seen in any_fields()) {
            let planned = plan(&projected, known(&sent, &seen), &Held::new(), |name| name != "a");
            for (name, value) in &planned.0 {
                if !projected.0.contains_key(name) {
                    prop_assert!(value.is_none() && name != "a" && sent.get(name).is_some(), "{name} is cleared");
                }
            }
        }

        #[test]
        fn what_the_crm_shows_already_is_not_sent(seen in any_fields()) {
            prop_assert!(plan(&seen, known(&RemoteFields::default(), &seen), &Held::new(), |_| true).is_empty());
        }
    }

    #[test]
    fn a_value_that_is_projected_no_more_is_cleared() {
        let (mut sent, seen) = (RemoteFields::default(), RemoteFields::default());
        sent.set("Phone", Value::Text("1".into()));
        let planned = plan(&RemoteFields::default(), known(&sent, &seen), &Held::new(), |_| true);
        assert_eq!(planned.0.get("Phone"), Some(&None));
    }

    #[test]
    fn a_box_that_nobody_ticked_is_not_written_over_an_empty_one() {
        let (mut projected, empty) = (RemoteFields::default(), RemoteFields::default());
        projected.set("HasOptedOutOfEmail", Value::Bool(false));
        assert!(plan(&projected, known(&empty, &empty), &Held::new(), |_| true).is_empty());
        let mut seen = RemoteFields::default();
        seen.set("HasOptedOutOfEmail", Value::Bool(true));
        assert!(!plan(&projected, known(&empty, &seen), &Held::new(), |_| true).is_empty());
    }
}
