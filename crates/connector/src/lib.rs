//! What a CRM connector is, and the one HTTP client all of them use.
