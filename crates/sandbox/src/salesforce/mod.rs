//! Salesforce, as its REST API behaves.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Clock, Fault, SalesforceAccess};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {}

#[derive(Clone)]
pub struct Salesforce {
    base_url: String,
}

impl Salesforce {
    pub fn new(_config: Config, _clock: Clock, _seed: u64, base_url: String) -> Salesforce {
        Salesforce { base_url }
    }
    pub fn router(&self) -> Router {
        Router::new()
    }
    pub fn call_kind(&self, _method: &Method, _path: &str) -> String {
        "other".to_owned()
    }
    pub fn fault_answer(&self, _fault: Fault, _call_kind: &str) -> Option<Response<Body>> {
        None
    }
    pub fn state(&self) -> Value {
        Value::Object(Map::new())
    }
    pub fn set_hook(&self, _hook: &Value) -> Result<Value, String> {
        Err("not yet".to_owned())
    }
    pub fn edit(&self, _kind: &str, _id: &str, _fields: Map<String, Value>) -> Result<Value, String> {
        Err("not yet".to_owned())
    }
    pub fn reset(&self) {}
    pub fn access(&self) -> SalesforceAccess {
        SalesforceAccess {
            base_url: self.base_url.clone(),
            client_id: String::new(),
            client_secret: String::new(),
            access_token: String::new(),
            organization_id: String::new(),
        }
    }
}
