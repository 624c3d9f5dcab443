//! The table `[connection.salesforce]` of the configuration.

use std::{path::PathBuf, sync::Arc};

use mittler_connector::{
    Connector, Profile,
    http::Dialect,
    oauth::Grant,
    settings::{Credentials, Crm, HookSettings, Parts, Secret, Secrets, read},
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use toml::Table;

use crate::{Assignment, DEFAULT_MAPPING, Salesforce, Settings, profile, refusal};

pub static CRM: Crm = Crm { name: "salesforce", default_mapping: DEFAULT_MAPPING, settings };

/// Whom a signed assertion is for; a sandbox organisation has another.
const AUDIENCE: &str = "https://login.salesforce.com";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    /// `https://<domain>.my.salesforce.com`.
    base_url: Option<String>,
    organization_id: Option<String>,
    api_version: Option<String>,
    own_key: Option<String>,
    activity_key: Option<String>,
    /// The organisation's assignment rules: `off`, `on`, or a rule's id.
    assignment: Option<String>,
    /// The unguessable part of the webhook address: outbound messages are not signed.
    hook_secret: Option<SecretString>,
    hook_secret_file: Option<PathBuf>,
}

#[derive(Debug)]
struct Configured {
    credentials: Credentials,
    section: Section,
    /// What the connector is made with, but for the secret.
    settings: Settings,
}

fn settings(mut table: Table) -> Result<Arc<dyn mittler_connector::Settings>, String> {
    let credentials = Credentials::take(&mut table)?;
    let section: Section = read(table)?;
    let base_url = section.base_url.as_deref().ok_or("base_url is missing: https://<your domain>.my.salesforce.com")?;
    let mut settings = Settings::new(base_url.trim_end_matches('/'));
    settings.organization_id = section.organization_id.as_deref().map(organization_id);
    settings.activity_key.clone_from(&section.activity_key);
    settings.assignment = assignment(section.assignment.as_deref())?;
    if let Some(version) = &section.api_version {
        settings.api_version.clone_from(version);
    }
    if let Some(own_key) = &section.own_key {
        settings.own_key.clone_from(own_key);
    }
    Ok(Arc::new(Configured { credentials, section, settings }))
}

fn assignment(rule: Option<&str>) -> Result<Assignment, String> {
    match rule {
        None | Some("off") => Ok(Assignment::Off),
        Some("on") => Ok(Assignment::On),
        Some(rule) if is_id(rule) && rule.starts_with("01Q") => Ok(Assignment::Rule(rule.to_owned())),
        Some(rule) => {
            Err(format!("assignment = {rule:?} is unknown; there are off, on, and the id of an assignment rule (01Q…)"))
        }
    }
}

fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// An organisation's id with the three characters that check the case of the other fifteen: people copy it with
/// and without them. Anything that is no id stays as it is.
pub(crate) fn organization_id(id: &str) -> String {
    if id.len() != 15 || !is_id(id) {
        return id.to_owned();
    }
    let check = id.as_bytes().chunks(5).map(|five| {
        let upper = five.iter().enumerate().filter(|(_, byte)| byte.is_ascii_uppercase());
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[upper.map(|(bit, _)| 1 << bit).sum::<usize>()])
    });
    id.chars().chain(check).collect()
}

impl Configured {
    fn hook_secret(&self) -> Secret<'_> {
        let section = &self.section;
        Secret { name: "hook_secret", value: section.hook_secret.as_ref(), file: section.hook_secret_file.as_ref() }
    }
}

impl mittler_connector::Settings for Configured {
    fn profile(&self) -> Profile {
        profile(&self.settings)
    }

    fn dialect(&self) -> Dialect {
        refusal::DIALECT
    }

    fn account(&self) -> Option<String> {
        self.settings.organization_id.clone()
    }

    fn account_setting(&self) -> &'static str {
        "organization_id"
    }

    fn token_url(&self) -> String {
        let stated = self.credentials.token_url.clone();
        stated.unwrap_or_else(|| format!("{}/services/oauth2/token", self.settings.instance_url))
    }

    fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    fn grant(&self, secrets: &dyn Secrets) -> Result<Grant, String> {
        self.credentials.grant(secrets, Some(AUDIENCE))
    }

    fn addresses(&self) -> Vec<(&'static str, &str)> {
        self.credentials.addresses(self.section.base_url.as_deref())
    }

    fn secrets(&self) -> Vec<Secret<'_>> {
        self.credentials.secrets().into_iter().chain([self.hook_secret()]).collect()
    }

    fn hooks(&self) -> HookSettings {
        let proven = self.hook_secret().is_set();
        HookSettings { proof: "hook_secret_file", proven, expected: proven }
    }

    fn shown(&self) -> Value {
        json!({
            "base_url": self.section.base_url,
            "grant": self.credentials.grant.name(),
            "organization_id": self.section.organization_id,
            "api_version": self.section.api_version,
        })
    }

    fn connector(&self, parts: Parts, secrets: &dyn Secrets) -> Result<Arc<dyn Connector>, String> {
        let mut settings = self.settings.clone();
        settings.hook_secret = secrets.open(self.hook_secret())?.unwrap_or_default();
        Ok(Arc::new(Salesforce::with_profile(parts.http, settings, parts.profile)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_is_the_same_with_and_without_its_check_characters() {
        // The pairs of Salesforce's own documentation.
        for (short, long) in [("00D5g000004VxyZ", "00D5g000004VxyZEAS"), ("00D000000000001", "00D000000000001EAA")] {
            assert_eq!(organization_id(short), long);
            assert_eq!(organization_id(long), long);
        }
        assert_ne!(organization_id("00D5g000004VxyZ"), organization_id("00D5g000004Vxyz"));
        assert_eq!(organization_id("acme"), "acme");
    }

    #[test]
    fn a_setting_that_cannot_be_is_named() {
        let base = "base_url = \"https://acme.example\"\ngrant = \"static\"\n";
        for (text, named) in [
            ("grant = \"static\"".to_owned(), "base_url is missing"),
            (format!("{base}assignment = \"yes\""), "assignment"),
            (format!("{base}assignment = \"01Q00000000000\""), "assignment"),
            (format!("{base}portal_id = \"7\""), "portal_id"),
            ("grant = \"magic\"\nbase_url = \"x\"".to_owned(), "magic"),
            ("base_url = \"x\"".to_owned(), "grant"),
        ] {
            let error = settings(text.parse().unwrap()).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
        for rule in ["off", "on", "01Q000000000001", "01Q000000000001AAA"] {
            assert!(settings(format!("{base}assignment = {rule:?}").parse().unwrap()).is_ok());
        }
    }
}
