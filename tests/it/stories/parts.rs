//! A lead that comes in two parts, days apart: the stand's scan, and the organiser's export that
//! brings the address.

use bytes::Bytes;
use mittler_core::{Field, Kind, RecordId};
use mittler_store::Store;
use serde_json::json;

use super::world::{World, anna, organiser, stand};

on_every_database!(
    the_organisers_export_brings_the_address_to_the_scan,
    the_scan_finds_who_came_with_the_organisers_export,
    a_task_made_for_a_badge_alone_gets_the_name_with_the_export,
    a_list_without_times_says_nothing_newer_than_its_fair,
);

const SCANNED: &str = "2026-04-15 10:30";

async fn scan(world: &World) {
    let lead = json!({ "badge_id": "BW26-900003", "last_name": "Specht", "scanned_at": SCANNED, "note": "Retrofit" });
    world.door.lead(lead, &stand()).await.unwrap();
    world.settle().await;
}

async fn export(world: &World) {
    let file =
        "Badge-ID;Vorname;Nachname;E-Mail;Bemerkung\nBW26-900003;Bert;Specht;bert@spechtbau.example;Newsletter\n";
    world.door.import_csv(Bytes::from_static(file.as_bytes()), organiser(), |_, _| ()).await.unwrap();
    world.settle().await;
}

/// One person with one participation, at the time of the scan; both notes are kept as they were
/// said.
async fn is_one(world: &World) {
    let person = world.person_by_email("bert@spechtbau.example").await.unwrap();
    let about = world.store.records_about(person).await.unwrap();
    let participations: Vec<RecordId> =
        about.iter().filter(|record| record.kind == Kind::Participation).map(|record| record.id).collect();
    assert_eq!(participations.len(), 1);
    let at = world.record(participations[0]).await.fields.value(&Field::AT).unwrap().display();
    assert!(at.starts_with("2026-04-15"), "the time of the scan has become {at}");
    let statements = world.store.statements(participations[0]).await.unwrap();
    let notes: Vec<String> = statements
        .iter()
        .flat_map(|statement| &statement.said)
        .filter(|said| said.field == Field::NOTE)
        .filter_map(|said| said.value.as_ref().map(mittler_core::Value::display))
        .collect();
    assert!(["Retrofit", "Newsletter"].iter().all(|note| notes.iter().any(|it| it == note)), "{notes:?}");
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (1, 1));
}

async fn the_organisers_export_brings_the_address_to_the_scan(store: Store) {
    let world = World::new(store).await;
    scan(&world).await;
    world.advance(3 * 86_400);
    export(&world).await;
    is_one(&world).await;
    world.end().await;
}

async fn the_scan_finds_who_came_with_the_organisers_export(store: Store) {
    let world = World::new(store).await;
    export(&world).await;
    world.advance(3 * 86_400);
    scan(&world).await;
    is_one(&world).await;
    world.end().await;
}

async fn a_task_made_for_a_badge_alone_gets_the_name_with_the_export(store: Store) {
    let world = World::new(store).await;
    let lead = json!({ "badge_id": "BW26-900003", "scanned_at": SCANNED, "note": "Retrofit" });
    world.door.lead(lead, &stand()).await.unwrap();
    world.settle().await;
    export(&world).await;
    let told = |all: Vec<serde_json::Value>, path: &str| {
        let all: Vec<String> = all.iter().map(|it| it.pointer(path).unwrap().as_str().unwrap().to_owned()).collect();
        all.into_iter().filter(|subject| subject.starts_with("Nachfassen")).collect::<Vec<_>>()
    };
    let expected = ["Nachfassen: Bert Specht, Spechtbau (BEWEGA 2026)"];
    assert_eq!(told(world.in_salesforce("Task"), "/Subject"), expected);
    assert_eq!(told(world.in_hubspot("tasks"), "/properties/hs_task_subject"), expected);
    world.end().await;
}

async fn a_list_without_times_says_nothing_newer_than_its_fair(store: Store) {
    let world = World::new(store).await;
    // The clock is long past the fair.
    let person = world.lead(anna()).await;
    let file = "Vorname;Nachname;E-Mail;Position;Telefon mobil\nAnna;Kranich;anna.kranich@kranichwerk.example;Azubi;0171 5550901\n";
    world.door.import_csv(Bytes::from_static(file.as_bytes()), organiser(), |_, _| ()).await.unwrap();
    world.settle().await;
    let fields = world.record(person).await.fields;
    assert_eq!(fields.text(&Field::POSITION), Some("Leiterin Einkauf"));
    assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!("Leiterin Einkauf"));
    assert_eq!(
        world.in_hubspot("contacts")[0]["properties"]["mobilephone"],
        json!("+491715550901"),
        "what is new is taken"
    );
    world.end().await;
}
