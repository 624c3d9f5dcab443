//! Webhooks: the one contract between the door for them and whoever understands them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use mittler_connector::HookEvent;
use mittler_core::{
    Time,
    job::{Lane, Task},
};
use mittler_store::{Clock, Store, derived_id, jobs::NewJob};
use tracing::warn;

use crate::connections::{Connection, Connections};

pub use mittler_connector::RawHook;

/// What the sender of a hook is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookReply {
    pub status: u16,
    pub content_type: Option<&'static str>,
    pub body: String,
}

/// Authenticates a hook, makes what it tells durable, and says what to answer.
#[async_trait]
pub trait HookReceiver: Send + Sync {
    /// `connection` is the name in the path, `secret` the part of the path after it.
    async fn receive(&self, connection: &str, secret: &str, hook: RawHook, now: Time) -> HookReply;
}

/// The receiver for the connections of this process.
#[derive(Clone)]
pub struct Hooks {
    pub store: Store,
    pub clock: Clock,
    pub connections: Connections,
    /// Called after a commit that brought work.
    pub accepted: Arc<dyn Fn() + Send + Sync>,
}

#[async_trait]
impl HookReceiver for Hooks {
    async fn receive(&self, connection: &str, secret: &str, mut hook: RawHook, now: Time) -> HookReply {
        secret.clone_into(&mut hook.path_secret);
        let known = self.connections.named(connection);
        let told = known.as_ref().map(|connection| connection.connector.receive(&hook, now));
        // Whatever the cause - no such connection, a wrong signature, an old one - the answer is
        // the same.
        let (Some(connection), Some(Ok(told))) = (known, told) else {
            return HookReply { status: 401, content_type: None, body: String::new() };
        };
        let Ok(account) = connection.account().await else {
            // Whose events these are cannot be told now: the vendor sends them again.
            return HookReply { status: 503, content_type: None, body: String::new() };
        };
        let (ours, foreign): (Vec<HookEvent>, Vec<HookEvent>) =
            told.events.into_iter().partition(|event| same_account(&event.account, account));
        if !foreign.is_empty() {
            warn!(
                connection.id = %connection.id,
                events = foreign.len(),
                account = %foreign[0].account,
                "authentic webhook events of an account that this connection is not of were dropped"
            );
        }
        match self.keep(&connection, &ours, now).await {
            Ok(()) => {
                (self.accepted)();
                let (content_type, body) = told.answer.map_or((None, String::new()), |(kind, body)| (Some(kind), body));
                HookReply { status: 200, content_type, body }
            }
            // A fault of ours: the vendor sends it again.
            Err(_) => HookReply { status: 503, content_type: None, body: String::new() },
        }
    }
}

impl Hooks {
    /// One job per remote type, for the ids that were told of, also of records that went or became
    /// others: the read tells what they are now. Echoes of our own writes are left out; a read would
    /// find nothing new in them. A repeated delivery adds nothing to the job that still waits.
    async fn keep(&self, connection: &Connection, events: &[HookEvent], now: Time) -> mittler_store::Result<()> {
        #[derive(Default)]
        struct Hint<'e> {
            ids: BTreeSet<String>,
            keys: BTreeSet<&'e str>,
            at: Time,
        }
        let mut by_type: BTreeMap<&str, Hint<'_>> = BTreeMap::new();
        for event in events.iter().filter(|event| !event.own_echo) {
            let hint = by_type.entry(&event.remote_type).or_default();
            hint.ids.insert(event.id.clone());
            hint.keys.insert(&event.key);
            hint.at = hint.at.max(event.at);
        }
        let jobs: Vec<NewJob> = by_type
            .into_iter()
            .map(|(remote_type, Hint { ids, keys, at: not_before })| {
                let mut named: Vec<&[u8]> = vec![&b"hook"[..], connection.id.0.as_bytes(), remote_type.as_bytes()];
                named.extend(keys.into_iter().map(str::as_bytes));
                let id = derived_id(&named);
                let task = Task::Read {
                    connection: connection.id,
                    remote_type: remote_type.to_owned(),
                    ids: ids.into_iter().collect(),
                    not_before,
                };
                NewJob::new(id, task, Lane::Interactive, now, now)
            })
            .collect();
        self.store.write(async move |tx| tx.put_jobs(&jobs).await).await
    }
}

/// Whether two ids name one account. Salesforce has them in 15 and in 18 characters, of which the
/// last three are a checksum.
fn same_account(a: &str, b: &str) -> bool {
    let head = |id: &str| if matches!(id.len(), 15 | 18) { id.get(..15).map(str::to_owned) } else { None };
    a == b || head(a).is_some_and(|a| head(b) == Some(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_known_by_either_form_of_its_id() {
        assert!(same_account("00D5g000004VxyZ", "00D5g000004VxyZEAS"));
        assert!(same_account("62515", "62515"));
        assert!(!same_account("62515", "62516") && !same_account("", "62515"));
        assert!(!same_account("00D5g000004VxyZ", "00D5g000004Vxyz"));
    }
}
