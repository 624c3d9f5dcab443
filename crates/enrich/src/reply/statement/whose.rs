//! Of whom a sentence speaks: the sender or somebody else.

use crate::{
    name::{fold, is_given_name},
    reply::doubt,
};

/// Who speaks of somebody else, folded.
const OTHERS: [&str; 32] = [
    "wenden sie sich",
    "wende dich",
    "ansprechpartner",
    "kollege",
    "kollegin",
    "nachfolger",
    "vertretung",
    "vertritt",
    "vertreten",
    "mein chef",
    "meine chefin",
    "sekretariat",
    "my colleague",
    "my successor",
    "my assistant",
    "new assistant",
    "my deputy",
    "my boss",
    "my manager",
    "mein vorgesetzter",
    "meine vorgesetzte",
    "please contact",
    "contact person",
    "mein vater",
    "collegue",
    "collega",
    "kolega",
    "assistent",
    "bitte an frau",
    "bitte an herrn",
    "rufen sie bitte herrn",
    "rufen sie bitte frau",
];

/// Who is close to the sender, at home and at work. "Mein Mann", "my wife", "unser Azubi".
const RELATIONS: [&str; 46] = [
    "mann",
    "frau",
    "ehemann",
    "ehefrau",
    "partner",
    "partnerin",
    "lebensgefaehrte",
    "sohn",
    "tochter",
    "bruder",
    "schwester",
    "vater",
    "mutter",
    "schwager",
    "schwaegerin",
    "freund",
    "freundin",
    "bekannter",
    "neffe",
    "nichte",
    "onkel",
    "cousin",
    "enkel",
    "azubi",
    "praktikant",
    "praktikantin",
    "geschaeftsfuehrer",
    "geschaeftsfuehrerin",
    "einkaufsleiter",
    "einkaufsleiterin",
    "buchhalter",
    "buchhalterin",
    "husband",
    "wife",
    "son",
    "daughter",
    "brother",
    "sister",
    "father",
    "mother",
    "friend",
    "uncle",
    "nephew",
    "niece",
    "intern",
    "predecessor",
];

/// Whether a folded sentence is about somebody who is not the sender.
pub(super) fn of_another(folded: &str) -> bool {
    let words = doubt::words(folded);
    let related =
        words.windows(3).any(|three| owned(three[0]) && three[1..].iter().any(|word| RELATIONS.contains(word)))
            || words.windows(2).any(|two| owned(two[0]) && RELATIONS.contains(&two[1]));
    related || OTHERS.iter().any(|other| folded.contains(other))
}

/// "mein", "unserem", "my": whose relation somebody is.
fn owned(word: &str) -> bool {
    ["mein", "unser"].iter().any(|start| word.starts_with(start) && word.len() <= start.len() + 2)
        || matches!(word, "my" | "our" | "sein" | "seine" | "ihr" | "ihre" | "his" | "her")
}

/// Who is not the sender, folded: beginnings of words, with a blank behind whole ones.
pub(super) const PERSONS: [&str; 27] = [
    "herr",
    "frau ",
    "kolleg",
    "collegue",
    "colleague",
    "assist",
    "chef",
    "vorgesetzt",
    "nachfolg",
    "vertret",
    "team ",
    "abteilung",
    "mitarbeit",
    "sekretar",
    "sekretaer",
    "zentrale",
    "notdienst",
    "notfall",
    "bereitschaft",
    "hotline",
    "empfang",
    "kundendienst",
    "boss",
    "deputy",
    "successor",
    "mr ",
    "mrs ",
];

/// Whether the number that the cue announces is the sender's: the nearest word before it that names
/// an owner decides, first within its clause, then in those before.
pub(super) fn of_sender(sentence: &str, at: usize, cue: &str) -> bool {
    let folded = fold(sentence);
    // "die Telefonnummer von Dr. Müller lautet"
    let belongs = ["nummer von ", "durchwahl von ", "number of ", "handy von "]
        .iter()
        .any(|cue| folded.contains(cue) && !folded.contains(&format!("{cue}mir")));
    let rest = fold(sentence.get(at..).unwrap_or(""));
    // "my new phone assistant", "rufen Sie mich oder Frau Ilg an": who stands right behind the cue.
    let rest = rest.get(cue.len()..).unwrap_or("");
    let behind = rest.split_whitespace().take(2).any(is_person);
    if belongs || behind || names_owner(rest) {
        return false;
    }
    if cue.split(' ').any(|word| is_own(word) || word == "bin") {
        return true;
    }
    let before = without_greeting(sentence.get(..at).unwrap_or(""));
    let clauses: Vec<&str> = before.split([',', ';', '(', ')', ':', '.', '–']).collect();
    // "Petra ist erreichbar unter …": who can be reached is the subject, and the sender says "bin".
    let clause = fold(clauses.last().copied().unwrap_or(""));
    let reached = cue.ends_with(" unter") || cue == "bin erreichbar";
    if reached && clause.split(' ').any(|word| matches!(word, "ist" | "sind" | "is" | "war")) {
        let own = clause.split(' ').any(|word| matches!(word, "ich" | "bin" | "i"));
        if !own {
            return false;
        }
    }
    for (place, clause) in clauses.iter().rev().enumerate() {
        if let Some(own) = owner(clause, place == 0) {
            return own;
        }
    }
    true
}

/// Whether the folded text names an owner before its first number: "… unserer Zentrale lautet",
/// "… on Peter's phone".
fn names_owner(rest: &str) -> bool {
    let until = rest.find(|c: char| c.is_ascii_digit() || c == '+').unwrap_or(0);
    let before = rest.get(..until).unwrap_or("").split([',', ';', '.']).next().unwrap_or("");
    before.split(|c: char| !(c.is_alphanumeric() || c == '\'')).any(|word| {
        let name = word.strip_suffix("'s").or_else(|| word.strip_suffix('s')).unwrap_or(word);
        let genitive = word.ends_with("'s") && !matches!(word, "it's" | "that's" | "here's");
        genitive || word.starts_with("unser") || word == "our" || is_given_name(name)
    })
}

/// Whose clause it is, read from its end: the sender's or another's.
fn owner(clause: &str, beside_cue: bool) -> Option<bool> {
    let words: Vec<&str> = clause.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut weak = None;
    for (place, word) in words.iter().rev().enumerate() {
        let folded = fold(word);
        let beside = beside_cue && place == 0;
        let polite = word.starts_with("Ihr");
        if is_person(&folded)
            || ["sein", "dessen", "deren", "unser"]
                .iter()
                .any(|start| folded.starts_with(start) && folded.len() <= start.len() + 2)
            || matches!(
                folded.as_str(),
                "wir" | "we" | "our" | "er" | "his" | "her" | "he" | "she" | "they" | "their" | "ms" | "dr"
            )
            || (folded.starts_with("ihr") && folded.len() <= 5 && (beside || !polite))
        {
            return Some(false);
        }
        if is_own(&folded) {
            if !folded.starts_with("mein") && folded != "my" || beside {
                return Some(true);
            }
            // "Herr Wolf aus meinem Team hat …": whose the thing is says nothing of the subject.
            weak = Some(true);
        }
    }
    weak
}

fn is_person(word: &str) -> bool {
    PERSONS.iter().any(|person| match person.strip_suffix(' ') {
        Some(whole) => word == whole,
        None => word.starts_with(person),
    })
}

pub(super) fn is_own(word: &str) -> bool {
    matches!(word, "ich" | "mich" | "mir" | "my" | "me" | "i") || word.starts_with("mein")
}

/// Whom the mail greets is no third person.
fn without_greeting(text: &str) -> &str {
    let folded = fold(text);
    let greets = ["hi ", "hallo ", "guten ", "liebe", "moin ", "sehr geehrte", "servus ", "gruezi ", "dear ", "hello "]
        .iter()
        .any(|start| folded.starts_with(start));
    if greets { text.split_once(',').map_or("", |(_, rest)| rest) } else { text }
}
