//! Every route of HubSpot's OpenAPI files that the sandbox serves, in one tour.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    contract::contract,
    support::{CONTACTS, Portal, portal},
};

/// What stands for the variables of the templates.
struct Cast {
    contact: String,
    company: String,
    event: String,
    list: String,
    owner: String,
}

async fn cast(portal: &Portal) -> Cast {
    let (contact, company) = (portal.contact("tour@example.com").await, portal.company("Tour").await);
    portal.put(&format!("{CONTACTS}/{contact}/associations/default/companies/{company}"), json!({})).await;
    let event = json!({"inputs": [{"externalAccountId": "acct-1", "externalEventId": "fair-1", "eventName": "Fair",
        "eventOrganizer": "ACME", "startDateTime": "2026-04-20T07:00:00Z", "endDateTime": "2026-04-24T16:00:00Z"}]});
    let event = portal.post("/marketing/marketing-events/2026-09/events/upsert", event).await;
    let list = json!({"name": "Tour", "objectTypeId": "0-1", "processingType": "MANUAL"});
    let list = portal.post("/crm/lists/2026-09", list).await;
    let owners = portal.get("/crm/owners/2026-09").await;
    Cast {
        contact,
        company,
        event: event.results()[0]["objectId"].as_str().unwrap().to_owned(),
        list: list.body["list"]["listId"].as_str().unwrap_or_default().to_owned(),
        owner: owners.results()[0]["id"].as_str().unwrap().to_owned(),
    }
}

impl Cast {
    fn path(&self, portal: &Portal, template: &str) -> String {
        let event = template.contains("marketing-events");
        let filled = template.split('/').map(|part| match part {
            "{objectType}" | "{fromObjectType}" => "contacts",
            "{toObjectType}" => "companies",
            "{objectId}" if event => &self.event,
            "{objectId}" | "{fromObjectId}" | "{contactId}" | "{contactIdentifier}" | "{recordId}" => &self.contact,
            "{companyId}" | "{toObjectId}" => &self.company,
            "{marketingEventId}" => &self.event,
            "{externalEventId}" => "fair-1",
            "{externalAccountId}" => "acct-1",
            "{subscriberState}" => "attend",
            "{listId}" => &self.list,
            "{ownerId}" => &self.owner,
            "{propertyName}" => "email",
            "{groupName}" => "contactinformation",
            "{objectTypeId}" => "0-1",
            "{listName}" => "Tour",
            part if part.starts_with('{') => "1",
            part => part,
        });
        let path = filled.collect::<Vec<_>>().join("/");
        let path = path.replace("/1/settings", &format!("/{}/settings", portal.access.app_id));
        if template.contains("{externalEventId}") { format!("{path}?externalAccountId=acct-1") } else { path }
    }
}

/// A body that says something to most calls; where it does not, the failure must be as the files say.
fn body(template: &str, cast: &Cast) -> Value {
    let id = &cast.contact;
    match template.rsplit('/').next().unwrap_or_default() {
        "search" => json!({"limit": 5}),
        "read" if template.contains("/properties/") => json!({"archived": false, "inputs": [{"name": "email"}]}),
        "read" => json!({"properties": ["email"], "inputs": [{"id": id}]}),
        "update" => json!({"inputs": [{"id": id, "properties": {"city": "Ulm"}}]}),
        "upsert" => {
            json!({"inputs": [{"idProperty": "email", "id": "tour@example.com", "properties": {"city": "Bonn"}}]})
        }
        "create" | "email-create" => json!({"inputs": [{"properties": {"city": "Gera"}, "email": "new@example.com",
            "interactionDateTime": 1_776_672_000_000_i64}]}),
        "add" | "remove" => json!([id]),
        _ if template.ends_with("{toObjectId}") => {
            json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}])
        }
        _ => json!({"properties": {"city": "Aalen"}}),
    }
}

#[tokio::test]
async fn each_route_of_the_contracts_answers_as_they_say() {
    let Some(contract) = contract() else {
        eprintln!("skipped: MITTLER_CONTRACTS is not set");
        return;
    };
    let portal = portal().await;
    let cast = cast(&portal).await;
    let rank =
        |method: &Method| [Method::GET, Method::POST, Method::PUT, Method::PATCH].iter().position(|it| it == method);
    let mut routes: Vec<(&Method, &str)> =
        contract.operations.iter().map(|operation| (&operation.method, operation.template.as_str())).collect();
    // What only reads comes first, what removes comes last.
    routes.sort_by_key(|(method, template)| (rank(method).unwrap_or(9), *template));
    routes.dedup();
    let (mut served, mut worked, mut wrong) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for (method, template) in routes {
        let path = cast.path(&portal, template);
        let body = (*method != Method::GET && *method != Method::DELETE).then(|| body(template, &cast));
        let answer = portal.unchecked(method.clone(), &path, body).await;
        if answer.status == 405 || answer.no_route() {
            continue;
        }
        served.insert(format!("{method} {template}"));
        if answer.status < 300 {
            worked.insert(format!("{method} {template}"));
        }
        let deviations = contract.deviations(method, &path, answer.status, &answer.body);
        if !deviations.is_empty() {
            wrong.push(format!("{method} {path} gave {}: {}", answer.status, deviations.join("; ")));
        }
    }
    eprintln!("served {}, with success {}", served.len(), worked.len());
    assert!(wrong.is_empty(), "{} answers are not as the contract says:\n{}", wrong.len(), wrong.join("\n"));
    assert!(served.len() >= 200 && worked.len() >= 100, "served: {served:#?} worked: {worked:#?}");
}
