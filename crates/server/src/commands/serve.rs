//! `mittler serve`.

use std::{io::IsTerminal, net::SocketAddr, process::ExitCode};

use anyhow::Result;
use mittler_api::access::one_time_link;
use rustix::process::{Pid, setpriority_process};
use tracing::{debug, warn};

use crate::{
    cli::Common,
    config::{Config, Role},
    listener::Listener,
    service::{Running, Service, stop_on_signals},
    spans::Spans,
    telemetry,
};

/// How much a process that only works gives way to others on a machine that is short of time.
const NICE: i32 = 10;

/// Who posts, and what carries jobs, goes before the work itself. A nice value is a thread's on Linux: those
/// that are there get it, and whom they start inherit it.
fn give_way() {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    for thread in threads.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(Pid::from_raw) {
        if let Err(error) = setpriority_process(Some(thread), NICE) {
            debug!(%error, "this process works at the same priority as others");
        }
    }
}

pub async fn run(common: &Common, listen: Option<SocketAddr>, roles: Vec<String>) -> Result<ExitCode> {
    let config = Config::load(common)?;
    let spans = config.telemetry.otlp.as_deref().map(Spans::to).transpose()?;
    telemetry::start(config.server.log == "json", "info", spans.clone());
    let ended = Box::pin(serve(config, listen, roles)).await;
    if let Some(spans) = spans {
        spans.finish().await;
    }
    ended
}

async fn serve(mut config: Config, listen: Option<SocketAddr>, roles: Vec<String>) -> Result<ExitCode> {
    if let Some(listen) = listen {
        config.server.listen = listen;
    }
    if !roles.is_empty() {
        config.server.roles = roles;
    }
    let roles = config.roles()?;
    if roles.contains(&Role::Worker) && !roles.contains(&Role::Api) {
        give_way();
    }
    let stop = stop_on_signals()?;
    // Processes that share one file would all want its address: without the API it takes one of its own.
    let listener = if roles.contains(&Role::Api) || listen.is_some() {
        Some(Listener::start(config.server.listen, &stop).await?)
    } else {
        None
    };
    let addr = listener.as_ref().map(|listener| listener.addr);
    if let Some(addr) = addr {
        println!("listening on http://{addr}");
    }
    let Some(service) = Service::open_when_it_answers(&config, listener.as_ref(), &stop).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let running = service.start(&roles, listener, &stop)?;
    if let Some(addr) = addr.filter(|_| roles.contains(&Role::Api)) {
        // What a journal keeps, others read: the link is for eyes only.
        if !std::io::stdout().is_terminal() {
            println!("to open the pages get a link: mittler keys link");
            return end(running, &service).await;
        }
        match one_time_link(&service.store, &service.clock).await {
            Ok(path) => println!("open the pages once within 15 minutes: {}{path}", config.base_url(addr)),
            Err(error) => warn!(%error, "no link to the pages could be made; `mittler keys link` makes one"),
        }
    }
    end(running, &service).await
}

async fn end(running: Running, service: &Service) -> Result<ExitCode> {
    running.finish().await?;
    service.store.close().await;
    Ok(ExitCode::SUCCESS)
}
