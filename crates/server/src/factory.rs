//! From a section of the configuration to a working connection.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Error, Result, bail};
use mittler_connector::{
    Connector, Profile,
    http::{Auth, Http, Pace},
    oauth::TokenEndpoint,
    settings::Parts,
};
use mittler_core::{ConnectionId, mapping::Mapping};
use mittler_store::{
    Clock, Store,
    connections::{ConnectionRow, ConnectionState},
};
use mittler_sync::{
    Connection, Keys,
    bounds::Bounds,
    budget::{self, Budgets},
    vault::Vault,
};
use tracing::warn;

use crate::{
    config::{Config, ConnectionSection},
    counted::Counted,
    crms,
    measures::CALLS,
};

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
        if let (Rows::Renewed, Some(remedy)) = (rows, &section.outdated) {
            warn!(connection = section.name, "the settings of a CRM have a table of their own: {remedy}");
        }
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
        None => crms::named(&section.crm).map_err(Error::msg)?.default_mapping.to_owned(),
    };
    let mapping = Mapping::parse(&text)?;
    let row = ConnectionRow {
        id: clock.id(),
        name: section.name.clone(),
        crm: section.crm.clone(),
        settings: shown(section),
        mapping: text,
        mode: section.mode.name().to_owned(),
        state: ConnectionState::Ready,
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
    CALLS.expect(&section.name, connector.profile(), &mapping);
    if known.is_none() {
        budget::put(store, id, &connector.profile().budgets).await?;
    }
    Ok(Connection::new(id, section.name.clone(), section.mode, mapping, connector)
        .expecting(section.settings.account())
        .bounded(section.bounds()))
}

/// What may be shown of a section: no secrets.
fn shown(section: &ConnectionSection) -> mittler_store::Json<serde_json::Value> {
    let mut settings = section.settings.shown();
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
    let settings = &section.settings;
    let public = config.server.public_url.clone().unwrap_or_else(|| format!("http://{}", config.server.listen));
    let hook_url = format!("{}/hooks/{}", public.trim_end_matches('/'), section.name);
    let profile = tuned(section, settings.profile())?;
    // The lease of a write is reckoned from the profile: no call may last longer than it says.
    let client = mittler_connector::http::client(profile.call_timeout).context("the HTTP client cannot be made")?;
    let endpoint = TokenEndpoint { url: settings.token_url(), dialect: settings.dialect() };
    let grant = settings.grant(config).map_err(Error::msg)?;
    let auth: Arc<dyn Auth> = Vault::new(store.clone(), clock.clone(), keys, client.clone(), id, endpoint, grant);
    let pace: Arc<dyn Pace> = Budgets::new(store.clone(), clock.clone(), id, &profile.budgets);
    let http = Http::new(client, auth, pace, settings.dialect());
    let inner = settings.connector(Parts { http, profile, hook_url }, config).map_err(Error::msg)?;
    Ok(Arc::new(Counted { inner, name: section.name.clone() }))
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
    for (bucket, units) in &section.budget {
        let Some(budget) = profile.budgets.iter_mut().find(|budget| budget.bucket == bucket) else {
            let known: Vec<_> = profile.budgets.iter().map(|budget| budget.bucket).collect();
            bail!("there is no budget {bucket:?}; there are {}", known.join(", "));
        };
        budget.units = *units;
    }
    Ok(profile)
}
