//! REST, webhooks and pages.
