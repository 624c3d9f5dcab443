//! One batch of links of one remote type: resolve, plan, gate, intend, call, receive.

use std::collections::{BTreeMap, HashMap, HashSet};

use mittler_connector::{Error as CrmError, KeyForm, KindProfile, OwnKey, Write};
use mittler_core::{
    Field, Kind, RecordId, RemoteFields, Time, Value,
    mapping::{Object, Wanted, fit},
    plan::{self, HeldField},
};
use mittler_store::{
    derived_id,
    links::{Leased, NewIntent, Receipt, Settled},
    reviews::NewReview,
};
use uuid::Uuid;

use crate::{
    connections::Connection,
    gate::{Gate, Passage, gate},
    outcome::Written,
    push::{Pusher, Stopped},
};

/// A batch under one lease.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    pub pusher: &'a Pusher,
    pub connection: &'a Connection,
    /// When the lease ends: a write that could outlast it is not begun.
    pub deadline: Time,
}

/// One link on its way.
#[derive(Debug, Clone)]
pub struct Item {
    pub leased: Leased,
    /// What the CRM last showed of an adopted record; for fill-empty.
    pub planned: RemoteFields,
    pub creates: bool,
    pub intent: Uuid,
    /// Part of the plan that the gate held.
    pub held: Vec<(String, HeldField)>,
}

/// The result of planning one link.
enum Planned {
    Write(Item),
    /// Nothing differs, or nothing may go: settled without a call.
    Settle(Box<Receipt>),
    /// Not yet.
    Wait(Leased, Time, &'static str),
}

pub type Run<T> = std::result::Result<T, Stopped>;

impl Batch<'_> {
    pub async fn run(&self, leased: Vec<Leased>) -> Run<()> {
        let all: Vec<_> = leased.iter().map(|link| (link.id, link.epoch)).collect();
        match self.attempt(leased).await {
            Ok(()) => Ok(()),
            Err(Stopped::Crm(error)) => {
                // Nothing was written for what is still leased: give it back for later.
                let next = self.pusher.clock.now().plus(std::time::Duration::from_millis(200));
                let code = error.code().to_owned();
                self.pusher.store.write(async move |tx| tx.release_links(&all, next, Some(&code)).await).await?;
                Err(Stopped::Crm(error))
            }
            stopped => stopped,
        }
    }

    /// A lease is of one remote type; its records may be of several objects of that type.
    async fn attempt(&self, leased: Vec<Leased>) -> Run<()> {
        let mut rest = leased;
        while let Some(first) = rest.first() {
            let object = self.object(first);
            let (part, others) = rest.into_iter().partition(|link| match (self.object(link), object) {
                (Some(one), Some(other)) => std::ptr::eq(one, other),
                (one, other) => one.is_none() && other.is_none(),
            });
            rest = others;
            match object {
                Some(object) => self.attempt_object(object, part).await?,
                None => self.settle_unmapped(part).await?,
            }
        }
        Ok(())
    }

    fn object(&self, link: &Leased) -> Option<&Object> {
        self.connection.mapping.object_for(&link.remote_type, &link.fields)
    }

    async fn attempt_object(&self, object: &Object, leased: Vec<Leased>) -> Run<()> {
        let profile = self.profile(&object.remote)?;
        let leased = self.resolve(object, profile, leased).await?;
        if leased.is_empty() {
            return Ok(());
        }
        let planned = self.plan(object, profile, leased).await?;
        let items = self.intend(object, planned).await?;
        self.call(object, profile, items).await
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
    async fn settle_unmapped(&self, leased: Vec<Leased>) -> Run<()> {
        let receipts: Vec<Receipt> = leased.iter().map(|link| settled(link, Some("unmapped"), None)).collect();
        self.pusher.store.write(async move |tx| tx.put_receipts(&receipts).await.map(|_| ())).await?;
        Ok(())
    }

    async fn plan(&self, object: &Object, profile: &KindProfile, leased: Vec<Leased>) -> Run<Vec<Planned>> {
        let wanted: Vec<Wanted> = leased.iter().map(|link| object.project(&link.fields)).collect();
        let owners = self.owners(object, &leased, &wanted).await?;
        let ids: HashSet<RecordId> = wanted.iter().flat_map(|wanted| wanted.references().map(|(_, id)| id)).collect();
        let ids: Vec<RecordId> = ids.into_iter().collect();
        let counterparts = if ids.is_empty() {
            HashMap::new()
        } else {
            let found = self.pusher.store.counterparts(self.connection.id, &ids).await?;
            found.into_iter().map(|it| (RecordId(it.record), (it.remote_type, it.remote_id))).collect()
        };
        let schema = self.connection.schema(&object.remote, self.now()).await?;
        let (mut planned, mut reviews) = (Vec::with_capacity(leased.len()), Vec::new());
        for (mut link, mut wanted) in leased.into_iter().zip(wanted) {
            // The mode is asked anew each time; what it held yesterday may go today.
            link.held.retain(|_, held| held.code != "mode" && held.code != "owner_unknown");
            let complete = fill_references(&mut wanted, &counterparts);
            for name in &wanted.owner {
                let Some(owner) = link.fields.text(&Field::OWNER).map(str::to_owned) else { continue };
                if let Some(id) = owners.get(&owner) {
                    wanted.fields.set(name.clone(), Value::RemoteRef(id.clone()));
                } else if owner.contains('@')
                    && !link.sent.0.contains_key(name)
                    && (link.remote_id.is_none() || !wanted.create_only.contains(name))
                {
                    // Asked for, and not there. A queue is another matter: not every type takes one.
                    let hash = plan::value_hash(&Some(Value::Text(owner)));
                    let reason = "the CRM has no active user with this address".to_owned();
                    link.held.insert(name.clone(), HeldField { code: "owner_unknown".into(), reason, hash });
                    reviews.push(self.ask_owner(&link));
                }
            }
            fit(&mut wanted.fields, &schema);
            let needs = matches!(profile.kind, Kind::Participation | Kind::Activity | Kind::Association);
            planned.push(if needs && !complete {
                Planned::Settle(Box::new(settled(&link, Some("need_refused"), None)))
            } else {
                self.plan_one(object, profile, link, &wanted)
            });
        }
        if !reviews.is_empty() {
            self.pusher.store.write(async move |tx| tx.ask(&reviews).await).await?;
        }
        Ok(planned)
    }

    fn ask_owner(&self, link: &Leased) -> NewReview {
        NewReview {
            id: derived_id(&[b"review", link.id.0.as_bytes(), b"owner_unknown"]),
            question: "owner_unknown".into(),
            record: link.record.0,
            connection: Some(self.connection.id.0),
            candidates: serde_json::json!({ "remote_type": link.remote_type }),
            reason: "owner_unknown".into(),
            asked_at: self.now().0,
        }
    }

    fn plan_one(&self, object: &Object, profile: &KindProfile, link: Leased, wanted: &Wanted) -> Planned {
        let creates = link.remote_id.is_none() || !profile.updatable;
        if creates && link.remote_id.is_none() && !object.create {
            return Planned::Settle(Box::new(settled(&link, Some("not_found_there"), None)));
        }
        if let Some(open) = &link.open_intent
            && open.operation == "create"
            && profile.own_key == OwnKey::None
            && !profile.keys.contains(&KeyForm::Pair)
        {
            // A create that the CRM would not recognise: wait until it would show, then look.
            let profile = self.connection.connector.profile();
            let visible = open.begun_at.plus(profile.call_timeout + profile.visibility_lag);
            if visible > self.now() {
                return Planned::Wait(link, visible, "outcome_unknown");
            }
        }
        let mut projected = wanted.fields.clone();
        if link.remote_id.is_some() {
            for name in &wanted.create_only {
                match link.sent.0.get(name) {
                    Some(sent) => _ = projected.0.insert(name.clone(), sent.clone()),
                    None => _ = projected.0.remove(name),
                }
            }
            if let OwnKey::Field(field) = &profile.own_key {
                projected.set(field.clone(), Value::Text(link.record.to_string()));
            }
        } else if let Some(open) = link.open_intent.as_ref().filter(|open| open.operation == "create") {
            // What is told once was perhaps told already: the repetition must say the same, or a CRM
            // that knows the record by it would make a second one.
            for name in &wanted.create_only {
                if let Some(told) = open.fields.0.get(name) {
                    projected.0.insert(name.clone(), told.clone());
                }
            }
        }
        let differs = plan::plan(&projected, &link.sent, &link.held);
        if differs.is_empty() && link.remote_id.is_some() {
            return Planned::Settle(Box::new(settled(&link, None, None)));
        }
        // A repeated call of a kind that cannot be updated says everything again.
        let planned = if creates {
            let mut all = projected;
            all.0.retain(|name, value| {
                value.is_some() && link.held.get(name).is_none_or(|held| held.hash != plan::value_hash(value))
            });
            all
        } else {
            differs
        };
        let intent = self.pusher.id();
        Planned::Write(Item { leased: link, planned, creates, intent, held: Vec::new() })
    }

    async fn owners(&self, object: &Object, leased: &[Leased], wanted: &[Wanted]) -> Run<HashMap<String, String>> {
        let names: Vec<String> = leased
            .iter()
            .zip(wanted)
            .filter(|(link, wanted)| {
                let sent = wanted.owner.iter().all(|name| link.sent.0.contains_key(name));
                !wanted.owner.is_empty() && (link.remote_id.is_none() || !sent)
            })
            .filter_map(|(link, _)| link.fields.text(&Field::OWNER).map(str::to_owned))
            .collect();
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        Ok(self.connection.owners(&object.remote, &names, self.now()).await?)
    }

    /// The gate and the intents, in one transaction that also settles what needs no call.
    async fn intend(&self, object: &Object, planned: Vec<Planned>) -> Run<Vec<Item>> {
        let (mut items, mut receipts, mut waits) = (Vec::new(), Vec::new(), Vec::new());
        for one in planned {
            match one {
                Planned::Write(item) => items.push(item),
                Planned::Settle(receipt) => receipts.push(*receipt),
                Planned::Wait(link, until, code) => waits.push(((link.id, link.epoch), until, code)),
            }
        }
        let (connection, mode, now) = (self.connection.id, self.connection.mode, self.now());
        let keys = self.pusher.keys.clone();
        let remote = object.remote.clone();
        let items = self
            .pusher
            .store
            .write(async move |tx| {
                let entries: Vec<Vec<(Uuid, &'static str)>> =
                    items.iter().map(|item| keys.suppressions_of(&item.leased.fields)).collect();
                let all: Vec<Uuid> = entries.iter().flatten().map(|(hmac, _)| *hmac).collect();
                let suppressed: HashSet<Uuid> =
                    if all.is_empty() { HashSet::new() } else { tx.suppressed(&all).await?.into_iter().collect() };
                let leases: Vec<_> = items.iter().map(|item| (item.leased.id, item.leased.epoch)).collect();
                let ours: HashSet<_> = if leases.is_empty() {
                    HashSet::new()
                } else {
                    tx.still_leased(&leases, now).await?.into_iter().collect()
                };
                let mut receipts = receipts;
                let mut pass = Vec::new();
                for (mut item, entries) in items.into_iter().zip(&entries) {
                    if !ours.contains(&item.leased.id) {
                        continue;
                    }
                    let passage = Passage {
                        mode,
                        creates: item.creates,
                        shown: &item.leased.sent,
                        entries,
                        suppressed: &suppressed,
                    };
                    match gate(&passage, std::mem::take(&mut item.planned)) {
                        Gate::Open { fields, held } if fields.is_empty() && !item.creates => {
                            receipts.push(settled(&item.leased, None, Some(held)));
                        }
                        Gate::Open { fields, held } => {
                            item.planned = fields;
                            item.held = held;
                            pass.push(item);
                        }
                        Gate::Shut { code } => receipts.push(settled(&item.leased, Some(code), None)),
                    }
                }
                let superseded: Vec<Settled> = pass
                    .iter()
                    .filter_map(|item| item.leased.open_intent.as_ref())
                    .map(|open| Settled { id: open.id, outcome: "unknown".into(), code: Some("superseded".into()) })
                    .collect();
                if !superseded.is_empty() {
                    tx.settle_intents(&superseded, now).await?;
                }
                let intents: Vec<NewIntent> = pass
                    .iter()
                    .map(|item| NewIntent {
                        id: item.intent,
                        link: item.leased.id.0,
                        connection: connection.0,
                        epoch: item.leased.epoch,
                        operation: if item.creates { "create".into() } else { "update".into() },
                        remote_type: remote.clone(),
                        fields: item.planned.clone(),
                        before: before(&item.leased.sent, &item.planned),
                        begun_at: now.0,
                    })
                    .collect();
                if !intents.is_empty() {
                    tx.put_intents(&intents).await?;
                }
                if !receipts.is_empty() {
                    tx.put_receipts(&receipts).await?;
                }
                for (lease, until, code) in waits {
                    tx.release_links(&[lease], until, Some(code)).await?;
                }
                Ok(pass)
            })
            .await?;
        Ok(items)
    }

    async fn call(&self, object: &Object, profile: &KindProfile, items: Vec<Item>) -> Run<()> {
        let (creates, updates): (Vec<Item>, Vec<Item>) = items.into_iter().partition(|item| item.creates);
        let mut first = None;
        for part in [creates, updates] {
            if part.is_empty() {
                continue;
            }
            let written = self.write(&object.remote, profile, part).await;
            if let Some(error) = self.receive(object, profile, written).await? {
                first.get_or_insert(error);
            }
        }
        first.map_or(Ok(()), |error| Err(Stopped::Crm(error)))
    }

    /// Calls, and bisects what is refused as a whole. Every item comes back with what is known of
    /// it.
    async fn write(&self, remote_type: &str, profile: &KindProfile, items: Vec<Item>) -> Vec<(Item, Written)> {
        let mut todo = vec![items];
        let mut done = Vec::new();
        while let Some(part) = todo.pop() {
            let longest = self.connection.connector.profile().call_timeout;
            if self.now().plus(longest) > self.deadline {
                done.extend(part.into_iter().map(|item| (item, Written::NotBegun)));
                continue;
            }
            let writes: Vec<Write> = part.iter().map(|item| Self::as_write(profile, item)).collect();
            match self.connection.connector.push(remote_type, &writes).await {
                Ok(outcomes) => {
                    let mut by_tag: HashMap<Uuid, _> =
                        outcomes.into_iter().map(|outcome| (outcome.tag, outcome.result)).collect();
                    done.extend(part.into_iter().map(|item| {
                        let result = by_tag.remove(&item.intent);
                        (item, result.map_or(Written::Unknown("no_outcome".into()), Written::Row))
                    }));
                }
                Err(CrmError::BatchRefused { .. }) if part.len() > 1 => {
                    let mut left = part;
                    let right = left.split_off(left.len() / 2);
                    todo.push(right);
                    todo.push(left);
                }
                Err(CrmError::BatchRefused { code, message, fields }) => {
                    let refusal = mittler_connector::Refusal { code, message, fields };
                    done.extend(
                        part.into_iter()
                            .map(|item| (item, Written::Row(mittler_connector::RowResult::Refused(refusal.clone())))),
                    );
                }
                Err(CrmError::Unknown { code }) => {
                    done.extend(part.into_iter().map(|item| (item, Written::Unknown(code.clone()))));
                }
                Err(error) => {
                    done.extend(part.into_iter().map(|item| (item, Written::Nothing(error.clone()))));
                    for rest in todo.drain(..) {
                        done.extend(rest.into_iter().map(|item| (item, Written::Nothing(error.clone()))));
                    }
                }
            }
        }
        done
    }

    fn as_write(profile: &KindProfile, item: &Item) -> Write {
        let fields = item.planned.clone();
        match &item.leased.remote_id {
            Some(id) if profile.updatable => Write::Update { tag: item.intent, id: id.clone(), fields },
            _ => Write::Create { tag: item.intent, own_key: item.leased.record.to_string(), fields },
        }
    }
}

/// Puts remote ids in the place of references. Says whether all that a paired record or an
/// activity needs is there: each referenced record at least once.
fn fill_references(wanted: &mut Wanted, counterparts: &HashMap<RecordId, (String, Option<String>)>) -> bool {
    let references: Vec<(String, RecordId)> = wanted.references().map(|(name, id)| (name.to_owned(), id)).collect();
    let mut filled: BTreeMap<RecordId, bool> = references.iter().map(|(_, id)| (*id, false)).collect();
    for (name, id) in references {
        let allowed = wanted.reference_to.get(&name).map_or(&[][..], Vec::as_slice);
        let found = counterparts
            .get(&id)
            .filter(|(remote_type, _)| allowed.is_empty() || allowed.contains(remote_type))
            .and_then(|(_, remote_id)| remote_id.clone());
        match found {
            Some(remote_id) => {
                wanted.fields.set(name, Value::RemoteRef(remote_id));
                filled.insert(id, true);
            }
            None => _ = wanted.fields.0.remove(&name),
        }
    }
    filled.values().all(|is| *is)
}

/// The values that a plan replaces.
fn before(sent: &RemoteFields, planned: &RemoteFields) -> RemoteFields {
    planned.0.keys().filter_map(|name| Some((name.clone(), sent.0.get(name)?.clone()))).collect()
}

/// A receipt for a link that needs no call.
pub fn settled(link: &Leased, code: Option<&str>, held: Option<Vec<(String, HeldField)>>) -> Receipt {
    let mut all = link.held.clone();
    all.extend(held.unwrap_or_default());
    Receipt {
        id: link.id.0,
        epoch: link.epoch,
        remote_type: link.remote_type.clone(),
        remote_id: link.remote_id.clone(),
        sent: link.sent.clone(),
        held: all,
        settled: 1,
        next_at: 0,
        attempt: 0,
        state: "open".into(),
        code: code.map(str::to_owned),
        reason: None,
        written_at: 0,
    }
}
