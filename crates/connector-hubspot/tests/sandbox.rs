//! The connector against the sandbox, over real HTTP.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "sandbox/pairs.rs"]
mod pairs;
#[path = "sandbox/portal.rs"]
mod portal;
#[path = "sandbox/reading.rs"]
mod reading;
#[path = "sandbox/support.rs"]
mod support;
#[path = "sandbox/writing.rs"]
mod writing;
