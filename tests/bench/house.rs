//! The service under test: its configuration, its real processes, and what it says of itself.

use std::{
    collections::BTreeMap,
    fmt::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::ValueEnum;
use mittler_sandbox::Access;
use serde_json::Value;
use tokio::{process::Command, time::Instant};

use crate::{
    process::{Process, Program},
    services::Services,
};

/// Which database and carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pair {
    /// SQLite and the embedded queue: one process with all roles.
    Sqlite,
    /// PostgreSQL and RabbitMQ: a process for each role, two for the worker.
    Postgres,
}

impl Pair {
    pub fn name(self) -> &'static str {
        match self {
            Pair::Sqlite => "sqlite",
            Pair::Postgres => "postgres",
        }
    }
}

/// Where the programs are: what was named, or the folder of this program.
pub fn mittler(bin: Option<&Path>) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = bin.or(own.parent()).context("no folder with programs")?;
    let path = folder.join("mittler");
    if !path.exists() {
        bail!(
            "{} is missing: build it first (cargo build -p mittler-server) or name its folder by --bin",
            path.display()
        );
    }
    Ok(path)
}

/// What of the configuration differs between runs.
#[derive(Debug, Clone)]
pub struct Settings {
    pub workers: usize,
    pub lease_seconds: u64,
    pub call_timeout_seconds: u64,
    pub concurrency: usize,
    /// Calls per ten seconds at HubSpot and calls per day at Salesforce; 0 for no limit.
    pub hubspot_burst: u64,
    pub hubspot_search: u64,
    /// Minutes between two pulls; 0 for none.
    pub pull_minutes: u64,
    /// The secret of Salesforce's messages; with it both CRMs' hooks are taken.
    pub hook_secret: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            workers: 4,
            lease_seconds: 5,
            call_timeout_seconds: 3,
            concurrency: 4,
            hubspot_burst: 0,
            hubspot_search: 0,
            pull_minutes: 0,
            hook_secret: None,
        }
    }
}

impl Settings {
    /// The longest that anybody may hold a job or a link without a sign of life: whoever sleeps longer has lost both.
    pub fn longest_lease(&self) -> Duration {
        // As the push reckons: the longest read, the longest write, and a margin of two seconds.
        let links = Duration::from_secs(self.call_timeout_seconds * 2 + 2);
        links.max(Duration::from_secs(self.lease_seconds))
    }

    fn file(&self, access: &Access) -> anyhow::Result<String> {
        let (salesforce, hubspot) = (&access.salesforce, &access.hubspot);
        let hook_secret = self.hook_secret.as_ref().map_or(String::new(), |it| format!("hook_secret = \"{it}\"\n"));
        let mut text = String::new();
        write!(
            text,
            "[server]
listen = \"127.0.0.1:0\"
database = \"sqlite:mittler.sqlite\"
key_file = \"mittler.key\"
log = \"json\"

[worker]
workers = {}
job_lease_seconds = {}
resend_seconds = 6

[schedule]
pull_minutes = {}

[[connection]]
name = \"salesforce\"
mode = \"full\"
budget = {{ burst = 0, daily = 0 }}
visibility_lag_seconds = 0
call_timeout_seconds = {}
concurrency = {}
[connection.salesforce]
grant = \"client_credentials\"
base_url = \"{}\"
client_id = \"{}\"
client_secret = \"{}\"
organization_id = \"{}\"
{hook_secret}

[[connection]]
name = \"hubspot\"
mode = \"full\"
visibility_lag_seconds = 0
call_timeout_seconds = {}
concurrency = {}
budget = {{ burst = {}, daily = 0, search = {} }}
[connection.hubspot]
grant = \"static\"
base_url = \"{}\"
access_token = \"{}\"
portal_id = \"{}\"
client_secret = \"{}\"
app_id = \"{}\"
",
            self.workers,
            self.lease_seconds,
            self.pull_minutes,
            self.call_timeout_seconds,
            self.concurrency,
            salesforce.base_url,
            salesforce.client_id,
            salesforce.client_secret,
            salesforce.organization_id,
            self.call_timeout_seconds,
            self.concurrency,
            self.hubspot_burst,
            self.hubspot_search,
            hubspot.base_url,
            hubspot.access_token,
            hubspot.portal_id,
            hubspot.client_secret,
            hubspot.app_id,
        )?;
        Ok(text)
    }
}

pub struct House {
    pub base_url: String,
    pub key: String,
    pub database: String,
    pub processes: Vec<Process>,
    /// Where each process tells its metrics.
    addresses: Vec<String>,
    http: reqwest::Client,
}

impl House {
    /// Writes the configuration into `folder`, makes a key and starts the processes.
    pub async fn start(
        pair: Pair,
        mittler: &Path,
        folder: &Path,
        services: Option<&Services>,
        access: &Access,
        settings: &Settings,
    ) -> anyhow::Result<House> {
        std::fs::write(folder.join("mittler.toml"), settings.file(access)?)?;
        let database = match services {
            Some(services) => services.database().await?,
            None => format!("sqlite:{}", folder.join("mittler.sqlite").display()),
        };
        let mut urls = vec!["--database".to_owned(), database.clone()];
        let key = make_key(mittler, folder, &urls).await?;
        if let Some(services) = services {
            urls.extend(["--broker".to_owned(), services.broker().await?]);
        }
        let address = free_address()?;
        let mut addresses = Vec::new();
        let mut program = |name: &str, roles: &str| -> anyhow::Result<Program> {
            let mut arguments = vec!["serve".to_owned(), "--config".to_owned(), "mittler.toml".to_owned()];
            arguments.extend(urls.iter().cloned());
            if !roles.is_empty() {
                arguments.extend(["--roles".to_owned(), roles.to_owned()]);
            }
            let own = if roles.is_empty() || roles == "api" { address.clone() } else { free_address()? };
            arguments.extend(["--listen".to_owned(), own.clone()]);
            addresses.push(own);
            Ok(Program { name: name.to_owned(), path: mittler.to_owned(), arguments, folder: folder.to_owned() })
        };
        let programs = match pair {
            Pair::Sqlite => vec![program("all", "")?],
            Pair::Postgres => vec![
                program("api", "api")?,
                program("worker-1", "worker")?,
                program("worker-2", "worker")?,
                program("relay", "relay")?,
                program("scheduler", "scheduler")?,
            ],
        };
        let house = House {
            base_url: format!("http://{address}"),
            key,
            database,
            processes: programs.into_iter().map(Process::start).collect(),
            addresses,
            http: client()?,
        };
        house.ready(Duration::from_mins(1)).await?;
        Ok(house)
    }

    pub async fn ready(&self, patience: Duration) -> anyhow::Result<()> {
        let ends = Instant::now() + patience;
        loop {
            let answer = self.http.get(format!("{}/health/ready", self.base_url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if Instant::now() > ends {
                bail!("not ready within {} s; the end of its log:\n{}", patience.as_secs(), self.ends_of_logs());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn process(&self, name: &str) -> Option<&Process> {
        self.processes.iter().find(|process| process.name() == name)
    }

    /// The service's own counters, as `name{labels}` to value; empty if it does not answer.
    pub async fn metrics(&self) -> Metrics {
        self.metrics_at(&self.base_url).await
    }

    /// What the processes count of their own work, added up.
    pub async fn counters(&self) -> Counters {
        let mut all = Counters::default();
        for address in &self.addresses {
            let metrics = self.metrics_at(&format!("http://{address}")).await;
            all.commits += metrics.sum("mittler_database_commits_total");
            all.confirmed += metrics.sum("mittler_broker_messages_confirmed_total");
            all.consumed += metrics.sum("mittler_broker_messages_consumed_total");
        }
        all
    }

    async fn metrics_at(&self, base_url: &str) -> Metrics {
        let text = async {
            let answer = self.http.get(format!("{base_url}/metrics")).bearer_auth(&self.key).send().await?;
            answer.error_for_status()?.text().await
        };
        let text = text.await.unwrap_or_default();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Metrics(
            lines
                .filter_map(|line| line.rsplit_once(' '))
                .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
                .collect(),
        )
    }

    /// Ends all processes as an operator would. `false` if one of them had to be killed.
    pub async fn stop(&self) -> bool {
        let mut obeyed = true;
        for process in &self.processes {
            obeyed &= process.stop(Duration::from_secs(25)).await;
        }
        obeyed
    }

    /// How often each process ended by itself, by how it ended.
    pub fn own_ends(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for process in &self.processes {
            for (how, count) in process.own_ends() {
                all.insert(format!("{}: {how}", process.name()), count);
            }
        }
        all
    }

    /// What processes said last before they ended by themselves, with how often they said it.
    pub fn last_words(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for process in &self.processes {
            let log = std::fs::read_to_string(process.log()).unwrap_or_default();
            for words in log.lines().filter_map(|line| line.strip_prefix("mittler: ")) {
                *all.entry(format!("{}: {words}", process.name())).or_default() += 1;
            }
        }
        all
    }

    /// How often a log speaks of a panic.
    pub fn panics(&self) -> usize {
        let logs = self.processes.iter().map(|process| std::fs::read_to_string(process.log()).unwrap_or_default());
        logs.map(|log| log.lines().filter(|line| line.contains("panicked at")).count()).sum()
    }

    fn ends_of_logs(&self) -> String {
        let mut text = String::new();
        for process in &self.processes {
            let log = std::fs::read_to_string(process.log()).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let end = &lines[lines.len().saturating_sub(10)..];
            // Writing into a text cannot fail.
            _ = writeln!(text, "{}:\n  {}", process.name(), end.join("\n  "));
        }
        text
    }
}

/// Commits of writes, and messages that the broker took over and that came from it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counters {
    pub commits: i64,
    pub confirmed: i64,
    pub consumed: i64,
}

/// What the service says of itself.
#[derive(Debug, Default)]
pub struct Metrics(BTreeMap<String, i64>);

impl Metrics {
    fn sum(&self, prefix: &str) -> i64 {
        self.0.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, value)| value).sum()
    }

    /// `None` if it did not answer; else what is still to be done: inputs to read, jobs, links that are due.
    pub fn open(&self) -> Option<(i64, i64, i64)> {
        if self.0.is_empty() {
            return None;
        }
        let jobs = ["ready", "waiting", "held"].map(|state| self.sum(&format!("mittler_jobs{{state=\"{state}\"}}")));
        Some((self.sum("mittler_signals{state=\"new\"}"), jobs.iter().sum(), self.sum("mittler_links_due")))
    }

    pub fn dead_jobs(&self) -> i64 {
        self.sum("mittler_jobs{state=\"dead\"}")
    }

    pub fn refused_links(&self) -> i64 {
        self.sum("mittler_links_refused")
    }

    pub fn parked(&self) -> i64 {
        self.sum("mittler_signals{state=\"parked\"}") + self.sum("mittler_signals{state=\"refused\"}")
    }
}

/// A client that waits no longer than a sender would.
pub fn client() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder().timeout(Duration::from_secs(30)).connect_timeout(Duration::from_secs(5)).build()?)
}

async fn make_key(mittler: &Path, folder: &Path, urls: &[String]) -> anyhow::Result<String> {
    let scopes = "leads:write,records:read,admin";
    let output = Command::new(mittler)
        .args(["keys", "create", "--config", "mittler.toml", "--label", "bench", "--scopes", scopes, "--json"])
        .args(urls)
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_mins(1), output).await.context("keys create hangs")??;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("keys create: {}: {said}", output.status);
    }
    let made: Value = serde_json::from_slice(&output.stdout).with_context(|| format!("keys create said: {said}"))?;
    Ok(made["key"].as_str().context("keys create gave no key")?.to_owned())
}

/// Below the range from which the kernel takes ports for outgoing connections: nobody moves in while the process is
/// being started again.
fn free_address() -> anyhow::Result<String> {
    for _ in 0..200 {
        let address = format!("127.0.0.1:{}", fastrand::u16(12_000..32_000));
        if TcpListener::bind(&address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no free port")
}
