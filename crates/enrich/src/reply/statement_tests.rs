//! Sentences in which people say what is new, and those in which they do not.

use proptest::prelude::*;

use super::*;

fn numbers(text: &str) -> Vec<String> {
    read(text, "DE").phones.into_iter().map(|phone| phone.e164).collect()
}

#[test]
fn a_new_number_is_heard_in_the_ways_people_say_it() {
    for (text, number) in [
        (
            "Wir haben eine neue Telefonanlage,\nmeine neue Durchwahl ist 07361 48120-37, die alte Zentrale geht nur noch an den Empfang.",
            "+4973614812037",
        ),
        ("Ich habe ein neues Handy, die Nummer ist jetzt +41 79 555 77 38 (die alte läuft aus).", "+41795557738"),
        ("Neue Durchwahl übrigens: +43 5572 555019 DW 44\n(statt DW 12).", "+43557255501944"),
        ("Hi, neue Handynummer: 0175 5550999, am besten ab 16 Uhr.", "+491755550999"),
        ("Auf Ihrer Liste steht eine falsche Nummer, richtig ist 0711 5550-435.", "+497115550435"),
        ("no, that phone is gone. My new cell is +353 87 555 5900. Samples arrived.", "+353875555900"),
        ("Ab sofort erreichen Sie mich unter 0711 5550-435.", "+497115550435"),
        ("my new number is +49 171 5550114", "+491715550114"),
        ("Die alte Nummer 0171 5550111 gilt nicht mehr, bitte nutzen Sie 0171 5550222.", "+491715550222"),
        ("Meine Handynummer 0171 5550111 gilt nicht mehr, neue Nummer: 0171 5550222.", "+491715550222"),
        ("Ab sofort bin ich unter 0171 5550222 erreichbar.", "+491715550222"),
        ("Bei Fragen rufen Sie mich unter 0171 5550222 an.", "+491715550222"),
        ("meine Telefonnummer ist 0711 5550-435", "+497115550435"),
        ("Meine Telefonnummer lautet 0711 5550-435.", "+497115550435"),
        ("neue Nr. 0711 5550-435", "+497115550435"),
        ("die Durchwahl hat sich geändert: 0711 5550-435", "+497115550435"),
        ("My number has changed to +49 171 5550114.", "+491715550114"),
        ("my mobile number has changed to +49 171 5550114", "+491715550114"),
        ("Please update my phone number: +49 171 5550114", "+491715550114"),
        ("new mobile +49 171 5550114", "+491715550114"),
        ("Hallo Herr Reiling, neue Handynummer: 0171 5550222", "+491715550222"),
    ] {
        assert_eq!(numbers(text), [number], "{text}");
    }
}

#[test]
fn a_number_of_somebody_else_is_nobodys() {
    for text in [
        "Bitte wenden Sie sich an Frau Petra Ilg, Tel. 07361 48120-52.",
        "Mein Nachfolger ist Herr Ole Kolbe (0221 4710-267), er ist informiert.",
        "Mein Kollege hat eine neue Nummer: 0711 5550-11.",
        "Die neue Telefonnummer von Dr. Hans Müller lautet 0171 5550000.",
        "Herr Müller ist jetzt erreichbar unter 0711 8877-99.",
        "Frau Ilg hat eine neue Nummer, 07361 48120-52.",
        "Ich bin ab Montag wieder im Büro, können wir dann telefonieren?",
        "Herr Kolbe übernimmt meine Kunden, seine neue Durchwahl ist 0221 4710-267.",
        "Mein Vorgesetzter, Herr Meier, ist erreichbar unter 0221 4710-267.",
        "Herr Wolf aus meinem Team hat eine neue Nummer: 0221 4710-267.",
        "My new assistant can be reached at +49 221 4710267.",
        "Unser Notdienst ist erreichbar unter 0160 5550112.",
        "Petra Ilg ist erreichbar unter 0221 4710-267.",
        "Meine Nummer kennen Sie, die neue Nummer von Petra ist 0221 4710-267.",
        "Die neue Hotline ist erreichbar unter 0800 5550123.",
        "Das Angebot 0711 5550435 bitte bis 30.06. schicken.",
    ] {
        assert_eq!(numbers(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_number_that_is_no_longer_valid_is_cleared() {
    let statements = read("Meine neue Nummer ist 0711 5550-435. Die alte Nummer 0711 5550-434 gilt nicht mehr.", "DE");
    assert_eq!(statements.old_phones.iter().map(|phone| phone.e164.as_str()).collect::<Vec<_>>(), ["+497115550434"]);
    assert_eq!(statements.phones.len(), 1);
}

#[test]
fn a_new_job_and_a_new_company_are_heard() {
    let moved = read(
        "Ich verlasse die Firma Thalerberg mit\nEnde April und bin ab 4. Mai als Technischer Leiter bei der Traunfeld Antriebe\nGmbH in Gmunden.",
        "AT",
    );
    assert_eq!(moved.position.as_deref(), Some("Technischer Leiter"));
    assert_eq!(moved.company.unwrap().name, "Traunfeld Antriebe GmbH");
    assert!(moved.leaves);
    let risen =
        read("kurz vorweg: seit 1. Mai bin ich Geschäftsführer, mein Vater ist in den\nRuhestand gegangen.", "DE");
    assert_eq!(risen.position.as_deref(), Some("Geschäftsführer"));
    let renamed = read(
        "wir firmieren seit dem 15. April als Emsland Agrarroboter GmbH (nicht mehr UG), neue Nummer folgt.",
        "DE",
    );
    assert_eq!(renamed.company.unwrap().name, "Emsland Agrarroboter GmbH");
    assert!(!renamed.leaves);
    assert_eq!(read("ich bin jetzt Leiter Einkauf.", "DE").position.as_deref(), Some("Leiter Einkauf"));
    assert_eq!(read("I have moved to Nordwerk Ltd.", "DE").company.unwrap().name, "Nordwerk Ltd.");
    assert_eq!(read("Ich bin ab Mai nicht mehr für den Einkauf zuständig.", "DE").position, None);
    assert_eq!(read("Bitte bestellen Sie bei der Huber GmbH in Passau.", "DE").company, None);
}

#[test]
fn a_new_name_is_heard() {
    let married = read(
        "seit meiner Hochzeit am Freitag heiße ich Birgit Amrhein (vorher\nLosekamm). Die Mailadresse bleibt.",
        "DE",
    );
    assert_eq!((married.first_name.as_deref(), married.last_name.as_deref()), (Some("Birgit"), Some("Amrhein")));
    assert_eq!(read("mein Nachname schreibt sich Wiśniewska, mit ś.", "DE").last_name.as_deref(), Some("Wiśniewska"));
    assert_eq!(
        read("your letter was addressed to \"Pawe?\" - my first name is Paweł.", "DE").first_name.as_deref(),
        Some("Paweł")
    );
    assert_eq!(
        read("Und bitte nur noch Noack, ohne Zschau - ich führe wieder meinen Geburtsnamen.", "DE")
            .last_name
            .as_deref(),
        Some("Noack")
    );
}

#[test]
fn an_address_in_copy_is_not_the_senders() {
    let emails =
        |text: &str| -> Vec<String> { read(text, "DE").emails.into_iter().map(|email| email.address).collect() };
    assert_eq!(emails("Sie erreichen mich unter 0171 5550114, bitte petra.ilg@f.de in CC."), Vec::<String>::new());
    assert_eq!(emails("Sie erreichen mich unter 0171 5550114 oder p.ilg@f.de."), ["p.ilg@f.de"]);
    assert_eq!(emails("Meine neue Mailadresse: r.otto@zeta.at"), ["r.otto@zeta.at"]);
}

#[test]
fn an_old_number_is_known_by_what_is_said_of_it() {
    for text in [
        "Die alte Nummer 0171 5550111 gilt nicht mehr, bitte nutzen Sie 0171 5550222.",
        "Meine Handynummer 0171 5550111 gilt nicht mehr, neue Nummer: 0171 5550222.",
        "Meine neue Nummer ist 0171 5550222, die 0171 5550111 ist abgeschaltet.",
    ] {
        let statements = read(text, "DE");
        let of = |phones: &[Phone]| phones.iter().map(|phone| phone.e164.clone()).collect::<Vec<_>>();
        assert_eq!(of(&statements.old_phones), ["+491715550111"], "{text}");
        assert_eq!(of(&statements.phones), ["+491715550222"], "{text}");
    }
}

#[test]
fn ordinary_sentences_change_neither_name_nor_job_nor_company() {
    for text in [
        "Gern heiße ich Sie bei uns willkommen.",
        "Bitte in unserem Namen nur noch Frau Ilg anschreiben.",
        "Bitte nur noch Frau Ilg anschreiben, der Name steht unten.",
        "Ich bin zum Service-Termin am Montag da.",
        "Ich bin ab Montag im Einkauf nicht erreichbar.",
        "Ich bin ab Montag im Vertrieb unterwegs.",
        "Ich bin ab 10 Uhr bei der Robert Bosch GmbH im Termin.",
        "Ich bin jetzt bei der Robert Bosch GmbH auf Montage.",
        "Ich bin ab Montag wieder bei der Robert Bosch GmbH.",
        "Ihr Vorname ist Petra.",
    ] {
        assert_eq!(read(text, "DE"), Statements::default(), "{text}");
    }
    let renamed = read("Unser neuer Name ist Kempena Motion B.V.", "NL");
    assert_eq!((renamed.last_name, renamed.position), (None, None));
    assert_eq!(renamed.company.unwrap().name, "Kempena Motion B.V.");
    let moved = read("Ich bin ab Mai als Leiter Montage bei der Robert Bosch GmbH.", "DE");
    assert_eq!((moved.position.as_deref(), moved.leaves), (Some("Leiter Montage"), true));
    assert_eq!(
        read("Ich bin ab sofort Leiter der Konstruktion.", "DE").position.as_deref(),
        Some("Leiter der Konstruktion")
    );
}

#[test]
fn sentences_without_end_are_skipped() {
    let long = "meine neue Nummer ist 0171 5550114 / ".repeat(10_000);
    assert_eq!(numbers(&format!("{long}.\n\nNeue Nummer: 0711 5550435")), ["+497115550435"]);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*") {
        let _ = read(&text, "DE");
    }

    #[test]
    fn no_sentence_with_cues_makes_it_panic(text in "(neue Nummer|bin ich|bei der|heiße ich|ß|ä|statt| |[0-9+./()-]{1,6}|GmbH|,|\n|\\.){0,30}") {
        let _ = read(&text, "DE");
    }
}
