//! `mittler sessions`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use mittler_core::Time;
use serde_json::json;
use uuid::Uuid;

use crate::{
    commands::{print_json, table},
    service::CliContext,
};

pub async fn list(cli: &CliContext, json: bool) -> Result<ExitCode> {
    let sessions = cli.store.sessions(cli.clock.now()).await?;
    if json {
        let list: Vec<_> = sessions
            .iter()
            .map(|one| json!({ "id": one.operator, "kind": one.kind, "ends_at": Time(one.ends_at) }))
            .collect();
        return print_json(&list);
    }
    if sessions.is_empty() {
        println!("nobody is logged in; `mittler keys link` makes a link");
        return Ok(ExitCode::SUCCESS);
    }
    let mut list = table(&["Id", "State", "Ends"]);
    for one in sessions {
        let state = if one.kind == "link" { "link, not used yet" } else { "logged in" };
        list.add_row([one.operator.to_string(), state.to_owned(), Time(one.ends_at).to_string()]);
    }
    println!("{list}");
    Ok(ExitCode::SUCCESS)
}

/// Ends one, or with `None` all.
pub async fn end(cli: &CliContext, id: Option<Uuid>) -> Result<ExitCode> {
    let ended = cli.store.write(async move |tx| tx.end_sessions(id).await).await?;
    if id.is_some() && ended == 0 {
        bail!("nobody has a session of this id; `mittler sessions` shows those that live");
    }
    println!("{ended} ended; they open nothing any more");
    Ok(ExitCode::SUCCESS)
}
