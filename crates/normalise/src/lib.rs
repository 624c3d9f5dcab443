//! Values from texts: e-mail addresses, phone numbers, names, companies, countries and dates, each in
//! the one form in which it is kept and compared. Pure.
//!
//! **Invariant:** nothing is repaired by guessing. What cannot be read gives no value.

pub mod company;
pub mod country;
pub mod dates;
pub mod email;
mod freemail;
pub mod language;
pub mod name;
pub mod nicknames;
pub mod phone;
pub mod values;
