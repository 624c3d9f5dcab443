//! What the CRMs knew before is known again, and not made twice.

use mittler_core::{Field, Kind, SourceKind, job::Task};
use mittler_store::{Store, links::LinkLine};
use mittler_sync::question::{Question, QuestionKind};
use serde_json::json;

use super::{
    moved::merge,
    world::{HUBSPOT, SALESFORCE, Setup, World, anna, guest},
};

on_every_database!(
    a_known_contact_becomes_a_member_with_a_task_and_no_second_person,
    a_known_lead_is_updated_but_what_it_knows_better_stays,
    a_converted_lead_is_followed_to_its_contact,
    a_contact_that_somebody_made_by_hand_in_hubspot_is_adopted,
    a_company_without_a_domain_there_is_found_by_a_name_that_is_hardly_borne_twice,
    a_company_of_an_ordinary_name_is_asked_about,
    a_company_of_the_same_name_with_another_domain_is_another,
    a_company_that_somebody_made_a_moment_ago_is_known_from_the_hook_before_a_search_shows_it,
    a_company_that_somebody_makes_while_we_make_it_is_asked_about_until_the_two_are_merged,
);

async fn companies(world: &World, theirs: serde_json::Value, name: &str) -> (String, LinkLine) {
    let there = world.edit_hubspot("companies", "new", &theirs)["id"].as_str().unwrap().to_owned();
    world.advance(60);
    let mut lead = anna();
    lead["company"] = json!(name);
    let person = world.lead(lead).await;
    let company = world.record(person).await.fields.reference(&Field::ORGANISATION).unwrap();
    (there, world.link(HUBSPOT, company).await)
}

async fn a_company_without_a_domain_there_is_found_by_a_name_that_is_hardly_borne_twice(store: Store) {
    let world = World::new(store).await;
    let (there, link) = companies(
        &world,
        json!({ "name": "Kranichwerk Esslinger Hebetechnik GmbH" }),
        "Kranichwerk Esslinger Hebetechnik GmbH",
    )
    .await;
    assert_eq!(link.remote_id, Some(there));
    assert_eq!(world.in_hubspot("companies").len(), 1);
    world.end().await;
}

async fn a_company_of_an_ordinary_name_is_asked_about(store: Store) {
    let world = World::new(store).await;
    let (there, link) = companies(&world, json!({ "name": "Huber GmbH" }), "Huber GmbH").await;
    assert_eq!((link.remote_id, link.state.name(), link.code.as_deref()), (None, "refused", Some("same_name")));
    assert_eq!(world.in_hubspot("companies").len(), 1);
    let asked = world.store.reviews_open(None, 9).await.unwrap();
    let asked = asked.iter().find(|review| review.reason == "same_name").unwrap();
    world.answer(asked.id, &format!("link:companies:{there}")).await.unwrap();
    world.settle().await;
    assert_eq!(world.link(HUBSPOT, asked.record.into()).await.remote_id, Some(there));
    assert_eq!(world.in_hubspot("companies")[0]["properties"]["domain"], json!("kranichwerk.example"));
    world.end().await;
}

async fn a_company_of_the_same_name_with_another_domain_is_another(store: Store) {
    let world = World::new(store).await;
    let theirs = json!({ "name": "Kranichwerk Esslinger Hebetechnik GmbH", "domain": "ganz-anders.example" });
    let (there, link) = companies(&world, theirs, "Kranichwerk Esslinger Hebetechnik GmbH").await;
    assert_ne!(link.remote_id, Some(there));
    assert_eq!(world.in_hubspot("companies").len(), 2);
    world.end().await;
}

const EMAIL: &str = "anna.kranich@kranichwerk.example";

async fn a_known_contact_becomes_a_member_with_a_task_and_no_second_person(store: Store) {
    let world = World::new(store).await;
    let account = world.edit_salesforce("Account", "", &json!({ "Name": "Kranichwerk GmbH" }))["Id"].clone();
    let contact = world.edit_salesforce(
        "Contact",
        "",
        &json!({ "FirstName": "Anna", "LastName": "Kranich", "Email": EMAIL, "AccountId": account }),
    )["Id"]
        .clone();
    let person = world.lead(anna()).await;
    assert!(world.in_salesforce("Lead").is_empty(), "a known contact was made a lead as well");
    assert_eq!(world.in_salesforce("Contact").len(), 1);
    let members = world.in_salesforce("CampaignMember");
    assert_eq!((members.len(), &members[0]["ContactId"]), (1, &contact));
    let tasks = world.in_salesforce("Task");
    assert_eq!((tasks.len(), &tasks[0]["WhoId"]), (1, &contact));
    let link = world.link(SALESFORCE, person).await;
    assert_eq!((link.remote_type.as_str(), link.remote_id.as_deref()), ("Contact", contact.as_str()));
    world.end().await;
}

async fn a_known_lead_is_updated_but_what_it_knows_better_stays(store: Store) {
    let world = World::new(store).await;
    let lead = world.edit_salesforce(
        "Lead",
        "",
        &json!({ "FirstName": "Anna", "LastName": "Kranich-Wiese", "Company": "Kranichwerk GmbH", "Email": EMAIL,
            "Title": "Geschäftsführerin" }),
    )["Id"]
        .clone();
    // The badge was scanned before somebody corrected the lead by hand.
    let mut scan = anna();
    scan["scanned_at"] = json!("2026-04-14T10:00:00+02:00");
    let person = world.lead(scan).await;
    let leads = world.in_salesforce("Lead");
    assert_eq!((leads.len(), &leads[0]["Id"]), (1, &lead));
    let of = |name: &str| leads[0][name].as_str().map(str::to_owned);
    assert_eq!(of("LastName").as_deref(), Some("Kranich-Wiese"), "an older value replaced a newer one");
    assert_eq!(of("Title").as_deref(), Some("Geschäftsführerin"));
    assert_eq!(of("City").as_deref(), Some("Stuttgart"), "what the lead did not have was not added");
    // What Salesforce said is a claim with its source, and so the record's and HubSpot's as well.
    let record = world.record(person).await;
    let name = record.fields.sourced(&Field::LAST_NAME).unwrap();
    assert_eq!((name.source.kind, name.value.display().as_str()), (SourceKind::Crm, "Kranich-Wiese"));
    assert_eq!(world.hubspot_with("contacts", "lastname", "Kranich-Wiese").len(), 1);
    world.end().await;
}

async fn a_converted_lead_is_followed_to_its_contact(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    world.advance(2);
    world.edit_salesforce("Lead", &lead, &json!({ "IsConverted": true }));
    world.advance(2);
    let mut later = anna();
    later["position"] = json!("Prokuristin");
    assert_eq!(world.lead(later).await, person);
    let contacts = world.in_salesforce("Contact");
    assert_eq!((contacts.len(), contacts[0]["Title"].as_str()), (1, Some("Prokuristin")));
    let link = world.link(SALESFORCE, person).await;
    assert_eq!((link.remote_type.as_str(), link.remote_id.as_deref()), ("Contact", contacts[0]["Id"].as_str()));
    assert_eq!(world.in_salesforce("Lead").iter().filter(|lead| lead["IsConverted"] != json!(true)).count(), 0);
    world.end().await;
}

async fn a_contact_that_somebody_made_by_hand_in_hubspot_is_adopted(store: Store) {
    let world = World::new(store).await;
    let made = world.edit_hubspot(
        "contacts",
        "new",
        &json!({ "email": EMAIL, "firstname": "Anna", "lastname": "Kranich", "mobilephone": "0171 5550900" }),
    );
    world.advance(2);
    let person = world.lead(anna()).await;
    let contacts = world.in_hubspot("contacts");
    assert_eq!((contacts.len(), &contacts[0]["id"]), (1, &made["id"]));
    let link = world.link(HUBSPOT, person).await;
    assert_eq!(link.remote_id.as_deref(), made["id"].as_str());
    assert_eq!(contacts[0]["properties"]["mittler_id"], json!(person.to_string()));
    assert_eq!(contacts[0]["properties"]["jobtitle"], json!("Leiterin Einkauf"));
    // The number that only HubSpot had is the record's now, and Salesforce's.
    let leads = world.in_salesforce("Lead");
    assert_eq!(leads[0]["MobilePhone"], json!("+491715550900"));
    let visit = world.link_about(HUBSPOT, person, Kind::Participation).await;
    assert!(visit.remote_id.is_some(), "{visit:?}");
    world.end().await;
}

/// A HubSpot whose search shows nothing of what was made in the last ten minutes.
async fn lagging(store: Store) -> World {
    let mut setup = Setup::default();
    setup.sandbox.hubspot.search_lag_ms = 600_000;
    World::with(store, setup).await
}

/// A hook tells of a company in HubSpot.
async fn hook(world: &World, id: &str) {
    let now = world.clock.now();
    world
        .ask(Task::Read {
            connection: world.id(HUBSPOT),
            remote_type: "companies".into(),
            ids: vec![id.into()],
            not_before: now,
            since: Some(now),
        })
        .await;
    world.settle().await;
}

fn companies_of(world: &World, domain: &str) -> usize {
    world.hubspot_with("companies", "domain", domain).len()
}

async fn a_company_that_somebody_made_a_moment_ago_is_known_from_the_hook_before_a_search_shows_it(store: Store) {
    let world = lagging(store).await;
    let by_domain = json!({ "name": "Kranichwerk", "domain": "kranichwerk.example" });
    let by_domain = world.edit_hubspot("companies", "new", &by_domain)["id"].as_str().unwrap().to_owned();
    let by_name = json!({ "name": "Drehmark Präzision GmbH" });
    let by_name = world.edit_hubspot("companies", "new", &by_name)["id"].as_str().unwrap().to_owned();
    for id in [&by_domain, &by_name] {
        hook(&world, id).await;
    }
    let anna = world.lead(anna()).await;
    let mut other = guest(4);
    other["company"] = json!("Drehmark Präzision GmbH");
    let other = world.lead(other).await;
    for (person, there) in [(anna, by_domain), (other, by_name)] {
        let company = world.record(person).await.fields.reference(&Field::ORGANISATION).unwrap();
        assert_eq!(world.link(HUBSPOT, company).await.remote_id, Some(there));
    }
    assert_eq!(world.in_hubspot("companies").len(), 2);
    world.advance(30);
    world.settle().await;
    assert_eq!(world.store.review_count().await.unwrap(), 0);
    world.end().await;
}

async fn a_company_that_somebody_makes_while_we_make_it_is_asked_about_until_the_two_are_merged(store: Store) {
    let world = lagging(store).await;
    let person = world.lead(anna()).await;
    let company = world.record(person).await.fields.reference(&Field::ORGANISATION).unwrap();
    let ours = world.link(HUBSPOT, company).await.remote_id.unwrap();
    let another = json!({ "name": "Ganz Anders AG", "domain": "ganz-anders.example" });
    let another = world.edit_hubspot("companies", "new", &another)["id"].as_str().unwrap().to_owned();
    let double = json!({ "name": "Kranichwerk", "domain": "kranichwerk.example" });
    let double = world.edit_hubspot("companies", "new", &double)["id"].as_str().unwrap().to_owned();
    for id in [&another, &double] {
        hook(&world, id).await;
    }
    assert_eq!(companies_of(&world, "kranichwerk.example"), 2);
    world.advance(30);
    world.settle().await;
    let asked = world.store.reviews_open(None, 9).await.unwrap();
    assert_eq!(asked.len(), 1, "{asked:?}");
    let question = Question::of(&asked[0]);
    assert_eq!((question.kind, question.reason.as_str()), (QuestionKind::RemoteDuplicate, "made_meanwhile"));
    assert_eq!(question.record, company);
    let named: Vec<&str> = question.remotes.iter().map(|remote| remote.remote_id.as_str()).collect();
    assert_eq!(named, [ours.as_str(), double.as_str()]);
    let new = merge(&world, "companies", &ours, &double).await;
    hook(&world, &ours).await;
    assert_eq!(world.store.review_count().await.unwrap(), 0);
    assert_eq!(world.link(HUBSPOT, company).await.remote_id, Some(new));
    world.end().await;
}
