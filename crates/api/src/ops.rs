//! For whoever runs the service: health and metrics. Neither tells anything about people.

use std::fmt::Write;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use mittler_core::{Kind, Time};
use mittler_store::hooks::HookCount;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    App, Broker, Counter,
    access::{Caller, Scope},
    problem::Problem,
};

/// How old a count of all records may be.
const COUNT_AGAIN: std::time::Duration = std::time::Duration::from_secs(30);

pub(crate) fn router() -> Router<App> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).route("/metrics", get(metrics))
}

/// Whether the process lives and answers
#[utoipa::path(get, path = "/health/live", tag = "Operation", security(()),
    responses((status = 200, description = "It does", body = Live)))]
pub(crate) async fn live() -> Json<serde_json::Value> {
    Json(json!({"status": "live"}))
}

#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes an answer")]
pub(crate) struct Live {
    #[schema(example = "live")]
    status: String,
}

#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes an answer")]
pub(crate) struct Ready {
    /// `ready`, `unavailable`.
    status: String,
    /// `up`, `down`.
    database: String,
    /// `embedded`, `up`, `down`.
    broker: String,
    /// Why no lead would be accepted, and what to do.
    reason: Option<String>,
}

/// Whether a lead would be accepted now
///
/// Ready is who can accept a lead. A broker that is down delays delivery and stops nothing.
#[utoipa::path(get, path = "/health/ready", tag = "Operation", security(()),
    responses((status = 200, description = "It would", body = Ready), (status = 503, description = "It would not", body = Ready)))]
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let broker = match (app.broker)() {
        Broker::None => "embedded",
        Broker::Up => "up",
        Broker::Down => "down",
    };
    if let Err(error) = app.store.probe().await {
        let reason = error.fault().map_or_else(|| error.to_string(), |fault| fault.words().to_owned());
        let body = Json(json!({"status": "unavailable", "database": "down", "broker": broker, "reason": reason}));
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], body).into_response();
    }
    Json(json!({"status": "ready", "database": "up", "broker": broker})).into_response()
}

/// Counts, in the text format of Prometheus
///
/// Open to this machine if nothing else reaches the service; otherwise with a key of the scope
/// `metrics:read`.
#[utoipa::path(get, path = "/metrics", tag = "Operation", security((), ("key" = [])),
    responses((status = 200, description = "The counts", content_type = "text/plain", body = String)))]
pub(crate) async fn metrics(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    if !app.settings.loopback {
        let (mut parts, _) = request.into_parts();
        Caller::from_request_parts(&mut parts, &app).await?.needs(Scope::MetricsRead)?;
    }
    let text = counts(&app).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

async fn counts(app: &App) -> Result<String, Problem> {
    let now = app.clock.now();
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, values: &[(String, i64)]| {
        _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in values {
            _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let by = |label: &str, rows: Vec<(String, i64)>| -> Vec<(String, i64)> {
        rows.into_iter().map(|(value, count)| (format!("{{{label}=\"{value}\"}}"), count)).collect()
    };
    let signals = app.store.signal_states().await?;
    gauge("mittler_signals", "Inputs kept, by what became of them.", &by("state", signals));
    gauge("mittler_records", "Records, by kind.", &by("kind", record_counts(app, now).await?));
    let jobs = app.store.job_counts(now).await?;
    let states = [("ready", jobs.ready), ("waiting", jobs.waiting), ("held", jobs.held), ("dead", jobs.dead)];
    let states = states.map(|(state, count)| (state.to_owned(), count)).to_vec();
    gauge("mittler_jobs", "Work to do, by state.", &by("state", states));
    let age = i64::try_from(now.since(Time(jobs.oldest)).as_secs()).unwrap_or(i64::MAX);
    gauge("mittler_job_oldest_seconds", "Age of the oldest living job.", &[(String::new(), age)]);
    let connections = app.store.connections().await?;
    let name = |id| connections.iter().find(|row| row.id == id).map_or("", |row| row.name.as_str());
    let (mut due, mut refused) = (Vec::new(), Vec::new());
    for open in app.store.backlog().await? {
        let kind = Kind::ALL.into_iter().find(|kind| i64::from(kind.stage()) == open.stage).map_or("", Kind::name);
        let label = format!("{{connection=\"{}\",kind=\"{kind}\"}}", escaped(name(open.connection)));
        if open.due > 0 {
            due.push((label, open.due));
        } else {
            refused.push((label, open.refused));
        }
    }
    gauge("mittler_links_due", "Records that a CRM has still to be told of.", &due);
    gauge("mittler_links_refused", "Records that a CRM refused.", &refused);
    let hooks = app.store.hook_counts().await?;
    let of = |value: fn(&HookCount) -> i64| -> Vec<(String, i64)> {
        hooks
            .iter()
            .map(|count| (format!("{{connection=\"{}\"}}", escaped(name(count.connection))), value(count)))
            .collect()
    };
    gauge("mittler_hooks_taken", "Webhooks of a CRM that were taken, ever.", &of(|count| count.taken));
    gauge("mittler_hooks_refused", "Webhooks that were refused as not authentic, ever.", &of(|count| count.refused));
    gauge(
        "mittler_hook_last_taken_timestamp_seconds",
        "When the last webhook was taken; 0 for never.",
        &of(|count| count.last_taken_at / 1_000_000),
    );
    gauge(
        "mittler_reviews_open",
        "Questions that wait for a person.",
        &[(String::new(), app.store.review_count().await?)],
    );
    let unsure = app.store.held_people(now).await?;
    let age = unsure.oldest.map_or(0, |oldest| i64::try_from(now.since(oldest).as_secs()).unwrap_or(i64::MAX));
    gauge("mittler_people_held", "People held until somebody says who they are.", &[(String::new(), unsure.count)]);
    gauge("mittler_people_held_oldest_seconds", "How long the first of them has been held.", &[(String::new(), age)]);
    gauge("process_resident_memory_bytes", "Memory of this process.", &[(String::new(), resident())]);
    let refused = Counter {
        name: "mittler_refused_logins_total",
        help: "Keys, links and sessions that opened nothing.",
        value: app.refusals.total(),
    };
    let abandoned = Counter {
        name: "mittler_abandoned_calls_total",
        help: "Dry runs and uploads whose caller left before the answer; the work for them was ended.",
        value: app.ingest.abandoned(),
    };
    for Counter { name, help, value } in (app.counters)().into_iter().chain([refused, abandoned]) {
        _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
    }
    Ok(text)
}

/// Counted once in a while: it reads all records.
async fn record_counts(app: &App, now: Time) -> Result<Vec<(String, i64)>, Problem> {
    let mut counted = app.record_counts.lock().await;
    if let Some((_, counts)) = counted.as_ref().filter(|(at, _)| *at <= now && now.since(*at) < COUNT_AGAIN) {
        return Ok(counts.clone());
    }
    let counts = app.store.record_counts().await?;
    *counted = Some((now, counts.clone()));
    Ok(counts)
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Bytes of memory in use, as Linux tells; 0 elsewhere.
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<i64>().ok()).map_or(0, |kilobytes| kilobytes * 1024)
}
