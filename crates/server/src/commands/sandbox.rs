//! `mittler sandbox`.

use std::{
    io::Write,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use mittler_sandbox::{Access, Sandbox};

use crate::{keyfile, service::stop_on_signals};

pub async fn run(
    listen: SocketAddr,
    json: bool,
    settings: Option<PathBuf>,
    configure: Option<PathBuf>,
) -> Result<ExitCode> {
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
    if let Some(folder) = &configure {
        write_configuration(folder, &access)?;
    }
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
        if let Some(folder) = &configure {
            let config = folder.join(FILE);
            println!("  connected to it: mittler --config {} serve", config.display());
        }
        println!("  Ctrl-C ends it; nothing is kept");
    }
    stop.cancelled().await;
    sandbox.stop().await;
    Ok(ExitCode::SUCCESS)
}

const FILE: &str = "mittler.toml";
/// By it a configuration is known that was written here, and may be written over.
const MARK: &str = "# Written by `mittler sandbox --configure`, which writes over it.";

/// Writes a configuration that is connected to the sandbox, with its secrets in files beside it.
fn write_configuration(folder: &Path, access: &Access) -> Result<()> {
    let path = folder.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.starts_with(MARK) => {
            bail!("{} is a configuration of somebody's: choose another folder", path.display());
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("{} cannot be read", path.display()));
        }
        _ => {}
    }
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    keyfile::load_or_create(&folder.join("mittler.key"), None)?;
    write_secret(folder, "salesforce.secret", &access.salesforce.client_secret)?;
    write_secret(folder, "hubspot.token", &access.hubspot.access_token)?;
    write_secret(folder, "hubspot.secret", &access.hubspot.client_secret)?;
    let connections = connections(
        access,
        [
            r#"client_secret_file = "salesforce.secret""#,
            "access_token_file = \"hubspot.token\"\nclient_secret_file = \"hubspot.secret\"",
        ],
    );
    let text = format!(
        "{MARK}\n# Both CRMs are for practice: what is written there is gone when the sandbox ends.\n\n\
         [server]\npublic_url = \"http://127.0.0.1:8484\"\n\n[schedule]\npull_minutes = 1\n\n{connections}"
    );
    std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
}

/// Connections to both CRMs of a sandbox. `secrets`: the settings with those of Salesforce, then of HubSpot.
pub fn connections(access: &Access, secrets: [&str; 2]) -> String {
    let (salesforce, hubspot) = (&access.salesforce, &access.hubspot);
    let [of_salesforce, of_hubspot] = secrets;
    format!(
        r#"[[connection]]
name = "salesforce"
mode = "full"
call_timeout_seconds = 20
visibility_lag_seconds = 1
[connection.salesforce]
base_url = "{}"
grant = "client_credentials"
client_id = "{}"
{of_salesforce}
organization_id = "{}"

[[connection]]
name = "hubspot"
mode = "full"
budget = {{ burst = 190 }}
call_timeout_seconds = 20
visibility_lag_seconds = 3
[connection.hubspot]
base_url = "{}"
grant = "static"
{of_hubspot}
portal_id = "{}"
app_id = "{}"
"#,
        salesforce.base_url,
        salesforce.client_id,
        salesforce.organization_id,
        hubspot.base_url,
        hubspot.portal_id,
        hubspot.app_id,
    )
}

fn write_secret(folder: &Path, name: &str, secret: &str) -> Result<()> {
    let path = folder.join(name);
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    let written = file.and_then(|mut file| writeln!(file, "{secret}"));
    written.with_context(|| format!("{} cannot be written", path.display()))
}
