//! For one list, the preview, the import, its file of refused rows, its page and Today say the same numbers in the
//! same words.

use std::{collections::BTreeMap, time::Duration};

use mittler_sandbox::Access;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, COOKIE, SET_COOKIE};
use serde_json::{Value, json};

use super::{Done, Place, configuration};
use crate::support::{self, eventually};

/// A title above it, leads, one of the own house, rows that cannot be taken, rows without anything, a row twice.
const MIXED: &str = "Besucher am Stand 7C12;;;;;\n\
    Vorname;Nachname;Firma;E-Mail;Telefon;Bemerkung\n\
    Albrecht;Zeidler;Spindelwerk Ostalb GmbH;albrecht.zeidler@spindelwerk-ostalb.example;07361 481200;möchte ein Angebot\n\
    Simone;Häberle;Spindelwerk Ostalb GmbH;simone.haeberle@spindelwerk-ostalb.example;;\n\
    Albrecht;Zeidler;Spindelwerk Ostalb GmbH;albrecht.zeidler@spindelwerk-ostalb.example;07361 481200;kam noch einmal\n\
    ;;;;;\n\
    Jörn;Reiling;Drehmark GmbH;j.reiling@drehmark.example;;\n\
    ;;Ohne Namen AG;;07361 99881;\n\
    Simone;Häberle;Spindelwerk Ostalb GmbH;simone.haeberle@spindelwerk-ostalb.example;;\n\
    Vorname;Nachname;Firma;E-Mail;Telefon;Bemerkung\n\
    Uta;Brandt;Zellwegen KG;\"uta.brandt@zellwegen.example;0711 4711;nie geschlossen\n\
    ;;Ohne Namen AG;;07361 99881;\n\
    Kaspar;Nord;Nordlicht GmbH;kaspar.nord@nordlicht.example;0431 55512;\n\
    ;;;;;\n\
    Export erstellt am 17.04.2026;;;;;\n";

/// What a call says of itself, without what is none.
fn counted(counts: &Value) -> BTreeMap<String, i64> {
    let all = counts.as_object().unwrap_or_else(|| panic!("no counts: {counts}"));
    all.iter().map(|(name, count)| (name.clone(), count.as_i64().unwrap())).filter(|(_, count)| *count != 0).collect()
}

/// The same numbers as pages show them: what was refused and what is parked is one there.
fn as_shown(counts: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    let mut shown = counts.clone();
    let not_taken: i64 = ["refused", "parked"].iter().filter_map(|name| shown.remove(*name)).sum();
    if not_taken > 0 {
        shown.insert("not_taken".to_owned(), not_taken);
    }
    shown
}

/// The numbers on a page by their names; and that beside each stands its word.
fn on_page(html: &str) -> BTreeMap<String, i64> {
    let numbers = html.split("data-count=\"").skip(1).map(|rest| {
        let (name, rest) = rest.split_once('"').unwrap();
        let number = rest.split_once('>').unwrap().1.split('<').next().unwrap();
        (name.to_owned(), number.replace('.', "").parse::<i64>().unwrap())
    });
    numbers.filter(|(_, number)| *number != 0).collect()
}

/// The words of the numbers in German.
const WORDS: [(&str, &str); 7] = [
    ("rows", "Eingänge"),
    ("taken", "übernommen"),
    ("not_taken", "nicht übernommen"),
    ("skipped", "nichts zu übernehmen"),
    ("repeated", "doppelt in der Liste"),
    ("known", "schon bekannt"),
    ("people", "Personen"),
];

struct Pages {
    client: reqwest::Client,
    base: String,
    cookie: String,
    key: String,
}

impl Pages {
    async fn of(place: &Place, client: reqwest::Client, base: &str) -> Pages {
        let create = ["keys", "create", "--label", "story", "--scopes", "leads:write,records:read", "--json"];
        let key = place.run(&create).await.ended(0).json()["key"].as_str().unwrap().to_owned();
        let link = place.run(&["keys", "link", "--listen", base.trim_start_matches("http://")]).await.ended(0).text();
        let opened = client.post(link.trim()).send().await.unwrap();
        let cookie = opened.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        Pages { client, base: base.to_owned(), cookie, key }
    }

    async fn page(&self, path: &str) -> String {
        let call = self.client.get(format!("{}{path}", self.base)).header(COOKIE, &self.cookie);
        let answer = call.header(ACCEPT, "text/html").header(ACCEPT_LANGUAGE, "de").send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.text().await.unwrap()
    }

    async fn api(&self, path: &str) -> Value {
        let call = self.client.get(format!("{}/api/v1{path}", self.base)).bearer_auth(&self.key);
        call.send().await.unwrap().json().await.unwrap()
    }

    fn form(list: &str) -> reqwest::multipart::Form {
        let file = reqwest::multipart::Part::text(list.to_owned()).file_name("messe.csv");
        let params = json!({ "source": "list", "label": "messe.csv", "stand_scan": true }).to_string();
        reqwest::multipart::Form::new().part("file", file).text("params", params)
    }

    async fn dry_run(&self, list: &str, accept: &str) -> reqwest::Response {
        let call = self.client.post(format!("{}/api/v1/imports?dry_run=true", self.base)).bearer_auth(&self.key);
        let answer = call.header(ACCEPT, accept).multipart(Pages::form(list)).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer
    }

    /// The piece of page that shows a preview.
    async fn preview(&self, list: &str) -> String {
        let page = self.page("/import").await;
        let csrf = page.split("name=\"csrf\" content=\"").nth(1).unwrap().split('"').next().unwrap();
        let call = self.client.post(format!("{}/import/preview", self.base)).header(COOKIE, &self.cookie);
        let call = call.header("x-csrf-token", csrf).header(ACCEPT_LANGUAGE, "de").multipart(Pages::form(list));
        call.send().await.unwrap().text().await.unwrap()
    }
}

/// The line of Today's table that names the list.
fn row_of(html: &str, run: &str) -> String {
    let (_, rest) = html.split_once(&format!("/import/{run}\"")).unwrap_or_else(|| panic!("{run} is not on it"));
    rest.split("</tr>").next().unwrap().to_owned()
}

#[track_caller]
fn says(html: &str, words: &[&str]) {
    for word in words {
        assert!(html.contains(&format!(">{word}<")), "{word}: {html}");
    }
}

fn numbers(counts: &[(&str, i64)]) -> BTreeMap<String, i64> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

fn with_people(mut counts: BTreeMap<String, i64>, people: i64) -> BTreeMap<String, i64> {
    counts.insert("people".to_owned(), people);
    counts
}

async fn a_list_says_the_same_everywhere(database: &str) {
    let shop = Place::new("");
    let settings = shop.file("sandbox.toml", b"seed = 11\n[hubspot]\nsearch_lag_ms = 20\n");
    let mut sandbox = shop.start(&["sandbox", "--json", "--settings", settings.to_str().unwrap()]);
    let access: Access = serde_json::from_str(&sandbox.says("").await).unwrap();
    let own = format!("[server]\ndatabase = {database:?}\nown_domains = [\"drehmark.example\"]\n");
    let place = Place::new(&format!("{own}{}", configuration(&access, "mode = \"full\"", "mode = \"full\"")));
    place.run(&["doctor"]).await;
    let list = place.file("messe.csv", MIXED.as_bytes());
    let list = list.to_str().unwrap();
    let mut service = place.start(&["serve", "--listen", "127.0.0.1:0"]);
    let base = service.says("listening on ").await;
    let client = mittler_connector::http::client(Duration::from_secs(30)).unwrap();
    eventually("the service is ready", 30, async || {
        client.get(format!("{base}/health/ready")).send().await.is_ok_and(|answer| answer.status().is_success())
    })
    .await;
    let pages = Pages::of(&place, client, &base).await;
    let words = |shown: &BTreeMap<String, i64>| -> Vec<&str> {
        WORDS.into_iter().filter(|(name, _)| shown.contains_key(*name)).map(|(_, word)| word).collect()
    };

    // Before it is imported.
    let expected = numbers(&[("rows", 13), ("taken", 4), ("refused", 3), ("skipped", 3), ("repeated", 3)]);
    let dry = place.run(&["import", list, "--dry-run", "--json"]).await.ended(0).json();
    assert_eq!(counted(&dry["counts"]), expected, "{dry:#}");
    let api: Value = pages.dry_run(MIXED, "application/json").await.json().await.unwrap();
    assert_eq!(api["counts"], dry["counts"]);
    let preview = pages.preview(MIXED).await;
    assert_eq!(on_page(&preview), as_shown(&expected), "{preview}");
    says(&preview, &words(&as_shown(&expected)));
    let refused = place.path().join("refused.csv");
    let dry_file = ["import", list, "--dry-run", "--problems", refused.to_str().unwrap()];
    let said = place.run(&dry_file).await.ended(0).text();
    assert!(said.contains("13 inputs, 4 taken, 3 not taken, 3 nothing to take, 3 repeated in the list\n"), "{said}");
    let dry_file = std::fs::read_to_string(&refused).unwrap();
    assert_eq!(dry_file, pages.dry_run(MIXED, "text/csv").await.text().await.unwrap());
    let itself = place.run(&["import", list, "--dry-run", "--problems", list]).await.ended(1);
    assert!(itself.text().contains("is the list itself"), "{}", itself.text());

    // When it was imported: what it led to is known as well.
    let imported = place.run(&["import", list, "--json", "--problems", refused.to_str().unwrap()]).await;
    let imported = said_of(&imported);
    let expected = with_people(expected, 3);
    assert_eq!(counted(&imported["counts"]), expected, "{imported:#}");
    let run = imported["run"].as_str().unwrap();
    let progress = pages.api(&format!("/imports/{run}")).await;
    assert_eq!(progress["counts"], imported["counts"], "{progress:#}");
    let page = pages.page(&format!("/import/{run}")).await;
    assert_eq!(on_page(&page), as_shown(&expected), "{page}");
    says(&page, &words(&as_shown(&expected)));
    let mut of_today = as_shown(&expected);
    of_today.remove("people");
    for path in ["/", "/import"] {
        let today = pages.page(path).await;
        assert_eq!(on_page(&row_of(&today, run)), of_today, "{path}: {today}");
        says(&today, &words(&of_today));
    }
    assert_eq!(dry_file, std::fs::read_to_string(&refused).unwrap());
    let stored = pages.client.get(format!("{base}/api/v1/imports/{run}/problems.csv")).bearer_auth(&pages.key);
    let stored = stored.send().await.unwrap().text().await.unwrap();
    assert_eq!((&stored, stored.lines().count()), (&dry_file, 4));
    let people = place.run(&["records", "--json"]).await.ended(0).json();
    assert_eq!(people.as_array().unwrap().len(), 3);

    // Its rows lead to the records, and these to the CRMs.
    let rows = pages.page(&format!("/import/{run}/rows")).await;
    assert_eq!(rows.matches("<tr>").count(), 11, "every input, and the heading: {rows}");
    let kaspar = rows.split("href=\"/records/").find(|rest| rest.contains(">Kaspar Nord<")).unwrap();
    let kaspar = pages.page(&format!("/records/{}", kaspar.split('"').next().unwrap())).await;
    let portal = format!("href=\"https://app.hubspot.com/contacts/{}/record/0-1/", access.hubspot.portal_id);
    assert!(kaspar.contains(&portal) && kaspar.contains("/lightning/r/Lead/"), "{kaspar}");

    // The same list once more is the same import, and brings nothing.
    let again = numbers(&[("rows", 13), ("repeated", 3), ("known", 10)]);
    let dry = place.run(&["import", list, "--dry-run", "--json"]).await.ended(0).json();
    assert_eq!(counted(&dry["counts"]), again, "{dry:#}");
    let second = said_of(&place.run(&["import", list, "--json"]).await);
    assert_eq!((counted(&second["counts"]), second["run"].as_str()), (again, Some(run)));
    assert_eq!(pages.api(&format!("/imports/{run}")).await["counts"], imported["counts"]);

    // With two rows more it is another import, which counts what was there before.
    let longer = format!("{MIXED}Ida;Bär;Bär KG;ida.baer@baer.example;;\n;;Noch eine AG;;07361 4;\n");
    let expected = numbers(&[("rows", 15), ("known", 10), ("repeated", 3), ("taken", 1), ("refused", 1)]);
    let dry: Value = pages.dry_run(&longer, "application/json").await.json().await.unwrap();
    assert_eq!(counted(&dry["counts"]), expected, "{dry:#}");
    let longer = place.file("messe.csv", longer.as_bytes());
    let third = said_of(&place.run(&["import", longer.to_str().unwrap(), "--json"]).await);
    let expected = with_people(expected, 1);
    assert_eq!(counted(&third["counts"]), expected, "{third:#}");
    let page = pages.page(&format!("/import/{}", third["run"].as_str().unwrap())).await;
    assert_eq!(on_page(&page), as_shown(&expected), "{page}");
    assert_eq!(service.stop().await, Some(0));
    assert_eq!(sandbox.stop().await, Some(0));
}

/// An import ends with 0, or with 3 where a CRM was not told yet: of the counts both say the same.
#[track_caller]
fn said_of(done: &Done) -> Value {
    assert!(matches!(done.code(), Some(0 | 3)), "{}", done.text());
    done.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_says_the_same_everywhere_on_sqlite() {
    a_list_says_the_same_everywhere("sqlite:mittler.sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_says_the_same_everywhere_on_postgres() {
    let fresh = support::postgres().await;
    a_list_says_the_same_everywhere(fresh.url()).await;
    fresh.remove().await;
}
