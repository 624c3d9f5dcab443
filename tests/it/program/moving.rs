//! `mittler move`: an installation goes on in another database, and nothing is moved by halves.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::{LIST, Place};
use crate::{
    store::Raw,
    support::{self, Shut, empty_postgres, empty_sqlite},
};

async fn known(place: &Place, database: &str) -> Value {
    let records = place.run(&["records", "--database", database, "--json"]).await.ended(0).json();
    let keys = place.run(&["keys", "list", "--database", database, "--json"]).await.ended(0).json();
    Value::Array(vec![records, keys])
}

async fn an_installation_moves(from: Shut, to: Shut) {
    let place = Place::new(&format!("[server]\ndatabase = {:?}\n", from.url));
    let list = place.file("messe.csv", LIST.as_bytes()).display().to_string();
    let said = place.run(&["move", "--to", &to.url]).await.ended(1).text();
    assert!(said.contains("nothing to move") && !place.path().join("mittler.key").exists(), "{said}");
    place.run(&["import", &list]).await.ended(0);
    place.run(&["keys", "create", "--label", "website"]).await.ended(0);
    place.run(&["forget", "simone.haeberle@spindelwerk-ostalb.example"]).await.ended(0);
    let before = known(&place, &from.url).await;

    // A running service, a wrong address, another key, and a database that is somebody's: refused in words.
    let mut service = place.start(&["serve", "--listen", "127.0.0.1:0"]);
    service.says("to open the pages get a link").await;
    let said = place.run(&["move", "--to", &to.url]).await.ended(1).text();
    assert!(said.contains("stop the service"), "{said}");
    assert_eq!(service.stop().await, Some(0));
    let said = place.run(&["move", "--to", "mysql://localhost/mittler"]).await.ended(1).text();
    assert!(said.contains("must begin with sqlite: or postgres://"), "{said}");
    let said = place.run(&["move", "--to", &from.url]).await.ended(1).text();
    assert!(said.contains("is not empty"), "{said}");
    let key = std::fs::read_to_string(place.path().join("mittler.key")).unwrap();
    place.file("mittler.key", key.chars().rev().collect::<String>().trim().as_bytes());
    let said = place.run(&["move", "--to", &to.url]).await.ended(1).text();
    assert!(said.contains("not the one that the database"), "{said}");
    place.file("mittler.key", key.as_bytes());
    let others = empty_postgres().await;
    let mut raw = Raw::at(&others.url).await;
    raw.run("CREATE TABLE invoice (id bigint)").await;
    let said = place.run(&["move", "--to", &others.url]).await.ended(1).text();
    assert!(said.contains("belongs to another program") && said.contains("nothing was moved"), "{said}");
    assert_eq!(raw.number("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()").await, 1);
    raw.close().await;
    let password = to.url.split(':').nth(2).and_then(|rest| rest.split('@').next());
    assert!(password.is_none_or(|password| !said.contains(password)), "{said}");

    let moved = place.run(&["move", "--to", &to.url]).await.ended(0).text();
    let line = format!("[server]\ndatabase = {:?}\n", to.url);
    assert!(moved.contains(&line) && moved.contains("statement") && moved.contains("audit_content"), "{moved}");
    assert_eq!(known(&place, &from.url).await, before, "the old one stays as it was");
    place.file("mittler.toml", line.as_bytes());
    assert_eq!(known(&place, &to.url).await, before);
    let again = place.run(&["import", &list, "--json"]).await.ended(0).json();
    assert_eq!((&again["counts"]["known"], &again["counts"]["taken"]), (&3.into(), &0.into()), "{again}");
    let other = place.run(&["import", &list, "--source", "another list", "--json"]).await.ended(0).json();
    assert_eq!(other["problems"].as_array().unwrap().len(), 2, "who was forgotten is kept out: {other}");
    assert_eq!(place.run(&["records", "--json"]).await.ended(0).json().as_array().unwrap().len(), 1);
    let doctor = place.run(&["doctor"]).await.text();
    assert!(doctor.contains("✓ key"), "{doctor}");
    // What is moved once is not moved over it again.
    let said = place.run(&["move", "--to", &to.url, "--database", &from.url]).await.ended(1).text();
    assert!(said.contains("is not empty"), "{said}");
    for shut in [from, to, others] {
        shut.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_moves_from_sqlite_to_postgres() {
    an_installation_moves(empty_sqlite(), empty_postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_moves_from_postgres_to_sqlite() {
    an_installation_moves(empty_postgres().await, empty_sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_moved_beside_the_configuration_and_only_its_owner_reads_it() {
    let place = Place::new("");
    let list = place.file("messe.csv", LIST.as_bytes()).display().to_string();
    place.run(&["import", &list]).await.ended(0);
    let moved = place.run(&["move", "--to", "sqlite:new/moved.sqlite", "--json"]).await.ended(0).json();
    assert_eq!(moved["database"], "sqlite:new/moved.sqlite");
    let tables = moved["tables"].as_array().unwrap();
    let rows = |name: &str| tables.iter().find(|table| table["table"] == name).unwrap()["rows"].clone();
    assert_eq!((rows("signal"), rows("session")), (3.into(), 0.into()));
    assert_eq!(tables.len(), support::sqlite().await.store.table_names().await.unwrap().len());
    let file = std::fs::metadata(place.path().join("new/moved.sqlite")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let records = place.run(&["records", "--database", "sqlite:new/moved.sqlite", "--json"]).await.ended(0).json();
    assert_eq!(records.as_array().unwrap().len(), 2);
}
