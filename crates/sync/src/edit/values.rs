//! What somebody writes into a field, in the form that it has from all other sources.

use std::collections::BTreeMap;

use mittler_core::{Field, Kind, Label, Record, Value};
use mittler_normalise::{company, country, dates, email, language, name, phone};

use super::{Change, Fault, Written};

/// No value is longer.
const LONGEST: usize = 1_000;
/// A set has no more elements.
const MOST: usize = 50;

static PERSON: [Field; 18] = [
    Field::SALUTATION,
    Field::TITLE,
    Field::FIRST_NAME,
    Field::LAST_NAME,
    Field::EMAILS,
    Field::PHONES,
    Field::POSITION,
    Field::DEPARTMENT,
    Field::COMPANY,
    Field::STREET,
    Field::POSTAL_CODE,
    Field::CITY,
    Field::STATE,
    Field::COUNTRY,
    Field::WEBSITE,
    Field::LANGUAGE,
    Field::OWNER,
    Field::OPT_OUT,
];

static ORGANISATION: [Field; 12] = [
    Field::NAME,
    Field::PHONES,
    Field::STREET,
    Field::POSTAL_CODE,
    Field::CITY,
    Field::STATE,
    Field::COUNTRY,
    Field::WEBSITE,
    Field::DOMAIN,
    Field::VAT_ID,
    Field::REGISTER,
    Field::OWNER,
];

/// The fields that a person writes of records of this kind; none of what is derived or happened.
pub fn editable(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Person => &PERSON,
        Kind::Organisation => &ORGANISATION,
        Kind::Fair | Kind::Participation | Kind::Activity | Kind::Association => &[],
    }
}

/// A change whose values have been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    One(Value),
    Many(Vec<Listed>),
    Empty,
    LetGo,
}

/// One element that a set is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub key: String,
    pub value: Value,
    /// What it is for: as it was written, else as it was known, else as the value shows.
    pub label: Option<Label>,
}

/// Reads all changes; the first that cannot be taken is told with its field.
pub(super) fn read(
    record: &Record,
    changes: &BTreeMap<String, Change>,
    default_country: &str,
) -> Result<BTreeMap<Field, Wish>, (String, Fault)> {
    let reader = Reader { record, country: country_of(record, changes, default_country) };
    let mut wishes = BTreeMap::new();
    for (name, change) in changes {
        let field = field(record, name, change).ok_or((name.clone(), Fault::UnknownField))?;
        let wish = reader.wish(&field, change).map_err(|fault| (name.clone(), fault))?;
        wishes.insert(field, wish);
    }
    Ok(wishes)
}

/// Custom fields are those that the record has; who emptied one can still let it go.
fn field(record: &Record, name: &str, change: &Change) -> Option<Field> {
    if let Some(field) = editable(record.kind).iter().find(|field| field.as_str() == name) {
        return Some(field.clone());
    }
    let field = Field::named(name);
    (field.is_custom() && (*change == Change::LetGo || record.fields.value(&field).is_some())).then_some(field)
}

/// Where numbers are dialled and postcodes have their form: the country that is written beside them, else the record's.
fn country_of(record: &Record, changes: &BTreeMap<String, Change>, default_country: &str) -> Dialled {
    let written = match changes.get(Field::COUNTRY.as_str()) {
        Some(Change::Set(written)) => written.first().and_then(|written| country::read(&written.text)),
        _ => None,
    };
    let known = written.or_else(|| record.fields.text(&Field::COUNTRY)).map(str::to_owned);
    Dialled { named: known.clone(), code: known.unwrap_or_else(|| default_country.to_owned()) }
}

struct Dialled {
    /// The country, if the record names one.
    named: Option<String>,
    code: String,
}

struct Reader<'a> {
    record: &'a Record,
    country: Dialled,
}

impl Reader<'_> {
    fn wish(&self, field: &Field, change: &Change) -> Result<Wish, Fault> {
        let written: Vec<&Written> = match change {
            Change::LetGo => return Ok(Wish::LetGo),
            Change::Empty => return Ok(Wish::Empty),
            Change::Set(written) => written.iter().filter(|written| !is_blank(&written.text)).collect(),
        };
        if written.len() > MOST {
            return Err(Fault::TooMany);
        }
        if written.iter().any(|written| written.text.chars().count() > LONGEST) {
            return Err(Fault::TooLong);
        }
        match written.as_slice() {
            [] => Ok(Wish::Empty),
            several if field.is_set() => self.list(field, several).map(Wish::Many),
            [one] if one.label.is_none() => self.one(field, &one.text).map(Wish::One),
            [_] => Err(Fault::NoLabel),
            _ => Err(Fault::OnlyOne),
        }
    }

    fn list(&self, field: &Field, written: &[&Written]) -> Result<Vec<Listed>, Fault> {
        let mut list: Vec<Listed> = Vec::new();
        for one in written {
            let mut listed = self.element(field, &one.text)?;
            let known = self.record.fields.elements(field).iter().find(|element| element.key == listed.key);
            listed.label = one.label.or(known.and_then(|element| element.label)).or(listed.label);
            if !list.iter().any(|known| known.key == listed.key) {
                list.push(listed);
            }
        }
        Ok(list)
    }

    fn element(&self, field: &Field, text: &str) -> Result<Listed, Fault> {
        if *field == Field::EMAILS {
            let email = email::read(text).ok_or(Fault::Email)?;
            let value = Value::text(&email.address).ok_or(Fault::Email)?;
            return Ok(Listed { key: email.key(), value, label: Some(Label::Work) });
        }
        let phone = phone::read(text, &self.country.code).filter(|phone| phone.extension.is_none());
        let phone = phone.ok_or(Fault::Phone)?;
        let value = Value::Text(phone.e164.clone());
        Ok(Listed { key: phone.e164, value, label: Some(phone.label) })
    }

    fn one(&self, field: &Field, text: &str) -> Result<Value, Fault> {
        let plain = Value::text(text).ok_or(Fault::OnlyOne)?;
        let clean = plain.as_text().unwrap_or_default();
        let texts = |text: Option<String>, fault: Fault| text.map(Value::Text).ok_or(fault);
        let choice = |code: Option<&str>, fault: Fault| code.map(Value::choice).ok_or(fault);
        match field.as_str() {
            "salutation" => choice(name::salutation(clean), Fault::Salutation),
            "country" => choice(country::read(clean), Fault::Country),
            "language" => choice(language::read(clean), Fault::Language),
            "postal_code" => self.postcode(clean),
            "website" => email::host_of(clean).map(|_| Value::Text(clean.to_lowercase())).ok_or(Fault::Website),
            "domain" => {
                let host = email::host_of(clean).ok_or(Fault::Domain)?;
                texts(email::company_domain(&host), Fault::Domain)
            }
            "vat_id" => texts(company::vat_id(clean), Fault::VatId),
            "opt_out" => yes_or_no(clean),
            "owner" if clean.contains('@') => texts(email::read(clean).map(|email| email.address), Fault::Email),
            "name" => {
                company::read(clean, self.record.fields.text(&Field::CITY).unwrap_or("")).ok_or(Fault::CompanyName)?;
                Ok(plain)
            }
            _ if field.is_custom() => self.custom(field, clean),
            _ => Ok(plain),
        }
    }

    /// A postcode is held against the form of the record's country; one of a country that the record does not name
    /// only has to look like one.
    fn postcode(&self, text: &str) -> Result<Value, Fault> {
        let (bare, before) = country::postcode(text);
        let named = self.country.named.as_deref().or(before);
        let digits = |count: usize| bare.len() == count && bare.bytes().all(|byte| byte.is_ascii_digit());
        let fits = match named {
            Some("DE") => digits(5),
            Some("AT" | "CH" | "LI") => digits(4),
            _ => {
                bare.chars().count() <= 12
                    && bare.chars().any(|c| c.is_ascii_digit())
                    && bare.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-'))
            }
        };
        if fits { Ok(Value::Text(bare)) } else { Err(Fault::PostalCode) }
    }

    /// A field that somebody's list brought keeps the type that it has.
    fn custom(&self, field: &Field, text: &str) -> Result<Value, Fault> {
        match self.record.fields.value(field) {
            Some(Value::Bool(_)) => yes_or_no(text),
            Some(Value::Int(_)) => text.parse().map(Value::Int).map_err(|_| Fault::Number),
            Some(Value::Decimal(_)) => text.replace(',', ".").parse().map(Value::Decimal).map_err(|_| Fault::Number),
            Some(Value::Date(_)) => {
                let moment = dates::read(text, "UTC").ok_or(Fault::Date)?;
                Ok(Value::Date(moment.at.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date()))
            }
            Some(Value::Choice(_)) => Ok(Value::choice(text)),
            Some(Value::Text(_)) => Ok(Value::Text(text.to_owned())),
            _ => Err(Fault::UnknownField),
        }
    }
}

fn is_blank(text: &str) -> bool {
    Value::text(text).is_none()
}

fn yes_or_no(text: &str) -> Result<Value, Fault> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "ja" | "1" => Ok(Value::Bool(true)),
        "false" | "no" | "nein" | "0" => Ok(Value::Bool(false)),
        _ => Err(Fault::YesOrNo),
    }
}

#[cfg(test)]
mod tests {
    use mittler_core::{Fields, RecordId};
    use uuid::Uuid;

    use super::*;

    fn record(kind: Kind) -> Record {
        Record { id: RecordId(Uuid::from_u128(1)), kind, version: 1, fields: Fields::default() }
    }

    fn one(kind: Kind, field: &str, text: &str) -> Result<Wish, Fault> {
        let change = Change::Set(vec![Written { text: text.into(), label: None }]);
        let read = read(&record(kind), &BTreeMap::from([(field.to_owned(), change)]), "DE");
        read.map(|wishes| wishes.into_values().next().unwrap()).map_err(|(_, fault)| fault)
    }

    #[test]
    fn a_value_gets_the_form_that_it_has_from_other_sources() {
        let text = |text: &str| Ok(Wish::One(Value::Text(text.into())));
        assert_eq!(one(Kind::Person, "country", "Österreich"), Ok(Wish::One(Value::choice("AT"))));
        assert_eq!(one(Kind::Person, "salutation", "Frau"), Ok(Wish::One(Value::choice("ms"))));
        assert_eq!(one(Kind::Person, "opt_out", "ja"), Ok(Wish::One(Value::Bool(true))));
        assert_eq!(one(Kind::Person, "position", "  Leiterin Einkauf "), text("Leiterin Einkauf"));
        assert_eq!(one(Kind::Organisation, "domain", "https://www.Acme.de/kontakt"), text("acme.de"));
        assert_eq!(one(Kind::Person, "position", " \u{200b}"), Ok(Wish::Empty), "a blank field is an empty one");
        let Ok(Wish::Many(phones)) = one(Kind::Person, "phones", "0171 5550900") else { panic!() };
        assert_eq!((phones[0].key.as_str(), phones[0].label), ("+491715550900", Some(Label::Mobile)));
        let Ok(Wish::Many(emails)) = one(Kind::Person, "emails", "Anna@Kranich.example") else { panic!() };
        assert_eq!(emails[0].key, "anna@kranich.example");
    }

    #[test]
    fn what_cannot_be_is_refused_and_never_repaired() {
        for (field, text, fault) in [
            ("emails", "anna.kranich", Fault::Email),
            ("phones", "siehe oben", Fault::Phone),
            ("country", "Mittelerde", Fault::Country),
            ("salutation", "Hallo", Fault::Salutation),
            ("language", "Quenya", Fault::Language),
            ("website", "keine", Fault::Website),
            ("opt_out", "vielleicht", Fault::YesOrNo),
            ("owner", "anna@", Fault::Email),
            ("core_name", "kranich", Fault::UnknownField),
            ("organisation", "rec_1", Fault::UnknownField),
            ("x.list.size", "7", Fault::UnknownField),
        ] {
            assert_eq!(one(Kind::Person, field, text), Err(fault), "{field}");
        }
        assert_eq!(one(Kind::Organisation, "vat_id", "DE1"), Err(Fault::VatId));
        assert_eq!(one(Kind::Person, "city", &"x".repeat(1_001)), Err(Fault::TooLong));
        assert_eq!(one(Kind::Fair, "name", "BEWEGA"), Err(Fault::UnknownField));
    }

    #[test]
    fn a_postcode_has_the_form_of_its_country() {
        let both = |country: &str, code: &str| {
            let set = |text: &str| Change::Set(vec![Written { text: text.into(), label: None }]);
            let changes = BTreeMap::from([("country".into(), set(country)), ("postal_code".into(), set(code))]);
            read(&record(Kind::Person), &changes, "DE").is_ok()
        };
        assert!(both("DE", "70173") && !both("DE", "7017") && !both("Austria", "70173") && both("AT", "1010"));
        assert!(both("GB", "SW1A 1AA") && !both("GB", "London"));
        assert!(one(Kind::Person, "postal_code", "1010").is_ok(), "the country is not known");
    }

    #[test]
    fn a_field_with_one_value_takes_no_list() {
        let written = |text: &str| Written { text: text.into(), label: None };
        let changes = BTreeMap::from([("city".to_owned(), Change::Set(vec![written("Ulm"), written("Aalen")]))]);
        let refused = read(&record(Kind::Person), &changes, "DE").unwrap_err();
        assert_eq!(refused, ("city".to_owned(), Fault::OnlyOne));
    }
}
