//! The configuration: one struct, read once. Unknown or bad values stop the start and name the
//! place.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use mittler_connector::settings::{Secret, Secrets};
use mittler_store::retention::Retention;
use mittler_sync::{bounds::Pilot, guard::Guards};
use mittler_worker::{
    Unsure,
    follow::{FollowUp, Routing},
};
use secrecy::SecretString;
use serde::Deserialize;

use crate::cli::Common;
pub use crate::connection_section::ConnectionSection;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub worker: WorkerSection,
    pub schedule: Schedule,
    pub retention: RetentionSection,
    pub guards: Guards,
    pub follow_up: FollowUp,
    pub identity: IdentitySection,
    pub routing: Routing,
    pub telemetry: Telemetry,
    pub connection: Vec<ConnectionSection>,
    /// The folder of the file: relative paths start here.
    #[serde(skip)]
    pub folder: PathBuf,
    /// A folder of secrets that is looked into first.
    #[serde(skip)]
    pub credentials: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Where spans go: a collector of OTLP over HTTP, as `http://localhost:4318`. Nowhere without it.
    pub otlp: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentitySection {
    /// What is done with people who may be somebody known, until a person says so.
    pub unsure: Unsure,
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
    /// Country of numbers and addresses that name none, ISO 3166 alpha-2.
    pub country: String,
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
            country: "DE".into(),
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

impl RetentionSection {
    /// How long everything is kept.
    pub fn kept(&self) -> Retention {
        let days = |days: u64| Duration::from_hours(24).saturating_mul(u32::try_from(days).unwrap_or(u32::MAX));
        Retention { content: days(self.content_days), intent_values: days(self.write_days), ..Retention::default() }
    }
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
        config.credentials.clone_from(&common.credentials);
        if let Some(database) = &common.database {
            config.server.database.clone_from(database);
        }
        if let Some(broker) = &common.broker {
            config.server.broker = Some(broker.clone());
        }
        if let Some(key_file) = &common.key_file {
            config.server.key_file.clone_from(key_file);
        }
        config.server.database = config.database_url(&config.server.database);
        config.server.key_file = config.secret_path(&config.server.key_file);
        for domain in &mut config.server.own_domains {
            let ascii = mittler_normalise::email::ascii_domain(&domain.trim().to_lowercase());
            *domain = ascii.filter(|ascii| ascii.contains('.')).with_context(|| {
                format!("own_domains: {domain:?} is no domain; write it as it stands behind the @, as example.com")
            })?;
        }
        config.check()?;
        Ok(config)
    }

    /// A database's address, with the file of SQLite where the configuration means it.
    pub fn database_url(&self, url: &str) -> String {
        match url.strip_prefix("sqlite:") {
            Some(path) => format!("sqlite:{}", self.path(Path::new(path.trim_start_matches("//"))).display()),
            None => url.to_owned(),
        }
    }

    /// What the types do not say.
    fn check(&self) -> Result<()> {
        self.roles()?;
        if jiff::tz::TimeZone::get(&self.server.time_zone).is_err() {
            bail!(
                "server.time_zone = {:?} is no time zone; it is an IANA name, such as Europe/Berlin",
                self.server.time_zone
            );
        }
        if !mittler_normalise::country::exists(&self.server.country) {
            bail!(
                "server.country = {:?} is no country; it is two letters by ISO 3166, such as DE",
                self.server.country
            );
        }
        if !matches!(self.server.log.as_str(), "text" | "json") {
            bail!("server.log = {:?} is unknown; there are text and json", self.server.log);
        }
        for (at, rule) in self.routing.rule.iter().enumerate() {
            if rule.owner.trim().is_empty() {
                bail!(
                    "routing.rule number {} ({:?}) has no owner: a person's address, or the name of a queue",
                    at + 1,
                    rule.name
                );
            }
        }
        let mut names: Vec<&str> = self.connection.iter().map(|connection| connection.name.as_str()).collect();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        if names.len() < before {
            bail!("two connections have the same name; each needs one of its own");
        }
        for section in &self.connection {
            if section.name.is_empty() || !section.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
                bail!("the connection name {:?} must consist of letters, digits, - and _", section.name);
            }
            if let Some(field) = section.fields.iter().find(|field| !field.contains('.')) {
                bail!("connection {:?}: fields: {field:?} names no type; write Type.field, or Type.*", section.name);
            }
            if section.pilot.as_ref().is_some_and(|pilot| *pilot == Pilot::default()) {
                bail!("connection {:?}: pilot names nobody; give fairs, owners or domains", section.name);
            }
        }
        Ok(())
    }

    pub fn roles(&self) -> Result<Vec<Role>> {
        if self.server.roles.is_empty() {
            bail!("server.roles is empty: this process would do nothing; there are {}", Role::NAMES.join(", "));
        }
        self.server.roles.iter().map(|name| Role::parse(name)).collect()
    }

    /// Where a person finds the pages of a service that listens there.
    pub fn base_url(&self, mut listen: SocketAddr) -> String {
        if let Some(public) = &self.server.public_url {
            return public.trim_end_matches('/').to_owned();
        }
        if listen.ip().is_unspecified() {
            listen.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        format!("http://{listen}")
    }

    /// A path of the configuration, from the folder of the file.
    pub fn path(&self, path: &Path) -> PathBuf {
        if path.is_absolute() { path.to_owned() } else { self.folder.join(path) }
    }

    /// The path of a secret: in the folder of secrets if it is there.
    pub fn secret_path(&self, file: &Path) -> PathBuf {
        let handed_over = self.credentials.as_ref().map(|folder| folder.join(file)).filter(|path| path.exists());
        handed_over.unwrap_or_else(|| self.path(file))
    }
}

impl Secrets for Config {
    fn open(&self, secret: Secret<'_>) -> std::result::Result<Option<SecretString>, String> {
        if let Some(value) = secret.value {
            return Ok(Some(value.clone()));
        }
        let Some(file) = secret.file else { return Ok(None) };
        let path = self.secret_path(file);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("{} cannot be read from {}: {error}", secret.name, path.display()))?;
        Ok(Some(SecretString::from(text.trim().to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use mittler_sync::Mode;

    use super::*;

    fn common() -> Common {
        Common { config: "mittler.toml".into(), database: None, broker: None, key_file: None, credentials: None }
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
    fn a_setting_that_cannot_be_stops_the_start_and_is_named() {
        let connection = "[[connection]]\nname = \"a\"\nhubspot = { grant = \"static\" }\n";
        for (text, named) in [
            ("[server]\ntime_zone = \"Europe/Bielefeld\"".to_owned(), "server.time_zone"),
            ("[server]\nlog = \"xml\"".to_owned(), "server.log"),
            ("[server]\nroles = []".to_owned(), "server.roles"),
            ("[[routing.rule]]\nname = \"Süd\"".to_owned(), "routing.rule number 1"),
            (format!("{connection}assignment = \"yes\""), "assignment"),
            (format!("{connection}mode = \"careful\""), "careful"),
            (format!("{connection}fields = [\"Email\"]"), "names no type"),
            (format!("{connection}pilot = {{}}"), "pilot names nobody"),
            (format!("{connection}pilot = {{ people = [] }}"), "people"),
        ] {
            let error = Config::parse(&text, PathBuf::new(), &common()).unwrap_err();
            assert!(format!("{error:#}").contains(named), "{error:#}");
        }
    }

    #[test]
    fn a_connection_writes_nothing_before_somebody_says_so() {
        let text = "[[connection]]\nname = \"a\"\nhubspot = { grant = \"static\" }";
        assert_eq!(Config::parse(text, PathBuf::new(), &common()).unwrap().connection[0].mode, Mode::DryRun);
    }

    #[test]
    fn secrets_are_looked_for_where_the_system_hands_them_over() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = folder.path().join("credentials");
        std::fs::create_dir(&credentials).unwrap();
        std::fs::write(folder.path().join("here.token"), "from the folder\n").unwrap();
        std::fs::write(credentials.join("handed.token"), "handed over\n").unwrap();
        std::fs::write(credentials.join("mittler.key"), "").unwrap();
        let common = Common { credentials: Some(credentials.clone()), ..common() };
        let config = Config::parse("", folder.path().to_owned(), &common).unwrap();
        let secret = |file: &str| {
            let file = std::path::PathBuf::from(file);
            let secret = config.open(Secret { name: "token", value: None, file: Some(&file) }).unwrap().unwrap();
            secrecy::ExposeSecret::expose_secret(&secret).to_owned()
        };
        assert_eq!(
            (secret("here.token").as_str(), secret("handed.token").as_str()),
            ("from the folder", "handed over")
        );
        assert_eq!(config.server.key_file, credentials.join("mittler.key"));
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let text = "[[connection]]\nname=\"a\"\n[connection.hubspot]\ngrant=\"static\"\naccess_token=\"pat-geheim\"";
        let config = Config::parse(text, PathBuf::new(), &common()).unwrap();
        assert!(!format!("{config:?}").contains("geheim"));
    }
}
