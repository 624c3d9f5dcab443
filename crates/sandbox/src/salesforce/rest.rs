//! `/services/data/vNN.0/`: which call does what, describe, limits and queries.

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::cursors::Reader;
use super::failure::Failure;
use super::org::Org;
use super::{bulk, changes, collections, composite, records, soql, tree, values};

/// Releases on offer; older versions still answer, as they do in reality.
const RELEASES: [(&str, u32); 7] = [
    ("Winter '25", 62),
    ("Spring '25", 63),
    ("Summer '25", 64),
    ("Winter '26", 65),
    ("Spring '26", 66),
    ("Summer '26", 67),
    ("Winter '27", 68),
];
const LATEST: u32 = 68;
const OLDEST: u32 = 31;

pub fn versions() -> Reply {
    let versions = RELEASES.iter().map(|(label, number)| {
        json!({"label": label, "url": format!("/services/data/v{number}.0"), "version": format!("{number}.0")})
    });
    Reply::ok(versions.collect())
}

pub fn dispatch(org: &mut Org, call: &Call) -> Reply {
    route(org, call).unwrap_or_else(|failure| records::with_choices(failure, call).into())
}

fn route(org: &mut Org, call: &Call) -> Result<Reply, Failure> {
    let number = call.version_number();
    if number > LATEST || !call.version.ends_with(".0") {
        return Err(Failure::no_resource());
    }
    if number < OLDEST {
        return Err(Failure::new(410, "UNSUPPORTED_API_VERSION", "The requested API version is no longer supported."));
    }
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", []) => Ok(resources(org, call)),
        ("GET", ["limits"]) => Ok(limits(org)),
        ("GET", ["query"]) => query(org, call, false),
        ("GET", ["queryAll"]) => query(org, call, true),
        ("GET", ["query" | "queryAll", locator]) => next_page(org, call, locator),
        ("GET", ["sobjects"]) => Ok(global_describe(org, call)),
        (_, ["sobjects", object, rest @ ..]) => sobject(org, call, object, rest),
        (_, ["composite", "sobjects", rest @ ..]) => collections::route(org, call, rest),
        ("POST", ["composite"]) => composite::composite(org, call),
        ("POST", ["composite", "batch"]) => composite::batch(org, call),
        ("POST", ["composite", "graph"]) => composite::graph(org, call),
        ("POST", ["composite", "tree", object]) => tree::create(org, call, object),
        (_, ["jobs", kind @ ("ingest" | "query"), rest @ ..]) => bulk::route(org, call, kind, rest),
        (_, [] | ["limits" | "query" | "queryAll" | "sobjects" | "composite", ..]) => Err(method_not_allowed(call)),
        _ => Err(Failure::no_resource()),
    }
}

pub fn method_not_allowed(call: &Call) -> Failure {
    let message = format!("HTTP Method '{}' not allowed. Allowed are GET, POST, PATCH, DELETE", call.method);
    Failure::new(405, "METHOD_NOT_ALLOWED", message)
}

fn sobject(org: &mut Org, call: &Call, object: &str, rest: &[&str]) -> Result<Reply, Failure> {
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let object = org.object(object)?;
            Ok(Reply::ok(json!({"objectDescribe": object.summary(&call.version), "recentItems": []})))
        }
        ("POST", []) => records::create(org, call, object),
        ("GET", ["describe"]) => describe(org, call, object),
        ("GET", ["updated"]) => changes::updated(org, call, object),
        ("GET", ["deleted"]) => changes::deleted(org, call, object),
        ("GET", [id]) => records::read(org, call, object, id),
        ("PATCH", [id]) => records::update(org, call, object, id),
        ("DELETE", [id]) => records::delete(org, call, object, id),
        ("GET", [field, value]) => records::read_by_key(org, call, object, field, value),
        ("PATCH", [field, value]) => records::upsert(org, call, object, field, value),
        ("DELETE", [field, value]) => records::delete_by_key(org, call, object, field, value),
        (_, [] | [_] | [_, _]) => Err(method_not_allowed(call)),
        _ => Err(Failure::no_resource()),
    }
}

/// The identity is where clients look for the user. It is the sandbox's own address rather than the vendor's login
/// host, because clients send their token there.
fn resources(org: &Org, call: &Call) -> Reply {
    let names = ["sobjects", "query", "queryAll", "composite", "limits", "jobs"];
    let urls = names.iter().map(|name| (*name, format!("/services/data/{}/{name}", call.version)));
    let identity = ("identity", format!("{}/id/{}/{}", org.base_url, org.id, call.user));
    Reply::ok(
        urls.chain([identity])
            .map(|(name, url)| (name.to_owned(), json!(url)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    )
}

fn limits(org: &Org) -> Reply {
    let max = org.config.daily_api_limit;
    let full = |max: u64| json!({"Max": max, "Remaining": max});
    Reply::ok(json!({
        "DailyApiRequests": {"Max": max, "Remaining": max.saturating_sub(org.calls_used())},
        "DailyBulkApiBatches": full(15_000),
        "DailyBulkV2QueryJobs": full(10_000),
        "DailyDurableStreamingApiEvents": full(10_000),
        "DataStorageMB": full(1024),
        "FileStorageMB": full(1024),
    }))
}

fn global_describe(org: &Org, call: &Call) -> Reply {
    if let Some(reply) = unchanged(org.schema_since, call) {
        return reply;
    }
    let objects: Value = org.schema.objects().map(|object| object.summary(&call.version)).collect();
    Reply::ok(json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}))
        .with("last-modified", values::http_date(org.schema_since))
}

fn describe(org: &Org, call: &Call, object: &str) -> Result<Reply, Failure> {
    let object = org.object(object)?;
    if let Some(reply) = unchanged(org.schema_since, call) {
        return Ok(reply);
    }
    let body = object.describe(&call.version, &org.schema);
    Ok(Reply::ok(body).with("last-modified", values::http_date(org.schema_since)))
}

/// 304 or 412 when the request's conditions on time do not hold.
pub fn unchanged(since: jiff::Timestamp, call: &Call) -> Option<Reply> {
    let at = |name| call.header(name).and_then(values::parse_http_date);
    if at("if-modified-since").is_some_and(|time| since.as_second() <= time.as_second()) {
        return Some(Reply::empty(304));
    }
    if at("if-unmodified-since").is_some_and(|time| since.as_second() > time.as_second()) {
        return Some(Reply::empty(412));
    }
    None
}

fn query(org: &mut Org, call: &Call, with_deleted: bool) -> Result<Reply, Failure> {
    let missing = || Failure::new(400, "MALFORMED_QUERY", "A query string has to be specified");
    let text = call.param("q").ok_or_else(missing)?;
    let query = soql::parse(text)?;
    let found = org.search(&query, with_deleted, &call.version)?;
    if query.count {
        return Ok(Reply::ok(json!({"totalSize": found.total, "done": true, "records": []})));
    }
    let asked = call.option("sforce-query-options", "batchSize").and_then(|size| size.parse::<usize>().ok());
    let (least, most) = (org.config.min_page_size.max(1), org.config.max_page_size.max(1));
    let page = asked.unwrap_or(2000).max(least).min(most);
    let lifetime = org.config.locator_seconds;
    let now_ms = org.clock.millis();
    let reader = Reader { user: &call.user, now_ms, version: &call.version };
    Ok(Reply::ok(org.cursors.open(found.records, page, lifetime, &reader)))
}

fn next_page(org: &Org, call: &Call, locator: &str) -> Result<Reply, Failure> {
    let reader = Reader { user: &call.user, now_ms: org.clock.millis(), version: &call.version };
    org.cursors.next(locator, &reader).map(Reply::ok)
}
