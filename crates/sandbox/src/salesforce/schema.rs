//! The objects of the org and their fields, as describe shows them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::Config;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Id,
    String,
    Textarea,
    Email,
    Phone,
    Url,
    Picklist,
    Multipicklist,
    Reference,
    Boolean,
    Int,
    Double,
    Currency,
    Percent,
    Date,
    Datetime,
    Address,
}

/// One field. `default` is what an omitted value becomes on create.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each flag is a flag of the vendor, on its own")]
pub struct Field {
    pub name: String,
    pub label: String,
    pub kind: Kind,
    pub length: usize,
    pub nillable: bool,
    pub default: Option<Value>,
    pub defaulted: bool,
    pub createable: bool,
    pub updateable: bool,
    pub external_id: bool,
    pub unique: bool,
    pub case_sensitive: bool,
    pub id_lookup: bool,
    pub restricted: bool,
    pub values: Vec<String>,
    pub reference_to: Vec<String>,
    pub relationship: Option<String>,
    pub compound: Option<String>,
}

impl Field {
    pub fn new(name: &str, kind: Kind, length: usize) -> Field {
        Field {
            name: name.to_owned(),
            label: spaced(name),
            kind,
            length,
            nillable: kind != Kind::Boolean,
            default: (kind == Kind::Boolean).then_some(Value::Bool(false)),
            defaulted: kind == Kind::Boolean,
            createable: true,
            updateable: true,
            external_id: false,
            unique: false,
            case_sensitive: false,
            id_lookup: false,
            restricted: false,
            values: Vec::new(),
            reference_to: Vec::new(),
            relationship: None,
            compound: None,
        }
    }

    pub fn required(mut self) -> Field {
        self.nillable = false;
        self
    }

    pub fn read_only(mut self) -> Field {
        self.createable = false;
        self.updateable = false;
        self
    }

    pub fn create_only(mut self) -> Field {
        self.updateable = false;
        self
    }

    pub fn id_lookup(mut self) -> Field {
        self.id_lookup = true;
        self
    }

    pub fn or(mut self, default: Value) -> Field {
        self.default = Some(default);
        self.defaulted = true;
        self
    }

    /// The system fills it in when the caller does not.
    pub fn filled(mut self) -> Field {
        self.defaulted = true;
        self.nillable = false;
        self
    }

    pub fn restricted(mut self) -> Field {
        self.restricted = true;
        self
    }

    pub fn with_length(mut self, length: usize) -> Field {
        self.length = length;
        self
    }

    pub fn part_of(mut self, compound: &str) -> Field {
        self.compound = Some(compound.to_owned());
        self
    }

    pub fn is_custom(&self) -> bool {
        self.name.ends_with("__c")
    }

    /// Long text is stored, but a query cannot filter or sort by it.
    pub fn filterable(&self) -> bool {
        !(self.kind == Kind::Textarea && self.length > 255) && self.kind != Kind::Address
    }

    /// Values of these fields are looked up often or must be unique.
    pub fn indexed(&self) -> bool {
        self.external_id || self.unique || self.id_lookup
    }

    pub fn is_text(&self) -> bool {
        matches!(self.kind, Kind::String | Kind::Textarea | Kind::Email | Kind::Phone | Kind::Url)
    }

    fn soap_type(&self) -> &'static str {
        match self.kind {
            Kind::Id | Kind::Reference => "tns:ID",
            Kind::Boolean => "xsd:boolean",
            Kind::Int => "xsd:int",
            Kind::Double | Kind::Currency | Kind::Percent => "xsd:double",
            Kind::Date => "xsd:date",
            Kind::Datetime => "xsd:dateTime",
            Kind::Address => "urn:address",
            _ => "xsd:string",
        }
    }

    pub fn describe(&self) -> Value {
        let values: Vec<Value> = self
            .values
            .iter()
            .map(|value| {
                let default = self.default.as_ref().and_then(Value::as_str) == Some(value);
                json!({"active": true, "defaultValue": default, "label": value, "validFor": null, "value": value})
            })
            .collect();
        let mut body = json!({
            "name": self.name, "label": self.label, "type": self.kind, "length": self.length,
            "byteLength": self.length * 3, "nillable": self.nillable, "defaultedOnCreate": self.defaulted,
            "createable": self.createable, "updateable": self.updateable, "externalId": self.external_id,
            "idLookup": self.id_lookup || self.external_id || self.kind == Kind::Id, "unique": self.unique,
            "caseSensitive": self.case_sensitive, "restrictedPicklist": self.restricted, "picklistValues": values,
            "referenceTo": self.reference_to, "relationshipName": self.relationship, "calculated": false,
            "compoundFieldName": self.compound, "dependentPicklist": false, "controllerName": null,
            "encrypted": false,
        });
        let rest = json!({
            "custom": self.is_custom(), "filterable": self.filterable(),
            "sortable": self.filterable(), "groupable": self.filterable(), "aggregatable": self.filterable(),
            "autoNumber": false, "defaultValue": self.default, "defaultValueFormula": null,
            "deprecatedAndHidden": false, "inlineHelpText": null, "nameField": self.name == "Name",
            "namePointing": self.reference_to.len() > 1, "permissionable": self.updateable,
            "polymorphicForeignKey": self.reference_to.len() > 1, "precision": 0, "scale": 0, "digits": 0,
            "soapType": self.soap_type(), "htmlFormatted": false, "writeRequiresMasterRead": false,
        });
        if let (Value::Object(body), Value::Object(rest)) = (&mut body, rest) {
            body.extend(rest);
        }
        body
    }
}

/// `MailingPostalCode` to `Mailing Postal Code`, which is how the vendor labels its own fields.
fn spaced(name: &str) -> String {
    let bare = name.strip_suffix("__c").unwrap_or(name).replace('_', " ");
    let mut label = String::new();
    let mut before_was_small = false;
    for letter in bare.chars() {
        if letter.is_ascii_uppercase() && before_was_small {
            label.push(' ');
        }
        before_was_small = letter.is_ascii_lowercase();
        label.push(letter);
    }
    label.strip_suffix(" Id").map(|start| format!("{start} ID")).unwrap_or(label)
}

#[derive(Clone, Debug)]
pub struct Object {
    pub name: String,
    pub prefix: String,
    pub fields: Vec<Field>,
    pub writable: bool,
}

impl Object {
    /// Field names are case-insensitive in requests.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    pub fn relationship(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.relationship.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name)))
    }

    /// The name under which a parent lists the records of this object that point to it by `link`. Links that only the
    /// system follows have none.
    pub fn listed_under(&self, link: &Field) -> Option<String> {
        let plural = match self.name.strip_suffix('y') {
            Some(stem) => format!("{stem}ies"),
            None if self.name.ends_with('s') => format!("{}es", self.name),
            None => format!("{}s", self.name),
        };
        match link.name.as_str() {
            "MasterRecordId" | "OwnerId" | "CreatedById" | "LastModifiedById" => None,
            name if name.starts_with("Converted") => None,
            "ParentId" if link.reference_to.contains(&self.name) => Some(format!("Child{plural}")),
            "RelatedToId" => Some("Emails".to_owned()),
            _ => Some(plural),
        }
    }

    pub fn summary(&self, version: &str) -> Value {
        let url = format!("/services/data/{version}/sobjects/{}", self.name);
        json!({
            "name": self.name, "label": spaced(&self.name), "labelPlural": format!("{}s", spaced(&self.name)),
            "keyPrefix": self.prefix, "createable": self.writable, "updateable": self.writable,
            "deletable": self.writable, "undeletable": self.writable, "queryable": true, "replicateable": true,
            "retrieveable": true, "searchable": true, "triggerable": true, "layoutable": true,
            "custom": self.name.ends_with("__c"), "customSetting": false, "deprecatedAndHidden": false,
            "feedEnabled": false, "hasSubtypes": false, "isSubtype": false, "mergeable": self.name == "Lead",
            "activateable": false, "mruEnabled": true,
            "urls": {"sobject": url, "describe": format!("{url}/describe"), "rowTemplate": format!("{url}/{{ID}}")},
        })
    }

    pub fn describe(&self, version: &str, schema: &Schema) -> Value {
        let mut body = self.summary(version);
        body["fields"] = self.fields.iter().map(Field::describe).collect();
        body["recordTypeInfos"] = json!([{
            "active": true, "available": true, "defaultRecordTypeMapping": true, "developerName": "Master",
            "master": true, "name": "Master", "recordTypeId": "012000000000000AAA", "urls": {},
        }]);
        body["childRelationships"] = schema
            .objects()
            .flat_map(|child| child.fields.iter().map(move |field| (child, field)))
            .filter(|(_, field)| field.reference_to.contains(&self.name))
            .map(|(child, field)| {
                json!({"childSObject": child.name, "field": field.name, "cascadeDelete": false,
                    "deprecatedAndHidden": false, "relationshipName": child.listed_under(field),
                    "restrictedDelete": false})
            })
            .collect();
        body
    }
}

/// All objects by lower-case name.
#[derive(Clone, Debug)]
pub struct Schema {
    objects: BTreeMap<String, Arc<Object>>,
}

impl Schema {
    pub fn new(objects: Vec<Object>, config: &Config) -> Schema {
        let mut objects: BTreeMap<String, Object> =
            objects.into_iter().map(|object| (object.name.to_lowercase(), object)).collect();
        for field in &config.custom_fields {
            if let Some(object) = objects.get_mut(&field.object.to_lowercase()) {
                object.fields.push(field.to_field());
            }
        }
        for object in objects.values_mut() {
            let hidden = |field: &Field| {
                let path = format!("{}.{}", object.name, field.name);
                config.hidden_fields.iter().any(|hidden| hidden.eq_ignore_ascii_case(&path))
            };
            object.fields = object.fields.iter().filter(|field| !hidden(field)).cloned().collect();
        }
        Schema { objects: objects.into_iter().map(|(name, object)| (name, Arc::new(object))).collect() }
    }

    pub fn object(&self, name: &str) -> Option<&Arc<Object>> {
        self.objects.get(&name.to_lowercase())
    }

    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values().map(AsRef::as_ref)
    }

    /// The object and the field behind the name under which `parent` lists records.
    pub fn child_link(&self, parent: &str, name: &str) -> Option<(String, String)> {
        let links = self.objects().flat_map(|child| child.fields.iter().map(move |link| (child, link)));
        links
            .filter(|(_, link)| link.reference_to.iter().any(|target| target == parent))
            .find(|(child, link)| child.listed_under(link).is_some_and(|own| own.eq_ignore_ascii_case(name)))
            .map(|(child, link)| (child.name.clone(), link.name.clone()))
    }

    pub fn by_id(&self, id: &str) -> Option<&Object> {
        let prefix = id.get(..3)?;
        self.objects().find(|object| object.prefix == prefix)
    }
}
