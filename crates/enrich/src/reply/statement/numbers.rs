//! Numbers and addresses that a sentence announces as the sender's.

use super::{
    Statements, Whole,
    addresses::OWN_MAIL,
    whose::{PERSONS, of_sender},
};
use crate::{
    name::fold,
    phone::Phone,
    reply::{digits, doubt, sentence::find},
};

/// What announces a number of the sender.
const NUMBER: [&str; 101] = [
    "die neue lautet",
    "die neue ist",
    "the new one is",
    "meine e-mail",
    "meine mail",
    "meine email",
    "my e-mail",
    "my email",
    "neu ist",
    "erreichbar unter",
    "zu erreichen unter",
    "neue mailadresse",
    "neue e-mail",
    "neue emailadresse",
    "neue adresse",
    "new email",
    "new e-mail",
    "neue durchwahl",
    "neuen durchwahl",
    "neue nummer",
    "neuen nummer",
    "neue nr",
    "neue tel",
    "neue handynummer",
    "neue handynr",
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
    "durchwahl hat sich",
    "durchwahl ist jetzt",
    "durchwahl ist nun",
    "durchwahl lautet",
    "erreichen sie mich",
    "erreicht ihr mich",
    "erreichst du mich",
    "erreichen mich",
    "erreicht mich",
    "rufen sie mich",
    "ruf mich",
    "ruft mich",
    "bin erreichbar",
    "bin ich unter",
    "ich bin unter",
    "bin unter",
    "bin ich ab sofort unter",
    "bin ich jetzt unter",
    "bin ich nun unter",
    "bin ich kuenftig unter",
    "bin ab sofort unter",
    "bin jetzt unter",
    "bin nun unter",
    "bin kuenftig unter",
    "richtig ist",
    "korrekt ist",
    "richtige nummer",
    "nutzen sie",
    "verwenden sie",
    "please use",
    "meine durchwahl",
    "meine handynummer",
    "meine mobilnummer",
    "meine telefonnummer",
    "meine rufnummer",
    "meine festnetznummer",
    "meine nummer",
    "meine tel",
    "selbststaendig",
    "my new number",
    "my new phone",
    "my new cell",
    "my new direct",
    "my new extension",
    "my new desk",
    "my number is",
    "my phone number",
    "my mobile number",
    "my cell number",
    "my mobile is",
    "my direct line",
    "number has changed",
    "number is now",
    "new number",
    "new mobile",
    "new cell",
    "new phone",
    "reach me",
    "call me",
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

const VOID: [&str; 15] = [
    "nicht mehr aktuell",
    "nicht mehr aktiv",
    "stimmt nicht mehr",
    "no longer in use",
    "no longer active",
    "out of service",
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

/// Cues of where somebody is rather than of what is new. Who is away means these days only.
const REACHED: [&str; 18] = [
    "erreichbar unter",
    "zu erreichen unter",
    "erreichen sie mich",
    "erreicht ihr mich",
    "erreichst du mich",
    "erreichen mich",
    "erreicht mich",
    "rufen sie mich",
    "ruf mich",
    "ruft mich",
    "bin erreichbar",
    "bin ich unter",
    "ich bin unter",
    "bin unter",
    "bin jetzt unter",
    "bin ich jetzt unter",
    "reach me",
    "call me",
];

/// Cues behind which the value itself must stand.
const BARE: [&str; 4] = ["die neue lautet", "die neue ist", "the new one is", "neu ist"];

impl Statements {
    pub(super) fn numbers(&mut self, sentence: &str, mail: &Whole<'_>) {
        let folded = fold(sentence);
        let void = VOID.iter().any(|cue| folded.contains(cue));
        let whose = |text: &str| !PERSONS.iter().any(|person| fold(text).contains(person));
        if void {
            let old = ["alte", "alten", "old", "bisherige"].iter().filter_map(|cue| find(sentence, cue)).min();
            if let Some(at) = old.filter(|at| whose(sentence.get(..*at).unwrap_or(""))) {
                let tail = sentence.get(at..).unwrap_or("");
                let first = digits::whole(tail, mail.country).into_iter().next();
                let own = first.filter(|(at, _)| whose(tail.get(..*at).unwrap_or("")));
                self.old_phones.extend(own.map(|(_, phone)| phone));
            }
        }
        let valid = fold(&without_old(sentence));
        // Of the numbers of two persons nobody knows which is whose.
        let two = doubt::says(&valid, &["und ich", "ich und", "and i", "i and", "und meine", "and my"])
            && ["nummern", "numbers"].iter().any(|word| valid.contains(word));
        if doubt::is_limited(&valid) || doubt::is_later(&valid) || two {
            return;
        }
        let passing = mail.away || doubt::is_of_the_day(&valid);
        let mut cues: Vec<(usize, &str)> = NUMBER
            .iter()
            .filter(|cue| folded.contains(**cue) && !(passing && REACHED.contains(*cue)))
            .filter_map(|cue| find(sentence, cue).map(|at| (at, *cue)))
            .collect();
        cues.sort_unstable();
        // "Für Bestellungen nutzen Sie …" names another line, unless a number has just ended.
        let instead = |cue: &str| matches!(cue, "nutzen sie" | "verwenden sie" | "please use");
        cues.retain(|(at, cue)| {
            (void || !instead(cue)) && of_sender(sentence, *at, cue) && is_meant(sentence, *at, cue)
        });
        let starts: Vec<usize> = cues.iter().map(|(at, _)| *at).collect();
        for (place, (start, cue)) in cues.iter().enumerate() {
            let next = starts.get(place + 1).copied().unwrap_or(sentence.len());
            let announced = sentence.get(*start..next).unwrap_or("");
            if OWN_MAIL.contains(cue) {
                self.take_own_mail(announced, cue);
            } else {
                self.take(announced, mail.country);
            }
        }
    }

    /// Takes what a cue announces, clause by clause, until one speaks of somebody or something else.
    fn take(&mut self, announced: &str, country: &str) {
        let mut denied = false;
        for (place, clause) in announced.split(", ").flat_map(|part| part.split("; ")).enumerate() {
            let folded = fold(clause);
            if place > 0 && PERSONS.iter().any(|person| folded.contains(person)) {
                return;
            }
            // After "nicht die 55" only what is put in its place counts.
            let puts = ["sondern", "but", "rather", "richtig", "korrekt", "vielmehr", "it is", "it's"];
            if denied && !puts.iter().any(|start| folded.starts_with(start)) {
                return;
            }
            // "Die neue Nummer 0171 … gilt ab Januar für Frau Ilg".
            let given = ["fuer ", "for ", "gehoert ", "belongs "].iter().any(|cue| {
                folded.split_once(cue).is_some_and(|(_, rest)| PERSONS.iter().any(|person| rest.starts_with(person)))
            });
            if given {
                return;
            }
            // "Meine Handynummer 0171 … gilt nicht mehr": the number is the old one.
            if VOID.iter().any(|cue| folded.contains(cue)) {
                self.take_numbers(clause, country, true);
                return;
            }
            let end = INSTEAD.iter().filter_map(|cue| find(clause, cue)).filter(|at| place > 0 || *at > 0).min();
            let valid = end.and_then(|end| clause.get(..end)).unwrap_or(clause);
            // "Meine Nummer 0711 … nutze ich nicht mehr": what stands before is the old one.
            let rest = end.and_then(|end| clause.get(end..)).unwrap_or("");
            let over = ["nicht mehr", "no longer"].iter().any(|cue| fold(rest).starts_with(cue));
            if doubt::is_unreal(&folded)
                || doubt::is_private(&folded)
                || (over && digits::whole(rest, country).is_empty())
            {
                return;
            }
            denied = doubt::denies(&fold(valid));
            let Some(valid) = (if denied { doubt::corrected(valid) } else { Some(valid) }) else { continue };
            self.take_numbers(valid, country, false);
            self.take_emails(valid);
            if end.is_some() {
                return;
            }
        }
    }

    fn take_numbers(&mut self, valid: &str, country: &str, void: bool) {
        let folded = fold(valid);
        let direct = folded.contains("durchwahl") || folded.contains("direct");
        let mut from = 0;
        for (at, mut phone) in digits::whole(valid, country).into_iter().take(2) {
            // "… und Herr Kolbe unter 0221 …": the second number is another's.
            let between = fold(valid.get(from..at).unwrap_or(""));
            if from > 0 && !joins_numbers(&between) {
                break;
            }
            from = at;
            if phone.is_service() || between.contains("fax") {
                continue;
            }
            if direct && phone.label == mittler_core::Label::Work {
                phone.label = mittler_core::Label::Direct;
            }
            let known = |phones: &[Phone]| phones.iter().any(|known| known.e164 == phone.e164);
            if known(&self.phones) || known(&self.old_phones) {
                continue;
            }
            if void { self.old_phones.push(phone) } else { self.phones.push(phone) }
        }
    }
}

/// Whether what stands between two numbers makes both the sender's: "… und mobil …", but not "… und
/// die von Petra …".
fn joins_numbers(between: &str) -> bool {
    const WORDS: [&str; 28] = [
        "und",
        "oder",
        "and",
        "or",
        "bzw",
        "sowie",
        "auch",
        "unter",
        "mobil",
        "handy",
        "mobile",
        "cell",
        "tel",
        "telefon",
        "phone",
        "fest",
        "festnetz",
        "buero",
        "office",
        "durchwahl",
        "dw",
        "direkt",
        "direct",
        "neue",
        "new",
        "die",
        "nummer",
        "fax",
    ];
    between
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .all(|word| WORDS.contains(&word) || ["handynummer", "mobilnummer", "number", "my", "meine"].contains(&word))
}

/// Whether the cue is meant as it reads: not denied, not quoted, and with its value behind it.
fn is_meant(sentence: &str, at: usize, cue: &str) -> bool {
    let before = sentence.get(..at).unwrap_or("");
    let clause = before.rsplit([',', ';', ':', '.', '(', ')', '–']).next().unwrap_or("");
    let behind = sentence.get(at..).map(fold).and_then(|rest| rest.get(cue.len()..).map(str::to_owned));
    let value = behind.unwrap_or_default();
    let value = value.trim_start_matches([' ', ':', '(']);
    let bare = value.starts_with(|c: char| c.is_ascii_digit() || c == '+')
        || value.split(' ').next().is_some_and(|word| word.contains('@'));
    !doubt::ends_denied(&fold(clause)) && !doubt::is_quoted(sentence, at) && (bare || !BARE.contains(&cue))
}

/// The sentence without the clauses about what was: "(die alte läuft noch bis Ende April)".
fn without_old(sentence: &str) -> String {
    let old = |clause: &&str| {
        let folded = fold(clause);
        ["alte ", "alten ", "alt:", "the old", "bisher"].iter().any(|cue| folded.contains(cue))
            && !["neue", "new"].iter().any(|cue| folded.contains(cue))
    };
    sentence.split([',', ';', '(', ')']).filter(|clause| !old(clause)).collect::<Vec<_>>().join(", ")
}
