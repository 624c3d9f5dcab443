//! The CRMs that connections can be made to: one line each.

use mittler_connector::Crm;

pub static CRMS: &[&Crm] = &[&mittler_connector_hubspot::CRM, &mittler_connector_salesforce::CRM];

/// # Errors
/// A name that none has: a sentence with those that there are.
pub fn named(name: &str) -> Result<&'static Crm, String> {
    let found = CRMS.iter().find(|crm| crm.name == name);
    found.copied().ok_or_else(|| format!("there is no connector for {name:?}; there are {}", names()))
}

pub fn names() -> String {
    CRMS.iter().map(|crm| crm.name).collect::<Vec<_>>().join(", ")
}
