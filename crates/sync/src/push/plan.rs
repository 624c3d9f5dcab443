//! What a batch of links still has to be told.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use mittler_connector::{KeyForm, KindProfile};
use mittler_core::{
    Field, Fields, Kind, RecordId, RemoteFields, RemoteSchema, Time, Value,
    mapping::{Direction, Object, Rule, Wanted, fit},
    plan::{self, HeldField, Known},
};
use mittler_store::{
    derived_id,
    due::DueLink,
    intents::{OpenIntent, Operation},
    links::{LinkCommand, LinkState},
    reviews::NewReview,
};
use uuid::Uuid;

use crate::{
    bounds::{Within, about},
    push::{
        batch::Batch,
        item::{FIELD_NOT_THERE, Item, Planned, settled},
        pusher::Run,
    },
};

/// What the plans of a batch depend on beside its links.
struct PlanContext {
    /// Ids of the CRM's users by their addresses.
    owners: HashMap<String, String>,
    /// Remote types and ids of the records that are referred to.
    counterparts: HashMap<RecordId, (String, Option<String>)>,
    schema: Arc<RemoteSchema>,
    /// Fields that the CRM does not show.
    absent: BTreeSet<String>,
}

impl Batch {
    /// What is to be done about each, and those for which a need is not there. `looked_at`: when it was begun to look
    /// in the CRM for what may be there already. `kept_out`: whether anybody is, so that people are looked at for it.
    pub(super) async fn plan(
        &self,
        object: &Object,
        profile: &KindProfile,
        due: Vec<DueLink>,
        (looked_at, kept_out): (Time, bool),
    ) -> Run<(Vec<Planned>, Vec<DueLink>)> {
        let wanted: Vec<Wanted> = due.iter().map(|link| object.project(&link.fields)).collect();
        let context = self.context(object, &due, &wanted).await?;
        let people = if kept_out { self.people(&due).await? } else { HashMap::new() };
        let needs = matches!(profile.kind, Kind::Participation | Kind::Activity | Kind::Association);
        let (mut planned, mut reviews, mut unmet) = (Vec::with_capacity(due.len()), Vec::new(), Vec::new());
        for (mut link, mut wanted) in due.into_iter().zip(wanted) {
            let complete = self.prepare(object, profile, &mut link, &mut wanted, &context, &mut reviews);
            if needs && !complete {
                let open = link.open_intent.as_ref().map(|open| open.id);
                let receipt = settled(&link, Some("need_refused"), None);
                unmet.push(link);
                planned.push(Planned::Settle(Box::new(receipt), open));
                continue;
            }
            let mut one = self.plan_one(object, profile, link, (&wanted, looked_at), &context.absent);
            if let Planned::Write(item) = &mut one
                && kept_out
            {
                let person = about(&item.link).and_then(|person| people.get(&person));
                let entries = [Some(&*item.link.fields), person].into_iter().flatten();
                item.entries = entries.flat_map(|fields| self.pusher.keys.suppressions_of(fields)).collect();
            }
            planned.push(one);
        }
        if !reviews.is_empty() {
            self.pusher.store.write(async move |tx| tx.ask(&reviews).await).await?;
        }
        Ok((planned, unmet))
    }

    /// Reads what the plans of a batch depend on beside its links.
    async fn context(&self, object: &Object, due: &[DueLink], wanted: &[Wanted]) -> Run<PlanContext> {
        let owners = self.owners(object, due, wanted).await?;
        let ids: HashSet<RecordId> = wanted.iter().flat_map(|wanted| wanted.references().map(|(_, id)| id)).collect();
        let ids: Vec<RecordId> = ids.into_iter().collect();
        let counterparts = if ids.is_empty() {
            HashMap::new()
        } else {
            let found = self.pusher.store.counterparts(self.connection.id, &ids).await?;
            found.into_iter().map(|it| (RecordId(it.record), (it.remote_type, it.remote_id))).collect()
        };
        let schema = self.connection.schema(&object.remote, self.now()).await?;
        let absent = absent_fields(object, &schema);
        self.connection.note_absent(&object.remote, &absent);
        Ok(PlanContext { owners, counterparts, schema, absent })
    }

    /// Puts remote ids in the place of references and owners, and holds what the CRM would not take. Says whether all
    /// references are there.
    fn prepare(
        &self,
        object: &Object,
        profile: &KindProfile,
        link: &mut DueLink,
        wanted: &mut Wanted,
        context: &PlanContext,
        reviews: &mut Vec<NewReview>,
    ) -> bool {
        // The mode is asked anew each time; what it held yesterday may go today.
        link.held.retain(|_, held| {
            !matches!(
                held.code.as_str(),
                "mode" | "owner_unknown" | "field_not_allowed" | "required_there" | FIELD_NOT_THERE
            )
        });
        keep_required(link, object, wanted, &context.schema);
        let complete = fill_references(wanted, &context.counterparts);
        if complete {
            // A value that nobody says any more is held no more, either.
            let nothing = plan::value_hash(&None);
            let said = |name: &String| wanted.fields.0.contains_key(name) || wanted.owner.contains(name);
            let stays = |held: &HeldField| held.hash == nothing || held.code == "contested";
            link.held.retain(|name, held| said(name) || stays(held));
        }
        self.fill_owners(link, wanted, &context.owners, reviews);
        if profile.kind == Kind::Person
            && !object.tells(&Field::OPT_OUT)
            && link.fields.value(&Field::OPT_OUT) == Some(&Value::Bool(true))
        {
            reviews.push(self.ask_objection(link));
        }
        fit(&mut wanted.fields, &context.schema);
        for name in &context.absent {
            if let Some(value) = wanted.fields.0.remove(name) {
                let reason = format!("{} has no field {name} that we may see and write", object.remote);
                let hash = plan::value_hash(&value);
                link.held.insert(name.clone(), HeldField { code: FIELD_NOT_THERE.into(), reason, hash });
            }
        }
        complete
    }

    /// Puts the CRM's users in the place of owners. Of one whom the CRM does not have a person is asked.
    fn fill_owners(
        &self,
        link: &mut DueLink,
        wanted: &mut Wanted,
        owners: &HashMap<String, String>,
        reviews: &mut Vec<NewReview>,
    ) {
        let Some(owner) = link.fields.text(&Field::OWNER).map(str::to_owned) else { return };
        let otherwise = self.pusher.otherwise.as_deref().and_then(|otherwise| owners.get(otherwise));
        for name in &wanted.owner {
            if let Some(id) = owners.get(&owner) {
                wanted.fields.set(name.clone(), Value::RemoteRef(id.clone()));
            } else if !owner.contains('@') {
                // A queue is another matter: not every type takes one.
            } else if let (None, Some(id)) = (&link.remote_id, otherwise) {
                // What is made anew is somebody's all the same; a person is asked about the owner.
                wanted.fields.set(name.clone(), Value::RemoteRef(id.clone()));
                reviews.push(self.ask_owner(link, &owner));
            } else if !link.sent.0.contains_key(name)
                && (link.remote_id.is_none() || !wanted.create_only.contains(name))
            {
                // Asked for, and not there.
                let hash = plan::value_hash(&Some(Value::Text(owner.clone())));
                let reason = "the CRM has no active user with this address".to_owned();
                link.held.insert(name.clone(), HeldField { code: "owner_unknown".into(), reason, hash });
                reviews.push(self.ask_owner(link, &owner));
            }
        }
    }

    /// The people whom visits, activities and associations are about.
    pub(super) async fn people(&self, due: &[DueLink]) -> Run<HashMap<RecordId, Fields>> {
        let ids: BTreeSet<RecordId> = due.iter().filter_map(about).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<RecordId> = ids.into_iter().collect();
        let records = self.pusher.store.records(&ids).await?;
        Ok(records.into_iter().map(|record| (record.id, record.fields)).collect())
    }

    /// One question for all that an owner would have.
    pub(super) fn ask_owner(&self, link: &DueLink, owner: &str) -> NewReview {
        let id = derived_id(&[b"review", self.connection.id.0.as_bytes(), b"owner_unknown", owner.as_bytes()]);
        self.question(id, link, "owner_unknown")
    }

    /// Somebody objects to advertising, and nothing that is mapped tells this CRM: somebody has to.
    pub(super) fn ask_objection(&self, link: &DueLink) -> NewReview {
        let id = derived_id(&[b"review", link.id.0.as_bytes(), b"objection_untold"]);
        self.question(id, link, "objection_untold")
    }

    /// A question whose reason is all there is to it.
    pub(super) fn question(&self, id: Uuid, link: &DueLink, question: &str) -> NewReview {
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

    pub(super) fn plan_one(
        &self,
        object: &Object,
        profile: &KindProfile,
        link: DueLink,
        (wanted, looked_at): (&Wanted, Time),
        absent: &BTreeSet<String>,
    ) -> Planned {
        let creates = creates(profile, &link);
        let link = match self.plan_without_call(object, profile, link, looked_at) {
            Ok(link) => link,
            Err(planned) => return planned,
        };
        let open = link.open_intent.as_ref().map(|open| open.id);
        let projected = projected(profile, &link, wanted);
        let (sent, seen) = known_before(&link, &projected);
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

    /// What a link comes to before its values are looked at; gives the link back if those decide.
    #[expect(clippy::result_large_err, reason = "both are the link, on its way to the same list")]
    fn plan_without_call(
        &self,
        object: &Object,
        profile: &KindProfile,
        link: DueLink,
        looked_at: Time,
    ) -> std::result::Result<DueLink, Planned> {
        let creates = creates(profile, &link);
        let open = link.open_intent.as_ref().map(|open| open.id);
        if link.command == Some(LinkCommand::Archive) {
            if link.remote_id.is_none() {
                return Err(Planned::Settle(Box::new(settled(&link, None, None)), open));
            }
            return Err(Planned::Write(self.item(link, RemoteFields::default(), false)));
        }
        if creates && link.remote_id.is_none() && !object.create {
            return Err(Planned::Settle(Box::new(settled(&link, Some("not_found_there"), None)), open));
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
            held.state = LinkState::Held;
            return Err(Planned::Settle(Box::new(held), open));
        }
        if creates && profile.kind == Kind::Person && link.open_intent.is_none() && names_nobody(&link.fields) {
            // Known by a badge alone: whoever it is follows from the organiser's list, and so does this.
            let mut waits = settled(&link, Some("no_name_and_no_email"), None);
            waits.state = LinkState::Refused;
            waits.reason = Some(
                "neither a name nor an e-mail address is known yet; it is created once a list says whose badge it is"
                    .into(),
            );
            return Err(Planned::Settle(Box::new(waits), open));
        }
        if let Some(open) = &link.open_intent
            && open.operation == Operation::Create
            && !profile.own_key.recognises_repetition()
            && !profile.keys.contains(&KeyForm::Pair)
        {
            // A create that the CRM would not recognise: wait until it would show, then look. The look counts from
            // when it was begun: meanwhile that time may have come, and what it missed would be made twice.
            let visible = self.visible(open);
            if visible > looked_at {
                return Err(Planned::Wait(link, visible.max(self.now()), "outcome_unknown"));
            }
        }
        Ok(link)
    }

    pub(super) fn item(&self, link: DueLink, planned: RemoteFields, creates: bool) -> Item {
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

    pub(super) async fn owners(
        &self,
        object: &Object,
        due: &[DueLink],
        wanted: &[Wanted],
    ) -> Run<HashMap<String, String>> {
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
}

/// Whether what is told of a link is a create: there is no record yet, or its kind knows no updates.
fn creates(profile: &KindProfile, link: &DueLink) -> bool {
    link.remote_id.is_none() || !profile.updatable
}

/// What a link would be told, of what its record says now.
fn projected(profile: &KindProfile, link: &DueLink, wanted: &Wanted) -> RemoteFields {
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
    } else if let Some(open) = link.open_intent.as_ref().filter(|open| open.operation == Operation::Create) {
        // What is told once was perhaps told already: the repetition must say the same, or a CRM
        // that knows the record by it would make a second one.
        for name in &wanted.create_only {
            if let Some(told) = open.fields.0.get(name) {
                projected.0.insert(name.clone(), told.clone());
            }
        }
    }
    projected
}

/// What is known to have been sent and seen, without what an update of unknown end may have changed.
fn known_before(link: &DueLink, projected: &RemoteFields) -> (RemoteFields, RemoteFields) {
    let (mut sent, mut seen) = (link.sent.clone(), link.seen.clone());
    if let Some(open) = link.open_intent.as_ref().filter(|open| open.operation == Operation::Update) {
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
    (sent, seen)
}

/// Fields that the mapping writes and the CRM does not describe, or lets nobody write: they are left out, and all
/// else goes. Names with an underscore in front are the mapping's own.
pub(super) fn absent_fields(object: &Object, schema: &RemoteSchema) -> BTreeSet<String> {
    let there = |name: &String| {
        name.starts_with('_') || schema.field(name).is_some_and(|field| field.createable || field.updateable)
    };
    object.fields.keys().filter(|name| object.pushes(name) && !there(name)).cloned().collect()
}

/// Puts remote ids in the place of references. Says whether all that a paired record or an
/// activity needs is there: each referenced record at least once.
pub(super) fn fill_references(wanted: &mut Wanted, counterparts: &HashMap<RecordId, (String, Option<String>)>) -> bool {
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
pub(super) fn keep_required(link: &mut DueLink, object: &Object, wanted: &mut Wanted, schema: &RemoteSchema) {
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

/// Whether a field may be emptied once the record has nothing for it. Where a record hangs and whose
/// it is are moved, never taken away.
pub(super) fn clears(rule: &Rule) -> bool {
    matches!(rule.direction, Direction::Both | Direction::Push) && rule.reference.is_none() && !rule.owner
}

/// Whether nothing says who a person is.
pub(super) fn names_nobody(fields: &Fields) -> bool {
    [Field::FIRST_NAME, Field::LAST_NAME].iter().all(|name| fields.text(name).is_none_or(str::is_empty))
        && fields.elements(&Field::EMAILS).is_empty()
}
