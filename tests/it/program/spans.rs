//! One lead makes one trace, from the door to the receipts of both CRMs, and nobody's data is in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use mittler_sandbox::Access;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value as Any, trace::v1::Span,
};
use prost::Message;
use serde_json::{Value, json};

use super::{Place, Running, configuration};
use crate::{
    forms::Search,
    support::{self, eventually},
};

/// What a collector was sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    /// Listens at an address; gives where.
    async fn at(&self, address: &str) -> SocketAddr {
        let take = async |State(collector): State<Collector>, body: Bytes| collector.0.lock().unwrap().push(body);
        let router = Router::new().route("/v1/traces", post(take)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        address
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().concat()
    }

    fn spans(&self) -> Vec<Span> {
        let requests = self.0.lock().unwrap().clone();
        let requests = requests.into_iter().map(|bytes| ExportTraceServiceRequest::decode(bytes).unwrap());
        let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }
}

fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Any::StringValue(text)) => text,
        Some(Any::IntValue(number)) => number.to_string(),
        other => panic!("{} has no {name}: {other:?} {:?}", span.name, span.attributes),
    }
}

struct House {
    sandbox: Running,
    place: Place,
}

impl House {
    async fn with(database: &str, collector: &str) -> House {
        let shop = Place::new("");
        let settings = shop.file("sandbox.toml", b"seed = 11\n[hubspot]\nsearch_lag_ms = 20\n");
        let mut sandbox = shop.start(&["sandbox", "--json", "--settings", settings.to_str().unwrap()]);
        let access: Access = serde_json::from_str(&sandbox.says("").await).unwrap();
        let own = format!("[server]\ndatabase = {database:?}\n[telemetry]\notlp = {collector:?}\n");
        let place = Place::new(&format!("{own}{}", configuration(&access, "mode = \"full\"", "mode = \"full\"")));
        place.run(&["doctor"]).await;
        House { sandbox, place }
    }

    /// Starts the service; gives its address and a key.
    async fn serve(&self) -> (Running, String, String) {
        let mut service = self.place.start(&["serve", "--listen", "127.0.0.1:0"]);
        let base = service.says("listening on ").await;
        let client = client();
        eventually("the service is ready", 30, async || {
            client.get(format!("{base}/health/ready")).send().await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        let create = ["keys", "create", "--label", "story", "--scopes", "leads:write,records:read", "--json"];
        let key = self.place.run(&create).await.ended(0).json()["key"].as_str().unwrap().to_owned();
        (service, base, key)
    }
}

fn client() -> reqwest::Client {
    mittler_connector::http::client(Duration::from_secs(30)).unwrap()
}

fn lead() -> Value {
    json!({
        "first_name": "Albrecht", "last_name": "Zeidler", "company": "Spindelwerk Ostalb GmbH",
        "email": "albrecht.zeidler@spindelwerk-ostalb.example", "phone": "07361 481200", "city": "Oberkochen",
    })
}

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Posts a lead; gives its id.
async fn sent(base: &str, key: &str, lead: &Value, parent: Option<&str>) -> String {
    let mut call = client().post(format!("{base}/api/v1/leads?fair=BEWEGA%202026")).bearer_auth(key).json(lead);
    if let Some(parent) = parent {
        call = call.header("traceparent", parent);
    }
    let answer = call.send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let accepted: Value = answer.json().await.unwrap();
    accepted["leads"][0]["id"].as_str().unwrap().to_owned()
}

/// Waits until both CRMs have told what became of the person.
async fn whole(collector: &Collector) -> Vec<Span> {
    eventually("both CRMs have a receipt of the person", 60, async || {
        let spans = collector.spans();
        ["contacts", "Lead"]
            .iter()
            .all(|object| spans.iter().any(|span| span.name == "receipt" && attribute(span, "object") == *object))
    })
    .await;
    collector.spans()
}

async fn a_lead_makes_one_trace(database: &str) {
    let collector = Collector::default();
    let address = collector.at("127.0.0.1:0").await;
    let house = House::with(database, &format!("http://{address}")).await;
    let (service, base, key) = house.serve().await;
    let id = sent(&base, &key, &lead(), None).await;
    let spans = whole(&collector).await;

    // One trace, whose id is the signal's own, under the span of its acceptance.
    let own: Vec<u8> = id.parse::<mittler_core::SignalId>().unwrap().0.as_bytes().to_vec();
    let traces: BTreeSet<&Vec<u8>> = spans.iter().map(|span| &span.trace_id).collect();
    assert_eq!(traces, BTreeSet::from([&own]));
    let first = spans.iter().find(|span| span.name == "accept").unwrap();
    assert!(first.parent_span_id.iter().all(|byte| *byte == 0), "{first:?}");
    assert!(spans.iter().all(|span| span.name == "accept" || span.parent_span_id == first.span_id));
    let ids: BTreeSet<&Vec<u8>> = spans.iter().map(|span| &span.span_id).collect();
    assert_eq!(ids.len(), spans.len(), "each span has an id of its own");

    // Each stage is there, for the person in each CRM, with its code and how long it took.
    let mut codes: BTreeMap<(String, String), String> = BTreeMap::new();
    for span in &spans {
        assert_eq!(attribute(span, "signal"), id);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano && span.start_time_unix_nano > 0);
        let object = match span.name.as_str() {
            "accept" | "enrich" | "derive" => String::new(),
            _ => format!("{} {}", attribute(span, "connection"), attribute(span, "object")),
        };
        codes.insert((span.name.clone(), object), attribute(span, "code"));
    }
    let code = |stage: &str, object: &str| codes.get(&(stage.into(), object.into())).map(String::as_str);
    let own = ["accept", "enrich", "derive"].map(|stage| code(stage, ""));
    assert_eq!(own, [Some("accepted"), Some("done"), Some("derived")]);
    for object in ["hubspot contacts", "salesforce Lead"] {
        let stages = ["plan", "call", "receipt"].map(|stage| code(stage, object));
        assert_eq!(stages, [Some("create"), Some("created"), Some("created")], "{object}: {codes:?}");
    }

    // The same again is known; a caller with a trace of its own is told so there.
    assert_eq!(sent(&base, &key, &lead(), Some(PARENT)).await, id);
    let other = json!({"last_name": "Häberle", "email": "simone.haeberle@spindelwerk-ostalb.example"});
    let second = sent(&base, &key, &other, Some(PARENT)).await;
    let theirs = |span: &&Span| span.trace_id == 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes();
    let receipts = |spans: &[Span]| spans.iter().filter(theirs).filter(|span| span.name == "receipt").count();
    eventually("both CRMs have the second person", 60, async || receipts(&collector.spans()) >= 2).await;
    let spans = collector.spans();
    let accepts: BTreeMap<String, String> = spans
        .iter()
        .filter(theirs)
        .filter(|span| span.name == "accept")
        .inspect(|span| assert_eq!(span.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes()))
        .map(|span| (attribute(span, "signal"), attribute(span, "code")))
        .collect();
    assert_eq!(accepts, BTreeMap::from([(id, "known".into()), (second, "accepted".into())]));

    assert_eq!(service.stop().await, Some(0));
    let bytes = collector.bytes();
    let personal = ["Albrecht", "Zeidler", "Spindelwerk", "spindelwerk-ostalb", "481200", "Oberkochen", "Häberle"];
    let found = Search::for_all(personal).within(&bytes);
    assert!(found.is_empty(), "the collector was told of {found:?}");
    assert_eq!(house.sandbox.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_makes_one_trace_on_sqlite() {
    a_lead_makes_one_trace("sqlite:mittler.sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_makes_one_trace_on_postgres() {
    let fresh = support::postgres().await;
    a_lead_makes_one_trace(fresh.url()).await;
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_holds_nothing_up() {
    // Nobody listens there yet.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let house = House::with("sqlite:mittler.sqlite", &format!("http://{free}")).await;
    let doctor = house.place.run(&["doctor"]).await.ended(1).text();
    assert!(doctor.contains(&format!("✗ telemetry: no collector answers at http://{free}/v1/traces")), "{doctor}");
    let (service, base, key) = house.serve().await;
    let id = sent(&base, &key, &lead(), None).await;
    let read = |id: String| client().get(format!("{base}/api/v1/leads/{id}")).bearer_auth(&key);
    eventually("the lead is read", 30, async || {
        let line: Value = read(id.clone()).send().await.unwrap().json().await.unwrap();
        line["state"] == "done"
    })
    .await;
    // What comes once it listens is told.
    let collector = Collector::default();
    collector.at(&free.to_string()).await;
    let doctor = house.place.run(&["doctor"]).await.text();
    assert!(doctor.contains(&format!("✓ telemetry: the collector at http://{free}/v1/traces takes spans")), "{doctor}");
    let other = json!({"last_name": "Häberle", "email": "simone.haeberle@spindelwerk-ostalb.example"});
    let second = sent(&base, &key, &other, None).await;
    eventually("the second lead is told of", 30, async || {
        collector.spans().iter().any(|span| span.name == "enrich" && attribute(span, "signal") == second)
    })
    .await;
    assert_eq!(service.stop().await, Some(0));
    assert_eq!(house.sandbox.stop().await, Some(0));
}
