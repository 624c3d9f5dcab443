//! One batch of links of one remote type: resolve, plan, gate, intend, call, receive.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use mittler_connector::{Error as CrmError, Feed, Key, KeyForm, KindProfile, OwnKey, Write};
use mittler_core::{
    ConnectionId, Field, Fields, Kind, LinkId, RecordId, RemoteFields, RemoteSchema, RemoteValue, Time, Value,
    mapping::{Direction, Object, Rule, Wanted, fit},
    plan::{self, HeldField, Known},
};
use mittler_normalise::email::is_personal;
use mittler_store::{
    Error as StoreError, derived_id,
    due::DueLink,
    intents::{Intent, OpenIntent, Settled},
    leases::{Lease, Receipt},
    links::LinkCommand,
    reviews::NewReview,
};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::{
    alone::Alone,
    bounds::{Within, subject},
    connections::{Connection, WRONG_ACCOUNT},
    gate::{Gate, Passage, gate},
    guard::Measure,
    lookups,
    outcome::Written,
    push::{Pusher, Stopped},
};

/// What brings a batch of links up to date.
#[derive(Clone)]
pub struct Batch {
    pub pusher: Pusher,
    pub connection: Arc<Connection>,
    pub alone: Arc<Alone>,
}

/// What one call is to write.
struct Call {
    lease: Uuid,
    /// When the lease ends, by this process's own clock, which nobody sets: a write that could outlast it
    /// is not begun, and none goes on after it.
    deadline: Instant,
    items: Vec<Item>,
}

/// One link on its way.
#[derive(Debug, Clone)]
pub struct Item {
    pub link: DueLink,
    pub planned: RemoteFields,
    pub creates: bool,
    /// The id of its intent.
    pub intent: Uuid,
    /// When it was committed.
    pub begun_at: Time,
    /// Part of the plan that the gate held.
    pub held: Vec<(String, HeldField)>,
    /// Suppression entries of the person whom it is about.
    pub entries: Vec<(Uuid, &'static str)>,
    /// Whether it lies within the bounds of the connection.
    pub within: Within,
}

impl Item {
    /// Whether it was written more than once without anybody learning how that ended.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.link.open_intent.is_some() && self.link.attempt >= DOUBTFUL
    }

    /// A person wants it removed there.
    pub(crate) fn archives(&self) -> bool {
        !self.creates && self.link.command == Some(LinkCommand::Archive)
    }

    /// A guard keeps it from being written: each of its fields waits for the answer, for the very value.
    fn hold(&mut self, measure: Measure) {
        if measure == Measure::ArchivesOut {
            return;
        }
        let waits = |(name, value): (&String, &RemoteValue)| {
            let reason = "very much would be changed at once".to_owned();
            (name.clone(), HeldField { code: measure.name().into(), reason, hash: plan::value_hash(value) })
        };
        self.held.extend(self.planned.0.iter().map(waits));
    }

    /// Its intent, of which nobody knows the end yet.
    pub fn as_intent(&self, connection: ConnectionId, remote_type: &str) -> Intent {
        Intent {
            id: self.intent,
            link: self.link.id.0,
            connection: connection.0,
            operation: if self.archives() {
                "archive"
            } else if self.creates {
                "create"
            } else {
                "update"
            }
            .into(),
            remote_type: remote_type.to_owned(),
            fields: self.planned.clone(),
            before: before(&self.link, &self.planned),
            begun_at: self.begun_at.0,
            settled_at: None,
            outcome: None,
            code: None,
        }
    }
}

/// How long what needs an administrator waits before it is tried again.
pub const CLOSED: Duration = Duration::from_mins(10);

/// Within this time after a write of ours nobody else is taken to have changed the record. No longer: somebody
/// who sees what we wrote may put it right at once, and their hook may be lost.
const RECENT: Duration = Duration::from_secs(1);

/// Writes with an unknown outcome, one after the other, after which a link is no sign of how the CRM is.
const DOUBTFUL: i64 = 2;

/// The result of planning one link.
enum Planned {
    Write(Item),
    /// Nothing differs, or nothing may go: settled without a call, and with it what was open.
    Settle(Box<Receipt>, Option<Uuid>),
    /// Not yet.
    Wait(DueLink, Time, &'static str),
}

impl Planned {
    fn item(&mut self) -> Option<&mut Item> {
        match self {
            Planned::Write(item) => Some(item),
            Planned::Settle(..) | Planned::Wait(..) => None,
        }
    }
}

pub type Run<T> = std::result::Result<T, Stopped>;

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
                    self.pusher.note_state(&self.connection, "misconfigured", &code, Some(message), until).await?;
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
        self.pusher.note_state(&self.connection, "misconfigured", code, reason, until).await?;
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
        let due = self.resolve(object, profile, due).await?;
        if due.is_empty() {
            return Ok(());
        }
        let (planned, unmet) = self.plan(object, profile, due, kept_out).await?;
        let mut planned = self.look_again(object, profile, planned, kept_out).await?;
        if profile.kind == Kind::Person {
            self.ask_about_namesakes(object, gaining(object, &planned)).await?;
        }
        self.bound(planned.iter_mut().filter_map(Planned::item).collect()).await?;
        let calls = self.intend(object, planned, kept_out).await?;
        let called = self.call(object, profile, calls).await;
        // Once all is settled: what comes along wakes those that say that they wait.
        self.bring_along(&unmet).await?;
        called
    }

    /// Updates of what was not written just now are planned against what the CRM shows: somebody may have put
    /// right there what a list of yesterday would set back, and no pull has told of it yet.
    async fn look_again(
        &self,
        object: &Object,
        profile: &KindProfile,
        mut planned: Vec<Planned>,
        kept_out: bool,
    ) -> Run<Vec<Planned>> {
        let read = profile.feed == Feed::Cursor && matches!(profile.kind, Kind::Person | Kind::Organisation);
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
            planned.extend(self.plan(object, profile, changed, kept_out).await?.0);
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

    /// What is to be done about each, and those for which a need is not there. `kept_out`: whether
    /// anybody is, so that people are looked at for it.
    async fn plan(
        &self,
        object: &Object,
        profile: &KindProfile,
        due: Vec<DueLink>,
        kept_out: bool,
    ) -> Run<(Vec<Planned>, Vec<DueLink>)> {
        let wanted: Vec<Wanted> = due.iter().map(|link| object.project(&link.fields)).collect();
        let owners = self.owners(object, &due, &wanted).await?;
        let ids: HashSet<RecordId> = wanted.iter().flat_map(|wanted| wanted.references().map(|(_, id)| id)).collect();
        let ids: Vec<RecordId> = ids.into_iter().collect();
        let counterparts = if ids.is_empty() {
            HashMap::new()
        } else {
            let found = self.pusher.store.counterparts(self.connection.id, &ids).await?;
            found.into_iter().map(|it| (RecordId(it.record), (it.remote_type, it.remote_id))).collect()
        };
        let people = if kept_out { self.people(&due).await? } else { HashMap::new() };
        let schema = self.connection.schema(&object.remote, self.now()).await?;
        let absent = absent_fields(object, &schema);
        self.connection.note_absent(&object.remote, &absent);
        let (mut planned, mut reviews, mut unmet) = (Vec::with_capacity(due.len()), Vec::new(), Vec::new());
        for (mut link, mut wanted) in due.into_iter().zip(wanted) {
            // The mode is asked anew each time; what it held yesterday may go today.
            link.held.retain(|_, held| {
                !matches!(
                    held.code.as_str(),
                    "mode" | "owner_unknown" | "field_not_allowed" | "required_there" | FIELD_NOT_THERE
                )
            });
            keep_required(&mut link, object, &mut wanted, &schema);
            let complete = fill_references(&mut wanted, &counterparts);
            if complete {
                // A value that nobody says any more is held no more, either.
                let nothing = plan::value_hash(&None);
                let said = |name: &String| wanted.fields.0.contains_key(name) || wanted.owner.contains(name);
                let stays = |held: &HeldField| held.hash == nothing || held.code == "contested";
                link.held.retain(|name, held| said(name) || stays(held));
            }
            for name in &wanted.owner {
                let Some(owner) = link.fields.text(&Field::OWNER).map(str::to_owned) else { continue };
                let otherwise = || self.pusher.otherwise.as_deref().and_then(|otherwise| owners.get(otherwise));
                if let Some(id) = owners.get(&owner) {
                    wanted.fields.set(name.clone(), Value::RemoteRef(id.clone()));
                } else if link.remote_id.is_none()
                    && owner.contains('@')
                    && let Some(id) = otherwise()
                {
                    // What is made anew is somebody's all the same; a person is asked about the owner.
                    wanted.fields.set(name.clone(), Value::RemoteRef(id.clone()));
                    reviews.push(self.ask_owner(&link, &owner));
                } else if owner.contains('@')
                    && !link.sent.0.contains_key(name)
                    && (link.remote_id.is_none() || !wanted.create_only.contains(name))
                {
                    // Asked for, and not there. A queue is another matter: not every type takes one.
                    let hash = plan::value_hash(&Some(Value::Text(owner.clone())));
                    let reason = "the CRM has no active user with this address".to_owned();
                    link.held.insert(name.clone(), HeldField { code: "owner_unknown".into(), reason, hash });
                    reviews.push(self.ask_owner(&link, &owner));
                }
            }
            if profile.kind == Kind::Person
                && !object.tells(&Field::OPT_OUT)
                && link.fields.value(&Field::OPT_OUT) == Some(&Value::Bool(true))
            {
                reviews.push(self.ask_objection(&link));
            }
            fit(&mut wanted.fields, &schema);
            for name in &absent {
                if let Some(value) = wanted.fields.0.remove(name) {
                    let reason = format!("{} has no field {name} that we may see and write", object.remote);
                    let hash = plan::value_hash(&value);
                    link.held.insert(name.clone(), HeldField { code: FIELD_NOT_THERE.into(), reason, hash });
                }
            }
            let needs = matches!(profile.kind, Kind::Participation | Kind::Activity | Kind::Association);
            planned.push(if needs && !complete {
                let open = link.open_intent.as_ref().map(|open| open.id);
                let receipt = settled(&link, Some("need_refused"), None);
                unmet.push(link);
                Planned::Settle(Box::new(receipt), open)
            } else {
                let mut one = self.plan_one(object, profile, link, &wanted, &absent);
                if let Planned::Write(item) = &mut one
                    && kept_out
                {
                    let person = about(&item.link).and_then(|person| people.get(&person));
                    let entries = [Some(&*item.link.fields), person].into_iter().flatten();
                    item.entries = entries.flat_map(|fields| self.pusher.keys.suppressions_of(fields)).collect();
                }
                one
            });
        }
        if !reviews.is_empty() {
            self.pusher.store.write(async move |tx| tx.ask(&reviews).await).await?;
        }
        Ok((planned, unmet))
    }

    /// The people whom visits, activities and associations are about.
    async fn people(&self, due: &[DueLink]) -> Run<HashMap<RecordId, Fields>> {
        let ids: BTreeSet<RecordId> = due.iter().filter_map(about).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<RecordId> = ids.into_iter().collect();
        let records = self.pusher.store.records(&ids).await?;
        Ok(records.into_iter().map(|record| (record.id, record.fields)).collect())
    }

    /// One question for all that an owner would have.
    fn ask_owner(&self, link: &DueLink, owner: &str) -> NewReview {
        let id = derived_id(&[b"review", self.connection.id.0.as_bytes(), b"owner_unknown", owner.as_bytes()]);
        self.question(id, link, "owner_unknown")
    }

    /// Somebody objects to advertising, and nothing that is mapped tells this CRM: somebody has to.
    fn ask_objection(&self, link: &DueLink) -> NewReview {
        let id = derived_id(&[b"review", link.id.0.as_bytes(), b"objection_untold"]);
        self.question(id, link, "objection_untold")
    }

    /// A question whose reason is all there is to it.
    fn question(&self, id: Uuid, link: &DueLink, question: &str) -> NewReview {
        NewReview {
            id,
            question: question.into(),
            record: link.record.0,
            connection: Some(self.connection.id.0),
            candidates: serde_json::json!({ "remote_type": link.remote_type }),
            reason: question.into(),
            asked_at: self.now().0,
        }
    }

    fn plan_one(
        &self,
        object: &Object,
        profile: &KindProfile,
        link: DueLink,
        wanted: &Wanted,
        absent: &BTreeSet<String>,
    ) -> Planned {
        let creates = link.remote_id.is_none() || !profile.updatable;
        let open = link.open_intent.as_ref().map(|open| open.id);
        if link.command == Some(LinkCommand::Archive) {
            if link.remote_id.is_none() {
                return Planned::Settle(Box::new(settled(&link, None, None)), open);
            }
            return Planned::Write(self.item(link, RemoteFields::default(), false));
        }
        if creates && link.remote_id.is_none() && !object.create {
            return Planned::Settle(Box::new(settled(&link, Some("not_found_there"), None)), open);
        }
        if link.remote_id.is_none()
            && link.open_intent.is_none()
            && link.command.is_none()
            && link.unsure_until > self.now()
        {
            // It may be somebody who is there already. What hangs on it goes without, and comes with it.
            let mut held = settled(&link, Some("identity_unsure"), None);
            held.done = None;
            held.next_at = link.unsure_until.0;
            held.state = "held".into();
            return Planned::Settle(Box::new(held), open);
        }
        if creates && profile.kind == Kind::Person && link.open_intent.is_none() && names_nobody(&link.fields) {
            // Known by a badge alone: whoever it is follows from the organiser's list, and so does this.
            let mut waits = settled(&link, Some("no_name_and_no_email"), None);
            waits.state = "refused".into();
            waits.reason = Some(
                "neither a name nor an e-mail address is known yet; it is created once a list says whose badge it is"
                    .into(),
            );
            return Planned::Settle(Box::new(waits), open);
        }
        if let Some(open) = &link.open_intent
            && open.operation == "create"
            && profile.own_key == OwnKey::None
            && !profile.keys.contains(&KeyForm::Pair)
        {
            // A create that the CRM would not recognise: wait until it would show, then look.
            let visible = self.visible(open);
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
            // Where somebody else made the record hang, there it hangs: only an empty place is filled.
            for name in wanted.reference_to.keys() {
                if !link.sent.0.contains_key(name) && link.seen.get(name).is_some() {
                    projected.0.remove(name);
                }
            }
            if let Some(field) = profile.own_key.field() {
                projected.set(field.to_owned(), Value::Text(link.record.to_string()));
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
        let (mut sent, mut seen) = (link.sent.clone(), link.seen.clone());
        if let Some(open) = link.open_intent.as_ref().filter(|open| open.operation == "update") {
            // Nobody knows whether these came through: they are told again, or taken back.
            for (name, value) in &open.fields.0 {
                seen.0.remove(name);
                if projected.0.contains_key(name) {
                    sent.0.remove(name);
                } else if value.is_some() {
                    sent.0.insert(name.clone(), value.clone());
                }
            }
        }
        let known = Known { sent: &sent, seen: &seen };
        let mut differs = plan::plan(&projected, known, &link.held, |name| object.fields.get(name).is_some_and(clears));
        // What is not shown is not cleared, either.
        differs.0.retain(|name, _| !absent.contains(name));
        if differs.is_empty() && link.remote_id.is_some() {
            return Planned::Settle(Box::new(settled(&link, None, None)), open);
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
        Planned::Write(self.item(link, planned, creates))
    }

    fn item(&self, link: DueLink, planned: RemoteFields, creates: bool) -> Item {
        Item {
            link,
            planned,
            creates,
            intent: self.pusher.id(),
            begun_at: self.now(),
            held: Vec::new(),
            entries: Vec::new(),
            within: Within::default(),
        }
    }

    /// When the CRM would show what a call of an earlier lease has written: it could go on until that
    /// lease ended.
    pub(crate) fn visible(&self, open: &OpenIntent) -> Time {
        let lag = self.connection.connector.profile().visibility_lag;
        open.begun_at.plus(self.pusher.lease_time(&self.connection) + lag)
    }

    async fn owners(&self, object: &Object, due: &[DueLink], wanted: &[Wanted]) -> Run<HashMap<String, String>> {
        let mut names: Vec<String> = due
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
        names.extend(self.pusher.otherwise.as_deref().map(str::to_owned));
        Ok(self.connection.owners(&object.remote, &names, self.now()).await?)
    }

    /// The gate and the intents, in one transaction that also settles what needs no call.
    async fn intend(&self, object: &Object, planned: Vec<Planned>, kept_out: bool) -> Run<Vec<Call>> {
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
                    let passage = Passage {
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

    async fn call(&self, object: &Object, profile: &KindProfile, calls: Vec<Call>) -> Run<()> {
        let mut first = None;
        for Call { lease, deadline, items } in calls {
            let written = self.write(&object.remote, profile, deadline, items).await;
            if let Some(error) = self.receive(object, profile, lease, written).await? {
                first.get_or_insert(error);
            }
        }
        first.map_or(Ok(()), |error| Err(Stopped::Crm(error)))
    }

    /// Calls, and bisects what is refused as a whole. Every item comes back with what is known of
    /// it.
    async fn write(
        &self,
        remote_type: &str,
        profile: &KindProfile,
        deadline: Instant,
        items: Vec<Item>,
    ) -> Vec<(Item, Written)> {
        let mut todo = apart(items);
        let mut done = Vec::new();
        while let Some(part) = todo.pop() {
            let longest = self.connection.connector.profile().call_timeout;
            if Instant::now() + longest > deadline {
                done.extend(part.into_iter().map(|item| (item, Written::NotBegun)));
                continue;
            }
            let writes: Vec<Write> = part.iter().map(|item| Self::as_write(profile, item)).collect();
            let call = timeout_at(deadline, self.connection.connector.push(remote_type, &writes)).await;
            match call.unwrap_or_else(|_| Err(CrmError::Unknown { code: "lease_over".into() })) {
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
        let allow_duplicate = item.link.command == Some(LinkCommand::CreateAnyway);
        match &item.link.remote_id {
            Some(id) if item.archives() => Write::Archive { tag: item.intent, id: id.clone() },
            Some(id) if profile.updatable => Write::Update { tag: item.intent, id: id.clone(), fields },
            _ => Write::Create { tag: item.intent, own_key: item.link.record.to_string(), fields, allow_duplicate },
        }
    }
}

/// The code of a field that the CRM does not describe, or lets nobody write.
pub(crate) const FIELD_NOT_THERE: &str = "field_not_there";

/// Fields that the mapping writes and the CRM does not describe, or lets nobody write: they are left out, and all
/// else goes. Names with an underscore in front are the mapping's own.
fn absent_fields(object: &Object, schema: &RemoteSchema) -> BTreeSet<String> {
    let there = |name: &String| {
        name.starts_with('_') || schema.field(name).is_some_and(|field| field.createable || field.updateable)
    };
    object.fields.keys().filter(|name| object.pushes(name) && !there(name)).cloned().collect()
}

/// What goes in one call each. Writes of which nobody knows how they end, time and again, go with ever fewer
/// others, the last alone: one row may be what the CRM cannot take, and it says nothing of the others.
fn apart(items: Vec<Item>) -> Vec<Vec<Item>> {
    let (mut doubtful, rest): (Vec<Item>, Vec<Item>) = items.into_iter().partition(Item::is_doubtful);
    let tries = doubtful.iter().map(|item| item.link.attempt).max().unwrap_or_default();
    let most = doubtful.len().checked_shr(u32::try_from(tries - 1).unwrap_or(u32::MAX)).unwrap_or(0).max(1);
    let mut parts = Vec::new();
    while !doubtful.is_empty() {
        parts.push(doubtful.drain(..most.min(doubtful.len())).collect());
    }
    // The last is the first to go.
    parts.extend((!rest.is_empty()).then_some(rest));
    parts
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

/// What a CRM insists on is not emptied there, nor does anything that stands in for a value when a record is
/// made take the place of one that it has: the field is held until somebody knows what belongs there.
fn keep_required(link: &mut DueLink, object: &Object, wanted: &mut Wanted, schema: &RemoteSchema) {
    if link.remote_id.is_none() {
        return;
    }
    let known = Known { sent: &link.sent, seen: &link.seen };
    let required = schema.fields.iter().filter(|field| field.required).map(|field| &field.name);
    let emptied =
        required.filter(|name| !wanted.fields.0.contains_key(*name) && object.fields.get(*name).is_some_and(clears));
    let names: BTreeSet<String> = emptied.chain(&wanted.stand_ins).cloned().collect();
    for name in names {
        let shown = known.shown(&name).clone();
        let wants = wanted.fields.0.get(&name).cloned().flatten();
        let (Some(has), false) = (&shown, wants.is_some() && wants == shown) else { continue };
        let hash = plan::value_hash(&None);
        let reason = "nobody says what belongs here any more, and the CRM takes no record without it".to_owned();
        wanted.fields.set(name.clone(), has.clone());
        link.held.insert(name, HeldField { code: "required_there".into(), reason, hash });
    }
}

/// Updates that give a person an address of their own.
fn gaining(object: &Object, planned: &[Planned]) -> Vec<(DueLink, Key)> {
    let addresses: Vec<&String> =
        object.fields.iter().filter(|(_, rule)| rule.from.as_deref() == Some("emails")).map(|it| it.0).collect();
    let updates = planned.iter().filter_map(|one| match one {
        Planned::Write(item) if !item.creates => Some(item),
        _ => None,
    });
    updates
        .filter_map(|item| {
            let email = addresses.iter().find_map(|name| item.planned.text(name))?.to_lowercase();
            is_personal(&email).then(|| (item.link.clone(), Key::Email(email)))
        })
        .collect()
}

/// A link that waits: as it was read, until when, and why.
type Waiting = ((LinkId, i64), Time, &'static str);

/// Whom a record is about that is nobody itself.
pub fn about(link: &DueLink) -> Option<RecordId> {
    match link.kind {
        Kind::Participation | Kind::Activity => link.fields.reference(&Field::PERSON),
        Kind::Association => link.fields.reference(&Field::FROM),
        Kind::Person | Kind::Organisation | Kind::Fair => None,
    }
}

/// The end of an intent that a later decision took the place of.
fn ended(id: Uuid, link: Uuid) -> Settled {
    Settled { id, link, outcome: "unknown".into(), code: Some("superseded".into()) }
}

pub fn superseded(link: &DueLink) -> Option<Settled> {
    link.open_intent.as_ref().map(|open| ended(open.id, link.id.0))
}

/// Whether a field may be emptied once the record has nothing for it. Where a record hangs and whose
/// it is are moved, never taken away.
fn clears(rule: &Rule) -> bool {
    matches!(rule.direction, Direction::Both | Direction::Push) && rule.reference.is_none() && !rule.owner
}

/// The values that a plan replaces.
pub(crate) fn before(link: &DueLink, planned: &RemoteFields) -> RemoteFields {
    let known = Known { sent: &link.sent, seen: &link.seen };
    let names = planned.0.keys().filter(|name| link.sent.0.contains_key(*name) || link.seen.0.contains_key(*name));
    names.map(|name| (name.clone(), known.shown(name).clone())).collect()
}

/// Whether nothing says who a person is.
fn names_nobody(fields: &Fields) -> bool {
    [Field::FIRST_NAME, Field::LAST_NAME].iter().all(|name| fields.text(name).is_none_or(str::is_empty))
        && fields.elements(&Field::EMAILS).is_empty()
}

/// A receipt for a link that needs no call.
pub fn settled(link: &DueLink, code: Option<&str>, held: Option<Vec<(String, HeldField)>>) -> Receipt {
    let mut all = link.held.clone();
    all.extend(held.unwrap_or_default());
    Receipt {
        id: link.id.0,
        epoch: link.epoch,
        remote_type: link.remote_type.clone(),
        remote_id: link.remote_id.clone(),
        sent: link.sent.clone(),
        held: all,
        done: Some(link.wanted),
        next_at: 0,
        attempt: 0,
        state: "open".into(),
        code: code.map(str::to_owned),
        reason: None,
        written_at: 0,
    }
}
