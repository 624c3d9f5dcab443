//! Leads as JSON objects.
