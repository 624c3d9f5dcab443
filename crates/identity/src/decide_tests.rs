//! Decisions about persons and companies, and what holds for all of them.

use proptest::prelude::*;

use super::*;
use mittler_normalise::company::read as company;

fn id(n: u128) -> RecordId {
    RecordId(uuid(n))
}

fn uuid<U: std::str::FromStr>(n: u128) -> U {
    let hex = format!("{n:032x}");
    let text = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    text.parse().ok().expect("a uuid")
}

fn facts(first: &str, last: &str, emails: &[&str]) -> Facts {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Facts {
        first_name: text(first),
        last_name: text(last),
        emails: emails.iter().map(|e| (*e).to_owned()).collect(),
        ..Facts::default()
    }
}

fn candidate(n: u128, met_by: &[KeyType], facts: Facts) -> Candidate {
    Candidate { record: id(n), met_by: met_by.to_vec(), facts }
}

fn firm(name: &str, domain: &str, postal_code: &str) -> Facts {
    let company = company(name, "").unwrap();
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Facts {
        company_core: Some(company.core),
        legal_form: company.legal_form.map(str::to_owned),
        domain: text(domain),
        postal_code: text(postal_code),
        ..Facts::default()
    }
}

fn matches(decision: &Decision) -> bool {
    matches!(decision, Decision::Match { .. })
}

fn asks(decision: &Decision) -> bool {
    matches!(decision, Decision::Propose { .. })
}

#[test]
fn the_same_address_is_the_same_person_also_with_a_nickname_or_a_new_surname() {
    for (known, new) in [
        (("Ulrich", "Rautenstrauch"), ("Uli", "Rautenstrauch")),
        (("Birgit", "Losekamm"), ("Birgit", "Amrhein")),
        (("Josef", "Anzinger"), ("Sepp", "Anzinger")),
    ] {
        let decision = decide(
            Kind::Person,
            &facts(new.0, new.1, &[]),
            &[candidate(1, &[KeyType::Email], facts(known.0, known.1, &[]))],
        );
        assert!(matches(&decision), "{known:?} {new:?}");
    }
}

#[test]
fn a_badge_lent_or_an_address_shared_is_a_question() {
    let reimer = candidate(1, &[KeyType::Badge], facts("Tatjana", "Reimer", &["t.reimer@w.example"]));
    assert!(asks(&decide(
        Kind::Person,
        &facts("Lars", "Niebuhr", &["l.niebuhr@w.example"]),
        std::slice::from_ref(&reimer)
    )));
    let own = candidate(2, &[KeyType::Email], facts("Lars", "Niebuhr", &[]));
    let decision = decide(Kind::Person, &facts("Lars", "Niebuhr", &[]), &[reimer, own]);
    assert_eq!(decision, Decision::Match { record: id(2), why: "same e-mail address".into() });
    let chief = candidate(3, &[KeyType::Email], facts("Hermann", "Waldvogel", &[]));
    assert!(asks(&decide(Kind::Person, &facts("Nadja", "Ruckstuhl", &[]), &[chief])));
}

#[test]
fn name_company_and_phone_together_are_enough_but_only_for_one_candidate() {
    let weak = [KeyType::PhoneName, KeyType::NameCompany];
    let one = candidate(1, &weak, facts("Holger", "Bätz", &["h.baetz@r.example"]));
    let new = facts("Holger", "Bätz", &[]);
    assert!(matches(&decide(Kind::Person, &new, std::slice::from_ref(&one))));
    let two = candidate(2, &weak, facts("Holger", "Bätz", &[]));
    assert!(asks(&decide(Kind::Person, &new, &[one, two])));
    assert!(
        asks(&decide(Kind::Person, &new, &[candidate(1, &[KeyType::PhoneName], new.clone())])),
        "one agreement is none"
    );
    assert!(
        asks(&decide(Kind::Person, &new, &[candidate(1, &[KeyType::DomainName, KeyType::NameCompany], new.clone())])),
        "company twice is one"
    );
}

#[test]
fn father_and_son_and_two_of_one_name_are_not_joined() {
    let weak = [KeyType::PhoneName, KeyType::NameCompany];
    let father = candidate(1, &weak, facts("Karl", "Weißgerber sen.", &["karl.senior@w.example"]));
    assert_eq!(decide(Kind::Person, &facts("Karl", "Weißgerber jun.", &["k@w.example"]), &[father]), Decision::New);
    let other = candidate(1, &weak, facts("Hans", "Müller", &["hans.mueller@m.example"]));
    assert!(asks(&decide(Kind::Person, &facts("Hans", "Müller", &["h.mueller2@m.example"]), &[other])));
    let sister = candidate(1, &weak, facts("Sophie", "Obermüller", &[]));
    assert_eq!(decide(Kind::Person, &facts("Klaus", "Obermüller", &[]), &[sister]), Decision::New);
}

#[test]
fn a_company_is_its_name_with_its_legal_form() {
    let huber = |met_by: &[KeyType], name: &str, domain: &str, zip: &str| {
        decide(
            Kind::Organisation,
            &firm("Huber GmbH", "huber.example", "83022"),
            &[candidate(1, met_by, firm(name, domain, zip))],
        )
    };
    assert!(matches(&huber(&[KeyType::CompanyAt], "HUBER GMBH", "huber.example", "")));
    assert!(matches(&huber(&[KeyType::Domain], "Huber", "huber.example", "")));
    assert_eq!(huber(&[KeyType::CompanyName], "Huber GmbH & Co. KG", "huber-passau.example", "94032"), Decision::New);
    assert_eq!(huber(&[KeyType::CompanyName], "Huber GmbH", "huber-passau.example", "94032"), Decision::New);
    assert!(asks(&huber(&[KeyType::Domain], "Huber GmbH & Co. KG", "huber.example", "")));
    assert!(matches(&huber(&[KeyType::CompanyName], "Huber", "", "83022")));
    assert!(asks(&huber(&[KeyType::CompanyName], "Huber", "", "")));
    assert!(matches(&huber(&[KeyType::VatId], "Huber Holding GmbH", "huber.example", "")));
}

#[test]
fn a_company_known_only_by_its_domain_is_the_one_that_has_it() {
    let known = candidate(1, &[KeyType::Domain], firm("Elbgreif Fördersysteme AG", "elbgreif.example", "20457"));
    let new = Facts { domain: Some("elbgreif.example".into()), ..Facts::default() };
    assert!(matches(&decide(Kind::Organisation, &new, &[known])));
}

#[test]
fn two_lists_that_count_from_one_do_not_join_people_of_one_first_name() {
    for key in [KeyType::External, KeyType::Badge] {
        let known = candidate(1, &[key], facts("Thomas", "Weber", &["t.weber@a.example"]));
        assert!(asks(&decide(
            Kind::Person,
            &facts("Thomas", "Brandt", &["t.brandt@b.example"]),
            std::slice::from_ref(&known)
        )));
        assert!(asks(&decide(Kind::Person, &facts("Thomas", "Brandt", &[]), std::slice::from_ref(&known))));
        assert!(asks(&decide(Kind::Person, &facts("", "", &["t.brandt@gmx.de"]), std::slice::from_ref(&known))));
        assert!(matches(&decide(
            Kind::Person,
            &facts("Thomas", "Weber", &["thomas@a.example"]),
            std::slice::from_ref(&known)
        )));
        assert!(matches(&decide(Kind::Person, &facts("", "", &[]), &[known])), "the scan of a badge says no more");
    }
}

#[test]
fn two_of_one_name_with_different_positions_are_a_question() {
    let weak = [KeyType::PhoneName, KeyType::NameCompany];
    let with = |position: &str| Facts { position: Some(position.into()), ..facts("Hans", "Müller", &[]) };
    let known = candidate(1, &weak, with("Leiter Einkauf"));
    assert!(asks(&decide(Kind::Person, &with("Werkstudent"), std::slice::from_ref(&known))));
    assert!(matches(&decide(Kind::Person, &with("Leiter Einkauf und Logistik"), std::slice::from_ref(&known))));
    assert!(matches(&decide(Kind::Person, &facts("Hans", "Müller", &[]), &[known])));
}

#[test]
fn the_third_of_one_name_is_compared_with_what_the_second_added() {
    let weak = [KeyType::PhoneName, KeyType::NameCompany];
    let mut known = facts("H.", "Müller", &[]);
    known.absorb(facts("Hans", "Müller", &["hans.mueller@m.example"]));
    assert_eq!(known.first_name.as_deref(), Some("Hans"));
    let third = facts("Hans", "Müller", &["h.mueller2@m.example"]);
    assert!(asks(&decide(Kind::Person, &third, &[candidate(1, &weak, known)])));
}

#[test]
fn names_the_other_way_round_are_a_question_where_phone_or_company_is_the_same() {
    let keys = |first: &str, last: &str| {
        let phones = ["+4989123456".to_owned()];
        crate::keys::of_person(&crate::keys::Person {
            first: Some(first),
            last: Some(last),
            phones: &phones,
            company_core: Some("berg"),
            ..crate::keys::Person::default()
        })
    };
    let (written, crossed) = (keys("Klaus", "Berger"), keys("Berger", "Klaus"));
    let met: Vec<KeyType> = written.iter().filter(|key| crossed.contains(key)).map(|key| key.key_type).collect();
    assert!(met.contains(&KeyType::PhoneName) && met.contains(&KeyType::NameCompany), "{met:?}");
    assert_eq!(written.len(), keys("Klaus", "Tal").len(), "who is written the right way has no more keys than others");
    for key in met {
        let known = candidate(1, &[key], facts("Klaus", "Berger", &[]));
        assert!(asks(&decide(Kind::Person, &facts("Berger", "Klaus", &[]), std::slice::from_ref(&known))));
        assert!(!asks(&decide(Kind::Person, &facts("Anna", "Klaus", &[]), &[known])), "another person");
    }
}

fn any_key() -> impl Strategy<Value = KeyType> {
    prop::sample::select(vec![
        KeyType::Email,
        KeyType::Badge,
        KeyType::External,
        KeyType::VatId,
        KeyType::Register,
        KeyType::CompanyAt,
        KeyType::PhoneName,
        KeyType::DomainName,
        KeyType::NameCompany,
        KeyType::Domain,
        KeyType::CompanyName,
    ])
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let name = prop::sample::select(vec!["", "Hans", "Jan", "H.", "Sophie", "Uli", "Ulrich"]);
    let last = prop::sample::select(vec!["", "Müller", "Mueller", "Huber", "Weißgerber sen.", "Weißgerber jun."]);
    let mail =
        prop::sample::select(vec!["", "a@x.example", "b@x.example", "c@y.example", "info@x.example", "a@gmx.de"]);
    let company =
        prop::sample::select(vec!["Huber GmbH", "Huber Holding GmbH", "Huber GmbH & Co. KG", "Huber", "Nordwerk AG"]);
    (name, last, mail, company).prop_map(|(first, last, mail, company)| Facts {
        emails: Some(mail.to_owned()).filter(|mail| !mail.is_empty()).into_iter().collect(),
        ..Facts { first_name: Some(first.to_owned()), last_name: Some(last.to_owned()), ..firm(company, "", "") }
    })
}

fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0..4u128, prop::collection::vec(any_key(), 1..4), any_facts());
    prop::collection::btree_map(0..6u128, one, 0..5)
        .prop_map(|all| all.into_iter().map(|(n, (_, met_by, facts))| candidate(n, &met_by, facts)).collect())
}

proptest! {
    #[test]
    fn the_order_of_the_candidates_does_not_matter(ours in any_facts(), candidates in any_candidates(), seed in any::<u64>(), person in any::<bool>()) {
        let kind = if person { Kind::Person } else { Kind::Organisation };
        let mut other = candidates.clone();
        let len = other.len().max(1);
        other.rotate_left(usize::try_from(seed % len as u64).unwrap() % len);
        other.reverse();
        prop_assert_eq!(decide(kind, &ours, &candidates), decide(kind, &ours, &other));
    }

    #[test]
    fn weak_evidence_never_joins_persons_whose_names_contradict(ours in any_facts(), candidates in any_candidates()) {
        if let Decision::Match { record, .. } = decide(Kind::Person, &ours, &candidates) {
            let chosen = candidates.iter().find(|candidate| candidate.record == record).unwrap();
            let strong = chosen.met_by.iter().any(|key| key.is_strong());
            prop_assert!(strong || ours.names(&chosen.facts) == Names::Agree);
        }
    }

    #[test]
    fn a_strong_key_of_one_person_never_joins_another_name(ours in any_facts(), candidates in any_candidates()) {
        if let Decision::Match { record, .. } = decide(Kind::Person, &ours, &candidates) {
            let chosen = candidates.iter().find(|candidate| candidate.record == record).unwrap();
            prop_assert!(ours.names(&chosen.facts) != Names::Differ);
        }
    }
}
