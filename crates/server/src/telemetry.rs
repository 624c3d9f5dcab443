//! Logs to standard error: ids and codes, never personal data.

use std::io::IsTerminal;

use mittler_store::trace;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::spans::Spans;

/// Says where a panic was and nothing else: its message may quote what somebody wrote.
fn hush_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!("panicked at {at}");
    }));
}

/// Starts logging. RUST_LOG wins; otherwise `level` for our own crates and warnings of others.
/// lapin stays at errors: it logs returned messages with their bodies.
/// Spans go where `spans` sends them, and to no log.
pub fn start(json: bool, level: &str, spans: Option<Spans>) {
    hush_panics();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new(format!(
            "warn,lapin=error,sqlx=error,mittler={level},mittler_store={level},mittler_queue={level},mittler_sync={level},mittler_worker={level},mittler_api={level},mittler_sandbox=warn"
        ))
    });
    // Whatever level is asked for: these libraries write the numbers and texts that they read into their logs.
    let discreet = filter_fn(|event| {
        !["rlibphonenumber", "html5ever", "markup5ever"].iter().any(|library| event.target().starts_with(library))
    });
    // Spans are no lines of a log: without a collector nobody takes them, whatever level is asked for.
    let lines_only = filter_fn(|event| event.target() != trace::TARGET);
    let filter = filter.and(discreet).and(lines_only);
    let spans = spans.map(|spans| spans.with_filter(filter_fn(|span| span.target() == trace::TARGET)));
    let registry = tracing_subscriber::registry().with(spans);
    // A second start in one process (tests) leaves the first in place.
    _ = if json {
        let lines = fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
        registry.with(lines.with_filter(filter)).try_init()
    } else {
        let lines = fmt::layer().compact().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
        registry.with(lines.with_filter(filter)).try_init()
    };
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::hush_panics;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_tells_its_place_and_not_what_it_choked_on() {
        let (buffer, name) = (Buffer::default(), "Jürgen Häußermann".to_owned());
        let writer = buffer.clone();
        let log = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        let before = std::panic::take_hook();
        hush_panics();
        let caught = tracing::subscriber::with_default(log, || std::panic::catch_unwind(|| name[..2].len()));
        std::panic::set_hook(before);
        assert!(caught.is_err());
        let said = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        assert!(said.contains("panicked at") && !said.contains("rgen"), "{said}");
    }
}
