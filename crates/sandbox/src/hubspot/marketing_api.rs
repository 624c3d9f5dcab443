//! The calls about marketing events.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::marketing::{Fair, Seen, State, Visit, check_fair, check_times, shortened};
use super::portal::Portal;
use super::request::{Answer, Outcome, Request};
use super::time::iso;

const MOST: usize = 100;
/// Attendance calls take longer lists than others.
const MOST_VISITS: usize = 500;

#[derive(Deserialize)]
struct Inputs<T> {
    inputs: Vec<T>,
}

#[derive(Deserialize)]
struct Key {
    #[serde(rename = "externalAccountId")]
    account: String,
    #[serde(rename = "externalEventId")]
    external: String,
    #[serde(rename = "appId")]
    app: Option<u64>,
}

impl Portal {
    pub fn marketing(&mut self, request: &Request) -> Outcome {
        let parts = request.path.parts();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["events"]) => {
                let id = self.put_fair(&request.json()?)?;
                self.shown(id, false)
            }
            ("POST", ["events", "upsert"]) => {
                let inputs: Inputs<Map<String, Value>> = request.json()?;
                self.upsert_fairs(&inputs.inputs)
            }
            ("POST", ["events", "delete"]) => {
                let keys: Inputs<Key> = request.json()?;
                let own = keys.inputs.iter().filter(|key| key.app.is_none_or(|app| app == self.config.app_id));
                let ids: Vec<u64> =
                    own.filter_map(|key| self.external(&key.external, Some(&key.account)).ok()).collect();
                for id in ids {
                    self.delete_fair(id)?;
                }
                Ok(Answer { status: 202, body: None, location: None })
            }
            ("POST", ["batch", "archive"]) => {
                let inputs: Inputs<Map<String, Value>> = request.json()?;
                for input in inputs.inputs {
                    if let Some(id) = input.get("objectId").and_then(super::merge::number) {
                        self.delete_fair(id)?;
                    }
                }
                Ok(Answer::empty())
            }
            ("POST", ["batch", "update"]) => {
                let inputs: Inputs<Map<String, Value>> = request.json()?;
                self.change_fairs(&inputs.inputs)
            }
            ("GET", ["events", "search"]) => {
                let wanted = request.query("q").unwrap_or_default();
                let results: Vec<Value> = self
                    .fairs
                    .iter()
                    .filter(|fair| fair.external == wanted)
                    .map(|fair| {
                        json!({"appId": self.config.app_id, "externalAccountId": fair.account,
                            "externalEventId": fair.external, "objectId": fair.id.to_string()})
                    })
                    .collect();
                Ok(Answer::ok(json!({"results": results})))
            }
            ("POST", ["events", external, verb @ ("cancel" | "complete")]) => self.finish(external, verb, request),
            (
                "POST",
                ["events", external, state, verb @ ("upsert" | "email-upsert")] | ["attendance", external, state, verb],
            ) => {
                let id = self.external(external, request.query("externalAccountId"))?;
                self.attendance(id, state, verb, request)
            }
            ("PUT", ["events", external]) => {
                let mut input: Map<String, Value> = request.json()?;
                input.insert("externalEventId".to_owned(), (*external).into());
                let id = self.put_fair(&input)?;
                self.shown(id, false)
            }
            (method, ["events", external]) => {
                let id = self.external(external, request.query("externalAccountId"))?;
                self.single(method, id, request)
            }
            (_, ["participations", rest @ ..]) => self.participations(rest, request),
            ("POST", [id, "attendance", state, verb]) => {
                let id = self.fair(id)?.id;
                self.attendance(id, state, verb, request)
            }
            ("GET", []) => self.list_fairs(request),
            ("GET", [external, "identifiers"]) => {
                let fairs = self.fairs.iter().filter(|fair| fair.external == *external);
                let results: Vec<Value> = fairs
                    .map(|fair| {
                        json!({"externalEventId": fair.external, "externalAccountId": fair.account,
                            "objectId": fair.id.to_string(), "marketingEventName": fair.name()})
                    })
                    .collect();
                Ok(Answer::ok(json!({"total": results.len(), "results": results})))
            }
            (method, [id]) => {
                let id = self.fair(id)?.id;
                let answer = self.single(method, id, request)?;
                Ok(Answer { body: answer.body.map(shortened), ..answer })
            }
            _ => Err(Failure::no_route()),
        }
    }

    fn fair(&self, id: &str) -> Result<&Fair, Failure> {
        self.fairs.iter().find(|fair| fair.id.to_string() == id).ok_or_else(Failure::gone)
    }

    /// Without an account the external id must be enough to tell.
    fn external(&self, external: &str, account: Option<&str>) -> Result<u64, Failure> {
        let mut fairs = self
            .fairs
            .iter()
            .filter(|fair| fair.external == external && account.is_none_or(|account| fair.account == account));
        fairs.next().map(|fair| fair.id).ok_or_else(Failure::gone)
    }

    fn shown(&self, id: u64, read: bool) -> Outcome {
        let fair = self.fairs.iter().find(|fair| fair.id == id).ok_or_else(Failure::gone)?;
        Ok(Answer::ok(if read { self.fair_read_json(fair) } else { self.fair_json(fair) }))
    }

    fn single(&mut self, method: &str, id: u64, request: &Request) -> Outcome {
        match method {
            "GET" => self.shown(id, true),
            "PATCH" => {
                self.change_fair(id, &request.json()?)?;
                self.shown(id, false)
            }
            "DELETE" => {
                self.delete_fair(id)?;
                Ok(Answer::empty())
            }
            _ => Err(Failure::wrong_method()),
        }
    }

    fn list_fairs(&self, request: &Request) -> Outcome {
        let limit = request.limit(10, MOST)?;
        let after = request.query("after").and_then(|after| after.parse().ok()).unwrap_or(0_u64);
        let mut fairs = self.fairs.iter().filter(|fair| fair.id >= after);
        let results: Vec<Value> = fairs.by_ref().take(limit).map(|fair| shortened(self.fair_read_json(fair))).collect();
        let mut body = json!({"results": results});
        if let Some(next) = fairs.next() {
            body["paging"] = json!({"next": {"after": next.id.to_string()}});
        }
        Ok(Answer::ok(body))
    }

    fn upsert_fairs(&mut self, inputs: &[Map<String, Value>]) -> Outcome {
        if inputs.len() > MOST {
            return Err(Failure::invalid(format!("At most {MOST} events can be sent at once")));
        }
        for input in inputs {
            check_fair(input)?;
        }
        let mut ids = Vec::new();
        for input in inputs {
            ids.push(self.put_fair(input)?);
        }
        let results = ids.iter().filter_map(|id| self.fairs.iter().find(|fair| fair.id == *id));
        let results = results.map(|fair| self.fair_json(fair)).collect();
        Ok(self.batch_answer(200, results, Vec::new()))
    }

    /// All or nothing: an event that is not there fails the call before anything is changed.
    fn change_fairs(&mut self, inputs: &[Map<String, Value>]) -> Outcome {
        if inputs.len() > MOST {
            return Err(Failure::invalid(format!("At most {MOST} events can be sent at once")));
        }
        let mut ids = Vec::new();
        for input in inputs {
            let id = input.get("objectId").and_then(super::merge::number).ok_or_else(Failure::gone)?;
            ids.push(self.fair(&id.to_string())?.id);
            check_times(input)?;
        }
        for (id, input) in ids.iter().zip(inputs) {
            self.change_fair(*id, input)?;
        }
        let results = ids.iter().filter_map(|id| self.fairs.iter().find(|fair| fair.id == *id));
        let results = results.map(|fair| shortened(self.fair_json(fair))).collect();
        Ok(self.batch_answer(200, results, Vec::new()))
    }

    fn finish(&mut self, external: &str, verb: &str, request: &Request) -> Outcome {
        let id = self.external(external, request.query("externalAccountId"))?;
        let mut change = Map::new();
        if verb == "cancel" {
            change.insert("eventCancelled".to_owned(), true.into());
        } else {
            let sent: Map<String, Value> = request.json()?;
            for name in ["startDateTime", "endDateTime"] {
                let time = sent.get(name).cloned().ok_or_else(|| Failure::invalid(format!("{name} is required")))?;
                change.insert(name.to_owned(), time);
            }
            change.insert("eventCompleted".to_owned(), true.into());
        }
        self.change_fair(id, &change)?;
        self.shown(id, false)
    }

    /// `create` and `email-create` leave participations; the legacy `upsert` forms neither make contacts nor tell much.
    fn attendance(&mut self, fair: u64, state: &str, verb: &str, request: &Request) -> Outcome {
        let state = State::parse(state)?;
        let (by_email, creates) = match verb {
            "create" => (false, true),
            "email-create" => (true, true),
            "upsert" => (false, false),
            "email-upsert" => (true, false),
            _ => return Err(Failure::no_route()),
        };
        let visits: Inputs<Visit> = request.json()?;
        if visits.inputs.len() > MOST_VISITS {
            return Err(Failure::invalid(format!("At most {MOST_VISITS} subscribers can be sent at once")));
        }
        let addressed = |visit: &Visit| by_email == visit.email.is_some() && by_email != visit.vid.is_some();
        if !visits.inputs.iter().all(addressed) {
            return Err(Failure::invalid(if by_email { "email is required" } else { "vid is required" }));
        }
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for visit in visits.inputs {
            match self.visitor(&visit, creates) {
                Ok(Some(contact)) => {
                    self.note_visit(fair, contact, state, &visit);
                    let mut result = json!({"vid": contact});
                    if by_email {
                        result["email"] = self.tables[0].current(contact, "email").unwrap_or_default().into();
                    }
                    results.push(result);
                }
                Ok(None) => {
                    let shown = visit.email.or_else(|| visit.vid.map(|vid| vid.to_string())).unwrap_or_default();
                    let failure = Failure::new(404, "OBJECT_NOT_FOUND", format!("Contact {shown} does not exist"));
                    errors.push(failure.with("ids", [shown]).row());
                }
                Err(failure) => errors.push(failure.row()),
            }
        }
        if !creates {
            return Ok(Answer { status: 202, body: None, location: None });
        }
        let mut answer = self.batch_answer(200, results, errors);
        // Only 200 is described for attendance; failures are listed all the same.
        answer.status = 200;
        Ok(answer)
    }

    fn participations(&self, rest: &[&str], request: &Request) -> Outcome {
        match rest {
            ["contacts", contact, "breakdown"] => {
                let rows = self.fairs.iter().flat_map(|fair| fair.latest().into_iter().map(move |seen| (fair, seen)));
                self.breakdown(rows.filter(|(_, seen)| self.is_contact(seen, contact)).collect(), request)
            }
            [id] => Ok(Answer::ok(self.fair(id)?.counters())),
            [id, "breakdown"] => self.fair_breakdown(self.fair(id)?, request),
            [account, external] => {
                let id = self.external(external, Some(account))?;
                Ok(Answer::ok(self.fair(&id.to_string())?.counters()))
            }
            [account, external, "breakdown"] => {
                let id = self.external(external, Some(account))?;
                self.fair_breakdown(self.fair(&id.to_string())?, request)
            }
            _ => Err(Failure::no_route()),
        }
    }

    fn fair_breakdown(&self, fair: &Fair, request: &Request) -> Outcome {
        let contact = request.query("contactIdentifier");
        let rows =
            fair.latest().into_iter().filter(|seen| contact.is_none_or(|contact| self.is_contact(seen, contact)));
        self.breakdown(rows.map(|seen| (fair, seen)).collect(), request)
    }

    fn is_contact(&self, seen: &Seen, identifier: &str) -> bool {
        let wanted = identifier.parse().ok().and_then(|id| self.tables[0].resolve(id));
        let wanted = wanted.or_else(|| self.tables[0].find_unique("email", identifier));
        wanted.is_some() && wanted == self.tables[0].resolve(seen.contact)
    }

    fn breakdown(&self, rows: Vec<(&Fair, &Seen)>, request: &Request) -> Outcome {
        let limit = request.limit(10, MOST)?;
        let skip = request.query("after").and_then(|after| after.parse().ok()).unwrap_or(0_usize);
        let state = request.query("state").map(str::to_uppercase);
        let rows: Vec<(&Fair, &Seen)> = rows
            .into_iter()
            .filter(|(fair, seen)| state.as_ref().is_none_or(|state| fair.state_name(seen) == *state))
            .collect();
        let page = rows.iter().skip(skip).take(limit);
        let results: Vec<Value> = page.map(|(fair, seen)| self.participation(fair, seen)).collect();
        let end = skip + results.len();
        let mut body = json!({"total": rows.len(), "results": results});
        if end < rows.len() {
            body["paging"] = json!({"next": {"after": end.to_string()}});
        }
        Ok(Answer::ok(body))
    }

    fn participation(&self, fair: &Fair, seen: &Seen) -> Value {
        let contact = self.tables[0].resolve(seen.contact).unwrap_or(seen.contact);
        let value = |name: &str| self.tables[0].current(contact, name).unwrap_or_default();
        json!({
            "id": format!("{}-{contact}", fair.id),
            "createdAt": iso(seen.at),
            "associations": {
                "contact": {"contactId": contact.to_string(), "email": value("email"),
                    "firstname": value("firstname"), "lastname": value("lastname")},
                "marketingEvent": {"marketingEventId": fair.id.to_string(), "name": fair.name(),
                    "externalAccountId": fair.account, "externalEventId": fair.external},
            },
            "properties": {"attendanceState": fair.state_name(seen), "occurredAt": seen.at},
        })
    }
}
