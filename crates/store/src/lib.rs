//! The database: SQLite (the embedded default) or PostgreSQL, behind one set of statements.
//!
//! Each statement is written once, `$1` placeholders and native types; a difference between the
//! two is a visible `match` or [`fetch_either!`]. Rows are private to this crate's modules; what
//! leaves them is typed.
//!
//! **Invariant:** there is no way to write but [`Store::write`], and for the door [`Gatherer`]:
//! both answer after the commit and its fsync.
//!
//! **Invariant:** every statement runs in tests on both databases; [`census`] keeps the list.
//!
//! **Invariant:** locks are taken in one order: block locks of weak keys, records by id, strong
//! keys sorted, leases, links by id.

#[macro_use]
mod macros;
#[macro_use]
mod stored;

pub mod access;
mod address;
mod after_commit;
pub mod audit;
pub mod bounds;
pub mod census;
mod clock;
pub mod columns;
pub mod connections;
pub mod copy;
mod db;
pub mod decisions;
mod disk;
mod document;
pub mod dossier;
pub mod due;
mod error;
mod fault;
pub mod forget;
mod gather;
pub mod guards;
pub mod hints;
pub mod hooks;
pub mod inspect;
pub mod intents;
pub mod jobs;
pub mod jumps;
pub mod leases;
pub mod links;
pub mod merges;
pub mod moved;
pub mod newcomers;
mod open;
pub mod packed;
pub mod parked;
pub mod records;
pub mod retention;
pub mod reviews;
pub mod runs;
mod schemas;
mod settings;
pub mod signals;
mod suppression;
pub mod tables;
pub mod trace;
mod tx;
mod unsure;
pub mod views;
mod writer;

pub use clock::Clock;
pub use db::Store;
pub use document::Document;
pub use error::{Error, Result};
pub use fault::Fault;
pub use gather::{Accepted, Gatherer};
pub use schemas::{drop_schema, make_schema};
pub use tx::{Db, Step, Tx, Work};

pub use mittler_core::id::derived_id;
use serde::Serialize;
pub use sqlx::types::Json;
use uuid::Uuid;

/// Bytes on their way into a `rows!` statement.
#[derive(Debug, Clone, Default)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(2 + self.0.len() * 2);
        text.push_str("\\x");
        for byte in &self.0 {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        s.serialize_str(&text)
    }
}

/// One id in a `rows!` slice.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct IdRow {
    pub id: Uuid,
}

pub(crate) fn id_rows(ids: impl IntoIterator<Item = Uuid>) -> Vec<IdRow> {
    ids.into_iter().map(|id| IdRow { id }).collect()
}

/// An id that depends on its parts alone, and sorts beside `near`, an id that a clock has made: rows
/// that come together lie together, in tables and in indices. `class` orders those of one millisecond.
pub fn derived_near(near: Uuid, class: u8, parts: &[&[u8]]) -> Uuid {
    let mut id = *derived_id(parts).as_bytes();
    id[..6].copy_from_slice(&near.as_bytes()[..6]);
    classed(id, class)
}

/// Puts the class behind the milliseconds and the version.
pub(crate) fn classed(mut id: [u8; 16], class: u8) -> Uuid {
    id[6] &= 0xf0;
    id[7] = class;
    Uuid::from_bytes(id)
}
