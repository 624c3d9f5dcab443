//! What a connection is for, beyond its mode: which fields it may write, of whom, and to what end.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mittler_core::{Field, Fields, Kind, LinkId, RecordId};
use mittler_store::{due::DueLink, links::link_id};
use serde::{Deserialize, Serialize};

use crate::batch::{Batch, Item, Run, about};

/// The bounds of one connection; without any, all that is mapped is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// The only fields that are written: `Lead.Email`, or all of a type: `Lead.*`.
    pub fields: Vec<String>,
    pub pilot: Option<Pilot>,
    /// The purposes that the connection serves.
    pub purposes: Vec<String>,
}

/// The only ones who are written while a connection is tried: whoever fits one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pilot {
    /// Names of fairs.
    pub fairs: Vec<String>,
    /// Owners, as records name them.
    pub owners: Vec<String>,
    /// Domains of e-mail addresses and companies.
    pub domains: Vec<String>,
}

/// Whether a record lies within the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    pub pilot: bool,
    pub purpose: bool,
}

impl Default for Within {
    fn default() -> Self {
        Within { pilot: true, purpose: true }
    }
}

impl Bounds {
    /// The fields of a remote type that may be written; `None`: all of them.
    pub fn fields_of(&self, remote_type: &str) -> Option<BTreeSet<&str>> {
        let mine = self.fields.iter().filter_map(|name| name.split_once('.')).filter(|(of, _)| *of == remote_type);
        let names: BTreeSet<&str> = mine.map(|(_, name)| name).collect();
        (!self.fields.is_empty() && !names.contains("*")).then_some(names)
    }

    fn serve(&self, purposes: Option<&BTreeSet<String>>) -> bool {
        let Some(named) = purposes else { return true };
        self.purposes.is_empty() || named.contains("") || self.purposes.iter().any(|served| named.contains(served))
    }
}

fn has(list: &[String], text: Option<&str>) -> bool {
    text.is_some_and(|text| list.iter().any(|one| one.trim().to_lowercase() == text.trim().to_lowercase()))
}

impl Pilot {
    /// Whether a person or company is named by itself.
    fn names(&self, fields: &Fields) -> bool {
        has(&self.owners, fields.text(&Field::OWNER))
            || has(&self.domains, fields.text(&Field::DOMAIN))
            || fields
                .elements(&Field::EMAILS)
                .iter()
                .any(|email| has(&self.domains, email.key.rsplit_once('@').map(|(_, domain)| domain)))
    }
}

/// Who of the people is in a pilot.
#[derive(Debug, Default)]
struct People {
    /// By themselves: everything about them goes.
    named: BTreeSet<RecordId>,
    /// For having been at a fair: that visit goes.
    visitors: BTreeSet<RecordId>,
    /// The fairs of the pilot, as far as anybody was there.
    fairs: BTreeSet<RecordId>,
}

impl People {
    fn has(&self, person: RecordId, fair: Option<RecordId>) -> bool {
        self.named.contains(&person)
            || self.visitors.contains(&person) && fair.is_none_or(|fair| self.fairs.contains(&fair))
    }
}

impl Batch {
    /// Holds what is about to be written against the bounds of the connection.
    pub(crate) async fn bound(&self, items: Vec<&mut Item>) -> Run<()> {
        let bounds = &self.connection.bounds;
        if bounds.pilot.is_none() && bounds.purposes.is_empty() || items.is_empty() {
            return Ok(());
        }
        let people: BTreeSet<RecordId> = items.iter().filter_map(|item| subject(&item.link)).collect();
        let people: Vec<RecordId> = people.into_iter().collect();
        let purposes = if bounds.purposes.is_empty() || people.is_empty() {
            BTreeMap::new()
        } else {
            self.pusher.store.purposes_of(&people).await?
        };
        let piloted = match &bounds.pilot {
            Some(pilot) => Some((pilot, self.people_of(pilot, &people).await?)),
            None => None,
        };
        let ids: Vec<LinkId> = items.iter().map(|item| item.link.id).collect();
        let members = if piloted.is_some() { self.pusher.store.in_pilot(&ids).await? } else { BTreeSet::new() };
        for item in items {
            let (link, subject) = (&item.link, subject(&item.link));
            item.within = Within {
                purpose: subject.is_none_or(|person| bounds.serve(purposes.get(&person))),
                pilot: piloted.as_ref().is_none_or(|(pilot, people)| match (link.kind, subject) {
                    (Kind::Fair, _) => has(&pilot.fairs, link.fields.text(&Field::NAME)) || members.contains(&link.id),
                    (_, Some(person)) => people.has(person, link.fields.reference(&Field::FAIR)),
                    _ => pilot.names(&link.fields) || members.contains(&link.id),
                }),
            };
        }
        Ok(())
    }

    /// Companies and fairs that a pilot holds though somebody in it hangs on them come along.
    pub(crate) async fn bring_along(&self, unmet: &[DueLink]) -> Run<()> {
        let Some(pilot) = self.connection.bounds.pilot.as_ref().filter(|_| !unmet.is_empty()) else { return Ok(()) };
        let people: BTreeSet<RecordId> = unmet.iter().filter_map(about).collect();
        let people = self.people_of(pilot, &people.into_iter().collect::<Vec<_>>()).await?;
        let needs: BTreeSet<LinkId> = unmet
            .iter()
            .filter(|link| about(link).is_some_and(|person| people.has(person, link.fields.reference(&Field::FAIR))))
            .flat_map(|link| [Field::FAIR, Field::TO].map(|field| link.fields.reference(&field)))
            .flatten()
            .map(|record| link_id(self.connection.id, record))
            .collect();
        if needs.is_empty() {
            return Ok(());
        }
        let needs: Vec<LinkId> = needs.into_iter().collect();
        self.pusher.store.write(async move |tx| tx.join_pilot(&needs).await).await?;
        Ok(())
    }

    async fn people_of(&self, pilot: &Pilot, ids: &[RecordId]) -> Run<People> {
        let mut people = People::default();
        if ids.is_empty() {
            return Ok(people);
        }
        let store = &self.pusher.store;
        let records = store.records(ids).await?;
        people.named = records.iter().filter(|it| pilot.names(&it.fields)).map(|it| it.id).collect();
        if pilot.fairs.is_empty() {
            return Ok(people);
        }
        let visits: Vec<(RecordId, RecordId)> = store
            .visits_of(ids)
            .await?
            .iter()
            .filter_map(|it| Some((it.fields.0.reference(&Field::PERSON)?, it.fields.0.reference(&Field::FAIR)?)))
            .collect();
        let fairs: BTreeSet<RecordId> = visits.iter().map(|(_, fair)| *fair).collect();
        let names: HashMap<RecordId, Fields> = store
            .records(&fairs.into_iter().collect::<Vec<_>>())
            .await?
            .into_iter()
            .map(|it| (it.id, it.fields))
            .collect();
        for (person, fair) in visits {
            if has(&pilot.fairs, names.get(&fair).and_then(|fields| fields.text(&Field::NAME))) {
                people.visitors.insert(person);
                people.fairs.insert(fair);
            }
        }
        Ok(people)
    }
}

/// The person whose data a link carries.
pub(crate) fn subject(link: &DueLink) -> Option<RecordId> {
    if link.kind == Kind::Person { Some(link.record) } else { about(link) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_are_named_are_the_only_ones() {
        let bounds = Bounds { fields: vec!["Lead.Email".into(), "Task.*".into()], ..Bounds::default() };
        assert_eq!(bounds.fields_of("Lead"), Some(["Email"].into()));
        assert_eq!(bounds.fields_of("Task"), None);
        assert_eq!(bounds.fields_of("Contact"), Some(BTreeSet::new()), "a type that is not named has none");
        assert_eq!(Bounds::default().fields_of("Lead"), None);
    }

    #[test]
    fn one_purpose_that_is_served_is_enough_and_so_is_none() {
        let bounds = Bounds { purposes: vec!["sales".into()], ..Bounds::default() };
        let named = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<BTreeSet<String>>();
        assert!(bounds.serve(None) && bounds.serve(Some(&named(&["event", "sales"]))));
        assert!(bounds.serve(Some(&named(&["event", ""]))), "came in for nothing in particular, too");
        assert!(!bounds.serve(Some(&named(&["event"]))));
        assert!(Bounds::default().serve(Some(&named(&["event"]))));
    }
}
