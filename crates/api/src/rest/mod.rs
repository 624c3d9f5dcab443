//! The REST API. Each module is one resource; a handler extracts, calls one function and renders.

pub(crate) mod connections;
pub(crate) mod edits;
pub(crate) mod imports;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod leads;
pub(crate) mod parked;
pub(crate) mod problems_csv;
pub(crate) mod records;
pub(crate) mod replies;
pub(crate) mod reviews;
pub(crate) mod rights;
pub(crate) mod sessions;
pub(crate) mod timeline;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::App;

/// All resources, under `/api/v1`, with their description.
pub(crate) fn router() -> OpenApiRouter<App> {
    let resources = OpenApiRouter::new()
        .routes(routes!(leads::post_leads))
        .routes(routes!(leads::get_lead))
        .routes(routes!(leads::get_content))
        .routes(routes!(imports::post_import, imports::get_imports))
        .routes(routes!(imports::get_import))
        .routes(routes!(imports::get_problems))
        .routes(routes!(problems_csv::get_problems_csv))
        .routes(routes!(imports::post_retry))
        .routes(routes!(replies::post_replies))
        .routes(routes!(records::get_records))
        .routes(routes!(records::get_record, edits::patch_record))
        .routes(routes!(edits::delete_field))
        .routes(routes!(rights::put_restriction, rights::delete_restriction))
        .routes(routes!(rights::get_export))
        .routes(routes!(rights::post_export))
        .routes(routes!(rights::post_forget))
        .routes(routes!(rights::post_forget_whom))
        .routes(routes!(timeline::get_timeline))
        .routes(routes!(connections::get_record_links))
        .routes(routes!(connections::get_connections))
        .routes(routes!(connections::get_waiting_links))
        .routes(routes!(connections::post_retry_link))
        .routes(routes!(connections::post_retry_connection))
        .routes(routes!(parked::get_parked))
        .routes(routes!(parked::post_retry_parked))
        .routes(routes!(jobs::get_jobs))
        .routes(routes!(jobs::post_retry))
        .routes(routes!(jobs::get_reviews))
        .routes(routes!(reviews::get_review))
        .routes(routes!(reviews::post_answer))
        .routes(routes!(keys::get_keys, keys::post_key))
        .routes(routes!(keys::delete_key))
        .routes(routes!(sessions::get_sessions))
        .routes(routes!(sessions::delete_session))
        // Handlers read their bodies against the limits of the settings.
        .layer(DefaultBodyLimit::disable());
    OpenApiRouter::new().nest("/api/v1", resources)
}
