//! The description of the REST API, made from the handlers themselves.

use std::fmt::Write;

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::{
    hooks, ops,
    problem::{CODES, ProblemBody},
    rest,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Mittler",
        description = "Send leads, lists and replies; see what became of them, what is held to be true of whom and why, and what each CRM has been told.\n\nCalls carry an API key: `Authorization: Bearer mtl_…`. Errors are `application/problem+json` (RFC 9457) with a stable `code`. 2xx means that everything is durable.",
        version = "1",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(ops::live, ops::ready, ops::metrics, hooks::with_secret, hooks::signed),
    components(schemas(ProblemBody))
)]
struct Head;

/// The document as JSON.
pub(crate) fn document() -> Value {
    let mut api = Head::openapi();
    api.merge(rest::router().into_openapi());
    let mut document = serde_json::to_value(&api).unwrap_or_default();
    document["components"]["securitySchemes"] = json!({"key": {"type": "http", "scheme": "bearer"}});
    document["security"] = json!([{"key": []}]);
    // Tells a lead from several under a name.
    document["components"]["schemas"]["LeadBody"]["not"] = json!({"required": ["leads"]});
    document["components"]["responses"]["Problem"] = json!({
        "description": "What is wrong, with a stable code",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    let codes: Vec<&str> = CODES.iter().map(|(code, ..)| *code).collect();
    document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] = json!(codes);
    for schema in members(document["components"].get_mut("schemas")) {
        members(schema.get_mut("properties")).for_each(bound);
    }
    for (path, operations) in document["paths"].as_object_mut().into_iter().flatten() {
        for operation in members(Some(operations)) {
            operation["responses"]["default"] = json!({"$ref": "#/components/responses/Problem"});
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                bound_parameter(path, parameter);
            }
        }
    }
    document
}

fn members(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    value.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
}

/// What a property's description says of its values, for programs: a set that is closed; numbers count something.
fn bound(property: &mut Value) {
    let choices = property["description"].as_str().and_then(choices);
    let may_be_none = property["type"].as_array().is_some_and(|types| types.contains(&json!("null")));
    if let Some(mut choices) = choices {
        if may_be_none {
            choices.push(Value::Null);
        }
        let place = if property["type"] == "array" { &mut property["items"] } else { &mut *property };
        place["enum"] = choices.into();
    }
    if property["type"] == "integer" && property.get("minimum").is_none() {
        property["minimum"] = json!(0);
    }
}

/// The same of a parameter.
fn bound_parameter(path: &str, parameter: &mut Value) {
    let name = parameter["name"].as_str().unwrap_or_default().to_owned();
    let described = parameter["description"].as_str().unwrap_or_default().to_owned();
    let schema = &mut parameter["schema"];
    if let Some(choices) = choices(&described) {
        schema["enum"] = choices.into();
    }
    if let Some(prefix) = described.strip_suffix("_…") {
        schema["pattern"] = format!("^{}$", id(prefix)).into();
        schema["example"] = format!("{prefix}_0190f5e2b8d97c6f8a52c9f1f0a3d111").into();
    }
    match name.as_str() {
        "after" => schema["pattern"] = format!("^{}$", cursor(path)).into(),
        "Idempotency-Key" => *schema = json!({"type": "string", "pattern": "^[!-~]{1,255}$", "maxLength": 255}),
        _ => {}
    }
}

/// The values of a description that begins with nothing but them: "`up`, `down`. More words."
fn choices(description: &str) -> Option<Vec<Value>> {
    let (first, _) = description.split_once('.')?;
    let values = first.split(',').map(|one| one.trim().strip_prefix('`')?.strip_suffix('`'));
    let values: Option<Vec<&str>> = values.map(|one| one.filter(|one| !one.contains('`'))).collect();
    values.map(|values| values.into_iter().map(Value::from).collect())
}

fn id(prefix: &str) -> String {
    format!("{prefix}_[0-9a-f]{{32}}")
}

/// What `next` looks like in the answers of a list.
fn cursor(path: &str) -> String {
    match path {
        "/api/v1/jobs" => id("job"),
        "/api/v1/records" => id("rec"),
        "/api/v1/reviews" => "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}".into(),
        _ if path.ends_with("/links") => id("lnk"),
        _ => "[0-9]{1,18}\\.[0-9a-f]{32}".into(),
    }
}

/// The document as it lies in the repository.
pub fn openapi_yaml() -> String {
    let mut text = String::from("# Made from the code: UPDATE_OPENAPI=1 cargo test -p mittler-api openapi\n");
    block(&mut text, &document(), 0);
    text
}

/// What a reader wants to see first.
const HEAD: [&str; 4] = ["openapi", "info", "security", "paths"];

/// Block style for what nests, JSON for what does not: JSON scalars are YAML scalars.
fn block(text: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(members) => {
            // Sorted here, because the map sorts or not by a feature that any crate may switch on.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| (HEAD.iter().position(|first| first == name).unwrap_or(HEAD.len()), *name));
            for (name, value) in members {
                _ = write!(text, "{indent}{}:", key(name));
                nested(text, value, depth + 1);
            }
        }
        Value::Array(items) => {
            for item in items {
                _ = write!(text, "{indent}-");
                nested(text, item, depth + 1);
            }
        }
        scalar => _ = writeln!(text, "{indent}{scalar}"),
    }
}

fn nested(text: &mut String, value: &Value, depth: usize) {
    let empty = value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty);
    if empty || !(value.is_object() || value.is_array()) {
        _ = writeln!(text, " {value}");
    } else {
        text.push('\n');
        block(text, value, depth);
    }
}

fn key(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.'))
        && !matches!(
            name.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
        );
    if plain { name.to_owned() } else { Value::from(name).to_string() }
}
