//! The harness that breaks the service on purpose, and the benchmarks.
//!
//! Both start the real program, `mittler`, and stand where its neighbours stand: the senders of leads on the one side,
//! the CRMs (of the sandbox) on the other.

mod broker;
mod calls;
mod control;
mod crms;
mod diagnosis;
mod driver;
mod history;
mod house;
mod kills;
mod ledger;
mod limits;
mod outages;
mod people;
mod process;
mod sender;
mod serial;
mod services;
mod speed;
mod tables;
mod wire;
mod work;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, Parser)]
#[command(about = "Breaks Mittler on purpose, and measures it")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Kills everything in turn while leads come in, and balances the ledger
    Kills(kills::Args),
    /// Breaks the promises on purpose and sees whether the ledger notices
    Control(control::Args),
    /// Edits in both CRMs at once, and whether both say what was said last
    History(history::Args),
    /// Breaks the broker and measures how soon work goes on
    Outages(outages::Args),
    /// Measures throughput, latency, calls and memory, beside the database's own limits
    Speed(speed::Args),
    /// The sandbox as a process of its own, for `speed`
    #[command(hide = true)]
    Sandbox(crms::Args),
}

fn main() -> ExitCode {
    // Only the first call can succeed; later ones find the same provider.
    _ = rustls::crypto::ring::default_provider().install_default();
    let command = Cli::parse().command;
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("bench: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = run(command) => ended,
            () = interrupted() => Err(anyhow::anyhow!("interrupted")),
        }
    });
    // Ends what is still running, and with it the processes and servers that were started.
    drop(runtime);
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Kills(args) => kills::run(args).await,
        Command::Control(args) => control::run(args).await,
        Command::History(args) => history::run(args).await,
        Command::Outages(args) => outages::run(args).await,
        Command::Speed(args) => speed::run(args).await,
        Command::Sandbox(args) => crms::serve(args).await,
    }
}

async fn interrupted() {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    if let (Ok(mut interrupt), Ok(mut terminate)) = signals {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    } else {
        std::future::pending::<()>().await;
    }
}
