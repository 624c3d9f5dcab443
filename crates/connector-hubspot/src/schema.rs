//! What the fields of a type are, and the one property of ours that has to exist.

use mittler_connector::{Error, Result, SetupStep, SetupWish, StepState, http::Call};
use mittler_core::{
    RemoteSchema,
    remote::{RemoteField, RemoteType},
};
use reqwest::Method;
use serde_json::json;

use crate::{
    HubSpot, associations, attendance, errors, events,
    fields::plain,
    owners, paths,
    profile::{
        ATTENDANCE, COMPANIES, CONTACTS, CONTACTS_TO_COMPANIES, EMAILS, EVENTS, NOTES, OWNERS, TASKS, is_activity,
    },
    wire::{Listed, Property},
};

/// Longest text of a property.
const LONGEST: usize = 65_536;

/// What our unique property is to hold, and under which name people see it.
const LABEL: &str = "Mittler ID";

impl HubSpot {
    pub(crate) async fn describe_type(&self, remote_type: &str) -> Result<RemoteSchema> {
        let fields = match remote_type {
            EVENTS => events::fields(),
            ATTENDANCE => attendance::fields(),
            CONTACTS_TO_COMPANIES => associations::fields(),
            OWNERS => owners::fields(),
            _ => self.properties(remote_type).await?,
        };
        Ok(RemoteSchema { remote_type: remote_type.to_owned(), fields })
    }

    async fn properties(&self, remote_type: &str) -> Result<Vec<RemoteField>> {
        let url = paths::query(self.paths.properties(&[remote_type]), &[("archived", "false")]);
        let listed: Listed<Property> = self.ask(&Call::read(Method::GET, url)).await?;
        let described = listed.results.iter().filter(|property| !property.archived);
        let mut fields: Vec<RemoteField> = described.map(|property| field(remote_type, property)).collect();
        if is_activity(remote_type) {
            fields.extend(associations::INLINE.map(|end| RemoteField {
                // Associations are made with the record; later they are calls of their own.
                updateable: false,
                ..plain(end.field, RemoteType::Reference)
            }));
        }
        Ok(fields)
    }

    /// Makes sure that the properties exist by which our records are found again.
    pub(crate) async fn set_up_portal(&self, wish: SetupWish) -> Result<Vec<SetupStep>> {
        let mut steps = Vec::new();
        for (remote_type, group) in [(CONTACTS, "contactinformation"), (COMPANIES, "companyinformation")] {
            let name = &self.settings.own_key;
            if let Some(property) = self.property(remote_type, name).await? {
                steps.extend(fault(remote_type, &property));
            } else if wish == SetupWish::Check {
                let text = format!("The property {name} is missing on {remote_type}.");
                steps.push(SetupStep { state: StepState::Missing, text });
            } else {
                steps.extend(self.create_key(remote_type, group).await?);
            }
        }
        if let Some(name) = &self.settings.activity_key {
            for remote_type in [TASKS, EMAILS, NOTES] {
                let property = self.property(remote_type, name).await?;
                steps.extend(match property {
                    Some(property) => fault(remote_type, &property),
                    None => Some(SetupStep::by_hand(format!(
                        "The property {name} is missing on {remote_type}: create it as a single-line text with unique \
                         values, or leave the activities' own key out of the configuration."
                    ))),
                });
            }
        }
        Ok(steps)
    }

    async fn property(&self, remote_type: &str, name: &str) -> Result<Option<Property>> {
        self.ask_for(&Call::read(Method::GET, self.paths.properties(&[remote_type, name]))).await
    }

    /// `None`: somebody else was faster, and what they made is as good.
    async fn create_key(&self, remote_type: &str, group: &str) -> Result<Option<SetupStep>> {
        let name = &self.settings.own_key;
        let body = json!({
            "groupName": group, "name": name, "label": LABEL, "type": "string", "fieldType": "text",
            "hasUniqueValue": true, "hidden": true, "formField": false,
            "description": "The id of this record in Mittler. Do not change it.",
        });
        let call = Call::write(Method::POST, self.paths.properties(&[remote_type]), body);
        let answer = self.http.send(&call).await?;
        if answer.status.is_success() {
            let text = format!("The property {name} was created on {remote_type}.");
            return Ok(Some(SetupStep { state: StepState::Made, text }));
        }
        if answer.status.as_u16() == 409 {
            let property = self.property(remote_type, name).await?;
            return Ok(property.and_then(|property| fault(remote_type, &property)));
        }
        match errors::failed(&call, &answer) {
            Error::Configuration { message, .. } => Ok(Some(SetupStep::by_hand(format!(
                "The property {name} could not be created on {remote_type} ({message}): grant the scope, or create it by \
                 hand as a single-line text with unique values."
            )))),
            Error::BatchRefused { message, .. } => Ok(Some(SetupStep::by_hand(format!(
                "HubSpot did not create the property {name} on {remote_type} ({message}): create it by hand as a \
                 single-line text with unique values."
            )))),
            error => Err(error),
        }
    }
}

/// Why an existing property cannot be the key; whether values are unique is fixed for ever.
fn fault(remote_type: &str, property: &Property) -> Option<SetupStep> {
    if property.has_unique_value && property.value_type == "string" {
        return None;
    }
    let name = &property.name;
    Some(SetupStep::by_hand(format!(
        "The property {name} on {remote_type} is not a text with unique values: delete it, or configure another name."
    )))
}

fn field(remote_type: &str, property: &Property) -> RemoteField {
    let data_type = data_type(property);
    let read_only = property.modification_metadata.as_ref().is_some_and(|metadata| metadata.read_only_value);
    let writable = !read_only && !property.calculated;
    let text = matches!(data_type, RemoteType::Text | RemoteType::Email | RemoteType::Phone | RemoteType::Url);
    let choices = matches!(data_type, RemoteType::Choice | RemoteType::Choices);
    let email = remote_type == CONTACTS && property.name == "email";
    RemoteField {
        name: property.name.clone(),
        label: property.label.clone(),
        data_type,
        max_length: text.then_some(LONGEST),
        required: is_required(remote_type, &property.name),
        createable: writable,
        updateable: writable,
        unique: property.has_unique_value || email,
        choices: if choices { property.options.iter().map(|choice| choice.value.clone()).collect() } else { vec![] },
        restricted: choices && !property.external_options,
    }
}

/// Companies need a name or a domain, contacts an address or a name: that is no single field.
fn is_required(remote_type: &str, name: &str) -> bool {
    matches!((remote_type, name), (TASKS | EMAILS | NOTES, "hs_timestamp") | (EMAILS, "hs_email_direction"))
}

/// Some types lie: owners are an enumeration without options, ids are numbers.
fn data_type(property: &Property) -> RemoteType {
    if property.referenced_object_type.as_deref().is_some_and(|name| !name.is_empty())
        || matches!(&*property.name, "hubspot_owner_id" | "associatedcompanyid" | "hs_object_id")
    {
        return RemoteType::Reference;
    }
    match (&*property.value_type, &*property.field_type) {
        ("bool", _) => RemoteType::Bool,
        ("date", _) => RemoteType::Date,
        ("datetime", _) => RemoteType::Instant,
        ("number", _) => RemoteType::Decimal,
        ("enumeration", "checkbox") => RemoteType::Choices,
        ("enumeration", _) => RemoteType::Choice,
        ("phone_number", _) | (_, "phonenumber") => RemoteType::Phone,
        _ if property.name == "email" => RemoteType::Email,
        _ if property.name == "website" => RemoteType::Url,
        _ => RemoteType::Text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn described(remote_type: &str, wire: Value) -> RemoteField {
        field(remote_type, &serde_json::from_value(wire).unwrap())
    }

    #[test]
    fn properties_are_described_as_what_they_are_and_not_as_what_they_say() {
        let cases = [
            (
                json!({"name": "hubspot_owner_id", "type": "enumeration", "fieldType": "select",
                    "referencedObjectType": "OWNER", "options": []}),
                RemoteType::Reference,
            ),
            (json!({"name": "associatedcompanyid", "type": "number", "fieldType": "number"}), RemoteType::Reference),
            (json!({"name": "email", "type": "string", "fieldType": "text"}), RemoteType::Email),
            (json!({"name": "phone", "type": "string", "fieldType": "phonenumber"}), RemoteType::Phone),
            (json!({"name": "interests", "type": "enumeration", "fieldType": "checkbox"}), RemoteType::Choices),
            (json!({"name": "closed", "type": "bool", "fieldType": "booleancheckbox"}), RemoteType::Bool),
            (json!({"name": "hs_timestamp", "type": "datetime", "fieldType": "date"}), RemoteType::Instant),
            (json!({"name": "numemployees", "type": "number", "fieldType": "number"}), RemoteType::Decimal),
            (json!({"name": "notes", "type": "string", "fieldType": "textarea"}), RemoteType::Text),
        ];
        for (wire, expected) in cases {
            assert_eq!(described("contacts", wire.clone()).data_type, expected, "{wire}");
        }
    }

    #[test]
    fn what_is_read_only_is_not_writable_and_what_is_unique_is_a_key() {
        let created = described(
            "contacts",
            json!({"name": "createdate", "type": "datetime",
            "modificationMetadata": {"readOnlyValue": true}}),
        );
        assert!(!created.createable && !created.updateable);
        assert!(described("contacts", json!({"name": "mittler_id", "hasUniqueValue": true, "type": "string"})).unique);
        assert!(described("contacts", json!({"name": "email", "type": "string"})).unique);
        assert!(described("tasks", json!({"name": "hs_timestamp", "type": "datetime"})).required);
    }

    #[test]
    fn choices_are_restricted_to_the_options() {
        let stage = described(
            "contacts",
            json!({"name": "lifecyclestage", "type": "enumeration", "fieldType": "radio",
            "options": [{"label": "Lead", "value": "lead"}, {"label": "Customer", "value": "customer"}]}),
        );
        assert_eq!(stage.choices, ["lead", "customer"]);
        assert!(stage.restricted);
    }
}
