//! The company somebody works for, moves to, leaves, or what it is called now.

use super::{Statements, whose::is_own};
use crate::{
    company::{self, Company},
    name::fold,
    reply::{
        doubt,
        sentence::{find, is_month},
        signature::names_job,
    },
};

/// What somebody is at a company for who does not work there.
const VISITS: [&str; 19] = [
    "urlaub",
    "praktikum",
    "kur",
    "arzt",
    "gast",
    "uhr",
    "termin",
    "termine",
    "kundentermin",
    "besuch",
    "besuchen",
    "montage",
    "messe",
    "wieder",
    "besprechung",
    "meeting",
    "schulung",
    "inbetriebnahme",
    "vormittag",
];

/// What a company follows.
const ANCHORS: [&str; 19] = [
    "unser neuer name ist",
    "unser neuer firmenname ist",
    "firmieren",
    "firmiert",
    "heissen jetzt",
    "heisst jetzt",
    "company name is",
    "we are now",
    "bei der ",
    "bei dem ",
    "bei ",
    "wechsle zur ",
    "wechsle zu ",
    "gewechselt zur ",
    "moved to ",
    "joined ",
    "work for ",
    "work at ",
    "zur firma ",
];

/// How a company says that it is called otherwise now.
const RENAMED: [&str; 8] = [
    "firmieren",
    "firmiert",
    "heissen jetzt",
    "heisst jetzt",
    "unser neuer name ist",
    "unser neuer firmenname ist",
    "company name is",
    "we are now",
];

/// Who says so works elsewhere now.
const MOVES: [&str; 8] = [
    "arbeite jetzt",
    "arbeite ab",
    "wechsle",
    "i have moved",
    "i joined",
    "i've joined",
    "i now work",
    "i have joined",
];

/// What may stand between a cue and the company's name.
const BETWEEN: [&str; 26] = [
    "als",
    "as",
    "called",
    "named",
    "trading",
    "operating",
    "jetzt",
    "nun",
    "now",
    "seit",
    "ab",
    "zum",
    "since",
    "dem",
    "den",
    "der",
    "die",
    "das",
    "the",
    "fa.",
    "sofort",
    "heute",
    "kuenftig",
    "neu",
    "jahresbeginn",
    "anfang",
];

/// Words in capitals that begin a description, no name: "bei meinem Arbeitgeber Siemens AG".
const NO_NAME: [&str; 12] = [
    "arbeitgeber",
    "arbeitgeberin",
    "konkurrenz",
    "herrn",
    "herr",
    "frau",
    "employer",
    "abteilung",
    "filiale",
    "niederlassung",
    "team",
    "kollegen",
];

impl Statements {
    /// `risen` if the sentence names a new position, `new_address` if the mail names one.
    pub(super) fn firm(&mut self, sentence: &str, risen: bool, new_address: bool) {
        let folded = fold(sentence);
        let doubtful = doubt::names_third_party(&folded) || doubt::is_limited(&folded) || doubt::is_later(&folded);
        if self.company.is_some() || doubtful {
            return;
        }
        let renamed = RENAMED.iter().any(|cue| folded.contains(cue)) && speaks_of_us(&folded);
        // "bin ab 10 Uhr bei der … GmbH": where somebody is today is not where they work.
        let visit = folded.contains("vor ort")
            || folded.split(|c: char| !c.is_alphanumeric()).any(|word| VISITS.contains(&word));
        let works = risen || new_address || doubt::says(&folded, &["arbeite", "taetig", "angestellt", "beschaeftigt"]);
        let is_there = ["bin ab", "bin seit", "bin ich bei", "bin ich ab", "bin jetzt bei", "ich bin jetzt", "bin nun"]
            .iter()
            .any(|cue| folded.contains(cue));
        let own = folded
            .split(|c: char| !(c.is_alphanumeric() || c == '\''))
            .any(|word| is_own(word) || matches!(word, "bin" | "i'm" | "i've" | "i'll" | "arbeite" | "wechsle"));
        let asked = doubt::says(&folded, &["bitte", "bestellen", "wenden", "please", "contact"]);
        let moved = (self.leaves || self.departed) && own && !asked
            || (is_there && works && (risen || !visit))
            || MOVES.iter().any(|cue| folded.contains(cue));
        if renamed || moved {
            self.company = stated_company(sentence);
            self.leaves |= moved && self.company.is_some() && !renamed;
        }
        if self.company.is_none() && folded.contains("selbststaendig") {
            let after = sentence.split_once(':').map(|(_, after)| after.trim());
            let name = after.and_then(|after| after.split([',', '.', ';']).next());
            self.company =
                name.filter(|name| name.starts_with(char::is_uppercase)).and_then(|name| company::read(name, ""));
        }
    }
}

/// "Wir", "unsere Firma": the company of the sender is called otherwise, not a person or a supplier.
fn speaks_of_us(folded: &str) -> bool {
    doubt::says(folded, &["wir", "we", "our", "unser", "unsere", "unser name", "die firma", "das unternehmen", "firma"])
}

/// The company behind an anchor, but for one that the sentence denies: "nicht mehr bei der …".
fn stated_company(sentence: &str) -> Option<Company> {
    let clauses = affirmed(sentence);
    ANCHORS.iter().find_map(|anchor| {
        clauses.iter().find_map(|(from, to)| {
            let clause = sentence.get(*from..*to)?;
            let at = find(clause, anchor).map(|at| from + at)?;
            (!doubt::is_quoted(sentence, at)).then_some(())?;
            named_company(sentence.get(at + anchor.len()..)?)
        })
    })
}

/// Where the clauses lie that deny nothing.
fn affirmed(sentence: &str) -> Vec<(usize, usize)> {
    const BOUNDS: [&str; 11] = [", ", "; ", " (", ") ", " und ", " and ", " sondern ", " but ", " aber ", " – ", " - "];
    let mut ends: Vec<usize> =
        BOUNDS.iter().flat_map(|bound| sentence.match_indices(bound).map(|(at, bound)| at + bound.len() - 1)).collect();
    ends.push(sentence.len());
    ends.sort_unstable();
    let mut from = 0;
    let mut clauses = Vec::new();
    for end in ends {
        // The blank is left to both: an anchor may begin or end with it.
        let clause = fold(sentence.get(from..end).unwrap_or(""));
        if end > from && !doubt::denies(&clause) && !clause.contains("no longer") {
            let next = sentence.get(end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
            clauses.push((from, end + next));
        }
        from = end;
    }
    clauses
}

/// The company at the start of a text, up to its legal form.
fn named_company(text: &str) -> Option<Company> {
    let words: Vec<&str> = text.split_whitespace().take(14).collect();
    let start = words.iter().position(|word| word.starts_with(char::is_uppercase) && !is_month(word))?;
    let between = |word: &&str| {
        let folded = fold(word.trim_matches([',', ':', '"', '„']));
        folded.is_empty()
            || folded.starts_with(|c: char| c.is_ascii_digit())
            || is_month(word)
            || BETWEEN.contains(&folded.as_str())
    };
    // "We are now customers of …", "firmieren nicht mehr als …": the name belongs to something else.
    let described = NO_NAME.contains(&fold(words[start]).as_str());
    if described
        || !words[..start].iter().all(|word| between(word) || matches!(fold(word).as_str(), "firma" | "company"))
    {
        return None;
    }
    (start + 2..=words.len().min(start + 9)).find_map(|end| {
        let candidate = words[start..end].join(" ");
        // A form that goes on ("GmbH & Co. KG") is taken whole.
        let longer = words.get(end).is_some_and(|next| matches!(*next, "&" | "+" | "(haftungsbeschränkt)"));
        let candidate = without_stop(candidate.trim_end_matches([',', ';', ')', ':', '!']));
        let company = company::read(candidate, "").filter(|company| company.legal_form.is_some() && !longer);
        company.filter(|company| !company.core.split(' ').all(names_job))
    })
}

/// "bei der Ypsilon GmbH." ends a sentence, "Nordwerk Ltd." an abbreviation.
fn without_stop(text: &str) -> &str {
    let form = text.rsplit(' ').next().unwrap_or("");
    let whole = ["GmbH.", "AG.", "KG.", "SE.", "OHG.", "UG.", "KGaA.", "eG.", "GbR.", "mbH.", "SARL.", "LLC.", "PLC."];
    if whole.contains(&form) { text.trim_end_matches('.') } else { text }
}
