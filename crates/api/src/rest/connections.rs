//! Connections to CRMs, and what each of them has been told.

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::StatusCode};
use mittler_core::{ConnectionId, LinkId, RecordId, Time};
use mittler_store::links::{LinkCount, LinkLine};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    App,
    access::{Caller, Scope},
    body::{self, At, List, Page, Params},
    problem::Problem,
};

/// A record's counterpart in one CRM.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LinkView {
    pub id: String,
    pub connection: String,
    pub record: String,
    pub kind: String,
    /// `primary`, or `duplicate`: never written.
    pub role: String,
    pub remote_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<String>,
    /// `written`, perhaps but for fields that are `held`; `waiting`: still to be told; `held`: not told,
    /// see `code`; `refused`; `gone`: deleted there.
    pub state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// In the CRM's or our words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Fields that are not sent for now, with code and reason.
    pub held: BTreeMap<String, HeldView>,
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_at: Option<Time>,
    /// When it is tried next.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Time>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct HeldView {
    pub code: String,
    pub reason: String,
}

impl From<LinkLine> for LinkView {
    fn from(line: LinkLine) -> Self {
        let due = line.wanted > line.done;
        let state = match line.state.as_str() {
            "refused" => "refused",
            "gone" => "gone",
            _ if due => "waiting",
            _ if line.code.is_some() => "held",
            _ if line.remote_id.is_some() => "written",
            _ => "waiting",
        };
        let held = |held: mittler_core::plan::HeldField| HeldView { code: held.code, reason: held.reason };
        LinkView {
            id: LinkId(line.id).to_string(),
            connection: ConnectionId(line.connection).to_string(),
            record: RecordId(line.record).to_string(),
            kind: line.kind,
            role: line.role,
            remote_type: line.remote_type,
            remote_id: line.remote_id,
            state,
            code: line.code,
            reason: line.reason,
            held: line.held.0.into_iter().map(|(name, field)| (name, held(field))).collect(),
            written_at: (line.written_at > 0).then_some(Time(line.written_at)),
            next_at: (due && line.next_at > 0).then_some(Time(line.next_at)),
        }
    }
}

/// List what each CRM has been told of a record
#[utoipa::path(get, path = "/records/{id}/links", tag = "Records", params(("id" = String, Path, description = "rec_…")),
    responses((status = 200, description = "Its links", body = List<LinkView>)))]
pub(crate) async fn get_record_links(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
) -> Result<Json<List<LinkView>>, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let id = app.store.survivor(body::id::<RecordId>(&id)?).await?;
    app.store.record(id).await?.ok_or_else(Problem::not_found)?;
    let links = app.store.link_lines(id).await?;
    Ok(Json(List { items: links.into_iter().map(LinkView::from).collect(), next: None }))
}

/// One account in one CRM.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionView {
    pub id: String,
    pub name: String,
    #[schema(example = "hubspot")]
    pub crm: String,
    /// `off`, `dry_run`, `create_only`, `update_only`, `fill_empty`, `full`.
    pub mode: String,
    /// `ready`, `reauthorise`, `waiting`, `misconfigured`.
    pub state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Nothing is written before then.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Time>,
    /// Its links, by kind of record.
    pub links: Vec<LinkCounts>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkCounts {
    pub kind: String,
    pub total: i64,
    /// Still to be told.
    pub due: i64,
    pub written: i64,
    pub refused: i64,
}

pub(crate) async fn connections(app: &App) -> Result<Vec<ConnectionView>, Problem> {
    let (now, counts) = (app.clock.now(), app.store.link_counts().await?);
    let of = |id| {
        let of_id = counts.iter().filter(move |count: &&LinkCount| count.connection == id);
        of_id.map(|count| LinkCounts {
            kind: count.kind.clone(),
            total: count.total,
            due: count.due,
            written: count.written,
            refused: count.refused,
        })
    };
    let view = |row: mittler_store::connections::ConnectionRow| ConnectionView {
        id: ConnectionId(row.id).to_string(),
        links: of(row.id).collect(),
        name: row.name,
        crm: row.crm,
        mode: row.mode,
        state: row.state,
        code: row.code,
        reason: row.reason,
        paused_until: (row.paused_until > now.0).then_some(Time(row.paused_until)),
    };
    Ok(app.store.connections().await?.into_iter().map(view).collect())
}

/// List the connections to CRMs
#[utoipa::path(get, path = "/connections", tag = "Connections",
    responses((status = 200, description = "All of them", body = List<ConnectionView>)))]
pub(crate) async fn get_connections(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<List<ConnectionView>>, Problem> {
    caller.needs(Scope::RecordsRead)?;
    Ok(Json(List { items: connections(&app).await?, next: None }))
}

/// List what waits or was refused in a connection, with the reason
#[utoipa::path(get, path = "/connections/{id}/links", tag = "Connections", params(("id" = String, Path, description = "con_…"), Page),
    responses((status = 200, description = "Links that are not as they should be", body = List<LinkView>)))]
pub(crate) async fn get_waiting_links(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
    Params(page): Params<Page>,
) -> Result<Json<List<LinkView>>, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let (most, id) = (page.most()?, body::id::<ConnectionId>(&id)?);
    if !app.store.connections().await?.iter().any(|known| known.id == id.0) {
        return Err(Problem::not_found());
    }
    let links = app.store.links_waiting(Some(id), page.cursor::<LinkId>()?, most + 1).await?;
    Ok(List::of(links, most, |link| LinkId(link.id).to_string(), LinkView::from))
}

/// How much is done again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgainLinks {
    /// Links that are planned and written anew.
    links: u64,
}

/// Do again what was refused or held of a record, or deleted in the CRM
///
/// What is held is let go and refusals are forgotten; the record is planned anew. One that was
/// deleted in the CRM is looked up as if it were new, and made again if it is not there.
#[utoipa::path(post, path = "/links/{id}/retry", tag = "Connections", params(("id" = String, Path, description = "lnk_…")),
    responses((status = 202, description = "It is done again", body = AgainLinks)))]
pub(crate) async fn post_retry_link(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
) -> Result<(StatusCode, Json<AgainLinks>), Problem> {
    caller.needs(Scope::RecordsWrite)?;
    let links = retry_link(&app, body::id(&id)?).await?;
    Ok((StatusCode::ACCEPTED, Json(AgainLinks { links })))
}

/// Do again whatever a connection refused, held or lost
///
/// The same for all links of the connection that `GET /connections/{id}/links` lists.
#[utoipa::path(post, path = "/connections/{id}/retry", tag = "Connections", params(("id" = String, Path, description = "con_…")),
    responses((status = 202, description = "They are done again; there may be none", body = AgainLinks)))]
pub(crate) async fn post_retry_connection(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
) -> Result<(StatusCode, Json<AgainLinks>), Problem> {
    caller.needs(Scope::RecordsWrite)?;
    let id = body::id::<ConnectionId>(&id)?;
    if !app.store.connections().await?.iter().any(|known| known.id == id.0) {
        return Err(Problem::not_found());
    }
    let links = retry(&app, id, None).await?;
    Ok((StatusCode::ACCEPTED, Json(AgainLinks { links })))
}

pub(crate) async fn retry_link(app: &App, id: LinkId) -> Result<u64, Problem> {
    let connection = app.store.link_connection(id).await?.ok_or_else(Problem::not_found)?;
    match retry(app, connection, Some(id)).await? {
        0 => Err(Problem::new("conflict").detailed("nothing of this link was refused, held or lost")),
        links => Ok(links),
    }
}

/// The links and the job that writes them.
pub(crate) async fn retry(app: &App, connection: ConnectionId, link: Option<LinkId>) -> Result<u64, Problem> {
    let links = mittler_sync::retry::retry(&app.store, &app.clock, connection, link).await?;
    app.door.wake();
    Ok(links)
}
