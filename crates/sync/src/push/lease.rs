//! The gate, and the intents of a call: committed before its bytes are sent.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use mittler_core::{
    ConnectionId, LinkId, RecordId, Time,
    mapping::Object,
    plan::{self},
};
use mittler_store::{
    Result, Tx,
    intents::{Intent, Settled},
    leases::{Lease, LockedLinks, Receipt},
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    bounds::{Bounds, subject},
    guard::Guards,
    mode::Mode,
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
        let lasts = self.pusher.lease_time(&self.connection);
        let deadline = Instant::now() + lasts;
        let (connection, now) = (self.connection.id, self.now());
        let lease = |id| Lease { id, connection, until: now.plus(lasts) };
        let leases = [lease(self.pusher.id()), lease(self.pusher.id()), lease(self.pusher.id())];
        let intending = Intending {
            connection,
            remote_type: object.remote.clone(),
            own_key: self.profile(&object.remote)?.own_key.field().map(str::to_owned),
            mode: self.connection.mode,
            bounds: self.connection.bounds.clone(),
            guards: self.pusher.guards,
            now,
            items,
            receipts,
            ends,
            waits,
            leases,
        };
        let alone = Arc::clone(&self.alone);
        let parts = self
            .pusher
            .store
            .write(
                async move |tx| {
                    if alone.hold(tx, now).await? { intending.commit(tx, kept_out).await } else { Ok(None) }
                },
            )
            .await?
            .unwrap_or_default();
        let calls = parts.into_iter().zip(leases).filter(|(items, _)| !items.is_empty());
        Ok(calls.map(|(items, lease)| Call { lease: lease.id, deadline, items }).collect())
    }
}

/// What is about to be written to one remote type: creates, updates and removals, a call each.
type Parts = [Vec<Item>; 3];

/// A batch on its way through the gate.
#[derive(Clone)]
struct Intending {
    connection: ConnectionId,
    remote_type: String,
    own_key: Option<String>,
    mode: Mode,
    bounds: Bounds,
    guards: Guards,
    now: Time,
    items: Vec<Item>,
    receipts: Vec<Receipt>,
    ends: Vec<Settled>,
    waits: Vec<Waiting>,
    leases: [Lease; 3],
}

impl Intending {
    /// Commits what may go as the leases of calls, and settles the rest; `None` if nothing may be begun.
    async fn commit(mut self, tx: &mut Tx, kept_out: bool) -> Result<Option<Parts>> {
        let read = self.items.iter().map(|item| (item.link.id, item.link.epoch));
        let rest = self.receipts.iter().map(Receipt::of);
        let read: Vec<_> = read.chain(rest).chain(self.waits.iter().map(|(read, _, _)| *read)).collect();
        let holding = tx.hold_links(&read).await?;
        let (somebody_is, any_restricted) = tx.exceptions().await?;
        if !kept_out && somebody_is {
            // Somebody is since the links were read: all of it is done anew, with a look at who they are about.
            return Ok(None);
        }
        let mut parts = self.pass(tx, &holding, any_restricted).await?;
        let (connection, now) = (self.connection, self.now);
        for (mut item, measure) in self.guards.hold_writes(tx, (connection, &self.remote_type), &mut parts, now).await?
        {
            item.hold(measure);
            self.receipts.push(settled(&item.link, Some(measure.name()), Some(item.held)));
        }
        tx.settle_intents(&holding, &self.ends, now).await?;
        for (part, lease) in parts.iter().zip(self.leases).filter(|(part, _)| !part.is_empty()) {
            let writes: Vec<Intent> = part.iter().map(|item| item.as_intent(connection, &self.remote_type)).collect();
            tx.begin_lease(lease, &writes).await?;
        }
        tx.put_receipts(&holding, &self.receipts).await?;
        for (link, until, code) in self.waits {
            tx.release_links(&holding, &[link], until, Some(code)).await?;
        }
        Ok(Some(parts))
    }

    /// Asks the gate about each item. Suppression and restriction are read in this transaction, after the locks.
    async fn pass(&mut self, tx: &mut Tx, holding: &LockedLinks, any_restricted: bool) -> Result<Parts> {
        let items = std::mem::take(&mut self.items);
        let all: Vec<Uuid> = items.iter().flat_map(|item| &item.entries).map(|(hmac, _)| *hmac).collect();
        let suppressed: HashSet<Uuid> =
            if all.is_empty() { HashSet::new() } else { tx.suppressed(&all).await?.into_iter().collect() };
        let people: BTreeSet<RecordId> = items.iter().filter_map(|item| subject(&item.link)).collect();
        let restricted = if people.is_empty() || !any_restricted {
            BTreeSet::new()
        } else {
            tx.restricted(&people.into_iter().collect::<Vec<_>>()).await?
        };
        let allowed = self.bounds.fields_of(&self.remote_type);
        let mut parts = Parts::default();
        // Who is not held any more is forgotten, or another's meanwhile.
        for mut item in items.into_iter().filter(|item| holding.has(item.link.id)) {
            let shown = plan::apply(&item.link.seen, &item.link.sent);
            let request = WriteRequest {
                mode: self.mode,
                creates: item.creates,
                archives: item.archives(),
                shown: &shown,
                entries: &item.entries,
                suppressed: &suppressed,
                restricted: subject(&item.link).is_some_and(|person| restricted.contains(&person)),
                within: item.within,
                allowed: allowed.as_ref(),
                own_key: self.own_key.as_deref(),
            };
            self.ends.extend(superseded(&item.link));
            match gate(&request, std::mem::take(&mut item.planned)) {
                Gate::Open { fields, held } if fields.is_empty() && !item.creates && !item.archives() => {
                    self.receipts.push(settled(&item.link, None, Some(held)));
                }
                Gate::Open { fields, held } => {
                    item.planned = fields;
                    item.held = held;
                    item.begun_at = self.now;
                    parts[if item.archives() { 2 } else { usize::from(!item.creates) }].push(item);
                }
                Gate::Shut { code } => self.receipts.push(settled(&item.link, Some(code), None)),
            }
        }
        Ok(parts)
    }
}
