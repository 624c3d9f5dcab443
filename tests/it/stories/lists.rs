//! What stands in a list reaches the CRMs: what was refused, and what was said at the stand.

use bytes::Bytes;
use mittler_core::Field;
use mittler_store::Store;
use serde_json::Value;

use super::world::{World, scans};
use mittler_ingest::ImportParams;

on_every_database!(
    who_refused_in_a_column_is_not_followed_up_and_stands_as_opted_out,
    answers_and_a_second_remark_stand_in_the_task_in_the_order_of_the_list,
    a_list_without_a_fair_leaves_its_remarks_as_a_note_of_the_person,
);

async fn import(world: &World, file: &str) {
    world.door.import_csv(Bytes::copy_from_slice(file.as_bytes()), scans(), |_, _| ()).await.unwrap();
    world.settle().await;
}

fn texts(all: &[Value], field: &str) -> Vec<String> {
    all.iter().filter_map(|it| it["properties"][field].as_str()).map(str::to_owned).collect()
}

async fn who_refused_in_a_column_is_not_followed_up_and_stands_as_opted_out(store: Store) {
    let world = World::new(store).await;
    import(
        &world,
        "Vorname;Nachname;Firma;E-Mail;Notiz;Kontakt erlaubt;Anrufe erlaubt
Anna;Kranich;Kranichwerk GmbH;anna@kranichwerk.example;Retrofit;nein;
Bert;Specht;Spechtbau AG;bert@spechtbau.example;Ersatzteile;ja;nein
Dora;Meise;Meise & Co.;dora@meise.example;Pumpen;ja;ja
",
    )
    .await;
    let opted_out = |email: &str| {
        let lead = world.salesforce_with("Lead", "Email", email);
        lead[0]["HasOptedOutOfEmail"].as_bool().unwrap_or_default()
    };
    assert!(opted_out("anna@kranichwerk.example") && opted_out("bert@spechtbau.example"));
    assert!(!opted_out("dora@meise.example"));
    let person = world.person_by_email("dora@meise.example").await.unwrap();
    assert_eq!(world.record(person).await.fields.value(&Field::OPT_OUT), None, "a consent takes no objection back");
    let tasks = texts(&world.in_hubspot("tasks"), "hs_task_body");
    assert_eq!(tasks.len(), 2, "{tasks:?}");
    assert!(tasks.iter().any(|body| body.starts_with("Nicht erwünscht: Anrufe") && body.contains("Ersatzteile")));
    let notes = texts(&world.in_hubspot("notes"), "hs_note_body");
    assert!(notes.iter().any(|body| body.contains("jeder Kontakt") && body.contains("Retrofit")), "{notes:?}");
    world.end().await;
}

async fn answers_and_a_second_remark_stand_in_the_task_in_the_order_of_the_list(store: Store) {
    let world = World::new(store).await;
    import(
        &world,
        "Nachname;Vorname;Firma;E-Mail;Bemerkung;Zuständig;Werkstoff;Anzahl Anlagen;Bemerkung
Kranich;Anna;Kranichwerk GmbH;anna@kranichwerk.example;Retrofit;Tina Taube;Edelstahl;12;Rückruf Mittwoch
",
    )
    .await;
    let bodies = texts(&world.in_hubspot("tasks"), "hs_task_body");
    let body = bodies.first().unwrap();
    let places: Vec<usize> =
        ["Retrofit", "Tina Taube", "Werkstoff: Edelstahl", "Anzahl Anlagen: 12", "Rückruf Mittwoch"]
            .iter()
            .map(|said| body.find(said).unwrap_or_else(|| panic!("{said} is not in {body}")))
            .collect();
    assert!(places.is_sorted(), "{body}");
    let tasks = world.in_salesforce("Task");
    assert!(tasks.iter().any(|task| task["Description"].as_str().is_some_and(|text| text.contains("Edelstahl"))));
    world.end().await;
}

async fn a_list_without_a_fair_leaves_its_remarks_as_a_note_of_the_person(store: Store) {
    let world = World::new(store).await;
    let file = "Vorname;Nachname;Firma;E-Mail;Interesse;Prio;Bemerkung
Anna;Kranich;Kranichwerk GmbH;anna@kranichwerk.example;Pumpen;A;ruft Montag an
";
    for _ in 0..2 {
        let list = Bytes::copy_from_slice(file.as_bytes());
        world.door.import_csv(list, ImportParams::of("website"), |_, _| ()).await.unwrap();
        world.settle().await;
    }
    let notes = texts(&world.in_hubspot("notes"), "hs_note_body");
    assert_eq!(notes.len(), 1, "{notes:?}");
    for said in ["Pumpen", "Priorität: A", "ruft Montag an"] {
        assert!(notes[0].contains(said), "{notes:?}");
    }
    world.end().await;
}
