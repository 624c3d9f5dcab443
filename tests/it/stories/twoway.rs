//! What people change in a CRM becomes the record's and the other CRM's, and goes round no more.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use mittler_connector::RawHook;
use mittler_core::{Field, RecordId, SourceKind};
use mittler_sandbox::Vendor;
use mittler_store::{Clock, Store};
use mittler_sync::hooks::{HookReceiver, Hooks};
use serde_json::json;
use tokio::net::TcpListener;

use super::world::{HOOK_SECRET, HUBSPOT, HUBSPOT_WRITES, SALESFORCE, SALESFORCE_WRITES, Setup, World, anna};
use crate::support::eventually;

on_every_database!(
    our_own_writes_coming_back_say_nothing_new,
    an_edit_in_hubspot_comes_by_pull_and_reaches_salesforce_without_an_echo,
    an_edit_in_salesforce_comes_by_pull_and_reaches_hubspot_without_an_echo,
    edits_come_by_webhook_too_and_go_round_no_more,
    a_fair_lasts_all_of_its_days_where_it_takes_place,
    an_edit_that_no_pull_has_told_of_yet_is_not_set_back_by_an_older_list,
);

async fn our_own_writes_coming_back_say_nothing_new(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let before =
        (world.store.statements(person).await.unwrap().len(), world.record(person).await.version, world.writes());
    world.advance(3);
    world.pull().await;
    world.pull().await;
    let after =
        (world.store.statements(person).await.unwrap().len(), world.record(person).await.version, world.writes());
    assert_eq!(after, before, "statements, version, writes");
    world.end().await;
}

/// After two more rounds nothing has been written, and no version been made.
async fn quiet(world: &World, person: RecordId) {
    let before = (world.record(person).await.version, world.writes());
    for _ in 0..2 {
        world.advance(3);
        world.pull().await;
    }
    assert_eq!((world.record(person).await.version, world.writes()), before, "an edit goes round");
}

async fn an_edit_in_hubspot_comes_by_pull_and_reaches_salesforce_without_an_echo(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    world.advance(10);
    let hubspot = world.calls(Vendor::Hubspot, HUBSPOT_WRITES);
    world.edit_hubspot(
        "contacts",
        &contact,
        &json!({ "jobtitle": "Prokuristin", "phone": "+4971155509099", "mobilephone": "+491715550900" }),
    );
    world.advance(3);
    world.pull().await;
    let record = world.record(person).await;
    let position = record.fields.sourced(&Field::POSITION).unwrap();
    assert_eq!((position.value.display().as_str(), position.source.kind), ("Prokuristin", SourceKind::Crm));
    let lead = &world.in_salesforce("Lead")[0];
    assert_eq!((lead["Title"].as_str(), lead["MobilePhone"].as_str()), (Some("Prokuristin"), Some("+491715550900")));
    assert_eq!(
        lead["Phone"],
        json!("+4971155509099"),
        "the list's number stood before the one that a person corrected"
    );
    assert_eq!(world.calls(Vendor::Hubspot, HUBSPOT_WRITES), hubspot, "HubSpot was told what it had said");
    quiet(&world, person).await;
    world.end().await;
}

async fn an_edit_in_salesforce_comes_by_pull_and_reaches_hubspot_without_an_echo(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    world.advance(10);
    let salesforce = world.calls(Vendor::Salesforce, SALESFORCE_WRITES);
    world.edit_salesforce("Lead", &lead, &json!({ "Title": "Prokuristin", "City": "Esslingen" }));
    world.advance(3);
    world.pull().await;
    assert_eq!(world.record(person).await.fields.text(&Field::CITY), Some("Esslingen"));
    let contact = &world.in_hubspot("contacts")[0]["properties"];
    assert_eq!((contact["jobtitle"].as_str(), contact["city"].as_str()), (Some("Prokuristin"), Some("Esslingen")));
    assert_eq!(world.calls(Vendor::Salesforce, SALESFORCE_WRITES), salesforce, "Salesforce was told what it had said");
    quiet(&world, person).await;
    world.end().await;
}

/// A door for webhooks, as the API's.
#[derive(Clone)]
struct Gate {
    hooks: Hooks,
    clock: Clock,
    base: String,
    accepted: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
}

async fn take(
    State(gate): State<Gate>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let (connection, secret) = path.split_once('/').unwrap_or((&path, ""));
    let hook = RawHook {
        method: "POST".into(),
        uri: format!("{}/hooks/{path}", gate.base),
        path_secret: secret.to_owned(),
        headers: headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect(),
        body,
    };
    let reply = gate.hooks.receive(connection, secret, hook, gate.clock.now()).await;
    let counter = if reply.status == 200 { &gate.accepted } else { &gate.refused };
    counter.fetch_add(1, Ordering::SeqCst);
    (StatusCode::from_u16(reply.status).unwrap(), reply.body)
}

async fn edits_come_by_webhook_too_and_go_round_no_more(store: Store) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let setup = Setup { hook_uri: format!("{base}/hooks/hubspot"), ..Setup::default() };
    let world = World::with(store, setup).await;
    let person = world.lead(anna()).await;
    let (accepted, refused) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let gate = Gate {
        hooks: world.hooks.clone(),
        clock: world.clock.clone(),
        base: base.clone(),
        accepted: Arc::clone(&accepted),
        refused: Arc::clone(&refused),
    };
    let router = Router::new().route("/hooks/{*path}", post(take)).with_state(gate);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    world.sandbox.hubspot().set_hook(&json!({ "url": format!("{base}/hooks/hubspot") })).unwrap();
    let target = json!({ "target_url": format!("{base}/hooks/salesforce/{HOOK_SECRET}") });
    world.sandbox.salesforce().set_hook(&target).unwrap();
    world.advance(10);
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    world.edit_hubspot("contacts", &contact, &json!({ "jobtitle": "Prokuristin" }));
    arrives(&world, "the edit in HubSpot", || world.in_salesforce("Lead")[0]["Title"] == json!("Prokuristin")).await;
    // Salesforce tells of that write of ours; it must lead to nothing.
    let heard = accepted.load(Ordering::SeqCst);
    eventually("Salesforce tells of our write", 60, || async { accepted.load(Ordering::SeqCst) >= heard.max(2) }).await;
    world.advance(10);
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    world.edit_salesforce("Lead", &lead, &json!({ "City": "Esslingen" }));
    let there = || world.in_hubspot("contacts")[0]["properties"]["city"] == json!("Esslingen");
    arrives(&world, "the edit in Salesforce", there).await;
    quiet(&world, person).await;
    assert_eq!(refused.load(Ordering::SeqCst), 0, "an authentic webhook was refused");
    // A wrong secret and a wrong signature are refused alike.
    let client = mittler_connector::http::client(std::time::Duration::from_secs(60)).unwrap();
    for path in ["salesforce/falsch", "hubspot", "unbekannt"] {
        let answer = client.post(format!("{base}/hooks/{path}")).body("[]").send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (401, ""), "{path}");
    }
    server.abort();
    world.end().await;
}

async fn a_fair_lasts_all_of_its_days_where_it_takes_place(store: Store) {
    let world = World::new(store).await;
    world.lead(anna()).await;
    let event = &world.in_hubspot("marketing_events")[0]["properties"];
    let at = |name: &str| {
        let text = event[name].as_str().unwrap_or_default();
        let millis = text.parse().map(mittler_core::Time::from_millis);
        millis.ok().or_else(|| text.parse().ok())
    };
    assert_eq!(at("hs_start_datetime"), "2026-04-13T22:00:00Z".parse().ok(), "{event}");
    assert_eq!(at("hs_end_datetime"), "2026-04-17T21:59:59Z".parse().ok(), "{event}");
    world.end().await;
}

/// Works on what hooks bring until something holds.
async fn arrives(world: &World, what: &str, holds: impl Fn() -> bool) {
    eventually(what, 60, || async {
        world.settle().await;
        holds()
    })
    .await;
}

async fn an_edit_that_no_pull_has_told_of_yet_is_not_set_back_by_an_older_list(store: Store) {
    let world = World::new(store).await;
    let person = world.lead(anna()).await;
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    let lead = world.link(SALESFORCE, person).await.remote_id.unwrap();
    world.advance(60);
    let scanned = world.clock.now().timestamp().to_string();
    world.advance(60);
    world.edit_hubspot("contacts", &contact, &json!({ "phone": "+4971155509099" }));
    world.edit_salesforce("Lead", &lead, &json!({ "City": "Esslingen" }));
    world.advance(2);
    // What the stand wrote down before that comes only now.
    let mut late = anna();
    late["phone"] = json!("0711 5550955");
    late["city"] = json!("Ulm");
    late["position"] = json!("Prokuristin");
    late["scanned_at"] = json!(scanned);
    world.lead(late).await;
    let (fields, properties) = (&world.in_salesforce("Lead")[0], &world.in_hubspot("contacts")[0]["properties"]);
    assert_eq!((fields["Phone"].as_str(), fields["City"].as_str()), (Some("+4971155509099"), Some("Esslingen")));
    assert_eq!(
        (properties["phone"].as_str(), properties["city"].as_str()),
        (Some("+4971155509099"), Some("Esslingen"))
    );
    // The rest of it is news.
    assert_eq!((fields["Title"].as_str(), properties["jobtitle"].as_str()), (Some("Prokuristin"), Some("Prokuristin")));
    quiet(&world, person).await;
    world.end().await;
}
