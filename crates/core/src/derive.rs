//! From claims to a record.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Claim, Element, Field, Fields, Label, Slot, Statement, SubjectId, policy::Policy};

/// Policies that differ from the vocabulary's defaults.
pub type Overrides = BTreeMap<Field, Policy>;

/// The fields that the statements of a record's subjects make together. Order and repetition of
/// the statements do not matter.
pub fn derive(statements: &[Statement], overrides: &Overrides) -> Fields {
    let mut by_field: BTreeMap<&Field, Vec<Claim<'_>>> = BTreeMap::new();
    for claim in statements.iter().flat_map(Statement::claims) {
        by_field.entry(&claim.said.field).or_default().push(claim);
    }
    let mut fields = Fields::default();
    for (field, claims) in by_field {
        let spec = field.spec();
        let policy = overrides.get(field).copied().unwrap_or(spec.policy);
        let slot = if spec.many { set(claims, field, policy) } else { one(claims, policy) };
        if let Some(slot) = slot {
            fields.0.insert(field.clone(), slot);
        }
    }
    fields
}

fn one(claims: Vec<Claim<'_>>, policy: Policy) -> Option<Slot> {
    let winner = policy.choose(latest(claims, policy))?;
    winner.said.value.as_ref().map(|value| Slot::One(winner.sourced(value)))
}

/// How surely an element is the main one of its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Main {
    No,
    /// The first of a row.
    Listed,
    /// A person made it so: in a CRM, in their own mail, or here.
    Stated,
}

fn set(claims: Vec<Claim<'_>>, field: &Field, policy: Policy) -> Option<Slot> {
    let mut by_key: BTreeMap<String, Vec<Claim<'_>>> = BTreeMap::new();
    // Fields that showed one of several and were emptied: what they showed is not named.
    let mut emptied: BTreeMap<Option<Label>, Vec<Claim<'_>>> = BTreeMap::new();
    let mut holders: BTreeSet<SubjectId> = BTreeSet::new();
    for claim in claims {
        if claim.said.value.is_some() {
            holders.insert(claim.statement.subject);
        }
        match claim.said.key.clone().or_else(|| claim.said.value.as_ref().map(crate::Value::display)) {
            Some(key) => by_key.entry(key).or_default().push(claim),
            None => emptied.entry(claim.said.label).or_default().push(claim),
        }
    }
    let emptied: Vec<Claim<'_>> = emptied
        .into_values()
        .filter_map(|claims| policy.choose(claims.into_iter().filter(|it| holders.contains(&it.statement.subject))))
        .filter(|_| policy.clears())
        .collect();
    let mut winners: Vec<(Element, Main, Claim<'_>)> = Vec::new();
    for (key, claims) in by_key {
        let claims = without_lists_after_a_correction(latest(claims, policy));
        // A statement that does not know what a number is for does not take the label away.
        let labelled = policy.choose(claims.iter().filter(|claim| claim.said.label.is_some()).cloned());
        let label = labelled.and_then(|claim| claim.said.label);
        let main = claims.iter().filter(|claim| claim.said.primary && claim.said.value.is_some());
        // Of numbers a newer list may know a better one; an address names whoever has it.
        let stated = |claim: &Claim<'_>| *field == Field::EMAILS && !claim.kind().is_list();
        let main = main.map(|claim| if stated(claim) { Main::Stated } else { Main::Listed }).max().unwrap_or(Main::No);
        let Some(winner) = policy.choose(claims) else { continue };
        let Some(value) = &winner.said.value else { continue };
        let covers = |clear: &&Claim<'_>| clear.said.label.is_none() || clear.said.label == label;
        let is_emptied = emptied.iter().filter(covers).any(|clear| {
            policy.choose([clear.clone(), winner.clone()]).is_some_and(|newest| newest.said.value.is_none())
        });
        if !is_emptied {
            winners.push((
                Element { key, label, primary: main > Main::No, sourced: winner.sourced(value) },
                main,
                winner,
            ));
        }
    }
    let order = policy.order(winners.iter().map(|winner| winner.2.clone()).collect());
    let place = |claim: &Claim<'_>| order.iter().position(|one| one == claim);
    winners.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| place(&a.2).cmp(&place(&b.2))));
    let elements: Vec<Element> = winners.into_iter().map(|(element, ..)| element).collect();
    (!elements.is_empty()).then_some(Slot::Set(elements))
}

/// Where somebody put another element in the place of this one, lists that still have it say nothing new.
fn without_lists_after_a_correction(mut claims: Vec<Claim<'_>>) -> Vec<Claim<'_>> {
    if claims.iter().any(|claim| claim.said.replaced && !claim.kind().is_list()) {
        claims.retain(|claim| !claim.kind().is_list());
    }
    claims
}

/// What each subject says now: of each only its latest version counts, and a source that never held a
/// value cannot clear one.
fn latest(claims: Vec<Claim<'_>>, policy: Policy) -> Vec<Claim<'_>> {
    let holders: BTreeSet<SubjectId> =
        claims.iter().filter(|claim| claim.said.value.is_some()).map(|claim| claim.statement.subject).collect();
    let mut latest: BTreeMap<SubjectId, Claim<'_>> = BTreeMap::new();
    for claim in claims {
        let subject = claim.statement.subject;
        let counts = claim.said.value.is_some() || (policy.clears() && holders.contains(&subject));
        if !counts {
            continue;
        }
        let known = latest.get(&subject);
        if known.is_none_or(|known| supersedes(&claim, known, policy)) {
            latest.insert(subject, claim);
        }
    }
    latest.into_values().collect()
}

/// Under fill-empty the first version of a subject stays, else its last one counts.
fn supersedes(claim: &Claim<'_>, known: &Claim<'_>, policy: Policy) -> bool {
    let by_version = claim.statement.version.cmp(&known.statement.version);
    let by_version = if policy == Policy::FillEmpty { by_version.reverse() } else { by_version };
    by_version.then_with(|| claim.tie(known)).is_gt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::{Said, SignalId, Source, SourceKind, Time, Value, Version};

    fn statement(subject: u128, kind: SourceKind, at: i64, said: Vec<Said>) -> Statement {
        Statement {
            subject: SubjectId(Uuid::from_u128(subject)),
            signal: SignalId(Uuid::from_u128(u128::from(at.unsigned_abs()))),
            source: Source::new(kind, "test"),
            observed_at: Time(at),
            version: Version(Time(at), Time(at)),
            said,
        }
    }

    fn position(text: &str) -> Said {
        Said::new(Field::POSITION, Value::Text(text.into()), "test")
    }

    fn cleared(field: Field) -> Said {
        Said { value: None, ..Said::new(field, Value::Bool(true), "test") }
    }

    fn any_said() -> impl Strategy<Value = Said> {
        let fields = prop_oneof![
            Just(Field::POSITION),
            Just(Field::NAME),
            Just(Field::DOMAIN),
            Just(Field::PHONES),
            Just(Field::EMAILS)
        ];
        (fields, proptest::option::of(0..4u8), any::<bool>(), any::<bool>(), 0..3u8).prop_map(
            |(field, value, primary, labelled, key)| {
                let mut said = Said::new(field.clone(), Value::Text("x".into()), "test");
                said.value = value.map(|value| Value::Text(format!("v{value}")));
                if field.is_set() {
                    said.key = Some(format!("k{key}"));
                    said.primary = primary;
                    said.label = labelled.then_some(Label::Mobile);
                }
                said
            },
        )
    }

    fn any_kind() -> impl Strategy<Value = SourceKind> {
        prop_oneof![
            Just(SourceKind::Person),
            Just(SourceKind::Crm),
            Just(SourceKind::OwnMail),
            Just(SourceKind::Badge),
            Just(SourceKind::Organiser),
            Just(SourceKind::Rule)
        ]
    }

    fn any_statements() -> impl Strategy<Value = Vec<Statement>> {
        let one = (1..4u128, any_kind(), 0..5i64, proptest::collection::vec(any_said(), 1..4))
            .prop_map(|(subject, kind, at, said)| statement(subject, kind, at, said));
        proptest::collection::vec(one, 1..10)
    }

    proptest! {
        #[test]
        fn any_permutation_with_repetitions_gives_the_same_record(
            (statements, shuffled) in any_statements().prop_flat_map(|statements| {
                let doubled: Vec<_> = statements.iter().chain(&statements).cloned().collect();
                (Just(statements), Just(doubled).prop_shuffle())
            })
        ) {
            prop_assert_eq!(derive(&statements, &Overrides::new()), derive(&shuffled, &Overrides::new()));
        }

        #[test]
        fn what_a_person_said_survives_any_guess(at in -50..50i64, statements in proptest::collection::vec(
            (0..100i64, prop_oneof![Just(SourceKind::Rule), Just(SourceKind::Generated)]), 0..8)) {
            for field in [Field::POSITION, Field::NAME, Field::DOMAIN] {
                let mut all = vec![statement(1, SourceKind::Person, at,
                    vec![Said::new(field.clone(), Value::Text("said".into()), "test")])];
                all.extend(statements.iter().enumerate().map(|(i, (at, kind))| statement(
                    2 + i as u128, *kind, *at, vec![Said::new(field.clone(), Value::Text("guessed".into()), "test")])));
                let fields = derive(&all, &Overrides::new());
                prop_assert_eq!(fields.text(&field), Some("said"));
            }
        }
    }

    #[test]
    fn what_a_customer_writes_later_replaces_what_the_badge_said() {
        let badge = statement(1, SourceKind::Badge, 10, vec![position("Einkäufer")]);
        let mail = statement(2, SourceKind::OwnMail, 20, vec![position("Leiter Einkauf")]);
        let fields = derive(&[mail, badge], &Overrides::new());
        assert_eq!(fields.text(&Field::POSITION), Some("Leiter Einkauf"));
        assert_eq!(fields.sourced(&Field::POSITION).unwrap().source.kind, SourceKind::OwnMail);
    }

    #[test]
    fn an_older_version_of_the_same_subject_does_not_come_back() {
        let new = statement(1, SourceKind::Crm, 20, vec![position("neu")]);
        let old = statement(1, SourceKind::Crm, 10, vec![position("alt")]);
        assert_eq!(derive(&[new, old], &Overrides::new()).text(&Field::POSITION), Some("neu"));
    }

    #[test]
    fn clearing_counts_only_from_a_source_that_held_a_value() {
        let badge = statement(1, SourceKind::Badge, 10, vec![position("Einkäufer")]);
        let stranger = statement(2, SourceKind::Crm, 20, vec![cleared(Field::POSITION)]);
        let kept = derive(&[badge.clone(), stranger], &Overrides::new());
        assert_eq!(kept.text(&Field::POSITION), Some("Einkäufer"));

        let held = statement(2, SourceKind::Crm, 15, vec![position("Chef")]);
        let emptied = statement(2, SourceKind::Crm, 20, vec![cleared(Field::POSITION)]);
        assert_eq!(derive(&[badge, held, emptied], &Overrides::new()).text(&Field::POSITION), None);
    }

    #[test]
    fn an_element_keeps_its_label_when_a_later_source_does_not_name_one() {
        let said = |label: Option<Label>| {
            let said = Said::element(Field::PHONES, "+49711123", Value::Text("+49711123".into()), "test");
            Said { label, ..said }
        };
        let labelled = statement(1, SourceKind::Badge, 10, vec![said(Some(Label::Mobile))]);
        let plain = statement(2, SourceKind::OwnMail, 20, vec![said(None)]);
        let fields = derive(&[labelled, plain], &Overrides::new());
        assert_eq!(fields.elements(&Field::PHONES)[0].label, Some(Label::Mobile));
    }
}
