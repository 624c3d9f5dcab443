//! What happened to a record, the latest first: what was said of it, what was written of it.

use axum::{Json, extract::State};
use mittler_core::LinkId;
use mittler_core::{Field, Record, RecordId, Time, Value};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::imports::RowCursor;
use crate::{
    App,
    access::{Caller, Scope},
    body::{self, At, List, Page, Params},
    problem::Problem,
};
use mittler_store::intents::IntentOutcome;

/// One thing that happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Event {
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// `said`, `written`, `met`. A source said something, a CRM was told, or there was a visit, mail or task.
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
    /// Orders what happened at one time.
    #[serde(skip)]
    key: Uuid,
}

impl Event {
    fn place(&self) -> RowCursor {
        RowCursor(self.at.0, self.key)
    }
}

/// What happened to a record, the latest first
#[utoipa::path(get, path = "/records/{id}/timeline", tag = "Records", params(("id" = String, Path, description = "rec_…"), Page),
    responses((status = 200, description = "Events", body = List<Event>)))]
pub(crate) async fn get_timeline(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
    Params(page): Params<Page>,
) -> Result<Json<List<Event>>, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let (id, most) = (app.store.survivor(body::id::<RecordId>(&id)?).await?, page.most()?);
    app.store.record(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(events(&app, id, page.cursor::<RowCursor>()?, most).await?))
}

/// The events from before a place, the latest first.
pub(crate) async fn events(
    app: &App,
    id: RecordId,
    after: Option<RowCursor>,
    most: i64,
) -> Result<List<Event>, Problem> {
    let before = after.map_or((Time::MAX, Uuid::max()), |RowCursor(at, key)| (Time(at), key));
    let mut events = said(app, id).await?;
    events.extend(app.store.records_about(id).await?.iter().filter_map(met));
    events.retain(|event| (event.at, event.key) < before);
    events.extend(written(app, id, before, most + 1).await?);
    events.sort_by_key(|event| std::cmp::Reverse((event.at, event.key)));
    let Json(list) = List::of(events, most, |event| event.place().to_string(), |event| event);
    Ok(list)
}

async fn said(app: &App, id: RecordId) -> Result<Vec<Event>, Problem> {
    let statements = app.store.statements(id).await?.into_iter();
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
            // One signal may speak of several subjects.
            key: Uuid::from_u128(statement.subject.0.as_u128() ^ statement.signal.0.as_u128()),
        }
    };
    Ok(statements.map(event).collect())
}

async fn written(app: &App, id: RecordId, before: (Time, Uuid), most: i64) -> Result<Vec<Event>, Problem> {
    let connections = app.store.connections().await?;
    let mut events = Vec::new();
    for link in app.store.link_lines(id).await? {
        let known = connections.iter().find(|connection| connection.id == link.connection);
        let who = known.map(|connection| connection.name.clone()).unwrap_or_default();
        for intent in app.store.writes_before(LinkId(link.id), before, most).await? {
            events.push(Event {
                at: Time(intent.settled_at.unwrap_or(intent.begun_at)),
                what: "written",
                who: who.clone(),
                how: intent.outcome.map_or("open", IntentOutcome::name).to_owned(),
                about: intent.fields.0.0.keys().cloned().collect(),
                id: LinkId(link.id).to_string(),
                code: intent.code,
                key: intent.id,
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
        key: record.id.0,
    })
}
