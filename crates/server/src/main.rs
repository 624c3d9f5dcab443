//! The `mittler` binary.

fn main() {}
