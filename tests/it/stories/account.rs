//! A connection of a story to the sandbox, with a token that is fetched and kept as in life.

use std::{sync::Arc, time::Duration};

use mittler_connector::{
    Connector, Profile,
    http::{Auth, Http, Pace},
    oauth::{Grant, TokenEndpoint},
};
use mittler_connector_hubspot::{DIALECT as HUBSPOT_DIALECT, HubSpot};
use mittler_connector_salesforce::{DIALECT as SALESFORCE_DIALECT, Salesforce};
use mittler_core::mapping::Mapping;
use mittler_sandbox::Sandbox;
use mittler_store::{
    Clock, Json as Stored, Store,
    connections::{ConnectionRow, ConnectionState},
};
use mittler_sync::{
    Connection, Keys,
    bounds::Bounds,
    budget::{self, Budgets},
    vault::Vault,
};
use secrecy::SecretString;
use serde_json::json;

use super::world::{HOOK_SECRET, SALESFORCE, Setup};

pub async fn connection(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    sandbox: &Sandbox,
    setup: &Setup,
    crm: &str,
) -> Connection {
    let text = (setup.remap)(if crm == SALESFORCE {
        mittler_connector_salesforce::DEFAULT_MAPPING
    } else {
        mittler_connector_hubspot::DEFAULT_MAPPING
    });
    let row = ConnectionRow {
        id: clock.id(),
        name: crm.to_owned(),
        crm: crm.to_owned(),
        settings: Stored(if setup.bounds == Bounds::default() { json!({}) } else { json!({ "bounds": setup.bounds }) }),
        mapping: text.clone(),
        mode: setup.mode.name().to_owned(),
        state: ConnectionState::Ready,
        code: None,
        reason: None,
        paused_until: 0,
        updated_at: clock.now().0,
    };
    let id = store.put_connection(&row).await.unwrap();
    let client = mittler_connector::http::client(setup.call_timeout).unwrap();
    let http = |profile: &Profile, token_url: String, grant: Grant| {
        let dialect = if crm == SALESFORCE { SALESFORCE_DIALECT } else { HUBSPOT_DIALECT };
        let endpoint = TokenEndpoint { url: token_url, dialect };
        let auth: Arc<dyn Auth> = Vault::new(store.clone(), clock.clone(), keys, client.clone(), id, endpoint, grant);
        let budgets = if setup.paced { &profile.budgets[..] } else { &[] };
        let pace: Arc<dyn Pace> = Budgets::new(store.clone(), clock.clone(), id, budgets);
        Http::new(client.clone(), auth, pace, dialect)
    };
    let tuned = |mut profile: Profile| {
        profile.call_timeout = setup.call_timeout;
        profile.visibility_lag = Duration::from_secs(1);
        for kind in &mut profile.kinds {
            kind.batch = kind.batch.min(setup.batch);
        }
        profile
    };
    let access = sandbox.access();
    let own = if crm == SALESFORCE {
        access.salesforce.organization_id.clone()
    } else {
        access.hubspot.portal_id.to_string()
    };
    let account = setup.account.clone().unwrap_or(own);
    let connector: Arc<dyn Connector> = if crm == SALESFORCE {
        let access = access.salesforce;
        let mut settings = mittler_connector_salesforce::Settings::new(access.base_url.clone());
        settings.organization_id = Some(access.organization_id.clone());
        settings.assignment = setup.assignment.clone();
        settings.hook_secret = SecretString::from(HOOK_SECRET);
        let grant = Grant::ClientCredentials {
            client_id: access.client_id.clone(),
            client_secret: access.client_secret.clone().into(),
        };
        let profile = tuned(mittler_connector_salesforce::profile(&settings));
        let http = http(&profile, format!("{}/services/oauth2/token", access.base_url), grant);
        Arc::new(Salesforce::with_profile(http, settings, profile))
    } else {
        let access = access.hubspot;
        let settings = mittler_connector_hubspot::Settings {
            base_url: access.base_url.clone(),
            portal_id: Some(access.portal_id.to_string()),
            app_id: Some(access.app_id.to_string()),
            client_secret: Some(access.client_secret.clone().into()),
            hook_uri: setup.hook_uri.clone(),
            ..mittler_connector_hubspot::Settings::default()
        };
        let grant = Grant::RefreshToken {
            client_id: access.client_id.clone(),
            client_secret: Some(access.client_secret.clone().into()),
            refresh_token: access.refresh_token.clone().into(),
        };
        let profile = tuned(mittler_connector_hubspot::profile(&settings));
        let http = http(&profile, format!("{}/oauth/2026-09/token", access.base_url), grant);
        Arc::new(HubSpot::with_profile(http, settings, profile))
    };
    if setup.paced {
        budget::put(store, id, &connector.profile().budgets).await.unwrap();
    }
    let mapping = Mapping::parse(&text).unwrap();
    Connection::new(id, crm.to_owned(), setup.mode, mapping, connector)
        .expecting(Some(account))
        .bounded(setup.bounds.clone())
}
