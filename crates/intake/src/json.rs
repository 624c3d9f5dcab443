//! Leads as JSON objects.

use serde_json::{Map, Value};

use crate::{
    LeadField, MAX_NAME, MAX_VALUE, Problem, RawLead,
    csv::encoding::clean,
    names::{self, Match},
    value_too_long,
};

#[cfg(test)]
mod tests;

/// What one request may carry.
const MOST: usize = 1_000;
const MOST_MEMBERS: usize = 2_000;
/// How deep `serde_json` goes.
const DEEPEST: usize = 127;
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
        if is_too_deep(bytes) {
            return Problem::new("json_too_deep", format!("more than {DEEPEST} lists and objects within each other"));
        }
        let place = format!("this is no JSON: line {}, column {}", error.line(), error.column());
        Problem::new("not_json", place)
    })?;
    let leads = match value {
        Value::Array(leads) => leads,
        Value::Object(mut object) => match envelope(&object).and_then(|name| object.remove(&name)) {
            Some(Value::Array(leads)) => leads,
            _ => vec![Value::Object(object)],
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

/// Whether brackets stand deeper within each other than the parser goes.
fn is_too_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

/// The member that holds the leads, if the object is only there to hold them.
fn envelope(object: &Map<String, Value>) -> Option<String> {
    const NAMES: &[&str] = &[
        "leads",
        "data",
        "daten",
        "records",
        "items",
        "contacts",
        "kontakte",
        "rows",
        "results",
        "visitors",
        "besucher",
        "attendees",
        "teilnehmer",
        "scans",
    ];
    if object.get("leads").is_some_and(Value::is_array) {
        return Some("leads".to_owned());
    }
    let of_leads =
        |value: &Value| value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(Value::is_object));
    let (name, _) =
        object.iter().find(|(name, value)| NAMES.contains(&names::fold(name).as_str()) && of_leads(value))?;
    let of_a_person = |(other, value): (&String, &Value)| {
        let meaning = names::meaning(other).map(|(field, _)| field);
        other != name
            && !value.is_null()
            && matches!(
                meaning,
                Some(
                    LeadField::Email
                        | LeadField::FirstName
                        | LeadField::LastName
                        | LeadField::FullName
                        | LeadField::Company
                        | LeadField::Phone
                        | LeadField::Mobile
                        | LeadField::Badge
                )
            )
    };
    (object.len() <= 50 && !object.iter().any(of_a_person)).then(|| name.clone())
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
    flatten(object, "", &mut members)?;
    let meanings: Vec<Option<(LeadField, Match)>> = members.iter().map(|(path, _)| meaning(path)).collect();
    let has = |field| meanings.iter().flatten().any(|(found, _)| *found == field);
    let named = |path: &str, names: &[&str]| names.contains(&names::fold(path).as_str());
    let given_missing = has(LeadField::LastName) && !has(LeadField::FirstName);
    let split_name = has(LeadField::FirstName) && !has(LeadField::LastName);
    let mut fields: Vec<(usize, Option<(LeadField, Match)>)> = members
        .iter()
        .enumerate()
        .map(|(place, (path, value))| {
            let found = match meanings[place] {
                // Salesforce and most of the world say title for what others call a position.
                Some((LeadField::Title, how))
                    if names::fold(last_name(path)) == "title"
                        && !names::is_degree(value)
                        && !has(LeadField::Position) =>
                {
                    Some((LeadField::Position, how))
                }
                Some((LeadField::FullName, how)) if split_name && named(path, &["name", "nom", "naam"]) => {
                    Some((LeadField::LastName, how))
                }
                Some((LeadField::FullName, how)) if given_missing && named(path, &["nome", "nombre"]) => {
                    Some((LeadField::FirstName, how))
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
        if let Some(value) = read.place(found.map(|(field, _)| field), value.clone()) {
            read.attributes.insert(path.clone(), value);
        }
    }
    if read == RawLead::default() {
        return Err(Problem::new("empty", "the lead has no values"));
    }
    Ok(read)
}

/// Members by their path.
type Members = Vec<(String, String)>;

/// Scalars by their path. Lists of scalars are one value, with `|` between. Ends with the first member
/// that is too much: what comes behind it may be millions.
fn flatten(object: &Map<String, Value>, parent: &str, members: &mut Members) -> Result<(), Problem> {
    for (name, value) in object {
        if parent.len() + name.len() > MAX_NAME {
            let reason = format!("the name of a member is longer than {MAX_NAME} bytes, with those it stands in");
            return Err(Problem::new("name_too_long", reason));
        }
        let path = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
        flatten_value(&path, value, members)?;
    }
    Ok(())
}

fn flatten_value(path: &str, value: &Value, members: &mut Members) -> Result<(), Problem> {
    match value {
        Value::Object(object) => flatten(object, path, members),
        Value::Array(values) if typed(path, values, members) || answers(values, members) => bounded(members),
        Value::Array(values) => {
            if let Some(scalars) = values.iter().map(scalar).collect::<Option<Vec<String>>>() {
                let joined: Vec<String> = scalars.into_iter().filter(|one| !one.is_empty()).collect();
                return push(path, joined.join("|"), members);
            }
            for (place, value) in values.iter().enumerate() {
                flatten_value(&format!("{path}.{place}"), value, members)?;
            }
            Ok(())
        }
        _ => push(path, scalar(value).unwrap_or_default(), members),
    }
}

fn push(path: &str, value: String, members: &mut Members) -> Result<(), Problem> {
    if value.len() > MAX_VALUE {
        return Err(value_too_long().at(path));
    }
    if !value.is_empty() {
        members.push((path.to_owned(), value));
    }
    not_too_many(members)
}

fn not_too_many(members: &Members) -> Result<(), Problem> {
    if members.len() > MOST_MEMBERS {
        return Err(Problem::new("too_many_members", format!("a lead has at most {MOST_MEMBERS} members")));
    }
    Ok(())
}

/// Whether members that several values may have come together in are still within bounds.
fn bounded(members: &Members) -> Result<(), Problem> {
    not_too_many(members)?;
    match members.iter().find(|(_, value)| value.len() > MAX_VALUE) {
        Some((path, _)) => Err(value_too_long().at(path.clone())),
        None => Ok(()),
    }
}

/// `[{"type": "mobile", "value": "0171 …"}]` under a name of phones or addresses: each value goes
/// under the name that its type says. `false` if it is another list.
fn typed(path: &str, values: &[Value], members: &mut Vec<(String, String)>) -> bool {
    const TYPES: &[&str] = &["type", "typ", "label", "kind", "art"];
    const VALUES: &[&str] = &["value", "wert", "number", "nummer", "address", "adresse", "email", "phone"];
    let name = match meaning(path) {
        Some((LeadField::Phone, _)) => "phone",
        Some((LeadField::Email, _)) => "email",
        _ => return false,
    };
    let parts = |value: &Value| -> Option<(String, String)> {
        let object = value.as_object()?;
        let one = |names: &[&str]| {
            object
                .iter()
                .find(|(name, _)| names.iter().any(|known| name.eq_ignore_ascii_case(known)))
                .and_then(|(_, value)| scalar(value))
        };
        Some((one(TYPES).unwrap_or_default(), one(VALUES)?))
    };
    let Some(all) = values.iter().map(parts).collect::<Option<Vec<_>>>() else { return false };
    for (kind, value) in all.into_iter().filter(|(_, value)| !value.is_empty()) {
        let own = match names::fold(&kind).as_str() {
            "mobile" | "mobil" | "cell" | "handy" | "mobiltelefon" if name == "phone" => "phone.mobile".to_owned(),
            "fax" | "telefax" if name == "phone" => "phone.fax".to_owned(),
            "home" | "private" | "privat" | "personal" => format!("{path}.{kind}"),
            _ => name.to_owned(),
        };
        match members.iter_mut().find(|(known, _)| *known == own) {
            Some((_, known)) => {
                known.push('|');
                known.push_str(&value);
            }
            None => members.push((own, value)),
        }
    }
    true
}

/// `[{"label": "Machine", "value": "DX-500"}]`: what was asked is the member's name. `false` if it is another
/// list.
fn answers(values: &[Value], members: &mut Members) -> bool {
    const QUESTIONS: &[&str] =
        &["label", "question", "frage", "fieldlabel", "questiontext", "field", "fieldname", "title"];
    const ANSWERS: &[&str] = &["value", "answer", "antwort", "wert", "response", "answertext", "answers", "values"];
    let one = |value: &Value| -> Option<(String, String)> {
        let object = value.as_object()?;
        let find = |names: &[&str]| {
            names.iter().find_map(|wanted| object.iter().find(|(name, _)| names::fold(name) == *wanted)).map(|it| it.1)
        };
        let question = find(QUESTIONS)?.as_str()?.trim();
        let answer = match find(ANSWERS)? {
            Value::Array(several) => several.iter().map(scalar).collect::<Option<Vec<_>>>()?.join("|"),
            one => scalar(one)?,
        };
        let fits = !question.is_empty() && question.len() <= MAX_NAME;
        // A full stop would part the question into objects.
        fits.then(|| (question.replace('.', " "), answer))
    };
    let Some(all) = values.iter().map(one).collect::<Option<Vec<_>>>() else { return false };
    members.extend(all.into_iter().filter(|(_, answer)| !answer.is_empty()));
    true
}

fn last_name(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
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
    // "email.value" is an e-mail.
    if last.eq_ignore_ascii_case("value") || last.eq_ignore_ascii_case("wert") {
        let joined: Vec<&str> = parents.into_iter().copied().collect();
        return names::meaning(&joined.join(" ")).filter(|(_, how)| *how == Match::Exact);
    }
    // "company.name" is a company; "company.phone" is not the phone of a person.
    let joined: Vec<&str> = parents.into_iter().copied().chain([*last]).collect();
    names::meaning(&joined.join(" ")).filter(|(_, how)| *how == Match::Exact)
}
