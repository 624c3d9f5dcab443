//! Salesforce over its REST API: SOQL for finding, sObject Collections for writing, outbound
//! messages as hints.
//!
//! **Invariant:** every write by own key is an upsert, so that a repetition finds the first one.
//!
//! **Invariant:** a write without a readable answer is `Unknown`; only what Salesforce says it
//! refused counts as not written.

mod hook;
mod profile;
mod push;
mod read;
mod refusal;
mod settings;
mod setup;
mod soql;
mod statuses;
mod wire;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use mittler_connector::{
    Account, ChangePage, Connector, Cursor, Error, Histories, Key, NotAuthentic, Outcome, Profile, RawHook, Received,
    RemoteRecord, Result, SetupStep, SetupWish, Write,
    http::{Answer, Call, Http},
};
use mittler_core::{RemoteSchema, Time, remote::RemoteType};
use secrecy::SecretString;

pub use profile::profile;
pub use refusal::DIALECT;
pub use settings::CRM;

/// The mapping that a new connection starts with.
pub const DEFAULT_MAPPING: &str = include_str!("defaults.toml");

/// Whether Salesforce's own rules may choose the owner of what we write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Assignment {
    /// The owner that we send stays.
    #[default]
    Off,
    /// The active assignment rule.
    On,
    /// The assignment rule with this id.
    Rule(String),
}

/// What is set per connection.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://acme.my.salesforce.com`; the token answer's `instance_url`, not the login host.
    pub instance_url: String,
    pub api_version: String,
    /// The unique external id field that holds our ids on leads, contacts, accounts and campaigns.
    pub own_key: String,
    /// Shows up as the origin of our changes.
    pub client_name: String,
    pub assignment: Assignment,
    /// The only organisation whose hooks are taken.
    pub organization_id: Option<String>,
    /// The unguessable part of the address that outbound messages are sent to; empty takes none.
    pub hook_secret: SecretString,
    /// A unique external id field on tasks, where the administrator made one.
    pub activity_key: Option<String>,
}

impl Settings {
    pub fn new(instance_url: impl Into<String>) -> Settings {
        Settings {
            instance_url: instance_url.into(),
            api_version: "62.0".into(),
            own_key: "Mittler_Id__c".into(),
            client_name: "mittler".into(),
            assignment: Assignment::Off,
            organization_id: None,
            hook_secret: SecretString::default(),
            activity_key: None,
        }
    }
}

/// The types of a remote type's fields, to read their JSON by.
type Types = Arc<HashMap<String, RemoteType>>;

/// One Salesforce organisation.
#[derive(Debug)]
pub struct Salesforce {
    http: Http,
    settings: Settings,
    profile: Profile,
    /// JSON alone does not tell a date from a text that looks like one.
    types: RwLock<HashMap<String, Types>>,
}

impl Salesforce {
    pub fn new(http: Http, settings: Settings) -> Salesforce {
        let profile = profile::profile(&settings);
        Salesforce::with_profile(http, settings, profile)
    }

    /// With numbers of the profile as the connection has them.
    pub fn with_profile(http: Http, mut settings: Settings, profile: Profile) -> Salesforce {
        settings.instance_url.truncate(settings.instance_url.trim_end_matches('/').len());
        Salesforce { http, settings, profile, types: RwLock::default() }
    }

    async fn send(&self, call: Call) -> Result<Answer> {
        self.http.send(&call).await
    }

    /// The address of a resource of the pinned API version.
    fn url(&self, path: &str) -> String {
        format!("{}/services/data/v{}/{path}", self.settings.instance_url, self.settings.api_version)
    }

    fn client_option(&self) -> String {
        format!("client={}", self.settings.client_name)
    }

    /// The field of a remote type that holds our ids.
    fn own_key(&self, remote_type: &str) -> Option<&str> {
        self.profile.kind(remote_type)?.own_key.field()
    }

    /// The types of at least the `needed` fields, as far as Salesforce describes them. Asked for
    /// once, and again only for a field that was not there yet.
    async fn types(&self, remote_type: &str, needed: &[String]) -> Result<Types> {
        let known = self.types.read().unwrap_or_else(PoisonError::into_inner).get(remote_type).cloned();
        if let Some(types) = known.filter(|types| needed.iter().all(|field| types.contains_key(field))) {
            return Ok(types);
        }
        let schema = self.describe(remote_type).await?;
        let types: Types = Arc::new(schema.fields.into_iter().map(|field| (field.name, field.data_type)).collect());
        self.types.write().unwrap_or_else(PoisonError::into_inner).insert(remote_type.to_owned(), Arc::clone(&types));
        Ok(types)
    }
}

/// Names go into addresses and queries as they are; anything but a plain name is a mapping error.
fn plain_name(name: &str) -> Result<&str> {
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(name);
    }
    Err(Error::Configuration { code: "INVALID_NAME".into(), message: format!("{name:?} is no name of Salesforce's") })
}

#[async_trait]
impl Connector for Salesforce {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn describe(&self, remote_type: &str) -> Result<RemoteSchema> {
        setup::describe(self, remote_type).await
    }

    async fn changes(&self, feed: &str, since: Option<&Cursor>, now: Time) -> Result<ChangePage> {
        read::changes(self, feed, since, now).await
    }

    async fn read(&self, remote_type: &str, keys: &[Key], fields: &[String]) -> Result<Vec<RemoteRecord>> {
        read::read(self, remote_type, keys, fields).await
    }

    async fn history(&self, _remote_type: &str, _ids: &[String], _fields: &[String]) -> Result<Histories> {
        Ok(Histories::new())
    }

    async fn push(&self, remote_type: &str, batch: &[Write]) -> Result<Vec<Outcome>> {
        push::push(self, remote_type, batch).await
    }

    fn receive(&self, hook: &RawHook, now: Time) -> std::result::Result<Received, NotAuthentic> {
        hook::receive(&self.settings, hook, now)
    }

    fn record_url(&self, _account: Option<&str>, remote_type: &str, id: &str) -> Option<String> {
        let (remote_type, id) = (plain_name(remote_type).ok()?, plain_name(id).ok()?);
        // The pages live under a name of their own beside the API's.
        let instance = self.settings.instance_url.replacen(".my.salesforce.com", ".lightning.force.com", 1);
        Some(format!("{instance}/lightning/r/{remote_type}/{id}/view"))
    }

    async fn setup(&self, _: SetupWish) -> Result<Vec<SetupStep>> {
        setup::missing(self).await
    }

    async fn account(&self) -> Result<Account> {
        Ok(Account { id: setup::account(self).await?, time_zone: None })
    }
}
