//! For whoever runs the service: health and metrics. Neither tells anything about people.

mod numbers;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    App, Broker,
    access::{Caller, Scope},
    problem::Problem,
};

pub(crate) use numbers::Slow;

pub(crate) fn router() -> Router<App> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).route("/metrics", get(metrics))
}

/// Whether the process lives and answers
#[utoipa::path(get, path = "/health/live", tag = "Operation", security(()),
    responses((status = 200, description = "It does", body = Live)))]
pub(crate) async fn live() -> Json<serde_json::Value> {
    Json(json!({"status": "live"}))
}

#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes an answer")]
pub(crate) struct Live {
    #[schema(example = "live")]
    status: String,
}

#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes an answer")]
pub(crate) struct Ready {
    /// `ready`, `unavailable`.
    status: String,
    /// `up`, `down`.
    database: String,
    /// `embedded`, `up`, `down`.
    broker: String,
    /// Why no lead would be accepted, and what to do.
    reason: Option<String>,
}

/// Whether a lead would be accepted now
///
/// Ready is who can accept a lead. A broker that is down delays delivery and stops nothing.
#[utoipa::path(get, path = "/health/ready", tag = "Operation", security(()),
    responses((status = 200, description = "It would", body = Ready), (status = 503, description = "It would not", body = Ready)))]
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let broker = match (app.broker)() {
        Broker::None => "embedded",
        Broker::Up => "up",
        Broker::Down => "down",
    };
    if let Err(error) = app.store.probe().await {
        let reason = error.fault().map_or_else(|| error.to_string(), |fault| fault.words().to_owned());
        let body = Json(json!({"status": "unavailable", "database": "down", "broker": broker, "reason": reason}));
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], body).into_response();
    }
    Json(json!({"status": "ready", "database": "up", "broker": broker})).into_response()
}

/// Counts, in the text format of Prometheus
///
/// Open to this machine if nothing else reaches the service; otherwise with a key of the scope
/// `metrics:read`.
#[utoipa::path(get, path = "/metrics", tag = "Operation", security((), ("key" = [])),
    responses((status = 200, description = "The counts", content_type = "text/plain", body = String)))]
pub(crate) async fn metrics(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    if !app.settings.loopback {
        let (mut parts, _) = request.into_parts();
        Caller::from_request_parts(&mut parts, &app).await?.needs(Scope::MetricsRead)?;
    }
    let mut families = (app.families)();
    families.extend(numbers::of_process(&app));
    families.extend(numbers::of_database(&app).await);
    // A family without a series cannot be written.
    families.retain(|family| !family.get_metric().is_empty());
    let text = prometheus::TextEncoder::new().encode_to_string(&families).map_err(|_| Problem::new("internal"))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
