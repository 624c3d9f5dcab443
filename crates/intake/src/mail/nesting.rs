//! Mails within mails, kept to a depth that can be read.
//!
//! The parser puts one message into the other as deep as the bytes say, and what is nested is
//! dropped by recursion: 50,000 attached mails of 28 bytes each would overflow the stack, which
//! ends the process. Each level needs a content type of its own, so that their number bounds the
//! depth, unless a level is encoded: then its bytes do not show what is in it.

use std::{borrow::Cow, ops::Range};

use crate::Problem;

/// Content types in one mail. People's mails have ten; with a hundred attachments, a hundred.
const MOST: usize = 500;

const TYPE: &[u8] = b"content-type";
const ENCODING: &[u8] = b"content-transfer-encoding";

/// The bytes as they may be parsed; `nested_too_deep` if they hold too many parts.
pub(super) fn bounded(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Problem> {
    if places(bytes, TYPE).nth(MOST).is_some() {
        return Err(Problem::new("nested_too_deep", "the mail consists of too many parts within parts"));
    }
    let hidden: Vec<usize> = blocks(bytes)
        .filter(|block| may_hide(bytes, &bytes[block.clone()]))
        .flat_map(|block| places(&bytes[block.clone()], ENCODING).map(move |at| block.start + at))
        .collect();
    if hidden.is_empty() {
        return Ok(Cow::Borrowed(bytes));
    }
    // Attached mails are not read anyway: without its encoding one is a few lines of no meaning.
    let mut open = bytes.to_vec();
    for at in hidden {
        open[at] = b'x';
    }
    Ok(Cow::Owned(open))
}

/// Whether the lines are headers of an attached mail that is encoded, which no standard allows.
fn may_hide(mail: &[u8], block: &[u8]) -> bool {
    if places(block, ENCODING).next().is_none() {
        return false;
    }
    let mut types = places(block, TYPE).peekable();
    // In a digest, a part without a type is a mail.
    let untyped = types.peek().is_none() && places(mail, b"digest").next().is_some();
    untyped || types.any(|at| places(header(&block[at..]), b"message").next().is_some())
}

/// A header from its name on, with the lines that it goes on over.
fn header(text: &[u8]) -> &[u8] {
    let end = text
        .iter()
        .zip(text.iter().skip(1))
        .position(|(now, next)| *now == b'\n' && !matches!(next, b' ' | b'\t'))
        .unwrap_or(text.len());
    &text[..end]
}

/// Stretches between blank lines.
fn blocks(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        while at < bytes.len() {
            let next = bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |length| at + length + 1);
            let blank = bytes[at..next].iter().all(u8::is_ascii_whitespace);
            at = next;
            if blank {
                break;
            }
        }
        (start < at).then_some(start..at)
    })
}

/// Where the word stands, in whatever case. The word is in lower case.
fn places<'a>(bytes: &'a [u8], word: &'static [u8]) -> impl Iterator<Item = usize> + 'a {
    let first = word.first().copied().unwrap_or_default();
    bytes
        .windows(word.len())
        .enumerate()
        .filter(move |(_, window)| window[0].eq_ignore_ascii_case(&first) && window.eq_ignore_ascii_case(word))
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::super::read;

    fn digests(levels: usize) -> String {
        (0..levels).fold(String::new(), |mut text, at| {
            let _ = write!(text, "Content-Type: multipart/digest; boundary=b{at}\n\n--b{at}\n\n");
            text
        })
    }

    #[test]
    fn mails_within_mails_without_end_are_refused() {
        for level in ["Content-Type:message/rfc822\n\n", "content-type: Message/Global\n\n"] {
            assert_eq!(read(level.repeat(50_000).as_bytes()).expect_err("refused").code, "nested_too_deep");
        }
        let digest = digests(50_000);
        assert_eq!(read(digest.as_bytes()).expect_err("refused").code, "nested_too_deep");
    }

    #[test]
    fn as_many_levels_as_are_allowed_are_read() {
        let most = "Content-Type:message/rfc822\n\n".repeat(super::MOST);
        assert!(read(most.as_bytes()).is_ok());
        let digest = digests(super::MOST);
        assert!(read(digest.as_bytes()).is_ok());
    }

    #[test]
    fn an_encoding_does_not_hide_the_depth() {
        let deep = "Content-Type:message/rfc822\n\n".repeat(50_000);
        // Quoted-printable leaves text as it is but for the equals sign; one letter hides each type.
        let hidden = deep.replace('C', "=43");
        for kind in ["message/rfc822", "MESSAGE/global"] {
            let raw = format!(
                "From: a@b.example\nContent-Transfer-Encoding: quoted-printable\nContent-Type: {kind}\n\n{hidden}"
            );
            assert!(read(raw.as_bytes()).is_ok());
        }
        let raw = format!(
            "Content-Type: multipart/digest; boundary=b\n\n--b\nContent-Transfer-Encoding: quoted-printable\n\n{hidden}"
        );
        assert!(read(raw.as_bytes()).is_ok());
        let plain = b"Content-Transfer-Encoding: quoted-printable\nSubject: digest\n\nGr=C3=BC=C3=9Fe\n";
        assert!(read(plain).is_ok_and(|mail| !mail.text.is_empty()));
    }
}
