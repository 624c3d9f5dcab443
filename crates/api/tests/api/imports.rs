use axum::http::StatusCode;
use mittler_core::RunId;
use mittler_ingest::{ImportParams, LeadParams};
use serde_json::{Value, json};

use crate::support::{LIST, Service};

fn params() -> Value {
    json!({"source": "hm26", "stand_scan": true,
        "fair": {"name": "Hannover Messe 2026", "starts": "2026-04-20", "ends": "2026-04-24"}})
}

async fn imported(service: &Service) -> (String, RunId) {
    let answer = service.upload("/api/v1/imports", LIST, &params()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    let run = answer.json()["run"].as_str().unwrap().to_owned();
    let id = run.parse().unwrap();
    (run, id)
}

#[tokio::test]
async fn a_dry_run_says_how_the_list_is_read_and_writes_nothing() {
    let service = Service::start().await;
    let answer = service.upload("/api/v1/imports?dry_run=true", LIST, &params()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let run = answer.json();
    assert_eq!((&run["encoding"], &run["delimiter"]), (&json!("windows-1252"), &json!(";")));
    assert_eq!(
        (&run["counts"]["rows"], &run["counts"]["taken"], &run["counts"]["refused"]),
        (&json!(4), &json!(2), &json!(2))
    );
    assert_eq!(run["cut"], false);
    let meanings: Vec<_> = run["columns"].as_array().unwrap().iter().map(|column| column["meaning"].clone()).collect();
    assert_eq!(json!(meanings), json!(["first_name", "last_name", "email", "phone", "company", "note"]));
    assert_eq!(run["columns"][0]["samples"][0], "Jürgen");
    let problems: Vec<_> =
        run["problems"].as_array().unwrap().iter().map(|p| (p["line"].clone(), p["code"].clone())).collect();
    assert_eq!(problems, [(json!(4), json!("no_name_and_no_email")), (json!(5), json!("columns_excess"))]);
    let person = run["preview"][0]["person"].as_array().unwrap();
    assert!(person.iter().any(|value| value["value"] == "+497111234567"), "{person:?}");
    assert!(service.get("/api/v1/imports").await.json()["items"].as_array().unwrap().is_empty());
    assert!(service.store.signal_counts(mittler_core::Time(0)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_list_is_kept_row_by_row_and_the_same_file_again_is_the_same_import() {
    let service = Service::start().await;
    let (run, id) = imported(&service).await;
    let progress = service.get(&format!("/api/v1/imports/{run}")).await.json();
    assert_eq!(
        progress["counts"],
        json!({"rows": 4, "known": 0, "repeated": 0, "waiting": 4, "taken": 0, "skipped": 0, "refused": 0, "parked": 0})
    );
    assert_eq!((&progress["state"], &progress["label"]), (&json!("reading"), &json!("messe.csv")));
    assert_eq!(progress["params"]["source_kind"], "badge");
    assert_eq!(progress["params"]["layout"]["encoding"], "windows-1252");
    service.read_inputs(id.0).await;
    assert_eq!(service.get(&format!("/api/v1/imports/{run}")).await.json()["state"], "done");
    let again = service.upload("/api/v1/imports", LIST, &params()).await.json();
    assert_eq!(again, json!({"run": run, "rows": 4, "new": 0, "known": 4, "repeated": 0}));
    assert_eq!(service.get(&format!("/api/v1/imports/{run}")).await.json()["state"], "done");
}

#[tokio::test]
async fn rows_that_were_not_taken_come_back_with_their_cells_and_the_reason() {
    let service = Service::start().await;
    let (run, id) = imported(&service).await;
    service.read_inputs(id.0).await;
    let page = service.get(&format!("/api/v1/imports/{run}/problems?limit=1")).await.json();
    assert_eq!(page["items"][0]["code"], "no_name_and_no_email");
    let next = page["next"].as_str().unwrap();
    let page = service.get(&format!("/api/v1/imports/{run}/problems?limit=1&after={next}")).await.json();
    assert_eq!((&page["items"][0]["line"], &page["next"]), (&json!(5), &Value::Null));
    let list = service.get(&format!("/api/v1/imports/{run}/problems.csv")).await;
    assert!(list.header("content-type").starts_with("text/csv"));
    let lines: Vec<&str> = list.text.trim_start_matches('\u{feff}').lines().collect();
    let own = "mittler_line;mittler_code;mittler_field;mittler_reason;mittler_to_correct";
    assert_eq!(lines[0], format!("Vorname;Nachname;E-Mail;Telefon;Firma;Bemerkung;{own}"));
    assert!(lines[1].starts_with(";;;+49 711 55555;Ohne Namen AG;'=1+1;4;no_name_and_no_email;"), "{}", lines[1]);
    assert!(lines[2].contains(";5;columns_excess;"), "{}", lines[2]);
}

#[tokio::test]
async fn refused_rows_are_read_again_with_corrected_columns() {
    let service = Service::start().await;
    let list = "Wer;Wohin\r\nMuster Anna;anna@example.com\r\n".as_bytes();
    let wrong = json!({"source": "x", "columns": {"Wer": null, "Wohin": null}});
    let run = service.upload("/api/v1/imports", list, &wrong).await.json()["run"].as_str().unwrap().to_owned();
    service.read_inputs(run.parse::<RunId>().unwrap().0).await;
    let retry = format!("/api/v1/imports/{run}/retry");
    let counts = async || service.get(&format!("/api/v1/imports/{run}")).await.json()["counts"].clone();
    assert_eq!(counts().await["refused"], 1);
    let missing = service.post(&retry, &json!({"columns": {"Nirgends": "email"}})).await;
    assert_eq!(missing.code(), "invalid_parameter");
    let unknown = service.post(&retry, &json!({"columns": {"Wer": "no such meaning"}})).await;
    assert_eq!(unknown.code(), "wrong_member");
    assert!(unknown.json()["detail"].as_str().unwrap().contains("`full_name`"), "it says what can be");
    let answer = service.post(&retry, &json!({"columns": {"Wer": "full_name", "Wohin": "email"}})).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::ACCEPTED, json!({"rows": 1})));
    assert_eq!(counts().await["waiting"], 1);
    service.read_inputs(run.parse::<RunId>().unwrap().0).await;
    assert_eq!(counts().await["taken"], 1);
    let gone = service.post("/api/v1/imports/run_00000000000000000000000000000007/retry", &json!({})).await;
    assert_eq!(gone.code(), "not_found");
}

#[tokio::test]
async fn a_form_that_is_broken_too_large_or_no_list_is_refused_as_a_whole() {
    let service = Service::with(|settings| settings.import_limit = 2_000).await;
    let large = service.upload("/api/v1/imports", &vec![b'a'; 3_000], &params()).await;
    assert_eq!((large.status.as_u16(), large.code().as_str()), (413, "too_large"));
    let picture = service.upload("/api/v1/imports", &[0x89, b'P', b'N', b'G', 0, 0, 0, 1, 2, 3], &params()).await;
    assert_eq!((picture.status.as_u16(), picture.json()["cause"].as_str()), (422, Some("not_text")));
    let empty = service.upload("/api/v1/imports", b"", &params()).await;
    assert_eq!(empty.json()["cause"], "empty");
    let nobody = service.upload("/api/v1/imports", LIST, &json!({"source": " "})).await;
    assert_eq!((nobody.code().as_str(), nobody.json()["field"].as_str()), ("invalid_parameter", Some("source")));
    let fair = json!({"source": "x", "fair": {"name": "M", "starts": "2026-04-20", "ends": "2026-04-19"}});
    assert_eq!(service.upload("/api/v1/imports", LIST, &fair).await.json()["field"], "fair.ends");
    let json_body = service.post("/api/v1/imports", &json!({})).await;
    assert_eq!(json_body.code(), "wrong_type");
}

#[tokio::test]
async fn an_import_is_idempotent_by_file_and_parameters_whatever_the_form_looks_like() {
    let service = Service::start().await;
    let send = async |file: &[u8]| {
        let mut request = service.upload_request("/api/v1/imports", file, &params());
        request.headers_mut().insert("idempotency-key", "one".parse().unwrap());
        service.send(request).await
    };
    let first = send(LIST).await;
    let again = send(LIST).await;
    assert_eq!(again.json(), first.json());
    assert_eq!(again.json()["new"], 4);
    assert_eq!(send(b"Name;Mail\r\na;b@c.de\r\n").await.code(), "idempotency_mismatch");
}

#[tokio::test]
async fn imports_are_listed_the_newest_first_page_by_page() {
    let service = Service::start().await;
    for number in 0..3 {
        let params = json!({"source": format!("s{number}"), "label": format!("l{number}")});
        assert_eq!(service.upload("/api/v1/imports", LIST, &params).await.status, StatusCode::ACCEPTED);
    }
    let (mut labels, mut path) = (Vec::new(), "/api/v1/imports?limit=2".to_owned());
    loop {
        let page = service.get(&path).await.json();
        labels.extend(page["items"].as_array().unwrap().iter().map(|run| run["label"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/imports?limit=2&after={next}");
    }
    assert_eq!(labels, ["l2", "l1", "l0"]);
}

#[tokio::test]
async fn what_was_not_taken_is_taken_once_it_was_corrected_and_sent_again() {
    let service = Service::start().await;
    let list = "Vorname;Nachname;E-Mail;Telefon;Firma;Bemerkung\r\n\
        ;;;+49 711 4711 Büro;@work GmbH;- ruft an\r\n\
        ;;;;'n Laden;=1+1\r\n";
    let answer = service.upload("/api/v1/imports", list.as_bytes(), &params()).await.json();
    let run = answer["run"].as_str().unwrap().to_owned();
    service.read_inputs(run.parse::<RunId>().unwrap().0).await;
    let problems = service.get(&format!("/api/v1/imports/{run}/problems.csv")).await.text;
    let corrected = problems.replacen("\r\n;;;'+49 711", "\r\nAnna;Muster;;'+49 711", 1);
    assert_ne!(corrected, problems, "{problems}");
    let preview = service.upload("/api/v1/imports?dry_run=true", corrected.as_bytes(), &params()).await.json();
    let headers: Vec<&str> =
        preview["columns"].as_array().unwrap().iter().map(|column| column["header"].as_str().unwrap()).collect();
    assert_eq!(headers, ["Vorname", "Nachname", "E-Mail", "Telefon", "Firma", "Bemerkung"]);
    let kept = preview["preview"][0].to_string();
    assert!(kept.contains("@work GmbH") && kept.contains("- ruft an") && !kept.contains("mittler_"), "{kept}");
    assert!(!kept.contains("'@work") && !kept.contains("'- ruft"), "{kept}");
    let again = service.upload("/api/v1/imports", corrected.as_bytes(), &params()).await.json();
    let run = again["run"].as_str().unwrap().to_owned();
    service.read_inputs(run.parse::<RunId>().unwrap().0).await;
    let counts = service.get(&format!("/api/v1/imports/{run}")).await.json()["counts"].clone();
    assert_eq!((&counts["taken"], &counts["refused"]), (&json!(1), &json!(1)));
    // What was not corrected comes back as it was, with our columns once.
    let problems = service.get(&format!("/api/v1/imports/{run}/problems.csv")).await.text;
    assert_eq!(problems.matches("mittler_line").count(), 1, "{problems}");
    assert!(problems.contains(";;;;'n Laden;'=1+1;3;no_name_and_no_email;"), "{problems}");
}

#[tokio::test]
async fn rows_that_nobody_corrected_are_refused_again_for_the_same_reason() {
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/data/messe-leads.csv");
    let broken =
        "Vorname;Nachname;Firma;E-Mail\nAnton;Eins;A GmbH;\"anton@broken.example\nBerta;Zwei;B;b@b.example;zu;viel\n";
    for (list, refused) in [(std::fs::read(example).unwrap(), 7), (broken.as_bytes().to_vec(), 2)] {
        let service = Service::start().await;
        let (mut list, mut before) = (list, None);
        for _ in 0..3 {
            let answer = service.upload("/api/v1/imports", &list, &params()).await.json();
            let run = answer["run"].as_str().unwrap().to_owned();
            service.read_inputs(run.parse::<RunId>().unwrap().0).await;
            let page = service.get(&format!("/api/v1/imports/{run}/problems")).await.json();
            let items = page["items"].as_array().unwrap().iter();
            let codes: Vec<String> = items
                .map(|item| item["code"].as_str().unwrap().to_owned())
                .filter(|code| !mittler_intake::csv::NO_LEAD.contains(&code.as_str()))
                .collect();
            assert_eq!(codes.len(), refused, "{codes:?}");
            if let Some(before) = before.replace(codes.clone()) {
                assert_eq!(codes, before);
                let counts = service.get(&format!("/api/v1/imports/{run}")).await.json()["counts"].clone();
                assert_eq!(counts["taken"], 0);
            }
            list = service.get(&format!("/api/v1/imports/{run}/problems.csv")).await.text.into_bytes();
        }
    }
}

#[tokio::test]
async fn a_mapping_of_no_column_and_a_country_that_is_none_are_refused() {
    let service = Service::start().await;
    let send = async |params: Value| service.upload("/api/v1/imports?dry_run=true", LIST, &params).await;
    let column = send(json!({"source": "x", "columns": {"Bemerkumg": "note"}})).await;
    assert_eq!((column.code().as_str(), column.json()["cause"].as_str()), ("unreadable", Some("unknown_column")));
    assert!(column.json()["detail"].as_str().unwrap().contains("Bemerkumg"));
    let meaning = send(json!({"source": "x", "columns": {"Bemerkung": "notiz"}})).await;
    assert_eq!((meaning.code().as_str(), meaning.json()["field"].as_str()), ("invalid_parameter", Some("params")));
    let country = send(json!({"source": "x", "default_country": "XX"})).await;
    assert_eq!(
        (country.code().as_str(), country.json()["field"].as_str()),
        ("invalid_parameter", Some("default_country"))
    );
    for code in ["de", "BR", "JP", "ZW"] {
        assert_eq!(send(json!({"source": "x", "default_country": code})).await.status, StatusCode::OK, "{code}");
    }
}

#[tokio::test]
async fn a_dry_run_names_the_encoding_of_the_file_and_no_delimiter_of_one_column() {
    let service = Service::start().await;
    let read = async |list: &[u8]| service.upload("/api/v1/imports?dry_run=true", list, &params()).await.json();
    let utf16: Vec<u8> = "Nachname;E-Mail\r\nGröße;g@a.example\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(&utf16).await["encoding"], "UTF-16LE");
    assert_eq!(read(b"E-Mail\na@a.example\nb@b.example\n").await["delimiter"], Value::Null);
}

#[tokio::test]
async fn what_became_of_a_call_does_not_count_what_others_brought() {
    let service = Service::start().await;
    let mails = LeadParams::of("mail");
    let mail = |number: u32| format!("From: a{number}@a.example\r\nSubject: x\r\n\r\nGuten Tag {number}\r\n");
    let mut last = None;
    for number in 0..5 {
        last = Some(service.ingest.mails(mail(number).into(), &mails).await.unwrap());
    }
    let (counts, _) = service.ingest.outcome(&last.unwrap()).await.unwrap();
    assert_eq!((counts.rows, counts.waiting), (1, 1));
    let again = service.ingest.mails(mail(1).into(), &mails).await.unwrap();
    let counts = service.ingest.outcome(&again).await.unwrap().0;
    assert_eq!((again.known, counts.rows, counts.known, counts.waiting), (1, 1, 1, 0));
    let import = || service.ingest.import_csv(LIST.into(), ImportParams::of("x"), |_, _| ());
    let first = import().await.unwrap();
    service.read_inputs(first.run.0).await;
    let (counts, problems) = service.ingest.outcome(&first).await.unwrap();
    assert_eq!((counts.taken, counts.refused, problems.len()), (2, 2, 2));
    let (counts, problems) = service.ingest.outcome(&import().await.unwrap()).await.unwrap();
    assert_eq!((counts.taken, counts.known, problems.len()), (0, 4, 0));
}
