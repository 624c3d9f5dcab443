//! What waits or was refused in one connection, one by one.

use axum::extract::{Path, State};
use maud::{Markup, html};
use mittler_core::{ConnectionId, LinkId, RecordId};
use mittler_store::links::LinkLine;

use super::{PageProblem, Visitor, today::name, words};
use crate::{
    App,
    body::{self, Page, Params},
    problem::Problem,
    rest::connections::{LinkView, connections},
};

const MOST: i64 = 100;

pub(crate) async fn page(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    Params(page): Params<Page>,
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
    let heading = format!("{}: {}", name(&connections, id.0), lang.say("was wartet, und warum", "what waits, and why"));
    let content = html! {
        h1 { (heading) }
        @if rows.is_empty() { p.empty { (lang.say("Nichts.", "Nothing.")) } } @else { (table(&visitor, &rows)) }
        @if let Some(next) = next {
            p { a.button href=(format!("/waiting/{id}?after={next}")) { (lang.say("Weitere", "More")) } }
        }
    };
    Ok(visitor.page(&heading, &content))
}

fn table(visitor: &Visitor, rows: &[(Option<String>, LinkView)]) -> Markup {
    let lang = visitor.lang;
    html! {
        div.table { table {
            thead { tr { th { (lang.say("Datensatz", "Record")) } th { (lang.say("Art", "Type")) }
                th { (lang.say("Stand", "State")) } th { (lang.say("Grund", "Reason")) }
                th { (lang.say("Nächster Versuch", "Next try")) } } }
            tbody { @for (title, link) in rows {
                tr {
                    td { a href=(format!("/records/{}", link.record)) { (title.as_deref().unwrap_or(&link.record)) } }
                    td { (words::one(&link.kind, lang)) }
                    td { span class=(format!("state {}", link.state)) { (words::state(link.state, lang)) } }
                    td { (super::record::why(link, lang)) }
                    td { @if let Some(at) = link.next_at { time { (visitor.time(at)) } } }
                }
            } }
        } }
    }
}
