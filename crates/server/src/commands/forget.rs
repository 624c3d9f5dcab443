//! `mittler forget`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use mittler_core::{Kind, RecordId};
use mittler_sync::{find::Found, rights::Whom};

use crate::{
    commands::{print_json, table},
    service::CliContext,
};

pub async fn run(cli: &CliContext, person: &str, dry_run: bool, json: bool) -> Result<ExitCode> {
    let (rights, whom) = (cli.rights(), meant(cli, person).await?);
    if let Whom::Record(id) = whom {
        let record = cli.store.record(id).await?.context("there is no such record")?;
        if record.kind != Kind::Person {
            bail!("this record is a {}, not a person; `mittler records` lists the people", record.kind);
        }
    }
    let done = if dry_run { rights.preview_forgetting(&whom).await? } else { rights.forget(&whom, "cli").await? };
    let done = done.context("there is no such person")?;
    if json {
        return print_json(&done);
    }
    if done.record.is_none() {
        println!("nobody is known by this; what was not taken was searched for it");
    }
    let mut list = table(&["Table", "Rows", if dry_run { "What would be done" } else { "What was done" }]);
    for one in &done.removed {
        list.add_row([one.table.clone(), one.rows.to_string(), one.how.clone()]);
    }
    println!("{list}");
    for there in &done.known_at {
        println!(
            "{} in the CRM {}: {} {}; erase it there",
            if dry_run { "stays known" } else { "still known" },
            there.connection,
            there.remote_type,
            there.remote_id
        );
    }
    println!(
        "{}",
        match (done.addresses_kept_out, dry_run) {
            (0, _) =>
                "no e-mail address is known, so nothing keeps this person out: the next list with them makes a new record",
            (_, true) => "nothing was removed; without --dry-run it is, and their e-mail addresses are kept out",
            (_, false) =>
                "their e-mail addresses are kept out from now on; a list with another address of theirs makes a new record",
        }
    );
    Ok(ExitCode::SUCCESS)
}

async fn meant(cli: &CliContext, person: &str) -> Result<Whom> {
    Ok(match cli.rights().find(person).await? {
        Found::Record(id) => Whom::Record(id),
        Found::Stranger(contact) => Whom::Stranger(contact),
        Found::Unreadable => bail!("give a record's id (rec_…), an e-mail address or a phone number"),
        Found::Several(ids) => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            bail!("several people share it; give the record's id of the one who is meant: {}", ids.join(", "))
        }
    })
}

/// The record of whoever is meant.
pub async fn find(cli: &CliContext, person: &str) -> Result<RecordId> {
    match meant(cli, person).await? {
        Whom::Record(id) => Ok(id),
        Whom::Stranger(_) => bail!("nobody is known by this address or number"),
    }
}
