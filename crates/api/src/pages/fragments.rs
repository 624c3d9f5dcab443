//! Fragments that several pages show.

use maud::{Markup, html};
use mittler_core::{ConnectionId, Record, RecordId, RunId, Time};
use mittler_intake::csv;
use mittler_store::runs::{Run, RunCounts};
use uuid::Uuid;

use super::{Lang, Visitor, words};
use crate::rest::connections::{ConnectionView, LinkView};
use mittler_ingest::{ColumnView, Counts};

pub(crate) fn code(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Why a link is not as it should be, and which of its fields are held.
pub(crate) fn why(link: &LinkView, lang: Lang) -> Markup {
    html! {
        @if let Some(code) = &link.code { (words::code(code, lang)) }
        @if let Some(reason) = link.reason.as_deref().filter(|_| !link.code.as_deref().is_some_and(words::is_ours)) {
            " " span.hint { (reason) }
        }
        @if !link.held.is_empty() {
            ul.held { @for (name, held) in &link.held {
                li { code { (name) } ": " (words::code(&held.code, lang))
                    @if !words::is_ours(&held.code) { " " span.hint { (held.reason) } } }
            } }
        }
    }
}

/// Rows that such a page shows at once.
pub(crate) const PAGE: i64 = 100;

/// The first rows of a list, and whether there are more.
pub(crate) struct Part<R> {
    pub rows: Vec<R>,
    pub more: bool,
}

impl<R> Part<R> {
    /// `rows` may be one longer than what is shown.
    pub fn of(mut rows: Vec<R>, most: i64) -> Part<R> {
        let most = usize::try_from(most).unwrap_or_default();
        let more = rows.len() > most;
        rows.truncate(most);
        Part { rows, more }
    }
}

/// The way to the rest of a list.
pub(crate) fn all(lang: Lang, path: &str, german: &str, english: &str) -> Markup {
    html! { p { a.button href=(path) { (lang.say(german, english)) } } }
}

/// Runs with what became of their inputs.
pub(crate) fn run_table(visitor: &Visitor, runs: &[(Run, RunCounts)]) -> Markup {
    const COLUMNS: [&str; 7] = ["rows", "taken", "waiting", "not_taken", "skipped", "repeated", "known"];
    let lang = visitor.lang;
    html! {
        div.table { table {
            thead { tr {
                th { (lang.say("Quelle", "Source")) } th { (lang.say("Art", "Type")) } th { (lang.say("Zeit", "Time")) }
                @for name in COLUMNS { th.n { (words::count(name, lang)) } }
            } }
            tbody {
                @for (run, counts) in runs {
                    @let counts = shown(&Counts::from(*counts));
                    tr {
                        td { a href=(format!("/import/{}", RunId(run.id))) { (run.label) } }
                        td { (words::run(&run.kind, lang)) }
                        td { time { (visitor.time(Time(run.created_at))) } }
                        @for name in COLUMNS {
                            @let value = counts.iter().find(|(known, _)| *known == name).map_or(0, |(_, value)| *value);
                            td.n.bad[name == "not_taken" && value > 0] data-count=(name) { (visitor.number(value)) }
                        }
                    }
                }
            }
        } }
    }
}

pub(crate) fn name(connections: &[ConnectionView], id: Uuid) -> String {
    let id = ConnectionId(id).to_string();
    connections.iter().find(|one| one.id == id).map_or_else(|| id.clone(), |one| one.name.clone())
}

/// The numbers of an import or a preview, in their order.
pub(crate) fn shown(counts: &Counts) -> [(&'static str, i64); 8] {
    [
        ("rows", counts.rows),
        ("taken", counts.taken),
        ("waiting", counts.waiting),
        ("not_taken", counts.not_taken()),
        ("skipped", counts.skipped),
        ("repeated", counts.repeated),
        ("known", counts.known),
        ("people", counts.people.unwrap_or(0)),
    ]
}

/// What the script says of a problem, by its cause, field or code.
pub(crate) fn failures(lang: Lang) -> String {
    serde_json::to_string(&words::failures(lang)).unwrap_or_default()
}

/// Columns with their meanings, to be changed.
pub(crate) fn columns(visitor: &Visitor, columns: &[ColumnView]) -> Markup {
    let lang = visitor.lang;
    html! {
        div.table { table {
            thead { tr { th { (lang.say("Spalte", "Column")) } th { (lang.say("Bedeutung", "Meaning")) }
                th { (lang.say("Beispiele", "Examples")) } } }
            tbody { @for column in columns {
                @let meaning = serde_json::to_value(column.meaning).unwrap_or_default();
                tr {
                    th scope="row" { (column.header) }
                    td { select data-column=(column.header) aria-label=(column.header) {
                        option value="" selected[meaning.is_null()] { (if mittler_enrich::is_told_on(&column.header) { lang.say("– in die Notiz –", "– into the note –") } else { lang.say("– nur aufheben –", "– only keep –") }) }
                        @for (code, german, english) in words::MEANINGS {
                            option value=(code) selected[meaning.as_str() == Some(code)] { (lang.say(german, english)) }
                        }
                    } }
                    td.samples { (column.samples.join(" · ")) }
                }
            } }
        } }
    }
}

/// Our words for a code, else those of whoever met it.
pub(crate) fn reason(visitor: &Visitor, code: &str, words: &str) -> String {
    let otherwise = || if words.is_empty() { words::code(code, visitor.lang) } else { words.to_owned() };
    let ours = words::known_code(code, visitor.lang).unwrap_or_else(otherwise);
    if !words.contains(csv::TO_CORRECT) {
        return ours;
    }
    let say =
        visitor.lang.say("Werte richtigstellen und diese Zelle leeren", "put the values right and empty the cell");
    format!("{ours} ({}: {say})", csv::TO_CORRECT)
}

/// A record by the line that names it.
pub(crate) fn named(lang: Lang, records: &[Record], id: RecordId) -> Markup {
    let record = records.iter().find(|record| record.id == id);
    let title = record.map(|record| record.fields.title()).filter(|title| !title.is_empty());
    html! { a href=(format!("/records/{id}")) { (title.unwrap_or_else(|| lang.say("Datensatz", "Record").to_owned())) } }
}
