//! `mittler move`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use mittler_store::{
    copy::Source,
    inspect::{Found, inspect},
};
use serde_json::json;

use crate::{
    commands::{print_json, progress::Progress, table},
    config::Config,
    installation::{self, As, place, place_of},
};

pub async fn run(config: &Config, to: &str, json: bool) -> Result<ExitCode> {
    let from = &config.server.database;
    let target = config.database_url(to);
    if inspect(from).await.context("the database cannot be opened")? == Found::Nothing {
        bail!("there is no installation in the database {}: nothing to move", place(config));
    }
    let source = Source::take(from).await?;
    // The key must be the one that the database was made with, and the tables must be up to date.
    let (_, store) = installation::open(config, As::Beside).await?;
    store.close().await;
    let progress = Progress::new("copying", 0, json);
    let copied = source.copy_to(&target, |done, total| progress.set(done, total)).await.with_context(|| {
        format!(
            "nothing was moved: the database {} is as it was, and nothing of it was kept in {}",
            place(config),
            place_of(&target)
        )
    })?;
    let rows = copied.iter().map(|one| one.rows).sum();
    progress.finish(rows);
    if json {
        return print_json(&json!({ "tables": copied, "rows": rows, "database": to }));
    }
    let mut list = table(&["Table", "Rows"]);
    for one in &copied {
        list.add_row([one.table.clone(), one.rows.to_string()]);
    }
    println!("{list}");
    println!(
        "{} tables with {rows} rows were copied, read again and compared. To go on there put this into mittler.toml \
         (--database and MITTLER_DATABASE_URL win over it), and start the service:\n\n[server]\ndatabase = {}\n\n\
         The key stays the same: mittler.key. The old database {} is as it was: start nothing on it any more, and \
         delete it once the new one is in your backups, since whoever is forgotten from now on is still in it.",
        copied.len(),
        toml::Value::from(to),
        place(config)
    );
    Ok(ExitCode::SUCCESS)
}
