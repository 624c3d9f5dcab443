//! A section `[[connection]]` of the configuration: what is common to all CRMs, and the table of one CRM.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use mittler_connector::{Crm, Settings};
use mittler_sync::{
    Mode,
    bounds::{Bounds, Pilot},
};
use serde::Deserialize;
use toml::{Table, Value};

use crate::crms;

/// One account in one CRM.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub struct ConnectionSection {
    pub name: String,
    /// As the registry names it.
    pub crm: String,
    /// The CRM's own table.
    pub settings: Arc<dyn Settings>,
    /// Its settings stand beside the common ones, as they did before each CRM had a table of its own: how they are
    /// written now.
    pub outdated: Option<String>,
    pub mode: Mode,
    /// A mapping file; the default mapping of the CRM otherwise.
    pub mapping: Option<PathBuf>,
    pub call_timeout_seconds: Option<u64>,
    pub visibility_lag_seconds: Option<u64>,
    pub concurrency: Option<usize>,
    /// Units of the account's limits, by the connector's names of them; 0: none.
    pub budget: BTreeMap<String, u32>,
    /// The only fields that are written: `Type.field`, or `Type.*`.
    pub fields: Vec<String>,
    /// The only ones who are written while it is tried.
    pub pilot: Option<Pilot>,
    /// The purposes that it serves.
    pub purposes: Vec<String>,
}

impl ConnectionSection {
    pub fn bounds(&self) -> Bounds {
        Bounds { fields: self.fields.clone(), pilot: self.pilot.clone(), purposes: self.purposes.clone() }
    }

    pub fn has_secrets_inside(&self) -> bool {
        self.settings.secrets().iter().any(|secret| secret.value.is_some())
    }
}

/// As it stands in the file.
#[derive(Deserialize)]
struct Written {
    name: String,
    crm: Option<String>,
    /// Nothing is written before somebody says so.
    #[serde(default = "cautious")]
    mode: Mode,
    mapping: Option<PathBuf>,
    call_timeout_seconds: Option<u64>,
    visibility_lag_seconds: Option<u64>,
    concurrency: Option<usize>,
    #[serde(default)]
    budget: BTreeMap<String, u32>,
    #[serde(default)]
    fields: Vec<String>,
    pilot: Option<Pilot>,
    #[serde(default)]
    purposes: Vec<String>,
    /// The table of a CRM, or what is none of these settings.
    #[serde(flatten)]
    rest: Table,
}

fn cautious() -> Mode {
    Mode::DryRun
}

impl TryFrom<Written> for ConnectionSection {
    type Error = String;

    fn try_from(written: Written) -> Result<ConnectionSection, String> {
        let name = written.name;
        let of_section = |error: String| format!("connection {name:?}: {error}");
        let (crm, table, outdated) = table(written.crm.as_deref(), written.rest).map_err(of_section)?;
        let settings =
            (crm.settings)(table).map_err(|error| of_section(format!("[connection.{}]: {error}", crm.name)))?;
        Ok(ConnectionSection {
            crm: crm.name.to_owned(),
            settings,
            outdated,
            mode: written.mode,
            mapping: written.mapping,
            call_timeout_seconds: written.call_timeout_seconds,
            visibility_lag_seconds: written.visibility_lag_seconds,
            concurrency: written.concurrency,
            budget: written.budget,
            fields: written.fields,
            pilot: written.pilot,
            purposes: written.purposes,
            name,
        })
    }
}

/// The CRM of a section and its settings; and, where they stand in the section itself, how to write them.
fn table(crm: Option<&str>, mut rest: Table) -> Result<(&'static Crm, Table, Option<String>), String> {
    let named: Vec<_> = crms::CRMS.iter().filter(|crm| rest.get(crm.name).is_some_and(Value::is_table)).collect();
    match (crm, named.as_slice()) {
        (None, [crm]) => {
            let Some(Value::Table(table)) = rest.remove(crm.name) else { return Err("no table".into()) };
            match rest.keys().next() {
                None => Ok((crm, table, None)),
                Some(key) => Err(format!(
                    "there is no setting {key:?} of all CRMs; {0}'s own stand in [connection.{0}]",
                    crm.name
                )),
            }
        }
        (Some(crm), []) => {
            let crm = crms::named(crm)?;
            let keys: Vec<&str> = rest.keys().map(String::as_str).collect();
            let remedy = format!("write [connection.{}] above {}, and leave crm out", crm.name, keys.join(", "));
            Ok((crm, rest, Some(remedy)))
        }
        (Some(crm), _) => Err(format!("crm = {crm:?} is said by the name of the table as well; leave it out")),
        (None, []) => Err(format!("it names no CRM: add a table [connection.<crm>]; there are {}", crms::names())),
        (None, _) => Err("it has the tables of several CRMs; each needs a connection of its own".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> Result<ConnectionSection, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_connection_is_of_the_crm_whose_table_it_has() {
        let ok = section("name = \"a\"\n[hubspot]\ngrant = \"static\"\nportal_id = \"7\"").unwrap();
        assert_eq!((ok.crm.as_str(), ok.settings.account().as_deref(), ok.outdated), ("hubspot", Some("7"), None));
        for (text, named) in [
            ("", "names no CRM"),
            ("crm = \"pipedrive\"", "pipedrive"),
            ("[hubspot]\ngrant = \"static\"\n[salesforce]\ngrant = \"static\"", "several"),
            ("crm = \"hubspot\"\n[hubspot]\ngrant = \"static\"", "leave it out"),
            ("portal_id = \"7\"\n[hubspot]\ngrant = \"static\"", "portal_id"),
            ("[hubspot]\ngrant = \"static\"\norganization_id = \"7\"", "organization_id"),
            ("mode = \"careful\"\n[hubspot]\ngrant = \"static\"", "careful"),
        ] {
            let error = section(&format!("name = \"a\"\n{text}")).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn settings_beside_the_common_ones_are_read_with_how_to_write_them() {
        let old = section("name = \"a\"\ncrm = \"hubspot\"\ngrant = \"static\"\nportal_id = \"7\"").unwrap();
        assert_eq!(old.settings.account().as_deref(), Some("7"));
        let remedy = old.outdated.unwrap();
        assert!(remedy.contains("[connection.hubspot]") && remedy.contains("grant, portal_id"), "{remedy}");
    }
}
