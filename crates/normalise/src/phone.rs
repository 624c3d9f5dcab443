//! Phone numbers as people in Germany, Austria and Switzerland write them, to E.164.
//!
//! A cell may hold several numbers, words, an extension. The cell is cut into pieces, each piece is
//! cleaned, and only what libphonenumber calls a *valid* number is taken: "possible" would make a
//! number of `info@firma1110.de`.

use mittler_core::Label;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};

/// One number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    pub e164: String,
    /// As people read it: `+49 711 1234567`.
    pub display: String,
    /// What the words beside it or its type say; `Work` if neither says anything.
    pub label: Label,
    /// Whether a word beside the number said the label.
    pub labelled: bool,
    /// Whether it is a number of the fixed network for certain.
    pub fixed: bool,
    /// ISO 3166 alpha-2 of the number's country.
    pub country: Option<String>,
    /// What is asked for once the call is answered, and so no part of the number.
    pub extension: Option<String>,
}

impl Phone {
    /// Free, shared-cost and premium numbers are a company's lines, nobody's own.
    pub fn is_service(&self) -> bool {
        let Ok(number) = PHONE_NUMBER_UTIL.parse(&self.e164, None) else { return false };
        matches!(
            PHONE_NUMBER_UTIL.get_number_type(&number),
            PhoneNumberType::TollFree
                | PhoneNumberType::SharedCost
                | PhoneNumberType::PremiumRate
                | PhoneNumberType::UAN
        )
    }
}

/// All numbers of a cell; the second part counts pieces with digits that are no number.
pub fn read_all(cell: &str, country: &str) -> (Vec<Phone>, usize) {
    let mut found: Vec<Phone> = Vec::new();
    let mut bad = 0;
    let mut pieces = pieces(cell, country);
    // A number broken over two lines is one number.
    if cell.contains('\n') && !pieces.iter().any(|piece| read(piece, country).is_some()) {
        let whole = cell.split_whitespace().collect::<Vec<_>>().join(" ");
        pieces = self::pieces(&whole, country);
    }
    for piece in pieces {
        match read(&piece, country) {
            Some(phone) if found.iter().any(|known| known.e164 == phone.e164) => {}
            Some(phone) => found.push(phone),
            None => bad += 1,
        }
    }
    (found, bad)
}

/// The pieces of a line that hold digits, each with its number if it is one.
pub fn read_pieces(line: &str, country: &str) -> Vec<(String, Option<Phone>)> {
    pieces(line, country)
        .into_iter()
        .map(|piece| (read(&piece, country), piece))
        .map(|(phone, piece)| (piece, phone))
        .collect()
}

/// The numbers in running text: those that begin with `+`, `00` or the national `0`.
pub fn find_all(text: &str, country: &str) -> Vec<(usize, Phone)> {
    let text = narrow(text);
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((start, end)) = next_run(&text, from) {
        let run = text.get(start..end).unwrap_or("");
        from = end.max(start + 1);
        if crate::dates::looks_like_date(run.trim_end_matches(['.', ' '])) {
            continue;
        }
        if let Some(phone) = read(run, country) {
            found.push((start, phone));
        }
    }
    found
}

/// The next run of digits and what stands between them, an extension included.
fn next_run(text: &str, from: usize) -> Option<(usize, usize)> {
    let rest = text.get(from..)?;
    let previous = |at: usize| text.get(..at).and_then(|head| head.chars().next_back());
    let begins = |at: usize, c: char| {
        let next = text.get(at + 1..).and_then(|tail| tail.chars().next());
        let free = !previous(at).is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | ',' | '/' | '-' | '@'));
        free && (c == '0' || (matches!(c, '+' | '(') && next.is_some_and(|c| c.is_ascii_digit() || c == '+')))
    };
    let start = rest.char_indices().map(|(at, c)| (from + at, c)).find(|(at, c)| begins(*at, *c))?.0;
    let mut end = start;
    let mut at = start;
    while let Some(c) = text.get(at..).and_then(|tail| tail.chars().next()) {
        let tail = text.get(at..).unwrap_or("");
        if c.is_ascii_digit() {
            end = at + 1;
        } else if let Some(word) = ["DW ", "Durchwahl ", "ext. ", "Kl. "].iter().find(|word| tail.starts_with(**word)) {
            if !tail.get(word.len()..).is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit())) {
                break;
            }
            at += word.len();
            continue;
        } else if !matches!(c, '+' | '(' | ')' | '/' | '-' | '.' | ' ') {
            break;
        }
        at += c.len_utf8();
    }
    Some((start, end.max(start + 1)))
}

/// No cell with numbers is longer, nor any line of a signature.
const LONGEST: usize = 1_000;

/// Reads a text that holds one number.
pub fn read(text: &str, country: &str) -> Option<Phone> {
    if text.len() > LONGEST {
        return None;
    }
    let text = narrow(text);
    let (label, labelled) = label_of(&text);
    let (number, extension) = number_of(cleaned(&text)?, country)?;
    let kind = PHONE_NUMBER_UTIL.get_number_type(&number);
    let label = match (kind, label) {
        (PhoneNumberType::Mobile, Some(Label::Work | Label::Direct) | None) => Label::Mobile,
        (PhoneNumberType::FixedLine, Some(Label::Mobile)) | (_, None) => Label::Work,
        (_, Some(label)) => label,
    };
    let country = PHONE_NUMBER_UTIL
        .get_region_for_number(&number)
        .map(|region| format!("{region:?}"))
        .filter(|code| code.len() == 2);
    Some(Phone {
        e164: PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned(),
        display: PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::International).into_owned(),
        label,
        labelled,
        fixed: kind == PhoneNumberType::FixedLine,
        country,
        extension,
    })
}

/// The number, and the extension if it is no part of it: in German-speaking countries it is dialled
/// after the number, elsewhere numbers have their length.
fn number_of(cleaned: Cleaned, country: &str) -> Option<(PhoneNumber, Option<String>)> {
    let Some((base, extension)) = cleaned.extended else {
        return valid(&cleaned.digits, country).map(|number| (number, None));
    };
    let alone = valid(&base, country);
    let appended = alone.as_ref().is_none_or(|number| matches!(number.country_code, 41 | 43 | 49 | 423));
    let whole = appended.then(|| valid(&cleaned.digits, country)).flatten();
    whole.map(|number| (number, None)).or_else(|| alone.map(|number| (number, Some(extension))))
}

fn valid(digits: &str, country: &str) -> Option<PhoneNumber> {
    // National numbers begin with 0 here, so digits that begin with the country code are rather
    // one written without its plus than a national number that lost its zero.
    let with_code = || parse(&international(digits, country)?, country);
    let long = digits.chars().filter(char::is_ascii_digit).count() >= 11;
    long.then(with_code).flatten().or_else(|| parse(digits, country)).or_else(with_code)
}

/// The number with its extension appended: in German-speaking countries an extension is dialled
/// after the number, in place of the operator's 0.
pub fn with_extension(base: &str, extension: &str, country: &str) -> Option<Phone> {
    let digits: String = extension.chars().filter(char::is_ascii_digit).collect();
    let base = base.strip_suffix('0').unwrap_or(base);
    (!digits.is_empty() && digits.len() < 7).then(|| read(&format!("{base}{digits}"), country)).flatten()
}

/// The part of two numbers of one company that both begin with, without the extension: shorter
/// than a number, or `None` where they are not of one switchboard.
pub fn same_switchboard(a: &str, b: &str) -> bool {
    let common = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    a != b && common >= 9 && a.len().saturating_sub(common) <= 4 && b.len().saturating_sub(common) <= 4
}

fn parse(text: &str, country: &str) -> Option<PhoneNumber> {
    let number = PHONE_NUMBER_UTIL.parse(text, region(country)).ok()?;
    PHONE_NUMBER_UTIL.is_valid_number(&number).then_some(number)
}

/// Whether it is the code of a country with telephone numbers.
pub fn has_numbers(country: &str) -> bool {
    region(country).and_then(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(region)).is_some()
}

fn region(country: &str) -> Option<Region> {
    country.parse().ok()
}

/// "49 30 1234567": the country code without its plus.
fn international(digits: &str, country: &str) -> Option<String> {
    let code = PHONE_NUMBER_UTIL.get_country_code_for_region(region(country)?)?;
    let plain: String = digits.chars().filter(char::is_ascii_digit).collect();
    (!digits.starts_with('+') && plain.starts_with(&code.to_string())).then(|| format!("+{plain}"))
}

/// Full-width digits and the many dashes and spaces made plain.
fn narrow(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\u{ff10}'..='\u{ff19}' => char::from_digit(u32::from(c) - 0xff10, 10),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
            '\u{ff0b}' => Some('+'),
            '\u{200b}'..='\u{200f}' | '\u{ad}' | '\u{2060}' | '\u{feff}' => None,
            c if c.is_whitespace() => Some(' '),
            c => Some(c),
        })
        .collect()
}

const WORDS: [(&str, Option<Label>); 45] = [
    ("mobiltelefon", Some(Label::Mobile)),
    ("mobilnummer", Some(Label::Mobile)),
    ("mobile", Some(Label::Mobile)),
    ("mobil", Some(Label::Mobile)),
    ("handynummer", Some(Label::Mobile)),
    ("handy", Some(Label::Mobile)),
    ("cellulare", Some(Label::Mobile)),
    ("cell", Some(Label::Mobile)),
    ("portable", Some(Label::Mobile)),
    ("natel", Some(Label::Mobile)),
    ("gsm", Some(Label::Mobile)),
    ("port", Some(Label::Mobile)),
    ("kom", Some(Label::Mobile)),
    ("diensthandy", Some(Label::Mobile)),
    ("mob", Some(Label::Mobile)),
    ("m", Some(Label::Mobile)),
    ("telefax", Some(Label::Fax)),
    ("fax", Some(Label::Fax)),
    ("f", Some(Label::Fax)),
    ("privatnummer", Some(Label::Private)),
    ("privat", Some(Label::Private)),
    ("priv", Some(Label::Private)),
    ("durchwahl", Some(Label::Direct)),
    ("direktwahl", Some(Label::Direct)),
    ("direkt", Some(Label::Direct)),
    ("direct", Some(Label::Direct)),
    ("ligne directe", Some(Label::Direct)),
    ("dw", Some(Label::Direct)),
    ("zentrale", Some(Label::Work)),
    ("telefonnummer", Some(Label::Work)),
    ("telefono", Some(Label::Work)),
    ("telefoon", Some(Label::Work)),
    ("telefon", Some(Label::Work)),
    ("téléphone", Some(Label::Work)),
    ("telephone", Some(Label::Work)),
    ("phone", Some(Label::Work)),
    ("fon", Some(Label::Work)),
    ("tél", Some(Label::Work)),
    ("tel", Some(Label::Work)),
    ("büro", Some(Label::Work)),
    ("office", Some(Label::Work)),
    ("work", Some(Label::Work)),
    ("p", Some(Label::Work)),
    ("t", Some(Label::Work)),
    ("d", Some(Label::Direct)),
];

/// The label that a word before the number gives.
pub fn label_of(text: &str) -> (Option<Label>, bool) {
    let lower = text.to_lowercase();
    let until_digit = lower.find(|c: char| c.is_ascii_digit() || c == '+').unwrap_or(lower.len());
    let before = lower.get(..until_digit).unwrap_or("");
    let words: Vec<&str> = before.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    let label =
        words.iter().rev().find_map(|word| WORDS.iter().find(|(known, _)| known == word)).and_then(|(_, label)| *label);
    (label, label.is_some())
}

fn is_extension_word(word: &str) -> bool {
    matches!(
        word,
        "dw" | "durchwahl"
            | "ext"
            | "extension"
            | "x"
            | "app"
            | "apparat"
            | "kl"
            | "klappe"
            | "int"
            | "interno"
            | "poste"
    )
}

/// What of a text may stand in a number.
struct Cleaned {
    /// The extension appended, if there is one.
    digits: String,
    /// The number without it, and the extension.
    extended: Option<(String, String)>,
}

/// Only what may stand in a number. `None` if words that no number has stand beside the digits.
fn cleaned(text: &str) -> Option<Cleaned> {
    if text.contains('@') || text.contains("://") || is_scientific(text) {
        return None;
    }
    let text = text.replace("(0)", " ").replace("[0]", " ");
    let mut digits = String::new();
    let mut word = String::new();
    let mut extension = false;
    let mut extended: Option<(String, String)> = None;
    for c in text.chars().chain([' ']) {
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
            continue;
        }
        if !word.is_empty() {
            let found = std::mem::take(&mut word);
            let in_number = digits.chars().any(|c| c.is_ascii_digit());
            extension |= in_number && is_extension_word(&found);
            let known = is_extension_word(&found) || WORDS.iter().any(|(word, _)| *word == found);
            if in_number && !extension {
                break;
            }
            if !known && in_number {
                return None;
            }
        }
        match c {
            '0'..='9' => {
                if extension {
                    // The extension replaces the operator's zero: "5550-0 DW 12" is 5550-12.
                    extended.get_or_insert_with(|| (digits.clone(), String::new()));
                    let trimmed = digits.trim_end_matches(|c: char| !c.is_ascii_digit() && c != '-').to_owned();
                    digits = trimmed.strip_suffix("-0").map_or(trimmed.clone(), |base| format!("{base}-"));
                    extension = false;
                }
                digits.push(c);
                if let Some((_, extension)) = &mut extended {
                    extension.push(c);
                }
            }
            '+' if !digits.ends_with('+') => digits.push('+'),
            '-' | '/' | '.' | '(' | ')' | ' ' => digits.push(if c == '-' { '-' } else { ' ' }),
            _ => {}
        }
    }
    let extended = match extended {
        Some((base, extension)) => Some((plain(&base)?, extension)),
        None => None,
    };
    Some(Cleaned { digits: plain(&digits)?, extended })
}

fn plain(digits: &str) -> Option<String> {
    let digits = digits.trim().trim_end_matches(['-', ' ', '+']);
    let count = digits.chars().filter(char::is_ascii_digit).count();
    let digits = trunk_zero_removed(digits);
    (count >= 5 && digits.rfind('+').is_none_or(|at| at == 0)).then_some(digits)
}

/// "4,95531555E+11": what a spreadsheet makes of a number; its last digits are gone.
fn is_scientific(text: &str) -> bool {
    let text = text.trim();
    text.split_once(['E', 'e']).is_some_and(|(mantissa, exponent)| {
        !mantissa.is_empty()
            && mantissa.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
            && exponent.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-'))
    })
}

/// "+49 030 123": nobody dials the zero after the country code, but in Italy.
fn trunk_zero_removed(digits: &str) -> String {
    let Some(rest) = digits.strip_prefix('+').or_else(|| digits.strip_prefix("00")) else {
        return digits.to_owned();
    };
    let rest = rest.trim_start_matches([' ', '-']);
    for code in ["49", "43", "41", "31", "32", "33", "44"] {
        if let Some(national) = rest.strip_prefix(code) {
            let national = national.trim_start_matches([' ', '-']);
            let national = national.strip_prefix('0').filter(|n| !n.starts_with('0')).unwrap_or(national);
            return format!("+{code} {national}");
        }
    }
    format!("+{rest}")
}

/// The pieces of a cell that may each be a number: cut at `;`, `,`, line ends and words, and at
/// `/` and ` - ` only where both sides are numbers of their own.
fn pieces(cell: &str, country: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    if cell.len() > LONGEST {
        return pieces;
    }
    // Lines first: a line break within a cell is a blank to everything below.
    let lines: Vec<String> = cell.trim().trim_start_matches('\'').lines().map(narrow).collect();
    if let [line] = lines.as_slice()
        && is_scientific(line)
    {
        return vec![line.clone()];
    }
    for part in lines.iter().flat_map(|line| split_at_words(line)).flat_map(|part| {
        let parts: Vec<String> = part.split([';', ',', '|', '·']).map(str::to_owned).collect();
        parts
    }) {
        let part = without_decimal(part.trim());
        if let Some(siblings) = siblings(part, country) {
            pieces.extend(siblings);
            continue;
        }
        let mut rest = part;
        while let Some(at) = cut(rest, country) {
            pieces.push(rest[..at].trim().to_owned());
            rest = rest[at..].trim_start_matches(['/', ' ']).trim();
        }
        pieces.push(rest.to_owned());
    }
    pieces.retain(|piece| piece.chars().any(|c| c.is_ascii_digit()));
    pieces
}

/// `0711 1234567 oder 0171 1234567`: words that stand between two numbers.
fn split_at_words(line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut from, mut at) = (0, 0);
    for word in line.split_inclusive(' ') {
        let bare = word.trim().trim_end_matches('.');
        if ["oder", "od", "or", "und", "and", "bzw", "sowie"].iter().any(|known| bare.eq_ignore_ascii_case(known)) {
            parts.push(line.get(from..at).unwrap_or(""));
            from = at + word.len();
        }
        at += word.len();
    }
    parts.push(line.get(from..).unwrap_or(""));
    parts
}

/// `491711234567.0`: how a table of numbers with gaps is written out again.
fn without_decimal(text: &str) -> &str {
    text.strip_suffix(".0").filter(|whole| whole.len() > 4 && whole.bytes().all(|b| b.is_ascii_digit())).unwrap_or(text)
}

/// `0711 5550-12/13` and `0711 5550-0 / -12`: extensions of one switchboard, each a number.
fn siblings(text: &str, country: &str) -> Option<Vec<String>> {
    let mut tails = Vec::new();
    let mut head = text;
    while let Some((before, tail)) = head.rsplit_once('/') {
        let tail = tail.trim();
        let extension = tail.strip_prefix('-').unwrap_or(tail).trim();
        if extension.is_empty() || extension.len() > 4 || !extension.bytes().all(|b| b.is_ascii_digit()) {
            break;
        }
        tails.push((extension, tail.starts_with('-')));
        head = before.trim_end();
    }
    let (base, first) = head.rsplit_once('-')?;
    let first = first.trim();
    let alike = |(tail, dashed): &(&str, bool)| *dashed || first == "0" || tail.len() == first.len();
    let extended = !first.is_empty() && first.len() <= 4 && first.bytes().all(|b| b.is_ascii_digit());
    if tails.is_empty() || !extended || digits_before(base, base.len()) < 6 || !tails.iter().all(alike) {
        return None;
    }
    read(head, country)?;
    let mut numbers = vec![head.to_owned()];
    numbers.extend(tails.iter().rev().map(|(tail, _)| format!("{base}-{tail}")));
    Some(numbers)
}

/// Where a second number begins.
fn cut(text: &str, country: &str) -> Option<usize> {
    let second_plus = text.match_indices('+').map(|(at, _)| at).find(|at| digits_before(text, *at) >= 6);
    let slash = text
        .match_indices('/')
        .map(|(at, _)| at)
        .find(|at| read(&text[..*at], country).is_some() && read(&text[at + 1..], country).is_some());
    let word = text.char_indices().zip(text.chars().skip(1)).find_map(|((at, before), after)| {
        let starts = !before.is_alphabetic() && after.is_alphabetic() && digits_before(text, at) >= 6;
        let begin = at + before.len_utf8();
        let word: String =
            text.get(begin..)?.chars().take_while(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
        let labels = WORDS.iter().any(|(known, _)| *known == word) && !is_extension_word(&word);
        let rest = text.get(begin..)?.chars().filter(char::is_ascii_digit).count();
        (starts && labels && rest >= 6).then_some(begin)
    });
    [second_plus, slash, word].into_iter().flatten().min().filter(|at| *at > 0)
}

fn digits_before(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or("").chars().filter(char::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(cell: &str, country: &str) -> Vec<String> {
        read_all(cell, country).0.into_iter().map(|phone| phone.e164).collect()
    }

    #[test]
    fn the_zero_in_brackets_and_after_the_country_code_is_not_dialled() {
        for written in [
            "+49 (0)711 1234567",
            "+49 0711 1234567",
            "0049 711 1234567",
            "++49 711 1234567",
            "0711/123 45 67",
            "49 711 1234567",
        ] {
            assert_eq!(numbers(written, "DE"), ["+497111234567"], "{written}");
        }
        assert_eq!(numbers("+39 0471 555236", "DE"), ["+390471555236"], "in Italy it is");
    }

    #[test]
    fn an_extension_is_dialled_after_the_number() {
        assert_eq!(numbers("+43 1 5550160 DW 12", "AT"), ["+43155501 6012".replace(' ', "")]);
        assert_eq!(numbers("01 5550160 Durchwahl 27", "AT"), ["+431555016027"]);
        assert_eq!(numbers("0711 5550-0 DW 12", "DE"), ["+49711555012"], "in place of the operator's zero");
        assert_eq!(numbers("0711 5550-0", "DE"), ["+4971155500"]);
    }

    #[test]
    fn where_numbers_have_their_length_an_extension_is_kept_apart() {
        for (written, number, extension) in [
            ("+1 (415) 555-2671 ext. 99", "+14155552671", "99"),
            ("+1 415 555 2671 x99", "+14155552671", "99"),
            ("+44 20 7946 0018 ext. 12", "+442079460018", "12"),
            ("+41 44 668 18 00 int. 5", "+41446681800", "5"),
        ] {
            let phone = read(written, "DE").unwrap();
            assert_eq!((phone.e164.as_str(), phone.extension.as_deref()), (number, Some(extension)), "{written}");
        }
        assert_eq!(read("0711 5550-0 DW 12", "DE").unwrap().extension, None, "it is part of the number");
    }

    #[test]
    fn two_numbers_in_a_cell_are_two_numbers() {
        assert_eq!(numbers("0471 5550246 / 0171 5550246", "DE"), ["+494715550246", "+491715550246"]);
        assert_eq!(numbers("+49 711 1234567 / +49 171 1234567", "DE"), ["+497111234567", "+491711234567"]);
        let (found, bad) = read_all("Tel.: 0471 5550247, priv. 0471 5550991", "DE");
        assert_eq!(bad, 0);
        assert_eq!((found[0].label, found[1].label), (Label::Work, Label::Private));
        assert_eq!(numbers("T 0711 1234567 M 0171 1234567", "DE").len(), 2);
    }

    #[test]
    fn extensions_of_one_switchboard_are_numbers_of_their_own() {
        assert_eq!(numbers("0711 5550-12/13", "DE"), ["+49711555012", "+49711555013"]);
        assert_eq!(numbers("0711 5550-0 / -12", "DE"), ["+4971155500", "+49711555012"]);
        assert_eq!(numbers("0711/5550-567", "DE"), ["+497115550567"]);
        assert_eq!(numbers("0711/123 45 67", "DE"), ["+497111234567"]);
    }

    #[test]
    fn line_breaks_words_and_decimals_of_a_table_part_or_end_a_number() {
        assert_eq!(numbers("0711 1234567\n0171 1234567", "DE"), ["+497111234567", "+491711234567"]);
        assert_eq!(numbers("0711\n1234567", "DE"), ["+497111234567"]);
        assert_eq!(numbers("0711 1234567 oder 0171 1234567", "DE"), ["+497111234567", "+491711234567"]);
        assert_eq!(numbers("491711234567.0", "DE"), ["+491711234567"]);
    }

    #[test]
    fn a_cell_of_megabytes_is_no_number() {
        for text in ["/", "1/", "0711 1234567 ", "+4"] {
            assert_eq!(read_all(&text.repeat(2_000_000 / text.len()), "DE").0, []);
        }
    }

    #[test]
    fn a_mobile_number_in_the_phone_column_is_a_mobile_number() {
        assert_eq!(read("0151 55500253", "DE").unwrap().label, Label::Mobile);
        assert_eq!(read("Tel. 0171 5550114", "DE").unwrap().label, Label::Mobile);
        assert_eq!(read("079 555 02 31", "CH").unwrap().label, Label::Mobile);
        assert_eq!(read("07361 48120-0", "DE").unwrap().label, Label::Work);
    }

    #[test]
    fn what_excel_left_of_a_number_is_read_or_refused_but_never_guessed() {
        assert_eq!(numbers("7115550434", "DE"), ["+497115550434"]);
        assert_eq!(numbers("'+49 5021 5550210", "DE"), ["+4950215550210"]);
        assert_eq!(read_all("4,95531555E+11", "DE").0, []);
        assert_eq!(read_all("bitte per Mail", "DE"), (Vec::new(), 0));
        assert_eq!(numbers("info@firma1110.de", "DE"), Vec::<String>::new());
        assert_eq!(numbers("123", "DE"), Vec::<String>::new());
    }

    #[test]
    fn libphonenumbers_answers_are_ours_on_inputs_from_the_german_speaking_countries() {
        let Some(folder) = std::env::var_os("MITTLER_DATA") else {
            eprintln!("skipped: MITTLER_DATA is not set");
            return;
        };
        let path = std::path::Path::new(&folder).join("phone/phone_expected_libphonenumber.tsv");
        let Ok(cases) = std::fs::read_to_string(path) else {
            eprintln!("skipped: no phone cases in MITTLER_DATA");
            return;
        };
        let (mut same, mut all) = (0, 0);
        for line in cases.lines() {
            let mut cells = line.split('\t');
            let (Some(country), Some(input), Some(answer)) = (cells.next(), cells.next(), cells.next()) else {
                continue;
            };
            let valid = answer.contains("v=true");
            let mut expected = answer.split(' ').next().unwrap_or("").to_owned();
            if let Some(extension) = answer.split_once("x=").map(|(_, x)| x) {
                expected.push_str(extension);
            }
            let ours = numbers(input, country);
            let agrees = if valid { ours == [expected.as_str()] } else { ours.is_empty() };
            all += 1;
            same += usize::from(agrees);
            if !agrees {
                println!("{country} {input}: libphonenumber {answer}, ours {ours:?}");
            }
        }
        println!("phone numbers: {same} of {all} as libphonenumber reads them");
        assert!(all == 0 || same + 1 >= all, "only two numbers in one cell may differ: {same} of {all}");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*", country in "[A-Z]{0,3}") {
            for phone in read_all(&text, &country).0 {
                prop_assert!(phone.e164.starts_with('+'));
            }
        }

        #[test]
        fn no_mixture_of_digits_and_signs_makes_the_reader_panic(text in "[0-9+/()DWTel.,;: '\u{feff}ü-]{0,40}") {
            for phone in read_all(&text, "DE").0 {
                prop_assert!(phone.e164.starts_with('+'));
            }
        }
    }
}
