//! The headers that tell people from machines, and what a bounce says of itself.

use mail_parser::{Message, MimeHeaders, PartType};

use crate::csv::encoding::clean;

const TELLING: &[&str] = &[
    "auto-submitted",
    "return-path",
    "x-autoreply",
    "x-autorespond",
    "x-autoresponse",
    "x-autoreply-from",
    "delivered-to",
    "x-apple-action",
    "precedence",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "feedback-id",
    "x-ms-exchange-inbox-rules-loop",
    "x-auto-response-suppress",
    "x-failed-recipients",
    "x-loop",
    "thread-index",
    "thread-topic",
    "content-type",
    "sender",
    "x-mailer",
    "content-language",
    "x-spam-flag",
    "errors-to",
];

/// A mail has few of them; what is longer is no header of use.
const MAX_VALUE: usize = 2_000;

pub(super) fn telling(message: &Message<'_>) -> (Vec<(String, String)>, bool) {
    let mut telling: Vec<(String, String)> = message
        .headers_raw()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| TELLING.contains(&name.as_str()))
        .map(|(name, value)| (name, unfold(value)))
        .collect();
    let status = message.parts.iter().find(|part| {
        part.content_type().is_some_and(|kind| {
            kind.ctype().eq_ignore_ascii_case("message")
                && kind.subtype().is_some_and(|sub| {
                    sub.eq_ignore_ascii_case("delivery-status") || sub.eq_ignore_ascii_case("global-delivery-status")
                })
        })
    });
    if let Some(status) = status {
        let text = match &status.body {
            PartType::Text(text) | PartType::Html(text) => text.to_string(),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            PartType::Message(inner) => String::from_utf8_lossy(&inner.raw_message).into_owned(),
            PartType::Multipart(_) => String::new(),
        };
        telling.extend(fields(&text));
    }
    (telling, status.is_some())
}

/// `Name: value` lines with their continuations.
fn fields(text: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    fields.into_iter().map(|(name, value)| (name, unfold(&value))).collect()
}

fn unfold(value: &str) -> String {
    clean(value).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_VALUE).collect()
}
