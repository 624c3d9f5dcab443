//! What a sender says of themselves in running text: "meine neue Durchwahl ist …", "ich bin jetzt
//! Leiter …", "wir firmieren als …".
//!
//! **Invariant:** a sentence about somebody else gives nothing: "wenden Sie sich an Frau …"; nor
//! does one that denies, asks, quotes, or tells what holds for a few days or is yet to come.

mod addresses;
mod departure;
mod firm;
mod job;
mod names;
mod numbers;
mod whose;

use crate::{
    company::Company,
    email::Email,
    name::fold,
    phone::Phone,
    reply::{doubt, sentence::sentences},
};

/// What the text says of its sender.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statements {
    pub phones: Vec<Phone>,
    /// Numbers that are no longer valid.
    pub old_phones: Vec<Phone>,
    pub emails: Vec<Email>,
    /// The one of `emails` that takes the place of the address written from.
    pub main_email: Option<Email>,
    pub position: Option<String>,
    pub company: Option<Company>,
    /// First name and surname, as far as stated.
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// The sender leaves or left the company of the signature.
    pub leaves: bool,
    /// The sender says that they no longer work at the company.
    pub departed: bool,
}

/// Longer sentences are lists and logs; nobody says in them what is new.
const LONGEST_SENTENCE: usize = 1_000;

pub fn read(body: &str, country: &str) -> Statements {
    let mut statements = Statements::default();
    let all = sentences(body);
    // A new address tells that "bin ich bei der … GmbH" is more than a visit.
    let new_address = all.iter().map(|sentence| fold(sentence)).any(|sentence| {
        ["neue mail", "neue e-mail", "neue email", "neue adresse", "new email", "new e-mail", "neue position"]
            .iter()
            .any(|cue| sentence.contains(cue))
    });
    let mail = Whole { country, new_address, away: doubt::is_away(&fold(body)) };
    for sentence in all.into_iter().filter(|sentence| sentence.len() <= LONGEST_SENTENCE) {
        if !doubt::asks(&sentence) {
            statements.sentence(&sentence, &mail);
        }
    }
    statements
}

/// What a sentence's reading takes from the rest of the mail.
struct Whole<'a> {
    country: &'a str,
    new_address: bool,
    /// Some sentence says that the writer is not where they usually are.
    away: bool,
}

impl Statements {
    fn sentence(&mut self, sentence: &str, mail: &Whole<'_>) {
        let folded = fold(sentence);
        self.leaving(&folded);
        self.departing(sentence);
        if whose::of_another(&folded) {
            // "seit 1. Mai bin ich Geschäftsführer, mein Vater ist …": only what stands before.
            let own = sentence.split(", ").next().unwrap_or("");
            if !whose::of_another(&fold(own)) {
                self.job(own);
            }
            return;
        }
        self.numbers(sentence, mail);
        let before = self.position.is_some();
        self.job(sentence);
        let risen = !before && self.position.is_some();
        self.firm(sentence, risen, mail.new_address);
        self.names(sentence);
    }
}

#[cfg(test)]
#[path = "statement_tests.rs"]
mod tests;
