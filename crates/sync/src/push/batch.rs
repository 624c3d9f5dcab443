//! One batch of links of one remote type: resolve, plan, gate, intend, call, receive.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use mittler_connector::{Error as CrmError, KindProfile};
use mittler_core::{Kind, LinkId, Time, mapping::Object};
use mittler_store::{
    Error as StoreError, connections::ConnectionState, due::DueLink, intents::Settled, leases::Receipt,
    reviews::NewReview,
};
use uuid::Uuid;

use crate::{
    connections::{Connection, WRONG_ACCOUNT},
    lookups,
    push::{
        item::{CLOSED, Item, Planned, settled, superseded},
        pusher::{Pusher, Run, Stopped},
        pusher_lease::PusherLease,
        stages::Stages,
    },
};

/// What brings a batch of links up to date.
#[derive(Clone)]
pub struct Batch {
    pub pusher: Pusher,
    pub connection: Arc<Connection>,
    pub alone: Arc<PusherLease>,
}

/// Within this time after a write of ours nobody else is taken to have changed the record. No longer: somebody
/// who sees what we wrote may put it right at once, and their hook may be lost.
const RECENT: Duration = Duration::from_secs(1);

impl Batch {
    /// Brings links up to date.
    pub async fn run(&self, links: Vec<Uuid>) -> Run<()> {
        let (due, kept_out) = self.pusher.store.due_links(&links, self.now()).await?;
        self.attempt_parts(due, kept_out).await
    }

    /// A read that is refused for one of the links is refused for all: then the halves go by themselves.
    async fn attempt_parts(&self, due: Vec<DueLink>, kept_out: bool) -> Run<()> {
        let mut todo = vec![due];
        while let Some(mut part) = todo.pop() {
            let mut ended = self.attempt(part.clone(), kept_out).await;
            if let Err(Stopped::Crm(CrmError::TooBroad { code })) = &ended
                && code != lookups::TOO_SLOW
                && !self.connection.is_there().await
            {
                ended = Err(Stopped::Crm(CrmError::Unavailable { code: code.clone(), retry_after: None }));
            }
            match ended {
                Ok(()) => {}
                Err(Stopped::Crm(CrmError::TooBroad { .. } | CrmError::BatchRefused { .. })) if part.len() > 1 => {
                    let half = part.split_off(part.len() / 2);
                    todo.extend([half, part]);
                }
                Err(Stopped::Crm(CrmError::TooBroad { .. })) => {
                    self.release(&part, self.now().plus(lookups::LEFT), lookups::TOO_SLOW).await?;
                }
                Err(Stopped::Crm(CrmError::BatchRefused { code, message, .. })) => {
                    // Nothing says that a write would be refused, too: it is looked for again.
                    let until = self.now().plus(CLOSED);
                    self.release(&part, until, &code).await?;
                    self.pusher
                        .note_state(&self.connection, ConnectionState::Misconfigured, &code, Some(message), until)
                        .await?;
                }
                Err(Stopped::Crm(CrmError::Configuration { code, message })) if code != WRONG_ACCOUNT => {
                    let remote_type = part.first().map(|link| link.remote_type.clone()).unwrap_or_default();
                    self.release(&part, self.now().plus(CLOSED), &code).await?;
                    self.close_type(&remote_type, &code, &message).await?;
                }
                Err(Stopped::Crm(error)) => {
                    // Nothing was written for what is left: it is for later.
                    todo.push(part);
                    let next = self.now().plus(Duration::from_millis(200));
                    self.release(&todo.concat(), next, error.code()).await?;
                    return Err(Stopped::Crm(error));
                }
                stopped => return stopped,
            }
        }
        Ok(())
    }

    pub(crate) async fn release(&self, links: &[DueLink], next: Time, code: &str) -> Run<()> {
        let all: Vec<_> = links.iter().map(|link| (link.id, link.epoch)).collect();
        let code = code.to_owned();
        self.pusher
            .store
            .write(async move |tx| {
                let holding = tx.hold_links(&all).await?;
                tx.release_links(&holding, &all, next, Some(&code)).await
            })
            .await?;
        Ok(())
    }

    /// Writes receipts of links that nobody else has written meanwhile; who went without a record that is
    /// there now is told of it.
    pub(crate) async fn settle(
        &self,
        receipts: Vec<Receipt>,
        ends: Vec<Settled>,
        reviews: Vec<NewReview>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let there: HashSet<LinkId> =
            receipts.iter().filter(|receipt| receipt.remote_id.is_some()).map(|receipt| LinkId(receipt.id)).collect();
        self.pusher
            .store
            .write(async move |tx| {
                let read: Vec<_> = receipts.iter().map(Receipt::of).collect();
                let holding = tx.hold_links(&read).await?;
                tx.settle_intents(&holding, &ends, now).await?;
                let mut written = tx.put_receipts(&holding, &receipts).await?;
                written.retain(|link| there.contains(link));
                tx.want_dependants(&written).await?;
                tx.ask(&reviews).await
            })
            .await
    }

    /// The CRM is closed to one remote type until an administrator acts; the others go on.
    pub(crate) async fn close_type(&self, remote_type: &str, code: &str, message: &str) -> Run<()> {
        let until = self.now().plus(CLOSED);
        // What it was closed for may be something that the CRM described and does not have any more.
        self.connection.forget_schema(remote_type);
        self.connection.close_type(remote_type, until, code);
        let reason = Some(format!("{remote_type}: {message}"));
        self.pusher.note_state(&self.connection, ConnectionState::Misconfigured, code, reason, until).await?;
        Ok(())
    }

    /// A batch is of one remote type; its records may be of several objects of that type.
    async fn attempt(&self, due: Vec<DueLink>, kept_out: bool) -> Run<()> {
        let mut rest = due;
        while let Some(first) = rest.first() {
            let object = self.object(first);
            let (part, others) = rest.into_iter().partition(|link| match (self.object(link), object) {
                (Some(one), Some(other)) => std::ptr::eq(one, other),
                (one, other) => one.is_none() && other.is_none(),
            });
            rest = others;
            match object {
                Some(object) => self.attempt_object(object, part, kept_out).await?,
                None => self.settle_unmapped(part).await?,
            }
        }
        Ok(())
    }

    fn object(&self, link: &DueLink) -> Option<&Object> {
        self.connection.mapping.object_for(&link.remote_type, &link.fields)
    }

    async fn attempt_object(&self, object: &Object, due: Vec<DueLink>, kept_out: bool) -> Run<()> {
        let profile = self.profile(&object.remote)?;
        let mut stages = Stages::plan(&self.connection, &due);
        // What a look could not show yet has not been looked for, however long the look takes.
        let looked_at = self.now();
        let due = self.resolve(object, profile, due).await?;
        if due.is_empty() {
            return Ok(());
        }
        let (planned, unmet) = self.plan(object, profile, due, (looked_at, kept_out)).await?;
        let mut planned = self.read_before_update(object, profile, planned, kept_out).await?;
        if profile.kind == Kind::Person {
            self.ask_about_namesakes(object, &planned).await?;
        }
        self.bound(planned.iter_mut().filter_map(Planned::item).collect()).await?;
        stages.end_planned(&planned);
        let calls = self.intend(object, planned, kept_out).await?;
        let called = self.call(object, profile, calls).await;
        // Once all is settled: what comes along wakes those that say that they wait.
        self.include_dependencies(&unmet).await?;
        called
    }

    /// Updates of what was not written just now are planned against what the CRM shows: somebody may have put
    /// right there what a list of yesterday would set back, and no pull has told of it yet.
    async fn read_before_update(
        &self,
        object: &Object,
        profile: &KindProfile,
        mut planned: Vec<Planned>,
        kept_out: bool,
    ) -> Run<Vec<Planned>> {
        let read = self.connection.connector.profile().feed_of(&object.remote).is_some()
            && matches!(profile.kind, Kind::Person | Kind::Organisation);
        if !read || !self.connection.mode.takes() {
            return Ok(planned);
        }
        let recent = self.now().minus(RECENT).0;
        let old = |item: &Item| {
            !item.creates && !item.archives() && item.link.open_intent.is_none() && item.link.written_at < recent
        };
        let items = planned.iter_mut().filter_map(Planned::item);
        let read: BTreeMap<Uuid, (i64, Option<String>)> = items
            .filter(|item| old(item))
            .map(|item| (item.link.id.0, (item.link.epoch, item.link.remote_id.clone())))
            .collect();
        if read.is_empty() {
            return Ok(planned);
        }
        let ids: Vec<String> = read.values().filter_map(|(_, remote_id)| remote_id.clone()).collect();
        self.pusher.read_in(&self.connection, &object.remote, &ids, None).await?;
        let links: Vec<Uuid> = read.keys().copied().collect();
        let (due, _) = self.pusher.store.due_links(&links, self.now()).await?;
        let unchanged: HashSet<Uuid> =
            due.iter().filter(|link| read[&link.id.0].0 == link.epoch).map(|link| link.id.0).collect();
        planned.retain_mut(|one| {
            one.item().is_none_or(|item| !read.contains_key(&item.link.id.0) || unchanged.contains(&item.link.id.0))
        });
        // What is of another type now comes with that.
        let changed = due.into_iter().filter(|link| !unchanged.contains(&link.id.0));
        let changed: Vec<DueLink> = changed.filter(|link| link.remote_type == object.remote).collect();
        if !changed.is_empty() {
            // Nobody has looked for what may have been made of these.
            planned.extend(self.plan(object, profile, changed, (Time(0), kept_out)).await?.0);
        }
        Ok(planned)
    }

    pub(crate) fn profile(&self, remote_type: &str) -> Run<&KindProfile> {
        self.connection.connector.profile().kind(remote_type).ok_or_else(|| {
            Stopped::Crm(CrmError::Configuration {
                code: "remote_type_unknown".into(),
                message: format!("the mapping names {remote_type}, which this connector does not know"),
            })
        })
    }

    pub(crate) fn now(&self) -> Time {
        self.pusher.clock.now()
    }

    /// A mapping without this type any more: what is there stays there.
    async fn settle_unmapped(&self, due: Vec<DueLink>) -> Run<()> {
        let receipts: Vec<Receipt> = due.iter().map(|link| settled(link, Some("unmapped"), None)).collect();
        let ends: Vec<Settled> = due.iter().filter_map(superseded).collect();
        self.settle(receipts, ends, Vec::new()).await?;
        Ok(())
    }
}
