//! The vocabulary of Mittler and the rules that do not need a database: values, claims, the
//! derivation of a record from its claims, the mapping between records and a CRM's fields, and
//! the plan of what a CRM still has to be told.
//!
//! **Invariant:** no I/O, no async, no clock, no randomness. Time and ids are parameters, so every
//! rule here is tested with plain values.
//!
//! **Invariant:** a value is never kept without its provenance (see [`claim::Sourced`]).
//!
//! **Invariant:** a record does not depend on the order in which its claims arrived: each
//! [`policy::Policy`] is a total order that ends with the claim id.

pub mod claim;
pub mod derive;
pub mod field;
pub mod id;
pub mod job;
pub mod key;
pub mod mapping;
pub mod plan;
pub mod policy;
pub mod record;
pub mod remote;
pub mod time;
pub mod trace;
pub mod value;

pub use claim::{Claim, Interval, Label, Rank, Said, Source, SourceKind, Sourced, Statement, Version};
pub use derive::derive;
pub use field::{Field, Kind};
pub use id::{ConnectionId, JobId, LinkId, RecordId, RunId, SignalId, SubjectId};
pub use record::{Element, Fields, Record, Slot};
pub use remote::{RemoteFields, RemoteSchema, RemoteValue};
pub use time::Time;
pub use value::Value;
