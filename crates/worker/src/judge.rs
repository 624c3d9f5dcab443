//! Reads values that CRMs show the way all others are read.

use mittler_core::{Field, Said, Value};
use mittler_enrich::{email, name, phone};
use mittler_sync::Judge;

/// The enrichment crate's eye, lent to sync.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Country of phone numbers that name none.
    pub country: String,
}

impl Judge for Reader {
    fn normalise(&self, mut said: Said) -> Said {
        let Some(Value::Text(text)) = &said.value else { return said };
        if said.field == Field::PHONES {
            if let Some(phone) = phone::read(text, &self.country) {
                said.value = Some(Value::Text(phone.e164.clone()));
                said.key = Some(phone.e164);
                said.label = said.label.or(Some(phone.label));
            }
        } else if said.field == Field::EMAILS
            && let Some(email) = email::read_all(text).0.into_iter().next()
        {
            said.key = Some(email.key().clone());
            said.value = Some(Value::Text(email.address.clone()));
        }
        said
    }
    fn is_personal(&self, address: &str) -> bool {
        email::read(address).is_some_and(|email| !email.is_role())
    }

    fn same_surname(&self, one: &str, other: &str) -> bool {
        name::same_surname(one, other)
    }
}
