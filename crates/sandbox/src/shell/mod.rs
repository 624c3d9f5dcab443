//! What surrounds both vendors: the listener, the counting of calls, the faults, and `/_sandbox/`.

mod control;
pub(crate) mod outbound;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::hubspot::Hubspot;
use crate::salesforce::Salesforce;
use crate::{Access, Calls, Clock, Config, Fault, FaultKind, Faults, Journal, Vendor};

/// What a collection of two hundred rows may have at the most.
const LARGEST_BODY: usize = 112 * 1024 * 1024;

/// Everything a request can reach.
#[derive(Clone)]
pub struct Core {
    pub salesforce: Salesforce,
    pub hubspot: Hubspot,
    pub faults: Faults,
    pub calls: Calls,
    pub clock: Clock,
    pub journal: Journal,
    latency: Duration,
}

impl Core {
    pub fn new(config: &Config, base_url: &str) -> Core {
        let (clock, journal) = (Clock::new(), Journal::new(config.journal));
        let base_url = || base_url.to_owned();
        Core {
            salesforce: Salesforce::new(
                config.salesforce.clone(),
                clock.clone(),
                journal.clone(),
                config.seed,
                base_url(),
            ),
            hubspot: Hubspot::new(config.hubspot.clone(), clock.clone(), journal.clone(), config.seed, base_url()),
            faults: Faults::new(config.seed),
            calls: Calls::default(),
            clock,
            journal,
            latency: Duration::from_millis(config.latency_ms),
        }
    }

    pub fn access(&self) -> Access {
        Access { salesforce: self.salesforce.access(), hubspot: self.hubspot.access() }
    }
}

/// The client gets a closed connection instead of an answer.
#[derive(Debug)]
struct ConnectionCut;

impl std::fmt::Display for ConnectionCut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection cut on request")
    }
}

impl std::error::Error for ConnectionCut {}

struct Routes {
    core: Core,
    salesforce: Router,
    hubspot: Router,
    control: Router,
}

/// Accepts connections until `stop`. The accept loop is our own because only hyper's connection, not axum's `serve`,
/// lets a service refuse to answer at all.
pub async fn serve(listener: TcpListener, core: Core, stop: CancellationToken) {
    let routes = std::sync::Arc::new(Routes {
        salesforce: core.salesforce.router(),
        hubspot: core.hubspot.router(),
        control: control::router(core.clone()),
        core,
    });
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of file descriptors or a client that left at once: neither ends the listener.
                Err(error) => {
                    tracing::warn!(%error, "sandbox could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
        };
        tokio::spawn(connection(stream, routes.clone(), stop.clone()));
    }
}

async fn connection(stream: TcpStream, routes: std::sync::Arc<Routes>, stop: CancellationToken) {
    // Small answers must not wait for the client's delayed acknowledgements; a failure only costs speed.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let routes = routes.clone();
        async move { routes.answer(request.map(Body::new)).await }
    });
    let http = hyper::server::conn::http1::Builder::new();
    tokio::select! {
        // A cut connection and a client that hangs up end here as errors; both are normal for a sandbox.
        result = http.serve_connection(TokioIo::new(stream), service) => if let Err(error) = result {
            tracing::debug!(%error, "sandbox connection ended early");
        },
        () = stop.cancelled() => {}
    }
}

impl Routes {
    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, ConnectionCut> {
        let path = request.uri().path();
        if path.starts_with("/_sandbox") {
            return Ok(run(&self.control, request).await);
        }
        let salesforce = path.starts_with("/services/") || path.starts_with("/id/");
        let vendor = if salesforce { Vendor::Salesforce } else { Vendor::Hubspot };
        let answer = self.vendor_call(vendor, request).await?;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            self.core.calls.count_limited(vendor);
        }
        Ok(answer)
    }

    async fn vendor_call(&self, vendor: Vendor, mut request: Request<Body>) -> Result<Response<Body>, ConnectionCut> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let (kind, router) = match vendor {
            Vendor::Salesforce => (self.core.salesforce.call_kind(&method, &path), &self.salesforce),
            Vendor::Hubspot => (self.core.hubspot.call_kind(&method, &path), &self.hubspot),
        };
        let named = match vendor {
            Vendor::Salesforce if kind.starts_with("collections_") => {
                let (parts, body) = request.into_parts();
                let bytes = match axum::body::to_bytes(body, LARGEST_BODY).await {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        tracing::debug!(%error, "a body that broke off");
                        return Err(ConnectionCut);
                    }
                };
                let named = self.core.salesforce.call_type(&path).or_else(|| type_of_rows(&bytes));
                request = Request::from_parts(parts, Body::from(bytes));
                named
            }
            Vendor::Salesforce => self.core.salesforce.call_type(&path),
            Vendor::Hubspot => self.core.hubspot.call_type(&path),
        };
        self.core.calls.count(vendor, &kind, named.as_deref());
        if !self.core.latency.is_zero() {
            tokio::time::sleep(self.core.latency).await;
        }
        let Some(fault) = self.core.faults.draw(vendor, &kind) else {
            return Ok(run(router, request).await);
        };
        match fault.kind {
            FaultKind::CutBefore => return Err(ConnectionCut),
            FaultKind::CutAfter => {
                run(router, request).await;
                return Err(ConnectionCut);
            }
            FaultKind::BadGatewayAfter => {
                run(router, request).await;
                return Ok(bad_gateway());
            }
            FaultKind::Slow => tokio::time::sleep(Duration::from_millis(fault.ms)).await,
            _ => {
                if let Some(answer) = self.vendor_fault(vendor, fault, &kind) {
                    return Ok(answer);
                }
                // The vendor breaks one row of the call rather than the call; it finds the fault in the extensions.
                request.extensions_mut().insert(fault);
            }
        }
        Ok(run(router, request).await)
    }

    fn vendor_fault(&self, vendor: Vendor, fault: Fault, kind: &str) -> Option<Response<Body>> {
        match vendor {
            Vendor::Salesforce => self.core.salesforce.fault_answer(fault, kind),
            Vendor::Hubspot => self.core.hubspot.fault_answer(fault, kind),
        }
    }
}

/// As the edge in front of a vendor answers for a server that did not get round to it.
fn bad_gateway() -> Response<Body> {
    let page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";
    let mut answer = Response::new(Body::from(page));
    *answer.status_mut() = StatusCode::BAD_GATEWAY;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    answer
}

/// The type that the first row of a collection names; the beginning of the text is enough, and quicker than reading
/// two hundred rows twice.
fn type_of_rows(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(2_000)]);
    let (_, after) = text.split_once("\"type\"")?;
    let mut quoted = after.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split('"');
    quoted.next().filter(|name| !name.is_empty()).map(str::to_owned)
}

async fn run(router: &Router, request: Request<Body>) -> Response<Body> {
    match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
