//! Logs to standard error: ids and codes, never personal data.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Says where a panic was and nothing else: its message may quote what somebody wrote.
fn hush_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!("panicked at {at}");
    }));
}

/// Starts logging. RUST_LOG wins; otherwise `level` for our own crates and warnings of others.
/// lapin stays at errors: it logs returned messages with their bodies.
pub fn start(json: bool, level: &str) {
    hush_panics();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new(format!(
            "warn,lapin=error,sqlx=error,mittler={level},mittler_store={level},mittler_queue={level},mittler_sync={level},mittler_worker={level},mittler_api={level},mittler_sandbox=warn"
        ))
    });
    // Whatever level is asked for: these libraries write the numbers and texts that they read into their logs.
    let discreet = tracing_subscriber::filter::filter_fn(|event| {
        !["rlibphonenumber", "html5ever", "markup5ever"].iter().any(|library| event.target().starts_with(library))
    });
    let registry = tracing_subscriber::registry().with(filter).with(discreet);
    // A second start in one process (tests) leaves the first in place.
    _ = if json {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()
    } else {
        registry
            .with(fmt::layer().compact().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr))
            .try_init()
    };
}
