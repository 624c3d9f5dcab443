//! Mails by RFC 5322 and mailboxes as mbox.

use std::borrow::Cow;

use mail_parser::{Address, HeaderValue, MessageParser, MimeHeaders, PartType};
use mittler_core::Time;
use serde::{Deserialize, Serialize};

pub use self::{mbox::split_mbox, mbox::unstuff, parts::parts};
use crate::{MAX_VALUE, Problem, csv::encoding::clean, value_too_long};

mod attribution;
mod boilerplate;
mod headers;
mod html;
mod mbox;
mod nesting;
mod parts;
mod phrases;
mod signature;
#[cfg(test)]
mod tests;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    pub name: Option<String>,
    pub address: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mail {
    /// Without angle brackets, as are `in_reply_to` and `references`.
    pub message_id: Option<String>,
    pub in_reply_to: Vec<String>,
    pub references: Vec<String>,
    pub from: Option<Mailbox>,
    pub reply_to: Option<Mailbox>,
    pub to: Vec<Mailbox>,
    pub date: Option<Time>,
    pub subject: String,
    /// `text/plain`, else the HTML rendered, quoted parts marked by `> `; several bodies in order.
    pub text: String,
    pub html: Option<String>,
    /// Those that tell automatic mail, list mail and bounces, names in lower case. A bounce's
    /// delivery status adds its fields: `action`, `status`, `final-recipient`, `diagnostic-code`.
    pub headers: Vec<(String, String)>,
    /// A `multipart/report` with a delivery status.
    pub is_bounce: bool,
    /// File names.
    pub attachments: Vec<String>,
}

/// A mail's text by who wrote it when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Parts {
    /// What the sender wrote now, without the signature.
    pub newest: String,
    /// The signature of the newest part.
    pub signature: String,
    /// What is quoted or forwarded, with its attribution lines.
    pub quoted: String,
}

/// Bytes that one mail may have, with its attachments. Servers take less.
pub const MAX_MAIL: usize = 50 * 1024 * 1024;
/// Bytes of what a mail says, as text: more was written by no person.
pub const MAX_TEXT: usize = 1024 * 1024;
/// Bytes of the same as HTML, which holds pictures at times.
const MAX_HTML: usize = 4 * 1024 * 1024;

/// Reads one mail. What is broken inside (a cut-off part, a wrong boundary) is read as far as it
/// goes. Refused are bytes without any header, and mails within mails without end.
pub fn read(bytes: &[u8]) -> Result<Mail, Problem> {
    if bytes.len() > MAX_MAIL {
        return Err(Problem::new("mail_too_long", format!("the mail is longer than {} MB", MAX_MAIL / 1024 / 1024)));
    }
    let bytes = nesting::bounded(bytes)?;
    let message = MessageParser::default()
        .parse(&bytes)
        .filter(|message| !message.headers().is_empty())
        .ok_or_else(|| Problem::new("not_a_mail", "these bytes have no mail headers"))?;
    let said = |wanted: fn(&PartType<'_>) -> usize| -> usize {
        message.text_bodies().chain(message.html_bodies()).map(|part| wanted(&part.body)).max().unwrap_or(0)
    };
    let html = said(|body| if let PartType::Html(html) = body { html.len() } else { 0 });
    if html > MAX_HTML || said(|body| if let PartType::Text(text) = body { text.len() } else { 0 }) > MAX_TEXT {
        return Err(text_too_long());
    }
    let html = message.html_bodies().find_map(|part| match &part.body {
        PartType::Html(html) => Some(html.to_string()),
        _ => None,
    });
    // A server may put its footer as plain text below a body of HTML: both are the mail.
    let plain: Vec<Cow<'_, str>> = message
        .text_bodies()
        .filter_map(|part| match &part.body {
            PartType::Text(text) => Some(Cow::Borrowed(text.as_ref())),
            PartType::Html(html) => Some(Cow::Owned(html::render(html))),
            _ => None,
        })
        .collect();
    let plain = plain.join("\n").replace("\r\n", "\n");
    let text = match &html {
        Some(html) if plain.trim().is_empty() => html::render(html),
        _ => plain,
    };
    let subject = message.subject().map(|subject| clean(subject).replace('\n', " ")).unwrap_or_default();
    if subject.len() > MAX_VALUE {
        return Err(value_too_long().at("subject"));
    }
    if text.len() > MAX_TEXT {
        return Err(text_too_long());
    }
    let (headers, is_bounce) = headers::telling(&message);
    Ok(Mail {
        message_id: message.message_id().map(str::to_owned),
        in_reply_to: ids(message.in_reply_to()),
        references: ids(message.references()),
        from: message.from().and_then(|from| mailboxes(from).into_iter().next()),
        reply_to: message.reply_to().and_then(|to| mailboxes(to).into_iter().next()),
        to: message.all_to().flat_map(mailboxes).collect(),
        date: message.date().map(|date| Time::from_seconds(date.to_timestamp())),
        subject,
        text: text.replace('\0', ""),
        html,
        headers,
        is_bounce,
        attachments: message.attachments().filter_map(|part| part.attachment_name()).map(clean).collect(),
    })
}

fn text_too_long() -> Problem {
    let mb = |bytes: usize| bytes / 1024 / 1024;
    let reason = format!("the mail says more than {} MB as text, or {} MB as HTML", mb(MAX_TEXT), mb(MAX_HTML));
    Problem::new("mail_text_too_long", reason)
}

fn ids(header: &HeaderValue<'_>) -> Vec<String> {
    match header {
        HeaderValue::Text(id) => vec![id.to_string()],
        HeaderValue::TextList(ids) => ids.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

fn mailboxes(address: &Address<'_>) -> Vec<Mailbox> {
    address
        .iter()
        .filter_map(|one| {
            let address = clean(one.address()?);
            let name = one.name().map(clean).filter(|name| !name.is_empty());
            (!address.is_empty()).then_some(Mailbox { name, address })
        })
        .collect()
}
