//! Reply mails.

use axum::{
    extract::{Request, State},
    response::Response,
};

use super::{imports::ImportedList, leads::LeadQuery};
use crate::{
    App,
    access::{Caller, Scope},
    body::{self, Answer, Params},
    problem::Problem,
};

/// Send reply mails
///
/// One message, or a mailbox of them. Each is kept as it came before the answer and read in the
/// background; what its sender says of themselves goes to their record. A mail of more than 50 MB, or of
/// more than 1 MB of text (4 MB as HTML), is refused alone.
#[utoipa::path(post, path = "/replies", tag = "Replies", params(LeadQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "A repetition with the same key and body is given the first answer"),
        ("traceparent" = Option<String>, Header, description = "W3C Trace Context: the trace that the mails belong to")),
    request_body(content((String = "message/rfc822"), (String = "application/mbox")), description = "The raw bytes"),
    responses((status = 202, description = "Accepted, durably", body = ImportedList)))]
pub(crate) async fn post_replies(
    State(app): State<App>,
    caller: Caller,
    Params(query): Params<LeadQuery>,
    request: Request,
) -> Result<Response, Problem> {
    caller.needs(Scope::LeadsWrite)?;
    body::needs_type(request.headers(), &["message/rfc822", "application/mbox"])?;
    let (headers, said) = (request.headers().clone(), format!("{query:?}"));
    let bytes = body::read(request, app.settings.import_limit).await?;
    let ingest = app.ingest.clone().within(body::parent(&headers));
    let (mails, params) = (bytes.clone(), query.params("mail")?);
    let work = async move {
        let bytes = mails;
        let mails = tokio::spawn(async move { ingest.mails(bytes, &params).await });
        let imported = mails.await.map_err(|_| Problem::new("internal"))??;
        Answer::accepted(ImportedList::from(imported))
    };
    body::once(&app, &caller, &headers, "replies", &[said.as_bytes(), &bytes], work).await
}
