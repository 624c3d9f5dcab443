//! Who is logged in to the pages, and how that ends. Only a key or person that may do everything may do this.

use axum::{Json, extract::State, http::StatusCode};
use mittler_core::Time;
use mittler_store::access::SessionRow;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    App,
    access::{Caller, Scope},
    body::{self, At, List},
    problem::Problem,
};

/// Somebody who is logged in to the pages, or may still log in by a link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// A random id; in the audit trail it stands for this person.
    id: Uuid,
    /// `session`, `link`. Of a link that nobody has used yet.
    kind: String,
    #[schema(value_type = String, format = DateTime)]
    ends_at: Time,
}

impl From<SessionRow> for SessionView {
    fn from(row: SessionRow) -> Self {
        SessionView { id: row.operator, kind: row.kind, ends_at: Time(row.ends_at) }
    }
}

/// List who is logged in to the pages
#[utoipa::path(get, path = "/sessions", tag = "Keys",
    responses((status = 200, description = "Living sessions, and links that nobody has used", body = List<SessionView>)))]
pub(crate) async fn get_sessions(State(app): State<App>, caller: Caller) -> Result<Json<List<SessionView>>, Problem> {
    caller.needs(Scope::Admin)?;
    let sessions = app.store.sessions(app.clock.now()).await?;
    Ok(Json(List { items: sessions.into_iter().map(SessionView::from).collect(), next: None }))
}

/// End a session
#[utoipa::path(delete, path = "/sessions/{id}", tag = "Keys", params(("id" = Uuid, Path)),
    responses((status = 204, description = "Its cookie or link opens nothing any more")))]
pub(crate) async fn delete_session(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
) -> Result<StatusCode, Problem> {
    caller.needs(Scope::Admin)?;
    let id = body::id::<Uuid>(&id)?;
    if app.store.write(async move |tx| tx.end_sessions(Some(id)).await).await? > 0 {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found())
}
