//! Names that the sender bears now: "heiße jetzt …", "mein Nachname schreibt sich …".

use super::Statements;
use crate::{
    name::{self, fold},
    reply::sentence::find,
};

impl Statements {
    pub(super) fn names(&mut self, sentence: &str) {
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
        // "Gern heiße ich Sie willkommen", "unser neuer Name ist …": nobody's own name.
        if ["unser", "firma", "willkommen"].iter().any(|word| folded.contains(word)) {
            return;
        }
        let after = |cues: &[&str]| -> Option<Vec<String>> {
            let (at, cue) = cues.iter().filter_map(|cue| find(sentence, cue).map(|at| (at, cue))).min()?;
            let tail = sentence.get(at..)?.split_whitespace().skip(cue.split(' ').count());
            let owner = sentence.get(..at)?.split_whitespace().next_back().map(fold).unwrap_or_default();
            let another = ["ihr", "sein", "dessen", "deren", "his", "her"].contains(&owner.as_str());
            // "bitte nur noch Frau Ilg anschreiben" is about a colleague.
            let addressed = *cue == "nur noch"
                && tail.clone().next().is_some_and(|word| matches!(fold(word).as_str(), "frau" | "herr" | "herrn"));
            if another || addressed {
                return None;
            }
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
    let polite = matches!(bare, "Sie" | "Ihnen" | "Ihr" | "Ihre" | "Euch" | "Dich" | "Dir" | "Du");
    let capital = !polite && (bare.starts_with(char::is_uppercase) || name::is_particle(bare));
    let ends = word.ends_with([',', '.', ';', '!', ')', ':']);
    (capital && bare.chars().count() > 1 && !word.starts_with('(')).then(|| (bare.to_owned(), ends))
}
