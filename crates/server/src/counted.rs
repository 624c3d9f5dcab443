//! A connector with each of its calls counted.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use mittler_connector::{
    Account, ChangePage, Connector, Cursor, Histories, Key, NotAuthentic, Outcome, Profile, RawHook, Received,
    RemoteRecord, Result, SetupStep, SetupWish, Write,
};
use mittler_core::{RemoteSchema, Time};

use crate::measures::{CALLS, Call};

/// Everything is the inner connector's.
pub struct Counted {
    pub inner: Arc<dyn Connector>,
    /// The connection's name, by which its calls are counted.
    pub name: String,
}

impl Counted {
    async fn counted<T>(&self, object: &str, call: Call, work: impl Future<Output = Result<T>>) -> Result<T> {
        let begun = Instant::now();
        let result = work.await;
        CALLS.note(&self.name, object, call, begun, &result);
        result
    }
}

#[async_trait]
impl Connector for Counted {
    fn profile(&self) -> &Profile {
        self.inner.profile()
    }

    async fn describe(&self, remote_type: &str) -> Result<RemoteSchema> {
        self.counted(remote_type, Call::Describe, self.inner.describe(remote_type)).await
    }

    async fn changes(&self, feed: &str, since: Option<&Cursor>, now: Time) -> Result<ChangePage> {
        self.counted(feed, Call::Pull, self.inner.changes(feed, since, now)).await
    }

    async fn read(&self, remote_type: &str, keys: &[Key], fields: &[String]) -> Result<Vec<RemoteRecord>> {
        self.counted(remote_type, Call::Read, self.inner.read(remote_type, keys, fields)).await
    }

    async fn history(&self, remote_type: &str, ids: &[String], fields: &[String]) -> Result<Histories> {
        self.counted(remote_type, Call::History, self.inner.history(remote_type, ids, fields)).await
    }

    async fn push(&self, remote_type: &str, batch: &[Write]) -> Result<Vec<Outcome>> {
        let outcomes = self.counted(remote_type, Call::of(batch), self.inner.push(remote_type, batch)).await?;
        CALLS.note_rows(&self.name, remote_type, &outcomes);
        Ok(outcomes)
    }

    fn receive(&self, hook: &RawHook, now: Time) -> std::result::Result<Received, NotAuthentic> {
        self.inner.receive(hook, now)
    }

    fn record_url(&self, account: Option<&str>, remote_type: &str, id: &str) -> Option<String> {
        self.inner.record_url(account, remote_type, id)
    }

    async fn setup(&self, wish: SetupWish) -> Result<Vec<SetupStep>> {
        self.counted("", Call::Setup, self.inner.setup(wish)).await
    }

    async fn account(&self) -> Result<Account> {
        self.counted("", Call::Account, self.inner.account()).await
    }
}
