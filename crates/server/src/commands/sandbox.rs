//! `mittler sandbox`.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use mittler_sandbox::Sandbox;

use crate::service::stop_on_signals;

pub async fn run(listen: SocketAddr, json: bool, settings: Option<PathBuf>) -> Result<ExitCode> {
    let config = match settings {
        Some(path) => {
            let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            toml::from_str(&text).with_context(|| format!("in {}", path.display()))?
        }
        None => mittler_sandbox::Config::default(),
    };
    let stop = stop_on_signals()?;
    let sandbox = Sandbox::start(listen, config).await.with_context(|| format!("cannot listen on {listen}"))?;
    let access = sandbox.access();
    if json {
        println!("{}", serde_json::to_string(&access)?);
    } else {
        println!("Salesforce and HubSpot for practice on http://{}", sandbox.addr());
        println!(
            "  Salesforce  client_id {}  client_secret {}",
            access.salesforce.client_id, access.salesforce.client_secret
        );
        println!("  HubSpot     access_token {}", access.hubspot.access_token);
        println!(
            "  what they hold: GET http://{}/_sandbox/state   calls: /_sandbox/calls   faults: POST /_sandbox/faults",
            sandbox.addr()
        );
        println!("  Ctrl-C ends it; nothing is kept");
    }
    stop.cancelled().await;
    sandbox.stop().await;
    Ok(ExitCode::SUCCESS)
}
