//! What a value must look like, and what HubSpot makes of it.

use serde_json::{Map, Value};

use super::failure::{Detail, Failure};
use super::portal::Portal;
use super::property::Property;
use super::table::fold;
use super::time::{iso, parse_date, parse_datetime};

const LONGEST: usize = 65_536;

impl Portal {
    /// The checked and normalised values of a write. `lenient` skips unknown and read-only properties, as a change of
    /// an engagement does.
    pub fn checked_values(
        &self,
        kind: usize,
        id: Option<u64>,
        sent: &Map<String, Value>,
        lenient: bool,
    ) -> Result<Vec<(String, String)>, Failure> {
        let (mut values, mut details) = (Vec::new(), Vec::new());
        for (name, value) in sent {
            match self.checked_value(kind, id, name, value) {
                Ok(Some(value)) => values.push((name.clone(), value)),
                Ok(None) => {}
                Err(detail) if lenient && matches!(detail.code, "PROPERTY_DOESNT_EXIST" | "READ_ONLY_VALUE") => {}
                Err(detail) => details.push(detail),
            }
        }
        if !details.is_empty() {
            return Err(Failure::properties(&details, self.config.portal_id));
        }
        if self.tables[kind].id == "0-49" {
            values.extend(correspondents(&values));
        }
        Ok(values)
    }

    /// None leaves the property as it is.
    fn checked_value(&self, kind: usize, id: Option<u64>, name: &str, sent: &Value) -> Result<Option<String>, Detail> {
        let table = &self.tables[kind];
        let refuse = |code, message| Detail { name: name.to_owned(), code, message };
        let Some(property) = table.properties.get(name).filter(|property| !property.archived) else {
            return Err(refuse("PROPERTY_DOESNT_EXIST", format!("Property \"{name}\" does not exist")));
        };
        if property.read_only {
            let message = format!("\"{name}\" is a read only property; its value cannot be set.");
            return Err(refuse("READ_ONLY_VALUE", message));
        }
        let text = match sent {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => sent.to_string(),
            Value::Array(_) | Value::Object(_) => {
                return Err(refuse("INVALID_VALUE", format!("{sent} is not a valid value for \"{name}\"")));
            }
        };
        if text.is_empty() {
            return Ok(Some(text));
        }
        let before = id.and_then(|id| table.current(id, name)).unwrap_or_default();
        let value = match (table.id.as_str(), name) {
            ("0-1", "email") => address(&text).map_err(|message| refuse("INVALID_EMAIL", message))?,
            ("0-1", "hs_additional_emails") => {
                let list = appended(before, &text);
                let addresses: Result<Vec<String>, String> = list.split(';').map(address).collect();
                addresses.map_err(|message| refuse("INVALID_EMAIL", message))?.join(";")
            }
            ("0-2", "domain") => text.trim().to_lowercase(),
            (_, "hubspot_owner_id") => {
                let known = self.owners.iter().any(|owner| owner.id == text);
                known.then_some(text.clone()).ok_or_else(|| refuse("INVALID_OPTION", not_an_option(&text, property)))?
            }
            _ => typed(property, before, &text).map_err(|(code, message)| refuse(code, message))?,
        };
        if name == "lifecyclestage" && goes_back(property, before, &value) {
            if self.config.reject_lifecycle_backward {
                let message = format!("lifecyclestage cannot go back from {before} to {value}");
                return Err(refuse("INVALID_OPTION", message));
            }
            return Ok(None);
        }
        Ok(Some(value))
    }

    /// Who else has a value that must be unique.
    pub fn check_unique(&self, kind: usize, id: Option<u64>, values: &[(String, String)]) -> Result<(), Failure> {
        let table = &self.tables[kind];
        let mut details = Vec::new();
        for (name, value) in values {
            if value.is_empty() {
                continue;
            }
            if table.is_contacts() && (name == "email" || name == "hs_additional_emails") {
                for one in value.split(';') {
                    if self.blocklist.contains(one) {
                        return Err(Failure::invalid(format!("{one}: email has been GDPR blacklisted")));
                    }
                    match table.find_unique("email", one) {
                        Some(owner) if Some(owner) != id => return Err(existing(owner)),
                        _ => {}
                    }
                }
            } else if table.properties.get(name).is_some_and(|property| property.unique) {
                match table.find_unique(name, value) {
                    Some(owner) if Some(owner) != id => details.push(Detail {
                        name: name.clone(),
                        code: "CONFLICTING_UNIQUE_VALUE",
                        message: format!(
                            "Cannot set \"{name}\" to {value}: {} {owner} already has that value.",
                            table.singular
                        ),
                    }),
                    _ => {}
                }
            }
        }
        if details.is_empty() { Ok(()) } else { Err(Failure::properties(&details, self.config.portal_id)) }
    }

    /// The values of a write that no other record may have, folded for comparison.
    pub fn claims(&self, kind: usize, values: &[(String, String)]) -> Vec<(String, String)> {
        let table = &self.tables[kind];
        values
            .iter()
            .filter(|(name, value)| !value.is_empty() && table.identifies(name))
            .map(|(name, value)| (name.clone(), fold(name, value).into_owned()))
            .collect()
    }
}

/// The headers of an e-mail, JSON inside a text, fill the read-only properties of who wrote to whom.
fn correspondents(values: &[(String, String)]) -> Vec<(String, String)> {
    let headers = values.iter().find(|(name, _)| name == "hs_email_headers");
    let Some(headers) = headers.and_then(|(_, text)| serde_json::from_str::<Value>(text).ok()) else {
        return Vec::new();
    };
    let address = |person: &Value| person["email"].as_str().map(str::to_owned);
    let to: Vec<String> = headers["to"].as_array().into_iter().flatten().filter_map(address).collect();
    let from = address(&headers["from"]).map(|from| ("hs_email_from_email".to_owned(), from));
    let to = (!to.is_empty()).then(|| ("hs_email_to_email".to_owned(), to.join(";")));
    from.into_iter().chain(to).collect()
}

pub fn existing(id: u64) -> Failure {
    Failure::new(409, "CONFLICT", format!("Contact already exists. Existing ID: {id}"))
}

fn address(text: &str) -> Result<String, String> {
    let text = text.trim().to_lowercase();
    let sound = text.split_once('@').is_some_and(|(local, domain)| {
        let labels = || domain.split('.');
        !local.is_empty()
            && !domain.contains('@')
            && labels().count() > 1
            && labels().all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'))
    });
    let clean = !text.chars().any(|c| c.is_whitespace() || matches!(c, ',' | ';' | '<' | '>' | '"'));
    if sound && clean { Ok(text) } else { Err(format!("Email address {text} is invalid")) }
}

/// A leading `;` adds to what is there.
fn appended(before: &str, text: &str) -> String {
    let Some(more) = text.strip_prefix(';') else { return text.to_owned() };
    let mut parts: Vec<&str> = before.split(';').filter(|part| !part.is_empty()).collect();
    for part in more.split(';').filter(|part| !part.is_empty()) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join(";")
}

fn typed(property: &Property, before: &str, text: &str) -> Result<String, (&'static str, String)> {
    let name = &property.name;
    match property.kind.as_str() {
        "number" => {
            let number = text.trim();
            let sound = number.parse::<f64>().is_ok_and(f64::is_finite);
            sound
                .then(|| number.to_owned())
                .ok_or_else(|| ("INVALID_NUMBER", format!("{text} was not a valid number.")))
        }
        "bool" => {
            let lower = text.trim().to_lowercase();
            let sound = lower == "true" || lower == "false";
            sound
                .then_some(lower)
                .ok_or_else(|| ("INVALID_OPTION", format!("{text} was not one of the allowed options: [true, false]")))
        }
        "date" => parse_date(text)
            .map(|date| date.to_string())
            .ok_or_else(|| ("INVALID_DATE", format!("{text} was not a valid date for \"{name}\"."))),
        "datetime" => parse_datetime(text)
            .map(iso)
            .filter(|time| !time.is_empty())
            .ok_or_else(|| ("INVALID_DATE", format!("{text} was not a valid date for \"{name}\"."))),
        "enumeration" => {
            option(property, before, text).ok_or_else(|| ("INVALID_OPTION", not_an_option(text, property)))
        }
        _ => {
            let text = text.replace("\r\n", "\n");
            let sound = text.chars().count() <= LONGEST;
            sound.then_some(text).ok_or_else(|| {
                ("PROPERTY_VALUE_TOO_LONG", format!("The value for \"{name}\" is longer than {LONGEST} characters."))
            })
        }
    }
}

fn option(property: &Property, before: &str, text: &str) -> Option<String> {
    // Options that live elsewhere (files, domains) cannot be checked.
    let known =
        |value: &str| property.options.is_empty() || property.options.iter().any(|option| option.value == value);
    if property.field != "checkbox" {
        return known(text).then(|| text.to_owned());
    }
    let list = appended(before, text);
    list.split(';').all(known).then_some(list)
}

fn not_an_option(text: &str, property: &Property) -> String {
    let options: Vec<&str> = property.options.iter().map(|option| option.value.as_str()).collect();
    format!("{text} was not one of the allowed options: [{}]", options.join(", "))
}

/// The stages stand in their order.
fn goes_back(property: &Property, before: &str, after: &str) -> bool {
    let place = |value: &str| property.options.iter().position(|option| option.value == value);
    matches!((place(before), place(after)), (Some(before), Some(after)) if after < before)
}
