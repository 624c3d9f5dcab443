//! A started sandbox and a plain HTTP client for it.

use mittler_sandbox::{Access, Config, Sandbox, salesforce};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;

pub struct Org {
    pub sandbox: Sandbox,
    pub access: Access,
    pub http: Client,
}

/// Status, `Sforce-Limit-Info`, body.
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
    pub text: String,
}

pub async fn org() -> Org {
    org_with(salesforce::Config::default()).await
}

pub async fn org_with(salesforce: salesforce::Config) -> Org {
    let config = Config { salesforce, seed: 7, ..Config::default() };
    let sandbox = Sandbox::start("127.0.0.1:0".parse().unwrap(), config).await.unwrap();
    Org { access: sandbox.access(), sandbox, http: mittler_sandbox::outbound_client() }
}

impl Org {
    pub fn url(&self, path: &str) -> String {
        if path.starts_with("/services") || path.starts_with("/_sandbox") {
            return format!("{}{path}", self.access.salesforce.base_url);
        }
        format!("{}/services/data/v62.0{path}", self.access.salesforce.base_url)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).bearer_auth(&self.access.salesforce.access_token)
    }

    pub async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        answer(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        answer(self.request(Method::PATCH, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        answer(self.request(Method::DELETE, path)).await
    }

    pub async fn query(&self, soql: &str) -> Answer {
        answer(self.request(Method::GET, "/query").query(&[("q", soql)])).await
    }

    /// Creates a record and returns its id.
    pub async fn made(&self, object: &str, body: Value) -> String {
        let answer = self.post(&format!("/sobjects/{object}"), body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    pub async fn token(&self, form: &[(&str, &str)]) -> Answer {
        answer(self.http.post(self.url("/services/oauth2/token")).form(form)).await
    }
}

pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status, headers, body, text }
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body[0]["errorCode"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}
