//! Whatever the network and the CRMs do: in the end everything is there, and once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mittler_connector::Error;
use mittler_core::{Field, Kind, RecordId};
use mittler_sandbox::{FaultKind, Vendor, salesforce::ValidationRule};
use mittler_store::Store;
use mittler_sync::Mode;
use serde_json::{Value, json};

use super::between::after;
use super::world::{HUBSPOT, HUBSPOT_WRITES, SALESFORCE, SALESFORCE_WRITES, Setup, World, anna, guest, stand};

on_every_database!(
    writes_that_are_cut_off_after_the_commit_lose_and_double_nothing,
    what_a_look_was_begun_too_early_to_see_is_not_made_twice,
    limits_and_outages_only_delay,
    a_rejected_token_is_replaced_once,
    a_token_that_died_while_the_service_was_away_is_replaced,
    a_locked_row_is_written_later,
    a_bad_row_spoils_nobody_else_and_its_dependants_follow_when_it_is_put_right,
    a_refused_field_is_held_and_the_rest_goes,
    a_property_that_the_portal_lacks_is_left_out_alone,
    a_type_that_the_crm_lets_nobody_write_stops_alone,
    an_update_that_nobody_knows_of_is_taken_back,
    another_account_is_not_touched,
);

fn reply(at: usize) -> Vec<u8> {
    format!(
        "From: Gast Nummer{at} <gast@firma{at}.example>\r\nTo: vertrieb@drehmark.example\r\nSubject: Angebot {at}\r\n\
         Message-ID: <antwort-{at}@firma{at}.example>\r\nDate: Tue, 21 Apr 2026 08:42:07 +0200\r\n\r\n\
         Guten Tag,\r\nbitte schicken Sie uns Angebot {at}.\r\n"
    )
    .into_bytes()
}

/// Between the look for a task that was perhaps made and the decision to make it again, the time comes from which on
/// the CRM would show it.
async fn what_a_look_was_begun_too_early_to_see_is_not_made_twice(store: Store) {
    let long = Duration::from_secs(60);
    let world = World::with(store, Setup { call_timeout: long, ..Setup::default() }).await;
    let (unheard, slow) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (answer, described, clock) = (unheard.clone(), slow.clone(), world.clock.clone());
    after(
        &world,
        SALESFORCE,
        Arc::new(move |remote_type| match remote_type {
            "Task" if answer.swap(false, Ordering::SeqCst) => Err(Error::Unknown { code: "cut".into() }),
            _ => Ok(()),
        }),
        Arc::new(move |remote_type| {
            if remote_type == "Task" && described.swap(false, Ordering::SeqCst) {
                clock.advance(Duration::from_secs(30));
            }
        }),
    );
    // What a task looks like there is asked for now, and once more in an hour.
    world.lead(guest(1)).await;
    world.advance(3_590);
    unheard.store(true, Ordering::SeqCst);
    world.lead_only(anna()).await;
    assert_eq!(world.in_salesforce("Task").len(), 2, "it is there, and nobody has heard of it");
    // Twelve seconds before the CRM would show for certain what the call has done.
    world.advance(110);
    slow.store(true, Ordering::SeqCst);
    world.look().await;
    world.run_due().await;
    assert!(!slow.load(Ordering::SeqCst), "the time did not come between the look and the decision");
    world.settle().await;
    assert_eq!(world.in_salesforce("Task").len(), 2, "it was made twice");
    world.nothing_waits().await;
    world.end().await;
}

async fn writes_that_are_cut_off_after_the_commit_lose_and_double_nothing(store: Store) {
    const GUESTS: usize = 12;
    let world = World::new(store).await;
    world.fault(Vendor::Salesforce, FaultKind::CutAfter, Some(0.3), None, SALESFORCE_WRITES);
    world.fault(Vendor::Hubspot, FaultKind::CutAfter, Some(0.3), None, HUBSPOT_WRITES);
    for at in 0..GUESTS {
        world.lead_only(guest(at)).await;
        world.door.mails(reply(at).into(), &mittler_ingest::LeadParams::of("vertrieb")).await.unwrap();
        world.run_due().await;
    }
    world.settle().await;
    let cut = world.sandbox.faults().list();
    let fired: Vec<u64> = cut.as_array().unwrap().iter().map(|rule| rule["fired"].as_u64().unwrap()).collect();
    assert!(fired.iter().all(|fired| *fired > 2), "hardly anything was cut off: {fired:?}");
    world.sandbox.faults().clear();
    world.settle().await;
    let count = |object: &str| world.in_salesforce(object).len();
    let salesforce = [count("Lead"), count("Campaign"), count("CampaignMember"), count("Task")];
    assert_eq!(salesforce, [GUESTS, 1, GUESTS, 2 * GUESTS], "leads, campaigns, members, tasks and mails");
    let count = |kind: &str| world.in_hubspot(kind).len();
    let hubspot = [count("contacts"), count("companies"), count("marketing_events"), count("tasks"), count("emails")];
    assert_eq!(hubspot, [GUESTS, GUESTS, 1, GUESTS, GUESTS], "contacts, companies, fairs, tasks, mails");
    assert_eq!(world.attendance().len(), GUESTS);
    world.nothing_waits().await;
    world.end().await;
}

async fn limits_and_outages_only_delay(store: Store) {
    let world = World::new(store).await;
    let both = [(Vendor::Salesforce, SALESFORCE_WRITES), (Vendor::Hubspot, HUBSPOT_WRITES)];
    for (vendor, writes) in both {
        world.fault(vendor, FaultKind::RateLimited, None, Some(1), writes);
        world.fault(vendor, FaultKind::HtmlError, None, Some(2), writes);
        world.fault(vendor, FaultKind::ServerError, None, Some(3), writes);
        world.fault(vendor, FaultKind::CutBefore, None, Some(4), writes);
        world.fault(vendor, FaultKind::RateLimited, None, Some(2), &[]);
    }
    world.lead(anna()).await;
    let counts = [
        world.in_salesforce("Lead").len(),
        world.in_salesforce("CampaignMember").len(),
        world.in_salesforce("Task").len(),
    ];
    assert_eq!(counts, [1, 1, 1]);
    assert_eq!(
        (world.in_hubspot("contacts").len(), world.attendance().len(), world.in_hubspot("tasks").len()),
        (1, 1, 1)
    );
    world.nothing_waits().await;
    world.end().await;
}

async fn a_rejected_token_is_replaced_once(store: Store) {
    let world = World::new(store).await;
    for vendor in [Vendor::Salesforce, Vendor::Hubspot] {
        world.fault(vendor, FaultKind::Unauthorized, None, Some(1), &[]);
    }
    for at in 0..3 {
        world.door.lead(guest(at), &stand()).await.unwrap();
    }
    world.settle().await;
    let tokens = (world.calls(Vendor::Salesforce, &["token"]), world.calls(Vendor::Hubspot, &["token"]));
    assert_eq!(tokens, (1, 1));
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (3, 3));
    world.end().await;
}

async fn a_token_that_died_while_the_service_was_away_is_replaced(store: Store) {
    let mut setup = Setup::default();
    setup.sandbox.salesforce.session_seconds = 60;
    let world = World::with(store, setup).await;
    world.lead(anna()).await;
    // Only the CRM's clock: the stored token still counts as good here, and its first use is to ask whose it is.
    world.sandbox.clock().advance_seconds(120);
    world.set_mode(SALESFORCE, Mode::Full).await;
    world.sandbox.calls().reset();
    world.lead_only(guest(1)).await;
    assert_eq!(world.in_salesforce("Lead").len(), 2);
    assert_eq!(world.calls(Vendor::Salesforce, &["token"]), 1);
    assert_eq!(state(&world, SALESFORCE).await, ("ready".into(), None));
    world.end().await;
}

async fn a_locked_row_is_written_later(store: Store) {
    let world = World::new(store).await;
    world.fault(Vendor::Salesforce, FaultKind::LockRow, None, Some(1), &["collections_upsert", "collections_create"]);
    world.fault(Vendor::Hubspot, FaultKind::Locked423, None, Some(1), HUBSPOT_WRITES);
    for at in 0..3 {
        world.door.lead(guest(at), &stand()).await.unwrap();
    }
    world.settle().await;
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (3, 3));
    assert_eq!((world.in_salesforce("CampaignMember").len(), world.attendance().len()), (3, 3));
    world.nothing_waits().await;
    world.end().await;
}

/// A Salesforce whose admin forbids a word in a field of leads.
async fn with_rule(store: Store, field: &str, word: &str) -> World {
    let mut setup = Setup::default();
    setup.sandbox.salesforce.validation_rules = vec![ValidationRule {
        object: "Lead".into(),
        field: field.into(),
        contains: Some(word.into()),
        message: "Dieser Wert ist hier nicht erlaubt.".into(),
    }];
    World::with(store, setup).await
}

async fn a_bad_row_spoils_nobody_else_and_its_dependants_follow_when_it_is_put_right(store: Store) {
    let world = with_rule(store, "LastName", "Verboten").await;
    let mut leads: Vec<Value> = (0..6).map(guest).collect();
    leads[3]["last_name"] = json!("Verboten");
    let accepted = world.door.leads(leads.clone(), &stand()).await.unwrap();
    world.settle().await;
    assert_eq!((world.in_salesforce("Lead").len(), world.in_salesforce("CampaignMember").len()), (5, 5));
    assert_eq!(world.in_hubspot("contacts").len(), 6, "the other CRM has no such rule");
    let line = world.store.signal_line(accepted[3].id).await.unwrap().unwrap();
    let person = RecordId(line.record.unwrap());
    let told = world.link(SALESFORCE, person).await;
    assert_eq!(told.state.name(), "refused", "{told:?}");
    assert!(told.reason.is_some(), "{told:?}");
    let visit = world.link_about(SALESFORCE, person, Kind::Participation).await;
    assert_eq!(visit.code.as_deref(), Some("need_refused"), "{visit:?}");
    leads[3]["last_name"] = json!("Erlaubt");
    world.lead(leads[3].clone()).await;
    assert_eq!((world.in_salesforce("Lead").len(), world.in_salesforce("CampaignMember").len()), (6, 6));
    assert_eq!(world.in_salesforce("Task").len(), 6);
    world.nothing_waits().await;
    world.end().await;
}

async fn a_refused_field_is_held_and_the_rest_goes(store: Store) {
    let world = with_rule(store, "Title", "Einkauf").await;
    let person = world.lead(anna()).await;
    let leads = world.in_salesforce("Lead");
    assert_eq!((leads.len(), leads[0]["Title"].as_str()), (1, None));
    assert_eq!(leads[0]["City"], json!("Stuttgart"));
    let link = world.link(SALESFORCE, person).await;
    let held = link.held.0.get("Title").unwrap_or_else(|| panic!("{link:?}"));
    assert!(held.reason.contains("nicht erlaubt"), "{held:?}");
    assert_eq!(world.in_salesforce("CampaignMember").len(), 1, "what hangs on the person goes as well");
    // The same value is not tried again; another one is.
    let writes = world.calls(Vendor::Salesforce, SALESFORCE_WRITES);
    world.ask_push(SALESFORCE);
    world.settle().await;
    assert_eq!(world.calls(Vendor::Salesforce, SALESFORCE_WRITES), writes);
    let mut later = anna();
    later["position"] = json!("Prokuristin");
    world.lead(later).await;
    assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!("Prokuristin"));
    assert_eq!(world.record(person).await.fields.text(&Field::POSITION), Some("Prokuristin"));
    assert!(world.link(HUBSPOT, person).await.held.0.is_empty());
    world.end().await;
}

async fn state(world: &World, name: &str) -> (String, Option<String>) {
    let all = world.store.connections().await.unwrap();
    let row = all.into_iter().find(|row| row.name == name).unwrap();
    (row.state.name().to_owned(), row.code)
}

async fn a_property_that_the_portal_lacks_is_left_out_alone(store: Store) {
    let world = World::new(store).await;
    world
        .set_mapping(HUBSPOT, |text| {
            text.replace(
                "[object.fields.jobtitle]",
                "[object.fields.no_such_property]\nfrom = \"last_name\"\n[object.fields.jobtitle]",
            )
        })
        .await;
    let person = world.lead(anna()).await;
    let contact = &world.in_hubspot("contacts")[0]["properties"];
    assert_eq!(
        (contact["jobtitle"].as_str(), contact["lastname"].as_str()),
        (Some("Leiterin Einkauf"), Some("Kranich"))
    );
    let held = world.link(HUBSPOT, person).await.held.0;
    assert_eq!(held.get("no_such_property").map(|held| held.code.as_str()), Some("field_not_there"), "{held:?}");
    assert_eq!(state(&world, HUBSPOT).await, ("ready".into(), None));
    // The mapping is put right.
    world.set_mapping(HUBSPOT, str::to_owned).await;
    world.settle().await;
    assert!(world.link(HUBSPOT, person).await.held.0.is_empty());
    world.nothing_waits().await;
    world.end().await;
}

async fn a_type_that_the_crm_lets_nobody_write_stops_alone(store: Store) {
    let mut setup = Setup::default();
    setup.sandbox.hubspot.scopes.retain(|scope| scope != "crm.objects.contacts.write");
    let world = World::with(store, setup).await;
    for at in 0..3 {
        world.door.lead(guest(at), &stand()).await.unwrap();
    }
    world.run_due().await;
    // Who met a push that was just ending comes again after a second.
    world.advance(2);
    world.run_due().await;
    assert_eq!((world.in_hubspot("contacts").len(), world.in_hubspot("companies").len()), (0, 3));
    assert_eq!(world.in_hubspot("marketing_events").len(), 1);
    let (told, code) = state(&world, HUBSPOT).await;
    assert_eq!((told.as_str(), code.is_some()), ("misconfigured", true));
    let waiting = world.store.links_waiting(Some(world.id(HUBSPOT)), None, 100).await.unwrap();
    assert!(waiting.iter().all(|link| link.state.name() == "open"), "waits, and is not refused: {waiting:#?}");
    world.end().await;
}

async fn an_update_that_nobody_knows_of_is_taken_back(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    for vendor in [(Vendor::Salesforce, SALESFORCE_WRITES), (Vendor::Hubspot, HUBSPOT_WRITES)] {
        world.fault(vendor.0, FaultKind::CutAfter, None, Some(1), vendor.1);
    }
    world.advance(2);
    let mut promoted = anna();
    promoted["position"] = json!("Prokuristin");
    world.lead_only(promoted).await;
    assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!("Prokuristin"), "it was written, and nobody was told");
    // Before anybody looked, the record says again what was sent before.
    let mut back = anna();
    back["note"] = json!("doch nicht");
    world.door.lead(back, &stand()).await.unwrap();
    world.enrich_only().await;
    world.settle().await;
    let position = world.record(person).await.fields.text(&Field::POSITION).map(str::to_owned);
    assert_eq!(world.in_salesforce("Lead")[0]["Title"].as_str(), position.as_deref());
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["jobtitle"].as_str(), position.as_deref());
    for name in [SALESFORCE, HUBSPOT] {
        let open = world.intents(name, person).await.into_iter().filter(|intent| intent.settled_at.is_none()).count();
        assert_eq!(open, 0, "a link with an open intent is not read");
    }
    world.end().await;
}

async fn another_account_is_not_touched(store: Store) {
    let world = World::with(store, Setup { account: Some("00D000000000000".into()), ..Setup::default() }).await;
    world.lead_only(anna()).await;
    assert_eq!(world.writes(), 0);
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (0, 0));
    for name in [SALESFORCE, HUBSPOT] {
        assert_eq!(state(&world, name).await, ("misconfigured".into(), Some("wrong_account".into())));
        // The right one is configured.
        world.set_mode(name, Mode::Full).await;
    }
    world.advance(61);
    world.settle().await;
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (1, 1));
    assert_eq!(state(&world, SALESFORCE).await, ("ready".into(), None));
    world.end().await;
}
