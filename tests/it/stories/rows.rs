//! What is wrong with an input is said of that input alone, and can be put right.

use std::collections::BTreeMap;

use bytes::Bytes;
use mittler_intake::LeadField;
use mittler_store::{Store, signals::SignalLine};
use serde_json::json;

use super::world::{World, anna, scans, stand};

on_every_database!(
    a_bad_row_is_refused_alone_with_line_field_code_and_reason,
    rows_of_a_misread_column_are_taken_when_the_column_is_put_right,
    an_input_that_cannot_be_processed_is_parked_alone_and_taken_when_its_run_is_put_right,
);

fn state(lines: &[SignalLine], line: i64) -> (&str, Option<&str>) {
    let line = lines.iter().find(|it| it.line == line).unwrap();
    (line.state.name(), line.code.as_deref())
}

async fn a_bad_row_is_refused_alone_with_line_field_code_and_reason(store: Store) {
    let world = World::new(store).await;
    let file = "Vorname;Nachname;Firma;E-Mail
Anna;Kranich;Kranichwerk GmbH;anna.kranich@kranichwerk.example
;;Spechtbau AG;
Carl;Reiher;Reiher KG;carl@reiher.example;zu;viele;Spalten
Dora;Meise;Meise & Co.;dora@meise.example
";
    let list = world.door.import_csv(Bytes::from_static(file.as_bytes()), scans(), |_, _| ()).await.unwrap();
    world.settle().await;
    let lines = world.store.signal_lines(list.run, false, -1, 100).await.unwrap();
    assert_eq!((state(&lines, 2), state(&lines, 5)), (("done", None), ("done", None)));
    for line in [3, 4] {
        let refused = lines.iter().find(|it| it.line == line).unwrap();
        assert_eq!(refused.state.name(), "refused", "{refused:?}");
        assert!(refused.code.as_deref().is_some_and(|code| !code.is_empty()), "{refused:?}");
        assert!(refused.reason.as_deref().is_some_and(|reason| !reason.is_empty()), "{refused:?}");
    }
    assert_eq!(world.in_salesforce("Lead").len(), 2);
    assert_eq!(world.store.run(list.run).await.unwrap().unwrap().state.name(), "done");
    world.end().await;
}

async fn rows_of_a_misread_column_are_taken_when_the_column_is_put_right(store: Store) {
    let world = World::new(store).await;
    let file = "Merkmal;Ort\nanna.kranich@kranichwerk.example;Stuttgart\nbert@spechtbau.example;Aalen\n";
    let list = world.door.import_csv(Bytes::from_static(file.as_bytes()), scans(), |_, _| ()).await.unwrap();
    world.settle().await;
    let lines = world.store.signal_lines(list.run, false, -1, 100).await.unwrap();
    assert_eq!((state(&lines, 2).0, state(&lines, 3).0), ("refused", "refused"));
    let columns = BTreeMap::from([("Merkmal".to_owned(), Some(LeadField::Email))]);
    assert_eq!(world.door.retry_import(list.run, &columns).await.unwrap(), 2);
    world.settle().await;
    let lines = world.store.signal_lines(list.run, false, -1, 100).await.unwrap();
    assert_eq!((state(&lines, 2), state(&lines, 3)), (("done", None), ("done", None)));
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (2, 2));
    world.end().await;
}

async fn an_input_that_cannot_be_processed_is_parked_alone_and_taken_when_its_run_is_put_right(store: Store) {
    let world = World::new(store).await;
    let broken = world.door.lead(anna(), &stand()).await.unwrap();
    let run = world.store.signal_line(broken.id).await.unwrap().unwrap().run;
    let good = world.store.run(run.into()).await.unwrap().unwrap().params.0;
    // What an older version left behind, or a hand in the database.
    let bad = json!({ "source": ["not", "a", "name"] });
    world.store.write(async move |tx| tx.set_run_params(run.into(), &bad).await).await.unwrap();
    let other = json!({ "last_name": "Specht", "email": "bert.specht@spechtbau.example" });
    let neighbour = world.door.lead(other, &mittler_ingest::LeadParams::of("formular")).await.unwrap();
    world.settle().await;
    let line = world.store.signal_line(broken.id).await.unwrap().unwrap();
    assert!(matches!(line.state.name(), "parked" | "refused"), "{line:?}");
    assert!(line.code.is_some() && line.reason.is_some(), "{line:?}");
    assert_eq!(world.store.signal_line(neighbour.id).await.unwrap().unwrap().state.name(), "done");
    world.store.write(async move |tx| tx.set_run_params(run.into(), &good).await).await.unwrap();
    assert_eq!(world.door.retry_import(run.into(), &BTreeMap::new()).await.unwrap(), 1);
    world.settle().await;
    assert_eq!(world.store.signal_line(broken.id).await.unwrap().unwrap().state.name(), "done");
    assert_eq!(world.in_salesforce("Lead").len(), 2);
    world.end().await;
}
