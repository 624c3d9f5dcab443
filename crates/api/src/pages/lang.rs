//! The two languages of the pages.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

use crate::{App, access::cookie, problem::Problem};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lang {
    De,
    En,
}

impl Lang {
    pub fn code(self) -> &'static str {
        self.say("de", "en")
    }

    pub fn other(self) -> Lang {
        match self {
            Lang::De => Lang::En,
            Lang::En => Lang::De,
        }
    }

    /// The words in this language.
    pub fn say<'a>(self, german: &'a str, english: &'a str) -> &'a str {
        match self {
            Lang::De => german,
            Lang::En => english,
        }
    }

    /// The language of exactly that code.
    pub fn named(code: &str) -> Option<Lang> {
        [Lang::De, Lang::En].into_iter().find(|lang| lang.code() == code)
    }

    fn parse(code: &str) -> Option<Lang> {
        match code.trim().get(..2)?.to_ascii_lowercase().as_str() {
            "de" => Some(Lang::De),
            "en" => Some(Lang::En),
            _ => None,
        }
    }

    /// Chosen in the address, else chosen before, else the browser's first that we speak.
    pub fn of(parts: &Parts) -> Lang {
        let accepted = || {
            let header = parts.headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
            header.split(',').find_map(Lang::parse)
        };
        chosen(parts.uri.query().unwrap_or(""))
            .or_else(|| cookie(&parts.headers, "mittler_lang").and_then(Lang::parse))
            .or_else(accepted)
            .unwrap_or(Lang::En)
    }
}

/// What `?lang=` asks for.
pub(crate) fn chosen(query: &str) -> Option<Lang> {
    query.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(Lang::parse)
}

impl FromRequestParts<App> for Lang {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Lang, Problem> {
        Ok(Lang::of(parts))
    }
}
