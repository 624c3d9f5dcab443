//! A connection writes what its mode allows, and the rest when the mode allows more.

use mittler_core::{Field, Time, job::Task};
use mittler_sandbox::Vendor;
use mittler_store::Store;
use mittler_sync::{Mode, hooks::HookReceiver};
use serde_json::json;

use super::world::{HOOK_SECRET, HUBSPOT, SALESFORCE, Setup, World, anna};

on_every_database!(
    off_writes_nothing_and_keeps_it_due,
    dry_run_writes_nothing_and_full_brings_it,
    create_only_makes_and_never_changes,
    update_only_changes_and_never_makes,
    fill_empty_leaves_what_the_crm_has,
    a_trial_in_one_crm_changes_nothing_in_the_other,
    what_is_off_is_not_read_and_nothing_that_was_told_meanwhile_is_lost,
);

async fn world(store: Store, mode: Mode) -> World {
    World::with(store, Setup { mode, ..Setup::default() }).await
}

/// Both connections write all from now on.
async fn open(world: &World) {
    for name in [SALESFORCE, HUBSPOT] {
        world.set_mode(name, Mode::Full).await;
    }
    // A push that waits for the mode looks once a minute.
    world.advance(61);
    world.settle().await;
}

fn people(world: &World) -> (usize, usize) {
    (world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len())
}

async fn off_writes_nothing_and_keeps_it_due(store: Store) {
    let world = world(store, Mode::Off).await;
    let person = world.lead_only(anna()).await;
    assert_eq!((people(&world), world.writes()), ((0, 0), 0));
    for name in [SALESFORCE, HUBSPOT] {
        let link = world.link(name, person).await;
        assert!(link.wanted > link.done, "what was not written counts as done: {link:?}");
    }
    open(&world).await;
    assert_eq!((people(&world), world.attendance().len(), world.in_salesforce("CampaignMember").len()), ((1, 1), 1, 1));
    world.end().await;
}

async fn dry_run_writes_nothing_and_full_brings_it(store: Store) {
    let world = world(store, Mode::DryRun).await;
    let person = world.lead(anna()).await;
    assert_eq!((people(&world), world.writes()), ((0, 0), 0));
    assert_eq!(world.link(SALESFORCE, person).await.code.as_deref(), Some("mode_dry_run"));
    open(&world).await;
    assert_eq!((people(&world), world.attendance().len(), world.in_salesforce("CampaignMember").len()), ((1, 1), 1, 1));
    assert_eq!((world.in_salesforce("Task").len(), world.in_hubspot("tasks").len()), (1, 1));
    world.end().await;
}

async fn a_trial_in_one_crm_changes_nothing_in_the_other(store: Store) {
    let world = World::new(store).await;
    world.set_mode(SALESFORCE, Mode::DryRun).await;
    let known = json!({ "FirstName": "Anna", "LastName": "Kranich", "Company": "Kranichwerk GmbH",
        "Email": "anna.kranich@kranichwerk.example", "MobilePhone": "+49 171 5550911" });
    world.edit_salesforce("Lead", "", &known);
    let person = world.lead(anna()).await;
    let link = world.link(SALESFORCE, person).await;
    assert_eq!((link.code.as_deref(), link.remote_id), (Some("mode_dry_run"), None));
    let told = world.in_hubspot("contacts").remove(0);
    assert_eq!(told["properties"]["mobilephone"].as_str(), None, "{told}");
    world.set_mode(SALESFORCE, Mode::Full).await;
    world.settle().await;
    assert_eq!(world.in_salesforce("Lead").len(), 1, "it is found as it was in the trial");
    assert!(world.in_hubspot("contacts")[0]["properties"]["mobilephone"].as_str().is_some());
    // What it is linked to already says nothing in a trial, either.
    world.set_mode(SALESFORCE, Mode::DryRun).await;
    world.advance(60);
    let id = world.in_salesforce("Lead")[0]["Id"].as_str().unwrap().to_owned();
    world.edit_salesforce("Lead", &id, &json!({ "City": "Esslingen" }));
    world.pull().await;
    let mut later = anna();
    later["position"] = json!("Prokuristin");
    later.as_object_mut().unwrap().remove("city");
    world.lead(later).await;
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["city"], json!("Stuttgart"));
    world.set_mode(SALESFORCE, Mode::Full).await;
    world.advance(60);
    world.pull().await;
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["city"], json!("Esslingen"));
    world.end().await;
}

async fn what_is_off_is_not_read_and_nothing_that_was_told_meanwhile_is_lost(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    world.set_mode(SALESFORCE, Mode::Off).await;
    world.sandbox.calls().reset();
    world.advance(60);
    world.edit_salesforce("Lead", &lead, &json!({ "City": "Esslingen" }));
    // What a hook told before the mode changed, and what one tells now.
    let ids = vec![lead.clone()];
    let task = Task::Read {
        connection: world.id(SALESFORCE),
        remote_type: "Lead".into(),
        ids,
        not_before: Time(0),
        since: None,
    };
    world.ask(task).await;
    world.ask(Task::Pull { connection: world.id(SALESFORCE) }).await;
    assert_eq!(world.outbound_message(HOOK_SECRET, "Lead", &lead).await, 200);
    world.run_due().await;
    assert_eq!(world.sandbox.calls().all(Vendor::Salesforce), 0, "what is off was called");
    let parked = world.store.parked_counts().await.unwrap();
    assert_eq!(parked.iter().map(|it| (it.code.as_str(), it.count)).collect::<Vec<_>>(), [("mode_takes_nothing", 1)]);
    assert_eq!(world.hooks.repeat(world.clock.now()).await.unwrap(), 0, "it stays off");
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["city"], json!("Stuttgart"));
    world.set_mode(SALESFORCE, Mode::Full).await;
    assert_eq!(world.hooks.repeat(world.clock.now()).await.unwrap(), 1);
    world.settle().await;
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["city"], json!("Esslingen"));
    assert!(world.store.parked_counts().await.unwrap().is_empty());
    world.nothing_waits().await;
    world.end().await;
}

async fn create_only_makes_and_never_changes(store: Store) {
    let world = world(store, Mode::CreateOnly).await;
    let person = world.lead(anna()).await;
    assert_eq!(people(&world), (1, 1));
    let mut later = anna();
    later["position"] = json!("Prokuristin");
    assert_eq!(world.lead(later).await, person);
    assert_eq!(world.record(person).await.fields.text(&Field::POSITION), Some("Prokuristin"));
    assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!("Leiterin Einkauf"));
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["jobtitle"], json!("Leiterin Einkauf"));
    open(&world).await;
    assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!("Prokuristin"));
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["jobtitle"], json!("Prokuristin"));
    world.end().await;
}

async fn update_only_changes_and_never_makes(store: Store) {
    let world = world(store, Mode::UpdateOnly).await;
    let known = json!({ "FirstName": "Anna", "LastName": "Kranich", "Company": "Kranichwerk GmbH",
        "Email": "anna.kranich@kranichwerk.example" });
    world.edit_salesforce("Lead", "", &known);
    world.lead(anna()).await;
    assert_eq!(people(&world), (1, 0));
    assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!("Leiterin Einkauf"));
    assert!(world.in_salesforce("CampaignMember").is_empty() && world.in_salesforce("Task").is_empty());
    open(&world).await;
    assert_eq!(people(&world), (1, 1));
    assert_eq!((world.in_salesforce("CampaignMember").len(), world.in_salesforce("Task").len()), (1, 1));
    assert_eq!((world.attendance().len(), world.in_hubspot("tasks").len()), (1, 1));
    world.end().await;
}

async fn fill_empty_leaves_what_the_crm_has(store: Store) {
    let world = world(store, Mode::FillEmpty).await;
    world.edit_salesforce(
        "Lead",
        "",
        &json!({ "FirstName": "A.", "LastName": "Kranich", "Company": "Kranichwerk",
            "Email": "anna.kranich@kranichwerk.example", "City": "Esslingen" }),
    );
    world.advance(2);
    let person = world.lead(anna()).await;
    let lead = &world.in_salesforce("Lead")[0];
    // The lead is the newer word here: it was typed after the CRM's record was made.
    assert_eq!(world.record(person).await.fields.text(&Field::CITY), Some("Stuttgart"));
    assert_eq!((lead["FirstName"].as_str(), lead["City"].as_str()), (Some("A."), Some("Esslingen")));
    assert_eq!((lead["Title"].as_str(), lead["PostalCode"].as_str()), (Some("Leiterin Einkauf"), Some("70173")));
    let held = world.link(SALESFORCE, person).await.held.0;
    assert_eq!(held.get("City").map(|held| held.code.as_str()), Some("mode"), "{held:?}");
    open(&world).await;
    let lead = &world.in_salesforce("Lead")[0];
    assert_eq!((lead["FirstName"].as_str(), lead["City"].as_str()), (Some("Anna"), Some("Stuttgart")));
    world.end().await;
}
