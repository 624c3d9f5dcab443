//! Sessions: opened by a one-time link, ended by the person.

use axum::{
    extract::{FromRequest, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Asked, Lang, PageProblem, Visitor, shell};
use crate::{
    App,
    access::{self, refusals::What},
    body::{self, At},
    problem::Problem,
};

/// Bytes that a form of ours has at most.
const FORM: usize = 4 * 1024;

/// Shows a button that uses the link up. To look at the address does not: mail programs and chats
/// fetch what they are to show.
pub(crate) async fn show(Asked(lang): Asked<Lang>, Asked(At(token)): Asked<At<String>>) -> Markup {
    let body = html! {
        main.alone {
            h1 { "Mittler" }
            p { (lang.say("Dieser Link öffnet die Seiten einmal.", "This link opens the pages once.")) }
            form method="post" action=(format!("/login/{token}")) {
                button autofocus { (lang.say("Anmelden", "Sign in")) }
            }
        }
    };
    shell(lang, lang.say("Anmelden", "Sign in"), None, &body)
}

/// Uses a link up.
pub(crate) async fn open(
    State(app): State<App>,
    Asked(At(token)): Asked<At<String>>,
    request: Request,
) -> Result<Response, PageProblem> {
    let Some(session) = access::open_session(&app, &token).await? else {
        _ = app.refusals.refuse(What::Link, &request.into_parts().0).await;
        return Ok((StatusCode::UNAUTHORIZED, how()).into_response());
    };
    Ok(([(header::SET_COOKIE, access::session_cookie(&app, &session))], Redirect::to("/")).into_response())
}

/// A form of ours, with the word that only our pages know.
#[derive(Debug, Deserialize)]
pub(crate) struct Confirmed {
    #[serde(default)]
    pub csrf: String,
    /// Why, where a form asks for it.
    #[serde(default)]
    pub reason: String,
}

impl FromRequest<App> for Confirmed {
    type Rejection = PageProblem;

    async fn from_request(request: Request, app: &App) -> Result<Confirmed, PageProblem> {
        body::needs_type(request.headers(), &["application/x-www-form-urlencoded"])?;
        let request = request.map(|body| axum::body::Body::new(http_body_util::Limited::new(body, FORM)));
        let form = axum::Form::<Confirmed>::from_request(request, app).await;
        form.map(|axum::Form(confirmed)| confirmed).map_err(|_| Problem::new("unreadable").into())
    }
}

pub(crate) async fn close(State(app): State<App>, visitor: Visitor, form: Confirmed) -> Result<Response, PageProblem> {
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
                p.hint { "Auch " code { "mittler serve" } " gibt beim Start in einem Terminal einen aus." }
            }
            section lang="en" {
                h2 { "Please sign in" }
                p { "These pages open with a link that works once and ends after a quarter of an hour. "
                    "To get a new one:" }
                pre { code { "mittler keys link" } }
                p.hint { code { "mittler serve" } " prints one at its start in a terminal, too." }
            }
        }
    };
    shell(Lang::En, "Anmelden / Sign in", None, &body)
}
