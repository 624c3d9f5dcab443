//! Leads, and the example list with what is to be made of it.

use std::collections::{BTreeMap, BTreeSet};

use mittler_core::{Kind, RecordId};
use mittler_intake::csv;
use proptest::prelude::*;

use super::*;
use crate::{Candidate, Decision, Facts, Key, decide};

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
        attributes: BTreeMap::new(),
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
    assert_eq!(text(&reading, &Field::NOTE).as_deref(), Some("Rückruf"));
    assert_eq!(text(&reading, &Field::custom("messe-app", "Budget")).as_deref(), Some("groß"));
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
    for row in &sheet.rows {
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
        let facts = Facts::of_draft(draft);
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
        let _ = read_lead(&RawLead { fields: cells, attributes: BTreeMap::new() }, &ctx());
    }
}
