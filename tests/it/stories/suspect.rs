//! Records that a CRM does not show: a change of sharing does it as well as a deletion.

use mittler_core::RecordId;
use mittler_sandbox::Vendor;
use mittler_store::Store;
use serde_json::json;

use super::world::{SALESFORCE, SALESFORCE_WRITES, World, guest};

on_every_database!(
    who_is_hidden_is_not_gone_and_goes_on_when_shown_again,
    a_write_to_who_is_hidden_asks_nothing,
    who_is_not_found_a_day_later_either_is_asked_about,
);

const DAY: u32 = 24 * 3_600;

/// People with their leads in Salesforce.
async fn guests(world: &World, count: usize) -> Vec<(RecordId, String)> {
    let mut all = Vec::new();
    for at in 0..count {
        let person = world.lead(guest(at)).await;
        let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
        all.push((person, lead));
    }
    all
}

fn hide(world: &World, people: &[(RecordId, String)], hidden: bool) {
    let ids: Vec<String> = people.iter().map(|(_, lead)| lead.clone()).collect();
    world.sandbox.salesforce().hide("Lead", &ids, hidden).unwrap();
}

/// The stand says something new of everybody.
async fn promote(world: &World, count: usize) {
    for at in 0..count {
        let mut lead = guest(at);
        lead["position"] = json!("Prokuristin");
        world.lead_only(lead).await;
    }
    world.settle().await;
}

async fn states(world: &World, people: &[(RecordId, String)]) -> Vec<String> {
    let mut states = Vec::new();
    for (person, _) in people {
        states.push(world.link(SALESFORCE, *person).await.state.name().to_owned());
    }
    states.sort();
    states.dedup();
    states
}

async fn who_is_hidden_is_not_gone_and_goes_on_when_shown_again(store: Store) {
    let world = World::new(store).await;
    let people = guests(&world, 6).await;
    world.advance(120);
    hide(&world, &people, true);
    promote(&world, 6).await;
    assert_eq!(states(&world, &people).await, ["suspect"]);
    assert_eq!(world.store.review_count().await.unwrap(), 0, "nobody is asked about what may be only hidden");
    // Nothing is tried on them meanwhile.
    let writes = world.calls(Vendor::Salesforce, SALESFORCE_WRITES);
    world.advance(3_600);
    world.pull().await;
    assert_eq!(world.calls(Vendor::Salesforce, SALESFORCE_WRITES), writes);
    assert_eq!(states(&world, &people).await, ["suspect"]);
    hide(&world, &people, false);
    world.advance(DAY);
    world.pull().await;
    assert_eq!(states(&world, &people).await, ["open"]);
    let leads = world.in_salesforce("Lead");
    assert_eq!(leads.len(), 6, "nobody was made a second time");
    assert!(leads.iter().all(|lead| lead["Title"] == json!("Prokuristin")), "{leads:#?}");
    assert_eq!(world.store.review_count().await.unwrap(), 0);
    world.nothing_waits().await;
    world.end().await;
}

async fn a_write_to_who_is_hidden_asks_nothing(store: Store) {
    let world = World::new(store).await;
    let people = guests(&world, 2).await;
    // So soon after a write that nothing is read before the next one.
    world.advance(2);
    hide(&world, &people, true);
    promote(&world, 2).await;
    assert_eq!(states(&world, &people).await, ["suspect"]);
    assert_eq!(world.store.review_count().await.unwrap(), 0);
    world.end().await;
}

async fn who_is_not_found_a_day_later_either_is_asked_about(store: Store) {
    let world = World::new(store).await;
    let people = guests(&world, 1).await;
    let person = people[0].0;
    world.advance(120);
    hide(&world, &people, true);
    promote(&world, 1).await;
    world.advance(DAY + 60);
    world.pull().await;
    assert_eq!(states(&world, &people).await, ["gone"]);
    let reviews = world.store.reviews_of(person).await.unwrap();
    let asked: Vec<_> = reviews.iter().map(|it| (it.question.as_str(), it.reason.as_str(), it.state.name())).collect();
    assert_eq!(asked, [("deleted_there", "absent_there", "open")]);
    // Whoever shared it again and changed something there is heard.
    hide(&world, &people, false);
    world.edit_salesforce("Lead", &people[0].1, &json!({ "City": "Ulm" }));
    world.advance(120);
    world.pull().await;
    assert_eq!(states(&world, &people).await, ["open"]);
    assert_eq!(world.store.review_count().await.unwrap(), 0, "the question has answered itself");
    world.end().await;
}
