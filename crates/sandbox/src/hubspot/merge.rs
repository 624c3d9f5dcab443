//! Merging two records into a third, and erasing a person.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::failure::Failure;
use super::portal::Portal;
use super::request::{Answer, Outcome, Request};
use super::table::Version;
use super::webhook::Happening;
use crate::journal::{Act, Change};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pair {
    primary_object_id: Value,
    object_id_to_merge: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Erasure {
    object_id: Value,
    id_property: Option<String>,
}

impl Portal {
    /// The survivor is a new record; both old ids lead to it from now on. What the primary record has wins.
    pub fn merge(&mut self, kind: usize, request: &Request) -> Outcome {
        let pair: Pair = request.json()?;
        let resolve = |id: &Value| number(id).and_then(|id| self.tables[kind].resolve(id)).ok_or_else(Failure::gone);
        let (primary, other) = (resolve(&pair.primary_object_id)?, resolve(&pair.object_id_to_merge)?);
        let id = self.merge_records(kind, primary, other)?;
        Ok(Answer::ok(self.show_filled(kind, id)))
    }

    /// Gives the survivor's id.
    pub fn merge_records(&mut self, kind: usize, primary: u64, other: u64) -> Result<u64, Failure> {
        if primary == other {
            return Err(Failure::invalid("An object cannot be merged with itself"));
        }
        let table = &self.tables[kind];
        let (Some(first), Some(second)) = (table.live(primary), table.live(other)) else { return Err(Failure::gone()) };
        let mut merged = first.merged.clone();
        merged.extend(&second.merged);
        merged.extend([(primary, self.now), (other, self.now)]);
        let most = self.config.limits.merges;
        // Every merge brings two identities.
        if most > 0 && merged.len() > most.saturating_mul(2) {
            let message = format!("Cannot have more than {most} identities on a profile");
            return Err(Failure::new(414, "VALIDATION_ERROR", message));
        }
        let mut values: Vec<(String, String)> = Vec::new();
        for name in first.filled() {
            let value = first.stored(&name, i64::MAX).unwrap_or_default().to_owned();
            values.push((name, value));
        }
        let mut moved = 0_u64;
        for name in second.filled() {
            let value = second.stored(&name, i64::MAX).unwrap_or_default();
            if !values.iter().any(|(have, _)| *have == name) {
                values.push((name, value.to_owned()));
                moved += 1;
            } else if table.is_contacts() && (name == "email" || name == "hs_additional_emails") {
                add_address(&mut values, value);
            }
        }
        let system = ["hs_merged_object_ids", "hs_calculated_merged_vids"];
        values.retain(|(name, _)| !system.contains(&name.as_str()));
        let ids: Vec<String> = merged.iter().map(|(id, _)| id.to_string()).collect();
        values.push((system[0].to_owned(), ids.join(";")));
        if table.is_contacts() {
            let stamped: Vec<String> = merged.iter().map(|(id, at)| format!("{id}:{at}")).collect();
            values.push((system[1].to_owned(), stamped.join(";")));
        }
        let id = self.survive(kind, primary, other, values, merged);
        let happening = Happening::Merge { primary, merged: vec![other], new: id, moved };
        self.emit(kind, id, &happening);
        Ok(id)
    }

    /// Puts the survivor in the place of both records. It is no creation: only the merge event tells of it.
    fn survive(
        &mut self,
        kind: usize,
        primary: u64,
        other: u64,
        values: Vec<(String, String)>,
        merged: Vec<(u64, i64)>,
    ) -> u64 {
        let (now, actor) = (self.now, self.actor);
        let table = &mut self.tables[kind];
        let id = table.next_id;
        table.next_id += 1;
        let mut record = super::table::Record::new(id, now);
        record.created = table.records.get(&primary).map_or(now, |record| record.created);
        record.merged = merged;
        for old in [primary, other] {
            table.release(old);
            table.records.remove(&old);
            table.aliases.insert(old, id);
        }
        for target in table.aliases.values_mut().filter(|target| **target == primary || **target == other) {
            *target = id;
        }
        table.records.insert(id, record);
        let mut fields = BTreeMap::new();
        for (name, value) in values {
            fields.insert(name.clone(), Change { before: Value::Null, after: value.clone().into() });
            table.put(id, &name, Version { value, at: now, by: actor });
        }
        self.note(kind, id, Act::Merge, fields, vec![primary.to_string(), other.to_string()]);
        self.move_links(kind, primary, id);
        self.move_links(kind, other, id);
        id
    }

    /// Erases a contact for good. An address that no contact has may never be used again.
    pub fn gdpr_delete(&mut self, kind: usize, request: &Request) -> Outcome {
        let erasure: Erasure = request.json()?;
        let id_property = erasure.id_property.filter(|name| !name.is_empty());
        let sent = match &erasure.object_id {
            Value::String(text) => text.trim().to_lowercase(),
            other => other.to_string(),
        };
        let found = match id_property.as_deref() {
            None => number(&erasure.object_id).and_then(|id| self.tables[kind].resolve(id)),
            Some("email") if self.tables[kind].is_contacts() => self.tables[kind].find_unique("email", &sent),
            Some(name) => {
                self.check_identifier(kind, name, "gdpr-delete")?;
                self.tables[kind].find_unique(name, &sent)
            }
        };
        let by_address = id_property.as_deref() == Some("email");
        match found {
            Some(id) => self.erase_person(kind, id),
            None if by_address => {
                self.blocklist.insert(sent);
            }
            None => return Err(Failure::gone()),
        }
        Ok(Answer::empty())
    }

    pub fn erase_person(&mut self, kind: usize, id: u64) {
        if self.config.gdpr_blocks_known_emails
            && let Some(address) = self.tables[kind].current(id, "email")
        {
            self.blocklist.insert(address.to_owned());
        }
        self.erase(kind, id);
    }

    fn erase(&mut self, kind: usize, id: u64) {
        self.drop_links(kind, id);
        let table = &mut self.tables[kind];
        table.release(id);
        table.records.remove(&id);
        table.aliases.retain(|_, target| *target != id);
        for fair in &mut self.fairs {
            fair.attendance.retain(|seen| !(kind == 0 && seen.contact == id));
        }
        self.note(kind, id, Act::Erase, BTreeMap::new(), Vec::new());
        self.emit(kind, id, &Happening::PrivacyDeletion);
        self.emit(kind, id, &Happening::Deletion);
    }
}

fn add_address(values: &mut Vec<(String, String)>, address: &str) {
    match values.iter_mut().find(|(name, _)| name == "hs_additional_emails") {
        Some((_, list)) => {
            list.push(';');
            list.push_str(address);
        }
        None => values.push(("hs_additional_emails".to_owned(), address.to_owned())),
    }
}

pub fn number(id: &Value) -> Option<u64> {
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}
