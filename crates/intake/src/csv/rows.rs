//! Splits bytes into records and records into cells.
//!
//! Quotes decide where a record ends, and one forgotten quote must cost one row, not the rest of
//! the file. So a quoted cell closes only before a delimiter or the end of a line, spans at most
//! [`MAX_LINES`] (more only if none of these could be a record), and a record that swallowed a line which is a full record by itself is taken
//! apart again.

use std::{borrow::Cow, ops::Range};

/// Lines within which a quote has to close.
pub(super) const MAX_LINES: usize = 50;
/// Lines of a quoted cell that is not followed by anything like a record: somebody pasted a mail
/// into the note.
const MAX_LINES_OF_NOTE: usize = 2_000;
/// How often a quote may be looked for that far before it is taken for forgotten at once.
const LONG_LOOKS: usize = 20;

/// Bytes that tell how lines end.
const LOOKED_AT: usize = 256 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) quote: u8,
}

/// Where lines end. Within one row that was cut out already they do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    Lf,
    Cr,
    OneRow,
}

impl Lines {
    pub(super) fn of(bytes: &[u8]) -> Lines {
        if !bytes.contains(&b'\r') {
            return Lines::Lf;
        }
        // Old Macs end rows with CR and may have LF within cells: what stands outside of quotes
        // decides, the first of them and most of them.
        let (mut quoted, mut cr, mut lf, mut cr_first) = (false, 0_usize, 0_usize, false);
        for (at, byte) in bytes.iter().enumerate().take(LOOKED_AT) {
            match byte {
                b'"' => quoted = !quoted,
                b'\n' if !quoted => lf += 1,
                b'\r' if !quoted && bytes.get(at + 1) != Some(&b'\n') => {
                    cr_first |= lf == 0;
                    cr += 1;
                }
                _ => {}
            }
        }
        if (cr_first && cr > lf) || !bytes.contains(&b'\n') { Lines::Cr } else { Lines::Lf }
    }

    fn end(self, byte: u8) -> bool {
        match self {
            Lines::Lf => byte == b'\n',
            Lines::Cr => byte == b'\r',
            Lines::OneRow => false,
        }
    }

    /// From `at` to the end of the line, without its terminator, and where the next one starts.
    fn line(self, bytes: &[u8], at: usize) -> (usize, usize) {
        let rest = bytes.get(at..).unwrap_or_default();
        match rest.iter().position(|b| self.end(*b)) {
            Some(length) => (at + length, at + length + 1),
            None => (bytes.len(), bytes.len()),
        }
    }
}

/// Line ends within the range.
pub(super) fn breaks(bytes: &[u8], range: Range<usize>) -> u64 {
    let lines = Lines::of(bytes);
    bytes[range].iter().filter(|b| lines.end(**b)).count() as u64
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Line of the file, from 1.
    pub(super) line: u64,
    pub(super) bytes: Range<usize>,
    pub(super) cells: usize,
}

/// The records of a file. None of them is kept: a file has millions.
pub(super) struct Records<'b> {
    dialect: Dialect,
    lines: Lines,
    bytes: &'b [u8],
    at: usize,
    line: u64,
    expected: Option<usize>,
    long_looks: usize,
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let (dialect, lines, bytes, expected) = (self.dialect, self.lines, self.bytes, self.expected);
        while self.at < bytes.len() {
            let (at, line) = (self.at, self.line);
            let (line_end, after_line) = lines.line(bytes, at);
            let mut scan = dialect.scan(bytes, at, lines, MAX_LINES);
            if !scan.closed
                && self.long_looks > 0
                && !dialect.holds_record(bytes, after_line..scan.end, lines, expected)
            {
                scan = dialect.scan(bytes, at, lines, MAX_LINES_OF_NOTE);
                self.long_looks -= usize::from(!scan.closed);
            }
            let whole = scan.closed && (scan.end <= line_end || !dialect.swallowed(bytes, at, &scan, lines, expected));
            let (end, next, cells) = if whole {
                let (end, next) = lines.line(bytes, scan.end);
                (end, next, scan.cells)
            } else {
                (line_end, after_line, 1)
            };
            let end = if end > at && bytes.get(end - 1) == Some(&b'\r') { end - 1 } else { end };
            self.line += bytes[at..next].iter().filter(|b| lines.end(**b)).count() as u64;
            self.at = next;
            if bytes[at..end].iter().any(|b| *b > b' ') {
                return Some(Record { line, bytes: at..end, cells });
            }
        }
        None
    }
}

struct Field {
    /// The content, without quotes.
    content: Range<usize>,
    quoted: bool,
    /// At the delimiter, the end of the line or of the bytes.
    end: usize,
    closed: bool,
    /// A quote inside that is neither doubled nor at an end.
    stray_quote: bool,
}

/// A quote that does not close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Open {
    /// Another quote came, with text behind it: `"in" words`.
    pub(super) stray_quote: bool,
}

struct Scan {
    end: usize,
    cells: usize,
    closed: bool,
    stray_quote: bool,
}

impl Dialect {
    fn field(self, bytes: &[u8], at: usize, lines: Lines, most_lines: usize) -> Field {
        let open = self.skip_blanks(bytes, at);
        if bytes.get(open) != Some(&self.quote) {
            let length =
                bytes[at..].iter().position(|b| *b == self.delimiter || lines.end(*b)).unwrap_or(bytes.len() - at);
            let end = at + length;
            return Field { content: at..end, quoted: false, end, closed: true, stray_quote: false };
        }
        let (mut i, mut breaks, mut stray_quote) = (open + 1, 0, false);
        while let Some(&byte) = bytes.get(i) {
            if byte == self.quote {
                if bytes.get(i + 1) == Some(&self.quote) {
                    i += 2;
                    continue;
                }
                let after = self.skip_blanks(bytes, i + 1);
                if self.ends_field(bytes, after, lines) {
                    let content = open + 1..i;
                    let end = if bytes.get(after) == Some(&b'\r') && lines == Lines::Lf { after + 1 } else { after };
                    return Field { content, quoted: true, end, closed: true, stray_quote };
                }
                stray_quote = true;
            } else if lines.end(byte) {
                breaks += 1;
                if breaks >= most_lines {
                    break;
                }
            }
            i += 1;
        }
        Field { content: open + 1..i, quoted: true, end: i, closed: false, stray_quote }
    }

    fn ends_field(self, bytes: &[u8], at: usize, lines: Lines) -> bool {
        match bytes.get(at) {
            None => true,
            Some(b) if *b == self.delimiter || lines.end(*b) => true,
            Some(b'\r') => lines == Lines::Lf && bytes.get(at + 1).is_none_or(|b| *b == b'\n'),
            Some(_) => false,
        }
    }

    fn skip_blanks(self, bytes: &[u8], mut at: usize) -> usize {
        while let Some(b' ' | b'\t') = bytes.get(at)
            && bytes.get(at) != Some(&self.delimiter)
        {
            at += 1;
        }
        at
    }

    fn scan(self, bytes: &[u8], at: usize, lines: Lines, most_lines: usize) -> Scan {
        let mut scan = Scan { end: at, cells: 0, closed: true, stray_quote: false };
        loop {
            let field = self.field(bytes, scan.end, lines, most_lines);
            scan.cells += 1;
            scan.closed &= field.closed;
            scan.stray_quote |= field.stray_quote;
            scan.end = field.end;
            if !field.closed || bytes.get(field.end) != Some(&self.delimiter) {
                return scan;
            }
            scan.end += 1;
        }
    }

    /// The cells of one row as they lie between the delimiters.
    pub(super) fn cells(self, row: &str) -> Result<Vec<Cow<'_, str>>, Open> {
        let row = row.trim_end_matches(['\r', '\n']);
        let (quote, mut cells, mut at) = (char::from(self.quote), Vec::new(), 0);
        loop {
            let field = self.field(row.as_bytes(), at, Lines::OneRow, MAX_LINES);
            if !field.closed {
                return Err(Open { stray_quote: field.stray_quote });
            }
            // Delimiters and quotes are ASCII, so the ranges lie on character boundaries.
            let content = row.get(field.content).ok_or(Open { stray_quote: false })?;
            cells.push(if field.quoted && content.contains(quote) {
                let doubled: String = [quote, quote].iter().collect();
                Cow::Owned(content.replace(&doubled, quote.encode_utf8(&mut [0; 4])))
            } else {
                Cow::Borrowed(content)
            });
            if row.as_bytes().get(field.end) != Some(&self.delimiter) {
                return Ok(cells);
            }
            at = field.end + 1;
        }
    }

    /// All records from `at`, which is line `line`, one after the other. `expected` is the number of
    /// columns, if known.
    pub(super) fn records(self, bytes: &[u8], at: usize, line: u64, expected: Option<usize>) -> Records<'_> {
        Records { dialect: self, lines: Lines::of(bytes), bytes, at, line, expected, long_looks: LONG_LOOKS }
    }

    /// Whether a line has as many delimiters as a record.
    fn holds_record(self, bytes: &[u8], range: Range<usize>, lines: Lines, expected: Option<usize>) -> bool {
        let Some(expected) = expected.filter(|n| *n >= 2) else {
            return true;
        };
        let mut rows = bytes.get(range).unwrap_or_default().split(|b| lines.end(*b));
        rows.any(|row| row.split(|b| *b == self.delimiter).count() == expected)
    }

    /// Whether a record over several lines holds a line that is a full record by itself.
    fn swallowed(self, bytes: &[u8], at: usize, scan: &Scan, lines: Lines, expected: Option<usize>) -> bool {
        let Some(expected) = expected.filter(|n| *n >= 3) else {
            return false;
        };
        if scan.cells == expected && !scan.stray_quote {
            return false;
        }
        let mut next = lines.line(bytes, at).1;
        while next < scan.end {
            let (end, after) = lines.line(bytes, next);
            let alone = self.scan(&bytes[next..end], 0, Lines::Lf, MAX_LINES);
            if alone.closed && alone.cells == expected {
                return true;
            }
            next = after;
        }
        false
    }

    /// Nothing but delimiters, as spreadsheets write rows that were cleared.
    pub(super) fn is_blank(self, row: &[u8]) -> bool {
        row.iter().all(|b| *b <= b' ' || *b == self.delimiter || *b == self.quote)
    }
}
