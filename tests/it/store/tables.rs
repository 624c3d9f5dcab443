//! Every table says what it holds, and the database has those and no others.

use std::collections::BTreeSet;

use mittler_core::{RecordId, key::Basis};
use mittler_store::{Store, records::KeyRow, tables::declared};
use uuid::Uuid;

use super::Raw;
use crate::support::Fresh;

stories!(the_database_has_the_tables_that_are_declared, a_database_of_the_first_version_goes_on_with_its_keys);

async fn the_database_has_the_tables_that_are_declared(fresh: &Fresh) {
    let declared: BTreeSet<String> = declared(fresh.store.is_sqlite()).into_iter().map(|table| table.name).collect();
    let there: BTreeSet<String> = fresh.store.table_names().await.unwrap().into_iter().collect();
    assert_eq!(there, declared);
}

/// As the first version left it: without the columns of the second, and with keys of a person.
async fn a_database_of_the_first_version_goes_on_with_its_keys(fresh: &Fresh) {
    let mut raw = Raw::of(fresh).await;
    raw.run("DROP INDEX weak_key_former").await;
    for column in ["record_key DROP COLUMN basis", "weak_key DROP COLUMN basis", "weak_key DROP COLUMN since"] {
        raw.run(&format!("ALTER TABLE {column}")).await;
    }
    raw.run("DELETE FROM _sqlx_migrations WHERE version = 2").await;
    let id = |n: u8| if fresh.store.is_sqlite() { format!("X'{n:032x}'") } else { format!("'{n:032x}'") };
    for (key, key_type) in [(1, "email"), (2, "badge")] {
        let row = format!("({}, {}, '{key_type}')", id(key), id(9));
        raw.run(&format!("INSERT INTO record_key (key, record, key_type) VALUES {row}")).await;
    }
    raw.run(&format!("INSERT INTO weak_key (key, record, key_type) VALUES ({}, {}, 'phone_name')", id(3), id(9))).await;
    raw.close().await;
    fresh.store.close().await;
    // Beside the first one, whose file is locked until its test ends.
    let store = Store::open_beside(fresh.url()).await.unwrap();
    let person = RecordId(Uuid::from_u128(9));
    let (strong, weak) = store.write(async move |tx| tx.keys_of(&[person]).await).await.unwrap();
    let of = |rows: &[KeyRow]| -> Vec<(String, Basis)> {
        rows.iter().map(|row| (row.key_type.clone(), row.basis)).collect()
    };
    assert_eq!(of(&strong), [("email".to_owned(), Basis::Derived), ("badge".to_owned(), Basis::Asserted)]);
    assert_eq!(of(&weak), [("phone_name".to_owned(), Basis::Derived)]);
    let given_up = strong[..1].to_vec();
    store.write(async move |tx| tx.release_keys(&given_up).await).await.unwrap();
    assert_eq!(store.by_key(Uuid::from_u128(1)).await.unwrap(), None);
    assert_eq!(store.by_key(Uuid::from_u128(2)).await.unwrap(), Some(person));
    store.close().await;
}

#[test]
fn both_databases_declare_the_same_tables_with_the_same_answers() {
    let (sqlite, postgres) = (declared(true), declared(false));
    assert_eq!(sqlite, postgres);
    for table in &sqlite {
        assert!(!table.kept.is_empty(), "{} does not say how long its rows stay", table.name);
        if table.personal {
            assert!(!matches!(table.found_by.as_str(), "" | "-"), "how is a person found in {}?", table.name);
        } else {
            assert_eq!(table.found_by, "-", "{} is not personal", table.name);
        }
    }
}

/// `found by: record` means a column of that name, or one that leads to a table which has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_personal_table_has_the_columns_by_which_a_person_is_found() {
    let fresh = crate::support::sqlite().await;
    let mut raw = Raw::of(&fresh).await;
    for table in declared(true).into_iter().filter(|table| table.personal) {
        let columns = raw.texts(&format!("SELECT name FROM pragma_table_info('{}')", table.name)).await;
        let ways = ["record", "link", "links", "person", "signal", "label"];
        assert!(
            columns.iter().any(|column| ways.contains(&column.as_str()) && table.found_by.contains(column.as_str())),
            "{}: found by {}, but its columns are {columns:?}",
            table.name,
            table.found_by
        );
    }
    raw.close().await;
    fresh.remove().await;
}
