//! `mittler connections`.

use std::process::ExitCode;

use anyhow::Result;
use mittler_core::{ConnectionId, RecordId};
use serde_json::json;

use crate::{
    commands::{print_json, table},
    service::Service,
};

pub async fn run(service: &Service, json: bool) -> Result<ExitCode> {
    let connections = service.store.connections().await?;
    let counts = service.store.link_counts().await?;
    let waiting = service.store.links_waiting(None, None, 1_000).await?;
    if json {
        let list: Vec<_> = connections
            .iter()
            .map(|connection| {
                let mine: Vec<_> = counts.iter().filter(|count| count.connection == connection.id).collect();
                json!({
                    "id": ConnectionId(connection.id), "name": connection.name, "crm": connection.crm, "mode": connection.mode,
                    "state": connection.state, "code": connection.code, "links": mine,
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
            connection.code.clone().map_or(connection.state.clone(), |code| format!("{} ({code})", connection.state)),
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
                if link.wanted > link.done { "waits".to_owned() } else { link.state.clone() },
                [link.code.clone(), link.reason.clone()].into_iter().flatten().collect::<Vec<_>>().join(": "),
            ]);
        }
        println!("{list}");
    }
    Ok(ExitCode::SUCCESS)
}
