//! Bytes to signals and raw leads: CSV, JSON, mail. Pure.
