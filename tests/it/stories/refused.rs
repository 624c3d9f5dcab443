//! A CRM that refuses a whole call for one of its records: it is found, and the others are written.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use futures_util::FutureExt;
use mittler_connector::Error;
use mittler_core::{Kind, RecordId};
use mittler_store::Store;
use serde_json::{Value, json};

use super::{
    between::{between, refused_as_a_whole, says},
    world::{HUBSPOT, SALESFORCE, World, guest, stand},
};

on_every_database!(
    of_a_refused_batch_all_but_the_one_at_fault_are_created,
    of_a_refused_batch_all_but_the_one_at_fault_are_updated,
    of_a_batch_whose_outcome_stays_unknown_all_but_the_one_at_fault_are_written,
);

const GUESTS: usize = 9;
const CULPRIT: usize = 5;
/// Halving nine takes four steps, of two calls each at most, after the first.
const MOST_CALLS: u64 = 9;

/// Calls about people at each CRM, which refuses those with the forbidden word.
fn picky(world: &World) -> [Arc<AtomicU64>; 2] {
    [SALESFORCE, HUBSPOT].map(|name| {
        let calls = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&calls);
        between(
            world,
            name,
            Arc::new(move |remote_type, batch| {
                let about_people = ["Lead", "contacts"].contains(&remote_type);
                counted.fetch_add(u64::from(about_people), Ordering::SeqCst);
                let refuses = batch.iter().any(|write| says(remote_type, write, "Verboten"));
                async move { if refuses { Err(refused_as_a_whole()) } else { Ok(()) } }.boxed()
            }),
        );
        calls
    })
}

async fn people(world: &World, leads: &[Value]) -> Vec<RecordId> {
    let accepted = world.door.leads(leads.to_vec(), &stand()).await.unwrap();
    world.settle().await;
    let mut people = Vec::new();
    for one in accepted {
        people.push(RecordId(world.store.signal_line(one.id).await.unwrap().unwrap().record.unwrap()));
    }
    people
}

fn values(rows: &[Value], path: &str) -> BTreeSet<String> {
    rows.iter().map(|row| row.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()).collect()
}

async fn is_refused_with_its_reason(world: &World, person: RecordId) {
    for name in [SALESFORCE, HUBSPOT] {
        let link = world.link(name, person).await;
        assert_eq!((link.state.name(), link.code.as_deref()), ("refused", Some("ALL_REFUSED")), "{link:?}");
        assert_eq!(link.reason.as_deref(), Some("one of them is not allowed"));
    }
}

async fn of_a_refused_batch_all_but_the_one_at_fault_are_created(store: Store) {
    let world = World::new(store).await;
    let calls = picky(&world);
    let mut leads: Vec<Value> = (0..GUESTS).map(guest).collect();
    leads[CULPRIT]["last_name"] = json!("Verboten");
    let persons = people(&world, &leads).await;
    let others: BTreeSet<String> =
        (0..GUESTS).filter(|at| *at != CULPRIT).map(|at| format!("gast@firma{at}.example")).collect();
    let (made, contacts) = (world.in_salesforce("Lead"), world.in_hubspot("contacts"));
    assert_eq!((made.len(), contacts.len()), (GUESTS - 1, GUESTS - 1));
    assert_eq!(values(&made, "/Email"), others);
    assert_eq!(values(&contacts, "/properties/email"), others);
    is_refused_with_its_reason(&world, persons[CULPRIT]).await;
    for calls in &calls {
        let calls = calls.load(Ordering::SeqCst);
        assert!((3..=MOST_CALLS).contains(&calls), "{calls} calls");
    }
    assert_eq!((world.in_salesforce("CampaignMember").len(), world.attendance().len()), (GUESTS - 1, GUESTS - 1));
    let visit = world.link_about(SALESFORCE, persons[CULPRIT], Kind::Participation).await;
    assert_eq!(visit.code.as_deref(), Some("need_refused"), "{visit:?}");
    // Put right, it goes as well, and what hangs on it.
    leads[CULPRIT]["last_name"] = json!("Erlaubt");
    world.lead(leads[CULPRIT].clone()).await;
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (GUESTS, GUESTS));
    assert_eq!((world.in_salesforce("CampaignMember").len(), world.attendance().len()), (GUESTS, GUESTS));
    world.nothing_waits().await;
    world.end().await;
}

async fn of_a_refused_batch_all_but_the_one_at_fault_are_updated(store: Store) {
    let world = World::new(store).await;
    let mut leads: Vec<Value> = (0..GUESTS).map(guest).collect();
    let persons = people(&world, &leads).await;
    let calls = picky(&world);
    for (at, lead) in leads.iter_mut().enumerate() {
        lead["position"] = json!(if at == CULPRIT { "Verboten".to_owned() } else { format!("Einkauf {at}") });
    }
    people(&world, &leads).await;
    let title = |at: usize| {
        let email = format!("gast@firma{at}.example");
        let lead = world.salesforce_with("Lead", "Email", &email)[0]["Title"].as_str().map(str::to_owned);
        let contact = &world.hubspot_with("contacts", "email", &email)[0]["properties"]["jobtitle"];
        (lead, contact.as_str().map(str::to_owned))
    };
    for at in (0..GUESTS).filter(|at| *at != CULPRIT) {
        let new = Some(format!("Einkauf {at}"));
        assert_eq!(title(at), (new.clone(), new));
    }
    assert_eq!(title(CULPRIT), (None, None));
    is_refused_with_its_reason(&world, persons[CULPRIT]).await;
    for calls in &calls {
        let calls = calls.load(Ordering::SeqCst);
        assert!((3..=MOST_CALLS).contains(&calls), "{calls} calls");
    }
    leads[CULPRIT]["position"] = json!("Vertrieb");
    people(&world, &leads[CULPRIT..=CULPRIT]).await;
    assert_eq!(title(CULPRIT), (Some("Vertrieb".into()), Some("Vertrieb".into())));
    world.nothing_waits().await;
    world.end().await;
}

async fn of_a_batch_whose_outcome_stays_unknown_all_but_the_one_at_fault_are_written(store: Store) {
    let world = World::new(store).await;
    let (calls, breaks) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(true)));
    for name in [SALESFORCE, HUBSPOT] {
        let (counted, breaks) = (Arc::clone(&calls), Arc::clone(&breaks));
        between(
            &world,
            name,
            Arc::new(move |remote_type, batch| {
                let fails = batch.iter().any(|write| says(remote_type, write, "Gift")) && breaks.load(Ordering::SeqCst);
                counted.fetch_add(u64::from(fails), Ordering::SeqCst);
                async move { if fails { Err(Error::Unknown { code: "http_500".into() }) } else { Ok(()) } }.boxed()
            }),
        );
    }
    let mut leads: Vec<Value> = (0..GUESTS).map(guest).collect();
    leads[CULPRIT]["last_name"] = json!("Gift");
    let accepted = world.door.leads(leads, &stand()).await.unwrap();
    for _ in 0..60 {
        world.run_due().await;
        world.advance(10);
    }
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (GUESTS - 1, GUESTS - 1));
    assert_eq!((world.in_salesforce("CampaignMember").len(), world.attendance().len()), (GUESTS - 1, GUESTS - 1));
    let read = world.store.signal_line(accepted[CULPRIT].id).await.unwrap().unwrap();
    let person = RecordId(read.record.unwrap());
    for name in [SALESFORCE, HUBSPOT] {
        let link = world.link(name, person).await;
        assert_eq!((link.state.name(), link.code.as_deref()), ("open", Some("http_500")), "{link:?}");
        let all = world.store.connections().await.unwrap();
        let row = all.into_iter().find(|row| row.name == name).unwrap();
        assert_eq!(row.state.name(), "ready", "one row is no sign of how the CRM is: {row:?}");
    }
    // Ten minutes of two CRMs: each try waits twice as long as the one before.
    let failed = calls.load(Ordering::SeqCst);
    assert!((10..=40).contains(&failed), "{failed} calls");
    breaks.store(false, Ordering::SeqCst);
    world.settle().await;
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (GUESTS, GUESTS));
    world.nothing_waits().await;
    world.end().await;
}
