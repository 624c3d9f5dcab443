//! Who is it there: finding the remote record that a link means, and taking over what it says.
//!
//! By link id, else by own key, else by e-mail address, domain or pair. What is adopted keeps its
//! values as claims of the CRM, before anything of ours is planned.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use mittler_connector::{Error as CrmError, Key, KeyForm, KindProfile, OwnKey, RemoteRecord};
use mittler_core::{
    Field, Fields, Kind, LinkId, RecordId, RemoteFields, RemoteSchema, SubjectId, Time, Value,
    job::Lane,
    mapping::{Object, fit},
    value::clean,
};
use mittler_identity::{Candidate, Decision, Facts, KeyType, NAME_OF_DOMAIN, decide};
use mittler_normalise::{email::is_personal, name::same_surname};
use mittler_store::{
    derived_id,
    due::DueLink,
    intents::Settled,
    jobs::NewJob,
    leases::Receipt,
    links::{LinkCommand, link_id},
    moved::Moved,
    reviews::NewReview,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    batch::{Batch, Run, settled, superseded},
    eye::{Eye, owner_ids},
    lookups::{self, Found},
    push::Stopped,
    question,
    restate::{links_of, restate},
};

/// A remote record that a link turns out to mean.
#[derive(Debug, Clone)]
pub struct Adoption {
    pub link: DueLink,
    pub record: RemoteRecord,
    /// When the read began.
    pub begun: Time,
}

/// A remote record that a link may mean.
#[derive(Debug, Clone)]
struct Hit {
    remote_type: String,
    record: RemoteRecord,
    /// How well the key names it: 0 is our own key, then the main address, then the others.
    rank: usize,
    /// The record of ours that its own key names.
    holder: Option<RecordId>,
}

/// What a look for a link's record came to.
enum Choice {
    New,
    Known(Box<Hit>),
    /// Companies of the same name: the one on which a person of ours hangs there is it, else somebody has to say.
    Doubtful(Vec<Hit>),
    /// A person has to say; nothing is made or changed until then.
    Unsure(Vec<(String, String)>, &'static str),
}

impl Batch {
    /// Looks for the remote records of links that have none. What is found is adopted and stays
    /// due; what is not comes back, to be created.
    pub(crate) async fn resolve(&self, object: &Object, profile: &KindProfile, due: Vec<DueLink>) -> Run<Vec<DueLink>> {
        let (chosen, due): (Vec<DueLink>, Vec<DueLink>) =
            due.into_iter().partition(|link| matches!(link.command, Some(LinkCommand::Adopt { .. })));
        self.adopt_chosen(chosen).await?;
        let (known, unknown): (Vec<DueLink>, Vec<DueLink>) = due.into_iter().partition(|link| link.remote_id.is_some());
        if unknown.is_empty() {
            return Ok(known);
        }
        let begun = self.now();
        let found = self.find(object, profile, &unknown).await?;
        let mut unknown: Vec<(DueLink, (Vec<Hit>, bool))> = unknown.into_iter().zip(found).collect();
        if profile.kind == Kind::Activity {
            give_each_its_own(&mut unknown);
        }
        let (mut rest, mut adopt, mut unsure, mut ends) = (known, Vec::new(), Vec::new(), Vec::new());
        let (mut trial, mut slow): (Vec<Receipt>, Vec<DueLink>) = (Vec::new(), Vec::new());
        for (link, (hits, is_slow)) in unknown {
            if is_slow && !is_sought_for_a_loss(&link) {
                slow.push(link);
                continue;
            }
            match self.choose(&link, hits) {
                Choice::New => rest.push(link),
                // To take over what it says would tell the other CRMs.
                Choice::Known(_) if !self.connection.mode.takes() => {
                    trial.push(settled(&link, Some("mode_dry_run"), None));
                }
                Choice::Known(hit) => {
                    adopt.push((hit.remote_type, Adoption { link, record: hit.record, begun }));
                }
                Choice::Doubtful(mut hits) => match self.hung_on(&link, &hits).await? {
                    Some(at) if self.connection.mode.takes() => {
                        let hit = hits.swap_remove(at);
                        adopt.push((hit.remote_type, Adoption { link, record: hit.record, begun }));
                    }
                    // Where none is made anyway, nothing depends on the answer until somebody hangs on one.
                    _ if !object.create => rest.push(link),
                    _ => {
                        ends.extend(superseded(&link));
                        let found = hits.into_iter().map(|hit| (hit.remote_type, hit.record.id)).collect();
                        unsure.push((self.ask(&link, found, "same_name"), settled_as(&link, "same_name")));
                    }
                },
                Choice::Unsure(found, code) => {
                    ends.extend(superseded(&link));
                    unsure.push((self.ask(&link, found, code), settled_as(&link, code)));
                }
            }
        }
        if !unsure.is_empty() {
            let (reviews, receipts): (Vec<NewReview>, Vec<Receipt>) = unsure.into_iter().unzip();
            self.settle(receipts, ends, reviews).await?;
        }
        if !slow.is_empty() {
            // Whether the CRM has them is not known, so nothing is made.
            self.release(&slow, self.now().plus(lookups::LEFT), lookups::TOO_SLOW).await?;
        }
        if !trial.is_empty() {
            self.settle(trial, Vec::new(), Vec::new()).await?;
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

    /// The one of the companies on which people of ours hang in the CRM, who hang on this link's here.
    async fn hung_on(&self, link: &DueLink, hits: &[Hit]) -> Run<Option<usize>> {
        let hanging = self.pusher.store.shown_by_dependants(link.id).await?;
        let hangs = |hit: &Hit| {
            let id = Value::RemoteRef(hit.record.id.clone());
            hanging.iter().any(|shown| shown.0.values().flatten().any(|value| *value == id))
        };
        let mut own = (0..hits.len()).filter(|at| hangs(&hits[*at]));
        Ok(own.next().filter(|_| own.next().is_none()))
    }

    /// A person said which remote records these links mean. One that is not there, or of a type that cannot
    /// be it, is asked about again.
    async fn adopt_chosen(&self, links: Vec<DueLink>) -> Run<()> {
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

    /// Which of the hits the link means: the best by key, if it is the only one and nothing speaks
    /// against it.
    fn choose(&self, link: &DueLink, mut hits: Vec<Hit>) -> Choice {
        for hit in &mut hits {
            if hit.holder == Some(link.record) {
                hit.rank = 0;
            }
        }
        if link.command == Some(LinkCommand::CreateAnyway) {
            // Whatever resembles it is somebody else; but what an earlier call of ours made is this one.
            hits.retain(|hit| hit.rank == 0);
        }
        // A record that belongs to another living record of ours is not this one, whatever its address: that
        // two of ours share one is asked where their keys meet. A key that names nobody here is of a
        // database that was lost: the record is known by what identifies it, and gets our key anew.
        hits.retain(|hit| hit.rank == 0 || hit.holder.is_none());
        let Some(best) = hits.iter().map(|hit| hit.rank).min() else { return Choice::New };
        hits.retain(|hit| hit.rank == best);
        hits.sort_by(|a, b| a.record.id.cmp(&b.record.id));
        hits.dedup_by(|a, b| a.record.id == b.record.id);
        let decides = matches!(link.kind, Kind::Person | Kind::Organisation | Kind::Fair);
        if link.kind == Kind::Organisation && hits.iter().all(|hit| matches!(hit.record.key, Key::Name(_))) {
            return self.choose_by_name(link, hits);
        }
        if hits.len() > 1 && decides {
            let found = hits.into_iter().map(|hit| (hit.remote_type, hit.record.id));
            return Choice::Unsure(found.collect(), "several_found");
        }
        let Some(hit) = hits.into_iter().next() else { return Choice::New };
        let object = self.connection.mapping.object(&hit.remote_type);
        if best > 0 && object.is_some_and(|object| has_another_name(object, link, &hit.record)) {
            return Choice::Unsure(vec![(hit.remote_type, hit.record.id)], "another_name");
        }
        Choice::Known(Box::new(hit))
    }

    /// Companies that bear the same name are the same if something else says so, or if nothing speaks against it
    /// and the name is hardly borne twice.
    fn choose_by_name(&self, link: &DueLink, hits: Vec<Hit>) -> Choice {
        let (ours, mut same, mut doubtful) = (Facts::of_fields(&link.fields), Vec::new(), Vec::new());
        for hit in hits {
            let Some(object) = self.connection.mapping.object(&hit.remote_type) else { continue };
            let facts = Facts::of_said(&object.lift(&hit.record.fields, &Fields::default()));
            let candidate = Candidate { record: link.record, met_by: vec![KeyType::CompanyName], facts };
            match decide(Kind::Organisation, &ours, &[candidate]) {
                Decision::Match { .. } => same.push(hit),
                Decision::Propose { .. } => doubtful.push(hit),
                Decision::New => {}
            }
        }
        let named = |hits: Vec<Hit>| hits.into_iter().map(|hit| (hit.remote_type, hit.record.id)).collect();
        match (same.len(), doubtful.len()) {
            (0, 0) => Choice::New,
            (0, _) => Choice::Doubtful(doubtful),
            (1, _) => same.pop().map_or(Choice::New, |hit| Choice::Known(Box::new(hit))),
            _ => Choice::Unsure(named(same), "several_found"),
        }
    }

    /// For each link the remote records it may mean, the best type first; and whether a look-up for it took the CRM
    /// too long.
    async fn find(&self, object: &Object, profile: &KindProfile, links: &[DueLink]) -> Run<Vec<(Vec<Hit>, bool)>> {
        let mut found: Vec<Vec<Hit>> = vec![Vec::new(); links.len()];
        let mut slow = vec![false; links.len()];
        // Of a person's types the one that is not made anew comes first: known contacts stay contacts.
        let mut types: Vec<&Object> = if profile.kind == Kind::Person {
            self.connection.mapping.of_kind(Kind::Person).collect()
        } else {
            vec![object]
        };
        types.reverse();
        for (object, by) in types.iter().map(|object| (*object, Pass::First)).chain([(object, Pass::Second)]) {
            let Some(profile) = self.connection.connector.profile().kind(&object.remote) else { continue };
            let keys = match by {
                Pass::First => self.keys(profile, links).await?,
                Pass::Second => names_of_companies(profile, links),
            };
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
                let answer = self.look_up(object, &ask).await?;
                let records = answer.records;
                let holders = self.holders(&records).await?;
                let (linked, schema) = if profile.kind == Kind::Activity {
                    let ids: Vec<String> = records.iter().map(|record| record.id.clone()).collect();
                    let linked = self.pusher.store.links_by_remote(self.connection.id, &object.remote, &ids).await?;
                    let linked = linked.into_iter().map(|it| (it.remote_id, RecordId(it.record))).collect();
                    (linked, Some(self.connection.schema(&object.remote, self.now()).await?))
                } else {
                    (HashMap::new(), None)
                };
                for (at, keys) in keys.iter().enumerate() {
                    slow[at] |= keys.iter().any(|key| answer.slow.contains(key));
                    for (record, holder) in records.iter().zip(&holders).filter(|(record, _)| !record.gone) {
                        let Some(at_key) = keys.iter().position(|key| *key == record.key) else { continue };
                        // A converted lead is the contact it became, which was asked for before.
                        if record.successor.is_some() || !Self::admits(object, profile, &links[at], record) {
                            continue;
                        }
                        let mut rank = if matches!(record.key, Key::Own(_)) { 0 } else { 1 + at_key.min(1) };
                        if let (Some(schema), None, Key::Parent(_)) = (&schema, &links[at].open_intent, &record.key) {
                            // What another record of ours is there is not this one as well.
                            let free = linked.get(&record.id).is_none_or(|holder| *holder == links[at].record);
                            let Some(says) = says_the_same(object, schema, &links[at], record).filter(|_| free) else {
                                continue;
                            };
                            rank = says;
                        }
                        found[at].push(Hit {
                            remote_type: object.remote.clone(),
                            record: record.clone(),
                            rank,
                            holder: *holder,
                        });
                    }
                }
            }
        }
        if profile.kind == Kind::Organisation {
            let missed: Vec<usize> = (0..links.len()).filter(|at| found[*at].is_empty()).collect();
            let sought: Vec<&DueLink> = missed.iter().map(|at| &links[*at]).collect();
            for (at, records) in missed.iter().zip(self.newcomers(object, &sought).await?) {
                let holders = self.holders(&records).await?;
                found[*at].extend(records.into_iter().zip(holders).map(|(record, holder)| Hit {
                    remote_type: object.remote.clone(),
                    record,
                    rank: 1,
                    holder,
                }));
            }
        }
        Ok(found.into_iter().zip(slow).collect())
    }

    /// Whether a record found by a weak form of key can be what the link means: an activity's parent
    /// has many, and a fair of the same name may be last year's.
    fn admits(object: &Object, profile: &KindProfile, link: &DueLink, record: &RemoteRecord) -> bool {
        if profile.kind == Kind::Fair {
            let theirs = shows(object, record, &Field::STARTS);
            return match (link.fields.value(&Field::STARTS).and_then(day), theirs.as_ref().and_then(day)) {
                // A CRM that keeps moments may show the day before or after.
                (Some(ours), Some(theirs)) => (ours - theirs).get_days().abs() <= 1,
                _ => true,
            };
        }
        if profile.kind != Kind::Activity {
            return true;
        }
        // What an earlier database told is compared with what this one would tell.
        let Some(open) = &link.open_intent else { return true };
        let text = |fields: &RemoteFields, name: &str| fields.text(name).map(clean);
        let told =
            open.fields.0.keys().filter(|name| record.fields.get(name).is_some_and(|value| value.as_text().is_some()));
        let mut told = told.filter(|name| !matches!(open.fields.get(name), Some(Value::RemoteRef(_)))).peekable();
        told.peek().is_some() && told.all(|name| text(&open.fields, name) == text(&record.fields, name))
    }

    /// The keys by which each link's record may be found in one remote type.
    async fn keys(&self, profile: &KindProfile, links: &[DueLink]) -> Run<Vec<Vec<Key>>> {
        let has = |form| profile.keys.contains(&form);
        let mut keys = Vec::with_capacity(links.len());
        let pairs = if has(KeyForm::Pair) && profile.own_key == OwnKey::None {
            self.pairs(links).await?
        } else if has(KeyForm::Parent) {
            self.parents(profile, links).await?
        } else {
            HashMap::new()
        };
        for link in links {
            let fields = &link.fields;
            let mut mine = Vec::new();
            match profile.kind {
                Kind::Person => {
                    if link.open_intent.is_some() && profile.own_key.field().is_some() {
                        mine.push(Key::Own(link.record.to_string()));
                    }
                    if has(KeyForm::Email) {
                        mine.extend(personal_addresses(fields).map(Key::Email));
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
    async fn pairs(&self, links: &[DueLink]) -> Run<HashMap<RecordId, Key>> {
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

    /// The people at whom to look for activities that may be there: because their creation may have happened, or
    /// because the person was there before this process, and a database that was lost or put back since may have
    /// told of more than this one knows.
    async fn parents(&self, profile: &KindProfile, links: &[DueLink]) -> Run<HashMap<RecordId, Key>> {
        let now = self.now();
        let created = |person| self.connection.has_created(link_id(self.connection.id, person));
        let unsure: Vec<DueLink> = links
            .iter()
            .filter(|link| match &link.open_intent {
                Some(open) => {
                    profile.own_key == OwnKey::None && open.operation == "create" && self.visible(open) <= now
                }
                None => link.fields.reference(&Field::PERSON).is_some_and(|person| !created(person)),
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

    async fn remote_ids(&self, links: &[DueLink], fields: &[Field]) -> Run<HashMap<RecordId, String>> {
        let ids: HashSet<RecordId> =
            links.iter().flat_map(|link| fields.iter().filter_map(|field| link.fields.reference(field))).collect();
        let ids: Vec<RecordId> = ids.into_iter().collect();
        let found = self.pusher.store.counterparts(self.connection.id, &ids).await?;
        Ok(found.into_iter().filter_map(|it| Some((RecordId(it.record), it.remote_id?))).collect())
    }

    /// Reads records with all fields that the mapping knows, and our own key.
    pub(crate) async fn look(&self, object: &Object, keys: &[Key]) -> Run<Vec<RemoteRecord>> {
        let found = self.look_up(object, keys).await?;
        if found.slow.is_empty() {
            return Ok(found.records);
        }
        Err(Stopped::Crm(CrmError::TooBroad { code: lookups::TOO_SLOW.into() }))
    }

    /// The same, telling what could not be looked up. A form of look-up that is closed by it is said.
    async fn look_up(&self, object: &Object, keys: &[Key]) -> Run<Found> {
        let own_key = self.profile(&object.remote)?.own_key.field();
        let (now, form) = (self.now(), keys.first().map(Key::form));
        let found = self.connection.find(&object.remote, keys, &object.field_names(), own_key, now).await?;
        if found.closed {
            let reason = format!("{}: looking it up by {form:?} takes the CRM too long", object.remote);
            let until = now.plus(lookups::LEFT);
            let code = lookups::TOO_SLOW;
            self.pusher.note_state(&self.connection, "misconfigured", code, Some(reason), until).await?;
        }
        Ok(found)
    }

    pub(crate) fn own_key_of<'r>(&self, record: &'r RemoteRecord) -> Option<&'r str> {
        let kinds = &self.connection.connector.profile().kinds;
        kinds.iter().find_map(|kind| record.fields.text(kind.own_key.field()?))
    }

    /// The living record of ours that each remote record's own key names.
    pub(crate) async fn holders(&self, records: &[RemoteRecord]) -> Run<Vec<Option<RecordId>>> {
        let named: Vec<Option<RecordId>> = records.iter().map(|record| self.own_key_of(record)?.parse().ok()).collect();
        let ids: BTreeSet<RecordId> = named.iter().flatten().copied().collect();
        let mut living = HashMap::new();
        if !ids.is_empty() {
            for record in self.pusher.store.records(&ids.into_iter().collect::<Vec<_>>()).await? {
                living.insert(record.id, self.pusher.store.survivor(record.id).await?);
            }
        }
        Ok(named.into_iter().map(|id| living.get(&id?).copied()).collect())
    }

    /// Persons that gain an address which another type of person has there already: nothing in the
    /// CRM keeps the two from being one human twice, so a person is asked.
    pub(crate) async fn ask_about_namesakes(&self, object: &Object, gaining: Vec<(DueLink, Key)>) -> Run<()> {
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
                ends.push(Settled { id: open.id, link: link.id.0, outcome: "found".into(), code: None });
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
            let eye = Eye::new(&self.pusher.country, object, &record.fields, &link.fields);
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
        let adopted = receipts.iter().filter_map(|it| Some((it, it.remote_id.clone()?)));
        let becomes: Vec<Moved> = adopted
            .map(|(it, remote_id)| Moved {
                id: it.id,
                remote_type: it.remote_type.clone(),
                remote_id,
                sent: RemoteFields::default(),
                seen: RemoteFields::default(),
            })
            .collect();
        let (now, overrides) = (self.now(), self.pusher.overrides.clone());
        let (others, own) = (self.pusher.connections.all(), self.connection.id);
        let wake: Vec<NewJob> = others
            .iter()
            .filter(|other| other.id != own)
            .map(|other| NewJob::push(self.pusher.id(), other.id, Lane::Scheduled, now))
            .collect();
        self.pusher
            .store
            .write(async move |tx| {
                let changed = restate(tx, &statements, &overrides, now).await?;
                let mut links = Vec::new();
                for record in &changed {
                    links.extend(links_of(&others, record, Lane::Scheduled, now));
                }
                // All in one order, before any of them is written.
                let mut all: BTreeSet<Uuid> = tx.links_around(&becomes).await?.into_iter().collect();
                all.extend(links.iter().map(|link| link.id).chain(receipts.iter().map(|receipt| receipt.id)));
                all.extend(companies.iter().map(|link| link.0));
                tx.lock_links(&all.into_iter().collect::<Vec<_>>()).await?;
                // What a second link of the record has.
                tx.unite_links(&becomes).await?;
                let read: Vec<_> = receipts.iter().map(Receipt::of).collect();
                let holding = tx.hold_links(&read).await?;
                if !links.is_empty() {
                    tx.want_links(&mut links).await?;
                    tx.put_jobs(&wake).await?;
                }
                tx.settle_intents(&holding, &ends, now).await?;
                let done = tx.put_receipts(&holding, &receipts).await?;
                seen.retain(|(id, ..)| done.contains(id));
                tx.put_seen(&seen).await?;
                let known: Vec<LinkId> = seen.iter().map(|(id, ..)| *id).collect();
                tx.want_dependants(&known).await?;
                tx.want_unlinked(&companies.iter().copied().collect::<Vec<_>>()).await?;
                tx.ask(&reviews).await
            })
            .await?;
        Ok(())
    }

    fn ask(&self, link: &DueLink, found: Vec<(String, String)>, reason: &str) -> NewReview {
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

/// The first look is by what names a thing; the second, for what was not found so, by what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    First,
    Second,
}

/// The names of companies that were looked for by their domain.
fn names_of_companies(profile: &KindProfile, links: &[DueLink]) -> Vec<Vec<Key>> {
    let by_name = profile.kind == Kind::Organisation && profile.keys.contains(&KeyForm::Name);
    let names = links.iter().map(|link| {
        let asked = by_name && link.fields.text(&Field::DOMAIN).is_some();
        // A name that was only made of the domain says nothing more.
        let written = link.fields.sourced(&Field::NAME).filter(|name| asked && name.how != NAME_OF_DOMAIN);
        let name = written.and_then(|name| name.value.as_text()).map(|name| Key::Name(name.to_owned()));
        name.into_iter().collect()
    });
    names.collect()
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
fn has_another_name(object: &Object, link: &DueLink, record: &RemoteRecord) -> bool {
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

/// A person's addresses, the main one first. A mailbox that several read names none of them.
fn personal_addresses(fields: &Fields) -> impl Iterator<Item = String> + '_ {
    let elements = fields.elements(&Field::EMAILS).iter();
    elements.map(|element| element.key.clone()).filter(|email| is_personal(email))
}

/// The subject that one remote record is.
pub fn crm_subject(connection: mittler_core::ConnectionId, remote_type: &str, id: &str) -> SubjectId {
    SubjectId(derived_id(&[b"crm", connection.0.as_bytes(), remote_type.as_bytes(), id.as_bytes()]))
}

/// What of an adopted record is ours: what an earlier call told, if the record shows that it came
/// through. All else it shows is the CRM's.
fn told(link: &DueLink, ours: bool, record: &RemoteRecord) -> RemoteFields {
    let open = link.open_intent.as_ref().filter(|open| open.operation == "create");
    let came = |name: &str| record.fields.get(name).is_some();
    match open {
        Some(open) if ours || link.kind == Kind::Activity => RemoteFields(
            open.fields.0.iter().filter(|(name, _)| came(name)).map(|(n, v)| (n.clone(), v.clone())).collect(),
        ),
        _ => RemoteFields::default(),
    }
}

/// Whether an activity is looked for in the CRM only in case that a database was lost which had told of it: that the
/// look takes too long is no reason to make none.
fn is_sought_for_a_loss(link: &DueLink) -> bool {
    link.kind == Kind::Activity && link.open_intent.is_none()
}

/// What of an activity was told by a database that is not there any more: all that this one would tell. Whoever works
/// on it there has it as they want it, and hears of what changes from now on.
fn told_before(object: &Object, schema: &RemoteSchema, link: &DueLink, record: &RemoteRecord) -> RemoteFields {
    let mut told = object.project(&link.fields).fields;
    fit(&mut told, schema);
    for (name, value) in &mut told.0 {
        if matches!(value, Some(Value::Ref(_))) {
            *value = record.fields.get(name).cloned();
        }
    }
    told
}

/// Days between which two tasks of the same words are due that may be one: the same fair's, told again, not last year's.
const SAME_TASK_DAYS: i32 = 90;

/// How well the words of an activity there are those that we would write: 1 if they are the same, 2 if only the subject
/// of a task is - whoever works on a task writes into it.
fn says_the_same(object: &Object, schema: &RemoteSchema, link: &DueLink, record: &RemoteRecord) -> Option<usize> {
    let mut ours = object.project(&link.fields).fields;
    fit(&mut ours, schema);
    let (mut subject, mut body) = (None, None);
    for name in ours.0.keys() {
        let text = |fields: &RemoteFields| fields.text(name).map(clean).filter(|text| !text.is_empty());
        let same = || text(&ours).map(|said| text(&record.fields).is_some_and(|theirs| theirs == said));
        match object.shows(name) {
            Some((field, _)) if field == Field::SUBJECT => subject = same(),
            Some((field, _)) if field == Field::BODY => body = same(),
            _ => {}
        }
    }
    let task = link.fields.text(&Field::ACTIVITY_TYPE) == Some("task");
    let due = |value: Option<&Value>| value.and_then(day);
    let theirs = shows(object, record, &Field::DUE);
    let apart = match (due(link.fields.value(&Field::DUE)), due(theirs.as_ref())) {
        (Some(ours), Some(theirs)) => (ours - theirs).get_days().abs(),
        _ => 0,
    };
    if apart > SAME_TASK_DAYS {
        return None;
    }
    match (subject, body) {
        (None | Some(true), Some(true)) | (Some(true), None) => Some(1),
        (Some(true), Some(false)) if task => Some(2),
        _ => None,
    }
}

/// No two activities are one there: each takes what says the same, the best likeness first.
fn give_each_its_own(found: &mut [(DueLink, (Vec<Hit>, bool))]) {
    let best = |hits: &[Hit]| hits.iter().map(|hit| hit.rank).min();
    found.sort_by_key(|(_, (hits, _))| best(hits));
    let mut taken: HashSet<String> = HashSet::new();
    for (_, (hits, _)) in found {
        hits.retain(|hit| !taken.contains(&hit.record.id));
        hits.sort_by(|a, b| (a.rank, &a.record.id).cmp(&(b.rank, &b.record.id)));
        hits.truncate(1);
        taken.extend(hits.first().map(|hit| hit.record.id.clone()));
    }
}

/// What a remote record says of one of our fields.
fn shows(object: &Object, record: &RemoteRecord, field: &Field) -> Option<Value> {
    object.lift(&record.fields, &Fields::default()).into_iter().find(|said| said.field == *field)?.value
}

fn day(value: &Value) -> Option<jiff::civil::Date> {
    match value {
        Value::Date(date) => Some(*date),
        Value::Instant { at, .. } => Some(at.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date()),
        other => other.as_text()?.get(..10)?.parse().ok(),
    }
}

fn settled_as(link: &DueLink, code: &str) -> Receipt {
    let mut receipt = settled(link, Some(code), None);
    receipt.state = "refused".into();
    receipt
}
