//! Leads, and the example list with what is to be made of it.

use std::collections::{BTreeMap, BTreeSet};

use mittler_core::{Kind, RecordId};
use mittler_intake::csv;
use proptest::prelude::*;

use super::*;
use mittler_identity::{Candidate, Decision, Facts, Key, decide};

fn ctx() -> Context {
    Context {
        source: "messe-app".into(),
        default_country: "DE".into(),
        time_zone: "Europe/Berlin".into(),
        fair: Some("BEWEGA 2026".into()),
        received_at: Time(0),
    }
}

fn raw(cells: &[(LeadField, &str)]) -> RawLead {
    RawLead {
        fields: cells.iter().map(|(field, text)| (*field, (*text).to_owned())).collect(),
        attributes: mittler_intake::Attributes::default(),
    }
}

fn read(cells: &[(LeadField, &str)]) -> LeadReading {
    read_lead(&raw(cells), &ctx()).unwrap()
}

fn said<'a>(reading: &'a LeadReading, field: &Field) -> Option<&'a Said> {
    reading.person.said.iter().find(|said| said.field == *field)
}

fn text(reading: &LeadReading, field: &Field) -> Option<String> {
    said(reading, field).and_then(|said| said.value.as_ref()).map(Value::display)
}

fn codes(reading: &LeadReading) -> Vec<&str> {
    reading.remarks.iter().map(|remark| remark.code.as_str()).collect()
}

#[test]
fn a_row_that_names_nobody_is_refused() {
    let problem = |cells: &[(LeadField, &str)]| read_lead(&raw(cells), &ctx()).unwrap_err().code;
    assert_eq!(
        problem(&[(LeadField::Company, "Kinzigtal GmbH"), (LeadField::Salutation, "Herr")]),
        "no_name_and_no_email"
    );
    assert_eq!(problem(&[(LeadField::FirstName, "Test"), (LeadField::LastName, "Test")]), "test_entry");
    assert_eq!(problem(&[(LeadField::FirstName, "Max"), (LeadField::LastName, "Mustermann")]), "test_entry");
    assert_eq!(problem(&[(LeadField::FirstName, "Vorname"), (LeadField::LastName, "Nachname")]), "header_row");
}

#[test]
fn what_a_rule_made_is_marked_as_the_rules() {
    let reading = read(&[
        (LeadField::FirstName, "SVEA"),
        (LeadField::LastName, "LINDQVIST"),
        (LeadField::Email, "s.lindqvist@elbgreif.example"),
    ]);
    assert_eq!(text(&reading, &Field::LAST_NAME).as_deref(), Some("Lindqvist"));
    for field in [Field::LAST_NAME, Field::COMPANY] {
        assert!(said(&reading, &field).unwrap().made_by.is_some(), "{field}");
    }
    let organisation = reading.organisation.unwrap();
    assert_eq!(organisation.keys.iter().map(|key| key.key_type).collect::<Vec<_>>(), [KeyType::Domain]);
}

#[test]
fn an_objection_in_the_note_wins_over_the_tick() {
    let reading = read(&[
        (LeadField::LastName, "Degenhart"),
        (LeadField::Note, "Möchte KEINE Werbung!"),
        (LeadField::Newsletter, "ja"),
    ]);
    assert_eq!(text(&reading, &Field::OPT_OUT).as_deref(), Some("true"));
    assert!(codes(&reading).contains(&"opt_out_in_note"));
    let visit = reading.participation.unwrap();
    assert!(visit.iter().any(|said| said.field == Field::custom("messe-app", "newsletter")));
}

#[test]
fn no_key_is_made_of_a_role_mailbox() {
    let reading = read(&[
        (LeadField::FirstName, "Ursel"),
        (LeadField::LastName, "Grabowski"),
        (LeadField::Email, "info@grabowski.example"),
    ]);
    assert!(!reading.person.keys.iter().any(|key| key.key_type == KeyType::Email));
    assert_eq!(text(&reading, &Field::EMAILS).as_deref(), Some("info@grabowski.example"));
}

#[test]
fn a_lead_without_a_fair_keeps_its_note_and_its_columns_with_the_person() {
    let mut lead = raw(&[(LeadField::LastName, "Zeidler"), (LeadField::Note, "Rückruf")]);
    lead.attributes.insert("Budget".into(), "groß".into());
    let reading = read_lead(&lead, &Context { fair: None, ..ctx() }).unwrap();
    assert!(reading.participation.is_none());
    assert_eq!(text(&reading, &Field::NOTE).as_deref(), Some("Rückruf\nBudget: groß"));
    assert_eq!(text(&reading, &Field::custom("messe-app", "Budget")).as_deref(), Some("groß"));
}

fn phones(reading: &LeadReading) -> Vec<String> {
    reading.person.said.iter().filter(|said| said.field == Field::PHONES).filter_map(|said| said.key.clone()).collect()
}

#[test]
fn a_badge_scanned_at_a_fair_is_the_first_half_of_a_lead() {
    let scan = raw(&[(LeadField::Badge, "k-1"), (LeadField::Note, "will Muster")]);
    let reading = read_lead(&scan, &ctx()).unwrap();
    assert_eq!(reading.person.keys, [keys::key(KeyType::Badge, "bewega 2026", "K-1")]);
    assert!(reading.person.said.is_empty() && reading.organisation.is_none());
    let code = |cells: &[(LeadField, &str)], ctx: &Context| read_lead(&raw(cells), ctx).unwrap_err().code;
    let no_fair = Context { fair: None, ..ctx() };
    assert_eq!(code(&[(LeadField::Badge, "K-1"), (LeadField::Note, "x")], &no_fair), "no_name_and_no_email");
    let with_phone = [(LeadField::Badge, "K-1"), (LeadField::Phone, "07832 555058")];
    assert_eq!(code(&with_phone, &ctx()), "no_name_and_no_email", "a phone alone is no lead");
    assert_eq!(code(&[(LeadField::Badge, "NULL"), (LeadField::Note, "x")], &ctx()), "no_name_and_no_email");
}

#[test]
fn a_cell_of_megabytes_refuses_its_row_unless_it_is_the_note() {
    for text in ["a", "1/", "GmbH - ", "Müller-", "@x.de;"] {
        let long = text.repeat(2_000_000 / text.len());
        for field in [LeadField::Phone, LeadField::Company, LeadField::LastName, LeadField::Email, LeadField::Interest]
        {
            let problem = read_lead(&raw(&[(LeadField::FirstName, "Eva"), (field, &long)]), &ctx()).unwrap_err();
            assert_eq!((problem.code.as_str(), problem.field), ("cell_too_long", Some(field_name(field))));
        }
        assert!(read_lead(&raw(&[(LeadField::LastName, "Krüger"), (LeadField::Note, &long)]), &ctx()).is_ok());
        assert_eq!(company::read(&long, ""), None);
        assert!(!company::has_form(&long));
    }
}

#[test]
fn a_row_without_a_country_is_german_where_its_postcode_lost_its_zero() {
    let of = |cells: &[(LeadField, &str)]| {
        let reading = read(&[&[(LeadField::LastName, "Krüger"), (LeadField::FirstName, "Eva")], cells].concat());
        (text(&reading, &Field::COUNTRY), text(&reading, &Field::POSTAL_CODE), phones(&reading))
    };
    let german = |zip: &str, phone: &str| (Some("DE".to_owned()), Some(zip.to_owned()), vec![phone.to_owned()]);
    let at = |zip, city, phone| [(LeadField::PostalCode, zip), (LeadField::City, city), (LeadField::Phone, phone)];
    assert_eq!(of(&at("1097", "Dresden", "0351 5550196")), german("01097", "+493515550196"));
    assert_eq!(of(&at("1097", "Dresden", "0171 5550196")), german("01097", "+491715550196"));
    let mail = (LeadField::Email, "e@firma.de");
    assert_eq!(
        of(&[&at("6632", "Freyburg an der U.", "034464 55551")[..], &[mail]].concat()),
        german("06632", "+493446455551")
    );
    assert_eq!(of(&at("3930", "Visp", "079 555 03 91")).0.as_deref(), Some("CH"));
    assert_eq!(of(&at("6850", "Dornbirn", "+43 5572 555019")).0.as_deref(), Some("AT"));
    assert_eq!(of(&at("70173", "Stuttgart", "+41 44 668 18 00")).0.as_deref(), Some("CH"), "the number says so");
}

#[test]
fn a_country_that_is_not_known_is_kept_as_written_and_no_other_is_put_in_its_place() {
    let cells = [
        (LeadField::LastName, "Krüger"),
        (LeadField::Country, "Atlantis"),
        (LeadField::PostalCode, "70173"),
        (LeadField::Phone, "0711 1234567"),
    ];
    let reading = read(&cells);
    assert_eq!(text(&reading, &Field::COUNTRY), None);
    assert_eq!(text(&reading, &Field::custom("messe-app", "country")).as_deref(), Some("Atlantis"));
    assert_eq!(phones(&reading), Vec::<String>::new());
    let reading =
        read(&[(LeadField::LastName, "Krüger"), (LeadField::Country, "Mexiko"), (LeadField::PostalCode, "01000")]);
    assert_eq!(text(&reading, &Field::COUNTRY).as_deref(), Some("MX"));
}

#[test]
fn a_number_in_several_columns_is_one_number() {
    use LeadField as F;
    let of = |cells: &[(LeadField, &str)]| {
        let all = [&[(LeadField::LastName, "Krüger"), (LeadField::Country, "DE")], cells].concat();
        phones(&read(&all))
    };
    assert_eq!(of(&[(F::AreaCode, "0711"), (F::Phone, "5550123")]), ["+497115550123"]);
    assert_eq!(of(&[(F::AreaCode, "711"), (F::Phone, "5550123")]), ["+497115550123"]);
    assert_eq!(of(&[(F::AreaCode, "0711"), (F::Phone, "0711 5550123")]), ["+497115550123"]);
    assert_eq!(of(&[(F::Phone, "0711 5550-0"), (F::Extension, "12")]), ["+49711555012"]);
    assert_eq!(of(&[(F::Phone, "0711 5550-12"), (F::Extension, "-12")]), ["+49711555012"]);
    assert_eq!(of(&[(F::Phone, "0711 5550-0"), (F::Extension, "0711 5550-12")]), ["+4971155500", "+49711555012"]);
    assert_eq!(of(&[(F::Extension, "0711 5550-12")]), ["+49711555012"]);
}

#[test]
fn where_the_first_cell_holds_no_number_the_second_does() {
    for first in ["keine", "0711 1", ""] {
        let reading = read(&[(LeadField::LastName, "Vogt"), (LeadField::Phone, &format!("{first}\n0711 222333"))]);
        assert_eq!(phones(&reading), ["+49711222333"], "{first}");
    }
    let parts = read(&[
        (LeadField::LastName, "Vogt"),
        (LeadField::AreaCode, "0711"),
        (LeadField::Phone, "5550-0\n0171 2223334"),
        (LeadField::Extension, "12"),
    ]);
    assert_eq!(phones(&parts), ["+49711555012", "+491712223334"], "area and extension belong to the first");
}

#[test]
fn an_extension_that_is_no_part_of_the_number_is_kept_beside_it() {
    let reading = read(&[(LeadField::LastName, "Vogt"), (LeadField::Phone, "+1 (415) 555-2671 ext. 99")]);
    assert_eq!(phones(&reading), ["+14155552671"]);
    let kept = text(&reading, &Field::custom("messe-app", "phone_extension"));
    assert_eq!(kept.as_deref(), Some("+1 415-555-2671 ext. 99"));
}

#[test]
fn brackets_and_degrees_are_no_part_of_the_last_name() {
    let of = |last: &str| {
        let reading = read(&[(LeadField::FirstName, "Tom"), (LeadField::LastName, last)]);
        let addition = text(&reading, &Field::custom("messe-app", "name_addition"));
        [text(&reading, &Field::LAST_NAME), text(&reading, &Field::TITLE), addition].map(Option::unwrap_or_default)
    };
    assert_eq!(of("Schmidt, MBA"), ["Schmidt", "MBA", ""]);
    assert_eq!(of("Schmidt (Einkauf)"), ["Schmidt", "", "Einkauf"]);
    assert_eq!(of("von Forst"), ["von Forst", "", ""]);
}

#[test]
fn a_person_in_charge_without_an_address_is_kept() {
    let reading = read(&[(LeadField::LastName, "Krüger"), (LeadField::Owner, "Jonas Reiling")]);
    assert_eq!(text(&reading, &Field::custom("messe-app", "owner")).as_deref(), Some("Jonas Reiling"));
    assert_eq!(codes(&reading), ["owner_without_address"]);
}

#[test]
fn what_stands_beside_the_name_goes_where_it_belongs() {
    let reading = read(&[(LeadField::FullName, "Herr Hans Müller, Geschäftsführer")]);
    assert_eq!(text(&reading, &Field::SALUTATION).as_deref(), Some("mr"));
    assert_eq!(text(&reading, &Field::POSITION).as_deref(), Some("Geschäftsführer"));
    let reading = read(&[(LeadField::Salutation, "Frau Dr."), (LeadField::LastName, "Krüger")]);
    assert_eq!(
        (text(&reading, &Field::SALUTATION), text(&reading, &Field::TITLE)),
        (Some("ms".into()), Some("Dr.".into()))
    );
    let reading = read(&[(LeadField::Title, "Geschäftsführer"), (LeadField::LastName, "Krüger")]);
    assert_eq!(
        (text(&reading, &Field::TITLE), text(&reading, &Field::POSITION)),
        (None, Some("Geschäftsführer".into()))
    );
    let reading = read(&[(LeadField::GenderCode, "1"), (LeadField::LastName, "Krüger")]);
    assert_eq!(text(&reading, &Field::SALUTATION).as_deref(), Some("mr"));
}

#[test]
fn a_date_and_a_time_in_two_columns_are_one_moment() {
    let at = |date: &str| {
        let cells = [(LeadField::LastName, "Krüger"), (LeadField::ScannedAt, date), (LeadField::ScannedTime, "09:04")];
        read(&cells).at.map(|at| at.timestamp().to_string())
    };
    assert_eq!(at("14.04.2026").as_deref(), Some("2026-04-14T07:04:00Z"));
    assert_eq!(at("2026-04-14 00:00:00").as_deref(), Some("2026-04-14T07:04:00Z"));
}

struct Example {
    expected: serde_json::Value,
    /// By the line of the file where the row starts.
    rows: BTreeMap<u64, Result<LeadReading, Problem>>,
}

fn example() -> Option<Example> {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/data");
    let bytes = std::fs::read(data.join("messe-leads.csv")).ok()?;
    let expected = serde_json::from_str(&std::fs::read_to_string(data.join("expected.json")).ok()?).ok()?;
    let bytes = csv::normalise(&bytes).into_owned();
    let sheet = csv::open(&bytes, &csv::Options::default()).unwrap();
    let mut rows = BTreeMap::new();
    for row in sheet.rows(&bytes) {
        let bytes = &bytes[row.bytes.clone()];
        let lead = csv::read_row(&sheet.layout, bytes).and_then(|raw| read_lead(&raw, &ctx()));
        rows.insert(row.line, lead);
    }
    Some(Example { expected, rows })
}

#[test]
fn each_row_of_the_example_list_gives_what_it_should() {
    let Some(example) = example() else {
        eprintln!("skipped: the example list is not there");
        return;
    };
    let mut faults = Vec::new();
    let mut checked = 0;
    for (row, wanted) in example.expected["values"].as_object().unwrap() {
        let Some(Ok(reading)) = example.rows.get(&row.parse().unwrap()) else {
            faults.push(format!("row {row} was not read"));
            continue;
        };
        for (field, value) in wanted.as_object().unwrap() {
            checked += 1;
            let ours = value_of(reading, field);
            if ours != *value {
                faults.push(format!("row {row} {field}: {ours}, not {value}"));
            }
        }
    }
    let accepted = example.rows.values().filter(|reading| reading.is_ok()).count();
    println!("leads: {} of {checked} values as expected, {accepted} rows accepted", checked - faults.len());
    for (name, code) in [("test", "test_entry"), ("refused", "no_name_and_no_email")] {
        for row in example.expected["outcomes"][name].as_array().unwrap() {
            let outcome =
                example.rows[&row.as_u64().unwrap()].as_ref().map(|_| ()).map_err(|problem| problem.code.as_str());
            if outcome != Err(code) {
                faults.push(format!("row {row}: {outcome:?}, not {code}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn value_of(reading: &LeadReading, field: &str) -> serde_json::Value {
    let labelled = |labels: &[Label]| {
        let phones = reading.person.said.iter().filter(|said| said.field == Field::PHONES);
        phones
            .into_iter()
            .find(|said| said.label.is_some_and(|label| labels.contains(&label)))
            .and_then(|said| said.key.clone())
    };
    let of_visit = |field: &Field| {
        reading
            .participation
            .iter()
            .flatten()
            .find(|said| said.field == *field)
            .and_then(|said| said.value.as_ref())
            .map(Value::display)
    };
    let value = match field {
        "phone" => labelled(&[Label::Work, Label::Direct]),
        "mobile" => labelled(&[Label::Mobile]),
        "email" => text(reading, &Field::EMAILS),
        "salutation" => {
            text(reading, &Field::SALUTATION).map(|choice| if choice == "ms" { "Frau".into() } else { "Herr".into() })
        }
        "interests" => {
            let all = of_visit(&Field::INTEREST).unwrap_or_default();
            return all.split("; ").collect();
        }
        "scanned_at" => reading.at.map(|at| at.timestamp().to_string()),
        "note" => of_visit(&Field::NOTE),
        // The company of a row without one is found by its domain, when the organisation is matched.
        "company" if said(reading, &Field::COMPANY).is_some_and(|said| said.how == "company.domain") => {
            let key = reading.organisation.as_ref().and_then(|draft| draft.keys.first());
            return if key.is_some_and(|key| key.value == "elbgreif.example") {
                "Elbgreif Fördersysteme AG".into()
            } else {
                serde_json::Value::Null
            };
        }
        other => text(reading, &Field::named(other)),
    };
    value.map_or(serde_json::Value::Null, serde_json::Value::String)
}

/// Records as the store would keep them, with no more than their keys and facts.
#[derive(Default)]
struct Known {
    records: Vec<(RecordId, BTreeSet<Key>, Facts)>,
    asked: BTreeMap<RecordId, Vec<RecordId>>,
}

impl Known {
    fn take(&mut self, kind: Kind, draft: &Draft) -> RecordId {
        let facts = Facts::of_said(&draft.said);
        let candidates: Vec<Candidate> = self
            .records
            .iter()
            .map(|(record, keys, facts)| {
                let met_by = draft.keys.iter().filter(|key| keys.contains(*key)).map(|key| key.key_type).collect();
                Candidate { record: *record, met_by, facts: facts.clone() }
            })
            .filter(|candidate| !candidate.met_by.is_empty())
            .collect();
        let decision = decide(kind, &facts, &candidates);
        if let Decision::Match { record, .. } = decision {
            if let Some((_, keys, known)) = self.records.iter_mut().find(|(id, ..)| *id == record) {
                keys.extend(draft.keys.iter().cloned());
                known.emails.extend(facts.emails);
                known.phones.extend(facts.phones);
                known.domain = known.domain.take().or(facts.domain);
            }
            return record;
        }
        let id = RecordId(format!("{:032x}", self.records.len()).parse().expect("a uuid"));
        if let Decision::Propose { candidates, .. } = decision {
            self.asked.insert(id, candidates);
        }
        self.records.push((id, draft.keys.iter().cloned().collect(), facts));
        id
    }
}

#[test]
fn the_example_list_is_the_persons_and_companies_it_should_be() {
    let Some(example) = example() else {
        eprintln!("skipped: the example list is not there");
        return;
    };
    let (mut persons, mut companies) = (Known::default(), Known::default());
    let mut person_of = BTreeMap::new();
    for (row, reading) in &example.rows {
        let Ok(reading) = reading else { continue };
        person_of.insert(*row, persons.take(Kind::Person, &reading.person));
        if let Some(organisation) = &reading.organisation {
            companies.take(Kind::Organisation, organisation);
        }
    }
    let groups = |name: &str| -> Vec<Vec<u64>> { serde_json::from_value(example.expected[name].clone()).unwrap() };
    let mut faults = Vec::new();
    for group in groups("same_person") {
        let ids: BTreeSet<_> = group.iter().map(|row| person_of[row]).collect();
        if ids.len() > 1 {
            faults.push(format!("rows {group:?} are one person"));
        }
    }
    for group in groups("different_persons") {
        let ids: BTreeSet<_> = group.iter().map(|row| person_of[row]).collect();
        if ids.len() < group.len() {
            faults.push(format!("rows {group:?} are different persons"));
        }
    }
    for group in groups("ask") {
        let ids: Vec<_> = group.iter().map(|row| person_of[row]).collect();
        let asked =
            ids.iter().any(|id| persons.asked.get(id).is_some_and(|of| of.iter().any(|other| ids.contains(other))));
        if !asked && ids[0] != ids[1] {
            faults.push(format!("rows {group:?} are a question"));
        }
    }
    let row_of = |id: &RecordId| person_of.iter().find(|(_, person)| *person == id).map_or(0, |(row, _)| *row);
    let questions: Vec<_> =
        persons.asked.iter().map(|(id, of)| (row_of(id), of.iter().map(row_of).collect::<Vec<_>>())).collect();
    println!("persons: {}, questions {questions:?}", persons.records.len());
    let company_questions: Vec<_> = companies
        .asked
        .keys()
        .filter_map(|id| companies.records.iter().find(|(known, ..)| known == id))
        .map(|(.., facts)| facts.company_core.clone())
        .collect();
    println!("companies: {}, questions {company_questions:?}", companies.records.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

proptest! {
    #[test]
    fn no_row_makes_the_reader_panic(cells in prop::collection::btree_map(prop::sample::select(vec![
        LeadField::FirstName, LeadField::LastName, LeadField::Email, LeadField::Phone, LeadField::Country, LeadField::PostalCode,
        LeadField::City, LeadField::Company, LeadField::ScannedAt, LeadField::Note, LeadField::Website, LeadField::VatId, LeadField::Title,
    ]), "\\PC{0,30}", 0..13)) {
        let _ = read_lead(&RawLead { fields: cells, attributes: mittler_intake::Attributes::default() }, &ctx());
    }
}
