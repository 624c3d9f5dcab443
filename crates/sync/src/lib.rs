//! Pull, plan, gate, push and receipts between records and CRMs.

pub mod hooks;
