//! Questions for a person, with a button for each answer.

use std::collections::HashMap;

use axum::{
    extract::{FromRequest, Request, State},
    response::Redirect,
};
use maud::{Markup, html};
use mittler_core::{Record, RecordId, Time};
use mittler_store::{decisions::candidates, reviews::ReviewLine};
use mittler_sync::question::Command;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Asked, Lang, PageProblem, Visitor,
    today::{PAGE, Part, all},
    words,
};
use crate::{
    App,
    body::{self, At, Page, Params},
    problem::Problem,
    rest::reviews::{self, AnswerBody},
};

/// Bytes that the form may have.
const FORM: usize = 4 * 1024;

/// All open questions.
pub(crate) async fn page(
    State(app): State<App>,
    visitor: Visitor,
    Asked(Params(page)): Asked<Params<Page>>,
) -> Result<Markup, PageProblem> {
    let lang = visitor.lang;
    let part = Part::of(app.store.reviews_open(page.cursor::<Uuid>()?, PAGE + 1).await?, PAGE);
    let next = part.rows.last().filter(|_| part.more).map(|last| format!("/questions?after={}", last.id));
    let content = html! {
        h1 { (lang.say("Offene Fragen", "Open questions")) }
        (table(&app, &visitor, &part.rows).await?)
        @if let Some(next) = next { (all(lang, &next, "Weitere", "More")) }
    };
    Ok(visitor.page(lang.say("Offene Fragen", "Open questions"), &content))
}

pub(crate) async fn table(app: &App, visitor: &Visitor, reviews: &[ReviewLine]) -> Result<Markup, PageProblem> {
    let lang = visitor.lang;
    let about = reviews.iter().map(|review| RecordId(review.record));
    let ids: Vec<RecordId> = about.chain(reviews.iter().flat_map(|review| candidates(&review.candidates.0))).collect();
    let records = app.store.records(&ids).await?;
    let mut options: HashMap<Uuid, Vec<Command>> = HashMap::new();
    for review in reviews {
        options.insert(review.id, app.questions.options_of(review).await?);
    }
    Ok(html! {
        section {
            @if reviews.is_empty() {
                p.empty { (lang.say("Keine.", "None.")) }
            } @else {
                div.table { table.values {
                    thead { tr { th { (lang.say("Frage", "Question")) } th { (lang.say("Zu", "About")) }
                        th { (lang.say("Grund", "Reason")) } th { (lang.say("Gestellt", "Asked")) }
                        th { (lang.say("Antwort", "Answer")) } } }
                    tbody { @for review in reviews {
                        @let options = options.get(&review.id).map_or(&[][..], Vec::as_slice);
                        tr {
                            td { (words::question(&review.question, lang)) }
                            td { (named(lang, &records, RecordId(review.record))) }
                            td { (many(visitor, review)) (words::question_reason(&review.reason, lang)) }
                            td data-label=(lang.say("Gestellt", "Asked")) { time { (visitor.time(Time(review.asked_at))) } }
                            td { (answers(visitor, review, options, &records)) }
                        }
                    } }
                } }
            }
        }
    })
}

/// How many records a question is about, where it is about many.
fn many(visitor: &Visitor, review: &ReviewLine) -> String {
    let number = |name: &str| review.candidates.0.get(name).and_then(serde_json::Value::as_i64);
    let (Some(n), Some(of)) = (number("n"), number("of")) else { return String::new() };
    let remote_type = review.candidates.0.get("remote_type").and_then(serde_json::Value::as_str).unwrap_or_default();
    let (n, of, between) = (visitor.number(n), visitor.number(of), visitor.lang.say("von", "of"));
    format!("{n} {between} {of} ({remote_type}): ")
}

/// A record by the line that names it.
pub(crate) fn named(lang: Lang, records: &[Record], id: RecordId) -> Markup {
    let record = records.iter().find(|record| record.id == id);
    let title = record.map(|record| record.fields.title()).filter(|title| !title.is_empty());
    html! { a href=(format!("/records/{id}")) { (title.unwrap_or_else(|| lang.say("Datensatz", "Record").to_owned())) } }
}

fn answers(visitor: &Visitor, review: &ReviewLine, options: &[Command], records: &[Record]) -> Markup {
    let lang = visitor.lang;
    html! {
        @for option in options {
            form.inline method="post" action=(format!("/questions/{}/answer", review.id)) {
                input type="hidden" name="csrf" value=(visitor.session.csrf());
                input type="hidden" name="answer" value=(option);
                @if let Some(candidate) = option.record() { (named(lang, records, candidate)) " " }
                @if let Some(remote) = option.remote() { (remote) " " }
                button.small { (words::answer(option.name(), lang)) }
            }
        }
    }
}

/// The form of an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Answered {
    csrf: String,
    /// The key of an option.
    answer: String,
}

pub(crate) async fn answer(
    State(app): State<App>,
    visitor: Visitor,
    Asked(At(id)): Asked<At<String>>,
    request: Request,
) -> Result<Redirect, PageProblem> {
    body::needs_type(request.headers(), &["application/x-www-form-urlencoded"])?;
    let request = request.map(|body| axum::body::Body::new(http_body_util::Limited::new(body, FORM)));
    let form = axum::Form::<Answered>::from_request(request, &app).await;
    let axum::Form(form) = form.map_err(|_| Problem::new("unreadable"))?;
    visitor.session.check_csrf(Some(&form.csrf))?;
    let given = AnswerBody { command: Some(form.answer), ..AnswerBody::default() };
    match reviews::answer(&app, body::id(&id)?, &given, visitor.session.operator).await {
        // Who clicks twice finds it answered: there is nothing to complain of.
        Err(problem) if problem.code != "conflict" => Err(problem.into()),
        _ => Ok(Redirect::to("/")),
    }
}
