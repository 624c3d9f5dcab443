//! What jobs do: the enrichment worker makes records of signals, the sync worker tells CRMs and
//! listens to them, the scheduler starts what is due by the clock.
//!
//! **Invariant:** every handler may run twice. Signals are read once because their state is locked
//! and settled in the transaction that uses them; pushes are level-triggered.
//!
//! **Invariant:** one bad signal never spoils a batch: it is redone singly and parked alone.

mod about;
mod batch;
pub mod clocks;
pub mod follow;
mod handler;
mod input;
mod merge;
mod moving;
mod notes;
mod purpose;
pub mod schedule;
mod split;
mod stages;
mod unsure;

pub use handler::Worker;
pub use unsure::Unsure;
