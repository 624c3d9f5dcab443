//! Leads as JSON objects.

use serde_json::{Map, Value};

use crate::{
    LeadField, Problem, RawLead,
    csv::encoding::clean,
    names::{self, Match},
};

#[cfg(test)]
mod tests;

/// What one request may carry.
const MOST: usize = 1_000;
/// Objects that only hold together what is the lead's anyway; left out of a member's name.
const WRAPPERS: &[&str] = &[
    "personaldata",
    "person",
    "contact",
    "kontakt",
    "lead",
    "visitor",
    "besucher",
    "attendee",
    "teilnehmer",
    "data",
    "daten",
    "address",
    "adresse",
    "anschrift",
    "fields",
    "properties",
    "attributes",
    "profile",
    "businesscard",
];

/// One object, an array of objects, or `{"leads": […]}`; at most 1,000 leads.
pub fn open(bytes: &[u8]) -> Result<Vec<Value>, Problem> {
    let bytes = crate::csv::normalise(bytes);
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(&bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::new("empty", "there is nothing in it"));
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("this is no JSON: line {}, column {}", error.line(), error.column());
        Problem::new("not_json", place)
    })?;
    let leads = match value {
        Value::Array(leads) => leads,
        Value::Object(mut object) => match object.remove("leads") {
            Some(Value::Array(leads)) => leads,
            Some(other) => {
                object.insert("leads".to_owned(), other);
                vec![Value::Object(object)]
            }
            None => vec![Value::Object(object)],
        },
        _ => return Err(not_an_object()),
    };
    if leads.is_empty() {
        return Err(Problem::new("empty", "the list of leads is empty"));
    }
    if leads.len() > MOST {
        return Err(Problem::new("too_many", format!("{} leads at once; send at most {MOST}", leads.len())));
    }
    Ok(leads)
}

fn not_an_object() -> Problem {
    Problem::new("not_an_object", "a lead is a JSON object with members such as email, last_name, company")
}

/// Members by the names of our fields, by their usual names in other systems, also within objects
/// such as `personal_data`; everything else is an attribute under its path, joined by dots.
pub fn read(lead: &Value) -> Result<RawLead, Problem> {
    let Value::Object(object) = lead else {
        return Err(not_an_object());
    };
    let mut members = Vec::new();
    flatten(object, "", &mut members);
    let has = |field| members.iter().any(|(path, _)| matches!(meaning(path), Some((found, _)) if found == field));
    let split_name = has(LeadField::FirstName) && !has(LeadField::LastName);
    let mut fields: Vec<(usize, Option<(LeadField, Match)>)> = members
        .iter()
        .enumerate()
        .map(|(place, (path, value))| {
            let found = match meaning(path) {
                // Salesforce says Title for what others call a position.
                Some((LeadField::Title, how))
                    if path == "Title" && !names::is_degree(value) && !has(LeadField::Position) =>
                {
                    Some((LeadField::Position, how))
                }
                Some((LeadField::FullName, how)) if split_name && names::fold(path) == "name" => {
                    Some((LeadField::LastName, how))
                }
                found => found,
            };
            (place, found)
        })
        .collect();
    // An exact name comes before a guess, whatever the order of the members.
    fields.sort_by_key(|(place, found)| (found.map(|(_, how)| how), *place));
    let mut read = RawLead::default();
    for (place, found) in fields {
        let (path, value) = &members[place];
        match found {
            Some((field, _)) if !read.fields.contains_key(&field) => {
                read.fields.insert(field, value.clone());
            }
            _ => {
                read.attributes.insert(path.clone(), value.clone());
            }
        }
    }
    if read == RawLead::default() {
        return Err(Problem::new("empty", "the lead has no values"));
    }
    Ok(read)
}

/// Scalars by their path. Lists of scalars are one value, with `|` between.
fn flatten(object: &Map<String, Value>, parent: &str, members: &mut Vec<(String, String)>) {
    for (name, value) in object {
        let path = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
        flatten_value(&path, value, members);
    }
}

fn flatten_value(path: &str, value: &Value, members: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => flatten(object, path, members),
        Value::Array(values) => match values.iter().map(scalar).collect::<Option<Vec<String>>>() {
            Some(scalars) => {
                let joined: Vec<String> = scalars.into_iter().filter(|one| !one.is_empty()).collect();
                push(path, joined.join("|"), members);
            }
            None => {
                for (place, value) in values.iter().enumerate() {
                    flatten_value(&format!("{path}.{place}"), value, members);
                }
            }
        },
        _ => push(path, scalar(value).unwrap_or_default(), members),
    }
}

fn push(path: &str, value: String, members: &mut Vec<(String, String)>) {
    if !value.is_empty() {
        members.push((path.to_owned(), value));
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(clean(text)),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn meaning(path: &str) -> Option<(LeadField, Match)> {
    let telling: Vec<&str> = path.split('.').collect();
    let (last, parents) = telling.split_last()?;
    let parents: Vec<&&str> =
        parents.iter().filter(|parent| !WRAPPERS.contains(&names::fold(parent).as_str())).collect();
    if parents.is_empty() {
        return names::meaning(last);
    }
    // "company.name" is a company; "company.phone" is not the phone of a person.
    let joined: Vec<&str> = parents.into_iter().copied().chain([*last]).collect();
    names::meaning(&joined.join(" ")).filter(|(_, how)| *how == Match::Exact)
}
