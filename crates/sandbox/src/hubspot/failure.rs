//! Refusals in HubSpot's error envelope, as a whole answer and as one row of a batch.

use serde_json::{Map, Value, json};

/// What a handler gives back instead of an answer.
#[derive(Clone, Debug)]
pub struct Failure {
    pub status: u16,
    pub message: String,
    pub category: Option<String>,
    pub sub_category: Option<&'static str>,
    pub errors: Vec<Value>,
    pub context: Map<String, Value>,
}

/// One property that was refused, and why.
#[derive(Clone, Debug)]
pub struct Detail {
    pub name: String,
    pub code: &'static str,
    pub message: String,
}

impl Failure {
    pub fn new(status: u16, category: &str, message: impl Into<String>) -> Failure {
        Failure {
            status,
            message: message.into(),
            category: Some(category.to_owned()),
            sub_category: None,
            errors: Vec::new(),
            context: Map::new(),
        }
    }

    /// 400 `VALIDATION_ERROR`.
    pub fn invalid(message: impl Into<String>) -> Failure {
        Failure::new(400, "VALIDATION_ERROR", message)
    }

    pub fn gone() -> Failure {
        Failure::new(404, "OBJECT_NOT_FOUND", "resource not found")
    }

    pub fn no_route() -> Failure {
        Failure { category: None, ..Failure::new(404, "", "No matching endpoint.") }
    }

    pub fn wrong_method() -> Failure {
        Failure { category: None, ..Failure::new(405, "", "HTTP 405 Method Not Allowed") }
    }

    /// A body that is not JSON carries no category.
    pub fn not_json(error: &serde_json::Error) -> Failure {
        let message = format!("Invalid input JSON on line {}, column {}: {error}", error.line(), error.column());
        Failure { category: None, ..Failure::new(400, "", message) }
    }

    /// The list of refused properties stands twice: as JSON inside the message, and in `errors`.
    pub fn properties(details: &[Detail], portal_id: u64) -> Failure {
        let list: Vec<Value> = details
            .iter()
            .map(|detail| {
                json!({"isValid": false, "message": detail.message, "error": detail.code, "name": detail.name,
                    "localizedErrorMessage": detail.message, "portalId": portal_id})
            })
            .collect();
        let mut failure = Failure::invalid(format!("Property values were not valid: {}", Value::Array(list)));
        failure.errors = details
            .iter()
            .map(|detail| {
                json!({"message": detail.message, "code": detail.code,
                    "context": {"propertyName": [detail.name]}})
            })
            .collect();
        failure
    }

    pub fn with(mut self, key: &str, values: impl IntoIterator<Item = String>) -> Failure {
        self.context.insert(key.to_owned(), values.into_iter().collect());
        self
    }

    /// The whole answer.
    pub fn body(&self, correlation_id: &str) -> Value {
        let mut body = json!({"status": "error", "message": self.message, "correlationId": correlation_id});
        if !self.errors.is_empty() {
            body["errors"] = self.errors.clone().into();
        }
        if !self.context.is_empty() {
            body["context"] = self.context.clone().into();
        }
        if let Some(category) = &self.category {
            body["category"] = category.as_str().into();
        }
        if let Some(sub_category) = self.sub_category {
            body["subCategory"] = sub_category.into();
        }
        body
    }

    /// One entry of a batch's `errors`.
    pub fn row(&self) -> Value {
        let mut row = json!({"status": "error", "category": self.category, "message": self.message,
            "context": self.context, "errors": self.errors, "links": {}});
        if let Some(sub_category) = self.sub_category {
            row["subCategory"] = sub_category.into();
        }
        row
    }
}
