//! A CRM that is away for days: its work waits, and only its own.

use mittler_sandbox::{FaultKind, Vendor};
use mittler_store::Store;
use serde_json::json;

use super::world::{HUBSPOT, SALESFORCE, World, guest, stand};

on_every_database!(
    what_salesforce_missed_in_three_days_is_written_once_when_it_is_back,
    what_hubspot_missed_in_three_days_is_written_once_when_it_is_back,
);

const GUESTS: usize = 30;
const HOURS: usize = 80;

async fn what_salesforce_missed_in_three_days_is_written_once_when_it_is_back(store: Store) {
    Box::pin(away(store, Vendor::Salesforce, SALESFORCE)).await;
}

async fn what_hubspot_missed_in_three_days_is_written_once_when_it_is_back(store: Store) {
    Box::pin(away(store, Vendor::Hubspot, HUBSPOT)).await;
}

async fn away(store: Store, vendor: Vendor, name: &str) {
    let world = World::new(store).await;
    // Somebody whom both know already, and who changes meanwhile.
    world.lead(guest(0)).await;
    world.fault(vendor, FaultKind::CutBefore, None, None, &[]);
    world.fault(vendor, FaultKind::CutBefore, None, None, &["token"]);
    let first: Vec<_> = (1..GUESTS - 1).map(guest).collect();
    let mut changed = guest(0);
    changed["position"] = json!("Prokuristin");
    world.door.leads(first, &stand()).await.unwrap();
    world.door.lead(changed, &stand()).await.unwrap();
    world.run_due().await;
    let begun = world.sandbox.calls().total(vendor);
    let mut tries = 0;
    for hour in 0..HOURS {
        world.advance(3_600);
        if hour == HOURS / 2 {
            world.door.lead(guest(GUESTS - 1), &stand()).await.unwrap();
        }
        // A pause that has ended is tried, and the next one begins.
        world.run_due().await;
        tries += 1;
        if hour >= HOURS / 2 {
            // Nobody knocks again at once, and nobody stops knocking.
            let calls = world.sandbox.calls().total(vendor);
            world.advance(20);
            world.run_due().await;
            assert_eq!(world.sandbox.calls().total(vendor), calls, "hour {hour}: it is not left in peace");
        }
    }
    let (salesforce, hubspot) = (world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len());
    let (there, other) = if vendor == Vendor::Salesforce { (salesforce, hubspot) } else { (hubspot, salesforce) };
    assert_eq!((there, other), (1, GUESTS), "the other one goes on");
    let calls = world.sandbox.calls().total(vendor) - begun;
    assert!(
        (tries..=5 * tries).contains(&calls),
        "{calls} calls in {tries} tries: the wait is not kept at the connection"
    );
    let id = world.id(name).0;
    let row = world.store.connections().await.unwrap().into_iter().find(|row| row.id == id).unwrap();
    assert_eq!(row.state.name(), "waiting", "{row:?}");
    assert!(row.paused_until > world.clock.now().0, "{row:?}");
    let waiting = world.store.links_waiting(Some(world.id(name)), None, 1_000).await.unwrap();
    assert!(waiting.len() >= GUESTS, "{} links wait", waiting.len());
    for link in &waiting {
        assert_eq!(link.state.name(), "open", "{link:?}");
        assert!(link.next_at <= world.clock.now().0 + 1_000_000, "it waits for days by itself: {link:?}");
    }
    let jobs = world.store.job_lines(None, 100).await.unwrap();
    assert!(jobs.iter().all(|job| job.dead_at.is_none() && job.failures == 0), "{jobs:#?}");
    assert!(jobs.len() < 10, "{} jobs for one connection that waits", jobs.len());

    world.sandbox.faults().clear();
    world.settle().await;
    let counts = ["Lead", "CampaignMember", "Task"].map(|object| world.in_salesforce(object).len());
    assert_eq!(counts, [GUESTS; 3]);
    let counts = ["contacts", "companies", "tasks"].map(|kind| world.in_hubspot(kind).len());
    assert_eq!(counts, [GUESTS; 3]);
    assert_eq!(world.attendance().len(), GUESTS);
    let lead = &world.salesforce_with("Lead", "Email", "gast@firma0.example")[0];
    let contact = &world.hubspot_with("contacts", "email", "gast@firma0.example")[0];
    assert_eq!((&lead["Title"], &contact["properties"]["jobtitle"]), (&json!("Prokuristin"), &json!("Prokuristin")));
    world.nothing_waits().await;
    let row = world.store.connections().await.unwrap().into_iter().find(|row| row.id == id).unwrap();
    assert_eq!((row.state.name(), row.code), ("ready", None));
    world.end().await;
}
