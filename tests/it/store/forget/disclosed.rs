//! What is held about a person is in what they are given: of every table, and of nobody else.

use mittler_store::{Clock, retention::Retention, runs::RunState, tables::declared};
use mittler_sync::{
    Keys,
    export::{self, LEFT_OUT, PARTS},
    rights::{Rights, Whom},
};
use serde_json::Value;

use super::{
    super::{NOON, Raw, links},
    CANARY, about_to_write, address, canaries, hides, plant,
};
use crate::support::Fresh;

stories!(
    whatever_a_table_holds_about_a_person_is_in_their_export,
    a_preview_says_what_forgetting_then_does_and_removes_nothing,
);

fn rights(fresh: &Fresh) -> Rights {
    let clock = Clock::default();
    let (store, keys) = (fresh.store.clone(), Keys::derive(&[7; 32]));
    Rights { store, clock, keys, retention: Retention::default(), country: "DE".into() }
}

/// A new table that holds personal data has to be shown, or its reason be given.
#[test]
fn every_table_that_is_personal_is_a_part_of_the_export_or_says_why_not() {
    for table in declared(true).into_iter().filter(|table| table.personal) {
        let shown = PARTS.iter().any(|(known, _)| *known == table.name);
        let named = LEFT_OUT.iter().any(|it| it.table == table.name && !it.why.is_empty());
        assert!(shown || named, "{} is left out of the export; add it to mittler_sync::export", table.name);
    }
    for table in PARTS.iter().map(|(table, _)| *table).chain(LEFT_OUT.iter().map(|it| it.table)) {
        assert!(declared(true).iter().any(|known| known.name == table), "there is no table {table}");
    }
}

/// What the export shows of one table, as text.
fn shown(export: &Value, table: &str) -> String {
    let part = PARTS.iter().find(|(known, _)| *known == table).unwrap().1;
    let writes = |pick: &dyn Fn(&Value) -> bool| -> String {
        let links = export["recipients"].as_array().unwrap().iter();
        let writes = links.flat_map(|link| link["writes"].as_array().unwrap()).filter(|write| pick(write));
        writes.map(ToString::to_string).collect()
    };
    match table {
        "intent" => writes(&|write| write["outcome"] != "under_way"),
        "lease" => writes(&|write| write["outcome"] == "under_way"),
        _ => export[part].to_string(),
    }
}

async fn whatever_a_table_holds_about_a_person_is_in_their_export(fresh: &Fresh) {
    let (store, rights) = (&fresh.store, rights(fresh));
    let person = plant(store, &address()).await;
    let other = plant(store, "somebody@example.com").await;
    about_to_write(store, &[(person.link, &address()), (other.link, "somebody@example.com")]).await;
    let label = format!("{CANARY}_Liste.csv");
    let list = mittler_core::RunId(uuid::Uuid::new_v4());
    store
        .write(async move |tx| tx.put_run(list, "import", &label, &Value::Null, RunState::Done, NOON).await)
        .await
        .unwrap();

    let given = rights.export(person.id, "0190-operator").await.unwrap().unwrap();
    let json = serde_json::to_value(&given).unwrap();
    for (table, part) in PARTS {
        let text = shown(&json, table);
        // Keys are hashes, so no value can be planted in their tables: their kinds are shown.
        if *part == "keys" {
            let strong = *table == "record_key";
            assert!(json["keys"].as_array().unwrap().iter().any(|key| key["strong"] == strong), "{table}: {text}");
        } else {
            assert!(hides(&text, &canaries()) || text.contains("since"), "{table} is not in {part}: {text}");
        }
    }
    assert!(json["restriction"]["since"].is_string() && json["restriction"]["by"] == address(), "{json}");
    let text = json.to_string();
    assert!(!text.contains("somebody@example.com"), "another person is in it");
    for (table, column) in [("record_key", "key"), ("weak_key", "key"), ("suppression", "hmac")] {
        let mut raw = Raw::of(fresh).await;
        let sql = match &raw {
            Raw::Sqlite(_) => format!("SELECT lower(hex({column})) FROM {table}"),
            Raw::Postgres(_) => format!("SELECT replace(CAST({column} AS text), '-', '') FROM {table}"),
        };
        for hash in raw.texts(&sql).await {
            assert!(!text.replace('-', "").contains(&hash), "a hash of {table} is in it");
        }
        raw.close().await;
    }
    // That it was given is in the trail, and in the next one.
    let trail = store.audit_entries(0, 99).await.unwrap();
    let entry = trail.last().unwrap();
    assert_eq!((entry.action.as_str(), entry.actor.as_str()), ("export", "0190-operator"));
    let again = rights.export(person.id, "cli").await.unwrap().unwrap();
    assert!(again.acts.iter().any(|act| act.action == "export" && act.actor == "0190-operator"));
    assert_eq!(store.verify_audit().await.unwrap(), None);
    // Each input says when it goes.
    let days = |days: u64| std::time::Duration::from_hours(24 * days);
    let input = &again.inputs[0];
    assert_eq!(input.content_deleted_at, Some(NOON.plus(days(14))));
    assert_eq!(input.deleted_at, NOON.plus(days(400)));
    for lang in ["de", "en"] {
        let page = mittler_api::export_page(&again, lang, "Europe/Berlin").unwrap();
        assert!(hides(&page, &canaries()) && !page.contains("somebody@example.com"));
    }
    assert!(
        export::export(store, &rights.clock, rights.retention, mittler_core::RecordId(uuid::Uuid::new_v4()), "cli")
            .await
            .unwrap()
            .is_none()
    );
}

async fn a_preview_says_what_forgetting_then_does_and_removes_nothing(fresh: &Fresh) {
    let (store, rights) = (&fresh.store, rights(fresh));
    let person = plant(store, &address()).await;
    about_to_write(store, &[(person.link, &address())]).await;
    let whom = Whom::Record(person.id);
    let before =
        (rights.export(person.id, "cli").await.unwrap().unwrap(), store.audit_entries(0, 99).await.unwrap().len());
    let preview = rights.preview_forgetting(&whom).await.unwrap().unwrap();
    assert!(preview.removed.iter().any(|one| one.table == "suppression" && one.rows == 3), "{preview:#?}");
    assert!(!preview.known_at.is_empty(), "{preview:#?}");
    assert_eq!(rights.preview_forgetting(&whom).await.unwrap().as_ref(), Some(&preview), "asking changes nothing");
    assert_eq!(store.suppression_count().await.unwrap(), 0);
    assert_eq!(store.audit_entries(0, 99).await.unwrap().len(), before.1);
    let after = rights.export(person.id, "cli").await.unwrap().unwrap();
    assert_eq!(after.inputs.len(), before.0.inputs.len());
    assert!(after.inputs.iter().all(|input| input.content.is_some()), "an input was emptied");
    // The call that was under way is waited for, and then is over: its lease has run out.
    store.expire_leases(NOON.plus(links::LEASE)).await.unwrap();
    let done = rights.forget(&whom, "cli").await.unwrap().unwrap();
    let rows = |it: &mittler_sync::forget::Forgotten| -> Vec<(String, u64)> {
        let kept = it
            .removed
            .iter()
            .filter(|one| !matches!(one.table.as_str(), "lease" | "intent" | "audit_content" | "link"));
        kept.map(|one| (one.table.clone(), one.rows)).collect()
    };
    assert_eq!(rows(&done), rows(&preview));
    assert_eq!((&done.known_at, done.addresses_kept_out), (&preview.known_at, preview.addresses_kept_out));
    assert_eq!(rights.preview_forgetting(&whom).await.unwrap(), None);
}
