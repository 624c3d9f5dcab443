//! The description of the REST API, made from the handlers themselves.

use std::fmt::Write;

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::{hooks, ops, problem::ProblemBody, rest};

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
    for path in document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        for operation in path.as_object_mut().into_iter().flat_map(Map::values_mut) {
            operation["responses"]["default"] = json!({"$ref": "#/components/responses/Problem"});
        }
    }
    document
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
