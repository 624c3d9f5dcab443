//! RabbitMQ as the carrier: one connection per role, built anew after every fault.
//!
//! lapin's own recovery stays off. It gives up after a number of tries, does not bring back a
//! channel that the broker closed, and leaves consumers waiting that will never hear again; a
//! session here ends at the first sign of trouble and the next begins from nothing.
//!
//! **Invariant:** nothing of lapin is awaited without a time limit, but for the next delivery.
//!
//! **Invariant:** a connection that is given up is cut at its socket. lapin would keep the thread
//! and the socket of an attempt nobody waits for, for as long as the peer keeps silent.

mod consume;
mod link;
mod mute;
mod pulse;
mod relay;
mod topology;

use std::time::Duration;

use lapin::uri::AMQPUri;
use secrecy::{ExposeSecret, SecretString};

pub(crate) use consume::consume;
pub use relay::relay;

/// How long the broker may take for one publish, confirm, ack or declaration.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a queue may take for the first confirm of a session, and to take a consumer: see [`mute`].
const FIRST: Duration = Duration::from_secs(3);
/// The AMQP heartbeat: a silent connection counts as dead after twice that.
const SILENCE: u16 = 10;
/// What a message that only proves the way through the queue begins with.
const HEARTBEAT: &str = "heartbeat:";

/// Where the broker is and what to use there.
#[derive(Debug, Clone)]
pub struct RabbitConfig {
    pub url: SecretString,
    pub queue: String,
    /// Messages that one process may have without having acked them, and no more than it has
    /// workers.
    pub prefetch: u16,
}

impl RabbitConfig {
    pub fn new(url: SecretString) -> Self {
        RabbitConfig { url, queue: "mittler.jobs".into(), prefetch: 32 }
    }

    /// The parsed URL. Nothing of it is repeated in an error, as it holds the password.
    fn uri(&self) -> Result<AMQPUri, Trouble> {
        let url = self.url.expose_secret();
        let unreadable =
            || Trouble::Fatal("the RabbitMQ URL cannot be read; it is amqp://user:password@host:port/vhost".into());
        // The parser takes an IPv6 literal for no host at all and falls back to localhost.
        if url.contains("@[") || url.contains("//[") {
            return Err(Trouble::Fatal("the RabbitMQ URL needs a host name or an IPv4 address".into()));
        }
        if self.queue.is_empty() || self.queue.len() > 200 || self.queue.starts_with("amq.") {
            return Err(Trouble::Fatal(
                "the name of the RabbitMQ queue has 1 to 200 characters and does not begin with amq.".into(),
            ));
        }
        let mut uri: AMQPUri = url.parse().map_err(|_| unreadable())?;
        uri.query.heartbeat.get_or_insert(SILENCE);
        Ok(uri)
    }
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// Goes by itself; a new session is tried.
    #[error("{0}")]
    Passing(String),
    /// As [`Trouble::Passing`]: the broker answers, but this queue confirms nothing or takes no consumer.
    /// After a kill of the broker a quorum queue can stay without a leader for good.
    #[error("the queue {0} does not answer")]
    Mute(String),
    /// A person has to act first.
    #[error("{0}")]
    Fatal(String),
}

impl Trouble {
    fn passing(what: &str) -> Trouble {
        Trouble::Passing(what.to_owned())
    }
}

impl From<lapin::Error> for Trouble {
    fn from(error: lapin::Error) -> Self {
        Trouble::Passing(error.to_string())
    }
}

/// Limits a call to the broker.
async fn limited<T>(call: impl Future<Output = lapin::Result<T>>, what: &str) -> Result<T, Trouble> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(result) => Ok(result?),
        Err(_elapsed) => Err(Trouble::Passing(format!("no answer to {what}"))),
    }
}

/// For `mittler doctor`: declares what is needed and tells what it found, in plain words.
///
/// # Errors
/// What is wrong, and the remedy.
pub async fn check(config: &RabbitConfig) -> Result<Vec<String>, String> {
    inspect(config).await.map_err(|trouble| match trouble {
        Trouble::Fatal(text) => text,
        passing => format!("RabbitMQ cannot be used: {passing}. Check that it runs, and the URL, user and vhost"),
    })
}

/// Removes the queues of a carrier that nobody uses any more, with what they hold.
///
/// # Errors
/// If the broker does not answer.
pub async fn remove(config: &RabbitConfig) -> Result<(), String> {
    let removed = async {
        let link = link::Link::open(config, "mittler").await?;
        topology::remove_all(&link, &config.queue).await?;
        link.close().await;
        Ok::<_, Trouble>(())
    };
    removed.await.map_err(|trouble| trouble.to_string())
}

async fn inspect(config: &RabbitConfig) -> Result<Vec<String>, Trouble> {
    let link = link::Link::open(config, "mittler doctor").await?;
    topology::declare(&link, &config.queue).await?;
    let channel = limited(link.connection().create_channel(), "opening a channel").await?;
    let jobs = topology::depth(&channel, &config.queue).await?;
    let urgent = topology::depth(&channel, &topology::urgent(&config.queue)).await?;
    let dead = topology::depth(&channel, &topology::dead(&config.queue)).await?;
    let mut found = vec![format!(
        "the quorum queue {0} has {1} messages and {2} consumers, {0}.urgent has {3} and {4}",
        config.queue, jobs.messages, jobs.consumers, urgent.messages, urgent.consumers
    )];
    if jobs.consumers == 0 {
        found.push("no worker consumes: start a process with the worker role".into());
    }
    if dead.messages > 0 {
        found.push(format!(
            "{0} holds {1} messages that were delivered too often; their jobs are rows and are sent again by \
             themselves. Look for workers that die, then empty it: rabbitmqctl purge_queue {0}",
            topology::dead(&config.queue),
            dead.messages
        ));
    }
    if link.connection().status().blocked() {
        found.push("RabbitMQ blocks publishers: it is short of memory or disk".into());
    }
    link.close().await;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_used_is_refused_without_repeating_it() {
        for url in ["nonsense hunter2", "http://u:hunter2@host/", "amqp://u:hunter2@[::1]:5672/", "amqp://[::1]/"] {
            let config = RabbitConfig::new(url.to_owned().into());
            let Err(Trouble::Fatal(text)) = config.uri() else { panic!("{url} was taken") };
            assert!(!text.contains("hunter2"));
        }
        let uri = RabbitConfig::new("amqp://u:p@host/v".to_owned().into()).uri().unwrap();
        assert_eq!((uri.authority.host.as_str(), uri.vhost.as_str(), uri.query.heartbeat), ("host", "v", Some(10)));
        let uri = RabbitConfig::new("amqp://u:p@host/v?heartbeat=30".to_owned().into()).uri().unwrap();
        assert_eq!(uri.query.heartbeat, Some(30));
    }
}
