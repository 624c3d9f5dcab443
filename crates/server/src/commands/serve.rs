//! `mittler serve`.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::Result;
use mittler_api::access::one_time_link;

use crate::{
    cli::Common,
    config::{Config, Role},
    service::{Service, stop_on_signals},
    telemetry,
};

pub async fn run(common: &Common, listen: Option<SocketAddr>, roles: Vec<String>) -> Result<ExitCode> {
    let mut config = Config::load(common)?;
    telemetry::start(config.server.log == "json", "info");
    if let Some(listen) = listen {
        config.server.listen = listen;
    }
    if !roles.is_empty() {
        config.server.roles = roles;
    }
    let (roles, listen) = (config.roles()?, config.server.listen);
    let stop = stop_on_signals()?;
    let service = Service::open(config).await?;
    let running = service.start(&roles, listen, &stop).await?;
    if let Some(addr) = running.addr {
        println!("listening on http://{addr}");
        if roles.contains(&Role::Api) {
            let path = one_time_link(&service.store, &service.clock).await?;
            let base = service.config.server.public_url.clone().unwrap_or_else(|| format!("http://{addr}"));
            println!("open the pages once within 15 minutes: {}{path}", base.trim_end_matches('/'));
        }
    }
    running.finish().await?;
    service.store.close().await;
    Ok(ExitCode::SUCCESS)
}
