//! Answers to questions.

use axum::{
    extract::{Request, State},
    http::StatusCode,
};
use mittler_core::RecordId;
use mittler_sync::review::{self, Answer, NotTaken};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    App,
    access::{Caller, Scope},
    body::{self, At},
    problem::Problem,
};

/// A person's answer to a question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerBody {
    /// `same` (with `record`, if there are several candidates) or `different` for `same_person` and
    /// `same_organisation`; `noted` or `retry` for the others.
    pub answer: String,
    /// The candidate that is the same.
    pub record: Option<String>,
}

/// Answer a question
///
/// Two that are the same become one: what was said of the one, its keys and its links move to the
/// candidate, and all CRMs are told. Where a CRM has a record of each, the second stays there as it
/// is, and a question says so. Two that are different are not asked about again. `retry` makes due
/// what the question is about; if nothing has changed in the CRM, it is asked again.
#[utoipa::path(post, path = "/reviews/{id}/answer", tag = "Reviews", params(("id" = Uuid, Path)), request_body = AnswerBody,
    responses((status = 204, description = "The answer is taken, and what follows from it is under way")))]
pub(crate) async fn post_answer(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    caller.needs(Scope::RecordsWrite)?;
    let id = body::id::<Uuid>(&id)?;
    let given: AnswerBody = body::json(request, app.settings.body_limit).await?;
    answer(&app, id, &given, caller.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn answer(app: &App, id: Uuid, given: &AnswerBody, actor: Uuid) -> Result<(), Problem> {
    let meant = match given.answer.as_str() {
        "same" => Answer::Same(candidate(app, id, given.record.as_deref()).await?),
        "different" => Answer::Different,
        "noted" => Answer::Noted,
        "retry" => Answer::Retry,
        _ => return Err(Problem::invalid("answer", "an answer is same, different, noted or retry")),
    };
    match review::answer(&app.store, &app.clock, id, meant, &actor.to_string()).await? {
        Ok(()) => {
            app.door.wake();
            Ok(())
        }
        Err(NotTaken::NoSuchQuestion) => Err(Problem::not_found()),
        Err(NotTaken::AnsweredBefore) => {
            Err(Problem::new("conflict").detailed("this question has been answered already"))
        }
        Err(NotTaken::NoAnswerToThis) => {
            Err(Problem::invalid("answer", "the question asks for something else, or has no such candidate"))
        }
    }
}

/// The candidate that was named, or the only one.
async fn candidate(app: &App, id: Uuid, named: Option<&str>) -> Result<RecordId, Problem> {
    if let Some(named) = named {
        return named.parse().map_err(|_| Problem::invalid("record", "this is no record's id (rec_…)"));
    }
    let review = app.store.review(id).await?.ok_or_else(Problem::not_found)?;
    match mittler_store::decisions::candidates(&review.candidates.0).as_slice() {
        [only] => Ok(*only),
        _ => Err(Problem::invalid("record", "name the candidate that is the same")),
    }
}
