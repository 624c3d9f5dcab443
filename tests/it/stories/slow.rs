//! Writes to the database that take longer than they may.

use mittler_core::RecordId;
use mittler_store::Store;
use serde_json::Value;

use super::world::{SALESFORCE, World, guest, stand};
use crate::support::postgres;

/// Rows that somebody else holds, for longer than a write may take.
async fn held(url: &str, sql: &str) -> sqlx::PgConnection {
    use sqlx::{ConnectOptions, Executor};
    let mut holder = url.parse::<sqlx::postgres::PgConnectOptions>().unwrap().connect().await.unwrap();
    holder.execute("BEGIN").await.unwrap();
    holder.execute(sqlx::AssertSqlSafe(sql.to_owned())).await.unwrap();
    holder
}

async fn let_go(mut holder: sqlx::PgConnection) {
    use sqlx::{Connection, Executor};
    holder.execute("ROLLBACK").await.unwrap();
    holder.close().await.unwrap();
}

async fn failures(store: &Store) -> Vec<(String, i64)> {
    let jobs = store.job_lines(None, 10).await.unwrap();
    jobs.into_iter().filter_map(|job| Some((job.code?, job.failures))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_batch_that_takes_too_long_all_but_the_slow_one_are_read_and_that_one_is_tried_again() {
    let fresh = postgres().await;
    let world = World::new(fresh.store.clone()).await;
    let known = world.lead(guest(0)).await;
    let holder = held(fresh.url(), &format!("SELECT 1 FROM record WHERE id = '{}' FOR UPDATE", known.0)).await;
    let mut leads: Vec<Value> = (0..4).map(guest).collect();
    leads[0]["position"] = "Prokuristin".into();
    let accepted = world.door.leads(leads, &stand()).await.unwrap();
    assert_eq!(world.enrich_only().await, 1, "one job reads them all");
    let mut read = Vec::new();
    for one in &accepted {
        read.push(world.store.signal_line(one.id).await.unwrap().unwrap().state.name());
    }
    assert_eq!(read, ["new", "done", "done", "done"]);
    assert!(failures(&world.store).await.contains(&("too_slow".into(), 1)), "{:?}", failures(&world.store).await);
    let_go(holder).await;
    world.settle().await;
    let line = world.store.signal_line(accepted[0].id).await.unwrap().unwrap();
    assert_eq!((line.state.name(), line.record), ("done", Some(known.0)));
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (4, 4));
    world.nothing_waits().await;
    world.end().await;
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_that_cannot_be_written_in_time_are_found_again_and_nothing_is_written_twice() {
    let fresh = postgres().await;
    let world = World::new(fresh.store.clone()).await;
    let (reached, go_on) =
        (std::sync::Arc::new(tokio::sync::Notify::new()), std::sync::Arc::new(tokio::sync::Notify::new()));
    let (told, waits) = (reached.clone(), go_on.clone());
    super::between::between(
        &world,
        SALESFORCE,
        std::sync::Arc::new(move |remote_type, _| {
            let (told, waits, is) = (told.clone(), waits.clone(), remote_type == "Lead");
            Box::pin(async move {
                if is {
                    told.notify_one();
                    waits.notified().await;
                }
                Ok(())
            })
        }),
    );
    let accepted = world.door.leads((0..3).map(guest).collect(), &stand()).await.unwrap();
    assert_eq!(world.enrich_only().await, 1);
    // While the call is out, somebody else takes hold of one of the links.
    let push = world.step();
    let hold = async {
        reached.notified().await;
        let first = world.store.signal_line(accepted[0].id).await.unwrap().unwrap();
        let link = world.link(SALESFORCE, RecordId(first.record.unwrap())).await.id;
        let holder = held(fresh.url(), &format!("SELECT 1 FROM link WHERE id = '{link}' FOR UPDATE")).await;
        go_on.notify_one();
        holder
    };
    let (_, holder) = futures_util::join!(push, hold);
    assert_eq!(world.in_salesforce("Lead").len(), 3, "they are there, and nobody could note it");
    let waiting = world.store.links_waiting(Some(world.id(SALESFORCE)), None, 100).await.unwrap();
    assert!(waiting.iter().all(|link| link.state.name() == "open"), "{waiting:#?}");
    let_go(holder).await;
    go_on.notify_one();
    world.settle().await;
    assert_eq!((world.in_salesforce("Lead").len(), world.in_salesforce("CampaignMember").len()), (3, 3));
    world.nothing_waits().await;
    world.end().await;
    fresh.remove().await;
}
