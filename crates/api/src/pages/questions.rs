//! Questions for a person, with a button for each answer.

use axum::{
    extract::{FromRequest, Request, State},
    response::Redirect,
};
use maud::{Markup, html};
use mittler_core::{Record, RecordId, Time};
use mittler_store::{decisions::candidates, reviews::ReviewLine};
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
                        tr {
                            td { (words::question(&review.question, lang)) }
                            td { (named(lang, &records, RecordId(review.record))) }
                            td { (words::question_reason(&review.reason, lang)) }
                            td data-label=(lang.say("Gestellt", "Asked")) { time { (visitor.time(Time(review.asked_at))) } }
                            td { (answers(visitor, review, &records)) }
                        }
                    } }
                } }
            }
        }
    })
}

/// A record by the line that names it.
pub(crate) fn named(lang: Lang, records: &[Record], id: RecordId) -> Markup {
    let record = records.iter().find(|record| record.id == id);
    let title = record.map(|record| record.fields.title()).filter(|title| !title.is_empty());
    html! { a href=(format!("/records/{id}")) { (title.unwrap_or_else(|| lang.say("Datensatz", "Record").to_owned())) } }
}

fn answers(visitor: &Visitor, review: &ReviewLine, records: &[Record]) -> Markup {
    let lang = visitor.lang;
    let button = |answer: &str, record: Option<RecordId>| {
        html! {
            form.inline method="post" action=(format!("/questions/{}/answer", review.id)) {
                input type="hidden" name="csrf" value=(visitor.session.csrf());
                input type="hidden" name="answer" value=(answer);
                @if let Some(record) = record { input type="hidden" name="record" value=(record); }
                button.small { (words::answer(answer, lang)) }
            }
        }
    };
    html! {
        @if matches!(review.question.as_str(), "same_person" | "same_organisation") {
            @for candidate in candidates(&review.candidates.0) {
                p { (named(lang, records, candidate)) " " (button("same", Some(candidate))) }
            }
            (button("different", None))
        } @else {
            (button("noted", None))
            @if review.connection.is_some() { (button("retry", None)) }
        }
    }
}

/// The form of an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Answered {
    csrf: String,
    answer: String,
    record: Option<String>,
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
    let given = AnswerBody { answer: form.answer, record: form.record };
    match reviews::answer(&app, body::id(&id)?, &given, visitor.session.operator).await {
        // Who clicks twice finds it answered: there is nothing to complain of.
        Err(problem) if problem.code != "conflict" => Err(problem.into()),
        _ => Ok(Redirect::to("/")),
    }
}
