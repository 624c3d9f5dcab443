//! What waits or was refused in one connection, one by one.

use axum::{extract::State, response::Redirect};
use maud::{Markup, html};
use mittler_core::{ConnectionId, LinkId, RecordId};
use mittler_store::links::LinkLine;

use super::{
    Asked, Lang, PageProblem, Visitor,
    fragments::{self, name},
    login::Confirmed,
    words,
};
use crate::{
    App,
    body::{self, At, Page, Params},
    problem::Problem,
    rest::connections::{self, LinkView, connections},
};

const MOST: i64 = 100;

pub(crate) async fn page(
    State(app): State<App>,
    visitor: Visitor,
    Asked(At(id)): Asked<At<String>>,
    Asked(Params(page)): Asked<Params<Page>>,
) -> Result<Markup, PageProblem> {
    let (lang, id) = (visitor.lang, body::id::<ConnectionId>(&id)?);
    let connections = connections(&app).await?;
    if !connections.iter().any(|one| one.id == id.to_string()) {
        return Err(Problem::not_found().into());
    }
    let links = app.store.links_waiting(Some(id), page.cursor::<LinkId>()?, MOST).await?;
    let next = links.last().filter(|_| links.len() as u64 == MOST.unsigned_abs()).map(|link| LinkId(link.id));
    let ids: Vec<RecordId> = links.iter().map(|link| RecordId(link.record)).collect();
    let records = app.store.records(&ids).await?;
    let title = |link: &LinkLine| {
        let record = records.iter().find(|record| record.id.0 == link.record);
        record.map(|record| record.fields.title()).filter(|title| !title.is_empty())
    };
    let rows: Vec<(Option<String>, LinkView)> =
        links.into_iter().map(|link| (title(&link), LinkView::from(link))).collect();
    let held_up = connections.iter().any(|one| one.id == id.to_string() && one.state != "ready");
    let heading = format!("{}: {}", name(&connections, id.0), lang.say("was wartet, und warum", "what waits, and why"));
    let content = html! {
        h1 { (heading) }
        @if rows.is_empty() && !held_up { p.empty { (lang.say("Nichts.", "Nothing.")) } } @else {
            form method="post" action=(format!("/waiting/{id}/retry")) {
                input type="hidden" name="csrf" value=(visitor.session.csrf());
                p { button { (lang.say("Alles noch einmal versuchen", "Try everything again")) }
                    " " span.hint { (lang.say(
                        "Eine Pause wird aufgehoben und gleich ein Versuch gemacht; lehnt das CRM ab, gilt sie wieder. Was dort gelöscht wurde, wird dort neu angelegt.",
                        "A pause is lifted and one call tried at once; if the CRM refuses it, the pause is back. What was deleted there is created there anew.")) } }
            }
            @if rows.is_empty() { p.empty { (lang.say("Kein Datensatz wartet.", "No record waits.")) } } @else { (table(&visitor, &rows)) }
        }
        @if let Some(next) = next {
            p { a.button href=(format!("/waiting/{id}?after={next}")) { (lang.say("Weitere", "More")) } }
        }
    };
    Ok(visitor.page(&heading, &content))
}

fn table(visitor: &Visitor, rows: &[(Option<String>, LinkView)]) -> Markup {
    let lang = visitor.lang;
    html! {
        div.table { table.values {
            thead { tr { th { (lang.say("Datensatz", "Record")) } th { (lang.say("Art", "Type")) }
                th { (lang.say("Stand", "State")) } th { (lang.say("Grund", "Reason")) }
                th { (lang.say("Nächster Versuch", "Next try")) } th {} } }
            tbody { @for (title, link) in rows {
                tr {
                    td { a href=(format!("/records/{}", link.record)) { (title.as_deref().unwrap_or(&link.record)) } }
                    td { (words::one(&link.kind, lang)) }
                    td { span class=(format!("state {}", link.state)) { (words::state(link.state, lang)) } }
                    td { (fragments::why(link, lang)) }
                    @if let Some(at) = link.next_at { td data-label=(lang.say("Nächster Versuch", "Next try")) { time { (visitor.time(at)) } } } @else { td {} }
                    td { @if link.role == "primary" {
                        form method="post" action=(format!("/links/{}/retry", link.id)) {
                            input type="hidden" name="csrf" value=(visitor.session.csrf());
                            button.small { (again(link, lang)) }
                        }
                    } }
                }
            } }
        } }
    }
}

/// What the button does.
fn again(link: &LinkView, lang: Lang) -> &'static str {
    if link.state == "gone" { lang.say("Neu anlegen", "Create again") } else { lang.say("Noch einmal", "Try again") }
}

pub(crate) async fn retry_one(
    State(app): State<App>,
    visitor: Visitor,
    Asked(At(id)): Asked<At<String>>,
    form: Confirmed,
) -> Result<Redirect, PageProblem> {
    visitor.session.check_csrf(Some(&form.csrf))?;
    let id = body::id::<LinkId>(&id)?;
    let connection = app.store.link_connection(id).await?.ok_or_else(Problem::not_found)?;
    // Who clicks twice finds it begun: there is nothing to complain of.
    connections::retry_one(&app, connection, id).await?;
    Ok(Redirect::to(&format!("/waiting/{connection}")))
}

pub(crate) async fn retry_all(
    State(app): State<App>,
    visitor: Visitor,
    Asked(At(id)): Asked<At<String>>,
    form: Confirmed,
) -> Result<Redirect, PageProblem> {
    visitor.session.check_csrf(Some(&form.csrf))?;
    let id = body::id::<ConnectionId>(&id)?;
    connections::retry_connection(&app, id).await?;
    Ok(Redirect::to(&format!("/waiting/{id}")))
}
