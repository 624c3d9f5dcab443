//! Property definitions and their API: list, create, change, archive, groups.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::portal::Portal;
use super::request::{Answer, Outcome, Request};
use super::time::iso;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    pub label: String,
    pub value: String,
    #[serde(default)]
    pub display_order: i64,
    #[serde(default)]
    pub hidden: bool,
    #[serde(default)]
    pub description: Option<String>,
}

impl Choice {
    pub fn plain(value: &str) -> Choice {
        let (label, value) = (value.to_owned(), value.to_owned());
        Choice { label, value, display_order: -1, hidden: false, description: None }
    }
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of HubSpot's own definition")]
pub struct Property {
    pub name: String,
    pub label: String,
    pub kind: String,
    pub field: String,
    pub group: String,
    pub description: String,
    pub options: Vec<Choice>,
    pub unique: bool,
    pub read_only: bool,
    pub hubspot_defined: bool,
    pub external_options: bool,
    pub referenced: Option<String>,
    pub hidden: bool,
    pub form_field: bool,
    pub display_order: i64,
    pub archived: bool,
    pub created: i64,
    pub updated: i64,
}

impl Property {
    pub fn new(name: &str, label: &str, kind: &str, field: &str, group: &str) -> Property {
        Property {
            name: name.to_owned(),
            label: label.to_owned(),
            kind: kind.to_owned(),
            field: field.to_owned(),
            group: group.to_owned(),
            description: String::new(),
            options: Vec::new(),
            unique: false,
            read_only: false,
            hubspot_defined: true,
            external_options: false,
            referenced: None,
            hidden: false,
            form_field: false,
            display_order: -1,
            archived: false,
            created: 0,
            updated: 0,
        }
    }

    pub fn to_json(&self) -> Value {
        let options: Vec<Value> = self
            .options
            .iter()
            .map(|option| {
                json!({"label": option.label, "value": option.value, "displayOrder": option.display_order,
                    "hidden": option.hidden, "description": option.description.clone().unwrap_or_default()})
            })
            .collect();
        let mut body = json!({
            "name": self.name, "label": self.label, "type": self.kind, "fieldType": self.field,
            "groupName": self.group, "description": self.description, "options": options,
            "hasUniqueValue": self.unique, "hubspotDefined": self.hubspot_defined, "calculated": false,
            "externalOptions": self.external_options, "hidden": self.hidden, "formField": self.form_field,
            "displayOrder": self.display_order, "archived": self.archived, "dataSensitivity": "non_sensitive",
            "createdAt": iso(self.created), "updatedAt": iso(self.updated),
            "modificationMetadata": {"archivable": !self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined, "readOnlyOptions": self.hubspot_defined,
                "readOnlyValue": self.read_only},
        });
        if let Some(referenced) = &self.referenced {
            body["referencedObjectType"] = referenced.as_str().into();
        }
        body
    }
}

/// What a definition may bring, when it is made and when it is changed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    pub name: Option<String>,
    label: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    field_type: Option<String>,
    group_name: Option<String>,
    description: Option<String>,
    options: Option<Vec<Choice>>,
    has_unique_value: Option<bool>,
    hidden: Option<bool>,
    form_field: Option<bool>,
    display_order: Option<i64>,
    external_options: Option<bool>,
    referenced_object_type: Option<String>,
}

const KINDS: [&str; 7] = ["bool", "date", "datetime", "enumeration", "number", "phone_number", "string"];
const FIELDS: [&str; 12] = [
    "booleancheckbox",
    "calculation_equation",
    "checkbox",
    "date",
    "file",
    "html",
    "number",
    "phonenumber",
    "radio",
    "select",
    "text",
    "textarea",
];

#[derive(Deserialize)]
struct Names {
    inputs: Vec<Name>,
    #[serde(default)]
    archived: bool,
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

#[derive(Deserialize)]
struct Drafts {
    inputs: Vec<Draft>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: Option<String>,
    label: Option<String>,
    display_order: Option<i64>,
}

/// A heading under which properties stand.
#[derive(Clone, Debug)]
pub struct PropertyGroup {
    label: String,
    display_order: i64,
}

impl PropertyGroup {
    pub fn new(label: &str) -> PropertyGroup {
        PropertyGroup { label: label.to_owned(), display_order: -1 }
    }

    fn to_json(&self, name: &str) -> Value {
        json!({"name": name, "label": self.label, "displayOrder": self.display_order, "archived": false})
    }
}

impl Portal {
    pub fn properties(&mut self, request: &Request) -> Outcome {
        let parts = request.path.parts();
        let Some(type_name) = parts.first() else { return Err(Failure::no_route()) };
        let kind = self.kind(type_name)?;
        match (request.method.as_str(), &parts[1..]) {
            ("GET", []) => Ok(Answer::ok(json!({"results": self.definitions(kind, request.flag("archived"))}))),
            ("POST", []) => {
                let property = self.create_property(kind, request.json()?)?;
                Ok(Answer::created(property.to_json()))
            }
            (_, ["groups", ..]) => self.groups(kind, request, &parts[2..]),
            ("POST", ["batch", verb]) => self.property_batch(kind, verb, request),
            ("GET", [name]) => Ok(Answer::ok(self.definition(kind, name)?.to_json())),
            ("PATCH", [name]) => {
                let name = self.definition(kind, name)?.name.clone();
                self.change_property(kind, &name, request.json()?)
            }
            ("DELETE", [name]) => {
                self.archive_property(kind, name)?;
                Ok(Answer::empty())
            }
            _ => Err(Failure::wrong_method()),
        }
    }

    fn definitions(&self, kind: usize, archived: bool) -> Vec<Value> {
        let properties = self.tables[kind].properties.values();
        properties.filter(|property| property.archived == archived).map(Property::to_json).collect()
    }

    fn definition(&self, kind: usize, name: &str) -> Result<&Property, Failure> {
        let property = self.tables[kind].properties.get(name).filter(|property| !property.archived);
        property.ok_or_else(|| {
            Failure::new(404, "OBJECT_NOT_FOUND", format!("Property with name \"{name}\" does not exist"))
        })
    }

    pub fn create_property(&mut self, kind: usize, draft: Draft) -> Result<Property, Failure> {
        let property = checked(draft, self.now)?;
        let table = &self.tables[kind];
        if table.properties.get(&property.name).is_some_and(|existing| !existing.archived) {
            let message = format!("A property named '{}' already exists.", property.name);
            return Err(Failure::new(409, &self.config.property_conflict_category, message));
        }
        if !table.groups.contains_key(&property.group) {
            return Err(Failure::invalid(format!("Property group \"{}\" does not exist", property.group)));
        }
        let unique = table.properties.values().filter(|property| property.unique && !property.archived).count();
        let most = self.config.limits.unique_properties;
        if property.unique && most > 0 && unique >= most {
            let message = format!("You have reached the limit of {most} properties with unique values");
            return Err(Failure::invalid(message));
        }
        self.tables[kind].define(property.clone());
        Ok(property)
    }

    /// Name, type and uniqueness stay; options that come replace all that are there.
    fn change_property(&mut self, kind: usize, name: &str, draft: Draft) -> Outcome {
        let now = self.now;
        let groups = &self.tables[kind].groups;
        if draft.group_name.as_ref().is_some_and(|group| !groups.contains_key(group)) {
            return Err(Failure::invalid("Property group does not exist"));
        }
        let Some(property) = self.tables[kind].properties.get_mut(name) else { return Err(Failure::gone()) };
        if property.hubspot_defined && (draft.kind.is_some() || draft.options.is_some()) {
            return Err(Failure::invalid(format!("Property \"{name}\" has a read only definition")));
        }
        if let Some(options) = draft.options {
            property.options = distinct(options)?;
        }
        property.label = draft.label.unwrap_or_else(|| property.label.clone());
        property.description = draft.description.unwrap_or_else(|| property.description.clone());
        property.group = draft.group_name.unwrap_or_else(|| property.group.clone());
        property.field = draft.field_type.unwrap_or_else(|| property.field.clone());
        property.hidden = draft.hidden.unwrap_or(property.hidden);
        property.form_field = draft.form_field.unwrap_or(property.form_field);
        property.display_order = draft.display_order.unwrap_or(property.display_order);
        property.updated = now;
        Ok(Answer::ok(property.to_json()))
    }

    fn check_archivable(&self, kind: usize, name: &str) -> Result<(), Failure> {
        if self.definition(kind, name)?.hubspot_defined {
            return Err(Failure::invalid(format!("Property \"{name}\" is defined by HubSpot and cannot be archived")));
        }
        Ok(())
    }

    fn archive_property(&mut self, kind: usize, name: &str) -> Result<(), Failure> {
        self.check_archivable(kind, name)?;
        if let Some(property) = self.tables[kind].properties.get_mut(name) {
            property.archived = true;
        }
        Ok(())
    }

    fn property_batch(&mut self, kind: usize, verb: &str, request: &Request) -> Outcome {
        match verb {
            "read" => {
                let names: Names = request.json()?;
                let (mut results, mut missing) = (Vec::new(), Vec::new());
                for Name { name } in names.inputs {
                    match self.tables[kind].properties.get(&name) {
                        Some(property) if property.archived == names.archived => results.push(property.to_json()),
                        _ => missing.push(name),
                    }
                }
                let mut errors = Vec::new();
                if !missing.is_empty() {
                    let message = "Some properties do not exist";
                    errors.push(Failure::new(404, "OBJECT_NOT_FOUND", message).with("name", missing).row());
                }
                Ok(self.batch_answer(200, results, errors))
            }
            "create" => {
                let drafts: Drafts = request.json()?;
                let before = self.tables[kind].properties.clone();
                let mut results = Vec::new();
                for draft in drafts.inputs {
                    match self.create_property(kind, draft) {
                        Ok(property) => results.push(property.to_json()),
                        Err(failure) => {
                            self.tables[kind].properties = before;
                            return Err(failure);
                        }
                    }
                }
                Ok(self.batch_answer(if request.path.dated() { 200 } else { 201 }, results, Vec::new()))
            }
            "archive" => {
                let names: Names = request.json()?;
                for Name { name } in &names.inputs {
                    self.check_archivable(kind, name)?;
                }
                for Name { name } in &names.inputs {
                    // A name that stands twice is archived already the second time.
                    if self.definition(kind, name).is_ok() {
                        self.archive_property(kind, name)?;
                    }
                }
                Ok(Answer::empty())
            }
            _ => Err(Failure::no_route()),
        }
    }

    fn groups(&mut self, kind: usize, request: &Request, parts: &[&str]) -> Outcome {
        let groups = &mut self.tables[kind].groups;
        let missing = || Failure::new(404, "OBJECT_NOT_FOUND", "Property group does not exist");
        match (request.method.as_str(), parts) {
            ("GET", []) => {
                let results: Vec<Value> = groups.iter().map(|(name, group)| group.to_json(name)).collect();
                Ok(Answer::ok(json!({"results": results})))
            }
            ("POST", []) => {
                let group: Group = request.json()?;
                let (Some(name), Some(label)) = (group.name, group.label) else {
                    return Err(Failure::invalid("A property group needs a name and a label"));
                };
                if groups.contains_key(&name) {
                    let message = format!("A property group named '{name}' already exists.");
                    return Err(Failure::new(409, &self.config.property_conflict_category, message));
                }
                let made = PropertyGroup { label, display_order: group.display_order.unwrap_or(-1) };
                let body = made.to_json(&name);
                groups.insert(name, made);
                Ok(Answer::created(body))
            }
            ("GET", [name]) => groups.get(*name).map(|group| Answer::ok(group.to_json(name))).ok_or_else(missing),
            ("PATCH", [name]) => {
                let change: Group = request.json()?;
                let group = groups.get_mut(*name).ok_or_else(missing)?;
                group.label = change.label.unwrap_or_else(|| group.label.clone());
                group.display_order = change.display_order.unwrap_or(group.display_order);
                Ok(Answer::ok(group.to_json(name)))
            }
            ("DELETE", [name]) => groups.remove(*name).map(|_| Answer::empty()).ok_or_else(missing),
            _ => Err(Failure::wrong_method()),
        }
    }
}

/// A complete definition from a draft, or what is wrong with it.
fn checked(draft: Draft, now: i64) -> Result<Property, Failure> {
    let required = |value: Option<String>, name: &str| {
        value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Failure::invalid(format!("Invalid input JSON: Some required fields were not set: [{name}]")))
    };
    let name = required(draft.name, "name")?;
    let (kind, field) = (required(draft.kind, "type")?, required(draft.field_type, "fieldType")?);
    let group = required(draft.group_name, "groupName")?;
    let label = required(draft.label, "label")?;
    let lower = |c: char| c.is_ascii_lowercase();
    if !name.starts_with(lower) || !name.chars().all(|c| lower(c) || c.is_ascii_digit() || c == '_') {
        return Err(Failure::invalid(format!(
            "Property name \"{name}\" must start with a letter and hold only lower-case letters, digits and underscores"
        )));
    }
    if !KINDS.contains(&kind.as_str()) || !FIELDS.contains(&field.as_str()) {
        return Err(Failure::invalid(format!("Invalid property type {kind} or field type {field}")));
    }
    let options = distinct(draft.options.unwrap_or_default())?;
    let external = draft.external_options.unwrap_or(false);
    if kind == "enumeration" && options.is_empty() && !external {
        return Err(Failure::invalid(format!("Enumeration property \"{name}\" needs options")));
    }
    Ok(Property {
        description: draft.description.unwrap_or_default(),
        options,
        unique: draft.has_unique_value.unwrap_or(false),
        hubspot_defined: false,
        external_options: external,
        referenced: draft.referenced_object_type,
        hidden: draft.hidden.unwrap_or(false),
        form_field: draft.form_field.unwrap_or(false),
        display_order: draft.display_order.unwrap_or(-1),
        created: now,
        updated: now,
        ..Property::new(&name, &label, &kind, &field, &group)
    })
}

fn distinct(options: Vec<Choice>) -> Result<Vec<Choice>, Failure> {
    let mut seen = HashSet::new();
    match options.iter().find(|option| !seen.insert(option.value.as_str())) {
        Some(option) => Err(Failure::invalid(format!("Option value \"{}\" appears twice", option.value))),
        None => Ok(options),
    }
}
