//! Every answer does something in the CRM that it is about.

use mittler_core::{Field, Kind, RecordId};
use mittler_sandbox::{
    Config,
    salesforce::{DuplicateAction, DuplicateRule},
};
use mittler_store::{Store, intents::Operation, reviews::ReviewLine};
use mittler_sync::{NotTaken, question::Command};
use serde_json::json;

use super::{
    moved::delete_in_hubspot,
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
    what_was_deleted_in_one_crm_is_deleted_in_the_others_on_request,
    who_was_erased_in_a_crm_stays_here_or_is_forgotten_and_is_never_made_there_again,
    of_two_who_share_an_address_the_other_gives_it_up,
    of_two_who_share_an_address_this_one_gives_it_up,
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
    assert_eq!(world.link(SALESFORCE, person).await.state.name(), "refused");
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
        (link.remote_type.as_str(), link.remote_id.as_deref(), link.state.name()),
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
    assert_eq!((link.remote_type.as_str(), link.state.name()), ("Lead", "open"));
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
    assert_eq!(question(&world, second, "remote_duplicate").await.state.name(), "open");
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
        (link.role.name(), link.state.name(), link.code)
    };
    let out = || ("excluded", "excluded", Some("left_out".to_owned()));
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

async fn what_was_deleted_in_one_crm_is_deleted_in_the_others_on_request(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    delete_in_hubspot(&world, person).await;
    let review = question(&world, person, "deleted_there").await;
    let view = world.questions().view(review.id).await.unwrap().unwrap();
    let option = view.options.iter().find(|it| it.command == Command::DeleteThereToo).unwrap();
    let writes: Vec<_> = option.preview.writes.iter().map(|it| (it.connection.name.as_str(), it.operation)).collect();
    assert_eq!(writes, [(SALESFORCE, Operation::Archive)]);
    assert_eq!(world.answer(review.id, "delete_there_too").await, Ok(Command::DeleteThereToo));
    world.settle().await;
    assert!(
        world.in_salesforce("Lead").iter().all(|lead| lead["IsDeleted"] == json!(true)),
        "{:?}",
        world.in_salesforce("Lead")
    );
    // What we did ourselves is no news that somebody has to be asked about.
    world.advance(60);
    world.pull().await;
    assert_eq!(world.store.review_count().await.unwrap(), 0);
    assert!(world.store.record(person).await.unwrap().is_some(), "here they stay");
    world.end().await;
}

async fn who_was_erased_in_a_crm_stays_here_or_is_forgotten_and_is_never_made_there_again(store: Store) {
    let world = World::new(store).await;
    let erased = async |person: RecordId| {
        let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
        world.advance(10);
        world.edit_hubspot("contacts", &contact, &json!({ "erased": true }));
        let connection = world.id(HUBSPOT);
        let ids = vec![contact];
        world.ask(mittler_core::job::Task::Erased { connection, remote_type: "contacts".into(), ids }).await;
        world.settle().await;
        question(&world, person, "erased_there").await
    };
    let person = world.lead(anna()).await;
    let review = erased(person).await;
    assert_eq!(options(&world, &review).await, ["forget", "keep"]);
    assert_eq!(world.answer(review.id, "keep").await, Ok(Command::Keep));
    let mut later = anna();
    later["position"] = json!("Prokuristin");
    assert_eq!(world.lead(later.clone()).await, person);
    assert!(world.in_hubspot("contacts").is_empty(), "whoever asked to be forgotten there stays forgotten");
    assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!("Prokuristin"), "elsewhere they go on");
    // Another one is forgotten here, too, and comes back by no list.
    let bert = json!({ "badge_id": "BW26-900010", "first_name": "Bert", "last_name": "Amsel", "company": "Amselbau GmbH",
        "email": "bert.amsel@amselbau.example", "country": "DE" });
    let other = world.lead(bert.clone()).await;
    let review = erased(other).await;
    assert_eq!(world.answer(review.id, "forget").await, Ok(Command::Forget));
    world.settle().await;
    assert!(world.store.record(other).await.unwrap().is_none());
    world.door.lead(bert, &super::world::stand()).await.unwrap();
    world.settle().await;
    assert_eq!(world.person_by_email("bert.amsel@amselbau.example").await, None);
    assert!(world.in_hubspot("contacts").is_empty());
    assert!(world.store.record(person).await.unwrap().is_some());
    world.end().await;
}

/// Two people with one address, which HubSpot lets nobody share: the first has it there.
async fn sharing(world: &World) -> (RecordId, RecordId, ReviewLine) {
    let of = |badge: &str, first: &str, last: &str| {
        json!({ "badge_id": badge, "first_name": first, "last_name": last, "company": "Kranichwerk GmbH",
            "email": "elvira.saum@kranichwerk.example", "country": "DE" })
    };
    let first = world.lead(of("BW26-900020", "Elvira", "Saum")).await;
    let second = world.lead(of("BW26-900021", "Bernd", "Storch")).await;
    assert_ne!(first, second);
    if let Some(asked) = world.store.reviews_of(second).await.unwrap().iter().find(|it| it.question == "same_person") {
        assert!(world.answer(asked.id, "different").await.is_ok());
        world.settle().await;
    }
    let review = question(world, second, "remote_duplicate").await;
    assert_eq!(world.hubspot_with("contacts", "email", "elvira.saum@kranichwerk.example").len(), 1);
    (first, second, review)
}

async fn of_two_who_share_an_address_the_other_gives_it_up(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = sharing(&world).await;
    let view = world.questions().view(review.id).await.unwrap().unwrap();
    let ours = view.options.iter().find(|it| it.command == Command::Ours).unwrap();
    assert_eq!(ours.preview.changes[0].after, Vec::<String>::new(), "the holder loses it");
    assert_eq!(world.answer(review.id, "ours").await, Ok(Command::Ours));
    world.settle().await;
    let emails = async |person| world.record(person).await.fields.elements(&Field::EMAILS).len();
    assert_eq!((emails(first).await, emails(second).await), (0, 1));
    let holders = world.hubspot_with("contacts", "email", "elvira.saum@kranichwerk.example");
    let id = world.link(HUBSPOT, second).await.remote_id;
    assert_eq!(holders.iter().map(|it| it["id"].as_str()).collect::<Vec<_>>(), [id.as_deref()]);
    assert!(world.link(HUBSPOT, second).await.held.0.is_empty());
    assert_eq!(world.person_by_email("elvira.saum@kranichwerk.example").await, Some(second));
    assert_eq!(world.store.review_count().await.unwrap(), 0);
    world.nothing_waits().await;
    world.end().await;
}

async fn of_two_who_share_an_address_this_one_gives_it_up(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = sharing(&world).await;
    assert_eq!(world.answer(review.id, "theirs").await, Ok(Command::Theirs));
    world.settle().await;
    let emails = async |person| world.record(person).await.fields.elements(&Field::EMAILS).len();
    assert_eq!((emails(first).await, emails(second).await), (1, 0));
    assert_eq!(world.person_by_email("elvira.saum@kranichwerk.example").await, Some(first));
    let link = world.link(HUBSPOT, second).await;
    assert!(link.held.0.is_empty(), "{link:?}");
    assert_eq!(world.in_hubspot("contacts").len(), 2);
    // The other CRM, which lets them share it, is told as well.
    let leads = world.in_salesforce("Lead");
    let of = |last: &str| leads.iter().find(|lead| lead["LastName"] == json!(last)).unwrap();
    assert_eq!(of("Saum")["Email"], json!("elvira.saum@kranichwerk.example"));
    assert!(of("Storch")["Email"].is_null(), "{}", of("Storch"));
    assert_eq!(world.store.review_count().await.unwrap(), 0);
    world.nothing_waits().await;
    world.end().await;
}
