//! Whether what is about to be written lies within the bounds of the connection.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mittler_core::{Field, Fields, Kind, LinkId, RecordId};
use mittler_store::{due::DueLink, links::link_id};

use crate::{
    bounds::{Pilot, Within, about, has, subject},
    push::{batch::Batch, item::Item, pusher::Run},
};

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
    pub(crate) async fn include_dependencies(&self, unmet: &[DueLink]) -> Run<()> {
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
