//! `mittler connections`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use mittler_core::{ConnectionId, RecordId, Time};
use mittler_store::links::LinkLine;
use mittler_sync::retry::Retried;
use serde_json::json;

use crate::{
    commands::{print_json, table},
    service::CliContext,
};

pub async fn run(cli: &CliContext, json: bool) -> Result<ExitCode> {
    let connections = cli.store.connections().await?;
    let counts = cli.store.link_counts().await?;
    let waiting = cli.store.links_waiting(None, None, 1_000).await?;
    if json {
        let list: Vec<_> = connections
            .iter()
            .map(|connection| {
                let mine: Vec<_> = counts.iter().filter(|count| count.connection == connection.id).collect();
                let waiting: Vec<_> =
                    waiting.iter().filter(|link| link.connection == connection.id).map(waiting_link).collect();
                json!({
                    "id": ConnectionId(connection.id), "name": connection.name, "crm": connection.crm, "mode": connection.mode,
                    "state": connection.state, "code": connection.code, "reason": connection.reason,
                    "paused_until": (connection.paused_until > 0).then_some(Time(connection.paused_until)),
                    "links": mine, "waiting": waiting,
                })
            })
            .collect();
        return print_json(&list);
    }
    if connections.is_empty() {
        println!("no connections; add a [[connection]] to the configuration");
        return Ok(ExitCode::SUCCESS);
    }
    let mut list = table(&["Connection", "CRM", "Mode", "State", "Linked", "Written", "Due", "Refused"]);
    for connection in &connections {
        let mine = counts.iter().filter(|count| count.connection == connection.id);
        let sums = mine
            .fold((0, 0, 0, 0), |sum, it| (sum.0 + it.total, sum.1 + it.written, sum.2 + it.due, sum.3 + it.refused));
        list.add_row([
            connection.name.clone(),
            connection.crm.clone(),
            connection.mode.clone(),
            connection
                .code
                .clone()
                .map_or(connection.state.to_string(), |code| format!("{} ({code})", connection.state)),
            sums.0.to_string(),
            sums.1.to_string(),
            sums.2.to_string(),
            sums.3.to_string(),
        ]);
    }
    println!("{list}");
    if !waiting.is_empty() {
        let mut list = table(&["Record", "CRM type", "State", "Because"]);
        for link in waiting.iter().take(30) {
            list.add_row([
                RecordId(link.record).to_string(),
                link.remote_type.clone(),
                state(link).to_owned(),
                [link.code.clone(), link.reason.clone()].into_iter().flatten().collect::<Vec<_>>().join(": "),
            ]);
        }
        println!("{list}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Does again what one connection refused, holds or has deleted, and lifts what holds it up; a running service
/// tries it.
pub async fn retry(cli: &CliContext, name: &str, json: bool) -> Result<ExitCode> {
    let connections = cli.store.connections().await?;
    let known = connections.iter().find(|connection| connection.name == name).with_context(|| {
        let names: Vec<&str> = connections.iter().map(|connection| connection.name.as_str()).collect();
        format!("there is no connection {name:?}; there are: {}", names.join(", "))
    })?;
    let retried = mittler_sync::retry::retry_connection(&cli.store, &cli.clock, ConnectionId(known.id)).await?;
    let lifted = &retried.lifted;
    if json {
        let pause = lifted.pause.as_ref().map(|(until, code)| json!({ "until": until, "code": code }));
        return print_json(
            &json!({ "connection": name, "links": retried.links, "waited": lifted.links, "lifted": pause, "budgets": lifted.budgets }),
        );
    }
    for line in said(name, &retried) {
        println!("{line}");
    }
    Ok(ExitCode::SUCCESS)
}

/// What a retry did, line by line.
fn said(name: &str, retried: &Retried) -> Vec<String> {
    let (links, lifted) = (retried.links, &retried.lifted);
    let mut told = Vec::new();
    if let Some((until, code)) = &lifted.pause {
        told.push(format!("{name} was to be left alone until {until} ({code}); that is lifted"));
    } else if !lifted.budgets.is_empty() {
        told.push(format!(
            "the CRM had said that these calls are spent, which is lifted: {}",
            lifted.budgets.join(", ")
        ));
    }
    if lifted.links > 0 {
        told.push(format!("{} records that waited for a time are due now", lifted.links));
    }
    match links {
        0 if told.is_empty() => told.push(format!("nothing of {name} was refused, held, deleted or paused")),
        0 => {}
        links => told.push(format!("{links} records that were refused, held or deleted are due again")),
    }
    told.push(format!(
        "a running service tries {name} within a second or two; if the CRM refuses again, it waits again"
    ));
    told
}

fn waiting_link(link: &LinkLine) -> serde_json::Value {
    json!({
        "record": RecordId(link.record), "kind": link.kind, "remote_type": link.remote_type, "remote_id": link.remote_id,
        "state": state(link), "code": link.code, "reason": link.reason,
    })
}

fn state(link: &LinkLine) -> &'static str {
    if link.wanted > link.done { "waits" } else { link.state.name() }
}
