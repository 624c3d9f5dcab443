//! The vendors' limits as they are: a list goes through them, and hardly a call is refused for it.

use mittler_sandbox::Vendor;
use mittler_store::Store;
use serde_json::Value;

use super::world::{Setup, World, guest, stand};

on_every_database!(a_list_keeps_to_the_vendors_limits_and_loses_nothing);

const GUESTS: usize = 84;
/// What HubSpot grants an app in ten seconds.
const HUBSPOT_BURST: u64 = 110;

async fn a_list_keeps_to_the_vendors_limits_and_loses_nothing(store: Store) {
    // Full batches would need so few calls that no limit is met.
    let mut setup = Setup { paced: true, batch: 3, ..Setup::default() };
    setup.sandbox.hubspot.limits = mittler_sandbox::hubspot::Limits::default();
    let granted = setup.sandbox.hubspot.limits.clone();
    assert_eq!((granted.burst, granted.burst_oauth, granted.search_per_second), (190, HUBSPOT_BURST, 5));
    let world = World::with(store, setup).await;
    let leads: Vec<Value> = (0..GUESTS).map(guest).collect();
    for some in leads.chunks(28) {
        world.door.leads(some.to_vec(), &stand()).await.unwrap();
    }
    world.settle().await;
    let calls = world.sandbox.calls();
    // Those are metered apart.
    let apart: u64 = ["search", "associations_batch_default"].map(|kind| calls.of(Vendor::Hubspot, kind)).iter().sum();
    let metered = calls.total(Vendor::Hubspot) - apart;
    assert!(metered > HUBSPOT_BURST + 25, "{metered} calls: the limit is not met");
    let (hubspot, salesforce) = (calls.limited(Vendor::Hubspot), calls.limited(Vendor::Salesforce));
    assert!(hubspot + salesforce <= 3, "refused for a limit: {hubspot} calls at HubSpot, {salesforce} at Salesforce");
    let counts = ["Lead", "CampaignMember", "Task"].map(|object| world.in_salesforce(object).len());
    assert_eq!(counts, [GUESTS; 3]);
    let counts = ["contacts", "companies", "tasks"].map(|kind| world.in_hubspot(kind).len());
    assert_eq!(counts, [GUESTS; 3]);
    assert_eq!(world.attendance().len(), GUESTS);
    world.nothing_waits().await;
    world.end().await;
}
