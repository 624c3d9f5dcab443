//! Single records: list, read, create, update, archive.
//!
//! A write is planned first and carried out afterwards, so that a batch can refuse as a whole before anything changed.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::association::Link;
use super::batch::check_history;
use super::failure::{Detail, Failure};
use super::portal::Portal;
use super::request::{Answer, Outcome, Request};
use super::table::View;

/// A write that has passed every check.
pub struct Plan {
    pub kind: usize,
    /// None makes a new record.
    pub id: Option<u64>,
    pub values: Vec<(String, String)>,
    pub links: Vec<Link>,
}

/// Unique values that earlier rows of the same batch have taken.
pub type Claims = HashSet<(String, String)>;

impl Portal {
    pub fn objects(&mut self, request: &Request) -> Outcome {
        let parts = request.path.parts();
        let Some((type_name, rest)) = parts.split_first() else { return Err(Failure::no_route()) };
        let kind = self.kind(type_name)?;
        match (request.method.as_str(), rest) {
            ("GET", []) => self.list(kind, request),
            ("POST", []) => {
                let body: Map<String, Value> = request.json()?;
                let plan = self.plan_create(kind, &body, &mut Claims::new())?;
                let id = self.carry_out(plan);
                Ok(Answer::created(self.show_filled(kind, id)))
            }
            ("POST", ["search"]) => self.search(kind, request),
            ("POST", ["merge"]) => self.merge(kind, request),
            ("POST", ["gdpr-delete"]) => self.gdpr_delete(kind, request),
            ("POST", ["batch", verb]) => self.batch(kind, verb, request),
            ("GET", [id]) => self.read(kind, id, request),
            ("PATCH", [id]) => {
                let id = self.find(kind, id, request.query("idProperty"), "update")?;
                let body: Map<String, Value> = request.json()?;
                let plan = self.plan_update(kind, id, &body, &mut Claims::new())?;
                self.carry_out(plan);
                Ok(Answer::ok(self.show_filled(kind, id)))
            }
            ("DELETE", [id]) => {
                if let Ok(id) = id.parse() {
                    self.archive(kind, id);
                }
                Ok(Answer::empty())
            }
            (_, [id, "associations", rest @ ..]) => self.record_associations(kind, id, rest, request),
            _ => Err(Failure::wrong_method()),
        }
    }

    /// A record by id or by a unique property. Old ids of merged records lead to the survivor.
    pub fn find(&self, kind: usize, id: &str, id_property: Option<&str>, verb: &str) -> Result<u64, Failure> {
        let table = &self.tables[kind];
        let found = match id_property {
            None => id.parse().ok().and_then(|id| table.resolve(id)),
            Some(name) => {
                self.check_identifier(kind, name, verb)?;
                table.find_unique(name, id)
            }
        };
        found.ok_or_else(Failure::gone)
    }

    pub fn check_identifier(&self, kind: usize, name: &str, verb: &str) -> Result<(), Failure> {
        let table = &self.tables[kind];
        if table.identifies(name) {
            return Ok(());
        }
        Err(Failure::invalid(format!("Unable to perform {verb} by non-unique {} property {name}", table.id)))
    }

    fn list(&self, kind: usize, request: &Request) -> Outcome {
        let limit = request.limit(10, 100)?;
        check_history(&request.list("propertiesWithHistory"), limit)?;
        let after = match request.query("after") {
            None => 0,
            Some(after) => after.parse().map_err(|_| Failure::invalid(format!("Invalid paging cursor {after}")))?,
        };
        let archived = request.flag("archived");
        let mut rows = self.tables[kind]
            .records
            .range(after..)
            .filter(|(_, record)| record.archived.is_some() == archived)
            .map(|(&id, _)| id);
        let page: Vec<u64> = rows.by_ref().take(limit).collect();
        let next = rows.next();
        let mut results = Vec::with_capacity(page.len());
        for id in page {
            results.push(self.shown_as_asked(kind, id, request)?);
        }
        let mut body = json!({"results": results});
        if let Some(next) = next {
            let after = next.to_string();
            body["paging"] = json!({"next": {"link": request.next_link(&after), "after": after}});
        }
        Ok(Answer::ok(body))
    }

    fn read(&self, kind: usize, id: &str, request: &Request) -> Outcome {
        let archived = request.flag("archived");
        let id = if archived && request.query("idProperty").is_none() {
            let buried = id
                .parse()
                .ok()
                .filter(|id| self.tables[kind].records.get(id).is_some_and(|record| record.archived.is_some()));
            buried.ok_or_else(Failure::gone)?
        } else {
            self.find(kind, id, request.query("idProperty"), "read")?
        };
        Ok(Answer::ok(self.shown_as_asked(kind, id, request)?))
    }

    /// A view of what a caller named; no properties named are those shown by default.
    pub fn asked_view<'a>(&self, properties: &'a [String], history: &'a [String]) -> View<'a> {
        let properties = (!properties.is_empty()).then_some(properties);
        View { properties, history, most: self.config.limits.history, at: i64::MAX }
    }

    fn shown_as_asked(&self, kind: usize, id: u64, request: &Request) -> Result<Value, Failure> {
        let (properties, history) = (request.list("properties"), request.list("propertiesWithHistory"));
        let view = self.asked_view(&properties, &history);
        let mut shown = self.show(kind, id, &view);
        let asked = request.list("associations");
        if !asked.is_empty() {
            let associations = self.associations_of(kind, id, &asked)?;
            if !associations.is_empty() {
                shown["associations"] = associations.into();
            }
        }
        Ok(shown)
    }

    pub fn plan_create(&self, kind: usize, input: &Map<String, Value>, claims: &mut Claims) -> Result<Plan, Failure> {
        let sent = sent_properties(input)?;
        let values = self.checked_values(kind, None, sent, false)?;
        self.check_required(kind, &values)?;
        self.check_unique(kind, None, &values)?;
        self.claim(kind, &values, claims)?;
        let links = self.inline_links(kind, input.get("associations"))?;
        Ok(Plan { kind, id: None, values, links })
    }

    pub fn plan_update(
        &self,
        kind: usize,
        id: u64,
        input: &Map<String, Value>,
        claims: &mut Claims,
    ) -> Result<Plan, Failure> {
        let sent = sent_properties(input)?;
        let lenient = self.tables[kind].engagement;
        let values = self.checked_values(kind, Some(id), sent, lenient)?;
        self.check_unique(kind, Some(id), &values)?;
        self.claim(kind, &values, claims)?;
        Ok(Plan { kind, id: Some(id), values, links: Vec::new() })
    }

    pub fn carry_out(&mut self, plan: Plan) -> u64 {
        let id = match plan.id {
            Some(id) => {
                self.update(plan.kind, id, plan.values);
                id
            }
            None => self.insert(plan.kind, plan.values),
        };
        for link in plan.links {
            self.link(plan.kind, id, &link);
        }
        id
    }

    fn check_required(&self, kind: usize, values: &[(String, String)]) -> Result<(), Failure> {
        let table = &self.tables[kind];
        let has = |name: &String| values.iter().any(|(sent, value)| sent == name && !value.is_empty());
        let missing: Vec<&String> = table.required.iter().filter(|name| !has(name)).collect();
        let enough = missing.is_empty() || (table.any_required && missing.len() < table.required.len());
        if enough {
            return Ok(());
        }
        let upper = table.singular.to_uppercase();
        let details: Vec<Detail> = missing
            .into_iter()
            .map(|name| Detail {
                name: name.clone(),
                code: "REQUIRED_FIELD",
                message: format!("Error creating {upper}. Required property \"{name}\" was not set."),
            })
            .collect();
        Err(Failure::properties(&details, self.config.portal_id))
    }

    /// Two rows of one batch cannot both have a unique value.
    fn claim(&self, kind: usize, values: &[(String, String)], claims: &mut Claims) -> Result<(), Failure> {
        for claim in self.claims(kind, values) {
            if claims.contains(&claim) {
                let (name, value) = claim;
                if name == "email" {
                    return Err(Failure::new(409, "CONFLICT", "Contact already exists."));
                }
                let message = format!("Cannot set \"{name}\" to {value}: another input already has that value.");
                let detail = Detail { name, code: "CONFLICTING_UNIQUE_VALUE", message };
                return Err(Failure::properties(&[detail], self.config.portal_id));
            }
            claims.insert(claim);
        }
        Ok(())
    }
}

pub fn sent_properties(input: &Map<String, Value>) -> Result<&Map<String, Value>, Failure> {
    match input.get("properties") {
        Some(Value::Object(properties)) => Ok(properties),
        _ => Err(Failure::invalid("Invalid input JSON: Some required fields were not set: [properties]")),
    }
}
