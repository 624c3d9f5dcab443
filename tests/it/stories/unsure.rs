//! People who may be somebody known: nothing is made of them in a CRM until somebody says who they are.

use mittler_core::{Kind, RecordId};
use mittler_store::{Store, reviews::ReviewLine};
use mittler_worker::Unsure;
use serde_json::{Value, json};

use super::world::{HUBSPOT, SALESFORCE, Setup, World, anna};

on_every_database!(
    who_may_be_somebody_known_is_held_and_comes_with_all_that_hangs_on_it_when_told_apart,
    who_is_somebody_known_was_never_a_second_one_in_a_crm,
    after_a_day_they_are_written_and_still_asked_about,
    held_for_good_they_wait_for_the_answer_alone,
    one_that_a_crm_has_already_is_kept_up_to_date_there,
    where_it_is_set_so_they_are_written_at_once,
);

/// As Anna's, but for the address and the badge.
fn perhaps_anna() -> Value {
    let mut lead = anna();
    let fields = lead.as_object_mut().unwrap();
    fields.remove("badge_id");
    fields.insert("email".into(), json!("a.kranich@neue-firma.example"));
    lead
}

async fn asked(world: &World, person: RecordId) -> ReviewLine {
    let open = world.store.reviews_of(person).await.unwrap();
    let mut open = open.into_iter().filter(|review| review.state.name() == "open" && review.question == "same_person");
    open.next().expect("somebody is asked who it is")
}

fn people(world: &World) -> (usize, usize) {
    (world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len())
}

async fn held(world: &World) -> i64 {
    world.store.held_people(world.clock.now()).await.unwrap().count
}

async fn who_may_be_somebody_known_is_held_and_comes_with_all_that_hangs_on_it_when_told_apart(store: Store) {
    let world = World::new(store).await;
    world.lead(anna()).await;
    let (members, tasks) = (world.in_salesforce("CampaignMember").len(), world.in_salesforce("Task").len());
    let person = world.lead(perhaps_anna()).await;
    assert_eq!(people(&world), (1, 1), "made before anybody said who it is");
    assert_eq!(world.in_salesforce("CampaignMember").len(), members);
    let link = world.link(SALESFORCE, person).await;
    assert_eq!((link.state.name(), link.code.as_deref()), ("held", Some("identity_unsure")));
    assert_eq!(held(&world).await, 1);
    // What comes in meanwhile changes nothing of that.
    let mut more = perhaps_anna();
    more["position"] = json!("Prokuristin");
    world.advance(60);
    world.lead(more).await;
    assert_eq!(people(&world), (1, 1));
    world.answer(asked(&world, person).await.id, "different").await.unwrap();
    world.settle().await;
    assert_eq!((people(&world), held(&world).await), ((2, 2), 0));
    assert_eq!(world.in_salesforce("CampaignMember").len(), members + 1, "the visit came with the person");
    assert!(world.in_salesforce("Task").len() > tasks, "the task came with the person");
    let member = world.link_about(SALESFORCE, person, Kind::Participation).await;
    assert!(member.remote_id.is_some(), "{member:?}");
    world.end().await;
}

async fn who_is_somebody_known_was_never_a_second_one_in_a_crm(store: Store) {
    let world = World::new(store).await;
    let first = world.lead(anna()).await;
    let person = world.lead(perhaps_anna()).await;
    world.answer(asked(&world, person).await.id, &format!("merge:{first}")).await.unwrap();
    world.settle().await;
    assert_eq!((people(&world), held(&world).await), ((1, 1), 0));
    assert_eq!(world.person_by_email("a.kranich@neue-firma.example").await, Some(first));
    world.end().await;
}

async fn after_a_day_they_are_written_and_still_asked_about(store: Store) {
    let world = World::new(store).await;
    world.lead(anna()).await;
    let person = world.lead(perhaps_anna()).await;
    world.advance(1_800);
    world.settle().await;
    assert_eq!(people(&world), (1, 1));
    assert_eq!(world.look().await, 0);
    world.advance(24 * 3_600);
    // One for each CRM: nobody else asks for it.
    assert_eq!(world.look().await, 2);
    world.settle().await;
    assert_eq!((people(&world), held(&world).await), ((2, 2), 0));
    asked(&world, person).await;
    let member = world.link_about(SALESFORCE, person, Kind::Participation).await;
    assert!(member.remote_id.is_some(), "{member:?}");
    world.end().await;
}

async fn held_for_good_they_wait_for_the_answer_alone(store: Store) {
    let world = World::with(store, Setup { unsure: Unsure::Hold, ..Setup::default() }).await;
    world.lead(anna()).await;
    let person = world.lead(perhaps_anna()).await;
    world.advance(40 * 86_400);
    world.ask_push(SALESFORCE);
    world.settle().await;
    assert_eq!((people(&world), held(&world).await), ((1, 1), 1));
    world.answer(asked(&world, person).await.id, "different").await.unwrap();
    world.settle().await;
    assert_eq!(people(&world), (2, 2));
    world.end().await;
}

async fn one_that_a_crm_has_already_is_kept_up_to_date_there(store: Store) {
    let world = World::new(store).await;
    world.lead(anna()).await;
    let known = json!({ "email": "a.kranich@neue-firma.example", "firstname": "Anna", "lastname": "Kranich" });
    let there = world.edit_hubspot("contacts", "new", &known);
    world.advance(60);
    let person = world.lead(perhaps_anna()).await;
    assert_eq!(people(&world), (1, 2));
    let link = world.link(HUBSPOT, person).await;
    assert_eq!((link.remote_id.as_deref(), link.state.name()), (there["id"].as_str(), "open"));
    let contacts = world.in_hubspot("contacts");
    let contact = contacts.iter().find(|it| it["id"] == there["id"]).unwrap();
    assert_eq!(contact["properties"]["jobtitle"], json!("Leiterin Einkauf"));
    assert_eq!(world.link(SALESFORCE, person).await.state.name(), "held");
    world.end().await;
}

async fn where_it_is_set_so_they_are_written_at_once(store: Store) {
    let world = World::with(store, Setup { unsure: Unsure::Write, ..Setup::default() }).await;
    world.lead(anna()).await;
    let person = world.lead(perhaps_anna()).await;
    assert_eq!((people(&world), held(&world).await), ((2, 2), 0));
    asked(&world, person).await;
    world.end().await;
}
