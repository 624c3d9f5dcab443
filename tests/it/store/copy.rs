//! An installation is copied into another database, each value as it is and each table.

use mittler_store::{Store, copy::Source, tables::declared};
use tokio::{runtime::Handle, task::block_in_place};

use super::Raw;
use crate::support::{Shut, empty_postgres, empty_sqlite};

/// Columns of a table by the types that PostgreSQL gives them, which says more of them than SQLite.
struct Column {
    table: String,
    name: String,
    kind: String,
    nullable: bool,
}

async fn columns() -> Vec<Column> {
    let fresh = crate::support::postgres().await;
    let mut raw = Raw::of(&fresh).await;
    let lines = raw.texts(
        "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable) FROM information_schema.columns c
         JOIN pg_tables t ON t.schemaname = c.table_schema AND t.tablename = c.table_name
         WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations' ORDER BY table_name, ordinal_position",
    );
    let lines = lines.await;
    raw.close().await;
    fresh.remove().await;
    let column = |line: &String| {
        let parts: Vec<&str> = line.split(' ').collect();
        let [table, name, kind, nullable] = parts[..] else { panic!("{line}") };
        Column { table: table.into(), name: name.into(), kind: kind.into(), nullable: nullable == "YES" }
    };
    lines.iter().map(column).collect()
}

/// What is hard to carry: ends of ranges, nothing at all, signs that mean something elsewhere.
fn value(column: &Column, row: usize, sqlite: bool) -> String {
    if column.nullable && row == 1 {
        return "NULL".into();
    }
    let uuid = ((row as u128) << 100) + column.name.len() as u128;
    match column.kind.as_str() {
        "bigint" => ["-9223372036854775807", "9223372036854775807", "0"][row].into(),
        "text" => {
            [format!("'{} ''\\n\\ \\N \" ä 🙂 \t\n;'", column.name), "''".into(), "'\\x00ff'".into()][row].clone()
        }
        "json" => [r#"'{"b" : 1.50,  "a":"\u0000 \\ ä🙂", "a": null}'"#, "'[]'", "' [1e400,  -0.0]'"][row].into(),
        "uuid" if sqlite => format!("X'{uuid:032x}'"),
        "uuid" => format!("'{uuid:032x}'"),
        "bytea" => {
            let hex = ["00ff5c0a27", "", "5c783030"][row];
            if sqlite { format!("X'{hex}'") } else { format!("'\\x{hex}'") }
        }
        other => panic!("{}.{} is {other}: say here how a value of it is written", column.table, column.name),
    }
}

/// Three rows in every table that the migrations declare.
async fn plant(url: &str, columns: &[Column]) {
    let sqlite = url.starts_with("sqlite:");
    let mut raw = Raw::at(url).await;
    for table in declared(sqlite) {
        let of: Vec<&Column> = columns.iter().filter(|column| column.table == table.name).collect();
        let names: Vec<String> = of.iter().map(|column| format!("\"{}\"", column.name)).collect();
        for row in 0..3 {
            let values: Vec<String> = of.iter().map(|column| value(column, row, sqlite)).collect();
            let (names, values) = (names.join(", "), values.join(", "));
            raw.run(&format!("INSERT INTO \"{}\" ({names}) VALUES ({values})", table.name)).await;
        }
    }
    raw.close().await;
}

/// Everything in the database, in one form for both kinds.
async fn content(url: &str, columns: &[Column]) -> Vec<String> {
    let sqlite = url.starts_with("sqlite:");
    let mut raw = Raw::at(url).await;
    let mut all = Vec::new();
    for table in declared(sqlite) {
        let of = columns.iter().filter(|column| column.table == table.name);
        let texts = of.map(|Column { name, kind, .. }| {
            let text = match (kind.as_str(), sqlite) {
                ("uuid" | "bytea", true) => format!("CASE WHEN \"{name}\" IS NOT NULL THEN lower(hex(\"{name}\")) END"),
                ("uuid", false) => format!("replace(CAST(\"{name}\" AS text), '-', '')"),
                ("bytea", false) => format!("encode(\"{name}\", 'hex')"),
                _ => format!("CAST(\"{name}\" AS text)"),
            };
            format!("coalesce({text}, 'NULL')")
        });
        let texts = texts.collect::<Vec<_>>().join(" || ' | ' || ");
        let mut rows = raw.texts(&format!("SELECT {texts} FROM \"{}\"", table.name)).await;
        rows.sort();
        all.extend(rows.into_iter().map(|row| format!("{}: {row}", table.name)));
    }
    raw.close().await;
    all
}

/// Makes the tables of an installation, and lets it go.
async fn made(place: Shut) -> Shut {
    place.open().await.shut().await
}

async fn moved(from: Shut, to: Shut) {
    let columns = columns().await;
    let from = made(from).await;
    plant(&from.url, &columns).await;
    let before = content(&from.url, &columns).await;
    let tables = declared(true).len();
    assert_eq!(before.len(), 3 * tables);
    let progress = std::sync::Mutex::new(Vec::new());
    let source = Source::take(&from.url).await.unwrap();
    let copied = source.copy_to(&to.url, |done, total| progress.lock().unwrap().push((done, total))).await.unwrap();
    assert_eq!(copied.iter().map(|one| (one.table.as_str(), one.rows)).collect::<Vec<_>>(), {
        let mut names: Vec<String> = declared(true).into_iter().map(|table| table.name).collect();
        names.sort();
        names.leak().iter().map(|name| (name.as_str(), 3)).collect::<Vec<_>>()
    });
    assert_eq!(content(&to.url, &columns).await, before, "as it was");
    assert_eq!(content(&from.url, &columns).await, before, "and the old one stays");
    let all = u64::try_from(3 * tables).unwrap();
    assert_eq!(progress.lock().unwrap().last(), Some(&(all, all)));
    // What is there once is not there twice.
    let again = Source::take(&from.url).await.unwrap().copy_to(&to.url, |_, _| ()).await.unwrap_err().to_string();
    assert!(again.contains("is not empty"), "{again}");
    assert_eq!(content(&to.url, &columns).await, before);
    from.remove().await;
    to.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_and_value_goes_from_sqlite_to_postgres() {
    moved(empty_sqlite(), empty_postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_and_value_goes_from_postgres_to_sqlite() {
    moved(empty_postgres().await, empty_sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_and_value_goes_from_postgres_to_postgres() {
    moved(empty_postgres().await, empty_postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_and_value_goes_from_sqlite_to_sqlite() {
    moved(empty_sqlite(), empty_sqlite()).await;
}

async fn refused(from: &Shut, to: &str) -> String {
    let source = Source::take(&from.url).await.unwrap();
    source.copy_to(to, |_, _| ()).await.unwrap_err().to_string()
}

async fn rows(url: &str) -> i64 {
    let mut raw = Raw::at(url).await;
    let mut all = 0;
    for table in declared(true) {
        all += raw.number(&format!("SELECT count(*) FROM \"{}\"", table.name)).await;
    }
    raw.close().await;
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_breaks_off_leaves_nothing_and_can_be_made_again() {
    let (from, to) = (made(empty_sqlite()).await, empty_postgres().await);
    let columns = columns().await;
    plant(&from.url, &columns).await;
    let mut raw = Raw::at(&from.url).await;
    // PostgreSQL has no text with a zero in it; and a row that shows who is meant must not be shown.
    raw.run("UPDATE signal SET reason = 'Kranich' || char(0) WHERE line = 0").await;
    let said = refused(&from, &to.url).await;
    assert!(said.contains("the table signal could not be copied") && !said.contains("Kranich"), "{said}");
    assert_eq!(rows(&to.url).await, 0);
    // An id that is none.
    raw.run("UPDATE signal SET reason = NULL, record = X'0102' WHERE line = 0").await;
    let said = refused(&from, &to.url).await;
    assert!(said.contains("the table signal did not arrive as it is"), "{said}");
    assert_eq!(rows(&to.url).await, 0);
    raw.run("UPDATE signal SET record = NULL").await;
    raw.close().await;
    let source = Source::take(&from.url).await.unwrap();
    source.copy_to(&to.url, |_, _| ()).await.unwrap();
    assert_eq!(content(&to.url, &columns).await, content(&from.url, &columns).await);
    from.remove().await;
    to.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_works_on_what_is_copied() {
    for (from, to) in [(empty_sqlite(), empty_postgres().await), (empty_postgres().await, empty_sqlite())] {
        let from = made(from).await;
        let working = Store::open(&from.url).await.unwrap();
        let Err(said) = Source::take(&from.url).await else { panic!("taken from under a service") };
        assert!(said.to_string().contains("stop the service"), "{said}");
        working.close().await;
        drop(working);
        // Somebody who is no service writes at just this moment.
        let mut raw = Raw::at(&from.url).await;
        raw.run("BEGIN").await;
        raw.run("INSERT INTO setting (name, value) VALUES ('half', 'written')").await;
        let said = refused(&from, &to.url).await;
        assert!(said.contains("is in use"), "{said}");
        assert_eq!(rows(&to.url).await, 0);
        raw.run("COMMIT").await;
        raw.close().await;
        let copied = Source::take(&from.url).await.unwrap().copy_to(&to.url, |_, _| ()).await.unwrap();
        assert_eq!(copied.iter().map(|one| one.rows).sum::<u64>(), 1);
        from.remove().await;
        to.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_begins_on_the_old_database_meanwhile_ends_the_move() {
    let (from, to) = (made(empty_postgres().await).await, empty_sqlite());
    let mut raw = Raw::at(&from.url).await;
    raw.run("INSERT INTO setting (name, value) VALUES ('one', 'row')").await;
    raw.close().await;
    let source = Source::take(&from.url).await.unwrap();
    let (service, url) = (std::sync::Mutex::new(None), from.url.clone());
    let start_service = |_, _| {
        let mut service = service.lock().unwrap();
        if service.is_none() {
            let open = Store::open_beside(&url);
            *service = Some(block_in_place(|| Handle::current().block_on(open)).unwrap());
        }
    };
    let said = source.copy_to(&to.url, start_service).await.unwrap_err().to_string();
    assert!(said.contains("is in use"), "{said}");
    assert_eq!(rows(&to.url).await, 0);
    drop(service);
    from.remove().await;
    to.remove().await;
}
