//! Benchmarks and the harness that breaks the service on purpose.

fn main() {}
