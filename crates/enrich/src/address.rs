//! The address of a lead and its country, said or inferred.

use mittler_core::{Field, Said, Value};
use mittler_intake::LeadField;

use crate::{
    Context,
    cells::{CELL, Cells},
    country, email, phone,
};

/// An address as far as it could be read.
#[derive(Debug, Clone, Default)]
pub struct Address {
    pub street: Option<String>,
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub country: Option<String>,
    /// The rule that inferred the country, where the row does not say it.
    pub country_rule: Option<&'static str>,
    /// The country by which numbers without a country code are read; empty where it is not known.
    pub phone_country: String,
    zero_restored: bool,
}

/// The rule by which a row is German because its postcode has lost its zero.
const ZERO_RULE: &str = "country.postcode_zero";

impl Address {
    pub fn read(cells: &mut Cells, ctx: &Context) -> Address {
        let text = |field: LeadField| Some(cells.get(field).to_owned()).filter(|text| !text.is_empty());
        let parts = [LeadField::Street, LeadField::HouseNumber]
            .map(|field| cells.get(field))
            .into_iter()
            .filter(|part| !part.is_empty());
        let mut street = parts.collect::<Vec<_>>().join(" ");
        if !cells.get(LeadField::AddressExtra).is_empty() {
            street = [street.as_str(), cells.get(LeadField::AddressExtra)]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(", ");
        }
        let mut address = Address {
            street: Some(street).filter(|street| !street.is_empty()),
            postal_code: text(LeadField::PostalCode),
            city: text(LeadField::City),
            state: text(LeadField::State),
            ..Address::default()
        };
        address.find_country(cells, ctx);
        address.restore_zero(cells);
        address
    }

    fn find_country(&mut self, cells: &mut Cells, ctx: &Context) {
        let named = country::read(cells.get(LeadField::Country));
        if named.is_none() && !cells.get(LeadField::Country).is_empty() {
            cells.remark("country_unknown", LeadField::Country, "the country is not known by this name");
        }
        self.country = named.map(str::to_owned);
        if self.country.is_none() && !cells.get(LeadField::Country).is_empty() {
            // The row says a country, so another one is not inferred and its numbers are not ours.
            return;
        }
        if self.country.is_none()
            && let Some((code, rule)) = self.infer(cells, ctx)
        {
            self.country = Some(code);
            self.country_rule = Some(rule);
            cells.remark("country_inferred", LeadField::Country, "the country was inferred from the rest of the row");
        }
        let fits_default = self.forms().is_none_or(|forms| forms.contains(&ctx.default_country.as_str()));
        self.phone_country = match &self.country {
            Some(code) => code.clone(),
            None if fits_default => ctx.default_country.clone(),
            None => String::new(),
        };
    }

    /// The countries that the postcode's form allows; `None` without a postcode.
    fn forms(&self) -> Option<&'static [&'static str]> {
        self.postal_code.as_deref().map(country::of_postcode).filter(|forms| !forms.is_empty())
    }

    fn infer(&self, cells: &Cells, ctx: &Context) -> Option<(String, &'static str)> {
        let allowed = |code: &str| self.forms().is_none_or(|forms| forms.contains(&code));
        let cells_of_phones = [cells.get(LeadField::Phone), cells.get(LeadField::Mobile)];
        // Whoever writes the country code means it, whatever the postcode looks like.
        let international: Vec<String> = cells_of_phones
            .iter()
            .flat_map(|cell| phone::read_all(cell, "").0)
            .filter_map(|phone| phone.country)
            .collect();
        if let Some(code) = international.iter().find(|code| allowed(code)).or(international.first()) {
            return Some((code.clone(), "country.phone"));
        }
        let hosts = email::read_all(cells.get(LeadField::Email)).0.into_iter().map(|email| email.domain);
        let hosts = hosts.chain(email::host_of(cells.get(LeadField::Website)));
        let by_host: Vec<&str> = hosts.filter_map(|host| country::of_domain(&host)).collect();
        if let Some(code) = by_host.iter().find(|code| allowed(code)) {
            return Some(((*code).to_owned(), "country.domain"));
        }
        let valid_in = |code: &str| cells_of_phones.iter().any(|cell| phone::read(cell, code).is_some());
        let mobile_in = |code: &str| {
            cells_of_phones
                .iter()
                .any(|cell| phone::read(cell, code).is_some_and(|phone| phone.label == mittler_core::Label::Mobile))
        };
        let may_lack_zero =
            ctx.default_country == "DE" && self.postal_code.as_deref().is_some_and(country::may_lack_zero);
        if may_lack_zero {
            let numbers = cells_of_phones.iter().any(|cell| !phone::read_all(cell, "DE").0.is_empty());
            let no_numbers = cells_of_phones.iter().all(|cell| cell.is_empty());
            let by_place = country::is_zero_place(self.city.as_deref().unwrap_or(""));
            if (by_place || by_host.contains(&"DE")) && (numbers || no_numbers) {
                return Some(("DE".to_owned(), ZERO_RULE));
            }
        }
        let forms = self.forms()?;
        if forms.contains(&ctx.default_country.as_str()) {
            return Some((ctx.default_country.clone(), "country.postcode"));
        }
        // A four-digit postcode without a country: the number must be one in exactly one of the
        // neighbours that have such postcodes, or be a mobile in exactly one. A German postcode
        // that lost its zero looks the same.
        let neighbours = forms.iter().copied().filter(|code| matches!(*code, "AT" | "CH" | "NL" | "PL"));
        let possible: Vec<&str> = neighbours.chain(may_lack_zero.then_some("DE")).collect();
        let only = |fits: &dyn Fn(&str) -> bool| {
            let fitting: Vec<&str> = possible.iter().copied().filter(|code| fits(code)).collect();
            if let [only] = fitting.as_slice() { Some((*only).to_owned()) } else { None }
        };
        only(&mobile_in).or_else(|| only(&valid_in)).map(|code| (code, "country.number"))
    }

    fn restore_zero(&mut self, cells: &mut Cells) {
        let Some(code) = self.postal_code.clone() else { return };
        if self.country.as_deref() != Some("DE") || code.len() != 4 || !code.bytes().all(|b| b.is_ascii_digit()) {
            return;
        }
        let numbers: Vec<String> =
            phone::read_all(cells.get(LeadField::Phone), "DE").0.into_iter().map(|phone| phone.e164).collect();
        let restored = country::restored_zero(&code, self.city.as_deref().unwrap_or(""), &numbers)
            .or_else(|| (self.country_rule == Some(ZERO_RULE)).then(|| format!("0{code}")));
        match restored {
            Some(restored) => {
                self.postal_code = Some(restored);
                self.zero_restored = true;
                cells.remark("postcode_zero_restored", LeadField::PostalCode, "the postcode had lost its leading zero");
            }
            None => cells.remark("postcode_short", LeadField::PostalCode, "a German postcode has five digits"),
        }
    }

    /// The address as claims.
    pub fn say(&self, said: &mut Vec<Said>) {
        for (field, text) in [(Field::STREET, &self.street), (Field::CITY, &self.city), (Field::STATE, &self.state)] {
            said.extend(text.as_deref().and_then(Value::text).map(|value| Said::new(field, value, CELL)));
        }
        if let Some(value) = self.postal_code.as_deref().and_then(Value::text) {
            said.push(if self.zero_restored {
                Said::new(Field::POSTAL_CODE, value, "postcode.zero").sure(90).by_rule()
            } else {
                Said::new(Field::POSTAL_CODE, value, CELL)
            });
        }
        if let Some(code) = &self.country {
            said.push(match self.country_rule {
                Some(rule) => Said::new(Field::COUNTRY, Value::choice(code), rule).sure(70).by_rule(),
                None => Said::new(Field::COUNTRY, Value::choice(code), CELL),
            });
        }
    }
}
