//! Delimiter and quote of a file: voted for by its first records.

use encoding_rs::Encoding;

use super::{
    encoding, header,
    rows::{Dialect, Record},
};
use crate::Problem;

const CANDIDATES: [u8; 4] = [b';', b',', b'\t', b'|'];
const LOOKED_AT: usize = 200;

/// The dialect, and where the rows start: `(bytes, line)`.
pub(super) fn find(
    bytes: &[u8],
    encoding: &'static Encoding,
    wished: Option<char>,
) -> Result<(Dialect, usize, u64), Problem> {
    let body = if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) { 3 } else { 0 };
    let (said, start, line) = match said_by_first_line(&bytes[body..]) {
        Some((delimiter, length)) => (Some(delimiter), body + length, 2),
        None => (None, body, 1),
    };
    let wished = match wished {
        Some(wished) => Some(u8::try_from(wished).ok().filter(|wished| usable(*wished)).ok_or_else(|| {
            Problem::new("unknown_delimiter", "a delimiter is one ASCII character, no letter and no digit")
                .at("delimiter")
        })?),
        None => said,
    };
    let candidates = wished.map_or(CANDIDATES.to_vec(), |one| vec![one]);
    let quote = quote(&bytes[start..], &candidates);
    let best = candidates
        .iter()
        .map(|delimiter| Dialect { delimiter: *delimiter, quote })
        .max_by_key(|dialect| score(bytes, start, encoding, *dialect))
        .unwrap_or(Dialect { delimiter: b';', quote });
    Ok((best, start, line))
}

fn usable(delimiter: u8) -> bool {
    delimiter.is_ascii() && !delimiter.is_ascii_alphanumeric() && !matches!(delimiter, b'"' | b'\n' | b'\r' | 0)
}

/// `sep=;`, which Excel obeys and never shows.
fn said_by_first_line(bytes: &[u8]) -> Option<(u8, usize)> {
    let end = bytes.iter().position(|b| matches!(b, b'\n' | b'\r'))?;
    let line: Vec<u8> = bytes[..end].iter().copied().filter(|b| *b != b'"').collect();
    if line.len() < 5 || !line[..4].eq_ignore_ascii_case(b"sep=") || !usable(line[4]) {
        return None;
    }
    let next = if bytes[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
    Some((line[4], next))
}

/// Single quotes only where whole cells are in them and none is in double ones: apostrophes are
/// common in names.
fn quote(bytes: &[u8], delimiters: &[u8]) -> u8 {
    let looked_at = &bytes[..bytes.len().min(64 * 1024)];
    let edge = |b: Option<&u8>| b.is_none_or(|b| delimiters.contains(b) || matches!(b, b'\n' | b'\r'));
    let count = |quote: u8| {
        let at = |i: usize| if i == 0 { None } else { looked_at.get(i - 1) };
        let opens = (0..looked_at.len()).filter(|i| looked_at[*i] == quote && edge(at(*i))).count();
        let closes = (0..looked_at.len()).filter(|i| looked_at[*i] == quote && edge(looked_at.get(i + 1))).count();
        opens.min(closes)
    };
    if count(b'"') == 0 && count(b'\'') >= 4 { b'\'' } else { b'"' }
}

/// Known headers first, then how many records agree on how many cells.
fn score(bytes: &[u8], start: usize, encoding: &'static Encoding, dialect: Dialect) -> (usize, usize) {
    let records: Vec<Record> = dialect.records(bytes, start, 1, None).take(LOOKED_AT).collect();
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    for record in &records {
        *counts.entry(record.cells).or_default() += 1;
    }
    let agreement = counts
        .iter()
        .filter(|(cells, _)| **cells > 1)
        .map(|(cells, records)| (*cells - 1).min(30) * records)
        .max()
        .unwrap_or(0);
    let known = records
        .iter()
        .take(header::LOOKED_AT)
        .filter_map(|record| {
            let text = encoding::decode(encoding, &bytes[record.bytes.clone()]);
            dialect.cells(&text).ok().map(|cells| header::known(&cells))
        })
        .max()
        .unwrap_or(0);
    (known, agreement)
}
