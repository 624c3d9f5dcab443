//! Records that a CRM has no more.

use mittler_core::{Kind, LinkId, RecordId, Time};
use mittler_store::{derived_id, links::Known, reviews::NewReview};
use serde_json::json;

/// A record that the CRM has no more.
pub(crate) struct Gone<'a> {
    pub link: LinkId,
    pub record: RecordId,
    pub kind: Kind,
    pub remote_type: &'a str,
    pub id: &'a str,
}

impl Gone<'_> {
    /// The same question, whether a read found it or a write.
    pub(crate) fn ask(&self, code: &str, connection: mittler_core::ConnectionId, now: Time) -> Option<NewReview> {
        matches!(self.kind, Kind::Person | Kind::Organisation | Kind::Fair).then(|| NewReview {
            id: derived_id(&[b"review", self.link.0.as_bytes(), code.as_bytes(), self.id.as_bytes()]),
            question: "deleted_there".into(),
            record: self.record.0,
            connection: Some(connection.0),
            candidates: json!({ "remote_type": self.remote_type, "ids": [self.id] }),
            reason: code.to_owned(),
            asked_at: now.0,
        })
    }
}

/// The question what to do about a record that the CRM has no more. Activities and memberships that
/// somebody removed there are just removed.
pub(crate) fn ask_gone(
    link: &Known,
    code: &str,
    remote_type: &str,
    connection: mittler_core::ConnectionId,
    now: Time,
) -> Option<NewReview> {
    let kind = Kind::parse(&link.kind)?;
    let gone = Gone { link: LinkId(link.id), record: RecordId(link.record), kind, remote_type, id: &link.remote_id };
    gone.ask(code, connection, now)
}
