//! Marketing events: our fairs. They have an API of their own, with fields instead of properties,
//! and are known by an external id of ours.

use std::collections::BTreeMap;

use mittler_connector::{Error, Key, Outcome, RemoteRecord, Result, RowResult, Write, http::Call};
use mittler_core::{
    RemoteFields, Value,
    remote::{RemoteField, RemoteType},
};
use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use crate::{
    HubSpot, errors,
    fields::plain,
    outcomes::{Answered, Outcomes, read_write, refused, settle},
    paths, values,
    wire::{self, EventIdentifiers, Listed},
};

/// What every event has; other names are custom properties.
const FIELDS: [(&str, RemoteType); 9] = [
    ("eventName", RemoteType::Text),
    ("eventOrganizer", RemoteType::Text),
    ("eventType", RemoteType::Text),
    ("eventDescription", RemoteType::Text),
    ("eventUrl", RemoteType::Url),
    ("startDateTime", RemoteType::Instant),
    ("endDateTime", RemoteType::Instant),
    ("eventCancelled", RemoteType::Bool),
    ("eventCompleted", RemoteType::Bool),
];

type Event = Map<String, Json>;

pub fn fields() -> Vec<RemoteField> {
    let field = |(name, data_type)| RemoteField {
        required: matches!(name, "eventName" | "eventOrganizer"),
        ..plain(name, data_type)
    };
    FIELDS.map(field).to_vec()
}

fn type_of(name: &str) -> Option<RemoteType> {
    FIELDS.iter().find(|(known, _)| *known == name).map(|(_, data_type)| *data_type)
}

impl HubSpot {
    /// There is no batch: one call for each.
    pub(crate) async fn read_events(&self, keys: &[Key], fields: &[String]) -> Result<Vec<RemoteRecord>> {
        let mut records = Vec::new();
        for key in keys {
            let found = match key {
                Key::Id(id) => self.event(id).await?.map(|event| (id.clone(), event)),
                Key::Own(own_key) => match self.event_by_own_key(own_key).await? {
                    Some((Some(id), event)) => Some((id, event)),
                    Some((None, event)) => self.event_id(own_key).await?.map(|id| (id, event)),
                    None => None,
                },
                _ => return Err(Error::Protocol { detail: "unsupported_key".into() }),
            };
            records.extend(found.map(|(id, event)| RemoteRecord {
                key: key.clone(),
                fields: fields.iter().map(|name| (name.clone(), value(&event, name))).collect::<RemoteFields>(),
                modified_at: text(&event, "updatedAt").as_deref().and_then(wire::time),
                gone: false,
                successor: None,
                absorbed: Vec::new(),
                id,
            }));
        }
        Ok(records)
    }

    async fn event(&self, id: &str) -> Result<Option<Event>> {
        self.ask_for(&Call::read(Method::GET, self.paths.marketing(&[id]))).await
    }

    /// Works for events that our own app created; their answer may lack the id.
    async fn event_by_own_key(&self, own_key: &str) -> Result<Option<(Option<String>, Event)>> {
        let account = &self.settings.external_account_id;
        let url = paths::query(self.paths.marketing(&["events", own_key]), &[("externalAccountId", account)]);
        let event: Option<Event> = self.ask_for(&Call::read(Method::GET, url)).await?;
        Ok(event.map(|event| (text(&event, "objectId"), event)))
    }

    async fn event_id(&self, own_key: &str) -> Result<Option<String>> {
        let url = self.paths.marketing(&[own_key, "identifiers"]);
        let listed: Option<Listed<EventIdentifiers>> = self.ask_for(&Call::read(Method::GET, url)).await?;
        let account = &self.settings.external_account_id;
        let ours = |event: &EventIdentifiers| event.external_account_id.as_ref() == Some(account);
        Ok(listed.and_then(|listed| listed.results.into_iter().find(ours)).map(|event| event.object_id))
    }

    pub(crate) async fn push_events(&self, batch: &[Write]) -> Result<Vec<Outcome>> {
        let creating = matches!(batch.first(), Some(Write::Create { .. }));
        let (mut told, mut inputs) = (Outcomes::default(), Vec::new());
        for write in batch {
            match self.event_input(write) {
                Ok(input) => inputs.push(input),
                Err(name) => {
                    told.tell(write.tag(), refused("unsupported_value", "no field holds such a value", &[&name]));
                }
            }
        }
        if inputs.is_empty() {
            return told.in_order(batch);
        }
        let rest: &[&str] = match batch {
            [Write::Create { .. }, ..] => &["events", "upsert"],
            [Write::Archive { .. }, ..] => &["batch", "archive"],
            [Write::Update { id, .. }] => return self.update_event(&batch[0], id, inputs.swap_remove(0)).await,
            _ => &["batch", "update"],
        };
        let call = Call::write(Method::POST, self.paths.marketing(rest), json!({"inputs": inputs}));
        if matches!(batch.first(), Some(Write::Archive { .. })) {
            return self.archive(call, batch).await;
        }
        let answer = self.http.send(&call).await?;
        let written = match read_write::<Event>(&call, &answer, batch, creating)? {
            Answered::Rows(written) => written,
            Answered::Lone(outcomes) => return Ok(outcomes),
        };
        for failure in &written.errors {
            told.add(named(batch, &failure.context), errors::row(failure, creating));
        }
        let lone = batch.len() == 1 && written.results.len() == 1 && written.errors.is_empty();
        let results = written.results.iter();
        let known: BTreeMap<String, &Event> =
            results.filter_map(|event| Some((handle(event, creating)?, event))).collect();
        for write in batch.iter().filter(|write| !told.knows(write.tag())).collect::<Vec<_>>() {
            let handle = handle_of(write);
            let event = known.get(handle).copied().or_else(|| written.results.first().filter(|_| lone));
            let mut id = event.and_then(|event| text(event, "objectId"));
            // Answers to an upsert need not name the external id. The upsert was a success, so
            // the event that has the id now is the one.
            if id.is_none() && creating && written.errors.is_empty() {
                id = self.written_event(handle).await?;
            }
            if let (None, Write::Update { .. }) = (&id, write) {
                id = event.map(|_| handle.to_owned());
            }
            if let Some(id) = id {
                let shown = event.zip(write.fields()).map(|(event, fields)| shown(event, fields));
                told.tell(write.tag(), RowResult::Written { id, created: false, shown });
            }
        }
        settle(told, batch)
    }

    /// The call for one event tells more exactly what is wrong with it than the one for many.
    async fn update_event(&self, write: &Write, id: &str, mut input: Json) -> Result<Vec<Outcome>> {
        if let Some(input) = input.as_object_mut() {
            input.remove("objectId");
        }
        let call = Call::write(Method::PATCH, self.paths.marketing(&[id]), input);
        let answer = self.http.send(&call).await?;
        let result = if answer.status.is_success() {
            let event: Event = wire::parse(&answer).ok_or_else(|| errors::unreadable(&call))?;
            let shown = write.fields().map(|fields| shown(&event, fields));
            RowResult::Written { id: id.to_owned(), created: false, shown }
        } else {
            errors::lone(&answer, false).ok_or_else(|| errors::failed(&call, &answer))?
        };
        Ok(vec![Outcome { tag: write.tag(), result }])
    }

    /// The id behind an own key. The write is done, so a failure to look is an unknown outcome.
    async fn written_event(&self, own_key: &str) -> Result<Option<String>> {
        let look = async {
            match self.event_by_own_key(own_key).await? {
                Some((Some(id), _)) => Ok(Some(id)),
                _ => self.event_id(own_key).await,
            }
        };
        look.await.map_err(|error: Error| Error::Unknown { code: error.code().to_owned() })
    }

    /// The input for a write, or the name of a field that cannot be sent.
    fn event_input(&self, write: &Write) -> std::result::Result<Json, String> {
        let (mut input, fields) = match write {
            Write::Archive { id, .. } => return Ok(json!({"objectId": id})),
            Write::Update { id, fields, .. } => (json!({"objectId": id}), fields),
            Write::Create { own_key, fields, .. } => {
                let account = &self.settings.external_account_id;
                (json!({"externalAccountId": account, "externalEventId": own_key}), fields)
            }
        };
        let mut custom = Vec::new();
        for (name, value) in &fields.0 {
            let data_type = type_of(name);
            let text = match value {
                Some(value) => values::encode(value, data_type.unwrap_or(RemoteType::Text)).ok_or(name)?,
                None => String::new(),
            };
            match data_type {
                None => custom.push(json!({"name": name, "value": text})),
                Some(RemoteType::Bool) => input[name] = (text == "true").into(),
                Some(RemoteType::Instant) if text.is_empty() => input[name] = Json::Null,
                Some(_) => input[name] = text.into(),
            }
        }
        input["customProperties"] = custom.into();
        Ok(input)
    }
}

/// What a result and a write have in common: our id in an upsert, theirs in an update.
fn handle(event: &Event, creating: bool) -> Option<String> {
    text(event, if creating { "externalEventId" } else { "objectId" })
}

fn handle_of(write: &Write) -> &str {
    match write {
        Write::Create { own_key, .. } => own_key,
        Write::Update { id, .. } | Write::Archive { id, .. } => id,
    }
}

/// The writes that an error's context names in whatever way.
fn named(batch: &[Write], context: &Map<String, Json>) -> Vec<uuid::Uuid> {
    let all: Vec<String> = context.keys().flat_map(|name| wire::context(context, name)).collect();
    batch.iter().filter(|write| all.iter().any(|name| name == handle_of(write))).map(Write::tag).collect()
}

fn text(event: &Event, name: &str) -> Option<String> {
    event.get(name).and_then(wire::text).filter(|text| !text.is_empty())
}

fn value(event: &Event, name: &str) -> Option<Value> {
    if let Some(data_type) = type_of(name) {
        return values::decode(&text(event, name)?, data_type);
    }
    let custom = event.get("customProperties")?.as_array()?.iter();
    let found =
        custom.filter_map(Json::as_object).find(|custom| custom.get("name").and_then(Json::as_str) == Some(name));
    Value::text(&text(found?, "value")?)
}

fn shown(event: &Event, sent: &RemoteFields) -> RemoteFields {
    let told = sent.0.keys().filter(|name| type_of(name).is_none() || event.contains_key(*name));
    told.map(|name| (name.clone(), value(event, name))).collect()
}
