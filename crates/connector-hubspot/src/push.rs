//! Writing: one batch call, and one outcome for every write of it.

use std::collections::BTreeSet;

use mittler_connector::{Key, Outcome, OwnKey, Refusal, Result, RowResult, Write, http::Call};
use mittler_core::{RemoteFields, RemoteSchema};
use reqwest::Method;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::{
    HubSpot, associations, errors,
    outcomes::{Answered, Outcomes, local, read_write, refusal, settle},
    profile::{ATTENDANCE, CONTACTS_TO_COMPANIES, EVENTS, OWNERS, is_activity},
    values,
    wire::{self, Batch, Failure, Record},
};

/// A write as one input of the call.
struct Input<'a> {
    write: &'a Write,
    json: Json,
}

impl HubSpot {
    pub(crate) async fn push_type(&self, remote_type: &str, batch: &[Write]) -> Result<Vec<Outcome>> {
        let Some(first) = batch.first() else { return Ok(Vec::new()) };
        let Some(kind) = self.profile.kind(remote_type) else { return Err(local("unknown_type")) };
        if batch.len() > kind.batch {
            return Err(local("batch_too_large"));
        }
        if batch.iter().any(|write| std::mem::discriminant(write) != std::mem::discriminant(first)) {
            return Err(local("mixed_batch"));
        }
        if repeats(batch, kind.own_key != OwnKey::None) {
            return Err(local("duplicate_in_batch"));
        }
        match remote_type {
            EVENTS => self.push_events(batch).await,
            ATTENDANCE => self.push_attendance(batch).await,
            CONTACTS_TO_COMPANIES => self.push_associations(batch).await,
            OWNERS => Err(local("not_writable")),
            _ if matches!(first, Write::Archive { .. }) => self.archive_records(remote_type, batch).await,
            _ => self.push_records(remote_type, batch).await,
        }
    }

    async fn push_records(&self, remote_type: &str, batch: &[Write]) -> Result<Vec<Outcome>> {
        let schema = self.schema(remote_type).await?;
        let mut told = Outcomes::default();
        let mut inputs = Vec::new();
        for write in batch {
            match self.input(remote_type, &schema, write) {
                Ok(json) => inputs.push(Input { write, json }),
                Err(refusal) => told.tell(write.tag(), RowResult::Refused(refusal)),
            }
        }
        if inputs.is_empty() {
            return told.in_order(batch);
        }
        let creating = matches!(batch.first(), Some(Write::Create { .. }));
        let verb = match (creating, is_activity(remote_type)) {
            // An upsert takes no associations, and an activity without its contact would be lost.
            (true, true) => "create",
            (true, false) => "upsert",
            (false, _) => "update",
        };
        let body = json!({"inputs": inputs.iter().map(|input| &input.json).collect::<Vec<_>>()});
        let call = Call::write(Method::POST, self.paths.objects(&[remote_type, "batch", verb]), body);
        let answer = self.http.send(&call).await?;
        let written: Batch<Record> = match read_write(&call, &answer, batch, creating)? {
            Answered::Rows(written) => written,
            Answered::Lone(mut outcomes) => {
                self.name_successors(remote_type, batch, &mut outcomes).await;
                return Ok(outcomes);
            }
        };
        for failure in &written.errors {
            told.add(failed_tags(&inputs, failure), errors::row(failure, creating));
        }
        for record in &written.results {
            let write = self.written_by(remote_type, &inputs, record);
            let created = creating && record.new.unwrap_or(true);
            let shown = write.and_then(Write::fields).map(|fields| shown(remote_type, &schema, fields, record));
            let result = RowResult::Written { id: record.id.clone(), created, shown };
            told.add(write.map(Write::tag).into_iter().collect(), result);
        }
        let mut outcomes = settle(told, batch)?;
        self.name_successors(remote_type, batch, &mut outcomes).await;
        Ok(outcomes)
    }

    /// HubSpot says "not found" of a record that was merged into another. Only a read follows its
    /// id. These writes are refused already, so a failure of the read changes nothing.
    async fn name_successors(&self, remote_type: &str, batch: &[Write], outcomes: &mut [Outcome]) {
        let lost = |outcome: &Outcome| matches!(outcome.result, RowResult::Gone { successor: None, .. });
        let tags: Vec<Uuid> = outcomes.iter().filter(|outcome| lost(outcome)).map(|outcome| outcome.tag).collect();
        let asked = batch.iter().filter(|write| tags.contains(&write.tag()));
        let keys: Vec<Key> = asked.filter_map(id).map(|id| Key::Id(id.to_owned())).collect();
        if keys.is_empty() {
            return;
        }
        let Ok(found) = self.read_type(remote_type, &keys, &[]).await else { return };
        for (write, outcome) in batch.iter().zip(outcomes) {
            let Some(key) = id(write).map(|id| Key::Id(id.to_owned())) else { continue };
            if let RowResult::Gone { successor: successor @ None, .. } = &mut outcome.result {
                let record = found.iter().find(|record| record.key == key && !record.gone);
                *successor = record.and_then(|record| record.successor.clone());
            }
        }
    }

    fn input(&self, remote_type: &str, schema: &RemoteSchema, write: &Write) -> std::result::Result<Json, Refusal> {
        let Some(fields) = write.fields() else { return Err(refusal("not_writable", "", &[])) };
        let mut properties = properties(remote_type, schema, fields)?;
        let trace = write.tag().to_string();
        let own_property = self.own_property(remote_type);
        match write {
            Write::Create { own_key, .. } if is_activity(remote_type) => {
                if self.settings.activity_key.is_some() {
                    properties.insert(own_property.to_owned(), own_key.as_str().into());
                }
                let mut input = json!({"properties": properties, "objectWriteTraceId": trace});
                let parents = associations::parents(remote_type, fields);
                if !parents.is_empty() {
                    input["associations"] = parents.into();
                }
                Ok(input)
            }
            Write::Create { own_key, .. } => {
                properties.insert(own_property.to_owned(), own_key.as_str().into());
                Ok(
                    json!({"id": own_key, "idProperty": own_property, "properties": properties, "objectWriteTraceId": trace}),
                )
            }
            Write::Update { id, .. } => {
                let fixed = fields.0.keys().find(|name| associations::inline(remote_type, name).is_some());
                match fixed {
                    Some(name) => Err(refusal("not_updateable", "is set when the record is created", &[name])),
                    None => Ok(json!({"id": id, "properties": properties, "objectWriteTraceId": trace})),
                }
            }
            Write::Archive { .. } => Err(refusal("not_writable", "", &[])),
        }
    }

    /// The write that a result answers: by trace id, else by own key, else by id.
    fn written_by<'a>(&self, remote_type: &str, inputs: &[Input<'a>], record: &Record) -> Option<&'a Write> {
        let find = |is: &dyn Fn(&Write) -> bool| inputs.iter().map(|input| input.write).find(|write| is(write));
        if let Some(trace) = &record.object_write_trace_id {
            return find(&|write| write.tag().to_string() == *trace);
        }
        let own = record.text(self.own_property(remote_type));
        find(&|write| match write {
            Write::Create { own_key, .. } => own.as_ref() == Some(own_key),
            Write::Update { id, .. } | Write::Archive { id, .. } => record.id == *id,
        })
    }

    async fn archive_records(&self, remote_type: &str, batch: &[Write]) -> Result<Vec<Outcome>> {
        let inputs: Vec<Json> = batch.iter().filter_map(id).map(|id| json!({"id": id})).collect();
        let url = self.paths.objects(&[remote_type, "batch", "archive"]);
        self.archive(Call::write(Method::POST, url, json!({"inputs": inputs})), batch).await
    }

    /// An archive answers nothing but its success; a record that was gone before is archived too.
    pub(crate) async fn archive(&self, call: Call, batch: &[Write]) -> Result<Vec<Outcome>> {
        let answer = self.http.send(&call).await?;
        let mut told = Outcomes::default();
        if !answer.status.is_success() {
            return match (batch, errors::lone(&answer, false)) {
                ([only], Some(result)) => Ok(vec![Outcome { tag: only.tag(), result }]),
                _ => Err(errors::failed(&call, &answer)),
            };
        }
        let failures = wire::parse::<Batch<Json>>(&answer).map_or_else(Vec::new, |batch| batch.errors);
        let inputs: Vec<_> = batch.iter().map(|write| Input { write, json: Json::Null }).collect();
        for failure in &failures {
            told.add(failed_tags(&inputs, failure), errors::row(failure, false));
        }
        if told.names_all() {
            for write in batch.iter().filter(|write| !told.knows(write.tag())).collect::<Vec<_>>() {
                let id = id(write).unwrap_or_default().to_owned();
                told.tell(write.tag(), RowResult::Written { id, created: false, shown: None });
            }
        }
        settle(told, batch)
    }
}

/// The writes that a row's error is about: by trace id, else by the ids that it names.
fn failed_tags(inputs: &[Input<'_>], failure: &Failure) -> Vec<Uuid> {
    let details = failure.errors.iter().map(|detail| &detail.context);
    let contexts: Vec<_> = std::iter::once(&failure.context).chain(details).collect();
    let all = |name| contexts.iter().flat_map(|context| wire::context(context, name)).collect::<BTreeSet<_>>();
    let (traces, mut ids) = (all("objectWriteTraceId"), all("ids"));
    ids.extend(all("id"));
    let by_trace = |write: &Write| traces.contains(&write.tag().to_string());
    let by_id = |write: &Write| match write {
        Write::Create { own_key, .. } => ids.contains(own_key),
        Write::Update { id, .. } | Write::Archive { id, .. } => ids.contains(id),
    };
    let named = |input: &&Input<'_>| if traces.is_empty() { by_id(input.write) } else { by_trace(input.write) };
    inputs.iter().filter(named).map(|input| input.write.tag()).collect()
}

fn id(write: &Write) -> Option<&str> {
    match write {
        Write::Update { id, .. } | Write::Archive { id, .. } => Some(id),
        Write::Create { .. } => None,
    }
}

/// Whether two writes are of one record; HubSpot would refuse all of them.
fn repeats(batch: &[Write], keyed: bool) -> bool {
    let mut tags = BTreeSet::new();
    let mut names = BTreeSet::new();
    batch.iter().any(|write| {
        let name = match write {
            Write::Create { own_key, .. } => keyed.then(|| own_key.to_lowercase()),
            Write::Update { id, .. } | Write::Archive { id, .. } => Some(id.clone()),
        };
        !tags.insert(write.tag()) || name.is_some_and(|name| !names.insert(name))
    })
}

/// The fields as properties; an empty text clears.
fn properties(
    remote_type: &str,
    schema: &RemoteSchema,
    fields: &RemoteFields,
) -> std::result::Result<Map<String, Json>, Refusal> {
    let mut properties = Map::new();
    for (name, value) in &fields.0 {
        if associations::inline(remote_type, name).is_some() {
            continue;
        }
        let text = match value {
            None => Some(String::new()),
            Some(value) => values::encode(value, values::type_of(schema, name)),
        };
        let text = text.ok_or_else(|| refusal("unsupported_value", "no property holds such a value", &[name]))?;
        properties.insert(name.clone(), text.into());
    }
    Ok(properties)
}

/// What HubSpot now holds in the fields that were sent, where its answer tells.
fn shown(remote_type: &str, schema: &RemoteSchema, sent: &RemoteFields, record: &Record) -> RemoteFields {
    let value = |(name, sent): (&String, &Option<mittler_core::Value>)| {
        if associations::inline(remote_type, name).is_some() {
            // The record would not be there without its associations.
            return Some((name.clone(), sent.clone()));
        }
        let told = record.properties.contains_key(name);
        let text = record.text(name).and_then(|text| values::decode(&text, values::type_of(schema, name)));
        (told || sent.is_none()).then(|| (name.clone(), text))
    };
    sent.0.iter().filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcomes::tests::create;

    #[test]
    fn one_record_twice_in_a_batch_is_noticed() {
        assert!(repeats(&[create(1, "rec_A"), create(2, "rec_a")], true));
        assert!(!repeats(&[create(1, ""), create(2, "")], false));
        assert!(repeats(&[create(1, "a"), create(1, "b")], true));
    }
}
