//! `mittler restrict`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use mittler_sync::restrict::Restriction;
use serde_json::json;

use crate::{
    commands::{forget::find, print_json},
    service::CliContext,
};

pub async fn run(cli: &CliContext, person: &str, wish: Restriction, json: bool) -> Result<ExitCode> {
    let (id, lift) = (find(cli, person).await?, wish == Restriction::Lift);
    let changed = cli.rights().restrict(id, wish, "cli").await?;
    let changed = changed.context("there is no such person; `mittler records` lists the people")?;
    if json {
        return print_json(&json!({ "record": id, "restricted": !lift, "changed": changed }));
    }
    println!(
        "{}",
        match (lift, changed) {
            (false, true) => "nobody is told of this person from now on; `--lift` ends it",
            (false, false) => "this person was restricted before; the first reason stays",
            (true, true) => "the restriction is lifted; what was held is written by a running service",
            (true, false) => "this person was not restricted",
        }
    );
    Ok(ExitCode::SUCCESS)
}
