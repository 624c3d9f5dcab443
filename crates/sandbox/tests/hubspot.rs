//! HubSpot's behaviour over real HTTP against a started sandbox.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "hubspot/contract.rs"]
mod contract;
#[path = "hubspot/support.rs"]
mod support;

#[path = "hubspot/access.rs"]
mod access;
#[path = "hubspot/associations.rs"]
mod associations;
#[path = "hubspot/batches.rs"]
mod batches;
#[path = "hubspot/fairs.rs"]
mod fairs;
#[path = "hubspot/hooks.rs"]
mod hooks;
#[path = "hubspot/limits.rs"]
mod limits;
#[path = "hubspot/merging.rs"]
mod merging;
#[path = "hubspot/openapi.rs"]
mod openapi;
#[path = "hubspot/properties.rs"]
mod properties;
#[path = "hubspot/records.rs"]
mod records;
#[path = "hubspot/searching.rs"]
mod searching;
