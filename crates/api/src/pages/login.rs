//! Sessions: opened by a one-time link, ended by the person.

use axum::{
    Form,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Lang, PageProblem, Visitor, shell};
use crate::{App, access};

/// Uses a link up. The answer is a page that leads on, not a redirect: a session cookie that is
/// strict about its site would not travel with a redirect that began elsewhere.
pub(crate) async fn open(State(app): State<App>, Path(token): Path<String>) -> Result<Response, PageProblem> {
    let Some(session) = access::open_session(&app, &token).await? else {
        return Ok((StatusCode::UNAUTHORIZED, how()).into_response());
    };
    let page = maud::html! {
        (maud::DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                link rel="icon" href=(super::assets::icon()) type="image/svg+xml";
                meta http-equiv="refresh" content="0;url=/";
                title { "Mittler" }
            }
            body { p { a href="/" { "Mittler" } } }
        }
    };
    Ok(([(header::SET_COOKIE, access::session_cookie(&app, &session))], page).into_response())
}

#[derive(Debug, Deserialize)]
pub(crate) struct Confirmed {
    #[serde(default)]
    pub csrf: String,
}

pub(crate) async fn close(
    State(app): State<App>,
    visitor: Visitor,
    Form(form): Form<Confirmed>,
) -> Result<Response, PageProblem> {
    visitor.session.check_csrf(Some(&form.csrf))?;
    access::close_session(&app, &visitor.session.token).await?;
    Ok(([(header::SET_COOKIE, access::session_cookie(&app, ""))], Redirect::to("/")).into_response())
}

/// How to get in.
pub(crate) fn how() -> Markup {
    let body = html! {
        main.alone {
            h1 { "Mittler" }
            section lang="de" {
                h2 { "Bitte anmelden" }
                p { "Diese Seiten öffnet ein Link, der einmal gilt und nach einer Viertelstunde verfällt. "
                    "So kommen Sie an einen neuen:" }
                pre { code { "mittler keys link" } }
                p.hint { "Auch " code { "mittler serve" } " gibt beim Start einen aus." }
            }
            section lang="en" {
                h2 { "Please sign in" }
                p { "These pages open with a link that works once and ends after a quarter of an hour. "
                    "To get a new one:" }
                pre { code { "mittler keys link" } }
                p.hint { code { "mittler serve" } " prints one at its start, too." }
            }
        }
    };
    shell(Lang::En, "Anmelden / Sign in", None, &body)
}
