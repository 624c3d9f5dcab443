//! A connector between the service and the real one: a story decides what becomes of a write before it goes out.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use mittler_connector::{
    Account, ChangePage, Connector, Cursor, Error, Key, NotAuthentic, Outcome, Profile, RawHook, Received,
    RemoteRecord, Result, SetupStep, SetupWish, Write,
};
use mittler_core::{RemoteSchema, Time, Value, mapping::Mapping};
use mittler_sync::{Connection, Mode};

use super::world::{SALESFORCE, World};

/// Gets the remote type and the writes; an error is the whole call's, and then nothing goes out.
pub type Before = dyn Fn(&str, &[Write]) -> BoxFuture<'static, Result<()>> + Send + Sync;

/// Gets the remote type of a write that the CRM has done; an error is all that anybody learns of it.
pub type After = dyn Fn(&str) -> Result<()> + Send + Sync;

/// Gets the remote type that is about to be described.
pub type Describes = dyn Fn(&str) + Send + Sync;

struct Between {
    inner: Arc<dyn Connector>,
    before: Arc<Before>,
    after: Arc<After>,
    describes: Arc<Describes>,
}

#[async_trait]
impl Connector for Between {
    fn profile(&self) -> &Profile {
        self.inner.profile()
    }

    async fn describe(&self, remote_type: &str) -> Result<RemoteSchema> {
        (self.describes)(remote_type);
        self.inner.describe(remote_type).await
    }

    async fn changes(&self, feed: &str, since: Option<&Cursor>, now: Time) -> Result<ChangePage> {
        self.inner.changes(feed, since, now).await
    }

    async fn read(&self, remote_type: &str, keys: &[Key], fields: &[String]) -> Result<Vec<RemoteRecord>> {
        self.inner.read(remote_type, keys, fields).await
    }

    async fn history(
        &self,
        remote_type: &str,
        ids: &[String],
        fields: &[String],
    ) -> mittler_connector::Result<mittler_connector::Histories> {
        self.inner.history(remote_type, ids, fields).await
    }

    async fn push(&self, remote_type: &str, batch: &[Write]) -> Result<Vec<Outcome>> {
        (self.before)(remote_type, batch).await?;
        let outcomes = self.inner.push(remote_type, batch).await?;
        (self.after)(remote_type)?;
        Ok(outcomes)
    }

    fn receive(&self, hook: &RawHook, now: Time) -> std::result::Result<Received, NotAuthentic> {
        self.inner.receive(hook, now)
    }

    fn record_url(&self, account: Option<&str>, remote_type: &str, id: &str) -> Option<String> {
        self.inner.record_url(account, remote_type, id)
    }

    async fn setup(&self, wish: SetupWish) -> mittler_connector::Result<Vec<SetupStep>> {
        self.inner.setup(wish).await
    }

    async fn account(&self) -> Result<Account> {
        self.inner.account().await
    }
}

/// Stands between a connection and its CRM from now on.
pub fn between(world: &World, name: &str, before: Arc<Before>) {
    stand(world, name, before, Arc::new(|_| Ok(())), Arc::new(|_| ()));
}

/// The same, for what follows a write, and for what comes before a description.
pub fn after(world: &World, name: &str, after: Arc<After>, describes: Arc<Describes>) {
    stand(world, name, Arc::new(|_, _| Box::pin(async { Ok(()) })), after, describes);
}

fn stand(world: &World, name: &str, before: Arc<Before>, after: Arc<After>, describes: Arc<Describes>) {
    let known = world.connections.named(name).unwrap();
    let text = if name == SALESFORCE {
        mittler_connector_salesforce::DEFAULT_MAPPING
    } else {
        mittler_connector_hubspot::DEFAULT_MAPPING
    };
    let connector = Arc::new(Between { inner: Arc::clone(&known.connector), before, after, describes });
    let mapping = Mapping::parse(text).unwrap();
    world.connections.put(Connection::new(known.id, name.to_owned(), Mode::Full, mapping, connector));
}

/// Whether a write of people says a word in any of its fields.
pub fn says(remote_type: &str, write: &Write, word: &str) -> bool {
    let fields = write.fields().into_iter().flat_map(|fields| fields.0.values());
    ["Lead", "contacts"].contains(&remote_type)
        && fields.flatten().any(|value| matches!(value, Value::Text(text) if text.contains(word)))
}

/// The refusal of a whole call that names no row.
pub fn refused_as_a_whole() -> Error {
    Error::BatchRefused { code: "ALL_REFUSED".into(), message: "one of them is not allowed".into(), fields: Vec::new() }
}
