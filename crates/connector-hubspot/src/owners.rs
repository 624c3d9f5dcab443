//! Owners: the people and queues of the portal, read to name the owner of a contact or a task.

use mittler_connector::{Error, Key, RemoteRecord, Result, http::Call};
use mittler_core::{
    RemoteFields, Value,
    remote::{RemoteField, RemoteType},
};
use reqwest::Method;

use crate::{
    HubSpot,
    fields::plain,
    paths,
    wire::{self, Listed, Owner},
};

pub fn fields() -> Vec<RemoteField> {
    let text = |name| RemoteField { createable: false, updateable: false, ..plain(name, RemoteType::Text) };
    let email = RemoteField { data_type: RemoteType::Email, unique: true, ..text("email") };
    vec![email, text("firstName"), text("lastName"), text("type")]
}

impl HubSpot {
    /// There is no batch: one call for each.
    pub(crate) async fn read_owners(&self, keys: &[Key], fields: &[String]) -> Result<Vec<RemoteRecord>> {
        let mut records = Vec::new();
        for key in keys {
            let found: Vec<Owner> = match key {
                Key::Id(id) => {
                    let call = Call::read(Method::GET, self.paths.owners(&[id]));
                    self.ask_for(&call).await?.into_iter().collect()
                }
                Key::Email(email) => {
                    let url = paths::query(self.paths.owners(&[]), &[("email", email), ("limit", "100")]);
                    let listed: Listed<Owner> = self.ask(&Call::read(Method::GET, url)).await?;
                    let same = |owner: &Owner| {
                        owner.email.as_ref().is_some_and(|address| address.to_lowercase() == email.to_lowercase())
                    };
                    listed.results.into_iter().filter(same).collect()
                }
                _ => return Err(Error::Protocol { detail: "unsupported_key".into() }),
            };
            records.extend(found.into_iter().map(|owner| record(key, owner, fields)));
        }
        Ok(records)
    }
}

fn record(key: &Key, owner: Owner, fields: &[String]) -> RemoteRecord {
    let value = |name: &str| {
        let text = match name {
            "email" => &owner.email,
            "firstName" => &owner.first_name,
            "lastName" => &owner.last_name,
            "type" => &owner.what,
            _ => &None,
        };
        text.as_deref().and_then(Value::text)
    };
    RemoteRecord {
        key: key.clone(),
        fields: fields.iter().map(|name| (name.clone(), value(name))).collect::<RemoteFields>(),
        modified_at: owner.updated_at.as_deref().and_then(wire::time),
        gone: owner.archived,
        successor: None,
        absorbed: Vec::new(),
        id: owner.id,
    }
}
