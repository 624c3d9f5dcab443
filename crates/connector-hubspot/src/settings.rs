//! The table `[connection.hubspot]` of the configuration.

use std::sync::Arc;

use mittler_connector::{
    Connector, Profile,
    http::Dialect,
    oauth::Grant,
    settings::{Credentials, Crm, GrantName, HookSettings, Parts, Secret, Secrets, read},
};
use serde::Deserialize;
use serde_json::{Value, json};
use toml::Table;

use crate::{DEFAULT_MAPPING, HubSpot, Settings, errors, paths, profile};

pub static CRM: Crm = Crm { name: "hubspot", default_mapping: DEFAULT_MAPPING, settings };

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    base_url: Option<String>,
    portal_id: Option<String>,
    app_id: Option<String>,
    api_version: Option<String>,
    own_key: Option<String>,
    activity_key: Option<String>,
}

#[derive(Debug)]
struct Configured {
    credentials: Credentials,
    section: Section,
    /// What the connector is made with, but for the secret and the address of its webhooks.
    settings: Settings,
}

fn settings(mut table: Table) -> Result<Arc<dyn mittler_connector::Settings>, String> {
    let credentials = Credentials::take(&mut table)?;
    let section: Section = read(table)?;
    let mut settings = Settings {
        portal_id: section.portal_id.clone(),
        app_id: section.app_id.clone(),
        activity_key: section.activity_key.clone(),
        ..Settings::default()
    };
    if let Some(base_url) = &section.base_url {
        base_url.trim_end_matches('/').clone_into(&mut settings.base_url);
    }
    if let Some(version) = &section.api_version {
        settings.version.clone_from(version);
    }
    if let Some(own_key) = &section.own_key {
        settings.own_key.clone_from(own_key);
    }
    Ok(Arc::new(Configured { credentials, section, settings }))
}

impl mittler_connector::Settings for Configured {
    fn profile(&self) -> Profile {
        profile(&self.settings)
    }

    fn dialect(&self) -> Dialect {
        errors::DIALECT
    }

    fn account(&self) -> Option<String> {
        self.settings.portal_id.clone()
    }

    fn account_setting(&self) -> &'static str {
        "portal_id"
    }

    fn token_url(&self) -> String {
        let stated = self.credentials.token_url.clone();
        stated.unwrap_or_else(|| paths::token(&self.settings.base_url, &self.settings.version))
    }

    fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    fn grant(&self, secrets: &dyn Secrets) -> Result<Grant, String> {
        self.credentials.grant(secrets, None)
    }

    fn addresses(&self) -> Vec<(&'static str, &str)> {
        self.credentials.addresses(self.section.base_url.as_deref())
    }

    fn secrets(&self) -> Vec<Secret<'_>> {
        self.credentials.secrets()
    }

    /// The app's secret signs them. A connection with a token of its own has it for nothing else.
    fn hooks(&self) -> HookSettings {
        let proven = self.credentials.client_secret().is_set();
        HookSettings {
            proof: "client_secret_file",
            proven,
            expected: proven && self.credentials.grant == GrantName::Static,
        }
    }

    fn shown(&self) -> Value {
        json!({
            "base_url": self.section.base_url,
            "grant": self.credentials.grant.name(),
            "portal_id": self.section.portal_id,
            "api_version": self.section.api_version,
        })
    }

    fn connector(&self, parts: Parts, secrets: &dyn Secrets) -> Result<Arc<dyn Connector>, String> {
        let mut settings = self.settings.clone();
        settings.client_secret = secrets.open(self.credentials.client_secret())?;
        settings.hook_uri = parts.hook_url;
        Ok(Arc::new(HubSpot::with_profile(parts.http, settings, parts.profile)))
    }
}
