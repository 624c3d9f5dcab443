//! Webhooks: the one contract between the door for them and whoever understands them.

use async_trait::async_trait;
use mittler_core::Time;

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
