//! What is too much at once stops, and is asked about once.

use mittler_core::{Field, RecordId, job::Task};
use mittler_store::{Store, guards::Limit};
use mittler_sync::guard::Guards;
use serde_json::{Value, json};

use super::world::{HUBSPOT, SALESFORCE, Setup, World, guest};

on_every_database!(
    many_deletions_are_one_question_and_gone_when_let_through,
    many_deletions_that_were_none_are_made_again,
    many_that_are_hidden_are_one_question_that_ends_when_they_are_shown_again,
    a_flow_that_empties_a_field_of_everybody_is_put_back_by_one_answer,
    a_change_of_everybody_that_is_let_through_reaches_the_other_crm,
    many_values_that_we_would_replace_are_held_until_they_are_let_through,
    many_values_that_we_would_replace_stay_as_they_are_there_when_left,
    many_values_that_we_would_empty_are_held_until_they_are_let_through,
    many_records_that_we_would_remove_are_held_until_they_are_let_through,
    many_that_were_hidden_and_are_shown_again_are_found_at_once_when_looked_for_again,
);

const COUNT: usize = 8;
const FEW: Limit = Limit { number: 3, percent: 10 };
const ANY: Limit = Limit { number: 3, percent: 100 };
const DAY: u32 = 24 * 3_600;

/// A world in which four of a kind are too much, with people in it.
async fn world(store: Store) -> (World, Vec<RecordId>) {
    let all = Guards { deletions_in: FEW, changes_in: FEW, updates_out: FEW, clears_out: FEW, archives_out: FEW };
    guarded(store, all).await
}

async fn guarded(store: Store, guards: Guards) -> (World, Vec<RecordId>) {
    let world = World::with(store, Setup { guards, ..Setup::default() }).await;
    let mut people = Vec::new();
    for at in 0..COUNT {
        people.push(world.lead(buyer(at)).await);
    }
    assert_eq!(world.store.review_count().await.unwrap(), 0, "what is new is never too much");
    // What the CRMs made of it is known.
    world.advance(120);
    world.pull().await;
    (world, people)
}

fn buyer(at: usize) -> Value {
    let mut lead = guest(at);
    lead["position"] = json!("Einkauf");
    lead
}

/// The open questions: kind, type and how many of how many.
async fn asked(world: &World) -> Vec<(String, String, i64, i64)> {
    let open = world.store.reviews_open(None, 100).await.unwrap();
    let mut all: Vec<_> = open
        .into_iter()
        .map(|line| {
            let named = line.candidates.0;
            let number = |name: &str| named[name].as_i64().unwrap_or_default();
            let remote_type = named["remote_type"].as_str().unwrap_or_default().to_owned();
            (line.question, remote_type, number("n"), number("of"))
        })
        .collect();
    all.sort();
    all
}

/// Answers all open questions alike.
async fn answer_all(world: &World, key: &str) {
    for line in world.store.reviews_open(None, 100).await.unwrap() {
        world.answer(line.id, key).await.unwrap();
    }
    world.settle().await;
}

async fn states(world: &World, crm: &str, people: &[RecordId]) -> Vec<String> {
    let mut states = Vec::new();
    for person in people {
        states.push(world.link(crm, *person).await.state.name().to_owned());
    }
    states.sort();
    states
}

async fn read(world: &World, ids: &[String]) {
    let task = Task::Read {
        connection: world.id(HUBSPOT),
        remote_type: "contacts".into(),
        ids: ids.to_vec(),
        not_before: world.clock.now(),
        since: None,
    };
    world.ask(task).await;
    world.settle().await;
}

/// Somebody deletes six contacts in HubSpot; gives their ids.
async fn archive_six(world: &World, people: &[RecordId]) -> Vec<String> {
    let mut ids = Vec::new();
    for person in &people[..6] {
        let id = world.link(HUBSPOT, *person).await.remote_id.unwrap();
        world.edit_hubspot("contacts", &id, &json!({ "archived": true }));
        ids.push(id);
    }
    world.advance(5);
    ids
}

/// Somebody deletes six contacts in HubSpot, which tells of two of them first.
async fn delete_six(world: &World, people: &[RecordId]) {
    let ids = archive_six(world, people).await;
    read(world, &ids[..2]).await;
    assert_eq!(asked(world).await.len(), 2, "few are asked about one by one");
    read(world, &ids[2..]).await;
    assert_eq!(asked(world).await, [("mass_deletion".to_owned(), "contacts".to_owned(), 6, 8)]);
    let states = states(world, HUBSPOT, people).await;
    assert_eq!(states.iter().filter(|state| *state == "suspect").count(), 6, "{states:?}");
}

async fn many_deletions_are_one_question_and_gone_when_let_through(store: Store) {
    let (world, people) = world(store).await;
    delete_six(&world, &people).await;
    answer_all(&world, "let_through").await;
    let states = states(&world, HUBSPOT, &people).await;
    assert_eq!(states.iter().filter(|state| *state == "gone").count(), 6, "{states:?}");
    assert_eq!(asked(&world).await, []);
    assert_eq!(world.in_hubspot("contacts").len(), 2);
    assert_eq!(world.in_salesforce("Lead").len(), 8, "nobody said that they go elsewhere");
    world.end().await;
}

async fn many_deletions_that_were_none_are_made_again(store: Store) {
    let (world, people) = world(store).await;
    delete_six(&world, &people).await;
    answer_all(&world, "put_back").await;
    assert_eq!(states(&world, HUBSPOT, &people).await, ["open"; COUNT]);
    assert_eq!(asked(&world).await, []);
    assert_eq!(world.in_hubspot("contacts").len(), 8);
    world.end().await;
}

/// A list says something of everybody.
async fn say_of_everybody(world: &World, field: &str, value: &str) {
    for at in 0..COUNT {
        let mut lead = guest(at);
        lead[field] = json!(value);
        world.lead_only(lead).await;
    }
    world.settle().await;
}

/// A change of sharing in Salesforce hides all leads.
async fn hide(world: &World, people: &[RecordId]) -> Vec<String> {
    let mut ids = Vec::new();
    for person in people {
        ids.push(world.link(SALESFORCE, *person).await.remote_id.unwrap());
    }
    world.sandbox.salesforce().hide("Lead", &ids, true).unwrap();
    ids
}

async fn many_that_are_hidden_are_one_question_that_ends_when_they_are_shown_again(store: Store) {
    let (world, people) = world(store).await;
    let ids = hide(&world, &people).await;
    // What is said of them meanwhile is told when they are there again; HubSpot hears it at once.
    say_of_everybody(&world, "city", "Ulm").await;
    assert_eq!(states(&world, SALESFORCE, &people).await, ["suspect"; COUNT]);
    assert_eq!(asked(&world).await, []);
    world.advance(DAY + 60);
    world.pull().await;
    assert_eq!(states(&world, SALESFORCE, &people).await, ["suspect"; COUNT], "none is gone");
    assert_eq!(asked(&world).await, [("mass_deletion".to_owned(), "Lead".to_owned(), 8, 8)]);
    world.sandbox.salesforce().hide("Lead", &ids, false).unwrap();
    world.advance(DAY + 60);
    world.pull().await;
    assert_eq!(states(&world, SALESFORCE, &people).await, ["open"; COUNT]);
    assert_eq!(asked(&world).await, []);
    let leads = world.in_salesforce("Lead");
    assert!(leads.len() == COUNT && leads.iter().all(|lead| lead["City"] == json!("Ulm")), "{leads:#?}");
    world.nothing_waits().await;
    world.end().await;
}

/// A flow in HubSpot gives all contacts the same job title.
async fn flow(world: &World, people: &[RecordId], title: &str) {
    for person in people {
        let id = world.link(HUBSPOT, *person).await.remote_id.unwrap();
        world.edit_hubspot("contacts", &id, &json!({ "jobtitle": title }));
    }
    world.advance(120);
    world.pull().await;
    assert_eq!(asked(world).await, [("mass_change".to_owned(), "contacts".to_owned(), 8, 8)]);
    for person in people {
        assert_eq!(world.record(*person).await.fields.text(&Field::POSITION), Some("Einkauf"), "nothing is believed");
    }
    // Nor is anything written over it, whatever is pulled or pushed meanwhile.
    world.advance(120);
    world.pull().await;
    assert!(world.in_hubspot("contacts").iter().all(|it| it["properties"]["jobtitle"] != json!("Einkauf")));
}

async fn a_flow_that_empties_a_field_of_everybody_is_put_back_by_one_answer(store: Store) {
    let (world, people) = world(store).await;
    flow(&world, &people, "").await;
    answer_all(&world, "put_back").await;
    let contacts = world.in_hubspot("contacts");
    assert!(contacts.iter().all(|it| it["properties"]["jobtitle"] == json!("Einkauf")), "{contacts:#?}");
    assert!(world.in_salesforce("Lead").iter().all(|lead| lead["Title"] == json!("Einkauf")));
    assert_eq!(asked(&world).await, []);
    world.nothing_waits().await;
    world.end().await;
}

async fn a_change_of_everybody_that_is_let_through_reaches_the_other_crm(store: Store) {
    let (world, people) = world(store).await;
    flow(&world, &people, "Beschaffung").await;
    answer_all(&world, "let_through").await;
    for person in &people {
        assert_eq!(world.record(*person).await.fields.text(&Field::POSITION), Some("Beschaffung"));
    }
    // To Salesforce it is a change of everybody as well.
    assert_eq!(asked(&world).await.iter().map(|it| &*it.0).collect::<Vec<_>>(), ["mass_write"]);
    answer_all(&world, "let_through").await;
    assert!(world.in_salesforce("Lead").iter().all(|lead| lead["Title"] == json!("Beschaffung")));
    assert_eq!(asked(&world).await, []);
    world.nothing_waits().await;
    world.end().await;
}

async fn many_values_that_we_would_replace_are_held_until_they_are_let_through(store: Store) {
    let (world, people) = world(store).await;
    say_of_everybody(&world, "position", "Prokuristin").await;
    let kinds: Vec<(String, String)> = asked(&world).await.into_iter().map(|it| (it.0, it.1)).collect();
    for remote_type in ["Lead", "contacts"] {
        assert!(kinds.contains(&("mass_write".to_owned(), remote_type.to_owned())), "{kinds:?}");
    }
    let told = |leads: Vec<Value>| leads.iter().filter(|lead| lead["Title"] == json!("Prokuristin")).count();
    assert!(told(world.in_salesforce("Lead")) <= 3, "no more than may be");
    assert_eq!(world.link(SALESFORCE, people[COUNT - 1]).await.code.as_deref(), Some("updates_out"));
    // What is new is made all the same.
    world.lead(buyer(100)).await;
    assert_eq!(world.in_salesforce("Lead").len(), COUNT + 1);
    answer_all(&world, "let_through").await;
    assert_eq!(told(world.in_salesforce("Lead")), COUNT);
    assert_eq!(asked(&world).await, []);
    world.nothing_waits().await;
    world.end().await;
}

/// How many leads in Salesforce have a title.
fn titled(world: &World, title: &Value) -> usize {
    world.in_salesforce("Lead").iter().filter(|lead| lead["Title"] == *title).count()
}

/// The questions that are open, with what is too much.
async fn too_much(world: &World) -> Vec<String> {
    let open = world.store.reviews_open(None, 100).await.unwrap();
    open.into_iter().map(|line| format!("{} {}", line.question, line.reason)).collect()
}

async fn many_values_that_we_would_replace_stay_as_they_are_there_when_left(store: Store) {
    let (world, people) = world(store).await;
    say_of_everybody(&world, "position", "Prokuristin").await;
    answer_all(&world, "leave").await;
    assert_eq!(asked(&world).await, []);
    let left = titled(&world, &json!("Einkauf"));
    assert!(left >= COUNT - 3, "{left}");
    assert_eq!(world.record(people[0]).await.fields.text(&Field::POSITION), Some("Prokuristin"), "here it holds");
    world.nothing_waits().await;
    // What else is said of one of them is told later on, and the title still stays.
    world.advance(3_700);
    let mut lead = guest(COUNT - 1);
    lead["city"] = json!("Ulm");
    world.lead(lead).await;
    let there = world.salesforce_with("Lead", "City", "Ulm");
    assert_eq!((there.len(), &there[0]["Title"]), (1, &json!("Einkauf")));
    assert_eq!(titled(&world, &json!("Einkauf")), left);
    world.end().await;
}

async fn many_values_that_we_would_empty_are_held_until_they_are_let_through(store: Store) {
    let guards = Guards { deletions_in: ANY, changes_in: ANY, updates_out: ANY, clears_out: FEW, archives_out: ANY };
    let (world, people) = guarded(store, guards).await;
    for person in &people {
        let id = world.link(HUBSPOT, *person).await.remote_id.unwrap();
        world.edit_hubspot("contacts", &id, &json!({ "jobtitle": "" }));
    }
    world.advance(120);
    world.pull().await;
    assert_eq!(too_much(&world).await, ["mass_write clears_out"]);
    assert!(titled(&world, &json!("Einkauf")) >= COUNT - 3);
    // A value in place of another is no clearing.
    let mut lead = guest(0);
    lead["city"] = json!("Ulm");
    world.lead(lead).await;
    answer_all(&world, "let_through").await;
    assert_eq!(titled(&world, &Value::Null), COUNT);
    assert_eq!(world.salesforce_with("Lead", "City", "Ulm").len(), 1);
    assert_eq!(asked(&world).await, []);
    world.nothing_waits().await;
    world.end().await;
}

async fn many_records_that_we_would_remove_are_held_until_they_are_let_through(store: Store) {
    let guards = Guards { deletions_in: ANY, changes_in: ANY, updates_out: ANY, clears_out: ANY, archives_out: FEW };
    let (world, people) = guarded(store, guards).await;
    let ids = archive_six(&world, &people).await;
    read(&world, &ids).await;
    answer_all(&world, "delete_there_too").await;
    assert_eq!(too_much(&world).await, ["mass_write archives_out"]);
    assert_eq!(world.in_salesforce("Lead").len(), COUNT);
    answer_all(&world, "let_through").await;
    assert_eq!(world.in_salesforce("Lead").len(), 2);
    assert_eq!(asked(&world).await, []);
    world.end().await;
}

async fn many_that_were_hidden_and_are_shown_again_are_found_at_once_when_looked_for_again(store: Store) {
    let (world, people) = world(store).await;
    let ids = hide(&world, &people).await;
    say_of_everybody(&world, "city", "Ulm").await;
    world.advance(DAY + 60);
    world.pull().await;
    assert_eq!(too_much(&world).await, ["mass_deletion deletions_in"]);
    // Looked for while they are still hidden, nobody is gone.
    answer_all(&world, "retry").await;
    assert_eq!(states(&world, SALESFORCE, &people).await, ["suspect"; COUNT]);
    assert_eq!(too_much(&world).await, ["mass_deletion deletions_in"]);
    world.sandbox.salesforce().hide("Lead", &ids, false).unwrap();
    answer_all(&world, "retry").await;
    assert_eq!(states(&world, SALESFORCE, &people).await, ["open"; COUNT]);
    assert_eq!(world.salesforce_with("Lead", "City", "Ulm").len(), COUNT);
    world.nothing_waits().await;
    world.end().await;
}
