//! From what a CRM answered to what the link becomes.

use std::{collections::BTreeMap, time::Duration};

use mittler_connector::{Error as CrmError, Key, KeyForm, KindProfile, Refusal, RemoteRecord, RowResult};
use mittler_core::{
    Kind, RecordId, Value,
    job::Lane,
    mapping::Object,
    plan::{self, HeldField},
};
use mittler_store::{
    connections::ConnectionState,
    due::DueLink,
    intents::{Intent, IntentOutcome},
    jobs::NewJob,
    leases::Receipt,
    links::{LinkCommand, LinkState},
    reviews::NewReview,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    gone::Gone,
    push::{
        adopt::{Adoption, agrees},
        batch::Batch,
        item::{CLOSED, Item, Written, settled},
        pusher::Run,
        receipts::Received,
        stages::Stages,
    },
    question,
};

/// How long a write with an unknown outcome waits at most before it is done again.
const LONGEST: Duration = Duration::from_mins(5);

/// How long a link whose record became another waits for the read that finds out, which is done at once.
const FOLLOWED: Duration = Duration::from_mins(1);

/// A record of which so many fields are refused waits for a person.
const REFUSALS: usize = 5;

/// How a write of a link ended, as far as that is known.
fn outcome(intent: &Intent) -> (Uuid, &'static str) {
    (intent.link, intent.outcome.unwrap_or(IntentOutcome::Unknown).name())
}

impl Batch {
    /// Writes receipts; gives the error that should stop further batches, if there is one.
    pub(crate) async fn receive(
        &self,
        object: &Object,
        profile: &KindProfile,
        lease: Uuid,
        written: Vec<(Item, Written)>,
    ) -> Run<Option<CrmError>> {
        let mut received = Received { error: unknown(&written), ..Received::default() };
        let mut stages = Stages::receipt(&self.connection, &object.remote, &written);
        for (item, written) in written {
            self.note(object, profile, item, written, &mut received);
        }
        let (adopt, follow) = (std::mem::take(&mut received.adopt), std::mem::take(&mut received.follow));
        let (error, closed, good) = (received.error.take(), received.closed.take(), received.good);
        let ends: Vec<(Uuid, &str)> = received.ended.iter().map(outcome).collect();
        self.commit(lease, object, received).await?;
        for (link, outcome) in &ends {
            stages.end(*link, outcome);
        }
        for (item, key, code) in adopt {
            self.adopt_existing(object, item, key, &code).await?;
        }
        for (item, code) in follow {
            self.read_what_became(item, &object.remote, &code).await?;
        }
        match closed {
            // What passes for some may pass for others: only those that were refused wait.
            Some((code, message)) if good > 0 => {
                let (reason, until) = (Some(format!("{}: {message}", object.remote)), self.now().plus(CLOSED));
                self.pusher.note_state(&self.connection, ConnectionState::Misconfigured, &code, reason, until).await?;
            }
            Some((code, message)) => self.close_type(&object.remote, &code, &message).await?,
            None if good > 0 => self.pusher.note_ready(&self.connection).await?,
            None => {}
        }
        Ok(error)
    }

    fn note(&self, object: &Object, profile: &KindProfile, item: Item, written: Written, to: &mut Received) {
        let now = self.now();
        let intent = || item.as_intent(self.connection.id, &object.remote);
        let end = |outcome: IntentOutcome, code: Option<String>| intent().ended(outcome, code, now);
        // What was not written now was perhaps written before, when nobody learned how it ended.
        let unwritten = |code: &str| match item.link.open_intent {
            Some(_) => intent(),
            None => end(IntentOutcome::Lost, Some(code.to_owned())),
        };
        let mut receipt = settled(&item.link, None, Some(item.held.clone()));
        match written {
            Written::Row(RowResult::Written { id, created, .. }) => {
                let outcome = self.note_written(profile, &item, (id, created), &mut receipt, to);
                to.ended.push(end(outcome, None));
            }
            Written::Row(RowResult::Refused(refusal)) => {
                to.ended.push(end(IntentOutcome::Refused, Some(refusal.code.clone())));
                self.refuse(object, &item, &refusal, &mut receipt);
            }
            Written::Row(RowResult::Exists { id, code, .. }) => {
                to.ended.push(end(IntentOutcome::Exists, Some(code.clone())));
                if let Some(key) = existing(profile, &item, id) {
                    to.adopt.push((item, key, code));
                    return;
                }
                receipt.state = LinkState::Refused;
                receipt.code = Some(code);
            }
            Written::Row(RowResult::Candidates { found, may_save, code }) => {
                to.ended.push(end(IntentOutcome::Review, Some(code.clone())));
                to.reviews.push(self.likely_duplicate(object, &item, found, may_save, &code));
                receipt.state = LinkState::Refused;
                receipt.code = Some(code);
            }
            Written::Row(RowResult::Gone { successor, code }) => {
                to.ended.push(end(IntentOutcome::Gone, Some(code.clone())));
                if self.is_read_for(profile, &item, successor) {
                    to.follow.push((item, code));
                    return;
                }
                let id = item.link.remote_id.as_deref().unwrap_or_default();
                let (link, record) = (item.link.id, item.link.record);
                let gone = Gone { link, record, kind: object.kind, remote_type: &object.remote, id };
                to.reviews.extend(gone.ask("deleted_there", self.connection.id, now));
                receipt.state = LinkState::Gone;
                receipt.code = Some(code);
            }
            Written::Row(RowResult::Busy { code }) => {
                to.ended.push(end(IntentOutcome::Busy, Some(code.clone())));
                let wait = Duration::from_millis(300 << item.link.attempt.clamp(0, 10));
                later(&mut receipt, &item.link, now.plus(wait).0, &code);
            }
            Written::Row(RowResult::Misconfigured { code, message })
            | Written::Nothing(CrmError::Configuration { code, message }) => {
                to.ended.push(unwritten(&code));
                later(&mut receipt, &item.link, now.plus(CLOSED).0, &code);
                receipt.reason = Some(message.clone());
                to.closed.get_or_insert((code, message));
            }
            Written::NotBegun => {
                to.ended.push(unwritten("lease_too_short"));
                later(&mut receipt, &item.link, 0, "lease_too_short");
            }
            Written::Nothing(error) => {
                to.ended.push(unwritten(error.code()));
                later(&mut receipt, &item.link, 0, error.code());
                to.error.get_or_insert(error);
            }
            // The intent stays open: whoever takes the link next looks first. A kind that the CRM
            // recognises when it is repeated need not wait long.
            Written::Unknown(code) => {
                let first: u64 = if profile.own_key.recognises_repetition() { 100 } else { 1_000 };
                let wait = Duration::from_millis(first << item.link.attempt.clamp(0, 12)).min(LONGEST);
                later(&mut receipt, &item.link, now.plus(wait).0, &code);
                to.ended.push(intent());
            }
        }
        to.receipts.push(receipt);
    }

    /// What was written: the link has it, and what was held of these fields is past. Gives the word for it.
    fn note_written(
        &self,
        profile: &KindProfile,
        item: &Item,
        (id, created): (String, bool),
        receipt: &mut Receipt,
        to: &mut Received,
    ) -> IntentOutcome {
        receipt.sent = plan::apply(&item.link.sent, &item.planned);
        receipt.held.retain(|name, _| !item.planned.0.contains_key(name));
        if let Some(field) = profile.own_key.field() {
            receipt.sent.set(field.to_owned(), Value::Text(item.link.record.to_string()));
        }
        to.good += 1;
        if item.link.remote_id.is_none() {
            to.created.push(item.link.id);
        }
        if created && profile.kind == Kind::Organisation {
            to.companies.push(id.clone());
        }
        if created && profile.kind == Kind::Person {
            self.connection.note_created(item.link.id);
        }
        receipt.remote_id = Some(id);
        receipt.written_at = self.now().0;
        if item.archives() {
            receipt.state = LinkState::Gone;
            receipt.code = Some("archived".into());
            return IntentOutcome::Archived;
        }
        if created { IntentOutcome::Created } else { IntentOutcome::Updated }
    }

    /// Whether a record that the CRM says is gone is read, to see whether it was deleted, is only hidden, or became
    /// another. What is made anew as needed is just gone.
    fn is_read_for(&self, profile: &KindProfile, item: &Item, successor: Option<(String, String)>) -> bool {
        let asked = matches!(profile.kind, Kind::Person | Kind::Organisation | Kind::Fair)
            && profile.keys.contains(&KeyForm::Id)
            && item.link.remote_id.is_some();
        asked || successor.is_some_and(|(remote_type, _)| self.connection.mapping.object(&remote_type).is_some())
    }

    /// Refused fields are held and the rest is tried again; a refused record waits for a change.
    fn refuse(&self, object: &Object, item: &Item, refusal: &Refusal, receipt: &mut Receipt) {
        let culprits: Vec<&String> = refusal
            .fields
            .iter()
            .filter(|name| item.planned.0.contains_key(*name) && object.fields.contains_key(*name))
            .collect();
        let rest = item.planned.0.len() > culprits.len();
        // Outages raise the attempts, too: only what was refused counts here.
        let refused = item.link.held.values().filter(|held| held.code == "refused").count();
        // An owner who has left since they were asked for: planned anew, it is as if they had never been there.
        let has_left = |name: &&String| match item.planned.0.get(*name) {
            Some(Some(Value::RemoteRef(id))) => {
                object.fields.get(*name).is_some_and(|rule| rule.owner)
                    && self.connection.note_owner_left(id, self.now())
            }
            _ => false,
        };
        if !culprits.is_empty() && culprits.iter().all(has_left) {
            later(receipt, &item.link, 0, &refusal.code);
            return;
        }
        if !culprits.is_empty() && rest && refused < REFUSALS {
            let held: BTreeMap<String, HeldField> = culprits
                .into_iter()
                .map(|name| {
                    let hash = plan::value_hash(item.planned.0.get(name).unwrap_or(&None));
                    let reason = format!("{}: {}", refusal.code, refusal.message);
                    (name.clone(), HeldField { code: "refused".into(), reason, hash })
                })
                .collect();
            receipt.held.extend(held);
            later(receipt, &item.link, 0, &refusal.code);
            return;
        }
        receipt.state = LinkState::Refused;
        receipt.code = Some(refusal.code.clone());
        receipt.reason = Some(refusal.message.clone());
    }

    /// A duplicate rule of the CRM's found somebody. What comes without a type is of the one that was to be made.
    fn likely_duplicate(
        &self,
        object: &Object,
        item: &Item,
        found: Vec<(String, String)>,
        may_save: bool,
        code: &str,
    ) -> NewReview {
        let of = |remote_type: String| if remote_type.is_empty() { object.remote.clone() } else { remote_type };
        let found = found.into_iter().map(|(remote_type, id)| (of(remote_type), id)).collect();
        let mut review = self.remote_duplicate(item, found, code);
        review.candidates["may_save"] = json!(may_save && item.creates);
        review
    }

    fn remote_duplicate(&self, item: &Item, found: Vec<(String, String)>, code: &str) -> NewReview {
        let link = item.link.id;
        let ids: Vec<&str> = found.iter().map(|(_, id)| id.as_str()).collect();
        NewReview {
            id: mittler_store::derived_id(&[b"review", link.0.as_bytes(), code.as_bytes(), ids.join(",").as_bytes()]),
            question: "remote_duplicate".into(),
            record: item.link.record.0,
            connection: Some(self.connection.id.0),
            candidates: question::remotes(found),
            reason: code.to_owned(),
            asked_at: self.now().0,
        }
    }

    /// A unique value was taken: adopt the record that has it, if it is the same thing.
    async fn adopt_existing(&self, object: &Object, item: Item, key: Key, code: &str) -> Run<()> {
        let begun = self.now();
        let mut found = self.look(object, &[key]).await?;
        let linked = item.link.remote_id.is_some();
        // A link that has its record keeps it: moved to the one with the address, it would find that
        // one's own key in the way, and be moved back.
        // Whom a person insists on making is nobody who is there, but for what an earlier call made.
        let insists = item.link.command == Some(LinkCommand::CreateAnyway);
        let own = item.link.record.to_string();
        let holders = self.holders(&found).await?;
        let is_ours = |record: &RemoteRecord, holder: Option<RecordId>| {
            if insists {
                self.own_key_of(record).is_some_and(|key| key == own)
            } else {
                agrees(object, &item.link, record, holder)
            }
        };
        let ours =
            found.iter().zip(&holders).position(|(record, holder)| !linked && !record.gone && is_ours(record, *holder));
        if let Some(at) = ours {
            let record = found.swap_remove(at);
            return self.adopt(object, vec![Adoption { link: item.link, record, begun }]).await;
        }
        // Somebody else has the address there, a colleague at the shared mailbox perhaps: this
        // record goes without it, and a person is asked.
        let found = found.into_iter().filter(|record| !record.gone).map(|record| (object.remote.clone(), record.id));
        let mut reviews = vec![self.remote_duplicate(&item, found.collect(), code)];
        let mut receipt = settled(&item.link, Some(code), None);
        let addresses = object.fields.iter().filter(|(_, rule)| rule.from.as_deref() == Some("emails"));
        let taken: Vec<&String> =
            addresses.map(|(name, _)| name).filter(|name| item.planned.0.contains_key(*name)).collect();
        if taken.is_empty() || !linked && item.planned.0.len() <= taken.len() {
            receipt.state = LinkState::Refused;
        } else {
            for name in taken {
                let hash = plan::value_hash(item.planned.0.get(name).unwrap_or(&None));
                let reason = "another record of the CRM has this value".to_owned();
                receipt.held.insert(name.clone(), HeldField { code: "taken_there".into(), reason, hash });
            }
            later(&mut receipt, &item.link, 0, code);
            if insists {
                // Asked and answered: it goes without the address.
                reviews.clear();
            }
        }
        self.settle(vec![receipt], Vec::new(), reviews).await?;
        Ok(())
    }

    /// A record became another there: a lead its contact, or one that others became as well. Which of ours goes
    /// on with it is decided over all of them, so a read of the old id finds out, and nothing is written until then.
    async fn read_what_became(&self, item: Item, remote_type: &str, code: &str) -> Run<()> {
        let now = self.now();
        let Item { mut link, .. } = item;
        // Settled with the answer that told of it.
        link.open_intent = None;
        let Some(old) = link.remote_id.clone() else { return Ok(()) };
        let mut receipt = settled(&link, Some(code), None);
        later(&mut receipt, &link, now.plus(FOLLOWED).0, code);
        let job =
            NewJob::read(self.pusher.id(), (self.connection.id, remote_type), vec![old], Lane::Scheduled, now, now);
        self.pusher
            .store
            .write(async move |tx| {
                let holding = tx.hold_links(&[Receipt::of(&receipt)]).await?;
                tx.put_receipts(&holding, std::slice::from_ref(&receipt)).await?;
                tx.put_jobs(std::slice::from_ref(&job)).await
            })
            .await?;
        Ok(())
    }
}

/// What a call means of which nobody knows how it ended, for any of its rows: the CRM may not be well. Rows
/// that have ended so before say that of themselves.
fn unknown(written: &[(Item, Written)]) -> Option<CrmError> {
    let mut code = None;
    for (item, written) in written {
        match written {
            Written::Unknown(said) if !item.is_doubtful() => code = Some(said),
            Written::Unknown(_) => {}
            _ => return None,
        }
    }
    code.map(|code| CrmError::Unknown { code: code.clone() })
}

/// The key by which to find what exists already.
fn existing(profile: &KindProfile, item: &Item, id: Option<String>) -> Option<Key> {
    if let Some(id) = id {
        return Some(Key::Id(id));
    }
    if profile.keys.contains(&KeyForm::Pair) {
        let mut references = item.planned.0.values().filter_map(|value| match value {
            Some(Value::RemoteRef(id)) => Some(id.clone()),
            _ => None,
        });
        return Some(Key::Pair(references.next()?, references.next()?));
    }
    if profile.keys.contains(&KeyForm::Email) {
        let email = item.link.fields.text(&mittler_core::Field::EMAILS)?;
        return Some(Key::Email(email.to_lowercase()));
    }
    None
}

/// Still due, at the given time.
fn later(receipt: &mut Receipt, link: &DueLink, at: i64, code: &str) {
    receipt.done = None;
    receipt.next_at = at;
    receipt.attempt = link.attempt + 1;
    receipt.code = Some(code.to_owned());
}
