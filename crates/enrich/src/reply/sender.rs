//! Who signs: the sender, or somebody who writes for them.
//!
//! **Invariant:** a line that names the sender beside another task, "Assistant to Hans Müller", is
//! another's.

use crate::{
    company,
    email::Email,
    name::{self, Name, fold},
    reply::signature,
};

/// The person that a display name names: "Hans Müller | Huber GmbH", "Müller, Hans (Huber)",
/// "Huber GmbH - Hans Müller". `None` where it names nobody: a company, or the address once more.
pub fn displayed(text: &str) -> Option<Name> {
    if text.contains('@') {
        return None;
    }
    let text = text.trim().trim_matches(['"', '\'']);
    let text = match text.split_once(['(', '[']) {
        Some((before, _)) if !before.trim().is_empty() => before,
        _ => text,
    };
    let mut pieces: Vec<&str> = vec![text];
    for sign in ["|", " - ", " – ", " · ", " / ", " bei ", " via "] {
        pieces = pieces.into_iter().flat_map(|piece| piece.split(sign)).collect();
    }
    pieces.into_iter().find_map(|piece| {
        // "Müller, Hans, Huber GmbH": what follows a comma may be the company, or the first name.
        let piece = match piece.rsplit_once(',') {
            Some((before, after)) if company::has_form(after.trim()) => before,
            _ => piece,
        };
        // "H.Mueller" is an initial and a surname, "hmueller" the address's user.
        let spaced = piece.trim().replace('.', ". ");
        let name = name::read(&spaced);
        let last = name.last.as_deref()?;
        let user = name.first.is_none() && !last.chars().any(char::is_uppercase);
        let given =
            name.first.as_deref().and_then(|first| first.split([' ', '-']).next()).is_some_and(name::is_given_name);
        let task = signature::names_job(piece) && !given;
        (!user && !task && !company::has_form(piece.trim())).then_some(name)
    })
}

/// The sender's name at the start of a line, and what follows it there.
pub fn sender_name(line: &str, shown: Option<&Name>, address: &Email) -> Option<(Name, String)> {
    let line = line.trim().trim_matches('*');
    let bare = without_greeting(signed_for(line).unwrap_or(line));
    if bare.is_empty() || bare.chars().count() > 100 {
        return None;
    }
    let cuts = bare.match_indices(['|', '·', '•', ',']).map(|(at, sign)| (at, at + sign.len()));
    std::iter::once((bare.len(), bare.len())).chain(cuts).find_map(|(end, rest)| {
        let text = bare.get(..end)?.trim();
        let words = text.split_whitespace().count();
        let plain = (1..=7).contains(&words) && !text.chars().any(|c| c.is_ascii_digit() || c == '@' || c == ':');
        let plain = plain && !serves(text);
        let mut name = name::read(text);
        without_words_before(&mut name, shown);
        (plain && is_sender(&name, shown, address)).then(|| (name, bare.get(rest..).unwrap_or("").trim().to_owned()))
    })
}

fn is_sender(name: &Name, shown: Option<&Name>, address: &Email) -> bool {
    let Some(last) = name.last.as_deref() else { return false };
    match (shown, name.first.as_deref()) {
        (Some(shown), Some(first)) => {
            let same_last = shown.last.as_deref().is_some_and(|known| name::same_surname(known, last));
            let same = same_last && shown.first.as_deref().is_none_or(|known| name::same_given(known, first));
            // "Huber Metallbau <h.mueller@…>" names a company: then the address tells.
            let no_person = !shown
                .first
                .as_deref()
                .and_then(|first| first.split([' ', '-']).next())
                .is_some_and(|first| name::is_given_name(first) || first.ends_with('.'));
            // Of two who share a surname one is not the other.
            let relative = same_last && shown.first.is_some();
            same || (no_person && !relative && surname_fits(last, address))
        }
        // "Niall" alone, under a mail of Niall Corrigan.
        (Some(shown), None) => [&shown.first, &shown.last].into_iter().flatten().any(|known| fold(known) == fold(last)),
        (None, Some(_)) => fits_address(name, address),
        (None, None) => false,
    }
}

/// "VG Karin Weber": a sign-off on the name's own line.
fn without_greeting(line: &str) -> &str {
    const GREETINGS: [&str; 14] = [
        "vg",
        "lg",
        "mfg",
        "bg",
        "hg",
        "gruß",
        "grüße",
        "grüsse",
        "viele grüße",
        "beste grüße",
        "liebe grüße",
        "best regards",
        "kind regards",
        "regards",
    ];
    let folded = line.to_lowercase();
    let greeting = GREETINGS
        .iter()
        .find(|greeting| folded.strip_prefix(**greeting).is_some_and(|rest| rest.starts_with([' ', ','])));
    greeting.and_then(|greeting| line.get(greeting.len()..)).map_or(line, |rest| rest.trim_start_matches([',', ' ']))
}

/// Whether the address is made of the name: its surname or its first name stands in it.
pub fn fits_address(name: &Name, address: &Email) -> bool {
    let local: String = fold(address.local()).chars().filter(|c| c.is_alphanumeric()).collect();
    let parts = [&name.last, &name.first];
    parts
        .into_iter()
        .flatten()
        .any(|part| name::surname_keys(part).iter().any(|key| key.len() > 2 && local.contains(key.as_str())))
}

fn surname_fits(last: &str, address: &Email) -> bool {
    let local: String = fold(address.local()).chars().filter(|c| c.is_alphanumeric()).collect();
    name::surname_keys(last).iter().any(|key| key.len() > 3 && local.ends_with(key.as_str()))
}

/// "Ihre Nora Anders", "Danke Nora Anders": what stands before the first name that the mail shows is
/// part of it only if it is a name.
fn without_words_before(name: &mut Name, shown: Option<&Name>) {
    let known = shown.and_then(|shown| shown.first.as_deref()).and_then(|first| first.split(' ').next()).map(fold);
    let (Some(known), Some(first)) = (known, name.first.as_deref()) else { return };
    let words: Vec<&str> = first.split(' ').collect();
    let Some(at) = words.iter().position(|word| fold(word) == known) else { return };
    let given = |word: &&str| name::is_given_name(word) || word.ends_with('.') || word.chars().count() == 1;
    if at > 0 && !words[..at].iter().all(given) {
        name.first = Some(words[at..].join(" "));
    }
}

/// What follows "i. A." and the like at the start of a line.
fn signed_for(line: &str) -> Option<&str> {
    [
        "i. V.", "i.V.", "i. A.", "i.A.", "ppa.", "gez.", "i. v.", "i. a.", "p.p.", "p. p.", "pp.", "I. A.", "I.A.",
        "I. V.", "I.V.",
    ]
    .iter()
    .find_map(|start| line.strip_prefix(start))
    .map(str::trim)
}

/// Words of those who write for others.
const SERVES: [&str; 20] = [
    "assistant",
    "assistent",
    "assistentin",
    "assistenz",
    "assistance",
    "pa",
    "ea",
    "secretary",
    "sekretariat",
    "sekretaerin",
    "sekretaer",
    "vorzimmer",
    "buero",
    "office",
    "team",
    "auftrag",
    "behalf",
    "namen",
    "vertretung",
    "deputy",
];

/// Whether the text is a task for somebody, who may be named in it.
fn serves(text: &str) -> bool {
    let mut words = text.split_whitespace();
    words.any(|word| {
        matches!(word, "to" | "for" | "für" | "of" | "c/o")
            || SERVES.contains(&fold(word.trim_matches(|c: char| !c.is_alphanumeric())).as_str())
    })
}

/// Whether the lines are written by somebody else in the sender's name: "i. A. Gisela Sekret",
/// "Personal Assistant to Hans Müller", "im Auftrag von Herrn Müller". `is_own` tells the lines
/// with nothing but the sender's name, `last` is the surname.
pub fn is_deputy(lines: &[&str], last: Option<&str>, is_own: &dyn Fn(&str) -> bool) -> bool {
    let filled: Vec<&str> =
        lines.iter().map(|line| line.trim().trim_matches('*')).filter(|line| !line.is_empty()).collect();
    filled.iter().enumerate().any(|(at, line)| {
        let next = filled.get(at + 1).copied().unwrap_or("");
        let signs = match signed_for(line) {
            Some("") => next,
            Some(name) => name,
            None if matches!(fold(line).as_str(), "im auftrag" | "in vertretung" | "on behalf of") => next,
            None => "",
        };
        // "ppa. Nora Anders   i. V. Peter Müller": whose the numbers below are, nobody knows.
        let second = [" i. V. ", " i.V. ", " i. A. ", " i.A. ", " ppa. "].iter().find_map(|sign| line.split_once(sign));
        let two = second.is_some_and(|(_, other)| may_be_name(other.trim()) && !is_own(other.trim()));
        let another = two || (may_be_name(signs) && !is_own(signs) && !is_own(line));
        another
            || ["for ", "für ", "c/o "]
                .iter()
                .any(|cue| line.to_lowercase().starts_with(cue) && line.get(cue.len()..).is_some_and(is_own))
            || writes_for(line, last)
    })
}

/// "im Auftrag von Herrn Hahn", "Assistenz von Hans Müller", "for Hans Müller".
fn writes_for(line: &str, last: Option<&str>) -> bool {
    let Some(last) = last.map(fold).filter(|last| last.chars().count() > 1) else { return false };
    let folded = fold(line);
    let named = folded
        .split(|c: char| !(c.is_alphanumeric() || c == '-'))
        .any(|word| word == last || word.strip_suffix('s') == Some(&last));
    let phrase = [
        "im auftrag von",
        "im auftrag des",
        "im namen von",
        "in vertretung von",
        "in vertretung fuer",
        "on behalf of",
        "assistant to",
        "assistant of",
        "assistent von",
        "assistentin von",
        "assistenz von",
        "assistenz fuer",
        "pa to ",
        "ea to ",
        "secretary to",
        "secretary of",
        "sekretariat ",
        "sekretaerin von",
        "buero von",
        "buero ",
        "office of",
        "vorzimmer ",
        "diktat",
        "in the name of",
        "assistenz ",
    ];
    named
        && line.split_whitespace().count() <= 12
        && !company::has_form(line)
        && phrase.iter().any(|cue| folded.contains(cue))
}

/// Two to four words in capitals, behind a sign that a name follows.
fn may_be_name(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    (1..=5).contains(&words.len())
        && words.iter().all(|word| word.starts_with(char::is_uppercase) || name::is_particle(word))
        && !text.chars().any(|c| c.is_ascii_digit() || matches!(c, '@' | ':'))
        && !company::has_form(text)
}

/// A line of two to four capitalised words that is neither a company nor a job nor a sign-off.
pub fn looks_like_name(line: &str) -> bool {
    let line = line.trim();
    let name = name::read(line);
    let words: Vec<&str> = line.split_whitespace().collect();
    let capital = |word: &&str| word.starts_with(char::is_uppercase) || name::is_particle(word);
    let plain = (2..=5).contains(&words.len())
        && words.iter().all(capital)
        && !line.chars().any(|c| c.is_ascii_digit() || matches!(c, '@' | ':' | ','));
    let known = name.title.is_some()
        || name.first.as_deref().and_then(|first| first.split(' ').next()).is_some_and(name::is_given_name);
    plain && known && name.last.is_some() && !company::has_form(line) && !signature::names_job(line)
}

/// Like [`looks_like_name`], but for "Hans Huber Metallbau": between first name and surname stand
/// names and particles only.
pub fn is_plain_name(line: &str) -> bool {
    let name = name::read(line);
    let given = |word: &str| {
        name::is_given_name(word) || name::is_particle(word) || word.ends_with('.') || word.chars().count() == 1
    };
    let first = name.first.as_deref().unwrap_or("");
    looks_like_name(line) && first.split([' ', '-']).all(|word| word.is_empty() || given(word))
}
