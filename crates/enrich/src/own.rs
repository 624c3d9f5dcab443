//! People of the own house: they are no leads.

use mittler_core::Field;
use mittler_intake::Problem;
use mittler_normalise::email;

use crate::LeadReading;

/// Whether the address is at one of the domains or below it.
pub fn is_own(address: &str, own_domains: &[String]) -> bool {
    email::read(address).is_some_and(|email| {
        own_domains.iter().any(|own| {
            email.domain.strip_suffix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    })
}

/// The reading, unless all its addresses are of the own house.
pub fn not_own_staff(reading: LeadReading, own_domains: &[String]) -> Result<LeadReading, Problem> {
    let emails = reading.person.said.iter().filter(|said| said.field == Field::EMAILS);
    let mut emails = emails.filter_map(|said| said.value.as_ref()?.as_text()).peekable();
    if emails.peek().is_some() && emails.all(|address| is_own(address, own_domains)) {
        return Err(Problem::new("own_staff", "the row names one of your own people").at("email"));
    }
    Ok(reading)
}
