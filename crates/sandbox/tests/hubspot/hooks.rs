//! Webhooks, received by a listener of the test.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use mittler_sandbox::hubspot::{Config, Webhooks};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::support::{CONTACTS, Portal, portal_with, quick};

#[derive(Clone, Default)]
struct Inbox {
    deliveries: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    refuse: Arc<Mutex<u32>>,
    url: String,
}

impl Inbox {
    async fn open() -> Inbox {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks/hubspot", listener.local_addr().unwrap());
        let inbox = Inbox { url, ..Inbox::default() };
        let router = Router::new().route("/hooks/hubspot", post(take)).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        inbox
    }

    /// All events so far, once at least `count` have come.
    async fn events(&self, count: usize) -> Vec<Value> {
        for _ in 0..5_000 {
            let events = self.now();
            if events.len() >= count {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("only {:?} came", self.now());
    }

    fn now(&self) -> Vec<Value> {
        let deliveries = self.deliveries.lock().unwrap();
        deliveries.iter().flat_map(|(_, body)| serde_json::from_str::<Vec<Value>>(body).unwrap()).collect()
    }
}

async fn take(State(inbox): State<Inbox>, headers: HeaderMap, body: String) -> StatusCode {
    let mut refuse = inbox.refuse.lock().unwrap();
    if *refuse > 0 {
        *refuse -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    inbox.deliveries.lock().unwrap().push((headers, body));
    StatusCode::OK
}

async fn hooked(webhooks: Webhooks) -> (Portal, Inbox) {
    let inbox = Inbox::open().await;
    let portal = portal_with(Config { webhooks, ..quick() }).await;
    portal.sandbox.hubspot().set_hook(&json!({"url": inbox.url})).unwrap();
    (portal, inbox)
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["subscriptionType"] == kind).collect()
}

#[tokio::test]
async fn every_changed_property_is_one_event_and_our_own_writes_bear_our_app_id() {
    let (portal, inbox) = hooked(Webhooks::default()).await;
    portal.post(CONTACTS, json!({"properties": {"email": "w@example.com", "city": "Ulm"}})).await;
    let events = inbox.events(3).await;
    assert_eq!(of(&events, "contact.creation").len(), 1);
    assert_eq!(of(&events, "contact.propertyChange").len(), 2);
    for event in &events {
        assert_eq!(event["changeSource"], "INTEGRATION");
        assert_eq!(event["sourceId"], portal.access.app_id.to_string());
        assert_eq!(event["appId"], portal.access.app_id);
        assert_eq!(event["portalId"], portal.access.portal_id);
        assert!(event["objectId"].is_u64());
    }
    assert_eq!(of(&events, "contact.creation")[0]["changeFlag"], "CREATED");
}

#[tokio::test]
async fn a_persons_edit_comes_from_the_user_interface() {
    let (portal, inbox) = hooked(Webhooks::default()).await;
    let id = portal.contact("p@example.com").await;
    inbox.events(2).await;
    let fields = Map::from_iter([("phone".to_owned(), json!("+49 731 1"))]);
    portal.sandbox.hubspot().edit("contacts", &id, fields).unwrap();
    let events = inbox.events(3).await;
    let edit = events.iter().find(|event| event["propertyName"] == "phone").unwrap();
    assert_eq!(edit["changeSource"], "CRM_UI");
    assert_eq!(edit["sourceId"], "userId:7700101");
    assert_eq!(edit["propertyValue"], "+49 731 1");
    let same = Map::from_iter([("phone".to_owned(), json!("+49 731 1"))]);
    portal.sandbox.hubspot().edit("contacts", &id, same).unwrap();
    // Events leave in the order in which they were made: with this one, all before it are there.
    let other = Map::from_iter([("city".to_owned(), json!("Ulm"))]);
    portal.sandbox.hubspot().edit("contacts", &id, other).unwrap();
    let events = inbox.events(4).await;
    let of = |name: &str| events.iter().filter(|event| event["propertyName"] == name).count();
    assert_eq!((of("phone"), of("city")), (1, 1), "what did not change is no event");
}

#[tokio::test]
async fn deliveries_are_signed_in_both_versions() {
    let (portal, inbox) = hooked(Webhooks::default()).await;
    portal.contact("Zoë@example.com".replace('ë', "e").as_str()).await;
    inbox.events(2).await;
    let deliveries = inbox.deliveries.lock().unwrap();
    let (headers, body) = &deliveries[0];
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let secret = &portal.access.client_secret;
    assert_eq!(header("x-hubspot-signature-version"), "v1");
    assert_eq!(header("x-hubspot-signature"), hex::encode(Sha256::digest(format!("{secret}{body}"))));
    let stamp = header("x-hubspot-request-timestamp");
    assert_eq!(stamp.len(), 13);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("POST{}{body}{stamp}", inbox.url).as_bytes());
    assert_eq!(header("x-hubspot-signature-v3"), STANDARD.encode(mac.finalize().into_bytes()));
}

#[tokio::test]
async fn a_refused_delivery_is_tried_again_with_the_next_attempt_number() {
    let (portal, inbox) = hooked(Webhooks::default()).await;
    *inbox.refuse.lock().unwrap() = 2;
    portal.contact("again@example.com").await;
    // Time goes on until it is taken; how far says nothing of the number of attempts.
    for _ in 0..5_000 {
        if !inbox.now().is_empty() {
            break;
        }
        portal.sandbox.clock().advance_seconds(3600);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let events = inbox.events(2).await;
    assert!(events.iter().all(|event| event["attemptNumber"] == 2), "{events:?}");
}

#[tokio::test]
async fn a_delivery_holds_a_hundred_events_at_most() {
    let (portal, inbox) = hooked(Webhooks::default()).await;
    let inputs: Value = (0..80).map(|n| json!({"properties": {"email": format!("h{n}@example.com")}})).collect();
    portal.post(&format!("{CONTACTS}/batch/create"), json!({"inputs": inputs})).await;
    inbox.events(160).await;
    let deliveries = inbox.deliveries.lock().unwrap();
    let sizes = deliveries.iter().map(|(_, body)| serde_json::from_str::<Vec<Value>>(body).unwrap().len());
    assert!(sizes.max().unwrap() <= 100);
}

#[tokio::test]
async fn events_come_twice_and_out_of_order_when_asked_for() {
    let (portal, inbox) = hooked(Webhooks { duplicates: 1.0, reorder: true, ..Webhooks::default() }).await;
    let inputs: Value = (0..10).map(|n| json!({"properties": {"email": format!("d{n}@example.com")}})).collect();
    portal.post(&format!("{CONTACTS}/batch/create"), json!({"inputs": inputs})).await;
    let ids: Vec<u64> = inbox.events(40).await.iter().map(|event| event["eventId"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), 40);
    assert!(!ids.is_sorted());
}

#[tokio::test]
async fn a_merge_and_an_erasure_tell_what_happened() {
    let (portal, inbox) = hooked(Webhooks::default()).await;
    let (one, two) = (portal.contact("m1@example.com").await, portal.contact("m2@example.com").await);
    let merged =
        portal.post(&format!("{CONTACTS}/merge"), json!({"primaryObjectId": one, "objectIdToMerge": two})).await;
    let events = inbox.events(5).await;
    let merge = of(&events, "contact.merge")[0].clone();
    assert_eq!(merge["primaryObjectId"].to_string(), one);
    assert_eq!(merge["mergedObjectIds"][0].to_string(), two);
    assert_eq!(merge["newObjectId"].to_string(), merged.id());
    portal.post(&format!("{CONTACTS}/gdpr-delete"), json!({"objectId": merged.id()})).await;
    let events = inbox.events(7).await;
    assert_eq!(of(&events, "contact.privacyDeletion").len(), 1);
    assert_eq!(of(&events, "contact.deletion").len(), 1);
}

#[tokio::test]
async fn a_primary_association_is_two_events_on_each_side() {
    let (portal, inbox) = hooked(Webhooks::default()).await;
    let (contact, company) = (portal.contact("a@example.com").await, portal.company("A").await);
    let spec = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]);
    portal.put(&format!("{CONTACTS}/{contact}/associations/companies/{company}"), spec).await;
    let events = inbox.events(8).await;
    let changes = of(&events, "contact.associationChange");
    assert_eq!(changes.len(), 2);
    assert_eq!(changes.iter().filter(|event| event["isPrimaryAssociation"] == true).count(), 1);
    assert_eq!(changes[0]["associationType"], "CONTACT_TO_COMPANY");
    assert_eq!(changes[0]["associationRemoved"], false);
    assert_eq!(of(&events, "company.associationChange").len(), 2);
}

#[tokio::test]
async fn subscriptions_are_managed_with_the_developer_key() {
    let inbox = Inbox::open().await;
    let portal = portal_with(quick()).await;
    let key = Config::default().developer_key;
    let path = |rest: &str| format!("/app-webhooks/2026-09/{}/{rest}?hapikey={key}", portal.access.app_id);
    let settings = json!({"targetUrl": inbox.url, "throttling": {"maxConcurrentRequests": 10}});
    assert_eq!(portal.put(&path("settings"), settings).await.status, 200);
    let made = portal
        .post(&path("subscriptions"), json!({"eventType": "object.creation", "objectTypeId": "0-46", "active": true}))
        .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let unwatched =
        json!({"eventType": "company.propertyChange", "propertyName": "hs_lastmodifieddate", "active": true});
    assert_eq!(portal.post(&path("subscriptions"), unwatched).await.status, 400);
    portal.contact("quiet@example.com").await;
    portal.post("/crm/objects/2026-09/notes", json!({"properties": {"hs_timestamp": "1"}})).await;
    let events = inbox.events(1).await;
    assert_eq!((events.len(), events[0]["objectTypeId"].as_str()), (1, Some("0-46")));
    let refused = portal.get(&format!("/webhooks/v3/{}/settings", portal.access.app_id)).await;
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn a_batch_switches_all_of_its_subscriptions_or_none() {
    let portal = portal_with(quick()).await;
    let path = |rest: &str| {
        format!("/webhooks/v3/{}/{rest}?hapikey={}", portal.access.app_id, Config::default().developer_key)
    };
    let made = portal.post(&path("subscriptions"), json!({"eventType": "contact.creation", "active": false})).await;
    let id: u64 = made.id().parse().unwrap();
    let inputs = |other: u64| json!({"inputs": [{"id": id, "active": true}, {"id": other, "active": true}]});
    assert_eq!(portal.post(&path("subscriptions/batch/update"), inputs(1)).await.status, 404);
    let active = async || portal.get(&path(&format!("subscriptions/{id}"))).await.body["active"].clone();
    assert_eq!(active().await, false);
    assert_eq!(portal.post(&path("subscriptions/batch/update"), inputs(id)).await.status, 200);
    assert_eq!(active().await, true);
}

#[tokio::test]
async fn only_events_of_the_contract_can_be_subscribed_to() {
    let portal = portal_with(quick()).await;
    let path =
        format!("/webhooks/v3/{}/subscriptions?hapikey={}", portal.access.app_id, Config::default().developer_key);
    let subscribe = async |body: Value| portal.post(&path, body).await.status;
    for known in ["product.merge", "conversation.newMessage", "event.completed", "contact.privacyDeletion"] {
        assert_eq!(subscribe(json!({"eventType": known, "active": true})).await, 201, "{known}");
    }
    for unknown in ["product.associationChange", "company.privacyDeletion", "conversation.merge", "contact.created"] {
        assert_eq!(subscribe(json!({"eventType": unknown, "active": true})).await, 400, "{unknown}");
    }
    let text =
        json!({"eventType": "object.propertyChange", "objectTypeId": "0-49", "propertyName": "hs_email_subject"});
    assert_eq!(subscribe(text).await, 400);
}

#[tokio::test]
async fn events_are_lost_or_late_on_request() {
    let (portal, inbox) = hooked(Webhooks::default()).await;
    portal.sandbox.clock().hold();
    let hubspot = portal.sandbox.hubspot();
    hubspot.set_hook(&json!({"url": inbox.url, "lost": 1.0})).unwrap();
    portal.contact("lost@example.com").await;
    hubspot.set_hook(&json!({"url": inbox.url, "lost": 0.0, "late": 1.0, "late_ms": 9_000_000})).unwrap();
    let late = portal.contact("late@example.com").await;
    hubspot.set_hook(&json!({"url": inbox.url, "late": 0.0})).unwrap();
    let id = portal.contact("prompt@example.com").await;
    portal.sandbox.clock().advance_seconds(1);
    let events = inbox.events(2).await;
    let of = |events: &[Value], id: &str| {
        events.iter().filter(|event| event["objectId"].as_u64() == id.parse().ok()).count()
    };
    assert_eq!((events.len(), of(&events, &id)), (2, 2), "{events:?}");
    portal.sandbox.clock().advance_seconds(9_000);
    let events = inbox.events(4).await;
    assert_eq!((events.len(), of(&events, &late)), (4, 2), "{events:?}");
}
