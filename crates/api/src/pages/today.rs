//! Today: what came in, what was written where, what waits and why.

use std::collections::BTreeMap;

use axum::{
    Form,
    extract::{Path, State},
    response::Redirect,
};
use maud::{Markup, html};
use mittler_core::{ConnectionId, JobId, RecordId, RunId, Time};
use mittler_store::{
    reviews::ReviewLine,
    runs::{Run, RunCounts},
};
use uuid::Uuid;

use super::{PageProblem, Visitor, login::Confirmed, words};
use crate::{
    App, body,
    rest::{
        connections::{ConnectionView, connections},
        jobs,
    },
};

/// Rows that a table of the overview shows.
const MOST: i64 = 20;

pub(crate) async fn page(State(app): State<App>, visitor: Visitor) -> Result<Markup, PageProblem> {
    let lang = visitor.lang;
    let since = visitor.midnight(app.clock.now());
    let connections = connections(&app).await?;
    let reviews = app.store.reviews_open(None, MOST).await?;
    let dead = app.store.dead_jobs(Uuid::nil(), MOST).await?;
    let date = visitor.zoned(app.clock.now()).strftime(lang.say("%d.%m.%Y", "%-d %B %Y")).to_string();
    let content = html! {
        h1 { (lang.say("Heute", "Today")) " " small { (date) } }
        (figures(&app, &visitor, since, &connections).await?)
        (arrived(&app, &visitor, since).await?)
        (written(&app, &visitor, since, &connections).await?)
        (waiting(&app, &visitor, &connections).await?)
        (questions(&app, &visitor, &reviews).await?)
        @if !dead.is_empty() { (died(&visitor, dead)) }
    };
    Ok(visitor.page(lang.say("Heute", "Today"), &content))
}

async fn figures(
    app: &App,
    visitor: &Visitor,
    since: Time,
    connections: &[ConnectionView],
) -> Result<Markup, PageProblem> {
    let lang = visitor.lang;
    let signals: i64 = app.store.signal_counts(since).await?.iter().map(|(_, count)| count).sum();
    let new: BTreeMap<String, i64> = app.store.new_records(since).await?.into_iter().collect();
    let due: i64 = connections.iter().flat_map(|connection| &connection.links).map(|links| links.due).sum();
    let figure = |value: i64, german: &str, english: &str, alarm: bool| {
        html! {
            div.figure.alarm[alarm && value > 0] { b { (visitor.number(value)) } span { (lang.say(german, english)) } }
        }
    };
    let of = |kind: &str| new.get(kind).copied().unwrap_or(0);
    let open = app.store.review_count().await?;
    let dead = app.store.job_counts(app.clock.now()).await?.dead;
    Ok(html! {
        div.figures {
            (figure(signals, "Eingänge", "came in", false))
            (figure(of("person"), "neue Personen", "new people", false))
            (figure(of("organisation"), "neue Firmen", "new companies", false))
            (figure(due, "warten auf ein CRM", "wait for a CRM", false))
            (figure(open, "offene Fragen", "open questions", true))
            (figure(dead, "liegen gebliebene Aufträge", "dead jobs", true))
        }
    })
}

async fn arrived(app: &App, visitor: &Visitor, since: Time) -> Result<Markup, PageProblem> {
    let lang = visitor.lang;
    let mut runs: Vec<(Run, RunCounts)> = Vec::new();
    for run in app.store.run_list(None, MOST).await?.into_iter().filter(|run| run.created_at >= since.0) {
        let counts = app.store.run_counts(RunId(run.id)).await?;
        runs.push((run, counts));
    }
    Ok(html! {
        section {
            h2 { (lang.say("Was hereinkam", "What came in")) }
            @if runs.is_empty() {
                p.empty { (lang.say("Heute noch nichts.", "Nothing yet today.")) " "
                    a href="/import" { (lang.say("Liste importieren", "Import a list")) } }
            } @else {
                (run_table(visitor, &runs))
            }
        }
    })
}

/// Runs with what became of their inputs.
pub(crate) fn run_table(visitor: &Visitor, runs: &[(Run, RunCounts)]) -> Markup {
    let lang = visitor.lang;
    html! {
        div.table { table {
            thead { tr {
                th { (lang.say("Quelle", "Source")) } th { (lang.say("Art", "Type")) } th { (lang.say("Zeit", "Time")) }
                th.n { (lang.say("Eingänge", "Inputs")) } th.n { (lang.say("gelesen", "read")) }
                th.n { (lang.say("wartet", "waiting")) } th.n { (lang.say("nicht übernommen", "not taken")) }
            } }
            tbody {
                @for (run, counts) in runs {
                    tr {
                        td { a href=(format!("/import/{}", RunId(run.id))) { (run.label) } }
                        td { (words::run(&run.kind, lang)) }
                        td { time { (visitor.time(Time(run.created_at))) } }
                        td.n { (visitor.number(counts.total)) } td.n { (visitor.number(counts.done)) }
                        td.n { (visitor.number(counts.waiting)) }
                        td.n.bad[counts.refused + counts.parked > 0] { (visitor.number(counts.refused + counts.parked)) }
                    }
                }
            }
        } }
    }
}

async fn written(
    app: &App,
    visitor: &Visitor,
    since: Time,
    connections: &[ConnectionView],
) -> Result<Markup, PageProblem> {
    let lang = visitor.lang;
    let mut rows: BTreeMap<(String, String), BTreeMap<&str, i64>> = BTreeMap::new();
    for (connection, remote_type, outcome, count) in app.store.intent_counts(since).await? {
        let column = match outcome.as_str() {
            "created" => "created",
            "updated" | "unchanged" => "updated",
            "refused" => "refused",
            _ => "unknown",
        };
        *rows.entry((name(connections, connection), remote_type)).or_default().entry(column).or_default() += count;
    }
    let columns = ["created", "updated", "refused", "unknown"];
    let trouble: Vec<&ConnectionView> =
        connections.iter().filter(|one| one.state != "ready" || one.mode == "off").collect();
    Ok(html! {
        section {
            h2 { (lang.say("Was wohin geschrieben wurde", "What was written where")) }
            @for one in trouble {
                p.notice { strong { (one.name) } ": " (words::state(&one.state, lang))
                    @if one.mode == "off" { " · " (words::state("off", lang)) }
                    @if let Some(reason) = &one.reason { " – " (reason) }
                    @if let Some(until) = one.paused_until { " · " (lang.say("bis", "until")) " " (visitor.clock(until)) } }
            }
            @if connections.is_empty() {
                p.empty { (lang.say("Noch ist kein CRM verbunden. ", "No CRM is connected yet. "))
                    code { "mittler connections" } }
            } @else if rows.is_empty() {
                p.empty { (lang.say("Heute wurde noch nichts geschrieben.", "Nothing has been written yet today.")) }
            } @else {
                div.table { table {
                    thead { tr { th { "CRM" } th { (lang.say("Objekt", "Object")) }
                        @for column in columns { th.n { (words::state(column, lang)) } } } }
                    tbody { @for ((connection, remote_type), counts) in &rows {
                        tr { td { (connection) } td { (remote_type) }
                            @for column in columns {
                                @let count = counts.get(column).copied().unwrap_or(0);
                                td.n.bad[column == "refused" && count > 0] { (visitor.number(count)) }
                            } }
                    } }
                } }
            }
        }
    })
}

pub(crate) fn name(connections: &[ConnectionView], id: Uuid) -> String {
    let id = ConnectionId(id).to_string();
    connections.iter().find(|one| one.id == id).map_or_else(|| id.clone(), |one| one.name.clone())
}

async fn waiting(app: &App, visitor: &Visitor, connections: &[ConnectionView]) -> Result<Markup, PageProblem> {
    let (lang, rows) = (visitor.lang, app.store.waiting_counts().await?);
    Ok(html! {
        section {
            h2 { (lang.say("Was wartet, und warum", "What waits, and why")) }
            @if rows.is_empty() {
                p.empty { (lang.say("Nichts: Alle CRMs sind auf dem Stand.", "Nothing: every CRM is up to date.")) }
            } @else {
                div.table { table {
                    thead { tr { th { "CRM" } th { (lang.say("Was", "What")) } th { (lang.say("Stand", "State")) }
                        th { (lang.say("Grund", "Reason")) } th.n { (lang.say("Anzahl", "Count")) } } }
                    tbody { @for row in rows.iter().take(50) {
                        tr {
                            td { a href=(format!("/waiting/{}", ConnectionId(row.connection))) { (name(connections, row.connection)) } }
                            td { (words::kind(&row.kind, lang)) }
                            td { span class=(format!("state {}", row.state)) { (words::state(&row.state, lang)) } }
                            td { @match &row.code {
                                Some(code) => { (words::code(code, lang)) },
                                None => { span.hint { (lang.say("an der Reihe", "next in line")) } },
                            } }
                            td.n { (visitor.number(row.count)) }
                        }
                    } }
                } }
            }
        }
    })
}

async fn questions(app: &App, visitor: &Visitor, reviews: &[ReviewLine]) -> Result<Markup, PageProblem> {
    let lang = visitor.lang;
    let ids: Vec<RecordId> = reviews.iter().map(|review| RecordId(review.record)).collect();
    let records = app.store.records(&ids).await?;
    let title = |id: Uuid| {
        let record = records.iter().find(|record| record.id.0 == id);
        record.map(|record| record.fields.title()).filter(|title| !title.is_empty())
    };
    Ok(html! {
        section {
            h2 { (lang.say("Offene Fragen", "Open questions")) }
            @if reviews.is_empty() {
                p.empty { (lang.say("Keine.", "None.")) }
            } @else {
                div.table { table {
                    thead { tr { th { (lang.say("Frage", "Question")) } th { (lang.say("Zu", "About")) }
                        th { (lang.say("Grund", "Reason")) } th { (lang.say("Gestellt", "Asked")) } } }
                    tbody { @for review in reviews {
                        tr {
                            td { (words::question(&review.question, lang)) }
                            td { a href=(format!("/records/{}", RecordId(review.record))) {
                                (title(review.record).unwrap_or_else(|| lang.say("Datensatz", "Record").to_owned())) } }
                            td { (words::code(&review.reason, lang)) }
                            td { time { (visitor.time(Time(review.asked_at))) } }
                        }
                    } }
                } }
            }
        }
    })
}

fn died(visitor: &Visitor, jobs: Vec<mittler_store::jobs::JobLine>) -> Markup {
    let lang = visitor.lang;
    html! {
        section {
            h2 { (lang.say("Liegen gebliebene Aufträge", "Dead jobs")) }
            p.hint { (lang.say(
                "Sie sind mehrmals gescheitert und warten auf einen Menschen.",
                "They failed several times and wait for a person.")) }
            div.table { table {
                thead { tr { th { (lang.say("Auftrag", "Job")) } th { (lang.say("Seit", "Since")) }
                    th { (lang.say("Grund", "Reason")) } th {} } }
                tbody { @for job in jobs {
                    tr {
                        td { code { (job.topic.split(':').next().unwrap_or_default()) } }
                        td { time { (visitor.time(Time(job.dead_at.unwrap_or(job.created_at)))) } }
                        td { (job.code.as_deref().map(|code| words::code(code, lang)).unwrap_or_default()) }
                        td { form method="post" action=(format!("/jobs/{}/retry", JobId(job.id))) {
                            input type="hidden" name="csrf" value=(visitor.session.csrf());
                            button.small { (lang.say("Noch einmal", "Try again")) }
                        } }
                    }
                } }
            } }
        }
    }
}

pub(crate) async fn retry(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<Confirmed>,
) -> Result<Redirect, PageProblem> {
    visitor.session.check_csrf(Some(&form.csrf))?;
    jobs::retry(&app, body::id(&id)?).await?;
    Ok(Redirect::to("/"))
}
