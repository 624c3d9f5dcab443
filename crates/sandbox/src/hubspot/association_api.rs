//! The calls about associations: single, in batches, and their labels.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::association::Link;
use super::batch::inputs;
use super::failure::Failure;
use super::merge::number;
use super::portal::Portal;
use super::request::{Answer, Outcome, Request};

const MOST_WRITES: usize = 2000;
const MOST_READS: usize = 1000;
const MOST_LABELS: usize = 10;
const PAGE: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LabelDraft {
    name: Option<String>,
    label: Option<String>,
    inverse_label: Option<String>,
    association_type_id: Option<u64>,
}

impl Portal {
    /// `/crm/objects/…/{type}/{id}/associations/…`
    pub fn record_associations(&mut self, from: usize, id: &str, rest: &[&str], request: &Request) -> Outcome {
        match (request.method.as_str(), rest) {
            ("PUT", ["default", to, to_id]) => {
                let to = self.kind(to)?;
                let (from_id, to_id) = (self.find(from, id, None, "read")?, self.find(to, to_id, None, "read")?);
                self.link(from, from_id, &Link { to_kind: to, to: to_id, types: BTreeSet::new() });
                let results = self.default_results(from, from_id, to, to_id);
                Ok(self.batch_answer(200, results, Vec::new()))
            }
            ("PUT", [to, to_id]) => {
                let to = self.kind(to)?;
                let (from_id, to_id) = (self.find(from, id, None, "read")?, self.find(to, to_id, None, "read")?);
                let body: Value = request.json()?;
                let types = self.named_types(from, to, Some(&body))?;
                self.link(from, from_id, &Link { to_kind: to, to: to_id, types });
                Ok(Answer::created(self.labels_between(from, from_id, to, to_id)))
            }
            ("DELETE", [to, to_id]) => {
                let to = self.kind(to)?;
                if let (Ok(from_id), Ok(to_id)) =
                    (self.find(from, id, None, "read"), self.find(to, to_id, None, "read"))
                {
                    self.unlink(from, from_id, to, to_id);
                }
                Ok(Answer::empty())
            }
            ("GET", [to]) => {
                let (to, from_id) = (self.kind(to)?, self.find(from, id, None, "read")?);
                let limit = request.limit(PAGE, PAGE)?;
                let after = request.query("after").and_then(|after| after.parse().ok()).unwrap_or_default();
                let (results, next) = self.linked_page(from, from_id, to, after, limit);
                let mut body = json!({"results": results});
                if let Some(next) = next {
                    body["paging"] = json!({"next": {"after": next.to_string()}});
                }
                Ok(Answer::ok(body))
            }
            _ => Err(Failure::wrong_method()),
        }
    }

    /// `/crm/associations/…/{from}/{to}/…`
    pub fn associations(&mut self, request: &Request) -> Outcome {
        let parts = request.path.parts();
        let [from, to, rest @ ..] = parts.as_slice() else { return Err(Failure::no_route()) };
        let (from, to) = (self.kind(from)?, self.kind(to)?);
        let dated = request.path.dated();
        match (request.method.as_str(), rest) {
            ("POST", ["batch", "associate", "default"]) => self.batch_link(from, to, request, true, 200),
            ("POST", ["batch", "create"]) => self.batch_link(from, to, request, false, if dated { 200 } else { 201 }),
            ("POST", ["batch", "read"]) => self.batch_linked(from, to, request),
            ("POST", ["batch", "archive"]) => {
                self.batch_unlink(from, to, request)?;
                Ok(self.nothing(dated))
            }
            ("POST", ["batch", "labels", "archive"]) => {
                self.batch_unlabel(from, to, request)?;
                Ok(self.nothing(dated))
            }
            (_, ["labels", rest @ ..]) => self.labels(from, to, rest, request),
            _ => Err(Failure::no_route()),
        }
    }

    /// The dated form answers with an empty batch where v4 had nothing to say.
    fn nothing(&self, dated: bool) -> Answer {
        if dated { self.batch_answer(200, Vec::new(), Vec::new()) } else { Answer::empty() }
    }

    fn batch_link(&mut self, from: usize, to: usize, request: &Request, default: bool, status: u16) -> Outcome {
        let body: Map<String, Value> = request.json()?;
        let (mut results, mut errors, mut links) = (Vec::new(), Vec::new(), Vec::new());
        // A type that does not exist refuses the whole call, so nothing is linked before all types are known.
        for input in inputs(&body, MOST_WRITES)? {
            let types = if default { BTreeSet::new() } else { self.named_types(from, to, input.get("types"))? };
            match (self.end(from, input.get("from")), self.end(to, input.get("to"))) {
                (Ok(from_id), Ok(to_id)) => links.push((from_id, to_id, types)),
                (Err(failure), _) | (_, Err(failure)) => errors.push(failure.row()),
            }
        }
        for (from_id, to_id, types) in links {
            self.link(from, from_id, &Link { to_kind: to, to: to_id, types });
            if default {
                results.extend(self.default_results(from, from_id, to, to_id));
            } else {
                results.push(self.labels_between(from, from_id, to, to_id));
            }
        }
        Ok(self.batch_answer(status, results, errors))
    }

    /// The types a call names; it has to name one.
    fn named_types(&self, from: usize, to: usize, types: Option<&Value>) -> Result<BTreeSet<u64>, Failure> {
        let types = self.specs(from, to, types)?;
        if types.is_empty() {
            return Err(Failure::invalid("At least one association type is needed"));
        }
        Ok(types)
    }

    fn end(&self, kind: usize, end: Option<&Value>) -> Result<u64, Failure> {
        let sent = end.and_then(|end| end.get("id"));
        let found = sent.and_then(number).and_then(|id| self.tables[kind].resolve(id));
        found.ok_or_else(|| {
            let shown = sent.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)).unwrap_or_default();
            let message = format!("{} {shown} does not exist", self.tables[kind].singular);
            Failure::new(404, "OBJECT_NOT_FOUND", message).with("id", [shown])
        })
    }

    /// 207 as soon as one input has nothing, even when none of them has.
    fn batch_linked(&mut self, from: usize, to: usize, request: &Request) -> Outcome {
        let body: Map<String, Value> = request.json()?;
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in inputs(&body, MOST_READS)? {
            let shown = input.get("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
            let shown = shown.ok_or_else(|| Failure::invalid("Invalid input JSON: an input has no id"))?;
            let after = input.get("after").and_then(number).unwrap_or_default();
            let found = shown.parse().ok().and_then(|id| self.tables[from].resolve(id));
            let (linked, next) =
                found.map_or_else(|| (Vec::new(), None), |id| self.linked_page(from, id, to, after, PAGE));
            if linked.is_empty() {
                errors.push(self.no_associations(from, to, &shown));
                continue;
            }
            let mut result = json!({"from": {"id": shown}, "to": linked});
            if let Some(next) = next {
                result["paging"] = json!({"next": {"after": next.to_string()}});
            }
            results.push(result);
        }
        self.dice.shuffle(&mut results);
        let mut answer = self.batch_answer(200, results, errors);
        if answer.status != 200 {
            answer.status = 207;
        }
        Ok(answer)
    }

    fn no_associations(&self, from: usize, to: usize, id: &str) -> Value {
        let (from, to) = (&self.tables[from].singular, &self.tables[to].singular);
        let message = format!("No {to} is associated with {from} {id}.");
        let mut failure = Failure::new(404, "OBJECT_NOT_FOUND", message)
            .with("fromObjectId", [id.to_owned()])
            .with("fromObjectType", [from.clone()])
            .with("toObjectType", [to.clone()]);
        failure.sub_category = Some("crm.associations.NO_ASSOCIATIONS_FOUND");
        failure.row()
    }

    fn batch_unlink(&mut self, from: usize, to: usize, request: &Request) -> Result<(), Failure> {
        let body: Map<String, Value> = request.json()?;
        for input in inputs(&body, MOST_WRITES)? {
            let Ok(from_id) = self.end(from, input.get("from")) else { continue };
            for end in input.get("to").and_then(Value::as_array).into_iter().flatten() {
                if let Ok(to_id) = self.end(to, Some(end)) {
                    self.unlink(from, from_id, to, to_id);
                }
            }
        }
        Ok(())
    }

    /// Taking the unlabeled type away ends the association.
    fn batch_unlabel(&mut self, from: usize, to: usize, request: &Request) -> Result<(), Failure> {
        let body: Map<String, Value> = request.json()?;
        let mut wishes = Vec::new();
        for input in inputs(&body, MOST_WRITES)? {
            let gone = self.specs(from, to, input.get("types"))?;
            if let (Ok(from_id), Ok(to_id)) = (self.end(from, input.get("from")), self.end(to, input.get("to"))) {
                wishes.push((from_id, to_id, gone));
            }
        }
        for (from_id, to_id, gone) in wishes {
            let before = self.types_between(from, from_id, to, to_id);
            let ends = self.unlabeled(from, to).is_some_and(|id| gone.contains(&id));
            let after = if ends { BTreeSet::new() } else { before.difference(&gone).copied().collect() };
            self.set_types(from, from_id, to, to_id, &before, after);
        }
        Ok(())
    }

    fn default_results(&self, from: usize, from_id: u64, to: usize, to_id: u64) -> Vec<Value> {
        let spec = |from: usize, from_id: u64, to: usize, to_id: u64| {
            let id = self.unlabeled(from, to).unwrap_or_default();
            let category = self.association_type(from, to, id).map_or("HUBSPOT_DEFINED", |kind| kind.category);
            json!({"from": {"id": from_id.to_string()}, "to": {"id": to_id.to_string()},
                "associationSpec": {"associationCategory": category, "associationTypeId": id}})
        };
        vec![spec(from, from_id, to, to_id), spec(to, to_id, from, from_id)]
    }

    fn labels_between(&self, from: usize, from_id: u64, to: usize, to_id: u64) -> Value {
        let types = self.types_between(from, from_id, to, to_id);
        let labels: Vec<&str> =
            types.iter().filter_map(|&id| self.association_type(from, to, id)?.label.as_deref()).collect();
        json!({"fromObjectTypeId": self.tables[from].id, "fromObjectId": from_id.to_string(),
            "toObjectTypeId": self.tables[to].id, "toObjectId": to_id.to_string(), "labels": labels})
    }

    fn linked_page(&self, from: usize, id: u64, to: usize, after: u64, limit: usize) -> (Vec<Value>, Option<u64>) {
        let Some(linked) = self.links.get(&(from, id, to)) else { return (Vec::new(), None) };
        let mut rest = linked.range(after..);
        let page = rest
            .by_ref()
            .take(limit)
            .map(|(other, types)| {
                let types: Vec<Value> = types
                    .iter()
                    .filter_map(|&id| self.association_type(from, to, id))
                    .map(|kind| json!({"category": kind.category, "typeId": kind.id, "label": kind.label}))
                    .collect();
                // A number, whatever the specification says.
                json!({"toObjectId": other, "associationTypes": types})
            })
            .collect();
        (page, rest.next().map(|(&next, _)| next))
    }

    fn labels(&mut self, from: usize, to: usize, rest: &[&str], request: &Request) -> Outcome {
        match (request.method.as_str(), rest) {
            ("GET", []) => {
                let results: Vec<Value> = self
                    .association_types
                    .iter()
                    .filter(|kind| kind.from == from && kind.to == to)
                    .map(|kind| json!({"category": kind.category, "typeId": kind.id, "label": kind.label}))
                    .collect();
                Ok(Answer::ok(json!({"results": results})))
            }
            ("POST", []) => self.create_label(from, to, request.json()?),
            ("PUT", []) => {
                let draft: LabelDraft = request.json()?;
                let id = draft.association_type_id.unwrap_or_default();
                let kinds = &mut self.association_types;
                let found = kinds.iter_mut().find(|kind| kind.id == id && kind.from == from && kind.to == to);
                let kind = found.filter(|kind| kind.category == "USER_DEFINED").ok_or_else(Failure::gone)?;
                kind.label = draft.label;
                Ok(Answer::empty())
            }
            ("DELETE", [id]) => {
                let found = id.parse().ok().and_then(|id| self.association_type(from, to, id));
                let kind = found.filter(|kind| kind.category == "USER_DEFINED" && kind.label.is_some());
                let (id, inverse) = kind.map(|kind| (kind.id, kind.inverse)).ok_or_else(Failure::gone)?;
                self.association_types.retain(|kind| kind.id != id && kind.id != inverse);
                for types in self.links.values_mut().flat_map(|linked| linked.values_mut()) {
                    types.retain(|&kept| kept != id && kept != inverse);
                }
                Ok(Answer::empty())
            }
            _ => Err(Failure::wrong_method()),
        }
    }

    fn create_label(&mut self, from: usize, to: usize, draft: LabelDraft) -> Outcome {
        let (Some(name), Some(label)) = (draft.name, draft.label) else {
            return Err(Failure::invalid("An association label needs a name and a label"));
        };
        if name.is_empty() || name.contains('-') || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(Failure::invalid(format!("Invalid association name {name}")));
        }
        let own = self.association_types.iter().filter(|kind| {
            kind.from == from && kind.to == to && kind.category == "USER_DEFINED" && kind.label.is_some()
        });
        let own: Vec<&str> = own.filter_map(|kind| kind.label.as_deref()).collect();
        if own.len() >= MOST_LABELS {
            return Err(Failure::invalid(format!("At most {MOST_LABELS} labels are allowed between two objects")));
        }
        if own.contains(&label.as_str()) {
            return Err(Failure::new(409, "OBJECT_ALREADY_EXISTS", format!("The label {label} already exists")));
        }
        let back = draft.inverse_label.clone().unwrap_or_else(|| label.clone());
        let (id, inverse) =
            self.add_association_pair(from, to, Some(label.clone()), draft.inverse_label, "USER_DEFINED");
        let mut results = vec![json!({"category": "USER_DEFINED", "typeId": id, "label": label})];
        if inverse != id {
            results.push(json!({"category": "USER_DEFINED", "typeId": inverse, "label": back}));
        }
        Ok(Answer::ok(json!({"results": results})))
    }
}
