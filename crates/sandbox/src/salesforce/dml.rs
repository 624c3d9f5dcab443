//! Writing records: the checks every save goes through, whichever endpoint it came from.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::ids;
use super::org::{Assign, Caller, Org};
use super::rules;
use super::schema::{Field, Kind, Object};
use super::tables::{Fields, Row};
use super::values;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    Create,
    Update,
}

/// What an upsert did.
#[derive(Clone, Debug)]
pub struct Upserted {
    pub id: String,
    pub created: bool,
}

fn gone() -> Failure {
    Failure { fields: Some(Vec::new()), ..Failure::new(404, "ENTITY_IS_DELETED", "entity is deleted") }
}

impl Org {
    pub fn object(&self, name: &str) -> Result<Arc<Object>, Failure> {
        self.schema.object(name).cloned().ok_or_else(Failure::no_resource)
    }

    fn writable(&self, name: &str) -> Result<Arc<Object>, Failure> {
        let missing = || Failure::new(400, "INVALID_TYPE", format!("sObject type '{name}' is not supported."));
        let object = self.schema.object(name).ok_or_else(missing)?;
        if !object.writable {
            let message = format!("entity type {} does not support this operation", object.name);
            return Err(Failure::record("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message, &[]));
        }
        Ok(object.clone())
    }

    /// The row, unless a sharing rule hides it.
    fn shared(&self, object: &str, id: &str) -> Option<&Row> {
        self.tables.get(object, id).filter(|_| !self.hidden.contains(id))
    }

    /// The living row, or the refusal for a missing or deleted one.
    pub fn row(&self, object: &str, id: &str) -> Result<&Row, Failure> {
        let row = self.shared(object, id).ok_or_else(Failure::no_resource)?;
        if row.is_deleted() { Err(gone()) } else { Ok(row) }
    }

    pub fn create(&mut self, caller: &Caller, object: &str, input: &Map<String, Value>) -> Result<String, Failure> {
        let object = self.writable(object)?;
        let given = self.read_input(&object, input, Op::Create, caller)?;
        let mut fields = self.blank(&object.name);
        fields.extend(given.clone());
        self.fill_owner(&object, caller, &given, &mut fields);
        let missing = missing_fields(&object, &fields, &object.fields);
        refuse_missing(&missing)?;
        self.before_save(&object, None, &mut fields)?;
        self.check_unique(&object, None, &fields)?;
        self.check_duplicates(caller, &object, None, &fields)?;
        let id = self.tables.next_id(&object);
        self.stamp_new(&mut fields, &id, &caller.user);
        self.tables.put(&object.name, &id, Some(Row { fields, client: caller.client.clone() }));
        self.after_create(&object, &id);
        Ok(id)
    }

    pub fn update(
        &mut self,
        caller: &Caller,
        object: &str,
        id: &str,
        input: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let object = self.writable(object)?;
        let old = self.row(&object.name, id)?.clone();
        let given = self.read_input(&object, input, Op::Update, caller)?;
        rules::check_editable(&object, &old, &given)?;
        let touched: Vec<Field> =
            object.fields.iter().filter(|field| given.contains_key(&field.name)).cloned().collect();
        refuse_missing(&missing_fields(&object, &given, &touched))?;
        let mut fields = old.fields.clone();
        fields.extend(given);
        if self.config.assignment_on_update {
            self.assign(&object, caller, &mut fields);
        }
        self.before_save(&object, Some(&old), &mut fields)?;
        self.check_unique(&object, Some(id), &fields)?;
        self.check_duplicates(caller, &object, Some(id), &fields)?;
        self.stamp(&mut fields, &caller.user);
        self.tables.put(&object.name, id, Some(Row { fields, client: caller.client.clone() }));
        self.after_update(&object, id);
        Ok(())
    }

    pub fn upsert(
        &mut self,
        caller: &Caller,
        object: &str,
        key: (&str, &str),
        input: &Map<String, Value>,
        update_only: bool,
    ) -> Result<Upserted, Failure> {
        let object = self.writable(object)?;
        let field = external_field(&object, key.0)?;
        let named = |name: &String| name.eq_ignore_ascii_case(&field.name) || name.eq_ignore_ascii_case("Id");
        if let Some(name) = input.keys().find(|name| named(name)) {
            let message = format!("The {name} field should not be specified in the sobject data.");
            return Err(Failure::new(400, "INVALID_FIELD", message));
        }
        let value = values::accept(&field, &values::key(&field, key.1), self.config.trim_text)?;
        let found = self.find_by(&object, &field, &value);
        match found.as_slice() {
            [] if update_only || field.kind == Kind::Id => Err(Failure::no_resource()),
            [] => {
                let mut input = input.clone();
                input.insert(field.name.clone(), value);
                let id = self.create(caller, &object.name, &input)?;
                Ok(Upserted { id, created: true })
            }
            [id] => {
                self.update(caller, &object.name, id, input)?;
                Ok(Upserted { id: id.clone(), created: false })
            }
            several => {
                let message = format!("{}: more than one record found for external id field: {}", field.name, key.1);
                let mut failure = Failure::new(300, "DUPLICATE_EXTERNAL_ID", message);
                failure.choices = several.to_vec();
                Err(failure)
            }
        }
    }

    pub fn delete(&mut self, caller: &Caller, object: &str, id: &str) -> Result<(), Failure> {
        let object = self.writable(object)?;
        let mut row = self.row(&object.name, id)?.clone();
        // With its campaign goes the last status too.
        if object.name == "CampaignMemberStatus" && self.row("Campaign", row.text("CampaignId")).is_ok() {
            self.check_statuses_left(&row, row.is("IsDefault"), row.is("HasResponded"))?;
        }
        row.fields.insert("IsDeleted".to_owned(), json!(true));
        self.stamp(&mut row.fields, &caller.user);
        row.client.clone_from(&caller.client);
        self.tables.put(&object.name, id, Some(row));
        for (child, parent) in dependants(&object.name) {
            let Some(field) = self.schema.object(child).and_then(|child| child.field(parent)).cloned() else {
                continue;
            };
            for child_id in self.tables.lookup(child, &field, &json!(id)) {
                self.delete(caller, child, &child_id)?;
            }
        }
        Ok(())
    }

    /// Takes a row out of the recycle bin, with what went there with it. The loser of a merge lives on in its winner.
    pub fn undelete(&mut self, caller: &Caller, object: &str, id: &str) -> Result<(), Failure> {
        let object = self.writable(object)?;
        let mut row = self.tables.get(&object.name, id).ok_or_else(Failure::no_resource)?.clone();
        if !row.is_deleted() || !row.get("MasterRecordId").is_null() {
            return Err(Failure::record("UNDELETE_FAILED", "entity is not in the recycle bin", &[]));
        }
        self.check_unique(&object, Some(id), &row.fields)?;
        let gone_at = row.get("SystemModstamp").clone();
        row.fields.insert("IsDeleted".to_owned(), json!(false));
        self.stamp(&mut row.fields, &caller.user);
        row.client.clone_from(&caller.client);
        self.tables.put(&object.name, id, Some(row));
        for (child, parent) in dependants(&object.name) {
            let went_along =
                |row: &Row| row.is_deleted() && row.text(parent) == id && row.get("SystemModstamp") == &gone_at;
            let ids: Vec<String> =
                self.tables.rows(child).filter(|(_, row)| went_along(row)).map(|(id, _)| id.clone()).collect();
            for child_id in ids {
                self.undelete(caller, child, &child_id)?;
            }
        }
        Ok(())
    }

    /// Removes a row and what hangs on it for good, past the recycle bin and also out of it.
    pub fn purge(&mut self, object: &str, id: &str) -> Result<(), Failure> {
        let object = self.writable(object)?;
        self.tables.get(&object.name, id).ok_or_else(Failure::no_resource)?;
        for (child, parent) in dependants(&object.name) {
            let hanging: Vec<String> = self
                .tables
                .rows(child)
                .filter(|(_, row)| row.text(parent) == id)
                .map(|(child_id, _)| child_id.clone())
                .collect();
            for child_id in hanging {
                self.purge(child, &child_id)?;
            }
        }
        self.tables.put(&object.name, id, None);
        Ok(())
    }

    /// Ids of living rows by an external id field or `Id` itself.
    pub fn find_by(&self, object: &Object, field: &Field, value: &Value) -> Vec<String> {
        if field.kind != Kind::Id {
            return self.tables.lookup(&object.name, field, value);
        }
        let id = value.as_str().unwrap_or_default();
        let living = self.tables.get(&object.name, id).is_some_and(|row| !row.is_deleted());
        if living { vec![id.to_owned()] } else { Vec::new() }
    }

    fn read_input(
        &self,
        object: &Object,
        input: &Map<String, Value>,
        op: Op,
        caller: &Caller,
    ) -> Result<Fields, Failure> {
        let mut fields = Fields::new();
        for (name, value) in input.iter().filter(|(name, _)| *name != "attributes") {
            if let (Some(link), Value::Object(parent)) = (object.relationship(name), value) {
                fields.insert(link.name.clone(), self.parent_by_key(object, link, parent)?);
                continue;
            }
            let Some(field) = object.field(name) else {
                let message = format!("No such column '{name}' on sobject of type {}", object.name);
                return Err(Failure::new(400, "INVALID_FIELD", message));
            };
            let allowed = if op == Op::Create { field.createable } else { field.updateable };
            if !allowed {
                let verb = if op == Op::Create { "create" } else { "update" };
                let message = format!(
                    "Unable to {verb} fields: {}. Please check the security settings of this field and verify that it \
                     is read/write for your profile or permission set.",
                    field.name
                );
                return Err(Failure::record("INVALID_FIELD_FOR_INSERT_UPDATE", message, &[&field.name]));
            }
            let value = match value {
                Value::Null if field.kind == Kind::Boolean => Value::Bool(false),
                Value::Null => Value::Null,
                value => values::accept(field, value, self.config.trim_text)?,
            };
            self.check_reference(field, &value, caller)?;
            fields.insert(field.name.clone(), value);
        }
        Ok(fields)
    }

    /// `{"Account": {"Ext_Id__c": "A-17"}}`: the parent by its external id.
    fn parent_by_key(&self, object: &Object, link: &Field, parent: &Map<String, Value>) -> Result<Value, Failure> {
        let mut keys = parent.iter().filter(|(name, _)| *name != "attributes");
        let (Some((key, value)), None) = (keys.next(), keys.next()) else {
            let message = format!("Exactly one external id field is needed to reference {}", link.name);
            return Err(Failure::record("INVALID_FIELD", message, &[&link.name]));
        };
        let wanted = parent.get("attributes").and_then(|attributes| attributes["type"].as_str());
        let targets = link.reference_to.iter().filter(|target| wanted.is_none_or(|wanted| wanted == *target));
        let target = targets.filter_map(|target| self.schema.object(target)).find(|target| target.field(key).is_some());
        let field =
            target.and_then(|target| target.field(key)).filter(|field| field.external_id || field.kind == Kind::Id);
        let (Some(target), Some(field)) = (target, field) else {
            let message =
                format!("Field name provided, {key} is not an External ID or indexed field for {}", object.name);
            return Err(Failure::record("INVALID_FIELD", message, &[key]));
        };
        let sought = value.as_str().map_or_else(|| value.clone(), |text| values::key(field, text));
        let found = self.find_by(target, field, &sought);
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_lowercase);
        match found.as_slice() {
            [id] => Ok(json!(id)),
            [] => {
                let message = format!(
                    "Foreign key external ID: {shown} not found for field {} in entity {}",
                    field.name, target.name
                );
                Err(Failure::record("INVALID_FIELD", message, &[]))
            }
            _ => {
                let message = format!("More than one record found for external id field: {} {shown}", field.name);
                Err(Failure::record("INVALID_FIELD", message, &[]))
            }
        }
    }

    fn check_reference(&self, field: &Field, value: &Value, caller: &Caller) -> Result<(), Failure> {
        let (Kind::Reference, Some(id)) = (field.kind, value.as_str()) else { return Ok(()) };
        let target = self.schema.by_id(id);
        if !target.is_some_and(|target| field.reference_to.contains(&target.name)) {
            let message = format!("{}: id value of incorrect type: {id}", field.label);
            return Err(Failure::record("FIELD_INTEGRITY_EXCEPTION", message, &[&field.name]));
        }
        let row = target.and_then(|target| self.shared(&target.name, id)).filter(|row| !row.is_deleted());
        let Some(row) = row else {
            return Err(Failure::record("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[&field.name]));
        };
        let owner = field.name == "OwnerId" && !caller.human;
        if owner && id.starts_with("005") && !row.is("IsActive") {
            let message = format!("operation performed with inactive user [{id}] as owner of record");
            return Err(Failure::record("INACTIVE_OWNER_OR_USER", message, &[&field.name]));
        }
        if field.name == "OwnerId" && id.starts_with("00G") && row.text("Type") != "Queue" {
            return Err(Failure::record("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[&field.name]));
        }
        Ok(())
    }

    fn fill_owner(&self, object: &Object, caller: &Caller, given: &Fields, fields: &mut Fields) {
        if object.field("OwnerId").is_some() && given.get("OwnerId").is_none_or(Value::is_null) {
            fields.insert("OwnerId".to_owned(), json!(caller.user));
        }
        self.assign(object, caller, fields);
    }

    /// The active assignment rule overrules whatever owner the caller sent, unless the caller opted out.
    fn assign(&self, object: &Object, caller: &Caller, fields: &mut Fields) {
        let rule = self.config.lead_assignment_owner.as_deref().filter(|_| object.name == "Lead" && !caller.human);
        let applies = caller.assign != Assign::Never;
        if let Some(owner) = rule.filter(|_| applies).and_then(|name| self.owner_named(name)) {
            fields.insert("OwnerId".to_owned(), json!(owner));
        }
    }

    fn check_unique(&self, object: &Object, own_id: Option<&str>, fields: &Fields) -> Result<(), Failure> {
        for field in object.fields.iter().filter(|field| field.unique) {
            let value = fields.get(&field.name).unwrap_or(&Value::Null);
            let taken = self.tables.lookup(&object.name, field, value).into_iter().find(|id| own_id != Some(id));
            if let Some(id) = taken {
                let id = &id[..15];
                let message = format!("duplicate value found: {} duplicates value on record with id: {id}", field.name);
                return Err(Failure::record("DUPLICATE_VALUE", message, &[&field.name]));
            }
        }
        Ok(())
    }
}

/// The field an upsert URL names.
pub fn external_field(object: &Object, name: &str) -> Result<Field, Failure> {
    let usable = |field: &&Field| field.external_id || field.kind == Kind::Id;
    object.field(name).filter(usable).cloned().ok_or_else(|| {
        let message = format!("Provided external ID field does not exist or is not accessible: {name}");
        Failure::new(404, "NOT_FOUND", message)
    })
}

/// An id from a URL; a text that cannot be one is taken for an external id field name, as the vendor does.
pub fn url_id(object: &Object, text: &str) -> Result<String, Failure> {
    let id = ids::parse(text).filter(|id| id.starts_with(&object.prefix));
    id.ok_or_else(|| {
        let message = format!("Provided external ID field does not exist or is not accessible: {text}");
        Failure::new(404, "NOT_FOUND", message)
    })
}

fn missing_fields(object: &Object, fields: &Fields, candidates: &[Field]) -> Vec<String> {
    let needed = |field: &&Field| !field.nillable && (field.createable || field.updateable) && object.writable;
    let empty = |field: &&Field| fields.get(&field.name).is_none_or(Value::is_null);
    candidates
        .iter()
        .filter(|field| needed(field) && empty(field) && field.name != "SortOrder")
        .map(|field| field.name.clone())
        .collect()
}

fn refuse_missing(missing: &[String]) -> Result<(), Failure> {
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("Required fields are missing: [{}]", missing.join(", "));
    Err(Failure { fields: Some(missing.to_vec()), ..Failure::new(400, "REQUIRED_FIELD_MISSING", message) })
}

/// What goes to the recycle bin together with a record.
fn dependants(object: &str) -> &'static [(&'static str, &'static str)] {
    match object {
        "Campaign" => &[("CampaignMember", "CampaignId"), ("CampaignMemberStatus", "CampaignId")],
        "Lead" => &[("CampaignMember", "LeadId")],
        "Contact" => &[("CampaignMember", "ContactId")],
        "Account" => &[("Contact", "AccountId")],
        _ => &[],
    }
}
