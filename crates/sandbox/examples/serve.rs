//! Serves the sandbox and prints how to reach it, one line of JSON, for clients written in other languages.

use std::net::SocketAddr;

use mittler_sandbox::{Config, Sandbox};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let sandbox = Sandbox::start(listen.parse::<SocketAddr>()?, Config::default()).await?;
    println!("{}", serde_json::to_string(&sandbox.access())?);
    tokio::signal::ctrl_c().await?;
    sandbox.stop().await;
    Ok(())
}
