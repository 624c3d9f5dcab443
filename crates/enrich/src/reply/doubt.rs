//! Why a sentence that seems to state something does not: it denies it, it holds for a few days,
//! it is yet to come, it asks, or it quotes.
//!
//! **Invariant:** a sentence is doubted rather once too often than once too seldom: what is missed
//! can be asked for, what is wrong has displaced something right.

use crate::{name::fold, reply::sentence::is_month};

/// The words of a folded text, with what belongs to a number or a clock left on.
pub fn words(folded: &str) -> Vec<&str> {
    folded
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '"' | '„' | '“' | '”' | '!' | '?'))
        .map(|word| word.trim_end_matches([':', '.']).trim_matches('\''))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Whether the folded text holds one of the phrases as whole words.
pub fn says(folded: &str, phrases: &[&str]) -> bool {
    let text = format!(" {} ", words(folded).join(" "));
    phrases.iter().any(|phrase| text.contains(&format!(" {phrase} ")))
}

fn is_negation(word: &str) -> bool {
    matches!(word, "nicht" | "not" | "never" | "nie" | "niemals" | "cannot" | "ohne" | "without")
        || word.ends_with("n't")
        || (word.starts_with("kein") && word.len() <= 6)
}

/// After these the right value stands: "nicht 55, sondern 56".
fn is_correction(word: &str) -> bool {
    matches!(word, "sondern" | "but" | "rather" | "vielmehr")
}

/// Whether the folded text ends within what it denies: "das ist nicht meine …".
pub fn ends_denied(folded: &str) -> bool {
    // "Please do not hesitate to call me" asks for a call.
    if says(folded, &["hesitate", "zoegern sie nicht", "scheuen sie sich nicht"]) {
        return false;
    }
    words(folded).into_iter().fold(false, |denied, word| match word {
        "und" | "and" | "aber" => false,
        word if is_correction(word) => false,
        word => denied || is_negation(word),
    })
}

/// Whether something in the folded text is denied or called wrong.
pub fn denies(folded: &str) -> bool {
    const WRONG: [&str; 9] =
        ["falsch", "falsche", "wrong", "incorrect", "veraltet", "outdated", "ungenau", "weder", "neither"];
    words(folded).into_iter().any(|word| is_negation(word) || WRONG.contains(&word))
}

/// What a text puts in place of what it denies; `None` if it puts nothing.
pub fn corrected(text: &str) -> Option<&str> {
    [" sondern ", " but rather ", " but ", " rather ", " vielmehr "]
        .iter()
        .find_map(|cue| text.split_once(cue))
        .map(|(_, after)| after)
        .filter(|after| !denies(&fold(after)))
}

/// Whether what the folded text says holds only for some time.
pub fn is_limited(folded: &str) -> bool {
    const PASSING: [&str; 58] = [
        "solange",
        "as long as",
        "in reparatur",
        "notfalls",
        "im notfall",
        "zur not",
        "in an emergency",
        "in emergencies",
        "am messestand",
        "auf der messe",
        "am stand",
        "at our booth",
        "voruebergehend",
        "vorlaeufig",
        "voruebergehende",
        "vorlaeufige",
        "temporaer",
        "temporaere",
        "temporarily",
        "temporary",
        "for now",
        "for the time being",
        "bis auf weiteres",
        "nur heute",
        "nur morgen",
        "nur noch heute",
        "nur diese woche",
        "nur bis",
        "only today",
        "only this",
        "just today",
        "just this",
        "this evening",
        "heute abend",
        "tonight",
        "hotel",
        "im urlaub",
        "on vacation",
        "on holiday",
        "waehrend",
        "during",
        "while i",
        "auf dienstreise",
        "befristet",
        "kommissarisch",
        "kommissarischer",
        "kommissarische",
        "interim",
        "interimsweise",
        "vertretungsweise",
        "aushilfsweise",
        "leihgeraet",
        "leihhandy",
        "ersatzhandy",
        "ersatznummer",
        "ersatzgeraet",
        "loaner",
        "ausnahmsweise",
    ];
    says(folded, &PASSING) || has_end(folded)
}

/// "bis 14.12.", "until Friday", "from 1 to 14 December", "in KW 23", but not "von 8 bis 16 Uhr".
fn has_end(folded: &str) -> bool {
    let words = words(folded);
    words.iter().enumerate().any(|(at, word)| {
        let after = words.get(at + 1).copied().unwrap_or("");
        let next = words.get(at + 2).copied().unwrap_or("");
        match *word {
            "bis" | "until" | "till" => {
                let weekly = at > 0 && is_weekday(words[at - 1]) && is_weekday(after);
                !after.is_empty() && !is_clock(after, next) && !weekly && !matches!(after, "dann" | "bald" | "then")
            }
            "to" => is_month(next) && after.starts_with(|c: char| c.is_ascii_digit()),
            "kw" => after.starts_with(|c: char| c.is_ascii_digit()),
            _ => false,
        }
    })
}

fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 14] = [
        "mo",
        "di",
        "mi",
        "do",
        "fr",
        "montag",
        "dienstag",
        "donnerstag",
        "freitag",
        "mon",
        "tue",
        "thu",
        "fri",
        "sat",
    ];
    DAYS.contains(&word) || word.strip_suffix('s').is_some_and(|day| DAYS.contains(&day)) || word.ends_with("day")
}

/// An hour of the day: "16 Uhr", "17:30", "5pm", "17 unter".
fn is_clock(word: &str, next: &str) -> bool {
    let digits = word.trim_end_matches(|c: char| c.is_alphabetic());
    let hour = digits.parse::<u32>().is_ok_and(|hour| hour <= 24);
    let ordinal = matches!(next, "of") || is_month(next);
    word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit())
        || word.ends_with("uhr")
        || (hour && !ordinal)
        || next == "uhr"
}

/// Whether the folded text speaks of one day or of these days.
pub fn is_of_the_day(folded: &str) -> bool {
    const DAYS: [&str; 18] = [
        "morgen",
        "tomorrow",
        "diese woche",
        "this week",
        "this month",
        "diesen monat",
        "gerade",
        "zurzeit",
        "zur zeit",
        "derzeit",
        "momentan",
        "im moment",
        "currently",
        "at the moment",
        "am wochenende",
        "uebers wochenende",
        "over the weekend",
        "this afternoon",
    ];
    let words = words(folded);
    let today = words.iter().enumerate().any(|(at, word)| {
        let before = at.checked_sub(1).and_then(|at| words.get(at)).copied().unwrap_or("");
        let after = words.get(at + 1).copied().unwrap_or("");
        match *word {
            "heute" => !matches!(before, "ab" | "seit"),
            "today" => !matches!(before, "from" | "of" | "since" | "starting"),
            "am" => is_weekday(after) || after.starts_with(|c: char| c.is_ascii_digit()),
            "on" => is_weekday(after),
            "im" | "in" => is_month(after),
            _ => false,
        }
    });
    today || says(folded, &DAYS)
}

/// Whether the folded text tells what is only going to be. "Ab 1. Mai bin ich …" is settled; "ab
/// nächstem Jahr" is not.
pub fn is_later(folded: &str) -> bool {
    const LATER: [&str; 13] = [
        "demnaechst",
        "naechstes jahr",
        "next year",
        "next month",
        "next week",
        "soon",
        "shortly",
        "in kuerze",
        "bald",
        "voraussichtlich",
        "vermutlich",
        "vielleicht",
        "maybe",
    ];
    let words = words(folded);
    let next = words.windows(2).any(|pair| {
        matches!(pair[0], "ab" | "zum" | "im" | "mit" | "in")
            && (pair[1].starts_with("naechst") || pair[1].starts_with("kommend"))
    });
    next || says(folded, &LATER)
}

/// Whether a clause puts its value off or makes it a wish: "wird … sein", "would be".
pub fn is_unreal(folded: &str) -> bool {
    const UNREAL: [&str; 16] = [
        "wird",
        "werde",
        "werden",
        "will",
        "would",
        "i'll",
        "waere",
        "wuerde",
        "koennte",
        "could",
        "might",
        "moechte",
        "hoffe",
        "hope",
        "angenommen",
        "going to",
    ];
    says(folded, &UNREAL)
}

/// Whether the sentence asks whether something is so, rather than for something.
pub fn asks(sentence: &str) -> bool {
    const ASKING: [&str; 34] = [
        "ist", "sind", "stimmt", "stimmen", "haben", "hast", "hat", "gilt", "war", "lautet", "wer", "was", "wie", "wo",
        "welche", "wieso", "warum", "bin", "is", "are", "do", "did", "does", "has", "have", "was", "who", "what",
        "which", "where", "how", "am", "why", "oder",
    ];
    let folded = fold(sentence);
    let Some(asked) = folded.trim_end().strip_suffix('?') else { return false };
    let words = words(asked);
    let doubts = ["richtig", "oder", "right", "correct", "korrekt", "stimmt's", "ja"];
    words.first().is_some_and(|first| ASKING.contains(first)) || words.last().is_some_and(|last| doubts.contains(last))
}

/// Whether a place in the sentence stands in quotation marks: somebody's words, not what is said.
pub fn is_quoted(sentence: &str, at: usize) -> bool {
    let before = sentence.get(..at).unwrap_or("");
    let count = |signs: &[char]| before.chars().filter(|c| signs.contains(c)).count();
    count(&['"']) % 2 == 1 || count(&['„', '»', '«']) > count(&['“', '”'])
}

/// Whether the writer is away, so that where they can be reached is for these days only.
pub fn is_away(folded: &str) -> bool {
    const AWAY: [&str; 26] = [
        "urlaub",
        "urlaubs",
        "vacation",
        "holiday",
        "holidays",
        "abwesend",
        "abwesenheit",
        "out of office",
        "out of the office",
        "dienstreise",
        "geschaeftsreise",
        "auf reisen",
        "business trip",
        "travelling",
        "traveling",
        "on the road",
        "nicht im buero",
        "nicht im haus",
        "nicht im hause",
        "krank",
        "sick",
        "reha",
        "homeoffice",
        "home office",
        "elternzeit",
        "parental leave",
    ];
    says(folded, &AWAY)
}

/// What belongs to the sender's home.
pub fn is_private(folded: &str) -> bool {
    words(folded).iter().any(|word| word.starts_with("privat"))
        || says(
            folded,
            &["home number", "home phone", "my home", "zu hause", "zuhause", "daheim", "at home", "personal"],
        )
}

/// Who the sender has to do with without working there, folded: customers, suppliers, groups.
pub fn names_third_party(folded: &str) -> bool {
    const THIRD: [&str; 52] = [
        "kunde",
        "kunden",
        "kundin",
        "mandant",
        "mandantin",
        "patient",
        "patientin",
        "mitglied",
        "partner",
        "partnerin",
        "lieferant",
        "lieferanten",
        "aktionaer",
        "versichert",
        "versicherung",
        "gast",
        "besucher",
        "bewerber",
        "beworben",
        "bewerbe",
        "konto",
        "bank",
        "krankenkasse",
        "anbieter",
        "stromanbieter",
        "vertrag",
        "tochter",
        "tochtergesellschaft",
        "schwestergesellschaft",
        "muttergesellschaft",
        "mutterkonzern",
        "konkurrenz",
        "wettbewerber",
        "hersteller",
        "dienstleister",
        "vermieter",
        "steuerberater",
        "anwalt",
        "spediteur",
        "customer",
        "customers",
        "client",
        "clients",
        "member",
        "supplier",
        "vendor",
        "competitor",
        "subsidiary",
        "account",
        "shareholder",
        "guest",
        "applied",
    ];
    words(folded).iter().any(|word| THIRD.contains(word))
}
