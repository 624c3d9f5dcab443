//! Stories against the real database and broker.
//!
//! `tests/run` starts them; by hand: `tests/services start DIR`, `. DIR/env`, then
//! `cargo nextest run -p bench`. Stories that kill those servers live in modules named `alone`.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

#[macro_use]
mod support;

mod arrows;
mod forms;
mod modules;
mod program;
mod queue;
mod store;
mod stories;
mod vendors;
