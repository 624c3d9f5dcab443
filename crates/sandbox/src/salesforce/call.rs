//! One REST call and its answer, apart from HTTP, so that composite resources can make calls too.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};

use super::failure::Failure;
use super::org::{Assign, Caller};
use crate::FaultKind;

#[derive(Clone)]
pub struct Call {
    pub method: Method,
    /// `v62.0`
    pub version: String,
    /// The decoded path below the version.
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub fault: Option<FaultKind>,
    pub user: String,
}

/// Version, decoded path below it, and query.
pub type Address = (String, Vec<String>, Vec<(String, String)>);

/// Decodes `%41`; what is not a valid escape stays as it is.
pub fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = (*first == b'%').then(|| after.get(..2)).flatten();
        let code = escape.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Call {
    /// Splits `/services/data/v62.0/a/b?c=d`; `None` if the path does not name a version.
    pub fn split_url(url: &str) -> Option<Address> {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let rest = path.strip_prefix("/services/data/")?;
        let mut parts = rest.split('/').map(percent_decoded);
        let version = parts.next().filter(|version| version.starts_with('v'))?;
        let mut segments: Vec<String> = parts.collect();
        // Clients differ in a trailing slash; it never carries meaning.
        while segments.last().is_some_and(String::is_empty) {
            segments.pop();
        }
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Some((version, segments, query))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn version_number(&self) -> u32 {
        self.version.trim_start_matches('v').split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    pub fn json(&self) -> Result<Value, Failure> {
        let content = self.header("content-type").unwrap_or("application/json");
        if !content.to_ascii_lowercase().starts_with("application/json") {
            let message = format!("Content-Type header specified in HTTP request is not supported: {content}");
            return Err(Failure::new(415, "UNSUPPORTED_MEDIA_TYPE", message));
        }
        serde_json::from_slice(&self.body).map_err(|error| Failure::malformed(error.to_string()))
    }

    pub fn json_object(&self) -> Result<serde_json::Map<String, Value>, Failure> {
        match self.json()? {
            Value::Object(object) => Ok(object),
            _ => Err(Failure::malformed("The HTTP entity body must be a JSON object")),
        }
    }

    /// `key=value` of a header with several options, which clients join with `;` or `,`.
    pub fn option(&self, header: &str, key: &str) -> Option<&str> {
        let options = self.header(header)?.split([';', ',']);
        let mut pairs = options.filter_map(|option| option.split_once('='));
        pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(key)).map(|(_, value)| value.trim())
    }

    pub fn client(&self) -> Option<&str> {
        self.option("sforce-call-options", "client")
    }

    pub fn caller(&self) -> Caller {
        let assign = match self.header("sforce-auto-assign").map(str::trim) {
            Some(value) if value.eq_ignore_ascii_case("false") => Assign::Never,
            Some(value) if !value.eq_ignore_ascii_case("true") => Assign::Rule(value.to_owned()),
            _ => Assign::ActiveRule,
        };
        // Older versions do not know the header.
        let known = self.version_number() >= 52;
        let duplicate = |key| {
            let value = self.option("sforce-duplicate-rule-header", key).filter(|_| known);
            value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
        };
        Caller {
            user: self.user.clone(),
            client: self.client().map(str::to_owned),
            assign,
            allow_save: duplicate("allowSave"),
            record_details: duplicate("includeRecordDetails"),
            human: false,
        }
    }
}

#[derive(Clone, Debug)]
pub enum Content {
    Empty,
    Json(Value),
    Text(&'static str, String),
}

#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub content: Content,
}

impl Reply {
    pub fn json(status: u16, body: Value) -> Reply {
        Reply { status, headers: Vec::new(), content: Content::Json(body) }
    }

    pub fn ok(body: Value) -> Reply {
        Reply::json(200, body)
    }

    pub fn empty(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), content: Content::Empty }
    }

    pub fn text(status: u16, content_type: &'static str, text: String) -> Reply {
        Reply { status, headers: Vec::new(), content: Content::Text(content_type, text) }
    }

    pub fn with(mut self, header: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((header, value.into()));
        self
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub fn oauth_error(error: &str, description: &str) -> Reply {
        Reply::json(400, json!({"error": error, "error_description": description}))
    }

    pub fn into_response(self) -> Response<Body> {
        let (content_type, body) = match self.content {
            Content::Empty => (None, String::new()),
            Content::Json(value) => (Some("application/json;charset=UTF-8"), value.to_string()),
            Content::Text(content_type, text) => (Some(content_type), text),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(content_type) = content_type {
            response.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
        }
        for (name, value) in self.headers {
            // A value that is no header value would come from a record key; the header is then left out.
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Reply {
        Reply::json(failure.status, failure.to_body())
    }
}
