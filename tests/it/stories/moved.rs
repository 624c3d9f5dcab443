//! Records that people merge, convert, delete and edit in the CRMs while we look, and while we write.

use std::time::Duration;

use mittler_connector::http::client;
use mittler_core::{Field, RecordId, SourceKind, job::Task};
use mittler_sandbox::Vendor;
use mittler_store::{Store, links::link_id};
use serde_json::{Value, json};

use super::world::{HUBSPOT, HUBSPOT_WRITES, SALESFORCE, World, anna};

on_every_database!(
    an_edit_that_meets_a_write_is_read_when_the_write_has_ended,
    a_number_that_somebody_emptied_stays_empty,
    a_number_in_another_form_is_the_same_number,
    a_corrected_spelling_is_a_correction,
    a_converted_lead_is_its_contact_with_all_that_it_says,
    the_account_that_a_conversion_made_is_the_company,
    a_merged_lead_is_the_one_that_was_kept,
    a_merged_contact_in_hubspot_is_the_new_one,
    two_of_ours_that_were_merged_are_a_question,
    of_two_merged_in_hubspot_the_one_whose_contact_survived_keeps_it,
    a_merge_that_no_hook_told_of_is_noticed_by_the_pull,
    a_write_that_meets_a_merge_waits_for_who_goes_on_with_it,
    what_was_deleted_is_a_question_and_what_was_brought_back_is_written_again,
    who_is_found_deleted_by_a_write_is_asked_about_and_so_is_who_is_deleted_again,
    who_puts_right_what_was_just_written_is_not_written_over,
    what_a_lead_took_along_into_its_contact_is_no_news,
    what_a_merged_contact_had_from_us_is_emptied_with_the_others,
);

pub async fn read(world: &World, crm: &str, remote_type: &str, id: &str) {
    let task = Task::Read {
        connection: world.id(crm),
        remote_type: remote_type.into(),
        ids: vec![id.into()],
        not_before: world.clock.now(),
        since: None,
    };
    world.ask(task).await;
    world.settle().await;
}

/// Somebody deletes a contact, and HubSpot tells of it; gives its id.
pub async fn delete_in_hubspot(world: &World, person: RecordId) -> String {
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    world.advance(10);
    world.edit_hubspot("contacts", &contact, &json!({ "archived": true }));
    world.advance(3);
    read(world, HUBSPOT, "contacts", &contact).await;
    contact
}

async fn questions(world: &World, person: RecordId) -> Vec<String> {
    let reviews = world.store.reviews_of(person).await.unwrap();
    reviews.into_iter().map(|review| review.question).collect()
}

async fn an_edit_that_meets_a_write_is_read_when_the_write_has_ended(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    world.advance(10);
    // Somebody is about to write to the contact.
    let (id, link) = (world.id(HUBSPOT), link_id(world.id(HUBSPOT), person));
    let lease = world.about_to_write(id, link).await;
    world.edit_hubspot("contacts", &contact, &json!({ "jobtitle": "Prokuristin" }));
    world.advance(2);
    world.ask(Task::Pull { connection: id }).await;
    world.run_due().await;
    assert_eq!(world.record(person).await.fields.text(&Field::POSITION), Some("Leiterin Einkauf"));
    world.store.write(async move |tx| tx.end_lease(lease).await).await.unwrap();
    // No further pull: what was passed over is remembered.
    world.settle().await;
    assert_eq!(world.record(person).await.fields.text(&Field::POSITION), Some("Prokuristin"));
    assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!("Prokuristin"));
    world.end().await;
}

async fn a_number_that_somebody_emptied_stays_empty(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    assert_eq!(world.in_salesforce("Lead")[0]["Phone"], json!("+497115550900"));
    world.advance(10);
    world.edit_hubspot("contacts", &contact, &json!({ "phone": "", "jobtitle": "" }));
    world.advance(3);
    world.pull().await;
    let fields = world.record(person).await.fields;
    assert!(fields.elements(&Field::PHONES).is_empty(), "{:?}", fields.elements(&Field::PHONES));
    assert_eq!(fields.text(&Field::POSITION), None);
    let lead = &world.in_salesforce("Lead")[0];
    assert_eq!((&lead["Phone"], &lead["Title"]), (&Value::Null, &Value::Null));
    let properties = &world.in_hubspot("contacts")[0]["properties"];
    assert!(properties["phone"].as_str().unwrap_or_default().is_empty(), "{properties}");
    let writes = world.writes();
    world.advance(3);
    world.pull().await;
    assert_eq!(world.writes(), writes, "it goes round");
    world.end().await;
}

async fn a_number_in_another_form_is_the_same_number(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    let before = (world.record(person).await.version, world.writes());
    world.advance(10);
    world.edit_hubspot("contacts", &contact, &json!({ "phone": "0711 / 555 09-00", "country": "Germany" }));
    world.advance(3);
    world.pull().await;
    assert_eq!((world.record(person).await.version, world.writes()), before);
    // A new number in the form of the house is taken, and left as it is written there.
    let hubspot = world.calls(Vendor::Hubspot, HUBSPOT_WRITES);
    world.edit_hubspot("contacts", &contact, &json!({ "phone": "0711 / 555 09-77" }));
    world.advance(3);
    world.pull().await;
    assert_eq!(world.in_salesforce("Lead")[0]["Phone"], json!("+497115550977"));
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["phone"], json!("0711 / 555 09-77"));
    assert_eq!(world.calls(Vendor::Hubspot, HUBSPOT_WRITES), hubspot);
    world.end().await;
}

async fn a_corrected_spelling_is_a_correction(store: Store) {
    let world = World::new(store).await;
    let mut shouted = anna();
    shouted["position"] = json!("Entwicklung C++");
    let person = world.lead(shouted).await;
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    world.advance(10);
    world.edit_hubspot("contacts", &contact, &json!({ "jobtitle": "Entwicklung C#", "city": "STUTTGART" }));
    world.advance(3);
    world.pull().await;
    let lead = &world.in_salesforce("Lead")[0];
    assert_eq!((lead["Title"].as_str(), lead["City"].as_str()), (Some("Entwicklung C#"), Some("STUTTGART")));
    world.end().await;
}

async fn a_converted_lead_is_its_contact_with_all_that_it_says(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    world.advance(10);
    world.edit_salesforce("Lead", &lead, &json!({ "IsConverted": true }));
    let contact = world.in_salesforce("Contact")[0]["Id"].as_str().unwrap().to_owned();
    world.advance(2);
    world.edit_salesforce("Contact", &contact, &json!({ "Title": "Prokuristin", "Department": "Einkauf" }));
    world.advance(3);
    world.pull().await;
    let link = world.link(SALESFORCE, person).await;
    assert_eq!((link.remote_type.as_str(), link.remote_id.as_deref()), ("Contact", Some(contact.as_str())));
    let record = world.record(person).await;
    let position = record.fields.sourced(&Field::POSITION).unwrap();
    assert_eq!((position.value.display().as_str(), position.source.kind), ("Prokuristin", SourceKind::Crm));
    assert_eq!(record.fields.text(&Field::DEPARTMENT), Some("Einkauf"));
    assert_eq!(world.in_salesforce("Contact")[0]["Title"], json!("Prokuristin"), "the contact was written over");
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["jobtitle"], json!("Prokuristin"));
    world.end().await;
}

async fn the_account_that_a_conversion_made_is_the_company(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let company = world.record(person).await.fields.reference(&Field::ORGANISATION).unwrap();
    assert!(world.link(SALESFORCE, company).await.remote_id.is_none());
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    world.advance(10);
    world.edit_salesforce("Lead", &lead, &json!({ "IsConverted": true }));
    world.advance(3);
    world.pull().await;
    let account = world.in_salesforce("Account")[0]["Id"].as_str().unwrap().to_owned();
    assert_eq!(world.link(SALESFORCE, company).await.remote_id, Some(account.clone()));
    world.advance(10);
    world.edit_salesforce("Account", &account, &json!({ "BillingCity": "Kornwestheim" }));
    world.advance(3);
    world.pull().await;
    assert_eq!(world.in_hubspot("companies")[0]["properties"]["city"], json!("Kornwestheim"));
    world.end().await;
}

async fn a_merged_lead_is_the_one_that_was_kept(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let lost = world.link(SALESFORCE, person).await.remote_id.unwrap();
    let kept = world.edit_salesforce(
        "Lead",
        "",
        &json!({ "LastName": "Kranich-Wiese", "Company": "Kranichwerk GmbH", "Email": "wiese@kranichwerk.example" }),
    );
    world.advance(10);
    world.edit_salesforce("Lead", &lost, &json!({ "MasterRecordId": kept["Id"] }));
    world.advance(3);
    world.pull().await;
    let link = world.link(SALESFORCE, person).await;
    assert_eq!((link.state.name(), link.remote_id.as_deref()), ("open", kept["Id"].as_str()));
    assert_eq!(world.record(person).await.fields.text(&Field::LAST_NAME), Some("Kranich-Wiese"));
    assert!(questions(&world, person).await.is_empty());
    world.end().await;
}

/// Merges two contacts or companies as a person does in HubSpot; gives the id of the third that they become.
pub async fn merge(world: &World, kind: &str, one: &str, other: &str) -> String {
    let access = world.sandbox.access().hubspot;
    let url = format!("{}/crm/objects/2026-09/{kind}/merge", access.base_url);
    let body = json!({ "primaryObjectId": one, "objectIdToMerge": other }).to_string();
    let call = client(Duration::from_secs(60)).unwrap().post(url).bearer_auth(access.access_token);
    let answer = call.header("content-type", "application/json").body(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    let merged: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    merged["id"].as_str().unwrap().to_owned()
}

async fn a_merged_contact_in_hubspot_is_the_new_one(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let ours = world.link(HUBSPOT, person).await.remote_id.unwrap();
    let other = world.edit_hubspot(
        "contacts",
        "new",
        &json!({ "email": "wiese@kranichwerk.example", "lastname": "Kranich", "website": "https://kranichwerk.example" }),
    );
    world.advance(10);
    let new = merge(&world, "contacts", &ours, other["id"].as_str().unwrap()).await;
    world.advance(3);
    // A webhook tells of the old id.
    read(&world, HUBSPOT, "contacts", &ours).await;
    let link = world.link(HUBSPOT, person).await;
    assert_eq!((link.state.name(), link.remote_id.as_deref()), ("open", Some(new.as_str())));
    assert_eq!(world.record(person).await.fields.text(&Field::WEBSITE), Some("https://kranichwerk.example"));
    let mut later = anna();
    later["position"] = json!("Prokuristin");
    world.lead(later).await;
    let contacts = world.in_hubspot("contacts");
    assert_eq!((contacts.len(), &contacts[0]["properties"]["jobtitle"]), (1, &json!("Prokuristin")));
    world.end().await;
}

async fn two_of_ours_that_were_merged_are_a_question(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let second = world
        .lead(json!({ "first_name": "Bert", "last_name": "Specht", "email": "bert.specht@spechtbau.example", "country": "DE" }))
        .await;
    let (one, two) = (
        world.link(SALESFORCE, person).await.remote_id.unwrap(),
        world.link(SALESFORCE, second).await.remote_id.unwrap(),
    );
    world.advance(10);
    world.edit_salesforce("Lead", &two, &json!({ "MasterRecordId": one }));
    world.advance(3);
    world.pull().await;
    assert_eq!(questions(&world, second).await, ["same_person"]);
    assert_eq!(world.link(SALESFORCE, second).await.state.name(), "gone");
    assert_eq!(world.link(SALESFORCE, person).await.remote_id.as_deref(), Some(one.as_str()));
    world.end().await;
}

/// Six pairs of people who have nothing to do with each other, linked to both CRMs.
async fn pairs(world: &World) -> Vec<[RecordId; 2]> {
    let mut pairs = Vec::new();
    for n in 0..6 {
        let mut pair = Vec::new();
        for side in ["ost", "west"] {
            let lead = json!({ "first_name": side, "last_name": format!("Falter{n}"), "company": format!("{side}{n} AG"),
                               "email": format!("falter@{side}{n}.example"), "country": "DE" });
            pair.push(world.lead(lead).await);
        }
        pairs.push([pair[0], pair[1]]);
    }
    pairs
}

async fn contacts_of(world: &World, pair: &[RecordId; 2]) -> [String; 2] {
    let contact = async |person| world.link(HUBSPOT, person).await.remote_id.unwrap();
    [contact(pair[0]).await, contact(pair[1]).await]
}

/// The one whose contact survived goes on with it; the other is as it was, and somebody is asked.
async fn survived(world: &World, kept: RecordId, other: RecordId, new: &str) {
    let link = world.link(HUBSPOT, kept).await;
    assert_eq!((link.state.name(), link.remote_id.as_deref()), ("open", Some(new)));
    assert!(questions(world, kept).await.is_empty());
    assert_eq!(world.link(HUBSPOT, other).await.state.name(), "gone");
    assert_eq!(questions(world, other).await, ["same_person"]);
    for (person, says) in [(kept, world.record(kept).await), (other, world.record(other).await)] {
        let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
        let leads = world.in_salesforce("Lead");
        let lead = leads.iter().find(|it| it["Id"] == json!(lead)).unwrap();
        assert_eq!(lead["Email"].as_str(), says.fields.text(&Field::EMAILS));
        assert_eq!(lead["FirstName"].as_str(), says.fields.text(&Field::FIRST_NAME));
    }
    let addresses = |record: &mittler_core::Record| record.fields.text(&Field::EMAILS).map(str::to_owned);
    assert_ne!(addresses(&world.record(kept).await), addresses(&world.record(other).await));
}

async fn of_two_merged_in_hubspot_the_one_whose_contact_survived_keeps_it(store: Store) {
    let world = World::new(store).await;
    let pairs = pairs(&world).await;
    world.advance(10);
    for (n, pair) in pairs.iter().enumerate() {
        let contacts = contacts_of(&world, pair).await;
        // Now the elder of the two is the primary, now the younger.
        let (kept, other) = (n % 2, 1 - n % 2);
        let new = merge(&world, "contacts", &contacts[kept], &contacts[other]).await;
        world.advance(3);
        // The hook may name either first, and each alone.
        let first = if n < 3 { kept } else { other };
        read(&world, HUBSPOT, "contacts", &contacts[first]).await;
        read(&world, HUBSPOT, "contacts", &contacts[1 - first]).await;
        survived(&world, pair[kept], pair[other], &new).await;
    }
    world.end().await;
}

async fn a_merge_that_no_hook_told_of_is_noticed_by_the_pull(store: Store) {
    let world = World::new(store).await;
    let pairs = pairs(&world).await;
    world.pull().await;
    world.advance(10);
    for (n, pair) in pairs.iter().enumerate().take(2) {
        let contacts = contacts_of(&world, pair).await;
        let (kept, other) = (1 - n % 2, n % 2);
        let new = merge(&world, "contacts", &contacts[kept], &contacts[other]).await;
        world.advance(20);
        world.pull().await;
        survived(&world, pair[kept], pair[other], &new).await;
    }
    world.end().await;
}

async fn a_write_that_meets_a_merge_waits_for_who_goes_on_with_it(store: Store) {
    let world = World::new(store).await;
    let pair = pairs(&world).await[0];
    let contacts = contacts_of(&world, &pair).await;
    world.advance(10);
    let new = merge(&world, "contacts", &contacts[0], &contacts[1]).await;
    world.advance(3);
    // The one whose contact is no more is written first.
    let edit = json!({ "first_name": "west", "last_name": "Falter0", "email": "falter@west0.example", "position": "Imkerin", "country": "DE" });
    world.lead(edit).await;
    survived(&world, pair[0], pair[1], &new).await;
    let contacts = world.in_hubspot("contacts");
    let contact = contacts.iter().find(|it| it["id"] == json!(new)).unwrap();
    assert_eq!(contact["properties"]["jobtitle"], json!(null), "the primary got what was said of the other");
    world.end().await;
}

async fn what_was_deleted_is_a_question_and_what_was_brought_back_is_written_again(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    // Told twice, as HubSpot does.
    let contact = delete_in_hubspot(&world, person).await;
    read(&world, HUBSPOT, "contacts", &contact).await;
    assert_eq!(world.link(HUBSPOT, person).await.state.name(), "gone");
    assert_eq!(questions(&world, person).await, ["deleted_there"]);
    let mut later = anna();
    later["position"] = json!("Prokuristin");
    world.lead(later).await;
    assert!(world.in_hubspot("contacts").is_empty(), "what somebody deleted was made again");
    world.edit_hubspot("contacts", &contact, &json!({ "archived": false }));
    world.advance(3);
    read(&world, HUBSPOT, "contacts", &contact).await;
    let link = world.link(HUBSPOT, person).await;
    assert_eq!((link.state.name(), link.code), ("open", None));
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["jobtitle"], json!("Prokuristin"));
    let asked = world.store.reviews_of(person).await.unwrap();
    assert!(asked.iter().all(|review| review.state.name() != "open"), "the deletion is still asked about");
    world.end().await;
}

async fn who_is_found_deleted_by_a_write_is_asked_about_and_so_is_who_is_deleted_again(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    let open = async || {
        let asked = world.store.reviews_of(person).await.unwrap();
        asked
            .into_iter()
            .filter(|review| review.state.name() == "open")
            .map(|review| review.question)
            .collect::<Vec<_>>()
    };
    for round in ["Leiterin", "Prokuristin"] {
        world.advance(60);
        world.edit_salesforce("Lead", &lead, &json!({ "IsDeleted": true }));
        world.advance(3);
        // Nothing told of it: what is written next meets it.
        let mut later = anna();
        later["position"] = json!(round);
        world.lead(later).await;
        assert_eq!(world.link(SALESFORCE, person).await.state.name(), "gone");
        assert_eq!(open().await, ["deleted_there"], "{round}");
        world.edit_salesforce("Lead", &lead, &json!({ "IsDeleted": false }));
        world.advance(3);
        read(&world, SALESFORCE, "Lead", &lead).await;
        assert_eq!(world.link(SALESFORCE, person).await.state.name(), "open");
        assert!(open().await.is_empty(), "{round}");
        assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!(round));
    }
    world.end().await;
}

async fn who_puts_right_what_was_just_written_is_not_written_over(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    world.advance(60);
    world.edit_salesforce("Lead", &lead, &json!({ "City": "Neustadt" }));
    world.advance(3);
    read(&world, SALESFORCE, "Lead", &lead).await;
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["city"], json!("Neustadt"));
    // Of the two only Salesforce tells of its one.
    world.advance(3);
    world.edit_salesforce("Lead", &lead, &json!({ "City": "Neustatt" }));
    world.advance(4);
    world.edit_hubspot("contacts", &contact, &json!({ "city": "Neustadt an der Aisch" }));
    world.advance(3);
    read(&world, SALESFORCE, "Lead", &lead).await;
    let cities = (&world.in_salesforce("Lead")[0]["City"], &world.in_hubspot("contacts")[0]["properties"]["city"]);
    let right = json!("Neustadt an der Aisch");
    assert_eq!(cities, (&right, &right));
    world.end().await;
}

async fn what_a_lead_took_along_into_its_contact_is_no_news(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    world.advance(60);
    world.pull().await;
    world.advance(60);
    // Nobody has read that yet when the lead is converted, and its contact has the old title.
    world.edit_hubspot("contacts", &contact, &json!({ "jobtitle": "Prokuristin", "city": "" }));
    world.advance(10);
    world.edit_salesforce("Lead", &lead, &json!({ "IsConverted": true }));
    world.advance(5);
    world.pull().await;
    let there = &world.in_salesforce("Contact")[0];
    assert_eq!((&there["Title"], &there["MailingCity"]), (&json!("Prokuristin"), &Value::Null));
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["jobtitle"], json!("Prokuristin"));
    // Emptied where it is a contact now, it is empty in the other, too.
    world.advance(60);
    world.edit_salesforce("Contact", there["Id"].as_str().unwrap(), &json!({ "Title": null }));
    world.advance(5);
    world.pull().await;
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["jobtitle"], Value::Null);
    world.end().await;
}

async fn what_a_merged_contact_had_from_us_is_emptied_with_the_others(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    let ours = world.link(HUBSPOT, person).await.remote_id.unwrap();
    let other = json!({ "email": "wiese@kranichwerk.example", "lastname": "Kranich" });
    let other = world.edit_hubspot("contacts", "new", &other);
    world.advance(10);
    merge(&world, "contacts", &ours, other["id"].as_str().unwrap()).await;
    world.advance(3);
    let writes = world.calls(Vendor::Hubspot, HUBSPOT_WRITES);
    read(&world, HUBSPOT, "contacts", &ours).await;
    assert_eq!(world.calls(Vendor::Hubspot, HUBSPOT_WRITES), writes, "what it has was written again");
    world.advance(60);
    world.edit_salesforce("Lead", &lead, &json!({ "City": null }));
    world.advance(5);
    world.pull().await;
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["city"], Value::Null);
    world.end().await;
}
