//! Links are level-triggered: many changes are one write, and none is lost under a write.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures_util::FutureExt;
use mittler_core::{Field, LinkId};
use mittler_sandbox::Vendor;
use mittler_store::Store;
use serde_json::json;
use tokio::sync::Barrier;
use uuid::Uuid;

use super::between::between;
use super::world::{HUBSPOT, HUBSPOT_WRITES, SALESFORCE, SALESFORCE_WRITES, World, anna, stand};

on_every_database!(
    ten_changes_in_a_row_are_one_write,
    repetition_is_harmless,
    a_change_during_a_call_stays_due,
    what_is_due_and_nobody_told_of_is_found,
    what_another_process_pushes_is_left_to_it_while_it_lives,
);

/// On SQLite one process has all roles.
async fn what_another_process_pushes_is_left_to_it_while_it_lives(store: Store) {
    let world = World::new(store).await;
    let (id, other, now) = (world.id(HUBSPOT), Uuid::new_v4(), world.clock.now());
    let until = now.plus(std::time::Duration::from_secs(3));
    world.store.write(async move |tx| tx.take_push(id, other, until, now).await).await.unwrap();
    world.lead_only(anna()).await;
    assert_eq!(world.in_salesforce("Lead").len(), 1);
    let calls = world.calls(Vendor::Hubspot, HUBSPOT_WRITES);
    assert_eq!(calls == 0, !world.store.is_sqlite(), "the other one would send half of it");
    // It has died: nobody has to tell.
    world.settle().await;
    assert_eq!(world.in_hubspot("contacts").len(), 1);
    world.nothing_waits().await;
    let notes = world.store.connection_notes(id).await.unwrap().unwrap();
    if !world.store.is_sqlite() {
        assert_eq!(notes.pushed_by, Some(world.worker.pusher.process), "it is this one's now");
    }
    world.end().await;
}

async fn ten_changes_in_a_row_are_one_write(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let writes = (world.calls(Vendor::Salesforce, SALESFORCE_WRITES), world.calls(Vendor::Hubspot, HUBSPOT_WRITES));
    for at in 0..10 {
        let mut lead = anna();
        lead["position"] = json!(format!("Position {at}"));
        world.door.lead(lead, &stand()).await.unwrap();
        // Each is read by itself, so that the record really changes ten times before the push.
        let jobs = world.enrich_only().await;
        assert_eq!(jobs, 1);
    }
    world.settle().await;
    assert_eq!(world.record(person).await.fields.text(&Field::POSITION), Some("Position 9"));
    assert_eq!(world.intents(SALESFORCE, person).await.len(), 2, "the first write and one for ten changes");
    assert_eq!(world.intents(HUBSPOT, person).await.len(), 2);
    let after = (world.calls(Vendor::Salesforce, SALESFORCE_WRITES), world.calls(Vendor::Hubspot, HUBSPOT_WRITES));
    assert_eq!((after.0 - writes.0, after.1 - writes.1), (1, 1));
    assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!("Position 9"));
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["jobtitle"], json!("Position 9"));
    world.end().await;
}

async fn repetition_is_harmless(store: Store) {
    let world = World::new(store).await;
    world.lead(anna()).await;
    let (writes, state) = (world.writes(), world.sandbox.salesforce().state());
    for _ in 0..5 {
        world.ask_push(SALESFORCE);
        world.ask_push(HUBSPOT);
    }
    world.settle().await;
    for name in [SALESFORCE, HUBSPOT] {
        let id = world.id(name);
        world.store.write(async move |tx| tx.want_slice(id, Uuid::nil(), true, 1_000).await).await.unwrap();
        world.ask_push(name);
    }
    world.settle().await;
    assert_eq!(world.writes(), writes);
    assert_eq!(world.sandbox.salesforce().state(), state);
    world.end().await;
}

async fn a_change_during_a_call_stays_due(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let mut first = anna();
    first["position"] = json!("Prokuristin");
    world.door.lead(first, &stand()).await.unwrap();
    assert_eq!(world.enrich_only().await, 1);
    // Both writes are under way until the next change is taken.
    let (under_way, taken) = (Arc::new(Barrier::new(3)), Arc::new(Barrier::new(3)));
    let first_call = [(); 2].map(|()| AtomicBool::new(true));
    for (name, first) in [SALESFORCE, HUBSPOT].into_iter().zip(first_call) {
        let (under_way, taken) = (Arc::clone(&under_way), Arc::clone(&taken));
        between(
            &world,
            name,
            Arc::new(move |_, _| {
                let (under_way, taken, holds) = (under_way.clone(), taken.clone(), first.swap(false, Ordering::SeqCst));
                async move {
                    if holds {
                        under_way.wait().await;
                        taken.wait().await;
                    }
                    Ok(())
                }
                .boxed()
            }),
        );
    }
    let mut second = anna();
    second["position"] = json!("Geschäftsführerin");
    let change = async {
        under_way.wait().await;
        world.door.lead(second, &stand()).await.unwrap();
        assert_eq!(world.enrich_only().await, 1);
        let now = world.clock.now();
        assert!(world.store.calls_under_way(person, now, now).await.unwrap() >= 2, "one in each CRM");
        for name in [SALESFORCE, HUBSPOT] {
            let link = world.link(name, person).await;
            assert_eq!(world.intents(name, person).await.len(), 1, "the call is not out any more");
            assert_eq!(link.wanted, link.done + 2, "{link:?}");
        }
        taken.wait().await;
    };
    futures_util::join!(world.step(), change);
    world.settle().await;
    assert_eq!(world.in_salesforce("Lead")[0]["Title"], json!("Geschäftsführerin"));
    assert_eq!(world.in_hubspot("contacts")[0]["properties"]["jobtitle"], json!("Geschäftsführerin"));
    let link = world.link(SALESFORCE, person).await;
    assert_eq!(link.wanted, link.done);
    assert_eq!(world.intents(SALESFORCE, person).await.len(), 3, "made, changed, and changed once more");
    world.end().await;
}

async fn what_is_due_and_nobody_told_of_is_found(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    assert_eq!(world.look().await, 0, "nothing is due");
    let id = world.link(SALESFORCE, person).await.id;
    world.store.write(async move |tx| tx.want_again(&[LinkId(id)]).await).await.unwrap();
    assert_eq!(world.settle().await, 0, "nobody was told");
    assert_eq!(world.look().await, 1);
    assert_eq!(world.settle().await, 1);
    assert_eq!(world.look().await, 0, "it is done");
    let link = world.link(SALESFORCE, person).await;
    assert_eq!(link.wanted, link.done);
    world.end().await;
}
