//! The keys by which a person or company is recognised. Umlauts are folded both ways, so that one
//! name gives up to two keys that meet.

use mittler_core::{Field, Fields, Kind, Label};
use mittler_normalise::{
    company::{self, Company},
    email::{self, Email},
    name::{self, fold},
    nicknames,
};

use crate::{Key, KeyType, facts::NAME_OF_DOMAIN};

pub fn key(key_type: KeyType, scope: &str, value: impl Into<String>) -> Key {
    Key { key_type, scope: scope.to_owned(), value: value.into() }
}

/// The form in which a badge number or an id of a source is compared; `None` for what cannot be
/// one: placeholders, words without a digit, and numbers that a spreadsheet rounded.
pub fn id_value(text: &str) -> Option<String> {
    let plain: String = text.trim().trim_start_matches('\'').split_whitespace().collect::<String>().to_uppercase();
    let whole = plain.strip_suffix(".0").filter(|rest| rest.bytes().all(|b| b.is_ascii_digit())).unwrap_or(&plain);
    let rounded = whole.split_once('E').is_some_and(|(mantissa, exponent)| {
        (mantissa.contains(['.', ',']) || exponent.starts_with('+'))
            && mantissa.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
            && exponent.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-'))
    });
    let counts = whole.chars().any(|c| c.is_ascii_digit() && c != '0');
    (counts && !rounded && whole.len() <= 200).then(|| whole.to_owned())
}

/// What tells one fair from another, and the scope of its badge numbers: the name, however it is
/// spaced and capitalised, with the year if the name does not say one. Giving it its own answer
/// changes nothing.
pub fn fair_scope(name: &str, year: Option<i16>) -> String {
    let folded = fold(name);
    let says_year = folded
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20")));
    match year.filter(|_| !says_year) {
        Some(year) => format!("{folded} {year}"),
        None => folded,
    }
}

/// What a person's keys are made of.
#[derive(Debug, Clone, Default)]
pub struct Person<'a> {
    pub first: Option<&'a str>,
    pub last: Option<&'a str>,
    pub emails: &'a [Email],
    /// E.164.
    pub phones: &'a [String],
    pub company_core: Option<&'a str>,
}

pub fn of_person(person: &Person<'_>) -> Vec<Key> {
    let mut keys: Vec<Key> = person
        .emails
        .iter()
        .filter(|email| !email.is_role())
        .map(|email| key(KeyType::Email, "", email.canonical()))
        .collect();
    weak_keys(person, &mut keys);
    // "Berger Klaus" may be Klaus Berger: who is written the right way has no second set of keys,
    // so the two meet where the surname looks like a first name.
    if person.last.is_some_and(name::is_given_name) {
        weak_keys(&Person { first: person.last, last: person.first, ..person.clone() }, &mut keys);
    }
    keys.sort();
    keys.dedup();
    keys
}

/// Keys of the name beside something of the person's company.
fn weak_keys(person: &Person<'_>, keys: &mut Vec<Key>) {
    let first = person.first.map(fold).unwrap_or_default();
    let given = first.split([' ', '-']).next().unwrap_or("");
    let surnames = person.last.filter(|last| !last.contains('?')).map(name::surname_keys).unwrap_or_default();
    for surname in &surnames {
        for phone in person.phones {
            keys.push(key(KeyType::PhoneName, "", format!("{phone} {surname}")));
        }
        if let Some(initial) = given.chars().next().filter(|c| c.is_alphabetic()) {
            // A role mailbox may be anybody's of the firm and tells nothing that its name does not.
            for domain in person.emails.iter().filter(|email| !email.is_role()).filter_map(Email::company_domain) {
                keys.push(key(KeyType::DomainName, "", format!("{domain} {surname} {initial}")));
            }
        }
        let given = given.trim_end_matches('.');
        if let Some(core) = person.company_core.filter(|core| !core.contains('?') && given.chars().count() > 1) {
            keys.push(key(KeyType::NameCompany, "", format!("{} {surname}|{core}", nicknames::canonical(given))));
        }
    }
}

pub fn of_company(
    company: Option<&Company>,
    domain: Option<&str>,
    postal_code: Option<&str>,
    vat_id: Option<&str>,
    register: Option<&str>,
) -> Vec<Key> {
    let mut keys = Vec::new();
    if let Some(company) = company.filter(|company| !company.core.contains('?')) {
        keys.push(key(KeyType::CompanyName, "", &company.core));
        if let Some(form) = company.legal_form {
            for place in [domain, postal_code].into_iter().flatten() {
                keys.push(key(KeyType::CompanyAt, "", format!("{}|{}|{place}", company.core, fold(form))));
            }
        }
    }
    keys.extend(domain.map(|domain| key(KeyType::Domain, "", domain)));
    keys.extend(vat_id.map(|id| key(KeyType::VatId, "", id)));
    keys.extend(register.map(|register| key(KeyType::Register, "", fold(register))));
    keys.sort();
    keys.dedup();
    keys
}

/// The keys of what a record says now: those by which the next one who says the same is recognised.
pub fn of_fields(kind: Kind, fields: &Fields) -> Vec<Key> {
    let company = |field: &Field| {
        let city = fields.text(&Field::CITY).unwrap_or("");
        let said = fields.sourced(field).filter(|said| said.how != NAME_OF_DOMAIN)?;
        company::read(said.value.as_text()?, city)
    };
    match kind {
        Kind::Person => {
            let emails: Vec<Email> =
                fields.elements(&Field::EMAILS).iter().filter_map(|it| email::read(&it.key)).collect();
            let phones = fields.elements(&Field::PHONES).iter().filter(|it| it.label != Some(Label::Fax));
            let phones: Vec<String> = phones.map(|it| it.key.clone()).collect();
            let company = company(&Field::COMPANY);
            of_person(&Person {
                first: fields.text(&Field::FIRST_NAME),
                last: fields.text(&Field::LAST_NAME),
                emails: &emails,
                phones: &phones,
                company_core: company.as_ref().map(|company| company.core.as_str()),
            })
        }
        Kind::Organisation => of_company(
            company(&Field::NAME).as_ref(),
            fields.text(&Field::DOMAIN),
            fields.text(&Field::POSTAL_CODE),
            fields.text(&Field::VAT_ID),
            fields.text(&Field::REGISTER),
        ),
        Kind::Fair | Kind::Participation | Kind::Activity | Kind::Association => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_is_no_key() {
        for text in ["NULL", "-", "0", "#NV", "000", "VIP", "1,04012E+11", "1E+11", "", "k.A."] {
            assert_eq!(id_value(text), None, "{text}");
        }
    }

    #[test]
    fn an_id_is_one_however_it_is_written() {
        for text in ["BW26-104012", " bw26-104012 ", "'BW26-104012", "BW26- 104012"] {
            assert_eq!(id_value(text).as_deref(), Some("BW26-104012"), "{text}");
        }
        assert_eq!(id_value("104012.0").as_deref(), Some("104012"));
        assert_eq!(id_value("1E5").as_deref(), Some("1E5"), "letters of an id");
    }

    #[test]
    fn a_fair_is_one_however_its_name_is_spaced_and_its_year_said() {
        assert_eq!(fair_scope("BEWEGA  2026 ", Some(2026)), fair_scope("Bewega 2026", None));
        assert_eq!(fair_scope("BEWEGA", Some(2026)), fair_scope("BEWEGA 2026", Some(2026)));
        assert_ne!(fair_scope("BEWEGA", Some(2026)), fair_scope("BEWEGA", Some(2027)));
        assert_eq!(fair_scope(&fair_scope("Halle 7", Some(2026)), None), "halle 7 2026");
    }

    #[test]
    fn a_role_mailbox_makes_no_key_of_a_person() {
        let emails = [mittler_normalise::email::read("info@huber.example").unwrap()];
        let person = Person { first: Some("Hans"), last: Some("Huber"), emails: &emails, ..Person::default() };
        assert_eq!(of_person(&person), []);
    }
}
