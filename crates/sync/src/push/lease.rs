//! The gate, and the intents of a call: committed before its bytes are sent.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use mittler_core::{
    LinkId, RecordId, Time,
    mapping::Object,
    plan::{self},
};
use mittler_store::{
    intents::Intent,
    leases::{Lease, Receipt},
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    bounds::subject,
    push::{
        batch::Batch,
        gate::{Gate, WriteRequest, gate},
        item::{Call, Item, Planned, ended, settled, superseded},
        pusher::Run,
    },
};

/// A link that waits: as it was read, until when, and why.
type Waiting = ((LinkId, i64), Time, &'static str);

impl Batch {
    /// The gate and the intents, in one transaction that also settles what needs no call.
    pub(super) async fn intend(&self, object: &Object, planned: Vec<Planned>, kept_out: bool) -> Run<Vec<Call>> {
        let (mut items, mut receipts, mut waits, mut ends) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for one in planned {
            match one {
                Planned::Write(item) => items.push(item),
                Planned::Settle(receipt, open) => {
                    ends.extend(open.map(|open| ended(open, receipt.id)));
                    receipts.push(*receipt);
                }
                Planned::Wait(link, until, code) => waits.push(((link.id, link.epoch), until, code)),
            }
        }
        let (connection, mode, now) = (self.connection.id, self.connection.mode, self.now());
        let lasts = self.pusher.lease_time(&self.connection);
        let deadline = Instant::now() + lasts;
        let lease = |id| Lease { id, connection, until: now.plus(lasts) };
        let leases = [lease(self.pusher.id()), lease(self.pusher.id()), lease(self.pusher.id())];
        let remote = object.remote.clone();
        let own_key = self.profile(&object.remote)?.own_key.field().map(str::to_owned);
        let (bounds, alone, guards) = (self.connection.bounds.clone(), Arc::clone(&self.alone), self.pusher.guards);
        let parts = self
            .pusher
            .store
            .write(async move |tx| {
                if !alone.hold(tx, now).await? {
                    return Ok(None);
                }
                let read = items.iter().map(|item: &Item| (item.link.id, item.link.epoch));
                let rest = receipts.iter().map(Receipt::of);
                let read: Vec<_> = read.chain(rest).chain(waits.iter().map(|(read, _, _): &Waiting| *read)).collect();
                let holding = tx.hold_links(&read).await?;
                let (somebody_is, any_restricted) = tx.exceptions().await?;
                if !kept_out && somebody_is {
                    // Somebody is since the links were read: all of it is done anew, with a look at who they are about.
                    return Ok(Some([Vec::new(), Vec::new(), Vec::new()]));
                }
                let all: Vec<Uuid> = items.iter().flat_map(|item| &item.entries).map(|(hmac, _)| *hmac).collect();
                let suppressed: HashSet<Uuid> =
                    if all.is_empty() { HashSet::new() } else { tx.suppressed(&all).await?.into_iter().collect() };
                let people: BTreeSet<RecordId> = items.iter().filter_map(|item| subject(&item.link)).collect();
                let restricted = if people.is_empty() || !any_restricted {
                    BTreeSet::new()
                } else {
                    tx.restricted(&people.into_iter().collect::<Vec<_>>()).await?
                };
                let allowed = bounds.fields_of(&remote);
                let (mut receipts, mut ends) = (receipts, ends);
                let mut parts = [Vec::new(), Vec::new(), Vec::new()];
                for mut item in items {
                    if !holding.has(item.link.id) {
                        // Forgotten, or another's meanwhile.
                        continue;
                    }
                    let shown = plan::apply(&item.link.seen, &item.link.sent);
                    let passage = WriteRequest {
                        mode,
                        creates: item.creates,
                        archives: item.archives(),
                        shown: &shown,
                        entries: &item.entries,
                        suppressed: &suppressed,
                        restricted: subject(&item.link).is_some_and(|person| restricted.contains(&person)),
                        within: item.within,
                        allowed: allowed.as_ref(),
                        own_key: own_key.as_deref(),
                    };
                    ends.extend(superseded(&item.link));
                    match gate(&passage, std::mem::take(&mut item.planned)) {
                        Gate::Open { fields, held } if fields.is_empty() && !item.creates && !item.archives() => {
                            receipts.push(settled(&item.link, None, Some(held)));
                        }
                        Gate::Open { fields, held } => {
                            item.planned = fields;
                            item.held = held;
                            item.begun_at = now;
                            parts[if item.archives() { 2 } else { usize::from(!item.creates) }].push(item);
                        }
                        Gate::Shut { code } => receipts.push(settled(&item.link, Some(code), None)),
                    }
                }
                for (mut item, measure) in guards.hold_writes(tx, (connection, &remote), &mut parts, now).await? {
                    item.hold(measure);
                    receipts.push(settled(&item.link, Some(measure.name()), Some(item.held)));
                }
                tx.settle_intents(&holding, &ends, now).await?;
                for (part, lease) in parts.iter().zip(leases).filter(|(part, _)| !part.is_empty()) {
                    let writes: Vec<Intent> = part.iter().map(|item| item.as_intent(connection, &remote)).collect();
                    tx.begin_lease(lease, &writes).await?;
                }
                tx.put_receipts(&holding, &receipts).await?;
                for (link, until, code) in waits {
                    tx.release_links(&holding, &[link], until, Some(code)).await?;
                }
                Ok(Some(parts))
            })
            .await?
            .unwrap_or_default();
        let calls = parts.into_iter().zip(leases).filter(|(items, _)| !items.is_empty());
        Ok(calls.map(|(items, lease)| Call { lease: lease.id, deadline, items }).collect())
    }
}
