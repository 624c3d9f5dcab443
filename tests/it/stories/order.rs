//! What hangs on others is written after them, and hangs on the right ones.

use std::collections::BTreeMap;

use mittler_core::{Kind, RecordId};
use mittler_sandbox::{FaultKind, Vendor};
use mittler_store::Store;
use serde_json::Value;

use super::world::{HUBSPOT, World, guest, stand};

on_every_database!(what_hangs_on_others_comes_after_them_and_hangs_on_the_right_ones);

const GUESTS: usize = 8;

async fn what_hangs_on_others_comes_after_them_and_hangs_on_the_right_ones(store: Store) {
    let world = World::new(store).await;
    // People and companies come late and in pieces: whoever does not wait for them would be first.
    for kind in [FaultKind::CutBefore, FaultKind::BadGatewayAfter] {
        world.fault(Vendor::Hubspot, kind, Some(0.4), None, &["batch_upsert"]);
        world.fault(Vendor::Salesforce, kind, Some(0.4), None, &["collections_upsert"]);
    }
    let mut persons = Vec::new();
    for some in (0..GUESTS).collect::<Vec<_>>().chunks(2) {
        let leads: Vec<Value> = some.iter().copied().map(guest).collect();
        persons.extend(world.door.leads(leads, &stand()).await.unwrap());
        world.run_due().await;
    }
    world.settle().await;
    world.sandbox.faults().clear();
    world.settle().await;
    world.nothing_waits().await;

    let contacts: BTreeMap<String, String> = names(&world.in_hubspot("contacts"), "/properties/email");
    let companies: BTreeMap<String, String> = names(&world.in_hubspot("companies"), "/properties/name");
    assert_eq!((contacts.len(), companies.len()), (GUESTS, GUESTS));
    for contact in world.in_hubspot("contacts") {
        let email = contact["properties"]["email"].as_str().unwrap();
        let at = email.trim_start_matches("gast@firma").trim_end_matches(".example");
        let its: Vec<&str> = ids(&contact, "companies").map(|id| companies[id].as_str()).collect();
        assert_eq!(its, [format!("Firma{at} GmbH")], "{email}");
    }
    let tasks = world.in_hubspot("tasks");
    let mut with_task: Vec<&str> =
        tasks.iter().flat_map(|task| ids(task, "contacts")).map(|id| contacts[id].as_str()).collect();
    with_task.sort_unstable();
    let everybody: Vec<String> = (0..GUESTS).map(|at| format!("gast@firma{at}.example")).collect();
    assert_eq!(with_task, everybody, "one task at each person");
    for task in &tasks {
        // Its words name the person at whom it hangs.
        let at = contacts[ids(task, "contacts").next().unwrap()].clone();
        let number = at.trim_start_matches("gast@firma").trim_end_matches(".example");
        assert!(task["properties"].to_string().contains(&format!("Nummer{number}")), "{at}: {task}");
    }
    let leads: BTreeMap<String, String> =
        world.in_salesforce("Lead").iter().map(|lead| (text(lead, "Id"), text(lead, "LastName"))).collect();
    for task in world.in_salesforce("Task") {
        let who = leads.get(task["WhoId"].as_str().unwrap()).unwrap();
        assert!(task.to_string().contains(who.as_str()), "{who}: {task}");
    }
    let mut members: Vec<String> =
        world.in_salesforce("CampaignMember").iter().map(|member| leads[&text(member, "LeadId")].clone()).collect();
    members.sort();
    assert_eq!(members, (0..GUESTS).map(|at| format!("Nummer{at}")).collect::<Vec<_>>());

    for accepted in persons {
        let line = world.store.signal_line(accepted.id).await.unwrap().unwrap();
        comes_after_its_needs(&world, RecordId(line.record.unwrap())).await;
    }
    world.end().await;
}

/// In HubSpot an association is a call of its own, after the person's and the company's.
async fn comes_after_its_needs(world: &World, person: RecordId) {
    let about = world.store.records_about(person).await.unwrap();
    let association = about.iter().find(|record| record.kind == Kind::Association).unwrap();
    let company = association.fields.reference(&mittler_core::Field::TO).unwrap();
    let begun = world.intents(HUBSPOT, association.id).await.iter().map(|intent| intent.begun_at).min().unwrap();
    for (what, need) in [("person", person), ("company", company)] {
        let written = world.intents(HUBSPOT, need).await.iter().filter_map(|intent| intent.settled_at).min().unwrap();
        assert!(written <= begun, "the association was begun before the {what} was there");
    }
}

fn names(rows: &[Value], path: &str) -> BTreeMap<String, String> {
    rows.iter().map(|row| (text(row, "id"), row.pointer(path).unwrap().as_str().unwrap().to_owned())).collect()
}

fn ids<'a>(row: &'a Value, kind: &str) -> impl Iterator<Item = &'a str> {
    let linked = row["associations"][kind].as_array().map(Vec::as_slice).unwrap_or_default();
    linked.iter().map(|one| one["id"].as_str().unwrap())
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_else(|| panic!("{name} is missing: {row}")).to_owned()
}
