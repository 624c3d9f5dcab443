//! The cells of a lead before anything is made of them: blanks off, twice-encoded text repaired,
//! exchanged cells exchanged back.

use std::collections::BTreeMap;

use mittler_intake::{LeadField, RawLead};

use crate::{Remark, country, email};

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
            if *field != LeadField::Note {
                text = text.split_whitespace().collect::<Vec<_>>().join(" ");
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
}
