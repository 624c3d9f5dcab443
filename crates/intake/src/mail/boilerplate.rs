//! Lines that nobody wrote: separators and rules of mail programs, tails of phones, banners of mail
//! servers.

use super::phrases::{BANNER_OPENINGS, BANNER_TOPICS, ORIGINAL};

/// `-----Ursprüngliche Nachricht-----`, `Begin forwarded message:`
pub(super) fn separator(line: &str) -> bool {
    let core =
        line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '_' | '=' | '*' | '–' | '—' | '+' | '~'));
    if core.chars().count() > 80 {
        return false;
    }
    let dressed = line.trim().len() > core.len() + 3 || line.trim_end().ends_with(':');
    let core = core.trim_end_matches(':').to_lowercase();
    ORIGINAL.iter().any(|words| {
        core.strip_prefix(words).is_some_and(|rest| {
            rest.is_empty() || dressed || rest.starts_with(" processed by ") || rest.starts_with(" from ")
        })
    })
}

/// A line drawn with dashes or underscores.
pub(super) fn rule(line: &str) -> bool {
    let line = line.trim();
    line.chars().count() >= 3 && line.chars().all(|c| matches!(c, '-' | '_' | '=' | '*' | '–' | '—' | '─' | '~' | '#'))
}

/// `Von meinem iPhone gesendet`, `Get Outlook for iOS<https://…>`
pub(super) fn mobile_tail(line: &str) -> bool {
    let plain = without_links(line);
    let plain = plain.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_' | '.' | '-'));
    let words = plain.split_whitespace().count();
    if !(2..=9).contains(&words) || plain.contains([',', ':', ';']) {
        return false;
    }
    // "Sent from TypeApp" names a program; "Sent from my desk, …" and "Sent from a friend" do not.
    let mut rest = plain.split_whitespace().skip(2);
    let program = words <= 5 && rest.all(|word| word.chars().next().is_some_and(char::is_uppercase));
    let plain = plain.to_lowercase();
    if plain.starts_with("sent from ") && program {
        return true;
    }
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
    BANNER_OPENINGS.iter().any(|opening| text.starts_with(opening))
        && BANNER_TOPICS.iter().filter(|words| words.iter().any(|word| text.contains(word))).count() >= 2
}
