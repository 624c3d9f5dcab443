//! `mittler keys`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use mittler_api::access::{Scope, create_key, one_time_link};
use serde_json::json;

use crate::{
    cli::KeysCommand,
    commands::{print_json, table},
    config::Config,
    installation,
    service::CliContext,
};

pub async fn run(cli: &CliContext, command: KeysCommand) -> Result<ExitCode> {
    match command {
        KeysCommand::Create { label, scopes, json } => {
            let scopes: Vec<Scope> = scopes
                .iter()
                .map(|name| {
                    let known = Scope::ALL.map(Scope::name).join(", ");
                    Scope::parse(name).with_context(|| format!("there is no scope {name:?}; there are {known}"))
                })
                .collect::<Result<_>>()?;
            let key = create_key(&cli.store, &cli.clock, &label, &scopes).await?;
            if json {
                return print_json(&json!({ "id": key.id, "key": key.key }));
            }
            println!("{}\nThis key is shown once and kept only as a hash. Its id is {}.", key.key, key.id);
        }
        KeysCommand::List { json } => {
            let keys = cli.store.api_keys().await?;
            if json {
                return print_json(&keys);
            }
            let mut list = table(&["Id", "Label", "Scopes", "State"]);
            for key in keys {
                let state = if key.revoked_at.is_some() { "revoked" } else { "valid" };
                list.add_row([key.id.to_string(), key.label, key.scopes.0.join(", "), state.to_owned()]);
            }
            println!("{list}");
        }
        KeysCommand::Revoke { id } => {
            let (id, now) =
                (id.parse().context("this is no key's id; `mittler keys list` shows them")?, cli.clock.now());
            if !cli.store.write(async move |tx| tx.revoke_api_key(id, now).await).await? {
                bail!("there is no valid key with this id");
            }
            println!("revoked; other processes notice within 5 seconds");
        }
        KeysCommand::Link { listen } => {
            let path = one_time_link(&cli.store, &cli.clock).await?;
            println!("{}{path}", cli.config.base_url(listen.unwrap_or(cli.config.server.listen)));
        }
        KeysCommand::AcceptNew { yes, json } => return accept_new(&cli.config, yes, json).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what is lost with the right key, and goes on without it if that was accepted.
pub async fn accept_new(config: &Config, accepted: bool, json: bool) -> Result<ExitCode> {
    let lost = installation::accept_new(config, accepted).await?;
    let code = if accepted || lost.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if json {
        print_json(&json!({ "accepted": accepted && lost.is_some(), "lost": lost }))?;
        return Ok(code);
    }
    let Some(lost) = lost else {
        println!("the key fits this database, or there is nothing in it yet: nothing to do");
        return Ok(code);
    };
    println!(
        "Without the key that this database was made with these are lost:\n\
         - {} sealed credentials: connections whose refresh token was used once must be authorised anew\n\
         - {} suppression entries match nobody any more: whoever was forgotten or objected must be forgotten again, \
         before lists that hold them are imported\n\
         - {} inputs are not recognised when they come again; they lead to the same records, and double nothing",
        lost.credentials, lost.suppressions, lost.inputs
    );
    println!(
        "{}",
        if accepted {
            "Accepted. Keep a copy of mittler.key apart from the database."
        } else {
            "Nothing was changed. To go on: mittler keys accept-new --yes"
        }
    );
    Ok(code)
}
