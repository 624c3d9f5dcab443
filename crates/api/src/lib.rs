//! The outside of Mittler: the one way in for leads, the REST API, the hooks and the pages.
//!
//! **Invariant:** 2xx means durable; a fault of ours is 503 with Retry-After or 500, never 4xx.
//!
//! **Invariant:** every error leaves as `application/problem+json` with a stable code, and a 5xx
//! never tells what is inside.

pub mod door;
