//! Stories against the real database and broker.
