//! What a column, a question or a member of a lead says about consent: given, refused, or not said.
//!
//! **Invariant:** whether something is allowed is read from the heading and the value together. Whoever did not
//! refuse has not thereby consented, and what speaks of consent and is not understood is told, never passed over.

use std::{collections::BTreeSet, sync::LazyLock};

use crate::{
    objection,
    phrases::{Phrase, any, fits, sections, split},
};

/// A way to reach somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    Email,
    Phone,
    Post,
    /// Advertising by whatever way.
    Advertising,
    /// To be reached at all.
    Any,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    Given,
    /// By these ways.
    Refused(BTreeSet<Way>),
    /// It speaks of consent, and nobody said anything.
    Unsaid,
    /// It speaks of consent, and is not understood.
    Unclear,
}

#[derive(Debug, Default)]
struct Words {
    other: Vec<Phrase>,
    refusal: Vec<Phrase>,
    permission: Vec<Phrase>,
    offer: Vec<Phrase>,
    weak: Vec<Phrase>,
    negation: Vec<Phrase>,
    yes: Vec<Phrase>,
    no: Vec<Phrase>,
    unsaid: Vec<Phrase>,
    ways: Vec<(Way, Vec<Phrase>)>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let mut words = Words::default();
    for (section, phrases) in sections(include_str!("../data/consent.txt")) {
        match section {
            "other" => words.other.extend(phrases),
            "refusal" => words.refusal.extend(phrases),
            "permission" => words.permission.extend(phrases),
            "offer" => words.offer.extend(phrases),
            "weak permission" => words.weak.extend(phrases),
            "negation" => words.negation.extend(phrases),
            "yes" => words.yes.extend(phrases),
            "no" => words.no.extend(phrases),
            "unsaid" => words.unsaid.extend(phrases),
            "email" => words.ways.push((Way::Email, phrases)),
            "phone" => words.ways.push((Way::Phone, phrases)),
            "post" => words.ways.push((Way::Post, phrases)),
            "advertising" => words.ways.push((Way::Advertising, phrases)),
            _ => {}
        }
    }
    words
});

/// What a heading asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// Yes allows.
    Permission,
    /// The same, in words with other uses.
    Weakly,
    /// Yes orders something: a no is a no to that alone.
    Offer,
    /// Yes forbids.
    Refusal,
}

/// What a column with this heading says with this value; `None` if it does not speak of consent.
pub fn read(heading: &str, value: &str) -> Option<Consent> {
    let mut heading = split(heading);
    leave_out_legend(&mut heading);
    let value = split(value);
    if value.is_empty() {
        return None;
    }
    let asks = asks(&heading)?;
    let answer = answer(&value);
    let refused = || {
        let told = ways(&value);
        let of_heading = ways(&heading);
        let ways = if of_heading.is_empty() { told } else { of_heading };
        Consent::Refused(if ways.is_empty() { BTreeSet::from([Way::Any]) } else { ways })
    };
    Some(match (asks, answer) {
        (Asks::Weakly, Answer::Unclear) => return None,
        (_, Answer::Unclear) => Consent::Unclear,
        // Who was asked by which way not to be reached answered that.
        (Asks::Refusal, Answer::Way) => Consent::Refused(ways(&value)),
        (_, Answer::Forbids)
        | (Asks::Refusal, Answer::Yes | Answer::Date)
        | (Asks::Permission | Asks::Weakly, Answer::No) => refused(),
        (_, Answer::Unsaid) | (Asks::Refusal, Answer::No | Answer::Allows) | (Asks::Offer, Answer::No) => {
            Consent::Unsaid
        }
        (Asks::Permission | Asks::Offer | Asks::Weakly, _) => Consent::Given,
    })
}

/// Words of an objection in a text that is no answer to a question of consent: by which ways.
pub fn objection_in(text: &str) -> Option<BTreeSet<Way>> {
    objection::is_in(text).then(|| {
        let words = split(text);
        let ways = ways(&words);
        if ways.is_empty() { BTreeSet::from([Way::Any]) } else { ways }
    })
}

/// What a value says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    /// Allowed, whatever was asked.
    Allows,
    /// Forbidden, whatever was asked.
    Forbids,
    /// "E-Mail, Telefon".
    Way,
    /// The moment of it.
    Date,
    Unsaid,
    Unclear,
}

/// Longer answers are sentences.
const FEW_WORDS: usize = 6;

fn answer(value: &[String]) -> Answer {
    let words = &*WORDS;
    let whole = |phrases: &[Phrase]| phrases.iter().any(|phrase| fits(value, phrase) == Some(value.len()));
    if whole(&words.unsaid) {
        return Answer::Unsaid;
    }
    if whole(&words.yes) {
        return Answer::Yes;
    }
    if whole(&words.no) {
        return Answer::No;
    }
    if is_moment(value) {
        return Answer::Date;
    }
    if value.iter().all(|word| {
        let one = std::slice::from_ref(word);
        JOINS.contains(&word.as_str()) || words.ways.iter().any(|(_, phrases)| any(one, phrases).is_some())
    }) && !ways(value).is_empty()
        && any(value, &words.refusal).is_none()
    {
        return Answer::Way;
    }
    let refusal = any(value, &words.refusal);
    let stance = refusal.clone().or_else(|| any(value, &words.permission)).or_else(|| any(value, &words.offer));
    if let Some(place) = stance {
        let rest: Vec<String> = value[..place.start].iter().chain(&value[place.end..]).cloned().collect();
        let negated = any(&rest, &words.negation).is_some() || any(&rest, &words.no).is_some();
        return match (refusal.is_some(), negated) {
            (true, false) | (false, true) => Answer::Forbids,
            (true, true) => Answer::Unclear,
            (false, false) => Answer::Allows,
        };
    }
    let begins = |phrases: &[Phrase]| phrases.iter().any(|phrase| fits(value, phrase).is_some());
    let short = value.len() <= FEW_WORDS;
    if short && (begins(&words.no) || begins(&words.negation)) {
        return Answer::No;
    }
    if short && begins(&words.yes) && any(value, &words.negation).is_none() {
        return Answer::Yes;
    }
    Answer::Unclear
}

/// Words between ways.
const JOINS: [&str; 18] =
    ["und", "and", "or", "oder", "per", "by", "via", "nur", "only", "et", "e", "y", "en", "i", "a", "och", "og", "ve"];

/// "2026-04-15 10:00", "15.04.2026".
fn is_moment(value: &[String]) -> bool {
    let numbers = value.iter().filter(|word| word.bytes().all(|b| b.is_ascii_digit())).count();
    let year = value.iter().any(|word| word.len() == 4 && (word.starts_with("19") || word.starts_with("20")));
    year && numbers >= 3 && value.iter().all(|word| word.len() <= 4 || word.bytes().any(|b| b.is_ascii_digit()))
}

fn asks(heading: &[String]) -> Option<Asks> {
    let words = &*WORDS;
    if heading.is_empty() || any(heading, &words.other).is_some() {
        return None;
    }
    if let Some(place) = any(heading, &words.refusal) {
        let rest: Vec<String> = heading[..place.start].iter().chain(&heading[place.end..]).cloned().collect();
        // "Not unsubscribed": two of them are none.
        let negated = any(&rest, &words.negation).is_some() && !negates(&heading[place]);
        return Some(if negated { Asks::Permission } else { Asks::Refusal });
    }
    let all = [(&words.permission, Asks::Permission), (&words.offer, Asks::Offer), (&words.weak, Asks::Weakly)];
    let (place, asked) =
        all.into_iter().find_map(|(phrases, asks)| any(heading, phrases).map(|place| (place, asks)))?;
    let rest: Vec<String> = heading[..place.start].iter().chain(&heading[place.end..]).cloned().collect();
    Some(if any(&rest, &words.negation).is_some() { Asks::Refusal } else { asked })
}

/// Whether the words hold a negation.
fn negates(words: &[String]) -> bool {
    any(words, &WORDS.negation).is_some()
}

/// "(ja/nein)", "1 = yes, 0 = no": what can be answered is no answer, and no negation.
fn leave_out_legend(heading: &mut Vec<String>) {
    let words = &*WORDS;
    let one = |word: &String, phrases: &[Phrase]| {
        phrases.iter().any(|phrase| phrase.len() == 1 && fits(std::slice::from_ref(word), phrase) == Some(1))
    };
    // Only the words that are an answer in most lists: "given" and "wanted" belong to the question.
    let short = |word: &String| word.chars().count() <= 5;
    let beside = heading.windows(2).any(|pair| {
        short(&pair[0])
            && short(&pair[1])
            && ((one(&pair[0], &words.yes) && one(&pair[1], &words.no))
                || (one(&pair[0], &words.no) && one(&pair[1], &words.yes)))
    });
    if beside {
        heading.retain(|word| !(short(word) && (one(word, &words.yes) || one(word, &words.no))));
    }
}

fn ways(words: &[String]) -> BTreeSet<Way> {
    WORDS.ways.iter().filter(|(_, phrases)| any(words, phrases).is_some()).map(|(way, _)| *way).collect()
}

#[cfg(test)]
#[path = "consent_tests.rs"]
mod tests;
