//! Vocabulary, values, claims, derivation of records, mapping and plan: pure.
