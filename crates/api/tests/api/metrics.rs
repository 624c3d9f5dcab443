//! What is told to Prometheus: names that tools know how to read, and nothing that vanishes at zero.

use std::collections::BTreeSet;

use mittler_core::{Kind, Time};
use mittler_store::connections::{ConnectionRow, ConnectionState};
use serde_json::json;

use crate::support::Service;

/// The names of the series with their labels.
fn series(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name.to_owned()).collect()
}

async fn connected() -> Service {
    let service = Service::start().await;
    let row = ConnectionRow {
        id: service.clock.id(),
        name: "nord \"ost\"".into(),
        crm: "hubspot".into(),
        settings: mittler_store::Json(json!({})),
        mapping: String::new(),
        mode: "full".into(),
        state: ConnectionState::Ready,
        code: None,
        reason: None,
        paused_until: 0,
        updated_at: service.clock.now().0,
    };
    service.store.put_connection(&row).await.unwrap();
    service
}

#[tokio::test]
async fn what_has_not_happened_yet_is_there_at_zero() {
    let service = connected().await;
    let text = service.get("/metrics").await.text;
    let connection = r#"connection="nord \"ost\"""#;
    for state in ["waiting", "reauthorise", "misconfigured"] {
        assert!(text.contains(&format!("mittler_connection_state{{{connection},state=\"{state}\"}} 0\n")), "{text}");
    }
    assert!(text.contains(&format!("mittler_connection_state{{{connection},state=\"ready\"}} 1\n")), "{text}");
    for kind in Kind::ALL {
        for name in ["links_due", "links_refused", "links_held", "links_held_oldest_seconds"] {
            let line = format!("mittler_{name}{{{connection},kind=\"{}\"}} 0\n", kind.name());
            assert!(text.contains(&line), "{line}{text}");
        }
        assert!(text.contains(&format!("mittler_records{{kind=\"{}\"}} 0\n", kind.name())));
    }
    for line in [
        r#"mittler_signals{state="parked"} 0"#,
        r#"mittler_jobs{state="dead"} 0"#,
        r#"mittler_jobs_ready{task="pull"} 0"#,
        r#"mittler_job_ready_oldest_seconds{task="enrich"} 0"#,
        r#"mittler_reviews_open{kind="same_person"} 0"#,
        r#"mittler_reviews_open{kind="mass_deletion"} 0"#,
        r#"mittler_review_oldest_seconds{kind="other"} 0"#,
        "mittler_people_held 0",
        "mittler_people_held_oldest_seconds 0",
        "mittler_refused_logins_total 0",
        "mittler_broker_up 1",
        "mittler_database_up 1",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in {text}");
    }
    assert!(text.contains(&format!("mittler_hooks_taken_total{{{connection}}} 0\n")), "{text}");
    assert!(text.contains("mittler_build_info{version=\"") && text.contains("database=\"sqlite\""), "{text}");
    assert!(text.contains("mittler_database_disk_free_bytes "), "{text}");
}

#[tokio::test]
async fn what_happens_changes_numbers_and_takes_no_series_away() {
    let service = connected().await;
    let before = series(&service.get("/metrics").await.text);
    service.post("/api/v1/leads", &json!({"last_name": "Geheim", "email": "geheim@example.com"})).await;
    let id = service.store.connections().await.unwrap()[0].id;
    let pause = async move |tx: &mut mittler_store::Tx| {
        let id = mittler_core::ConnectionId(id);
        tx.set_connection_state(id, ConnectionState::Reauthorise, Some("token_rejected"), None, Time(1)).await
    };
    service.store.write(pause).await.unwrap();
    let text = service.get("/metrics").await.text;
    assert_eq!(series(&text), before);
    assert!(text.contains("state=\"reauthorise\"} 1\n") && text.contains("state=\"ready\"} 0\n"), "{text}");
    assert!(text.contains("mittler_jobs_ready{task=\"enrich\"} 1\n"), "{text}");
    assert!(text.contains("mittler_signals{state=\"new\"} 1\n"), "{text}");
}

#[tokio::test]
async fn a_database_that_is_away_is_a_number_and_no_silence() {
    let service = connected().await;
    service.store.close().await;
    let answer = service.get("/metrics").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.text.contains("mittler_database_up 0\n") && answer.text.contains("mittler_build_info{"));
    assert!(!answer.text.contains("mittler_signals"), "what is not known is not told");
}

#[tokio::test]
async fn names_and_types_are_those_that_prometheus_expects() {
    let text = connected().await.get("/metrics").await.text;
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let mut seen = BTreeSet::new();
    for (name, kind) in types {
        assert!(seen.insert(name), "{name} is told twice");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name} {kind}");
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
    }
    assert!(seen.len() > 25, "{seen:?}");
}
