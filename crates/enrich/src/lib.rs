//! Signals to claims: normalise, read replies, recognise. Pure.
