//! The example list and mailbox end as the people who wrote them expect.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use mittler_core::{Field, Kind, Label, Record, RecordId, Value};
use mittler_ingest::LeadParams;
use mittler_store::{Store, signals::SignalLine};
use serde::Deserialize;

use super::world::{HUBSPOT, SALESFORCE, World, phone, scans};

pub const LIST: &[u8] = include_bytes!("../../../crates/server/data/messe-leads.csv");
pub const MAILBOX: &[u8] = include_bytes!("../../../crates/server/data/replies.mbox");
const EXPECTED: &[u8] = include_bytes!("../../../crates/server/data/expected.json");

on_every_database!(the_example_list_and_mailbox_end_as_expected);

#[derive(Deserialize)]
struct Expected {
    rows: u64,
    accepted: i64,
    outcomes: BTreeMap<String, Vec<i64>>,
    same_person: Vec<Vec<i64>>,
    different_persons: Vec<Vec<i64>>,
    ask: Vec<Vec<i64>>,
    values: BTreeMap<i64, BTreeMap<String, serde_json::Value>>,
    replies: Vec<Reply>,
}

#[derive(Deserialize)]
struct Reply {
    id: String,
    sender: String,
    kind: String,
    fields: BTreeMap<String, String>,
    changes: Vec<String>,
    must_not: Vec<String>,
}

async fn the_example_list_and_mailbox_end_as_expected(store: Store) {
    let expected: Expected = serde_json::from_slice(EXPECTED).unwrap();
    let world = World::new(store).await;
    let list = world.door.import_csv(Bytes::from_static(LIST), scans(), |_, _| ()).await.unwrap();
    assert_eq!(list.rows, expected.rows);
    world.settle().await;
    let lines = world.store.signal_lines(list.run, false, -1, 1_000).await.unwrap();
    let mut wrong = outcomes(&expected, &lines, list.known + list.repeated);
    let by_line: HashMap<i64, RecordId> =
        lines.iter().filter_map(|line| Some((line.line, RecordId(line.record?)))).collect();
    wrong.extend(persons(&world, &expected, &by_line).await);
    for (line, values) in &expected.values {
        let Some(id) = by_line.get(line) else {
            wrong.push(format!("line {line} led to no record"));
            continue;
        };
        let person = world.record(*id).await;
        let about = world.store.records_about(*id).await.unwrap();
        let visit = about.iter().find(|record| record.kind == Kind::Participation);
        for (field, value) in values {
            let found = value_of(&person, visit, field);
            let wanted = wanted(value);
            if found != wanted {
                wrong.push(format!("line {line}: {field} is {found:?}, not {wanted:?}"));
            }
        }
    }
    world.door.mails(Bytes::from_static(MAILBOX), &LeadParams::of("vertrieb")).await.unwrap();
    world.settle().await;
    for reply in expected.replies.iter().filter(|reply| matches!(reply.kind.as_str(), "reply" | "unknown-sender")) {
        wrong.extend(reached(&world, reply).await);
    }
    assert!(wrong.is_empty(), "{} of the example is not as expected:\n{}", wrong.len(), wrong.join("\n"));
    // Who may be somebody known waits for a day.
    let now = world.clock.now();
    let held = world.store.held_people(now).await.unwrap();
    assert!(held.count > 0 && held.oldest.is_some_and(|oldest| oldest <= now), "{held:?}");
    world.advance(24 * 3_600);
    for crm in [SALESFORCE, HUBSPOT] {
        world.ask_push(crm);
    }
    world.settle().await;
    // Everything that was wanted was told, and nothing was refused without a question.
    let waiting = world.store.links_waiting(None, None, 1_000).await.unwrap();
    let left: Vec<_> = waiting.iter().filter(|link| link.wanted > link.done || link.state.name() != "open").collect();
    assert!(left.is_empty(), "{left:#?}");
    world.end().await;
}

fn outcomes(expected: &Expected, lines: &[SignalLine], known: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    let state: HashMap<i64, (&str, Option<&str>)> =
        lines.iter().map(|line| (line.line, (line.state.name(), line.code.as_deref()))).collect();
    for (outcome, at) in &expected.outcomes {
        for line in at {
            let found = state.get(line).copied();
            let as_said = match (outcome.as_str(), found) {
                ("unreadable" | "refused" | "test", Some((state, Some(_)))) => matches!(state, "refused" | "parked"),
                ("skipped", Some(("done", Some(_)))) => true,
                _ => false,
            };
            if !as_said {
                wrong.push(format!("line {line} is {found:?}, not {outcome}"));
            }
        }
    }
    let taken = lines.iter().filter(|line| line.state.name() == "done" && line.code.is_none()).count();
    let taken = i64::try_from(taken).unwrap() + i64::try_from(known).unwrap();
    if taken != expected.accepted {
        wrong.push(format!("{taken} rows are taken, not {}", expected.accepted));
    }
    wrong
}

async fn persons(world: &World, expected: &Expected, by_line: &HashMap<i64, RecordId>) -> Vec<String> {
    let mut wrong = Vec::new();
    let of =
        |group: &[i64]| -> BTreeSet<RecordId> { group.iter().filter_map(|line| by_line.get(line)).copied().collect() };
    for group in &expected.same_person {
        if of(group).len() != 1 {
            wrong.push(format!("lines {group:?} are {} persons, not one", of(group).len()));
        }
    }
    for group in &expected.different_persons {
        let there = group.iter().filter(|line| by_line.contains_key(line)).count();
        if of(group).len() != there {
            wrong.push(format!("lines {group:?} are {} persons, not {there}", of(group).len()));
        }
    }
    for group in &expected.ask {
        let mut asked = of(group).len() == 1;
        for record in of(group) {
            asked |= !world.store.reviews_of(record).await.unwrap().is_empty();
        }
        if !asked {
            wrong.push(format!("nobody is asked whether lines {group:?} are one person"));
        }
    }
    wrong
}

/// What the record says of a field, in the words of the expectations.
fn value_of(person: &Record, visit: Option<&Record>, field: &str) -> Option<String> {
    let of_visit = |field: &Field| visit.and_then(|visit| visit.fields.value(field)).map(Value::display);
    match field {
        "phone" => phone(person, &[Label::Work, Label::Direct]),
        "mobile" => phone(person, &[Label::Mobile]),
        "email" => person.fields.elements(&Field::EMAILS).first().map(|element| element.key.clone()),
        "salutation" => match person.fields.text(&Field::SALUTATION)? {
            "mr" => Some("Herr".into()),
            "ms" => Some("Frau".into()),
            _ => None,
        },
        "interests" => of_visit(&Field::INTEREST),
        "note" => of_visit(&Field::NOTE),
        "scanned_at" => match visit?.fields.value(&Field::AT)? {
            Value::Instant { at, .. } => Some(at.timestamp().to_string()),
            _ => None,
        },
        other => person.fields.value(&Field::named(other.to_owned())).map(Value::display),
    }
}

fn wanted(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::Array(several) => {
            Some(several.iter().filter_map(|one| one.as_str()).collect::<Vec<_>>().join("; "))
        }
        other => other.as_str().map(str::to_owned),
    }
}

/// What a reply says reaches its sender's record and both CRMs, and nothing of others does.
async fn reached(world: &World, reply: &Reply) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some(id) = world.person_by_email(&reply.sender).await else {
        if reply.fields.is_empty() {
            return wrong;
        }
        return vec![format!("{}: nobody is known as {}", reply.id, reply.sender)];
    };
    let person = world.record(id).await;
    for field in &reply.changes {
        let Some(value) = reply.fields.get(field) else { continue };
        let all: Vec<String> = match field.as_str() {
            "phone" | "mobile" => person.fields.elements(&Field::PHONES).iter().map(|it| it.key.clone()).collect(),
            "email" => person.fields.elements(&Field::EMAILS).iter().map(|it| it.key.clone()).collect(),
            other => person.fields.value(&Field::named(other.to_owned())).map(Value::display).into_iter().collect(),
        };
        if !all.contains(value) {
            wrong.push(format!("{}: {field} of {} is {all:?}, not {value}", reply.id, reply.sender));
        }
        for crm in [SALESFORCE, HUBSPOT] {
            let link = world.link(crm, id).await;
            let shown = in_crm(world, crm, &link.remote_type, link.remote_id.as_deref());
            // Both keep one address; a further one is Mittler's own.
            if field != "email" && !shown.contains(&folded(value)) {
                wrong.push(format!("{}: {field} {value} is not in {crm}", reply.id));
            }
        }
    }
    let fields = serde_json::to_string(&person.fields).unwrap();
    for other in &reply.must_not {
        // What the list itself said of the sender before is theirs all the same.
        let by_mail = world.store.statements(id).await.unwrap();
        let said = by_mail
            .iter()
            .filter(|it| it.source.kind == mittler_core::SourceKind::OwnMail)
            .any(|it| it.said.iter().any(|said| said.value.as_ref().is_some_and(|value| value.display() == *other)));
        if said {
            wrong.push(format!("{}: {other} was taken for {}'s: {fields}", reply.id, reply.sender));
        }
    }
    wrong
}

fn in_crm(world: &World, crm: &str, remote_type: &str, id: Option<&str>) -> String {
    let Some(id) = id else { return String::new() };
    let found = if crm == SALESFORCE {
        world.salesforce_with(remote_type, "Id", id)
    } else {
        world.in_hubspot(remote_type).into_iter().filter(|record| record["id"] == id).collect()
    };
    folded(&serde_json::to_string(&found).unwrap())
}

/// Without the quotes' escapes, spaces and case, in which CRMs differ.
fn folded(text: &str) -> String {
    text.replace('\\', "").chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}
