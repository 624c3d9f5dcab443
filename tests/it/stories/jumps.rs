//! The machine's clock jumps, by days and both ways: nothing waits for it.

use std::time::Duration;

use mittler_core::Time;
use mittler_sandbox::{FaultKind, Vendor};
use mittler_store::{Store, jumps::Look};
use mittler_worker::schedule::{Intervals, start_slots};
use serde_json::{Value, json};

use super::world::{HUBSPOT, SALESFORCE, World, anna, guest};

on_every_database!(a_clock_that_jumps_by_days_delays_nothing, a_pause_does_not_outlast_the_clock_that_set_it);

const DAYS: Duration = Duration::from_hours(72);

/// What the service does in every process, as soon as it sees the jump.
async fn look(world: &World) {
    world.store.bound_times(world.clock.now(), Look::Often).await.unwrap();
}

/// Runs what there is, and says how long it took by our clock.
async fn settled(world: &World) -> Duration {
    let begun: Time = world.clock.now();
    world.settle().await;
    world.clock.now().since(begun)
}

async fn a_clock_that_jumps_by_days_delays_nothing(store: Store) {
    let world = World::new(store).await;
    look(&world).await;
    world.lead(anna()).await;
    let intervals = Intervals { pull: Duration::from_mins(5), retain: Duration::from_hours(1) };
    let slots = async || start_slots(&world.store, &world.clock, &world.connections, intervals).await.unwrap();
    let lead = world.in_salesforce("Lead")[0]["Id"].as_str().unwrap().to_owned();
    let mut guests = 0;
    let mut came = async |what: &str| {
        guests += 1;
        world.door.lead(guest(guests), &super::world::stand()).await.unwrap();
        // Somebody changes an older lead there.
        world.advance(10);
        let title = json!(format!("Titel {guests}"));
        world.edit_salesforce("Lead", &lead, &json!({ "Title": title }));
        assert!(slots().await >= 2, "{what}: no pull was started");
        let took = settled(&world).await;
        assert!(took <= Duration::from_mins(1), "{what}: it took {took:?}");
        let there = (world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len());
        assert_eq!(there, (guests + 1, guests + 1), "{what}: {}", world.waiting().await);
        let contacts: Vec<Value> = world.in_hubspot("contacts");
        assert!(contacts.iter().any(|it| it["properties"]["jobtitle"] == title), "{what}: a change there was not seen");
    };
    world.settle().await;
    world.advance(600);
    look(&world).await;
    came("as the clock stood").await;
    world.clock.put_back(DAYS);
    look(&world).await;
    came("put back").await;
    world.clock.advance(DAYS);
    look(&world).await;
    world.advance(600);
    came("put right again").await;
    world.clock.advance(DAYS);
    look(&world).await;
    came("put forward").await;
    world.clock.put_back(DAYS);
    world.advance(600);
    look(&world).await;
    came("put right from there").await;
    world.nothing_waits().await;
    world.end().await;
}

async fn a_pause_does_not_outlast_the_clock_that_set_it(store: Store) {
    let world = World::new(store).await;
    look(&world).await;
    world.lead(anna()).await;
    for vendor in [Vendor::Salesforce, Vendor::Hubspot] {
        world.fault(vendor, FaultKind::HtmlError, Some(1.0), None, &[]);
    }
    world.lead_only(guest(1)).await;
    for name in [SALESFORCE, HUBSPOT] {
        let rows = world.store.connections().await.unwrap();
        assert_eq!(rows.iter().find(|row| row.name == name).unwrap().state.name(), "waiting");
    }
    world.sandbox.faults().clear();
    world.clock.put_back(DAYS);
    look(&world).await;
    let took = settled(&world).await;
    assert!(took <= Duration::from_mins(1), "it took {took:?}");
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (2, 2));
    world.nothing_waits().await;
    world.end().await;
}
