//! Who is it there: finding the remote record that a link means, and taking over what it says.
//!
//! By link id, else by own key, else by e-mail address, domain or pair. What is adopted keeps its
//! values as claims of the CRM, before anything of ours is planned.

use std::collections::{HashMap, HashSet};

use mittler_connector::{Key, KindProfile};
use mittler_core::{Fields, Kind, Value, mapping::Object};
use mittler_identity::{Candidate, Decision, Facts, KeyType, decide};
use mittler_store::{due::DueLink, leases::Receipt, links::LinkCommand, reviews::NewReview};

use crate::{
    lookups,
    push::{
        activities::is_sought_for_a_loss,
        adopt::{Adoption, has_another_name, settled_as},
        batch::Batch,
        candidates::Hit,
        item::{settled, superseded},
        pusher::Run,
    },
};

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
        // A record that carries our key is ours, by whatever it was found.
        if best > 0 && link.kind == Kind::Organisation && hits.iter().all(|hit| matches!(hit.record.key, Key::Name(_)))
        {
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
