//! What a record's new values do to its keys.

use std::collections::{BTreeMap, BTreeSet};

use mittler_core::{Kind, key::Basis};
use uuid::Uuid;

use crate::{Key, KeyType};

/// A key as a record holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    pub id: Uuid,
    pub key_type: KeyType,
    /// Whether it names this record alone.
    pub strong: bool,
    pub basis: Basis,
}

/// What has to be written so that a record's keys are those of its values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyDiff {
    /// Strong keys to be claimed: whoever has one already keeps it, and a person is asked.
    pub claim: Vec<Held>,
    /// Weak keys that propose from now on.
    pub add: Vec<Held>,
    /// Keys of values that were replaced.
    pub demote: Vec<Held>,
    /// Weak keys that say nothing any more.
    pub drop: Vec<Held>,
}

impl KeyDiff {
    pub fn is_empty(&self) -> bool {
        self.claim.is_empty() && self.add.is_empty() && self.demote.is_empty() && self.drop.is_empty()
    }
}

/// What a re-derivation does to the keys of one record. A company keeps the keys of all its places
/// and spellings: its one address is only one of them, and none of them is ever somebody else's.
pub fn follow(kind: Kind, held: &[Held], derived: &[Key]) -> KeyDiff {
    let derived: BTreeMap<Uuid, KeyType> = derived.iter().map(|key| (key.id(), key.key_type)).collect();
    let strong: BTreeSet<Uuid> = held.iter().filter(|it| it.strong).map(|it| it.id).collect();
    let weak: BTreeMap<Uuid, Held> = held.iter().filter(|it| !it.strong).map(|it| (it.id, *it)).collect();
    let mut diff = KeyDiff::default();
    for (&id, &key_type) in &derived {
        let as_weak = weak.get(&id).map(|it| it.basis);
        if key_type.is_strong() {
            if !strong.contains(&id) && as_weak != Some(Basis::Contested) {
                diff.claim.push(Held { id, key_type, strong: true, basis: Basis::Derived });
            }
        } else if as_weak != Some(Basis::Derived) {
            diff.add.push(Held { id, key_type, strong: false, basis: Basis::Derived });
        }
    }
    for it in held {
        let still = derived.contains_key(&it.id);
        if !it.strong && strong.contains(&it.id) || !it.strong && it.basis == Basis::Contested && !still {
            diff.drop.push(*it);
        } else if kind == Kind::Person && it.basis == Basis::Derived && !still {
            diff.demote.push(*it);
        }
    }
    diff
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keys::key;

    fn held(key: &Key, strong: bool, basis: Basis) -> Held {
        Held { id: key.id(), key_type: key.key_type, strong, basis }
    }

    /// The keys of a record after a difference was written, while nobody else holds any of them.
    fn after(before: &[Held], diff: &KeyDiff) -> BTreeSet<Held> {
        let gone = |it: &Held| diff.demote.contains(it) || diff.drop.contains(it);
        let claimed = |it: &Held| !it.strong && diff.claim.iter().any(|claim| claim.id == it.id);
        let renewed = |it: &Held| !it.strong && diff.add.iter().any(|add| add.id == it.id);
        let kept = before.iter().filter(|it| !gone(it) && !claimed(it) && !renewed(it)).copied();
        let former = diff.demote.iter().map(|it| Held { strong: false, basis: Basis::Former, ..*it });
        kept.chain(former).chain(diff.claim.iter().copied()).chain(diff.add.iter().copied()).collect()
    }

    #[test]
    fn a_replaced_address_only_proposes_and_its_successor_names_the_person() {
        let (old, new) = (key(KeyType::Email, "", "old@a.example"), key(KeyType::Email, "", "new@a.example"));
        let badge = key(KeyType::Badge, "fair", "B1");
        let before = [held(&old, true, Basis::Derived), held(&badge, true, Basis::Asserted)];
        let diff = follow(Kind::Person, &before, std::slice::from_ref(&new));
        assert_eq!(diff.claim, [held(&new, true, Basis::Derived)]);
        assert_eq!(diff.demote, [held(&old, true, Basis::Derived)], "the badge is no value of the record");
        let now: Vec<Held> = after(&before, &diff).into_iter().collect();
        let back = follow(Kind::Person, &now, std::slice::from_ref(&old));
        assert_eq!(back.claim, [held(&old, true, Basis::Derived)], "an address that comes back is claimed again");
    }

    #[test]
    fn a_key_that_another_holds_is_asked_about_once() {
        let address = key(KeyType::Email, "", "a@a.example");
        let contested = [held(&address, false, Basis::Contested)];
        assert!(follow(Kind::Person, &contested, std::slice::from_ref(&address)).is_empty());
        assert_eq!(follow(Kind::Person, &contested, &[]).drop, contested, "given up with the address");
    }

    #[test]
    fn a_company_keeps_the_keys_of_all_its_places() {
        let place = |place: &str| key(KeyType::CompanyAt, "", format!("acme|gmbh|{place}"));
        let diff = follow(Kind::Organisation, &[held(&place("70173"), true, Basis::Derived)], &[place("80331")]);
        assert_eq!((diff.claim.len(), diff.demote.len()), (1, 0));
    }

    proptest! {
        #[test]
        fn whatever_a_record_said_before_its_keys_are_those_of_what_it_says_now(
            histories in prop::collection::vec(prop::collection::vec(0_u8..6, 0..4), 1..6)
        ) {
            let keys = |values: &[u8]| -> Vec<Key> {
                let of = |value: &u8| if value.is_multiple_of(2) { KeyType::Email } else { KeyType::PhoneName };
                values.iter().map(|value| key(of(value), "", value.to_string())).collect()
            };
            let mut now: BTreeSet<Held> = BTreeSet::new();
            for values in &histories {
                let before: Vec<Held> = now.iter().copied().collect();
                let diff = follow(Kind::Person, &before, &keys(values));
                now = after(&before, &diff);
                let again: Vec<Held> = now.iter().copied().collect();
                prop_assert!(follow(Kind::Person, &again, &keys(values)).is_empty(), "once is enough");
            }
            let last = histories.last().map(|values| keys(values)).unwrap_or_default();
            let derived: BTreeSet<Uuid> = now.iter().filter(|it| it.basis == Basis::Derived).map(|it| it.id).collect();
            prop_assert_eq!(derived, last.iter().map(Key::id).collect::<BTreeSet<_>>());
            let known: BTreeSet<Uuid> = now.iter().map(|it| it.id).collect();
            let ever: BTreeSet<Uuid> = histories.iter().flat_map(|values| keys(values)).map(|key| key.id()).collect();
            prop_assert_eq!(known, ever, "who was known by something is still found by it");
        }
    }
}
