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
pub mod door;
mod hooks;
mod openapi;
mod ops;
mod pages;
mod problem;
mod rest;

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::Response,
};
use tower_http::catch_panic::CatchPanicLayer;

pub use app::{App, Broker, Counter, Settings};
pub use door::Door;
pub use openapi::openapi_yaml;
pub use problem::{CODES, Problem};

/// Everything that is served.
pub fn router(app: App) -> Router {
    rest::router()
        .split_for_parts()
        .0
        .merge(hooks::router())
        .merge(ops::router())
        .merge(pages::router())
        .fallback(pages::not_found)
        .method_not_allowed_fallback(pages::method_not_allowed)
        .with_state(app)
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(middleware::from_fn(guard))
}

/// Health and metrics alone: for processes without the role `api`.
pub fn health(app: App) -> Router {
    ops::router()
        .fallback(async || Problem::not_found())
        .with_state(app)
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(middleware::from_fn(guard))
}

/// What every answer says to browsers: no foreign scripts, frames or guesses about types, and
/// nothing of it in a cache unless a handler knows better.
async fn guard(request: Request, next: Next) -> Response {
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
    let mut response = next.run(request).await;
    for (name, value) in ALWAYS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
