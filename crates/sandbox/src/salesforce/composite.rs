//! Several calls in one: composite with references, batch without, and graphs.

use std::collections::{HashMap, HashSet};

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::call::{Call, Content, Reply};
use super::collections::lock_failure;
use super::failure::Failure;
use super::org::Org;
use super::rest;

const MAX_CALLS: usize = 25;
const MAX_HEAVY_CALLS: usize = 5;
const MAX_NODES: usize = 500;
const MAX_GRAPHS: usize = 75;
const MAX_FAILED_GRAPHS: usize = 14;
const MAX_KINDS: usize = 15;
const MAX_DEPTH: usize = 15;

struct Step {
    reference: String,
    method: String,
    url: String,
    body: Option<Value>,
    headers: Vec<(String, String)>,
}

fn read_steps(requests: &Value) -> Result<Vec<Step>, Failure> {
    let requests = requests.as_array().ok_or_else(|| Failure::malformed("compositeRequest must be an array"))?;
    let mut seen = HashSet::new();
    requests
        .iter()
        .map(|request| {
            let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
            let reference = text("referenceId");
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if reference.is_empty() || !reference.chars().all(plain) || !seen.insert(reference.clone()) {
                let message =
                    format!("referenceId is missing, repeated or not made of letters, digits and _: {reference}");
                return Err(Failure::new(400, "INVALID_INPUT", message));
            }
            let headers = request["httpHeaders"].as_object().into_iter().flatten();
            let headers = headers.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
            Ok(Step {
                reference,
                method: text("method"),
                url: text("url"),
                body: request.get("body").filter(|body| !body.is_null()).cloned(),
                headers: headers.collect(),
            })
        })
        .collect()
}

pub fn composite(org: &mut Org, call: &Call) -> Result<Reply, Failure> {
    let body = call.json_object()?;
    let steps = read_steps(body.get("compositeRequest").unwrap_or(&Value::Null))?;
    let heavy = |step: &&Step| step.url.contains("/query") || step.url.contains("/composite/sobjects");
    if steps.len() > MAX_CALLS || steps.iter().filter(heavy).count() > MAX_HEAVY_CALLS {
        let message = format!(
            "Limit exceeded: at most {MAX_CALLS} subrequests, {MAX_HEAVY_CALLS} of them queries or collections"
        );
        return Err(Failure::new(400, "LIMIT_EXCEEDED", message));
    }
    let all_or_none = body.get("allOrNone").and_then(Value::as_bool).unwrap_or(false);
    let (responses, _) = run(org, call, &steps, all_or_none);
    Ok(Reply::ok(json!({"compositeResponse": responses})))
}

fn halted(message: &str) -> Reply {
    Failure::new(400, "PROCESSING_HALTED", message).into()
}

/// Runs the steps in order; the flag says whether all succeeded.
fn run(org: &mut Org, call: &Call, steps: &[Step], all_or_none: bool) -> (Value, bool) {
    let rolled_back = "The transaction was rolled back since another operation in the same transaction failed.";
    let start = org.tables.savepoint();
    let mut done: HashMap<&str, Value> = HashMap::new();
    let mut replies: Vec<Reply> = Vec::new();
    let mut culprit = None;
    for (place, step) in steps.iter().enumerate() {
        if all_or_none && culprit.is_some() {
            replies.push(halted(rolled_back));
            continue;
        }
        // A collection inside meets the lock at its own first row.
        let single = place == 0 && !step.url.contains("/composite/sobjects");
        let reply =
            match call.fault.filter(|_| single).and_then(|fault| lock_failure(fault, org.config.locks_in_triggers)) {
                Some(locked) => locked.into(),
                None => run_step(org, call, step, &done),
            };
        if reply.is_success() {
            if let Content::Json(body) = &reply.content {
                done.insert(&step.reference, body.clone());
            }
        } else {
            culprit = culprit.or(Some(place));
        }
        replies.push(reply);
    }
    if all_or_none && let Some(culprit) = culprit {
        org.tables.roll_back(start);
        for reply in replies.iter_mut().take(culprit) {
            *reply = halted(rolled_back);
        }
    }
    let responses = steps.iter().zip(&replies).map(|(step, reply)| response(&step.reference, reply));
    (responses.collect(), culprit.is_none())
}

fn response(reference: &str, reply: &Reply) -> Value {
    let location = reply.headers.iter().find(|(name, _)| *name == "location");
    let headers = location.map_or_else(|| json!({}), |(_, value)| json!({"Location": value}));
    json!({"body": body_of(reply), "httpHeaders": headers, "httpStatusCode": reply.status, "referenceId": reference})
}

fn body_of(reply: &Reply) -> Value {
    match &reply.content {
        Content::Json(body) => body.clone(),
        Content::Empty => Value::Null,
        Content::Text(_, text) => json!(text),
    }
}

fn run_step(org: &mut Org, call: &Call, step: &Step, done: &HashMap<&str, Value>) -> Reply {
    let url = match filled(&step.url, done) {
        Ok(Value::String(url)) => url,
        Ok(other) => other.to_string(),
        Err(failure) => return failure.into(),
    };
    let body = step.body.as_ref().map(|body| fill(body, done)).transpose();
    match body {
        Ok(body) => match sub_call(call, &step.method, &url, body.as_ref(), &step.headers) {
            Ok(sub) => rest::dispatch(org, &sub),
            Err(failure) => failure.into(),
        },
        Err(failure) => failure.into(),
    }
}

fn sub_call(
    call: &Call,
    method: &str,
    url: &str,
    body: Option<&Value>,
    headers: &[(String, String)],
) -> Result<Call, Failure> {
    let (version, segments, query) = Call::split_url(url).ok_or_else(Failure::no_resource)?;
    let nested = segments.first().is_some_and(|first| first == "composite" || first == "jobs");
    let is_collection = segments.get(1).is_some_and(|second| second == "sobjects");
    if nested && !is_collection {
        return Err(Failure::new(
            400,
            "INVALID_INPUT",
            format!("The resource {url} cannot be part of a composite request"),
        ));
    }
    let mut sub = Call {
        method: Method::from_bytes(method.to_uppercase().as_bytes()).map_err(|_| Failure::no_resource())?,
        version,
        segments,
        query,
        headers: call.headers.clone(),
        body: Bytes::from(body.map(Value::to_string).unwrap_or_default()),
        fault: call.fault,
        user: call.user.clone(),
    };
    if sub.version_number() > call.version_number() {
        let message = "The version of a subrequest must not be newer than the version of the request";
        return Err(Failure::new(400, "INVALID_INPUT", message));
    }
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            sub.headers.insert(name, value);
        }
    }
    Ok(sub)
}

/// Replaces references anywhere in a body.
fn fill(body: &Value, done: &HashMap<&str, Value>) -> Result<Value, Failure> {
    match body {
        Value::String(text) => filled(text, done),
        Value::Array(items) => items.iter().map(|item| fill(item, done)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), fill(value, done)?)));
            Ok(Value::Object(fields.collect::<Result<_, Failure>>()?))
        }
        other => Ok(other.clone()),
    }
}

/// Replaces `@{ref.path}` in a text. A text that is nothing but a reference keeps the type of what it refers to.
fn filled(text: &str, done: &HashMap<&str, Value>) -> Result<Value, Failure> {
    if let Some(path) =
        text.strip_prefix("@{").and_then(|rest| rest.strip_suffix('}')).filter(|path| !path.contains('}'))
    {
        return resolve(path, done);
    }
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        let Some((path, after)) = after.split_once('}') else { break };
        result.push_str(before);
        match resolve(path, done)? {
            Value::String(value) => result.push_str(&value),
            other => result.push_str(&other.to_string()),
        }
        rest = after;
    }
    result.push_str(rest);
    Ok(json!(result))
}

/// `ref.records[0].Id`
fn resolve(path: &str, done: &HashMap<&str, Value>) -> Result<Value, Failure> {
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (reference, rest) = path.split_at(end);
    let missing = || {
        let message = format!("Invalid reference specified. No value for {path} found in {reference}");
        Failure::new(400, "PROCESSING_HALTED", message)
    };
    let mut value = done.get(reference).ok_or_else(missing)?;
    for part in rest.split(['.', '[']).filter(|part| !part.is_empty()) {
        value = match part.strip_suffix(']') {
            Some(index) => index.parse::<usize>().ok().and_then(|index| value.get(index)),
            None => value.get(part),
        }
        .ok_or_else(missing)?;
    }
    Ok(value.clone())
}

pub fn batch(org: &mut Org, call: &Call) -> Result<Reply, Failure> {
    let body = call.json_object()?;
    let requests = body.get("batchRequests").and_then(Value::as_array);
    let requests = requests.ok_or_else(|| Failure::malformed("batchRequests must be an array"))?;
    if requests.len() > MAX_CALLS {
        return Err(Failure::new(400, "LIMIT_EXCEEDED", format!("Limit exceeded: at most {MAX_CALLS} subrequests")));
    }
    let halt = body.get("haltOnError").and_then(Value::as_bool).unwrap_or(false);
    let mut failed = false;
    let mut results = Vec::new();
    for (place, request) in requests.iter().enumerate() {
        if halt && failed {
            let message = "The remaining requests were halted because of an earlier error.";
            let error = Failure::new(412, "BATCH_PROCESSING_HALTED", message);
            results.push(json!({"statusCode": 412, "result": error.to_body()}));
            continue;
        }
        // The batch itself has been counted as one call already.
        let spent = place == 0 || org.spend_call();
        let reply = if spent { run_batched(org, call, request) } else { super::out_of_calls().into() };
        failed |= !reply.is_success();
        results.push(json!({"statusCode": reply.status, "result": body_of(&reply)}));
    }
    Ok(Reply::ok(json!({"hasErrors": failed, "results": results})))
}

fn run_batched(org: &mut Org, call: &Call, request: &Value) -> Reply {
    let url = request["url"].as_str().unwrap_or_default();
    let url = format!("/services/data/{}", url.trim_start_matches("/services/data").trim_start_matches('/'));
    let method = request["method"].as_str().unwrap_or_default();
    let body = request.get("richInput").filter(|body| !body.is_null());
    match sub_call(call, method, &url, body, &[]) {
        Ok(sub) => rest::dispatch(org, &sub),
        Err(failure) => failure.into(),
    }
}

pub fn graph(org: &mut Org, call: &Call) -> Result<Reply, Failure> {
    let body = call.json_object()?;
    let graphs = body.get("graphs").and_then(Value::as_array);
    let graphs = graphs.ok_or_else(|| Failure::malformed("graphs must be an array"))?;
    let nodes: usize = graphs.iter().filter_map(|graph| graph["compositeRequest"].as_array()).map(Vec::len).sum();
    if graphs.len() > MAX_GRAPHS || nodes > MAX_NODES {
        let message = format!("Limit exceeded: at most {MAX_GRAPHS} graphs and {MAX_NODES} nodes");
        return Err(Failure::new(400, "LIMIT_EXCEEDED", message));
    }
    let mut plans = Vec::new();
    for graph in graphs {
        plans.push((&graph["graphId"], read_steps(&graph["compositeRequest"])?));
    }
    check_kinds(&plans)?;
    for (_, steps) in &plans {
        check_depth(steps)?;
    }
    let mut results = Vec::new();
    let mut failed = 0;
    for (id, steps) in plans {
        let (responses, successful) = if failed < MAX_FAILED_GRAPHS {
            run(org, call, &steps, true)
        } else {
            let reply = halted("Processing stopped because too many graphs failed.");
            (steps.iter().map(|step| response(&step.reference, &reply)).collect(), false)
        };
        failed += usize::from(!successful);
        results.push(json!({"graphId": id, "isSuccessful": successful,
            "graphResponse": {"compositeResponse": responses}}));
    }
    Ok(Reply::ok(json!({"graphs": results})))
}

/// The longest chain of nodes that refer to each other.
fn check_depth(steps: &[Step]) -> Result<(), Failure> {
    let mut depths: HashMap<&str, usize> = HashMap::new();
    for step in steps {
        let text = format!("{} {}", step.url, step.body.as_ref().map(Value::to_string).unwrap_or_default());
        let referred = text.split("@{").skip(1).filter_map(|rest| rest.split(['.', '[', '}']).next());
        let depth = 1 + referred.filter_map(|name| depths.get(name)).max().copied().unwrap_or(0);
        if depth > MAX_DEPTH {
            let message = format!("Limit exceeded: at most {MAX_DEPTH} nodes that depend on each other");
            return Err(Failure::new(400, "LIMIT_EXCEEDED", message));
        }
        depths.insert(&step.reference, depth);
    }
    Ok(())
}

/// Creating a record, and a record by its id or by an external id.
fn is_node(method: &str, segments: &[String]) -> bool {
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["sobjects", _] => method == "POST",
        ["sobjects", _, "describe" | "updated" | "deleted"] => false,
        ["sobjects", _, _] | ["sobjects", _, _, _] => ["GET", "PATCH", "DELETE"].contains(&method),
        _ => false,
    }
}

/// Graphs take single records only, of few combinations of version, method and object.
fn check_kinds(plans: &[(&Value, Vec<Step>)]) -> Result<(), Failure> {
    let mut kinds = HashSet::new();
    for step in plans.iter().flat_map(|(_, steps)| steps) {
        let method = step.method.to_uppercase();
        let address = Call::split_url(&step.url).filter(|(_, segments, _)| is_node(&method, segments));
        let Some((version, segments, _)) = address else {
            let message = format!("The resource {method} {} cannot be part of a graph", step.url);
            return Err(Failure::new(400, "INVALID_INPUT", message));
        };
        kinds.insert((version, method, segments[1].to_lowercase()));
    }
    if kinds.len() > MAX_KINDS {
        let message =
            format!("Limit exceeded: at most {MAX_KINDS} distinct combinations of version, method and object");
        return Err(Failure::new(400, "LIMIT_EXCEEDED", message));
    }
    Ok(())
}
