//! Families of metrics for Prometheus, made of numbers that are counted elsewhere.
//!
//! **Invariant:** a series that can be there is there at zero: an alert on what is missing would be silent.

pub use prometheus::proto::MetricFamily;
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricType};

/// One series: its labels, and its number.
pub type Sample = (Vec<(&'static str, String)>, f64);

/// What goes up and down.
pub fn gauge(name: &str, help: &str, samples: impl IntoIterator<Item = Sample>) -> MetricFamily {
    family(name, help, MetricType::GAUGE, samples, |metric, value| {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    })
}

/// What only grows. Its name ends in `_total`.
pub fn counter(name: &str, help: &str, samples: impl IntoIterator<Item = Sample>) -> MetricFamily {
    family(name, help, MetricType::COUNTER, samples, |metric, value| {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    })
}

/// A number without labels.
pub fn alone(value: f64) -> [Sample; 1] {
    [(Vec::new(), value)]
}

/// A count as Prometheus has it. Above 2^53 it is rounded.
#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
pub fn number(count: u64) -> f64 {
    count as f64
}

/// A count of the database, which is never below zero.
pub(crate) fn count(count: i64) -> f64 {
    number(u64::try_from(count).unwrap_or_default())
}

fn family(
    name: &str,
    help: &str,
    kind: MetricType,
    samples: impl IntoIterator<Item = Sample>,
    set: impl Fn(&mut Metric, f64),
) -> MetricFamily {
    let metrics = samples.into_iter().map(|(labels, value)| {
        let pairs = labels.into_iter().map(|(name, value)| {
            let mut pair = LabelPair::default();
            pair.set_name(name.to_owned());
            pair.set_value(value);
            pair
        });
        let mut metric = Metric::from_label(pairs.collect());
        set(&mut metric, value);
        metric
    });
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics.collect());
    family
}
