//! A look into the service's database, past the service: for diagnoses and for figures.

use anyhow::Context;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, SqliteConnection, postgres::PgConnectOptions,
    sqlite::SqliteConnectOptions,
};

/// One connection that only reads.
pub enum Tables {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Tables {
    pub async fn open(url: &str) -> anyhow::Result<Tables> {
        if url.starts_with("sqlite:") {
            let options: SqliteConnectOptions = url.parse()?;
            // Not read-only: only who may write can bring a log into the file that a killed process left.
            return Ok(Tables::Sqlite(options.create_if_missing(false).connect().await?));
        }
        Ok(Tables::Postgres(url.parse::<PgConnectOptions>()?.connect().await?))
    }

    /// The rows of a query whose columns are all text.
    pub async fn texts(&mut self, sql: &str) -> anyhow::Result<Vec<Vec<String>>> {
        let query = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Tables::Sqlite(connection) => {
                let rows = sqlx::query(query).fetch_all(connection).await.context("SQLite")?;
                rows.iter().map(|row| (0..row.len()).map(|i| row.try_get(i).unwrap_or_default()).collect()).collect()
            }
            Tables::Postgres(connection) => {
                let rows = sqlx::query(query).fetch_all(connection).await.context("PostgreSQL")?;
                rows.iter().map(|row| (0..row.len()).map(|i| row.try_get(i).unwrap_or_default()).collect()).collect()
            }
        })
    }

    /// The rows of a query whose columns are all whole numbers.
    pub async fn numbers(&mut self, sql: &str) -> anyhow::Result<Vec<Vec<i64>>> {
        let query = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Tables::Sqlite(connection) => {
                let rows = sqlx::query(query).fetch_all(connection).await.context("SQLite")?;
                rows.iter().map(|row| (0..row.len()).map(|i| row.try_get(i).unwrap_or_default()).collect()).collect()
            }
            Tables::Postgres(connection) => {
                let rows = sqlx::query(query).fetch_all(connection).await.context("PostgreSQL")?;
                rows.iter().map(|row| (0..row.len()).map(|i| row.try_get(i).unwrap_or_default()).collect()).collect()
            }
        })
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self, Tables::Sqlite(_))
    }

    pub async fn close(self) {
        // Nothing was written: how the connection ends does not matter.
        _ = match self {
            Tables::Sqlite(connection) => connection.close().await,
            Tables::Postgres(connection) => connection.close().await,
        };
    }
}
