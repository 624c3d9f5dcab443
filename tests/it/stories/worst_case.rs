//! A CRM with every habit that makes syncing hard, beside no line of the engine that knows it: what works with it
//! works with the next one.

mod crm;

use mittler_core::{Field, Kind};
use mittler_store::Store;
use serde_json::json;

use super::world::{SALESFORCE, World, anna, guest, stand};
use crm::{Crm, connect};

on_every_database!(
    a_lead_becomes_a_firm_a_person_and_a_task_that_refer_to_each_other,
    a_firm_whose_answer_is_lost_is_not_made_twice,
    a_person_whose_answer_is_lost_is_not_made_twice,
    a_task_whose_answer_is_lost_is_not_made_twice,
    one_bad_row_of_a_batch_that_is_refused_as_a_whole_is_refused_alone,
    an_edit_is_learnt_from_the_journal_and_from_a_reading_of_all_if_the_journal_was_cut,
    a_hook_that_comes_before_its_change_is_read_when_the_change_is_there,
    what_is_not_shown_any_more_is_not_taken_for_deleted_at_once,
    a_person_who_was_forgotten_is_not_written_again,
);

fn texts(crm: &Crm, remote_type: &str, field: &str) -> Vec<String> {
    let mut texts: Vec<String> = crm.rows(remote_type).iter().map(|(_, fields)| crm::text(fields, field)).collect();
    texts.sort();
    texts
}

async fn a_lead_becomes_a_firm_a_person_and_a_task_that_refer_to_each_other(store: Store) {
    let world = World::new(store).await;
    let crm = connect(&world);
    world.lead(anna()).await;
    world.lead(anna()).await;
    world.nothing_waits().await;
    let [firms, people, tasks] = ["firms", "people", "tasks"].map(|remote_type| crm.rows(remote_type));
    assert_eq!((firms.len(), people.len(), tasks.len()), (1, 1, 1), "{firms:?} {people:?} {tasks:?}");
    assert_eq!(crm::text(&firms[0].1, "title"), "Kranichwerk GmbH");
    assert_eq!(crm::text(&people[0].1, "mail"), "anna.kranich@kranichwerk.example");
    assert_eq!(crm::text(&people[0].1, "firm"), firms[0].0);
    assert_eq!(crm::text(&tasks[0].1, "who"), people[0].0);
    world.end().await;
}

async fn a_firm_whose_answer_is_lost_is_not_made_twice(store: Store) {
    an_answer_is_lost(store, "firms").await;
}

async fn a_person_whose_answer_is_lost_is_not_made_twice(store: Store) {
    an_answer_is_lost(store, "people").await;
}

async fn a_task_whose_answer_is_lost_is_not_made_twice(store: Store) {
    an_answer_is_lost(store, "tasks").await;
}

async fn an_answer_is_lost(store: Store, remote_type: &str) {
    let world = World::new(store).await;
    let crm = connect(&world);
    crm.lose_answers(remote_type, 1);
    world.lead(anna()).await;
    world.nothing_waits().await;
    assert_eq!(crm.lost(), 1, "no answer was lost");
    let counts = ["firms", "people", "tasks"].map(|of| crm.rows(of).len());
    assert_eq!(counts, [1, 1, 1]);
    world.end().await;
}

async fn one_bad_row_of_a_batch_that_is_refused_as_a_whole_is_refused_alone(store: Store) {
    let world = World::new(store).await;
    let crm = connect(&world);
    for at in 0..5 {
        let mut lead = guest(at);
        if at == 3 {
            lead["last_name"] = json!("Dieser-Name-ist-dort-viel-zu-lang");
        }
        world.lead_only(lead).await;
    }
    world.settle().await;
    let names = texts(&crm, "people", "family");
    assert_eq!(names, ["Nummer0", "Nummer1", "Nummer2", "Nummer4"]);
    let refused = world.person_by_email("gast@firma3.example").await.unwrap();
    let link = world.link(SALESFORCE, refused).await;
    assert_eq!((link.state.name(), link.code.as_deref()), ("refused", Some("TOO_LONG")));
    world.end().await;
}

async fn an_edit_is_learnt_from_the_journal_and_from_a_reading_of_all_if_the_journal_was_cut(store: Store) {
    let world = World::new(store).await;
    let crm = connect(&world);
    let person = world.lead(anna()).await;
    let id = world.link(SALESFORCE, person).await.remote_id.unwrap();
    world.pull().await;
    for (position, cut) in [("Geschäftsführerin", false), ("Aufsichtsrätin", true)] {
        world.advance(60);
        if cut {
            crm.cut_journal();
        }
        crm.edit("people", &id, "role", position);
        world.advance(60);
        world.pull().await;
        world.settle().await;
        assert_eq!(world.record(person).await.fields.text(&Field::POSITION), Some(position));
    }
    world.end().await;
}

async fn a_hook_that_comes_before_its_change_is_read_when_the_change_is_there(store: Store) {
    let world = World::new(store).await;
    let crm = connect(&world);
    let person = world.lead(anna()).await;
    let id = world.link(SALESFORCE, person).await.remote_id.unwrap();
    world.advance(60);
    crm.edit("people", &id, "role", "Geschäftsführerin");
    assert_eq!(crm.hook(&world, "people", &id).await, 200);
    // No pull: the hook alone tells of it, and the CRM commits after it.
    world.settle().await;
    assert_eq!(world.record(person).await.fields.text(&Field::POSITION), Some("Geschäftsführerin"));
    assert_eq!(crm.hook_with(&world, "people", &id, "forged").await, 401);
    world.end().await;
}

async fn what_is_not_shown_any_more_is_not_taken_for_deleted_at_once(store: Store) {
    let world = World::new(store).await;
    let crm = connect(&world);
    let person = world.lead(anna()).await;
    let id = world.link(SALESFORCE, person).await.remote_id.unwrap();
    world.pull().await;
    world.advance(60);
    crm.hide("people", &id, true);
    world.advance(60);
    world.pull().await;
    world.settle().await;
    assert_eq!(world.link(SALESFORCE, person).await.state.name(), "suspect");
    // It is shown again before the day is over: nothing was asked, and all goes on.
    crm.hide("people", &id, false);
    world.advance(60);
    world.pull().await;
    world.settle().await;
    assert_eq!(world.link(SALESFORCE, person).await.state.name(), "open");
    world.end().await;
}

async fn a_person_who_was_forgotten_is_not_written_again(store: Store) {
    let world = World::new(store).await;
    let crm = connect(&world);
    let person = world.lead(anna()).await;
    assert_eq!(world.link_about(SALESFORCE, person, Kind::Activity).await.state.name(), "open");
    mittler_sync::forget::forget(&world.store, &world.keys, &world.clock, person, "test").await.unwrap().unwrap();
    let before = crm.writes();
    world.door.lead(anna(), &stand()).await.unwrap();
    world.settle().await;
    assert_eq!(crm.writes(), before);
    world.end().await;
}
