//! Whose is what was said: what moved goes back, and what has come since is whose addresses and numbers it has.

use std::collections::{BTreeMap, HashMap, HashSet};

use mittler_core::{RecordId, Statement, Time, Value, derive};
use mittler_identity::keys;
use mittler_store::{
    links::link_id,
    merges::{Carried, MovingLink, Renamed},
    records::StatementRow,
};
use mittler_sync::crm_subject;
use uuid::Uuid;

use super::{Split, by_subject};
use crate::moving::heir;

impl Split<'_> {
    /// Shares out what is said.
    pub(super) fn share(&mut self, said: Vec<(RecordId, Statement)>, merged_at: Time) {
        let moved = self.moved.records.iter();
        let mut subjects: HashMap<Uuid, RecordId> =
            moved.flat_map(|(id, moved)| moved.subjects.iter().map(move |subject| (*subject, *id))).collect();
        subjects.extend(self.remote_subjects());
        let signals = self.came_since(&said, &subjects, merged_at);
        let renamed: HashMap<(Uuid, Uuid), &Renamed> =
            self.moved.renamed.iter().map(|it| ((it.subject, it.signal), it)).collect();
        let original: HashMap<RecordId, RecordId> = self.home.iter().map(|(id, home)| (*home, *id)).collect();
        let mut by_record: BTreeMap<RecordId, Vec<Statement>> = BTreeMap::new();
        for (id, statement) in said {
            by_record.entry(id).or_default().push(statement);
        }
        // What a record about the one is called when it is about the other.
        let mut names: HashMap<RecordId, RecordId> = original.clone();
        for (id, said) in &by_record {
            let Some(record) = self.locked.get(id).filter(|_| !names.contains_key(id)) else { continue };
            if said.iter().any(|statement| signals.contains(&statement.signal.0))
                && let Some(name) = heir(record, said.iter(), (self.to, self.from)).filter(|name| name != id)
            {
                names.insert(*id, name);
                self.parts.kinds.insert(name, record.kind);
            }
        }
        for (id, said) in by_record {
            self.parts.fields.entry(id).or_default();
            for mut statement in said {
                let of = subjects.get(&statement.subject.0).filter(|of| self.home.get(of) == Some(&id)).copied();
                let since = signals.contains(&statement.signal.0);
                let target = match of {
                    Some(of) => of,
                    None if since => names.get(&id).copied().unwrap_or(id),
                    None => id,
                };
                let mut changed = target != id;
                if of.is_some() || since {
                    for said in &mut statement.said {
                        let Some(Value::Ref(reference)) = &mut said.value else { continue };
                        if let Some(name) = names.get(reference) {
                            *reference = *name;
                            changed = true;
                        }
                    }
                } else if let Some(renamed) = renamed.get(&(statement.subject.0, statement.signal.0)) {
                    changed |= self.rename(&mut statement, renamed);
                }
                if changed {
                    self.parts.rows.push(StatementRow::new(target, &statement));
                }
                self.parts.fields.entry(target).or_default().push(statement);
            }
        }
        for (id, name) in names {
            if id != self.to && self.parts.fields.get(&id).is_some_and(Vec::is_empty) {
                self.parts.fields.remove(&id);
                self.parts.ended.insert(id, name);
            }
        }
    }

    /// The remote records that go back, as subjects: what a CRM has said of one since the merge goes with it.
    fn remote_subjects(&self) -> Vec<(Uuid, RecordId)> {
        let by_id: HashMap<Uuid, &MovingLink> = self.links.iter().map(|link| (link.id, link)).collect();
        let subjects = self.moved.links.iter().flat_map(|before| {
            let carrier = match before.carried {
                Carried::Itself => Some(before.id),
                Carried::Heir => self.home.get(&before.record).map(|home| link_id(before.connection, *home)),
                Carried::Nobody => None,
            };
            let now = carrier.and_then(|id| by_id.get(&id.0));
            let now = now.and_then(|link| Some((&link.remote_type, link.remote_id.as_ref()?)));
            let then = before.remote_id.as_ref().map(|id| (&before.remote_type, id));
            let remotes = now.into_iter().chain(then);
            remotes.map(|(remote_type, id)| (crm_subject(before.connection, remote_type, id).0, before.record))
        });
        subjects.collect()
    }

    /// The signals of what has come since the merge about whoever came back: by their addresses and numbers, which
    /// the other one never had.
    fn came_since(
        &self,
        said: &[(RecordId, Statement)],
        subjects: &HashMap<Uuid, RecordId>,
        merged_at: Time,
    ) -> HashSet<Uuid> {
        let of_main = said.iter().filter(|(id, _)| *id == self.to).map(|(_, statement)| statement);
        let strong = |said: &[Statement]| -> HashSet<Uuid> {
            let all = keys::of_fields(self.kind, &derive(said, &self.env.overrides));
            all.iter().filter(|key| key.key_type.is_strong()).map(mittler_identity::Key::id).collect()
        };
        let (mut theirs, mut others, mut later) = (Vec::new(), Vec::new(), Vec::new());
        for (subject, said) in by_subject(of_main) {
            let first = said.iter().map(|statement| statement.version.1).min();
            if subjects.get(&subject) == Some(&self.from) {
                theirs.extend(said);
            } else if first.is_some_and(|first| first > merged_at) {
                later.push(said);
            } else {
                others.extend(said);
            }
        }
        let (theirs, others) = (strong(&theirs), strong(&others));
        let back = later.into_iter().filter(|said| {
            let keys = strong(said);
            keys.iter().any(|key| theirs.contains(key)) && !keys.iter().any(|key| others.contains(key))
        });
        back.flatten().map(|statement| statement.signal.0).collect()
    }

    /// What the merge renamed in a record that stayed means whom it meant before.
    fn rename(&self, statement: &mut Statement, renamed: &Renamed) -> bool {
        let mut changed = false;
        for (place, meant) in &renamed.places {
            let Some(Value::Ref(named)) = statement.said.get_mut(*place).and_then(|said| said.value.as_mut()) else {
                continue;
            };
            if self.home.get(meant) == Some(named) {
                *named = *meant;
                changed = true;
            }
        }
        changed
    }
}
