//! Reading records by their keys.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use mittler_connector::{Error, Histories, Key, KeyForm, RemoteRecord, Result, http::Call};
use mittler_core::{RemoteFields, RemoteSchema, Value};
use reqwest::Method;
use serde_json::json;

use crate::{
    HubSpot, associations, paths,
    profile::{
        ATTENDANCE, BATCH, COMPANIES, CONTACTS, CONTACTS_TO_COMPANIES, EVENTS, HISTORY, OWNERS, PAGE, SEARCH_CALL,
        is_activity, last_modified,
    },
    values,
    wire::{self, Batch, Listed, Record},
};

/// Names that a record carries of those that were merged into it.
pub(crate) const MERGED: &str = "hs_merged_object_ids";
/// A contact's further addresses; a search by e-mail finds these too.
const ADDITIONAL_EMAILS: &str = "hs_additional_emails";

/// Characters of values in one search, whose body must stay below 3,000.
const SEARCHED: usize = 1_500;
/// Results that a search shows at most.
const WINDOW: usize = 10_000;

/// What to read of each record.
struct Asked<'a> {
    remote_type: &'a str,
    fields: &'a [String],
    schema: Arc<RemoteSchema>,
    properties: Vec<String>,
}

impl HubSpot {
    pub(crate) async fn read_type(
        &self,
        remote_type: &str,
        keys: &[Key],
        fields: &[String],
    ) -> Result<Vec<RemoteRecord>> {
        let Some(form) = keys.first().map(Key::form) else { return Ok(Vec::new()) };
        let known = self.profile.kind(remote_type).is_some_and(|kind| kind.keys.contains(&form));
        if !known || keys.iter().any(|key| key.form() != form) {
            return Err(Error::Protocol { detail: "unsupported_key".into() });
        }
        // A blank key would be refused with all others of its call, or be answered with any record. It finds nothing.
        let keys: Vec<Key> = keys.iter().filter(|key| says_something(key)).cloned().collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys = &keys[..];
        match remote_type {
            EVENTS => self.read_events(keys, fields).await,
            ATTENDANCE => self.read_attendance(keys, fields).await,
            CONTACTS_TO_COMPANIES => self.read_associations(keys, fields).await,
            OWNERS => self.read_owners(keys, fields).await,
            _ => self.read_records(form, remote_type, keys, fields).await,
        }
    }

    async fn read_records(
        &self,
        form: KeyForm,
        remote_type: &str,
        keys: &[Key],
        fields: &[String],
    ) -> Result<Vec<RemoteRecord>> {
        let schema = self.schema(remote_type).await?;
        let own_key = self.own_property(remote_type);
        let asked = Asked { remote_type, fields, schema, properties: properties(remote_type, fields, own_key) };
        let texts: Vec<String> = keys.iter().filter_map(text).collect();
        let found = match form {
            KeyForm::Parent => return self.read_children(&asked, &texts).await,
            KeyForm::Own => self.batch_read(&asked, Some(own_key), &texts, false).await?,
            KeyForm::Email => self.batch_read(&asked, Some("email"), &texts, false).await?,
            KeyForm::Domain => self.searched(&asked, "domain", &texts).await?,
            KeyForm::Name => self.searched(&asked, "name", &texts).await?,
            KeyForm::Id | KeyForm::Pair => self.by_id(&asked, &texts).await?,
        };
        let parents = self.parents(&asked, &found).await?;
        let named = |record: &Record, key: &Key| match key {
            Key::Own(own) => same(record.text(own_key), own),
            Key::Email(email) => same(record.text("email"), email) || lists(record.text(ADDITIONAL_EMAILS), email),
            Key::Domain(domain) => same(record.text("domain"), domain),
            Key::Name(name) => same(record.text("name"), name),
            Key::Id(id) => record.id == *id || lists(record.text(MERGED), id),
            Key::Pair(..) | Key::Parent(_) => false,
        };
        let mut records = Vec::new();
        for key in keys {
            let hits = found.iter().filter(|record| named(record, key));
            records.extend(hits.map(|record| asked.record(key, record, &parents)));
        }
        Ok(records)
    }

    /// The unique property that holds our id.
    pub(crate) fn own_property(&self, remote_type: &str) -> &str {
        let activity = self.settings.activity_key.as_ref().filter(|_| is_activity(remote_type));
        activity.unwrap_or(&self.settings.own_key)
    }

    /// Misses are absent. The answer's order is any.
    async fn batch_read(
        &self,
        asked: &Asked<'_>,
        id_property: Option<&str>,
        ids: &[String],
        archived: bool,
    ) -> Result<Vec<Record>> {
        // Each only once, whatever its case: a repetition refuses the whole batch.
        let unique: Vec<&String> =
            ids.iter().map(|id| (id.to_lowercase(), id)).collect::<BTreeMap<_, _>>().into_values().collect();
        let mut found = Vec::new();
        for ids in unique.chunks(BATCH) {
            let inputs: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
            let mut body = json!({"inputs": inputs, "properties": asked.properties});
            if let Some(name) = id_property {
                body["idProperty"] = name.into();
            }
            let mut url = self.paths.objects(&[asked.remote_type, "batch", "read"]);
            if archived {
                url = paths::query(url, &[("archived", "true")]);
            }
            let batch: Batch<Record> = self.ask(&Call::read(Method::POST, url).body(body)).await?;
            found.extend(batch.results);
        }
        // Several ids of one merged record give it several times.
        let mut ids = BTreeSet::new();
        found.retain(|record: &Record| ids.insert(record.id.clone()));
        Ok(found)
    }

    /// By id, with what is archived: that it is deleted is to be told from that it is not shown to us.
    async fn by_id(&self, asked: &Asked<'_>, ids: &[String]) -> Result<Vec<Record>> {
        let mut found = self.living_by_id(asked, ids).await?;
        let known = |id: &String| found.iter().any(|record| record.id == *id || lists(record.text(MERGED), id));
        let missed: Vec<String> = ids.iter().filter(|id| !known(id)).cloned().collect();
        if !missed.is_empty() {
            let mut archived = self.batch_read(asked, None, &missed, true).await?;
            // Who was merged into another is archived too, and follows that one.
            archived.retain(|record| missed.contains(&record.id));
            found.extend(archived);
        }
        Ok(found)
    }

    /// By id. Only a single read is sure to follow the id of a record that was merged away, so
    /// what a batch misses is asked for once more where records can be merged.
    async fn living_by_id(&self, asked: &Asked<'_>, ids: &[String]) -> Result<Vec<Record>> {
        let mut found = self.batch_read(asked, None, ids, false).await?;
        if !matches!(asked.remote_type, CONTACTS | COMPANIES) {
            return Ok(found);
        }
        for id in ids {
            if found.iter().any(|record| record.id == *id || lists(record.text(MERGED), id)) {
                continue;
            }
            let url = self.paths.objects(&[asked.remote_type, id]);
            let url = paths::query(url, &[("properties", &asked.properties.join(","))]);
            let Some(mut record) = self.ask_for::<Record>(&Call::read(Method::GET, url)).await? else { continue };
            if let Some(known) = found.iter().position(|known| known.id == record.id) {
                record = found.swap_remove(known);
            }
            if record.id != *id && !lists(record.text(MERGED), id) {
                // HubSpot followed the id, so it was merged into this record.
                let merged = record.text(MERGED).map_or_else(|| id.clone(), |merged| format!("{merged};{id}"));
                record.properties.insert(MERGED.into(), merged.into());
            }
            found.push(record);
        }
        Ok(found)
    }

    /// When properties were last set. HubSpot gives the history of a property newest first.
    pub(crate) async fn read_history(&self, remote_type: &str, ids: &[String], fields: &[String]) -> Result<Histories> {
        let schema = self.schema(remote_type).await?;
        let mut histories = Histories::new();
        for ids in ids.chunks(HISTORY) {
            let inputs: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
            let body = json!({"inputs": inputs, "properties": [], "propertiesWithHistory": fields});
            let url = self.paths.objects(&[remote_type, "batch", "read"]);
            let batch: Batch<Record> = self.ask(&Call::read(Method::POST, url).body(body)).await?;
            for record in batch.results {
                let last = record.properties_with_history.iter().filter_map(|(name, versions)| {
                    let last = versions.first()?;
                    let value = last.value.as_deref().filter(|text| !text.is_empty());
                    let value = value.and_then(|text| values::decode(text, values::type_of(&schema, name)));
                    Some((name.clone(), (value, wire::time(last.timestamp.as_deref()?)?)))
                });
                let last = last.collect();
                histories.insert(record.id, last);
            }
        }
        Ok(histories)
    }

    /// The search tells which records there are; what they hold now is read.
    async fn searched(&self, asked: &Asked<'_>, property: &str, texts: &[String]) -> Result<Vec<Record>> {
        let mut ids = BTreeSet::new();
        for values in searches(texts) {
            let mut after: Option<String> = None;
            loop {
                let mut body = json!({
                    "filterGroups": [{"filters": [{"propertyName": property, "operator": "IN", "values": values}]}],
                    "properties": [property],
                    "limit": PAGE,
                });
                if let Some(after) = &after {
                    body["after"] = after.as_str().into();
                }
                let url = self.paths.objects(&[asked.remote_type, "search"]);
                let call = Call::read(Method::POST, url).body(body).cost(SEARCH_CALL);
                let page: Listed<Record> = self.ask(&call).await?;
                after = page.after().map(str::to_owned);
                ids.extend(page.results.into_iter().map(|record| record.id));
                if after.is_none() || ids.len() + PAGE > WINDOW {
                    break;
                }
            }
        }
        self.batch_read(asked, None, &Vec::from_iter(ids), false).await
    }

    /// The activities that hang on these contacts.
    async fn read_children(&self, asked: &Asked<'_>, contacts: &[String]) -> Result<Vec<RemoteRecord>> {
        let children = self.associated(CONTACTS, asked.remote_type, contacts).await?;
        let ids: Vec<String> = children.values().flatten().cloned().collect();
        let found = self.batch_read(asked, None, &ids, false).await?;
        let mut records = Vec::new();
        for (contact, children) in children {
            let key = Key::Parent(contact.clone());
            let parent = |child: &String| ((child.clone(), associations::CONTACT), contact.clone());
            let parents: Parents = children.iter().map(parent).collect();
            let hits = found.iter().filter(|record| children.contains(&record.id));
            records.extend(hits.map(|record| asked.record(&key, record, &parents)));
        }
        Ok(records)
    }

    /// The records that activities hang on, where they are asked for.
    async fn parents(&self, asked: &Asked<'_>, found: &[Record]) -> Result<Parents> {
        let mut parents = Parents::new();
        if !is_activity(asked.remote_type) {
            return Ok(parents);
        }
        let ids: Vec<String> = found.iter().map(|record| record.id.clone()).collect();
        for end in associations::INLINE {
            if asked.fields.iter().any(|field| field == end.field) {
                let ends = self.associated(asked.remote_type, end.remote_type, &ids).await?;
                let first = ends.into_iter().filter_map(|(id, ends)| Some(((id, end.field), ends.into_iter().next()?)));
                parents.extend(first);
            }
        }
        Ok(parents)
    }
}

/// The other end of an activity's association, by the activity's id and the field.
type Parents = BTreeMap<(String, &'static str), String>;

impl Asked<'_> {
    fn record(&self, key: &Key, record: &Record, parents: &Parents) -> RemoteRecord {
        let value = |name: &String| match associations::inline(self.remote_type, name) {
            Some(end) => parents.get(&(record.id.clone(), end.field)).cloned().map(Value::RemoteRef),
            None => record.text(name).and_then(|text| values::decode(&text, values::type_of(&self.schema, name))),
        };
        let merged = matches!(key, Key::Id(id) if *id != record.id);
        RemoteRecord {
            key: key.clone(),
            id: record.id.clone(),
            fields: self.fields.iter().map(|name| (name.clone(), value(name))).collect::<RemoteFields>(),
            modified_at: record.modified_at(last_modified(self.remote_type)),
            gone: record.archived,
            successor: merged.then(|| (self.remote_type.to_owned(), record.id.clone())),
            absorbed: absorbed(record),
        }
    }
}

/// The ids of the records that were merged into one.
pub(crate) fn absorbed(record: &Record) -> Vec<String> {
    let merged = record.text(MERGED).unwrap_or_default();
    merged.split(';').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// What is asked for, and what tells which key found a record.
fn properties(remote_type: &str, fields: &[String], own_key: &str) -> Vec<String> {
    let mut names: BTreeSet<&str> =
        fields.iter().map(String::as_str).filter(|name| associations::inline(remote_type, name).is_none()).collect();
    names.insert(last_modified(remote_type));
    match remote_type {
        CONTACTS => names.extend([own_key, MERGED, "email", ADDITIONAL_EMAILS]),
        COMPANIES => names.extend([own_key, MERGED, "domain", "name"]),
        _ => {}
    }
    names.into_iter().map(str::to_owned).collect()
}

fn text(key: &Key) -> Option<String> {
    match key {
        Key::Id(text) | Key::Own(text) | Key::Email(text) | Key::Domain(text) | Key::Name(text) | Key::Parent(text) => {
            Some(text.clone())
        }
        Key::Pair(..) => None,
    }
}

fn says_something(key: &Key) -> bool {
    match key {
        Key::Id(text) | Key::Own(text) | Key::Email(text) | Key::Domain(text) | Key::Name(text) | Key::Parent(text) => {
            !text.trim().is_empty()
        }
        Key::Pair(one, other) => !one.trim().is_empty() && !other.trim().is_empty(),
    }
}

/// HubSpot's unique values and searches do not tell cases apart.
fn same(text: Option<String>, other: &str) -> bool {
    text.is_some_and(|text| text.trim().to_lowercase() == other.trim().to_lowercase())
}

fn lists(list: Option<String>, item: &str) -> bool {
    list.is_some_and(|list| list.split(';').any(|known| same(Some(known.to_owned()), item)))
}

/// Lower-cased, as `IN` wants its values, in lists that fit a search.
fn searches(texts: &[String]) -> Vec<Vec<String>> {
    let unique: BTreeSet<String> = texts.iter().map(|text| text.trim().to_lowercase()).collect();
    let (mut lists, mut length) = (vec![Vec::new()], 0);
    for text in unique {
        length += text.len() + 3;
        if length > SEARCHED && lists.last().is_some_and(|list| !list.is_empty()) {
            lists.push(Vec::new());
            length = text.len() + 3;
        }
        lists.last_mut().into_iter().for_each(|list| list.push(text.clone()));
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_stay_within_the_longest_body() {
        let texts: Vec<String> = (0..300).map(|index| format!("Firma-{index:04}.example.com")).collect();
        let lists = searches(&texts);
        assert!(lists.len() > 1);
        assert_eq!(lists.iter().map(Vec::len).sum::<usize>(), 300);
        assert!(lists.iter().all(|list| list.iter().map(|text| text.len() + 3).sum::<usize>() <= SEARCHED));
        assert_eq!(lists[0][0], "firma-0000.example.com");
    }

    #[test]
    fn merged_ids_and_further_addresses_are_found_in_their_lists() {
        assert!(lists(Some("12;551;9".into()), "551"));
        assert!(!lists(Some("12;551;9".into()), "55"));
        assert!(lists(Some("A@x.de;b@x.de".into()), "a@x.de"));
        assert!(!lists(None, "551"));
    }
}
