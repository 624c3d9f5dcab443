//! The list of records, and the search for one.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use mittler_core::{Field, Kind, RecordId, Time};
use mittler_store::records::RecordLine;
use serde::Deserialize;
use uuid::Uuid;

use super::{Asked, PageProblem, Visitor, words};
use crate::{
    App,
    body::Params,
    rest::{
        imports::RowCursor,
        records::{email_key, find},
    },
    search::{self, Search},
};

const MOST: i64 = 50;
/// Records that a search shows.
const FOUND: usize = 50;
/// What people look for; what only ties others together is reached from there.
const KINDS: [Kind; 4] = [Kind::Person, Kind::Organisation, Kind::Fair, Kind::Activity];

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Query {
    q: Option<String>,
    kind: Option<String>,
    /// Time and id of the last one shown.
    after: Option<String>,
}

pub(crate) async fn page(
    State(app): State<App>,
    visitor: Visitor,
    Asked(Params(query)): Asked<Params<Query>>,
) -> Result<Response, PageProblem> {
    let lang = visitor.lang;
    let asked = query.q.as_deref().map(str::trim).filter(|asked| !asked.is_empty());
    if let Some(id) = found(&app, asked).await? {
        return Ok(Redirect::to(&format!("/records/{id}")).into_response());
    }
    let kind = query.kind.as_deref().and_then(Kind::parse).unwrap_or(Kind::Person);
    let after = query.after.as_deref().and_then(|text| text.parse::<RowCursor>().ok());
    let before = after.map_or((Time::MAX, Uuid::max()), |RowCursor(at, id)| (Time(at), id));
    let search = asked.and_then(Search::of);
    let rows = match &search {
        Some(search) => search::records(&app, kind, search, FOUND).await?,
        None => app.store.latest_records(kind, before, MOST).await?,
    };
    let again = asked.map_or_else(String::new, |asked| {
        format!("&q={}", url::form_urlencoded::byte_serialize(asked.as_bytes()).collect::<String>())
    });
    let content = html! {
        h1 { (lang.say("Datensätze", "Records")) }
        form.search method="get" action="/records" role="search" {
            label for="q" { (lang.say("Name, Firma, Adresse, Telefonnummer oder Teile davon", "Name, company, address, number or parts of them")) }
            div.row {
                input id="q" name="q" type="search" value=(asked.unwrap_or("")) placeholder="anna.muster@example.com";
                button { (lang.say("Suchen", "Search")) }
            }
        }
        @if asked.is_some() {
            p.notice role="status" { @match (rows.len(), search.is_some()) {
                (_, false) | (0, _) => { (lang.say(
                    "Dazu gibt es hier keinen Datensatz. Jedes Wort muss darin vorkommen.",
                    "There is no record here for that. Each word must stand in it.")) }
                (FOUND, _) => { (lang.say(
                    "Es gibt viele; das sind die zuletzt geänderten. Ein weiteres Wort grenzt sie ein.",
                    "There are many; these were changed last. One more word narrows them down.")) }
                (count, _) => { (count) " " (lang.say("gefunden.", "found.")) }
            } }
        }
        nav.tabs aria-label=(lang.say("Art", "Kind")) { @for one in KINDS {
            a href=(format!("/records?kind={}{}", one.name(), again)) aria-current=[(one == kind).then_some("page")] {
                (words::kind(one.name(), lang)) }
        } }
        (table(&visitor, kind, &rows, search.is_none()))
    };
    Ok(visitor.page(lang.say("Datensätze", "Records"), &content).into_response())
}

async fn found(app: &App, asked: Option<&str>) -> Result<Option<RecordId>, PageProblem> {
    let Some(asked) = asked else { return Ok(None) };
    if let Ok(id) = asked.parse::<RecordId>() {
        return Ok(app.store.record(id).await?.map(|record| record.id));
    }
    let Some(key) = email_key(asked) else { return Ok(None) };
    Ok(find(app, &key).await?.map(|record| record.id))
}

fn table(visitor: &Visitor, kind: Kind, rows: &[RecordLine], has_more: bool) -> Markup {
    let lang = visitor.lang;
    let last = rows.last().filter(|_| has_more && rows.len() as u64 == MOST.unsigned_abs());
    let columns: &[Field] = match kind {
        Kind::Person => &[Field::COMPANY, Field::EMAILS, Field::CITY],
        Kind::Organisation => &[Field::DOMAIN, Field::CITY, Field::COUNTRY],
        Kind::Fair => &[Field::PLACE, Field::STARTS],
        _ => &[Field::ACTIVITY_TYPE, Field::STATUS],
    };
    html! {
        @if rows.is_empty() {
            p.empty { (lang.say("Keine.", "None.")) " " a href="/import" { (lang.say("Liste importieren", "Import a list")) } }
        } @else {
            div.table { table {
                thead { tr { th { "Name" } @for column in columns { th { (words::field(column.as_str(), lang)) } }
                    th { (lang.say("Geändert", "Changed")) } } }
                tbody { @for row in rows {
                    @let title = row.fields.0.title();
                    tr {
                        td { a href=(format!("/records/{}", RecordId(row.id))) {
                            (if title.is_empty() { lang.say("(ohne Namen)", "(no name)") } else { &title }) } }
                        @for column in columns {
                            td { (row.fields.0.value(column).map(mittler_core::Value::display).unwrap_or_default()) }
                        }
                        td { time { (visitor.time(Time(row.updated_at))) } }
                    }
                } }
            } }
        }
        @if let Some(last) = last {
            p { a.button href=(format!("/records?kind={}&after={}", kind.name(), RowCursor(last.updated_at, last.id))) {
                (lang.say("Weitere", "More")) } }
        }
    }
}
