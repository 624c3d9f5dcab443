//! Every answer does something in the CRM that it is about.

use mittler_core::{Field, Kind, RecordId};
use mittler_sandbox::{
    Config,
    salesforce::{DuplicateAction, DuplicateRule},
};
use mittler_store::{Store, reviews::ReviewLine};
use mittler_sync::{NotTaken, question::Command, view::Operation};
use serde_json::json;

use super::{
    reviews::question,
    world::{HUBSPOT, SALESFORCE, Setup, World, anna},
};

on_every_database!(
    a_likely_duplicate_is_linked_and_what_hung_on_it_comes,
    a_likely_duplicate_is_created_anyway_where_the_rule_gives_way,
    where_the_rule_does_not_give_way_nobody_is_offered_to_insist,
    who_is_left_out_of_a_crm_is_not_written_there_and_what_hangs_on_them_says_so,
    which_of_several_companies_it_is_a_person_says,
    several_companies_are_none_of_them_and_a_third_is_made,
    a_chosen_record_that_is_gone_is_asked_about_again,
);

/// An organisation whose rule stops who resembles a contact.
fn with_rule(action: DuplicateAction) -> Setup {
    let mut sandbox = Config { seed: 11, ..Setup::default().sandbox };
    let rule = DuplicateRule { against: vec!["Contact".into()], ..DuplicateRule::standard("Lead", action) };
    sandbox.salesforce.duplicate_rules = vec![rule];
    Setup { sandbox, ..Setup::default() }
}

/// A contact that is Anna under another address.
fn contact(world: &World) -> String {
    let account = world.edit_salesforce("Account", "", &json!({ "Name": "Kranichwerk GmbH" }));
    let contact = world.edit_salesforce(
        "Contact",
        "",
        &json!({ "FirstName": "Anna", "LastName": "Kranich", "Email": "a.kranich@privat.example", "Department": "Einkauf",
            "AccountId": account["Id"] }),
    );
    contact["Id"].as_str().unwrap().to_owned()
}

async fn options(world: &World, review: &ReviewLine) -> Vec<String> {
    world.questions().options_of(review).await.unwrap().iter().map(ToString::to_string).collect()
}

/// Anna, stopped by the rule.
async fn stopped(world: &World) -> (RecordId, ReviewLine) {
    let person = world.lead(anna()).await;
    assert!(world.in_salesforce("Lead").is_empty(), "the rule did not stop her");
    assert_eq!(world.link(SALESFORCE, person).await.state, "refused");
    assert_eq!(world.link_about(SALESFORCE, person, Kind::Activity).await.code.as_deref(), Some("need_refused"));
    (person, question(world, person, "remote_duplicate").await)
}

async fn a_likely_duplicate_is_linked_and_what_hung_on_it_comes(store: Store) {
    let world = World::with(store, with_rule(DuplicateAction::Alert)).await;
    let contact = contact(&world);
    let (person, review) = stopped(&world).await;
    let key = format!("link:Contact:{contact}");
    assert_eq!(options(&world, &review).await, [key.as_str(), "create_anyway", "leave_out", "retry"]);
    // Side by side: what she is here, and what the contact shows, with a link to it.
    let view = world.questions().view(review.id).await.unwrap().unwrap();
    let [ours, theirs] = view.sides.as_slice() else { panic!("{:#?}", view.sides) };
    assert_eq!((ours.record, theirs.silent.as_deref(), theirs.title.as_str()), (Some(person), None, "Anna Kranich"));
    let shown = |field: &Field| theirs.values.iter().find(|shown| shown.field == *field).map(|it| it.value.clone());
    assert_eq!(shown(&Field::DEPARTMENT).as_deref(), Some("Einkauf"));
    let there = theirs.remote.as_ref().unwrap();
    assert_eq!((there.connection.name.as_str(), there.remote.remote_type.as_str()), (SALESFORCE, "Contact"));
    assert!(there.url.as_ref().unwrap().ends_with(&format!("/lightning/r/Contact/{contact}/view")), "{there:?}");
    // What linking changes, here and there.
    let preview = &view.options[0].preview;
    assert!(preview.changes.iter().any(|change| change.field == Field::DEPARTMENT), "{preview:#?}");
    let writes: Vec<_> = preview.writes.iter().map(|it| (it.connection.name.as_str(), it.operation)).collect();
    assert!(writes.contains(&(SALESFORCE, Operation::Update)), "{preview:#?}");
    let created = &view.options[1].preview.writes;
    assert_eq!(
        created.iter().map(|it| (it.operation, it.remote_type.as_str())).collect::<Vec<_>>(),
        [(Operation::Create, "Lead")]
    );

    assert!(world.answer(review.id, &key).await.is_ok());
    world.settle().await;
    let link = world.link(SALESFORCE, person).await;
    assert_eq!(
        (link.remote_type.as_str(), link.remote_id.as_deref(), link.state.as_str()),
        ("Contact", Some(contact.as_str()), "open")
    );
    assert_eq!((world.in_salesforce("Lead").len(), world.in_salesforce("Contact").len()), (0, 1));
    // What the contact said is known here, and told to the other CRM; what is known here is told there.
    assert_eq!(world.record(person).await.fields.text(&Field::DEPARTMENT), Some("Einkauf"));
    assert_eq!(world.in_salesforce("Contact")[0]["Title"], json!("Leiterin Einkauf"));
    // Task and membership came by themselves.
    assert_eq!((world.in_salesforce("Task").len(), world.in_salesforce("CampaignMember").len()), (1, 1));
    world.nothing_waits().await;
    assert_eq!(world.store.review_count().await.unwrap(), 0);
    world.end().await;
}

async fn a_likely_duplicate_is_created_anyway_where_the_rule_gives_way(store: Store) {
    let world = World::with(store, with_rule(DuplicateAction::Alert)).await;
    contact(&world);
    let (person, review) = stopped(&world).await;
    assert_eq!(world.answer(review.id, "create_anyway").await, Ok(Command::CreateAnyway));
    world.settle().await;
    let link = world.link(SALESFORCE, person).await;
    assert_eq!((link.remote_type.as_str(), link.state.as_str()), ("Lead", "open"));
    assert_eq!((world.in_salesforce("Lead").len(), world.in_salesforce("Contact").len()), (1, 1));
    assert_eq!((world.in_salesforce("Task").len(), world.in_salesforce("CampaignMember").len()), (1, 1));
    world.nothing_waits().await;
    // Once: who is made later is asked about again.
    world.edit_salesforce(
        "Contact",
        "",
        &json!({ "FirstName": "Bert", "LastName": "Amsel", "Email": "amsel@privat.example",
            "AccountId": world.in_salesforce("Contact")[0]["AccountId"] }),
    );
    let second = world
        .lead(json!({ "badge_id": "BW26-900077", "first_name": "Bert", "last_name": "Amsel", "company": "Kranichwerk GmbH",
            "email": "bert.amsel@kranichwerk.example", "country": "DE" }))
        .await;
    assert_eq!(question(&world, second, "remote_duplicate").await.state, "open");
    world.end().await;
}

async fn where_the_rule_does_not_give_way_nobody_is_offered_to_insist(store: Store) {
    let world = World::with(store, with_rule(DuplicateAction::Block)).await;
    let contact = contact(&world);
    let (_, review) = stopped(&world).await;
    let key = format!("link:Contact:{contact}");
    assert_eq!(options(&world, &review).await, [key.as_str(), "leave_out", "retry"]);
    let refused = world.answer(review.id, "create_anyway").await;
    assert!(matches!(refused, Err(NotTaken::NoAnswerToThis(options)) if options.len() == 3));
    // Nothing has changed there: it is asked again.
    assert!(world.answer(review.id, "retry").await.is_ok());
    world.settle().await;
    let (_, again) = (0, world.store.reviews_open(None, 9).await.unwrap());
    assert!(again.iter().any(|it| it.question == "remote_duplicate"), "{again:?}");
    world.end().await;
}

async fn who_is_left_out_of_a_crm_is_not_written_there_and_what_hangs_on_them_says_so(store: Store) {
    let world = World::with(store, with_rule(DuplicateAction::Alert)).await;
    contact(&world);
    let (person, review) = stopped(&world).await;
    assert_eq!(world.answer(review.id, "leave_out").await, Ok(Command::LeaveOut));
    world.settle().await;
    let of = async |person| {
        let links = world.store.link_lines(person).await.unwrap();
        let link = links.into_iter().find(|link| link.connection == world.id(SALESFORCE).0).unwrap();
        (link.role, link.state, link.code)
    };
    let out = || ("excluded".to_owned(), "excluded".to_owned(), Some("left_out".to_owned()));
    assert_eq!(of(person).await, out());
    assert_eq!(world.link_about(SALESFORCE, person, Kind::Activity).await.code.as_deref(), Some("need_refused"));
    // No news, and nobody who tries everything again, brings her there.
    let mut later = anna();
    later["position"] = json!("Prokuristin");
    world.lead(later).await;
    let id = world.id(SALESFORCE);
    mittler_sync::retry::retry_connection(&world.store, &world.clock, id).await.unwrap();
    world.settle().await;
    assert_eq!(of(person).await, out());
    assert!(world.in_salesforce("Lead").is_empty() && world.in_salesforce("Task").is_empty());
    assert_eq!(
        world.in_hubspot("contacts")[0]["properties"]["jobtitle"],
        json!("Prokuristin"),
        "the other CRM goes on"
    );
    assert!(world.store.backlog().await.unwrap().iter().all(|one| one.due == 0), "what is left out is not due");
    world.end().await;
}

/// HubSpot has two companies of one domain.
async fn two_companies(world: &World) -> (RecordId, [String; 2], ReviewLine) {
    let company = |name: &str| {
        let made = world.edit_hubspot("companies", "new", &json!({ "name": name, "domain": "kranichwerk.example" }));
        made["id"].as_str().unwrap().to_owned()
    };
    let ids = [company("Kranichwerk Alt"), company("Kranichwerk Neu")];
    world.advance(15);
    let person = world.lead(anna()).await;
    let organisation = world.record(person).await.fields.reference(&Field::ORGANISATION).unwrap();
    let review = question(world, organisation, "remote_duplicate").await;
    assert_eq!(review.reason, "several_found");
    (organisation, ids, review)
}

async fn which_of_several_companies_it_is_a_person_says(store: Store) {
    let world = World::new(store).await;
    let (organisation, ids, review) = two_companies(&world).await;
    let view = world.questions().view(review.id).await.unwrap().unwrap();
    let names: Vec<_> = view.sides.iter().skip(1).map(|side| side.title.as_str()).collect();
    assert_eq!(names, ["Kranichwerk Alt", "Kranichwerk Neu"]);
    assert!(
        view.sides[1].remote.as_ref().unwrap().url.as_ref().unwrap().contains("/record/0-2/"),
        "{:?}",
        view.sides[1]
    );
    assert!(world.answer(review.id, &format!("link:companies:{}", ids[1])).await.is_ok());
    world.settle().await;
    assert_eq!(world.link(HUBSPOT, organisation).await.remote_id.as_ref(), Some(&ids[1]));
    assert_eq!(world.in_hubspot("companies").len(), 2);
    // Whoever works there hangs on it.
    let about = world
        .store
        .records_about(world.person_by_email("anna.kranich@kranichwerk.example").await.unwrap())
        .await
        .unwrap();
    let hangs = about.iter().find(|it| it.kind == Kind::Association).unwrap().id;
    assert!(world.link(HUBSPOT, hangs).await.remote_id.is_some_and(|pair| pair.contains(&ids[1])));
    world.end().await;
}

async fn several_companies_are_none_of_them_and_a_third_is_made(store: Store) {
    let world = World::new(store).await;
    let (organisation, ids, review) = two_companies(&world).await;
    assert!(world.answer(review.id, "create_anyway").await.is_ok());
    world.settle().await;
    let made = world.link(HUBSPOT, organisation).await.remote_id.unwrap();
    assert!(!ids.contains(&made) && world.in_hubspot("companies").len() == 3);
    world.end().await;
}

async fn a_chosen_record_that_is_gone_is_asked_about_again(store: Store) {
    let world = World::new(store).await;
    let (organisation, ids, review) = two_companies(&world).await;
    world.edit_hubspot("companies", &ids[0], &json!({ "archived": true }));
    assert!(world.answer(review.id, &format!("link:companies:{}", ids[0])).await.is_ok());
    world.settle().await;
    let again = question(&world, organisation, "remote_duplicate").await;
    assert_eq!(again.reason, "chosen_not_found");
    assert!(world.answer(again.id, "retry").await.is_ok());
    world.settle().await;
    assert_eq!(world.link(HUBSPOT, organisation).await.remote_id.as_ref(), Some(&ids[1]), "the one that is left");
    world.end().await;
}
