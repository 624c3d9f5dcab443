//! Marketing events, such as trade fairs: what they are, and who took part.
//!
//! **Invariant:** one contact has one entry for one interaction time; sending it again changes nothing.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::object::Claims;
use super::portal::Portal;
use super::time::{iso, parse_datetime};

/// The event's record of type 0-54 has the same id.
pub struct Fair {
    pub id: u64,
    pub account: String,
    pub external: String,
    /// What the caller sent, by its names on the wire.
    pub fields: Map<String, Value>,
    pub attendance: Vec<Seen>,
    pub created: i64,
    pub updated: i64,
}

pub struct Seen {
    pub contact: u64,
    pub email: Option<String>,
    pub state: State,
    pub at: i64,
    pub properties: Value,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Registered,
    Attended,
    Cancelled,
}

impl State {
    /// The specification and the guide spell the states differently; both are understood.
    pub fn parse(text: &str) -> Result<State, Failure> {
        match text.to_lowercase().as_str() {
            "register" | "registered" => Ok(State::Registered),
            "attend" | "attended" => Ok(State::Attended),
            "cancel" | "cancelled" => Ok(State::Cancelled),
            _ => Err(Failure::invalid(format!("Unknown subscriber state {text}"))),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            State::Registered => "REGISTERED",
            State::Attended => "ATTENDED",
            State::Cancelled => "CANCELLED",
        }
    }
}

/// One input of an attendance call.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Visit {
    pub email: Option<String>,
    pub vid: Option<Value>,
    pub interaction_date_time: i64,
    #[serde(default)]
    pub properties: Value,
    #[serde(default)]
    pub contact_properties: Map<String, Value>,
}

/// The names on the wire, and the properties of the event's record they fill.
const FIELDS: [(&str, &str); 9] = [
    ("eventName", "hs_event_name"),
    ("eventDescription", "hs_event_description"),
    ("eventType", "hs_event_type"),
    ("eventOrganizer", "hs_event_organizer"),
    ("eventUrl", "hs_event_url"),
    ("startDateTime", "hs_start_datetime"),
    ("endDateTime", "hs_end_datetime"),
    ("eventCancelled", "hs_event_cancelled"),
    ("eventCompleted", "hs_event_completed"),
];

impl Fair {
    pub fn name(&self) -> &str {
        self.fields.get("eventName").and_then(Value::as_str).unwrap_or_default()
    }

    fn completed(&self) -> bool {
        self.fields.get("eventCompleted") == Some(&Value::Bool(true))
    }

    /// Contacts in order of their first interaction, each with its latest state.
    pub fn latest(&self) -> Vec<&Seen> {
        let mut latest: Vec<&Seen> = Vec::new();
        for seen in &self.attendance {
            match latest.iter_mut().find(|known| known.contact == seen.contact) {
                Some(known) if known.at <= seen.at => *known = seen,
                Some(_) => {}
                None => latest.push(seen),
            }
        }
        latest
    }

    /// A registered contact that never came is a no-show once the event is over.
    pub fn state_name(&self, seen: &Seen) -> &'static str {
        if seen.state == State::Registered && self.completed() { "NO_SHOW" } else { seen.state.name() }
    }

    /// Everyone who ever registered, came or cancelled counts; who came late does not stop having registered.
    pub fn counters(&self) -> Value {
        let ever = |state: State| {
            let mut contacts: Vec<u64> =
                self.attendance.iter().filter(|seen| seen.state == state).map(|seen| seen.contact).collect();
            contacts.sort_unstable();
            contacts.dedup();
            contacts.len()
        };
        let no_shows = self.latest().into_iter().filter(|seen| self.state_name(seen) == "NO_SHOW").count();
        json!({"attended": ever(State::Attended), "registered": ever(State::Registered),
            "cancelled": ever(State::Cancelled), "noShows": no_shows})
    }

    pub fn attendance_json(&self) -> Value {
        self.attendance
            .iter()
            .map(|seen| {
                json!({"contactId": seen.contact.to_string(), "email": seen.email, "state": seen.state.name(),
                    "interactionDateTime": seen.at, "properties": seen.properties})
            })
            .collect()
    }
}

impl Portal {
    pub fn fair_kind(&self) -> Result<usize, Failure> {
        self.kind("0-54")
    }

    pub fn fair_json(&self, fair: &Fair) -> Value {
        let mut body = json!({"objectId": fair.id.to_string(), "id": fair.id.to_string(),
            "externalEventId": fair.external, "externalAccountId": fair.account,
            "createdAt": iso(fair.created), "updatedAt": iso(fair.updated),
            "appInfo": {"id": self.config.app_id.to_string(), "name": "Sandbox app"}});
        for (name, _) in FIELDS {
            if let Some(value) = fair.fields.get(name).filter(|value| !value.is_null()) {
                body[name] = value.clone();
            }
        }
        let sent = fair.fields.get("customProperties").and_then(Value::as_array);
        body["customProperties"] = sent.into_iter().flatten().map(|each| self.custom_property(fair, each)).collect();
        body
    }

    /// A property that the app sent with name and value, with all that the portal notes about it.
    fn custom_property(&self, fair: &Fair, sent: &Value) -> Value {
        let at = fair.updated;
        json!({"name": sent["name"], "value": sent["value"], "source": "INTEGRATION", "sourceId": self.config.app_id.to_string(),
            "sourceLabel": "Sandbox app", "sourceMetadata": "", "sourceUpstreamDeployable": "", "sourceVid": [],
            "timestamp": at, "persistenceTimestamp": at, "useTimestampAsPersistenceTimestamp": true,
            "requestId": format!("{}-{at}", fair.id), "selectedByUser": false, "selectedByUserTimestamp": 0,
            "updatedByUserId": 0, "dataSensitivity": "none", "isEncrypted": false, "isLargeValue": false,
            "maskedSubstrings": {"substrings": []}, "unit": ""})
    }

    /// A read also tells how many came.
    pub fn fair_read_json(&self, fair: &Fair) -> Value {
        let (mut body, counters) = (self.fair_json(fair), fair.counters());
        for (name, counter) in [
            ("attendees", "attended"),
            ("registrants", "registered"),
            ("cancellations", "cancelled"),
            ("noShows", "noShows"),
        ] {
            body[name] = counters[counter].clone();
        }
        let ended = fair.fields.get("eventCancelled") == Some(&Value::Bool(true));
        let status = if ended {
            "CANCELLED"
        } else if fair.completed() {
            "COMPLETED"
        } else {
            "UPCOMING"
        };
        body["eventStatus"] = status.into();
        body
    }

    /// Makes the event, or changes the one with the same account and external id.
    pub fn put_fair(&mut self, input: &Map<String, Value>) -> Result<u64, Failure> {
        let (account, external) = check_fair(input)?;
        let known = self.fairs.iter().find(|fair| fair.account == account && fair.external == external);
        if let Some(id) = known.map(|fair| fair.id) {
            self.change_fair(id, input)?;
            return Ok(id);
        }
        let (kind, now) = (self.fair_kind()?, self.now);
        let mut values = record_values(input);
        values.push(("hs_external_event_id".to_owned(), external.clone()));
        values.push(("hs_external_account_id".to_owned(), account.clone()));
        let id = self.insert(kind, values);
        let mut fields = input.clone();
        fields.entry("eventCancelled").or_insert(Value::Bool(false));
        fields.entry("eventCompleted").or_insert(Value::Bool(false));
        self.fairs.push(Fair { id, account, external, fields, attendance: Vec::new(), created: now, updated: now });
        Ok(id)
    }

    pub fn change_fair(&mut self, id: u64, input: &Map<String, Value>) -> Result<(), Failure> {
        check_times(input)?;
        let (kind, now) = (self.fair_kind()?, self.now);
        let Some(fair) = self.fairs.iter_mut().find(|fair| fair.id == id) else { return Err(Failure::gone()) };
        for (name, value) in input.iter().filter(|(name, _)| !name.starts_with("external") && *name != "objectId") {
            fair.fields.insert(name.clone(), value.clone());
        }
        fair.updated = now;
        self.update(kind, id, record_values(input));
        Ok(())
    }

    pub fn delete_fair(&mut self, id: u64) -> Result<(), Failure> {
        let kind = self.fair_kind()?;
        self.fairs.retain(|fair| fair.id != id);
        self.archive(kind, id);
        Ok(())
    }

    /// The contact of a visit. Only `create` makes unknown contacts, and only then contact properties are used.
    pub fn visitor(&mut self, visit: &Visit, create: bool) -> Result<Option<u64>, Failure> {
        if let Some(vid) = &visit.vid {
            return Ok(super::merge::number(vid).and_then(|id| self.tables[0].resolve(id)));
        }
        let email = visit.email.as_deref().unwrap_or_default();
        if let Some(known) = self.tables[0].find_unique("email", email) {
            return Ok(Some(known));
        }
        if !create {
            return Ok(None);
        }
        let mut properties = visit.contact_properties.clone();
        properties.insert("email".to_owned(), email.into());
        let input = Map::from_iter([("properties".to_owned(), Value::Object(properties))]);
        let plan = self.plan_create(0, &input, &mut Claims::new())?;
        Ok(Some(self.carry_out(plan)))
    }

    pub fn note_visit(&mut self, fair: u64, contact: u64, state: State, visit: &Visit) {
        let email = self.tables[0].current(contact, "email").map(str::to_owned);
        let Some(fair) = self.fairs.iter_mut().find(|known| known.id == fair) else { return };
        let at = visit.interaction_date_time;
        if fair.attendance.iter().any(|seen| seen.contact == contact && seen.at == at) {
            return;
        }
        fair.attendance.push(Seen { contact, email, state, at, properties: visit.properties.clone() });
    }
}

fn record_values(input: &Map<String, Value>) -> Vec<(String, String)> {
    let mut values = Vec::new();
    for (name, property) in FIELDS {
        let value = match input.get(name) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let time = property.ends_with("datetime").then(|| parse_datetime(&value).map(iso)).flatten();
        values.push((property.to_owned(), time.unwrap_or(value)));
    }
    values
}

/// The account and the external id of an event that may be made or changed.
pub fn check_fair(input: &Map<String, Value>) -> Result<(String, String), Failure> {
    let text = |name: &str| input.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let need = |name: &str| {
        text(name)
            .map(str::to_owned)
            .ok_or_else(|| Failure::invalid(format!("Invalid input JSON: Some required fields were not set: [{name}]")))
    };
    let (account, external) = (need("externalAccountId")?, need("externalEventId")?);
    need("eventName")?;
    need("eventOrganizer")?;
    check_times(input)?;
    Ok((account, external))
}

/// Calls by the event's own id show its properties with name and value only.
pub fn shortened(mut fair: Value) -> Value {
    if let Some(properties) = fair["customProperties"].as_array_mut() {
        for property in properties {
            *property = json!({"name": property["name"], "value": property["value"]});
        }
    }
    fair
}

pub fn check_times(input: &Map<String, Value>) -> Result<(), Failure> {
    for name in ["startDateTime", "endDateTime"] {
        if let Some(text) = input.get(name).and_then(Value::as_str)
            && parse_datetime(text).is_none()
        {
            return Err(Failure::invalid(format!("{name} {text} is not a date and time")));
        }
    }
    Ok(())
}
