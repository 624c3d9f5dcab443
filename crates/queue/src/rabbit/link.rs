//! A connection to the broker that can be cut.

use std::{
    io,
    net::{Shutdown, TcpStream},
    os::fd::AsFd,
    sync::{Arc, Mutex, PoisonError},
};

use lapin::{
    Connection, ConnectionProperties,
    tcp::{AsyncTcpStream, OwnedTLSConfig},
    uri::{AMQPScheme, AMQPUri},
};
use tokio::time::timeout;

use super::{PATIENCE, RabbitConfig, Trouble, limited};

/// Dropping it cuts the connection at once; what was not acked goes back to the queue.
pub(super) struct Link {
    connection: Connection,
    _guard: SocketGuard,
}

/// A second handle on the socket, which shuts it when dropped. lapin reads in a thread of its own
/// that cannot be cancelled and waits for its peer without a limit; a socket that is shut ends it.
#[derive(Default)]
struct SocketGuard(Arc<Mutex<Option<TcpStream>>>);

impl Drop for SocketGuard {
    fn drop(&mut self) {
        if let Some(socket) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            _ = socket.shutdown(Shutdown::Both); // an error means that it is shut already
        }
    }
}

impl Link {
    pub async fn open(config: &RabbitConfig, name: &str) -> Result<Link, Trouble> {
        let uri = config.uri()?;
        let guard = SocketGuard::default();
        let tie = Arc::clone(&guard.0);
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let opening = Connection::connector(
            uri,
            lapin::runtime::default_runtime()?,
            async move |uri: AMQPUri, runtime| {
                let host = uri.authority.host.as_str();
                let addresses = runtime.to_socket_addrs((host.to_owned(), uri.authority.port));
                let secured = async {
                    let stream = AsyncTcpStream::connect(&runtime, addresses).await?;
                    if let AsyncTcpStream::Plain(socket) = &stream {
                        let socket = TcpStream::from(socket.get_ref().as_fd().try_clone_to_owned()?);
                        *tie.lock().unwrap_or_else(PoisonError::into_inner) = Some(socket);
                    }
                    match uri.scheme {
                        AMQPScheme::AMQP => Ok(stream),
                        AMQPScheme::AMQPS => stream.into_tls(host, OwnedTLSConfig::default().as_ref()).await,
                    }
                };
                let late = |_| io::Error::from(io::ErrorKind::TimedOut);
                let stream = timeout(PATIENCE, secured).await.map_err(late).flatten();
                stream.map_err(lapin::Error::from)
            },
            properties,
        );
        let connection = limited(opening, "opening a connection").await?;
        Ok(Link { connection, _guard: guard })
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Says good-bye, if the broker listens.
    pub async fn close(self) {
        _ = limited(self.connection.close(200, "stopping".into()), "closing").await;
    }
}
