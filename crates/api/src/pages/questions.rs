//! Questions for a person, with a button for each answer.

use std::collections::HashMap;

use axum::{
    extract::{FromRequest as _, Request, State},
    response::Redirect,
};
use maud::{Markup, html};
use mittler_core::{Field, Record, RecordId, Time};
use mittler_store::reviews::{ReviewLine, ReviewState};
use mittler_sync::{
    question::Command,
    view::{Answer, Shown, Side, There, View},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Asked, Lang, PageProblem, Visitor,
    fragments::{PAGE, Part, all, code, named},
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

/// Answered questions that are listed.
const ANSWERED: i64 = 100;

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
        (tabs(lang, false))
        (table(&app, &visitor, &part.rows).await?)
        @if let Some(next) = next { (all(lang, &next, "Weitere", "More")) }
    };
    Ok(visitor.page(lang.say("Offene Fragen", "Open questions"), &content))
}

fn tabs(lang: Lang, answered: bool) -> Markup {
    html! {
        div.tabs {
            a href="/questions" aria-current=[(!answered).then_some("page")] { (lang.say("Offen", "Open")) }
            a href="/questions/answered" aria-current=[answered.then_some("page")] { (lang.say("Beantwortet", "Answered")) }
        }
    }
}

/// The last answers: each can be looked at, and taken back where that can be done.
pub(crate) async fn answered(State(app): State<App>, visitor: Visitor) -> Result<Markup, PageProblem> {
    let lang = visitor.lang;
    let answered = app.store.reviews_answered(ANSWERED).await?;
    let ids: Vec<RecordId> = answered.iter().map(|review| RecordId(review.record)).collect();
    let records = app.store.records(&ids).await?;
    let content = html! {
        h1 { (lang.say("Beantwortete Fragen", "Answered questions")) }
        (tabs(lang, true))
        @if answered.is_empty() {
            p.empty { (lang.say("Noch keine.", "None yet.")) }
        } @else {
            div.table { table.values {
                thead { tr { th { (lang.say("Frage", "Question")) } th { (lang.say("Zu", "About")) }
                    th { (lang.say("Antwort", "Answer")) } th { (lang.say("Beantwortet", "Answered")) } } }
                tbody { @for review in &answered { tr {
                    td { a href=(format!("/questions/{}", review.id)) { (words::question(&review.question, lang)) } }
                    td { (named(lang, &records, RecordId(review.record))) }
                    td { (words::answer(review.answer.0.get("answer").and_then(|it| it.as_str()).unwrap_or_default(), lang)) }
                    td data-label=(lang.say("Beantwortet", "Answered")) { time { (visitor.time(Time(review.answered_at))) } }
                } } }
            } }
        }
    };
    Ok(visitor.page(lang.say("Beantwortete Fragen", "Answered questions"), &content))
}

/// One question side by side, and what each answer would change.
pub(crate) async fn one(
    State(app): State<App>,
    visitor: Visitor,
    Asked(At(id)): Asked<At<String>>,
) -> Result<Markup, PageProblem> {
    let lang = visitor.lang;
    let view = app.questions.view(body::id::<Uuid>(&id)?).await?.ok_or_else(Problem::not_found)?;
    let title = words::question(&view.kind, lang);
    let connection = view.connection.as_ref().map(|place| place.name.as_str());
    let content = html! {
        p.crumb { a href="/questions" { (lang.say("Fragen", "Questions")) } }
        h1 { (title) @if let Some(name) = connection { " " small { (name) } } }
        p { (words::question_reason(&view.question.reason, lang)) }
        p.hint {
            (lang.say("Gestellt", "Asked")) " " time { (visitor.time(view.asked_at)) }
            @if let Some(at) = view.answered_at { " · " (lang.say("beantwortet", "answered")) " " time { (visitor.time(at)) } }
        }
        @if !view.sides.is_empty() { (sides(&visitor, &view.sides)) }
        h2 { (if view.state == ReviewState::Open { lang.say("Antworten", "Answers") } else { lang.say("Zurück", "Way back") }) }
        @if view.options.is_empty() {
            p.empty { (lang.say("Diese Antwort lässt sich nicht zurücknehmen.", "This answer cannot be taken back.")) }
        }
        @for answer in &view.options { (option(&visitor, &view, answer)) }
    };
    Ok(visitor.page(&title, &content))
}

/// What each of those that are compared says, field by field.
fn sides(visitor: &Visitor, sides: &[Side]) -> Markup {
    let lang = visitor.lang;
    let mut fields: Vec<&Field> = sides.iter().flat_map(|side| side.values.iter().map(|shown| &shown.field)).collect();
    fields.sort_by_key(|field| (words::place(field.as_str()), field.as_str()));
    fields.dedup();
    let of = |side: &Side, field: &Field| -> Vec<String> {
        side.values.iter().filter(|shown| shown.field == *field).map(|shown| shown.value.clone()).collect()
    };
    let differs = |field: &Field| {
        let first = sides.first().map(|side| of(side, field));
        sides.iter().any(|side| side.silent.is_none() && Some(of(side, field)) != first)
    };
    html! {
        div.table { table.values.sides {
            thead { tr { th { (lang.say("Feld", "Field")) } @for side in sides { th { (head(lang, side)) } } } }
            tbody {
                tr.heads { @for side in sides { td { (head(lang, side)) } } }
                @for field in fields {
                    tr.differs[differs(field)] {
                        th scope="row" { (words::field(field.as_str(), lang)) }
                        @for side in sides {
                            td data-label=(name_of(lang, side)) {
                                @for shown in side.values.iter().filter(|shown| shown.field == *field) { (value(visitor, shown)) }
                                @if side.values.iter().all(|shown| shown.field != *field) { span.hint { "–" } }
                            }
                        }
                    }
                }
                tr {
                    th scope="row" { (lang.say("Bekannt in", "Known in")) }
                    @for side in sides { td data-label=(name_of(lang, side)) {
                        @for there in &side.known_at { div { (place(lang, there)) } }
                        @if let Some(code) = &side.silent {
                            span.bad { (lang.say("Das CRM zeigt es gerade nicht: ", "The CRM does not show it now: ")) (words::code(code, lang)) }
                        }
                    } }
                }
            }
        } }
    }
}

fn or_none(values: &[String]) -> String {
    if values.is_empty() { "–".to_owned() } else { values.join(", ") }
}

fn name_of(lang: Lang, side: &Side) -> String {
    match &side.remote {
        Some(there) => there.connection.name.clone(),
        None if side.title.is_empty() => lang.say("Datensatz", "Record").to_owned(),
        None => side.title.clone(),
    }
}

/// Who a side is, with the way to it.
fn head(lang: Lang, side: &Side) -> Markup {
    let title = if side.title.is_empty() { lang.say("Datensatz", "Record") } else { &side.title };
    html! {
        @match (&side.remote, side.record) {
            (Some(there), _) => { (title) br; (place(lang, there)) }
            (None, Some(record)) => { a href=(format!("/records/{record}")) { (title) } br; span.hint { "Mittler" } }
            (None, None) => { (title) }
        }
    }
}

/// A record of a CRM; where its address is known, with the way to it.
fn place(lang: Lang, there: &There) -> Markup {
    let text = format!("{}: {}", there.connection.name, there.remote.remote_type);
    html! {
        @if let Some(url) = &there.url {
            a href=(url) rel="noreferrer" target="_blank" title=(lang.say("Im CRM öffnen", "Open in the CRM")) { (text) }
        } @else {
            (text) " " code { (there.remote.remote_id) }
        }
    }
}

fn value(visitor: &Visitor, shown: &Shown) -> Markup {
    let lang = visitor.lang;
    let source = code(&shown.source.kind);
    html! {
        div {
            span.text { (shown.value) }
            @if let Some(label) = shown.label { " " span.tag { (words::label(&code(&label), lang)) } }
            br; span.hint {
                (words::source(&source, lang)) " " (shown.source.name)
                @if let Some(at) = shown.at { " · " time { (visitor.time(at)) } }
            }
        }
    }
}

/// A button, and what pressing it would change.
fn option(visitor: &Visitor, view: &View, answer: &Answer) -> Markup {
    let lang = visitor.lang;
    let title = |id: RecordId| {
        let side = view.sides.iter().find(|side| side.record == Some(id) && side.remote.is_none());
        side.map(|side| side.title.clone()).filter(|title| !title.is_empty())
    };
    let record = |id: RecordId| -> Markup {
        let text = title(id).unwrap_or_else(|| lang.say("Datensatz", "record").to_owned());
        html! { a href=(format!("/records/{id}")) { (text) } }
    };
    let preview = &answer.preview;
    html! {
        div.card {
            form method="post" action=(format!("/questions/{}/answer", view.question.id)) {
                input type="hidden" name="csrf" value=(visitor.session.csrf());
                input type="hidden" name="answer" value=(answer.command);
                button { (words::answer(answer.command.name(), lang)) }
                @if let Some(id) = answer.command.record() { " " (record(id)) }
                @if let Some(remote) = answer.command.remote() { " " code { (remote) } }
            }
            @if let [stays, gone @ ..] = preview.merges.as_slice() {
                p { @for id in gone { (record(*id)) } " " (lang.say("wird zu", "becomes")) " " (record(*stays)) }
            }
            @if let [stays, again @ ..] = preview.splits.as_slice() {
                p { (record(*stays)) " " (lang.say("und", "and")) " " @for id in again { (record(*id)) }
                    " " (lang.say("sind wieder zwei", "are two again")) }
            }
            @if !preview.changes.is_empty() {
                dl { @for change in &preview.changes {
                    dt { (words::field(change.field.as_str(), lang)) }
                    dd { del { (or_none(&change.before)) } " → " (or_none(&change.after)) }
                } }
            }
            @for write in &preview.writes {
                p.hint { (write.connection.name) ": " (words::operation(write.operation, lang)) " " (write.remote_type)
                    @if !write.fields.is_empty() { " (" (write.fields.join(", ")) ")" } }
            }
            @for there in &preview.by_hand {
                p { (lang.say("Von Hand zu löschen: ", "To be erased by hand: ")) (place(lang, there)) }
            }
        }
    }
}

pub(crate) async fn table(app: &App, visitor: &Visitor, reviews: &[ReviewLine]) -> Result<Markup, PageProblem> {
    let lang = visitor.lang;
    let mut options: HashMap<Uuid, Vec<Command>> = HashMap::new();
    for review in reviews {
        options.insert(review.id, app.questions.options_of(review).await?);
    }
    let about = reviews.iter().map(|review| RecordId(review.record));
    let ids: Vec<RecordId> = about.chain(options.values().flatten().filter_map(Command::record)).collect();
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
                        @let options = options.get(&review.id).map_or(&[][..], Vec::as_slice);
                        tr {
                            td { a href=(format!("/questions/{}", review.id)) { (words::question(&review.question, lang)) } }
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
