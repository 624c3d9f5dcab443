//! Keys that lie outside the database: one master key in a file beside the configuration, and the
//! keys derived from it for each purpose.

use hmac::{Hmac, KeyInit, Mac};
use mittler_core::{Field, Fields, Said};
use mittler_identity::{Identifier, identifiers};
use sha2::Sha256;
use uuid::Uuid;

/// The keys of one installation.
#[derive(Clone)]
pub struct Keys {
    seal: [u8; 32],
    dedup: [u8; 32],
    suppression: [u8; 32],
    fingerprint: [u8; 32],
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
            fingerprint: mac(master, &[b"mittler fingerprint v1"]),
        }
    }

    /// By what the database recognises the key that it was made with. It says nothing about the key.
    pub fn fingerprint(&self) -> String {
        self.fingerprint[..8].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
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

    /// The entries under which a person is kept out: by what they are recognised, and the keys by
    /// which records are one, each with whether it names one person.
    pub fn entries(&self, identifiers: &[Identifier], keys: impl Iterator<Item = (Uuid, bool)>) -> Entries {
        let mut entries = Entries::default();
        let keys = keys.map(|(key, strong)| ("key", key.simple().to_string(), strong));
        let identifiers = identifiers.iter().map(|it| (it.kind, it.value.clone(), it.strong));
        for (kind, value, strong) in keys.chain(identifiers) {
            let some = if strong { &mut entries.strong } else { &mut entries.weak };
            some.push((self.suppression(kind, &value), kind));
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
        self.entries(&identifiers(&said.iter().collect::<Vec<_>>()), std::iter::empty()).strong
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
    use mittler_core::Value;

    use super::*;

    #[test]
    fn entries_are_hashes_under_the_key_of_the_installation() {
        let identifiers = [
            Identifier { kind: "email", value: "anna@example.com".into(), strong: true },
            Identifier { kind: "mailbox_name", value: "info@example.com specht".into(), strong: false },
        ];
        let key = Uuid::from_u128(3);
        let of = |master: u8| Keys::derive(&[master; 32]).entries(&identifiers, std::iter::once((key, true)));
        let (ours, theirs) = (of(7), of(8));
        assert_eq!((ours.strong.len(), ours.weak.len()), (2, 1));
        assert_eq!(ours, of(7));
        assert!(ours.all().all(|(id, _)| id != key && theirs.all().all(|(other, _)| other != id)));
        let fingerprint = |master: u8| Keys::derive(&[master; 32]).fingerprint();
        assert!(fingerprint(7).len() == 16 && fingerprint(7) == fingerprint(7) && fingerprint(7) != fingerprint(8));
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
