//! What a person may ask for: to see all that is held about them, to be forgotten, that nobody is told.

use bytes::Bytes;
use mittler_core::{Field, RecordId};
use mittler_ingest::{ImportParams, LeadParams};
use mittler_store::{Store, retention::Retention};
use mittler_sync::{
    export::{Export, NoContent},
    find::Found,
    restrict::Restriction,
    rights::{Rights, Whom},
};
use serde_json::json;

use super::super::{
    reviews::doubled,
    world::{HUBSPOT, SALESFORCE, World, anna},
};

on_every_database!(
    an_export_tells_each_value_with_its_source_and_what_each_crm_was_told,
    an_export_follows_to_what_was_merged,
    a_mail_of_somebody_else_is_named_and_not_shown,
    a_reason_for_a_restriction_stays_with_it,
    people_are_found_by_what_they_have_and_told_apart_where_they_share_it,
    somebody_without_a_record_is_forgotten_and_kept_out,
    an_export_shows_what_was_not_taken_if_the_address_is_theirs,
);

fn rights(world: &World) -> Rights {
    Rights {
        store: world.store.clone(),
        clock: world.clock.clone(),
        keys: world.keys.clone(),
        retention: Retention::default(),
        country: "DE".into(),
    }
}

async fn export(world: &World, person: RecordId) -> Export {
    rights(world).export(person, "story").await.unwrap().unwrap()
}

async fn an_export_tells_each_value_with_its_source_and_what_each_crm_was_told(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let given = export(&world, person).await;
    let own = given.records.iter().find(|record| record.id == person).unwrap();
    let position = own.values.iter().find(|value| value.field == "position").unwrap();
    assert_eq!((&position.value, position.source.name.as_str()), (&json!("Leiterin Einkauf"), "bewega-scan"));
    assert!(given.inputs.iter().any(|input| input.id == position.input), "the input of a value is among the inputs");
    let kinds: Vec<&str> = given.records.iter().map(|record| record.kind.as_str()).collect();
    for kind in ["person", "participation", "activity"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    assert!(!kinds.contains(&"fair"), "a fair is nobody's: {kinds:?}");
    for (connection, remote_type, field) in [(SALESFORCE, "Lead", "Title"), (HUBSPOT, "contacts", "jobtitle")] {
        let there = given.recipients.iter().find(|it| it.connection == connection && it.record == person).unwrap();
        let id = world.link(connection, person).await.remote_id;
        assert_eq!((there.remote_type.as_str(), &there.remote_id), (remote_type, &id));
        assert_eq!(there.sent[field], json!("Leiterin Einkauf"), "{there:#?}");
        assert!(
            there.written_at.is_some() && there.writes.iter().any(|write| write.outcome == "created"),
            "{there:#?}"
        );
    }
    let content = given.inputs[0].content.as_deref().unwrap();
    assert!(content.contains("anna.kranich@kranichwerk.example"), "{content}");
    assert!(given.keys.iter().any(|key| key.kind == "email" && key.strong));
    world.end().await;
}

async fn an_export_follows_to_what_was_merged(store: Store) {
    let world = World::new(store).await;
    let (first, second, review) = doubled(&world).await;
    let address = |record: &mittler_core::Record| record.fields.elements(&Field::EMAILS)[0].key.clone();
    let addresses = [address(&world.record(first).await), address(&world.record(second).await)];
    world.answer(review.id, "merge").await.unwrap();
    world.settle().await;
    let [one, other] = [export(&world, first).await, export(&world, second).await];
    assert_eq!(one.person, other.person, "who became part of another is found through either");
    let text = serde_json::to_string(&one).unwrap();
    for address in addresses {
        assert!(text.contains(&address), "{address}");
    }
    assert!(one.records.iter().any(|record| record.merged_into == Some(one.person)), "{:#?}", one.records);
    assert!(one.decisions.iter().any(|it| it.verdict == "same"), "{:#?}", one.decisions);
    assert!(one.questions.iter().any(|it| it.question == "same_person"), "{:#?}", one.questions);
    world.end().await;
}

const MAIL: &str = "From: Jens Kranich <jens.kranich@kranichwerk.example>\r\nTo: vertrieb@example.com\r\nSubject: Re: Messe\r\n\
    Message-ID: <1@kranichwerk.example>\r\nDate: Tue, 21 Apr 2026 10:00:00 +0200\r\n\r\n\
    Guten Tag,\r\nmeine Blutgruppe ist geheim.\r\n\r\nJens Kranich\r\n";

/// The mail led to another person's record, and something in it was said of this one.
async fn a_mail_of_somebody_else_is_named_and_not_shown(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    world.door.mails(Bytes::from_static(MAIL.as_bytes()), &LeadParams::of("vertrieb")).await.unwrap();
    world.settle().await;
    let jens = world.person_by_email("jens.kranich@kranichwerk.example").await.unwrap();
    let own = export(&world, jens).await;
    let mail = own.inputs.iter().find(|input| input.kind == "mail").unwrap();
    assert!(mail.content.as_deref().unwrap().contains("Blutgruppe") && mail.no_content.is_none());
    let id = mail.id;
    let mut statement = world.store.statements(jens).await.unwrap().into_iter().find(|it| it.signal == id).unwrap();
    statement.subject = mittler_core::SubjectId(uuid::Uuid::new_v4());
    let row = mittler_store::records::StatementRow::new(person, &statement);
    world.store.write(async move |tx| tx.put_statements(std::slice::from_ref(&row)).await).await.unwrap();
    let given = export(&world, person).await;
    let mail = given.inputs.iter().find(|input| input.id == id).unwrap();
    assert_eq!((mail.no_content, &mail.content), (Some(NoContent::AnotherPersonsMail), &None));
    assert!(!serde_json::to_string(&given).unwrap().contains("Blutgruppe"));
    world.end().await;
}

async fn a_reason_for_a_restriction_stays_with_it(store: Store) {
    let world = World::new(store).await;
    let (person, rights) = (world.lead(anna()).await, rights(&world));
    let begin = |reason: &str| Restriction::Begin { reason: Some(reason.to_owned()) };
    assert_eq!(rights.restrict(person, begin("disputes the address"), "story").await.unwrap(), Some(true));
    assert_eq!(rights.restrict(person, begin("another"), "story").await.unwrap(), Some(false));
    let reason = async || world.store.restriction_reason(person).await.unwrap();
    assert_eq!(reason().await.as_deref(), Some("disputes the address"));
    let given = export(&world, person).await;
    assert_eq!(given.restriction.unwrap().reason.as_deref(), Some("disputes the address"));
    rights.restrict(person, Restriction::Lift, "story").await.unwrap();
    rights.restrict(person, Restriction::Begin { reason: None }, "story").await.unwrap();
    assert_eq!(reason().await, None, "a new restriction has no reason of an old one");
    assert_eq!(export(&world, person).await.restriction.unwrap().reason, None);
    world.end().await;
}

async fn people_are_found_by_what_they_have_and_told_apart_where_they_share_it(store: Store) {
    let world = World::new(store).await;
    let rights = rights(&world);
    let at_the_desk = |first: &str, last: &str| {
        json!({ "first_name": first, "last_name": last, "company": "Spechtbau AG", "email": "info@spechtbau.example",
                "phone": "0711 5550901", "country": "DE" })
    };
    let anna = world.lead(anna()).await;
    let bert = world.lead(at_the_desk("Bert", "Specht")).await;
    let find = async |text: &str| rights.find(text).await.unwrap();
    assert_eq!(find(" Anna.Kranich@Kranichwerk.example ").await, Found::Record(anna));
    assert_eq!(find("0711 / 555 09 00").await, Found::Record(anna));
    assert_eq!(find(&anna.to_string()).await, Found::Record(anna));
    assert_eq!(find("info@spechtbau.example").await, Found::Record(bert));
    let dora = world.lead(at_the_desk("Dora", "Meise")).await;
    let Found::Several(found) = find("+49 711 5550901").await else { panic!("two share the number") };
    assert!(found.len() == 2 && found.contains(&bert) && found.contains(&dora), "{found:?}");
    assert!(matches!(find("info@spechtbau.example").await, Found::Several(_)));
    assert!(matches!(find("nobody@spechtbau.example").await, Found::Stranger(_)));
    assert_eq!(find("Anna Kranich").await, Found::Unreadable);
    world.end().await;
}

/// A row with more cells than columns, which is not taken.
const REFUSED: &[u8] = b"Vorname;Nachname;E-Mail;Telefon\nFritz;Fremd;fritz@fremd.example;0711 5550777;zu;viel\n\
    Gerda;Grau;gerda@grau.example;0711 5550777;zu;viel\n";

/// The contents of what was not taken.
async fn kept(world: &World, run: mittler_core::RunId) -> Vec<String> {
    let kept = world.store.refused_contents(run, (-1, uuid::Uuid::nil()), 9).await.unwrap();
    assert_eq!(kept.len(), 2, "both rows are refused");
    kept.into_iter().filter_map(|one| one.content).map(|bytes| String::from_utf8(bytes).unwrap()).collect()
}

async fn somebody_without_a_record_is_forgotten_and_kept_out(store: Store) {
    let world = World::new(store).await;
    let rights = rights(&world);
    let run =
        world.door.import_csv(Bytes::from_static(REFUSED), ImportParams::of("liste"), |_, _| ()).await.unwrap().run;
    world.settle().await;
    assert_eq!(kept(&world, run).await.len(), 2);
    let Found::Stranger(fritz) = rights.find("fritz@fremd.example").await.unwrap() else { panic!() };
    let whom = Whom::Stranger(fritz);
    let preview = rights.preview_forgetting(&whom).await.unwrap().unwrap();
    assert_eq!(kept(&world, run).await.len(), 2, "asking removes nothing");
    let done = rights.forget(&whom, "story").await.unwrap().unwrap();
    assert_eq!((&done, done.record, done.addresses_kept_out), (&preview, None, 1));
    let left = kept(&world, run).await;
    assert!(left.len() == 1 && left[0].contains("gerda"), "{left:?}");
    let lead = json!({ "first_name": "Fritz", "last_name": "Fremd", "email": "Fritz@Fremd.example" });
    let accepted = world.door.lead(lead, &LeadParams::of("form")).await.unwrap();
    world.settle().await;
    let line = world.store.signal_line(accepted.id).await.unwrap().unwrap();
    assert_eq!((line.state.name(), line.code.as_deref()), ("refused", Some("suppressed")));
    let trail = world.store.audit_entries(0, 99).await.unwrap();
    let entry = trail.iter().find(|entry| entry.action == "forget").unwrap();
    assert_eq!(entry.target, "stranger", "the trail names nobody");
    world.end().await;
}

async fn an_export_shows_what_was_not_taken_if_the_address_is_theirs(store: Store) {
    let world = World::new(store).await;
    world.door.import_csv(Bytes::from_static(REFUSED), ImportParams::of("liste"), |_, _| ()).await.unwrap();
    world.settle().await;
    let lead = json!({ "first_name": "Fritz", "last_name": "Fremd", "email": "fritz@fremd.example",
                       "phone": "0711 5550777", "country": "DE", "company": "Fremdbau GmbH" });
    let person = world.lead(lead).await;
    let given = export(&world, person).await;
    let refused: Vec<_> = given.inputs.iter().filter(|input| input.state == "refused").collect();
    assert_eq!(refused.len(), 2, "one by the address, one by the number: {:#?}", given.inputs);
    let own = refused.iter().find(|input| input.content.is_some()).unwrap();
    assert!(own.content.as_deref().unwrap().contains("Fritz"));
    assert!(refused.iter().any(|input| input.no_content == Some(NoContent::PerhapsAboutAnother)));
    assert!(!serde_json::to_string(&given).unwrap().contains("gerda@grau.example"), "another person's row is shown");
    world.end().await;
}
