//! Rows that were not taken, as a list that can be corrected and sent again.

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use mittler_core::RunId;
use mittler_intake::csv;

use crate::{
    App,
    access::{Caller, Scope},
    body,
    problem::Problem,
};

/// Fetch the rows that were not taken, to correct them and send them again
///
/// The original cells, then line, code and reason; semicolons and a byte order mark, so that office
/// programs read it. Cells that such a program would run as a formula begin with an apostrophe.
#[utoipa::path(get, path = "/imports/{run}/problems.csv", tag = "Imports", params(("run" = String, Path, description = "run_…")),
    responses((status = 200, description = "The list", content_type = "text/csv", body = String)))]
pub(crate) async fn get_problems_csv(
    State(app): State<App>,
    caller: Caller,
    Path(run): Path<String>,
) -> Result<Response, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let run = body::id::<RunId>(&run)?;
    let known = app.store.run(run).await?.ok_or_else(Problem::not_found)?;
    let layout = known.params.0.get("layout").cloned().unwrap_or_default();
    let layout: Option<csv::Layout> = serde_json::from_value(layout).ok();
    let text = list(layout.as_ref(), &app.store.refused_contents(run).await?);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"problems.csv\""),
    ];
    Ok((headers, text).into_response())
}

type Refused = (i64, Option<String>, Option<String>, Option<String>, Option<Vec<u8>>);

fn list(layout: Option<&csv::Layout>, refused: &[Refused]) -> String {
    let mut text = String::from('\u{feff}');
    let own = ["mittler_line", "mittler_code", "mittler_field", "mittler_reason"];
    let headers = layout.map_or(vec!["content"], |layout| layout.columns.iter().map(|c| c.header.as_str()).collect());
    let width = headers.len();
    line(&mut text, headers.into_iter().chain(own));
    for (at, code, field, reason, content) in refused {
        let mut cells = original(layout, content.as_deref().unwrap_or_default());
        cells.resize(width.max(cells.len()), String::new());
        let said = [at.to_string(), code.clone().unwrap_or_default(), field.clone().unwrap_or_default()];
        let reason = reason.clone().unwrap_or_default();
        line(&mut text, cells.iter().chain(&said).chain([&reason]).map(String::as_str));
    }
    text
}

/// The cells as the sender wrote them; what has no layout is one cell.
fn original(layout: Option<&csv::Layout>, content: &[u8]) -> Vec<String> {
    let Some(layout) = layout else { return vec![String::from_utf8_lossy(content).into_owned()] };
    let row = csv::RowAt { line: 1, bytes: 0..content.len() };
    let sheet = csv::Sheet { layout: layout.clone(), header_line: 1, rows: vec![row] };
    csv::preview(content, &sheet, 1).into_iter().next().unwrap_or_default()
}

fn line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            text.push(';');
        }
        let harmless = if is_formula(cell) { format!("'{cell}") } else { cell.to_owned() };
        if harmless.contains([';', '"', '\n', '\r']) {
            text.push('"');
            text.push_str(&harmless.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&harmless);
        }
    }
    text.push_str("\r\n");
}

/// Whether an office program would run the cell. Phone numbers and plain numbers begin with a sign
/// as well, and must stay as they are.
fn is_formula(cell: &str) -> bool {
    let number = |rest: &str| {
        rest.chars().any(|c| c.is_ascii_digit())
            && rest
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, ' ' | '(' | ')' | '/' | '-' | '.' | ',' | '\u{a0}'))
    };
    match cell.chars().next() {
        Some('=' | '@' | '\t' | '\r') => true,
        Some('+' | '-') => !number(&cell[1..]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_disarmed_and_phone_numbers_stay_as_they_are() {
        for formula in ["=HYPERLINK(\"http://x\")", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "\t=1"]
        {
            assert!(is_formula(formula), "{formula}");
        }
        for plain in ["+49 (711) 123/456-7", "-12,5", "Müller", "", "a=b", "+43\u{a0}1 234"] {
            assert!(!is_formula(plain), "{plain}");
        }
    }

    #[test]
    fn a_row_keeps_its_cells_and_gains_the_reason() {
        let column = |header: &str| csv::Column { header: header.into(), meaning: None };
        let layout = csv::Layout {
            encoding: "windows-1252".into(),
            delimiter: ';',
            quote: '"',
            columns: vec![column("Name"), column("Notiz")],
        };
        let row = b"M\xfcller;\"=1+1\";zu viel".to_vec();
        let text =
            list(Some(&layout), &[(7, Some("columns_excess".into()), None, Some("zu; breit".into()), Some(row))]);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("\u{feff}Name;Notiz;mittler_line;mittler_code;mittler_field;mittler_reason"));
        assert_eq!(lines.next(), Some("Müller;'=1+1;zu viel;7;columns_excess;;\"zu; breit\""));
    }
}
