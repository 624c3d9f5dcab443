//! A call as the handlers see it, and what they answer.

use axum::http::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::Failure;
use super::path::{Area, Path};

pub struct Request {
    pub method: Method,
    pub path: Path,
    pub query: Vec<(String, String)>,
    pub content_type: Option<String>,
    pub body: bytes::Bytes,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Option<Value>,
    /// Only the authorisation page redirects.
    pub location: Option<String>,
}

pub type Outcome = Result<Answer, Failure>;

impl Answer {
    pub fn ok(body: Value) -> Answer {
        Answer { status: 200, body: Some(body), location: None }
    }

    pub fn created(body: Value) -> Answer {
        Answer { status: 201, body: Some(body), location: None }
    }

    pub fn empty() -> Answer {
        Answer { status: 204, body: None, location: None }
    }
}

impl Request {
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// In any case: the official Python client writes `True`.
    pub fn flag(&self, name: &str) -> bool {
        self.query(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A list comes comma-joined, repeated, or both.
    pub fn list(&self, name: &str) -> Vec<String> {
        let values = self.query.iter().filter(|(key, _)| key == name);
        values.flat_map(|(_, value)| value.split(',')).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    pub fn limit(&self, default: usize, max: usize) -> Result<usize, Failure> {
        let Some(text) = self.query("limit") else { return Ok(default) };
        match text.parse::<usize>() {
            Ok(limit) if (1..=max).contains(&limit) => Ok(limit),
            _ => Err(Failure::invalid(format!("Invalid limit {text}: it must be between 1 and {max}"))),
        }
    }

    /// A body of another kind than JSON is refused unread, except where tokens are asked for.
    pub fn check_content(&self) -> Result<(), Failure> {
        let json = |kind: &str| kind.trim().to_ascii_lowercase().starts_with("application/json");
        let readable = self.path.area == Area::OAuth || self.body.is_empty();
        if readable || self.content_type.as_deref().is_none_or(json) {
            return Ok(());
        }
        Err(Failure { category: None, ..Failure::new(415, "", "HTTP 415 Unsupported Media Type") })
    }

    /// The address of the next page: this call with another cursor.
    pub fn next_link(&self, after: &str) -> String {
        let kept = self.query.iter().filter(|(name, _)| name != "after");
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept).append_pair("after", after);
        format!("https://api.hubapi.com{}?{}", self.path.shown(), query.finish())
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| Failure::not_json(&error))
    }

    /// A form body; v1 also takes the fields from the query.
    pub fn form(&self) -> Vec<(String, String)> {
        let mut fields: Vec<(String, String)> = serde_urlencoded::from_bytes(&self.body).unwrap_or_default();
        fields.extend(self.query.iter().cloned());
        fields
    }
}
