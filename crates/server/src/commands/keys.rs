//! `mittler keys`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use mittler_api::access::{Scope, create_key, one_time_link};
use serde_json::json;

use crate::{
    cli::KeysCommand,
    commands::{print_json, table},
    service::Desk,
};

pub async fn run(desk: &Desk, command: KeysCommand) -> Result<ExitCode> {
    match command {
        KeysCommand::Create { label, scopes, json } => {
            let scopes: Vec<Scope> = scopes
                .iter()
                .map(|name| {
                    let known = Scope::ALL.map(Scope::name).join(", ");
                    Scope::parse(name).with_context(|| format!("there is no scope {name:?}; there are {known}"))
                })
                .collect::<Result<_>>()?;
            let key = create_key(&desk.store, &desk.clock, &label, &scopes).await?;
            if json {
                return print_json(&json!({ "id": key.id, "key": key.key }));
            }
            println!("{}\nThis key is shown once and kept only as a hash. Its id is {}.", key.key, key.id);
        }
        KeysCommand::List { json } => {
            let keys = desk.store.api_keys().await?;
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
                (id.parse().context("this is no key's id; `mittler keys list` shows them")?, desk.clock.now());
            if !desk.store.write(async move |tx| tx.revoke_api_key(id, now).await).await? {
                bail!("there is no valid key with this id");
            }
            println!("revoked; other processes notice within 5 seconds");
        }
        KeysCommand::Link { listen } => {
            let path = one_time_link(&desk.store, &desk.clock).await?;
            println!("{}{path}", desk.config.base_url(listen.unwrap_or(desk.config.server.listen)));
        }
    }
    Ok(ExitCode::SUCCESS)
}
