//! What a sender says of themselves in running text: "meine neue Durchwahl ist …", "ich bin jetzt
//! Leiter …", "wir firmieren als …".
//!
//! **Invariant:** a sentence about somebody else gives nothing: "wenden Sie sich an Frau …".

use crate::{
    company::{self, Company},
    email::{self, Email},
    name::{self, fold},
    phone::{self, Phone},
    reply::signature::names_job,
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
    "wenden sie sich", "wende dich", "ansprechpartner", "kollege", "kollegin", "nachfolger", "vertretung", "vertritt", "vertreten", "mein chef", "meine chefin",
    "sekretariat", "my colleague", "my successor", "please contact", "contact person", "mein vater", "collegue", "collega", "kolega", "assistent", "bitte an frau",
    "bitte an herrn", "rufen sie bitte herrn", "rufen sie bitte frau",
];

/// What announces a number of the sender.
const NUMBER: [&str; 41] = [
    "neue durchwahl", "neue nummer", "neuen nummer", "neue telefonnummer", "neue handynummer", "neue mobilnummer", "neue mobil", "neue rufnummer", "neue festnetz",
    "neues handy", "neues diensthandy", "neues telefon", "neues mobil", "nummer ist jetzt", "nummer ist nun", "nummer lautet", "nummer hat sich", "erreichen sie mich",
    "erreicht ihr mich", "erreichst du mich", "erreichen mich", "erreicht mich", "bin erreichbar", "bin ab sofort unter", "bin kuenftig unter", "richtig ist", "korrekt ist", "richtige nummer", "meine durchwahl", "meine handynummer",
    "meine mobilnummer ist", "selbststaendig", "my new", "new number", "new cell", "reach me", "nouveau numero", "nouvelle ligne", "nuovo telefono", "nuovo numero",
    "nieuw",
];

/// What ends the part of a sentence that holds what is valid now.
const INSTEAD: [&str; 12] =
    ["statt ", "anstatt", "anstelle", "nicht mehr", "die alte", "der alte", "das alte", "bisher", "instead", "the old", "no longer", "frueher"];

const VOID: [&str; 9] =
    ["gilt nicht mehr", "nicht mehr gueltig", "ungueltig", "ist abgeschaltet", "faellt weg", "entfaellt", "no longer valid", "is dead", "nicht mehr erreichbar"];

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
            "ich verlasse die firma", "ich verlasse das unternehmen", "ich verlasse den betrieb", "scheide ich", "ich scheide", "ich wechsle", "wechsle ich",
            "i am leaving", "i have left", "mache mich",
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
            if !self.phones.iter().any(|known| known.e164 == phone.e164) && !self.old_phones.iter().any(|old| old.e164 == phone.e164) {
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
        const STARTS: [&str; 11] =
            ["bin ich", "ich bin", "bin ab", "bin seit", "bin nun", "bin jetzt", "i am now", "i'm now", "promoted to", "meine neue position ist", "meine neue funktion ist"];
        const SIGNS: [&str; 16] = [
            "jetzt", "nun", "seit", "ab ", "inzwischen", "neuerdings", "kuenftig", "mittlerweile", "zum ", "now", "promoted", "neue", "since", "desormais", "sinds", "ab dem",
        ];
        let folded = fold(sentence);
        let Some(start) = STARTS.iter().filter_map(|cue| find(sentence, cue).map(|at| at + cue.len())).min() else { return };
        if !SIGNS.iter().any(|sign| folded.contains(sign)) {
            return;
        }
        let tail = sentence.get(start..).unwrap_or("");
        let tail = find(tail, " als ").and_then(|at| tail.get(at + 5..)).unwrap_or(tail);
        let end = [",", ";", " bei ", " der ", " und ", " in ", " at ", " of ", ".", "(", " –", " - "].iter().filter_map(|stop| tail.find(stop)).filter(|at| *at > 0).min().unwrap_or(tail.len());
        // "der neue Leiter": small words before the title fall away, with them a date.
        let words: Vec<&str> = tail.get(..end).unwrap_or("").split_whitespace().collect();
        let first = words.iter().position(|word| word.starts_with(char::is_uppercase) && !is_month(word) && !word.starts_with("Ihr"));
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
        const ANCHORS: [&str; 17] = [
            "firmieren", "firmiert", "heissen jetzt", "heisst jetzt", "company name is", "we are now", "bei der ", "bei dem ", "bei ", "wechsle zur ", "wechsle zu ",
            "gewechselt zur ", "moved to ", "joined ", "work for ", "work at ", "zur firma ",
        ];
        let folded = fold(sentence);
        let renamed = ["firmieren", "firmiert", "heissen jetzt", "heisst jetzt", "company name is", "we are now"].iter().any(|cue| folded.contains(cue));
        let moved = self.leaves || ["bin ab", "bin seit", "ich bin jetzt", "bin nun", "arbeite jetzt", "arbeite ab", "wechsle", "i have moved", "i joined", "i've joined", "i now work", "i have joined"].iter().any(|cue| folded.contains(cue));
        if renamed || moved {
            self.company = ANCHORS.iter().filter_map(|anchor| find(sentence, anchor).map(|at| at + anchor.len())).find_map(|at| named_company(sentence.get(at..)?));
            self.leaves |= moved && self.company.is_some() && !renamed;
        }
        if self.company.is_none() && folded.contains("selbststaendig") {
            let after = sentence.split_once(':').map(|(_, after)| after.trim());
            let name = after.and_then(|after| after.split([',', '.', ';']).next());
            self.company = name.filter(|name| name.starts_with(char::is_uppercase)).and_then(|name| company::read(name, ""));
        }
    }

    fn names(&mut self, sentence: &str) {
        const LAST: [&str; 9] = [
            "nachname schreibt sich", "nachname ist", "nachname lautet", "neuer name ist", "neuer name lautet", "nur noch", "my last name is", "my surname is",
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
        let about_name = folded.contains("name") || folded.contains("geheiratet") || folded.contains("hochzeit") || folded.contains("geburtsname");
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

/// "die Telefonnummer von Dr. Müller lautet": the number is another's.
fn of_another(sentence: &str) -> bool {
    let folded = fold(sentence);
    ["nummer von ", "durchwahl von ", "number of ", "handy von "].iter().any(|cue| folded.contains(cue) && !folded.contains(&format!("{cue}mir")))
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

/// Where the folded cue stands in the text, as a position in the text itself.
fn find(text: &str, cue: &str) -> Option<usize> {
    if !fold(text).contains(cue.trim()) {
        return None;
    }
    text.char_indices().map(|(at, _)| at).find(|at| {
        let starts_word = text.get(..*at).and_then(|head| head.chars().next_back()).is_none_or(|c| !c.is_alphanumeric() || cue.starts_with(' '));
        let tail: String = text.get(*at..).unwrap_or("").chars().take(cue.chars().count() + 8).collect();
        let spaced = if cue.starts_with(' ') { format!(" {}", fold(&tail)) } else { fold(&tail) };
        (starts_word || cue.starts_with("nummer")) && spaced.starts_with(cue) && (!cue.starts_with(' ') || tail.starts_with(' '))
    })
}

/// Sentences of a text with hard line breaks. A full stop after a number or a short word ends none:
/// "4. Mai", "Tel. 0711".
pub fn sentences(body: &str) -> Vec<String> {
    let mut all = Vec::new();
    for paragraph in body.split("\n\n") {
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        let mut sentence: Vec<&str> = Vec::new();
        for (at, word) in words.iter().enumerate() {
            sentence.push(word);
            let bare = word.trim_end_matches(['.', '!', '?', ';', ')']);
            let closes = word.ends_with(['!', '?', ';']) || (word.ends_with('.') && bare.chars().count() > 3) || word.ends_with(").");
            let dotted_number = word.ends_with('.') && bare.chars().all(|c| c.is_ascii_digit()) && bare.len() < 3;
            let number_end = word.ends_with('.') && bare.chars().any(|c| c.is_ascii_digit()) && !dotted_number;
            let next_capital = words.get(at + 1).is_none_or(|next| next.starts_with(|c: char| c.is_uppercase() || c == '"' || c == '„'));
            if (closes && !dotted_number || number_end) && (next_capital || word.ends_with(';')) {
                all.push(sentence.join(" "));
                sentence.clear();
            }
        }
        if !sentence.is_empty() {
            all.push(sentence.join(" "));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(text: &str) -> Vec<String> {
        read(text, "DE").phones.into_iter().map(|phone| phone.e164).collect()
    }

    #[test]
    fn a_new_number_is_heard_in_the_ways_people_say_it() {
        for (text, number) in [
            ("Wir haben eine neue Telefonanlage,\nmeine neue Durchwahl ist 07361 48120-37, die alte Zentrale geht nur noch an den Empfang.", "+4973614812037"),
            ("Ich habe ein neues Handy, die Nummer ist jetzt +41 79 555 77 38 (die alte läuft aus).", "+41795557738"),
            ("Neue Durchwahl übrigens: +43 5572 555019 DW 44\n(statt DW 12).", "+43557255501944"),
            ("Hi, neue Handynummer: 0175 5550999, am besten ab 16 Uhr.", "+491755550999"),
            ("Auf Ihrer Liste steht eine falsche Nummer, richtig ist 0711 5550-435.", "+497115550435"),
            ("no, that phone is gone. My new cell is +353 87 555 5900. Samples arrived.", "+353875555900"),
            ("Ab sofort erreichen Sie mich unter 0711 5550-435.", "+497115550435"),
            ("my new number is +49 171 5550114", "+491715550114"),
        ] {
            assert_eq!(numbers(text), [number], "{text}");
        }
    }

    #[test]
    fn a_number_of_somebody_else_is_nobodys() {
        for text in [
            "Bitte wenden Sie sich an Frau Petra Ilg, Tel. 07361 48120-52.",
            "Mein Nachfolger ist Herr Ole Kolbe (0221 4710-267), er ist informiert.",
            "Mein Kollege hat eine neue Nummer: 0711 5550-11.",
            "Die neue Telefonnummer von Dr. Hans Müller lautet 0171 5550000.",
            "Ich bin ab Montag wieder im Büro, können wir dann telefonieren?",
            "Das Angebot 0711 5550435 bitte bis 30.06. schicken.",
        ] {
            assert_eq!(numbers(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_number_that_is_no_longer_valid_is_cleared() {
        let statements = read("Meine neue Nummer ist 0711 5550-435. Die alte Nummer 0711 5550-434 gilt nicht mehr.", "DE");
        assert_eq!(statements.old_phones.iter().map(|phone| phone.e164.as_str()).collect::<Vec<_>>(), ["+497115550434"]);
        assert_eq!(statements.phones.len(), 1);
    }

    #[test]
    fn a_new_job_and_a_new_company_are_heard() {
        let moved = read("Ich verlasse die Firma Thalerberg mit\nEnde April und bin ab 4. Mai als Technischer Leiter bei der Traunfeld Antriebe\nGmbH in Gmunden.", "AT");
        assert_eq!(moved.position.as_deref(), Some("Technischer Leiter"));
        assert_eq!(moved.company.unwrap().name, "Traunfeld Antriebe GmbH");
        assert!(moved.leaves);
        let risen = read("kurz vorweg: seit 1. Mai bin ich Geschäftsführer, mein Vater ist in den\nRuhestand gegangen.", "DE");
        assert_eq!(risen.position.as_deref(), Some("Geschäftsführer"));
        let renamed = read("wir firmieren seit dem 15. April als Emsland Agrarroboter GmbH (nicht mehr UG), neue Nummer folgt.", "DE");
        assert_eq!(renamed.company.unwrap().name, "Emsland Agrarroboter GmbH");
        assert!(!renamed.leaves);
        assert_eq!(read("ich bin jetzt Leiter Einkauf.", "DE").position.as_deref(), Some("Leiter Einkauf"));
        assert_eq!(read("I have moved to Nordwerk Ltd.", "DE").company.unwrap().name, "Nordwerk Ltd.");
        assert_eq!(read("Ich bin ab Mai nicht mehr für den Einkauf zuständig.", "DE").position, None);
        assert_eq!(read("Bitte bestellen Sie bei der Huber GmbH in Passau.", "DE").company, None);
    }

    #[test]
    fn a_new_name_is_heard() {
        let married = read("seit meiner Hochzeit am Freitag heiße ich Birgit Amrhein (vorher\nLosekamm). Die Mailadresse bleibt.", "DE");
        assert_eq!((married.first_name.as_deref(), married.last_name.as_deref()), (Some("Birgit"), Some("Amrhein")));
        assert_eq!(read("mein Nachname schreibt sich Wiśniewska, mit ś.", "DE").last_name.as_deref(), Some("Wiśniewska"));
        assert_eq!(read("your letter was addressed to \"Pawe?\" - my first name is Paweł.", "DE").first_name.as_deref(), Some("Paweł"));
        assert_eq!(read("Und bitte nur noch Noack, ohne Zschau - ich führe wieder meinen Geburtsnamen.", "DE").last_name.as_deref(), Some("Noack"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            let _ = read(&text, "DE");
        }

        #[test]
        fn no_sentence_with_cues_makes_it_panic(text in "(neue Nummer|bin ich|bei der|heiße ich|ß|ä|statt| |[0-9+./()-]{1,6}|GmbH|,|\n|\\.){0,30}") {
            let _ = read(&text, "DE");
        }
    }
}
