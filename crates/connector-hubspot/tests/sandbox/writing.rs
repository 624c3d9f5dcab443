//! Writing records.

use mittler_connector::{Connector, Error, Key, RowResult, Write};
use mittler_core::Value;

use serde_json::json;

use crate::support::{Portal, id, some, text};

#[tokio::test]
async fn a_write_shows_what_the_portal_made_of_it() {
    let portal = Portal::open().await;
    let write = portal.create("rec_a", &[("email", text("Anna@Example.com"))]);
    let results = portal.push("contacts", &[write]).await;
    let RowResult::Written { shown: Some(shown), .. } = &results[0] else { panic!("{results:?}") };
    assert_eq!(*shown, some(&[("email", text("anna@example.com"))]));
}

#[tokio::test]
async fn one_bad_row_does_not_keep_the_others_from_being_written() {
    let portal = Portal::open().await;
    let batch = [
        portal.create("rec_a", &[("email", text("a@example.com"))]),
        portal.create("rec_b", &[("email", text("not an address"))]),
        portal.create("rec_c", &[("email", text("c@example.com")), ("nonsense", text("1"))]),
        portal.create("rec_d", &[("email", text("d@example.com"))]),
    ];
    let results = portal.push("contacts", &batch).await;
    id(&results[0]);
    id(&results[3]);
    let RowResult::Refused(address) = &results[1] else { panic!("{results:?}") };
    assert_eq!((&*address.code, &*address.fields), ("INVALID_EMAIL", &["email".to_owned()][..]));
    let RowResult::Misconfigured { code, .. } = &results[2] else { panic!("{results:?}") };
    assert_eq!(code, "PROPERTY_DOESNT_EXIST");
    assert_eq!(portal.calls("batch_upsert"), 1);
}

#[tokio::test]
async fn a_hundred_rows_come_back_shuffled_and_each_finds_its_write() {
    let portal = Portal::open().await;
    let name = |index: usize| format!("Firma {index}");
    let batch: Vec<Write> =
        (0..100).map(|index| portal.create(&format!("rec_{index}"), &[("name", text(&name(index)))])).collect();
    let results = portal.push("companies", &batch).await;
    for (index, result) in results.iter().enumerate() {
        let RowResult::Written { shown: Some(shown), .. } = result else { panic!("{result:?}") };
        assert_eq!(shown.text("name"), Some(&*name(index)));
    }
}

#[tokio::test]
async fn an_address_that_another_contact_has_names_that_contact() {
    let portal = Portal::open().await;
    let made = portal.sandbox.hubspot().edit(
        "contacts",
        "new",
        serde_json::from_str(r#"{"email": "a@example.com"}"#).unwrap(),
    );
    let there = made.unwrap()["id"].as_str().unwrap().to_owned();
    let batch = [
        portal.create("rec_a", &[("email", text("a@example.com"))]),
        portal.create("rec_b", &[("email", text("b@example.com"))]),
    ];
    for batch in [&batch[..1], &batch[..]] {
        let results = portal.push("contacts", batch).await;
        let RowResult::Exists { id, code, .. } = &results[0] else { panic!("{results:?}") };
        assert_eq!((id.as_deref(), &**code), (Some(&*there), "CONFLICT"));
    }
}

#[tokio::test]
async fn an_update_of_a_merged_record_names_what_it_became() {
    let portal = Portal::open().await;
    let one = portal.created("contacts", "rec_a", &[("email", text("a@example.com"))]).await;
    let two = portal.created("contacts", "rec_b", &[("email", text("b@example.com"))]).await;
    let here = portal.created("contacts", "rec_c", &[("email", text("c@example.com"))]).await;
    let body = json!({"primaryObjectId": one, "objectIdToMerge": two});
    let merged = portal.post("/crm/objects/2026-09/contacts/merge", body).await;
    let became = Some(("contacts".to_owned(), merged["id"].as_str().unwrap().to_owned()));
    let city = [("city", text("Ulm"))];
    let results = portal.push("contacts", &[portal.update(&two, &city), portal.update(&here, &city)]).await;
    assert!(matches!(&results[0], RowResult::Gone { successor, .. } if *successor == became), "{results:?}");
    id(&results[1]);
    let results = portal.push("contacts", &[portal.update(&one, &city)]).await;
    assert!(matches!(&results[0], RowResult::Gone { successor, .. } if *successor == became), "{results:?}");
}

#[tokio::test]
async fn one_record_twice_in_a_batch_is_refused_before_anything_is_sent() {
    let portal = Portal::open().await;
    let fields = [("city", text("Ulm"))];
    let refused = portal.hubspot.push("contacts", &[portal.update("7", &fields), portal.update("7", &fields)]).await;
    assert!(matches!(refused, Err(Error::BatchRefused { code, .. }) if code == "duplicate_in_batch"));
    assert_eq!(portal.calls("batch_update"), 0);
}

#[tokio::test]
async fn each_fault_says_what_to_do_next() {
    let portal = Portal::open().await;
    portal.hubspot.describe("contacts").await.unwrap();
    let write = [portal.create("rec_a", &[("email", text("a@example.com"))])];
    let cases = [
        ("rate_limited", "burst"),
        ("server_error", "INTERNAL_ERROR"),
        ("html_error", "http_503"),
        ("locked_423", "LOCKED"),
        ("migrating_477", "MIGRATING"),
    ];
    for (fault, code) in cases {
        portal.sandbox.faults().clear();
        portal.break_next(fault, "batch_upsert");
        let error = portal.hubspot.push("contacts", &write).await.unwrap_err();
        assert_eq!(error.code(), code);
        let unknown = matches!(error, Error::Unknown { .. });
        assert_eq!(unknown, matches!(fault, "server_error" | "html_error"), "{error:?}");
    }
    assert!(portal.read("contacts", &[Key::Own("rec_a".into())], &[]).await.is_empty());
}

#[tokio::test]
async fn a_task_hangs_on_its_contact_from_the_start_and_is_found_from_it() {
    let portal = Portal::open().await;
    let contact = portal.created("contacts", "rec_a", &[("email", text("a@example.com"))]).await;
    let due = Value::Date("2026-04-20".parse().unwrap());
    let task = [
        ("hs_task_subject", text("Angebot nachfassen")),
        ("hs_task_status", Value::choice("NOT_STARTED")),
        ("hs_timestamp", due),
        ("contact", Value::RemoteRef(contact.clone())),
    ];
    let first = portal.created("tasks", "rec_t", &task).await;
    let parent = Key::Parent(contact.clone());
    let found =
        portal.read("tasks", std::slice::from_ref(&parent), &["hs_task_subject", "hs_timestamp", "contact"]).await;
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].id, &found[0].key), (&first, &parent));
    assert_eq!(found[0].fields.get("contact"), Some(&Value::RemoteRef(contact.clone())));
    let at = "2026-04-20T00:00:00Z".parse().unwrap();
    assert_eq!(found[0].fields.get("hs_timestamp"), Some(&Value::instant(at)));
    let by_id = portal.read("tasks", &[Key::Id(first.clone())], &["contact"]).await;
    assert_eq!(by_id[0].fields.get("contact"), Some(&Value::RemoteRef(contact.clone())));
    let moved = portal.push("tasks", &[portal.update(&first, &[("contact", Value::RemoteRef(contact))])]).await;
    assert!(matches!(&moved[0], RowResult::Refused(refusal) if refusal.fields == ["contact"]), "{moved:?}");
}

#[tokio::test]
async fn an_email_and_a_note_are_logged_at_their_contact() {
    let portal = Portal::open().await;
    let contact = portal.created("contacts", "rec_a", &[("email", text("a@example.com"))]).await;
    let at = Value::instant("2026-04-20T08:30:00Z".parse().unwrap());
    let parent = ("contact", Value::RemoteRef(contact.clone()));
    let email = [
        ("hs_email_subject", text("Re: Messe")),
        ("hs_email_direction", Value::choice("INCOMING_EMAIL")),
        ("hs_timestamp", at.clone()),
        parent.clone(),
    ];
    let email = portal.created("emails", "rec_m", &email).await;
    let note = portal
        .created("notes", "rec_n", &[("hs_note_body", text("Zeile 1\nZeile 2")), ("hs_timestamp", at), parent])
        .await;
    let keys = [Key::Parent(contact)];
    assert_eq!(portal.read("emails", &keys, &["hs_email_subject"]).await[0].id, email);
    assert_eq!(portal.read("notes", &keys, &["hs_note_body"]).await[0].id, note);
}
