//! The cells of a lead before anything is made of them: blanks off, twice-encoded text repaired,
//! exchanged cells exchanged back.

use std::collections::BTreeMap;

use mittler_intake::{LeadField, RawLead};

use crate::{Remark, country, email, name::fold};

/// How a value is known that stands in a cell.
pub const CELL: &str = "lead.cell";

/// Cells with a value, and what was done to them.
#[derive(Debug, Clone, Default)]
pub struct Cells {
    pub values: BTreeMap<LeadField, String>,
    pub remarks: Vec<Remark>,
}

impl Cells {
    pub fn of(raw: &RawLead) -> Cells {
        let mut cells = Cells::default();
        for (field, text) in &raw.fields {
            let mut text = mittler_core::value::clean(text);
            if let Some(repaired) = decoded_once_more(&text) {
                text = repaired;
                cells.remark("encoding_repaired", *field, "the text was encoded twice and has been repaired");
            }
            if holds_lines(*field) {
                let lines = text.lines().map(single_blanks).filter(|line| !line.is_empty());
                text = lines.collect::<Vec<_>>().join("\n");
            } else if *field != LeadField::Note {
                text = single_blanks(&text);
            }
            if is_number(*field)
                && let Some(whole) =
                    text.strip_suffix(".0").filter(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_digit()))
            {
                text.truncate(whole.len());
            }
            if is_placeholder(*field, &text) {
                continue;
            }
            if *field == LeadField::Company && is_no_company(&text) {
                cells.remark("no_company", LeadField::Company, "the cell says that there is no company");
                continue;
            }
            if !text.is_empty() {
                cells.values.insert(*field, text);
            }
        }
        cells.exchange();
        cells
    }

    pub fn get(&self, field: LeadField) -> &str {
        self.values.get(&field).map_or("", String::as_str)
    }

    pub fn remark(&mut self, code: &str, field: LeadField, text: &str) {
        self.remarks.push(remark(code, field_name(field), text));
    }

    fn exchange(&mut self) {
        let city = self.get(LeadField::City).to_owned();
        if self.get(LeadField::PostalCode).is_empty()
            && let Some((code, place)) = postcode_before(&city)
        {
            self.values.insert(LeadField::PostalCode, code.to_owned());
            self.values.insert(LeadField::City, place.to_owned());
        }
        let digits = |text: &str| text.len() >= 4 && text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit());
        let (postal_code, city) = (self.get(LeadField::PostalCode), self.get(LeadField::City));
        if digits(city) && !postal_code.is_empty() && !postal_code.contains(|c: char| c.is_ascii_digit()) {
            self.swap(LeadField::PostalCode, LeadField::City);
            self.remark(
                "postcode_city_swapped",
                LeadField::PostalCode,
                "postcode and city stood in each other's column",
            );
        }
        let (mail, website) = (self.get(LeadField::Email), self.get(LeadField::Website));
        let is_host = |text: &str| !text.contains('@') && email::host_of(text).is_some();
        if email::read(website).is_some() && (mail.is_empty() || is_host(mail)) {
            self.swap(LeadField::Email, LeadField::Website);
            self.remark(
                "email_website_swapped",
                LeadField::Email,
                "e-mail address and website stood in each other's column",
            );
        }
        let (cell, land) = (self.get(LeadField::PostalCode), self.get(LeadField::Country));
        if land.is_empty() {
            if let (rest, Some(code)) = country::postcode(cell) {
                self.values.insert(LeadField::PostalCode, rest);
                self.values.insert(LeadField::Country, code.to_owned());
            }
        } else {
            let rest = country::postcode(cell).0;
            if !rest.is_empty() {
                self.values.insert(LeadField::PostalCode, rest);
            }
        }
    }

    fn swap(&mut self, a: LeadField, b: LeadField) {
        let (of_a, of_b) = (self.values.remove(&a), self.values.remove(&b));
        self.values.extend(of_b.map(|text| (a, text)));
        self.values.extend(of_a.map(|text| (b, text)));
    }
}

fn single_blanks(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cells of several values, which people write one below the other.
fn holds_lines(field: LeadField) -> bool {
    matches!(field, LeadField::Phone | LeadField::Mobile | LeadField::Fax | LeadField::Email | LeadField::Interest)
}

/// Digits that are no quantity: `70173.0` is what a table of numbers with gaps makes of them.
fn is_number(field: LeadField) -> bool {
    matches!(
        field,
        LeadField::PostalCode
            | LeadField::HouseNumber
            | LeadField::Badge
            | LeadField::ExternalId
            | LeadField::Salutation
            | LeadField::GenderCode
    )
}

/// What programs and people write where there is nothing. Some are names too, so the cells of a
/// name only take the spellings of programs.
fn is_placeholder(field: LeadField, text: &str) -> bool {
    const OF_PROGRAMS: [&str; 16] = [
        "NULL",
        "null",
        "(null)",
        "NaN",
        "nan",
        "None",
        "undefined",
        "#NV",
        "#N/A",
        "#NA",
        "#WERT!",
        "#VALUE!",
        "#REF!",
        "#BEZUG!",
        "#NAME?",
        "<NA>",
    ];
    const OF_PEOPLE: [&str; 17] = [
        "n/a",
        "n.a.",
        "k.a.",
        "k. a.",
        "k.a",
        "k/a",
        "keine angabe",
        "keine angaben",
        "ohne angabe",
        "nicht angegeben",
        "nicht bekannt",
        "unbekannt",
        "unknown",
        "not specified",
        "not provided",
        "(leer)",
        "none",
    ];
    let is_name = matches!(field, LeadField::FirstName | LeadField::LastName | LeadField::FullName);
    let dashes = !text.is_empty() && text.chars().all(|c| matches!(c, '-' | '–' | '—' | '.' | '/' | '_' | ' '));
    let folded = || fold(text);
    dashes
        || OF_PROGRAMS.contains(&text)
        || (OF_PEOPLE.contains(&folded().as_str()) && !(is_name && folded() == "none"))
}

/// Words in the company's cell that say that there is none.
fn is_no_company(text: &str) -> bool {
    const WORDS: [&str; 14] = [
        "privat",
        "private",
        "privatperson",
        "privatkunde",
        "private person",
        "selbstaendig",
        "selbststaendig",
        "selbstaendiger",
        "selbststaendiger",
        "self-employed",
        "self employed",
        "keine",
        "keine firma",
        "ohne firma",
    ];
    text.len() < 20 && WORDS.contains(&fold(text).trim_matches(['(', ')', '.']))
}

/// `70173 Stuttgart` and `D-70173 Stuttgart` in the cell of the place.
fn postcode_before(city: &str) -> Option<(&str, &str)> {
    let (code, place) = city.split_once(' ')?;
    let digits = code.rsplit('-').next().unwrap_or(code);
    let prefix = code.strip_suffix(digits).unwrap_or("");
    let fits = (4..=5).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && matches!(prefix, "" | "D-" | "A-" | "CH-" | "DE-" | "AT-" | "L-" | "FL-");
    let place = place.trim();
    (fits && place.starts_with(char::is_alphabetic)).then_some((code, place))
}

pub fn remark(code: &str, field: impl Into<String>, text: &str) -> Remark {
    Remark { code: code.to_owned(), field: field.into(), text: text.to_owned() }
}

/// `first_name`, as the field is called outside.
pub fn field_name(field: LeadField) -> String {
    serde_json::to_value(field).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What Windows-1252 makes of the bytes 0x80 to 0x9f.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// `JÃ¼rgen` to `Jürgen`: only if the whole text reads as UTF-8 once it is bytes again.
pub fn decoded_once_more(text: &str) -> Option<String> {
    if !text.contains(['Ã', 'Â', 'Ä', 'Å']) {
        return None;
    }
    let bytes: Vec<u8> = text
        .chars()
        .map(|c| match u32::from(c) {
            code @ (0..=0x7f | 0xa0..=0xff) => u8::try_from(code).ok(),
            _ => WINDOWS.iter().position(|known| *known == c).and_then(|at| u8::try_from(0x80 + at).ok()),
        })
        .collect::<Option<_>>()?;
    String::from_utf8(bytes).ok().filter(|repaired| repaired != text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_encoded_twice_is_read_as_it_was_meant() {
        assert_eq!(decoded_once_more("HÃ¤uÃŸermann").as_deref(), Some("Häußermann"));
        assert_eq!(decoded_once_more("JÃ¼rgen").as_deref(), Some("Jürgen"));
        assert_eq!(decoded_once_more("Ärger"), None);
        assert_eq!(decoded_once_more("Müller"), None);
    }

    fn read(field: LeadField, text: &str) -> String {
        let raw = RawLead {
            fields: BTreeMap::from([(field, text.to_owned())]),
            attributes: mittler_intake::Attributes::default(),
        };
        Cells::of(&raw).get(field).to_owned()
    }

    #[test]
    fn a_placeholder_is_an_empty_cell() {
        for text in ["NULL", "NaN", "#NV", "#N/A", "-", "--", "k.A.", "n/a", "keine Angabe", "unbekannt"] {
            for field in [LeadField::City, LeadField::LastName, LeadField::Phone, LeadField::Badge] {
                assert_eq!(read(field, text), "", "{text}");
            }
        }
        for text in ["privat", "Privatperson", "selbständig", "Selbstständig"] {
            assert_eq!(read(LeadField::Company, text), "", "{text}");
        }
        assert_eq!(read(LeadField::LastName, "Null"), "Null", "people are called so");
        assert_eq!(read(LeadField::Company, "Privatbrauerei Huber"), "Privatbrauerei Huber");
        assert_eq!(read(LeadField::Salutation, "-1"), "-1");
    }

    #[test]
    fn a_number_that_became_a_decimal_is_a_number_again() {
        assert_eq!(read(LeadField::PostalCode, "70173.0"), "70173");
        assert_eq!(read(LeadField::Badge, "104012.0"), "104012");
        assert_eq!(read(LeadField::Company, "Web 2.0"), "Web 2.0");
    }

    #[test]
    fn postcode_and_place_in_one_cell_come_apart() {
        let of = |text: &str| {
            let raw = RawLead {
                fields: BTreeMap::from([(LeadField::City, text.to_owned())]),
                attributes: mittler_intake::Attributes::default(),
            };
            let cells = Cells::of(&raw);
            let get = |field| cells.get(field).to_owned();
            (get(LeadField::PostalCode), get(LeadField::City), get(LeadField::Country))
        };
        assert_eq!(of("70173 Stuttgart"), ("70173".into(), "Stuttgart".into(), String::new()));
        assert_eq!(of("CH-9630 Wattwil"), ("9630".into(), "Wattwil".into(), "CH".into()));
        assert_eq!(of("Berlin 10115"), (String::new(), "Berlin 10115".into(), String::new()));
    }
}
