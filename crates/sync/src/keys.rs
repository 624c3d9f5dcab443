//! Keys that lie outside the database: one master key in a file beside the configuration, and the
//! keys derived from it for each purpose.

use hmac::{Hmac, KeyInit, Mac};
use mittler_core::{Field, Fields};
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

    /// The suppression entry of an address or number. The address is lower-cased, and known also
    /// without its plus part, so that another spelling does not bring a person back.
    pub fn suppression(&self, kind: &str, value: &str) -> Uuid {
        let hash = mac(&self.suppression, &[kind.as_bytes(), &[0], value.as_bytes()]);
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        uuid::Builder::from_custom_bytes(id).into_uuid()
    }

    /// All suppression entries that would stop this person.
    pub fn suppressions_of(&self, fields: &Fields) -> Vec<(Uuid, &'static str)> {
        let emails = fields.elements(&Field::EMAILS).iter().flat_map(|element| spellings(&element.key));
        let mut entries: Vec<_> = emails.map(|email| (self.suppression("email", &email), "email")).collect();
        entries.sort_unstable();
        entries.dedup();
        entries
    }
}

/// The forms under which an address is kept out: as it is, and without its plus part.
pub fn spellings(email: &str) -> Vec<String> {
    let email = mittler_core::value::clean(email).to_lowercase();
    let mut forms = vec![email.clone()];
    if let Some((local, domain)) = email.rsplit_once('@')
        && let Some((plain, _)) = local.split_once('+')
    {
        forms.push(format!("{plain}@{domain}"));
    }
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

    #[test]
    fn another_spelling_of_an_address_is_still_kept_out() {
        let keys = Keys::derive(&[7; 32]);
        let one = keys.suppression("email", &spellings("Anna+Messe@Example.COM")[1]);
        assert_eq!(one, keys.suppression("email", "anna@example.com"));
        assert_ne!(one, Keys::derive(&[8; 32]).suppression("email", "anna@example.com"));
    }
}
