//! Rows that were not taken, as a list that can be corrected and sent again.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use mittler_core::RunId;
use mittler_intake::csv;

use crate::{
    App,
    access::{Caller, Scope},
    body::{self, At},
    problem::Problem,
};

/// Fetch the rows that were not taken, to correct them and send them again
///
/// The original cells, then line, code and reason; semicolons and a byte order mark, so that office
/// programs read it. Cells that such a program would run as a formula begin with an apostrophe. Sent
/// again as it is, with the columns that begin with `mittler_`, those and the apostrophes are left
/// out when it is read. A row with too few or too many cells or a stray quotation mark stands under
/// `mittler_to_correct` as it was written: put its values right under the other headers and empty
/// that cell; until then the row is refused again. Rows whose content has outlived its retention are
/// `content_gone`.
#[utoipa::path(get, path = "/imports/{run}/problems.csv", tag = "Imports", params(("run" = String, Path, description = "run_…")),
    responses((status = 200, description = "The list", content_type = "text/csv", body = String)))]
pub(crate) async fn get_problems_csv(
    State(app): State<App>,
    caller: Caller,
    At(run): At<String>,
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
    let columns: Vec<&str> =
        layout.map_or(vec!["content"], |layout| layout.columns.iter().map(|c| c.header.as_str()).collect());
    // A list that came back and was refused again has our columns already: they are written anew.
    let headers = columns.into_iter().filter(|name| !csv::OURS.contains(name));
    line(&mut text, headers.chain(csv::OURS));
    for (at, code, field, reason, content) in refused {
        let (code, reason) = match (content, code.as_deref()) {
            // Of who is kept out nothing is kept; of others the content ends with its retention.
            (None, code) if code != Some("suppressed") => {
                (Some("content_gone"), Some(gone(code.unwrap_or_default(), reason.as_deref())))
            }
            (_, code) => (code, reason.clone()),
        };
        let (cells, to_correct) = original(layout, content.as_deref().unwrap_or_default(), code);
        let said = [at.to_string(), code.unwrap_or_default().to_owned(), field.clone().unwrap_or_default()];
        let reason = reason.unwrap_or_default();
        line(&mut text, cells.iter().chain(&said).chain([&reason, &to_correct]).map(String::as_str));
    }
    text
}

/// What is left to say of a row whose content has outlived its retention.
fn gone(code: &str, reason: Option<&str>) -> String {
    let reason = reason.unwrap_or_default();
    format!(
        "the content has outlived its retention; send the row again from the original list. It was refused: {code} {reason}"
    )
}

/// The cells as the sender wrote them, and what is still to be put into cells; what has no layout
/// is one cell.
fn original(layout: Option<&csv::Layout>, content: &[u8], code: Option<&str>) -> (Vec<String>, String) {
    match layout {
        Some(layout) => csv::returned(layout, content, code),
        None => (vec![String::from_utf8_lossy(content).into_owned()], String::new()),
    }
}

fn line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            text.push(';');
        }
        let harmless = csv::guard(cell);
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

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(
            lines.next(),
            Some("\u{feff}Name;Notiz;mittler_line;mittler_code;mittler_field;mittler_reason;mittler_to_correct")
        );
        assert_eq!(
            lines.next(),
            Some("Müller;'=1+1;7;columns_excess;;\"zu; breit\";\"Müller;\"\"=1+1\"\";zu viel\""),
            "our cells stand under our headers"
        );
    }

    #[test]
    fn a_row_that_cannot_be_split_is_not_cut_and_one_whose_content_is_gone_says_so() {
        let column = |header: &str| csv::Column { header: header.into(), meaning: None };
        let layout = csv::Layout {
            encoding: "windows-1252".into(),
            delimiter: ';',
            quote: '"',
            columns: vec![column("Name"), column("Notiz")],
        };
        let long = [b"\"M\xfcller;".as_slice(), &[b'x'; 2_000]].concat();
        let open = (7, Some("quote_unclosed".into()), None, Some("never closed".into()), Some(long));
        let late = (8, Some("no_name_and_no_email".into()), None, Some("no name".into()), None);
        let kept_out = (9, Some("suppressed".into()), None, Some("objected".into()), None);
        let text = list(Some(&layout), &[open, late, kept_out]);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert!(lines[0].starts_with(";;7;quote_unclosed;;never closed;\"\"\"Müller;xxx"), "{}", lines[0]);
        assert!(lines[0].contains(&"x".repeat(2_000)), "{}", lines[0]);
        assert!(
            lines[1].starts_with(";;8;content_gone;;") && lines[1].contains("no_name_and_no_email"),
            "{}",
            lines[1]
        );
        assert_eq!(lines[2], ";;9;suppressed;;objected;");
    }
}
