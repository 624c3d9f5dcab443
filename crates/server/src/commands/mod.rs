//! The commands, one file each.

mod connect;
mod connections;
mod demo;
mod doctor;
mod edit;
mod export;
mod forget;
mod import;
mod keys;
mod mapping;
mod move_to;
mod progress;
mod questions;
mod records;
mod restrict;
mod sandbox;
mod serve;
mod sessions;

use std::process::ExitCode;

use anyhow::Result;
use mittler_sync::restrict::Restriction;

use crate::{
    cli::{Cli, Command, Common, ConnectionsCommand, KeysCommand, QuestionsCommand, SessionsCommand},
    config::Config,
    service::CliContext,
    telemetry,
};

/// Runs the command; its exit code says whether all went well.
pub async fn run(cli: Cli) -> Result<ExitCode> {
    let common = cli.common;
    match cli.command {
        Command::Serve { listen, roles } => serve::run(&common, listen, roles).await,
        Command::Demo { serve, json, folder, list, mailbox } => {
            telemetry::start(false, "error", None);
            demo::run(&common, demo::Options { serve, json, folder, list, mailbox }).await
        }
        Command::Sandbox { listen, json, settings, configure } => {
            telemetry::start(false, "warn", None);
            sandbox::run(listen, json, settings, configure).await
        }
        Command::Import { file, import, dry_run, problems, no_wait, json } => {
            let (cli, manner) = (open(&common).await?, import::Manner { json, no_wait, problems: problems.as_deref() });
            if dry_run {
                return import::dry_run(&cli, &file, &import, manner).await;
            }
            import::list(&cli, &file, &import, manner).await
        }
        Command::Reply { file, source, no_wait, json } => {
            import::mails(&open(&common).await?, &file, &source, import::Manner { json, no_wait, problems: None }).await
        }
        Command::Records { id, kind, limit, json } => {
            records::run(&open(&common).await?, id.as_deref(), &kind, limit, json).await
        }
        Command::Connections { command: Some(ConnectionsCommand::Retry { name, json }), .. } => {
            connections::retry(&open(&common).await?, &name, json).await
        }
        Command::Connections { json, command: None } => connections::run(&open(&common).await?, json).await,
        Command::Connect { name, json } => connect::run(&open(&common).await?, &name, json).await,
        Command::Questions { command: Some(QuestionsCommand::Show { id, json }), .. } => {
            questions::show(&open(&common).await?, id, json).await
        }
        Command::Questions { json, command: None } => questions::list(&open(&common).await?, json).await,
        Command::Answer { id, command, record, remote } => {
            questions::answer(&open(&common).await?, id, &command, record, remote.as_deref()).await
        }
        Command::Edit { edit, json } => edit::run(&open(&common).await?, &edit, json).await,
        Command::Keys { command: KeysCommand::AcceptNew { yes, json } } => {
            telemetry::start(false, "warn", None);
            keys::accept_new(&Config::load(&common)?, yes, json).await
        }
        Command::Keys { command } => keys::run(&open(&common).await?, command).await,
        Command::Sessions { command: Some(SessionsCommand::End { id, all: _ }), .. } => {
            sessions::end(&open(&common).await?, id).await
        }
        Command::Sessions { json, command: None } => sessions::list(&open(&common).await?, json).await,
        Command::Mapping { command } => mapping::run(&common, command).await,
        Command::Forget { person, dry_run, json } => forget::run(&open(&common).await?, &person, dry_run, json).await,
        Command::Restrict { person, reason, lift, json } => {
            let wish = if lift { Restriction::Lift } else { Restriction::Begin { reason } };
            restrict::run(&open(&common).await?, &person, wish, json).await
        }
        Command::Export { person, format, lang, out } => {
            export::run(&open(&common).await?, &person, format, lang, out.as_deref()).await
        }
        Command::Move { to, json } => {
            telemetry::start(false, "warn", None);
            move_to::run(&Config::load(&common)?, &to, json).await
        }
        Command::Doctor { json } => doctor::run(&common, json).await,
        Command::Openapi => {
            print!("{}", mittler_api::openapi_yaml());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Opens the database for a command that ends by itself, beside a service that may be running.
async fn open(common: &Common) -> Result<CliContext> {
    telemetry::start(false, "warn", None);
    CliContext::open(Config::load(common)?).await
}

/// Prints a value as one JSON document.
fn print_json(value: &impl serde::Serialize) -> Result<ExitCode> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(ExitCode::SUCCESS)
}

/// A plain table: no frame but a line under the head.
fn table(head: &[&str]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    let line = comfy_table::LineStyle::none().fill('─').junction('─');
    table.load_style(comfy_table::TableStyle::new().header_separator(line)).set_header(head.iter().copied());
    table
}
