//! Attendance: that a contact registered for, attended or cancelled a marketing event.
//!
//! One call takes contacts of one event in one state, so a batch may be several calls. Each may be
//! repeated: HubSpot knows an attendance by contact and time.

use std::collections::BTreeMap;

use mittler_connector::{Error, Key, Outcome, RemoteRecord, Result, RowResult, Write, http::Call};
use mittler_core::{
    RemoteFields, Time, Value,
    remote::{RemoteField, RemoteType},
};
use reqwest::Method;
use serde_json::json;

use crate::{
    HubSpot, errors,
    fields::plain,
    outcomes::{Outcomes, refused, settle},
    paths,
    profile::BATCH,
    values::{self, pair_ends, pair_id},
    wire::{self, Attended, Batch, Failure, Listed, Participation},
};

const REGISTERED: &str = "registered";
const ATTENDED: &str = "attended";
const CANCELLED: &str = "cancelled";

pub fn fields() -> Vec<RemoteField> {
    let field = |name, data_type| RemoteField { required: true, updateable: false, ..plain(name, data_type) };
    let codes = [REGISTERED, ATTENDED, CANCELLED].map(str::to_owned).to_vec();
    vec![
        field("event", RemoteType::Reference),
        field("contact", RemoteType::Reference),
        field("at", RemoteType::Instant),
        RemoteField { choices: codes, restricted: true, ..field("state", RemoteType::Choice) },
    ]
}

/// One attendance to write.
struct Attendance<'a> {
    write: &'a Write,
    contact: u64,
    at: Time,
}

impl HubSpot {
    /// A pair has one row for each time something happened; the last says how things stand.
    pub(crate) async fn read_attendance(&self, keys: &[Key], fields: &[String]) -> Result<Vec<RemoteRecord>> {
        let mut records = Vec::new();
        for key in keys {
            let Key::Pair(event, contact) = key else { continue };
            let url = self.paths.marketing(&["participations", event, "breakdown"]);
            let url = paths::query(url, &[("contactIdentifier", contact), ("limit", "100")]);
            let listed: Option<Listed<Participation>> = self.ask_for(&Call::read(Method::GET, url)).await?;
            let rows = listed.map_or_else(Vec::new, |listed| listed.results);
            let of_contact = rows.into_iter().filter(|row| row.associations.contact.contact_id == *contact);
            let stamped = of_contact.filter_map(|row| Some((wire::time(&row.properties.occurred_at)?, row)));
            let Some((at, last)) = stamped.max_by_key(|(at, _)| *at) else { continue };
            let value = |name: &str| match name {
                "event" => Some(Value::RemoteRef(event.clone())),
                "contact" => Some(Value::RemoteRef(contact.clone())),
                "at" => Some(Value::instant(at)),
                "state" => Some(Value::choice(last.properties.attendance_state.to_lowercase())),
                _ => None,
            };
            records.push(RemoteRecord {
                key: key.clone(),
                id: pair_id(event, contact),
                fields: fields.iter().map(|name| (name.clone(), value(name))).collect::<RemoteFields>(),
                modified_at: Some(at),
                gone: false,
                successor: None,
                absorbed: Vec::new(),
            });
        }
        Ok(records)
    }

    pub(crate) async fn push_attendance(&self, batch: &[Write]) -> Result<Vec<Outcome>> {
        let mut told = Outcomes::default();
        let mut groups: BTreeMap<(String, String), Vec<Attendance<'_>>> = BTreeMap::new();
        for write in batch {
            match self.attendance(write) {
                Ok((event, state, attendance)) => groups.entry((event, state)).or_default().push(attendance),
                Err(result) => told.tell(write.tag(), result),
            }
        }
        let mut done = false;
        for ((event, state), group) in groups {
            match self.attend(&event, &state, &group).await {
                Ok(outcomes) => {
                    done = true;
                    for outcome in outcomes {
                        told.tell(outcome.tag, outcome.result);
                    }
                }
                // The promise of these errors, that nothing was written, no longer holds for the
                // batch, but it does for the group.
                Err(
                    error @ (Error::Limited { .. }
                    | Error::Unavailable { .. }
                    | Error::Reauthorise { .. }
                    | Error::Configuration { .. }),
                ) if done => {
                    let busy = RowResult::Busy { code: error.code().to_owned() };
                    told.add(group.iter().map(|attendance| attendance.write.tag()).collect(), busy);
                }
                // Repeating what was written is harmless, so the batch may be split or looked at.
                Err(error) => return Err(error),
            }
        }
        told.in_order(batch)
    }

    async fn attend(&self, event: &str, state: &str, group: &[Attendance<'_>]) -> Result<Vec<Outcome>> {
        let writes: Vec<Write> = group.iter().map(|attendance| attendance.write.clone()).collect();
        let inputs = group.iter().map(|attendance| {
            json!({"vid": attendance.contact, "interactionDateTime": attendance.at.millis(), "properties": {}})
        });
        let inputs: Vec<_> = inputs.collect();
        debug_assert!(inputs.len() <= BATCH);
        let url = self.paths.marketing(&[event, "attendance", state, "create"]);
        let call = Call::write(Method::POST, url, json!({"inputs": inputs}));
        let answer = self.http.send(&call).await?;
        let mut told = Outcomes::default();
        // Without a category it is the address that is unknown.
        let missing = wire::parse::<Failure>(&answer).is_some_and(|failure| failure.category.is_some());
        if answer.status.as_u16() == 404 && missing {
            let missing = refused("OBJECT_NOT_FOUND", "the marketing event does not exist", &["event"]);
            told.add(writes.iter().map(Write::tag).collect(), missing);
            return told.in_order(&writes);
        }
        if !answer.status.is_success() {
            return Err(errors::failed(&call, &answer));
        }
        let written: Batch<Attended> = wire::parse(&answer).ok_or_else(|| errors::unreadable(&call))?;
        for failure in &written.errors {
            let told_of: Vec<String> =
                failure.context.keys().flat_map(|name| wire::context(&failure.context, name)).collect();
            let named = group.iter().filter(|attendance| told_of.contains(&attendance.contact.to_string()));
            told.add(named.map(|attendance| attendance.write.tag()).collect(), errors::row(failure, true));
        }
        for attendance in group.iter().filter(|attendance| !told.knows(attendance.write.tag())).collect::<Vec<_>>() {
            let contact = attendance.contact.to_string();
            if written.results.iter().any(|attended| attended.vid == contact) {
                let (id, shown) = (pair_id(event, &contact), attendance.write.fields().cloned());
                told.tell(attendance.write.tag(), RowResult::Written { id, created: true, shown });
            }
        }
        settle(told, &writes)
    }

    /// The event, the state as it stands in the address, and the rest of one write.
    fn attendance<'a>(&self, write: &'a Write) -> std::result::Result<(String, String, Attendance<'a>), RowResult> {
        let Some(fields) = write.fields() else {
            return Err(refused("not_archivable", "an attendance cannot be taken back: cancel it", &[]));
        };
        let (of_event, of_contact) = match write {
            Write::Update { id, .. } => pair_ends(id).unzip(),
            _ => (None, None),
        };
        let missing = |name| refused("REQUIRED_FIELD", "an attendance needs it", &[name]);
        let event = fields.text("event").or(of_event).ok_or_else(|| missing("event"))?;
        let contact = fields.text("contact").or(of_contact).ok_or_else(|| missing("contact"))?;
        let contact = contact.parse().map_err(|_| refused("INVALID_INTEGER", "is no contact's id", &["contact"]))?;
        let at = match fields.get("at") {
            Some(Value::Instant { at, .. }) => *at,
            Some(date @ Value::Date(_)) => values::encode(date, RemoteType::Instant)
                .and_then(|text| wire::time(&text))
                .ok_or_else(|| missing("at"))?,
            _ => return Err(missing("at")),
        };
        let states = &self.settings.attendance_states;
        let state = match fields.text("state").ok_or_else(|| missing("state"))? {
            REGISTERED => &states.register,
            ATTENDED => &states.attend,
            CANCELLED => &states.cancel,
            state => [&states.register, &states.attend, &states.cancel]
                .into_iter()
                .find(|known| *known == state)
                .ok_or_else(|| refused("INVALID_OPTION", "is no state of an attendance", &["state"]))?,
        };
        Ok((event.to_owned(), state.clone(), Attendance { write, contact, at }))
    }
}
