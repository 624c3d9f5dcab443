//! What the migrations say of each table: whether it holds personal data, how a person is found in
//! it, how long its rows stay.

use serde::Serialize;
use sqlx::migrate::Migrator;

use crate::{Result, Store};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    pub name: String,
    pub personal: bool,
    pub found_by: String,
    pub kept: String,
}

/// All migrations of each dialect, in their order.
pub(crate) static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");
pub(crate) static POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");

/// The tables that a database has, by its own account.
pub(crate) const TABLES_OF_SQLITE: &str =
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
/// Tables that come with an extension are nobody's.
pub(crate) const TABLES_OF_POSTGRES: &str =
    "SELECT CAST(c.relname AS text) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND n.nspname = current_schema()
       AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') ORDER BY 1";

/// The tables as the migrations declare them.
pub fn declared(sqlite: bool) -> Vec<Table> {
    let migrations = if sqlite { &SQLITE } else { &POSTGRES };
    let mut tables = Vec::new();
    let mut said: Option<(bool, String, String)> = None;
    for line in migrations.iter().flat_map(|migration| migration.sql.as_str().lines()) {
        if let Some(rest) = line.strip_prefix("-- personal: ") {
            let mut parts = rest.splitn(3, "; ");
            let personal = parts.next().is_some_and(|part| part == "yes");
            let found = parts.next().and_then(|part| part.strip_prefix("found by: ")).unwrap_or("").to_owned();
            let kept = parts.next().and_then(|part| part.strip_prefix("kept: ")).unwrap_or("").to_owned();
            said = Some((personal, found, kept));
        } else if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
            let (personal, found_by, kept) = said.take().unwrap_or_default();
            tables.push(Table { name: rest.trim_end_matches(" (").to_owned(), personal, found_by, kept });
        }
    }
    tables
}

impl Store {
    /// The tables that the database really has.
    pub async fn table_names(&self) -> Result<Vec<String>> {
        let rows = fetch_either!(self, (String,), TABLES_OF_SQLITE, TABLES_OF_POSTGRES)?;
        Ok(rows.into_iter().map(|row| row.0).filter(|name| name != "_sqlx_migrations").collect())
    }
}
