//! Whose value is newer, where two sides change one field; and who is told that theirs is not.

use mittler_core::{Field, RecordId};
use mittler_sandbox::Vendor;
use mittler_store::Store;
use serde_json::{Value, json};

use super::world::{HUBSPOT, HUBSPOT_WRITES, SALESFORCE, SALESFORCE_WRITES, World, anna};

on_every_database!(
    a_value_is_as_new_as_its_field_and_not_as_its_record,
    a_record_that_was_saved_once_is_as_new_as_its_time,
    of_several_fields_that_changed_the_history_says_which_did_when,
    two_that_change_a_field_at_once_agree_in_the_end,
    what_a_person_takes_back_stays_taken_back,
    an_emptied_number_brings_up_no_older_one,
    what_only_one_crm_ever_said_is_emptied_in_the_other_too,
    a_crm_keeps_what_it_insists_on_when_another_is_emptied,
    no_list_takes_back_an_address_that_was_put_right,
    an_address_that_a_contact_had_stays_its_main_one,
    two_automations_that_fight_are_stopped_and_a_person_is_asked,
);

/// Anna in both CRMs: her record, her lead and her contact.
async fn known(world: &World) -> (RecordId, String, String) {
    let person = world.lead(anna()).await;
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    world.advance(10);
    world.pull().await;
    world.advance(60);
    world.pull().await;
    world.advance(30);
    (person, lead, contact)
}

fn in_both(world: &World, field: &str, property: &str) -> (Value, Value) {
    let contact = world.in_hubspot("contacts")[0]["properties"][property].clone();
    // What is empty is a blank text there.
    let contact = if contact == json!("") { Value::Null } else { contact };
    (world.in_salesforce("Lead")[0][field].clone(), contact)
}

fn both(value: &str) -> (Value, Value) {
    (json!(value), json!(value))
}

async fn a_value_is_as_new_as_its_field_and_not_as_its_record(store: Store) {
    let world = World::new(store).await;
    let (_, lead, contact) = known(&world).await;
    world.edit_salesforce("Lead", &lead, &json!({ "Title": "zuerst" }));
    world.advance(3);
    world.edit_hubspot("contacts", &contact, &json!({ "jobtitle": "danach" }));
    world.advance(3);
    // The record is newer than the other CRM's title; the title in it is not.
    world.edit_salesforce("Lead", &lead, &json!({ "City": "Ulm" }));
    world.advance(3);
    world.pull().await;
    assert_eq!(in_both(&world, "Title", "jobtitle"), both("danach"));
    assert_eq!(in_both(&world, "City", "city"), both("Ulm"));
    world.end().await;
}

async fn a_record_that_was_saved_once_is_as_new_as_its_time(store: Store) {
    let world = World::new(store).await;
    let (_, lead, contact) = known(&world).await;
    world.edit_hubspot("contacts", &contact, &json!({ "jobtitle": "zuerst" }));
    world.advance(5);
    world.edit_salesforce("Lead", &lead, &json!({ "Title": "danach" }));
    world.advance(3);
    world.pull().await;
    assert_eq!(in_both(&world, "Title", "jobtitle"), both("danach"));
    world.end().await;
}

async fn of_several_fields_that_changed_the_history_says_which_did_when(store: Store) {
    let world = World::new(store).await;
    let (_, lead, contact) = known(&world).await;
    // Salesforce's title is known to the moment. HubSpot's was set before its city, and nobody else knows when.
    for (first, value) in [(SALESFORCE, "S"), (HUBSPOT, "H")] {
        let salesforce = |title: &str| world.edit_salesforce("Lead", &lead, &json!({ "Title": title }));
        let hubspot = |title: &str| world.edit_hubspot("contacts", &contact, &json!({ "jobtitle": title }));
        if first == SALESFORCE {
            salesforce(&format!("{value} zuerst"));
            world.advance(5);
            hubspot(&format!("{value} danach"));
        } else {
            hubspot(&format!("{value} zuerst"));
            world.advance(5);
            salesforce(&format!("{value} danach"));
        }
        world.advance(5);
        world.edit_hubspot("contacts", &contact, &json!({ "city": format!("{value}-Stadt") }));
        world.advance(3);
        world.pull().await;
        assert_eq!(in_both(&world, "Title", "jobtitle"), both(&format!("{value} danach")), "{first} first");
        assert_eq!(in_both(&world, "City", "city"), both(&format!("{value}-Stadt")));
        world.advance(120);
        world.pull().await;
        world.advance(60);
    }
    world.end().await;
}

async fn two_that_change_a_field_at_once_agree_in_the_end(store: Store) {
    let world = World::new(store).await;
    let (_, lead, contact) = known(&world).await;
    for (round, first) in [SALESFORCE, HUBSPOT].into_iter().enumerate() {
        let (ours, theirs) = (format!("S{round}"), format!("H{round}"));
        let salesforce = || world.edit_salesforce("Lead", &lead, &json!({ "Title": ours }));
        let hubspot = || world.edit_hubspot("contacts", &contact, &json!({ "jobtitle": theirs }));
        if first == SALESFORCE {
            salesforce();
            hubspot();
        } else {
            hubspot();
            salesforce();
        }
        world.advance(3);
        world.pull().await;
        let (title, jobtitle) = in_both(&world, "Title", "jobtitle");
        assert_eq!(title, jobtitle, "whoever lost was not told");
        world.advance(60);
        let writes = world.writes();
        world.pull().await;
        assert_eq!(world.writes(), writes, "it does not come to rest");
    }
    // Nor is a later edit of another field taken for one of this.
    world.edit_hubspot("contacts", &contact, &json!({ "city": "Ulm" }));
    let title = in_both(&world, "Title", "jobtitle").0;
    world.advance(3);
    world.pull().await;
    assert_eq!(in_both(&world, "Title", "jobtitle"), (title.clone(), title));
    world.end().await;
}

async fn what_a_person_takes_back_stays_taken_back(store: Store) {
    let world = World::new(store).await;
    let (_, lead, contact) = known(&world).await;
    // In the CRM where they changed it a minute ago.
    for title in ["Vertipt", "Leiterin Einkauf"] {
        world.edit_hubspot("contacts", &contact, &json!({ "jobtitle": title }));
        world.advance(10);
        world.pull().await;
        assert_eq!(in_both(&world, "Title", "jobtitle"), both(title));
        world.advance(20);
    }
    // In the other one, where we have just written it.
    world.edit_salesforce("Lead", &lead, &json!({ "City": "Neustadt" }));
    world.advance(5);
    world.pull().await;
    assert_eq!(in_both(&world, "City", "city"), both("Neustadt"));
    world.advance(5);
    world.edit_hubspot("contacts", &contact, &json!({ "city": "Stuttgart" }));
    world.advance(5);
    world.pull().await;
    assert_eq!(in_both(&world, "City", "city"), both("Stuttgart"));
    world.end().await;
}

async fn an_emptied_number_brings_up_no_older_one(store: Store) {
    let world = World::new(store).await;
    let (person, lead, contact) = known(&world).await;
    world.edit_salesforce("Lead", &lead, &json!({ "Phone": "+49 711 5550977" }));
    world.advance(5);
    world.pull().await;
    world.advance(5);
    world.edit_hubspot("contacts", &contact, &json!({ "phone": "" }));
    world.advance(5);
    world.pull().await;
    assert_eq!(in_both(&world, "Phone", "phone"), (Value::Null, Value::Null));
    assert!(world.record(person).await.fields.elements(&Field::PHONES).is_empty());
    // What somebody says later fills it again.
    world.advance(60);
    let mut again = anna();
    again["phone"] = json!("0711 5550988");
    world.lead(again).await;
    assert_eq!(in_both(&world, "Phone", "phone"), both("+497115550988"));
    world.end().await;
}

async fn what_only_one_crm_ever_said_is_emptied_in_the_other_too(store: Store) {
    let world = World::new(store).await;
    let (_, lead, contact) = known(&world).await;
    let website = async |crm: &str, website: &str| {
        if crm == SALESFORCE {
            world.edit_salesforce("Lead", &lead, &json!({ "Website": website }));
        } else {
            world.edit_hubspot("contacts", &contact, &json!({ "website": website }));
        }
        world.advance(5);
        world.pull().await;
        let (there, here) = in_both(&world, "Website", "website");
        let is_empty = |value: &Value| value.as_str().unwrap_or_default().is_empty();
        assert_eq!([is_empty(&there), is_empty(&here)], [website.is_empty(); 2], "{crm}: {there} {here}");
        // Long enough for nobody to be taken for automations that fight.
        world.advance(3_700);
    };
    // Nobody had said it before, so it was never written where it is said. It is emptied there, then elsewhere.
    for (number, (first, then)) in
        [(SALESFORCE, SALESFORCE), (HUBSPOT, HUBSPOT), (SALESFORCE, HUBSPOT), (HUBSPOT, SALESFORCE)].iter().enumerate()
    {
        website(first, &format!("https://kranich{number}.example")).await;
        website(then, "").await;
    }
    world.end().await;
}

async fn a_crm_keeps_what_it_insists_on_when_another_is_emptied(store: Store) {
    let world = World::new(store).await;
    let (person, _, contact) = known(&world).await;
    world.edit_hubspot("contacts", &contact, &json!({ "lastname": "", "company": "" }));
    world.advance(5);
    world.pull().await;
    let lead = &world.in_salesforce("Lead")[0];
    assert_eq!((&lead["LastName"], &lead["Company"]), (&json!("Kranich"), &json!("Kranichwerk GmbH")));
    let held = world.link(SALESFORCE, person).await.held.0;
    let codes: Vec<(&str, &str)> = held.iter().map(|(name, held)| (name.as_str(), held.code.as_str())).collect();
    assert_eq!(codes, [("Company", "required_there"), ("LastName", "required_there")]);
    // Once somebody says it again it is told, and nothing is held.
    world.advance(5);
    world.edit_hubspot("contacts", &contact, &json!({ "lastname": "Reiher", "company": "Reiher AG" }));
    world.advance(5);
    world.pull().await;
    let lead = &world.in_salesforce("Lead")[0];
    assert_eq!((&lead["LastName"], &lead["Company"]), (&json!("Reiher"), &json!("Reiher AG")));
    assert!(world.link(SALESFORCE, person).await.held.0.is_empty());
    world.end().await;
}

async fn no_list_takes_back_an_address_that_was_put_right(store: Store) {
    let world = World::new(store).await;
    let (person, _, contact) = known(&world).await;
    let right = "anna.reiher@kranichwerk.example";
    world.edit_hubspot("contacts", &contact, &json!({ "email": right }));
    world.advance(5);
    world.pull().await;
    assert_eq!(in_both(&world, "Email", "email"), both(right));
    world.advance(60);
    // The badge tells who it is; the address on it is last year's.
    assert_eq!(world.lead(anna()).await, person);
    assert_eq!(in_both(&world, "Email", "email"), both(right));
    world.end().await;
}

async fn an_address_that_a_contact_had_stays_its_main_one(store: Store) {
    let world = World::new(store).await;
    let main = "kranich@kranichwerk.example";
    let contact = world.edit_hubspot(
        "contacts",
        "new",
        &json!({ "email": main, "firstname": "Anna", "lastname": "Kranich",
            "hs_additional_emails": "anna.kranich@kranichwerk.example" }),
    );
    world.advance(20);
    let person = world.lead(anna()).await;
    assert_eq!(world.link(HUBSPOT, person).await.remote_id, contact["id"].as_str().map(str::to_owned));
    assert_eq!(world.in_hubspot("contacts").len(), 1);
    assert_eq!(in_both(&world, "Email", "email"), both(main));
    world.end().await;
}

async fn two_automations_that_fight_are_stopped_and_a_person_is_asked(store: Store) {
    let world = World::new(store).await;
    let (person, lead, contact) = known(&world).await;
    let writes = || world.calls(Vendor::Salesforce, SALESFORCE_WRITES) + world.calls(Vendor::Hubspot, HUBSPOT_WRITES);
    let before = writes();
    // One CRM wants capitals, the other one does not.
    for _ in 0..12 {
        let (city, _) = in_both(&world, "City", "city");
        if city == json!("STUTTGART") {
            world.edit_salesforce("Lead", &lead, &json!({ "City": "Stuttgart" }));
        }
        let (_, city) = in_both(&world, "City", "city");
        if city == json!("Stuttgart") {
            world.edit_hubspot("contacts", &contact, &json!({ "city": "STUTTGART" }));
        }
        world.advance(5);
        world.pull().await;
        world.advance(5);
    }
    assert!(writes() - before <= 4, "{} writes", writes() - before);
    let questions = world.store.reviews_of(person).await.unwrap();
    let asked: Vec<&str> = questions.iter().map(|question| question.question.as_str()).collect();
    assert_eq!(asked, ["field_contested"]);
    let (city, there) = in_both(&world, "City", "city");
    assert_ne!(city, there, "one of them was stopped");
    // Whose value holds, a person says: here that of the CRM that was not written to any more.
    world.answer(questions[0].id, "theirs").await.unwrap();
    world.settle().await;
    let (city, there) = in_both(&world, "City", "city");
    assert_eq!(city, there);
    assert!(world.link(SALESFORCE, person).await.held.0.is_empty());
    // A person's edit afterwards is taken.
    world.advance(5);
    world.edit_salesforce("Lead", &lead, &json!({ "City": "Ulm" }));
    world.advance(5);
    world.pull().await;
    assert_eq!(in_both(&world, "City", "city"), both("Ulm"));
    world.end().await;
}
