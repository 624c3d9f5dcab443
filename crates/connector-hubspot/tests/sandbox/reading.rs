//! Reading and pulling records.

use std::collections::BTreeSet;

use mittler_connector::{Connector, Cursor, Error, Key, Write, cursor::TimeId};
use mittler_core::{Time, Value};
use serde_json::json;

use crate::support::{Portal, text};

#[tokio::test]
async fn contacts_are_found_by_id_own_key_and_address_whatever_its_case() {
    let portal = Portal::open().await;
    let contact = portal.created("contacts", "rec_a", &[("email", text("Anna@Example.com"))]).await;
    let missing = || [Key::Own("rec_x".into()), Key::Email("x@example.com".into()), Key::Id("99".into())];
    let keys = [Key::Own("rec_a".into()), Key::Email("ANNA@example.com".into()), Key::Id(contact.clone())];
    for (key, missing) in keys.into_iter().zip(missing()) {
        let found = portal.read("contacts", &[missing, key.clone()], &["email", "firstname"]).await;
        assert_eq!(found.len(), 1, "{key:?}");
        assert_eq!((&found[0].key, &found[0].id), (&key, &contact));
        assert_eq!(found[0].fields.0.len(), 2);
        assert_eq!(found[0].fields.0["firstname"], None);
        assert!(found[0].modified_at.is_some());
    }
}

#[tokio::test]
async fn companies_are_found_by_domain_and_by_name_and_several_for_one_key_are_normal() {
    let portal = Portal::open().await;
    let firm = |name: &str| [("name", text(name)), ("domain", text("beispiel.example"))];
    let one = portal.created("companies", "rec_1", &firm("Beispiel GmbH")).await;
    let two = portal.created("companies", "rec_2", &firm("Beispiel AG")).await;
    let found = portal.read("companies", &[Key::Domain("Beispiel.example".into())], &["name"]).await;
    let ids: BTreeSet<_> = found.iter().map(|record| record.id.clone()).collect();
    assert_eq!(ids, BTreeSet::from([one.clone(), two]));
    let found = portal.read("companies", &[Key::Name("Beispiel GmbH".into())], &["domain"]).await;
    assert_eq!(found.iter().map(|record| &record.id).collect::<Vec<_>>(), [&one]);
    assert_eq!(portal.read("companies", &[Key::Name("Beispiel".into())], &[]).await, []);
}

#[tokio::test]
async fn the_history_of_a_property_says_when_it_was_last_set() {
    let portal = Portal::open().await;
    let contact = portal.created("contacts", "rec_a", &[("jobtitle", text("Einkauf")), ("city", text("Ulm"))]).await;
    let names = ["jobtitle".to_owned(), "city".to_owned(), "zip".to_owned()];
    let history = async || portal.hubspot.history("contacts", &[contact.clone(), "99".into()], &names).await.unwrap();
    let before = history().await;
    assert_eq!(before.keys().collect::<Vec<_>>(), [&contact], "nothing is known of records that are not there");
    portal.sandbox.clock().advance_seconds(1);
    let batch = [portal.update(&contact, &[("jobtitle", text(""))])];
    portal.push("contacts", &batch).await;
    let after = history().await;
    let (before, after) = (&before[&contact], &after[&contact]);
    assert_eq!(before["city"], after["city"]);
    assert_eq!((&before["jobtitle"].0, &after["jobtitle"].0), (&Some(text("Einkauf")), &None));
    assert!(after["jobtitle"].1 > before["jobtitle"].1);
    assert!(!after.contains_key("zip"), "it was never set");
}

#[tokio::test]
async fn a_key_form_that_the_type_does_not_have_is_refused() {
    let portal = Portal::open().await;
    let error = portal.hubspot.read("contacts", &[Key::Domain("a.example".into())], &[]).await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }));
}

#[tokio::test]
async fn the_old_ids_of_merged_contacts_lead_to_the_new_one() {
    let portal = Portal::open().await;
    let one = portal.created("contacts", "rec_1", &[("email", text("a@example.com"))]).await;
    let two = portal.created("contacts", "rec_2", &[("email", text("b@example.com"))]).await;
    let body = json!({"primaryObjectId": one, "objectIdToMerge": two});
    let merged = portal.post("/crm/objects/2026-09/contacts/merge", body).await;
    let new = merged["id"].as_str().unwrap().to_owned();
    let keys = [Key::Id(one.clone()), Key::Id(two.clone()), Key::Id(new.clone())];
    let found = portal.read("contacts", &keys, &["email"]).await;
    assert_eq!(found.iter().map(|record| record.key.clone()).collect::<Vec<_>>(), keys);
    for record in &found {
        assert!(record.id == new && !record.gone);
        let moved = record.key != Key::Id(new.clone());
        assert_eq!(record.successor.is_some(), moved);
    }
    let by_second_address = portal.read("contacts", &[Key::Email("b@example.com".into())], &[]).await;
    assert_eq!(by_second_address[0].id, new);
}

#[tokio::test]
async fn values_come_back_as_what_their_properties_are() {
    let portal = Portal::open().await;
    let fields = [
        ("email", text("a@example.com")),
        ("lifecyclestage", Value::choice("lead")),
        ("hubspot_owner_id", Value::RemoteRef("41629779".into())),
    ];
    let contact = portal.created("contacts", "rec_a", &fields).await;
    let found = portal
        .read("contacts", &[Key::Id(contact)], &["email", "lifecyclestage", "hubspot_owner_id", "createdate"])
        .await;
    for (name, value) in fields {
        assert_eq!(found[0].fields.get(name), Some(&value));
    }
    assert!(matches!(found[0].fields.get("createdate"), Some(Value::Instant { .. })));
}

#[tokio::test]
async fn an_owner_is_found_by_address() {
    let portal = Portal::open().await;
    let found = portal.read("owners", &[Key::Email("vertrieb-nord@example.com".into())], &["email"]).await;
    assert_eq!(found.iter().map(|owner| &*owner.id).collect::<Vec<_>>(), ["41629780"]);
    assert_eq!(portal.read("owners", &[Key::Email("nobody@example.com".into())], &[]).await, []);
    assert_eq!(portal.read("owners", &[Key::Id("41629780".into())], &[]).await.len(), 1);
}

#[tokio::test]
async fn pulling_shows_every_change_once_though_pages_end_within_a_time_stamp() {
    let portal = Portal::with(|config| config.hubspot.limits.search_per_second = 0, |_| {}).await;
    let mut written = BTreeSet::new();
    for round in 0..7 {
        let batch: Vec<Write> = (0..90)
            .map(|index| {
                let key = format!("rec_{round}_{index}");
                portal.create(&key, &[("email", text(&format!("{key}@example.com")))])
            })
            .collect();
        let results = portal.push("contacts", &batch).await;
        written.extend(results.iter().map(crate::support::id));
    }
    let (mut cursor, mut seen): (Cursor, Vec<String>) = (beginning(), Vec::new());
    let (mut pages, mut last) = (0, None);
    let safe = loop {
        let page = portal.hubspot.changes("contacts", Some(&cursor), Time(0)).await.unwrap();
        pages += 1;
        assert!(page.changes.is_sorted_by_key(|change| change.at));
        assert!(page.server_time.is_some());
        last = page.changes.last().map(|last| TimeId { at: last.at, id: last.id.clone() }).or(last);
        seen.extend(page.changes.into_iter().map(|change| change.id));
        match page.next {
            Some(next) => cursor = next,
            None => break page.safe,
        }
    };
    assert!(pages > 3, "{pages} pages");
    assert_eq!(seen.len(), written.len());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), written);
    let rest = portal.hubspot.changes("contacts", Some(&last.unwrap().cursor()), Time(0)).await.unwrap();
    assert_eq!((rest.changes.len(), rest.next), (0, None));
    // A later run begins before the last of them.
    assert!(!portal.hubspot.changes("contacts", Some(&safe), Time(0)).await.unwrap().changes.is_empty());
}

#[tokio::test]
async fn an_exhausted_search_names_its_own_limit() {
    let portal = Portal::with(|config| config.hubspot.limits.search_per_second = 2, |_| {}).await;
    let mut refused = None;
    for _ in 0..10 {
        refused = portal.hubspot.changes("contacts", Some(&beginning()), Time(0)).await.err().or(refused);
    }
    assert!(matches!(refused, Some(Error::Limited { bucket: "search", retry_after: Some(_) })), "{refused:?}");
}

fn beginning() -> Cursor {
    TimeId::begin(Time(0)).cursor()
}
