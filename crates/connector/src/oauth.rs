//! Token requests: the grants that our vendors use, by the `oauth2` crate where it has them, and
//! the JWT bearer grant by our own form post, all through one HTTP client.
//!
//! **Invariant:** a lost answer to a grant that can be used once (a rotating refresh token, an
//! authorisation code) is [`Error::Unknown`]: the vendor may have spent it.

use std::{future::Future, pin::Pin, time::Duration};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mittler_core::Time;
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RefreshToken, RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
    http::{self, StatusCode},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result};

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
    /// Salesforce: where the calls go.
    pub instance_url: Option<String>,
    /// Salesforce: the organisation's id; HubSpot: the portal's.
    pub account: Option<String>,
}

/// How far ahead an assertion expires; the vendor takes three minutes at most, and clocks differ.
const ASSERTION_LIFE: Duration = Duration::from_secs(150);
/// Largest token answer that is read.
const LARGEST: usize = 256 * 1024;

/// Asks for an access token.
pub async fn request(client: &reqwest::Client, token_url: &str, grant: &Grant, now: Time) -> Result<Tokens> {
    match grant {
        Grant::ClientCredentials { client_id, client_secret } => {
            let post = Post { client, single_use: false };
            let endpoint = endpoint(client_id, Some(client_secret), token_url)?;
            tokens(endpoint.exchange_client_credentials().request_async(&post).await, post.single_use)
        }
        Grant::RefreshToken { client_id, client_secret, refresh_token } => {
            let post = Post { client, single_use: true };
            let endpoint = endpoint(client_id, client_secret.as_ref(), token_url)?;
            let refresh = RefreshToken::new(refresh_token.expose_secret().to_owned());
            tokens(endpoint.exchange_refresh_token(&refresh).request_async(&post).await, post.single_use)
        }
        Grant::JwtBearer { client_id, private_key_pem, username, audience } => {
            let assertion = assertion(client_id, private_key_pem, username, audience, now)?;
            bearer(client, token_url, &assertion).await
        }
        Grant::Static { token } => Ok(Tokens {
            access_token: token.clone(),
            refresh_token: None,
            expires_in: None,
            instance_url: None,
            account: None,
        }),
    }
}

/// The vendor's application, as a connect flow needs it.
#[derive(Debug, Clone)]
pub struct Application {
    pub client_id: String,
    pub client_secret: Option<SecretString>,
    pub redirect_url: String,
}

/// What a connect flow keeps between sending a person to the vendor and their return.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Where to send the person.
    pub url: String,
    /// Comes back in the redirect; anything else is somebody else's visit.
    pub state: SecretString,
    /// Proves at the exchange that we began the visit (PKCE, S256).
    pub verifier: SecretString,
}

/// Begins a connect flow.
pub fn visit(application: &Application, authorise_url: &str, scopes: &[&str]) -> Result<Visit> {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state) = Endpoint::new(ClientId::new(application.client_id.clone()))
        .set_auth_uri(AuthUrl::new(authorise_url.to_owned()).map_err(|_| misconfigured("authorise_url"))?)
        .set_redirect_uri(redirect(application)?)
        .authorize_url(CsrfToken::new_random)
        .add_scopes(scopes.iter().map(|scope| Scope::new((*scope).to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    Ok(Visit {
        url: url.into(),
        state: SecretString::from(state.into_secret()),
        verifier: SecretString::from(verifier.into_secret()),
    })
}

/// Exchanges the code that the person brought back.
pub async fn exchange(
    client: &reqwest::Client,
    token_url: &str,
    application: &Application,
    code: &SecretString,
    verifier: &SecretString,
) -> Result<Tokens> {
    let post = Post { client, single_use: true };
    let endpoint = endpoint(&application.client_id, application.client_secret.as_ref(), token_url)?
        .set_redirect_uri(redirect(application)?);
    let answer = endpoint
        .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()))
        .request_async(&post)
        .await;
    tokens(answer, post.single_use)
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

/// What the vendors add to the standard's answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Extra {
    instance_url: Option<String>,
    /// Salesforce: the identity address, `…/id/{organisation}/{user}`.
    id: Option<String>,
    hub_id: Option<Value>,
}

impl ExtraTokenFields for Extra {}

impl Extra {
    fn account(&self) -> Option<String> {
        match &self.hub_id {
            Some(Value::Number(id)) => return Some(id.to_string()),
            Some(Value::String(id)) => return Some(id.clone()),
            _ => {}
        }
        let (_, ids) = self.id.as_deref()?.split_once("/id/")?;
        ids.split('/').next().filter(|id| !id.is_empty()).map(str::to_owned)
    }
}

fn misconfigured(what: &str) -> Error {
    Error::Configuration { code: format!("invalid_{what}"), message: String::new() }
}

fn redirect(application: &Application) -> Result<RedirectUrl> {
    RedirectUrl::new(application.redirect_url.clone()).map_err(|_| misconfigured("redirect_url"))
}

fn endpoint(client_id: &str, secret: Option<&SecretString>, token_url: &str) -> Result<Endpoint<EndpointSet>> {
    let url = TokenUrl::new(token_url.to_owned()).map_err(|_| misconfigured("token_url"))?;
    // HubSpot wants the credentials in the body; Salesforce takes both.
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
        instance_url: granted.extra_fields().instance_url.clone(),
        account: granted.extra_fields().account(),
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

async fn bearer(client: &reqwest::Client, token_url: &str, assertion: &str) -> Result<Tokens> {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", assertion)
        .finish();
    let request = http::Request::post(token_url)
        .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(http::header::ACCEPT, "application/json")
        .body(body.into_bytes())
        .map_err(|_| misconfigured("token_url"))?;
    let post = Post { client, single_use: false };
    let answer = post.call(request).await.map_err(|Failed(error)| error)?;
    let granted = serde_json::from_slice(answer.body()).map_err(|_| lost(false, "unreadable_token"))?;
    tokens(Ok(granted), false)
}

/// The HTTP client as `oauth2` wants it. Answers that are no success are classified here, where
/// their status and the vendors' own error words are still known.
struct Post<'a> {
    client: &'a reqwest::Client,
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
            return Err(refused(status, &body, retry_after));
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

/// The error words of the token endpoints: `error` in all of them, `status` in HubSpot's.
fn refused(status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> Error {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let word = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default();
    let (error, bad) = (word("error"), word("status"));
    let code = match (bad.starts_with("BAD_"), error.is_empty()) {
        (true, _) => bad.to_owned(),
        (false, false) => error.to_owned(),
        (false, true) => format!("http_{}", status.as_u16()),
    };
    let described = if word("error_description").is_empty() { word("message") } else { word("error_description") };
    let passing = matches!(error, "rate_limit_exceeded" | "unknown_error" | "temporarily_unavailable" | "server_error")
        || described.contains("login rate exceeded");
    if passing || status.is_server_error() || matches!(status.as_u16(), 408 | 420 | 429) {
        return Error::Unavailable { code, retry_after };
    }
    // The same word for two causes that no new credentials cure: the wrong host, and no run-as user.
    let host_or_user = described.contains("not supported on this domain") || described.contains("credentials user");
    match code.as_str() {
        "invalid_grant" if host_or_user => Error::Configuration { code, message: described.to_owned() },
        "invalid_grant"
        | "invalid_client"
        | "invalid_client_id"
        | "invalid_app_access"
        | "inactive_user"
        | "unauthorized_client"
        | "access_denied" => Error::Reauthorise { code },
        "BAD_REDIRECT_URI" | "MISMATCH_REDIRECT_URI_AUTH_CODE" => {
            Error::Configuration { code, message: described.to_owned() }
        }
        known if known.starts_with("BAD_") => Error::Reauthorise { code },
        _ if status == StatusCode::UNAUTHORIZED => Error::Reauthorise { code },
        _ => Error::Configuration { code, message: described.to_owned() },
    }
}

#[cfg(test)]
mod tests;
