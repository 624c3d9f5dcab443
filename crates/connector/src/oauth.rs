//! Token requests: the grants that our vendors use, by the `oauth2` crate where it has them, and
//! the JWT bearer grant by our own form post, all through one HTTP client.
//!
//! **Invariant:** a lost answer to a grant that can be used once (a rotating refresh token, an
//! authorisation code) is [`Error::Unknown`]: the vendor may have spent it.

use std::{future::Future, pin::Pin, time::Duration};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mittler_core::Time;
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest,
    HttpResponse, RefreshToken, RequestTokenError, StandardRevocableToken, StandardTokenResponse, TokenResponse,
    TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
    http::{self, StatusCode},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, Result, http::Dialect};

/// How a connection gets its access tokens.
#[derive(Debug, Clone)]
pub enum Grant {
    ClientCredentials {
        client_id: String,
        client_secret: SecretString,
    },
    RefreshToken {
        client_id: String,
        client_secret: Option<SecretString>,
        refresh_token: SecretString,
    },
    JwtBearer {
        client_id: String,
        private_key_pem: SecretString,
        username: String,
        audience: String,
    },
    /// A token that the vendor issued once and for all.
    Static {
        token: SecretString,
    },
}

/// What a token endpoint gave.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub access_token: SecretString,
    /// Keep it before using the access token: where tokens rotate the old one is dead.
    pub refresh_token: Option<SecretString>,
    /// Salesforce does not say.
    pub expires_in: Option<Duration>,
    /// What the vendor adds to the standard's answer.
    pub extra: Map<String, Value>,
}

/// How far ahead an assertion expires; the vendor takes three minutes at most, and clocks differ.
const ASSERTION_LIFE: Duration = Duration::from_secs(150);
/// Largest token answer that is read.
const LARGEST: usize = 256 * 1024;

/// Where tokens are asked for, and what its answers mean.
#[derive(Debug, Clone)]
pub struct TokenEndpoint {
    pub url: String,
    pub dialect: Dialect,
}

/// Asks for an access token.
pub async fn request(client: &reqwest::Client, endpoint: &TokenEndpoint, grant: &Grant, now: Time) -> Result<Tokens> {
    let TokenEndpoint { url: token_url, dialect } = endpoint;
    match grant {
        Grant::ClientCredentials { client_id, client_secret } => {
            let post = Post { client, dialect, single_use: false };
            let endpoint = client_of(client_id, Some(client_secret), token_url)?;
            tokens(endpoint.exchange_client_credentials().request_async(&post).await, post.single_use)
        }
        Grant::RefreshToken { client_id, client_secret, refresh_token } => {
            let post = Post { client, dialect, single_use: true };
            let endpoint = client_of(client_id, client_secret.as_ref(), token_url)?;
            let refresh = RefreshToken::new(refresh_token.expose_secret().to_owned());
            tokens(endpoint.exchange_refresh_token(&refresh).request_async(&post).await, post.single_use)
        }
        Grant::JwtBearer { client_id, private_key_pem, username, audience } => {
            let assertion = assertion(client_id, private_key_pem, username, audience, now)?;
            bearer(client, token_url, &assertion, dialect).await
        }
        Grant::Static { token } => {
            Ok(Tokens { access_token: token.clone(), refresh_token: None, expires_in: None, extra: Map::new() })
        }
    }
}

type Granted = StandardTokenResponse<Extra, BasicTokenType>;

type Endpoint<Token = EndpointNotSet> = oauth2::Client<
    BasicErrorResponse,
    Granted,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    Token,
>;

/// What a vendor adds to the standard's answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Extra {
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl ExtraTokenFields for Extra {}

fn misconfigured(what: &str) -> Error {
    Error::Configuration { code: format!("invalid_{what}"), message: String::new() }
}

fn client_of(client_id: &str, secret: Option<&SecretString>, token_url: &str) -> Result<Endpoint<EndpointSet>> {
    let url = TokenUrl::new(token_url.to_owned()).map_err(|_| misconfigured("token_url"))?;
    // In the body: some vendors take them only there.
    let endpoint = Endpoint::new(ClientId::new(client_id.to_owned())).set_auth_type(AuthType::RequestBody);
    let endpoint = match secret {
        Some(secret) => endpoint.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned())),
        None => endpoint,
    };
    Ok(endpoint.set_token_uri(url))
}

fn tokens(
    answer: std::result::Result<Granted, RequestTokenError<Failed, BasicErrorResponse>>,
    single_use: bool,
) -> Result<Tokens> {
    let granted = match answer {
        Ok(granted) => granted,
        Err(RequestTokenError::Request(Failed(error))) => return Err(error),
        Err(_) => return Err(lost(single_use, "unreadable_token")),
    };
    Ok(Tokens {
        access_token: SecretString::from(granted.access_token().secret().clone()),
        refresh_token: granted.refresh_token().map(|token| SecretString::from(token.secret().clone())),
        expires_in: granted.expires_in(),
        extra: granted.extra_fields().fields.clone(),
    })
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
}

fn assertion(client_id: &str, key: &SecretString, username: &str, audience: &str, now: Time) -> Result<String> {
    let key = EncodingKey::from_rsa_pem(key.expose_secret().as_bytes()).map_err(|_| misconfigured("private_key"))?;
    let exp = now.plus(ASSERTION_LIFE).micros().div_euclid(1_000_000);
    let claims = Claims { iss: client_id, sub: username, aud: audience, exp };
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).map_err(|_| misconfigured("private_key"))
}

async fn bearer(client: &reqwest::Client, token_url: &str, assertion: &str, dialect: &Dialect) -> Result<Tokens> {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", assertion)
        .finish();
    let request = http::Request::post(token_url)
        .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(http::header::ACCEPT, "application/json")
        .body(body.into_bytes())
        .map_err(|_| misconfigured("token_url"))?;
    let post = Post { client, dialect, single_use: false };
    let answer = post.call(request).await.map_err(|Failed(error)| error)?;
    let granted = serde_json::from_slice(answer.body()).map_err(|_| lost(false, "unreadable_token"))?;
    tokens(Ok(granted), false)
}

/// The HTTP client as `oauth2` wants it. Answers that are no success are classified here, where
/// their status and the vendors' own error words are still known.
struct Post<'a> {
    client: &'a reqwest::Client,
    dialect: &'a Dialect,
    single_use: bool,
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Failed(#[from] Error);

impl<'c> AsyncHttpClient<'c> for Post<'_> {
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<HttpResponse, Failed>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move { Ok(self.send(request).await?) })
    }
}

impl Post<'_> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse> {
        let request = reqwest::Request::try_from(request).map_err(|_| misconfigured("token_url"))?;
        let failed = |error: reqwest::Error| {
            if error.is_connect() || error.is_builder() {
                return Error::Unavailable { code: "not_connected".into(), retry_after: None };
            }
            lost(self.single_use, if error.is_timeout() { "timeout" } else { "connection_lost" })
        };
        let mut response = self.client.execute(request).await.map_err(failed)?;
        let status = response.status();
        let seconds = |value: &http::HeaderValue| value.to_str().ok()?.trim().parse().ok();
        let retry_after = response.headers().get("retry-after").and_then(seconds).map(Duration::from_secs);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(lost(self.single_use, "answer_too_large"));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(refused(status, &body, retry_after, self.dialect));
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = status;
        Ok(answer)
    }
}

fn lost(single_use: bool, code: &str) -> Error {
    if single_use {
        return Error::Unknown { code: code.into() };
    }
    Error::Unavailable { code: code.into(), retry_after: None }
}

/// An error of the token endpoint: by the vendor's own words, else as RFC 6749 (5.2) has them.
fn refused(status: StatusCode, body: &[u8], retry_after: Option<Duration>, dialect: &Dialect) -> Error {
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    match (dialect.token_error)(status.as_u16(), &told).unwrap_or_else(|| standard(status, &told)) {
        Error::Unavailable { code, .. } => Error::Unavailable { code, retry_after },
        error => error,
    }
}

fn standard(status: StatusCode, told: &Value) -> Error {
    let word = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default();
    let (error, message) = (word("error"), word("error_description").to_owned());
    let code = if error.is_empty() { format!("http_{}", status.as_u16()) } else { error.to_owned() };
    match error {
        "temporarily_unavailable" | "server_error" => Error::Unavailable { code, retry_after: None },
        _ if status.is_server_error() || matches!(status.as_u16(), 408 | 429) => {
            Error::Unavailable { code, retry_after: None }
        }
        "invalid_grant" | "invalid_client" | "unauthorized_client" | "access_denied" => Error::Reauthorise { code },
        _ if status == StatusCode::UNAUTHORIZED => Error::Reauthorise { code },
        _ => Error::Configuration { code, message },
    }
}

#[cfg(test)]
mod tests;
