//! Tokens: sealed at rest, refreshed once for all tasks and all processes.
//!
//! **Invariant:** no transaction is held over a token request. Who refreshes holds a lease row;
//! everybody else waits for the new version. Parallel refreshes revoke everything at some vendors.
//!
//! **Invariant:** stored tokens count only for the grant that they came from: whoever configures
//! another one, or another key, begins anew with that.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chacha20poly1305::{
    XChaCha20Poly1305,
    aead::{Aead, KeyInit, Payload},
};
use mittler_connector::{
    Error, Result,
    http::Auth,
    oauth::{self, Grant, TokenEndpoint, Tokens},
};
use mittler_core::{ConnectionId, Time};
use mittler_store::{Bytes, Clock, Store, connections::SecretRow};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::keys::Keys;

/// The name of the row that holds the current tokens.
const TOKENS: &str = "tokens";
/// Longest time a token request takes; the lease is a little longer.
const REQUEST: Duration = Duration::from_secs(20);
/// How often, and how soon after one another, new tokens are tried to be stored: within the refresh lease.
const SAVES: u32 = 16;
const SAVE_AGAIN: Duration = Duration::from_millis(500);

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    access_token: String,
    refresh_token: Option<String>,
    /// What the grant was like that these came from.
    #[serde(default)]
    grant: Option<String>,
}

/// Seals and opens secrets; a row moved to another connection or name does not open.
#[derive(Clone)]
pub struct Safe(XChaCha20Poly1305);

impl std::fmt::Debug for Safe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Safe(..)")
    }
}

impl Safe {
    pub fn new(keys: &Keys) -> Safe {
        Safe(XChaCha20Poly1305::new(keys.seal().into()))
    }

    pub fn seal(&self, connection: ConnectionId, name: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).map_err(|_| unfit("no_randomness"))?;
        let aad = format!("{connection}/{name}");
        let payload = Payload { msg: plain, aad: aad.as_bytes() };
        let sealed = self.0.encrypt(&nonce.into(), payload).map_err(|_| unfit("not_sealed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    pub fn open(&self, connection: ConnectionId, name: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(24).ok_or_else(|| unfit("secret_too_short"))?;
        let nonce: [u8; 24] = nonce.try_into().map_err(|_| unfit("secret_too_short"))?;
        let aad = format!("{connection}/{name}");
        let payload = Payload { msg: sealed, aad: aad.as_bytes() };
        self.0.decrypt(&nonce.into(), payload).map_err(|_| unfit("secret_of_another_key"))
    }
}

fn unfit(code: &str) -> Error {
    Error::Configuration {
        code: code.into(),
        message: "the stored credentials cannot be opened with this key file; connect again".into(),
    }
}

/// Hands out the tokens of one connection.
pub struct Vault {
    store: Store,
    clock: Clock,
    safe: Safe,
    client: reqwest::Client,
    connection: ConnectionId,
    endpoint: TokenEndpoint,
    grant: Grant,
    fingerprint: String,
    /// The vendor gives no expiry: believed for this long.
    soft_life: Duration,
    /// One task of this process asks at a time; the others find its answer.
    one: tokio::sync::Mutex<Option<(SecretString, Time)>>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("connection", &self.connection).finish_non_exhaustive()
    }
}

impl Vault {
    pub fn new(
        store: Store,
        clock: Clock,
        keys: &Keys,
        client: reqwest::Client,
        connection: ConnectionId,
        endpoint: TokenEndpoint,
        grant: Grant,
    ) -> Arc<Vault> {
        Arc::new(Vault {
            store,
            clock,
            safe: Safe::new(keys),
            fingerprint: fingerprint(keys, &endpoint.url, &grant),
            client,
            connection,
            endpoint,
            grant,
            soft_life: Duration::from_mins(30),
            one: tokio::sync::Mutex::new(None),
        })
    }

    /// A token that is not the rejected one: this process's, the database's, or a fresh one.
    async fn fetch(&self, rejected: Option<&SecretString>) -> Result<SecretString> {
        let mut mine = self.one.lock().await;
        let good = |token: &SecretString, until: Time| {
            until > self.clock.now() && rejected.is_none_or(|bad| bad.expose_secret() != token.expose_secret())
        };
        if let Some((token, _)) = mine.as_ref().filter(|(token, until)| good(token, *until)) {
            return Ok(token.clone());
        }
        loop {
            let row = self.store.secret(self.connection, TOKENS).await.map_err(|_| database())?;
            let Some(row) = row else {
                let connection = self.connection;
                let begun = self.store.write(async move |tx| tx.begin_secret(connection, TOKENS).await).await;
                begun.map_err(|_| database())?;
                continue;
            };
            let known = self.read(&row);
            if let Some(known) = &known {
                let (token, until) = (SecretString::from(known.access_token.clone()), Time(row.expires_at));
                if good(&token, until) {
                    *mine = Some((token.clone(), until));
                    return Ok(token);
                }
            }
            let now = self.clock.now();
            let until = now.plus(REQUEST + Duration::from_secs(10));
            let (connection, version) = (self.connection, row.version);
            let leased = self
                .store
                .write(async move |tx| tx.lease_refresh(connection, TOKENS, version, now, until).await)
                .await
                .map_err(|_| database())?;
            if !leased {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            let (token, until) = self.refresh(known, version).await?;
            *mine = Some((token.clone(), until));
            return Ok(token);
        }
    }

    /// What is stored, if it is of this key and of this grant. Else it is as if there were nothing:
    /// only what is configured now can lead to tokens again.
    fn read(&self, row: &SecretRow) -> Option<Sealed> {
        let plain = self.safe.open(self.connection, TOKENS, &row.sealed).ok()?;
        let known: Sealed = serde_json::from_slice(&plain).ok()?;
        known.grant.as_ref().is_none_or(|grant| *grant == self.fingerprint).then_some(known)
    }

    /// Asks for new tokens and stores them before anybody uses them: a rotated refresh token that
    /// is lost is an account that must be connected again.
    async fn refresh(&self, known: Option<Sealed>, version: i64) -> Result<(SecretString, Time)> {
        let grant = match (&self.grant, known.and_then(|known| known.refresh_token)) {
            (Grant::RefreshToken { client_id, client_secret, .. }, Some(latest)) => Grant::RefreshToken {
                client_id: client_id.clone(),
                client_secret: client_secret.clone(),
                refresh_token: latest.into(),
            },
            (grant, _) => grant.clone(),
        };
        let asked =
            tokio::time::timeout(REQUEST, oauth::request(&self.client, &self.endpoint, &grant, self.clock.now()));
        let tokens = asked.await.unwrap_or(Err(Error::Unavailable { code: "token_timeout".into(), retry_after: None }));
        let tokens = match tokens {
            Ok(tokens) => tokens,
            Err(error) => {
                let connection = self.connection;
                _ = self.store.write(async move |tx| tx.release_refresh(connection, TOKENS, version).await).await;
                return Err(error);
            }
        };
        let until = self.save(&tokens, &grant, version).await?;
        Ok((tokens.access_token, until))
    }

    async fn save(&self, tokens: &Tokens, grant: &Grant, over: i64) -> Result<Time> {
        let before = match grant {
            Grant::RefreshToken { refresh_token, .. } => Some(refresh_token.expose_secret().to_owned()),
            _ => None,
        };
        let sealed = Sealed {
            access_token: tokens.access_token.expose_secret().to_owned(),
            refresh_token: tokens.refresh_token.as_ref().map(|token| token.expose_secret().to_owned()).or(before),
            grant: Some(self.fingerprint.clone()),
        };
        let plain = serde_json::to_vec(&sealed).map_err(|_| unfit("not_sealed"))?;
        let sealed = Bytes(self.safe.seal(self.connection, TOKENS, &plain)?);
        // A minute early: a call that begins now must still be good when it arrives.
        let life = tokens.expires_in.unwrap_or(self.soft_life);
        let until = self.clock.now().plus(life.saturating_sub(Duration::from_mins(1).min(life / 10)));
        let connection = self.connection;
        let put = || {
            let sealed = sealed.clone();
            self.store.write(async move |tx| tx.put_secret(connection, TOKENS, sealed.clone(), until, Some(over)).await)
        };
        // Nobody else refreshes while the lease lasts, and the vendor may have ended the old token already.
        let mut tries = 1;
        while let Err(error) = put().await {
            if tries == SAVES {
                tracing::error!(connection.id = %connection, %error, "new tokens could not be stored");
                return Err(database());
            }
            tries += 1;
            tokio::time::sleep(SAVE_AGAIN).await;
        }
        Ok(until)
    }
}

/// Names what is configured, without telling it. A client's secret may be changed at the vendor
/// while a refresh token lives on, so that of a refresh token is left out.
fn fingerprint(keys: &Keys, token_url: &str, grant: &Grant) -> String {
    let parts: [&str; 5] = match grant {
        Grant::ClientCredentials { client_id, client_secret } => {
            ["client_credentials", client_id, client_secret.expose_secret(), "", ""]
        }
        Grant::RefreshToken { client_id, refresh_token, .. } => {
            ["refresh_token", client_id, refresh_token.expose_secret(), "", ""]
        }
        Grant::JwtBearer { client_id, private_key_pem, username, audience } => {
            ["jwt_bearer", client_id, private_key_pem.expose_secret(), username, audience]
        }
        Grant::Static { token } => ["static", token.expose_secret(), "", "", ""],
    };
    let text = [&[token_url], &parts[..]].concat().join("\n");
    keys.suppression("grant", &text).simple().to_string()
}

fn database() -> Error {
    Error::Unavailable { code: "database".into(), retry_after: None }
}

#[async_trait]
impl Auth for Vault {
    async fn token(&self) -> Result<SecretString> {
        if let Grant::Static { token } = &self.grant {
            return Ok(token.clone());
        }
        self.fetch(None).await
    }

    async fn replace(&self, rejected: &SecretString) -> Result<SecretString> {
        if let Grant::Static { .. } = &self.grant {
            return Err(Error::Reauthorise { code: "token_rejected".into() });
        }
        self.fetch(Some(rejected)).await
    }
}
