//! The line between a connector and its peer: it passes everything on, notes what was asked, and breaks when told.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderValue},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{Case, Peer};

/// A request as it came over the line.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    /// With the query.
    pub path: String,
    pub body: Bytes,
}

impl Asked {
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// An answer in the words of the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Wire {
    pub fn new(status: u16, body: impl Into<String>) -> Wire {
        Wire { status, headers: Vec::new(), body: body.into() }
    }

    pub fn json(status: u16, body: &serde_json::Value) -> Wire {
        Wire::new(status, body.to_string())
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Wire {
        self.headers.push((name, value.into()));
        self
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The connection ends, and the peer was never asked.
    CutBefore,
    /// The peer did the work, and the connection ends without an answer.
    CutAfter,
    /// The peer did the work and said so; this is read in place of its words.
    Garbled(&'static str),
    /// The peer is not asked; it would have answered so.
    Answered(Case),
}

/// Which requests it happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    Reads,
    Writes,
    All,
}

struct Order {
    how: Break,
    to: To,
    left: usize,
}

#[derive(Default)]
struct State {
    asked: Vec<Asked>,
    order: Option<Order>,
    /// How often it broke.
    broke: usize,
}

/// Ends with its value.
pub struct Line {
    base_url: String,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Line {
    pub async fn open(peer: Arc<dyn Peer>) -> io::Result<Line> {
        let client = crate::http::client(Duration::from_secs(30)).map_err(io::Error::other)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let state = Arc::<Mutex<State>>::default();
        let end = End { peer, client, state: Arc::clone(&state) };
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(end.clone(), stream));
            }
        });
        Ok(Line { base_url, state, server })
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The next `times` of these requests go wrong.
    pub fn break_next(&self, to: To, times: usize, how: Break) {
        let mut state = lock(&self.state);
        state.broke = 0;
        state.order = Some(Order { how, to, left: times });
    }

    /// Whole again. How often it broke.
    pub fn mend(&self) -> usize {
        let mut state = lock(&self.state);
        state.order = None;
        state.broke
    }

    /// What was asked since the last time.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut lock(&self.state).asked)
    }
}

/// The far end of the line.
#[derive(Clone)]
struct End {
    peer: Arc<dyn Peer>,
    client: reqwest::Client,
    state: Arc<Mutex<State>>,
}

async fn serve(end: End, stream: TcpStream) {
    let answer = service_fn(move |request| {
        let end = end.clone();
        async move { end.answer(request).await }
    });
    // One request each: a connection that is kept may be cut between two of them, which is another fault.
    let mut server = hyper::server::conn::http1::Builder::new();
    // An error is a line that was cut on purpose.
    _ = server.keep_alive(false).serve_connection(TokioIo::new(stream), answer).await;
}

impl End {
    /// An error cuts the connection.
    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let asked = Asked { method: head.method, path, body };
        match self.note(&asked) {
            None => self.pass(&asked, head.headers).await,
            Some(Break::CutBefore) => Err(io::Error::other("cut")),
            Some(Break::CutAfter) => {
                self.pass(&asked, head.headers).await?;
                Err(io::Error::other("cut"))
            }
            Some(Break::Garbled(text)) => {
                Ok(self.pass(&asked, head.headers).await?.map(|_| Full::from(Bytes::from_static(text.as_bytes()))))
            }
            Some(Break::Answered(case)) => {
                let wire = self.peer.answer(case, &asked).map_err(io::Error::other)?;
                let mut answer = Response::builder().status(wire.status);
                for (name, value) in wire.headers {
                    answer = answer.header(name, value);
                }
                answer.body(Full::from(Bytes::from(wire.body))).map_err(io::Error::other)
            }
        }
    }

    fn note(&self, asked: &Asked) -> Option<Break> {
        let mut state = lock(&self.state);
        state.asked.push(asked.clone());
        let order = state.order.as_mut().filter(|order| order.left > 0)?;
        let meant = match order.to {
            To::All => true,
            To::Writes => self.peer.writes(asked),
            To::Reads => !self.peer.writes(asked),
        };
        if !meant {
            return None;
        }
        order.left -= 1;
        let how = order.how;
        state.broke += 1;
        Some(how)
    }

    async fn pass(&self, asked: &Asked, mut headers: HeaderMap<HeaderValue>) -> io::Result<Response<Full<Bytes>>> {
        let url = format!("{}{}", self.peer.base_url(), asked.path);
        for name in [HOST, CONTENT_LENGTH, CONNECTION, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        let request = self.client.request(asked.method.clone(), url).headers(headers).body(asked.body.clone());
        let answer = request.send().await.map_err(io::Error::other)?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        for name in [CONTENT_LENGTH, CONNECTION, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        let body = answer.bytes().await.map_err(io::Error::other)?;
        let mut passed = Response::new(Full::from(if status == StatusCode::NO_CONTENT { Bytes::new() } else { body }));
        *passed.status_mut() = status;
        *passed.headers_mut() = headers;
        Ok(passed)
    }
}

/// A property that panicked while it held the lock is told of already.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
