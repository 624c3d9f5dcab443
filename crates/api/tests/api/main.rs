//! Stories of the door, the REST API and the pages, on a fresh SQLite file each.

mod access;
mod hooks;
mod imports;
mod leads;
mod openapi;
mod pages;
mod records;
mod seed;
mod support;
