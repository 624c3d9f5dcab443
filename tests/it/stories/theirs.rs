//! What a CRM had before us stays, and who is not surely the same is left to a person.

use mittler_core::{Field, Kind, RecordId};
use mittler_ingest::{FairParams, LeadParams};
use mittler_sandbox::{Vendor, salesforce::ValidationRule};
use mittler_store::{Store, reviews::ReviewLine};
use mittler_sync::Mode;
use serde_json::{Value, json};

use super::world::{HUBSPOT, SALESFORCE, SALESFORCE_WRITES, Setup, World, anna, fair, stand};

on_every_database!(
    what_an_adopted_contact_had_is_not_taken_away,
    a_fair_without_dates_leaves_those_of_its_campaign,
    a_field_that_is_mapped_no_more_keeps_its_value,
    a_changed_mapping_tries_held_fields_again,
    a_contact_that_gains_the_address_of_another_stays_itself,
    a_lead_that_gains_the_address_of_a_contact_is_a_question,
    a_mailbox_that_several_read_names_nobody,
    another_surname_at_the_address_is_a_question,
    two_that_fit_equally_are_a_question,
    last_years_fair_of_the_same_name_is_another,
    what_an_adoption_tells_reaches_the_other_crm,
    who_is_kept_out_is_told_of_in_no_task_either,
);

const EMAIL: &str = "anna.kranich@kranichwerk.example";

async fn reviews(world: &World, record: RecordId) -> Vec<ReviewLine> {
    world.store.reviews_of(record).await.unwrap()
}

/// The reason and the ids of the one question about a record.
async fn question(world: &World, record: RecordId) -> (String, Value) {
    let mut all = reviews(world, record).await;
    assert_eq!(all.len(), 1, "{all:#?}");
    let review = all.remove(0);
    (review.reason, review.candidates.0["ids"].clone())
}

async fn what_an_adopted_contact_had_is_not_taken_away(store: Store) {
    let world = World::new(store).await;
    let holding = world.edit_salesforce("Account", "", &json!({ "Name": "Holding SE" }))["Id"].clone();
    let theirs = json!({ "FirstName": "Anna", "LastName": "Kranich", "Email": EMAIL, "AccountId": holding,
        "Department": "Zentraleinkauf", "Phone": "+4971155509", "MobilePhone": "+4971155509" });
    let contact = world.edit_salesforce("Contact", "", &theirs)["Id"].as_str().unwrap().to_owned();
    let by_hand = world.edit_hubspot("contacts", "new", &json!({ "email": EMAIL, "lastname": "Kranich" }));
    world.advance(2);
    let mut lead = anna();
    lead.as_object_mut().unwrap().remove("phone");
    let person = world.lead(lead.clone()).await;
    for position in ["Prokuristin", "Geschäftsführerin"] {
        world.advance(2);
        world.pull().await;
        lead["position"] = json!(position);
        assert_eq!(world.lead(lead.clone()).await, person);
        let contacts = world.in_salesforce("Contact");
        assert_eq!((contacts.len(), &contacts[0]["Id"]), (1, &json!(contact)));
        assert_eq!(contacts[0]["Title"], json!(position), "what changes here is told there");
        for (name, value) in theirs.as_object().unwrap() {
            assert_eq!(&contacts[0][name], value, "{name} was somebody else's");
        }
        assert_ne!(contacts[0]["HasOptedOutOfEmail"], json!(true));
    }
    // Nor did any intent so much as try.
    for intent in world.intents(SALESFORCE, person).await {
        let cleared: Vec<_> = intent.fields.0.0.iter().filter(|(_, value)| value.is_none()).collect();
        assert!(cleared.is_empty() && !intent.fields.0.0.contains_key("AccountId"), "{intent:?}");
    }
    assert_eq!(world.in_hubspot("contacts")[0]["id"], by_hand["id"]);
    world.end().await;
}

async fn a_fair_without_dates_leaves_those_of_its_campaign(store: Store) {
    let world = World::new(store).await;
    world.edit_salesforce(
        "Campaign",
        "",
        &json!({ "Name": "BEWEGA 2026", "StartDate": "2026-04-14", "EndDate": "2026-04-17", "IsActive": true }),
    );
    let params = LeadParams { fair: Some(FairParams { starts: None, ends: None, ..fair() }), ..stand() };
    world.door.lead(anna(), &params).await.unwrap();
    world.settle().await;
    let campaigns = world.in_salesforce("Campaign");
    assert_eq!(campaigns.len(), 1);
    assert_eq!((&campaigns[0]["StartDate"], &campaigns[0]["EndDate"]), (&json!("2026-04-14"), &json!("2026-04-17")));
    assert_eq!(world.in_salesforce("CampaignMember").len(), 1);
    world.end().await;
}

async fn a_field_that_is_mapped_no_more_keeps_its_value(store: Store) {
    let world = World::new(store).await;
    world.lead(anna()).await;
    assert_eq!(world.in_salesforce("Lead")[0]["City"], json!("Stuttgart"));
    world
        .set_mapping(SALESFORCE, |text| {
            text.replace("[object.fields.City]\nfrom = \"city\"\ntransform = [\"truncate:40\"]\n", "")
        })
        .await;
    let mut later = anna();
    later["position"] = json!("Prokuristin");
    world.lead(later).await;
    let lead = &world.in_salesforce("Lead")[0];
    assert_eq!((&lead["Title"], &lead["City"]), (&json!("Prokuristin"), &json!("Stuttgart")));
    world.end().await;
}

async fn a_changed_mapping_tries_held_fields_again(store: Store) {
    let mut setup = Setup::default();
    setup.sandbox.salesforce.validation_rules = vec![ValidationRule {
        object: "Lead".into(),
        field: "Title".into(),
        contains: Some("Einkauf".into()),
        message: "Dieser Wert ist hier nicht erlaubt.".into(),
    }];
    let world = World::with(store, setup).await;
    let person = world.lead(anna()).await;
    assert!(world.link(SALESFORCE, person).await.held.0.contains_key("Title"));
    let writes = world.calls(Vendor::Salesforce, SALESFORCE_WRITES);
    // The same settings again change nothing.
    world.set_mode(SALESFORCE, Mode::Full).await;
    world.settle().await;
    assert_eq!(world.calls(Vendor::Salesforce, SALESFORCE_WRITES), writes);
    world
        .set_mapping(SALESFORCE, |text| {
            text.replace(
                "from = \"position\"\ntransform = [\"truncate:128\"]",
                "from = \"position\"\ntransform = [\"truncate:9\"]",
            )
        })
        .await;
    world.settle().await;
    assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!("Leiterin"));
    let link = world.link(SALESFORCE, person).await;
    assert!(link.held.0.is_empty(), "what was written is held no more: {link:?}");
    world.end().await;
}

async fn a_contact_that_gains_the_address_of_another_stays_itself(store: Store) {
    let world = World::new(store).await;
    let mut badge = anna();
    badge.as_object_mut().unwrap().remove("email");
    let person = world.lead(badge).await;
    let ours = world.link(HUBSPOT, person).await.remote_id.unwrap();
    let by_hand =
        world.edit_hubspot("contacts", "new", &json!({ "email": EMAIL, "firstname": "Anna", "lastname": "Kranich" }));
    world.advance(2);
    // The organiser's list knows the address.
    assert_eq!(world.lead(anna()).await, person);
    let link = world.link(HUBSPOT, person).await;
    assert_eq!(link.remote_id.as_deref(), Some(ours.as_str()), "the link was moved");
    assert_eq!(link.held.0.get("email").map(|held| held.code.as_str()), Some("taken_there"), "{link:?}");
    assert_eq!((link.wanted, link.state.name()), (link.done, "open"));
    let named = reviews(&world, person).await;
    let named: Vec<&Value> = named
        .iter()
        .filter(|it| it.connection == Some(world.id(HUBSPOT).0))
        .map(|it| &it.candidates.0["ids"])
        .collect();
    assert_eq!(named, [&json!([by_hand["id"]])]);
    let contacts = world.in_hubspot("contacts");
    let other = contacts.iter().find(|contact| contact["id"] == by_hand["id"]).unwrap();
    assert!(other["properties"]["mittler_id"].is_null(), "{other}");
    // What else changes is told, to the one that is ours.
    let mut later = anna();
    later["position"] = json!("Prokuristin");
    world.lead(later).await;
    let contacts = world.hubspot_with("contacts", "jobtitle", "Prokuristin");
    assert_eq!((contacts.len(), &contacts[0]["id"]), (1, &json!(ours)));
    world.end().await;
}

async fn a_lead_that_gains_the_address_of_a_contact_is_a_question(store: Store) {
    let world = World::new(store).await;
    let mut badge = anna();
    badge.as_object_mut().unwrap().remove("email");
    let person = world.lead(badge).await;
    let contact = world.edit_salesforce("Contact", "", &json!({ "LastName": "Kranich", "Email": EMAIL }));
    world.advance(2);
    assert_eq!(world.lead(anna()).await, person);
    assert_eq!(world.link(SALESFORCE, person).await.remote_type, "Lead");
    assert_eq!(question(&world, person).await, ("address_of_another".into(), json!([contact["Id"]])));
    world.end().await;
}

async fn a_mailbox_that_several_read_names_nobody(store: Store) {
    let world = World::new(store).await;
    let desk = json!({ "LastName": "Empfang", "Email": "info@kranichwerk.example" });
    world.edit_salesforce("Contact", "", &desk);
    world.edit_hubspot("contacts", "new", &json!({ "lastname": "Empfang", "email": "info@kranichwerk.example" }));
    world.advance(2);
    let mut lead = anna();
    lead["email"] = json!("info@kranichwerk.example");
    let person = world.lead(lead).await;
    let link = world.link(SALESFORCE, person).await;
    assert_eq!((link.remote_type.as_str(), link.remote_id.is_some()), ("Lead", true), "{link:?}");
    let contacts = world.in_hubspot("contacts");
    let names: Vec<_> = contacts.iter().map(|contact| contact["properties"]["lastname"].as_str().unwrap()).collect();
    assert_eq!(names, ["Empfang", "Kranich"]);
    let link = world.link(HUBSPOT, person).await;
    assert_eq!(link.held.0.get("email").map(|held| held.code.as_str()), Some("taken_there"), "{link:?}");
    assert_eq!(world.record(person).await.fields.text(&Field::LAST_NAME), Some("Kranich"));
    world.end().await;
}

async fn another_surname_at_the_address_is_a_question(store: Store) {
    let world = World::new(store).await;
    let before = json!({ "FirstName": "Bernd", "LastName": "Storch", "Email": EMAIL, "Title": "Einkäufer" });
    let contact = world.edit_salesforce("Contact", "", &before);
    let person = world.lead(anna()).await;
    let contacts = world.in_salesforce("Contact");
    assert_eq!((&contacts[0]["LastName"], &contacts[0]["Title"]), (&json!("Storch"), &json!("Einkäufer")));
    assert!(world.in_salesforce("Lead").is_empty(), "nothing is made until somebody says");
    assert_eq!(question(&world, person).await, ("another_name".into(), json!([contact["Id"]])));
    let link = world.link(SALESFORCE, person).await;
    assert_eq!((link.state.name(), link.remote_id), ("refused", None));
    assert_eq!(world.record(person).await.fields.text(&Field::FIRST_NAME), Some("Anna"));
    world.end().await;
}

async fn two_that_fit_equally_are_a_question(store: Store) {
    let world = World::new(store).await;
    let twin = json!({ "FirstName": "Anna", "LastName": "Kranich", "Company": "Kranichwerk", "Email": EMAIL });
    let mut ids = [(); 2].map(|()| world.edit_salesforce("Lead", "", &twin)["Id"].as_str().unwrap().to_owned());
    ids.sort();
    let person = world.lead(anna()).await;
    assert_eq!(question(&world, person).await, ("several_found".into(), json!(ids)));
    assert!(world.in_salesforce("Lead").iter().all(|lead| lead["Title"].is_null()));
    assert_eq!(world.in_salesforce("Lead").len(), 2);
    let visit = world.link_about(SALESFORCE, person, Kind::Participation).await;
    assert_eq!(visit.code.as_deref(), Some("need_refused"));
    world.end().await;
}

async fn last_years_fair_of_the_same_name_is_another(store: Store) {
    let world = World::new(store).await;
    world.edit_salesforce("Campaign", "", &json!({ "Name": "BEWEGA 2026", "StartDate": "2025-04-15" }));
    world.lead(anna()).await;
    let campaigns = world.in_salesforce("Campaign");
    let mut starts: Vec<_> = campaigns.iter().map(|campaign| campaign["StartDate"].as_str().unwrap()).collect();
    starts.sort_unstable();
    assert_eq!(starts, ["2025-04-15", "2026-04-14"]);
    world.end().await;
}

async fn what_an_adoption_tells_reaches_the_other_crm(store: Store) {
    let world = World::new(store).await;
    world.set_mode(HUBSPOT, Mode::DryRun).await;
    world.lead(anna()).await;
    world.edit_hubspot(
        "contacts",
        "new",
        &json!({ "email": EMAIL, "firstname": "Anna", "lastname": "Kranich", "mobilephone": "0171 5550900" }),
    );
    world.advance(2);
    assert!(world.in_salesforce("Lead")[0]["MobilePhone"].is_null());
    // Only HubSpot is looked at; what it says is Salesforce's as well.
    world.set_mode(HUBSPOT, Mode::Full).await;
    world.settle().await;
    assert_eq!(world.in_salesforce("Lead")[0]["MobilePhone"], json!("+491715550900"));
    world.end().await;
}

async fn who_is_kept_out_is_told_of_in_no_task_either(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    assert_eq!(world.in_salesforce("Task")[0]["Priority"], json!("Normal"));
    let entries = world.keys.suppressions_of(&world.record(person).await.fields);
    let now = world.clock.now();
    world.store.write(async move |tx| tx.suppress(&entries, now).await).await.unwrap();
    world
        .set_mapping(SALESFORCE, |text| text.replace("const = \"Normal\"\ncreate_only = true", "const = \"High\""))
        .await;
    world.settle().await;
    assert_eq!(world.in_salesforce("Task")[0]["Priority"], json!("Normal"));
    let task = world.link_about(SALESFORCE, person, Kind::Activity).await;
    assert_eq!(task.code.as_deref(), Some("suppressed"), "{task:?}");
    world.end().await;
}
