//! The newest text of a mail, what it quotes, and its signature.
//!
//! Lines are taken one after the other. Lines behind `>` and attributions above them are quoted;
//! what stands between or below them is an answer. Where a program quotes without marks, its
//! attribution, header block or separator begins the quote, and the quote goes to the end.

use std::borrow::Cow;

use super::{
    Mail, Parts,
    attribution::{addressed, attribution, header_block},
    boilerplate::{banner, mobile_tail, rule, separator},
    html, signature,
};

/// Longer mails hold logs or whole archives; nobody writes them by hand.
const MAX_LINES: usize = 20_000;
/// Servers on the way add one each.
const MAX_BANNERS: usize = 5;

/// Where the newest part ends: the newest text, its signature, and the quoted remainder.
///
/// Where a mail has HTML whose program marked the quotes, and the text alternative does not show
/// them, the HTML decides.
pub fn parts(mail: &Mail) -> Parts {
    let sender = sender_words(mail);
    let parts = of_text(&mail.text, &sender);
    let Some(html) = mail.html.as_deref().filter(|html| html::is_marked(html)) else {
        return parts;
    };
    let rendered = of_text(&html::render(html), &sender);
    let (from_text, from_html) = (words(&parts.newest), words(&rendered.newest));
    let shorter = !from_html.is_empty() && from_html.len() < from_text.len() && from_text.starts_with(&from_html);
    if shorter || (from_text.is_empty() && !from_html.is_empty()) { rendered } else { parts }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// Words of the sender's name, as the header and the address give them.
fn sender_words(mail: &Mail) -> Vec<String> {
    let Some(from) = &mail.from else { return Vec::new() };
    let user = from.address.split('@').next().unwrap_or_default();
    let named = [from.name.as_deref().unwrap_or_default(), user];
    let mut words: Vec<String> = named
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.chars().count() > 1)
        .map(str::to_lowercase)
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Blank,
    Own,
    Quoted,
}

pub(super) fn of_text(text: &str, sender: &[String]) -> Parts {
    let text = plain(text);
    let mut lines: Vec<&str> = text.split('\n').map(str::trim_end).collect();
    lines.truncate(MAX_LINES);
    let begin = after_banners(&lines);
    let mut kinds = kinds(&lines, begin);
    wrapped_quotes(&lines, &mut kinds);
    let runs = runs(&kinds);
    let mut parts = Parts::default();
    for (place, run) in runs.iter().enumerate() {
        let outer = place == 0 || place + 1 == runs.len();
        let own = &lines[run.clone()];
        let mut split = if outer { signature::start(own, sender) } else { own.len() };
        if outer && list_footer(own) {
            split = 0;
        }
        let (body, rest) = own.split_at(split);
        let (end, after_tail) = tail_end(rest);
        let postscript = postscript(&rest[..end]);
        append(&mut parts.newest, body);
        append(&mut parts.newest, &rest[..end][postscript.clone()]);
        append(&mut parts.signature, &rest[..postscript.start]);
        append(&mut parts.signature, &rest[postscript.end..end]);
        // Text below "Von meinem iPhone gesendet" is the mail that was answered.
        for line in after_tail {
            parts.quoted.push_str(line);
            parts.quoted.push('\n');
        }
    }
    for (line, kind) in lines.iter().zip(&kinds) {
        if *kind == Kind::Quoted {
            parts.quoted.push_str(line);
            parts.quoted.push('\n');
        }
    }
    parts.quoted = parts.quoted.trim().to_owned();
    parts
}

fn plain(text: &str) -> Cow<'_, str> {
    let odd = ['\r', '\u{A0}', '\u{FEFF}', '\u{200B}', '\u{200E}', '\u{200F}', '\u{202F}'];
    if !text.contains(odd) {
        return Cow::Borrowed(text);
    }
    let mut plain = text.replace("\r\n", "\n").replace('\r', "\n").replace(['\u{A0}', '\u{202F}'], " ");
    plain.retain(|c| !odd.contains(&c));
    Cow::Owned(plain)
}

fn append(text: &mut String, lines: &[&str]) {
    let joined = lines.join("\n");
    let joined = joined.trim_matches('\n').trim_end();
    if joined.trim().is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(joined);
}

/// The first line below the banners of mail servers.
fn after_banners(lines: &[&str]) -> usize {
    let mut begin = 0;
    for _ in 0..MAX_BANNERS {
        let Some(first) = lines[begin..].iter().position(|line| !line.trim().is_empty() && !rule(line)) else {
            return begin;
        };
        let first = begin + first;
        let length =
            lines[first..].iter().position(|line| line.trim().is_empty() || rule(line)).unwrap_or(lines.len() - first);
        // The first lines that are a banner by themselves, and what is wrapped off them.
        let Some(mut end) = (1..=length.min(6)).find(|count| banner(&lines[first..first + count])) else {
            return begin;
        };
        let wrapped = |line: &str| line.trim_start().chars().next().is_some_and(char::is_lowercase);
        while end < length && wrapped(lines[first + end]) {
            end += 1;
        }
        begin = first + end;
    }
    begin
}

fn kinds(lines: &[&str], begin: usize) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = lines
        .iter()
        .map(|line| match line.trim_start() {
            "" => Kind::Blank,
            line if line.starts_with('>') => Kind::Quoted,
            _ => Kind::Own,
        })
        .collect();
    kinds[..begin].fill(Kind::Quoted);
    let mut at = begin;
    while at < lines.len() {
        if kinds[at] != Kind::Own {
            at += 1;
            continue;
        }
        let rest = &lines[at..];
        let length = if separator(lines[at]) { Some(1) } else { header_block(rest).or_else(|| attribution(rest)) };
        let Some(length) = length.or_else(|| introduction(rest, &kinds[at..])) else {
            at += 1;
            continue;
        };
        kinds[at..at + length].fill(Kind::Quoted);
        rules_above(lines, &mut kinds, at);
        let next = (at + length..lines.len()).find(|place| kinds[*place] != Kind::Blank);
        match next {
            Some(next) if kinds[next] == Kind::Own && !chained(&lines[next..]) => {
                // Quoted without marks: all of the rest.
                kinds[at..].fill(Kind::Quoted);
                return kinds;
            }
            _ => at += length,
        }
    }
    kinds
}

/// `26.06.2026, 14:41, "Erika" <e@b>:` has no verb, but the quote stands right below it.
fn introduction(lines: &[&str], kinds: &[Kind]) -> Option<usize> {
    let length = addressed(lines)?;
    let next = kinds.iter().skip(length).find(|kind| **kind != Kind::Blank);
    (next == Some(&Kind::Quoted)).then_some(length)
}

/// A separator above a header block, a header block above an attribution: the next one decides.
fn chained(rest: &[&str]) -> bool {
    let next = rest.first().copied().unwrap_or_default();
    separator(next) || header_block(rest).is_some() || attribution(rest).is_some()
}

/// The rule that Outlook draws above a header block.
fn rules_above(lines: &[&str], kinds: &mut [Kind], at: usize) {
    let mut above = at;
    while above > 0 && (kinds[above - 1] == Kind::Blank || rule(lines[above - 1])) {
        above -= 1;
        if rule(lines[above]) {
            kinds[above..at].fill(Kind::Quoted);
        }
    }
}

/// A long quoted line that was wrapped leaves its last words without a mark.
fn wrapped_quotes(lines: &[&str], kinds: &mut [Kind]) {
    for place in 1..lines.len().saturating_sub(1) {
        let between = kinds[place - 1] == Kind::Quoted && kinds[place] == Kind::Own && kinds[place + 1] == Kind::Quoted;
        let lower = lines[place].trim_start().chars().next().is_some_and(|c| !c.is_uppercase());
        if between && lower && lines[place - 1].chars().count() >= 60 && lines[place].chars().count() <= 30 {
            kinds[place] = Kind::Quoted;
        }
    }
}

/// Stretches of own lines, from the first to the last of each, blank lines within included.
fn runs(kinds: &[Kind]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    let mut open = false;
    for (place, kind) in kinds.iter().enumerate() {
        match kind {
            Kind::Own if open => {
                if let Some(run) = runs.last_mut() {
                    run.end = place + 1;
                }
            }
            Kind::Own => {
                runs.push(place..place + 1);
                open = true;
            }
            Kind::Quoted => open = false,
            Kind::Blank => {}
        }
    }
    runs
}

/// A mobile tail ends the signature; what follows is not the sender's.
fn tail_end<'a>(rest: &'a [&'a str]) -> (usize, &'a [&'a str]) {
    match rest.iter().position(|line| mobile_tail(line)) {
        Some(tail) => (tail + 1, &rest[tail + 1..]),
        None => (rest.len(), &[]),
    }
}

/// A postscript below the signature is text.
fn postscript(signature: &[&str]) -> std::ops::Range<usize> {
    let begins = |line: &&str| {
        let line = line.trim_start().to_lowercase();
        ["p.s.", "ps:", "p.s:", "ps.", "ps ", "nb:", "n.b."].iter().any(|mark| line.starts_with(mark))
    };
    match signature.iter().position(begins) {
        Some(start) => {
            let length = signature[start..].iter().position(|line| line.trim().is_empty());
            start..length.map_or(signature.len(), |length| start + length)
        }
        None => signature.len()..signature.len(),
    }
}

/// What a mailing list puts below every mail.
fn list_footer(lines: &[&str]) -> bool {
    let mut filled = lines.iter().filter(|line| !line.trim().is_empty());
    filled.next().is_some_and(|line| line.trim().chars().all(|c| c == '_'))
        && lines.len() <= 12
        && lines
            .iter()
            .any(|line| line.to_lowercase().contains("mailing list") || line.to_lowercase().contains("mailingliste"))
}
