//! What Salesforce says of itself: fields, own key fields, whose organisation it is.

use mittler_connector::{
    Error, Result, SetupStep,
    http::{Call, Effect},
};
use mittler_core::{RemoteSchema, remote::RemoteField};
use reqwest::Method;

use crate::{
    Salesforce, plain_name, refusal,
    settings::organization_id,
    wire::{self, Described},
};

pub async fn describe(salesforce: &Salesforce, remote_type: &str) -> Result<RemoteSchema> {
    let url = salesforce.url(&format!("sobjects/{}/describe", plain_name(remote_type)?));
    let answer = salesforce.send(Call::read(Method::GET, url)).await?;
    if !answer.status.is_success() {
        return Err(refusal::of_call(&answer, Effect::Read));
    }
    let described: Described = serde_json::from_slice(&answer.body)
        .map_err(|_| Error::Protocol { detail: format!("the description of {remote_type}") })?;
    Ok(described.schema(remote_type))
}

/// REST cannot create fields, so all that is missing is a sentence for the administrator.
pub async fn missing(salesforce: &Salesforce) -> Result<Vec<SetupStep>> {
    let mut sentences = Vec::new();
    for kind in &salesforce.profile.kinds {
        let Some(own_key) = salesforce.own_key(&kind.remote_type) else { continue };
        match describe(salesforce, &kind.remote_type).await {
            Ok(schema) => sentences.extend(wanting(&kind.remote_type, own_key, schema.field(own_key))),
            Err(Error::Configuration { .. }) => sentences.push(format!(
                "The integration user cannot see {0}: give its permission set read, create and edit on {0}.",
                kind.remote_type
            )),
            Err(error) => return Err(error),
        }
    }
    Ok(sentences.into_iter().map(SetupStep::by_hand).collect())
}

fn wanting(remote_type: &str, own_key: &str, field: Option<&RemoteField>) -> Option<String> {
    let Some(field) = field else {
        return Some(format!(
            "{remote_type} has no field {own_key} that the integration user may see: in Setup → Object Manager → \
             {remote_type} → Fields & Relationships create a Text(64) field with this API name, tick External ID and \
             Unique, and make it visible and editable for the integration user."
        ));
    };
    if !field.unique {
        return Some(format!(
            "{remote_type}.{own_key} is not both External ID and Unique: tick both in Setup → Object Manager → \
             {remote_type} → Fields & Relationships, or a repeated write creates a second record."
        ));
    }
    (!field.createable || !field.updateable).then(|| {
        format!(
            "{remote_type}.{own_key} is read-only for the integration user: make it editable in its permission set."
        )
    })
}

pub async fn account(salesforce: &Salesforce) -> Result<String> {
    let url = format!("{}/services/oauth2/userinfo", salesforce.settings.instance_url);
    let answer = salesforce.send(Call::read(Method::GET, url)).await?;
    if !answer.status.is_success() {
        return Err(refusal::of_call(&answer, Effect::Read));
    }
    let info: wire::Record = serde_json::from_slice(&answer.body).unwrap_or_default();
    let organisation = wire::text(&info, "organization_id").map(organization_id);
    organisation.ok_or_else(|| Error::Protocol { detail: "user info without an organisation".into() })
}

#[cfg(test)]
mod tests {
    use mittler_core::remote::RemoteType;

    use super::*;

    #[test]
    fn a_missing_plain_or_read_only_key_field_is_a_sentence_and_a_good_one_is_none() {
        let good = RemoteField {
            name: "Mittler_Id__c".into(),
            label: String::new(),
            data_type: RemoteType::Text,
            max_length: Some(64),
            required: false,
            createable: true,
            updateable: true,
            unique: true,
            choices: Vec::new(),
            restricted: false,
        };
        let sentence = |field: Option<&RemoteField>| wanting("Lead", "Mittler_Id__c", field);
        assert_eq!(sentence(Some(&good)), None);
        assert!(sentence(None).unwrap().contains("Setup → Object Manager → Lead"));
        assert!(sentence(Some(&RemoteField { unique: false, ..good.clone() })).unwrap().contains("Unique"));
        assert!(sentence(Some(&RemoteField { createable: false, ..good })).unwrap().contains("read-only"));
    }
}
