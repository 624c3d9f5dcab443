//! Whole mails, and the example mailbox with what is to be found in it.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn ctx() -> Context {
    Context {
        source: "mail".into(),
        default_country: "DE".into(),
        time_zone: "Europe/Berlin".into(),
        fair: None,
        received_at: Time(0),
    }
}

fn mail(name: &str, address: &str, text: &str) -> Mail {
    let from =
        mail::Mailbox { name: Some(name.into()).filter(|name: &String| !name.is_empty()), address: address.into() };
    Mail { from: Some(from), subject: "AW: Angebot".into(), text: text.into(), ..Mail::default() }
}

fn values(reading: &ReplyReading, field: &Field) -> Vec<String> {
    let said = reading.person.said.iter().filter(|said| said.field == *field);
    said.filter_map(|said| said.value.as_ref()).map(Value::display).collect()
}

#[test]
fn a_mail_without_a_sender_is_refused() {
    assert_eq!(read_reply(&Mail::default(), &ctx()).unwrap_err().code, "sender_missing");
}

#[test]
fn a_stranger_who_signs_with_another_name_changes_nobody() {
    let mail = mail(
        "Bonus Welle",
        "gewinn@bonus-welle.example",
        "Die neue Nummer lautet 0171 5550000.\n\nMit freundlichen Grüßen\nDr. Hans Müller\nRheinlogik Sortieranlagen GmbH\nTel. 0221 4710-258",
    );
    let reading = read_reply(&mail, &ctx()).unwrap();
    assert_eq!(values(&reading, &Field::PHONES), Vec::<String>::new());
    assert_eq!(values(&reading, &Field::LAST_NAME), Vec::<String>::new());
    assert!(reading.organisation.is_none());
    assert!(reading.remarks.iter().any(|remark| remark.code == "name_mismatch"));
}

#[test]
fn an_automatic_mail_says_nothing_new() {
    let mut mail = mail(
        "Anja Kühnapfel",
        "a.k@erftland.example",
        "Ich bin im Urlaub.\n\nFreundliche Grüße\nAnja Kühnapfel\nTel. 02235 5550-78",
    );
    mail.subject = "Automatische Antwort: Ihr Besuch".into();
    let reading = read_reply(&mail, &ctx()).unwrap();
    assert_eq!(reading.automatic, Some("out_of_office"));
    assert_eq!(reading.person.said.iter().map(|said| &said.field).collect::<Vec<_>>(), [&Field::EMAILS]);
}

#[test]
fn an_objection_is_said_at_once() {
    let mail = mail(
        "H. Sassenscheidt",
        "h.sassenscheidt@g.example",
        "hiermit widerspreche ich der Verarbeitung meiner Daten für Zwecke der Werbung.",
    );
    let reading = read_reply(&mail, &ctx()).unwrap();
    assert!(reading.opt_out);
    assert_eq!(values(&reading, &Field::OPT_OUT), ["true"]);
}

#[test]
fn an_old_number_is_cleared_and_the_new_one_taken() {
    let mail = mail(
        "Petra Ilg",
        "petra.ilg@s.example",
        "Hallo,\n\nmeine neue Nummer ist 0711 5550-435. Die alte Nummer 0711 5550-434 gilt nicht mehr.\n\nViele Grüße\nPetra Ilg",
    );
    let reading = read_reply(&mail, &ctx()).unwrap();
    assert_eq!(values(&reading, &Field::PHONES), ["+497115550435"]);
    let gone: Vec<_> =
        reading.person.said.iter().filter(|said| said.value.is_none()).filter_map(|said| said.key.as_deref()).collect();
    assert_eq!(gone, ["+497115550434"]);
}

#[test]
fn who_changes_company_leaves_the_desk_behind() {
    let mail = mail(
        "Ralf Otto",
        "r.otto@epsilon.at",
        "Guten Tag,\nab 1.7. bin ich bei der Firma Zeta Automation GmbH in Linz. Meine neue Mailadresse: r.otto@zeta.at.\n\nLG Ralf Otto\nEinkauf\nEpsilon AG\nTel. +43 732 771240\nMobil +43 664 5550133",
    );
    let reading = read_reply(&mail, &ctx()).unwrap();
    assert_eq!(values(&reading, &Field::COMPANY), ["Zeta Automation GmbH"]);
    assert_eq!(values(&reading, &Field::PHONES), ["+436645550133"], "the mobile number goes along");
    assert_eq!(values(&reading, &Field::EMAILS), ["r.otto@epsilon.at", "r.otto@zeta.at"]);
    let organisation = reading.organisation.unwrap();
    assert!(
        organisation.keys.iter().any(|key| key.value == "zeta.at")
            && !organisation.keys.iter().any(|key| key.value == "epsilon.at")
    );
}

#[test]
fn who_marries_signs_with_the_new_name() {
    let mail = mail(
        "Melanie Kurz",
        "m.kurz@eta.de",
        "nach meiner Heirat lautet mein Nachname nun Lang.\n\nMit besten Grüßen\nMelanie Lang\nEinkauf",
    );
    let reading = read_reply(&mail, &ctx()).unwrap();
    assert_eq!(values(&reading, &Field::LAST_NAME), ["Lang"]);
    assert_eq!(values(&reading, &Field::POSITION), ["Einkauf"]);
}

#[test]
fn a_colleague_named_beside_the_signature_stays_out_of_it() {
    let mail = mail(
        "Jana Berg",
        "jana.berg@alpha.de",
        "für Sie ist nun meine Kollegin Frau Tina Wolf (Tel. 0711 9988-12) zuständig.\n\nMit freundlichen Grüßen\n\ni.A. Jana Berg\nVertriebsinnendienst\n\nAlpha Maschinenbau GmbH · Industriestr. 5 · D-70565 Stuttgart\nTelefon: +49 711 9988-15 · Telefax: +49 711 9988-99 · Mobil: –",
    );
    let reading = read_reply(&mail, &ctx()).unwrap();
    assert_eq!(values(&reading, &Field::PHONES), ["+49711998815"]);
    assert_eq!(values(&reading, &Field::POSITION), ["Vertriebsinnendienst"]);
}

#[test]
fn a_display_name_with_a_company_or_without_a_name_does_not_discard_the_mail() {
    for (name, address) in [
        ("Hans Müller | Huber GmbH", "h.mueller@huber.de"),
        ("Hans Müller (Huber)", "h.mueller@huber.de"),
        ("Hans Müller - Huber", "h.mueller@huber.de"),
        ("Hans Müller, Huber GmbH", "h.mueller@huber.de"),
        ("Müller, Hans (Huber GmbH)", "h.mueller@huber.de"),
        ("Huber GmbH", "h.mueller@huber.de"),
        ("Huber GmbH - Hans Müller", "h.mueller@huber.de"),
        ("Huber Metallbau", "h.mueller@huber.de"),
        ("hmueller", "hmueller@huber.de"),
        ("H.Mueller", "h.mueller@huber.de"),
        ("", "h.mueller@huber.de"),
    ] {
        let text = "Passt so, danke.\n\nMit freundlichen Grüßen\n\nHans Müller\nLeiter Einkauf\nHuber GmbH\nTel. 0711 5550-435";
        let reading = read_reply(&mail(name, address, text), &ctx()).unwrap();
        assert_eq!(values(&reading, &Field::LAST_NAME), ["Müller"], "{name}");
        assert_eq!(values(&reading, &Field::PHONES), ["+497115550435"], "{name}");
        assert_eq!(reading.remarks, [], "{name}");
    }
}

#[test]
fn a_name_in_capitals_is_written_as_names_are() {
    let text = "Passt.\n\nMit freundlichen Grüßen\n\nHANS SCHNEIDER\nLeiter Einkauf";
    let reading = read_reply(&mail("Hans Schneider", "h.schneider@huber.de", text), &ctx()).unwrap();
    assert_eq!(values(&reading, &Field::FIRST_NAME), ["Hans"]);
    assert_eq!(values(&reading, &Field::LAST_NAME), ["Schneider"]);
}

#[test]
fn mails_of_a_mailbox_without_a_name_are_one_persons() {
    let of =
        |name: &str, address: &str, text: &str| read_reply(&mail(name, address, text), &ctx()).unwrap().person.keys;
    let first = of("Huber GmbH", "info@huber.de", "Bitte senden Sie uns Unterlagen.");
    let second = of("Huber GmbH", "INFO@huber.de", "Die Unterlagen fehlen noch.\n\nIhr Team der Huber GmbH");
    let mailbox = keys::key(KeyType::External, "mailbox", "info@huber.de");
    assert!(first.contains(&mailbox) && second.contains(&mailbox), "{first:?} {second:?}");
    let person = of("Hans Müller", "h.mueller@huber.de", "Danke.");
    assert!(person.iter().all(|key| key.key_type != KeyType::External));
}

#[test]
fn an_empty_mail_with_unsubscribe_as_its_subject_objects() {
    let mut empty = mail("Hans Müller", "h.mueller@huber.de", "\n");
    empty.subject = "unsubscribe".into();
    assert!(read_reply(&empty, &ctx()).unwrap().opt_out);
}

/// What the example mailbox should say, against what was read.
#[test]
fn each_reply_of_the_example_mailbox_gives_its_fields_and_nothing_else() {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/data");
    let (Ok(mbox), Ok(expected)) =
        (std::fs::read(data.join("replies.mbox")), std::fs::read_to_string(data.join("expected.json")))
    else {
        eprintln!("skipped: the example mailbox is not there");
        return;
    };
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    let ranges = mail::split_mbox(&mbox);
    let (mut wanted, mut found, mut invented) = (0, 0, 0);
    let mut faults = Vec::new();
    for (range, case) in ranges.into_iter().zip(expected["replies"].as_array().unwrap()) {
        let id = case["id"].as_str().unwrap();
        let reading = read_reply(&mail::read(&mail::unstuff(&mbox[range])).unwrap(), &ctx()).unwrap();
        let ours = said_of(&reading);
        for (field, value) in case["fields"].as_object().unwrap() {
            wanted += 1;
            if ours.contains(&(field.clone(), value.as_str().unwrap().to_owned())) {
                found += 1;
            } else {
                faults.push(format!("{id} missing {field} = {value}"));
            }
        }
        for (field, value) in &ours {
            let named = ["first_name", "last_name"].contains(&field.as_str());
            let own_address = field == "email" && *value == reading.sender;
            let forbidden = case["must_not"].as_array().unwrap().iter().any(|text| text == value.as_str());
            let expected = case["fields"].get(field).is_some_and(|text| text == value.as_str());
            let known_name = named && case["fields"].get(field).is_none();
            if forbidden || !(expected || own_address || known_name) {
                invented += 1;
                faults.push(format!("{id} invented {field} = {value}"));
            }
        }
        assert_eq!(reading.opt_out, case["kind"] == "objection", "{id}");
        assert_eq!(reading.automatic.is_some(), matches!(case["kind"].as_str(), Some("auto-reply" | "bounce")), "{id}");
    }
    println!("replies: {found} of {wanted} fields found, {invented} invented");
    assert!(faults.is_empty(), "{found} of {wanted} found, {invented} invented:\n{}", faults.join("\n"));
}

fn said_of(reading: &ReplyReading) -> BTreeSet<(String, String)> {
    reading
        .person
        .said
        .iter()
        .filter_map(|said| {
            let field = match (said.field.as_str(), said.label) {
                ("phones", Some(Label::Mobile)) => "mobile",
                ("phones", _) => "phone",
                ("emails", _) => "email",
                ("title" | "opt_out", _) => return None,
                (field, _) => field,
            };
            Some((field.to_owned(), said.value.as_ref()?.display()))
        })
        .collect()
}

proptest! {
    #[test]
    fn no_mail_makes_the_reader_panic(name in "\\PC{0,30}", address in "\\PC{0,30}", text in "(\\PC|\n){0,200}") {
        let _ = read_reply(&mail(&name, &address, &text), &ctx());
    }
}
