//! What is said twice is one thing.

use bytes::Bytes;
use futures_util::future::join_all;
use mittler_core::{Field, Kind, RecordId};
use mittler_sandbox::Vendor;
use mittler_store::Store;
use serde_json::json;

use super::world::{HUBSPOT, HUBSPOT_WRITES, SALESFORCE, SALESFORCE_WRITES, World, anna, organiser, scans, stand};

on_every_database!(
    a_file_imported_twice_is_one_import,
    a_lead_posted_twice_is_one_record_and_one_write_per_crm,
    leads_of_one_person_at_the_same_time_are_one_person,
    a_badge_scanned_first_gets_its_person_from_the_organisers_list_days_later,
    what_a_second_scan_notes_is_a_note_beside_the_task,
    a_company_that_is_named_again_as_before_is_not_told_again,
    a_badge_without_a_name_waits_for_the_organisers_list,
);

const SMALL: &str = "Badge-ID;Vorname;Nachname;Firma;E-Mail;Telefon;Land
K-1;Anna;Kranich;Kranichwerk GmbH;anna.kranich@kranichwerk.example;0711 5550900;DE
K-2;Bert;Specht;Spechtbau AG;bert.specht@spechtbau.example;0711 5550901;DE
";

async fn a_file_imported_twice_is_one_import(store: Store) {
    let world = World::new(store).await;
    let file = || Bytes::from_static(SMALL.as_bytes());
    let first = world.door.import_csv(file(), scans(), |_, _| ()).await.unwrap();
    world.settle().await;
    let (records, state, writes) =
        (world.store.record_counts().await.unwrap(), world.sandbox.salesforce().state(), world.writes());
    assert_eq!(world.in_salesforce("Lead").len(), 2);
    let second = world.door.import_csv(file(), scans(), |_, _| ()).await.unwrap();
    assert_eq!((second.run, second.new, second.known), (first.run, 0, 2));
    world.settle().await;
    assert_eq!(world.store.record_counts().await.unwrap(), records);
    assert_eq!(world.sandbox.salesforce().state(), state);
    assert_eq!(world.writes(), writes, "the second import wrote something");
    world.end().await;
}

async fn a_lead_posted_twice_is_one_record_and_one_write_per_crm(store: Store) {
    let world = World::new(store).await;
    let params = stand();
    let posts = join_all((0..8).map(|_| world.door.lead(anna(), &params))).await;
    let ids: std::collections::BTreeSet<_> = posts.into_iter().map(|post| post.unwrap().id).collect();
    assert_eq!(ids.len(), 1, "one input was taken as several");
    world.settle().await;
    let person = world.lead(anna()).await;
    assert_eq!(world.record(person).await.version, 1);
    assert_eq!(world.intents(SALESFORCE, person).await.len(), 1);
    assert_eq!(world.intents(HUBSPOT, person).await.len(), 1);
    for object in ["Lead", "Campaign", "CampaignMember", "Task"] {
        assert_eq!(world.in_salesforce(object).len(), 1, "{object}");
    }
    for kind in ["contacts", "companies", "marketing_events", "tasks"] {
        assert_eq!(world.in_hubspot(kind).len(), 1, "{kind}");
    }
    assert_eq!(world.attendance().len(), 1);
    world.end().await;
}

async fn a_company_that_is_named_again_as_before_is_not_told_again(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let company = world.record(person).await.fields.reference(&Field::ORGANISATION).unwrap();
    let (before, told) = (world.record(company).await, world.link(HUBSPOT, company).await);
    world.advance(60);
    let mut colleague = anna();
    for (name, value) in [
        ("badge_id", "K-9"),
        ("first_name", "Berta"),
        ("email", "berta@kranichwerk.example"),
        ("phone", "0711 5550999"),
    ] {
        colleague[name] = json!(value);
    }
    let colleague = world.lead(colleague).await;
    assert_eq!(world.record(colleague).await.fields.reference(&Field::ORGANISATION), Some(company));
    let (after, link) = (world.record(company).await, world.link(HUBSPOT, company).await);
    assert!(after.version > before.version && after.fields.says_same(&before.fields), "who said it last is noted");
    assert_eq!((link.wanted, link.done), (told.wanted, told.done), "its link was made due for nothing");
    world.end().await;
}

async fn leads_of_one_person_at_the_same_time_are_one_person(store: Store) {
    let world = World::new(store).await;
    let leads = (0..12).map(|at| {
        let mut lead = anna();
        lead["note"] = json!(format!("Besuch {at}"));
        let world = &world;
        async move { world.door.lead(lead, &stand()).await.unwrap() }
    });
    let accepted = join_all(leads).await;
    world.settle().await;
    let mut records = std::collections::BTreeSet::new();
    for one in accepted {
        records.extend(world.store.signal_line(one.id).await.unwrap().unwrap().record);
    }
    assert_eq!(records.len(), 1, "one person became several records");
    let (leads, contacts) = (world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len());
    assert_eq!((leads, contacts, world.attendance().len()), (1, 1, 1));
    world.end().await;
}

async fn a_badge_scanned_first_gets_its_person_from_the_organisers_list_days_later(store: Store) {
    let world = World::new(store).await;
    // The stand's scanner gives no more than the badge and what was typed in beside it.
    let scan = json!({ "badge_id": "K-1", "last_name": "Kranich", "interest": "Getriebe",
        "note": "will Muster", "scanned_at": "2026-04-14T10:00:00+02:00" });
    let scanned = world.lead(scan).await;
    assert_eq!(world.in_salesforce("Lead").len(), 1);
    world.advance(3 * 24 * 3600);
    world.door.import_csv(Bytes::from_static(SMALL.as_bytes()), organiser(), |_, _| ()).await.unwrap();
    world.settle().await;
    let anna = world.person_by_email("anna.kranich@kranichwerk.example").await;
    assert_eq!(anna, Some(scanned), "the badge did not join the two parts");
    let record = world.record(RecordId(scanned.0)).await;
    assert_eq!(record.fields.text(&Field::COMPANY), Some("Kranichwerk GmbH"));
    let about = world.store.records_about(scanned).await.unwrap();
    let visits: Vec<_> = about.iter().filter(|record| record.kind == Kind::Participation).collect();
    assert_eq!(visits.len(), 1);
    assert_eq!(visits[0].fields.text(&Field::NOTE), Some("will Muster"));
    let leads = world.in_salesforce("Lead");
    assert_eq!(leads.len(), 2);
    let lead = &world.salesforce_with("Lead", "LastName", "Kranich")[0];
    assert_eq!(
        (lead["Email"].as_str(), lead["Company"].as_str()),
        (Some("anna.kranich@kranichwerk.example"), Some("Kranichwerk GmbH"))
    );
    assert!(world.calls(Vendor::Salesforce, SALESFORCE_WRITES) > 0 && world.calls(Vendor::Hubspot, HUBSPOT_WRITES) > 0);
    world.end().await;
}

async fn what_a_second_scan_notes_is_a_note_beside_the_task(store: Store) {
    let world = World::new(store).await;
    let scan = |note: &str| {
        let mut lead = anna();
        lead["note"] = json!(note);
        lead
    };
    let person = world.lead(scan("will Muster")).await;
    let task = world.in_salesforce("Task")[0].clone();
    assert!(task["Description"].as_str().unwrap().contains("will Muster"), "{task}");
    // Whoever works on the task has written into it.
    world.edit_salesforce(
        "Task",
        task["Id"].as_str().unwrap(),
        &json!({ "Description": "angerufen", "Status": "Completed" }),
    );
    assert_eq!(world.lead(scan("kommt mit Chef wieder")).await, person);
    let notes = || -> Vec<String> {
        let notes = world.in_hubspot("notes").into_iter();
        notes.map(|note| note["properties"]["hs_note_body"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(notes(), ["kommt mit Chef wieder"]);
    let beside = world.salesforce_with("Task", "Description", "kommt mit Chef wieder");
    assert_eq!((beside.len(), &beside[0]["Status"], &beside[0]["WhoId"]), (1, &json!("Completed"), &task["WhoId"]));
    assert_eq!(world.salesforce_with("Task", "Description", "angerufen").len(), 1, "the task is theirs");
    // The same once more, by whichever scan, says nothing new.
    for (note, city) in [("kommt mit Chef wieder", "Ulm"), ("will Muster", "Aalen"), ("", "Esslingen")] {
        let mut again = scan(note);
        again["city"] = json!(city);
        world.lead(again).await;
    }
    assert_eq!((notes().len(), world.in_salesforce("Task").len()), (1, 2));
    world.end().await;
}

async fn a_badge_without_a_name_waits_for_the_organisers_list(store: Store) {
    let world = World::new(store).await;
    let scanned = world.lead(json!({ "badge_id": "k-1", "note": "will Muster" })).await;
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (0, 0));
    for connection in [SALESFORCE, HUBSPOT] {
        let link = world.link(connection, scanned).await;
        assert_eq!(link.code.as_deref(), Some("no_name_and_no_email"), "{link:?}");
        assert!(link.reason.is_some(), "{link:?}");
    }
    world.door.import_csv(Bytes::from_static(SMALL.as_bytes()), organiser(), |_, _| ()).await.unwrap();
    world.settle().await;
    assert_eq!(world.person_by_email("anna.kranich@kranichwerk.example").await, Some(scanned));
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (2, 2));
    assert_eq!(world.in_salesforce("CampaignMember").len(), 2, "the visit followed its person");
    for connection in [SALESFORCE, HUBSPOT] {
        let link = world.link(connection, scanned).await;
        assert_eq!((link.state.name(), link.code.as_deref()), ("open", None), "{link:?}");
        let visit = world.link_about(connection, scanned, Kind::Participation).await;
        assert_eq!((visit.state.name(), visit.code.as_deref()), ("open", None), "{visit:?}");
    }
    world.end().await;
}
