//! A CRM that cannot finish a look-up, or shows less than it did: only what asks for just that waits.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use mittler_connector::{
    Account, ChangePage, Connector, Cursor, Error, Key, KeyForm, NotAuthentic, Outcome, Profile, RawHook, Received,
    RemoteRecord, Result, SetupStep, SetupWish, Write,
};
use mittler_core::{RemoteSchema, Time, mapping::Mapping};
use mittler_store::Store;
use mittler_sync::{Connection, Mode};
use serde_json::json;

use super::world::{HUBSPOT, SALESFORCE, World, anna, guest, stand};

on_every_database!(
    one_key_that_takes_the_crm_too_long_keeps_nobody_else_waiting,
    a_form_of_look_up_that_takes_the_crm_too_long_is_left_alone,
    a_field_that_the_crm_hides_is_left_out_until_it_shows_it,
);

type Slow = fn(&str, &Key) -> bool;

#[derive(Default)]
struct Limits {
    slow: Mutex<Option<Slow>>,
    hidden: Mutex<BTreeSet<&'static str>>,
    /// Keys of each look-up by domain.
    asked: Mutex<Vec<usize>>,
}

impl Limits {
    fn hides(&self, name: &str) -> bool {
        self.hidden.lock().unwrap().contains(name)
    }
}

struct Limited {
    inner: Arc<dyn Connector>,
    limits: Arc<Limits>,
}

fn invalid_field() -> Error {
    Error::Configuration { code: "INVALID_FIELD".into(), message: "No such column".into() }
}

#[async_trait]
impl Connector for Limited {
    fn profile(&self) -> &Profile {
        self.inner.profile()
    }

    async fn describe(&self, remote_type: &str) -> Result<RemoteSchema> {
        let mut schema = self.inner.describe(remote_type).await?;
        schema.fields.retain(|field| !self.limits.hides(&field.name));
        Ok(schema)
    }

    async fn changes(&self, feed: &str, since: Option<&Cursor>, now: Time) -> Result<ChangePage> {
        self.inner.changes(feed, since, now).await
    }

    async fn read(&self, remote_type: &str, keys: &[Key], fields: &[String]) -> Result<Vec<RemoteRecord>> {
        if keys.first().is_some_and(|key| key.form() == KeyForm::Domain) {
            self.limits.asked.lock().unwrap().push(keys.len());
        }
        let slow = *self.limits.slow.lock().unwrap();
        if slow.is_some_and(|slow| keys.iter().any(|key| slow(remote_type, key))) {
            return Err(Error::TooBroad { code: "QUERY_TIMEOUT".into() });
        }
        if fields.iter().any(|name| self.limits.hides(name)) {
            return Err(invalid_field());
        }
        self.inner.read(remote_type, keys, fields).await
    }

    async fn history(
        &self,
        remote_type: &str,
        ids: &[String],
        fields: &[String],
    ) -> mittler_connector::Result<mittler_connector::Histories> {
        self.inner.history(remote_type, ids, fields).await
    }

    async fn push(&self, remote_type: &str, batch: &[Write]) -> Result<Vec<Outcome>> {
        let mut names = batch.iter().filter_map(Write::fields).flat_map(|fields| fields.0.keys());
        if names.any(|name| self.limits.hides(name)) {
            return Err(invalid_field());
        }
        self.inner.push(remote_type, batch).await
    }

    fn receive(&self, hook: &RawHook, now: Time) -> std::result::Result<Received, NotAuthentic> {
        self.inner.receive(hook, now)
    }

    fn record_url(&self, account: Option<&str>, remote_type: &str, id: &str) -> Option<String> {
        self.inner.record_url(account, remote_type, id)
    }

    async fn setup(&self, wish: SetupWish) -> mittler_connector::Result<Vec<SetupStep>> {
        self.inner.setup(wish).await
    }

    async fn account(&self) -> Result<Account> {
        self.inner.account().await
    }
}

/// Salesforce with limits that a story sets.
fn limit(world: &World) -> Arc<Limits> {
    let known = world.connections.named(SALESFORCE).unwrap();
    let limits = Arc::new(Limits::default());
    let connector = Arc::new(Limited { inner: Arc::clone(&known.connector), limits: Arc::clone(&limits) });
    let mapping = Mapping::parse(mittler_connector_salesforce::DEFAULT_MAPPING).unwrap();
    world.connections.put(Connection::new(known.id, SALESFORCE.into(), Mode::Full, mapping, connector));
    limits
}

async fn state(world: &World) -> (String, Option<String>) {
    let all = world.store.connections().await.unwrap();
    let row = all.into_iter().find(|row| row.name == SALESFORCE).unwrap();
    (row.state.name().to_owned(), row.code)
}

async fn waiting(world: &World, code: &str) -> usize {
    let links = world.store.links_waiting(Some(world.id(SALESFORCE)), None, 100).await.unwrap();
    links.iter().filter(|link| link.code.as_deref() == Some(code) && link.wanted > link.done).count()
}

async fn take(world: &World, guests: std::ops::Range<usize>) {
    world.door.leads(guests.map(guest).collect(), &stand()).await.unwrap();
    world.run_due().await;
    world.advance(2);
    world.run_due().await;
}

async fn one_key_that_takes_the_crm_too_long_keeps_nobody_else_waiting(store: Store) {
    let world = World::new(store).await;
    let limits = limit(&world);
    let slow: Slow = |_, key| matches!(key, Key::Email(email) if email == "gast@firma2.example");
    *limits.slow.lock().unwrap() = Some(slow);
    take(&world, 0..6).await;
    assert_eq!((world.in_salesforce("Lead").len(), world.in_hubspot("contacts").len()), (5, 6));
    assert_eq!(waiting(&world, "lookup_too_slow").await, 1);
    assert_ne!(state(&world).await.0, "waiting", "the connection goes on");
    *limits.slow.lock().unwrap() = None;
    world.advance(3_700);
    world.settle().await;
    assert_eq!((world.in_salesforce("Lead").len(), waiting(&world, "lookup_too_slow").await), (6, 0));
    world.end().await;
}

async fn a_form_of_look_up_that_takes_the_crm_too_long_is_left_alone(store: Store) {
    let world = World::new(store).await;
    let limits = limit(&world);
    let slow: Slow = |remote_type, key| remote_type == "Account" && matches!(key, Key::Domain(_));
    *limits.slow.lock().unwrap() = Some(slow);
    take(&world, 0..16).await;
    assert_eq!(world.in_salesforce("Lead").len(), 16, "other types go on");
    assert_eq!(waiting(&world, "lookup_too_slow").await, 16);
    assert_eq!(state(&world).await, ("misconfigured".into(), Some("lookup_too_slow".into())), "and it is said");
    let asked = limits.asked.lock().unwrap().clone();
    assert!(asked.len() <= 6 && asked.windows(2).all(|pair| pair[1] < pair[0]), "halved, not one by one: {asked:?}");
    take(&world, 16..20).await;
    assert_eq!(world.in_salesforce("Lead").len(), 20);
    assert_eq!(limits.asked.lock().unwrap().len(), asked.len(), "it was asked again");
    *limits.slow.lock().unwrap() = None;
    world.advance(3_700);
    world.settle().await;
    assert_eq!(waiting(&world, "lookup_too_slow").await, 0);
    assert!(limits.asked.lock().unwrap().len() > asked.len());
    world.end().await;
}

async fn a_field_that_the_crm_hides_is_left_out_until_it_shows_it(store: Store) {
    let world = World::new(store).await;
    let limits = limit(&world);
    // Described before, and hidden since: the description is an hour old at most.
    world.lead_only(guest(1)).await;
    limits.hidden.lock().unwrap().insert("City");
    let person = world.lead(anna()).await;
    let lead = world.in_salesforce("Lead").into_iter().find(|lead| lead["LastName"] == "Kranich");
    let lead = lead.expect("nothing was written for want of one field");
    assert_eq!((lead["City"].as_str(), lead["PostalCode"].as_str()), (None, Some("70173")));
    let held = world.link(SALESFORCE, person).await.held.0;
    assert_eq!(held.get("City").map(|held| held.code.as_str()), Some("field_not_there"), "{held:?}");
    assert_eq!(state(&world).await.0, "ready");
    assert_eq!(world.in_hubspot("contacts").len(), 2);
    // A change of it in the other CRM stops nothing, either.
    let contact = world.link(HUBSPOT, person).await.remote_id.unwrap();
    world.advance(60);
    world.edit_hubspot("contacts", &contact, &json!({ "jobtitle": "Prokuristin" }));
    world.pull().await;
    let title = |world: &World| {
        let leads = world.in_salesforce("Lead");
        leads.into_iter().find(|lead| lead["LastName"] == "Kranich").unwrap()
    };
    assert_eq!(title(&world)["Title"], json!("Prokuristin"));
    limits.hidden.lock().unwrap().clear();
    world.advance(3_700);
    world.pull().await;
    assert_eq!(title(&world)["City"], json!("Stuttgart"), "it did not come by itself");
    assert!(world.link(SALESFORCE, person).await.held.0.is_empty());
    world.end().await;
}
