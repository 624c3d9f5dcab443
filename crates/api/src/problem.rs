//! Errors as RFC 9457 problems. The codes are stable; titles and details are for people.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use mittler_ingest::IngestError;

/// Every code that a problem can have, with its status and what it means. `/docs` shows the list.
pub const CODES: &[(&str, u16, &str)] = &[
    ("unauthenticated", 401, "Neither a living API key nor a session came with the call."),
    ("forbidden", 403, "The key does not have the scope that this call needs."),
    ("csrf", 403, "A session's writing call came without its X-CSRF-Token."),
    ("not_found", 404, "There is nothing under this address or id."),
    ("method_not_allowed", 405, "The address exists, but not for this method."),
    ("conflict", 409, "The thing is not in a state that allows this."),
    ("idempotency_in_flight", 409, "A call with this Idempotency-Key is still at work; ask again after Retry-After."),
    (
        "precondition_failed",
        412,
        "The record changed since it was read. Read it again, and send the edit with its new ETag.",
    ),
    ("precondition_required", 428, "The call changes what others may change, too, and came without If-Match."),
    ("too_slow", 408, "The body did not come in time. Nothing was accepted."),
    ("too_large", 413, "The body is larger than what this address takes."),
    ("wrong_type", 415, "The body's Content-Type is not one that this address takes."),
    ("wrong_encoding", 415, "The body is packed in a way that is not taken; gzip is."),
    ("wrong_host", 421, "The call names a host that this service does not answer for."),
    ("not_json", 422, "The body is not the JSON that it should be."),
    ("json_too_deep", 422, "Lists and objects stand deeper within each other than any call needs."),
    ("unknown_member", 422, "The body has a member that this call does not know; `field` names it."),
    ("wrong_member", 422, "The body is JSON, but a member is missing or has a value that it cannot have."),
    ("unreadable", 422, "The body as a whole cannot be read; `cause` says why."),
    ("invalid_parameter", 422, "A parameter cannot be; `field` names it."),
    ("idempotency_mismatch", 422, "This Idempotency-Key was used before, for another body."),
    ("internal", 500, "A defect of ours. It has been logged; nothing of the call was accepted."),
    (
        "busy",
        503,
        "As much is under way as this process takes at a time. Nothing was accepted; send it again after Retry-After.",
    ),
    ("unavailable", 503, "The database does not answer. Nothing was accepted; send it again after Retry-After."),
];

/// What a caller is told instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: &'static str,
    pub detail: Option<String>,
    pub field: Option<String>,
    /// A finer code, of whoever could not read the body.
    pub cause: Option<String>,
}

/// A problem as it leaves: `application/problem+json` by RFC 9457.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Address of the code's explanation.
    #[schema(example = "/docs#code-unreadable")]
    r#type: String,
    title: &'static str,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// Stable; see the list of codes.
    #[schema(example = "unreadable")]
    code: &'static str,
    /// In plain words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The parameter or column that is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// A finer code, such as `no_header`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

impl Problem {
    pub fn new(code: &'static str) -> Problem {
        Problem { code, detail: None, field: None, cause: None }
    }

    pub fn not_found() -> Problem {
        Problem::new("not_found")
    }

    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Problem {
        Problem { field: Some(field.into()), ..Problem::new("invalid_parameter") }.detailed(detail)
    }

    #[must_use]
    pub fn detailed(mut self, detail: impl Into<String>) -> Problem {
        self.detail = Some(detail.into());
        self
    }

    pub fn status(&self) -> StatusCode {
        let known = CODES.iter().find(|(code, ..)| *code == self.code);
        known.and_then(|(_, status, _)| StatusCode::from_u16(*status).ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let title = CODES.iter().find(|(code, ..)| *code == self.code).map_or("", |(.., title)| *title);
        let body = ProblemBody {
            r#type: format!("/docs#code-{}", self.code),
            title,
            status: status.as_u16(),
            code: self.code,
            detail: self.detail,
            field: self.field,
            cause: self.cause,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.code == "idempotency_in_flight" {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        match status {
            StatusCode::SERVICE_UNAVAILABLE => headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5")),
            StatusCode::UNAUTHORIZED => headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            _ => None,
        };
        response
    }
}

impl From<mittler_store::Error> for Problem {
    fn from(error: mittler_store::Error) -> Problem {
        if let Some(fault) = error.fault() {
            return Problem::new("unavailable").detailed(fault.words());
        }
        if error.is_passing() {
            tracing::warn!(error = %error, cause = error.cause(), "the database does not answer; the caller was told to come again");
            return Problem::new("unavailable");
        }
        tracing::error!(error = %error, cause = error.cause(), "a call failed");
        Problem::new("internal")
    }
}

impl From<mittler_intake::Problem> for Problem {
    fn from(problem: mittler_intake::Problem) -> Problem {
        Problem { code: "unreadable", detail: Some(problem.reason), field: problem.field, cause: Some(problem.code) }
    }
}

impl From<IngestError> for Problem {
    fn from(error: IngestError) -> Problem {
        match error {
            IngestError::Store(error) => error.into(),
            IngestError::Unreadable(problem) => problem.into(),
            IngestError::Invalid(invalid) => Problem::invalid(invalid.name, invalid.reason),
            IngestError::NoRun => Problem::not_found(),
            // Nobody reads it.
            IngestError::Abandoned => Problem::new("unavailable"),
        }
    }
}

/// What a panic in a handler becomes. Its message stays inside: it may hold values.
pub(crate) fn of_panic(_panic: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Problem::new("internal").into_response()
}
