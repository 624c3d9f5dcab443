//! Bodies, answers that can be repeated, and pages of lists.

use axum::{
    Json,
    extract::{FromRequestParts, Path, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::LengthLimitError;
use mittler_core::trace::TraceParent;
use mittler_ingest::Repetition;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{App, access::Caller, incoming::Stopped, problem::Problem};

/// Where the caller stands in a trace of its own. A header that is none of the standard counts as none.
pub(crate) fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    TraceParent::parse(headers.get("traceparent")?.to_str().ok()?)
}

/// The whole body, if it is not larger than `limit`.
pub(crate) async fn read(request: Request, limit: usize) -> Result<Bytes, Problem> {
    let told = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if told.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large(limit));
    }
    axum::body::to_bytes(request.into_body(), limit).await.map_err(|error| {
        if let Some(stopped) = Stopped::among(&error) {
            return stopped;
        }
        let source = std::error::Error::source(&error);
        if source.is_some_and(<dyn std::error::Error>::is::<LengthLimitError>) {
            return too_large(limit);
        }
        Problem { cause: Some("cut_off".into()), ..Problem::new("unreadable") }.detailed("the body ended early")
    })
}

pub(crate) fn too_large(limit: usize) -> Problem {
    Problem::new("too_large").detailed(format!("this address takes up to {} MB", limit / 1024 / 1024))
}

/// The media type of the body, without its parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    given.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

/// Whether the caller asks for this media type by its name.
pub(crate) fn wants(headers: &HeaderMap, media_type: &str) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|value| value.split(','))
        .any(|one| one.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(media_type)))
}

pub(crate) fn needs_type(headers: &HeaderMap, taken: &[&str]) -> Result<(), Problem> {
    let given = media_type(headers);
    if taken.contains(&given.as_str()) || (taken.contains(&"application/json") && given.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem::new("wrong_type").detailed(format!("send {}", taken.join(" or "))))
}

/// A JSON body of a fixed form.
pub(crate) async fn json<T: DeserializeOwned>(request: Request, limit: usize) -> Result<T, Problem> {
    needs_type(request.headers(), &["application/json"])?;
    let bytes = read(request, limit).await?;
    // serde's words name members and places, and may quote a value: only the place is passed on.
    serde_json::from_slice(&bytes).map_err(|error| not_as_it_should_be(&error))
}

fn not_as_it_should_be(error: &serde_json::Error) -> Problem {
    let place = format!("at line {}, column {}", error.line(), error.column());
    let words = error.to_string();
    if !error.is_data() {
        let code = if words.starts_with("recursion limit exceeded") { "json_too_deep" } else { "not_json" };
        return Problem::new(code).detailed(place);
    }
    // What follows is what we expect, and ends with the place.
    let expected = words.rsplit_once(", expected ").map(|(_, ours)| format!("expected {ours}"));
    match words.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
        Some(member) => Problem { field: Some(member.to_owned()), ..Problem::new("unknown_member") },
        None => Problem::new("wrong_member"),
    }
    .detailed(expected.unwrap_or(place))
}

/// Query parameters; what cannot be read is a problem like any other.
#[derive(Debug)]
pub(crate) struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, app).await;
        query.map(|Query(params)| Params(params)).map_err(|error| {
            let text = error.body_text();
            Problem::invalid(blamed(&text).to_owned(), text)
        })
    }
}

/// The parameter that the words of the reader name.
fn blamed(text: &str) -> &str {
    if let Some((_, rest)) = text.split_once("unknown field `") {
        return rest.split('`').next().unwrap_or(rest);
    }
    let words = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    let name = words.split_once(": ").map(|(name, _)| name);
    name.filter(|name| !name.contains(char::is_whitespace)).unwrap_or("query")
}

/// Parts of the path; what is no text names nothing.
#[derive(Debug)]
pub(crate) struct At<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, app).await;
        path.map(|Path(path)| At(path)).map_err(|_| Problem::not_found())
    }
}

/// An id in the path.
pub(crate) fn id<T: std::str::FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// Which part of a list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// `next` of the part before.
    pub after: Option<String>,
    /// How many at most: 1 to 500, 100 if not given.
    #[param(minimum = 1, maximum = 500, default = 100)]
    pub limit: Option<i64>,
}

impl Page {
    pub fn most(&self) -> Result<i64, Problem> {
        match self.limit.unwrap_or(100) {
            most @ 1..=500 => Ok(most),
            _ => Err(Problem::invalid("limit", "a limit lies between 1 and 500")),
        }
    }

    /// The cursor, read.
    pub fn cursor<T: std::str::FromStr>(&self) -> Result<Option<T>, Problem> {
        let read = self.after.as_deref().map(str::parse::<T>).transpose();
        read.map_err(|_| Problem::invalid("after", "this is no cursor that an answer gave as `next`"))
    }
}

/// One part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    pub items: Vec<T>,
    /// Where the next part begins: `?after=`. Left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> List<T> {
    /// `rows` may be one longer than the page: then there is a next one.
    pub fn of<R>(mut rows: Vec<R>, most: i64, cursor: impl Fn(&R) -> String, item: impl Fn(R) -> T) -> Json<List<T>> {
        let most = usize::try_from(most).unwrap_or(0);
        let more = rows.len() > most;
        rows.truncate(most);
        let next = if more { rows.last().map(cursor) } else { None };
        Json(List { items: rows.into_iter().map(item).collect(), next })
    }
}

/// An answer that a repetition of the call is given again. Holds ids and counts only.
#[derive(Debug)]
pub(crate) struct Answer(pub StatusCode, pub Value);

impl Answer {
    pub fn accepted(body: impl Serialize) -> Result<Answer, Problem> {
        let body = serde_json::to_value(body).map_err(|_| Problem::new("internal"))?;
        Ok(Answer(StatusCode::ACCEPTED, body))
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

/// Does `work` once per Idempotency-Key of a caller: a repetition with the same body is given the
/// first answer again, one with another body is refused, and one that comes while the first is
/// still at work is told to come again. Without the header `work` is just done.
///
/// The key is reserved together with the body's fingerprint before anything is done. With a key
/// `work` runs to its end even if the caller leaves: the repetition that follows wants its answer.
/// A call that dies between its work and its answer is done again, and finds its inputs known.
pub(crate) async fn once(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    place: &str,
    content: &[&[u8]],
    work: impl Future<Output = Result<Answer, Problem>> + Send + 'static,
) -> Result<Response, Problem> {
    let Some(given) = headers.get("idempotency-key") else { return Ok(work.await?.into_response()) };
    let given = given.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    let given = given.ok_or_else(|| Problem::invalid("Idempotency-Key", "1 to 255 visible ASCII characters"))?;
    let reservation = match app.ingest.reserve(caller.id, place, given, content).await? {
        Repetition::New(reservation) => reservation,
        Repetition::Other => return Err(Problem::new("idempotency_mismatch")),
        Repetition::InFlight => return Err(Problem::new("idempotency_in_flight")),
        Repetition::Answered { status, answer } => {
            let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
            let answer = Answer(status.unwrap_or(StatusCode::OK), answer);
            return Ok(([("idempotency-replayed", "true")], answer).into_response());
        }
    };
    let ingest = app.ingest.clone();
    let done = tokio::spawn(async move {
        let answer = tokio::spawn(work).await.unwrap_or_else(|_| Err(Problem::new("internal")));
        match &answer {
            Ok(answer) => ingest.keep_answer(reservation, answer.0.as_u16(), &answer.1).await?,
            Err(_) => ingest.release(reservation).await,
        }
        answer
    });
    Ok(done.await.unwrap_or_else(|_| Err(Problem::new("internal")))?.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_not_as_it_should_be_says_what_is_wrong_without_its_values() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Form {
            #[expect(dead_code, reason = "only read")]
            count: u8,
        }
        let problem = |body: &str| not_as_it_should_be(&serde_json::from_str::<Form>(body).unwrap_err());
        let unknown = problem("{\"colour\": 1}");
        assert_eq!((unknown.code, unknown.field.as_deref()), ("unknown_member", Some("colour")));
        let wrong = problem("{\"count\": \"secret, expected value\"}");
        assert_eq!((wrong.code, wrong.detail.as_deref()), ("wrong_member", Some("expected u8 at line 1 column 34")));
        assert_eq!(problem("{").code, "not_json");
        let deep = serde_json::from_str::<Value>(&"[".repeat(200)).unwrap_err();
        assert_eq!(not_as_it_should_be(&deep).code, "json_too_deep");
    }
}
