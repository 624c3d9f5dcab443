//! The `mittler` binary: roles, configuration, telemetry and the command line. The only crate that
//! names concrete connectors.

mod cli;
mod commands;
mod config;
mod connection_section;
mod counted;
mod crms;
#[cfg(test)]
mod deploy_tests;
mod factory;
mod installation;
mod keyfile;
mod listener;
mod measures;
mod service;
mod spans;
mod telemetry;

use clap::Parser;

fn main() -> std::process::ExitCode {
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("mittler: the runtime cannot be started: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("mittler: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
