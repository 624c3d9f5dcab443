//! How mail programs introduce what they quote: attribution lines, header blocks, separators; and
//! the banners and tails that nobody wrote.
//!
//! Each is recognised by its grammar. An attribution names a writer and a time or an address, has
//! a verb of writing and ends in a colon, in whatever order and over up to four lines. A header
//! block has at least three of the usual labels within eight lines, in any order.

use std::collections::BTreeSet;

/// Lines that an attribution is wrapped over at most.
const MAX_LINES: usize = 4;
/// Lines of a header block, with wrapped addresses.
const MAX_BLOCK: usize = 8;

const VERBS: &[&str] = &[
    "schrieb",
    "schrieben",
    "schreibt",
    "geschrieben",
    "wrote",
    "writes",
    "écrit",
    "ecrit",
    "écrivait",
    "scritto",
    "scrive",
    "escribió",
    "escribio",
    "escribe",
    "escreveu",
    "schreef",
    "schrijft",
    "geschreven",
    "napisał",
    "napisała",
    "napisał(a)",
    "pisze",
    "skrev",
    "skriver",
    "kirjoitti",
    "napsal",
    "napsala",
    "napsal(a)",
    "írta",
    "написал",
    "написала",
    "написал(а)",
    "пишет",
    "yazdı",
    "scris",
    "napísal",
    "napisao",
    "napisal",
    "kirjutas",
    "rašė",
];

/// Words that begin an attribution which names the time first.
const OPENERS: &[&str] = &[
    "am", "on", "le", "il", "el", "op", "den", "em", "dnia", "w", "dne", "på", "på", "kl", "at",
    "a", "em", "pe", "на",
];

const WEEKDAYS_AND_MONTHS: &[&str] = &[
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonnabend",
    "sonntag",
    "mo",
    "di",
    "mi",
    "do",
    "fr",
    "sa",
    "so",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "lun",
    "mar",
    "mer",
    "jeu",
    "ven",
    "sam",
    "dim",
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "samedi",
    "dimanche",
    "gio",
    "sab",
    "dom",
    "ma",
    "wo",
    "za",
    "zo",
    "maandag",
    "dinsdag",
    "woensdag",
    "donderdag",
    "vrijdag",
    "zaterdag",
    "zondag",
    "mié",
    "jue",
    "vie",
    "sáb",
    "pon",
    "wt",
    "śr",
    "czw",
    "pt",
    "sob",
    "niedz",
    "sön",
    "søn",
    "lør",
    "tor",
    "tir",
    "ons",
    "tis",
    "jan",
    "feb",
    "mär",
    "mrz",
    "märz",
    "apr",
    "mai",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "sept",
    "okt",
    "oct",
    "nov",
    "dez",
    "dec",
    "januar",
    "january",
    "februar",
    "february",
    "march",
    "april",
    "juni",
    "june",
    "juli",
    "july",
    "august",
    "september",
    "oktober",
    "october",
    "november",
    "dezember",
    "december",
    "jänner",
    "janv",
    "févr",
    "mars",
    "avr",
    "juin",
    "juil",
    "août",
    "déc",
];

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
            return is_attribution(&joined).then_some(place + 1);
        }
    }
    None
}

fn is_attribution(text: &str) -> bool {
    let text = text.trim_matches(|c: char| {
        matches!(
            c,
            '-' | '_' | '*' | ' ' | ':' | '：' | '\u{200E}' | '\u{FEFF}'
        )
    });
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
    if !address
        && (own(words.get(verb + 1))
            || verb
                .checked_sub(1)
                .is_some_and(|before| own(words.get(before))))
    {
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

/// `Zitat von Erika <e@b>:` and `Quoting Erika <e@b>:` have no verb of writing.
fn is_quoting(words: &[String], text: &str) -> bool {
    let starts = |opening: &[&str]| {
        words
            .iter()
            .map(String::as_str)
            .take(opening.len())
            .eq(opening.iter().copied())
    };
    text.contains('@')
        && words.len() <= 8
        && (starts(&["zitat", "von"]) || starts(&["quoting"]) || starts(&["citando"]))
}

fn starts_with_time(words: &[String], tokens: &[&str]) -> bool {
    let dateish = |place: usize| {
        words
            .get(place)
            .is_some_and(|word| WEEKDAYS_AND_MONTHS.contains(&word.as_str()))
            || tokens
                .get(place)
                .is_some_and(|token| token.chars().next().is_some_and(|c| c.is_ascii_digit()))
    };
    match words.first() {
        Some(first) if OPENERS.contains(&first.as_str()) => dateish(1) || dateish(2),
        Some(_) => {
            dateish(0)
                && tokens
                    .iter()
                    .take(6)
                    .filter(|token| is_date_like(token))
                    .count()
                    >= 1
        }
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
    let first = token
        .trim_start_matches(|c: char| !c.is_alphanumeric())
        .chars()
        .next();
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
    let separators = token
        .chars()
        .filter(|c| matches!(c, '.' | '/' | '-' | ':'))
        .count();
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
                && hour
                    .bytes()
                    .chain(minute.bytes())
                    .all(|b| b.is_ascii_digit())
        }
        _ => false,
    }
}

/// Lower case, without punctuation at either end.
fn bare(token: &str) -> String {
    token
        .trim_matches(|c: char| !c.is_alphanumeric() && c != '(' && c != ')')
        .trim_start_matches('(')
        .to_lowercase()
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
    let line = line.trim_start_matches(|c: char| {
        c.is_whitespace() || matches!(c, '>' | '*' | '_' | '|' | '\u{200E}')
    });
    let (name, value) = line.split_once([':', '：'])?;
    if name.chars().count() > 22 {
        return None;
    }
    let name = name
        .trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_'))
        .to_lowercase();
    let label = match name.as_str() {
        "von" | "from" | "de" | "da" | "van" | "fra" | "från" | "od" | "absender"
        | "expéditeur" | "mittente" | "afzender" | "remitente" | "lähettäjä" | "от" | "nadawca" => {
            Label::From
        }
        "an" | "to" | "à" | "a" | "aan" | "para" | "til" | "till" | "do" | "empfänger"
        | "destinataire" | "destinatario" | "per" | "kopia do" | "vastaanottaja" | "кому" => {
            Label::To
        }
        "cc" | "kopie" | "copie" | "copia" | "ccn" | "cci" | "bcc" | "kopie an" | "cópia"
        | "dw" | "kopia" => Label::Cc,
        "gesendet" | "gesendet am" | "datum" | "date" | "sent" | "envoyé" | "envoyé le"
        | "inviato" | "data" | "verzonden" | "enviado" | "enviado el" | "enviada"
        | "enviada em" | "fecha" | "sendt" | "skickat" | "dato" | "date d'envoi" | "wysłano"
        | "inviato il" | "lähetetty" | "дата" => Label::Sent,
        "betreff" | "subject" | "objet" | "oggetto" | "onderwerp" | "asunto" | "assunto"
        | "emne" | "ämne" | "temat" | "re" | "betr" | "aihe" | "тема" => Label::Subject,
        "antwort an" | "reply-to" | "wichtigkeit" | "importance" | "priorität" | "priority"
        | "anlagen" | "anhänge" | "attachments" | "organisation" | "organization"
        | "répondre à" | "rispondi a" | "beantwoorden" => Label::Other,
        _ => return None,
    };
    Some((label, value))
}

/// Number of lines of the header block that begins at `lines[0]`, as Outlook writes it above a
/// quoted mail.
pub(super) fn header_block(lines: &[&str]) -> Option<usize> {
    let (first, _) = label(lines.first()?)?;
    if !matches!(
        first,
        Label::From | Label::Sent | Label::Subject | Label::To
    ) {
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
    let kinds = labels
        .iter()
        .filter(|label| **label != Label::Other)
        .count();
    // "Von: Köln, An: Bonn, Datum: 3.4." is a shipment: a block of a mail has a subject or an address.
    (kinds >= 3 && labels.contains(&Label::From) && evidence).then_some(last + 1)
}

const ORIGINAL: &[&str] = &[
    "ursprüngliche nachricht",
    "ursprungliche nachricht",
    "urspruengliche nachricht",
    "originalnachricht",
    "original-nachricht",
    "original nachricht",
    "original message",
    "original mail",
    "original-mail",
    "weitergeleitete nachricht",
    "weitergeleitete e-mail",
    "weitergeleitete mail",
    "weitergeleitet von",
    "weitergeleitet durch",
    "forwarded message",
    "forwarded by",
    "begin forwarded message",
    "anfang der weitergeleiteten nachricht",
    "anfang der weitergeleiteten e-mail",
    "anfang weitergeleitete nachricht",
    "message d'origine",
    "message original",
    "message d’origine",
    "message transféré",
    "message réexpédié",
    "début du message réexpédié",
    "début du message transféré",
    "mensaje original",
    "mensaje reenviado",
    "messaggio originale",
    "messaggio inoltrato",
    "inizio messaggio inoltrato",
    "oorspronkelijk bericht",
    "doorgestuurd bericht",
    "oprindelig meddelelse",
    "ursprungligt meddelande",
    "mensagem original",
    "wiadomość oryginalna",
    "original appointment",
    "ursprünglicher termin",
    "reply message",
    "исходное сообщение",
    "пересылаемое сообщение",
    "original email",
];

/// `-----Ursprüngliche Nachricht-----`, `Begin forwarded message:`
pub(super) fn separator(line: &str) -> bool {
    let core = line.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '-' | '_' | '=' | '*' | '–' | '—' | '+' | '~')
    });
    if core.chars().count() > 80 {
        return false;
    }
    let dressed = line.trim().len() > core.len() + 3 || line.trim_end().ends_with(':');
    let core = core.trim_end_matches(':').to_lowercase();
    ORIGINAL.iter().any(|words| {
        core.strip_prefix(words).is_some_and(|rest| {
            rest.is_empty()
                || dressed
                || rest.starts_with(" processed by ")
                || rest.starts_with(" from ")
        })
    })
}

/// A line drawn with dashes or underscores.
pub(super) fn rule(line: &str) -> bool {
    let line = line.trim();
    line.chars().count() >= 3
        && line
            .chars()
            .all(|c| matches!(c, '-' | '_' | '=' | '*' | '–' | '—' | '─' | '~' | '#'))
}

/// `Von meinem iPhone gesendet`, `Get Outlook for iOS<https://…>`
pub(super) fn mobile_tail(line: &str) -> bool {
    let plain = without_links(line);
    let plain =
        plain.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_' | '.' | '-'));
    let words = plain.split_whitespace().count();
    if !(2..=9).contains(&words) || plain.contains([',', ':', ';']) {
        return false;
    }
    let plain = plain.to_lowercase();
    let starts = |openings: &[&str]| openings.iter().any(|opening| plain.starts_with(opening));
    let ends = |endings: &[&str]| endings.iter().any(|ending| plain.ends_with(ending));
    (starts(&[
        "von mein",
        "von unterwegs",
        "vom ",
        "diese nachricht wurde",
        "mit der ",
        "von outlook",
        "von yahoo",
        "aus der ",
    ]) && ends(&["gesendet", "versendet", "geschickt", "verschickt"]))
        || (ends(&[
            "iphone gesendet",
            "ipad gesendet",
            "handy gesendet",
            "smartphone gesendet",
            "mobil gesendet",
            "unterwegs gesendet",
        ]))
        || starts(&[
            "gesendet von",
            "gesendet mit",
            "gesendet über",
            "gesendet vom",
            "gesendet aus",
            "get outlook for",
            "outlook für ios",
            "outlook für android",
            "holen sie sich outlook",
            "sent from my ",
            "sent from outlook",
            "sent from mail for",
            "sent from yahoo",
            "sent from proton",
            "sent from mobile",
            "sent from gmail",
            "sent with ",
            "sent via ",
            "envoyé de mon",
            "envoyé depuis",
            "envoyé à partir de",
            "inviato da",
            "inviato dal",
            "verzonden vanaf",
            "verzonden vanuit",
            "verstuurd vanaf",
            "enviado desde",
            "enviado do meu",
            "skickat från",
            "sendt fra",
            "wysłane z",
            "lähetetty ",
            "téléchargez outlook",
            "scarica outlook",
            "outlook voor",
        ])
}

fn without_links(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut depth = 0_usize;
    for c in line.chars() {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            c if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    plain
}

const BANNER_OPENINGS: &[&str] = &[
    "caution",
    "achtung",
    "vorsicht",
    "warning",
    "warnung",
    "extern",
    "external",
    "hinweis",
    "diese e-mail",
    "diese nachricht",
    "dies ist eine externe",
    "this email",
    "this e-mail",
    "this message",
    "you don't often get",
    "you don’t often get",
    "sie erhalten nicht",
    "sie erhalten nicht oft",
    "attention",
    "attenzione",
    "let op",
    "security notice",
    "sicherheitshinweis",
];
const BANNER_TOPICS: &[&[&str]] = &[
    &[
        "outside",
        "extern",
        "außerhalb",
        "often get",
        "nicht häufig",
        "nicht oft",
        "l'extérieur",
        "esterno",
    ],
    &[
        "link",
        "anhang",
        "anhänge",
        "attachment",
        "klick",
        "click",
        "learn why",
        "erfahren sie",
        "warum dies wichtig",
        "pièce",
        "allegati",
    ],
    &[
        "sender",
        "absender",
        "originat",
        "stammt",
        "e-mails von",
        "email from",
        "content is safe",
        "inhalt sicher",
        "expéditeur",
        "mittente",
    ],
];

/// Warnings that a mail server puts above a mail from outside.
pub(super) fn banner(paragraph: &[&str]) -> bool {
    let text = paragraph.join(" ").to_lowercase();
    let text = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    if text.len() > 900 {
        return false;
    }
    if matches!(
        text.trim_end_matches(|c: char| !c.is_alphanumeric()),
        "extern" | "external" | "externe e-mail" | "external email"
    ) {
        return true;
    }
    BANNER_OPENINGS
        .iter()
        .any(|opening| text.starts_with(opening))
        && BANNER_TOPICS
            .iter()
            .filter(|words| words.iter().any(|word| text.contains(word)))
            .count()
            >= 2
}
