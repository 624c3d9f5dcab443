//! A connector with the numbers of its profile as configured.

use async_trait::async_trait;
use mittler_connector::{
    Account, Connector, Cursor, Histories, Key, NotAuthentic, Outcome, Page, Profile, RawHook, Received, RemoteRecord,
    Result, SetupStep, SetupWish, Write,
};
use mittler_core::{RemoteSchema, Time};

/// Everything is the inner connector's but the profile.
pub struct Tuned<C> {
    pub inner: C,
    pub profile: Profile,
}

#[async_trait]
impl<C: Connector> Connector for Tuned<C> {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn describe(&self, remote_type: &str) -> Result<RemoteSchema> {
        self.inner.describe(remote_type).await
    }

    async fn pull(&self, remote_type: &str, cursor: Option<&Cursor>) -> Result<Page> {
        self.inner.pull(remote_type, cursor).await
    }

    async fn read(&self, remote_type: &str, keys: &[Key], fields: &[String]) -> Result<Vec<RemoteRecord>> {
        self.inner.read(remote_type, keys, fields).await
    }

    async fn history(&self, remote_type: &str, ids: &[String], fields: &[String]) -> Result<Histories> {
        self.inner.history(remote_type, ids, fields).await
    }

    async fn push(&self, remote_type: &str, batch: &[Write]) -> Result<Vec<Outcome>> {
        self.inner.push(remote_type, batch).await
    }

    fn receive(&self, hook: &RawHook, now: Time) -> std::result::Result<Received, NotAuthentic> {
        self.inner.receive(hook, now)
    }

    fn record_url(&self, account: Option<&str>, remote_type: &str, id: &str) -> Option<String> {
        self.inner.record_url(account, remote_type, id)
    }

    async fn setup(&self, wish: SetupWish) -> Result<Vec<SetupStep>> {
        self.inner.setup(wish).await
    }

    async fn account(&self) -> Result<Account> {
        self.inner.account().await
    }
}
