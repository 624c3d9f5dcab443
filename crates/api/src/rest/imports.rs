//! Lists: upload, dry run, progress, rows that were not taken, and reading those again.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{FromRequest, Multipart, Request, State, multipart::Field},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use mittler_core::{RunId, Time};
use mittler_intake::LeadField;
use mittler_store::runs::{Run, RunState};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{leads::Signal, problems_csv};
use crate::{
    App,
    access::{Caller, Scope},
    body::{self, Answer, At, List, Page, Params},
    incoming::{Held, Stopped, attended},
    problem::Problem,
};
use mittler_ingest::{Counts, DryRun, ImportParams, Imported, OpenList};

/// Rows of a dry run that are shown in full.
pub(crate) const PREVIEW: usize = 20;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// Say what would become of the list, and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// The form of an upload.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes a form that is read part by part")]
pub(crate) struct ImportForm {
    /// The list, as CSV.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// JSON: `{"source": "hannover-messe-2026", "fair": {"name": "Hannover Messe 2026", "starts":
    /// "2026-04-20", "ends": "2026-04-24"}, "stand_scan": true, "default_country": "DE",
    /// "time_zone": "Europe/Berlin", "columns": {"Bemerkung": "note"}, "encoding": "windows-1252",
    /// "delimiter": ";", "label": "…"}`; only `source` must be there.
    params: String,
}

/// A file and the parameters that came with it.
#[derive(Debug)]
pub(crate) struct Upload {
    pub file: Bytes,
    pub params: ImportParams,
    /// Counts the file as in memory, until whoever works on it has ended.
    pub held: Option<Arc<Held>>,
}

impl Upload {
    pub async fn of(request: Request, app: &App) -> Result<Upload, Problem> {
        body::needs_type(request.headers(), &["multipart/form-data"])?;
        let limit = app.settings.import_limit;
        let held = request.extensions().get::<Arc<Held>>().cloned();
        let request = request.map(|body| axum::body::Body::new(http_body_util::Limited::new(body, limit)));
        let mut form = Multipart::from_request(request, app).await.map_err(|_| broken("the form has no boundary"))?;
        let (mut file, mut label, mut params) = (None, None, None);
        while let Some(field) = form.next_field().await.map_err(|error| part_error(&error, limit))? {
            match field.name() {
                Some("file") => {
                    label = field.file_name().map(str::to_owned);
                    file = Some(part(field, limit).await?);
                }
                Some("params") => params = Some(part(field, limit).await?),
                _ => {}
            }
        }
        let file = file.ok_or_else(|| Problem::invalid("file", "the form has no part of that name"))?;
        let params = params.ok_or_else(|| Problem::invalid("params", "the form has no part of that name"))?;
        let mut params: ImportParams =
            serde_json::from_slice(&params).map_err(|error| Problem::invalid("params", error.to_string()))?;
        if params.label.is_empty() {
            params.label = label.unwrap_or_default();
        }
        Ok(Upload { file, params, held })
    }
}

async fn part(field: Field<'_>, limit: usize) -> Result<Bytes, Problem> {
    field.bytes().await.map_err(|error| part_error(&error, limit))
}

fn part_error(error: &axum::extract::multipart::MultipartError, limit: usize) -> Problem {
    if let Some(stopped) = Stopped::among(error) {
        return stopped;
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<http_body_util::LengthLimitError>() {
            return body::too_large(limit);
        }
        source = cause.source();
    }
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        body::too_large(limit)
    } else {
        broken("the form ended early")
    }
}

fn broken(detail: &str) -> Problem {
    Problem { cause: Some("broken_form".into()), ..Problem::new("unreadable") }.detailed(detail)
}

/// A list that came in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportedList {
    /// Ask `/imports/{run}` how far it is.
    #[schema(example = "run_0190f5e2b8d97c6f8a52c9f1f0a3d111")]
    pub run: String,
    pub rows: u64,
    /// Rows that had not been taken before.
    pub new: u64,
    /// Rows that an earlier import had brought.
    pub known: u64,
    /// Rows that say exactly what an earlier row of the same list says.
    pub repeated: u64,
}

impl From<Imported> for ImportedList {
    fn from(imported: Imported) -> Self {
        let Imported { run, rows, new, known, repeated, .. } = imported;
        ImportedList { run: run.to_string(), rows, new, known, repeated }
    }
}

/// Import a list, or see what would become of it
///
/// Every row is kept as it came before the answer; the rows are read in the background. The same
/// file again is the same import and finds its rows known. A row with a value of more than 32 KB, or
/// of more than 1 MB, is refused alone; a list has at most 2,000 columns.
///
/// A dry run gives counts over all rows and the first 200 of each sort; with `Accept: text/csv` it
/// gives all rows that would be refused, as `problems.csv` of an import does. Nothing of it is kept,
/// and it ends when its caller leaves. So does an import of which nothing is stored yet; one that is
/// being stored is finished.
#[utoipa::path(post, path = "/imports", tag = "Imports", params(ImportQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "A repetition with the same key and file is given the first answer")),
    request_body(content = ImportForm, content_type = "multipart/form-data"),
    responses((status = 202, description = "Accepted, durably", body = ImportedList),
              (status = 200, description = "Dry run: encoding, columns with meaning and samples, counts, the first rows of each sort, the first rows in normal form; or the rows that would be refused", content((DryRun = "application/json"), (String = "text/csv")))))]
pub(crate) async fn post_import(
    State(app): State<App>,
    caller: Caller,
    Params(query): Params<ImportQuery>,
    request: Request,
) -> Result<Response, Problem> {
    caller.needs(Scope::LeadsWrite)?;
    let headers = request.headers().clone();
    let upload = Upload::of(request, &app).await?;
    if query.dry_run {
        if body::wants(&headers, "text/csv") {
            let list = open(&app, upload.file, upload.params).await?;
            return Ok(problems_csv::of_dry_run(&app, list, upload.held));
        }
        return Ok(Json(dry_run(&app, upload).await?).into_response());
    }
    let (said, file) = (format!("{:?}", upload.params), upload.file.clone());
    let own = app.clone();
    let work = async move { Answer::accepted(ImportedList::from(import(&own, upload).await?)) };
    body::once(&app, &caller, &headers, "imports", &[said.as_bytes(), &file], work).await
}

/// Takes a list apart for as long as the caller waits.
async fn open(app: &App, file: Bytes, params: ImportParams) -> Result<OpenList, Problem> {
    let left = CancellationToken::new();
    // The server drops this future when the caller leaves.
    let _waits = left.clone().drop_guard();
    Ok(attended(app.ingest.open_list(file, params, &left)).await?)
}

/// Once it is being stored, it is stored to its end even if the caller leaves: half a list helps nobody.
pub(crate) async fn import(app: &App, upload: Upload) -> Result<Imported, Problem> {
    let Upload { file, params, held } = upload;
    let list = open(app, file, params).await?;
    let ingest = app.ingest.clone();
    let import = tokio::spawn(async move {
        let imported = ingest.import_list(list, |_, _| ()).await;
        drop(held);
        imported
    });
    Ok(import.await.map_err(|_| Problem::new("internal"))??)
}

pub(crate) async fn dry_run(app: &App, upload: Upload) -> Result<DryRun, Problem> {
    let Upload { file, params, held } = upload;
    let list = open(app, file, params).await?;
    let left = CancellationToken::new();
    let _waits = left.clone().drop_guard();
    let run = attended(app.ingest.dry_run(list, PREVIEW, &left)).await?;
    drop(held);
    Ok(run)
}

/// An import, mailbox or day of single inputs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunView {
    pub id: String,
    /// `import`, `mails`, `leads`, …
    pub kind: String,
    pub label: String,
    /// `receiving`, `reading`, `done`, `open`. A day of single inputs stays open.
    pub state: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Time>,
    /// How it is read: source, fair, time zone and, for lists, the layout with its columns.
    #[schema(value_type = Object)]
    pub params: serde_json::Value,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        RunView {
            id: RunId(run.id).to_string(),
            kind: run.kind,
            label: run.label,
            state: run.state.name().to_owned(),
            created_at: Time(run.created_at),
            finished_at: run.finished_at.map(Time),
            params: run.params.0,
        }
    }
}

/// List imports, the newest first
#[utoipa::path(get, path = "/imports", tag = "Imports", params(Page),
    responses((status = 200, description = "Imports", body = List<RunView>)))]
pub(crate) async fn get_imports(
    State(app): State<App>,
    caller: Caller,
    Params(page): Params<Page>,
) -> Result<Json<List<RunView>>, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let most = page.most()?;
    let before = page.cursor::<RowCursor>()?.map(|RowCursor(at, id)| (Time(at), id));
    let runs = app.store.run_list(before, most + 1).await?;
    Ok(List::of(runs, most, |run| RowCursor(run.created_at, run.id).to_string(), RunView::from))
}

/// An import with what became of its rows so far.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Progress {
    #[serde(flatten)]
    pub run: RunView,
    pub counts: Counts,
}

pub(crate) async fn progress(app: &App, run: RunId) -> Result<Progress, Problem> {
    let known = app.store.run(run).await?.ok_or_else(Problem::not_found)?;
    let people = if known.state == RunState::Done { Some(app.store.run_people(run).await?) } else { None };
    let counts = Counts { people, ..app.store.run_counts(run).await?.into() };
    Ok(Progress { run: known.into(), counts })
}

/// Ask how far an import is
#[utoipa::path(get, path = "/imports/{run}", tag = "Imports", params(("run" = String, Path, description = "run_…")),
    responses((status = 200, description = "The import", body = Progress)))]
pub(crate) async fn get_import(
    State(app): State<App>,
    caller: Caller,
    At(run): At<String>,
) -> Result<Json<Progress>, Problem> {
    caller.needs(Scope::RecordsRead)?;
    Ok(Json(progress(&app, body::id(&run)?).await?))
}

/// The place of a row in a list: its line or time, and its id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowCursor(pub i64, pub Uuid);

impl std::str::FromStr for RowCursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (line, id) = text.split_once('.').ok_or(())?;
        Ok(RowCursor(line.parse().map_err(|_| ())?, id.parse().map_err(|_| ())?))
    }
}

impl std::fmt::Display for RowCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1.simple())
    }
}

/// List the rows that were not taken, with code and reason
#[utoipa::path(get, path = "/imports/{run}/problems", tag = "Imports", params(("run" = String, Path, description = "run_…"), Page),
    responses((status = 200, description = "Rows that were refused or parked", body = List<Signal>)))]
pub(crate) async fn get_problems(
    State(app): State<App>,
    caller: Caller,
    At(run): At<String>,
    Params(page): Params<Page>,
) -> Result<Json<List<Signal>>, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let (most, run) = (page.most()?, body::id::<RunId>(&run)?);
    let after = page.cursor::<RowCursor>()?.unwrap_or(RowCursor(i64::MIN, Uuid::nil()));
    app.store.run(run).await?.ok_or_else(Problem::not_found)?;
    let lines = app.store.run_lines(run, true, (after.0, after.1), most + 1).await?;
    Ok(List::of(lines, most, |line| RowCursor(line.line, line.id).to_string(), Signal::from))
}

/// What columns really mean.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Correction {
    /// By header; `null` keeps a column as an attribute.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, Option<String>>, example = json!({"Bemerkung": "note"}))]
    columns: BTreeMap<String, Option<LeadField>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Again {
    /// Rows that are read again.
    rows: u64,
}

/// Read refused rows again, with corrected columns
#[utoipa::path(post, path = "/imports/{run}/retry", operation_id = "post_import_retry", tag = "Imports", params(("run" = String, Path, description = "run_…")),
    request_body = Correction, responses((status = 202, description = "They are read again", body = Again)))]
pub(crate) async fn post_retry(
    State(app): State<App>,
    caller: Caller,
    At(run): At<String>,
    request: Request,
) -> Result<Response, Problem> {
    caller.needs(Scope::RecordsWrite)?;
    let run = body::id::<RunId>(&run)?;
    let correction: Correction = body::json(request, app.settings.body_limit).await?;
    let rows = app.ingest.retry_import(run, &correction.columns).await?;
    Ok((StatusCode::ACCEPTED, Json(Again { rows })).into_response())
}
