//! From a section of the configuration to a working connection: the one place that knows which
//! CRMs there are.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use mittler_connector::{
    Connector, Profile,
    http::{Auth, Http, Pace},
    oauth::Grant,
};
use mittler_connector_hubspot::HubSpot;
use mittler_connector_salesforce::{Assignment, Salesforce};
use mittler_core::{ConnectionId, mapping::Mapping};
use mittler_store::{Clock, Store, connections::ConnectionRow};
use mittler_sync::{
    Connection, Keys,
    bounds::Bounds,
    budget::{self, Budgets},
    vault::Vault,
};
use secrecy::SecretString;

use crate::{
    config::{Config, ConnectionSection},
    tuned::Tuned,
};

/// The default mapping of a CRM.
pub fn default_mapping(crm: &str) -> Result<&'static str> {
    Ok(match crm {
        "salesforce" => mittler_connector_salesforce::DEFAULT_MAPPING,
        "hubspot" => mittler_connector_hubspot::DEFAULT_MAPPING,
        other => bail!("there is no connector for {other:?}; there are salesforce and hubspot"),
    })
}

/// What becomes of the rows of the configured connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// They say what the configuration says: for whoever runs roles.
    Renewed,
    /// They stay as they are: a command beside the service must not speak for it.
    Kept,
}

/// Makes the configured connections.
pub async fn connections(
    config: &Config,
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    rows: Rows,
) -> Result<Vec<Connection>> {
    let known = if rows == Rows::Kept { store.connections().await? } else { Vec::new() };
    let mut all = Vec::with_capacity(config.connection.len());
    for section in &config.connection {
        let id = known.iter().find(|row| row.name == section.name).map(|row| ConnectionId(row.id));
        all.push(connection(config, section, store, clock, keys, id).await?);
    }
    Ok(all)
}

/// Makes one connection; its row as well, unless it is `known` already.
pub async fn connection(
    config: &Config,
    section: &ConnectionSection,
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    known: Option<ConnectionId>,
) -> Result<Connection> {
    let made = make(config, section, store, clock, keys, known).await;
    made.with_context(|| format!("connection {:?}", section.name))
}

async fn make(
    config: &Config,
    section: &ConnectionSection,
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    known: Option<ConnectionId>,
) -> Result<Connection> {
    let text = match &section.mapping {
        Some(path) => {
            let path = config.path(path);
            std::fs::read_to_string(&path).with_context(|| format!("the mapping {} cannot be read", path.display()))?
        }
        None => default_mapping(&section.crm)?.to_owned(),
    };
    let mapping = Mapping::parse(&text)?;
    let row = ConnectionRow {
        id: clock.id(),
        name: section.name.clone(),
        crm: section.crm.clone(),
        settings: sqlx_json(section),
        mapping: text,
        mode: section.mode.name().to_owned(),
        state: "ready".into(),
        code: None,
        reason: None,
        paused_until: 0,
        updated_at: clock.now().0,
    };
    let id = match known {
        Some(id) => id,
        None => store.put_connection(&row).await?,
    };
    let connector = connector(config, section, store, clock, keys, id)?;
    if known.is_none() {
        budget::put(store, id, &connector.profile().budgets).await?;
    }
    let account = section.organization_id.clone().or_else(|| section.portal_id.clone());
    Ok(Connection::new(id, section.name.clone(), section.mode, mapping, connector)
        .expecting(account)
        .bounded(section.bounds()))
}

/// What may be shown of a section: no secrets.
fn sqlx_json(section: &ConnectionSection) -> mittler_store::Json<serde_json::Value> {
    let mut settings = serde_json::json!({
        "base_url": section.base_url,
        "grant": section.grant,
        "organization_id": section.organization_id,
        "portal_id": section.portal_id,
        "api_version": section.api_version,
    });
    // Only where there are some: what changes here is applied to all that is there.
    let bounds = section.bounds();
    if bounds != Bounds::default() {
        settings["bounds"] = serde_json::json!(bounds);
    }
    mittler_store::Json(settings)
}

fn connector(
    config: &Config,
    section: &ConnectionSection,
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    id: ConnectionId,
) -> Result<Arc<dyn Connector>> {
    let secret = |name, value, file| config.secret(name, value, file);
    let base = section.base_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
    let client_secret = secret("client_secret", section.client_secret.as_ref(), section.client_secret_file.as_ref())?;
    let hook_secret = secret("hook_secret", section.hook_secret.as_ref(), section.hook_secret_file.as_ref())?;
    let public = config.server.public_url.clone().unwrap_or_else(|| format!("http://{}", config.server.listen));
    let hook_uri = format!("{}/hooks/{}", public.trim_end_matches('/'), section.name);
    let http = |profile: &Profile, token_url: String, grant: Grant| -> Result<Http> {
        // The lease of a write is reckoned from the profile: no call may last longer than it says.
        let client = mittler_connector::http::client(profile.call_timeout).context("the HTTP client cannot be made")?;
        let auth: Arc<dyn Auth> = Vault::new(
            store.clone(),
            clock.clone(),
            keys,
            client.clone(),
            id,
            section.token_url.clone().unwrap_or(token_url),
            grant,
        );
        let limits: Vec<_> =
            profile.budgets.iter().map(|budget| (budget.bucket, budget.calls, budget.window)).collect();
        let pace: Arc<dyn Pace> = Budgets::new(store.clone(), clock.clone(), id, &limits);
        Ok(Http::new(client, auth, pace))
    };
    let grant = grant(config, section, client_secret.clone())?;
    let connector: Arc<dyn Connector> = match section.crm.as_str() {
        "salesforce" => {
            let base = base.context("base_url is missing: https://<your domain>.my.salesforce.com")?;
            let mut settings = mittler_connector_salesforce::Settings::new(base.clone());
            settings.organization_id.clone_from(&section.organization_id);
            settings.activity_key.clone_from(&section.activity_key);
            settings.hook_secret = hook_secret.unwrap_or_default();
            if let Some(version) = &section.api_version {
                settings.api_version.clone_from(version);
            }
            if let Some(own_key) = &section.own_key {
                settings.own_key.clone_from(own_key);
            }
            settings.assignment = match section.assignment.as_deref() {
                None | Some("off") => Assignment::Off,
                Some("on") => Assignment::On,
                Some(rule) => Assignment::Rule(rule.to_owned()),
            };
            let profile = tuned(section, mittler_connector_salesforce::profile(&settings))?;
            let http = http(&profile, format!("{base}/services/oauth2/token"), grant)?;
            Arc::new(Tuned { inner: Salesforce::new(http, settings), profile })
        }
        "hubspot" => {
            let mut settings = mittler_connector_hubspot::Settings::default();
            if let Some(base) = base {
                settings.base_url = base;
            }
            settings.portal_id.clone_from(&section.portal_id);
            settings.app_id.clone_from(&section.app_id);
            settings.activity_key.clone_from(&section.activity_key);
            settings.client_secret = client_secret;
            settings.hook_uri = hook_uri;
            if let Some(version) = &section.api_version {
                settings.version.clone_from(version);
            }
            if let Some(own_key) = &section.own_key {
                settings.own_key.clone_from(own_key);
            }
            let profile = tuned(section, mittler_connector_hubspot::profile(&settings))?;
            let token_url = format!("{}/oauth/2026-09/token", settings.base_url);
            let http = http(&profile, token_url, grant)?;
            Arc::new(Tuned { inner: HubSpot::new(http, settings), profile })
        }
        other => bail!("there is no connector for {other:?}; there are salesforce and hubspot"),
    };
    Ok(connector)
}

fn grant(config: &Config, section: &ConnectionSection, client_secret: Option<SecretString>) -> Result<Grant> {
    let client_id = || section.client_id.clone().context("client_id is missing");
    Ok(match section.grant.as_str() {
        "static" => {
            let token =
                config.secret("access_token", section.access_token.as_ref(), section.access_token_file.as_ref())?;
            Grant::Static { token: token.context("access_token or access_token_file is missing")? }
        }
        "client_credentials" => Grant::ClientCredentials {
            client_id: client_id()?,
            client_secret: client_secret.context("client_secret or client_secret_file is missing")?,
        },
        "refresh_token" => {
            let token =
                config.secret("refresh_token", section.refresh_token.as_ref(), section.refresh_token_file.as_ref())?;
            Grant::RefreshToken {
                client_id: client_id()?,
                client_secret,
                refresh_token: token.context("refresh_token or refresh_token_file is missing")?,
            }
        }
        "jwt_bearer" => {
            let key = config.secret("private_key", None, section.private_key_file.as_ref())?;
            Grant::JwtBearer {
                client_id: client_id()?,
                private_key_pem: key.context("private_key_file is missing")?,
                username: section.username.clone().context("username is missing")?,
                audience: section.audience.clone().unwrap_or_else(|| "https://login.salesforce.com".into()),
            }
        }
        other => {
            bail!("there is no grant {other:?}; there are client_credentials, jwt_bearer, refresh_token and static")
        }
    })
}

fn tuned(section: &ConnectionSection, mut profile: Profile) -> Result<Profile> {
    if let Some(seconds) = section.call_timeout_seconds {
        profile.call_timeout = Duration::from_secs(seconds.max(1));
    }
    if let Some(seconds) = section.visibility_lag_seconds {
        profile.visibility_lag = Duration::from_secs(seconds);
    }
    if let Some(concurrency) = section.concurrency {
        profile.concurrency = concurrency.clamp(1, 64);
    }
    for (bucket, calls) in &section.budget {
        let Some(budget) = profile.budgets.iter_mut().find(|budget| budget.bucket == bucket) else {
            let known: Vec<_> = profile.budgets.iter().map(|budget| budget.bucket).collect();
            bail!("there is no budget {bucket:?}; there are {}", known.join(", "));
        };
        budget.calls = *calls;
    }
    Ok(profile)
}
