//! Values that a source shows in its own spelling, in the form that they have from all other sources.

use mittler_core::{Field, Said, Value};

use crate::{country, email, phone};

/// Gives a value the key and the form that the same value has from other sources. `country` is where
/// its numbers are dialled, as ISO 3166 alpha-2.
pub fn normalise(mut said: Said, country: &str) -> Said {
    let Some(Value::Text(text) | Value::Choice(text)) = &said.value else { return said };
    if said.field == Field::PHONES {
        if let Some(phone) = phone::read(text, country) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: Field, text: &str, country: &str) -> Option<Value> {
        normalise(Said::new(field, Value::Text(text.into()), "crm.field"), country).value
    }

    #[test]
    fn what_a_crm_shows_gets_the_form_that_it_has_from_other_sources() {
        let text = |text: &str| Some(Value::Text(text.into()));
        assert_eq!(read(Field::DOMAIN, "https://www.acme.de/kontakt", "DE"), text("acme.de"));
        assert_eq!(read(Field::DOMAIN, "shop.acme.de", "DE"), text("acme.de"));
        assert_eq!(read(Field::COUNTRY, "Germany", "DE"), Some(Value::choice("DE")));
        assert_eq!(read(Field::COUNTRY, "Mittelerde", "DE"), text("Mittelerde"));
        assert_eq!(read(Field::PHONES, "01 5125540", "AT"), text("+4315125540"));
        assert_eq!(read(Field::PHONES, "0711 5550900", "DE"), text("+497115550900"));
        assert_eq!(read(Field::EMAILS, "Anna@Example.com", "DE"), text("anna@example.com"));
    }
}
