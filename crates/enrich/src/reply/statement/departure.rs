//! Whether the sender leaves, or has left, the company.

use super::Statements;
use crate::{company, name::fold, reply::doubt};

/// Sentences without any of these are about something else.
const HINTS: [&str; 16] = [
    "letzter arbeitstag",
    "don't work",
    "verlass",
    "left",
    "leaving",
    "leave",
    "nicht mehr",
    "no longer",
    "not work",
    "retir",
    "rent",
    "ruhestand",
    "pension",
    "scheid",
    "schied",
    "last",
];

const EMPLOYER: [&str; 9] =
    ["firma", "unternehmen", "betrieb", "arbeitgeber", "company", "firm", "my job", "my position", "my employer"];

/// "I have left a message" leaves no company, so these count beside an employer only.
const LEFT: [&str; 6] = ["i have left", "i've left", "i left", "i am leaving", "i'm leaving", "i will leave"];

const NO_MORE: [&str; 5] = [
    "nicht mehr im unternehmen",
    "nicht mehr in der firma",
    "nicht mehr im betrieb",
    "nicht mehr angestellt",
    "nicht mehr beschaeftigt",
];

const NO_LONGER: [&str; 9] = [
    "no longer with",
    "no longer at",
    "no longer employed",
    "no longer work",
    "no longer working",
    "don't work at",
    "don't work for",
    "not working for",
    "not work for",
];

const RETIRED: [&str; 20] = [
    "i have retired",
    "i've retired",
    "i am retired",
    "i'm retired",
    "i retired",
    "i am retiring",
    "bin in rente",
    "bin jetzt in rente",
    "bin rentner",
    "bin rentnerin",
    "bin jetzt rentner",
    "bin jetzt rentnerin",
    "jetzt rentner",
    "jetzt rentnerin",
    "bin im ruhestand",
    "bin jetzt im ruhestand",
    "bin nun im ruhestand",
    "gehe in rente",
    "gehe in den ruhestand",
    "bin pensioniert",
];

impl Statements {
    pub(super) fn leaving(&mut self, folded: &str) {
        const CUES: [&str; 10] = [
            "ich verlasse die firma",
            "ich verlasse das unternehmen",
            "ich verlasse den betrieb",
            "scheide ich",
            "ich scheide",
            "ich wechsle",
            "wechsle ich",
            "i am leaving",
            "i have left",
            "mache mich",
        ];
        let at = CUES.iter().filter_map(|cue| folded.find(cue)).min();
        // "Ich wechsle nicht", "ich wechsle mit dem Konto": nobody leaves.
        self.leaves |= at.is_some_and(|at| {
            let clause = folded.get(at..).unwrap_or("").split([',', ';']).next().unwrap_or("");
            !doubt::denies(clause) && !doubt::names_third_party(clause)
        });
    }

    /// Whether the sender says that they no longer work where they did.
    pub(super) fn departing(&mut self, sentence: &str) {
        let folded = fold(sentence);
        if !HINTS.iter().any(|hint| folded.contains(hint)) {
            return;
        }
        let says = |phrases: &[&str]| doubt::says(&folded, phrases);
        let own = doubt::words(&folded).into_iter().any(|word| matches!(word, "ich" | "i" | "i've" | "i'm"));
        let employer = says(&EMPLOYER) || names_company(sentence);
        let left = (says(&["verlasse", "verlassen habe", "habe"]) && folded.contains("verlass")) || says(&LEFT);
        let no_more = says(&NO_MORE) || (employer && says(&["nicht mehr bei", "nicht mehr fuer"]));
        let out = folded.contains("ausgeschieden") || (folded.contains("scheide") && says(&["aus"]));
        let gone = (left && employer) || no_more || (employer && says(&NO_LONGER)) || says(&RETIRED) || out;
        // "Ich bin heute nicht mehr bei der … GmbH" is where somebody is, not where they work.
        let today = no_more && doubt::is_of_the_day(&folded);
        let denied = !no_more && says(&["nicht"]);
        let unreal = doubt::is_unreal(&folded.replace("i will leave", ""));
        self.departed |= ((own && gone) || is_last_day(&folded, employer)) && !today && !denied && !unreal;
    }
}

/// "Mein letzter Arbeitstag ist …", but not the last one before the holidays.
fn is_last_day(folded: &str, employer: bool) -> bool {
    let says = |phrases: &[&str]| doubt::says(folded, phrases);
    (says(&["mein letzter arbeitstag"]) && !says(&["vor", "in diesem jahr", "dieses jahr"]))
        || says(&["my last day at work", "my last day with", "my last working day"])
        || (employer && says(&["my last day at"]))
}

/// Whether a company with its legal form is named anywhere.
fn names_company(sentence: &str) -> bool {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    (0..words.len()).any(|at| {
        let start = words.get(at).is_some_and(|word| word.starts_with(char::is_uppercase));
        let end = (at + 5).min(words.len());
        start
            && (at + 2..=end).any(|end| {
                let text = words.get(at..end).unwrap_or(&[]).join(" ");
                company::has_form(text.trim_end_matches([',', ';', ')', ':', '!', '.']))
            })
    })
}
