//! Mailboxes as one file: mails one after the other, each behind a line that starts with `From `.

use std::{borrow::Cow, ops::Range};

/// Where the mails of an mbox lie, without their `From ` lines. A file that starts without one is
/// one mail.
pub fn split_mbox(bytes: &[u8]) -> Vec<Range<usize>> {
    let start = bytes.iter().take_while(|b| b.is_ascii_whitespace()).count();
    if start == bytes.len() {
        return Vec::new();
    }
    if !bytes[start..].starts_with(b"From ") {
        return std::iter::once(start..bytes.len()).collect();
    }
    let mut mails: Vec<Range<usize>> = Vec::new();
    let (mut at, mut after_blank) = (start, true);
    while at < bytes.len() {
        let next = bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |length| at + length + 1);
        let line = &bytes[at..next];
        let separates = at == start || (is_separator(line, after_blank) && begins_mail(&bytes[next..]));
        if separates {
            if let Some(last) = mails.last_mut() {
                last.end = at;
            }
            mails.push(next..bytes.len());
        }
        after_blank = line.iter().all(|b| matches!(b, b'\r' | b'\n'));
        at = next;
    }
    for mail in &mut mails {
        // The blank line before the next separator belongs to the mailbox.
        for ending in [b"\r\n\r\n".as_slice(), b"\n\n"] {
            if bytes[mail.clone()].ends_with(ending) {
                mail.end -= ending.len() / 2;
                break;
            }
        }
    }
    mails.retain(|mail| !mail.is_empty());
    mails
}

/// `From a@b Tue Apr 21 08:42:07 2026`: a body line that only starts with "From " has no such
/// date. Programs that forget the blank line before it write the sender all the same.
fn is_separator(line: &[u8], after_blank: bool) -> bool {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Some(rest) = line.strip_prefix(b"From ") else {
        return false;
    };
    let text = String::from_utf8_lossy(rest);
    let mut words = text.split_whitespace();
    let sender = words.next().unwrap_or_default();
    let words: Vec<&str> = words.collect();
    let digits = |word: &str, length: usize| word.len() == length && word.bytes().all(|b| b.is_ascii_digit());
    let time = |word: &&str| word.contains(':') && word.split(':').all(|part| digits(part, 2));
    words.first().is_some_and(|day| DAYS.contains(&day.trim_end_matches(',')))
        && words.iter().any(|word| MONTHS.contains(word))
        && words.iter().any(time)
        && words.iter().any(|word| digits(word, 4))
        && (after_blank || sender.contains('@') || sender == "-")
}

/// Below a separator stand headers.
fn begins_mail(bytes: &[u8]) -> bool {
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let Some(colon) = line.iter().position(|b| *b == b':') else { return line.starts_with(b">From ") };
    colon > 0 && line[..colon].iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Takes back what mboxrd did to body lines that start with `From `: one `>` less.
pub fn unstuff(bytes: &[u8]) -> Cow<'_, [u8]> {
    let stuffed = |line: &[u8]| {
        let marks = line.iter().take_while(|b| **b == b'>').count();
        marks > 0 && line[marks..].starts_with(b"From ")
    };
    if !bytes.split(|b| *b == b'\n').any(stuffed) {
        return Cow::Borrowed(bytes);
    }
    let mut plain = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        plain.extend_from_slice(if stuffed(line) { &line[1..] } else { line });
    }
    Cow::Owned(plain)
}
