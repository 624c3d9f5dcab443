//! HubSpot over its date-versioned CRM API.
//!
//! Each file is one concern: `paths` knows where the version stands in an address, `wire` their
//! JSON, `values` how a value is written as text, `errors` what a failure means, `outcomes` what an answer
//! tells of each write, `fields` what the fields are of types that are not described. The rest follows the
//! connector's methods.
//!
//! **Invariant:** results of a batch come back shuffled and some may be missing, so nothing is ever
//! matched by position; a write whose fate the answer does not tell makes the call unknown.
//!
//! **Invariant:** every input of a batch carries a trace id. It is what makes HubSpot write the
//! valid rows and name the others, instead of refusing all of them.

mod associations;
mod attendance;
mod errors;
mod events;
mod fields;
mod outcomes;
mod owners;
mod paths;
mod profile;
mod pull;
mod push;
mod read;
mod schema;
mod settings;
mod signature;
mod values;
mod webhook;
mod wire;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use mittler_connector::{
    Account, ChangePage, Connector, Cursor, Error, Histories, Key, NotAuthentic, Outcome, Profile, RawHook, Received,
    RemoteRecord, Result, SetupStep, SetupWish, Write,
    http::{Call, Http},
};
use mittler_core::{RemoteSchema, Time};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use crate::paths::Paths;

pub use errors::DIALECT;
pub use profile::profile;
pub use settings::CRM;

/// How records of ours become records of HubSpot unless a connection says otherwise.
pub const DEFAULT_MAPPING: &str = include_str!("defaults.toml");

/// What a connection to one portal is configured with.
#[derive(Debug, Clone)]
pub struct Settings {
    pub base_url: String,
    /// `2026-09`, or `v3` for the addresses that end in September 2027.
    pub version: String,
    /// The unique property on contacts and companies that holds our id.
    pub own_key: String,
    /// A unique property on tasks, e-mails and notes that holds our id. Most portals have none.
    pub activity_key: Option<String>,
    pub portal_id: Option<String>,
    /// The app that writes for us, by which webhooks name our own changes.
    pub app_id: Option<String>,
    /// Signs the webhooks; without it none is authentic.
    pub client_secret: Option<SecretString>,
    /// The address that the app has as its webhook target. Signatures cover it.
    pub hook_uri: String,
    /// Accept webhooks signed by the first version alone, which has no time stamp.
    pub allow_v1: bool,
    /// With an event's own id it is what HubSpot knows a marketing event by.
    pub external_account_id: String,
    pub attendance_states: AttendanceStates,
}

/// How the attendance calls spell the states: HubSpot's specification and its guide disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttendanceStates {
    pub attend: String,
    pub register: String,
    pub cancel: String,
}

impl Default for AttendanceStates {
    fn default() -> Self {
        AttendanceStates { attend: "attend".into(), register: "register".into(), cancel: "cancel".into() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            base_url: "https://api.hubapi.com".into(),
            version: "2026-09".into(),
            own_key: "mittler_id".into(),
            activity_key: None,
            portal_id: None,
            app_id: None,
            client_secret: None,
            hook_uri: String::new(),
            allow_v1: false,
            external_account_id: "mittler".into(),
            attendance_states: AttendanceStates::default(),
        }
    }
}

/// One HubSpot portal.
pub struct HubSpot {
    http: Http,
    settings: Settings,
    paths: Paths,
    profile: Profile,
    /// What each type's properties hold, as last described: HubSpot sends every value as text, so
    /// nothing can be read without it.
    schemas: RwLock<BTreeMap<String, Arc<RemoteSchema>>>,
}

impl std::fmt::Debug for HubSpot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubSpot").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl HubSpot {
    pub fn new(http: Http, settings: Settings) -> HubSpot {
        let profile = profile::profile(&settings);
        HubSpot::with_profile(http, settings, profile)
    }

    /// With numbers of the profile as the connection has them.
    pub fn with_profile(http: Http, settings: Settings, profile: Profile) -> HubSpot {
        HubSpot {
            paths: Paths::new(&settings.base_url, &settings.version),
            profile,
            schemas: RwLock::default(),
            http,
            settings,
        }
    }

    /// A call that only reads, with an answer that must be of the form.
    async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T> {
        let answer = self.http.send(call).await?;
        if !answer.status.is_success() {
            return Err(errors::failed(call, &answer));
        }
        wire::parse(&answer).ok_or_else(|| errors::unreadable(call))
    }

    /// Like [`HubSpot::ask`] where 404 is an answer too.
    async fn ask_for<T: DeserializeOwned>(&self, call: &Call) -> Result<Option<T>> {
        match self.ask(call).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::Protocol { detail }) if detail == errors::NOT_FOUND => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The schema as last described, or described now.
    async fn schema(&self, remote_type: &str) -> Result<Arc<RemoteSchema>> {
        let known = self.schemas.read().unwrap_or_else(PoisonError::into_inner).get(remote_type).cloned();
        match known {
            Some(schema) => Ok(schema),
            None => self.fresh_schema(remote_type).await,
        }
    }

    async fn fresh_schema(&self, remote_type: &str) -> Result<Arc<RemoteSchema>> {
        let schema = Arc::new(self.describe_type(remote_type).await?);
        let mut schemas = self.schemas.write().unwrap_or_else(PoisonError::into_inner);
        schemas.insert(remote_type.to_owned(), Arc::clone(&schema));
        Ok(schema)
    }
}

#[async_trait]
impl Connector for HubSpot {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn describe(&self, remote_type: &str) -> Result<RemoteSchema> {
        Ok(RemoteSchema::clone(&*self.fresh_schema(remote_type).await?))
    }

    async fn changes(&self, feed: &str, since: Option<&Cursor>, now: Time) -> Result<ChangePage> {
        self.changes_of(feed, since, now).await
    }

    async fn read(&self, remote_type: &str, keys: &[Key], fields: &[String]) -> Result<Vec<RemoteRecord>> {
        self.read_type(remote_type, keys, fields).await
    }

    async fn history(&self, remote_type: &str, ids: &[String], fields: &[String]) -> Result<Histories> {
        self.read_history(remote_type, ids, fields).await
    }

    async fn push(&self, remote_type: &str, batch: &[Write]) -> Result<Vec<Outcome>> {
        self.push_type(remote_type, batch).await
    }

    fn receive(&self, hook: &RawHook, now: Time) -> std::result::Result<Received, NotAuthentic> {
        webhook::receive(&self.settings, hook, now)
    }

    fn record_url(&self, account: Option<&str>, remote_type: &str, id: &str) -> Option<String> {
        let portal = self.settings.portal_id.as_deref().or(account)?;
        let object = profile::page_of(remote_type)?;
        id.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| format!("https://app.hubspot.com/contacts/{portal}/record/{object}/{id}"))
    }

    async fn setup(&self, wish: SetupWish) -> Result<Vec<SetupStep>> {
        self.set_up_portal(wish).await
    }

    async fn account(&self) -> Result<Account> {
        let details: wire::Account = self.ask(&Call::read(reqwest::Method::GET, self.paths.account())).await?;
        Ok(Account { id: details.portal_id, time_zone: details.time_zone })
    }
}
