//! Today: what came in, what was written where, what waits and why.

use std::{collections::BTreeMap, time::Duration};

use axum::{extract::State, response::Redirect};
use maud::{Markup, html};
use mittler_core::{ConnectionId, JobId, RunId, Time};
use mittler_store::{
    links::LinkState,
    parked::ParkedCount,
    runs::{Run, RunCounts},
};
use uuid::Uuid;

use super::{
    Asked, PageProblem, Visitor,
    fragments::{PAGE, Part, all, name, run_table},
    login::Confirmed,
    questions, words,
};
use crate::{
    App,
    body::{self, At, Page, Params},
    rest::{
        connections::{ConnectionView, connections},
        jobs,
    },
};

/// Rows that a table of the overview shows; more of them have a page of their own.
const MOST: i64 = 20;

/// Reasons for waiting that are counted.
const MOST_REASONS: usize = 200;

/// How far back the last answer of a CRM is looked for.
const LOOK_BACK: Duration = Duration::from_hours(72);

pub(crate) async fn page(State(app): State<App>, visitor: Visitor) -> Result<Markup, PageProblem> {
    let lang = visitor.lang;
    let since = visitor.midnight(app.clock.now());
    let connections = connections(&app).await?;
    let reviews = Part::of(app.store.reviews_open(None, MOST + 1).await?, MOST);
    let dead = Part::of(app.store.dead_jobs(Uuid::nil(), MOST + 1).await?, MOST);
    let parked = app.store.parked_counts().await?;
    let date = visitor.zoned(app.clock.now()).strftime(lang.say("%d.%m.%Y", "%-d %B %Y")).to_string();
    let content = html! {
        h1 { (lang.say("Heute", "Today")) " " small { (date) } }
        (figures(&app, &visitor, since, &connections).await?)
        h2 { (lang.say("Offene Fragen", "Open questions")) }
        (questions::table(&app, &visitor, &reviews.rows).await?)
        @if reviews.more { (all(lang, "/questions", "Alle offenen Fragen", "All open questions")) }
        (arrived(&app, &visitor, since).await?)
        (written(&app, &visitor, since, &connections).await?)
        (waiting(&app, &visitor, &connections).await?)
        @if !parked.is_empty() { (unconnected(&visitor, &parked)) }
        @if !dead.rows.is_empty() { (died(&visitor, &dead.rows)) }
        @if dead.more { (all(lang, "/jobs", "Alle liegen gebliebenen Aufträge", "All dead jobs")) }
    };
    Ok(visitor.page(lang.say("Heute", "Today"), &content))
}

/// All jobs that wait for a person.
pub(crate) async fn dead_page(
    State(app): State<App>,
    visitor: Visitor,
    Asked(Params(page)): Asked<Params<Page>>,
) -> Result<Markup, PageProblem> {
    let lang = visitor.lang;
    let after = page.cursor::<JobId>()?.map_or(Uuid::nil(), |id| id.0);
    let part = Part::of(app.store.dead_jobs(after, PAGE + 1).await?, PAGE);
    let next = part.rows.last().filter(|_| part.more).map(|last| format!("/jobs?after={}", JobId(last.id)));
    let content = html! {
        h1 { (lang.say("Liegen gebliebene Aufträge", "Dead jobs")) }
        @if part.rows.is_empty() { p.empty { (lang.say("Keine.", "None.")) } } @else { (died(&visitor, &part.rows)) }
        @if let Some(next) = next { (all(lang, &next, "Weitere", "More")) }
    };
    Ok(visitor.page(lang.say("Liegen gebliebene Aufträge", "Dead jobs"), &content))
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
    let now = app.clock.now();
    let dead = app.store.job_counts(now).await?.dead;
    let unsure = app.store.held_people(now).await?;
    let since = unsure.oldest.map(|oldest| visitor.time(oldest));
    Ok(html! {
        div.figures {
            (figure(signals, "Eingänge", "came in", false))
            (figure(of("person"), "neue Personen", "new people", false))
            (figure(of("organisation"), "neue Firmen", "new companies", false))
            (figure(due, "warten auf ein CRM", "wait for a CRM", false))
            (figure(open, "offene Fragen", "open questions", true))
            @if unsure.count > 0 { (figure(unsure.count, "Personen zurückgehalten", "people held", true)) }
            (figure(dead, "liegen gebliebene Aufträge", "dead jobs", true))
        }
        @if let Some(since) = since {
            p.hint {
                (lang.say("Wer vielleicht schon bekannt ist, wird in keinem CRM angelegt, bis jemand sagt, wer es ist. Die erste dieser Personen wartet seit ",
                          "Nobody who is perhaps known already is made in a CRM until somebody says who it is. The first of them has been waiting since "))
                (since) "."
            }
        }
    })
}

async fn arrived(app: &App, visitor: &Visitor, since: Time) -> Result<Markup, PageProblem> {
    let lang = visitor.lang;
    let mut runs: Vec<(Run, RunCounts)> = Vec::new();
    let mut latest = app.store.run_list(None, MOST + 1).await?;
    latest.retain(|run| run.created_at >= since.0);
    let latest = Part::of(latest, MOST);
    for run in latest.rows {
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
                @if latest.more { (all(lang, "/import#recent", "Alle Importe", "All imports")) }
            }
        }
    })
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
    Ok(html! {
        section {
            h2 { (lang.say("Was wohin geschrieben wurde", "What was written where")) }
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

/// What is the matter with a connection, and until when.
fn trouble(visitor: &Visitor, one: &ConnectionView, answered: Option<Time>) -> Markup {
    let lang = visitor.lang;
    let writes_nothing = matches!(one.mode.as_str(), "off" | "dry_run");
    let code = one.code.as_deref().filter(|_| one.state != "ready");
    html! {
        @if one.state != "ready" {
            p.notice role="status" {
                strong { (one.name) } ": " (words::connection(&one.state, lang))
                @if let Some(code) = code { " (" (words::code(code, lang)) ")" }
                @if let Some(reason) = one.reason.as_deref().filter(|_| !code.is_some_and(words::is_ours)) { " – " (reason) }
                @if let Some(at) = answered.filter(|_| one.state == "waiting") {
                    " · " (lang.say("letzte Antwort", "last answer")) " " time { (visitor.time(at)) }
                }
                @if let Some(at) = one.paused_until {
                    " · " (lang.say("nächster Versuch", "next try")) " " time { (visitor.time(at)) }
                }
            }
        }
        @if let (true, Some(at)) = (one.hooks.is_refused(), one.hooks.last_refused_at) {
            p.notice { strong { (one.name) } ": "
                (lang.say("Webhooks werden abgelehnt", "webhooks are refused"))
                " (" (words::hook_cause(one.hooks.cause.as_deref().unwrap_or_default(), lang)) ") · "
                (lang.say("zuletzt", "last")) " " time { (visitor.time(at)) } " · "
                (lang.say("Änderungen kommen nur mit dem Abruf", "changes come with the next pull alone")) }
        }
        @if one.mode != "full" {
            p.notice { strong { (one.name) } ": "
                @if writes_nothing { (lang.say("schreibt nichts", "writes nothing")) ": " }
                (words::state(&one.mode, lang)) }
        }
    }
}

async fn waiting(app: &App, visitor: &Visitor, connections: &[ConnectionView]) -> Result<Markup, PageProblem> {
    let (lang, rows) = (visitor.lang, app.store.waiting_counts().await?);
    let silent = connections.iter().any(|one| one.state == "waiting");
    let answers = if silent { app.store.last_answers(app.clock.now().minus(LOOK_BACK)).await? } else { Vec::new() };
    let answered = |one: &ConnectionView| {
        let last = answers.iter().find(|(id, _)| ConnectionId(*id).to_string() == one.id);
        last.map(|(_, at)| Time(*at))
    };
    let well = connections.iter().all(|one| one.state == "ready" && one.mode == "full" && !one.hooks.is_refused());
    Ok(html! {
        section {
            h2 { (lang.say("Was wartet, und warum", "What waits, and why")) }
            @for one in connections { (trouble(visitor, one, answered(one))) }
            @if rows.is_empty() && !well {
                p.empty { (lang.say("Kein Datensatz wartet.", "No record waits.")) }
            } @else if rows.is_empty() {
                p.empty { (lang.say("Nichts: Alle CRMs sind auf dem Stand.", "Nothing: every CRM is up to date.")) }
            } @else {
                div.table { table {
                    thead { tr { th { "CRM" } th { (lang.say("Was", "What")) } th { (lang.say("Stand", "State")) }
                        th { (lang.say("Grund", "Reason")) } th.n { (lang.say("Anzahl", "Count")) } } }
                    tbody { @for row in &rows {
                        tr {
                            td { a href=(format!("/waiting/{}", ConnectionId(row.connection))) { (name(connections, row.connection)) } }
                            td { (words::kind(&row.kind, lang)) }
                            td { span class=(format!("state {}", row.state)) { (words::state(row.state.name(), lang)) } }
                            td { @match &row.code {
                                Some(code) => { (words::code(code, lang)) },
                                None if row.state == LinkState::Held => { (lang.say("einzelne Felder", "single fields")) },
                                None if row.state == LinkState::Gone => {},
                                None => { span.hint { (lang.say("an der Reihe", "next in line")) } },
                            } }
                            td.n { (visitor.number(row.count)) }
                        }
                    } }
                } }
                @if rows.len() >= MOST_REASONS {
                    p.hint { (lang.say("Seltenere Gründe stehen auf den Seiten der CRMs.", "Rarer reasons are on the pages of the CRMs.")) }
                }
            }
        }
    })
}

/// Webhook events of accounts that nobody has connected.
fn unconnected(visitor: &Visitor, parked: &[ParkedCount]) -> Markup {
    let lang = visitor.lang;
    html! {
        section {
            h2 { (lang.say("Meldungen fremder Konten", "Events of other accounts")) }
            div.table { table {
                thead { tr { th { "CRM" } th { (lang.say("Konto", "Account")) } th { (lang.say("Grund", "Reason")) }
                    th { (lang.say("Seit", "Since")) } th.n { (lang.say("Anzahl", "Count")) } } }
                tbody { @for one in parked {
                    tr {
                        td { (one.crm) } td { code { (one.account) } } td { (words::code(&one.code, lang)) }
                        td { time { (visitor.time(Time(one.first_at))) } }
                        td.n { (visitor.number(one.count)) }
                    }
                } }
            } }
            form method="post" action="/parked/retry" {
                input type="hidden" name="csrf" value=(visitor.session.csrf());
                p { button.small { (lang.say("Noch einmal", "Try again")) } }
            }
        }
    }
}

pub(crate) async fn retry_parked(
    State(app): State<App>,
    visitor: Visitor,
    form: Confirmed,
) -> Result<Redirect, PageProblem> {
    visitor.session.check_csrf(Some(&form.csrf))?;
    app.hooks.repeat(app.clock.now()).await?;
    Ok(Redirect::to("/"))
}

fn died(visitor: &Visitor, jobs: &[mittler_store::jobs::JobLine]) -> Markup {
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
    Asked(At(id)): Asked<At<String>>,
    form: Confirmed,
) -> Result<Redirect, PageProblem> {
    visitor.session.check_csrf(Some(&form.csrf))?;
    jobs::retry(&app, body::id(&id)?).await?;
    Ok(Redirect::to("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Lang;
    use crate::{access::Session, rest::connections::HookView};

    fn shown(lang: Lang, state: &str, mode: &str, code: &str) -> String {
        let visitor = Visitor {
            session: Session { token: String::new(), operator: Uuid::nil() },
            lang,
            zone: jiff::tz::TimeZone::UTC,
            path: "/".into(),
        };
        let noon = |day: i64| Time((day * 24 + 12) * 3_600_000_000);
        let one = ConnectionView {
            id: String::new(),
            name: "vertrieb".into(),
            crm: "salesforce".into(),
            mode: mode.into(),
            state: state.into(),
            code: (!code.is_empty()).then(|| code.to_owned()),
            reason: (!code.is_empty()).then(|| "what the CRM said".to_owned()),
            paused_until: (state != "ready").then_some(noon(1)),
            links: Vec::new(),
            hooks: HookView::default(),
        };
        let html = trouble(&visitor, &one, Some(noon(0))).into_string();
        // Text alone.
        html.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect()
    }

    #[test]
    fn a_connection_that_is_well_says_nothing() {
        assert_eq!(shown(Lang::De, "ready", "full", ""), "");
    }

    #[test]
    fn what_is_the_matter_with_a_connection_is_said_with_its_times() {
        let away = shown(Lang::De, "waiting", "full", "http_503");
        assert_eq!(
            away,
            "vertrieb: CRM antwortet nicht (CRM antwortete mit 503) – what the CRM said · letzte Antwort 01.01.1970 12:00 · nächster Versuch 02.01.1970 12:00"
        );
        let locked = shown(Lang::De, "reauthorise", "full", "token_rejected");
        assert_eq!(
            locked,
            "vertrieb: braucht neue Zugangsdaten (Zugangsdaten abgelehnt) · nächster Versuch 02.01.1970 12:00"
        );
        assert!(shown(Lang::En, "reauthorise", "full", "").starts_with("vertrieb: needs new credentials"));
    }

    #[test]
    fn a_mode_that_is_not_full_is_said() {
        assert_eq!(shown(Lang::De, "ready", "dry_run", ""), "vertrieb: schreibt nichts: Probelauf");
        assert_eq!(shown(Lang::En, "ready", "off", ""), "vertrieb: writes nothing: off");
        assert_eq!(shown(Lang::De, "ready", "fill_empty", ""), "vertrieb: nur Leeres füllen");
    }

    #[test]
    fn refused_webhooks_are_said_until_one_is_taken() {
        let hooks = |taken: i64, refused: i64| HookView {
            refused: 4,
            last_taken_at: (taken > 0).then_some(Time(taken)),
            last_refused_at: Some(Time(refused)),
            cause: Some("signature".into()),
            ..HookView::default()
        };
        assert!(hooks(0, 5).is_refused() && hooks(4, 5).is_refused() && !hooks(6, 5).is_refused());
        for cause in ["signature", "stale", "account", "form"] {
            assert!(words::hook_cause(cause, Lang::De) != words::hook_cause(cause, Lang::En));
        }
    }

    #[test]
    fn a_part_of_a_list_knows_whether_there_is_more() {
        let part = Part::of(vec![1, 2, 3], 2);
        assert_eq!((part.rows, part.more), (vec![1, 2], true));
        assert!(!Part::of(vec![1, 2], 2).more);
    }
}
