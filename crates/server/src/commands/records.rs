//! `mittler records`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use mittler_core::{Field, Kind, Label, RecordId, Slot, Sourced};
use serde_json::json;

use crate::{
    commands::{print_json, table},
    service::CliContext,
};

pub async fn run(cli: &CliContext, id: Option<&str>, kind: &str, limit: i64, json: bool) -> Result<ExitCode> {
    if let Some(id) = id {
        return one(cli, id.parse()?, json).await;
    }
    let kind = Kind::parse(kind)
        .with_context(|| format!("there is no kind {kind:?}; there are {}", Kind::ALL.map(Kind::name).join(", ")))?;
    let lines = cli.store.record_lines(kind, None, limit.clamp(1, 10_000)).await?;
    if json {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| json!({ "id": RecordId(line.id), "kind": line.kind, "version": line.version, "fields": line.fields.0.0 }))
            .collect();
        return print_json(&lines);
    }
    let mut list = table(&["Record", "Name", "E-mail", "Company", "Version"]);
    for line in lines {
        let fields = &line.fields.0;
        let text = |field: &Field| fields.text(field).unwrap_or("").to_owned();
        list.add_row([
            RecordId(line.id).to_string(),
            fields.title(),
            text(&Field::EMAILS),
            text(&Field::COMPANY),
            line.version.to_string(),
        ]);
    }
    println!("{list}");
    Ok(ExitCode::SUCCESS)
}

async fn one(cli: &CliContext, id: RecordId, json: bool) -> Result<ExitCode> {
    let record = cli.store.record(id).await?.context("there is no such record")?;
    let links = cli.store.link_lines(id).await?;
    if json {
        return print_json(&json!({ "record": record, "links": links }));
    }
    println!("{} {} (version {})", record.kind, record.fields.title(), record.version);
    let mut values = table(&["Field", "Value", "Said by", "When", "How"]);
    for (field, slot) in &record.fields.0 {
        match slot {
            Slot::One(sourced) => _ = values.add_row(row(field, None, sourced)),
            Slot::Set(elements) => {
                for element in elements {
                    values.add_row(row(field, element.label, &element.sourced));
                }
            }
        }
    }
    println!("{values}");
    let mut there = table(&["CRM record", "State", "Told", "Waits because"]);
    for link in links {
        there.add_row([
            format!("{} {}", link.remote_type, link.remote_id.unwrap_or_else(|| "-".into())),
            link.state.name().to_owned(),
            if link.wanted > link.done { "due".into() } else { "yes".to_owned() },
            link.code.unwrap_or_default(),
        ]);
    }
    println!("{there}");
    Ok(ExitCode::SUCCESS)
}

fn row(field: &Field, label: Option<Label>, sourced: &Sourced) -> [String; 5] {
    let label = label.map(|label| format!(" ({})", format!("{label:?}").to_lowercase())).unwrap_or_default();
    [
        format!("{field}{label}"),
        sourced.value.display(),
        format!("{:?} {}", sourced.source.kind, sourced.source.name).to_lowercase(),
        sourced.observed_at.to_string().chars().take(16).collect::<String>().replace('T', " "),
        sourced.how.clone(),
    ]
}
