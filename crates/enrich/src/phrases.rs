//! Lists of words as data, and where a text has them.

use std::collections::BTreeMap;

use mittler_intake::part_camel_case;

use crate::name::fold;

/// Folded words, with `*` at either end for any letters, and `*` alone for up to three words.
pub type Phrase = Vec<String>;

/// The sections of a list of words: `[name]`, below it lines of phrases with `|` between; `#` begins a remark.
pub fn sections(text: &'static str) -> BTreeMap<&'static str, Vec<Phrase>> {
    let mut sections = BTreeMap::<&str, Vec<Phrase>>::new();
    let mut section = "";
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            continue;
        }
        let phrases = line.split('|').map(|phrase| fold(phrase).split_whitespace().map(str::to_owned).collect());
        sections.entry(section).or_default().extend(phrases);
    }
    sections
}

/// Where the words hold one of the phrases; the longest of them.
pub fn any(words: &[String], phrases: &[Phrase]) -> Option<std::ops::Range<usize>> {
    (0..words.len())
        .flat_map(|start| {
            phrases.iter().filter_map(move |phrase| fits(&words[start..], phrase).map(|length| start..start + length))
        })
        .max_by_key(std::ops::Range::len)
}

/// How many words the phrase takes, if they begin with it.
pub fn fits(words: &[String], phrase: &[String]) -> Option<usize> {
    match phrase {
        [] => Some(0),
        [gap, rest @ ..] if gap == "*" => {
            (0..=3).find_map(|skip| fits(words.get(skip..)?, rest).map(|length| skip + length))
        }
        [part, rest @ ..] => {
            let word = words.first()?;
            let fit = match (part.strip_prefix('*'), part.strip_suffix('*')) {
                (Some(_), Some(_)) => word.contains(part.trim_matches('*')),
                (Some(end), None) => word.ends_with(end),
                (None, Some(begin)) => word.starts_with(begin),
                (None, None) => word == part,
            };
            if fit { fits(&words[1..], rest).map(|length| length + 1) } else { None }
        }
    }
}

/// Folded words; "HasOptedOutOfEmail" is several, "e-mail" is one.
pub fn split(text: &str) -> Vec<String> {
    let folded = fold(&part_camel_case(text));
    let sign = |c: char| "✓✔☑✅👍✗✘❌☒☐👎".contains(c);
    let mut words: Vec<String> = Vec::new();
    for word in folded
        .split(|c: char| !(c.is_alphanumeric() || c == '\'' || sign(c)))
        .map(|word| word.trim_matches('\''))
        .filter(|word| !word.is_empty())
    {
        if word.starts_with("mail") && words.last().is_some_and(|last| last == "e") {
            words.pop();
            words.push(format!("e{word}"));
        } else {
            words.push(word.to_owned());
        }
    }
    words
}
