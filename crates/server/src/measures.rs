//! What this process counts of its own work, for Prometheus.

use std::{
    sync::{Arc, LazyLock},
    time::Instant,
};

use mittler_api::metrics::{MetricFamily, Sample, alone, counter, gauge, number};
use mittler_connector::{Error, NotAuthentic, Outcome, Profile, Result, RowResult, Write};
use mittler_core::{Time, mapping::Mapping};
use mittler_queue::Stats;
use mittler_store::{Clock, Store};
use mittler_sync::{Connections, hooks::Counts};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, core::Collector};

/// The calls of this process, counted from its beginning.
pub static CALLS: LazyLock<Calls> = LazyLock::new(|| Calls::new().expect("well-formed names"));

/// What a connector is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Describe,
    Pull,
    Read,
    History,
    Create,
    Update,
    Archive,
    Setup,
    Account,
}

impl Call {
    fn name(self) -> &'static str {
        match self {
            Call::Describe => "describe",
            Call::Pull => "pull",
            Call::Read => "read",
            Call::History => "history",
            Call::Create => "create",
            Call::Update => "update",
            Call::Archive => "archive",
            Call::Setup => "setup",
            Call::Account => "account",
        }
    }

    /// A batch has writes of one kind.
    pub fn of(batch: &[Write]) -> Call {
        match batch.first() {
            Some(Write::Update { .. }) => Call::Update,
            Some(Write::Archive { .. }) => Call::Archive,
            Some(Write::Create { .. }) | None => Call::Create,
        }
    }

    /// In which way what succeeds shows that the connection works.
    fn direction(self) -> Option<&'static str> {
        match self {
            Call::Create | Call::Update | Call::Archive => Some("push"),
            Call::Pull => Some("pull"),
            Call::Describe | Call::Read | Call::History | Call::Setup | Call::Account => None,
        }
    }
}

const DIRECTIONS: [&str; 2] = ["push", "pull"];

/// How calls end.
const OUTCOMES: [&str; 10] = [
    "ok",
    "reauthorise",
    "limited",
    "unavailable",
    "too_broad",
    "unknown",
    "batch_refused",
    "misconfigured",
    "not_understood",
    "cursor_expired",
];

fn outcome<T>(result: &Result<T>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(Error::Reauthorise { .. }) => "reauthorise",
        Err(Error::Limited { .. }) => "limited",
        Err(Error::Unavailable { .. }) => "unavailable",
        Err(Error::TooBroad { .. }) => "too_broad",
        Err(Error::Unknown { .. }) => "unknown",
        Err(Error::BatchRefused { .. }) => "batch_refused",
        Err(Error::Configuration { .. }) => "misconfigured",
        Err(Error::Protocol { .. }) => "not_understood",
        Err(Error::CursorExpired { .. }) => "cursor_expired",
    }
}

/// What CRMs answer for single writes.
const ROWS: [&str; 7] = ["written", "refused", "exists", "candidates", "gone", "busy", "misconfigured"];

fn row(result: &RowResult) -> &'static str {
    match result {
        RowResult::Written { .. } => "written",
        RowResult::Refused(_) => "refused",
        RowResult::Exists { .. } => "exists",
        RowResult::Candidates { .. } => "candidates",
        RowResult::Gone { .. } => "gone",
        RowResult::Busy { .. } => "busy",
        RowResult::Misconfigured { .. } => "misconfigured",
    }
}

/// Calls to CRMs: how long they take and how they end.
#[derive(Debug, Clone)]
pub struct Calls {
    seconds: HistogramVec,
    ends: IntCounterVec,
    rows: IntCounterVec,
    last: IntGaugeVec,
    clock: Clock,
}

impl Calls {
    fn new() -> prometheus::Result<Calls> {
        let seconds = HistogramOpts::new(
            "mittler_crm_call_duration_seconds",
            "How long calls to a CRM took, waits for its limits included, in this process.",
        );
        let seconds = seconds.buckets(vec![0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]);
        let ends = Opts::new("mittler_crm_calls_total", "Calls to a CRM by how they ended, in this process.");
        let rows = Opts::new("mittler_crm_writes_total", "What a CRM answered for single writes, in this process.");
        let last = Opts::new(
            "mittler_connection_last_success_timestamp_seconds",
            "When a push or pull last succeeded, as this process knows; 0 for never.",
        );
        Ok(Calls {
            seconds: HistogramVec::new(seconds, &["connection", "object", "call"])?,
            ends: IntCounterVec::new(ends, &["connection", "object", "call", "outcome"])?,
            rows: IntCounterVec::new(rows, &["connection", "object", "result"])?,
            last: IntGaugeVec::new(last, &["connection", "direction"])?,
            clock: Clock::default(),
        })
    }

    /// Makes the series of a connection, all of them at zero.
    pub fn expect(&self, connection: &str, profile: &Profile, mapping: &Mapping) {
        for kind in profile.kinds.iter().filter(|kind| mapping.object(&kind.remote_type).is_some()) {
            let object = kind.remote_type.as_str();
            let possible = [
                (true, Call::Describe),
                (true, Call::Read),
                (true, Call::Create),
                (true, Call::Archive),
                (kind.updatable, Call::Update),
                (profile.history.is_some() && profile.feed_of(object).is_some(), Call::History),
            ];
            for (_, call) in possible.into_iter().filter(|(possible, _)| *possible) {
                self.expect_call(connection, object, call);
            }
            for result in ROWS {
                self.rows.with_label_values(&[connection, object, result]);
            }
        }
        for feed in &profile.feeds {
            self.expect_call(connection, &feed.name, Call::Pull);
        }
        for owners in &profile.owners {
            self.expect_call(connection, owners.remote_type, Call::Read);
        }
        self.expect_call(connection, "", Call::Account);
        for direction in DIRECTIONS {
            self.last.with_label_values(&[connection, direction]);
        }
    }

    fn expect_call(&self, connection: &str, object: &str, call: Call) {
        self.seconds.with_label_values(&[connection, object, call.name()]);
        for outcome in OUTCOMES {
            self.ends.with_label_values(&[connection, object, call.name(), outcome]);
        }
    }

    /// Notes the end of a call.
    pub fn note<T>(&self, connection: &str, object: &str, call: Call, begun: Instant, result: &Result<T>) {
        self.seconds.with_label_values(&[connection, object, call.name()]).observe(begun.elapsed().as_secs_f64());
        self.ends.with_label_values(&[connection, object, call.name(), outcome(result)]).inc();
        if let (Ok(_), Some(direction)) = (result, call.direction()) {
            self.succeeded(connection, direction, self.clock.now());
        }
    }

    pub fn note_rows(&self, connection: &str, object: &str, outcomes: &[Outcome]) {
        for outcome in outcomes {
            self.rows.with_label_values(&[connection, object, row(&outcome.result)]).inc();
        }
    }

    fn succeeded(&self, connection: &str, direction: &str, at: Time) {
        let last = self.last.with_label_values(&[connection, direction]);
        last.set(last.get().max(at.0 / 1_000_000));
    }

    /// Begins with what the database knows: a start is no reason for an alarm.
    pub async fn remember(&self, store: &Store, connections: &Connections, now: Time) -> mittler_store::Result<()> {
        let pushed = store.last_answers(now.minus(REMEMBERED)).await?;
        for connection in connections.all() {
            if let Some((_, at)) = pushed.iter().find(|(id, _)| *id == connection.id.0) {
                self.succeeded(&connection.name, "push", Time(*at));
            }
            if let Some(at) = store.last_pull(connection.id).await? {
                self.succeeded(&connection.name, "pull", at);
            }
        }
        Ok(())
    }

    fn families(&self) -> Vec<MetricFamily> {
        let all: [&dyn Collector; 4] = [&self.seconds, &self.ends, &self.rows, &self.last];
        all.into_iter().flat_map(Collector::collect).collect()
    }
}

/// How far back a start looks for the last write that a CRM answered.
const REMEMBERED: std::time::Duration = std::time::Duration::from_hours(24);

/// What this process counts: its own part of the work, since it began.
pub fn families(
    store: &Store,
    stats: &Stats,
    hooks: &Counts,
    connections: &Connections,
) -> impl Fn() -> Vec<MetricFamily> + Send + Sync + use<> {
    let (store, stats, hooks, connections) = (store.clone(), stats.clone(), hooks.clone(), connections.clone());
    move || {
        let broker = stats.snapshot();
        let counted = [
            ("mittler_database_commits_total", "Commits of writes by this process.", store.commits()),
            ("mittler_jobs_ended_total", "Jobs that came to an end of any kind in this process.", broker.settled),
            ("mittler_jobs_failed_total", "Ends of jobs in this process that were failures.", broker.failed),
            (
                "mittler_broker_messages_confirmed_total",
                "Messages that the broker took over from this process.",
                broker.confirmed,
            ),
            (
                "mittler_broker_messages_consumed_total",
                "Messages that came from the broker to this process.",
                broker.consumed,
            ),
        ];
        let mut all: Vec<_> =
            counted.into_iter().map(|(name, help, value)| counter(name, help, alone(number(value)))).collect();
        all.push(counter(
            "mittler_hooks_refused_total",
            "Webhooks that this process refused as not authentic, by cause.",
            refusals(&hooks, &connections),
        ));
        all.push(gauge(
            "mittler_broker_last_heartbeat_timestamp_seconds",
            "When a message of this process last came back through the broker; 0 for never.",
            alone(broker.last_heartbeat.map_or(0.0, seconds)),
        ));
        all.extend(CALLS.families());
        all
    }
}

fn refusals(hooks: &Counts, connections: &Connections) -> Vec<Sample> {
    let pairs = connections.all().into_iter().flat_map(|one| NotAuthentic::ALL.map(|cause| (Arc::clone(&one), cause)));
    let counted = pairs.map(|(connection, cause)| {
        let labels = vec![("connection", connection.name.clone()), ("cause", cause.code().to_owned())];
        (labels, number(hooks.refusals(connection.id, cause)))
    });
    counted.collect()
}

fn seconds(at: Time) -> f64 {
    number(u64::try_from(at.0 / 1_000_000).unwrap_or_default())
}
