//! The portal itself: its schema, its key properties, its limits, its webhooks.

use std::{collections::BTreeSet, time::Duration};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, Method},
};
use mittler_connector::{Connector, Error, RawHook, SetupWish, StepState, cursor::TimeId};
use mittler_core::{Time, remote::RemoteType};

use crate::support::{Portal, text};

#[tokio::test]
async fn a_portal_is_prepared_once() {
    let portal = Portal::with(|config| config.hubspot.mittler_id = false, |_| {}).await;
    let checked = portal.hubspot.setup(SetupWish::Check).await.unwrap();
    assert!(checked.len() == 2 && checked.iter().all(|step| step.state == StepState::Missing), "{checked:?}");
    let said = portal.hubspot.setup(SetupWish::Apply).await.unwrap();
    let said: Vec<(StepState, &str)> = said.iter().map(|step| (step.state, &*step.text)).collect();
    assert_eq!(
        said,
        [
            (StepState::Made, "The property mittler_id was created on contacts."),
            (StepState::Made, "The property mittler_id was created on companies.")
        ]
    );
    assert_eq!(portal.hubspot.setup(SetupWish::Apply).await.unwrap(), []);
    portal.created("contacts", "rec_a", &[("email", text("a@example.com"))]).await;
}

#[tokio::test]
async fn a_missing_scope_is_a_sentence_when_preparing_and_a_setting_when_writing() {
    let scopes = |config: &mut mittler_sandbox::Config| {
        config.hubspot.mittler_id = false;
        config.hubspot.scopes =
            ["oauth", "crm.objects.contacts.read", "crm.objects.companies.read"].map(str::to_owned).to_vec();
    };
    let portal = Portal::with(scopes, |_| {}).await;
    let said = portal.hubspot.setup(SetupWish::Apply).await.unwrap();
    assert_eq!(said[0].state, StepState::ByHand);
    assert!(said[0].text.contains("crm.schemas.contacts.write"), "{said:?}");
    let write = [portal.create("rec_a", &[("email", text("a@example.com"))])];
    let error = portal.hubspot.push("contacts", &write).await.unwrap_err();
    assert!(matches!(error, Error::Configuration { code, .. } if code == "MISSING_SCOPES"));
}

#[tokio::test]
async fn a_type_is_described_with_its_key_its_choices_and_its_references() {
    let portal = Portal::open().await;
    let contacts = portal.hubspot.describe("contacts").await.unwrap();
    assert!(contacts.field("mittler_id").unwrap().unique);
    assert_eq!(contacts.field("hubspot_owner_id").unwrap().data_type, RemoteType::Reference);
    assert!(contacts.field("lifecyclestage").unwrap().choices.contains(&"lead".to_owned()));
    assert!(!contacts.field("lastmodifieddate").unwrap().updateable);
    let tasks = portal.hubspot.describe("tasks").await.unwrap();
    assert!(tasks.field("hs_timestamp").unwrap().required);
    assert!(!tasks.field("contact").unwrap().updateable);
}

#[tokio::test]
async fn an_exhausted_burst_says_so_and_the_headers_told_before() {
    let portal = Portal::with(|config| config.hubspot.limits.burst = 3, |_| {}).await;
    let mut refused = None;
    for _ in 0..5 {
        refused = portal.hubspot.describe("contacts").await.err().or(refused);
    }
    assert!(matches!(refused, Some(Error::Limited { bucket: "burst", retry_after: Some(_) })), "{refused:?}");
    assert_eq!(portal.pace.observed.lock().unwrap()[..3], [(1, 3), (2, 3), (3, 3)]);
}

#[tokio::test]
async fn the_older_addresses_work_as_well() {
    let portal = Portal::with(|_| {}, |settings| settings.version = "v3".into()).await;
    let contact = portal.created("contacts", "rec_a", &[("email", text("a@example.com"))]).await;
    let company = portal.created("companies", "rec_c", &[("name", text("Beispiel GmbH"))]).await;
    let ends = [("from", mittler_core::Value::RemoteRef(contact)), ("to", mittler_core::Value::RemoteRef(company))];
    portal.created("contacts_to_companies", "rec_1", &ends).await;
    assert_eq!(
        portal
            .hubspot
            .changes("contacts", Some(&TimeId::begin(Time(0)).cursor()), Time(0))
            .await
            .unwrap()
            .changes
            .len(),
        1
    );
}

#[tokio::test]
async fn webhooks_of_the_portal_are_authentic_and_know_our_own_writes_from_a_persons() {
    let (sender, mut hooks) = tokio::sync::mpsc::unbounded_channel();
    let take = async move |method: Method, headers: HeaderMap, body: Bytes| {
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let method = method.to_string();
        sender.send(RawHook { method, uri: String::new(), path_secret: String::new(), headers, body }).unwrap();
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/hooks", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(take)).await });
    let set = |settings: &mut mittler_connector_hubspot::Settings| {
        settings.hook_uri.clone_from(&uri);
        settings.client_secret = Some(mittler_sandbox::hubspot::Config::default().client_secret.into());
    };
    let portal = Portal::with(|_| {}, set).await;
    portal.sandbox.hubspot().set_hook(&serde_json::json!({"url": uri})).unwrap();
    let ours = portal.created("contacts", "rec_a", &[("email", text("a@example.com"))]).await;
    let fields = serde_json::from_str(r#"{"email": "b@example.com"}"#).unwrap();
    let theirs = portal.sandbox.hubspot().edit("contacts", "new", fields).unwrap()["id"].as_str().unwrap().to_owned();
    let (mut echoes, mut news) = (BTreeSet::new(), BTreeSet::new());
    while !(echoes.contains(&ours) && news.contains(&theirs)) {
        let hook = tokio::time::timeout(Duration::from_secs(60), hooks.recv()).await.unwrap().unwrap();
        let now = portal.sandbox.clock().now().into();
        for event in portal.hubspot.receive(&hook, now).unwrap().events {
            assert_eq!((&*event.remote_type, event.deleted), ("contacts", false));
            assert_eq!(event.account, portal.sandbox.access().hubspot.portal_id.to_string());
            if event.own_echo { &mut echoes } else { &mut news }.insert(event.id);
        }
    }
    assert_eq!((echoes, news), (BTreeSet::from([ours]), BTreeSet::from([theirs])));
}
