//! What can be seen to be wrong in the configuration and its files before anybody is asked.

use std::{net::IpAddr, os::unix::fs::PermissionsExt, path::Path};

use mittler_connector::settings::{Secret, Secrets};
use mittler_core::mapping::Mapping;
use mittler_sync::Mode;
use mittler_worker::follow::Routing;
use reqwest::Url;
use secrecy::ExposeSecret;

use super::Findings;
use crate::{
    config::{Config, ConnectionSection},
    crms,
};

/// Characters of the unguessable end of a webhook's address; fewer can be guessed.
const SHORTEST: usize = 16;

pub fn check(config: &Config, file: &Path, findings: &mut Findings) {
    addresses(config, findings);
    crms(config, findings);
    numbers(config, findings);
    routing(&config.routing, findings);
    for (at, section) in config.connection.iter().enumerate() {
        let is_twin = |other: &&ConnectionSection| {
            let account = section.settings.account();
            other.crm == section.crm && account.is_some() && other.settings.account() == account
        };
        if let Some(twin) = config.connection[..at].iter().find(is_twin) {
            findings.wrong(
                format!("connection {}, account", section.name),
                format!(
                    "{} writes to the same account: each would take what the other wrote for the CRM's own; remove one",
                    twin.name
                ),
            );
        }
        if let Some(remedy) = &section.outdated {
            findings.well(
                format!("connection {}, settings", section.name),
                format!("its settings are read, but the CRM's own have a table now: {remedy}"),
            );
        }
        secrets(config, section, findings);
        fields(config, section, findings);
    }
    if config.connection.iter().any(ConnectionSection::has_secrets_inside) && is_open(config, file) {
        findings.wrong(
            "configuration",
            format!("{0} holds secrets and may be read by others; run: chmod 600 {0}", file.display()),
        );
    }
}

/// What is missing if a connection writes, and the configuration does not say where: the name of the setting.
pub fn missing_account(section: &ConnectionSection) -> Option<&'static str> {
    let writes = !matches!(section.mode, Mode::Off | Mode::DryRun);
    (writes && section.settings.account().is_none()).then(|| section.settings.account_setting())
}

fn addresses(config: &Config, findings: &mut Findings) {
    let server = &config.server;
    let listens_to_all = !server.listen.ip().is_loopback();
    let Some(public) = &server.public_url else {
        if listens_to_all {
            findings.wrong("address", "the API listens beyond this machine without TLS before it; set public_url to the https address of your proxy");
        }
        for section in config.connection.iter().filter(|section| section.settings.hooks().expected) {
            findings.wrong(
                format!("connection {}, webhooks", section.name),
                "public_url is not set: its webhooks find no way here, and a signature covers that address. Set it to the \
                 https address of your proxy, or leave the webhooks' secret out: pulls find each change as well",
            );
        }
        return;
    };
    let Ok(url) = Url::parse(public) else {
        findings.wrong("address", format!("public_url = {public:?} is no address; write https://host"));
        return;
    };
    if url.scheme() != "https" && (listens_to_all || !is_here(&url)) {
        findings.wrong(
            "address",
            format!("public_url = {public:?} is not https: keys and people's data would travel for all to read; put a TLS proxy before it"),
        );
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        findings.wrong(
            "address",
            format!(
                "public_url = {public:?} goes on behind the host: pages, API and webhooks lie at its root; write {}",
                url.origin().ascii_serialization()
            ),
        );
    }
}

/// The addresses of the CRMs.
fn crms(config: &Config, findings: &mut Findings) {
    for section in &config.connection {
        for (setting, value) in section.settings.addresses() {
            let said = match Url::parse(value) {
                Ok(url) if url.scheme() == "https" || is_here(&url) => continue,
                Ok(_) => "is not https: its token would travel for all to read",
                Err(_) => "is no address; write https://host",
            };
            findings.wrong(format!("connection {}", section.name), format!("{setting} = {value:?} {said}"));
        }
    }
}

/// Whether an address is of this machine.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn numbers(config: &Config, findings: &mut Findings) {
    let mut number = |name: String, value: u64, least: u64, most: u64| {
        if !(least..=most).contains(&value) {
            findings.wrong(name, format!("{value} is out of range; set {least} to {most}"));
        }
    };
    number("worker.workers".into(), u64::try_from(config.worker.workers).unwrap_or(u64::MAX), 1, 256);
    number("worker.job_lease_seconds".into(), config.worker.job_lease_seconds, 5, 600);
    number("worker.resend_seconds".into(), config.worker.resend_seconds, 5, 600);
    number("schedule.pull_minutes".into(), config.schedule.pull_minutes, 0, 1_440);
    number("retention.content_days".into(), config.retention.content_days, 1, 3_650);
    number("retention.write_days".into(), config.retention.write_days, 1, 3_650);
    number("follow_up.due_days".into(), config.follow_up.due_days.into(), 0, 60);
    number("follow_up.due_days_urgent".into(), config.follow_up.due_days_urgent.into(), 0, 60);
    for section in &config.connection {
        let mut of = |setting: &str, value: Option<u64>, least, most| {
            if let Some(value) = value {
                number(format!("connection {}, {setting}", section.name), value, least, most);
            }
        };
        of("call_timeout_seconds", section.call_timeout_seconds, 1, 280);
        of("visibility_lag_seconds", section.visibility_lag_seconds, 0, 600);
        of("concurrency", section.concurrency.and_then(|value| u64::try_from(value).ok()), 1, 64);
    }
}

fn routing(routing: &Routing, findings: &mut Findings) {
    for (at, rule) in routing.rule.iter().enumerate() {
        let name = format!("routing.rule number {} ({})", at + 1, rule.name);
        for country in rule.country.iter().filter(|country| !mittler_normalise::country::exists(country)) {
            findings.wrong(
                &name,
                format!("country {country:?} is none: two letters by ISO 3166, such as DE; the rule never fits"),
            );
        }
        if let Some((first, last)) = rule.postcode.as_ref().filter(|(first, last)| first > last) {
            findings.wrong(
                &name,
                format!("postcode goes from {first:?} down to {last:?}; the rule never fits: swap the two"),
            );
        }
    }
    for away in routing.away.iter().filter(|away| away.from > away.until) {
        findings.wrong(
            "routing.away",
            format!("{} to {} is no time; the absence never begins: swap the two", away.from, away.until),
        );
    }
}

/// The allow-list names what the mapping has.
fn fields(config: &Config, section: &ConnectionSection, findings: &mut Findings) {
    if section.fields.is_empty() {
        return;
    }
    let text = match &section.mapping {
        Some(path) => std::fs::read_to_string(config.path(path)).ok(),
        None => crms::named(&section.crm).ok().map(|crm| crm.default_mapping.to_owned()),
    };
    // A mapping that cannot be read is said of the connection.
    let Some(mapping) = text.and_then(|text| Mapping::parse(&text).ok()) else { return };
    for name in &section.fields {
        let (remote_type, field) = name.split_once('.').unwrap_or((name, ""));
        let has = mapping.objects.iter().filter(|object| object.remote == remote_type);
        if !has.clone().any(|object| field == "*" || object.fields.contains_key(field)) {
            let types: Vec<_> = mapping.objects.iter().map(|object| object.remote.as_str()).collect();
            let remedy = if has.count() == 0 {
                format!("the mapping has the types {}", types.join(", "))
            } else {
                format!("the mapping of {remote_type} has no field {field}")
            };
            findings.wrong(format!("connection {}, fields", section.name), format!("{name} allows nothing: {remedy}"));
        }
    }
}

/// Whether others may read a file. One that the system hands over shows its access list as a group's right.
fn is_open(config: &Config, path: &Path) -> bool {
    let handed_over = config.credentials.as_ref().is_some_and(|folder| path.starts_with(folder));
    let others = if handed_over { 0o037 } else { 0o077 };
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & others != 0)
}

/// Each secret of a connection: its file, and what stands in it.
fn secrets(config: &Config, section: &ConnectionSection, findings: &mut Findings) {
    for secret in section.settings.secrets() {
        let Secret { name, value, file } = secret;
        let what = format!("connection {}, {name}", section.name);
        let path = file.filter(|_| value.is_none()).map(|file| config.secret_path(file));
        if let Some(path) = path.as_ref().filter(|path| is_open(config, path)) {
            findings.wrong(&what, format!("{0} may be read by others; run: chmod 600 {0}", path.display()));
        }
        // A file that cannot be read is said of the connection.
        let Ok(Some(secret)) = config.open(secret) else { continue };
        if let Some(fault) = fault(name, secret.expose_secret()) {
            let place = path.map_or_else(|| "the configuration".to_owned(), |path| path.display().to_string());
            findings.wrong(what, format!("{place}: {fault}"));
        }
    }
}

/// Why a text is no such secret. It shows nothing of it.
fn fault(name: &str, text: &str) -> Option<&'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Some("it is empty; put in what the CRM shows");
    }
    if name == "private_key" {
        let is_key = text.starts_with("-----BEGIN") && text.contains("PRIVATE KEY-----");
        return (!is_key).then_some("it is no private key: a PEM file begins with -----BEGIN … PRIVATE KEY-----");
    }
    let small = text.to_lowercase();
    let stands_in = text.starts_with('<') && text.ends_with('>')
        || ["changeme", "change_me", "change-me", "your_", "your-", "placeholder", "xxxx"]
            .iter()
            .any(|it| small.contains(it))
        || text.contains("...")
        || text.contains('…');
    if stands_in {
        return Some("it is still the text of an example; put in what the CRM shows");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("it has a space or a line break in it; it is one word, as the CRM shows it");
    }
    if !text.is_ascii() {
        return Some("it has characters that no secret has; copy it again from the CRM");
    }
    if name == "hook_secret" && text.len() < SHORTEST {
        return Some(
            "it can be guessed: with fewer than 16 characters others could send webhooks; make one: openssl rand -hex 24",
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{cli::Common, commands::doctor::Check};

    fn found(text: &str, files: &[(&str, &str, u32)]) -> Vec<Check> {
        let folder = tempfile::tempdir().unwrap();
        for (name, content, mode) in files {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(*mode)).unwrap();
        }
        let file = folder.path().join("mittler.toml");
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let common = Common { config: file.clone(), database: None, broker: None, key_file: None, credentials: None };
        let config = Config::parse(text, folder.path().to_owned(), &common).unwrap();
        let mut findings = Findings::default();
        check(&config, &file, &mut findings);
        findings.0
    }

    /// One finding, of this, with these words.
    #[track_caller]
    fn one(text: &str, files: &[(&str, &str, u32)], what: &str, says: &str) {
        let found = found(text, files);
        let hit = found.iter().find(|check| check.what == what).unwrap_or_else(|| panic!("{text}: {found:?}"));
        assert!(!hit.well && hit.says.contains(says), "{text}: {hit:?}");
        assert_eq!(found.len(), 1, "{text}: {found:?}");
    }

    const HUBSPOT: &str = "[[connection]]\nname = \"hs\"\nhubspot = { grant = \"static\" }\n";
    const SALESFORCE: &str =
        "[[connection]]\nname = \"sf\"\nsalesforce = { grant = \"static\", base_url = \"https://acme.example\" }\n";

    /// A connection with these settings of its CRM.
    fn hubspot(settings: &str) -> String {
        format!("[[connection]]\nname = \"hs\"\n[connection.hubspot]\ngrant = \"static\"\n{settings}\n")
    }

    fn salesforce(settings: &str) -> String {
        format!(
            "[[connection]]\nname = \"sf\"\n[connection.salesforce]\ngrant = \"static\"\nbase_url = \"https://acme.example\"\n{settings}\n"
        )
    }

    #[test]
    fn the_example_configuration_is_in_order_but_for_its_placeholders() {
        let found = found(include_str!("../../../../../deploy/mittler.example.toml"), &[]);
        let what: Vec<_> = found.iter().map(|check| check.what.as_str()).collect();
        assert_eq!(what, ["connection hubspot, webhooks", "connection salesforce, webhooks"], "{found:?}");
    }

    #[test]
    fn the_address_of_the_service_is_https_at_its_root_and_known_where_webhooks_come() {
        let server = |lines: &str| format!("[server]\n{lines}\n");
        one(&server("listen = \"0.0.0.0:8484\""), &[], "address", "set public_url");
        one(&server("public_url = \"http://mittler.example.com\""), &[], "address", "not https");
        one(&server("public_url = \"mittler.example.com\""), &[], "address", "no address");
        one(&server("public_url = \"https://example.com/mittler\""), &[], "address", "write https://example.com");
        assert!(found(&server("public_url = \"https://mittler.example.com/\""), &[]).is_empty());
        assert!(found(&server("public_url = \"http://127.0.0.1:8484\""), &[]).is_empty());
        let hooks = salesforce("hook_secret_file = \"sf.hook\"");
        let files = [("sf.hook", "0123456789abcdef\n", 0o600)];
        one(&hooks, &files, "connection sf, webhooks", "public_url is not set");
        let public = server("public_url = \"https://mittler.example.com\"");
        assert!(found(&format!("{public}{hooks}"), &files).is_empty());
        one(&SALESFORCE.replace("https://acme", "http://acme"), &[], "connection sf", "not https");
    }

    #[test]
    fn two_connections_to_one_account_are_named() {
        let text = format!(
            "{}{}",
            salesforce("organization_id = \"00D000000000001\""),
            salesforce("organization_id = \"00D000000000001EAA\"").replace("\"sf\"", "\"other\"")
        );
        one(&text, &[], "connection other, account", "sf writes to the same account");
        assert!(found(&text.replace("001EAA", "002EAA"), &[]).is_empty());
    }

    #[test]
    fn a_connection_that_writes_says_where() {
        let section = |text: &str| {
            let common = Common {
                config: "mittler.toml".into(),
                database: None,
                broker: None,
                key_file: None,
                credentials: None,
            };
            Config::parse(text, PathBuf::new(), &common).unwrap().connection.remove(0)
        };
        assert_eq!(missing_account(&section(HUBSPOT)), None, "it tries only");
        assert_eq!(missing_account(&section(&format!("{HUBSPOT}mode = \"full\""))), Some("portal_id"));
        assert_eq!(missing_account(&section(&format!("{SALESFORCE}mode = \"full\""))), Some("organization_id"));
        assert_eq!(
            missing_account(&section(
                &hubspot("portal_id = \"7\"").replace("[connection.", "mode = \"full\"\n[connection.")
            )),
            None
        );
    }

    #[test]
    fn a_secret_is_one_word_of_the_crm_in_a_file_of_its_owner() {
        let token = hubspot("access_token_file = \"hs.token\"");
        for (content, says) in [
            ("", "empty"),
            (" \n", "empty"),
            ("pat-eu1\n12345", "line break"),
            ("<your token>", "example"),
            ("pat-eu1-xxxxxxxx", "example"),
            ("pat-eu1-…", "example"),
            ("pat-eu1-größe", "characters"),
        ] {
            one(&token, &[("hs.token", content, 0o600)], "connection hs, access_token", says);
        }
        assert!(found(&token, &[("hs.token", "pat-eu1-0f1e2d3c\n", 0o600)]).is_empty());
        for mode in [0o640, 0o604, 0o644] {
            one(&token, &[("hs.token", "pat-eu1-0f1e2d3c", mode)], "connection hs, access_token", "chmod 600");
        }
        let key = salesforce("private_key_file = \"sf.key\"");
        one(&key, &[("sf.key", "MIIEvQ\nIBADAN", 0o600)], "connection sf, private_key", "PEM");
        assert!(
            found(&key, &[("sf.key", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n", 0o600)])
                .is_empty()
        );
        // It shows nothing of what it finds.
        assert!(!format!("{:?}", found(&token, &[("hs.token", "pat geheim", 0o600)])).contains("geheim"));
    }

    #[test]
    fn a_configuration_with_secrets_in_it_is_its_owners() {
        let text = hubspot("access_token = \"pat-eu1-0f1e2d3c\"");
        one(&text, &[], "configuration", "chmod 600");
    }

    #[test]
    fn a_webhook_secret_cannot_be_guessed() {
        let text = format!(
            "[server]\npublic_url = \"https://mittler.example.com\"\n{}",
            salesforce("hook_secret_file = \"sf.hook\"")
        );
        one(&text, &[("sf.hook", "0123456789abcde", 0o600)], "connection sf, hook_secret", "16 characters");
    }

    #[test]
    fn numbers_rules_and_fields_that_cannot_be_meant_are_named() {
        one("[worker]\nworkers = 0", &[], "worker.workers", "1 to 256");
        one("[worker]\njob_lease_seconds = 3600", &[], "worker.job_lease_seconds", "5 to 600");
        one("[schedule]\npull_minutes = 100000", &[], "schedule.pull_minutes", "0 to 1440");
        one(&format!("{HUBSPOT}concurrency = 0"), &[], "connection hs, concurrency", "1 to 64");
        let rule = "[[routing.rule]]\nname = \"Süd\"\nowner = \"a@b.example\"\n";
        one(&format!("{rule}country = [\"Deutschland\"]"), &[], "routing.rule number 1 (Süd)", "ISO 3166");
        one(&format!("{rule}postcode = [\"97\", \"70\"]"), &[], "routing.rule number 1 (Süd)", "swap");
        let away = "[routing]\naway = [{ who = \"a@b.example\", from = \"2026-04-24\", until = \"2026-04-20\" }]";
        one(away, &[], "routing.away", "swap");
        one(&format!("{HUBSPOT}fields = [\"contact.email\"]"), &[], "connection hs, fields", "the types");
        one(&format!("{HUBSPOT}fields = [\"contacts.emial\"]"), &[], "connection hs, fields", "no field emial");
        assert!(found(&format!("{HUBSPOT}fields = [\"contacts.*\", \"contacts.email\"]"), &[]).is_empty());
    }
}
