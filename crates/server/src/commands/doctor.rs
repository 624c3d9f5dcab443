//! `mittler doctor`: everything that can be wrong, in plain words with what to do. One fault hides
//! no other, and nothing is made that was not there.

pub mod settings;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::ExitCode,
};

use anyhow::Result;
use mittler_connector::{Settings, SetupStep, SetupWish, StepState, settings::GrantName};
use mittler_core::{ConnectionId, Time};
use mittler_queue::RabbitConfig;
use mittler_store::{
    Clock, Store,
    connections::{ConnectionRow, ConnectionState},
    hooks::HookCount,
    inspect,
};
use mittler_sync::{Connection, Keys, Mode};
use secrecy::SecretString;
use serde::Serialize;

use crate::{
    cli::Common,
    commands::{mapping, print_json},
    config::{Config, ConnectionSection},
    factory, installation, keyfile, spans, telemetry,
};

#[derive(Debug, Serialize)]
struct Check {
    what: String,
    well: bool,
    says: String,
}

#[derive(Default)]
pub struct Findings(Vec<Check>);

impl Findings {
    fn add(&mut self, what: impl Into<String>, result: Result<impl Into<String>, String>) {
        let (well, says) = match result {
            Ok(says) => (true, says.into()),
            Err(says) => (false, says),
        };
        self.0.push(Check { what: what.into(), well, says });
    }

    fn well(&mut self, what: impl Into<String>, says: impl Into<String>) {
        self.add(what, Ok(says));
    }

    fn wrong(&mut self, what: impl Into<String>, says: impl Into<String>) {
        self.add(what, Err::<String, _>(says.into()));
    }
}

pub async fn run(common: &Common, json: bool) -> Result<ExitCode> {
    telemetry::start(false, "error", None);
    let mut findings = Findings::default();
    check(common, &mut findings).await;
    let well = findings.0.iter().all(|check| check.well);
    if json {
        print_json(&findings.0)?;
    } else {
        for check in &findings.0 {
            println!("{} {}: {}", if check.well { "✓" } else { "✗" }, check.what, check.says);
        }
        println!("{}", if well { "all is well" } else { "something needs your attention: see the lines with ✗" });
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn check(common: &Common, findings: &mut Findings) {
    let config = match Config::load(common) {
        Ok(config) => config,
        Err(error) => return findings.wrong("configuration", format!("{error:#}")),
    };
    if !common.config.exists() {
        let here = std::env::current_dir().unwrap_or_default();
        return findings.wrong(
            "configuration",
            format!(
                "there is no {} in {}: go to the folder that has it, name it with --config, or begin one as README \
                 says under Configuration; `mittler demo` needs none",
                common.config.display(),
                here.display()
            ),
        );
    }
    let connections = match config.connection.len() {
        0 => "no connection yet: nothing is told to any CRM until there is a [[connection]]".into(),
        1 => "1 connection".into(),
        many => format!("{many} connections"),
    };
    findings.well("configuration", connections);
    settings::check(&config, &common.config, findings);
    if let Some(broker) = &config.server.broker {
        let mut rabbit = RabbitConfig::new(SecretString::from(broker.clone()));
        rabbit.queue.clone_from(&config.server.queue);
        findings.add("broker", mittler_queue::check(&rabbit).await.map(|says| says.join("; ")));
    }
    if let Some(collector) = &config.telemetry.otlp {
        findings.add("telemetry", spans::check(collector).await);
    }
    let key = check_key(&config, findings).await;
    let store = check_database(&config, findings).await;
    if let Some(store) = &store {
        check_contents(store, findings).await;
    }
    if let Err(error) = check_connections(&config, key, store.as_ref(), findings).await {
        findings.wrong("connections", format!("{error:#}"));
    }
}

/// The key, if there is one; making it is up to the service.
async fn check_key(config: &Config, findings: &mut Findings) -> Option<[u8; 32]> {
    // Whether it is this database's; a database that cannot be asked is said below.
    if let Err(error) = installation::check(config).await
        && error.downcast_ref::<mittler_store::Error>().is_none()
    {
        findings.wrong("key", format!("{error:#}"));
        return None;
    }
    match keyfile::load(&config.server.key_file, config.credentials.as_deref()) {
        Ok(Some(key)) => {
            findings.well("key", "present; keep a copy apart from the database");
            return Some(key);
        }
        Ok(None) => findings.well(
            "key",
            format!(
                "{} will be made at the first start; if there was one, put it back",
                config.server.key_file.display()
            ),
        ),
        Err(error) => findings.wrong("key", format!("{error:#}")),
    }
    None
}

async fn check_database(config: &Config, findings: &mut Findings) -> Option<Store> {
    if let Some(path) = config.server.database.strip_prefix("sqlite:").map(Path::new).filter(|path| !path.exists()) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match tempfile::tempfile_in(folder) {
            Ok(_) => findings.well("database", format!("{} will be made at the first start", path.display())),
            Err(error) => findings.wrong(
                "database",
                format!("{} cannot be made: its folder is not there or not writable ({error})", path.display()),
            ),
        }
        return None;
    }
    match inspect::damage(&config.server.database).await {
        Ok(None) => {}
        Ok(Some(said)) => findings.wrong(
            "database",
            format!("the file is damaged ({said}); stop the service and restore the latest backup, and keep the damaged file"),
        ),
        Err(error) => {
            findings.wrong("database", database_advice(&error));
            return None;
        }
    }
    match Store::open_beside(&config.server.database).await {
        Ok(store) => match store.probe().await {
            Ok(()) => {
                findings.well("database", format!("{} answers, takes writes and is durable", store.name()));
                Some(store)
            }
            // The CRMs are asked without it: a fault of this machine is none of theirs.
            Err(error) => {
                findings.wrong(
                    "database",
                    format!("{} answers, but takes no writes: {}", store.name(), database_advice(&error)),
                );
                None
            }
        },
        Err(error) => {
            findings.wrong("database", database_advice(&error));
            None
        }
    }
}

/// What to do about a database that cannot be opened.
fn database_advice(error: &mittler_store::Error) -> String {
    use mittler_store::Error;
    if let Some(fault) = error.fault() {
        return fault.words().into();
    }
    let (Error::Unavailable(source) | Error::Statement(source)) = error else {
        let slow = matches!(error, Error::TooSlow);
        return if slow {
            "no answer within 5 seconds; check host, port and firewall".into()
        } else {
            error.to_string()
        };
    };
    let code = match source.as_database_error() {
        Some(told) => told.code().unwrap_or_default().into_owned(),
        None => String::new(),
    };
    let said = source.to_string();
    let advice = match code.as_str() {
        "28P01" | "28000" => "check user and password, and pg_hba.conf",
        "3D000" => "make the database: createdb",
        "42501" => "the user may not make tables: give them the database, or GRANT CREATE ON SCHEMA public",
        "53300" => "too many connections: raise max_connections, or end other programs",
        "5" => "another program has locked the file",
        "8" => "the file is read-only for this user",
        "14" => "the file cannot be opened by this user",
        _ if said.contains("lookup address") => "the host name is not known: check it, and DNS",
        _ if said.contains("refused") => "nothing listens there: start the database, and check host and port",
        _ => "check its address and its log",
    };
    format!("{said}; {advice}")
}

async fn check_contents(store: &Store, findings: &mut Findings) {
    match store.verify_audit().await {
        Ok(None) => findings.well("audit chain", "unbroken"),
        Ok(Some(seq)) => {
            findings.wrong("audit chain", format!("entry {seq} does not fit; the table was changed by hand"));
        }
        Err(error) => findings.wrong("audit chain", error.to_string()),
    }
    match store.job_counts(Clock::default().now()).await {
        Ok(jobs) if jobs.dead > 0 => {
            findings.wrong("jobs", format!("{} dead jobs wait for a decision; see the page Today", jobs.dead));
        }
        Ok(jobs) => findings.well("jobs", format!("{} waiting", jobs.ready + jobs.waiting)),
        Err(error) => findings.wrong("jobs", error.to_string()),
    }
}

/// Asks each CRM, also without a database: what a connection must note then goes into one that is
/// thrown away.
async fn check_connections(
    config: &Config,
    key: Option<[u8; 32]>,
    store: Option<&Store>,
    findings: &mut Findings,
) -> Result<()> {
    if config.connection.is_empty() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let scratch = Store::open_beside(&format!("sqlite:{}", folder.path().join("doctor.sqlite").display())).await?;
    let rows = match store {
        Some(store) => store.connections().await?,
        None => Vec::new(),
    };
    let (own, clock) = (key, Clock::default());
    let keys = Keys::derive(&own.map_or_else(keyfile::random, Ok)?);
    let hooks = match store {
        Some(store) => store.hook_counts().await?,
        None => Vec::new(),
    };
    let mut asked = Asked::default();
    for section in &config.connection {
        let name = format!("connection {}", section.name);
        if let (Some(store), Some(known)) = (store, rows.iter().find(|row| row.name == section.name)) {
            let count = hooks.iter().find(|count| count.connection == known.id);
            findings.add(format!("{name}, webhooks"), said_of_hooks(count, &*section.settings));
            let pulled = store.last_pull(ConnectionId(known.id)).await?;
            findings.add(format!("{name}, state"), said_of_state(known, section, pulled, Clock::default().now()));
        }
        let row = rows.iter().find(|row| row.name == section.name).filter(|_| own.is_some());
        let (store, id) = match (store, row) {
            (Some(store), Some(row)) => (store, ConnectionId(row.id)),
            _ if section.settings.credentials().grant == GrantName::RefreshToken => {
                findings.well(
                    &name,
                    "not asked: its refresh token may be good for one use, and the database does not keep the next \
                     one yet. Run `mittler serve` once, then this again",
                );
                continue;
            }
            _ => (&scratch, ConnectionId(clock.id())),
        };
        match factory::connection(config, section, store, &clock, &keys, Some(id)).await {
            Ok(connection) => {
                check_connection(&name, section, &connection, &clock, &mut asked, findings).await;
                asked.owners(config, &connection, clock.now()).await;
            }
            Err(error) => findings.wrong(&name, format!("{error:#}")),
        }
    }
    asked.say(config, findings);
    scratch.close().await;
    Ok(())
}

/// What the CRMs answered that concerns more than one of them.
#[derive(Default)]
struct Asked {
    /// The account behind the credentials of each connection.
    accounts: Vec<(String, String, String)>,
    /// The connections that were asked for owners, and what each of them has.
    owners: BTreeMap<String, BTreeSet<String>>,
}

impl Asked {
    /// Asks a connection's CRM for the owners that the routing names.
    async fn owners(&mut self, config: &Config, connection: &Connection, now: Time) {
        let wanted = routed(config);
        if wanted.is_empty() {
            return;
        }
        let mut types: BTreeSet<&str> =
            connection.connector.profile().owners.iter().filter_map(|lookup| lookup.only_for).collect();
        types.extend(connection.mapping.objects.first().map(|object| object.remote.as_str()));
        let mut known = BTreeSet::new();
        for remote_type in types {
            // Why it does not answer is said of the connection.
            let Ok(found) = connection.owners(remote_type, &wanted, now).await else { return };
            known.extend(found.into_keys());
        }
        self.owners.insert(connection.name.clone(), known);
    }

    fn say(&self, config: &Config, findings: &mut Findings) {
        for (at, (name, crm, account)) in self.accounts.iter().enumerate() {
            let twin = self.accounts[..at].iter().find(|(_, other, id)| other == crm && id == account);
            let is_said =
                |name: &str| config.connection.iter().any(|it| it.name == name && it.settings.account().is_some());
            if let Some((twin, ..)) = twin.filter(|(twin, ..)| !is_said(name) || !is_said(twin)) {
                findings.wrong(
                    format!("connection {name}, account"),
                    format!(
                        "its credentials belong to account {account}, as those of {twin} do; remove one of the two"
                    ),
                );
            }
        }
        let wanted = routed(config);
        if self.owners.is_empty() || wanted.is_empty() {
            return;
        }
        let all_answered = self.owners.len() == config.connection.len();
        let missing = |known: &BTreeSet<String>| -> Vec<&String> {
            wanted.iter().filter(|owner| !known.contains(*owner)).collect()
        };
        let anywhere: BTreeSet<String> = self.owners.values().flatten().cloned().collect();
        let nowhere = missing(&anywhere);
        if all_answered && !nowhere.is_empty() {
            findings.wrong(
                "routing, owners",
                format!(
                    "no CRM has {}: their leads get no owner. Correct the address or the queue's name under [routing], \
                     or make the user there",
                    listed(&nowhere)
                ),
            );
            return;
        }
        let lacks: Vec<String> = self
            .owners
            .iter()
            .map(|(name, known)| (name, missing(known)))
            .filter(|(_, missing)| !missing.is_empty())
            .map(|(name, missing)| format!("{name} does not have {}", listed(&missing)))
            .collect();
        let says = if lacks.is_empty() { "all of them are known".to_owned() } else { lacks.join("; ") };
        findings.well("routing, owners", says);
    }
}

fn listed(names: &[&String]) -> String {
    names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Whom the routing names, once each.
fn routed(config: &Config) -> Vec<String> {
    let routing = &config.routing;
    let ruled = routing.rule.iter().flat_map(|rule| [Some(&rule.owner), rule.deputy.as_ref()]);
    let all: BTreeSet<&String> = ruled.chain([routing.otherwise.as_ref()]).flatten().collect();
    all.into_iter().cloned().collect()
}

async fn check_connection(
    name: &str,
    section: &ConnectionSection,
    connection: &Connection,
    clock: &Clock,
    asked: &mut Asked,
    findings: &mut Findings,
) {
    let account = connection.connector.account().await;
    if let Some(setting) = settings::missing_account(section) {
        let id = account.as_ref().map_or("…", |account| account.id.as_str());
        findings.wrong(
            format!("{name}, account"),
            format!(
                "it writes to whatever account its credentials belong to; so that it never is another one, set {setting} = {id:?}"
            ),
        );
    }
    match account {
        Ok(account) => {
            asked.accounts.push((section.name.clone(), section.crm.clone(), account.id.clone()));
            match section.settings.account() {
                Some(wanted) if wanted != account.id => {
                    findings.wrong(name, format!("the credentials belong to account {}, not to {wanted}", account.id));
                }
                _ => findings.well(name, format!("account {} answers", account.id)),
            }
        }
        Err(error) => return findings.wrong(name, format!("{error}; {}", crm_advice(&error))),
    }
    // A connection that writes nothing has nothing made for it, either.
    let writes = !matches!(connection.mode, Mode::Off | Mode::DryRun);
    match connection.connector.setup(if writes { SetupWish::Apply } else { SetupWish::Check }).await {
        Ok(steps) => findings.add(format!("{name}, own keys"), said_of_setup(&steps, section)),
        Err(error) => findings.wrong(format!("{name}, own keys"), format!("{error}; {}", crm_advice(&error))),
    }
    match mapping::check(connection, clock.now()).await {
        Ok(found) => {
            let fatal: Vec<String> = found
                .iter()
                .filter(|it| it.fatal)
                .map(|it| format!("{}.{}: {}", it.remote_type, it.field, it.text))
                .collect();
            findings.add(format!("{name}, mapping"), if fatal.is_empty() { Ok("fits") } else { Err(fatal.join("; ")) });
        }
        Err(error) => findings.wrong(format!("{name}, mapping"), format!("{error:#}")),
    }
    if matches!(connection.mode, Mode::Off | Mode::DryRun) {
        findings.well(format!("{name}, mode"), format!("{}: nothing is written", connection.mode.name()));
    }
}

/// What the connection needs in its CRM, and whether it is there.
fn said_of_setup(steps: &[SetupStep], section: &ConnectionSection) -> Result<String, String> {
    if steps.is_empty() {
        return Ok("present".into());
    }
    let mut said: Vec<String> = steps.iter().map(|step| step.text.clone()).collect();
    if steps.iter().any(|step| step.state == StepState::Missing) {
        said.push(format!("`mittler connect {}` makes what is missing.", section.name));
    }
    let said = said.join(" ");
    if steps.iter().any(|step| step.state == StepState::ByHand) { Err(said) } else { Ok(said) }
}

/// What a running service noted of a connection.
fn said_of_state(
    row: &ConnectionRow,
    section: &ConnectionSection,
    pulled: Option<Time>,
    now: Time,
) -> Result<String, String> {
    let mut said = row.state.name().to_owned();
    if let Some(code) = &row.code {
        said = format!("{said} ({code})");
    }
    if let Some(reason) = &row.reason {
        said = format!("{said}: {reason}");
    }
    if row.paused_until > now.0 {
        let until = Time(row.paused_until);
        said = format!("{said}; not tried before {until}: `mittler connections retry {}` tries it at once", row.name);
    }
    said = match pulled {
        Some(at) => format!("{said}; last asked for changes at {at}"),
        None => format!("{said}; not asked for changes yet"),
    };
    if row.mode != section.mode.name() {
        return Err(format!(
            "{said}; the service runs it in mode {}, the configuration says {}: start the service again",
            row.mode,
            section.mode.name()
        ));
    }
    said = format!("{said}; mode {}", row.mode);
    if row.state == ConnectionState::Ready { Ok(said) } else { Err(said) }
}

/// What became of a connection's webhooks.
fn said_of_hooks(count: Option<&HookCount>, settings: &dyn Settings) -> Result<String, String> {
    let hooks = settings.hooks();
    let Some(count) = count else {
        return Ok("none has come yet: changes in the CRM are found by the next pull".into());
    };
    if !hooks.proven && count.is_refused() {
        return Err(format!(
            "{} refused, the last at {}: without a secret none can be told from a forged one; set {}, or \
             stop them in the CRM",
            count.refused,
            Time(count.last_refused_at),
            hooks.proof
        ));
    }
    let last = if count.last_taken_at > 0 {
        format!("the last one was taken at {}", Time(count.last_taken_at))
    } else {
        "none was taken yet".to_owned()
    };
    if !count.is_refused() {
        return Ok(format!("{} taken, {} refused; {last}", count.taken, count.refused));
    }
    let remedy = match count.cause.as_deref().unwrap_or_default() {
        "signature" => format!(
            "its signature or secret does not fit: check {}, and that public_url is exactly the address that the CRM calls",
            hooks.proof
        ),
        "stale" => "it was signed too long ago or ahead of our clock: set this machine's clock".to_owned(),
        "account" => format!("it is another account's: check {}", settings.account_setting()),
        _ => "it does not have the CRM's form: something else calls this address".to_owned(),
    };
    Err(format!("{} refused, the last at {}: {remedy}; {last}", count.refused, Time(count.last_refused_at)))
}

fn crm_advice(error: &mittler_connector::Error) -> String {
    use mittler_connector::Error;
    match error {
        Error::Reauthorise { .. } => "check the credentials: client, secret or token".into(),
        Error::Unavailable { code, .. } if code == "database" => {
            "the database could not be read or written: see the line database; the CRM was not asked".into()
        }
        Error::Limited { .. } => "the account has no calls left for now; try again later".into(),
        Error::Unavailable { .. } | Error::Unknown { .. } | Error::TooBroad { .. } => {
            "check base_url, and whether this machine reaches it".into()
        }
        Error::Configuration { message, .. } | Error::BatchRefused { message, .. } => {
            format!("the CRM says: {message}; check the app's permissions and scopes")
        }
        Error::CursorExpired { .. } | Error::Protocol { .. } => "check that base_url is this CRM's own address".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_webhooks_are_wrong_until_one_is_taken() {
        let count = |taken: i64, refused: i64, cause: &str| HookCount {
            taken: i64::from(taken > 0),
            last_taken_at: taken,
            refused: 3,
            last_refused_at: refused,
            cause: Some(cause.into()),
            ..HookCount::none(ConnectionId(uuid::Uuid::nil()))
        };
        let settings = |lines: &str| {
            let table = format!("base_url = \"https://acme.example\"\ngrant = \"static\"\n{lines}").parse().unwrap();
            (mittler_connector_salesforce::CRM.settings)(table).unwrap()
        };
        let (set, unset) = (settings("hook_secret = \"0123456789abcdef\""), settings(""));
        assert!(said_of_hooks(None, &*set).is_ok());
        let wrong = said_of_hooks(Some(&count(0, 5, "signature")), &*set).unwrap_err();
        assert!(
            wrong.contains("3 refused") && wrong.contains("public_url") && wrong.contains("none was taken"),
            "{wrong}"
        );
        assert!(said_of_hooks(Some(&count(4, 5, "stale")), &*set).unwrap_err().contains("clock"));
        let wrong = said_of_hooks(Some(&count(0, 5, "signature")), &*unset).unwrap_err();
        assert!(wrong.contains("hook_secret_file"), "{wrong}");
        assert!(said_of_hooks(Some(&count(6, 5, "stale")), &*set).unwrap().contains("1 taken, 3 refused"));
    }
}
