//! Whether the digits that were found are all of a number, or what is left of one.

use crate::phone::{self, Phone};

/// The numbers in running text that are written out: not "040 3344-ZEHN", "0171 555xxxx".
pub fn whole(text: &str, country: &str) -> Vec<(usize, Phone)> {
    let plain = plain(text);
    let mut found = phone::find_all(&plain, country);
    found.retain(|(at, _)| !is_cut_off(plain.get(*at..).unwrap_or("")));
    found
}

/// Whether letters, stars or dots stand where the digits at the start of the text should go on.
pub fn is_cut_off(text: &str) -> bool {
    const SPELT: [&str; 21] = [
        "null", "eins", "zwei", "drei", "vier", "fuenf", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "zero",
        "one", "two", "three", "four", "five", "six", "seven", "xx",
    ];
    let text = plain(text);
    let begin = text.find(|c: char| c.is_ascii_digit() || c == '+').unwrap_or(text.len());
    let number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '/' | '-' | '.' | ' ');
    let rest = text.get(begin..).unwrap_or("");
    let end = rest.find(|c: char| !number(c)).unwrap_or(rest.len());
    let (run, after) = rest.split_at(end);
    let last = run.rfind(|c: char| c.is_ascii_digit()).map_or(0, |at| at + 1);
    let between = run.get(last..).unwrap_or("");
    let joined = between.is_empty() || between == "-" || between == "/";
    let word: String = after.chars().take_while(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    // "040 3344-10DW 12" is written together; an hour is not.
    let extension = ["dw", "durchwahl", "ext", "kl", "uhr", "h"].contains(&word.as_str());
    let letters = joined && after.starts_with(char::is_alphabetic) && !extension;
    let spelt = between.trim().trim_matches('-').is_empty() && SPELT.contains(&word.as_str());
    let masked = joined && (after.starts_with(['#', '…', '_']) || after.starts_with("**") || after.starts_with("??"));
    letters || spelt || masked || between.contains("..")
}

/// The many dashes and spaces as one of each, so that places in the text stay places.
fn plain(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
            '\u{200b}'..='\u{200f}' | '\u{ad}' | '\u{2060}' | '\u{feff}' => None,
            c if c.is_whitespace() => Some(' '),
            c => Some(c),
        })
        .collect()
}
