//! Whom somebody means who writes a record's id, an e-mail address or a phone number.

use mittler_core::{Field, Kind, RecordId, Said, Value};
use mittler_identity::{Key, KeyType};
use mittler_normalise::{email, phone};
use mittler_store::{Result, Store};

/// So many people of one number are told apart; who shares it with more is not found by it.
const MOST: i64 = 50;

/// An address or a number, as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    Email(email::Email),
    /// E.164.
    Phone(String),
}

impl Contact {
    /// The address or number in a text; `country` is where a number without a country is dialled.
    pub fn read(text: &str, country: &str) -> Option<Contact> {
        let email = email::read_all(text).0.into_iter().next().map(Contact::Email);
        email.or_else(|| phone::read(text, country).map(|phone| Contact::Phone(phone.e164)))
    }

    /// How many addresses it is.
    pub fn addresses(&self) -> usize {
        usize::from(matches!(self, Contact::Email(_)))
    }

    pub(crate) fn said(&self) -> Said {
        match self {
            Contact::Email(email) => {
                Said::element(Field::EMAILS, email.key(), Value::Text(email.address.clone()), "asked")
            }
            Contact::Phone(number) => {
                Said::element(Field::PHONES, number.clone(), Value::Text(number.clone()), "asked")
            }
        }
    }
}

/// Who was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Record(RecordId),
    /// These share the address or number.
    Several(Vec<RecordId>),
    /// Nobody is known by it.
    Stranger(Contact),
    /// It is neither an id nor an address nor a number.
    Unreadable,
}

/// Finds the record that is meant.
///
/// # Errors
/// If the database does not answer.
pub async fn find(store: &Store, text: &str, country: &str) -> Result<Found> {
    if let Ok(id) = text.trim().parse() {
        return Ok(Found::Record(id));
    }
    let Some(contact) = Contact::read(text, country) else { return Ok(Found::Unreadable) };
    if let Contact::Email(email) = &contact {
        let key = Key { key_type: KeyType::Email, scope: String::new(), value: email.canonical() };
        if let Some(id) = store.by_key(key.id()).await? {
            return Ok(Found::Record(id));
        }
    }
    // A shared mailbox is nobody's key, and neither is a number: those who have it now are looked for.
    let said = contact.said();
    let key = said.key.unwrap_or_default();
    let lines = store.records_like(Kind::Person, &[format!("%{}%", key.to_lowercase())], MOST).await?;
    let has = |line: &&mittler_store::records::RecordLine| {
        line.fields.0.elements(&said.field).iter().any(|element| element.key == key)
    };
    let found: Vec<RecordId> = lines.iter().filter(has).map(|line| RecordId(line.id)).collect();
    Ok(match found.as_slice() {
        [] => Found::Stranger(contact),
        [one] => Found::Record(*one),
        _ => Found::Several(found),
    })
}
