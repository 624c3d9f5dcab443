//! The start: nobody who calls meanwhile is turned away for good.

use std::time::Duration;

use super::Place;
use crate::support::{self, Proxy, Traffic, eventually, setting};

async fn status(client: &reqwest::Client, url: &str) -> u16 {
    client.get(url).send().await.map_or(0, |answer| answer.status().as_u16())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_callers_are_told_to_come_again() {
    let fresh = support::postgres().await;
    let place = Place::new("");
    // The database answers only once somebody passes the calls on.
    let proxy = Proxy::before(fresh.url()).await;
    proxy.set(Traffic::Refused);
    let mut service = place.start(&["serve", "--listen", "127.0.0.1:0", "--database", &proxy.url]);
    let base = service.says("listening on ").await;
    let client = mittler_connector::http::client(Duration::from_secs(10)).unwrap();
    assert_eq!(status(&client, &format!("{base}/health/live")).await, 200);
    assert_eq!(status(&client, &format!("{base}/health/ready")).await, 503);
    let answer = client.post(format!("{base}/api/v1/leads")).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));

    proxy.set(Traffic::Passes);
    let ready = format!("{base}/health/ready");
    eventually("the service is ready", 60, async || status(&client, &ready).await == 200).await;
    assert_eq!(service.stop().await, Some(0));
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_no_reason_to_wait() {
    let base = setting("MITTLER_TEST_POSTGRES_URL");
    let place = Place::new("");
    let (server, _) = base.rsplit_once('/').unwrap();
    let missing = format!("{server}/there_is_no_such_database");
    let ended = place.run(&["serve", "--listen", "127.0.0.1:0", "--database", &missing]).await.ended(1);
    assert!(ended.text().contains("there_is_no_such_database"), "{}", ended.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_without_the_api_tells_its_health_where_it_is_told_to() {
    let place = Place::new("");
    let mut service = place.start(&["serve", "--roles", "worker", "--listen", "127.0.0.1:0"]);
    let base = service.says("listening on ").await;
    let client = mittler_connector::http::client(Duration::from_secs(10)).unwrap();
    let ready = format!("{base}/health/ready");
    eventually("the worker is ready", 60, async || status(&client, &ready).await == 200).await;
    let metrics = client.get(format!("{base}/metrics")).send().await.unwrap().text().await.unwrap();
    let commits = metrics.lines().find_map(|line| line.strip_prefix("mittler_database_commits_total "));
    assert!(commits.unwrap().parse::<u64>().unwrap() > 0, "{metrics}");
    assert_eq!(status(&client, &format!("{base}/api/v1/records")).await, 404);
    assert_eq!(service.stop().await, Some(0));
}
