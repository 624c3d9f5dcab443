//! What was said at the stand and has no place of its own: the columns of words that go into the note.
//!
//! **Invariant:** what somebody wrote about a visit reaches whoever follows it up, with its heading. Left out is only
//! what is private or made by programs for programs.

use std::sync::LazyLock;

use mittler_intake::RawLead;

use crate::phrases::{Phrase, fits, sections, split};

static NOT_TOLD: LazyLock<Vec<Phrase>> =
    LazyLock::new(|| sections(include_str!("../data/not_told.txt")).into_values().flatten().collect());

/// A note of that many bytes is read by nobody, and refused by CRMs.
const LONGEST: usize = 24 * 1024;

/// The note with the columns that have no place of their own below it, in the order of the list.
pub fn note(note: &str, further: &[(&str, &str)], raw: &RawLead) -> String {
    let mut lines: Vec<String> = (!note.is_empty()).then(|| note.to_owned()).into_iter().collect();
    let columns = raw.attributes.iter().filter(|(heading, value)| is_told(heading, value));
    for (heading, value) in further.iter().copied().filter(|(_, value)| !value.is_empty()).chain(columns) {
        lines.push(format!("{}: {}", heading.trim_end_matches([':', ' ']), mittler_core::value::clean(value)));
    }
    let mut text = lines.join("\n");
    if text.len() > LONGEST {
        let end = text.floor_char_boundary(LONGEST);
        text.truncate(end);
    }
    text
}

fn is_told(heading: &str, value: &str) -> bool {
    !value.trim().is_empty() && !is_id(value) && is_told_on(heading)
}

/// Whether what stands in a column without a place of its own is told on in the note. What is not stays with the visit.
pub fn is_told_on(heading: &str) -> bool {
    !is_one_of(&split(heading))
}

/// Whether the whole heading is one of those; `*` at the end of a phrase takes the rest.
fn is_one_of(heading: &[String]) -> bool {
    NOT_TOLD.iter().any(|phrase| match phrase.as_slice() {
        [begin @ .., last] if last == "*" => fits(heading, begin).is_some(),
        phrase => fits(heading, phrase) == Some(heading.len()),
    })
}

/// A number in hexadecimal, or letters and digits that nobody can read.
fn is_id(value: &str) -> bool {
    let plain: String = value.chars().filter(|c| !matches!(c, '-' | '{' | '}')).collect();
    let hex = plain.len() >= 16 && plain.chars().all(|c| c.is_ascii_hexdigit());
    let digits = plain.chars().filter(char::is_ascii_digit).count();
    let mixed = plain.chars().any(|c| c.is_ascii_lowercase()) && plain.chars().any(|c| c.is_ascii_uppercase());
    let token = plain.len() >= 15 && plain.chars().all(|c| c.is_ascii_alphanumeric()) && digits >= 2 && mixed;
    hex || token
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(heading: &str, value: &str) -> bool {
        is_told(heading, value)
    }

    #[test]
    fn answers_and_remarks_are_told_and_ids_and_private_matters_are_not() {
        for (heading, value) in [
            ("Maschinentyp", "DX-500"),
            ("Budget in EUR", "250000"),
            ("Frage 3: Bis wann?", "Herbst"),
            ("Remarks 2", "call back on Monday"),
            ("Uwagi", "prosi o ofertę"),
            ("Ticket type", "VIP"),
        ] {
            assert!(told(heading, value), "{heading}");
        }
        for (heading, value) in [
            ("Privat Telefon", "0711 5550100"),
            ("Geburtsdatum", "1.4.1980"),
            ("Home City", "Aalen"),
            ("Scan ID", "17"),
            ("External reference", "5f2d1c9e-88aa-4f0e-9d35-0d2b7c6a1e01"),
            ("Record", "00Q5g00000AbCdEFGH"),
            ("utm_source", "mail"),
            ("Comment", " "),
        ] {
            assert!(!told(heading, value), "{heading}");
        }
    }
}
