use axum::http::StatusCode;
use mittler_core::RunId;
use serde_json::json;

use crate::{
    seed::HOSTILE,
    support::{LIST, Service},
};
use mittler_store::signals::SignalState;

#[tokio::test]
async fn what_a_lead_wrote_reaches_every_page_as_text() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    let seeded = service.seed(HOSTILE).await;
    let list = format!("Nachname;E-Mail;{HOSTILE}\r\n{HOSTILE};x@example.com;{HOSTILE}\r\n;;{HOSTILE}\r\n");
    let params = json!({"source": HOSTILE, "label": HOSTILE, "fair": {"name": HOSTILE}});
    let run =
        service.upload("/api/v1/imports", list.as_bytes(), &params).await.json()["run"].as_str().unwrap().to_owned();
    service.read_inputs(run.parse::<RunId>().unwrap().0).await;
    let paths = [
        "/".to_owned(),
        "/records".to_owned(),
        "/import".to_owned(),
        format!("/records?q={}", "%3Cscript%3Ealert(1)%3C/script%3E"),
        format!("/records/{}", seeded.person),
        format!("/import/{run}"),
        format!("/waiting/{}", seeded.hubspot),
    ];
    for path in paths {
        let page = service.page(&path, &cookie).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.text.contains("<script>alert") && !page.text.contains("<img src=x"), "{path}");
        if path != "/import" {
            assert!(page.text.contains("&lt;script&gt;alert(1)"), "{path}");
        }
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(!page.text.contains("style=\"") && !page.text.contains("onclick"), "{path}");
    }
}

#[tokio::test]
async fn pages_speak_the_language_that_was_asked_for() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    let german = service.page("/", &cookie).await.text;
    assert!(german.contains("<html lang=\"de\">") && german.contains("Was hereinkam"));
    let english = service.page("/?lang=en", &cookie).await;
    assert!(english.text.contains("What came in"));
    let chosen = english.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(service.page("/", &format!("{cookie}; {chosen}")).await.text.contains("What came in"));
}

#[tokio::test]
async fn today_shows_what_came_in_what_was_written_and_what_waits() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    let empty = service.page("/", &cookie).await.text;
    assert!(empty.contains("Heute noch nichts.") && empty.contains("Noch ist kein CRM verbunden."));
    service.seed("von der Heide").await;
    service.upload("/api/v1/imports", LIST, &json!({"source": "hm26"})).await;
    let full = service.page("/", &cookie).await.text;
    for words in [
        "messe.csv",
        "vertrieb",
        "marketing",
        "angelegt",
        "E-Mail-Adresse dort ungültig",
        "Ist das dieselbe Person?",
        "Noch einmal",
    ] {
        assert!(full.contains(words), "{words}");
    }
}

#[tokio::test]
async fn a_run_shows_its_progress_and_then_what_was_not_taken() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    let params = json!({"source": "hm26", "fair": {"name": "Hannover Messe"}});
    let run = service.upload("/api/v1/imports", LIST, &params).await.json()["run"].as_str().unwrap().to_owned();
    let running = service.page(&format!("/import/{run}"), &cookie).await.text;
    assert!(running.contains(&format!("data-progress=\"/api/v1/imports/{run}\"")) && running.contains("<progress"));
    service.read_inputs(run.parse::<RunId>().unwrap().0).await;
    let done = service.page(&format!("/import/{run}"), &cookie).await.text;
    assert!(!done.contains("<progress") && done.contains("weder Name noch E-Mail-Adresse"));
    assert!(done.contains(&format!("/api/v1/imports/{run}/problems.csv")));
}

#[tokio::test]
async fn style_and_script_come_from_the_binary_under_names_that_change() {
    let service = Service::start().await;
    let page = service.page("/", "").await.text;
    for start in ["href=\"", "src=\""] {
        let path = page.split(start).find(|rest| rest.starts_with("/assets/")).unwrap().split('"').next().unwrap();
        let file = service.page(path, "").await;
        assert_eq!(file.status, StatusCode::OK);
        assert!(file.header("cache-control").contains("immutable"));
    }
    assert_eq!(service.page("/assets/mittler-000000000000.css", "").await.status, StatusCode::NOT_FOUND);
    let docs = service.page("/docs", "").await.text;
    assert!(docs.contains("/api/v1/leads") && docs.contains("id=\"code-unreadable\"") && !docs.contains("//cdn"));
    assert!(service.page("/openapi.yaml", "").await.text == mittler_api::openapi_yaml());
}

#[tokio::test]
async fn a_page_that_is_not_there_says_so_in_the_language_of_who_asked_and_leads_back() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    let id = "00000000000000000000000000000007";
    for path in [
        &format!("/records/rec_{id}"),
        "/records/rec_7",
        "/records/meier",
        &format!("/import/run_{id}"),
        "/import/run_7/rows",
        &format!("/waiting/con_{id}"),
        "/waiting/hubspot",
    ] {
        for (query, ours, theirs) in
            [("", "Hier ist nichts.", "There is"), ("?lang=en", "There is nothing here.", "Hier ist")]
        {
            let page = service.page(&format!("{path}{query}"), &cookie).await;
            assert_eq!(
                (page.status, page.header("content-type")),
                (StatusCode::NOT_FOUND, "text/html; charset=utf-8"),
                "{path}"
            );
            assert!(page.text.contains(ours) && !page.text.contains(theirs), "{path}{query}: {}", page.text);
            assert!(
                page.text.contains("href=\"/\"") && page.text.contains("href=\"/records\""),
                "{path}: {}",
                page.text
            );
        }
    }
}

/// A browser gets a page with a way back, a program a problem.
#[tokio::test]
async fn a_mistyped_address_is_a_page_for_people_and_a_problem_for_programs() {
    let service = Service::start().await;
    let ask = async |method: &str, path: &str, accept: &str| {
        let request = service.request(method, path).header("accept", accept).header("accept-language", "de");
        service.send(request.body(axum::body::Body::empty()).unwrap()).await
    };
    let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
    let page = ask("GET", "/recrods", browser).await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::NOT_FOUND, "text/html; charset=utf-8"));
    assert!(page.text.contains("<html lang=\"de\">") && page.text.contains("vertippt"), "{}", page.text);
    assert!(page.text.contains("href=\"/\"") && page.text.contains("href=\"/records\""), "{}", page.text);
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    // Who reloads after a form was sent asks for its address.
    let form = ask("GET", "/logout", browser).await;
    assert_eq!((form.status.as_u16(), form.header("content-type")), (405, "text/html; charset=utf-8"));
    assert!(form.text.contains("gehört zu einer Schaltfläche"), "{}", form.text);
    assert_eq!(ask("GET", "/recrods", "*/*").await.code(), "not_found");
    assert_eq!(ask("GET", "/api/v1/recrods", browser).await.code(), "not_found");
    assert_eq!(ask("PATCH", "/api/v1/records", browser).await.code(), "method_not_allowed");
}

#[tokio::test]
async fn the_rows_of_an_import_say_what_became_of_them_and_lead_to_their_records() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    let seeded = service.seed("von der Heide").await;
    let list = b"Vorname;Nachname;E-Mail\r\nJ;von der Heide;j.heide@example.com\r\nAnna;Muster;a@example.com\r\n;;\r\nkaputt;1;2;3;4\r\n";
    let run = service.upload("/api/v1/imports", list, &json!({"source": "hm26", "label": "Messe"})).await.json()["run"]
        .as_str()
        .unwrap()
        .to_owned();
    let id = run.parse::<RunId>().unwrap();
    let lines = service.store.run_lines(id, false, (i64::MIN, uuid::Uuid::nil()), 100).await.unwrap();
    let (first, person) = (lines[0].id, seeded.person);
    let read = mittler_store::signals::Read {
        id: first,
        state: SignalState::Done,
        code: None,
        field: None,
        reason: None,
        remarks: json!([{"field": "phones", "code": "phone_unreadable", "text": "cannot be read"}]),
        record: Some(person.0),
    };
    service.store.write(async move |tx| tx.settle_signals(std::slice::from_ref(&read)).await).await.unwrap();
    service.read_inputs(id.0).await;
    let import = service.page(&format!("/import/{run}"), &cookie).await.text;
    assert!(import.contains(&format!("href=\"/import/{run}/rows\"")), "{import}");
    let rows = service.page(&format!("/import/{run}/rows"), &cookie).await.text;
    assert_eq!(rows.matches("<tr>").count(), lines.len() + 1, "each row once, and the heading: {rows}");
    assert!(rows.contains(&format!("<a href=\"/records/{person}\">Jürgen von der Heide</a>")), "{rows}");
    assert!(rows.contains("Telefonnummer nicht lesbar") && rows.contains("zu viele Zellen"), "{rows}");
    let english = service.page(&format!("/import/{run}/rows?lang=en"), &cookie).await.text;
    assert!(english.contains("not taken") && !english.contains("nicht übernommen"), "{english}");
    assert_eq!(service.page("/import/run_00000000000000000000000000000007/rows", &cookie).await.status, 404);
}

#[tokio::test]
async fn why_a_question_is_asked_is_said_in_the_language_of_the_page() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    let (one, other) = (service.seed_person("Kranich").await, service.seed_person("Kranich").await);
    let review = mittler_store::reviews::NewReview {
        id: service.clock.id(),
        question: "same_person".into(),
        record: one.0,
        connection: None,
        candidates: json!({ "records": [other] }),
        reason: "same phone and surname".into(),
        asked_at: service.clock.now().0,
    };
    service.store.write(async move |tx| tx.ask(std::slice::from_ref(&review)).await).await.unwrap();
    for path in ["/", "/questions", &format!("/records/{one}")] {
        let german = service.page(path, &cookie).await.text;
        assert!(german.contains("gleich: Telefonnummer und Nachname"), "{path}: {german}");
    }
    let today = service.page("/", &cookie).await.text;
    let place = |text: &str| today.find(text).unwrap_or_else(|| panic!("{text}: {today}"));
    assert!(place("Offene Fragen</h2>") < place("Was hereinkam"), "questions stand first");
}

#[tokio::test]
async fn the_import_page_brings_words_in_its_language_for_a_file_that_cannot_be_read() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    for (path, words) in [("/import", "keine Textdatei"), ("/import?lang=en", "no text file")] {
        let page = service.page(path, &cookie).await.text;
        assert!(page.contains("data-words=") && page.contains(words), "{path}");
    }
}

#[tokio::test]
async fn long_lists_of_the_overview_have_a_page_that_goes_on() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    service.seed("von der Heide").await;
    for number in 0..21 {
        let params = json!({"source": format!("s{number}"), "label": format!("liste {number}")});
        assert_eq!(service.upload("/api/v1/imports", LIST, &params).await.status, StatusCode::ACCEPTED);
    }
    let today = service.page("/", &cookie).await.text;
    assert!(today.contains("href=\"/import#recent\""), "twenty are shown, and the way to the rest");
    let first = service.page("/import", &cookie).await.text;
    let next = first.split("href=\"/import?after=").nth(1).unwrap().split('#').next().unwrap();
    let second = service.page(&format!("/import?after={next}"), &cookie).await.text;
    assert!(first.contains("liste 20") && !first.contains("liste 0<") && second.contains("liste 0<"));
    for (path, words) in [("/questions", "Ist das dieselbe Person?"), ("/jobs", "Programmfehler")] {
        let page = service.page(path, &cookie).await;
        assert!(page.status == StatusCode::OK && page.text.contains(words), "{path}");
    }
}

#[tokio::test]
async fn a_question_is_answered_by_a_button_of_ours_alone() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    let (known, asked) = (service.seed_person("Kranich").await, service.seed_person("Kranich-Specht").await);
    let review = service.question(asked, &[known]).await;
    let today = service.page("/", &cookie).await.text;
    assert!(today.contains("Ja, dieselbe") && today.contains("Nein, verschieden"), "{today}");
    assert!(today.contains(&format!("/records/{known}")) && today.contains("Kranich-Specht"), "{today}");
    let english = service.page("/questions?lang=en", &cookie).await.text;
    assert!(english.contains("Yes, the same") && english.contains("No, different"), "{english}");
    let csrf = today.split("name=\"csrf\" content=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let answer = async |csrf: &str| {
        let form = format!("csrf={csrf}&answer=different");
        let request = axum::http::Request::post(format!("/questions/{review}/answer"))
            .header("cookie", &cookie)
            .header("content-type", "application/x-www-form-urlencoded");
        service.send(request.body(axum::body::Body::from(form)).unwrap()).await.status
    };
    assert_eq!(answer("0000").await, StatusCode::FORBIDDEN);
    assert_eq!(service.store.review_count().await.unwrap(), 1);
    assert_eq!((answer(&csrf).await, answer(&csrf).await), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
    assert_eq!(service.store.review_count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_question_has_a_page_that_compares_and_its_answer_is_taken_back_there() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    let (known, asked) = (service.seed_person("Kranich").await, service.seed_person("Kranich-Specht").await);
    let review = service.question(asked, &[known]).await;
    let path = format!("/questions/{review}");
    let today = service.page("/", &cookie).await.text;
    assert!(today.contains(&format!("href=\"{path}\"")), "{today}");
    let page = service.page(&path, &cookie).await.text;
    // Both with their values, and what the answer changes.
    for words in ["Kranich-Specht", "Kranich<", "Nachname", "wird zu", "Ja, dieselbe", "Nein, verschieden"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        page.contains("<del>Kranich</del> → Kranich-Specht") || page.contains("<del>Kranich-Specht</del> → Kranich")
    );
    let csrf = page.split("name=\"csrf\" content=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let answer = async |answer: &str| {
        let form = format!("csrf={csrf}&answer={answer}");
        let request = axum::http::Request::post(format!("{path}/answer"))
            .header("cookie", &cookie)
            .header("content-type", "application/x-www-form-urlencoded");
        service.send(request.body(axum::body::Body::from(form)).unwrap()).await.status
    };
    assert_eq!(answer("different").await, StatusCode::SEE_OTHER);
    let answered = service.page("/questions/answered", &cookie).await.text;
    assert!(answered.contains(&format!("href=\"{path}\"")) && answered.contains("Nein, verschieden"), "{answered}");
    let page = service.page(&path, &cookie).await.text;
    assert!(page.contains("Antwort zurücknehmen") && !page.contains("Nein, verschieden"), "{page}");
    assert_eq!(answer("take_back").await, StatusCode::SEE_OTHER);
    assert_eq!(service.store.review_count().await.unwrap(), 1, "it is open again");
    assert!(service.page("/questions/answered?lang=en", &cookie).await.text.contains("None yet."));
    let nobody = format!("/questions/{}", service.clock.id());
    assert_eq!(service.page(&nobody, &cookie).await.status, 404);
}

#[tokio::test]
async fn a_record_is_edited_on_its_page_and_a_conflict_loses_nothing_that_was_typed() {
    let service = Service::start().await;
    let cookie = service.sign_in().await;
    let person = service.seed("von der Heide").await.person;
    let path = format!("/records/{person}");
    let page = service.page(&path, &cookie).await.text;
    for words in
        ["Bearbeiten", "name=\"f:position\" value=\"Geschäftsführer\"", "Gilt, bis ein CRM", "name=\"f:phones\""]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let english = service.page(&format!("{path}?lang=en"), &cookie).await.text;
    assert!(
        english.contains(">Edit<") && english.contains("Holds until it is changed or taken back here"),
        "{english}"
    );
    let csrf = page.split("name=\"csrf\" content=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let send = async |to: &str, fields: &[(&str, &str)]| {
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = axum::http::Request::post(format!("{path}/{to}"))
            .header("cookie", &cookie)
            .header("accept-language", "de")
            .header("content-type", "application/x-www-form-urlencoded");
        service.send(request.body(axum::body::Body::from(body.join("&"))).unwrap()).await
    };
    let shown = ("was:position", "Gesch%C3%A4ftsf%C3%BChrer");
    let position = ("f:position", "Prokurist");
    let foreign = send("edit", &[("csrf", "0"), ("version", "1"), position, shown]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    // Only what was changed is written, and the second number is the first now.
    let numbers = [
        ("f:phones", "%2B4971112345678"),
        ("label:phones", "work"),
        ("f:phones", "0170+7654321"),
        ("label:phones", "mobile"),
        ("f:phones", ""),
        ("label:phones", ""),
        ("first:phones", "1"),
        ("was:phones", "work+%2B4971112345678%0D%0Amobile+%2B491701234567"),
    ];
    let untouched = [("f:city", "Stuttgart"), ("was:city", "Stuttgart")];
    let fields = [&[("csrf", csrf.as_str()), ("version", "1"), position, shown][..], &numbers, &untouched].concat();
    assert_eq!(send("edit", &fields).await.status, StatusCode::SEE_OTHER);
    let record = service.get(&format!("/api/v1{path}")).await.json();
    assert_eq!(record["fields"]["position"][0]["source"]["kind"], "person");
    assert_eq!(record["fields"]["city"][0]["source"]["kind"], "badge", "who saves says nothing of what they left");
    let numbers: Vec<&str> =
        record["fields"]["phones"].as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap()).collect();
    assert_eq!(numbers, ["+491707654321", "+4971112345678"]);
    // Somebody else was faster.
    let title = ("f:title", "Prof.");
    let late = send("edit", &[("csrf", &csrf), ("version", "1"), title, ("was:title", "Dr.-Ing.")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text.contains("hat sich geändert, während Sie daran waren"), "{}", late.text);
    assert!(
        late.text.contains("name=\"f:title\" value=\"Prof.\"") && late.text.contains("name=\"version\" value=\"2\"")
    );
    assert!(late.text.contains("name=\"f:position\" value=\"Prokurist\""), "what holds now");
    let wrong =
        send("edit", &[("csrf", &csrf), ("version", "2"), ("f:country", "Mittelerde"), ("was:country", "DE")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("Dieses Land ist nicht bekannt") && wrong.text.contains("value=\"Mittelerde\""));
    let taken_back = send("let-go", &[("csrf", &csrf), ("version", "2"), ("field", "position")]).await;
    assert_eq!(taken_back.status, StatusCode::SEE_OTHER);
    let page = service.page(&path, &cookie).await.text;
    assert!(page.contains("name=\"f:position\" value=\"Geschäftsführer\""), "{page}");
}
