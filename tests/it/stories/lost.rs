//! What is here can be moved, restored or lost: the CRMs have what they have, and the same inputs again double nothing.

use std::collections::BTreeMap;

use bytes::Bytes;
use mittler_core::{Field, RecordId};
use mittler_ingest::LeadParams;
use mittler_sandbox::Sandbox;
use mittler_store::{Clock, copy::Source};
use mittler_sync::{
    forget::forget,
    restrict::{Restriction, restrict},
};
use serde_json::{Value, json};

use super::world::{HUBSPOT, SALESFORCE, Setup, World, anna, guest, organiser, scans};
use crate::support::{Fresh, Shut, empty_postgres, empty_sqlite};

const LIST: &str = "Badge-ID;Vorname;Nachname;Firma;E-Mail;Telefon;Land;Notiz
K-1;Anna;Kranich;Kranichwerk GmbH;anna.kranich@kranichwerk.example;0711 5550900;DE;will Muster
K-2;Bert;Specht;Spechtbau AG;bert.specht@spechtbau.example;0711 5550901;DE;
K-3;Clara;Amsel;Amselhof KG;clara.amsel@amselhof.example;0711 5550902;DE;ruft an
K-4;Dora;Drossel;Drosselwerk GmbH;dora.drossel@drosselwerk.example;0711 5550903;DE;
";
/// A second scan: its note stands beside the task.
const SECOND: &str = "Badge-ID;Vorname;Nachname;Firma;E-Mail;Notiz
K-1;Anna;Kranich;Kranichwerk GmbH;anna.kranich@kranichwerk.example;kommt mit Chef wieder
";
/// Somebody who writes the same each time.
fn reply(day: u8) -> String {
    format!(
        "From: Bert Specht <bert.specht@spechtbau.example>\r\nTo: vertrieb@drehmark.example\r\n\
         Subject: AW: Besuch\r\nDate: Tue, {day} Apr 2026 10:00:00 +0200\r\nMessage-ID: <r{day}@spechtbau.example>\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\nGuten Tag,\r\n\r\nmeine neue Durchwahl ist 0711 5550901-37.\r\n\r\n\
         Mit freundlichen Grüßen\r\nBert Specht\r\n"
    )
}

async fn mail(world: &World, day: u8) {
    world.door.mails(reply(day).into(), &LeadParams::of("vertrieb")).await.unwrap();
    world.settle().await;
}

/// Somebody who was forgotten, on the organiser's list.
const FORGOTTEN: &str = "Vorname;Nachname;Firma;E-Mail;Land
Dora;Drossel;Drosselwerk GmbH;dora.drossel@drosselwerk.example;DE
";

/// Everything that comes in, as often as somebody sends it.
async fn inputs(world: &World) {
    for list in [LIST, SECOND] {
        world.door.import_csv(Bytes::from_static(list.as_bytes()), scans(), |_, _| ()).await.unwrap();
        world.settle().await;
    }
    for day in [21, 22] {
        mail(world, day).await;
    }
}

/// How many of everything live in both CRMs.
fn there(world: &World) -> BTreeMap<String, usize> {
    let salesforce = world.sandbox.salesforce().state();
    let hubspot = world.sandbox.hubspot().state();
    let objects = salesforce.as_object().unwrap().keys().map(|it| (it.clone(), world.in_salesforce(it).len()));
    let types = hubspot.as_object().unwrap().keys().map(|it| (it.clone(), world.in_hubspot(it).len()));
    let all = objects.chain(types).chain([("attendance".to_owned(), world.attendance().len())]);
    all.filter(|(_, count)| *count > 0).collect()
}

/// What people see there: every field that somebody may have filled, without our own key and stamps.
fn shown(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for object in ["Lead", "Contact", "Account", "Task"] {
        for mut record in world.in_salesforce(object) {
            let fields = record.as_object_mut().unwrap();
            fields.retain(|name, _| {
                !name.starts_with("Mittler") && !name.contains("Modified") && name != "SystemModstamp"
            });
            all.push(format!("{object} {record}"));
        }
    }
    for kind in ["contacts", "companies", "tasks", "notes", "emails"] {
        for record in world.in_hubspot(kind) {
            let mut properties = record["properties"].clone();
            let ours =
                |name: &str| name.starts_with("mittler") || name.contains("modified") || name.contains("object_");
            properties.as_object_mut().unwrap().retain(|name, _| !ours(name));
            all.push(format!("{kind} {} {properties}", record["id"]));
        }
    }
    all
}

fn with(lead: Value, fields: &Value) -> Value {
    let mut lead = lead;
    lead.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    lead
}

async fn going_on(fresh: &Fresh, (sandbox, clock): (Sandbox, Clock)) -> World {
    World::over(fresh.store.clone(), sandbox, Setup { clock, ..Setup::default() }).await
}

/// As `mittler move` does it, while nobody works.
async fn copied(from: &Shut, to: &Shut) {
    Source::take(&from.url).await.unwrap().copy_to(&to.url, |_, _| ()).await.unwrap();
}

async fn known(world: &World, email: &str) -> RecordId {
    world.person_by_email(email).await.unwrap_or_else(|| panic!("nobody has {email}"))
}

async fn a_moved_installation_goes_on_as_if_nothing_had_happened(from: Shut, to: Shut, back: Shut) {
    let fresh = from.open().await;
    let world = World::new(fresh.store.clone()).await;
    inputs(&world).await;
    let dora = known(&world, "dora.drossel@drosselwerk.example").await;
    forget(&world.store, &world.keys, &world.clock, dora, "story").await.unwrap().unwrap();
    let clara = known(&world, "clara.amsel@amselhof.example").await;
    restrict(&world.store, &world.clock, clara, Restriction::Begin { reason: None }, "story").await.unwrap();
    world.settle().await;
    let (before, entries) = (there(&world), world.store.audit_entries(0, 100).await.unwrap());
    assert!(entries.len() >= 2 && before["tasks"] >= 3 && before["notes"] == 1 && before["emails"] == 2, "{before:?}");
    let (sandbox, clock) = world.stop();
    let from = fresh.shut().await;

    // Meanwhile somebody works there.
    let contacts = sandbox.hubspot().state()["contacts"].as_array().cloned().unwrap();
    let bert = contacts.iter().find(|it| it["properties"]["email"] == "bert.specht@spechtbau.example").unwrap();
    let title = json!({ "jobtitle": "Prokurist" });
    sandbox.clock().advance_seconds(60);
    sandbox.hubspot().edit("contacts", bert["id"].as_str().unwrap(), title.as_object().unwrap().clone()).unwrap();
    copied(&from, &to).await;
    sandbox.clock().advance_seconds(60);
    clock.advance(std::time::Duration::from_secs(120));

    let fresh = to.open().await;
    let world = going_on(&fresh, (sandbox, clock)).await;
    let bert = known(&world, "bert.specht@spechtbau.example").await;
    assert_eq!(world.record(bert).await.fields.text(&Field::POSITION), Some("Prokurist"), "what was changed meanwhile");
    assert_eq!(world.salesforce_with("Lead", "Title", "Prokurist").len(), 1, "and the other CRM is told");
    let entered: Vec<String> = entries.into_iter().map(|entry| entry.hash).collect();
    let now: Vec<String> = world.store.audit_entries(0, 100).await.unwrap().into_iter().map(|it| it.hash).collect();
    assert_eq!(now[..entered.len()], entered, "the same chain goes on");
    assert_eq!(world.store.verify_audit().await.unwrap(), None);
    let (state, writes) = (shown(&world), world.writes());
    inputs(&world).await;
    assert_eq!(there(&world), before, "doubled");
    assert_eq!(shown(&world), state);
    assert_eq!(world.writes(), writes, "the same again is no news");
    world.door.import_csv(Bytes::from_static(FORGOTTEN.as_bytes()), organiser(), |_, _| ()).await.unwrap();
    world.settle().await;
    assert_eq!((world.writes(), world.person_by_email("dora.drossel@drosselwerk.example").await), (writes, None));
    world.lead(guest(7)).await;
    assert_eq!(world.hubspot_with("contacts", "email", "gast@firma7.example").len(), 1);
    assert_eq!(world.salesforce_with("Lead", "Email", "gast@firma7.example").len(), 1);
    restrict(&world.store, &world.clock, clara, Restriction::Lift, "story").await.unwrap();
    world.settle().await;
    world.nothing_waits().await;
    assert_eq!(world.store.verify_audit().await.unwrap(), None, "and what is entered here fits on");
    let (before, state) = (there(&world), shown(&world));
    let left = world.stop();
    let to = fresh.shut().await;

    copied(&to, &back).await;
    let fresh = back.open().await;
    let world = going_on(&fresh, left).await;
    inputs(&world).await;
    world.lead(guest(7)).await;
    assert_eq!((there(&world), shown(&world), world.writes()), (before, state, 0), "back again");
    assert_eq!(world.store.verify_audit().await.unwrap(), None);
    world.nothing_waits().await;
    world.end().await;
    for place in [from, to, fresh.shut().await] {
        place.remove().await;
    }
}

mod moved {
    use super::{a_moved_installation_goes_on_as_if_nothing_had_happened as goes_on, *};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn from_sqlite_to_postgres_and_back_an_installation_goes_on_as_if_nothing_had_happened() {
        Box::pin(goes_on(empty_sqlite(), empty_postgres().await, empty_sqlite())).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn from_postgres_to_sqlite_and_back_an_installation_goes_on_as_if_nothing_had_happened() {
        Box::pin(goes_on(empty_postgres().await, empty_sqlite(), empty_postgres().await)).await;
    }
}

/// When the restored installation asks the CRMs for changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pulls {
    /// As soon as it starts.
    First,
    /// Only after the inputs have come again.
    Last,
}

/// What comes in after the backup was made.
async fn later(world: &World) {
    for (lead, fields) in [
        (guest(2), json!({ "note": "braucht Angebot", "scanned_at": "2026-04-16T11:00:00+02:00" })),
        (guest(1), json!({ "position": "Leiter Einkauf", "note": "zweites Gespräch" })),
        (anna(), json!({ "badge_id": "K-1", "note": "drittes Gespräch" })),
    ] {
        world.lead(with(lead, &fields)).await;
    }
}

async fn a_restored_backup_doubles_nothing_and_sets_nothing_back(from: Shut, backup: Shut, pulls: Pulls) {
    let fresh = from.open().await;
    let world = World::new(fresh.store.clone()).await;
    inputs(&world).await;
    world.lead(guest(1)).await;
    let left = world.stop();
    let from = fresh.shut().await;
    copied(&from, &backup).await;

    // What the backup knows nothing of: new people, further notes, and what people changed there.
    let fresh = from.open().await;
    let world = going_on(&fresh, left).await;
    world.advance(60);
    later(&world).await;
    world.advance(60);
    let email = |name: &str| world.hubspot_with("contacts", "email", name)[0]["id"].as_str().unwrap().to_owned();
    let (bert, second) = (email("bert.specht@spechtbau.example"), email("gast@firma2.example"));
    world.edit_hubspot("contacts", &bert, &json!({ "jobtitle": "Prokurist" }));
    world.edit_hubspot("contacts", &second, &json!({ "jobtitle": "Vorstand" }));
    let task = world.in_salesforce("Task").into_iter().find(|it| it["Description"] == "Notiz: braucht Angebot");
    let task = task.unwrap()["Id"].as_str().unwrap().to_owned();
    world.edit_salesforce("Task", &task, &json!({ "Status": "Completed" }));
    world.advance(60);
    world.pull().await;
    // And what nobody has asked for since.
    world.advance(60);
    let lead = world.salesforce_with("Lead", "Email", "clara.amsel@amselhof.example")[0]["Id"].clone();
    world.edit_salesforce("Lead", lead.as_str().unwrap(), &json!({ "Title": "Geschäftsführerin" }));
    world.advance(60);
    let before = there(&world);
    let (sandbox, clock) = world.stop();
    let from = fresh.shut().await;

    let fresh = backup.open().await;
    let setup = Setup { clock, ..Setup::default() };
    let world = match pulls {
        Pulls::First => World::over(fresh.store.clone(), sandbox, setup).await,
        Pulls::Last => World::unpulled(fresh.store.clone(), sandbox, setup).await,
    };
    inputs(&world).await;
    later(&world).await;
    if pulls == Pulls::Last {
        world.pull().await;
    }
    assert_eq!(there(&world), before, "doubled");
    let title = |email: &str| world.hubspot_with("contacts", "email", email)[0]["properties"]["jobtitle"].clone();
    assert_eq!(title("bert.specht@spechtbau.example"), "Prokurist");
    assert_eq!(title("gast@firma2.example"), "Vorstand");
    assert_eq!(title("clara.amsel@amselhof.example"), "Geschäftsführerin", "nothing was skipped");
    assert_eq!(title("gast@firma1.example"), "Leiter Einkauf");
    for (email, title) in [
        ("bert.specht@spechtbau.example", "Prokurist"),
        ("gast@firma2.example", "Vorstand"),
        ("clara.amsel@amselhof.example", "Geschäftsführerin"),
        ("gast@firma1.example", "Leiter Einkauf"),
    ] {
        assert_eq!(world.salesforce_with("Lead", "Email", email)[0]["Title"], title, "{email}");
        let record = known(&world, email).await;
        assert_eq!(world.record(record).await.fields.text(&Field::POSITION), Some(title), "{email}");
    }
    assert_eq!(world.in_salesforce("Task").iter().find(|it| it["Id"] == *task).unwrap()["Status"], "Completed");
    assert!(world.store.reviews_open(None, 9).await.unwrap().is_empty());
    world.nothing_waits().await;
    // And it is at rest.
    let writes = world.writes();
    world.advance(60);
    world.pull().await;
    assert_eq!(world.writes(), writes);
    world.end().await;
    for place in [from, fresh.shut().await] {
        place.remove().await;
    }
}

mod restored {
    use super::{a_restored_backup_doubles_nothing_and_sets_nothing_back as restored, *};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_restored_backup_doubles_nothing_and_sets_nothing_back_on_sqlite() {
        Box::pin(restored(empty_sqlite(), empty_sqlite(), Pulls::First)).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_restored_backup_doubles_nothing_and_sets_nothing_back_on_postgres() {
        Box::pin(restored(empty_postgres().await, empty_postgres().await, Pulls::First)).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_restored_backup_that_is_given_the_inputs_before_it_has_asked_sets_nothing_back_on_sqlite() {
        Box::pin(restored(empty_sqlite(), empty_sqlite(), Pulls::Last)).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_restored_backup_that_is_given_the_inputs_before_it_has_asked_sets_nothing_back_on_postgres() {
        Box::pin(restored(empty_postgres().await, empty_postgres().await, Pulls::Last)).await;
    }
}

/// With a new database, and another key beside it or the same.
async fn nobody_is_doubled_by_a_new_database(first: Fresh, second: Fresh, key: [u8; 32]) {
    let world = World::new(first.store.clone()).await;
    inputs(&world).await;
    // What somebody did there since is theirs.
    world.advance(60);
    let contact = &world.hubspot_with("contacts", "email", "bert.specht@spechtbau.example")[0];
    world.edit_hubspot("contacts", contact["id"].as_str().unwrap(), &json!({ "jobtitle": "Prokurist" }));
    let tasks = world.in_salesforce("Task");
    for task in tasks.iter().filter(|task| task["Status"] == "Not Started") {
        let edit = json!({ "Status": "Completed", "ActivityDate": "2027-01-15" });
        world.edit_salesforce("Task", task["Id"].as_str().unwrap(), &edit);
    }
    let noted = tasks.iter().find(|task| task["Description"] == "Notiz: ruft an").unwrap();
    world.edit_salesforce("Task", noted["Id"].as_str().unwrap(), &json!({ "Description": "angerufen, will Angebot" }));
    world.advance(60);
    world.pull().await;
    let (before, state) = (there(&world), shown(&world));
    let (sandbox, clock) = world.stop();

    let setup = Setup { key, clock, ..Setup::default() };
    let world = World::over(second.store.clone(), sandbox, setup).await;
    world.advance(24 * 3_600);
    inputs(&world).await;
    assert_eq!(there(&world), before, "doubled");
    assert_eq!(shown(&world), state, "what they had they have");
    for name in [SALESFORCE, HUBSPOT] {
        let person = known(&world, "bert.specht@spechtbau.example").await;
        let link = world.link(name, person).await;
        assert_eq!((link.state.name(), link.wanted), ("open", link.done), "{name} {link:?}");
    }
    assert!(world.store.reviews_open(None, 9).await.unwrap().is_empty());
    world.nothing_waits().await;
    let writes = world.writes();
    inputs(&world).await;
    assert_eq!(world.writes(), writes);
    // What is new is made.
    world.lead(with(guest(3), &json!({ "note": "will Muster" }))).await;
    world.lead(with(anna(), &json!({ "badge_id": "K-1", "note": "zum dritten Mal da" }))).await;
    mail(&world, 23).await;
    let (now, one) = (there(&world), |kind: &str| before[kind] + 1);
    assert_eq!((now["Lead"], now["tasks"], now["notes"]), (one("Lead"), one("tasks"), one("notes")));
    assert_eq!((now["emails"], now["Task"]), (one("emails"), before["Task"] + 3));
    world.end().await;
    first.remove().await;
    second.remove().await;
}

mod another {
    use super::nobody_is_doubled_by_a_new_database as doubled;
    use crate::support::{postgres, sqlite};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_is_doubled_by_a_new_database_with_another_key_on_sqlite() {
        Box::pin(doubled(sqlite().await, sqlite().await, [7; 32])).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_is_doubled_by_a_new_database_with_another_key_on_postgres() {
        Box::pin(doubled(postgres().await, postgres().await, [7; 32])).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_is_doubled_by_a_new_database_with_the_same_key() {
        Box::pin(doubled(sqlite().await, postgres().await, [42; 32])).await;
    }
}
