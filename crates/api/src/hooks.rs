//! Webhooks: raw bytes in, the receiver's answer out.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use mittler_sync::hooks::RawHook;

use crate::{
    App,
    body::{self, At},
    problem::Problem,
};

/// Bytes that a hook may have.
const LIMIT: usize = 1024 * 1024;

pub(crate) fn router() -> Router<App> {
    Router::new().route("/hooks/{connection}/{secret}", post(with_secret)).route("/hooks/{connection}", post(signed))
}

/// Take a CRM's webhook, known by the secret in its address
///
/// What the CRM sends is a hint of what to read; its form and the answer are those of the CRM.
#[utoipa::path(post, path = "/hooks/{connection}/{secret}", tag = "Hooks", security(()),
    params(("connection" = String, Path, description = "Name of the connection"), ("secret" = String, Path)),
    request_body(content = String, content_type = "*/*", description = "As the CRM sends it"),
    responses((status = 200, description = "Stored, durably"), (status = 401, description = "The secret is not the connection's")))]
pub(crate) async fn with_secret(
    State(app): State<App>,
    At((connection, secret)): At<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    receive(&app, &connection, secret, request).await
}

/// Take a CRM's webhook, known by its signature
///
/// The signature covers the address as it is configured there and the bytes of the body.
#[utoipa::path(post, path = "/hooks/{connection}", tag = "Hooks", security(()),
    params(("connection" = String, Path, description = "Name of the connection")),
    request_body(content = String, content_type = "*/*", description = "As the CRM sends it"),
    responses((status = 200, description = "Stored, durably"), (status = 401, description = "The signature does not fit")))]
pub(crate) async fn signed(
    State(app): State<App>,
    At(connection): At<String>,
    request: Request,
) -> Result<Response, Problem> {
    receive(&app, &connection, String::new(), request).await
}

/// Signatures cover the bytes and the address as configured at the vendor, so both are passed on as
/// they are; what Host says is nobody's business.
async fn receive(app: &App, connection: &str, secret: String, request: Request) -> Result<Response, Problem> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let uri = format!("{}{path}", app.settings.public_url.as_str().trim_end_matches('/'));
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let (method, headers) = (request.method().as_str().to_owned(), headers.collect());
    let body = body::read(request, LIMIT).await?;
    let hook = RawHook { method, uri, path_secret: secret.clone(), headers, body };
    let (hooks, now, connection) = (app.hooks.clone(), app.clock.now(), connection.to_owned());
    // Runs to its end even if the vendor hangs up: what is verified is worth storing.
    let reply = tokio::spawn(async move { hooks.receive(&connection, &secret, hook, now).await });
    let reply = reply.await.map_err(|_| Problem::new("unavailable"))?;
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = (status, Body::from(reply.body)).into_response();
    let headers = response.headers_mut();
    if let Some(media_type) = reply.content_type {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    Ok(response)
}
