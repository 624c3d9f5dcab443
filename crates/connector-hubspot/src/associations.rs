//! Associations: as pairs of their own, and as the parents of activities.

use std::collections::BTreeMap;

use mittler_connector::{Key, Outcome, RemoteRecord, Result, RowResult, Write, http::Call};
use mittler_core::{
    RemoteFields, Value,
    remote::{RemoteField, RemoteType},
};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::{
    HubSpot, errors,
    fields::plain,
    outcomes::{Outcomes, local, refused, settle},
    profile::{ASSOCIATIONS, COMPANIES, CONTACTS, EMAILS, NOTES, TASKS, is_activity},
    values::{pair_ends, pair_id},
    wire::{self, Associated, Batch, Joined},
};

pub const CONTACT: &str = "contact";

/// A parent that an activity is created with.
#[derive(Debug, Clone, Copy)]
pub struct Inline {
    pub field: &'static str,
    pub remote_type: &'static str,
    /// HubSpot's ids of the association from a task, an e-mail and a note.
    types: [u16; 3],
}

pub const INLINE: [Inline; 2] = [
    Inline { field: CONTACT, remote_type: CONTACTS, types: [204, 198, 202] },
    Inline { field: "company", remote_type: COMPANIES, types: [192, 186, 190] },
];

/// The association behind a field, if the type is an activity.
pub fn inline(remote_type: &str, field: &str) -> Option<Inline> {
    INLINE.into_iter().find(|end| is_activity(remote_type) && end.field == field)
}

impl Inline {
    /// As it stands in the create of an activity.
    pub fn json(&self, activity: &str, id: &str) -> Option<Json> {
        let index = [TASKS, EMAILS, NOTES].into_iter().position(|known| known == activity)?;
        Some(json!({
            "to": {"id": id},
            "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": self.types[index]}],
        }))
    }
}

pub fn fields() -> Vec<RemoteField> {
    let end = |name| RemoteField { required: true, updateable: false, ..plain(name, RemoteType::Reference) };
    vec![end("from"), end("to")]
}

impl HubSpot {
    /// The ids at the other end, for each id that has any.
    pub(crate) async fn associated(
        &self,
        from: &str,
        to: &str,
        ids: &[String],
    ) -> Result<BTreeMap<String, Vec<String>>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut inputs: Vec<Json> = ids.iter().map(|id| json!({"id": id})).collect();
        inputs.sort_by_cached_key(Json::to_string);
        inputs.dedup();
        while !inputs.is_empty() {
            let rest = inputs.split_off(inputs.len().min(ASSOCIATIONS));
            let url = self.paths.associations(&[from, to, "batch", "read"]);
            let call = Call::read(Method::POST, url).body(json!({"inputs": inputs}));
            let batch: Batch<Associated> = self.ask(&call).await?;
            inputs = rest;
            for associated in batch.results {
                if let Some(after) = associated.paging.as_ref().and_then(wire::Paging::after) {
                    inputs.push(json!({"id": associated.from.id, "after": after}));
                }
                let ends = associated.to.into_iter().map(|end| end.to_object_id);
                found.entry(associated.from.id).or_default().extend(ends);
            }
        }
        Ok(found)
    }

    pub(crate) async fn read_associations(&self, keys: &[Key], fields: &[String]) -> Result<Vec<RemoteRecord>> {
        let pairs = keys.iter().filter_map(|key| match key {
            Key::Pair(from, to) => Some((key, from, to)),
            _ => None,
        });
        let pairs: Vec<_> = pairs.collect();
        let ids: Vec<String> = pairs.iter().map(|(_, from, _)| (*from).clone()).collect();
        let ends = self.associated(CONTACTS, COMPANIES, &ids).await?;
        let there = pairs.into_iter().filter(|(_, from, to)| ends.get(*from).is_some_and(|ends| ends.contains(to)));
        let record = |(key, from, to): (&Key, &String, &String)| {
            let value = |name: &str| match name {
                "from" => Some(Value::RemoteRef(from.clone())),
                "to" => Some(Value::RemoteRef(to.clone())),
                _ => None,
            };
            RemoteRecord {
                key: key.clone(),
                id: pair_id(from, to),
                fields: fields.iter().map(|name| (name.clone(), value(name))).collect::<RemoteFields>(),
                modified_at: None,
                gone: false,
                successor: None,
                absorbed: Vec::new(),
            }
        };
        Ok(there.map(record).collect())
    }

    pub(crate) async fn push_associations(&self, batch: &[Write]) -> Result<Vec<Outcome>> {
        let mut told = Outcomes::default();
        let mut pairs: Vec<(&Write, (String, String))> = Vec::new();
        for write in batch {
            match pair(write) {
                Some(pair) => pairs.push((write, pair)),
                None => told.tell(write.tag(), refused("REQUIRED_FIELD", "needs both ends", &["from", "to"])),
            }
        }
        if pairs.is_empty() {
            return told.in_order(batch);
        }
        let archive = matches!(batch.first(), Some(Write::Archive { .. }));
        let (rest, inputs): (&[&str], Vec<Json>) = if archive {
            (
                &["archive"],
                pairs.iter().map(|(_, (from, to))| json!({"from": {"id": from}, "to": [{"id": to}]})).collect(),
            )
        } else {
            let inputs = pairs.iter().map(|(_, (from, to))| json!({"from": {"id": from}, "to": {"id": to}}));
            (&["associate", "default"], inputs.collect())
        };
        if inputs.iter().enumerate().any(|(index, input)| inputs[..index].contains(input)) {
            return Err(local("duplicate_in_batch"));
        }
        let url = self.paths.associations(&[&[CONTACTS, COMPANIES, "batch"], rest].concat());
        let call = Call::write(Method::POST, url, json!({"inputs": inputs}));
        let answer = self.http.send(&call).await?;
        if !answer.status.is_success() {
            return Err(errors::failed(&call, &answer));
        }
        let written =
            |from: &str, to: &str| RowResult::Written { id: pair_id(from, to), created: !archive, shown: None };
        // An archive answers nothing but its success.
        let joined: Batch<Joined> = match wire::parse(&answer) {
            Some(joined) => joined,
            None if archive => Batch { results: Vec::new(), errors: Vec::new() },
            None => return Err(errors::unreadable(&call)),
        };
        let is = |pair: &(String, String), a: &str, b: &str| {
            // Both directions of a pair are answered.
            (pair.0 == a && pair.1 == b) || (pair.0 == b && pair.1 == a)
        };
        for failure in &joined.errors {
            let (from, to) =
                (wire::context(&failure.context, "fromObjectId"), wire::context(&failure.context, "toObjectId"));
            let named = |(_, pair): &&(&Write, (String, String))| {
                let known = |id: &String| from.contains(id) || to.contains(id);
                if to.is_empty() { from.contains(&pair.0) } else { known(&pair.0) && known(&pair.1) }
            };
            let tags = pairs.iter().filter(named).map(|(write, _)| write.tag()).collect();
            told.add(tags, errors::row(failure, true));
        }
        for (write, pair) in &pairs {
            let confirmed = joined.results.iter().any(|joined| is(pair, &joined.from.id, &joined.to.id));
            let silent = archive && joined.errors.is_empty();
            if (confirmed || silent) && !told.knows(write.tag()) {
                told.tell(write.tag(), written(&pair.0, &pair.1));
            }
        }
        settle(told, batch)
    }
}

fn pair(write: &Write) -> Option<(String, String)> {
    match write {
        Write::Create { fields, .. } => {
            let end = |name| fields.text(name).filter(|id| !id.is_empty()).map(str::to_owned);
            Some((end("from")?, end("to")?))
        }
        Write::Update { id, .. } | Write::Archive { id, .. } => {
            let (from, to) = pair_ends(id)?;
            Some((from.to_owned(), to.to_owned()))
        }
    }
}

/// Parents that a create names, as they stand in its call.
pub fn parents(remote_type: &str, fields: &RemoteFields) -> Vec<Json> {
    let named = |end: Inline| end.json(remote_type, fields.text(end.field)?);
    INLINE.into_iter().filter_map(named).collect()
}
