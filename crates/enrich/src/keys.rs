//! The keys by which a person or company is recognised. Umlauts are folded both ways, so that one
//! name gives up to two keys that meet.

use crate::{
    Key, KeyType,
    company::Company,
    email::Email,
    name::{self, fold},
    nicknames,
};

pub fn key(key_type: KeyType, scope: &str, value: impl Into<String>) -> Key {
    Key { key_type, scope: scope.to_owned(), value: value.into() }
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
    let first = person.first.map(fold).unwrap_or_default();
    let given = first.split([' ', '-']).next().unwrap_or("");
    let surnames = person.last.filter(|last| !last.contains('?')).map(name::surname_keys).unwrap_or_default();
    for surname in &surnames {
        for phone in person.phones {
            keys.push(key(KeyType::PhoneName, "", format!("{phone} {surname}")));
        }
        if let Some(initial) = given.chars().next().filter(|c| c.is_alphabetic()) {
            for domain in person.emails.iter().filter_map(Email::company_domain) {
                keys.push(key(KeyType::DomainName, "", format!("{domain} {surname} {initial}")));
            }
        }
        let given = given.trim_end_matches('.');
        if let Some(core) = person.company_core.filter(|core| !core.contains('?') && given.chars().count() > 1) {
            keys.push(key(KeyType::NameCompany, "", format!("{} {surname}|{core}", nicknames::canonical(given))));
        }
    }
    keys.sort();
    keys.dedup();
    keys
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
