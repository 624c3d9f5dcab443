//! What is told to Prometheus of this process, and of the database that it shares with others.

use std::{collections::HashMap, time::Duration};

use mittler_core::{Kind, Time};
use mittler_store::{
    Result,
    connections::{ConnectionRow, ConnectionState},
    hooks::HookCount,
    jobs::WORK,
    links::HeldLinks,
    signals::STATES,
};
use mittler_sync::{Mode, question::QuestionKind};
use uuid::Uuid;

use crate::{
    App, Broker,
    metrics::{MetricFamily, Sample, alone, count, counter, gauge, number},
};

/// How old a count may be that reads a whole table.
const COUNT_AGAIN: Duration = Duration::from_secs(30);
/// How long the database may take: whoever scrapes gives up after ten seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Counts that read whole tables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slow {
    records: Vec<(String, i64)>,
    held: Vec<HeldLinks>,
}

/// What this process knows by itself, whatever the database does.
pub(super) fn of_process(app: &App) -> Vec<MetricFamily> {
    let broker = (app.broker)();
    let build = vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("commit", option_env!("MITTLER_COMMIT").unwrap_or("unknown").to_owned()),
        ("database", app.store.name().to_lowercase()),
    ];
    let mut all = vec![
        gauge("mittler_build_info", "What runs in this process. Always 1.", [(build, 1.0)]),
        gauge(
            "mittler_broker_up",
            "Whether this process reaches the broker. 1 without one: the queue is embedded.",
            alone(f64::from(u8::from(broker != Broker::Down))),
        ),
        gauge("process_resident_memory_bytes", "Memory of this process.", alone(number(resident()))),
        counter(
            "mittler_refused_logins_total",
            "Keys, links and sessions that opened nothing, in this process.",
            alone(number(app.refusals.total())),
        ),
        counter(
            "mittler_abandoned_calls_total",
            "Dry runs and uploads whose caller left before the answer, in this process; the work for them was ended.",
            alone(number(app.ingest.abandoned())),
        ),
    ];
    if let Some(disk) = app.store.disk() {
        all.push(gauge(
            "mittler_database_disk_size_bytes",
            "Size of the disk with the SQLite file. Not known of PostgreSQL.",
            alone(number(disk.size)),
        ));
        all.push(gauge(
            "mittler_database_disk_free_bytes",
            "Room that is left there. Not known of PostgreSQL.",
            alone(number(disk.free)),
        ));
    }
    all
}

/// What the database knows; all its processes tell the same. Where it does not answer, nothing but that.
pub(super) async fn of_database(app: &App) -> Vec<MetricFamily> {
    let asked = tokio::time::timeout(PATIENCE, asked(app)).await;
    let known = asked.unwrap_or(Err(mittler_store::Error::TooSlow));
    if let Err(error) = &known {
        tracing::debug!(%error, "the database was not counted for the metrics");
    }
    let up = f64::from(u8::from(known.is_ok()));
    let mut all = vec![gauge("mittler_database_up", "Whether the database answers this process.", alone(up))];
    all.extend(known.unwrap_or_default());
    all
}

async fn asked(app: &App) -> Result<Vec<MetricFamily>> {
    let now = app.clock.now();
    let slow = slow_counts(app, now).await?;
    let connections = app.store.connections().await?;
    let mut all = inputs_and_records(app, &slow).await?;
    all.extend(jobs(app, now).await?);
    all.extend(questions(app, now).await?);
    all.extend(states(&connections));
    all.extend(links(app, &connections, &slow.held, now).await?);
    all.extend(hooks(app, &connections).await?);
    Ok(all)
}

async fn inputs_and_records(app: &App, slow: &Slow) -> Result<Vec<MetricFamily>> {
    let signals: HashMap<String, i64> = app.store.signal_states().await?.into_iter().collect();
    let signals = STATES.map(|state| one("state", state, signals.get(state)));
    let records: HashMap<&str, &i64> = slow.records.iter().map(|(kind, count)| (kind.as_str(), count)).collect();
    let records = Kind::ALL.into_iter().map(|kind| one("kind", kind.name(), records.get(kind.name()).copied()));
    Ok(vec![
        gauge("mittler_signals", "Inputs that the database keeps, by what became of them.", signals),
        gauge("mittler_records", "Records of the database, by kind.", records),
    ])
}

async fn jobs(app: &App, now: Time) -> Result<Vec<MetricFamily>> {
    let counts = app.store.job_counts(now).await?;
    let states = [("ready", counts.ready), ("waiting", counts.waiting), ("held", counts.held), ("dead", counts.dead)];
    let ready = app.store.ready_jobs(now).await?;
    let of_task = |task: &'static str| ready.iter().filter(move |jobs| jobs.work() == task);
    let lengths = WORK.map(|task| one("task", task, Some(&of_task(task).map(|jobs| jobs.count).sum())));
    let ages = WORK.map(|task| {
        let since = of_task(task).map(|jobs| Time(jobs.since)).min();
        (vec![("task", task.to_owned())], since.map_or(0.0, |since| now.since(since).as_secs_f64()))
    });
    Ok(vec![
        gauge(
            "mittler_jobs",
            "Work of the database, by state.",
            states.map(|(state, n)| one("state", state, Some(&n))),
        ),
        gauge(
            "mittler_job_oldest_seconds",
            "Age of the oldest job of the database that is not dead.",
            alone(now.since(Time(counts.oldest)).as_secs_f64()),
        ),
        gauge("mittler_jobs_ready", "Jobs of the database that a worker could take now, by task.", lengths),
        gauge("mittler_job_ready_oldest_seconds", "How long the first of them has been ready; 0 without any.", ages),
    ])
}

async fn questions(app: &App, now: Time) -> Result<Vec<MetricFamily>> {
    let open = app.store.reviews_by_question().await?;
    let of = |kind: QuestionKind| open.iter().filter(move |(name, ..)| QuestionKind::parse(name) == kind);
    let kinds = QuestionKind::ALL.into_iter().chain([QuestionKind::Other]);
    let counts = kinds.clone().map(|kind| one("kind", kind.name(), Some(&of(kind).map(|(_, count, _)| count).sum())));
    let ages = kinds.map(|kind| {
        let since = of(kind).map(|(_, _, since)| Time(*since)).min();
        (vec![("kind", kind.name().to_owned())], since.map_or(0.0, |since| now.since(since).as_secs_f64()))
    });
    let unsure = app.store.held_people(now).await?;
    let age = unsure.oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
    Ok(vec![
        gauge("mittler_reviews_open", "Questions of the database that wait for a person, by kind.", counts),
        gauge("mittler_review_oldest_seconds", "How long the first of them has been open; 0 without any.", ages),
        gauge(
            "mittler_people_held",
            "People in the database who are held until somebody says who they are.",
            alone(count(unsure.count)),
        ),
        gauge("mittler_people_held_oldest_seconds", "How long the first of them has been held.", alone(age)),
    ])
}

/// Each state and mode of each connection, those that it is not in at 0.
fn states(connections: &[ConnectionRow]) -> Vec<MetricFamily> {
    let of = |label: &'static str, names: Vec<&'static str>, is: fn(&ConnectionRow) -> &str| {
        let samples = connections.iter().flat_map(move |row| {
            let names = names.clone().into_iter();
            names.map(move |name| {
                let labels = vec![("connection", row.name.clone()), (label, name.to_owned())];
                (labels, f64::from(u8::from(is(row) == name)))
            })
        });
        samples.collect::<Vec<Sample>>()
    };
    let states = ConnectionState::ALL.iter().map(|state| state.name()).collect();
    vec![
        gauge(
            "mittler_connection_state",
            "1 for the state that the database has noted of a connection, 0 for the others.",
            of("state", states, |row| row.state.name()),
        ),
        gauge(
            "mittler_connection_mode",
            "1 for the mode of a connection, 0 for the others.",
            of("mode", Mode::ALL.map(Mode::name).to_vec(), |row| &row.mode),
        ),
    ]
}

async fn links(app: &App, rows: &[ConnectionRow], held: &[HeldLinks], now: Time) -> Result<Vec<MetricFamily>> {
    let backlog = app.store.backlog().await?;
    let each = |value: &dyn Fn(Uuid, i64) -> f64| -> Vec<Sample> {
        let pairs = rows.iter().flat_map(|row| Kind::ALL.into_iter().map(move |kind| (row, kind)));
        pairs
            .map(|(row, kind)| {
                let labels = vec![("connection", row.name.clone()), ("kind", kind.name().to_owned())];
                (labels, value(row.id, i64::from(kind.stage())))
            })
            .collect()
    };
    let of = |id, stage| backlog.iter().filter(move |open| open.connection == id && open.stage == stage);
    let held = |id, stage| held.iter().find(move |held| held.connection == id && held.stage == stage);
    let due = |id, stage| count(of(id, stage).map(|open| open.due).sum());
    let refused = |id, stage| count(of(id, stage).map(|open| open.refused).sum());
    let ages = |id, stage| held(id, stage).map_or(0.0, |held| now.since(Time(held.oldest)).as_secs_f64());
    Ok(vec![
        gauge("mittler_links_due", "Records of the database that a CRM has still to be told of.", each(&due)),
        gauge("mittler_links_refused", "Records of the database that a CRM refused.", each(&refused)),
        gauge(
            "mittler_links_held",
            "Records of the database of which a CRM is told nothing for now: mode, bounds, doubts.",
            each(&|id, stage| held(id, stage).map_or(0.0, |held| count(held.count))),
        ),
        gauge("mittler_links_held_oldest_seconds", "Age of the oldest of them; 0 without any.", each(&ages)),
    ])
}

async fn hooks(app: &App, connections: &[ConnectionRow]) -> Result<Vec<MetricFamily>> {
    let counts = app.store.hook_counts().await?;
    let of = |value: fn(&HookCount) -> i64| {
        let counted = connections.iter().map(|row| {
            let found = counts.iter().find(|count| count.connection == row.id);
            (vec![("connection", row.name.clone())], found.map_or(0.0, |found| count(value(found))))
        });
        counted.collect::<Vec<Sample>>()
    };
    Ok(vec![
        counter(
            "mittler_hooks_taken_total",
            "Webhooks that were taken, ever, by all processes.",
            of(|count| count.taken),
        ),
        gauge(
            "mittler_hook_last_taken_timestamp_seconds",
            "When the last webhook was taken, by any process; 0 for never.",
            of(|count| count.last_taken_at / 1_000_000),
        ),
    ])
}

/// Counted once in a while: it reads all records and all links.
async fn slow_counts(app: &App, now: Time) -> Result<Slow> {
    let mut counted = app.slow_counts.lock().await;
    if let Some((_, counts)) = counted.as_ref().filter(|(at, _)| *at <= now && now.since(*at) < COUNT_AGAIN) {
        return Ok(counts.clone());
    }
    let counts = Slow { records: app.store.record_counts().await?, held: app.store.held_links().await? };
    *counted = Some((now, counts.clone()));
    Ok(counts)
}

fn one(label: &'static str, value: &str, counted: Option<&i64>) -> Sample {
    (vec![(label, value.to_owned())], counted.map_or(0.0, |counted| count(*counted)))
}

/// Bytes of memory in use, as Linux tells; 0 elsewhere.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kilobytes| kilobytes * 1024)
}
