//! One record: its values with their sources, what each CRM has been told, what happened.

use axum::extract::State;
use maud::{Markup, html};
use mittler_core::{Element, Record, RecordId, Slot, Sourced, Value};

use super::{
    Asked, Lang, PageProblem, Visitor, edit, forget,
    fragments::{code, why},
    words,
};
use crate::{
    App,
    body::{self, At, List, Page, Params},
    problem::Problem,
    rest::{
        connections::{ConnectionView, LinkView, connections, links_of},
        imports::RowCursor,
        timeline::{self, Event},
    },
};
use mittler_store::reviews::ReviewState;

/// Events that the timeline shows at once.
const EVENTS: i64 = 100;

pub(crate) async fn page(
    State(app): State<App>,
    visitor: Visitor,
    Asked(At(id)): Asked<At<String>>,
    Asked(Params(page)): Asked<Params<Page>>,
) -> Result<Markup, PageProblem> {
    let (lang, id) = (visitor.lang, body::id::<RecordId>(&id)?);
    let id = app.store.survivor(id).await?;
    let after = page.cursor::<RowCursor>()?;
    let record = app.store.record(id).await?.ok_or_else(Problem::not_found)?;
    let links = links_of(&app, id).await?;
    let (connections, events) = (connections(&app).await?, timeline::events(&app, id, after, EVENTS).await?);
    let references = references(&app, &record).await?;
    let questions = app.store.reviews_of(id).await?;
    let restricted = app.store.restricted_since(id).await?;
    let edit = edit::section(&app, &visitor, &record).await?;
    let reason = if restricted.is_some() { app.store.restriction_reason(id).await? } else { None };
    let title = record.fields.title();
    let title = if title.is_empty() { words::one(record.kind.name(), lang) } else { title };
    let content = html! {
        p.crumb { a href=(format!("/records?kind={}", record.kind.name())) { (words::kind(record.kind.name(), lang)) } }
        h1 { (title) " " small { (words::one(record.kind.name(), lang)) } }
        @if let Some(since) = restricted {
            p.notice { (words::code("restricted", lang)) " · " (lang.say("seit", "since")) " " time { (visitor.time(since)) }
                @if let Some(reason) = &reason { " · " (reason) } }
        }
        @for question in questions.iter().filter(|question| question.state == ReviewState::Open) {
            p.notice { a href=(format!("/questions/{}", question.id)) { strong { (words::question(&question.question, lang)) } } " " (words::question_reason(&question.reason, lang)) }
        }
        section {
            h2 { (lang.say("Werte und ihre Quellen", "Values and their sources")) }
            (values(&visitor, &record, &references))
            (edit)
        }
        section {
            h2 { (lang.say("In den CRMs", "In the CRMs")) }
            (in_crms(&visitor, &links, &connections))
        }
        section id="timeline" {
            h2 { (lang.say("Verlauf", "Timeline")) }
            @if after.is_some() { p { a href=(format!("/records/{id}#timeline")) { (lang.say("Zum Neuesten", "To the latest")) } } }
            (happened(&visitor, id, &events))
        }
        (forget::section(&visitor, &record, restricted.is_some()))
    };
    Ok(visitor.page(&title, &content))
}

/// The records that this one names.
async fn references(app: &App, record: &Record) -> Result<Vec<Record>, PageProblem> {
    let ids: Vec<RecordId> = record.fields.0.keys().filter_map(|field| record.fields.reference(field)).collect();
    Ok(app.store.records(&ids).await?)
}

fn values(visitor: &Visitor, record: &Record, references: &[Record]) -> Markup {
    let lang = visitor.lang;
    let mut fields: Vec<_> = record.fields.0.iter().collect();
    fields.sort_by_key(|(field, _)| words::place(field.as_str()));
    html! {
        div.table { table.values {
            thead { tr { th { (lang.say("Feld", "Field")) } th { (lang.say("Wert", "Value")) }
                th { (lang.say("Quelle", "Source")) } th { (lang.say("Stand", "As of")) } } }
            tbody { @for (field, slot) in fields {
                @match slot {
                    Slot::One(sourced) => (value(visitor, Some(field.as_str()), sourced, None, references)),
                    Slot::Set(elements) => @for (place, element) in elements.iter().enumerate() {
                        (value(visitor, (place == 0).then_some(field.as_str()), &element.sourced, Some(element), references))
                    },
                }
            } }
        } }
    }
}

fn value(
    visitor: &Visitor,
    field: Option<&str>,
    sourced: &Sourced,
    element: Option<&Element>,
    references: &[Record],
) -> Markup {
    let lang = visitor.lang;
    let kind = code(&sourced.source.kind);
    let label = element.and_then(|element| element.label).map(|label| words::label(&code(&label), lang));
    html! {
        tr {
            th scope="row" { @if let Some(field) = field { (words::field(field, lang)) } }
            td {
                (shown(visitor, &sourced.value, references))
                @if let Some(label) = label { " " span.tag { (label) } }
                @if element.is_some_and(|element| element.primary) { " " span.tag { (lang.say("zuerst", "primary")) } }
            }
            td { (words::source(&kind, lang)) " " span.hint { (sourced.source.name) }
                @if sourced.confidence < 100 { " " span.hint { (sourced.confidence) " %" } } }
            td { time title=(sourced.how) { (visitor.time(sourced.observed_at)) } }
        }
    }
}

fn shown(visitor: &Visitor, value: &Value, references: &[Record]) -> Markup {
    let lang = visitor.lang;
    match value {
        Value::Ref(id) => {
            let title = references.iter().find(|record| record.id == *id).map(|record| record.fields.title());
            let title = title.filter(|title| !title.is_empty()).unwrap_or_else(|| id.to_string());
            html! { a href=(format!("/records/{id}")) { (title) } }
        }
        Value::Instant { at, .. } => html! { time { (visitor.time(*at)) } },
        Value::Bool(truth) => html! { (if *truth { lang.say("ja", "yes") } else { lang.say("nein", "no") }) },
        other => html! { span.text { (other.display()) } },
    }
}

fn in_crms(visitor: &Visitor, links: &[LinkView], connections: &[ConnectionView]) -> Markup {
    let lang = visitor.lang;
    let name = |link: &LinkView| {
        let known = connections.iter().find(|connection| connection.id == link.connection);
        known.map_or_else(|| link.connection.clone(), |known| known.name.clone())
    };
    html! {
        @if links.is_empty() {
            p.empty { (lang.say("Noch in keinem.", "In none yet.")) }
        } @else {
            div.table { table.values {
                thead { tr { th { "CRM" } th { (lang.say("Dort", "There")) } th { (lang.say("Stand", "State")) }
                    th { (lang.say("Geschrieben", "Written")) } th { (lang.say("Zurückgehalten oder abgelehnt", "Held or refused")) } } }
                tbody { @for link in links {
                    tr {
                        td { (name(link)) @if link.role == "duplicate" { " " span.tag { (lang.say("Dublette", "duplicate")) } } }
                        td { (link.remote_type) " " @match (&link.remote_id, &link.url) {
                            (Some(id), Some(url)) => {
                                a href=(url) target="_blank" rel="noreferrer" title=(lang.say("Im CRM öffnen", "Open in the CRM")) { code { (id) } }
                            },
                            (Some(id), None) => { code { (id) } },
                            (None, _) => {},
                        } }
                        td { span class=(format!("state {}", link.state)) { (words::state(link.state, lang)) } }
                        td { @if let Some(at) = link.written_at { time { (visitor.time(at)) } } }
                        td { (why(link, lang)) }
                    }
                } }
            } }
        }
    }
}

fn happened(visitor: &Visitor, id: RecordId, events: &List<Event>) -> Markup {
    let lang = visitor.lang;
    html! {
        @if events.items.is_empty() { p.empty { (lang.say("Noch nichts.", "Nothing yet.")) } }
        ol.timeline { @for event in &events.items {
            li class=(event.what) {
                time { (visitor.time(event.at)) }
                div { (told(event, lang)) }
            }
        } }
        @if let Some(next) = &events.next {
            p { a.button href=(format!("/records/{id}?after={next}#timeline")) { (lang.say("Früheres", "Earlier")) } }
        }
    }
}

fn told(event: &Event, lang: Lang) -> Markup {
    let fields = || {
        let names: Vec<String> = event.about.iter().map(|name| words::field(name, lang)).collect();
        names.join(", ")
    };
    match event.what {
        "said" => html! {
            strong { (words::source(&event.how, lang)) } " " span.hint { (event.who) } br; (fields())
        },
        "written" => html! {
            strong { (event.who) ": " (words::state(&event.how, lang)) }
            @if let Some(code) = &event.code { " – " (words::code(code, lang)) }
            br; span.hint { (event.about.join(", ")) }
        },
        _ => html! {
            a href=(format!("/records/{}", event.id)) { strong { (words::one(&event.how, lang)) } }
            @for about in &event.about { ": " (about) }
        },
    }
}
