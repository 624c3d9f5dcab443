//! Outbound messages: unsigned SOAP, told to be genuine by the secret in the address and the
//! organisation's id, and taken as hints alone.
//!
//! **Invariant:** no document type, no entity: an XML that brings either is not authentic.

use mittler_connector::{HookEvent, NotAuthentic, RawHook, Received};
use mittler_core::Time;
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use crate::{Settings, settings::organization_id};

/// Salesforce sends no more in one message.
const MOST_NOTIFICATIONS: usize = 100;
/// Deeper than any message that Salesforce sends.
const DEEPEST: usize = 16;

/// One for the whole message; anything else is sent again for a day.
const ACK: &str = concat!(
    r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>"#,
    r#"<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>"#,
    "</notificationsResponse></soapenv:Body></soapenv:Envelope>",
);

pub fn receive(settings: &Settings, hook: &RawHook, now: Time) -> Result<Received, NotAuthentic> {
    let secret = settings.hook_secret.expose_secret().as_bytes();
    let knows: bool = secret.ct_eq(hook.path_secret.as_bytes()).into();
    if secret.is_empty() || !knows {
        return Err(NotAuthentic::Signature);
    }
    let text = std::str::from_utf8(&hook.body).map_err(|_| NotAuthentic::Form)?;
    let message = Message::parse(text).ok_or(NotAuthentic::Form)?;
    let organisation = organization_id(&message.organisation);
    if settings.organization_id.as_ref().is_some_and(|expected| organization_id(expected) != organisation) {
        return Err(NotAuthentic::Account);
    }
    let events = message.notifications.into_iter().map(|notification| HookEvent {
        account: organisation.clone(),
        key: notification.id,
        remote_type: notification.remote_type,
        id: notification.record,
        at: now,
        deleted: false,
        erased: false,
        own_echo: false,
    });
    Ok(Received { events: events.collect(), answer: Some(("text/xml", ACK.to_owned())) })
}

#[derive(Debug, Default)]
struct Message {
    organisation: String,
    notifications: Vec<Notification>,
}

#[derive(Debug, Default)]
struct Notification {
    id: String,
    remote_type: String,
    record: String,
}

impl Notification {
    fn is_whole(&self) -> bool {
        !(self.id.is_empty() || self.remote_type.is_empty() || self.record.is_empty())
    }
}

impl Message {
    fn parse(text: &str) -> Option<Message> {
        let mut reader = Reader::from_str(text);
        let mut message = Message::default();
        let mut path: Vec<String> = Vec::new();
        loop {
            match reader.read_event().ok()? {
                Event::Start(element) => {
                    path.push(local(element.name().local_name().as_ref())?);
                    message.enter(&path, &element)?;
                }
                Event::Empty(_) | Event::Comment(_) | Event::CData(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Text(text) => message.say(&path, text.as_ref())?,
                Event::End(_) => {
                    path.pop()?;
                }
                // Salesforce escapes characters in values that we do not read, never in ids.
                Event::GeneralRef(_) if matches!(place(&path), Place::Elsewhere) => {}
                Event::GeneralRef(_) | Event::DocType(_) => return None,
                Event::Eof => break,
            }
        }
        let whole = path.is_empty() && message.notifications.iter().all(Notification::is_whole);
        (whole && !message.organisation.is_empty() && !message.notifications.is_empty()).then_some(message)
    }

    fn enter(&mut self, path: &[String], element: &BytesStart<'_>) -> Option<()> {
        if path.len() > DEEPEST {
            return None;
        }
        match place(path) {
            Place::Notification if self.notifications.len() < MOST_NOTIFICATIONS => {
                self.notifications.push(Notification::default());
            }
            Place::Notification => return None,
            Place::Object => self.notifications.last_mut()?.remote_type = object_type(element)?,
            Place::Organisation | Place::NotificationId | Place::RecordId | Place::Elsewhere => {}
        }
        Some(())
    }

    fn say(&mut self, path: &[String], text: &str) -> Option<()> {
        let slot = match place(path) {
            Place::Organisation => &mut self.organisation,
            Place::NotificationId => &mut self.notifications.last_mut()?.id,
            Place::RecordId => &mut self.notifications.last_mut()?.record,
            Place::Notification | Place::Object | Place::Elsewhere => return Some(()),
        };
        let text = text.trim();
        let is_id = matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        // Said twice, or no id at all: not from Salesforce.
        (slot.is_empty() && is_id).then(|| text.clone_into(slot))
    }
}

enum Place {
    Organisation,
    Notification,
    NotificationId,
    Object,
    RecordId,
    Elsewhere,
}

fn place(path: &[String]) -> Place {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    match names.as_slice() {
        ["Envelope", "Body", "notifications", "OrganizationId"] => Place::Organisation,
        ["Envelope", "Body", "notifications", "Notification"] => Place::Notification,
        ["Envelope", "Body", "notifications", "Notification", "Id"] => Place::NotificationId,
        ["Envelope", "Body", "notifications", "Notification", "sObject"] => Place::Object,
        ["Envelope", "Body", "notifications", "Notification", "sObject", "Id"] => Place::RecordId,
        _ => Place::Elsewhere,
    }
}

/// `xsi:type="sf:Lead"` → `Lead`.
fn object_type(element: &BytesStart<'_>) -> Option<String> {
    let found = element.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == "type")?;
    local(found.value.rsplit(':').next()?)
}

fn local(name: &str) -> Option<String> {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| name.to_owned())
}

#[cfg(test)]
mod tests;
