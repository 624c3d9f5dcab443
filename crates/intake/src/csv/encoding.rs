//! From bytes to text: which encoding a file has, and what is repaired in a cell.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::Problem;

const LOOKED_AT: usize = 256 * 1024;

/// UTF-16 by its mark or by its pattern of NULs.
pub(super) fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [0xFF, 0xFE, ..] => return Some(UTF_16LE),
        [0xFE, 0xFF, ..] => return Some(UTF_16BE),
        _ => {}
    }
    let pairs = &bytes[..bytes.len().min(4_096) & !1];
    let count = pairs.len() / 2;
    if count < 4 {
        return None;
    }
    let nul_at = |odd: usize| pairs.chunks(2).filter(|pair| pair.get(odd) == Some(&0)).count();
    // Latin text in UTF-16 has a NUL in nearly every pair, always on the same side.
    match (nul_at(0), nul_at(1)) {
        (first, second) if second * 10 >= count * 7 && first * 20 <= count => Some(UTF_16LE),
        (first, second) if first * 10 >= count * 7 && second * 20 <= count => Some(UTF_16BE),
        _ => None,
    }
}

/// The name of the encoding that [`super::normalise`] turns into UTF-8, if it does.
pub(super) fn changed(bytes: &[u8]) -> Option<&'static str> {
    utf16(bytes).map(Encoding::name).or_else(|| from_ibm850(bytes).map(|_| "IBM850"))
}

/// The upper half of code page 850, which DOS programs and their descendants still write.
const IBM850: &str = "\
ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

/// Text of code page 850 as UTF-8. It is told by its small umlauts between letters, where
/// Windows-1252 has quotation marks and a gap; what holds an umlaut of Windows-1252 is none.
pub(super) fn from_ibm850(bytes: &[u8]) -> Option<String> {
    if bytes.is_ascii() || mostly_utf8(bytes) {
        return None;
    }
    let letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
    let mut umlauts = 0_usize;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            0xE4 | 0xF6 | 0xFC | 0xC4 | 0xD6 | 0xDC | 0xDF => return None,
            0x81 | 0x84 | 0x94 if at > 0 && letter(at - 1) && letter(at + 1) => umlauts += 1,
            _ => {}
        }
    }
    let upper: Vec<char> = IBM850.chars().collect();
    let char_of = |byte: &u8| byte.checked_sub(0x80).map_or(char::from(*byte), |at| upper[usize::from(at)]);
    (umlauts > 0 && upper.len() == 128).then(|| bytes.iter().map(char_of).collect())
}

pub(super) fn detect(bytes: &[u8], label: Option<&str>) -> Result<&'static Encoding, Problem> {
    if let Some(label) = label {
        let encoding = Encoding::for_label(label.trim().as_bytes())
            .ok_or_else(|| Problem::new("unknown_encoding", "there is no encoding of this name").at("encoding"))?;
        // What was UTF-16 is UTF-8 by now.
        return Ok(if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding });
    }
    if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) || mostly_utf8(bytes) {
        return Ok(UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&bytes[..bytes.len().min(LOOKED_AT)], true);
    let guess = detector.guess(Some(b"de"), Utf8Detection::Deny);
    Ok(if guess.decode_without_bom_handling(bytes).1 { WINDOWS_1252 } else { guess })
}

/// One bad row must not turn a UTF-8 file into another encoding: several valid sequences for each
/// invalid one do not happen by chance.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut valid, mut invalid) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        invalid += usize::from(!chunk.invalid().is_empty());
    }
    invalid == 0 || valid >= invalid * 4
}

/// A row or a header as text. Rows of a UTF-8 file that are no UTF-8 are taken for the encoding
/// that German Excel writes: files are glued together from both.
pub(super) fn decode<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Cow<'a, str> {
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    let (text, malformed) = encoding.decode_without_bom_handling(bytes);
    if malformed && encoding == UTF_8 {
        return WINDOWS_1252.decode_without_bom_handling(bytes).0;
    }
    text
}

/// Repairs text that was UTF-8, read as Windows-1252 and written again, removes control
/// characters, those of the writing direction too, and trims. Changes nothing else.
pub(crate) fn clean(text: &str) -> String {
    let repaired = repair(text);
    let mut cleaned = String::with_capacity(repaired.len());
    let mut chars = repaired.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => cleaned.push('\n'),
            '\n' | '\t' => cleaned.push(c),
            // Marks of order and direction: they make one text look like another, and two equal
            // names different.
            '\u{FEFF}' | '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() => {}
            c => cleaned.push(c),
        }
    }
    cleaned.trim().to_owned()
}

fn repair(text: &str) -> Cow<'_, str> {
    let before = suspicious(text);
    if before == 0 {
        return Cow::Borrowed(text);
    }
    let (bytes, _, unmappable) = WINDOWS_1252.encode(text);
    if unmappable {
        return Cow::Borrowed(text);
    }
    match String::from_utf8(bytes.into_owned()) {
        Ok(repaired) if suspicious(&repaired) < before => Cow::Owned(repaired),
        _ => Cow::Borrowed(text),
    }
}

/// How often a lead byte of UTF-8, read as a character, is followed by what a continuation byte
/// reads as.
fn suspicious(text: &str) -> usize {
    let continuation = |c: char| {
        let mut buffer = [0; 4];
        let (bytes, _, unmappable) = WINDOWS_1252.encode(c.encode_utf8(&mut buffer));
        !unmappable && matches!(bytes.as_ref(), [0x80..=0xBF])
    };
    text.chars()
        .zip(text.chars().skip(1))
        .filter(|(lead, next)| matches!(lead, '\u{C2}'..='\u{F4}') && continuation(*next))
        .count()
}

/// Archives, spreadsheets and pictures begin with signs of their own; text has few control bytes.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    const BINARY: &[&[u8]] = &[
        b"PK\x03\x04",
        b"\xD0\xCF\x11\xE0",
        b"%PDF-",
        b"\x1F\x8B",
        b"\x89PNG",
        b"\xFF\xD8\xFF",
        b"GIF8",
        b"7z\xBC\xAF",
        b"\x7FELF",
    ];
    if BINARY.iter().any(|magic| bytes.starts_with(magic)) {
        return false;
    }
    let looked_at = &bytes[..bytes.len().min(LOOKED_AT)];
    let control =
        looked_at.iter().filter(|b| **b < 0x20 && !matches!(**b, b'\t' | b'\n' | b'\r' | 0x0B | 0x0C | 0x1A)).count();
    control * 20 <= looked_at.len()
}
