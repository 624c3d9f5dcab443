//! The style, the script and the icon, under names that change with their content, so that browsers may keep
//! them for good.

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use crate::{body::At, problem::Problem};

const CSS: &str = include_str!("assets/mittler.css");
const JS: &str = include_str!("assets/mittler.js");
const ICON: &str = include_str!("assets/mittler.svg");

static CSS_NAME: LazyLock<String> = LazyLock::new(|| named(CSS, "css"));
static JS_NAME: LazyLock<String> = LazyLock::new(|| named(JS, "js"));
static ICON_NAME: LazyLock<String> = LazyLock::new(|| named(ICON, "svg"));

fn named(content: &str, end: &str) -> String {
    format!("mittler-{}.{end}", hex::encode(&Sha256::digest(content)[..6]))
}

pub(crate) fn css() -> String {
    format!("/assets/{}", *CSS_NAME)
}

pub(crate) fn js() -> String {
    format!("/assets/{}", *JS_NAME)
}

pub(crate) fn icon() -> String {
    format!("/assets/{}", *ICON_NAME)
}

pub(crate) async fn file(At(name): At<String>) -> Result<Response, Problem> {
    let (media_type, content) = match name {
        name if name == *CSS_NAME => ("text/css; charset=utf-8", CSS),
        name if name == *JS_NAME => ("text/javascript; charset=utf-8", JS),
        name if name == *ICON_NAME => ("image/svg+xml", ICON),
        _ => return Err(Problem::not_found()),
    };
    let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, content).into_response())
}
