//! Work that died, and questions for people.

use axum::{Json, extract::State, http::StatusCode};
use mittler_core::{ConnectionId, JobId, RecordId, Time};
use mittler_store::{jobs::JobLine, reviews::ReviewLine};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    App,
    access::{Caller, Scope},
    body::{self, At, List, Page, Params},
    problem::Problem,
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobQuery {
    /// `dead`. Only those that wait for a person.
    state: Option<String>,
    /// `next` of the part before.
    after: Option<String>,
    /// How many at most: 1 to 500, 100 if not given.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<i64>,
}

/// Work to do later.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobView {
    pub id: String,
    #[schema(example = "pull:0190f5e2b8d97c6f8a52c9f1f0a3d111")]
    pub topic: String,
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Time,
    /// Times it was begun.
    pub attempts: i64,
    /// Times it ended without an end.
    pub failures: i64,
    /// Since when it waits for a person.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl From<JobLine> for JobView {
    fn from(line: JobLine) -> Self {
        JobView {
            id: JobId(line.id).to_string(),
            topic: line.topic,
            due_at: Time(line.due_at),
            attempts: line.attempt,
            failures: line.failures,
            dead_at: line.dead_at.map(Time),
            code: line.code,
        }
    }
}

/// List jobs
#[utoipa::path(get, path = "/jobs", tag = "Jobs", params(JobQuery),
    responses((status = 200, description = "Jobs", body = List<JobView>)))]
pub(crate) async fn get_jobs(
    State(app): State<App>,
    caller: Caller,
    Params(query): Params<JobQuery>,
) -> Result<Json<List<JobView>>, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let page = Page { after: query.after, limit: query.limit };
    let (most, after) = (page.most()?, page.cursor::<JobId>()?.map(|id| id.0));
    let jobs = match query.state.as_deref() {
        None => app.store.job_lines(after, most + 1).await?,
        Some("dead") => app.store.dead_jobs(after.unwrap_or(Uuid::nil()), most + 1).await?,
        Some(_) => return Err(Problem::invalid("state", "the only state to ask for is dead")),
    };
    Ok(List::of(jobs, most, |job| JobId(job.id).to_string(), JobView::from))
}

/// Bring a dead job back
#[utoipa::path(post, path = "/jobs/{id}/retry", operation_id = "post_job_retry", tag = "Jobs", params(("id" = String, Path, description = "job_…")),
    responses((status = 204, description = "It is done again")))]
pub(crate) async fn post_retry(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
) -> Result<StatusCode, Problem> {
    caller.needs(Scope::RecordsWrite)?;
    retry(&app, body::id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn retry(app: &App, id: JobId) -> Result<(), Problem> {
    let now = app.clock.now();
    if !app.store.write(async move |tx| tx.revive_job(id, now).await).await? {
        return Err(Problem::new("conflict").detailed("there is no dead job of this id"));
    }
    app.ingest.wake();
    Ok(())
}

/// A question for a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewView {
    pub id: Uuid,
    /// `same_person`, `same_organisation`, `remote_duplicate`, `deleted_there`,
    /// `erased_there`, `owner_unknown`, `objection_untold`, `field_contested`,
    /// `mass_deletion`, `mass_change`, `mass_write`.
    pub question: String,
    pub record: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Records or remote ids that may be the same.
    #[schema(value_type = serde_json::Value)]
    pub candidates: serde_json::Value,
    pub reason: String,
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Time,
}

impl From<ReviewLine> for ReviewView {
    fn from(line: ReviewLine) -> Self {
        ReviewView {
            id: line.id,
            question: line.question,
            record: RecordId(line.record).to_string(),
            connection: line.connection.map(|id| ConnectionId(id).to_string()),
            candidates: line.candidates.0,
            reason: line.reason,
            asked_at: Time(line.asked_at),
        }
    }
}

/// List open questions
#[utoipa::path(get, path = "/reviews", tag = "Reviews", params(Page),
    responses((status = 200, description = "Questions that wait for a person", body = List<ReviewView>)))]
pub(crate) async fn get_reviews(
    State(app): State<App>,
    caller: Caller,
    Params(page): Params<Page>,
) -> Result<Json<List<ReviewView>>, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let most = page.most()?;
    let reviews = app.store.reviews_open(page.cursor::<Uuid>()?, most + 1).await?;
    Ok(List::of(reviews, most, |review| review.id.to_string(), ReviewView::from))
}
