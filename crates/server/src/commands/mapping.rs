//! `mittler mapping`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use mittler_core::mapping::Finding;
use serde_json::json;

use crate::{
    cli::{Common, MappingCommand},
    commands::{open, print_json},
    crms,
};

pub async fn run(common: &Common, command: MappingCommand) -> Result<ExitCode> {
    match command {
        MappingCommand::Default { crm } => {
            print!("{}", crms::named(&crm).map_err(anyhow::Error::msg)?.default_mapping);
            Ok(ExitCode::SUCCESS)
        }
        MappingCommand::Check { connection, json } => {
            let cli = open(common).await?;
            let chosen: Vec<_> = cli
                .connections()
                .await?
                .all()
                .into_iter()
                .filter(|it| connection.as_ref().is_none_or(|name| *name == it.name))
                .collect();
            if chosen.is_empty() {
                bail!("there is no such connection in the configuration");
            }
            let mut all: Vec<(String, Vec<Finding>)> = Vec::new();
            for connection in chosen {
                all.push((connection.name.clone(), check(&connection, cli.clock.now()).await?));
            }
            let fatal = all.iter().flat_map(|(_, findings)| findings).any(|finding| finding.fatal);
            if json {
                let list: Vec<_> =
                    all.iter().map(|(name, findings)| json!({ "connection": name, "findings": findings })).collect();
                print_json(&list)?;
            } else {
                for (name, findings) in &all {
                    println!(
                        "{name}: {}",
                        if findings.is_empty() {
                            "the mapping fits".to_owned()
                        } else {
                            format!("{} findings", findings.len())
                        }
                    );
                    for finding in findings {
                        println!(
                            "  {} {}.{}: {}",
                            if finding.fatal { "✗" } else { "·" },
                            finding.remote_type,
                            finding.field,
                            finding.text
                        );
                    }
                }
            }
            Ok(if fatal { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
    }
}

/// Holds every object of a connection's mapping against the CRM's description.
pub async fn check(connection: &mittler_sync::Connection, now: mittler_core::Time) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for object in &connection.mapping.objects {
        let Some(kind) = connection.connector.profile().kind(&object.remote) else {
            findings.push(Finding {
                remote_type: object.remote.clone(),
                field: String::new(),
                code: "unknown_type".into(),
                text: "this connector does not know the type".into(),
                fatal: true,
            });
            continue;
        };
        let schema = connection.schema(&object.remote, now).await?;
        let own_key = kind.own_key.field();
        findings.extend(object.check(&schema, own_key));
        if let Some(field) = own_key.filter(|field| schema.field(field).is_none()) {
            findings.push(Finding {
                remote_type: object.remote.clone(),
                field: field.to_owned(),
                code: "own_key_missing".into(),
                text: "the unique field for our ids is missing; `mittler connect` makes it, or says how".into(),
                fatal: true,
            });
        }
    }
    Ok(findings)
}
