//! Salesforce, spoken to over HTTP as a client would.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bulk;
mod faults;
mod hooks;
mod oauth;
mod queries;
mod records;
mod several;
mod support;
