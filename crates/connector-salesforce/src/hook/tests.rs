use secrecy::SecretString;

use super::*;

const ORGANISATION: &str = "00Dxx0000001gPLEAY";

fn settings() -> Settings {
    Settings {
        organization_id: Some(ORGANISATION.into()),
        hook_secret: SecretString::from("unguessable"),
        ..Settings::new("https://acme.my.salesforce.com")
    }
}

fn notification(number: usize) -> String {
    format!(
        "<Notification><Id>04l080002n{number:04}BAAU</Id><sObject xsi:type=\"sf:Lead\" \
         xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\"><sf:Id>00Q5g0000{number:04}bCdEE</sf:Id>\
         <sf:Company>M&amp;M</sf:Company></sObject></Notification>"
    )
}

fn message(prefix: &str, notifications: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>{prefix}<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>\
         <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\"><OrganizationId>{ORGANISATION}\
         </OrganizationId><SessionId xsi:nil=\"true\"/>{notifications}</notifications></soapenv:Body></soapenv:Envelope>"
    )
}

fn take(settings: &Settings, secret: &str, body: String) -> Result<Received, NotAuthentic> {
    let hook = RawHook {
        method: "POST".into(),
        uri: "https://m.example/hooks/salesforce".into(),
        path_secret: secret.into(),
        headers: Vec::new(),
        body: body.into(),
    };
    receive(settings, &hook, Time(7))
}

#[test]
fn a_message_names_records_to_read_and_is_acknowledged_as_a_whole() {
    let both = notification(1) + &notification(2);
    let received = take(&settings(), "unguessable", message("", &both)).unwrap();
    let ids: Vec<&str> = received.events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["00Q5g00000001bCdEE", "00Q5g00000002bCdEE"]);
    let first = &received.events[0];
    assert_eq!((first.key.as_str(), first.remote_type.as_str()), ("04l080002n0001BAAU", "Lead"));
    assert_eq!((first.account.as_str(), first.at), (ORGANISATION, Time(7)));
    let (media_type, answer) = received.answer.unwrap();
    assert!(media_type == "text/xml" && answer.contains("<Ack>true</Ack>"));
}

#[test]
fn a_hundred_notifications_are_taken_and_one_more_is_not() {
    let many = |count: usize| message("", &(0..count).map(notification).collect::<String>());
    assert_eq!(take(&settings(), "unguessable", many(100)).unwrap().events.len(), 100);
    assert_eq!(take(&settings(), "unguessable", many(101)), Err(NotAuthentic::Form));
}

#[test]
fn without_the_secret_nothing_is_authentic() {
    for secret in ["", "unguessabl", "unguessable2"] {
        assert_eq!(take(&settings(), secret, message("", &notification(1))), Err(NotAuthentic::Signature));
    }
    let unset = Settings { hook_secret: SecretString::default(), ..settings() };
    assert_eq!(take(&unset, "", message("", &notification(1))), Err(NotAuthentic::Signature));
}

#[test]
fn another_organisation_is_not_authentic() {
    let other = Settings { organization_id: Some("00Dxx0000009zzzEAY".into()), ..settings() };
    assert_eq!(take(&other, "unguessable", message("", &notification(1))), Err(NotAuthentic::Account));
    let short = Settings { organization_id: Some(ORGANISATION[..15].into()), ..settings() };
    assert!(take(&short, "unguessable", message("", &notification(1))).is_ok());
}

#[test]
fn document_types_and_entities_are_rejected() {
    let doctypes = [
        r#"<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>"#,
        r#"<!DOCTYPE x SYSTEM "http://evil.example/x.dtd">"#,
        r#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>"#,
    ];
    for doctype in doctypes {
        assert_eq!(take(&settings(), "unguessable", message(doctype, &notification(1))), Err(NotAuthentic::Form));
    }
    let entity = notification(1).replace("00Q5g", "&e;5g");
    assert_eq!(take(&settings(), "unguessable", message("", &entity)), Err(NotAuthentic::Form));
}

#[test]
fn what_is_cut_short_or_not_xml_is_rejected() {
    let whole = message("", &notification(1));
    for body in [whole[..whole.len() - 30].to_owned(), String::new(), "{}".into(), message("", "")] {
        assert_eq!(take(&settings(), "unguessable", body), Err(NotAuthentic::Form));
    }
}
