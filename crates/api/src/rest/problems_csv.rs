//! Rows that were not taken, as a list that can be corrected and sent again.

use std::{ops::ControlFlow, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use mittler_core::RunId;
use tokio_util::sync::CancellationToken;

use crate::{
    App,
    access::{Caller, Scope},
    body::{self, At},
    incoming::{Held, attended},
    problem::Problem,
};
use mittler_ingest::{IngestError, OpenList};

/// Pieces that wait for a caller who reads slowly.
const PIECES: usize = 4;

/// Fetch the rows that were not taken, to correct them and send them again
///
/// The original cells, then line, code and reason; semicolons and a byte order mark, so that office
/// programs read it. Cells that such a program would run as a formula begin with an apostrophe. Sent
/// again as it is, with the columns that begin with `mittler_`, those and the apostrophes are left
/// out when it is read. A row with too few or too many cells or a stray quotation mark stands under
/// `mittler_to_correct` as it was written: put its values right under the other headers and empty
/// that cell; until then the row is refused again. Rows whose content has outlived its retention are
/// `content_gone`.
#[utoipa::path(get, path = "/imports/{run}/problems.csv", tag = "Imports", params(("run" = String, Path, description = "run_…")),
    responses((status = 200, description = "The list", content_type = "text/csv", body = String)))]
pub(crate) async fn get_problems_csv(
    State(app): State<App>,
    caller: Caller,
    At(run): At<String>,
) -> Result<Response, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let list = app.ingest.problem_list(body::id::<RunId>(&run)?).await?;
    let pieces = stream::try_unfold((app.ingest.clone(), list), async |(ingest, mut list)| {
        let piece = ingest.more_problems(&mut list).await.inspect_err(|_| cut_off())?;
        Ok::<_, IngestError>(piece.map(|piece| (piece, (ingest, list))))
    });
    Ok(file(Body::from_stream(pieces)))
}

/// The rows that would be refused, read anew from the body: nothing of it is kept. Reading ends when
/// the caller leaves.
pub(crate) fn of_dry_run(app: &App, list: OpenList, held: Option<Arc<Held>>) -> Response {
    let (sender, pieces) = tokio::sync::mpsc::channel::<Result<String, IngestError>>(PIECES);
    let app = app.clone();
    tokio::task::spawn_blocking(move || {
        let send = |piece| match sender.blocking_send(Ok(piece)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        match app.ingest.dry_run_problems(&list, &CancellationToken::new(), send) {
            Ok(()) | Err(IngestError::Abandoned) => {}
            Err(error) => {
                cut_off();
                _ = sender.blocking_send(Err(error));
            }
        }
        drop(list);
        drop(held);
    });
    let pieces = stream::unfold(pieces, async |mut pieces| attended(pieces.recv()).await.map(|piece| (piece, pieces)));
    file(Body::from_stream(pieces))
}

/// The answer has begun: all that can still be done is not to end it as if it were whole.
fn cut_off() {
    tracing::warn!("a list of refused rows is cut off: the database does not answer");
}

fn file(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"problems.csv\""),
    ];
    (headers, body).into_response()
}
