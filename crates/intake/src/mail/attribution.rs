//! How mail programs introduce what they quote: attribution lines and header blocks.
//!
//! Each is recognised by its grammar. An attribution names a writer and a time or an address, has
//! a verb of writing and ends in a colon, in whatever order and over up to four lines. A header
//! block has at least three of the usual labels within eight lines, in any order.

use std::collections::BTreeSet;

use super::phrases::{OPENERS, VERBS, WEEKDAYS_AND_MONTHS};

/// Lines that an attribution is wrapped over at most.
const MAX_LINES: usize = 4;
/// Lines of a header block, with wrapped addresses.
const MAX_BLOCK: usize = 8;

/// Number of lines of the attribution that begins at `lines[0]`.
pub(super) fn attribution(lines: &[&str]) -> Option<usize> {
    let mut joined = String::new();
    for (place, line) in lines.iter().take(MAX_LINES).enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('>') || line.len() > 400 {
            return None;
        }
        if place > 0 && !line.is_empty() {
            joined.push(' ');
        }
        joined.push_str(line);
        if line.ends_with([':', '：']) {
            return (is_attribution(&joined) || is_verbless(&joined)).then_some(place + 1);
        }
        // `On Wed, 14 Nov 2018 08:14 Erika <e@b> wrote`, as some programs leave the colon out.
        let last = joined.trim_end_matches(['-', ' ']).split_whitespace().next_back().map(bare);
        if joined.contains('@') && last.is_some_and(|word| VERBS.contains(&word.as_str())) && is_attribution(&joined) {
            return Some(place + 1);
        }
    }
    None
}

/// Number of lines that name a time and an address and end in a colon.
pub(super) fn addressed(lines: &[&str]) -> Option<usize> {
    let end = lines.iter().take(2).position(|line| line.trim_end().ends_with([':', '：']))?;
    let joined = lines[..=end].join(" ");
    let dated = joined.split_whitespace().any(is_date_like);
    (joined.contains('@') && dated && joined.split_whitespace().count() <= 20).then_some(end + 1)
}

fn is_attribution(text: &str) -> bool {
    let text = text.trim_matches(|c: char| matches!(c, '-' | '_' | '*' | ' ' | ':' | '：' | '\u{200E}' | '\u{FEFF}'));
    let tokens: Vec<&str> = text.split_whitespace().collect();
    if tokens.len() > 40 {
        return false;
    }
    let words: Vec<String> = tokens.iter().map(|token| bare(token)).collect();
    if is_quoting(&words, text) {
        return true;
    }
    let Some(verb) = words.iter().position(|word| VERBS.contains(&word.as_str())) else {
        return false;
    };
    // "I wrote", "schrieben wir": the sender speaks of a letter of their own.
    let own = |word: Option<&String>| {
        word.is_some_and(|w| matches!(w.as_str(), "ich" | "wir" | "i" | "we" | "j" | "je" | "nous"))
    };
    let address = text.contains('@');
    if !address && (own(words.get(verb + 1)) || verb.checked_sub(1).is_some_and(|before| own(words.get(before)))) {
        return false;
    }
    let dated = tokens.iter().any(|token| is_date_like(token));
    if !address && !dated {
        return false;
    }
    if starts_with_time(&words, &tokens) {
        // The writer is named beside the verb; a sentence goes on and on.
        return words.len() - verb <= 16 && !has_sentence_end(&tokens[..verb]);
    }
    let name = &tokens[..verb];
    (1..=10).contains(&name.len())
        && !has_sentence_end(name)
        && (address || (dated && tokens.iter().any(|token| is_time_of_day(token))))
        && name.iter().all(|word| is_name_word(word))
}

/// `30.09.2026, 18:30, "Erika" <e@b>:` has a time, a writer and nothing else.
fn is_verbless(text: &str) -> bool {
    let tokens: Vec<&str> = text.split_whitespace().collect();
    let words: Vec<String> = tokens.iter().map(|token| bare(token)).collect();
    text.ends_with(">:")
        && text.contains('@')
        && tokens.len() <= 16
        && starts_with_time(&words, &tokens)
        && tokens.iter().any(|token| is_date_like(token))
        && !has_sentence_end(&tokens)
}

/// `Zitat von Erika <e@b>:` and `Quoting Erika <e@b>:` have no verb of writing.
fn is_quoting(words: &[String], text: &str) -> bool {
    let starts = |opening: &[&str]| words.iter().map(String::as_str).take(opening.len()).eq(opening.iter().copied());
    text.contains('@')
        && words.len() <= 8
        && (starts(&["zitat", "von"]) || starts(&["quoting"]) || starts(&["citando"]))
}

fn starts_with_time(words: &[String], tokens: &[&str]) -> bool {
    let dateish = |place: usize| {
        words.get(place).is_some_and(|word| WEEKDAYS_AND_MONTHS.contains(&word.as_str()))
            || tokens.get(place).is_some_and(|token| token.chars().next().is_some_and(|c| c.is_ascii_digit()))
    };
    match words.first() {
        Some(first) if OPENERS.contains(&first.as_str()) => dateish(1) || dateish(2),
        Some(_) => dateish(0) && tokens.iter().take(6).filter(|token| is_date_like(token)).count() >= 1,
        None => false,
    }
}

/// A full stop after a longer word in lower case ends a sentence; after "Apr." or "Dr." it does not.
fn has_sentence_end(tokens: &[&str]) -> bool {
    tokens.iter().any(|token| {
        token.ends_with(['!', '?', ';'])
            || (token.ends_with('.')
                && token.chars().count() > 6
                && token.chars().next().is_some_and(char::is_lowercase)
                && !token.contains('@'))
    })
}

fn is_name_word(token: &str) -> bool {
    let first = token.trim_start_matches(|c: char| !c.is_alphanumeric()).chars().next();
    let particle = matches!(
        token.to_lowercase().as_str(),
        "von"
            | "van"
            | "der"
            | "den"
            | "de"
            | "zu"
            | "zum"
            | "zur"
            | "vom"
            | "di"
            | "da"
            | "del"
            | "la"
            | "le"
            | "via"
            | "ter"
            | "ten"
            | "dos"
            | "el"
            | "al"
            | "hat"
            | "has"
            | "a"
            | "ha"
            | "|"
            | "-"
            | "–"
            | "&"
            | "/"
            | "und"
            | "and"
    );
    particle
        || token.contains('@')
        || token.starts_with(['<', '(', '[', '"', '„', '\''])
        || first.is_none_or(|c| c.is_uppercase() || c.is_ascii_digit())
}

fn is_date_like(token: &str) -> bool {
    let digits = token.chars().filter(char::is_ascii_digit).count();
    let separators = token.chars().filter(|c| matches!(c, '.' | '/' | '-' | ':')).count();
    let year = {
        let bare = token.trim_matches(|c: char| !c.is_ascii_digit());
        bare.len() == 4 && (bare.starts_with("19") || bare.starts_with("20"))
    };
    !token.contains('@') && (year || is_time_of_day(token) || (digits >= 3 && separators >= 2))
}

fn is_time_of_day(token: &str) -> bool {
    let bare = token.trim_matches(|c: char| !c.is_ascii_digit());
    let mut parts = bare.split([':', 'h', '.']);
    match (parts.next(), parts.next()) {
        (Some(hour), Some(minute)) if bare.contains([':', 'h']) => {
            (1..=2).contains(&hour.len())
                && minute.len() == 2
                && hour.bytes().chain(minute.bytes()).all(|b| b.is_ascii_digit())
        }
        _ => false,
    }
}

/// Lower case, without punctuation at either end.
fn bare(token: &str) -> String {
    token.trim_matches(|c: char| !c.is_alphanumeric() && c != '(' && c != ')').trim_start_matches('(').to_lowercase()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    From,
    To,
    Cc,
    Sent,
    Subject,
    Other,
}

fn label(line: &str) -> Option<(Label, &str)> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '>' | '*' | '_' | '|' | '\u{200E}'));
    let (name, value) = line.split_once([':', '：'])?;
    if name.chars().count() > 22 {
        return None;
    }
    let name = name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_')).to_lowercase();
    let label = match name.as_str() {
        "von" | "from" | "de" | "da" | "van" | "fra" | "från" | "od" | "absender" | "expéditeur" | "mittente"
        | "afzender" | "remitente" | "lähettäjä" | "от" | "nadawca" => Label::From,
        "an" | "to" | "à" | "a" | "aan" | "para" | "til" | "till" | "do" | "empfänger" | "destinataire"
        | "destinatario" | "per" | "kopia do" | "vastaanottaja" | "кому" => Label::To,
        "cc" | "kopie" | "copie" | "copia" | "ccn" | "cci" | "bcc" | "kopie an" | "cópia" | "dw" | "kopia" => {
            Label::Cc
        }
        "gesendet"
        | "gesendet am"
        | "datum"
        | "date"
        | "sent"
        | "envoyé"
        | "envoyé le"
        | "message du"
        | "inviato"
        | "data"
        | "verzonden"
        | "enviado"
        | "enviado el"
        | "enviada"
        | "enviada em"
        | "fecha"
        | "sendt"
        | "skickat"
        | "dato"
        | "date d'envoi"
        | "wysłano"
        | "отправлено"
        | "inviato il"
        | "lähetetty"
        | "дата" => Label::Sent,
        "betreff" | "subject" | "objet" | "oggetto" | "sujet" | "onderwerp" | "asunto" | "assunto" | "emne"
        | "ämne" | "temat" | "re" | "betr" | "aihe" | "тема" => Label::Subject,
        "antwort an" | "reply-to" | "wichtigkeit" | "importance" | "priorität" | "priority" | "anlagen" | "anhänge"
        | "attachments" | "organisation" | "organization" | "répondre à" | "rispondi a" | "beantwoorden" => {
            Label::Other
        }
        _ => return None,
    };
    Some((label, value))
}

/// Number of lines of the header block that begins at `lines[0]`, as Outlook writes it above a
/// quoted mail.
pub(super) fn header_block(lines: &[&str]) -> Option<usize> {
    let (first, _) = label(lines.first()?)?;
    if !matches!(first, Label::From | Label::Sent | Label::Subject | Label::To) {
        return None;
    }
    let (mut labels, mut last, mut seen, mut blanks) = (BTreeSet::new(), 0, 0, 0);
    let mut evidence = false;
    for (place, line) in lines.iter().enumerate() {
        if line.trim().is_empty() {
            blanks += 1;
            if blanks > 1 && labels.len() >= 3 {
                break;
            }
            continue;
        }
        seen += 1;
        if seen > MAX_BLOCK {
            break;
        }
        if let Some((label, value)) = label(line) {
            labels.insert(label);
            evidence |= value.contains('@') || label == Label::Subject;
            last = place;
        } else if blanks > 0 {
            // Text after a blank line is the quoted mail already.
            break;
        } else {
            evidence |= line.contains('@');
        }
    }
    let kinds = labels.iter().filter(|label| **label != Label::Other).count();
    // "Von: Köln, An: Bonn, Datum: 3.4." is a shipment: a block of a mail has a subject or an address.
    (kinds >= 3 && labels.contains(&Label::From) && evidence).then_some(last + 1)
}
