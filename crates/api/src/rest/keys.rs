//! API keys: made, listed, revoked. Only a key or person that may do everything may do this.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use mittler_core::Time;
use mittler_store::access::ApiKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    App,
    access::{self, Caller, Scope},
    body::{self, At, List},
    problem::Problem,
};

/// A key, without its text: that is shown once and not kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    id: Uuid,
    label: String,
    /// `leads:write`, `records:read`, `records:write`, `metrics:read`, `admin`.
    scopes: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Time>,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        KeyView {
            id: key.id,
            label: key.label,
            scopes: key.scopes.0,
            created_at: Time(key.created_at),
            revoked_at: key.revoked_at.map(Time),
        }
    }
}

/// List API keys
#[utoipa::path(get, path = "/keys", tag = "Keys", responses((status = 200, description = "All keys", body = List<KeyView>)))]
pub(crate) async fn get_keys(State(app): State<App>, caller: Caller) -> Result<Json<List<KeyView>>, Problem> {
    caller.needs(Scope::Admin)?;
    let keys = app.store.api_keys().await?;
    Ok(Json(List { items: keys.into_iter().map(KeyView::from).collect(), next: None }))
}

/// What a new key is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyWish {
    /// What the key is for; no person's name.
    #[schema(example = "trade fair app", min_length = 1, max_length = 100, pattern = r"\S")]
    label: String,
    /// `leads:write`, `records:read`, `records:write`, `metrics:read`, `admin`.
    #[schema(min_items = 1, example = json!(["leads:write"]))]
    scopes: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeKey {
    id: Uuid,
    /// Shown now and never again.
    #[schema(example = "mtl_…")]
    key: String,
}

/// Make an API key
#[utoipa::path(post, path = "/keys", tag = "Keys", request_body = KeyWish,
    responses((status = 201, description = "The key, shown once", body = MadeKey)))]
pub(crate) async fn post_key(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    caller.needs(Scope::Admin)?;
    let wish: KeyWish = body::json(request, app.settings.body_limit).await?;
    let label = mittler_core::value::clean(&wish.label);
    if label.is_empty() || label.chars().count() > 100 {
        return Err(Problem::invalid("label", "say in 1 to 100 characters what the key is for"));
    }
    let scopes: Option<Vec<Scope>> = wish.scopes.iter().map(|name| Scope::parse(name)).collect();
    let scopes = scopes.filter(|scopes| !scopes.is_empty());
    let scopes = scopes
        .ok_or_else(|| Problem::invalid("scopes", "leads:write, records:read, records:write, metrics:read or admin"))?;
    let made = access::create_key(&app.store, &app.clock, &label, &scopes).await?;
    Ok((StatusCode::CREATED, Json(MadeKey { id: made.id, key: made.key })).into_response())
}

/// Revoke an API key
#[utoipa::path(delete, path = "/keys/{id}", tag = "Keys", params(("id" = Uuid, Path)),
    responses((status = 204, description = "It opens nothing any more")))]
pub(crate) async fn delete_key(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
) -> Result<StatusCode, Problem> {
    caller.needs(Scope::Admin)?;
    if access::revoke_key(&app, body::id::<Uuid>(&id)?).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found())
}
