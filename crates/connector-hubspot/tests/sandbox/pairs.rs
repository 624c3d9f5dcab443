//! Fairs, attendance and associations.

use mittler_connector::{Connector, Error, Key, RowResult, Write};
use mittler_core::{Time, Value};

use crate::support::{Portal, id, some, text};

fn fair(name: &str) -> [(&'static str, Value); 4] {
    [
        ("eventName", text(name)),
        ("eventOrganizer", text("-")),
        ("eventType", text("TRADESHOW")),
        ("startDateTime", Value::Date("2026-04-20".parse().unwrap())),
    ]
}

fn visit(event: &str, contact: &str, at: &str, state: &str) -> [(&'static str, Value); 4] {
    [
        ("event", Value::RemoteRef(event.into())),
        ("contact", Value::RemoteRef(contact.into())),
        ("at", Value::instant(at.parse().unwrap())),
        ("state", Value::choice(state)),
    ]
}

async fn contact(portal: &Portal, name: &str) -> String {
    portal.created("contacts", &format!("rec_{name}"), &[("email", text(&format!("{name}@example.com")))]).await
}

#[tokio::test]
async fn fairs_are_known_by_our_id_and_created_once() {
    let portal = Portal::open().await;
    let batch = [portal.create("rec_1", &fair("Hannover Messe")), portal.create("rec_2", &fair("Blechexpo"))];
    let first = portal.push("marketing_events", &batch).await;
    let again = portal.push("marketing_events", &batch).await;
    assert_eq!((id(&first[0]), id(&first[1])), (id(&again[0]), id(&again[1])));
    let found = portal.read("marketing_events", &[Key::Own("rec_2".into())], &["eventName", "startDateTime"]).await;
    assert_eq!(found[0].id, id(&first[1]));
    assert_eq!(found[0].fields.text("eventName"), Some("Blechexpo"));
    let at: Time = "2026-04-20T00:00:00Z".parse().unwrap();
    assert_eq!(found[0].fields.get("startDateTime"), Some(&Value::instant(at)));
    let keys = [Key::Id(id(&first[0])), Key::Id("99".into())];
    let found = portal.read("marketing_events", &keys, &["eventName", "hall"]).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].fields.text("eventName"), Some("Hannover Messe"));
}

#[tokio::test]
async fn a_fair_is_changed_by_its_id() {
    let portal = Portal::open().await;
    let event = portal.created("marketing_events", "rec_1", &fair("Hannover Messe")).await;
    let results = portal.push("marketing_events", &[portal.update(&event, &[("eventName", text("HM 2026"))])]).await;
    assert_eq!(id(&results[0]), event);
    let found = portal.read("marketing_events", &[Key::Id(event)], &["eventName"]).await;
    assert_eq!(found[0].fields.text("eventName"), Some("HM 2026"));
    let gone = portal.push("marketing_events", &[portal.update("99", &[("eventName", text("x"))])]).await;
    assert!(matches!(gone[0], RowResult::Gone { .. }), "{gone:?}");
}

#[tokio::test]
async fn attendance_of_several_fairs_and_states_is_one_push_and_may_be_repeated() {
    let portal = Portal::open().await;
    let one = portal.created("marketing_events", "rec_1", &fair("Hannover Messe")).await;
    let two = portal.created("marketing_events", "rec_2", &fair("Blechexpo")).await;
    let (anna, ben) = (contact(&portal, "anna").await, contact(&portal, "ben").await);
    let at = "2026-04-20T09:30:00Z";
    let batch = [
        portal.create("rec_p1", &visit(&one, &anna, at, "attended")),
        portal.create("rec_p2", &visit(&two, &anna, at, "registered")),
        portal.create("rec_p3", &visit(&one, &ben, at, "attended")),
    ];
    for _ in 0..2 {
        let results = portal.push("attendance", &batch).await;
        assert_eq!(
            results.iter().map(id).collect::<Vec<_>>(),
            [format!("{one}:{anna}"), format!("{two}:{anna}"), format!("{one}:{ben}")]
        );
    }
    assert_eq!(portal.calls("attendance"), 4);
    let pair = Key::Pair(two.clone(), anna.clone());
    let found = portal.read("attendance", &[pair.clone(), Key::Pair(two, ben)], &["state", "at", "contact"]).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].key, pair);
    assert_eq!(found[0].fields.get("state"), Some(&Value::choice("registered")));
    assert_eq!(found[0].fields.get("at"), Some(&Value::instant(at.parse().unwrap())));
    assert_eq!(found[0].fields.text("contact"), Some(&*anna));
}

#[tokio::test]
async fn a_new_state_of_an_attendance_is_a_new_call() {
    let portal = Portal::open().await;
    let event = portal.created("marketing_events", "rec_1", &fair("Hannover Messe")).await;
    let anna = contact(&portal, "anna").await;
    for (at, state) in [("2026-03-01T08:00:00Z", "registered"), ("2026-04-20T09:30:00Z", "attended")] {
        id(&portal.push("attendance", &[portal.create("rec_p", &visit(&event, &anna, at, state))]).await[0]);
    }
    let found = portal.read("attendance", &[Key::Pair(event, anna)], &["state"]).await;
    assert_eq!(found[0].fields.get("state"), Some(&Value::choice("attended")));
}

#[tokio::test]
async fn an_attendance_that_cannot_be_is_refused_by_itself() {
    let portal = Portal::open().await;
    let event = portal.created("marketing_events", "rec_1", &fair("Hannover Messe")).await;
    let anna = contact(&portal, "anna").await;
    let at = "2026-04-20T09:30:00Z";
    let batch = [
        portal.create("rec_p1", &visit(&event, "99", at, "attended")),
        portal.create("rec_p2", &visit(&event, &anna, at, "attended")),
        portal.create("rec_p3", &visit(&event, &anna, at, "perhaps")),
        portal.create("rec_p4", &visit("99", &anna, at, "attended")),
    ];
    let results = portal.push("attendance", &batch).await;
    id(&results[1]);
    for (index, code) in [(0, "OBJECT_NOT_FOUND"), (2, "INVALID_OPTION"), (3, "OBJECT_NOT_FOUND")] {
        assert!(matches!(&results[index], RowResult::Refused(refusal) if refusal.code == code), "{results:?}");
    }
}

#[tokio::test]
async fn a_call_that_fails_after_another_succeeded_leaves_only_its_own_rows_open() {
    let portal = Portal::open().await;
    let one = portal.created("marketing_events", "rec_1", &fair("Hannover Messe")).await;
    let anna = contact(&portal, "anna").await;
    let at = "2026-04-20T09:30:00Z";
    let batch = [
        portal.create("rec_p1", &visit(&one, &anna, at, "attended")),
        portal.create("rec_p2", &visit(&one, &anna, at, "registered")),
    ];
    let rule = serde_json::json!({"vendor": "hubspot", "kind": "rate_limited", "nth": 2, "calls": ["attendance"]});
    portal.sandbox.faults().add(serde_json::from_value(rule).unwrap());
    let results = portal.push("attendance", &batch).await;
    id(&results[0]);
    assert_eq!(results[1], RowResult::Busy { code: "burst".into() });
    portal.break_next("rate_limited", "attendance");
    let refused = portal.hubspot.push("attendance", &batch).await;
    assert!(matches!(refused, Err(Error::Limited { bucket: "burst", .. })));
}

#[tokio::test]
async fn a_contact_belongs_to_its_company_once_however_often_that_is_said() {
    let portal = Portal::open().await;
    let (anna, ben) = (contact(&portal, "anna").await, contact(&portal, "ben").await);
    let company = portal.created("companies", "rec_c", &[("name", text("Beispiel GmbH"))]).await;
    let ends = |contact: &str| [("from", Value::RemoteRef(contact.into())), ("to", Value::RemoteRef(company.clone()))];
    let batch = [portal.create("rec_1", &ends(&anna)), portal.create("rec_2", &ends(&ben))];
    for _ in 0..2 {
        let results = portal.push("contacts_to_companies", &batch).await;
        assert_eq!(
            results.iter().map(id).collect::<Vec<_>>(),
            [format!("{anna}:{company}"), format!("{ben}:{company}")]
        );
    }
    let pair = Key::Pair(anna.clone(), company.clone());
    let none = Key::Pair("99".into(), company.clone());
    let found = portal.read("contacts_to_companies", &[pair.clone(), none], &["from", "to"]).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].fields, some(&ends(&anna)));
    let archive = Write::Archive { tag: portal.tag(), id: found[0].id.clone() };
    id(&portal.push("contacts_to_companies", &[archive]).await[0]);
    assert_eq!(portal.read("contacts_to_companies", &[pair], &[]).await, []);
}

#[tokio::test]
async fn an_association_with_a_record_that_is_not_there_does_not_spoil_the_others() {
    let portal = Portal::open().await;
    let anna = contact(&portal, "anna").await;
    let company = portal.created("companies", "rec_c", &[("name", text("Beispiel GmbH"))]).await;
    let ends = |contact: &str| [("from", Value::RemoteRef(contact.into())), ("to", Value::RemoteRef(company.clone()))];
    let batch = [portal.create("rec_1", &ends(&anna)), portal.create("rec_2", &ends("99"))];
    let results = portal.push("contacts_to_companies", &batch).await;
    id(&results[0]);
    assert!(matches!(results[1], RowResult::Refused(_)), "{results:?}");
}
