//! A CRM that has had enough is left alone until it says otherwise, by every process.

use std::time::Duration;

use jiff::tz::TimeZone;
use mittler_core::{Time, job::Task};
use mittler_sandbox::{FaultKind, Vendor};
use mittler_store::{
    Store,
    connections::{ConnectionRow, ConnectionState},
};
use mittler_sync::{Mode, retry::retry_connection};
use serde_json::{Value, json};

use super::world::{HUBSPOT, HUBSPOT_WRITES, SALESFORCE, Setup, World, anna};

on_every_database!(
    a_daily_limit_lasts_until_midnight_where_the_portal_is,
    what_one_process_found_stops_the_others_until_then,
    what_an_administrator_put_right_goes_on_at_once,
    a_person_who_asks_again_lifts_the_pause_in_every_process,
);

fn guest(at: usize) -> Value {
    json!({ "badge_id": format!("L-{at}"), "first_name": "Gast", "last_name": format!("Nummer{at}"),
        "company": format!("Firma{at} GmbH"), "email": format!("gast@firma{at}.example"), "country": "DE" })
}

async fn row(world: &World, name: &str) -> ConnectionRow {
    let all = world.store.connections().await.unwrap();
    all.into_iter().find(|row| row.name == name).unwrap()
}

async fn hubspot(world: &World) -> ConnectionRow {
    row(world, HUBSPOT).await
}

async fn a_daily_limit_lasts_until_midnight_where_the_portal_is(store: Store) {
    let mut setup = Setup::default();
    setup.sandbox.hubspot.time_zone = "America/New_York".into();
    setup.sandbox.hubspot.limits.daily = 60;
    let world = World::with(store, setup).await;
    let mut guests = 0;
    let paused = loop {
        world.lead_only(guest(guests)).await;
        guests += 1;
        let row = hubspot(&world).await;
        if row.code.as_deref() == Some("daily") {
            break row;
        }
        assert!(guests < 40, "the limit is never reached: {row:?}");
    };
    let until = Time(paused.paused_until);
    let there = until.timestamp().to_zoned(TimeZone::get("America/New_York").unwrap());
    assert_eq!((paused.state.name(), there.hour(), there.minute()), ("waiting", 0, 0), "{there}");
    assert!(until > world.clock.now() && until.since(world.clock.now()) < Duration::from_hours(25));
    assert!(world.in_hubspot("contacts").len() < guests);
    world.settle().await;
    assert!(world.clock.now() >= until);
    assert_eq!(world.in_hubspot("contacts").len(), guests);
    world.end().await;
}

/// Another process notes that HubSpot does not work.
async fn noted(world: &World, state: ConnectionState, code: &'static str) -> Time {
    let (id, until) = (world.id(HUBSPOT), world.clock.now().plus(Duration::from_mins(10)));
    world.store.write(async move |tx| tx.set_connection_state(id, state, Some(code), None, until).await).await.unwrap();
    until
}

async fn what_one_process_found_stops_the_others_until_then(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    let until = noted(&world, ConnectionState::Waiting, "http_503").await;
    // A process that knows nothing of it yet.
    world.set_mode(HUBSPOT, Mode::Full).await;
    world.sandbox.calls().reset();
    let mut later = anna();
    later["position"] = json!("Prokuristin");
    world.lead_only(later).await;
    let id = world.id(HUBSPOT);
    world.ask(Task::Pull { connection: id }).await;
    let ids = vec![contact];
    world
        .ask(Task::Read { connection: id, remote_type: "contacts".into(), ids, not_before: Time(0), since: None })
        .await;
    world.run_due().await;
    let calls = world.sandbox.calls().of(Vendor::Hubspot, "batch_read") + world.calls(Vendor::Hubspot, HUBSPOT_WRITES);
    assert_eq!((calls, world.sandbox.calls().of(Vendor::Hubspot, "search")), (0, 0));
    assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!("Prokuristin"), "the other CRM goes on");
    world.settle().await;
    assert!(world.clock.now() >= until);
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["jobtitle"], json!("Prokuristin"));
    assert_eq!(hubspot(&world).await.state.name(), "ready");
    world.end().await;
}

async fn a_person_who_asks_again_lifts_the_pause_in_every_process(store: Store) {
    let world = World::with(store, Setup { paced: true, ..Setup::default() }).await;
    world.fault(Vendor::Salesforce, FaultKind::RateLimited, Some(1.0), None, &[]);
    world.lead_only(anna()).await;
    let paused = row(&world, SALESFORCE).await;
    assert_eq!((paused.state.name(), paused.code.as_deref()), ("waiting", Some("daily")));
    let until = Time(paused.paused_until);
    assert!(until.since(world.clock.now()) > Duration::from_mins(10));
    // Nothing is called before.
    world.sandbox.calls().reset();
    world.ask_push(SALESFORCE);
    world.run_due().await;
    assert_eq!(world.sandbox.calls().all(Vendor::Salesforce), 0);
    // It is asked once, says no again, and the pause is back.
    let id = world.id(SALESFORCE);
    let retried = retry_connection(&world.store, &world.clock, id).await.unwrap();
    assert_eq!(retried.lifted.pause, Some((until, "daily".to_owned())));
    assert_eq!(retried.lifted.budgets, ["daily"]);
    assert_eq!(row(&world, SALESFORCE).await.state.name(), "ready");
    world.run_due().await;
    let calls = world.sandbox.calls().all(Vendor::Salesforce);
    assert!((1..=4).contains(&calls), "{calls} calls");
    assert_eq!(row(&world, SALESFORCE).await.code.as_deref(), Some("daily"));
    // The CRM has calls again: all goes on at once, in a process that only reads of the retry.
    world.sandbox.faults().clear();
    retry_connection(&world.store, &world.clock, id).await.unwrap();
    world.run_due().await;
    world.advance(2);
    world.run_due().await;
    assert_eq!((world.in_salesforce("Lead").len(), row(&world, SALESFORCE).await.state.name()), (1, "ready"));
    assert_eq!(retry_connection(&world.store, &world.clock, id).await.unwrap().lifted.pause, None);
    world.end().await;
}

async fn what_an_administrator_put_right_goes_on_at_once(store: Store) {
    let world = World::new(store).await;
    noted(&world, ConnectionState::Reauthorise, "token_rejected").await;
    world.lead_only(anna()).await;
    assert_eq!(world.in_hubspot("contacts").len(), 1);
    world.end().await;
}
