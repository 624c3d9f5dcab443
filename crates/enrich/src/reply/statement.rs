//! What a sender says of themselves in running text: "meine neue Durchwahl ist …", "ich bin jetzt
//! Leiter …", "wir firmieren als …".
//!
//! **Invariant:** a sentence about somebody else gives nothing: "wenden Sie sich an Frau …".

use crate::{
    company::{self, Company},
    email::{self, Email},
    name::{self, fold},
    phone::{self, Phone},
    reply::{
        sentence::{find, sentences},
        signature::names_job,
    },
};

/// What the text says of its sender.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statements {
    pub phones: Vec<Phone>,
    /// Numbers that are no longer valid.
    pub old_phones: Vec<Phone>,
    pub emails: Vec<Email>,
    pub position: Option<String>,
    pub company: Option<Company>,
    /// First name and surname, as far as stated.
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// The sender leaves or left the company of the signature.
    pub leaves: bool,
}

/// Who speaks of somebody else, folded.
const OTHERS: [&str; 25] = [
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

/// What announces a number of the sender.
const NUMBER: [&str; 49] = [
    "erreichbar unter",
    "zu erreichen unter",
    "neue mailadresse",
    "neue e-mail",
    "neue emailadresse",
    "neue adresse",
    "new email",
    "new e-mail",
    "neue durchwahl",
    "neue nummer",
    "neuen nummer",
    "neue telefonnummer",
    "neue handynummer",
    "neue mobilnummer",
    "neue mobil",
    "neue rufnummer",
    "neue festnetz",
    "neues handy",
    "neues diensthandy",
    "neues telefon",
    "neues mobil",
    "nummer ist jetzt",
    "nummer ist nun",
    "nummer lautet",
    "nummer hat sich",
    "erreichen sie mich",
    "erreicht ihr mich",
    "erreichst du mich",
    "erreichen mich",
    "erreicht mich",
    "bin erreichbar",
    "bin ab sofort unter",
    "bin kuenftig unter",
    "richtig ist",
    "korrekt ist",
    "richtige nummer",
    "meine durchwahl",
    "meine handynummer",
    "meine mobilnummer ist",
    "selbststaendig",
    "my new",
    "new number",
    "new cell",
    "reach me",
    "nouveau numero",
    "nouvelle ligne",
    "nuovo telefono",
    "nuovo numero",
    "nieuw",
];

/// What ends the part of a sentence that holds what is valid now.
const INSTEAD: [&str; 12] = [
    "statt ",
    "anstatt",
    "anstelle",
    "nicht mehr",
    "die alte",
    "der alte",
    "das alte",
    "bisher",
    "instead",
    "the old",
    "no longer",
    "frueher",
];

const VOID: [&str; 9] = [
    "gilt nicht mehr",
    "nicht mehr gueltig",
    "ungueltig",
    "ist abgeschaltet",
    "faellt weg",
    "entfaellt",
    "no longer valid",
    "is dead",
    "nicht mehr erreichbar",
];

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

/// What a company follows.
const ANCHORS: [&str; 17] = [
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

pub fn read(body: &str, country: &str) -> Statements {
    let mut statements = Statements::default();
    for sentence in sentences(body) {
        let folded = fold(&sentence);
        statements.leaving(&folded);
        if OTHERS.iter().any(|other| folded.contains(other)) {
            // "seit 1. Mai bin ich Geschäftsführer, mein Vater ist …": only what stands before.
            let own = sentence.split(", ").next().unwrap_or("");
            if !OTHERS.iter().any(|other| fold(own).contains(other)) {
                statements.job(own);
            }
            continue;
        }
        statements.numbers(&sentence, country);
        statements.job(&sentence);
        statements.firm(&sentence);
        statements.names(&sentence);
    }
    statements
}

impl Statements {
    fn leaving(&mut self, folded: &str) {
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
        self.leaves |= CUES.iter().any(|cue| folded.contains(cue));
    }

    fn numbers(&mut self, sentence: &str, country: &str) {
        let void = VOID.iter().any(|cue| fold(sentence).contains(cue));
        if void {
            let old = ["alte", "alten", "old", "bisherige"].iter().filter_map(|cue| find(sentence, cue)).min();
            if let Some(at) = old {
                let tail = sentence.get(at..).unwrap_or("");
                self.old_phones.extend(phone::find_all(tail, country).into_iter().map(|(_, phone)| phone).take(1));
            }
        }
        let Some(start) = NUMBER.iter().filter_map(|cue| find(sentence, cue)).min() else { return };
        if fold(sentence).contains("unsere") || of_another(sentence) {
            return;
        }
        let tail = sentence.get(start..).unwrap_or("");
        let end = INSTEAD.iter().filter_map(|cue| find(tail, cue)).filter(|at| *at > 0).min().unwrap_or(tail.len());
        let valid = tail.get(..end).unwrap_or(tail);
        let direct = fold(valid).contains("durchwahl") || fold(valid).contains("direct");
        for (_, mut phone) in phone::find_all(valid, country).into_iter().take(2) {
            if direct && phone.label == mittler_core::Label::Work {
                phone.label = mittler_core::Label::Direct;
            }
            if !self.phones.iter().any(|known| known.e164 == phone.e164)
                && !self.old_phones.iter().any(|old| old.e164 == phone.e164)
            {
                self.phones.push(phone);
            }
        }
        let words = valid.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')'));
        self.emails.extend(words.filter(|word| word.contains('@')).filter_map(email::read));
    }

    fn job(&mut self, sentence: &str) {
        if self.position.is_some() || fold(sentence).contains("nicht mehr") {
            return;
        }
        let folded = fold(sentence);
        let Some(start) = STARTS.iter().filter_map(|cue| find(sentence, cue).map(|at| at + cue.len())).min() else {
            return;
        };
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
        let text = words[first..].join(" ");
        if words.len() - first <= 6 && names_job(&text) && !text.contains(|c: char| c.is_ascii_digit()) {
            self.position = Some(text);
        }
    }

    fn firm(&mut self, sentence: &str) {
        if self.company.is_some() {
            return;
        }
        let folded = fold(sentence);
        let renamed = ["firmieren", "firmiert", "heissen jetzt", "heisst jetzt", "company name is", "we are now"]
            .iter()
            .any(|cue| folded.contains(cue));
        let moved = self.leaves
            || [
                "bin ab",
                "bin seit",
                "bin ich bei",
                "bin ich ab",
                "bin jetzt bei",
                "ich bin jetzt",
                "bin nun",
                "arbeite jetzt",
                "arbeite ab",
                "wechsle",
                "i have moved",
                "i joined",
                "i've joined",
                "i now work",
                "i have joined",
            ]
            .iter()
            .any(|cue| folded.contains(cue));
        if renamed || moved {
            self.company = ANCHORS
                .iter()
                .filter_map(|anchor| find(sentence, anchor).map(|at| at + anchor.len()))
                .find_map(|at| named_company(sentence.get(at..)?));
            self.leaves |= moved && self.company.is_some() && !renamed;
        }
        if self.company.is_none() && folded.contains("selbststaendig") {
            let after = sentence.split_once(':').map(|(_, after)| after.trim());
            let name = after.and_then(|after| after.split([',', '.', ';']).next());
            self.company =
                name.filter(|name| name.starts_with(char::is_uppercase)).and_then(|name| company::read(name, ""));
        }
    }

    fn names(&mut self, sentence: &str) {
        const LAST: [&str; 13] = [
            "nachname nun",
            "nachname jetzt",
            "name nun",
            "name jetzt",
            "nachname schreibt sich",
            "nachname ist",
            "nachname lautet",
            "neuer name ist",
            "neuer name lautet",
            "nur noch",
            "my last name is",
            "my surname is",
            "my name is now",
        ];
        const WHOLE: [&str; 4] = ["heisse ich", "heisse jetzt", "heisse nun", "heisse seit"];
        const FIRST: [&str; 4] = ["vorname ist", "vorname schreibt sich", "vorname lautet", "my first name is"];
        let folded = fold(sentence);
        let after = |cues: &[&str]| -> Option<Vec<String>> {
            let (at, cue) = cues.iter().filter_map(|cue| find(sentence, cue).map(|at| (at, cue))).min()?;
            let tail = sentence.get(at..)?.split_whitespace().skip(cue.split(' ').count());
            let words: Vec<String> = tail
                .skip_while(|word| matches!(fold(word).as_str(), "jetzt" | "nun" | "ich" | "frau" | "herr"))
                .map_while(name_word)
                .scan(false, |ended, (word, last)| if std::mem::replace(ended, last) { None } else { Some(word) })
                .take(3)
                .collect();
            (!words.is_empty()).then_some(words)
        };
        if let Some(words) = after(&WHOLE) {
            match words.as_slice() {
                [last] => self.last_name = Some(last.clone()),
                [first, rest @ ..] => {
                    self.first_name = Some(first.clone());
                    self.last_name = Some(rest.join(" "));
                }
                [] => {}
            }
        }
        let about_name = folded.contains("name")
            || folded.contains("geheiratet")
            || folded.contains("hochzeit")
            || folded.contains("geburtsname");
        if let Some(words) = after(&LAST).filter(|_| about_name) {
            let text = words.join(" ");
            if !name::is_given_name(&text) {
                self.last_name = Some(text);
            }
        }
        if let Some(words) = after(&FIRST) {
            self.first_name = words.into_iter().next();
        }
    }
}

/// A word of a name, and whether a sign after it ends the name.
fn name_word(word: &str) -> Option<(String, bool)> {
    let bare = word.trim_matches(|c: char| !c.is_alphabetic());
    let capital = bare.starts_with(char::is_uppercase) || name::is_particle(bare);
    let ends = word.ends_with([',', '.', ';', '!', ')', ':']);
    (capital && bare.chars().count() > 1 && !word.starts_with('(')).then(|| (bare.to_owned(), ends))
}

/// "die Telefonnummer von Dr. Müller lautet", "Herr Müller ist unter … erreichbar": the number is
/// another's.
fn of_another(sentence: &str) -> bool {
    let folded = fold(sentence);
    // Whom the mail greets is no third person.
    let greeted = ["hi ", "hallo ", "guten ", "liebe", "moin ", "sehr geehrte", "servus ", "gruezi "]
        .iter()
        .any(|start| folded.starts_with(start));
    let own = if greeted { folded.split_once(',').map_or("", |(_, rest)| rest) } else { folded.as_str() };
    let words: Vec<&str> = own.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let named = words
        .iter()
        .any(|word| matches!(*word, "herr" | "herrn" | "frau" | "seine" | "his" | "her" | "mr" | "mrs" | "ms"));
    let first_person = words
        .iter()
        .any(|word| matches!(*word, "ich" | "mich" | "mir" | "my" | "me" | "i") || word.starts_with("mein"));
    let belongs = ["nummer von ", "durchwahl von ", "number of ", "handy von "]
        .iter()
        .any(|cue| folded.contains(cue) && !folded.contains(&format!("{cue}mir")));
    belongs || (named && !first_person)
}

/// The company at the start of a text, up to its legal form.
fn named_company(text: &str) -> Option<Company> {
    let words: Vec<&str> = text.split_whitespace().take(14).collect();
    let start = words.iter().position(|word| word.starts_with(char::is_uppercase) && !is_month(word))?;
    (start + 2..=words.len().min(start + 9)).find_map(|end| {
        let candidate = words[start..end].join(" ");
        // A form that goes on ("GmbH & Co. KG") is taken whole.
        let longer = words.get(end).is_some_and(|next| matches!(*next, "&" | "+" | "(haftungsbeschränkt)"));
        let candidate = candidate.trim_end_matches([',', ';', ')', ':', '!']);
        let company = company::read(candidate, "").filter(|company| company.legal_form.is_some() && !longer);
        company.filter(|company| !company.core.split(' ').all(names_job))
    })
}

fn is_month(word: &str) -> bool {
    const MONTHS: &str = " januar februar maerz april mai juni juli august september oktober november dezember january february march may june july october december montag dienstag mittwoch donnerstag freitag ";
    let word = fold(word.trim_matches(|c: char| !c.is_alphabetic()));
    !word.is_empty() && MONTHS.contains(&format!(" {word} "))
}

#[cfg(test)]
#[path = "statement_tests.rs"]
mod tests;
