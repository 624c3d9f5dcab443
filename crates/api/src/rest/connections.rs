//! Connections to CRMs, and what each of them has been told.

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::StatusCode};
use mittler_core::{ConnectionId, LinkId, RecordId, Time};
use mittler_store::{
    hooks::HookCount,
    links::{LinkCount, LinkLine, LinkState},
};
use mittler_sync::question::RemoteRef;
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
    /// `person`, `organisation`, `fair`, `participation`, `activity`, `association`.
    pub kind: String,
    /// `primary`, `duplicate`, `excluded`. The last two are never written.
    pub role: String,
    pub remote_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<String>,
    /// Where people see it in the CRM. Only the links of one record have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `written`, `waiting`, `held`, `refused`, `gone`, `suspect`. What is written may lack fields that are held; what
    /// waits is still to be told; what is held is not told, see the code; what is gone was deleted there; what is
    /// suspect is not shown there, and looked for again a day later.
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
        let state = match line.state {
            LinkState::Refused | LinkState::Gone | LinkState::Suspect => line.state.name(),
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
            role: line.role.name().to_owned(),
            remote_type: line.remote_type,
            remote_id: line.remote_id,
            url: None,
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
    Ok(Json(List { items: links_of(&app, id).await?, next: None }))
}

/// The links of a record, with their addresses in the CRMs. What was deleted there has none.
pub(crate) async fn links_of(app: &App, record: RecordId) -> Result<Vec<LinkView>, Problem> {
    let stored = app.store.link_lines(record).await?;
    let remote = |line: &LinkLine| {
        let remote_id = line.remote_id.clone().filter(|_| line.state != LinkState::Gone)?;
        Some((ConnectionId(line.connection), RemoteRef { remote_type: line.remote_type.clone(), remote_id }))
    };
    let there: Vec<(usize, (ConnectionId, RemoteRef))> =
        stored.iter().enumerate().filter_map(|(at, line)| Some((at, remote(line)?))).collect();
    let (places, remotes): (Vec<usize>, Vec<_>) = there.into_iter().unzip();
    let urls = if remotes.is_empty() { Vec::new() } else { app.questions.record_urls(&remotes).await };
    let mut links: Vec<LinkView> = stored.into_iter().map(LinkView::from).collect();
    for (at, url) in places.into_iter().zip(urls) {
        links[at].url = url;
    }
    Ok(links)
}

/// One account in one CRM.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionView {
    pub id: String,
    pub name: String,
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
    pub hooks: HookView,
}

/// What became of a connection's webhooks.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct HookView {
    /// Calls that were taken.
    pub taken: i64,
    /// When the last one was taken; without it, none came yet.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_taken_at: Option<Time>,
    /// Calls that were refused.
    pub refused: i64,
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_refused_at: Option<Time>,
    /// `signature`, `stale`, `account`, `form`. Why the last one was refused; with the signature, a secret is meant, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

impl HookView {
    fn of(count: Option<&HookCount>) -> HookView {
        let Some(count) = count else { return HookView::default() };
        let time = |at: i64| (at > 0).then_some(Time(at));
        HookView {
            taken: count.taken,
            last_taken_at: time(count.last_taken_at),
            refused: count.refused,
            last_refused_at: time(count.last_refused_at),
            cause: count.cause.clone(),
        }
    }

    /// Whether none was taken since one was refused.
    pub fn is_refused(&self) -> bool {
        self.last_refused_at > self.last_taken_at
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkCounts {
    /// `person`, `organisation`, `fair`, `participation`, `activity`, `association`.
    pub kind: String,
    pub total: i64,
    /// Still to be told.
    pub due: i64,
    pub written: i64,
    pub refused: i64,
}

pub(crate) async fn connections(app: &App) -> Result<Vec<ConnectionView>, Problem> {
    let (now, counts) = (app.clock.now(), app.store.link_counts().await?);
    let hooks = app.store.hook_counts().await?;
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
        hooks: HookView::of(hooks.iter().find(|count| count.connection == row.id)),
        name: row.name,
        crm: row.crm,
        mode: row.mode,
        state: row.state.name().to_owned(),
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

/// What is tried at once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgainConnection {
    /// Links that were refused, held or lost, and are planned and written anew.
    pub links: u64,
    /// Links that waited for a time, and are due now.
    pub waited: u64,
    /// The pause of the connection that was lifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifted: Option<LiftedPause>,
}

/// A pause of a connection that is over before its time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiftedPause {
    #[schema(value_type = String, format = DateTime)]
    pub until: Time,
    /// Why there was one.
    #[schema(example = "daily")]
    pub code: String,
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
/// The same for all links of the connection that `GET /connections/{id}/links` lists. A pause is lifted, also one
/// for calls that the CRM said are spent: one call is tried at once, and if the CRM refuses it the pause is back.
#[utoipa::path(post, path = "/connections/{id}/retry", tag = "Connections", params(("id" = String, Path, description = "con_…")),
    responses((status = 202, description = "They are done again; there may be none", body = AgainConnection)))]
pub(crate) async fn post_retry_connection(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
) -> Result<(StatusCode, Json<AgainConnection>), Problem> {
    caller.needs(Scope::RecordsWrite)?;
    let id = body::id::<ConnectionId>(&id)?;
    if !app.store.connections().await?.iter().any(|known| known.id == id.0) {
        return Err(Problem::not_found());
    }
    Ok((StatusCode::ACCEPTED, Json(retry_connection(&app, id).await?)))
}

pub(crate) async fn retry_link(app: &App, id: LinkId) -> Result<u64, Problem> {
    let connection = app.store.link_connection(id).await?.ok_or_else(Problem::not_found)?;
    if !retry_one(app, connection, id).await? {
        return Err(Problem::new("conflict").detailed("nothing of this link was refused, held or lost"));
    }
    Ok(1)
}

/// Whether there was anything to do again.
pub(crate) async fn retry_one(app: &App, connection: ConnectionId, link: LinkId) -> Result<bool, Problem> {
    Ok(mittler_sync::retry::retry_link(&app.store, connection, link).await?)
}

pub(crate) async fn retry_connection(app: &App, connection: ConnectionId) -> Result<AgainConnection, Problem> {
    let retried = mittler_sync::retry::retry_connection(&app.store, &app.clock, connection).await?;
    app.ingest.wake();
    Ok(AgainConnection {
        links: retried.links,
        waited: retried.lifted.links,
        lifted: retried.lifted.pause.map(|(until, code)| LiftedPause { until, code }),
    })
}
