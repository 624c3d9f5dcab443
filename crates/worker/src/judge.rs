//! Reads values that CRMs show the way all others are read.

use mittler_core::{Field, Said, Value};
use mittler_enrich::{country, email, phone};
use mittler_sync::Judge;

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
}

#[cfg(test)]
mod tests {
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
}
