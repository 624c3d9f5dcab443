//! Where a signature begins.
//!
//! In the order of trust: the delimiter `-- `; a sign-off with nothing but a signature after it; a
//! block at the end whose lines are phones, addresses, legal forms and registers; the sender's own
//! name at the end.

use super::{
    boilerplate::{mobile_tail, rule},
    phrases::{LEGAL_FORMS, SIGN_OFFS},
};

/// The line of `lines` where the signature begins; their number if there is none.
pub(super) fn start(lines: &[&str], sender: &[String]) -> usize {
    let filled = lines.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    let lines = &lines[..filled];
    let tail = lines.iter().position(|line| mobile_tail(line) || is_notice_heading(line)).unwrap_or(filled);
    let body = &lines[..tail];
    // A sign-off stands above the delimiter: "Viele Grüße, Anna", then "-- " and the company.
    let begin = match (delimiter(body), sign_off(body)) {
        (Some(one), Some(other)) => one.min(other),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => contact_block(body, sender).unwrap_or_else(|| own_name(body, sender)),
    };
    // Where only blank lines and a rule lie before the signature, the rule belongs to it.
    let mut begin = begin.min(tail);
    while begin > 0 && begin < filled && (lines[begin - 1].trim().is_empty() || rule(lines[begin - 1])) {
        begin -= 1;
    }
    begin
}

/// `-- ` by RFC 3676; a drawn line only where contact data follows.
fn delimiter(lines: &[&str]) -> Option<usize> {
    lines.iter().enumerate().position(|(place, line)| {
        let bare = line.trim();
        let rest = &lines[place + 1..];
        match bare {
            "--" | "—" | "–" | "--&nbsp;" => {
                rest.iter().filter(|line| !line.trim().is_empty()).take(41).count() <= 40
            }
            _ => rule(line) && looks_like_block(rest),
        }
    })
}

fn looks_like_block(rest: &[&str]) -> bool {
    let filled: Vec<&&str> = rest.iter().filter(|line| !line.trim().is_empty()).take(26).collect();
    let contacts = filled.iter().filter(|line| is_contact(line)).count();
    let first_is_prose = filled.first().is_some_and(|line| is_prose(line));
    (1..=25).contains(&filled.len()) && contacts >= 1 && !first_is_prose
}

/// The first sign-off after which no more text follows.
fn sign_off(lines: &[&str]) -> Option<usize> {
    lines.iter().enumerate().position(|(place, line)| {
        let (sign_off, thanks) = (is_sign_off(line), is_thanks(line));
        if sign_off.is_none() && !thanks {
            return false;
        }
        // In the south "Servus" greets as well, and the first line of several is the greeting.
        let first = lines[..place].iter().all(|line| line.trim().is_empty());
        let more = lines[place + 1..].iter().any(|line| !line.trim().is_empty());
        if first && more && line.trim_start().to_lowercase().starts_with("servus") {
            return false;
        }
        let strong = sign_off == Some(true);
        let rest: Vec<&str> =
            lines[place + 1..].iter().copied().filter(|line| !line.trim().is_empty()).take(60).collect();
        let named = rest.first().is_none_or(|line| !is_prose(line));
        if thanks {
            return (1..=4).contains(&rest.len()) && is_short_name(rest[0]) && !rest.iter().any(|line| is_prose(line));
        }
        // Legal notices at the end are long; between sign-off and them stands the signature.
        let prose = rest.iter().take(4).filter(|line| is_prose(line)).count();
        named && (prose == 0 || (strong && prose <= 2 && rest.len() > prose))
    })
}

/// Thanks are text, unless they stand above a name as a sign-off does.
fn is_thanks(line: &str) -> bool {
    let plain = line.trim().trim_end_matches(',').to_lowercase();
    matches!(
        plain.as_str(),
        "thanks"
            | "thank you"
            | "many thanks"
            | "thanks again"
            | "danke"
            | "vielen dank"
            | "besten dank"
            | "herzlichen dank"
            | "merci"
            | "grazie"
    )
}

/// One to three capitalised words and nothing else.
fn is_short_name(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    (1..=3).contains(&words.len())
        && words.iter().all(|word| {
            word.chars().next().is_some_and(char::is_uppercase)
                && word.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '.' | '\''))
        })
        && !is_thanks(line)
}

/// `Some(true)` for a sign-off that is nothing else, `Some(false)` for words that may be text.
fn is_sign_off(line: &str) -> Option<bool> {
    let plain = line
        .trim()
        .trim_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase()
        .replace("gruss", "gruß")
        .replace("grüsse", "grüße")
        .replace("gruesse", "grüße")
        .replace("gruess", "grüß");
    let words = plain.split_whitespace().count();
    // "i. V. Anna Weiß": signed for somebody.
    let compact = line.trim().to_lowercase().replace(". ", ".");
    if ["i.v.", "i.a.", "ppa.", "p.p."].iter().any(|mark| compact.starts_with(mark))
        && !compact.starts_with("p.p.s")
        && words <= 8
    {
        return Some(false);
    }
    if words == 0 || words > 9 || line.trim().ends_with('?') {
        return None;
    }
    let found = SIGN_OFFS.iter().filter_map(|phrase| {
        let rest = plain.strip_prefix(phrase)?;
        if rest.is_empty() {
            return Some(true);
        }
        let short = phrase.len() <= 4;
        let joined = rest.starts_with([',', '!', '.', '/', ' ', '-', '&', ':']);
        let next = rest.trim_start_matches([',', '!', '.', ' ']).split_whitespace().next().unwrap_or_default();
        let goes_on = [
            "aus",
            "vom",
            "von",
            "und",
            "sendet",
            "an",
            "/",
            "&",
            "ihr",
            "ihre",
            "dein",
            "deine",
            "i",
            "nach",
            "and",
            "from",
            "your",
            "für",
            "in",
            "wünscht",
            "wünschen",
            "ihre",
            "euer",
        ];
        if short {
            // "VG Anna", "LG aus Köln", but not "SG 12 ist frei".
            return (joined && words <= 4 && !rest.chars().any(|c| c.is_ascii_digit())).then_some(false);
        }
        (joined && (goes_on.contains(&next) || words <= phrase.split_whitespace().count() + 3)).then_some(false)
    });
    found.max()
}

/// A paragraph at the end that is mostly contact data, with the names and positions above it.
fn contact_block(lines: &[&str], sender: &[String]) -> Option<usize> {
    let mut begin = None;
    let mut end = lines.len();
    while end > 0 {
        let start = lines[..end].iter().rposition(|line| line.trim().is_empty()).map_or(0, |blank| blank + 1);
        let paragraph = &lines[start..end];
        let contacts = paragraph.iter().filter(|line| is_contact(line)).count();
        let prose = paragraph.iter().filter(|line| is_prose(line) && !is_legal_notice(line)).count();
        let named = paragraph.len() <= 4 && paragraph.iter().any(|line| is_name(line, sender));
        let most = contacts >= 2 || contacts * 2 >= paragraph.len() || named;
        // Links alone are what the text speaks of, and so is a number alone.
        let evidence = begin.is_some()
            || named
            || (paragraph.len() >= 2 && paragraph.iter().any(|line| is_contact(line) && !is_link(line)));
        let block = contacts > 0 && prose == 0 && most && evidence;
        let legal = is_legal_notice(&paragraph.join(" "));
        if start == 0 && begin.is_none() && !paragraph.is_empty() && !named {
            // A mail that is nothing but a line with a number is the message itself.
            break;
        }
        if start > 0 && (block || legal || (begin.is_some() && named && prose == 0)) {
            begin = Some(start);
        } else {
            // A paragraph may be text above and contact data below, without a blank line between.
            let tail = paragraph.iter().rposition(|line| is_prose(line)).map_or(0, |last| last + 1);
            let rest = &paragraph[tail..];
            let contacts = rest.iter().filter(|line| is_contact(line)).count();
            if begin.is_none() && tail > 0 && contacts >= 2 && contacts * 2 >= rest.len() {
                begin = Some(start + tail);
            }
            break;
        }
        end = lines[..start].iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    }
    begin
}

fn is_link(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.all(|word| word.starts_with("http") || word.starts_with("www."))
}

/// The sender's own name as the last line; without a full name in the header, what looks like one.
fn own_name(lines: &[&str], sender: &[String]) -> usize {
    match lines.iter().rposition(|line| !line.trim().is_empty()) {
        Some(last) if last > 0 && is_name(lines[last], sender) => last,
        Some(last)
            if last > 1 && sender.len() == 1 && lines[last - 1].trim().is_empty() && is_short_name(lines[last]) =>
        {
            last
        }
        _ => lines.len(),
    }
}

/// Words of the sender's name or their initials, and nothing else.
fn is_name(line: &str, sender: &[String]) -> bool {
    let words: Vec<String> =
        line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let degree = |word: &str| matches!(word, "dr" | "prof" | "dipl" | "ing" | "mag" | "med" | "i" | "a" | "v" | "ppa");
    !words.is_empty()
        && words.len() <= 6
        && words.iter().any(|word| word.chars().count() > 1 && sender.contains(word))
        && words.iter().all(|word| {
            sender.contains(word)
                || degree(word)
                || (word.chars().count() == 1 && sender.iter().any(|name| name.starts_with(word.as_str())))
        })
}

/// Longer than names and addresses are, or a sentence.
fn is_prose(line: &str) -> bool {
    let line = line.trim();
    let words = line.split_whitespace().count();
    if is_contact(line) {
        return false;
    }
    let lower = line.split_whitespace().filter(|word| word.chars().next().is_some_and(char::is_lowercase)).count();
    words >= 12 || (words >= 5 && lower * 2 >= words) || (words >= 4 && line.ends_with(['.', '!', '?']) && lower >= 2)
}

/// A phone, an address of the net or of a street, a company with its legal form, or what German
/// law makes companies put below a letter.
pub(super) fn is_contact(line: &str) -> bool {
    let line = line.trim().trim_start_matches(['>', '|', '*', ' ']);
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.is_empty() || line.chars().count() > 240 {
        return false;
    }
    let lower = line.to_lowercase();
    let has = |needles: &[&str]| needles.iter().any(|needle| lower.contains(needle));
    if has(&[
        "amtsgericht",
        "registergericht",
        "handelsregister",
        "hrb ",
        "hra ",
        "geschäftsführ",
        "ust-id",
        "ustid",
        "ust.-id",
        "sitz der gesellschaft",
        "vorstand:",
        "aufsichtsrat",
        "firmenbuch",
        "che-",
        "kvk",
        "partita iva",
        "p.iva",
        "siret",
        "rcs ",
        "company reg",
        "vat ",
        "steuernummer",
    ]) && !sentence(&words)
    {
        return true;
    }
    let short = words.len() <= 10 || line.contains(['|', '·', '•']);
    short
        && !sentence(&words)
        && (is_phone_line(&lower, line) || is_net_line(&words) || is_place(&words, &lower) || is_company(&words))
}

/// Verbs and pronouns: nobody's signature has them.
fn sentence(words: &[&str]) -> bool {
    const GRAMMAR: &[&str] = &[
        "ich",
        "wir",
        "sie",
        "ist",
        "sind",
        "bin",
        "haben",
        "hat",
        "habe",
        "wird",
        "werden",
        "bitte",
        "meine",
        "mein",
        "unsere",
        "nicht",
        "auch",
        "noch",
        "jetzt",
        "dass",
        "the",
        "is",
        "are",
        "have",
        "please",
        "my",
        "our",
        "will",
        "you",
        "i",
        "we",
        "can",
        "not",
        "this",
        "unter",
        "oder",
        "war",
        "wurde",
        "je",
        "nous",
        "vous",
        "est",
        "sono",
        "ho",
        "ik",
        "wij",
        "geht",
        "rufen",
        "erreichen",
        "erreichbar",
        "gerne",
        "was",
        "wie",
    ];
    words
        .iter()
        .filter(|word| GRAMMAR.contains(&word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase().as_str()))
        .count()
        >= 1
        && words.len() >= 4
}

fn is_phone_line(lower: &str, line: &str) -> bool {
    let digits = line.chars().filter(char::is_ascii_digit).count();
    if digits < 5 {
        return false;
    }
    let labelled = lower.split(['|', ',', ';', '·', '•', '/']).any(|piece| {
        let piece = piece.trim_start_matches(|c: char| !c.is_alphanumeric());
        let label: String = piece.chars().take_while(|c| c.is_alphabetic()).collect();
        matches!(
            label.as_str(),
            "t" | "tel"
                | "telefon"
                | "fon"
                | "phone"
                | "mobil"
                | "mobile"
                | "mob"
                | "m"
                | "f"
                | "fax"
                | "telefax"
                | "handy"
                | "durchwahl"
                | "dw"
                | "direkt"
                | "direct"
                | "zentrale"
                | "office"
                | "cell"
                | "p"
                | "d"
                | "telefono"
                | "tél"
                | "téléphone"
                | "natel"
                | "gsm"
                | "ph"
                | "telefoon"
                | "cellulare"
                | "portable"
                | "cell."
                | "hotline"
                | "mobiel"
                | "kom"
        ) && piece.chars().filter(char::is_ascii_digit).count() >= 5
    });
    let phone_signs =
        line.chars().filter(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '/' | '(' | ')' | ' ' | '.')).count();
    labelled || (digits >= 7 && phone_signs * 10 >= line.chars().count() * 8)
}

fn is_net_line(words: &[&str]) -> bool {
    let net = |word: &&str| {
        let word = word.trim_matches(|c: char| matches!(c, '<' | '>' | ',' | ';' | '|' | '(' | ')' | '[' | ']'));
        let address = word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
        address
            || word.starts_with("www.")
            || word.starts_with("http://")
            || word.starts_with("https://")
            || word.starts_with("mailto:")
    };
    words.iter().any(net) && words.iter().filter(|word| !net(word)).count() <= 4
}

/// `Hafenstr. 2`, `73430 Aalen`, `CH-8406 Winterthur`
fn is_place(words: &[&str], lower: &str) -> bool {
    let number = |word: &str| word.chars().next().is_some_and(|c| c.is_ascii_digit());
    let street = [
        "straße", "strasse", "str.", "weg", "platz", "allee", "gasse", "ring", "damm", "ufer", "street", "road",
        "avenue", "rue ", "via ", "straat", "laan", "p.o. box", "postfach",
    ]
    .iter()
    .any(|kind| lower.contains(kind))
        && words.iter().any(|word| number(word));
    let postcode = words.windows(2).any(|pair| {
        let code = pair[0].trim_start_matches(|c: char| c.is_alphabetic() || c == '-').trim_end_matches(',');
        (4..=5).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_digit())
            && pair[1].chars().next().is_some_and(char::is_uppercase)
    });
    words.len() <= 12 && (street || postcode)
}

fn is_company(words: &[&str]) -> bool {
    words.len() <= 9
        && words.iter().skip(1).any(|word| {
            let word = word.trim_matches([',', '|', ')', '(']).to_lowercase();
            LEGAL_FORMS.contains(&word.as_str())
        })
}

/// What companies put below every mail: confidentiality, and the trees.
fn is_legal_notice(text: &str) -> bool {
    const SECRET: &[&str] = &[
        "vertraulich",
        "confidential",
        "confidentiel",
        "riservat",
        "vertrouwelijk",
        "privileged",
        "rechtlich geschützt",
    ];
    const MAIL: &[&str] = &["mail", "message", "nachricht", "communication", "bericht"];
    const RECIPIENT: &[&str] = &[
        "empfänger",
        "adressat",
        "recipient",
        "addressee",
        "destinataire",
        "destinatario",
        "geadresseerde",
        "irrtümlich",
        "in error",
        "enthält",
        "contains",
        "contient",
    ];
    let text = text.trim().to_lowercase();
    let has = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    (has(SECRET) && has(MAIL) && has(RECIPIENT))
        || (has(&["drucken", "print"]) && has(&["umwelt", "environment"]) && text.len() < 300)
}

/// A heading above such a notice.
fn is_notice_heading(line: &str) -> bool {
    let heading = line.trim().trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    matches!(
        heading.as_str(),
        "disclaimer"
            | "haftungsausschluss"
            | "confidentiality notice"
            | "vertraulichkeitshinweis"
            | "rechtlicher hinweis"
            | "datenschutzhinweis"
    )
}
