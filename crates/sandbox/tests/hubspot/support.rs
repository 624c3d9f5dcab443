//! A started sandbox and the few ways in which the tests talk to it.

use mittler_sandbox::{Config, HubspotAccess, Sandbox, hubspot};
use reqwest::Method;
use serde_json::{Value, json};

use crate::contract::check;

pub const CONTACTS: &str = "/crm/objects/2026-09/contacts";
pub const COMPANIES: &str = "/crm/objects/2026-09/companies";

pub struct Portal {
    pub sandbox: Sandbox,
    pub http: reqwest::Client,
    pub access: HubspotAccess,
}

pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }

    pub fn results(&self) -> &Vec<Value> {
        self.body["results"].as_array().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// There is nothing under this path at all.
    pub fn no_route(&self) -> bool {
        self.status == 404 && self.body["message"].as_str().is_none_or(|text| text == "No matching endpoint.")
    }

    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap()
    }
}

/// Search sees writes at once and nothing is limited, so that a test shows one thing at a time.
pub fn quick() -> hubspot::Config {
    let limits =
        hubspot::Limits { burst: 0, burst_oauth: 0, burst_associations: 0, search_per_second: 0, ..Default::default() };
    hubspot::Config { search_lag_ms: 0, limits, ..Default::default() }
}

pub async fn portal() -> Portal {
    portal_with(quick()).await
}

pub async fn portal_with(hubspot: hubspot::Config) -> Portal {
    let config = Config { hubspot, seed: 7, ..Config::default() };
    let sandbox = Sandbox::start("127.0.0.1:0".parse().unwrap(), config).await.unwrap();
    let access = sandbox.access().hubspot;
    Portal { sandbox, http: mittler_sandbox::outbound_client(), access }
}

impl Portal {
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.call_as(&self.access.access_token, method, path, body).await
    }

    pub async fn call_as(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let answer = self.send(token, method.clone(), path, body).await;
        check(&method, path, answer.status, &answer.body);
        answer
    }

    /// The same for a test that judges by the contract itself.
    pub async fn unchecked(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send(&self.access.access_token, method, path, body).await
    }

    async fn send(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.access.base_url));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = answer(self.http.post(format!("{}{path}", self.access.base_url)).form(fields)).await;
        check(&Method::POST, path, answer.status, &answer.body);
        answer
    }

    pub async fn contact(&self, email: &str) -> String {
        let made = self.post(CONTACTS, json!({"properties": {"email": email}})).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.id()
    }

    pub async fn company(&self, name: &str) -> String {
        let made = self.post(COMPANIES, json!({"properties": {"name": name}})).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.id()
    }

    /// A custom property with unique values, made through the API as an integration makes it.
    pub async fn unique_property(&self, object: &str, group: &str, name: &str) {
        let body = json!({"groupName": group, "name": name, "label": name, "type": "string", "fieldType": "text",
            "hasUniqueValue": true});
        let made = self.post(&format!("/crm/properties/2026-09/{object}"), body).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}
