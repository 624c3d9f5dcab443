//! The enrichment worker and the sync worker: what jobs do.
