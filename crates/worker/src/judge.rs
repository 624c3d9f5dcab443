//! Reads values that CRMs show the way all others are read.

use mittler_core::{Field, Said, Value};
use mittler_enrich::{
    KeyType, country,
    email::{self, Email},
    keys::{Person, of_person},
    name::{self, surname_keys},
    phone,
};
use mittler_sync::{Identifier, Judge};

use crate::batch::key_id;

/// The enrichment crate's eye, lent to sync.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Country of phone numbers whose record names none.
    pub country: String,
}

impl Judge for Reader {
    fn normalise(&self, mut said: Said, country: Option<&str>) -> Said {
        let Some(Value::Text(text) | Value::Choice(text)) = &said.value else { return said };
        if said.field == Field::PHONES {
            if let Some(phone) = phone::read(text, country.unwrap_or(&self.country)) {
                said.value = Some(Value::Text(phone.e164.clone()));
                said.key = Some(phone.e164);
                said.label = said.label.or(Some(phone.label));
            }
        } else if said.field == Field::EMAILS {
            if let Some(email) = email::read_all(text).0.into_iter().next() {
                said.key = Some(email.key().clone());
                said.value = Some(Value::Text(email.address.clone()));
            }
        } else if said.field == Field::COUNTRY {
            if let Some(code) = country::read(text) {
                said.value = Some(Value::choice(code));
            }
        } else if said.field == Field::DOMAIN
            && let Some(host) = email::host_of(text)
        {
            // A shop's or a branch's host is of the company's domain; a free mailer's is nobody's.
            said.value = Some(Value::Text(email::company_domain(&host).unwrap_or(host)));
        }
        said
    }

    fn is_personal(&self, address: &str) -> bool {
        email::read(address).is_some_and(|email| !email.is_role())
    }

    fn same_surname(&self, one: &str, other: &str) -> bool {
        name::same_surname(one, other)
    }

    fn identifiers(&self, said: &[&Said]) -> Vec<Identifier> {
        identifiers(said)
    }
}

/// By what whoever is said to be this is recognised.
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
            all.push(Identifier { kind: "key", value: key_id(key).simple().to_string(), strong: false });
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

#[cfg(test)]
mod tests {
    use mittler_sync::{Keys, keys::Entries};
    use uuid::Uuid;

    use super::*;

    fn read(field: Field, text: &str, country: Option<&str>) -> Option<Value> {
        let reader = Reader { country: "DE".into() };
        reader.normalise(Said::new(field, Value::Text(text.into()), "crm.field"), country).value
    }

    #[test]
    fn what_a_crm_shows_gets_the_form_that_it_has_from_other_sources() {
        let text = |text: &str| Some(Value::Text(text.into()));
        assert_eq!(read(Field::DOMAIN, "https://www.acme.de/kontakt", None), text("acme.de"));
        assert_eq!(read(Field::DOMAIN, "shop.acme.de", None), text("acme.de"));
        assert_eq!(read(Field::COUNTRY, "Germany", None), Some(Value::choice("DE")));
        assert_eq!(read(Field::COUNTRY, "Mittelerde", None), text("Mittelerde"));
        assert_eq!(read(Field::PHONES, "01 5125540", Some("AT")), text("+4315125540"));
        assert_eq!(read(Field::PHONES, "0711 5550900", None), text("+497115550900"));
        assert_eq!(read(Field::EMAILS, "Anna@Example.com", None), text("anna@example.com"));
    }

    fn entries(keys: &Keys, email: &str, phone: &str, last: &str) -> Entries {
        let said = [
            Said::element(Field::EMAILS, email, Value::Text(email.into()), "test"),
            Said::element(Field::PHONES, phone, Value::Text(phone.into()), "test"),
            Said::new(Field::LAST_NAME, Value::Text(last.into()), "test"),
        ];
        keys.entries(&identifiers(&said.iter().collect::<Vec<_>>()), std::iter::empty())
    }

    fn meet(one: &[(Uuid, &str)], other: &[(Uuid, &str)]) -> bool {
        one.iter().any(|(id, _)| other.iter().any(|(it, _)| it == id))
    }

    #[test]
    fn another_spelling_of_an_address_is_still_kept_out() {
        let keys = Keys::derive(&[7; 32]);
        let one = entries(&keys, "Anna.Specht+Messe@GoogleMail.com", "+4971155501", "Specht");
        for spelling in ["annaspecht@gmail.com", "anna.specht@googlemail.com", "a.nnaspecht+x@gmail.com"] {
            let other = entries(&keys, spelling, "+4930123456", "Meise");
            assert!(meet(&one.strong, &other.strong), "{spelling}");
        }
        let plain = keys.suppression("email", "anna@example.com");
        assert!(entries(&keys, "anna+messe@example.com", "", "").strong.iter().any(|(id, _)| *id == plain));
        let elsewhere = entries(&Keys::derive(&[8; 32]), "anna.specht@gmail.com", "+4971155501", "Specht");
        assert!(!meet(&one.strong, &elsewhere.strong) && !meet(&one.weak, &elsewhere.weak));
    }

    #[test]
    fn a_mailbox_of_a_task_keeps_out_nobody_but_the_one_who_wrote_from_it() {
        let keys = Keys::derive(&[7; 32]);
        let anna = entries(&keys, "info@spechtbau.example", "+4971155501", "Specht");
        assert!(anna.strong.is_empty(), "a colleague would be kept out");
        let colleague = entries(&keys, "info@spechtbau.example", "+4971155502", "Meise");
        assert!(!meet(&anna.weak, &colleague.weak));
        assert!(meet(&anna.weak, &entries(&keys, "info@spechtbau.example", "+4930123456", "Specht").weak));
        assert!(meet(&anna.weak, &entries(&keys, "a@b.example", "+4971155501", "Specht").weak));
    }
}
