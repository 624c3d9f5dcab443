//! Whether a text objects to advertising.
//!
//! **Invariant:** rather once too often than once too seldom: a wrong block costs a letter, a missed
//! objection is a breach (Art. 21 (2) GDPR).

use crate::name::fold;

/// Phrases, folded; `*` stands for up to four words between, a full stop for the end of the last
/// word, which may go on otherwise.
const PHRASES: &[&str] = &[
    "keine * werbung",
    "keine werbe",
    "kein newsletter",
    "keinen newsletter",
    "keine newsletter",
    "keine * newsletter",
    "keinen * newsletter",
    "newsletter * nicht mehr",
    "nicht mehr * newsletter",
    "keine weiteren mails",
    "keine weiteren e-mails",
    "keine weiteren emails",
    "keine mails mehr",
    "keine e-mails mehr",
    "keine emails mehr",
    "keine weiteren nachrichten",
    "keine post mehr",
    "keine anrufe",
    "keine werbeanrufe",
    "nicht mehr anschreiben",
    "nicht mehr kontaktieren",
    "nicht mehr anrufen",
    "newsletter * abbestellen",
    "newsletter * abmelden",
    "newsletter * kuendigen",
    "vom newsletter",
    "aus * verteiler.",
    "aus * mailverteiler",
    "aus * e-mail-verteiler",
    "aus * verteilerliste",
    "von * verteiler.",
    "von * verteilerliste",
    "vom verteiler.",
    "vom * verteiler.",
    "verteiler * streichen",
    "verteiler * loeschen",
    "verteiler * nehmen",
    "tragen sie mich * aus.",
    "tragen sie uns * aus.",
    "trag mich * aus.",
    "tragt mich * aus.",
    "mich * austragen",
    "uns * austragen",
    "mich * abmelden",
    "widerspreche * werb",
    "widerspreche * verarbeitung",
    "widerspreche * nutzung",
    "widerspreche * verwendung",
    "widerspruch * werb",
    "widerspruch * verarbeitung",
    "werbewiderspruch",
    "loeschen * meine daten",
    "loesche * meine daten",
    "loescht * meine daten",
    "loeschung * meiner daten",
    "meine daten * loeschen",
    "loeschen * meine adresse",
    "loeschen * meine kontaktdaten",
    "meine kontaktdaten * loeschen",
    "moechte nicht angeschrieben",
    "moechte nicht kontaktiert",
    "wuenscht keine * kontakt",
    "wuenscht keine * werb",
    "will keine * werb",
    "einwilligung * widerruf",
    "widerrufe * einwilligung",
    "unsubscribe",
    "remove me",
    "take me off",
    "no more emails",
    "no more mails",
    "no more e-mails",
    "no advertising",
    "no marketing",
    "no newsletter",
    "do not contact",
    "don't contact",
    "stop sending",
    "stop emailing",
    "stop contacting",
    "stop calling",
    "stop mailing",
    "stop writing",
    "delete * my data",
    "delete * my details",
    "delete * my contact",
    "delete * my personal",
    "erase * my data",
    "remove * my data",
    "remove my details",
    "opt out",
    "opt-out",
    "plus recevoir",
    "desabonner",
    "desinscri",
    "pas de publicite",
    "pas de newsletter",
    "non desidero * ricevere",
    "cancellatemi",
    "niente pubblicita",
    "geen reclame",
    "geen nieuwsbrief",
    "uitschrijven",
    "prosze o wypisanie",
];

/// "Leitung von der Pumpe zum Verteiler" is about a valve. Who wants off a list speaks of
/// themselves, or of what shall be done.
const ASKS: [&str; 15] = [
    "mich", "uns", "meine", "mein", "mir", "ich", "bitte", "streich", "nehm", "nimm", "entfern", "loesch", "abmeld",
    "austrag", "raus",
];

/// Whether the text holds an objection.
pub fn is_in(text: &str) -> bool {
    let folded = fold(text);
    let words: Vec<&str> = folded
        .split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '\''))
        .filter(|word| !word.is_empty())
        .collect();
    let asks = words.iter().any(|word| ASKS.iter().any(|ask| word.starts_with(ask)));
    PHRASES.iter().filter(|phrase| asks || !phrase.contains(" verteiler.")).any(|phrase| {
        let parts: Vec<&str> = phrase.split(' ').collect();
        (0..words.len()).any(|start| fits(&words[start..], &parts))
    })
}

/// Whether the words begin with the phrase. The phrase's last word may go on: "werb" is "Werbung".
fn fits(words: &[&str], phrase: &[&str]) -> bool {
    match phrase {
        [] => true,
        ["*", rest @ ..] => (0..=4).any(|skip| words.get(skip..).is_some_and(|words| fits(words, rest))),
        [last] if last.ends_with('.') => words.first().is_some_and(|word| *word == last.trim_end_matches('.')),
        [last] => words.first().is_some_and(|word| word.starts_with(last)),
        [part, rest @ ..] => words.first().is_some_and(|word| word == part) && fits(&words[1..], rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objection_is_heard_in_any_wording() {
        for text in [
            "Angebot per Post. Möchte KEINE Werbung und keine Anrufe vom Callcenter!",
            "hiermit widerspreche ich der Verarbeitung meiner Daten für Zwecke der Werbung.",
            "Bitte schicken Sie mir keine weiteren E-Mails.",
            "bitte nehmen Sie mich aus dem Verteiler",
            "kein Newsletter",
            "Please remove me from your list",
            "Merci de me désabonner",
            "will keine weitere Werbung",
            "Bitte löschen Sie alle meine Daten.",
            "Ich bitte um die Löschung meiner Daten",
            "Ich möchte Ihren Newsletter nicht mehr erhalten.",
            "bitte keine weiteren Newsletter",
            "Tragen Sie mich bitte aus!",
            "Please delete my data",
            "Stop contacting me.",
            "bitte streichen Sie mich vom Verteiler",
            "Ich möchte von Ihrem Verteiler gestrichen werden",
            "unsubscribe",
        ] {
            assert!(is_in(text), "{text}");
        }
    }

    #[test]
    fn ordinary_notes_are_no_objection() {
        for text in [
            "Wettbewerber! Keine Preise, keine Unterlagen.",
            "Nicht vor Juli anrufen!",
            "hat keine eigene Mailadresse, bitte anrufen",
            "Bitte um Angebot für die Werbetechnik",
            "Es ist der Verteiler im Schaltschrank",
            "Ersatz von 2 Verteilergetrieben",
            "Leitung von der Pumpe zum Verteiler",
            "Tragen Sie mich bitte für die Ausstellung ein",
            "Bitte Preis für die Leitung aus dem Verteilergetriebe",
            "",
        ] {
            assert!(!is_in(text), "{text}");
        }
    }
}
