//! Schemas of a PostgreSQL database that stand for databases of their own.

use sqlx::{ConnectOptions, Connection};

use crate::{Result, address::postgres_options};

/// Makes a schema in a PostgreSQL database, and gives the URL under which it opens as if it were a
/// database of its own. For a demonstration, which must not touch what is there.
///
/// # Errors
/// If the database does not answer or the user may not make schemas.
pub async fn make_schema(url: &str, name: &str) -> Result<String> {
    in_schemas(url, format!("CREATE SCHEMA \"{name}\"")).await?;
    let sign = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{sign}options[search_path]={name}"))
}

/// Removes such a schema with everything in it.
///
/// # Errors
/// If the database does not answer.
pub async fn drop_schema(url: &str, name: &str) -> Result<()> {
    in_schemas(url, format!("DROP SCHEMA IF EXISTS \"{name}\" CASCADE")).await
}

async fn in_schemas(url: &str, sql: String) -> Result<()> {
    let mut connection = postgres_options(url)?.disable_statement_logging().connect().await?;
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
