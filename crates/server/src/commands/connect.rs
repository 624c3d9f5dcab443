//! `mittler connect`: one connection, from its credentials to its first write.

use std::process::ExitCode;

use anyhow::{Context, Result};
use mittler_connector::{SetupWish, StepState};
use mittler_core::mapping::Finding;
use mittler_sync::{Connection, Mode};
use serde_json::json;

use crate::{
    commands::{mapping, print_json},
    service::CliContext,
};

/// Asks the CRM who we are, makes what the connection needs there and can be made, and holds the mapping against what
/// the CRM describes. Fails where a person has something left to do.
pub async fn run(cli: &CliContext, name: &str, json: bool) -> Result<ExitCode> {
    let section = cli.config.connection.iter().find(|section| section.name == name);
    let section = section.with_context(|| format!("there is no connection {name:?} in the configuration"))?;
    let connections = cli.connections().await?;
    let connection = connections.named(name).with_context(|| format!("there is no connection {name:?}"))?;
    let account = connection.connector.account().await.with_context(|| {
        format!("connection {name}: the CRM does not say whose account this is; `mittler doctor` says what to do")
    })?;
    if let Some(wanted) = section.settings.account().filter(|wanted| *wanted != account.id) {
        anyhow::bail!(
            "connection {name}: the credentials belong to account {}, not to {wanted}: nothing was changed there",
            account.id
        );
    }
    let steps = connection.connector.setup(SetupWish::Apply).await.with_context(|| format!("connection {name}"))?;
    let findings = mapping::check(&connection, cli.clock.now()).await?;
    let fatal: Vec<&Finding> = findings.iter().filter(|finding| finding.fatal).collect();
    let done = fatal.is_empty() && steps.iter().all(|step| step.state == StepState::Made);
    if json {
        print_json(&json!({
            "connection": name,
            "account": account.id,
            "steps": steps,
            "findings": findings,
            "connected": done,
        }))?;
    } else {
        println!("{name}: account {}", account.id);
        for step in &steps {
            println!("  {} {}", if step.state == StepState::Made { "✓" } else { "✗" }, step.text);
        }
        for finding in &fatal {
            println!("  ✗ {}.{}: {}", finding.remote_type, finding.field, finding.text);
        }
        println!("{}", said(&connection, done));
    }
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn said(connection: &Connection, done: bool) -> String {
    if !done {
        return "Not connected yet: do what is marked ✗, then run this command again.".into();
    }
    match connection.mode {
        mode @ (Mode::Off | Mode::DryRun) => {
            format!("Connected. Nothing is written in mode {}: set another one when you are ready.", mode.name())
        }
        mode => format!("Connected, in mode {}.", mode.name()),
    }
}
