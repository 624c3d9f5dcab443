//! Tokens: codes, refresh, introspection, revocation, and which token may do what.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::config::Config;
use super::failure::Failure;
use super::path::Area;
use super::portal::Portal;
use super::request::{Answer, Outcome, Request};
use super::time::iso;

pub struct Grants {
    codes: HashMap<String, Code>,
    refresh: Vec<Consent>,
    access: HashMap<String, Access>,
    uninstalled: bool,
}

struct Code {
    redirect_uri: String,
    challenge: Option<String>,
    expires: i64,
    scopes: Vec<String>,
}

/// A refresh token and what was agreed to with it.
#[derive(Clone)]
struct Consent {
    token: String,
    scopes: Vec<String>,
}

#[derive(Clone)]
struct Access {
    expires: i64,
    scopes: Vec<String>,
    /// `access_token` or `client_credentials`.
    usage: &'static str,
}

impl Grants {
    pub fn new(config: &Config) -> Grants {
        Grants {
            codes: HashMap::new(),
            refresh: vec![Consent { token: config.refresh_token.clone(), scopes: config.scopes.clone() }],
            access: HashMap::new(),
            uninstalled: false,
        }
    }
}

/// Who calls, once the token has been accepted.
pub struct Caller {
    pub static_token: bool,
    scopes: Vec<String>,
}

const CODE_LIFE_MS: i64 = 600_000;

impl Portal {
    pub fn authenticate(&self, header: Option<&str>) -> Result<Caller, Failure> {
        let token = header.and_then(|header| header.strip_prefix("Bearer ")).map(str::trim).unwrap_or_default();
        if !token.is_empty() && token == self.config.access_token {
            return Ok(Caller { static_token: true, scopes: self.config.scopes.clone() });
        }
        let Some(access) = self.grants.access.get(token) else {
            let message = "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can \
                           find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview";
            return Err(Failure::new(401, "INVALID_AUTHENTICATION", message));
        };
        if access.expires <= self.now {
            let ago = (self.now - access.expires) / 1000;
            let message = format!("The OAuth token used to make this call expired {ago} second(s) ago.");
            return Err(Failure::new(401, "EXPIRED_AUTHENTICATION", message).with("expire time", [iso(access.expires)]));
        }
        Ok(Caller { static_token: false, scopes: access.scopes.clone() })
    }

    /// Any one of the scopes is enough.
    pub fn check_scopes(&self, caller: &Caller, request: &Request) -> Result<(), Failure> {
        let needed = self.needed_scopes(request);
        if needed.is_empty() || needed.iter().any(|scope| caller.scopes.contains(scope)) {
            return Ok(());
        }
        let message = "This app hasn't been granted all required scopes to make this call. Read more about required \
                       scopes here: https://developers.hubspot.com/scopes.";
        let mut failure = Failure::new(403, "MISSING_SCOPES", message);
        failure.errors = vec![json!({"message": "One or more of the following scopes are required.",
            "context": {"requiredGranularScopes": needed}})];
        Err(failure)
    }

    fn needed_scopes(&self, request: &Request) -> Vec<String> {
        let kind = request.path.call_kind(&request.method);
        let first = request.path.rest.first().map(String::as_str).unwrap_or_default();
        let reads = matches!(
            kind,
            "list"
                | "read"
                | "batch_read"
                | "search"
                | "associations_read"
                | "associations_batch_read"
                | "describe"
                | "marketing_event_read"
                | "participations"
        ) || request.method == "GET"
            || (kind == "properties" && request.path.rest.last().is_some_and(|last| last == "read"));
        let verb = if reads { "read" } else { "write" };
        let area = |name: &str| match self.kind(name).map(|kind| &self.tables[kind]) {
            Ok(table) if table.custom.is_some() => "custom".to_owned(),
            Ok(table) if table.engagement => "contacts".to_owned(),
            Ok(table) => table.plural.clone(),
            Err(_) => String::new(),
        };
        let object = |name: &str| match area(name).as_str() {
            "" => Vec::new(),
            "tickets" => vec!["tickets".to_owned(), format!("crm.objects.tickets.{verb}")],
            area => vec![format!("crm.objects.{area}.{verb}")],
        };
        match request.path.area {
            Area::Objects | Area::Associations => object(first),
            // Reading definitions needs no more than reading or writing the records.
            Area::Properties if reads => match area(first).as_str() {
                "" | "tickets" => Vec::new(),
                area => ["objects", "schemas"]
                    .iter()
                    .flat_map(|what| [format!("crm.{what}.{area}.read"), format!("crm.{what}.{area}.write")])
                    .collect(),
            },
            Area::Properties => match area(first).as_str() {
                area @ ("contacts" | "companies" | "deals" | "custom") => vec![format!("crm.schemas.{area}.write")],
                _ => Vec::new(),
            },
            Area::Owners => vec!["crm.objects.owners.read".to_owned()],
            Area::Lists => vec![format!("crm.lists.{verb}")],
            Area::Schemas => vec![format!("crm.schemas.custom.{verb}")],
            Area::Marketing => vec![format!("crm.objects.marketing_events.{verb}")],
            Area::OAuth | Area::Account | Area::Installs | Area::Webhooks => Vec::new(),
        }
    }

    pub fn oauth(&mut self, request: &Request) -> Outcome {
        let v1 = request.path.version == "v1";
        match (request.method.as_str(), request.path.parts().as_slice()) {
            ("GET", ["authorize"]) if request.path.version == "page" => self.authorize(request),
            ("POST", ["token"]) => Ok(self.token(request, v1)),
            ("POST", ["token", "introspect"]) if !v1 => {
                Ok(self.introspect(request).unwrap_or_else(|refusal| oauth_error(&refusal)))
            }
            ("POST", ["token", "revoke"]) if !v1 => {
                if let Err(refusal) = self.check_client(&request.form()) {
                    return Ok(oauth_error(&refusal));
                }
                self.revoke(&sent_token(&request.form()));
                Ok(Answer::empty())
            }
            ("GET", ["access-tokens", token]) if v1 => {
                let facts = self.token_facts(token);
                if facts["active"] == true { Ok(Answer::ok(facts)) } else { Err(Failure::gone()) }
            }
            ("GET", ["refresh-tokens", token]) if v1 => {
                let consent = self.grants.refresh.iter().find(|known| known.token == *token);
                let scopes = &consent.ok_or_else(Failure::gone)?.scopes;
                Ok(Answer::ok(json!({"token": token, "token_type": "refresh", "client_id": self.config.client_id,
                    "hub_id": self.config.portal_id, "user_id": self.config.user_id, "user": self.config.user_email,
                    "hub_domain": "sandbox.example.com", "scopes": scopes})))
            }
            ("DELETE", ["refresh-tokens", token]) if v1 => {
                let token = (*token).to_owned();
                self.revoke(&token);
                Ok(Answer::empty())
            }
            _ => Err(Failure::no_route()),
        }
    }

    /// The consent page. Nobody has to click: the simulated human agrees at once.
    fn authorize(&mut self, request: &Request) -> Outcome {
        let uri = request.query("redirect_uri").unwrap_or_default();
        let allowed =
            self.config.redirect_uris.is_empty() || self.config.redirect_uris.iter().any(|known| known == uri);
        let Some(mut target) = url::Url::parse(uri).ok().filter(|_| allowed) else {
            return Err(Failure::invalid("Authorization failed because the redirect URL doesn't match the app"));
        };
        if request.query("client_id") != Some(&self.config.client_id) {
            return Err(Failure::invalid("Authorization failed because there is no such app"));
        }
        let asked = request.query("scope");
        let asked = asked.ok_or_else(|| Failure::invalid("Authorization failed because the scope is missing"))?;
        let asked =
            asked.split_whitespace().chain(request.query("optional_scope").unwrap_or_default().split_whitespace());
        let scopes = granted(asked, &self.config.scopes);
        if scopes.is_empty() {
            let pairs = [("error", "invalid_scope"), ("error_description", "None of the scopes belongs to the app")];
            target.query_pairs_mut().extend_pairs(pairs);
            return Ok(Answer { status: 302, body: None, location: Some(target.into()) });
        }
        let code = self.uuid();
        target.query_pairs_mut().append_pair("code", &code);
        if let Some(state) = request.query("state") {
            target.query_pairs_mut().append_pair("state", state);
        }
        let grant = Code {
            redirect_uri: uri.to_owned(),
            challenge: request.query("code_challenge").map(str::to_owned),
            expires: self.now + CODE_LIFE_MS,
            scopes,
        };
        self.grants.codes.insert(code, grant);
        self.grants.uninstalled = false;
        Ok(Answer { status: 302, body: None, location: Some(target.into()) })
    }

    fn token(&mut self, request: &Request, v1: bool) -> Answer {
        let form = request.form();
        if let Err(refusal) = self.check_client(&form) {
            return oauth_error(&refusal);
        }
        let grant = field(&form, "grant_type");
        let outcome = match grant {
            "authorization_code" => self.redeem(&form),
            "refresh_token" => self.refresh(field(&form, "refresh_token"), v1),
            "client_credentials" => return self.app_token(&form).unwrap_or_else(|refusal| oauth_error(&refusal)),
            _ => Err(refusal("unsupported_grant_type", "BAD_GRANT_TYPE", "missing or unknown grant_type")),
        };
        match outcome {
            Ok(consent) => Answer::ok(self.issue(&consent, v1)),
            Err(refusal) => oauth_error(&refusal),
        }
    }

    /// A token of the app itself, which belongs to no portal: it is for the app's own scopes and for no records.
    fn app_token(&mut self, form: &[(String, String)]) -> Result<Answer, Failure> {
        let scopes = granted(field(form, "scope").split_whitespace(), &self.config.app_scopes);
        if scopes.is_empty() {
            return Err(refusal("invalid_scope", "BAD_SCOPE", "missing scope, or none that belongs to the app"));
        }
        let token = self.access_token(scopes.clone(), "client_credentials");
        Ok(Answer::ok(json!({"token_type": "bearer", "access_token": token, "token_use": "client_credentials",
            "expires_in": self.config.token_life_seconds, "scopes": scopes})))
    }

    /// Real tokens are long and opaque.
    fn access_token(&mut self, scopes: Vec<String>, usage: &'static str) -> String {
        let token = format!("CO{}{}{}", self.uuid(), self.uuid(), self.uuid()).replace('-', "").repeat(3);
        let access = Access { expires: self.now + self.config.token_life_seconds * 1000, scopes, usage };
        self.grants.access.insert(token.clone(), access);
        token
    }

    fn check_client(&self, form: &[(String, String)]) -> Result<(), Failure> {
        if field(form, "client_id") != self.config.client_id {
            return Err(refusal("invalid_client", "BAD_CLIENT_ID", "missing or invalid client id"));
        }
        if field(form, "client_secret") != self.config.client_secret {
            return Err(refusal("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret"));
        }
        Ok(())
    }

    /// A code is good for one exchange.
    fn redeem(&mut self, form: &[(String, String)]) -> Result<Consent, Failure> {
        let bad = || refusal("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code");
        let code =
            self.grants.codes.remove(field(form, "code")).filter(|code| code.expires > self.now).ok_or_else(bad)?;
        if code.redirect_uri != field(form, "redirect_uri") {
            let message = "redirect URI does not match the one the auth code was made for";
            return Err(refusal("invalid_grant", "MISMATCH_REDIRECT_URI_AUTH_CODE", message));
        }
        let verified = URL_SAFE_NO_PAD.encode(Sha256::digest(field(form, "code_verifier").as_bytes()));
        if code.challenge.is_some_and(|challenge| challenge != verified) {
            return Err(bad());
        }
        let consent = Consent { token: format!("eu1-{}", self.uuid()), scopes: code.scopes };
        self.grants.refresh.push(consent.clone());
        Ok(consent)
    }

    fn refresh(&mut self, token: &str, v1: bool) -> Result<Consent, Failure> {
        let place = self.grants.refresh.iter().position(|known| known.token == token);
        let Some(place) = place.filter(|_| !self.grants.uninstalled) else {
            let message =
                if v1 { "missing or invalid refresh token" } else { "refresh token is invalid, expired or revoked" };
            return Err(refusal("invalid_grant", "BAD_REFRESH_TOKEN", message));
        };
        if self.config.rotate_refresh_tokens {
            self.grants.refresh[place].token = format!("eu1-{}", self.uuid());
        }
        Ok(self.grants.refresh[place].clone())
    }

    fn issue(&mut self, consent: &Consent, v1: bool) -> Value {
        let token = self.access_token(consent.scopes.clone(), "access_token");
        let mut body = json!({"token_type": "bearer", "access_token": token, "refresh_token": consent.token,
            "expires_in": self.config.token_life_seconds, "token_use": "access_token"});
        if !v1 {
            body["hub_id"] = self.config.portal_id.into();
            body["scopes"] = consent.scopes.clone().into();
            body["user_id"] = self.config.user_id.into();
        }
        body
    }

    fn introspect(&self, request: &Request) -> Result<Answer, Failure> {
        let form = request.form();
        self.check_client(&form)?;
        let token = sent_token(&form);
        if let Some(consent) = self.grants.refresh.iter().find(|known| known.token == token) {
            return Ok(Answer::ok(json!({"active": !self.grants.uninstalled, "token": token,
                "token_use": "refresh_token", "token_type": "refresh", "client_id": self.config.client_id,
                "app_id": self.config.app_id, "hub_id": self.config.portal_id, "hub_domain": "sandbox.example.com",
                "user_id": self.config.user_id, "user": self.config.user_email, "scopes": consent.scopes})));
        }
        Ok(Answer::ok(self.token_facts(&token)))
    }

    fn token_facts(&self, token: &str) -> Value {
        let config = &self.config;
        let Some(access) = self.grants.access.get(token).filter(|access| access.expires > self.now) else {
            return json!({"active": false});
        };
        json!({
            "active": true, "token": token, "hub_id": config.portal_id, "user_id": config.user_id,
            "client_id": config.client_id, "app_id": config.app_id, "user": config.user_email,
            "hub_domain": "sandbox.example.com", "scopes": access.scopes,
            "expires_in": (access.expires - self.now) / 1000, "is_private_distribution": true,
            "token_use": access.usage, "token_type": "Bearer",
            "signed_access_token": {"hubId": config.portal_id, "appId": config.app_id, "userId": config.user_id,
                "expiresAt": access.expires, "hublet": "eu1", "scopes": access.scopes.join(" "),
                "audience": "any", "appInstallId": "1", "installingUserId": config.user_id,
                "isPrivateDistribution": true, "isServiceAccount": false, "isUserLevel": false,
                "scopeToScopeGroupPks": "", "trialScopes": "", "trialScopeToScopeGroupPks": "",
                "signature": "", "newSignature": ""},
        })
    }

    /// Access tokens that are out live on until they expire.
    fn revoke(&mut self, token: &str) {
        self.grants.refresh.retain(|known| known.token != token);
    }

    pub fn uninstall(&mut self, request: &Request) -> Outcome {
        if request.method != "DELETE" || request.path.parts() != ["external-install"] {
            return Err(Failure::no_route());
        }
        self.grants.uninstalled = true;
        self.grants.access.clear();
        self.outbox.forget_app();
        Ok(Answer::empty())
    }

    /// A fault may let a token count as expired.
    pub fn expired_now(&self) -> Failure {
        Failure::new(401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired 0 second(s) ago.")
            .with("expire time", [iso(self.now)])
    }
}

/// Of the scopes that were asked for, the ones that may be had, each once.
fn granted<'a>(asked: impl Iterator<Item = &'a str>, allowed: &[String]) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in asked.filter(|scope| allowed.iter().any(|allowed| allowed == scope)) {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

/// `error` travels as the category, `status` as the sub-category until [`oauth_error`] writes them down.
fn refusal(error: &str, status: &'static str, message: &str) -> Failure {
    Failure { sub_category: Some(status), ..Failure::new(400, error, message) }
}

fn oauth_error(refusal: &Failure) -> Answer {
    let body = json!({"error": refusal.category, "error_description": refusal.message,
        "status": refusal.sub_category, "message": refusal.message});
    Answer { status: refusal.status, body: Some(body), location: None }
}

fn field<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

/// The specification and the guide call the field differently.
fn sent_token(form: &[(String, String)]) -> String {
    let names = ["token", "access_token", "refresh_token"];
    names.iter().map(|name| field(form, name)).find(|value| !value.is_empty()).unwrap_or_default().to_owned()
}
