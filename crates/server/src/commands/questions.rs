//! `mittler questions` and `mittler answer`.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context, Result, bail};
use mittler_core::{RecordId, Time};
use mittler_sync::{
    NotTaken, Questions,
    question::{Choice, Command, RemoteRef},
    view::{Preview, Side, There, View},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    commands::{print_json, table},
    service::CliContext,
};

/// What asks and answers beside a service that may be running.
pub async fn questions(cli: &CliContext) -> Result<Questions> {
    let connections = cli.connections().await?;
    let overrides = connections.all().iter().flat_map(|connection| connection.mapping.overrides()).collect();
    Ok(Questions {
        store: cli.store.clone(),
        clock: cli.clock.clone(),
        connections,
        overrides: Arc::new(overrides),
        forgets: Some(cli.keys.clone()),
        country: cli.config.server.country.as_str().into(),
    })
}

pub async fn list(cli: &CliContext, json: bool) -> Result<ExitCode> {
    let asked = cli.store.reviews_open(None, 10_000).await?;
    let connections = cli.store.connections().await?;
    let name = |id: Option<Uuid>| {
        connections.iter().find(|row| Some(row.id) == id).map(|row| row.name.clone()).unwrap_or_default()
    };
    if json {
        let list: Vec<Value> = asked
            .iter()
            .map(|line| {
                json!({ "id": line.id, "question": line.question, "reason": line.reason, "record": RecordId(line.record),
                    "connection": name(line.connection), "candidates": line.candidates.0, "asked_at": Time(line.asked_at) })
            })
            .collect();
        return print_json(&list);
    }
    if asked.is_empty() {
        println!("no open questions");
        return Ok(ExitCode::SUCCESS);
    }
    let about: Vec<RecordId> = asked.iter().map(|line| RecordId(line.record)).collect();
    let records = cli.store.records(&about).await?;
    let mut list = table(&["Question", "Asked", "About", "In", "Because"]);
    for line in &asked {
        let record = records.iter().find(|record| record.id.0 == line.record);
        list.add_row([
            line.id.to_string(),
            line.question.clone(),
            record.map(|record| record.fields.title()).unwrap_or_default(),
            name(line.connection),
            line.reason.clone(),
        ]);
    }
    println!("{list}");
    println!("`mittler questions show ID` compares, `mittler answer ID COMMAND` answers");
    Ok(ExitCode::SUCCESS)
}

pub async fn show(cli: &CliContext, id: Uuid, json: bool) -> Result<ExitCode> {
    let view =
        questions(cli).await?.view(id).await?.context("there is no such question; `mittler questions` lists them")?;
    if json {
        return print_json(&as_json(&view));
    }
    let connection = view.connection.as_ref().map(|place| format!(" ({})", place.name)).unwrap_or_default();
    println!("{}{connection}: {}, {}", view.kind, view.question.reason, view.state);
    for side in &view.sides {
        println!();
        println!("{}", head(side));
        if let Some(code) = &side.silent {
            println!("  the CRM does not show it now: {code}");
        }
        let mut values = table(&["Field", "Value", "Said by", "When"]);
        for shown in &side.values {
            let at = shown.at.map(|at| at.to_string().chars().take(16).collect::<String>().replace('T', " "));
            let source = format!("{:?} {}", shown.source.kind, shown.source.name).to_lowercase();
            values.add_row([shown.field.to_string(), shown.value.clone(), source, at.unwrap_or_default()]);
        }
        if !side.values.is_empty() {
            println!("{values}");
        }
        for there in &side.known_at {
            println!("  known in {}", place(there));
        }
    }
    println!();
    for option in &view.options {
        println!("mittler answer {id} {}", option.command);
        for line in lines(&option.preview) {
            println!("    {line}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn answer(
    cli: &CliContext,
    id: Uuid,
    command: &str,
    record: Option<RecordId>,
    remote: Option<&str>,
) -> Result<ExitCode> {
    let remote = match remote {
        Some(text) => match text.parse::<RemoteRef>() {
            Ok(remote) => Some(remote),
            Err(()) => bail!("a record of a CRM is written TYPE:ID, such as Lead:00Q5g00000AbCdE"),
        },
        None => None,
    };
    let choice = Choice { name: command.to_owned(), record, remote };
    match questions(cli).await?.answer(id, &choice, "cli").await? {
        Ok(command) => println!("answered: {command}; a running service does the rest"),
        Err(NotTaken::NoSuchQuestion) => bail!("there is no such question; `mittler questions` lists them"),
        Err(NotTaken::AnsweredBefore) => bail!("this question has been answered already"),
        Err(NotTaken::NoAnswerToThis(options)) => {
            let keys: Vec<String> = options.iter().map(Command::to_string).collect();
            bail!("the question is answered by one of: {}", keys.join(", "))
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn head(side: &Side) -> String {
    match (&side.remote, side.record) {
        (Some(there), _) => format!("{} — {}", side.title, place(there)),
        (None, Some(record)) => format!("{} — {record}", side.title),
        (None, None) => side.title.clone(),
    }
}

fn place(there: &There) -> String {
    let url = there.url.as_ref().map(|url| format!(" {url}")).unwrap_or_default();
    format!("{} {}{url}", there.connection.name, there.remote)
}

pub fn lines(preview: &Preview) -> Vec<String> {
    let mut lines = Vec::new();
    if let [stays, gone @ ..] = preview.merges.as_slice() {
        let gone: Vec<String> = gone.iter().map(ToString::to_string).collect();
        lines.push(format!("{} becomes {stays}", gone.join(", ")));
    }
    if let [stays, again @ ..] = preview.splits.as_slice() {
        let again: Vec<String> = again.iter().map(ToString::to_string).collect();
        lines.push(format!("{} comes out of {stays} again", again.join(", ")));
    }
    for change in &preview.changes {
        lines.push(format!("{}: {} → {}", change.field, change.before.join(", "), change.after.join(", ")));
    }
    for write in &preview.writes {
        let id = write.remote_id.as_deref().unwrap_or("new");
        let operation = format!("{:?}", write.operation).to_lowercase();
        let fields = write.fields.join(", ");
        lines.push(
            format!("{}: {operation} {} {id} {fields}", write.connection.name, write.remote_type).trim_end().to_owned(),
        );
    }
    lines.extend(preview.by_hand.iter().map(|there| format!("erase by hand: {}", place(there))));
    lines
}

/// What would change, and what CRMs would be told.
pub fn changes_and_writes(preview: &Preview) -> [Vec<Value>; 2] {
    let changes = preview.changes.iter();
    let changes =
        changes.map(|change| json!({ "field": change.field, "before": change.before, "after": change.after }));
    let writes = preview.writes.iter().map(|write| {
        json!({ "connection": write.connection.name, "operation": write.operation, "remote_type": write.remote_type,
            "remote_id": write.remote_id, "fields": write.fields })
    });
    [changes.collect(), writes.collect()]
}

fn as_json(view: &View) -> Value {
    let there = |there: &There| {
        json!({ "connection": there.connection.name, "remote_type": there.remote.remote_type,
            "remote_id": there.remote.remote_id, "url": there.url })
    };
    let side = |side: &Side| {
        let values: Vec<Value> = side
            .values
            .iter()
            .map(|shown| {
                json!({ "field": shown.field, "label": shown.label, "value": shown.value, "source": shown.source, "at": shown.at })
            })
            .collect();
        json!({ "record": side.record, "remote": side.remote.as_ref().map(there), "title": side.title, "values": values,
            "known_at": side.known_at.iter().map(there).collect::<Vec<_>>(), "silent": side.silent })
    };
    let options: Vec<Value> = view
        .options
        .iter()
        .map(|option| {
            let [changes, writes] = changes_and_writes(&option.preview);
            json!({ "key": option.command.to_string(), "command": option.command.name(), "record": option.command.record(),
                "preview": { "merges": option.preview.merges, "splits": option.preview.splits, "changes": changes, "writes": writes,
                    "by_hand": option.preview.by_hand.iter().map(there).collect::<Vec<_>>() } })
        })
        .collect();
    json!({ "id": view.question.id, "question": view.kind, "reason": view.question.reason, "state": view.state,
        "record": view.question.record, "connection": view.connection.as_ref().map(|place| &place.name),
        "asked_at": view.asked_at, "answered_at": view.answered_at,
        "sides": view.sides.iter().map(side).collect::<Vec<_>>(), "options": options, "decisions": view.decisions })
}
