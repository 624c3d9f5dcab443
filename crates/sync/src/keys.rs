//! Keys that lie outside the database: one master key in a file beside the configuration, and the
//! keys derived from it for each purpose.

use hmac::{Hmac, KeyInit, Mac};
use mittler_core::{Field, Fields, Said, Value};
use mittler_enrich::{
    Key, KeyType,
    email::{self, Email},
    keys::{Person, of_person},
    name::surname_keys,
};
use mittler_store::derived_id;
use sha2::Sha256;
use uuid::Uuid;

/// The keys of one installation.
#[derive(Clone)]
pub struct Keys {
    seal: [u8; 32],
    dedup: [u8; 32],
    suppression: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    pub fn derive(master: &[u8; 32]) -> Keys {
        Keys {
            seal: mac(master, &[b"mittler seal v1"]),
            dedup: mac(master, &[b"mittler dedup v1"]),
            suppression: mac(master, &[b"mittler suppression v1"]),
        }
    }

    /// Seals secrets at rest.
    pub fn seal(&self) -> &[u8; 32] {
        &self.seal
    }

    /// Names inputs that say the same.
    pub fn dedup(&self) -> &[u8; 32] {
        &self.dedup
    }

    /// The suppression entry of a value: an address, a key, a mailbox with a surname.
    pub fn suppression(&self, kind: &str, value: &str) -> Uuid {
        let hash = mac(&self.suppression, &[kind.as_bytes(), &[0], value.as_bytes()]);
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        uuid::Builder::from_custom_bytes(id).into_uuid()
    }

    /// The entries under which whoever is said to be this is kept out.
    ///
    /// Strong ones name one person: addresses that are not of a task, in every spelling; the keys by
    /// which records are one. Weak ones are what relatives and colleagues may share: a number, or a
    /// mailbox like `info@`, each with the surname.
    pub fn entries<'a>(
        &self,
        said: impl IntoIterator<Item = &'a Said>,
        keys: impl Iterator<Item = (Uuid, bool)>,
    ) -> Entries {
        let said: Vec<&Said> = said.into_iter().collect();
        let texts = |field: Field| -> Vec<String> {
            let said = said.iter().filter(|said| said.field == field);
            said.flat_map(|said| said.key.clone().into_iter().chain(said.value.as_ref().map(Value::display))).collect()
        };
        let written = texts(Field::EMAILS);
        let emails: Vec<Email> = written.iter().flat_map(|text| email::read_all(text).0).collect();
        let (phones, surnames) = (texts(Field::PHONES), texts(Field::LAST_NAME));
        let mut entries = Entries::default();
        for (key, strong) in keys {
            let entry = (self.suppression("key", &key.simple().to_string()), "key");
            if strong { entries.strong.push(entry) } else { entries.weak.push(entry) }
        }
        for email in emails.iter().filter(|email| !email.is_role()) {
            let forms = spellings(&email.address);
            entries.strong.extend(forms.iter().map(|form| (self.suppression("email", form), "email")));
        }
        // What cannot be read as an address was kept as it is, and is kept out as it is.
        for text in written.iter().filter(|text| email::read_all(text).0.is_empty()) {
            entries.strong.extend(spellings(text).iter().map(|form| (self.suppression("email", form), "email")));
        }
        for last in surnames.iter().map(String::as_str) {
            let person = Person { last: Some(last), emails: &emails, phones: &phones, ..Person::default() };
            for key in of_person(&person).iter().filter(|key| key.key_type == KeyType::PhoneName) {
                entries.weak.push((self.suppression("key", &key_id(key).simple().to_string()), "key"));
            }
            for (mailbox, surname) in emails
                .iter()
                .filter(|email| email.is_role())
                .flat_map(|mailbox| surname_keys(last).into_iter().map(move |surname| (mailbox, surname)))
            {
                let value = format!("{} {surname}", mailbox.key());
                entries.weak.push((self.suppression("mailbox_name", &value), "mailbox_name"));
            }
        }
        for some in [&mut entries.strong, &mut entries.weak] {
            some.sort_unstable();
            some.dedup();
        }
        entries
    }

    /// The entries that keep a record from being told to a CRM: those that name one person.
    pub fn suppressions_of(&self, fields: &Fields) -> Vec<(Uuid, &'static str)> {
        let said: Vec<Said> = fields
            .elements(&Field::EMAILS)
            .iter()
            .map(|element| Said::element(Field::EMAILS, element.key.clone(), element.sourced.value.clone(), ""))
            .collect();
        self.entries(said.iter(), std::iter::empty()).strong
    }
}

/// Suppression entries with their kinds, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    pub strong: Vec<(Uuid, &'static str)>,
    pub weak: Vec<(Uuid, &'static str)>,
}

impl Entries {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (Uuid, &'static str)> {
        self.strong.iter().chain(&self.weak).copied()
    }
}

/// The name under which a key is stored: a hash of type, scope and value.
pub fn key_id(key: &Key) -> Uuid {
    derived_id(&[b"key", key.key_type.name().as_bytes(), key.scope.as_bytes(), key.value.as_bytes()])
}

/// The forms under which an address is kept out: as it is, without its plus part, and as its mailer
/// takes it.
pub fn spellings(address: &str) -> Vec<String> {
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

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(keys: &Keys, email: &str, phone: &str, last: &str) -> Entries {
        let said = [
            Said::element(Field::EMAILS, email, Value::Text(email.into()), "test"),
            Said::element(Field::PHONES, phone, Value::Text(phone.into()), "test"),
            Said::new(Field::LAST_NAME, Value::Text(last.into()), "test"),
        ];
        keys.entries(said.iter(), std::iter::empty())
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
