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
use mittler_store::{Clock, Store, jobs::NewJob};

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
        match self.keep(&connection, &told.events, now).await {
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
    /// One job per remote type, for the ids that were told of. Echoes of our own writes are left
    /// out; a read would find nothing new in them.
    async fn keep(&self, connection: &Connection, events: &[HookEvent], now: Time) -> mittler_store::Result<()> {
        let mut by_type: BTreeMap<&str, (BTreeSet<String>, Time)> = BTreeMap::new();
        for event in events.iter().filter(|event| !event.own_echo) {
            let entry = by_type.entry(&event.remote_type).or_insert((BTreeSet::new(), Time(0)));
            entry.0.insert(event.id.clone());
            entry.1 = entry.1.max(event.at);
        }
        let jobs: Vec<NewJob> = by_type
            .into_iter()
            .map(|(remote_type, (ids, not_before))| {
                let task = Task::Read {
                    connection: connection.id,
                    remote_type: remote_type.to_owned(),
                    ids: ids.into_iter().collect(),
                    not_before,
                };
                NewJob::new(self.clock.id(), task, Lane::Interactive, now, now)
            })
            .collect();
        self.store.write(async move |tx| tx.put_jobs(&jobs).await).await
    }
}
