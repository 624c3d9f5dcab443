//! Salesforce, spoken to over HTTP as a client would.

mod faults;
mod hooks;
mod oauth;
mod queries;
mod records;
mod several;
mod support;
