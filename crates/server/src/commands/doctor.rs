//! `mittler doctor`: everything that can be wrong, in plain words with what to do.

use std::process::ExitCode;

use anyhow::Result;
use mittler_queue::RabbitConfig;
use secrecy::SecretString;
use serde::Serialize;

use crate::{
    cli::Common,
    commands::{mapping, print_json},
    config::Config,
    service::Service,
    telemetry,
};

#[derive(Debug, Serialize)]
struct Check {
    what: String,
    well: bool,
    says: String,
}

#[derive(Default)]
struct Findings(Vec<Check>);

impl Findings {
    fn add(&mut self, what: impl Into<String>, result: Result<impl Into<String>, String>) {
        let (well, says) = match result {
            Ok(says) => (true, says.into()),
            Err(says) => (false, says),
        };
        self.0.push(Check { what: what.into(), well, says });
    }
}

pub async fn run(common: &Common, json: bool) -> Result<ExitCode> {
    telemetry::start(false, "error");
    let mut findings = Findings::default();
    check(common, &mut findings).await;
    let well = findings.0.iter().all(|check| check.well);
    if json {
        print_json(&findings.0)?;
    } else {
        for check in &findings.0 {
            println!("{} {}: {}", if check.well { "✓" } else { "✗" }, check.what, check.says);
        }
        println!("{}", if well { "all is well" } else { "something needs your attention: see the lines with ✗" });
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn check(common: &Common, findings: &mut Findings) {
    let config = match Config::load(common) {
        Ok(config) => config,
        Err(error) => return findings.add("configuration", Err::<String, _>(format!("{error:#}"))),
    };
    findings.add("configuration", Ok(format!("{} connections", config.connection.len())));
    if !config.server.listen.ip().is_loopback()
        && config.server.public_url.as_deref().is_none_or(|url| !url.starts_with("https://"))
    {
        findings.add(
            "address",
            Err::<String, _>("the API listens beyond this machine without TLS before it; set public_url to the https address of your proxy".into()),
        );
    }
    if let Some(broker) = &config.server.broker {
        let mut rabbit = RabbitConfig::new(SecretString::from(broker.clone()));
        rabbit.queue.clone_from(&config.server.queue);
        match mittler_queue::check(&rabbit).await {
            Ok(says) => findings.add("broker", Ok(says.join("; "))),
            Err(says) => findings.add("broker", Err::<String, _>(says)),
        }
    }
    let service = match Service::open(config).await {
        Ok(service) => service,
        Err(error) => return findings.add("database and connections", Err::<String, _>(format!("{error:#}"))),
    };
    findings.add("database", Ok(format!("{} answers and is durable", service.store.name())));
    match service.store.verify_audit().await {
        Ok(None) => findings.add("audit chain", Ok("unbroken")),
        Ok(Some(seq)) => findings
            .add("audit chain", Err::<String, _>(format!("entry {seq} does not fit; the table was changed by hand"))),
        Err(error) => findings.add("audit chain", Err::<String, _>(error.to_string())),
    }
    if let Ok(jobs) = service.store.job_counts(service.clock.now()).await {
        let dead = jobs.dead;
        findings.add(
            "jobs",
            if dead == 0 {
                Ok(format!("{} waiting", jobs.ready + jobs.waiting))
            } else {
                Err(format!("{dead} dead jobs wait for a decision; see the page Today"))
            },
        );
    }
    for (connection, section) in service.connections.all().iter().zip(&service.config.connection) {
        let name = format!("connection {}", connection.name);
        match connection.connector.account().await {
            Ok(account) => {
                let wanted = section.organization_id.as_ref().or(section.portal_id.as_ref());
                match wanted.filter(|wanted| !account.starts_with(wanted.as_str()) && !wanted.starts_with(&account)) {
                    Some(wanted) => findings.add(
                        &name,
                        Err::<String, _>(format!("the credentials belong to account {account}, not to {wanted}")),
                    ),
                    None => findings.add(&name, Ok(format!("account {account} answers"))),
                }
            }
            Err(error) => {
                findings.add(
                    &name,
                    Err::<String, _>(format!("{error}; check address, credentials and the app's permissions")),
                );
                continue;
            }
        }
        match connection.connector.prepare().await {
            Ok(says) if says.is_empty() => findings.add(format!("{name}, own keys"), Ok("present")),
            Ok(says) => findings.add(format!("{name}, own keys"), Ok(says.join("; "))),
            Err(error) => findings.add(format!("{name}, own keys"), Err::<String, _>(error.to_string())),
        }
        match mapping::check(connection, service.clock.now()).await {
            Ok(found) => {
                let fatal: Vec<String> = found
                    .iter()
                    .filter(|it| it.fatal)
                    .map(|it| format!("{}.{}: {}", it.remote_type, it.field, it.text))
                    .collect();
                findings
                    .add(format!("{name}, mapping"), if fatal.is_empty() { Ok("fits") } else { Err(fatal.join("; ")) });
            }
            Err(error) => findings.add(format!("{name}, mapping"), Err::<String, _>(format!("{error:#}"))),
        }
    }
}
