//! PostgreSQL and RabbitMQ for one run: those of the test run, or private ones.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, postgres::PgConnectOptions};
use tokio::process::Command;

/// No command of the script takes longer than this.
const PATIENCE: Duration = Duration::from_secs(150);

/// What a run takes that is there already.
#[derive(Debug, clap::Args)]
pub struct Tools {
    /// Folder with the program `mittler`; else that of this program.
    #[arg(long, env = "MITTLER_TEST_BIN_DIR")]
    pub bin: Option<PathBuf>,
    /// PostgreSQL and RabbitMQ that are running already: the script and its folder, with a space between.
    #[arg(long, env = "MITTLER_TEST_SERVICES")]
    pub services: Option<String>,
}

pub struct Services {
    script: PathBuf,
    folder: PathBuf,
    /// Started here, so stopped here.
    own: bool,
    settings: HashMap<String, String>,
    /// What was made in servers that are not ours, to be removed at the end.
    databases: Mutex<Vec<String>>,
    hosts: Mutex<Vec<String>>,
    keep: AtomicBool,
}

impl Services {
    /// `given` is `SCRIPT FOLDER`, as the test run passes it; without it private servers are started in `folder`.
    pub async fn obtain(given: Option<&str>, folder: &Path) -> anyhow::Result<Services> {
        let (script, folder, own) = match given {
            Some(given) => {
                let (script, folder) = given.rsplit_once(' ').context("services are given as 'SCRIPT FOLDER'")?;
                (PathBuf::from(script), PathBuf::from(folder), false)
            }
            None => (Path::new(env!("CARGO_MANIFEST_DIR")).join("services"), folder.join("services"), true),
        };
        let mut services = Services {
            script,
            folder,
            own,
            settings: HashMap::new(),
            databases: Mutex::default(),
            hosts: Mutex::default(),
            keep: AtomicBool::new(false),
        };
        if own {
            eprintln!("bench: starting PostgreSQL and RabbitMQ");
            services.run("start").await?;
        }
        let file = services.folder.join("env");
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        services.settings = text.lines().filter_map(setting).collect();
        Ok(services)
    }

    /// `kill-broker`, `start-database` and so on.
    pub async fn run(&self, command: &str) -> anyhow::Result<()> {
        run(Command::new(&self.script).arg(command).arg(&self.folder)).await
    }

    /// `rabbitmqctl` with these arguments.
    pub async fn ctl(&self, arguments: &[&str]) -> anyhow::Result<()> {
        run(Command::new(self.setting("MITTLER_TEST_RABBITMQ_CTL")?).args(arguments)).await
    }

    fn setting(&self, name: &str) -> anyhow::Result<&str> {
        self.settings.get(name).map(String::as_str).with_context(|| format!("{name} is missing"))
    }

    /// The URL of a new, empty database.
    pub async fn database(&self) -> anyhow::Result<String> {
        let base = self.setting("MITTLER_TEST_POSTGRES_URL")?;
        let name = format!("bench_{}", uuid::Uuid::new_v4().simple());
        let mut server = base.parse::<PgConnectOptions>()?.connect().await?;
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE \"{name}\""))).execute(&mut server).await?;
        server.close().await?;
        self.databases.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        let (server, _) = base.rsplit_once('/').context("a URL without a database")?;
        Ok(format!("{server}/{name}"))
    }

    /// The URL of a new virtual host, so that no message of an earlier run arrives.
    pub async fn broker(&self) -> anyhow::Result<String> {
        let name = format!("bench-{}", uuid::Uuid::new_v4().simple());
        self.ctl(&["add_vhost", &name]).await?;
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        self.ctl(&["set_permissions", "-p", &name, "guest", ".*", ".*", ".*"]).await?;
        let (server, _) =
            self.setting("MITTLER_TEST_RABBITMQ_URL")?.rsplit_once('/').context("a URL without a virtual host")?;
        Ok(format!("{server}/{name}"))
    }
}

impl Services {
    /// Databases and virtual hosts stay for whoever wants to see what went wrong.
    pub fn keep(&self) {
        self.keep.store(true, Ordering::SeqCst);
    }

    /// Removes what was made here from servers that go on.
    fn tidy(&self) -> anyhow::Result<()> {
        let databases = std::mem::take(&mut *self.databases.lock().unwrap_or_else(PoisonError::into_inner));
        let hosts = std::mem::take(&mut *self.hosts.lock().unwrap_or_else(PoisonError::into_inner));
        let server: PgConnectOptions = self.setting("MITTLER_TEST_POSTGRES_URL")?.parse()?;
        let remove = async move {
            let mut server = server.connect().await?;
            for name in databases {
                let drop = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
                sqlx::query(AssertSqlSafe(drop)).execute(&mut server).await?;
            }
            server.close().await
        };
        // In a thread of its own: this is called where no asynchronous work can be waited for.
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async { tokio::time::timeout(PATIENCE, remove).await })?.map_err(anyhow::Error::from)
        });
        let removed = removed.join().map_err(|_| anyhow::anyhow!("the removal panicked"))?;
        for name in hosts {
            let control = self.setting("MITTLER_TEST_RABBITMQ_CTL")?;
            let mut command = std::process::Command::new(control);
            command.args(["delete_vhost", &name]).stdout(std::process::Stdio::null());
            if !command.status()?.success() {
                bail!("the virtual host {name} is still there");
            }
        }
        removed
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        if !self.own
            && !self.keep.load(Ordering::SeqCst)
            && let Err(error) = self.tidy()
        {
            eprintln!("bench: not everything was removed: {error:#}");
        }
        if self.own {
            // The one place without patience of its own: the script has some.
            let stopped = std::process::Command::new(&self.script).arg("stop").arg(&self.folder).status();
            if !stopped.is_ok_and(|status| status.success()) {
                eprintln!("bench: the servers in {} could not be stopped", self.folder.display());
            }
        }
    }
}

async fn run(command: &mut Command) -> anyhow::Result<()> {
    let words = format!("{:?}", command.as_std());
    // Its servers inherit the script's output: waiting for the end of a pipe would be waiting for them.
    let mut child = command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).spawn()?;
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.with_context(|| format!("{words} hangs"))??;
    if !status.success() {
        bail!("{words}: {status}");
    }
    Ok(())
}

/// `export NAME='value'`
fn setting(line: &str) -> Option<(String, String)> {
    let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
    Some((name.to_owned(), value.trim_matches('\'').to_owned()))
}
