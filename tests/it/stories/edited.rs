//! What a person writes in Mittler itself: it reaches all CRMs, is not taken back by what others had said, and can be
//! let go.

use std::collections::BTreeMap;

use mittler_core::{Field, Fields, Kind, Label, RecordId, SourceKind};
use mittler_store::Store;
use mittler_sync::{
    edit::{Change, Edited, Editor, Fault, NotEdited, Written},
    restrict::Restriction,
};
use serde_json::{Value, json};

use super::{
    forget::found_of,
    reviews::ask,
    world::{HUBSPOT, SALESFORCE, World, anna, guest, phone, stand},
};
use crate::support::{Fresh, postgres, sqlite};

on_every_database!(
    what_a_person_writes_reaches_both_crms_and_comes_back_as_no_claim,
    what_a_crm_had_before_the_edit_does_not_take_it_back,
    a_later_list_does_not_bring_back_an_address_that_was_replaced_nor_a_title_that_was_corrected,
    a_later_change_in_a_crm_has_what_is_the_newests_and_not_what_is_the_strongests,
    an_emptied_field_is_emptied_everywhere,
    who_lets_go_gets_back_what_the_others_say,
    a_record_that_changed_meanwhile_is_not_edited,
    an_edit_that_is_sent_again_changes_nothing,
    a_later_lead_with_the_new_address_is_the_same_person,
    an_address_of_another_person_is_refused_with_that_person,
    an_address_of_somebody_who_was_forgotten_is_refused,
    what_is_wrong_with_a_value_is_said_and_nothing_of_the_edit_is_kept,
    who_is_restricted_is_edited_and_nobody_is_told_until_that_is_lifted,
    a_record_that_was_merged_says_which_it_is_now,
    what_was_written_before_a_merge_is_let_go_after_it,
    of_two_edits_at_once_one_is_told_that_the_other_was_first,
    a_company_is_edited_and_its_register_names_it,
    numbers_go_to_the_fields_that_their_labels_name,
    what_an_edit_would_change_is_known_before,
    the_trail_names_who_edited_which_field,
);

const EMAIL: &str = "anna.kranich@kranichwerk.example";
const NEW: &str = "anna.specht@kranichwerk.example";

fn to(fields: &[(&str, &str)]) -> BTreeMap<String, Change> {
    fields.iter().map(|(field, text)| ((*field).to_owned(), Change::to(*text))).collect()
}

fn one(field: &str, change: Change) -> BTreeMap<String, Change> {
    BTreeMap::from([(field.to_owned(), change)])
}

fn list(elements: &[(&str, Option<Label>)]) -> Change {
    Change::Set(elements.iter().map(|(text, label)| Written { text: (*text).into(), label: *label }).collect())
}

fn editor(world: &World) -> Editor {
    Editor::of(&world.questions())
}

/// Edits the record as it is now.
async fn try_edit(world: &World, id: RecordId, changes: &BTreeMap<String, Change>) -> Result<Edited, NotEdited> {
    let version = world.record(id).await.version;
    editor(world).edit(id, version, changes, "0190-operator").await.unwrap()
}

/// The same, and all CRMs are told.
async fn edit(world: &World, id: RecordId, changes: &BTreeMap<String, Change>) {
    assert!(try_edit(world, id, changes).await.unwrap().changed);
    world.settle().await;
}

fn lead_there(world: &World) -> Value {
    world.in_salesforce("Lead")[0].clone()
}

fn contact_there(world: &World) -> Value {
    world.in_hubspot("contacts")[0]["properties"].clone()
}

/// After two more rounds nothing has been written or said, and no version been made.
async fn quiet(world: &World, id: RecordId) {
    let state = async || {
        let said = world.store.statements(id).await.unwrap().len();
        (world.record(id).await.version, said, world.writes())
    };
    let before = state().await;
    for _ in 0..2 {
        world.advance(3);
        world.pull().await;
    }
    assert_eq!(state().await, before, "version, statements, writes");
}

async fn what_a_person_writes_reaches_both_crms_and_comes_back_as_no_claim(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    world.advance(10);
    edit(&world, person, &to(&[("position", "Prokuristin"), ("city", "Esslingen"), ("country", "Österreich")])).await;
    let (lead, contact) = (lead_there(&world), contact_there(&world));
    assert_eq!((&lead["Title"], &lead["City"]), (&json!("Prokuristin"), &json!("Esslingen")));
    assert_eq!((&contact["jobtitle"], &contact["city"]), (&json!("Prokuristin"), &json!("Esslingen")));
    let record = world.record(person).await;
    let position = record.fields.sourced(&Field::POSITION).unwrap();
    assert_eq!((position.source.kind, position.source.name.as_str()), (SourceKind::Person, "0190-operator"));
    assert_eq!((position.how.as_str(), record.fields.text(&Field::COUNTRY)), ("person.edit", Some("AT")));
    quiet(&world, person).await;
    world.nothing_waits().await;
    world.end().await;
}

async fn what_a_crm_had_before_the_edit_does_not_take_it_back(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    world.advance(10);
    world.edit_hubspot("contacts", &contact, &json!({ "jobtitle": "Einkäuferin" }));
    world.advance(10);
    // No pull has told of that yet.
    edit(&world, person, &to(&[("position", "Prokuristin")])).await;
    world.advance(3);
    world.pull().await;
    assert_eq!(world.record(person).await.fields.text(&Field::POSITION), Some("Prokuristin"));
    assert_eq!(contact_there(&world)["jobtitle"], json!("Prokuristin"), "who lost is told");
    assert_eq!(lead_there(&world)["Title"], json!("Prokuristin"));
    quiet(&world, person).await;
    world.end().await;
}

async fn a_later_list_does_not_bring_back_an_address_that_was_replaced_nor_a_title_that_was_corrected(store: Store) {
    let world = World::new(store).await;
    let mut badge = anna();
    badge["title"] = json!("Dr.");
    let person = world.lead(badge.clone()).await;
    assert_eq!(world.record(person).await.fields.text(&Field::TITLE), Some("Dr."));
    world.advance(10);
    edit(&world, person, &to(&[("emails", NEW), ("title", "Prof. Dr.")])).await;
    assert_eq!((&lead_there(&world)["Email"], &contact_there(&world)["email"]), (&json!(NEW), &json!(NEW)));
    world.advance(60);
    badge["note"] = json!("another day");
    assert_eq!(world.lead(badge).await, person);
    let fields = world.record(person).await.fields;
    let emails: Vec<&str> = fields.elements(&Field::EMAILS).iter().map(|element| element.key.as_str()).collect();
    assert_eq!((emails, fields.text(&Field::TITLE)), (vec![NEW], Some("Prof. Dr.")));
    assert_eq!((&lead_there(&world)["Email"], &contact_there(&world)["email"]), (&json!(NEW), &json!(NEW)));
    world.end().await;
}

async fn a_later_change_in_a_crm_has_what_is_the_newests_and_not_what_is_the_strongests(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    world.advance(10);
    edit(&world, person, &to(&[("position", "Prokuristin"), ("salutation", "Frau")])).await;
    assert_eq!(contact_there(&world)["salutation"], json!("Frau"));
    world.advance(60);
    world.pull().await;
    world.advance(60);
    world.edit_hubspot("contacts", &contact, &json!({ "jobtitle": "Geschäftsführerin", "salutation": "Herr" }));
    world.advance(10);
    world.pull().await;
    let fields = world.record(person).await.fields;
    assert_eq!(
        (fields.text(&Field::POSITION), fields.text(&Field::SALUTATION)),
        (Some("Geschäftsführerin"), Some("ms"))
    );
    assert_eq!(contact_there(&world)["salutation"], json!("Frau"), "it is told what holds");
    assert_eq!(lead_there(&world)["Title"], json!("Geschäftsführerin"));
    let editor = editor(&world);
    assert!(editor.holds(&Field::SALUTATION) && !editor.holds(&Field::POSITION), "as the page says");
    world.end().await;
}

async fn an_emptied_field_is_emptied_everywhere(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    world.advance(10);
    let both = BTreeMap::from([("position".to_owned(), Change::Empty), ("phones".to_owned(), Change::Empty)]);
    edit(&world, person, &both).await;
    let fields = world.record(person).await.fields;
    assert!(fields.value(&Field::POSITION).is_none() && fields.elements(&Field::PHONES).is_empty());
    let (lead, contact) = (lead_there(&world), contact_there(&world));
    assert!(lead["Title"].is_null() && lead["Phone"].is_null(), "{lead}");
    let empty = |value: &Value| value.as_str().is_none_or(str::is_empty);
    assert!(empty(&contact["jobtitle"]) && empty(&contact["phone"]), "{contact}");
    quiet(&world, person).await;
    assert!(!try_edit(&world, person, &both).await.unwrap().changed, "there is nothing left to empty");
    world.end().await;
}

async fn who_lets_go_gets_back_what_the_others_say(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let before = world.record(person).await.fields;
    world.advance(10);
    edit(&world, person, &to(&[("position", "Prokuristin"), ("emails", NEW)])).await;
    edit(&world, person, &one("phones", Change::Empty)).await;
    let edited = editor(&world).edited(person).await.unwrap();
    assert_eq!(edited, [Field::EMAILS, Field::PHONES, Field::POSITION]);
    world.advance(10);
    let back = ["position", "emails", "phones"].map(|field| (field.to_owned(), Change::LetGo));
    edit(&world, person, &BTreeMap::from(back)).await;
    let after = world.record(person).await.fields;
    assert!(after.says_same(&before), "{after:#?}");
    let (lead, contact) = (lead_there(&world), contact_there(&world));
    assert_eq!((&lead["Title"], &lead["Email"]), (&json!("Leiterin Einkauf"), &json!(EMAIL)));
    assert_eq!((&contact["jobtitle"], &contact["email"]), (&json!("Leiterin Einkauf"), &json!(EMAIL)));
    assert_eq!((&lead["Phone"], &contact["phone"]), (&json!("+497115550900"), &json!("+497115550900")));
    assert_eq!(world.person_by_email(EMAIL).await, Some(person));
    assert!(editor(&world).edited(person).await.unwrap().is_empty());
    quiet(&world, person).await;
    world.end().await;
}

async fn a_record_that_changed_meanwhile_is_not_edited(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let read = world.record(person).await.version;
    edit(&world, person, &to(&[("city", "Esslingen")])).await;
    let refused = editor(&world).edit(person, read, &to(&[("position", "Chefin")]), "other").await.unwrap();
    let now = world.record(person).await;
    assert_eq!(refused.unwrap_err(), NotEdited::ChangedMeanwhile(now.version));
    assert_eq!(now.fields.text(&Field::POSITION), Some("Leiterin Einkauf"));
    let taken = editor(&world).edit(person, now.version, &to(&[("position", "Chefin")]), "other").await.unwrap();
    assert!(taken.unwrap().changed);
    world.end().await;
}

async fn of_two_edits_at_once_one_is_told_that_the_other_was_first(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let (version, editor) = (world.record(person).await.version, editor(&world));
    let (first, second) = (to(&[("position", "Chefin")]), to(&[("city", "Ulm")]));
    let (one, two) = tokio::join!(
        editor.edit(person, version, &first, "one operator"),
        editor.edit(person, version, &second, "another operator")
    );
    let ended = [one.unwrap(), two.unwrap()];
    let late = ended.iter().filter(|end| **end == Err(NotEdited::ChangedMeanwhile(version + 1))).count();
    assert_eq!((late, ended.iter().filter(|end| end.is_ok()).count()), (1, 1), "{ended:?}");
    assert_eq!(world.record(person).await.version, version + 1);
    world.end().await;
}

async fn an_edit_that_is_sent_again_changes_nothing(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let read = world.record(person).await.version;
    let mut changes = to(&[("position", "Prokuristin"), ("emails", NEW)]);
    changes.insert("phones".into(), Change::Empty);
    changes.insert("title".into(), Change::LetGo);
    edit(&world, person, &changes).await;
    let (record, writes) = (world.record(person).await, world.writes());
    let said = world.store.statements(person).await.unwrap().len();
    // The answer was lost: the sender has the old version still.
    let again = editor(&world).edit(person, read, &changes, "0190-operator").await.unwrap().unwrap();
    assert!(!again.changed && again.record == record);
    world.settle().await;
    assert_eq!((world.store.statements(person).await.unwrap().len(), world.writes()), (said, writes));
    world.end().await;
}

async fn a_later_lead_with_the_new_address_is_the_same_person(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    edit(&world, person, &to(&[("emails", NEW)])).await;
    assert_eq!(world.person_by_email(NEW).await, Some(person));
    world.advance(60);
    let later = json!({ "last_name": "Kranich", "email": NEW, "position": "Prokuristin" });
    assert_eq!(world.lead(later).await, person);
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (1, 1));
    // Who is still written to under the old one is found, too.
    assert_eq!(world.person_by_email(EMAIL).await, Some(person));
    world.end().await;
}

async fn an_address_of_another_person_is_refused_with_that_person(store: Store) {
    let world = World::new(store).await;
    let (person, other) = (world.lead(anna()).await, world.lead(guest(1)).await);
    let writes = world.writes();
    let mut changes = to(&[("position", "Prokuristin")]);
    changes.insert("emails".into(), list(&[(EMAIL, None), ("Gast@Firma1.example", None)]));
    let refused = try_edit(&world, person, &changes).await.unwrap_err();
    assert_eq!(refused, NotEdited::Taken { field: Field::EMAILS, holder: other });
    assert!(refused.to_string().contains(&other.to_string()), "{refused}");
    world.settle().await;
    let record = world.record(person).await;
    assert_eq!(record.fields.text(&Field::POSITION), Some("Leiterin Einkauf"), "nothing of the edit is kept");
    assert_eq!((world.person_by_email("gast@firma1.example").await, world.writes()), (Some(other), writes));
    // A mailbox that several read names nobody, and may be written.
    edit(&world, person, &one("emails", list(&[(EMAIL, None), ("info@firma1.example", None)]))).await;
    world.end().await;
}

async fn an_address_of_somebody_who_was_forgotten_is_refused(store: Store) {
    let world = World::new(store).await;
    let (person, other) = (world.lead(anna()).await, world.lead(guest(1)).await);
    mittler_sync::forget::forget(&world.store, &world.keys, &world.clock, other, "operator").await.unwrap().unwrap();
    let refused = try_edit(&world, person, &to(&[("emails", "gast@firma1.example")])).await.unwrap_err();
    assert_eq!(refused, NotEdited::Refused { field: "emails".into(), fault: Fault::Forgotten });
    assert_eq!(world.record(person).await.fields.text(&Field::EMAILS), Some(EMAIL));
    let gone = editor(&world).edit(other, 1, &to(&[("position", "Chef")]), "operator").await.unwrap();
    assert_eq!(gone.unwrap_err(), NotEdited::NoSuchRecord);
    world.end().await;
}

async fn what_is_wrong_with_a_value_is_said_and_nothing_of_the_edit_is_kept(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let before = world.record(person).await;
    for (field, text, fault) in [
        ("emails", "anna.kranich", Fault::Email),
        ("phones", "siehe oben", Fault::Phone),
        ("postal_code", "7017", Fault::PostalCode),
        ("country", "Mittelerde", Fault::Country),
        ("owner_reason", "weil", Fault::UnknownField),
        ("organisation", "rec_1", Fault::UnknownField),
    ] {
        let refused = try_edit(&world, person, &to(&[("city", "Ulm"), (field, text)])).await.unwrap_err();
        assert_eq!(refused, NotEdited::Refused { field: field.into(), fault });
        assert!(refused.to_string().starts_with(&format!("{field}: ")), "{refused}");
    }
    let nobody = ["first_name", "last_name", "emails"].map(|field| (field.to_owned(), Change::Empty));
    let refused = try_edit(&world, person, &BTreeMap::from(nobody)).await.unwrap_err();
    assert!(matches!(refused, NotEdited::Refused { fault: Fault::NamesNobody, .. }), "{refused}");
    let about = world.store.records_about(person).await.unwrap();
    let visit = about.iter().find(|record| record.kind == Kind::Participation).unwrap();
    let refused = try_edit(&world, visit.id, &to(&[("note", "x")])).await.unwrap_err();
    assert_eq!(refused, NotEdited::KindNotEdited(Kind::Participation));
    assert_eq!(world.record(person).await, before);
    world.end().await;
}

async fn who_is_restricted_is_edited_and_nobody_is_told_until_that_is_lifted(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let restrict = async |wish: Restriction| {
        let done = mittler_sync::restrict::restrict(&world.store, &world.clock, person, wish, "operator").await;
        assert_eq!(done.unwrap(), Some(true));
        world.settle().await;
    };
    restrict(Restriction::Begin { reason: None }).await;
    edit(&world, person, &to(&[("position", "Prokuristin")])).await;
    assert_eq!(world.record(person).await.fields.text(&Field::POSITION), Some("Prokuristin"));
    assert_eq!(lead_there(&world)["Title"], json!("Leiterin Einkauf"), "it was told");
    assert_eq!(world.link(SALESFORCE, person).await.code.as_deref(), Some("restricted"));
    restrict(Restriction::Lift).await;
    assert_eq!(
        (&lead_there(&world)["Title"], &contact_there(&world)["jobtitle"]),
        (&json!("Prokuristin"), &json!("Prokuristin"))
    );
    world.end().await;
}

async fn a_record_that_was_merged_says_which_it_is_now(store: Store) {
    let world = World::new(store).await;
    let (person, other) = (world.lead(anna()).await, world.lead(guest(1)).await);
    edit(&world, other, &to(&[("department", "Einkauf")])).await;
    let question = merged(&world, other, person).await;
    let changes = to(&[("position", "Chef")]);
    assert_eq!(try_edit(&world, other, &changes).await.unwrap_err(), NotEdited::MergedInto(person));
    assert_eq!(editor(&world).preview(other, &changes).await.unwrap().unwrap_err(), NotEdited::MergedInto(person));
    // What was written of the one is the other's, and goes with whom it was written of.
    assert_eq!(world.record(person).await.fields.text(&Field::DEPARTMENT), Some("Einkauf"));
    edit(&world, person, &to(&[("position", "Prokuristin")])).await;
    world.answer(question, "take_back").await.unwrap();
    world.settle().await;
    let (one, two) = (world.record(person).await.fields, world.record(other).await.fields);
    let texts = |fields: &Fields| [Field::DEPARTMENT, Field::POSITION].map(|it| fields.text(&it).map(str::to_owned));
    assert_eq!(texts(&one), [None, Some("Prokuristin".to_owned())]);
    assert_eq!(texts(&two), [Some("Einkauf".to_owned()), None]);
    world.end().await;
}

/// A person says that the one is the other; gives the question.
async fn merged(world: &World, one: RecordId, other: RecordId) -> uuid::Uuid {
    let question = ask(world, ("same_person", "same phone and surname"), one, &[other]).await;
    world.answer(question, &format!("merge:{other}")).await.unwrap();
    world.settle().await;
    question
}

async fn what_was_written_before_a_merge_is_let_go_after_it(store: Store) {
    let world = World::new(store).await;
    let (person, other) = (world.lead(anna()).await, world.lead(guest(1)).await);
    edit(&world, other, &to(&[("department", "Einkauf")])).await;
    merged(&world, other, person).await;
    edit(&world, person, &one("department", Change::LetGo)).await;
    assert_eq!(world.record(person).await.fields.text(&Field::DEPARTMENT), None);
    world.end().await;
}

async fn a_company_is_edited_and_its_register_names_it(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let company = world.record(person).await.fields.reference(&Field::ORGANISATION).unwrap();
    let other = world.lead(guest(1)).await;
    let other = world.record(other).await.fields.reference(&Field::ORGANISATION).unwrap();
    let changes = [("name", "Kranich Fördertechnik AG"), ("city", "Esslingen"), ("register", "Stuttgart HRB 12345")];
    edit(&world, company, &to(&changes)).await;
    let named = world.hubspot_with("companies", "name", "Kranich Fördertechnik AG");
    assert_eq!((named.len(), &named[0]["properties"]["city"]), (1, &json!("Esslingen")));
    let fields = world.record(company).await.fields;
    assert_eq!(fields.text(&Field::LEGAL_FORM), Some("AG"), "the parts of the name go with it");
    let refused = try_edit(&world, other, &to(&[("register", "Stuttgart HRB 12345")])).await.unwrap_err();
    assert_eq!(refused, NotEdited::Taken { field: Field::REGISTER, holder: company });
    world.end().await;
}

async fn numbers_go_to_the_fields_that_their_labels_name(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let numbers = [("0711 5550955", None), ("+49 171 5550900", None), ("0711 5550900", Some(Label::Direct))];
    edit(&world, person, &one("phones", list(&numbers))).await;
    let record = world.record(person).await;
    assert_eq!(phone(&record, &[Label::Mobile]).as_deref(), Some("+491715550900"));
    assert_eq!(record.fields.elements(&Field::PHONES).len(), 3);
    let (lead, contact) = (lead_there(&world), contact_there(&world));
    assert_eq!((&lead["Phone"], &lead["MobilePhone"]), (&json!("+497115550955"), &json!("+491715550900")));
    assert_eq!((&contact["phone"], &contact["mobilephone"]), (&json!("+497115550955"), &json!("+491715550900")));
    // The one that is left out is no more, and the others stay.
    edit(&world, person, &one("phones", list(&numbers[..1]))).await;
    let lead = lead_there(&world);
    assert_eq!((&lead["Phone"], lead["MobilePhone"].is_null()), (&json!("+497115550955"), true));
    quiet(&world, person).await;
    world.end().await;
}

async fn what_an_edit_would_change_is_known_before(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let before = world.record(person).await;
    let preview = editor(&world).preview(person, &to(&[("position", "Prokuristin")])).await.unwrap().unwrap();
    let [change] = preview.changes.as_slice() else { panic!("{preview:?}") };
    assert_eq!((&change.before[0], &change.after[0]), (&"Leiterin Einkauf".to_owned(), &"Prokuristin".to_owned()));
    let told: BTreeMap<&str, &[String]> =
        preview.writes.iter().map(|write| (write.connection.name.as_str(), write.fields.as_slice())).collect();
    assert_eq!(
        told,
        BTreeMap::from([(HUBSPOT, &["jobtitle".to_owned()][..]), (SALESFORCE, &["Title".to_owned()][..])])
    );
    assert_eq!(world.record(person).await, before, "nothing is written");
    world.end().await;
}

async fn the_trail_names_who_edited_which_field(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    edit(&world, person, &to(&[("position", "Prokuristin")])).await;
    edit(&world, person, &one("position", Change::LetGo)).await;
    let trail = world.store.audit_entries(0, 10).await.unwrap();
    let edits: Vec<_> = trail.iter().filter(|entry| entry.action == "edit").collect();
    assert_eq!(edits.len(), 2);
    assert!(edits.iter().all(|entry| entry.actor == "0190-operator" && entry.target == person.to_string()));
    assert_eq!(world.store.verify_audit().await.unwrap(), None);
    world.end().await;
}

mod a_person_who_is_forgotten_takes_what_was_written_of_them_along {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        super::forgotten(super::sqlite().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        super::forgotten(super::postgres().await).await;
    }
}

async fn forgotten(fresh: Fresh) {
    const WRITTEN: [&str; 3] = ["Prokuristin der Ostalb", "anna.specht@", "4971155509731"];
    let world = World::new(fresh.store.clone()).await;
    let person = world.lead(anna()).await;
    let changes = to(&[("position", WRITTEN[0]), ("emails", NEW), ("phones", "0711 5550 9731")]);
    edit(&world, person, &changes).await;
    edit(&world, person, &one("position", Change::Empty)).await;
    assert!(!found_of(&fresh, &WRITTEN).await.is_empty(), "the scan finds nothing at all");
    mittler_sync::forget::forget(&world.store, &world.keys, &world.clock, person, "operator").await.unwrap().unwrap();
    let left = found_of(&fresh, &WRITTEN).await;
    assert!(left.is_empty(), "still there: {left:#?}");
    // Nor does the address that was written let anybody back in.
    let again = world.door.lead(json!({ "last_name": "Specht", "email": NEW }), &stand()).await.unwrap();
    world.settle().await;
    let line = world.store.signal_line(again.id).await.unwrap().unwrap();
    assert_eq!(line.code.as_deref(), Some("suppressed"));
    world.end().await;
    fresh.remove().await;
}
