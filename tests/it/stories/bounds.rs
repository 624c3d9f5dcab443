//! A connection writes what it is for, and of nobody whose data are not to be used.

use mittler_core::{Kind, RecordId};
use mittler_ingest::LeadParams;
use mittler_store::Store;
use mittler_sync::{
    bounds::{Bounds, Pilot},
    restrict::{Restriction, restrict},
};
use serde_json::{Value, json};

use super::world::{HUBSPOT, SALESFORCE, Setup, World, anna, stand};

on_every_database!(
    a_field_that_is_not_allowed_is_held_until_it_is,
    a_pilot_writes_whom_it_names_with_what_they_need,
    a_pilot_of_a_fair_writes_its_visitors_and_no_other_visit,
    a_restricted_person_is_written_nowhere_until_it_is_lifted,
    who_came_in_for_a_purpose_is_told_where_it_is_served,
    a_restriction_outlives_a_merge,
);

fn bert() -> Value {
    json!({ "badge_id": "BW26-900002", "first_name": "Bert", "last_name": "Amsel", "company": "Amselbau AG",
        "email": "bert@amselbau.example", "country": "DE" })
}

async fn world(store: Store, bounds: Bounds) -> World {
    World::with(store, Setup { bounds, ..Setup::default() }).await
}

async fn open(world: &World) {
    for name in [SALESFORCE, HUBSPOT] {
        world.set_bounds(name, Bounds::default()).await;
    }
    world.settle().await;
}

fn counts(world: &World) -> [usize; 6] {
    [
        world.in_salesforce("Lead").len(),
        world.in_salesforce("CampaignMember").len(),
        world.in_salesforce("Task").len(),
        world.in_hubspot("contacts").len(),
        world.in_hubspot("companies").len(),
        world.attendance().len(),
    ]
}

async fn code(world: &World, connection: &str, record: RecordId) -> Option<String> {
    world.link(connection, record).await.code
}

async fn a_field_that_is_not_allowed_is_held_until_it_is(store: Store) {
    let fields = ["Lead.LastName", "Lead.Company", "Lead.Email", "contacts.email", "contacts.lastname"];
    let fields: Vec<String> = fields.iter().map(|name| (*name).to_owned()).collect();
    let world = world(store, Bounds { fields, ..Bounds::default() }).await;
    let person = world.lead(anna()).await;
    let (lead, contact) = (world.in_salesforce("Lead")[0].clone(), world.in_hubspot("contacts")[0].clone());
    assert_eq!((&lead["LastName"], &lead["Title"]), (&json!("Kranich"), &Value::Null));
    assert_eq!(
        (&contact["properties"]["email"], &contact["properties"]["jobtitle"]),
        (&json!("anna.kranich@kranichwerk.example"), &Value::Null)
    );
    let held = world.link(SALESFORCE, person).await.held.0;
    assert_eq!(held.get("Title").map(|held| held.code.as_str()), Some("field_not_allowed"), "{held:?}");
    open(&world).await;
    assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!("Leiterin Einkauf"));
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["jobtitle"], json!("Leiterin Einkauf"));
    assert!(world.link(SALESFORCE, person).await.held.0.is_empty());
    world.end().await;
}

async fn a_pilot_writes_whom_it_names_with_what_they_need(store: Store) {
    let pilot = Pilot { domains: vec!["Kranichwerk.example".into()], ..Pilot::default() };
    let world = world(store, Bounds { pilot: Some(pilot), ..Bounds::default() }).await;
    let (named, other) = (world.lead(anna()).await, world.lead(bert()).await);
    assert_eq!(counts(&world), [1, 1, 1, 1, 1, 1], "{}", world.waiting().await);
    assert_eq!(world.hubspot_with("contacts", "lastname", "Kranich").len(), 1);
    for connection in [SALESFORCE, HUBSPOT] {
        assert_eq!(code(&world, connection, named).await, None);
        assert_eq!(code(&world, connection, other).await.as_deref(), Some("pilot"));
    }
    // A company whose domain says nothing comes along with somebody who is in it.
    let mut guest = bert();
    guest["badge_id"] = json!("BW26-900003");
    guest["first_name"] = json!("Cora");
    guest["email"] = json!("cora@kranichwerk.example");
    guest["company"] = json!("Nebenwerk GmbH");
    guest["website"] = json!("nebenwerk.example");
    world.lead(guest).await;
    assert_eq!(world.in_hubspot("contacts").len(), 2);
    open(&world).await;
    assert_eq!((world.in_salesforce("Lead").len(), world.attendance().len()), (3, 3));
    world.end().await;
}

async fn a_pilot_of_a_fair_writes_its_visitors_and_no_other_visit(store: Store) {
    let pilot = Pilot { fairs: vec!["BEWEGA 2026".into()], ..Pilot::default() };
    let world = world(store, Bounds { pilot: Some(pilot), ..Bounds::default() }).await;
    let visitor = world.lead(anna()).await;
    // The company came along: nothing names it but the visitor.
    assert_eq!(counts(&world), [1, 1, 1, 1, 1, 1], "{}", world.waiting().await);
    let elsewhere = LeadParams { fair: None, ..stand() };
    world.door.lead(bert(), &elsewhere).await.unwrap();
    let mut fair = super::world::fair();
    fair.name = "LASYS 2026".into();
    world.door.lead(anna(), &LeadParams { fair: Some(fair), ..stand() }).await.unwrap();
    world.settle().await;
    assert_eq!(counts(&world), [1, 1, 1, 1, 1, 1], "{}", world.waiting().await);
    let visits = world.store.records_about(visitor).await.unwrap();
    assert_eq!(visits.iter().filter(|record| record.kind == Kind::Participation).count(), 2);
    open(&world).await;
    assert_eq!(counts(&world), [2, 2, 2, 2, 2, 2]);
    world.end().await;
}

fn wish(lift: bool) -> Restriction {
    if lift { Restriction::Lift } else { Restriction::Begin { reason: None } }
}

async fn a_restricted_person_is_written_nowhere_until_it_is_lifted(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let stop = async |lift| restrict(&world.store, &world.clock, person, wish(lift), "story").await.unwrap();
    assert_eq!((stop(false).await, stop(false).await), (Some(true), Some(false)));
    let mut later = anna();
    later["position"] = json!("Prokuristin");
    let mut fair = super::world::fair();
    fair.name = "LASYS 2026".into();
    world.door.lead(later, &LeadParams { fair: Some(fair), ..stand() }).await.unwrap();
    world.settle().await;
    let of_people = |world: &World| {
        (world.in_salesforce("Lead")[0]["Title"].clone(), world.in_salesforce("Task").len(), world.attendance().len())
    };
    assert_eq!(of_people(&world), (json!("Leiterin Einkauf"), 1, 1));
    for connection in [SALESFORCE, HUBSPOT] {
        assert_eq!(code(&world, connection, person).await.as_deref(), Some("restricted"));
    }
    assert_eq!((stop(true).await, stop(true).await), (Some(true), Some(false)));
    world.settle().await;
    assert_eq!(of_people(&world), (json!("Prokuristin"), 2, 2));
    assert_eq!(world.store.verify_audit().await.unwrap(), None);
    world.end().await;
}

async fn who_came_in_for_a_purpose_is_told_where_it_is_served(store: Store) {
    let world = World::new(store).await;
    let serves = |purpose: &str| Bounds { purposes: vec![purpose.to_owned()], ..Bounds::default() };
    world.set_bounds(SALESFORCE, serves("sales")).await;
    world.set_bounds(HUBSPOT, serves("events")).await;
    let free = world.lead(anna()).await;
    assert_eq!((code(&world, SALESFORCE, free).await, code(&world, HUBSPOT, free).await), (None, None));
    let for_events = LeadParams { purpose: Some(" events ".into()), ..stand() };
    world.door.lead(bert(), &for_events).await.unwrap();
    // Who was told everywhere before is not taken back by a list with a purpose.
    let mut again = anna();
    again["position"] = json!("Prokuristin");
    world.door.lead(again, &for_events).await.unwrap();
    world.settle().await;
    let guest = world.person_by_email("bert@amselbau.example").await.unwrap();
    assert_eq!(code(&world, SALESFORCE, guest).await.as_deref(), Some("purpose"));
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (1, 2));
    assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!("Prokuristin"));
    // They come in once more, for nothing in particular.
    let mut typed = bert();
    typed["city"] = json!("Ulm");
    world.lead(typed).await;
    assert_eq!(world.in_salesforce("Lead").len(), 2);
    world.end().await;
}

async fn a_restriction_outlives_a_merge(store: Store) {
    let world = World::new(store).await;
    let (kept, gone) = (world.lead(anna()).await, world.lead(bert()).await);
    assert_eq!(restrict(&world.store, &world.clock, gone, wish(false), "story").await.unwrap(), Some(true));
    let review = mittler_store::reviews::NewReview {
        id: uuid::Uuid::new_v4(),
        question: "same_person".into(),
        record: gone.0,
        connection: None,
        candidates: json!({ "records": [kept] }),
        reason: "phone_name".into(),
        asked_at: 0,
    };
    let id = review.id;
    world.store.write(async move |tx| tx.ask(std::slice::from_ref(&review)).await).await.unwrap();
    world.answer(id, &format!("merge:{kept}")).await.unwrap();
    world.settle().await;
    assert!(world.store.restricted_since(kept).await.unwrap().is_some());
    assert_eq!(code(&world, SALESFORCE, kept).await.as_deref(), Some("restricted"));
    world.end().await;
}
