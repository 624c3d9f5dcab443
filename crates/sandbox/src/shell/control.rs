//! `/_sandbox/`: what a test or a curious person does to the sandbox itself.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Core;
use crate::Vendor;
use crate::faults::FaultRule;

pub fn router(core: Core) -> Router {
    Router::new()
        .route("/_sandbox/access", get(async |State(core): State<Core>| Json(core.access())))
        .route("/_sandbox/state", get(state))
        .route("/_sandbox/calls", get(calls).delete(forget_calls))
        .route("/_sandbox/faults", get(list_faults).post(set_faults).delete(clear_faults))
        .route("/_sandbox/clock", get(clock).post(advance_clock))
        .route("/_sandbox/hooks", post(set_hook))
        .route("/_sandbox/edit", post(edit))
        .route("/_sandbox/hide", post(hide))
        .route("/_sandbox/journal", get(journal))
        .route("/_sandbox/reset", post(reset))
        .with_state(core)
}

async fn state(State(core): State<Core>) -> Json<Value> {
    Json(json!({"salesforce": core.salesforce.state(), "hubspot": core.hubspot.state()}))
}

async fn calls(State(core): State<Core>) -> Json<Value> {
    Json(core.calls.to_json())
}

async fn forget_calls(State(core): State<Core>) -> StatusCode {
    core.calls.reset();
    StatusCode::NO_CONTENT
}

async fn list_faults(State(core): State<Core>) -> Json<Value> {
    Json(core.faults.list())
}

async fn clear_faults(State(core): State<Core>) -> StatusCode {
    core.faults.clear();
    StatusCode::NO_CONTENT
}

async fn set_faults(State(core): State<Core>, Json(body): Json<Value>) -> Result<Json<Value>, Refusal> {
    if body.get("clear") == Some(&Value::Bool(true)) {
        core.faults.clear();
    } else {
        core.faults.add(serde_json::from_value::<FaultRule>(body)?);
    }
    Ok(Json(core.faults.list()))
}

async fn clock(State(core): State<Core>) -> Json<Value> {
    Json(json!({"now": core.clock.now().to_string()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: i64,
}

async fn advance_clock(State(core): State<Core>, Json(body): Json<Value>) -> Result<Json<Value>, Refusal> {
    let advance: Advance = serde_json::from_value(body)?;
    if advance.advance_seconds < 0 {
        return Err(Refusal("time only moves forward".to_owned()));
    }
    core.clock.advance_seconds(advance.advance_seconds);
    Ok(Json(json!({"now": core.clock.now().to_string()})))
}

/// The rest of the body is the vendor's own business.
#[derive(Deserialize)]
struct Addressed {
    vendor: Vendor,
}

async fn set_hook(State(core): State<Core>, Json(body): Json<Value>) -> Result<Json<Value>, Refusal> {
    let Addressed { vendor } = Addressed::deserialize(&body)?;
    let answer = match vendor {
        Vendor::Salesforce => core.salesforce.set_hook(&body),
        Vendor::Hubspot => core.hubspot.set_hook(&body),
    };
    answer.map(Json).map_err(Refusal)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    vendor: Vendor,
    r#type: String,
    id: String,
    fields: serde_json::Map<String, Value>,
}

async fn edit(State(core): State<Core>, Json(body): Json<Value>) -> Result<Json<Value>, Refusal> {
    let edit: Edit = serde_json::from_value(body)?;
    let answer = match edit.vendor {
        Vendor::Salesforce => core.salesforce.edit(&edit.r#type, &edit.id, edit.fields),
        Vendor::Hubspot => core.hubspot.edit(&edit.r#type, &edit.id, edit.fields),
    };
    answer.map(Json).map_err(Refusal)
}

/// What a change of sharing in Salesforce does: the records are there, and the integration's user does not see them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hide {
    r#type: String,
    ids: Vec<String>,
    hidden: bool,
}

async fn hide(State(core): State<Core>, Json(body): Json<Value>) -> Result<Json<Value>, Refusal> {
    let hide: Hide = serde_json::from_value(body)?;
    core.salesforce.hide(&hide.r#type, &hide.ids, hide.hidden).map(Json).map_err(Refusal)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Since {
    #[serde(default)]
    after: usize,
}

/// All writes in their true order, those after the first `after`.
async fn journal(State(core): State<Core>, Query(since): Query<Since>) -> Json<Value> {
    Json(core.journal.since(since.after))
}

async fn reset(State(core): State<Core>) -> StatusCode {
    core.salesforce.reset();
    core.hubspot.reset();
    core.faults.clear();
    core.calls.reset();
    core.journal.reset();
    StatusCode::NO_CONTENT
}

/// A request the sandbox cannot follow, with the reason in words.
struct Refusal(String);

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Refusal {
        Refusal(error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({"error": self.0}))).into_response()
    }
}
