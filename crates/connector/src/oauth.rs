//! Token requests: the grants that our vendors use, by the `oauth2` crate where it has them, and
//! the JWT bearer grant by our own form post, all through one HTTP client.
