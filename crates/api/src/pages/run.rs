//! One import: how far it is, what was not taken, and reading that again.

use axum::extract::State;
use maud::{Markup, html};
use mittler_core::{RecordId, RunId, Time};
use mittler_enrich::Remark;
use mittler_intake::csv;
use mittler_store::signals::SignalLine;
use uuid::Uuid;

use super::{
    Asked, PageProblem, Visitor,
    fragments::{self, Part, all, named, shown},
    words,
};
use crate::{
    App,
    body::{self, At, Page, Params},
    rest::imports::{Progress, RowCursor, progress},
};
use mittler_ingest::ColumnView;

const MOST: i64 = 100;

/// All rows of an import, each with the record that it led to.
pub(crate) async fn rows(
    State(app): State<App>,
    visitor: Visitor,
    Asked(At(run)): Asked<At<String>>,
    Asked(Params(page)): Asked<Params<Page>>,
) -> Result<Markup, PageProblem> {
    let (lang, id) = (visitor.lang, body::id::<RunId>(&run)?);
    let label = progress(&app, id).await?.run.label;
    let after = page.cursor::<RowCursor>()?.map_or((i64::MIN, Uuid::nil()), |RowCursor(line, id)| (line, id));
    let part = Part::of(app.store.run_lines(id, false, after, MOST + 1).await?, MOST);
    let led_to: Vec<RecordId> = part.rows.iter().filter_map(|line| line.record).map(RecordId).collect();
    let records = app.store.records(&led_to).await?;
    let next = part.rows.last().filter(|_| part.more);
    let next = next.map(|last| format!("/import/{id}/rows?after={}", RowCursor(last.line, last.id)));
    let title = lang.say("Alle Zeilen", "All rows");
    let content = html! {
        p.crumb { a href=(format!("/import/{id}")) { (label) } }
        h1 { (title) }
        @if part.rows.is_empty() { p.empty { (lang.say("Keine.", "None.")) } } @else {
            div.table { table {
                thead { tr { th.n.slim { (lang.say("Zeile", "Line")) } th { (lang.say("Stand", "State")) }
                    th { (lang.say("Datensatz", "Record")) } th { (lang.say("Anmerkungen", "Remarks")) } } }
                tbody { @for line in &part.rows {
                    tr {
                        td.n { (line.line) }
                        td { (words::row(line.state.name(), lang)) }
                        td { @if let Some(record) = line.record { (named(lang, &records, RecordId(record))) } }
                        td { (remarks(&visitor, line)) }
                    }
                } }
            } }
        }
        @if let Some(next) = next { (all(lang, &next, "Weitere", "More")) }
    };
    Ok(visitor.page(&format!("{label}: {title}"), &content))
}

/// Why a row was not taken, or what was noticed when it was.
fn remarks(visitor: &Visitor, line: &SignalLine) -> Markup {
    let noticed: Vec<Remark> = serde_json::from_value(line.remarks.0.clone()).unwrap_or_default();
    html! {
        @if let Some(code) = &line.code { (fragments::reason(visitor, code, line.reason.as_deref().unwrap_or_default())) }
        @for remark in noticed {
            p.hint { (words::field(&remark.field, visitor.lang)) ": " (fragments::reason(visitor, &remark.code, &remark.text)) }
        }
    }
}

pub(crate) async fn page(
    State(app): State<App>,
    visitor: Visitor,
    Asked(At(run)): Asked<At<String>>,
) -> Result<Markup, PageProblem> {
    let (lang, id) = (visitor.lang, body::id::<RunId>(&run)?);
    let progress = progress(&app, id).await?;
    let problems = app.store.run_lines(id, true, (i64::MIN, Uuid::nil()), MOST).await?;
    let running = !matches!(progress.run.state.as_str(), "done" | "open");
    let label = progress.run.label.clone();
    let bad = progress.counts.not_taken();
    let content = html! {
        p.crumb { a href="/import" { (lang.say("Importe", "Imports")) } }
        h1 { (label) " " small { (words::run(&progress.run.kind, lang)) } }
        p { time { (visitor.time(progress.run.created_at)) } " · "
            span data-state { (words::run(&progress.run.state, lang)) } }
        (far(&visitor, &progress, running))
        p { a href=(format!("/import/{id}/rows")) { (lang.say("Alle Zeilen und ihre Datensätze", "All rows and their records")) } }
        @if bad > 0 { (not_taken(&visitor, id, &problems, bad, &progress.run.params)) }
        @else if !running {
            p.good { (lang.say("Alles wurde übernommen.", "Everything was taken.")) " "
                a href="/" { (lang.say("Was geschrieben wurde, steht unter Heute.", "What was written is on Today.")) } }
        }
    };
    Ok(visitor.page(&label, &content))
}

fn far(visitor: &Visitor, progress: &Progress, running: bool) -> Markup {
    let (lang, counts) = (visitor.lang, &progress.counts);
    let poll = running.then(|| format!("/api/v1/imports/{}", progress.run.id));
    html! {
        div data-progress=[poll] {
            @if running {
                progress max=(counts.rows) value=(counts.rows - counts.waiting) aria-label=(lang.say("Fortschritt", "Progress")) {}
            }
            (visitor.figures(&shown(counts)))
        }
    }
}

fn not_taken(visitor: &Visitor, id: RunId, problems: &[SignalLine], bad: i64, params: &serde_json::Value) -> Markup {
    let lang = visitor.lang;
    html! {
        section {
            h2 { (lang.say("Nicht übernommen", "Not taken")) }
            p { a.button href=(format!("/api/v1/imports/{id}/problems.csv")) {
                (lang.say("Als CSV zum Korrigieren laden", "Download as CSV to correct")) }
                " " span.hint { (lang.say(
                    "Korrigiert wieder hochladen. Steht eine Zeile unter mittler_to_correct, ihre Werte in die Spalten eintragen und diese Zelle leeren.",
                    "Correct it and upload it again. Where a row stands under mittler_to_correct, put its values into the columns and empty that cell.")) } }
            div.table { table {
                thead { tr { th.n.slim { (lang.say("Zeile", "Line")) } th { (lang.say("Grund", "Reason")) }
                    th { (lang.say("Eingegangen", "Came in")) } } }
                tbody { @for line in problems {
                    tr {
                        td.n { (line.line) }
                        td { (fragments::reason(visitor, line.code.as_deref().unwrap_or_default(), line.reason.as_deref().unwrap_or_default()))
                            @if let Some(record) = line.record { " " a href=(format!("/records/{}", RecordId(record))) {
                                (lang.say("zum Datensatz", "to the record")) } } }
                        td { time { (visitor.time(Time(line.received_at))) } }
                    }
                } }
            } }
            @if bad > MOST { p.hint { (bad - MOST) " " (lang.say("weitere in der CSV-Datei", "more in the CSV file")) } }
            (again(visitor, id, params))
        }
    }
}

/// Where the columns were misread, their meaning can be set right for the rows that were refused.
fn again(visitor: &Visitor, id: RunId, params: &serde_json::Value) -> Markup {
    let lang = visitor.lang;
    let layout = params.get("layout").cloned().unwrap_or_default();
    let Ok(layout) = serde_json::from_value::<csv::Layout>(layout) else { return html! {} };
    let view = |column: csv::Column| ColumnView { header: column.header, meaning: column.meaning, samples: vec![] };
    let columns: Vec<ColumnView> = layout.columns.into_iter().map(view).collect();
    html! {
        details data-retry=(format!("/api/v1/imports/{id}/retry")) data-words=(fragments::failures(lang)) {
            summary { (lang.say("Spalten falsch erkannt? Bedeutung ändern und noch einmal lesen",
                "Columns misread? Change their meaning and read again")) }
            (fragments::columns(visitor, &columns))
            p { button type="button" data-again { (lang.say("Noch einmal lesen", "Read again")) } }
            p.bad role="alert" data-error {}
        }
    }
}
