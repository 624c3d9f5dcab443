//! `mittler forget`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use mittler_core::RecordId;
use mittler_enrich::{Key, KeyType};
use serde_json::json;

use crate::{
    commands::{print_json, table},
    service::Service,
};

pub async fn run(service: &Service, person: &str, json: bool) -> Result<ExitCode> {
    let id = find(service, person).await?;
    let links = service.store.link_lines(id).await?;
    let removed = mittler_sync::forget::forget(&service.store, &service.keys, &service.clock, id, "cli")
        .await?
        .context("there is no such person")?;
    if json {
        return print_json(&json!({ "record": id, "removed": removed, "known_at": links.iter().map(|link| json!({
            "remote_type": link.remote_type, "remote_id": link.remote_id })).collect::<Vec<_>>() }));
    }
    let mut list = table(&["Table", "Rows", "What was done"]);
    for one in &removed {
        list.add_row([one.table.clone(), one.rows.to_string(), one.how.clone()]);
    }
    println!("{list}");
    for link in links.iter().filter(|link| link.remote_id.is_some()) {
        println!("still known in the CRM: {} {}", link.remote_type, link.remote_id.as_deref().unwrap_or(""));
    }
    println!("this person is kept out from now on");
    Ok(ExitCode::SUCCESS)
}

async fn find(service: &Service, person: &str) -> Result<RecordId> {
    if let Ok(id) = person.parse() {
        return Ok(id);
    }
    let email = mittler_enrich::email::read_all(person)
        .0
        .into_iter()
        .next()
        .context("give a record's id (rec_…) or an e-mail address")?;
    let key = Key { key_type: KeyType::Email, scope: String::new(), value: email.canonical() };
    service.store.by_key(mittler_worker::key_id(&key)).await?.context("nobody is known by this address")
}
