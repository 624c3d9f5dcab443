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

/// The fields in which `projected` differs from what was `sent`, without those that are held for
/// the very value. What was sent and is projected no more is cleared.
pub fn plan(projected: &RemoteFields, sent: &RemoteFields, held: &Held) -> RemoteFields {
    let changed = projected
        .0
        .iter()
        .filter(|(name, value)| !same(value, sent.0.get(*name).unwrap_or(&None)))
        .map(|(name, value)| (name.clone(), value.clone()));
    let cleared = sent
        .0
        .iter()
        .filter(|(name, value)| value.is_some() && !projected.0.contains_key(*name))
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
        (None, None) => true,
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

    proptest! {
        #[test]
        fn applying_a_plan_and_diffing_again_gives_an_empty_plan(projected in any_fields(), sent in any_fields()) {
            let planned = plan(&projected, &sent, &Held::new());
            let after = apply(&sent, &planned);
            prop_assert!(plan(&projected, &after, &Held::new()).is_empty());
        }

        #[test]
        fn a_held_value_is_not_planned_again_until_it_changes(projected in any_fields(), sent in any_fields()) {
            let planned = plan(&projected, &sent, &Held::new());
            let held: Held = planned.0.iter().map(|(name, value)| (name.clone(), HeldField {
                code: "refused".into(), reason: String::new(), hash: value_hash(value) })).collect();
            prop_assert!(plan(&projected, &sent, &held).is_empty());
        }
    }

    #[test]
    fn a_value_that_is_projected_no_more_is_cleared() {
        let mut sent = RemoteFields::default();
        sent.set("Phone", Value::Text("1".into()));
        let planned = plan(&RemoteFields::default(), &sent, &Held::new());
        assert_eq!(planned.0.get("Phone"), Some(&None));
    }
}
