//! Each command does what its help says, alone and beside the running service.

use std::{os::unix::fs::PermissionsExt, time::Duration};

use mittler_sandbox::Access;
use serde_json::{Value, json};

use super::{LIST, MAIL, Place, Running, configuration};
use crate::support;

async fn sandbox(place: &Place) -> (Running, Access) {
    let settings = place.file("sandbox.toml", b"seed = 11\n[hubspot]\nsearch_lag_ms = 20\n");
    let mut sandbox = place.start(&["sandbox", "--json", "--settings", settings.to_str().unwrap()]);
    let access = sandbox.says("").await;
    (sandbox, serde_json::from_str(&access).unwrap())
}

fn emails(records: &Value) -> String {
    records.as_array().unwrap().iter().map(|record| record["fields"]["emails"].to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_works_beside_the_running_service() {
    let shop = Place::new("");
    let (sandbox, access) = sandbox(&shop).await;
    let place = Place::new(&configuration(&access, "mode = \"full\"", "mode = \"full\""));
    let list = place.file("messe.csv", LIST.as_bytes());
    let (list, mail) = (list.to_str().unwrap(), place.file("reply.eml", MAIL.as_bytes()));

    // The doctor finds everything in order before anything is there, and leaves it so.
    let found = place.run(&["doctor", "--json"]).await.ended(0).json();
    assert!(found.as_array().unwrap().iter().any(|check| check["what"] == "connection hubspot, mapping"), "{found}");
    assert!(!place.path().join("mittler.sqlite").exists() && !place.path().join("mittler.key").exists());
    let mapping = place.run(&["mapping", "check", "--json"]).await.ended(0).json();
    assert_eq!(mapping.as_array().unwrap().len(), 2);

    let mut service = place.start(&["serve", "--listen", "127.0.0.1:0"]);
    let base = service.says("listening on ").await;
    // Its output is no terminal but may be kept: the link is not in it.
    service.says("to open the pages get a link: mittler keys link").await;
    let refused = place.run(&["serve", "--listen", "127.0.0.1:0"]).await.ended(1);
    assert!(refused.text().contains("in use by another mittler process"), "{}", refused.text());

    let dry = place.run(&["import", list, "--dry-run", "--json"]).await.ended(0).json();
    assert_eq!((&dry["counts"]["rows"], &dry["counts"]["taken"]), (&json!(3), &json!(2)));
    assert_eq!(place.run(&["records", "--json"]).await.ended(0).json(), json!([]));
    let imported = place.run(&["import", list, "--json"]).await.ended(0).json();
    assert_eq!((&imported["arrived"], &imported["counts"]["taken"]), (&json!(true), &json!(2)), "{imported}");
    assert_eq!(imported["problems"].as_array().unwrap().len(), 1);
    let again = place.run(&["import", list, "--json"]).await.ended(0).json();
    assert_eq!(again["counts"]["known"], 3);
    let reply = place.run(&["reply", mail.to_str().unwrap(), "--json"]).await.ended(0).json();
    assert_eq!((&reply["counts"]["rows"], &reply["arrived"]), (&json!(1), &json!(true)), "{reply}");

    let people = place.run(&["records", "--json"]).await.ended(0).json();
    assert_eq!(people.as_array().unwrap().len(), 2);
    let text = people.to_string();
    assert!(text.contains("+4973614812037"), "the reply's number is not known: {text}");
    let id = people[0]["id"].as_str().unwrap();
    let one = place.run(&["records", id, "--json"]).await.ended(0).json();
    assert_eq!(one["links"].as_array().unwrap().len(), 2, "{one}");
    let connections = place.run(&["connections", "--json"]).await.ended(0).json();
    for connection in connections.as_array().unwrap() {
        let sum = |what: &str| -> i64 {
            connection["links"].as_array().unwrap().iter().map(|links| links[what].as_i64().unwrap()).sum()
        };
        assert!(sum("written") >= 2 && sum("due") == 0, "{connection}");
        assert!(
            connection["waiting"].is_array() && connection["reason"].is_null() && connection["paused_until"].is_null()
        );
    }

    let made =
        place.run(&["keys", "create", "--label", "website", "--scopes", "leads:write", "--json"]).await.ended(0).json();
    let lead = json!({ "first_name": "Uta", "last_name": "Brandt", "email": "uta.brandt@zellwegen.example" });
    let client = mittler_connector::http::client(Duration::from_secs(10)).unwrap();
    let post = client.post(format!("{base}/api/v1/leads")).bearer_auth(made["key"].as_str().unwrap()).json(&lead);
    assert!(post.send().await.unwrap().status().is_success(), "the service does not know the new key");
    let keys = place.run(&["keys", "list", "--json"]).await.ended(0).json();
    assert_eq!(keys.as_array().unwrap().len(), 1);
    place.run(&["keys", "revoke", made["id"].as_str().unwrap()]).await.ended(0);
    let link = place.run(&["keys", "link", "--listen", base.trim_start_matches("http://")]).await.ended(0).text();
    let opened = client.get(link.trim()).send().await.unwrap().status();
    assert!(opened.is_success() || opened.is_redirection(), "{link}: {opened}");

    let edited =
        place.run(&["edit", id, "position=Prokuristin", "phones+=mobile:0171 5550900", "--json"]).await.ended(0);
    let edited = edited.json();
    assert_eq!((&edited["changed"], edited["writes"].as_array().unwrap().len()), (&json!(true), 2), "{edited}");
    let text = place.run(&["edit", id, "--clear", "position"]).await.ended(0).text();
    assert!(text.contains("position: Prokuristin →") && text.contains("whoever says something newer"), "{text}");
    let text = place.run(&["edit", id, "--let-go", "position"]).await.ended(0).text();
    assert!(!text.contains("is so already"), "{text}");
    assert!(place.run(&["edit", id, "--let-go", "position"]).await.ended(0).text().contains("is so already"));
    let refused = place.run(&["edit", id, "emails=nobody"]).await.ended(1).text();
    assert!(refused.contains("emails: this is no e-mail address"), "{refused}");

    let export = place.run(&["export", id]).await.ended(0).json();
    assert!(export["records"].as_array().unwrap().len() > 1 && export["person"] == id, "{export}");
    let page = place.path().join("auskunft.html");
    let said = place.run(&["export", id, "--format", "html", "--out", page.to_str().unwrap()]).await.ended(0).text();
    assert!(said.contains("it holds personal data"), "{said}");
    assert!(std::fs::read_to_string(&page).unwrap().contains("Auskunft über gespeicherte Daten"));
    assert!(place.run(&["export", "nobody@example.com"]).await.ended(1).text().contains("nobody is known"));
    let preview = place.run(&["forget", id, "--dry-run", "--json"]).await.ended(0).json();
    assert!(preview["removed"].as_array().unwrap().len() > 5, "{preview}");
    place.run(&["records", id]).await.ended(0);

    let restricted = place.run(&["restrict", id, "--json"]).await.ended(0).json();
    assert_eq!((&restricted["restricted"], &restricted["changed"]), (&json!(true), &json!(true)), "{restricted}");
    assert!(place.run(&["restrict", id]).await.ended(0).text().contains("was restricted before"));
    assert!(place.run(&["restrict", id, "--lift"]).await.ended(0).text().contains("is lifted"));

    let organisations = place.run(&["records", "--kind", "organisation", "--json"]).await.ended(0).json();
    let refused = place.run(&["forget", organisations[0]["id"].as_str().unwrap()]).await.ended(1);
    assert!(refused.text().contains("not a person"), "{}", refused.text());
    let gone = place.run(&["forget", "simone.haeberle@spindelwerk-ostalb.example", "--json"]).await.ended(0).json();
    assert!(gone["known_at"].as_array().unwrap().len() >= 2 && gone["addresses_kept_out"] == 1, "{gone}");
    let left = place.run(&["records", "--json"]).await.ended(0).json();
    assert!(!emails(&left).contains("haeberle") && emails(&left).contains("zeidler"), "{left}");
    let back = place.run(&["import", list, "--source", "another list", "--json"]).await.ended(0).json();
    assert_eq!(back["problems"].as_array().unwrap().len(), 2, "who was forgotten is kept out: {back}");

    let doctor = place.run(&["doctor"]).await.ended(0).text();
    assert!(doctor.contains("✓ connection hubspot, state: ready; not asked for changes yet; mode full"), "{doctor}");
    let described = place.run(&["openapi"]).await.ended(0);
    assert_eq!(described.output.stdout, include_bytes!("../../../openapi.yaml"));
    assert_eq!(service.stop().await, Some(0));
    assert_eq!(sandbox.stop().await, Some(0));
}

/// Without a service an import does the work itself; with some connection shut it says so and ends
/// with a code of its own.
async fn an_import_alone(database: Option<&str>) {
    let shop = Place::new("");
    let (sandbox, access) = sandbox(&shop).await;
    let place = Place::new(&configuration(&access, "mode = \"off\"", "mode = \"full\""));
    let list = place.file("messe.csv", LIST.as_bytes());
    let list = list.to_str().unwrap();
    let with = |arguments: &[&'static str]| -> Vec<String> {
        let database = database.into_iter().flat_map(|url| ["--database".to_owned(), url.to_owned()]);
        arguments.iter().map(|it| (*it).to_owned()).chain(database).collect()
    };
    let run = async |arguments: Vec<String>| place.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let waiting = run([with(&["import", "--no-wait", "--json"]), vec![list.to_owned()]].concat()).await.ended(0).json();
    assert_eq!((&waiting["counts"]["waiting"], &waiting["arrived"]), (&json!(3), &json!(false)), "{waiting}");
    let imported = run([with(&["import", "--source", "second", "--json"]), vec![list.to_owned()]].concat()).await;
    let imported = imported.ended(3).json();
    let told = imported["not_at"].as_array().unwrap();
    assert!(told.iter().any(|it| it == "salesforce: its mode is off"), "{imported}");
    // The portal lacks our key as yet: that is said, with who makes it.
    let key = |it: &Value| it.as_str().is_some_and(|it| it.starts_with("hubspot") && it.contains("mittler connect"));
    assert!(told.iter().any(key), "{imported}");
    let connections = run(with(&["connections", "--json"])).await.ended(0).json();
    let shut = connections.as_array().unwrap().iter().find(|it| it["name"] == "salesforce").unwrap();
    assert!(!shut["waiting"].as_array().unwrap().is_empty(), "{shut}");
    assert_eq!(sandbox.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_alone_says_what_did_not_arrive_on_sqlite() {
    an_import_alone(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_alone_says_what_did_not_arrive_on_postgres() {
    let fresh = support::postgres().await;
    an_import_alone(Some(fresh.url())).await;
    fresh.remove().await;
}

/// A connection for which nobody chose a mode plans and writes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_before_somebody_says_so() {
    let shop = Place::new("");
    let (sandbox, access) = sandbox(&shop).await;
    let place = Place::new(&configuration(&access, "", ""));
    let list = place.file("messe.csv", LIST.as_bytes());
    let imported = place.run(&["import", list.to_str().unwrap()]).await.ended(0);
    for name in ["salesforce", "hubspot"] {
        let said = format!("connection {name} writes nothing: mode dry_run");
        assert!(imported.text().contains(&said), "{}", imported.text());
    }
    let connections = place.run(&["connections", "--json"]).await.ended(0).json();
    for links in connections.as_array().unwrap().iter().flat_map(|it| it["links"].as_array().unwrap()) {
        assert_eq!((&links["written"], &links["due"]), (&json!(0), &json!(0)), "{connections}");
    }
    assert_eq!(sandbox.stop().await, Some(0));
}

/// What a connection holds is due again at a word, and no more than that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_retried_by_its_name() {
    let shop = Place::new("");
    let (sandbox, access) = sandbox(&shop).await;
    let place = Place::new(&configuration(&access, "", ""));
    let list = place.file("messe.csv", LIST.as_bytes());
    place.run(&["import", list.to_str().unwrap()]).await.ended(0);
    let due = async |name: &str| -> i64 {
        let connections = place.run(&["connections", "--json"]).await.ended(0).json();
        let one = connections.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone();
        one["links"].as_array().unwrap().iter().map(|links| links["due"].as_i64().unwrap()).sum()
    };
    assert_eq!((due("hubspot").await, due("salesforce").await), (0, 0));
    let again = place.run(&["connections", "retry", "hubspot", "--json"]).await.ended(0).json();
    let links = again["links"].as_i64().unwrap();
    assert!(links > 0, "a dry run holds everything: {again}");
    assert_eq!((due("hubspot").await, due("salesforce").await), (links, 0));
    let none = place.run(&["connections", "retry", "salesforse"]).await.ended(1);
    assert!(none.text().contains("no connection \"salesforse\"; there are: hubspot, salesforce"), "{}", none.text());
    assert_eq!(sandbox.stop().await, Some(0));
}

/// The doctor goes on after a fault, and says what to do about each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fault_hides_no_other() {
    let shop = Place::new("");
    let (sandbox, access) = sandbox(&shop).await;
    let text = configuration(&access, "", "client_secret_file = \"missing.secret\"");
    let place = Place::new(&text.replace(&access.salesforce.organization_id, &access.salesforce.organization_id[..14]));
    // A port that the system gives to nobody by itself.
    let found =
        place.run(&["doctor", "--json", "--database", "postgres://mittler@127.0.0.1:1/mittler"]).await.ended(1).json();
    let says = |what: &str| {
        let check = found.as_array().unwrap().iter().find(|check| check["what"] == what);
        check.map(|check| check["says"].as_str().unwrap().to_owned()).unwrap_or_default()
    };
    assert!(says("database").contains("nothing listens there"), "{found}");
    assert!(says("connection hubspot").contains("missing.secret"), "{found}");
    assert!(says("connection salesforce").contains("not to 00D"), "{found}");
    assert!(!place.path().join("mittler.key").exists());
    assert_eq!(sandbox.stop().await, Some(0));
}

/// Everything at once: each fault has a line of its own that says where it is and what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_names_what_the_crms_and_the_settings_do_not_agree_on() {
    let shop = Place::new("");
    let (sandbox, access) = sandbox(&shop).await;
    let both = configuration(&access, "mode = \"full\"", "mode = \"full\"");
    let second = both.rsplit_once("[[connection]]").unwrap().1.replace("\"hubspot\"\ncrm", "\"second\"\ncrm");
    let second = second.replace(&format!("portal_id = \"{}\"\n", access.hubspot.portal_id), "");
    let place = Place::new(&format!(
        "[server]\npublic_url = \"http://mittler.example.com/crm\"\n[worker]\nworkers = 0\n\
         [routing]\notherwise = \"niemand@nirgends.example\"\n{both}[[connection]]{second}"
    ));
    std::fs::set_permissions(place.path().join("mittler.toml"), PermissionsExt::from_mode(0o644)).unwrap();
    let found = place.run(&["doctor", "--json"]).await.ended(1).json();
    let wrong = |what: &str, says: &str| {
        let checks = found.as_array().unwrap();
        checks.iter().any(|it| it["what"] == what && it["well"] == false && it["says"].as_str().unwrap().contains(says))
    };
    for (what, says) in [
        ("address", "is not https"),
        ("address", "write http://mittler.example.com"),
        ("worker.workers", "1 to 256"),
        ("configuration", "chmod 600"),
        ("connection second, account", &format!("set portal_id = \"{}\"", access.hubspot.portal_id)),
        ("connection second, account", "as those of hubspot do"),
        ("routing, owners", "no CRM has niemand@nirgends.example"),
    ] {
        assert!(wrong(what, says), "{what}: {says}: {found:#}");
    }
    assert_eq!(sandbox.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_folder_without_a_configuration_the_doctor_says_what_to_do() {
    let place = Place::new("");
    std::fs::remove_file(place.path().join("mittler.toml")).unwrap();
    let said = place.run(&["doctor"]).await.ended(1).text();
    assert!(said.contains("there is no mittler.toml in ") && said.contains("--config"), "{said}");
    assert!(std::fs::read_dir(place.path()).unwrap().next().is_none(), "it made something");
}

/// The demo touches nothing that is there: it can run again, and leaves nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_runs_twice_on_one_postgres() {
    let fresh = support::postgres().await;
    let place = Place::new("");
    let (list, mail) = (place.file("list.csv", LIST.as_bytes()), place.file("mail.eml", MAIL.as_bytes()));
    let (list, mail) = (list.to_str().unwrap(), mail.to_str().unwrap());
    for _ in 0..2 {
        let shown = place.run(&["demo", "--json", "--list", list, "--mailbox", mail, "--database", fresh.url()]).await;
        let shown = shown.ended(0).json();
        assert_eq!((&shown["database"], &shown["records"]["person"]), (&json!("PostgreSQL"), &json!(2)), "{shown}");
    }
    let mut raw = crate::store::Raw::of(&fresh).await;
    assert_eq!(raw.number("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'mittler_demo_%'").await, 0);
    raw.close().await;
    fresh.remove().await;
}

/// Practice needs one command: a configuration that is connected to the sandbox, with keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandbox_writes_a_configuration_that_is_connected_to_it() {
    let place = Place::new("");
    let folder = place.path().join("practice");
    let configure = ["sandbox", "--configure", folder.to_str().unwrap()];
    let mut sandbox = place.start(&configure);
    let serve = sandbox.says("  connected to it: mittler ").await;
    let config = folder.join("mittler.toml");
    assert_eq!(serve, format!("--config {} serve", config.display()));
    let mode = |file: &str| std::fs::metadata(folder.join(file)).unwrap().permissions().mode() & 0o777;
    for secret in ["mittler.key", "hubspot.token", "hubspot.secret", "salesforce.secret"] {
        assert_eq!(mode(secret), 0o600, "{secret}");
    }
    let with = ["--config", config.to_str().unwrap()];
    let connected = place.run(&[&with[..], &["connect", "hubspot", "--json"]].concat()).await.ended(0).json();
    assert_eq!(connected["connected"], true, "{connected}");
    assert!(connected["steps"].as_array().unwrap().iter().all(|step| step["state"] == "made"), "{connected}");
    // Nothing is left to be put right.
    place.run(&[&with[..], &["doctor"]].concat()).await.ended(0);
    let list = place.file("messe.csv", LIST.as_bytes());
    let import = ["import", list.to_str().unwrap(), "--json"];
    let imported = place.run(&[&with[..], &import].concat()).await.ended(0).json();
    assert_eq!(imported["arrived"], true, "{imported}");
    assert_eq!(sandbox.stop().await, Some(0));

    // It writes over its own, and over nobody else's.
    let mut sandbox = place.start(&configure);
    sandbox.says("  connected to it: ").await;
    assert_eq!(sandbox.stop().await, Some(0));
    std::fs::write(&config, "[server]\n").unwrap();
    let refused = place.run(&configure).await.ended(1).text();
    assert!(refused.contains("choose another folder"), "{refused}");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "[server]\n");
}

/// What a connection needs in its CRM is made when somebody connects it, and before that nothing is changed there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_makes_what_it_needs_when_it_is_connected() {
    let shop = Place::new("");
    let settings = shop.file("sandbox.toml", b"seed = 11\n[hubspot]\nmittler_id = false\n");
    let mut sandbox = shop.start(&["sandbox", "--json", "--settings", settings.to_str().unwrap()]);
    let access: Access = serde_json::from_str(&sandbox.says("").await).unwrap();
    let place = Place::new(&configuration(&access, "mode = \"dry_run\"", "mode = \"dry_run\""));
    // Somebody who only looks changes nothing.
    for _ in 0..2 {
        let doctor = place.run(&["doctor"]).await.ended(1).text();
        let said = "The property mittler_id is missing on contacts.";
        assert!(
            doctor.contains(said) && doctor.contains("`mittler connect hubspot` makes what is missing"),
            "{doctor}"
        );
    }
    let connected = place.run(&["connect", "hubspot"]).await.ended(0).text();
    assert!(connected.contains("The property mittler_id was created on contacts."), "{connected}");
    assert!(connected.contains("Nothing is written in mode dry_run"), "{connected}");
    let again = place.run(&["connect", "hubspot", "--json"]).await.ended(0).json();
    assert_eq!(again["steps"], json!([]));
    place.run(&["doctor"]).await.ended(0);
    let unknown = place.run(&["connect", "nobody"]).await.ended(1).text();
    assert!(unknown.contains("there is no connection"), "{unknown}");
    assert_eq!(sandbox.stop().await, Some(0));
}
