//! The key and the database of an installation belong together. Which key a database was made with stands in it as
//! a fingerprint; one that does not fit, or is lost, stops every command before anything is written.

use anyhow::{Context, Result, bail};
use mittler_store::{
    Store,
    inspect::{Found, KEY_FINGERPRINT, inspect},
};
use mittler_sync::Keys;
use tracing::warn;

use crate::{config::Config, keyfile};

/// How the database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    /// To run roles; a second such process on one SQLite file is refused.
    Roles,
    /// Beside whoever runs roles.
    Beside,
}

/// The keys and the database of this installation, made if there is neither.
pub async fn open(config: &Config, how: As) -> Result<(Keys, Store)> {
    let keys = keys(config).await?;
    let url = &config.server.database;
    let store = match how {
        As::Roles => Store::open(url).await,
        As::Beside => Store::open_beside(url).await,
    };
    let store = store.context(UNOPENED)?;
    settle(config, &keys, &store).await?;
    Ok((keys, store))
}

/// The same to run roles, but `None` if another process runs them and allows no second.
pub async fn open_if_free(config: &Config) -> Result<Option<(Keys, Store)>> {
    let keys = keys(config).await?;
    let Some(store) = Store::open_if_free(&config.server.database).await.context(UNOPENED)? else { return Ok(None) };
    settle(config, &keys, &store).await?;
    Ok(Some((keys, store)))
}

const UNOPENED: &str = "the database cannot be opened";

/// Whether key and database belong together, as [`open`] would find; makes nothing.
pub async fn check(config: &Config) -> Result<()> {
    match look(config).await? {
        (Some(key), Found::Installation { key: Some(made_with), .. }) => fits(config, &Keys::derive(&key), &made_with),
        (None, found) => missing(config, &found),
        _ => Ok(()),
    }
}

async fn look(config: &Config) -> Result<(Option<[u8; 32]>, Found)> {
    // The database first: of two processes at their first start one makes the key and then the database, and the
    // other must not find that database without having found the key.
    let found = inspect(&config.server.database).await.context(UNOPENED)?;
    Ok((keyfile::load(&config.server.key_file, config.credentials.as_deref())?, found))
}

/// The keys, once it is certain that they are this database's. A key is made only where there is neither key nor
/// database.
async fn keys(config: &Config) -> Result<Keys> {
    let file = &config.server.key_file;
    let (key, found) = look(config).await?;
    let Some(key) = key else {
        missing(config, &found)?;
        return Ok(Keys::derive(&keyfile::load_or_create(file, config.credentials.as_deref())?));
    };
    let keys = Keys::derive(&key);
    match &found {
        Found::Nothing => warn!(
            "the key {} is there, but the database {} is empty. At a first start that is as it should be. If there was \
             an installation: stop, and put its database back, or correct server.database",
            file.display(),
            place(config)
        ),
        Found::Installation { key: Some(made_with), .. } => fits(config, &keys, made_with)?,
        Found::Installation { key: None, .. } => {}
    }
    Ok(keys)
}

/// Whether a key may be missing there.
fn missing(config: &Config, found: &Found) -> Result<()> {
    let Found::Installation { key: made_with, used } = found else { return Ok(()) };
    if !used && made_with.is_none() {
        return Ok(());
    }
    bail!(
        "the key file {} is missing, but the database {} was made with a key{}. Put mittler.key back from your backup, \
         or name it by server.key_file. If it is lost for good, `mittler keys accept-new` says what that costs and goes \
         on without it",
        config.server.key_file.display(),
        place(config),
        made_with.as_ref().map(|it| format!(" (fingerprint {it})")).unwrap_or_default()
    )
}

fn fits(config: &Config, keys: &Keys, made_with: &str) -> Result<()> {
    let ours = keys.fingerprint();
    if ours == made_with {
        return Ok(());
    }
    bail!(
        "the key {} (fingerprint {ours}) is not the one that the database {} was made with (fingerprint {made_with}). \
         Put the right mittler.key back, or correct server.database. If the right one is lost for good, \
         `mittler keys accept-new` says what that costs and goes on with this one",
        config.server.key_file.display(),
        place(config)
    )
}

/// Notes the fingerprint of the key at the first start. Of two that start at once the first decides.
async fn settle(config: &Config, keys: &Keys, store: &Store) -> Result<()> {
    if let Some(made_with) = store.setting(KEY_FINGERPRINT).await? {
        return fits(config, keys, &made_with);
    }
    let ours = keys.fingerprint();
    let stands = store.write(async move |tx| tx.settle_setting(KEY_FINGERPRINT, &ours).await).await?;
    fits(config, keys, &stands)
}

/// The database's address without a password.
pub fn place(config: &Config) -> String {
    place_of(&config.server.database)
}

/// The same of any.
pub fn place_of(url: &str) -> String {
    if let Some(path) = url.strip_prefix("sqlite:") {
        return path.trim_start_matches("//").to_owned();
    }
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1))) {
        Some((scheme, place)) => format!("{scheme}://{}", place.split('?').next().unwrap_or_default()),
        None => "of PostgreSQL".to_owned(),
    }
}

/// What is lost with the key that a database was made with.
#[derive(Debug, serde::Serialize)]
pub struct Lost {
    pub credentials: i64,
    pub suppressions: i64,
    pub inputs: i64,
}

/// `mittler keys accept-new`: what it costs that the right key is lost; with `accepted`, goes on with the one that is
/// there, or with a new one.
pub async fn accept_new(config: &Config, accepted: bool) -> Result<Option<Lost>> {
    let found = inspect(&config.server.database).await.context(UNOPENED)?;
    let key = keyfile::load(&config.server.key_file, config.credentials.as_deref())?;
    let ours = key.map(|key| Keys::derive(&key).fingerprint());
    match found {
        Found::Nothing | Found::Installation { key: None, used: false } => return Ok(None),
        Found::Installation { key: made_with, .. } if ours.is_some() && (made_with.is_none() || made_with == ours) => {
            return Ok(None);
        }
        Found::Installation { .. } => {}
    }
    // Whoever runs roles has the other key in hand: on SQLite they are refused here.
    let store = Store::open(&config.server.database).await.context(UNOPENED)?;
    let (credentials, suppressions, inputs) = store.bound_to_key().await?;
    if accepted {
        let key = keyfile::load_or_create(&config.server.key_file, config.credentials.as_deref())?;
        let (ours, clock) = (Keys::derive(&key).fingerprint(), mittler_store::Clock::default());
        let (now, salt) = (clock.now(), clock.id().simple().to_string());
        store
            .write(async move |tx| {
                tx.put_setting(KEY_FINGERPRINT, &ours).await?;
                tx.enter(&mittler_store::audit::NewEntry {
                    at: now,
                    actor: "cli".into(),
                    action: "accept_new_key".into(),
                    target: ours,
                    record: None,
                    content: serde_json::json!({}),
                    salt,
                })
                .await
            })
            .await?;
    }
    store.close().await;
    Ok(Some(Lost { credentials, suppressions, inputs }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let mut config = Config::default();
        for (url, shown) in [
            ("sqlite:/srv/mittler.sqlite", "/srv/mittler.sqlite"),
            (
                "postgres://mittler:gehe@im@db.example:5432/mittler?sslmode=require",
                "postgres://db.example:5432/mittler",
            ),
            ("postgres:///mittler", "of PostgreSQL"),
        ] {
            config.server.database = url.into();
            assert_eq!(place(&config), shown);
        }
    }
}
