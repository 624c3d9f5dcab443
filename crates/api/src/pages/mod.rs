//! The pages of people: rendered here, in German and English, from files inside the binary.
//!
//! **Invariant:** every value of a record reaches a page as text: `maud` escapes, and nothing here
//! opts out of that.

mod assets;
pub(crate) mod disclosure;
mod docs;
mod edit;
mod forget;
mod fragments;
mod import;
mod lang;
mod login;
mod questions;
mod record;
mod records;
mod run;
mod today;
mod waiting;
mod words;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequestParts, Request},
    http::{HeaderValue, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::{Zoned, tz::TimeZone};
use maud::{DOCTYPE, Markup, html};
use mittler_core::Time;

pub(crate) use self::lang::Lang;
use crate::{App, access::Session, problem::Problem};

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/", get(today::page))
        .route("/records", get(records::page))
        .route("/records/{id}", get(record::page))
        .route("/records/{id}/edit", post(edit::save))
        .route("/records/{id}/let-go", post(edit::let_go))
        .route("/records/{id}/forget", get(forget::ask).post(forget::forget))
        .route("/records/{id}/restrict", post(forget::restrict))
        .route("/records/{id}/lift", post(forget::lift))
        .route("/waiting/{connection}", get(waiting::page))
        .route("/waiting/{connection}/retry", post(waiting::retry_all))
        .route("/links/{id}/retry", post(waiting::retry_one))
        .route("/parked/retry", post(today::retry_parked))
        .route("/questions", get(questions::page))
        .route("/questions/answered", get(questions::answered))
        .route("/questions/{id}", get(questions::one))
        .route("/questions/{id}/answer", post(questions::answer))
        .route("/jobs", get(today::dead_page))
        .route("/import", get(import::page))
        .route("/import/preview", post(import::preview).layer(DefaultBodyLimit::disable()))
        .route("/import/{run}", get(run::page))
        .route("/import/{run}/rows", get(run::rows))
        .route("/jobs/{id}/retry", post(today::retry))
        .route("/login/{token}", get(login::show).post(login::open))
        .route("/logout", post(login::close))
        .route("/docs", get(docs::page))
        .route("/openapi.yaml", get(docs::yaml))
        .route("/assets/{name}", get(assets::file))
        .layer(middleware::from_fn(in_their_language))
}

/// Whether it is a person who reads the answer: a browser says so, and programs have paths of their own.
fn reads_pages(parts: &Parts) -> bool {
    let accepts = parts.headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let of_programs = ["/api/", "/hooks/"].iter().any(|start| parts.uri.path().starts_with(start));
    !of_programs && accepts.into_iter().any(|accepted| accepted.contains("text/html"))
}

fn problem_for(parts: &Parts, problem: Problem) -> Response {
    if reads_pages(parts) { problem_page(Lang::of(parts), &problem) } else { problem.into_response() }
}

/// An address that does not exist.
pub(crate) async fn not_found(parts: Parts) -> Response {
    problem_for(&parts, Problem::not_found())
}

/// An address that exists for another method alone, such as that of a form.
pub(crate) async fn method_not_allowed(parts: Parts) -> Response {
    problem_for(&parts, Problem::new("method_not_allowed"))
}

/// `?lang=` stays chosen, and a page that cannot be shown says so in the language of who asked.
async fn in_their_language(request: Request, next: Next) -> Response {
    let chosen = lang::chosen(request.uri().query().unwrap_or(""));
    let (parts, body) = request.into_parts();
    let lang = Lang::of(&parts);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Some(Unshown(problem)) = response.extensions_mut().remove() {
        response = problem_page(lang, &problem);
    }
    let cookie = chosen.map(|lang| format!("mittler_lang={}; Path=/; SameSite=Strict; Max-Age=31536000", lang.code()));
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// What a page asks for, such that a request that cannot be read is answered by a page.
#[derive(Debug)]
pub(crate) struct Asked<E>(pub E);

impl<E: FromRequestParts<App>> FromRequestParts<App> for Asked<E>
where
    PageProblem: From<E::Rejection>,
{
    type Rejection = PageProblem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Asked<E>, PageProblem> {
        Ok(Asked(E::from_request_parts(parts, app).await?))
    }
}

/// A person with a session, and how they read.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub session: Session,
    pub lang: Lang,
    pub zone: TimeZone,
    /// Path and query of the page, for the change of language.
    path: String,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = PageProblem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Visitor, PageProblem> {
        let lang = Lang::of(parts);
        let session = Session::of(app, &parts.headers).await?.ok_or(Problem::new("unauthenticated"))?;
        let zone = TimeZone::get(&app.settings.time_zone).unwrap_or(TimeZone::UTC);
        Ok(Visitor { session, lang, zone, path: parts.uri.path().to_owned() })
    }
}

impl Visitor {
    fn zoned(&self, at: Time) -> Zoned {
        at.timestamp().to_zoned(self.zone.clone())
    }

    /// A point in time as people write it.
    pub fn time(&self, at: Time) -> String {
        let form = self.lang.say("%d.%m.%Y %H:%M", "%-d %b %Y, %H:%M");
        self.zoned(at).strftime(form).to_string()
    }

    /// When the day of `now` began here.
    pub fn midnight(&self, now: Time) -> Time {
        self.zoned(now).start_of_day().map_or(now, |start| start.timestamp().into())
    }

    /// The number with its thousands apart.
    pub fn number(&self, number: i64) -> String {
        let digits = number.abs().to_string();
        let mut text = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push_str(self.lang.say(".", ","));
            }
            text.push(digit);
        }
        if number < 0 { format!("-{text}") } else { text }
    }

    /// What became of rows or mails, and how many of them: what is none is left out, but for the first.
    pub fn figures(&self, counts: &[(&'static str, i64)]) -> Markup {
        html! {
            div.figures { @for (at, (name, value)) in counts.iter().enumerate() {
                div.figure hidden[at > 1 && *value == 0] {
                    b data-count=(name) { (self.number(*value)) } span { (words::count(name, self.lang)) }
                }
            } }
        }
    }

    /// The page around its content.
    pub fn page(&self, title: &str, content: &Markup) -> Markup {
        let lang = self.lang;
        let tab = |path: &str, name: &str| {
            let here = if path == "/" { self.path == "/" } else { self.path.starts_with(path) };
            html! { a href=(path) aria-current=[here.then_some("page")] { (name) } }
        };
        let body = html! {
            a.skip href="#content" { (lang.say("Zum Inhalt", "Skip to content")) }
            header.top {
                a.brand href="/" { "Mittler" }
                nav aria-label=(lang.say("Seiten", "Pages")) {
                    (tab("/", lang.say("Heute", "Today")))
                    (tab("/records", lang.say("Datensätze", "Records")))
                    (tab("/import", lang.say("Import", "Import")))
                }
                div.tools {
                    a href=(format!("{}?lang={}", self.path, lang.other().code())) hreflang=(lang.other().code())
                        lang=(lang.other().code()) { (lang.say("English", "Deutsch")) }
                    form method="post" action="/logout" {
                        input type="hidden" name="csrf" value=(self.session.csrf());
                        button.plain { (lang.say("Abmelden", "Sign out")) }
                    }
                }
            }
            main id="content" { (content) }
        };
        shell(lang, title, Some(&self.session.csrf()), &body)
    }
}

/// The frame of every page.
fn shell(lang: Lang, title: &str, csrf: Option<&str>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(lang.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(csrf) = csrf { meta name="csrf" content=(csrf); }
                title { (title) " · Mittler" }
                link rel="icon" href=(assets::icon()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::css());
                script src=(assets::js()) defer {}
            }
            body { (body) }
        }
    }
}

/// A page that cannot be shown.
#[derive(Debug)]
pub(crate) struct PageProblem(Problem);

impl<E: Into<Problem>> From<E> for PageProblem {
    fn from(error: E) -> Self {
        PageProblem(error.into())
    }
}

/// Travels with an answer to where the language of the caller is known.
#[derive(Debug, Clone)]
struct Unshown(Problem);

impl IntoResponse for PageProblem {
    fn into_response(self) -> Response {
        let mut response = problem_page(Lang::En, &self.0);
        response.extensions_mut().insert(Unshown(self.0));
        response
    }
}

/// What is said instead of a page, with a way back.
fn problem_page(lang: Lang, problem: &Problem) -> Response {
    let status = problem.status();
    if status == StatusCode::UNAUTHORIZED {
        return (status, login::how()).into_response();
    }
    let words = match status {
        StatusCode::NOT_FOUND => lang.say(
            "Hier ist nichts. Vielleicht ist die Adresse vertippt, oder es wurde gelöscht.",
            "There is nothing here. Perhaps the address is mistyped, or it was deleted.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => lang.say(
            "Diese Adresse gehört zu einer Schaltfläche und zeigt selbst nichts.",
            "This address belongs to a button and shows nothing by itself.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => lang.say(
            "Die Datenbank antwortet nicht. Bitte gleich noch einmal versuchen.",
            "The database does not answer. Please try again in a moment.",
        ),
        _ => lang.say("Das ging nicht.", "That did not work."),
    };
    let body = html! {
        main.alone {
            h1 { "Mittler " small { (status.as_u16()) } }
            p { (words) }
            @if let Some(detail) = &problem.detail { p.hint { (detail) } }
            p {
                a.button href="/" { (lang.say("Heute", "Today")) } " "
                a.button href="/records" { (lang.say("Datensätze", "Records")) } " "
                a.button href="/import" { (lang.say("Import", "Import")) }
            }
        }
    };
    let mut response = (status, shell(lang, status.as_str(), None, &body)).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}
