//! Positions: "ich bin jetzt Leiter …".

use super::{Statements, whose::is_own};
use crate::{
    name::fold,
    reply::{
        doubt,
        sentence::{find, is_month},
        signature::names_job,
    },
};

/// What a position follows.
const STARTS: [&str; 13] = [
    "bin ich",
    "ich bin",
    "bin ab",
    "bin seit",
    "bin nun",
    "bin jetzt",
    "i am now",
    "i'm now",
    "promoted to",
    "joined",
    "moved to",
    "meine neue position ist",
    "meine neue funktion ist",
];

/// What tells that the position is new.
const SIGNS: [&str; 18] = [
    "joined",
    "moved to",
    "jetzt",
    "nun",
    "seit",
    "ab ",
    "inzwischen",
    "neuerdings",
    "kuenftig",
    "mittlerweile",
    "zum ",
    "now",
    "promoted",
    "neue",
    "since",
    "desormais",
    "sinds",
    "ab dem",
];

/// Words after which a date or nothing stands: the job comes behind them.
const DATES: [&str; 8] = ["sofort", "heute", "morgen", "kurzem", "neuestem", "jahresbeginn", "now", "today"];

/// After these stands where somebody is, not what.
const PREPOSITIONS: [&str; 29] = [
    "zum", "zur", "zu", "am", "an", "im", "in", "auf", "bei", "beim", "mit", "von", "vom", "nach", "fuer", "bis", "ab",
    "unter", "ueber", "wegen", "at", "on", "with", "from", "without", "ohne", "gegen", "durch", "fast",
];

/// Small words within a title: "Leiter der Konstruktion", "Head of Sales".
const JOINING: [&str; 15] =
    ["fuer", "und", "der", "des", "&", "den", "die", "im", "of", "for", "and", "the", "de", "di", "du"];

/// What may stand behind a title.
const DONE: [&str; 6] = ["geworden", "taetig", "angestellt", "beschaeftigt", "hier", "now"];

impl Statements {
    pub(super) fn job(&mut self, sentence: &str) {
        let folded = fold(sentence);
        let doubtful = folded.contains("nicht mehr")
            || folded.contains("no longer")
            || doubt::is_limited(&folded)
            || doubt::is_later(&folded);
        if self.position.is_some() || doubtful {
            return;
        }
        let Some((at, start)) = STARTS
            .iter()
            .filter_map(|cue| find(sentence, cue).map(|at| (at, at + cue.len())))
            .filter(|(at, _)| !doubt::is_quoted(sentence, *at))
            .min_by_key(|(_, start)| *start)
        else {
            return;
        };
        // "Peter joined as Head of Sales" and "Wenn ich Leiter wäre" are not about what the sender is.
        let cue = fold(sentence.get(at..start).unwrap_or(""));
        let first_person = cue.split(' ').any(|word| matches!(word, "bin" | "i" | "i'm" | "meine"))
            || fold(sentence.get(..at).unwrap_or("")).split(' ').any(|word| is_own(word) || word == "i've");
        if !first_person || doubt::says(&folded, &["waere", "wuerde", "haette", "would", "if i"]) {
            return;
        }
        if !SIGNS.iter().any(|sign| folded.contains(sign)) {
            return;
        }
        let tail = sentence.get(start..).unwrap_or("");
        let tail = [" als ", " as "].iter().find_map(|cue| tail.get(find(tail, cue)? + cue.len()..)).unwrap_or(tail);
        let end = [",", ";", " bei ", " und ", " in ", " at ", ".", "(", " –", " - "]
            .iter()
            .filter_map(|stop| tail.find(stop))
            .filter(|at| *at > 0)
            .min()
            .unwrap_or(tail.len());
        // "der neue Leiter": small words before the title fall away, with them a date.
        let words: Vec<&str> = tail.get(..end).unwrap_or("").split_whitespace().collect();
        let first = words
            .iter()
            .position(|word| word.starts_with(char::is_uppercase) && !is_month(word) && !word.starts_with("Ihr"));
        let Some(first) = first else { return };
        // "ich bin zum Service-Termin da", "ich bin im Einkauf nicht erreichbar": a place, no job.
        let dated = |word: &&str| {
            is_month(word) || word.starts_with(|c: char| c.is_ascii_digit()) || DATES.contains(&fold(word).as_str())
        };
        let small = words[..first].iter().rposition(dated).map_or(0, |date| date + 1);
        let before = words[..first].join(" ");
        if words[small..first].iter().any(|word| PREPOSITIONS.contains(&fold(word).as_str()))
            || doubt::denies(&fold(&before))
        {
            return;
        }
        let mut title = &words[first..];
        while let [head @ .., last] = title
            && DONE.contains(&fold(last).as_str())
        {
            title = head;
        }
        let joins = |word: &&str| JOINING.contains(&fold(word).as_str());
        let foreign = title.iter().skip(1).any(|word| word.starts_with(char::is_lowercase) && !joins(word));
        let text = title.join(" ");
        // "Kunde Ihres Service", "Leiter meiner Abteilung": somebody else's.
        let addressed = title.iter().any(|word| {
            let folded = fold(word);
            ["ihr", "unser", "mein", "your"]
                .iter()
                .any(|start| folded.starts_with(start) && folded.len() <= start.len() + 2)
        });
        let foreign = foreign || addressed || doubt::names_third_party(&fold(&text));
        if title.len() <= 6 && !foreign && names_job(&text) && !text.contains(|c: char| c.is_ascii_digit()) {
            self.position = Some(text);
        }
    }
}
