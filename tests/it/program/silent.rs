//! A database that keeps the connection and says nothing any more.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::Place;
use crate::support::{self, Proxy, Traffic, eventually};

const SENDERS: usize = 4;

fn lead(at: usize) -> Value {
    json!({ "first_name": "Gast", "last_name": format!("Nummer{at}"), "email": format!("gast@firma{at}.example") })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_silent_senders_are_told_to_come_again_and_then_accepted_once() {
    let fresh = support::postgres().await;
    let proxy = Proxy::before(fresh.url()).await;
    let place = Place::new("");
    let create = ["keys", "create", "--label", "story", "--scopes", "leads:write", "--json", "--database", &proxy.url];
    let key = place.run(&create).await.ended(0).json()["key"].as_str().unwrap().to_owned();
    // Without workers nothing but the API asks for the database.
    let mut service = place.start(&["serve", "--roles", "api", "--listen", "127.0.0.1:0", "--database", &proxy.url]);
    let base = service.says("listening on ").await;
    // Longer than any patience of the service: whoever is not answered at all has got nothing here.
    let client = mittler_connector::http::client(Duration::from_secs(90)).unwrap();
    let post = async |at: usize| {
        let url = format!("{base}/api/v1/leads?source=story");
        let answer = client.post(url).bearer_auth(&key).json(&lead(at)).send().await.unwrap();
        (answer.status().as_u16(), answer.headers().contains_key("retry-after"))
    };
    eventually("the first lead is accepted", 60, async || post(0).await.0 == 202).await;
    proxy.set(Traffic::Silent);
    for answer in join_all((0..SENDERS).map(&post)).await {
        assert_eq!(answer, (503, true));
    }
    proxy.set(Traffic::Passes);
    for at in 0..SENDERS {
        eventually("what was refused is accepted", 100, async || post(at).await.0 == 202).await;
    }
    assert_eq!(service.stop().await, Some(0));
    let states = fresh.store.signal_states().await.unwrap();
    assert_eq!(states, [("new".to_owned(), i64::try_from(SENDERS).unwrap())], "each is there, and once");
    fresh.remove().await;
}
