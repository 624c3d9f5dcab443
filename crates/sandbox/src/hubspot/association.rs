//! Associations between records: their types, and how setting one changes the others.
//!
//! **Invariant:** both directions of a link exist or neither, and a link with any label also has the unlabeled type.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::merge::number;
use super::portal::Portal;
use super::webhook::Happening;

/// One direction of a kind of association.
#[derive(Clone, Debug)]
pub struct AssociationType {
    pub from: usize,
    pub to: usize,
    pub id: u64,
    /// The id of the same association seen from the other side.
    pub inverse: u64,
    pub label: Option<String>,
    pub category: &'static str,
}

/// The other end of a link that is to be made.
#[derive(Clone, Debug)]
pub struct Link {
    pub to_kind: usize,
    pub to: u64,
    /// Empty means unlabeled.
    pub types: BTreeSet<u64>,
}

/// From, to, id, inverse, label. Where the documentation gives one direction only, the inverse is the neighbouring
/// number.
const KNOWN: [(&str, &str, u64, u64, &str); 37] = [
    ("0-1", "0-2", 279, 280, ""),
    ("0-1", "0-2", 1, 2, "Primary"),
    ("0-1", "0-3", 4, 3, ""),
    ("0-2", "0-3", 342, 341, ""),
    ("0-2", "0-3", 6, 5, "Primary"),
    ("0-1", "0-5", 15, 16, ""),
    ("0-2", "0-5", 340, 339, ""),
    ("0-2", "0-5", 25, 26, "Primary"),
    ("0-1", "0-1", 449, 449, ""),
    ("0-2", "0-2", 450, 450, ""),
    ("0-3", "0-3", 451, 451, ""),
    ("0-2", "0-2", 13, 14, "Child Company"),
    ("0-136", "0-1", 608, 609, ""),
    ("0-136", "0-1", 578, 579, "Primary"),
    ("0-136", "0-2", 610, 611, ""),
    ("0-136", "0-2", 580, 581, "Primary"),
    ("0-46", "0-1", 202, 201, ""),
    ("0-46", "0-2", 190, 189, ""),
    ("0-46", "0-3", 214, 213, ""),
    ("0-46", "0-5", 228, 227, ""),
    ("0-49", "0-1", 198, 197, ""),
    ("0-49", "0-2", 186, 185, ""),
    ("0-49", "0-3", 210, 209, ""),
    ("0-49", "0-5", 224, 223, ""),
    ("0-27", "0-1", 204, 203, ""),
    ("0-27", "0-2", 192, 191, ""),
    ("0-27", "0-3", 216, 215, ""),
    ("0-27", "0-5", 230, 229, ""),
    ("0-18", "0-1", 81, 82, ""),
    ("0-18", "0-2", 87, 88, ""),
    ("0-18", "0-3", 85, 86, ""),
    ("0-47", "0-1", 200, 199, ""),
    ("0-47", "0-2", 188, 187, ""),
    ("0-47", "0-3", 212, 211, ""),
    ("0-48", "0-1", 194, 193, ""),
    ("0-48", "0-2", 182, 181, ""),
    ("0-48", "0-3", 206, 205, ""),
];

impl Portal {
    pub fn seed_association_types(&mut self) {
        for (from, to, id, inverse, label) in KNOWN {
            let (Ok(from), Ok(to)) = (self.kind(from), self.kind(to)) else { continue };
            let label = (!label.is_empty()).then(|| label.to_owned());
            self.add_association_type(from, to, id, inverse, label.clone(), "HUBSPOT_DEFINED");
            if inverse != id {
                let back =
                    label.map(|label| if label == "Child Company" { "Parent Company".to_owned() } else { label });
                self.add_association_type(to, from, inverse, id, back, "HUBSPOT_DEFINED");
            }
        }
        // Every pair has an unlabeled association; the ones without a documented number get one of this portal.
        for from in 0..self.tables.len() {
            for to in from..self.tables.len() {
                self.ensure_unlabeled(from, to);
            }
        }
    }

    pub fn ensure_unlabeled(&mut self, from: usize, to: usize) {
        if self.unlabeled(from, to).is_some() {
            return;
        }
        let custom = self.tables[from].custom.is_some() || self.tables[to].custom.is_some();
        let category = if custom { "USER_DEFINED" } else { "HUBSPOT_DEFINED" };
        self.add_association_pair(from, to, None, None, category);
    }

    pub fn add_association_pair(
        &mut self,
        from: usize,
        to: usize,
        label: Option<String>,
        inverse_label: Option<String>,
        category: &'static str,
    ) -> (u64, u64) {
        let id = self.next_association_type;
        let paired = from != to || inverse_label.is_some();
        let inverse = if paired { id + 1 } else { id };
        self.next_association_type += 2;
        self.add_association_type(from, to, id, inverse, label.clone(), category);
        if paired {
            self.add_association_type(to, from, inverse, id, inverse_label.or(label), category);
        }
        (id, inverse)
    }

    fn add_association_type(
        &mut self,
        from: usize,
        to: usize,
        id: u64,
        inverse: u64,
        label: Option<String>,
        category: &'static str,
    ) {
        self.association_types.push(AssociationType { from, to, id, inverse, label, category });
    }

    pub fn unlabeled(&self, from: usize, to: usize) -> Option<u64> {
        let mut types = self.association_types.iter();
        types.find(|kind| kind.from == from && kind.to == to && kind.label.is_none()).map(|kind| kind.id)
    }

    pub fn association_type(&self, from: usize, to: usize, id: u64) -> Option<&AssociationType> {
        self.association_types.iter().find(|kind| kind.id == id && kind.from == from && kind.to == to)
    }

    fn is_primary(&self, from: usize, to: usize, id: u64) -> bool {
        self.association_type(from, to, id)
            .is_some_and(|kind| kind.category == "HUBSPOT_DEFINED" && kind.label.as_deref() == Some("Primary"))
    }

    /// `[{associationCategory, associationTypeId}]` between two types, checked.
    pub fn specs(&self, from: usize, to: usize, value: Option<&Value>) -> Result<BTreeSet<u64>, Failure> {
        let specs = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        specs
            .iter()
            .map(|spec| {
                let id = spec.get("associationTypeId").and_then(number).unwrap_or_default();
                let category = spec.get("associationCategory").and_then(Value::as_str).unwrap_or_default();
                match self.association_type(from, to, id) {
                    Some(kind) if kind.category == category => Ok(id),
                    _ => Err(Failure::invalid(format!(
                        "{category}:{id} is not a valid association type between {} and {}",
                        self.tables[from].singular, self.tables[to].singular
                    ))),
                }
            })
            .collect()
    }

    /// The associations of a create call. The type ids tell which type the other record has.
    pub fn inline_links(&self, from: usize, value: Option<&Value>) -> Result<Vec<Link>, Failure> {
        let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut links = Vec::new();
        for item in items {
            let types = item.get("types");
            let first = types.and_then(|types| types.get(0)).and_then(|spec| spec.get("associationTypeId"));
            let id = first.and_then(number).ok_or_else(|| Failure::invalid("An association needs types"))?;
            let kind = self.association_types.iter().find(|kind| kind.from == from && kind.id == id);
            let Some(kind) = kind else {
                let singular = &self.tables[from].singular;
                return Err(Failure::invalid(format!("{id} is not a valid association type from {singular}")));
            };
            let sent = item.get("to").and_then(|to| to.get("id")).and_then(number);
            let to = sent.and_then(|id| self.tables[kind.to].resolve(id)).ok_or_else(|| {
                let shown = item.get("to").cloned().unwrap_or_default();
                Failure::invalid(format!(
                    "The {} to associate with does not exist: {shown}",
                    self.tables[kind.to].singular
                ))
            })?;
            links.push(Link { to_kind: kind.to, to, types: self.specs(from, kind.to, types)? });
        }
        Ok(links)
    }

    /// Sets a link. Labels that come replace the ones that are there; none leaves them as they are.
    pub fn link(&mut self, from: usize, from_id: u64, link: &Link) {
        let (to, to_id) = (link.to_kind, link.to);
        let Some(unlabeled) = self.unlabeled(from, to) else { return };
        let before = self.types_between(from, from_id, to, to_id);
        let mut after = link.types.clone();
        if after.iter().all(|&id| id == unlabeled) {
            after.extend(&before);
        }
        after.insert(unlabeled);
        if self.config.first_company_is_primary
            && (from, to) == (0, 1)
            && self.links.get(&(from, from_id, to)).is_none_or(BTreeMap::is_empty)
        {
            after.insert(1);
        }
        if after.iter().any(|&id| self.is_primary(from, to, id)) {
            self.depose_primary(from, from_id, to, to_id);
        }
        self.set_types(from, from_id, to, to_id, &before, after);
    }

    pub fn types_between(&self, from: usize, from_id: u64, to: usize, to_id: u64) -> BTreeSet<u64> {
        self.links.get(&(from, from_id, to)).and_then(|linked| linked.get(&to_id)).cloned().unwrap_or_default()
    }

    /// A contact has one primary company: the other one keeps its unlabeled association. The primary record is the
    /// company, whichever end the call comes from.
    fn depose_primary(&mut self, from: usize, from_id: u64, to: usize, to_id: u64) {
        let company_at_from = self.tables[from].id == "0-2";
        let (child, child_id, parent, kept) =
            if company_at_from { (to, to_id, from, from_id) } else { (from, from_id, to, to_id) };
        let others: Vec<u64> = self
            .links
            .get(&(child, child_id, parent))
            .into_iter()
            .flatten()
            .map(|(&id, _)| id)
            .filter(|&id| id != kept)
            .collect();
        for other in others {
            let before = self.types_between(child, child_id, parent, other);
            let mut after = before.clone();
            after.retain(|&id| !self.is_primary(child, parent, id));
            if after != before {
                self.set_types(child, child_id, parent, other, &before, after);
            }
        }
    }

    /// Writes both directions, bumps both records and reports every type that came or went.
    pub fn set_types(
        &mut self,
        from: usize,
        from_id: u64,
        to: usize,
        to_id: u64,
        before: &BTreeSet<u64>,
        after: BTreeSet<u64>,
    ) {
        if *before == after {
            return;
        }
        let inverse: BTreeSet<u64> =
            after.iter().filter_map(|&id| self.association_type(from, to, id)).map(|kind| kind.inverse).collect();
        for &id in before.symmetric_difference(&after) {
            let Some(kind) = self.association_type(from, to, id) else { continue };
            let (category, back, removed) = (kind.category, kind.inverse, before.contains(&id));
            let primary = self.is_primary(from, to, id);
            let event = |from, from_id, to, to_id, type_id| Happening::Association {
                from,
                from_id,
                to,
                to_id,
                type_id,
                category,
                removed,
                primary,
            };
            self.emit(from, from_id, &event(from, from_id, to, to_id, id));
            self.emit(to, to_id, &event(to, to_id, from, from_id, back));
        }
        self.store_types(from, from_id, to, to_id, after);
        self.store_types(to, to_id, from, from_id, inverse);
        self.touch(from, from_id);
        self.touch(to, to_id);
        if (from, to) == (0, 1) {
            self.refresh_primary_company(from_id);
        } else if (from, to) == (1, 0) {
            self.refresh_primary_company(to_id);
        }
    }

    fn store_types(&mut self, from: usize, from_id: u64, to: usize, to_id: u64, types: BTreeSet<u64>) {
        let linked = self.links.entry((from, from_id, to)).or_default();
        if types.is_empty() {
            linked.remove(&to_id);
        } else {
            linked.insert(to_id, types);
        }
    }

    /// `associatedcompanyid` follows the primary association.
    fn refresh_primary_company(&mut self, contact: u64) {
        let linked = self.links.get(&(0, contact, 1));
        let primary = linked.into_iter().flatten().find(|(_, types)| types.contains(&1)).map(|(id, _)| id.to_string());
        self.write(0, contact, vec![("associatedcompanyid".to_owned(), primary.unwrap_or_default())]);
    }

    pub fn unlink(&mut self, from: usize, from_id: u64, to: usize, to_id: u64) {
        let before = self.types_between(from, from_id, to, to_id);
        self.set_types(from, from_id, to, to_id, &before, BTreeSet::new());
    }

    fn all_links(&self, kind: usize, id: u64) -> Vec<(usize, u64)> {
        let linked =
            |to: usize| self.links.get(&(kind, id, to)).into_iter().flatten().map(move |(&other, _)| (to, other));
        (0..self.tables.len()).flat_map(linked).collect()
    }

    pub fn drop_links(&mut self, kind: usize, id: u64) {
        for (to, other) in self.all_links(kind, id) {
            self.unlink(kind, id, to, other);
        }
    }

    /// Of a merge: the survivor takes over what the old record was associated with.
    pub fn move_links(&mut self, kind: usize, old: u64, new: u64) {
        for (to, other) in self.all_links(kind, old) {
            let types = self.types_between(kind, old, to, other);
            self.store_types(kind, old, to, other, BTreeSet::new());
            self.store_types(to, other, kind, old, BTreeSet::new());
            if other != new || to != kind {
                let has_primary = self
                    .links
                    .get(&(kind, new, to))
                    .into_iter()
                    .flatten()
                    .any(|(_, types)| types.iter().any(|&id| self.is_primary(kind, to, id)));
                let mut types = types;
                if has_primary && self.tables[to].id == "0-2" {
                    types.retain(|&id| !self.is_primary(kind, to, id));
                }
                types.extend(self.types_between(kind, new, to, other));
                let back = types.iter().filter_map(|&id| self.association_type(kind, to, id)).map(|kind| kind.inverse);
                let back = back.collect();
                self.store_types(kind, new, to, other, types);
                self.store_types(to, other, kind, new, back);
            }
        }
        if kind == 0 {
            self.refresh_primary_company(new);
        }
    }

    /// The `associations` of a read or listed record: each type the pair has is one entry.
    pub fn associations_of(&self, kind: usize, id: u64, asked: &[String]) -> Result<Map<String, Value>, Failure> {
        let mut associations = Map::new();
        for name in asked {
            let to = self.kind(name)?;
            let linked = self.links.get(&(kind, id, to)).filter(|linked| !linked.is_empty());
            let Some(linked) = linked else { continue };
            let (from_name, to_name) = (&self.tables[kind].singular, &self.tables[to].singular);
            let results: Vec<Value> = linked
                .iter()
                .flat_map(|(other, types)| types.iter().map(move |&type_id| (other, type_id)))
                .map(|(other, type_id)| {
                    let label = self.association_type(kind, to, type_id).and_then(|kind| kind.label.as_deref());
                    let shown = match label {
                        Some("Primary") => format!("{from_name}_to_{to_name}"),
                        Some(label) => label.to_lowercase().replace(' ', "_"),
                        None => format!("{from_name}_to_{to_name}_unlabeled"),
                    };
                    json!({"id": other.to_string(), "type": shown})
                })
                .collect();
            associations.insert(self.tables[to].plural.clone(), json!({"results": results}));
        }
        Ok(associations)
    }
}
