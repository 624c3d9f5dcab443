//! An answer that was wrong is taken back: what it did is undone, and what others have said since stays.

use std::collections::BTreeMap;

use mittler_core::{Field, Kind, RecordId, job::Task};
use mittler_ingest::{FairParams, LeadParams};
use mittler_store::{Store, records::KeyRow};
use mittler_sync::{NotTaken, question::Command};
use serde_json::{Value, json};

use super::{
    moved::{delete_in_hubspot, merge, read},
    reviews::{ask, company_of, cora, doubled, other, question, two_companies},
    world::{HUBSPOT, SALESFORCE, World, anna},
};

on_every_database!(
    who_was_called_one_is_two_again_as_if_nothing_had_been,
    each_has_its_remote_records_and_its_own_values_again,
    what_has_come_since_goes_with_its_address,
    two_companies_are_two_again_and_everybody_is_where_they_were,
    a_merge_that_has_not_begun_is_taken_back_too,
    who_became_one_there_meanwhile_is_asked_about,
    of_three_that_were_called_one_the_last_answer_is_taken_back_first,
    who_is_kept_out_of_a_crm_stays_so_through_a_merge_and_back,
    who_was_gone_there_is_not_made_again_by_a_merge_and_back,
    who_was_told_apart_is_asked_about_again,
    who_was_left_out_is_asked_about_again,
    what_nobody_decided_is_not_taken_back,
);

/// All that is held of these people and of what is about them: values, owners of what is said, keys.
async fn held(world: &World, people: &[RecordId]) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for person in people {
        let mut records = vec![world.record(*person).await];
        records.extend(world.store.records_about(*person).await.unwrap());
        for record in records {
            let said = world.store.statements(record.id).await.unwrap();
            let mut owners: Vec<_> = said.iter().map(|one| (one.subject.0, one.signal.0, json!(one.said))).collect();
            owners.sort_by_key(|one| (one.0, one.1));
            all.insert(record.id.to_string(), json!({ "fields": record.fields, "said": owners }));
        }
        let ids = vec![*person];
        let (strong, weak) = world.store.write(async move |tx| tx.keys_of(&ids).await).await.unwrap();
        let keys = |rows: Vec<KeyRow>| rows.into_iter().map(|row| format!("{} {:?}", row.key, row.basis));
        all.insert(format!("{person} keys"), keys(strong).chain(keys(weak)).collect());
    }
    all
}

async fn take_back(world: &World, review: uuid::Uuid) {
    assert_eq!(world.answer(review, "take_back").await, Ok(Command::TakeBack));
    world.settle().await;
}

async fn who_was_called_one_is_two_again_as_if_nothing_had_been(store: Store) {
    let world = World::new(store).await;
    let first = world.lead(anna()).await;
    let second = world.lead(other()).await;
    let before = held(&world, &[first, second]).await;
    let review = question(&world, second, "same_person").await;
    assert!(world.answer(review.id, &format!("merge:{first}")).await.is_ok());
    world.settle().await;
    assert_eq!(world.store.survivor(second).await.unwrap(), first);
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["lastname"], json!("Specht"));

    // What taking it back would do is shown, and done.
    let view = world.questions().view(review.id).await.unwrap().unwrap();
    let [option] = view.options.as_slice() else { panic!("{:#?}", view.options) };
    assert_eq!((&option.command, &option.preview.splits), (&Command::TakeBack, &vec![first, second]));
    assert!(option.preview.changes.iter().any(|change| change.field == Field::LAST_NAME), "{option:#?}");
    assert!(
        option.preview.writes.iter().any(|write| write.fields.iter().any(|name| name == "lastname")),
        "{option:#?}"
    );
    take_back(&world, review.id).await;

    same_as(&held(&world, &[first, second]).await, &before);
    // The one is told what it was; the other waits again until somebody says who it is.
    let [contact] = &world.in_hubspot("contacts")[..] else { panic!("{:#?}", world.in_hubspot("contacts")) };
    assert_eq!(contact["properties"]["lastname"], json!("Kranich"));
    assert_eq!(contact["properties"]["mobilephone"], Value::Null, "{contact}");
    assert_eq!(world.in_salesforce("Lead")[0]["LastName"], json!("Kranich"));
    assert_eq!(world.link(HUBSPOT, second).await.state.name(), "held");
    let again = question(&world, second, "same_person").await;
    assert_eq!(again.id, review.id);
    assert!(world.answer(review.id, "different").await.is_ok());
    world.settle().await;
    let mut names: Vec<String> =
        world.in_salesforce("Lead").iter().map(|lead| lead["LastName"].as_str().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["Kranich", "Specht"]);
    assert_eq!((world.in_salesforce("Task").len(), world.in_salesforce("CampaignMember").len()), (2, 2));
    // The trail says it, and forgetting the one leaves the other.
    assert_eq!(world.store.verify_audit().await.unwrap(), None);
    let trail = world.store.audit_entries(0, 10).await.unwrap();
    let done: Vec<&str> = trail.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(done, ["answer", "merge", "take_back", "split", "answer"]);
    mittler_sync::forget::forget(&world.store, &world.keys, &world.clock, first, "story").await.unwrap();
    assert!(world.store.record(first).await.unwrap().is_none() && world.store.record(second).await.unwrap().is_some());
    world.end().await;
}

/// Says which entry differs, and how.
fn same_as(now: &BTreeMap<String, Value>, before: &BTreeMap<String, Value>) {
    for (name, was) in before {
        let is = now.get(name).unwrap_or_else(|| panic!("{name} is not there: {was:#}"));
        assert_eq!(is, was, "{name} of {:?}", now.keys());
    }
    let more: Vec<&String> = now.keys().filter(|name| !before.contains_key(*name)).collect();
    assert!(more.is_empty(), "more than before: {more:?}");
}

async fn each_has_its_remote_records_and_its_own_values_again(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = doubled(&world).await;
    let of = async |person| {
        let mut all = Vec::new();
        for name in [SALESFORCE, HUBSPOT] {
            all.push(world.link(name, person).await.remote_id.unwrap());
            for kind in [Kind::Participation, Kind::Activity] {
                all.push(world.link_about(name, person, kind).await.remote_id.unwrap());
            }
        }
        all
    };
    let before = (of(first).await, of(second).await);
    assert!(world.answer(review.id, &format!("merge:{first}")).await.is_ok());
    world.settle().await;
    // Somebody goes on with it in the meantime, in both.
    world.advance(60);
    world.edit_hubspot("contacts", &before.1[3], &json!({ "city": "Ulm" }));
    world.edit_hubspot("contacts", &before.0[3], &json!({ "city": "Bonn" }));
    world.advance(2);
    world.pull().await;
    world.advance(60);
    take_back(&world, review.id).await;
    assert_eq!((of(first).await, of(second).await), before, "each has its own there");
    let contact = |id: &String| {
        let found = world.in_hubspot("contacts").into_iter().find(|it| it["id"].as_str() == Some(id.as_str()));
        found.unwrap()["properties"].clone()
    };
    let (one, two) = (contact(&before.0[3]), contact(&before.1[3]));
    let shown = |it: &Value, names: [&str; 4]| names.map(|name| it[name].as_str().unwrap_or_default().to_owned());
    let names = ["lastname", "email", "city", "mobilephone"];
    assert_eq!(shown(&one, names), ["Kranich", "anna.kranich@kranichwerk.example", "Bonn", ""]);
    assert_eq!(shown(&two, names), ["Specht", "beate.specht@kranichwerk.example", "Ulm", "+491715550901"]);
    let lead = |id: &String| world.in_salesforce("Lead").into_iter().find(|it| it["Id"] == json!(id)).unwrap();
    assert_eq!(lead(&before.0[0])["LastName"], json!("Kranich"));
    assert_eq!((&lead(&before.1[0])["LastName"], &lead(&before.1[0])["City"]), (&json!("Specht"), &json!("Ulm")));
    // Nobody has to merge them there any more, and nothing was made or removed.
    let open = world.store.reviews_open(None, 9).await.unwrap();
    assert_eq!(open.iter().map(|it| it.id).collect::<Vec<_>>(), [review.id], "{open:#?}");
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (2, 2));
    assert_eq!((world.in_salesforce("Task").len(), world.in_salesforce("CampaignMember").len()), (2, 2));
    // Each is told of its own from now on.
    world.lead(json!({ "badge_id": "BW26-900002", "first_name": "Beate", "last_name": "Specht", "position": "Prokuristin" })).await;
    assert_eq!(contact(&before.1[3])["jobtitle"], json!("Prokuristin"));
    assert_eq!(contact(&before.0[3])["jobtitle"], json!("Leiterin Einkauf"));
    world.nothing_waits().await;
    world.end().await;
}

async fn what_has_come_since_goes_with_its_address(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = doubled(&world).await;
    assert!(world.answer(review.id, &format!("merge:{first}")).await.is_ok());
    world.settle().await;
    world.advance(3_600);
    let autumn = FairParams {
        name: "Herbstmesse".into(),
        organiser: None,
        place: None,
        starts: Some(jiff::civil::date(2026, 10, 6)),
        ends: Some(jiff::civil::date(2026, 10, 8)),
    };
    let at = LeadParams { fair: Some(autumn), stand_scan: true, ..LeadParams::of("herbst-scan") };
    let lead = json!({ "badge_id": "HM-1", "first_name": "Beate", "last_name": "Specht", "company": "Kranichwerk GmbH",
        "email": "beate.specht@kranichwerk.example", "note": "Will ein Angebot", "country": "DE" });
    let accepted = world.door.lead(lead, &at).await.unwrap();
    world.settle().await;
    assert_eq!(world.store.signal_line(accepted.id).await.unwrap().unwrap().record, Some(first.0));
    let visits = async |person| {
        let about = world.store.records_about(person).await.unwrap();
        about.iter().filter(|record| record.kind == Kind::Participation).count()
    };
    assert_eq!(visits(first).await, 2);
    take_back(&world, review.id).await;
    assert_eq!((visits(first).await, visits(second).await), (1, 2));
    for (person, email) in [(first, "anna.kranich@kranichwerk.example"), (second, "beate.specht@kranichwerk.example")] {
        assert_eq!(world.person_by_email(email).await, Some(person));
        assert_eq!(world.record(person).await.fields.elements(&Field::EMAILS).len(), 1);
        let about = json!(world.store.records_about(person).await.unwrap()).to_string();
        assert_eq!(about.contains("Will ein Angebot"), person == second, "{about}");
    }
    // In the CRMs the second visit is theirs, too.
    let lead = world.link(SALESFORCE, second).await.remote_id;
    let members = world.in_salesforce("CampaignMember");
    assert_eq!(members.iter().filter(|member| member["LeadId"].as_str() == lead.as_deref()).count(), 2, "{members:#?}");
    world.nothing_waits().await;
    world.end().await;
}

async fn two_companies_are_two_again_and_everybody_is_where_they_were(store: Store) {
    let world = World::new(store).await;
    let ([anna, bert], [kept, other], review) = two_companies(&world).await;
    let before = held(&world, &[anna, bert, kept, other]).await;
    let in_hubspot = |world: &World| {
        let companies = world.in_hubspot("companies").into_iter();
        companies.map(|it| (it["id"].to_string(), it["properties"]["name"].to_string())).collect::<BTreeMap<_, _>>()
    };
    let there = in_hubspot(&world);
    assert!(world.answer(review.id, &format!("merge:{kept}")).await.is_ok());
    world.settle().await;
    assert_eq!(company_of(&world, bert).await, kept);
    world.advance(60);
    take_back(&world, review.id).await;
    same_as(&held(&world, &[anna, bert, kept, other]).await, &before);
    assert_eq!(in_hubspot(&world), there);
    let link = world.link_about(HUBSPOT, bert, Kind::Association).await;
    let theirs = world.link(HUBSPOT, other).await.remote_id.unwrap();
    assert!(link.remote_id.as_ref().is_some_and(|pair| pair.contains(&theirs)), "{link:?}");
    // The next colleague is found where they work.
    let next = world.lead(cora()).await;
    assert_eq!(company_of(&world, next).await, other);
    world.nothing_waits().await;
    world.end().await;
}

async fn a_merge_that_has_not_begun_is_taken_back_too(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = doubled(&world).await;
    let id = world.id(SALESFORCE);
    let before = held(&world, &[first, second]).await;
    let lease = world.about_to_write(id, mittler_store::links::link_id(id, second)).await;
    assert!(world.answer(review.id, &format!("merge:{first}")).await.is_ok());
    world.run_due().await;
    assert_eq!(world.answer(review.id, "take_back").await, Ok(Command::TakeBack));
    world.store.write(async move |tx| tx.end_lease(lease).await).await.unwrap();
    world.settle().await;
    assert_eq!(world.store.survivor(second).await.unwrap(), second);
    same_as(&held(&world, &[first, second]).await, &before);
    assert_eq!(question(&world, second, "same_person").await.id, review.id);
    world.end().await;
}

async fn who_became_one_there_meanwhile_is_asked_about(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = doubled(&world).await;
    let contacts =
        [world.link(HUBSPOT, first).await, world.link(HUBSPOT, second).await].map(|it| it.remote_id.unwrap());
    assert!(world.answer(review.id, &format!("merge:{first}")).await.is_ok());
    world.settle().await;
    world.advance(60);
    let one = merge(&world, "contacts", &contacts[0], &contacts[1]).await;
    for id in &contacts {
        read(&world, HUBSPOT, "contacts", id).await;
    }
    assert_eq!(world.link(HUBSPOT, first).await.remote_id, Some(one.clone()));
    take_back(&world, review.id).await;
    assert_eq!(world.link(HUBSPOT, first).await.remote_id, Some(one));
    assert_eq!(world.in_hubspot("contacts").len(), 1, "nobody asked for another one");
    assert_eq!(world.link(HUBSPOT, second).await.state.name(), "gone");
    let asked = question(&world, second, "deleted_there").await;
    assert!(world.answer(asked.id, "make_again").await.is_ok());
    world.settle().await;
    assert_eq!(world.in_hubspot("contacts").len(), 2);
    assert_eq!(world.in_salesforce("Lead").len(), 2);
    world.end().await;
}

async fn of_three_that_were_called_one_the_last_answer_is_taken_back_first(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = doubled(&world).await;
    let third = world
        .lead(json!({ "badge_id": "BW26-900031", "first_name": "Cora", "last_name": "Meise", "company": "Meisenbau AG",
            "email": "cora.meise@meisenbau.example", "mobile": "0171 5550999", "country": "DE" }))
        .await;
    let people = [first, second, third];
    let before = held(&world, &people).await;
    let shown = |world: &World| {
        let of = |it: &Value| {
            ["lastname", "email", "mobilephone", "jobtitle"].map(|name| it["properties"][name].to_string())
        };
        let contacts = world.in_hubspot("contacts");
        contacts.iter().map(|it| (it["id"].to_string(), of(it))).collect::<BTreeMap<_, _>>()
    };
    let there = shown(&world);
    // Again and again: nothing of the time before is in the way of the next.
    for _ in 0..2 {
        // The second becomes the first, and the first the third.
        assert!(world.answer(review.id, &format!("merge:{first}")).await.is_ok());
        world.settle().await;
        let other = ask(&world, ("same_person", "phone_name"), first, &[third]).await;
        assert!(world.answer(other, &format!("merge:{third}")).await.is_ok());
        world.settle().await;
        for person in people {
            assert_eq!(world.store.survivor(person).await.unwrap(), third);
        }
        world.advance(120);
        assert_eq!(world.answer(review.id, "take_back").await, Err(NotTaken::AnsweredBefore), "the later one first");
        // Also where that one came in between.
        let decided = world.store.standing_decisions(review.id).await.unwrap().remove(0).id;
        let (asked, at) = (review.id, world.clock.now());
        world.store.write(async move |tx| tx.undo_decisions(asked, at).await).await.unwrap();
        world.ask(Task::Merge { decision: decided }).await;
        world.settle().await;
        assert_eq!(world.store.standing_decisions(review.id).await.unwrap().len(), 1, "it stands after all");
        assert_eq!(world.store.survivor(second).await.unwrap(), third);
        for one in [other, review.id] {
            take_back(&world, one).await;
        }
        same_as(&held(&world, &people).await, &before);
        assert_eq!(shown(&world), there);
        world
            .store
            .write(async move |tx| tx.answer(other, &json!({ "answer": "noted" }), mittler_core::Time(1)).await)
            .await
            .unwrap();
        world.nothing_waits().await;
    }
    // Whoever comes again is taken as ever.
    assert_eq!(world.lead(other_fair()).await, second);
    world.nothing_waits().await;
    world.end().await;
}

/// The second one, scanned with the company that the third one is at.
fn other_fair() -> Value {
    json!({ "badge_id": "BW26-900002", "first_name": "Beate", "last_name": "Specht", "company": "Meisenbau AG",
        "email": "beate.specht@kranichwerk.example", "country": "DE" })
}

async fn who_is_kept_out_of_a_crm_stays_so_through_a_merge_and_back(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = doubled(&world).await;
    // The first one was deleted in HubSpot, and is left out there.
    let theirs = world.link(HUBSPOT, second).await.remote_id.unwrap();
    delete_in_hubspot(&world, first).await;
    let asked = question(&world, first, "deleted_there").await;
    assert_eq!(world.answer(asked.id, "leave_out").await, Ok(Command::LeaveOut));
    world.settle().await;
    let of = async |person| {
        let links = world.store.link_lines(person).await.unwrap();
        let link = links.into_iter().find(|link| link.connection == world.id(HUBSPOT).0).unwrap();
        (link.role.name(), link.state.name())
    };
    let out = ("excluded", "excluded");
    assert_eq!(of(first).await, out);
    assert!(world.answer(review.id, &format!("merge:{first}")).await.is_ok());
    world.settle().await;
    let links = world.store.link_lines(first).await.unwrap();
    let roles: Vec<&str> =
        links.iter().filter(|it| it.connection == world.id(HUBSPOT).0).map(|it| it.role.name()).collect();
    assert!(roles.contains(&"excluded") && roles.contains(&"duplicate") && roles.len() == 2, "{links:#?}");
    world.advance(60);
    take_back(&world, review.id).await;
    assert_eq!(of(first).await, out, "they stay out");
    assert_eq!(world.link(HUBSPOT, second).await.remote_id, Some(theirs));
    let contacts = world.in_hubspot("contacts");
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0]["properties"]["lastname"], json!("Specht"));
    world.end().await;
}

async fn who_was_gone_there_is_not_made_again_by_a_merge_and_back(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = doubled(&world).await;
    let contact = delete_in_hubspot(&world, first).await;
    assert_eq!(world.link(HUBSPOT, first).await.state.name(), "gone");
    assert!(world.answer(review.id, &format!("merge:{first}")).await.is_ok());
    world.settle().await;
    world.advance(60);
    take_back(&world, review.id).await;
    let link = world.link(HUBSPOT, first).await;
    assert_eq!((link.state.name(), link.remote_id.as_deref()), ("gone", Some(contact.as_str())));
    assert_eq!(world.in_hubspot("contacts").len(), 1, "it is asked, not done");
    assert_eq!(world.link(HUBSPOT, second).await.state.name(), "open");
    world.end().await;
}

async fn who_was_told_apart_is_asked_about_again(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = doubled(&world).await;
    assert!(world.answer(review.id, "different").await.is_ok());
    world.settle().await;
    let answered = world.store.reviews_answered(9).await.unwrap();
    assert_eq!(answered.iter().map(|it| it.id).collect::<Vec<_>>(), [review.id]);
    take_back(&world, review.id).await;
    assert!(world.store.reviews_answered(9).await.unwrap().is_empty());
    assert_eq!(question(&world, second, "same_person").await.id, review.id);
    assert!(world.answer(review.id, &format!("merge:{first}")).await.is_ok());
    world.settle().await;
    assert_eq!(world.store.survivor(second).await.unwrap(), first);
    world.end().await;
}

async fn who_was_left_out_is_asked_about_again(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    delete_in_hubspot(&world, person).await;
    let review = question(&world, person, "deleted_there").await;
    assert_eq!(world.answer(review.id, "leave_out").await, Ok(Command::LeaveOut));
    world.settle().await;
    take_back(&world, review.id).await;
    assert!(world.in_hubspot("contacts").is_empty(), "it is asked, not done");
    assert_eq!(world.link(HUBSPOT, person).await.state.name(), "gone");
    assert_eq!(question(&world, person, "deleted_there").await.id, review.id);
    assert!(world.answer(review.id, "make_again").await.is_ok());
    world.settle().await;
    assert_eq!(world.in_hubspot("contacts").len(), 1);
    world.nothing_waits().await;
    world.end().await;
}

async fn what_nobody_decided_is_not_taken_back(store: Store) {
    let world = World::new(store).await;
    let mut lead = anna();
    lead["owner"] = json!("niemand@haus.example");
    let person = world.lead(lead).await;
    let asked = question(&world, person, "owner_unknown").await;
    assert!(matches!(world.answer(asked.id, "take_back").await, Err(NotTaken::NoAnswerToThis(_))), "it is open");
    assert!(world.answer(asked.id, "noted").await.is_ok());
    assert_eq!(world.answer(asked.id, "take_back").await, Err(NotTaken::AnsweredBefore));
    world.end().await;
}
