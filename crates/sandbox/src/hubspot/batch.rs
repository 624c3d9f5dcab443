//! Batches of records: a hundred inputs at most, all or nothing unless every input carries a trace id.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::object::{Claims, Plan, sent_properties};
use super::portal::Portal;
use super::request::{Answer, Outcome, Request};
use super::table::fold;

const MOST_INPUTS: usize = 100;
const MOST_HISTORIES: usize = 50;

type Input = Map<String, Value>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Create,
    Update,
    Upsert,
}

impl Portal {
    pub fn batch(&mut self, kind: usize, verb: &str, request: &Request) -> Outcome {
        let body: Map<String, Value> = request.json()?;
        let inputs = inputs(&body, MOST_INPUTS)?;
        match verb {
            "read" => self.batch_read(kind, &body, &inputs, request.flag("archived")),
            "create" => self.batch_write(kind, &inputs, Verb::Create),
            "update" => {
                self.check_identifiers(kind, &inputs, verb)?;
                self.batch_write(kind, &inputs, Verb::Update)
            }
            "upsert" => {
                self.check_identifiers(kind, &inputs, verb)?;
                self.batch_write(kind, &inputs, Verb::Upsert)
            }
            "archive" => {
                let ids = ids(&inputs)?;
                refuse_duplicates(&ids, Clone::clone)?;
                for id in ids.iter().filter_map(|id| id.parse().ok()) {
                    self.archive(kind, id);
                }
                Ok(Answer::empty())
            }
            _ => Err(Failure::no_route()),
        }
    }

    fn batch_read(&mut self, kind: usize, body: &Input, inputs: &[&Input], archived: bool) -> Outcome {
        let id_property = body.get("idProperty").and_then(Value::as_str).filter(|name| !name.is_empty());
        if let Some(name) = id_property {
            self.check_identifier(kind, name, "read")?;
        }
        let ids = ids(inputs)?;
        refuse_duplicates(&ids, |id| id_property.map_or_else(|| id.clone(), |name| fold(name, id).into_owned()))?;
        let (properties, history) = (strings(body.get("properties")), strings(body.get("propertiesWithHistory")));
        check_history(&history, ids.len())?;
        let view = self.asked_view(&properties, &history);
        let (mut results, mut missing) = (Vec::new(), Vec::new());
        for id in ids {
            let table = &self.tables[kind];
            let found = match id_property {
                Some(name) => table.find_unique(name, &id),
                None if archived => id.parse().ok(),
                None => id.parse().ok().and_then(|id| table.resolve(id)),
            };
            let found = found.filter(|id| table.records.get(id).is_some_and(|row| row.archived.is_some() == archived));
            match found {
                Some(found) => results.push(self.show(kind, found, &view)),
                None => missing.push(id),
            }
        }
        let mut errors = Vec::new();
        if !missing.is_empty() {
            let upper = self.tables[kind].singular.to_uppercase();
            let message = format!(
                "Could not get some {upper} objects, they may be deleted or not exist. Check that ids are valid."
            );
            errors.push(Failure::new(404, "OBJECT_NOT_FOUND", message).with("ids", missing).row());
        }
        self.dice.shuffle(&mut results);
        Ok(self.batch_answer(200, results, errors))
    }

    /// Rejects what makes the whole batch senseless: identifiers that do not identify, and ids that stand twice.
    fn check_identifiers(&self, kind: usize, inputs: &[&Input], verb: &str) -> Result<(), Failure> {
        let mut keys = Vec::new();
        for input in inputs {
            let id_property = id_property(input);
            match (verb, id_property) {
                ("upsert", None) => return Err(Failure::invalid("idProperty is required for upsert")),
                ("update", Some("email")) | (_, Some("hs_object_id")) => {
                    let (table, name) = (&self.tables[kind].id, id_property.unwrap_or_default());
                    let message = format!("Unable to perform {verb} by non-unique {table} property {name}");
                    return Err(Failure::invalid(message));
                }
                (_, Some(name)) => self.check_identifier(kind, name, verb)?,
                (_, None) => {}
            }
            keys.push((id_property.unwrap_or_default().to_owned(), id_of(input)?));
        }
        let ids: Vec<String> = keys.iter().map(|(name, id)| format!("{name}\u{0}{}", fold(name, id))).collect();
        let shown: Vec<String> = keys.into_iter().map(|(_, id)| id).collect();
        refuse_repeated(&ids, &shown)
    }

    fn plan_row(&self, kind: usize, input: &Input, verb: Verb, claims: &mut Claims) -> Result<Plan, Failure> {
        match verb {
            Verb::Create => self.plan_create(kind, input, claims),
            Verb::Update => self.plan_batch_update(kind, input, claims),
            Verb::Upsert => self.plan_batch_upsert(kind, input, claims),
        }
    }

    /// Ids of merged records are not resolved here, unlike in single calls.
    fn plan_batch_update(&self, kind: usize, input: &Input, claims: &mut Claims) -> Result<Plan, Failure> {
        let id = id_of(input)?;
        let found = match id_property(input) {
            Some(name) => self.tables[kind].find_unique(name, &id),
            None => id.parse().ok().filter(|&id| self.tables[kind].live(id).is_some()),
        };
        let Some(found) = found else { return Err(Failure::gone().with("ids", [id])) };
        self.plan_update(kind, found, input, claims)
    }

    fn plan_batch_upsert(&self, kind: usize, input: &Input, claims: &mut Claims) -> Result<Plan, Failure> {
        let id = id_of(input)?;
        let name = id_property(input).unwrap_or_default();
        let sent = sent_properties(input)?;
        if name == "email" && !sent.contains_key("email") {
            return Err(Failure::invalid(
                "Partial upserts are not supported when using email: the email property is missing",
            ));
        }
        if let Some(found) = self.tables[kind].find_unique(name, &id) {
            return self.plan_update(kind, found, input, claims);
        }
        let mut full = input.clone();
        let mut properties = sent.clone();
        properties.entry(name).or_insert_with(|| id.into());
        full.insert("properties".to_owned(), properties.into());
        self.plan_create(kind, &full, claims)
    }

    fn batch_write(&mut self, kind: usize, inputs: &[&Input], verb: Verb) -> Outcome {
        let by_row = all_traced(inputs) && (verb != Verb::Update || self.config.trace_ids_on_update);
        let upsert = verb == Verb::Upsert;
        let status = if verb == Verb::Create { 201 } else { 200 };
        let (mut results, mut errors, mut plans) = (Vec::new(), Vec::new(), Vec::new());
        let mut claims = Claims::new();
        for input in inputs {
            if by_row {
                // The rows before are in the store or were refused; neither needs a claim.
                claims.clear();
            }
            match self.plan_row(kind, input, verb, &mut claims) {
                Ok(planned) if by_row => results.push(self.carried_out(planned, trace_id(input), upsert)),
                Ok(planned) => plans.push(planned),
                Err(failure) if by_row => {
                    let trace = trace_id(input).unwrap_or_default().to_owned();
                    errors.push(failure.with("objectWriteTraceId", [trace]).row());
                }
                Err(failure) => return Err(failure),
            }
        }
        for (planned, input) in plans.into_iter().zip(inputs) {
            results.push(self.carried_out(planned, trace_id(input), upsert));
        }
        self.dice.shuffle(&mut results);
        Ok(self.batch_answer(status, results, errors))
    }

    fn carried_out(&mut self, plan: Plan, trace: Option<&str>, upsert: bool) -> Value {
        let (kind, is_new) = (plan.kind, plan.id.is_none());
        let id = self.carry_out(plan);
        let mut shown = self.show_filled(kind, id);
        if let Some(trace) = trace {
            shown["objectWriteTraceId"] = trace.into();
        }
        if upsert {
            shown["new"] = is_new.into();
        }
        shown
    }
}

pub fn inputs(body: &Map<String, Value>, most: usize) -> Result<Vec<&Input>, Failure> {
    let Some(Value::Array(inputs)) = body.get("inputs") else {
        return Err(Failure::invalid("Invalid input JSON: Some required fields were not set: [inputs]"));
    };
    if inputs.len() > most {
        let mut failure = Failure::invalid(format!("The batch holds {} inputs; the maximum is {most}", inputs.len()));
        failure.context = Map::from_iter([("max".to_owned(), json!([most.to_string()]))]);
        return Err(failure);
    }
    let objects: Option<Vec<&Input>> = inputs.iter().map(Value::as_object).collect();
    objects.ok_or_else(|| Failure::invalid("Invalid input JSON: every input must be an object"))
}

/// With histories half as many records are read at once.
pub fn check_history(history: &[String], records: usize) -> Result<(), Failure> {
    if history.is_empty() || records <= MOST_HISTORIES {
        return Ok(());
    }
    Err(Failure::invalid(format!(
        "The maximum number of inputs supported in a batch request for property histories is {MOST_HISTORIES}. Please \
         reduce the number of items and try again"
    )))
}

fn ids(inputs: &[&Input]) -> Result<Vec<String>, Failure> {
    inputs.iter().map(|input| id_of(input)).collect()
}

/// Ids come as strings; numbers are taken as well.
pub fn id_of(input: &Input) -> Result<String, Failure> {
    match input.get("id") {
        Some(Value::String(id)) if !id.is_empty() => Ok(id.clone()),
        Some(Value::Number(id)) => Ok(id.to_string()),
        _ => Err(Failure::invalid("Invalid input JSON: Some required fields were not set: [id]")),
    }
}

fn id_property(input: &Input) -> Option<&str> {
    input.get("idProperty").and_then(Value::as_str).filter(|name| !name.is_empty())
}

fn trace_id(input: &Input) -> Option<&str> {
    input.get("objectWriteTraceId").and_then(Value::as_str).filter(|trace| !trace.is_empty())
}

/// Only unique trace ids on every input let a batch succeed in part.
fn all_traced(inputs: &[&Input]) -> bool {
    let mut seen = HashSet::new();
    inputs.iter().all(|input| trace_id(input).is_some_and(|trace| seen.insert(trace)))
}

fn refuse_duplicates(ids: &[String], key: impl Fn(&String) -> String) -> Result<(), Failure> {
    let keys: Vec<String> = ids.iter().map(key).collect();
    refuse_repeated(&keys, ids)
}

fn refuse_repeated(keys: &[String], shown: &[String]) -> Result<(), Failure> {
    let (mut seen, mut twice) = (HashSet::new(), Vec::<String>::new());
    for (key, shown) in keys.iter().zip(shown) {
        if !seen.insert(key) && !twice.contains(shown) {
            twice.push(shown.clone());
        }
    }
    if twice.is_empty() {
        return Ok(());
    }
    let message = format!("Duplicate IDs found in batch input: [{}]. IDs must be unique", twice.join(", "));
    Err(Failure::invalid(message).with("ids", twice))
}

pub fn strings(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
