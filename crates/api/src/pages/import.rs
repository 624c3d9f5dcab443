//! Bringing a list in: choose a file, see how it is read, correct that, go.

use axum::{
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use mittler_core::{RunId, Time};

use super::{
    Asked, PageProblem, Visitor,
    fragments::{columns, failures, reason, run_table, shown as figures},
    words,
};
use crate::{
    App,
    body::{Page, Params},
    problem::Problem,
    rest::imports::{RowCursor, Upload, dry_run},
};
use mittler_ingest::{DryRun, Previewed, RowProblem, ValueView};

/// A longer list of rows is opened by whoever wants to see it.
const OPEN: usize = 20;

/// Runs that the list below the form shows at once.
const RECENT: i64 = 20;

pub(crate) async fn page(
    State(app): State<App>,
    visitor: Visitor,
    Asked(Params(page)): Asked<Params<Page>>,
) -> Result<Markup, PageProblem> {
    let lang = visitor.lang;
    let mut runs = Vec::new();
    let before = page.cursor::<RowCursor>()?.map(|RowCursor(at, id)| (Time(at), id));
    let mut recent = app.store.run_list(before, RECENT + 1).await?;
    let more = recent.len() as u64 > RECENT.unsigned_abs();
    recent.truncate(usize::try_from(RECENT).unwrap_or_default());
    let next = recent.last().filter(|_| more).map(|run| RowCursor(run.created_at, run.id));
    for run in recent {
        let counts = app.store.run_counts(RunId(run.id)).await?;
        runs.push((run, counts));
    }
    let content = html! {
        h1 { (lang.say("Liste importieren", "Import a list")) }
        noscript { p.notice { (lang.say("Diese Seite braucht JavaScript.", "This page needs JavaScript.")) } }
        form.import data-import {
            (file_field(&visitor))
            (fair_fields(&visitor))
            (more_fields(&visitor, &app.settings.time_zone))
            p { button { (lang.say("Liste prüfen", "Check the list")) }
                " " span.hint { (lang.say("Es wird noch nichts geschrieben.", "Nothing is written yet.")) } }
        }
        div id="preview" aria-live="polite" data-wait=(lang.say("Die Liste wird gelesen …", "Reading the list …"))
            data-failed=(lang.say("Das ging nicht", "That did not work")) data-words=(failures(lang)) {}
        @if !runs.is_empty() {
            section id="recent" { h2 { (lang.say("Zuletzt", "Recently")) } (run_table(&visitor, &runs))
                @if let Some(next) = next { p { a.button href=(format!("/import?after={next}#recent")) { (lang.say("Weitere", "More")) } } }
            }
        }
    };
    Ok(visitor.page(lang.say("Import", "Import"), &content))
}

fn file_field(visitor: &Visitor) -> Markup {
    let lang = visitor.lang;
    html! {
        label.drop data-drop for="file" {
            strong { (lang.say("CSV-Datei hierher ziehen", "Drop a CSV file here")) }
            span { (lang.say("oder auswählen", "or choose one")) }
            input id="file" name="file" type="file" accept=".csv,.txt,.tsv,text/csv" required;
            span.hint { (lang.say(
                "Trennzeichen, Kodierung und Spalten werden erkannt.",
                "Delimiter, encoding and columns are recognised.")) }
        }
    }
}

fn fair_fields(visitor: &Visitor) -> Markup {
    let lang = visitor.lang;
    html! {
        fieldset {
            legend { (lang.say("Messe", "Fair")) " " span.hint { (lang.say("(wenn es Leads einer Messe sind)", "(if these are a fair's leads)")) } }
            div.grid {
                (text(visitor, "fair", "Name", "Name", "Hannover Messe 2026"))
                (text(visitor, "place", "Ort", "Place", "Hannover"))
                (text(visitor, "organiser", "Veranstalter", "Organiser", ""))
                label { (lang.say("Beginn", "Starts")) input type="date" name="starts"; }
                label { (lang.say("Ende", "Ends")) input type="date" name="ends"; }
            }
            label.check { input type="checkbox" name="stand_scan" checked;
                (lang.say("Am eigenen Stand gescannt (sonst: Liste des Veranstalters)",
                    "Scanned at our own stand (otherwise: the organiser's list)")) }
        }
    }
}

fn more_fields(visitor: &Visitor, zone: &str) -> Markup {
    let lang = visitor.lang;
    html! {
        details {
            summary { (lang.say("Mehr Angaben", "More details")) }
            div.grid {
                (text(visitor, "source", "Name der Quelle", "Name of the source", "messe-app"))
                label { (lang.say("Land ohne Angabe", "Country if none is given"))
                    input name="default_country" value="DE" maxlength="2" pattern="[A-Za-z]{2}"; }
                label { (lang.say("Zeitzone", "Time zone")) input name="time_zone" value=(zone); }
                label { (lang.say("Kodierung", "Encoding"))
                    select name="encoding" {
                        option value="" { (lang.say("erkennen", "recognise")) }
                        @for name in ["utf-8", "windows-1252", "iso-8859-15", "macintosh", "utf-16le"] { option { (name) } }
                    } }
                label { (lang.say("Trennzeichen", "Delimiter"))
                    select name="delimiter" {
                        option value="" { (lang.say("erkennen", "recognise")) }
                        option value=";" { "; " (lang.say("Semikolon", "semicolon")) }
                        option value="," { ", " (lang.say("Komma", "comma")) }
                        option value="\t" { (lang.say("Tabulator", "tab")) }
                        option value="|" { "|" }
                    } }
            }
            p.hint { (lang.say(
                "Der Name der Quelle hält zusammen, was später noch einmal von dort kommt. Ohne Angabe ist es der Name der Messe.",
                "The name of the source ties together what comes from there again later. Left out, it is the fair's name.")) }
        }
    }
}

fn text(visitor: &Visitor, name: &str, german: &str, english: &str, placeholder: &str) -> Markup {
    html! { label { (visitor.lang.say(german, english)) input name=(name) placeholder=(placeholder) maxlength="200"; } }
}

/// How a list would be read: a piece of the page.
pub(crate) async fn preview(State(app): State<App>, visitor: Visitor, request: Request) -> Result<Response, Problem> {
    let token = request.headers().get("x-csrf-token").and_then(|value| value.to_str().ok());
    visitor.session.check_csrf(token)?;
    let run = dry_run(&app, Upload::of(request, &app).await?).await?;
    Ok(shown(&visitor, &run).into_response())
}

fn shown(visitor: &Visitor, run: &DryRun) -> Markup {
    let (lang, counts) = (visitor.lang, &run.counts);
    let list = |rows: &[RowProblem], count: i64, german: &str, english: &str| {
        html! { @if count > 0 { (problems(visitor, rows, count, lang.say(german, english))) } }
    };
    html! {
        section {
            h2 { (lang.say("So wird die Liste gelesen", "How the list is read")) }
            (visitor.figures(&figures(counts)))
            p { (run.encoding) " · "
                @match run.delimiter {
                    None => { (lang.say("eine Spalte", "one column")) }
                    Some(delimiter) => { (lang.say("getrennt durch", "separated by")) " "
                        code { @if delimiter == '\t' { "Tab" } @else { (delimiter) } } }
                }
                " · " (lang.say("Überschriften in Zeile", "headings in line")) " " (run.header_line) }
            (columns(visitor, &run.columns))
            p { button type="button" data-run {
                @if counts.taken == 1 { (lang.say("1 Zeile importieren", "Import 1 row")) }
                @else { (lang.say("", "Import ")) (visitor.number(counts.taken)) (lang.say(" Zeilen importieren", " rows")) } } }
            (list(&run.problems, counts.refused, "Zeilen, die nicht übernommen würden", "Rows that would not be taken"))
            @if counts.refused > 0 {
                p { button.small type="button" data-problems { (lang.say("Alle als CSV zum Korrigieren laden", "Download all as CSV to correct")) } }
            }
            (list(&run.skipped, counts.skipped, "Zeilen, in denen nichts zu übernehmen ist", "Rows with nothing to take"))
            (list(&run.repeated, counts.repeated, "Zeilen, die doppelt in der Liste stehen", "Rows that are repeated in the list"))
            (list(&run.known, counts.known, "Zeilen, die schon bekannt sind", "Rows that are known already"))
            h3 { (lang.say("Die ersten Zeilen, wie sie gespeichert würden", "The first rows, as they would be kept")) }
            @for row in run.preview.iter().take(8) { (row_card(visitor, row)) }
        }
    }
}

/// The first rows of one sort, and how many there are.
fn problems(visitor: &Visitor, rows: &[RowProblem], count: i64, title: &str) -> Markup {
    let lang = visitor.lang;
    let more = count - i64::try_from(rows.len()).unwrap_or(count);
    html! {
        details open[rows.len() <= OPEN] {
            summary { (title) ": " (visitor.number(count)) }
            div.table { table {
                thead { tr { th.n.slim { (lang.say("Zeile", "Line")) } th { (lang.say("Grund", "Reason")) } } }
                tbody { @for problem in rows {
                    tr { td.n { (problem.line) } td { (reason(visitor, &problem.code, &problem.reason)) } }
                } }
            } }
            @if more > 0 { p.hint { (visitor.number(more)) " " (lang.say("weitere", "more")) } }
        }
    }
}

fn row_card(visitor: &Visitor, row: &Previewed) -> Markup {
    let lang = visitor.lang;
    let list = |name: &str, values: &[ValueView]| {
        html! { @if !values.is_empty() {
            h4 { (words::one(name, lang)) }
            dl { @for value in values { dt { (words::field(&value.field, lang)) } dd { (readable(visitor, &value.value)) } } }
        } }
    };
    html! {
        details.card open[row.line <= 3] {
            summary { (lang.say("Zeile", "Line")) " " (row.line)
                @if let Some(problem) = &row.problem { " – " span.bad { (reason(visitor, &problem.code, &problem.reason)) } }
                @else { " – " (title(&row.person)) } }
            div.cols {
                div { (list("person", &row.person)) }
                div { (list("organisation", &row.organisation)) (list("participation", &row.participation)) }
            }
            @for remark in &row.remarks { p.hint { (words::field(&remark.field, lang)) ": " (reason(visitor, &remark.code, &remark.text)) } }
        }
    }
}

/// Points in time as people write them; everything else is readable already.
fn readable(visitor: &Visitor, value: &str) -> String {
    value.parse().map_or_else(|_| value.to_owned(), |at| visitor.time(at))
}

fn title(values: &[ValueView]) -> String {
    let names = ["first_name", "last_name"].iter().filter_map(|name| values.iter().find(|value| value.field == *name));
    names.map(|value| value.value.as_str()).collect::<Vec<_>>().join(" ")
}
