//! Stories of the way in, the REST API and the pages, on a fresh SQLite file each.
#![allow(clippy::unwrap_used, reason = "a story that cannot go on should stop here")]

mod access;
mod bounds;
mod hooks;
mod imports;
mod incoming;
mod leads;
mod metrics;
mod openapi;
mod pages;
mod records;
mod repeat;
mod rights;
mod seed;
mod support;
