//! Between records and CRMs: plan → gate → push → receipts one way, pull and hooks the other;
//! tokens, budgets and the connections of a process.
//!
//! **Invariant:** one gate. No write to a CRM bypasses [`gate`](push::gate::gate), and its intent is committed
//! before the call.
//!
//! **Invariant:** no transaction is open while a CRM is called.
//!
//! **Invariant:** a record does not become another by being pushed: only conversion in the CRM or
//! an answered review changes what a link means.
//!
//! The life of a link: `Due` names it, a `Batch` reads it, resolves who it is there, plans it, and commits what
//! it is about to write as the lease of one call (`intend`); how the call ended becomes receipts (`settle`).
//! A lease that nobody ended becomes open intents, and whoever has the link next looks first. `InFlight` is what a
//! push of this process has in hand, `PusherLease` its right to push a connection, `LockedLinks` the links that a
//! transaction has locked, and `RemoteLifter` what the values that a CRM shows say.

mod answer;
pub mod apply_statements;
pub mod bounds;
pub mod budget;
pub mod connections;
pub mod edit;
mod execute;
pub mod export;
pub mod find;
pub mod follow;
pub mod forget;
mod gone;
pub mod guard;
pub mod hooks;
pub mod keys;
mod lift;
mod lookups;
mod measure;
mod mode;
mod preview;
pub mod pull;
pub mod push;
pub mod question;
pub mod restrict;
pub mod retry;
pub mod rights;
mod traces;
pub mod vault;
pub mod view;

pub use answer::{NotTaken, Questions, erased_there};
pub use connections::{Connection, Connections};
pub use keys::Keys;
pub use lift::crm_subject;
pub use mode::Mode;
pub use push::{PushEnd, Pusher};
pub use rights::Rights;
