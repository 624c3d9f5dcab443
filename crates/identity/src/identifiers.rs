//! By what a person is recognised who must not come back: identifiers whose hashes are kept.

use mittler_core::{Field, Said, Value};
use mittler_normalise::{
    email::{self, Email},
    name::surname_keys,
};

use crate::{
    KeyType,
    keys::{Person, of_person},
};

/// Something by which a person is recognised, in a spelling that is always the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// `email`, `key` (the id of a key), or `mailbox_name`.
    pub kind: &'static str,
    pub value: String,
    pub strong: bool,
}

/// By what whoever is said to be this is recognised. Strong ones name one person: addresses that are
/// not of a task, in every spelling. Weak ones are what relatives and colleagues may share: a number,
/// or a mailbox like `info@`, each with the surname.
pub fn identifiers(said: &[&Said]) -> Vec<Identifier> {
    let texts = |field: Field| -> Vec<String> {
        let said = said.iter().filter(move |said| said.field == field);
        let mut texts: Vec<String> =
            said.flat_map(|said| said.key.clone().into_iter().chain(said.value.as_ref().map(Value::display))).collect();
        // Key and value mostly say the same.
        texts.sort();
        texts.dedup();
        texts
    };
    let written: Vec<(String, Vec<Email>)> = texts(Field::EMAILS)
        .into_iter()
        .map(|text| {
            let emails = email::read_all(&text).0;
            (text, emails)
        })
        .collect();
    let emails: Vec<Email> = written.iter().flat_map(|(_, emails)| emails).cloned().collect();
    let (phones, surnames) = (texts(Field::PHONES), texts(Field::LAST_NAME));
    let mut all = Vec::new();
    let mut address = |text: &str| {
        all.extend(spellings(text).into_iter().map(|value| Identifier { kind: "email", value, strong: true }));
    };
    emails.iter().filter(|email| !email.is_role()).for_each(|email| address(&email.address));
    // What cannot be read as an address was kept as it is, and is kept out as it is.
    written.iter().filter(|(_, emails)| emails.is_empty()).for_each(|(text, _)| address(text));
    for last in surnames.iter().map(String::as_str) {
        let person = Person { last: Some(last), emails: &emails, phones: &phones, ..Person::default() };
        for key in of_person(&person).iter().filter(|key| key.key_type == KeyType::PhoneName) {
            all.push(Identifier { kind: "key", value: key.id().simple().to_string(), strong: false });
        }
        for mailbox in emails.iter().filter(|email| email.is_role()) {
            all.extend(surname_keys(last).into_iter().map(|surname| Identifier {
                kind: "mailbox_name",
                value: format!("{} {surname}", mailbox.key()),
                strong: false,
            }));
        }
    }
    all
}

/// The forms under which an address is kept out: as it is, without its plus part, and as its mailer
/// takes it.
fn spellings(address: &str) -> Vec<String> {
    let address = mittler_core::value::clean(address).to_lowercase();
    let mut forms = vec![address.clone()];
    if let Some((local, domain)) = address.rsplit_once('@')
        && let Some((plain, _)) = local.split_once('+')
    {
        forms.push(format!("{plain}@{domain}"));
    }
    if let Some(email) = email::read(&address) {
        forms.extend([email.key(), email.canonical()]);
    }
    forms.sort();
    forms.dedup();
    forms
}
