//! Every table says what it holds, and the database has those and no others.

use std::collections::BTreeSet;

use mittler_store::tables::declared;

use super::Raw;
use crate::support::Fresh;

stories!(the_database_has_the_tables_that_are_declared);

async fn the_database_has_the_tables_that_are_declared(fresh: &Fresh) {
    let declared: BTreeSet<String> = declared(fresh.store.is_sqlite()).into_iter().map(|table| table.name).collect();
    let there: BTreeSet<String> = fresh.store.table_names().await.unwrap().into_iter().collect();
    assert_eq!(there, declared);
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
