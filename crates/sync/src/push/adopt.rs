//! Linking records of ours to remote ones, and taking over what those say.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mittler_connector::{Key, KeyForm, RemoteRecord};
use mittler_core::{
    ConnectionId, Field, Kind, LinkId, RecordId, RemoteFields, Statement, Time, Value, job::Lane, mapping::Object,
};
use mittler_normalise::{email::is_personal, name::same_surname};
use mittler_store::{
    Result, Tx, derived_id,
    due::DueLink,
    intents::{IntentOutcome, Operation, Settled},
    leases::Receipt,
    links::{LinkCommand, LinkState, WantedLink, link_id},
    moved::Moved,
    reviews::NewReview,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    apply_statements::{apply_statements, links_of},
    lift::{RemoteLifter, owner_ids, shows},
    push::{
        activities::{is_sought_for_a_loss, told_before},
        batch::Batch,
        candidates::personal_addresses,
        item::{Planned, settled, superseded},
        pusher::Run,
    },
    question,
};

/// A remote record that a link turns out to mean.
#[derive(Debug, Clone)]
pub struct Adoption {
    pub link: DueLink,
    pub record: RemoteRecord,
    /// When the read began.
    pub begun: Time,
}

impl Batch {
    /// A person said which remote records these links mean. One that is not there, or of a type that cannot
    /// be it, is asked about again.
    pub(super) async fn adopt_chosen(&self, links: Vec<DueLink>) -> Run<()> {
        let mut by_type: BTreeMap<String, Vec<(DueLink, String)>> = BTreeMap::new();
        for link in links {
            if let Some(LinkCommand::Adopt { remote_type, remote_id }) = link.command.clone() {
                by_type.entry(remote_type).or_default().push((link, remote_id));
            }
        }
        for (remote_type, links) in by_type {
            let begun = self.now();
            let object = self.connection.mapping.object(&remote_type);
            let keys: Vec<Key> = links.iter().map(|(_, id)| Key::Id(id.clone())).collect();
            let records = match object {
                Some(object) => self.look(object, &keys).await?,
                None => Vec::new(),
            };
            let (mut adopt, mut receipts, mut ends, mut reviews) = (vec![], vec![], vec![], vec![]);
            for (link, id) in links {
                let key = Key::Id(id);
                let there = |record: &&RemoteRecord| record.key == key && !record.gone && record.successor.is_none();
                let fits = object.is_some_and(|object| object.kind == link.kind);
                if let Some(record) = records.iter().find(there).filter(|_| fits) {
                    adopt.push(Adoption { link, record: record.clone(), begun });
                    continue;
                }
                ends.extend(superseded(&link));
                reviews.push(self.ask(&link, Vec::new(), "chosen_not_found"));
                receipts.push(settled_as(&link, "chosen_not_found"));
            }
            if !receipts.is_empty() {
                self.settle(receipts, ends, reviews).await?;
            }
            if let Some(object) = object.filter(|_| !adopt.is_empty()) {
                self.adopt(object, adopt).await?;
            }
        }
        Ok(())
    }

    /// Persons that gain an address which another type of person has there already: nothing in the
    /// CRM keeps the two from being one human twice, so a person is asked.
    pub(super) async fn ask_about_namesakes(&self, object: &Object, planned: &[Planned]) -> Run<()> {
        let gaining = gaining(object, planned);
        let mut reviews = Vec::new();
        for other in self.connection.mapping.of_kind(Kind::Person).filter(|other| other.remote != object.remote) {
            let Some(profile) = self.connection.connector.profile().kind(&other.remote) else { continue };
            if gaining.is_empty() || !profile.keys.contains(&KeyForm::Email) {
                continue;
            }
            let mut keys: Vec<Key> = gaining.iter().map(|(_, key)| key.clone()).collect();
            keys.sort();
            keys.dedup();
            let records = self.look(other, &keys).await?;
            for (link, key) in &gaining {
                let there = records.iter().filter(|record| record.key == *key && !record.gone);
                let there = there.filter(|record| record.successor.is_none());
                let there: Vec<_> = there.map(|record| (other.remote.clone(), record.id.clone())).collect();
                if !there.is_empty() {
                    reviews.push(self.ask(link, there, "address_of_another"));
                }
            }
        }
        if !reviews.is_empty() {
            self.pusher.store.write(async move |tx| tx.ask(&reviews).await).await?;
        }
        Ok(())
    }

    /// Links a record to a remote one: what the CRM shows becomes what it says, and the baseline
    /// of the next plan. The link stays due.
    pub(crate) async fn adopt(&self, object: &Object, adoptions: Vec<Adoption>) -> Run<()> {
        let ids: Vec<String> = adoptions.iter().map(|it| it.record.id.clone()).collect();
        let held = self.pusher.store.links_by_remote(self.connection.id, &object.remote, &ids).await?;
        let mut holders: HashMap<String, RecordId> =
            held.into_iter().map(|it| (it.remote_id, RecordId(it.record))).collect();
        let owners = owner_ids(object, adoptions.iter().map(|it| &it.record));
        let owners = self.connection.owner_names(&owners, self.now()).await?;
        let schema = self.connection.schema(&object.remote, self.now()).await?;
        let (mut receipts, mut statements, mut reviews, mut ends, mut seen) = (vec![], vec![], vec![], vec![], vec![]);
        let mut companies: BTreeSet<LinkId> = BTreeSet::new();
        for Adoption { link, record, begun } in adoptions {
            if let Some(open) = &link.open_intent {
                ends.push(Settled { id: open.id, link: link.id.0, outcome: IntentOutcome::Found, code: None });
            }
            let holder = *holders.entry(record.id.clone()).or_insert(link.record);
            if holder != link.record {
                let found = vec![(object.remote.clone(), record.id.clone())];
                let mut review = self.ask(&link, found, "linked_to_another_record");
                review.candidates["records"] = json!([holder]);
                reviews.push(review);
                receipts.push(settled_as(&link, "linked_to_another_record"));
                continue;
            }
            // On which company of the CRM they hang may say which one theirs is.
            let company = link.fields.reference(&Field::ORGANISATION).filter(|_| link.kind == Kind::Person);
            companies.extend(company.map(|company| link_id(self.connection.id, company)));
            let ours = self.own_key_of(&record).is_some_and(|key| key == link.record.to_string());
            let eye = RemoteLifter::new(&self.pusher.country, object, &record.fields, &link.fields);
            if !ours && matches!(object.kind, Kind::Person | Kind::Organisation) {
                statements.push((link.record, eye.all(self.connection.id, &record, &owners, begun)));
            }
            let mut receipt = settled(&link, None, None);
            receipt.remote_type.clone_from(&object.remote);
            receipt.remote_id = Some(record.id.clone());
            if is_sought_for_a_loss(&link) {
                receipt.sent = told_before(object, &schema, &link, &record);
            } else {
                receipt.sent = told(&link, ours, &record);
                receipt.sent.0.extend(eye.in_our_form(&record.fields).0);
            }
            receipt.done = None;
            seen.push((link.id, record.fields, begun));
            receipts.push(receipt);
        }
        let adopted = Adopted { receipts, statements, reviews, ends, seen, companies };
        let (now, overrides) = (self.now(), self.pusher.overrides.clone());
        let others = self.pusher.connections.all();
        let told: Vec<ConnectionId> =
            others.iter().map(|other| other.id).filter(|other| *other != self.connection.id).collect();
        self.pusher
            .store
            .write(async move |tx| {
                let changed = apply_statements(tx, &adopted.statements, &overrides, now).await?;
                let links = changed.iter().flat_map(|record| links_of(&others, record, Lane::Scheduled, now));
                adopted.write(tx, links.collect(), told, now).await
            })
            .await?;
        Ok(())
    }

    pub(super) fn ask(&self, link: &DueLink, found: Vec<(String, String)>, reason: &str) -> NewReview {
        NewReview {
            id: derived_id(&[b"review", link.id.0.as_bytes(), reason.as_bytes()]),
            question: "remote_duplicate".into(),
            record: link.record.0,
            connection: Some(self.connection.id.0),
            candidates: question::remotes(found),
            reason: reason.to_owned(),
            asked_at: self.now().0,
        }
    }
}

/// What adoptions come to, on its way into the database.
#[derive(Clone)]
struct Adopted {
    receipts: Vec<Receipt>,
    statements: Vec<(RecordId, Statement)>,
    reviews: Vec<NewReview>,
    ends: Vec<Settled>,
    /// What the records showed, and when the read began.
    seen: Vec<(LinkId, RemoteFields, Time)>,
    /// Companies of people who were adopted.
    companies: BTreeSet<LinkId>,
}

impl Adopted {
    /// `links`: those that the new statements make due, at all CRMs. `others`: whose pushers are told.
    async fn write(
        mut self,
        tx: &mut Tx,
        mut links: Vec<WantedLink>,
        others: Vec<ConnectionId>,
        now: Time,
    ) -> Result<()> {
        let adopted = self.receipts.iter().filter_map(|it| Some((it, it.remote_id.clone()?)));
        let becomes: Vec<Moved> = adopted
            .map(|(it, remote_id)| Moved {
                id: it.id,
                remote_type: it.remote_type.clone(),
                remote_id,
                sent: RemoteFields::default(),
                seen: RemoteFields::default(),
            })
            .collect();
        // All in one order, before any of them is written.
        let mut all: BTreeSet<Uuid> = tx.links_around(&becomes).await?.into_iter().collect();
        all.extend(links.iter().map(|link| link.id).chain(self.receipts.iter().map(|receipt| receipt.id)));
        all.extend(self.companies.iter().map(|link| link.0));
        tx.lock_links(&all.into_iter().collect::<Vec<_>>()).await?;
        // What a second link of the record has.
        tx.merge_links(&becomes).await?;
        let read: Vec<_> = self.receipts.iter().map(Receipt::of).collect();
        let holding = tx.hold_links(&read).await?;
        if !links.is_empty() {
            tx.want_links(&mut links).await?;
            tx.wake_pushers(others);
        }
        tx.settle_intents(&holding, &self.ends, now).await?;
        let done = tx.put_receipts(&holding, &self.receipts).await?;
        self.seen.retain(|(id, ..)| done.contains(id));
        tx.put_seen(&self.seen).await?;
        let known: Vec<LinkId> = self.seen.iter().map(|(id, ..)| *id).collect();
        tx.want_dependants(&known).await?;
        tx.want_unlinked(&self.companies.iter().copied().collect::<Vec<_>>()).await?;
        tx.ask(&self.reviews).await
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

/// Whether a record that has our unique value is the same thing: own key or address agree. `holder`: the
/// record of ours that its own key names.
pub(crate) fn agrees(object: &Object, link: &DueLink, record: &RemoteRecord, holder: Option<RecordId>) -> bool {
    if let Some(holder) = holder {
        return holder == link.record;
    }
    if object.kind != Kind::Person {
        return true;
    }
    if has_another_name(object, link, record) {
        return false;
    }
    let emails: Vec<String> = personal_addresses(&link.fields).collect();
    object
        .fields
        .iter()
        .filter(|(_, rule)| rule.from.as_deref() == Some("emails"))
        .any(|(name, _)| record.fields.text(name).is_some_and(|email| emails.contains(&email.to_lowercase())))
}

/// Whether a person's record there bears a surname that cannot be ours.
pub(super) fn has_another_name(object: &Object, link: &DueLink, record: &RemoteRecord) -> bool {
    if object.kind != Kind::Person {
        return false;
    }
    let shown = shows(object, record, &Field::LAST_NAME);
    // A CRM that insists on a name was given the address in its place.
    let theirs = shown.as_ref().and_then(Value::as_text).filter(|name| !name.contains('@'));
    match (link.fields.text(&Field::LAST_NAME), theirs) {
        (Some(ours), Some(theirs)) => !same_surname(ours, theirs),
        _ => false,
    }
}

/// What of an adopted record is ours: what an earlier call told, if the record shows that it came
/// through. All else it shows is the CRM's.
pub(super) fn told(link: &DueLink, ours: bool, record: &RemoteRecord) -> RemoteFields {
    let open = link.open_intent.as_ref().filter(|open| open.operation == Operation::Create);
    let came = |name: &str| record.fields.get(name).is_some();
    match open {
        Some(open) if ours || link.kind == Kind::Activity => RemoteFields(
            open.fields.0.iter().filter(|(name, _)| came(name)).map(|(n, v)| (n.clone(), v.clone())).collect(),
        ),
        _ => RemoteFields::default(),
    }
}

pub(super) fn settled_as(link: &DueLink, code: &str) -> Receipt {
    let mut receipt = settled(link, Some(code), None);
    receipt.state = LinkState::Refused;
    receipt
}
