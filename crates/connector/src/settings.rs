//! What a connector crate gives the server: the CRM's name, its default mapping, and how a connection is made of the
//! settings in the configuration.
//!
//! A connection stands in the configuration with what is common to all CRMs, and one table of the CRM's own, by whose
//! name the CRM is known: `[connection.pipedrive]`. The server never reads what stands in it.

use std::{fmt::Debug, path::PathBuf, sync::Arc};

use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use toml::Table;

use crate::{
    Connector, Profile,
    http::{Dialect, Http},
    oauth::Grant,
};

/// A CRM that connections can be made to: one line in the server's registry.
pub struct Crm {
    /// The name of its table in the configuration, and of what is stored about its connections.
    pub name: &'static str,
    /// The mapping that a connection starts with.
    pub default_mapping: &'static str,
    /// Reads its table, without I/O. The error is a sentence for the author of the configuration.
    pub settings: fn(Table) -> Result<Arc<dyn Settings>, String>,
}

/// The settings of one connection, as its CRM understands them.
pub trait Settings: Debug + Send + Sync {
    fn profile(&self) -> Profile;

    fn dialect(&self) -> Dialect;

    /// The only account that may be read and written, written as [`crate::Connector::account`] writes it.
    fn account(&self) -> Option<String>;

    /// The setting that names this account.
    fn account_setting(&self) -> &'static str;

    /// Where tokens are asked for.
    fn token_url(&self) -> String;

    fn credentials(&self) -> &Credentials;

    /// How tokens are asked for: the credentials with their secrets.
    ///
    /// # Errors
    /// What the grant needs and is missing, or a secret that cannot be had.
    fn grant(&self, secrets: &dyn Secrets) -> Result<Grant, String>;

    /// All addresses that calls go to, with the settings' names: they must be https.
    fn addresses(&self) -> Vec<(&'static str, &str)>;

    /// All secrets, those of the credentials included.
    fn secrets(&self) -> Vec<Secret<'_>>;

    fn hooks(&self) -> HookSettings;

    /// What may be shown and stored of them: no secrets.
    fn shown(&self) -> Value;

    /// Makes the connector.
    ///
    /// # Errors
    /// A secret that cannot be had.
    fn connector(&self, parts: Parts, secrets: &dyn Secrets) -> Result<Arc<dyn Connector>, String>;
}

/// What the settings say of webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookSettings {
    /// The setting whose secret tells them from forged ones.
    pub proof: &'static str,
    /// Whether it is there.
    pub proven: bool,
    /// Whether they are meant to come: the secret is there, and serves nothing else.
    pub expected: bool,
}

/// What the server gives a connector.
pub struct Parts {
    pub http: Http,
    /// The profile of these settings, with the numbers that the configuration changed.
    pub profile: Profile,
    /// The address that the CRM's webhooks are sent to, as the CRM knows it.
    pub hook_url: String,
}

/// A secret of the settings: it stands in the configuration or in a file of its own.
#[derive(Debug, Clone, Copy)]
pub struct Secret<'s> {
    /// The setting's name; the file's has `_file` behind it.
    pub name: &'static str,
    pub value: Option<&'s SecretString>,
    pub file: Option<&'s PathBuf>,
}

impl Secret<'_> {
    pub fn is_set(&self) -> bool {
        self.value.is_some() || self.file.is_some()
    }
}

/// Opens secrets, whose files the server knows how to find.
pub trait Secrets {
    /// `None` if it is not set.
    ///
    /// # Errors
    /// A file that cannot be read: a sentence that names it.
    fn open(&self, secret: Secret<'_>) -> Result<Option<SecretString>, String>;
}

/// Reads a table of settings.
///
/// # Errors
/// What is unknown, missing or no such value, with its name.
pub fn read<T: DeserializeOwned>(table: Table) -> Result<T, String> {
    table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

/// How a connection gets its access tokens: settings that are the same for all CRMs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    pub grant: GrantName,
    pub token_url: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<SecretString>,
    pub client_secret_file: Option<PathBuf>,
    pub access_token: Option<SecretString>,
    pub access_token_file: Option<PathBuf>,
    pub refresh_token: Option<SecretString>,
    pub refresh_token_file: Option<PathBuf>,
    pub private_key_file: Option<PathBuf>,
    pub username: Option<String>,
    pub audience: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantName {
    ClientCredentials,
    JwtBearer,
    RefreshToken,
    Static,
}

impl GrantName {
    pub fn name(self) -> &'static str {
        match self {
            GrantName::ClientCredentials => "client_credentials",
            GrantName::JwtBearer => "jwt_bearer",
            GrantName::RefreshToken => "refresh_token",
            GrantName::Static => "static",
        }
    }
}

impl Credentials {
    const SETTINGS: [&str; 12] = [
        "grant",
        "token_url",
        "client_id",
        "client_secret",
        "client_secret_file",
        "access_token",
        "access_token_file",
        "refresh_token",
        "refresh_token_file",
        "private_key_file",
        "username",
        "audience",
    ];

    /// Takes them out of a connection's table; what is left is the CRM's own.
    ///
    /// # Errors
    /// As [`read`].
    pub fn take(table: &mut Table) -> Result<Credentials, String> {
        read(Self::SETTINGS.iter().filter_map(|name| table.remove_entry(*name)).collect())
    }

    pub fn client_secret(&self) -> Secret<'_> {
        let (value, file) = (self.client_secret.as_ref(), self.client_secret_file.as_ref());
        Secret { name: "client_secret", value, file }
    }

    fn access_token(&self) -> Secret<'_> {
        Secret { name: "access_token", value: self.access_token.as_ref(), file: self.access_token_file.as_ref() }
    }

    fn refresh_token(&self) -> Secret<'_> {
        Secret { name: "refresh_token", value: self.refresh_token.as_ref(), file: self.refresh_token_file.as_ref() }
    }

    fn private_key(&self) -> Secret<'_> {
        Secret { name: "private_key", value: None, file: self.private_key_file.as_ref() }
    }

    /// The addresses that settings name: the CRM's own, and the token endpoint's.
    pub fn addresses<'s>(&'s self, base_url: Option<&'s str>) -> Vec<(&'static str, &'s str)> {
        let named = [("base_url", base_url), ("token_url", self.token_url.as_deref())];
        named.into_iter().filter_map(|(setting, url)| Some((setting, url?))).collect()
    }

    pub fn secrets(&self) -> Vec<Secret<'_>> {
        vec![self.client_secret(), self.access_token(), self.refresh_token(), self.private_key()]
    }

    /// The grant with its secrets. `audience`: whom an assertion is for if the settings do not say.
    ///
    /// # Errors
    /// A setting that the grant needs and that is missing, or a secret that cannot be had.
    pub fn grant(&self, secrets: &dyn Secrets, audience: Option<&str>) -> Result<Grant, String> {
        let client_id = || self.client_id.clone().ok_or("client_id is missing");
        let open = |secret: Secret<'_>| secrets.open(secret);
        Ok(match self.grant {
            GrantName::Static => Grant::Static {
                token: open(self.access_token())?.ok_or("access_token or access_token_file is missing")?,
            },
            GrantName::ClientCredentials => Grant::ClientCredentials {
                client_id: client_id()?,
                client_secret: open(self.client_secret())?.ok_or("client_secret or client_secret_file is missing")?,
            },
            GrantName::RefreshToken => Grant::RefreshToken {
                client_id: client_id()?,
                client_secret: open(self.client_secret())?,
                refresh_token: open(self.refresh_token())?.ok_or("refresh_token or refresh_token_file is missing")?,
            },
            GrantName::JwtBearer => Grant::JwtBearer {
                client_id: client_id()?,
                private_key_pem: open(self.private_key())?.ok_or("private_key_file is missing")?,
                username: self.username.clone().ok_or("username is missing")?,
                audience: self.audience.clone().or(audience.map(str::to_owned)).ok_or("audience is missing")?,
            },
        })
    }
}
