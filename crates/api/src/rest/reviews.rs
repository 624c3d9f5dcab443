//! Questions side by side, and answers to them.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};
use mittler_core::{Label, RecordId, Time};
use mittler_sync::{
    NotTaken,
    question::{Choice, Command, RemoteRef},
    view::{Answer, Change, Preview, Shown, Side, There, View, WriteThere},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    App,
    access::{Caller, Scope},
    body::{self, At},
    problem::Problem,
};
use mittler_store::intents::Operation;

/// A question with its candidates side by side, and its answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuestionView {
    id: Uuid,
    /// `same_person`, `same_organisation`, `remote_duplicate`, `deleted_there`, `erased_there`,
    /// `owner_unknown`, `objection_untold`, `field_contested`,
    /// `mass_deletion`, `mass_change`, `mass_write`.
    question: String,
    /// A stable code with what was met.
    reason: String,
    /// `open`, `answered`.
    state: String,
    record: String,
    /// The connection that it is about, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    asked_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_at: Option<Time>,
    /// The record that is asked about first, then the candidates.
    sides: Vec<SideView>,
    /// The commands that answer it; once it is answered, `take_back` if that can be done.
    options: Vec<OptionView>,
    /// What the answer decided, as far as that stands.
    decisions: Vec<Uuid>,
}

/// One of those that are compared.
#[derive(Debug, Serialize, ToSchema)]
struct SideView {
    /// A record of ours; beside `remote`, the one that it is linked to.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    /// A record of the CRM.
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<ThereView>,
    title: String,
    values: Vec<ShownView>,
    /// Where a record of ours is known.
    known_at: Vec<ThereView>,
    /// Why the CRM shows no values now: a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    silent: Option<String>,
}

/// A record of a CRM.
#[derive(Debug, Serialize, ToSchema)]
struct ThereView {
    connection: String,
    remote_type: String,
    remote_id: String,
    /// Opens it in the CRM.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// A value, and who says so.
#[derive(Debug, Serialize, ToSchema)]
struct ShownView {
    field: String,
    /// `work`, `direct`, `mobile`, `fax`, `private`, `other`.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<Label>,
    value: String,
    /// `person`, `crm`, `own_mail`, `form`, `badge`, `organiser`, `rule`, `generated`. The kind of the source.
    #[schema(value_type = String)]
    source: mittler_core::SourceKind,
    /// Which source of that kind.
    source_name: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Time>,
}

/// An answer, and what it would change.
#[derive(Debug, Serialize, ToSchema)]
struct OptionView {
    /// What to answer with.
    #[schema(example = "link:Lead:00Q5g00000AbCdE")]
    key: String,
    /// `merge`, `different`, `link`, `create_anyway`, `leave_out`, `make_again`, `delete_there_too`, `forget`,
    /// `keep`, `ours`, `theirs`, `noted`, `retry`, `let_through`, `put_back`, `leave`, `take_back`.
    command: &'static str,
    /// The record that it is the same as.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_id: Option<String>,
    preview: PreviewView,
}

/// What an answer would change, as things stand.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewView {
    /// Records that become the first of them.
    merges: Vec<String>,
    /// Records that come out of the first of them again.
    splits: Vec<String>,
    /// Values that change in the record that stays.
    changes: Vec<ChangeView>,
    /// What CRMs are told.
    writes: Vec<WriteView>,
    /// What has to be erased by hand.
    by_hand: Vec<ThereView>,
}

/// A field before and after.
#[derive(Debug, Serialize, ToSchema)]
struct ChangeView {
    field: String,
    before: Vec<String>,
    after: Vec<String>,
}

/// One write to a CRM.
#[derive(Debug, Serialize, ToSchema)]
struct WriteView {
    connection: String,
    /// `create`, `update`, `archive`.
    #[schema(value_type = String)]
    operation: Operation,
    remote_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_id: Option<String>,
    /// The CRM's names.
    fields: Vec<String>,
}

impl From<View> for QuestionView {
    fn from(view: View) -> Self {
        QuestionView {
            id: view.question.id,
            question: view.kind,
            reason: view.question.reason,
            state: view.state.name().to_owned(),
            record: view.question.record.to_string(),
            connection: view.connection.map(|place| place.name),
            asked_at: view.asked_at,
            answered_at: view.answered_at,
            sides: view.sides.into_iter().map(SideView::from).collect(),
            options: view.options.into_iter().map(OptionView::from).collect(),
            decisions: view.decisions,
        }
    }
}

impl From<Side> for SideView {
    fn from(side: Side) -> Self {
        SideView {
            record: side.record.map(|record| record.to_string()),
            remote: side.remote.map(ThereView::from),
            title: side.title,
            values: side.values.into_iter().map(ShownView::from).collect(),
            known_at: side.known_at.into_iter().map(ThereView::from).collect(),
            silent: side.silent,
        }
    }
}

impl From<There> for ThereView {
    fn from(there: There) -> Self {
        let RemoteRef { remote_type, remote_id } = there.remote;
        ThereView { connection: there.connection.name, remote_type, remote_id, url: there.url }
    }
}

impl From<Shown> for ShownView {
    fn from(shown: Shown) -> Self {
        ShownView {
            field: shown.field.to_string(),
            label: shown.label,
            value: shown.value,
            source: shown.source.kind,
            source_name: shown.source.name,
            at: shown.at,
        }
    }
}

impl From<Answer> for OptionView {
    fn from(answer: Answer) -> Self {
        let remote = answer.command.remote().cloned();
        OptionView {
            key: answer.command.to_string(),
            command: answer.command.name(),
            record: answer.command.record().map(|record| record.to_string()),
            remote_type: remote.as_ref().map(|remote| remote.remote_type.clone()),
            remote_id: remote.map(|remote| remote.remote_id),
            preview: answer.preview.into(),
        }
    }
}

impl From<Preview> for PreviewView {
    fn from(preview: Preview) -> Self {
        let change = |Change { field, before, after }| ChangeView { field: field.to_string(), before, after };
        let write = |write: WriteThere| WriteView {
            connection: write.connection.name,
            operation: write.operation,
            remote_type: write.remote_type,
            remote_id: write.remote_id,
            fields: write.fields,
        };
        PreviewView {
            merges: preview.merges.iter().map(ToString::to_string).collect(),
            splits: preview.splits.iter().map(ToString::to_string).collect(),
            changes: preview.changes.into_iter().map(change).collect(),
            writes: preview.writes.into_iter().map(write).collect(),
            by_hand: preview.by_hand.into_iter().map(ThereView::from).collect(),
        }
    }
}

/// Read a question side by side
///
/// What each candidate says and where that comes from, links into the CRM, the commands that answer it, and
/// what each of them would change. Values of the CRM are read now where nothing is known of them; a CRM that
/// does not answer within seconds is said to be silent.
#[utoipa::path(get, path = "/reviews/{id}", tag = "Reviews", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The question", body = QuestionView)))]
pub(crate) async fn get_review(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
) -> Result<Json<QuestionView>, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let view = app.questions.view(body::id::<Uuid>(&id)?).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(view.into()))
}

/// A person's answer to a question: the `key` of one of its options as `command`, or its name with as much as
/// tells it from the others.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerBody {
    #[schema(example = "create_anyway")]
    pub command: Option<String>,
    /// The earlier name of `command`: `same`, `different`, `noted`, `retry`.
    pub answer: Option<String>,
    /// For `merge`: the candidate that is the same.
    pub record: Option<String>,
    /// For `link`: the record of the CRM that it is.
    pub remote_type: Option<String>,
    pub remote_id: Option<String>,
}

/// Answer a question
///
/// Two that are the same become one: what was said of the one, its keys and its links move to the
/// candidate, and all CRMs are told. Where a CRM has a record of each, the second stays there as it
/// is, and a question says so. Two that are different are not asked about again. `link` takes a record
/// of the CRM for what it is, with what it says; `create_anyway` makes one in spite of likely duplicates,
/// `leave_out` keeps it out until that is taken back. `take_back` answers an answered question: what was
/// merged becomes two again, each with its values, keys and remote records, what is left out may be written
/// again, and the question is open. What a CRM refuses all the same is asked again. An
/// answer that the question does not have is 422 with those that it has.
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
    let (field, name) = match (&given.command, &given.answer) {
        (Some(command), None) => ("command", command),
        (None, Some(answer)) => ("answer", answer),
        _ => return Err(Problem::invalid("command", "give the key of an option as `command`")),
    };
    let record = match &given.record {
        Some(record) => {
            Some(record.parse::<RecordId>().map_err(|_| Problem::invalid("record", "this is no record's id (rec_…)"))?)
        }
        None => None,
    };
    let remote = match (&given.remote_type, &given.remote_id) {
        (Some(remote_type), Some(remote_id)) => {
            Some(RemoteRef { remote_type: remote_type.clone(), remote_id: remote_id.clone() })
        }
        (None, None) => None,
        _ => return Err(Problem::invalid("remote_id", "remote_type and remote_id go together")),
    };
    let choice = Choice { name: name.clone(), record, remote };
    match app.questions.answer(id, &choice, &actor.to_string()).await? {
        Ok(_) => {
            app.ingest.wake();
            Ok(())
        }
        Err(NotTaken::NoSuchQuestion) => Err(Problem::not_found()),
        Err(NotTaken::AnsweredBefore) => {
            Err(Problem::new("conflict").detailed("this question has been answered already"))
        }
        Err(NotTaken::NoAnswerToThis(options)) => {
            let keys: Vec<String> = options.iter().map(Command::to_string).collect();
            Err(Problem::invalid(field, format!("the question is answered by one of: {}", keys.join(", "))))
        }
    }
}
