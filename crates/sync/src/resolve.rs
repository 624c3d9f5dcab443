//! Who is it there: finding the remote record that a link means, and taking over what it says.
//!
//! By link id, else by own key, else by e-mail address, domain or pair. What is adopted keeps its
//! values as claims of the CRM, before anything of ours is planned.

use std::collections::{HashMap, HashSet};

use mittler_connector::{Key, KeyForm, KindProfile, OwnKey, RemoteRecord};
use mittler_core::{Field, Kind, RecordId, RemoteFields, SubjectId, Time, job::Lane, mapping::Object};
use mittler_store::{
    derived_id,
    links::{Leased, Receipt, Settled},
    reviews::NewReview,
};
use serde_json::json;

use crate::{
    batch::{Batch, Run, settled},
    eye::{Eye, owner_ids},
    restate::{links_of, restate},
};

/// A remote record that a link turns out to mean.
#[derive(Debug, Clone)]
pub struct Adoption {
    pub link: Leased,
    pub record: RemoteRecord,
    /// When the read began.
    pub begun: Time,
}

impl Batch<'_> {
    /// Looks for the remote records of links that have none. What is found is adopted and stays
    /// due; what is not comes back, to be created.
    pub(crate) async fn resolve(
        &self,
        object: &Object,
        profile: &KindProfile,
        leased: Vec<Leased>,
    ) -> Run<Vec<Leased>> {
        let (known, unknown): (Vec<Leased>, Vec<Leased>) =
            leased.into_iter().partition(|link| link.remote_id.is_some());
        if unknown.is_empty() {
            return Ok(known);
        }
        let begun = self.now();
        let found = self.find(object, profile, &unknown).await?;
        let (mut rest, mut adopt, mut reviews) = (known, Vec::new(), Vec::new());
        for (link, mut hits) in unknown.into_iter().zip(found) {
            hits.sort_by(|a, b| a.1.id.cmp(&b.1.id));
            hits.dedup_by(|a, b| a.1.id == b.1.id);
            let own = link.record.to_string();
            let foreign = |record: &RemoteRecord| self.own_key_of(record).is_some_and(|key| key != own);
            // A record that belongs to another record of ours is not this one, whatever its address.
            hits.retain(|(_, record)| !foreign(record));
            let Some((object, record)) = hits.first().cloned() else {
                rest.push(link);
                continue;
            };
            if hits.len() > 1 {
                let ids: Vec<String> = hits.iter().map(|(_, record)| record.id.clone()).collect();
                reviews.push(self.ask(&link, &ids, "several_found"));
            }
            adopt.push((object, Adoption { link, record, begun }));
        }
        if !reviews.is_empty() {
            self.pusher.store.write(async move |tx| tx.ask(&reviews).await).await?;
        }
        let mut by_type: HashMap<String, Vec<Adoption>> = HashMap::new();
        for (remote_type, adoption) in adopt {
            by_type.entry(remote_type).or_default().push(adoption);
        }
        for (remote_type, adoptions) in by_type {
            if let Some(object) = self.connection.mapping.object(&remote_type) {
                self.adopt(object, adoptions).await?;
            }
        }
        Ok(rest)
    }

    /// For each link the remote records it may mean, with their types, the best type first.
    async fn find(
        &self,
        object: &Object,
        profile: &KindProfile,
        links: &[Leased],
    ) -> Run<Vec<Vec<(String, RemoteRecord)>>> {
        let mut found: Vec<Vec<(String, RemoteRecord)>> = vec![Vec::new(); links.len()];
        // Of a person's types the one that is not made anew comes first: known contacts stay contacts.
        let mut types: Vec<&Object> = if profile.kind == Kind::Person {
            self.connection.mapping.of_kind(Kind::Person).collect()
        } else {
            vec![object]
        };
        types.reverse();
        for object in types {
            let Some(profile) = self.connection.connector.profile().kind(&object.remote) else { continue };
            let keys = self.keys(profile, links).await?;
            let mut by_form: HashMap<KeyForm, Vec<Key>> = HashMap::new();
            for (at, keys) in keys.iter().enumerate() {
                if found[at].is_empty() {
                    for key in keys {
                        by_form.entry(key.form()).or_default().push(key.clone());
                    }
                }
            }
            for mut ask in by_form.into_values() {
                ask.sort();
                ask.dedup();
                let records = self.look(object, &ask).await?;
                for (at, keys) in keys.iter().enumerate() {
                    let mine = records.iter().filter(|record| keys.contains(&record.key) && !record.gone);
                    let mine = mine.filter(|record| Self::admits(profile, &links[at], record));
                    for record in mine {
                        match &record.successor {
                            // A converted lead is the contact it became, which was asked for before.
                            Some(_) => {}
                            None => found[at].push((object.remote.clone(), record.clone())),
                        }
                    }
                }
            }
        }
        Ok(found)
    }

    /// Whether a record found by a weak form of key really is what the link wrote: an activity's
    /// parent has many.
    fn admits(profile: &KindProfile, link: &Leased, record: &RemoteRecord) -> bool {
        if profile.kind != Kind::Activity {
            return true;
        }
        let Some(open) = &link.open_intent else { return false };
        let text = |fields: &RemoteFields, name: &str| fields.text(name).map(mittler_core::value::clean);
        let told =
            open.fields.0.keys().filter(|name| record.fields.get(name).is_some_and(|value| value.as_text().is_some()));
        let mut told =
            told.filter(|name| !matches!(open.fields.get(name), Some(mittler_core::Value::RemoteRef(_)))).peekable();
        told.peek().is_some() && told.all(|name| text(&open.fields, name) == text(&record.fields, name))
    }

    /// The keys by which each link's record may be found in one remote type.
    async fn keys(&self, profile: &KindProfile, links: &[Leased]) -> Run<Vec<Vec<Key>>> {
        let has = |form| profile.keys.contains(&form);
        let mut keys = Vec::with_capacity(links.len());
        let pairs = if has(KeyForm::Pair) && profile.own_key == OwnKey::None {
            self.pairs(links).await?
        } else if has(KeyForm::Parent) && profile.own_key == OwnKey::None {
            self.parents(links).await?
        } else {
            HashMap::new()
        };
        for link in links {
            let fields = &link.fields;
            let mut mine = Vec::new();
            match profile.kind {
                Kind::Person => {
                    let emails = fields.elements(&Field::EMAILS).iter().map(|element| element.key.clone());
                    if has(KeyForm::Email) {
                        mine.extend(emails.map(Key::Email));
                    }
                    if link.open_intent.is_some() && matches!(profile.own_key, OwnKey::Field(_)) {
                        mine.push(Key::Own(link.record.to_string()));
                    }
                }
                Kind::Organisation => match (fields.text(&Field::DOMAIN), fields.text(&Field::NAME)) {
                    (Some(domain), _) if has(KeyForm::Domain) => mine.push(Key::Domain(domain.to_owned())),
                    (_, Some(name)) if has(KeyForm::Name) => mine.push(Key::Name(name.to_owned())),
                    _ => {}
                },
                Kind::Fair if has(KeyForm::Name) => {
                    mine.extend(fields.text(&Field::NAME).map(|name| Key::Name(name.to_owned())));
                }
                Kind::Participation | Kind::Activity | Kind::Association | Kind::Fair => {
                    mine.extend(pairs.get(&link.record).cloned());
                }
            }
            keys.push(mine);
        }
        Ok(keys)
    }

    /// Pairs of remote ids: fair and person.
    async fn pairs(&self, links: &[Leased]) -> Run<HashMap<RecordId, Key>> {
        let remote = self.remote_ids(links, &[Field::FAIR, Field::PERSON]).await?;
        Ok(links
            .iter()
            .filter_map(|link| {
                let fair = remote.get(&link.fields.reference(&Field::FAIR)?)?;
                let person = remote.get(&link.fields.reference(&Field::PERSON)?)?;
                Some((link.record, Key::Pair(fair.clone(), person.clone())))
            })
            .collect())
    }

    /// The parents of activities whose creation may have happened.
    async fn parents(&self, links: &[Leased]) -> Run<HashMap<RecordId, Key>> {
        let profile = self.connection.connector.profile();
        let now = self.now();
        let unsure: Vec<Leased> = links
            .iter()
            .filter(|link| {
                let open = link.open_intent.as_ref().filter(|open| open.operation == "create");
                open.is_some_and(|open| open.begun_at.plus(profile.call_timeout + profile.visibility_lag) <= now)
            })
            .cloned()
            .collect();
        if unsure.is_empty() {
            return Ok(HashMap::new());
        }
        let remote = self.remote_ids(&unsure, &[Field::PERSON]).await?;
        Ok(unsure
            .iter()
            .filter_map(|link| {
                let person = remote.get(&link.fields.reference(&Field::PERSON)?)?;
                Some((link.record, Key::Parent(person.clone())))
            })
            .collect())
    }

    async fn remote_ids(&self, links: &[Leased], fields: &[Field]) -> Run<HashMap<RecordId, String>> {
        let ids: HashSet<RecordId> =
            links.iter().flat_map(|link| fields.iter().filter_map(|field| link.fields.reference(field))).collect();
        let ids: Vec<RecordId> = ids.into_iter().collect();
        let found = self.pusher.store.counterparts(self.connection.id, &ids).await?;
        Ok(found.into_iter().filter_map(|it| Some((RecordId(it.record), it.remote_id?))).collect())
    }

    /// Reads records with all fields that the mapping knows, and our own key.
    pub(crate) async fn look(&self, object: &Object, keys: &[Key]) -> Run<Vec<RemoteRecord>> {
        let mut fields = object.field_names();
        if let OwnKey::Field(field) = &self.profile(&object.remote)?.own_key {
            fields.push(field.clone());
        }
        Ok(self.connection.connector.read(&object.remote, keys, &fields).await?)
    }

    fn own_key_of<'r>(&self, record: &'r RemoteRecord) -> Option<&'r str> {
        let kinds = &self.connection.connector.profile().kinds;
        kinds.iter().find_map(|kind| match &kind.own_key {
            OwnKey::Field(field) => record.fields.text(field),
            _ => None,
        })
    }

    /// Whether a record that has our unique value is the same thing: own key or address agree.
    pub(crate) fn agrees(&self, object: &Object, link: &Leased, record: &RemoteRecord) -> bool {
        match self.own_key_of(record) {
            Some(key) if key == link.record.to_string() => return true,
            Some(_) => return false,
            None => {}
        }
        if object.kind != Kind::Person {
            return true;
        }
        let emails: Vec<&str> =
            link.fields.elements(&Field::EMAILS).iter().map(|element| element.key.as_str()).collect();
        object.fields.iter().filter(|(_, rule)| rule.from.as_deref() == Some("emails")).any(|(name, _)| {
            record.fields.text(name).is_some_and(|email| emails.contains(&email.to_lowercase().as_str()))
        })
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
        let (mut receipts, mut statements, mut reviews, mut ends, mut seen) = (vec![], vec![], vec![], vec![], vec![]);
        for Adoption { link, record, begun } in adoptions {
            if let Some(open) = &link.open_intent {
                ends.push(Settled { id: open.id, outcome: "found".into(), code: None });
            }
            let holder = *holders.entry(record.id.clone()).or_insert(link.record);
            if holder != link.record {
                reviews.push(self.ask(&link, std::slice::from_ref(&record.id), "linked_to_another_record"));
                receipts.push(settled_as(&link, "linked_to_another_record"));
                continue;
            }
            let ours = self.own_key_of(&record).is_some_and(|key| key == link.record.to_string());
            let eye = Eye::new(&*self.pusher.judge, object, &record.fields, &link.fields);
            if !ours && matches!(object.kind, Kind::Person | Kind::Organisation) {
                statements.push((link.record, eye.all(self.connection.id, &record, &owners, begun)));
            }
            let mut receipt = settled(&link, None, None);
            receipt.remote_type.clone_from(&object.remote);
            receipt.remote_id = Some(record.id.clone());
            receipt.sent = baseline(&record.fields);
            receipt.sent.0.extend(eye.in_our_form(&record.fields).0);
            receipt.settled = 0;
            seen.push((link.id, record.fields));
            receipts.push(receipt);
        }
        let (now, overrides) = (self.now(), self.pusher.overrides.clone());
        let others = self.pusher.connections.all();
        self.pusher
            .store
            .write(async move |tx| {
                let changed = restate(tx, &statements, &overrides, now).await?;
                let mut links = Vec::new();
                for record in &changed {
                    links.extend(links_of(&others, record, Lane::Scheduled, now));
                }
                if !links.is_empty() {
                    tx.want_links(&mut links).await?;
                }
                tx.settle_intents(&ends, now).await?;
                tx.put_receipts(&receipts).await?;
                tx.put_seen(&seen).await?;
                tx.ask(&reviews).await
            })
            .await?;
        Ok(())
    }

    fn ask(&self, link: &Leased, ids: &[String], reason: &str) -> NewReview {
        NewReview {
            id: derived_id(&[b"review", link.id.0.as_bytes(), reason.as_bytes()]),
            question: "remote_duplicate".into(),
            record: link.record.0,
            connection: Some(self.connection.id.0),
            candidates: json!({ "remote_type": link.remote_type, "ids": ids }),
            reason: reason.to_owned(),
            asked_at: self.now().0,
        }
    }
}

/// The subject that one remote record is.
pub fn crm_subject(connection: mittler_core::ConnectionId, remote_type: &str, id: &str) -> SubjectId {
    SubjectId(derived_id(&[b"crm", connection.0.as_bytes(), remote_type.as_bytes(), id.as_bytes()]))
}

/// What is there already need not be sent: only differences are planned.
fn baseline(shown: &RemoteFields) -> RemoteFields {
    RemoteFields(
        shown
            .0
            .iter()
            .filter(|(_, value)| value.is_some())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

fn settled_as(link: &Leased, code: &str) -> Receipt {
    let mut receipt = settled(link, Some(code), None);
    receipt.state = "refused".into();
    receipt
}
