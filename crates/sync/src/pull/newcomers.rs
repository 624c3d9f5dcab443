//! Companies that somebody makes in a CRM at the moment when one is made there for a record of ours.
//!
//! The CRM's search does not show what was made seconds ago, so a look-up does not find it. Hooks tell of it sooner:
//! before a company is made, those of which a hook told lately are read by id. What comes later still is met when the
//! search has caught up, and a person is asked to merge the two there.

use std::{sync::Arc, time::Duration};

use mittler_connector::{Key, RemoteRecord};
use mittler_core::{ConnectionId, Fields, Kind, LinkId, RecordId, Time, mapping::Object};
use mittler_identity::{Candidate, Decision, Facts, KeyType, decide};
use mittler_store::{Tx, due::DueLink, links::Known, reviews::NewReview};
use serde_json::json;
use uuid::Uuid;

use crate::{
    connections::Connection,
    lookups::PAGE,
    push::{
        batch::Batch,
        pusher::{Pusher, Run, Stopped},
    },
    question::{Question, made_meanwhile},
};

/// Longer than any CRM's search lags.
const WHILE: Duration = Duration::from_mins(10);

impl Batch {
    /// For each link those of the companies of which hooks told lately that may be it, under the key that says so.
    pub(crate) async fn newcomers(&self, object: &Object, links: &[&DueLink]) -> Run<Vec<Vec<RemoteRecord>>> {
        let ids = self.pusher.store.newcomers(self.connection.id, &object.remote, self.now().minus(WHILE)).await?;
        let mut records: Vec<RemoteRecord> = Vec::new();
        for ids in unknown(&self.pusher, &self.connection, &object.remote, ids).await?.chunks(PAGE) {
            let keys: Vec<Key> = ids.iter().cloned().map(Key::Id).collect();
            records.extend(self.look(object, &keys).await?.into_iter().filter(is_there));
        }
        let read: Vec<(Facts, RemoteRecord)> =
            records.into_iter().map(|record| (facts_of(object, &record), record)).collect();
        let found = links.iter().map(|link| {
            let ours = Facts::of_fields(&link.fields);
            let meeting = read.iter().filter_map(|(theirs, record)| {
                let key = match meet(&ours, theirs)? {
                    KeyType::Domain => Key::Domain(ours.domain.clone()?),
                    _ => Key::Name(theirs.company_core.clone()?),
                };
                Some(RemoteRecord { key, ..record.clone() })
            });
            meeting.collect()
        });
        Ok(found.collect())
    }
}

impl Pusher {
    /// Remembers companies of which a hook told and that no record of ours means; gives those that are to be met
    /// again when the CRM's search shows them.
    pub(crate) async fn note_newcomers(
        &self,
        connection: &Connection,
        remote_type: &str,
        ids: Vec<String>,
    ) -> Result<Vec<String>, Stopped> {
        let (id, remote_type, now) = (connection.id, remote_type.to_owned(), self.clock.now());
        Ok(self.store.write(async move |tx| note(tx, (id, &remote_type), &ids, now).await).await?)
    }

    /// Asks about companies of the CRM that no record of ours means, if they are those that Mittler made there lately.
    pub(crate) async fn meet_newcomers(
        &self,
        connection: &Arc<Connection>,
        object: &Object,
        ids: Vec<String>,
    ) -> Result<Vec<NewReview>, Stopped> {
        let now = self.clock.now();
        let lately = self.store.newcomers(connection.id, &object.remote, now.minus(WHILE)).await?;
        if lately.is_empty() {
            return Ok(Vec::new());
        }
        let made: Vec<(Known, Facts)> = self
            .store
            .links_by_remote(connection.id, &object.remote, &lately)
            .await?
            .into_iter()
            .map(|link| {
                let facts = Facts::of_fields(&link.fields);
                (link, facts)
            })
            .collect();
        if made.is_empty() {
            return Ok(Vec::new());
        }
        let mut reviews = Vec::new();
        for ids in ids.chunks(PAGE) {
            let keys: Vec<Key> = ids.iter().cloned().map(Key::Id).collect();
            let found = connection.find(&object.remote, &keys, &object.field_names(), None, now).await?;
            for record in found.records.into_iter().filter(is_there) {
                let theirs = facts_of(object, &record);
                for (link, ours) in &made {
                    if link.remote_id != record.id && meet(ours, &theirs).is_some() {
                        reviews.push(ask(connection, link, object, &record.id, now));
                    }
                }
            }
        }
        Ok(reviews)
    }
}

/// Remembers companies that appeared in a CRM; gives those that were not known to have appeared.
pub(crate) async fn note(
    tx: &mut Tx,
    (connection, remote_type): (ConnectionId, &str),
    ids: &[String],
    now: Time,
) -> mittler_store::Result<Vec<String>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    tx.note_newcomers(connection, remote_type, ids, now.minus(WHILE), now).await
}

/// Ends the question about a company that was made meanwhile, if the link's company is one that took it up.
pub(crate) async fn end_absorbed(
    tx: &mut Tx,
    link: LinkId,
    record: RecordId,
    absorbed: &[String],
    now: Time,
) -> mittler_store::Result<()> {
    let question = made_meanwhile(link);
    let open = tx.open_reviews_of(record).await?.into_iter().find(|review| review.id == question);
    if open.is_some_and(|review| Question::of(&review).remotes.iter().any(|it| absorbed.contains(&it.remote_id))) {
        end(tx, link, now).await?;
    }
    Ok(())
}

/// Ends the question about a company that was made meanwhile: the two have become one there.
pub(crate) async fn end(tx: &mut Tx, link: LinkId, now: Time) -> mittler_store::Result<bool> {
    tx.answer(made_meanwhile(link), &json!({ "answer": "merged_there" }), now).await
}

/// Those of the ids that no link holds.
async fn unknown(
    pusher: &Pusher,
    connection: &Connection,
    remote_type: &str,
    mut ids: Vec<String>,
) -> Result<Vec<String>, Stopped> {
    if !ids.is_empty() {
        let known = pusher.store.links_by_remote(connection.id, remote_type, &ids).await?;
        ids.retain(|id| !known.iter().any(|link| link.remote_id == *id));
    }
    Ok(ids)
}

fn is_there(record: &RemoteRecord) -> bool {
    !record.gone && record.successor.is_none()
}

fn facts_of(object: &Object, record: &RemoteRecord) -> Facts {
    Facts::of_said(&object.lift(&record.fields, &Fields::default()))
}

/// By what two companies may be one; `None` if nothing says so, or something speaks against it.
fn meet(ours: &Facts, theirs: &Facts) -> Option<KeyType> {
    let key = if ours.domain.is_some() && ours.domain == theirs.domain {
        KeyType::Domain
    } else if ours.company_core.is_some() && ours.company_core == theirs.company_core {
        KeyType::CompanyName
    } else {
        return None;
    };
    let candidate = Candidate { record: RecordId(Uuid::nil()), met_by: vec![key], facts: theirs.clone() };
    (decide(Kind::Organisation, ours, &[candidate]) != Decision::New).then_some(key)
}

fn ask(connection: &Connection, link: &Known, object: &Object, other: &str, now: Time) -> NewReview {
    NewReview {
        id: made_meanwhile(LinkId(link.id)),
        question: "remote_duplicate".into(),
        record: link.record,
        connection: Some(connection.id.0),
        candidates: json!({ "remote_type": object.remote, "ids": [link.remote_id, other] }),
        reason: "made_meanwhile".into(),
        asked_at: now.0,
    }
}
