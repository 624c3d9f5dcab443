//! The configuration: one struct, read once. Unknown or bad values stop the start and name the
//! place.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use mittler_sync::Mode;
use mittler_worker::follow::{FollowUp, Routing};
use secrecy::SecretString;
use serde::Deserialize;

use crate::cli::Common;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub worker: WorkerSection,
    pub schedule: Schedule,
    pub retention: RetentionSection,
    pub follow_up: FollowUp,
    pub routing: Routing,
    pub connection: Vec<ConnectionSection>,
    /// The folder of the file: relative paths start here.
    #[serde(skip)]
    pub folder: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    /// The address by which others reach this server, if another program stands before it.
    pub public_url: Option<String>,
    pub database: String,
    pub broker: Option<String>,
    pub queue: String,
    pub key_file: PathBuf,
    pub roles: Vec<String>,
    /// Time zone in which people read times.
    pub time_zone: String,
    /// `text` or `json`.
    pub log: String,
    /// Mail domains of the house itself: mails and rows of its people are no leads.
    pub own_domains: Vec<String>,
}

impl Default for Server {
    fn default() -> Self {
        Server {
            listen: SocketAddr::from(([127, 0, 0, 1], 8484)),
            public_url: None,
            database: "sqlite:mittler.sqlite".into(),
            broker: None,
            queue: "mittler.jobs".into(),
            key_file: "mittler.key".into(),
            roles: Role::NAMES.iter().map(|name| (*name).to_owned()).collect(),
            time_zone: "Europe/Berlin".into(),
            log: "text".into(),
            own_domains: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerSection {
    pub workers: usize,
    /// A job of a worker that died comes back after this.
    pub job_lease_seconds: u64,
    /// A message that nobody took is sent again after this.
    pub resend_seconds: u64,
}

impl Default for WorkerSection {
    fn default() -> Self {
        WorkerSection { workers: 4, job_lease_seconds: 30, resend_seconds: 30 }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// Minutes between two pulls of a connection; 0: none.
    pub pull_minutes: u64,
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule { pull_minutes: 5 }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionSection {
    /// Days that raw rows and mails are kept.
    pub content_days: u64,
    /// Days that the values of writes are kept.
    pub write_days: u64,
}

impl Default for RetentionSection {
    fn default() -> Self {
        RetentionSection { content_days: 14, write_days: 90 }
    }
}

/// One account in one CRM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSection {
    pub name: String,
    /// `salesforce` or `hubspot`.
    pub crm: String,
    #[serde(default)]
    pub mode: Mode,
    /// Salesforce: `https://<domain>.my.salesforce.com`. HubSpot: left out.
    pub base_url: Option<String>,
    pub token_url: Option<String>,
    /// `client_credentials`, `jwt_bearer`, `refresh_token` or `static`.
    pub grant: String,
    pub client_id: Option<String>,
    pub client_secret: Option<SecretString>,
    pub client_secret_file: Option<PathBuf>,
    pub access_token: Option<SecretString>,
    pub access_token_file: Option<PathBuf>,
    pub refresh_token: Option<SecretString>,
    pub refresh_token_file: Option<PathBuf>,
    pub private_key_file: Option<PathBuf>,
    pub username: Option<String>,
    pub audience: Option<String>,
    /// The only organisation (Salesforce) that this connection may write to.
    pub organization_id: Option<String>,
    /// The only portal (HubSpot) that this connection may write to.
    pub portal_id: Option<String>,
    pub app_id: Option<String>,
    pub api_version: Option<String>,
    pub own_key: Option<String>,
    pub activity_key: Option<String>,
    /// Salesforce's own assignment rules: `off`, `on`, or a rule's id.
    pub assignment: Option<String>,
    /// The unguessable part of the webhook address, where the CRM signs nothing.
    pub hook_secret: Option<SecretString>,
    pub hook_secret_file: Option<PathBuf>,
    /// A mapping file; the default mapping of the CRM otherwise.
    pub mapping: Option<PathBuf>,
    pub call_timeout_seconds: Option<u64>,
    pub visibility_lag_seconds: Option<u64>,
    pub concurrency: Option<usize>,
    /// Calls per window of the account's limits: `burst`, `daily`, `search`; 0: none.
    #[serde(default)]
    pub budget: BTreeMap<String, u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Api,
    Worker,
    Relay,
    Scheduler,
}

impl Role {
    pub const NAMES: [&'static str; 4] = ["api", "worker", "relay", "scheduler"];

    fn parse(name: &str) -> Result<Role> {
        Ok(match name {
            "api" => Role::Api,
            "worker" => Role::Worker,
            "relay" => Role::Relay,
            "scheduler" => Role::Scheduler,
            _ => bail!("there is no role {name:?}; there are {}", Role::NAMES.join(", ")),
        })
    }
}

impl Config {
    /// Reads the file and lets the command line and the environment win. A file that is missing at
    /// the default place is an empty one.
    pub fn load(common: &Common) -> Result<Config> {
        let path = &common.config;
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && path == Path::new("mittler.toml") => {
                String::new()
            }
            Err(error) => {
                return Err(error).with_context(|| format!("the configuration {} cannot be read", path.display()));
            }
        };
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Config::parse(&text, folder, common).with_context(|| format!("in the configuration {}", path.display()))
    }

    pub fn parse(text: &str, folder: PathBuf, common: &Common) -> Result<Config> {
        let mut config: Config = toml::from_str(text)?;
        config.folder = folder;
        if let Some(database) = &common.database {
            config.server.database.clone_from(database);
        }
        if let Some(broker) = &common.broker {
            config.server.broker = Some(broker.clone());
        }
        if let Some(key_file) = &common.key_file {
            config.server.key_file.clone_from(key_file);
        }
        if let Some(path) = config.server.database.strip_prefix("sqlite:") {
            let path = config.path(Path::new(path.trim_start_matches("//")));
            config.server.database = format!("sqlite:{}", path.display());
        }
        config.server.key_file = config.path(&config.server.key_file);
        for domain in &mut config.server.own_domains {
            let ascii = mittler_enrich::email::ascii_domain(&domain.trim().to_lowercase());
            *domain = ascii.filter(|ascii| ascii.contains('.')).with_context(|| {
                format!("own_domains: {domain:?} is no domain; write it as it stands behind the @, as example.com")
            })?;
        }
        config.roles()?;
        let mut names: Vec<&str> = config.connection.iter().map(|connection| connection.name.as_str()).collect();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        if names.len() < before {
            bail!("two connections have the same name; each needs one of its own");
        }
        for section in &config.connection {
            if section.name.is_empty() || !section.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
                bail!("the connection name {:?} must consist of letters, digits, - and _", section.name);
            }
        }
        Ok(config)
    }

    pub fn roles(&self) -> Result<Vec<Role>> {
        self.server.roles.iter().map(|name| Role::parse(name)).collect()
    }

    /// A path of the configuration, from the folder of the file.
    pub fn path(&self, path: &Path) -> PathBuf {
        if path.is_absolute() { path.to_owned() } else { self.folder.join(path) }
    }

    /// A secret that stands in the file itself or in a file of its own.
    pub fn secret(
        &self,
        name: &str,
        value: Option<&SecretString>,
        file: Option<&PathBuf>,
    ) -> Result<Option<SecretString>> {
        if let Some(value) = value {
            return Ok(Some(value.clone()));
        }
        let Some(file) = file else { return Ok(None) };
        let path = self.path(file);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("{name} cannot be read from {}", path.display()))?;
        Ok(Some(SecretString::from(text.trim().to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common() -> Common {
        Common { config: "mittler.toml".into(), database: None, broker: None, key_file: None }
    }

    #[test]
    fn an_unknown_setting_stops_the_start_and_is_named() {
        let error = Config::parse("[server]\nlisten_on = \"x\"", PathBuf::new(), &common()).unwrap_err();
        assert!(format!("{error:#}").contains("listen_on"));
    }

    #[test]
    fn without_a_file_everything_has_a_safe_default() {
        let config = Config::parse("", "/etc/mittler".into(), &common()).unwrap();
        assert!(config.server.listen.ip().is_loopback());
        assert_eq!(config.server.database, "sqlite:/etc/mittler/mittler.sqlite");
    }

    #[test]
    fn own_domains_are_read_as_mail_writes_them() {
        let config = Config::parse("[server]\nown_domains = [\"Müller.example\"]", PathBuf::new(), &common()).unwrap();
        assert_eq!(config.server.own_domains, ["xn--mller-kva.example"]);
        let error = Config::parse("[server]\nown_domains = [\"a@b.example\"]", PathBuf::new(), &common()).unwrap_err();
        assert!(format!("{error:#}").contains("own_domains"));
    }

    #[test]
    fn the_example_configuration_is_one() {
        let text = include_str!("../../../deploy/mittler.example.toml");
        let config = Config::parse(text, PathBuf::new(), &common()).unwrap();
        assert_eq!((config.connection.len(), config.routing.rule.len(), config.routing.away.len()), (2, 1, 1));
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let text = "[[connection]]\nname=\"a\"\ncrm=\"hubspot\"\ngrant=\"static\"\naccess_token=\"pat-geheim\"";
        let config = Config::parse(text, PathBuf::new(), &common()).unwrap();
        assert!(!format!("{config:?}").contains("geheim"));
    }
}
