//! Looking for the remote records that links may mean: by own key, address, domain, name, pair or parent.

use std::collections::{BTreeSet, HashMap, HashSet};

use mittler_connector::{Error as CrmError, Key, KeyForm, KindProfile, OwnKey, RemoteRecord};
use mittler_core::{Field, Fields, Kind, RecordId, RemoteFields, Value, mapping::Object, value::clean};
use mittler_identity::NAME_OF_DOMAIN;
use mittler_normalise::email::is_personal;
use mittler_store::{connections::ConnectionState, due::DueLink, intents::Operation, links::link_id};

use crate::{
    lift::shows,
    lookups::{self, Found},
    push::{
        activities::{day, says_the_same},
        batch::Batch,
        pusher::{Run, Stopped},
    },
};

/// A remote record that a link may mean.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub remote_type: String,
    pub record: RemoteRecord,
    /// How well the key names it: 0 is our own key, then the main address, then the others.
    pub rank: usize,
    /// The record of ours that its own key names.
    pub holder: Option<RecordId>,
}

impl Batch {
    /// For each link the remote records it may mean, the best type first; and whether a look-up for it took the CRM
    /// too long.
    pub(super) async fn find(
        &self,
        object: &Object,
        profile: &KindProfile,
        links: &[DueLink],
    ) -> Run<Vec<(Vec<Hit>, bool)>> {
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
            self.look_in(object, by, links, &mut found, &mut slow).await?;
        }
        if profile.kind == Kind::Organisation {
            self.look_at_newcomers(object, links, &mut found).await?;
        }
        Ok(found.into_iter().zip(slow).collect())
    }

    /// Looks in one remote type for those links for which nothing was found yet.
    async fn look_in(
        &self,
        object: &Object,
        by: Pass,
        links: &[DueLink],
        found: &mut [Vec<Hit>],
        slow: &mut [bool],
    ) -> Run<()> {
        let Some(profile) = self.connection.connector.profile().kind(&object.remote) else { return Ok(()) };
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
        Ok(())
    }

    /// Companies that the CRM's search may not show yet, for those links for which nothing was found.
    async fn look_at_newcomers(&self, object: &Object, links: &[DueLink], found: &mut [Vec<Hit>]) -> Run<()> {
        let missed: Vec<usize> = (0..links.len()).filter(|at| found[*at].is_empty()).collect();
        if missed.is_empty() {
            return Ok(());
        }
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
        Ok(())
    }

    /// Whether a record found by a weak form of key can be what the link means: an activity's parent
    /// has many, and a fair of the same name may be last year's.
    pub(super) fn admits(object: &Object, profile: &KindProfile, link: &DueLink, record: &RemoteRecord) -> bool {
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
    pub(super) async fn keys(&self, profile: &KindProfile, links: &[DueLink]) -> Run<Vec<Vec<Key>>> {
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
            let searched = matches!(profile.own_key, OwnKey::Searchable(_));
            if link.open_intent.is_some()
                && profile.own_key.field().is_some()
                && (searched || profile.kind == Kind::Person)
            {
                mine.push(Key::Own(link.record.to_string()));
            }
            match profile.kind {
                Kind::Person => {
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
    pub(super) async fn pairs(&self, links: &[DueLink]) -> Run<HashMap<RecordId, Key>> {
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
    pub(super) async fn parents(&self, profile: &KindProfile, links: &[DueLink]) -> Run<HashMap<RecordId, Key>> {
        let now = self.now();
        let created = |person| self.connection.has_created(link_id(self.connection.id, person));
        let unsure: Vec<DueLink> = links
            .iter()
            .filter(|link| match &link.open_intent {
                Some(open) => {
                    profile.own_key == OwnKey::None && open.operation == Operation::Create && self.visible(open) <= now
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

    pub(super) async fn remote_ids(&self, links: &[DueLink], fields: &[Field]) -> Run<HashMap<RecordId, String>> {
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
    pub(super) async fn look_up(&self, object: &Object, keys: &[Key]) -> Run<Found> {
        let own_key = self.profile(&object.remote)?.own_key.field();
        let (now, form) = (self.now(), keys.first().map(Key::form));
        let found = self.connection.find(&object.remote, keys, &object.field_names(), own_key, now).await?;
        if found.closed {
            let reason = format!("{}: looking it up by {form:?} takes the CRM too long", object.remote);
            let until = now.plus(lookups::LEFT);
            let code = lookups::TOO_SLOW;
            self.pusher.note_state(&self.connection, ConnectionState::Misconfigured, code, Some(reason), until).await?;
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
}

/// The first look is by what names a thing; the second, for what was not found so, by what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    First,
    Second,
}

/// The names of companies that were looked for by their domain.
pub(super) fn names_of_companies(profile: &KindProfile, links: &[DueLink]) -> Vec<Vec<Key>> {
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

/// A person's addresses, the main one first. A mailbox that several read names none of them.
pub(super) fn personal_addresses(fields: &Fields) -> impl Iterator<Item = String> + '_ {
    let elements = fields.elements(&Field::EMAILS).iter();
    elements.map(|element| element.key.clone()).filter(|email| is_personal(email))
}
