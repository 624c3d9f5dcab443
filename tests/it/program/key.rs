//! The key and the database of an installation belong together, and what is no database of ours stays as it is.

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, sqlite::SqliteConnectOptions};

use super::{LIST, MAIL, Place};
use crate::{store::Raw, support};

/// Runs statements on the file of an installation, and leaves all in the file.
async fn on_file(place: &Place, sql: &str) {
    let options = SqliteConnectOptions::new().filename(place.path().join("mittler.sqlite")).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    let sql = format!("{sql}; PRAGMA wal_checkpoint(TRUNCATE)");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn installation(database: &str) -> (Place, String, String) {
    let place = Place::new(&format!("[server]\ndatabase = {database:?}\n"));
    let list = place.file("messe.csv", LIST.as_bytes()).display().to_string();
    let mail = place.file("reply.eml", MAIL.as_bytes()).display().to_string();
    (place, list, mail)
}

async fn a_key_that_does_not_fit_stops_everything(database: &str) {
    let (place, list, mail) = installation(database);
    place.run(&["import", &list]).await.ended(0);
    let records = place.run(&["records", "--json"]).await.ended(0).json();
    let file = place.path().join("mittler.key");
    let key = std::fs::read_to_string(&file).unwrap();
    let writing: [&[&str]; 7] = [
        &["serve", "--listen", "127.0.0.1:0"],
        &["import", &list, "--source", "again"],
        &["reply", &mail],
        &["keys", "create", "--label", "x"],
        &["forget", "albrecht.zeidler@spindelwerk-ostalb.example"],
        &["restrict", "albrecht.zeidler@spindelwerk-ostalb.example"],
        &["records"],
    ];

    // Lost: none is made in its place.
    std::fs::remove_file(&file).unwrap();
    for arguments in writing {
        let said = place.run(arguments).await.ended(1).text();
        assert!(said.contains("is missing") && said.contains("Put mittler.key back"), "{arguments:?}: {said}");
        assert!(!file.exists(), "{arguments:?}");
    }
    // Exchanged.
    let other = place.file("other.key", key.chars().rev().collect::<String>().trim().as_bytes());
    rustix::fs::chmod(&other, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    std::fs::copy(&other, &file).unwrap();
    for arguments in writing {
        let said = place.run(arguments).await.ended(1).text();
        assert!(said.contains("not the one") && said.contains("Put the right mittler.key back"), "{said}");
    }
    let doctor = place.run(&["doctor"]).await.ended(1).text();
    assert!(doctor.contains("✗ key") && doctor.contains("Put the right mittler.key back"), "{doctor}");
    // What it costs to go on is said first.
    let said = place.run(&["keys", "accept-new"]).await.ended(1).text();
    assert!(said.contains("suppression entries") && said.contains("Nothing was changed"), "{said}");
    place.run(&["records"]).await.ended(1);
    // Put back: as it was.
    std::fs::write(&file, &key).unwrap();
    assert_eq!(place.run(&["records", "--json"]).await.ended(0).json(), records);
    assert!(place.run(&["keys", "accept-new", "--yes"]).await.ended(0).text().contains("nothing to do"));
    // Lost for good, and accepted: the other one is refused from now on.
    std::fs::copy(&other, &file).unwrap();
    place.run(&["keys", "accept-new", "--yes"]).await.ended(0);
    assert_eq!(place.run(&["records", "--json"]).await.ended(0).json(), records);
    std::fs::write(&file, &key).unwrap();
    place.run(&["records"]).await.ended(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_does_not_fit_stops_everything_on_sqlite() {
    a_key_that_does_not_fit_stops_everything("sqlite:mittler.sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_does_not_fit_stops_everything_on_postgres() {
    let fresh = support::postgres().await;
    a_key_that_does_not_fit_stops_everything(fresh.url()).await;
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_database_beside_a_key_is_said() {
    let (place, list, _) = installation("sqlite:mittler.sqlite");
    let first = place.run(&["import", &list]).await.ended(0).text();
    assert!(!first.contains("is empty"), "{first}");
    for end in ["", "-wal", "-shm"] {
        _ = std::fs::remove_file(place.path().join(format!("mittler.sqlite{end}")));
    }
    let warned = place.run(&["records"]).await.ended(0).text();
    assert!(warned.contains("is empty") && warned.contains("put its database back"), "{warned}");
    assert!(!place.run(&["records"]).await.ended(0).text().contains("is empty"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_database_of_ours_is_refused_in_words_and_stays_as_it_is() {
    let damage = |place: &Place| {
        let file = place.path().join("mittler.sqlite");
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[100..4000].fill(0xa5);
        std::fs::write(&file, bytes).unwrap();
    };
    for (what, said) in [
        ("another", "belongs to another program"),
        ("another with steps of its own", "belongs to another program"),
        ("newer", "newer Mittler"),
        ("damaged", "damaged"),
        ("none", "no SQLite database"),
    ] {
        let (place, list, _) = installation("sqlite:mittler.sqlite");
        match what {
            "another" => on_file(&place, "CREATE TABLE invoice (id INTEGER)").await,
            "another with steps of its own" => {
                place.run(&["records"]).await.ended(0);
                on_file(&place, "UPDATE _sqlx_migrations SET checksum = x'00'").await;
            }
            "newer" => {
                place.run(&["import", &list]).await.ended(0);
                on_file(
                    &place,
                    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                     VALUES (9999, 'later', 1, x'00', 1)",
                )
                .await;
            }
            "damaged" => {
                place.run(&["import", &list]).await.ended(0);
                on_file(&place, "SELECT 1").await;
                damage(&place);
            }
            _ => _ = place.file("mittler.sqlite", &[b'x'; 5000]),
        }
        let file = place.path().join("mittler.sqlite");
        let before = std::fs::read(&file).unwrap();
        let had_key = place.path().join("mittler.key").exists();
        for arguments in [&["records"][..], &["import", &list], &["serve", "--listen", "127.0.0.1:0"]] {
            let refused = place.run(arguments).await.ended(1).text();
            assert!(refused.contains(said), "{what}, {arguments:?}: {refused}");
        }
        let doctor = place.run(&["doctor"]).await.ended(1).text();
        assert!(doctor.contains(said), "{what}: {doctor}");
        assert!(std::fs::read(&file).unwrap() == before, "{what}: the file was written to");
        assert_eq!(place.path().join("mittler.key").exists(), had_key, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_programs_tables_on_postgres_are_left_alone() {
    let fresh = support::postgres().await;
    let place = Place::new("");
    let records = ["records", "--database", fresh.url()];
    let mut raw = Raw::of(&fresh).await;
    raw.run(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', true, '\\x00', 1)",
    )
    .await;
    assert!(place.run(&records).await.ended(1).text().contains("newer Mittler"));
    raw.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE invoice (id bigint)").await;
    assert!(place.run(&records).await.ended(1).text().contains("belongs to another program"));
    assert_eq!(raw.number("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await, 1);
    raw.run("DROP TABLE invoice").await;
    place.run(&records).await.ended(0);
    raw.close().await;
    fresh.remove().await;
}
