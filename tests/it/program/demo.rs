//! The demo as a program, and what it leaves behind: everything is accounted for, and nothing personal
//! is anywhere but in the database.

use std::{
    collections::BTreeSet,
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;

use super::mittler;
use crate::{
    forms::Search,
    stories::{LIST, PLANTED, found},
    support::{Fresh, postgres, setting},
};

/// Runs `mittler demo --json` with the most talkative log there is; gives the report and the log.
async fn demo(folder: &Path, urls: &[(&str, &str)]) -> (Value, Vec<u8>) {
    let log = folder.join("stderr");
    let mut command = mittler();
    command.args(["demo", "--json", "--folder"]).arg(folder.join("demo")).env("RUST_LOG", "trace");
    for (name, url) in urls {
        command.args([name, url]);
    }
    command.current_dir(folder).stdin(Stdio::null()).stderr(File::create(&log).unwrap());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = std::fs::read(&log).unwrap();
    let end = String::from_utf8_lossy(&said[said.len().saturating_sub(2_000)..]).into_owned();
    assert!(output.status.success(), "{}: {}\n{end}", output.status, String::from_utf8_lossy(&output.stdout));
    let report = serde_json::from_slice(&output.stdout).expect("one JSON document and nothing else");
    (report, said)
}

/// What the issue asks of the demo's report, on whatever it runs.
fn judge(report: &Value) {
    assert_eq!(report["unaccounted"], 0, "{report:#}");
    assert_eq!(report["arrived"], true, "{report:#}");
    assert!(report["rows"].as_u64().unwrap() >= 250 && report["mails"].as_u64().unwrap() >= 30, "{report:#}");
    let refused = report["refused"].as_array().unwrap();
    assert!(!refused.is_empty(), "the list has rows that must be refused");
    for one in refused {
        let is = |name: &str| one[name].as_str().is_some_and(|text| !text.is_empty());
        assert!(is("code") && is("reason") && one["line"].as_i64().unwrap() > 0, "{one}");
    }
    for crm in report["crms"].as_array().unwrap() {
        assert_eq!((&crm["waiting"], &crm["refused"]), (&Value::from(0), &Value::from(0)), "{crm}");
        assert!(crm["created"].as_i64().unwrap() > 200 && crm["calls"].as_u64().unwrap() > 0, "{crm}");
    }
    for kind in ["person", "organisation", "participation", "activity"] {
        assert!(report["records"][kind].as_i64().unwrap() > 100, "{kind}: {report:#}");
    }
}

/// A log that says nothing would prove nothing.
fn talkative(log: &[u8]) {
    let said = String::from_utf8_lossy(log);
    assert!(said.lines().filter(|line| line.contains("TRACE")).count() > 20, "{said}");
}

/// E-mail addresses, the digits of telephone numbers, and surnames that name nobody else.
fn personal() -> Vec<String> {
    // Windows-1252 is Latin-1 wherever the list has letters.
    let text: String = LIST.iter().map(|&byte| char::from(byte)).collect();
    let mut lines = text.lines().skip_while(|line| !line.starts_with("Badge-ID;"));
    let header: Vec<&str> = lines.next().unwrap().split(';').collect();
    let column = |name: &str| header.iter().position(|it| *it == name).unwrap();
    let (surname, phone, mobile, email) = (column("Nachname"), column("Telefon"), column("Mobil"), column("E-Mail"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(';').map(|cell| cell.trim_matches('"')).collect()).collect();
    let elsewhere: String = rows
        .iter()
        .flat_map(|row| row.iter().enumerate())
        .filter(|(at, _)| ![surname, email].contains(at))
        .map(|(_, cell)| cell.to_lowercase() + "\n")
        .collect();
    let mut all = BTreeSet::new();
    for row in &rows {
        let cell = |at: usize| row.get(at).copied().unwrap_or_default();
        if cell(email).contains('@') && cell(email).ends_with(".example") {
            all.insert(cell(email).to_owned());
        }
        for number in [cell(phone), cell(mobile)] {
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            if digits.len() >= 10 {
                // The country and the first zero are written in several ways, the end is not.
                all.insert(digits[digits.len() - 8..].to_owned());
            }
        }
        let name = cell(surname);
        // A company's or a street's name may well be in a log: only names that are nothing but somebody's.
        if name.chars().all(char::is_alphabetic)
            && name.chars().count() >= 8
            && !elsewhere.contains(&name.to_lowercase())
        {
            all.insert(name.to_owned());
        }
    }
    assert!(all.len() > 300, "only {} strings to look for", all.len());
    all.into_iter().collect()
}

/// Logs of the servers of the test run, and what the broker keeps.
fn outside() -> Vec<PathBuf> {
    let services = setting("MITTLER_TEST_SERVICES");
    let (_, folder) = services.rsplit_once(' ').unwrap();
    let folder = PathBuf::from(folder);
    let places = vec![folder.join("database/log"), folder.join("broker/data"), folder.join("broker/log")];
    assert!(places.iter().all(|place| place.exists()), "{places:?}");
    places
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_on_sqlite_accounts_for_everything_tells_its_log_nothing_and_forgets() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("demo.sqlite");
    let url = format!("sqlite:{}", database.display());
    let (report, log) = demo(folder.path(), &[("--database", &url)]).await;
    judge(&report);
    assert_eq!(report["broker"], Value::Null);
    let search = Search::for_all(personal());
    assert!(search.within_files(&database).len() > 200, "the database is where it all is");
    talkative(&log);
    let leaked = search.within(&log);
    assert!(leaked.is_empty(), "in the log: {leaked:#?}");
    forget(folder.path(), &url).await;
    let fresh = Fresh::at(&database).await;
    let left = found(&fresh).await;
    assert!(left.is_empty(), "still there: {left:#?}");
    fresh.store.close().await;
}

/// `mittler forget`, with the key that the demo made.
async fn forget(folder: &Path, url: &str) {
    let mut command = mittler();
    command.args(["forget", "albrecht.zeidler@spindelwerk-ostalb.example", "--json", "--database", url]);
    command.arg("--config").arg(folder.join("demo/mittler.toml")).current_dir(folder).stdin(Stdio::null());
    std::fs::write(folder.join("demo/mittler.toml"), "").unwrap();
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let tables: Vec<&str> =
        report["removed"].as_array().unwrap().iter().map(|it| it["table"].as_str().unwrap()).collect();
    assert!(tables.contains(&"record") && tables.contains(&"signal"), "{tables:?}");
    let search = Search::for_all(PLANTED.iter().copied());
    for text in [&output.stdout, &output.stderr] {
        assert_eq!(search.within(text), BTreeSet::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_on_postgres_and_rabbitmq_carries_everything_and_tells_no_log_and_no_message() {
    let fresh = postgres().await;
    let folder = tempfile::tempdir().unwrap();
    let broker = setting("MITTLER_TEST_RABBITMQ_URL");
    let (report, log) = demo(folder.path(), &[("--database", fresh.url()), ("--broker", &broker)]).await;
    judge(&report);
    assert!(report["broker"]["confirmed"].as_u64().unwrap() > 0, "{report:#}");
    assert_eq!(report["carrier"], "RabbitMQ");
    let search = Search::for_all(personal());
    assert!(!search.within(LIST).is_empty(), "the search finds nothing even where it all is");
    talkative(&log);
    let mut leaked: Vec<String> = search.within(&log).into_iter().map(|what| format!("log: {what}")).collect();
    for place in outside() {
        leaked.extend(search.within_files(&place));
    }
    assert!(leaked.is_empty(), "outside the database: {leaked:#?}");
    fresh.remove().await;
}
