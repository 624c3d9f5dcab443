//! A person's edit of a record.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use mittler_core::{Label, Record, RecordId};
use mittler_sync::edit::{Change, Editor, NotEdited, Written};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::records::{RecordView, tag};
use crate::{
    App,
    access::{Caller, Scope},
    body::{self, At},
    problem::Problem,
};

/// What a record is to say: fields by their names, as a JSON merge patch. Fields that are left out stay as they are,
/// `null` empties one everywhere. `emails` and `phones` are given as a whole: all that they are to have, the main one
/// first; who adds one sends those that are there with it.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a description; the handler reads any member")]
pub(crate) struct EditBody {
    #[schema(value_type = Option<String>, example = "Leiterin Einkauf")]
    position: Option<String>,
    emails: Option<Vec<ElementBody>>,
    phones: Option<Vec<ElementBody>>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// An address or a number, and what it is for.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a description")]
pub(crate) struct ElementBody {
    #[schema(example = "anna@example.com")]
    value: String,
    /// `work`, `direct`, `mobile`, `fax`, `private`, `other`. As it is known, or as the value shows, if not given.
    #[schema(value_type = Option<String>)]
    label: Option<Label>,
}

/// Edit a record
///
/// What a person writes is a claim of the strongest source and goes to all CRMs. It comes with `If-Match` and the
/// `ETag` that the record was read with: 428 without it, 412 when the record changed meanwhile. Sent again, an edit
/// that is in force already changes nothing. A value that cannot be is 422 with its `field`; an address or number in a
/// register that names another record is 409 with that record, and so is a record that became part of another.
/// Of people and organisations alone; the key needs `records:read` and `records:write`. Whether a value holds is told by
/// its field's policy: most fields are the newest's, and a later change in a CRM or mail takes its place.
#[utoipa::path(patch, path = "/records/{id}", tag = "Records",
    params(("id" = String, Path, description = "rec_…"), ("If-Match" = String, Header, description = "The `ETag` of the record", pattern = r#"^"[0-9]{1,18}"$"#, example = r#""7""#)),
    request_body(content = EditBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The record as it is now", body = RecordView, headers(("ETag" = String)))))]
pub(crate) async fn patch_record(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
    request: Request,
) -> Result<Response, Problem> {
    needs_both(&caller)?;
    let (id, version) = (body::id::<RecordId>(&id)?, expected(request.headers())?);
    let fields: Map<String, Value> = body::json(request, app.settings.body_limit).await?;
    let changes = fields.iter().map(|(name, value)| Ok((name.clone(), change(name, value)?)));
    let changes = changes.collect::<Result<BTreeMap<_, _>, Problem>>()?;
    answer(&app, id, version, &changes, &caller).await
}

/// Let a field go
///
/// What a person wrote into it stands no more, and the field says what all other sources say. It comes with
/// `If-Match` like an edit.
#[utoipa::path(delete, path = "/records/{id}/fields/{field}", tag = "Records",
    params(("id" = String, Path, description = "rec_…"), ("field" = String, Path, example = "position"),
        ("If-Match" = String, Header, description = "The `ETag` of the record", pattern = r#"^"[0-9]{1,18}"$"#, example = r#""7""#)),
    responses((status = 200, description = "The record as it is now", body = RecordView, headers(("ETag" = String)))))]
pub(crate) async fn delete_field(
    State(app): State<App>,
    caller: Caller,
    At((id, field)): At<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    needs_both(&caller)?;
    let (id, version) = (body::id::<RecordId>(&id)?, expected(&headers)?);
    answer(&app, id, version, &BTreeMap::from([(field, Change::LetGo)]), &caller).await
}

/// Whoever edits has read the record, and is answered with it.
fn needs_both(caller: &Caller) -> Result<(), Problem> {
    caller.needs(Scope::RecordsRead)?;
    caller.needs(Scope::RecordsWrite)
}

async fn answer(
    app: &App,
    id: RecordId,
    version: i64,
    changes: &BTreeMap<String, Change>,
    caller: &Caller,
) -> Result<Response, Problem> {
    let record = edit(app, id, version, changes, &caller.id.to_string()).await?.map_err(problem)?;
    let restricted_at = app.store.restricted_since(id).await?;
    Ok((tag(&record), Json(RecordView::of(&record, restricted_at))).into_response())
}

/// Edits a record, and tells the worker of this process that there is work.
pub(crate) async fn edit(
    app: &App,
    id: RecordId,
    version: i64,
    changes: &BTreeMap<String, Change>,
    actor: &str,
) -> Result<Result<Record, NotEdited>, Problem> {
    let edited = Editor::of(&app.questions).edit(id, version, changes, actor).await?;
    if edited.as_ref().is_ok_and(|edited| edited.changed) {
        app.ingest.wake();
    }
    Ok(edited.map(|edited| edited.record))
}

/// The version that the caller has seen.
fn expected(headers: &HeaderMap) -> Result<i64, Problem> {
    let Some(given) = headers.get(header::IF_MATCH) else {
        return Err(Problem::new("precondition_required").detailed("send If-Match with the ETag of the record"));
    };
    let tag = given.to_str().ok().and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    tag.ok_or_else(|| Problem::invalid("If-Match", "this is no ETag of a record, such as \"7\""))
}

fn change(name: &str, value: &Value) -> Result<Change, Problem> {
    let wrong = || {
        let words = "a field is a text, null, or for emails and phones a list of texts or of {\"value\", \"label\"}";
        Problem { field: Some(name.to_owned()), ..Problem::new("wrong_member") }.detailed(words)
    };
    match value {
        Value::Null => Ok(Change::Empty),
        Value::Array(list) => {
            let list = list.iter().map(|one| element(one).ok_or_else(wrong));
            Ok(Change::Set(list.collect::<Result<_, _>>()?))
        }
        one => text(one).map(Change::to).ok_or_else(wrong),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn element(value: &Value) -> Option<Written> {
    let Value::Object(members) = value else { return Some(Written { text: text(value)?, label: None }) };
    if members.keys().any(|name| name != "value" && name != "label") {
        return None;
    }
    let label = match members.get("label") {
        Some(label) => serde_json::from_value::<Option<Label>>(label.clone()).ok()?,
        None => None,
    };
    Some(Written { text: text(members.get("value")?)?, label })
}

fn problem(not: NotEdited) -> Problem {
    let words = not.to_string();
    match not {
        NotEdited::NoSuchRecord => Problem::not_found(),
        NotEdited::MergedInto(_) => {
            Problem { cause: Some("merged".into()), ..Problem::new("conflict") }.detailed(words)
        }
        NotEdited::KindNotEdited(_) => {
            Problem { cause: Some("kind_not_edited".into()), ..Problem::new("conflict") }.detailed(words)
        }
        NotEdited::ChangedMeanwhile(_) => Problem::new("precondition_failed").detailed(words),
        NotEdited::Taken { field, .. } => {
            let (field, cause) = (Some(field.to_string()), Some("taken".into()));
            Problem { field, cause, ..Problem::new("conflict") }.detailed(words)
        }
        NotEdited::Refused { field, fault } => {
            Problem { cause: Some(fault.code().into()), ..Problem::invalid(field, fault.to_string()) }
        }
    }
}
