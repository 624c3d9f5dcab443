//! `mittler forget`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use mittler_core::{Field, Kind, RecordId};
use mittler_identity::{Key, KeyType};
use mittler_store::links::LinkLine;
use serde_json::json;

use crate::{
    commands::{print_json, table},
    service::Desk,
};

pub async fn run(desk: &Desk, person: &str, json: bool) -> Result<ExitCode> {
    let id = find(desk, person).await?;
    let record = desk.store.record(id).await?.context("there is no such record")?;
    if record.kind != Kind::Person {
        bail!("this record is a {}, not a person; `mittler records` lists the people", record.kind);
    }
    let links = desk.store.link_lines(id).await?;
    let connections = desk.store.connections().await?;
    let removed = mittler_sync::forget::forget(&desk.store, &desk.keys, &desk.clock, id, "cli")
        .await?
        .context("there is no such person")?;
    let addresses = record.fields.elements(&Field::EMAILS).len();
    let known: Vec<_> = links.iter().filter_map(|link| Some((link, link.remote_id.as_deref()?))).collect();
    let name = |link: &LinkLine| connections.iter().find(|it| it.id == link.connection).map_or("", |it| &it.name);
    if json {
        let known: Vec<_> = known
            .iter()
            .map(|(link, there)| {
                json!({ "connection": name(link), "remote_type": link.remote_type, "remote_id": there })
            })
            .collect();
        return print_json(
            &json!({ "record": id, "removed": removed, "known_at": known, "addresses_kept_out": addresses }),
        );
    }
    let mut list = table(&["Table", "Rows", "What was done"]);
    for one in &removed {
        list.add_row([one.table.clone(), one.rows.to_string(), one.how.clone()]);
    }
    println!("{list}");
    for (link, there) in known {
        println!("still known in the CRM {}: {} {there}; erase it there", name(link), link.remote_type);
    }
    println!(
        "{}",
        if addresses == 0 {
            "no e-mail address was known, so nothing keeps this person out: the next list with them makes a new record"
        } else {
            "their e-mail addresses are kept out from now on; a list with another address of theirs makes a new record"
        }
    );
    Ok(ExitCode::SUCCESS)
}

pub async fn find(desk: &Desk, person: &str) -> Result<RecordId> {
    if let Ok(id) = person.parse() {
        return Ok(id);
    }
    let email = mittler_normalise::email::read_all(person)
        .0
        .into_iter()
        .next()
        .context("give a record's id (rec_…) or an e-mail address")?;
    let key = Key { key_type: KeyType::Email, scope: String::new(), value: email.canonical() };
    desk.store.by_key(key.id()).await?.context("nobody is known by this address")
}
