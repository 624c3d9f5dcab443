//! What a person answers is done, kept, and not asked again.

use mittler_core::{Field, Kind, RecordId, job::Task};
use mittler_store::{
    Store,
    reviews::{NewReview, ReviewLine},
};
use mittler_sync::{Mode, NotTaken};
use serde_json::json;
use uuid::Uuid;

use super::{
    moved::merge,
    world::{HUBSPOT, SALESFORCE, World, anna},
};

on_every_database!(
    two_that_are_the_same_become_one_with_all_that_was_said_of_them,
    where_a_crm_has_both_the_second_is_left_and_a_question_stays,
    two_that_are_different_stay_two_and_are_not_asked_about_again,
    two_companies_become_one_and_their_people_follow,
    a_merge_waits_for_the_call_that_is_under_way,
    what_a_crm_was_asked_to_try_again_is_tried_and_asked_again,
    two_that_were_one_here_and_become_one_there_are_one_link_and_no_question,
);

/// Another name behind Anna's address: nobody can be sure.
pub fn other() -> serde_json::Value {
    json!({ "badge_id": "BW26-900002", "first_name": "Beate", "last_name": "Specht", "company": "Kranichwerk GmbH",
        "email": "anna.kranich@kranichwerk.example", "mobile": "0171 5550901", "country": "DE", "interest": "Fräsen" })
}

pub async fn question(world: &World, record: RecordId, question: &str) -> ReviewLine {
    let all = world.store.reviews_of(record).await.unwrap();
    let found = all.iter().find(|review| review.question == question && review.state.name() == "open");
    found.cloned().unwrap_or_else(|| panic!("no question {question}: {all:?}"))
}

/// Asks whether a record is one of others, as if something spoke for it.
pub async fn ask(world: &World, (question, reason): (&str, &str), record: RecordId, candidates: &[RecordId]) -> Uuid {
    let review = NewReview {
        id: world.clock.id(),
        question: question.into(),
        record: record.0,
        connection: None,
        candidates: json!({ "records": candidates }),
        reason: reason.into(),
        asked_at: world.clock.now().0,
    };
    let id = review.id;
    world.store.write(async move |tx| tx.ask(std::slice::from_ref(&review)).await).await.unwrap();
    id
}

/// What became of an answer, without the options.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Taken,
    NoAnswerToThis,
    Before,
}

const REFUSED: Outcome = Outcome::NoAnswerToThis;
const BEFORE: Outcome = Outcome::Before;

async fn say(world: &World, review: &ReviewLine, key: &str) -> Outcome {
    match world.answer(review.id, key).await {
        Ok(_) => Outcome::Taken,
        Err(NotTaken::NoAnswerToThis(_)) => Outcome::NoAnswerToThis,
        Err(NotTaken::AnsweredBefore) => Outcome::Before,
        Err(NotTaken::NoSuchQuestion) => panic!("no such question"),
    }
}

async fn two_that_are_the_same_become_one_with_all_that_was_said_of_them(store: Store) {
    let world = World::new(store).await;
    let first = world.lead(anna()).await;
    // The second one is known here and not there yet.
    for name in [SALESFORCE, HUBSPOT] {
        world.set_mode(name, Mode::Off).await;
    }
    let second = world.lead_only(other()).await;
    assert_ne!(first, second);
    let review = question(&world, second, "same_person").await;
    assert_eq!(say(&world, &review, "noted").await, REFUSED);
    assert_eq!(say(&world, &review, &format!("merge:{second}")).await, REFUSED);
    assert_eq!(say(&world, &review, &format!("merge:{first}")).await, Outcome::Taken);
    assert_eq!(say(&world, &review, "different").await, BEFORE);
    world.run_due().await;
    for name in [SALESFORCE, HUBSPOT] {
        world.set_mode(name, Mode::Full).await;
    }
    // A push that waits for the mode looks once a minute.
    world.advance(61);
    world.settle().await;

    let store = &world.store;
    assert_eq!(store.survivor(second).await.unwrap(), first);
    assert!(store.statements(second).await.unwrap().is_empty(), "subjects stayed behind");
    let person = world.record(first).await;
    assert_eq!(person.fields.text(&Field::LAST_NAME), Some("Specht"), "the newer word of the two");
    let numbers = person.fields.elements(&Field::PHONES).len();
    assert_eq!(numbers, 2, "what either said is there");
    // One visit, one task, one company: what is about the one is about the other.
    let about = store.records_about(first).await.unwrap();
    let count = |kind: Kind| about.iter().filter(|record| record.kind == kind).count();
    assert_eq!((count(Kind::Participation), count(Kind::Activity), count(Kind::Association)), (1, 1, 1), "{about:#?}");
    assert!(store.records_about(second).await.unwrap().is_empty());
    let visit = about.iter().find(|record| record.kind == Kind::Participation).unwrap();
    assert_eq!(visit.fields.reference(&Field::PERSON), Some(first));
    assert_eq!(visit.fields.text(&Field::INTEREST), Some("Fräsen"));
    // The CRMs have one of each, as the one record says.
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (1, 1));
    assert_eq!(world.in_salesforce("Lead")[0]["LastName"], json!("Specht"));
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["lastname"], json!("Specht"));
    assert_eq!((world.in_salesforce("Task").len(), world.in_salesforce("CampaignMember").len()), (1, 1));
    assert!(store.link_lines(second).await.unwrap().is_empty());
    // Either badge is the one person from now on, and the trail says who decided.
    assert_eq!(
        world
            .lead(json!({ "badge_id": "BW26-900002", "first_name": "Beate", "last_name": "Specht", "city": "Aalen" }))
            .await,
        first
    );
    assert_eq!(store.verify_audit().await.unwrap(), None);
    let trail = store.audit_entries(0, 10).await.unwrap();
    let done: Vec<(&str, &str)> = trail.iter().map(|it| (it.action.as_str(), it.actor.as_str())).collect();
    assert_eq!(done, [("answer", "story"), ("merge", "story")]);
    // Done once more, it changes nothing.
    let version = world.record(first).await.version;
    let decision = store.standing_decisions(review.id).await.unwrap().remove(0);
    world.ask(Task::Merge { decision: decision.id }).await;
    world.settle().await;
    assert_eq!(world.record(first).await.version, version);
    // Whoever forgets the one by either id forgets both.
    let gone = mittler_sync::forget::forget(store, &world.keys, &world.clock, second, "story").await.unwrap();
    assert!(
        gone.is_some() && store.record(first).await.unwrap().is_none() && store.record(second).await.unwrap().is_none()
    );
    assert!(store.standing_decisions(review.id).await.unwrap().is_empty());
    world.end().await;
}

/// Two people whom each CRM has, and a person who knows that they are one.
pub async fn doubled(world: &World) -> (RecordId, RecordId, ReviewLine) {
    let first = world.lead(anna()).await;
    let mut lead = other();
    lead["email"] = json!("beate.specht@kranichwerk.example");
    let second = world.lead(lead).await;
    assert_ne!(first, second);
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (2, 2));
    ask(world, ("same_person", "phone_name"), second, &[first]).await;
    (first, second, question(world, second, "same_person").await)
}

async fn where_a_crm_has_both_the_second_is_left_and_a_question_stays(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = doubled(&world).await;
    let (kept, left) = (world.link(HUBSPOT, first).await.remote_id, world.link(HUBSPOT, second).await.remote_id);
    assert_eq!(say(&world, &review, &format!("merge:{first}")).await, Outcome::Taken);
    world.settle().await;
    assert_eq!(
        (world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()),
        (2, 2),
        "nothing is deleted there"
    );
    let links = world.store.link_lines(first).await.unwrap();
    let hubspot: Vec<_> = links.iter().filter(|link| link.connection == world.id(HUBSPOT).0).collect();
    let with =
        |role: &str| hubspot.iter().find(|link| link.role.name() == role).and_then(|link| link.remote_id.clone());
    assert_eq!((with("primary"), with("duplicate")), (kept.clone(), left.clone()));
    let asked = world.store.reviews_of(first).await.unwrap();
    let open: Vec<_> = asked.iter().filter(|it| it.state.name() == "open" && it.reason == "merged_here").collect();
    assert_eq!(open.len(), 2, "one for each CRM: {asked:?}");
    assert!(open.iter().any(|it| it.candidates.0["ids"] == json!([kept, left])), "{open:?}");
    // The survivor alone is told, of what either said.
    let of = |id: &Option<String>| {
        world.in_hubspot("contacts").into_iter().find(|it| it["id"].as_str() == id.as_deref()).unwrap()
    };
    assert_eq!(of(&kept)["properties"]["lastname"], json!("Specht"));
    let before = of(&left);
    world.lead(json!({ "badge_id": "BW26-900002", "first_name": "Beate", "last_name": "Specht", "position": "Prokuristin" })).await;
    assert_eq!(of(&kept)["properties"]["jobtitle"], json!("Prokuristin"));
    assert_eq!(of(&left)["properties"], before["properties"], "a duplicate is never written");
    // What somebody changes there is still heard.
    world.advance(10);
    world.edit_hubspot("contacts", left.as_deref().unwrap(), &json!({ "city": "Ulm" }));
    world.advance(2);
    world.pull().await;
    assert_eq!(world.record(first).await.fields.text(&Field::CITY), Some("Ulm"));
    world.end().await;
}

async fn two_that_are_different_stay_two_and_are_not_asked_about_again(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = doubled(&world).await;
    assert_eq!(say(&world, &review, "different").await, Outcome::Taken);
    world.settle().await;
    assert_eq!(world.store.survivor(second).await.unwrap(), second);
    for (about, candidates) in [(second, vec![first]), (first, vec![second])] {
        ask(&world, ("same_person", "phone_name"), about, &candidates).await;
    }
    assert_eq!(world.store.review_count().await.unwrap(), 0);
    // Also when one of them has become a third.
    let third = world
        .lead(json!({ "badge_id": "BW26-900003", "last_name": "Specht", "first_name": "B.",
        "email": "specht@kranichwerk.example" }))
        .await;
    for (about, candidate) in [(third, second), (third, first)] {
        ask(&world, ("same_person", "name_company"), about, &[candidate]).await;
    }
    let asked = world.store.reviews_of(third).await.unwrap();
    let of_second = asked.iter().find(|it| it.candidates.0["records"] == json!([second])).unwrap();
    assert_eq!(say(&world, of_second, &format!("merge:{second}")).await, Outcome::Taken);
    world.settle().await;
    assert_eq!(world.store.survivor(third).await.unwrap(), second);
    let open: Vec<_> = world.store.reviews_open(None, 9).await.unwrap();
    assert!(open.iter().all(|it| it.question != "same_person"), "second and first were told apart: {open:?}");
    world.end().await;
}

/// Where somebody works.
pub async fn company_of(world: &World, person: RecordId) -> RecordId {
    world.record(person).await.fields.reference(&Field::ORGANISATION).unwrap()
}

/// Anna and Bert of two companies, and a person who knows that they are one: the first, and the other one.
pub async fn two_companies(world: &World) -> ([RecordId; 2], [RecordId; 2], ReviewLine) {
    let anna = world.lead(anna()).await;
    let bert = world
        .lead(json!({ "badge_id": "BW26-900010", "first_name": "Bert", "last_name": "Amsel", "company": "Kranich Werke AG",
            "email": "bert.amsel@kranich-werke.example", "country": "DE" }))
        .await;
    let (kept, other) = (company_of(world, anna).await, company_of(world, bert).await);
    assert_ne!(kept, other);
    ask(world, ("same_organisation", "company_name"), other, &[kept]).await;
    ([anna, bert], [kept, other], question(world, other, "same_organisation").await)
}

/// A colleague of Bert's.
pub fn cora() -> serde_json::Value {
    json!({ "badge_id": "BW26-900011", "first_name": "Cora", "last_name": "Meise", "company": "Kranich Werke AG",
        "email": "cora.meise@kranich-werke.example", "country": "DE" })
}

async fn two_companies_become_one_and_their_people_follow(store: Store) {
    let world = World::new(store).await;
    let ([anna, bert], [kept, _], review) = two_companies(&world).await;
    assert_eq!(say(&world, &review, &format!("merge:{kept}")).await, Outcome::Taken);
    world.settle().await;
    assert_eq!((company_of(&world, anna).await, company_of(&world, bert).await), (kept, kept));
    let about = world.store.records_about(bert).await.unwrap();
    let hangs: Vec<_> = about.iter().filter(|it| it.kind == Kind::Association).collect();
    assert_eq!(hangs.iter().map(|it| it.fields.reference(&Field::TO)).collect::<Vec<_>>(), [Some(kept)]);
    // In HubSpot, where companies are records of their own, Bert hangs on the one that was kept.
    let link = world.link_about(HUBSPOT, bert, Kind::Association).await;
    assert!(link.wanted == link.done && link.remote_id.is_some(), "{link:?}");
    assert!(link.remote_id.unwrap().contains(&world.link(HUBSPOT, kept).await.remote_id.unwrap()));
    // The next colleague is found under either name.
    let next = world.lead(cora()).await;
    assert_eq!(company_of(&world, next).await, kept);
    world.end().await;
}

async fn a_merge_waits_for_the_call_that_is_under_way(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = doubled(&world).await;
    let id = world.id(SALESFORCE);
    let lease = world.about_to_write(id, mittler_store::links::link_id(id, second)).await;
    assert_eq!(say(&world, &review, &format!("merge:{first}")).await, Outcome::Taken);
    world.run_due().await;
    assert_eq!(world.store.survivor(second).await.unwrap(), second, "whom the call made is not known yet");
    world.store.write(async move |tx| tx.end_lease(lease).await).await.unwrap();
    world.settle().await;
    assert_eq!(world.store.survivor(second).await.unwrap(), first);
    world.end().await;
}

async fn what_a_crm_was_asked_to_try_again_is_tried_and_asked_again(store: Store) {
    let world = World::new(store).await;
    let mut lead = anna();
    lead["owner"] = json!("niemand@haus.example");
    let person = world.lead(lead).await;
    let review = question(&world, person, "owner_unknown").await;
    assert_eq!(say(&world, &review, &format!("merge:{person}")).await, REFUSED);
    assert_eq!(say(&world, &review, "retry").await, Outcome::Taken);
    world.settle().await;
    let again = question(&world, person, "owner_unknown").await;
    assert_eq!(say(&world, &again, "noted").await, Outcome::Taken);
    world.settle().await;
    let all = world.store.reviews_of(person).await.unwrap();
    assert!(
        all.iter().filter(|it| it.connection == again.connection).all(|it| it.state.name() == "answered"),
        "{all:?}"
    );
    assert_eq!(world.answer(Uuid::new_v4(), "noted").await, Err(NotTaken::NoSuchQuestion));
    world.end().await;
}

async fn two_that_were_one_here_and_become_one_there_are_one_link_and_no_question(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = doubled(&world).await;
    let of = async |name: &str| {
        let ids = [world.link(name, first).await.remote_id, world.link(name, second).await.remote_id];
        ids.map(Option::unwrap)
    };
    let (leads, contacts) = (of(SALESFORCE).await, of(HUBSPOT).await);
    assert_eq!(say(&world, &review, &format!("merge:{first}")).await, Outcome::Taken);
    world.settle().await;
    world.advance(60);
    // Somebody does there as they were asked: in Salesforce the second one stays, in HubSpot a third one is made.
    world.edit_salesforce("Lead", &leads[0], &json!({ "MasterRecordId": leads[1] }));
    let third = merge(&world, "contacts", &contacts[0], &contacts[1]).await;
    world.advance(3);
    world.pull().await;
    for (name, remote_type, ids) in [(SALESFORCE, "Lead", &leads), (HUBSPOT, "contacts", &contacts)] {
        let (connection, ids) = (world.id(name), ids.to_vec());
        world
            .ask(Task::Read {
                connection,
                remote_type: remote_type.into(),
                ids,
                not_before: world.clock.now(),
                since: None,
            })
            .await;
    }
    world.settle().await;
    for (name, kept) in [(SALESFORCE, leads[1].clone()), (HUBSPOT, third)] {
        let links = world.store.link_lines(first).await.unwrap();
        let mine: Vec<_> = links.iter().filter(|link| link.connection == world.id(name).0).collect();
        let [link] = mine.as_slice() else { panic!("{mine:#?}") };
        let is = (link.role.name(), link.state.name(), link.remote_id.clone());
        assert_eq!(is, ("primary", "open", Some(kept)), "{name}");
    }
    let open = world.store.reviews_open(None, 9).await.unwrap();
    let asked = open.iter().any(|review| ["merged_here", "merged_there"].contains(&review.reason.as_str()));
    assert!(!asked, "whoever was asked has answered: {open:#?}");
    world.lead(json!({ "badge_id": "BW26-900002", "first_name": "Beate", "last_name": "Specht", "position": "Prokuristin" })).await;
    assert_eq!(world.salesforce_with("Lead", "Title", "Prokuristin").len(), 1);
    assert_eq!(world.hubspot_with("contacts", "jobtitle", "Prokuristin").len(), 1);
    world.nothing_waits().await;
    world.end().await;
}
