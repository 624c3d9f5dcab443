//! The outside of Mittler: the one way in for leads, the REST API, the hooks and the pages.
//!
//! **Invariant:** 2xx means durable; a fault of ours is 503 with Retry-After or 500, never 4xx.
//!
//! **Invariant:** every error leaves as `application/problem+json` with a stable code, and a 5xx
//! never tells what is inside.
//!
//! **Invariant:** nothing about a person is logged, and nothing comes from another host.

pub mod access;
mod app;
mod body;
mod hooks;
mod incoming;
pub mod metrics;
mod openapi;
mod ops;
mod pages;
mod problem;
mod rest;
mod search;

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tower_http::{
    catch_panic::CatchPanicLayer, decompression::RequestDecompressionLayer, map_request_body::MapRequestBodyLayer,
};
use url::{Host, Url};

pub use access::refusals::Peer;
pub use app::{App, Broker, Settings};
pub use openapi::openapi_yaml;
pub use problem::{CODES, Problem};

/// What is held about a person as a page of its own, in `de` or `en`; `None` for another language.
pub fn export_page(export: &mittler_sync::export::Export, lang: &str, time_zone: &str) -> Option<String> {
    Some(pages::disclosure::page(export, pages::Lang::named(lang)?, time_zone))
}

/// Everything that is served.
pub fn router(app: App) -> Router {
    let routes = rest::router()
        .split_for_parts()
        .0
        .merge(hooks::router())
        .merge(ops::router())
        .merge(pages::router())
        .fallback(pages::not_found)
        .method_not_allowed_fallback(pages::method_not_allowed);
    around(routes, app)
}

/// Health and metrics alone: for processes without the role `api`.
pub fn health(app: App) -> Router {
    around(ops::router().fallback(async || Problem::not_found()), app)
}

/// What all calls pass, from the last to the first.
fn around(routes: Router<App>, app: App) -> Router {
    routes
        .with_state(app.clone())
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(middleware::from_fn_with_state(app.clone(), incoming::unpacked))
        // Limits of bodies count what they unpack to: they are read behind this.
        .layer((RequestDecompressionLayer::new(), MapRequestBodyLayer::new(Body::new)))
        .layer(middleware::from_fn_with_state(app.clone(), incoming::packed))
        .layer(middleware::from_fn_with_state(app, guard))
}

/// How long a call that only reads may take. One that writes is not cut off: what it brought is
/// accepted, or not, and its caller learns which.
const READING: Duration = Duration::from_secs(60);

/// What every answer says to browsers: no foreign scripts, frames or guesses about types, and
/// nothing of it in a cache unless a handler knows better.
async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    const ALWAYS: [(header::HeaderName, &str); 5] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let https = app.settings.public_url.scheme() == "https";
    let mut response = if app.settings.own_hosts_only && !is_ours(&app.settings, &request) {
        Problem::new("wrong_host")
            .detailed("call localhost, 127.0.0.1, [::1] or the host of the setting public_url")
            .into_response()
    } else if matches!(*request.method(), Method::GET | Method::HEAD) {
        let answered = tokio::time::timeout(READING, next.run(request)).await;
        answered.unwrap_or_else(|_| {
            Problem::new("unavailable").detailed("reading took longer than a minute").into_response()
        })
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// Whether the call names this machine, or the host by which others reach us. One that names none
/// comes from no browser.
fn is_ours(settings: &Settings, request: &Request) -> bool {
    // Webhooks prove by themselves who sends them, and come through tunnels under their names.
    if request.uri().path().starts_with("/hooks/") {
        return true;
    }
    let named = request.uri().authority().map(axum::http::uri::Authority::as_str);
    let named = named.or_else(|| request.headers().get(header::HOST).map(|host| host.to_str().unwrap_or("")));
    let Some(named) = named else { return true };
    // The port may be another one: tunnels and containers change it, a foreign page cannot.
    let Ok(url) = Url::parse(&format!("http://{named}")) else { return false };
    match url.host() {
        Some(Host::Domain(name)) if name.trim_end_matches('.') == "localhost" => true,
        Some(Host::Ipv4(address)) if address.is_loopback() => true,
        Some(Host::Ipv6(address)) if address.is_loopback() => true,
        host => host.is_some_and(|host| settings.public_url.host() == Some(host)),
    }
}
