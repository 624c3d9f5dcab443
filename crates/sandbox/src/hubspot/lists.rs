//! Lists of records. Manual and snapshot lists have members; a dynamic list keeps its filter but is never evaluated,
//! so it stays empty.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::portal::Portal;
use super::request::{Answer, Outcome, Request};
use super::time::iso;

pub struct List {
    id: u64,
    name: String,
    kind: usize,
    processing: String,
    filter: Value,
    /// Record and the time it joined.
    members: BTreeMap<u64, i64>,
    created: i64,
    updated: i64,
    deleted: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Draft {
    name: String,
    object_type_id: String,
    processing_type: String,
    #[serde(default)]
    filter_branch: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    #[serde(default)]
    query: String,
    #[serde(default)]
    processing_types: Vec<String>,
    #[serde(default)]
    offset: usize,
    count: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Moves {
    #[serde(default)]
    record_ids_to_add: Vec<String>,
    #[serde(default)]
    record_ids_to_remove: Vec<String>,
}

impl Portal {
    pub fn lists(&mut self, request: &Request) -> Outcome {
        match (request.method.as_str(), request.path.parts().as_slice()) {
            ("POST", []) => self.create_list(request.json()?),
            ("GET", []) => {
                let ids = request.list("listIds");
                let lists = self.lists.iter().filter(|list| !list.deleted && ids.contains(&list.id.to_string()));
                let filters = request.flag("includeFilters");
                let lists: Vec<Value> = lists.map(|list| self.list_json(list, filters)).collect();
                Ok(Answer::ok(json!({"lists": lists})))
            }
            ("POST", ["search"]) => Ok(self.search_lists(&request.json()?)),
            ("GET", ["object-type-id", kind, "name", name]) => {
                let kind = self.kind(kind)?;
                let mut lists = self.lists.iter().filter(|list| !list.deleted && list.kind == kind);
                let list = lists.find(|list| list.name.eq_ignore_ascii_case(name)).ok_or_else(Failure::gone)?;
                Ok(Answer::ok(json!({"list": self.list_json(list, request.flag("includeFilters"))})))
            }
            ("PUT", [id, "restore"]) => {
                let list = self.lists.iter_mut().find(|list| list.id.to_string() == *id);
                list.ok_or_else(Failure::gone)?.deleted = false;
                Ok(Answer::empty())
            }
            ("GET", [id]) => {
                let place = self.list_place(id)?;
                let filters = request.flag("includeFilters");
                Ok(Answer::ok(json!({"list": self.list_json(&self.lists[place], filters)})))
            }
            ("DELETE", [id]) => {
                let place = self.list_place(id)?;
                self.lists[place].deleted = true;
                Ok(Answer::empty())
            }
            ("GET", [id, "memberships"]) => self.members(self.list_place(id)?, request),
            ("PUT", [id, "memberships", verb]) => {
                let place = self.list_place(id)?;
                let moves = match *verb {
                    "add" => Moves { record_ids_to_add: request.json()?, record_ids_to_remove: Vec::new() },
                    "remove" => Moves { record_ids_to_add: Vec::new(), record_ids_to_remove: request.json()? },
                    "add-and-remove" => request.json()?,
                    _ => return Err(Failure::no_route()),
                };
                self.move_members(place, &moves)
            }
            _ => Err(Failure::no_route()),
        }
    }

    fn list_place(&self, id: &str) -> Result<usize, Failure> {
        let place = self.lists.iter().position(|list| !list.deleted && list.id.to_string() == id);
        place.ok_or_else(Failure::gone)
    }

    fn create_list(&mut self, draft: Draft) -> Outcome {
        let kind = self.kind(&draft.object_type_id)?;
        if !["MANUAL", "DYNAMIC", "SNAPSHOT"].contains(&draft.processing_type.as_str()) {
            return Err(Failure::invalid(format!("Unknown processingType {}", draft.processing_type)));
        }
        if self.lists.iter().any(|list| !list.deleted && list.name == draft.name) {
            return Err(Failure::invalid(format!("A list named {} already exists", draft.name)));
        }
        let now = self.now;
        let list = List {
            id: self.lists.len() as u64 + 1,
            name: draft.name,
            kind,
            processing: draft.processing_type,
            filter: draft.filter_branch,
            members: BTreeMap::new(),
            created: now,
            updated: now,
            deleted: false,
        };
        let body = json!({"list": self.list_json(&list, true)});
        self.lists.push(list);
        Ok(Answer::ok(body))
    }

    fn search_lists(&self, wanted: &Wanted) -> Answer {
        let query = wanted.query.to_lowercase();
        let found: Vec<&List> = self
            .lists
            .iter()
            .filter(|list| !list.deleted && list.name.to_lowercase().contains(&query))
            .filter(|list| wanted.processing_types.is_empty() || wanted.processing_types.contains(&list.processing))
            .collect();
        let page = found.iter().skip(wanted.offset).take(wanted.count.unwrap_or(20));
        let lists: Vec<Value> = page
            .map(|list| {
                let mut shown = self.list_json(list, false);
                shown["additionalProperties"] = json!({"hs_list_size": list.members.len().to_string()});
                shown
            })
            .collect();
        let end = wanted.offset + lists.len();
        let more = end < found.len();
        Answer::ok(json!({"lists": lists, "hasMore": more, "offset": end, "total": found.len()}))
    }

    fn members(&self, place: usize, request: &Request) -> Outcome {
        let limit = request.limit(100, 250)?;
        let after = request.query("after").and_then(|after| after.parse().ok()).unwrap_or(0_u64);
        let mut rest = self.lists[place].members.range(after..);
        let results: Vec<Value> = rest
            .by_ref()
            .take(limit)
            .map(|(id, joined)| json!({"recordId": id.to_string(), "membershipTimestamp": iso(*joined)}))
            .collect();
        let mut body = json!({"results": results, "total": self.lists[place].members.len()});
        if let Some((next, _)) = rest.next() {
            body["paging"] = json!({"next": {"after": next.to_string()}});
        }
        Ok(Answer::ok(body))
    }

    /// The keys of the answer are spelt as HubSpot spells them.
    fn move_members(&mut self, place: usize, moves: &Moves) -> Outcome {
        let now = self.now;
        let list = &mut self.lists[place];
        if list.processing == "DYNAMIC" {
            return Err(Failure::invalid("The members of a dynamic list cannot be edited"));
        }
        let (mut added, mut removed, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for sent in &moves.record_ids_to_add {
            match sent.parse().ok().and_then(|id| self.tables[list.kind].resolve(id)) {
                Some(id) if list.members.contains_key(&id) => {}
                Some(id) => {
                    list.members.insert(id, now);
                    added.push(sent);
                }
                None => missing.push(sent),
            }
        }
        for sent in &moves.record_ids_to_remove {
            if sent.parse().ok().and_then(|id: u64| list.members.remove(&id)).is_some() {
                removed.push(sent);
            }
        }
        list.updated = now;
        Ok(Answer::ok(json!({"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing})))
    }

    fn list_json(&self, list: &List, with_filters: bool) -> Value {
        let mut body = json!({"listId": list.id.to_string(), "listVersion": 1, "name": list.name,
            "objectTypeId": self.tables[list.kind].id, "processingType": list.processing,
            "processingStatus": "COMPLETE", "size": list.members.len(), "createdAt": iso(list.created),
            "updatedAt": iso(list.updated)});
        if with_filters && !list.filter.is_null() {
            body["filterBranch"] = list.filter.clone();
        }
        body
    }
}
