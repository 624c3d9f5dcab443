//! Custom object schemas.

use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::portal::Portal;
use super::property::{Draft, PropertyGroup};
use super::request::{Answer, Outcome, Request};
use super::seeds::define_system;
use super::table::{Custom, Table};
use super::time::iso;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Egg {
    name: String,
    labels: Value,
    #[serde(default)]
    description: Value,
    #[serde(default)]
    primary_display_property: Value,
    #[serde(default)]
    secondary_display_properties: Value,
    #[serde(default)]
    required_properties: Vec<String>,
    #[serde(default)]
    searchable_properties: Vec<String>,
    #[serde(default)]
    properties: Vec<Value>,
    #[serde(default)]
    associated_objects: Vec<String>,
}

impl Portal {
    pub fn schemas(&mut self, request: &Request) -> Outcome {
        match (request.method.as_str(), request.path.parts().as_slice()) {
            ("GET", []) => {
                let custom = (0..self.tables.len()).filter(|&kind| self.tables[kind].custom.is_some());
                let results: Vec<Value> = custom.map(|kind| self.schema_json(kind)).collect();
                Ok(Answer::ok(json!({"results": results})))
            }
            ("POST", []) => self.hatch(request.json()?),
            ("GET", [name]) => {
                let kind = self.kind(name)?;
                if self.tables[kind].custom.is_none() {
                    return Err(Failure::gone());
                }
                Ok(Answer::ok(self.schema_json(kind)))
            }
            _ => Err(Failure::wrong_method()),
        }
    }

    fn hatch(&mut self, egg: Egg) -> Outcome {
        let full_name = format!("p{}_{}", self.config.portal_id, egg.name);
        if self.kind(&egg.name).is_ok() {
            let message = format!("An object schema named {} already exists", egg.name);
            return Err(Failure::new(409, "OBJECT_ALREADY_EXISTS", message));
        }
        let associated: Vec<usize> =
            egg.associated_objects.iter().map(|name| self.kind(name)).collect::<Result<_, _>>()?;
        let id = format!("2-{}", self.next_custom_type);
        let mut table = Table::new(&id, &full_name, &egg.name, self.config.first_id);
        table.created_name = "hs_createdate";
        let group = format!("{}_information", egg.name);
        define_system(&mut table, &group);
        table.groups.insert(group.clone(), PropertyGroup::new("Information"));
        table.required.clone_from(&egg.required_properties);
        table.searched = egg.searchable_properties;
        table.shown = egg.required_properties;
        table.custom = Some(Custom {
            name: egg.name,
            full_name,
            labels: egg.labels,
            primary_display: egg.primary_display_property,
            secondary_display: egg.secondary_display_properties,
            description: egg.description,
            associated: associated.iter().map(|&kind| self.tables[kind].id.clone()).collect(),
            created: self.now,
        });
        self.tables.push(table);
        let kind = self.tables.len() - 1;
        if let Err(failure) = self.define_all(kind, egg.properties, &group) {
            self.tables.pop();
            return Err(failure);
        }
        self.next_custom_type += 1;
        for other in 0..self.tables.len() {
            self.ensure_unlabeled(kind, other);
        }
        Ok(Answer::created(self.schema_json(kind)))
    }

    fn define_all(&mut self, kind: usize, properties: Vec<Value>, group: &str) -> Result<(), Failure> {
        for mut property in properties {
            if property["groupName"].is_null() {
                property["groupName"] = group.into();
            }
            let draft: Draft = serde_json::from_value(property).map_err(|error| Failure::not_json(&error))?;
            self.create_property(kind, draft)?;
        }
        let table = &self.tables[kind];
        match table.required.iter().find(|name| !table.properties.contains_key(*name)) {
            Some(name) => Err(Failure::invalid(format!("Required property \"{name}\" is not defined"))),
            None => Ok(()),
        }
    }

    fn schema_json(&self, kind: usize) -> Value {
        let table = &self.tables[kind];
        let Some(custom) = &table.custom else { return Value::Null };
        let properties: Vec<Value> = table.properties.values().map(super::property::Property::to_json).collect();
        let associations: Vec<Value> = self
            .association_types
            .iter()
            .filter(|link| link.from == kind && custom.associated.contains(&self.tables[link.to].id))
            .map(|link| {
                json!({"id": link.id.to_string(), "fromObjectTypeId": table.id,
                    "toObjectTypeId": self.tables[link.to].id, "name": format!("{}_to_{}", custom.name, self.tables[link.to].singular)})
            })
            .collect();
        let secondary = if custom.secondary_display.is_array() { custom.secondary_display.clone() } else { json!([]) };
        let mut body = json!({"id": table.id.trim_start_matches("2-"), "objectTypeId": table.id, "name": custom.name,
            "fullyQualifiedName": custom.full_name, "labels": custom.labels, "properties": properties,
            "associations": associations, "requiredProperties": table.required,
            "searchableProperties": table.searched, "secondaryDisplayProperties": secondary,
            "allowsSensitiveProperties": false, "archived": false, "createdAt": iso(custom.created),
            "updatedAt": iso(custom.created)});
        for (name, value) in [("primaryDisplayProperty", &custom.primary_display), ("description", &custom.description)]
        {
            if !value.is_null() {
                body[name] = value.clone();
            }
        }
        body
    }
}
