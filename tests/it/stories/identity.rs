//! Who is who follows what is known now, not what was known first.

use std::sync::Arc;

use mittler_core::{
    Field, RecordId, Said, Source, SourceKind, Statement, SubjectId, Value as Told, Version, derive::Overrides,
};
use mittler_store::{Store, reviews::ReviewLine};
use mittler_sync::apply_statements::apply_statements;
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

use super::world::{HUBSPOT, SALESFORCE, Setup, World, anna, stand};
use crate::{store::Raw, support};

on_every_database!(
    an_address_corrected_in_a_crm_names_the_person_and_so_does_the_old_one,
    an_address_that_passed_to_a_successor_is_the_successors,
    an_address_that_another_holds_is_asked_about_once_and_goes_on_when_it_is_given_up,
    two_that_become_one_are_known_by_the_addresses_of_both,
    the_same_people_again_after_the_database_was_lost_are_the_same_in_both_crms,
);

const OLD: &str = "anna.kranich@kranichwerk.example";
const NEW: &str = "a.kranich-reiher@kranichwerk.example";

fn with(mut lead: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("no fields") };
    lead.as_object_mut().unwrap().extend(fields);
    lead
}

/// Anna as another list has her: without the badge by which she would be known anyway.
fn of_another_list(fields: Value) -> Value {
    let mut lead = with(anna(), fields);
    lead.as_object_mut().unwrap().remove("badge_id");
    lead
}

/// Somebody changes the address in HubSpot.
async fn corrected(world: &World, from: &str, to: &str) {
    let contact = &world.hubspot_with("contacts", "email", from)[0];
    world.advance(60);
    world.edit_hubspot("contacts", contact["id"].as_str().unwrap(), &json!({ "email": to }));
    world.advance(60);
    world.pull().await;
    world.settle().await;
}

async fn asked(world: &World, record: RecordId) -> Vec<ReviewLine> {
    let all = world.store.reviews_of(record).await.unwrap();
    all.into_iter().filter(|review| review.question == "same_person").collect()
}

async fn an_address_corrected_in_a_crm_names_the_person_and_so_does_the_old_one(store: Store) {
    let world = World::new(store).await;
    let anna = world.lead(anna()).await;
    corrected(&world, OLD, NEW).await;
    assert_eq!(world.person_by_email(NEW).await, Some(anna), "found by the new address");
    assert_eq!(world.person_by_email(OLD).await, Some(anna), "and by the one before");
    for email in [NEW, OLD] {
        world.advance(60);
        let lead = of_another_list(json!({ "email": email, "position": format!("Leiterin {email}") }));
        assert_eq!(world.lead(lead).await, anna, "{email}");
        assert_eq!(world.in_salesforce("Lead").len(), 1, "{email}");
        assert_eq!(world.in_hubspot("contacts").len(), 1, "{email}");
    }
    assert!(asked(&world, anna).await.is_empty());
    world.end().await;
}

async fn an_address_that_passed_to_a_successor_is_the_successors(store: Store) {
    let world = World::new(store).await;
    let anna = world.lead(anna()).await;
    corrected(&world, OLD, NEW).await;
    let finke = of_another_list(json!({ "first_name": "Jonas", "last_name": "Finke", "phone": "0711 5550977" }));
    let successor = world.lead(finke.clone()).await;
    assert_ne!(successor, anna, "an old address joins nobody of another name");
    assert_eq!(world.person_by_email(OLD).await, Some(successor));
    assert_eq!(world.person_by_email(NEW).await, Some(anna));
    assert_eq!(world.lead(finke).await, successor);
    assert_eq!(world.record(anna).await.fields.text(&Field::LAST_NAME), Some("Kranich"));
    world.end().await;
}

async fn an_address_that_another_holds_is_asked_about_once_and_goes_on_when_it_is_given_up(store: Store) {
    let world = World::new(store).await;
    let anna = world.lead(anna()).await;
    let third = "sofia.reiher@kranichwerk.example";
    let sofia = with(
        of_another_list(json!({ "first_name": "Sofia", "last_name": "Reiher", "email": third })),
        json!({ "phone": "0711 5550988" }),
    );
    let sofia = world.lead(sofia).await;
    assert_ne!(anna, sofia);
    // Salesforce lets two leads have one address.
    let lead = &world.salesforce_with("Lead", "Email", third)[0];
    world.advance(60);
    world.edit_salesforce("Lead", lead["Id"].as_str().unwrap(), &json!({ "Email": OLD }));
    world.advance(60);
    world.pull().await;
    world.settle().await;
    assert_eq!(world.person_by_email(OLD).await, Some(anna), "who has a key keeps it");
    let reviews = asked(&world, sofia).await;
    assert_eq!(reviews.len(), 1, "{reviews:#?}");
    assert_eq!(reviews[0].candidates.0, json!({ "records": [anna.to_string()] }));
    world.edit_salesforce("Lead", lead["Id"].as_str().unwrap(), &json!({ "Title": "Prokuristin" }));
    world.advance(60);
    world.pull().await;
    world.settle().await;
    assert_eq!(asked(&world, sofia).await.len(), 1, "asked again about the same two");
    corrected(&world, OLD, NEW).await;
    assert_eq!(world.person_by_email(OLD).await, Some(sofia), "given up, it goes to who waited for it");
    assert_eq!(world.person_by_email(NEW).await, Some(anna));
    world.end().await;
}

async fn two_that_become_one_are_known_by_the_addresses_of_both(store: Store) {
    let world = World::new(store).await;
    let anna = world.lead(anna()).await;
    let second = of_another_list(json!({ "email": NEW, "phone": null, "position": "Geschäftsführerin" }));
    let second = world.lead(second).await;
    assert_ne!(anna, second);
    let review = asked(&world, second).await.remove(0);
    world.answer(review.id, &format!("merge:{anna}")).await.unwrap();
    world.settle().await;
    for email in [OLD, NEW] {
        assert_eq!(world.person_by_email(email).await, Some(anna), "{email}");
    }
    world.end().await;
}

async fn the_same_people_again_after_the_database_was_lost_are_the_same_in_both_crms(store: Store) {
    let world = World::new(store).await;
    let before = world.lead(anna()).await;
    let count = |world: &World| {
        let salesforce =
            ["Lead", "Contact", "Account", "Campaign", "CampaignMember"].map(|it| world.in_salesforce(it).len());
        let hubspot = ["contacts", "companies"].map(|it| world.in_hubspot(it).len());
        (salesforce, hubspot)
    };
    let (there, ids) = (count(&world), world.in_hubspot("contacts")[0]["id"].clone());
    let World { sandbox, .. } = world;
    let again = support::sqlite().await;
    let world = World::over(again.store.clone(), sandbox, Setup::default()).await;
    let after = world.lead(anna()).await;
    assert_ne!(before, after);
    assert_eq!(count(&world), there, "doubled");
    let contact = &world.in_hubspot("contacts")[0];
    assert_eq!(contact["id"], ids);
    assert_eq!(contact["properties"]["mittler_id"], json!(after.to_string()), "our key follows");
    assert_eq!(world.in_salesforce("Lead")[0]["Mittler_Id__c"], json!(after.to_string()));
    for name in [SALESFORCE, HUBSPOT] {
        let link = world.link(name, after).await;
        assert_eq!((link.state.name(), link.wanted), ("open", link.done), "{name} {link:?}");
    }
    assert!(world.store.reviews_open(None, 9).await.unwrap().is_empty());
    world.end().await;
    again.remove().await;
}

/// A CRM's change holds the record of a person and wants the address that a lead about the same person
/// brings: whoever has the record first goes on, and the other waits for it while it holds no key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_wants_a_key_never_holds_one_while_it_waits_for_the_record() {
    let fresh = support::postgres().await;
    let world = World::new(fresh.store.clone()).await;
    let person = world.lead(anna()).await;
    let (holds, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let now = world.clock.now();
    let statement = Statement {
        subject: SubjectId(Uuid::new_v4()),
        signal: Uuid::new_v4().into(),
        source: Source::new(SourceKind::Crm, "crm"),
        observed_at: now,
        version: Version(now, now),
        said: vec![Said::element(Field::EMAILS, NEW, Told::Text(NEW.into()), "crm.field").primary()],
    };
    let (held, told, store) = (Arc::clone(&holds), Arc::clone(&go_on), fresh.store.clone());
    let changing = tokio::spawn(async move {
        let change = async move |tx: &mut mittler_store::Tx| {
            tx.lock_records(&[person]).await?;
            held.notify_one();
            told.notified().await;
            apply_statements(tx, &[(person, statement.clone())], &Overrides::new(), now).await.map(|_| ())
        };
        store.write(change).await
    });
    holds.notified().await;
    world.door.lead(with(anna(), json!({ "email": NEW })), &stand()).await.unwrap();
    let watching = async {
        let mut raw = Raw::of(&fresh).await;
        let waits =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while raw.number(waits).await == 0 {
            tokio::task::yield_now().await;
        }
        go_on.notify_one();
        raw.close().await;
    };
    let ((), _) = tokio::join!(watching, world.enrich_only());
    changing.await.unwrap().unwrap();
    world.settle().await;
    assert_eq!(world.person_by_email(NEW).await, Some(person));
    assert!(asked(&world, person).await.is_empty());
    fresh.store.close().await;
    let mut raw = Raw::of(&fresh).await;
    // What the closed connections counted.
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(raw.number(deadlocks).await, 0);
    raw.close().await;
    world.end().await;
    fresh.remove().await;
}
