//! What a person may ask for: to see what is held about them, to be forgotten, that nobody is told of them.

use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use mittler_core::RecordId;
use mittler_sync::{export::Export, find::Found, forget::Forgotten, restrict::Restriction, rights::Whom};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    App,
    access::{Caller, Scope},
    body::{self, At, Params},
    pages::disclosure,
    problem::Problem,
};

/// Characters that the reason of a restriction may have.
const REASON: usize = 500;

/// Who is meant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonBody {
    /// A record's id, an e-mail address or a phone number.
    #[schema(example = "anna@example.com")]
    person: String,
}

/// Why nobody is to be told of the person.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestrictionBody {
    /// Stays in the audit trail until the person is forgotten. At most 500 characters.
    #[schema(max_length = 500, example = "disputes the address, letter of 12 May")]
    reason: Option<String>,
}

/// In which form.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// `json`, `html`. JSON if not given; HTML is a page to print or to send.
    format: Option<String>,
    /// `de`, `en`. The language of the page; that of `Accept-Language` if not given.
    lang: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ForgetQuery {
    /// Say what would be removed, and remove nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Everything that is held about a person
///
/// For the person (Art. 15 GDPR), as JSON or as a page. It is entered into the audit trail that it was given.
#[utoipa::path(get, path = "/records/{id}/export", tag = "Rights of people", params(("id" = String, Path, description = "rec_…"), ExportQuery),
    responses((status = 200, description = "Everything that is held", content((Export = "application/json"), (String = "text/html")))))]
pub(crate) async fn get_export(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
    Params(query): Params<ExportQuery>,
    lang: crate::pages::Lang,
) -> Result<Response, Problem> {
    caller.needs(Scope::RecordsRead)?;
    export(&app, &caller, body::id(&id)?, &query, lang).await
}

/// Everything that is held about whoever has an address or number
///
/// The same by an e-mail address or a phone number, which stays out of addresses and logs. 404 if nobody is known by
/// it; 409 with the records in `detail` if several share it.
#[utoipa::path(post, path = "/people/export", tag = "Rights of people", params(ExportQuery),
    request_body(content = PersonBody, content_type = "application/json"),
    responses((status = 200, description = "Everything that is held", content((Export = "application/json"), (String = "text/html")))))]
pub(crate) async fn post_export(
    State(app): State<App>,
    caller: Caller,
    Params(query): Params<ExportQuery>,
    lang: crate::pages::Lang,
    request: Request,
) -> Result<Response, Problem> {
    caller.needs(Scope::RecordsRead)?;
    match meant(&app, request).await? {
        Whom::Record(id) => export(&app, &caller, id, &query, lang).await,
        Whom::Stranger(_) => Err(Problem::not_found().detailed("nobody is known by this address or number")),
    }
}

async fn export(
    app: &App,
    caller: &Caller,
    id: RecordId,
    query: &ExportQuery,
    lang: crate::pages::Lang,
) -> Result<Response, Problem> {
    let as_page = match query.format.as_deref() {
        None | Some("json") => false,
        Some("html") => true,
        Some(_) => return Err(Problem::invalid("format", "json or html")),
    };
    if !matches!(query.lang.as_deref(), None | Some("de" | "en")) {
        return Err(Problem::invalid("lang", "de or en"));
    }
    let export = app.rights.export(id, &caller.id.to_string()).await?.ok_or_else(Problem::not_found)?;
    if !as_page {
        return Ok(Json(export).into_response());
    }
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, disclosure::policy()),
    ];
    Ok((headers, disclosure::page(&export, lang, &app.settings.time_zone)).into_response())
}

/// Forget a person
///
/// Art. 17 GDPR: the person is removed from every table, and their addresses are kept out by keyed hashes. The answer
/// says what was done table by table, and what CRMs still hold: erasing it there is their own act. With `dry_run`
/// nothing is removed. What was forgotten is 404 from then on. Needs the scope `admin`.
#[utoipa::path(post, path = "/records/{id}/forget", tag = "Rights of people", params(("id" = String, Path, description = "rec_…"), ForgetQuery),
    responses((status = 200, description = "What was removed, or would be", body = Forgotten)))]
pub(crate) async fn post_forget(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
    Params(query): Params<ForgetQuery>,
) -> Result<Json<Forgotten>, Problem> {
    caller.needs(Scope::Admin)?;
    forget(&app, &caller, &Whom::Record(body::id(&id)?), &query).await
}

/// Forget whoever has an address or number
///
/// The same by an e-mail address or a phone number. Of somebody who has no record what was not taken and speaks of them
/// is emptied, and the address is kept out; a number alone keeps nobody out. 409 with the records in `detail` if several
/// share it.
#[utoipa::path(post, path = "/people/forget", tag = "Rights of people", params(ForgetQuery),
    request_body(content = PersonBody, content_type = "application/json"),
    responses((status = 200, description = "What was removed, or would be", body = Forgotten)))]
pub(crate) async fn post_forget_whom(
    State(app): State<App>,
    caller: Caller,
    Params(query): Params<ForgetQuery>,
    request: Request,
) -> Result<Json<Forgotten>, Problem> {
    caller.needs(Scope::Admin)?;
    let whom = meant(&app, request).await?;
    forget(&app, &caller, &whom, &query).await
}

async fn forget(app: &App, caller: &Caller, whom: &Whom, query: &ForgetQuery) -> Result<Json<Forgotten>, Problem> {
    let done = if query.dry_run {
        app.rights.preview_forgetting(whom).await?
    } else {
        app.rights.forget(whom, &caller.id.to_string()).await?
    };
    done.map(Json).ok_or_else(Problem::not_found)
}

/// Who is meant by the body of a call.
async fn meant(app: &App, request: Request) -> Result<Whom, Problem> {
    let body: PersonBody = body::json(request, app.settings.body_limit).await?;
    match app.rights.find(&body.person).await? {
        Found::Record(id) => Ok(Whom::Record(id)),
        Found::Stranger(contact) => Ok(Whom::Stranger(contact)),
        Found::Unreadable => Err(Problem::invalid("person", "this is no record's id, e-mail address or phone number")),
        Found::Several(ids) => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let words = format!("several people share it; name one by the record's id: {}", ids.join(", "));
            Err(Problem { cause: Some("several_people".into()), ..Problem::new("conflict") }.detailed(words))
        }
    }
}

/// Tell nobody of a person for now
///
/// Restriction of processing (Art. 18 GDPR): what is due is held with the code `restricted` until it
/// is lifted. A reason may come with it; of a person who is restricted already the first one stays.
#[utoipa::path(put, path = "/records/{id}/restriction", tag = "Rights of people", params(("id" = String, Path, description = "rec_…")),
    request_body(content = Option<RestrictionBody>, content_type = "application/json"),
    responses((status = 204, description = "The person is restricted")))]
pub(crate) async fn put_restriction(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    caller.needs(Scope::RecordsWrite)?;
    let id = body::id(&id)?;
    let body: Option<RestrictionBody> = if request.headers().contains_key(header::CONTENT_TYPE) {
        body::json(request, app.settings.body_limit).await?
    } else {
        None
    };
    let reason = reason(body.and_then(|body| body.reason))?;
    restrict(&app, &caller, id, Restriction::Begin { reason }).await
}

/// Lift the restriction of a person
///
/// What was held is written.
#[utoipa::path(delete, path = "/records/{id}/restriction", tag = "Rights of people", params(("id" = String, Path, description = "rec_…")),
    responses((status = 204, description = "The person is not restricted")))]
pub(crate) async fn delete_restriction(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
) -> Result<StatusCode, Problem> {
    caller.needs(Scope::RecordsWrite)?;
    restrict(&app, &caller, body::id(&id)?, Restriction::Lift).await
}

async fn restrict(app: &App, caller: &Caller, id: RecordId, wish: Restriction) -> Result<StatusCode, Problem> {
    let changed = app.rights.restrict(id, wish, &caller.id.to_string()).await?;
    changed.ok_or_else(Problem::not_found)?;
    app.ingest.wake();
    Ok(StatusCode::NO_CONTENT)
}

/// A reason, if it says anything.
pub(crate) fn reason(said: Option<String>) -> Result<Option<String>, Problem> {
    let said = said.map(|said| said.trim().to_owned()).filter(|said| !said.is_empty());
    if said.as_ref().is_some_and(|said| said.chars().count() > REASON) {
        return Err(Problem::invalid("reason", "a reason has at most 500 characters"));
    }
    Ok(said)
}
