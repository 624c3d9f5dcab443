//! The rows that were not taken, as a file that can be corrected and sent again: `problems.csv`, of an
//! import and of a dry run alike.

use mittler_core::RunId;
use mittler_enrich::RunParams;
use mittler_intake::{Problem, csv};
use mittler_store::signals::RefusedContent;
use uuid::Uuid;

use super::{Ingest, IngestError, ROWS};

/// Where the file of an import goes on.
#[derive(Debug, Clone)]
pub struct ProblemList {
    run: RunId,
    layout: Option<csv::Layout>,
    /// The last row that was given, or nothing before the heading.
    after: Option<(i64, Uuid)>,
}

impl Ingest {
    /// The file of an import, to be read piece by piece.
    ///
    /// # Errors
    /// If there is no such import.
    pub async fn problem_list(&self, run: RunId) -> Result<ProblemList, IngestError> {
        let known = self.store.run(run).await?.ok_or(IngestError::NoRun)?;
        let layout = RunParams::of_json(&known.params.0).and_then(|params| params.layout);
        Ok(ProblemList { run, layout, after: None })
    }

    /// The next piece of the file; nothing at its end.
    pub async fn more_problems(&self, list: &mut ProblemList) -> Result<Option<String>, IngestError> {
        let layout = list.layout.as_ref();
        let mut text = if list.after.is_none() { heading(layout) } else { String::new() };
        let after = list.after.unwrap_or((i64::MIN, Uuid::nil()));
        let refused = self.store.refused_contents(list.run, after, i64::try_from(ROWS).unwrap_or(i64::MAX)).await?;
        for one in &refused {
            stored(&mut text, layout, one);
        }
        list.after = Some(refused.last().map_or(after, |last| (last.line, last.id)));
        Ok((!text.is_empty()).then_some(text))
    }
}

/// The first line: the sender's columns, then ours. A list that came back and was refused again has ours
/// already: they are written anew.
pub(super) fn heading(layout: Option<&csv::Layout>) -> String {
    let mut text = String::from('\u{feff}');
    let columns: Vec<&str> =
        layout.map_or(vec!["content"], |layout| layout.columns.iter().map(|c| c.header.as_str()).collect());
    let headers = columns.into_iter().filter(|name| !csv::OURS.contains(name));
    line(&mut text, headers.chain(csv::OURS));
    text
}

/// A row that would be refused.
pub(super) fn row(text: &mut String, layout: Option<&csv::Layout>, at: i64, content: &[u8], problem: &Problem) {
    let Problem { code, field, reason } = problem;
    write(text, layout, at, content, Some(code), field.as_deref(), reason);
}

/// A row that was refused. Of who is kept out nothing is kept; of others the content ends with its
/// retention.
fn stored(text: &mut String, layout: Option<&csv::Layout>, refused: &RefusedContent) {
    let RefusedContent { line, code, field, reason, content, .. } = refused;
    let (code, reason) = (code.as_deref(), reason.as_deref().unwrap_or_default());
    match content {
        None if code != Some("suppressed") => {
            let reason = gone(code.unwrap_or_default(), reason);
            write(text, layout, *line, &[], Some("content_gone"), field.as_deref(), &reason);
        }
        content => {
            write(text, layout, *line, content.as_deref().unwrap_or_default(), code, field.as_deref(), reason);
        }
    }
}

fn write(
    text: &mut String,
    layout: Option<&csv::Layout>,
    at: i64,
    content: &[u8],
    code: Option<&str>,
    field: Option<&str>,
    reason: &str,
) {
    let (cells, to_correct) = original(layout, content, code);
    let at = at.to_string();
    let said = [&at, code.unwrap_or_default(), field.unwrap_or_default(), reason, &to_correct];
    line(text, cells.iter().map(String::as_str).chain(said));
}

/// What is left to say of a row whose content has outlived its retention.
fn gone(code: &str, reason: &str) -> String {
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

    fn layout() -> csv::Layout {
        let column = |header: &str| csv::Column { header: header.into(), meaning: None };
        csv::Layout {
            encoding: "windows-1252".into(),
            delimiter: ';',
            quote: '"',
            columns: vec![column("Name"), column("Notiz")],
        }
    }

    fn list(layout: &csv::Layout, refused: &[(i64, &str, &str, Option<Vec<u8>>)]) -> String {
        let mut text = heading(Some(layout));
        for (line, code, reason, content) in refused {
            let (code, reason) = (Some((*code).to_owned()), Some((*reason).to_owned()));
            let refused =
                RefusedContent { id: Uuid::nil(), line: *line, code, field: None, reason, content: content.clone() };
            stored(&mut text, Some(layout), &refused);
        }
        text
    }

    #[test]
    fn a_row_keeps_its_cells_and_gains_the_reason() {
        let layout = layout();
        let row = b"M\xfcller;\"=1+1\";zu viel".to_vec();
        let text = list(&layout, &[(7, "columns_excess", "zu; breit", Some(row))]);
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
        let layout = layout();
        let long = [b"\"M\xfcller;".as_slice(), &[b'x'; 2_000]].concat();
        let open = (7, "quote_unclosed", "never closed", Some(long));
        let late = (8, "no_name_and_no_email", "no name", None);
        let kept_out = (9, "suppressed", "objected", None);
        let text = list(&layout, &[open, late, kept_out]);
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
