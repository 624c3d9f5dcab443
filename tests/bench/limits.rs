//! What the database itself can do, measured beside the service: on a busy machine only the ratio says something.

use std::{path::Path, time::Duration};

use serde::Serialize;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::{task::JoinSet, time::Instant};
use uuid::Uuid;

const TIME: Duration = Duration::from_millis(1_500);
/// Rows of a statement.
const GROUP: usize = 100;
/// Connections of the single rows on PostgreSQL.
const CONNECTIONS: usize = 8;
/// A value as a lead's row has it, about 200 bytes.
const BODY: &str = "{\"first_name\": \"Jürgen\", \"last_name\": \"von der Heide\", \"email\": \"j.vonderheide@example.com\", \
                    \"company\": \"Heide Maschinenbau GmbH & Co. KG\", \"phone\": \"+49 711 12345678\"}";

/// Rows per second.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Limits {
    /// One row a commit: on PostgreSQL over 8 connections, on SQLite over its one writer with full sync.
    pub single_rows: f64,
    /// 100 rows a statement and commit, over one connection.
    pub rows_by_100: f64,
}

impl Limits {
    pub fn median(all: &[Limits]) -> Limits {
        let middle = |of: fn(&Limits) -> f64| {
            let mut values: Vec<f64> = all.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(0.0)
        };
        Limits { single_rows: middle(|limits| limits.single_rows), rows_by_100: middle(|limits| limits.rows_by_100) }
    }
}

pub async fn postgres(url: &str) -> anyhow::Result<Limits> {
    let options: PgConnectOptions = url.parse()?;
    let table = format!("probe_{}", Uuid::new_v4().simple());
    let mut first = options.connect().await?;
    let create = format!(
        "CREATE TABLE {table} (id uuid PRIMARY KEY, kind text NOT NULL, body jsonb NOT NULL, at bigint NOT NULL)"
    );
    sqlx::query(AssertSqlSafe(create)).execute(&mut first).await?;
    let (mut tasks, begun) = (JoinSet::new(), Instant::now());
    for _ in 0..CONNECTIONS {
        let (mut connection, table) = (options.connect().await?, table.clone());
        tasks.spawn(async move {
            let insert = format!("INSERT INTO {table} VALUES ($1, 'probe', $2::text::jsonb, 0)");
            let (mut rows, begun) = (0_u32, Instant::now());
            while begun.elapsed() < TIME {
                let insert = sqlx::query(AssertSqlSafe(insert.clone())).bind(Uuid::now_v7()).bind(BODY);
                insert.execute(&mut connection).await?;
                rows += 1;
            }
            connection.close().await?;
            anyhow::Ok(rows)
        });
    }
    let mut rows = 0;
    while let Some(done) = tasks.join_next().await {
        rows += done??;
    }
    let single_rows = f64::from(rows) / begun.elapsed().as_secs_f64();
    let rows_by_100 = groups_postgres(&mut first, &table).await?;
    sqlx::query(AssertSqlSafe(format!("DROP TABLE {table}"))).execute(&mut first).await?;
    first.close().await?;
    Ok(Limits { single_rows, rows_by_100 })
}

async fn groups_postgres(connection: &mut PgConnection, table: &str) -> anyhow::Result<f64> {
    let insert = format!(
        "INSERT INTO {table} SELECT id, 'probe', body, 0 FROM jsonb_to_recordset($1::text::jsonb) AS r(id uuid, body jsonb)"
    );
    let (mut rows, begun) = (0, Instant::now());
    while begun.elapsed() < TIME {
        sqlx::query(AssertSqlSafe(insert.clone())).bind(group()).execute(&mut *connection).await?;
        rows += GROUP;
    }
    Ok(rate(rows, begun))
}

pub async fn sqlite(folder: &Path) -> anyhow::Result<Limits> {
    let file = folder.join(format!("probe-{}.sqlite", Uuid::new_v4().simple()));
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection: SqliteConnection = options.connect().await?;
    sqlx::query("CREATE TABLE probe (id blob PRIMARY KEY, kind text NOT NULL, body text NOT NULL, at bigint NOT NULL)")
        .execute(&mut connection)
        .await?;
    let (mut rows, begun) = (0, Instant::now());
    while begun.elapsed() < TIME {
        let insert = sqlx::query("INSERT INTO probe VALUES ($1, 'probe', $2, 0)").bind(Uuid::now_v7()).bind(BODY);
        insert.execute(&mut connection).await?;
        rows += 1;
    }
    let single_rows = rate(rows, begun);
    let (mut rows, begun) = (0, Instant::now());
    while begun.elapsed() < TIME {
        let insert = "INSERT INTO probe SELECT unhex(value->>'id', '-'), 'probe', value->>'body', 0 FROM json_each($1)";
        sqlx::query(insert).bind(group()).execute(&mut connection).await?;
        rows += GROUP;
    }
    let rows_by_100 = rate(rows, begun);
    connection.close().await?;
    for ending in ["", "-wal", "-shm"] {
        // The last two are gone already when the last connection closed in order.
        _ = std::fs::remove_file(format!("{}{ending}", file.display()));
    }
    Ok(Limits { single_rows, rows_by_100 })
}

fn group() -> String {
    let rows: Vec<String> =
        (0..GROUP).map(|_| format!("{{\"id\": \"{}\", \"body\": {BODY}}}", Uuid::now_v7())).collect();
    format!("[{}]", rows.join(","))
}

#[expect(clippy::cast_precision_loss, reason = "fewer rows than 2^52")]
fn rate(rows: usize, begun: Instant) -> f64 {
    rows as f64 / begun.elapsed().as_secs_f64()
}
