//! The sandbox as a process of its own, so that its memory and time are not the service's, and what it holds and counts.

use std::{path::PathBuf, process::Stdio};

use anyhow::Context;
use mittler_sandbox::{Access, Config, Sandbox};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
};

use crate::{house, ledger::Books};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sandbox's configuration, as JSON.
    #[arg(long)]
    config: String,
}

/// `bench sandbox`: serves until its standard input ends, as it does when whoever started it is gone.
pub async fn serve(args: Args) -> anyhow::Result<bool> {
    let config: Config = serde_json::from_str(&args.config)?;
    let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into(), config).await?;
    println!("{}", serde_json::to_string(&sandbox.access())?);
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    sandbox.stop().await;
    Ok(true)
}

pub struct Crms {
    pub access: Access,
    http: reqwest::Client,
    _child: Child,
}

impl Crms {
    pub async fn start(config: &Config) -> anyhow::Result<Crms> {
        let own: PathBuf = std::env::current_exe()?;
        let mut child = Command::new(own)
            .args(["sandbox", "--config", &serde_json::to_string(config)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().context("the sandbox has no output")?;
        BufReader::new(output).read_line(&mut line).await?;
        let access = serde_json::from_str(&line).context("the sandbox did not say where it is")?;
        Ok(Crms { access, http: house::client()?, _child: child })
    }

    fn url(&self, what: &str) -> String {
        format!("{}/_sandbox/{what}", self.access.hubspot.base_url)
    }

    async fn get(&self, what: &str) -> anyhow::Result<Value> {
        Ok(self.http.get(self.url(what)).send().await?.error_for_status()?.json().await?)
    }

    pub async fn books(&self) -> anyhow::Result<Books> {
        Ok(Books::of(&self.get("state").await?))
    }

    /// Calls by vendor and kind since the last [`Crms::forget_calls`].
    pub async fn calls(&self) -> anyhow::Result<Value> {
        let mut calls = self.get("calls").await?;
        if let Some(calls) = calls.as_object_mut() {
            calls.remove("types");
            calls.remove("limited");
        }
        Ok(calls)
    }

    /// The same by vendor, and by kind and type: `batch_upsert contacts`.
    pub async fn calls_by_type(&self) -> anyhow::Result<Value> {
        Ok(self.get("calls").await?["types"].take())
    }

    /// Calls that were refused with 429, by vendor.
    pub async fn refused_by_limits(&self) -> anyhow::Result<Value> {
        Ok(self.get("calls").await?["limited"].take())
    }

    pub async fn forget_calls(&self) -> anyhow::Result<()> {
        self.http.delete(self.url("calls")).send().await?.error_for_status()?;
        Ok(())
    }
}
