//! What happened to a record, the latest first: what was said of it, what was written of it.

use axum::{
    Json,
    extract::{Path, State},
};
use mittler_core::LinkId;
use mittler_core::{Field, Record, RecordId, Time, Value};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    App,
    access::{Caller, Scope},
    body::{self, List},
    problem::Problem,
};

/// Entries that a timeline shows.
const MOST: usize = 300;
/// Writes of one link that it shows.
const WRITES: i64 = 50;

/// One thing that happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Event {
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// `said`: a source said something; `written`: a CRM was told; `met`: a visit, mail or task.
    pub what: &'static str,
    /// Source or CRM connection.
    pub who: String,
    /// `badge`, `own_mail`, …; the outcome of a write; the kind of what happened.
    pub how: String,
    /// Names of the fields, or the title.
    pub about: Vec<String>,
    /// The input, link or record to look at.
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// What happened to a record, the latest first
#[utoipa::path(get, path = "/records/{id}/timeline", tag = "Records", params(("id" = String, Path, description = "rec_…")),
    responses((status = 200, description = "Up to 300 events", body = List<Event>)))]
pub(crate) async fn get_timeline(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<List<Event>>, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let id = body::id::<RecordId>(&id)?;
    app.store.record(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(List { items: events(&app, id).await?, next: None }))
}

pub(crate) async fn events(app: &App, id: RecordId) -> Result<Vec<Event>, Problem> {
    let mut events = said(app, id).await?;
    events.extend(written(app, id).await?);
    events.extend(app.store.records_about(id).await?.iter().filter_map(met));
    events.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.id.cmp(&b.id)));
    events.truncate(MOST);
    Ok(events)
}

async fn said(app: &App, id: RecordId) -> Result<Vec<Event>, Problem> {
    let statements = app.store.statements(id).await?.into_iter().take(MOST);
    let event = |statement: mittler_core::Statement| {
        let mut about: Vec<String> = statement.said.iter().map(|said| said.field.to_string()).collect();
        about.dedup();
        Event {
            at: statement.observed_at,
            what: "said",
            who: statement.source.name,
            how: serde_json::to_value(statement.source.kind)
                .ok()
                .and_then(|kind| kind.as_str().map(str::to_owned))
                .unwrap_or_default(),
            about,
            id: statement.signal.to_string(),
            code: None,
        }
    };
    Ok(statements.map(event).collect())
}

async fn written(app: &App, id: RecordId) -> Result<Vec<Event>, Problem> {
    let connections = app.store.connections().await?;
    let mut events = Vec::new();
    for link in app.store.link_lines(id).await? {
        let known = connections.iter().find(|connection| connection.id == link.connection);
        let who = known.map(|connection| connection.name.clone()).unwrap_or_default();
        for intent in app.store.intents(LinkId(link.id), WRITES).await? {
            events.push(Event {
                at: Time(intent.settled_at.unwrap_or(intent.begun_at)),
                what: "written",
                who: who.clone(),
                how: intent.outcome.unwrap_or_else(|| "open".into()),
                about: intent.fields.0.0.keys().cloned().collect(),
                id: LinkId(link.id).to_string(),
                code: intent.code,
            });
        }
    }
    Ok(events)
}

/// Visits, mails and tasks have a time of their own.
fn met(record: &Record) -> Option<Event> {
    let Value::Instant { at, .. } = record.fields.value(&Field::AT)? else { return None };
    let title = [Field::SUBJECT, Field::INTEREST, Field::STATUS].iter().find_map(|field| record.fields.text(field));
    Some(Event {
        at: *at,
        what: "met",
        who: String::new(),
        how: record.fields.text(&Field::ACTIVITY_TYPE).unwrap_or(record.kind.name()).to_owned(),
        about: title.map(str::to_owned).into_iter().collect(),
        id: record.id.to_string(),
        code: None,
    })
}
