//! A slot of a schedule starts once, however many processes look.

use std::time::Duration;

use mittler_sandbox::Vendor;
use mittler_store::Store;
use mittler_worker::schedule::{Intervals, slot, start_slots};

use super::world::World;

on_every_database!(a_slot_starts_once_for_two_schedulers);

async fn a_slot_starts_once_for_two_schedulers(store: Store) {
    let world = World::new(store).await;
    let every = Duration::from_secs(300);
    let intervals = Intervals { pull: every, retain: Duration::ZERO };
    // From the beginning of a slot, so that it does not end under the story.
    let left = slot(world.clock.now(), every).plus(every).since(world.clock.now());
    world.advance(u32::try_from(left.as_secs()).unwrap() + 1);
    let look = || start_slots(&world.store, &world.clock, &world.connections, intervals);
    let (one, other) = futures_util::join!(look(), look());
    assert_eq!(one.unwrap() + other.unwrap(), 2, "one pull for each of the two connections");
    assert_eq!(look().await.unwrap(), 0);
    world.run_due().await;
    let pulled = world.calls(Vendor::Salesforce, &["query"]);
    assert!(pulled > 0);
    world.advance(300);
    assert_eq!(look().await.unwrap(), 2, "the next slot starts as well");
    world.run_due().await;
    assert_eq!(world.calls(Vendor::Salesforce, &["query"]), 2 * pulled);
    world.end().await;
}
