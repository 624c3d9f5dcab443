//! Webhook events of accounts that have no connection.

use axum::{Json, extract::State, http::StatusCode};
use mittler_core::Time;
use mittler_store::parked::ParkedCount;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    App,
    access::{Caller, Scope},
    body::List,
    problem::Problem,
};

/// Authentic events of one account that are kept, as ids, until it has a connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParkedView {
    pub crm: String,
    /// Organisation id, portal id.
    pub account: String,
    #[schema(example = "no_connection_of_account")]
    pub code: String,
    pub count: i64,
    #[schema(value_type = String, format = DateTime)]
    pub first_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub last_at: Time,
}

impl From<ParkedCount> for ParkedView {
    fn from(row: ParkedCount) -> Self {
        ParkedView {
            crm: row.crm,
            account: row.account,
            code: row.code,
            count: row.count,
            first_at: Time(row.first_at),
            last_at: Time(row.last_at),
        }
    }
}

/// List webhook events of accounts that have no connection
#[utoipa::path(get, path = "/parked-hooks", tag = "Connections",
    responses((status = 200, description = "By account", body = List<ParkedView>)))]
pub(crate) async fn get_parked(State(app): State<App>, caller: Caller) -> Result<Json<List<ParkedView>>, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let rows = app.store.parked_counts().await?;
    Ok(Json(List { items: rows.into_iter().map(ParkedView::from).collect(), next: None }))
}

/// How many events are taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TakenEvents {
    events: u64,
}

/// Take the parked webhook events of accounts that have a connection now
#[utoipa::path(post, path = "/parked-hooks/retry", tag = "Connections",
    responses((status = 202, description = "Their records are read; there may be none", body = TakenEvents)))]
pub(crate) async fn post_retry_parked(
    State(app): State<App>,
    caller: Caller,
) -> Result<(StatusCode, Json<TakenEvents>), Problem> {
    caller.needs(Scope::RecordsWrite)?;
    let events = app.hooks.repeat(app.clock.now()).await?;
    Ok((StatusCode::ACCEPTED, Json(TakenEvents { events })))
}
