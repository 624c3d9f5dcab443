//! Whose lead it is: by rule, by deputy, by queue, with the reason, and as each CRM can hold it.

use mittler_connector_salesforce::Assignment;
use mittler_core::{Field, RecordId};
use mittler_ingest::{FairParams, LeadParams};
use mittler_store::Store;
use mittler_worker::follow::{Away, Routing, Rule};
use serde_json::json;

use super::world::{HUBSPOT, SALESFORCE, Setup, World, anna, fair, stand};

on_every_database!(
    a_rule_names_the_owner_in_both_crms_with_its_reason,
    a_deputy_stands_in_while_the_owner_is_away,
    a_queue_takes_a_lead_and_nothing_else,
    a_known_account_gives_its_new_leads_to_its_owner,
    an_owner_that_a_crm_does_not_know_is_a_question_and_held,
    what_an_unknown_owner_would_have_goes_to_who_gets_the_rest,
    an_owner_who_leaves_while_we_run_is_noticed_by_the_refusal,
    salesforces_own_assignment_rule_is_off_unless_it_is_switched_on,
    salesforces_own_assignment_rule_decides_where_it_is_switched_on,
    a_known_persons_task_of_another_fair_has_an_owner_too,
);

const SOUTH: &str = "vertrieb-sued@example.com";
const NORTH: &str = "vertrieb-nord@example.com";
/// By its label, as the routing table names it.
const QUEUE: &str = "Messe-Leads";

fn routing(away: Vec<Away>) -> Routing {
    let rule = Rule {
        name: "Süd".into(),
        country: vec!["DE".into()],
        postcode: Some(("7".into(), "9".into())),
        owner: SOUTH.into(),
        deputy: Some(NORTH.into()),
        ..Rule::default()
    };
    Routing { rule: vec![rule], otherwise: Some(QUEUE.into()), away }
}

async fn with(store: Store, routing: Routing, assignment: Assignment) -> World {
    let mut setup = Setup { routing, assignment, ..Setup::default() };
    setup.sandbox.salesforce.lead_assignment_owner = Some("innendienst@example.com".into());
    World::with(store, setup).await
}

fn user(world: &World, email: &str) -> serde_json::Value {
    world.salesforce_with("User", "Email", email)[0]["Id"].clone()
}

async fn reason(world: &World, person: RecordId) -> String {
    world.record(person).await.fields.text(&Field::OWNER_REASON).unwrap_or_default().to_owned()
}

async fn a_rule_names_the_owner_in_both_crms_with_its_reason(store: Store) {
    let world = with(store, routing(Vec::new()), Assignment::Off).await;
    let person = world.lead(anna()).await;
    assert_eq!(reason(&world, person).await, "routing rule Süd");
    let south = user(&world, SOUTH);
    assert_eq!(world.in_salesforce("Lead")[0]["OwnerId"], south);
    assert_eq!(world.in_salesforce("Task")[0]["OwnerId"], south);
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["hubspot_owner_id"], json!("41629779"));
    assert_eq!(world.in_hubspot("tasks")[0]["properties"]["hubspot_owner_id"], json!("41629779"));
    world.end().await;
}

async fn a_deputy_stands_in_while_the_owner_is_away(store: Store) {
    let away = Away { who: SOUTH.into(), from: jiff::civil::date(2020, 1, 1), until: jiff::civil::date(2099, 1, 1) };
    let world = with(store, routing(vec![away]), Assignment::Off).await;
    let person = world.lead(anna()).await;
    assert_eq!(reason(&world, person).await, "routing rule Süd, deputy while away");
    assert_eq!(world.in_salesforce("Lead")[0]["OwnerId"], user(&world, NORTH));
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["hubspot_owner_id"], json!("41629780"));
    world.end().await;
}

async fn a_queue_takes_a_lead_and_nothing_else(store: Store) {
    let world = with(store, routing(Vec::new()), Assignment::Off).await;
    let known = json!({ "FirstName": "Bert", "LastName": "Specht", "Email": "bert.specht@spechtbau.example" });
    let contact = world.edit_salesforce("Contact", "", &known);
    let mut lead = anna();
    lead["country"] = json!("FR");
    let person = world.lead(lead).await;
    assert_eq!(reason(&world, person).await, "no rule fits");
    let queue = world.salesforce_with("Group", "Name", QUEUE)[0]["Id"].clone();
    assert_eq!(world.in_salesforce("Lead")[0]["OwnerId"], queue);
    // A task cannot belong to a queue; it stays with the user that writes.
    let task = &world.in_salesforce("Task")[0];
    assert_ne!(task["OwnerId"], queue);
    assert!(world.in_hubspot("contacts")[0]["properties"].get("hubspot_owner_id").is_none());
    world.lead(json!({ "last_name": "Specht", "email": "bert.specht@spechtbau.example", "country": "FR" })).await;
    assert_eq!(world.in_salesforce("Contact")[0]["OwnerId"], contact["OwnerId"], "a contact was given away");
    world.end().await;
}

async fn a_known_account_gives_its_new_leads_to_its_owner(store: Store) {
    let world = with(store, routing(Vec::new()), Assignment::Off).await;
    let north = user(&world, NORTH);
    let account = json!({ "Name": "Kranichwerk GmbH", "Website": "https://www.kranichwerk.example", "OwnerId": north });
    world.edit_salesforce("Account", "", &account);
    // The company becomes known by its first lead.
    world.lead(anna()).await;
    let second = json!({ "first_name": "Bert", "last_name": "Specht", "email": "bert.specht@kranichwerk.example",
        "company": "Kranichwerk GmbH", "country": "DE", "postal_code": "70173" });
    let person = world.lead(second).await;
    assert_eq!(reason(&world, person).await, "owner of the account");
    assert_eq!(world.record(person).await.fields.text(&Field::OWNER), Some(NORTH));
    assert_eq!(world.salesforce_with("Lead", "LastName", "Specht")[0]["OwnerId"], north);
    assert_eq!(
        world.hubspot_with("contacts", "lastname", "Specht")[0]["properties"]["hubspot_owner_id"],
        json!("41629780")
    );
    // The account itself is never given to anybody, and keeps its address as it is written there.
    let account = &world.in_salesforce("Account")[0];
    assert_eq!((&account["OwnerId"], account["Website"].as_str()), (&north, Some("https://www.kranichwerk.example")));
    world.end().await;
}

async fn an_owner_that_a_crm_does_not_know_is_a_question_and_held(store: Store) {
    let mut routing = routing(Vec::new());
    routing.rule[0].owner = "niemand@example.com".into();
    routing.otherwise = None;
    let world = with(store, routing, Assignment::Off).await;
    let person = world.lead(anna()).await;
    let reviews = world.store.reviews_of(person).await.unwrap();
    let asked: Vec<&str> = reviews.iter().map(|review| review.question.as_str()).collect();
    assert_eq!(asked, ["owner_unknown", "owner_unknown"], "one for each CRM");
    for (crm, field) in [(SALESFORCE, "OwnerId"), (HUBSPOT, "hubspot_owner_id")] {
        let link = world.link(crm, person).await;
        assert!(link.remote_id.is_some(), "the lead itself is written: {link:?}");
        assert_eq!(link.held.0.get(field).map(|held| held.code.as_str()), Some("owner_unknown"));
    }
    world.end().await;
}

async fn owners_asked(world: &World, person: RecordId) -> usize {
    let reviews = world.store.reviews_of(person).await.unwrap();
    reviews.iter().filter(|review| review.question == "owner_unknown").count()
}

async fn what_an_unknown_owner_would_have_goes_to_who_gets_the_rest(store: Store) {
    let mut routing = routing(Vec::new());
    routing.rule[0].owner = "niemand@example.com".into();
    routing.otherwise = Some(NORTH.into());
    let world = with(store, routing, Assignment::Off).await;
    let person = world.lead(anna()).await;
    let north = user(&world, NORTH);
    assert_eq!(
        (&world.in_salesforce("Lead")[0]["OwnerId"], &world.in_salesforce("Task")[0]["OwnerId"]),
        (&north, &north)
    );
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["hubspot_owner_id"], json!("41629780"));
    assert_eq!(owners_asked(&world, person).await, 2, "one for each CRM, whatever the owner would have had");
    // Nobody is given away afterwards.
    let mut later = anna();
    later["position"] = json!("Prokuristin");
    world.lead(later).await;
    assert_eq!(world.in_salesforce("Lead")[0]["OwnerId"], north);
    world.end().await;
}

async fn an_owner_who_leaves_while_we_run_is_noticed_by_the_refusal(store: Store) {
    let mut routing = routing(Vec::new());
    routing.otherwise = Some(NORTH.into());
    let world = with(store, routing, Assignment::Off).await;
    world.lead(anna()).await;
    let south = user(&world, SOUTH);
    world.edit_salesforce("User", south.as_str().unwrap(), &json!({ "IsActive": false }));
    let second = json!({ "first_name": "Bert", "last_name": "Specht", "email": "bert.specht@spechtbau.example",
        "company": "Spechtbau GmbH", "country": "DE", "postal_code": "70173" });
    let person = world.lead(second).await;
    let lead = &world.salesforce_with("Lead", "LastName", "Specht")[0];
    assert_eq!(lead["OwnerId"], user(&world, NORTH));
    assert_eq!(owners_asked(&world, person).await, 1);
    assert!(world.link(SALESFORCE, person).await.held.0.is_empty());
    world.end().await;
}

async fn salesforces_own_assignment_rule_is_off_unless_it_is_switched_on(store: Store) {
    let world = with(store, routing(Vec::new()), Assignment::Off).await;
    world.lead(anna()).await;
    assert_eq!(world.in_salesforce("Lead")[0]["OwnerId"], user(&world, SOUTH));
    world.end().await;
}

async fn salesforces_own_assignment_rule_decides_where_it_is_switched_on(store: Store) {
    // Nobody is routed here: whoever owns the lead was chosen by Salesforce.
    let world = with(store, Routing { otherwise: None, ..Routing::default() }, Assignment::On).await;
    world.lead(anna()).await;
    assert_eq!(world.in_salesforce("Lead")[0]["OwnerId"], user(&world, "innendienst@example.com"));
    world.end().await;
}

async fn a_known_persons_task_of_another_fair_has_an_owner_too(store: Store) {
    let world = with(store, routing(Vec::new()), Assignment::Off).await;
    let person = world.lead(anna()).await;
    let other = FairParams { name: "KRANTEC 2027".into(), ..fair() };
    let again = world.door.lead(anna(), &LeadParams { fair: Some(other), ..stand() }).await.unwrap();
    world.settle().await;
    let line = world.store.signal_line(again.id).await.unwrap().unwrap();
    assert_eq!(line.record.map(RecordId), Some(person), "{line:?}");
    let about = world.store.records_about(person).await.unwrap();
    let owners: Vec<Option<&str>> = about
        .iter()
        .filter(|record| record.fields.text(&Field::SUBJECT).is_some())
        .map(|record| record.fields.text(&Field::OWNER))
        .collect();
    assert_eq!(owners, [Some(SOUTH), Some(SOUTH)]);
    let south = user(&world, SOUTH);
    assert!(world.in_salesforce("Task").iter().all(|task| task["OwnerId"] == south), "a task belongs to nobody");
    world.end().await;
}
