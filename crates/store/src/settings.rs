//! Facts about the installation.

use crate::{Result, Store, Tx};

impl Tx {
    /// Notes a fact about the installation, once: the first value stays. Gives the one that stands.
    pub async fn settle_setting(&mut self, name: &str, value: &str) -> Result<String> {
        execute!(
            self,
            "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
            name.to_owned(),
            value.to_owned(),
        )?;
        let rows = fetch_all!(self, (String,), "SELECT value FROM setting WHERE name = $1", name.to_owned())?;
        Ok(rows.into_iter().next().map(|row| row.0).unwrap_or_default())
    }

    /// Notes another value of a fact about the installation.
    pub async fn put_setting(&mut self, name: &str, value: &str) -> Result<()> {
        execute!(
            self,
            "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name.to_owned(),
            value.to_owned(),
        )?;
        Ok(())
    }
}

impl Store {
    /// A fact about the installation.
    pub async fn setting(&self, name: &str) -> Result<Option<String>> {
        let rows = fetch_all!(self, (String,), "SELECT value FROM setting WHERE name = $1", name.to_owned())?;
        Ok(rows.into_iter().next().map(|row| row.0))
    }

    /// What only the installation's key gives a meaning to: sealed credentials, suppression entries, inputs that are
    /// recognised when they come again.
    pub async fn bound_to_key(&self) -> Result<(i64, i64, i64)> {
        let rows = fetch_all!(
            self,
            (i64, i64, i64),
            "SELECT (SELECT count(*) FROM secret), (SELECT count(*) FROM suppression), (SELECT count(*) FROM signal)",
        )?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }
}
