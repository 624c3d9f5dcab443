//! A person who is forgotten is nowhere any more, and does not come back.

mod rights;

use std::path::Path;

use bytes::Bytes;
use mittler_core::RecordId;
use mittler_identity::{Key, KeyType};
use mittler_ingest::{ImportParams, LeadParams};
use mittler_store::Store;
use serde_json::json;

use super::{
    demo,
    world::{World, scans, stand},
};
use crate::{
    forms::Search,
    store::Raw,
    support::{Fresh, postgres, sqlite},
};

/// What only this person of the example says of himself, in list and mailbox. The bare surname is
/// not among it: colleagues' notes name him, and those are about the colleagues.
pub const PLANTED: &[&str] =
    &["Albrecht", "albrecht.zeidler", "5550114", "4973614812037", "Steht vor Retrofit", "DB8PR04MB6731.20260421104207"];
const EMAIL: &str = "albrecht.zeidler@spindelwerk-ostalb.example";

mod a_person_of_the_example_is_forgotten {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        Box::pin(super::story(super::sqlite().await)).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        Box::pin(super::story(super::postgres().await)).await;
    }
}

async fn story(fresh: Fresh) {
    let world = World::new(fresh.store.clone()).await;
    let rows = the_first_of_the_list();
    world.door.import_csv(rows.clone(), scans(), |_, _| ()).await.unwrap();
    world.settle().await;
    world.door.mails(Bytes::from_static(demo::MAILBOX), &LeadParams::of("vertrieb")).await.unwrap();
    world.settle().await;
    let person = world.person_by_email(EMAIL).await.unwrap();
    assert!(!found(&fresh).await.is_empty(), "the scan finds nothing at all");
    mittler_sync::forget::forget(&world.store, &world.keys, &world.clock, person, "operator").await.unwrap().unwrap();
    let left = found(&fresh).await;
    assert!(left.is_empty(), "still there: {left:#?}");
    // The CRMs keep what they have, and hear nothing more of it.
    let (writes, leads) = (world.writes(), world.in_salesforce("Lead").len());
    for name in ["salesforce", "hubspot"] {
        world.ask_push(name);
    }
    world.settle().await;
    let again = json!({ "last_name": "Zeidler", "email": "Albrecht.Zeidler+messe@spindelwerk-ostalb.example" });
    let accepted = world.door.lead(again, &stand()).await.unwrap();
    let file = format!("Vorname;Nachname;E-Mail\nAlbrecht;Zeidler;{EMAIL}\n");
    let list = world.door.import_csv(Bytes::from(file), ImportParams::of("nachtrag"), |_, _| ()).await.unwrap();
    world.settle().await;
    let line = world.store.signal_line(accepted.id).await.unwrap().unwrap();
    assert_eq!((line.state.name(), line.code.as_deref()), ("refused", Some("suppressed")));
    let lines = world.store.signal_lines(list.run, false, -1, 10).await.unwrap();
    assert_eq!((lines[0].state.name(), lines[0].code.as_deref()), ("refused", Some("suppressed")));
    // The same file once more finds its rows known, and the person's row does not come to life.
    let known = world.door.import_csv(rows, scans(), |_, _| ()).await.unwrap();
    assert_eq!(known.new, 0);
    world.door.mails(Bytes::from_static(demo::MAILBOX), &LeadParams::of("vertrieb")).await.unwrap();
    world.settle().await;
    assert_eq!(world.person_by_email(EMAIL).await, None);
    assert_eq!((world.writes(), world.in_salesforce("Lead").len()), (writes, leads));
    world.end().await;
    fresh.remove().await;
}

on_every_database!(
    who_is_known_by_a_badge_alone_does_not_come_back_by_it,
    colleagues_at_a_shared_mailbox_are_taken_when_one_of_them_was_forgotten,
);

async fn forget(world: &World, person: RecordId) {
    mittler_sync::forget::forget(&world.store, &world.keys, &world.clock, person, "operator").await.unwrap().unwrap();
}

/// State and code of a lead that is sent now.
async fn sent(world: &World, lead: serde_json::Value) -> (String, Option<String>) {
    let accepted = world.door.lead(lead, &stand()).await.unwrap();
    world.run_due().await;
    let line = world.store.signal_line(accepted.id).await.unwrap().unwrap();
    (line.state.name().to_owned(), line.code)
}

async fn who_is_known_by_a_badge_alone_does_not_come_back_by_it(store: Store) {
    let world = World::new(store).await;
    let scan = |note: &str| json!({ "badge_id": "BW26-900002", "last_name": "Specht", "note": note });
    let person = world.lead(scan("first")).await;
    forget(&world, person).await;
    assert_eq!(sent(&world, scan("second")).await, ("refused".into(), Some("suppressed".into())));
    world.end().await;
}

async fn colleagues_at_a_shared_mailbox_are_taken_when_one_of_them_was_forgotten(store: Store) {
    let world = World::new(store).await;
    let lead = |last: &str, first: &str, phone: &str| {
        json!({ "first_name": first, "last_name": last, "company": "Spechtbau AG", "email": "info@spechtbau.example",
                "phone": phone, "country": "DE" })
    };
    let person = world.lead(lead("Specht", "Bert", "0711 5550901")).await;
    forget(&world, person).await;
    assert_eq!(sent(&world, lead("Meise", "Dora", "0711 5550902")).await.0, "done", "a colleague was kept out");
    // He himself, or a relative: a person decides, and nothing is lost.
    let again = sent(&world, lead("Specht", "B.", "0711 5550903")).await;
    assert_eq!(again, ("parked".into(), Some("suppressed_perhaps".into())));
    world.end().await;
}

/// Between the look at who is kept out and the look at who is known; on PostgreSQL alone is there
/// anything between. Another transaction holds what a reader waits for there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_is_forgotten_while_a_lead_of_theirs_is_read_is_not_made_anew() {
    let fresh = postgres().await;
    let world = World::new(fresh.store.clone()).await;
    let lead = json!({ "first_name": "Bert", "last_name": "Specht", "company": "Spechtbau",
                       "email": "bert@spechtbau.example" });
    let person = world.lead(lead.clone()).await;
    let mut raw = Raw::of(&fresh).await;
    let key = Key { key_type: KeyType::CompanyName, scope: String::new(), value: "spechtbau".into() };
    let lock = i64::from_be_bytes(key.id().as_u64_pair().0.to_be_bytes());
    raw.run(&format!("SELECT pg_advisory_lock({lock})")).await;
    let mut again = lead;
    again["note"] = json!("another day");
    let accepted = world.door.lead(again, &stand()).await.unwrap();
    let mut other = Raw::of(&fresh).await;
    let reading = world.run_due();
    let meanwhile = async {
        let waiting = "SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database
                       WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()";
        while other.number(waiting).await == 0 {
            tokio::task::yield_now().await;
        }
        forget(&world, person).await;
        raw.run(&format!("SELECT pg_advisory_unlock({lock})")).await;
    };
    futures_util::join!(reading, meanwhile);
    let line = world.store.signal_line(accepted.id).await.unwrap().unwrap();
    assert_eq!((line.state.name(), line.code.as_deref()), ("refused", Some("suppressed")));
    assert_eq!(world.person_by_email("bert@spechtbau.example").await, None);
    raw.close().await;
    other.close().await;
    world.end().await;
    fresh.remove().await;
}

/// The beginning of the example list is enough of it: the person is in its first row.
fn the_first_of_the_list() -> Bytes {
    let lines: Vec<&[u8]> = demo::LIST.split_inclusive(|byte| *byte == b'\n').take(20).collect();
    Bytes::from(lines.concat())
}

/// Where a planted string is: in any column of any table, and in the database's own files.
pub async fn found(fresh: &Fresh) -> Vec<String> {
    found_of(fresh, PLANTED).await
}

/// The same for any strings.
pub async fn found_of(fresh: &Fresh, planted: &[&str]) -> Vec<String> {
    let search = Search::for_all(planted.iter().copied());
    let mut places = Vec::new();
    let mut raw = Raw::of(fresh).await;
    for table in fresh.store.table_names().await.unwrap() {
        let sql = match fresh.store.path() {
            Some(_) => {
                let columns = raw.texts(&format!("SELECT name FROM pragma_table_info('{table}')")).await;
                // hex() of the bytes, so that blobs are seen as well.
                let all: Vec<String> = columns.iter().map(|name| format!("hex(CAST(\"{name}\" AS blob))")).collect();
                format!("SELECT {} FROM \"{table}\"", all.join(" || ' ' || "))
            }
            None => format!("SELECT t::text FROM \"{table}\" t"),
        };
        for row in raw.texts(&sql).await {
            places.extend(search.within(row.as_bytes()).into_iter().map(|planted| format!("{table}: {planted}")));
        }
    }
    raw.close().await;
    if let Some(path) = fresh.store.path() {
        for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-journal")] {
            places.extend(search.within_files(&file));
        }
    }
    places
}

fn beside(path: &Path, end: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
