//! Addresses that a sentence announces as the sender's.

use super::{Statements, whose::PERSONS};
use crate::{email, name::fold, reply::doubt};

/// Cues of the own address only, and what may stand between them and the address.
pub(super) const OWN_MAIL: [&str; 5] = ["meine e-mail", "meine mail", "meine email", "my e-mail", "my email"];
const MAIL_IS: [&str; 21] = [
    "adresse",
    "-adresse",
    "address",
    "ist",
    "lautet",
    "is",
    "jetzt",
    "nun",
    "now",
    "ab",
    "sofort",
    "seit",
    "heute",
    "kuenftig",
    "hat",
    "sich",
    "geaendert",
    "in",
    "has",
    "changed",
    "to",
];

impl Statements {
    /// An address in copy or of a colleague stands in the same sentence easily: only what "mail" or
    /// "unter" announces right before is the sender's.
    pub(super) fn take_emails(&mut self, valid: &str) {
        let apart = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')');
        let mut from = 0;
        for word in valid.split(apart) {
            let at = valid.get(from..).and_then(|rest| rest.find(word)).map_or(from, |at| from + at);
            if word.contains('@') {
                let before = valid.get(..at).unwrap_or("").trim_end_matches([' ', '(']);
                let clause = fold(before.rsplit([',', ';', '(', ')']).next().unwrap_or(""));
                let after = fold(valid.get(at + word.len()..).unwrap_or(""));
                let copy = ["in cc", "in kopie", "cc ", "in copy"]
                    .iter()
                    .any(|cue| clause.contains(cue) || after.trim_start().starts_with(cue));
                let announced =
                    ["mail", "adresse", "address", "unter", " at", "selbststaendig", "reach", "neue lautet"]
                        .iter()
                        .any(|cue| clause.contains(cue));
                let other = PERSONS.iter().any(|word| clause.contains(word));
                if announced && !copy && !other {
                    self.take_email(word, &fold(valid));
                }
            }
            from = at + word.len();
        }
    }

    /// "Meine E-Mail-Adresse ist jetzt …", but not "meine Mail an petra@… kam zurück".
    pub(super) fn take_own_mail(&mut self, announced: &str, cue: &str) {
        let apart = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '<' | '>');
        let Some(word) = announced.split(apart).find(|word| word.contains('@')) else { return };
        let between = fold(announced.split(word).next().unwrap_or(""));
        let between = between.get(cue.len()..).unwrap_or("");
        let words: Vec<&str> =
            between.split(|c: char| c.is_whitespace() || c == ':').filter(|word| !word.is_empty()).collect();
        let stated = between.contains(':')
            || ["ist", "lautet", "is", "changed", "geaendert"].iter().any(|verb| words.contains(verb));
        if stated && words.iter().all(|word| MAIL_IS.contains(word)) {
            self.take_email(word, &fold(announced));
        }
    }

    /// `clause`, folded: whether the address takes the place of the old one.
    fn take_email(&mut self, word: &str, clause: &str) {
        const NEW: [&str; 9] =
            ["neue", "neuen", "new", "ab sofort", "kuenftig", "jetzt", "now", "geaendert", "changed"];
        const ALSO: [&str; 6] = ["auch", "also", "zusaetzlich", "additional", "alternativ", "cc"];
        let Some(email) = email::read(word) else { return };
        if doubt::says(clause, &NEW) && !doubt::says(clause, &ALSO) && !email.is_role() {
            self.main_email.get_or_insert_with(|| email.clone());
        }
        self.emails.push(email);
    }
}
