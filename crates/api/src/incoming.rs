//! What callers send, on its way in: how long it may take, how much of it there may be at a time,
//! how it may be packed, and what becomes of the rest when nobody reads it.
//!
//! **Invariant:** an answer that is given before the body was read reaches the caller: the rest is
//! read and dropped, within bounds, because closing a connection with unread bytes resets it.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::time::{Instant, Sleep};

use crate::{App, problem::Problem};

/// What is read and dropped of a body that nobody wants.
const DRAINED: usize = 128 * 1024 * 1024;
/// How long that may take.
const DRAINING: Duration = Duration::from_secs(15);

/// Why a body does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stopped {
    #[error("the body came too slowly")]
    TooSlow,
    #[error("as much is being received as this process takes at a time")]
    Busy,
}

impl Stopped {
    /// Looks for it among the causes of an error.
    pub fn among(error: &(dyn std::error::Error + 'static)) -> Option<Problem> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            match error.downcast_ref::<Stopped>() {
                Some(Stopped::TooSlow) => return Some(Problem::new("too_slow")),
                Some(Stopped::Busy) => return Some(Problem::new("busy")),
                None => cause = error.source(),
            }
        }
        None
    }
}

/// How often a connection is looked at whose caller waits for work that takes long.
const LOOK: Duration = Duration::from_millis(250);

/// Waits for work that another thread does. The server learns that a caller has left, and drops what it
/// does for them, only when the task of the connection wakes: so it is woken now and then.
pub(crate) async fn attended<R>(work: impl Future<Output = R>) -> R {
    let mut work = std::pin::pin!(work);
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = look.tick() => {}
        }
    }
}

/// Bytes of bodies that are in memory, of all requests.
#[derive(Debug, Default)]
pub(crate) struct InFlight(AtomicUsize);

/// The part of one request. It is given back when nobody holds the body any more.
#[derive(Debug)]
pub(crate) struct Held {
    of: Arc<InFlight>,
    limit: usize,
    bytes: AtomicUsize,
}

impl Held {
    fn take(&self, bytes: usize) -> Result<(), Stopped> {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let before = self.of.0.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > self.limit { Err(Stopped::Busy) } else { Ok(()) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Packed bytes: their time, their packing, and their rest.
pub(crate) async fn packed(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let told = length(request.headers());
    let expects = request.headers().contains_key(header::EXPECT);
    let (idle, whole) = (app.settings.body_idle, Instant::now() + app.settings.body_whole);
    let request = request.map(|body| {
        let pause = Box::pin(tokio::time::sleep(idle));
        Body::new(Packed { inner: Some(body), idle, pause, whole, asked: !expects })
    });
    if !request
        .headers()
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(|packing| matches!(packing.as_bytes(), b"gzip" | b"identity"))
    {
        let mut refused =
            Problem::new("wrong_encoding").detailed("send the body as it is, or packed with gzip").into_response();
        refused.headers_mut().insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("gzip"));
        return refused;
    }
    let in_flight = app.in_flight.0.load(Ordering::Relaxed);
    if told.is_some_and(|told| told.saturating_add(in_flight) > app.settings.in_flight_limit.max(told)) {
        return Problem::new("busy").into_response();
    }
    next.run(request).await
}

/// Unpacked bytes: how many there are at a time.
pub(crate) async fn unpacked(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let limit = app.settings.in_flight_limit;
    let held = Arc::new(Held { of: Arc::clone(&app.in_flight), limit, bytes: AtomicUsize::new(0) });
    request.extensions_mut().insert(Arc::clone(&held));
    let request = request.map(|inner| Body::new(Unpacked { inner, held }));
    next.run(request).await
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

struct Packed {
    inner: Option<Body>,
    /// How long it may pause.
    idle: Duration,
    pause: Pin<Box<Sleep>>,
    /// When all of it must be there.
    whole: Instant,
    /// A caller that waits to be asked for its body has sent none before that.
    asked: bool,
}

impl HttpBody for Packed {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::BoxError>>> {
        let this = &mut *self;
        this.asked = true;
        let Some(inner) = this.inner.as_mut() else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(inner).poll_frame(cx) {
            let next = Instant::now() + this.idle;
            this.pause.as_mut().reset(next.min(this.whole));
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(this.pause.as_mut().poll(cx));
        // Who is that slow is not waited for again.
        this.inner = None;
        Poll::Ready(Some(Err(Stopped::TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }
}

impl Drop for Packed {
    fn drop(&mut self) {
        let rest = self.inner.take().filter(|rest| self.asked && !rest.is_end_stream());
        if let (Some(rest), Ok(runtime)) = (rest, tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(DRAINING, drain(rest)));
        }
    }
}

async fn drain(mut rest: Body) {
    let mut left = DRAINED;
    while let Some(Ok(frame)) = rest.frame().await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        let Some(fewer) = left.checked_sub(bytes) else { return };
        left = fewer;
    }
}

struct Unpacked {
    inner: Body,
    held: Arc<Held>,
}

impl HttpBody for Unpacked {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::BoxError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                let taken = self.held.take(frame.data_ref().map_or(0, Bytes::len));
                Some(taken.map(|()| frame).map_err(Into::into))
            }
            Some(Err(error)) => Some(Err(error.into())),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}
