//! The address of the process. It is bound before anything else: whoever calls while the database
//! is still away is told to come again instead of finding nobody.
//!
//! **Invariant:** no caller holds a place for longer than it uses it: a head that does not come ends
//! its connection, and who comes when all places are taken is told so at once.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use mittler_api::{Peer, Problem};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::warn;

/// How long requests in hand may go on after a stop.
const GRACE: Duration = Duration::from_secs(20);
/// How long to wait when the system gives no further connection (no file descriptors).
const EXHAUSTED: Duration = Duration::from_millis(200);
/// Bytes that the head of a request has at most.
const HEAD: usize = 64 * 1024;

/// What callers may take of the process.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at a time. The next ones are answered 503.
    pub connections: usize,
    /// Connections at a time that are only told that there is no place. More are closed unheard.
    pub turned_away: usize,
    /// How long the head of a request may take, and how long a connection may lie idle.
    pub head: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { connections: 1_024, turned_away: 128, head: Duration::from_secs(30) }
    }
}

/// Where others call. Until it is opened it says that it is alive and not yet ready.
pub struct Listener {
    pub addr: SocketAddr,
    router: Arc<OnceLock<Router>>,
    waits_for: Arc<Mutex<Option<String>>>,
    serving: JoinHandle<()>,
}

impl Listener {
    /// Listens until `stop`.
    pub async fn start(listen: SocketAddr, stop: &CancellationToken) -> Result<Listener> {
        Listener::within(Limits::default(), listen, stop).await
    }

    pub async fn within(limits: Limits, listen: SocketAddr, stop: &CancellationToken) -> Result<Listener> {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let addr = listener.local_addr()?;
        let router = Arc::new(OnceLock::<Router>::new());
        let waits_for = Arc::new(Mutex::new(None));
        let serving = tokio::spawn(serve(listener, Arc::clone(&router), Arc::clone(&waits_for), limits, stop.clone()));
        Ok(Listener { addr, router, waits_for, serving })
    }

    /// Tells callers why it is not ready yet.
    pub fn waits_for(&self, what: &str) {
        *self.waits_for.lock().unwrap_or_else(PoisonError::into_inner) = Some(what.to_owned());
    }

    /// Answers with this from now on.
    pub fn open(&self, router: Router) {
        _ = self.router.set(router);
    }

    /// Waits for the end.
    pub async fn finish(self) -> Result<()> {
        self.serving.await.context("the API broke")
    }
}

async fn serve(
    listener: TcpListener,
    router: Arc<OnceLock<Router>>,
    waits_for: Arc<Mutex<Option<String>>>,
    limits: Limits,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let turned_away = Arc::new(Semaphore::new(limits.turned_away));
    let open = GracefulShutdown::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(EXHAUSTED).await;
                continue;
            }
        };
        // Answers are small and complete: waiting for more only delays them.
        _ = stream.set_nodelay(true);
        match (Arc::clone(&places).try_acquire_owned(), Arc::clone(&turned_away).try_acquire_owned()) {
            (Ok(place), _) => {
                let (router, waits_for) = (Arc::clone(&router), Arc::clone(&waits_for));
                connection(&open, stream, limits.head, place, move |mut request: Request| {
                    request.extensions_mut().insert(Peer(peer.ip()));
                    let router = router.get().cloned();
                    let waits_for = waits_for.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    async move {
                        match router {
                            Some(router) => router.oneshot(request).await.into_response(),
                            None => starting(request.uri().path(), waits_for),
                        }
                    }
                });
            }
            (Err(_), Ok(place)) => {
                connection(&open, stream, limits.head.min(Duration::from_secs(2)), place, |_| async {
                    let mut response = Problem::new("busy")
                        .detailed("this process has as many connections as it takes")
                        .into_response();
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                    response
                });
            }
            (Err(_), Err(_)) => drop(stream),
        }
    }
    drop(listener);
    _ = tokio::time::timeout(GRACE, open.shutdown()).await;
}

/// Serves one connection; its place is free again when it has ended.
fn connection<F, A>(open: &GracefulShutdown, stream: TcpStream, head: Duration, place: OwnedSemaphorePermit, answer: F)
where
    F: Fn(Request) -> A + Clone + Send + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let service = tower::service_fn(move |request: axum::http::Request<Incoming>| {
        let answered = answer(request.map(Body::new));
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let served = open.watch(served);
    tokio::spawn(async move {
        // How a connection ends is the caller's business: resets and timeouts are no faults of ours.
        _ = served.await;
        drop(place);
    });
}

fn starting(path: &str, waits_for: Option<String>) -> Response {
    if path == "/health/live" {
        return Json(json!({"status": "live"})).into_response();
    }
    let why = waits_for.map(|what| format!("; it waits for the database: {what}")).unwrap_or_default();
    Problem::new("unavailable").detailed(format!("the service is starting{why}")).into_response()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn listener(limits: Limits) -> (Listener, CancellationToken) {
        let stop = CancellationToken::new();
        let listener = Listener::within(limits, "127.0.0.1:0".parse().unwrap(), &stop).await.unwrap();
        listener.open(Router::new().fallback(async || "hello"));
        (listener, stop)
    }

    /// Everything that comes until the connection ends.
    async fn rest(stream: &mut TcpStream) -> String {
        let mut text = Vec::new();
        tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut text)).await.unwrap().unwrap();
        String::from_utf8_lossy(&text).into_owned()
    }

    #[tokio::test]
    async fn a_head_that_comes_byte_by_byte_ends_its_connection() {
        let (listener, stop) = listener(Limits { head: Duration::from_millis(300), ..Limits::default() }).await;
        let (mut reading, mut writing) = TcpStream::connect(listener.addr).await.unwrap().into_split();
        let began = Instant::now();
        let drip = tokio::spawn(async move {
            writing.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await.unwrap();
            while writing.write_all(b"a").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let mut text = Vec::new();
        _ = tokio::time::timeout(Duration::from_secs(20), reading.read_to_end(&mut text)).await.unwrap();
        assert!(began.elapsed() >= Duration::from_millis(250), "it was given its time");
        assert!(!String::from_utf8_lossy(&text).contains("hello"));
        drip.await.unwrap();
        stop.cancel();
        listener.finish().await.unwrap();
    }

    #[tokio::test]
    async fn who_comes_when_all_places_are_taken_is_told_and_finds_a_place_later() {
        let (listener, stop) = listener(Limits { connections: 1, ..Limits::default() }).await;
        let call = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut first = TcpStream::connect(listener.addr).await.unwrap();
        first.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
        let mut second = TcpStream::connect(listener.addr).await.unwrap();
        second.write_all(call).await.unwrap();
        let told = rest(&mut second).await;
        assert!(
            told.starts_with("HTTP/1.1 503") && told.contains("retry-after: ") && told.contains("\"busy\""),
            "{told}"
        );
        first.write_all(b"Connection: close\r\n\r\n").await.unwrap();
        assert!(rest(&mut first).await.ends_with("hello"));
        let mut third = TcpStream::connect(listener.addr).await.unwrap();
        third.write_all(call).await.unwrap();
        assert!(rest(&mut third).await.ends_with("hello"));
        stop.cancel();
        listener.finish().await.unwrap();
    }
}
