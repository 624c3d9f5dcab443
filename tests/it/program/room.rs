//! No room on the disk, or a database that is read-only: said at once and once, by whom it concerns, and over by itself.

use std::{process::Stdio, time::Duration};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::{Place, Running};
use crate::{
    store::Raw,
    support::{self, eventually},
};

/// A process whose log is kept, and which is told of files that may not grow by an error instead of being ended.
fn start(place: &Place, arguments: &[&str]) -> (Running, tokio::task::JoinHandle<String>) {
    let command = place.command(arguments);
    let program = command.as_std().get_program().to_owned();
    let mut shell = place.command(&[]);
    let mut wrapped = tokio::process::Command::new("sh");
    wrapped.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program).args(arguments);
    wrapped.current_dir(place.path()).stdin(Stdio::null()).kill_on_drop(true);
    for (name, value) in shell.as_std_mut().get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    let mut child = wrapped.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stdout.take().unwrap()));
    let mut errors = child.stderr.take().unwrap();
    let log = tokio::spawn(async move {
        let mut text = String::new();
        errors.read_to_string(&mut text).await.unwrap();
        text
    });
    (Running { child, lines }, log)
}

struct Caller {
    client: reqwest::Client,
    base: String,
    key: String,
}

impl Caller {
    async fn post(&self, at: usize) -> u16 {
        let lead = json!({ "last_name": format!("Nummer{at}"), "email": format!("gast@firma{at}.example") });
        let url = format!("{}/api/v1/leads?source=story", self.base);
        self.client.post(url).bearer_auth(&self.key).json(&lead).send().await.unwrap().status().as_u16()
    }

    async fn ready(&self) -> (u16, String) {
        let answer = self.client.get(format!("{}/health/ready", self.base)).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        (status, body["reason"].as_str().unwrap_or_default().to_owned())
    }
}

/// Breaks the database under a service that is at work, and mends it.
async fn said_once(
    database: &str,
    words: &str,
    mut breaks: impl AsyncFnMut(&Running),
    mut mends: impl AsyncFnMut(&Running),
) {
    let place = Place::new(&format!("[server]\ndatabase = {database:?}\n"));
    let create = ["keys", "create", "--label", "story", "--scopes", "leads:write", "--json"];
    let key = place.run(&create).await.ended(0).json()["key"].as_str().unwrap().to_owned();
    let (mut service, log) = start(&place, &["serve", "--listen", "127.0.0.1:0"]);
    let base = service.says("listening on ").await;
    let client = mittler_connector::http::client(Duration::from_secs(30)).unwrap();
    let caller = Caller { client, base, key };
    eventually("a lead is accepted", 30, async || caller.post(0).await == 202).await;
    breaks(&service).await;
    eventually("it says that it is not ready, and why", 6, async || {
        let (status, reason) = caller.ready().await;
        status == 503 && reason.contains(words)
    })
    .await;
    for at in 1..40 {
        assert_eq!(caller.post(at).await, 503);
    }
    mends(&service).await;
    eventually("it is ready again", 15, async || caller.ready().await.0 == 200).await;
    eventually("leads are accepted again", 15, async || caller.post(1).await == 202).await;
    assert_eq!(service.stop().await, Some(0));
    let log = log.await.unwrap();
    assert_eq!(log.matches("nothing can be stored").count(), 1, "{log}");
    assert!(log.contains(words) && log.contains("the database takes writes again"), "{log}");
    assert!(log.lines().count() < 25, "a flood: {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_without_room_is_said_once_and_over_by_itself() {
    let limit = |service: &Running, bytes: Option<u64>| {
        let process = Pid::from_raw(i32::try_from(service.child.id().unwrap()).unwrap());
        prlimit(process, Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
    };
    said_once(
        "sqlite:mittler.sqlite",
        "the disk of the database",
        async |service| limit(service, Some(0)),
        async |service| limit(service, None),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_server_is_said_once_and_over_by_itself() {
    let fresh = support::postgres().await;
    let set = async |value: &str| {
        let mut raw = Raw::of(&fresh).await;
        let name = fresh.url().rsplit_once('/').unwrap().1;
        raw.run("SET default_transaction_read_only = off").await;
        raw.run(&format!("ALTER DATABASE \"{name}\" SET default_transaction_read_only = {value}")).await;
        raw.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
        raw.close().await;
    };
    said_once(fresh.url(), "read-only", async |_| set("on").await, async |_| set("off").await).await;
    set("on").await;
    let place = Place::new(&format!("[server]\ndatabase = {:?}\n", fresh.url()));
    let doctor = place.run(&["doctor"]).await.ended(1).text();
    assert!(doctor.contains("✗ database: the database is read-only"), "{doctor}");
    set("off").await;
    fresh.remove().await;
}
