//! The API's description as a page: rendered here, from the same document, without another host.

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::{Lang, shell};
use crate::{openapi, problem::CODES};

static YAML: LazyLock<String> = LazyLock::new(openapi::openapi_yaml);
static PAGE: LazyLock<String> = LazyLock::new(|| render(&openapi::document()).into_string());

pub(crate) async fn yaml() -> Response {
    ([(header::CONTENT_TYPE, "application/yaml")], YAML.as_str()).into_response()
}

pub(crate) async fn page() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], PAGE.as_str()).into_response()
}

/// Text in which backticks mark code.
fn marked(text: &str) -> Markup {
    html! { @for (place, part) in text.split('`').enumerate() {
        @if place % 2 == 1 { code { (part) } } @else { (part) }
    } }
}

/// One operation, picked out of the document.
struct Operation<'a> {
    path: &'a str,
    method: &'a str,
    said: &'a Value,
}

impl Operation<'_> {
    fn text(&self, name: &str) -> &str {
        self.said[name].as_str().unwrap_or_default()
    }

    fn anchor(&self) -> String {
        format!("op-{}", self.text("operationId"))
    }
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        let methods = item.as_object().into_iter().flatten();
        operations.extend(methods.map(|(method, said)| Operation { path, method, said }));
    }
    operations
}

fn render(document: &Value) -> Markup {
    let operations = operations(document);
    let mut tags: Vec<&str> = operations.iter().filter_map(|one| one.said["tags"][0].as_str()).collect();
    tags.dedup();
    tags.sort_unstable();
    tags.dedup();
    let body = html! {
        header.top { a.brand href="/" { "Mittler" } nav { a href="/docs" aria-current="page" { "API" } a href="/openapi.yaml" { "openapi.yaml" } } }
        main.docs id="content" {
            h1 { "API" }
            @for paragraph in document["info"]["description"].as_str().unwrap_or_default().split("\n\n") { p { (marked(paragraph)) } }
            nav.contents aria-label="Operations" { @for tag in &tags {
                h2 { (tag) }
                ul { @for one in operations.iter().filter(|one| one.said["tags"][0] == **tag) {
                    li { a href=(format!("#{}", one.anchor())) { code { b { (one.method.to_uppercase()) } " " (one.path) } " " (one.text("summary")) } }
                } }
            } }
            @for tag in &tags {
                @for one in operations.iter().filter(|one| one.said["tags"][0] == **tag) { (operation(one)) }
            }
            h2 id="codes" { "Codes of problems" }
            dl.codes { @for (code, status, meaning) in CODES {
                dt id=(format!("code-{code}")) { code { (code) } " " (status) } dd { (meaning) }
            } }
            h2 id="schemas" { "Schemas" }
            @for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() { (schema_of(name, schema)) }
        }
    };
    shell(Lang::En, "API", None, &body)
}

fn operation(one: &Operation<'_>) -> Markup {
    let parameters = one.said["parameters"].as_array().into_iter().flatten();
    let bodies = one.said["requestBody"]["content"].as_object().into_iter().flatten();
    html! {
        section.operation id=(one.anchor()) {
            h3 { code { b { (one.method.to_uppercase()) } " " (one.path) } }
            p { strong { (one.text("summary")) } }
            @for paragraph in one.text("description").split("\n\n").filter(|text| !text.is_empty()) { p { (marked(paragraph)) } }
            dl { @for parameter in parameters {
                dt { code { (parameter["name"].as_str().unwrap_or_default()) } " "
                    span.hint { (parameter["in"].as_str().unwrap_or_default())
                        @if parameter["required"] == true { ", required" } } }
                dd { (marked(parameter["description"].as_str().unwrap_or_default())) }
            } }
            @for (media_type, content) in bodies { p { "Body: " code { (media_type) } " " (reference(&content["schema"])) } }
            ul { @for (status, answer) in one.said["responses"].as_object().into_iter().flatten() {
                li { code { (status) } " " (answer["description"].as_str().unwrap_or("a problem"))
                    @for (_, content) in answer["content"].as_object().into_iter().flatten() { " " (reference(&content["schema"])) } }
            } }
        }
    }
}

/// The name of a schema, with the way to it.
fn reference(schema: &Value) -> Markup {
    let name = |schema: &Value| schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()).map(str::to_owned);
    let link = |name: &str| html! { a href=(format!("#schema-{name}")) { (name) } };
    if let Some(name) = name(schema) {
        return link(&name);
    }
    if let Some(name) = name(&schema["items"]) {
        return html! { "list of " (link(&name)) };
    }
    let parts = schema["oneOf"].as_array().or(schema["allOf"].as_array());
    if let Some(name) = parts.and_then(|parts| parts.iter().find_map(name)) {
        return link(&name);
    }
    match &schema["type"] {
        Value::String(one) => html! { span.hint { (one) } },
        Value::Array(several) => {
            let several: Vec<&str> = several.iter().filter_map(Value::as_str).collect();
            html! { span.hint { (several.join(" or ")) } }
        }
        _ => html! {},
    }
}

fn schema_of(name: &str, schema: &Value) -> Markup {
    let mut members: Map<String, Value> = schema["properties"].as_object().cloned().unwrap_or_default();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members.extend(part["properties"].as_object().cloned().unwrap_or_default());
    }
    let required = schema["required"].as_array();
    html! {
        section.operation id=(format!("schema-{name}")) {
            h3 { (name) }
            @if let Some(text) = schema["description"].as_str() { p { (text) } }
            @if let Some(kinds) = schema["oneOf"].as_array() {
                ul { @for kind in kinds {
                    @if kind["properties"].is_object() { @for (member, said) in kind["properties"].as_object().into_iter().flatten() {
                        li { code { (member) } ": " (reference(said)) }
                    } } @else { li { (reference(kind)) } }
                } }
            }
            dl { @for (member, said) in &members {
                dt { code { (member) } " " (reference(said))
                    @if required.is_some_and(|names| names.iter().any(|one| one == member)) { span.hint { ", required" } } }
                dd { (marked(said["description"].as_str().unwrap_or_default()))
                    @if !said["example"].is_null() { " " code { (said["example"]) } } }
            } }
        }
    }
}
