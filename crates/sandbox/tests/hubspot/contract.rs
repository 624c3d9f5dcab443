//! Answers held against HubSpot's own OpenAPI files.
//!
//! `MITTLER_CONTRACTS` names a folder whose `specs` holds the files; they are not ours to give away. Where it is set,
//! every answer that any test here gets is checked, not only those of a test about contracts.

use std::{path::Path, sync::LazyLock};

use reqwest::Method;
use serde_json::Value;

/// One operation of one file.
pub struct Operation {
    pub method: Method,
    pub template: String,
    file: usize,
    answers: Value,
}

pub struct Contract {
    pub operations: Vec<Operation>,
    files: Vec<Value>,
}

static CONTRACT: LazyLock<Option<Contract>> = LazyLock::new(Contract::load);

/// `None` where the files are not at hand.
pub fn contract() -> Option<&'static Contract> {
    CONTRACT.as_ref()
}

/// Fails if a file speaks of this call and the answer is not as it says.
pub fn check(method: &Method, path: &str, status: u16, body: &Value) {
    if let Some(contract) = contract() {
        let wrong = contract.deviations(method, path, status, body);
        assert!(
            wrong.is_empty(),
            "{method} {path} gave {status}, and against the contract\n{}\n{body:#}",
            wrong.join("\n")
        );
    }
}

impl Contract {
    fn load() -> Option<Contract> {
        let folder = std::env::var_os("MITTLER_CONTRACTS")?;
        let mut contract = Contract { operations: Vec::new(), files: Vec::new() };
        let mut paths: Vec<_> =
            std::fs::read_dir(Path::new(&folder).join("specs")).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            for (template, methods) in file["paths"].as_object().unwrap() {
                for (method, operation) in methods.as_object().unwrap() {
                    contract.operations.push(Operation {
                        method: method.to_uppercase().parse().unwrap(),
                        template: template.clone(),
                        file: contract.files.len(),
                        answers: operation["responses"].clone(),
                    });
                }
            }
            contract.files.push(file);
        }
        Some(contract)
    }

    /// The operations of this path whose templates name most of it literally; several files may have it.
    fn operations_of(&self, method: &Method, path: &str) -> Vec<&Operation> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let fitting: Vec<(usize, &Operation)> = self
            .operations
            .iter()
            .filter(|operation| operation.method == *method)
            .filter_map(|operation| Some((literals(&operation.template, path)?, operation)))
            .collect();
        let most = fitting.iter().map(|(literal, _)| *literal).max();
        fitting.into_iter().filter(|(literal, _)| Some(*literal) == most).map(|(_, operation)| operation).collect()
    }

    pub fn deviations(&self, method: &Method, path: &str, status: u16, body: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        for operation in self.operations_of(method, path) {
            let answers = &operation.answers;
            let file = &self.files[operation.file];
            let of = |status: &str| answers.get(status).map(|answer| resolved(file, answer));
            // Several results of one call: some files name it, the others mean the answer of the whole.
            let several = if status == 207 { of("200").or_else(|| of("201")) } else { None };
            let answer = of(&status.to_string()).or(several).or_else(|| of("default"));
            let Some(answer) = answer else {
                wrong.push(format!("{}: no answer {status}", operation.template));
                continue;
            };
            let known = of(&status.to_string()).is_some() || status >= 300 || status == 207;
            // Where a file says nothing but "default", it is about failures and does not name the success.
            if !known && answers.as_object().is_some_and(|answers| answers.len() > 1) {
                wrong.push(format!("{}: no answer {status}", operation.template));
                continue;
            }
            if !known {
                continue;
            }
            let content = answer["content"].as_object().and_then(|content| content.values().next());
            match content {
                Some(content) => compare(file, &content["schema"], body, "", &mut wrong),
                None if status == 204 && !body.is_null() => wrong.push("a body where there is none".into()),
                None => {}
            }
        }
        wrong.retain(|what| !is_known(path, status, body, what));
        wrong.dedup();
        wrong
    }
}

/// Where HubSpot itself answers otherwise than its files say, as seen at real portals: there the sandbox follows
/// HubSpot.
fn is_known(path: &str, status: u16, body: &Value, what: &str) -> bool {
    let said = body["message"].as_str().unwrap_or_default();
    // An association without a label has none.
    what.ends_with("/label: null")
        // Ids of the other side are numbers on the wire.
        || (what.contains("/toObjectId: ") && what.ends_with("is no \"string\""))
        // Sub-categories are texts, where the older files have an empty object.
        || what.contains("/subCategory: ")
        // The classic files forget that a property may have no value.
        || (path.contains("/v3/") && what.contains("/properties/") && what.ends_with(": null"))
        // A body that cannot be read is refused before anybody knows a category.
        || (status == 400 && said.starts_with("Invalid input JSON") && what == "/category: missing")
        // Tokens and errors about them have the shape of OAuth; the classic answer names no portal.
        || path.starts_with("/oauth/")
        // Limits, locks and the edge have bodies of their own, or none that is JSON.
        || (matches!(status, 423 | 429 | 477 | 502 | 503) && (what == "/category: missing" || what == ": null"))
}

/// How many segments of the template are the path's own; `None` if it does not fit.
fn literals(template: &str, path: &str) -> Option<usize> {
    let parts = |text: &str| text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (template, path) = (parts(template), parts(path));
    if template.len() != path.len() {
        return None;
    }
    let mut literal = 0;
    for (expected, found) in template.iter().zip(&path) {
        if !expected.starts_with('{') {
            if expected != found {
                return None;
            }
            literal += 1;
        }
    }
    Some(literal)
}

fn resolved<'a>(file: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => file.pointer(pointer).unwrap_or(&Value::Null),
        None => schema,
    }
}

fn compare(file: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let schema = resolved(file, schema);
    if value.is_null() {
        if schema["nullable"] != true && schema.get("type").is_some() {
            wrong.push(format!("{at}: null"));
        }
        return;
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = choices.iter().any(|choice| {
            let mut misfits = Vec::new();
            compare(file, choice, value, at, &mut misfits);
            misfits.is_empty()
        });
        if !fits {
            wrong.push(format!("{at}: {value} is none of the forms"));
        }
        return;
    }
    let is = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        _ => true,
    };
    if !is {
        wrong.push(format!("{at}: {value} is no {}", schema["type"]));
        return;
    }
    if let Some(choices) = schema["enum"].as_array()
        && !choices.contains(value)
    {
        wrong.push(format!("{at}: {value} is not one of {choices:?}"));
    }
    if schema["format"] == "date-time" && value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_err()) {
        wrong.push(format!("{at}: {value} is no date and time"));
    }
    if let Some(fields) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                wrong.push(format!("{at}/{name}: missing"));
            }
        }
        for (name, value) in fields {
            let inner = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
            if let Some(inner) = inner.filter(|inner| inner.is_object()) {
                compare(file, inner, value, &format!("{at}/{name}"), wrong);
            }
        }
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for value in values {
            compare(file, items, value, &format!("{at}/*"), wrong);
        }
    }
}
